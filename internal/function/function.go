// Package function is the process of the Lambda function: settings that may change while it lives, the stages that they
// wire, and how it fits into its memory.
package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/internal/advice"
	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/lambda"
	"github.com/seed56735111/penstock/pipeline"
)

// Runs reports whether the platform started this process as the binary of a function.
func Runs() bool { return os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" }

// Function is the process of one sandbox. Lambda hands it one event at a time.
type Function struct {
	logger  *slog.Logger
	metrics io.Writer
	lookup  func(string) (string, bool)
	given   map[string]string // flags on the command line
	config  configSource
	tables  decode.Tables
	wired   *wiring
}

// Config is what the process was started with.
type Config struct {
	// Given are settings, by name, that take precedence over variables and the configuration file, and "log-level" and
	// "config".
	Given map[string]string
	// Metrics gets one line for each invocation.
	Metrics io.Writer
	// Logger makes the log for a level.
	Logger func(slog.Level) *slog.Logger
	// Tables read Parquet and Avro files, as in pipeline.Read.
	Tables decode.Tables
}

// New returns the function, or an error that says why this is none.
func New(cfg Config) (*Function, error) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		return nil, advice.Usagef("penstock invoke runs the function on this machine", "AWS_LAMBDA_RUNTIME_API is not "+
			"set: this is not a Lambda function")
	}
	// There is no instance metadata in a sandbox; asking for it would only delay the news that credentials are missing.
	if err := os.Setenv("AWS_EC2_METADATA_DISABLED", "true"); err != nil {
		return nil, fmt.Errorf("prepare environment: %w", err)
	}
	name := cfg.Given["log-level"]
	if name == "" {
		// The platform has two levels more.
		name = strings.NewReplacer("TRACE", "debug", "FATAL", "error").Replace(os.Getenv("AWS_LAMBDA_LOG_LEVEL"))
	}
	level, err := settings.Level(name)
	if err != nil {
		return nil, err
	}
	f := &Function{
		logger: cfg.Logger(level), metrics: cfg.Metrics, lookup: os.LookupEnv, given: cfg.Given, tables: cfg.Tables,
	}
	f.config.where = f.given["config"]
	if f.config.where == "" {
		f.config.where, _ = f.lookup("PENSTOCK_CONFIG")
	}
	return f, nil
}

// Serve asks the Lambda Runtime API for events until ctx ends.
func (f *Function) Serve(ctx context.Context) { lambda.Start(ctx, f.logger, f.invoke) }

func (f *Function) invoke(ctx context.Context, event json.RawMessage) (any, error) {
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
	if hint := advice.For(err).Hint; hint != "" {
		return fmt.Errorf("%w (%s)", err, hint)
	}
	return err
}

// current returns the stages for the settings as they are now.
func (f *Function) current(ctx context.Context) (*wiring, error) {
	file, changed, err := f.readConfig(ctx)
	if err == nil && !changed && f.wired != nil {
		return f.wired, nil
	}
	var w *wiring
	if err == nil {
		if w, err = f.wire(ctx, file); err == nil {
			f.wired = w
			f.config.tell(ctx, w.logger)
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
func (f *Function) readConfig(ctx context.Context) (*config.File, bool, error) {
	longest := 10 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		longest = min(longest, time.Until(deadline)/3)
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	return f.config.read(ctx, f.lookup)
}
