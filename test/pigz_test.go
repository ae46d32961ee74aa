package test_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/internal/realtest"
)

// pigz compresses with several threads: into members or blocks that do not need each other, or that do, with empty
// blocks between them, and with trailers that its threads have put together.
func TestWhatPigzWritesIsReadWhole(t *testing.T) {
	t.Parallel()
	pigz := realtest.Debian(t, "pigz", "pigz")
	rnd := rand.New(rand.NewPCG(7, 11))
	var lines strings.Builder
	for lines.Len() < 3<<20 {
		fmt.Fprintf(&lines, "%d GET /gate/%x %d\n", lines.Len(), rnd.Uint64N(1<<uint(rnd.IntN(60))), rnd.IntN(600))
	}
	noise := make([]byte, 600_000)
	for i := range noise {
		noise[i] = byte('a' + rnd.IntN(26))
	}
	texts := map[string]string{
		"lines": lines.String(), "noise": string(noise), "one line": "gate open\n", "runs": strings.Repeat("gate ", 1<<19),
		"nothing": "",
	}
	for name, text := range texts {
		for _, args := range []string{
			"-p 1", "-p 4", "-p 4 -b 32", "-p 3 -i -b 32", "-p 4 -i", "-p 2 -9", "-p 2 -1", "-p 4 -0", "-p 2 -R", "-p 2 -R -i",
			"-p 2 -H", "-p 2 -U -b 64", "-p 2 -C a-comment", "-p 2 -M -n",
		} {
			stored := compressed(t, pigz, args, text)
			if got := plain(t, bytes.NewReader(stored)); got != text {
				t.Errorf("%s by pigz %s: %d bytes that differ, want %d", name, args, len(got), len(text))
			}
			if len(text) > 1<<10 {
				continue // reading byte by byte takes long
			}
			again := bytes.Repeat(stored, 3)
			if got := plain(t, iotest.OneByteReader(bytes.NewReader(again))); got != strings.Repeat(text, 3) {
				t.Errorf("%s by pigz %s, three times: got %q", name, args, got)
			}
		}
	}
	var joined []byte
	want := ""
	for _, args := range []string{"-p 4 -i -b 32", "-p 1", "-p 4 -0", "-p 2 -R -b 64"} {
		joined = append(joined, compressed(t, pigz, args, texts["lines"])...)
		want += texts["lines"]
	}
	if got := plain(t, bytes.NewReader(joined)); got != want {
		t.Errorf("files of pigz behind each other: %d bytes that differ, want %d", len(got), len(want))
	}
	// What is cut off in a block of another thread is not whole.
	cut := joined[:len(joined)-5000]
	if _, err := entries(bytes.NewReader(cut)); err == nil {
		t.Error("a file of pigz that is cut off is read without an error")
	}
}

func compressed(t *testing.T, pigz, args, text string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), pigz, append(strings.Fields(args), "-c")...)
	cmd.Stdin = strings.NewReader(text)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stored, err := cmd.Output()
	if err != nil {
		t.Fatalf("pigz %s: %v: %s", args, err, errs.String())
	}
	return stored
}

func plain(t *testing.T, stored io.Reader) string {
	t.Helper()
	text, err := entries(stored)
	if err != nil {
		t.Error(err)
	}
	return text
}

// entries returns the plain bytes of all entries of an object.
func entries(stored io.Reader) (string, error) {
	var all strings.Builder
	for e, err := range decode.New(decode.Limits{}).Entries("", stored) {
		if err == nil {
			_, err = io.Copy(&all, e.Reader)
		}
		if err != nil {
			return all.String(), err
		}
	}
	return all.String(), nil
}
