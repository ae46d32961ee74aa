package decode

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/seed56735111/penstock"
)

// member names a member of an archive inside of another member.
func member(outer, name string) string {
	if outer == "" {
		return name
	}
	return outer + "!" + name
}

func (o *object) tar(name string, r io.Reader, depth int) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("tar archive is corrupt: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue // folders and links hold no bytes of their own
		}
		if err := o.open(member(name, h.Name), t, depth+1); err != nil {
			return err
		}
	}
}

func (o *object) zip(name string, r io.Reader, depth int) error {
	spool, size, err := o.spool(r)
	if err != nil {
		return err
	}
	z, err := zip.NewReader(spool, size)
	if err != nil {
		return fmt.Errorf("zip archive is corrupt: %w", err)
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if err := o.zipMember(member(name, f.Name), f, depth); err != nil {
			return err
		}
	}
	return nil
}

func (o *object) zipMember(name string, f *zip.File, depth int) error {
	m, err := f.Open()
	if err != nil {
		return fmt.Errorf("zip member %q: %w", f.Name, err)
	}
	defer func() { _ = m.Close() }()
	return o.open(name, &layer{kind: zipArchive, r: m}, depth+1)
}

// spool copies an archive that has to be read from its end into a file that is gone when the object is.
func (o *object) spool(r io.Reader) (*os.File, int64, error) {
	f, err := os.CreateTemp("", "penstock-zip-*")
	if err != nil {
		return nil, 0, &spoolError{err}
	}
	// Unlinked at once, so that not even a crash leaves it behind; where that cannot be, when the object is done.
	removed := os.Remove(f.Name()) == nil
	o.closers = append(o.closers, func() {
		_ = f.Close()
		if !removed {
			_ = os.Remove(f.Name())
		}
	})
	n, err := io.Copy(&spoolWriter{f}, io.LimitReader(r, o.MaxSpool+1))
	if err != nil {
		return nil, 0, err
	}
	if n > o.MaxSpool {
		return nil, 0, &penstock.ObjectError{Reason: penstock.ReasonLimit, Err: fmt.Errorf("zip archive of more than %d bytes", o.MaxSpool)}
	}
	return f, n, nil
}

// spoolError says that the temporary file could not be written: not the object's fault, and worth another attempt.
type spoolError struct{ err error }

func (e *spoolError) Error() string   { return "spool archive: " + e.err.Error() }
func (e *spoolError) Unwrap() error   { return e.err }
func (e *spoolError) Temporary() bool { return true }

type spoolWriter struct{ f *os.File }

func (w *spoolWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = &spoolError{err}
	}
	return n, err
}
