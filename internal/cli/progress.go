package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
)

// progress tells a person how far a run is: in the last line of a terminal, or in a line of the log now and then.
type progress struct {
	*penstock.Progress
	written  func() bulk.Stats // nil in a dry run
	total    *totals           // nil when nobody is to wait for it
	began    time.Time
	every    time.Duration // how often it is logged; logEvery when zero
	draining atomic.Bool
	samples  []sample // the last ones, the oldest first
}

// sample is how many bytes had been read at a time.
type sample struct {
	at    time.Time
	bytes int64
}

// How often progress is told, and over how long a time its speed is measured.
const (
	redrawEvery = 500 * time.Millisecond
	logEvery    = 30 * time.Second
	speedOver   = 30 * time.Second
	speedAfter  = 3 * time.Second // what is said about the time to come before is wrong
)

// tell shows the progress until the function that it returns is called.
// Documents that go to the same terminal leave no room for it.
func (p *progress) tell(a *app, log logger, documents bool) (stop func()) {
	s, onScreen := a.Err.(*screen)
	if a.quiet || onScreen && documents && isTerminal(a.Out) {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	every, show := cmp.Or(p.every, logEvery), func() { p.log(ctx, log) }
	if onScreen {
		every, show = redrawEvery, func() { s.show(p.line(time.Now(), terminalWidth(s)-1)) }
		if p.total != nil {
			wg.Go(func() { p.total.measure(ctx) })
		}
	}
	wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				show()
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
		if onScreen {
			s.show("")
		}
	}
}

func (p *progress) log(ctx context.Context, log logger) {
	read := p.BytesIn.Load()
	attrs := []any{
		"objects", p.Objects.Load(), "records", p.Records.Load(), "bytes_in", read,
		"bytes_per_second", p.speed(time.Now(), read), "dead_lettered", p.DeadLettered.Load(),
	}
	if p.written != nil {
		s := p.written()
		attrs = append(attrs, "in_flight", s.InFlight, "retries", s.Retries, "throttled", s.HeldBack > 0)
	}
	log.InfoContext(ctx, "progress", attrs...)
}

// speed is in bytes a second, over the last half minute.
func (p *progress) speed(now time.Time, read int64) int64 {
	if len(p.samples) == 0 {
		p.samples = []sample{{at: p.began}}
	}
	p.samples = append(p.samples, sample{at: now, bytes: read})
	// One sample from before the time stays: the speed is measured from it.
	if i := slices.IndexFunc(p.samples, func(s sample) bool { return now.Sub(s.at) < speedOver }); i > 1 {
		p.samples = slices.Delete(p.samples, 0, i-1)
	}
	first := p.samples[0]
	if d := now.Sub(first.at).Seconds(); d > 0 {
		return int64(float64(read-first.bytes) / d)
	}
	return 0
}

// segment is a piece of the line. Those with the highest rank are left out first where there is no room.
type segment struct {
	text string
	rank int
}

// line is what a terminal shows, in at most that many columns.
func (p *progress) line(now time.Time, width int) string {
	read := p.BytesIn.Load()
	speed := p.speed(now, read)
	var segments []segment
	add := func(rank int, text string) {
		if text != "" {
			segments = append(segments, segment{text, rank})
		}
	}
	if p.draining.Load() {
		add(0, "draining") // the rest is for another run
		add(0, humanBytes(read))
	} else {
		share, left := p.total.share(read, speed)
		add(0, humanBytes(read)+share)
		if now.Sub(p.began) >= speedAfter {
			add(3, left)
		}
	}
	add(5, humanBytes(speed)+"/s")
	add(4, plural(p.Records.Load(), "record"))
	add(6, plural(p.Objects.Load(), "object")+p.total.ofObjects())
	if n := p.DeadLettered.Load(); n > 0 {
		add(1, plural(n, "dead letter"))
	}
	if p.written != nil {
		s := p.written()
		if s.HeldBack > 0 {
			add(2, "throttled")
		}
		if s.Retries > 0 {
			add(7, humanCount(s.Retries)+" sent again")
		}
	}
	for {
		texts := make([]string, 0, len(segments))
		for _, s := range segments {
			texts = append(texts, s.text)
		}
		text := strings.Join(texts, "  ")
		if utf8.RuneCountInString(text) <= width || len(segments) == 1 {
			return text
		}
		last := slices.MaxFunc(segments, func(a, b segment) int { return a.rank - b.rank })
		segments = slices.DeleteFunc(segments, func(s segment) bool { return s.rank == last.rank })
	}
}

// totals are the sums of a second look at what is to be shipped. It keeps nothing else, and its reader need not wait
// for it.
type totals struct {
	source         penstock.Source
	objects, bytes atomic.Int64
	done           atomic.Bool
	unknown        atomic.Bool // the length of something is not known
}

// measure adds up until there is no more, or ctx ends. What cannot be listed is the run's to tell.
func (t *totals) measure(ctx context.Context) {
	for item, err := range t.source.Items(ctx) {
		if err != nil {
			return
		}
		for i := range item.Objects {
			t.objects.Add(1)
			if size := item.Objects[i].Size; size >= 0 {
				t.bytes.Add(size)
			} else {
				t.unknown.Store(true)
			}
		}
		if item.Settle != nil {
			_ = item.Settle(ctx, errLookedAt) // an item may hold a file open
		}
	}
	if ctx.Err() == nil {
		t.done.Store(true)
	}
}

var errLookedAt = errors.New("looked at, and left to the run")

// least marks a number that may still grow.
func (t *totals) least() string {
	if t.done.Load() {
		return ""
	}
	return "≥ "
}

// share says how much there is, and, once that is known, which part of it is read and how long the rest will take.
func (t *totals) share(read, speed int64) (share, left string) {
	if t == nil || t.unknown.Load() || t.objects.Load() == 0 {
		return "", ""
	}
	all := t.bytes.Load()
	share = " of " + t.least() + humanBytes(max(all, read))
	if !t.done.Load() || all == 0 {
		return share, ""
	}
	share += fmt.Sprintf(", %d %%", min(100, read*100/all))
	if rest := all - read; rest > 0 && speed > 0 {
		left = humanWait(time.Duration(float64(rest)/float64(speed)*float64(time.Second))) + " left"
	}
	return share, left
}

func (t *totals) ofObjects() string {
	if t == nil || t.objects.Load() == 0 {
		return ""
	}
	return " of " + t.least() + humanCount(t.objects.Load())
}

// humanWait is a time to come, as exactly as it can be known.
func humanWait(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds())+1)
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes())+1)
	case d < 100*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24)+1)
}
