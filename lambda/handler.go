package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

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
	// Bucket is the one of keys that come without a bucket, such as a listing's.
	Bucket string
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

// Start hands every invocation of the Lambda Runtime API to invoke: the method of a Handler, or what chooses one. It
// returns when ctx has ended and the invocation in hand, which that cuts short, is answered; the process should end
// then. Errors of invocations are logged, and so is what the runtime library says through the standard logger of
// package log.
func Start(ctx context.Context, logger *slog.Logger, invoke func(context.Context, json.RawMessage) (any, error)) {
	h := &rawHandler{invoke: invoke, logger: logger}
	log.SetFlags(0)
	log.SetOutput(libraryLog{logger})
	// it never returns, and ends the process when the platform is gone
	go runtime.StartWithOptions(h, runtime.WithContext(ctx))
	<-ctx.Done()
	if !h.inHand.TryLock() {
		h.inHand.Lock()
		const toPost = 200 * time.Millisecond
		time.Sleep(toPost) // the library posts an answer after Invoke and tells nobody; one that is not posted comes again
	}
}

// rawHandler takes an event as it comes, where the runtime library would refuse an empty one as bad JSON.
type rawHandler struct {
	invoke func(context.Context, json.RawMessage) (any, error)
	logger *slog.Logger
	inHand sync.RWMutex // held for reading during an invocation
}

// Invoke is part of runtime.Handler. Its errors carry the names that state machines match.
func (h *rawHandler) Invoke(ctx context.Context, event []byte) (answer []byte, err error) {
	h.inHand.RLock()
	defer h.inHand.RUnlock()
	defer func() {
		if v := recover(); v != nil {
			requestLogger(ctx, h.logger).ErrorContext(ctx, "invocation failed", failure(ErrorInternal, fmt.Sprint(v)),
				slog.String("stack", string(debug.Stack())))
			err = messages.InvokeResponse_Error{
				Type: ErrorInternal, Message: fmt.Sprintf("internal error: %v", v), ShouldExit: true,
			}
		}
	}()
	result, err := h.invoke(ctx, event)
	if err == nil {
		answer, err = json.Marshal(result)
	}
	if err != nil {
		said := messages.InvokeResponse_Error{Type: ErrorType(err), Message: err.Error()}
		requestLogger(ctx, h.logger).ErrorContext(ctx, "invocation failed", failure(said.Type, said.Message))
		return nil, said
	}
	return answer, nil
}

// failure is what the log says of one, under the names that Lambda gives them.
func failure(name, message string) slog.Attr {
	//nolint:sloglint // Lambda's spelling
	return slog.Group("", slog.String("errorType", name), slog.String("errorMessage", message))
}

// requestLogger puts the request id on every line.
func requestLogger(ctx context.Context, logger *slog.Logger) *slog.Logger {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return logger.With("aws_request_id", lc.AwsRequestID)
	}
	return logger
}

// libraryLog makes JSON lines of what the runtime library logs with the standard logger. It logs every error of the
// function, which is in the log already.
type libraryLog struct{ logger *slog.Logger }

// Write takes one line.
func (l libraryLog) Write(line []byte) (int, error) {
	var said struct {
		Type string `json:"errorType"`
	}
	if json.Unmarshal(line, &said) != nil || said.Type == "" {
		l.logger.Error("runtime library", failure(ErrorInternal, strings.TrimSpace(string(line))))
	}
	return len(line), nil
}

// holds reports whether there is anything to deliver.
func (u *unit) holds() bool { return len(u.refs)+len(u.logs) > 0 }

// outcome is what became of one unit.
type outcome struct {
	err       error
	counts    penstock.Counts
	continued int64
	begun     bool // one of its objects was opened
	delayed   bool // a lack of time is all that is wrong
}

// Invoke handles one event and returns the answer that its shape expects. An error fails the whole invocation.
func (h *Handler) Invoke(ctx context.Context, raw json.RawMessage) (any, error) {
	began := time.Now()
	logger := requestLogger(ctx, h.cfg.Logger)
	ev, err := decodeEvent(raw)
	if err != nil {
		h.emit(ctx, logger, report{began: began, failed: 1})
		return nil, err
	}
	if ev.shape == shapePing {
		return h.ping(ctx, logger)
	}
	h.breakLoop(ev.units)
	for i := range ev.units {
		ev.units[i].inBucket(h.cfg.Bucket)
		ev.units[i].needBuckets()
	}
	results, rep, err := h.deliver(ctx, ev.units)
	rep.began = began
	for i := range results {
		rep.continued += results[i].continued
		if results[i].err != nil {
			rep.failed++
			logger.WarnContext(ctx, "item given back", slog.String("item", ev.units[i].id),
				failure(ErrorType(results[i].err), briefly(results[i].err).Error()))
		}
	}
	if rep.failed == 0 && err == nil {
		err = unbalanced(rep.counts)
	}
	h.emit(ctx, logger, rep)
	if err != nil && (rep.failed == 0 || ev.shape == shapeAsync || ev.shape == shapeItems) {
		return nil, err
	}
	return answer(ev, results, rep)
}

// ping answers the domain's banner.
func (h *Handler) ping(ctx context.Context, logger *slog.Logger) (any, error) {
	began := time.Now()
	bounded, cancel := h.limits(ctx).bound(ctx)
	defer cancel()
	banner, err := h.cfg.Ping(bounded)
	if err != nil {
		h.emit(ctx, logger, report{began: began, failed: 1})
		return nil, err
	}
	h.emit(ctx, logger, report{began: began})
	logger.InfoContext(ctx, "domain answered", "banner", string(banner))
	return banner, nil
}

// unbalanced is the last guard before success is answered: a record without a final state must not be forgotten because
// of a mistake of ours.
func unbalanced(c penstock.Counts) error {
	if c.Balanced() && c.Unacknowledged == 0 {
		return nil
	}
	return fmt.Errorf("account for records: %d of %d have no final state",
		c.Records-(c.Delivered+c.Duplicate+c.DeadLettered+c.Dropped), c.Records)
}

// breakLoop takes the events of the function's own log out.
func (h *Handler) breakLoop(units []unit) {
	if h.cfg.LogGroup == "" {
		return
	}
	for i := range units {
		u := &units[i]
		n := len(u.logs)
		u.logs = slices.DeleteFunc(u.logs, func(b logBatch) bool { return b.group() == h.cfg.LogGroup })
		if len(u.logs) < n {
			u.note = "ignored " + h.cfg.LogGroup + ": the function's own log group must not be subscribed to the function"
		}
	}
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
	limits := h.limits(ctx)
	bounded, cancel := limits.bound(ctx)
	defer cancel()
	p, release, err := h.cfg.Pipeline(bounded)
	if err != nil {
		for i := range results {
			if units[i].holds() {
				results[i].err = errors.Join(results[i].err, err)
			}
		}
		return results, report{}, err
	}
	items := unitSource{objects: map[string][]int{}}
	for i := range units {
		item, err := h.item(&units[i], &results[i], limits)
		if len(item.Objects) > 0 {
			items.add(i, item)
		} else if err != nil {
			results[i].err = errors.Join(results[i].err, err)
		}
	}
	pause, stop := limits.pauser()
	newest := &newestShaper{Shaper: p.Shaper, now: time.Now()}
	p.Source, p.Shaper, p.Pause = &items, newest, pause
	// What is under way when the bound is reached is cut off at once: it was given the reserve to end by itself.
	p.Grace = time.Nanosecond
	p.Observe = items.observe(results)
	ran := p.Run(bounded)
	stop()
	closing, done := limits.final(context.WithoutCancel(ctx))
	defer done()
	if bounded.Err() != nil {
		done() // what is still under way was cut off, and nobody waits for it
	}
	err = release(closing)
	if ended := ran.Err(); ended != nil {
		err = ended // what failed first
	}
	if err == nil {
		h.postpone(ctx, units, results, limits)
	}
	return results, report{counts: ran.Counts, newest: newest.time()}, err
}

// unitSource gives the items of one invocation.
type unitSource struct {
	items   []penstock.Item
	objects map[string][]int // the units that an object belongs to, by its name
}

func (s *unitSource) add(unit int, item penstock.Item) {
	s.items = append(s.items, item)
	for i := range item.Objects {
		name := item.Objects[i].Name
		s.objects[name] = append(s.objects[name], unit)
	}
}

// observe adds up what became of the objects of each unit. An object that was announced twice counts for one unit after
// the other.
func (s *unitSource) observe(results []outcome) func(penstock.ObjectReport) {
	return func(r penstock.ObjectReport) {
		if of := s.objects[r.Object]; len(of) > 0 {
			results[of[0]].counts.Add(r.Counts)
			s.objects[r.Object] = of[1:]
		}
	}
}

// Items is part of penstock.Source.
func (s *unitSource) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, item := range s.items {
			if ctx.Err() != nil || !yield(item, nil) {
				return // the outcome of the others stays "not begun"
			}
		}
	}
}

// item makes the item of a unit. Its outcome is "not begun" until it is settled.
func (h *Handler) item(u *unit, result *outcome, l limits) (penstock.Item, error) {
	item := penstock.Item{ID: u.id}
	var errs []error
	byName := map[string]Ref{}
	for _, ref := range u.refs {
		o, err := h.cfg.Open(ref)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if ref.From != nil && (ref.Version != "" || ref.From.ETag != "") {
			o.Resume = &penstock.Place{Version: ref.Version, ETag: ref.From.ETag, Entry: ref.From.Entry, Offset: ref.From.Offset}
		}
		byName[o.Name] = ref
		item.Objects = append(item.Objects, o)
	}
	for i := range u.logs {
		item.Objects = append(item.Objects, u.logs[i].object())
	}
	for i := range item.Objects {
		open := item.Objects[i].Open
		item.Objects[i].Open = func(ctx context.Context) (*penstock.Stream, error) {
			result.begun = true // the objects of an item are opened one after the other
			return open(ctx)
		}
	}
	if objects := len(item.Objects); objects > 0 {
		decodeErr := errors.Join(append(errs, u.err)...)
		result.err, result.delayed = errors.Join(errNotBegun, decodeErr), decodeErr == nil
		item.Settle = func(ctx context.Context, err error) error {
			if _, begun := errors.AsType[*penstock.ItemError](err); err != nil && !begun {
				// Taken, perhaps opened ahead, and given back when the intake ended.
				err, result.begun = errNotBegun, false
			}
			result.continued, err = h.proceed(ctx, byName, objects, err, l)
			_, paused := allPaused(err)
			result.err, result.delayed = errors.Join(decodeErr, err), decodeErr == nil && (paused || errors.Is(err, errNotBegun))
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
