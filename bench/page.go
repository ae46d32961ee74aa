package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"runtime"
	"strings"
	"text/template"
	"time"
)

//go:embed page.tmpl
var pageText string

// page is what the template of the page is filled with.
type page struct{ *table }

// page writes the figures as a page of the documentation.
func (t *table) page(file string) error {
	tmpl, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, page{t}); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// Machine says where and how the figures were measured.
func (p page) Machine() string {
	text := wrapped(fmt.Sprintf("Measured %s on %s. The sink that stands for the domain runs on the same cores. MB and "+
		"GB are powers of ten, of uncompressed input; the figures are medians of %d runs, and where they are to go is in "+
		"brackets.", time.Now().UTC().Format("2006-01-02"), machine(p.results), p.conf.rounds))
	var busy []string
	for _, r := range p.results {
		if r.noisy() > 0 {
			busy = append(busy, r.row.title)
		}
	}
	if len(busy) > 0 {
		text += "\n" + wrapped("The machine did other work in some runs of these rows, whose wall and CPU figures are too "+
			"high: "+strings.Join(busy, "; ")+".")
	}
	return text
}

// Large are the rows that are about bytes, Small those about objects.
func (p page) Large() []result { return p.some(true) }

// Small are the rows about objects.
func (p page) Small() []result { return p.some(false) }

func (p page) some(large bool) (some []result) {
	for _, r := range p.results {
		if r.isLarge() == large {
			some = append(some, r)
		}
	}
	return some
}

// Function says what the function does at one vCPU.
func (p page) Function() string {
	if p.function == "" {
		return ""
	}
	return wrapped(p.function + ".")
}

// Core is what a busy core does in a row.
func (p page) Core(name string) string {
	for _, r := range p.results {
		if r.row.name == name {
			return fmt.Sprintf("%.0f MB/s", 1000/median(r.each(r.ours, r.cpu)))
		}
	}
	return "not measured"
}

// Title is the row's.
func (r result) Title() string { return r.row.title }

// Cell is a figure with its goal, when it has one.
func (r result) Cell(measure string) string {
	for _, f := range r.figures() {
		if f.measure != measure {
			continue
		}
		text := f.text()
		if strings.HasSuffix(measure, "%") {
			text += " %"
		}
		if f.goal > 0 {
			text += " (" + f.wanted() + ")"
		}
		return text
	}
	return ""
}

// wrapped is a paragraph in lines that fit the screen.
func wrapped(text string) string {
	var b strings.Builder
	width := 0
	for word := range strings.FieldsSeq(text) {
		switch length := len([]rune(word)); {
		case width == 0:
			width = length
		case width+1+length > 118:
			b.WriteByte('\n')
			width = length
		default:
			b.WriteByte(' ')
			width += 1 + length
		}
		b.WriteString(word)
	}
	return b.String() + "\n"
}

// machine says what the figures were measured on.
func machine(results []result) string {
	cpu := "a processor of unknown make"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, rest, _ := strings.Cut(string(text), "model name")
		line, _, _ := strings.Cut(rest, "\n")
		if name := strings.TrimSpace(strings.TrimLeft(line, "\t :")); name != "" {
			cpu = name
		}
	}
	text := fmt.Sprintf("%d cores (%s, %s/%s", runtime.NumCPU(), cpu, runtime.GOOS, runtime.GOARCH)
	var sums []float64
	for _, r := range results {
		for _, s := range r.ours {
			sums = append(sums, s.hashMB)
		}
	}
	if len(sums) > 0 {
		text += fmt.Sprintf(", SHA-256 at %.0f MB/s", median(sums))
	}
	return text + "), " + runtime.Version()
}
