package format

import (
	"bytes"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// messages reads texts that stand in the records of an entry, or between them: each as the format that it fits.
type messages struct {
	of     *Detector // that the entries are read with
	stored time.Time

	in      entry.Reader
	bytes   bytes.Reader
	collect entry.Yield // the method, made once
	read    func(text []byte) (penstock.Record, bool)
	stray   func(text []byte, prose bool) (penstock.Record, bool)
	count   int
	rec     penstock.Record
}

// within returns the detector for what stands in records, which is without carriers.
func (d *Detector) within() *Detector {
	d.prepare.Do(func() {
		if len(d.own) == 0 && d.timed == "" && d.zone == nil && len(d.zones) == 0 {
			d.inside = builtIn()
			return
		}
		d.inside = inner(d.own, d.timed)
		d.inside.zone, d.inside.zones = d.zone, d.zones
	})
	return d.inside
}

// builtIn is the detector within all that have no settings of their own. It is made when it is first needed.
var builtIn = sync.OnceValue(func() *Detector { return inner(nil, "") })

// inner makes a detector without carriers.
func inner(own []Definition, timed string) *Detector {
	all, _ := tableWith(own) // it was made before
	var formats []schema
	for _, f := range all {
		if f.grammar = plain(f.grammar); f.grammar != nil {
			formats = append(formats, f)
		}
	}
	d, _ := newDetector(Config{TimeField: timed}, formats) // these are no settings that could be wrong
	return d
}

// lookInto has the texts in an entry read. What is between the records of a format is looked at when nobody has said
// that all is of one.
func (d *Detector) lookInto(r *entry.Reader) {
	m := entry.State(r, messagesKey{}, func() *messages {
		m := &messages{of: d}
		m.read, m.stray, m.collect = m.message, m.line, m.found
		return m
	})
	m.stored = r.Stored
	r.Message, r.Stray = m.read, nil
	if d.index != nil {
		r.Stray = m.stray
	}
}

// messagesKey is the key under which messages are kept with an entry's buffers.
type messagesKey struct{}

// message reads a text when it is one record of a format.
func (m *messages) message(text []byte) (penstock.Record, bool) {
	_, rec, ok := m.look(text)
	return rec, ok
}

// line reads what stands between the records of an entry, when it is one record of another format. With prose it may
// be any text; without, it may be damaged, and only a format that nothing else looks like is believed.
func (m *messages) line(text []byte, prose bool) (penstock.Record, bool) {
	f, rec, ok := m.look(text)
	if !ok || rec.Offset > 0 || len(rec.Raw) < len(bytes.TrimRight(text, " \t\r\n")) {
		return rec, false
	}
	_, pairs := f.grammar.(*lines.Pairs)
	return rec, prose || !f.generic && !pairs || text[0] == '{'
}

func (m *messages) look(text []byte) (f *schema, rec penstock.Record, ok bool) {
	if len(text) == 0 {
		return nil, rec, false
	}
	inside := m.of.within()
	m.bytes.Reset(text)
	m.in.Stored, m.in.Zone = m.stored, inside.zone
	m.in.Begin(&m.bytes, max(len(text), entry.SampleBytes))
	f = inside.choose(&m.in)
	if zone, ok := inside.zones[f.name]; ok {
		m.in.Zone = zone
	}
	m.count, m.rec = 0, penstock.Record{}
	f.grammar.Read(&m.in, m.collect)
	if !m.in.Release() {
		m.in = entry.Reader{}
	}
	return f, m.rec, m.count == 1 && !m.rec.Unparsed
}

// found takes what a text holds. One record is what it should be.
func (m *messages) found(rec penstock.Record, err error) bool {
	m.count++
	if err != nil || m.count > 1 {
		m.count = 2
		return false
	}
	m.rec = rec
	return true
}
