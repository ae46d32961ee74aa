package iam

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

type partKind uint8

const (
	partLiteral  partKind = iota
	partAnyRun            // *
	partAnyOne            // ?
	partVariable          // ${key} or ${key, 'default'}
)

// part is a piece of a pattern. A variable's value is compared literally: a caller with a star in its name must not
// widen a policy.
type part struct {
	kind       partKind
	text       string // the literal, or the variable's default
	key        string // the variable's condition key, in lower case
	hasDefault bool
}

// pattern is a compiled policy value.
type pattern []part

// syntax says whether * and ?, and whether ${…}, have a meaning in a policy value.
type syntax struct{ wildcards, variables bool }

func compilePattern(s string, x syntax) (pattern, error) {
	var p pattern
	var literal strings.Builder
	add := func(q part) {
		if literal.Len() > 0 {
			p = append(p, part{kind: partLiteral, text: literal.String()})
			literal.Reset()
		}
		// A run of stars means the same as one.
		if n := len(p); q.kind != partAnyRun || n == 0 || p[n-1].kind != partAnyRun {
			p = append(p, q)
		}
	}
	for s != "" {
		i := strings.IndexAny(s, "*?$")
		if i < 0 {
			i = len(s)
		}
		literal.WriteString(s[:i])
		s = s[i:]
		switch {
		case s == "":
		case s[0] == '*' && x.wildcards:
			add(part{kind: partAnyRun})
			s = s[1:]
		case s[0] == '?' && x.wildcards:
			add(part{kind: partAnyOne})
			s = s[1:]
		case strings.HasPrefix(s, "${") && x.variables:
			v, rest, err := cutVariable(s)
			if err != nil {
				return nil, err
			}
			if v.kind == partLiteral {
				literal.WriteString(v.text)
			} else {
				add(v)
			}
			s = rest
		default:
			literal.WriteByte(s[0])
			s = s[1:]
		}
	}
	if literal.Len() > 0 {
		p = append(p, part{kind: partLiteral, text: literal.String()})
	}
	return p, nil
}

// cutVariable reads the variable that s begins with. ${*}, ${?} and ${$} stand for the character itself.
func cutVariable(s string) (v part, rest string, err error) {
	inner, rest, ok := strings.Cut(s[2:], "}")
	if !ok {
		return v, "", errors.New("policy variable without its closing brace")
	}
	if inner == "*" || inner == "?" || inner == "$" {
		return part{kind: partLiteral, text: inner}, rest, nil
	}
	key, def, hasDefault := strings.Cut(inner, ",")
	key = strings.TrimSpace(key)
	if key == "" || strings.ContainsAny(key, "${' \t\r\n") || !strings.Contains(key, ":") {
		return v, "", fmt.Errorf("policy variable %s does not name a condition key", quoted("${"+inner+"}"))
	}
	if hasDefault {
		def = strings.TrimSpace(def)
		if len(def) < 2 || def[0] != '\'' || def[len(def)-1] != '\'' || strings.Contains(def[1:len(def)-1], "'") {
			return v, "", fmt.Errorf("the default of policy variable %s is not in single quotes", quoted("${"+inner+"}"))
		}
		def = def[1 : len(def)-1]
	}
	return part{kind: partVariable, key: strings.ToLower(key), text: def, hasDefault: hasDefault}, rest, nil
}

// value is what a literal or variable stands for in a request. With ok false the variable is null: it has no default,
// and the request has no value for its key, or several.
func (p *part) value(c *Context) (text string, ok bool) {
	if p.kind != partVariable {
		return p.text, true
	}
	if v := c.lower(p.key); len(v) == 1 {
		return v[0], true
	}
	return p.text, p.hasDefault
}

// unresolved is the key of the first variable that is null in the request. A pattern with one matches nothing, so a
// negated operator holds.
func (p pattern) unresolved(c *Context) (key string, found bool) {
	for i := range p {
		if _, ok := p[i].value(c); !ok {
			return p[i].key, true
		}
	}
	return "", false
}

// hasVariables reports whether the pattern depends on the request.
func (p pattern) hasVariables() bool {
	for i := range p {
		if p[i].kind == partVariable {
			return true
		}
	}
	return false
}

// match reports whether the whole of s fits. With fold, ASCII letters compare without case.
func (p pattern) match(s string, c *Context, fold bool) bool {
	ok, _ := p.find(s, c, fold)
	return ok
}

// find is match, and counts the steps. On a mismatch it goes back to the last star only, and gives up when what follows
// that star is longer than the rest of s. So the steps are bounded by the product of two lengths: of what follows the
// last star, and of what that leaves of s.
func (p pattern) find(s string, c *Context, fold bool) (ok bool, steps int) {
	i, j := 0, 0
	star, mark := -1, 0
	rest := 0 // what p[i:] needs, in bytes; known from the first star on
	starRest := 0
	for {
		steps++
		if i == len(p) {
			if j == len(s) {
				return true, steps
			}
		} else {
			switch p[i].kind {
			case partAnyRun:
				if star < 0 {
					rest = p[i+1:].shortestLen(c)
				}
				star, mark, starRest = i, j, rest
				i++
				continue
			case partAnyOne:
				if j < len(s) {
					j += runeLen(s[j:])
					rest--
					i++
					continue
				}
			default:
				t, known := p[i].value(c)
				if !known {
					return false, steps
				}
				if hasPrefix(s[j:], t, fold) {
					j += len(t)
					rest -= len(t)
					i++
					continue
				}
			}
		}
		if star < 0 || len(s)-mark <= starRest {
			return false, steps
		}
		mark += runeLen(s[mark:])
		i, j, rest = star+1, mark, starRest
	}
}

// shortestLen is how many bytes a text needs at least to fit.
func (p pattern) shortestLen(c *Context) (n int) {
	for i := range p {
		switch p[i].kind {
		case partAnyRun:
		case partAnyOne:
			n++
		default:
			t, _ := p[i].value(c)
			n += len(t)
		}
	}
	return n
}

// expand is the text that a pattern without wildcards stands for in a request. With ok false a variable is null.
func (p pattern) expand(c *Context) (text string, ok bool) {
	if len(p) == 1 {
		return p[0].value(c)
	}
	var b strings.Builder
	for i := range p {
		t, ok := p[i].value(c)
		if !ok {
			return "", false
		}
		b.WriteString(t)
	}
	return b.String(), true
}

func runeLen(s string) int {
	_, n := utf8.DecodeRuneInString(s)
	return n
}

func hasPrefix(s, prefix string, fold bool) bool {
	if !fold {
		return strings.HasPrefix(s, prefix)
	}
	if len(s) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if lowerASCII(s[i]) != lowerASCII(prefix[i]) {
			return false
		}
	}
	return true
}

func lowerASCII(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// arnPattern matches an ARN segment by segment: a star does not reach over the first five colons.
type arnPattern struct {
	any     bool // the pattern "*"
	segment [6]pattern
	// late is set instead of segment when a variable before the fifth colon may bring colons of its own.
	late pattern
	// short is set instead of segment when there are fewer than six segments and a star ends the last one. The star stands
	// for the missing segments, and the ARN is compared as one text.
	short pattern
	// never is set when there are fewer than six segments and no star ends the last one.
	never bool
}

func newARNPattern(p pattern) arnPattern {
	if len(p) == 1 && p[0].kind == partAnyRun {
		return arnPattern{any: true}
	}
	seg, ok := splitPattern(p)
	if p.hasVariables() && (!ok || slices.ContainsFunc(seg[:5], pattern.hasVariables)) {
		return arnPattern{late: p}
	}
	if !ok && len(p) > 0 && p[len(p)-1].kind == partAnyRun {
		return arnPattern{short: p}
	}
	return arnPattern{segment: seg, never: !ok}
}

// isARN reports whether the pattern can match an ARN at all.
func (a *arnPattern) isARN() bool {
	return !a.never
}

// splitPattern cuts p at its first five literal colons.
func splitPattern(p pattern) (seg [6]pattern, ok bool) {
	n := 0
	for _, q := range p {
		if q.kind != partLiteral {
			seg[n] = append(seg[n], q)
			continue
		}
		for n < 5 {
			head, tail, found := strings.Cut(q.text, ":")
			if !found {
				break
			}
			if head != "" {
				seg[n] = append(seg[n], part{text: head})
			}
			q.text = tail
			n++
		}
		if q.text != "" {
			seg[n] = append(seg[n], q)
		}
	}
	return seg, n == 5
}

// match reports whether the pattern fits an ARN, which is given whole and in segments.
func (a *arnPattern) match(arn string, seg *arnSegments, c *Context) bool {
	switch {
	case a.any:
		return true
	case a.never:
		return false
	case a.late != nil:
		if _, null := a.late.unresolved(c); null {
			return false
		}
		resolved := newARNPattern(a.late.resolve(c))
		return resolved.match(arn, seg, c)
	case a.short != nil:
		return a.short.match(arn, c, false)
	}
	// The last segment comes first because it differs most: the others are nearly the same in all policies of a domain.
	for i := len(seg) - 1; i >= 0; i-- {
		if !a.segment[i].match(seg[i], c, false) {
			return false
		}
	}
	return true
}

// resolve replaces variables by their values. A null or empty variable leaves no part behind, so that a star in front
// of it may end the pattern.
func (p pattern) resolve(c *Context) pattern {
	out := make(pattern, 0, len(p))
	for _, q := range p {
		if q.kind == partVariable {
			text, _ := q.value(c)
			q = part{kind: partLiteral, text: text}
		}
		if q.kind != partLiteral || q.text != "" {
			out = append(out, q)
		}
	}
	return out
}
