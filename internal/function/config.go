package function

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/internal/advice"
	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/source"
)

// configSource is a configuration file that may change while the process lives: a path, s3://bucket/key or ssm:NAME.
type configSource struct {
	where   string
	checked time.Time
	text    []byte
	etag    string
	file    *config.File
}

// configEvery is how often a configuration file is looked at.
const configEvery = 30 * time.Second

// read returns the settings, and whether they are others than those it returned last.
func (c *configSource) read(ctx context.Context, lookup func(string) (string, bool)) (*config.File, bool, error) {
	if c.where == "" {
		first := c.checked.IsZero()
		c.checked = time.Now()
		return nil, first, nil
	}
	// Wall clock: the other one stands still while a sandbox is frozen.
	if now := time.Now().Round(0); !c.checked.IsZero() && now.Sub(c.checked) < configEvery && !now.Before(c.checked) {
		return c.file, false, nil
	}
	text, err := c.fetch(ctx, lookup)
	if err != nil {
		return nil, false, &advice.UsageError{
			Err:  fmt.Errorf("read configuration %s: %w", c.where, err),
			Hint: "PENSTOCK_CONFIG is a path, s3://bucket/key or ssm:NAME",
		}
	}
	if c.text != nil && bytes.Equal(text, c.text) {
		c.checked = time.Now().Round(0)
		return c.file, false, nil
	}
	file, err := config.Parse(c.where, text)
	if err == nil && c.isRemote() {
		err = file.Confine(lookup)
	}
	if err != nil {
		c.etag = "" // of settings that are not in force
		return nil, false, &advice.UsageError{
			Err:  err,
			Hint: "penstock check reports every mistake of a file; docs/configuration.md lists the keys",
		}
	}
	c.text, c.checked, c.file = text, time.Now().Round(0), file
	return c.file, true, nil
}

// tell says in the log which text of a file that others may write is in force.
func (c *configSource) tell(ctx context.Context, logger *slog.Logger) {
	if !c.isRemote() {
		return
	}
	sum := sha256.Sum256(c.text)
	logger.InfoContext(ctx, "settings taken", "config", c.where, "sha256", hex.EncodeToString(sum[:]))
}

// forget makes the next read return the settings as new ones.
func (c *configSource) forget() { c.checked, c.text, c.etag = time.Time{}, nil, "" }

// isRemote reports whether others than those who deploy the function may write the file.
func (c *configSource) isRemote() bool {
	return strings.HasPrefix(c.where, "ssm:") || strings.HasPrefix(c.where, "s3://")
}

func (c *configSource) fetch(ctx context.Context, lookup func(string) (string, bool)) ([]byte, error) {
	name, isParameter := strings.CutPrefix(c.where, "ssm:")
	if !c.isRemote() {
		return os.ReadFile(c.where)
	}
	identity := &pipeline.AWS{Live: true}
	flags := pflag.NewFlagSet("configuration", pflag.ContinueOnError)
	settings.Flags{FlagSet: flags}.Duration(&identity.Stall, "stall-timeout")
	if err := settings.Apply(flags, lookup, settings.File{}); err != nil {
		return nil, err
	}
	if isParameter {
		cfg, err := identity.Load(ctx)
		if err != nil {
			return nil, err
		}
		return pipeline.Parameter(ctx, cfg, name)
	}
	return c.object(ctx, identity, lookup)
}

// object reads the file as buckets are read, as far as variables say it.
func (c *configSource) object(
	ctx context.Context, identity *pipeline.AWS, lookup func(string) (string, bool),
) ([]byte, error) {
	loc, err := source.ParseLocation(c.where)
	if err != nil {
		return nil, err
	}
	var o pipeline.S3
	flags := pflag.NewFlagSet("configuration", pflag.ContinueOnError)
	settings.Flags{FlagSet: flags}.S3(&o)
	if err := settings.Apply(flags, lookup, settings.File{}); err != nil {
		return nil, err
	}
	cfg, err := o.Load(ctx, identity)
	if err != nil {
		return nil, err
	}
	in := &s3.GetObjectInput{Bucket: &loc.Bucket, Key: &loc.Prefix}
	if loc.Version != "" {
		in.VersionId = &loc.Version
	}
	if c.etag != "" {
		in.IfNoneMatch = &c.etag
	}
	out, err := clientFor(&o, cfg).GetObject(ctx, in)
	if api, ok := errors.AsType[smithy.APIError](err); ok && c.text != nil && api.ErrorCode() == "NotModified" {
		return c.text, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Body.Close() }()
	text, err := bounded(out.Body)
	if err == nil && (out.ContentLength == nil || int64(len(text)) != *out.ContentLength) {
		err = fmt.Errorf("read %s: %d bytes, and no length that says that these are all", c.where, len(text))
	}
	if err == nil {
		c.etag = aws.ToString(out.ETag)
	}
	return text, err
}

// clientFor is for what is neither a source of records nor their dead letters.
func clientFor(o *pipeline.S3, cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(so *s3.Options) {
		if o.EndpointURL != "" {
			so.BaseEndpoint = &o.EndpointURL
		}
		so.UsePathStyle = o.PathStyle
	})
}

// bounded reads a configuration file.
func bounded(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, config.MaxBytes+1))
	if err == nil && len(text) > config.MaxBytes {
		err = fmt.Errorf("more than %d bytes", config.MaxBytes)
	}
	return text, err
}
