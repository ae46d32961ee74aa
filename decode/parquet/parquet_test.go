package parquet_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	library "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/deprecated"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/decode/parquet"
)

type inner struct {
	Name string   `parquet:"name"`
	Tags []string `parquet:"tags,list"`
}

type row struct {
	ID      int64             `parquet:"id"`
	Small   int32             `parquet:"small"`
	Big     uint64            `parquet:"big"`
	Yes     bool              `parquet:"yes"`
	Ratio   float64           `parquet:"ratio"`
	Text    string            `parquet:"text,dict"`
	Maybe   *string           `parquet:"maybe,optional"`
	Raw     []byte            `parquet:"raw"`
	UUID    [16]byte          `parquet:"uuid,uuid"`
	When    time.Time         `parquet:"when,timestamp(microsecond)"`
	Price   int64             `parquet:"price,decimal(2:18)"`
	Any     string            `parquet:"any,json"`
	Nested  inner             `parquet:"nested"`
	Many    []inner           `parquet:"many,list"`
	Repeat  []int32           `parquet:"repeat"`
	Map     map[string]int64  `parquet:"map"`
	Old     deprecated.Int96  `parquet:"old"`
	Absent  *inner            `parquet:"absent,optional"`
	Numbers map[int64]float64 `parquet:"numbers"`
}

func rowsOf(n int) []row {
	some := "some"
	all := make([]row, n)
	for i := range all {
		all[i] = row{
			ID: int64(i), Small: -7, Big: math.MaxUint64, Yes: i%2 == 0, Ratio: 0.25, Text: "naïve \"quoted\"\n",
			Raw:  []byte{0, 0xff},
			UUID: [16]byte{0x11, 0x22, 15: 0xff}, When: time.Date(2026, 11, 24, 10, 0, i%60, 123456000, time.UTC), Price: -1205,
			Any:    "{\"a\":\n[1]}",
			Nested: inner{"in", []string{"x", "y"}}, Map: map[string]int64{"k": 1},
			// 2026-11-24 is day 2461369 of the Julian calendar; noon.
			Old: deprecated.Int96{0: uint32(43200000000000 & math.MaxUint32), 1: 43200000000000 >> 32, 2: 2461369},
		}
		switch i % 3 {
		case 1:
			all[i].Maybe, all[i].Many, all[i].Repeat = &some, []inner{{"one", nil}, {"two", []string{"z"}}}, []int32{1, 2, 3}
			all[i].Absent, all[i].Numbers = &inner{Name: "here"}, map[int64]float64{3: 1.5}
		case 2:
			all[i].Ratio, all[i].Raw, all[i].Map = math.NaN(), []byte("text after all"), nil
		}
	}
	return all
}

func fileOf(t testing.TB, rows []row, options ...library.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := library.NewGenericWriter[row](&b, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// near is a file that is here.
func near(file []byte) decode.RandomAccess {
	return decode.RandomAccess{ReaderAt: bytes.NewReader(file), Size: int64(len(file))}
}

func anyAmount(int64) error { return nil }

// read returns the rows of a file, and the error that they end with.
func read(file []byte) (rows []string, err error) { return readFrom(near(file)) }

func readFrom(f decode.RandomAccess) (rows []string, err error) {
	r, err := parquet.Open(f, anyAmount)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		row, err := r.Next(nil)
		if err != nil {
			return rows, err
		}
		rows = append(rows, string(row))
	}
}

func TestRowsAreJSON(t *testing.T) {
	t.Parallel()
	rows, err := read(fileOf(t, rowsOf(3)))
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	want := []string{
		`{"id":0,"small":-7,"big":18446744073709551615,"yes":true,"ratio":0.25,"text":"naïve \"quoted\"\n","raw":"AP8=",` +
			`"uuid":"11220000-0000-0000-0000-0000000000ff","when":"2026-11-24T10:00:00.123456Z","price":-12.05,` +
			`"any":{"a": [1]},"nested":{"name":"in","tags":["x","y"]},` +
			`"many":[],"map":{"k":1},"old":"2026-11-24T12:00:00.000000000Z",` +
			`"numbers":{}}`,
		`{"id":1,"small":-7,"big":18446744073709551615,"yes":false,"ratio":0.25,"text":"naïve \"quoted\"\n",` +
			`"maybe":"some","raw":"AP8=",` +
			`"uuid":"11220000-0000-0000-0000-0000000000ff","when":"2026-11-24T10:00:01.123456Z","price":-12.05,` +
			`"any":{"a": [1]},"nested":{"name":"in","tags":["x","y"]},` +
			`"many":[{"name":"one","tags":[]},{"name":"two","tags":["z"]}],` +
			`"repeat":[1,2,3],` +
			`"map":{"k":1},"old":"2026-11-24T12:00:00.000000000Z","absent":{"name":"here","tags":[]},"numbers":{"3":1.5}}`,
		`{"id":2,"small":-7,"big":18446744073709551615,"yes":true,"text":"naïve \"quoted\"\n","raw":"text after all",` +
			`"uuid":"11220000-0000-0000-0000-0000000000ff","when":"2026-11-24T10:00:02.123456Z","price":-12.05,` +
			`"any":{"a": [1]},"nested":{"name":"in","tags":["x","y"]},` +
			`"many":[],"map":{},"old":"2026-11-24T12:00:00.000000000Z","numbers":{}}`,
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestEveryCompressionAndLayoutGivesTheSameRows(t *testing.T) {
	t.Parallel()
	all := rowsOf(2000)
	want, err := read(fileOf(t, all))
	if !errors.Is(err, io.EOF) || len(want) != len(all) {
		t.Fatalf("%d rows, %v", len(want), err)
	}
	for name, codec := range map[string]compress.Codec{
		"uncompressed": &library.Uncompressed, "snappy": &library.Snappy, "gzip": &library.Gzip, "brotli": &library.Brotli,
		"zstd": &library.Zstd, "lz4": &library.Lz4Raw,
	} {
		for layout, options := range map[string][]library.WriterOption{
			"pages of version 1": {library.DataPageVersion(1)}, "pages of version 2": {library.DataPageVersion(2)},
			"small pages": {library.PageBufferSize(300)}, "small groups": {library.MaxRowsPerRowGroup(7)},
		} {
			got, err := read(fileOf(t, all, append(options, library.Compression(codec))...))
			if !errors.Is(err, io.EOF) || !slices.Equal(got, want) {
				t.Errorf("%s, %s: %d rows, %v", name, layout, len(got), err)
			}
		}
	}
}

// A file that is cut off, or in which a byte is another one, gives rows of the file and an error; it never panics, and
// what it asks for in memory is known before.
func TestDamagedFilesEndInAnError(t *testing.T) {
	t.Parallel()
	file := fileOf(t, rowsOf(40), library.PageBufferSize(400), library.Compression(&library.Snappy))
	want, _ := read(file)
	step := 1
	if testing.Short() {
		step = 13
	}
	for n := 0; n < len(file); n += step {
		if rows, err := read(file[:n]); errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || len(rows) > 0 {
			t.Fatalf("cut after %d of %d bytes: %d rows, %v", n, len(file), len(rows), err)
		}
	}
	for i := 0; i < len(file); i += step {
		damaged := slices.Clone(file)
		damaged[i] ^= 0x41
		if rows, err := read(damaged); err == nil || len(rows) > 100*len(want) {
			t.Fatalf("byte %d changed: %d rows, %v", i, len(rows), err)
		}
	}
}

// Memory is asked for before it is taken, and what is asked for is no more than that.
func TestMemoryIsAskedForBeforeItIsTaken(t *testing.T) {
	t.Parallel()
	file := fileOf(t, rowsOf(20_000), library.PageBufferSize(64<<10), library.Compression(&library.Zstd))
	asked := []int64{0}
	r, err := parquet.Open(near(file), func(n int64) error {
		if n <= asked[len(asked)-1] {
			t.Errorf("asked for %d bytes, then for %d", asked[len(asked)-1], n)
		}
		asked = append(asked, n)
		return nil
	})
	rows := 0
	for ; err == nil; rows++ {
		_, err = r.Next(nil)
	}
	if most := asked[len(asked)-1]; most < 64<<10 || most > 4<<20 || rows != 20_001 {
		t.Errorf("%d rows, asked for %d bytes, error %v", rows, most, err)
	}
	// Wherever it is refused, that is how the file ends.
	refused := errors.New("refused")
	for _, n := range asked[1:] {
		r, err := parquet.Open(near(file), func(m int64) error {
			if m >= n {
				return refused
			}
			return nil
		})
		for err == nil {
			_, err = r.Next(nil)
		}
		if !errors.Is(err, refused) {
			t.Errorf("refused %d bytes: %v", n, err)
		}
	}
}

// somewhere is a file that is somewhere else, and counts the requests.
type somewhere struct {
	file []byte
	mu   sync.Mutex
	// requests are the sizes of those that were made.
	requests []int
	most     int // bytes that one had
	fails    int // the request that fails
}

var errAway = errors.New("away")

func (s *somewhere) ReadAt(p []byte, at int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, len(p))
	if s.most = max(s.most, len(p)); len(s.requests) == s.fails {
		return len(p) / 2, errAway
	}
	return bytes.NewReader(s.file).ReadAt(p, at)
}

// Of a file somewhere else comes the same, with few requests: of small groups of rows several at once, of large ones of
// each column as much as there is room for.
func TestAFileSomewhereElseIsReadWithFewRequests(t *testing.T) {
	t.Parallel()
	all := rowsOf(30_000)
	for i := range all {
		all[i].ID = int64(i * i)
		all[i].Nested.Name = fmt.Sprintf("%x", sha256.Sum256([]byte{byte(i), byte(i >> 8), byte(i >> 16)}))
	}
	for name, tt := range map[string]struct {
		ahead   int64
		options []library.WriterOption
		most    int // requests
	}{
		"one group that fits":       {6 << 20, nil, 3},
		"groups that fit together":  {6 << 20, []library.WriterOption{library.MaxRowsPerRowGroup(1000)}, 4},
		"several at once":           {1 << 20, []library.WriterOption{library.MaxRowsPerRowGroup(1000)}, 10},
		"a group that does not fit": {2 << 20, []library.WriterOption{library.PageBufferSize(16 << 10)}, 12},
		"pages larger than windows": {2 << 20, []library.WriterOption{library.PageBufferSize(1 << 20)}, 12},
	} {
		file := fileOf(t, all, append(tt.options, library.Compression(&library.Snappy))...)
		want, err := read(file)
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		away := &somewhere{file: file}
		got, err := readFrom(decode.RandomAccess{ReaderAt: away, Size: int64(len(file)), Ahead: tt.ahead})
		if !errors.Is(err, io.EOF) || !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, %v", name, len(got), err)
		}
		total := 0
		for _, n := range away.requests {
			total += n
		}
		t.Logf("%s: %d bytes, %d requests for %d, the largest %d", name, len(file), len(away.requests), total, away.most)
		if len(away.requests) > tt.most || total > len(file)*5/4+100_000 {
			t.Errorf("%s: %d requests for %d bytes of %d, want %d", name, len(away.requests), total, len(file), tt.most)
		}
		for _, n := range []int{0, 1, len(away.requests) - 1} {
			failing := &somewhere{file: file, fails: n + 1}
			f := decode.RandomAccess{ReaderAt: failing, Size: int64(len(file)), Ahead: tt.ahead}
			if _, err := readFrom(f); !errors.Is(err, errAway) {
				t.Errorf("%s: request %d failed, error %v", name, n, err)
			}
		}
	}
	file := fileOf(t, all, library.PageBufferSize(16<<10))
	away := decode.RandomAccess{ReaderAt: &somewhere{file: file}, Size: int64(len(file)), Ahead: 128 << 10}
	if _, err := readFrom(away); !errors.Is(err, decode.ErrScattered) {
		t.Errorf("too many columns for a window each: %v", err)
	}
}

func TestFilesThatCannotBeReadSaySo(t *testing.T) {
	t.Parallel()
	lying := func(length string) []byte { return []byte("PAR1" + strings.Repeat("x", 40) + length + "PAR1") }
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"encrypted footer": {
			file: []byte("PAR1xxxxxxxxxxxx\x04\x00\x00\x00PARE"), want: "encrypted Parquet files are not supported",
		},
		"nothing between":          {[]byte("PAR1"), "unexpected EOF"},
		"a footer beyond the file": {lying("\xff\xff\xff\x7f"), "footer of 2147483647 bytes in a file of 52"},
		"a footer that is none":    {lying("\x10\x00\x00\x00"), "footer"},
		// A list of two thousand million columns.
		"a list without its elements": {
			file: []byte("PAR1" + "\x15\x02\x29\xfc\xff\xff\xff\xff\x07\x00" + "\x0a\x00\x00\x00PAR1"),
			want: "unexpected EOF",
		},
		"lists in lists": {[]byte("PAR1" + strings.Repeat("\x19\x19", 40) + "\x50\x00\x00\x00PAR1"), "nested too deep"},
	} {
		if _, err := read(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q", name, err, tt.want)
		}
	}
}

// As the decoder sees them, alone and in an archive, with the memory that it allows.
func TestTheDecoderGivesRowsAsLines(t *testing.T) {
	t.Parallel()
	file := fileOf(t, rowsOf(300))
	rows, _ := read(file)
	for name, tt := range map[string]struct {
		limits decode.Limits
		reason string
	}{
		"read":       {limits: decode.Limits{Tables: decode.Tables{Parquet: parquet.Open}}},
		"not linked": {reason: penstock.ReasonUnreadable},
		"more than may be": {
			limits: decode.Limits{MaxPages: 1000, Tables: decode.Tables{Parquet: parquet.Open}}, reason: penstock.ReasonLimit,
		},
		"larger than may be": {
			limits: decode.Limits{MaxSpool: 1000, Tables: decode.Tables{Parquet: parquet.Open}}, reason: penstock.ReasonLimit,
		},
	} {
		d := decode.New(tt.limits)
		for range 3 { // what was held is let go of
			for e, err := range d.Entries("x", bytes.NewReader(file)) {
				oe, _ := errors.AsType[*penstock.ObjectError](err)
				if tt.reason != "" {
					if oe == nil || oe.Reason != tt.reason {
						t.Errorf("%s: error %v, want reason %s", name, err, tt.reason)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				text, err := io.ReadAll(e)
				if err != nil || e.Table != "parquet" || string(text) != strings.Join(rows, "\n")+"\n" {
					t.Errorf("%s: table %q, %d bytes, error %v", name, e.Table, len(text), err)
				}
				if got := decode.Containers(e); !slices.Equal(got, []string{"Parquet"}) {
					t.Errorf("%s: containers %v", name, got)
				}
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(fileOf(f, rowsOf(5)))
	f.Add(fileOf(f, rowsOf(5), library.DataPageVersion(1), library.Compression(&library.Zstd)))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := parquet.Open(near(file), func(n int64) error {
			if n > 64<<20 {
				return errors.New("too much")
			}
			return nil
		})
		if err != nil {
			return
		}
		defer r.Close()
		var row []byte
		for range 1000 {
			if row, err = r.Next(row[:0]); err != nil {
				return
			}
			if bytes.IndexByte(row, '\n') >= 0 {
				t.Fatalf("a row of several lines: %q", row)
			}
		}
	})
}

func BenchmarkRows(b *testing.B) {
	file := fileOf(b, rowsOf(10_000), library.Compression(&library.Snappy))
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := parquet.Open(near(file), anyAmount)
		if err != nil {
			b.Fatal(err)
		}
		var row []byte
		n := 0
		for ; err == nil; n++ {
			row, err = r.Next(row[:0])
		}
		r.Close()
		if n != 10_001 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/row")
}
