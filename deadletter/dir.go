// Package deadletter keeps the records that could not be delivered, with everything needed to understand why and to
// send them again.
//
// A store is a directory of JSON Lines files, or objects with such lines below a prefix of a bucket: one line for a
// letter, readable by people and by any tool. In a directory letters are only ever appended, and a line that says
// "replayed" takes an earlier letter out.
package deadletter

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
)

const suffix = ".dead.ndjson"

// Store is a place for dead letters that can be read again.
type Store interface {
	penstock.DeadLetters
	Replayable
	// Prepare makes the place when it is not there, and proves that it can be written.
	Prepare(ctx context.Context) error
	Close() error
}

// Dir is a store in a directory. It is safe for concurrent use, also by several processes: each writes a file of its
// own.
type Dir struct {
	path   string
	logger *slog.Logger

	mu   sync.Mutex
	root *os.Root
	file *os.File // nil until there is something to write, and again after a write that failed half-way
}

var _ Store = (*Dir)(nil)

// Error says that the store cannot be read or written.
type Error struct {
	Op   string // read, write
	Path string // the directory
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s dead letters in %s: %v", e.Op, e.Path, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Open returns the store in a directory. The directory and its file are made with the first letter, for their owner
// only.
func Open(path string, logger *slog.Logger) *Dir {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Dir{path: path, logger: logger}
}

// Path returns the directory.
func (d *Dir) Path() string { return d.path }

// Put is part of penstock.DeadLetters: when it returns nil, the letters are on the disk.
func (d *Dir) Put(_ context.Context, letters ...penstock.Letter) error {
	var buf []byte
	for _, l := range letters {
		var err error
		if buf, err = Append(buf, l); err != nil {
			return err
		}
	}
	return d.append(buf)
}

// Remove takes letters out of the store.
func (d *Dir) Remove(_ context.Context, marks ...Mark) error {
	var buf []byte
	for _, m := range marks {
		var err error
		if buf, err = appendMark(buf, m); err != nil {
			return err
		}
	}
	return d.append(buf)
}

// Prepare makes the directory and proves that it can be written: a file is made in it, written and removed.
func (d *Dir) Prepare(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.ready()
	if err == nil {
		err = d.try()
	}
	if err != nil {
		return &Error{Op: "write", Path: d.path, Err: err}
	}
	return nil
}

// try writes a file like those of letters, which a full disk has no room for. d.root is open.
func (d *Dir) try() error {
	name := fileName() + ".try"
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4<<10))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), d.root.Remove(name))
}

func (d *Dir) append(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.create(); err != nil {
		return &Error{Op: "write", Path: d.path, Err: err}
	}
	_, err := d.file.Write(data)
	if err == nil {
		err = d.file.Sync()
	}
	if err != nil {
		// The tail may be torn; the next letters go into a new file, and readers pass over the torn line.
		_ = d.file.Close()
		d.file = nil
		return &Error{Op: "write", Path: d.path, Err: err}
	}
	return nil
}

// ready opens the directory, which is made when it is not there.
func (d *Dir) ready() error {
	if d.root != nil {
		return nil
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return err
	}
	d.root = root
	return nil
}

// create opens the file of this process.
func (d *Dir) create() error {
	if d.file != nil {
		return nil
	}
	if err := d.ready(); err != nil {
		return err
	}
	f, err := d.root.OpenFile(fileName()+suffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if err := d.syncDir(); err != nil {
		return errors.Join(err, f.Close())
	}
	d.file = f
	return nil
}

// fileName is a new name, which says when; nothing of it comes from a record.
func fileName() string {
	var id [6]byte
	_, _ = rand.Read(id[:])
	return time.Now().UTC().Format("20060102T150405.000000000Z") + "-" + hex.EncodeToString(id[:])
}

// syncDir makes the file's name durable too.
func (d *Dir) syncDir() error {
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// Close closes the file.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	if d.file != nil {
		errs = append(errs, d.file.Close())
		d.file = nil
	}
	if d.root != nil {
		errs = append(errs, d.root.Close())
		d.root = nil
	}
	return errors.Join(errs...)
}

// Letters yields the letters that are in the store: the newest of each key, oldest file first, without those taken out.
// A line that is no letter (the torn end of a file after a crash) is reported to the logger and passed over. It reads
// the files twice and holds the keys in memory, never the letters.
func (d *Dir) Letters(ctx context.Context) iter.Seq2[penstock.Letter, error] {
	return func(yield func(penstock.Letter, error) bool) {
		files, err := d.files()
		if err != nil {
			yield(penstock.Letter{}, err)
			return
		}
		var parts []part
		for _, name := range files {
			parts = append(parts, part{name: name, open: func(context.Context) (io.ReadCloser, error) { return os.Open(name) }})
		}
		for l, err := range letters(ctx, parts, d.logger, nil) {
			if err != nil && ctx.Err() == nil {
				err = &Error{Op: "read", Path: d.path, Err: err}
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// files returns the store's files in the order in which they were begun.
func (d *Dir) files() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no letter was ever written
	}
	if err != nil {
		return nil, &Error{Op: "read", Path: d.path, Err: err}
	}
	var files []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), suffix) {
			files = append(files, filepath.Join(d.path, e.Name()))
		}
	}
	slices.Sort(files)
	return files, nil
}
