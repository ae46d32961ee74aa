package expr

import (
	"errors"
	"regexp/syntax"
	"sync"
)

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	typ    Type
	cost   int
	fields []string
	cond   cond
	eval   eval
	frames sync.Pool // of *frame
}

// Compile compiles text, whose value has to be of the type want; Unknown takes any. The error is an *[Error].
func Compile(text string, schema Schema, want Type) (*Program, error) {
	n, err := parse(text)
	if err != nil {
		return nil, err
	}
	c := &checker{src: text, schema: schema}
	c.check(n)
	if want != Unknown && n.typ != want && n.typ != Unknown {
		c.fail(n, "this is %s, and %s is needed here", n.typ.a(), want.a())
	}
	if c.err != nil {
		return nil, c.err
	}
	p := &Program{typ: n.typ, cost: c.cost, fields: c.fields, cond: condition(n), eval: compile(n)}
	p.frames.New = func() any { return new(frame) }
	return p, nil
}

// True reports whether the value is true: a condition on a field that r does not have is not.
func (p *Program) True(r Record) bool {
	f := p.begin(r)
	yes := p.cond(f)
	p.end(f)
	return yes
}

// AppendJSON appends the value as JSON. It reports false, and appends nothing, when there is none: a field is absent,
// or a text is no number where one is needed.
func (p *Program) AppendJSON(dst []byte, r Record) ([]byte, bool) {
	f := p.begin(r)
	defer p.end(f)
	v := p.eval(f)
	if v.typ == Unknown {
		return dst, false
	}
	return v.appendJSON(dst), true
}

func (p *Program) begin(r Record) *frame {
	f, _ := p.frames.Get().(*frame)
	f.r = r
	return f
}

// end gives f back. What one record with long texts has taken is not kept.
func (p *Program) end(f *frame) {
	f.r, f.buf = nil, f.buf[:0]
	if cap(f.buf) > maxField {
		f.buf = nil
	}
	p.frames.Put(f)
}

// Type is what is known of the value.
func (p *Program) Type() Type { return p.typ }

// Cost is what one evaluation takes, in steps of about ten nanoseconds on ordinary fields.
func (p *Program) Cost() int { return p.cost }

// Fields returns the names of the fields that the value depends on, each once, in the order of the text.
func (p *Program) Fields() []string { return p.fields }

// quietly says what is wrong with a pattern.
func quietly(err error) string {
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		return e.Code.String() + " `" + e.Expr + "`"
	}
	return err.Error()
}
