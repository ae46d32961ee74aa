package pipeline

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
)

// Rate is the most documents, or bytes of documents, that are delivered in a second. The zero value is without a bound.
type Rate struct{ Documents, Bytes int64 }

// rateUnits are those of bytes. A number without one is of documents.
var rateUnits = []struct {
	suffix string
	scale  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}}

// ParseRate reads a rate: 5000 for documents, 5MiB for bytes. An empty text is no bound.
func ParseRate(text string) (Rate, error) {
	if text == "" {
		return Rate{}, nil
	}
	number, scale := text, int64(0)
	for _, u := range rateUnits {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			number, scale = rest, u.scale
			break
		}
	}
	const most = 1 << 32
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	switch {
	case err != nil || n < 1 || n > most:
		return Rate{}, fmt.Errorf("%q is no rate: want documents a second, such as 5000, or bytes, such as 5MiB", text)
	case scale > 0:
		return Rate{Bytes: n * scale}, nil
	}
	return Rate{Documents: n}, nil
}

// deliverer returns one that keeps to the rate, for all deliveries together.
func (r Rate) deliverer(inner penstock.Deliverer) penstock.Deliverer {
	if r == (Rate{}) {
		return inner
	}
	return &rated{Deliverer: inner, rate: r}
}

// rated spaces documents by their cost: each has its moment, behind those that came before.
type rated struct {
	penstock.Deliverer
	rate Rate
	mu   sync.Mutex
	next time.Time // the moment of the next document
}

// Begin is part of penstock.Deliverer.
func (r *rated) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &ratedDelivery{r.Deliverer.Begin(reject), r}
}

// Stored is part of penstock.Starter.
func (r *rated) Stored() <-chan struct{} {
	if s, ok := r.Deliverer.(penstock.Starter); ok {
		return s.Stored()
	}
	return nil
}

// StoredIn is part of penstock.TargetStarter.
func (r *rated) StoredIn(target string) <-chan struct{} {
	if s, ok := r.Deliverer.(penstock.TargetStarter); ok {
		return s.StoredIn(target)
	}
	return nil
}

// The documents of a tenth of a second may come at once, after a time in which none came; a wait that is shorter than
// a timer is exact is left to the next document.
const (
	burst     = 100 * time.Millisecond
	leastWait = 5 * time.Millisecond
)

// moment returns how long a document of a size has to wait.
func (r *rated) moment(now time.Time, size int) time.Duration {
	cost := time.Second
	if r.rate.Documents > 0 {
		cost /= time.Duration(r.rate.Documents)
	} else {
		cost = time.Duration(float64(size) / float64(r.rate.Bytes) * float64(time.Second))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if earliest := now.Add(-burst); r.next.Before(earliest) {
		r.next = earliest
	}
	r.next = r.next.Add(cost)
	return r.next.Sub(now)
}

type ratedDelivery struct {
	penstock.Delivery
	rated *rated
}

// Add is part of penstock.Delivery.
func (d *ratedDelivery) Add(ctx context.Context, doc penstock.Document) error {
	if wait := d.rated.moment(time.Now(), doc.Size()); wait > leastWait {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return d.Delivery.Add(ctx, doc)
}
