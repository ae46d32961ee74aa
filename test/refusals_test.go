package test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

var update = flag.Bool("update", false, "write what real nodes answer to bulk/testdata")

// refusalScene is one way in which a node refuses a document, or drops it.
type refusalScene struct {
	name  string
	setup []string // requests before, each "METHOD /path body"
	bulk  string   // the lines of the request
	path  string   // instead of /_bulk
	after string   // undoes a setting of the whole cluster
	no710 bool     // Elasticsearch OSS 7.10 does not have it
}

func refusalScenes() []refusalScene {
	create := func(index, doc string) string {
		return fmt.Sprintf(`{"create":{"_index":%q,"_id":"1"}}`+"\n%s\n", index, doc)
	}
	index := func(index, doc string) string {
		return fmt.Sprintf(`{"index":{"_index":%q,"_id":"1"}}`+"\n%s\n", index, doc)
	}
	mapped := func(index, field string) string {
		return "PUT /" + index + ` {"mappings":{"properties":{` + field + `}}}`
	}
	pipeline := func(index, processor string) []string {
		return []string{
			"PUT /_ingest/pipeline/" + index + ` {"processors":[` + processor + `]}`,
			"PUT /" + index + ` {"settings":{"index.default_pipeline":"` + index + `"}}`,
		}
	}
	settings := func(text string) string { return `PUT /_cluster/settings {"transient":{` + text + `}}` }
	return []refusalScene{
		// About the record.
		{
			name:  "a number that is none",
			setup: []string{mapped("s1", `"n":{"type":"long"}`)},
			bulk:  create("s1", `{"n":"many"}`),
		},
		{
			name:  "a date that is none",
			setup: []string{mapped("s2", `"at":{"type":"date"}`)},
			bulk:  create("s2", `{"at":"yesterday"}`),
		},
		{
			name:  "a value where an object is mapped",
			setup: []string{mapped("s3", `"o":{"properties":{"a":{"type":"long"}}}`)},
			bulk:  create("s3", `{"o":1}`),
		},
		{
			name:  "an object where a value is mapped",
			setup: []string{mapped("s4", `"o":{"type":"keyword"}`)},
			bulk:  create("s4", `{"o":{"a":1}}`),
		},
		{
			name:  "a field that strict mapping does not know",
			setup: []string{`PUT /s5 {"mappings":{"dynamic":"strict"}}`},
			bulk:  create("s5", `{"a":1}`),
		},
		{
			name:  "an immense term",
			setup: []string{mapped("s6", `"k":{"type":"keyword"}`)},
			bulk:  create("s6", `{"k":"`+strings.Repeat("x", 33_000)+`"}`),
		},
		{name: "JSON that is none", bulk: create("s7", `{"a":}`)},
		{name: "a field without a name", bulk: create("s8", `{"":1}`)},
		{
			name:  "nested too deep",
			setup: []string{`PUT /s9 {"settings":{"index.mapping.depth.limit":2}}`},
			bulk:  create("s9", `{"a":{"b":{"c":{"d":1}}}}`),
		},
		{
			name:  "a number of 2000 digits",
			setup: []string{mapped("s10", `"n":{"type":"long"}`)},
			bulk:  create("s10", `{"n":`+strings.Repeat("7", 2000)+`}`),
		},
		{
			name:  "a pipeline that fails",
			setup: pipeline("s11", `{"fail":{"message":"not this one"}}`),
			bulk:  create("s11", `{"a":1}`),
		},
		{
			name:  "a pipeline that cannot dissect",
			setup: pipeline("s12", `{"dissect":{"field":"m","pattern":"%{a} - %{b}"}}`),
			bulk:  create("s12", `{"m":"x"}`),
		},
		{
			name:  "a pipeline that misses a field",
			setup: pipeline("s13", `{"rename":{"field":"a","target_field":"b"}}`),
			bulk:  create("s13", `{"m":"x"}`),
		},
		{
			name: "an id that is too long",
			bulk: `{"create":{"_index":"s14","_id":"` + strings.Repeat("i", 600) + `"}}` + "\n{\"a\":1}\n",
		},
		{
			name: "an id that is too long, beside another",
			bulk: create("s14", `{"a":1}`) +
				`{"create":{"_index":"s14","_id":"` + strings.Repeat("i", 600) + `"}}` + "\n{\"a\":1}\n",
		},
		// There already, dropped.
		{name: "there already", setup: []string{"PUT /s20/_doc/1 {}"}, bulk: create("s20", `{"a":1}`)},
		{name: "dropped by the pipeline", setup: pipeline("s21", `{"drop":{}}`), bulk: create("s21", `{"a":1}`)},
		{name: "dropped by the pipeline, index", setup: pipeline("s22", `{"drop":{}}`), bulk: index("s22", `{"a":1}`)},
		{name: "replaced", setup: []string{"PUT /s23/_doc/1 {}"}, bulk: index("s23", `{"a":1}`)},
		// About the index.
		{name: "closed", setup: []string{"PUT /s30 {}", "POST /s30/_close"}, bulk: create("s30", `{"a":1}`)},
		{
			name:  "missing",
			setup: []string{settings(`"action.auto_create_index":"-s31,+*"`)},
			bulk:  create("s31", `{"a":1}`),
			after: settings(`"action.auto_create_index":null`),
		},
		{
			name: "missing, in the path", setup: []string{settings(`"action.auto_create_index":"-s31,+*"`)}, path: "/s31/_bulk",
			bulk: "{\"create\":{\"_id\":\"1\"}}\n{}\n", after: settings(`"action.auto_create_index":null`),
		},
		{
			name:  "alias without a write index",
			setup: []string{`PUT /s32a {"aliases":{"s32":{}}}`, `PUT /s32b {"aliases":{"s32":{}}}`},
			bulk:  create("s32", `{"a":1}`),
		},
		{
			name:  "missing pipeline",
			setup: []string{`PUT /s33 {"settings":{"index.default_pipeline":"nowhere"}}`},
			bulk:  create("s33", `{"a":1}`),
		},
		{
			name:  "field limit",
			setup: []string{`PUT /s34 {"settings":{"index.mapping.total_fields.limit":2}}`},
			bulk:  create("s34", `{"a":1,"b":2,"c":3}`),
		},
		{
			name: "wrong action", no710: true,
			setup: []string{`PUT /_index_template/s35 {"index_patterns":["s35"],"data_stream":{}}`, "PUT /_data_stream/s35"},
			bulk:  index("s35", `{"@timestamp":"2026-01-01T00:00:00Z"}`),
		},
		{
			name:  "@timestamp as a number",
			setup: []string{mapped("s36", `"@timestamp":{"type":"long"}`)},
			bulk:  create("s36", `{"@timestamp":"2026-01-01T00:00:00Z"}`),
		},
		{
			name:  "@timestamp as an object",
			setup: []string{mapped("s37", `"@timestamp":{"properties":{"a":{"type":"long"}}}`)},
			bulk:  create("s37", `{"@timestamp":"2026-01-01T00:00:00Z"}`),
		},
		{
			name:  "@timestamp as a flag",
			setup: []string{mapped("s38", `"@timestamp":{"type":"boolean"}`)},
			bulk:  create("s38", `{"@timestamp":"2026-01-01T00:00:00Z"}`),
		},
		{
			name:  "routing required",
			setup: []string{`PUT /s39 {"mappings":{"_routing":{"required":true}}}`},
			bulk:  create("s39", `{"a":1}`),
		},
		{name: "a name that is none", bulk: create("S40", `{"a":1}`)},
		{
			name:  "writes blocked by a person",
			setup: []string{`PUT /s41 {"settings":{"index.blocks.write":true}}`},
			bulk:  create("s41", `{"a":1}`),
		},
		{
			name:  "read-only by a person",
			setup: []string{`PUT /s42 {}`, `PUT /s42/_settings {"index.blocks.read_only":true}`},
			bulk:  create("s42", `{"a":1}`),
			after: `PUT /s42/_settings {"index.blocks.read_only":null}`,
		},
		{
			name:  "no more shards",
			setup: []string{settings(`"cluster.max_shards_per_node":1`)},
			bulk:  create("s43", `{"a":1}`),
			after: settings(`"cluster.max_shards_per_node":null`),
		},
		// Passing.
		{
			name:  "disk full",
			setup: []string{`PUT /s50 {}`, `PUT /s50/_settings {"index.blocks.read_only_allow_delete":true}`},
			bulk:  create("s50", `{"a":1}`),
		},
		// About the request.
		{name: "an action that is none", bulk: "{\"create\":7}\n{}\n"},
		{name: "a parameter that is none", path: "/_bulk?bogus=1", bulk: create("s60", `{"a":1}`)},
		{name: "an empty request", bulk: "\n"},
		{name: "an action of another version", bulk: `{"create":{"_index":"s61","_bogus":"x","_id":"1"}}` + "\n{}\n"},
	}
}

// nodeAnswer is what a node says to a document: in its item, or in the answer to the whole request.
type nodeAnswer struct {
	Scene  string `json:"scene"`
	Whole  bool   `json:"whole,omitempty"`
	Status int    `json:"status"`
	Type   string `json:"type,omitempty"`
	Reason string `json:"reason,omitempty"`
	Result string `json:"result,omitempty"`
}

// TestRealNodesRefuseAsRecorded holds bulk/testdata/answers-VERSION.json, which the table of refusals is tested with,
// against real nodes. With -update it writes those files.
func TestRealNodesRefuseAsRecorded(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.3.0", "2.19.1", "7.10.2"} {
		// One after the other: each holds half a gigabyte.
		t.Run(version, func(t *testing.T) {
			node := realtest.StartOpenSearch(t, version)
			var got []nodeAnswer
			for _, scene := range refusalScenes() {
				if scene.no710 && version == "7.10.2" {
					continue
				}
				for _, request := range scene.setup {
					if status, body := askNode(t, node.URL, request); status >= 300 {
						t.Fatalf("%s: %s: %d: %s", scene.name, request, status, body)
					}
				}
				got = append(got, bulkAnswer(t, node.URL, scene))
				if scene.after != "" {
					askNode(t, node.URL, scene.after)
				}
			}
			name := filepath.Join("..", "bulk", "testdata", "answers-"+version+".json")
			if *update {
				writeAnswers(t, name, got)
				return
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var want []nodeAnswer
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answers (-recorded +node):\n%s", diff)
			}
		})
	}
}

func writeAnswers(t *testing.T, name string, answers []nodeAnswer) {
	t.Helper()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(answers); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// bulkAnswer sends a scene's request and returns what the node says to its last document.
func bulkAnswer(t *testing.T, url string, scene refusalScene) nodeAnswer {
	t.Helper()
	path := scene.path
	if path == "" {
		path = "/_bulk"
	}
	status, body := askNode(t, url, "POST "+path+" "+scene.bulk)
	var a struct {
		Error json.RawMessage
		Items []map[string]struct {
			Status int
			Error  json.RawMessage
			Result string
		}
	}
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("%s: %d: %s", scene.name, status, body)
	}
	out := nodeAnswer{Scene: scene.name, Whole: true, Status: status}
	raw := a.Error
	for _, item := range a.Items {
		for _, it := range item {
			out.Whole, out.Status, out.Result, raw = false, it.Status, it.Result, it.Error
		}
	}
	if len(raw) > 0 {
		var e struct{ Type, Reason string }
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatalf("%s: %s", scene.name, raw)
		}
		out.Type, out.Reason = e.Type, plainReason(e.Reason)
	}
	return out
}

// changing are the parts of a reason that are different each time.
var changing = regexp.MustCompile(`\[[A-Za-z0-9_-]{22}\]|@[0-9a-f]{5,8}\b`)

func plainReason(text string) string {
	text = changing.ReplaceAllString(text, "[…]")
	if len(text) > 240 {
		text = strings.ToValidUTF8(text[:240], "") + "…"
	}
	return text
}

// askNode sends "METHOD /path body".
func askNode(t *testing.T, url, request string) (int, []byte) {
	t.Helper()
	method, rest, _ := strings.Cut(request, " ")
	path, body, _ := strings.Cut(rest, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, text
}
