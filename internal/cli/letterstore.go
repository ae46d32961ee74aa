package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/source"
)

// letterOptions say where dead letters rest and how to get there.
type letterOptions struct {
	dir string
	s3  s3Options
}

const deadLettersFlag = "dead-letters"

func (o *letterOptions) flags(f flagSet) {
	f.str(&o.dir, deadLettersFlag)
	o.s3.flags(f)
}

// named reports whether somebody said where the letters are, and so expects them there.
func (o *letterOptions) named(cmd *cobra.Command) bool { return cmd.Flags().Changed(deadLettersFlag) }

// open returns the dead letters. The AWS configuration is read for those in S3 only, which are reached as objects are.
func (o *letterOptions) open(ctx context.Context, identity *awsOptions, l logger) (deadletter.Store, error) {
	return openLetters(o.dir, func() (*source.S3, error) { return o.s3.open(ctx, identity, l) }, l)
}

// openLetters returns the dead letters in a directory or below an s3:// URL.
func openLetters(where string, s3 func() (*source.S3, error), l logger) (deadletter.Store, error) {
	if !strings.HasPrefix(where, "s3://") {
		return deadletter.Open(where, l), nil
	}
	loc, err := source.ParseLocation(where)
	if err == nil && loc.Version != "" {
		err = fmt.Errorf("%q names a version", where)
	}
	if err != nil {
		return nil, &usageError{Err: fmt.Errorf("--%s: %w", deadLettersFlag, err), Hint: "write it as s3://bucket/prefix"}
	}
	objects, err := s3()
	if err != nil {
		return nil, err
	}
	return deadletter.OpenPrefix(objects.Bucket(loc.Bucket), loc.Prefix, l), nil
}
