package redact

import (
	"bytes"
	"strconv"

	"github.com/seed56735111/penstock/internal/quote"
)

// With is what stands in the place of what is redacted. Its zero value is Remove.
type With struct {
	mask bool
	key  *Key
	each *[kindCount]With // by kind
}

var (
	// Remove leaves nothing.
	Remove = With{}
	// Mask leaves the kind of a secret in brackets, [redacted] of a field, and null of a number.
	Mask = With{mask: true}
)

// Hash leaves a keyed hash, which is the same for the same secret: h1: and 32 hexadecimal digits. What was found is
// hashed without the escapes around it; a card and an account number also without spaces and dashes.
func Hash(k *Key) With { return With{key: k} }

// Each leaves something else for each kind, and nothing for those that are not in it.
func Each(by map[Kind]With) With {
	w := With{each: new([kindCount]With)}
	for i, kind := range kinds {
		w.each[i] = by[kind]
	}
	return w
}

// of is what stands in the place of a kind.
func (w With) of(kind int) With {
	if w.each != nil {
		return w.each[kind]
	}
	return w
}

// Masked is what Mask leaves of a field.
const Masked = "[redacted]"

// AppendText appends what stands in the place of a field that has a text.
func (w With) AppendText(dst, text []byte) []byte {
	switch {
	case w.key != nil:
		return w.key.Append(dst, text)
	case w.mask:
		return append(dst, Masked...)
	}
	return dst
}

// AppendValue appends what stands in the place of a field with this JSON value: a string, or null, also of a value that
// is no string when it is masked, so that an index takes it. Hashes are of the text that a string stands for, and of
// other values as they are written. Nothing is appended with Remove.
func (w With) AppendValue(dst, value []byte) []byte {
	value = bytes.TrimSpace(value)
	isText := len(value) > 1 && value[0] == '"'
	switch {
	case w.key == nil && !w.mask:
		return dst
	case string(value) == "null", w.key == nil && !isText:
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	switch {
	case w.key == nil:
		dst = append(dst, Masked...)
	case isText && bytes.IndexByte(value, '\\') < 0:
		dst = w.key.Append(dst, value[1:len(value)-1])
	case isText:
		dst = w.key.Append(dst, quote.AppendUnquoted(nil, value[1:len(value)-1]))
	default:
		dst = w.key.Append(dst, value)
	}
	return append(dst, '"')
}

// appendHit appends what stands in the place of a secret.
func (w With) appendHit(dst []byte, of int, text []byte) []byte {
	switch w = w.of(of); {
	case w.key != nil && (of == card || of == iban):
		return w.key.append(dst, text, separators)
	case w.key != nil:
		return w.key.Append(dst, text)
	case w.mask:
		return append(append(append(dst, '['), kinds[of]...), ']')
	}
	return dst
}

// appendName is appendHit in the name of a member, which stays a name of its own: remove masks, and the second one of
// a kind and all after it are numbered.
func (w With) appendName(dst []byte, of int, text []byte, seen int) []byte {
	if w.of(of).key != nil {
		return w.appendHit(dst, of, text)
	}
	dst = Mask.appendHit(dst, of, text)
	if seen > 0 {
		dst = strconv.AppendInt(append(dst, '_'), int64(seen+1), 10)
	}
	return dst
}
