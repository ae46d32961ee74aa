package ocsf

import (
	"bytes"
	"strconv"
	"time"

	"github.com/seed56735111/penstock/internal/quote"
)

// kind is how a value is written.
type kind struct {
	// as is the type that an index gives it.
	as string
	// append writes a value, or nothing for one that is of another kind.
	append func(dst, value []byte) []byte
}

// kinds are those of the tables, beside the enums and what writer.leaf does itself.
func kinds() map[string]kind {
	return map[string]kind{
		"text":      {"keyword", appendText},
		"words":     {"text", appendText},
		"json":      {"flat_object", appendText},
		"int":       {"long", appendInt},
		"float":     {"double", appendFloat},
		"bool":      {"boolean", appendBool},
		"ip":        {"ip", appendIP},
		"host":      {"keyword", appendHost},
		"date":      {"date", appendDate},
		"epoch":     {"date", appendEpoch},
		"method":    {"keyword", appendMethod},
		"account":   {"keyword", appendAccount},
		"tls":       {"keyword", appendTLS},
		"list":      {"keyword", appendList},
		"first":     {"keyword", appendFirst},
		"firstip":   {"ip", func(dst, v []byte) []byte { return appendOf(dst, v, appendIP) }},
		"firstac":   {"keyword", func(dst, v []byte) []byte { return appendOf(dst, v, appendAccount) }},
		"rest":      {"keyword", appendRest},
		"filled":    {"keyword", appendFilled},
		"ja3":       {"", appendJA3},
		"ja4":       {"", appendJA4},
		"firsthost": {"keyword", func(dst, v []byte) []byte { return appendOf(dst, v, appendHost) }},
	}
}

// text returns the body of a string, or a number or boolean as it is written; nil for anything else.
func text(value []byte) []byte {
	switch {
	case len(value) == 0 || value[0] == '{' || value[0] == '[' || value[0] == 'n':
		return nil
	case value[0] == '"':
		return value[1 : len(value)-1]
	}
	return value
}

func appendText(dst, value []byte) []byte {
	body := text(value)
	if body == nil {
		return dst
	}
	return append(append(append(dst, '"'), body...), '"')
}

// appendInt writes a whole number, also one that is a text.
func appendInt(dst, value []byte) []byte {
	body := text(value)
	if !isInt(body) {
		return dst
	}
	return append(dst, body...)
}

// isInt reports whether a text is a number of at most 18 digits as JSON has it.
func isInt(b []byte) bool {
	if len(b) > 1 && b[0] == '-' {
		b = b[1:]
	}
	const most = 18
	if len(b) == 0 || len(b) > most || b[0] == '0' && len(b) > 1 {
		return false
	}
	for _, c := range b {
		if !quote.IsDigit(c) {
			return false
		}
	}
	return true
}

func appendFloat(dst, value []byte) []byte {
	if len(value) == 0 || value[0] != '-' && !quote.IsDigit(value[0]) {
		return dst
	}
	return append(dst, value...)
}

func appendBool(dst, value []byte) []byte {
	switch string(text(value)) {
	case "true", "Yes", "YES":
		return append(dst, "true"...)
	case "false", "No", "NO":
		return append(dst, "false"...)
	}
	return dst
}

func appendIP(dst, value []byte) []byte {
	if len(value) == 0 || value[0] != '"' || !isIP(text(value)) {
		return dst
	}
	return append(dst, value...)
}

// appendHost writes a text that is no address.
func appendHost(dst, value []byte) []byte {
	if isIP(text(value)) {
		return dst
	}
	return appendText(dst, value)
}

// isIP reports whether a text is an address as netip has it, without a zone.
func isIP(b []byte) bool {
	if bytes.IndexByte(b, ':') < 0 {
		return isIPv4(b)
	}
	groups, ellipsis := 0, false
	for i := 0; i < len(b); {
		if b[i] == ':' {
			switch {
			case i+1 < len(b) && b[i+1] == ':' && !ellipsis:
				ellipsis = true
				i += 2
				if i < len(b) && b[i] == ':' {
					return false
				}
				continue
			case i > 0 && b[i-1] != ':' && i+1 < len(b) && b[i+1] != ':':
				i++
			default:
				return false
			}
		}
		start := i
		for i < len(b) && isHexDigit(b[i]) {
			i++
		}
		if i < len(b) && b[i] == '.' {
			return isIPv4(b[start:]) && (groups == 6 && !ellipsis || groups < 6 && ellipsis)
		}
		if i == start || i-start > 4 || i < len(b) && b[i] != ':' {
			return false
		}
		groups++
	}
	return groups == 8 && !ellipsis || groups < 8 && ellipsis
}

func isHexDigit(c byte) bool {
	return quote.IsDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func isIPv4(b []byte) bool {
	parts, n, digits := 1, 0, 0
	for _, c := range b {
		switch {
		case quote.IsDigit(c):
			if n = 10*n + int(c-'0'); digits > 0 && n == int(c-'0') || n > 255 {
				return false
			}
			digits++
		case c == '.' && digits > 0:
			parts, n, digits = parts+1, 0, 0
		default:
			return false
		}
	}
	return parts == 4 && digits > 0
}

// appendDate writes a text that is a date and a time as the schema has them.
func appendDate(dst, value []byte) []byte {
	if len(value) == 0 || value[0] != '"' || !isDateTime(text(value)) {
		return dst
	}
	return append(dst, value...)
}

func isDateTime(b []byte) bool {
	const form = "dddd-dd-ddTdd:dd:dd"
	if len(b) < len(form) {
		return false
	}
	for i, c := range []byte(form) {
		if c == 'd' && !quote.IsDigit(b[i]) || c != 'd' && b[i] != c {
			return false
		}
	}
	b = b[len(form):]
	if len(b) > 1 && b[0] == '.' && quote.IsDigit(b[1]) {
		for b = b[1:]; len(b) > 0 && quote.IsDigit(b[0]); {
			b = b[1:]
		}
	}
	switch {
	case len(b) == 0, string(b) == "Z":
		return true
	case len(b) == len("+00:00") && (b[0] == '+' || b[0] == '-'):
		return quote.IsDigit(b[1]) && quote.IsDigit(b[2]) && b[3] == ':' && quote.IsDigit(b[4]) && quote.IsDigit(b[5])
	}
	return false
}

// appendFilled writes a text that is not empty.
func appendFilled(dst, value []byte) []byte {
	if len(text(value)) == 0 {
		return dst
	}
	return appendText(dst, value)
}

// appendJA3 writes a fingerprint of JA3, which is an MD5 sum.
func appendJA3(dst, value []byte) []byte {
	body := text(value)
	for _, c := range body {
		if !isHexDigit(c) {
			return dst
		}
	}
	if len(body) == 0 {
		return dst
	}
	return append(appendText(append(dst, `{"algorithm":"MD5","algorithm_id":1,"value":`...), value), '}')
}

// appendJA4 writes a list with one fingerprint of JA4.
func appendJA4(dst, value []byte) []byte {
	if len(text(value)) == 0 {
		return dst
	}
	return append(appendText(append(dst, `[{"type":"JA4","type_id":1,"value":`...), value), `}]`...)
}

// appendMethod writes a method of HTTP that the schema knows.
func appendMethod(dst, value []byte) []byte {
	switch string(text(value)) {
	case "OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT":
		return append(dst, value...)
	}
	return dst
}

// appendAccount writes the account of an ARN: arn:aws:iam::123456789012:role/x.
func appendAccount(dst, value []byte) []byte {
	body := text(value)
	const before = 4 // colons
	for range before {
		at := bytes.IndexByte(body, ':')
		if at < 0 {
			return dst
		}
		body = body[at+1:]
	}
	at := bytes.IndexByte(body, ':')
	if at <= 0 {
		return dst
	}
	return append(append(append(dst, '"'), body[:at]...), '"')
}

// appendTLS writes the version of TLS that a JA4 fingerprint begins with: t13d1516h2_… is 1.3.
func appendTLS(dst, value []byte) []byte {
	body := text(value)
	if len(body) < 3 || body[1] != '1' || body[2] < '0' || body[2] > '3' {
		return dst
	}
	return append(dst, '"', '1', '.', body[2], '"')
}

// comma returns where the member or element behind one that ends at b[i] begins, or the bracket.
func comma(b []byte, i int) int {
	if i = quote.Space(b, i); i < len(b) && b[i] == ',' {
		i = quote.Space(b, i+1)
	}
	return i
}

// appendList writes an array of texts; a text is one of them.
func appendList(dst, value []byte) []byte { return appendTexts(dst, value, 0, "") }

// appendRest writes an array of texts without the first one.
func appendRest(dst, value []byte) []byte {
	if len(value) == 0 || value[0] != '[' {
		return dst
	}
	return appendTexts(dst, value, 1, "")
}

// appendMembers writes an array of the texts that the elements have as a member.
func appendMembers(dst, value []byte, name string) []byte {
	if len(value) == 0 || value[0] != '[' {
		return dst
	}
	return appendTexts(dst, value, 0, name)
}

// appendTexts writes the texts of an array from one of them on. Without a name all elements must be texts.
func appendTexts(dst, value []byte, from int, name string) []byte {
	start := len(dst)
	dst = append(dst, '[')
	open := len(dst)
	for n, i := 0, first(value); i < len(value) && value[i] != ']'; n++ {
		end, _ := quote.ValueEnd(value, i)
		element := value[i:end]
		i = comma(value, end)
		if n < from {
			continue
		}
		if name != "" {
			if element[0] != '{' {
				continue
			}
			if element = member(element, name); text(element) == nil {
				continue
			}
		}
		if text(element) == nil {
			return dst[:start]
		}
		dst = appendText(separate(dst), element)
	}
	if len(dst) == open {
		return dst[:start]
	}
	return append(dst, ']')
}

// appendOf writes the first element of an array, or a value that is none.
func appendOf(dst, value []byte, as func(dst, value []byte) []byte) []byte {
	i := first(value)
	if i >= len(value) || value[i] == ']' {
		return dst
	}
	end, _ := quote.ValueEnd(value, i)
	return as(dst, value[i:end])
}

func appendFirst(dst, value []byte) []byte { return appendOf(dst, value, appendText) }

// appendEpoch writes seconds since 1970 as a date and a time.
func appendEpoch(dst, value []byte) []byte {
	const latest = 253402300800 // the year 10000
	if body := text(value); isInt(body) {
		if n, err := strconv.ParseInt(string(body), 10, 64); err == nil && n >= 0 && n < latest {
			return time.Unix(n, 0).UTC().AppendFormat(dst, `"2006-01-02T15:04:05Z"`)
		}
	}
	return dst
}
