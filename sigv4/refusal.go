package sigv4

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

// refusal is the reason why the service refused a signature, if another attempt can help.
type refusal int

const (
	notRefused refusal = iota
	refusedTime
	refusedToken
)

const (
	// peekLength is how much of a refusal is read to know its kind. The sentence is at the start.
	peekLength = 1 << 10
	// maxSkew is the difference of clocks that the service tolerates.
	maxSkew = 5 * time.Minute
	// maxDiscard bounds what is read of an unused answer, so that its connection can be used again.
	maxDiscard = 256 << 10
)

// refusal looks at the start of a 403 answer, and leaves the answer as it was.
func (t *Transport) refusal(resp *http.Response, signedAt time.Time) refusal {
	if resp.StatusCode != http.StatusForbidden {
		return notRefused
	}
	// An answer to HEAD has no body, and a serverless collection does not say why it refuses. The clocks tell.
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil && date.Sub(signedAt).Abs() >= maxSkew {
		return refusedTime
	}
	start := peek(resp)
	switch {
	case bytes.Contains(start, []byte("Signature expired: ")),
		bytes.Contains(start, []byte("Signature not yet current: ")):
		return refusedTime
	// Expired, or invalid. The service says the latter also of a key or session that has been revoked.
	case bytes.Contains(start, []byte("The security token included in the request is ")):
		return refusedToken
	}
	return notRefused
}

// peek returns the first bytes of the answer. Reading the body gives them again.
func peek(resp *http.Response) []byte {
	if resp.Body == nil || resp.Body == http.NoBody {
		return nil
	}
	start := make([]byte, peekLength)
	n, err := io.ReadFull(resp.Body, start)
	start = start[:n]
	rest := io.Reader(resp.Body)
	if err != nil && n == 0 {
		rest = errReader{err}
	}
	resp.Body = &peeked{Reader: io.MultiReader(bytes.NewReader(start), rest), Closer: resp.Body}
	return start
}

type peeked struct {
	io.Reader
	io.Closer
}

// errReader repeats the error of peek.
type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// setClock sets the skew by the answer's Date header. It reports false when there is none.
func (t *Transport) setClock(resp *http.Response) bool {
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return false
	}
	t.skew.Store(int64(time.Until(date)))
	return true
}

func discard(body io.ReadCloser) {
	if body == nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(body, maxDiscard))
	_ = body.Close()
}
