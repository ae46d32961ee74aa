package expr

import "time"

// instant is a point in time.
type instant struct{ seconds, nanos int64 }

func (a instant) compare(b instant) mask {
	if a.seconds != b.seconds {
		return order(a.seconds < b.seconds, a.seconds > b.seconds)
	}
	return order(a.nanos < b.nanos, a.nanos > b.nanos)
}

// parseTime reads a date, or a date and a time of day by RFC 3339: a T or a space between them, with or without seconds
// and their fraction, in UTC where it names no offset.
func parseTime(b []byte) (instant, bool) {
	if len(b) < len("2026-11-28") || b[4] != '-' || b[7] != '-' {
		return instant{}, false
	}
	year, ok1 := decimal(b[:4])
	month, ok2 := decimal(b[5:7])
	day, ok3 := decimal(b[8:10])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > 31 {
		return instant{}, false
	}
	at := instant{seconds: time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix()}
	if b = b[10:]; len(b) == 0 {
		return at, true
	}
	if len(b) < len("T12:00") || b[0] != 'T' && b[0] != ' ' && b[0] != 't' || b[3] != ':' {
		return instant{}, false
	}
	hour, ok1 := decimal(b[1:3])
	minute, ok2 := decimal(b[4:6])
	if !ok1 || !ok2 || hour > 24 || minute > 59 {
		return instant{}, false
	}
	at.seconds += int64(hour*3600 + minute*60)
	if b = b[6:]; len(b) >= 3 && b[0] == ':' {
		second, ok := decimal(b[1:3])
		if !ok || second > 60 {
			return instant{}, false
		}
		at.seconds += int64(second)
		if b = b[3:]; len(b) > 1 && (b[0] == '.' || b[0] == ',') {
			i := 1
			for unit := int64(100_000_000); i < len(b) && b[i]-'0' < 10; i++ {
				at.nanos += int64(b[i]-'0') * unit
				unit /= 10
			}
			b = b[i:]
		}
	}
	offset, ok := parseOffset(b)
	at.seconds -= offset
	return at, ok
}

// parseOffset reads Z, ±hh:mm, ±hhmm, ±hh, or nothing, as seconds.
func parseOffset(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) == 1 && b[0]|0x20 == 'z' {
		return 0, true
	}
	if b[0] != '+' && b[0] != '-' || len(b) < 3 {
		return 0, false
	}
	hours, ok1 := decimal(b[1:3])
	var minutes int
	var ok2 bool
	switch rest := b[3:]; {
	case len(rest) == 3 && rest[0] == ':':
		minutes, ok2 = decimal(rest[1:])
	case len(rest) == 2:
		minutes, ok2 = decimal(rest)
	default:
		ok2 = len(rest) == 0
	}
	seconds := int64(hours*3600 + minutes*60)
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, ok1 && ok2 && hours < 24 && minutes < 60
}

func decimal(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
