package function

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/internal/advice"
	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/lambda"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/source"
)

// options are the settings of the function.
type options struct {
	pipeline.Target
	s3                    pipeline.S3
	read                  pipeline.Read
	write                 pipeline.Write
	deadLetters           string
	workers, openAhead    int
	bucket, continueQueue string
	templates             bool
	reserve               time.Duration
}

// Register puts the settings of the function among flags.
func Register(f settings.Flags) { new(options).register(f) }

func (o *options) register(f settings.Flags) {
	f.Target(&o.Target)
	f.S3(&o.s3)
	f.Read(&o.read)
	f.Write(&o.write)
	f.Text(&o.deadLetters, "dead-letters")
	f.Number(&o.workers, "workers")
	f.Number(&o.openAhead, "open-ahead")
	f.Text(&o.bucket, "bucket")
	f.Text(&o.continueQueue, "continue-queue")
	f.Boolean(&o.templates, "put-templates")
	f.Duration(&o.reserve, "reserve")
}

// wiring is everything that one set of settings makes, kept from one invocation to the next.
type wiring struct {
	options
	handler *lambda.Handler
	logger  *slog.Logger
	stages  *penstock.Pipeline
	objects *source.S3
	targets map[string]pipeline.Target
	outlets *pipeline.Outlets
	domain  *domain.Domain // the one that is not named, nil when nothing goes to it
	banner  *domain.Banner // of it; nil until it has answered
	// templated says that the index templates were put, or cannot be.
	templated bool
	letters   deadletter.Store
	queue     *sqs.Client
}

func (f *Function) wire(ctx context.Context, file *config.File) (*wiring, error) {
	w := &wiring{}
	flags := pflag.NewFlagSet("lambda", pflag.ContinueOnError)
	w.register(settings.Flags{FlagSet: flags})
	for name, value := range f.given {
		if flags.Lookup(name) == nil {
			continue // one of all commands, such as --log-level
		}
		if err := flags.Set(name, value); err != nil {
			return nil, &advice.UsageError{Err: err}
		}
	}
	said, err := file.Settings(config.TargetOf(flags, f.lookup))
	if err != nil {
		return nil, &advice.UsageError{Err: err, Hint: "targets is a key of the configuration file"}
	}
	if err := settings.Apply(flags, f.lookup, said); err != nil {
		return nil, err
	}
	w.AWS.Live = true
	w.fit(flags, os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	w.logger, w.read.Tables = f.logger, f.tables
	file.Into(&w.read, config.GivenTo(flags))
	if w.targets, err = file.TargetsFor(w.read.Routes, &w.Target, f.lookup); err != nil {
		return nil, &advice.UsageError{Err: err, Hint: "targets is a key of the configuration file"}
	}
	w.read.Secret = w.AWS.Secret(ctx)
	if err := w.open(ctx); err != nil {
		return nil, err
	}
	if w.write.NoIDs {
		w.logger.WarnContext(ctx, "without ids the domain cannot tell what it has: an event that comes again is stored twice")
	}
	cfg := lambda.Config{
		Open: w.object, Pipeline: w.pipeline, Ping: w.ping, Reserve: w.reserve, Bucket: w.bucket,
		Metrics: f.metrics, Function: os.Getenv("AWS_LAMBDA_FUNCTION_NAME"),
		LogGroup: os.Getenv("AWS_LAMBDA_LOG_GROUP_NAME"), Logger: w.logger,
	}
	if w.queue != nil {
		cfg.Continue = w.proceed
	}
	w.handler = lambda.New(cfg)
	return w, nil
}

// fit makes the buffers fit into a small function, unless the settings say otherwise, and tells the garbage collector
// how much memory there is.
func (w *wiring) fit(flags *pflag.FlagSet, memory string) {
	mb, err := strconv.ParseInt(memory, 10, 64)
	if err != nil || mb <= 0 {
		return
	}
	size := mb << 20
	if !flags.Changed("batch-bytes") {
		w.write.BatchBytes = min(w.write.BatchBytes, size/64)
	}
	if !flags.Changed("max-record-bytes") {
		// A record is in memory several times: as it was read, as a document, in a request. One that is longer is a dead
		// letter by reference, where it would end the process and take its whole batch along.
		w.read.MaxRecordBytes = min(w.read.MaxRecordBytes, size/64)
	}
	if !flags.Changed("workers") && mb < 512 {
		w.workers = 2 // a fraction of one core reads no faster with more
	}
	if !flags.Changed("open-ahead") && mb < 512 {
		w.openAhead = 16
	}
	if !flags.Changed("max-in-flight") && mb < 512 {
		w.write.MaxInFlight = 2 // nor is it sent faster, and what a request is refused with is in memory beside it
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		// What is not the heap: the program, stacks, the kernel's share of the connections.
		const outside = 40 << 20
		debug.SetMemoryLimit(max(size-outside, size/2))
	}
}

// open makes the stages. It makes no request but for tables in S3.
func (w *wiring) open(ctx context.Context) error {
	if err := w.write.Check(); err != nil {
		return err
	}
	var err error
	if w.objects, err = w.s3.Open(ctx, &w.AWS, w.logger); err != nil {
		return err
	}
	w.read.Object = pipeline.ObjectsBy(ctx, func() (*source.S3, error) { return w.objects, nil })
	p, _, err := w.read.Stages()
	if err != nil {
		return err
	}
	p.Workers, p.OpenAhead, p.Logger = w.workers, w.openAhead, w.logger
	w.stages = p
	if w.letters, err = pipeline.LettersBy(w.deadLetters, func() (*source.S3, error) { return w.objects, nil },
		w.logger); err != nil {
		return err
	}
	if w.continueQueue != "" {
		cfg, err := w.AWS.Load(ctx)
		if err != nil {
			return err
		}
		w.queue = sqs.NewFromConfig(cfg)
	}
	if w.outlets, err = pipeline.OpenOutlets(ctx, &w.Target, w.targets, w.read.Routes, w.write, w.logger); err != nil {
		return err
	}
	w.domain = w.outlets.Own()
	p.Domain, p.Domains = w.outlets.Names()
	return nil
}

func (w *wiring) object(ref lambda.Ref) (penstock.Object, error) {
	return w.objects.Object(source.Ref{
		Bucket: ref.Bucket, Key: ref.Key, Version: ref.Version, ETag: ref.ETag,
		Size: ref.Size,
	}), nil
}

// pipeline gives each invocation a writer of its own, so that no request is under way when the sandbox is frozen.
// Connections, and what is known of the domain, stay.
func (w *wiring) pipeline(ctx context.Context) (penstock.Pipeline, func(context.Context) error, error) {
	if w.banner == nil && w.domain != nil {
		banner, err := w.domain.Probe(ctx)
		if err := pipeline.BannerMatters(err); err != nil && len(w.targets) == 0 {
			return penstock.Pipeline{}, nil, err
		} else if err == nil {
			w.banner = &banner
			w.outlets.Remember(banner)
		}
	}
	w.putTemplates(ctx)
	budget := w.write.RetryBudget
	if deadline, ok := ctx.Deadline(); ok {
		budget = min(budget, max(time.Until(deadline), time.Millisecond))
	}
	outlets := w.outlets.Again(budget)
	if err := outlets.Connect(ctx); err != nil {
		return penstock.Pipeline{}, nil, err
	}
	p := *w.stages
	p.Deliverer, p.DeadLetters = outlets.Deliverer(), w.letters
	return p, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		return errors.Join(outlets.CloseWithin(ctx), w.letters.Close())
	}, nil
}

// ping asks for the banner: what an empty event is for.
func (w *wiring) ping(ctx context.Context) (json.RawMessage, error) {
	if w.domain == nil {
		return nil, errors.New("every route names a target, and there is no other domain to ask")
	}
	banner, err := w.domain.Probe(ctx)
	if err != nil {
		return nil, err
	}
	w.banner = &banner
	w.outlets.Remember(banner)
	return banner.Raw, nil
}

// proceed sends the message that continues a large object. In a FIFO queue each object is a group of its own.
func (w *wiring) proceed(ctx context.Context, message []byte) error {
	in := &sqs.SendMessageInput{QueueUrl: &w.continueQueue, MessageBody: aws.String(string(message))}
	if strings.HasSuffix(w.continueQueue, ".fifo") {
		sum := sha256.Sum256(message)
		id := hex.EncodeToString(sum[:16])
		in.MessageGroupId, in.MessageDeduplicationId = &id, &id
	}
	if _, err := w.queue.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("continue through %s: %w", w.continueQueue, err)
	}
	return nil
}
