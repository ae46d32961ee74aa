package avro_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/decode/avro"
)

const marker = "0123456789abcdef"

func long(n int64) string { return string(binary.AppendVarint(nil, n)) }

func counted(s string) string { return long(int64(len(s))) + s }

// header is that of a file with a schema and a codec.
func header(schema, codec string) string {
	return "Obj\x01" + long(2) + counted("avro.schema") + counted(schema) + counted("avro.codec") +
		counted(codec) + long(0) + marker
}

func block(rows int64, data string) string { return long(rows) + counted(data) + marker }

const pairs = `{"type":"record","name":"pair","fields":[{"name":"n","type":"long"},{"name":"t","type":["null",` +
	`"string"]}]}`

func pair(n int64, text string) string { return long(n) + long(1) + counted(text) }

func read(file string) (rows []string, err error) {
	r, err := avro.Open(strings.NewReader(file), func(int64) error { return nil })
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
	for name, tt := range map[string]struct {
		file string
		want []string
	}{
		"records in two blocks": {
			header(pairs, "null") + block(2, pair(1, "a\"b")+long(2)+long(0)) + block(1, pair(-3, "ö\xff")),
			[]string{`{"n":1,"t":"a\"b"}`, `{"n":2}`, `{"n":-3,"t":"ö` + "\uFFFD" + `"}`},
		},
		"values that are no records": {header(`"string"`, "null") + block(1, counted("x")), []string{`{"value":"x"}`}},
		"no rows":                    {header(pairs, "null"), nil},
		"a type in a type, and one that refers to itself": {
			header(`{"type":{"type":"record","name":"a.b.list","fields":[{"name":"v","type":{"type":"int"}},{"name":"next",`+
				`"type":["null","list"]}]}}`, "") +
				block(1, long(1)+long(1)+long(2)+long(0)),
			[]string{`{"v":1,"next":{"v":2}}`},
		},
		"an array in blocks, one with its size": {
			header(`{"type":"array","items":"int"}`, "null") + block(1,
				long(1)+long(7)+long(-2)+long(2)+long(8)+long(9)+long(0)),
			[]string{`{"value":[7,8,9]}`},
		},
		"a logical type that does not fit is left": {
			header(`{"type":"string","logicalType":"date"}`, "null") + block(1, counted("x")), []string{`{"value":"x"}`},
		},
	} {
		rows, err := read(tt.file)
		if diff := cmp.Diff(tt.want, rows); diff != "" || !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error %v, rows (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestFilesThatCannotBeReadSaySo(t *testing.T) {
	t.Parallel()
	nulls := header(`{"type":"array","items":"null"}`, "null")
	deep := strings.Repeat(`{"type":"array","items":`, 100) + `"int"` + strings.Repeat("}", 100)
	for name, tt := range map[string]struct{ file, want string }{
		"a codec that there is none of": {header(pairs, "lzma"), "Avro with codec lzma files are not supported"},
		"no schema":                     {"Obj\x01" + long(0) + marker, "not a schema"},
		"a schema that is no JSON":      {header("{", "null"), "read schema"},
		"a type without a name":         {header(`"nothing"`, "null"), `no type is called "nothing"`},
		"a schema that is too deep":     {header(deep, "null"), "levels"},
		"a schema that is too long": {
			file: "Obj\x01" + long(1) + counted("avro.schema") + long(1<<40), want: "more than 4194304 bytes",
		},
		"another marker": {
			file: header(pairs, "null") + long(1) + counted(pair(1, "x")) + "fedcba9876543210", want: "no marker",
		},
		"bytes behind the rows":         {header(pairs, "null") + block(1, pair(1, "x")+"y"), "1 bytes behind the last row"},
		"fewer rows than there are":     {header(pairs, "null") + block(2, pair(1, "x")), "EOF"},
		"a length beyond the block":     {header(`"string"`, "null") + block(1, long(100)+"x"), "a length of 100"},
		"a union without the type":      {header(pairs, "null") + block(1, long(1)+long(7)), "type 7 of a union of 2"},
		"a block that is too long":      {header(pairs, "null") + long(1) + long(1<<40), "Avro block of more than"},
		"any number of nulls":           {nulls + block(1, long(1<<40)), "elements without a byte"},
		"any number of rows of nothing": {header(`"null"`, "null") + block(1<<40, ""), "rows without a byte"},
		"values without an end": {
			header(`{"type":"record","name":"r","fields":[{"name":"f","type":["null","r"]}]}`, "null") + block(1,
				strings.Repeat(long(1), 500)), "too deep",
		},
		"a checksum that is another": {header(pairs, "snappy") + block(1, "\x01\x00x\x00\x00\x00\x00"), "checksum"},
	} {
		if _, err := read(tt.file); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q", name, err, tt.want)
		}
	}
}

func deflated(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What is cut off ends in an error, and the rows before it are there.
func TestAFileThatIsCutOffEndsInAnError(t *testing.T) {
	t.Parallel()
	file := header(pairs, "null") + block(2, pair(1, "a")+pair(2, "b")) + block(1, pair(3, "c"))
	whole, _ := read(file)
	ends := []int{len(header(pairs, "null")), len(file) - len(block(1, pair(3, "c")))} // where a file may end
	for n := range len(file) {
		rows, err := read(file[:n])
		if !slices.Contains(ends, n) && !errors.Is(err, io.ErrUnexpectedEOF) || !slices.Equal(rows, whole[:len(rows)]) {
			t.Fatalf("cut after %d bytes: %q, error %v", n, rows, err)
		}
		// Every row of which all bytes are there is one, whatever the block was to have.
		third := len(file) - len(block(1, pair(3, "c"))) + len(long(1)+long(int64(len(pair(3, "c")))))
		if whole := third + len(pair(3, "c")); n >= whole && len(rows) != 3 || n >= third && n < whole && len(rows) != 2 {
			t.Errorf("cut after %d bytes: %q", n, rows)
		}
	}
	first := len(header(pairs, "null")) + len(long(2)+long(int64(len(pair(1, "a")+pair(2, "b"))))+pair(1, "a"))
	if rows, err := read(file[:first]); len(rows) != 1 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut behind the first row of a block: %q, error %v", rows, err)
	}
	// Of a block that is compressed only all of it has rows.
	packed := header(pairs, "deflate") + block(1, deflated(t, pair(1, "a")))
	for n, want := range map[int]int{len(packed) - len(marker): 1, len(packed) - 1: 1, len(packed) - len(marker) - 1: 0} {
		if rows, err := read(packed[:n]); len(rows) != want || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("compressed, cut after %d bytes of %d: %q, error %v", n, len(packed), rows, err)
		}
	}
}

func TestTheDecoderGivesRowsAsLines(t *testing.T) {
	t.Parallel()
	d := decode.New(decode.Limits{Tables: decode.Tables{Avro: avro.Open}})
	file := header(pairs, "null") + block(1, pair(1, "a")) + block(1, pair(2, "b"))[:3]
	for e, err := range d.Entries("x", strings.NewReader(file)) {
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(e)
		oe, _ := errors.AsType[*penstock.ObjectError](err)
		if string(text) != `{"n":1,"t":"a"}`+"\n" || e.Table != "avro" || oe == nil || oe.Reason != penstock.ReasonCorrupt {
			t.Errorf("table %q: %q, error %v", e.Table, text, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(header(pairs, "null") + block(2, pair(1, "a")+pair(2, "b"))))
	f.Add([]byte(header(`{"type":"map","values":{"type":"bytes","logicalType":"decimal","scale":2}}`, "deflate") + block(1,
		"\x03\x00")))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := avro.Open(bytes.NewReader(file), func(int64) error { return nil })
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
	file := header(pairs, "null") + block(10_000, strings.Repeat(pair(1, "some text of a few words"), 10_000))
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := avro.Open(strings.NewReader(file), func(int64) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
		var row []byte
		for err == nil {
			row, err = r.Next(row[:0])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/row")
}
