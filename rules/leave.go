package rules

import (
	"bytes"
	"errors"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/redact"
)

// secrets is what redactions have taken out of a record, for everything else that tells of it.
type secrets struct {
	texts     []redact.Replacement // of fields
	detectors []*detecting         // that have run
	found     redact.Set           // by detectors
	failed    bool                 // a redaction failed
	json      []byte
	raw       [2][]byte
}

func (s *secrets) reset() {
	s.texts, s.detectors, s.found, s.failed = s.texts[:0], s.detectors[:0], redact.Set{}, false
	if cap(s.json) > keptArena {
		s.json = nil
	}
	for i := range s.raw {
		if cap(s.raw[i]) > keptArena {
			s.raw[i] = nil
		}
	}
}

// any reports whether there may be something to take out.
func (s *secrets) any() bool { return len(s.texts) > 0 || len(s.detectors) > 0 || s.failed }

// keepFrom notes the texts in a value that must not leave, and what stands in their place. Instead is that of a string,
// as JSON, when it is known.
func (r *Record) keepFrom(value, instead []byte, with redact.With) {
	switch value[0] {
	case '{':
		eachMember(value, func(_, inside []byte) bool {
			r.keepFrom(inside, nil, with)
			return true
		})
		return
	case '[':
		for i := quote.Space(value, 1); i < len(value)-1; {
			end, ok := quote.ValueEnd(value, i)
			if !ok {
				return
			}
			r.keepFrom(value[i:end], nil, with)
			if i = quote.Space(value, end); i < len(value) && value[i] == ',' {
				i = quote.Space(value, i+1)
			}
		}
		return
	case 't', 'f', 'n':
		return // says nothing elsewhere
	}
	text := value
	if value[0] == '"' {
		if text = value[1 : len(value)-1]; bytes.IndexByte(text, '\\') >= 0 {
			text = r.Made(quote.AppendUnquoted(r.Room(), text))
		}
	}
	if !hasWord(text) {
		return // a dash, or nothing at all
	}
	if value[0] == '"' && len(instead) > 1 {
		instead = instead[1 : len(instead)-1]
	} else {
		instead = r.Made(with.AppendText(r.Room(), text))
	}
	r.secrets.texts = append(r.secrets.texts, redact.Replacement{Old: text, New: instead})
}

// hasWord reports whether a text has a letter or a digit.
func hasWord(text []byte) bool {
	for _, c := range text {
		if c-'0' < 10 || (c|0x20)-'a' < 26 || c >= 0x80 {
			return true
		}
	}
	return false
}

// leave takes what was redacted out of everything else that tells of a record before it leaves: other fields, and the
// record as it was read. Texts of which a part is not found there may stand there in another notation: nothing of the
// record as it was read leaves then.
func (e *Entry) leave(r *penstock.Record) {
	s := &e.record.secrets
	if s.failed || r.Unparsed && e.chain.redactsFields {
		keepBack(r)
		return
	}
	if len(s.texts) > 0 {
		var hits int
		if s.json, hits = redact.AppendJSONWithout(s.json[:0], r.JSON, s.texts); hits > 0 {
			if r.Before == nil {
				r.Before = r.JSON
			}
			r.JSON = s.json
		}
	}
	raw := r.Raw
	if r.Part != nil {
		raw = e.record.text
	}
	text, whole := s.without(raw)
	if !whole {
		text = text[:0]
	}
	r.Redacted = text
}

// without returns a text without what was redacted, valid until the next call. It reports whether all texts were there.
func (s *secrets) without(text []byte) (out []byte, whole bool) {
	out, whole = redact.AppendWithout(s.raw[0][:0], text, s.texts)
	s.raw[0] = out
	for _, d := range s.detectors {
		s.raw[1], _ = d.Append(s.raw[1][:0], out, d.with)
		s.raw[0], s.raw[1] = s.raw[1], s.raw[0]
		out = s.raw[0]
	}
	return out, whole
}

// without returns what is told of a record without what was redacted.
func (s *secrets) told(text string) string {
	out, _ := s.without([]byte(text))
	return string(out)
}

// notTold is a record that is not told, as it is not known where the fields are that a rule redacts.
const notTold = "the record cannot be read, and a rule redacts fields of it: see where it is from"

// keepBack leaves nothing of a record but where it is.
func keepBack(r *penstock.Record) {
	if r.Before == nil {
		r.Before = r.JSON
	}
	r.JSON, r.Redacted, r.Top = []byte(`{"parse_error":"`+notTold+`"}`), []byte{}, 0
}

var _ penstock.Redactor = (*Entry)(nil)

// Redact is part of penstock.Redactor.
func (e *Entry) Redact(err *penstock.RecordError) {
	s := &e.record.secrets
	s.reset()
	s.detectors = append(s.detectors, e.chain.detectors...)
	err.Rules = e.chain.redactions
	switch {
	case e.chain.redactsFields:
		err.Raw, err.Document, err.Err = nil, nil, errors.New(notTold)
	case len(s.detectors) > 0:
		err.Err = toldAs(err.Err, s)
		if err.Raw != nil {
			raw, _ := s.without(err.Raw)
			err.Raw = bytes.Clone(raw)
		}
		if err.Document != nil {
			doc, _ := s.without(err.Document)
			err.Document = bytes.Clone(doc)
		}
	}
}

// toldAs is an error without what was redacted.
func toldAs(err error, s *secrets) error {
	told := err.Error()
	if text := s.told(told); text != told {
		return errors.New(text)
	}
	return err
}

// RulesRun is part of penstock.Redactor.
func (e *Entry) RulesRun() []string { return e.chain.names }
