package sigv4_test

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

// answering takes bodies and answers after a while.
type answering struct{ after time.Duration }

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	_ = r.Body.Close()
	time.Sleep(a.after)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// slowly is a body that begins to come at once and goes on after a while.
type slowly struct {
	io.Reader
	after time.Duration
	read  int
}

func (s *slowly) Read(p []byte) (int, error) {
	if s.read++; s.read == 20 {
		time.Sleep(s.after)
	}
	return s.Reader.Read(p[:min(len(p), 16<<10)])
}

// Bodies that come fast pass one after the other through the same memory. Those of slow clients and those that a domain
// is slow to answer do not keep others waiting.
func TestLargeBodiesTakeTurns(t *testing.T) {
	t.Parallel()
	const size = 2 << 20
	for _, tt := range []struct {
		name           string
		client, domain time.Duration
		most           int64         // bytes in memory
		within         time.Duration // all of them
	}{
		{"fast", 0, time.Millisecond, 9 << 18, 20 * time.Millisecond},
		{"slow clients", 10 * time.Second, 0, 20 * size, 11 * time.Second},
		{"slow domain", 0, 10 * time.Second, 20 * size, 11 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				budget := &sigv4.Budget{Memory: 64 << 20, AtOnce: size}
				rt := &sigv4.Transport{
					Base:        answering{tt.domain},
					Credentials: sigv4.Static(sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}),
					Region:      "eu-west-1", Service: "es", Budget: budget,
				}
				start := time.Now()
				var wg sync.WaitGroup
				for range 16 {
					wg.Go(func() {
						body := io.NopCloser(&slowly{Reader: bytes.NewReader(make([]byte, size)), after: tt.client})
						req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://domain.example/_bulk", body)
						if err != nil {
							t.Error(err)
							return
						}
						req.ContentLength = size
						resp, err := rt.RoundTrip(req)
						if err != nil {
							t.Error(err)
							return
						}
						if memory, _ := budget.Taken(); memory > tt.most {
							t.Errorf("%d bytes of memory are taken, want at most %d", memory, tt.most)
						}
						_ = resp.Body.Close()
					})
				}
				wg.Wait()
				if took := time.Since(start); took > tt.within {
					t.Errorf("took %s, want at most %s", took, tt.within)
				}
				if memory, _ := budget.Taken(); memory != 0 {
					t.Errorf("%d bytes of memory are still taken", memory)
				}
			})
		})
	}
}
