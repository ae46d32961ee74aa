package config_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/seed56735111/penstock/internal/config"
)

// compiled is the schema, for a validator that is not ours.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(config.Schema())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("penstock.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("penstock.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// values are what generated files have at their keys: right for some and wrong for others.
var values = []string{
	`1`, `0`, `-1`, `7`, `1.5`, `999999999`, `1000000000`, `true`, `false`, `null`, `""`, `"1"`, `"007"`, `"0"`, `"-1"`,
	`"true"`, `"TRUE"`, `"yes"`, `"es"`, `"aoss"`, `"skip"`, `"letter"`, `"skipp"`, `"ecs"`, `"own"`, `"rename"`,
	`"compat"`, `"safe"`, `"off"`, `"5MiB"`, `"5 MiB"`, `"5 apples"`, `"1GB"`, `"10s"`, `"1m30s"`, `"1h"`, `"0s"`, `"30"`,
	`"1.5s"`, `"soon"`, `"-1s"`, `[]`, `["a=b"]`, `["a=b", "c=d"]`, `["a=b", null]`, `[["a=b"]]`,
	`"a=b\nc=d"`, `["a=b\nc=d"]`,
	`{}`, `{"a": 1}`, `"a=b"`, `"alb"`, `"arn:aws:iam::1:role/x"`, `"eu-west-1"`, `"https://x.example"`, `"UTC"`,
	`{"prod": {"domain": "https://x.example"}}`, `{"prod": {}}`, `{"p q": {"domain": "https://x.example"}}`,
	`{"prod": {"domain": "https://x.example", "profile": "p", "no_sign": true}}`,
	`{"prod": {"domain": "https://x.example", "profil": "p"}}`, `{"prod": {"domain": "https://x.example", "index": "x"}}`,
	`{"prod": ["https://x.example"]}`,
	`[{"name": "a"}]`, `[{"name": "a b"}]`, `[{}]`, `[{"name": "a", "match": {"key": "x/**"}, "skip": "why"}]`,
	`[{"name": "a", "match": {"key": ["x", {"regex": "y"}], "log_group": {"regex": "z"}}, "index": "i"}]`,
	`[{"name": "a", "match": {"key": []}}]`, `[{"name": "a", "match": {"key": {"regexp": "y"}}}]`,
	`[{"name": "a", "match": {"key": [["x"]]}}]`, `[{"name": "a", "match": {"kye": "x"}}]`,
	`[{"name": "a", "match": "x"}]`,
	`[{"name": "a", "original": "perhaps"}]`, `[{"name": "a", "original": true, "drop": ["a=b"], "fields": "ecs"}]`,
	`[{"name": "f", "dissect": "a %{b}", "types": {"b": "integer"}, "time": {"field": ["b"], "zone": "UTC"}}]`,
	`[{"name": "f", "regex": "a(?<b>.)", "samples": [{"line": "ab", "fields": {"b": ["x", null]}, "unparsed": false}]}]`,
	`[{"name": "f", "grok": "%{A:b}x", "patterns": {"A": "a"}, "about": "it", "start": "^a"}]`,
	`[{"name": "f", "delimiter": "|", "quote": "'", "columns": ["a", "", "c"]}]`,
	`[{"name": "f", "json": {"names": "a", "where": {"b": "c"}, "envelope": "d", "opaque": ["e"]}}]`,
	`[{"name": "f", "json": {"where": {}}}]`, `[{"name": "f", "json": {"names": []}}]`, `[{"dissect": "a %{b}"}]`,
	`[{"name": "f", "dissect": "a %{b}", "types": {"b": "int"}}]`, `[{"name": "f", "dissect": "a %{b}", "types": []}]`,
	`[{"name": "f", "dissect": "a %{b}", "time": {"layout": "%F"}}]`, `[{"name": "f", "columns": "a"}]`,
	`[{"name": "f", "dissect": "a %{b}", "samples": [{}]}]`, `[{"name": "f", "samples": [{"line": "x", "field": {}}]}]`,
	`[{"name": "f", "samples": [{"line": "x", "fields": []}]}]`, `[{"name": "f", "samples": [{"line": "x", "time": 3}]}]`,
	`[{"name": "f", "samples": [{"line": "x", "unparsed": "maybe"}]}]`, `[{"name": "f", "patterns": {"A": null}}]`,
	`[{"name": "a", "rules": [{"drop": "why"}]}]`, `[{"name": "a", "rules": [{"drop": 7, "set": {"x": "y"}}]}]`,
	`[{"name": "a", "rules": [{"when": "x == 1"}]}]`, `[{"drop": "why", "shadow": true, "on_error": "keep"}]`,
	`[{"set": {"x": "y", "z": 7}, "name": "n", "when": "a > 1"}]`, `[{"set": {}}]`, `[{"set": ["x"]}]`,
	`[{"st": {"x": "y"}}]`,
	`[{"drop": "why", "on_error": "perhaps"}]`, `[{"drop": "why", "shadow": 2}]`, `[{"set": {"x": ["y"]}}]`, `[7]`,
	`[{"redact": {"fields": ["a"], "with": "mask"}}]`, `[{"redact": {"detect": "card", "with": "remove"}}]`,
	`[{"redact": {"detect": ["card", "nail"], "with": "mask"}}]`, `[{"redact": {"fields": "a"}}]`, `[{"redact": {}}]`,
	`[{"redact": {"fields": "a", "detect": "ip", "with": "mask"}}]`, `[{"redact": {"fields": "a", "with": "hide"}}]`,
	`[{"redact": {"fields": "a", "with": "hash"}}]`, `[{"redact": {"fields": "a", "with": "mask", "key": "k"}}]`,
	`[{"redact": ["a"]}]`, `[{"redact": {"fields": [], "with": "mask"}}]`, `[{"redact": {"with": "mask"}}]`,
	`{"k": "env:K"}`, `{"k": "K"}`, `{"k": "file:/k"}`, `{"k": "vault:k"}`, `{"k": {"from": "ssm:/k", "number": 2}}`,
	`{"k": {"from": "env:K", "number": 0}}`, `{"k": {"number": 1}}`, `{"k": {"from": "K"}}`,
	`{"k": {"from": "env:K", "number": "1000"}}`,
	`{"t": {"csv": "s3://b/x.csv", "key": "ip"}}`, `{"t": {"mmdb": "s3://b/x.mmdb"}}`, `{"t": {"csv": "s3://b/x.csv"}}`,
	`{"t": {"csv": "s3://b/x", "key": "k", "mmdb": "s3://b/y"}}`, `{"t": {"mmdb": "s3://b/x", "key": "k"}}`, `{"t": {}}`,
	`{"t": {"csv": "s3://b/x", "mmdb": "s3://b/y"}}`, `{"t": {"csv": ["x"], "key": "k"}}`, `{"t": ["x"]}`,
	`[{"parse": {"field": "a", "as": "url", "into": "b"}}]`, `[{"parse": {"field": "a", "as": "url", "in": "b"}}]`,
	`[{"parse": {"field": "a"}}]`, `[{"parse": {"as": "url", "into": "b"}}]`, `[{"parse": "url"}]`,
	`[{"lookup": {"table": "t", "field": "a", "into": "b"}}]`, `[{"lookup": {"table": "t", "field": "a"}}]`,
	`[{"lookup": {"table": "t", "field": "a", "into": "b", "fields": "x"}}]`,
	`[{"lookup": {"table": "t", "field": "a", "into": "b", "fields": ["x", "y.z"]}}]`,
	`[{"keep": "why"}, {"sample": "10%"}, {"compute": {"a": "b + 1"}}]`, `[{"rename": {"a": "b"}}, {"remove": "a"}]`,
	`[{"remove": ["a", "b"]}, {"convert": {"a": "integer"}}]`, `[{"convert": {"a": "int"}}]`,
	`[{"lean": [null, "empty"]}]`,
	`[{"lean": "dash"}]`, `[{"lean": "dashes"}]`, `[{"index": "x-{a}"}, {"data_stream": "y"}]`,
	`[{"pipeline": "p", "routing": "r"}]`,
	`[{"pipeline": "p"}, {"routing": "{a}"}]`, `0.24`, `"0.24"`, `"0.0"`, `[{"remove": []}]`, `[{"rename": {}}]`,
	`[{"name": "a", "tests": [{"name": "t", "line": "x", "dropped": "y", "documents": [{"a": {"b": [1, null]}}]}]}]`,
	`[{"name": "a", "tests": [{"line": "x", "dropped": "y"}]}]`, `[{"name": "a", "tests": {"name": "t"}}]`,
	`[{"name": "a", "tests": [{"name": "t", "line": ["x"], "index": "y"}]}]`,
	`[{"name": "a", "tests": [{"name": "t", "line": "x", "documents": {"a": 1}}]}]`,
	`[{"name": "a", "tests": [{"name": "t", "line": "x", "documents": ["a"], "drop": "y"}]}]`,
	`[{"name": "a", "workers": 3}]`, `[{"name": "a", "fields": "esc"}]`, `[{"name": 7, "index": null}]`,
}

// beyond says that a mistake is not one of shape: what a value means cannot be said in a schema.
func beyond(text string) bool {
	return slices.ContainsFunc([]string{
		": no format is called", ": index pattern", ": drop rule", "no target is called", "stands here again",
		"is no name of a",
		"is not the ARN", "no encoding has", "read time zone", "domain: ", "credentials",
		"is no date such", "is no part such", "is no rate:",
		"nothing ever matches", "never reached", "the pattern is empty", "regular expression", "means nothing beside",
		"says what records are", "is no name of a format", "it is no time such", "is no type: want", "fits the empty line",
		"a test has no sample", "a test expects nothing", "a second test", "the text is empty",
		"nor an absolute path", "is not s3://bucket/key",
		"sets none", "both given", "a second route", "match is empty", "say why", "a data stream has",
		": at character ", "no table is called", "is never reached", "a second rule", "leaves nothing out",
	}, func(s string) bool { return strings.Contains(text, s) })
}

// What the schema refuses the check refuses, and the other way round: keys, types, words and ranges.
func TestTheSchemaAndTheCheckAgree(t *testing.T) {
	t.Parallel()
	schema := compiled(t)
	keys := []string{"indxe"}
	for key := range config.Schema()["properties"].(map[string]any) {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	accepted, refused := 0, 0
	try := func(text string) {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		bySchema := schema.Validate(doc)
		found := mistakes(t, "p.json", text)
		found = slices.DeleteFunc(found, func(line string) bool { return beyond(line) || strings.Contains(line, "warning:") })
		if (bySchema == nil) != (len(found) == 0) {
			t.Errorf("%s: the schema says %v, the check %q", text, bySchema, found)
		}
		if bySchema == nil {
			accepted++
		} else {
			refused++
		}
	}
	every := 1
	if testing.Short() { // with the race detector, though nothing here is concurrent
		every = 10
	}
	for k, key := range keys {
		for v, value := range values {
			if (k+v)%every == 0 {
				try(fmt.Sprintf(`{%q: %s}`, key, value))
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 / every {
		var members []string
		for _, n := range random.Perm(len(keys))[:random.IntN(5)] {
			members = append(members, fmt.Sprintf(`%q: %s`, keys[n], values[random.IntN(len(values))]))
		}
		try("{" + strings.Join(members, ", ") + "}")
	}
	for _, root := range values {
		if !strings.HasPrefix(root, "{") {
			try(root)
		}
	}
	if least := 500 / every; accepted < least || refused < least {
		t.Errorf("%d accepted and %d refused: the cases are one-sided", accepted, refused)
	}
}
