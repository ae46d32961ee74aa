// Package winxml reads the XML of Windows events: Event elements one behind the other, on lines of their own or not,
// also within an Events element. Nothing that a document type declares is known, so nothing grows: what looks like an
// entity of one is text.
package winxml

import (
	"bytes"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// Events is the grammar of Windows events.
type Events struct{}

// Told looks for an Event element with a System element, behind what may stand before the first event.
func (Events) Told(r *entry.Reader) bool {
	b := r.Sample()
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		n := frame(b, true)
		if n <= 0 {
			break
		}
		b = b[n:]
	}
	return startsEvent(b) && bytes.Contains(b[:min(len(b), 4<<10)], []byte("<System"))
}

// Documented returns the fields that every event has.
func (Events) Documented() []entry.Field {
	fields := []entry.Field{
		{Name: "provider_name", Type: entry.Keyword},
		{Name: "time_created", Type: entry.Date},
		{Name: "channel", Type: entry.Keyword},
		{Name: "computer", Type: entry.Keyword},
		{Name: "keywords", Type: entry.Keyword},
		{Name: "message", Type: entry.Text},
	}
	for _, name := range numbers {
		fields = append(fields, entry.Field{Name: name, Type: entry.Long})
	}
	return fields
}

// states is the key under which the reader is kept with an entry's buffers.
type states struct{}

// Read reads an entry.
func (Events) Read(in *entry.Reader, y entry.Yield) {
	r := entry.State(in, states{}, func() *reader { return &reader{} })
	r.Reader = in
	for r.next(y) {
	}
	r.Reader = nil
}

type reader struct {
	*entry.Reader
	event event
}

var (
	beginning = []byte("<Event")
	ending    = []byte("</Event>")
)

// startsEvent reports whether an Event element begins at b[0], and not one whose name goes on.
func startsEvent(b []byte) bool {
	return len(b) > len(beginning) && bytes.HasPrefix(b, beginning) &&
		(quote.IsSpace(b[len(beginning)]) || b[len(beginning)] == '>')
}

// next returns where the next event begins from i on, or before that something ends: an event, or a line. It is -1 when
// neither is there. Each byte is looked at once, whatever there is more of.
func next(b []byte, i int, line bool) (at int, begins bool) {
	for ; ; i++ {
		n := 0
		if line {
			n = bytes.IndexAny(b[i:], "\n<")
		} else {
			n = bytes.IndexByte(b[i:], '<')
		}
		if n < 0 {
			return -1, false
		}
		switch i += n; {
		case b[i] == '\n', !line && bytes.HasPrefix(b[i:], ending):
			return i, false
		case startsEvent(b[i:]):
			return i, true
		}
	}
}

// frame returns the length of what stands around events at the beginning of b: 0 when it is none, -1 when it may go on.
func frame(b []byte, ended bool) int {
	for _, f := range [...]struct{ begin, end string }{
		{"<?xml", "?>"}, {"<!--", "-->"}, {"<Events", ">"}, {"</Events", ">"},
	} {
		if len(b) < len(f.begin) && !ended && string(b) == f.begin[:len(b)] {
			return -1
		}
		if !bytes.HasPrefix(b, []byte(f.begin)) {
			continue
		}
		switch n := bytes.Index(b[:min(len(b), mostFrame)], []byte(f.end)); {
		case n >= 0:
			return n + len(f.end)
		case len(b) < mostFrame && !ended:
			return -1
		}
	}
	return 0
}

// mostFrame is how long a frame may be.
const mostFrame = 4 << 10

// next hands over what comes next. It reports false at the end.
func (r *reader) next(y entry.Yield) bool {
	for {
		b := r.Bytes()[:r.Len()]
		n := 0
		for n < len(b) && quote.IsSpace(b[n]) {
			n++
		}
		if r.Advance(n); n < len(b) {
			break
		}
		if !r.Fill() {
			r.EmitFailure(y)
			return false
		}
	}
	for {
		b := r.Bytes()[:r.Len()]
		n := frame(b, r.Ended())
		if n > 0 {
			r.Frame(r.Offset(), int64(n))
			r.Advance(n)
			return true
		}
		if n == 0 && (len(b) > len(beginning) || r.Ended()) {
			break
		}
		if !r.Fill() && !r.Ended() {
			break
		}
	}
	if startsEvent(r.Bytes()[:r.Len()]) {
		return r.element(y)
	}
	return r.line(y)
}

// element hands over the event that begins here. One without an end goes up to the next one.
func (r *reader) element(y entry.Yield) bool {
	searched := len(beginning)
	for {
		b := r.Bytes()[:r.Len()]
		at, begins := next(b, searched, false)
		switch {
		case at >= 0 && !begins && at+len(ending) <= r.Max:
			return r.emit(b[:at+len(ending)], y)
		case begins && at <= r.Max:
			offset := r.Offset()
			r.Advance(at)
			return r.EmitUnparsed(offset, bytes.TrimRight(b[:at], " \t\r\n"), entry.Because("not an event: without an end"), y)
		case at >= 0 || len(b) > r.Max:
			return r.skip(false, y)
		}
		searched = max(searched, len(b)-len(ending))
		if !r.Fill() && r.Ended() {
			return !r.BreaksOff("its last event, which has no end,", y) && r.line(y)
		}
	}
}

// line hands over a line that belongs to no event, or what there is of it before one.
func (r *reader) line(y entry.Yield) bool {
	searched := 1
	for {
		b := r.Bytes()[:r.Len()]
		end, _ := next(b, searched, true)
		if end < 0 && r.Ended() && r.Len() <= r.Max {
			if r.Failure() != nil {
				r.EmitFailure(y)
				return false
			}
			end = len(b)
		}
		if end >= 0 && len(entry.TrimCR(b[:end])) <= r.Max {
			offset := r.Offset()
			r.Advance(end)
			return r.EmitUnparsed(offset, bytes.TrimRight(b[:end], " \t\r\n"), entry.Because("not an event"), y)
		}
		if end >= 0 || len(b) > r.Max {
			return r.skip(true, y)
		}
		searched = max(searched, len(b)-len(beginning))
		r.Fill()
	}
}

// skip passes over a line or an event that is too long to hold, up to its end or the next event.
func (r *reader) skip(line bool, y entry.Yield) bool {
	offset := r.Offset()
	r.Advance(1)
	for {
		b := r.Bytes()[:r.Len()]
		if at, begins := next(b, 0, line); at >= 0 {
			if !line && !begins {
				at += len(ending)
			}
			r.Advance(at)
			return r.EmitOverlong(offset, r.Offset()-offset, y)
		}
		r.Advance(max(0, len(b)-len(ending)))
		if !r.Fill() && r.Ended() {
			r.Advance(r.Len())
			if r.Failure() != nil {
				r.EmitFailure(y)
				return false
			}
			return r.EmitOverlong(offset, r.Offset()-offset, y)
		}
	}
}

// emit hands over an event.
func (r *reader) emit(raw []byte, y entry.Yield) bool {
	offset := r.Offset()
	r.Advance(len(raw))
	e := &r.event
	wrong := e.read(append(r.Buffer(len(raw)), '{'), raw)
	r.JSON = e.json
	if wrong != "" {
		return r.EmitUnparsed(offset, raw, entry.Because("not an event: "+wrong), y)
	}
	r.JSON = append(r.JSON, '}')
	return r.Emit(penstock.Record{Offset: offset, Raw: raw, JSON: r.JSON, Time: e.time}, y)
}
