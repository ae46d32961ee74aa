package pipeline

import (
	"errors"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/shape"
)

// bound returns a shaper that says of the documents of another one which way they go by a route: to which target, by
// which pipeline. It is the other one when the route says nothing of it.
func (r *Route) bound(inner penstock.Shaper) (penstock.Shaper, error) {
	b := &bound{Shaper: inner, target: r.Target, pipeline: r.Pipeline}
	switch r.Action {
	case "", ActionCreate:
	case ActionIndex:
		b.replace = true
	default:
		return nil, optionf(BadRoute, "its action is %q: want %s or %s", r.Action, ActionCreate, ActionIndex)
	}
	if r.Stream && (b.replace || r.Routing != "") {
		return nil, optionf(BadRoute, "a data stream takes neither the action index nor a routing")
	}
	if r.Routing != "" {
		var err error
		if b.routing, err = shape.ParseLine(r.Routing); err != nil {
			return nil, optionf(BadRoute, "its routing: %w", err)
		}
	}
	if b.target == "" && b.pipeline == "" && b.routing == nil && !b.replace {
		return inner, nil
	}
	return b, nil
}

type bound struct {
	penstock.Shaper
	target, pipeline string
	routing          *shape.Line
	replace          bool
}

// Entry is part of penstock.Shaper.
func (b *bound) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	inner, err := b.Shaper.Entry(o, id, entry, format)
	if err != nil {
		return nil, err
	}
	e := &boundEntry{EntryShaper: inner, bound: b}
	if b.routing != nil {
		e.line = b.routing.Of(o, id)
	}
	return e, nil
}

type boundEntry struct {
	penstock.EntryShaper
	*bound
	line *shape.Line
	buf  []byte
}

// Shape is part of penstock.EntryShaper. What a record says of itself stands before what its route says.
func (e *boundEntry) Shape(r *penstock.Record) (penstock.Document, error) {
	doc, err := e.EntryShaper.Shape(r)
	if err != nil {
		if re, ok := errors.AsType[*penstock.RecordError](err); ok {
			re.Target = e.target
			e.way(r, &re.Routing, &re.Pipeline)
		}
		return doc, err
	}
	doc.Target, doc.Replace = e.target, doc.Replace || e.replace
	e.way(r, &doc.Routing, &doc.Pipeline)
	return doc, nil
}

func (e *boundEntry) way(r *penstock.Record, routing *[]byte, pipeline *string) {
	if *pipeline == "" {
		*pipeline = e.pipeline
	}
	if e.line == nil || len(*routing) > 0 {
		return
	}
	var ok bool
	if e.buf, ok = e.line.Append(e.buf[:0], r.JSON); ok {
		*routing = e.buf
	}
}
