package format

import (
	"bytes"
	stdbinary "encoding/binary"
	"fmt"
	"math/bits"
	"strings"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/journal"
)

// magics begin content that is no text, and no container that package decode knows.
var magics = []struct{ bytes, what string }{
	{"\x7fELF", "an ELF program"},
	{"\xcf\xfa\xed\xfe", "a Mach-O program"},
	{"\xce\xfa\xed\xfe", "a Mach-O program"},
	{"\xca\xfe\xba\xbe", "a Java class or Mach-O program"},
	{"MZ\x90\x00", "a Windows program"},
	{"\x00asm", "a WebAssembly program"},
	{"\x89PNG\r\n\x1a\n", "a PNG image"},
	{"\xff\xd8\xff", "a JPEG image"},
	{"GIF87a", "a GIF image"},
	{"GIF89a", "a GIF image"},
	{"II*\x00", "a TIFF image"},
	{"MM\x00*", "a TIFF image"},
	{"%PDF-", "a PDF document"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a Microsoft Office document"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"\xd4\xc3\xb2\xa1", "a packet capture"},
	{"\xa1\xb2\xc3\xd4", "a packet capture"},
	{"\x0a\x0d\x0d\x0a", "a packet capture"},
	{"\xac\xed\x00\x05", "serialised Java"},
	{"!<arch>\n", "an ar archive"},
	{"MSCF\x00\x00\x00\x00", "a cabinet archive"},
	{"OggS\x00", "Ogg media"},
	{"fLaC\x00", "FLAC audio"},
	{"\x1aE\xdf\xa3", "Matroska media"},
	{"\x00\x01\x00\x00\x00", "a TrueType font"},
	{"wOFF", "a web font"},
	{"wOF2", "a web font"},
}

// binary says what the beginning of an entry is when it is no text: a known magic, or NULs and other control characters
// in more than one byte of a hundred. Tab, line ends, escape, form feed and backspace are none of them, and neither is
// the separator before a JSON text (RFC 7464). Bytes that are not UTF-8 alone are text in another encoding.
func binary(sample []byte) (what string) {
	for _, m := range magics {
		if bytes.HasPrefix(sample, []byte(m.bytes)) {
			return m.what
		}
	}
	n, size := 0, 0
	for rest := sample; len(rest) > 0; {
		text, behind, found := bytes.Cut(rest, hole)
		n += controls(text)
		size += len(text)
		rest = nil
		if found && len(text)+len(hole) < len(sample) {
			rest = bytes.TrimLeft(behind, "\x00") // one run, as good as none
		}
	}
	if n*100 > size {
		return fmt.Sprintf("%d of the first %d bytes are control characters", n, len(sample))
	}
	if size == 0 && len(sample) > 0 {
		return "there is nothing but NULs"
	}
	return ""
}

// hole are NULs that a file system puts where a crash or a truncation has left nothing: many in a row.
var hole = make([]byte, 64)

// usual are the control characters of text.
const usual = 1<<'\b' | 1<<'\t' | 1<<'\n' | 1<<'\f' | 1<<'\r' | 1<<0x1b

// controls counts the control characters that text does not have.
func controls(b []byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	n, i := 0, 0
	for ; i+8 <= len(b); i += 8 {
		w := stdbinary.LittleEndian.Uint64(b[i:])
		// The bytes below a blank, and those that are 0x7f. A borrow can mark a byte that is none: each is looked at.
		below, deleted := (w-' '*ones)&^w&highs, (w^0x7f*ones-ones)&^(w^0x7f*ones)&highs
		for m := below | deleted; m != 0; m &= m - 1 {
			n += control(b, i+bits.TrailingZeros64(m)/8)
		}
	}
	for ; i < len(b); i++ {
		n += control(b, i)
	}
	return n
}

// control is 1 for a control character at b[i] that text does not have.
func control(b []byte, i int) int {
	c := b[i]
	switch {
	case c >= ' ' && c != 0x7f, c < ' ' && usual>>c&1 == 1, c == 0x1e && i+1 < len(b) &&
		strings.IndexByte("{[", b[i+1]) >= 0:
		return 0
	}
	return 1
}

// binary says what a sample is when it is no text. What a format is forced for is not judged, and neither is a journal,
// which has the lengths of values in it.
func (d *Detector) binary(sample []byte) string {
	if d.index == nil || journal.IsExport(sample) {
		return ""
	}
	return binary(sample)
}

func binaryError(what string) error {
	return &penstock.ObjectError{Reason: penstock.ReasonBinary, Err: fmt.Errorf("content is no text: %s", what)}
}
