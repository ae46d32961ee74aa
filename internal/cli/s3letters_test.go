package cli

import (
	"bytes"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/internal/bucket"
)

// Taking letters out of an object keeps everything else in it, also what cannot be read.
func TestAReplayedLetterTakesNoOtherLineOfItsObjectAlong(t *testing.T) {
	t.Parallel()
	b, err := bucket.New("letters")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(b)
	defer srv.Close()
	store := &s3Letters{
		client: s3.New(s3.Options{
			Region: "eu-west-1", BaseEndpoint: &srv.URL, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		}),
		bucket: "letters", prefix: "p", logger: slog.New(slog.DiscardHandler),
	}
	var text []byte
	for _, id := range []string{"a", "b"} {
		if text, err = deadletter.Append(text, penstock.Letter{ID: id, Reason: penstock.ReasonRejected, Raw: []byte(id)}); err != nil {
			t.Fatal(err)
		}
	}
	text = append(text, "{\"id\":\"cut off\",\"ti\n\nnot a letter"...)
	if err := b.Put("p/x.jsonl", text); err != nil {
		t.Fatal(err)
	}
	left := func() (ids []string) {
		for l, err := range store.Letters(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, l.ID)
		}
		return ids
	}
	stored := func() string {
		out, err := store.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("letters"), Key: aws.String("p/x.jsonl")})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = out.Body.Close() }()
		body, err := io.ReadAll(out.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if got := left(); !slices.Equal(got, []string{"a", "b"}) {
		t.Fatalf("letters %v", got)
	}
	if err := store.MarkReplayed(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := left(); !slices.Equal(got, []string{"b"}) {
		t.Errorf("letters %v, want b", got)
	}
	_, rest, _ := bytes.Cut(text, []byte("\n"))
	if got := stored(); strings.TrimSpace(got) != string(rest) {
		t.Errorf("the object holds %q, want %q", got, rest)
	}
	if err := store.MarkReplayed(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if got := stored(); !strings.Contains(got, "cut off") || !strings.Contains(got, "not a letter") {
		t.Errorf("the object holds %q", got)
	}
}
