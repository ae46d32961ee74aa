package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

const referenceName = "reference design"

// targets are how many times the reference's rate a proxy is to reach, by its name and the load.
func targets() map[string]map[string]float64 {
	return map[string]map[string]float64{
		"penstock":                    {"GET": 2.5, "POST of 5 MiB": 2.2},
		"penstock, audit and metrics": {"GET": 2},
	}
}

// maxRSS is how much memory penstock may take, in MB.
const maxRSS = 48

// median is the result whose rate is in the middle.
func median(all []result) result {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b result) int {
		if a.perSecond < b.perSecond {
			return -1
		}
		return 1
	})
	return all[len(all)/2]
}

func report(out io.Writer, sent []load, all []*contender) error {
	var errs []error
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "load\tproxy\tper second\tof the reference\tp50 ms\tp99 ms\tCPU ms\tpeak MB\t")
	for _, l := range sent {
		base := median(all[0].results[l.name])
		for _, p := range all {
			r, peak := median(p.results[l.name]), peakOf(p.pid)
			ratio := r.perSecond / base.perSecond
			fmt.Fprintf(w, "%s\t%s\t%.0f\t%.2f\t%.2f\t%.2f\t%.3f\t%.0f\t\n", l.name, p.name, r.perSecond, ratio, r.p50, r.p99,
				r.cpu, peak)
			want, ok := targets()[p.name]
			if !ok {
				continue
			}
			if want[l.name] > ratio {
				errs = append(errs, fmt.Errorf("%s, %s: %.2f times the reference, want %.1f", p.name, l.name, ratio, want[l.name]))
			}
			if r.p99 > base.p99 {
				errs = append(errs, fmt.Errorf("%s, %s: p99 is %.2f ms, the reference's %.2f", p.name, l.name, r.p99, base.p99))
			}
			if peak > maxRSS {
				errs = append(errs, fmt.Errorf("%s: %.0f MB, at most %d", p.name, peak, maxRSS))
			}
		}
	}
	_ = w.Flush()
	return errors.Join(errs...)
}
