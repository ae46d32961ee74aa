package pipeline_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/mapping"
	"github.com/seed56735111/penstock/pipeline"
)

// An index is deleted when all of its records have been kept for long enough, and its pattern takes in nothing but what
// begins as it does.
func TestRetentionCountsFromTheLastRecord(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		index, keep        string
		stream             bool
		pattern, age, fail string
	}{
		{"web-{account|unknown}-{yyyy.MM.dd}", "30d", false, "web-*", "31d", ""},
		{"web-{yyyy.MM.dd}", "12h", false, "web-*", "36h", ""},
		{"web-{yyyy.MM}", "30d", false, "web-*", "61d", ""},
		{"web-{xxxx.ww}", "30d", false, "web-*", "37d", ""},
		{"web-{yyyy}", "1d", false, "web-*", "367d", ""},
		{"web-{yyyy.MM.dd.HH}", "24h", false, "web-*", "25h", ""},
		{"logs-app", "30d", true, "logs-app", "30d", ""},
		{"logs-{account|none}", "30d", true, "logs-*", "30d", ""},
		{"web{yyyy.MM}", "30d", false, "", "", "let that end in -"},
		{"web-{account}", "30d", false, "", "", "no date in its name"},
		{"web", "30d", false, "", "", "no date in its name"},
		{"", "30d", false, "", "", "it names none"},
		{"web-{yyyy}", "30", false, "", "", "not a time"},
		{"web-{yyyy}", "0d", false, "", "", "not a time"},
		{"web-{yyyy}", "999999d", false, "", "", "not a time"},
	} {
		r := pipeline.Route{Name: "x", Index: tt.index, Retention: tt.keep, Stream: tt.stream}
		got, err := pipeline.RetentionOf(&r)
		switch {
		case tt.fail != "":
			if err == nil || !strings.Contains(err.Error(), tt.fail) {
				t.Errorf("%s %s: %v, want %q", tt.index, tt.keep, err, tt.fail)
			}
		case err != nil:
			t.Errorf("%s %s: %v", tt.index, tt.keep, err)
		case got.Pattern != tt.pattern || got.Age != tt.age:
			t.Errorf("%s %s: deletes %s at %s, want %s at %s", tt.index, tt.keep, got.Pattern, got.Age, tt.pattern, tt.age)
		}
	}
}

// Each target has the templates of its own routes.
func TestTemplatesFollowFromRoutes(t *testing.T) {
	t.Parallel()
	format := func(glob string) pipeline.Match { return pipeline.Match{Format: []pipeline.Pattern{{Glob: glob}}} }
	read := pipeline.Read{Index: "rest", Routes: []pipeline.Route{
		{Name: "a", Index: "web-{account}-{yyyy}", Match: format("alb"), Retention: "30d"},
		{Name: "b", Index: "web-{yyyy}", Match: format("nlb")},
		{Name: "c", Index: "logs-app", Stream: true, Match: format("?lb")},
		{Name: "d", Index: "mine", Template: []string{pipeline.TemplateNone}, Match: format("elb")},
		{Name: "e", Index: "audit-{yyyy}", Target: "audit", Match: format("cloudtrail"), Retention: "90d"},
		{Name: "f", Index: "own-{yyyy}", Template: []string{"alb", "cloudtrail"}, Match: format("vpcflow")},
		{Name: "g", Skip: "no", Match: format("pairs")},
	}}
	paths := func(target string, k mapping.Keeper) (all []string) {
		t.Helper()
		got, err := read.IndexesOf(target, mapping.Engine{}, k)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range got.Templates {
			text := one.Path
			inner, _ := one.Body["template"].(map[string]any)
			if one.Body["data_stream"] != nil {
				text += " stream"
			}
			if settings, ok := inner["settings"].(map[string]any); ok {
				text += " " + settings["index.lifecycle.name"].(string)
			}
			mappings, _ := inner["mappings"].(map[string]any)
			properties, _ := mappings["properties"].(map[string]any)
			for _, field := range []string{"elb_status_code", "eventName"} {
				if properties[field] != nil {
					text += " " + field
				}
			}
			all = append(all, text)
		}
		for _, r := range got.Retentions {
			all = append(all, r.Name+" "+r.Pattern+" "+r.Age)
		}
		return all
	}
	want := []string{
		"/_component_template/penstock-base", "/_index_template/penstock-rest",
		"/_index_template/penstock-web elb_status_code", "/_index_template/penstock-b",
		"/_index_template/penstock-logs-app stream elb_status_code",
		"/_index_template/penstock-own elb_status_code eventName", "penstock-web web-* 396d",
	}
	if diff := cmp.Diff(paths("", mapping.ISM), want); diff != "" {
		t.Errorf("of the domain that is not named (-got +want):\n%s", diff)
	}
	want = []string{
		"/_component_template/penstock-base", "/_index_template/penstock-audit penstock-audit eventName",
		"penstock-audit audit-* 456d",
	}
	if diff := cmp.Diff(paths("audit", mapping.ILM), want); diff != "" {
		t.Errorf("of the target (-got +want):\n%s", diff)
	}
	_, err := read.IndexesOf("", mapping.Engine{Distribution: "elasticsearch", Version: "6.8.0"}, "")
	if err == nil || !strings.Contains(err.Error(), "no data streams") {
		t.Errorf("an engine without data streams: %v", err)
	}
}
