package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// readJSON makes a tree of a text in JSON. It returns nil when the text is none.
func readJSON(text []byte, f *finder) *node {
	r := &jsonReader{finder: f, text: text, dec: json.NewDecoder(bytes.NewReader(text)), at: place{1, 1}}
	r.dec.UseNumber()
	root, err := r.value(0)
	if err == nil {
		if _, err = r.token(); err == nil {
			f.wrong(r.at, "not JSON: something follows its end")
			return nil
		}
		if errors.Is(err, io.EOF) {
			return root
		}
	}
	f.wrong(r.failedAt(err), "not JSON: %s", jsonProblem(err))
	return nil
}

// jsonReader reads tokens with their places.
type jsonReader struct {
	*finder
	text []byte
	dec  *json.Decoder
	done int // bytes before which places are known
	next place
	at   place // of the last token
}

// token reads a token. The decoder stands behind the one before, where spaces, commas and colons come next.
func (r *jsonReader) token() (json.Token, error) {
	start := int(r.dec.InputOffset())
	for start < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.text[start]) >= 0 {
		start++
	}
	r.at = r.placeOf(start)
	return r.dec.Token()
}

// placeOf returns the place of a byte, which is none before those asked for earlier.
func (r *jsonReader) placeOf(offset int) place {
	if r.next.line == 0 {
		r.next = place{1, 1}
	}
	offset = min(offset, len(r.text))
	for ; r.done < offset; r.done++ {
		switch b := r.text[r.done]; {
		case b == '\n':
			r.next = place{r.next.line + 1, 1}
		case utf8.RuneStart(b):
			r.next.column++
		}
	}
	return r.next
}

// failedAt is the place of an error.
func (r *jsonReader) failedAt(err error) place {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return r.placeOf(max(int(e.Offset)-1, r.done))
	}
	return r.placeOf(len(r.text))
}

var errDeep = errors.New("too many values inside one another")

// value reads a value, so deep inside others.
func (r *jsonReader) value(depth int) (*node, error) {
	t, err := r.token()
	if err != nil {
		return nil, err
	}
	n := &node{place: r.at}
	if depth > maxDepth {
		return nil, errDeep
	}
	switch t := t.(type) {
	case nil:
		n.kind = null
	case json.Delim:
		for r.dec.More() {
			if t == '[' {
				n.kind = list
				v, err := r.value(depth + 1)
				if err != nil {
					return nil, err
				}
				n.items = append(n.items, v)
				continue
			}
			n.kind = object
			k, err := r.token()
			if err != nil {
				return nil, err
			}
			key, ok := k.(string)
			m := member{place: r.at, key: key}
			if !ok {
				return nil, errors.New("a key is no text")
			}
			if m.value, err = r.value(depth + 1); err != nil {
				return nil, err
			}
			n.members = append(n.members, m)
		}
		if n.kind = object; t == '[' {
			n.kind = list
		}
		if _, err := r.token(); err != nil { // the end
			return nil, err
		}
	default:
		n.text = fmt.Sprint(t)
	}
	return n, nil
}

func jsonProblem(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return err.Error()
}
