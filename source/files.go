// Package source finds objects and opens them: files and directories, standard input, S3.
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/seed56735111/penstock"
)

// Files gives files and the files below directories, one item each, sorted by name within a directory. Links are
// followed and a directory is read once, however many links lead to it. Inside of directories, what is not a file (a pipe,
// a socket, a device) is passed over; named directly, a pipe or a device is read to its end.
type Files struct{ paths []string }

var _ penstock.Source = (*Files)(nil)

// NewFiles checks that every path exists, so that a mistyped one is known before anything is shipped.
func NewFiles(paths []string) (*Files, error) {
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, fileError("open", p, err)
		}
		if info.Mode()&fs.ModeSocket != 0 {
			return nil, &Error{Op: "open", Object: p, Kind: KindNotAFile, Err: errors.New("is a socket")}
		}
	}
	return &Files{paths: paths}, nil
}

func fileError(op, path string, err error) *Error {
	e := &Error{Op: op, Object: path, Err: err}
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		e.Err = pe.Err // the path is said already
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = KindMissing
	case errors.Is(err, fs.ErrPermission):
		e.Kind = KindDenied
	}
	return e
}

// Items is part of penstock.Source.
func (f *Files) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		w := &walk{ctx: ctx, yield: yield, seen: map[string]bool{}}
		for _, p := range f.paths {
			if !w.path(p, true) {
				return
			}
		}
	}
}

// walk is one pass over the paths.
type walk struct {
	ctx   context.Context //nolint:containedctx // lives as long as one call of Items
	yield func(penstock.Item, error) bool
	seen  map[string]bool // directories, by their real paths
}

// path gives what is at p; named says that the user named it. It returns false when the consumer has had enough.
func (w *walk) path(p string, named bool) bool {
	if w.ctx.Err() != nil {
		return false
	}
	info, err := os.Stat(p)
	switch {
	case err != nil && !named && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP)):
		return true // a link to nowhere or to itself, or gone since the directory was read
	case err != nil:
		return w.yield(unreadable(p, fileError("open", p, err)), nil)
	case info.IsDir():
		return w.dir(p)
	case info.Mode().IsRegular() || named:
		return w.yield(fileItem(p, info), nil)
	}
	return true
}

func (w *walk) dir(p string) bool {
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return w.yield(unreadable(p, fileError("list", p, err)), nil)
	}
	if w.seen[real] {
		return true
	}
	w.seen[real] = true
	entries, err := os.ReadDir(p)
	if err != nil {
		return w.yield(unreadable(p, fileError("list", p, err)), nil)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int {
		if a.Name() < b.Name() {
			return -1
		}
		return 1
	})
	for _, e := range entries {
		if !w.path(filepath.Join(p, e.Name()), false) {
			return false
		}
	}
	return true
}

// unreadable is the item of a path that cannot be read: it fails alone, and the walk goes on.
func unreadable(path string, err error) penstock.Item {
	return penstock.Item{ID: path, Objects: []penstock.Object{{
		Name: path, Size: -1, Open: func(context.Context) (*penstock.Stream, error) { return nil, err },
	}}}
}

func fileItem(path string, info fs.FileInfo) penstock.Item {
	o := penstock.Object{Name: path, Size: -1, Once: !info.Mode().IsRegular()}
	if info.Mode().IsRegular() {
		o.Size = info.Size()
	}
	o.Open = func(context.Context) (*penstock.Stream, error) { return openFile(path) }
	return penstock.Item{ID: path, Objects: []penstock.Object{o}}
}

func openFile(path string) (*penstock.Stream, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fileError("open", path, err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError("open", path, err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, fileError("open", path, err)
	}
	id := penstock.Identity{Key: abs, Modified: info.ModTime()}
	if !info.Mode().IsRegular() {
		return &penstock.Stream{ReadCloser: f, Identity: id}, nil
	}
	return &penstock.Stream{ReadCloser: &fileReader{f: f, path: path, left: info.Size()}, Identity: id}, nil
}

// fileReader reads a file as long as it was when it was opened: what is appended meanwhile is for the next run.
type fileReader struct {
	f    *os.File
	path string
	left int64
}

func (r *fileReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.f.Read(p)
	r.left -= int64(n)
	switch {
	case err == nil || errors.Is(err, io.EOF) && r.left == 0:
		return n, nil
	case errors.Is(err, io.EOF):
		return n, &Error{Op: "read", Object: r.path, Kind: KindChanged, Err: fmt.Errorf("shrank by %d bytes while it was read", r.left)}
	}
	return n, fileError("read", r.path, err)
}

func (r *fileReader) Close() error { return r.f.Close() }

// Stdin gives standard input as one object. Its date of last resort, for records without a time, is now.
func Stdin(r io.Reader) penstock.Source {
	return items{{ID: "-", Objects: []penstock.Object{{
		Name: "-", Size: -1, Once: true,
		Open: func(context.Context) (*penstock.Stream, error) {
			return &penstock.Stream{ReadCloser: io.NopCloser(r), Identity: penstock.Identity{Key: "-", Modified: time.Now()}}, nil
		},
	}}}}
}

// items is a source of items that are known beforehand.
type items []penstock.Item

// Items is part of penstock.Source.
func (s items) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, it := range s {
			if ctx.Err() != nil || !yield(it, nil) {
				return
			}
		}
	}
}

// Concat gives the items of one source after those of the other.
func Concat(sources ...penstock.Source) penstock.Source { return concat(sources) }

type concat []penstock.Source

// Items is part of penstock.Source.
func (c concat) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, s := range c {
			for it, err := range s.Items(ctx) {
				if !yield(it, err) {
					return
				}
				if err != nil {
					return
				}
			}
		}
	}
}
