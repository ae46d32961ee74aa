package test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/internal/realtest"
)

const parquetRows = 60_000

// parquetFile is a file of 11 MB in groups of 5,000 rows, or in one. Each row has the members by which the records of
// hostile.Lines are told.
var parquetFile = sync.OnceValue(func() string { return parquetIn(5000) })

func parquetIn(groups int64) string {
	type row struct {
		Key  string    `parquet:"key,dict"`
		N    int64     `parquet:"n"`
		Text string    `parquet:"text"`
		More []string  `parquet:"more,list"`
		Time time.Time `parquet:"time,timestamp(millisecond)"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.MaxRowsPerRowGroup(groups), parquet.PageBufferSize(32<<10))
	for i := range parquetRows {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		text := fmt.Sprintf("%x", sum)
		_, _ = w.Write([]row{{"k", int64(i), text, []string{text[:50], text[9:]}, time.Unix(1795773600+int64(i), 0)}})
	}
	_ = w.Close()
	return b.String()
}

// parquetRun ships the object "a.parquet" of a bucket, or a file, with no directory for a copy.
type parquetRun struct {
	bucket *hostile.S3
	domain *hostile.Domain
	path   string
	env    []string
}

const noCopies = "TMPDIR=/nonexistent"

func (r *parquetRun) ship(t *testing.T, args ...string) *ended {
	t.Helper()
	index := httptest.NewServer(r.domain)
	defer index.Close()
	from := []string{r.path}
	if r.bucket != nil {
		store := httptest.NewServer(r.bucket)
		defer store.Close()
		from = []string{"s3://" + hostile.Bucket + "/", "--endpoint-url", store.URL, "--path-style"}
	}
	s := scenario{env: r.env}
	return s.ship(t, slices.Concat([]string{"ship"}, from, []string{
		"--domain", index.URL, "--no-sign", "--json", "--dead-letters", t.TempDir(), "--index", "p",
	}, args))
}

// ids are the ids of the documents of a run that brought every row.
func (r *parquetRun) ids(t *testing.T) []string {
	t.Helper()
	e := r.ship(t)
	if e.code != 0 || e.number("delivered") != parquetRows {
		t.Fatalf("exit %d, %v\n%s", e.code, e.summary, e.said)
	}
	return slices.Sorted(maps.Keys(r.domain.Docs()))
}

func bucketOf(body string) *hostile.S3 {
	b := &hostile.S3{Summed: true}
	b.Put("a.parquet", body)
	return b
}

// Rows that are read by place have the ids that they have out of a copy.
func TestParquetByPlaceHasTheSameIds(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"small groups": parquetFile(), "one group": parquetIn(parquetRows)} {
		away := &parquetRun{bucket: bucketOf(body), domain: new(hostile.Domain), env: []string{noCopies}}
		ids := away.ids(t)
		requests := away.bucket.Ranges()
		t.Logf("%s: %d bytes in %d requests: %q", name, len(body), len(requests), requests)
		if len(requests) > 12 || requests[0] != "" || slices.Contains(requests[1:], "") {
			t.Errorf("%s: requests %q", name, requests)
		}
		// The checksum of which no parts can be taken.
		sum := sha256.Sum256([]byte(body))
		away.bucket.Get = func(w http.ResponseWriter, _ *hostile.Get) bool {
			w.Header().Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum[:]))
			return false
		}
		away.bucket.Summed, away.domain = false, new(hostile.Domain)
		if e := away.ship(t); e.code != 4 || !strings.Contains(e.said, "/nonexistent") {
			t.Errorf("%s: a copy without a directory for it: exit %d\n%s", name, e.code, e.said)
		}
		away.env = nil
		if copied := away.ids(t); !slices.Equal(copied, ids) {
			t.Errorf("%s: other ids out of a copy: %q, %q", name, copied[:2], ids[:2])
		}
		dir := t.TempDir()
		writeSettled(t, filepath.Join(dir, "a.parquet"), body)
		here := &parquetRun{path: dir, domain: new(hostile.Domain), env: []string{noCopies}}
		if fileIDs := here.ids(t); len(fileIDs) != parquetRows {
			t.Errorf("%s: %d documents of the file", name, len(fileIDs))
		}
		// Compressed by rotation it is the same file, and out of a copy.
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = z.Write([]byte(body))
		_ = z.Close()
		_ = os.Remove(filepath.Join(dir, "a.parquet"))
		writeSettled(t, filepath.Join(dir, "a.parquet.gz"), packed.String())
		here.env = nil
		if e := here.ship(t); e.code != 0 || e.number("duplicate") != parquetRows {
			t.Errorf("%s: out of a copy: exit %d, %v", name, e.code, e.summary)
		}
	}
}

// Whatever happens to a range, every row arrives once, in the first run or in the next.
func TestParquetArrivesOnceWhateverHappensToARange(t *testing.T) {
	t.Parallel()
	body := parquetIn(parquetRows)
	nth := func(n int, fault hostile.GetFault) func(http.ResponseWriter, *hostile.Get) bool {
		return func(w http.ResponseWriter, g *hostile.Get) bool {
			if g.N != n {
				return false
			}
			fault(w, g)
			return true
		}
	}
	same := func(body string) string { return body }
	other := func(body string) string { return body[:len(body)/2] + strings.ToUpper(body[len(body)/2:]) }
	for name, tt := range map[string]struct {
		get     func(http.ResponseWriter, *hostile.Get) bool
		exit    int
		says    string
		replace string
	}{
		"a reset":                    {get: nth(4, hostile.Part(same, 100_000))},
		"a reset in the footer":      {get: nth(2, hostile.Part(same, 100))},
		"a page of HTML":             {get: nth(4, hostile.Page)},
		"throttled":                  {get: nth(4, refused(503, "SlowDown"))},
		"altered on its way":         {get: nth(4, hostile.Part(other, len(body)))},
		"altered footer":             {get: nth(2, hostile.Part(other, len(body)))},
		"resets for ever":            {get: brokenFrom(4), exit: 4, says: "EOF"},
		"replaced, as S3 says":       {get: nth(4, refused(412, "PreconditionFailed")), exit: 4, says: "Precondition"},
		"replaced by a smaller file": {replace: parquetFile()[:6<<20], exit: 4, says: "nobody writes to it"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			r := &parquetRun{bucket: bucketOf(body), domain: new(hostile.Domain), env: []string{noCopies}}
			r.bucket.Get = tt.get
			if tt.replace != "" {
				r.bucket.Get = nth(4, func(w http.ResponseWriter, g *hostile.Get) {
					r.bucket.Put(g.Key, tt.replace) // it does not heed If-Match
					g.Body = tt.replace
					hostile.Whole(w, g)
				})
			}
			e := r.ship(t)
			sum := e.number("delivered") + e.number("duplicate") + e.number("dead_lettered") + e.number("unacknowledged")
			if e.code != tt.exit || !strings.Contains(e.said, tt.says) || sum != e.number("records") {
				t.Errorf("exit %d, %v\n%s", e.code, e.summary, e.said)
			}
			r.bucket.Calm()
			r.bucket.Put("a.parquet", body)
			if e := r.ship(t); e.code != 0 {
				t.Errorf("again: exit %d, %v\n%s", e.code, e.summary, e.said)
			}
			if got := texts(r.domain.Docs()); len(got) != parquetRows || len(r.domain.Docs()) != parquetRows {
				t.Errorf("%d records in %d documents", len(got), len(r.domain.Docs()))
			}
		})
	}
}

// brokenFrom breaks off every answer from the nth on after its head.
func brokenFrom(n int) func(http.ResponseWriter, *hostile.Get) bool {
	return func(w http.ResponseWriter, g *hostile.Get) bool {
		if g.N >= n {
			hostile.Part(func(body string) string { return body }, 0)(w, g)
		}
		return g.N >= n
	}
}

func refused(status int, code string) hostile.GetFault {
	return func(w http.ResponseWriter, _ *hostile.Get) { hostile.Fail(w, status, code) }
}

// A run that is killed in the middle of a file leaves what the next one makes whole.
func TestParquetIsShippedOnceThroughAKill(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*parquetRun{
		"a file": {path: filepath.Join(t.TempDir(), "a.parquet")}, "an object": {bucket: bucketOf(parquetFile())},
	} {
		if r.path != "" {
			writeSettled(t, r.path, parquetFile())
		}
		r.domain, r.env = new(hostile.Domain), []string{noCopies}
		ctx := t.Context()
		index := httptest.NewUnstartedServer(r.domain)
		from := []string{r.path}
		if r.bucket != nil {
			store := httptest.NewServer(r.bucket)
			defer store.Close()
			from = []string{"s3://" + hostile.Bucket + "/", "--endpoint-url", store.URL, "--path-style"}
		}
		cmd := exec.CommandContext(ctx, penstock, slices.Concat([]string{"ship"}, from, []string{
			"--domain", "http://" + index.Listener.Addr().String(), "--no-sign", "--json", "--dead-letters", t.TempDir(),
			"--index", "p",
		})...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
			"AWS_REGION=eu-west-1", noCopies)
		var once sync.Once
		started := make(chan struct{})
		r.domain.Answer = func(_ http.ResponseWriter, b *hostile.BulkRequest) bool {
			if b.N == 2 { // it is carried out, and nobody hears of it
				r.domain.Bulk(b)
				<-started
				once.Do(func() { _ = cmd.Process.Kill() })
				return true
			}
			return b.N > 2
		}
		index.Start()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		_ = cmd.Wait()
		index.Close()
		if n := len(r.domain.Docs()); n == 0 || n == parquetRows {
			t.Errorf("%s: %d documents when it was killed", name, n)
		}
		r.domain.Calm()
		if e := r.ship(t); e.code != 0 || len(texts(r.domain.Docs())) != parquetRows ||
			len(r.domain.Docs()) != parquetRows || e.number("duplicate") == 0 {
			t.Errorf("%s: then exit %d, %v, %d documents", name, e.code, e.summary, len(r.domain.Docs()))
		}
	}
}

// A real S3 server is asked few times, and answers with what is wanted.
func TestParquetFromRealS3TakesFewRequests(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	to, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var gets []string
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, r.In.Host
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, ".parquet") {
			mu.Lock()
			gets = append(gets, r.Header.Get("Range")+" "+r.Header.Get("If-Match"))
			mu.Unlock()
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	for name, versioned := range map[string]bool{"plain": false, "versions": true} {
		b := newBucket(t, server.URL, server, name, versioned)
		b.put(t, []*put{{key: "a.parquet", body: []byte(parquetFile())}})
		domain := new(hostile.Domain)
		index := httptest.NewServer(domain)
		gets = nil
		counts, code, said := shipWith(t, append(server.Env(), noCopies), "s3://"+name+"/", "--endpoint-url", front.URL,
			"--path-style", "--domain", index.URL, "--no-sign", "--index", "p")
		index.Close()
		if code != 0 || counts["delivered"] != float64(parquetRows) || len(texts(domain.Docs())) != parquetRows {
			t.Errorf("%s: exit %d, %v\n%s", name, code, counts, said)
		}
		// The beginning, the end, and the rows in parts of at least 1 MiB, which are asked for side by side.
		if n := len(gets); n < 3 || n > 2+len(parquetFile())>>20 {
			t.Errorf("%s: %d requests for %d bytes: %q", name, n, len(parquetFile()), gets)
		}
		for _, get := range gets[1:] {
			if !strings.HasPrefix(get, "bytes=") || !strings.HasSuffix(get, `"`) {
				t.Errorf("%s: a request for %q", name, get)
			}
		}
		t.Logf("%s: %q", name, gets)
	}
}

// BenchmarkParquetByPlaceAndOutOfACopy ships a large object both ways: what it takes of time, of the processor, of
// memory and of the disk.
func BenchmarkParquetByPlaceAndOutOfACopy(b *testing.B) {
	body := parquetIn(parquetRows / 2)
	const times = 8
	sum := sha256.Sum256([]byte(body))
	for name, header := range map[string]http.Header{
		"by place": {}, "copy": {"X-Amz-Checksum-Sha256": {base64.StdEncoding.EncodeToString(sum[:])}},
	} {
		b.Run(name, func(b *testing.B) {
			bucket := &hostile.S3{Get: func(w http.ResponseWriter, _ *hostile.Get) bool {
				maps.Copy(w.Header(), header)
				return false
			}}
			for i := range times {
				bucket.Put(fmt.Sprintf("%d.parquet", i), body)
			}
			store, sink := httptest.NewServer(bucket), httptest.NewServer(answering(storedItem))
			defer store.Close()
			defer sink.Close()
			var cpu time.Duration
			var written int64
			for b.Loop() {
				cmd := exec.CommandContext(b.Context(), penstock, "ship", "s3://"+hostile.Bucket+"/", "--endpoint-url", store.URL,
					"--path-style", "--domain", sink.URL, "--no-sign", "--index", "p", "--dead-letters", b.TempDir())
				cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
					"AWS_REGION=eu-west-1")
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
					written += usage.Oublock * 512
				}
			}
			b.SetBytes(int64(times * len(body)))
			b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(float64(written)/float64(b.N), "disk-B/op")
			b.ReportMetric(float64(len(bucket.Ranges()))/float64(b.N*times), "requests/object")
		})
	}
}
