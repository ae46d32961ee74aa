package lines

import (
	"bytes"
	"strconv"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// head is what stands before a message of RFC 3164 and of its many dialects, as far as it is there:
//
//	<34>Oct 11 22:14:15 mymachine su[77]: message
//	Oct  5 2026 22:14:15.123 UTC: %SYS-5-CONFIG_I: message
//	2026-10-11T22:14:15.003+02:00 mymachine kernel: message
type head struct {
	priority, stamp, host, app, pid []byte
	at                              time.Time
	// dated says that the time has a year, iso that it is written as in ISO 8601.
	dated, iso bool
	// sure says that no other program's line looks like that.
	sure bool
}

// headFields are those of a document; time is a text that no index takes for a date, and timestamp one as in ISO 8601.
func headFields() []Field {
	return []Field{
		{Name: "priority", Kind: Priority},
		{Name: "time", Kind: Syslog},
		{Name: "timestamp", Kind: ISO},
		{Name: "host"},
		{Name: "app"},
		{Name: "pid"},
	}
}

// read reads a head and returns where the message begins.
func (h *head) read(line []byte, stored time.Time) (end int, ok bool) {
	i := 0
	if n := priorityEnd(line); n > 0 {
		h.priority, i = line[1:n-1], n
		i += sequenceEnd(line[i:])
	}
	n, ok := h.time(line[i:], stored)
	if w := word(line, i); !ok && h.priority != nil && i+len(w) < len(line) && isName(w) && w[len(w)-1] == ':' {
		// The device, between its message number and the time.
		h.host = w[:len(w)-1]
		i += len(w) + 1
		i += sequenceEnd(line[i:])
		n, ok = h.time(line[i:], stored)
	}
	if !ok {
		return 0, false
	}
	i += n
	switch {
	case i == len(line):
		return i, h.priority != nil
	case line[i] == ':' && !h.iso:
		i++
	case line[i] != ' ':
		return 0, false
	}
	i = skipSpaces(line, i)
	i, h.sure = h.source(line, i)
	h.sure = h.sure || h.priority != nil || !h.iso || hasMnemonic(line)
	return i, h.sure || h.app != nil && h.host != nil
}

// hasMnemonic reports whether a device of Cisco's has named its message near the beginning of a line: %SYS-5-CONFIG_I.
func hasMnemonic(line []byte) bool {
	const near = 128
	_, rest, ok := bytes.Cut(line[:min(len(line), near)], []byte{'%'})
	facility, rest, dash := bytes.Cut(rest, []byte{'-'})
	return ok && dash && len(facility) > 1 && isUpper(facility[:1]) && len(rest) > 2 && quote.IsDigit(rest[0]) &&
		rest[1] == '-' && isUpper(rest[2:3])
}

// Heads reports whether a line among some begins with a head for sure. Lines of many programs begin with an ISO time
// and two words.
func Heads(records [][]byte) bool {
	for _, line := range records {
		var h head
		if _, ok := h.read(line, time.Time{}); ok && h.sure {
			return true
		}
	}
	return false
}

// IsTagged reports whether a line begins with a time and a program that writes to syslog.
func IsTagged(line []byte) bool {
	var h head
	_, ok := h.read(line, time.Time{})
	return ok && h.app != nil
}

// priorityEnd returns where a priority in angle brackets ends, 0 for none.
func priorityEnd(line []byte) int {
	if len(line) < 3 || line[0] != '<' {
		return 0
	}
	n := 1
	for n < len(line) && n < 4 && quote.IsDigit(line[n]) {
		n++
	}
	if n == 1 || n == len(line) || line[n] != '>' {
		return 0
	}
	return n + 1
}

// sequenceEnd returns where the message number ends that some devices write before the time, with the mark of a clock
// that is not set.
func sequenceEnd(line []byte) int {
	n := 0
	for n < len(line) && quote.IsDigit(line[n]) {
		n++
	}
	if n == 0 || n > 10 || !bytes.HasPrefix(line[n:], []byte(": ")) {
		n = -2
	}
	n += 2
	if n < len(line) && (line[n] == '*' || line[n] == '.') {
		n++
	}
	return n
}

func (h *head) time(line []byte, stored time.Time) (n int, ok bool) {
	if len(line) == 0 || !quote.IsDigit(line[0]) {
		h.at, n, h.dated, ok = times.BSD(line, stored)
		if ok && n < len(line) && line[n] == ' ' {
			// The name of a zone, and a colon.
			if z := bytes.IndexByte(line[n:min(len(line), n+8)], ':'); z > 3 && isUpper(line[n+1:n+z]) {
				h.stamp = line[:n]
				return n + z, true
			}
		}
	} else {
		h.at, n, ok = times.ISO(line)
		h.dated, h.iso = true, true
		ok = ok && n > len("2006-01-02 ") && line[4] == '-'
	}
	if ok {
		h.stamp = line[:n]
	}
	return n, ok
}

func isUpper(b []byte) bool {
	for _, c := range b {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

// source reads the host and the program, with its process, and returns where the message begins. tagged says that the
// program could be told for sure: with its process, or as the kernel.
func (h *head) source(line []byte, i int) (end int, tagged bool) {
	first := word(line, i)
	if h.tag(first) {
		return skipSpaces(line, i+len(first)), h.pid != nil
	}
	if !isName(first) || h.priority == nil && isLevel(first) {
		return i, false
	}
	behind := skipSpaces(line, i+len(first))
	if behind == len(line) && h.priority == nil && len(first) > 0 {
		return i, false // a message of one word
	}
	h.host = first
	if behind < len(line) && line[behind] == ':' && (behind+1 == len(line) || line[behind+1] == ' ') {
		behind = skipSpaces(line, behind+1)
	}
	second := word(line, behind)
	if h.tag(second) {
		return skipSpaces(line, behind+len(second)), h.pid != nil || isDaemon(h.app)
	}
	if end = h.spaced(line, behind); end > 0 {
		return skipSpaces(line, end), true
	}
	return behind, false
}

// spaced takes the name of a program that has spaces in it, which macOS writes before its process: Google Chrome[77]:
// It returns where the name ends, 0 when there is none.
func (h *head) spaced(line []byte, i int) int {
	const longest, most = 64, 3
	near := line[i:min(len(line), i+longest)]
	end := bytes.Index(near, []byte("]: "))
	open := bytes.IndexByte(near, '[')
	if h.iso || end < 0 || open < 1 || open > end-2 || !IsNumber(near[open+1:end], false) {
		return 0
	}
	name := near[:open]
	for n, rest := 0, name; len(rest) > 0; n++ {
		one, more, _ := bytes.Cut(rest, []byte{' '})
		if n == most || !isName(one) || one[0] < 'A' || one[0] > 'Z' {
			return 0
		}
		rest = more
	}
	h.app, h.pid = name, near[open+1:end]
	return i + end + len("]:")
}

// isDaemon reports whether a program is one that writes to syslog, also without its process.
func isDaemon(app []byte) bool {
	switch string(app) {
	case "kernel", "sudo", "su", "pam", "systemd", "systemd-logind", "dbus-daemon", "rsyslogd", "auditd", "cloud-init",
		"dhclient", "NetworkManager", "snapd", "useradd", "usermod", "groupadd", "passwd", "logger", "snmpd", "yum", "ec2net":
		return true
	}
	return false
}

// tag takes a word for a program: su: or su[77]: or su[77].
func (h *head) tag(w []byte) bool {
	name, colon := w, false
	if n := len(w); n > 0 && w[n-1] == ':' {
		name, colon = w[:n-1], true
	}
	var pid []byte
	if n := len(name); n > 0 && name[n-1] == ']' && bytes.IndexByte(name, '[') > 0 {
		open := bytes.IndexByte(name, '[')
		name, pid = name[:open], name[open+1:n-1]
	} else if !colon {
		return false
	}
	if !isName(name) || h.iso && (isLevel(name) || isLevel(pid)) {
		return false
	}
	h.app, h.pid = name, pid
	return true
}

func word(line []byte, i int) []byte {
	if n := bytes.IndexByte(line[i:], ' '); n >= 0 {
		return line[i : i+n]
	}
	return line[i:]
}

func skipSpaces(line []byte, i int) int {
	for i < len(line) && line[i] == ' ' {
		i++
	}
	return i
}

// isName reports whether a word can be the name of a host or of a program.
func isName(w []byte) bool {
	for _, c := range w {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', quote.IsDigit(c), c >= 0x80:
		case c == '.', c == '-', c == '_', c == ':', c == '/', c == '%', c == '@', c == '+', c == '#', c == '(', c == ')':
		default:
			return false
		}
	}
	return len(w) > 0 && len(w) <= 255
}

// isLevel reports whether a word is the name of a severity.
func isLevel(w []byte) bool {
	switch len(w) {
	case 4, 5, 6, 7, 8:
		for _, level := range [...]string{
			"TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "CRITICAL", "CRIT", "ALERT", "FATAL", "EMERG",
			"SEVERE", "PANIC",
		} {
			if len(w) == len(level) && w[0]&^0x20 == level[0] && bytes.EqualFold(w, []byte(level)) {
				return true
			}
		}
	}
	return false
}

// readHead is odd for a head, which it keeps.
func (r *lineReader) readHead(f *Field, line []byte, i int) (value []byte, next int, ok bool) {
	r.head = head{}
	n, ok := r.head.read(line[i:], r.Stored)
	if !ok || f.Is.Is != nil && !f.Is.Is(r.head.app) {
		return nil, i, f.Optional
	}
	return line[i:], i + n, true
}

// appendHead appends the fields of the head at hand.
func (r *lineReader) appendHead(b []byte, plain bool, rec *penstock.Record) []byte {
	h := &r.head
	rec.Time, r.provisional = h.at, !h.dated
	if h.priority != nil {
		b = priority(append(b, `,"priority":`...), h.priority, `,"facility":"`, `,"severity":"`)
	}
	for _, part := range [...]struct {
		first string
		value []byte
	}{
		{`,"time":"`, h.stamp}, {`,"host":"`, h.host}, {`,"app":"`, h.app}, {`,"pid":"`, h.pid},
	} {
		if len(part.value) == 0 {
			continue
		}
		if part.first == `,"time":"` && h.iso {
			if len(part.value) <= 10 || part.value[10] != 'T' {
				b = append(b, `,"time":"`...)
			} else {
				b = append(b, `,"timestamp":"`...)
			}
		} else {
			b = append(b, part.first...)
		}
		b = appendQuoted(b, part.value, plain)
	}
	return b
}

// priority appends a priority, and what its parts are called.
func priority(b, value []byte, facility, severity string) []byte {
	n, _ := strconv.Atoi(string(value)) // at most three digits
	b = strconv.AppendInt(b, int64(n), 10)
	if n/8 < len(facilities) {
		b = append(append(append(b, facility...), facilities[n/8]...), '"')
	}
	return append(append(append(b, severity...), severities[n%8]...), '"')
}

// The names of RFC 5424, as syslog.conf has them.
var (
	facilities = [...]string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit",
		"alert", "clock",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
	severities = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
)

// structuredEnd returns where the structured data of RFC 5424 ends that a line begins with, 0 when it is none: a value
// in quotes is that of a parameter.
func structuredEnd(line []byte) int {
	if len(line) > 0 && line[0] == '-' {
		return 1
	}
	i := 0
	for i < len(line) && line[i] == '[' {
		quoted := false
		for i++; ; i++ {
			if i >= len(line) {
				return 0
			}
			c := line[i]
			if quoted && c == '\\' {
				i++
			} else if c == '"' {
				if before := bytes.TrimRight(line[:i], " "); !quoted && before[len(before)-1] != '=' {
					return 0
				}
				quoted = !quoted
			} else if c == ']' && !quoted {
				break
			}
		}
		i++
	}
	return i
}

// structured appends the elements of structured data: each is an object of its parameters under its name. It reports
// false for what has no form of a parameter, and when there are too many.
func (r *lineReader) structured(b, value []byte) (_ []byte, ok bool) {
	elements := len(b)
	b = append(b, '{')
	r.names = r.names[:0]
	for len(value) > 1 && value[0] == '[' {
		if len(r.names) > mostFields {
			return b, false
		}
		end := bytes.IndexAny(value, " ]")
		id := value[1:end]
		if bytes.ContainsAny(id, `="`) {
			return b, false
		}
		b = append(b, ',', '"')
		from := len(b)
		b = r.free(appendKey(b, id), from, 0)
		b = append(b, `":{`...)
		mark, open := len(r.names), len(b)
		value = value[end:]
		for len(value) > 0 && value[0] != ']' {
			if value = bytes.TrimLeft(value, " "); len(value) == 0 || value[0] == ']' {
				break
			}
			equals, first := bytes.IndexByte(value, '='), bytes.IndexByte(value, '"')
			if equals <= 0 || first < equals || len(bytes.TrimSpace(value[equals+1:first])) > 0 {
				return b, false
			}
			if len(r.names)-mark > mostFields {
				return b, false
			}
			closing := closingQuote(value, first)
			if closing < 0 {
				return b, false
			}
			b = append(b, ',', '"')
			from := len(b)
			b = r.free(appendKey(b, value[:equals]), from, mark)
			b = append(appendUnescaped(append(b, `":"`...), value[first+1:closing], `\"]`), '"')
			value = value[closing+1:]
		}
		r.names = r.names[:mark]
		b = closeObject(b, open)
		if len(value) > 0 {
			value = value[1:]
		}
	}
	return closeObject(b, elements+1), true
}

// closeObject ends an object whose members, each behind a comma, begin at open.
func closeObject(b []byte, open int) []byte {
	if len(b) > open {
		b = append(b[:open], b[open+1:]...)
	}
	return append(b, '}')
}

// free makes the name at the end of the document one that none has since the mark.
func (r *lineReader) free(b []byte, from, mark int) []byte {
	size := len(b)
	for n := 2; ; n++ {
		taken := false
		for _, one := range r.names[mark:] {
			taken = taken || bytes.Equal(b[one.from:one.to], b[from:])
		}
		if !taken {
			r.names = append(r.names, name{from, len(b)})
			return b
		}
		b = strconv.AppendInt(append(b[:size], '_'), int64(n), 10)
	}
}
