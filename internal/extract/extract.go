// Package extract takes fields out of texts by patterns that people write: dissect, grok, regular expressions with
// named groups, and columns between delimiters. It knows no types and no documents.
package extract

import "fmt"

// Extractor takes fields out of a text. It is safe for concurrent use.
type Extractor interface {
	// Fields are what a text may have, in the order of the pattern, each name once.
	Fields() []Field
	// Match appends the spans that Field.Spans count, for a text that the pattern fits. It reports false for another one.
	Match(spans []Span, text []byte) ([]Span, bool)
	// Prefix is what each text that fits begins with, as far as that is known.
	Prefix() string
}

// Field is a name that a pattern has.
type Field struct {
	Name string
	// Type is what a grok pattern says behind the name, as in %{NUMBER:size:int}; empty for nothing.
	Type string
	// Spans are the numbers of the spans with the value. Of several, those of a dissect pattern follow each other, and
	// of the others the first that is there is the value.
	Spans []int
	// Joined says that several spans are one value, with a space between them.
	Joined bool
}

// Span is a part of a text. Start is negative for one that is not there.
type Span struct{ Start, End int }

// Is reports whether the part is there.
func (s Span) Is() bool { return s.Start >= 0 }

// Of returns the part of the text.
func (s Span) Of(text []byte) []byte { return text[s.Start:s.End] }

// MaxPattern is the longest pattern, in bytes.
const MaxPattern = 8 << 10

// maxFields is how many fields a pattern may have.
const maxFields = 200

// fields collects names.
type fields struct {
	all   []Field
	spans int
}

// add notes that the next span is of a name.
func (f *fields) add(name, typ string, joined bool) error {
	f.spans++
	for i := range f.all {
		if f.all[i].Name == name {
			f.all[i].Spans = append(f.all[i].Spans, f.spans-1)
			return nil
		}
	}
	if len(f.all) == maxFields {
		return fmt.Errorf("more than %d fields", maxFields)
	}
	f.all = append(f.all, Field{Name: name, Type: typ, Spans: []int{f.spans - 1}, Joined: joined})
	return nil
}

func checkLength(pattern string) error {
	if len(pattern) > MaxPattern {
		return fmt.Errorf("the pattern is longer than %d bytes", MaxPattern)
	}
	return nil
}
