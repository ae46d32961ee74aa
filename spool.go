package penstock

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"
)

const (
	// spoolMemory is how much of a spool is in memory before it goes to a temporary file, and spoolMost how much when no
	// such file can be written.
	spoolMemory = 1 << 20
	spoolMost   = 8 << 20
	// spoolSegment is the size at which another file is begun: one is removed when nothing in it is wanted any longer.
	spoolSegment = 64 << 20
)

// spool keeps bytes that are wanted again later, in memory or in temporary files of which nothing stays. It is safe for
// concurrent use.
type spool struct {
	mu       sync.Mutex
	segments map[uint32]*segment
	current  uint32 // the one that is written
	noFile   bool   // one could not be written
}

// segment is one file, or what is to become one.
type segment struct {
	file    *os.File // nil until something is in it
	written int64    // in the file
	buf     []byte   // behind that
	live    int      // places that are wanted
}

// ticket is the place of something in a spool.
type ticket struct{ segment, at uint32 }

func newSpool() *spool { return &spool{segments: map[uint32]*segment{}} }

// put keeps b. An error says that there is no room.
func (s *spool) put(b []byte) (ticket, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.segments[s.current]
	if g != nil && g.written+int64(len(g.buf)) >= spoolSegment {
		s.current++
		g = nil
	}
	if g == nil {
		g = new(segment)
		s.segments[s.current] = g
	}
	if err := s.makeRoom(g, len(b)); err != nil {
		return ticket{}, err
	}
	t := ticket{s.current, uint32(g.written) + uint32(len(g.buf))}  //nolint:gosec // both are far below 4 GiB
	g.buf = binary.LittleEndian.AppendUint32(g.buf, uint32(len(b))) //nolint:gosec // the same
	g.buf = append(g.buf, b...)
	g.live++
	return t, nil
}

// makeRoom writes what is in memory to the file when there is much of it. The lock is held.
func (s *spool) makeRoom(g *segment, more int) error {
	if len(g.buf) == 0 || len(g.buf)+more <= spoolMemory {
		return nil
	}
	err := s.write(g)
	if err != nil && len(g.buf)+more > spoolMost {
		return fmt.Errorf("keep letters: %w", err)
	}
	return nil
}

var errNoFile = fmt.Errorf("no temporary file can be written in %s", os.TempDir())

func (s *spool) write(g *segment) (err error) {
	if s.noFile {
		return errNoFile
	}
	defer func() { s.noFile = err != nil }()
	if g.file == nil {
		if g.file, err = os.CreateTemp("", "penstock-"); err != nil {
			return err
		}
		_ = os.Remove(g.file.Name()) // nobody else has a use for it; Windows removes no open file, see close
	}
	if _, err = g.file.WriteAt(g.buf, g.written); err != nil {
		return err
	}
	g.written += int64(len(g.buf))
	g.buf = g.buf[:0]
	return nil
}

// get returns what was put, in a slice of its own.
func (s *spool) get(t ticket) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.segments[t.segment]
	var head [4]byte
	if err := g.read(head[:], int64(t.at)); err != nil {
		return nil, err
	}
	b := make([]byte, binary.LittleEndian.Uint32(head[:]))
	return b, g.read(b, int64(t.at)+int64(len(head)))
}

func (g *segment) read(b []byte, at int64) error {
	if at >= g.written {
		copy(b, g.buf[at-g.written:])
		return nil
	}
	if _, err := g.file.ReadAt(b, at); err != nil {
		return fmt.Errorf("read kept letters: %w", err)
	}
	return nil
}

// drop says that something is not wanted any longer.
func (s *spool) drop(t ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.segments[t.segment]
	if g.live--; g.live > 0 {
		return
	}
	g.close()
	delete(s.segments, t.segment)
	if t.segment == s.current {
		s.current++
	}
}

// close gives everything up.
func (s *spool) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.segments {
		g.close()
	}
	clear(s.segments)
}

func (g *segment) close() {
	if g.file != nil {
		_ = g.file.Close()
		_ = os.Remove(g.file.Name())
	}
}
