package expr

import (
	"bytes"
	"math"
	"unicode"
	"unicode/utf8"

	"github.com/seed56735111/penstock/internal/quote"
)

// called compiles the call of a function.
func called(n *node) eval {
	a := compile(n.args[0])
	switch n.word {
	case "len":
		return func(f *frame) value { return length(f, a(f)) }
	case "int":
		return func(f *frame) value { return toInt(a(f)) }
	case "float":
		return func(f *frame) value {
			v := a(f)
			if x, ok := v.number(); ok {
				return ofFloat(x.float())
			}
			return value{}
		}
	case "string":
		return func(f *frame) value {
			v := a(f)
			if v.typ == Object || v.typ == List {
				return ofText(cut(v.bytes))
			}
			return asText(f, v)
		}
	case "abs", "ceil", "floor", "round":
		do := map[string]func(float64) float64{
			"abs": math.Abs, "ceil": math.Ceil, "floor": math.Floor, "round": math.Round,
		}[n.word]
		return func(f *frame) value { return rounded(a(f), do) }
	case "min", "max":
		return extreme(n)
	}
	return edited(n, a)
}

func asText(f *frame, v value) value {
	if text, ok := v.text(f); ok {
		return ofText(text)
	}
	return value{}
}

// edited compiles a function of texts.
func edited(n *node, a eval) eval {
	with := [2]eval{nothing, nothing}
	for i, arg := range n.args[1:] {
		with[i] = compile(arg)
	}
	edit := editor(n)
	return func(f *frame) value {
		v, x, y := a(f), with[0](f), with[1](f)
		s, ok1 := v.text(f)
		b, ok2 := x.text(f)
		c, ok3 := y.text(f)
		if !ok1 || !ok2 || !ok3 {
			return value{}
		}
		return edit(f, s, b, c)
	}
}

// nothing stands for an argument that is left out.
func nothing(*frame) value { return ofText(nil) }

func editor(n *node) func(f *frame, s, a, b []byte) value {
	switch n.word {
	case "lower":
		return func(f *frame, s, _, _ []byte) value { return ofText(mapped(f, s, unicode.ToLower)) }
	case "upper":
		return func(f *frame, s, _, _ []byte) value { return ofText(mapped(f, s, unicode.ToUpper)) }
	case "trim":
		if len(n.args) == 1 {
			return func(_ *frame, s, _, _ []byte) value { return ofText(bytes.TrimSpace(s)) }
		}
		return func(_ *frame, s, set, _ []byte) value { return ofText(trimSet(s, set)) }
	case "trimPrefix":
		return func(_ *frame, s, prefix, _ []byte) value { return ofText(bytes.TrimPrefix(s, prefix)) }
	case "trimSuffix":
		return func(_ *frame, s, suffix, _ []byte) value { return ofText(bytes.TrimSuffix(s, suffix)) }
	case "split":
		return split
	}
	return replace
}

// trimSet takes characters of a set away from both ends.
func trimSet(s, set []byte) []byte {
	for len(s) > 0 {
		_, size := utf8.DecodeRune(s)
		if !bytes.Contains(set, s[:size]) {
			break
		}
		s = s[size:]
	}
	for len(s) > 0 {
		_, size := utf8.DecodeLastRune(s)
		if !bytes.Contains(set, s[len(s)-size:]) {
			break
		}
		s = s[:len(s)-size]
	}
	return s
}

// mapped returns s with its letters in another case. When there is nothing to change it is s.
func mapped(f *frame, s []byte, to func(rune) rune) []byte {
	for i, c := range s {
		if c >= utf8.RuneSelf || to(rune(c)) != rune(c) {
			out := append(f.buf, s[:i]...)
			for i < len(s) {
				if c := s[i]; c < utf8.RuneSelf {
					out = append(out, byte(to(rune(c)))) //nolint:gosec // ASCII stays ASCII
					i++
					continue
				}
				r, size := utf8.DecodeRune(s[i:])
				out = utf8.AppendRune(out, to(r))
				i += size
			}
			return cut(f.appended(out))
		}
	}
	return s
}

// split makes a list of what stands between the separators; without a separator, of the characters.
func split(f *frame, s, separator, _ []byte) value {
	out := append(f.buf, '[')
	for more := len(s) > 0 || len(separator) > 0; more; {
		var part []byte
		if len(separator) > 0 {
			part, s, more = bytes.Cut(s, separator)
		} else {
			_, size := utf8.DecodeRune(s)
			part, s, more = s[:size], s[size:], size < len(s)
		}
		out = append(quote.Append(append(out, '"'), part), '"')
		if more {
			out = append(out, ',')
		}
	}
	return value{typ: List, raw: true, bytes: f.appended(append(out, ']'))}
}

// replace puts one text in place of another, all over s.
func replace(f *frame, s, old, with []byte) value {
	if len(old) == 0 || !bytes.Contains(s, old) {
		return ofText(s)
	}
	start := len(f.buf)
	out := f.buf
	for len(out)-start <= maxField {
		before, after, found := bytes.Cut(s, old)
		out = append(out, before...)
		if !found {
			break
		}
		out, s = append(out, with...), after
	}
	return ofText(cut(f.appended(out)))
}

func length(f *frame, v value) value {
	n := 0
	switch v.typ {
	case Text:
		text, _ := v.text(f)
		n = utf8.RuneCount(text)
	case List, Object:
		w := walk{list: v.bytes}
		for _, ok := w.next(); ok; _, ok = w.next() {
			n++
		}
	default:
		return value{}
	}
	return ofNumber(whole(int64(n)))
}

func toInt(v value) value {
	x, ok := v.number()
	switch {
	case !ok:
		return value{}
	case x.isWhole:
		return ofNumber(x)
	case math.Abs(x.f) >= 1<<63:
		return value{}
	}
	return ofNumber(whole(int64(x.f)))
}

func rounded(v value, do func(float64) float64) value {
	x, ok := v.number()
	switch {
	case !ok:
		return value{}
	case x.isWhole && x.i >= 0:
		return ofNumber(x)
	}
	return ofFloat(do(x.float()))
}

// extreme compiles min and max.
func extreme(n *node) eval {
	args := make([]eval, len(n.args))
	for i, arg := range n.args {
		args[i] = compile(arg)
	}
	want := less
	if n.word == "max" {
		want = more
	}
	return func(f *frame) value {
		var best num
		for i, arg := range args {
			v := arg(f)
			x, ok := v.number()
			if !ok {
				return value{}
			}
			if i == 0 || x.compare(best) == want {
				best = x
			}
		}
		return ofNumber(best)
	}
}

// search compiles contains, startsWith, endsWith and matches.
func search(n *node) cond {
	a, b, not := compile(n.args[0]), compile(n.args[1]), n.not
	if n.word == "matches" {
		re := n.pattern
		return func(f *frame) bool {
			v := a(f)
			s, ok := v.text(f)
			return ok && re.Match(s) != not || not && !ok && v.typ != Unknown
		}
	}
	do := map[string]func(s, part []byte) bool{
		"contains": bytes.Contains, "startsWith": bytes.HasPrefix, "endsWith": bytes.HasSuffix,
	}[n.word]
	return func(f *frame) bool {
		v := a(f)
		if v.typ == Unknown {
			return false
		}
		w := b(f)
		if w.typ == Unknown {
			return false
		}
		s, ok1 := v.text(f)
		part, ok2 := w.text(f)
		return (ok1 && ok2 && do(s, part)) != not
	}
}

// in compiles x in […], x in list and "name" in object.
func in(n *node) cond {
	l, r, not := compile(n.args[0]), n.args[1], n.not
	if r.op != list {
		b, mode := compile(r), n.mode
		return func(f *frame) bool {
			v := l(f)
			if v.typ == Unknown {
				return false
			}
			w := b(f)
			return w.typ != Unknown && holds(f, mode, &v, &w) != not
		}
	}
	if texts := literals(n); texts != nil {
		return func(f *frame) bool {
			v := l(f)
			if v.typ == Unknown {
				return false
			}
			s, ok := v.text(f)
			if ok {
				_, ok = texts[string(s)]
			}
			return ok != not
		}
	}
	elements := make([]eval, len(r.args))
	for i, e := range r.args {
		elements[i] = compile(e)
	}
	return func(f *frame) bool {
		v := l(f)
		if v.typ == Unknown {
			return false
		}
		for i, e := range elements {
			if w := e(f); w.typ != Unknown && v.relation(f, n.modes[i], &w) == same {
				return !not
			}
		}
		return not
	}
}

// literals returns the texts of a list in brackets that has nothing else.
func literals(n *node) map[string]struct{} {
	texts := make(map[string]struct{}, len(n.args[1].args))
	for i, e := range n.args[1].args {
		if e.op != literal || n.modes[i] != Text {
			return nil
		}
		texts[e.text] = struct{}{}
	}
	return texts
}

// holds reports whether v is in w: among the values of a list, or the names of an object.
func holds(f *frame, mode Type, v, w *value) bool {
	if w.typ != List && w.typ != Object {
		return false
	}
	var name []byte
	if w.typ == Object {
		var ok bool
		if name, ok = v.text(f); !ok {
			return false
		}
	}
	among := walk{list: w.bytes}
	for json, ok := among.next(); ok; json, ok = among.next() {
		if w.typ == Object {
			if bytes.Equal(f.plain(json[1:len(json)-1]), name) {
				return true
			}
			continue
		}
		if e := of(json); e.typ != Unknown && v.relation(f, mode, &e) == same {
			return true
		}
	}
	return false
}

// walk goes through the values of a list, or the names of an object, that begin in what of a field counts.
type walk struct {
	list []byte
	at   int
}

func (w *walk) next() (json []byte, ok bool) {
	b := w.list
	i := quote.Space(b, w.at+1) // behind the bracket, or the comma
	if i >= min(len(b), maxField) || b[i] == ']' || b[i] == '}' {
		return nil, false
	}
	end, ok := quote.ValueEnd(b, i)
	if !ok {
		return nil, false
	}
	json = b[i:end]
	i = quote.Space(b, end)
	if i < len(b) && b[i] == ':' {
		if i, ok = quote.ValueEnd(b, quote.Space(b, i+1)); !ok {
			return nil, false
		}
		i = quote.Space(b, i)
	}
	if w.at = i; i < len(b) && (b[i] == ']' || b[i] == '}') {
		w.at = len(b) // the last one
	}
	return json, true
}
