package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/seed56735111/penstock"
)

// maxContinuation is the size limit of a queue's message before 2026: a continuation stays below it on every queue.
const maxContinuation = 256 << 10

// continuation is the message that continues an object.
type continuation struct {
	Continue Ref `json:"penstock_continue"`
}

// handOver sends the message that continues an object.
func (h *Handler) handOver(ctx context.Context, ref Ref) error {
	message, err := json.Marshal(continuation{Continue: ref})
	if err != nil {
		return fmt.Errorf("continue s3://%s/%s: %w", ref.Bucket, ref.Key, err)
	}
	if len(message) >= maxContinuation {
		return fmt.Errorf("continue s3://%s/%s: message of %d bytes, more than a queue takes", ref.Bucket, ref.Key,
			len(message))
	}
	return h.cfg.Continue(ctx, message)
}

// proceed hands the rest of every paused object of a unit's objects to a later invocation. When each of them could be
// handed over and nothing else went wrong, the unit has succeeded.
func (h *Handler) proceed(ctx context.Context, refs map[string]Ref, objects int, err error, l limits) (int64, error) {
	if err == nil || h.cfg.Continue == nil {
		return 0, err
	}
	paused, ok := allPaused(err)
	if !ok {
		return 0, err
	}
	if len(paused) == objects && !progressed(paused, refs) {
		return 0, err // the queue counts how often an item comes back, which a new message would hide from it
	}
	ctx, cancel := l.final(ctx)
	defer cancel()
	for _, p := range paused {
		ref, ok := refs[p.Next.Object]
		if !ok {
			return 0, err // log events: their event comes again as a whole
		}
		if p.Next.Version != "" {
			ref.Version = p.Next.Version
		}
		if p.Next.Offset > 0 || p.Next.Entry != "" {
			ref.From = &Position{Entry: p.Next.Entry, Offset: p.Next.Offset, ETag: p.Next.ETag}
		}
		if cerr := h.handOver(ctx, ref); cerr != nil {
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
	item, ok := err.(*penstock.ItemError) //nolint:errorlint // joined with another error it is not all
	if !ok {
		return nil, false
	}
	var all []*penstock.PausedError
	for _, f := range item.Failures {
		p, ok := errors.AsType[*penstock.PausedError](f.Err)
		if !ok {
			return nil, false
		}
		all = append(all, p)
	}
	return all, true
}

// postpone hands the units that were not begun to a later invocation when another unit of the batch got on. They would
// come again by themselves, but each time would count towards the queue's limit of receives, which is for what fails.
// It does not go on for ever: whatever takes the time away either gets on, and ends, or is counted.
func (h *Handler) postpone(ctx context.Context, units []unit, results []outcome, l limits) {
	gotOn := slices.ContainsFunc(results, func(o outcome) bool { return o.begun && o.err == nil })
	if h.cfg.Continue == nil || !gotOn {
		return
	}
	ctx, cancel := l.final(context.WithoutCancel(ctx))
	defer cancel()
	for i := range units {
		u, o := &units[i], &results[i]
		if o.begun || o.err == nil || u.err != nil || len(u.logs) > 0 || !o.delayed {
			continue
		}
		for _, ref := range u.refs {
			if err := h.handOver(ctx, ref); err != nil {
				o.err = errors.Join(o.err, err)
				return
			}
			o.continued++
		}
		o.err = nil
	}
}
