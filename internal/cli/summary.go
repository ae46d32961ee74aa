package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
)

// result is what a run prints at its end: the JSON object of --json, and what the table is made of.
type result struct {
	penstock.Counts
	Formats     map[string]int64 `json:"formats,omitempty"` // objects by format
	Requests    int64            `json:"requests"`
	Retries     int64            `json:"retries"`
	BytesOut    int64            `json:"bytes_out"`
	Seconds     float64          `json:"seconds"`
	DeadLetters string           `json:"dead_letters,omitempty"` // where they rest, when there are any
	Error       string           `json:"error,omitempty"`
	Allocs      uint64           `json:"allocs,omitempty"` // with PENSTOCK_BENCH=1
}

// exitCode is the run's, by the architecture's table: an error of the whole run has its own.
func (r *result) exitCode(err error) int {
	switch {
	case err != nil:
		return exitCodeFor(err)
	case r.ItemsGivenBack > 0:
		return exitIncomplete
	case r.DeadLettered > 0:
		return exitDeadLetters
	}
	return exitOK
}

func (r *result) writeJSON(w io.Writer) error {
	if err := json.NewEncoder(w).Encode(r); err != nil {
		return &outputError{err}
	}
	return nil
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

// objectTable collects object reports for people. It keeps those that went wrong and the first others.
type objectTable struct {
	reports []penstock.ObjectReport
	more    int
	all     bool // keep every report
}

// shownObjects is how many objects without trouble are shown; the rest is only counted.
const shownObjects = 25

func (t *objectTable) add(r penstock.ObjectReport) {
	troubled := r.Err != nil || r.Counts.DeadLettered > 0
	if !t.all && !troubled && len(t.reports) >= shownObjects {
		t.more++
		return
	}
	t.reports = append(t.reports, r)
}

func (t *objectTable) write(w io.Writer, r *result) error {
	tab := table{left: 2, header: []string{"object", "recognised as", "records", "delivered", "duplicate", "dead-lettered", "dropped", "unacknowledged", "bytes", "time"}}
	for _, o := range t.reports {
		c := o.Counts
		tab.rows = append(tab.rows, []string{
			printable(shorten(o.Object, 48)), recognised(o), humanCount(c.Records), humanCount(c.Delivered), humanCount(c.Duplicate),
			humanCount(c.DeadLettered), humanCount(c.Dropped), humanCount(c.Unacknowledged), humanBytes(c.BytesIn), humanDuration(o.Elapsed),
		})
	}
	if t.more > 0 {
		tab.rows = append(tab.rows, []string{fmt.Sprintf("… and %s more without trouble", humanCount(int64(t.more))), "", "", "", "", "", "", "", "", ""})
	}
	c := r.Counts
	tab.footer = []string{
		"total: " + plural(c.Objects, "object"), "", humanCount(c.Records), humanCount(c.Delivered), humanCount(c.Duplicate),
		humanCount(c.DeadLettered), humanCount(c.Dropped), humanCount(c.Unacknowledged), humanBytes(c.BytesIn),
		humanDuration(time.Duration(r.Seconds * float64(time.Second))),
	}
	var text bytes.Buffer
	tab.write(&text)
	_, _ = fmt.Fprintf(&text, "  %s\n", equation(r.Counts))
	if n := r.DroppedByDomain; n > 0 {
		_, _ = fmt.Fprintf(&text, "  of the dropped, the domain's own ingest pipeline left out %s\n", humanCount(n))
	}
	if _, err := text.WriteTo(w); err != nil {
		return &outputError{err}
	}
	return nil
}

func recognised(o penstock.ObjectReport) string {
	switch {
	case o.Err != nil && len(o.Formats) == 0:
		return "(given back)"
	case len(o.Formats) == 0 && o.Skipped != "":
		return "(skipped: " + o.Skipped + ")"
	case len(o.Formats) == 0:
		return "-"
	}
	return strings.Join(o.Formats, ", ")
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return humanCount(n) + " " + noun + "s"
}

// equation writes the sum that accounts for every record.
func equation(c penstock.Counts) string {
	sign := "="
	if !c.Balanced() {
		sign = "≠"
	}
	return fmt.Sprintf("%s records %s %s delivered + %s duplicate + %s dead-lettered + %s dropped + %s unacknowledged",
		humanCount(c.Records), sign, humanCount(c.Delivered), humanCount(c.Duplicate), humanCount(c.DeadLettered), humanCount(c.Dropped), humanCount(c.Unacknowledged))
}
