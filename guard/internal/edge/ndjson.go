package edge

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// BulkItem is one operation of a _bulk body. Its slices are valid until the next item is asked for.
type BulkItem struct {
	// Op is index, create, update or delete.
	Op string
	// Index, ID and Pipeline are from the action line, empty when it does not have them.
	Index, ID, Pipeline string
	// Unknown is the first member of the action line that no known engine has.
	Unknown string
	// Action and Source are the lines as sent, with their line ends. A delete has no source.
	Action, Source []byte
}

// Sources says whether the documents of a _bulk body are kept.
type Sources bool

const (
	// WithSources keeps them.
	WithSources Sources = true
	// WithoutSources skips them.
	WithoutSources Sources = false
)

// BulkItems reads a _bulk body as the engine does: lines end at a line feed, and blank action lines are skipped. The
// sequence ends with an error at an action line that is not exactly one object with one operation.
func BulkItems(r io.Reader, keep Sources) iter.Seq2[BulkItem, error] {
	return func(yield func(BulkItem, error) bool) {
		lines := NewLineReader(r)
		for n := 1; ; n++ {
			action, err := lines.Next(nil, MaxAction)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(BulkItem{}, err)
				return
			}
			if len(bytes.TrimSpace(action)) == 0 {
				continue
			}
			item, err := parseAction(action)
			if err != nil {
				yield(BulkItem{}, fmt.Errorf("bulk line %d: %w", n, err))
				return
			}
			item.Action = action
			if item.Op != "delete" {
				n++
				if keep {
					item.Source, err = lines.Next(nil, maxLine)
				} else {
					err = lines.skip()
				}
				if err != nil && !errors.Is(err, io.EOF) {
					yield(BulkItem{}, err)
					return
				}
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}

// actionMembers are the members of an action line that name no index and run nothing, in all versions of engines.
const actionMembers = " _type _routing routing _parent parent _version version _version_type version_type op_type" +
	" if_seq_no if_primary_term require_alias retry_on_conflict _retry_on_conflict _source fields" +
	" _timestamp timestamp _ttl ttl refresh list_executed_pipelines "

// errAction refuses an action line that does not have the shape {"index": {…}}.
var errAction = errors.New("not one object with one of index, create, update, delete")

func parseAction(line []byte) (BulkItem, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(line))
	if err := expect(d, '{'); err != nil {
		return BulkItem{}, errAction
	}
	op, err := d.ReadToken()
	if err != nil || op.Kind() != '"' {
		return BulkItem{}, errAction
	}
	item := BulkItem{Op: op.String()}
	switch item.Op {
	case "index", "create", "update", "delete":
	default:
		return BulkItem{}, errAction
	}
	err = EachMember(d, func(name string) error {
		switch name {
		case "_index":
			return ReadString(d, &item.Index)
		case "_id":
			return ReadString(d, &item.ID)
		case "pipeline":
			return ReadString(d, &item.Pipeline)
		}
		if item.Unknown == "" && !strings.Contains(actionMembers, " "+name+" ") {
			item.Unknown = name
		}
		return d.SkipValue()
	})
	if err != nil {
		return BulkItem{}, err
	}
	if err := expect(d, '}'); err != nil {
		return BulkItem{}, errAction
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return BulkItem{}, errAction
	}
	return item, nil
}

// EachMember reads an object and calls f for each member, which must consume the value.
func EachMember(d *jsontext.Decoder, f func(name string) error) error {
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

// EachElement reads an array and calls f for each element, which must consume it.
func EachElement(d *jsontext.Decoder, f func() error) error {
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

// ReadString reads a string. A number is read as it is written. Null leaves s as it is.
func ReadString(d *jsontext.Decoder, s *string) error {
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

// ReadStrings reads a string or an array of strings.
func ReadStrings(d *jsontext.Decoder) ([]string, error) {
	if d.PeekKind() != '[' {
		var s string
		err := ReadString(d, &s)
		if err != nil || s == "" {
			return nil, err
		}
		return []string{s}, nil
	}
	var list []string
	err := EachElement(d, func() error {
		var s string
		err := ReadString(d, &s)
		list = append(list, s)
		return err
	})
	return list, err
}

const (
	// maxLine bounds a line with a document.
	maxLine = 32 << 20
	// MaxAction bounds an action line.
	MaxAction = 1 << 20
)

// LineReader reads lines that end at a line feed.
type LineReader struct{ r *bufio.Reader }

// NewLineReader reads the lines of r.
func NewLineReader(r io.Reader) *LineReader { return &LineReader{bufio.NewReaderSize(r, 64<<10)} }

// Next appends the next line, with its line feed, to buf. A last line without one is a line too.
func (l *LineReader) Next(buf []byte, longest int) ([]byte, error) {
	for {
		part, err := l.r.ReadSlice('\n')
		if len(buf)+len(part) > longest {
			return buf, fmt.Errorf("a line over %d MiB", longest>>20)
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

// skip passes over the next line, however long it is.
func (l *LineReader) skip() error {
	_, err := io.Copy(io.Discard, l.Line())
	return err
}

// Line is a reader of the next line, without its line feed. It has to be read to its end before the line after it.
func (l *LineReader) Line() io.Reader { return &lineOf{l.r, nil, false} }

type lineOf struct {
	r    *bufio.Reader
	part []byte
	done bool
}

func (l *lineOf) Read(p []byte) (int, error) {
	for len(l.part) == 0 {
		if l.done {
			return 0, io.EOF
		}
		part, err := l.r.ReadSlice('\n')
		switch {
		case err == nil:
			part, l.done = part[:len(part)-1], true
		case errors.Is(err, io.EOF):
			l.done = true
		case !errors.Is(err, bufio.ErrBufferFull):
			return 0, err
		}
		l.part = part
	}
	n := copy(p, l.part)
	l.part = l.part[n:]
	return n, nil
}
