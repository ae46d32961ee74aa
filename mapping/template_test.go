package mapping_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/mapping"
	"github.com/seed56735111/penstock/pipeline"
)

func engines() map[string]mapping.Engine {
	return map[string]mapping.Engine{
		"OpenSearch 3.3": {Distribution: "opensearch", Version: "3.3.0"}, "unknown": {},
		"Elasticsearch 7.10": {Distribution: "elasticsearch", Version: "7.10.2"},
		"Elasticsearch 7.7":  {Distribution: "elasticsearch", Version: "7.7.1"},
		"Elasticsearch 6.8":  {Distribution: "elasticsearch", Version: "6.8.0", DocType: "_doc"},
		"Elasticsearch 5.6":  {Distribution: "elasticsearch", Version: "5.6.17", DocType: "log"},
		"Elasticsearch 2.3":  {Distribution: "elasticsearch", Version: "2.3.2", DocType: "log"},
	}
}

// read returns a body as a domain gives it back.
func read(t *testing.T, body map[string]any) map[string]any {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var there map[string]any
	if err := json.Unmarshal(text, &there); err != nil {
		t.Fatal(err)
	}
	return there
}

func TestWhoWroteATemplateIsKnown(t *testing.T) {
	t.Parallel()
	for name, e := range engines() {
		all, err := pipeline.Templates(e, "", "", "alb")
		if err != nil {
			t.Fatal(err)
		}
		other, err := pipeline.Templates(e, "", "", "nlb")
		if err != nil {
			t.Fatal(err)
		}
		last := &all[len(all)-1]
		there := read(t, last.Body)
		there["aliases"], there["settings"] = map[string]any{}, map[string]any{} // engines add them
		if got := last.Compare(there); got != mapping.Same {
			t.Errorf("%s: what was put is %s: %s", name, got, last.Diff(there))
		}
		if got := last.Compare(nil); got != mapping.Missing {
			t.Errorf("%s: nothing is %s", name, got)
		}
		if got := last.Compare(read(t, other[len(other)-1].Body)); got != mapping.Older {
			t.Errorf("%s: another one of ours is %s", name, got)
		}
		there["version"], there["order"], there["priority"] = 77, 77, 77
		if got := last.Compare(there); got != mapping.Edited {
			t.Errorf("%s: a changed one is %s", name, got)
		}
		if got := last.Compare(map[string]any{"index_patterns": []any{"logs-alb-*"}}); got != mapping.Foreign {
			t.Errorf("%s: somebody's is %s", name, got)
		}
	}
}

func TestOlderEnginesGetWholeTemplates(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"Elasticsearch 7.7": {`"index_patterns":["logs-alb-*"]`, `"mappings":{"_meta"`, `"client_ip":{"type":"ip"}`},
		"Elasticsearch 6.8": {`"index_patterns":["logs-alb-*"]`, `"mappings":{"_doc":{`},
		"Elasticsearch 5.6": {
			`"template":"logs-alb-*"`, `"mappings":{"log":{`, `"user_agent":{"ignore_above":8191,"type":"keyword"}`,
		},
		"Elasticsearch 2.3": {
			`"template":"logs-alb-*"`, `"user_agent":{"ignore_above":8191,"index":"not_analyzed","type":"string"}`,
		},
	} {
		all, err := pipeline.Templates(engines()[name], "", "", "alb")
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(all[0].Body)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 1 || all[0].Path != "/_template/penstock-logs-alb" {
			t.Errorf("%s: %d templates, %s", name, len(all), all[0].Path)
		}
		for _, one := range append(want, `"penstock":{"properties":`, `"date_detection":false`) {
			if !strings.Contains(string(text), one) {
				t.Errorf("%s: no %s in %s", name, one, text)
			}
		}
	}
}

// No two templates dispute an index, and none comes near the engines' limit of 1,000 fields.
func TestTemplatesOfAllFormats(t *testing.T) {
	t.Parallel()
	for _, index := range []string{"", "app-{service}-{format}-{yyyy}", "x-{yyyy}-{format}"} {
		all, err := pipeline.Templates(mapping.Engine{}, index, "")
		if err != nil {
			t.Fatal(err)
		}
		seen, names := map[any]string{}, map[string]bool{}
		for _, one := range all[1:] {
			if other := seen[one.Body["priority"]]; other != "" {
				t.Errorf("%s and %s have one priority", one.Path, other)
			}
			if names[one.Path] {
				t.Errorf("%s twice", one.Path)
			}
			seen[one.Body["priority"]], names[one.Path] = one.Path, true
			text, err := json.Marshal(one.Body)
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), `"type":`); n > 300 {
				t.Errorf("%s has %d fields", one.Path, n)
			}
		}
		if len(seen) != len(pipeline.Formats()) {
			t.Errorf("%d templates for %d formats", len(seen), len(pipeline.Formats()))
		}
	}
	for _, f := range format.Formats() {
		for _, field := range f.Fields {
			for _, other := range f.Fields {
				if strings.HasPrefix(other.Name, field.Name+".") {
					t.Errorf("%s: %s goes through %s, which is %s", f.Name, other.Name, field.Name, field.Type)
				}
			}
		}
	}
}

// What a policy of Elasticsearch deletes says the setting of each index.
func TestATemplateNamesThePolicyOfItsIndexes(t *testing.T) {
	t.Parallel()
	f := mapping.Format{Name: "penstock-web", Pattern: "web-*", Lifecycle: "penstock-web"}
	last := func(e mapping.Engine, f mapping.Format) mapping.Template {
		all := mapping.Templates(e, []mapping.Format{f})
		return all[len(all)-1]
	}
	for _, version := range []string{"6.8.23", "7.4.2", "7.17.29", "8.17.0"} {
		e := mapping.Engine{Distribution: "elasticsearch", Version: version}
		with := last(e, f)
		body, err := json.Marshal(with.Body)
		if err != nil || !bytes.Contains(body, []byte(`"index.lifecycle.name":"penstock-web"`)) {
			t.Errorf("%s: %s (%v) names no policy", version, body, err)
		}
		plain := mapping.Format{Name: f.Name, Pattern: f.Pattern}
		without := mapping.Standing{Template: last(e, plain), There: read(t, with.Body)}
		if !without.OnlyLifecycle() {
			t.Errorf("%s: %q is more than the policy", version, without.Diff(without.There))
		}
	}
}
