package events

import (
	"bytes"
	"strings"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// look is what the sample of an entry shows of its JSON. The formats share it.
type look struct {
	*entry.Reader
	text []byte // the sample; the padding of the window follows
	scan *scanner

	turn   uint64 // of the entry
	looked bool
	json   shape
	first  int // where the first record begins, or what stands before it
}

// looks is the key under which the look at an entry is kept with its buffers.
type looks struct{}

// lookAt returns the look at the entry that r has begun.
func lookAt(r *entry.Reader) *look {
	s := entry.State(r, looks{}, func() *look { return &look{scan: &scanner{known: generic()}} })
	if s.turn != r.Turn() {
		s.Reader, s.text, s.turn, s.looked = r, r.Sample(), r.Turn(), false
	}
	return s
}

// shape is how the JSON of an entry is laid out.
type shape uint8

const (
	notJSON    shape = iota
	jsonLines        // objects, each on a line
	jsonValues       // objects over several lines, or one behind the other
	jsonArray
	jsonEnvelope // an object with an array of records
)

// The arrays that services put their records into: those of AWS, and of Azure, where they are objects.
const (
	envelopeName  = "Records"
	envelopeAzure = "records"
)

// shape finds out how the JSON is laid out, once.
func (s *look) shape() shape {
	if !s.looked {
		s.looked, s.first = true, skipSeparators(s.text, 0)
		s.json = s.findShape()
	}
	return s.json
}

// start returns where the first record begins, or the array with it, if the entry has JSON. Where most lines are
// objects, it is at the first of these: a program may say something before it begins to write JSON.
func (s *look) start() (i int, ok bool) {
	shape := s.shape()
	i = s.first
	if i == len(s.text) || s.text[i] == '{' || s.text[i] == '[' && shape != jsonLines {
		return i, i < len(s.text)
	}
	if shape != jsonLines {
		return i, false
	}
	at := 0
	for line := range bytes.Lines(s.text) {
		if isObject(line) {
			return skipSeparators(s.text, at), true
		}
		at += len(line)
	}
	return i, false
}

func (s *look) findShape() shape {
	n, i := len(s.text), s.first
	switch {
	case i == n:
		return notJSON
	case s.text[i] == '[':
		if shape := s.arrayShape(i); shape != notJSON {
			return shape
		}
		return s.mostlyLines()
	case s.text[i] != '{':
		return s.mostlyLines()
	}
	if name, _ := s.enveloping(i); name != "" {
		return jsonEnvelope
	}
	next := skipSeparators(s.text, i+1)
	if next < n && s.text[next] != '"' && s.text[next] != '}' {
		return s.mostlyLines()
	}
	b := s.Bytes()[i:]
	end, v := s.scan.scan(b, n-i)
	line := bytes.IndexByte(s.text[i:], '\n')
	switch {
	case v == complete && s.scan.trouble&multiline == 0:
		// One value on one line: what is behind it decides.
		rest := bytes.TrimLeft(s.text[i+end:], " \t\r")
		if len(rest) == 0 || rest[0] == '\n' {
			return jsonLines
		}
		return jsonValues
	case v == complete:
		return jsonValues
	case v == incomplete && line < 0:
		return jsonLines // a long one
	case v == incomplete:
		return jsonValues
	}
	return jsonLines // broken: an object whose end nobody knows ends with its line at the latest
}

// mostlyLines looks whether most lines are objects although the first one is not.
func (s *look) mostlyLines() shape {
	lines := s.Lines(20)
	if !s.Whole() && len(lines) > 1 {
		lines = lines[:len(lines)-1] // it may be cut
	}
	objects := 0
	for _, line := range lines {
		if isObject(line) {
			objects++
		}
	}
	if objects > 0 && 2*objects >= len(lines) {
		return jsonLines
	}
	return notJSON
}

// isObject reports whether a line looks like an object.
func isObject(line []byte) bool {
	line = bytes.TrimSpace(line)
	return bytes.HasPrefix(line, []byte(`{"`)) && line[len(line)-1] == '}'
}

// arrayShape tells an array from text that begins with a bracket, such as [2026-11-24 10:00:00] INFO.
func (s *look) arrayShape(i int) shape {
	n := len(s.text)
	i = skipSeparators(s.text, i+1)
	if i == n {
		return jsonArray // nothing in it, or nothing yet
	}
	if s.text[i] == ']' {
		return s.arrayEnds(i + 1)
	}
	b := s.Bytes()[i:]
	end, v := s.scan.scan(b, n-i)
	switch v {
	case incomplete:
		if s.text[i] == '{' || s.text[i] == '[' || s.text[i] == '"' {
			return jsonArray
		}
		return notJSON
	case invalid:
		if bytes.HasPrefix(s.text[i:], []byte(`{"`)) {
			return jsonArray // the element is broken, not the array
		}
		return notJSON
	}
	next := skipSeparators(s.text, i+end)
	switch {
	case next == n, bytes.IndexByte(s.text[i+end:next], ',') >= 0:
		return jsonArray
	case s.text[next] == ']':
		return s.arrayEnds(next + 1)
	}
	return notJSON
}

// arrayEnds looks at what follows a short array: text that begins with brackets goes on behind them.
func (s *look) arrayEnds(i int) shape {
	i = skipSeparators(s.text, i)
	if i == len(s.text) || s.text[i] == '[' || s.text[i] == '{' {
		return jsonArray
	}
	return notJSON
}

// skipSeparators returns the position behind white space, commas and record separators.
func skipSeparators(b []byte, i int) int {
	for i < len(b) && (quote.IsSpace(b[i]) || b[i] == ',' || b[i] == 0x1e) {
		i++
	}
	return i
}

// envelope finds the array of a name in the object that begins at i, and returns where its first element begins.
func (s *look) envelope(i int, envelope string) (first int, ok bool) {
	for name, value := range s.members(i) {
		if string(name) == envelope && s.text[value] == '[' {
			return skipSeparators(s.text, value+1), true
		}
	}
	return 0, false
}

// enveloping returns the name of the array of records in the object that begins at i, empty for none, and where its
// first element begins.
func (s *look) enveloping(i int) (name string, first int) {
	if first, ok := s.envelope(i, envelopeName); ok {
		return envelopeName, first
	}
	if first, ok := s.envelope(i, envelopeAzure); ok && first < len(s.text) && s.text[first] == '{' {
		return envelopeAzure, first
	}
	return s.listing(i)
}

// listing returns the name of the array that is all that the object at i has, but for how the list goes on, and where
// its first element begins; the name is empty for other objects. An array with nothing in it needs that beside it.
func (s *look) listing(i int) (list string, first int) {
	paged, empty := false, false
	for name, value := range s.members(i) {
		switch {
		case list == "" && s.text[value] == '[' && listName(name) != "":
			list = listName(name)
			first = skipSeparators(s.text, value+1)
			if empty = first < len(s.text) && s.text[first] == ']'; !empty && (first == len(s.text) || s.text[first] != '{') {
				return "", 0
			}
		case !turnsPages(name):
			return "", 0
		default:
			paged = true
		}
	}
	if empty && !paged {
		return "", 0
	}
	return list, first
}

// value returns where the value of a path, which may be one name with dots in it, begins in the object, or the first
// object of the array, that begins at i; 0 for none.
func (s *look) value(i int, path string) int {
	if i < len(s.text) && s.text[i] == '[' {
		i = quote.Space(s.text, i+1)
	}
	first, rest, deeper := strings.Cut(path, ".")
	for name, value := range s.members(i) {
		if deeper && string(name) == path {
			return value
		}
		if string(name) != first {
			continue
		}
		if deeper {
			return s.value(value, rest)
		}
		return value
	}
	return 0
}

// members yields the names in the object that begins at i, without their quotes, and where their values begin. It ends
// where the object or the sample ends, or something is wrong.
func (s *look) members(i int) func(yield func(name []byte, value int) bool) {
	return func(yield func([]byte, int) bool) {
		b := s.text
		if i >= len(b) || b[i] != '{' {
			return
		}
		i = quote.Space(b, i+1)
		for i < len(b) && b[i] == '"' {
			end, ok := quote.StringEnd(b, i)
			if !ok {
				return
			}
			name := b[i+1 : end-1]
			i = quote.Space(b, end)
			if i >= len(b) || b[i] != ':' {
				return
			}
			if i = quote.Space(b, i+1); i >= len(b) {
				return
			}
			if !yield(name, i) {
				return
			}
			if i, ok = quote.ValueEnd(b, i); !ok {
				return
			}
			if i = quote.Space(b, i); i >= len(b) || b[i] != ',' {
				return
			}
			i = quote.Space(b, i+1)
		}
	}
}
