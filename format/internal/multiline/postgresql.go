package multiline

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// PostgreSQL is the grammar of the server's log as it writes it to its standard error, with any prefix that begins with
// the time.
func PostgreSQL() *Events {
	return &Events{
		Record: "a PostgreSQL record", First: lines.Of("0123456789"), Begins: postgresBegins, Write: postgresWrite,
		Fields: postgresFields(),
	}
}

// PostgreSQLCSV is the grammar of its csvlog. A value in quotes may have several lines.
func PostgreSQLCSV() *Events {
	return &Events{
		Record: "a PostgreSQL record", First: lines.Of("0123456789"), Begins: csvlogBegins, Inside: true, Write: csvlogWrite,
		Fields: postgresFields(),
	}
}

func postgresFields() []entry.Field {
	fields := []entry.Field{
		{Name: "message", Type: entry.Text},
		{Name: "detail", Type: entry.Text},
		{Name: "hint", Type: entry.Text},
		{Name: "context", Type: entry.Text},
		{Name: "statement", Type: entry.Text},
		{Name: "internal_query", Type: entry.Text},
		{Name: "query", Type: entry.Text},
		{Name: "duration_ms", Type: entry.Double},
	}
	for _, name := range []string{
		"pid", "remote_port", "line_num", "txid", "cursor_position", "internal_position", "leader_pid", "query_id",
	} {
		fields = append(fields, entry.Field{Name: name, Type: entry.Long})
	}
	for _, name := range []string{
		"timestamp", "user", "dbname", "remote_host", "session_id", "ps", "session_start", "vxid", "error_severity",
		"state_code",
		"application_name", "backend_type", "location", "prefix", "query_step", "query_name",
	} {
		fields = append(fields, entry.Field{Name: name, Type: entry.Keyword})
	}
	return fields
}

// postgresSeverities stand before a colon and two spaces.
var postgresSeverities = [...]string{
	"LOG", "ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO", "STATEMENT", "DETAIL", "HINT", "CONTEXT", "QUERY",
	"LOCATION",
	"BACKTRACE", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5",
}

// longestPrefix is how far behind the time a severity may stand.
const longestPrefix = 512

// postgresParts returns where the time ends, and where the severity begins and ends.
func postgresParts(f times.File, line []byte) (end, from, to int, ok bool) {
	_, end = f.Leading(line)
	if end == 0 {
		return 0, 0, 0, false
	}
	head := line[:min(len(line), end+longestPrefix)]
	for at := end; ; {
		i := bytes.Index(head[at:], []byte(":  "))
		if i < 0 {
			return 0, 0, 0, false
		}
		to = at + i
		for from = to; from > end && (head[from-1] >= 'A' && head[from-1] <= 'Z' || quote.IsDigit(head[from-1])); from-- {
		}
		for _, s := range postgresSeverities {
			if string(head[from:to]) == s {
				return end, from, to, true
			}
		}
		at = to + 1
	}
}

func postgresBegins(f times.File, line []byte) bool {
	_, _, _, ok := postgresParts(f, line)
	return ok
}

func postgresWrite(w *Writer, raw []byte) bool {
	line, _ := firstLine(raw)
	end, from, to, ok := postgresParts(w.File, line)
	if !ok {
		return false
	}
	w.Time, _ = w.File.Leading(line)
	w.Text("timestamp", line[:end])
	postgresPrefix(w, line[end:from])
	severity := line[from:to]
	w.Text("error_severity", severity)
	message := raw[to+3:]
	if len(message) > 7 && message[5] == ':' && message[6] == ' ' && isState(message[:5]) {
		w.Text("state_code", message[:5])
		message = message[7:]
	}
	postgresMessage(w, message)
	return true
}

func isState(b []byte) bool {
	digit := false // each code has one, and AUDIT: of pgAudit has none
	for _, c := range b {
		if digit = digit || quote.IsDigit(c); !quote.IsDigit(c) && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return digit
}

// postgresMessage writes a message and what is in it.
func postgresMessage(w *Writer, message []byte) {
	w.Message("message", message)
	postgresQuery(w, message)
}

// postgresQuery writes what a message says of a query: duration: 1.234 ms  statement: SELECT 1.
func postgresQuery(w *Writer, message []byte) {
	rest := message
	if after, ok := bytes.CutPrefix(rest, []byte("duration: ")); ok {
		value, behind := word(after, " ")
		if rest, ok = bytes.CutPrefix(behind, []byte("ms")); !ok || !w.Number("duration_ms", value) {
			return
		}
		rest = bytes.TrimLeft(rest, " ")
	}
	for _, step := range [...]string{"statement", "execute", "parse", "bind"} {
		behind, ok := bytes.CutPrefix(rest, []byte(step))
		if !ok {
			continue
		}
		name, query, ok := bytes.Cut(behind, []byte(": "))
		if name = bytes.TrimSpace(name); !ok || len(name) > 64 || bytes.IndexByte(name, ' ') >= 0 {
			return
		}
		w.Text("query_step", rest[:len(step)])
		w.Text("query_name", name)
		w.Message("query", query)
		return
	}
}

// postgresPrefix writes what stands between the time and the severity: of %p, %l, %u, %d, %a, %h and %r what can be
// told apart.
func postgresPrefix(w *Writer, prefix []byte) {
	var p prefixParts
	if len(prefix) > 1 && prefix[0] == ':' { // %t:%r:%u@%d:[%p]: of RDS
		inner := prefix[1:]
		if i := bytes.LastIndex(inner, []byte(":[")); i >= 0 {
			p.take(bytes.TrimRight(inner[i+1:], ": "))
			inner = inner[:i]
		}
		if at := bytes.LastIndexByte(inner, '@'); at >= 0 {
			if colon := bytes.LastIndexByte(inner[:at], ':'); colon >= 0 {
				p.take(inner[:colon])
				inner = inner[colon+1:]
			}
		}
		p.take(inner)
	} else {
		for rest := prefix; len(rest) > 0; {
			var one []byte
			one, rest = word(rest, " ,")
			p.take(bytes.TrimRight(one, ":"))
		}
	}
	w.Number("pid", p.pid)
	w.Number("line_num", p.line)
	w.Text("user", p.user)
	w.Text("dbname", p.db)
	w.Text("remote_host", p.host)
	w.Number("remote_port", p.port)
	w.Text("application_name", p.app)
	w.Text("session_id", p.session)
	if p.more {
		w.Text("prefix", bytes.TrimSpace(prefix))
	}
}

type prefixParts struct {
	pid, line, user, db, host, port, app, session []byte
	more                                          bool // there is something else
}

// take takes one word of a prefix.
func (p *prefixParts) take(b []byte) {
	if len(b) == 0 {
		return
	}
	inner := bytes.Trim(b, "[]()")
	number, count, counted := bytes.Cut(inner, []byte{'-'})
	key, value, pair := bytes.Cut(b, []byte{'='})
	user, db, both := bytes.Cut(b, []byte{'@'})
	switch {
	case both:
		p.user, p.db = user, db
	case pair:
		p.pair(key, value)
	case string(b) == "[local]":
		p.host = b
	case isInteger(inner) && p.pid == nil:
		p.pid = inner
	case isInteger(number) && counted && isInteger(count) && b[0] == '[':
		if p.pid == nil {
			p.pid, p.line = number, count
		} else {
			p.line = number
		}
	case isInteger(inner) && p.line == nil:
		p.line = inner
	case bytes.IndexByte(b, '.') > 0 || bytes.IndexByte(b, ':') >= 0:
		p.address(b)
	default:
		p.more = true
	}
}

func (p *prefixParts) pair(key, value []byte) {
	switch string(key) {
	case "user", "u":
		p.user = value
	case "db", "database", "d":
		p.db = value
	case "app", "application", "a":
		p.app = value
	case "client", "host", "h", "remote":
		p.address(value)
	default:
		p.more = true
	}
}

// address takes HOST or HOST(PORT).
func (p *prefixParts) address(b []byte) {
	p.host = b
	if host, port, ok := bytes.Cut(b, []byte{'('}); ok {
		if port, ok = bytes.CutSuffix(port, []byte{')'}); ok && isInteger(port) {
			p.host, p.port = host, port
		}
	}
}

// csvlogNames are the columns of a csvlog by the names that the jsonlog has for them.
var csvlogNames = [...]struct {
	name string
	kind byte // n: number, t: text of several lines, a: address
}{
	{"timestamp", 0},
	{"user", 0},
	{"dbname", 0},
	{"pid", 'n'},
	{"remote", 'a'},
	{"session_id", 0},
	{"line_num", 'n'},
	{"ps", 0},
	{"session_start", 0},
	{"vxid", 0},
	{"txid", 'n'},
	{"error_severity", 0},
	{"state_code", 0},
	{"message", 't'},
	{"detail", 't'},
	{"hint", 't'},
	{"internal_query", 't'},
	{"internal_position", 'n'},
	{"context", 't'},
	{"statement", 't'},
	{"cursor_position", 'n'},
	{"location", 't'},
	{"application_name", 't'},
	{"backend_type", 't'},
	{"leader_pid", 'n'},
	{"query_id", 'n'},
}

// csvlogBegins looks for the time and for the session's id in the sixth column.
func csvlogBegins(f times.File, line []byte) bool {
	_, size := f.Leading(line)
	if size == 0 || size >= len(line) || line[size] != ',' {
		return false
	}
	rest := line
	for n := range 6 {
		value, next, ok := csvValue(rest)
		if !ok || len(next) == 0 {
			return false
		}
		if n == 5 {
			start, pid, dotted := bytes.Cut(value, []byte{'.'})
			return dotted && isHex(start) && isHex(pid)
		}
		rest = next
	}
	return false
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !quote.IsDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(b) > 0 && len(b) < 17
}

// csvValue returns the first value of b without its quotes, and what follows behind the comma.
func csvValue(b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '"' {
		value, rest = word(b, ",")
		return value, rest, true
	}
	for i := 1; i < len(b); i++ {
		if b[i] != '"' {
			continue
		}
		if i+1 < len(b) && b[i+1] == '"' {
			i++
			continue
		}
		if i+1 < len(b) && b[i+1] != ',' {
			return nil, nil, false
		}
		return b[1:i], b[min(i+2, len(b)):], true
	}
	return nil, nil, false
}

func csvlogWrite(w *Writer, raw []byte) bool {
	if !csvlogBegins(w.File, raw) {
		return false
	}
	w.Time, _ = w.File.Leading(raw)
	rest := raw
	for _, column := range csvlogNames {
		value, next, ok := csvValue(rest)
		if !ok {
			return false
		}
		switch column.kind {
		case 'n':
			ok = w.Number(column.name, value)
		case 'a':
			host, port := value, []byte(nil)
			if i := bytes.LastIndexByte(value, ':'); i >= 0 && isInteger(value[i+1:]) {
				host, port = value[:i], value[i+1:]
			}
			w.Text("remote_host", host)
			w.Number("remote_port", port)
		case 't':
			w.Quoted(column.name, value)
			if column.name == "message" && bytes.IndexByte(value, '"') < 0 {
				postgresQuery(w, value)
			}
		default:
			w.Quoted(column.name, value)
		}
		if !ok {
			return false
		}
		if rest = next; len(rest) == 0 {
			return true
		}
	}
	return false
}
