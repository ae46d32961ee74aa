package extract

import (
	"bytes"
	"errors"
	"fmt"
)

// columns are values with a delimiter between them.
type columns struct {
	fields
	skipped   []bool
	delimiter []byte
	quote     byte
}

// Columns reads texts that have a value for each name, with a delimiter between them. A value may stand between quotes,
// where quote is not 0; a quote in it is written twice, and the value has both. An empty name leaves its value out.
func Columns(delimiter string, quote byte, names []string) (Extractor, error) {
	c := &columns{delimiter: []byte(delimiter), quote: quote}
	switch {
	case delimiter == "":
		return nil, errors.New("the delimiter is empty")
	case bytes.ContainsAny(c.delimiter, "\r\n"):
		return nil, errors.New("the delimiter has the end of a line in it")
	case quote != 0 && bytes.IndexByte(c.delimiter, quote) >= 0:
		return nil, errors.New("the delimiter has the quote in it")
	case len(names) < 2:
		return nil, errors.New("fewer than two columns")
	}
	seen := map[string]bool{}
	for _, name := range names {
		c.skipped = append(c.skipped, name == "")
		if name == "" {
			continue
		}
		if seen[name] {
			return nil, fmt.Errorf("two columns are called %q", clip(name))
		}
		seen[name] = true
		if err := c.add(name, "", false); err != nil {
			return nil, err
		}
	}
	if len(c.all) == 0 {
		return nil, errors.New("every column is left out")
	}
	return c, nil
}

func (c *columns) Fields() []Field { return c.all }

func (c *columns) Prefix() string { return "" }

func (c *columns) Match(spans []Span, text []byte) ([]Span, bool) {
	at := 0
	for i, skipped := range c.skipped {
		value, next, ok := c.value(text, at)
		last := i == len(c.skipped)-1
		if !ok || last != (next < 0) {
			return spans, false
		}
		if !skipped {
			spans = append(spans, value)
		}
		at = next
	}
	return spans, true
}

// value returns the value that begins at a place, and where the next one does, -1 for none.
func (c *columns) value(text []byte, at int) (value Span, next int, ok bool) {
	if c.quote == 0 || at == len(text) || text[at] != c.quote {
		n := bytes.Index(text[at:], c.delimiter)
		if n < 0 {
			return Span{at, len(text)}, -1, true
		}
		return Span{at, at + n}, at + n + len(c.delimiter), true
	}
	for end := at + 1; ; end += 2 { // behind both of two quotes
		n := bytes.IndexByte(text[end:], c.quote)
		if n < 0 {
			return value, 0, false
		}
		end += n
		behind := text[end+1:]
		switch {
		case len(behind) == 0:
			return Span{at + 1, end}, -1, true
		case bytes.HasPrefix(behind, c.delimiter):
			return Span{at + 1, end}, end + 1 + len(c.delimiter), true
		case behind[0] != c.quote:
			return value, 0, false
		}
	}
}
