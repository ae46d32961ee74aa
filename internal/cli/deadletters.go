package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
)

func newDeadLetterCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "deadletter",
		Aliases: []string{"deadletters"},
		Short:   "List, show and replay the records that could not be delivered",
		Long: `deadletter looks into the directory, or below the s3://bucket/prefix, where ship and the Lambda function leave the records
that the domain will never take: with their bytes, where they came from, and the reason.`,
		Example: `  penstock deadletter list
  penstock deadletter show 4f2a
  penstock deadletter replay --domain https://… --type mapper_parsing_exception`,
		GroupID: groupMove,
		Args:    rejectUnknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeadLetterList(a), newDeadLetterShow(a), newDeadLetterReplay(a))
	return cmd
}

// letterOptions say where dead letters rest and how to get there.
type letterOptions struct {
	dir string
	s3  s3Options
}

func (o *letterOptions) flags(f flagSet) {
	f.str(&o.dir, "dead-letters")
	o.s3.flags(f)
}

// open returns the dead letters. The AWS configuration is read for those in S3 only.
func (o *letterOptions) open(ctx context.Context, identity *awsOptions, l logger) (letterStore, error) {
	var cfg aws.Config
	if strings.HasPrefix(o.dir, "s3://") {
		var err error
		if cfg, err = o.s3.load(ctx, identity); err != nil {
			return nil, err
		}
	}
	return openLetters(o.dir, cfg, o.s3, l)
}

// letterFilter chooses letters.
type letterFilter struct {
	letterOptions
	aws                  awsOptions
	reason, kind, object string
}

// lookFlags are those of the commands that only look, and so have no domain with an identity.
func (o *letterFilter) lookFlags(f flagSet) {
	o.flags(f)
	o.aws.flags(f)
}

func (o *letterFilter) chooseFlags(f flagSet) {
	f.StringVar(&o.reason, "reason", "", "only letters with this reason: "+orList(penstock.Reasons()))
	f.StringVar(&o.kind, "type", "", "only letters with this error type of the domain's")
	f.StringVar(&o.object, "object", "", "only letters from objects whose name contains this")
}

func (o *letterFilter) match(l penstock.Letter) bool {
	return (o.reason == "" || l.Reason == o.reason) && (o.kind == "" || l.Type == o.kind) && strings.Contains(l.Source.Object, o.object)
}

// noteReason tells that no letter can have the reason that is asked for.
func (o *letterFilter) noteReason(a *app) {
	if o.reason != "" && !slices.Contains(penstock.Reasons(), o.reason) {
		a.note("no letter has the reason %q; the reasons are %s", o.reason, orList(penstock.Reasons()))
	}
}

// orList writes names as "a, b or c".
func orList(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func (o *letterFilter) look(ctx context.Context, a *app) (letterStore, error) {
	logger, err := a.logger()
	if err != nil {
		return nil, err
	}
	return o.open(ctx, &o.aws, logger)
}

func newDeadLetterList(a *app) *cobra.Command {
	var o letterFilter
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the dead letters",
		Example: "  penstock deadletter list\n  penstock deadletter list --reason rejected --json | jq .detail",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			letters, err := o.look(cmd.Context(), a)
			if err != nil {
				return err
			}
			o.noteReason(a)
			return o.list(cmd.Context(), a, letters, asJSON)
		},
	}
	f := flagSet{cmd.Flags()}
	o.lookFlags(f)
	o.chooseFlags(f)
	f.BoolVar(&asJSON, "json", false, "print the letters as they are stored, one a line")
	return cmd
}

func (o *letterFilter) list(ctx context.Context, a *app, letters letterStore, asJSON bool) error {
	tab := table{left: 5, header: []string{"id", "reason", "type", "where", "detail"}}
	var n int64
	for l, err := range letters.Letters(ctx) {
		if err != nil {
			return err
		}
		if !o.match(l) {
			continue
		}
		n++
		if asJSON {
			line, err := deadletter.Append(nil, l)
			if err != nil {
				return err
			}
			if _, err := a.Out.Write(line); err != nil {
				return &outputError{err}
			}
			continue
		}
		where := fmt.Sprintf("%s byte %d", shorten(l.Source.Object, 40), l.Source.Offset)
		tab.rows = append(tab.rows, []string{printable(shorten(l.ID, 44)), printable(l.Reason), printable(l.Type), printable(where), printable(shorten(l.Detail, 70))})
	}
	if asJSON {
		return nil
	}
	if n == 0 {
		_, _ = fmt.Fprintf(a.Out, "no dead letters in %s\n", o.dir)
		return nil
	}
	tab.write(a.Out)
	_, _ = fmt.Fprintf(a.Out, "  %s in %s\n", plural(n, "dead letter"), o.dir)
	return nil
}

func newDeadLetterShow(a *app) *cobra.Command {
	var o letterFilter
	cmd := &cobra.Command{
		Use:     "show ID",
		Short:   "Show one dead letter; the beginning of its id is enough",
		Example: "  penstock deadletter show 4f2a",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			letters, err := o.look(cmd.Context(), a)
			if err != nil {
				return err
			}
			return o.show(cmd.Context(), a, letters, args[0])
		},
	}
	o.lookFlags(flagSet{cmd.Flags()})
	return cmd
}

func (o *letterFilter) show(ctx context.Context, a *app, letters letterStore, id string) error {
	var found []penstock.Letter
	for l, err := range letters.Letters(ctx) {
		if err != nil {
			return err
		}
		if l.ID == id {
			found = []penstock.Letter{l}
			break
		}
		if strings.HasPrefix(l.ID, id) && len(found) < 2 {
			found = append(found, l)
		}
	}
	switch len(found) {
	case 0:
		return usagef("penstock deadletter list shows the ids", "no dead letter %q in %s", id, o.dir)
	case 2:
		return usagef("give more of it", "id %q is the beginning of more than one", id)
	}
	l := found[0]
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(a.Out, "%-9s %s\n", name, printable(value))
		}
	}
	line("id", l.ID)
	line("time", l.Time.Format(time.RFC3339))
	line("reason", l.Reason)
	line("type", l.Type)
	line("detail", l.Detail)
	line("object", l.Source.Object)
	line("entry", l.Source.Entry)
	line("format", l.Source.Format)
	line("version", firstOf(l.Source.Version, l.Source.ETag))
	line("place", fmt.Sprintf("byte %d, %d bytes", l.Source.Offset, l.Source.Length))
	line("index", l.Index)
	line("document", string(l.Document))
	line("record", string(l.Raw))
	return nil
}

func newDeadLetterReplay(a *app) *cobra.Command {
	var o letterFilter
	var t target
	var w writeOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Send the documents of dead letters again, under their old ids",
		Long: `replay sends the documents of dead letters to the domain again, under the ids and indexes they had, so that nothing is
doubled. What arrives is taken out of the dead letters; what is refused again stays. Letters by reference (an overlong record,
the rest of a corrupt object) hold no document: ship their source again.

Exit codes: 0 nothing is left of what was chosen, 3 some letters stay.`,
		Example: "  penstock deadletter replay --domain https://…\n  penstock deadletter replay --type mapper_parsing_exception --domain https://…",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return replay(cmd.Context(), a, &o, &t, &w, asJSON)
		},
	}
	f := flagSet{cmd.Flags()}
	o.flags(f)
	o.chooseFlags(f)
	t.flags(f)
	w.flags(f)
	f.BoolVar(&asJSON, "json", false, "print one JSON object with the counts")
	return cmd
}

func replay(ctx context.Context, a *app, o *letterFilter, t *target, w *writeOptions, asJSON bool) error {
	logger, err := a.logger()
	if err != nil {
		return err
	}
	d, err := t.open(ctx, w.inFlight)
	if err != nil {
		return err
	}
	t.notePath(a)
	o.noteReason(a)
	writer, err := w.writer(ctx, d, logger)
	if err != nil {
		return err
	}
	letters, err := o.open(ctx, &t.aws, logger)
	if err != nil {
		return err
	}
	counts, err := deadletter.Replay(ctx, letters, writer, o.match)
	if err != nil && ctx.Err() != nil {
		err = &penstock.InterruptedError{Before: "every dead letter was sent", Err: err}
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = errors.Join(err, writer.Close(closing), letters.Close())
	if asJSON {
		if jerr := json.NewEncoder(a.Out).Encode(counts); jerr != nil {
			return &outputError{jerr}
		}
	} else {
		more := ""
		if counts.DroppedByDomain > 0 {
			more = fmt.Sprintf(", %d dropped by the domain's pipeline", counts.DroppedByDomain)
		}
		if counts.Unacknowledged > 0 {
			more += fmt.Sprintf(", %d without an outcome", counts.Unacknowledged)
		}
		_, _ = fmt.Fprintf(a.Out, "%s: %d delivered, %d were there already, %d refused again, %d by reference%s\n",
			plural(counts.Letters, "dead letter"), counts.Delivered, counts.Duplicate, counts.Again, counts.ByReference, more)
	}
	if err != nil {
		return err
	}
	if counts.Again+counts.ByReference > 0 {
		return exitWith(exitDeadLetters)
	}
	return nil
}
