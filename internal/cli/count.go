package cli

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/pipeline"
)

// counting is a Deliverer and a DeadLetters that take everything and keep nothing: they count what would be sent.
type counting struct{ documents, bytes atomic.Int64 }

var _ pipeline.Preview = (*counting)(nil)

// Hold is part of penstock.Deliverer.
func (*counting) Hold() (release func()) { return func() {} }

// Begin is part of penstock.Deliverer.
func (c *counting) Begin(penstock.RejectFunc) penstock.Delivery {
	return &countingDelivery{counting: c}
}

// Put is part of penstock.DeadLetters.
func (*counting) Put(context.Context, ...penstock.Letter) error { return nil }

type countingDelivery struct {
	*counting
	n int64
}

// lineBytes are those of a document's action, but for its index and its id.
const lineBytes = int64(len(`{"create":{"_index":"","_id":""}}`) + len("\n\n"))

// Add is part of penstock.Delivery.
func (d *countingDelivery) Add(_ context.Context, doc penstock.Document) error {
	d.n++
	d.documents.Add(1)
	d.bytes.Add(int64(doc.Size()+len(doc.Index)+len(doc.ID)+len(doc.Routing)+len(doc.Pipeline)) + lineBytes)
	return nil
}

// Wait is part of penstock.Delivery.
func (d *countingDelivery) Wait(context.Context) (penstock.Outcome, error) {
	return penstock.Outcome{Delivered: d.n}, nil
}

// requests is how many requests so much takes: as many as fill up by bytes, or by documents.
func requests(w *pipeline.Write, documents, bytes int64) int64 {
	if documents == 0 {
		return 0
	}
	up := func(n, size int64) int64 { return (n + size - 1) / max(size, 1) }
	return max(up(bytes, w.BatchBytes), up(documents, int64(w.BatchDocs)))
}

// cost is what so many bytes cost by a price for each GB, 10^9 bytes.
func cost(bytes int64, price float64) float64 { return float64(bytes) / 1e9 * price }

// routeTable shows what became of the records by route. With send it shows what sending them takes.
func routeTable(routes penstock.RouteCounts, send *pipeline.Write, price float64) *table {
	t := &table{left: 1, header: []string{"route", "records", "docu|ments", "dropped", "dead |letters", "bytes"}}
	if send != nil {
		t.header = append(t.header, "requests")
	}
	if price > 0 {
		t.header = append(t.header, "price")
	}
	if len(routes) == 1 && routes[0].Route == "" && send == nil {
		return t
	}
	for i := range routes {
		c := &routes[i]
		name := printable(c.Route)
		if name == "" {
			name = "(none)"
		}
		row := []string{
			name, humanCount(c.Records), humanCount(c.Documents), humanCount(c.Dropped), humanCount(c.Letters),
			humanBytes(c.Bytes),
		}
		if send != nil {
			row = append(row, humanCount(requests(send, c.Documents, c.Bytes)))
		}
		if price > 0 {
			row = append(row, fmt.Sprintf("%.2f", cost(c.Bytes, price)))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// ruleTable shows what each rule did. With send it shows what sending the records takes that a rule is for.
func ruleTable(routes penstock.RouteCounts, send *pipeline.Write) *table {
	t := &table{left: 3, header: []string{"route", "rule", "verb", "records", "dropped", "failed", "bytes"}}
	if send != nil {
		t.header = append(t.header, "requests")
	}
	for i := range routes {
		name := printable(routes[i].Route)
		if name == "" {
			name = "(none)"
		}
		for n := range routes[i].Rules {
			r := &routes[i].Rules[n]
			verb := r.Verb
			if r.Shadow {
				verb += " (shadow)"
			}
			row := []string{
				name, printable(r.Rule), verb, humanCount(r.Records), humanCount(r.Dropped), humanCount(r.Failed),
				humanBytes(r.Bytes),
			}
			if send != nil {
				row = append(row, humanCount(requests(send, r.Records, r.Bytes)))
			}
			t.rows = append(t.rows, row)
		}
	}
	return t
}

// writeCount says what sending would take.
func (r *result) writeCount(w io.Writer) {
	_, _ = fmt.Fprintf(w, "penstock: %s would be sent in %s, nothing was sent\n", humanBytes(r.BytesOut),
		plural(r.Requests, "request"))
	if r.Cost != nil {
		_, _ = fmt.Fprintf(w, "penstock: at the price_per_gb of the file that is %.2f\n", *r.Cost)
	}
}
