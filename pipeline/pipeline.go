// Package pipeline is the front door: options in, a wired pipeline out, for Go programs and for every command of
// penstock.
//
// This ships what lies below a prefix of S3 into a domain:
//
//	p, err := pipeline.Open(ctx, pipeline.Options{
//		Sources: pipeline.Sources{Names: []string{"s3://my-logs/AWSLogs/"}},
//		Target:  pipeline.Target{URL: "https://search-x.eu-west-1.es.amazonaws.com"},
//	})
//	if err != nil {
//		return err
//	}
//	result, err := p.Run(ctx)
//	fmt.Println(result.Delivered, "delivered,", result.ItemsGivenBack, "to be shipped again")
//	return err
//
// Credentials, region, format, compression and index names are found as penstock ship finds them; each option that is
// left at zero has the default of docs/configuration.md. The fields of a [Pipeline] are the stages: a program may put
// its own in their place before Run.
package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/source"
)

// DefaultDeadLetters is the directory of dead letters when nothing else is said.
const DefaultDeadLetters = "penstock-dead-letters"

// Options say what is shipped, how and where to. Sources and Target must be set.
type Options struct {
	Sources Sources
	S3      S3
	Read    Read
	Target  Target
	// Targets are the domains that routes name. Target may be left at zero when every route names one.
	Targets map[string]Target
	Write   Write
	// DeadLetters is a directory or s3://bucket/prefix, DefaultDeadLetters when empty. It is made with the first letter.
	DeadLetters string
	// PrepareLetters makes the dead letters at the start, which proves that they can be written.
	PrepareLetters bool
	// Preview, when it is set, takes the documents and letters instead: no domain is opened and nothing is left behind.
	Preview Preview
	// Checkpoint is a file that notes how far the listings of S3 are settled, empty for none. A run that finds it goes on
	// behind; it is for sources of S3 alone, in the order of their names.
	Checkpoint string
	// Rate bounds what is delivered in a second, as [ParseRate] reads it; empty for no bound.
	Rate string
	// Workers is the number of items being read at once, 4 when zero.
	Workers int
	// OpenAhead is how many objects of S3 are opened before a worker is free for them; zero opens none ahead.
	OpenAhead int
	// Grace is how long the items in hand may go on after the context has ended, 30 s when zero.
	Grace time.Duration
	// Abort, when it is closed, ends the grace period at once.
	Abort <-chan struct{}
	// Brake stops a run of which nothing is stored while so many records are refused or unparsed; zero leaves it out.
	Brake int
	// Logger is told little: retries, items given back. Nil discards.
	Logger *slog.Logger
}

// Preview takes what would be delivered.
type Preview interface {
	penstock.Deliverer
	penstock.DeadLetters
}

// Pipeline is wired and ready to run, once.
type Pipeline struct {
	penstock.Pipeline
	// Rules are the drop rules: they know which of their fields no record had.
	Rules *shape.Rules

	read    Read
	rate    Rate
	noted   *checkpoint // nil without one
	outlets *Outlets    // nil in a preview
	letters deadletter.Store
}

// Result is what became of everything.
type Result struct {
	penstock.Result
	// Written are the counters of the writer.
	Written bulk.Stats
}

// Open wires a pipeline. It looks whether the sources are there and makes no request to the domain. An *OptionError
// says what is wrong with an option.
func Open(ctx context.Context, o Options) (*Pipeline, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.DeadLetters == "" {
		o.DeadLetters = DefaultDeadLetters
	}
	if err := o.Write.Check(); err != nil {
		return nil, err
	}
	if o.Read.Object == nil {
		o.Read.Object = ObjectsBy(ctx, func() (*source.S3, error) { return o.S3.Open(ctx, &o.Target.AWS, o.Logger) })
	}
	stages, rules, err := o.Read.Stages()
	if err != nil {
		return nil, err
	}
	rate, err := ParseRate(o.Rate)
	if err != nil {
		return nil, optionf(BadSelection, "--rate: %w", err)
	}
	p := &Pipeline{rate: rate, Pipeline: *stages, Rules: rules, read: o.Read}
	if o.Checkpoint != "" {
		name, err := o.firstName()
		if err != nil && o.Preview == nil {
			return nil, err
		}
		if p.noted, err = openCheckpoint(o.Checkpoint, name, o.Sources.Select, o.Preview != nil); err != nil {
			return nil, err
		}
		o.Sources.noted = p.noted
	}
	if p.Source, err = o.Sources.Open(ctx, &o.Target.AWS, &o.S3, o.Logger); err != nil {
		return nil, err
	}
	p.Workers, p.OpenAhead, p.Grace, p.Abort, p.Logger = o.Workers, o.OpenAhead, o.Grace, o.Abort, o.Logger
	if p.letters, err = Letters(ctx, o.DeadLetters, &o.Target.AWS, &o.S3, o.Logger); err != nil {
		return nil, err
	}
	if o.Preview != nil {
		p.Deliverer, p.DeadLetters = o.Preview, o.Preview
		return p, nil
	}
	if o.PrepareLetters {
		if err := p.letters.Prepare(ctx); err != nil {
			return nil, err
		}
	}
	if p.outlets, err = OpenOutlets(ctx, &o.Target, o.Targets, o.Read.Routes, o.Write, o.Logger); err != nil {
		return nil, err
	}
	p.DeadLetters, p.Brake = p.letters, o.Brake
	p.Domain, p.Domains = p.outlets.Names()
	return p, nil
}

// firstName is the name of the domain that a run belongs to: the one that is not named, or the first of the targets.
func (o *Options) firstName() (string, error) {
	if names := targetsOf(o.Read.Routes); o.Target.URL == "" && len(names) > 0 && !needsOwn(o.Read.Routes) {
		t := o.Targets[names[0]]
		return t.Name()
	}
	return o.Target.Name()
}

// Connect asks the domain what it is, for some seconds when it does not answer, and sets the Deliverer. Run does it
// when it has not been done. A pipeline with a Deliverer of its own has no use for it.
func (p *Pipeline) Connect(ctx context.Context) error {
	if err := p.outlets.Connect(ctx); err != nil {
		return err
	}
	p.Deliverer = p.rate.deliverer(p.outlets.Deliverer())
	return nil
}

// Written are the counters of the writer so far.
func (p *Pipeline) Written() bulk.Stats {
	if p.outlets == nil {
		return bulk.Stats{}
	}
	return p.outlets.Stats()
}

// Run ships, as [penstock.Pipeline.Run] does, and closes what Open opened. The result is that of what was done in any
// case; the error is that of the result, or says what could not be opened or closed. With items given back, in
// ItemsGivenBack, running the same again adds what is missing and nothing else.
func (p *Pipeline) Run(ctx context.Context) (Result, error) {
	if p.Deliverer == nil {
		if err := p.Connect(ctx); err != nil {
			return Result{}, errors.Join(err, p.letters.Close())
		}
	}
	result := Result{Result: p.Pipeline.Run(ctx)}
	err := result.Err()
	if p.outlets != nil {
		err = errors.Join(err, p.outlets.Close(ctx))
	}
	if p.noted != nil {
		if noted := p.noted.close(); noted != nil {
			err = errors.Join(err, &CheckpointError{noted})
		}
	}
	result.Written = p.Written()
	return result, errors.Join(err, p.letters.Close())
}
