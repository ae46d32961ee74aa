package hostile

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Sent is a request as it is on the wire. A hop can change all of it, also what no HTTP library would send.
type Sent struct {
	Method, Target, Host string
	// Header has all headers but Host, those that belong to one connection too.
	Header http.Header
	Body   []byte
}

// Receive reads a request that a server got, and puts back what net/http takes out of its headers.
func Receive(r *http.Request) (*Sent, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("receive request: %w", err)
	}
	s := &Sent{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header.Clone(), Body: body}
	if len(r.TransferEncoding) > 0 {
		s.Header["Transfer-Encoding"] = slices.Clone(r.TransferEncoding)
	}
	if r.Close && s.Header.Get("Connection") == "" {
		s.Header.Set("Connection", "close")
	}
	return s, nil
}

// Clone returns a copy that can be changed.
func (s *Sent) Clone() *Sent {
	c := *s
	c.Header, c.Body = s.Header.Clone(), bytes.Clone(s.Body)
	return &c
}

// SetBody replaces the body and, where there is one, its length.
func (s *Sent) SetBody(body []byte) {
	s.Body = body
	if s.Header.Get("Transfer-Encoding") == "" {
		s.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
}

// Answered is an answer that was read to its end.
type Answered struct {
	Status int
	Header http.Header
	Body   []byte
}

// To sends the request to a server as it is, byte for byte, on a connection of its own, and reads the answer.
func (s *Sent) To(ctx context.Context, address string) (*Answered, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := conn.Write(s.bytes()); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: s.Method})
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return &Answered{resp.StatusCode, resp.Header, body}, err
}

func (s *Sent) bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", s.Method, s.Target, s.Host)
	for _, name := range slices.Sorted(maps.Keys(s.Header)) {
		for _, value := range s.Header[name] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("\r\n")
	if strings.EqualFold(s.Header.Get("Transfer-Encoding"), "chunked") {
		if len(s.Body) > 0 {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(s.Body), s.Body)
		}
		b.WriteString("0\r\n\r\n")
		return b.Bytes()
	}
	b.Write(s.Body)
	return b.Bytes()
}
