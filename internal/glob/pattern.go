package glob

import (
	"strings"
)

// Pattern has * for any text and ? for one character. A backslash makes the next character an ordinary one.
type Pattern struct {
	Head  string // what everything that matches begins with
	parts []part
	fold  bool
}

type part struct {
	any  bool // *
	one  bool // ?
	char rune
}

// New reads a pattern. Fold makes it ignore case.
func New(pattern string, fold bool) *Pattern {
	g := &Pattern{fold: fold}
	literal := true
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; c {
		case '*':
			literal = false
			g.parts = append(g.parts, part{any: true})
		case '?':
			literal = false
			g.parts = append(g.parts, part{one: true})
		default:
			if c == '\\' && i+1 < len(runes) {
				i++
				c = runes[i]
			}
			if literal {
				g.Head += string(c)
			}
			g.parts = append(g.parts, part{char: c})
		}
	}
	return g
}

// Match says whether the text matches. Its time is bounded by the length of the text times that of the pattern.
func (g *Pattern) Match(text string) bool {
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

func (g *Pattern) same(a, b rune) bool {
	return a == b || g.fold && strings.EqualFold(string(a), string(b))
}
