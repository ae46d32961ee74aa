package format

import (
	"bytes"
	"slices"
	"time"

	"github.com/seed56735111/penstock/format/internal/entry"
)

// Schema is a format in a table of a test's.
type Schema = schema

// Table returns the formats that there are, but for those of rows: they are read as ndjson is, and the decoder makes
// their lines.
func Table() []Schema {
	return slices.DeleteFunc(table(), func(s schema) bool {
		_, rows := s.grammar.(rowsOf)
		return rows
	})
}

// NewSchema returns a format of a test's.
func NewSchema(name string, grammar entry.Grammar) Schema {
	return schema{name: name, told: "a sign", about: "a format of a test's", grammar: grammar}
}

// NewOf is New with another table.
func NewOf(cfg Config, formats []Schema) (*Detector, error) { return newDetector(cfg, formats) }

// Name returns what a format is called.
func (s schema) Name() string { return s.name }

// Says returns what is said of a format.
func (s schema) Says() (told, about string) { return s.told, s.about }

// Grammar returns what a format is.
func (s schema) Grammar() entry.Grammar { return s.grammar }

// SetFramed has f told of the bytes that frame records in the entries that d recognises from now on.
func (d *Detector) SetFramed(f func(offset, length int64)) { d.framed = f }

// Controls counts the control characters that text does not have; Control tells of one byte whether it is one.
var (
	Controls = controls
	Control  = control
)

// IsGeneric reports whether a format does not say who wrote its records.
func (s schema) IsGeneric() bool { return s.generic }

// Says reports whether a format, asked alone, would take an entry of a text under a name that says nothing.
func Says(f Schema, text []byte) bool {
	r := &entry.Reader{Name: "x", Stored: time.Time{}}
	r.Begin(bytes.NewReader(text), defaultMaxRecord)
	x := newIndex([]schema{f})
	may := x.mayFit(r)
	return may.next() >= 0 && f.grammar.Told(r)
}

// ECS is the table of names in the Elastic Common Schema.
func ECS() map[string]string { return ecs() }

// GrammarOf is the grammar of a format of the user's own.
func GrammarOf(d Definition) entry.Grammar {
	f, wrong := d.schema()
	if len(wrong) > 0 {
		panic(wrong[0])
	}
	return f.grammar
}
