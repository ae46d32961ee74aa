package penstock

import (
	"errors"
	"iter"
)

// Reading is an entry that was recognised, and whose records become documents one after the other. It is for one
// goroutine.
type Reading struct {
	Recognized
	// Identity is what the ids of its documents are made of.
	Identity Identity
	// Next is where the bytes behind the last record begin, as far as is known.
	Next int64

	shaper  EntryShaper
	redacts Redactor // in shaper; nil when there is none
	shaping bool     // a document is being made
}

// Read recognises an entry and prepares the shaping of its records. Without records there is a reason to Skip it. With
// an error the Reading is nil when the entry was not recognised, and says what it was recognised as when the shaper
// failed.
func (p *Pipeline) Read(o *Object, id Identity, e Entry) (*Reading, error) {
	rec, err := p.Recognizer.Recognize(o, id, e)
	if err != nil {
		return nil, err
	}
	r := &Reading{Recognized: rec, Identity: id}
	if rec.Skip != "" {
		return r, nil
	}
	if rec.Undated {
		r.Identity.File.Stem = ""
	}
	shaper := p.Shaper
	if rec.Shaper != nil {
		shaper = rec.Shaper
	}
	r.shaper, err = shaper.Entry(o, r.Identity, e.Name, rec.Format)
	r.redacts = redactorOf(r.shaper)
	return r, err
}

// Routes says what became of the records so far, by route and rule; nil where nobody counts.
func (r *Reading) Routes() []RouteCount {
	if c, ok := r.shaper.(RouteCounter); ok {
		return c.RouteCounts()
	}
	return nil
}

// Shaped is a record with its document. Both are valid until the next one is asked for.
type Shaped struct {
	Record
	Document Document
	// Unread says that there is no record: nothing but Offset and Content is known, and the error says why.
	Unread bool
	// Behind says that another part of the same record came before.
	Behind bool
}

// Documents yields the records from an offset on; of those that rules have split, each part. Where a record has no
// document, the error says why: ErrDrop, a *RecordError that concerns this record alone, or what the shaper failed
// with. Without a Shaped the error is why the entry ends here.
func (r *Reading) Documents(from int64) iter.Seq2[*Shaped, error] {
	return func(yield func(*Shaped, error) bool) {
		var s Shaped // outside of the loop, where it would be allocated anew for every record
		for record, err := range r.Records {
			var re *RecordError
			unread := false
			if err != nil {
				if re, unread = errors.AsType[*RecordError](err); !unread {
					yield(nil, err)
					return
				}
				record = Record{Offset: re.Offset, Content: re.Content}
				s.Document = Document{}
			}
			s.Record, s.Unread, s.Behind = record, unread, false
			if s.Offset < from {
				r.Next = s.Offset
				continue
			}
			if unread {
				r.Next = re.Offset + r.span(re.Length)
				if r.redacts != nil {
					r.redacts.Redact(re)
				}
			} else {
				r.Next = s.Offset + r.span(int64(len(s.Raw)))
				r.shaping = true
				s.Document, err = r.shaper.Shape(&s.Record)
				r.shaping = false
			}
			if !yield(&s, err) {
				return
			}
			for s.More {
				s.Behind, r.shaping = true, true
				s.Document, err = r.shaper.Shape(&s.Record)
				r.shaping = false
				if !yield(&s, err) {
					return
				}
			}
		}
	}
}

// span is how many positions a record takes of so many bytes.
func (r *Reading) span(length int64) int64 {
	if r.Rows {
		return 1
	}
	return length
}
