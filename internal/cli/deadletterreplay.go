package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
)

// replayOptions are the settings of deadletter replay.
type replayOptions struct {
	letterFilter
	target    pipeline.Target
	targets   map[string]pipeline.Target
	write     pipeline.Write
	index     string
	read      pipeline.Read // its routes and rules
	anyDomain bool
	asJSON    bool
}

func newDeadLetterReplay(a *app) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Send the documents of dead letters again, under their old ids",
		Long: `replay sends the documents of dead letters to the domain again, under the ids and indexes they had, so that
nothing is doubled. What arrives is taken out of the dead letters; what is refused again stays. Rules of the
configuration file that have not run on a letter do so; one that a rule leaves out is taken out, too.

It takes the letters that were written for this domain, and sends those of targets that routes of the configuration
file name to the target they were for, unless --domain or --target stands on the command line. It says how many it left
for others: --from takes those of another domain (one that was replaced, or was reached through a tunnel), --any-domain
all. Letters of earlier versions do not say for which domain they are, and are taken.

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
			a.routes(cmd, &o.read)
			if !o.anyDomain && o.from == "" {
				var err error
				if o.targets, err = a.routeTargets(o.read.Routes, &o.target); err != nil {
					return err
				}
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
	wanted, homes := "", []string(nil)
	res := replayResult{Left: map[string]int64{}}
	r, err := pipeline.OpenReplay(ctx, pipeline.ReplayOptions{
		Target: o.target, Targets: o.targets, Write: o.write, S3: o.s3, DeadLetters: o.dir, Index: o.index,
		Routes: o.read.Routes, Definitions: o.read.Definitions, Always: o.read.Always, Keys: o.read.Keys,
		Secret: o.target.AWS.Secret(ctx), Lookups: o.read.Lookups,
		Reroute: reroute, Logger: logger,
		Choose: func(l penstock.Letter) bool {
			if !o.match(l) {
				return false
			}
			if !isFor(l, wanted) && !slices.Contains(homes, l.Domain) {
				res.Left[l.Domain]++
				return false
			}
			return true
		},
	})
	if err != nil {
		return err
	}
	if wanted, err = o.wanted(); err != nil {
		return err
	}
	homes = r.Homes()
	a.notePath(&o.target)
	o.noteReason(a)
	a.noteNoIDs(&o.write)
	if err := r.Connect(ctx); err != nil {
		return err
	}
	res.ReplayCounts, err = r.Run(ctx)
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
	if res.Dropped > 0 {
		more += fmt.Sprintf(", %d dropped by a rule", res.Dropped)
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
