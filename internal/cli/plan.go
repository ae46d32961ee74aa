package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/pipeline"
)

// The bounds of what a plan reads.
const (
	plannedObjects = 16
	plannedRecords = 2000 // of each of them
)

// plan is what would be shipped, as far as a listing and a sample tell.
type plan struct {
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// UnknownSizes are objects whose size is known when they are read only.
	UnknownSizes int64 `json:"unknown_sizes,omitempty"`

	Sampled    int              `json:"sampled"`
	Formats    map[string]int   `json:"formats"`
	Routes     map[string]int   `json:"routes,omitempty"`
	Indexes    map[string]int64 `json:"indexes"`
	Unreadable int              `json:"unreadable,omitempty"`

	Documents     int64   `json:"documents"`
	DocumentBytes int64   `json:"document_bytes"`
	Requests      int64   `json:"requests"`
	Minutes       float64 `json:"minutes"`

	// Of the sample.
	stored, docs, docBytes, counted int64
	took                            time.Duration
	first                           error
}

// nothing takes no documents: a plan makes them and sends none.
type nothing struct{ pipeline.Preview }

// printPlan says what would be shipped.
func (o *shipOptions) printPlan(ctx context.Context, a *app) error {
	o.Preview = nothing{}
	p, err := pipeline.Open(ctx, o.Options)
	if err != nil {
		return err
	}
	got := &plan{Formats: map[string]int{}, Routes: map[string]int{}, Indexes: map[string]int64{}}
	sample, err := got.list(ctx, p.Source)
	if err != nil {
		return err
	}
	for i := range sample {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		got.read(ctx, &p.Pipeline, &sample[i])
	}
	if got.Sampled > 0 && got.Unreadable == got.Sampled {
		return got.first
	}
	got.estimate(o)
	if o.asJSON {
		return printJSON(a.Out, got)
	}
	got.write(a.Out, o)
	return nil
}

// list goes through the objects and returns some of them, spread over the whole: every one at first, then every second
// one, every fourth and so on.
func (g *plan) list(ctx context.Context, source penstock.Source) ([]penstock.Object, error) {
	var sample []penstock.Object
	every := int64(1)
	for item, err := range source.Items(ctx) {
		if err != nil {
			return nil, err
		}
		if item.Settle != nil {
			_ = item.Settle(ctx, errLookedAt) // it may hold a file open, which is opened again
		}
		for _, o := range item.Objects {
			if g.Objects++; o.Size >= 0 {
				g.Bytes += o.Size
			} else {
				g.UnknownSizes++
			}
			if (g.Objects-1)%every != 0 {
				continue
			}
			if sample = append(sample, o); len(sample) == 2*plannedObjects {
				for i := range plannedObjects {
					sample[i] = sample[2*i]
				}
				sample, every = sample[:plannedObjects], 2*every
			}
		}
	}
	return sample, ctx.Err()
}

// read takes the beginning of an object into account.
func (g *plan) read(ctx context.Context, p *penstock.Pipeline, o *penstock.Object) {
	g.Sampled++
	began := time.Now()
	err := g.entries(ctx, p, o)
	g.took += time.Since(began)
	if err != nil {
		g.Unreadable++
		g.first = cmp.Or(g.first, err)
	}
}

func (g *plan) entries(ctx context.Context, p *penstock.Pipeline, o *penstock.Object) error {
	stream, err := o.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	stored := &countedReader{r: stream}
	whole := true
	left := plannedRecords
	for entry, err := range p.Decoder.Entries(stream.Identity.Key, stored) {
		if err == nil {
			err = g.entry(p, o, stream.Identity, entry, &left)
		}
		if _, verdict := errors.AsType[*penstock.ObjectError](err); err != nil && !verdict {
			return err
		}
		if left <= 0 {
			whole = false
			break
		}
	}
	read := stored.n.Load()
	if whole && o.Size >= 0 {
		read = o.Size
	}
	g.stored += read
	g.counted++
	return nil
}

func (g *plan) entry(
	p *penstock.Pipeline, o *penstock.Object, id penstock.Identity, e penstock.Entry, left *int,
) error {
	reading, err := p.Read(o, id, e)
	if reading == nil {
		return err
	}
	if reading.Route != "" {
		g.Routes[reading.Route]++
	}
	if reading.Skip != "" {
		g.Formats["(skipped: "+reading.Skip+")"]++
		return nil
	}
	g.Formats[reading.Format]++
	if err != nil {
		return err
	}
	for s, err := range reading.Documents(0) {
		if s == nil {
			return err
		}
		if *left--; *left < 0 {
			return nil
		}
		if err != nil {
			continue
		}
		g.docs++
		g.docBytes += int64(s.Document.Size())
		g.Indexes[qualified(s.Document.Target, s.Document.Index)]++
	}
	return nil
}

// estimate scales the sample to the whole.
func (g *plan) estimate(o *shipOptions) {
	scale := 0.0
	switch {
	case g.stored > 0 && g.UnknownSizes == 0:
		scale = float64(g.Bytes) / float64(g.stored)
	case g.counted > 0:
		scale = float64(g.Objects) / float64(g.counted)
	}
	if scale < 1 && g.counted > 0 {
		scale = 1
	}
	g.Documents = int64(float64(g.docs)*scale + 0.5)
	g.DocumentBytes = int64(float64(g.docBytes)*scale + 0.5)
	if g.Documents > 0 {
		g.Requests = max(1, g.DocumentBytes/o.Write.BatchBytes, g.Documents/int64(o.Write.BatchDocs))
	}
	seconds := g.took.Seconds() * scale / float64(o.Workers)
	if rate, err := pipeline.ParseRate(o.Rate); err == nil {
		switch {
		case rate.Documents > 0:
			seconds = max(seconds, float64(g.Documents)/float64(rate.Documents))
		case rate.Bytes > 0:
			seconds = max(seconds, float64(g.DocumentBytes)/float64(rate.Bytes))
		}
	}
	g.Minutes = seconds / 60
}

func (g *plan) write(w io.Writer, o *shipOptions) {
	unknown := ""
	if g.UnknownSizes > 0 {
		unknown = fmt.Sprintf(", and %s of unknown size", plural(g.UnknownSizes, "object"))
	}
	line(w, "objects", "%s, %s stored%s", humanCount(g.Objects), humanBytes(g.Bytes), unknown)
	line(w, "sampled", "%s, at most %s records of each", plural(int64(g.Sampled), "object"), humanCount(plannedRecords))
	if g.Unreadable > 0 {
		line(w, "unreadable", "%d of them, the first: %v", g.Unreadable, g.first)
	}
	counts := func(name string, of map[string]int) {
		for _, key := range slices.SortedFunc(maps.Keys(of), func(a, b string) int {
			return cmp.Or(cmp.Compare(of[b], of[a]), strings.Compare(a, b))
		}) {
			line(w, name, "%s: %d", key, of[key])
		}
	}
	counts("route", g.Routes)
	counts("format", g.Formats)
	const most = 10
	names := slices.SortedFunc(maps.Keys(g.Indexes), func(a, b string) int {
		return cmp.Or(cmp.Compare(g.Indexes[b], g.Indexes[a]), strings.Compare(a, b))
	})
	for i, name := range names {
		if i == most {
			line(w, "index", "… and %d more in the sample", len(names)-most)
			break
		}
		line(w, "index", "%s", name)
	}
	line(w, "documents", "about %s, %s", humanCount(g.Documents), humanBytes(g.DocumentBytes))
	line(w, "requests", "about %s", humanCount(g.Requests))
	line(w, "time", "%s at least, with %s; the domain may need longer",
		humanWait(time.Duration(g.Minutes*float64(time.Minute))), plural(int64(o.Workers), "worker"))
	_, _ = fmt.Fprintln(w, "nothing was sent")
}
