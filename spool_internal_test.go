package penstock

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// What a spool keeps comes back as it was, from memory or from a file, and nothing of it stays.
func TestASpoolGivesBackWhatItWasGiven(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	s := newSpool()
	text := func(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%d,", i), 10+i%50) }
	var tickets []ticket
	const n = 40_000
	for i := range n {
		in, err := s.put(text(i))
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, in)
	}
	g := s.segments[s.current]
	if g.file == nil || cap(g.buf) > 2*spoolMemory {
		t.Fatalf("%d bytes in memory, a file: %v", cap(g.buf), g.file != nil)
	}
	for i := n - 1; i >= 0; i -= 7 {
		if got, err := s.get(tickets[i]); err != nil || !bytes.Equal(got, text(i)) {
			t.Fatalf("%d: %.20q, %v, want %.20q", i, got, err, text(i))
		}
	}
	for _, in := range tickets {
		s.drop(in)
	}
	if len(s.segments) != 0 {
		t.Errorf("%d segments when nothing is wanted", len(s.segments))
	}
	in, err := s.put([]byte("again"))
	if got, gerr := s.get(in); err != nil || gerr != nil || string(got) != "again" {
		t.Errorf("%q, %v, %v", got, err, gerr)
	}
	s.close()
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// Without a place for temporary files a spool keeps so much in memory, and then says that there is no room.
func TestASpoolWithoutAPlaceForFilesIsBounded(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("TMPDIR", none)
	t.Setenv("TMP", none)
	if _, err := os.Stat(os.TempDir()); err == nil {
		t.Skip("this system has another place for temporary files")
	}
	s := newSpool()
	defer s.close()
	part, kept := make([]byte, 64<<10), 0
	var err error
	for err == nil && kept < 2*spoolMost {
		if _, err = s.put(part); err == nil {
			kept += len(part)
		}
	}
	if err == nil || kept < spoolMost/2 {
		t.Errorf("kept %d bytes, %v, want about %d and an error", kept, err, spoolMost)
	}
}
