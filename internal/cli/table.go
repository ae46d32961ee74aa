package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// table prints rows in columns that are as wide as their widest cell, as far as the terminal is. Columns after the
// first left ones are numbers and stand to the right.
//
// A table that is wider than the terminal gives way in this order: texts get shorter, columns that are not needed go,
// headers take two lines, texts get shorter still, the last columns go below the others.
type table struct {
	header []string // a "|" is where a header may be broken
	left   int      // number of left-aligned columns
	spare  []int    // columns that are not needed, the first one to go first
	wrap   bool     // long texts take several lines instead of losing their middle
	rows   [][]string
	footer []string
}

// The widths that texts keep while something else can give way, and at last.
const (
	fairText  = 24
	leastText = 8
)

// write prints the table, as wide as the terminal behind w at most.
func (t *table) write(w io.Writer) { t.print(w, terminalWidth(w)) }

// print writes the table in at most that many columns; 0 is without a bound.
func (t *table) print(w io.Writer, width int) {
	l := layout{table: t, broken: false, gone: make([]bool, len(t.header))}
	l.measure()
	if width > 0 {
		l.narrow(width)
	}
	for i, gone := range l.parts(width) {
		if l.gone = gone; i > 0 {
			_, _ = fmt.Fprintln(w)
		}
		l.line(w, t.header)
		for _, row := range t.rows {
			l.line(w, row)
		}
		if t.footer != nil {
			_, _ = fmt.Fprintf(w, "  %s\n", strings.Repeat("─", l.total()-2))
			l.line(w, t.footer)
		}
	}
}

// layout is a table on its way to a terminal.
type layout struct {
	*table
	broken bool   // headers take two lines
	gone   []bool // columns that are left out
	widths []int
}

// measure takes the widest cell of each column.
func (l *layout) measure() {
	l.widths = make([]int, len(l.header))
	for i, head := range l.header {
		for _, part := range l.headerLines(head) {
			l.widths[i] = max(l.widths[i], utf8.RuneCountInString(part))
		}
		for _, row := range l.rows {
			l.widths[i] = max(l.widths[i], utf8.RuneCountInString(row[i]))
		}
		if l.footer != nil {
			l.widths[i] = max(l.widths[i], utf8.RuneCountInString(l.footer[i]))
		}
	}
}

func (l *layout) headerLines(head string) []string {
	if l.broken {
		if first, second, ok := strings.Cut(head, "|"); ok {
			return []string{strings.TrimSuffix(first, "-") + "-", second}
		}
	}
	return []string{strings.ReplaceAll(head, "|", "")}
}

// total is the width of a line, without what stands behind it.
func (l *layout) total() int {
	n := 0
	for i, width := range l.widths {
		if !l.gone[i] {
			n += 2 + width
		}
	}
	return n
}

// narrow makes the table fit, as far as it can.
func (l *layout) narrow(width int) {
	l.shorten(width, fairText)
	for _, i := range l.spare {
		if l.total() <= width {
			return
		}
		l.gone[i] = true
		l.measure()
		l.shorten(width, fairText)
	}
	if l.total() > width {
		l.broken = true
		l.measure()
		l.shorten(width, fairText)
		l.shorten(width, leastText)
	}
}

// parts are the columns to leave out of each part of the table: of the only one, when it fits.
func (l *layout) parts(width int) [][]bool {
	if width == 0 || l.total() <= width {
		return [][]bool{l.gone}
	}
	left := 0
	for _, n := range l.widths[:l.left] {
		left += 2 + n
	}
	var parts [][]bool
	used := width // of the part that is being filled
	for i := l.left; i < len(l.widths); i++ {
		if l.gone[i] {
			continue
		}
		if used+2+l.widths[i] > width {
			part := make([]bool, len(l.widths))
			for j := l.left; j < len(part); j++ {
				part[j] = true
			}
			parts, used = append(parts, part), left
		}
		parts[len(parts)-1][i] = false
		used += 2 + l.widths[i]
	}
	return parts
}

// shorten takes from the widest text columns what is too much, and leaves them at least so many characters, and their
// headers.
func (l *layout) shorten(width, least int) {
	for l.total() > width {
		widest := -1
		for i := range l.left {
			if l.widths[i] > max(least, len(l.header[i])) && (widest < 0 || l.widths[i] > l.widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		l.widths[widest]--
	}
}

// line prints one row, which may take several lines.
func (l *layout) line(w io.Writer, row []string) {
	cells := make([][]string, len(row))
	height := 1
	for i, cell := range row {
		switch {
		case &row[0] == &l.header[0]:
			cells[i] = l.headerLines(cell)
		case i < l.left && l.wrap:
			cells[i] = wrapped(cell, l.widths[i])
		case i < l.left:
			cells[i] = []string{shorten(cell, l.widths[i])}
		default:
			cells[i] = []string{cell}
		}
		height = max(height, len(cells[i]))
	}
	for n := range height {
		var text strings.Builder
		for i := range row {
			if l.gone[i] {
				continue
			}
			cell := ""
			if n < len(cells[i]) {
				cell = cells[i][n]
			}
			pad := strings.Repeat(" ", max(0, l.widths[i]-utf8.RuneCountInString(cell)))
			text.WriteString("  ")
			if i < l.left {
				text.WriteString(cell + pad)
			} else {
				text.WriteString(pad + cell)
			}
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(text.String(), " "))
	}
}

// wrapped breaks a text between words into lines of at most so many characters; 0 is without a bound.
func wrapped(text string, width int) []string {
	if width <= 0 {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
		for utf8.RuneCountInString(line) > width {
			r := []rune(line)
			lines, line = append(lines, string(r[:width])), string(r[width:])
		}
	}
	return append(lines, line)
}

// leastWidth is what tables are made for: a terminal that is narrower breaks their lines.
const leastWidth = 80

// terminalWidth is the number of columns of the terminal behind w, 0 when there is none.
func terminalWidth(w io.Writer) int {
	f, ok := terminal(w)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		return leastWidth
	}
	return max(width, leastWidth)
}

// humanBytes writes a size with three significant digits, in powers of 1000.
func humanBytes(n int64) string {
	v, unit := float64(n), "B"
	for _, u := range []string{"kB", "MB", "GB", "TB"} {
		if v < 1000 {
			break
		}
		v, unit = v/1000, u
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.3g %s", v, unit)
}

// humanCount groups digits by three.
func humanCount(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func humanDuration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return d.Round(time.Second).String()
	}
}

// shorten cuts the middle out of a text that is longer than n characters.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	head := (n - 1) / 3
	return string(r[:head]) + "…" + string(r[len(r)-(n-1-head):])
}
