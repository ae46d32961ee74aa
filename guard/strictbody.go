package guard

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

// maxWalked bounds a body, and a line of _msearch, that is looked into. A reader takes memory for the longest string.
const maxWalked = 16 << 20

// walkBody asks for the indexes that the body names.
func (s *strict) walkBody() error {
	if s.call.body == bodyOther {
		return nil
	}
	if t, ok := s.notJSON(); ok {
		return fmt.Errorf("the body is %q, and only JSON is looked into", t)
	}
	r, err := s.body()
	if err != nil {
		return err
	}
	if s.call.body == bodyBulk {
		return s.walkBulk(r)
	}
	if s.call.body == bodySearches {
		return s.walkSearches(r)
	}
	w := newWalker(s, r)
	empty, err := w.isEmpty()
	if err != nil {
		return err
	}
	if !empty {
		if err := w.body(s.call.body); err != nil {
			return err
		}
		if _, err := w.d.ReadToken(); !errors.Is(err, io.EOF) {
			return errors.New("the body is not one JSON object")
		}
	}
	if empty && s.call.body == bodyAllocation || s.mayHavePIT() && !s.pit {
		return s.askAll(s.method, "*", s.call.rest...)
	}
	return nil
}

// notJSON reports a content type that engines do not read as JSON.
func (s *strict) notJSON() (contentType string, other bool) {
	for _, t := range s.header.Values("Content-Type") {
		kind, _, _ := strings.Cut(strings.ToLower(t), ";")
		switch kind = strings.TrimSpace(kind); {
		case strings.HasSuffix(kind, "json"), kind == "", kind == "text/plain",
			kind == "application/x-www-form-urlencoded":
		default:
			return t, true
		}
	}
	return "", false
}

func (s *strict) walkBulk(r io.Reader) error {
	for item, err := range edge.BulkItems(r, edge.WithoutSources) {
		if err != nil {
			return err
		}
		switch {
		case item.Unknown != "":
			return fmt.Errorf("an item of _bulk has an unknown member %q", item.Unknown)
		case item.Pipeline != "" && item.Pipeline != "_none":
			return errPipeline
		}
		index := item.Index
		if index == "" {
			index = s.index
		}
		if index == "" {
			return errors.New("an item of _bulk names no index")
		}
		if err := s.askAll(s.method, index, "_bulk"); err != nil {
			return err
		}
		if item.Op != "delete" {
			continue
		}
		// Ask without the id: whoever may delete in an index may delete any document of it.
		if err := s.askAll(http.MethodDelete, index, "_doc"); err != nil {
			return err
		}
	}
	return nil
}

// errPipeline refuses a call that runs an ingest pipeline.
var errPipeline = errors.New("a pipeline can move documents to any index")

func (s *strict) walkSearches(r io.Reader) error {
	lines := edge.NewLineReader(r)
	for {
		header, err := lines.Next(nil, edge.MaxAction)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var indexes []string
		if len(bytes.TrimSpace(header)) > 0 {
			if indexes, err = searchHeader(s, header); err != nil {
				return err
			}
		}
		if len(indexes) == 0 {
			indexes = []string{s.index}
		}
		expression := strings.Join(indexes, ",")
		if expression == "" {
			expression = "*"
		}
		if err := s.askAll(s.method, expression, "_msearch"); err != nil {
			return err
		}
		w := newWalker(s, lines.Line())
		if empty, err := w.isEmpty(); err != nil {
			return err
		} else if empty {
			continue
		}
		if err := w.body(bodySearch); err != nil {
			return err
		}
		if _, err := w.d.ReadToken(); !errors.Is(err, io.EOF) {
			return errors.New("a search of _msearch is not one object on one line")
		}
	}
}

// searchHeader returns the indexes that the header of one search names. Some engines read index, others indices; both
// count here.
func searchHeader(s *strict, line []byte) (indexes []string, err error) {
	w := newWalker(s, bytes.NewReader(line))
	err = w.object(members{
		"index":   w.stringsInto(&indexes),
		"indices": w.stringsInto(&indexes),
	}, "type types search_type preference routing request_cache expand_wildcards ignore_unavailable allow_no_indices"+
		" ignore_throttled ccs_minimize_roundtrips allow_partial_search_results cancel_after_time_interval"+
		" max_concurrent_shard_requests")
	if err != nil {
		return nil, err
	}
	if _, err := w.d.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, errors.New("a header of _msearch is not one object on one line")
	}
	return indexes, nil
}

// body reads a body that is one value.
func (w walker) body(kind bodyKind) error {
	switch kind {
	case bodyDocs:
		return w.docs()
	case bodySearch:
		return w.search()
	case bodyReindex:
		return w.reindex()
	case bodyAliases:
		return w.object(members{"actions": w.each(w.aliasActions)}, "")
	case bodyAlias:
		return w.alias()
	case bodyIndex:
		return w.object(members{
			"settings": w.settings, "mappings": w.mappings, "aliases": w.aliases(cmp.Or(w.call.created, w.index)),
		}, "conditions max_shard_size")
	case bodyMapping:
		return w.mappings()
	case bodySettings:
		return w.settings()
	case bodyTemplate:
		return w.template()
	case bodyFieldCaps:
		return w.object(members{"index_filter": w.query}, "fields")
	case bodyRankEval:
		return w.rankEval()
	case bodyExecute:
		return w.object(members{"context_setup": func() error {
			return w.object(members{"index": w.askFor("_search"), "query": w.query}, "document")
		}}, "script context")
	case bodyAllocation:
		return w.object(members{"index": func() error {
			return w.eachString(func(index string) error { return w.askAll(w.method, index, w.call.rest...) })
		}}, "shard primary current_node")
	}
	return errors.New("the call takes no body")
}

// docs is the body of _mget, _mtermvectors and _termvectors.
func (w walker) docs() error {
	api := w.call.rest[slices.IndexFunc(w.call.rest, func(s string) bool { return strings.HasPrefix(s, "_") })]
	ask := func(index string) error {
		if index == "" {
			index = w.index
		}
		if index == "" {
			return errors.New("a document of " + api + " names no index")
		}
		return w.askAll(w.method, index, api)
	}
	const options = "_id _type _routing routing parent _parent _version version _version_type version_type" +
		" _source _source_include _source_includes _source_exclude _source_excludes stored_fields fields preference" +
		" doc offsets positions payloads term_statistics field_statistics realtime per_field_analyzer filter dfs"
	one := func() error {
		if w.d.PeekKind() == '"' { // an id
			return w.d.SkipValue()
		}
		named := ""
		if err := w.object(members{"_index": w.stringInto(&named)}, options); err != nil {
			return err
		}
		return ask(named)
	}
	return w.object(members{
		"docs": w.each(one), "_index": w.askFor(api),
		"parameters": func() error { return w.object(members{"_index": w.askFor(api)}, options) },
	}, "ids "+options)
}

func (w walker) reindex() error {
	sources, dest := 0, 0
	ask := func(n *int, api string) func() error {
		return func() error {
			return w.eachString(func(index string) error {
				*n++
				return w.askAll(http.MethodPost, index, api)
			})
		}
	}
	err := w.object(members{
		"source": func() error {
			return w.object(members{"index": ask(&sources, "_search"), "query": w.query, "sort": w.sort},
				"type size slice _source remote")
		},
		"dest": func() error {
			return w.object(members{"index": ask(&dest, "_bulk"), "pipeline": w.noPipeline},
				"type routing op_type version_type")
		},
		"script": func() error { return errors.New("a script of _reindex can move documents to any index") },
	}, "size max_docs conflicts")
	if err == nil && (sources == 0 || dest == 0) {
		err = errors.New("_reindex names no index")
	}
	return err
}

func (w walker) noPipeline() error {
	return w.eachString(func(name string) error {
		if name != "_none" {
			return errPipeline
		}
		return nil
	})
}

func (w walker) aliasActions() error {
	return edge.EachMember(w.d, w.aliasAction)
}

const aliasOptions = "routing index_routing indexRouting index-routing search_routing searchRouting search-routing" +
	" is_write_index writeIndex is_hidden must_exist"

func (w walker) aliasAction(action string) error {
	var indexes, aliases []string
	err := w.object(members{
		"index": w.stringsInto(&indexes), "indices": w.stringsInto(&indexes),
		"alias": w.stringsInto(&aliases), "aliases": w.stringsInto(&aliases), "filter": w.filter,
	}, aliasOptions)
	if err != nil {
		return err
	}
	if len(indexes) == 0 {
		return errors.New("an action of _aliases names no index")
	}
	for _, index := range indexes {
		switch action {
		case "remove_index":
			err = w.askAll(http.MethodDelete, index)
		case "add", "remove":
			method := http.MethodPut
			if action == "remove" {
				method = http.MethodDelete
			}
			for _, alias := range aliases {
				if err == nil {
					err = w.askAll(method, index, "_alias", alias)
				}
			}
			if len(aliases) == 0 {
				err = errors.New("an action of _aliases names no alias")
			}
		default:
			err = fmt.Errorf("_aliases has an unknown action %q", action)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// alias is the body of PUT /INDEX/_alias/NAME, which may name another index and another alias.
func (w walker) alias() error {
	var indexes, aliases []string
	err := w.object(members{
		"index": w.stringsInto(&indexes), "indices": w.stringsInto(&indexes),
		"alias": w.stringsInto(&aliases), "filter": w.filter,
	}, aliasOptions)
	if err != nil {
		return err
	}
	if len(indexes) == 0 {
		indexes = []string{w.index}
	}
	if len(aliases) == 0 {
		aliases = w.call.rest[1:]
	}
	for _, index := range indexes {
		if index == "" {
			index = "*"
		}
		if err := w.askAll(http.MethodPut, index, append([]string{"_alias"}, aliases...)...); err != nil {
			return err
		}
	}
	return nil
}

// aliases reads the aliases of an index that is created. The index is empty in a template.
func (w walker) aliases(index string) func() error {
	return func() error {
		return edge.EachMember(w.d, func(name string) error {
			if index != "" {
				if err := w.askAll(http.MethodPut, index, "_alias", name); err != nil {
					return err
				}
			}
			return w.object(members{"filter": w.filter}, aliasOptions)
		})
	}
}

// settings reads the settings of indexes. It refuses a default pipeline, which every write would run.
func (w walker) settings() error {
	if w.d.PeekKind() != '{' {
		return w.d.SkipValue()
	}
	return edge.EachMember(w.d, func(name string) error {
		name = name[strings.LastIndexByte(name, '.')+1:]
		if name == "default_pipeline" || name == "final_pipeline" {
			return w.noPipeline()
		}
		return w.settings()
	})
}

// mappings reads the mappings of an index. It refuses the field type percolator: documents are then queries, which may
// look terms up in any index.
func (w walker) mappings() error {
	if w.d.PeekKind() == '[' {
		return edge.EachElement(w.d, w.mappings)
	}
	if w.d.PeekKind() != '{' {
		return w.d.SkipValue()
	}
	return edge.EachMember(w.d, func(name string) error {
		if name != "type" || w.d.PeekKind() != '"' {
			return w.mappings()
		}
		kind := ""
		if err := edge.ReadString(w.d, &kind); err != nil {
			return err
		}
		if kind == "percolator" {
			return errors.New("documents of the field type percolator are queries")
		}
		return nil
	})
}

// template reads an index template. It is judged as the creation of the indexes that it is for.
func (w walker) template() error {
	patterns := func() error {
		return w.eachString(func(pattern string) error { return w.askAll(http.MethodPut, pattern) })
	}
	return w.object(members{
		"index_patterns": patterns, "settings": w.settings, "mappings": w.mappings, "aliases": w.aliases(""),
		"template": func() error {
			if w.d.PeekKind() == '"' {
				return patterns()
			}
			return w.object(members{"settings": w.settings, "mappings": w.mappings, "aliases": w.aliases("")}, "")
		},
	}, "order version composed_of priority data_stream _meta allow_auto_create")
}

func (w walker) rankEval() error {
	return w.object(members{"requests": w.each(func() error {
		return w.object(members{"request": w.search, "ratings": w.each(func() error {
			return w.object(members{"_index": w.askFor("_rank_eval")}, "_id rating")
		})}, "id summary_fields")
	})}, "metric max_concurrent_searches")
}

// walker reads a body, value by value, and asks for the indexes that it names.
type walker struct {
	*strict
	d *jsontext.Decoder
}

func newWalker(s *strict, r io.Reader) walker {
	return walker{s, jsontext.NewDecoder(&edge.BoundedReader{R: r, Left: maxWalked, Err: errWalked})}
}

var errWalked = errors.New("a body or a line over 16 MiB")

// isEmpty reports whether the body is empty.
func (w walker) isEmpty() (bool, error) {
	if w.d.PeekKind() != 0 {
		return false, nil
	}
	_, err := w.d.ReadToken()
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

// members are the readers of an object's members, by name.
type members map[string]func() error

// object reads an object. Options are the names, separated by spaces, of members that cannot name an index. Any other
// name is an error.
func (w walker) object(m members, options string) error {
	return edge.EachMember(w.d, func(name string) error {
		if read := m[name]; read != nil {
			return read()
		}
		if slices.Contains(strings.Fields(options), name) {
			return w.d.SkipValue()
		}
		return fmt.Errorf("%q is not a name that it knows in this place", name)
	})
}

// rest reads an object of which only the members m can name an index.
func (w walker) rest(m members) error {
	return edge.EachMember(w.d, func(name string) error {
		if read := m[name]; read != nil {
			return read()
		}
		return w.d.SkipValue()
	})
}

// each reads a list, or one value in its place.
func (w walker) each(read func() error) func() error {
	return func() error {
		if w.d.PeekKind() == '[' {
			return edge.EachElement(w.d, read)
		}
		return read()
	}
}

// eachString reads a string or a list of strings. Null is none.
func (w walker) eachString(f func(s string) error) error {
	list, err := edge.ReadStrings(w.d)
	for _, s := range list {
		if err == nil {
			err = f(s)
		}
	}
	return err
}

func (w walker) stringsInto(list *[]string) func() error {
	return func() error {
		return w.eachString(func(s string) error {
			*list = append(*list, s)
			return nil
		})
	}
}

func (w walker) stringInto(s *string) func() error {
	return func() error { return edge.ReadString(w.d, s) }
}

// askFor reads the name of an index, and asks for a call of an API on it.
func (w walker) askFor(api string) func() error {
	return func() error {
		return w.eachString(func(index string) error { return w.askAll(w.method, index, api) })
	}
}
