package parquet

import (
	"cmp"
	"errors"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/seed56735111/penstock/decode"
)

// layout reads a file that is somewhere else with few requests. Columns lie one behind the other, and their values are
// needed side by side: so either whole groups of rows are held, as many as there is room for, or of each column as much
// as there is room for.
type layout struct {
	f decode.RandomAccess
	// ahead is how much is held, room for the windows at hand. While they are read, what comes behind them is read into
	// spare, which is as large; there is none where so much would be too much.
	ahead       int64
	room, spare []byte
	tokens      chan struct{} // one for each request of those that are made meanwhile
	// windows are what is held: one of whole groups of rows, or several of one group.
	windows []window
	coming  part // the groups behind those in the window
	// Of the group at hand: where its columns lie, and where what is read of them does.
	chunks, spans []span
	shares        []int64
	due           []*window // to be filled
}

// span is where bytes lie.
type span struct{ at, end int64 }

func (s span) size() int64 { return s.end - s.at }

func (s span) has(o span) bool { return s.at <= o.at && o.end <= s.end }

func (s span) with(o span) span { return span{min(s.at, o.at), max(s.end, o.end)} }

const (
	// leastWindow is the least that is held of a column.
	leastWindow = 64 << 10
	// A file is read by place if that takes at most so many requests, and one for so many of its bytes.
	mostRequests = 32
	forEach      = 64 << 10
	// together is how many readings are under way at once. Each makes one request, or a large one several for parts of it
	// that are not too small.
	together   = 8
	mostPieces = 4
	leastPiece = 1 << 20
)

// plan sees that few requests are enough for the groups of a file, with half of the room, so that the other half is
// filled meanwhile, or with all of it.
func (l *layout) plan(m *memory, groups []rowGroup) error {
	for _, room := range []int64{l.f.Ahead / 2, l.f.Ahead} {
		l.ahead = min(room, l.f.Size)
		if l.requests(groups) > mostRequests+l.f.Size/forEach {
			continue
		}
		spare := int64(0)
		if l.ahead < l.f.Size && 2*l.ahead <= l.f.Ahead {
			spare = l.ahead
		}
		if err := m.use(l.ahead + spare); err != nil {
			return err
		}
		l.room, l.spare, l.tokens = make([]byte, l.ahead), make([]byte, spare), make(chan struct{}, together)
		return nil
	}
	return decode.ErrScattered
}

// requests is how many the groups of a file take.
func (l *layout) requests(groups []rowGroup) int64 {
	requests, held := int64(0), span{}
	for i := range groups {
		spans, window := l.spansOf(&groups[i])
		switch {
		case window == 0:
			return math.MaxInt64
		case len(spans) == 0: // no column has a value
		case !l.whole(spans):
			for i, n := range l.share(spans, window) {
				if step := max(1, n-longHead); n < spans[i].size() {
					requests += (spans[i].size() + step - 1) / step
				} else {
					requests++
				}
			}
			held = span{}
		case held.has(spans[0]):
		case held.size() > 0 && held.with(spans[0]).size() <= l.ahead:
			held = held.with(spans[0])
		default:
			requests, held = requests+1, spans[0]
		}
	}
	return requests
}

// spansOf returns where the bytes of a group lie, in the order of the file: in one span if it can be held, else in
// several, of each of which a window is held. Columns that are near each other share a span that is held whole. There
// is no window when there are too many of them.
func (l *layout) spansOf(g *rowGroup) (spans []span, window int64) {
	l.chunks = l.chunks[:0]
	for i := range g.chunks {
		if ch := &g.chunks[i]; ch.values > 0 {
			l.chunks = append(l.chunks, ch.span(l.f.Size))
		}
	}
	slices.SortFunc(l.chunks, func(a, b span) int { return cmp.Compare(a.at, b.at) })
	for window = l.ahead; window >= min(leastWindow, l.ahead); window -= window / 8 {
		spans, held := l.spans[:0], int64(0)
		for _, s := range l.chunks {
			last := len(spans) - 1
			if last >= 0 && spans[last].with(s).size() <= window {
				spans[last] = spans[last].with(s)
			} else {
				spans = append(spans, s)
			}
		}
		for _, s := range spans {
			held += min(s.size(), window)
		}
		l.spans = spans
		if held <= l.ahead {
			return spans, window
		}
	}
	return nil, 0
}

// share says how much is held of each span. A short one is held whole. The others have the rest of the room by their
// sizes, so that they are read to the ends of what is held at the same time, and go on together.
func (l *layout) share(spans []span, window int64) []int64 {
	l.shares = l.shares[:0]
	rest, least, long := l.ahead, min(leastWindow, window), int64(0)
	for _, s := range spans {
		if s.size() <= window {
			rest -= s.size()
		} else {
			rest -= least
			long += s.size()
		}
	}
	for _, s := range spans {
		n := s.size()
		if n > window {
			n = min(n, least+int64(float64(rest)*float64(n)/float64(long)))
		}
		l.shares = append(l.shares, n)
	}
	return l.shares
}

// group finds the windows of the columns of the first group, and fills them.
func (l *layout) group(columns []column, groups []rowGroup) error {
	spans, window := l.spansOf(&groups[0])
	if len(spans) == 0 {
		return nil // no column has a value
	}
	isHeld := len(l.windows) == 1 && l.windows[0].has(spans[0]) // with the groups before it
	if whole := l.whole(spans); !whole || !isHeld {
		if err := l.next(spans, window, groups); err != nil {
			return err
		}
	}
	for i := range columns {
		ch := groups[0].chunks[i].span(l.f.Size)
		for w := range l.windows {
			if l.windows[w].has(ch) {
				columns[i].f = &l.windows[w]
				break
			}
		}
	}
	return nil
}

// next makes the windows of a group that lies in spans, and fills them. When it was read meanwhile, they are full.
func (l *layout) next(spans []span, window int64, groups []rowGroup) error {
	if err := l.wait(); err != nil {
		return err
	}
	whole := l.whole(spans)
	if whole && l.coming.has(spans[0]) {
		s := l.coming.span
		l.room, l.spare = l.spare, l.room
		l.windows = append(l.windows[:0], newWindow(l, s, l.room[:s.size()], nil))
		l.windows[0].from, l.windows[0].held = s.at, l.room[:s.size()]
	} else {
		if whole {
			spans[0] = l.more(spans[0], groups[1:])
			window = spans[0].size()
		}
		if err := l.fill(spans, l.share(spans, window)); err != nil {
			return err
		}
	}
	l.coming = part{}
	if whole && len(l.spare) > 0 {
		l.comes(groups[1:])
	}
	return nil
}

// comes begins to read the groups behind those that are held, when they can be held whole.
func (l *layout) comes(groups []rowGroup) {
	held := l.windows[0].span
	for i := range groups {
		spans, _ := l.spansOf(&groups[i])
		if len(spans) == 0 || held.has(spans[0]) {
			continue
		}
		if l.whole(spans) {
			s := l.more(spans[0], groups[i+1:])
			l.coming = l.read(s, l.spare[:s.size()])
		}
		return
	}
}

// wait waits for what is being read, which may be more than the rows needed. What fails there ends the file.
func (l *layout) wait() error {
	err := l.coming.wait()
	for i := range l.windows {
		err = errors.Join(err, l.windows[i].coming.wait())
	}
	return err
}

// part is what is read while the bytes before it are in use. It is empty when there is no such thing.
type part struct {
	span
	done chan error // nil when it has been waited for
	err  error
}

// read begins to read what lies in a span into a buffer of its size.
func (l *layout) read(s span, into []byte) part {
	done := make(chan error, 1) // whoever began it waits for it, before the buffer is used or the rows are closed
	go func() {
		l.tokens <- struct{}{}
		defer func() { <-l.tokens }()
		done <- l.readAt(into, s.at)
	}()
	return part{span: s, done: done}
}

// readAt fills a buffer from a place on: a large one with several requests at once, for one alone brings only so much a
// second.
func (l *layout) readAt(into []byte, at int64) error {
	pieces := max(1, min(mostPieces, len(into)/leastPiece))
	errs := make([]error, pieces)
	var wg sync.WaitGroup
	for i := range pieces {
		from, end := i*len(into)/pieces, (i+1)*len(into)/pieces
		read := func() {
			if n, err := l.f.ReadAt(into[from:end], at+int64(from)); n < end-from {
				errs[i] = unexpected(err)
			}
		}
		if i == pieces-1 {
			read()
		} else {
			wg.Go(read)
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (p *part) wait() error {
	if p.done != nil {
		p.err, p.done = <-p.done, nil
	}
	return p.err
}

// whole reports whether there is room for all bytes of a group.
func (l *layout) whole(spans []span) bool { return len(spans) == 1 && spans[0].size() <= l.ahead }

// more takes the groups behind a group along, as far as there is room.
func (l *layout) more(held span, groups []rowGroup) span {
	for i := range groups {
		spans, _ := l.spansOf(&groups[i])
		if len(spans) == 0 {
			continue
		}
		if !l.whole(spans) || held.with(spans[0]).size() > l.ahead {
			break
		}
		held = held.with(spans[0])
	}
	return held
}

// fill makes windows on spans, and reads the beginning of each.
func (l *layout) fill(spans []span, shares []int64) error {
	l.windows, l.due = l.windows[:0], l.due[:0]
	room, spare := l.room, l.spare
	for i, s := range spans {
		n := shares[i]
		w := newWindow(l, s, room[:n:n], nil)
		if room = room[n:]; len(spare) > 0 {
			if n < s.size() {
				w.spare = spare[:n:n]
			}
			spare = spare[n:]
		}
		l.windows = append(l.windows, w)
	}
	for i := range l.windows {
		l.due = append(l.due, &l.windows[i])
	}
	return l.load()
}

// readOn reads on in a window, and in those that are nearly read to the end of what is held.
func (l *layout) readOn(w *window) error {
	l.due = append(l.due[:0], w)
	for i := range l.windows {
		if o := &l.windows[i]; o != w && o.spare == nil && o.isNearlyRead() {
			l.due = append(l.due, o)
		}
	}
	return l.load()
}

// load fills the windows where that is due, several at once.
func (l *layout) load() error {
	if len(l.due) == 1 {
		return l.due[0].load()
	}
	errs := make([]error, len(l.due))
	tokens := make(chan struct{}, together)
	var wg sync.WaitGroup
	for i, w := range l.due {
		tokens <- struct{}{}
		wg.Go(func() {
			errs[i] = w.load()
			<-tokens
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// window is the part of a span that is held.
type window struct {
	*layout
	span
	room []byte
	from int64  // where held is
	held []byte // in room
	next int64  // behind what was read last
	// spare is room for what comes behind what is held, with some of that before it; nil when nothing is read ahead.
	spare  []byte
	coming part
}

func newWindow(l *layout, s span, room, spare []byte) window {
	return window{layout: l, span: s, room: room, spare: spare, next: s.at}
}

// ReadAt reads within the span, which is held whole or read from its beginning to its end.
func (w *window) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) {
		w.next = at + int64(n)
		if i := w.next - w.from; i >= 0 && i < int64(len(w.held)) {
			n += copy(p[n:], w.held[i:])
			continue
		}
		switch rest := p[n:]; {
		case w.next < w.at || w.next >= w.end:
			return n, io.EOF
		case w.coming.has(span{w.next, w.next}) && w.next < w.coming.end:
			if err := w.goOn(); err != nil {
				return n, err
			}
			continue
		case len(rest) >= len(w.room):
			w.spare = nil // its pages are too large for what is read ahead
			k, err := w.f.ReadAt(rest, w.next)
			w.next += int64(k)
			if n += k; n < len(p) {
				return n, err
			}
			return n, nil
		}
		if err := w.readOn(w); err != nil {
			return n, err
		}
	}
	w.next = at + int64(n)
	return n, nil
}

// goOn holds what was read meanwhile, behind the end of what was held, and begins to read what follows.
func (w *window) goOn() error {
	if err := w.coming.wait(); err != nil {
		return err
	}
	kept := min(longHead, len(w.held))
	from := longHead - kept
	copy(w.spare[from:], w.held[len(w.held)-kept:])
	w.from, w.held = w.coming.at-int64(kept), w.spare[from:longHead+w.coming.size()]
	w.room, w.spare = w.spare, w.room
	w.readAhead()
	return nil
}

// readAhead begins to read what comes behind what is held.
func (w *window) readAhead() {
	w.coming = part{}
	if w.spare == nil {
		return
	}
	at := w.from + int64(len(w.held))
	if s := (span{at, min(w.end, at+int64(len(w.spare)-longHead))}); s.at < s.end {
		w.coming = w.read(s, w.spare[longHead:longHead+s.size()])
	}
}

// isNearlyRead reports whether little of what is held was not read, and more can be.
func (w *window) isNearlyRead() bool {
	end := w.from + int64(len(w.held))
	return len(w.held) > 0 && end < w.end && end-w.next < int64(len(w.room)/4)
}

// load reads what is held from the next place on, but for what is held already. The head of a page was asked for with
// what may be behind it, which is asked for again then.
func (w *window) load() error {
	if err := w.coming.wait(); err != nil {
		return err
	}
	from, kept := max(w.at, w.next-longHead), 0
	if i := from - w.from; i >= 0 && i < int64(len(w.held)) {
		kept = copy(w.room, w.held[i:])
	}
	w.from, w.held = from, w.room[:min(int64(len(w.room)), w.end-from)]
	if err := w.readAt(w.held[kept:], from+int64(kept)); err != nil {
		w.held = nil
		return err
	}
	w.readAhead()
	return nil
}
