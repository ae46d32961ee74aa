package expr

import "bytes"

// cond says whether something is true, and eval what it comes to.
type (
	cond func(f *frame) bool
	eval func(f *frame) value
)

// condition compiles n as what is true or not.
func condition(n *node) cond {
	switch n.op {
	case literal:
		yes := n.yes
		return func(*frame) bool { return yes }
	case unary:
		if n.word == "not" {
			a := condition(n.args[0])
			return func(f *frame) bool { return !a(f) }
		}
	case call:
		if n.word == "has" {
			return has(n.args[0])
		}
	case choice:
		if n.typ == Boolean {
			a, b, c := condition(n.args[0]), condition(n.args[1]), condition(n.args[2])
			return func(f *frame) bool {
				if a(f) {
					return b(f)
				}
				return c(f)
			}
		}
	case binary:
		switch n.word {
		case "and":
			a, b := condition(n.args[0]), condition(n.args[1])
			return func(f *frame) bool { return a(f) && b(f) }
		case "or":
			a, b := condition(n.args[0]), condition(n.args[1])
			return func(f *frame) bool { return a(f) || b(f) }
		case "==", "!=", "<", "<=", ">", ">=":
			return comparison(n.word, n.mode, n.args[0], n.args[1])
		case "in":
			return in(n)
		case "contains", "startsWith", "endsWith", "matches":
			return search(n)
		}
	}
	a := compile(n)
	return func(f *frame) bool {
		v := a(f)
		yes, _ := v.boolean()
		return yes
	}
}

// isCondition reports whether n is either true or false on every record.
func isCondition(n *node) bool {
	switch n.op {
	case binary:
		return n.typ == Boolean && n.word != "??"
	case unary:
		return n.word == "not"
	case call:
		return n.word == "has"
	}
	return false
}

// compile compiles n as a value.
func compile(n *node) eval {
	if isCondition(n) {
		yes := condition(n)
		return func(f *frame) value { return truth(yes(f)) }
	}
	switch n.op {
	case literal:
		v := constant(n)
		return func(*frame) value { return v }
	case field:
		p := n.path
		return func(f *frame) value {
			json, _ := f.r.Member(p)
			return of(json)
		}
	case member:
		of0, p := compile(n.args[0]), n.path
		return func(f *frame) value {
			v := of0(f)
			if v.typ != Object {
				return value{}
			}
			json, _ := find(v.bytes, p.text)
			return of(json)
		}
	case index:
		return element(n)
	case call:
		return called(n)
	case unary:
		a, negative := compile(n.args[0]), n.word == "-"
		return func(f *frame) value {
			v := a(f)
			x, ok := v.number()
			if !ok {
				return value{}
			}
			if negative {
				x = x.negative()
			}
			return ofNumber(x)
		}
	case choice:
		a, b, c := condition(n.args[0]), compile(n.args[1]), compile(n.args[2])
		return func(f *frame) value {
			if a(f) {
				return b(f)
			}
			return c(f)
		}
	}
	return operation(n)
}

func constant(n *node) value {
	switch n.typ {
	case Number:
		return ofNumber(n.num)
	case Boolean:
		return truth(n.yes)
	}
	return ofText([]byte(n.text))
}

func operation(n *node) eval {
	a, b := compile(n.args[0]), compile(n.args[1])
	op := n.word[0]
	switch {
	case n.word == "??":
		return func(f *frame) value {
			if v := a(f); v.typ != Unknown {
				return v
			}
			return b(f)
		}
	case n.word == "**":
		op = '^'
	case op == '+' && n.typ != Number:
		return func(f *frame) value { return plus(f, a(f), b(f)) }
	}
	return func(f *frame) value {
		l := a(f)
		x, ok := l.number()
		if !ok {
			return value{}
		}
		r := b(f)
		y, ok := r.number()
		if !ok {
			return value{}
		}
		return arithmetic(op, x, y)
	}
}

// plus adds numbers, and puts texts together.
func plus(f *frame, l, r value) value {
	if l.typ == Number && r.typ == Number {
		return arithmetic('+', l.num, r.num)
	}
	if l.typ != Text && r.typ != Text {
		return value{}
	}
	a, ok := l.text(f)
	if !ok {
		return value{}
	}
	b, ok := r.text(f)
	if !ok {
		return value{}
	}
	b = b[:min(len(b), maxField-len(a))]
	return ofText(f.appended(append(append(f.buf, a...), b...)))
}

func has(n *node) cond {
	if n.op == field {
		p := n.path
		return func(f *frame) bool {
			json, ok := f.r.Member(p)
			return ok && len(json) > 0 && json[0] != 'n'
		}
	}
	a := compile(n)
	return func(f *frame) bool { return a(f).typ != Unknown }
}

// comparison compiles l op r, compared as values of the type mode.
func comparison(word string, mode Type, l, r *node) cond {
	want := masks[word]
	if l.op == literal && r.op != literal {
		l, r, want = r, l, want.mirrored()
	}
	if r.op == literal && l.op == field {
		switch mode {
		case Number:
			return fieldToNumber(l.path, want, r.num)
		case Text:
			return fieldToText(l.path, want, []byte(r.text))
		}
	}
	if r.op == literal && mode == Time {
		at, _ := parseTime([]byte(r.text))
		a := compile(l)
		return func(f *frame) bool {
			v := a(f)
			return v.typ != Unknown && want&v.toInstant(f, at) != 0
		}
	}
	a, b := compile(l), compile(r)
	return func(f *frame) bool {
		x := a(f)
		if x.typ == Unknown {
			return false
		}
		y := b(f)
		return y.typ != Unknown && want&x.relation(f, mode, &y) != 0
	}
}

// relation returns how v stands to w, both of which there are, when they are read as values of the type mode.
func (v *value) relation(f *frame, mode Type, w *value) mask {
	if mode == Unknown {
		if v.typ != w.typ {
			return unequal
		}
		mode = v.typ
	}
	switch mode {
	case Number:
		a, ok1 := v.number()
		b, ok2 := w.number()
		if ok1 && ok2 {
			return a.compare(b)
		}
	case Text:
		a, ok1 := v.text(f)
		b, ok2 := w.text(f)
		if ok1 && ok2 {
			return compareText(a, b)
		}
	case Boolean:
		a, ok1 := v.boolean()
		b, ok2 := w.boolean()
		if ok1 && ok2 && a == b {
			return same
		}
	case Time:
		if w.typ == Text {
			text, _ := w.text(f)
			if at, ok := parseTime(text); ok {
				return v.toInstant(f, at)
			}
		}
	case Object, List:
		if bytes.Equal(v.bytes, w.bytes) {
			return same
		}
	}
	return unequal
}

func (v *value) toInstant(f *frame, at instant) mask {
	if v.typ == Text {
		text, _ := v.text(f)
		if t, ok := parseTime(text); ok {
			return t.compare(at)
		}
	}
	return unequal
}

func fieldToNumber(p *Path, want mask, b num) cond {
	return func(f *frame) bool {
		json, ok := f.r.Member(p)
		if !ok || len(json) == 0 || json[0] == 'n' {
			return false
		}
		if json[0] == '"' {
			json = json[1 : len(json)-1]
		}
		a, ok := parseNumber(json)
		if !ok {
			return want&unequal != 0
		}
		return want&a.compare(b) != 0
	}
}

func fieldToText(p *Path, want mask, b []byte) cond {
	return func(f *frame) bool {
		json, ok := f.r.Member(p)
		if !ok || len(json) == 0 || json[0] == 'n' {
			return false
		}
		if json[0] != '"' {
			if json[0] == '{' || json[0] == '[' {
				return want&unequal != 0
			}
			return want&compareText(json, b) != 0
		}
		body := json[1 : len(json)-1]
		if want&(same|less|more) == same || want == masks["!="] {
			// What is escaped is longer than what it stands for.
			isSame := len(body) >= len(b) && (bytes.IndexByte(body, '\\') < 0 && bytes.Equal(body, b) ||
				len(body) > len(b) && bytes.Equal(f.plain(body), b))
			return isSame == (want&same != 0)
		}
		return want&compareText(f.plain(body), b) != 0
	}
}

func compareText(a, b []byte) mask { return 1 << (bytes.Compare(a, b) + 1) }

// element compiles list[index].
func element(n *node) eval {
	a, at := compile(n.args[0]), compile(n.args[1])
	return func(f *frame) value {
		l, i := a(f), at(f)
		x, ok := i.number()
		if l.typ != List || !ok || !x.isWhole {
			return value{}
		}
		skip := x.i
		if skip < 0 { // from the end
			w := walk{list: l.bytes}
			for {
				if _, ok := w.next(); !ok {
					break
				}
				skip++
			}
		}
		if skip < 0 {
			return value{}
		}
		w := walk{list: l.bytes}
		for json, ok := w.next(); ok; json, ok = w.next() {
			if skip == 0 {
				return of(json)
			}
			skip--
		}
		return value{}
	}
}
