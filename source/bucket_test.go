package source_test

import (
	"errors"
	"io"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/seed56735111/penstock/internal/bucket"
	"github.com/seed56735111/penstock/source"
)

func TestABucketPutsGetsListsAndDeletes(t *testing.T) {
	t.Parallel()
	b, err := bucket.New("letters")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(b)
	defer srv.Close()
	s := source.NewS3(source.S3Config{
		AWS:         aws.Config{Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", "")},
		EndpointURL: srv.URL, PathStyle: true,
	})
	objects := s.Bucket("letters")
	keys := []string{"p/a b+%20", "p/ä", "q/x"}
	for _, key := range keys {
		if err := objects.Put(t.Context(), key, []byte("of "+key)); err != nil {
			t.Fatal(err)
		}
	}
	listed := func(prefix string) (got []string) {
		for key, err := range objects.List(t.Context(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, key)
		}
		return got
	}
	if got := listed("p/"); !slices.Equal(got, keys[:2]) {
		t.Errorf("listed %q, want %q", got, keys[:2])
	}
	if got := listed(""); !slices.Equal(got, keys) {
		t.Errorf("listed %q, want %q", got, keys)
	}
	for _, key := range keys {
		r, err := objects.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil || string(body) != "of "+key {
			t.Errorf("%s holds %q, %v", key, body, err)
		}
		for range 2 {
			if err := objects.Delete(t.Context(), key); err != nil {
				t.Errorf("delete %s: %v", key, err)
			}
		}
		if _, err := objects.Get(t.Context(), key); kindOf(err) != source.KindMissing {
			t.Errorf("%s after it was deleted: %v", key, err)
		}
	}
	if err := s.Bucket("nosuch").Put(t.Context(), "k", nil); kindOf(err) != source.KindNoBucket {
		t.Errorf("no bucket: %v", err)
	}
}

func kindOf(err error) source.Kind {
	if e, ok := errors.AsType[*source.Error](err); ok {
		return e.Kind
	}
	return source.KindOther
}
