package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// result is what was measured for a row.
type result struct {
	row    row
	corpus corpus
	ours   []sample
	floor  []sample // of the prototype, in the same rounds
	// peers are the other indexers by their names, in the same rounds.
	peers map[string][]sample
}

// figure is one measure of a result.
type figure struct {
	measure, verb string
	values        []float64
	goal          float64
	least         bool // the goal is to be reached from below
}

func (f figure) median() float64 { return median(f.values) }

func (f figure) missed() bool {
	return f.goal > 0 && (f.median() > f.goal && !f.least || f.median() < f.goal && f.least)
}

func (f figure) wanted() string {
	switch {
	case f.goal == 0:
		return ""
	case f.least:
		return fmt.Sprintf("≥ %g", f.goal)
	}
	return fmt.Sprintf("≤ %g", f.goal)
}

func (f figure) text() string { return fmt.Sprintf(f.verb, f.median()) }

// isLarge reports whether the row is about bytes and not about objects.
func (r result) isLarge() bool { return r.row.records == 0 }

// cpu is the CPU of a run in the row's own unit.
func (r result) cpu(s sample) float64 {
	if r.isLarge() {
		return s.cpu.Seconds() / (float64(r.corpus.Bytes) / 1e9)
	}
	return float64(s.cpu.Microseconds()) / float64(r.corpus.Objects)
}

// noisy is the number of runs during which the machine did other work.
func (r result) noisy() (n int) {
	for _, s := range r.ours {
		if s.noisy {
			n++
		}
	}
	return n
}

func (r result) each(of []sample, value func(sample) float64) (values []float64) {
	for _, s := range of {
		values = append(values, value(s))
	}
	return values
}

// figures are those of a row, the goals beside them. A process that sleeps between bursts finds cold caches, so that
// its CPU is compared with its like alone.
func (r result) figures() []figure {
	ours := func(value func(sample) float64) []float64 { return r.each(r.ours, value) }
	perRecord := func(s sample) float64 { return s.allocs / float64(r.corpus.Records) }
	megabytes := float64(r.corpus.Bytes) / 1e6
	g := r.row.goal
	var all []figure
	if r.isLarge() {
		all = append(all,
			figure{"CPU-s/GB", "%.2f", ours(r.cpu), g.cpuPerGB, false},
			figure{"MB/s", "%.0f", ours(func(s sample) float64 { return megabytes / s.wall.Seconds() }), g.mbps, true})
	} else {
		all = append(all,
			figure{"seconds", "%.2f", ours(func(s sample) float64 { return s.wall.Seconds() }), g.seconds, false},
			figure{"µs CPU/object", "%.0f", ours(r.cpu), g.cpuPerObject, false})
	}
	all = append(all,
		figure{"peak RSS MB", "%.1f", ours(func(s sample) float64 { return s.rssMB }), g.rssMB, false},
		figure{"requests", "%.0f", ours(func(s sample) float64 { return float64(s.requests) }), g.requests, false},
		figure{"allocations/doc", "%.4f", ours(perRecord), g.allocsPerDoc, false},
		figure{"body/input", "%.2f", ours(func(s sample) float64 { return float64(s.body) / 1e6 / megabytes }), 0, false},
		figure{"SHA-256 MB/s", "%.0f", ours(func(s sample) float64 { return s.hashMB }), 0, false})
	if len(r.floor) > 0 {
		of := r.each(r.floor, r.cpu)
		ratio := make([]float64, 0, len(of))
		for i, s := range r.ours {
			ratio = append(ratio, 100*of[i]/r.cpu(s))
		}
		all = append(all,
			figure{"prototype CPU", all[0].verb, of, 0, false},
			figure{"prototype/ours %", "%.0f", ratio, 100 * g.ofPrototype, true})
	}
	for _, name := range slices.Sorted(maps.Keys(r.peers)) {
		of := r.peers[name]
		all = append(all,
			figure{name + " CPU", all[0].verb, r.each(of, r.cpu), 0, false},
			figure{name + " MB/s", "%.0f", r.each(of, func(s sample) float64 { return megabytes / s.wall.Seconds() }), 0, true},
			figure{name + " peak RSS MB", "%.1f", r.each(of, func(s sample) float64 { return s.rssMB }), 0, false})
	}
	return slices.DeleteFunc(all, func(f figure) bool {
		return slices.ContainsFunc(f.values, math.IsNaN)
	})
}

// table collects the figures of all rows and prints them beside the goals.
type table struct {
	out      io.Writer
	conf     config
	results  []result
	function string // what was measured of it, or why nothing was
}

func newTable(out io.Writer, c config) *table { return &table{out: out, conf: c} }

func (t *table) add(r result) { t.results = append(t.results, r) }

// print writes all figures, and returns an error for each row that misses a goal.
func (t *table) print() (missed []error) {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\nrow\tmeasure\tmedian\tmin\tmax\tgoal\t\t")
	for _, r := range t.results {
		for _, f := range r.figures() {
			verdict := ""
			if f.goal > 0 {
				verdict = "pass"
			}
			if f.missed() {
				verdict = "MISS"
				missed = append(missed, fmt.Errorf("%s misses its goal for %s", r.row.name, f.measure))
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t"+f.verb+"\t"+f.verb+"\t%s\t%s\t\n",
				r.row.name, f.measure, f.text(), slices.Min(f.values), slices.Max(f.values), f.wanted(), verdict)
		}
	}
	_ = w.Flush()
	if t.function != "" {
		fmt.Fprintln(t.out, t.function)
	}
	if len(t.conf.extra) > 0 {
		fmt.Fprintln(t.out, "ship", strings.Join(t.conf.extra, " "))
	}
	fmt.Fprintln(t.out, "every document counted at the sink; a strict pass before found all of them to be JSON, with "+
		"different ids, signed, and the prototype's to be the same")
	for _, note := range t.noisy() {
		fmt.Fprintln(t.out, note)
	}
	return missed
}

// noisy names the rows that were measured while the machine did other work.
func (t *table) noisy() (notes []string) {
	for _, r := range t.results {
		if n := r.noisy(); n > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d of %d runs on a busy machine: wall and CPU figures are too high",
				r.row.name, n, len(r.ours)))
		}
	}
	return notes
}

func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
