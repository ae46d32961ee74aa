package store

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/glob"
)

// Settings are those of one index.
type Settings struct {
	values   map[string]string // by full name, without "index."
	Shards   int
	Replicas int
	Fields   int // limit
	Window   int // from + size
}

// Settings that change nothing here are taken. Those that this engine would have to obey, and does not, are refused.
var (
	idleSettings = []string{
		"refresh_interval", "codec", "codec.*", "merge.*", "translog.*", "routing.*", "unassigned.*", "priority",
		"number_of_routing_shards", "lifecycle.*", "plugins.*", "opendistro.*", "knn", "knn.*", "search.slowlog.*",
		"search.idle.*", "indexing.slowlog.*", "gc_deletes", "flush_after_merge", "write.wait_for_active_shards",
		"warmer.*", "store.*", "shard.*", "format", "provided_name", "uuid", "version.*", "creation_date", "replication.*",
		"soft_deletes.*", "load_fixed_bitset_filters_eagerly", "mapper.dynamic", "allocation.*", "requests.cache.*",
		"queries.cache.*", "fielddata.cache", "analysis.*", "max_*", "mapping.nested_*", "highlight.*",
		"optimize_auto_generated_id", "search.throttled", "compound_format", "term_index_interval", "check_on_startup",
		"ttl.disable_purge",
	}
	realSettings = []string{
		"blocks.*", "default_pipeline", "final_pipeline", "sort.*", "hidden", "query.*", "mapping.*", "similarity.*",
		"mode", "search.*", "number_of_search_replicas", "remote_store.*", "append_only.*",
	}
)

// NewSettings checks settings by the version.
func NewSettings(values map[string]string, major int) (Settings, error) {
	s := Settings{values: maps.Clone(values)}
	return s, s.check(major)
}

// Flatten reads settings, nested or with dots, with or without "index." before them.
func Flatten(n *wire.Node, prefix string, into map[string]string) {
	if n.Kind != wire.ObjectKind {
		name := strings.TrimPrefix(strings.TrimSuffix(prefix, "."), "index.")
		switch n.Kind {
		case wire.ArrayKind:
			into[name] = string(wire.AppendNode(nil, n))
		case wire.NullKind:
			delete(into, name)
		default:
			into[name] = n.Text
		}
		return
	}
	for i := range n.Members {
		Flatten(&n.Members[i].Node, prefix+n.Members[i].Name+".", into)
	}
}

func (s *Settings) check(major int) error {
	s.Shards, s.Replicas, s.Fields, s.Window = 1, 1, mapping.MaxFields, maxWindow
	if major < mapping.FirstUntyped {
		const oldShards = 5
		s.Shards = oldShards
	}
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		is := func(pattern string) bool { return glob.Match(pattern, name) }
		value := s.values[name]
		switch {
		case name == "number_of_shards":
			if err := atLeast(&s.Shards, name, value, 1); err != nil {
				return err
			}
			if s.Shards > maxShards {
				return wire.Illegal("Failed to parse value [%s] for setting [index.number_of_shards] must be <= %d",
					value, maxShards)
			}
		case name == "number_of_replicas":
			if err := atLeast(&s.Replicas, name, value, 0); err != nil {
				return err
			}
		case name == "mapping.total_fields.limit":
			if err := atLeast(&s.Fields, name, value, 0); err != nil {
				return err
			}
		case name == "max_result_window":
			if err := atLeast(&s.Window, name, value, 1); err != nil {
				return err
			}
		case name == "auto_expand_replicas":
			if strings.HasPrefix(value, "0-") {
				s.Replicas = 0 // there is one node
			}
		case name == "mapping.depth.limit":
			if value != strconv.Itoa(mapping.MaxDepth) {
				return wire.NotOffered("the setting [index.%s]", name)
			}
		case strings.HasPrefix(name, "analysis.") && strings.Contains(name, ".default."),
			strings.HasSuffix(name, "max_token_length"):
			return wire.NotOffered("the setting [index.%s]", name)
		case slices.ContainsFunc(idleSettings, is):
		case slices.ContainsFunc(realSettings, is):
			if value != "false" {
				return wire.NotOffered("the setting [index.%s]", name)
			}
		default:
			kind := "illegal_argument_exception"
			if major >= mapping.FirstThird {
				kind = "settings_exception"
			}
			return wire.Errorf(400, kind, "unknown setting [index.%s] please check that any required plugins are "+
				"installed, or check the breaking changes documentation for removed settings", name)
		}
	}
	return nil
}

const (
	maxShards = 1024
	maxWindow = 10000
)

func atLeast(into *int, name, value string, least int) error {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return wire.Illegal("Failed to parse value [%s] for setting [index.%s]", value, name).
			Because(wire.NumberFormat(value))
	}
	if int(n) < least {
		return wire.Illegal("Failed to parse value [%s] for setting [index.%s] must be >= %d", value, name, least)
	}
	*into = int(n)
	return nil
}

// SettingsBody writes settings as the API shows them: nested, all values text.
func SettingsBody(values map[string]string) wire.Object {
	var root wire.Object
	for _, name := range slices.Sorted(maps.Keys(values)) {
		root = insert(root, strings.Split(name, "."), values[name])
	}
	return root
}

func insert(o wire.Object, path []string, value string) wire.Object {
	at := slices.IndexFunc(o, func(e wire.Entry) bool { return e.Name == path[0] })
	if len(path) == 1 {
		if at >= 0 {
			return o
		}
		return append(o, wire.Entry{Name: path[0], Value: value})
	}
	if at < 0 {
		return append(o, wire.Entry{Name: path[0], Value: insert(nil, path[1:], value)})
	}
	child, ok := o[at].Value.(wire.Object)
	if !ok {
		return append(o, wire.Entry{Name: strings.Join(path, "."), Value: value})
	}
	o[at].Value = insert(child, path[1:], value)
	return o
}
