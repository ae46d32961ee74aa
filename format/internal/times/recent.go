package times

import "time"

// Recent reads times, and remembers the last second: most records share it with the one before.
type Recent struct {
	second [len("yyyy-MM-ddTHH:mm:ss")]byte
	unix   int64 // 0 for none
}

// ISO does what the function ISO does.
func (r *Recent) ISO(b []byte) (t time.Time, size int, ok bool) {
	const from = len(r.second)
	nano, ok := fractionInUTC(b)
	if !ok {
		return isoTime(b)
	}
	if r.unix != 0 && string(b[:from]) == string(r.second[:]) {
		return time.Unix(r.unix, nano).UTC(), len(b), true
	}
	if t, size, ok = isoTime(b); ok && size == len(b) {
		r.unix = t.Unix()
		copy(r.second[:], b)
	}
	return t, size, ok
}

// fractionInUTC reads what may be behind the second of a time: nothing or a fraction, and Z.
func fractionInUTC(b []byte) (nano int64, ok bool) {
	const from = len("yyyy-MM-ddTHH:mm:ss")
	n := len(b) - len("Z")
	switch {
	case n < from || b[n] != 'Z':
		return 0, false
	case n == from:
		return 0, true
	case n == from+len(".") || n > from+len(".999999999") || b[from] != '.':
		return 0, false
	}
	scale := int64(100_000_000)
	for _, c := range b[from+1 : n] {
		if !isDigit(c) {
			return 0, false
		}
		nano += int64(c-'0') * scale
		scale /= 10
	}
	return nano, true
}
