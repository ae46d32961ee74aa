package test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/klauspost/compress/zstd"

	"github.com/seed56735111/penstock/internal/realtest"
	"github.com/seed56735111/penstock/internal/samples"
)

// hostileKeys are names that a program gets wrong when it encodes too little, too much, twice, or for the wrong part of
// a URL, an XML document, a signature or a shell. The S3 server keeps objects as files: names that no file can have are
// in [unfileableKeys].
var hostileKeys = []string{
	"a b", "two  spaces", " leading space", "trailing space ", "a+b", "+", "a%b", "%", "%zz", "a%2Bb", "a%2Fb", "a%252Bb",
	"a%20b",
	"ünï/日本語/😀", "cafe\u0301", "caf\u00e9", "family 👩‍👩‍👧", "\u202edlrow", "zero\u200bwidth",
	"\ufeffbom",
	"dot.", "dots...", ".hidden", "-rf", "--json", "~", "_", "=", "CON", "null",
	"it's \"quoted\"", `back\slash`, "`id`", "$(id)", "${HOME}", "a;b&c=d?e#f@g:h", "comma,", "(paren)!",
	"{brace}|pipe^caret",
	"*[star]?", "<Key>&amp;</Key>", "tab\tkey", "line\nfeed", "carriage\rreturn", "delete\x7f",
	"logs/year=2026/month=11/part-0.json", "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p",
	strings.Repeat("k", 255),
	// 1024 bytes, the longest key there is.
	strings.Repeat("x", 255) + "/" + strings.Repeat("y", 255) + "/" +
		strings.Repeat("z", 255) + "/" + strings.Repeat("w", 250) + "/" + "12345",
}

// unfileableKeys are legal keys that a file system would refuse, or take for the same name.
var unfileableKeys = []string{
	"x//y", "x/y", "/leading", "//leading", "trailing//", "dir/./e", "dir/../e", "https://example.com/x", "folder/",
	"c\x01d", "esc\x1b[31m",
	strings.Repeat("k", 1024),
}

// put is one object of the corpus, with its content and the number of its records.
type put struct {
	key     string
	body    []byte
	records int // counted in the plain text
	poison  int // records that no mapping takes
	docs    []string
}

// corpus makes n objects. Each record says in "unique" which one it is, so that what arrives can be compared with what
// was put in.
func corpus(n int, keys []string) []*put {
	var all []*put
	for i := range n {
		key := keys[i%len(keys)]
		if i >= len(keys) {
			key = fmt.Sprintf("%04d/%s", i, key)
			key = strings.ToValidUTF8(key[:min(len(key), 200)], "")
		}
		all = append(all, newPut(key, i, 0))
	}
	return all
}

// newPut makes the content of object i in its given generation.
func newPut(key string, i, generation int) *put {
	p := &put{key: key}
	var text bytes.Buffer
	for r := range i % 6 {
		unique := fmt.Sprintf("%d/%d/%d", i, generation, r)
		amount := `12.5`
		if i%100 == 1 {
			amount, p.poison = `"a dozen"`, p.poison+1
		} else {
			p.docs = append(p.docs, key+" "+unique)
		}
		at := time.Date(2015, 11, 19, 6, 0, i%3600, r*1000, time.UTC).Format(time.RFC3339Nano)
		fmt.Fprintf(&text, `{"timestamp":"%s","unique":"%s","amount":%s,"text":"naïve ☕ \u0001"}`+"\n", at, unique, amount)
	}
	p.records = bytes.Count(text.Bytes(), []byte("\n"))
	p.body = pack(text.Bytes(), i)
	return p
}

// pack stores text in one of the ways in which logs are stored.
func pack(text []byte, way int) []byte {
	if len(text) == 0 {
		return nil
	}
	switch way % 4 {
	case 1:
		return gzipped(text)
	case 2: // members cut in the middle of a line
		return append(gzipped(text[:len(text)/2]), gzipped(text[len(text)/2:])...)
	case 3:
		w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err)
		}
		defer func() { _ = w.Close() }()
		return w.EncodeAll(text, nil)
	default:
		return text
	}
}

func gzipped(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	// Writing to memory does not fail.
	_, _ = w.Write(text)
	_ = w.Close()
	return out.Bytes()
}

// sampleObjects are the files of the demo: a load balancer log, CloudTrail, stack traces and more.
func sampleObjects(t *testing.T) []*put {
	t.Helper()
	objects, err := samples.All()
	if err != nil {
		t.Fatal(err)
	}
	var all []*put
	for _, o := range objects {
		all = append(all, &put{key: "samples/" + o.Key, body: o.Body, records: o.Records, poison: o.Poison})
	}
	return all
}

// expect is what shipping the objects for the first time must give.
func expect(puts []*put) summary {
	var s summary
	for _, p := range puts {
		s.Objects++
		s.Records += int64(p.records)
		s.DeadLettered += int64(p.poison)
		s.BytesIn += int64(len(p.body))
	}
	s.Delivered = s.Records - s.DeadLettered
	return s
}

// again is what shipping the same objects once more must give.
func again(s summary) summary {
	s.Duplicate, s.Delivered = s.Duplicate+s.Delivered, 0
	return s
}

// bucket is a bucket on a test server.
type bucket struct {
	client *s3.Client
	name   string
}

// newBucket makes a bucket.
func newBucket(t *testing.T, endpoint string, account *realtest.S3, name string, versioned bool) *bucket {
	t.Helper()
	at := *account
	at.URL = endpoint
	b := &bucket{name: name, client: newBucketClient(&at)}
	if _, err := b.client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{
			LocationConstraint: s3types.BucketLocationConstraint(account.Region),
		},
	}); err != nil {
		t.Fatal(err)
	}
	if versioned {
		if _, err := b.client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket:                  &name,
			VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
		}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// newBucketClient returns a client for the buckets of a server.
func newBucketClient(s *realtest.S3) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &s.URL, Region: s.Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	})
}

// put stores objects, eight at a time.
func (b *bucket) put(t *testing.T, puts []*put) {
	t.Helper()
	b.each(t, puts, func(ctx context.Context, p *put) error {
		_, err := b.client.PutObject(ctx,
			&s3.PutObjectInput{Bucket: &b.name, Key: aws.String(p.key), Body: bytes.NewReader(p.body)})
		return err
	})
}

// remove deletes objects; in a versioned bucket a marker hides them.
func (b *bucket) remove(t *testing.T, puts []*put) {
	t.Helper()
	b.each(t, puts, func(ctx context.Context, p *put) error {
		_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: aws.String(p.key)})
		return err
	})
}

func (b *bucket) each(t *testing.T, puts []*put, do func(context.Context, *put) error) {
	t.Helper()
	queue := make(chan *put)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for p := range queue {
				if err := do(t.Context(), p); err != nil {
					t.Errorf("%q: %v", p.key, err)
				}
			}
		})
	}
	for _, p := range puts {
		queue <- p
	}
	close(queue)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// found is one document as the domain gives it back.
type found struct {
	ID     string `json:"_id"`
	Source struct {
		Unique string `json:"unique"`
		AWS    struct {
			S3 struct {
				Bucket string `json:"bucket"`
				Key    string `json:"key"`
			} `json:"s3"`
		} `json:"aws"`
	} `json:"_source"`
}

// domainClient asks a domain. The AWS SDK signs its requests, so that our signer is not checked by itself.
type domainClient struct {
	url     string
	account *realtest.S3
}

// prepare fixes the type of the one field that the poison records get wrong.
func (c *domainClient) prepare(t *testing.T) {
	t.Helper()
	var done struct{ Acknowledged bool }
	c.call(t, "PUT", "/_index_template/realtest", `{"index_patterns":["logs-*"],"template":{
		"settings":{"number_of_shards":1,"number_of_replicas":0},
		"mappings":{"properties":{"amount":{"type":"double"},"unique":{"type":"keyword"}}}}}`, &done)
	if !done.Acknowledged {
		t.Fatal("the index template was not acknowledged")
	}
}

// count is the number of documents in all indexes.
func (c *domainClient) count(t *testing.T) int64 {
	t.Helper()
	c.call(t, "POST", "/logs-*/_refresh", "", new(json.RawMessage))
	var answer struct{ Count int64 }
	c.call(t, "GET", "/logs-*/_count", "", &answer)
	return answer.Count
}

// documents reads back every generated document of a bucket: its key and what makes it unique.
func (c *domainClient) documents(t *testing.T) []string {
	t.Helper()
	c.call(t, "POST", "/logs-*/_refresh", "", new(json.RawMessage))
	var answer struct{ Hits struct{ Hits []found } }
	c.call(t, "POST", "/logs-*/_search", `{"size":10000,"query":{"exists":{"field":"unique"}},"_source":["unique","aws"]}`,
		&answer)
	var docs []string
	for _, f := range answer.Hits.Hits {
		docs = append(docs, f.Source.AWS.S3.Key+" "+f.Source.Unique)
	}
	return docs
}

// docsOf are the documents that must be found.
func docsOf(puts ...[]*put) []string {
	var docs []string
	for _, list := range puts {
		for _, p := range list {
			docs = append(docs, p.docs...)
		}
	}
	return docs
}
