package test

import (
	"fmt"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/internal/realtest"
)

// --overwrite repairs what a wrong checksum has left in an index. A data stream refuses: it does not replace documents.
func TestOverwriteRepairsAnIndexAndNotADataStream(t *testing.T) {
	t.Parallel()
	node := realtest.StartOpenSearch(t, "2.19.1")
	client := &domainClient{url: node.URL}
	client.call(t, "PUT", "/_index_template/streams", `{"index_patterns":["stream-*"],"data_stream":{}}`, new(any))
	bucket := &hostile.S3{Summed: true}
	text := hostile.Lines("k", 500)
	bucket.Put("k", text)
	bucket.Get = hostile.Always(hostile.Altered)
	store := httptest.NewServer(bucket)
	t.Cleanup(store.Close)
	s := new(scenario)
	ship := func(step, index string, code int, says string, delivered, duplicate int64, args ...string) {
		t.Helper()
		e := s.ship(t, append([]string{
			"ship", "s3://" + hostile.Bucket + "/", "--domain", node.URL, "--no-sign", "--json", "--dead-letters", t.TempDir(),
			"--endpoint-url", store.URL, "--path-style", "--index", index,
		}, args...))
		if e.code != code || !strings.Contains(e.said, says) || e.number("delivered") != delivered ||
			e.number("duplicate") != duplicate {
			t.Errorf("%s: exit code %d, summary %v, and it said:\n%s", step, e.code, e.summary, e.said)
		}
	}
	holds := func(step, index string, truth, fakes int64) {
		t.Helper()
		out, err := exec.Command(penstock, "request", "POST", "/"+index+"/_refresh", "--domain", node.URL,
			"--no-sign").CombinedOutput()
		if err != nil {
			t.Fatalf("refresh: %v: %s", err, out)
		}
		for word, want := range map[string]int64{"true": truth, "fake": fakes} {
			var answer struct{ Count int64 }
			client.call(t, "GET", "/"+index+"/_count", fmt.Sprintf(`{"query":{"match":{"text":%q}}}`, word), &answer)
			if answer.Count != want {
				t.Errorf("%s: %d documents say %q, want %d", step, answer.Count, word, want)
			}
		}
	}
	ship("altered for ever", "repaired", 4, "ship the object once with --overwrite", 500, 0)
	holds("altered for ever", "repaired", 0, 500)
	ship("altered for ever, into a stream", "stream-1", 4, "in a data stream, delete", 0, 0)
	holds("altered for ever, into a stream", "stream-1", 0, 500)

	bucket.Calm()
	ship("run again", "repaired", 0, "", 0, 500)
	holds("run again", "repaired", 0, 500)
	ship("run again with --overwrite", "repaired", 0, "", 0, 500, "--overwrite")
	holds("run again with --overwrite", "repaired", 500, 0)
	ship("--overwrite into a stream", "stream-1", 4, "leave --overwrite out", 0, 0, "--overwrite")
	holds("--overwrite into a stream", "stream-1", 0, 500)

	bucket.Misbehave(hostile.Once(hostile.Altered), nil)
	bucket.Put("l", text)
	ship("altered once", "once", 0, "", 1000, 0)
	holds("altered once", "once", 1000, 0)
}
