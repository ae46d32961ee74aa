package decode

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"

	"github.com/seed56735111/penstock"
)

// member names a member of an archive inside of another member.
func member(outer, name string) string {
	if outer == "" {
		return name
	}
	return outer + "!" + name
}

const tarBlock = 512

// tar gives the files of an archive, and of those that follow it in the same stream.
func (o *object) tar(name string, r io.Reader, depth int) error {
	end := &ending{r: r}
	var stream io.Reader = end
	for {
		if err := o.tarFiles(name, stream, end, depth); err != nil {
			return err
		}
		if end.zeros < tarBlock {
			return decodeError(tarArchive, io.ErrUnexpectedEOF) // the mark at the end of the archive is missing
		}
		first, err := afterTar(end)
		if err != nil || len(first) == 0 {
			return err
		}
		stream = io.MultiReader(bytes.NewReader(first), end)
	}
}

// tarFiles gives the files up to the end mark.
func (o *object) tarFiles(name string, r io.Reader, end *ending, depth int) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return decodeError(tarArchive, err)
		case h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse:
			continue // folders and links hold no bytes of their own
		}
		file := member(name, h.Name)
		err = o.open(file, o.layer(tarArchive, t, depth), depth+1)
		if err = o.goOn(file, err, end.err); err != nil {
			return err
		}
	}
}

// goOn tells the consumer of a member that failed and decides whether the members after it are given: when its bytes
// were the only thing that is broken. around is the error of the archive it is in.
func (o *object) goOn(name string, err, around error) error {
	if err == nil || errors.Is(err, errStopped) {
		return err
	}
	if stop := o.report(name, err); stop != nil {
		return stop
	}
	if around != nil || !isOfItsOwn(o.verdict(err)) {
		return toldError{err}
	}
	return nil
}

// afterTar reads on behind the end of an archive: nothing but zeros may follow, or the first block of another archive,
// which it returns (of no length when there is none). Reading to the end also has the checksums of the compression
// around it verified.
func afterTar(r io.Reader) ([]byte, error) {
	block := make([]byte, tarBlock)
	for {
		n, err := io.ReadFull(r, block)
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		switch {
		case err != nil && !ended:
			return nil, err
		case isTar(block[:n]):
			return block[:n], nil
		case len(bytes.Trim(block[:n], "\x00")) > 0:
			return nil, decodeError(tarArchive, errors.New("garbage after the end of the archive"))
		case ended:
			return block[:0], nil
		}
	}
}

// isOfItsOwn reports whether a verdict about a member says nothing about those beside it.
func isOfItsOwn(verdict error) bool {
	oe, ok := errors.AsType[*penstock.ObjectError](verdict)
	return ok && (oe.Reason == penstock.ReasonCorrupt || oe.Reason == penstock.ReasonUnreadable)
}

// isCorrupt reports whether a verdict is about damaged bytes and not about a limit, the source or a container.
func isCorrupt(verdict error) bool {
	oe, ok := errors.AsType[*penstock.ObjectError](verdict)
	return ok && oe.Reason == penstock.ReasonCorrupt
}

// ending knows whether a stream has come to its end, and with how many zero bytes.
type ending struct {
	r     io.Reader
	zeros int64
	err   error
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	text := len(bytes.TrimRight(p[:n], "\x00"))
	if text > 0 {
		e.zeros = 0
	}
	e.zeros += int64(n - text)
	if err != nil {
		e.err = err
	}
	return n, err
}
