package format

import (
	"bytes"
	"slices"

	"github.com/seed56735111/penstock"
)

// albKind says how a field of the log is written.
type albKind uint8

const (
	albText    albKind = iota
	albSeconds         // -1 stands for nothing
	albInteger
	albAddress // NAME_ip and NAME_port
	albRequest // as it is, and its parts
	albTexts   // a list with spaces
	albNumbers
)

type albField struct {
	name string // with the quotes and the colon of JSON
	kind albKind
	// ip and port are the names of the halves of an address.
	ip, port string
}

// albFields are the fields in their order, by "Access logs for your Application Load Balancer" in the AWS documentation.
// Older logs end earlier; what newer ones have behind these is called field_34 and so on.
var albFields = [...]albField{ //nolint:gochecknoglobals // a table literal
	{`"type":`, albText, "", ""},
	{`"time":`, albText, "", ""},
	{`"elb":`, albText, "", ""},
	{"", albAddress, `"client_ip":`, `"client_port":`},
	{"", albAddress, `"target_ip":`, `"target_port":`},
	{`"request_processing_time":`, albSeconds, "", ""},
	{`"target_processing_time":`, albSeconds, "", ""},
	{`"response_processing_time":`, albSeconds, "", ""},
	{`"elb_status_code":`, albInteger, "", ""},
	{`"target_status_code":`, albInteger, "", ""},
	{`"received_bytes":`, albInteger, "", ""},
	{`"sent_bytes":`, albInteger, "", ""},
	{`"request":`, albRequest, "", ""},
	{`"user_agent":`, albText, "", ""},
	{`"ssl_cipher":`, albText, "", ""},
	{`"ssl_protocol":`, albText, "", ""},
	{`"target_group_arn":`, albText, "", ""},
	{`"trace_id":`, albText, "", ""},
	{`"domain_name":`, albText, "", ""},
	{`"chosen_cert_arn":`, albText, "", ""},
	{`"matched_rule_priority":`, albInteger, "", ""},
	{`"request_creation_time":`, albText, "", ""},
	{`"actions_executed":`, albText, "", ""},
	{`"redirect_url":`, albText, "", ""},
	{`"error_reason":`, albText, "", ""},
	{`"target_port_list":`, albTexts, "", ""},
	{`"target_status_code_list":`, albNumbers, "", ""},
	{`"classification":`, albText, "", ""},
	{`"classification_reason":`, albText, "", ""},
	{`"conn_trace_id":`, albText, "", ""},
	{`"transformed_host":`, albText, "", ""},
	{`"transformed_uri":`, albText, "", ""},
	{`"request_transform_status":`, albText, "", ""},
}

// albLeast is how many fields a line has at least: those up to the request.
const albLeast = 13

// isALB looks for a line that begins as a record does; the first lines of an object may be damaged.
func isALB(s *sample) bool {
	return slices.ContainsFunc(s.lines(5), isALBLine)
}

func isALBLine(line []byte) bool {
	first, rest, _ := bytes.Cut(line, []byte{' '})
	switch string(first) {
	case "http", "https", "h2", "grpcs", "ws", "wss":
	default:
		return false
	}
	_, n, ok := isoTime(rest)
	return ok && n > 19 && bytes.HasPrefix(rest[n:], []byte(" app/"))
}

// albReader turns lines into JSON.
type albReader struct {
	reader
}

func readALB(p *parsing, y yield) {
	r := albReader{reader: p.reader}
	r.eachLine(y, func(line []byte, offset int64) bool { return r.record(line, offset, y) })
	p.json = r.json
}

func (r *albReader) record(line []byte, offset int64, y yield) bool {
	rec := penstock.Record{Offset: offset, Raw: line}
	r.json = append(r.json[:0], '{')
	at, field := 0, 0
	for ; at < len(line); field++ {
		value, next, ok := albToken(line, at)
		if !ok {
			return r.emitUnparsed(offset, line, unexpected("an ALB record", line, at), y)
		}
		if field == 1 {
			t, n, ok := isoTime(value)
			if !ok || n != len(value) || n == len("2006-01-02") {
				return r.emitUnparsed(offset, line, unexpected("an ALB record", line, at), y)
			}
			rec.Time = t
		}
		if !r.field(field, value) {
			return r.emitUnparsed(offset, line, unexpected("an ALB record", line, at), y)
		}
		at = next
	}
	if field < albLeast {
		return r.emitUnparsed(offset, line, because("not an ALB record: fewer than 13 fields"), y)
	}
	if last := len(r.json) - 1; r.json[last] == ',' {
		r.json[last] = '}'
	} else {
		r.json = append(r.json, '}')
	}
	rec.JSON = r.json
	return r.emit(rec, y)
}

// albToken returns the field that begins at i, without its quotes, and where the next one begins. A quote inside of a
// quoted field ends it only when a space or the end of the line follows.
func albToken(line []byte, i int) (value []byte, next int, ok bool) {
	if line[i] != '"' {
		end := bytes.IndexByte(line[i:], ' ')
		if end < 0 {
			return line[i:], len(line), true
		}
		return line[i : i+end], i + end + 1, end > 0
	}
	start := i + 1
	for j := start; ; j++ {
		q := bytes.IndexByte(line[j:], '"')
		if q < 0 {
			return nil, 0, false
		}
		j += q
		if isEscaped(line[start:j]) {
			continue
		}
		if j+1 == len(line) {
			return line[start:j], j + 1, true
		}
		if line[j+1] == ' ' {
			return line[start:j], j + 2, true
		}
	}
}

// isEscaped reports whether what follows b is behind an odd number of backslashes.
func isEscaped(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}

// field appends one field, unless its value is a dash. It reports false for a value that the field cannot have.
func (r *albReader) field(i int, value []byte) bool {
	if len(value) == 0 || len(value) == 1 && value[0] == '-' {
		return true
	}
	if i >= len(albFields) {
		r.json = append(r.json, `"field_`...)
		r.json = append(r.json, byte('0'+(i+1)/10%10), byte('0'+(i+1)%10))
		r.json = append(r.json, `":`...)
		r.text("", value)
		return i < 99
	}
	f := &albFields[i]
	switch f.kind {
	case albSeconds:
		if string(value) == "-1" {
			return true
		}
		return r.number(f.name, value, true)
	case albInteger:
		if string(value) == "-1" {
			return true
		}
		return r.number(f.name, value, false)
	case albAddress:
		return r.address(f, value)
	case albRequest:
		r.text(f.name, value)
		r.request(value)
	case albTexts, albNumbers:
		return r.list(f, value)
	default:
		r.text(f.name, value)
	}
	return true
}

// number appends digits, with a fraction where one is allowed.
func (r *albReader) number(name string, value []byte, fraction bool) bool {
	digits := 0
	for i, c := range value {
		switch {
		case isDigit(c):
			digits++
		case c == '.' && fraction && i > 0 && i < len(value)-1:
			fraction = false
		default:
			return false
		}
	}
	if digits > 18 || len(value) > 1 && value[0] == '0' && value[1] != '.' {
		return false
	}
	r.json = append(r.json, name...)
	r.json = append(r.json, value...)
	r.json = append(r.json, ',')
	return true
}

// address appends the halves of ADDRESS:PORT. An IPv6 address may be in brackets or not; either half may be a dash.
func (r *albReader) address(f *albField, value []byte) bool {
	colon := bytes.LastIndexByte(value, ':')
	if colon < 0 {
		r.text(f.ip, value)
		return true
	}
	ip, port := value[:colon], value[colon+1:]
	if n := len(ip); n > 1 && ip[0] == '[' && ip[n-1] == ']' {
		ip = ip[1 : n-1]
	}
	if len(ip) > 0 && string(ip) != "-" {
		r.text(f.ip, ip)
	}
	return len(port) == 0 || string(port) == "-" || r.number(f.port, port, false)
}

// request appends method, URL and protocol: what stands before the first space, and behind the last one.
func (r *albReader) request(value []byte) {
	first, last := bytes.IndexByte(value, ' '), bytes.LastIndexByte(value, ' ')
	if first <= 0 || last == first {
		return
	}
	part := func(name string, b []byte) {
		if len(b) > 0 && string(b) != "-" {
			r.text(name, b)
		}
	}
	part(`"request_method":`, value[:first])
	part(`"request_url":`, bytes.TrimSpace(value[first+1:last]))
	part(`"request_protocol":`, value[last+1:])
}

// list appends the values between spaces, without dashes.
func (r *albReader) list(f *albField, value []byte) bool {
	r.json = append(r.json, f.name...)
	r.json = append(r.json, '[')
	for len(value) > 0 {
		var one []byte
		one, value, _ = bytes.Cut(value, []byte{' '})
		switch {
		case len(one) == 0, len(one) == 1 && one[0] == '-':
		case f.kind == albTexts:
			r.text("", one)
		case !r.number("", one, false):
			return false
		}
	}
	if last := len(r.json) - 1; r.json[last] == ',' {
		r.json = r.json[:last]
	}
	r.json = append(r.json, ']', ',')
	return true
}

// text appends a name and a string.
func (r *albReader) text(name string, value []byte) {
	r.json = append(r.json, name...)
	r.json = append(r.json, '"')
	if isPlain(value) {
		r.json = append(r.json, value...)
	} else {
		r.json = appendUnslashed(r.json, value)
	}
	r.json = append(r.json, '"', ',')
}

// appendUnslashed appends a value in which a quote may be written as \". Other backslashes are kept: \x22 is how the
// service writes what is not ASCII.
func appendUnslashed(dst, value []byte) []byte {
	for {
		i := bytes.Index(value, []byte(`\"`))
		if i < 0 {
			return appendText(dst, value)
		}
		dst = appendText(dst, value[:i])
		dst = append(dst, `\"`...)
		value = value[i+2:]
	}
}
