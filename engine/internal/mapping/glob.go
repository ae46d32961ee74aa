package mapping

import (
	"strings"
)

// Glob is a pattern with * for any text and ? for one character; a backslash takes the meaning of the next one away.
type Glob struct {
	Head  string // what everything that matches begins with
	parts []globPart
	fold  bool
}

type globPart struct {
	any  bool // *
	one  bool // ?
	char rune
}

// NewGlob reads a pattern; fold makes small and capital letters the same.
func NewGlob(pattern string, fold bool) *Glob {
	g := &Glob{fold: fold}
	literal := true
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; c {
		case '*':
			literal = false
			g.parts = append(g.parts, globPart{any: true})
		case '?':
			literal = false
			g.parts = append(g.parts, globPart{one: true})
		default:
			if c == '\\' && i+1 < len(runes) {
				i++
				c = runes[i]
			}
			if literal {
				g.Head += string(c)
			}
			g.parts = append(g.parts, globPart{char: c})
		}
	}
	return g
}

// Match takes time by the length of the text times that of the pattern, whatever they are.
func (g *Glob) Match(text string) bool {
	if g.fold {
		text = strings.ToLower(text)
	}
	runes := []rune(text)
	i, p, star, mark := 0, 0, -1, 0
	for i < len(runes) {
		switch {
		case p < len(g.parts) && g.parts[p].any:
			star, mark = p, i
			p++
		case p < len(g.parts) && (g.parts[p].one || g.same(g.parts[p].char, runes[i])):
			i++
			p++
		case star >= 0:
			p = star + 1
			mark++
			i = mark
		default:
			return false
		}
	}
	for p < len(g.parts) && g.parts[p].any {
		p++
	}
	return p == len(g.parts)
}

func (g *Glob) same(a, b rune) bool {
	return a == b || g.fold && strings.EqualFold(string(a), string(b))
}
