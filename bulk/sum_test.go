package bulk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
)

// signed is a domain that takes everything and asks for the sum of each body, as a signature does.
type signed struct {
	t      *testing.T
	answer <-chan struct{} // closed when it may answer

	mu     sync.Mutex
	bodies [][]byte
	at     []time.Time
}

func (s *signed) RoundTrip(r *http.Request) (*http.Response, error) {
	said := r.Body.(interface{ PayloadSHA256() [32]byte }).PayloadSHA256()
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	if said != sha256.Sum256(body) {
		s.t.Error("a body has another sum than it says")
	}
	s.mu.Lock()
	s.bodies, s.at = append(s.bodies, body), append(s.at, time.Now())
	s.mu.Unlock()
	if s.answer != nil {
		select {
		case <-s.answer:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	items := make([]string, bytes.Count(body, []byte("\n"))/2)
	for i := range items {
		items[i] = `{"create":{"status":201}}`
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(`{"took":1,"errors":false,"items":[` + strings.Join(items, ",") + `]}`)),
	}, nil
}

// sent is how many requests have come.
func (s *signed) sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bodies)
}

// pairing returns a writer that fills two bodies in turns, whatever the processor, and knows already that it signs.
func (s *signed) pairing(cfg Config) *Writer {
	d, err := domain.New(domain.Config{URL: "https://search.example.com", Transport: s})
	if err != nil {
		s.t.Fatal(err)
	}
	w := New(cfg, d)
	w.pairs, w.step = cfg.MaxInFlight > 1, 1<<10
	w.signs.Store(true)
	return w
}

// add adds a document of about 100 bytes to d.
func add(t *testing.T, d penstock.Delivery, n int, replace bool) {
	t.Helper()
	body := fmt.Appendf(nil, `{"n":%d,"message":%q}`, n, strings.Repeat("x", 40))
	doc := penstock.Document{Index: "logs", ID: fmt.Append(nil, n), Head: body, Raw: body, Replace: replace}
	if err := d.Add(context.Background(), doc); err != nil {
		t.Fatal(err)
	}
}

// order returns the numbers of the documents of a request.
func order(body []byte) (numbers []int) {
	for line := range bytes.Lines(body) {
		var n int
		if _, err := fmt.Sscanf(string(line), `{"n":%d,`, &n); err == nil {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

const batchOfTest = 16 << 10

func noReject(context.Context, penstock.Rejection) error { return nil }

// Two bodies grow in turns, every document is in one of them, none is larger or much smaller than it would be alone.
func TestTwoBodiesAreFilledInTurns(t *testing.T) {
	procs(t, 1)
	synctest.Test(t, func(t *testing.T) {
		s := &signed{t: t}
		w := s.pairing(Config{BatchBytes: batchOfTest, MaxInFlight: 4, Linger: time.Hour})
		d := w.Begin(noReject)
		const docs = 2000
		for n := range docs {
			add(t, d, n, false)
			synctest.Wait() // what is full is sent and answered
		}
		if out, err := d.Wait(t.Context()); err != nil || out.Delivered != docs {
			t.Fatalf("%+v, error %v", out, err)
		}
		_ = w.Close(t.Context())
		inTurns, small := 0, 0
		var all []int
		for _, body := range s.bodies {
			if len(body) > batchOfTest {
				t.Errorf("a body of %d bytes", len(body))
			}
			if len(body) < batchOfTest*9/10 {
				small++
			}
			got := order(body)
			if got[len(got)-1]-got[0] >= len(got) {
				inTurns++
			}
			all = append(all, got...)
		}
		if slices.Sort(all); len(all) != docs || len(slices.Compact(all)) != docs {
			t.Errorf("%d documents were sent, of %d", len(all), docs)
		}
		if inTurns < len(s.bodies)-1 || small > 2 {
			t.Errorf("of %d bodies %d were filled in turns, and %d are small", len(s.bodies), inTurns, small)
		}
	})
}

// fillsTwo reports whether a lane fills a second body beside the first.
func fillsTwo(l *lane) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.second != nil
}

// Two readers that fill a body each need no second ones: their bodies meet.
func TestBodiesOfTwoReadersMeet(t *testing.T) {
	procs(t, 2)
	synctest.Test(t, func(t *testing.T) {
		s := &signed{t: t}
		w := s.pairing(Config{BatchBytes: batchOfTest, MaxInFlight: 4, Linger: time.Hour})
		one, two := w.Begin(noReject), w.Begin(noReject)
		for n := range 500 {
			add(t, one, 2*n, false)
			add(t, two, 2*n+1, false)
			if fillsTwo(w.lanes[0]) || fillsTwo(w.lanes[1]) {
				t.Fatalf("after %d documents of each there is a second body", n)
			}
		}
		for _, d := range []penstock.Delivery{one, two} {
			if out, err := d.Wait(t.Context()); err != nil || out.Delivered != 500 {
				t.Errorf("%+v, error %v", out, err)
			}
		}
		_ = w.Close(t.Context())
		if w.meeting.b != nil {
			t.Error("a body is still there after the end")
		}
	})
}

// What is little is one request.
func TestLittleIsOneBody(t *testing.T) {
	procs(t, 1)
	synctest.Test(t, func(t *testing.T) {
		s := &signed{t: t}
		w := s.pairing(Config{BatchBytes: batchOfTest, MaxInFlight: 4, Linger: time.Hour})
		d := w.Begin(noReject)
		for n := range batchOfTest / 2 / 120 {
			add(t, d, n, false)
		}
		if _, err := d.Wait(t.Context()); err != nil || len(s.bodies) != 1 {
			t.Errorf("%d requests, error %v", len(s.bodies), err)
		}
		_ = w.Close(t.Context())
	})
}

// No body waits for a second one: while all others are under way, one is filled alone and sent when it is full.
func TestABodyWithoutAPartnerIsFilledAlone(t *testing.T) {
	procs(t, 1)
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		s := &signed{t: t, answer: answer}
		w := s.pairing(Config{BatchBytes: batchOfTest, MaxInFlight: 2, Linger: time.Hour, RetryBudget: time.Hour})
		d, n := w.Begin(noReject), 0
		for len(w.hands) < cap(w.hands) { // the domain answers nothing yet
			add(t, d, n, false)
			n++
		}
		if n := s.sent(); fillsTwo(w.lanes[0]) && n > 1 {
			t.Errorf("there is a second body, and %d requests are under way", n)
		}
		go func() {
			time.Sleep(time.Minute)
			close(answer)
		}()
		for ; n < 1000; n++ {
			add(t, d, n, false)
		}
		if out, err := d.Wait(t.Context()); err != nil || out.Delivered != 1000 {
			t.Errorf("%+v, error %v", out, err)
		}
		_ = w.Close(t.Context())
	})
}

// No document waits longer than Linger, whichever of the two bodies it is in.
func TestLingerHoldsForBothBodies(t *testing.T) {
	procs(t, 1)
	synctest.Test(t, func(t *testing.T) {
		s := &signed{t: t}
		w := s.pairing(Config{BatchBytes: batchOfTest, MaxInFlight: 4, Linger: time.Second})
		d := w.Begin(noReject)
		began := map[int]time.Time{}
		for n := range 1000 {
			began[n] = time.Now()
			add(t, d, n, false)
			time.Sleep(7 * time.Millisecond)
		}
		if _, err := d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = w.Close(t.Context())
		for i, body := range s.bodies {
			for _, n := range order(body) {
				if waited := s.at[i].Sub(began[n]); waited > time.Second {
					t.Fatalf("document %d waited %v", n, waited)
				}
			}
		}
	})
}

// Documents that replace others go out in the order in which they came, as without a second body.
func TestDocumentsThatReplaceStayInOrder(t *testing.T) {
	procs(t, 1)
	synctest.Test(t, func(t *testing.T) {
		s := &signed{t: t}
		w := s.pairing(Config{BatchBytes: batchOfTest, MaxInFlight: 4, Linger: time.Hour})
		d := w.Begin(noReject)
		for n := range 1000 {
			add(t, d, n, true)
		}
		if _, err := d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = w.Close(t.Context())
		for _, body := range s.bodies {
			if got := order(body); got[len(got)-1]-got[0] != len(got)-1 {
				t.Errorf("a request has %d documents from %d to %d", len(got), got[0], got[len(got)-1])
			}
		}
	})
}
