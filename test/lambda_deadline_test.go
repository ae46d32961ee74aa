package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

// hanging is a proxy that can stop answering. It does not change requests, so that signatures stay valid.
type hanging struct {
	*httptest.Server
	// stop says that a request gets no answer; cut that its body ends in silence after the first half.
	stop, cut atomic.Pointer[string]
	delay     atomic.Int64
	seen      atomic.Int64
	end       chan struct{}
}

// newHanging starts a proxy in front of a server. It stops at requests whose method and path contain what stop and cut
// hold.
func newHanging(t *testing.T, target string) *hanging {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	h := &hanging{end: make(chan struct{})}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
			r.Out.Host = r.In.Host
			for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				r.Out.Header.Del(name)
			}
		},
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		ModifyResponse: func(resp *http.Response) error {
			if h.matches(&h.cut, resp.Request) {
				resp.Body = &cutBody{ReadCloser: resp.Body, left: resp.ContentLength / 2, end: h.end}
			}
			return nil
		},
	}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.matches(&h.stop, r) {
			h.seen.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			select {
			case <-h.end:
			case <-r.Context().Done():
			}
			return
		}
		if d := time.Duration(h.delay.Load()); d > 0 && strings.Contains(r.URL.Path, "_bulk") {
			select {
			case <-time.After(d):
			case <-h.end:
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		close(h.end)
		h.CloseClientConnections()
		h.Close()
	})
	return h
}

func (h *hanging) matches(at *atomic.Pointer[string], r *http.Request) bool {
	what := at.Load()
	return what != nil && strings.Contains(r.Method+" "+r.URL.Path, *what)
}

// cutBody falls silent.
type cutBody struct {
	io.ReadCloser
	left int64
	end  chan struct{}
}

func (c *cutBody) Read(p []byte) (int, error) {
	if c.left == 0 {
		<-c.end
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

func TestTheRealFunctionAnswersBeforeItsDeadlineWhicheverStageHangs(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	domain := startDomain(t, server, "")
	client := &domainClient{url: domain, account: server}
	client.prepare(t)
	b := newBucket(t, server.URL, server, "logs", false)
	puts := corpus(2, []string{"one", "two"})
	for i, p := range puts {
		*p = *newPut(p.key, 6*i+4, 0)
	}
	b.put(t, puts)
	event := sqsBatch(notificationOf("one"), s3TestEvent, notificationOf("two"))
	const failed = `{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m2"}]}`
	for _, tt := range []struct {
		name      string
		stop, cut string
		want      string
	}{
		{name: "the banner", stop: "GET /", want: failed},
		{name: "opening", stop: "GET /logs/", want: failed},
		{name: "reading", cut: "GET /logs/", want: failed},
		{name: "delivering", stop: "POST /_bulk", want: failed},
		{name: "nothing", want: `{"batchItemFailures":[]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s3, gate := newHanging(t, server.URL), newHanging(t, domain)
			for _, h := range []*hanging{s3, gate} {
				if h == s3 && tt.name == "the banner" {
					continue
				}
				if tt.stop != "" {
					h.stop.Store(&tt.stop)
				}
				if tt.cut != "" {
					h.cut.Store(&tt.cut)
				}
			}
			through := *server
			through.URL = s3.URL
			f := startFunction(t, bootstrap(t), functionEnv(t, &through, gate.URL)...)
			began := time.Now()
			const timeout = 4 * time.Second
			got := f.invoke(t, event, timeout) // fails the test when the deadline passes
			if got.failed || got.payload != tt.want {
				t.Errorf("after %v: %+v, want %s", time.Since(began), got, tt.want)
			}
			m := f.metrics(t)
			if m["RecordsRead"] != m["RecordsDelivered"].(float64)+m["RecordsDuplicate"].(float64)+
				m["RecordsUnacknowledged"].(float64) {
				t.Errorf("%v", m)
			}
		})
	}
}

// A platform that ends a sandbox says so first. What is in hand is given back, and the process is gone.
func TestAFunctionThatIsToldToEndGivesBackWhatItHas(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	gate := newHanging(t, startDomain(t, server, ""))
	b := newBucket(t, server.URL, server, "logs", false)
	b.put(t, []*put{newPut("a+b", 4, 0)})
	end := func(f *platform) {
		t.Helper()
		if err := f.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	gone := func(f *platform) {
		t.Helper()
		select {
		case <-f.ended:
			if code := f.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		case <-time.After(time.Minute):
			t.Error("the process is still there")
		}
	}
	idle := startFunction(t, bootstrap(t), functionEnv(t, server, gate.URL)...)
	got := idle.invoke(t, sqsBatch(notification("logs", "a+b", "")), time.Minute)
	if got.payload != `{"batchItemFailures":[]}` {
		t.Fatalf("%+v", got)
	}
	asked := <-idle.asked
	idle.asked <- asked
	end(idle)
	gone(idle)

	stop := "POST /_bulk"
	gate.stop.Store(&stop)
	busy := startFunction(t, bootstrap(t), functionEnv(t, server, gate.URL)...)
	go func() {
		for gate.seen.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		end(busy)
	}()
	got = busy.invoke(t, sqsBatch(notification("logs", "a+b", "")), time.Minute)
	if got.payload != `{"batchItemFailures":[{"itemIdentifier":"m0"}]}` {
		t.Errorf("%+v", got)
	}
	gone(busy)
}

func notificationOf(key string) string {
	return `{"Records":[` + notificationRecord("logs", key, "") + `]}`
}

// fakeQueue takes messages as SQS does in its JSON protocol, and may hang.
type fakeQueue struct {
	mu       sync.Mutex
	messages []string
	hang     atomic.Bool
	end      chan struct{}
}

func (q *fakeQueue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".SendMessage") {
		http.Error(w, "not SendMessage", http.StatusBadRequest)
		return
	}
	if q.hang.Load() {
		select {
		case <-q.end:
		case <-r.Context().Done():
		}
		return
	}
	var in struct{ MessageBody string }
	if err := json.Unmarshal(body, &in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	q.mu.Lock()
	q.messages = append(q.messages, in.MessageBody)
	q.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = fmt.Fprintf(w, `{"MessageId":"m","MD5OfMessageBody":"%x"}`, md5Of(in.MessageBody))
}

func (q *fakeQueue) take() (string, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == 0 {
		return "", false
	}
	m := q.messages[0]
	q.messages = q.messages[1:]
	return m, true
}

// A gzip object that no single invocation can deliver arrives whole, once, in steps that are handed on.
func TestAHugeObjectArrivesInSteps(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	domain := startDomain(t, server, "")
	client := &domainClient{url: domain, account: server}
	client.prepare(t)
	gate := newHanging(t, domain)
	gate.delay.Store(int64(400 * time.Millisecond))
	b := newBucket(t, server.URL, server, "logs", false)
	var lines bytes.Buffer
	huge := &put{key: "huge.gz"}
	for n := range 4000 {
		unique := fmt.Sprint("huge/", n)
		fmt.Fprintf(&lines, `{"timestamp":"2015-11-19T08:00:00Z","unique":%q,"amount":%d}`+"\n", unique, n)
		huge.docs = append(huge.docs, huge.key+" "+unique)
	}
	huge.body = gzipped(lines.Bytes())
	b.put(t, []*put{huge})
	queue := &fakeQueue{end: make(chan struct{})}
	sqs := httptest.NewServer(queue)
	t.Cleanup(func() { close(queue.end); sqs.Close() })
	f := startFunction(t, bootstrap(t), functionEnv(t, server, gate.URL, "AWS_ENDPOINT_URL_SQS="+sqs.URL,
		"PENSTOCK_CONTINUE_QUEUE="+sqs.URL+"/123456789012/objects", "PENSTOCK_BATCH_DOCS=100", "PENSTOCK_MAX_IN_FLIGHT=1")...)

	// When the rest cannot be handed on, the message comes again.
	queue.hang.Store(true)
	const timeout = 3 * time.Second
	got := f.invoke(t, sqsBatch(notificationOf(huge.key)), timeout)
	if got.payload != `{"batchItemFailures":[{"itemIdentifier":"m0"}]}` {
		t.Errorf("with a queue that hangs: %+v", got)
	}
	queue.hang.Store(false)

	message, steps := notificationOf(huge.key), 0
	for more := true; more; message, more = queue.take() {
		if len(message) >= 256<<10 {
			t.Errorf("a message of %d bytes", len(message))
		}
		if got := f.invoke(t, sqsBatch(message), timeout); got.payload != `{"batchItemFailures":[]}` {
			t.Fatalf("step %d, %s: %+v", steps, message, got)
		}
		if steps++; steps > 100 {
			t.Fatal("it goes on for ever")
		}
	}
	if steps < 3 {
		t.Errorf("%d steps: the object was not huge", steps)
	}
	t.Logf("%d records in %d steps of %v", len(huge.docs), steps, timeout)
	if diff := cmp.Diff(huge.docs, client.documents(t), sorted); diff != "" {
		t.Errorf("documents (-put in +found):\n%.2000s", diff)
	}
}
