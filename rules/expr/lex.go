package expr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText is how long an expression may be: shorter than what of a field counts, so that a literal is never longer.
const maxText = 32 << 10

type kind uint8

const (
	endToken kind = iota
	nameToken
	numberToken
	textToken
	signToken // operators and brackets
)

type token struct {
	kind  kind
	at    int    // where it begins
	to    int    // where it ends
	value string // a name, a number or a sign as written, a text as what it stands for
}

// words are the operators that look like names.
var words = map[string]bool{ //nolint:gochecknoglobals // a table that nobody writes to
	"and": true, "or": true, "not": true, "in": true, "contains": true, "startsWith": true, "endsWith": true,
	"matches": true, "let": true, "if": true, "else": true,
}

// lex takes an expression apart. The last token is an end.
func lex(s string) ([]token, *Error) {
	var tokens []token
	for i := 0; ; {
		for i < len(s) && strings.IndexByte(" \t\r\n", s[i]) >= 0 {
			i++
		}
		if i == len(s) {
			return append(tokens, token{kind: endToken, at: i, to: i}), nil
		}
		if strings.HasPrefix(s[i:], "//") || strings.HasPrefix(s[i:], "/*") {
			last, size := strings.IndexByte(s[i:], '\n'), 1
			if s[i+1] == '*' {
				if last, size = strings.Index(s[i+2:], "*/"), 4; last < 0 {
					return nil, &Error{Offset: i, Reason: "the comment has no */"}
				}
			} else if last < 0 {
				last, size = len(s)-i, 0
			}
			i += last + size
			continue
		}
		t, err := next(s, i)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		i = t.to
	}
}

// next reads the token that begins at s[i].
func next(s string, i int) (token, *Error) {
	c := s[i]
	switch {
	case c == '"' || c == '\'':
		return quoted(s, i)
	case c == '`':
		return rawText(s, i)
	case c-'0' < 10 || c == '.' && i+1 < len(s) && s[i+1]-'0' < 10:
		return digits(s, i)
	}
	if size := nameSize(s[i:]); size > 0 {
		t := token{kind: nameToken, at: i, to: i + size, value: s[i : i+size]}
		if words[t.value] {
			t.kind = signToken
		}
		return t, nil
	}
	for _, two := range []string{"==", "!=", "<=", ">=", "&&", "||", "**", "??", "?.", ".."} {
		if strings.HasPrefix(s[i:], two) {
			return token{kind: signToken, at: i, to: i + 2, value: two}, nil
		}
	}
	if strings.IndexByte("()[]{},?:.+-*/%^<>!|;#=&", c) >= 0 {
		return token{kind: signToken, at: i, to: i + 1, value: s[i : i+1]}, nil
	}
	r, _ := utf8.DecodeRuneInString(s[i:])
	reason := "no expression has " + strconv.QuoteRune(r)
	if r == '@' {
		reason += ": write field('@timestamp') for a field with such a name"
	}
	return token{}, &Error{Offset: i, Reason: reason}
}

// nameSize returns how long the name is with which s begins.
func nameSize(s string) int {
	for i, r := range s {
		if r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
	}
	return len(s)
}

func digits(s string, i int) (token, *Error) {
	of, j := "0123456789_", i
	run := func() {
		for j < len(s) && strings.IndexByte(of, s[j]) >= 0 {
			j++
		}
	}
	if s[i] == '0' && i+1 < len(s) {
		switch s[i+1] | 0x20 {
		case 'x':
			of, j = "0123456789abcdefABCDEF_", i+2
		case 'o':
			of, j = "01234567_", i+2
		case 'b':
			of, j = "01_", i+2
		}
	}
	run()
	if j < len(s) && s[j] == '.' && !strings.HasPrefix(s[j:], "..") {
		j++
		run()
	}
	if j < len(s) && s[j]|0x20 == 'e' {
		if j++; j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		run()
	}
	if more := nameSize(s[j:]); more > 0 {
		return token{}, &Error{Offset: i, Reason: strconv.Quote(s[i:j+more]) + " is neither a number nor a name"}
	}
	return token{kind: numberToken, at: i, to: j, value: s[i:j]}, nil
}

func rawText(s string, i int) (token, *Error) {
	var b strings.Builder
	for j := i + 1; ; {
		n := strings.IndexByte(s[j:], '`')
		if n < 0 {
			return token{}, &Error{Offset: i, Reason: "the text has no closing `"}
		}
		b.WriteString(s[j : j+n])
		if j += n + 1; j == len(s) || s[j] != '`' {
			return token{kind: textToken, at: i, to: j, value: b.String()}, nil
		}
		b.WriteByte('`') // two stand for one
		j++
	}
}

func quoted(s string, i int) (token, *Error) {
	var b strings.Builder
	for j := i + 1; j < len(s) && s[j] != '\n'; {
		if s[j] == s[i] {
			return token{kind: textToken, at: i, to: j + 1, value: b.String()}, nil
		}
		if s[j] != '\\' {
			b.WriteByte(s[j])
			j++
			continue
		}
		r, rest, err := escape(s[j:], s[i])
		if err != nil {
			return token{}, &Error{j, "a text has no such escape: in a pattern a backslash is written as two", ""}
		}
		b.WriteRune(r)
		j = len(s) - len(rest)
	}
	return token{}, &Error{Offset: i, Reason: "the text has no closing " + s[i:i+1]}
}

// escape reads one escape sequence, as Go has it, or \u{…}.
func escape(s string, quote byte) (r rune, rest string, err error) {
	if !strings.HasPrefix(s, `\u{`) {
		r, _, rest, err = strconv.UnquoteChar(s, quote)
		return r, rest, err
	}
	hex, rest, closed := strings.Cut(s[3:], "}")
	u, err := strconv.ParseUint(hex, 16, 32)
	if !closed || err != nil || len(hex) > 6 || u > unicode.MaxRune {
		return 0, "", strconv.ErrSyntax
	}
	return rune(u), rest, nil
}
