package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/source"
)

// Whoever a client of the AWS configuration talks to: a connection that falls silent is given up, and tried again.
func TestSilentServicesAreGivenUp(t *testing.T) {
	asked := make(chan struct{}, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	o := awsOptions{region: "eu-west-1", stall: 200 * time.Millisecond}
	cfg, err := o.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseEndpoint, cfg.RetryMaxAttempts = &srv.URL, 2
	cfg.Retryer = nil
	for name, call := range map[string]func(ctx context.Context) error{
		"letters": func(ctx context.Context) error {
			letters, err := openLetters("s3://b/p", func() (*source.S3, error) {
				return source.NewS3(source.S3Config{AWS: cfg, EndpointURL: srv.URL, PathStyle: true}), nil
			}, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			return letters.Put(ctx, penstock.Letter{ID: "a", Raw: []byte("x")})
		},
		"credentials": func(ctx context.Context) error {
			_, err := sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::123456789012:role/r"), RoleSessionName: aws.String("s")})
			return err
		},
	} {
		err := call(t.Context())
		if stall, ok := errors.AsType[*domain.StallError](err); !ok || stall.After != o.stall {
			t.Errorf("%s: error %v", name, err)
		}
		if n := len(asked); n < 2 {
			t.Errorf("%s: asked %d times", name, n)
		}
		for len(asked) > 0 {
			<-asked
		}
	}
}

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
		_, err := chain{silentProvider{}}.Credentials(t.Context())
		if err == nil || penstock.IsFatal(err) || !penstock.IsTemporary(err) || exitCodeFor(err) != exitIncomplete {
			t.Errorf("silent: %v, exit %d", err, exitCodeFor(err))
		}
		_, err = chain{deadProvider{}}.Credentials(t.Context())
		if !penstock.IsFatal(err) || exitCodeFor(err) != exitRefused {
			t.Errorf("none: %v, exit %d", err, exitCodeFor(err))
		}
	})
}

// The endpoint of an account serves all of its collections; a signed header says which one is meant.
func TestACollectionIsNamedInASignedHeader(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	var got http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }))
	t.Cleanup(srv.Close)
	target := target{url: srv.URL, service: "aoss", collection: "logs", aws: awsOptions{region: "eu-west-1"}}
	d, err := target.open(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	req, err := d.NewRequest(t.Context(), http.MethodPost, "/_bulk", []byte("{}\n"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := d.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got.Get("x-amz-aoss-collection-name") != "logs" || !strings.Contains(got.Get("Authorization"), ";x-amz-aoss-collection-name;") {
		t.Errorf("headers %v", got)
	}
	if len(req.Header.Values("x-amz-aoss-collection-name")) != 0 {
		t.Error("the caller's request was changed")
	}
	if name, err := target.name(); err != nil || !strings.HasSuffix(name, "/logs") {
		t.Errorf("dead letters are for %q, %v: two collections would be one", name, err)
	}
	for _, test := range []struct {
		host, service, collection string
		ok                        bool
	}{
		{"123456789012.aoss.eu-west-1.on.aws", "aoss", "logs", true},
		{"123456789012.aoss.eu-west-1.on.aws", "aoss", "", false},
		{"abc123.aoss.eu-west-1.on.aws", "aoss", "", true},
		{"search-x.eu-west-1.es.amazonaws.com", "es", "logs", false},
	} {
		target.collection = test.collection
		if err := target.checkCollection(test.host, test.service); (err == nil) != test.ok || err != nil && exitCodeFor(err) != exitUsage {
			t.Errorf("%s with collection %q: %v", test.host, test.collection, err)
		}
	}
}
