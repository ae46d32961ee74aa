package format

import (
	"bytes"
	"io"
)

// behindHole reads what comes behind the NULs with which a file begins that was truncated while somebody wrote to it:
// as many as it had bytes before. Offsets count from behind them. Of a file that has nothing else one NUL is left.
type behindHole struct {
	r     io.Reader
	began bool
}

func (h *behindHole) Read(p []byte) (int, error) {
	for !h.began {
		n, err := h.r.Read(p)
		text := bytes.TrimLeft(p[:n], "\x00")
		switch {
		case len(text) > 0:
			h.began = true
			return copy(p, text), err
		case err == io.EOF && len(p) > 0: // a wrapped end is no proper one
			h.began = true
			p[0] = 0
			return 1, err
		case err != nil || n == 0:
			return 0, err
		}
	}
	return h.r.Read(p)
}
