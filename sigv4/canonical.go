package sigv4

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	timeFormat = "20060102T150405Z"
	dateLength = len("20060102")

	// EmptyPayloadHash is the payload hash of a request without a body.
	EmptyPayloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

const upperHex = "0123456789ABCDEF"

// covered is what a signature covers, for signing and for verifying.
type covered struct {
	method string
	// target is the request target as it is on the wire.
	target string
	// omit is the query parameter that the signature does not cover: the signature itself, when it is in the query.
	omit string
	host string
	// names are the signed headers in the order and spelling of the SignedHeaders list.
	names       []string
	header      func(name string) []string
	payloadHash string
}

// work is the memory that one signature takes; it is reused.
type work struct {
	canonical []byte
	toSign    []byte
	out       []byte
	query     []byte
	pairs     []pair
	names     []string
	sum       []byte
}

// pair locates one encoded parameter in work.query: the name is [start:eq], the value [eq+1:end].
type pair struct{ start, eq, end int }

// build fills w.canonical and w.toSign.
func (w *work) build(c *covered, date, region, service string) {
	path, query := splitTarget(c.target)
	b := append(w.canonical[:0], c.method...)
	b = append(b, '\n')
	if isS3(service) {
		b = appendKey(b, path)
	} else {
		b = appendPath(b, path)
	}
	b = append(b, '\n')
	b = w.appendQuery(b, query, c.omit)
	b = append(b, '\n')
	for _, name := range c.names {
		b = appendHeader(b, name, c)
	}
	b = append(b, '\n')
	for i, name := range c.names {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	b = append(b, c.payloadHash...)
	w.canonical = b

	s := append(w.toSign[:0], algorithm+"\n"...)
	s = append(s, date...)
	s = append(s, '\n')
	s = appendScope(s, date, region, service)
	s = append(s, '\n')
	w.toSign = appendHash(s, b)
}

func appendScope(b []byte, date, region, service string) []byte {
	b = append(b, date[:dateLength]...)
	b = append(b, '/')
	b = append(b, region...)
	b = append(b, '/')
	b = append(b, service...)
	return append(b, "/"+terminator...)
}

// splitTarget splits a request target at its first question mark. The absolute form loses its scheme and authority.
func splitTarget(target string) (path, query string) {
	path, query, _ = strings.Cut(target, "?")
	if strings.HasPrefix(path, "/") {
		return path, query
	}
	if _, rest, found := strings.Cut(path, "://"); found {
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			return "/", query
		}
		return rest[i:], query
	}
	return path, query
}

// appendPath appends the canonical form of a path. Empty and dot segments are resolved as the service resolves them,
// then every byte outside the unreserved set is encoded, the percent sign of an escape included. A trailing slash is
// kept. A trailing dot segment leaves none, as in the signers of botocore and smithy.
func appendPath(b []byte, path string) []byte {
	if !strings.HasPrefix(path, "/") {
		return appendEncoded(b, path)
	}
	start := len(b)
	for rest, more := path, true; more; {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		switch segment {
		case "", ".":
		case "..":
			if i := bytes.LastIndexByte(b[start:], '/'); i >= 0 {
				b = b[:start+i]
			}
		default:
			b = append(b, '/')
			b = appendEncoded(b, segment)
		}
	}
	if len(b) == start || strings.HasSuffix(path, "/") {
		b = append(b, '/')
	}
	return b
}

// appendKey appends the canonical form of a path of S3, whose segments are part of the name of an object: they stay as
// they are, each byte encoded once.
func appendKey(b []byte, path string) []byte {
	for path != "" {
		c, n := path[0], 1
		if c == '%' { // a plus sign is no space in a path
			c, n = decodeByte(path)
		}
		if c == '/' && n == 1 {
			b = append(b, '/')
		} else {
			b = appendByte(b, c)
		}
		path = path[n:]
	}
	return b
}

// appendQuery appends the canonical form of a query. It is split at "&", each name and value is decoded and encoded
// once, and the parameters are sorted by encoded name and then value. A semicolon, and a percent sign that begins no
// escape, are data.
func (w *work) appendQuery(b []byte, query, omit string) []byte {
	if query == "" {
		return b
	}
	w.query, w.pairs = w.query[:0], w.pairs[:0]
	for rest, more := query, true; more; {
		var parameter string
		parameter, rest, more = strings.Cut(rest, "&")
		if parameter == "" {
			continue
		}
		name, value, _ := strings.Cut(parameter, "=")
		p := pair{start: len(w.query)}
		w.query = appendRecoded(w.query, name)
		if omit != "" && string(w.query[p.start:]) == omit {
			w.query = w.query[:p.start]
			continue
		}
		p.eq = len(w.query)
		w.query = append(w.query, '=')
		w.query = appendRecoded(w.query, value)
		p.end = len(w.query)
		w.pairs = append(w.pairs, p)
	}
	q := w.query
	slices.SortFunc(w.pairs, func(a, b pair) int {
		if c := bytes.Compare(q[a.start:a.eq], q[b.start:b.eq]); c != 0 {
			return c
		}
		return bytes.Compare(q[a.eq:a.end], q[b.eq:b.end])
	})
	for i, p := range w.pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, q[p.start:p.end]...)
	}
	return b
}

// appendHeader appends the line of one signed header. A header that is named and not sent has an empty value.
func appendHeader(b []byte, name string, c *covered) []byte {
	for i := range len(name) {
		b = append(b, lower(name[i]))
	}
	b = append(b, ':')
	if strings.EqualFold(name, "host") {
		b = appendTrimmed(b, c.host)
		return append(b, '\n')
	}
	for i, value := range c.header(name) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendTrimmed(b, value)
	}
	return append(b, '\n')
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// appendTrimmed appends a header value without outer white space and with runs of spaces as one.
func appendTrimmed(b []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	if !strings.Contains(value, "  ") {
		return append(b, value...)
	}
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' {
			b = append(b, value[i])
		}
	}
	return b
}

// appendEncoded percent-encodes every byte of s outside the unreserved set.
func appendEncoded(b []byte, s string) []byte {
	for i := range len(s) {
		b = appendByte(b, s[i])
	}
	return b
}

// appendRecoded decodes s as a query does and encodes it again.
func appendRecoded(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c, n := decodeByte(s[i:])
		b = appendByte(b, c)
		i += n - 1
	}
	return b
}

// decodeByte returns the byte that s begins with in a query, and how many bytes of s it takes.
func decodeByte(s string) (c byte, n int) {
	switch {
	case s[0] == '+':
		return ' ', 1
	case s[0] == '%' && len(s) > 2:
		if h, l := unhex(s[1]), unhex(s[2]); h < 16 && l < 16 {
			return h<<4 | l, 3
		}
	}
	return s[0], 1
}

// decode returns the plain form of a query name or value.
func decode(s string) string {
	if !strings.ContainsAny(s, "+%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c, n := decodeByte(s[i:])
		b = append(b, c)
		i += n - 1
	}
	return string(b)
}

// unhex returns the value of a hexadecimal digit, and 16 for any other byte.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

func appendByte(b []byte, c byte) []byte {
	if unreserved(c) {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return c == '-' || c == '.' || c == '_' || c == '~'
}

// headerKey returns the key of a header map for a header name. The names that are signed most often cost no allocation.
func headerKey(name string) string {
	switch name {
	case "content-encoding":
		return "Content-Encoding"
	case "content-type":
		return "Content-Type"
	case "x-amz-content-sha256":
		return keyContentHash
	case "x-amz-date":
		return keyDate
	case "x-amz-security-token":
		return keyToken
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}

// The header keys that signing writes.
const (
	keyAuthorization = "Authorization"
	keyDate          = "X-Amz-Date"
	keyToken         = "X-Amz-Security-Token" //nolint:gosec // the name of a header
	keyContentHash   = "X-Amz-Content-Sha256"
)

// headerOf is the header function of a plain map.
func headerOf(h http.Header) func(string) []string {
	return func(name string) []string { return h[headerKey(name)] }
}

// appendHash appends the SHA-256 of data in lower-case hexadecimal digits.
func appendHash(b, data []byte) []byte {
	sum := sum256(data)
	return hex.AppendEncode(b, sum[:])
}
