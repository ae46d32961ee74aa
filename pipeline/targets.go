package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/domain"
)

// TargetError says that a target is down: what was to go to it is given back, and the others go on.
type TargetError struct {
	// Target is its name, empty for the one that is not named.
	Target string
	Err    error
	// All says that no other target is up.
	All bool
}

func (e *TargetError) Error() string {
	if e.Target == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("target %s: %v", e.Target, e.Err)
}

func (e *TargetError) Unwrap() error { return e.Err }

// Fatal reports whether the run has nowhere left to send anything.
func (e *TargetError) Fatal() bool { return e.All }

// Temporary is always true: what is given back arrives when the target is up again.
func (e *TargetError) Temporary() bool { return true }

// Outlets are the domains of a run: the one that is not named and the targets that its routes name, each with a writer
// of its own. A target is opened when its first document comes. Several share what one would have of memory.
type Outlets struct {
	write Write
	log   *slog.Logger
	all   []*outlet // the one that is not named is the first
	share *bulk.Share
	// respite is how long a target that went down is left alone before it is asked again.
	respite time.Duration

	mu     sync.Mutex
	holds  map[*outletHold]bool
	stored chan struct{}
	start  sync.Once
	done   chan struct{}
	wg     sync.WaitGroup
}

// outlet is one domain.
type outlet struct {
	name   string
	domain *domain.Domain
	called string // in dead letters

	stored chan struct{} // closed when a writer has stored something
	start  sync.Once

	opening sync.Mutex     // held while it is opened
	banner  *domain.Banner // nil when it has not answered

	// Guarded by the mutex of all:
	writer *bulk.Writer
	next   penstock.Deliverer // in front of the writer
	down   error              // why there is no writer
	since  time.Time          // when it went down
	past   bulk.Stats         // of writers that failed
}

var (
	_ penstock.Deliverer     = (*Outlets)(nil)
	_ penstock.TargetStarter = (*Outlets)(nil)
)

// patience is how long a target may stand still among others before its documents are given back.
const patience = 30 * time.Second

// OpenOutlets wires the domains that routes send to. It makes no request.
func OpenOutlets(
	ctx context.Context, own *Target, named map[string]Target, routes []Route, write Write, l *slog.Logger,
) (*Outlets, error) {
	o := newOutlets(write, l)
	add := func(name string, t *Target) error {
		d, err := t.Open(ctx, write.MaxInFlight)
		if err != nil {
			return err
		}
		called, err := t.Name()
		o.all = append(o.all, &outlet{name: name, domain: d, called: called, stored: make(chan struct{})})
		return err
	}
	if own.URL != "" || needsOwn(routes) {
		if err := add("", own); err != nil {
			return nil, err
		}
	}
	for _, name := range targetsOf(routes) {
		t, ok := named[name]
		if !ok {
			return nil, optionf(NoTarget, "a route sends to the target %q, and there is none of this name", name)
		}
		if err := add(name, &t); err != nil {
			return nil, fmt.Errorf("target %s: %w", name, err)
		}
	}
	if len(o.all) == 0 { // every route skips
		if err := add("", own); err != nil {
			return nil, err
		}
	}
	if n := len(o.all); n > 1 {
		o.write.BatchBytes = max(cmp.Or(write.BatchBytes, bulk.DefaultBatchBytes)/int64(n), 1)
		o.write.BatchDocs = max(cmp.Or(write.BatchDocs, bulk.DefaultBatchDocs)/n, 1)
		o.write.RetryBudget = min(cmp.Or(write.RetryBudget, patience), patience)
	}
	return o, nil
}

func newOutlets(write Write, l *slog.Logger) *Outlets {
	return &Outlets{
		write: write, log: l, share: bulk.NewShare(), holds: map[*outletHold]bool{}, stored: make(chan struct{}),
		done: make(chan struct{}), respite: patience,
	}
}

// targetsOf are the names of the targets that routes send to, each once.
func targetsOf(routes []Route) []string {
	var names []string
	for i := range routes {
		if r := &routes[i]; r.Target != "" && r.Skip == "" && !slices.Contains(names, r.Target) {
			names = append(names, r.Target)
		}
	}
	return names
}

// needsOwn reports whether some entries may go to the domain that is not named.
func needsOwn(routes []Route) bool {
	for i := range routes {
		r := &routes[i]
		if r.Target == "" && r.Skip == "" {
			return true
		}
		if r.Match.isEmpty() {
			return false // it takes everything that is left
		}
	}
	return true
}

// Own is the domain that is not named, nil when nothing goes to it.
func (o *Outlets) Own() *domain.Domain {
	if len(o.all) > 0 && o.all[0].name == "" {
		return o.all[0].domain
	}
	return nil
}

// Names are what dead letters call the domain that is not named, and those of targets.
func (o *Outlets) Names() (own string, targets map[string]string) {
	targets = map[string]string{}
	for _, one := range o.all {
		if one.name == "" {
			own = one.called
		} else {
			targets[one.name] = one.called
		}
	}
	return own, targets
}

// Each calls f for each of the domains with its name.
func (o *Outlets) Each(f func(name string, d *domain.Domain) error) error {
	for _, one := range o.all {
		if err := f(one.name, one.domain); err != nil {
			return err
		}
	}
	return nil
}

// Again returns the same domains for another run, with other budgets: connections and what is known of them stay.
func (o *Outlets) Again(retryBudget time.Duration) *Outlets {
	next := newOutlets(o.write, o.log)
	next.write.RetryBudget = min(next.write.RetryBudget, retryBudget)
	for _, one := range o.all {
		next.all = append(next.all, &outlet{
			name: one.name, domain: one.domain, called: one.called, banner: one.banner, stored: make(chan struct{}),
		})
	}
	return next
}

// Remember says what the domain is that is not named, so that it is not asked.
func (o *Outlets) Remember(banner domain.Banner) {
	if o.Own() != nil {
		o.all[0].banner = &banner
	}
}

// Connect opens the first of the domains, for some seconds when it does not answer. That it is down is an error only
// when there is no other.
func (o *Outlets) Connect(ctx context.Context) error {
	if _, _, err := o.open(ctx, o.all[0]); err != nil && (len(o.all) == 1 || ctx.Err() != nil) {
		if t, ok := errors.AsType[*TargetError](err); ok && t.Target == "" {
			return t.Err
		}
		return err
	}
	return nil
}

// open returns the deliverer of a domain, and its writer, after asking it what it is when that is not known. A target
// that is down is asked again after a while.
func (o *Outlets) open(ctx context.Context, one *outlet) (penstock.Deliverer, *bulk.Writer, error) {
	one.opening.Lock()
	defer one.opening.Unlock()
	o.mu.Lock()
	next, writer, down, since := one.next, one.writer, one.down, one.since
	o.mu.Unlock()
	switch {
	case writer != nil:
		return next, writer, nil
	case down != nil && time.Since(since) < o.respite:
		return nil, nil, o.failure(one, down)
	}
	if one.banner == nil || down != nil {
		banner, err := o.ask(ctx, one.domain, down != nil)
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		if err != nil {
			o.mu.Lock()
			one.down, one.since = err, time.Now()
			o.mu.Unlock()
			o.log.WarnContext(ctx, "target down", "target", one.name, "error", err)
			return nil, nil, o.failure(one, err)
		}
		one.banner = &banner
	}
	cfg := o.write.Config(*one.banner, o.log)
	cfg.Share = o.share
	writer = bulk.New(cfg, one.domain)
	next = o.write.Deliverer(writer, one.domain, o.log)
	o.wg.Go(func() {
		select {
		case <-writer.Stored():
			one.start.Do(func() { close(one.stored) })
			o.start.Do(func() { close(o.stored) })
		case <-o.done:
		}
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	one.next, one.writer, one.down = next, writer, nil
	for h := range o.holds {
		h.release = append(h.release, next.Hold())
	}
	return next, writer, nil
}

// ask asks a domain what it is: one that was down once, and any other for some time when it does not answer.
func (o *Outlets) ask(ctx context.Context, d *domain.Domain, wasDown bool) (domain.Banner, error) {
	var banner domain.Banner
	var err error
	if wasDown {
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		banner, err = d.Probe(short)
	} else {
		banner, err = Probe(ctx, d)
	}
	if matters := BannerMatters(err); matters != nil {
		return banner, matters
	}
	if err != nil {
		o.log.DebugContext(ctx, "the banner is not for us", "error", err)
	}
	return banner, nil
}

// failure says that a domain is down.
func (o *Outlets) failure(one *outlet, err error) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	up := func(other *outlet) bool { return other.down == nil }
	return &TargetError{Target: one.name, Err: err, All: !slices.ContainsFunc(o.all, up)}
}

// failed takes a writer out of use that has given up. Other errors are passed on.
func (o *Outlets) failed(ctx context.Context, one *outlet, writer *bulk.Writer, err error) error {
	gaveUp, ok := errors.AsType[*bulk.FatalError](err)
	if !ok || len(o.all) == 1 || ctx.Err() != nil {
		return err
	}
	o.mu.Lock()
	if one.writer == writer {
		one.writer, one.next, one.down, one.since = nil, nil, gaveUp, time.Now()
		one.past = added(one.past, writer.Stats())
		o.wg.Go(func() { _ = CloseWriter(ctx, writer) })
		o.log.WarnContext(ctx, "target down", "target", one.name, "error", gaveUp)
	}
	o.mu.Unlock()
	return o.failure(one, err)
}

// added is the sum of two sets of counters.
func added(a, b bulk.Stats) bulk.Stats {
	a.Requests += b.Requests
	a.Retries += b.Retries
	a.BytesOut += b.BytesOut
	a.RetriedBytes += b.RetriedBytes
	a.Add(b.Outcome)
	return a
}

// Stats are the counters of all writers together.
func (o *Outlets) Stats() bulk.Stats {
	o.mu.Lock()
	defer o.mu.Unlock()
	var sum bulk.Stats
	for _, one := range o.all {
		sum = added(sum, one.past)
		if one.writer != nil {
			s := one.writer.Stats()
			sum = added(sum, s)
			sum.InFlight, sum.HeldBack = sum.InFlight+s.InFlight, sum.HeldBack+s.HeldBack
		}
	}
	return sum
}

// Close ends the writers when all deliveries are over, as CloseWriter does.
func (o *Outlets) Close(ctx context.Context) error {
	return o.close(func(w *bulk.Writer) error { return CloseWriter(ctx, w) })
}

// CloseWithin is Close for who says how long it may take.
func (o *Outlets) CloseWithin(ctx context.Context) error {
	return o.close(func(w *bulk.Writer) error { return w.Close(ctx) })
}

func (o *Outlets) close(end func(*bulk.Writer) error) error {
	var errs []error
	for _, one := range o.all {
		o.mu.Lock()
		writer := one.writer
		o.mu.Unlock()
		if writer != nil {
			errs = append(errs, end(writer))
		}
	}
	close(o.done)
	o.wg.Wait()
	return errors.Join(errs...)
}

// Deliverer returns what takes documents to their domains. Connect must have been called.
func (o *Outlets) Deliverer() penstock.Deliverer {
	if len(o.all) == 1 && o.all[0].name == "" {
		return o.all[0].next
	}
	return o
}

// Stored is part of penstock.Starter.
func (o *Outlets) Stored() <-chan struct{} { return o.stored }

// StoredIn is part of penstock.TargetStarter.
func (o *Outlets) StoredIn(target string) <-chan struct{} {
	for _, one := range o.all {
		if one.name == target {
			return one.stored
		}
	}
	return nil
}

// outletHold is a hold of all domains that are open.
type outletHold struct{ release []func() }

// Hold is part of penstock.Deliverer.
func (o *Outlets) Hold() (release func()) {
	h := new(outletHold)
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range o.all {
		if one.next != nil {
			h.release = append(h.release, one.next.Hold())
		}
	}
	o.holds[h] = true
	return sync.OnceFunc(func() {
		o.mu.Lock()
		delete(o.holds, h)
		all := h.release
		o.mu.Unlock()
		for _, one := range all {
			one()
		}
	})
}

// Begin is part of penstock.Deliverer.
func (o *Outlets) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &outletDelivery{Outlets: o, reject: reject}
}

// outletDelivery has a delivery for each target that documents of the object go to.
type outletDelivery struct {
	*Outlets
	reject penstock.RejectFunc
	parts  []*outletPart
	last   *outletPart
}

type outletPart struct {
	*outlet
	penstock.Delivery
	writer *bulk.Writer
}

// Add is part of penstock.Delivery.
func (d *outletDelivery) Add(ctx context.Context, doc penstock.Document) error {
	if d.last == nil || d.last.name != doc.Target {
		part, err := d.part(ctx, doc.Target)
		if err != nil {
			return err
		}
		d.last = part
	}
	if err := d.last.Add(ctx, doc); err != nil {
		return d.failed(ctx, d.last.outlet, d.last.writer, err)
	}
	return nil
}

// part returns the delivery to a target.
func (d *outletDelivery) part(ctx context.Context, target string) (*outletPart, error) {
	for _, p := range d.parts {
		if p.name == target {
			return p, nil
		}
	}
	i := slices.IndexFunc(d.all, func(one *outlet) bool { return one.name == target })
	if i < 0 {
		return nil, &bulk.FatalError{Err: fmt.Errorf("there is no target %q", target)}
	}
	next, writer, err := d.open(ctx, d.all[i])
	if err != nil {
		return nil, err
	}
	p := &outletPart{outlet: d.all[i], writer: writer}
	p.Delivery = next.Begin(func(ctx context.Context, r penstock.Rejection) error {
		r.Target = target
		return d.reject(ctx, r)
	})
	d.parts = append(d.parts, p)
	return p, nil
}

// Wait is part of penstock.Delivery.
func (d *outletDelivery) Wait(ctx context.Context) (penstock.Outcome, error) {
	outs, errs := make([]penstock.Outcome, len(d.parts)), make([]error, len(d.parts))
	wait := func(i int) {
		p := d.parts[i]
		if outs[i], errs[i] = p.Wait(ctx); errs[i] != nil {
			errs[i] = d.failed(ctx, p.outlet, p.writer, errs[i])
		}
	}
	var wg sync.WaitGroup
	for i := 1; i < len(d.parts); i++ {
		wg.Go(func() { wait(i) })
	}
	if len(d.parts) > 0 {
		wait(0)
	}
	wg.Wait()
	var sum penstock.Outcome
	for _, out := range outs {
		sum.Add(out)
	}
	return sum, errors.Join(errs...)
}
