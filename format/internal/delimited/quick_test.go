package delimited

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
)

// table is what the rows of the test stand in: a column of each kind.
const table = `time,word,n,part,"yes",day,price` + "\n" +
	`2026-11-24T00:00:00.000Z,"a, b",12,0.5,true,2026-11-24,1` + "\n" +
	`2026-11-24T00:00:01.000Z,c,7,12.25,false,2026-11-25,2.5` + "\n"

// readerOf returns what reads the rows behind the names of a table.
func readerOf(text string) *reader {
	g := &Grammar{Record: "a row", Separators: ","}
	in := entry.NewReader(nil)
	in.Begin(strings.NewReader(text), 1<<20)
	r := g.state(in)
	r.Reader = in
	g.choose(in, &r.look)
	header, _, _ := strings.Cut(text, "\n")
	r.plan.make(&r.look, nil, []byte(header))
	return r
}

// What is quick says the same as what is not, or leaves a row to it.
func FuzzQuick(f *testing.F) {
	cells := []string{
		"", "-", "x", "12", "0", "007", "0.5", "1.", "-3", "1e5", "123456789", "true", "2026-11-24T00:00:02Z", `"q"`, `""`,
		`"a,b"`, `"a""b"`, `"open`, `in"side`, "é", `back\slash`, "\t", strings.Repeat("long ", 20), `"x"y`,
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		row := make([]string, 7+random.IntN(2))
		for i := range row {
			row[i] = cells[random.IntN(len(cells))]
		}
		f.Add([]byte(strings.Join(row, ",")))
	}
	f.Add([]byte(strings.Split(table, "\n")[1]))
	f.Fuzz(func(t *testing.T, row []byte) {
		r := readerOf(table)
		if r.look.walk(row, 0, false) != complete || bytes.ContainsAny(row, "\r\n") {
			return
		}
		wide := append(slices.Clone(row), `",0123456789.0123`...)[:len(row)]
		var quick, slow penstock.Record
		b, n, ok := r.quick(wide, &quick)
		if !ok {
			return
		}
		b = bytes.Clone(b)
		want, cells := r.cells(row, &slow)
		if string(b) != string(want) || n != cells || !quick.Time.Equal(slow.Time) {
			t.Errorf("%q becomes\n%s, %d cells, %v, want\n%s, %d cells, %v", row, b, n, quick.Time, want, cells, slow.Time)
		}
	})
}

func TestMostRowsAreQuick(t *testing.T) {
	t.Parallel()
	for _, row := range strings.Split(table, "\n")[1:3] {
		r := readerOf(table)
		var rec penstock.Record
		if b, _, ok := r.quick(append([]byte(row), make([]byte, 16)...)[:len(row)], &rec); !ok {
			t.Errorf("%s is left to what is slower: %s", row, b)
		}
	}
}
