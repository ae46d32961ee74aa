package proxy_test

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/proxy"
)

// Frames of HTTP/2 and the flags that are used here.
const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway = 0, 1, 3, 4, 7
	endStream, endHeaders                                           = 1, 4
)

func frame(kind, flags byte, stream uint32, payload string) string {
	head := make([]byte, 9)
	binary.BigEndian.PutUint32(head, uint32(len(payload))<<8)
	head[3], head[4] = kind, flags
	binary.BigEndian.PutUint32(head[5:], stream)
	return string(head) + payload
}

// fields writes header fields as literals, which can hold what no library would write. Names and values take turns.
func fields(list ...string) string {
	var b strings.Builder
	for i := 0; i < len(list); i += 2 {
		b.WriteByte(0)
		for _, s := range list[i : i+2] {
			if len(s) < 127 {
				b.WriteByte(byte(len(s)))
			} else {
				rest := len(s) - 127
				b.WriteByte(127)
				for ; rest >= 128; rest /= 128 {
					b.WriteByte(byte(rest%128 + 128))
				}
				b.WriteByte(byte(rest))
			}
			b.WriteString(s)
		}
	}
	return b.String()
}

// sendFrames sends frames behind the preface, and reads until the first stream is over.
func sendFrames(t *testing.T, addr, frames string) {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	if _, err := io.WriteString(c, preface+frame(frameSettings, 0, 0, "")+frames); err != nil {
		return
	}
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(head)>>8)); err != nil {
			return
		}
		isOver := head[3] == frameReset || head[3] == frameGoAway ||
			(head[3] == frameData || head[3] == frameHeaders) && head[4]&endStream != 0
		if isOver && head[3] != frameGoAway {
			return
		}
	}
}

// HTTP/2 has fields that HTTP/1.1 has no room for. Nothing that is written into them becomes a line of HTTP/1.1,
// another host or another method behind the proxy.
func TestHTTP2BringsNothingThatHTTP1WouldNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil, nil)
	p, err := proxy.New(proxy.Config{Domain: w.domain, Transport: w.transport, Idle: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(p)
	front.EnableHTTP2 = true
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	front.StartTLS()
	t.Cleanup(front.Close)
	addr := front.Listener.Addr().String()
	request := func(method, scheme, host, path string, more ...string) string {
		return fields(append([]string{":method", method, ":scheme", scheme, ":authority", host, ":path", path}, more...)...)
	}
	alone := func(block string) string { return frame(frameHeaders, endHeaders|endStream, 1, block) }
	with := func(block string, rest ...string) string {
		return frame(frameHeaders, endHeaders, 1, block) + strings.Join(rest, "")
	}
	sendFrames(t, addr, alone(request("GET", "https", addr, "/x")))
	if got := w.requests(); len(got) != 1 || got[0].target != "/x" || got[0].trust != nil {
		t.Fatalf("a plain request arrives as %+v", got)
	}
	rows := map[string]string{}
	for _, path := range []string{
		"", "x", "*", "http://evil.example/", "https://" + addr + "/",
		"/x HTTP/1.1\r\nX: y", "/x\r\n\r\nGET /y", "/x y", "/x\x00",
		"/x\n", "//evil.example/{}", "@evil.example/", "/x#y", "?x", "/\x7f", "\t/x",
	} {
		rows[fmt.Sprintf("path %q", path)] = alone(request("GET", "https", addr, path))
	}
	for _, host := range []string{
		"evil.example", "x@" + addr, addr + "/y", addr + "\r\nX: y", addr + " ", addr + ", evil.example", "",
		addr + "#", "127.0.0.1",
	} {
		rows[fmt.Sprintf("authority %q", host)] = alone(request("GET", "https", host, "/x"))
	}
	for _, method := range []string{
		"", "GET /y HTTP/1.1\r\nHost: x\r\n\r\nGET", "GET ", "get", "TRACE", "PRI", "G\x00T", "GET\r\n", "TRACK",
	} {
		rows[fmt.Sprintf("method %q", method)] = alone(request(method, "https", addr, "/x"))
	}
	for _, more := range [][]string{
		{"transfer-encoding", "chunked"},
		{"connection", "close"},
		{"connection", "x-amz-date"},
		{"upgrade", "h2c"},
		{"keep-alive", "1"},
		{"proxy-connection", "close"},
		{"te", "gzip"},
		{"host", "evil.example"},
		{"X-Upper", "a"},
		{"x y", "a"},
		{"x:y", "a"},
		{"x\r\ny", "a"},
		{"", "a"},
		{"x", "a\r\nb: c"},
		{"x", "a\nb"},
		{"x", "a\x00b"},
		{":path", "/y"},
		{":method", "DELETE"},
		{":authority", "evil.example"},
		{":unknown", "x"},
		{":status", "200"},
		{"content-length", "5"},
		{"content-length", "-1"},
		{"content-length", "0", "content-length", "1"},
		{"origin", "http://evil.example"},
		{"sec-fetch-site", "cross-site"},
		{"x", strings.Repeat("a", 2<<20)},
		{"content-type", "a/b", "content-type", "c/d"},
		{"x", "a", ":path", "/y"},
	} {
		rows[fmt.Sprintf("field %.40q", more)] = alone(request("POST", "https", addr, "/x", more...))
	}
	post := func(more ...string) string { return request("POST", "https", addr, "/x", more...) }
	rows["no method"] = alone(fields(":scheme", "https", ":authority", addr, ":path", "/x"))
	rows["no path"] = alone(fields(":method", "GET", ":scheme", "https", ":authority", addr))
	rows["no scheme"] = alone(fields(":method", "GET", ":authority", addr, ":path", "/x"))
	rows["no host"] = alone(fields(":method", "GET", ":scheme", "https", ":path", "/x"))
	rows["a host of another name"] = alone(fields(":method", "GET", ":scheme", "https", ":path", "/x",
		"host", "evil.example"))
	rows["CONNECT"] = alone(fields(":method", "CONNECT", ":authority", "evil.example:443"))
	rows["websocket over HTTP/2"] = with(fields(":method", "CONNECT", ":protocol", "websocket", ":scheme", "https",
		":authority", addr, ":path", "/x"))
	rows["less than it says"] = with(post("content-length", "5"), frame(frameData, endStream, 1, "{}"))
	rows["more than it says"] = with(post("content-length", "1"), frame(frameData, endStream, 1, "{}"))
	rows["data that does not go on"] = with(post("content-length", "5"), frame(frameData, 0, 1, "{}"))
	rows["trailers that speak for the request"] = with(post("content-length", "2"), frame(frameData, 0, 1, "{}"),
		frame(frameHeaders, endHeaders|endStream, 1, fields(":path", "/y")))
	rows["trailers with a line end"] = with(post("content-length", "2"), frame(frameData, 0, 1, "{}"),
		frame(frameHeaders, endHeaders|endStream, 1, fields("x", "a\r\nb")))
	rows["data before a head"] = frame(frameData, endStream, 1, "GET /x HTTP/1.1\r\n\r\n")
	rows["an even stream"] = frame(frameHeaders, endHeaders|endStream, 2, request("GET", "https", addr, "/x"))
	before := len(w.requests())
	var wg sync.WaitGroup
	for _, frames := range rows {
		wg.Go(func() { sendFrames(t, addr, frames) })
	}
	wg.Wait()
	for _, r := range w.requests()[before:] {
		t.Errorf("%s reached the domain with %v and %q: %v", r.target, r.header, r.body, r.trust)
	}
	t.Logf("%d requests over HTTP/2, 0 through", len(rows))
}
