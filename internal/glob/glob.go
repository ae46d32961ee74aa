// Package glob matches texts with patterns in which * stands for any text.
//
// IAM has a matcher of its own, by its own rules.
package glob

import (
	"bytes"
	"strings"
)

// Match reports whether a text has a pattern. It takes no memory.
func Match(pattern, text string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	text, ok := strings.CutPrefix(text, head)
	if !ok || !wild {
		return ok && text == ""
	}
	for {
		// The earliest place for each piece is the best one.
		piece, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, piece)
		}
		if _, text, ok = strings.Cut(text, piece); !ok {
			return false
		}
		rest = next
	}
}

// Stars is a pattern that is taken apart once for many texts.
type Stars [][]byte

// NewStars takes a pattern apart.
func NewStars(pattern string) Stars { return bytes.Split([]byte(pattern), []byte{'*'}) }

// Match reports whether a text has the pattern.
func (s Stars) Match(text []byte) bool {
	last := len(s) - 1
	text, ok := bytes.CutPrefix(text, s[0])
	if !ok || last == 0 {
		return ok && len(text) == 0
	}
	for _, piece := range s[1:last] {
		if _, text, ok = bytes.Cut(text, piece); !ok {
			return false
		}
	}
	return bytes.HasSuffix(text, s[last])
}
