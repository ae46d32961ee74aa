package guard_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/fault"
)

// faulty starts an open domain that injects faults.
func faulty(t testing.TB, spec string, change ...func(*guard.Config)) (*testDomain, *fault.Faults) {
	t.Helper()
	f, err := fault.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return newDomain(t, "open", append(change, func(c *guard.Config) { c.Faults = f })...), f
}

func TestInjectedAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		spec        string
		status      int
		contentType string
		body        string
		reaches     bool
	}{
		{"", 200, "application/json; charset=UTF-8", `{"ok":true}`, true},
		{"429@0%", 200, "application/json; charset=UTF-8", `{"ok":true}`, true},
		{
			spec: "429", status: 429, contentType: "application/json",
			body: `{"error":{"root_cause":[{"type":"es_rejected_execution_exception","reason":"rejected execution of ` +
				`coordinating operation: queue capacity reached"}],"type":"es_rejected_execution_exception","reason":"rejected ` +
				`execution of coordinating operation: queue capacity reached"},"status":429}`,
		},
		{
			spec: "503", status: 503, contentType: "application/json",
			body: `{"error":{"root_cause":[{"type":"cluster_block_exception","reason":"blocked by: ` +
				`[SERVICE_UNAVAILABLE/2/no master];"}],"type":"cluster_block_exception","reason":"blocked by: ` +
				`[SERVICE_UNAVAILABLE/2/no master];"},"status":503}`,
		},
		{"text429", 429, "text/plain; charset=UTF-8", "429 Too Many Requests /a/_search", false},
		{"authz", 503, "application/json", `{"Message":"Call to Authorization engine failed"}`, false},
		{
			spec: "expired-token", status: 403, contentType: "application/json",
			body: `{"message":"The security token included in the request is expired"}`,
		},
		{"latency=1ms", 200, "application/json; charset=UTF-8", `{"ok":true}`, true},
		{"clock-skew=1m", 200, "application/json; charset=UTF-8", `{"ok":true}`, true},
	} {
		d, faults := faulty(t, c.spec)
		r := d.sign(t, d.request(t, "POST", "/a/_search?x=1", "{}"), alice, "{}")
		resp, body := send(t, r)
		if resp.StatusCode != c.status || body != c.body || resp.Header.Get("Content-Type") != c.contentType {
			t.Errorf("%s: %d %q %s", c.spec, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		}
		if reached := len(d.reached()) > 0; reached != c.reaches {
			t.Errorf("%s: reached the backend: %v", c.spec, reached)
		}
		kind, _, _ := strings.Cut(c.spec, "=")
		if want := map[string]int64{kind: 1}; c.spec != "" && c.spec != "429@0%" && !cmp.Equal(faults.Fired(), want) {
			t.Errorf("%s: fired %v", c.spec, faults.Fired())
		}
	}
}

func TestResetsBreakTheConnectionBeforeOrAfterTheCall(t *testing.T) {
	t.Parallel()
	for spec, reaches := range map[string]bool{"reset-before": false, "reset-after": true} {
		d, _ := faulty(t, spec)
		resp, err := http.DefaultTransport.RoundTrip(d.request(t, "POST", "/a/_doc", "{}"))
		if err == nil {
			resp.Body.Close()
			t.Errorf("%s: answered %d", spec, resp.StatusCode)
		} else if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", spec, err)
		}
		if reached := len(d.reached()) == 1; reached != reaches {
			t.Errorf("%s: reached the backend: %v", spec, reached)
		}
	}
}

func TestASkewedClockRefusesAndShowsItself(t *testing.T) {
	t.Parallel()
	d, _ := faulty(t, "clock-skew=-10m")
	resp, body := send(t, d.sign(t, d.request(t, "GET", "/", ""), alice, ""))
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "Signature not yet current: ") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || time.Until(date) > -9*time.Minute {
		t.Errorf("the answer's date is %v, %v", date, err)
	}
	r := d.request(t, "GET", "/", "")
	signWith(t, r, d.keys[alice], "", region, "es", date)
	if resp, body := send(t, r); resp.StatusCode != http.StatusOK {
		t.Errorf("signed by the domain's clock: %d %s", resp.StatusCode, body)
	}
}

func TestAShortSignatureErrorHidesTheCanonicalRequest(t *testing.T) {
	t.Parallel()
	for spec, dump := range map[string]bool{"": true, "short-signature": false} {
		d, _ := faulty(t, spec)
		r := d.sign(t, d.request(t, "GET", "/", ""), alice, "")
		r.Method = http.MethodDelete
		resp, body := send(t, r)
		if resp.StatusCode != http.StatusForbidden ||
			!strings.HasPrefix(body, `{"message":"The request signature we calculated does not match`) ||
			strings.Contains(body, "The Canonical String") != dump {
			t.Errorf("%q: %d %s", spec, resp.StatusCode, body)
		}
	}
}

func TestTheSameSeedStrikesTheSameRequests(t *testing.T) {
	t.Parallel()
	run := func(spec string) string {
		d, _ := faulty(t, spec)
		var b strings.Builder
		for range 60 {
			status, _ := d.do(t, "", "GET", "/", "")
			fmt.Fprint(&b, status, " ")
		}
		return b.String()
	}
	a, b, c := run("429@30%,503@10%"), run("429@30%,503@10%"), run("429@30%,503@10%,seed=2")
	if a != b {
		t.Errorf("the same seed:\n%s\n%s", a, b)
	}
	if a == c {
		t.Errorf("another seed strikes the same: %s", a)
	}
	if n := strings.Count(a, "429"); n < 8 || n > 30 {
		t.Errorf("429@30%% struck %d of 60", n)
	}
}

// bulkBackend answers every item that reaches it with its own id.
func bulkBackend(got *[]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
		var items []string
		for i := 0; i < len(lines); i += 2 {
			*got = append(*got, lines[i])
			items = append(items, fmt.Sprintf(`{"index":{"_id":"%d","status":201}}`, len(*got)))
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"took":1,"errors":false,"items":[%s]}`, strings.Join(items, ","))
	})
}

func TestStruckItemsAreNotStored(t *testing.T) {
	t.Parallel()
	for _, zipped := range []bool{false, true} {
		var stored []string
		d, faults := faulty(t, "bulk-item=429@40%,bulk-item=400@10%", func(c *guard.Config) {
			c.Backend = bulkBackend(&stored)
		})
		var body bytes.Buffer
		const n = 100
		for i := range n {
			fmt.Fprintf(&body, "{\"index\":{\"_id\":\"d%d\"}}\n{\"n\":%d}\n", i, i)
		}
		plain := body.String()
		r := d.request(t, "POST", "/logs/_bulk", plain)
		if zipped {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			_, _ = io.WriteString(w, plain)
			w.Close()
			r = d.request(t, "POST", "/logs/_bulk", z.String())
			r.Header.Set("Content-Encoding", "gzip")
		}
		resp, text := send(t, r)
		created := strings.Count(text, `"status":201`)
		limited := strings.Count(text, `"_index":"logs","_id":"d`)
		fired := faults.Fired()
		if resp.StatusCode != http.StatusOK || !strings.Contains(text, `"errors":true`) || created+limited != n ||
			len(stored) != created || int64(limited) != fired["bulk-item=429"]+fired["bulk-item=400"] ||
			fired["bulk-item=400"] == 0 {
			t.Errorf("gzip %v: %d, %d created, %d refused, %d stored, fired %v", zipped, resp.StatusCode, created, limited,
				len(stored), fired)
		}
		for _, line := range stored {
			id := strings.TrimSuffix(strings.TrimPrefix(line, `{"index":{"_id":"`), `"}}`)
			if strings.Contains(text, `"_id":"`+id+`"`) {
				t.Errorf("%s is stored and refused", id)
			}
		}
	}
	var stored []string
	d, _ := faulty(t, "bulk-item=503", func(c *guard.Config) { c.Backend = bulkBackend(&stored) })
	if status, text := d.do(t, "", "POST", "/_bulk", "{\"delete\":{\"_index\":\"a\",\"_id\":\"1\"}}\n"); status != 200 ||
		len(stored) != 0 ||
		text != `{"took":0,"errors":true,"items":[{"delete":{"_index":"a","_id":"1","status":503,`+
			`"error":{"type":"unavailable_shards_exception","reason":"primary shard is not active"}}}]}` {
		t.Errorf("all items struck: %d %s, stored %v", status, text, stored)
	}
	// A client that asks for a part of the answer gets the part.
	for filter, want := range map[string]string{
		"took,errors,items.*._id,items.*.status,items.*.error": `{"took":0,"errors":true,"items":[{"delete":{"_id":"1",` +
			`"status":503,"error":{"type":"unavailable_shards_exception","reason":"primary shard is not active"}}}]}`,
		"items.*.status": `{"items":[{"delete":{"status":503}}]}`,
		// A filter that leaves out items is left to the backend.
		"items.*.error": "nothing",
		"errors":        "nothing",
		"-items":        "nothing",
	} {
		stored = nil
		status, text := d.do(t, "", "POST", "/_bulk?filter_path="+filter, "{\"delete\":{\"_index\":\"a\",\"_id\":\"1\"}}\n")
		if want == "nothing" {
			if len(stored) != 1 {
				t.Errorf("filter %s: %d %s, stored %v", filter, status, text, stored)
			}
		} else if status != 200 || len(stored) != 0 || text != want {
			t.Errorf("filter %s: %d %s, stored %v, want %s", filter, status, text, stored, want)
		}
	}
}

func TestFaultsAreSetFromThisMachineWithTheTokenOnly(t *testing.T) {
	t.Parallel()
	d, faults := faulty(t, "", func(c *guard.Config) { c.AdminToken = "open sesame" })
	admin := func(method, token, body string) (int, string) {
		r := d.request(t, method, fault.AdminPath, body)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		resp, text := send(t, r)
		return resp.StatusCode, text
	}
	for _, token := range []string{"", "open", "open sesame!"} {
		if status, text := admin("PUT", token, "429"); status != http.StatusForbidden {
			t.Errorf("token %q: %d %s", token, status, text)
		}
	}
	if status, text := admin("PUT", "open sesame", "429@100%"); status != 200 || text != `{"spec":"429@100%","fired":{}}` {
		t.Errorf("PUT: %d %s", status, text)
	}
	if status, _ := d.do(t, "", "GET", "/", ""); status != http.StatusTooManyRequests {
		t.Errorf("the fault does not strike: %d", status)
	}
	if status, text := admin("GET", "open sesame", ""); status != 200 || text != `{"spec":"429@100%","fired":{"429":1}}` {
		t.Errorf("GET: %d %s", status, text)
	}
	if status, text := admin("PUT", "open sesame", "nonsense"); status != http.StatusBadRequest ||
		!strings.Contains(text, "unknown fault") {
		t.Errorf("nonsense: %d %s", status, text)
	}
	if status, _ := admin("DELETE", "open sesame", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", status)
	}
	if status, _ := admin("PUT", "open sesame", strings.Repeat(",", 65<<10)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a long specification: %d", status)
	}
	if faults.Spec() != "429@100%" {
		t.Errorf("the specification is %q", faults.Spec())
	}
	closed, _ := faulty(t, "")
	if status, _ := closed.do(t, "", "GET", fault.AdminPath, ""); status != http.StatusOK || len(closed.reached()) != 1 {
		t.Errorf("without a token the path is not the domain's: %d", status)
	}
}

// A conflict means to a client that the document is there.
func TestAConflictThatIsInjectedIsOne(t *testing.T) {
	t.Parallel()
	var stored []string
	d, faults := faulty(t, "bulk-item=409", func(c *guard.Config) { c.Backend = bulkBackend(&stored) })
	status, text := d.do(t, "", "POST", "/logs/_bulk",
		"{\"create\":{\"_id\":\"1\"}}\n{\"n\":1}\n{\"create\":{}}\n{\"n\":2}\n{\"index\":{\"_id\":\"3\"}}\n{\"n\":3}\n")
	if status != http.StatusOK || len(stored) != 3 || faults.Fired()["bulk-item=409"] != 1 ||
		!strings.Contains(text, `"errors":true`) ||
		strings.Count(text, "version_conflict_engine_exception") != 1 || strings.Count(text, `"status":201`) != 2 {
		t.Errorf("%d %s, stored %v, fired %v", status, text, stored, faults.Fired())
	}
}
