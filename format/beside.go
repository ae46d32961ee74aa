package format

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// addresses returns what splits members that are an address and a port, as events.Row.Beside wants it: NAME_ip and
// NAME_port stand beside NAME.
func addresses(names ...string) func(dst, record []byte) []byte {
	host := lines.Host()
	return func(dst, record []byte) []byte {
		for _, name := range names {
			start, end, ok := events.Text(record, name)
			if !ok {
				continue
			}
			value := record[start:end]
			colon := bytes.LastIndexByte(value, ':')
			if colon < 0 {
				continue
			}
			ip, port := value[:colon], value[colon+1:]
			if len(ip) > 1 && ip[0] == '[' && ip[len(ip)-1] == ']' {
				ip = ip[1 : len(ip)-1]
			}
			if !host.Is(ip) || !isPort(port) {
				continue
			}
			dst = appendMember(dst, record, name, "_ip", ip, true)
			dst = appendMember(dst, record, name, "_port", port, false)
		}
		return dst
	}
}

// isPort reports whether a text is a number that can stand in JSON and is small enough for a port.
func isPort(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 5 && (b[0] != '0' || len(b) == 1)
}

// appendMember appends a member with a comma before it, unless the record has one of that name.
func appendMember(dst, record []byte, name, suffix string, value []byte, text bool) []byte {
	from := len(dst)
	dst = append(append(append(dst, `,"`...), name...), suffix...)
	if events.Has(record, dst[from+2:]) {
		return dst[:from]
	}
	dst = append(dst, `":`...)
	switch {
	case !text:
		return append(dst, value...)
	case bytes.IndexByte(value, '\\') >= 0:
		return dst[:from] // it may end within an escape sequence
	}
	return append(append(append(dst, '"'), value...), '"')
}

// shard takes the index, its id or the number of the shard out of the messages of slow logs, [index/id] or [index][0],
// and how long the request took, which older versions have in the message too.
func shard(dst, record []byte) []byte {
	start, end, ok := events.Text(record, "message")
	if !ok || record[start] != '[' {
		return dst
	}
	message := record[start:end]
	size := bytes.IndexByte(message, ']')
	if size < 2 {
		return dst
	}
	index, rest := message[1:size], message[size+1:]
	name, id, hasID := bytes.Cut(index, []byte{'/'})
	if !isIndex(name) || hasID && !isIndex(id) {
		return dst
	}
	number := 0
	if len(rest) > 2 && rest[0] == '[' {
		number = bytes.IndexByte(rest, ']')
	}
	isShard := number > 1 && isPort(rest[1:number])
	if !hasID && !isShard {
		return dst // a message that begins with a bracket
	}
	dst = appendMember(dst, record, "index", "", name, true)
	if hasID {
		dst = appendMember(dst, record, "index_uuid", "", id, true)
	}
	if isShard {
		dst = appendMember(dst, record, "shard", "", rest[1:number], true)
	}
	if _, took, ok := bytes.Cut(rest, []byte("took[")); ok {
		if took, _, ok = bytes.Cut(took, []byte{']'}); ok {
			dst = appendMember(dst, record, "took", "", took, true)
		}
	}
	if _, took, ok := bytes.Cut(rest, []byte("took_millis[")); ok {
		if took, _, ok = bytes.Cut(took, []byte{']'}); ok && isPort(took) {
			dst = appendMember(dst, record, "took_millis", "", took, true)
		}
	}
	return dst
}

// isIndex reports whether a text may be the name of an index, or its id.
func isIndex(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || bytes.IndexByte([]byte(`\"/*?<>|,:`), c) >= 0 {
			return false
		}
	}
	return len(b) > 0
}
