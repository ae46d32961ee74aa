package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"

	"github.com/seed56735111/penstock"
)

// Config is what a Handler works with. Open, Pipeline, Ping and Metrics must be set.
type Config struct {
	// Open makes the object that an event announces.
	Open func(ref Ref) (penstock.Object, error)
	// Pipeline returns the stages for one invocation, without a source; settings may have changed since the last one.
	// release is called when the invocation is over.
	Pipeline func(ctx context.Context) (p penstock.Pipeline, release func(context.Context) error, err error)
	// Ping asks the domain for its banner: what an empty event does.
	Ping func(ctx context.Context) (json.RawMessage, error)
	// Continue hands the rest of an object to a later invocation. Nil gives the item back instead.
	Continue func(ctx context.Context, message []byte) error
	// Reserve is how long before the deadline reading stops, 10 s when zero; at most half of the time there is.
	Reserve time.Duration
	// Metrics gets one line for each invocation, in the embedded metric format of CloudWatch.
	Metrics io.Writer
	// Function names the function in the metrics.
	Function string
	// LogGroup is where the function's own log goes. Its events are passed over: what is logged about delivering them
	// would come back as the next event, without end.
	LogGroup string
	Logger   *slog.Logger
}

// Handler runs invocations. It is safe for concurrent use, though Lambda runs one at a time in a sandbox.
type Handler struct {
	cfg Config
	mu  sync.Mutex // guards writes to cfg.Metrics
}

// New returns a Handler.
func New(cfg Config) *Handler {
	if cfg.Reserve <= 0 {
		cfg.Reserve = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Handler{cfg: cfg}
}

// Start hands every invocation of the Lambda Runtime API to invoke: the method of a Handler, or what chooses one. It does
// not return while the platform has work.
func Start(ctx context.Context, invoke func(context.Context, json.RawMessage) (any, error)) {
	runtime.StartWithOptions(invoke, runtime.WithContext(ctx))
}

// batchResponse is the answer to a batch of SQS messages or Kinesis records. An empty list means that all succeeded, so
// the list is never empty because of an error of ours.
type batchResponse struct {
	BatchItemFailures []itemFailure `json:"batchItemFailures"`
}

type itemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// summary is the answer to an event that expects none: for the person who invoked it by hand.
type summary struct {
	penstock.Counts
	Continued int64    `json:"continued,omitempty"`
	Notes     []string `json:"notes,omitempty"`
}

// holds reports whether there is anything to deliver.
func (u *unit) holds() bool { return len(u.refs)+len(u.logs) > 0 }

// outcome is what became of one unit.
type outcome struct {
	err       error
	continued int64
}

// Invoke handles one event and returns the answer that its shape expects. An error fails the whole invocation.
func (h *Handler) Invoke(ctx context.Context, raw json.RawMessage) (any, error) {
	began := time.Now()
	ev, err := decodeEvent(raw)
	if err != nil {
		h.emit(ctx, report{began: began, failed: 1})
		return nil, err
	}
	if ev.shape == shapePing {
		banner, err := h.cfg.Ping(ctx)
		if err != nil {
			return nil, err
		}
		h.cfg.Logger.InfoContext(ctx, "domain answered", "banner", string(banner))
		return banner, nil
	}
	h.breakLoop(ev.units)
	results, rep, err := h.deliver(ctx, ev.units)
	rep.began = began
	for i := range results {
		rep.continued += results[i].continued
		if results[i].err != nil {
			rep.failed++
			h.cfg.Logger.WarnContext(ctx, "item given back", "item", ev.units[i].id, "error", results[i].err)
		}
	}
	h.emit(ctx, rep)
	if err != nil && ev.shape != shapeSQS && ev.shape != shapeKinesis && ev.shape != shapeTasks {
		return nil, err
	}
	return answer(ev, results, rep)
}

// breakLoop takes the events of the function's own log out.
func (h *Handler) breakLoop(units []unit) {
	if h.cfg.LogGroup == "" {
		return
	}
	for i := range units {
		u := &units[i]
		n := len(u.logs)
		u.logs = slices.DeleteFunc(u.logs, func(b logBatch) bool { return b.Group == h.cfg.LogGroup })
		if len(u.logs) < n {
			u.note = "ignored " + h.cfg.LogGroup + ": the function's own log group must not be subscribed to the function"
		}
	}
}

// answer turns the outcomes into what the event's shape expects.
func answer(ev event, results []outcome, rep report) (any, error) {
	switch ev.shape {
	case shapeSQS:
		return sqsAnswer(ev.units, results)
	case shapeKinesis:
		// The service goes on from the lowest number that is returned, so the first failure says it all.
		for i, u := range ev.units {
			if results[i].err == nil {
				continue
			}
			if u.id == "" {
				return nil, results[i].err
			}
			return batchResponse{BatchItemFailures: []itemFailure{{u.id}}}, nil
		}
		return batchResponse{BatchItemFailures: []itemFailure{}}, nil
	case shapeTasks:
		return taskAnswer(ev, results), nil
	}
	var errs []error
	var notes []string
	for i, u := range ev.units {
		errs = append(errs, results[i].err)
		if u.note != "" {
			notes = append(notes, u.note)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return summary{Counts: rep.counts, Continued: rep.continued, Notes: notes}, nil
}

// sqsAnswer lists the messages to be given back. In a FIFO queue the first failure of a group takes the rest of the
// group with it, or later messages would overtake it.
func sqsAnswer(units []unit, results []outcome) (any, error) {
	resp := batchResponse{BatchItemFailures: []itemFailure{}}
	stopped := map[string]bool{}
	for i, u := range units {
		if results[i].err == nil && !stopped[u.group] {
			continue
		}
		if u.id == "" {
			// Without an id the message cannot be named: the whole batch has to come again.
			return nil, fmt.Errorf("message %d of the batch has no id: %w", i, results[i].err)
		}
		if u.group != "" {
			stopped[u.group] = true
		}
		resp.BatchItemFailures = append(resp.BatchItemFailures, itemFailure{u.id})
	}
	return resp, nil
}

func taskAnswer(ev event, results []outcome) taskResults {
	out := taskResults{
		InvocationSchemaVersion: ev.tasks.InvocationSchemaVersion, InvocationID: ev.tasks.InvocationID,
		TreatMissingKeysAs: "TemporaryFailure", Results: make([]taskResult, 0, len(results)),
	}
	for i, u := range ev.units {
		r := taskResult{TaskID: u.id, ResultCode: "Succeeded"}
		if err := results[i].err; err != nil {
			r.ResultCode, r.ResultString = "PermanentFailure", truncate(err.Error(), 1000)
			if penstock.IsTemporary(err) || penstock.IsFatal(err) {
				r.ResultCode = "TemporaryFailure"
			}
		}
		out.Results = append(out.Results, r)
	}
	return out
}

func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n]
}

// deliver runs the units through the pipeline until the reserve before the deadline, and returns the outcome of each.
// A unit without an outcome is given back.
func (h *Handler) deliver(ctx context.Context, units []unit) ([]outcome, report, error) {
	results := make([]outcome, len(units))
	work := false
	for i := range units {
		results[i].err = units[i].err
		work = work || units[i].holds()
	}
	if !work {
		return results, report{}, nil
	}
	p, release, err := h.cfg.Pipeline(ctx)
	if err != nil {
		for i := range results {
			if units[i].holds() {
				results[i].err = errors.Join(results[i].err, err)
			}
		}
		return results, report{}, err
	}
	items := make(unitSource, 0, len(units))
	for i := range units {
		item, err := h.item(&units[i], &results[i])
		if len(item.Objects) > 0 {
			items = append(items, item)
		} else if err != nil {
			results[i].err = errors.Join(results[i].err, err)
		}
	}
	pause := make(chan struct{})
	newest := &newestShaper{Shaper: p.Shaper}
	p.Source, p.Shaper, p.Pause = items, newest, pause
	bounded, cancel := h.bound(ctx, pause)
	// What is under way when the bound is reached is cut off at once: it was given the reserve to end by itself.
	p.Grace = time.Nanosecond
	counts, err := p.Run(bounded)
	cancel()
	if rerr := release(context.WithoutCancel(ctx)); err == nil {
		err = rerr
	}
	return results, report{counts: counts, newest: newest.time()}, err
}

// bound closes pause when the reserve before the deadline begins, and ends the context when three quarters of the reserve
// are over: the last quarter is for continuing or giving back, and for the answer.
func (h *Handler) bound(ctx context.Context, pause chan struct{}) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	reserve := min(h.cfg.Reserve, left/2)
	timer := time.AfterFunc(left-reserve, func() { close(pause) })
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(-reserve/4))
	return ctx, func() {
		timer.Stop()
		cancel()
	}
}

// unitSource gives the items of one invocation.
type unitSource []penstock.Item

// Items is part of penstock.Source.
func (s unitSource) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, item := range s {
			if ctx.Err() != nil || !yield(item, nil) {
				return // the outcome of the others stays "not begun"
			}
		}
	}
}

// item makes the item of a unit. Its outcome is "not begun" until it is settled.
func (h *Handler) item(u *unit, result *outcome) (penstock.Item, error) {
	item := penstock.Item{ID: u.id}
	var errs []error
	byName := map[string]Ref{}
	for _, ref := range u.refs {
		o, err := h.cfg.Open(ref)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if ref.From != nil {
			o.Resume = &penstock.Place{Version: ref.Version, ETag: ref.From.ETag, Entry: ref.From.Entry, Offset: ref.From.Offset}
		}
		byName[o.Name] = ref
		item.Objects = append(item.Objects, o)
	}
	for i := range u.logs {
		item.Objects = append(item.Objects, u.logs[i].object())
	}
	if len(item.Objects) > 0 {
		decodeErr := errors.Join(append(errs, u.err)...)
		result.err = errors.Join(errNotBegun, decodeErr)
		item.Settle = func(ctx context.Context, err error) error {
			result.continued, err = h.proceed(ctx, byName, err)
			result.err = errors.Join(decodeErr, err)
			return nil
		}
	}
	return item, errors.Join(errs...)
}

// errNotBegun is the outcome of a unit for which there was no time.
var errNotBegun = &notBegunError{}

type notBegunError struct{}

func (*notBegunError) Error() string   { return "not begun before the deadline" }
func (*notBegunError) Temporary() bool { return true }

// continuation is the message that continues a paused object. It stays far below the size limit of a queue.
type continuation struct {
	Continue Ref `json:"penstock_continue"`
}

// proceed hands the rest of every paused object to a later invocation. When each of them could be handed over and
// nothing else went wrong, the unit has succeeded.
func (h *Handler) proceed(ctx context.Context, refs map[string]Ref, err error) (int64, error) {
	if err == nil || h.cfg.Continue == nil {
		return 0, err
	}
	paused, ok := allPaused(err)
	if !ok {
		return 0, err
	}
	if !progressed(paused, refs) {
		return 0, err // the queue counts how often an item comes back, which a new message would hide from it
	}
	for _, p := range paused {
		ref, ok := refs[p.Next.Object]
		if !ok {
			return 0, err // log events: their event comes again as a whole
		}
		if p.Next.Version != "" {
			ref.Version = p.Next.Version
		}
		ref.From = &Position{Entry: p.Next.Entry, Offset: p.Next.Offset, ETag: p.Next.ETag}
		message, merr := json.Marshal(continuation{Continue: ref})
		if merr != nil {
			return 0, errors.Join(err, merr)
		}
		if cerr := h.cfg.Continue(ctx, message); cerr != nil {
			return 0, errors.Join(err, cerr)
		}
	}
	return int64(len(paused)), nil
}

// progressed reports whether any of the objects was read farther than before.
func progressed(paused []*penstock.PausedError, refs map[string]Ref) bool {
	return slices.ContainsFunc(paused, func(p *penstock.PausedError) bool {
		from := refs[p.Next.Object].From
		if from == nil {
			return p.Next.Offset > 0 || p.Next.Entry != ""
		}
		return p.Next.Offset > from.Offset || p.Next.Entry != from.Entry
	})
}

// allPaused returns the paused objects when pausing is all that happened.
func allPaused(err error) ([]*penstock.PausedError, bool) {
	joined, ok := err.(interface{ Unwrap() []error }) //nolint:errorlint // the join that Run makes of one error an object
	if !ok {
		return nil, false
	}
	var all []*penstock.PausedError
	for _, e := range joined.Unwrap() {
		p, ok := errors.AsType[*penstock.PausedError](e)
		if !ok {
			return nil, false
		}
		all = append(all, p)
	}
	return all, true
}
