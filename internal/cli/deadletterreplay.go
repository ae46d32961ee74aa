package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/shape"
)

// replayOptions are the settings of deadletter replay.
type replayOptions struct {
	letterFilter
	target    pipeline.Target
	write     pipeline.Write
	index     string
	anyDomain bool
	asJSON    bool
}

func newDeadLetterReplay(a *app) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Send the documents of dead letters again, under their old ids",
		Long: `replay sends the documents of dead letters to the domain again, under the ids and indexes they had, so that
nothing is doubled. What arrives is taken out of the dead letters; what is refused again stays.

It takes the letters that were written for this domain and says how many it left for others: --from takes those of
another domain (one that was replaced, or was reached through a tunnel), --any-domain all. Letters of earlier versions
do not say for which domain they are, and are taken.

A letter whose document has no index (unshaped) is sent to the one that --index gives; given on the command line,
--index sends the other letters there too. Letters by reference (an overlong record, the rest of a corrupt object,
what cannot be read at all) hold no record: ship their source again.

Exit codes: 0 nothing is left of what was chosen, 3 some letters stay.`,
		Example: `  penstock deadletter replay --domain https://…
  penstock deadletter replay --type mapper_parsing_exception --domain https://…
  penstock deadletter replay --reason unshaped --index 'app-{service|none}-{yyyy.MM.dd}' --domain https://…
  penstock deadletter replay --from https://old-domain… --domain https://…`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.anyDomain && o.from != "" {
				return usagef("leave one of them out", "--from and --any-domain are both given")
			}
			if err := errors.Join(o.check(), o.exists(cmd)); err != nil {
				return err
			}
			return o.run(cmd.Context(), a, given(cmd.Flags(), "index"))
		},
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	o.flags(f)
	o.chooseFlags(f)
	f.Target(&o.target)
	f.Write(&o.write)
	f.Text(&o.index, "index")
	f.BoolVar(&o.anyDomain, "any-domain", false, "take the letters of every domain")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object with the counts")
	return cmd
}

// given reports whether a flag stands on the command line; its value can be from a variable or a file too.
func given(flags *pflag.FlagSet, name string) bool {
	found := false
	flags.Visit(func(f *pflag.Flag) { found = found || f.Name == name })
	return found
}

// replayResult is what a replay prints at its end.
type replayResult struct {
	deadletter.ReplayCounts
	// Left are the chosen letters of other domains, by their domain.
	Left map[string]int64 `json:"left,omitempty"`
}

func (o *replayOptions) run(ctx context.Context, a *app, reroute bool) error {
	logger, err := a.logger()
	if err != nil {
		return err
	}
	r, err := newReshaper(o.index, reroute)
	if err != nil {
		return err
	}
	d, err := o.target.Open(ctx, o.write.MaxInFlight)
	if err != nil {
		return err
	}
	a.notePath(&o.target)
	o.noteReason(a)
	wanted, err := o.wanted()
	if err != nil {
		return err
	}
	a.noteNoIDs(&o.write)
	writer, err := o.write.Open(ctx, d, logger)
	if err != nil {
		return err
	}
	letters, err := o.open(ctx, &o.target.AWS, logger)
	if err != nil {
		return err
	}
	res := replayResult{Left: map[string]int64{}}
	res.ReplayCounts, err = deadletter.Replay(ctx, letters, writer, deadletter.ReplayOptions{
		Choose: func(l penstock.Letter) bool {
			if !o.match(l) {
				return false
			}
			if !isFor(l, wanted) {
				res.Left[l.Domain]++
				return false
			}
			return true
		},
		Document: r.document,
		Logger:   logger,
	})
	if err != nil && ctx.Err() != nil {
		err = &penstock.InterruptedError{Before: "every dead letter was sent", Err: err}
	}
	err = errors.Join(err, pipeline.CloseWriter(ctx, writer), letters.Close())
	if perr := o.print(a, &res); perr != nil {
		return perr
	}
	if err != nil {
		return err
	}
	if res.Again+res.Unshaped+res.ByReference > 0 {
		return exitWith(exitDeadLetters)
	}
	return nil
}

// wanted is the domain whose letters are taken, empty for any.
func (o *replayOptions) wanted() (string, error) {
	if o.anyDomain || o.from != "" {
		return o.from, nil
	}
	return o.target.Name()
}

func (o *replayOptions) print(a *app, res *replayResult) error {
	if o.asJSON {
		return printJSON(a.Out, res)
	}
	more := ""
	if res.DroppedByDomain > 0 {
		more += fmt.Sprintf(", %d dropped by the domain's pipeline", res.DroppedByDomain)
	}
	if res.Unshaped > 0 {
		more += fmt.Sprintf(", %d without an index", res.Unshaped)
	}
	if res.Unacknowledged > 0 {
		more += fmt.Sprintf(", %d without an outcome", res.Unacknowledged)
	}
	_, _ = fmt.Fprintf(a.Out, "%s: %d delivered, %d were there already, %d refused again, %d by reference%s\n",
		plural(res.Letters, "dead letter"), res.Delivered, res.Duplicate, res.Again, res.ByReference, more)
	for _, domain := range slices.Sorted(maps.Keys(res.Left)) {
		_, _ = fmt.Fprintf(a.Out, "%s left, for %s; --from %s takes them\n",
			plural(res.Left[domain], "dead letter"), printable(domain), printable(domain))
	}
	return nil
}

// reshaper makes the documents to send of letters that hold their record.
type reshaper struct {
	pattern string
	namer   *shape.Namer
	reroute bool // also letters that have an index
}

func newReshaper(pattern string, reroute bool) (*reshaper, error) {
	if pattern == "" {
		pattern = shape.DefaultIndex
	}
	p, err := shape.ParsePattern(pattern)
	if err != nil {
		return nil, &usageError{
			Err: err, Hint: "docs/documents.md explains index patterns; the default is " + shape.DefaultIndex,
		}
	}
	return &reshaper{pattern: pattern, namer: p.Namer(), reroute: reroute}, nil
}

func (r *reshaper) document(l penstock.Letter) (penstock.Document, error) {
	if l.Document == nil {
		return r.reshape(l)
	}
	if l.Index == "" || r.reroute {
		index, err := r.namer.Name(l.Source.Format, l.Document)
		if err != nil {
			return penstock.Document{}, fmt.Errorf("name index: %w", err)
		}
		l.Index = index
	}
	return deadletter.DocumentOf(l)
}

// reshape makes a document of the record in a letter, as earlier versions wrote those without an index. Its id is made
// of the object's identity and the record's place; where it follows the content before the record it cannot be made
// again.
func (r *reshaper) reshape(l penstock.Letter) (penstock.Document, error) {
	s := l.Source
	id := penstock.Identity{Bucket: s.Bucket, Key: s.Key, Version: s.Version, ETag: s.ETag}
	if !id.Pinned() || s.Bucket == "" {
		return penstock.Document{}, errors.New("the letter has no document, and its id is not known: ship its source again")
	}
	d, err := format.New(format.Config{Force: s.Format, MaxRecordBytes: len(l.Raw)})
	if err != nil {
		return penstock.Document{}, err
	}
	shaper, err := shape.New(shape.Config{Index: r.pattern})
	if err != nil {
		return penstock.Document{}, err
	}
	p := penstock.Pipeline{Recognizer: d, Shaper: placed{Shaper: shaper, offset: s.Offset}}
	reading, err := p.Read(&penstock.Object{Name: s.Object, Size: -1}, id,
		penstock.Entry{Name: s.Entry, Reader: bytes.NewReader(l.Raw)})
	if err != nil {
		return penstock.Document{}, err
	}
	if reading.Skip != "" {
		return penstock.Document{}, fmt.Errorf("the letter holds no record: %s", reading.Skip)
	}
	var doc penstock.Document
	n := 0
	for shaped, err := range reading.Documents(0) {
		if n++; n > 1 || shaped == nil || shaped.Unread {
			return penstock.Document{}, errors.Join(
				fmt.Errorf("the record is no longer one of format %s: ship its source again", s.Format), err)
		}
		if err != nil {
			return penstock.Document{}, err
		}
		doc = shaped.Document
		doc.ID, doc.Head, doc.Tail = bytes.Clone(doc.ID), doc.Body(), nil
	}
	if n == 0 {
		return penstock.Document{}, errors.New("the letter holds no record")
	}
	doc.Raw, doc.Offset = l.Raw, s.Offset
	return doc, nil
}

var (
	_ penstock.Shaper      = placed{}
	_ penstock.EntryShaper = placed{}
)

// placed shapes records as the one at an offset.
type placed struct {
	penstock.Shaper
	entry  penstock.EntryShaper
	offset int64
}

func (p placed) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	var err error
	p.entry, err = p.Shaper.Entry(o, id, entry, format)
	return p, err
}

func (p placed) Shape(r *penstock.Record) (penstock.Document, error) {
	r.Offset = p.offset
	return p.entry.Shape(r)
}
