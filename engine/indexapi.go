package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/glob"
)

// indexAPI answers the APIs of a whole index: create, exists, get, delete.
func (c *call) indexAPI(name string) error {
	switch c.r.Method {
	case http.MethodPut:
		return c.createIndex(name)
	case http.MethodPost:
		if c.profile.major < mapping.FirstUntyped {
			return c.createIndex(name)
		}
	case http.MethodGet:
		return c.getIndexes(name)
	case http.MethodHead:
		if _, err := c.meant(name); err != nil {
			return err
		}
		c.raw(http.StatusOK, jsonType, nil)
		return nil
	case http.MethodDelete:
		return c.deleteIndexes(name)
	}
	return c.allow(nil, http.MethodDelete, http.MethodGet, http.MethodPut, http.MethodHead)
}

// meant resolves an expression as ?ignore_unavailable and ?allow_no_indices want it.
func (c *call) meant(expr string) ([]*store.Index, error) {
	lenient, err := c.flag("ignore_unavailable", false)
	if err != nil {
		return nil, err
	}
	found, err := c.resolve(expr, lenient)
	if err != nil {
		return nil, err
	}
	none, err := c.flag("allow_no_indices", true)
	if err == nil && !none && len(found) == 0 {
		return nil, noIndex(expr, "index_or_alias")
	}
	return found, err
}

var indicesParameters = []string{"ignore_unavailable", "allow_no_indices", "expand_wildcards", "local", "flat_settings"}

// knownIndices refuses parameters that the APIs of indexes do not have.
func (c *call) knownIndices(more ...string) error {
	if c.profile.major == mapping.FirstUntyped {
		more = append(more, "include_type_name")
	}
	if c.query.Get("include_defaults") == "false" {
		more = append(more, "include_defaults")
	}
	return c.known(append(more, indicesParameters...), []string{"include_defaults", "features", "name"})
}

// checkName refuses names that no index can have.
func checkName(name string) *wire.Failure {
	bad := func(reason string) *wire.Failure {
		return wire.Errorf(http.StatusBadRequest, "invalid_index_name_exception", "Invalid index name [%s], %s",
			name, reason).With("index", name, "index_uuid", "_na_")
	}
	const most = 255
	switch {
	case strings.ContainsAny(name, " \"*\\<|,>/?"):
		return bad("must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]")
	case name == "":
		return bad("must not be empty")
	case strings.Contains(name, "#"):
		return bad("must not contain '#'")
	case strings.Contains(name, ":"):
		return bad("must not contain ':'")
	case strings.HasPrefix(name, "_") || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "+"):
		return bad("must not start with '_', '-', or '+'")
	case len(name) > most:
		return bad(fmt.Sprintf("index name is too long, (%d > %d)", len(name), most))
	case name == "." || name == "..":
		return bad("must not be '.' or '..'")
	case strings.ToLower(name) != name:
		return bad("must be lowercase")
	}
	return nil
}

func (c *call) createIndex(name string) error {
	err := c.knownIndices("wait_for_active_shards")
	if err == nil {
		err = c.activeShards()
	}
	if err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	var body wire.Node
	if len(c.body) > 0 {
		var err error
		if body, err = wire.ParseBody(c.body); err != nil {
			return err
		}
	}
	d, err := c.parseDraft(&body)
	if err != nil {
		return err
	}
	x, made, err := c.create(name, d)
	if err != nil {
		return err
	}
	if !made {
		return wire.Errorf(http.StatusBadRequest, "resource_already_exists_exception", "index [%s/%s] already exists",
			name, x.UUID).With("index", name, "index_uuid", x.UUID)
	}
	if c.profile.major < mapping.FirstTyped {
		return c.answer(http.StatusOK, wire.Obj("acknowledged", true))
	}
	return c.answer(http.StatusOK, wire.Obj("acknowledged", true, "shards_acknowledged", true, "index", name))
}

// draft says what an index will be made from.
type draft struct {
	settings map[string]string
	mappings []*wire.Node
	aliases  map[string]json.RawMessage
}

// parseDraft reads the body that creates an index.
func (c *call) parseDraft(n *wire.Node) (draft, error) {
	d := draft{settings: map[string]string{}, aliases: map[string]json.RawMessage{}}
	loose := true // settings may stand alone, without their name
	for i := range n.Members {
		switch n.Members[i].Name {
		case "settings", "mappings", "aliases":
			loose = false
		}
	}
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "settings":
			store.Flatten(&m.Node, "", d.settings)
		case "mappings":
			if err := c.parseMappings(&m.Node, &d); err != nil {
				return d, err
			}
		case "aliases":
			for j := range m.Node.Members {
				if err := parseAlias(&m.Node.Members[j], d.aliases); err != nil {
					return d, err
				}
			}
		case "warmers", "creation_date":
		default:
			if !loose || c.profile.major >= mapping.FirstTyped {
				return d, wire.Errorf(http.StatusBadRequest, "parse_exception", "unknown key [%s] for create index", m.Name)
			}
			store.Flatten(&m.Node, m.Name+".", d.settings)
		}
	}
	return d, nil
}

func (c *call) parseMappings(n *wire.Node, d *draft) error {
	if c.profile.major >= mapping.FirstUntyped {
		if len(n.Members) == 1 && n.Members[0].Node.Kind == wire.ObjectKind && n.Members[0].Name == "_doc" {
			if c.profile.major == mapping.FirstUntyped && c.query.Get("include_type_name") == "true" {
				d.mappings = append(d.mappings, &n.Members[0].Node)
				return nil
			}
			if c.profile.major == mapping.FirstUntyped {
				return wire.Illegal("The mapping definition cannot be nested under a type [_doc] unless include_type_name is " +
					"set to true.")
			}
			return wire.Illegal("The mapping definition cannot be nested under a type")
		}
		d.mappings = append(d.mappings, n)
		return nil
	}
	for i := range n.Members { // by type
		d.mappings = append(d.mappings, &n.Members[i].Node)
	}
	return nil
}

func parseAlias(m *wire.Member, into map[string]json.RawMessage) error {
	for i := range m.Node.Members {
		switch name := m.Node.Members[i].Name; name {
		case "is_write_index":
		case "filter", "routing", "index_routing", "search_routing", "is_hidden":
			return wire.NotOffered("aliases with [%s]", name)
		default:
			return wire.Errorf(http.StatusBadRequest, "parse_exception", "Unknown field [%s] in alias [%s]", name, m.Name)
		}
	}
	into[m.Name] = wire.AppendNode(nil, &m.Node)
	return nil
}

// create makes an index from a draft and the templates for its name. Made is false when the index exists already.
func (e *Engine) create(name string, d draft) (x *store.Index, made bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, false, store.ErrClosed
	}
	if x := e.indexes[name]; x != nil {
		return x, false, nil
	}
	for _, other := range e.indexes {
		if _, ok := other.Aliases[name]; ok {
			return nil, false, wire.Errorf(http.StatusBadRequest, "invalid_index_name_exception",
				"Invalid index name [%s], already exists as alias", name).With("index", name, "index_uuid", "_na_")
		}
	}
	d = e.templated(name, d)
	m, err := composed(e.profile.major, d.mappings)
	if err != nil {
		cause := wire.AsFailure(err)
		if cause.Status == http.StatusBadRequest && e.profile.major >= mapping.FirstTyped &&
			!strings.HasPrefix(cause.Reason, "Limit of") {
			err = mapping.MapperError("Failed to parse mapping [_doc]: %s", cause.Reason).Because(cause)
		}
		return nil, false, err
	}
	s, err := store.NewSettings(d.settings, e.profile.major)
	if err != nil {
		return nil, false, err
	}
	for alias := range d.aliases {
		if e.indexes[alias] != nil {
			return nil, false, wire.Errorf(http.StatusBadRequest, "invalid_alias_name_exception",
				"Invalid alias name [%s]: an index or data stream exists with the same name as the alias", alias)
		}
	}
	if m.Root.Count() > s.Fields {
		return nil, false, wire.Illegal("Limit of total fields [%d] has been exceeded", s.Fields)
	}
	if x, err = store.NewIndex(e.cfg.Dir, name, s, m, d.aliases, e.shared); err != nil {
		return nil, false, wire.Errorf(http.StatusServiceUnavailable, "unavailable_shards_exception", "[%s][0] %s", name, err)
	}
	e.indexes[name] = x
	return x, true, nil
}

// autoCreate makes the index that a document is for.
func (c *call) autoCreate(name string) (*store.Index, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	x, _, err := c.create(name, draft{settings: map[string]string{}, aliases: map[string]json.RawMessage{}})
	return x, err
}

// target returns the index that documents for a name go to. It is nil when there is none yet.
func (c *call) target(name string, requireAlias bool) (*store.Index, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return nil, store.ErrClosed
	}
	if x := c.indexes[name]; x != nil && !requireAlias {
		return x, nil
	}
	var found []*store.Index
	for _, other := range slices.Sorted(maps.Keys(c.indexes)) {
		x := c.indexes[other]
		if about, ok := x.Aliases[name]; ok {
			if strings.Contains(string(about), `"is_write_index":true`) {
				return x, nil
			}
			found = append(found, x)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, wire.Illegal("no write index is defined for alias [%s]. The write index may be explicitly disabled "+
			"using is_write_index=false or the alias points to multiple indices without one being designated as a write index",
			name)
	case requireAlias:
		return nil, wire.Errorf(http.StatusNotFound, "index_not_found_exception",
			"no such index [%s] and [require_alias] request flag is [true] and [%s] is not an alias", name, name).
			With("index", name, "index_uuid", "_na_")
	}
	return nil, nil // none is there, which is no error
}

// single returns the one index that a name means.
func (c *call) single(name string) (*store.Index, error) {
	x, err := c.target(name, false)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return nil, noIndex(name, "index_expression")
	}
	return x, nil
}

// asked returns the indexes that a request is about, once all of its parameters are known.
func (c *call) asked(expr string) ([]*store.Index, error) {
	if err := c.knownIndices(); err != nil {
		return nil, err
	}
	return c.meant(expr)
}

func (c *call) deleteIndexes(expr string) error {
	found, err := c.asked(expr)
	if err != nil {
		return err
	}
	for part := range strings.SplitSeq(expr, ",") {
		for _, x := range found {
			if _, ok := x.Aliases[part]; ok && part != x.Name {
				return wire.Illegal("The provided expression [%s] matches an alias, specify the corresponding concrete "+
					"indices instead.", part)
			}
		}
	}
	for _, x := range found {
		c.mu.Lock()
		ours := c.indexes[x.Name] == x
		if ours {
			delete(c.indexes, x.Name)
		}
		c.mu.Unlock()
		if !ours {
			continue // somebody else is deleting it
		}
		if err := x.Remove(); err != nil {
			return fmt.Errorf("delete index %s: %w", x.Name, err)
		}
	}
	return c.answer(http.StatusOK, wire.Obj("acknowledged", true))
}

func (c *call) getIndexes(expr string) error {
	flat, err := c.flag("flat_settings", false)
	if err != nil {
		return err
	}
	return c.describe(expr, func(x *store.Index, st *store.State) wire.Object {
		return wire.Obj("aliases", x.AliasBody(), "mappings", c.mappingBody(st), "settings", x.SettingsBody(flat))
	})
}

func (c *call) getMappings(expr string) error {
	return c.describe(expr, func(_ *store.Index, st *store.State) wire.Object {
		return wire.Obj("mappings", c.mappingBody(st))
	})
}

func (c *call) getSettings(expr string) error {
	flat, err := c.flag("flat_settings", false)
	if err != nil {
		return err
	}
	return c.describe(expr, func(x *store.Index, _ *store.State) wire.Object {
		return wire.Obj("settings", x.SettingsBody(flat))
	})
}

func (c *call) getAliases(expr string) error {
	return c.describe(expr, func(x *store.Index, _ *store.State) wire.Object { return wire.Obj("aliases", x.AliasBody()) })
}

// namedAlias answers which indexes go by an alias, which may have wildcards.
func (c *call) namedAlias(expr, alias string) error {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead || strings.Contains(alias, ",") {
		return c.notOffered()
	}
	found, err := c.asked(expr)
	if err != nil {
		return err
	}
	out := wire.Object{}
	for _, x := range found {
		all := x.AliasBody()
		if all = slices.DeleteFunc(all, func(e wire.Entry) bool { return !glob.Match(alias, e.Name) }); len(all) > 0 {
			out = append(out, wire.Entry{Name: x.Name, Value: wire.Obj("aliases", all)})
		}
	}
	if len(out) == 0 && !strings.Contains(alias, "*") {
		return wire.Sentence(http.StatusNotFound, "alias [%s] missing", alias)
	}
	return c.answer(http.StatusOK, out)
}

// describe answers with something about each index.
func (c *call) describe(expr string, about func(*store.Index, *store.State) wire.Object) error {
	found, err := c.asked(expr)
	if err != nil {
		return err
	}
	out := make(wire.Object, 0, len(found))
	for _, x := range found {
		out = append(out, wire.Entry{Name: x.Name, Value: about(x, x.Now())})
	}
	return c.answer(http.StatusOK, out)
}

// mappingBody is a mapping as the version shows it: before 7, under the names of the types.
func (c *call) mappingBody(st *store.State) wire.Object {
	body := st.Mapping.Body()
	if body == nil {
		body = wire.Object{}
	}
	if c.profile.major >= mapping.FirstUntyped {
		return body
	}
	o := wire.Object{}
	for _, t := range st.Types {
		o = append(o, wire.Entry{Name: t, Value: body})
	}
	return o
}

// putMapping adds fields to the mappings of indexes.
func (c *call) putMapping(expr string) error {
	if err := c.knownIndices("write_index_only", "ignore_conflicts"); err != nil {
		return err
	}
	if len(c.body) == 0 {
		return wire.Errorf(http.StatusBadRequest, "parse_exception", "request body is required")
	}
	n, err := wire.ParseBody(c.body)
	if err != nil {
		return err
	}
	found, err := c.meant(expr)
	if err != nil {
		return err
	}
	for _, x := range found {
		if err := x.Learn(&n, c.docType()); err != nil {
			return err
		}
	}
	return c.answer(http.StatusOK, wire.Obj("acknowledged", true))
}

// refresh answers _refresh and _flush. Everything can be found, and is on the disk, as soon as it is acknowledged.
func (c *call) refresh(expr string) error {
	if err := c.knownIndices("force", "wait_if_ongoing", "full"); err != nil {
		return err
	}
	found, err := c.meant(expr)
	if err != nil {
		return err
	}
	total, successful := 0, 0
	for _, x := range found {
		total += x.Settings.Shards * (1 + x.Settings.Replicas)
		successful += x.Settings.Shards
	}
	return c.answer(http.StatusOK, wire.Obj("_shards", wire.Obj("total", total, "successful", successful, "failed", 0)))
}
