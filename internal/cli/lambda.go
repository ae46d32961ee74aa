package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/lambda"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/source"
)

// inLambda reports whether the platform started this process as the binary of a function.
func inLambda(args []string) bool {
	return len(args) == 0 && os.Getenv("AWS_LAMBDA_RUNTIME_API") != ""
}

// functionOptions are the settings of the Lambda function.
type functionOptions struct {
	pipeline.Target
	s3                    pipeline.S3
	read                  pipeline.Read
	write                 pipeline.Write
	deadLetters           string
	workers               int
	bucket, continueQueue string
	templates             bool
	reserve               time.Duration
}

func (o *functionOptions) register(f settings.Flags) {
	f.Target(&o.Target)
	f.S3(&o.s3)
	f.Read(&o.read)
	f.Write(&o.write)
	f.Text(&o.deadLetters, "dead-letters")
	f.Number(&o.workers, "workers")
	f.Text(&o.bucket, "bucket")
	f.Text(&o.continueQueue, "continue-queue")
	f.Boolean(&o.templates, "put-templates")
	f.Duration(&o.reserve, "reserve")
}

func newLambdaCommand(a *app) *cobra.Command {
	var o functionOptions
	cmd := &cobra.Command{
		Use:   "lambda",
		Short: "Serve as a Lambda function: events of S3 and CloudWatch Logs, however they are wrapped",
		Long: `lambda asks the Lambda Runtime API for events and delivers what they announce: objects of S3 (directly, or through SQS, SNS,
EventBridge, S3 Batch Operations and Step Functions) and log events of CloudWatch Logs (directly or through Kinesis). The platform starts
the binary without arguments, which does the same. An empty event asks the domain for its banner and answers it.

Settings are the PENSTOCK_ variables of the function, or a JSON file named by PENSTOCK_CONFIG: a path in the package,
s3://bucket/key or ssm:NAME, looked at again at most every 30 seconds. Credentials are those of the function's role.
"penstock invoke" runs the function on this machine.`,
		Example: `  PENSTOCK_DOMAIN=https://search-x.eu-west-1.es.amazonaws.com penstock invoke
  PENSTOCK_DOMAIN=http://127.0.0.1:9200 penstock invoke --s3 s3://logs/app.log.gz`,
		GroupID: groupMove,
		Args:    usageArgs(cobra.NoArgs),
		// The settings are read for each invocation, and a mistake in them is an answer to it.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := newFunction(a, cmd.Flags())
			if err != nil {
				return err
			}
			logger, err := a.logger()
			if err != nil {
				return err
			}
			lambda.Start(cmd.Context(), logger, f.invoke)
			return nil
		},
	}
	o.register(settings.Flags{FlagSet: cmd.Flags()})
	return cmd
}

// function is the process of one sandbox. Lambda hands it one event at a time.
type function struct {
	app    *app
	lookup func(string) (string, bool)
	given  map[string]string // flags on the command line
	config configSource
	wired  *wiring
}

func newFunction(a *app, flags *pflag.FlagSet) (*function, error) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return nil, usagef("penstock invoke runs the function on this machine", "AWS_LAMBDA_RUNTIME_API is not set: this is not a Lambda function")
	}
	// There is no instance metadata in a sandbox; asking for it would only delay the news that credentials are missing.
	if err := os.Setenv("AWS_EC2_METADATA_DISABLED", "true"); err != nil {
		return nil, fmt.Errorf("prepare environment: %w", err)
	}
	if level := os.Getenv("AWS_LAMBDA_LOG_LEVEL"); level != "" && !flags.Changed("log-level") {
		// The platform has two levels more.
		a.logLevel = strings.NewReplacer("TRACE", "debug", "FATAL", "error").Replace(level)
	}
	f := &function{app: a, lookup: os.LookupEnv, given: map[string]string{}}
	flags.Visit(func(flag *pflag.Flag) { f.given[flag.Name] = flag.Value.String() })
	f.config.where = f.given["config"]
	if f.config.where == "" {
		f.config.where, _ = f.lookup("PENSTOCK_CONFIG")
	}
	return f, nil
}

func (f *function) invoke(ctx context.Context, event json.RawMessage) (any, error) {
	w, err := f.current(ctx)
	if err != nil {
		return nil, explained(err)
	}
	answer, err := w.handler.Invoke(ctx, event)
	return answer, explained(err)
}

// explained adds the way out, which is in the hints for people at a terminal, to the one line that Lambda shows.
func explained(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*pipeline.CredentialsError](err); ok {
		return err // says it already
	}
	if hint := hintFor(err); hint != "" {
		return fmt.Errorf("%w (%s)", err, hint)
	}
	return err
}

// current returns the stages for the settings as they are now.
func (f *function) current(ctx context.Context) (*wiring, error) {
	file, changed, err := f.readConfig(ctx)
	if err == nil && !changed && f.wired != nil {
		return f.wired, nil
	}
	var w *wiring
	if err == nil {
		if w, err = f.wire(ctx, file); err == nil {
			f.wired = w
			return w, nil
		}
		f.config.forget()
	}
	if f.wired == nil {
		return nil, err
	}
	f.wired.logger.WarnContext(ctx, "settings not taken; the earlier ones stay", "error", err)
	return f.wired, nil
}

// readConfig looks at the configuration for no longer than leaves the better part of the invocation.
func (f *function) readConfig(ctx context.Context) (settings.File, bool, error) {
	longest := 10 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		longest = min(longest, time.Until(deadline)/3)
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return f.config.read(ctx, f.lookup)
}

// wiring is everything that one set of settings makes, kept from one invocation to the next.
type wiring struct {
	functionOptions
	handler *lambda.Handler
	logger  logger
	stages  *penstock.Pipeline
	objects *source.S3
	domain  *domain.Domain
	banner  *domain.Banner // nil until the domain has answered
	// templated says that the index templates were put, or cannot be.
	templated bool
	letters   deadletter.Store
	queue     *sqs.Client
}

func (f *function) wire(ctx context.Context, file settings.File) (*wiring, error) {
	w := &wiring{}
	flags := pflag.NewFlagSet("lambda", pflag.ContinueOnError)
	w.register(settings.Flags{FlagSet: flags})
	for name, value := range f.given {
		if flags.Lookup(name) == nil {
			continue // one of all commands, such as --log-level
		}
		if err := flags.Set(name, value); err != nil {
			return nil, &usageError{Err: err}
		}
	}
	if err := settings.Apply(flags, f.lookup, file); err != nil {
		return nil, err
	}
	w.AWS.Live = true
	w.fit(flags, os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	var err error
	if w.logger, err = f.app.logger(); err != nil {
		return nil, err
	}
	if err := w.open(ctx); err != nil {
		return nil, err
	}
	if w.write.NoIDs {
		w.logger.WarnContext(ctx, "without ids the domain cannot tell what it has: an event that comes again is stored twice")
	}
	cfg := lambda.Config{
		Open: w.object, Pipeline: w.pipeline, Ping: w.ping, Reserve: w.reserve, Bucket: w.bucket,
		Metrics: f.app.Out, Function: os.Getenv("AWS_LAMBDA_FUNCTION_NAME"),
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
	if !flags.Changed("max-in-flight") && mb < 512 {
		w.write.MaxInFlight = 2 // nor is it sent faster, and what a request is refused with is in memory beside it
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		// What is not the heap: the program, stacks, the kernel's share of the connections.
		const outside = 40 << 20
		debug.SetMemoryLimit(max(size-outside, size/2))
	}
}

// open makes the stages. It makes no request.
func (w *wiring) open(ctx context.Context) error {
	p, err := w.read.Stages()
	if err != nil {
		return err
	}
	p.Workers, p.Logger = w.workers, w.logger
	rules, err := w.read.Rules()
	if err != nil {
		return err
	}
	p.Shaper = rules.Shaper(p.Shaper)
	w.stages = p
	if w.objects, err = w.s3.Open(ctx, &w.AWS, w.logger); err != nil {
		return err
	}
	if w.letters, err = pipeline.LettersBy(w.deadLetters, func() (*source.S3, error) { return w.objects, nil }, w.logger); err != nil {
		return err
	}
	if w.continueQueue != "" {
		cfg, err := w.AWS.Load(ctx)
		if err != nil {
			return err
		}
		w.queue = sqs.NewFromConfig(cfg)
	}
	if w.domain, err = w.Open(ctx, w.write.MaxInFlight); err != nil {
		return err
	}
	p.Domain, err = w.Name()
	return err
}

func (w *wiring) object(ref lambda.Ref) (penstock.Object, error) {
	return w.objects.Object(source.Ref{Bucket: ref.Bucket, Key: ref.Key, Version: ref.Version, ETag: ref.ETag, Size: ref.Size}), nil
}

// pipeline gives each invocation a writer of its own, so that no request is under way when the sandbox is frozen.
// Connections, and what is known of the domain, stay.
func (w *wiring) pipeline(ctx context.Context) (penstock.Pipeline, func(context.Context) error, error) {
	if w.banner == nil {
		banner, err := w.domain.Probe(ctx)
		if err := pipeline.BannerMatters(err); err != nil {
			return penstock.Pipeline{}, nil, err
		}
		w.banner = &banner
	}
	w.putTemplates(ctx)
	cfg := w.write.Config(*w.banner, w.logger)
	if deadline, ok := ctx.Deadline(); ok {
		cfg.RetryBudget = min(cfg.RetryBudget, max(time.Until(deadline), time.Millisecond))
	}
	writer := bulk.New(cfg, w.domain)
	p := *w.stages
	p.Deliverer, p.DeadLetters = writer, w.letters
	return p, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		return errors.Join(writer.Close(ctx), w.letters.Close())
	}, nil
}

// ping asks for the banner: what an empty event is for.
func (w *wiring) ping(ctx context.Context) (json.RawMessage, error) {
	banner, err := w.domain.Probe(ctx)
	if err != nil {
		return nil, err
	}
	w.banner = &banner
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
