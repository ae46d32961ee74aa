package test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/realtest"
)

// The figures of the function that began this project, a GET / in 2015.
const (
	storyDuration = 64.87 // milliseconds
	storyMemory   = 16    // megabytes
)

func TestTheBannerUnderTheSmallestMemory(t *testing.T) {
	t.Parallel()
	identities := filepath.Join(t.TempDir(), "identities.json")
	s := newSession(1, time.Now().Add(time.Hour))
	writeSessions(t, identities, s)
	url := roleDomain(t, identities, "--listen", "127.0.0.1:0", "--compat", "2015-10")
	got := invokeCommand(t, append(sessionEnv(s), "PENSTOCK_DOMAIN="+url), "{}", "--memory", "128", "--binary",
		bootstrap(t))
	if got.failed || !strings.Contains(got.payload, "You Know, for Search") {
		t.Fatalf("%+v", got)
	}
	t.Logf("a signed GET /: %.2f ms, %d MB of %d (initialised in %.2f ms); the story's: %.2f ms, %d MB", got.duration,
		got.max, got.memory, got.init, storyDuration, storyMemory)
	if got.memory != 128 || got.max == 0 || got.max > 64 {
		t.Errorf("%d MB of %d", got.max, got.memory)
	}
}

// sink is a domain that only counts documents. Each has its number in "n".
type sink struct {
	mu         sync.Mutex
	seen       []byte // by n: how often
	strange    int
	bytes      int64
	firstByte  time.Time
	firstBytes sync.Once
	refuse     int // documents from this size on, when it is not zero
	refused    int
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.firstBytes.Do(func() { s.firstByte = time.Now() })
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w,
			`{"name":"sink","cluster_name":"sink","version":{"distribution":"opensearch","number":"2.19.1"},"tagline":"counts"}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Authorization") == "" {
		http.Error(w, `{"error":"unsigned or cut"}`, http.StatusBadRequest)
		return
	}
	var answer bytes.Buffer
	fmt.Fprintf(&answer, `{"took":1,"errors":%v,"items":[`, s.refuse > 0)
	s.mu.Lock()
	s.bytes += int64(len(body))
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	for i, line := range lines {
		refused := s.refuse > 0 && len(lines[i|1]) >= s.refuse
		if i%2 == 0 {
			_, id, _ := bytes.Cut(line, []byte(`"_id":"`))
			id, _, _ = bytes.Cut(id, []byte(`"`))
			if i > 0 {
				answer.WriteByte(',')
			}
			if refused {
				fmt.Fprintf(&answer,
					`{"create":{"_id":"%s","status":400,"error":{"type":"mapper_parsing_exception","reason":"too long"}}}`, id)
			} else {
				fmt.Fprintf(&answer, `{"create":{"_id":"%s","status":201}}`, id)
			}
			continue
		}
		if refused {
			s.refused++
			continue
		}
		_, rest, _ := bytes.Cut(line, []byte(`"n":`))
		n := 0
		for _, c := range rest {
			if c < '0' || c > '9' {
				break
			}
			n = 10*n + int(c-'0')
		}
		if n >= len(s.seen) || s.seen[n] == 255 {
			s.strange++
			continue
		}
		s.seen[n]++
	}
	s.mu.Unlock()
	answer.WriteString(`]}`)
	_, _ = w.Write(answer.Bytes())
}

// numberedLines is gzip NDJSON of about size plain bytes.
func numberedLines(t *testing.T, size int) (packed []byte, records int) {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(z, 1<<20)
	text := strings.Repeat("the water runs down to the turbine ", 12)
	for written := 0; written < size; records++ {
		n, err := fmt.Fprintf(w, `{"timestamp":"2015-11-19T08:00:00.000Z","n":%d,"level":"info","message":"%s"}`+"\n",
			records, text)
		if err != nil {
			t.Fatal(err)
		}
		written += n
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), records
}

// The smallest function delivers an object many times its memory. PENSTOCK_TEST_FULL=1 makes it 1 GiB.
func TestALargeObjectFitsThroughTheSmallestMemory(t *testing.T) {
	t.Parallel()
	sizes := []int{16 << 20, 128 << 20}
	if os.Getenv("PENSTOCK_TEST_FULL") != "" {
		sizes = append(sizes, 1<<30)
	}
	server := realtest.StartVersityGW(t)
	b := newBucket(t, server.URL, server, "logs", false)
	peak := 0
	for _, size := range sizes {
		packed, records := numberedLines(t, size)
		key := fmt.Sprintf("%d-MiB.ndjson.gz", size>>20)
		b.put(t, []*put{{key: key, body: packed}})
		domain := &sink{seen: make([]byte, records)}
		srv := httptest.NewServer(domain)
		got := invokeCommand(t, functionEnv(t, server, srv.URL), sqsBatch(notificationOf(key)), "--memory", "128", "--binary",
			bootstrap(t))
		srv.Close()
		if got.failed || got.payload != `{"batchItemFailures":[]}` {
			t.Fatalf("%s: %+v", key, got)
		}
		wrong := domain.strange
		for _, n := range domain.seen {
			if n != 1 {
				wrong++
			}
		}
		if wrong > 0 {
			t.Errorf("%s: %d of %d records did not arrive exactly once", key, wrong, records)
		}
		seconds := got.duration / 1000
		t.Logf("%s: %d records, %d bytes stored, %.1f s (%.0f MB/s of plain text), %d MB of %d", key, records, len(packed),
			seconds, float64(size)/1e6/seconds, got.max, got.memory)
		if got.max >= got.memory {
			t.Errorf("%s: %d MB of %d", key, got.max, got.memory)
		}
		if peak > 0 && got.max > peak+peak/2 {
			t.Errorf("%s: %d MB after %d MB for an object of an eighth: memory grows with the object", key, got.max, peak)
		}
		peak = max(peak, got.max)
	}
}

// What a cold start takes is printed; it depends on the machine.
func TestColdStart(t *testing.T) {
	t.Parallel()
	domain := &sink{}
	srv := httptest.NewServer(domain)
	t.Cleanup(srv.Close)
	f := startFunction(t, bootstrap(t), "PENSTOCK_DOMAIN="+srv.URL, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=eu-central-1")
	asked := <-f.asked
	f.asked <- asked
	if got := f.invoke(t, "{}", time.Minute); got.failed {
		t.Fatalf("%+v", got)
	}
	t.Logf("cold start: asks for its event after %v, its first byte reaches the domain after %v",
		asked.Sub(f.started).Round(10*time.Microsecond), domain.firstByte.Sub(f.started).Round(10*time.Microsecond))
}

// zipBudget is the size that lambda.zip may have: it is downloaded and unpacked at every cold start.
const zipBudget = 15 << 19

func TestTheZipIsSmallAndTheSameWhereverItIsBuilt(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("building the function twice is left out: -short")
	}
	here, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	there := copyOfTheSource(t, here)
	for _, arch := range []string{"arm64", "amd64"} {
		var zips [2][]byte
		for i, dir := range []string{here, there} {
			out := filepath.Join(t.TempDir(), "lambda.zip")
			cmd := exec.CommandContext(t.Context(), "go", "run", "./internal/lambdazip", "-arch", arch, "-o", out, "-version",
				"1.2.3")
			cmd.Dir = dir
			text, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			t.Logf("%s", bytes.TrimSpace(text))
			if zips[i], err = os.ReadFile(out); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(zips[0], zips[1]) {
			t.Errorf("%s: built elsewhere it is another file", arch)
		}
		if len(zips[0]) > zipBudget {
			t.Errorf("%s: %d bytes are over the budget of %d", arch, len(zips[0]), zipBudget)
		}
	}
}

// copyOfTheSource is a copy of the module in another directory, without its history.
func copyOfTheSource(t *testing.T, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "else where")
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." &&
				(strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || rel == "bin" || rel == "bench" || rel == "tools") {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		if !d.Type().IsRegular() || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// longLines are n lines of size bytes, as gzip: small when stored, large in memory.
func longLines(t *testing.T, format string, first, n, size int) []byte {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	filler := bytes.Repeat([]byte("the water runs down "), size/20+1)
	for i := range n {
		head, tail := fmt.Sprintf(`{"timestamp":"2015-11-19T08:00:00.000Z","n":%d,"message":"`, first+i), `"}`
		if format == "text" {
			head, tail = fmt.Sprintf(`2015-11-19 08:00:00,000 INFO "n":%d `, first+i), "."
		}
		for _, part := range [][]byte{[]byte(head), filler[:size-len(head)-len(tail)], []byte(tail + "\n")} {
			if _, err := z.Write(part); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A record that the function has no memory for becomes a dead letter that refers to it, and its batch goes on. The
// limit follows from the memory size. Records just below it are delivered, also when every reader has such records and
// every request is full of them.
func TestLongRecordsDoNotEndASmallFunction(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	b := newBucket(t, server.URL, server, "logs", false)
	newBucket(t, server.URL, server, "letters", false)
	for _, tt := range []struct {
		memory, limit int // MB and bytes
		format        string
		refuse        int // documents from this size on
	}{
		{128, 2 << 20, "ndjson", 0},
		{128, 2 << 20, "text", 0},
		{128, 2 << 20, "ndjson", 1 << 20},
		{256, 4 << 20, "ndjson", 1 << 20},
	} {
		const fits, tooLong, short = 12, 6, 1000
		name := fmt.Sprintf("%d MB, %s, refusing from %d", tt.memory, tt.format, tt.refuse)
		var puts []*put
		var messages []string
		add := func(first, n, size int) {
			p := &put{key: fmt.Sprintf("%s/%d-%d.gz", name, first, size), body: longLines(t, tt.format, first, n, size)}
			puts = append(puts, p)
			messages = append(messages, fmt.Sprintf(`{"bucket":"logs","key":%s}`, text(p.key)))
		}
		for i := range 4 {
			add(i*fits, fits, tt.limit-1)
		}
		letters := 0
		for _, size := range []int{tt.limit + 100, 9 << 20, 12 << 20, 16<<20 - 1} {
			add(1<<20, tooLong, size)
			letters += tooLong
		}
		add(4*fits, short, 100)
		delivered := 4*fits + short
		if tt.refuse > 0 {
			letters, delivered = letters+4*fits, short
		}
		b.put(t, puts)
		domain := &sink{seen: make([]byte, 4*fits+short), refuse: tt.refuse}
		srv := httptest.NewServer(domain)
		env := functionEnv(t, server, srv.URL, "PENSTOCK_DEAD_LETTERS=s3://letters/"+name)
		got := invokeCommand(t, env, sqsBatch(messages...), "--memory", fmt.Sprint(tt.memory), "--binary", bootstrap(t))
		srv.Close()
		if got.failed || got.payload != `{"batchItemFailures":[]}` {
			t.Errorf("%s: %+v", name, got.result)
			continue
		}
		m := lastMetrics(t, got.log)
		if m["RecordsDelivered"] != float64(delivered) || m["RecordsDeadLettered"] != float64(letters) {
			t.Errorf("%s: %v delivered of %d, %v dead letters of %d", name, m["RecordsDelivered"], delivered,
				m["RecordsDeadLettered"], letters)
		}
		if tt.format == "ndjson" && tt.refuse == 0 {
			for n, times := range domain.seen {
				if times != 1 {
					t.Errorf("%s: record %d arrived %d times", name, n, times)
				}
			}
		}
		t.Logf("%s: %d MB at most, %.1f s", name, got.max, got.duration/1000)
	}
}
