// Command bench measures the shipping process: CPU seconds per GB of input, peak memory, throughput, requests and
// allocations, signed, into a sink that counts and verifies every document. Most rows run beside a prototype that does
// the same work with nothing around it, in the same round: the prototype's CPU of ours is the figure that another
// machine shows too.
//
//	go run -C bench .                          all rows against their goals
//	go run -C bench . -rows ndjson,alb         some of them
//	go run -C bench . -md ../docs/performance.md    and the page of the documentation
//	go run -C bench . -profiles /tmp/profiles       and a CPU profile of each row
//	go run -C bench . -- --max-in-flight 8     anything after -- goes to "penstock ship"
//	PEERS=1 go run -C bench .                  and the bulk indexers of the Go clients, where a row is for them too
//
// The shipper, the prototype, the sink and the bucket are processes of their own, so that the figures are the shipper's
// alone. MB and GB are powers of ten, and of uncompressed input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock/bench/prototype"
)

func main() {
	if serve := servant(os.Args[1:]); serve != nil {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", os.Args[1]+":", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := bench(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// servant is what the program does as one of its own children; nil when it is not one.
func servant(args []string) func() error {
	if len(args) < 3 {
		return nil
	}
	switch name := args[0]; {
	case name == "sink" && len(args) == 3:
		return func() error {
			delay, err := time.ParseDuration(args[1])
			if err != nil {
				return err
			}
			return serveSink(os.Stdout, delay, args[2])
		}
	case name == "bucket" && len(args) == 3:
		return func() error {
			first, err := time.ParseDuration(args[2])
			if err != nil {
				return err
			}
			return serveBucket(os.Stdout, args[1], first)
		}
	case name == "prototype" && len(args) == 5:
		return func() error {
			return prototype.Run(context.Background(), prototype.Config{
				Dir: args[1], Format: args[2], URL: args[3], CAFile: args[4],
			})
		}
	}
	return nil
}

type config struct {
	binary, cache string
	rows          []row
	function      bool // measure it too
	megabytes     int
	rounds        int
	quiet         time.Duration
	profiles      string   // directory for CPU profiles, one of each row
	profile       string   // file for that of the row at hand, empty for none
	page          string   // file for the figures as a page
	extra         []string // for "penstock ship"
	peers         string   // the program of the other indexers, empty when they are not asked for
}

func bench(ctx context.Context, args []string, out io.Writer) error {
	c, err := readFlags(args)
	if err != nil {
		return err
	}
	if os.Getenv("PEERS") != "" {
		remove, err := c.buildPeers(ctx)
		if err != nil {
			return err
		}
		defer remove()
	}
	if c.profiles != "" {
		if err := os.MkdirAll(c.profiles, 0o750); err != nil {
			return err
		}
	}
	table := newTable(out, c)
	var errs []error
	for _, r := range c.rows {
		fmt.Fprintf(out, "%s\n", r.title)
		if c.profiles != "" {
			c.profile = filepath.Join(c.profiles, r.name+".prof")
		}
		if err := c.row(ctx, r, table); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	c.profile = "" // the last row has its own
	if c.function {
		if err := c.measureFunction(ctx, table); err != nil {
			return fmt.Errorf("function: %w", err)
		}
	}
	errs = append(errs, table.print()...)
	if c.page != "" {
		errs = append(errs, table.page(c.page))
	}
	return errors.Join(errs...)
}

// row measures one row and puts its figures into the table.
func (c config) row(ctx context.Context, r row, t *table) error {
	from, err := makeCorpus(c.cache, r.of, c.records(r))
	if err != nil {
		return err
	}
	to, stop, err := startSink(ctx, r)
	if err != nil {
		return err
	}
	defer stop()
	if r.firstByte > 0 {
		address, stop, err := startChild(ctx, "bucket", from.Dir, r.firstByte.String())
		if err != nil {
			return err
		}
		defer stop()
		to.bucket = address
	}
	// The strict pass costs the sink much time, so it is not measured: speed must not come from malformed output.
	strict, err := runOnce(ctx, c, to, from, true, c.shipper(to, from))
	if err != nil {
		return fmt.Errorf("strict pass: %w", err)
	}
	if r.floor {
		same, err := runOnce(ctx, c, to, from, true, prototypeOf(to, from))
		if err != nil {
			return fmt.Errorf("strict pass of the prototype: %w", err)
		}
		if same.sum != strict.sum || same.body != strict.body {
			return errors.New("the prototype does not send the same documents")
		}
	}
	result := result{row: r, corpus: from}
	for range c.rounds {
		s, err := runOnce(ctx, c, to, from, false, c.shipper(to, from))
		if err != nil {
			return err
		}
		result.ours = append(result.ours, s)
		if err := c.measurePeers(ctx, to, from, &result); err != nil {
			return err
		}
		if !r.floor {
			continue
		}
		p, err := runOnce(ctx, c, to, from, false, prototypeOf(to, from))
		if err != nil {
			return fmt.Errorf("prototype: %w", err)
		}
		result.floor = append(result.floor, p)
	}
	t.add(result)
	return nil
}

func readFlags(args []string) (config, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return config{}, err
	}
	c := config{cache: filepath.Join(cache, "penstock-bench")}
	var names string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&c.binary, "binary", filepath.Join("..", "bin", "penstock"), "the program to measure")
	f.StringVar(&names, "rows", "", "rows to measure, all when empty; \"function\" is the last one")
	f.IntVar(&c.megabytes, "mb", 500, "size of each large corpus, uncompressed")
	f.IntVar(&c.rounds, "rounds", 5, "measured runs of each row; the median counts")
	f.StringVar(&c.profiles, "profiles", "", "write a CPU profile of each row's last run to this directory, as ROW.prof")
	f.StringVar(&c.page, "md", "", "write the figures as a page to this file")
	f.DurationVar(&c.quiet, "quiet", 5*time.Second, "longest wait for a quiet machine before each run")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if c.rounds < 1 || c.megabytes < 1 {
		return c, errors.New("-rounds and -mb must be at least 1")
	}
	if c.rows, c.function, err = chosen(names); err != nil {
		return c, err
	}
	c.extra = f.Args()
	for _, file := range []*string{&c.binary, &c.profiles, &c.page} {
		if *file == "" {
			continue
		}
		if *file, err = filepath.Abs(*file); err != nil {
			return c, err
		}
	}
	return c, nil
}

// chosen are the rows with these names.
func chosen(names string) (some []row, function bool, err error) {
	if names == "" {
		return rows(), true, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		if name == "function" {
			function = true
			continue
		}
		i := slices.IndexFunc(rows(), func(r row) bool { return r.name == name })
		if i < 0 {
			return nil, false, fmt.Errorf("there is no row %q", name)
		}
		some = append(some, rows()[i])
	}
	return some, function, nil
}

// records is how many records make the corpus of a row.
func (c config) records(r row) int {
	if r.records > 0 {
		return r.records
	}
	return c.megabytes * 1e6 / max(int(formats()[r.of.Format].length), 1)
}
