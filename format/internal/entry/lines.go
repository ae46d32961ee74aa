package entry

import (
	"bytes"
	"errors"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

// EachLine hands over the lines of an entry that are not blank. A line that is too long becomes a RecordError.
func (r *Reader) EachLine(y Yield, line func(text []byte, offset int64) bool) {
	for {
		r.skipFill()
		text, size, ok := r.line(r.Max)
		switch {
		case ok:
			offset := r.Offset()
			r.Advance(size)
			if !IsBlank(text) && !line(text, offset) {
				return
			}
		case !r.Ended() || r.Len() > r.Max:
			if !r.SkipLine(y) {
				return
			}
		default:
			r.EmitFailure(y)
			return
		}
	}
}

// IsBlank reports whether a line has nothing but white space.
func IsBlank(line []byte) bool {
	if len(line) > 0 && line[0] > ' ' && line[0] < utf8.RuneSelf {
		return false
	}
	return len(bytes.TrimSpace(line)) == 0
}

// byteOrderMark stands where files that begin with it were put together.
var byteOrderMark = []byte("\xef\xbb\xbf")

// skipFill passes over what may stand before a line and is no part of it: NULs, with which a file system fills what a
// crash or a truncation has left of a file, however many, and byte order marks.
func (r *Reader) skipFill() {
	for {
		b, n := r.Bytes(), r.Len()
		if n > 0 && b[0] != 0 && b[0] != byteOrderMark[0] {
			return
		}
		skip := 0
		for skip < n && b[skip] == 0 {
			skip++
		}
		if bytes.HasPrefix(b[skip:n], byteOrderMark) {
			skip += len(byteOrderMark)
		}
		if skip == 0 && n > 0 {
			return
		}
		if skip > 0 {
			r.Frame(r.Offset(), int64(skip))
			r.Advance(skip)
		}
		if skip == n && (r.Linger > 0 || !r.Fill()) {
			return
		}
	}
}

// trimFill returns a line without what skipFill passes over.
func trimFill(line []byte) []byte {
	return bytes.TrimPrefix(bytes.TrimLeft(line, "\x00"), byteOrderMark)
}

// SkipLine passes over the line that begins here and is too long to hold.
func (r *Reader) SkipLine(y Yield) bool {
	offset := r.Offset()
	n := r.DiscardLine()
	if r.Ended() && r.Len() == 0 && r.Failure() != nil {
		r.EmitFailure(y)
		return false
	}
	return r.EmitOverlong(offset, n, y)
}

// LineEnd returns where the line ends that begins at from in the window, its line ending included. ok is false when
// there is no line, or none that fits; idle says that there is none yet, and that what comes before it has waited for
// long enough.
func (r *Reader) LineEnd(from int) (end int, ok, idle bool) {
	searched := from
	for {
		data := r.Bytes()[:r.Len()]
		if i := bytes.IndexByte(data[searched:], '\n'); i >= 0 {
			return searched + i + 1, len(TrimCR(data[from:searched+i])) <= r.Max, false
		}
		searched = len(data)
		if searched-from > r.Max+len("\r") {
			return 0, false, false
		}
		var added bool
		if from > 0 && r.Linger > 0 {
			added, idle = r.FillSoon()
		} else {
			added = r.Fill()
		}
		switch {
		case idle:
			return 0, false, true
		case !added:
			return searched, r.Ended() && r.Failure() == nil && searched > from && searched-from <= r.Max, false
		}
	}
}

// Closes reports whether the event at hand is complete although what follows it is broken off: by the user, who ends a
// stream that comes while it is read, or in a file that may go on, in which the next event has begun.
func (r *Reader) Closes(rest []byte, begins func(line []byte) bool) bool {
	if _, ok := errors.AsType[*penstock.InterruptedError](r.Failure()); ok {
		return true
	}
	return r.Growing() != nil && len(rest) > 0 && begins(rest)
}

// The bounds of an event of several lines.
const (
	MaxEventLines = 500
	MaxEventBytes = 256 << 10
)

// Traceback begins what Python prints about an exception.
var Traceback = []byte("Traceback (most recent call last):")

// GoesOn reports whether a line looks as if it went on with the event before it, although it is not indented: a part of
// a stack trace, or the end of something in brackets.
func GoesOn(line []byte) bool {
	switch line[0] {
	case ')', ']', '}':
		return true
	case '"':
		return bytes.HasPrefix(line, []byte(`"}`))
	case '#':
		return isNumbered(line)
	case '-':
		return bytes.HasPrefix(line, []byte("--- End of "))
	case 'a':
		return bytes.HasPrefix(line, []byte("at "))
	case '.':
		return bytes.HasPrefix(line, []byte("... "))
	case 'C':
		return bytes.HasPrefix(line, []byte("Caused by: "))
	case '[':
		return bytes.HasPrefix(line, []byte("[signal SIG")) || string(line) == "[stacktrace]"
	case 'c':
		if bytes.HasPrefix(line, []byte("created by ")) {
			return true
		}
	case 'g':
		if isGoroutine(line) {
			return true
		}
	case 's':
		if string(line) == "stack backtrace:" {
			return true
		}
	case 'S':
		if string(line) == "Stack trace:" || bytes.HasPrefix(line, []byte("Suppressed: ")) {
			return true
		}
	case 'D':
		return bytes.HasPrefix(line, []byte("During handling of the above exception"))
	case 'T':
		return bytes.HasPrefix(line, Traceback) || bytes.HasPrefix(line, []byte("The above exception was"))
	}
	return isException(line) || isGoCall(line) || isRubyCall(line)
}

// IsIndented reports whether a line begins with white space. Lambda has spaces that do not break in tracebacks of
// Python.
func IsIndented(line []byte) bool {
	return quote.IsSpace(line[0]) || line[0] == 0xc2 && len(line) > 1 && line[1] == 0xa0
}

// isNumbered reports whether a line is one of a stack in which calls have numbers: #0 /srv/a.php(3): f().
func isNumbered(line []byte) bool {
	n := 1
	for n < len(line) && quote.IsDigit(line[n]) {
		n++
	}
	return n > 1 && n < len(line) && line[n] == ' '
}

// isRubyCall reports whether a line is a call in a stack trace of Ruby: /srv/a.rb:3:in `each'.
func isRubyCall(line []byte) bool {
	place, _, ok := bytes.Cut(line, []byte(":in "))
	digits := len(place)
	for digits > 0 && quote.IsDigit(place[digits-1]) {
		digits--
	}
	return ok && digits > 1 && digits < len(place) && place[digits-1] == ':' && bytes.IndexByte(place, ' ') < 0
}

// isGoroutine reports whether a line begins the stack of one: goroutine 17 [running]:
func isGoroutine(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("goroutine "))
	return ok && len(rest) > 0 && quote.IsDigit(rest[0]) && bytes.HasSuffix(rest, []byte("]:"))
}

// isGoCall reports whether a line is a function in a stack trace of Go: main.main(), or net/http.(*conn).serve(0x1, 2).
// Those of zap have no parentheses: main.open.
func isGoCall(line []byte) bool {
	end, ok := goName(line)
	switch {
	case !ok:
		return false
	case end == len(line):
		return bytes.HasPrefix(line, []byte("main.")) || bytes.HasPrefix(line, []byte("runtime.")) ||
			bytes.Contains(line, []byte(".(*"))
	}
	return line[end] == '(' && line[len(line)-1] == ')' && isGoArguments(line[end+1:len(line)-1])
}

// isGoArguments reports whether a text stands between the parentheses of a call in a stack trace of Go: nothing,
// numbers in hexadecimal, also in braces, or dots for what is not known. In os.Exit(1) there is something else.
func isGoArguments(b []byte) bool {
	for len(b) > 0 && b[0] == '{' {
		b = b[1:]
	}
	return len(b) == 0 || bytes.HasPrefix(b, []byte("0x")) || bytes.HasPrefix(b, []byte("...")) || b[0] == '_'
}

// goName returns where the name ends of the function of a package that a line begins with.
func goName(line []byte) (end int, ok bool) {
	dots := 0
	for end < len(line) && (quote.IsDigit(line[end]) || line[end]|0x20 >= 'a' && line[end]|0x20 <= 'z' ||
		bytes.IndexByte([]byte("._/-*"), line[end]) >= 0 ||
		(line[end] == '(' || line[end] == ')') && isReceiver(line[:end+1])) {
		switch line[end] {
		case '.':
			dots++
		case '/':
			dots = 0
		}
		end++
	}
	return end, dots > 0 && line[end-1] != '.'
}

// isReceiver reports whether the parenthesis that a text ends with stands around the receiver of a method: the type in
// (*conn).
func isReceiver(b []byte) bool {
	last := len(b) - 1
	if b[last] == ')' {
		return bytes.LastIndex(b, []byte(".(")) >= 0
	}
	return last > 0 && b[last-1] == '.'
}

// MayGoOn reports whether a line that begins like this may go on with the event before it, once it is complete.
func MayGoOn(line []byte) bool {
	end, ok := goName(line)
	return ok && end < len(line) && line[end] == '(' || bytes.IndexByte([]byte(")]}a.CSsDT[cg#-\" \t\xc2"), line[0]) >= 0
}

// isException reports whether a line begins with the name of an exception in a package, as in java.io.IOException: no
// such file.
func isException(line []byte) bool {
	dots, end := 0, 0
	for end < len(line) &&
		(quote.IsDigit(line[end]) || line[end]|0x20 >= 'a' && line[end]|0x20 <= 'z' || line[end] == '.' || line[end] == '_' ||
			line[end] == '$') {
		if line[end] == '.' {
			dots++
		}
		end++
	}
	if end < len(line) && line[end] != ':' {
		return false
	}
	name := line[:end]
	return dots > 0 &&
		(bytes.HasSuffix(name, []byte("Exception")) || bytes.HasSuffix(name, []byte("Error")) ||
			bytes.HasSuffix(name, []byte("Throwable")))
}

// EachEvent hands over events: a line that begins one, and the lines behind it that do not. closes says whether a line
// that is broken off begins one whatever follows; nil is the same as begins. Lines before the first event are handed
// over one by one, and so are all lines of what grows beyond the bounds: nobody writes such events. Blank lines are
// handed over within an event alone.
func (r *Reader) EachEvent(y Yield, begins, closes func(line []byte) bool, event func(raw []byte, offset int64) bool) {
	size, count := 0, 0 // of the event so far
	apart := true       // lines that begin nothing are alone
	if closes == nil {
		closes = begins
	}
	for {
		if size == 0 {
			r.skipFill()
		}
		end, ok, _ := r.LineEnd(size)
		r.Asked = r.Offset() + int64(size)
		first := ok && begins(trimFill(TrimCR(bytes.TrimSuffix(r.Bytes()[size:end], []byte{'\n'}))))
		switch {
		case !ok && r.Failure() != nil:
			// The last line is broken off, so the event is not known to be complete either, unless the line says so.
			if size == 0 || !r.Closes(r.Bytes()[size:r.Len()], closes) || r.handOver(size, event) {
				r.EmitFailure(y)
			}
			return
		case !ok && r.Len() == 0:
			return
		case !ok && size == 0:
			if !r.SkipLine(y) {
				return
			}
			apart = true
		case !ok:
			if !r.handOver(size, event) {
				return
			}
			size = 0
		case size > 0 && (first || apart):
			if !r.handOver(size, event) {
				return
			}
			size, count, apart = end-size, 1, !first
		case size > 0 && (end > min(r.Max, MaxEventBytes) || count == MaxEventLines):
			for size > 0 {
				line := bytes.IndexByte(r.Bytes()[:size], '\n') + 1
				if !r.handOver(line, event) {
					return
				}
				size -= line
			}
			apart = true
		case size == 0:
			size, count, apart = end, 1, !first
		default:
			size, count = end, count+1
		}
	}
}

// handOver hands over the first size bytes of the window, unless they are blank.
func (r *Reader) handOver(size int, event func(raw []byte, offset int64) bool) bool {
	raw := bytes.TrimRight(r.Bytes()[:size], "\r\n")
	offset := r.Offset()
	r.Advance(size)
	return len(bytes.TrimSpace(raw)) == 0 || event(raw, offset)
}
