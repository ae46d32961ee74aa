package bulk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
)

// What bounds memory: a document larger than a batch is sent when no other request is under way, and waits for its
// outcome.
func TestALongDocumentIsSentByItself(t *testing.T) {
	t.Parallel()
	const batch = 4 << 10
	var under atomic.Int32
	var alone atomic.Int64
	e := &engine{before: func(_ int, _ http.ResponseWriter, body []byte) bool {
		n := under.Add(1)
		defer under.Add(-1)
		if len(body) > batch {
			alone.Add(1)
			if lines := bytes.Count(body, []byte("\n")); lines != 2 || n != 1 {
				t.Errorf("a long document in a request of %d lines, with %d under way", lines, n)
			}
		}
		return false
	}}
	w := start(t, e, bulk.Config{BatchBytes: batch})
	var readers sync.WaitGroup
	for r := range 4 {
		readers.Go(func() {
			d := w.Begin(noRejection(t))
			for i := range 200 {
				x := doc(1000*r + i)
				if i%20 == r {
					x.Head = fmt.Appendf(nil, `{"m":%q}`, strings.Repeat("x", 3*batch))
				}
				if err := d.Add(t.Context(), x); err != nil {
					t.Error(err)
				}
			}
			if out, err := d.Wait(t.Context()); err != nil || out.Delivered != 200 {
				t.Errorf("%+v, error %v", out, err)
			}
		})
	}
	readers.Wait()
	if alone.Load() != 40 {
		t.Errorf("%d long documents, want 40", alone.Load())
	}
}

func TestTheRecordOfALongDocumentIsGivenBackWhenAddReturns(t *testing.T) {
	t.Parallel()
	arrived, answer := make(chan struct{}), make(chan struct{})
	e := &engine{
		before: func(int, http.ResponseWriter, []byte) bool {
			close(arrived)
			<-answer
			return false
		},
		item: func(int, string) (int, string, string) { return 400, "mapper_parsing_exception", "no" },
	}
	w := start(t, e, bulk.Config{BatchBytes: 100})
	var got string
	d := w.Begin(func(_ context.Context, r penstock.Rejection) error {
		got = string(r.Raw)
		return nil
	})
	raw := []byte(strings.Repeat("a", 200))
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	go func() {
		<-arrived
		cancel(stop)
	}()
	err := d.Add(ctx, penstock.Document{Index: "logs", ID: []byte("1"), Head: fmt.Appendf(nil, `{"m":%q}`, raw), Raw: raw})
	if !errors.Is(err, stop) {
		t.Fatalf("error %v, want %v", err, stop)
	}
	clear(raw) // the reader goes on
	close(answer)
	if out, err := d.Wait(t.Context()); err != nil || out.Rejected != 1 || got != strings.Repeat("a", 200) {
		t.Errorf("%+v, error %v, record %.20q", out, err, got)
	}
}
