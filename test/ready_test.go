package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

// What a file says of indexes is ready on real nodes: templates by route, data streams from the template to a rollover,
// ingest pipelines, routing. The nodes have no Index State Management: retention says so.
func TestRoutesOnRealNodes(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.3.0", "2.19.1", "7.10.2"} {
		// One after the other: each holds half a gigabyte.
		t.Run(version, func(t *testing.T) {
			node := realtest.StartOpenSearch(t, version)
			ask := func(want int, request string) string {
				t.Helper()
				status, text := askNode(t, node.URL, request)
				if status != want {
					t.Fatalf("%s: %d, want %d: %s", request, status, want, text)
				}
				return string(text)
			}
			dir := t.TempDir()
			file := func(name, text string) string { return writeSettled(t, filepath.Join(dir, name), text) }
			lines := func(n int) string {
				var b strings.Builder
				for i := range n {
					_, _ = fmt.Fprintf(&b, `{"time":"2015-11-19T08:00:00Z","level":"info","customer":"c%d","n":%d}`+"\n", i%3, i)
				}
				return b.String()
			}
			stream := version != "7.10.2" // whose open-source build has none
			head := "domain: " + node.URL + "\nno_sign: true\nindex: rest\nroutes:\n"
			piped := "  - { name: piped, match: { file: '**/piped*' }, index: 'piped-{yyyy.MM}', pipeline: upper, " +
				"routing: '{customer}' }\n"
			streamed := "  - { name: app, match: { file: '**/app*' }, data_stream: logs-app-prod }\n"
			config := file("penstock.yaml", head+piped)
			if stream {
				config = file("penstock.yaml", head+piped+streamed)
			} else {
				wants := file("stream.yaml", head+streamed)
				said := penstockSays(t, 4, "templates", "put", "--config", wants)
				if !strings.Contains(said, "PUT /_index_template/penstock-logs-app-prod: ") {
					t.Errorf("a node without data streams: %s", said)
				}
			}

			// Nothing is lost while the pipeline is missing.
			penstockSays(t, 0, "check", config)
			piece := file("piped.ndjson", lines(30))
			got := counted(t, 4, "ship", piece, "--config", config, "--json")
			if got.Delivered > 0 || got.Unacknowledged != 30 {
				t.Errorf("without the pipeline %+v", got)
			}
			ask(200, `PUT /_ingest/pipeline/upper {"processors":[{"set":{"field":"tag","value":"through"}}]}`)
			said := penstockSays(t, 0, "templates", "put", "--config", config)
			if !strings.Contains(said, "as they should be") {
				t.Errorf("put says %s", said)
			}
			if diff := penstockSays(t, 0, "templates", "diff", "--config", config); diff != "" {
				t.Errorf("what was put is read back as something else: %s", diff)
			}
			for _, want := range []refusalSummary{{Records: 30, Delivered: 30}, {Records: 30, Duplicate: 30}} {
				got := counted(t, 0, "ship", piece, "--config", config, "--json")
				if got.Delivered != want.Delivered || got.Duplicate != want.Duplicate || got.Unacknowledged > 0 {
					t.Errorf("through a pipeline %+v, want %+v", got, want)
				}
			}
			ask(200, "POST /_refresh")
			if text := ask(200, `GET /piped-2015.11/_count?q=tag:through`); !strings.Contains(text, `"count":30`) {
				t.Errorf("the pipeline has not run: %s", text)
			}
			text := ask(200, `GET /piped-2015.11/_search?routing=c1&q=customer:c1&size=1`)
			if !strings.Contains(text, `"_routing":"c1"`) {
				t.Errorf("no routing: %s", text)
			}
			if text := ask(200, "GET /piped-2015.11/_mapping"); !strings.Contains(text, `"aws"`) {
				t.Errorf("no template: %s", text)
			}

			// Retention needs what these nodes lack, and puts nothing then.
			keep := file("keep.yaml", strings.Replace(head+piped, "pipeline: upper", "retention: 30d", 1))
			if said := penstockSays(t, 1, "templates", "put", "--config", keep); !strings.Contains(said, "neither Index State") {
				t.Errorf("retention: %s", said)
			}
			if !stream {
				return
			}
			app := file("app.ndjson", lines(50))
			for _, want := range []refusalSummary{{Delivered: 50}, {Duplicate: 50}} {
				got := counted(t, 0, "ship", app, "--config", config, "--json")
				if got.Delivered != want.Delivered || got.Duplicate != want.Duplicate {
					t.Errorf("into a data stream %+v, want %+v", got, want)
				}
			}
			if text := ask(200, "GET /_data_stream/logs-app-prod"); !strings.Contains(text, "penstock-logs-app-prod") {
				t.Errorf("no data stream by the template: %s", text)
			}
			// Ids are those of the newest index alone, as check says.
			if said := penstockSays(t, 0, "check", config); !strings.Contains(said, "there twice") {
				t.Errorf("check says %s", said)
			}
			ask(200, "POST /logs-app-prod/_rollover")
			if got := counted(t, 0, "ship", app, "--config", config, "--json"); got.Delivered != 50 {
				t.Errorf("after a rollover %+v", got)
			}
			penstockSays(t, 4, "ship", app, "--config", config, "--json", "--overwrite") // which it refuses, and loses nothing
		})
	}
}
