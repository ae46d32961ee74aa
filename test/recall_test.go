//go:build linux

package test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/internal/hostile"
)

// lettersOf gives each of the letters in a directory, and the number of those whose records are gone.
func lettersOf(t *testing.T, dir string) (whole, gone int) {
	t.Helper()
	for l, err := range deadletter.Open(dir, nil).Letters(t.Context()) {
		var doc struct{ Message string }
		switch {
		case err != nil:
			t.Fatal(err)
		case json.Unmarshal(l.Document, &doc) != nil || doc.Message == "" || l.Source.Length != int64(len(doc.Message)):
			t.Fatalf("letter %+v", l)
		case l.Gone && l.Raw == nil:
			gone++
		case !l.Gone && string(l.Raw) == doc.Message:
			whole++
		default:
			t.Fatalf("letter %+v", l)
		}
	}
	return whole, gone
}

// gzipLines is a compressed text.
func gzipLines(t *testing.T, n int) string {
	t.Helper()
	var stored bytes.Buffer
	z, err := gzip.NewWriterLevel(&stored, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	repeat(z, n, func(i int) string { return fmt.Sprintf("line %d of a text that no format fits", i) })
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return stored.String()
}

// shipTexts ships what is in a bucket to a domain that refuses everything, and returns the most memory that took.
func shipTexts(t *testing.T, s3 http.Handler, domain, letters string) (peak int64) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "eu-west-1")
	bucket := httptest.NewServer(s3)
	defer bucket.Close()
	return shipMeasured(t, []string{
		"ship", "s3://" + hostile.Bucket, "--endpoint-url", bucket.URL, "--path-style", "--domain", domain, "--no-sign",
		"--index", "logs", "--keep-going", "--json", "--dead-letters", letters,
	}, 3)
}

// However many documents of an object are refused, it is read twice: the second time for the records of all letters.
func TestRejectionsOfOneObjectTakeTwoReadings(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the built binary: not with -short")
	}
	const records = 300_000
	text := gzipLines(t, records)
	var gets atomic.Int64
	s3 := &hostile.S3{Summed: true, Get: func(http.ResponseWriter, *hostile.Get) bool {
		gets.Add(1)
		return false
	}}
	s3.Put("large.gz", text)
	sink := httptest.NewServer(answering(refusedItem))
	defer sink.Close()
	// On a busy machine the garbage collector runs late: the least of three runs counts.
	peak, letters := int64(math.MaxInt64), ""
	for attempt := 0; attempt < 3 && peak > promisedMemory; attempt++ {
		gets.Store(0)
		letters = t.TempDir()
		peak = min(peak, shipTexts(t, s3, sink.URL, letters))
	}
	if peak > promisedMemory {
		t.Errorf("at most %d MiB of memory, want %d", peak>>20, int64(promisedMemory)>>20)
	}
	if gets.Load() != 2 {
		t.Errorf("%d requests for the object, want 2", gets.Load())
	}
	if whole, gone := lettersOf(t, letters); whole != records || gone != 0 {
		t.Errorf("%d letters with their records and %d without, want %d and none", whole, gone, records)
	}
}

// What has happened to an object since it was read keeps nothing back: its letters are without their records. Letters
// that have them are not replaced when the object comes again.
func TestLettersOfAnObjectThatIsGone(t *testing.T) {
	text := gzipLines(t, 1000)
	other := gzipLines(t, 999)
	sink := httptest.NewServer(answering(refusedItem))
	defer sink.Close()
	for name, again := range map[string]func(w http.ResponseWriter, g *hostile.Get){
		"deleted": func(w http.ResponseWriter, _ *hostile.Get) { hostile.Fail(w, http.StatusNotFound, "NoSuchKey") },
		"replaced": func(w http.ResponseWriter, _ *hostile.Get) {
			hostile.Fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		},
		"denied": func(w http.ResponseWriter, _ *hostile.Get) { hostile.Fail(w, http.StatusForbidden, "AccessDenied") },
		"replaced, and the server gives that": func(w http.ResponseWriter, g *hostile.Get) {
			o := hostile.Get{Request: g.Request, Body: other}
			hostile.Whole(w, &o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			letters := filepath.Join(t.TempDir(), "letters")
			s3 := &hostile.S3{Get: func(w http.ResponseWriter, g *hostile.Get) bool {
				if g.N == 1 {
					return false
				}
				again(w, g)
				return true
			}}
			s3.Put("a.gz", text)
			shipTexts(t, s3, sink.URL, letters)
			if whole, gone := lettersOf(t, letters); whole != 0 || gone != 1000 {
				t.Errorf("%d letters with their records and %d without, want none and 1000", whole, gone)
			}
			// It comes again, is there, and then is gone once more.
			good := new(hostile.S3)
			good.Put("a.gz", text)
			shipTexts(t, good, sink.URL, letters)
			s3 = &hostile.S3{Get: s3.Get}
			s3.Put("a.gz", text)
			shipTexts(t, s3, sink.URL, letters)
			if whole, gone := lettersOf(t, letters); whole != 1000 || gone != 0 {
				t.Errorf("%d letters with their records and %d without, want 1000 and none", whole, gone)
			}
		})
	}
}
