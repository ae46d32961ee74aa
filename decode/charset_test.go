package decode

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"

	"github.com/seed56735111/penstock"
)

func TestTextInAnEncodingBecomesUTF8(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		d    *Decoder
		text string
		want string
	}{
		{"windows-1252", New(Limits{Encoding: charmap.Windows1252}), "M\xfcnchen \x80\n", "München €\n"},
		{
			"shift_jis", New(Limits{Encoding: japanese.ShiftJIS}),
			strings.Repeat("\x83G\x83\x89\n", 5000), strings.Repeat("エラ\n", 5000),
		},
		{"half a character at the end", New(Limits{Encoding: japanese.ShiftJIS}), "\x83G\x83", "エ\ufffd"},
		{"a mark says more", New(Limits{Encoding: charmap.Windows1252}), "\xef\xbb\xbfé\n", "é\n"},
	} {
		for _, r := range []io.Reader{strings.NewReader(tt.text), iotest.OneByteReader(strings.NewReader(tt.text))} {
			for e, err := range tt.d.Entries("x", r) {
				got, readErr := io.ReadAll(e)
				if err != nil || readErr != nil || string(got) != tt.want {
					t.Errorf("%s: %q, %v, %v", tt.name, got, err, readErr)
				}
			}
		}
	}
}

// What has come of a stream is decoded, and reading goes on after a pause in it.
func TestAnEncodedStreamGoesOnAfterAPause(t *testing.T) {
	t.Parallel()
	parts := []any{"\x83", penstock.ErrIdle, "G\n", penstock.ErrIdle, "\x83\x89\n", io.EOF}
	c := &charsetReader{decoder: japanese.ShiftJIS.NewDecoder(), r: readerFunc(func(p []byte) (int, error) {
		part := parts[0]
		parts = parts[1:]
		if err, ok := part.(error); ok {
			return 0, err
		}
		return copy(p, part.(string)), nil
	})}
	var got strings.Builder
	idle := 0
	for p := make([]byte, 2); ; {
		n, err := c.Read(p)
		got.Write(p[:n])
		if errors.Is(err, penstock.ErrIdle) {
			idle++
			continue
		}
		if err != nil {
			break
		}
	}
	if got.String() != "エ\nラ\n" || idle != 2 {
		t.Errorf("%q with %d pauses", got.String(), idle)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
