package guard

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// bulkItem is one operation of a _bulk body. Its slices are valid until the next item is asked for.
type bulkItem struct {
	// Op is index, create, update or delete.
	Op string
	// Index and ID are what the action line says; empty when it does not.
	Index, ID string
	// Action and Source are the lines as sent, with their line ends. A delete has no source.
	Action, Source []byte
}

// bulkItems reads a _bulk body as the engine does: lines end at a line feed and blank action lines are skipped. An
// action line that is not exactly one object with one operation ends the sequence with an error.
func bulkItems(r io.Reader) iter.Seq2[bulkItem, error] {
	return func(yield func(bulkItem, error) bool) {
		lines := newLineReader(r)
		for n := 1; ; n++ {
			action, err := lines.next(nil)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(bulkItem{}, err)
				return
			}
			if len(bytes.TrimSpace(action)) == 0 {
				continue
			}
			item, err := parseAction(action)
			if err != nil {
				yield(bulkItem{}, fmt.Errorf("bulk line %d: %w", n, err))
				return
			}
			item.Action = action
			if item.Op != "delete" {
				n++
				if item.Source, err = lines.next(nil); err != nil && !errors.Is(err, io.EOF) {
					yield(bulkItem{}, err)
					return
				}
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// errAction is returned for an action line with another shape than {"index": {…}}.
var errAction = errors.New("not one object with one of index, create, update, delete")

func parseAction(line []byte) (bulkItem, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(line))
	if err := expect(d, '{'); err != nil {
		return bulkItem{}, errAction
	}
	op, err := d.ReadToken()
	if err != nil || op.Kind() != '"' {
		return bulkItem{}, errAction
	}
	item := bulkItem{Op: op.String()}
	switch item.Op {
	case "index", "create", "update", "delete":
	default:
		return bulkItem{}, errAction
	}
	err = eachMember(d, func(name string) error {
		switch name {
		case "_index":
			return readString(d, &item.Index)
		case "_id":
			return readString(d, &item.ID)
		}
		return d.SkipValue()
	})
	if err != nil {
		return bulkItem{}, err
	}
	if err := expect(d, '}'); err != nil {
		return bulkItem{}, errAction
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return bulkItem{}, errAction
	}
	return item, nil
}

// eachMember reads an object and calls f for each member, which must consume the value.
func eachMember(d *jsontext.Decoder, f func(name string) error) error {
	if err := expect(d, '{'); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		// A token is valid until the next read.
		if err := f(name.String()); err != nil {
			return err
		}
	}
	return expect(d, '}')
}

// eachElement reads an array and calls f for each element, which must consume it.
func eachElement(d *jsontext.Decoder, f func() error) error {
	if err := expect(d, '['); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := f(); err != nil {
			return err
		}
	}
	return expect(d, ']')
}

func expect(d *jsontext.Decoder, kind jsontext.Kind) error {
	t, err := d.ReadToken()
	if err != nil {
		return err
	}
	if t.Kind() != kind {
		return fmt.Errorf("a JSON %s where %q is expected", t.Kind(), byte(kind))
	}
	return nil
}

// readString reads a string; a number is taken as it is written and null as nothing.
func readString(d *jsontext.Decoder, s *string) error {
	t, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch t.Kind() {
	case '"', '0':
		*s = t.String()
	case 'n':
	default:
		return fmt.Errorf("a JSON %s where a string is expected", t.Kind())
	}
	return nil
}

// readStrings reads a string or an array of strings.
func readStrings(d *jsontext.Decoder) ([]string, error) {
	if d.PeekKind() != '[' {
		var s string
		err := readString(d, &s)
		if err != nil || s == "" {
			return nil, err
		}
		return []string{s}, nil
	}
	var list []string
	err := eachElement(d, func() error {
		var s string
		err := readString(d, &s)
		list = append(list, s)
		return err
	})
	return list, err
}

// maxLine bounds a line: no domain takes a longer request, so only a compressed body can have one.
const maxLine = 100 << 20

var errLine = errors.New("a line over 100 MiB")

// lineReader splits at line feeds.
type lineReader struct{ r *bufio.Reader }

func newLineReader(r io.Reader) *lineReader { return &lineReader{bufio.NewReaderSize(r, 64<<10)} }

// next appends the next line, with its line feed, to buf. A last line without one is a line too.
func (l *lineReader) next(buf []byte) ([]byte, error) {
	for {
		part, err := l.r.ReadSlice('\n')
		if len(buf)+len(part) > maxLine {
			return buf, errLine
		}
		buf = append(buf, part...)
		switch {
		case err == nil:
			return buf, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(buf) > 0:
			return buf, nil
		default:
			return buf, err
		}
	}
}
