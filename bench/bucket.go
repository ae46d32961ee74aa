package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bucketName is that of the bucket with the objects of a corpus.
const bucketName = "bench"

// bucket answers GET and LIST for the files of a directory, which it has in memory. Each answer takes as long to begin
// as S3's.
type bucket struct {
	firstByte time.Duration
	keys      []string
	objects   map[string]object
}

type object struct {
	body []byte
	etag string
}

// stored is when the objects were.
var stored = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newBucket(dir string, firstByte time.Duration) (*bucket, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return nil, err
	}
	b := &bucket{firstByte: firstByte, objects: map[string]object{}}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		key := filepath.Base(name)
		b.keys = append(b.keys, key)
		b.objects[key] = object{body: body, etag: `"` + hex.EncodeToString(sum[:16]) + `"`}
	}
	slices.Sort(b.keys)
	return b, nil
}

// serveBucket serves the files of a directory, prints its address and stays.
func serveBucket(out io.Writer, dir string, firstByte time.Duration) error {
	b, err := newBucket(dir, firstByte)
	if err != nil {
		return err
	}
	server := httptest.NewServer(b)
	fmt.Fprintf(out, "listening on %s\n", server.URL)
	select {}
}

// ServeHTTP is part of http.Handler.
func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	time.Sleep(b.firstByte)
	key := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/"+bucketName), "/")
	if key == "" {
		b.list(w, r)
		return
	}
	o, ok := b.objects[key]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
		return
	}
	w.Header().Set("ETag", o.etag)
	w.Header().Set("Last-Modified", stored.Format(http.TimeFormat))
	w.Header().Set("Content-Length", strconv.Itoa(len(o.body)))
	_, _ = w.Write(o.body)
}

type listed struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
}

type listing struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listed
}

// list answers with a page of at most 1,000 keys. The token of a page is the key before it.
func (b *bucket) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	from, most := 0, 1000
	if token := query.Get("continuation-token"); token != "" {
		at, _ := slices.BinarySearch(b.keys, token)
		from = at + 1
	}
	if n, err := strconv.Atoi(query.Get("max-keys")); err == nil {
		most = min(most, n)
	}
	page := listing{Name: bucketName}
	for _, key := range b.keys[from:] {
		if !strings.HasPrefix(key, query.Get("prefix")) {
			continue
		}
		if len(page.Contents) == most {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[most-1].Key
			break
		}
		o := b.objects[key]
		page.Contents = append(page.Contents, listed{key, stored.Format(time.RFC3339), o.etag, len(o.body)})
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(page)
}
