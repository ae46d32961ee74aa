package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/internal/runtimeapi"
	"github.com/seed56735111/penstock/lambda"
)

// invokeOptions describe the function and how its event is made.
type invokeOptions struct {
	binary, name, account, region string
	memory                        int
	timeout                       time.Duration
	env                           []string
	s3                            []string
	logs, logGroup                string
	sqs                           bool
	repeat                        int
}

func newInvokeCommand(a *app) *cobra.Command {
	var o invokeOptions
	cmd := &cobra.Command{
		Use:   "invoke [EVENT.json|-]",
		Short: "Run the Lambda function on this machine, through the real Runtime API protocol",
		Long: `invoke runs the Lambda function on this machine: it starts it in a process of its own, as Lambda does, and
hands it one event through the Lambda Runtime API. The answer is on standard output; the log, with the START, END and
REPORT lines, is on standard error.

The event comes from a file, from standard input (-), or is built: --s3 for new objects, --logs for lines of a log,
--sqs to wrap either into a message. Without an event the function gets {} and answers with the domain's banner.

The function sees the environment that Lambda sets, the AWS_ and PENSTOCK_ variables of this shell, and --env. A
process that takes more than --memory is killed.

Exit codes: 0 for an answer, 1 for an error of the function. docs/invoke.md has more examples.`,
		Example: `  penstock invoke --env PENSTOCK_DOMAIN=http://127.0.0.1:9200
  penstock invoke --s3 's3://logs/2015/11/19/été +1.log.gz' --env PENSTOCK_DOMAIN=http://127.0.0.1:9200
  penstock invoke --logs app.log --log-group /aws/lambda/gate --memory 128
  penstock invoke event.json --binary ./bootstrap`,
		GroupID: groupMove,
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		// The variables are the function's.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), a, args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.binary, "binary", "", "the function's binary; penstock itself when not given")
	f.StringVar(&o.name, "function-name", "penstock", "name of the function")
	f.StringVar(&o.account, "account", "123456789012", "account of the function")
	f.StringVar(&o.region, "region", "", "region of the function; AWS_REGION, or "+fallbackRegion+" for lack of any")
	f.IntVar(&o.memory, "memory", 128, "memory size in MB, 128 to 10240")
	f.DurationVar(&o.timeout, "timeout", 15*time.Minute, "timeout of an invocation, at most 15m")
	f.StringArrayVar(&o.env, "env", nil, "NAME=VALUE for the function's environment")
	f.StringArrayVar(&o.s3, "s3", nil, "build the notification for this object, s3://bucket/key")
	f.StringVar(&o.logs, "logs", "", "build the subscription event for the lines of this file, or - for standard input")
	f.StringVar(&o.logGroup, "log-group", "/penstock/invoke", "log group of the event that --logs builds")
	f.BoolVar(&o.sqs, "sqs", false, "wrap the event into an SQS message")
	f.IntVar(&o.repeat, "repeat", 1, "invocations of the same process, one after the other: all but the first are warm")
	return cmd
}

// check refuses what no function can be configured with.
func (o *invokeOptions) check() error {
	const leastMemory, mostMemory, longest = 128, 10240, 15 * time.Minute
	switch {
	case o.memory < leastMemory || o.memory > mostMemory:
		return usagef(fmt.Sprintf("a function has %d to %d MB", leastMemory, mostMemory),
			"--memory %d: no function has that", o.memory)
	case o.timeout <= 0 || o.timeout > longest:
		return usagef(fmt.Sprintf("an invocation ends after at most %v", longest),
			"--timeout %v: no invocation has that", o.timeout)
	case o.repeat < 1:
		return usagef("the function is invoked at least once", "--repeat %d: that is no invocation", o.repeat)
	}
	for _, kv := range o.env {
		if name, _, ok := strings.Cut(kv, "="); !ok || name == "" {
			return usagef("write it as NAME=VALUE", "--env %s", name)
		}
	}
	return nil
}

func (o *invokeOptions) run(ctx context.Context, a *app, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	o.region = localRegion(o.region)
	event, err := o.event(a.In, args)
	if err != nil {
		return err
	}
	level, err := a.logLevel()
	if err != nil {
		return err
	}
	command := []string{o.binary}
	if o.binary == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find the function: %w", err)
		}
		command = []string{self, "lambda"}
	}
	sandbox := &sandbox{cfg: runtimeapi.Config{
		Command: command, Env: append([]string{"AWS_LAMBDA_LOG_LEVEL=" + level.String()}, o.environment()...),
		Name: o.name, Region: o.region, Account: o.account,
		MemoryMB: o.memory, Timeout: o.timeout, Output: a.Err,
		Begin: func(id string) { _, _ = fmt.Fprintf(a.Err, "START RequestId: %s Version: $LATEST\n", id) },
	}}
	defer sandbox.close()
	failed := false
	for range o.repeat {
		res, err := sandbox.invoke(ctx, event)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(a.Err, "END RequestId: %s\n%s\n", res.RequestID, res.Report())
		answer := string(res.Payload)
		if isTerminal(a.Out) {
			answer = printable(answer)
		}
		_, _ = fmt.Fprintln(a.Out, answer)
		failed = failed || res.Failed
	}
	if failed {
		return exitWith(exitInternal)
	}
	return nil
}

// sandbox starts a process when there is none: for the first invocation, and after one that ended it.
type sandbox struct {
	cfg     runtimeapi.Config
	runtime *runtimeapi.Runtime
}

func (s *sandbox) invoke(ctx context.Context, event []byte) (runtimeapi.Result, error) {
	if s.runtime == nil {
		rt, err := runtimeapi.Start(ctx, s.cfg)
		if err != nil {
			return runtimeapi.Result{}, usagef("name the function's binary with --binary", "invoke: %w", err)
		}
		s.runtime = rt
	}
	res, err := s.runtime.Invoke(ctx, event)
	if err != nil || res.Ended {
		s.close()
	}
	return res, err
}

func (s *sandbox) close() {
	if s.runtime != nil {
		_ = s.runtime.Close()
		s.runtime = nil
	}
}

// environment passes on what concerns AWS and penstock, then what --env says.
func (o *invokeOptions) environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, "PENSTOCK_") || strings.HasPrefix(name, "AWS_") &&
			!strings.HasPrefix(name, "AWS_LAMBDA_") && name != "AWS_REGION" && name != "AWS_DEFAULT_REGION" ||
			strings.HasPrefix(name, "SSL_CERT_") {
			env = append(env, kv)
		}
	}
	return append(env, o.env...)
}

// event reads or builds the event.
func (o *invokeOptions) event(stdin io.Reader, args []string) ([]byte, error) {
	given := len(args)
	for _, set := range []bool{len(o.s3) > 0, o.logs != ""} {
		if set {
			given++
		}
	}
	if given > 1 {
		return nil, usagef("give EVENT.json, --s3 or --logs", "more than one event")
	}
	event, err := o.inner(stdin, args)
	if err != nil || !o.sqs {
		return event, err
	}
	return lambda.BuildSQS(o.region, o.account, "penstock", []json.RawMessage{event})
}

func (o *invokeOptions) inner(stdin io.Reader, args []string) ([]byte, error) {
	switch {
	case len(o.s3) > 0:
		event, err := lambda.BuildS3(o.region, o.s3)
		if err != nil {
			return nil, usagef("write it as s3://bucket/key", "--s3: %w", err)
		}
		return event, nil
	case o.logs != "":
		text, err := readInput(stdin, o.logs)
		if err != nil {
			return nil, err
		}
		lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
		return lambda.BuildLogs(o.account, o.logGroup, "invoke", lines, time.Now())
	case len(args) == 1:
		return readInput(stdin, args[0])
	}
	return []byte("{}"), nil
}

func readInput(stdin io.Reader, name string) ([]byte, error) {
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(stdin, runtimeapi.MaxPayload+1))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return data, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("name a file that exists, or - for standard input", "read event: %w", err)
	}
	return data, nil
}
