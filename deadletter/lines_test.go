package deadletter

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

type testLine struct {
	Offset, Length int64
	Text           string
	Overlong       bool
}

func lines(r io.Reader, bound int) ([]testLine, error) {
	l := newLineReader(r, bound)
	var out []testLine
	for {
		got, err := l.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, err
		}
		out = append(out, testLine{got.offset, got.length, string(got.bytes), got.overlong})
	}
}

// reference splits with the simplest code that is right.
func reference(s string, bound int) []testLine {
	var out []testLine
	for at := 0; at < len(s); {
		rest := s[at:]
		i := strings.IndexByte(rest, '\n')
		whole, next := rest, len(s)
		if i >= 0 {
			whole, next = strings.TrimSuffix(rest[:i], "\r"), at+i+1
		}
		l := testLine{Offset: int64(at), Length: int64(len(whole)), Text: whole}
		if len(whole) > bound {
			l.Text, l.Overlong = whole[:bound], true
		}
		out = append(out, l)
		at = next
	}
	return out
}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(30) {
		b.WriteString(strings.Repeat([]string{"a", "é", "\r", "\x00", "xyz"}[r.IntN(5)], r.IntN(40)))
		b.WriteString([]string{"\n", "\r\n", "\n\n", "\r\r\n", ""}[r.IntN(5)])
	}
	return b.String()
}

func TestLinesDoNotDependOnHowTheyAreCut(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	rounds := 100
	if testing.Short() {
		rounds = 15
	}
	for round := range rounds {
		s, bound := randomText(r), 1+r.IntN(200)
		want := reference(s, bound)
		for name, src := range map[string]io.Reader{
			"plain": strings.NewReader(s), "plain by bytes": iotest.OneByteReader(strings.NewReader(s)),
		} {
			got, err := lines(src, bound)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Fatalf("round %d, %s, bound %d: %q\nerror %v\n%s", round, name, bound, s, err, diff)
			}
		}
	}
}

func TestAnOverlongLineIsKnownByItsLength(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 100_000) + "\r"
	l := newLineReader(strings.NewReader("a\n"+long+"\r\nb"), 1000)
	for i, want := range []string{"a", long, "b"} {
		got, err := l.next()
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 && (!got.overlong || got.length != int64(len(want)) || len(got.bytes) != 1000) {
			t.Errorf("line of %d bytes, %d held", got.length, len(got.bytes))
		}
		if i != 1 && string(got.bytes) != want {
			t.Errorf("got %q, want %q", got.bytes, want)
		}
	}
}

func TestALineThatIsBrokenOffIsNotALine(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, tail := range []string{"", "bro", "broken off in the middle of an overlong line"} {
		l := newLineReader(io.MultiReader(strings.NewReader("one\n"+tail), iotest.ErrReader(broken)), 10)
		if got, err := l.next(); err != nil || string(got.bytes) != "one" {
			t.Fatalf("%q, error %v", got.bytes, err)
		}
		got, err := l.next()
		if !errors.Is(err, broken) || got.length != int64(len(tail)) || !strings.HasPrefix(tail, string(got.bytes)) {
			t.Errorf("%q: %q, error %v", tail, got.bytes, err)
		}
		if _, err := l.next(); !errors.Is(err, broken) {
			t.Errorf("after the end: error %v", err)
		}
	}
}

func TestALineIsReadAgainFromItsOffset(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		s := randomText(r)
		for _, l := range reference(s, 1<<20) {
			again, err := newLineReader(strings.NewReader(s[l.Offset:]), 1<<20).next()
			if err != nil || string(again.bytes) != l.Text || again.offset != 0 {
				t.Fatalf("%q at %d: %q, error %v", s, l.Offset, again.bytes, err)
			}
		}
	}
}

func TestLinesCostNoAllocations(t *testing.T) {
	data := strings.Repeat(strings.Repeat("x", 300)+"\r\n", 1000)
	r := strings.NewReader("")
	allocs := testing.AllocsPerRun(10, func() {
		r.Reset(data)
		l := newLineReader(r, MaxLine)
		for {
			if _, err := l.next(); err != nil {
				return
			}
		}
	})
	if allocs > 2 {
		t.Errorf("%v allocations for 1000 lines: the reader and its buffer are two", allocs)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a\nb\r\n\rc\r\r\n\n", 3, uint64(1))
	f.Add(strings.Repeat("x", 300)+"\r", 100, uint64(2))
	f.Fuzz(func(t *testing.T, s string, bound int, seed uint64) {
		bound = 1 + int(uint(bound)%1000)
		r := rand.New(rand.NewPCG(seed, seed))
		got, err := lines(chunks{strings.NewReader(s), r}, bound)
		if diff := cmp.Diff(reference(s, bound), got); err != nil || diff != "" {
			t.Fatalf("%q, bound %d: error %v\n%s", s, bound, err, diff)
		}
	})
}

// chunks reads pieces of any length, empty ones too.
type chunks struct {
	r    io.Reader
	rand *rand.Rand
}

func (c chunks) Read(p []byte) (int, error) { return c.r.Read(p[:c.rand.IntN(min(len(p), 9)+1)]) }

func BenchmarkLines(b *testing.B) {
	data := strings.Repeat(strings.Repeat("x", 494)+"\n", 20_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		l := newLineReader(strings.NewReader(data), MaxLine)
		for {
			if _, err := l.next(); err != nil {
				break
			}
		}
	}
}
