package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/realtest"
)

// Real engines take the templates, and templates that are there already stay as they are.
func TestTemplatesReachRealEngines(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.19.1", "3.3.0", "7.10.2"} {
		t.Run(version, func(t *testing.T) {
			node := realtest.StartOpenSearch(t, version)
			server := realtest.StartVersityGW(t)
			url := startDomain(t, server, node.URL)
			p := newPut("a+b", 4, 0)
			newBucket(t, server.URL, server, "logs", false).put(t, []*put{p})
			behind := &domainClient{url: node.URL} // nothing of ours in between
			behind.call(t, "PUT", "/_index_template/penstock-cwl", `{"index_patterns":["cwl-*"],"priority":7,"template":{}}`,
				new(any))
			f := startFunction(t, bootstrap(t), functionEnv(t, server, url, "PENSTOCK_PUT_TEMPLATES=true")...)
			for range 2 {
				got := f.invoke(t, sqsBatch(notification("logs", p.key, "")), time.Minute)
				if got.payload != `{"batchItemFailures":[]}` {
					t.Fatalf("%+v", got)
				}
			}
			if n := strings.Count(f.log.String(), "index template put"); n != 1 {
				t.Errorf("%d templates were put, want 1", n)
			}
			var answer struct {
				Templates []struct {
					Name     string `json:"name"`
					Template struct {
						Priority int `json:"priority"`
					} `json:"index_template"`
				} `json:"index_templates"`
			}
			behind.call(t, "GET", "/_index_template/penstock-*", "", &answer)
			got := map[string]int{}
			for _, i := range answer.Templates {
				got[i.Name] = i.Template.Priority
			}
			if fmt.Sprint(got) != "map[penstock-cwl:7 penstock-logs:1]" {
				t.Errorf("templates and their priorities: %v", got)
			}
			var mapping map[string]struct {
				Mappings struct {
					DateDetection *bool `json:"date_detection"`
				} `json:"mappings"`
			}
			behind.call(t, "GET", "/logs-*/_mapping", "", &mapping)
			for index, m := range mapping {
				if m.Mappings.DateDetection == nil || *m.Mappings.DateDetection {
					t.Errorf("%s was not made from the template", index)
				}
			}
			if len(mapping) == 0 {
				t.Error("no index")
			}
		})
	}
}
