// Package reload follows files that say who may do what: a change comes into force by itself, and a file that cannot be
// read any more lets nobody in.
package reload

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"
)

// every is the least time between two looks at a file's date and size.
const every = time.Second

// maxFile bounds what is read.
const maxFile = 1 << 20

// Config says which file is followed.
type Config[T any] struct {
	// What names the content in errors and in the log, such as "access policy".
	What string
	// Path is where the file is.
	Path string
	// Private refuses a file that others than its owner can read or write.
	Private bool
	// Parse reads the content.
	Parse func([]byte) (T, error)
	// Logger gets changes and errors. Nil is silent.
	Logger *slog.Logger
}

// File is what a file says at the moment. It is safe for concurrent use.
type File[T any] struct {
	cfg Config[T]

	mu      sync.Mutex
	value   T
	err     error
	stamp   stamp
	checked time.Time
}

// Open reads a file, and follows its changes.
func Open[T any](cfg Config[T]) (*File[T], error) {
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	cfg.Logger = slog.New(slog.DiscardHandler)
	f := &File[T]{cfg: cfg}
	if _, err := f.Get(); err != nil {
		return nil, err
	}
	f.cfg.Logger = logger // only now: the error of the first reading is the caller's
	return f, nil
}

// Get returns what the file says; it looks for a change once in a second. While the file cannot be read or is not valid
// Get returns an error: what somebody meant to replace must not stay in force unnoticed.
func (f *File[T]) Get() (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var none T
	if time.Since(f.checked) < every {
		return f.value, f.err
	}
	f.checked = time.Now()
	info, err := os.Stat(f.cfg.Path)
	if err != nil {
		f.value, f.err, f.stamp = none, fmt.Errorf("read %s: %w", f.cfg.What, err), stamp{}
		return none, f.err
	}
	if now := stampOf(info); now != f.stamp {
		f.stamp = now
		f.value, f.err = none, nil
		value, err := f.read()
		if err != nil {
			f.err = fmt.Errorf("read %s: %w", f.cfg.What, err)
			f.cfg.Logger.Error("file is not valid", "what", f.cfg.What, "err", f.err)
		} else {
			f.value = value
			f.cfg.Logger.Info("file read", "what", f.cfg.What, "path", f.cfg.Path)
		}
	}
	return f.value, f.err
}

func (f *File[T]) read() (value T, err error) {
	file, err := os.Open(f.cfg.Path)
	if err != nil {
		return value, err
	}
	defer file.Close()
	if f.cfg.Private {
		info, err := file.Stat()
		if err != nil {
			return value, err
		}
		if mode := info.Mode().Perm(); hasModes && mode&0o077 != 0 {
			return value, &ModeError{Path: f.cfg.Path, Mode: mode}
		}
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return value, err
	}
	if len(data) > maxFile {
		return value, fmt.Errorf("%s is longer than %d bytes", f.cfg.Path, maxFile)
	}
	value, err = f.cfg.Parse(data)
	if err != nil {
		return value, fmt.Errorf("%s: %w", f.cfg.Path, err)
	}
	return value, nil
}

// ModeError says that others can read or write a file that is to be private.
type ModeError struct {
	Path string
	Mode fs.FileMode
}

func (e *ModeError) Error() string {
	return fmt.Sprintf("%s has the mode %04o: others than its owner can read or write it", e.Path, e.Mode)
}

// IsMode reports whether a file is refused for its mode.
func IsMode(err error) bool {
	_, ok := errors.AsType[*ModeError](err)
	return ok
}

// stamp tells one state of a file from the next.
type stamp struct {
	mod  time.Time
	size int64
	mode fs.FileMode
}

// stampOf is the state of a file. A file that is not regular has one state only: opening a pipe again could block, and
// every request with it.
func stampOf(info fs.FileInfo) stamp {
	if !info.Mode().IsRegular() {
		return stamp{size: -1}
	}
	return stamp{info.ModTime(), info.Size(), info.Mode()}
}
