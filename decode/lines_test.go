package decode_test

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/decode"
)

type line struct {
	Offset, Length int64
	Text           string
	Overlong       bool
}

func lines(r io.Reader, bound int) ([]line, error) {
	l := decode.NewLineReader(r, bound)
	var out []line
	for {
		got, err := l.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, err
		}
		out = append(out, line{got.Offset, got.Length, string(got.Bytes), got.Overlong})
	}
}

// reference splits with the simplest code that is right.
func reference(s string, bound int) []line {
	var out []line
	for at := 0; at < len(s); {
		rest := s[at:]
		i := strings.IndexByte(rest, '\n')
		whole, next := rest, len(s)
		if i >= 0 {
			whole, next = strings.TrimSuffix(rest[:i], "\r"), at+i+1
		}
		l := line{Offset: int64(at), Length: int64(len(whole)), Text: whole}
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

func TestLinesDoNotDependOnHowTheyAreCutAndCompressed(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	rounds := 100
	if testing.Short() {
		rounds = 15
	}
	for round := range rounds {
		s, bound := randomText(r), 1+r.IntN(200)
		want := reference(s, bound)
		var stored strings.Builder
		for at := 0; at < len(s); {
			n := min(1+r.IntN(50), len(s)-at)
			stored.WriteString(gz(s[at : at+n]))
			at += n
		}
		if s == "" {
			stored.WriteString(gz(""))
		}
		for name, src := range map[string]io.Reader{
			"plain": strings.NewReader(s), "plain by bytes": iotest.OneByteReader(strings.NewReader(s)),
			"members":           strings.NewReader(stored.String()),
			"members by halves": iotest.HalfReader(strings.NewReader(stored.String())),
		} {
			for e, err := range decode.New(decode.Limits{}).Entries("", src) {
				if err != nil {
					t.Fatal(err)
				}
				got, err := lines(e, bound)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Fatalf("round %d, %s, bound %d: %q\nerror %v\n%s", round, name, bound, s, err, diff)
				}
			}
		}
	}
}

func TestAnOverlongLineIsKnownByItsHash(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 100_000) + "\r"
	l := decode.NewLineReader(strings.NewReader("a\n"+long+"\r\nb"), 1000)
	for i, want := range []string{"a", long, "b"} {
		got, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 && (got.Hash != sha256.Sum256([]byte(want)) || got.Length != int64(len(want)) || len(got.Bytes) != 1000) {
			t.Errorf("line of %d bytes, %d held", got.Length, len(got.Bytes))
		}
		if i != 1 && string(got.Bytes) != want {
			t.Errorf("got %q, want %q", got.Bytes, want)
		}
	}
}

func TestPeekDoesNotConsume(t *testing.T) {
	t.Parallel()
	l := decode.NewLineReader(iotest.OneByteReader(strings.NewReader(text)), 0)
	for _, n := range []int{1, 10, 1000} {
		if got := string(l.Peek(n)); got != text[:min(n, len(text))] {
			t.Errorf("peek %d: %q", n, got)
		}
	}
	got, err := lines(strings.NewReader(text), 100)
	first, ferr := l.Next()
	if err != nil || ferr != nil || string(first.Bytes) != got[0].Text {
		t.Errorf("after a peek the first line is %q", first.Bytes)
	}
}

func TestALineThatIsBrokenOffIsNotALine(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for _, tail := range []string{"", "bro", "broken off in the middle of an overlong line"} {
		l := decode.NewLineReader(io.MultiReader(strings.NewReader("one\n"+tail), iotest.ErrReader(broken)), 10)
		if got, err := l.Next(); err != nil || string(got.Bytes) != "one" {
			t.Fatalf("%q, error %v", got.Bytes, err)
		}
		got, err := l.Next()
		if !errors.Is(err, broken) || got.Length != int64(len(tail)) || !strings.HasPrefix(tail, string(got.Bytes)) {
			t.Errorf("%q: %q, error %v", tail, got.Bytes, err)
		}
		if _, err := l.Next(); !errors.Is(err, broken) {
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
			again, err := decode.NewLineReader(strings.NewReader(s[l.Offset:]), 0).Next()
			if err != nil || string(again.Bytes) != l.Text || again.Offset != 0 {
				t.Fatalf("%q at %d: %q, error %v", s, l.Offset, again.Bytes, err)
			}
		}
	}
}

func TestLinesCostNoAllocations(t *testing.T) {
	data := strings.Repeat(strings.Repeat("x", 300)+"\r\n", 1000)
	r := strings.NewReader("")
	allocs := testing.AllocsPerRun(10, func() {
		r.Reset(data)
		l := decode.NewLineReader(r, 0)
		for {
			if _, err := l.Next(); err != nil {
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
		l := decode.NewLineReader(strings.NewReader(data), 0)
		for {
			if _, err := l.Next(); err != nil {
				break
			}
		}
	}
}
