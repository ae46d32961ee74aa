package guard

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/seed56735111/penstock/internal/glob"
	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// expression is a parsed index expression: the names between its commas. Each is judged as it is written, wildcards
// included. A date-math name is judged with a wildcard in the place of what it computes.
type expression []namePart

// namePart is one name of an expression. Exclusions are not judged, because they only take names away.
type namePart struct {
	pattern  string
	excluded bool
}

func readExpression(text string) (expression, error) {
	var e expression
	named, wild := false, false
	for _, part := range splitExpression(text) {
		name, excluded, err := readPart(part, wild)
		if err != nil {
			return nil, err
		}
		e = append(e, namePart{name, excluded})
		named = named || !excluded
		wild = wild || strings.Contains(name, "*")
	}
	if !named {
		return nil, errors.New("an index expression without a name")
	}
	return e, nil
}

// isWild reports whether the expression also selects among the indexes that exist.
func (e expression) isWild() bool {
	return slices.ContainsFunc(e, func(p namePart) bool { return strings.Contains(p.pattern, "*") })
}

// selects reports whether the expression selects an existing name. An exclusion applies to the names before it.
func (e expression) selects(name string) bool {
	selected := false
	for _, p := range e {
		if selected == p.excluded && glob.Match(p.pattern, name) {
			selected = !p.excluded
		}
	}
	return selected
}

// readPart reads one name of an expression. A minus excludes the name. A plus, in engines of version 1, includes it.
func readPart(part string, afterWildcard bool) (name string, excluded bool, err error) {
	if rest, ok := strings.CutPrefix(part, "-"); ok {
		if !afterWildcard {
			// Engines differ: some take it for a name, others for everything but that name.
			return "", false, errors.New("an exclusion without a wildcard before it")
		}
		return rest, true, nil
	}
	part = strings.TrimPrefix(part, "+")
	switch {
	case part == "":
		return "", false, errors.New("an empty name in an index expression")
	case strings.ContainsFunc(part, unicode.IsSpace):
		return "", false, errors.New("a space in an index name")
	case part == "_all":
		return "*", false, nil
	case strings.Contains(part, ":") && !isDateMath(part):
		return "", false, errors.New("an index of another cluster")
	case isDateMath(part):
		name, err := dateMathPattern(part)
		return name, false, err
	case strings.Contains(part, "/"):
		return "", false, errors.New("a slash in an index name")
	}
	return part, false, nil
}

// splitExpression splits at commas outside of date math.
func splitExpression(expression string) []string {
	var parts []string
	depth, start := 0, 0
	for i := range len(expression) {
		switch expression[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth <= 0 {
				parts = append(parts, expression[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, expression[start:])
}

func isDateMath(name string) bool {
	return len(name) > 2 && strings.HasPrefix(name, "<") && strings.HasSuffix(name, ">")
}

// dateMath matches what may stand between the braces of a date-math name: math whose format gives digits and marks
// only. A format with quoted letters, or with the names of months and days, could spell any index.
var dateMath = lazyregexp.New(`^now(?:[+-]\d+[yMwdhHms]|/[yMwdhHms])*` +
	`(?:\{[yuMdHhmsSDwY., _-]*(?:\|[A-Za-z0-9/_:+-]+)?\})?$`)

// dateMathPattern is a date-math name with a wildcard in the place of each computed part.
func dateMathPattern(name string) (string, error) {
	var b strings.Builder
	depth, begin := 0, 0
	for i, c := range []byte(name[:len(name)-1]) {
		switch c {
		case '<':
			if i > 0 {
				b.WriteByte(c)
			}
		case '{':
			if depth == 0 {
				b.WriteByte('*')
				begin = i + 1
			}
			depth++
		case '}':
			depth--
			if math := name[begin:i]; depth == 0 && (!dateMath.MatchString(math) || strings.Contains(math, "MMM")) {
				return "", errors.New("a date-math index name with a format that can give more than numbers")
			}
		case '\\':
			return "", errors.New("an escape in a date-math index name")
		default:
			if depth == 0 {
				if c == '/' {
					return "", errors.New("a slash in an index name")
				}
				b.WriteByte(c)
			}
		}
		if depth < 0 {
			return "", errors.New("unbalanced braces in a date-math index name")
		}
	}
	if depth != 0 {
		return "", errors.New("unbalanced braces in a date-math index name")
	}
	return b.String(), nil
}

// backing matches the names of a data stream's backing indexes.
var backing = lazyregexp.New(`^\.ds-(.+?)(?:-\d{4}\.\d{2}\.\d{2})?-\d{6}$`)

// dataStream is the name of the data stream that an index belongs to.
func dataStream(index string) (string, bool) {
	m := backing.FindStringSubmatch(index)
	if m == nil {
		return "", false
	}
	return m[1], true
}
