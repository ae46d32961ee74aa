package parquet_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	library "github.com/parquet-go/parquet-go"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/decode/parquet"
)

// placed is an object whose bytes are to be had by place.
type placed struct {
	io.Reader
	places placesOf
}

func (p *placed) Places() penstock.Places { return &p.places }

type placesOf struct {
	io.ReaderAt
	size  int64
	far   bool
	end   error
	mu    sync.Mutex
	ended int
}

func (p *placesOf) Size() int64 { return p.size }
func (p *placesOf) Far() bool   { return p.far }
func (p *placesOf) End() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended++
	return p.end
}

// failing reads by place up to a byte.
type failing struct {
	io.ReaderAt
	to int64
}

func (f failing) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > f.to && at < 5<<20 { // the footer can be read
		return 0, errAway
	}
	return f.ReaderAt.ReadAt(p, at)
}

// beginning is the part of a file that may be read one byte behind the other.
type beginning struct {
	io.Reader
	left int
}

func (b *beginning) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("read behind the beginning")
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func TestAFileThatIsToBeHadByPlaceIsNotKept(t *testing.T) {
	t.Parallel()
	all := rowsOf(60_000)
	for i := range all {
		all[i].ID = int64(i) * 1e12
		all[i].Nested.Name = strings.Repeat(string(rune('a'+i%26)), 30) + string(rune(i))
	}
	file := fileOf(t, all, library.PageBufferSize(64<<10))
	if len(file) < 5<<20 {
		t.Fatalf("a file of %d bytes", len(file))
	}
	rows, _ := read(file)
	text := strings.Join(rows, "\n") + "\n"
	d := decode.New(decode.Limits{Tables: decode.Tables{Parquet: parquet.Open}, MaxSpool: 1 << 20})
	altered, growing := &penstock.AlteredError{Err: errAway}, &penstock.GrowingError{Object: "x"}
	for name, tt := range map[string]struct {
		far      bool
		file     []byte
		from     io.ReaderAt
		end      error
		text     string
		want     error // how it ends
		wantType string
	}{
		"here":                  {text: text},
		"somewhere else":        {far: true, text: text},
		"altered on its way":    {far: true, end: altered, text: text, want: altered},
		"may go on":             {end: growing, text: text, want: growing},
		"unreadable from there": {from: failing{bytes.NewReader(file), 3 << 20}, want: errAway, wantType: "source"},
		"unreadable, far": {
			far: true, from: failing{bytes.NewReader(file), 3 << 20}, want: errAway, wantType: "source",
		},
		"corrupt":             {file: append(bytes.Clone(file[:1<<20]), file...), wantType: penstock.ReasonCorrupt},
		"corrupt and altered": {file: append(bytes.Clone(file[:1<<20]), file...), end: altered, want: altered},
		"corrupt, may go on":  {file: append(bytes.Clone(file[:1<<20]), file...), end: growing, want: growing},
		"without an end":      {file: file[:5<<20], wantType: penstock.ReasonCorrupt},
		"no end, may go on":   {file: file[:5<<20], end: growing, want: growing},
	} {
		if tt.file == nil {
			tt.file = file
		}
		if tt.from == nil {
			tt.from = bytes.NewReader(tt.file)
		}
		p := &placed{
			Reader: &beginning{bytes.NewReader(tt.file), 64 << 10},
			places: placesOf{ReaderAt: tt.from, size: int64(len(tt.file)), far: tt.far, end: tt.end},
		}
		var got strings.Builder
		var end error
		for e, err := range d.Entries("x", p) {
			if err == nil {
				_, err = io.Copy(&got, e)
			}
			end = errors.Join(end, err)
		}
		kind := ""
		if oe, ok := errors.AsType[*penstock.ObjectError](end); ok {
			kind = oe.Reason
		} else if errors.Is(end, errAway) && tt.wantType == "source" {
			kind = "source"
		}
		_, isGrowing := errors.AsType[*penstock.GrowingError](end)
		if kind != tt.wantType || tt.want != nil && !errors.Is(end, tt.want) && isGrowing != errors.Is(tt.want, growing) ||
			tt.want == nil && tt.wantType == "" && end != nil {
			t.Errorf("%s: error %v", name, end)
		}
		if tt.text != "" && got.String() != tt.text {
			t.Errorf("%s: %d bytes of rows, want %d", name, got.Len(), len(tt.text))
		}
		if failed := tt.wantType == "source"; p.places.ended != 1 && !failed {
			t.Errorf("%s: ended %d times", name, p.places.ended)
		}
	}
}

// A file whose columns lie in too many places for few requests, and a small one, are kept as ever.
func TestAFileInTooManyPlacesIsKept(t *testing.T) {
	t.Parallel()
	all := rowsOf(100_000)
	for i := range all {
		all[i].ID, all[i].Price = int64(i)*1e12, int64(i)*7e9
		all[i].Nested.Name = strings.Repeat(string(rune('a'+i%26)), 90) + string(rune(i))
	}
	file := fileOf(t, all, library.PageBufferSize(16<<10))
	rows, _ := read(file)
	text := strings.Join(rows, "\n") + "\n"
	limits := decode.Limits{Tables: decode.Tables{Parquet: parquet.Open}, MaxPages: 4 << 20}
	for name, tt := range map[string]struct {
		file []byte
		text string
	}{
		"scattered": {file, text},
		"small":     {fileOf(t, rowsOf(3)), strings.Join(mustRead(t, fileOf(t, rowsOf(3))), "\n") + "\n"},
	} {
		p := &placed{
			Reader: bytes.NewReader(tt.file),
			places: placesOf{ReaderAt: bytes.NewReader(tt.file), size: int64(len(tt.file)), far: true},
		}
		var got strings.Builder
		for e, err := range decode.New(limits).Entries("x", p) {
			if err == nil {
				_, err = io.Copy(&got, e)
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got.String() != tt.text || p.places.ended > 0 {
			t.Errorf("%s: %d bytes of rows, want %d; ended %d times", name, got.Len(), len(tt.text), p.places.ended)
		}
	}
}

func mustRead(t *testing.T, file []byte) []string {
	t.Helper()
	rows, err := read(file)
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return rows
}

// slow is a file somewhere else whose answers wait for a word, but for the first ones.
type slow struct {
	io.ReaderAt
	mu          sync.Mutex
	asked, done int
	first       int // that do not wait
	word        chan struct{}
}

func (s *slow) ReadAt(p []byte, at int64) (int, error) {
	s.mu.Lock()
	s.asked++
	waits := s.asked > s.first
	s.mu.Unlock()
	if waits {
		<-s.word
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done++
	return s.ReaderAt.ReadAt(p, at)
}

func (s *slow) counts() (asked, done int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, s.done
}

// far is a file whose answers take a second each.
type far struct{ io.ReaderAt }

func (f far) ReadAt(p []byte, at int64) (int, error) {
	time.Sleep(time.Second)
	return f.ReaderAt.ReadAt(p, at)
}

// While the rows that are there are used, what comes behind them is on its way: of whole groups the next ones, of large
// groups the next part of each column.
func TestWhatComesNextIsAskedForWhileRowsAreUsed(t *testing.T) {
	t.Parallel()
	all := rowsOf(20_000)
	for i := range all {
		all[i].ID = int64(i) * int64(i)
		all[i].Nested.Name = strings.Repeat(string(rune('a'+i%26)), 50) + string(rune(i))
	}
	// The end of the file and what is held at first are waited for: eight requests at once.
	for name, tt := range map[string]struct {
		option library.WriterOption
		most   time.Duration
	}{
		"groups":  {library.MaxRowsPerRowGroup(1000), 2 * time.Second},
		"columns": {library.PageBufferSize(4 << 10), 4 * time.Second},
	} {
		file := fileOf(t, all, tt.option)
		want := mustRead(t, file)
		synctest.Test(t, func(t *testing.T) {
			started := time.Now()
			rows, err := parquet.Open(decode.RandomAccess{
				ReaderAt: far{bytes.NewReader(file)}, Size: int64(len(file)), Ahead: 3 << 20,
			}, func(int64) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			n, used := 0, time.Duration(0)
			for row := []byte(nil); ; n++ {
				if row, err = rows.Next(row[:0]); err != nil {
					break
				}
				if n%100 == 0 {
					time.Sleep(time.Second)
					used += time.Second
				}
			}
			rows.Close()
			if waited := time.Since(started) - used; !errors.Is(err, io.EOF) || n != len(want) || waited > tt.most {
				t.Errorf("%s: %d rows of %d, error %v, %v waited for bytes", name, n, len(want), err, waited)
			} else {
				t.Logf("%s: %d bytes, %v waited for bytes while the rows took %v", name, len(file), waited, used)
			}
		})
	}
}

// Rows that nobody wants to the end have nothing under way when they are closed.
func TestClosedRowsReadNothing(t *testing.T) {
	t.Parallel()
	file := fileOf(t, rowsOf(20_000), library.MaxRowsPerRowGroup(1000))
	synctest.Test(t, func(t *testing.T) {
		s := &slow{ReaderAt: bytes.NewReader(file), first: 2, word: make(chan struct{})}
		rows, err := parquet.Open(decode.RandomAccess{ReaderAt: s, Size: int64(len(file)), Ahead: 512 << 10},
			func(int64) error { return nil })
		if err == nil {
			_, err = rows.Next(nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		var closed bool
		go func() {
			rows.Close()
			closed = true
		}()
		synctest.Wait()
		if asked, done := s.counts(); asked == done || closed {
			t.Errorf("%d requests, %d answered, closed %v", asked, done, closed)
		}
		close(s.word)
		synctest.Wait()
		if asked, done := s.counts(); asked != done || !closed {
			t.Errorf("then %d requests, %d answered, closed %v", asked, done, closed)
		}
	})
}
