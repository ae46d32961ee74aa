package explain

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/sigv4"
)

// canonical is a canonical request in its lines.
type canonical struct {
	method, path, query string
	headers             []field
	signed, payload     string
}

type field struct{ name, value string }

// maxLines bounds a canonical request that is read.
const maxLines = 300

// parseCanonical reads a canonical request.
func parseCanonical(text string) (c canonical, ok bool) {
	lines := strings.SplitN(text, "\n", maxLines)
	if len(lines) < 6 || len(lines) == maxLines {
		return c, false
	}
	end := len(lines) - 1
	if lines[end] == "" { // a line end behind the hash
		end--
	}
	c.method, c.path, c.query = lines[0], lines[1], lines[2]
	c.signed, c.payload = lines[end-1], lines[end]
	for _, line := range lines[3 : end-1] {
		name, value, found := strings.Cut(line, ":")
		if line == "" {
			continue
		}
		if !found {
			return c, false
		}
		c.headers = append(c.headers, field{name, value})
	}
	isMethod := c.method != "" && strings.Trim(c.method, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == ""
	return c, isMethod && len(c.headers) > 0
}

func (c *canonical) String() string {
	var b strings.Builder
	b.WriteString(c.method + "\n" + c.path + "\n" + c.query + "\n")
	for _, h := range c.headers {
		b.WriteString(h.name + ":" + h.value + "\n")
	}
	b.WriteString("\n" + c.signed + "\n" + c.payload)
	return b.String()
}

func (c *canonical) clone() canonical {
	d := *c
	d.headers = slices.Clone(c.headers)
	return d
}

// value returns what a header has in the canonical request.
func (c *canonical) value(name string) (string, bool) {
	for _, h := range c.headers {
		if strings.EqualFold(h.name, name) {
			return h.value, true
		}
	}
	return "", false
}

// The names of lines. Those of headers begin with lineHeader.
const (
	lineMethod  = "method"
	linePath    = "path"
	lineQuery   = "query"
	lineHeader  = "header "
	lineSigned  = "signed headers"
	linePayload = "payload hash"
	lineLayout  = "layout"
)

// A Line is one line of two canonical requests.
type Line struct {
	// Number counts the lines of what the domain expected, from 1. It is zero for what is no line of it.
	Number int `json:"number,omitempty"`
	// Name is method, path, query, "header NAME", signed headers or payload hash.
	Name string `json:"name"`
	// Client is what was signed, or what was sent; Domain what arrived. Secrets in them are masked.
	Client string `json:"client"`
	Domain string `json:"domain"`

	// sent and expected are the whole values, where they decide the cause. With body set the line goes with the body,
	// which differs too.
	sent, expected string
	body           bool
}

// firstDifference returns the first line in which two canonical requests differ. Lines that a person has made
// unreadable are passed over and reported.
func firstDifference(client, domain *canonical) (first Line, differ, redacted bool) {
	differs := func(number int, name, a, b string) bool {
		if a == b {
			return false
		}
		if isRedacted(a) || isRedacted(b) {
			redacted = true
			return false
		}
		first = Line{Number: number, Name: name, Client: masked(name, a), Domain: masked(name, b), sent: a, expected: b}
		if first.Client == first.Domain {
			first.Client += " (another one)"
		}
		switch name {
		case lineHeader + "content-length", lineHeader + "transfer-encoding", lineHeader + "content-encoding",
			lineHeader + "x-amz-content-sha256", lineHeader + "content-md5":
			first.body = client.payload != "" && client.payload != domain.payload
		}
		return true
	}
	if differs(1, lineMethod, client.method, domain.method) || differs(2, linePath, client.path, domain.path) ||
		differs(3, lineQuery, client.query, domain.query) {
		return first, true, redacted
	}
	for i, h := range domain.headers {
		value, found := client.value(h.name)
		if !found {
			continue // the list of signed headers differs, and says it
		}
		if differs(4+i, lineHeader+h.name, value, h.value) {
			return first, true, redacted
		}
	}
	after := 4 + len(domain.headers) + 1
	if differs(after, lineSigned, strings.ToLower(client.signed), strings.ToLower(domain.signed)) ||
		client.payload != "" && differs(after+1, linePayload, client.payload, domain.payload) {
		return first, true, redacted
	}
	return first, false, redacted
}

// redactions are how people make a value unreadable before they show it.
var redactions = []string{"<", "redacted", "REDACTED", "masked", "****", "xxx", "XXX", "…"}

func isRedacted(s string) bool {
	return slices.ContainsFunc(redactions, func(mark string) bool { return strings.Contains(s, mark) })
}

const mask = "(masked)"

// masked is a line's value without what must not be shown.
func masked(name, value string) string {
	name, _ = strings.CutPrefix(name, lineHeader)
	switch strings.ToLower(name) {
	case "x-amz-security-token", "authorization", "cookie", "proxy-authorization", "x-api-key":
		if value == "" {
			return ""
		}
		return mask + ", " + strconv.Itoa(len(value)) + " bytes"
	case lineQuery:
		return maskQuery(value)
	}
	return bounded(value)
}

// maskQuery masks the parameters that carry a signature.
func maskQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, found := strings.Cut(part, "=")
		switch strings.ToLower(name) {
		case "x-amz-signature", "x-amz-credential", "x-amz-security-token":
			if found {
				parts[i] = name + "=" + mask
			}
		}
	}
	return bounded(strings.Join(parts, "&"))
}

// maxShown bounds a value that is shown.
const maxShown = 300

func bounded(s string) string {
	if len(s) > maxShown {
		return s[:maxShown] + "…"
	}
	return s
}

// decodeAll decodes the escapes of s, over and over, so that spellings of one path become equal.
func decodeAll(s string) string {
	for range 4 {
		t := decodeOnce(s)
		if t == s {
			break
		}
		s = t
	}
	return s
}

func decodeOnce(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(v))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// samePath reports whether two paths are spellings of one.
func samePath(a, b string) bool {
	clean := func(s string) string {
		c := sigv4.Covered{Target: decodeAll(s)}
		text := c.CanonicalRequest()
		_, text, _ = strings.Cut(text, "\n")
		text, _, _ = strings.Cut(text, "\n")
		return strings.TrimSuffix(text, "/")
	}
	return strings.EqualFold(clean(a), clean(b))
}

// sameQuery reports whether two queries are spellings of one.
func sameQuery(a, b string) bool {
	parts := func(s string) []string {
		list := strings.Split(strings.ReplaceAll(s, "+", "%20"), "&")
		for i, p := range list {
			list[i] = strings.ReplaceAll(strings.TrimSuffix(decodeAll(p), "="), "+", " ")
		}
		slices.Sort(list)
		return list
	}
	return slices.Equal(parts(a), parts(b))
}
