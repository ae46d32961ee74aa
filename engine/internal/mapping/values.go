package mapping

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/wire"
)

// leaf reads a value into a field and its sub-fields.
func (p *learner) leaf(f *Field, path string, n *wire.Node) error {
	if err := p.index(f, path, n); err != nil {
		return err
	}
	for name, sub := range f.fields {
		if err := p.index(sub, path+"."+name, n); err != nil {
			return err
		}
	}
	return nil
}

// index turns a value into what the field indexes.
func (p *learner) index(f *Field, path string, n *wire.Node) error {
	if n.Kind == wire.NullKind {
		if f.null == nil {
			return nil
		}
		n = f.null
	}
	out := Leaf{Path: path, Field: f, Text: n.Text}
	var err error
	switch f.Class {
	case Analysed:
	case Exact:
		if f.ignoreAbove > 0 && len(n.Text) > f.ignoreAbove && utf16Length(n.Text) > f.ignoreAbove {
			return nil
		}
		if f.Lower {
			out.Text = strings.ToLower(n.Text)
		}
		if len(out.Text) > maxKeyword {
			return immense(path, out.Text)
		}
	case Whole:
		if n.Kind == wire.StringKind && n.Text == "" {
			return nil
		}
		out.Num, err = f.WholeNumber(n)
		e, ok := errors.AsType[*wire.Failure](err)
		if ok && e.Kind == "input_coercion_exception" && f.Bits == shortBits && p.m.Major <= FirstUntyped {
			e.Kind = "json_parse_exception"
		}
	case Floating:
		if n.Kind == wire.StringKind && n.Text == "" {
			return nil
		}
		out.Num, err = f.FloatingNumber(n, p.m.Major <= FirstUntyped)
	case Instant:
		if n.Text == "" && p.m.Major >= FirstUntyped {
			err = wire.Illegal("cannot parse empty date")
			break
		}
		t, ok := f.Format.Parse(n.Text, time.UTC, false)
		if !ok {
			err = wire.Illegal("failed to parse date field [%s] with format [%s]", n.Text, f.Format.Text).
				Because(wire.Errorf(400, "date_time_parse_exception", "Failed to parse with all enclosed parsers"))
			break
		}
		err = f.holds(t)
		out.Num = f.Instant(t)
	case Truth:
		out.Text, err = p.truth(n)
	case Address:
		ip, bad := netip.ParseAddr(n.Text)
		if bad != nil || ip.Zone() != "" || n.Kind != wire.StringKind {
			err = wire.Illegal("'%s' is not an IP string literal.", n.Text)
			break
		}
		out.Text = AddressKey(ip)
	default:
		p.note(path)
		return nil
	}
	if err != nil {
		if f.malformed {
			return nil
		}
		text := n.Text
		if e, ok := errors.AsType[infinite](err); ok {
			text = e.text
		}
		return p.bad(f, path, text).Because(err)
	}
	p.note(path)
	if p.hidden == 0 {
		p.Leaves = append(p.Leaves, out)
	}
	return nil
}

func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xffff {
			n++
		}
	}
	return n
}

// TooManyBytes is the kind of the error about a keyword that is too long.
const TooManyBytes = "max_bytes_length_exceeded_exception"

// immense is the error about a keyword that is too long.
func immense(path, text string) error {
	const shown = 30
	numbers := make([]string, 0, shown)
	for i := range shown {
		numbers = append(numbers, strconv.Itoa(int(int8(text[i])))) //nolint:gosec // Java's bytes have signs
	}
	return wire.Illegal("Document contains at least one immense term in field=\"%s\" (whose UTF8 encoding is longer "+
		"than the max length %d), all of which were skipped.  Please correct the analyzer to not produce such terms.  "+
		"The prefix of the first immense term is: '[%s]...', original message: bytes can be at most %d in length; got %d",
		path, maxKeyword, strings.Join(numbers, ", "), maxKeyword, len(text)).
		Because(wire.Errorf(400, TooManyBytes, "bytes can be at most %d in length; got %d", maxKeyword, len(text)))
}

func (p *learner) truth(n *wire.Node) (string, error) {
	switch {
	case n.Text == "true" && n.Kind != wire.NumberKind:
		return "T", nil
	case n.Kind != wire.NumberKind && (n.Text == "false" || n.Text == ""):
		return "F", nil
	case p.m.Major < FirstKeyword: // anything else was true once
		if n.Text == "0" || n.Text == "no" || n.Text == "off" || n.Text == "0.0" {
			return "F", nil
		}
		return "T", nil
	case n.Kind == wire.NumberKind:
		return "", wire.Errorf(400, "json_parse_exception",
			"Current token (%s) not of boolean type\n at %s; line: 1, column: %d]", n.RawToken(), wire.SourceText, n.End+1)
	}
	return "", wire.Illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", n.Text)
}

// AddressKey is a text for an address that sorts as addresses do.
func AddressKey(ip netip.Addr) string {
	const digits = "0123456789abcdef"
	b := ip.As16()
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

// AddressText is the reverse of AddressKey, as text.
func AddressText(key string) string {
	var b [16]byte
	for i := range b {
		if len(key) < 2*i+2 {
			return key
		}
		n, err := strconv.ParseUint(key[2*i:2*i+2], 16, 8)
		if err != nil {
			return key
		}
		b[i] = byte(n)
	}
	return netip.AddrFrom16(b).Unmap().String()
}
