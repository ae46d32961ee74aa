// Package dates reads and writes times by the engines' patterns, and does their date math.
package dates

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/seed56735111/penstock/engine/internal/wire"
)

// Format is the formats of a date field, as the mapping names them. Reading tries each in turn; the first one writes.
type Format struct {
	Text    string
	parsers []datePattern
}

// datePattern is one format.
type datePattern struct {
	epoch  time.Duration // the unit of a number since 1970; 0 when it is a text
	iso    bool          // date and, optionally, time
	strict bool          // iso with all digits
	layout []datePart
}

// datePart is a run of one letter of a pattern, or text.
type datePart struct {
	letter rune // 0: literal
	width  int
	text   string
}

var (
	// Default are the formats of a date for which the mapping says nothing.
	Default = &Format{
		Text:    "strict_date_optional_time||epoch_millis",
		parsers: []datePattern{{iso: true, strict: true}, {epoch: time.Millisecond}},
	}
	// Legacy are the same before version 2.
	Legacy = &Format{Text: "dateOptionalTime", parsers: []datePattern{{iso: true}, {epoch: time.Millisecond}}}
	// Dynamic are the formats by which dynamic mapping takes a text for a date.
	Dynamic = []*Format{
		{Text: "", parsers: []datePattern{{iso: true, strict: true}}},
		mustFormat("yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"),
	}
)

func mustFormat(text string) *Format {
	f, err := ParseFormat(text)
	if err != nil {
		panic(err) // a constant of ours
	}
	return f
}

// namedFormats are the formats that a pattern describes. Most others are variants of ISO 8601.
var namedFormats = map[string]string{
	"basic_date":                     "yyyyMMdd",
	"basic_date_time_no_millis":      "yyyyMMdd'T'HHmmssZ",
	"basic_date_time":                "yyyyMMdd'T'HHmmss.SSSZ",
	"date":                           "yyyy-MM-dd",
	"date_hour":                      "yyyy-MM-dd'T'HH",
	"date_hour_minute":               "yyyy-MM-dd'T'HH:mm",
	"date_hour_minute_second":        "yyyy-MM-dd'T'HH:mm:ss",
	"date_hour_minute_second_millis": "yyyy-MM-dd'T'HH:mm:ss.SSS",
	"date_time":                      "yyyy-MM-dd'T'HH:mm:ss.SSSZZ",
	"date_time_no_millis":            "yyyy-MM-dd'T'HH:mm:ssZZ",
	"year":                           "yyyy",
	"year_month":                     "yyyy-MM",
	"year_month_day":                 "yyyy-MM-dd",
	"iso8601":                        "iso8601",
}

// ParseFormat reads the format of a mapping.
func ParseFormat(text string) (*Format, error) {
	f := &Format{Text: text}
	if text == "" {
		return nil, wire.Illegal("No date pattern provided")
	}
	for part := range strings.SplitSeq(text, "||") {
		switch part {
		case "epoch_millis":
			f.parsers = append(f.parsers, datePattern{epoch: time.Millisecond})
			continue
		case "epoch_second":
			f.parsers = append(f.parsers, datePattern{epoch: time.Second})
			continue
		case "strict_date_optional_time", "strict_date_optional_time_nanos", "iso8601", "strictDateOptionalTime":
			f.parsers = append(f.parsers, datePattern{iso: true, strict: true})
			continue
		case "date_optional_time", "dateOptionalTime":
			f.parsers = append(f.parsers, datePattern{iso: true})
			continue
		}
		pattern := part
		if named, ok := namedFormats[strings.TrimPrefix(part, "strict_")]; ok {
			pattern = named
		}
		layout, err := parsePattern(pattern)
		if err != nil {
			return nil, err
		}
		f.parsers = append(f.parsers, datePattern{layout: layout})
	}
	return f, nil
}

func parsePattern(pattern string) ([]datePart, error) {
	var parts []datePart
	runes := []rune(pattern)
	for i := 0; i < len(runes); {
		c := runes[i]
		j := i
		switch {
		case c == '\'':
			for j++; j < len(runes) && runes[j] != '\''; j++ {
			}
			if j == len(runes) {
				return nil, wire.Illegal("Invalid format: [%s]: Pattern ends with an incomplete string literal: %s",
					pattern, pattern)
			}
			text := string(runes[i+1 : j])
			if text == "" {
				text = "'"
			}
			parts = append(parts, datePart{text: text})
			i = j + 1
		case c == '[', c == ']', c == '{', c == '}', c == '#':
			return nil, wire.NotOffered("the date pattern [%s]", pattern) // optional parts
		case unicode.IsLetter(c):
			for ; j < len(runes) && runes[j] == c; j++ {
			}
			if !strings.ContainsRune("yuMdHhmsSaEzZXxne", c) {
				if strings.ContainsRune("GDLQqYwWFkKANVO", c) {
					return nil, wire.NotOffered("the date pattern [%s]", pattern)
				}
				return nil, wire.Illegal("Invalid format: [%s]: Unknown pattern letter: %c", pattern, c)
			}
			parts = append(parts, datePart{letter: c, width: j - i})
			i = j
		default:
			parts = append(parts, datePart{text: string(c)})
			i++
		}
	}
	return parts, nil
}

// Parse reads a date. Parts that are left out get their earliest value, or with round their latest.
func (f *Format) Parse(s string, zone *time.Location, round bool) (time.Time, bool) {
	for i := range f.parsers {
		if t, ok := f.parsers[i].read(s, zone, round); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// clock collects the parts of a date.
type clock struct {
	year, month, day, hour, minute, second, nanos int
	half                                          int // 1: before noon, 2: after
	zone                                          *time.Location
	last                                          byte // the smallest unit that was given
}

// time puts the parts together. Ok is false when there is no such day.
func (c *clock) time(round bool) (time.Time, bool) {
	if c.half > 0 {
		c.hour = c.hour%12 + (c.half-1)*12
	}
	t := time.Date(c.year, time.Month(c.month), c.day, c.hour, c.minute, c.second, c.nanos, c.zone)
	if c.month < 1 || c.month > 12 || t.Day() != c.day || c.hour > 24 || c.minute > 59 || c.second > 59 ||
		c.year > 9999 || c.year < -9999 {
		return t, false
	}
	if !round {
		return t, true
	}
	// The engines fill in the latest time of the day, but the first day and the first month.
	switch c.last {
	case 'y', 'M', 'd':
		t = t.AddDate(0, 0, 1).Add(-1)
	case 'H':
		t = t.Add(time.Hour - 1)
	case 'm':
		t = t.Add(time.Minute - 1)
	case 's':
		t = t.Add(time.Second - 1)
	}
	return t, true
}

func (p *datePattern) read(s string, zone *time.Location, round bool) (time.Time, bool) {
	c := clock{year: 1970, month: 1, day: 1, zone: zone}
	switch {
	case p.epoch > 0:
		return parseEpoch(s, p.epoch)
	case p.iso:
		if !c.iso(s, p.strict) {
			return time.Time{}, false
		}
	default:
		if !c.pattern(s, p.layout) {
			return time.Time{}, false
		}
	}
	return c.time(round)
}

func parseEpoch(s string, unit time.Duration) (time.Time, bool) {
	head, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(head, 10, 64)
	const most = 253402300800 // seconds until the year 10000
	if err != nil || n > most*int64(time.Second/unit) || n < -most*int64(time.Second/unit) {
		return time.Time{}, false
	}
	t := time.UnixMilli(n)
	if unit == time.Second {
		t = time.Unix(n, 0)
	}
	if fraction != "" {
		part, err := strconv.ParseFloat("0."+fraction, 64)
		if err != nil {
			return time.Time{}, false
		}
		if strings.HasPrefix(s, "-") {
			part = -part
		}
		t = t.Add(time.Duration(part * float64(unit)))
	}
	return t.UTC(), true
}

// digits takes between least and most digits from the front.
func digits(s string, least, most int) (n int, rest string, ok bool) {
	i := 0
	for i < len(s) && i < most && s[i] >= '0' && s[i] <= '9' {
		n = n*10 + int(s[i]-'0')
		i++
	}
	return n, s[i:], i >= least
}

// iso reads a date with an optional time and offset.
func (c *clock) iso(s string, strict bool) bool {
	const yearDigits, nanoDigits = 4, 9
	least := func(n int) int {
		if strict {
			return n
		}
		return 1
	}
	var ok bool
	if c.year, s, ok = digits(s, least(yearDigits), yearDigits); !ok {
		return false
	}
	c.last = 'y'
	for _, part := range []struct {
		unit byte
		into *int
	}{{'M', &c.month}, {'d', &c.day}} {
		if s == "" {
			return true
		}
		if s[0] != '-' {
			return false
		}
		if *part.into, s, ok = digits(s[1:], least(2), 2); !ok {
			return false
		}
		c.last = part.unit
	}
	if s == "" || s == "T" {
		return true
	}
	separator := byte('T')
	for _, part := range []struct {
		unit byte
		into *int
	}{{'H', &c.hour}, {'m', &c.minute}, {'s', &c.second}} {
		if s == "" {
			return true
		}
		if s[0] != separator {
			return part.unit != 'H' && c.offset(s)
		}
		if *part.into, s, ok = digits(s[1:], least(2), 2); !ok {
			return false
		}
		c.last, separator = part.unit, ':'
	}
	if s != "" && (s[0] == '.' || s[0] == ',') {
		rest := strings.TrimLeft(s[1:], "0123456789")
		fraction := s[1 : len(s)-len(rest)]
		if fraction == "" || len(fraction) > nanoDigits {
			return false
		}
		c.nanos, _, _ = digits((fraction + "000000000")[:nanoDigits], nanoDigits, nanoDigits)
		s, c.last = rest, 'S'
	}
	return s == "" || c.offset(s)
}

// offset reads the end of a date: Z, or hours and minutes from it.
func (c *clock) offset(s string) bool {
	if s == "Z" || s == "z" {
		c.zone = time.UTC
		return true
	}
	zone, ok := parseOffset(s)
	if ok {
		c.zone = zone
	}
	return ok
}

func parseOffset(s string) (*time.Location, bool) {
	const hourDigits, most = 3, 18
	if len(s) < hourDigits || s[0] != '+' && s[0] != '-' {
		return nil, false
	}
	hours, rest, ok := digits(s[1:], 2, 2)
	if !ok || hours > most {
		return nil, false
	}
	minutes := 0
	if rest != "" {
		if minutes, rest, ok = digits(strings.TrimPrefix(rest, ":"), 2, 2); !ok || rest != "" || minutes > 59 {
			return nil, false
		}
	}
	seconds := hours*3600 + minutes*60
	if s[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone(s, seconds), true
}

// pattern reads a date by the letters of a pattern.
func (c *clock) pattern(s string, layout []datePart) bool {
	for i, p := range layout {
		if p.letter == 0 {
			var ok bool
			if s, ok = strings.CutPrefix(s, p.text); !ok {
				return false
			}
			continue
		}
		// Digits without a separator between them are as many as the letters.
		fixed := i+1 < len(layout) && layout[i+1].letter != 0
		var ok bool
		if s, ok = c.part(s, p, fixed); !ok {
			return false
		}
	}
	return s == ""
}

func (c *clock) part(s string, p datePart, fixed bool) (rest string, ok bool) {
	const nameLetters, nanoDigits = 3, 9
	take := func(most int) (n int) {
		if fixed || p.width > 1 {
			most = max(p.width, 1)
		}
		n, rest, ok = digits(s, min(p.width, most), most)
		return n
	}
	unit := byte(p.letter & 0x7f) // a letter of ASCII
	switch p.letter {
	case 'y', 'u':
		c.year = take(4)
		if p.width == 2 {
			c.year += 2000
		}
		unit = 'y'
	case 'M':
		if p.width < nameLetters {
			c.month = take(2)
			break
		}
		for m := time.January; m <= time.December; m++ {
			name := m.String()
			if p.width == nameLetters {
				name = name[:nameLetters]
			}
			if len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
				c.month, rest, ok = int(m), s[len(name):], true
			}
		}
	case 'd':
		c.day = take(2)
	case 'H':
		c.hour = take(2)
	case 'h':
		c.hour = take(2)
		c.half = max(c.half, 1)
		unit = 'H'
	case 'm':
		c.minute = take(2)
	case 's':
		c.second = take(2)
	case 'S', 'n':
		before := len(s)
		n := take(nanoDigits)
		for range nanoDigits - (before - len(rest)) {
			n *= 10
		}
		c.nanos = n
	case 'a':
		for i, half := range []string{"am", "pm"} {
			if len(s) >= 2 && strings.EqualFold(s[:2], half) {
				c.half, rest, ok = i+1, s[2:], true
			}
		}
		return rest, ok
	case 'E', 'e':
		for d := time.Sunday; d <= time.Saturday; d++ {
			for _, name := range []string{d.String(), d.String()[:nameLetters]} {
				if !ok && len(s) >= len(name) && strings.EqualFold(s[:len(name)], name) {
					rest, ok = s[len(name):], true
				}
			}
		}
		return rest, ok
	default: // z Z X x
		if rest, ok = strings.CutPrefix(s, "Z"); ok {
			c.zone = time.UTC
			return rest, true
		}
		end := len(s) - len(strings.TrimLeft(s, "+-:0123456789"))
		c.zone, ok = parseOffset(s[:end])
		if !ok {
			return s, false
		}
		return s[end:], true
	}
	c.last = unit
	return rest, ok
}

// Format writes a time by the first of the formats.
func (f *Format) Format(t time.Time) string {
	p := f.parsers[0]
	switch {
	case p.epoch == time.Second:
		return strconv.FormatInt(t.Unix(), 10)
	case p.epoch > 0:
		return strconv.FormatInt(t.UnixMilli(), 10)
	case p.iso:
		return Text(t)
	}
	var b strings.Builder
	for _, part := range p.layout {
		switch part.letter {
		case 0:
			b.WriteString(part.text)
		case 'S', 'n':
			const nanoDigits = 9
			fmt.Fprintf(&b, "%09d", t.Nanosecond())
			if part.width < nanoDigits {
				text := b.String()[:b.Len()-(nanoDigits-part.width)]
				b.Reset()
				b.WriteString(text)
			}
		default:
			b.WriteString(t.Format(goLayout(part)))
		}
	}
	return b.String()
}

func goLayout(p datePart) string {
	pick := func(layouts ...string) string { return layouts[min(p.width, len(layouts))-1] }
	switch p.letter {
	case 'y', 'u':
		return pick("2006", "06", "2006")
	case 'M':
		return pick("1", "01", "Jan", "January")
	case 'd':
		return pick("2", "02")
	case 'H':
		return pick("15", "15")
	case 'h':
		return pick("3", "03")
	case 'm':
		return pick("4", "04")
	case 's':
		return pick("5", "05")
	case 'a':
		return "PM"
	case 'E', 'e':
		return pick("Mon", "Mon", "Mon", "Monday")
	case 'Z', 'x':
		return pick("-0700", "-07:00")
	case 'X':
		return pick("Z07", "Z0700", "Z07:00")
	}
	return "MST"
}

// Text is a time with milliseconds, and with nanoseconds where there are any below.
func Text(t time.Time) string {
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		return t.Format("2006-01-02T15:04:05.000000000Z07:00")
	}
	return t.Format("2006-01-02T15:04:05.000Z07:00")
}
