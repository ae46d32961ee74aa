package decode

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"strings"
)

// zip gives the files of an archive. It is read from its end, so it is kept first.
func (o *object) zip(name string, r io.Reader, depth int) error {
	kept, size, release, err := o.spool(r, zipArchive)
	defer release()
	if err != nil {
		if !isCorrupt(o.verdict(err)) {
			return err
		}
		// The container around it is broken: what came before can be read.
		if e := o.zipFromTheStart(name, kept, size, depth); !isUntold(e) {
			return e
		}
		return err
	}
	directory := &bounded{r: kept, left: o.maxDirectory()}
	z, err := zip.NewReader(directory, size)
	directory.left = math.MaxInt64
	switch {
	case errors.Is(err, errDirectory):
		return OverLimit("zip archive with a directory of more than %d bytes", o.maxDirectory())
	case err != nil:
		return o.zipFromTheStart(name, kept, size, depth)
	}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		file := member(name, f.Name)
		if err := o.goOn(file, o.zipFile(file, f, depth), nil); err != nil {
			return err
		}
	}
	return nil
}

func (o *object) zipFile(name string, f *zip.File, depth int) error {
	if f.Flags&zipEncrypted != 0 {
		return &UnsupportedError{Container: "encrypted zip"}
	}
	m, err := f.Open()
	if err != nil {
		return decodeError(zipArchive, err)
	}
	defer func() { _ = m.Close() }()
	return o.open(name, o.layer(zipArchive, m, depth), depth+1)
}

// maxDirectory bounds the memory for the list of members: a record has 46 bytes, a path and some extras.
func (o *object) maxDirectory() int64 { return 64<<10 + 160*int64(o.MaxEntries) }

var errDirectory = errors.New("directory too large")

// bounded fails after a number of bytes.
type bounded struct {
	r    io.ReaderAt
	left int64
}

func (b *bounded) ReadAt(p []byte, at int64) (int, error) {
	if b.left < int64(len(p)) {
		return 0, errDirectory
	}
	n, err := b.r.ReadAt(p, at)
	b.left -= int64(n)
	return n, err
}

// The parts of a local file header, behind its signature (APPNOTE.TXT, 4.3.7).
const (
	zipLocal     = "PK\x03\x04"
	zipHeader    = 26
	zipEncrypted = 1 << 0
	zipLater     = 1 << 3 // sizes follow the data
	zipStored    = 0
	zipDeflated  = 8
)

var errNoDirectory = errors.New("no directory at the end")

// zipFromTheStart gives the files of an archive whose directory is missing, as far as they can be read without one. It
// always ends in an error.
func (o *object) zipFromTheStart(name string, kept io.ReaderAt, size int64, depth int) error {
	r := bufio.NewReader(io.NewSectionReader(kept, 0, size))
	for {
		head := make([]byte, len(zipLocal)+zipHeader)
		if _, err := io.ReadFull(r, head); err != nil || string(head[:4]) != zipLocal {
			return decodeError(zipArchive, errNoDirectory)
		}
		head = head[4:]
		flags, method := binary.LittleEndian.Uint16(head[2:]), binary.LittleEndian.Uint16(head[4:])
		stored := int64(binary.LittleEndian.Uint32(head[14:]))
		path := make([]byte, binary.LittleEndian.Uint16(head[22:]))
		_, err := io.ReadFull(r, path)
		if _, derr := r.Discard(int(binary.LittleEndian.Uint16(head[24:]))); err != nil || derr != nil {
			return decodeError(zipArchive, errNoDirectory)
		}
		var data io.Reader
		switch {
		case flags&zipEncrypted != 0:
			return &UnsupportedError{Container: "encrypted zip"}
		case method == zipDeflated:
			data = flate.NewReader(r) // reads no byte more than its own from an io.ByteReader
		case method == zipStored && flags&zipLater == 0 && stored < math.MaxUint32:
			data = &exactly{r: r, left: stored}
		default:
			return decodeError(zipArchive, errNoDirectory)
		}
		l := o.layer(zipArchive, data, depth)
		if !bytes.HasSuffix(path, []byte("/")) {
			file := member(name, string(path))
			if err := o.goOn(file, o.open(file, l, depth+1), l.failure()); err != nil {
				return err
			}
		}
		if _, err := io.Copy(io.Discard, l); err != nil {
			return decodeError(zipArchive, err)
		}
		if flags&zipLater != 0 {
			skipDescriptor(r)
		}
	}
}

// skipDescriptor passes over the sizes behind the data, which have four forms: with or without a signature, with sizes
// of four or of eight bytes. The signature of what follows tells which it is.
func skipDescriptor(r *bufio.Reader) {
	next, _ := r.Peek(28) // fewer near the end
	for _, n := range []int{16, 24, 12, 20} {
		if len(next) >= n+4 && string(next[n:n+2]) == "PK" {
			_, _ = r.Discard(n) // just peeked
			return
		}
	}
}

// exactly reads a number of bytes, and it is an error when there are fewer.
type exactly struct {
	r    io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// memorySpool is the largest file that is kept in memory.
const memorySpool = 4 << 20

// spool keeps what is read from its end, a larger one in a file that is gone when it is released. With an error come
// the bytes before it.
func (o *object) spool(r io.Reader, kind container) (_ io.ReaderAt, size int64, release func(), err error) {
	release = func() {}
	var small bytes.Buffer
	n, err := io.CopyN(&small, r, min(memorySpool, o.MaxSpool)+1)
	switch {
	case n > o.MaxSpool:
		return nil, 0, release, OverLimit("%v file of more than %d bytes", kind, o.MaxSpool)
	case errors.Is(err, io.EOF):
		err = nil
		fallthrough
	case err != nil:
		return bytes.NewReader(small.Bytes()), n, release, err
	}
	f, err := os.CreateTemp("", "penstock-*")
	if err != nil {
		return nil, 0, release, &spoolError{err}
	}
	// Unlinked at once, so that not even a crash leaves it behind; where that cannot be, when it is released.
	removed := os.Remove(f.Name()) == nil
	release = func() {
		_ = f.Close()
		if !removed {
			_ = os.Remove(f.Name())
		}
	}
	n, err = io.Copy(&spoolWriter{f}, io.LimitReader(io.MultiReader(&small, r), o.MaxSpool+1))
	if n > o.MaxSpool {
		err = OverLimit("%v file of more than %d bytes", kind, o.MaxSpool)
	}
	return f, n, release, err
}

// spoolError says that the temporary file could not be written: not the object's fault, and worth another attempt.
type spoolError struct{ err error }

func (e *spoolError) Error() string   { return "keep file while it is read: " + e.err.Error() }
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
