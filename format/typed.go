package format

import (
	"fmt"

	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/internal/quote"
)

// typedMember is what becomes of a member of JSON that has the name of a field of lines.
type typedMember struct {
	name string
	kind lines.Kind
	n    uint // of the name, below 128
}

// typed returns what rewrites records of JSON that have the fields of lines as members, as events.Row.Rewrite wants it:
// with the names and types that these fields have, so that an index holds both. The values are text in JSON, and a dash
// is none. Other members stay as they are, and so does one whose name is taken.
func typed(fields []lines.Field) func(dst, record []byte) []byte {
	known, numbers := map[string]typedMember{}, map[string]uint{}
	for _, f := range fields {
		name := lines.DocumentName(f.Name)
		if _, ok := numbers[name]; !ok {
			numbers[name] = uint(len(numbers))
		}
		m := typedMember{name, f.Kind, numbers[name]}
		known[f.Name], known[name] = m, m
	}
	if len(numbers) > 128 {
		panic(fmt.Sprintf("format: %d fields are more than a set has room for", len(numbers)))
	}
	return func(dst, record []byte) []byte {
		var have [2]uint64
		dst = append(dst, '{')
		from := len(dst)
		for i := quote.SkipSpace(record, 1); record[i] == '"'; {
			at := quote.MemberAt(record, i)
			one, ok := known[string(at.Name)]
			if ok = ok && have[one.n/64]>>(one.n%64)&1 == 0 &&
				(string(at.Name) == one.name || !events.Has(record, []byte(one.name))); ok {
				have[one.n/64] |= 1 << (one.n % 64)
				dst = appendTyped(dst, record, at, one)
			} else {
				dst = append(append(dst, ','), record[i:at.End]...)
			}
			i = quote.SkipComma(record, at.End)
		}
		if len(dst) > from {
			dst = append(dst[:from], dst[from+1:]...) // the first comma
		}
		return append(dst, '}')
	}
}

// appendTyped appends a member with the name and the type of a field, unless its value stands for none.
func appendTyped(dst, record []byte, at quote.Member, one typedMember) []byte {
	value := record[at.Value:at.End]
	text := value
	if value[0] == '"' {
		text = value[1 : len(value)-1]
	}
	other := false
	switch one.kind {
	case lines.Integer, lines.Epoch:
		other = !lines.IsNumber(text, false)
	case lines.Decimal, lines.Seconds:
		other = !lines.IsNumber(text, true)
	case lines.IP:
		other = !lines.IsIP(text)
	default:
		if value[0] == '"' && (len(text) == 0 || string(text) == "-") {
			return dst
		}
		return append(appendName(dst, one.name), value...)
	}
	switch {
	case value[0] == '"' && (len(text) == 0 || string(text) == "-"):
		return dst
	case other && value[0] == '"':
		dst = append(append(append(dst, `,"`...), one.name...), `_text":`...)
		return append(dst, value...)
	case one.kind == lines.IP:
		return append(appendName(dst, one.name), value...)
	}
	return append(appendName(dst, one.name), text...)
}

func appendName(dst []byte, name string) []byte {
	return append(append(append(dst, `,"`...), name...), `":`...)
}
