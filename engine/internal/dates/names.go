package dates

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/wire"
)

// ExpandNames works out the dates in names like <logs-{now/d}>, in a list of names.
func ExpandNames(expr string, now time.Time) (string, error) {
	if !strings.Contains(expr, "<") {
		return expr, nil
	}
	var out []string
	for name := range splitNames(expr) {
		minus := strings.HasPrefix(name, "-")
		inner, ok := strings.CutPrefix(strings.TrimPrefix(name, "-"), "<")
		if ok {
			inner, ok = strings.CutSuffix(inner, ">")
		}
		if !ok {
			out = append(out, name)
			continue
		}
		text, err := expandDates(inner, now)
		if err != nil {
			return "", err
		}
		if minus {
			text = "-" + text
		}
		out = append(out, text)
	}
	return strings.Join(out, ","), nil
}

// splitNames splits a list at the commas that are not in braces.
func splitNames(expr string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		depth, start := 0, 0
		for i := range len(expr) {
			switch expr[i] {
			case '{':
				depth++
			case '}':
				depth--
			case ',':
				if depth == 0 {
					if !yield(expr[start:i]) {
						return
					}
					start = i + 1
				}
			}
		}
		yield(expr[start:])
	}
}

// expandDates replaces what is in braces: an expression, and perhaps a format with a time zone in braces of its own.
func expandDates(text string, now time.Time) (string, error) {
	bad := func(why string) error {
		return wire.Errorf(http.StatusBadRequest, "parse_exception", "invalid dynamic name expression [%s]. %s", text, why)
	}
	var out strings.Builder
	for rest := text; rest != ""; {
		head, after, found := strings.Cut(rest, "{")
		if strings.Contains(head, "}") {
			return "", bad("invalid character at position [" + head + "]. `{` and `}` are reserved characters and should " +
				"be escaped when used as part of the index name using `\\` (e.g. `\\{text\\}`)")
		}
		out.WriteString(head)
		if !found {
			break
		}
		expr, tail, closed := strings.Cut(after, "}")
		format, zone := "uuuu.MM.dd", time.UTC
		if e, f, own := strings.Cut(expr, "{"); own {
			expr = e
			var name string
			if format, name, own = strings.Cut(f, "|"); own {
				var err error
				if zone, err = ParseZone(name); err != nil {
					return "", err
				}
			}
			if tail, closed = strings.CutPrefix(tail, "}"); format == "" {
				return "", bad("missing date format")
			}
		}
		if !closed {
			return "", bad("date math placeholder is open ended")
		}
		f, err := ParseFormat(format)
		if err != nil {
			return "", err
		}
		t, err := f.Math(expr, now, zone, false)
		if err != nil {
			return "", err
		}
		out.WriteString(f.Format(t))
		rest = tail
	}
	return out.String(), nil
}
