package cli

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// screen is a terminal whose last line shows how far the run is. What is written goes above that line. It is safe for
// concurrent use.
type screen struct {
	*os.File
	mu     sync.Mutex
	status string // the last line, when it is shown
}

const eraseLine = "\r\x1b[K"

// Write writes above the last line.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status == "" {
		return s.File.Write(p)
	}
	_, _ = io.WriteString(s.File, eraseLine)
	n, err := s.File.Write(p)
	if len(p) > 0 && p[len(p)-1] != '\n' {
		_, _ = io.WriteString(s.File, "\n")
	}
	_, _ = io.WriteString(s.File, s.status)
	return n, err
}

// show replaces the last line; an empty text takes it away.
func (s *screen) show(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status != "" || status != "" {
		_, _ = io.WriteString(s.File, eraseLine+status)
	}
	s.status = status
}

// terminal is the terminal behind w.
func terminal(w io.Writer) (*os.File, bool) {
	if s, ok := w.(*screen); ok {
		return s.File, true
	}
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

func isTerminal(w io.Writer) bool {
	_, ok := terminal(w)
	return ok
}
