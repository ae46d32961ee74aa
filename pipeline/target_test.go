package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
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
	o := AWS{Region: "eu-west-1", Stall: 200 * time.Millisecond}
	cfg, err := o.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg.BaseEndpoint, cfg.RetryMaxAttempts = &srv.URL, 2
	cfg.Retryer = nil
	for name, call := range map[string]func(ctx context.Context) error{
		"letters": func(ctx context.Context) error {
			letters, err := LettersBy("s3://b/p", func() (*source.S3, error) {
				return source.NewS3(source.S3Config{AWS: cfg, EndpointURL: srv.URL, PathStyle: true}), nil
			}, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			return letters.Put(ctx, penstock.Letter{ID: "a", Raw: []byte("x")})
		},
		"credentials": func(ctx context.Context) error {
			_, err := sts.NewFromConfig(cfg).AssumeRole(ctx,
				&sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::123456789012:role/r"), RoleSessionName: aws.String("s")})
			return err
		},
	} {
		err := call(t.Context())
		if stall, ok := errors.AsType[*domain.StallError](err); !ok || stall.After != o.Stall {
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

// The endpoint of an account serves all of its collections; a signed header says which one is meant.
func TestACollectionIsNamedInASignedHeader(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	var got http.Header
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }))
	t.Cleanup(srv.Close)
	target := Target{URL: srv.URL, Service: "aoss", Collection: "logs", AWS: AWS{Region: "eu-west-1"}}
	d, err := target.Open(t.Context(), 1)
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
	if got.Get("x-amz-aoss-collection-name") != "logs" ||
		!strings.Contains(got.Get("Authorization"), ";x-amz-aoss-collection-name;") {
		t.Errorf("headers %v", got)
	}
	if len(req.Header.Values("x-amz-aoss-collection-name")) != 0 {
		t.Error("the caller's request was changed")
	}
	if name, err := target.Name(); err != nil || !strings.HasSuffix(name, "/logs") {
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
		target.Collection = test.collection
		err := target.checkCollection(test.host, test.service)
		if (err == nil) != test.ok || err != nil && !isOptionError(err) {
			t.Errorf("%s with collection %q: %v", test.host, test.collection, err)
		}
	}
}

func isOptionError(err error) bool {
	_, ok := errors.AsType[*OptionError](err)
	return ok
}

// A letter names its domain in one way, however the endpoint is written.
func TestADomainHasOneName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://Search-X.eu-west-1.es.amazonaws.com":      "https://search-x.eu-west-1.es.amazonaws.com",
		"https://search-x.eu-west-1.es.amazonaws.com:443/": "https://search-x.eu-west-1.es.amazonaws.com",
		"http://127.0.0.1:80":                              "http://127.0.0.1",
		"http://127.0.0.1:9200/":                           "http://127.0.0.1:9200",
		"http://[::1]:9200/a/":                             "http://[::1]:9200/a",
		"https://[2001:db8::1]":                            "https://[2001:db8::1]",
	} {
		if got, err := DomainName(text); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", text, got, err, want)
		}
	}
	tunnel := Target{URL: "https://127.0.0.1:8443", SignFor: "Search-X.eu-west-1.es.amazonaws.com:443"}
	if got, err := tunnel.Name(); err != nil || got != "https://search-x.eu-west-1.es.amazonaws.com" {
		t.Errorf("behind a tunnel: %q, %v", got, err)
	}
}
