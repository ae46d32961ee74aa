package quote

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The functions below find their way by quotes and brackets alone: what is no JSON leads them astray, and not beyond
// its end. [Skip] is for what has to be valid.
//
// Those that begin with Skip and a noun are for valid JSON with Pad zero bytes behind it, as a record in a window has:
// the padding ends every loop, so that none looks for the end of the bytes. The others look, and report false, or the
// end of the bytes, when it comes first.

// Pad is how many zero bytes must follow what SkipSpace, SkipString, SkipValue and SkipComma pass over.
const Pad = 16

// Space returns where white space from b[i] on ends.
func Space(b []byte, i int) int {
	for i < len(b) && IsSpace(b[i]) {
		i++
	}
	return i
}

// StringEnd returns where the string that begins at b[i] ends, whatever is in it.
func StringEnd(b []byte, i int) (end int, ok bool) {
	for i++; i < len(b); {
		if i+8 <= len(b) {
			n := bits.TrailingZeros64(ends(binary.LittleEndian.Uint64(b[i:]))) >> 3
			if i += n; n == 8 {
				continue
			}
		}
		switch b[i] {
		case '"':
			return i + 1, true
		case '\\':
			i++
		}
		i++
	}
	return len(b), false
}

// ends marks the quotes and backslashes of w. Only the lowest mark is exact.
func ends(w uint64) uint64 {
	quotes, slashes := w^'"'*Ones, w^'\\'*Ones
	return ((quotes-Ones)&^quotes | (slashes-Ones)&^slashes) & Highs
}

// ValueEnd returns where the value that begins at b[i] ends. A number or a word may go on behind b: false is reported.
func ValueEnd(b []byte, i int) (end int, ok bool) {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			end, ok := StringEnd(b, i)
			if !ok || depth == 0 {
				return end, ok
			}
			i = end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i, true
			}
			if depth--; depth == 0 {
				return i + 1, true
			}
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i, true
			}
		}
		i++
	}
	return len(b), false
}

// NextMember finds the parts of the member whose name begins at b[i]: where the name ends, where the value begins
// and where that ends. Escaped says that the name has escapes.
func NextMember(b []byte, i int) (name, value, end int, escaped, ok bool) {
	name = plainEnd(b, i)
	if name == 0 {
		if name, ok = StringEnd(b, i); !ok {
			return 0, 0, 0, false, false
		}
		escaped = bytes.IndexByte(b[i:name], '\\') >= 0
	}
	value = name
	if value+1 >= len(b) || b[value] != ':' || b[value+1] <= ' ' {
		value = Space(b, Space(b, name)+1)
	} else {
		value++
	}
	if value >= len(b) {
		return 0, 0, 0, false, false
	}
	switch b[value] {
	case '"':
		if end = plainEnd(b, value); end > 0 {
			return name, value, end, escaped, true
		}
	case '{', '[':
	default:
		for end = value; end < len(b); end++ {
			if c := b[end]; c == ',' || c == '}' || c <= ' ' {
				return name, value, end, escaped, true
			}
		}
		return 0, 0, 0, false, false
	}
	end, ok = ValueEnd(b, value)
	return name, value, end, escaped, ok
}

// plainEnd returns where the string at b[i] ends when it has no escape, and is not at the very end of b; else 0.
func plainEnd(b []byte, i int) int {
	for i++; i+8 <= len(b); i += 8 {
		if m := ends(binary.LittleEndian.Uint64(b[i:])); m != 0 {
			if i += bits.TrailingZeros64(m) >> 3; b[i] == '"' {
				return i + 1
			}
			return 0
		}
	}
	return 0
}

// SkipSpace returns where white space from b[i] on ends.
func SkipSpace(b []byte, i int) int {
	for IsSpace(b[i]) {
		i++
	}
	return i
}

// SkipString returns where the string at b[i] ends.
func SkipString(b []byte, i int) int {
	i++
	for {
		i = Plain(b, i)
		switch b[i] {
		case '"':
			return i + 1
		case '\\':
			i += 2
		default:
			i++
		}
	}
}

// SkipValue returns where the value at b[i] ends.
func SkipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		return SkipString(b, i)
	case '{', '[':
	default:
		return ScalarEnd(b, i)
	}
	for depth := 0; ; {
		switch b[i] {
		case '"':
			i = SkipString(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth == 0 {
				return i + 1
			}
		}
		i++
	}
}

// SkipComma returns where the element behind the one that ends at b[i] begins, or the bracket that ends them all.
func SkipComma(b []byte, i int) int {
	if i = SkipSpace(b, i); b[i] == ',' {
		i = SkipSpace(b, i+1)
	}
	return i
}

// Member is a member of an object.
type Member struct {
	Name       []byte // between its quotes, as it is written
	Value, End int    // where the value begins and ends
}

// MemberAt returns the member whose name begins at b[i]: with SkipSpace behind the bracket, and SkipComma behind a
// member, one comes to the next name, or to the closing bracket.
func MemberAt(b []byte, i int) Member {
	end := SkipString(b, i)
	value := SkipSpace(b, SkipSpace(b, end)+1)
	return Member{Name: b[i+1 : end-1], Value: value, End: SkipValue(b, value)}
}
