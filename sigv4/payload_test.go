package sigv4_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed56735111/penstock/sigv4"
)

func TestVerifiedBodyIsReadAgainFromMemoryAndFile(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 100, 32<<10 - 1, 32 << 10, 32<<10 + 1, 200_000, 300_000} {
		for _, spool := range []int64{0, 1, 64, 32 << 10, 100_000} {
			for _, known := range []bool{true, false} {
				body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
				r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", body)
				if !known {
					r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
				}
				v := newVerifier()
				v.SpoolBytes, v.SpoolDir = spool, t.TempDir()
				got, err := v.Verify(r)
				if err != nil {
					t.Fatalf("%d bytes, %d in memory, length known %v: %v", size, spool, known, err)
				}
				again, err := r.GetBody()
				if err != nil {
					t.Fatal(err)
				}
				for _, rc := range []io.Reader{r.Body, again} {
					// A reader without WriteTo and one with it.
					first, err := io.ReadAll(io.LimitReader(rc, 70_000))
					if err != nil {
						t.Fatal(err)
					}
					var rest bytes.Buffer
					if _, err := io.Copy(&rest, rc); err != nil {
						t.Fatal(err)
					}
					if string(first)+rest.String() != body {
						t.Errorf("%d bytes, %d in memory, length known %v: body differs", size, spool, known)
					}
				}
				if got.PayloadSize != int64(size) || r.ContentLength != int64(size) || r.TransferEncoding != nil ||
					got.PayloadHash != sigv4.HashPayload([]byte(body)) {
					t.Errorf("%d bytes: got size %d, Content-Length %d, hash %s", size, got.PayloadSize, r.ContentLength,
						got.PayloadHash)
				}
				if err := got.Close(); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// A transport can read a request's body after the handler has returned; the memory must not be another request's by
// then.
func TestHeldBodyIsNotOverwrittenByTheNextRequest(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	size := 3 << 20
	verify := func(letter string) (*http.Request, *sigv4.Verified) {
		r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", strings.Repeat(letter, size))
		got, err := v.Verify(r)
		if err != nil {
			t.Fatal(err)
		}
		return r, got
	}
	check := func(r io.Reader, letter string) {
		t.Helper()
		if body, err := io.ReadAll(r); err != nil || strings.Trim(string(body), letter) != "" || len(body) != size {
			t.Errorf("%s: %d bytes, %v", letter, len(body), err)
		}
	}
	for range 3 {
		held, a := verify("a")
		a.Close()
		if _, err := held.GetBody(); err == nil {
			t.Error("GetBody works after Close")
		}
		other, b := verify("b")
		check(held.Body, "a")
		held.Body.Close()
		if n, err := held.Body.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Error("a closed body can be read")
		}
		third, c := verify("c")
		check(other.Body, "b")
		check(third.Body, "c")
		other.Body.Close()
		third.Body.Close()
		b.Close()
		c.Close()
	}
}

// The same holds for a write that is under way while the body is closed.
func TestBodyBeingWrittenIsNotOverwritten(t *testing.T) {
	t.Parallel()
	v := newVerifier()
	size := 3 << 20
	verify := func(letter string) (*http.Request, *sigv4.Verified) {
		r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", strings.Repeat(letter, size))
		got, err := v.Verify(r)
		if err != nil {
			t.Fatal(err)
		}
		return r, got
	}
	r, a := verify("a")
	var written bytes.Buffer
	_, err := io.Copy(writerFunc(func(p []byte) (int, error) {
		r.Body.Close()
		a.Close()
		_, b := verify("b")
		defer b.Close()
		return written.Write(p)
	}), r.Body)
	if body := written.String(); err != nil || len(body) != size || strings.Trim(body, "a") != "" {
		t.Errorf("%d bytes, not all of them the request's own, %v", len(body), err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestBodyIsBoundedAndComplete(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		length int64
		ok     bool
		large  bool
	}{
		{"as announced", 10, true, false},
		{"unknown length", -1, true, false},
		{"longer than announced", 9, false, false},
		{"shorter than announced", 11, false, false},
		{"announced over the bound", 5000, false, true},
	}
	for _, test := range tests {
		r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", "0123456789")
		r.ContentLength = test.length
		v := newVerifier()
		v.MaxBody = 100
		_, err := v.Verify(r)
		_, large := errors.AsType[*sigv4.BodyTooLargeError](err)
		if (err == nil) != test.ok || large != test.large {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
	r := signed(t, testCredentials, testTime, http.MethodPost, "/_bulk", strings.Repeat("x", 101))
	r.ContentLength = -1
	v := newVerifier()
	v.MaxBody, v.SpoolBytes, v.SpoolDir = 100, 10, t.TempDir()
	if large, ok := errors.AsType[*sigv4.BodyTooLargeError](second(v.Verify(r))); !ok || large.Limit != 100 {
		t.Errorf("over the bound without a length: got %v", large)
	}
}

// A body that breaks off must not be signed as if it ended there, whatever the error is called and however much came
// before.
func TestABodyThatBreaksOffIsNeverSigned(t *testing.T) {
	t.Parallel()
	sent := errors.New("a request was sent")
	transport := &sigv4.Transport{
		Base:        roundTripper(func(*http.Request) (*http.Response, error) { return nil, sent }),
		Credentials: sigv4.Static(testCredentials), SpoolBytes: 64 << 10, SpoolDir: t.TempDir(),
	}
	signer := &sigv4.RequestSigner{
		Signer: sigv4.Signer{Region: testRegion, Service: "es"}, Credentials: sigv4.Static(testCredentials),
	}
	for _, failure := range []error{
		io.ErrUnexpectedEOF, fmt.Errorf("read file: %w", io.ErrUnexpectedEOF), fmt.Errorf("proxy: %w", io.EOF),
		errors.New("boom"),
	} {
		for _, size := range []int{0, 1, 1 << 10, 9 << 10, 64 << 10, 100_000} {
			for _, length := range []int64{-1, 0, int64(size), int64(size) + 1} {
				for name, wrap := range map[string]func(io.Reader) io.Reader{
					"after the bytes":     func(r io.Reader) io.Reader { return r },
					"with the last bytes": iotest.DataErrReader,
					"byte by byte":        iotest.OneByteReader,
				} {
					broken := func() *http.Request {
						r := post(t, "https://"+testHost+"/_bulk", "")
						body := io.MultiReader(strings.NewReader(strings.Repeat("x", size)), iotest.ErrReader(failure))
						r.Body, r.GetBody, r.ContentLength = io.NopCloser(wrap(body)), nil, length
						return r
					}
					_, err := transport.RoundTrip(broken()) //nolint:bodyclose // there is no answer
					if err == nil || errors.Is(err, sent) {
						t.Errorf("%v %s, %d bytes, length %d: transport: %v", failure, name, size, length, err)
					}
					if err := signer.SignRequest(broken()); err == nil {
						t.Errorf("%v %s, %d bytes, length %d: signed", failure, name, size, length)
					}
				}
			}
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
