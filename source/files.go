// Package source finds objects and opens them: files and directories, standard input, S3.
package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seed56735111/penstock"
)

// Files gives files and the files below directories, one item each, sorted by name within a directory. Links are
// followed; a directory is read once and a file shipped once, under the name that sorts first, however many links lead
// to it. Inside of directories, what is not a file (a pipe, a socket, a device) is passed over; named directly, a pipe
// or a device is read to its end.
type Files struct {
	// Machine is a part of the ids of the records: it parts machines with equal paths.
	Machine string
	// Linger is how long what a pipe has given may wait for more.
	Linger time.Duration
	// Empty, when set, is told of a path under which there is no file at all.
	Empty func(path string)

	paths []string
}

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

// Items is part of penstock.Source. Files are opened when their items are taken, so that a rotation meanwhile takes
// none of them away.
func (f *Files) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		g := &giver{Files: f, ctx: ctx, yield: yield, seen: map[inode]bool{}, seenPaths: map[string]bool{}}
		w := &walk{ctx: ctx, visit: g.give, empty: f.Empty, rescan: true, dirs: map[string]bool{}}
		w.all(f.paths)
	}
}

// giver makes items of the files that a walk comes to.
type giver struct {
	*Files
	ctx       context.Context //nolint:containedctx // lives as long as one call of Items
	yield     func(penstock.Item, error) bool
	seen      map[inode]bool
	seenPaths map[string]bool     // real paths, where the system numbers no files
	linked    map[inode]foundFile // files with more names than one, under the one that sorts first
}

// foundFile is what a walk comes to: a path as it was written, and the real one.
type foundFile struct {
	path, real string
	named      bool // by the user
	info       fs.FileInfo
	err        error // it cannot be read
}

// give gives the item of a file that was not met before.
func (g *giver) give(f foundFile) bool {
	switch {
	case f.err != nil:
		if g.seenPaths[f.real] {
			return true
		}
		g.seenPaths[f.real] = true
		return g.yield(unreadable(f.path, f.err), nil)
	case !f.info.Mode().IsRegular():
		return g.yield(g.pipe(f), nil)
	}
	file, err := os.Open(f.path)
	if err == nil {
		f.info, err = file.Stat() // a rotation may have come between
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !f.named:
		return true // moved away since the directory was read, which is read again
	case err != nil:
		f.err = fileError("open", f.path, err)
		return g.give(f)
	}
	number, linked, ok := inodeOf(f.info)
	if ok && g.seen[number] || !ok && g.seenPaths[f.real] {
		_ = file.Close()
		return true
	}
	g.seen[number], g.seenPaths[f.real] = ok, true
	if linked {
		f = g.firstName(number, f)
	}
	return g.yield(g.file(f, file), nil)
}

// firstName returns a file with more than one name under the name that sorts first in this run.
func (g *giver) firstName(number inode, f foundFile) foundFile {
	if g.linked == nil {
		g.linked = map[inode]foundFile{}
		w := &walk{ctx: g.ctx, dirs: map[string]bool{}, visit: func(f foundFile) bool {
			if f.err != nil {
				return true
			}
			if number, linked, _ := inodeOf(f.info); linked {
				if first, ok := g.linked[number]; !ok || f.real < first.real {
					g.linked[number] = f
				}
			}
			return true
		}}
		w.all(g.paths)
	}
	if first, ok := g.linked[number]; ok && first.real < f.real {
		f.path, f.real = first.path, first.real
	}
	return f
}

// walk is one pass over paths.
type walk struct {
	ctx    context.Context //nolint:containedctx // lives as long as one pass
	visit  func(foundFile) bool
	empty  func(path string) // nil, or told of a path that holds nothing
	found  bool              // something, under the path at hand
	rescan bool              // look again for what a rotation has brought into a directory meanwhile
	dirs   map[string]bool   // real paths
}

func (w *walk) all(paths []string) {
	for _, p := range paths {
		w.found = false
		if !w.path(p, realPath(p), true) {
			return
		}
		if !w.found && w.empty != nil {
			w.empty(p)
		}
	}
}

// realPath returns the absolute path without links, as far as there is one.
func realPath(p string) string {
	abs, err := filepath.Abs(p)
	if err != nil {
		abs = p
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	return abs
}

// path visits what is at p; named says that the user named it. It returns false when the consumer has had enough.
func (w *walk) path(p, real string, named bool) bool {
	if w.ctx.Err() != nil {
		return false
	}
	info, err := os.Stat(p)
	switch {
	case err != nil && !named && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP)):
		return true // a link to nowhere or to itself, or gone since the directory was read
	case err != nil:
		return w.come(foundFile{path: p, real: real, err: fileError("open", p, err)})
	case info.IsDir():
		return w.dir(p, real)
	case info.Mode().IsRegular() || named:
		return w.come(foundFile{path: p, real: real, named: named, info: info})
	}
	return true
}

func (w *walk) come(f foundFile) bool {
	w.found = true
	return w.visit(f)
}

func (w *walk) dir(p, real string) bool {
	if w.dirs[real] {
		w.found = true // its files, if it has any, were given before
		return true
	}
	w.dirs[real] = true
	before := modified(p)
	entries, err := os.ReadDir(p) // sorted
	if err != nil {
		return w.come(foundFile{path: p, real: real, err: fileError("list", p, err)})
	}
	stems := map[string]bool{}
	for _, e := range entries {
		stems[stem(e.Name())] = true
		if !w.entry(p, real, e) {
			return false
		}
	}
	if !w.rescan || modified(p).Equal(before) {
		return true
	}
	// Names have changed while the files were given. What a rotation has moved out of sight is under another name now.
	entries, err = os.ReadDir(p)
	if err != nil {
		return w.come(foundFile{path: p, real: real, err: fileError("list", p, err)})
	}
	for _, e := range entries {
		if stems[stem(e.Name())] && !e.IsDir() && !w.entry(p, real, e) {
			return false
		}
	}
	return true
}

func (w *walk) entry(dir, real string, e fs.DirEntry) bool {
	p := filepath.Join(dir, e.Name())
	if e.Type()&fs.ModeSymlink != 0 {
		return w.path(p, realPath(p), false)
	}
	return w.path(p, filepath.Join(real, e.Name()), false)
}

func modified(path string) time.Time {
	if info, err := os.Stat(path); err == nil {
		return info.ModTime()
	}
	return time.Time{}
}

// unreadable is the item of a path that cannot be read: it fails alone, and the walk goes on.
func unreadable(path string, err error) penstock.Item {
	return penstock.Item{ID: path, Objects: []penstock.Object{{
		Name: path, Size: -1, Open: func(context.Context) (*penstock.Stream, error) { return nil, err },
	}}}
}

// pipe is the item of a pipe or a device, which is no file and has no generations.
func (g *giver) pipe(f foundFile) penstock.Item {
	id := penstock.Identity{Key: absolute(f.path), Modified: f.info.ModTime()}
	return liveItem(g.ctx, f.path, g.Linger, id, func() (io.ReadCloser, error) {
		file, err := os.Open(f.path)
		if err != nil {
			return nil, fileError("open", f.path, err)
		}
		return file, nil
	})
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// file is the item of an open file, which is closed by whoever reads it or at the latest when the item is settled.
func (g *giver) file(f foundFile, file *os.File) penstock.Item {
	var held atomic.Pointer[os.File]
	held.Store(file)
	o := penstock.Object{Name: f.path, Size: f.info.Size(), Modified: f.info.ModTime()}
	o.Open = func(ctx context.Context) (*penstock.Stream, error) {
		file := held.Swap(nil)
		if file == nil {
			var err error
			if file, err = os.Open(f.path); err != nil {
				return nil, fileError("open", f.path, err)
			}
		}
		return g.open(ctx, f, file)
	}
	return penstock.Item{ID: f.path, Objects: []penstock.Object{o}, Settle: func(context.Context, error) error {
		if file := held.Swap(nil); file != nil {
			return file.Close()
		}
		return nil
	}}
}

func (g *giver) open(ctx context.Context, f foundFile, file *os.File) (*penstock.Stream, error) {
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, fileError("open", f.path, err)
	}
	id := penstock.Identity{
		Key: absolute(f.path), Modified: info.ModTime(),
		File: penstock.File{Machine: g.Machine, Path: f.real, Stem: stem(f.real)},
	}
	r := &fileReader{f: file, path: f.path, size: info.Size(), modified: info.ModTime()}
	if r.size == 0 {
		// Perhaps a file of the system's that does not tell its size, and reading it may wait for ever.
		l := newLive(ctx, g.ctx, 0, f.path, nil)
		l.r = r
		return &penstock.Stream{ReadCloser: l, Identity: id}, nil
	}
	return &penstock.Stream{ReadCloser: r, Identity: id}, nil
}

// headSize is how much of the beginning of a file tells that it is the same file still.
const headSize = 4 << 10

// fileReader reads a file as long as it was when it was opened: what is appended meanwhile is for the next run. A file
// that is truncated while it is read is given back, and nothing of what it is filled with again passes for the rest of
// it.
type fileReader struct {
	f        *os.File
	path     string
	size     int64 // 0 for a file of the system's that does not tell it
	modified time.Time
	at       int64
	begun    bool
	head     []byte // the beginning, as it was at first
	now      []byte // as it is now
}

func (r *fileReader) Read(p []byte) (int, error) {
	if !r.begun {
		r.begun = true
		if err := r.begin(); err != nil {
			return 0, err
		}
	}
	if r.size == 0 {
		return r.f.Read(p)
	}
	if r.at == r.size {
		return 0, r.ended()
	}
	var n int
	var err error
	if int64(len(r.head)) == r.size { // all of it was read at once
		n = copy(p, r.head[r.at:])
	} else {
		n, err = r.f.Read(p[:min(int64(len(p)), r.size-r.at)])
	}
	// Looked at behind the bytes: those that came after a truncation are not handed over.
	if cerr := r.unchanged(); cerr != nil {
		return 0, cerr
	}
	r.at += int64(n)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		return n, r.short()
	}
	return n, fileError("read", r.path, err)
}

// begin remembers the beginning. A file of size 0 that holds something is one of the system's, or was written to just
// now.
func (r *fileReader) begin() error {
	size := int64(headSize)
	if r.size > 0 {
		size = min(size, r.size)
	}
	both := make([]byte, 2*size)
	r.head = both[:size:size]
	n, err := r.f.ReadAt(r.head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		n = 0 // it cannot be read from anywhere, and so it cannot be refilled either
	}
	if r.size == 0 && n > 0 {
		info, err := r.f.Stat()
		if err != nil {
			return fileError("read", r.path, err)
		}
		r.size = info.Size()
	}
	r.head = r.head[:min(int64(n), r.size)]
	r.now = both[size:][:len(r.head)]
	return nil
}

// unchanged reads the beginning again.
func (r *fileReader) unchanged() error {
	if len(r.head) == 0 {
		return nil
	}
	n, err := r.f.ReadAt(r.now, 0)
	if n == len(r.head) && bytes.Equal(r.now, r.head) || r.untold() {
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fileError("read", r.path, err)
	}
	return r.changed("was truncated while it was read")
}

// short is the end of a file before its size: it is truncated, or its size is not true, as in sysfs.
func (r *fileReader) short() error {
	info, err := r.f.Stat()
	if err != nil {
		return fileError("read", r.path, err)
	}
	if info.Size() < r.size {
		return r.changed(fmt.Sprintf("shrank by %d bytes while it was read", r.size-info.Size()))
	}
	if n, _ := r.f.ReadAt(make([]byte, 1), r.at); n > 0 {
		return r.changed("was truncated while it was read")
	}
	return io.EOF
}

// untold reports whether the size of the file is more than it holds.
func (r *fileReader) untold() bool {
	info, err := r.f.Stat()
	if err != nil || info.Size() < r.size {
		return false
	}
	n, _ := r.f.ReadAt(make([]byte, 1), info.Size()-1)
	return n == 0
}

func (r *fileReader) changed(how string) error {
	return &Error{Op: "read", Object: r.path, Kind: KindChanged, Err: errors.New(how)}
}

// ended is the end of a file of its size. What was written to a moment ago may go on.
func (r *fileReader) ended() error {
	info, err := r.f.Stat()
	if err != nil {
		return fileError("read", r.path, err)
	}
	if age := time.Since(info.ModTime()); age.Abs() < penstock.SettleAge {
		return &penstock.GrowingError{Object: r.path}
	}
	return io.EOF
}

func (r *fileReader) Close() error { return r.f.Close() }

// Places is part of penstock.Placed.
func (r *fileReader) Places() penstock.Places {
	if r.size == 0 {
		return nil
	}
	return &filePlaces{r: r}
}

// filePlaces reads a file by place, for as long as its rows are sent. All of it must be as it was when it was opened: a
// file that is written to meanwhile is given back.
type filePlaces struct {
	mu sync.Mutex
	r  *fileReader
}

// Size is part of penstock.Places.
func (p *filePlaces) Size() int64 { return p.r.size }

// Far is part of penstock.Places.
func (p *filePlaces) Far() bool { return false }

// ReadAt is part of penstock.Places.
func (p *filePlaces) ReadAt(b []byte, at int64) (int, error) {
	most := max(0, min(int64(len(b)), p.r.size-at))
	n, err := p.r.f.ReadAt(b[:most], at)
	// Looked at behind the bytes, as by Read.
	if cerr := p.unchanged(); cerr != nil {
		return 0, cerr
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return n, fileError("read", p.r.path, err)
	case n < len(b):
		return n, io.EOF
	}
	return n, nil
}

// unchanged sees that nobody has written to the file.
func (p *filePlaces) unchanged() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	info, err := p.r.f.Stat()
	switch {
	case err != nil:
		return fileError("read", p.r.path, err)
	case info.Size() != p.r.size || !info.ModTime().Equal(p.r.modified):
		return p.r.changed("was written to while it was read")
	}
	return p.r.unchanged()
}

// End is part of penstock.Places.
func (p *filePlaces) End() error {
	if err := p.unchanged(); err != nil {
		return err
	}
	if err := p.r.ended(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
