package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/source"
)

// shipOptions are the settings of ship.
type shipOptions struct {
	pipeline.Options
	keepGoing          bool
	asJSON, dry, count bool
	showAll            bool
	strict             bool
	templates          bool
	every              time.Duration
	plan               bool
	from               string // a file with names of objects
}

func newShipCommand(a *app) *cobra.Command {
	var o shipOptions
	cmd := &cobra.Command{
		Use:   "ship SRC…",
		Short: "Ship files, directories, standard input or S3 objects into a domain",
		Long: `ship reads every SRC, recognises and parses what is in it, and delivers the records into the domain.

A SRC is a file, a directory (read recursively, in order), - for standard input, s3://bucket/key, s3://bucket/prefix
or s3://bucket/key?versionId=ID. What follows the bucket is taken literally. Compression and format are recognised by
content.

Every record ends as delivered, duplicate, dead-lettered, dropped or unacknowledged, and the counts add up. Running
the same command again adds no document. Interrupt once to finish what is in hand, twice to stop at once.

A file that is still being written to is left for the next run. Standard input and pipes may go on for ever, as tail
-f does.

Exit codes: 0 everything settled; 2 usage or configuration; 3 finished, with dead letters (with --strict also unparsed
records); 4 incomplete, run it again; 5 refused. docs/ship.md explains the output, docs/documents.md the ids.`,
		Example: `  penstock ship s3://my-logs/AWSLogs/ --domain https://search-x.eu-west-1.es.amazonaws.com
  penstock ship /var/log/app app.log.gz --index 'app-{yyyy.MM.dd}' --domain https://…
  penstock ship s3://my-logs/alb/ --domain https://… --drop 'user_agent=ELB-HealthChecker/*'
  zcat old.json.gz | penstock ship - --domain https://… --json
  penstock ship s3://bucket/2026/ --endpoint-url http://127.0.0.1:7070 --path-style --dry-run`,
		GroupID: groupMove,
		Args: func(cmd *cobra.Command, args []string) error {
			if o.from != "" {
				return nil
			}
			return usageArgs(cobra.MinimumNArgs(1))(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a.routes(cmd, &o.Read)
			var err error
			if o.Targets, err = a.routeTargets(o.Read.Routes, &o.Target); err != nil {
				return err
			}
			o.Read.Secret = o.Target.AWS.Secret(cmd.Context())
			return o.run(cmd.Context(), a, args, cmd.Flags().Changed(deadLettersFlag))
		},
	}
	cmd.ValidArgsFunction = a.sources(&o.Target.AWS, &o.S3)
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.Target(&o.Target)
	f.Text(&o.DeadLetters, deadLettersFlag)
	f.S3(&o.S3)
	f.Select(&o.Sources.Select)
	cmd.Flags().IntVar(&o.Sources.Select.Limit, "limit", 0, "most objects to take")
	cmd.Flags().StringVar(&o.Checkpoint, "checkpoint", "", "file that notes how far the listings of S3 are settled; a "+
		"run that finds it goes on behind")
	cmd.Flags().StringVar(&o.from, "files-from", "", "file with the objects to read, one on a line: URLs of S3, paths, "+
		"or keys of the one bucket that stands beside it; - is standard input")
	f.Read(&o.Read)
	o.Read.Tables = tables
	f.Write(&o.Write)
	f.Text(&o.Rate, "rate")
	f.Boolean(&o.templates, "put-templates")
	f.Number(&o.Workers, "workers")
	f.Number(&o.OpenAhead, "open-ahead")
	f.Duration(&o.Grace, "grace")
	f.Boolean(&o.keepGoing, "keep-going")
	f.Text(&o.Sources.Place, "place")
	f.StringVar(&o.Sources.List.StartAfter, "start-after", "", "leave out S3 keys up to and including this one")
	f.BoolVar(&o.Sources.List.Versions, "all-versions", false, "ship every version of the S3 objects, not only the latest")
	f.BoolVar(&o.Write.Overwrite, "overwrite", false, "replace documents that are there already, to repair an index; "+
		"a data stream takes none of them")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object with the counts at the end instead of tables")
	f.DurationVar(&o.every, "progress", logEvery, "how often a line of JSON on standard error says how far the run is, "+
		"where that is no terminal")
	f.BoolVar(&o.dry, "dry-run", false, "write the documents to standard output, one a line, and send nothing")
	f.BoolVar(&o.count, "count", false, "do everything but sending, and print records, bytes and requests by route and "+
		"rule")
	f.BoolVar(&o.plan, "plan", false, "list what would be shipped, read a sample of it, print how much it is, and send "+
		"nothing")
	f.BoolVar(&o.showAll, "all", false, "show every object and every index at the end")
	f.Boolean(&o.strict, "strict")
	return cmd
}

// run ships. Named dead letters are made at the start, which proves that they can be written; the default directory is
// made with the first letter.
func (o *shipOptions) run(ctx context.Context, a *app, args []string, named bool) error {
	began, allocs := time.Now(), mallocs()
	if o.Write.Overwrite && o.Write.NoIDs {
		return usagef("leave one of them out",
			"--overwrite with --no-ids: without an id no document takes the place of another")
	}
	logger, err := a.logger()
	if err != nil {
		return err
	}
	if err := o.check(args); err != nil {
		return err
	}
	o.dry = o.dry || o.count
	o.Sources.Names, o.Sources.Stdin, o.Sources.Linger = args, a.In, o.Write.Linger
	o.Sources.Empty = a.noteEmpty(&o.Sources)
	o.PrepareLetters, o.Abort, o.Logger = named && !o.dry, a.interrupted, logger
	if !o.keepGoing {
		o.Brake = brakeRecords
	}
	if o.from != "" {
		lines, err := openInput(a.In, o.from)
		if err != nil {
			return &usageError{Err: fmt.Errorf("read names of objects: %w", err), Hint: "name an existing file, or -"}
		}
		defer func() { _ = lines.Close() }()
		o.Sources.From = lines
	}
	if o.plan {
		return o.printPlan(ctx, a)
	}
	counted := &counting{}
	switch {
	case o.count:
		o.Preview = counted
	case o.dry:
		o.Preview = newDryRun(a.Out, a.Err, o.Write.Linger)
	}
	p, err := pipeline.Open(ctx, o.Options)
	if err != nil {
		return err
	}
	p.Progress = new(penstock.Progress)
	o.limitMemory()
	if !o.dry {
		a.notePath(&o.Target)
		a.noteNoIDs(&o.Write)
		if err := p.Connect(ctx); err != nil {
			return err
		}
		if o.templates {
			if err := a.putTemplates(ctx, p); err != nil {
				return err
			}
		}
	}
	res := &result{Formats: map[string]int64{}}
	sum := newSummary(o.showAll)
	if o.count {
		sum.send, sum.price = &o.Write, a.config.Price()
	}
	p.Observe = func(r penstock.ObjectReport) {
		sum.add(r)
		logReport(ctx, logger, &r)
		for _, name := range r.Formats {
			res.Formats[name]++
		}
	}
	got, mark, runErr := o.watched(ctx, a, p, logger)
	res.Requests, res.Retries, res.BytesOut = got.Written.Requests, got.Written.Retries, got.Written.BytesOut
	res.count(got.Counts, o.dry)
	res.Routes = got.Routes
	if o.count {
		res.BytesOut = counted.bytes.Load()
		res.Requests = requests(&o.Write, counted.documents.Load(), res.BytesOut)
		if price := a.config.Price(); price > 0 {
			all := cost(res.BytesOut, price)
			res.Cost = &all
		}
	}
	res.Indexes, res.Seconds = sum.indexes, time.Since(began).Seconds()
	if got.DeadLettered > 0 && !o.dry {
		res.DeadLetters = o.DeadLetters
	}
	if os.Getenv("PENSTOCK_BENCH") == "1" {
		res.Allocs = mallocs() - allocs
	}
	err = o.finish(a, res, sum, p.Rules, &got, runErr)
	if runErr != nil || !got.Complete() {
		o.sayMark(a, args, mark)
	}
	return err
}

// logReport says of an object, to who wants to know everything, what became of it.
func logReport(ctx context.Context, l logger, r *penstock.ObjectReport) {
	if !l.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := []any{
		"object", r.Object, "formats", r.Formats, "records", r.Counts.Records, "delivered", r.Counts.Delivered,
		"duplicate", r.Counts.Duplicate, "dead_lettered", r.Counts.DeadLettered, "dropped", r.Counts.Dropped,
	}
	if r.Err != nil {
		attrs = append(attrs, "error", r.Err)
	}
	l.DebugContext(ctx, "object done", attrs...)
}

// watched runs the pipeline for somebody who wants to know how far it is. It returns the item up to which everything is
// settled.
func (o *shipOptions) watched(
	ctx context.Context, a *app, p *pipeline.Pipeline, log logger,
) (pipeline.Result, string, error) {
	shown := &progress{Progress: p.Progress, began: time.Now(), every: o.every}
	if o.Sources.From == nil { // which can be read once
		shown.total = &totals{source: p.Source}
	}
	if !o.dry {
		shown.written = p.Written
	}
	mark := pipeline.NewMark(p.Source)
	p.Source = mark
	defer context.AfterFunc(ctx, func() {
		shown.draining.Store(true)
		_, _ = fmt.Fprintf(a.Err, "penstock: draining, for %s at most; again to stop at once\n", o.Grace)
	})()
	defer shown.tell(a, log, o.dry)()
	got, err := p.Run(ctx)
	return got, mark.Reached(), err
}

// sayMark says how far a run came that is not at its end.
func (o *shipOptions) sayMark(a *app, args []string, reached string) {
	if reached == "" || o.Checkpoint != "" || o.Sources.From != nil || !o.Sources.Select.Ordered() {
		return
	}
	text := "everything up to and including " + reached + " is settled"
	if loc, err := source.ParseLocation(reached); err == nil && len(args) == 1 && !o.Sources.List.Versions &&
		loc.Version == "" {
		text += "; --start-after " + shellQuoted(loc.Prefix) + " goes on behind it"
	}
	_, _ = fmt.Fprintf(a.Err, "penstock: %s\n", printable(text))
}

// brakeRecords is how many records may be refused or unparsed before anything is stored.
const brakeRecords = 1000

// check looks for flags that would mean nothing.
func (o *shipOptions) check(args []string) error {
	if o.every <= 0 {
		return usagef("write --progress 30s", "--progress %s: want more than nothing", o.every)
	}
	inS3 := slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "s3://") })
	switch {
	case o.Sources.Select.Limit < 0:
		return usagef("leave it out for no limit", "--limit %d is no number of objects", o.Sources.Select.Limit)
	case o.plan && o.dry:
		return usagef("leave one of them out", "--plan and --dry-run are both given")
	case o.count && (o.plan || o.dry):
		return usagef("leave one of them out", "--count stands alone: neither --plan nor --dry-run beside it")
	case o.Checkpoint != "" && (o.dry || o.count):
		return usagef("leave one of them out", "--checkpoint with --dry-run or --count: nothing is settled")
	case o.from == "-" && slices.Contains(args, "-"):
		return usagef("name a file", "standard input is read for --files-from, and is a source as well")
	case o.from != "" && (o.Sources.List.StartAfter != "" || o.Sources.List.Versions):
		return usagef("leave them out", "--start-after and --all-versions are for listings, and --files-from makes none")
	case o.Sources.List.StartAfter != "" && !inS3:
		return usagef("leave it out, or name an s3:// URL", "--start-after is for keys of S3, and no source is there")
	case o.Sources.List.Versions && !inS3:
		return usagef("leave it out, or name an s3:// URL", "--all-versions is for objects of S3, and no source is there")
	}
	return nil
}

// manyIndexes is how many indexes a run may write to before it says that there are other patterns.
const manyIndexes = 50

// finish prints the summary and turns the outcome into the exit code. Standard output of a dry run is for the
// documents.
func (o *shipOptions) finish(
	a *app, res *result, sum *summary, rules *shape.Rules, got *pipeline.Result, runErr error,
) error {
	if runErr != nil {
		res.Error = runErr.Error()
	}
	out := a.Out
	if o.dry && !o.count {
		out = a.Err
	}
	var outErr error
	switch well := runErr == nil && o.code(res, sum) == exitOK; {
	case o.asJSON:
		outErr = res.writeJSON(out)
	case !a.quiet || !well:
		outErr = sum.write(out, res, terminalWidth(out))
	}
	o.notes(a, res, rules)
	if runErr != nil {
		return runErr
	}
	if first, ok := got.FirstFailure(); ok {
		// It stands for the others.
		text := first.Err.Error()
		if !strings.Contains(text, first.Object) {
			text = first.Object + ": " + text
		}
		a.trouble(text, hintFor(first.Err))
	}
	if res.ItemsGivenBack > 0 {
		_, _ = fmt.Fprintf(a.Err, "penstock: %s given back; run the same command again, what has arrived is not doubled\n",
			plural(res.ItemsGivenBack, "source"))
	}
	if res.DeadLetters != "" {
		_, _ = fmt.Fprintf(a.Err, "penstock: %s in %s; see penstock deadletter list --dead-letters %s\n",
			plural(res.DeadLettered, "dead letter"), res.DeadLetters, res.DeadLetters)
	}
	if outErr != nil {
		return outErr
	}
	return exitWith(o.code(res, sum))
}

// notes say of the records that arrived what is not as it should be with them.
func (o *shipOptions) notes(a *app, res *result, rules *shape.Rules) {
	a.noteUnseen(rules)
	if n := res.Unparsed; n > 0 && res.Unacknowledged < res.Records {
		strict := "; --strict makes that exit code 3"
		if o.strict {
			strict = ""
		}
		a.note("%s did not match the grammar of the format and went on as raw text (unparsed)%s", plural(n, "record"), strict)
	}
	if n := res.Undated; n > 0 {
		a.note("%s without a time (undated): the object's name or date stands in", plural(n, "record"))
	}
	if n := res.Repaired; n > 0 {
		a.note("%s repaired: JSON that is not quite valid, or is cut off in the object (penstock.repaired)",
			plural(n, "record"))
	}
	if n := len(res.Indexes); n > manyIndexes {
		a.note("the documents are for %s, each with shards of its own; --index 'logs-{yyyy.MM}' makes fewer: "+
			"one for each month, whatever the format", humanCount(int64(n))+" indexes")
	}
	if o.count && !a.quiet {
		res.writeCount(a.Err)
	} else if o.dry && !a.quiet {
		_, _ = fmt.Fprintf(a.Err, "penstock: %s from %s, nothing was sent\n", plural(*res.Previewed, "document"),
			plural(res.Objects, "object"))
	}
}

// code is the exit code of a run without an error. A refusal of every given-back source exits as refused.
func (o *shipOptions) code(res *result, sum *summary) int {
	code := res.exitCode(nil)
	if code == exitOK && o.strict && res.Unparsed > 0 {
		return exitDeadLetters
	}
	// Without an error in their reports, sources were given back without being begun.
	if code == exitIncomplete && sum.refused == sum.failed && sum.refused >= res.ItemsGivenBack {
		return exitRefused
	}
	return code
}

// limitMemory tells the garbage collector how much of what docs/configuration.md promises is its own, unless the
// environment has a limit of its own.
func (o *shipOptions) limitMemory() {
	// Most of what lives does so for the whole run, and a record makes no garbage: half as much beside it costs no CPU.
	const garbage = 50
	collectAt(garbage)
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	const worker, ahead = 3 << 19, 32 << 10
	const document = 320 // its id, its place in the request and its part of the answer
	batches := int64(o.Write.MaxInFlight+1) * (2*o.Write.BatchBytes + int64(o.Write.BatchDocs)*document)
	record := 3 * o.Read.MaxRecordBytes // its bytes, its JSON, its request
	// The rest of the 40 MiB that every process takes is the program itself, and what is not collected yet.
	const heap = 10 << 20
	debug.SetMemoryLimit(heap + int64(o.Workers)*worker + int64(o.OpenAhead)*ahead + max(batches, record))
}

// noteEmpty tells of a source in which there is nothing.
func (a *app) noteEmpty(o *pipeline.Sources) func(name string) {
	return func(name string) {
		switch {
		case !strings.HasPrefix(name, "s3://"):
			a.note("there is no file in %s", name)
		case o.List.StartAfter != "":
			a.note("there is no object in %s behind the key %q", name, o.List.StartAfter)
		default:
			a.note("there is no object in %s", name)
		}
	}
}
