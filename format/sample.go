package format

import (
	"bytes"
)

// sample is the beginning of an entry.
type sample struct {
	*parsing
	text []byte            // all that is in the window: its padding follows
	name string            // of the object or archive member
	attr map[string]string // what the object's source knows

	looked bool // at the JSON
	json   jsonShape
}

// whole reports whether the sample is the whole entry.
func (s *sample) whole() bool { return len(s.text) <= sampleBytes }

// lines yields up to n lines of the sample that are not blank, without their line endings. The last one may be cut.
func (s *sample) lines(n int) [][]byte {
	var out [][]byte
	for line := range bytes.Lines(s.text) {
		if line = bytes.TrimRight(line, "\r\n"); len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if out = append(out, line); len(out) == n {
			break
		}
	}
	return out
}

// jsonShape is how the JSON of an entry is laid out.
type jsonShape uint8

const (
	notJSON    jsonShape = iota
	jsonLines            // objects, each on a line
	jsonValues           // objects over several lines, or one behind the other
	jsonArray
	jsonEnvelope // an object with a "Records" array
)

// envelopeName is the array that services put their records into.
const envelopeName = "Records"

// shape finds out how the JSON is laid out, once.
func (s *sample) shape() jsonShape {
	if !s.looked {
		s.looked, s.json = true, s.findShape()
	}
	return s.json
}

func (s *sample) findShape() jsonShape {
	n := len(s.text)
	i := skipSeparators(s.text, 0)
	switch {
	case i == n:
		return notJSON
	case s.text[i] == '[':
		return s.arrayShape(i)
	case s.text[i] != '{':
		return s.mostlyLines()
	}
	if _, ok := s.envelope(i); ok {
		return jsonEnvelope
	}
	next := skipSeparators(s.text, i+1)
	if next < n && s.text[next] != '"' && s.text[next] != '}' {
		return s.mostlyLines()
	}
	b := s.window.bytes()[i:]
	end, v := s.scanner().scan(b, n-i)
	line := bytes.IndexByte(s.text[i:], '\n')
	switch {
	case v == complete && s.scanner().trouble&multiline == 0:
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
func (s *sample) mostlyLines() jsonShape {
	lines := s.lines(20)
	if !s.whole() && len(lines) > 1 {
		lines = lines[:len(lines)-1] // it may be cut
	}
	objects := 0
	for _, line := range lines {
		line = bytes.TrimSpace(line)
		if bytes.HasPrefix(line, []byte(`{"`)) && line[len(line)-1] == '}' {
			objects++
		}
	}
	if objects > 0 && 2*objects >= len(lines) {
		return jsonLines
	}
	return notJSON
}

// arrayShape tells an array from text that begins with a bracket, such as [2026-11-24 10:00:00] INFO.
func (s *sample) arrayShape(i int) jsonShape {
	n := len(s.text)
	i = skipSeparators(s.text, i+1)
	if i == n {
		return jsonArray // nothing in it, or nothing yet
	}
	if s.text[i] == ']' {
		return s.arrayEnds(i + 1)
	}
	b := s.window.bytes()[i:]
	end, v := s.scanner().scan(b, n-i)
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
func (s *sample) arrayEnds(i int) jsonShape {
	i = skipSeparators(s.text, i)
	if i == len(s.text) || s.text[i] == '[' || s.text[i] == '{' {
		return jsonArray
	}
	return notJSON
}

// skipSeparators returns the position behind white space, commas and record separators.
func skipSeparators(b []byte, i int) int {
	for i < len(b) && (isSpace(b[i]) || b[i] == ',' || b[i] == 0x1e) {
		i++
	}
	return i
}

// envelope finds the array of records in the object that begins at i, and returns where its first element begins.
func (s *sample) envelope(i int) (first int, ok bool) {
	for name, value := range s.members(i) {
		if string(name) == envelopeName && s.text[value] == '[' {
			return skipSeparators(s.text, value+1), true
		}
	}
	return 0, false
}

// members yields the names in the object that begins at i, without their quotes, and where their values begin. It ends
// where the object or the sample ends, or something is wrong.
func (s *sample) members(i int) func(yield func(name []byte, value int) bool) {
	return func(yield func([]byte, int) bool) {
		b := s.text
		if i >= len(b) || b[i] != '{' {
			return
		}
		i = space(b, i+1)
		for i < len(b) && b[i] == '"' {
			end, ok := endOfString(b, i)
			if !ok {
				return
			}
			name := b[i+1 : end-1]
			i = space(b, end)
			if i >= len(b) || b[i] != ':' {
				return
			}
			if i = space(b, i+1); i >= len(b) {
				return
			}
			if !yield(name, i) {
				return
			}
			if i, ok = endOfValue(b, i); !ok {
				return
			}
			if i = space(b, i); i >= len(b) || b[i] != ',' {
				return
			}
			i = space(b, i+1)
		}
	}
}

func space(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// endOfString returns where the string at b[i] ends, whatever is in it.
func endOfString(b []byte, i int) (int, bool) {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i + 1, true
		case '\\':
			i++
		}
	}
	return 0, false
}

// endOfValue returns where the value at b[i] ends, by its brackets and strings alone.
func endOfValue(b []byte, i int) (int, bool) {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			end, ok := endOfString(b, i)
			if !ok || depth == 0 {
				return end, ok
			}
			i = end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i, true
			}
			if depth--; depth == 0 {
				return i + 1, true
			}
		case ',':
			if depth == 0 {
				return i, true
			}
		}
		i++
	}
	return 0, false
}
