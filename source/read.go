package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed56735111/penstock"
)

// open starts reading an object. The identity is that of the answer.
func (s *S3) open(ctx context.Context, bucket, key, version string) (*penstock.Stream, error) {
	r := &objectReader{s3: s, ctx: ctx, bucket: bucket, key: key, version: version, name: objectName(bucket, key, version)}
	if err := r.request(); err != nil {
		return nil, err
	}
	return &penstock.Stream{ReadCloser: r, Identity: r.id}, nil
}

// objectReader reads one object through as many requests as it takes. After the first answer every request names the
// entity tag, so that bytes of another version are never mixed in.
type objectReader struct {
	s3          *S3
	ctx         context.Context //nolint:containedctx // a reader lives as long as the call that opened it
	bucket, key string
	version     string
	name        string
	id          penstock.Identity
	total       int64 // promised, -1 when the answer does not say
	at          int64
	body        io.ReadCloser
	cancel      context.CancelFunc
	idle        *time.Timer
	failures    int // in a row without a byte
	cause       error
}

func (r *objectReader) request() error {
	in := &s3.GetObjectInput{Bucket: &r.bucket, Key: &r.key, RequestPayer: r.s3.payer()}
	if r.version != "" {
		in.VersionId = &r.version
	}
	if r.id.ETag != "" {
		in.IfMatch = aws.String(`"` + r.id.ETag + `"`)
	}
	if r.at > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", r.at))
	}
	ctx, cancel := context.WithCancel(r.ctx)
	var out *s3.GetObjectOutput
	err := r.s3.inRegion(r.bucket, func(c *s3.Client) (err error) {
		out, err = c.GetObject(ctx, in)
		return err
	})
	if err != nil {
		cancel()
		return classify("open", r.name, err)
	}
	if err := r.accept(out); err != nil {
		cancel()
		_ = out.Body.Close()
		return err
	}
	r.body, r.cancel = out.Body, cancel
	// A body that stalls is cut off and resumed.
	r.idle = time.AfterFunc(r.s3.cfg.IdleTimeout, cancel)
	return nil
}

// accept checks that an answer continues the object, or learns what the object is from the first one.
func (r *objectReader) accept(out *s3.GetObjectOutput) error {
	etag := strings.Trim(aws.ToString(out.ETag), `"`)
	length := int64(-1)
	if out.ContentLength != nil {
		length = *out.ContentLength
	}
	if r.at == 0 && r.id.ETag == "" {
		version := aws.ToString(out.VersionId)
		if version == "null" {
			version = ""
		}
		r.id = penstock.Identity{Bucket: r.bucket, Key: r.key, Version: version, ETag: etag, Modified: aws.ToTime(out.LastModified)}
		r.total = length
		return nil
	}
	if etag != r.id.ETag {
		return &Error{Op: "read", Object: r.name, Kind: KindChanged, Err: errors.New("replaced while it was read")}
	}
	if r.at > 0 {
		var from int64
		if _, err := fmt.Sscanf(aws.ToString(out.ContentRange), "bytes %d-", &from); err != nil || from != r.at {
			return &Error{Op: "read", Object: r.name, Kind: KindOther, Err: fmt.Errorf("asked to go on at byte %d, answered %q", r.at, aws.ToString(out.ContentRange))}
		}
	}
	return nil
}

// Read gives the object's bytes. When the connection breaks it goes on where it broke.
func (r *objectReader) Read(p []byte) (int, error) {
	for {
		if r.cause != nil {
			return 0, r.cause
		}
		if r.body == nil {
			if r.cause = r.resume(); r.cause != nil {
				return 0, r.cause
			}
		}
		n, err := r.body.Read(p)
		r.at += int64(n)
		if n > 0 {
			r.failures = 0
			r.idle.Reset(r.s3.cfg.IdleTimeout)
		}
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, io.EOF) && (r.total < 0 || r.at == r.total):
			r.cause = io.EOF
		case errors.Is(err, io.EOF):
			// Without a length of its own, a connection that is cut looks like the end.
			err = fmt.Errorf("ended after %d of %d bytes", r.at, r.total)
			fallthrough
		default:
			r.broken(err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// broken closes the body and remembers why.
func (r *objectReader) broken(err error) {
	r.drop()
	if r.ctx.Err() != nil {
		r.cause = classify("read", r.name, context.Cause(r.ctx))
		return
	}
	r.failures++
	r.s3.cfg.Logger.InfoContext(r.ctx, "read broken, resuming", "object", r.name, "offset", r.at, "attempt", r.failures, "error", err)
	if r.failures > r.s3.cfg.Attempts {
		e := classify("read", r.name, err)
		e.Kind = KindUnreachable
		r.cause = e
	}
}

// resume asks for the rest, after a pause that grows with the failures.
func (r *objectReader) resume() error {
	for {
		pause := time.Duration(rand.Int64N(int64(50*time.Millisecond) << min(r.failures, 8))) //nolint:gosec // jitter
		select {
		case <-time.After(pause):
		case <-r.ctx.Done():
			return classify("read", r.name, context.Cause(r.ctx))
		}
		err := r.request()
		if err == nil {
			return nil
		}
		se, ok := errors.AsType[*Error](err)
		if ok && se.Kind == KindChanged || !ok || !se.Temporary() {
			return err
		}
		r.broken(err)
		if r.cause != nil {
			return r.cause
		}
	}
}

func (r *objectReader) drop() {
	if r.body == nil {
		return
	}
	r.idle.Stop()
	r.cancel()
	_ = r.body.Close()
	r.body = nil
}

// Close ends the reading.
func (r *objectReader) Close() error {
	r.drop()
	return nil
}
