// Command bench measures the shipping process: CPU seconds per GB of input, peak memory, throughput and allocations,
// for gzip objects of NDJSON and of load balancer logs, signed, into a sink that counts and verifies every document.
//
//	go run -C bench .                     five rounds of both formats against the targets
//	go run -C bench . -delay 150ms        a domain that takes its time
//	go run -C bench . -tls                over TLS, as every domain of the service
//	go run -C bench . -- --max-in-flight 8     anything after -- goes to "penstock ship"
//
// The shipper, the sink and this program are three processes, so that the figures are the shipper's alone. MB and GB
// are powers of ten, and of uncompressed input.
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
	"strings"
	"time"
)

// target is what a format must reach.
type target struct {
	cpuPerGB, allocsPerDoc, rssMB float64
}

// targets are those of the first benchmark; CONTRIBUTING.md says where they are going.
func targets() map[string]target {
	return map[string]target{
		"ndjson": {cpuPerGB: 4, allocsPerDoc: 0.5, rssMB: 96},
		"alb":    {cpuPerGB: 6, allocsPerDoc: 0.5, rssMB: 96},
		// 1.33 times the floors of a prototype of the same work.
		"csv":     {cpuPerGB: 6.4, allocsPerDoc: 0.5, rssMB: 96},
		"vpcflow": {cpuPerGB: 6.7, allocsPerDoc: 0.5, rssMB: 96},
	}
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "sink" {
		delay, err := time.ParseDuration(os.Args[2])
		if err == nil {
			err = serveSink(os.Stdout, delay, os.Args[3])
		}
		fmt.Fprintln(os.Stderr, "bench: sink:", err)
		os.Exit(1)
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

type config struct {
	binary, cache string
	formats       []string
	megabytes     int
	rounds        int
	delay         time.Duration
	tls           bool
	quiet         time.Duration
	profile       string   // file for a CPU profile of the last run
	extra         []string // for "penstock ship"
}

func bench(ctx context.Context, args []string, out io.Writer) error {
	c, err := readFlags(args)
	if err != nil {
		return err
	}
	server, stop, err := startSink(ctx, c)
	if err != nil {
		return err
	}
	defer stop()
	table := newTable(out, c)
	var errs []error
	for _, format := range c.formats {
		corpus, err := makeCorpus(c.cache, format, c.records(format))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %d records, %.0f MB in %d gzip objects (ratio %.1f)\n",
			format, corpus.Records, float64(corpus.Plain)/1e6, objects, float64(corpus.Plain)/float64(corpus.Stored))
		// The strict pass costs the sink much time, so it is not measured: speed must not come from malformed output.
		if _, err := runOnce(ctx, c, server, corpus, true); err != nil {
			return fmt.Errorf("%s: strict pass: %w", format, err)
		}
		var samples []sample
		for range c.rounds {
			s, err := runOnce(ctx, c, server, corpus, false)
			if err != nil {
				return fmt.Errorf("%s: %w", format, err)
			}
			samples = append(samples, s)
		}
		if missed := table.add(format, corpus, samples); missed {
			errs = append(errs, fmt.Errorf("%s misses a target", format))
		}
	}
	table.print()
	return errors.Join(errs...)
}

func readFlags(args []string) (config, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return config{}, err
	}
	c := config{cache: filepath.Join(cache, "penstock-bench")}
	var formats string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&c.binary, "binary", filepath.Join("..", "bin", "penstock"), "the program to measure")
	f.StringVar(&formats, "formats", "ndjson,alb,csv,vpcflow", "corpora to ship")
	f.IntVar(&c.megabytes, "mb", 1000, "size of each corpus, uncompressed")
	f.IntVar(&c.rounds, "rounds", 5, "measured runs of each corpus; the median counts")
	f.DurationVar(&c.delay, "delay", 0, "time that the sink takes to answer a _bulk request")
	f.BoolVar(&c.tls, "tls", false, "reach the sink over TLS; there is no target for that")
	f.StringVar(&c.profile, "profile", "", "write a CPU profile of the last run to this file")
	f.DurationVar(&c.quiet, "quiet", 10*time.Second, "longest wait for a quiet machine before each run")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if c.rounds < 1 || c.megabytes < 1 {
		return c, errors.New("-rounds and -mb must be at least 1")
	}
	c.formats, c.extra = strings.Split(formats, ","), f.Args()
	if c.binary, err = filepath.Abs(c.binary); err == nil && c.profile != "" {
		c.profile, err = filepath.Abs(c.profile)
	}
	return c, err
}

// records is how many records of a format make a corpus of the wanted size.
func (c config) records(format string) int {
	return c.megabytes * 1e6 / max(int(formats()[format].length), 1)
}
