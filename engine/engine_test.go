package engine_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

// open opens an engine that is closed at the end of the test.
func open(t testing.TB, cfg engine.Config) *engine.Engine {
	t.Helper()
	e, err := engine.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

// do makes one request and returns the answer.
func do(t testing.TB, h http.Handler, method, target, body string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(text)
}

// must makes a request that has to be answered with 200 or 201.
func must(t testing.TB, h http.Handler, method, target, body string) string {
	t.Helper()
	status, text := do(t, h, method, target, body)
	if status != http.StatusOK && status != http.StatusCreated {
		t.Fatalf("%s %s: status %d: %s", method, target, status, text)
	}
	return text
}

// count is the number of documents of an index.
func count(t testing.TB, h http.Handler, index string) int {
	t.Helper()
	var answer struct{ Count int }
	decode(t, must(t, h, "GET", "/"+index+"/_count", ""), &answer)
	return answer.Count
}

func decode(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// lines makes a body for _bulk that creates n documents of about the size and shape of an access log's.
func lines(index string, from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `{"create":{"_index":"%s","_id":"%d"}}`+"\n", index, i)
		fmt.Fprintf(&b, `{"@timestamp":"2015-05-13T%02d:%02d:43.%06dZ","penstock":{"format":"alb","offset":%d},`+
			`"aws":{"s3":{"bucket":"logs","key":"AWSLogs/123/%d.log.gz"}},`+
			`"type":"http","elb":"app/my-loadbalancer/50dc6c495c0c9188",`+
			`"client_ip":"192.168.131.%d","client_port":%d,"target_ip":"10.0.0.1","target_port":80,`+
			`"request_processing_time":0.%06d,"target_processing_time":0.001048,"response_processing_time":0.000057,`+
			`"elb_status_code":%d,"target_status_code":200,"received_bytes":%d,"sent_bytes":%d,`+
			`"request_verb":"GET","request_url":"http://www.example.com:80/path/%d?q=a%%20b","request_protocol":"HTTP/1.1",`+
			`"user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","ssl_cipher":"ECDHE-RSA-AES128-GCM-SHA256",`+
			`"trace_id":"Root=1-58337262-36d228ad5d99923122bbe%03x","domain_name":"www.example.com",`+
			`"actions_executed":["forward"],"ok":%t}`+"\n",
			i/60%24, i%60, i%1000000, i*331, i/1000, i%256, i%65536, i%1000000, 200+i%5*50, i*7, i*13, i%1000, i%4096, i%7 != 0)
	}
	return b.String()
}

func TestBulkCreatesEachDocumentOnce(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	var answer struct {
		Errors bool
		Items  []map[string]struct {
			ID     string `json:"_id"`
			Status int
			Error  struct{ Type, Reason string }
		}
	}
	const n = 300
	for pass, want := range []int{http.StatusCreated, http.StatusConflict} {
		decode(t, must(t, e, "POST", "/_bulk", lines("logs", 0, n)), &answer)
		if len(answer.Items) != n || answer.Errors != (pass == 1) {
			t.Fatalf("pass %d: %d items, errors %t", pass, len(answer.Items), answer.Errors)
		}
		for i, item := range answer.Items {
			got := item["create"]
			if got.Status != want || got.ID != fmt.Sprint(i) {
				t.Fatalf("pass %d, item %d: %+v, want status %d", pass, i, got, want)
			}
			reason := fmt.Sprintf("[%d]: version conflict, document already exists (current version [1])", i)
			if pass == 1 && got.Error.Reason != reason {
				t.Fatalf("reason: got %q, want %q", got.Error.Reason, reason)
			}
		}
	}
	if got := count(t, e, "logs"); got != n {
		t.Errorf("%d documents, want %d", got, n)
	}
}

// A domain that refuses explicit indexes answers as OpenSearch 2.19.1 and Elasticsearch 7.10.2 were seen to.
func TestExplicitIndexesAreRefused(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{NoExplicitIndex: true})
	const reason = `"type":"illegal_argument_exception","reason":"explicit index in %[1]s is not allowed"`
	const refusal = `{"error":{"root_cause":[{` + reason + `}],` + reason + `},"status":400}`
	for _, test := range []struct{ target, body, what string }{
		{"/_bulk", `{"create":{"_index":"a","_id":"1"}}` + "\n{}\n", "bulk"},
		{"/a/_bulk", `{"create":{"_index":"a","_id":"1"}}` + "\n{}\n", "bulk"},
		{"/a/_bulk", `{"create":{"_id":"1"}}` + "\n{}\n" + `{"delete":{"_index":"b","_id":"1"}}` + "\n", "bulk"},
		{"/_mget", `{"docs":[{"_index":"a","_id":"1"}]}`, "multi get"},
		{"/a/_mget", `{"docs":[{"_index":"a","_id":"1"}]}`, "multi get"},
	} {
		want := fmt.Sprintf(refusal, test.what)
		if status, got := do(t, e, "POST", test.target, test.body); status != 400 || got != want {
			t.Errorf("%s %s: got %d %s, want 400 %s", test.target, test.body, status, got, want)
		}
	}
	must(t, e, "POST", "/a/_bulk", `{"create":{"_id":"1"}}`+"\n{}\n")
	if text := must(t, e, "POST", "/a/_mget", `{"ids":["1"]}`); !strings.Contains(text, `"found":true`) {
		t.Error(text)
	}
	if n := count(t, e, "a"); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}
