package shape

import (
	"slices"
	"strconv"
	"time"
)

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }

// appendBase36 is strconv.AppendInt for positions: a division by what is not known beforehand takes most of its time.
func appendBase36(dst []byte, n int64) []byte {
	if n < 0 {
		return strconv.AppendInt(dst, n, 36)
	}
	const most = 14 // digits, and the zero that may be before them
	var digits [2 * most]byte
	i, u := most, uint64(n)
	for {
		p := &pairs36[u%(36*36)]
		i -= 2
		digits[i], digits[i+1] = p[0], p[1]
		if u < 36*36 {
			break
		}
		u /= 36 * 36
	}
	if u < 36 {
		i++
	}
	dst = slices.Grow(dst, most)
	*(*[most]byte)(dst[len(dst):cap(dst)]) = *(*[most]byte)(digits[i:])
	return dst[:len(dst)+most-i]
}

// pairs36 are the numbers of two digits.
var pairs36 = func() (all [36 * 36][2]byte) {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	for i := range all {
		all[i] = [2]byte{digits[i/36], digits[i%36]}
	}
	return all
}()

// sound reports whether a time is there and can be written with four digits for the year.
func sound(t time.Time) bool {
	if t.IsZero() {
		return false
	}
	const latest = 253402300800 // the year 10000
	s := t.Unix()
	return s >= -62135596800 && s < latest
}

// clock writes times. It remembers the last second, which most records share with the one before.
type clock struct {
	second int64
	text   [19]byte // 2006-01-02T15:04:05
	valid  bool
}

// append appends t as RFC 3339 in UTC with three, six or nine digits of the second.
func (c *clock) append(dst []byte, t time.Time) []byte {
	if s := t.Unix(); s != c.second || !c.valid {
		t.UTC().AppendFormat(c.text[:0], "2006-01-02T15:04:05")
		c.second, c.valid = s, true
	}
	dst = append(dst, c.text[:]...)
	nano, digits := t.Nanosecond(), 9
	for digits > 3 && nano%1000 == 0 {
		nano /= 1000
		digits -= 3
	}
	dst = append(dst, '.')
	at := len(dst) + digits
	dst = append(dst, "000000000"[:digits]...)
	for i := at - 1; nano > 0; i-- {
		dst[i] = byte('0' + nano%10)
		nano /= 10
	}
	return append(dst, 'Z')
}
