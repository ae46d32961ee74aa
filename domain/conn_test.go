package domain_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed56735111/penstock/domain"
)

// countedConn counts what is written to a connection at once.
type countedConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// post sends one request whose header promises length bytes.
func post(ctx context.Context, transport http.RoundTripper, url string, body io.ReadCloser, length int64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, http.NoBody)
	if err != nil {
		return err
	}
	req.Body, req.ContentLength = body, length
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// A bulk body is written in one piece, not in net/http's pieces of 32 KiB.
func TestBodiesAreWrittenInOnePiece(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789abcdef"), 5<<16) // 5 MiB
	var got []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	var writes atomic.Int64
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return countedConn{c, &writes}, err
	}
	transport := domain.NewTransport(domain.TransportConfig{Dial: dial})
	defer transport.CloseIdleConnections()
	for _, body := range []io.Reader{bytes.NewReader(want), struct{ io.Reader }{bytes.NewReader(want)}} {
		writes.Store(0)
		if err := post(t.Context(), transport, server.URL, io.NopCloser(body), int64(len(want))); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%T: %d bytes arrived, want %d", body, len(got), len(want))
		}
		_, whole := body.(io.WriterTo)
		if n := writes.Load(); whole && n > 4 || !whole && n < 20 {
			t.Errorf("%T: %d writes", body, n)
		}
	}
}

// A body that is not as long as promised makes the request fail, and never runs into the next request on the
// connection.
func TestBodiesKeepTheirPromise(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err == nil && r.ContentLength == int64(len("next")) {
			seen.Add(n)
		}
	}))
	defer server.Close()
	transport := domain.NewTransport(domain.TransportConfig{})
	defer transport.CloseIdleConnections()
	const size = 1 << 20
	for _, promised := range []int64{size - 1, size + 1} {
		body := io.NopCloser(strings.NewReader(strings.Repeat("x", size)))
		// The server may answer before the client sees that its body is too long.
		if err := post(t.Context(), transport, server.URL, body, promised); err == nil && promised > size {
			t.Errorf("a body of %d bytes passed for one of %d", size, promised)
		}
	}
	next := strings.NewReader("next")
	if err := post(t.Context(), transport, server.URL, io.NopCloser(next), next.Size()); err != nil {
		t.Fatal(err)
	}
	if seen.Load() != int64(len("next")) {
		t.Errorf("the next request had %d bytes", seen.Load())
	}
}

// A write that blocks ends with its request, and the body is closed.
func TestAWriteThatBlocksEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // nobody accepts, and nobody reads
	transport := domain.NewTransport(domain.TransportConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	body := &lentBody{Reader: bytes.NewReader(make([]byte, 64<<20))}
	time.AfterFunc(100*time.Millisecond, cancel)
	if err := post(ctx, transport, "http://"+l.Addr().String(), body, 64<<20); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	body.await(t)
}

// After a body is closed its memory belongs to the caller: the race detector would see a write that goes on.
func TestMemoryOfAClosedBodyIsFree(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	transport := domain.NewTransport(domain.TransportConfig{})
	defer transport.CloseIdleConnections()
	data := make([]byte, 5<<20)
	for range 30 {
		body := &lentBody{Reader: bytes.NewReader(data)}
		// The server answers before it has read the body: an answer or an error, both are right.
		_ = post(t.Context(), transport, server.URL, body, int64(len(data)))
		body.await(t)
		for i := 0; i < len(data); i += 4096 {
			data[i]++
		}
	}
}

// lentBody records that it was closed.
type lentBody struct {
	*bytes.Reader
	closed atomic.Bool
}

func (b *lentBody) Close() error {
	b.closed.Store(true)
	return nil
}

func (b *lentBody) await(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !b.closed.Load(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the body is not closed")
		}
	}
}

// A connection with traffic in either direction is not cut off, however slow it is. A silent one is, after about the
// stall timeout.
func TestOnlySilenceIsCutOff(t *testing.T) {
	t.Parallel()
	const stall, pause = 2 * time.Second, 250 * time.Millisecond
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		silent bool
	}{
		"reads slowly": {func(_ http.ResponseWriter, r *http.Request) {
			for range 12 {
				time.Sleep(pause)
				_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
			}
			_, _ = io.Copy(io.Discard, r.Body)
		}, false},
		"answers slowly": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for range 12 {
				time.Sleep(pause)
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
			}
		}, false},
		"does not read": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 10)
			time.Sleep(4 * stall)
		}, true},
		"does not answer": {func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		}, true},
		"stops in its answer": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, true},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, TLS %v", name, secure), func(t *testing.T) {
				t.Parallel()
				srv := httptest.NewUnstartedServer(http.HandlerFunc(test.answer))
				roots := x509.NewCertPool()
				if secure {
					srv.StartTLS()
					roots.AddCert(srv.Certificate())
				} else {
					srv.Start()
				}
				t.Cleanup(srv.CloseClientConnections)
				transport := domain.NewTransport(domain.TransportConfig{StallTimeout: stall, RootCAs: roots})
				body := bytes.NewReader(make([]byte, 16<<20))
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, body)
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				resp, err := transport.RoundTrip(req)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				_, cut := errors.AsType[*domain.StallError](err)
				if cut != test.silent || !cut && err != nil || cut && time.Since(began) < stall*3/4 {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		}
	}
}
