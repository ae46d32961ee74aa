package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/pipeline"
)

// result is what a run prints at its end: the JSON object of --json, and what the table is made of.
type result struct {
	penstock.Counts
	sum         penstock.Counts      // what Counts was before a dry run took its name for delivered
	DryRun      bool                 `json:"dry_run,omitempty"`
	Previewed   *int64               `json:"previewed,omitempty"` // of a dry run, in the place of delivered
	Formats     map[string]int64     `json:"formats,omitempty"`   // objects by format
	Indexes     map[string]int64     `json:"indexes,omitempty"`   // documents by index
	Routes      penstock.RouteCounts `json:"routes,omitempty"`    // records by route and rule
	Cost        *float64             `json:"cost,omitempty"`      // of --count, at the price of the file
	Requests    int64                `json:"requests"`
	Retries     int64                `json:"retries"`
	BytesOut    int64                `json:"bytes_out"`
	Seconds     float64              `json:"seconds"`
	DeadLetters string               `json:"dead_letters,omitempty"` // where they rest, when there are any
	Error       string               `json:"error,omitempty"`
	Allocs      uint64               `json:"allocs,omitempty"` // with PENSTOCK_BENCH=1
}

// count takes what the run counted. Of a dry run nothing is delivered.
func (r *result) count(c penstock.Counts, dry bool) {
	r.sum, r.Counts, r.DryRun = c, c, dry
	if dry {
		r.Previewed, r.Delivered = &c.Delivered, 0
	}
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

// summary collects what became of the objects, for people.
type summary struct {
	all bool // show every object and every index
	// given are the objects that were given back, troubled the others of which something is to be said, at most shownRows
	// each without all, and more how many there are besides.
	given, troubled []penstock.ObjectReport
	more            int64
	formats         map[string]*penstock.Counts
	indexes         map[string]int64
	send            *pipeline.Write // of --count: what requests are bounded by
	price           float64         // of a GB, 0 for none
	refused         int64           // given back because somebody refused
	failed          int64           // given back for any reason
}

func newSummary(all bool) *summary {
	return &summary{all: all, formats: map[string]*penstock.Counts{}, indexes: map[string]int64{}}
}

// shownRows is how many objects, and how many indexes, are shown.
const shownRows = 20

// maxSummed bounds the indexes that a summary knows by name; those beyond are counted together, under no name.
const maxSummed = 10_000

func (s *summary) add(r penstock.ObjectReport) {
	name := recognised(r)
	if s.formats[name] == nil {
		s.formats[name] = new(penstock.Counts)
	}
	s.formats[name].Add(r.Counts)
	for _, c := range r.Indexes {
		name := qualified(c.Target, c.Index)
		if _, known := s.indexes[name]; !known && len(s.indexes) >= maxSummed {
			name = ""
		}
		s.indexes[name] += c.Documents
	}
	r.Indexes = nil
	if r.Err != nil {
		s.failed++
		if exitCodeFor(r.Err) == exitRefused {
			s.refused++
		}
	}
	switch {
	case s.all:
		s.troubled = append(s.troubled, r)
	case r.Err != nil && len(s.given) < shownRows:
		s.given = append(s.given, r)
	case r.Err == nil && troubled(r.Counts) && len(s.troubled) < shownRows:
		s.troubled = append(s.troubled, r)
	case r.Err != nil || troubled(r.Counts):
		s.more++
	}
}

// qualified names an index of a target as people see it. No index has a slash in its name.
func qualified(target, index string) string {
	if target == "" || index == "" {
		return index
	}
	return target + "/" + index
}

// troubled reports whether there is something to be said of an object with these counts.
func troubled(c penstock.Counts) bool {
	return c.DeadLettered > 0 || c.Unparsed > 0 || c.DroppedByDomain > 0
}

// write writes the tables and the sum. A width of 0 is without a bound.
func (s *summary) write(w io.Writer, r *result, width int) error {
	var text bytes.Buffer
	columns := r.columns()
	for _, t := range []*table{
		s.objectTable(columns), s.formatTable(r, columns), s.indexTable(), routeTable(r.Routes, s.send, s.price),
		ruleTable(r.Routes, s.send),
	} {
		if len(t.rows) > 0 {
			t.print(&text, width)
			_, _ = fmt.Fprintln(&text)
		}
	}
	for n, line := range wrapped(r.equation(), max(width-4, 0)) {
		_, _ = fmt.Fprintf(&text, "  %*s%s\n", 2*min(n, 1), "", line)
	}
	if n := r.DroppedByDomain; n > 0 {
		_, _ = fmt.Fprintf(&text, "  of the dropped, the domain's own ingest pipeline left out %s\n", humanCount(n))
	}
	_, _ = fmt.Fprintf(&text, "  %s in %s\n", humanBytes(r.BytesIn),
		humanDuration(time.Duration(r.Seconds*float64(time.Second))))
	if _, err := text.WriteTo(w); err != nil {
		return &outputError{err}
	}
	return nil
}

// countColumn is a column of the tables.
type countColumn struct {
	header string
	of     func(c *penstock.Counts) int64
}

// columns are those in which anything is counted, and records and delivered in any case.
func (r *result) columns() []countColumn {
	var shown []countColumn
	for i, c := range []countColumn{
		{"records", func(c *penstock.Counts) int64 { return c.Records }},
		{r.arrived(), func(c *penstock.Counts) int64 { return c.Delivered }},
		{"dupli|cate", func(c *penstock.Counts) int64 { return c.Duplicate }},
		{"dead-|lettered", func(c *penstock.Counts) int64 { return c.DeadLettered }},
		{"dropped", func(c *penstock.Counts) int64 { return c.Dropped }},
		{"unacknow|ledged", func(c *penstock.Counts) int64 { return c.Unacknowledged }},
		{"un|parsed", func(c *penstock.Counts) int64 { return c.Unparsed }},
		{"un|dated", func(c *penstock.Counts) int64 { return c.Undated }},
		{"repaired", func(c *penstock.Counts) int64 { return c.Repaired }},
	} {
		if i < 2 || c.of(&r.sum) > 0 {
			shown = append(shown, c)
		}
	}
	return shown
}

// arrived is the header of what got where it should: nothing is delivered in a dry run.
func (r *result) arrived() string {
	if r.DryRun {
		return "pre|viewed"
	}
	return "deliv|ered"
}

func outcomeTable(columns []countColumn, left []string, right ...string) *table {
	t := &table{left: len(left), header: left}
	for _, c := range columns {
		t.header = append(t.header, c.header)
	}
	t.header = append(t.header, right...)
	for i := range right {
		t.spare = append(t.spare, len(t.header)-1-i)
	}
	return t
}

func outcomeRow(columns []countColumn, c *penstock.Counts, left []string, right ...string) []string {
	for _, col := range columns {
		left = append(left, humanCount(col.of(c)))
	}
	return append(left, right...)
}

// objectTable is empty when there is nothing to be said of any object.
func (s *summary) objectTable(columns []countColumn) *table {
	t := outcomeTable(columns, []string{"object", "recognised as"}, "bytes", "time")
	for _, o := range append(s.given, s.troubled...) {
		t.rows = append(t.rows, outcomeRow(columns, &o.Counts, []string{printable(o.Object), recognised(o)},
			humanBytes(o.Counts.BytesIn), humanDuration(o.Elapsed)))
	}
	if s.more > 0 {
		row := make([]string, len(t.header))
		row[0] = fmt.Sprintf("… and %s more; --all shows them", humanCount(s.more))
		t.rows = append(t.rows, row)
	}
	return t
}

func (s *summary) formatTable(r *result, columns []countColumn) *table {
	columns = slices.Insert(slices.Clone(columns), 0, countColumn{
		"objects",
		func(c *penstock.Counts) int64 { return c.Objects },
	})
	t := outcomeTable(columns, []string{"format"}, "bytes")
	row := func(name string, c *penstock.Counts) []string {
		return outcomeRow(columns, c, []string{name}, humanBytes(c.BytesIn))
	}
	for _, name := range slices.Sorted(maps.Keys(s.formats)) {
		t.rows = append(t.rows, row(name, s.formats[name]))
	}
	if len(t.rows) > 1 {
		t.footer = row("total", &r.sum)
	}
	return t
}

// indexTable shows the indexes with the most documents.
func (s *summary) indexTable() *table {
	t := &table{left: 1, header: []string{"index", "documents"}}
	names := slices.SortedFunc(maps.Keys(s.indexes), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.indexes[b], s.indexes[a]), cmp.Compare(a, b))
	})
	var others int64
	more := 0
	if !s.all && len(names) > shownRows {
		more = len(names) - shownRows
		for _, name := range names[shownRows:] {
			others += s.indexes[name]
		}
		names = names[:shownRows]
	}
	slices.Sort(names)
	for _, name := range names {
		label := printable(name)
		if name == "" {
			label = "(others)"
		}
		t.rows = append(t.rows, []string{label, humanCount(s.indexes[name])})
	}
	if more > 0 {
		t.rows = append(t.rows, []string{
			fmt.Sprintf("… and %s more; --all shows them", humanCount(int64(more))),
			humanCount(others),
		})
	}
	return t
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
func (r *result) equation() string {
	return sumOf(r.sum, strings.ReplaceAll(r.arrived(), "|", ""))
}

// equation writes the sum of a run that delivered.
func equation(c penstock.Counts) string { return sumOf(c, "delivered") }

func sumOf(c penstock.Counts, arrived string) string {
	sign := "="
	if !c.Balanced() {
		sign = "≠"
	}
	return fmt.Sprintf("%s %s %s %s + %s duplicate + %s dead-lettered + %s dropped + %s unacknowledged",
		plural(c.Records, "record"), sign, humanCount(c.Delivered), arrived, humanCount(c.Duplicate),
		humanCount(c.DeadLettered), humanCount(c.Dropped), humanCount(c.Unacknowledged))
}
