package mapping

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
)

// Fitting is a Deliverer that writes documents so that the mappings of their indexes take them, and hands them to
// another one. It reads a mapping once for each index, and once more when the domain refuses a document by a mapping
// that was made meanwhile.
type Fitting struct {
	next   penstock.Deliverer
	domain *domain.Domain
	rule   Rule
	log    *slog.Logger

	mu      sync.Mutex
	indexes map[string]*reading
	off     bool // the mappings may not be read
}

var _ penstock.Deliverer = (*Fitting)(nil)

// reading is what is known of the mapping of an index.
type reading struct {
	mu      sync.Mutex
	field   *field // nil when it is not known
	asked   bool
	again   time.Time // when to ask again for what is not known
	useless int       // readings in a row that changed nothing
}

// maxUseless is how many readings in a row that changed nothing end the reading again of a mapping.
const maxUseless = 200

// NewFitting returns a Fitting. The logger is told when mappings cannot be read.
func NewFitting(next penstock.Deliverer, d *domain.Domain, rule Rule, log *slog.Logger) *Fitting {
	return &Fitting{next: next, domain: d, rule: rule, log: log, indexes: map[string]*reading{}}
}

// Begin is part of penstock.Deliverer.
func (f *Fitting) Begin(reject penstock.RejectFunc) penstock.Delivery {
	d := &fitted{Fitting: f, reject: reject}
	d.inner = d.begin(0)
	return d
}

// Hold is part of penstock.Deliverer.
func (f *Fitting) Hold() (release func()) { return f.next.Hold() }

// Stored is part of penstock.Starter.
func (f *Fitting) Stored() <-chan struct{} {
	if s, ok := f.next.(penstock.Starter); ok {
		return s.Stored()
	}
	return nil
}

// of returns what is known of an index, nil when the mappings may not be read.
func (f *Fitting) of(index string) *reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.off {
		return nil
	}
	r := f.indexes[index]
	if r == nil {
		r = new(reading)
		f.indexes[index] = r
	}
	return r
}

// mapping returns the mapping of an index, nil when it is not known. It is read when it was not yet, or with fresh in
// any case.
func (f *Fitting) mapping(ctx context.Context, index string, fresh bool) *field {
	r := f.of(index)
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	late := !r.again.IsZero() && time.Now().After(r.again)
	if r.asked && !late && (!fresh || r.useless >= maxUseless) {
		return r.field
	}
	r.asked, r.again = true, time.Time{}
	text, err := exchange(ctx, f.domain, http.MethodGet, "/"+url.PathEscape(index)+"/_mapping", nil)
	e, answered := errors.AsType[*domain.Error](err)
	switch {
	case err == nil:
		if r.field, err = parseMapping(text); err != nil {
			f.log.WarnContext(ctx, "the mapping of an index is not understood: conflicts with it are left to the domain",
				"index", index, "error", err)
		}
	case answered && e.Status == http.StatusNotFound:
		r.field = &field{inner: map[string]*field{}} // the first document makes it
	case answered && (e.Kind == domain.Refused || e.Kind == domain.BadRequest):
		f.mu.Lock()
		said := f.off
		f.off = true
		f.mu.Unlock()
		if !said {
			f.log.WarnContext(ctx, "the mapping of an index may not be read: conflicts are left to the domain",
				"index", index, "error", err)
		}
		r.field = nil
	default:
		const soon = 5 * time.Second
		r.again = time.Now().Add(soon)
		if ctx.Err() == nil {
			f.log.WarnContext(ctx, "the mapping of an index was not read", "index", index, "error", err)
		}
	}
	return r.field
}

// tell notes whether reading a mapping again was of use.
func (f *Fitting) tell(index string, useful bool) {
	r := f.of(index)
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.useless++; useful {
		r.useless = 0
	}
}

// fitted is a delivery of a Fitting.
type fitted struct {
	*Fitting
	inner   penstock.Delivery
	reject  penstock.RejectFunc
	replace bool // its documents take the place of others
	buf     []byte
	out     penstock.Outcome // of the deliveries of documents that were refused at first

	mu      sync.Mutex
	waiting []penstock.Document // refused at first, and written anew
	size    int                 // of these
	round   int                 // in which they were refused
	taken   int64               // documents that the deliveries count as rejected, and that are sent again
}

const (
	maxWaiting = 1 << 20 // bytes of documents that are sent again before the delivery is over
	maxRounds  = 3       // how often a document is written anew
)

// Add is part of penstock.Delivery.
func (d *fitted) Add(ctx context.Context, doc penstock.Document) error {
	d.replace = d.replace || doc.Replace
	if f := d.mapping(ctx, doc.Index, false); f != nil {
		d.fitDocument(&doc, f)
	}
	d.mu.Lock()
	full := d.size > maxWaiting
	d.mu.Unlock()
	if full {
		if err := d.again(ctx); err != nil {
			return err
		}
	}
	return d.inner.Add(ctx, doc)
}

// fitDocument writes a document as the fields of its index take it, and reports whether that changes anything. What
// penstock wrote itself stands in the Head.
func (d *fitted) fitDocument(doc *penstock.Document, f *field) bool {
	object, i := &doc.Tail, 0
	if len(doc.Tail) == 0 {
		object, i = &doc.Head, 1
	}
	if len(*object) <= i || !f.conflicts(*object, i) {
		return false
	}
	d.buf = f.fit(d.buf[:0], (*object)[i:], 0, d.rule)
	changed := string(d.buf) != string((*object)[i:])
	if i > 0 {
		*object = slices.Concat([]byte("{"), d.buf)
	} else {
		*object = d.buf
	}
	return changed
}

// begin opens a delivery of the next deliverer for documents that were refused as often as the round says.
func (d *fitted) begin(round int) penstock.Delivery {
	return d.next.Begin(func(ctx context.Context, r penstock.Rejection) error {
		if round < maxRounds && isOfMapping(&r) && d.keep(ctx, &r, round) {
			return nil
		}
		return d.reject(ctx, r)
	})
}

// isOfMapping reports whether a document may have been refused by the types of fields.
func isOfMapping(r *penstock.Rejection) bool {
	switch r.Type {
	case "mapper_parsing_exception", "document_parsing_exception", "illegal_argument_exception", "MapperParsingException":
		return r.Status == http.StatusBadRequest
	}
	return false
}

// keep writes a refused document anew by the mapping as it is now, and keeps it for being sent again. It reports
// whether there is anything to write in another way. Deliveries call it from goroutines of their own.
func (d *fitted) keep(ctx context.Context, r *penstock.Rejection, round int) bool {
	one := fitted{Fitting: d.Fitting}
	doc := penstock.Document{
		Index: r.Index, ID: slices.Clone(r.ID), Head: r.Body(), Raw: slices.Clone(r.Raw), RawSum: r.RawSum,
		Offset: r.Offset, Length: r.Length, Routing: slices.Clone(r.Routing), Pipeline: r.Pipeline,
	}
	f := d.mapping(ctx, r.Index, false)
	changed := f != nil && one.fitDocument(&doc, f)
	if !changed {
		if f = d.mapping(ctx, r.Index, true); f != nil {
			changed = one.fitDocument(&doc, f)
		}
		d.tell(r.Index, changed)
	}
	if !changed {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = append(d.waiting, doc)
	d.size += doc.Size() + len(doc.Raw)
	d.round = max(d.round, round+1)
	d.taken++
	return true
}

// again delivers what was written anew.
func (d *fitted) again(ctx context.Context) error {
	d.mu.Lock()
	documents, round := d.waiting, d.round
	d.waiting, d.size, d.round = nil, 0, 0
	d.mu.Unlock()
	if len(documents) == 0 {
		return nil
	}
	next := d.begin(round)
	var failed error
	for _, doc := range documents {
		doc.Replace = d.replace
		if failed = next.Add(ctx, doc); failed != nil {
			break
		}
	}
	out, err := next.Wait(ctx)
	d.out.Add(out)
	return errors.Join(failed, err)
}

// Wait is part of penstock.Delivery.
func (d *fitted) Wait(ctx context.Context) (penstock.Outcome, error) {
	out, err := d.inner.Wait(ctx)
	for err == nil {
		d.mu.Lock()
		over := len(d.waiting) == 0
		d.mu.Unlock()
		if over {
			break
		}
		err = d.again(ctx)
	}
	out.Add(d.out)
	d.mu.Lock()
	out.Rejected -= d.taken
	d.mu.Unlock()
	return out, err
}
