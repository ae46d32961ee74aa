package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
)

// explained is what explain says about an entry.
type explained struct {
	explainedObject

	Entry string `json:"entry,omitempty"`
	// StoredAs are the compressions and archives around it, the innermost first; nil when it could not be opened.
	StoredAs []string        `json:"stored_as,omitzero"`
	Route    string          `json:"route,omitempty"`
	Skipped  string          `json:"skipped,omitempty"`
	Format   string          `json:"format,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Near     []explainedNear `json:"near,omitempty"`
	*seen
	// DeadLetter is why the whole entry, or the rest of it, becomes a dead letter by reference.
	DeadLetter *explainedLetter `json:"dead_letter,omitempty"`
	Error      string           `json:"error,omitempty"`
}

type explainedObject struct {
	Object  string `json:"object"`
	Version string `json:"version,omitempty"`
	ETag    string `json:"etag,omitempty"`
	Size    *int64 `json:"size,omitempty"`
	opened  bool
}

type explainedNear struct {
	Format  string `json:"format"`
	Against string `json:"against"`
}

type explainedLetter struct {
	Reason string `json:"reason"`
	Text   string `json:"text"`
}

// seen is what is known of the records of an entry.
type seen struct {
	Records int `json:"records"`
	// Whole says that all were read.
	Whole    bool `json:"whole"`
	Unparsed int  `json:"unparsed"`
	Dropped  int  `json:"dropped"`
	// Letters are the records of which no document could be made.
	Letters     int    `json:"dead_lettered"`
	FirstLetter string `json:"first_dead_letter,omitempty"`

	Timed     int            `json:"timed"`
	From      time.Time      `json:"from,omitzero"`
	To        time.Time      `json:"to,omitzero"`
	Indexes   map[string]int `json:"indexes"`
	FirstID   string         `json:"first_id,omitempty"`
	FirstGoes string         `json:"first_goes,omitempty"`
	// Rules are those that did something.
	Rules     []penstock.RuleCount `json:"rules,omitempty"`
	Documents []explainedDocument  `json:"documents,omitempty"`

	redacts bool // a rule does
}

type explainedDocument struct {
	// Before is the record before rules changed it.
	Before   string          `json:"before,omitempty"`
	Document json.RawMessage `json:"document"`

	changed bool // by rules
}

func (s *seen) add(r *penstock.Shaped, err error, shown int) {
	if !r.Unread {
		s.Records++
		if r.Unparsed {
			s.Unparsed++
		}
		if !r.Time.IsZero() {
			s.Timed++
			if s.From.IsZero() || r.Time.Before(s.From) {
				s.From = r.Time
			}
			if r.Time.After(s.To) {
				s.To = r.Time
			}
		}
	}
	if errors.Is(err, penstock.ErrDrop) {
		s.Dropped++
		return
	}
	if err != nil {
		s.Letters++
		if s.FirstLetter == "" {
			s.FirstLetter = err.Error()
		}
		return
	}
	doc := r.Document
	s.Indexes[qualified(doc.Target, doc.Index)]++
	if s.FirstID == "" {
		s.FirstID, s.FirstGoes = string(doc.ID), wayOf(&doc)
	}
	if len(s.Documents) < shown {
		s.Documents = append(s.Documents,
			explainedDocument{Document: doc.Body(), Before: string(r.Before), changed: r.Before != nil})
	}
}

// hideBefore keeps back what records were before a rule redacted them.
func (s *seen) hideBefore() {
	if !s.redacts {
		return
	}
	for i := range s.Documents {
		s.Documents[i].Before = ""
	}
}

// explainer writes what is explained, in lines for people or as an object for each entry.
type explainer struct {
	*sink
	asJSON bool
}

func (x explainer) line(name, format string, args ...any) { line(x, name, format, args...) }

// line writes one fact.
func line(w io.Writer, name, format string, args ...any) {
	_, _ = fmt.Fprintf(w, "  %-11s %s\n", name, printable(fmt.Sprintf(format, args...)))
}

// object begins an object. Its entries have what it is in JSON.
func (x explainer) object(o *explainedObject) {
	if x.asJSON {
		return
	}
	_, _ = fmt.Fprintln(x, printable(o.Object))
	switch {
	case !o.opened:
	case o.Version != "":
		x.line("version", "%s", o.Version)
	case o.ETag != "":
		x.line("etag", "%s", o.ETag)
	default:
		x.line("version", "none: ids follow the content")
	}
	if o.Size != nil {
		x.line("size", "%s", humanBytes(*o.Size))
	}
}

func (x explainer) entry(e *explained) {
	if x.asJSON {
		if err := printJSON(x, e); err != nil && x.err == nil {
			x.err = err // of what cannot be JSON
		}
		return
	}
	if e.Entry != "" {
		x.line("entry", "%s", e.Entry)
	}
	switch {
	case len(e.StoredAs) > 0:
		x.line("stored as", "%s", strings.Join(e.StoredAs, " in "))
	case e.StoredAs != nil:
		x.line("stored as", "plain")
	}
	if e.Route != "" {
		x.line("route", "%s", e.Route)
	}
	if e.Skipped != "" {
		x.line("skipped", "%s", e.Skipped)
	}
	if e.Format != "" {
		x.line("format", "%s: %s", e.Format, e.Reason)
	}
	for _, near := range e.Near {
		x.line("near", "%s: %s", near.Format, near.Against)
	}
	if e.seen != nil {
		x.records(e.seen)
	}
	if e.DeadLetter != nil {
		x.line("dead letter", "by reference, %s: %s", e.DeadLetter.Reason, e.DeadLetter.Text)
	}
	if e.Error != "" {
		_, _ = fmt.Fprintf(x, "  cannot be read  %s\n", printable(e.Error))
	}
}

func (x explainer) records(s *seen) {
	more := ""
	if !s.Whole {
		more = " or more"
	}
	x.line("records", "%s%s", humanCount(int64(s.Records)), more)
	if s.Unparsed > 0 {
		x.line("unparsed", "%s of them, which go on as raw text with the reason", humanCount(int64(s.Unparsed)))
	}
	if s.Dropped > 0 {
		x.line("dropped", "%s of them, by a rule", humanCount(int64(s.Dropped)))
	}
	if s.Letters > 0 {
		x.line("dead letter", "%s, the first: %s", humanCount(int64(s.Letters)), s.FirstLetter)
	}
	if s.Timed > 0 {
		x.line("times", "%s to %s, in %s of the records", s.From.Format(time.RFC3339), s.To.Format(time.RFC3339),
			humanCount(int64(s.Timed)))
	} else if s.Records > 0 {
		x.line("times", "none in the records: the name's or the object's date is taken")
	}
	names := slices.Sorted(maps.Keys(s.Indexes))
	const most = 10
	for i, name := range names {
		if i == most {
			x.line("index", "… and %d more", len(names)-most)
			break
		}
		x.line("index", "%s: %s", name, plural(int64(s.Indexes[name]), "document"))
	}
	if s.FirstID != "" {
		x.line("first id", "%s", s.FirstID)
	}
	if s.FirstGoes != "" {
		x.line("first goes", "%s", s.FirstGoes)
	}
	for i := range s.Rules {
		x.line("rule", "%s", fired(&s.Rules[i]))
	}
	for i := range s.Documents {
		d := &s.Documents[i]
		switch {
		case d.changed && s.redacts:
			x.line("before", "not shown: rules redact these records")
		case d.changed:
			x.line("before", "%s", d.Before)
		}
		x.line("document", "%s", d.Document)
	}
}

// fired says what a rule did.
func fired(c *penstock.RuleCount) string {
	text := fmt.Sprintf("%s (%s): %s", c.Rule, c.Verb, plural(c.Records, "record"))
	if c.Dropped > 0 {
		text += fmt.Sprintf(", %s left out", humanCount(c.Dropped))
	}
	if c.Failed > 0 {
		text += fmt.Sprintf(", failed on %s", humanCount(c.Failed))
	}
	if c.Shadow {
		text += ", as a shadow: it did nothing"
	}
	return text
}

// wayOf says how a document goes into its index, where a route says something of it.
func wayOf(d *penstock.Document) string {
	var parts []string
	if d.Target != "" {
		parts = append(parts, "to the target "+d.Target)
	}
	if d.Pipeline != "" {
		parts = append(parts, "through the pipeline "+d.Pipeline)
	}
	if len(d.Routing) > 0 {
		parts = append(parts, fmt.Sprintf("by the routing %q", d.Routing))
	}
	if d.Replace {
		parts = append(parts, "in the place of what has its id")
	}
	return strings.Join(parts, ", ")
}
