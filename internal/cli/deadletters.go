package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
)

func newDeadLetterCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "deadletter",
		Aliases: []string{"deadletters"},
		Short:   "List, show, count, replay and remove the records that could not be delivered",
		Long: `deadletter looks into the directory, or below the s3://bucket/prefix, where ship and the Lambda function
leave the records that the domain will never take: with their bytes, where they came from, and the reason.
docs/deadletters.md explains them.`,
		Example: `  penstock deadletter summary
  penstock deadletter list --reason rejected
  penstock deadletter show 4f2a
  penstock deadletter replay --domain https://… --type mapper_parsing_exception`,
		GroupID: groupMove,
		Args:    rejectUnknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeadLetterList(a), newDeadLetterShow(a), newDeadLetterSummary(a), newDeadLetterReplay(a),
		newDeadLetterRemove(a))
	return cmd
}

// letterFilter chooses letters.
type letterFilter struct {
	letterOptions
	aws                        pipeline.AWS
	reason, kind, object, from string
}

// lookFlags are those of the commands that only look, and so have no domain with an identity.
func (o *letterFilter) lookFlags(f settings.Flags) {
	o.flags(f)
	f.AWS(&o.aws)
}

func (o *letterFilter) chooseFlags(f settings.Flags) {
	f.StringVar(&o.reason, "reason", "", "only letters with this reason: "+orList(penstock.Reasons()))
	f.StringVar(&o.kind, "type", "", "only letters with this error type of the domain's")
	f.StringVar(&o.object, "object", "", "only letters from objects whose name contains this")
	f.StringVar(&o.from, "from", "", "only letters that were written for this domain, an https:// URL")
}

// check puts the domain into the form in which letters name it.
func (o *letterFilter) check() error {
	if o.from == "" {
		return nil
	}
	name, err := pipeline.DomainName(o.from)
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	o.from = name
	return nil
}

// match reports whether a letter is chosen, whatever its domain.
func (o *letterFilter) match(l penstock.Letter) bool {
	return (o.reason == "" || l.Reason == o.reason) && (o.kind == "" || l.Type == o.kind) &&
		strings.Contains(l.Source.Object, o.object)
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

// isFor reports whether a letter was written for a domain. Earlier versions did not write for which: such a letter is
// for any.
func isFor(l penstock.Letter, domain string) bool {
	return domain == "" || l.Domain == "" || l.Domain == domain
}

func (o *letterFilter) any() bool {
	return o.reason == "" && o.kind == "" && o.object == "" && o.from == ""
}

// look opens the letters for reading. Letters that were named must be there.
func (o *letterFilter) look(cmd *cobra.Command, a *app) (deadletter.Store, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	logger, err := a.logger()
	if err != nil {
		return nil, err
	}
	if err := o.exists(cmd); err != nil {
		return nil, err
	}
	o.noteReason(a)
	return o.open(cmd.Context(), &o.aws, logger)
}

// exists says that a directory that was named is not there. S3 has no directories: a prefix without objects has no
// letters.
func (o *letterFilter) exists(cmd *cobra.Command) error {
	if !o.named(cmd) || strings.HasPrefix(o.dir, "s3://") {
		return nil
	}
	if _, err := os.Stat(o.dir); errors.Is(err, fs.ErrNotExist) {
		return usagef("check the name; ship makes the directory that it is given when it starts", "read dead letters in "+
			"%s: there is no such directory", o.dir)
	}
	return nil
}

// each calls f with every chosen letter.
func (o *letterFilter) each(ctx context.Context, letters deadletter.Store, f func(penstock.Letter) error) error {
	for l, err := range letters.Letters(ctx) {
		if err != nil {
			return err
		}
		if !o.match(l) || !isFor(l, o.from) {
			continue
		}
		if err := f(l); err != nil {
			return err
		}
	}
	return nil
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
			letters, err := o.look(cmd, a)
			if err != nil {
				return err
			}
			return o.list(cmd.Context(), a, letters, asJSON)
		},
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	o.lookFlags(f)
	o.chooseFlags(f)
	f.BoolVar(&asJSON, "json", false, "print the letters as they are stored, one a line")
	return cmd
}

func (o *letterFilter) list(ctx context.Context, a *app, letters deadletter.Store, asJSON bool) error {
	tab := table{
		left: 7, spare: []int{5, 4, 3},
		header: []string{"id", "reason", "type", "where", "index", "domain", "detail"},
	}
	var n int64
	err := o.each(ctx, letters, func(l penstock.Letter) error {
		n++
		if asJSON {
			return writeLetter(a.Out, l)
		}
		where := fmt.Sprintf("%s byte %d", shorten(l.Source.Object, 40), l.Source.Offset)
		tab.rows = append(tab.rows, []string{
			printable(shorten(l.ID, 44)), printable(l.Reason), printable(l.Type), printable(where),
			printable(shorten(cmp.Or(l.Index, "-"), 40)), printable(shorten(cmp.Or(host(l.Domain), "-"), 40)),
			printable(shorten(l.Detail, 70)),
		})
		return nil
	})
	if err != nil || asJSON {
		return err
	}
	if n == 0 {
		_, _ = fmt.Fprintf(a.Out, "no dead letters in %s\n", o.dir)
		return nil
	}
	tab.write(a.Out)
	_, _ = fmt.Fprintf(a.Out, "  %s in %s\n", plural(n, "dead letter"), o.dir)
	return nil
}

// host is the name of a domain without its scheme.
func host(domain string) string {
	if _, rest, ok := strings.Cut(domain, "://"); ok {
		return rest
	}
	return domain
}

func newDeadLetterShow(a *app) *cobra.Command {
	var o letterFilter
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one dead letter; the beginning of its id is enough",
		Long: `show prints everything that is known of a dead letter. A record that failed on its way to two indexes, or to
two domains, has two letters.`,
		Example: "  penstock deadletter show 4f2a",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			letters, err := o.look(cmd, a)
			if err != nil {
				return err
			}
			found, err := o.find(cmd.Context(), letters, args[0])
			for i, l := range found {
				if asJSON {
					if err := writeLetter(a.Out, l); err != nil {
						return err
					}
					continue
				}
				if i > 0 {
					_, _ = fmt.Fprintln(a.Out)
				}
				show(a.Out, l)
			}
			return err
		},
		ValidArgsFunction: o.ids(a),
	}
	o.lookFlags(settings.Flags{FlagSet: cmd.Flags()})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the letter as it is stored")
	return cmd
}

// writeLetter writes a letter as it is stored.
func writeLetter(w io.Writer, l penstock.Letter) error {
	line, err := deadletter.Append(nil, l)
	if err != nil {
		return err
	}
	if _, err := w.Write(line); err != nil {
		return &outputError{err}
	}
	return nil
}

// find returns the letters with an id, or with the one id that begins like this.
func (o *letterFilter) find(ctx context.Context, letters deadletter.Store, id string) ([]penstock.Letter, error) {
	var exact, similar []penstock.Letter
	ambiguous := false
	err := o.each(ctx, letters, func(l penstock.Letter) error {
		switch {
		case l.ID == id:
			exact = append(exact, l)
		case !strings.HasPrefix(l.ID, id) || ambiguous:
		case len(similar) > 0 && similar[0].ID != l.ID:
			ambiguous = true
		default:
			similar = append(similar, l)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(exact) > 0:
		return exact, nil
	case ambiguous:
		return nil, usagef("give more of it", "id %q is the beginning of more than one", id)
	case len(similar) == 0:
		return nil, usagef("penstock deadletter list shows the ids", "no dead letter %q in %s", id, o.dir)
	}
	return similar, nil
}

func show(w io.Writer, l penstock.Letter) {
	line := func(name, value string) {
		if value != "" {
			_, _ = fmt.Fprintf(w, "%-9s %s\n", name, printable(value))
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
	line("version", cmp.Or(l.Source.Version, l.Source.ETag))
	length := fmt.Sprintf("%d bytes", l.Source.Length)
	if l.Source.Length < 0 {
		length = "to the end"
	}
	line("place", fmt.Sprintf("byte %d, %s", l.Source.Offset, length))
	line("index", l.Index)
	line("domain", l.Domain)
	line("document", string(l.Document))
	line("record", string(l.Raw))
	if l.Gone {
		line("raw", "gone")
	}
}

func newDeadLetterSummary(a *app) *cobra.Command {
	var o letterFilter
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "summary",
		Short:   "Count the dead letters by reason, type, field, index, domain and object",
		Example: "  penstock deadletter summary\n  penstock deadletter summary --reason rejected --json | jq .field",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			letters, err := o.look(cmd, a)
			if err != nil {
				return err
			}
			s := deadletter.NewSummary()
			err = o.each(cmd.Context(), letters, func(l penstock.Letter) error {
				s.Add(l)
				return nil
			})
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, s)
			}
			o.summarise(a.Out, s)
			return nil
		},
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	o.lookFlags(f)
	o.chooseFlags(f)
	f.BoolVar(&asJSON, "json", false, "print one JSON object with the counts")
	return cmd
}

func (o *letterFilter) summarise(w io.Writer, s *deadletter.Summary) {
	if s.Letters == 0 {
		_, _ = fmt.Fprintf(w, "no dead letters in %s\n", o.dir)
		return
	}
	for _, g := range []struct {
		name   string
		counts map[string]int64
	}{
		{"reason", s.Reason},
		{"type", s.Type},
		{"field", s.Field},
		{"index", s.Index},
		{"domain", s.Domain},
		{"object", s.Object},
	} {
		if len(g.counts) > 0 {
			countTable(g.name, g.counts).write(w)
			_, _ = fmt.Fprintln(w)
		}
	}
	_, _ = fmt.Fprintf(w, "  %s in %s\n", plural(s.Letters, "dead letter"), o.dir)
}

// countTable shows the largest counts.
func countTable(name string, counts map[string]int64) *table {
	const most = 10
	tab := &table{left: 1, header: []string{name, "letters"}}
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	for i, n := range names {
		if i == most && len(names) > most+1 {
			rest := int64(0)
			for _, n := range names[most:] {
				rest += counts[n]
			}
			tab.rows = append(tab.rows, []string{fmt.Sprintf("… and %d more", len(names)-most), humanCount(rest)})
			break
		}
		tab.rows = append(tab.rows, []string{printable(shorten(n, 60)), humanCount(counts[n])})
	}
	return tab
}

func newDeadLetterRemove(a *app) *cobra.Command {
	var o letterFilter
	var all, asJSON bool
	cmd := &cobra.Command{
		Use:   "remove [ID…]",
		Short: "Take dead letters out without sending them",
		Long: `remove takes the chosen letters out of the dead letters. Their records are not delivered: it is for letters
that nobody needs. Choose them by id, where the beginning is enough, or with the filters of "list"; --all removes
every letter.`,
		Example: "  penstock deadletter remove 4f2a\n  penstock deadletter remove --reason binary\n" +
			"  penstock deadletter remove --all --from https://old-domain.example",
		RunE: func(cmd *cobra.Command, ids []string) error {
			if len(ids) == 0 && o.any() && !all {
				return usagef("name an id, choose with --reason, --type, --object or --from, or say --all", "no letter is chosen")
			}
			letters, err := o.look(cmd, a)
			if err != nil {
				return err
			}
			n, err := o.remove(cmd.Context(), letters, ids)
			if err = errors.Join(err, letters.Close()); err != nil {
				return err
			}
			if asJSON {
				return printJSON(a.Out, map[string]int64{"removed": n})
			}
			_, _ = fmt.Fprintf(a.Out, "%s removed from %s\n", plural(n, "dead letter"), o.dir)
			return nil
		},
		ValidArgsFunction: o.ids(a),
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	o.lookFlags(f)
	o.chooseFlags(f)
	f.BoolVar(&all, "all", false, "remove every letter that the other flags choose")
	f.BoolVar(&asJSON, "json", false, "print one JSON object with the count")
	return cmd
}

// remove takes out the chosen letters, or those of them with the ids.
func (o *letterFilter) remove(ctx context.Context, letters deadletter.Store, ids []string) (int64, error) {
	var marks []deadletter.Mark
	if len(ids) == 0 {
		err := o.each(ctx, letters, func(l penstock.Letter) error {
			marks = append(marks, deadletter.MarkOf(l))
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	for _, id := range ids {
		found, err := o.find(ctx, letters, id)
		if err != nil {
			return 0, err
		}
		for _, l := range found {
			if m := deadletter.MarkOf(l); !slices.Contains(marks, m) {
				marks = append(marks, m)
			}
		}
	}
	return int64(len(marks)), letters.Remove(ctx, marks...)
}

// printJSON prints one value on one line. Commands and addresses in it stay as people copy them.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return &outputError{err}
	}
	return nil
}
