package deadletter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
)

// Objects is a bucket of an object store. It is safe for concurrent use, and its errors name the object.
type Objects interface {
	// Put stores an object durably before it returns nil.
	Put(ctx context.Context, key string, body []byte) error
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// List gives the keys that begin with a prefix. An error is the last.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Delete succeeds for an object that is not there.
	Delete(ctx context.Context, key string) error
}

// Prefix is a store in objects below a prefix of a bucket: one for each Put, named by its content, so that the same
// failure of the same records is stored once however often it happens. Writing only puts objects; reading lists and
// gets; taking letters out rewrites or deletes objects. It is safe for concurrent use.
type Prefix struct {
	objects Objects
	prefix  string // empty, or with a slash at its end
	logger  *slog.Logger

	mu    sync.Mutex
	holds map[Key][]string // keys of the objects that hold a letter, as of the last reading
}

var _ Store = (*Prefix)(nil)

// OpenPrefix returns the store below a prefix, which may be empty. It makes no request.
func OpenPrefix(objects Objects, prefix string, logger *slog.Logger) *Prefix {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if prefix = strings.TrimSuffix(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &Prefix{objects: objects, prefix: prefix, logger: logger}
}

const objectSuffix = ".jsonl"

// contentName is a name for bytes.
func contentName(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// Prepare stores an object that holds no letter, which proves that letters can be stored.
func (s *Prefix) Prepare(ctx context.Context) error {
	body, err := appendLine(nil, "", mark{ID: "none", Until: new(time.Time), Replayed: true})
	if err != nil {
		return err
	}
	return s.objects.Put(ctx, s.prefix+"penstock-dead-letters"+objectSuffix, body)
}

// Put is part of penstock.DeadLetters.
func (s *Prefix) Put(ctx context.Context, letters ...penstock.Letter) error {
	var body, named []byte
	for _, l := range letters {
		var err error
		if body, err = Append(body, l); err != nil {
			return err
		}
		l.Time = time.Time{} // says when, not what
		if named, err = Append(named, l); err != nil {
			return err
		}
	}
	if len(body) == 0 {
		return nil
	}
	return s.objects.Put(ctx, s.prefix+contentName(named)+objectSuffix, body)
}

// Close has nothing to close.
func (s *Prefix) Close() error { return nil }

// Letters yields the newest letter of each key. It reads the objects twice and holds the keys of the letters in memory,
// never the letters.
func (s *Prefix) Letters(ctx context.Context) iter.Seq2[penstock.Letter, error] {
	return func(yield func(penstock.Letter, error) bool) {
		var parts []part
		for key, err := range s.objects.List(ctx, s.prefix) {
			if err != nil {
				yield(penstock.Letter{}, err)
				return
			}
			parts = append(parts, s.part(key))
		}
		holds := map[Key][]string{}
		s.mu.Lock()
		s.holds = holds
		s.mu.Unlock()
		for l, err := range letters(ctx, parts, s.logger, func(i int, k Key) {
			s.mu.Lock()
			holds[k] = append(holds[k], parts[i].name)
			s.mu.Unlock()
		}) {
			if !yield(l, err) {
				return
			}
		}
	}
}

func (s *Prefix) part(key string) part {
	return part{name: key, open: func(ctx context.Context) (io.ReadCloser, error) { return s.objects.Get(ctx, key) }}
}

// Remove takes letters out that Letters has given before: objects are rewritten without them, or deleted when nothing
// else is in them.
func (s *Prefix) Remove(ctx context.Context, marks ...Mark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone, touched := map[Key]Mark{}, map[string]bool{}
	for _, m := range marks {
		gone[m.Key] = m
		for _, key := range s.holds[m.Key] {
			touched[key] = true
		}
	}
	for key := range touched {
		if err := s.rewrite(ctx, key, gone); err != nil {
			return err
		}
	}
	return nil
}

// rewrite takes the letters that are gone out of an object, and nothing else: a line that cannot be read stays as it
// is. An empty line stays in the place of a letter, because a reading may be under way that knows the others by their
// lines.
func (s *Prefix) rewrite(ctx context.Context, key string, gone map[Key]Mark) error {
	var body []byte
	for line, err := range s.part(key).lines(ctx) {
		if err != nil {
			return err
		}
		if line.overlong {
			return fmt.Errorf("rewrite %s: the line at byte %d is too long to keep (%d bytes)", key, line.offset, line.length)
		}
		rec, err := parse(line.bytes)
		if m, ok := gone[KeyOf(rec.letter)]; ok && err == nil && m.takes(rec.letter) {
			line.bytes = nil
		}
		body = append(append(body, line.bytes...), '\n')
	}
	if len(bytes.TrimSpace(body)) > 0 {
		return s.objects.Put(ctx, key, body)
	}
	return s.objects.Delete(ctx, key)
}
