package deadletter

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
)

// line is a letter as it is stored: one JSON object a line. Bytes that are text are stored as text, so that people and
// their tools can read them; others in base64. Files of such lines are recognised by their first members, in this order
// (see [format.Detector]), so that no letter is ever shipped as a record.
type line struct {
	ID             string         `json:"id"`
	Time           time.Time      `json:"time"`
	Reason         string         `json:"reason,omitempty"`
	Type           string         `json:"type,omitempty"`
	Detail         string         `json:"detail,omitempty"`
	Status         int            `json:"status,omitempty"`
	Source         penstock.Place `json:"source"`
	Domain         string         `json:"domain,omitempty"`
	Index          *string        `json:"index,omitempty"`
	Routing        string         `json:"routing,omitempty"`
	Pipeline       string         `json:"pipeline,omitempty"`
	Document       *string        `json:"document,omitempty"`
	DocumentBase64 *string        `json:"document_base64,omitempty"`
	Raw            *string        `json:"raw,omitempty"`
	RawBase64      *string        `json:"raw_base64,omitempty"`
	RawGone        bool           `json:"raw_gone,omitempty"`
	Rules          []string       `json:"rules,omitempty"`
	Until          *time.Time     `json:"until,omitempty"`
	// Replayed makes the line a mark: the letter of this domain, index and id, as written at Until or before, is dealt
	// with. Marks of earlier versions have the id alone: they mean letters without a domain, of any index, that stand
	// before them.
	Replayed bool `json:"replayed,omitempty"`
}

// mark is the stored form of a line that takes letters out.
type mark struct {
	ID       string     `json:"id"`
	Time     time.Time  `json:"time"`
	Domain   string     `json:"domain,omitempty"`
	Index    *string    `json:"index,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
	Replayed bool       `json:"replayed"`
}

// Key says which letter is which: two failures of one record on their way to two indexes, or two domains, are two
// letters.
type Key struct{ Domain, Index, ID string }

// KeyOf returns the key of a letter.
func KeyOf(l penstock.Letter) Key { return Key{l.Domain, l.Index, l.ID} }

// Mark takes a letter out of a store, as it was written at Until or before. One that is written again later stays.
type Mark struct {
	Key
	Until time.Time
}

// MarkOf returns the mark that takes out a letter.
func MarkOf(l penstock.Letter) Mark { return Mark{KeyOf(l), l.Time} }

// takes reports whether the mark means a letter that stands before it.
func (m Mark) takes(l penstock.Letter) bool { return m.Key == KeyOf(l) && !l.Time.After(m.Until) }

// MaxLine bounds a stored line, its line feed left out: what is longer could be written but not read back.
const MaxLine = 300 << 20

// Append appends the stored form of a letter, with its line feed. A letter that is over MaxLine is stored without the
// record, which its document was made of, and if need be without the document too: it is by reference then.
func Append(b []byte, l penstock.Letter) ([]byte, error) { return appendWithin(b, l, MaxLine) }

func appendWithin(b []byte, l penstock.Letter, longest int) ([]byte, error) {
	for {
		out, err := appendLetter(b, l)
		switch {
		case err != nil || len(out)-len(b)-1 <= longest:
			return out, err
		case l.Document != nil && l.Raw != nil:
			l.Raw = nil
		case l.Document != nil || l.Raw != nil:
			l.Document, l.Raw = nil, nil
		default:
			return b, fmt.Errorf("encode letter %s: longer than %d bytes", l.ID, longest)
		}
	}
}

func appendLetter(b []byte, l penstock.Letter) ([]byte, error) {
	rec := line{
		ID: l.ID, Time: l.Time, Reason: l.Reason, Type: text(l.Type), Detail: text(l.Detail), Status: l.Status,
		Source: l.Source, Domain: l.Domain, Routing: text(l.Routing), Pipeline: l.Pipeline, Rules: l.Rules,
		RawGone: l.Gone,
	}
	if l.Index != "" {
		rec.Index = &l.Index
	}
	rec.Document, rec.DocumentBase64 = split(l.Document)
	rec.Raw, rec.RawBase64 = split(l.Raw)
	return appendLine(b, l.ID, rec)
}

func appendMark(b []byte, m Mark) ([]byte, error) {
	return appendLine(b, m.ID, mark{
		ID: m.ID, Time: time.Now().UTC(), Domain: m.Domain, Index: &m.Index, Until: &m.Until, Replayed: true,
	})
}

func appendLine(b []byte, id string, rec any) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	e := json.NewEncoder(buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(rec); err != nil {
		return b, fmt.Errorf("encode letter %s: %w", id, err)
	}
	return buf.Bytes(), nil
}

func text(s string) string { return string(bytes.ToValidUTF8([]byte(s), []byte("\ufffd"))) }

func split(data []byte) (plain, encoded *string) {
	switch {
	case data == nil:
		return nil, nil
	case utf8.Valid(data):
		s := string(data)
		return &s, nil
	}
	s := base64.StdEncoding.EncodeToString(data)
	return nil, &s
}

func join(plain, encoded *string) ([]byte, error) {
	switch {
	case plain != nil:
		return []byte(*plain), nil
	case encoded != nil:
		return base64.StdEncoding.DecodeString(*encoded)
	}
	return nil, nil
}

// Parse reads one stored line. replayed says that it marks earlier letters as dealt with.
func Parse(data []byte) (l penstock.Letter, replayed bool, err error) {
	p, err := parse(data)
	return p.letter, p.mark != nil || p.old, err
}

// parsed is one stored line: a letter, a mark, or a mark of an earlier version, which has the letter's id alone.
type parsed struct {
	letter penstock.Letter
	mark   *Mark
	old    bool
}

func parse(data []byte) (parsed, error) {
	var rec line
	if err := json.Unmarshal(data, &rec); err != nil {
		return parsed{}, fmt.Errorf("not a dead letter: %w", err)
	}
	if rec.ID == "" {
		return parsed{}, errors.New("not a dead letter: no id")
	}
	l := penstock.Letter{
		ID: rec.ID, Time: rec.Time, Reason: rec.Reason, Type: rec.Type, Detail: rec.Detail, Status: rec.Status,
		Source: rec.Source, Domain: rec.Domain, Routing: rec.Routing, Pipeline: rec.Pipeline,
		Rules: rec.Rules, Gone: rec.RawGone,
	}
	if rec.Index != nil {
		l.Index = *rec.Index
	}
	if rec.Replayed {
		if rec.Until == nil {
			return parsed{letter: l, old: true}, nil
		}
		return parsed{letter: l, mark: &Mark{KeyOf(l), *rec.Until}}, nil
	}
	var err error
	if l.Document, err = join(rec.Document, rec.DocumentBase64); err != nil {
		return parsed{}, fmt.Errorf("dead letter %s: document: %w", rec.ID, err)
	}
	if l.Raw, err = join(rec.Raw, rec.RawBase64); err != nil {
		return parsed{}, fmt.Errorf("dead letter %s: raw: %w", rec.ID, err)
	}
	return parsed{letter: l}, nil
}
