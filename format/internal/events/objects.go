package events

import (
	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
)

// Objects reads JSON objects that stand between lines of another kind.
type Objects struct{ *jsonReader }

// NewObjects returns the reader of an entry's objects.
func NewObjects(r *entry.Reader) Objects { return Objects{newReader(r, generic())} }

// Record returns the record of a line that is a JSON object and nothing else. It is for the next call to Emit.
func (o Objects) Record(line []byte, offset int64) (rec penstock.Record, ok bool) {
	if len(line) < 2 || len(line) > entry.MaxEventBytes || line[0] != '{' || line[len(line)-1] != '}' {
		return rec, false
	}
	o.spare = append(append(o.spare[:0], line...), make([]byte, entry.Pad)...)
	end, v := o.scan(o.spare, len(line))
	if v != complete || end != len(line) {
		return rec, false
	}
	rec = o.record(o.spare, end, offset)
	rec.Raw = line
	return rec, true
}
