package extract

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// dissect is a pattern of texts with fields between them.
type dissect struct {
	fields
	prefix []byte
	keys   []dissectKey
}

// dissectKey is a field and the text behind it.
type dissectKey struct {
	until  []byte // empty for the last one, which takes the rest
	span   bool   // false for a value that is left out
	padded bool   // the text behind it may be there many times over
}

// Dissect reads a pattern such as "%{time} %{level} [%{thread}] order=%{order}", in the syntax that Elasticsearch,
// OpenSearch, Logstash and Beats have: a value goes up to the text behind its field, and the last one to the end.
// %{} and %{?name} leave a value out, %{name->} takes the same text behind it many times over, and %{+name} adds to the
// value of name, behind a space. Names that are values themselves, %{*name} and %{&name}, are not read.
func Dissect(pattern string) (Extractor, error) {
	if err := checkLength(pattern); err != nil {
		return nil, err
	}
	d := &dissect{}
	begin := strings.Index(pattern, "%{")
	if begin < 0 {
		return nil, errors.New("the pattern has no field such as %{name}")
	}
	d.prefix = []byte(pattern[:begin])
	seen := map[string]bool{}
	for rest := pattern[begin:]; rest != ""; {
		end := strings.IndexByte(rest, '}')
		if end < 0 {
			return nil, fmt.Errorf("%q has no } behind it", clip(rest))
		}
		name := rest[len("%{"):end]
		rest = rest[end+1:]
		next := strings.Index(rest, "%{")
		if next < 0 {
			next = len(rest)
		}
		if next == 0 && rest != "" {
			return nil, fmt.Errorf("nothing stands between %%{%s} and the field behind it: no telling where it ends", name)
		}
		key := dissectKey{until: []byte(rest[:next])}
		rest = rest[next:]
		name, key.padded = strings.CutSuffix(name, "->")
		if err := d.key(name, &key, seen); err != nil {
			return nil, err
		}
		d.keys = append(d.keys, key)
	}
	if len(d.all) == 0 {
		return nil, errors.New("every field of the pattern is left out")
	}
	return d, nil
}

// key notes the name of a key.
func (d *dissect) key(name string, key *dissectKey, seen map[string]bool) error {
	switch {
	case name == "" || name[0] == '?':
		return nil
	case name[0] == '*' || name[0] == '&':
		return fmt.Errorf("%%{%s}: names that are values themselves are not read", name)
	case strings.ContainsAny(name, "%{/"):
		return fmt.Errorf("%q is no name of a field", clip(name))
	}
	more := name[0] == '+'
	if more {
		name = name[1:]
	}
	switch {
	case more && !seen[name]:
		return fmt.Errorf("%%{+%s} adds to a field that does not stand before it", name)
	case !more && seen[name]:
		return fmt.Errorf("%%{%s} stands there twice; %%{+%s} adds to it", name, name)
	}
	seen[name], key.span = true, true
	return d.add(name, "", true)
}

func (d *dissect) Fields() []Field { return d.all }

func (d *dissect) Prefix() string { return string(d.prefix) }

func (d *dissect) Match(spans []Span, text []byte) ([]Span, bool) {
	if !bytes.HasPrefix(text, d.prefix) {
		return spans, false
	}
	at := len(d.prefix)
	for i := range d.keys {
		key := &d.keys[i]
		end, next := len(text), len(text)
		switch {
		case len(key.until) == 0:
		case i == len(d.keys)-1: // the text that ends the line
			if end = len(text) - len(key.until); end < at || !bytes.HasSuffix(text, key.until) {
				return spans, false
			}
		default:
			n := bytes.Index(text[at:], key.until)
			if n < 0 {
				return spans, false
			}
			end = at + n
			next = end + len(key.until)
		}
		for key.padded && bytes.HasPrefix(text[next:], key.until) && len(key.until) > 0 && next < len(text) {
			next += len(key.until)
		}
		if key.span {
			spans = append(spans, Span{at, end})
		}
		at = next
	}
	return spans, true
}

// clip is a part of a pattern, not longer than helps.
func clip(text string) string {
	const most = 40
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
