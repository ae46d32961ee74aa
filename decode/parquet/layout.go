package parquet

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/seed56735111/penstock/decode"
)

// layout reads a file that is somewhere else with few requests. Columns lie one behind the other, and their values are
// needed side by side: so either whole groups of rows are held, as many as there is room for, or of each column as much
// as there is room for.
type layout struct {
	f    decode.RandomAccess
	room []byte // Ahead bytes, for the windows at hand
	// windows are what is held: one of whole groups of rows, or several of one group.
	windows []window
	// Of the group at hand: where its columns lie, and where what is read of them does.
	chunks, spans []span
}

// span is where bytes lie.
type span struct{ at, end int64 }

func (s span) size() int64 { return s.end - s.at }

func (s span) has(o span) bool { return s.at <= o.at && o.end <= s.end }

func (s span) with(o span) span { return span{min(s.at, o.at), max(s.end, o.end)} }

const (
	// leastWindow is the least that is held of a column.
	leastWindow = 128 << 10
	// A file is read by place if that takes at most so many requests, and one for so many of its bytes.
	mostRequests = 32
	forEach      = 64 << 10
	// together is how many requests are made at once.
	together = 8
)

// plan sees that few requests are enough for the groups of a file.
func (l *layout) plan(m *memory, groups []rowGroup) error {
	requests, held := int64(0), span{}
	for i := range groups {
		spans, window := l.spansOf(&groups[i])
		switch {
		case window == 0:
			return decode.ErrScattered
		case len(spans) == 0: // no column has a value
		case !l.whole(spans):
			for _, s := range spans {
				requests += (s.size() + window - 1) / window
			}
			held = span{}
		case held.has(spans[0]):
		case held.size() > 0 && held.with(spans[0]).size() <= l.f.Ahead:
			held = held.with(spans[0])
		default:
			requests, held = requests+1, spans[0]
		}
	}
	if requests > mostRequests+l.f.Size/forEach {
		return decode.ErrScattered
	}
	room := min(l.f.Ahead, l.f.Size)
	if err := m.use(room); err != nil {
		return err
	}
	l.room = make([]byte, room)
	return nil
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
	for window = l.f.Ahead; window >= leastWindow; window -= window / 8 {
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
		if held <= l.f.Ahead {
			return spans, window
		}
	}
	return nil, 0
}

// group finds the windows of the columns of the first group, and fills them.
func (l *layout) group(columns []column, groups []rowGroup) error {
	spans, size := l.spansOf(&groups[0])
	if len(spans) == 0 {
		return nil // no column has a value
	}
	isHeld := len(l.windows) == 1 && l.windows[0].has(spans[0]) // with the groups before it
	if whole := l.whole(spans); !whole || !isHeld {
		if whole {
			spans[0] = l.more(spans[0], groups[1:])
			size = spans[0].size()
		}
		if err := l.fill(spans, size); err != nil {
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

// whole reports whether there is room for all bytes of a group.
func (l *layout) whole(spans []span) bool { return len(spans) == 1 && spans[0].size() <= l.f.Ahead }

// more takes the groups behind a group along, as far as there is room.
func (l *layout) more(held span, groups []rowGroup) span {
	for i := range groups {
		spans, _ := l.spansOf(&groups[i])
		if len(spans) == 0 {
			continue
		}
		if !l.whole(spans) || held.with(spans[0]).size() > l.f.Ahead {
			break
		}
		held = held.with(spans[0])
	}
	return held
}

// fill reads the beginnings of spans, several at once.
func (l *layout) fill(spans []span, size int64) error {
	l.windows = slices.Grow(l.windows[:0], len(spans))
	room := l.room
	for _, s := range spans {
		n := min(s.size(), size)
		l.windows = append(l.windows, window{f: l.f.ReaderAt, span: s, room: room[:n:n]})
		room = room[n:]
	}
	if len(l.windows) == 1 {
		return l.windows[0].load(spans[0].at)
	}
	errs := make([]error, len(l.windows))
	tokens := make(chan struct{}, together)
	var wg sync.WaitGroup
	for i := range l.windows {
		tokens <- struct{}{}
		wg.Go(func() {
			errs[i] = l.windows[i].load(l.windows[i].at)
			<-tokens
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// window is the part of a span that is held.
type window struct {
	f io.ReaderAt
	span
	room []byte
	from int64  // where held is
	held []byte // in room
}

// ReadAt reads within the span, which is held whole or read from its beginning to its end.
func (w *window) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) {
		next := at + int64(n)
		if i := next - w.from; i >= 0 && i < int64(len(w.held)) {
			n += copy(p[n:], w.held[i:])
			continue
		}
		switch rest := p[n:]; {
		case next < w.at || next >= w.end:
			return n, io.EOF
		case len(rest) >= len(w.room):
			k, err := w.f.ReadAt(rest, next)
			if n += k; n < len(p) {
				return n, err
			}
			return n, nil
		}
		// The head of a page was asked for with what may be behind it, which is asked for again then.
		if err := w.load(max(w.at, next-longHead)); err != nil {
			return n, err
		}
	}
	return n, nil
}

// load reads what is held from a place on.
func (w *window) load(at int64) error {
	w.from, w.held = at, w.room[:min(int64(len(w.room)), w.end-at)]
	n, err := w.f.ReadAt(w.held, at)
	if n < len(w.held) {
		w.held = nil
		return unexpected(err)
	}
	return nil
}
