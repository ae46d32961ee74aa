package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/source"
)

// Letters returns the dead letters in a directory or below an s3:// URL. The AWS configuration is read for those in S3
// only, which are reached as objects are. It makes no request.
func Letters(ctx context.Context, where string, identity *AWS, s3 *S3, l *slog.Logger) (deadletter.Store, error) {
	return LettersBy(where, func() (*source.S3, error) { return s3.Open(ctx, identity, l) }, l)
}

// LettersBy is Letters for who has a client of S3: s3 is asked for it when the letters are there.
func LettersBy(where string, s3 func() (*source.S3, error), l *slog.Logger) (deadletter.Store, error) {
	if !strings.HasPrefix(where, "s3://") {
		return deadletter.Open(where, l), nil
	}
	loc, err := source.ParseLocation(where)
	if err == nil && loc.Version != "" {
		err = fmt.Errorf("%q names a version", where)
	}
	if err != nil {
		return nil, optionf(BadLocation, "--dead-letters: %w", err)
	}
	objects, err := s3()
	if err != nil {
		return nil, err
	}
	return deadletter.OpenPrefix(objects.Bucket(loc.Bucket), loc.Prefix, l), nil
}
