package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/source"
)

// shipOptions are the settings of ship.
type shipOptions struct {
	target
	letters     letterOptions // and how to reach S3
	read        readOptions
	write       writeOptions
	workers     int
	keepGoing   bool
	grace       time.Duration
	startAfter  string
	place       string
	versions    bool
	asJSON, dry bool
	showAll     bool
	strict      bool
}

func newShipCommand(a *app) *cobra.Command {
	var o shipOptions
	cmd := &cobra.Command{
		Use:   "ship SRC…",
		Short: "Ship files, directories, standard input or S3 objects into a domain",
		Long: `ship reads every SRC, recognises and parses what is in it, and delivers the records into the domain.

A SRC is a file, a directory (read recursively, in order), - for standard input, s3://bucket/key, s3://bucket/prefix or
s3://bucket/key?versionId=ID. What follows the bucket is taken literally. Compression and format are recognised by content.

Files keep the ids of their records through rotation, compression and links; what is still being written is left for the
next run (docs/documents.md). Standard input and pipes may go on for ever, as tail -f does.

Every record ends as delivered, duplicate, dead-lettered, dropped or unacknowledged, and the counts add up. Running the
same command again adds no document. Interrupt once to finish what is in hand, twice to stop at once.

A document that is there already stays as it is. --overwrite puts the new one in its place, for people who have to repair
an index, and counts it as a duplicate; a data stream refuses that.`,
		Example: `  penstock ship s3://my-logs/AWSLogs/ --domain https://search-x.eu-west-1.es.amazonaws.com
  penstock ship /var/log/app app.log.gz --index 'app-{yyyy.MM.dd}' --domain https://…
  penstock ship s3://my-logs/alb/ --domain https://… --drop 'user_agent=ELB-HealthChecker/*'
  zcat old.json.gz | penstock ship - --domain https://… --json
  penstock ship s3://bucket/2026/ --endpoint-url http://127.0.0.1:7070 --path-style --dry-run`,
		GroupID: groupMove,
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), a, args, o.letters.named(cmd))
		},
	}
	f := flagSet{cmd.Flags()}
	o.flags(f)
	o.letters.flags(f)
	o.read.flags(f)
	o.write.flags(f)
	f.number(&o.workers, "workers")
	f.duration(&o.grace, "grace")
	f.boolean(&o.keepGoing, "keep-going")
	f.str(&o.place, "place")
	f.StringVar(&o.startAfter, "start-after", "", "leave out S3 keys up to and including this one")
	f.BoolVar(&o.versions, "all-versions", false, "ship every version of the S3 objects, not only the latest")
	f.BoolVar(&o.write.overwrite, "overwrite", false, "replace documents that are there already, to repair an index; a data stream takes none of them")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object with the counts at the end instead of tables")
	f.BoolVar(&o.dry, "dry-run", false, "write the documents to standard output, one a line, and send nothing")
	f.BoolVar(&o.showAll, "all", false, "show every object and every index at the end")
	f.boolean(&o.strict, "strict")
	return cmd
}

// run ships. Named dead letters are made at the start, which proves that they can be written; the default directory is made
// with the first letter.
func (o *shipOptions) run(ctx context.Context, a *app, args []string, named bool) error {
	began, allocs := time.Now(), mallocs()
	if o.write.overwrite && o.write.noIDs {
		return usagef("leave one of them out", "--overwrite with --no-ids: without an id no document takes the place of another")
	}
	logger, err := a.logger()
	if err != nil {
		return err
	}
	if err := o.check(args); err != nil {
		return err
	}
	p, err := o.read.stages()
	if err != nil {
		return err
	}
	from := sourceOptions{
		list:    source.ListOptions{StartAfter: o.startAfter, Versions: o.versions},
		machine: o.place, linger: o.write.linger,
	}
	if p.Source, err = sources(ctx, a, args, &o.aws, &o.letters.s3, from, logger); err != nil {
		return err
	}
	p.Workers, p.Grace, p.Abort, p.Logger = o.workers, o.grace, a.interrupted, logger
	p.Progress = new(penstock.Progress)
	o.limitMemory()

	var writer *bulk.Writer
	letters, err := o.letters.open(ctx, &o.aws, logger)
	if err != nil {
		return err
	}
	if named && !o.dry {
		if err := letters.Prepare(ctx); err != nil {
			return err
		}
	}
	if o.dry {
		d := newDryRun(a.Out, a.Err, o.write.linger)
		p.Deliverer, p.DeadLetters = d, d
	} else {
		d, err := o.open(ctx, o.write.inFlight)
		if err != nil {
			return err
		}
		o.notePath(a)
		if p.Domain, err = o.name(); err != nil {
			return err
		}
		o.write.noteNoIDs(a)
		if writer, err = o.write.writer(ctx, d, logger); err != nil {
			return err
		}
		p.Deliverer, p.DeadLetters = writer, letters
		if !o.keepGoing {
			p.Brake = brakeRecords
		}
	}
	res := &result{Formats: map[string]int64{}}
	sum := newSummary(o.showAll)
	p.Observe = func(r penstock.ObjectReport) {
		sum.add(r)
		for _, name := range r.Formats {
			res.Formats[name]++
		}
	}
	counts, mark, runErr := o.watched(ctx, a, p, writer, logger)
	if writer != nil {
		runErr = errors.Join(runErr, closeWriter(ctx, writer))
		s := writer.Stats()
		res.Requests, res.Retries, res.BytesOut = s.Requests, s.Retries, s.BytesOut
	}
	runErr = errors.Join(runErr, letters.Close())
	res.count(counts, o.dry)
	res.Indexes, res.Seconds = sum.indexes, time.Since(began).Seconds()
	if counts.DeadLettered > 0 && !o.dry {
		res.DeadLetters = o.letters.dir
	}
	if os.Getenv("PENSTOCK_BENCH") == "1" {
		res.Allocs = mallocs() - allocs
	}
	err = o.finish(a, res, sum, runErr)
	if runErr != nil || res.ItemsGivenBack > 0 {
		o.sayMark(a, args, mark)
	}
	return err
}

// watched runs the pipeline for somebody who wants to know how far it is. It returns the item up to which everything is settled.
func (o *shipOptions) watched(ctx context.Context, a *app, p *penstock.Pipeline, writer *bulk.Writer, log logger) (penstock.Counts, string, error) {
	shown := &progress{Progress: p.Progress, writer: writer, total: &totals{source: p.Source}, began: time.Now()}
	mark := newWaterMark(p.Source)
	p.Source = mark
	defer context.AfterFunc(ctx, func() {
		shown.draining.Store(true)
		_, _ = fmt.Fprintf(a.Err, "penstock: draining, for %s at most; again to stop at once\n", o.grace)
	})()
	defer shown.tell(a, log, o.dry)()
	counts, err := p.Run(ctx)
	return counts, mark.mark(), err
}

// sayMark says how far a run came that is not at its end.
func (o *shipOptions) sayMark(a *app, args []string, reached string) {
	if reached == "" {
		return
	}
	text := "everything up to and including " + reached + " is settled"
	if loc, err := source.ParseLocation(reached); err == nil && len(args) == 1 && !o.versions && loc.Version == "" {
		text += "; --start-after " + shellQuoted(loc.Prefix) + " goes on behind it"
	}
	_, _ = fmt.Fprintf(a.Err, "penstock: %s\n", printable(text))
}

// brakeRecords is how many records may be refused or unparsed before anything is stored.
const brakeRecords = 1000

// check looks for flags that would mean nothing.
func (o *shipOptions) check(args []string) error {
	inS3 := slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "s3://") })
	switch {
	case o.startAfter != "" && !inS3:
		return usagef("leave it out, or name an s3:// URL", "--start-after is for keys of S3, and no source is there")
	case o.versions && !inS3:
		return usagef("leave it out, or name an s3:// URL", "--all-versions is for objects of S3, and no source is there")
	}
	return nil
}

// finish prints the summary and turns the outcome into the exit code. Standard output of a dry run is for the documents.
func (o *shipOptions) finish(a *app, res *result, sum *summary, runErr error) error {
	if runErr != nil {
		res.Error = runErr.Error()
	}
	out := a.Out
	if o.dry {
		out = a.Err
	}
	var outErr error
	if o.asJSON {
		outErr = res.writeJSON(out)
	} else {
		outErr = sum.write(out, res, terminalWidth(out))
	}
	o.notes(a, res)
	if runErr != nil {
		return runErr
	}
	if sum.first != nil {
		// It stands for the others.
		text := sum.first.Err.Error()
		if !strings.Contains(text, sum.first.Object) {
			text = sum.first.Object + ": " + text
		}
		_, _ = fmt.Fprintf(a.Err, "penstock: error: %s\n", printable(text))
		if h := hintFor(sum.first.Err); h != "" {
			_, _ = fmt.Fprintf(a.Err, "penstock: hint: %s\n", printable(h))
		}
	}
	if res.ItemsGivenBack > 0 {
		_, _ = fmt.Fprintf(a.Err, "penstock: %s given back; run the same command again, what has arrived is not doubled\n", plural(res.ItemsGivenBack, "source"))
	}
	if res.DeadLetters != "" {
		_, _ = fmt.Fprintf(a.Err, "penstock: %s in %s; see penstock deadletter list --dead-letters %s\n", plural(res.DeadLettered, "dead letter"), res.DeadLetters, res.DeadLetters)
	}
	if outErr != nil {
		return outErr
	}
	return exitWith(o.code(res, sum))
}

// notes say of the records that arrived what is not as it should be with them.
func (o *shipOptions) notes(a *app, res *result) {
	o.read.noteUnseen(a)
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
	if o.dry {
		_, _ = fmt.Fprintf(a.Err, "penstock: %s from %s, nothing was sent\n", plural(*res.Previewed, "document"), plural(res.Objects, "object"))
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

// limitMemory tells the garbage collector how much of what docs/configuration.md promises is its own, unless the environment has
// a limit of its own.
func (o *shipOptions) limitMemory() {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	const worker = 3 << 19
	batches := int64(o.write.inFlight+1) * int64(o.write.batchBytes) * 2
	record := 3 * int64(o.read.maxRecordBytes) // its bytes, its JSON, its request
	// The rest of the 40 MiB that every process takes is the program itself, and what is not collected yet.
	const heap = 10 << 20
	debug.SetMemoryLimit(heap + int64(o.workers)*worker + max(batches, record))
}

// sourceOptions say what of the sources is taken, and how.
type sourceOptions struct {
	list    source.ListOptions
	machine string        // a part of the ids of files
	linger  time.Duration // how long what standard input has given may wait for more
}

// sources makes one source of all arguments, in their order, but for files and directories: they come together, where the
// first of them stands, because a file that several of them lead to is shipped once. What can be wrong with a name is
// found here.
func sources(ctx context.Context, a *app, args []string, identity *awsOptions, o *s3Options, from sourceOptions, logger logger) (penstock.Source, error) {
	var all []penstock.Source
	var s3 *source.S3
	var files *source.Files
	var paths []string
	for _, arg := range args {
		switch {
		case arg == "-":
			all = append(all, source.Stdin(a.In, from.linger))
		case strings.HasPrefix(arg, "s3://"):
			loc, err := source.ParseLocation(arg)
			if err != nil {
				return nil, &usageError{Err: err, Hint: "write it as s3://bucket/prefix"}
			}
			if s3 == nil {
				if s3, err = o.open(ctx, identity, logger); err != nil {
					return nil, err
				}
			}
			if loc.Version == "" {
				if err := s3.Check(ctx, loc); err != nil {
					return nil, err
				}
			}
			all = append(all, &noting{Source: s3.List(loc, from.list), empty: func() { noteEmpty(a, loc, from.list) }})
		default:
			if files == nil {
				files = new(source.Files)
				all = append(all, files)
			}
			paths = append(paths, arg)
		}
	}
	if files != nil {
		f, err := source.NewFiles(paths)
		if err != nil {
			return nil, err
		}
		*files = *f
		files.Machine, files.Linger = from.machine, from.linger
		files.Empty = func(path string) { a.note("there is no file in %s", path) }
	}
	return source.Concat(all...), nil
}

// noting tells when a source comes to its end without an item.
type noting struct {
	penstock.Source
	empty func()
}

// Items is part of penstock.Source.
func (n *noting) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		any := false
		for item, err := range n.Source.Items(ctx) {
			any = true
			if !yield(item, err) {
				return
			}
		}
		if !any && ctx.Err() == nil {
			n.empty()
		}
	}
}

func noteEmpty(a *app, loc source.Location, list source.ListOptions) {
	if list.StartAfter != "" {
		a.note("there is no object in %s behind the key %q", loc, list.StartAfter)
		return
	}
	a.note("there is no object in %s", loc)
}

// writeOptions are the budgets of the writer.
type writeOptions struct {
	inFlight    int
	batchBytes  byteSize
	batchDocs   int
	linger      time.Duration
	retryBudget time.Duration
	gzip        bool
	indexInPath bool
	noIDs       bool
	overwrite   bool
}

func (o *writeOptions) flags(f flagSet) {
	f.number(&o.inFlight, "max-in-flight")
	f.size(&o.batchBytes, "batch-bytes")
	f.number(&o.batchDocs, "batch-docs")
	f.duration(&o.linger, "linger")
	f.duration(&o.retryBudget, "retry-budget")
	f.boolean(&o.gzip, "gzip")
	f.boolean(&o.indexInPath, "index-in-path")
	f.boolean(&o.noIDs, "no-ids")
}

// writer asks the domain what it is and returns the writer for it. An endpoint that cannot be reached or is no domain is
// an error; one that keeps its banner to itself is not.
func (o *writeOptions) writer(ctx context.Context, d *domain.Domain, logger logger) (*bulk.Writer, error) {
	banner, err := probe(ctx, d)
	if err := bannerMatters(err); err != nil {
		return nil, err
	}
	if err != nil {
		logger.DebugContext(ctx, "the banner is not for us", "error", err)
	}
	return bulk.New(o.config(banner, logger), d), nil
}

// closeWriter ends a writer whose deliveries are over. What is still under way then belongs to nobody: after an interrupt it
// is cut off at once, so that a domain that does not answer cannot hold the process.
func closeWriter(ctx context.Context, w *bulk.Writer) error {
	patience := 5 * time.Second
	if ctx.Err() != nil {
		patience = 0
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return w.Close(closing)
}

// noteNoIDs says which promise is weaker without ids.
func (o *writeOptions) noteNoIDs(a *app) {
	if o.noIDs {
		a.note("without ids the domain cannot tell what it has: what is sent again after a lost answer, and all of it when this command is run again, is stored twice")
	}
}

// bannerMatters returns the error of a probe unless the domain keeps only its banner to itself.
func bannerMatters(err error) error {
	e, ok := errors.AsType[*domain.Error](err)
	if ok && e.Kind != domain.Unreachable && e.Kind != domain.NotADomain && e.Kind != domain.Unavailable {
		return nil
	}
	return err
}

func (o *writeOptions) config(banner domain.Banner, logger logger) bulk.Config {
	return bulk.Config{
		BatchBytes: int(o.batchBytes), BatchDocs: o.batchDocs, MaxInFlight: o.inFlight, Linger: o.linger,
		RetryBudget: o.retryBudget, StartupTimeout: startupTimeout, Gzip: o.gzip, IndexInPath: o.indexInPath,
		Overwrite: o.overwrite, NoIDs: o.noIDs, Known: banner.Version != "", DocType: docType(banner), Logger: logger,
	}
}
