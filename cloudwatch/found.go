package cloudwatch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/jsjson"
)

// found is what a log event gives a document beside the six fields that all have.
type found struct {
	fields jsjson.Value
	// format is what the message was recognised as, empty for the rules of compat.
	format string
	// suffix tells the documents of one event apart.
	suffix string
}

// fields returns what is found in a log event: one set of fields, or one for each record in its message.
func (l *Logs) fields(o *penstock.Object, id penstock.Identity, event *jsjson.Value, recognise bool) []found {
	message := text(event.Get("message"))
	if recognise {
		if all := l.parsed(o, id, message); len(all) > 0 {
			return all
		}
	}
	if named := event.Get("extractedFields"); named != nil && named.Kind == jsjson.Object {
		return []found{{fields: l.fromFields(named)}}
	}
	return []found{{fields: l.fromMessage(message)}}
}

// parsed reads a message as a file of its own. It returns nothing when its format is not known, says nothing beyond
// what the rules of compat find, or does not fit the whole message. A message that says what @message says is left out.
func (l *Logs) parsed(o *penstock.Object, id penstock.Identity, message string) []found {
	inner := penstock.Object{Name: o.Name, Size: int64(len(message)), Attr: o.Attr}
	rec, err := l.Recognizer.Recognize(&inner, id, penstock.Entry{Reader: strings.NewReader(message)})
	if err != nil || rec.Skip != "" || rec.Generic {
		return nil
	}
	var all []found
	for r, err := range rec.Records {
		if err != nil || r.Unparsed {
			return nil
		}
		fields, err := jsjson.Parse(string(r.JSON))
		if err != nil || fields.Kind != jsjson.Object {
			return nil
		}
		if len(all) > 0 && text(fields.Get("type")) == "XRAY" && rec.Format == "lambda" {
			join(&all[len(all)-1].fields, &fields) // the second line of an event of type REPORT
			continue
		}
		if saysAgain(message, text(fields.Get("message"))) {
			fields.Members = slices.DeleteFunc(fields.Members, func(m jsjson.Member) bool { return m.Name == "message" })
		}
		all = append(all, found{fields: fields, format: rec.Format})
	}
	if len(all) > 1 {
		for n := range all {
			all[n].suffix = fmt.Sprint("-", n)
		}
	}
	return all
}

// saysAgain reports whether a part of a message is all of it, or all of its first lines.
func saysAgain(message, part string) bool {
	rest, ok := strings.CutPrefix(strings.TrimSpace(message), strings.TrimSpace(part))
	rest = strings.TrimLeft(rest, " \t\r")
	return ok && (rest == "" || rest[0] == '\n')
}

// join gives a document the members of another one that it does not have.
func join(doc, other *jsjson.Value) {
	for _, m := range other.Members {
		if doc.Get(m.Name) == nil {
			doc.Set(m.Name, m.Value)
		}
	}
}
