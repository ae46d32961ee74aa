package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/source"
)

// explainOptions are the settings of explain.
type explainOptions struct {
	aws     pipeline.AWS
	s3      pipeline.S3
	read    pipeline.Read
	records int
	objects int
	shown   int
	place   string
}

func newExplainCommand(a *app) *cobra.Command {
	var o explainOptions
	cmd := &cobra.Command{
		Use:   "explain OBJECT…",
		Short: "Say what would be done with an object, without doing it",
		Long: `explain reads the beginning of an object and says how it is stored, what it is recognised as and why, where
its times come from, which indexes its documents would go to, and what they look like. It sends nothing and leaves
nothing behind.

Rules are applied, and what they redact is not shown; --show-secrets shows it on a terminal.

An OBJECT is what ship takes: a file, a directory, - for standard input, s3://bucket/key or s3://bucket/prefix.
docs/explain.md explains the output.`,
		Example: `  penstock explain s3://my-logs/2026/11/24/x.log.gz
  penstock explain app.log --index 'app-{level|none}-{yyyy.MM.dd}' --show 3`,
		GroupID: groupLook,
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			a.routes(cmd, &o.read)
			o.read.Secret = o.aws.Secret(cmd.Context())
			if o.read.ShowSecrets && !isTerminal(a.Out) {
				return &usageError{
					Err:  errors.New("--show-secrets is for a terminal: this output goes elsewhere"),
					Hint: "without it, records are shown as they leave",
				}
			}
			return o.run(cmd.Context(), a, args)
		},
	}
	cmd.ValidArgsFunction = a.sources(&o.aws, &o.s3)
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.AWS(&o.aws)
	f.S3(&o.s3)
	f.Read(&o.read)
	o.read.Tables, o.read.Near = tables, true
	f.Text(&o.place, "place")
	f.IntVar(&o.records, "records", 10_000, "most records to read of an entry")
	f.IntVar(&o.objects, "objects", 10, "most objects to read")
	f.IntVar(&o.shown, "show", 1, "documents to show of each entry")
	f.BoolVar(&o.read.ShowSecrets, "show-secrets", false, "show records without redaction; on a terminal alone")
	return cmd
}

func (o *explainOptions) run(ctx context.Context, a *app, args []string) error {
	logger, err := a.logger()
	if err != nil {
		return err
	}
	o.read.Object = pipeline.ObjectsBy(ctx, func() (*source.S3, error) { return o.s3.Open(ctx, &o.aws, logger) })
	p, rules, err := o.read.Stages()
	if err != nil {
		return err
	}
	from := pipeline.Sources{Names: args, Stdin: a.In, Place: o.place, Linger: time.Second}
	from.Empty = a.noteEmpty(&from)
	src, err := from.Open(ctx, &o.aws, &o.s3, logger)
	if err != nil {
		return err
	}
	left := o.objects
	var failed error
	for item, err := range src.Items(ctx) {
		if err != nil {
			return err
		}
		for i := range item.Objects {
			if left == 0 {
				_, _ = fmt.Fprintf(a.Out, "… and more; --objects %d would show more of them\n", 10*o.objects)
				return failed
			}
			left--
			if err := o.object(ctx, a.Out, p, &item.Objects[i]); err != nil {
				_, _ = fmt.Fprintf(a.Out, "  cannot be read  %s\n", printable(err.Error()))
				failed = errors.Join(failed, err)
			}
		}
	}
	a.noteUnseen(rules)
	return failed
}

// line writes one fact about an object.
func line(w io.Writer, name, format string, args ...any) {
	_, _ = fmt.Fprintf(w, "  %-11s %s\n", name, printable(fmt.Sprintf(format, args...)))
}

func (o *explainOptions) object(ctx context.Context, w io.Writer, p *penstock.Pipeline, obj *penstock.Object) error {
	stream, err := obj.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	_, _ = fmt.Fprintln(w, printable(obj.Name))
	id := stream.Identity
	switch {
	case id.Version != "":
		line(w, "version", "%s", id.Version)
	case id.ETag != "":
		line(w, "etag", "%s", id.ETag)
	default:
		line(w, "version", "none: ids follow the content")
	}
	if obj.Size >= 0 {
		line(w, "size", "%s", humanBytes(obj.Size))
	}
	for entry, err := range p.Decoder.Entries(id.Key, stream) {
		done := true
		if err == nil {
			done, err = o.entry(w, p, obj, id, entry)
		} else if entry.Name != "" {
			line(w, "entry", "%s", entry.Name)
		}
		if oe, ok := errors.AsType[*penstock.ObjectError](err); ok {
			line(w, "dead letter", "by reference, %s: %v", oe.Reason, oe)
			continue
		}
		if err != nil || !done {
			return err
		}
	}
	return nil
}

// seen is what is known of the records of an entry.
type seen struct {
	records, unparsed, dropped, errors int

	timed      int
	from, to   time.Time
	indexes    map[string]int
	firstID    string
	documents  [][]byte
	way        string   // of the first document beside its index
	before     [][]byte // what the records of documents were before rules changed them; nil for those that they did not
	firstError error
	rules      []penstock.RuleCount
}

// entry explains one stream of plain bytes. It reports whether it was read to its end.
func (o *explainOptions) entry(w io.Writer, p *penstock.Pipeline, obj *penstock.Object, id penstock.Identity,
	e penstock.Entry,
) (bool, error) {
	if e.Name != "" {
		line(w, "entry", "%s", e.Name)
	}
	line(w, "stored as", "%s", storedAs(e))
	reading, err := p.Read(obj, id, e)
	if reading == nil {
		return false, err
	}
	if reading.Route != "" {
		line(w, "route", "%s", reading.Route)
	}
	if reading.Skip != "" {
		line(w, "skipped", "%s", reading.Skip)
		return true, nil
	}
	line(w, "format", "%s: %s", reading.Format, o.reason(reading))
	for _, near := range reading.Near {
		line(w, "near", "%s: %s", near.Format, near.Against)
	}
	if err != nil {
		return false, err
	}
	s := seen{indexes: map[string]int{}}
	whole := true
	var broken error
	for shaped, err := range reading.Documents(0) {
		if s.records+s.errors >= o.records {
			whole = false
			break
		}
		if shaped == nil {
			broken = err
			break
		}
		s.add(shaped, err, o.shown)
	}
	for _, route := range reading.Routes() {
		s.rules = append(s.rules, route.Rules...)
	}
	s.write(w, whole && broken == nil)
	return whole, broken
}

func (s *seen) add(r *penstock.Shaped, err error, shown int) {
	if !r.Unread {
		s.records++
		if r.Unparsed {
			s.unparsed++
		}
		if !r.Time.IsZero() {
			s.timed++
			if s.from.IsZero() || r.Time.Before(s.from) {
				s.from = r.Time
			}
			if r.Time.After(s.to) {
				s.to = r.Time
			}
		}
	}
	if errors.Is(err, penstock.ErrDrop) {
		s.dropped++
		return
	}
	if err != nil {
		s.errors++
		if s.firstError == nil {
			s.firstError = fmt.Errorf("%w", err)
		}
		return
	}
	doc := r.Document
	s.indexes[qualified(doc.Target, doc.Index)]++
	if s.firstID == "" {
		s.firstID, s.way = string(doc.ID), wayOf(&doc)
	}
	if len(s.documents) < shown {
		s.documents = append(s.documents, doc.Body())
		s.before = append(s.before, bytes.Clone(r.Before))
	}
}

func (s *seen) write(w io.Writer, whole bool) {
	more := ""
	if !whole {
		more = " or more"
	}
	line(w, "records", "%s%s", humanCount(int64(s.records)), more)
	if s.unparsed > 0 {
		line(w, "unparsed", "%s of them, which go on as raw text with the reason", humanCount(int64(s.unparsed)))
	}
	if s.dropped > 0 {
		line(w, "dropped", "%s of them, by a rule", humanCount(int64(s.dropped)))
	}
	if s.errors > 0 {
		line(w, "dead letter", "%s, the first: %v", humanCount(int64(s.errors)), s.firstError)
	}
	if s.timed > 0 {
		line(w, "times", "%s to %s, in %s of the records", s.from.Format(time.RFC3339), s.to.Format(time.RFC3339),
			humanCount(int64(s.timed)))
	} else if s.records > 0 {
		line(w, "times", "none in the records: the name's or the object's date is taken")
	}
	names := slices.Sorted(maps.Keys(s.indexes))
	const most = 10
	for i, name := range names {
		if i == most {
			line(w, "index", "… and %d more", len(names)-most)
			break
		}
		line(w, "index", "%s: %s", name, plural(int64(s.indexes[name]), "document"))
	}
	if s.firstID != "" {
		line(w, "first id", "%s", s.firstID)
	}
	if s.way != "" {
		line(w, "first goes", "%s", s.way)
	}
	for i := range s.rules {
		if text := fired(&s.rules[i]); text != "" {
			line(w, "rule", "%s", text)
		}
	}
	redacts := slices.ContainsFunc(s.rules, func(c penstock.RuleCount) bool { return c.Verb == "redact" })
	for i, doc := range s.documents {
		switch {
		case s.before[i] != nil && redacts:
			line(w, "before", "not shown: rules redact these records")
		case s.before[i] != nil:
			line(w, "before", "%s", s.before[i])
		}
		line(w, "document", "%s", doc)
	}
}

// fired says what a rule did, empty when it did nothing.
func fired(c *penstock.RuleCount) string {
	if c.Records+c.Failed == 0 {
		return ""
	}
	text := fmt.Sprintf("%s (%s): %s", c.Rule, c.Verb, plural(c.Records, "record"))
	if c.Dropped > 0 {
		text += fmt.Sprintf(", %s left out", humanCount(c.Dropped))
	}
	if c.Failed > 0 {
		text += fmt.Sprintf(", failed on %s", humanCount(c.Failed))
	}
	if c.Shadow {
		text += ", as a shadow: it did nothing"
	}
	return text
}

// wayOf says how a document goes into its index, where a route says something of it.
func wayOf(d *penstock.Document) string {
	var parts []string
	if d.Target != "" {
		parts = append(parts, "to the target "+d.Target)
	}
	if d.Pipeline != "" {
		parts = append(parts, "through the pipeline "+d.Pipeline)
	}
	if len(d.Routing) > 0 {
		parts = append(parts, fmt.Sprintf("by the routing %q", d.Routing))
	}
	if d.Replace {
		parts = append(parts, "in the place of what has its id")
	}
	return strings.Join(parts, ", ")
}

// storedAs names the compressions and archives around an entry, the innermost first.
func storedAs(e penstock.Entry) string {
	containers := decode.Containers(e)
	if len(containers) == 0 {
		return "plain"
	}
	slices.Reverse(containers)
	return strings.Join(containers, " in ")
}

// reason says why a format was chosen.
func (o *explainOptions) reason(r *penstock.Reading) string {
	if o.read.Format != "" {
		return "because --format says so"
	}
	for _, route := range o.read.Routes {
		if route.Name == r.Route && route.Format != "" {
			return fmt.Sprintf("because the route %q says so", r.Route)
		}
	}
	for _, f := range pipeline.Formats(o.read.Definitions...) {
		if f.Name == r.Format {
			return f.Signature
		}
	}
	return ""
}
