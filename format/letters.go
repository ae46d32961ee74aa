package format

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/seed56735111/penstock"
)

// deadLetters reports whether a text is what package deadletter stores: letters, or marks that take letters out. They
// are told by their first members, which are always these and in this order.
func deadLetters(text []byte) bool {
	text = bytes.TrimLeft(text, "\r\n")
	if !bytes.HasPrefix(text, []byte(`{"id":"`)) {
		return false
	}
	d := stdjson.NewDecoder(bytes.NewReader(text))
	m := members{d: d}
	if m.token() != stdjson.Delim('{') || m.token() != "id" || !m.isText() || m.token() != "time" || !m.isText() {
		return false
	}
	for d.More() {
		name := m.token()
		if name == nil {
			break
		}
		switch name {
		case "reason":
			if reason, ok := m.token().(string); !ok || !slices.Contains(penstock.Reasons(), reason) {
				return false
			}
			m.reason = true
		case "type", "detail", "status", "domain", "index", "until":
			m.token()
		case "source":
			var source struct {
				Object *string `json:"object"`
				Offset *int64  `json:"offset"`
			}
			if err := d.Decode(&source); err != nil {
				return m.reason && cutOff(err)
			}
			if source.Object == nil || source.Offset == nil {
				return false
			}
			if m.reason {
				return true
			}
		case "replayed":
			return m.token() == true
		default:
			return false
		}
	}
	// The sample can end in the middle of a letter, and so can a file after a crash.
	_, err := d.Token()
	return m.reason && cutOff(err)
}

func cutOff(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// members reads the members of an object one by one; what cannot be read is nil.
type members struct {
	d      *stdjson.Decoder
	reason bool
}

func (m *members) token() stdjson.Token {
	t, err := m.d.Token()
	if err != nil {
		return nil
	}
	return t
}

func (m *members) isText() bool {
	_, ok := m.token().(string)
	return ok
}
