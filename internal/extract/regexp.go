package extract

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Options say how a regular expression, or what becomes of a grok pattern, is held against a text.
type Options struct {
	// Part says that it may fit a part of the text. Otherwise it has to fit all of it.
	Part bool
	// Lines says that the text may have several lines: a dot stands for the end of a line too.
	Lines bool
}

// expression is a regular expression with named groups.
type expression struct {
	fields
	re     *regexp.Regexp
	groups []int // of the spans
	part   bool
}

// Regexp reads a regular expression of Go, which takes a time that grows with the text alone. Its named groups are the
// fields; (?P<name>…) and (?<name>…) are the same. Of several groups of one name the first that is there is the value.
func Regexp(pattern string, o Options) (Extractor, error) {
	if err := checkLength(pattern); err != nil {
		return nil, err
	}
	return newExpression(pattern, nil, o)
}

// group is the field of a group.
type group struct{ name, typ string }

// newExpression compiles a pattern whose groups have names of their own, or those in names.
func newExpression(pattern string, names map[string]group, o Options) (*expression, error) {
	flags := syntax.Perl
	if o.Lines {
		flags |= syntax.DotNL
	}
	tree, err := syntax.Parse(pattern, flags)
	if err != nil {
		return nil, compileError(err)
	}
	tree = named(tree)
	text := tree.String()
	if !o.Part {
		text = `\A(?:` + text + `)\z`
	}
	e := &expression{part: o.Part}
	if e.re, err = regexp.Compile(text); err != nil {
		return nil, compileError(err)
	}
	for i, name := range e.re.SubexpNames() {
		if name == "" {
			continue
		}
		of, known := names[name]
		if !known {
			of = group{name: name}
		}
		e.groups = append(e.groups, i)
		if err := e.add(of.name, of.typ, false); err != nil {
			return nil, err
		}
	}
	if len(e.groups) == 0 {
		return nil, errors.New("the pattern names no field")
	}
	return e, nil
}

// named returns an expression whose groups without a name take nothing: they cost time for each text.
func named(tree *syntax.Regexp) *syntax.Regexp {
	for i, sub := range tree.Sub {
		tree.Sub[i] = named(sub)
	}
	if tree.Op == syntax.OpCapture && tree.Name == "" {
		return tree.Sub[0]
	}
	return tree
}

// compileError says what is wrong with an expression, and what people who know another kind of them may look for.
func compileError(err error) error {
	if e, ok := errors.AsType[*syntax.Error](err); ok {
		switch e.Code {
		case syntax.ErrInvalidPerlOp:
			return fmt.Errorf("the regular expression is wrong: %w; it has no lookaround, atomic or conditional groups", err)
		case syntax.ErrInvalidEscape:
			return fmt.Errorf("the regular expression is wrong: %w; it has no references to groups", err)
		}
	}
	return fmt.Errorf("the regular expression is wrong: %w", err)
}

func (e *expression) Fields() []Field { return e.all }

func (e *expression) Prefix() string {
	if e.part {
		return ""
	}
	prefix, _ := e.re.LiteralPrefix()
	return prefix
}

func (e *expression) Match(spans []Span, text []byte) ([]Span, bool) {
	found := e.re.FindSubmatchIndex(text)
	if found == nil {
		return spans, false
	}
	for _, n := range e.groups {
		spans = append(spans, Span{found[2*n], found[2*n+1]})
	}
	return spans, true
}
