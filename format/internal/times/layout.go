package times

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Layout is how a time is written, as people say it.
type Layout struct {
	parts []part
	dated bool // it has a year, or is an epoch
}

// part is an element of a layout with its width, or a text.
type part struct {
	element element
	text    string
	least   int // digits
	most    int
}

// element is what a part of a time says.
type element uint8

const (
	literal    element = iota
	spaces             // any white space, also none
	year               // four digits
	yearShort          // two digits, from 1969 to 2068 as in POSIX
	month              // a number
	monthName          // short or long, in English
	day                // of the month
	dayOfYear          // from 001 to 366
	weekday            // short or long, in English, which says nothing
	hour               // from 0 to 23
	hourOf12           // from 1 to 12
	halfOfDay          // AM or PM
	minute             // a number
	second             // a number
	fraction           // digits behind a dot or a comma, with it
	fractional         // digits alone
	optional           // a fraction with its dot or comma, or nothing
	zoneAny            // an offset, Z or a name
	epoch              // seconds since 1970, or thousandths of them and so on, by their size
)

// Words that stand for a layout.
const (
	LayoutISO   = "iso"
	LayoutEpoch = "epoch"
)

// ParseLayout reads a layout in one of three notations, which it tells apart: strftime when there is a % in it, as in
// %Y-%m-%d %H:%M:%S; Go's when it has numbers of Go's reference time, as in 2006-01-02 15:04:05; or else Java's, as in
// yyyy-MM-dd HH:mm:ss. The words iso and epoch stand for what they say.
func ParseLayout(text string) (*Layout, error) {
	l := &Layout{}
	var err error
	switch {
	case text == "":
		return nil, errors.New("the layout is empty")
	case len(text) > maxLayout:
		return nil, fmt.Errorf("the layout is longer than %d bytes", maxLayout)
	case text == LayoutISO:
		return ParseLayout("yyyy-MM-dd'T'HH:mm:ss[.S]X")
	case text == LayoutEpoch:
		l.add(epoch, 0, 0)
	case strings.Contains(text, "%"):
		err = l.strftime(text)
	case isGo(text):
		err = l.golang(text)
	default:
		err = l.java(text)
	}
	if err != nil {
		return nil, err
	}
	return l, l.check()
}

const maxLayout = 100

// isGo reports whether a text has numbers of Go's reference time: other layouts have no digits.
func isGo(text string) bool {
	return strings.ContainsAny(text, "0123456789") || strings.Contains(text, "Jan")
}

func (l *Layout) add(e element, least, most int) {
	l.parts = append(l.parts, part{element: e, least: least, most: most})
}

func (l *Layout) literal(text string) {
	if n := len(l.parts); n > 0 && l.parts[n-1].element == literal {
		l.parts[n-1].text += text
		return
	}
	l.parts = append(l.parts, part{element: literal, text: text})
}

// check reports a layout that says no time.
func (l *Layout) check() error {
	var has [epoch + 1]bool
	for i, p := range l.parts {
		if p.element != literal && p.element != spaces && p.element != weekday && has[p.element] {
			return errors.New("the layout has the same part of a time twice")
		}
		has[p.element] = true
		if i > 0 && l.parts[i-1].least != l.parts[i-1].most && p.least > 0 && p.element != fraction {
			return errors.New("the layout has two numbers behind each other, and no telling where the first one ends")
		}
	}
	l.dated = has[year] || has[yearShort] || has[epoch]
	switch {
	case has[epoch] && len(l.parts) == 1:
	case has[epoch]:
		return errors.New("the layout has something beside seconds since 1970")
	case !has[dayOfYear] && (!has[month] && !has[monthName] || !has[day]):
		return errors.New("the layout has no date")
	case has[dayOfYear] && !l.dated:
		return errors.New("the layout has the day of a year that it does not say")
	case !has[hour] && !has[hourOf12]:
		return errors.New("the layout has no time of day")
	case has[hourOf12] != has[halfOfDay]:
		return errors.New("hours from 1 to 12 and AM or PM go together")
	}
	return nil
}

// strftime reads the notation of strftime and strptime.
func (l *Layout) strftime(text string) error {
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			l.literal(text[i : i+1])
			continue
		}
		least := 2
		if i++; i+1 < len(text) && (text[i] == '-' || text[i] == '_') { // without the zero before it
			l.add(spaces, 0, 0)
			i, least = i+1, 1
		}
		if i == len(text) {
			return errors.New("the layout ends with %")
		}
		if !l.directive(text[i], least) {
			return fmt.Errorf("%%%c is not one of those that are read: %%Y %%y %%m %%b %%B %%d %%e %%j %%a %%A %%H %%I %%p "+
				"%%M %%S %%f %%L %%N %%z %%Z %%s %%F %%T %%D %%R %%n %%t %%%%", text[i])
		}
	}
	return nil
}

// directive adds what a letter of strftime stands for, with at least so many digits. It reports false for another one.
func (l *Layout) directive(c byte, least int) bool {
	switch c {
	case 'Y':
		l.add(year, 4, 4)
	case 'y':
		l.add(yearShort, 2, 2)
	case 'm':
		l.add(month, least, 2)
	case 'b', 'B', 'h':
		l.add(monthName, 0, 0)
	case 'd':
		l.add(day, least, 2)
	case 'e':
		l.add(spaces, 0, 0)
		l.add(day, 1, 2)
	case 'j':
		l.add(dayOfYear, 3, 3)
	case 'a', 'A':
		l.add(weekday, 0, 0)
	case 'H':
		l.add(hour, least, 2)
	case 'k':
		l.add(spaces, 0, 0)
		l.add(hour, 1, 2)
	case 'I':
		l.add(hourOf12, least, 2)
	case 'l':
		l.add(spaces, 0, 0)
		l.add(hourOf12, 1, 2)
	case 'p', 'P':
		l.add(halfOfDay, 0, 0)
	case 'M':
		l.add(minute, least, 2)
	case 'S':
		l.add(second, least, 2)
	case 'f', 'L', 'N':
		l.add(fractional, 1, 9)
	case 'z', 'Z':
		l.add(zoneAny, 0, 0)
	case 's':
		l.add(epoch, 0, 0)
	case 'F':
		return l.directive('Y', 2) && l.dashed("-", 'm', 'd')
	case 'T':
		return l.directive('H', 2) && l.dashed(":", 'M', 'S')
	case 'R':
		return l.directive('H', 2) && l.dashed(":", 'M')
	case 'D':
		return l.directive('m', 2) && l.dashed("/", 'd', 'y')
	case 'n', 't':
		l.add(spaces, 0, 0)
	case '%':
		l.literal("%")
	default:
		return false
	}
	return true
}

// dashed adds letters of strftime, each behind a text.
func (l *Layout) dashed(text string, letters ...byte) bool {
	for _, c := range letters {
		l.literal(text)
		l.directive(c, 2)
	}
	return true
}

// golang reads the notation of Go.
func (l *Layout) golang(text string) error {
	words := []struct {
		text        string
		element     element
		least, most int
	}{
		{"January", monthName, 0, 0},
		{"Jan", monthName, 0, 0},
		{"Monday", weekday, 0, 0},
		{"Mon", weekday, 0, 0},
		{"MST", zoneAny, 0, 0},
		{"Z07:00:00", zoneAny, 0, 0},
		{"Z070000", zoneAny, 0, 0},
		{"Z07:00", zoneAny, 0, 0},
		{"Z0700", zoneAny, 0, 0},
		{"Z07", zoneAny, 0, 0},
		{"-07:00:00", zoneAny, 0, 0},
		{"-070000", zoneAny, 0, 0},
		{"-07:00", zoneAny, 0, 0},
		{"-0700", zoneAny, 0, 0},
		{"-07", zoneAny, 0, 0},
		{"2006", year, 4, 4},
		{"002", dayOfYear, 3, 3},
		{"01", month, 2, 2},
		{"02", day, 2, 2},
		{"03", hourOf12, 2, 2},
		{"04", minute, 2, 2},
		{"05", second, 2, 2},
		{"06", yearShort, 2, 2},
		{"15", hour, 2, 2},
		{"PM", halfOfDay, 0, 0},
		{"pm", halfOfDay, 0, 0},
		{"1", month, 1, 2},
		{"2", day, 1, 2},
		{"3", hourOf12, 1, 2},
		{"4", minute, 1, 2},
		{"5", second, 1, 2},
	}
next:
	for i := 0; i < len(text); {
		rest := text[i:]
		if c := rest[0]; (c == '.' || c == ',') && len(rest) > 1 && (rest[1] == '0' || rest[1] == '9') {
			n := 1 + len(rest[1:]) - len(strings.TrimLeft(rest[1:], rest[1:2]))
			if n == len(rest) || !isDigit(rest[n]) {
				if rest[1] == '9' {
					l.add(optional, 0, 0)
				} else {
					l.add(fraction, n-1, n-1)
				}
				i += n
				continue
			}
		}
		if strings.HasPrefix(rest, "_2") && !strings.HasPrefix(rest, "_2006") {
			l.add(spaces, 0, 0)
			l.add(day, 1, 2)
			i += 2
			continue
		}
		for _, w := range words {
			if strings.HasPrefix(rest, w.text) {
				l.add(w.element, w.least, w.most)
				i += len(w.text)
				continue next
			}
		}
		if isDigit(rest[0]) {
			return fmt.Errorf("%q is no part of Go's reference time, Mon Jan 2 15:04:05.000 MST 2006", rest)
		}
		l.literal(rest[:1])
		i++
	}
	return nil
}

// java reads the notation of java.time and Joda. A part in brackets is a fraction that may be missing.
func (l *Layout) java(text string) error {
	for i := 0; i < len(text); {
		c := text[i]
		n := 1
		for i+n < len(text) && text[i+n] == c {
			n++
		}
		switch {
		case c == '\'':
			quoted, _, ok := strings.Cut(text[i+1:], "'")
			if !ok {
				return errors.New("a quote of the layout is not closed")
			}
			if l.literal(quoted); quoted == "" {
				l.literal("'")
			}
			i += len(quoted) + 2
			continue
		case strings.HasPrefix(text[i:], "[.S") || strings.HasPrefix(text[i:], "[,S"):
			inside, _, ok := strings.Cut(text[i+2:], "]")
			if !ok || strings.Trim(inside, "S") != "" {
				return errors.New("only a fraction, as in [.SSS], may stand in brackets")
			}
			l.add(optional, 0, 0)
			i += len(inside) + 3
			continue
		case (c == '.' || c == ',') && n == 1 && strings.HasPrefix(text[i+1:], "S"):
			digits := len(text[i+1:]) - len(strings.TrimLeft(text[i+1:], "S"))
			if l.add(fraction, digits, digits); digits == 1 {
				l.parts[len(l.parts)-1].most = 9
			}
			i += 1 + digits
			continue
		case c|0x20 < 'a' || c|0x20 > 'z':
			l.literal(text[i : i+n])
		case !l.letters(c, n):
			return fmt.Errorf("%s is not one of the letters that are read: yyyy yy MM MMM dd D HH h a mm ss SSS Z X z VV E; "+
				"other text stands in quotes ('T')", text[i:i+n])
		}
		i += n
	}
	return nil
}

// letters adds what n letters of Java stand for. It reports false for others.
func (l *Layout) letters(c byte, n int) bool {
	digits := func(e element) bool {
		l.add(e, n, 2)
		return n <= 2
	}
	switch c {
	case 'y', 'u', 'Y':
		if n == 2 {
			l.add(yearShort, 2, 2)
			return true
		}
		l.add(year, 4, 4)
	case 'M', 'L':
		if n <= 2 {
			return digits(month)
		}
		l.add(monthName, 0, 0)
	case 'd':
		return digits(day)
	case 'D':
		l.add(dayOfYear, 3, 3)
	case 'E', 'e':
		l.add(weekday, 0, 0)
	case 'H':
		return digits(hour)
	case 'h':
		return digits(hourOf12)
	case 'a':
		l.add(halfOfDay, 0, 0)
	case 'm':
		return digits(minute)
	case 's':
		return digits(second)
	case 'S':
		l.add(fractional, n, n)
	case 'Z', 'X', 'x', 'z', 'V', 'O':
		l.add(zoneAny, 0, 0)
	default:
		return false
	}
	return true
}

// Read reads a text that is a time of the layout and nothing else. The year of one without it is the one that puts it
// at most twelve hours after the object was stored; when that is not known, the time is zero, and ok true all the same.
func (l *Layout) Read(b []byte, stored time.Time) (t time.Time, ok bool) {
	c := clock{day: 1, month: 1}
	var days, half int // half of the day is 1 or 2
	for i := range l.parts {
		p := &l.parts[i]
		n := 0
		switch p.element {
		case literal:
			if !bytes.HasPrefix(b, []byte(p.text)) {
				return t, false
			}
			b = b[len(p.text):]
			continue
		case spaces:
			b = bytes.TrimLeft(b, " \t")
			continue
		case epoch:
			t, n, ok = epochTime(b)
			return t, ok && n == len(b)
		case fraction, optional:
			if n = c.fraction(b); n == 0 && p.element == optional {
				continue
			}
			if n < 1+p.least || p.most > 0 && n > 1+p.most {
				return t, false
			}
		case zoneAny:
			if n = c.zone(b); n == 0 {
				return t, false
			}
		case monthName:
			c.month, n = longName(b, monthNames[:])
		case weekday:
			_, n = longName(b, weekdayNames[:])
		case halfOfDay:
			half, n = half12(b)
		default:
			n = c.digits(p, b, &days)
		}
		if n == 0 {
			return t, false
		}
		b = b[n:]
	}
	if len(b) > 0 {
		return t, false
	}
	if half > 0 {
		if c.hour < 1 || c.hour > 12 {
			return t, false
		}
		c.hour = c.hour%12 + 12*(half-1)
	}
	return c.complete(l, days, stored)
}

// complete returns the time that was read.
func (c *clock) complete(l *Layout, days int, stored time.Time) (time.Time, bool) {
	if !l.dated {
		t, _, _, ok := c.yearless(0, stored)
		return t, ok
	}
	if days > 0 {
		c.month, c.day = 1, days
		for c.month <= 12 && c.day > daysIn(c.year, c.month) {
			c.day -= daysIn(c.year, c.month)
			c.month++
		}
	}
	return c.time()
}

// digits reads a number of a part and returns its length.
func (c *clock) digits(p *part, b []byte, days *int) int {
	n := 0
	for n < len(b) && n < p.most && isDigit(b[n]) {
		n++
	}
	if n < p.least {
		return 0
	}
	v, _ := number(b, n)
	switch p.element {
	case year:
		c.year = v
	case yearShort:
		if c.year = 1900 + v; v < 69 {
			c.year += 100
		}
	case month:
		c.month = v
	case day:
		c.day = v
	case dayOfYear:
		if *days = v; v == 0 {
			return 0
		}
	case hour, hourOf12:
		c.hour = v
	case minute:
		c.minute = v
	case second:
		c.sec = v
	case fractional:
		c.nano = v
		for i := n; i < 9; i++ {
			c.nano *= 10
		}
	default:
	}
	return n
}

var (
	monthNames = [...]string{
		"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
		"December",
	}
	weekdayNames = [...]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
)

// longName reads one of some names, or its first three letters, and returns its number from 1 on.
func longName(b []byte, names []string) (number, size int) {
	for i, name := range names {
		switch {
		case len(b) >= len(name) && bytes.EqualFold(b[:len(name)], []byte(name)):
			return i + 1, len(name)
		case len(b) >= 3 && bytes.EqualFold(b[:3], []byte(name[:3])):
			return i + 1, 3
		}
	}
	return 0, 0
}

// half12 reads AM or PM and returns 1 or 2.
func half12(b []byte) (half, size int) {
	if len(b) < 2 || b[1]|0x20 != 'm' {
		return 0, 0
	}
	switch b[0] | 0x20 {
	case 'a':
		return 1, 2
	case 'p':
		return 2, 2
	}
	return 0, 0
}
