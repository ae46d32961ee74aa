package guard

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxQuery bounds a query that is looked through.
const maxQuery = 16 << 20

// walkBody asks for the indexes that the body names. An API is looked for in every segment: "/i/_doc/_bulk" writes a
// document in some versions and is a _bulk call in others.
func (s *strict) walkBody() error {
	for _, api := range s.api {
		walk := map[string]func(io.Reader) error{
			"_bulk": s.walkBulk, "_mget": s.walkDocs, "_mtermvectors": s.walkDocs, "_msearch": s.walkSearches,
			"_reindex": s.walkReindex, "_aliases": s.walkAliases,
		}[api]
		if walk == nil && refersToIndexes(api) {
			walk = s.walkReferences
		}
		if walk == nil {
			continue
		}
		if query, err := url.ParseQuery(s.target.Query); err != nil || query.Has("source") {
			return errors.New("the parameter source stands for a body")
		}
		r, err := s.body()
		if err != nil {
			return err
		}
		if err := walk(r); err != nil {
			return err
		}
	}
	return nil
}

func refersToIndexes(api string) bool {
	switch api {
	case "_search", "_count", "_explain", "_validate", "_delete_by_query", "_update_by_query", "_async_search",
		"_rank_eval", "_termvectors", "_percolate", "_mlt", "_graph", "_query", "_knn_search", "_field_caps", "_execute":
		return true
	}
	return false
}

func (s *strict) walkBulk(r io.Reader) error {
	for item, err := range bulkItems(r) {
		if err != nil {
			return err
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
		// Without the id: a policy that tells document from document cannot be told from one that does not.
		if err := s.askAll(http.MethodDelete, index, "_doc"); err != nil {
			return err
		}
	}
	return nil
}

func (s *strict) walkDocs(r io.Reader) error {
	api := s.api[len(s.api)-1]
	return s.walkObject(r, func(d *jsontext.Decoder, name string) error {
		if name != "docs" {
			return d.SkipValue()
		}
		return eachElement(d, func() error {
			if d.PeekKind() != '{' {
				return d.SkipValue()
			}
			index := s.index
			err := eachMember(d, func(name string) error {
				if name != "_index" {
					return d.SkipValue()
				}
				return readString(d, &index)
			})
			if err != nil {
				return err
			}
			if index == "" {
				return errors.New("a document of " + api + " names no index")
			}
			return s.askAll(s.method, index, api)
		})
	})
}

func (s *strict) walkSearches(r io.Reader) error {
	lines := newLineReader(r)
	var buf []byte
	for {
		header, err := lines.next(buf[:0])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		buf = header
		expression := s.index
		if len(bytes.TrimSpace(header)) > 0 {
			if expression, err = searchHeader(header, s.index); err != nil {
				return err
			}
		}
		if expression == "" {
			expression = "*"
		}
		if err := s.askAll(s.method, expression, "_msearch"); err != nil {
			return err
		}
		search, err := lines.next(buf[:0])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		buf = search
		if err := s.walkReferences(bytes.NewReader(search)); err != nil {
			return err
		}
	}
}

func searchHeader(line []byte, fallback string) (string, error) {
	d := jsontext.NewDecoder(bytes.NewReader(line))
	expression := fallback
	err := eachMember(d, func(name string) error {
		if name != "index" && name != "indices" {
			return d.SkipValue()
		}
		list, err := readStrings(d)
		if len(list) > 0 {
			expression = strings.Join(list, ",")
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return "", errors.New("a header of _msearch is not one object on one line")
	}
	return expression, nil
}

func (s *strict) walkReindex(r io.Reader) error {
	return s.walkObject(r, func(d *jsontext.Decoder, name string) error {
		if name != "source" && name != "dest" {
			return d.SkipValue()
		}
		method, api := http.MethodPost, "_search"
		if name == "dest" {
			api = "_bulk"
		}
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		found := false
		in := jsontext.NewDecoder(bytes.NewReader(value))
		err = eachMember(in, func(name string) error {
			if name != "index" {
				return in.SkipValue()
			}
			list, err := readStrings(in)
			found = found || len(list) > 0
			for _, index := range list {
				if err == nil {
					err = s.askAll(method, index, api)
				}
			}
			return err
		})
		if err == nil && !found {
			err = errors.New("_reindex names no index")
		}
		if err == nil {
			err = s.references(value, method, api)
		}
		return err
	})
}

func (s *strict) walkAliases(r io.Reader) error {
	if s.method == http.MethodGet || s.method == http.MethodHead {
		return nil
	}
	return s.walkObject(r, func(d *jsontext.Decoder, name string) error {
		if name != "actions" {
			return d.SkipValue()
		}
		return eachElement(d, func() error {
			return eachMember(d, func(action string) error { return s.aliasAction(d, action) })
		})
	})
}

func (s *strict) aliasAction(d *jsontext.Decoder, action string) error {
	var indexes, aliases []string
	err := eachMember(d, func(name string) (err error) {
		var list []string
		switch name {
		case "index", "indices":
			list, err = readStrings(d)
			indexes = append(indexes, list...)
		case "alias", "aliases":
			list, err = readStrings(d)
			aliases = append(aliases, list...)
		default:
			err = d.SkipValue()
		}
		return err
	})
	if err != nil {
		return err
	}
	if len(indexes) == 0 {
		return errors.New("an action of _aliases names no index")
	}
	for _, index := range indexes {
		switch action {
		case "remove_index":
			err = s.askAll(http.MethodDelete, index)
		case "add", "remove":
			method := http.MethodPut
			if action == "remove" {
				method = http.MethodDelete
			}
			for _, alias := range aliases {
				if err == nil {
					err = s.askAll(method, index, "_alias", alias)
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

// walkReferences asks for the indexes that queries read besides those they run on: terms lookups, "like" documents,
// indexed shapes. In a query every string under a name that is used for indexes is taken for one.
func (s *strict) walkReferences(r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, maxQuery+1))
	if err != nil {
		return err
	}
	if len(data) > maxQuery {
		return errors.New("a query over 16 MiB")
	}
	return s.references(data, s.method, "_search")
}

func (s *strict) references(data []byte, method, api string) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		kind, length := d.StackIndex(d.StackDepth())
		if token.Kind() != '"' || kind != '{' || length%2 == 0 {
			continue
		}
		switch token.String() {
		case "index", "_index", "indices":
		default:
			continue
		}
		if k := d.PeekKind(); k != '"' && k != '[' {
			continue
		}
		value, err := d.ReadValue()
		if err != nil {
			return err
		}
		list, err := readStrings(jsontext.NewDecoder(bytes.NewReader(value)))
		if err != nil {
			return fmt.Errorf("a list of indexes holds %w", err)
		}
		for _, index := range list {
			if err := s.askAll(method, index, api); err != nil {
				return err
			}
		}
	}
}

// walkObject reads a body that is one object and nothing else. An empty body has no members.
func (s *strict) walkObject(r io.Reader, member func(d *jsontext.Decoder, name string) error) error {
	d := jsontext.NewDecoder(r)
	if d.PeekKind() == 0 {
		if _, err := d.ReadToken(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	if err := eachMember(d, func(name string) error { return member(d, name) }); err != nil {
		return err
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return errors.New("the body is not one JSON object")
	}
	return nil
}
