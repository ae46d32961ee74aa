package proxy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/proxy"
)

const hidden = "GET /smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n"

// Requests whose end two programs could see in two places. Each is refused, or reaches the domain as the one request
// that its head says, and what stands behind it is no request of its own.
func TestWhatIsBehindARequestIsNoOther(t *testing.T) {
	t.Parallel()
	head := func(call string, headers ...string) string {
		return call + " HTTP/1.1\r\nHost: HOST\r\n" + strings.Join(append(headers, ""), "\r\n") + "\r\n"
	}
	const chunked, end = "Transfer-Encoding: chunked", "0\r\n\r\n"
	rows := map[string]string{
		"length and chunks":           head("POST /x", "Content-Length: 6", chunked) + end + "G" + hidden,
		"chunks and length":           head("POST /x", chunked, "Content-Length: 6") + end + hidden,
		"length and chunks, one body": head("POST /x", "Content-Length: 5", chunked) + end + hidden,
		"length of zero and chunks":   head("POST /x", "Content-Length: 0", chunked) + end + hidden,
		"chunks of an old protocol": "POST /x HTTP/1.0\r\nHost: HOST\r\nConnection: keep-alive\r\n" +
			chunked + "\r\n\r\n" + end + hidden,
		"length folded":                  head("POST /x", "Content-Length:\r\n 0", chunked) + end + hidden,
		"chunks with a line end alone":   head("POST /x", chunked) + "2;\nx\r\n{}\r\n" + end + hidden,
		"chunk extension with a request": head("POST /x", chunked) + "2;a=\"\r\n" + hidden + "\"\r\n{}\r\n" + end,
		"chunk with a sign":              head("POST /x", chunked) + "+2\r\n{}\r\n" + end + hidden,
		"chunk with a prefix":            head("POST /x", chunked) + "0x2\r\n{}\r\n" + end + hidden,
		"chunk with an underscore":       head("POST /x", chunked) + "0_2\r\n{}\r\n" + end + hidden,
		"chunk without its end":          head("POST /x", chunked) + "2\r\n{}" + end + hidden,
		"chunk of another length":        head("POST /x", chunked) + "1\r\n{}\r\n" + end + hidden,
		"last chunk without its end":     head("POST /x", chunked) + "2\r\n{}\r\n0\r\n" + hidden,
		"length twice":                   head("POST /x", "Content-Length: 0", "Content-Length: SIZE") + hidden,
		"length as a list":               head("POST /x", "Content-Length: 0, 0") + hidden,
		"length with a zero byte":        head("POST /x", "Content-Length: 0\x00") + hidden,
		"length in octal":                head("POST /x", "Content-Length: 0o0") + hidden,
		"name with a space":              head("POST /x", "Content-Length : 0", chunked) + end + hidden,
		"name with a tab":                head("POST /x", "Transfer-Encoding\t: chunked") + end + hidden,
		"carriage return in a value":     head("GET /x", "X: a\rContent-Length: 40") + hidden,
		"carriage return for a line":     head("GET /x", "X: a\r\r"+hidden),
		"websocket":                      head("GET /x", "Upgrade: websocket", "Connection: Upgrade") + hidden,
		"HTTP/2 in the clear, after": head("GET /x", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings",
			"HTTP2-Settings: AAMAAABkAAQAAP__") + "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + strings.Repeat("\x00", 40) + hidden,
		"user information and the right host": "GET http://x:y@HOST/smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"the right host":                      "GET http://HOST/smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"CONNECT to itself":                   "CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n" + hidden,
		"CONNECT with a path":                 "CONNECT /smuggled HTTP/1.1\r\nHost: HOST\r\n\r\n",
		"an expectation that nobody has":      head("POST /smuggled", "Expect: 200-ok", "Content-Length: 2") + "{}",
	}
	for _, coding := range []string{
		"Transfer-Encoding: CHUNKED, chunked", "Transfer-Encoding: chunked,", "Transfer-Encoding: \"chunked\"",
		"Transfer-Encoding: chunked;q=1", "Transfer-Encoding: chunked\x0b", "Transfer-Encoding: \x85chunked",
		"Transfer-Encoding: identity", "Transfer-Encoding: identity, chunked", "Transfer-Encoding:\r\n xchunked",
		"Transfer-Encoding: trailers", "Transfer-Encoding: deflate\r\nTransfer-Encoding: chunked", "Transfer-Encoding:",
	} {
		rows["coding "+coding] = head("POST /x", coding, "Content-Length: 5") + end + hidden
		rows["coding alone "+coding] = head("POST /x", coding) + end + hidden
	}
	for _, method := range []string{"GET", "HEAD", "DELETE", "OPTIONS", "PUT", "PATCH", "POST"} {
		rows["body of "+method] = head(method+" /x", "Content-Length: SIZE") + hidden
		rows["chunks of "+method] = head(method+" /x", chunked) + "CHUNK\r\n" + hidden + "\r\n" + end
	}
	for _, line := range []string{
		"GET /smuggled HTTP/2.0", "GET /smuggled HTTP/1.1 x", "GET /smuggled http/1.1", "GET\t/smuggled\tHTTP/1.1",
		"GET /smuggled HTTP/1.1\x00", "GET  /smuggled HTTP/1.1", " GET /smuggled HTTP/1.1", "GET /smuggled HTTP/11",
		"GET /smuggled HTTP/-1.1", "\x00GET /smuggled HTTP/1.1",
	} {
		rows["line "+line] = line + "\r\nHost: HOST\r\n\r\n"
	}
	for _, host := range []string{
		"HOST, evil.example", "HOST/x", "HOST#x", "HOST?x", "x@HOST", "HOST HOST", "HOST\x00", "HOST\\x", "HOST:1", "[HOST]",
		"HOST\r\nHost: HOST", "evil.example\r\n HOST",
	} {
		rows["host "+host] = "GET /smuggled HTTP/1.1\r\nHost: " + host + "\r\n\r\n"
	}
	w := newWorld(t, func(c *proxy.Config) { c.Idle = 300 * time.Millisecond }, nil)
	var wg sync.WaitGroup
	answers := make([]string, len(rows))
	names := slices.Sorted(maps.Keys(rows))
	for n, name := range names {
		fill := strings.NewReplacer("HOST", w.addr, " /x", fmt.Sprintf(" /x-%d-", n), "/smuggled",
			fmt.Sprintf("/smuggled-%d-", n)).Replace
		size := len(fill(hidden))
		raw := strings.NewReplacer("SIZE", fmt.Sprint(size), "CHUNK", fmt.Sprintf("%x", size)).Replace(fill(rows[name]))
		wg.Go(func() { answers[n] = w.sendAll(t, raw) })
	}
	wg.Wait()
	got := make([][]seen, len(rows))
	for _, r := range w.requests() {
		var n int
		if _, err := fmt.Sscanf(r.target[strings.IndexByte(r.target, '-')+1:], "%d-", &n); err != nil {
			t.Fatalf("%s reached the domain", r.target)
		}
		got[n] = append(got[n], r)
	}
	for n, name := range names {
		if len(got[n]) > 1 {
			t.Errorf("%s: %d requests reached the domain", name, len(got[n]))
		}
		for _, r := range got[n] {
			if r.trust != nil || !strings.HasPrefix(r.target, "/x") {
				t.Errorf("%s: %s reached the domain (%v) with %q", name, r.target, r.trust, r.body)
			}
		}
		if strings.HasPrefix(answers[n], "HTTP/1.1 101") || strings.Contains(answers[n], secret) {
			t.Errorf("%s: was answered %s", name, answers[n])
		}
	}
	t.Logf("%d requests of two readings, none read in two", len(rows))
	if len(rows) < 80 {
		t.Errorf("%d rows, want 80", len(rows))
	}
}
