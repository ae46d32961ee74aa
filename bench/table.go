package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
)

// table collects the figures of all formats and prints them beside the targets.
type table struct {
	out  io.Writer
	w    *tabwriter.Writer
	note []string
	conf config
}

func newTable(out io.Writer, c config) *table {
	t := &table{out: out, w: tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight), conf: c}
	fmt.Fprintln(t.w, "format\tmeasure\tmedian\tmin\tmax\ttarget\t\t")
	return t
}

// add puts the samples of one format into the table, and reports whether a target is missed. A run with a delay has
// no target for CPU: a process that sleeps between bursts finds cold caches; nor has one over TLS.
func (t *table) add(format string, c corpus, samples []sample) (missed bool) {
	want := targets()[format]
	if t.conf.delay > 0 || t.conf.tls {
		want.cpuPerGB = 0
	}
	gb := float64(c.Plain) / 1e9
	row := func(measure, verb string, limit float64, value func(sample) float64) {
		var values []float64
		for _, s := range samples {
			if v := value(s); !math.IsNaN(v) {
				values = append(values, v)
			}
		}
		if len(values) == 0 {
			t.note = append(t.note, format+": "+measure+": the shipper did not say")
			missed = missed || limit > 0
			return
		}
		m := median(values)
		text, verdict := "", ""
		if limit > 0 {
			text, verdict = fmt.Sprintf("≤ %g", limit), "pass"
			if m > limit {
				verdict, missed = "MISS", true
			}
		}
		fmt.Fprintf(t.w, "%s\t%s\t"+verb+"\t"+verb+"\t"+verb+"\t%s\t%s\t\n",
			format, measure, m, slices.Min(values), slices.Max(values), text, verdict)
	}
	row("CPU-s/GB", "%.2f", want.cpuPerGB, func(s sample) float64 { return s.cpu.Seconds() / gb })
	row("peak RSS MB", "%.1f", want.rssMB, func(s sample) float64 { return s.rssMB })
	row("allocations/doc", "%.4f", want.allocsPerDoc, func(s sample) float64 { return s.allocs / float64(c.Records) })
	row("MB/s", "%.0f", 0, func(s sample) float64 { return float64(c.Plain) / 1e6 / s.wall.Seconds() })
	row("docs/s", "%.0f", 0, func(s sample) float64 { return float64(c.Records) / s.wall.Seconds() })
	row("SHA-256 MB/s", "%.0f", 0, func(s sample) float64 { return s.hashMB })
	row("requests", "%.0f", 0, func(s sample) float64 { return float64(s.requests) })
	row("body/input", "%.2f", 0, func(s sample) float64 { return float64(s.wire) / float64(c.Plain) })
	noisy := 0
	for _, s := range samples {
		if s.noisy {
			noisy++
		}
	}
	if noisy > 0 {
		t.note = append(t.note,
			fmt.Sprintf("%s: %d of %d runs on a busy machine: wall and CPU figures are too high", format, noisy, len(samples)))
	}
	return missed
}

func (t *table) print() {
	fmt.Fprintln(t.out)
	_ = t.w.Flush()
	if len(t.conf.extra) > 0 {
		fmt.Fprintln(t.out, "ship", strings.Join(t.conf.extra, " "))
	}
	fmt.Fprintf(t.out, "every document counted at the sink; "+
		"a strict pass before found all of them to be JSON, with different ids, signed; delay %s\n", t.conf.delay)
	for _, n := range t.note {
		fmt.Fprintln(t.out, n)
	}
}

func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
