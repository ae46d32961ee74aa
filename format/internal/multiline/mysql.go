package multiline

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// MySQLError is the grammar of the error log of MySQL 5 and later and of MariaDB.
func MySQLError() *Events {
	return &Events{
		Record: "a record of MySQL's error log", First: lines.Of("0123456789"), Begins: mysqlErrorBegins, Joins: mysqlReady,
		Write: mysqlErrorWrite,
		Fields: []entry.Field{
			{Name: "timestamp", Type: entry.Keyword},
			{Name: "thread_id", Type: entry.Long},
			{Name: "level", Type: entry.Keyword},
			{Name: "error_code", Type: entry.Keyword},
			{Name: "subsystem", Type: entry.Keyword},
			{Name: "message", Type: entry.Text},
			{Name: "user", Type: entry.Keyword},
			{Name: "host", Type: entry.Keyword},
			{Name: "using_password", Type: entry.Keyword},
		},
	}
}

// mysqlError is what the first line of a record in the error log has.
type mysqlError struct {
	end                            int
	thread, level, code, subsystem []byte
	message                        int // where it begins
}

func mysqlErrorParts(f times.File, line []byte) (e mysqlError, ok bool) {
	_, e.end = f.Leading(line)
	if e.end == 0 || e.end >= len(line) || line[4] == '/' || line[e.end] != ' ' && line[e.end] != '\t' {
		return e, false
	}
	at := skipBlank(line, e.end)
	digits := at
	for digits < len(line) && quote.IsDigit(line[digits]) {
		digits++
	}
	if digits > at && digits < len(line) && line[digits] == ' ' {
		e.thread, at = line[at:digits], skipBlank(line, digits)
	}
	for n := 0; n < 3 && at < len(line) && line[at] == '['; n++ {
		end := bytes.IndexByte(line[at:], ']')
		if end < 0 {
			break
		}
		value := line[at+1 : at+end]
		switch {
		case n == 0 && isMySQLLevel(value):
			if e.level = value; isCommon(e.thread, value, line, at+end+1) {
				return e, false
			}
		case n > 0 && bytes.HasPrefix(value, []byte("MY-")):
			e.code = value
		case n > 0 && e.code != nil:
			e.subsystem = value
		default:
			e.message = at
			return e, e.level != nil
		}
		at = skipBlank(line, at+end+1)
	}
	e.message = at
	rest := line[min(at, len(line)):]
	return e, e.level != nil || bytes.HasPrefix(rest, []byte("mysqld_safe ")) ||
		bytes.HasPrefix(rest, []byte("InnoDB: ")) || bytes.HasPrefix(rest, []byte("mysqld: "))
}

// isCommon reports whether a level, which ends at a position of a line, is as many programs write it: without a thread
// before it, behind a date that has a year of four digits, and with no more brackets behind it.
func isCommon(thread, level, line []byte, end int) bool {
	return thread == nil && line[4] == '-' && (level[0] == 'E' || level[0] == 'W') &&
		!bytes.HasPrefix(line[end:], []byte(" ["))
}

func isMySQLLevel(b []byte) bool {
	switch string(b) {
	case "Note", "Warning", "ERROR", "System", "Error":
		return true
	}
	return false
}

func skipBlank(line []byte, at int) int {
	for at < len(line) && (line[at] == ' ' || line[at] == '\t') {
		at++
	}
	return at
}

func mysqlErrorBegins(f times.File, line []byte) bool {
	_, ok := mysqlErrorParts(f, line)
	return ok
}

func mysqlErrorWrite(w *Writer, raw []byte) bool {
	line, _ := firstLine(raw)
	e, ok := mysqlErrorParts(w.File, line)
	if !ok {
		return false
	}
	w.Time, _ = w.File.Leading(line)
	w.Text("timestamp", line[:e.end])
	w.Number("thread_id", e.thread)
	w.Text("level", e.level)
	w.Text("error_code", e.code)
	w.Text("subsystem", e.subsystem)
	w.Message("message", raw[e.message:])
	w.denied(line[e.message:])
	return true
}

// denied writes who was refused: Access denied for user 'root'@'192.0.2.1' (using password: YES)
func (w *Writer) denied(message []byte) {
	rest, ok := bytes.CutPrefix(message, []byte("Access denied for user '"))
	if !ok {
		return
	}
	user, rest, ok := bytes.Cut(rest, []byte("'@'"))
	if !ok {
		return
	}
	host, rest := word(rest, "'")
	w.Text("user", user)
	w.Text("host", host)
	if _, using, ok := bytes.Cut(rest, []byte("using password: ")); ok {
		w.Text("using_password", bytes.TrimSuffix(using, []byte{')'}))
	}
}

// MySQLGeneral is the grammar of the general query log.
func MySQLGeneral() *Events {
	return &Events{
		Record: "a record of MySQL's general log", First: lines.All(), Begins: mysqlGeneralBegins, Banner: mysqlBanner,
		Loose: true, Write: mysqlGeneralWrite,
		Fields: []entry.Field{
			{Name: "timestamp", Type: entry.Keyword},
			{Name: "thread_id", Type: entry.Long},
			{Name: "command", Type: entry.Keyword},
			{Name: "argument", Type: entry.Text},
			{Name: "user", Type: entry.Keyword},
			{Name: "host", Type: entry.Keyword},
			{Name: "using_password", Type: entry.Keyword},
			{Name: "banner", Type: entry.Text},
		},
	}
}

// mysqlBanner tells the lines that MySQL writes at the beginning of its general and slow logs.
func mysqlBanner(line []byte) bool {
	switch {
	case bytes.HasPrefix(line, []byte("Tcp port: ")), bytes.HasPrefix(line, []byte("TCP Port: ")):
		return true
	case bytes.HasPrefix(line, []byte("Time")):
		rest := bytes.TrimLeft(line[4:], " \t")
		return len(rest) < len(line)-4 && bytes.HasPrefix(rest, []byte("Id Command")) &&
			bytes.HasSuffix(bytes.TrimRight(rest, " \t"), []byte("Argument"))
	}
	return bytes.HasSuffix(line, []byte(" started with:")) && bytes.Contains(line, []byte(", Version: "))
}

// cutBanner returns the lines of an event that are a banner, and what follows.
func cutBanner(raw []byte, told func(line []byte) bool) (banner, rest []byte) {
	rest = raw
	for len(rest) > 0 {
		line, more := firstLine(rest)
		if !told(line) {
			break
		}
		rest = more
	}
	return bytes.TrimRight(raw[:len(raw)-len(rest)], "\r\n"), rest
}

// mysqlReady tells the line behind which the server says its version.
func mysqlReady(_ times.File, line []byte) bool {
	return bytes.HasSuffix(line, []byte(": ready for connections."))
}

// mysqlGeneralParts returns where the time ends, the thread and the command, and where the argument begins. A line of
// the same second as the one before may have two tabs for the time.
func mysqlGeneralParts(f times.File, line []byte) (end int, thread, command []byte, argument int, ok bool) {
	if !bytes.HasPrefix(line, []byte("\t\t")) {
		if _, end = f.Leading(line); end == 0 {
			return 0, nil, nil, 0, false
		}
	}
	at := skipBlank(line, end)
	from := at
	for at < len(line) && quote.IsDigit(line[at]) {
		at++
	}
	thread = line[from:at]
	if at == from || at > from+18 || at == len(line) || line[at] != ' ' {
		return 0, nil, nil, 0, false
	}
	at++
	rest := line[at:]
	for _, c := range mysqlCommands {
		if bytes.HasPrefix(rest, []byte(c)) && (len(rest) == len(c) || rest[len(c)] == '\t' || rest[len(c)] == ' ') {
			return end, thread, rest[:len(c)], skipBlank(line, at+len(c)), true
		}
	}
	return 0, nil, nil, 0, false
}

var mysqlCommands = [...]string{
	"Connect", "Query", "Quit", "Init DB", "Prepare", "Execute", "Close stmt", "Reset stmt", "Long Data", "Field List",
	"Statistics",
	"Ping", "Change user", "Shutdown", "Refresh", "Processlist", "Kill", "Debug", "Binlog Dump GTID", "Binlog Dump",
	"Register Slave",
	"Register Replica", "Set option", "Fetch", "Daemon", "Reset Connection", "Create DB", "Drop DB", "Sleep", "Time",
	"Delayed insert",
	"Table Dump", "Connect Out", "Error",
}

func mysqlGeneralBegins(f times.File, line []byte) bool {
	_, _, _, _, ok := mysqlGeneralParts(f, line)
	return ok
}

func mysqlGeneralWrite(w *Writer, raw []byte) bool {
	banner, raw := cutBanner(raw, mysqlBanner)
	w.Message("banner", banner)
	line, _ := firstLine(raw)
	if len(line) == 0 {
		return true
	}
	end, thread, command, argument, ok := mysqlGeneralParts(w.File, line)
	if !ok {
		return false
	}
	if end > 0 {
		w.Time, _ = w.File.Leading(line)
		w.Text("timestamp", line[:end])
	}
	w.Number("thread_id", thread)
	w.Text("command", command)
	w.Message("argument", raw[argument:])
	w.denied(line[min(argument, len(line)):])
	return true
}

// MySQLAudit is the grammar of the audit logs of MariaDB's plugin, which RDS has too, and of Aurora.
func MySQLAudit() *Events {
	return &Events{
		Record: "a record of MySQL's audit log", First: lines.Of("0123456789"), Begins: mysqlAuditBegins,
		Write: mysqlAuditWrite,
		Fields: []entry.Field{
			{Name: "timestamp", Type: entry.Keyword},
			{Name: "serverhost", Type: entry.Keyword},
			{Name: "username", Type: entry.Keyword},
			{Name: "host", Type: entry.Keyword},
			{Name: "connectionid", Type: entry.Long},
			{Name: "queryid", Type: entry.Long},
			{Name: "operation", Type: entry.Keyword},
			{Name: "database", Type: entry.Keyword},
			{Name: "object", Type: entry.Text},
			{Name: "retcode", Type: entry.Long},
		},
	}
}

// mysqlAuditNames are the values before the object.
var mysqlAuditNames = [...]string{
	"timestamp", "serverhost", "username", "host", "connectionid", "queryid", "operation", "database",
}

const mysqlAuditIDs, mysqlAuditOperation = 4, 6

func mysqlAuditBegins(f times.File, line []byte) bool {
	if _, size := f.Leading(line); size == 0 || size >= len(line) || line[size] != ',' {
		return false
	}
	rest := line
	for n := range mysqlAuditNames {
		var value []byte
		value, rest = word(rest, ",")
		if rest == nil || n == mysqlAuditIDs && !isInteger(value) || n == mysqlAuditOperation && !isOperation(value) {
			return false
		}
	}
	return true
}

func isOperation(b []byte) bool {
	switch string(b) {
	case "CONNECT", "DISCONNECT", "FAILED_CONNECT", "QUERY", "TABLE", "READ", "WRITE", "CREATE", "ALTER", "RENAME", "DROP",
		"PROXY_CONNECT",
		"QUERY_DDL", "QUERY_DML", "QUERY_DCL", "QUERY_DML_NO_SELECT":
		return true
	}
	return false
}

func mysqlAuditWrite(w *Writer, raw []byte) bool {
	if !mysqlAuditBegins(w.File, raw) {
		return false
	}
	w.Time, _ = w.File.Leading(raw)
	rest := raw
	for n, name := range mysqlAuditNames {
		var value []byte
		value, rest = word(rest, ",")
		if n == mysqlAuditIDs || n == mysqlAuditIDs+1 {
			if !isInteger(value) || !w.Number(name, value) {
				return false
			}
			continue
		}
		w.Text(name, value)
	}
	// The object may have commas in it, in quotes or not; what comes behind it is a number, or nothing.
	object := rest
	for range 3 {
		i := bytes.LastIndexByte(object, ',')
		if i < 0 || object[len(object)-1] == '\'' {
			break
		}
		code := object[i+1:]
		object = object[:i]
		if isInteger(code) {
			w.Number("retcode", code)
			break
		}
	}
	if n := len(object); n > 1 && object[0] == '\'' && object[n-1] == '\'' {
		object = object[1 : n-1]
	}
	w.Message("object", object)
	return true
}

// MySQLSlow is the grammar of the slow query log of MySQL, MariaDB and Percona Server.
func MySQLSlow() *Events {
	fields := []entry.Field{
		{Name: "timestamp", Type: entry.Keyword},
		{Name: "user", Type: entry.Keyword},
		{Name: "current_user", Type: entry.Keyword},
		{Name: "host", Type: entry.Keyword},
		{Name: "ip", Type: entry.Keyword},
		{Name: "schema", Type: entry.Keyword},
		{Name: "query", Type: entry.Text},
		{Name: "header", Type: entry.Text},
		{Name: "banner", Type: entry.Text},
	}
	for _, name := range mysqlSlowNumbers {
		fields = append(fields, entry.Field{Name: name, Type: entry.Double})
	}
	return &Events{
		Record: "a record of MySQL's slow log", First: lines.All(), Begins: mysqlSlowBegins, Banner: mysqlBanner, Loose: true,
		Write:  mysqlSlowWrite,
		Joins:  func(_ times.File, line []byte) bool { return bytes.HasPrefix(line, []byte("# Time: ")) },
		Fields: fields,
	}
}

// mysqlSlowNumbers are the numbers in the comments of the slow log, by their names in small letters.
var mysqlSlowNumbers = [...]string{
	"query_time", "lock_time", "rows_sent", "rows_examined", "rows_affected", "rows_read", "bytes_sent", "bytes_received",
	"last_errno", "errno",
	"killed", "tmp_tables", "tmp_disk_tables", "tmp_table_sizes", "merge_passes", "innodb_io_r_ops", "innodb_io_r_bytes",
	"innodb_io_r_wait",
	"innodb_rec_lock_wait", "innodb_queue_wait", "innodb_pages_distinct", "log_slow_rate_limit", "read_first", "read_last",
	"read_key",
	"read_next", "read_prev", "read_rnd", "read_rnd_next", "sort_merge_passes", "sort_range_count", "sort_rows",
	"sort_scan_count",
	"created_tmp_disk_tables", "created_tmp_tables", "thread_id",
}

func mysqlSlowBegins(_ times.File, line []byte) bool {
	return len(line) > 8 && line[0] == '#' &&
		(bytes.HasPrefix(line, []byte("# Time: ")) || bytes.HasPrefix(line, []byte("# User@Host: ")))
}

// mysqlSlow is the record at hand.
type mysqlSlow struct {
	*Writer
	seen    uint64 // of mysqlSlowNumbers
	others  int
	setTime bool
}

func mysqlSlowWrite(w *Writer, raw []byte) bool {
	if banner, behind := cutBanner(raw, mysqlBanner); len(behind) > 0 && behind[0] != '#' {
		w.Message("banner", banner)
		w.Message("query", behind)
		return len(banner) > 0
	}
	r := mysqlSlow{Writer: w}
	for rest := raw; len(rest) > 0; {
		line, more := firstLine(rest)
		if !r.header(line) {
			r.Message("query", rest)
			raw = raw[:len(raw)-len(rest)]
			break
		}
		rest = more
	}
	r.Message("header", bytes.TrimRight(raw, "\r\n"))
	return true
}

// header takes a line before the query.
func (w *mysqlSlow) header(line []byte) bool {
	if value, ok := bytes.CutPrefix(line, []byte("# Time: ")); ok {
		if t, size := w.File.Leading(value); size > 0 {
			w.Time = t
		}
		w.once("timestamp", bytes.TrimSpace(value))
		return true
	}
	if value, ok := bytes.CutPrefix(line, []byte("# User@Host: ")); ok {
		w.user(value)
		return true
	}
	if value, ok := bytes.CutPrefix(line, []byte("SET timestamp=")); ok {
		seconds, _ := word(value, ";")
		if t, _, ok := times.Epoch(seconds); ok && !w.setTime {
			w.Time, w.setTime = t, true
		}
		return true
	}
	if value, ok := bytes.CutPrefix(line, []byte("use ")); ok {
		w.once("schema", bytes.TrimSuffix(value, []byte{';'}))
		return true
	}
	if len(line) == 0 || line[0] != '#' {
		return mysqlBanner(line)
	}
	w.pairs(line[1:])
	return true
}

// once writes a text that the record does not have yet.
func (w *mysqlSlow) once(name string, value []byte) {
	if w.others++; w.others > maxSlowPairs || len(value) == 0 {
		return
	}
	for at := 0; ; {
		i := bytes.Index(w.JSON[at:], []byte(name))
		if i < 0 {
			break
		}
		at += i + len(name)
		if start := at - len(name) - 1; start >= 0 && w.JSON[start] == '"' && bytes.HasPrefix(w.JSON[at:], []byte(`":`)) {
			return
		}
	}
	w.Text(name, value)
}

// maxSlowPairs is how many pairs a record has: the names of more are not compared.
const maxSlowPairs = 100

// user takes NAME[NAME] @ host [ip]  Id: 7.
func (w *mysqlSlow) user(b []byte) {
	user, rest := word(b, "[")
	current, rest := word(rest, "]")
	w.once("user", bytes.TrimSpace(user))
	w.once("current_user", current)
	_, rest, _ = bytes.Cut(rest, []byte("@ "))
	host, rest := word(rest, "[")
	w.once("host", bytes.TrimSpace(host))
	ip, rest := word(rest, "]")
	w.once("ip", ip)
	if _, id, ok := bytes.Cut(rest, []byte("Id:")); ok {
		w.number("thread_id", bytes.TrimSpace(id))
	}
}

// pairs takes what a comment says: Name: value, with spaces between them.
func (w *mysqlSlow) pairs(b []byte) {
	for len(b) > 0 {
		b = bytes.TrimLeft(b, " \t")
		key, rest := word(b, ":")
		if rest == nil || bytes.IndexByte(key, ' ') >= 0 || len(key) > 40 {
			return
		}
		b = bytes.TrimLeft(rest, " \t")
		if len(b) > 0 && len(b) < len(rest)-1 && isKeyed(b) {
			continue // the value is empty: Schema:   Last_errno: 0
		}
		var value []byte
		value, b = word(b, " \t")
		w.pair(key, value)
	}
}

// isKeyed reports whether a name with a colon comes next.
func isKeyed(b []byte) bool {
	first, _ := word(b, " \t")
	return len(first) > 1 && first[len(first)-1] == ':'
}

func (w *mysqlSlow) pair(key, value []byte) {
	var buf [40]byte
	name := buf[:0]
	for _, c := range key {
		switch {
		case quote.IsDigit(c) || c == '_' || c >= 'a' && c <= 'z':
			name = append(name, c)
		case c >= 'A' && c <= 'Z':
			name = append(name, c|0x20)
		default:
			return
		}
	}
	for _, number := range mysqlSlowNumbers {
		if string(name) == number {
			w.number(number, value)
			return
		}
	}
	for _, known := range mysqlSlowTexts {
		if string(name) == known {
			w.once(known, value)
			return
		}
	}
}

// mysqlSlowTexts are the other values in the comments of the slow log.
var mysqlSlowTexts = [...]string{
	"schema", "qc_hit", "full_scan", "full_join", "tmp_table", "tmp_table_on_disk", "filesort", "filesort_on_disk",
	"priority_queue",
	"innodb_trx_id", "log_slow_rate_type", "start", "end", "stored_routine",
}

// number writes a number that the record does not have yet.
func (w *mysqlSlow) number(name string, value []byte) {
	for i, known := range mysqlSlowNumbers {
		if known != name || w.seen>>i&1 != 0 {
			continue
		}
		w.seen |= 1 << i
		w.Number(name, value)
	}
}
