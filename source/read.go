package source

import (
	"cmp"
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

// open starts reading an object; with an ETag, these bytes of it alone. The identity is that of the answer.
func (s *S3) open(ctx context.Context, ref Ref, etag string) (*penstock.Stream, error) {
	r := &objectReader{s3: s, ctx: ctx, ref: ref, name: ref.String(), want: etag}
	if err := r.request(); err != nil {
		return nil, err
	}
	return &penstock.Stream{ReadCloser: r, Identity: r.id, Summed: r.sum != nil}, nil
}

// again opens the very bytes that were read under an identity: what is there now if it is still the same, and otherwise
// their version, which takes a permission of its own.
func (s *S3) again(ctx context.Context, ref Ref, id penstock.Identity) (*penstock.Stream, error) {
	stream, err := s.open(ctx, ref, id.ETag)
	e, ok := errors.AsType[*Error](err)
	if ok && (e.Kind == KindChanged || e.Kind == KindMissing) && ref.Version == "" && id.Version != "" {
		ref.Version = id.Version
		return s.open(ctx, ref, id.ETag)
	}
	return stream, err
}

// objectReader reads one object through as many requests as it takes. After the first answer every request names the
// entity tag, so that bytes of another version are never mixed in. The end of a body is the end of the object only
// where the object's length says so: over HTTP/1.0, in chunks and behind proxies a body that is cut looks like one that
// is over.
type objectReader struct {
	s3       *S3
	ctx      context.Context //nolint:containedctx // a reader lives as long as the call that opened it
	ref      Ref
	name     string
	want     string // the entity tag of the only bytes that will do, empty for any
	id       penstock.Identity
	sum      *sum  // nil when the first answer promises none
	total    int64 // of the object
	at       int64
	body     io.ReadCloser
	cancel   context.CancelFunc
	idle     *time.Timer
	failures int // in a row without a byte
	cause    error
}

// get asks for the object from a byte on, to its end or, when end is not 0, up to there.
func (r *objectReader) get(ctx context.Context, from, end int64) (out *s3.GetObjectOutput, err error) {
	in := &s3.GetObjectInput{Bucket: &r.ref.Bucket, Key: &r.ref.Key, RequestPayer: r.s3.payer()}
	if r.ref.Version != "" {
		in.VersionId = &r.ref.Version
	}
	if etag := cmp.Or(r.id.ETag, r.want); etag != "" {
		in.IfMatch = aws.String(`"` + etag + `"`)
	}
	switch {
	case end > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", from, end-1))
	case from > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", from))
	}
	err = r.s3.inRegion(r.ref.Bucket, func(c *client) (err error) {
		out, err = c.getObject(ctx, in)
		return err
	})
	if err != nil {
		return nil, classify("open", r.name, err)
	}
	return out, nil
}

func (r *objectReader) request() error {
	ctx, cancel := context.WithCancel(r.ctx)
	out, err := r.get(ctx, r.at, 0)
	if err != nil {
		cancel()
		return err
	}
	if err := r.accept(out); err != nil {
		cancel()
		_ = out.Body.Close()
		return err
	}
	r.body, r.cancel = out.Body, cancel
	// A body that stalls while somebody waits for its bytes is cut off and resumed.
	r.idle = time.AfterFunc(r.s3.cfg.IdleTimeout, cancel)
	r.idle.Stop()
	return nil
}

// accept checks that an answer continues the object, or learns what the object is from the first one.
func (r *objectReader) accept(out *s3.GetObjectOutput) error {
	etag := unquoted(out.ETag)
	if etag == "" {
		return r.wrong("the answer has no ETag: it is not the object")
	}
	length := int64(-1)
	if out.ContentLength != nil {
		length = *out.ContentLength
	}
	if r.id.ETag == "" {
		return r.begin(out, etag, length)
	}
	if etag != r.id.ETag {
		return r.replaced()
	}
	if err := r.goesOn(aws.ToString(out.ContentRange)); err != nil {
		return err
	}
	if length > r.total-r.at {
		return r.wrong("the answer has %d bytes, of which the object has %d left", length, r.total-r.at)
	}
	return nil
}

// begin takes the first answer. Its length is what there is to be read, unless a listing or an event has said another
// one of the same bytes: then that one is, because what is between here and S3 can shorten an answer.
func (r *objectReader) begin(out *s3.GetObjectOutput, etag string, length int64) error {
	if r.want != "" && etag != r.want {
		return r.replaced()
	}
	r.total = length
	if r.ref.Size >= 0 && strings.Trim(r.ref.ETag, `"`) == etag {
		r.total = r.ref.Size
	}
	switch part := aws.ToString(out.ContentRange); {
	case part != "":
		return r.wrong("asked for the whole object, answered %q", part)
	case r.total < 0:
		return r.wrong("the answer does not say how long the object is")
	case length > r.total:
		return r.wrong("the answer has %d bytes, the listing or the event says %d for the same ETag", length, r.total)
	}
	version := aws.ToString(out.VersionId)
	if version == "null" {
		version = ""
	}
	r.id = penstock.Identity{
		Bucket: r.ref.Bucket, Key: r.ref.Key, Version: version, ETag: etag, Modified: aws.ToTime(out.LastModified),
	}
	r.sum = promised(out)
	return nil
}

// goesOn checks the part of the object that an answer says it has.
func (r *objectReader) goesOn(part string) error {
	if r.at == 0 && part == "" {
		return nil
	}
	var from, to, total int64
	n, _ := fmt.Sscanf(part, "bytes %d-%d/%d", &from, &to, &total)
	if n < 2 || from != r.at || n == 3 && total != r.total {
		return r.wrong("asked to go on at byte %d of %d, answered %q", r.at, r.total, part)
	}
	return nil
}

func (r *objectReader) replaced() *Error {
	return &Error{Op: "read", Object: r.name, Kind: KindChanged, Err: errors.New("replaced while it was read")}
}

func (r *objectReader) altered(err error) error {
	return &penstock.AlteredError{Err: &Error{Op: "read", Object: r.name, Kind: KindAltered, Err: err}}
}

func (r *objectReader) wrong(format string, args ...any) *Error {
	return &Error{Op: "read", Object: r.name, Kind: KindAnswer, Err: fmt.Errorf(format, args...)}
}

func unquoted(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

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
		r.idle.Reset(r.s3.cfg.IdleTimeout)
		n, err := r.body.Read(p)
		r.idle.Stop()
		if left := r.total - r.at; int64(n) > left {
			r.cause = r.wrong("there are more than the %d bytes of the object", r.total)
			n = int(left)
		}
		r.at += int64(n)
		if n > 0 {
			r.failures = 0
			r.sum.add(p[:n])
		}
		switch {
		case err == nil || r.cause != nil:
			return n, r.cause
		case r.at == r.total:
			r.cause = r.end()
		case errors.Is(err, io.EOF):
			r.broken(fmt.Errorf("ended after %d of %d bytes", r.at, r.total))
		default:
			r.broken(err)
		}
		if n > 0 {
			return n, nil
		}
	}
}

// end is how the reading of all bytes ends.
func (r *objectReader) end() error {
	if err := r.sum.check(); err != nil {
		return r.altered(err)
	}
	return io.EOF
}

// broken closes the body and remembers why.
func (r *objectReader) broken(err error) {
	r.drop()
	if r.ctx.Err() != nil {
		r.cause = classify("read", r.name, context.Cause(r.ctx))
		return
	}
	r.failures++
	r.s3.cfg.Logger.InfoContext(r.ctx, "read broken, resuming", "object", r.name, "offset", r.at, "attempt", r.failures,
		"error", err)
	if r.failures > r.s3.cfg.Attempts {
		e := classify("read", r.name, err)
		e.Kind = KindUnreachable
		r.cause = e
	}
}

// resume asks for the rest, after a pause that grows with the failures.
func (r *objectReader) resume() error {
	for {
		if err := r.pause(r.ctx, r.failures); err != nil {
			return err
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

// pause waits before another attempt.
func (r *objectReader) pause(ctx context.Context, failures int) error {
	pause := time.Duration(rand.Int64N(int64(50*time.Millisecond) << min(failures, 8))) //nolint:gosec // jitter
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return classify("read", r.name, context.Cause(ctx))
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
