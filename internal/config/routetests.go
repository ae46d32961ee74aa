package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock"
)

// RouteTest is a sample with what a route is expected to make of it.
type RouteTest struct {
	Name  string
	Route string // the route that it is for; empty when any may take it
	// In is the file that it stands in, when that is not the configuration, and Line is where.
	In   string
	Line int
	// File is the sample's, and counts from the file that the test stands in; Text is the sample without one.
	File, Text string
	// As is the object or file that the sample is read as. With it routes are chosen as for that one; without, the sample
	// goes by the route whatever it matches.
	As string
	// Documents are some of the fields of each document, in the form of Sample.Fields; nil when nothing is said of them.
	Documents []map[string]any
	// Index is where every document goes, Dropped and DeadLettered are why records are left out.
	Index, Dropped, DeadLettered string
}

// testKeys are those of a test.
func testKeys() keys {
	return keys{
		{name: "name", usage: "what the report calls it", form: text{testFilled}, required: true},
		{name: "file", usage: "file with the sample, beside this one", form: text{testFilled}},
		{name: "line", usage: "the sample itself, which may have several lines", form: text{testFilled}},
		{name: "as", usage: "s3://bucket/key or an absolute path that the sample is read as", form: text{testAs}},
		{name: "documents", usage: "some of the fields of each document", form: several{anything{}, "a document"}},
		{name: "index", usage: "where the documents go", form: text{testFilled}},
		{name: "dropped", usage: "the reason for which records are left out", form: text{testFilled}},
		{name: "dead_lettered", usage: "the reason for which records become dead letters", form: words{
			penstock.ReasonUnshaped, penstock.ReasonUnreadable, penstock.ReasonOverlong, penstock.ReasonCorrupt,
			penstock.ReasonLimit, penstock.ReasonBinary, penstock.ReasonRule,
		}},
	}
}

// ParseTests reads a file with tests for a configuration. Its error is a *MistakesError with all that is wrong.
func ParseTests(path string, data []byte, of *File) ([]RouteTest, error) {
	f := &finder{}
	root := read(path, data, f)
	if root != nil {
		testsFile().check(f, "the file", root)
	}
	var routes []string
	for i := range of.Routes {
		routes = append(routes, of.Routes[i].Name)
	}
	if root != nil && root.kind == object {
		tests := root.member("tests")
		f.relateTests(tests)
		for _, item := range itemsOf(tests) {
			if r := item.member("route"); r != nil && r.kind == scalar && !slices.Contains(routes, r.text) {
				f.wrong(r.place, "no route is called %s%s", quoted(r.text), meant(r.text, routes))
			}
		}
	}
	if found := f.sorted(); len(found) > 0 {
		return nil, &MistakesError{Path: path, Mistakes: found}
	}
	all := testsOf("", root.member("tests"))
	for i, item := range root.member("tests").items {
		all[i].In, all[i].Route = path, item.textAt("route")
	}
	return all, nil
}

func itemsOf(n *node) []*node {
	if n == nil || n.kind != list {
		return nil
	}
	return n.items
}

// testsFile are the keys of a file with tests.
func testsFile() keys {
	each := append(testKeys(), key{name: "route", usage: "the route that it is for", form: text{testFilled}})
	return keys{{name: "tests", usage: "samples with what becomes of them", form: several{each, "a test"}, required: true}}
}

func testAs(v string) error {
	bucket, key, isObject := SplitObject(v)
	switch {
	case isObject && (bucket == "" || key == ""):
		return fmt.Errorf("%s is not s3://bucket/key", quoted(v))
	case !isObject && (v == "" || v[0] != '/'):
		return fmt.Errorf("%s is neither s3://bucket/key nor an absolute path", quoted(v))
	}
	return nil
}

// SplitObject takes s3://bucket/key apart.
func SplitObject(v string) (bucket, key string, ok bool) {
	rest, ok := strings.CutPrefix(v, "s3://")
	if !ok {
		return "", "", false
	}
	bucket, key, _ = strings.Cut(rest, "/")
	return bucket, key, true
}

// relateTests reports what is wrong between the keys of the tests of a route.
func (f *finder) relateTests(tests *node) {
	if tests == nil || tests.kind != list {
		return
	}
	seen := map[string]*node{}
	for _, t := range tests.items {
		if t.kind != object {
			continue
		}
		f.second("test", t.member("name"), seen)
		file, line := t.member("file"), t.member("line")
		switch {
		case file == nil && line == nil:
			f.wrong(t.place, "a test has no sample: name a file, or write a line")
		case file != nil && line != nil:
			f.wrong(line.place, "file and line are both given; leave one of them out")
		}
		if !slices.ContainsFunc([]string{"documents", "index", "dropped", "dead_lettered"}, func(key string) bool {
			return t.member(key) != nil
		}) {
			f.wrong(t.place, "a test expects nothing: it has documents, index, dropped or dead_lettered")
		}
	}
}

// testsOf makes the tests of a route of a tree without mistakes.
func testsOf(route string, n *node) []RouteTest {
	if n == nil {
		return nil
	}
	var all []RouteTest
	for _, item := range n.items {
		t := RouteTest{
			Name: item.textAt("name"), Route: route, Line: item.line, File: item.textAt("file"), Text: item.textAt("line"),
			As: item.textAt("as"), Index: item.textAt("index"), Dropped: item.textAt("dropped"),
			DeadLettered: item.textAt("dead_lettered"),
		}
		if documents := item.member("documents"); documents != nil {
			t.Documents = []map[string]any{}
			for _, d := range documents.items {
				fields, _ := valueFrom(d).(map[string]any)
				t.Documents = append(t.Documents, fields)
			}
		}
		all = append(all, t)
	}
	return all
}
