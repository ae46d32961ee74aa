package bulk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
)

// fickle is a domain in memory that misbehaves by chance and knows what it has reported of each document.
type fickle struct {
	calm      bool // never misbehaves
	requests  int
	refuseAt  int // from this request on nobody is authorized; 0 is never
	mu        sync.Mutex
	rand      *rand.Rand
	docs      map[string]bool
	now, most int // requests under way
}

func (f *fickle) chance(share float64) bool { return !f.calm && f.rand.Float64() < share }

func (f *fickle) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.now++
	f.requests++
	refused := f.refuseAt > 0 && f.requests >= f.refuseAt
	f.most = max(f.most, f.now)
	before, after := time.Duration(f.rand.IntN(300))*time.Millisecond, time.Duration(f.rand.IntN(300))*time.Millisecond
	signs, lose, early := f.chance(.5), f.chance(.05), f.chance(.05)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.now--
	}()
	sum := func() [32]byte { return [32]byte{} }
	if s, ok := r.Body.(interface{ PayloadSHA256() [32]byte }); ok && signs {
		sum = s.PayloadSHA256
	}
	said := sum()
	answer := func(status int, text string) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(bytes.NewReader([]byte(text))),
		}, nil
	}
	if early { // answers before it has read the body, which the transport still does
		body := r.Body
		go func() {
			time.Sleep(before)
			_, _ = io.Copy(io.Discard, body)
			_ = body.Close()
		}()
		return answer(503, ``)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return nil, err
	}
	if said != sum() || said != [32]byte{} && said != sha256.Sum256(body) {
		panic("a body has another sum than it says")
	}
	select {
	case <-time.After(before):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if refused {
		return answer(403, `{"Message":"User: anonymous is not authorized"}`)
	}
	f.mu.Lock()
	if f.chance(.1) {
		f.mu.Unlock()
		return answer(429, `{"message":"slow down"}`)
	}
	if !f.calm && len(body) > 3000 {
		f.mu.Unlock()
		return answer(413, `{"Message":"Request size exceeded 3000 bytes"}`)
	}
	var out bytes.Buffer
	out.WriteString(`{"took":1,"errors":true,"items":[`)
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	for i := 0; i+1 < len(lines); i += 2 {
		_, rest, _ := bytes.Cut(lines[i], []byte(`"_id":"`))
		id, _, _ := bytes.Cut(rest, []byte(`"`))
		if i > 0 {
			out.WriteByte(',')
		}
		status := 201
		switch {
		case f.chance(.02):
			status = 429
		case f.chance(.02):
			status = 400
		case f.docs[string(id)]:
			status = 409
		default:
			f.docs[string(id)] = true
		}
		kind := map[int]string{
			429: "es_rejected_execution_exception", 400: "mapper_parsing_exception",
			409: "version_conflict_engine_exception",
		}[status]
		fmt.Fprintf(&out, `{"create":{"_id":"%s","status":%d`, id, status)
		if kind != "" {
			fmt.Fprintf(&out, `,"error":{"type":%q,"reason":"so"}`, kind)
		}
		out.WriteString(`}}`)
	}
	if f.chance(.03) && out.Len() > 60 {
		out.Truncate(out.Len() - 5) // items of an answer before would fill the gap
	} else if f.chance(.03) {
		out.WriteString(`,{"create":{"_id":"more","status":201}}`)
	}
	out.WriteString(`]}`)
	f.mu.Unlock()
	time.Sleep(after)
	if lose {
		return nil, errors.New("connection reset by peer")
	}
	return answer(200, out.String())
}

func (f *fickle) writer(t *testing.T, cfg Config) *Writer {
	t.Helper()
	d, err := domain.New(domain.Config{URL: "https://search.example.com", Transport: f})
	if err != nil {
		t.Fatal(err)
	}
	return New(cfg, d)
}

// procs runs the rest of a test with so many processors.
func procs(t *testing.T, n int) {
	t.Helper()
	before := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

func TestEveryDocumentHasOneOutcomeInAnyInterleaving(t *testing.T) {
	for _, p := range []int{1, 2, 8} {
		for _, inFlight := range []int{1, 2, 4, 16} {
			t.Run(fmt.Sprintf("procs %d, in flight %d", p, inFlight), func(t *testing.T) {
				procs(t, p)
				for seed := range uint64(seeds) {
					synctest.Test(t, func(t *testing.T) { interleave(t, seed, inFlight) })
				}
			})
		}
	}
}

const seeds = 10 // of each combination

// one is a delivery: how many documents it was given, what was put away, and why it may fail.
type one struct {
	d        penstock.Delivery
	added    int64
	unsure   int64 // documents whose Add failed: they may have gone out all the same
	mu       sync.Mutex
	put      map[string]int
	bad, cut bool // its letters cannot be stored; its context ends
}

func (x *one) mayFail(f *fickle, err error) bool {
	return x.bad || x.cut || f.refuseAt > 0 && penstock.IsFatal(err)
}

func interleave(t *testing.T, seed uint64, inFlight int) {
	rnd := rand.New(rand.NewPCG(seed, uint64(inFlight)))
	f := &fickle{rand: rand.New(rand.NewPCG(seed, 7)), docs: map[string]bool{}}
	if rnd.IntN(4) == 0 {
		f.refuseAt = 1 + rnd.IntN(40)
	}
	w := f.writer(t, Config{
		BatchBytes: 200 + rnd.IntN(6000), BatchDocs: 1 + rnd.IntN(40), MaxInFlight: inFlight,
		Linger:      time.Duration(1+rnd.IntN(2000)) * time.Millisecond,
		RetryBudget: time.Hour, StartupTimeout: time.Hour,
	})
	w.pairs, w.step = inFlight > 1, 64<<rnd.IntN(4)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total penstock.Outcome
	exact := true
	workers := 1 + rnd.IntN(6)
	for n := range workers {
		rnd := rand.New(rand.NewPCG(seed, uint64(100+n)))
		wg.Go(func() {
			for round := range 1 + rnd.IntN(4) {
				var all []*one
				for o := range 1 + rnd.IntN(4) { // an item of several objects: all are read before the first is waited for
					x := &one{put: map[string]int{}, bad: rnd.IntN(8) == 0, cut: rnd.IntN(12) == 0}
					x.d = w.Begin(func(_ context.Context, r penstock.Rejection) error {
						x.mu.Lock()
						defer x.mu.Unlock()
						if x.bad {
							return errors.New("disk full")
						}
						x.put[string(r.ID)]++
						return nil
					})
					all = append(all, x)
					ctx, cancel := context.WithCancel(context.Background())
					if x.cut {
						time.AfterFunc(time.Duration(rnd.IntN(1500))*time.Millisecond, cancel)
					}
					for i := range rnd.IntN(60) {
						if rnd.IntN(10) == 0 {
							time.Sleep(time.Duration(rnd.IntN(200)) * time.Millisecond)
						}
						body := fmt.Appendf(nil, `{"n":"%*d"}`, 1+rnd.IntN(90), i)
						if rnd.IntN(100) == 0 {
							body = fmt.Appendf(nil, `{"n":"%*d"}`, 100<<rnd.IntN(9), i) // over BatchBytes, sometimes over the limit
						}
						id := fmt.Appendf(nil, "%d-%d-%d-%d", n, round, o, i)
						if err := x.d.Add(ctx, penstock.Document{Index: "logs", ID: id, Head: body, Raw: body}); err != nil {
							if !x.mayFail(f, err) {
								t.Errorf("seed %d: add: %v", seed, err)
							}
							x.unsure++
							break
						}
						x.added++
					}
					defer cancel()
				}
				for _, x := range all {
					ctx, cancel := context.WithCancel(context.Background())
					if x.cut {
						time.AfterFunc(time.Duration(rnd.IntN(500))*time.Millisecond, cancel)
					}
					out, err := x.d.Wait(ctx)
					cancel()
					known := out.Delivered + out.Duplicate + out.Rejected
					mu.Lock()
					total.Delivered += out.Delivered
					total.Duplicate += out.Duplicate
					total.Rejected += out.Rejected
					exact = exact && known == x.added
					mu.Unlock()
					x.mu.Lock()
					if known > x.added+x.unsure || err == nil && known < x.added || err != nil && !x.mayFail(f, err) {
						t.Errorf("seed %d: %d added, %+v, error %v", seed, x.added, out, err)
					}
					if known == x.added && int(out.Rejected) != len(x.put) {
						t.Errorf("seed %d: %d rejected, %d put away", seed, out.Rejected, len(x.put))
					}
					x.mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if err := w.Close(context.Background()); err != nil {
		t.Error(err)
	}
	s := w.Stats()
	got := penstock.Outcome{Delivered: s.Delivered, Duplicate: s.Duplicate, Rejected: s.Rejected}
	if exact && got != total {
		t.Errorf("seed %d: the writer counted %+v, the deliveries %+v", seed, got, total)
	}
	if f.most > inFlight || s.InFlight != 0 || len(w.hands) != 0 {
		t.Errorf("seed %d: %d requests at once; %d slots and %d batches in hand at the end",
			seed, f.most, s.InFlight, len(w.hands))
	}
	if n := len(w.free.batches); n > inFlight+1 {
		t.Errorf("seed %d: %d batches kept", seed, n)
	}
	time.Sleep(time.Hour) // timers and the transport's readers
}

// A lane keeps its partial batch. When throttling leaves no more slots than there are such lanes, somebody must still
// get a batch: nothing is under way that would free one.
func TestThrottlingDoesNotLeaveAllSlotsToPartialBatches(t *testing.T) {
	procs(t, 8)
	synctest.Test(t, func(t *testing.T) {
		f := &fickle{calm: true, rand: rand.New(rand.NewPCG(1, 1)), docs: map[string]bool{}}
		w := f.writer(t, Config{MaxInFlight: 8, Linger: time.Hour})
		for range 3 {
			w.slots.throttled()
		}
		began := time.Now()
		var all []penstock.Delivery
		for i := range 4 { // one reader, an item of four objects
			d := w.Begin(func(context.Context, penstock.Rejection) error { return nil })
			doc := penstock.Document{Index: "logs", ID: fmt.Append(nil, i), Head: []byte(`{}`), Raw: []byte(`{}`)}
			if err := d.Add(t.Context(), doc); err != nil {
				t.Fatal(err)
			}
			all = append(all, d)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("to add four documents took %v", took)
		}
		for _, d := range all {
			if out, err := d.Wait(t.Context()); err != nil || out.Delivered != 1 {
				t.Errorf("%+v, error %v", out, err)
			}
		}
		_ = w.Close(t.Context())
	})
}
