package proxy

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// bodyError says that the body of a client cannot be read.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "read request body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// pacedBody is a request body that fails when nothing of it comes for too long.
type pacedBody struct {
	io.ReadCloser
	control  *http.ResponseController
	idle     time.Duration
	received *atomic.Int64 // counts what has come
}

func (b *pacedBody) Read(p []byte) (int, error) {
	// Not every ResponseWriter has deadlines.
	_ = b.control.SetReadDeadline(time.Now().Add(b.idle))
	n, err := b.ReadCloser.Read(p)
	b.received.Add(int64(n))
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{}) // the server goes on reading, to see when the client leaves
	}
	if err != nil && err != io.EOF {
		err = &bodyError{err}
	}
	return n, err
}

// pacedWriter is an answer that fails when the client takes nothing of it for too long.
type pacedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	idle    time.Duration
	set     time.Time // when the deadline was set
}

// Unwrap is for http.ResponseController, which flushes through it.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader leaves out informational answers: they belong to one connection, and the proxy asks for none.
func (w *pacedWriter) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.ResponseWriter.WriteHeader(status)
	}
}

func (w *pacedWriter) Write(p []byte) (int, error) {
	// Moving the deadline costs more than a small write: once in a part of the time is enough.
	const parts = 8
	if now := time.Now(); now.Sub(w.set) > w.idle/parts {
		w.set = now
		_ = w.control.SetWriteDeadline(now.Add(w.idle))
	}
	return w.ResponseWriter.Write(p)
}

// end takes the deadline off, for the next answer on the connection.
func (w *pacedWriter) end() {
	if !w.set.IsZero() {
		_ = w.control.SetWriteDeadline(time.Time{})
	}
}
