package multiline

import (
	"bytes"
	"time"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// Java is the grammar of what Java programs write with log4j, logback, Spring Boot, java.util.logging and Tomcat, in
// the layouts that they come with and in those with the same parts in another order.
func Java() *Events {
	return &Events{
		Record: "a record of a Java program", First: lines.Of("0123456789[JFMASONDTIWEC"),
		Begins: javaTold, Banner: springBanner, Joins: julHeader, Write: javaWrite,
		Fields: []entry.Field{
			{Name: "timestamp", Type: entry.Keyword},
			{Name: "level", Type: entry.Keyword},
			{Name: "thread", Type: entry.Keyword},
			{Name: "logger", Type: entry.Keyword},
			{Name: "pid", Type: entry.Long},
			{Name: "line", Type: entry.Long},
			{Name: "application", Type: entry.Keyword},
			{Name: "message", Type: entry.Text},
			{Name: "banner", Type: entry.Text},
		},
	}
}

// springBanner tells the lines that Spring Boot draws before its first record.
func springBanner(line []byte) bool {
	switch line = bytes.TrimSpace(line); {
	case bytes.HasPrefix(line, []byte(":: Spring Boot ::")):
		return true
	case bytes.HasPrefix(line, []byte("=========|_|==")):
		return bytes.HasSuffix(line, []byte("/=/_/_/_/"))
	}
	switch string(line) {
	case `.   ____          _            __ _ _`, `/\\ / ___'_ __ _ _(_)_ __  __ _ \ \ \ \`,
		`( ( )\___ | '_ | '_| | '_ \/ _` + "`" + ` | \ \ \ \`,
		`\\/  ___)| |_)| | | | | || (_| |  ) ) ) )`, `'  |____| .__|_| |_|_| |_\__, | / / / /`:
		return true
	}
	return false
}

// javaParts is what the first line of a record has.
type javaParts struct {
	t                                       time.Time
	stamp, level, thread, logger, pid, name []byte
	line                                    []byte // where in the class the program was
	jvm                                     bool   // the virtual machine says it
	message, end                            int    // where it begins, and where it ends when that is before the line does
}

// javaRead takes a line apart. It has a level at least, and a time in most layouts.
func javaRead(f times.File, line []byte) (p javaParts, ok bool) {
	at := 0
	if level := javaLevel(line); level > 0 && level < len(line) && (line[level] == ' ' || line[level] == '\t') {
		p.level, at = line[:level], skipBlank(line, level) // INFO  [2024-03-05 06:07:08,123] logger: message
	}
	bracket := at < len(line) && line[at] == '['
	if bracket {
		at++
		if end := bytes.Index(line[at:], []byte("] ")); p.level != nil && end > 0 && !quote.IsDigit(line[at]) {
			p.thread, at, bracket = line[at:at+end], skipBlank(line, at+end+1), false // INFO  [main] 2024-03-05 06:07:08,123
		}
	}
	t, size := f.Leading(line[at:])
	if size == 0 {
		if size = timeOfDay(line[at:]); size == 0 || p.level != nil {
			return p, false
		}
	}
	p.t, p.stamp = t, line[at:at+size]
	at += size
	if bracket {
		if at == len(line) || line[at] != ']' {
			return p, false
		}
		if at++; p.machine(line, at) {
			return p, true
		}
	}
	p.words(line, at)
	return p, p.level != nil
}

// machine takes what the Java virtual machine writes behind the time of its unified logging: [1][info][gc,start    ]
// message. The process and the level may be missing, the tags tell it.
func (p *javaParts) machine(line []byte, at int) bool {
	var pid, level []byte
	for range 4 {
		if at >= len(line) || line[at] != '[' {
			return false
		}
		end := bytes.IndexByte(line[at:], ']')
		if end < 0 {
			return false
		}
		value := bytes.TrimSpace(line[at+1 : at+end])
		at += end + 1
		switch {
		case isInteger(value):
			pid = value
		case isMachineLevel(value):
			level = value
		default:
			if at >= len(line) || line[at] != ' ' || !isMachineTag(value) {
				return false
			}
			p.pid, p.level, p.logger, p.message, p.jvm = pid, level, value, skipBlank(line, at), true
			return true
		}
	}
	return false
}

func isMachineLevel(b []byte) bool {
	switch string(b) {
	case "trace", "debug", "info", "warning", "error":
		return true
	}
	return false
}

// isMachineTag reports whether tags, with commas between them, begin with one of those that most people turn on.
func isMachineTag(b []byte) bool {
	first, _ := word(b, ",")
	switch string(first) {
	case "gc", "safepoint", "class", "cds", "os", "pagesize", "heap", "metaspace", "startuptime", "logging", "jit",
		"module", "arguments", "exceptions":
		return true
	}
	return false
}

// words takes the words between the time and the message.
func (p *javaParts) words(line []byte, at int) {
	p.message = at
	for range 6 {
		at = skipBlank(line, at)
		if at == len(line) {
			return
		}
		rest := line[at:]
		switch level := javaLevel(rest); {
		case p.level == nil && bytes.HasPrefix(rest, []byte("| ")):
			p.bars(line, at+1)
			return
		case rest[0] == '[':
			end := closing(rest)
			if end < 0 {
				return
			}
			value := bytes.TrimSpace(rest[1:end])
			inner := javaLevel(value)
			thread, class, number := classAt(value)
			size := threadSize(rest[end+1:])
			switch {
			case size > 0 && p.level != nil && p.logger == nil && loggerSize(value) == len(value):
				p.logger, p.thread = value, rest[end+3:end+size] // [logger] (thread) message
				p.message = skipBlank(line, at+end+1+size)
				return
			case class != nil && p.level != nil && p.logger == nil:
				p.thread, p.logger, p.line = thread, class, number // [thread:Class@17] - message
				if p.message = skipBlank(line, at+end+1); bytes.HasPrefix(line[p.message:], []byte("- ")) {
					p.message = skipBlank(line, p.message+1)
				}
				return
			case p.thread != nil && p.level != nil && p.logger == nil && isLogger(value) &&
				bytes.HasPrefix(rest[end+1:], []byte(" - ")):
				p.logger, p.message = value, skipBlank(line, at+end+3) // [time] [LEVEL] [thread] [logger] - message
				return
			case p.level == nil && inner == len(value) && inner > 0:
				p.level = value
			case p.level != nil && p.logger == nil && p.thread == nil && p.pid == nil && isLogger(value) &&
				(line[at-1] == ']' || end+1 < len(rest) && rest[end+1] != ' '):
				p.logger = value // [time][LEVEL][logger][thread] message
			case p.thread == nil && (p.level == nil || p.logger != nil || p.pid != nil || javaFollows(rest[end+1:])):
				p.thread = value
			case p.thread != nil && p.name == nil && p.pid != nil:
				p.name, p.thread = p.thread, value // --- [application] [thread]
			default:
				p.tailLogger(line)
				return
			}
			at += end + 1
		case p.level == nil && level > 0 &&
			(level == len(rest) || rest[level] == ' ' || rest[level] == ':' || rest[level] == '\t'):
			p.level = rest[:level]
			if at += level; at < len(line) && line[at] == ':' {
				p.message = skipBlank(line, at+1)
				return
			}
		case p.level == nil && bytes.HasPrefix(rest, []byte("- ")):
			at++
		case p.level == nil && p.pid == nil && isNumbered(rest):
			p.pid, _ = word(rest, " ") // 261124 100000 148 INFO dfs.DataNode: message
			at += len(p.pid)
		case p.level != nil && bytes.HasPrefix(rest, []byte("--- ")):
			at += 3
		case p.level != nil && p.pid == nil && p.logger == nil && isPID(rest):
			p.pid, _ = word(rest, " ")
			at += len(p.pid)
		case p.level != nil && p.logger == nil:
			size := loggerSize(rest)
			if size == 0 {
				p.tailLogger(line)
				return
			}
			if n := sourceSize(rest); n > 0 && bytes.HasPrefix(rest[n:], []byte(" - ")) {
				p.logger, p.message = rest[:n], skipBlank(line, at+n+2) // Gate.java:617 - message
				return
			}
			behind := rest[size:]
			blank := skipBlank(behind, 0)
			dash := blank
			if bytes.HasPrefix(behind[blank:], []byte("-- ")) {
				dash++ // logback since 1.4 writes two of them
			}
			switch {
			case bytes.HasPrefix(behind, []byte(": ")), len(behind) == 1 && behind[0] == ':':
				p.logger, p.message = rest[:size], skipBlank(line, at+size+1)
			case blank > 0 && len(behind) > dash && (behind[dash] == '-' || behind[dash] == ':') &&
				(dash+1 == len(behind) || behind[dash+1] == ' '):
				p.logger, p.message = rest[:size], skipBlank(line, at+size+dash+1)
			case blank > 0 && isLogger(rest[:size]):
				p.logger, p.message = rest[:size], at+size+blank
			default:
				p.tailLogger(line)
			}
			return
		default:
			return
		}
		p.message = skipBlank(line, at)
	}
}

// closing returns where the bracket is closed that b begins with, -1 when it is not.
func closing(b []byte) int {
	first := bytes.IndexByte(b, ']')
	if first < 0 {
		return -1
	}
	for at, open := 1, 1; ; {
		i := bytes.IndexAny(b[at:], "[]")
		if i < 0 {
			return first // of one that is open before it
		}
		if at += i + 1; b[at-1] == '[' {
			open++
		} else if open--; open == 0 {
			return at - 1
		}
	}
}

// isNumbered reports whether a number, a level, a logger and a colon come next, as Hadoop has them.
func isNumbered(b []byte) bool {
	number, rest := word(b, " ")
	level := javaLevel(rest)
	if level == 0 || !isInteger(number) || level == len(rest) || rest[level] != ' ' {
		return false
	}
	rest = rest[level+1:]
	size := loggerSize(rest)
	return size > 0 && bytes.HasPrefix(rest[size:], []byte(": "))
}

// bars takes what ActiveMQ writes behind the time: | LEVEL | message | logger | thread. With lines behind the first one
// the message is all of them. Others write | LEVEL | logger - message.
func (p *javaParts) bars(line []byte, at int) {
	at = skipBlank(line, at)
	level := javaLevel(line[at:])
	bar := skipBlank(line, at+level)
	if level == 0 || !bytes.HasPrefix(line[bar:], []byte("| ")) {
		return
	}
	if size := loggerSize(line[bar+2:]); size > 0 && bytes.HasPrefix(line[bar+2+size:], []byte(" - ")) {
		p.level, p.logger, p.message = line[at:at+level], line[bar+2:bar+2+size], skipBlank(line, bar+size+len("|  - "))
		return
	}
	separator := []byte(" | ")
	tail := bytes.LastIndex(line, separator)
	if tail < bar {
		return
	}
	before := bytes.LastIndex(line[:tail], separator)
	if before < bar || !isLogger(line[before+len(separator):tail]) {
		return
	}
	p.level, p.logger, p.thread = line[at:at+level], line[before+len(separator):tail], line[tail+len(separator):]
	p.message, p.end = skipBlank(line, bar+1), before
}

// tailLogger takes (com.example.Logger) at the end of a line, as Kafka writes it.
func (p *javaParts) tailLogger(line []byte) {
	if len(line) == 0 || line[len(line)-1] != ')' {
		return
	}
	open := bytes.LastIndexByte(line, '(')
	if open <= p.message || line[open-1] != ' ' || !isLogger(line[open+1:len(line)-1]) {
		return
	}
	p.logger = line[open+1 : len(line)-1]
	// [component]: message
	if rest := line[p.message:]; p.thread == nil && len(rest) > 0 && rest[0] == '[' {
		if end := bytes.IndexByte(rest, ']'); end > 0 && end+1 < len(rest) && (rest[end+1] == ':' || rest[end+1] == ' ') {
			p.thread = rest[1:end]
		}
	}
}

// javaFollows reports whether the rest of a line goes on like one with a logger in it, behind the thread.
func javaFollows(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " ")
	size := loggerSize(rest)
	return size > 0 && size < len(rest) &&
		(isLogger(rest[:size]) || rest[size] == ':' || bytes.HasPrefix(rest[size:], []byte(" - ")) ||
			rest[size] == ' ' && bytes.HasPrefix(bytes.TrimLeft(rest[size:], " "), []byte(": "))) ||
		len(rest) > 0 && rest[0] == '['
}

// classAt takes apart the thread, the class and the line that ZooKeeper writes: main:QuorumPeerConfig@17. The class is
// nil when it is something else.
func classAt(value []byte) (thread, class, number []byte) {
	sign, colon := bytes.LastIndexByte(value, '@'), bytes.LastIndexByte(value, ':')
	if colon < 1 || sign < colon || !isInteger(value[sign+1:]) {
		return nil, nil, nil
	}
	class = value[colon+1 : sign]
	if !isClass(class) && !isLogger(class) {
		return nil, nil, nil
	}
	return value[:colon], class, value[sign+1:]
}

// threadSize returns the length of a thread in parentheses with a blank before it and one behind it, as JBoss writes it
// at the beginning of b; 0 for none.
func threadSize(b []byte) int {
	if !bytes.HasPrefix(b, []byte(" (")) {
		return 0
	}
	end := bytes.Index(b, []byte(") "))
	if end < 3 {
		return 0
	}
	return end + 1
}

// sourceSize returns the length of a place in a program at the beginning of b, such as Gate.java:617; 0 for none.
func sourceSize(b []byte) int {
	const suffix = ".java:"
	n := bytes.Index(b, []byte(suffix))
	if n <= 0 || !isClass(b[:n]) {
		return 0
	}
	n += len(suffix)
	digits := n
	for n < len(b) && quote.IsDigit(b[n]) {
		n++
	}
	if n == digits {
		return 0
	}
	return n
}

// isPID reports whether a number comes before ---.
func isPID(b []byte) bool {
	first, rest := word(b, " ")
	return isInteger(first) && first[0] != '-' && bytes.HasPrefix(rest, []byte("--- "))
}

// javaLevel returns the length of the level that b begins with, 0 for none.
func javaLevel(b []byte) int {
	n := 0
	for n < len(b) && n < 8 && b[n] >= 'A' && b[n] <= 'Z' {
		n++
	}
	switch string(b[:n]) {
	case "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "SEVERE", "WARNING", "CONFIG", "FINE", "FINER", "FINEST":
		return n
	}
	return 0
}

// loggerSize returns how many bytes at the beginning of b may be a logger's name.
func loggerSize(b []byte) int {
	n := 0
	for n < len(b) &&
		(quote.IsDigit(b[n]) || b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z' || b[n] == '.' || b[n] == '_' || b[n] == '$' ||
			b[n] == '-' || b[n] == '/') {
		n++
	}
	if n > 0 && (b[n-1] == '.' || b[0]|0x20 < 'a' || b[0]|0x20 > 'z') {
		return 0
	}
	return n
}

// isLogger reports whether a name is that of a class in a package: it has dots between its parts, and two of them or a
// capital behind the last one.
func isLogger(name []byte) bool {
	if loggerSize(name) != len(name) {
		return false
	}
	last := bytes.LastIndexByte(name, '.')
	return last > 0 && bytes.IndexByte(name, '/') < 0 &&
		(bytes.HasPrefix(name, []byte("logstash.")) ||
			bytes.Count(name, []byte{'.'}) > 1 || name[last+1] >= 'A' && name[last+1] <= 'Z')
}

// isClass reports whether a name is that of a class without its package, as %c{1} writes it.
func isClass(name []byte) bool {
	return len(name) > 0 && name[0] >= 'A' && name[0] <= 'Z' &&
		loggerSize(name) == len(name) && !bytes.ContainsAny(name, "./-")
}

// timeOfDay returns the length of 06:07:08.123 at the beginning of b, which logback writes without a date.
func timeOfDay(b []byte) int {
	if len(b) < 13 || b[2] != ':' || b[5] != ':' || b[8] != '.' && b[8] != ',' || b[12] != ' ' {
		return 0
	}
	for i, c := range b[:12] {
		if i != 2 && i != 5 && i != 8 && !quote.IsDigit(c) {
			return 0
		}
	}
	return 12
}

// javaTold reports whether a line is of a layout with a logger, which tells Java's programs from others.
func javaTold(f times.File, line []byte) bool {
	if julHeader(f, line) {
		return true
	}
	p, ok := javaRead(f, line)
	if ok && p.jvm {
		return true
	}
	if ok && line[0] == '[' && bytes.HasPrefix(line[len(p.stamp)+1:], []byte("][")) &&
		!bytes.Contains(p.logger, []byte("logstash")) {
		return false // servers of OpenSearch
	}
	spark := len(p.stamp) == len("24/03/05 06:07:08") && p.stamp[2] == '/'
	return ok && (isLogger(p.logger) || p.thread != nil && sourceSize(p.logger) == len(p.logger) && p.logger != nil ||
		p.thread != nil && p.pid != nil || (p.thread != nil || spark) && isClass(p.logger))
}

// julHeader tells the first of two lines that java.util.logging writes: Mar 05, 2024 6:07:08 AM org.example.Class
// method.
func julHeader(f times.File, line []byte) bool {
	_, size := f.Leading(line)
	if size == 0 || line[0] < 'A' || line[0] > 'Z' || size+2 > len(line) || line[size-1]|0x20 != 'm' {
		return false
	}
	class, method := word(line[size+1:], " ")
	return (isLogger(class) || isClass(class)) && len(method) > 0 && bytes.IndexByte(method, ' ') < 0
}

func javaWrite(w *Writer, raw []byte) bool {
	banner, raw := cutBanner(raw, springBanner)
	w.Message("banner", banner)
	if raw = bytes.TrimLeft(raw, "\r\n"); len(raw) == 0 {
		return len(banner) > 0
	}
	line, more := firstLine(raw)
	if julHeader(w.File, line) {
		t, size := w.File.Leading(line)
		w.Time = t
		w.Text("timestamp", line[:size])
		class, _ := word(line[size+1:], " ")
		if level := javaLevel(more); level > 0 && level < len(more) && more[level] == ':' {
			w.Text("level", more[:level])
			more = bytes.TrimLeft(more[level+1:], " ")
		}
		w.Text("logger", class)
		w.Message("message", more)
		return true
	}
	p, ok := javaRead(w.File, line)
	if !ok {
		return false
	}
	w.Time = p.t
	w.Text("timestamp", p.stamp)
	w.Text("level", p.level)
	w.Text("thread", p.thread)
	w.Text("logger", p.logger)
	w.Number("pid", p.pid)
	w.Number("line", p.line)
	w.Text("application", p.name)
	if p.end > 0 && len(more) == 0 {
		raw = raw[:p.end]
	}
	w.Message("message", raw[min(p.message, len(raw)):])
	return true
}
