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

// Bucket stores and reads small objects of one bucket. It is safe for concurrent use. Its errors are *Error and name the
// object.
type Bucket struct {
	s3   *S3
	name string
}

// Bucket returns a bucket, reached as objects are. It makes no request.
func (s *S3) Bucket(name string) *Bucket { return &Bucket{s3: s, name: name} }

// do makes a request about a key or a prefix.
func (b *Bucket) do(op, key string, f func(c *s3.Client) error) error {
	if err := b.s3.inRegion(b.name, f); err != nil {
		return classify(op, objectName(b.name, key, ""), err)
	}
	return nil
}

// Put stores an object of JSON lines.
func (b *Bucket) Put(ctx context.Context, key string, body []byte) error {
	return b.do("write", key, func(c *s3.Client) error {
		_, err := c.PutObject(ctx, &s3.PutObjectInput{
			Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/x-ndjson"),
		})
		return err
	})
}

// Get opens an object. The caller closes it.
func (b *Bucket) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	var out *s3.GetObjectOutput
	err := b.do("read", key, func(c *s3.Client) (err error) {
		out, err = c.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &body{out.Body, objectName(b.name, key, "")}, nil
}

// body names the object in its errors.
type body struct {
	io.ReadCloser
	object string
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // an io.EOF inside another error is not the end
		err = classify("read", b.object, err)
	}
	return n, err
}

// List gives the keys that begin with a prefix, in order. An error is the last.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix, EncodingType: types.EncodingTypeUrl}
		for {
			var page *s3.ListObjectsV2Output
			err := b.do("list", prefix, func(c *s3.Client) (err error) {
				page, err = c.ListObjectsV2(ctx, in)
				return err
			})
			if err != nil {
				yield("", err)
				return
			}
			for _, o := range page.Contents {
				key, err := listedKey(o.Key, page.EncodingType)
				if !yield(key, err) || err != nil {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) || page.NextContinuationToken == nil {
				return
			}
			in.ContinuationToken = page.NextContinuationToken
		}
	}
}

// Delete removes an object; one that is not there is none to remove.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	return b.do("delete", key, func(c *s3.Client) error {
		_, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key})
		return err
	})
}
