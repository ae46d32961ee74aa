package source

import (
	"bytes"
	"context"
	"io"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Bucket stores and reads small objects of one bucket. It is safe for concurrent use. Its errors are *Error and name
// the object.
type Bucket struct {
	s3   *S3
	name string
}

// Bucket returns a bucket, reached as objects are. It makes no request.
func (s *S3) Bucket(name string) *Bucket { return &Bucket{s3: s, name: name} }

func (b *Bucket) ref(key string) Ref { return Ref{Bucket: b.name, Key: key, Size: -1} }

// do makes a request about a key or a prefix.
func (b *Bucket) do(op, key string, f func(c *client) error) error {
	if err := b.s3.inRegion(b.name, f); err != nil {
		return classify(op, b.ref(key).String(), err)
	}
	return nil
}

// Put stores an object of JSON lines.
func (b *Bucket) Put(ctx context.Context, key string, body []byte) error {
	return b.do("write", key, func(c *client) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/x-ndjson"),
		})
		return err
	})
}

// Get opens an object, which is read to its end as every object is: what is cut short or altered is an error. The
// caller closes it.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	stream, err := b.s3.open(ctx, b.ref(key), "")
	if err != nil {
		return nil, err
	}
	return stream, nil
}

// List gives the keys that begin with a prefix, in order. An error is the last.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix, EncodingType: types.EncodingTypeUrl}
		for page, err := range b.s3.pages(ctx, in) {
			if err != nil {
				yield("", classify("list", b.ref(prefix).String(), err))
				return
			}
			for _, o := range page.Contents {
				key, err := listedKey(o.Key, page.EncodingType)
				if !yield(key, err) || err != nil {
					return
				}
			}
		}
	}
}

// Delete removes an object; one that is not there is none to remove.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	return b.do("delete", key, func(c *client) error {
		_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key})
		return err
	})
}
