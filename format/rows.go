package format

import (
	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// parquet is for Apache Parquet files whose columns fit no other format.
func parquet() schema {
	return schema{
		name: "parquet", told: "PAR1 at the beginning",
		about:   "rows of Parquet files; those of flow logs, Security Lake and CloudFront have their own formats",
		grammar: rowsOf{"parquet"}, generic: true,
	}
}

// avro is for Avro object container files whose fields fit no other format.
func avro() schema {
	return schema{
		name: "avro", told: "Obj and a byte 1 at the beginning", about: "rows of Avro object container files",
		grammar: rowsOf{"avro"}, generic: true,
	}
}

// rowsOf is the grammar of the rows of a kind of file. The decoder has written each row as a line of JSON.
type rowsOf struct{ table string }

// Told reports whether the entry is from a file of that kind.
func (g rowsOf) Told(r *entry.Reader) bool { return r.Table == g.table }

// Read reads an entry to its end.
func (g rowsOf) Read(r *entry.Reader, y entry.Yield) { events.Any{Lines: true}.Read(r, y) }

// Documented returns nothing: the names are those of the columns.
func (rowsOf) Documented() []entry.Field { return nil }

// numbered gives each record the number of its row as its offset.
func numbered(y entry.Yield) entry.Yield {
	n := int64(0)
	return func(rec penstock.Record, err error) bool {
		if err == nil {
			rec.Offset = n
		} else if re, ok := err.(*penstock.RecordError); ok { //nolint:errorlint // that is what a Reader hands over
			at := *re
			at.Offset, at.Length = n, 1
			err = &at
		}
		n++
		return y(rec, err)
	}
}
