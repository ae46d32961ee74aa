package lambda

import (
	"context"
	"time"
)

// limits are the moments of one invocation after which less and less may be begun. Zero times are no limits.
type limits struct {
	pause time.Time // reading stops; what was read is delivered
	cut   time.Time // what is still under way is cut off
	last  time.Time // continuing ends; only the answer is left
}

// limits divides the time before the deadline of ctx: the reserve begins with the pause, and a quarter of it is for
// continuing or giving back.
func (h *Handler) limits(ctx context.Context) limits {
	deadline, ok := ctx.Deadline()
	if !ok {
		return limits{}
	}
	reserve := min(h.cfg.Reserve, time.Until(deadline)/2)
	return limits{pause: deadline.Add(-reserve), cut: deadline.Add(-reserve / 4), last: deadline.Add(-reserve / 16)}
}

// bound returns a context that ends at the cut.
func (l limits) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return until(ctx, l.cut)
}

// final returns a context that ends when only the answer is left.
func (l limits) final(ctx context.Context) (context.Context, context.CancelFunc) {
	return until(ctx, l.last)
}

func until(ctx context.Context, t time.Time) (context.Context, context.CancelFunc) {
	if t.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, t)
}

// pauser returns a channel that is closed at the pause, unless stop is called before.
func (l limits) pauser() (pause <-chan struct{}, stop func()) {
	ch := make(chan struct{})
	if l.pause.IsZero() {
		return ch, func() {}
	}
	timer := time.AfterFunc(time.Until(l.pause), func() { close(ch) })
	return ch, func() { timer.Stop() }
}
