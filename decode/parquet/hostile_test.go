package parquet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/decode/parquet"
)

// field and fields are a struct of Thrift, with numbers, texts, structs and lists of structs.
type (
	field struct {
		id    int
		value any
	}
	fields []field
)

// append writes it in the compact protocol.
func (s fields) append(b []byte) []byte {
	last := 0
	for _, f := range s {
		kind := byte(5)
		switch f.value.(type) {
		case int64:
			kind = 6
		case string:
			kind = 8
		case []fields:
			kind = 9
		case fields:
			kind = 12
		}
		b = append(b, byte(f.id-last)<<4|kind)
		last = f.id
		switch v := f.value.(type) {
		case int:
			b = binary.AppendVarint(b, int64(v))
		case int64:
			b = binary.AppendVarint(b, v)
		case string:
			b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
		case fields:
			b = v.append(b)
		case []fields:
			b = binary.AppendUvarint(append(b, 0xf0|12), uint64(len(v)))
			for _, e := range v {
				b = e.append(b)
			}
		}
	}
	return append(b, 0)
}

// crafted is a file with one column, "c", of texts that are there.
type crafted struct {
	pages  []byte
	values int64
	rows   int64
	codec  int
	// chunk changes what is said of the column; group repeats the group.
	chunk  func(size, data, dictionary *int64)
	groups int
	rest   fields // of the footer
	schema []fields
}

// page adds a page with a head that may say something else.
func (c *crafted) page(kind, decoded, stored, values, encoding int, body string) *crafted {
	head := fields{{1, kind}, {2, decoded}, {3, stored}}
	if kind == 2 {
		head = append(head, field{7, fields{{1, values}, {2, encoding}}})
	} else {
		head = append(head, field{5, fields{{1, values}, {2, encoding}, {3, 3}, {4, 3}}})
	}
	c.pages = append(head.append(c.pages), body...)
	return c
}

func (c *crafted) file() []byte {
	data, dictionary, size := int64(4), int64(0), int64(len(c.pages))
	if c.chunk != nil {
		c.chunk(&size, &data, &dictionary)
	}
	meta := fields{{1, 6}, {2, []fields{}}, {3, []fields{}}, {4, c.codec}, {5, c.values}, {6, size}, {7, size}, {9, data}}
	if dictionary > 0 {
		meta = append(meta, field{11, dictionary})
	}
	group := fields{{1, []fields{{{2, int64(0)}, {3, meta}}}}, {2, size}, {3, c.rows}}
	groups := make([]fields, max(1, c.groups))
	for i := range groups {
		groups[i] = group
	}
	schema := c.schema
	if schema == nil {
		schema = []fields{{{4, "root"}, {5, 1}}, {{1, 6}, {3, 0}, {4, "c"}}}
	}
	footer := append(fields{{1, 1}, {2, schema}, {3, c.rows}, {4, groups}}, c.rest...).append(nil)
	file := append([]byte("PAR1"), c.pages...)
	file = append(file, footer...)
	return append(binary.LittleEndian.AppendUint32(file, uint32(len(footer))), "PAR1"...)
}

// text is a value as it is stored.
func text(s string) string {
	return string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

const (
	asIs      = 0
	byNumber  = 8
	zstandard = 6
	gib       = 1 << 30
)

// What a hostile file says is never believed before there are bytes for it. It becomes a letter with a reason, after
// the rows before it; nothing panics, and the memory is what the file was given.
func TestHostileFilesBecomeLetters(t *testing.T) { //nolint:tparallel // it measures what it allocates
	zeros, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := string(zeros.EncodeAll(make([]byte, 200<<20), nil))
	good := func() *crafted {
		return (&crafted{values: 3, rows: 3}).page(0, 15, 15, 3, asIs, text("a")+text("b")+text("c"))
	}
	one := func(kind, decoded, stored, values, encoding int, body string) *crafted {
		return (&crafted{values: int64(values), rows: int64(values)}).page(kind, decoded, stored, values, encoding, body)
	}
	chunked := func(change func(size, data, dictionary *int64)) *crafted {
		c := good()
		c.chunk = change
		return c
	}
	with := func(c *crafted, change func(c *crafted)) *crafted {
		change(c)
		return c
	}
	long := strings.Repeat("x", 1<<20)
	list := []fields{
		{{4, "root"}, {5, 1}}, {{3, 0}, {4, "l"}, {5, 1}, {6, 3}}, {{3, 2}, {4, "list"}, {5, 1}}, {{1, 6}, {3, 0}, {4, "c"}},
	}
	for _, tt := range []struct {
		name   string
		file   *crafted
		cut    int
		rows   int
		reason string // "" for a file in good order
	}{
		{name: "a file in good order", file: good(), rows: 3},
		{
			name:   "a page that claims 2 GiB",
			file:   one(0, 2*gib-1, 15, 3, asIs, text("a")),
			reason: penstock.ReasonLimit,
		},
		{
			name: "a page that decompresses to 2 GiB",
			file: with(one(0, 2*gib-1, len(bomb), 3, asIs, bomb), func(c *crafted) {
				c.codec = zstandard
			}),
			reason: penstock.ReasonLimit,
		},
		{
			name: "a page that decompresses to 200 MiB, as it says",
			file: with(
				one(0, 200<<20, len(bomb), 3, asIs, bomb), func(c *crafted) { c.codec = zstandard }),
			reason: penstock.ReasonLimit,
		},
		{
			name: "a page that decompresses to more than it says",
			file: with(one(0, 100, len(bomb), 3, asIs, bomb),
				func(c *crafted) { c.codec = zstandard }),
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "2 GiB of values in a page",
			file:   one(0, 15, 15, math.MaxInt32, asIs, text("a")+text("b")+text("c")),
			rows:   3,
			reason: penstock.ReasonCorrupt,
		},
		{
			name: "a dictionary of 2 GiB of words",
			file: with(one(2, 15, 15, math.MaxInt32, asIs, text("a")+text("b")+text("c")).
				page(0, 3, 3, 3, byNumber, "\x02\x03\x00"), func(c *crafted) { c.values, c.rows = 3, 3 }),
			reason: penstock.ReasonLimit,
		},
		{
			name: "a dictionary that decompresses to 200 MiB",
			file: with((&crafted{}).page(2, 200<<20, len(bomb), 3, asIs, bomb).
				page(0, 3, 3, 3, byNumber, "\x02\x03\x00"), func(c *crafted) { c.values, c.rows, c.codec = 3, 3, zstandard }),
			reason: penstock.ReasonLimit,
		},
		{
			name: "two dictionaries",
			file: with((&crafted{values: 1, rows: 1}).page(2, 5, 5, 1, asIs, text("a")).
				page(2, 5, 5, 1, asIs, text("a")), func(*crafted) {}),
			reason: penstock.ReasonCorrupt,
		},
		{
			name: "a number behind the dictionary",
			file: with((&crafted{values: 1, rows: 1}).page(2, 5, 5, 1, asIs, text("a")).
				page(0, 3, 3, 1, byNumber, "\x08\x02\x07"), func(*crafted) {}),
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "a column behind the file",
			file:   chunked(func(_, data, _ *int64) { *data = 1 << 40 }),
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "a column before the file",
			file:   chunked(func(_, data, _ *int64) { *data = -4 }),
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "a column over the end",
			file:   chunked(func(size, _, _ *int64) { *size = 1 << 40 }),
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "a column of less than nothing",
			file:   chunked(func(size, _, _ *int64) { *size = -1 }),
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "a size that wraps around",
			file:   chunked(func(size, data, _ *int64) { *size, *data = math.MaxInt64, 8 }),
			reason: penstock.ReasonCorrupt,
		},
		{
			name: "a dictionary somewhere else",
			file: chunked(func(_, _, dictionary *int64) { *dictionary = 1 << 50 }),
			rows: 3,
		},
		{
			name:   "a column in the footer",
			file:   chunked(func(_, data, _ *int64) { *data = 40 }),
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "columns over each other",
			file:   with(good(), func(c *crafted) { c.groups = 1000 }),
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "rows without values",
			file:   with(good(), func(c *crafted) { c.rows = math.MaxInt64 }),
			rows:   3,
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "values without rows",
			file:   with(good(), func(c *crafted) { c.rows = 1 }),
			rows:   1,
			reason: penstock.ReasonCorrupt,
		},
		{
			name:   "fewer rows than none",
			file:   with(good(), func(c *crafted) { c.rows = -1 }),
			reason: penstock.ReasonCorrupt,
		},
		{
			name: "an endless row of pages without values",
			file: with(good(), func(c *crafted) {
				c.pages = make([]byte, 100_000)
			}),
			reason: penstock.ReasonLimit,
		},
		{
			name: "a footer of 1 GiB",
			file: with(good(), func(c *crafted) {
				c.rest = fields{{9, strings.Repeat("y", 20<<20)}} // stands for it: what is over 16 MiB is not read
			}),
			reason: penstock.ReasonLimit,
		},
		{
			name: "a footer with a million columns",
			file: with(good(), func(c *crafted) {
				c.schema = make([]fields, 1_000_000)
				for i := range c.schema {
					c.schema[i] = fields{{5, 1}}
				}
			}),
			reason: penstock.ReasonLimit,
		},
		{
			name: "a footer with 60,000 columns",
			file: with(good(), func(c *crafted) {
				c.schema = append(make([]fields, 0, 60_001), fields{{5, 60_000}})
				for range 60_000 {
					c.schema = append(c.schema, fields{{1, 6}, {4, "c"}})
				}
			}),
			reason: penstock.ReasonLimit,
		},
		{
			name: "a row of a list without end",
			file: with((&crafted{values: 1_000_000, rows: 1, schema: list}).
				page(2, len(long)+4, len(long)+4, 1, asIs, text(long)).
				// A million values, all in one list: levels of repetition 0 and then 1, of definition 1, all of the first word.
				page(0, 26, 26, 1_000_000, byNumber,
					text("\x02\x00\xfe\x88\x7a\x01")+text("\x80\x89\x7a\x01")+"\x01\x80\x89\x7a\x00\x00\x00"),
				func(*crafted) {}),
			reason: penstock.ReasonLimit,
		},
		{name: "cut in the footer", file: good(), cut: 30, reason: penstock.ReasonCorrupt},
		{name: "cut in the end", file: good(), cut: 3, reason: penstock.ReasonCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := tt.file.file()
			file = file[:len(file)-tt.cut]
			for _, ahead := range []int64{0, 1 << 20} {
				d := decode.New(decode.Limits{Tables: decode.Tables{
					Parquet: func(f decode.RandomAccess, hold decode.HoldFunc) (decode.Rows, error) {
						f.Ahead = ahead
						return parquet.Open(f, hold)
					},
				}})
				before := allocated()
				rows, reason := decoded(t, d, file)
				if rows != tt.rows || reason != tt.reason {
					t.Errorf("ahead %d: %d rows and reason %q, want %d and %q", ahead, rows, reason, tt.rows, tt.reason)
				}
				// What the spool and the window take comes on top.
				if got, most := allocated()-before, uint64(3*len(file)+150<<20); got > most {
					t.Errorf("ahead %d: %d MiB were allocated", ahead, got>>20)
				}
			}
		})
	}
}

// allocated is how much was allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// decoded counts the rows that a decoder gives of a file, and returns the reason why it ends before its end.
func decoded(t *testing.T, d *decode.Decoder, file []byte) (rows int, reason string) {
	t.Helper()
	verdict := func(err error) {
		if oe, ok := errors.AsType[*penstock.ObjectError](err); ok {
			reason = oe.Reason
			t.Logf("%s: %v", reason, err)
		} else if err != nil {
			t.Errorf("error %v", err)
		}
	}
	for e, err := range d.Entries("x", bytes.NewReader(file)) {
		if err != nil {
			verdict(err)
			continue
		}
		var lines counter
		_, err := io.Copy(&lines, e)
		verdict(err)
		rows += int(lines)
	}
	return rows, reason
}

// counter counts lines.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(bytes.Count(p, []byte("\n")))
	return len(p), nil
}
