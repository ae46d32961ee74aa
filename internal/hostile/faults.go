package hostile

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// GetFault is a way to answer a request for an object wrongly.
type GetFault func(w http.ResponseWriter, g *Get)

// Always makes every request for an object fail.
func Always(f GetFault) func(http.ResponseWriter, *Get) bool {
	return func(w http.ResponseWriter, g *Get) bool {
		f(w, g)
		return true
	}
}

// Once makes the first request for each object fail.
func Once(f GetFault) func(http.ResponseWriter, *Get) bool {
	return func(w http.ResponseWriter, g *Get) bool {
		if g.N > 1 {
			return false
		}
		f(w, g)
		return true
	}
}

// HTML is what a proxy or a captive portal says in place of what was asked for.
const HTML = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>Sign in to go on.</body></html>\n"

// part sets the headers of an answer that begins where it was asked to, and returns what the answer should carry.
func (g *Get) part(w http.ResponseWriter, summed bool) string {
	g.Head(w, summed)
	if g.From > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", g.From, len(g.Body)-1, len(g.Body)))
		w.WriteHeader(http.StatusPartialContent)
	}
	return g.Body[g.From:]
}

// Part sends the part that a range with an end asks for, of what change makes of the body, and breaks off after so many
// bytes of it.
func Part(change func(body string) string, most int) GetFault {
	return func(w http.ResponseWriter, g *Get) {
		var from, to int
		_, _ = fmt.Sscanf(g.Header.Get("Range"), "bytes=%d-%d", &from, &to)
		g.Head(w, false)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(g.Body)))
		w.Header().Set("Content-Length", strconv.Itoa(to+1-from))
		w.WriteHeader(http.StatusPartialContent)
		part := change(g.Body)[from : to+1]
		_, _ = io.WriteString(w, part[:min(most, len(part))])
		if most < len(part) {
			panic(http.ErrAbortHandler)
		}
	}
}

// ChunkedAndCut ends a body without a length half-way, as a proxy does that has lost its server.
func ChunkedAndCut(w http.ResponseWriter, g *Get) {
	rest := g.part(w, false)
	_, _ = io.WriteString(w, rest[:len(rest)/2])
	_ = http.NewResponseController(w).Flush()
}

// ChunkedAndStuck ends every body without a length at the same place, so that nothing is ever added.
func ChunkedAndStuck(w http.ResponseWriter, g *Get) {
	rest := g.part(w, false)
	_, _ = io.WriteString(w, rest[:max(0, len(g.Body)/2-g.From)])
	_ = http.NewResponseController(w).Flush()
}

// PlainAndCut is the same in HTTP/1.0, where the end of the connection is the end of the body.
func PlainAndCut(w http.ResponseWriter, g *Get) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(buf, "HTTP/1.0 200 OK\r\nETag: \"%s\"\r\n\r\n%s", ETag(g.Body), g.Body[:len(g.Body)/2])
	_ = buf.Flush()
}

// LengthTooSmall announces half a body and sends that.
func LengthTooSmall(w http.ResponseWriter, g *Get) {
	half := (len(g.Body) - g.From) / 2
	w.Header().Set("Content-Length", strconv.Itoa(half))
	_, _ = io.WriteString(w, g.part(w, false)[:half])
}

// TooLong sends more than there is, under the same entity tag.
func TooLong(w http.ResponseWriter, g *Get) {
	w.Header().Set("Content-Length", strconv.Itoa(len(g.Body)+len(surplus)))
	TooLongWithoutLength(w, g)
}

// TooLongWithoutLength is the same in chunks.
func TooLongWithoutLength(w http.ResponseWriter, g *Get) {
	g.Head(w, false)
	_ = http.NewResponseController(w).Flush()
	_, _ = io.WriteString(w, g.Body+surplus)
}

const surplus = `{"more":"than there is"}` + "\n"

// Page is a page of HTML with status 200.
func Page(w http.ResponseWriter, _ *Get) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, HTML)
}

// Whole is an object as it should be sent.
func Whole(w http.ResponseWriter, g *Get) {
	g.Head(w, false)
	w.Header().Set("Content-Length", strconv.Itoa(len(g.Body)))
	_, _ = io.WriteString(w, g.Body)
}

// Nothing is status 200 and an empty body.
func Nothing(http.ResponseWriter, *Get) {}

// EmptyObject is the object's entity tag and an empty body.
func EmptyObject(w http.ResponseWriter, g *Get) { g.Head(w, false) }

// NoETag is the object as it is, without an entity tag.
func NoETag(w http.ResponseWriter, g *Get) { _, _ = io.WriteString(w, g.Body) }

// Altered changes a digit in every line of the body, which has the checksum of the true one.
func Altered(w http.ResponseWriter, g *Get) {
	g.part(w, true)
	w.Header().Set(SumHeader, Sum(g.Body))
	_, _ = io.WriteString(w, Alter(g.Body)[g.From:])
}

// AlteredAndCut is Altered for the first half; the rest is true and is asked for in another request.
func AlteredAndCut(w http.ResponseWriter, g *Get) {
	g.Head(w, true)
	w.Header().Set("Content-Length", strconv.Itoa(len(g.Body)))
	_, _ = io.WriteString(w, Alter(g.Body)[:len(g.Body)/2])
	panic(http.ErrAbortHandler)
}

// Cut is half of the body, with its full length and its checksum.
func Cut(w http.ResponseWriter, g *Get) {
	g.Head(w, true)
	w.Header().Set("Content-Length", strconv.Itoa(len(g.Body)))
	_, _ = io.WriteString(w, g.Body[:len(g.Body)/2])
	panic(http.ErrAbortHandler)
}

// Alter returns a body of the same length and the same lines whose text differs. Texts are those of [Lines].
func Alter(body string) string { return strings.ReplaceAll(body, `"true"`, `"fake"`) }

// Lines is a body of n records that name the object and their place in it.
func Lines(key string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"time":"2015-11-19T08:00:00Z","key":%q,"n":%d,"text":"true"}`+"\n", key, i)
	}
	return b.String()
}

// ListFault changes a page of a listing.
type ListFault func(page string) string

// FromPage makes the pages from the n-th on fail. Whoever asks for a single key is checking the bucket, and is
// answered.
func FromPage(n int, f ListFault) func(http.ResponseWriter, *List) bool {
	seen := 0
	return func(w http.ResponseWriter, l *List) bool {
		if l.URL.Query().Get("max-keys") == "1" {
			return false
		}
		if seen++; seen < n {
			return false
		}
		_, _ = io.WriteString(w, f(l.Page))
		return true
	}
}

// Without leaves elements out of a page.
func Without(names ...string) ListFault {
	return func(page string) string {
		for _, name := range names {
			before, rest, ok := strings.Cut(page, "<"+name+">")
			if !ok {
				continue
			}
			_, after, _ := strings.Cut(rest, "</"+name+">")
			page = before + after
		}
		return page
	}
}

// WithToken gives a page this token and says that more follows.
func WithToken(token string) ListFault {
	return func(page string) string {
		page = Without("IsTruncated", "NextContinuationToken")(page)
		return strings.Replace(page, "<Contents>",
			"<IsTruncated>true</IsTruncated><NextContinuationToken>"+token+"</NextContinuationToken><Contents>", 1)
	}
}

// Reversed turns the order of the keys on a page round.
func Reversed(page string) string {
	const begin, end = "<Contents>", "</Contents>"
	first, last := strings.Index(page, begin), strings.LastIndex(page, end)
	if first < 0 {
		return page
	}
	keys := strings.SplitAfter(page[first:last+len(end)], end)
	slices.Reverse(keys)
	return page[:first] + strings.Join(keys, "") + page[last+len(end):]
}

// Instead puts a text in place of a page.
func Instead(text string) ListFault { return func(string) string { return text } }

// Half is the first half of a page.
func Half(page string) string { return page[:len(page)/2] }
