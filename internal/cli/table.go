package cli

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// table prints rows in columns that are as wide as their widest cell. Columns after the first left ones are numbers and
// stand to the right.
type table struct {
	header []string
	left   int // number of left-aligned columns
	rows   [][]string
	footer []string
}

func (t *table) write(w io.Writer) {
	rows := append([][]string{t.header}, t.rows...)
	if t.footer != nil {
		rows = append(rows, t.footer)
	}
	widths := make([]int, len(t.header))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i, row := range rows {
		if t.footer != nil && i == len(rows)-1 {
			total := 2 * (len(widths) - 1)
			for _, n := range widths {
				total += n
			}
			_, _ = fmt.Fprintf(w, "  %s\n", strings.Repeat("─", total))
		}
		var line strings.Builder
		for j, cell := range row {
			pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if j > 0 {
				line.WriteString("  ")
			}
			if j < t.left {
				line.WriteString(cell + pad)
			} else {
				line.WriteString(pad + cell)
			}
		}
		_, _ = fmt.Fprintf(w, "  %s\n", strings.TrimRight(line.String(), " "))
	}
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
