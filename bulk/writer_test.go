package bulk_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/sigv4"
)

// engine is a domain that keeps documents by index and id, and can be told to misbehave.
type engine struct {
	mu       sync.Mutex
	docs     map[string]string // index/id → body
	requests int
	// before answers a request instead of the engine when it returns true; after gets the engine's answer to spoil it.
	before func(n int, w http.ResponseWriter, body []byte) bool
	after  func(n int, answer map[string]any) any
	item   func(n int, id string) (status int, kind, reason string)
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var src io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		src, _ = gzip.NewReader(r.Body)
	}
	body, _ := io.ReadAll(src)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.requests++
	n := e.requests
	if e.before != nil && e.before(n, w, body) {
		return
	}
	var items []any
	failed := false
	sc := bufio.NewScanner(bytes.NewReader(body))
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		var action map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		_ = json.Unmarshal(sc.Bytes(), &action)
		if !sc.Scan() {
			break
		}
		for op, a := range action {
			status, kind, reason := 201, "", ""
			if index, ok := strings.CutSuffix(r.URL.Path, "/_bulk"); ok && index != "" && a.Index == "" {
				a.Index = index[1:]
			}
			key := a.Index + "/" + a.ID
			if e.item != nil {
				status, kind, reason = e.item(n, a.ID)
			}
			if status < 300 {
				if _, there := e.docs[key]; there {
					status, kind, reason = 409, "version_conflict_engine_exception", "document already exists"
				} else {
					e.docs[key] = sc.Text()
				}
			}
			it := map[string]any{"_id": a.ID, "status": status}
			if kind != "" {
				failed = true
				it["error"] = map[string]any{"type": kind, "reason": reason}
			}
			items = append(items, map[string]any{op: it})
		}
	}
	var answer any = map[string]any{"took": 1, "errors": failed, "items": items}
	if e.after != nil {
		answer = e.after(n, answer.(map[string]any))
	}
	w.Header().Set("Content-Type", "application/json")
	if s, ok := answer.(string); ok {
		_, _ = io.WriteString(w, s)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func start(t *testing.T, e *engine, cfg bulk.Config) *bulk.Writer {
	t.Helper()
	e.docs = map[string]string{}
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	d, err := domain.New(domain.Config{URL: srv.URL, Transport: domain.NewTransport(domain.TransportConfig{})})
	if err != nil {
		t.Fatal(err)
	}
	w := bulk.New(cfg, d)
	t.Cleanup(func() { _ = w.Close(context.Background()) })
	return w
}

func doc(i int) penstock.Document {
	raw := fmt.Sprintf(`{"n":%d}`, i)
	return penstock.Document{
		Index: "logs", ID: fmt.Appendf(nil, "id-%d", i), Head: []byte(`{"m":1,` + raw[1:]), Raw: []byte(raw),
		Offset: int64(i),
	}
}

// deliver adds n documents to one delivery and waits.
func deliver(t *testing.T, w *bulk.Writer, n int, reject penstock.RejectFunc) (penstock.Outcome, error) {
	t.Helper()
	if reject == nil {
		reject = func(context.Context, penstock.Rejection) error { return nil }
	}
	d := w.Begin(reject)
	var failed error
	for i := range n {
		if failed = d.Add(t.Context(), doc(i)); failed != nil {
			break
		}
	}
	out, err := d.Wait(t.Context())
	if err == nil {
		err = failed
	}
	return out, err
}

func TestDocumentsArriveOnceAndAgainAreDuplicates(t *testing.T) {
	t.Parallel()
	for _, gz := range []bool{false, true} {
		e := &engine{}
		w := start(t, e, bulk.Config{BatchDocs: 70, Gzip: gz})
		for round, want := range []penstock.Outcome{{Delivered: 1000}, {Duplicate: 1000}} {
			got, err := deliver(t, w, 1000, nil)
			if err != nil || got != want {
				t.Errorf("round %d: %+v, error %v", round, got, err)
			}
		}
		if len(e.docs) != 1000 || e.docs["logs/id-7"] != `{"m":1,"n":7}` {
			t.Errorf("%d documents, one is %s", len(e.docs), e.docs["logs/id-7"])
		}
	}
}

// A batch may be as large as its bounds, and not larger.
func TestBatchesAreFilledToTheirBounds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		cfg      bulk.Config
		requests int
	}{
		"bytes":               {bulk.Config{BatchBytes: 4*size(0) + spare, MaxInFlight: 1}, 2},
		"a byte less":         {bulk.Config{BatchBytes: 4*size(0) + spare - 1, MaxInFlight: 1}, 3},
		"documents":           {bulk.Config{BatchDocs: 4, MaxInFlight: 1}, 2},
		"one document a time": {bulk.Config{BatchDocs: 1, MaxInFlight: 1}, 8},
	} {
		e := &engine{}
		got, err := deliver(t, start(t, e, tt.cfg), 8, nil)
		if err != nil || got.Delivered != 8 || e.requests != tt.requests {
			t.Errorf("%s: %+v in %d requests, error %v", name, got, e.requests, err)
		}
	}
}

// spare is left of a batch: a document is taken to be so much longer, for a type.
const spare = len(`"_type":"",`)

// size is what a document takes in a body.
func size(i int) int {
	return len(`{"create":{"_index":"logs","_id":"`+string(doc(i).ID)+`"}}`) + len(doc(i).Head) + 2
}

func TestASmallRunDoesNotWaitForTheTimer(t *testing.T) {
	t.Parallel()
	w := start(t, &engine{}, bulk.Config{Linger: time.Hour})
	if got, err := deliver(t, w, 3, nil); err != nil || got.Delivered != 3 {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestOnlyTheItemsThatFailedAreSentAgain(t *testing.T) {
	t.Parallel()
	e := &engine{item: func(n int, id string) (int, string, string) {
		if n == 1 && strings.HasSuffix(id, "3") {
			return 429, "es_rejected_execution_exception", "queue full"
		}
		if n == 2 && id == "id-13" {
			return 503, "unavailable_shards_exception", "primary not active"
		}
		return 201, "", ""
	}}
	w := start(t, e, bulk.Config{})
	got, err := deliver(t, w, 100, nil)
	if err != nil || got.Delivered != 100 || len(e.docs) != 100 || e.requests != 3 {
		t.Errorf("%+v, error %v, %d documents in %d requests", got, err, len(e.docs), e.requests)
	}
}

func TestARejectedDocumentComesBackAsItWas(t *testing.T) {
	t.Parallel()
	e := &engine{item: func(_ int, id string) (int, string, string) {
		if id == "id-5" {
			return 400, "mapper_parsing_exception", "failed to parse field [n]"
		}
		return 201, "", ""
	}}
	var rejected []penstock.Rejection
	w := start(t, e, bulk.Config{})
	got, err := deliver(t, w, 10, func(_ context.Context, r penstock.Rejection) error {
		r.ID, r.Raw, r.Head, r.Tail = bytes.Clone(r.ID), bytes.Clone(r.Raw), r.Body(), nil
		rejected = append(rejected, r)
		return nil
	})
	if err != nil || got != (penstock.Outcome{Delivered: 9, Rejected: 1}) || len(rejected) != 1 {
		t.Fatalf("%+v, error %v, %+v", got, err, rejected)
	}
	r := rejected[0]
	if string(r.Raw) != `{"n":5}` || string(r.Body()) != `{"m":1,"n":5}` || string(r.ID) != "id-5" ||
		r.Index != "logs" || r.Offset != 5 || r.Type != "mapper_parsing_exception" {
		t.Errorf("%+v", r)
	}
	w2 := start(t, e, bulk.Config{})
	broken := errors.New("disk full")
	refuse := func(context.Context, penstock.Rejection) error { return broken }
	if got, err := deliver(t, w2, 10, refuse); !errors.Is(err, broken) || got.Rejected != 0 {
		t.Errorf("%+v, error %v", got, err)
	}
}

func TestA413IsHalvedDownToTheDocumentThatIsTooLarge(t *testing.T) {
	t.Parallel()
	const limit = 2000
	e := &engine{before: func(_ int, w http.ResponseWriter, body []byte) bool {
		if len(body) <= limit {
			return false
		}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = fmt.Fprintf(w, `{"Message":"Request size exceeded %d bytes"}`, limit)
		return true
	}}
	w := start(t, e, bulk.Config{})
	rejected := 0
	d := w.Begin(func(_ context.Context, r penstock.Rejection) error {
		rejected++
		if r.Status != 413 || string(r.ID) != "id-50" {
			t.Errorf("%d %s", r.Status, r.ID)
		}
		return nil
	})
	for i := range 100 {
		x := doc(i)
		if i == 50 {
			x.Head = []byte(`{"n":"` + strings.Repeat("x", limit) + `"}`)
		}
		if err := d.Add(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.Wait(t.Context())
	if err != nil || got != (penstock.Outcome{Delivered: 99, Rejected: 1}) || rejected != 1 {
		t.Errorf("%+v, error %v, %d rejected", got, err, rejected)
	}
}

func TestAnswersThatCannotBeTrustedAreAskedAgain(t *testing.T) {
	t.Parallel()
	spoil := map[string]func(a map[string]any) any{
		"cut off":      func(a map[string]any) any { b, _ := json.Marshal(a); return string(b[:len(b)-7]) },
		"too few":      func(a map[string]any) any { a["items"] = a["items"].([]any)[1:]; return a },
		"too many":     func(a map[string]any) any { i := a["items"].([]any); a["items"] = append(i, i[0]); return a },
		"out of order": func(a map[string]any) any { i := a["items"].([]any); i[0], i[1] = i[1], i[0]; return a },
		"no status": func(a map[string]any) any {
			a["items"].([]any)[0] = map[string]any{"create": map[string]any{"_id": "id-0"}}
			return a
		},
		"no items": func(a map[string]any) any { return map[string]any{"took": 1} },
	}
	for name, f := range spoil {
		e := &engine{after: func(n int, a map[string]any) any {
			if n == 1 {
				return f(a)
			}
			return a
		}}
		w := start(t, e, bulk.Config{})
		got, err := deliver(t, w, 10, nil)
		if err != nil || got.Delivered+got.Duplicate != 10 || len(e.docs) != 10 || e.requests != 2 {
			t.Errorf("%s: %+v, error %v, %d requests", name, got, err, e.requests)
		}
	}
}

// A gateway's page or an empty answer in the middle of a run is a passing failure: the domain has answered as one
// before.
func TestADomainThatAnsweredStaysOne(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{"HTML": "<!doctype html><title>Maintenance</title>", "empty": ""} {
		e := &engine{after: func(n int, a map[string]any) any {
			if n == 2 {
				return page
			}
			return a
		}}
		w := start(t, e, bulk.Config{})
		for run, want := range []penstock.Outcome{{Delivered: 10}, {Duplicate: 10}} {
			if got, err := deliver(t, w, 10, nil); err != nil || got != want {
				t.Errorf("%s, run %d: %+v, error %v, want %+v", name, run, got, err, want)
			}
		}
		if e.requests != 3 {
			t.Errorf("%s: %d requests, want the second one repeated", name, e.requests)
		}
	}
}

func TestARefusalStopsTheRunAndIsNotADeadLetter(t *testing.T) {
	t.Parallel()
	answers := map[string]struct {
		status int
		body   string
		kind   domain.Kind
	}{
		"policy": {403, `{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost"}`, domain.Refused},
		"signature": {
			403, `{"message":"The request signature we calculated does not match the signature you provided. ` +
				`Check.\n\nThe Canonical String"}`, domain.Refused,
		},
		"HTML":     {200, `<!doctype html><title>Dashboards</title>`, domain.NotADomain},
		"redirect": {302, ``, domain.NotADomain},
		"bad": {
			400, `{"error":{"type":"parse_exception","reason":"request body is required"},"status":400}`, domain.BadRequest,
		},
	}
	for name, a := range answers {
		e := &engine{before: func(_ int, w http.ResponseWriter, _ []byte) bool {
			if strings.HasPrefix(a.body, "<") {
				w.Header().Set("Content-Type", "text/html")
			}
			w.WriteHeader(a.status)
			_, _ = io.WriteString(w, a.body)
			return true
		}}
		w := start(t, e, bulk.Config{})
		got, err := deliver(t, w, 10, func(context.Context, penstock.Rejection) error {
			t.Errorf("%s: a document was rejected", name)
			return nil
		})
		de, ok := errors.AsType[*domain.Error](err)
		if !ok || de.Kind != a.kind || !penstock.IsFatal(err) || got != (penstock.Outcome{}) || e.requests != 1 {
			t.Errorf("%s: %+v, error %v after %d requests", name, got, err, e.requests)
		}
		if _, err := deliver(t, w, 1, nil); !penstock.IsFatal(err) {
			t.Errorf("%s: the next delivery ends with %v", name, err)
		}
	}
}

func TestAnUnreachableEndpointIsGivenUpSoonAtTheStart(t *testing.T) {
	t.Parallel()
	transport := domain.NewTransport(domain.TransportConfig{})
	d, err := domain.New(domain.Config{URL: "http://127.0.0.1:1", Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	w := bulk.New(bulk.Config{StartupTimeout: 300 * time.Millisecond, RetryBudget: time.Hour}, d)
	got, err := deliver(t, w, 3, nil)
	de, ok := errors.AsType[*domain.Error](err)
	if !ok || de.Kind != domain.Unreachable || !penstock.IsFatal(err) || got != (penstock.Outcome{}) {
		t.Errorf("%+v, error %v", got, err)
	}
	if err := w.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestABodyIsNotUsedAgainWhileItIsRead(t *testing.T) {
	t.Parallel()
	// The server answers before it has read the request: the transport may still be sending it.
	early := true
	var mu sync.Mutex
	inner := &engine{docs: map[string]string{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answerNow := early
		early = !early
		mu.Unlock()
		if answerNow {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	d, err := domain.New(domain.Config{URL: srv.URL, Transport: domain.NewTransport(domain.TransportConfig{})})
	if err != nil {
		t.Fatal(err)
	}
	w := bulk.New(bulk.Config{BatchBytes: 64 << 10}, d)
	got, err := deliver(t, w, 20_000, nil)
	if err != nil || got.Delivered+got.Duplicate != 20_000 || len(inner.docs) != 20_000 {
		t.Fatalf("%+v, error %v, %d documents", got, err, len(inner.docs))
	}
	for i := range 20_000 {
		if want := fmt.Sprintf(`{"m":1,"n":%d}`, i); inner.docs[fmt.Sprintf("logs/id-%d", i)] != want {
			t.Fatalf("document %d is %s", i, inner.docs[fmt.Sprintf("logs/id-%d", i)])
		}
	}
	if err := w.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestManyDeliveriesShareRequests(t *testing.T) {
	t.Parallel()
	e := &engine{}
	w := start(t, e, bulk.Config{Linger: 50 * time.Millisecond})
	var wg sync.WaitGroup
	for n := range 200 {
		wg.Go(func() {
			d := w.Begin(func(context.Context, penstock.Rejection) error { return nil })
			x := doc(n)
			if err := d.Add(context.Background(), x); err != nil {
				t.Error(err)
			}
			if out, err := d.Wait(context.Background()); err != nil || out.Delivered != 1 {
				t.Errorf("%+v, error %v", out, err)
			}
		})
	}
	wg.Wait()
	if e.requests > 100 {
		t.Errorf("%d requests for 200 deliveries", e.requests)
	}
}

// sums compares the sum that a body says it has with the one it has, and loses each
// third answer.
type sums struct {
	engine http.RoundTripper
	n      atomic.Int64
	wrong  atomic.Int64
}

func (s *sums) RoundTrip(r *http.Request) (*http.Response, error) {
	said, ok := r.Body.(sigv4.PayloadHasher)
	if !ok {
		return nil, errors.New("the body does not know its sum")
	}
	sum := said.PayloadSHA256()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if sum != sha256.Sum256(body) || said.PayloadSHA256() != sum {
		s.wrong.Add(1)
	}
	if s.n.Add(1)%3 == 0 {
		_ = r.Body.Close()
		return nil, errors.New("connection reset by peer")
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	defer r.Body.Close()
	return s.engine.RoundTrip(again)
}

func TestTheSumTakenWhileFillingIsTheBodys(t *testing.T) {
	t.Parallel()
	for _, gzipped := range []bool{false, true} {
		e := &engine{docs: map[string]string{}, item: func(n int, id string) (int, string, string) {
			if n%2 == 0 && strings.HasSuffix(id, "7") {
				return 503, "unavailable_shards_exception", "not yet"
			}
			return 201, "", ""
		}}
		srv := httptest.NewServer(e)
		defer srv.Close()
		s := &sums{engine: domain.NewTransport(domain.TransportConfig{})}
		d, err := domain.New(domain.Config{URL: srv.URL, Transport: s})
		if err != nil {
			t.Fatal(err)
		}
		w := bulk.New(bulk.Config{BatchBytes: 300 << 10, MaxInFlight: 4, Gzip: gzipped}, d)
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				d := w.Begin(func(context.Context, penstock.Rejection) error { return nil })
				const docs = 150
				for i := range docs {
					x := doc(n*docs + i)
					x.Head = fmt.Appendf(nil, `{"m":%q,"n":%d}`, strings.Repeat("x", 10_000), i)
					if err := d.Add(context.Background(), x); err != nil {
						t.Error(err)
						return
					}
				}
				if out, err := d.Wait(context.Background()); err != nil || out.Delivered+out.Duplicate != docs {
					t.Errorf("%+v, error %v", out, err)
				}
			})
		}
		wg.Wait()
		if err := w.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if s.wrong.Load() > 0 || s.n.Load() < 20 || len(e.docs) != 600 {
			t.Errorf("gzip %v: %d wrong sums of %d, %d documents", gzipped, s.wrong.Load(), s.n.Load(), len(e.docs))
		}
	}
}

// null answers every request at once with the right number of items.
type null struct{ answer []byte }

func (n *null) RoundTrip(r *http.Request) (*http.Response, error) {
	_ = r.Body.Close()
	body := io.NopCloser(bytes.NewReader(n.answer))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body}, nil
}

func BenchmarkAdd(b *testing.B) { benchmarkAdd(b, benchDocument()) }

func benchDocument() penstock.Document {
	raw := []byte(`{"time":"2015-11-19T08:00:00Z","msg":"` + strings.Repeat("x", 420) + `"}`)
	return penstock.Document{
		Index: "logs-ndjson-2015.11.19", ID: []byte("0123456789012345678901.0000000000"),
		Head: append([]byte(`{"@timestamp":"2015-11-19T08:00:00Z",`), raw[1:]...), Raw: raw,
	}
}

func benchmarkAdd(b *testing.B, x penstock.Document) {
	b.Helper()
	const docs = 5000
	var answer bytes.Buffer
	answer.WriteString(`{"took":1,"errors":false,"items":[`)
	for i := range docs {
		if i > 0 {
			answer.WriteByte(',')
		}
		answer.WriteString(`{"create":{"status":201}}`)
	}
	answer.WriteString(`]}`)
	d, err := domain.New(domain.Config{URL: "http://127.0.0.1:1", Transport: &null{answer.Bytes()}})
	if err != nil {
		b.Fatal(err)
	}
	w := bulk.New(bulk.Config{BatchDocs: docs, BatchBytes: 64 << 20}, d)
	b.SetBytes(docs * int64(x.Size()))
	b.ReportAllocs()
	for b.Loop() {
		dl := w.Begin(nil)
		for range docs {
			if err := dl.Add(context.Background(), x); err != nil {
				b.Fatal(err)
			}
		}
		if out, err := dl.Wait(context.Background()); err != nil || out.Delivered != docs {
			b.Fatal(out, err)
		}
	}
	_ = w.Close(context.Background())
}

// With the index in the path no action names one, and a batch for several indexes is as many requests, through retries
// and halved requests too.
func TestIndexInPath(t *testing.T) {
	t.Parallel()
	const each = 40
	indexes := []string{"logs-a", "logs-b+c", "logs-ä"}
	throttled := map[string]bool{}
	e := &engine{
		before: func(n int, w http.ResponseWriter, body []byte) bool {
			if bytes.Contains(body, []byte("_index")) {
				http.Error(w, `{"error":{"type":"illegal_argument_exception",`+
					`"reason":"explicit index in bulk is not allowed"},"status":400}`, http.StatusBadRequest)
				return true
			}
			if n == 2 { // the whole of the second index
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				return true
			}
			return false
		},
		item: func(_ int, id string) (int, string, string) {
			if strings.HasSuffix(id, "7") && !throttled[id] {
				throttled[id] = true
				return 429, "rejected_execution_exception", "queue full"
			}
			return 201, "", ""
		},
	}
	w := start(t, e, bulk.Config{IndexInPath: true, DocType: "log"})
	d := w.Begin(nil)
	for i := range each * len(indexes) {
		x := doc(i)
		x.Index = indexes[i%len(indexes)]
		if i == 0 {
			x.ID = nil
		}
		if err := d.Add(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	out, err := d.Wait(t.Context())
	if err != nil || out.Delivered != each*int64(len(indexes)) {
		t.Fatalf("%+v, error %v", out, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	got := map[string]int{}
	for key := range e.docs {
		index, _, _ := strings.Cut(key, "/")
		got[index]++
	}
	for _, index := range indexes {
		if got[index] != each {
			t.Errorf("%s has %d documents, want %d", index, got[index], each)
		}
	}
}
