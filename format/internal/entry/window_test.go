package entry

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
)

// lineOf reads the next line whole.
func lineOf(t *testing.T, w *Window) string {
	t.Helper()
	text, size, ok := w.line(w.limit)
	if !ok {
		t.Fatalf("no line: %d bytes held", w.Len())
	}
	line := string(text)
	w.Advance(size)
	return line
}

func TestOneReaderAtATimeHoldsALongRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		large := NewLarge()
		long := strings.Repeat("x", 3<<20) + "\n"
		first, second := NewReader(large), NewReader(large)
		first.Begin(strings.NewReader(long), 16<<20)
		second.Begin(strings.NewReader(long), 16<<20)
		lineOf(t, &first.Window)
		done := false
		go func() {
			lineOf(t, &second.Window)
			done = true
		}()
		synctest.Wait()
		if done {
			t.Fatal("two readers hold a long record at once")
		}
		if first.Release() {
			t.Error("a large window is kept for another entry")
		}
		synctest.Wait()
		if !done {
			t.Fatal("the second reader does not get its turn")
		}
		second.Release()
		if len(large) != 0 {
			t.Error("the token is not given back")
		}
	})
}

func TestAWindowShrinksWhenLongRecordsAreOver(t *testing.T) {
	t.Parallel()
	large := NewLarge()
	r := NewReader(large)
	text := append(bytes.Repeat([]byte("x"), 5<<20), '\n')
	short := strings.Repeat("short ", 200)
	const count = 60 << 10
	text = append(text, bytes.Repeat([]byte(short+"\n"), count)...)
	r.Begin(bytes.NewReader(text), 16<<20)
	lineOf(t, &r.Window)
	if len(large) != 1 {
		t.Fatal("a long record without the token")
	}
	r.JSON = make([]byte, 0, 5<<20)
	for range count {
		if got := lineOf(t, &r.Window); got != short {
			t.Fatalf("line %q", got)
		}
	}
	if len(large) != 0 || len(r.buf) > windowBytes {
		t.Errorf("%d tokens and a window of %d bytes after %d bytes of short records", len(large), len(r.buf),
			len(short)*count)
	}
	if !r.Release() && cap(r.JSON) <= 2*windowBytes {
		t.Error("a small window is not kept")
	}
}

func TestAReaderWithoutABoundReadsLongRecords(t *testing.T) {
	t.Parallel()
	var r Reader
	r.Begin(strings.NewReader(strings.Repeat("x", 3<<20)+"\n"), 16<<20)
	if n := len(lineOf(t, &r.Window)); n != 3<<20 {
		t.Errorf("%d bytes", n)
	}
}
