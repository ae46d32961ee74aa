package cli

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/pipeline"
)

// silentProvider never answers.
type silentProvider struct{}

func (silentProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	<-ctx.Done()
	return aws.Credentials{}, ctx.Err()
}

// deadProvider has none.
type deadProvider struct{}

func (deadProvider) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("no such profile")
}

// Where credentials come from may be silent for a while: that is no refusal, and the request is made again.
func TestSilentCredentialsAreNoRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := pipeline.Chain{Provider: silentProvider{}}.Credentials(t.Context())
		if err == nil || penstock.IsFatal(err) || !penstock.IsTemporary(err) || exitCodeFor(err) != exitIncomplete {
			t.Errorf("silent: %v, exit %d", err, exitCodeFor(err))
		}
		_, err = pipeline.Chain{Provider: deadProvider{}}.Credentials(t.Context())
		if !penstock.IsFatal(err) || exitCodeFor(err) != exitRefused {
			t.Errorf("none: %v, exit %d", err, exitCodeFor(err))
		}
	})
}
