package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	asJSON  bool
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
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object for each entry")
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
	out := explainer{&sink{w: a.Out}, o.asJSON}
	left := o.objects
	var failed error
	for item, err := range src.Items(ctx) {
		if err != nil {
			return err
		}
		for i := range item.Objects {
			if left == 0 {
				if o.asJSON {
					a.note("there are more objects; --objects %d would show more of them", 10*o.objects)
					return failed
				}
				_, _ = fmt.Fprintf(a.Out, "… and more; --objects %d would show more of them\n", 10*o.objects)
				return failed
			}
			left--
			failed = errors.Join(failed, o.object(ctx, out, p, &item.Objects[i]))
			if out.err != nil {
				return unwritten(out.err)
			}
		}
	}
	a.noteUnseen(rules)
	return failed
}

// object explains the entries of an object.
func (o *explainOptions) object(
	ctx context.Context, out explainer, p *penstock.Pipeline, obj *penstock.Object,
) error {
	known := explainedObject{Object: obj.Name}
	stream, err := obj.Open(ctx)
	if err != nil {
		out.object(&known)
		out.entry(&explained{explainedObject: known, Error: err.Error()})
		return err
	}
	defer func() { _ = stream.Close() }()
	id := stream.Identity
	known.Version, known.opened = id.Version, true
	if id.Version == "" {
		known.ETag = id.ETag
	}
	if obj.Size >= 0 {
		known.Size = &obj.Size
	}
	out.object(&known)
	for entry, err := range p.Decoder.Entries(id.Key, stream) {
		e := &explained{explainedObject: known, Entry: entry.Name}
		done := true
		if err == nil {
			done, err = o.entry(e, p, obj, id, entry)
		}
		if letter, ok := errors.AsType[*penstock.ObjectError](err); ok {
			e.DeadLetter = &explainedLetter{Reason: letter.Reason, Text: letter.Error()}
			out.entry(e)
			continue
		}
		if err != nil {
			e.Error = err.Error()
		}
		out.entry(e)
		if err != nil || !done {
			return err
		}
	}
	return nil
}

// entry explains one stream of plain bytes. It reports whether it was read to its end.
func (o *explainOptions) entry(
	x *explained, p *penstock.Pipeline, obj *penstock.Object, id penstock.Identity, e penstock.Entry,
) (bool, error) {
	x.StoredAs = append([]string{}, decode.Containers(e)...)
	slices.Reverse(x.StoredAs)
	reading, err := p.Read(obj, id, e)
	if reading == nil {
		return false, err
	}
	x.Route, x.Skipped = reading.Route, reading.Skip
	if reading.Skip != "" {
		return true, nil
	}
	x.Format, x.Reason = reading.Format, o.reason(reading)
	for _, near := range reading.Near {
		x.Near = append(x.Near, explainedNear(near))
	}
	if err != nil {
		return false, err
	}
	s := &seen{Indexes: map[string]int{}, Whole: true}
	x.seen = s
	var broken error
	for shaped, err := range reading.Documents(0) {
		if s.Records+s.Letters >= o.records {
			s.Whole = false
			break
		}
		if shaped == nil {
			broken = err
			break
		}
		s.add(shaped, err, o.shown)
	}
	for _, route := range reading.Routes() {
		for _, rule := range route.Rules {
			s.redacts = s.redacts || rule.Verb == "redact"
			if rule.Records+rule.Failed > 0 {
				s.Rules = append(s.Rules, rule)
			}
		}
	}
	whole := s.Whole
	s.Whole = whole && broken == nil
	s.hideBefore()
	return whole, broken
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
