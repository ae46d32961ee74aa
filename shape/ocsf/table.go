package ocsf

import (
	"strings"
)

// source is the mapping of a format. A table has a line for each attribute:
//
//	ATTRIBUTE = FIELD [| FIELD…] [: KIND] [? CONDITION…]
//
// The first field that has a value of the kind is taken; a constant is JSON. With [] in both, an object is made of each
// element of an array; in a field alone, a list; [0] leads into the first element. FIELD>NAME leads into JSON that is
// kept as text. A condition is FIELD=VALUE, FIELD for one that is there, or !FIELD for one that is not.
type source struct {
	format string
	// within is the object in which EventBridge has a record, empty for none.
	within string
	// all are lines for every event.
	all     string
	classes []class
	enums   map[string]enum
	// choose tells the class of a record by its number in classes, counted from 1; 0 is none of them.
	choose func(w *writer) int
	// keys are the fields that choose and the enums ask for.
	keys string
}

// class is a class of events.
type class struct {
	name     string
	uid      int
	category string // its name
	// activity is what the activity is made of, as on the right side of a line.
	activity string
	table    string
	// must are objects that are there in any case.
	must string
}

// enum is how an attribute called NAME_id is numbered, beside which NAME has the caption.
type enum struct {
	captions map[int]string
	// number returns the number for the text of a field, and other for one that has none.
	number func(w *writer, text []byte) int
	// without is the number without a field; absent leaves the attribute out.
	without int
	// exact says that the caption, or the text where there is none, says all that the field does.
	exact bool
	// verbatim has the text of the field in the place of the caption.
	verbatim bool
}

const (
	other  = 99 // by the schema, for every attribute
	absent = -1
)

// numbered returns the numbers of texts, in whatever case they are.
func numbered(texts map[string]int) func(*writer, []byte) int {
	return func(_ *writer, text []byte) int {
		var buf [32]byte
		if len(text) > len(buf) {
			return other
		}
		upper := buf[:copy(buf[:], text)]
		for i, c := range upper {
			if c >= 'a' && c <= 'z' {
				upper[i] = c - ('a' - 'A')
			}
		}
		if n, ok := texts[string(upper)]; ok {
			return n
		}
		return other
	}
}

// always returns the same number.
func always(n int) func(*writer, []byte) int { return func(*writer, []byte) int { return n } }

// baseEvent is the class of what is no event of its format, such as a line that does not fit.
func baseEvent() class {
	return class{name: "Base Event", category: "Uncategorized", activity: ": base", table: "message = message : words"}
}

// line is a line of a table.
type line struct {
	target, constant string
	fields           []string
	kind             string
	conditions       []condition
	// text is how the fields are written, for people.
	text, when string
}

type condition struct {
	field, value string
	missing      bool
}

// parse returns the lines of tables.
func parse(tables ...string) []line {
	var all []line
	for _, table := range tables {
		for one := range strings.Lines(table) {
			if one = strings.TrimSpace(one); one != "" {
				all = append(all, parseLine(one))
			}
		}
	}
	return all
}

func parseLine(text string) line {
	target, from, _ := strings.Cut(text, "=")
	l := line{target: strings.TrimSpace(target)}
	from = strings.TrimSpace(from)
	if from != "" && strings.IndexByte(`"[0123456789`, from[0]) >= 0 {
		l.constant, l.text, l.kind = from, from, "text"
		return l
	}
	from, when, _ := strings.Cut(from, " ? ")
	l.when = strings.TrimSpace(when)
	for one := range strings.FieldsSeq(when) {
		field, value, _ := strings.Cut(one, "=")
		field, missing := strings.CutPrefix(field, "!")
		l.conditions = append(l.conditions, condition{field, value, missing})
	}
	l.kind = "text"
	if at := strings.LastIndex(from, ": "); at >= 0 {
		from, l.kind = from[:at], strings.TrimSpace(from[at+2:])
	}
	l.text = strings.TrimSpace(from)
	for one := range strings.SplitSeq(l.text, "|") {
		if one = strings.TrimSpace(one); one != "" {
			l.fields = append(l.fields, one)
		}
	}
	return l
}
