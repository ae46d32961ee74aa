package winxml

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

const (
	mostDepth  = 20  // of elements
	mostFields = 500 // of an event
)

// numbers are the fields that are numbers.
var numbers = []string{
	"event_id", "event_id_qualifiers", "version", "level", "task", "opcode", "event_record_id", "execution_process_id",
	"execution_thread_id",
}

// event turns one event into a document: what is in System is at the top, what is in EventData and the like in an
// object of that name.
type event struct {
	json    []byte
	time    time.Time
	open    [mostDepth]element
	depth   int
	section []byte // the name of the object at hand
	inside  bool   // the object has been begun
	unnamed int
	names   [2][]uint64 // at the top, and in the object
	name    []byte
	key     []byte
	snake   []byte
	value   []byte
	message []byte // that of the system, as it stands in the event
}

// element is one that has begun.
type element struct {
	name, label []byte // label is its Name attribute, for Data elements
	content     int    // where it begins
	parent      bool   // of other elements
}

// read writes the members of a document to dst, and says what is wrong with the event.
func (e *event) read(dst, raw []byte) (wrong string) {
	*e = event{
		json: dst, names: [2][]uint64{e.names[0][:0], e.names[1][:0]},
		section: e.section[:0], name: e.name[:0], key: e.key[:0], snake: e.snake[:0], value: e.value[:0],
	}
	for i := 0; i < len(raw); {
		n := bytes.IndexByte(raw[i:], '<')
		if n < 0 {
			n = len(raw) - i
		}
		if text := raw[i : i+n]; (e.depth == 0 || e.open[e.depth-1].parent) && len(bytes.TrimSpace(text)) > 0 {
			return "text between elements"
		}
		i += n
		b := raw[i:]
		switch {
		case len(b) == 0:
		case bytes.HasPrefix(b, []byte("<!--")):
			n = bytes.Index(b, []byte("-->")) + len("-->")
		case bytes.HasPrefix(b, []byte("<![CDATA[")):
			n = bytes.Index(b, []byte("]]>")) + len("]]>")
			if e.depth == 0 || e.open[e.depth-1].parent {
				return "text between elements"
			}
		case len(b) > 1 && (b[1] == '!' || b[1] == '?'):
			return "a declaration within"
		default:
			if n = tagEnd(b); n >= len("<a>") {
				if wrong = e.tag(raw, i, i+n); wrong != "" {
					return wrong
				}
			}
		}
		if len(b) > 0 && n < len("<a>") {
			return "what begins with < has no end"
		}
		if i += n; len(b) == 0 {
			break
		}
	}
	if e.depth > 0 {
		return "an element has no end"
	}
	e.value = appendText(e.value[:0], e.message)
	if message := bytes.TrimSpace(e.value); len(message) > 0 {
		e.comma()
		e.key = e.free(append(e.key[:0], "message"...), 0)
		e.json = append(append(append(e.json, '"'), e.key...), `":"`...)
		e.json = append(quote.AppendLines(e.json, message), '"')
	}
	return ""
}

// comma begins another field.
func (e *event) comma() {
	if e.json[len(e.json)-1] != '{' {
		e.json = append(e.json, ',')
	}
}

// tagEnd returns where the tag at b[0] ends, or 0.
func tagEnd(b []byte) int {
	var quoted byte
	for i, c := range b {
		switch {
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '"' || c == '\'':
			quoted = c
		case c == '>':
			return i + 1
		case c == '<' && i > 0:
			return 0
		}
	}
	return 0
}

// tag takes in the tag at raw[from:to].
func (e *event) tag(raw []byte, from, to int) (wrong string) {
	inner := raw[from+1 : to-1]
	if inner[0] == '/' {
		return e.close(raw, from, bytes.TrimSpace(inner[1:]))
	}
	closed := inner[len(inner)-1] == '/'
	if closed {
		inner = inner[:len(inner)-1]
	}
	end := bytes.IndexAny(inner, " \t\r\n")
	if end < 0 {
		end = len(inner)
	}
	name := inner[:end]
	switch {
	case e.depth == mostDepth:
		return "elements in more than 20 others"
	case len(name) == 0 || len(name) > 200:
		return "an element without a name"
	case e.depth == 0 && from > 0:
		return "something behind its end"
	case e.depth > 0:
		parent := &e.open[e.depth-1]
		if !parent.parent {
			if e.value = appendText(e.value[:0], raw[parent.content:from]); len(bytes.TrimSpace(e.value)) > 0 {
				return "text between elements"
			}
		}
		parent.parent = true
	}
	e.open[e.depth] = element{name: name, content: to}
	e.depth++
	if e.depth == 2 {
		e.section, e.inside, e.unnamed, e.names[1] = e.snaked(e.section[:0], local(name)), false, 0, e.names[1][:0]
	}
	if wrong = e.attributes(inner[end:]); wrong != "" || !closed {
		return wrong
	}
	e.open[e.depth-1].content = to
	return e.close(raw, to, name)
}

// close takes in the end of an element, which stands at raw[at:].
func (e *event) close(raw []byte, at int, name []byte) (wrong string) {
	if e.depth == 0 || !bytes.Equal(e.open[e.depth-1].name, name) {
		return "the end of an element that has not begun"
	}
	one := &e.open[e.depth-1]
	if !one.parent && at > one.content && e.depth > 1 {
		label := one.label
		if label == nil {
			label = local(one.name)
		}
		e.name = append(e.name[:0], label...)
		if string(local(one.name)) == "Data" && one.label == nil {
			e.unnamed++
			e.name = strconv.AppendInt(append(e.name[:0], "param"...), int64(e.unnamed), 10)
		}
		wrong = e.field(raw[one.content:at])
	}
	if e.depth == 2 && e.inside {
		e.json = append(e.json, '}')
	}
	e.depth--
	return wrong
}

// attributes takes in the attributes of the element that began last.
func (e *event) attributes(b []byte) (wrong string) {
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		if len(b) == 0 {
			return ""
		}
		equals := bytes.IndexByte(b, '=')
		if equals <= 0 {
			return "an attribute without a value"
		}
		name := bytes.TrimSpace(b[:equals])
		if b = bytes.TrimLeft(b[equals+1:], " \t\r\n"); len(b) < 2 || b[0] != '"' && b[0] != '\'' {
			return "an attribute without a value"
		}
		end := bytes.IndexByte(b[1:], b[0])
		if end < 0 {
			return "an attribute without a value"
		}
		value := b[1 : end+1]
		b = b[end+2:]
		one := &e.open[e.depth-1]
		switch {
		case bytes.HasPrefix(name, []byte("xmlns")), e.depth == 1:
			continue
		case string(name) == "Name" && string(local(one.name)) == "Data":
			one.label = value
			continue
		case string(name) == "SystemTime":
			e.name = append(e.name[:0], local(one.name)...)
		case e.depth == 2:
			e.name = append(e.name[:0], local(name)...)
		default:
			e.name = append(append(append(e.name[:0], local(one.name)...), '_'), local(name)...)
		}
		if wrong = e.field(value); wrong != "" {
			return wrong
		}
	}
}

// local returns a name without the prefix of its namespace.
func local(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

// field appends a field of the name at hand.
func (e *event) field(content []byte) (wrong string) {
	if string(e.section) == "rendering_info" && string(e.name) == "Message" {
		e.message = content
		return ""
	}
	e.value = appendText(e.value[:0], content)
	value := bytes.TrimSpace(e.value)
	if len(value) == 0 || len(value) == 1 && value[0] == '-' {
		return ""
	}
	if len(e.names[0])+len(e.names[1]) >= mostFields {
		return "more than 500 fields"
	}
	if string(e.section) == "system" {
		e.top(value)
		return ""
	}
	if !e.inside {
		e.inside = true
		e.comma()
		e.section = e.free(e.section, 0)
		e.json = append(append(append(e.json, '"'), e.section...), `":{`...)
	}
	e.comma()
	e.key = e.free(appendName(e.key[:0], e.name), 1)
	e.json = append(append(append(e.json, '"'), e.key...), `":"`...)
	e.json = append(quote.AppendLines(e.json, value), '"')
	return ""
}

// top appends a field of System. A number or a time that is none has another name, as no index takes it.
func (e *event) top(value []byte) {
	e.key = e.snaked(e.key[:0], e.name)
	number, odd := slices.Contains(numbers, string(e.key)), false
	switch {
	case number:
		odd = !isNumber(value)
	case string(e.key) == "time_created":
		e.time, _ = times.Text(value)
		odd = e.time.IsZero() || !isDate(value)
	}
	if odd {
		e.key = append(e.key, "_text"...)
	}
	e.key = e.free(e.key, 0)
	e.comma()
	e.json = append(append(append(e.json, '"'), e.key...), `":`...)
	if number && !odd {
		e.json = append(e.json, value...)
		return
	}
	e.json = append(quote.AppendLines(append(e.json, '"'), value), '"')
}

// isDate reports whether a time is one that an index takes for a date.
func isDate(v []byte) bool {
	return len(v) > len("yyyy-MM-ddT") && v[10] == 'T' && v[len(v)-1] == 'Z' &&
		len(v) <= len("yyyy-MM-ddTHH:mm:ss.123456789Z")
}

func isNumber(v []byte) bool {
	for _, c := range v {
		if !quote.IsDigit(c) {
			return false
		}
	}
	return len(v) <= 18 && (v[0] != '0' || len(v) == 1)
}

var seed = maphash.MakeSeed()

// free returns a name that no other field on its level has.
func (e *event) free(name []byte, level int) []byte {
	if level == 0 && (string(name) == penstock.NameAWS || string(name) == penstock.NameMeta) {
		name = append(name, "_x"...)
	}
	size := len(name)
	for n := 2; ; n++ {
		h := maphash.Bytes(seed, name)
		if !slices.Contains(e.names[level], h) {
			e.names[level] = append(e.names[level], h)
			return name
		}
		name = strconv.AppendInt(append(name[:size], '_'), int64(n), 10)
	}
}

// appendName appends a name as documents may have it: letters, digits and _.
func appendName(dst, name []byte) []byte {
	from := len(dst)
	for i := 0; i < len(name) && i < 200; {
		r, size := utf8.DecodeRune(name[i:])
		switch c := name[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z' && c < utf8.RuneSelf, quote.IsDigit(c), r > '\u00a0' && r != utf8.RuneError &&
			r != '\u2028' && r != '\u2029':
			dst = append(dst, name[i:i+size]...)
		case len(dst) > from && dst[len(dst)-1] != '_':
			dst = append(dst, '_')
		}
		i += size
	}
	if dst = append(dst[:from], bytes.TrimRight(dst[from:], "_")...); len(dst) == from {
		dst = append(dst, "param"...)
	}
	return dst
}

// snaked appends a name in small letters, with _ between its words: EventRecordID becomes event_record_id.
func (e *event) snaked(dst, name []byte) []byte {
	e.snake = appendName(e.snake[:0], name)
	for i, c := range e.snake {
		if c >= 'A' && c <= 'Z' {
			if i > 0 && (isSmall(e.snake[i-1]) || e.snake[i-1] != '_' && i+1 < len(e.snake) && isSmall(e.snake[i+1])) {
				dst = append(dst, '_')
			}
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst
}

func isSmall(c byte) bool { return c >= 'a' && c <= 'z' || quote.IsDigit(c) }

// appendText appends the text of an element's content or an attribute.
func appendText(dst, b []byte) []byte {
	for len(b) > 0 {
		n := bytes.IndexAny(b, "&<")
		if n < 0 {
			return append(dst, b...)
		}
		dst, b = append(dst, b[:n]...), b[n:]
		end, skip := 0, 0
		switch {
		case bytes.HasPrefix(b, []byte("<![CDATA[")):
			skip, end = len("<![CDATA["), bytes.Index(b, []byte("]]>"))
			if end >= 0 {
				dst, b = append(dst, b[skip:end]...), b[end+len("]]>"):]
				continue
			}
		case bytes.HasPrefix(b, []byte("<!--")):
			if end = bytes.Index(b, []byte("-->")); end >= 0 {
				b = b[end+len("-->"):]
				continue
			}
		case b[0] == '&':
			if r, size := reference(b); size > 0 {
				dst, b = utf8.AppendRune(dst, r), b[size:]
				continue
			}
		}
		dst, b = append(dst, b[0]), b[1:]
	}
	return dst
}

// reference reads a reference to a character, one of those that XML has without a declaration. Others are text.
func reference(b []byte) (r rune, size int) {
	end := bytes.IndexByte(b[:min(len(b), 12)], ';')
	if end < 2 {
		return 0, 0
	}
	switch name := string(b[1:end]); name {
	case "lt":
		r = '<'
	case "gt":
		r = '>'
	case "amp":
		r = '&'
	case "quot":
		r = '"'
	case "apos":
		r = '\''
	default:
		if name[0] != '#' || len(name) < 2 {
			return 0, 0
		}
		digits, base := name[1:], 10
		if digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		n, err := strconv.ParseUint(digits, base, 31)
		if err != nil {
			return 0, 0
		}
		r = rune(n)
	}
	return r, end + 1
}
