package rules

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules/expr"
)

// Split makes a record of each element of a list, with everything else that the record has. A record without the list,
// or with an empty one, stays as it is; one whose field is no list fails.
type Split struct {
	// Field is the list.
	Field string
	// Into is the field of the element, the same one when it is empty.
	Into string
}

// What one record may become at most, through all of its splits.
const (
	MaxParts     = 10_000
	MaxPartBytes = 64 << 20
	// maxSplits is how often a part may be split again.
	maxSplits = 8
)

// Word is part of Verb.
func (Split) Word() string { return "split" }

// Compile is part of Verb.
func (v Split) Compile(env *Env) (Action, error) {
	from, err := NewTarget(v.Field)
	if err != nil {
		return nil, &PartError{"field", err}
	}
	if err := env.Field(v.Field); err != nil {
		return nil, &PartError{"field", err}
	}
	a := &splitting{from: from.path, into: from}
	if v.Into == "" || v.Into == v.Field {
		env.Knows(v.Field, expr.Unknown)
		return a, nil
	}
	if a.into, err = NewTarget(v.Into); err != nil {
		return nil, &PartError{"into", err}
	}
	env.Knows(v.Into, expr.Unknown)
	return a, nil
}

type splitting struct {
	from *expr.Path
	into *Target
}

// parted is how a rule splits a record: what is left has null where the element goes.
type parted struct {
	list []byte // behind its bracket
	into *Target
}

// partRoom is what the splits of a record have taken of what it may become.
type partRoom struct{ parts, bytes, splits int }

var null = []byte("null")

// Apply is part of Action.
func (a *splitting) Apply(r *Record) (Verdict, error) {
	list, at := r.locate(a.from)
	if at < 0 || string(list) == "null" {
		return Nothing, nil
	}
	if list[0] != '[' {
		return Nothing, fmt.Errorf("%q is no list", a.from)
	}
	n := elements(list)
	if n == 0 {
		return Nothing, nil
	}
	size := n*(len(r.JSON())-len(list)) + len(list)
	switch {
	case r.room.splits == maxSplits:
		return Nothing, fmt.Errorf("it is split %d times already", maxSplits)
	case n > MaxParts-r.room.parts:
		return Nothing, fmt.Errorf("it would become more than %d records", MaxParts)
	case size > MaxPartBytes-r.room.bytes:
		return Nothing, fmt.Errorf("it would become more than %d MiB", MaxPartBytes>>20)
	}
	if a.into.path == a.from {
		r.splice(at, list, null)
	} else {
		if _, taken := r.locate(a.into.path); taken >= 0 {
			return Nothing, fmt.Errorf("there is a field %q already", a.into.path)
		}
		r.cut(at, list)
		if err := r.Set(a.into, null); err != nil {
			return Nothing, err
		}
	}
	r.parted = parted{list: list[1:], into: a.into}
	r.room.parts, r.room.bytes = r.room.parts+n, r.room.bytes+size
	return Parted, nil
}

// elements counts those of a list.
func elements(list []byte) int {
	n := 0
	for i := quote.Space(list, 1); i < len(list) && list[i] != ']'; n++ {
		end, ok := quote.ValueEnd(list, i)
		if !ok {
			return 0
		}
		if i = quote.Space(list, end); i < len(list) && list[i] == ',' {
			i = quote.Space(list, i+1)
		}
	}
	return n
}

// parts are the lists of the record in hand that are being split: each but the first is in a part of the one before.
type parts struct {
	open []*partList
	free []*partList
	path []byte
}

// partList is a list of which parts are made, and how the record was when it was split.
type partList struct {
	parted
	rest []byte // the record without the list
	next int    // the place of the next element
	rule int    // the rule that splits

	path, arena, failed int
	texts, detectors    int
	found               redact.Set
	redactionFailed     bool
	goes                goes
	kept                bool
	splits              int
}

func (p *parts) reset() {
	p.free, p.open = append(p.free, p.open...), p.open[:0]
}

// more reports whether a part is to come, and lets go of the lists that are at their end.
func (p *parts) more() bool {
	for len(p.open) > 0 {
		last := p.open[len(p.open)-1]
		if i := quote.Space(last.list, 0); i < len(last.list) && last.list[i] != ']' {
			return true
		}
		p.open, p.free = p.open[:len(p.open)-1], append(p.free, last)
	}
	return false
}

// split begins to split the record in hand, as the rule of a number has noted.
func (e *Entry) split(r *penstock.Record, rule int) {
	rec, p := &e.record, &e.parts
	if r.Part == nil {
		e.pass(r)
	}
	var l *partList
	if n := len(p.free); n > 0 {
		l, p.free = p.free[n-1], p.free[:n-1]
	} else {
		l = new(partList)
	}
	if cap(l.rest) > keptArena {
		l.rest = nil
	}
	*l = partList{
		parted: rec.parted, rest: append(l.rest[:0], rec.JSON()...), rule: rule,
		path: len(r.Part), arena: len(rec.arena), failed: len(e.failed),
		texts: len(rec.secrets.texts), detectors: len(rec.secrets.detectors), found: rec.secrets.found,
		redactionFailed: rec.secrets.failed, goes: rec.goes, kept: rec.kept, splits: rec.room.splits + 1,
	}
	p.open = append(p.open, l)
}

// nextPart takes the next part in hand and returns the number of the rule to go on with.
func (e *Entry) nextPart(r *penstock.Record) int {
	rec, p := &e.record, &e.parts
	l := p.open[len(p.open)-1]
	i := quote.Space(l.list, 0)
	end, _ := quote.ValueEnd(l.list, i) // the list was counted
	element := l.list[i:end]
	if l.list = l.list[quote.Space(l.list, end):]; l.list[0] == ',' {
		l.list = l.list[1:]
	}
	r.JSON, r.Before, r.Redacted = r.AsRead(), nil, nil
	p.path = p.path[:l.path]
	if l.path > 0 {
		p.path = append(p.path, '.')
	}
	p.path = strconv.AppendInt(p.path, int64(l.next), 10)
	r.Part = p.path
	l.next++

	rec.source, rec.members, rec.arena, rec.parsed = l.rest, rec.members[:0], rec.arena[:l.arena], false
	rec.escapes, rec.touched = unknown, true
	rec.goes, rec.kept, rec.room.splits = l.goes, l.kept, l.splits
	rec.secrets.texts, rec.secrets.detectors = rec.secrets.texts[:l.texts], rec.secrets.detectors[:l.detectors]
	rec.secrets.found, rec.secrets.failed = l.found, l.redactionFailed
	e.failed = e.failed[:l.failed]
	rec.text, rec.length = element, len(element)
	if element[0] == '"' {
		rec.text = element[1 : len(element)-1]
		if bytes.IndexByte(rec.text, '\\') >= 0 {
			rec.text = rec.Made(quote.AppendUnquoted(rec.Room(), rec.text))
		}
	}
	rec.begin()
	_ = rec.Set(l.into, element) // there is null
	if e.ids != nil {
		rec.id = e.ids(r)
	}
	return l.rule + 1
}
