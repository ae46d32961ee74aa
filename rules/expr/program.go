package expr

// Program is a compiled expression. It is safe for concurrent use.
type Program struct {
	typ    Type
	cost   int
	fields []string
}

// Compile compiles text, whose value has to be of the type want; Unknown takes any. The error is an *[Error].
func Compile(text string, schema Schema, want Type) (*Program, error) {
	return nil, &Error{Reason: "expressions are not compiled"}
}

// True reports whether the value is true: a condition on a field that r does not have is not.
func (p *Program) True(r Record) bool { return false }

// AppendJSON appends the value as JSON. It reports false, and appends nothing, when there is none: a field is absent, or
// a text is no number where one is needed.
func (p *Program) AppendJSON(dst []byte, r Record) ([]byte, bool) { return dst, false }

// Type is what is known of the value.
func (p *Program) Type() Type { return p.typ }

// Cost is the most that one evaluation takes, in comparisons of a number.
func (p *Program) Cost() int { return p.cost }

// Fields returns the names of the fields that the value depends on, each once, in the order of the text.
func (p *Program) Fields() []string { return p.fields }
