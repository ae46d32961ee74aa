// Package values writes the values that columnar and row files have as JSON: exactly, the same way for every kind of
// file.
package values

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/seed56735111/penstock/internal/quote"
)

// Unit is a part of a second.
type Unit struct {
	PerSecond int64
	Digits    int // behind the point, when it is written
}

// The units that there are.
var (
	Millis = Unit{1e3, 3}
	Micros = Unit{1e6, 6}
	Nanos  = Unit{1e9, 9}
)

// AppendFloat appends a number, and nothing for NaN and the infinities, which JSON does not have.
func AppendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst
	}
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}

// AppendText appends a text.
func AppendText(dst, text []byte) []byte {
	return append(quote.Append(append(dst, '"'), text), '"')
}

// AppendBytes appends bytes of which nothing says what they are: as text when they are, which older writers do not say,
// else as base64.
func AppendBytes(dst, b []byte) []byte {
	if utf8.Valid(b) && !hasControls(b) {
		return AppendText(dst, b)
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

func hasControls(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f {
			return true
		}
	}
	return false
}

// AppendJSON appends a column of JSON as what it is, on one line.
func AppendJSON(dst, text []byte) []byte {
	if !json.Valid(text) {
		return AppendText(dst, text)
	}
	for _, c := range text {
		if c == '\n' || c == '\r' {
			c = ' ' // between tokens: none can be in a string
		}
		dst = append(dst, c)
	}
	return dst
}

// AppendUUID appends 16 bytes as a UUID, others as bytes.
func AppendUUID(dst, b []byte) []byte {
	if len(b) != 16 {
		return AppendBytes(dst, b)
	}
	dst = append(dst, '"')
	from := 0
	for i, to := range []int{4, 6, 8, 10, 16} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, b[from:to])
		from = to
	}
	return append(dst, '"')
}

// AppendInterval appends 12 bytes as months, days and milliseconds, others as bytes.
func AppendInterval(dst, b []byte) []byte {
	if len(b) != 12 {
		return AppendBytes(dst, b)
	}
	for i, name := range []string{`{"months":`, `,"days":`, `,"milliseconds":`} {
		dst = append(dst, name...)
		dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(b[4*i:])), 10)
	}
	return append(dst, '}')
}

// MaxScale is the most digits behind the point of a decimal number: more is none that anybody wrote.
const MaxScale = 400

// AppendDecimal appends the number of which b is the unscaled two's complement, the highest byte first.
func AppendDecimal(dst, b []byte, scale int) []byte {
	if len(b) == 0 || len(b) > MaxScale/2 || scale > MaxScale {
		return AppendBytes(dst, b)
	}
	n := new(big.Int).SetBytes(b)
	if b[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return AppendScaled(dst, n.Append(nil, 10), scale)
}

// AppendScaled appends the digits of a number with a point before the last ones.
func AppendScaled(dst, digits []byte, scale int) []byte {
	scale = min(scale, MaxScale)
	if digits[0] == '-' {
		dst, digits = append(dst, '-'), digits[1:]
	}
	if scale == 0 {
		return append(dst, digits...)
	}
	whole := len(digits) - scale
	if whole <= 0 {
		dst = append(dst, '0', '.')
		for ; whole < 0; whole++ {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[:whole]...)
	dst = append(dst, '.')
	return append(dst, digits[whole:]...)
}

// AppendDate appends a day, counted from 1970-01-01.
func AppendDate(dst []byte, days int64) []byte {
	const most = 4_000_000 // some ten thousand years
	t := time.Unix(min(max(days, -most), most)*86400, 0).UTC()
	if !isWritable(t) {
		return strconv.AppendInt(dst, days, 10)
	}
	return t.AppendFormat(dst, `"2006-01-02"`)
}

// isWritable reports whether a time has a year of four digits.
func isWritable(t time.Time) bool { return t.Year() >= 0 && t.Year() <= 9999 }

// AppendClock appends a time of day.
func AppendClock(dst []byte, n int64, u Unit) []byte {
	const day = 86400
	if n < 0 || n/u.PerSecond >= day {
		return strconv.AppendInt(dst, n, 10)
	}
	t := time.Unix(n/u.PerSecond, n%u.PerSecond*(1e9/u.PerSecond)).UTC()
	return append(t.AppendFormat(append(dst, '"'), instants[u.Digits][len(`"2006-01-02T`):]), '"')
}

// AppendInstant appends an instant, counted from 1970-01-01T00:00:00; when it is not known to be one in UTC, as a date
// and a time of day without a zone. One that has no year of four digits stays a number.
func AppendInstant(dst []byte, n int64, u Unit, utc bool) []byte {
	seconds, rest := n/u.PerSecond, n%u.PerSecond
	if rest < 0 {
		seconds, rest = seconds-1, rest+u.PerSecond
	}
	t := time.Unix(seconds, rest*(1e9/u.PerSecond)).UTC()
	if !isWritable(t) {
		return strconv.AppendInt(dst, n, 10)
	}
	return AppendTime(dst, t, u, utc)
}

// instants are the layouts of times, by their digits behind the point, without the quote at the end.
var instants = map[int]string{
	3: `"2006-01-02T15:04:05.000`, 6: `"2006-01-02T15:04:05.000000`, 9: `"2006-01-02T15:04:05.000000000`,
}

// AppendTime appends a time in UTC, with Z behind it when that is known.
func AppendTime(dst []byte, t time.Time, u Unit, utc bool) []byte {
	dst = t.AppendFormat(dst, instants[u.Digits])
	if utc {
		dst = append(dst, 'Z')
	}
	return append(dst, '"')
}
