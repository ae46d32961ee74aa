package query

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/engine/internal/words"
)

// Unsupported marks an option that the real engines have and this one answers with 501.
type Unsupported struct{}

// options reads the options of a query. The table says where each goes, as Option takes it.
func (p *Parser) options(name string, n *wire.Node, into map[string]any) error {
	for i := range n.Members {
		m := &n.Members[i]
		if m.Name == "_name" {
			return wire.NotOffered("the option [_name] of the query [%s]", name)
		}
		target, ok := into[m.Name]
		if !ok {
			return p.FailAt(m.Node.Start, "[%s] query does not support [%s]", name, m.Name)
		}
		if err := p.Option(name, m, target); err != nil {
			return err
		}
	}
	return nil
}

// Option reads one option of what has a name into its target: a pointer, a function that takes the value, or
// Unsupported.
func (p *Parser) Option(name string, m *wire.Member, target any) error {
	scalar := m.Node.Kind != wire.ObjectKind && m.Node.Kind != wire.ArrayKind
	switch target := target.(type) {
	case *string:
		if !scalar {
			return p.FailAt(m.Node.Start, "[%s] unknown token [%s] after [%s]", name, m.Node.Token(), m.Name)
		}
		*target = m.Node.Text
	case **wire.Node:
		*target = &m.Node
	case *float32:
		v, err := strconv.ParseFloat(m.Node.Text, 32)
		if err != nil {
			return wire.NumberFormat(m.Node.Text)
		}
		if v < 0 {
			return wire.Illegal("negative [boost] are not allowed in [%s], use a value between 0 and 1 to deboost", m.Node.Text)
		}
		*target = float32(v)
	case *int:
		v, err := strconv.Atoi(m.Node.Text)
		if err != nil {
			return wire.NumberFormat(m.Node.Text)
		}
		*target = v
	case *bool:
		switch m.Node.Text {
		case "true", "false":
			*target = m.Node.Text == "true"
		default:
			return wire.Illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", m.Node.Text)
		}
	case func(*wire.Node) error:
		return target(&m.Node)
	case Unsupported:
		return wire.NotOffered("the option [%s] of the query [%s]", m.Name, name)
	}
	return nil
}

// Ignored takes an option that changes nothing here.
func Ignored(*wire.Node) error { return nil }

// Only takes an option with one of the allowed values, with which it changes nothing. Others are 501.
func Only(name string, allowed ...string) func(*wire.Node) error {
	return func(n *wire.Node) error {
		if n.Kind == wire.NullKind || slices.Contains(allowed, n.Text) {
			return nil
		}
		return wire.NotOffered("[%s] with the value [%s] in a query", name, n.Text)
	}
}

func analyzerInto(into **words.Analyzer) func(*wire.Node) error {
	return func(n *wire.Node) error {
		a, ok := words.Analyzers()[n.Text]
		if !ok {
			return wire.NotOffered("the analyzer [%s]", n.Text)
		}
		*into = &a
		return nil
	}
}

type weighted struct {
	pattern string
	boost   float32
}

func parseWeighted(text string) (weighted, error) {
	name, boost, ok := strings.Cut(text, "^")
	w := weighted{name, 1}
	if ok {
		v, err := strconv.ParseFloat(boost, 32)
		if err != nil {
			return w, wire.NumberFormat(boost)
		}
		w.boost = float32(v)
	}
	return w, nil
}

// noField is the error about a query that names no field.
func noField() error { return wire.Illegal("field name is null or empty") }
