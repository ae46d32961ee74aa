package lines

import (
	"bytes"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// Compose is the grammar of what "docker compose up" and "docker compose logs" print: the name of a container, a bar,
// and what the container has written. The names have colours or not; the bars stand below each other. A line without a
// bar is Compose's own.
type Compose struct{}

// Told looks at the first lines.
func (c Compose) Told(r *entry.Reader) bool { return c.Fits(r) > 0 }

// Fits returns how many of the first lines have a container. All of them but two must have one, with the bar at the
// same place. One is enough when its time is there too.
func (Compose) Fits(r *entry.Reader) (n int) {
	const least, others = 2, 2
	lines, bar, numbered := r.Lines(maxProof), -1, false
	count, below, behind, timed := 0, true, true, false
	for i, line := range lines {
		name, at, text := container(line)
		if name == nil {
			continue
		}
		_, size := composedAt(text)
		timed = timed || size > 0
		width := at - bytes.Index(line, name)
		below = below && (bar < 0 || width == bar)
		behind = behind && width == len(name)+len("  ")
		if bar = width; !below && !behind {
			return 0
		}
		numbered = numbered || isNumbered(name)
		if count++; i < entry.FirstLines {
			n++
		}
	}
	if count < least && !timed || len(lines)-count > others || !numbered {
		return 0
	}
	return n
}

// Read hands over the lines, each with what a container has written as its log. Lines that go on with the line before
// them, of the same container, are part of its log.
func (c Compose) Read(r *entry.Reader, y entry.Yield) {
	s := entry.State(r, c, func() *composed { return &composed{} })
	s.name, s.apart, s.traceback = s.name[:0], true, false
	r.EachEvent(y, s.begins, nil, func(raw []byte, offset int64) bool {
		line, rest, _ := bytes.Cut(raw, []byte{'\n'})
		name, _, text := container(entry.TrimCR(line))
		r.JSON = append(r.Buffer(len(raw)), '{')
		if name != nil {
			r.JSON = append(quote.Append(append(r.JSON, `"container":"`...), name), `",`...)
		}
		at, n := composedAt(text)
		if name != nil && n > 0 {
			r.JSON = append(append(append(r.JSON, `"time":"`...), text[:n]...), `",`...)
			text = behindTime(text)
		}
		r.JSON = quote.Append(append(r.JSON, `"log":"`...), text)
		for len(rest) > 0 {
			line, rest, _ = bytes.Cut(rest, []byte{'\n'})
			_, _, text = container(entry.TrimCR(line))
			r.JSON = quote.Append(append(r.JSON, `\n`...), behindTime(text))
		}
		r.JSON = append(r.JSON, `"}`...)
		return r.Emit(penstock.Record{Offset: offset, Raw: raw, JSON: r.JSON, Time: at}, y)
	})
}

// composed is what the line before says of the next one.
type composed struct {
	name []byte // of its container
	// apart says that nothing goes on with it: it is of no container, or a JSON object.
	apart bool
	// traceback says that it is in one of Python's, which ends with the first line that is not indented.
	traceback bool
}

// begins reports whether a line is not a part of the log of the line before. It is asked about all lines in their
// order.
func (s *composed) begins(line []byte) bool {
	name, _, text := container(line)
	text = behindTime(text)
	text = text[quote.SkipEscapes(text, 0):]
	goesOn := !s.apart && name != nil && bytes.Equal(name, s.name) && len(bytes.TrimSpace(text)) > 0
	indented := goesOn && entry.IsIndented(text)
	goesOn = indented || goesOn && (s.traceback || entry.GoesOn(text))
	if !indented {
		s.traceback = bytes.HasSuffix(text, entry.Traceback)
	}
	s.name = append(s.name[:0], name...)
	s.apart = name == nil || len(text) > 0 && text[0] == '{' && text[len(text)-1] == '}'
	return !goesOn
}

// composedAt reads the time that "docker compose logs --timestamps" writes before a text, and returns how long it is.
func composedAt(text []byte) (at time.Time, size int) {
	const stamp = len("2026-11-24T10:00:00.123456789Z")
	at, size, ok := times.ISO(text[:min(len(text), stamp)])
	if !ok || size < stamp {
		return time.Time{}, 0
	}
	return at, size
}

// behindTime returns the text behind such a time, or all of it.
func behindTime(text []byte) []byte {
	if _, n := composedAt(text); n > 0 {
		return bytes.TrimPrefix(text[n:], []byte{' '})
	}
	return text
}

// Documented returns the fields of a line.
func (Compose) Documented() []entry.Field {
	return []entry.Field{
		{Name: "container", Type: entry.Keyword}, {Name: "time", Type: entry.Date}, {Name: "log", Type: entry.Text},
	}
}

// container takes a line apart: the name of the container, where the bar behind it is, and the text. The name is nil
// when there is none.
func container(line []byte) (name []byte, bar int, text []byte) {
	from := quote.SkipEscapes(line, 0)
	end := from
	for end < len(line) && isContainer(line[end]) {
		end++
	}
	bar = quote.SkipEscapes(line, end)
	for bar < len(line) && line[bar] == ' ' {
		bar = quote.SkipEscapes(line, bar+1)
	}
	if end == from || bar == end || bar >= len(line) || line[bar] != '|' {
		return nil, 0, line
	}
	behind := quote.SkipEscapes(line, bar+1)
	switch {
	case behind == len(line):
		return line[from:end], bar, nil
	case line[behind] != ' ':
		return nil, 0, line
	}
	return line[from:end], bar, line[behind+1:]
}

func isContainer(c byte) bool {
	return quote.IsDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '_' || c == '.'
}

// isNumbered reports whether a name ends with a number as Compose gives it: web-1, web_1.
func isNumbered(name []byte) bool {
	i := bytes.LastIndexAny(name, "-_")
	if i <= 0 || i == len(name)-1 {
		return false
	}
	for _, c := range name[i+1:] {
		if !quote.IsDigit(c) {
			return false
		}
	}
	return true
}
