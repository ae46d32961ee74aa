package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/decode"
)

// s3Letters keeps dead letters as objects below a prefix: one for each Put, named by its content, so that the same
// failure of the same records is stored once however often it happens. Writing needs s3:PutObject alone; reading lists
// and gets; taking out what was replayed rewrites or deletes the objects.
type s3Letters struct {
	client         *s3.Client
	bucket, prefix string
	logger         logger

	mu    sync.Mutex
	holds map[string][]string // keys of the objects that hold a letter, by its id, as of the last reading
}

// contentName is a name for bytes.
func contentName(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// Put is part of penstock.DeadLetters. S3 has the object durably when it says so.
func (s *s3Letters) Put(ctx context.Context, letters ...penstock.Letter) error {
	var body, named []byte
	for _, l := range letters {
		var err error
		if body, err = deadletter.Append(body, l); err != nil {
			return err
		}
		l.Time = time.Time{} // says when, not what
		if named, err = deadletter.Append(named, l); err != nil {
			return err
		}
	}
	return s.put(ctx, s.key(contentName(named)), body)
}

func (s *s3Letters) key(name string) string {
	if s.prefix == "" {
		return name + ".jsonl"
	}
	return s.prefix + "/" + name + ".jsonl"
}

func (s *s3Letters) put(ctx context.Context, key string, body []byte) error {
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/x-ndjson"),
	})
	if err != nil {
		return fmt.Errorf("write s3://%s/%s: %w", s.bucket, key, err)
	}
	return nil
}

// Close has nothing to close.
func (s *s3Letters) Close() error { return nil }

// Letters yields the newest letter of each id. It reads the objects twice and holds the ids in memory, never the letters.
func (s *s3Letters) Letters(ctx context.Context) iter.Seq2[penstock.Letter, error] {
	return func(yield func(penstock.Letter, error) bool) {
		keys, err := s.keys(ctx)
		if err != nil {
			yield(penstock.Letter{}, err)
			return
		}
		type place struct {
			key string
			at  time.Time
		}
		newest, holds := map[string]place{}, map[string][]string{}
		for _, key := range keys {
			for l, err := range s.scan(ctx, key) {
				if err != nil {
					yield(l, err)
					return
				}
				holds[l.ID] = append(holds[l.ID], key)
				if old, ok := newest[l.ID]; !ok || l.Time.After(old.at) {
					newest[l.ID] = place{key, l.Time}
				}
			}
		}
		s.mu.Lock()
		s.holds = holds
		s.mu.Unlock()
		for _, key := range keys {
			for l, err := range s.scan(ctx, key) {
				if err == nil && newest[l.ID] != (place{key, l.Time}) {
					continue
				}
				if !yield(l, err) || err != nil {
					return
				}
			}
		}
	}
}

func (s *s3Letters) keys(ctx context.Context) ([]string, error) {
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket}
	if s.prefix != "" {
		in.Prefix = aws.String(s.prefix + "/")
	}
	var keys []string
	for pages := s3.NewListObjectsV2Paginator(s.client, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", s.bucket, s.prefix, err)
		}
		for _, o := range page.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
	}
	return keys, nil
}

// lines yields the lines of one object, each valid until the next.
func (s *s3Letters) lines(ctx context.Context, key string) iter.Seq2[decode.Line, error] {
	return func(yield func(decode.Line, error) bool) {
		out, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
		if err != nil {
			yield(decode.Line{}, fmt.Errorf("read s3://%s/%s: %w", s.bucket, key, err))
			return
		}
		defer func() { _ = out.Body.Close() }()
		lines := decode.NewLineReader(out.Body, deadletter.MaxLine)
		for {
			line, err := lines.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(decode.Line{}, fmt.Errorf("read s3://%s/%s: %w", s.bucket, key, err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

// scan yields the letters of one object. A line that is no letter is reported to the logger and passed over.
func (s *s3Letters) scan(ctx context.Context, key string) iter.Seq2[penstock.Letter, error] {
	return func(yield func(penstock.Letter, error) bool) {
		n := 0
		for line, err := range s.lines(ctx, key) {
			if err != nil {
				yield(penstock.Letter{}, err)
				return
			}
			n++
			l, replayed, err := deadletter.Parse(line.Bytes)
			if err != nil || replayed {
				s.logger.WarnContext(ctx, "line passed over", "object", "s3://"+s.bucket+"/"+key, "line", n, "error", err)
				continue
			}
			if !yield(l, nil) {
				return
			}
		}
	}
}

// MarkReplayed takes letters out that Letters has given before: objects are rewritten without them, or deleted when
// nothing else is in them.
func (s *s3Letters) MarkReplayed(ctx context.Context, ids ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone, touched := map[string]bool{}, map[string]bool{}
	for _, id := range ids {
		gone[id] = true
		for _, key := range s.holds[id] {
			touched[key] = true
		}
		delete(s.holds, id)
	}
	for key := range touched {
		if err := s.rewrite(ctx, key, gone); err != nil {
			return err
		}
	}
	return nil
}

// rewrite takes the letters that are gone out of an object, and nothing else: a line that cannot be read stays as it is.
func (s *s3Letters) rewrite(ctx context.Context, key string, gone map[string]bool) error {
	var body []byte
	for line, err := range s.lines(ctx, key) {
		if err != nil {
			return err
		}
		if line.Overlong {
			return fmt.Errorf("rewrite s3://%s/%s: the line at byte %d is too long to keep (%d bytes)", s.bucket, key, line.Offset, line.Length)
		}
		if l, _, err := deadletter.Parse(line.Bytes); err == nil && gone[l.ID] {
			continue
		}
		body = append(append(body, line.Bytes...), '\n')
	}
	if len(bytes.TrimSpace(body)) > 0 {
		return s.put(ctx, key, body)
	}
	if _, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key}); err != nil {
		return fmt.Errorf("delete s3://%s/%s: %w", s.bucket, key, err)
	}
	return nil
}
