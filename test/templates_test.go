package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/realtest"
	"github.com/seed56735111/penstock/shape/ocsf"
)

// Every template is taken by real nodes and read back as it was put; every sample of every format is indexed by it.
func TestTemplatesOnRealNodes(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.3.0", "2.19.1", "7.10.2"} {
		// One after the other: each holds half a gigabyte.
		t.Run(version, func(t *testing.T) {
			node := realtest.StartOpenSearch(t, version)
			// A template of somebody's, under one of our names and not for our indexes.
			foreign := `{"index_patterns":["other-alb-*"],"priority":7}`
			if status, text := askNode(t, node.URL, "PUT /_index_template/penstock-logs-alb "+foreign); status != 200 {
				t.Fatalf("%d: %s", status, text)
			}
			said := penstockSays(t, 0, "templates", "put", "--domain", node.URL, "--no-sign")
			const left = "1 index template left as somebody else wrote or changed it: penstock-logs-alb; " +
				"see penstock templates diff"
			if !strings.Contains(said, left) {
				t.Errorf("put says %s, want %q", said, left)
			}
			if status, text := askNode(t, node.URL, "DELETE /_index_template/penstock-logs-alb"); status != 200 {
				t.Fatalf("%d: %s", status, text)
			}
			penstockSays(t, 0, "templates", "put", "--domain", node.URL, "--no-sign")
			if diff := penstockSays(t, 0, "templates", "diff", "--domain", node.URL, "--no-sign"); diff != "" {
				t.Errorf("what was put is read back as something else: %s", diff)
			}
			samples := samplesOfFormats(t)
			letters := filepath.Join(t.TempDir(), "letters")
			got := counted(t, -1, "ship", samples, "--domain", node.URL, "--no-sign", "--put-templates", "--json",
				"--index", "logs-{format}-samples", "--dead-letters", letters)
			if got.Records < 800 || got.Unacknowledged > 0 {
				t.Errorf("%+v", got)
			}
			for _, line := range refusalLetters(t, letters) {
				var l struct {
					Index, Type, Detail string
					Source              struct{ Object string }
				}
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					t.Fatal(err)
				}
				if !disputed(l.Index, l.Source.Object) {
					t.Errorf("%s in %s: %s: %s", l.Index, l.Source.Object, l.Type, l.Detail)
				}
			}
			checkMapping(t, node.URL)
			t.Run("names of the Elastic Common Schema", func(t *testing.T) { aliases(t, node.URL, samples) })
			t.Run("events of OCSF", func(t *testing.T) { events(t, node.URL) })
			t.Run("shapes of requestParameters", func(t *testing.T) { shapes(t, node.URL) })
		})
	}
}

// aliases ships the samples into indexes with the names of the Elastic Common Schema, which takes no document away and
// finds them.
func aliases(t *testing.T, url, samples string) {
	t.Helper()
	letters := filepath.Join(t.TempDir(), "letters")
	counted(t, -1, "ship", samples, "--domain", url, "--no-sign", "--put-templates", "--fields", "ecs-alias", "--json",
		"--index", "ecs-{format}-samples", "--dead-letters", letters)
	for _, line := range refusalLetters(t, letters) {
		var l struct {
			Index, Type, Detail string
			Source              struct{ Object string }
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		if !disputed(strings.Replace(l.Index, "ecs-", "logs-", 1), l.Source.Object) {
			t.Errorf("%s in %s: %s: %s", l.Index, l.Source.Object, l.Type, l.Detail)
		}
	}
	askNode(t, url, "POST /_refresh")
	for index, field := range map[string]string{
		"alb": "source.ip", "nginx": "user_agent.original", "cloudtrail": "event.action", "vpcflow": "network.bytes",
		"syslog": "host.name",
	} {
		_, text := askNode(t, url, "POST /ecs-"+index+`-samples/_count {"query":{"exists":{"field":"`+field+`"}}}`)
		if bytes.Contains(text, []byte(`"count":0,`)) || !bytes.Contains(text, []byte(`"count":`)) {
			t.Errorf("%s in %s: %s", field, index, text)
		}
	}
}

// events ships the samples as events of OCSF, of which none is turned away, and finds them by their attributes.
func events(t *testing.T, url string) {
	t.Helper()
	letters := filepath.Join(t.TempDir(), "letters")
	got := counted(t, 0, "ship", samplesOfFormats(t, ocsf.Formats()...), "--domain", url, "--no-sign", "--put-templates",
		"--fields", "ocsf", "--original", "--json", "--index", "ocsf-{format}-samples", "--dead-letters", letters)
	if got.Records < 50 || got.Delivered != got.Records {
		t.Errorf("%+v: %s", got, refusalLetters(t, letters))
	}
	// The traps, which the tests of the package make events of: an index may refuse a record whose own field is an object
	// here and a text there, but no attribute.
	taken := 0
	for _, format := range ocsf.Formats() {
		text, err := os.ReadFile(filepath.Join("../shape/ocsf/testdata", format+".golden"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			status, answer := askNode(t, url, "POST /ocsf-"+format+"-samples/_doc "+string(bytes.TrimSpace(line)))
			if status == 201 {
				taken++
			} else if !bytes.Contains(answer, []byte("[unmapped.")) {
				t.Errorf("%s: %d: %s: %s", format, status, answer, line)
			}
		}
	}
	if taken < 20 {
		t.Errorf("%d traps are taken", taken)
	}
	askNode(t, url, "POST /_refresh")
	for _, query := range []string{
		`{"term":{"src_endpoint.ip":"172.31.0.0/16"}}`, `{"range":{"time":{"gte":"2026-11-24"}}}`,
		`{"term":{"class_uid":4002}}`,
		`{"term":{"observables.value":"shop.example.com"}}`, `{"match":{"api.request.data":"logs"}}`,
		`{"term":{"metadata.product.name":"Amazon EKS"}}`, `{"exists":{"field":"unmapped.parse_error"}}`,
	} {
		_, answer := askNode(t, url, `POST /ocsf-*/_count {"query":`+query+`}`)
		if bytes.Contains(answer, []byte(`"count":0,`)) || !bytes.Contains(answer, []byte(`"count":`)) {
			t.Errorf("%s: %s", query, answer)
		}
	}
}

// disputed says that an index is expected to turn documents away: formats without a schema, whose samples have one name
// with several types, and records that have a member of the name that the format keeps for itself.
func disputed(index, object string) bool {
	switch strings.TrimSuffix(strings.TrimPrefix(index, "logs-"), "-samples") {
	case "ndjson", "json", "elasticdump", "firelens":
		return true
	}
	return strings.Contains(object, "/config/") || strings.HasSuffix(object, "docker/parts.log")
}

// checkMapping reads a mapping back.
func checkMapping(t *testing.T, url string) {
	t.Helper()
	status, text := askNode(t, url, "GET /logs-alb-samples/_mapping")
	var answer map[string]struct {
		Mappings struct {
			Properties map[string]struct{ Type string }
		}
	}
	if err := json.Unmarshal(text, &answer); err != nil || status != 200 {
		t.Fatalf("%d, %v: %s", status, err, text)
	}
	for name, want := range map[string]string{
		"client_ip": "ip", "elb_status_code": "long", "request_processing_time": "double", "user_agent": "keyword",
		"@timestamp": "date",
	} {
		if got := answer["logs-alb-samples"].Mappings.Properties[name].Type; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// samplesOfFormats copies the samples of formats, of all when none is named, into a directory, in which they are as old
// as files at rest.
func samplesOfFormats(t *testing.T, formats ...string) string {
	t.Helper()
	to := t.TempDir()
	all, err := filepath.Glob("../format/testdata/*/*")
	if err != nil || len(all) < 100 {
		t.Fatal(len(all), err)
	}
	for _, path := range all {
		if strings.HasSuffix(path, ".golden") || strings.Contains(path, "fuzz") {
			continue
		}
		if len(formats) > 0 && !slices.Contains(formats, filepath.Base(filepath.Dir(path))) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(to, filepath.Base(filepath.Dir(path)), filepath.Base(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		writeSettled(t, name, string(text))
	}
	return to
}

// penstockSays runs penstock and returns what it says. A code of -1 takes 0 and 3.
func penstockSays(t *testing.T, code int, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), penstock, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code && (code >= 0 || got != 0 && got != 3) {
		t.Fatalf("penstock %s: exit %d, want %d: %s", strings.Join(args, " "), got, code, out.String())
	}
	return out.String()
}

// counted runs penstock and returns the counts that it says.
func counted(t *testing.T, code int, args ...string) (got refusalSummary) {
	t.Helper()
	for line := range strings.Lines(penstockSays(t, code, args...)) {
		if strings.HasPrefix(line, `{"items":`) {
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			return got
		}
	}
	t.Fatal("no counts")
	return got
}

// shapes ships 10,000 events of CloudTrail with 2,000 shapes of requestParameters, one of which has a text that is
// longer than any term may be.
func shapes(t *testing.T, url string) {
	t.Helper()
	var events strings.Builder
	for i := range 10_000 {
		leaf := `"value"`
		if i == 5000 {
			leaf = `"` + strings.Repeat("long ", 8000) + strings.Repeat("x", 40_000) + `"`
		}
		fmt.Fprintf(&events,
			`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","accountId":"123456789012"},`+
				`"eventTime":"2026-11-24T10:%02d:%02dZ","eventSource":"ec2.amazonaws.com",`+
				`"eventName":"RunInstances","awsRegion":"eu-west-1",`+
				`"requestParameters":{"shape%d":{"name%d":%s,"n":%d}},`+
				`"responseElements":null,"eventID":"e%d"}`+"\n", i/60%60, i%60, i%2000, i%2000, leaf, i, i)
	}
	file := writeSettled(t, filepath.Join(t.TempDir(), "trail.json"), events.String())
	got := counted(t, 0, "ship", file, "--domain", url, "--no-sign", "--put-templates", "--json", "--format", "cloudtrail",
		"--index", "shapes-{format}-{yyyy}")
	if got.Delivered != 10_000 || got.DeadLettered != 0 {
		t.Errorf("%+v, want everything to be delivered", got)
	}
	status, text := askNode(t, url, "GET /shapes-cloudtrail-2026/_mapping")
	n := bytes.Count(text, []byte(`"type":`))
	t.Logf("%d fields", n)
	if status != 200 || n >= 300 || n < 20 {
		t.Errorf("%d fields, status %d", n, status)
	}
	askNode(t, url, "POST /_refresh")
	_, text = askNode(t, url, `POST /shapes-cloudtrail-2026/_count {"query":{"match":{"requestParameters":"shape7"}}}`)
	if !bytes.Contains(text, []byte(`"count":5,`)) {
		t.Errorf("events with a name in their requestParameters: %s, want 5", text)
	}
}

// writeSettled writes a file that nobody is writing to any more, and returns its name.
func writeSettled(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	settle(t, name)
	return name
}

// settle makes a file one that nobody is writing to: what was just written to may go on, and its end is left for the
// next run.
func settle(t *testing.T, name string) {
	t.Helper()
	if err := os.Chtimes(name, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
}
