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
	"github.com/seed56735111/penstock/internal/hostile"
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
		AWS: aws.Config{
			Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		},
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

// Dead letters are rewritten from what is read of them: what is cut off or false must never pass for the object, nor
// for the end of the listing.
func TestABucketBelievesNoHalfObjectAndNoHalfListing(t *testing.T) {
	t.Parallel()
	body := hostile.Lines("k", 200)
	for name, fault := range map[string]hostile.GetFault{
		"cut in chunks": hostile.ChunkedAndCut, "cut in HTTP/1.0": hostile.PlainAndCut, "HTML": hostile.Page,
		"nothing": hostile.Nothing,
		"altered": hostile.Altered, "no ETag": hostile.NoETag,
	} {
		s := holding(map[string]string{"k": body})
		s.Get, s.Summed = hostile.Always(fault), true
		r, err := open(t, s).Bucket("b").Get(t.Context(), "k")
		if err == nil {
			_, err = io.ReadAll(r)
			_ = r.Close()
		}
		if err == nil {
			t.Errorf("%s passes for the object", name)
		}
	}
	for name, fault := range map[string]hostile.ListFault{
		"HTML": hostile.Instead("<html></html>"), "nothing": hostile.Instead(""),
		"no token":       hostile.Without("NextContinuationToken"),
		"the same token": hostile.WithToken("k1"),
	} {
		s := holding(map[string]string{"k1": "1", "k2": "2", "k3": "3"})
		s.PageKeys, s.List = 1, hostile.FromPage(2, fault)
		var err error
		for _, err = range open(t, s).Bucket("b").List(t.Context(), "k") {
		}
		if kindOf(err) != source.KindAnswer {
			t.Errorf("%s ends a listing with %v", name, err)
		}
	}
	s := holding(map[string]string{"k": body})
	s.Get = hostile.Once(hostile.Cut)
	r, err := open(t, s).Bucket("b").Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != body {
		t.Errorf("cut once: %d bytes, %v", len(got), err)
	}
	_ = r.Close()
}

func kindOf(err error) source.Kind {
	if e, ok := errors.AsType[*source.Error](err); ok {
		return e.Kind
	}
	return source.KindOther
}
