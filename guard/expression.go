package guard

import (
	"errors"
	"regexp"
	"strings"
)

// readExpression splits an index expression at its commas. Each name is to be judged as it is written, wildcards
// included; wild says that the expression also selects among the indexes that exist. Date math selects too: what it
// computes is taken for a wildcard. Exclusions take away and are not judged.
func readExpression(expression string) (names []string, wild bool, err error) {
	for _, part := range splitExpression(expression) {
		name, excluded, err := readPart(part, wild)
		if err != nil {
			return nil, false, err
		}
		if excluded {
			continue
		}
		if strings.Contains(name, "*") {
			wild = true
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, false, errors.New("an index expression without a name")
	}
	return names, wild, nil
}

// readPart reads one name of an expression. A minus excludes; a plus is how 1.x writes the opposite.
func readPart(part string, afterWildcard bool) (name string, excluded bool, err error) {
	if rest, ok := strings.CutPrefix(part, "-"); ok {
		if !afterWildcard {
			// Versions differ in what that means: a name, or everything else.
			return "", false, errors.New("an exclusion without a wildcard before it")
		}
		return rest, true, nil
	}
	part = strings.TrimPrefix(part, "+")
	switch {
	case part == "":
		return "", false, errors.New("an empty name in an index expression")
	case part == "_all":
		return "*", false, nil
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

// dateMathPattern is a date-math name with a wildcard in the place of what is computed.
func dateMathPattern(name string) (string, error) {
	var b strings.Builder
	depth := 0
	for _, c := range []byte(name[1 : len(name)-1]) {
		switch c {
		case '{':
			if depth == 0 {
				b.WriteByte('*')
			}
			depth++
		case '}':
			depth--
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

// selects reports whether an expression's wildcards stand for an existing name. Exclusions count from where they are.
func selects(expression, name string) bool {
	selected, wild := false, false
	for _, part := range splitExpression(expression) {
		pattern, excluded, err := readPart(part, wild)
		if err != nil {
			return true
		}
		wild = wild || strings.Contains(pattern, "*")
		if globMatch(pattern, name) {
			selected = !excluded
		}
	}
	return selected
}

// globMatch matches with * for any run of characters.
func globMatch(pattern, name string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(name, part)
		}
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name, rest = name[i+len(part):], next
	}
}

// backing is the form of the indexes behind a data stream.
var backing = regexp.MustCompile(`^\.ds-(.+?)(?:-\d{4}\.\d{2}\.\d{2})?-\d{6}$`)

// dataStream is the name of the data stream that an index belongs to.
func dataStream(index string) (string, bool) {
	m := backing.FindStringSubmatch(index)
	if m == nil {
		return "", false
	}
	return m[1], true
}
