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
// their tools can read them; others in base64.
type line struct {
	ID             string         `json:"id"`
	Time           time.Time      `json:"time"`
	Reason         string         `json:"reason,omitempty"`
	Type           string         `json:"type,omitempty"`
	Detail         string         `json:"detail,omitempty"`
	Status         int            `json:"status,omitempty"`
	Source         penstock.Place `json:"source"`
	Index          string         `json:"index,omitempty"`
	Document       *string        `json:"document,omitempty"`
	DocumentBase64 *string        `json:"document_base64,omitempty"`
	Raw            *string        `json:"raw,omitempty"`
	RawBase64      *string        `json:"raw_base64,omitempty"`
	// Replayed marks the letter with this ID as dealt with; nothing else is set then.
	Replayed bool `json:"replayed,omitempty"`
}

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
		ID: l.ID, Time: l.Time, Reason: l.Reason, Type: text(l.Type), Detail: text(l.Detail), Status: l.Status, Source: l.Source, Index: l.Index,
	}
	rec.Document, rec.DocumentBase64 = split(l.Document)
	rec.Raw, rec.RawBase64 = split(l.Raw)
	return appendLine(b, rec)
}

func appendLine(b []byte, rec line) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	e := json.NewEncoder(buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(rec); err != nil {
		return b, fmt.Errorf("encode letter %s: %w", rec.ID, err)
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

// Parse reads one stored line. replayed says that it marks an earlier letter as dealt with.
func Parse(data []byte) (l penstock.Letter, replayed bool, err error) {
	var rec line
	if err := json.Unmarshal(data, &rec); err != nil {
		return l, false, fmt.Errorf("not a dead letter: %w", err)
	}
	if rec.ID == "" {
		return l, false, errors.New("not a dead letter: no id")
	}
	l = penstock.Letter{
		ID: rec.ID, Time: rec.Time, Reason: rec.Reason, Type: rec.Type, Detail: rec.Detail, Status: rec.Status, Source: rec.Source, Index: rec.Index,
	}
	if l.Document, err = join(rec.Document, rec.DocumentBase64); err != nil {
		return l, false, fmt.Errorf("dead letter %s: document: %w", rec.ID, err)
	}
	if l.Raw, err = join(rec.Raw, rec.RawBase64); err != nil {
		return l, false, fmt.Errorf("dead letter %s: raw: %w", rec.ID, err)
	}
	return l, rec.Replayed, nil
}
