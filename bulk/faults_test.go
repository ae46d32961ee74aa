package bulk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/domain"
)

// deliverTo adds documents of one index each to a delivery of its own, and returns what became of them.
func deliverTo(
	t *testing.T, w *bulk.Writer, index string, from, to int, reject penstock.RejectFunc,
) (penstock.Outcome, error) {
	t.Helper()
	d := w.Begin(reject)
	var failed error
	for i := from; i < to && failed == nil; i++ {
		x := doc(i)
		x.Index = index
		failed = d.Add(t.Context(), x)
	}
	out, err := d.Wait(t.Context())
	if err == nil {
		err = failed
	}
	return out, err
}

func noRejection(t *testing.T) penstock.RejectFunc {
	t.Helper()
	return func(_ context.Context, r penstock.Rejection) error {
		t.Errorf("%s was rejected: %d %s", r.ID, r.Status, r.Type)
		return nil
	}
}

// An index that takes nothing gets no more requests and no dead letter, however few its documents are. The others go
// on.
func TestAnIndexThatTakesNothingIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, inPath := range []bool{false, true} {
		e := &engine{}
		e.item = func(_ int, id string) (int, string, string) {
			if strings.HasSuffix(id, "7") {
				return 400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded"
			}
			return 201, "", ""
		}
		w := start(t, e, bulk.Config{IndexInPath: inPath})
		// One refused document of ten is enough.
		out, err := deliverTo(t, w, "full", 0, 10, noRejection(t))
		ie, ok := errors.AsType[*bulk.IndexError](err)
		if !ok || ie.Index != "full" || penstock.IsFatal(err) || out.Delivered != 9 || out.Known() != 9 {
			t.Fatalf("in path %v: %+v, error %v", inPath, out, err)
		}
		requests := e.requests
		out, err = deliverTo(t, w, "full", 10, 13, noRejection(t))
		if !errors.As(err, &ie) || out != (penstock.Outcome{}) || e.requests != requests {
			t.Errorf("in path %v, once more: %+v, error %v, %d more requests", inPath, out, err, e.requests-requests)
		}
		if out, err := deliverTo(t, w, "other", 20, 25, noRejection(t)); err != nil || out.Delivered != 5 {
			t.Errorf("in path %v, another index: %+v, error %v", inPath, out, err)
		}
	}
}

// What waits in other batches for an index that takes nothing is not sent, and its deliveries hear of it.
func TestDocumentsInHandForAnIndexThatTakesNothingAreGivenBack(t *testing.T) {
	t.Parallel()
	e := &engine{item: func(_ int, id string) (int, string, string) {
		switch id {
		case "id-0":
			return 400, "index_closed_exception", "closed"
		case "id-100":
			return 503, "unavailable_shards_exception", "not active" // until the index is known to be closed
		}
		return 201, "", ""
	}}
	w := start(t, e, bulk.Config{BatchDocs: 3, RetryBudget: time.Minute})
	slow := make(chan error, 1)
	go func() {
		d := w.Begin(noRejection(t))
		x := doc(100)
		x.Index = "closed"
		if err := d.Add(context.Background(), x); err != nil {
			slow <- err
			return
		}
		out, err := d.Wait(context.Background())
		if out.Known() != 0 {
			err = fmt.Errorf("%+v: %w", out, err)
		}
		slow <- err
	}()
	time.Sleep(50 * time.Millisecond)
	if _, err := deliverTo(t, w, "closed", 0, 1, noRejection(t)); err == nil {
		t.Error("a document for a closed index is no error")
	}
	select {
	case err := <-slow:
		if _, ok := errors.AsType[*bulk.IndexError](err); !ok {
			t.Errorf("the document that was to be sent again: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the document that was to be sent again is still waiting")
	}
}

// An item that fails with 5xx for a reason of its own, an ingest pipeline that fails on it, is a dead letter when
// others arrive, and is waited for when none does.
func TestAFailureOfOneDocumentDoesNotHoldTheOthersBack(t *testing.T) {
	t.Parallel()
	var failing atomic.Bool
	failing.Store(true)
	e := &engine{item: func(_ int, id string) (int, string, string) {
		if id == "id-3" && failing.Load() {
			return 500, "fail_processor_exception", "not this one"
		}
		return 201, "", ""
	}}
	w := start(t, e, bulk.Config{})
	var rejected []penstock.Rejection
	out, err := deliver(t, w, 10, func(_ context.Context, r penstock.Rejection) error {
		rejected = append(rejected, r)
		return nil
	})
	if err != nil || out != (penstock.Outcome{Delivered: 9, Rejected: 1}) || e.requests != 3 ||
		len(rejected) != 1 || rejected[0].Status != 500 {
		t.Errorf("%+v, error %v, %d requests, rejected %+v", out, err, e.requests, rejected)
	}

	passing := &engine{item: func(n int, id string) (int, string, string) {
		if id == "id-3" && n < 3 {
			return 500, "brand_new_exception", "not yet"
		}
		return 201, "", ""
	}}
	w = start(t, passing, bulk.Config{})
	if out, err := deliver(t, w, 10, noRejection(t)); err != nil || out.Delivered != 10 {
		t.Errorf("it passes within the rounds: %+v, error %v", out, err)
	}

	alone := &engine{item: func(n int, _ string) (int, string, string) {
		if n < 6 {
			return 500, "fail_processor_exception", "not yet"
		}
		return 201, "", ""
	}}
	w = start(t, alone, bulk.Config{})
	if out, err := deliver(t, w, 2, noRejection(t)); err != nil || out.Delivered != 2 {
		t.Errorf("nothing else arrived: %+v, error %v", out, err)
	}
}

// A whole request that is refused for one document's sake is halved until that one is alone.
func TestARequestRefusedForOneDocumentIsHalved(t *testing.T) {
	t.Parallel()
	bad := func(ids ...string) func(int, http.ResponseWriter, []byte) bool {
		return func(_ int, w http.ResponseWriter, body []byte) bool {
			for _, id := range ids {
				if bytes.Contains(body, []byte(`"_id":"`+id+`"`)) {
					w.WriteHeader(http.StatusBadRequest)
					_, _ = io.WriteString(w, `{"error":{"type":"json_parse_exception","reason":"not this one"},"status":400}`)
					return true
				}
			}
			return false
		}
	}
	for _, ids := range [][]string{{"id-0"}, {"id-63"}, {"id-5", "id-40", "id-41"}} {
		e := &engine{before: bad(ids...)}
		w := start(t, e, bulk.Config{})
		var rejected atomic.Int64
		out, err := deliver(t, w, 64, func(_ context.Context, r penstock.Rejection) error {
			rejected.Add(1)
			if r.Status != 400 || r.Type != "json_parse_exception" {
				t.Errorf("%s was rejected: %d %s", r.ID, r.Status, r.Type)
			}
			return nil
		})
		n := int64(len(ids))
		if err != nil || out != (penstock.Outcome{Delivered: 64 - n, Rejected: n}) || rejected.Load() != n {
			t.Errorf("%v: %+v, error %v, %d rejected", ids, out, err, rejected.Load())
		}
	}
	// A domain that refuses everything is not one document's fault.
	e := &engine{before: func(_ int, w http.ResponseWriter, _ []byte) bool {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"type":"illegal_state_exception","reason":"not today"},"status":400}`)
		return true
	}}
	for _, docs := range []int{1, 5, 5000} {
		w := start(t, e, bulk.Config{})
		if out, err := deliver(t, w, docs, noRejection(t)); !penstock.IsFatal(err) || out != (penstock.Outcome{}) {
			t.Errorf("%d documents: %+v, error %v", docs, out, err)
		}
	}
}

// The first answer that refuses ids ends the run before anything is put away; without ids everything arrives.
func TestACollectionThatTakesNoIDs(t *testing.T) {
	t.Parallel()
	e := &engine{}
	e.item = func(_ int, id string) (int, string, string) {
		if id != "" {
			return 400, "illegal_argument_exception", "Document ID is not supported in create/index operation request"
		}
		return 201, "", ""
	}
	w := start(t, e, bulk.Config{})
	out, err := deliver(t, w, 3, noRejection(t))
	if _, ok := errors.AsType[*bulk.IDsError](err); !ok || !penstock.IsFatal(err) || out != (penstock.Outcome{}) {
		t.Errorf("with ids: %+v, error %v", out, err)
	}
	e.after = func(_ int, a map[string]any) any { // the collection makes ids of its own
		for i, it := range a["items"].([]any) {
			it.(map[string]any)["create"].(map[string]any)["_id"] = fmt.Sprintf("1%%3A0%%3A%d", i)
		}
		return a
	}
	e.item = func(n int, id string) (int, string, string) {
		e.docs = map[string]string{} // all of them have the same name here
		if id != "" {
			return 400, "illegal_argument_exception", "Document ID is not supported in create/index operation request"
		}
		return 201, "", ""
	}
	sent := e.item
	w = start(t, e, bulk.Config{NoIDs: true})
	if out, err := deliver(t, w, 3, noRejection(t)); err != nil || out.Delivered != 3 {
		t.Errorf("without ids: %+v, error %v", out, err)
	}
	// A record that it refuses keeps its id in the dead letters.
	e.item = func(n int, id string) (int, string, string) {
		if s, k, r := sent(n, id); s != 201 {
			return s, k, r
		}
		return 400, "mapper_parsing_exception", "failed to parse"
	}
	var ids []string
	w = start(t, e, bulk.Config{NoIDs: true})
	_, err = deliver(t, w, 2, func(_ context.Context, r penstock.Rejection) error {
		ids = append(ids, string(r.ID))
		return nil
	})
	if err != nil || strings.Join(ids, " ") != "id-0 id-1" {
		t.Errorf("rejected %q, error %v", ids, err)
	}
}

// A redirect or a page in place of an answer is a wrong address only while nothing has shown that there is a domain.
func TestSomethingInBetweenIsNoWrongAddress(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(http.ResponseWriter){
		"redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://login.example.com/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"page": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<!doctype html><title>Maintenance</title>")
		},
		"page with 400": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "<!doctype html><title>Maintenance</title>")
		},
		"too slow": func(w http.ResponseWriter) { w.WriteHeader(http.StatusRequestTimeout) },
	} {
		for _, known := range []bool{false, true} {
			e := &engine{before: func(_ int, w http.ResponseWriter, _ []byte) bool {
				answer(w)
				return true
			}}
			const short = 300 * time.Millisecond
			w := start(t, e, bulk.Config{Known: known, StartupTimeout: short, RetryBudget: short})
			_, err := deliver(t, w, 3, noRejection(t))
			de, ok := errors.AsType[*domain.Error](err)
			wantKind := domain.NotADomain
			if known || name == "too slow" {
				wantKind = domain.Unavailable
			}
			if !ok || de.Kind != wantKind || !penstock.IsFatal(err) {
				t.Errorf("%s, known %v: kind %v, error %v", name, known, de, err)
			}
			if retried := e.requests > 1; retried != (wantKind == domain.Unavailable) {
				t.Errorf("%s, known %v: %d requests", name, known, e.requests)
			}
		}
	}
}

// A domain that stalls in its answer, or stops reading a request, is given up for this request and asked again.
func TestASilentDomainIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, stall := range map[string]func(w http.ResponseWriter, r *http.Request){
		"before its answer": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"inside its answer": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, `{"took":1,"errors":false,"items":[{"create":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"reading the request": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 100)
			time.Sleep(8 * time.Second) // reading on would be the server's own doing
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inner := &engine{docs: map[string]string{}}
			var n atomic.Int64
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) == 1 {
					stall(w, r)
					return
				}
				inner.ServeHTTP(w, r)
			}))
			t.Cleanup(srv.CloseClientConnections)
			transport := domain.NewTransport(domain.TransportConfig{StallTimeout: 2 * time.Second})
			d, err := domain.New(domain.Config{URL: srv.URL, Transport: transport})
			if err != nil {
				t.Fatal(err)
			}
			w := bulk.New(bulk.Config{BatchBytes: 32 << 20, StartupTimeout: 100 * time.Millisecond}, d)
			t.Cleanup(func() { _ = w.Close(context.Background()) })
			dl := w.Begin(noRejection(t))
			for i := range 40 {
				x := doc(i)
				x.Head = fmt.Appendf(nil, `{"m":%q}`, strings.Repeat("x", 250_000)) // more than the buffers of a connection hold
				if err := dl.Add(t.Context(), x); err != nil {
					t.Fatal(err)
				}
			}
			if out, err := dl.Wait(t.Context()); err != nil || out.Delivered+out.Duplicate != 40 || n.Load() < 2 {
				t.Errorf("%+v, error %v, %d requests", out, err, n.Load())
			}
		})
	}
}
