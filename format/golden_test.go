package format_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample is one of the files in testdata, where a directory is the name of a format.
type sample struct {
	format, path string
	text         []byte
}

// stored is when all samples were stored: a Wednesday after the times in them.
var stored = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)

func (s sample) identity() penstock.Identity {
	return penstock.Identity{Key: "logs/" + filepath.Base(s.path), Modified: stored}
}

func samples(t testing.TB) []sample {
	t.Helper()
	paths, err := filepath.Glob("testdata/*/*")
	if err != nil || len(paths) == 0 {
		t.Fatal("no samples", err)
	}
	var all []sample
	for _, path := range paths {
		if strings.HasSuffix(path, ".golden") || strings.Contains(path, "fuzz") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sample{filepath.Base(filepath.Dir(path)), filepath.ToSlash(path), text})
	}
	return all
}

// TestSamplesGiveTheDocumentsOfTheirGoldenFiles also holds that each sample is recognised as what its directory says.
// With -update the golden files are written anew, to be read in the diff.
func TestSamplesGiveTheDocumentsOfTheirGoldenFiles(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		t.Run(s.path, func(t *testing.T) {
			t.Parallel()
			r := read(t, detector(t, format.Config{}), s.identity(), s.text, bytes.NewReader(s.text))
			if r.Format != s.format || r.Err != nil {
				t.Fatalf("recognised as %s, %v", r.Format, r.Err)
			}
			covered(t, s.text, r.Records)
			var out strings.Builder
			for _, rec := range r.Records {
				at := "no time"
				if !rec.Time.IsZero() {
					at = rec.Time.Format(time.RFC3339Nano)
				}
				unparsed := ""
				if rec.Unparsed {
					unparsed = ", unparsed"
				}
				fmt.Fprintf(&out, "at %d, %s%s\n%s%s\n", rec.Offset, at, unparsed, rec.JSON, rec.Err)
			}
			golden := s.path + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(out.String()), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every format of the table comes with samples, without which nothing here would test it, and a word in the documentation.
func TestEveryFormatHasSamplesAndIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, s := range samples(t) {
		have[s.format] = true
	}
	for _, f := range format.Formats() {
		if !have[f.Name] {
			t.Errorf("testdata/%s has none", f.Name)
		}
		if !bytes.Contains(doc, []byte("| `"+f.Name+"` |")) {
			t.Errorf("docs/formats.md has no line for %s", f.Name)
		}
	}
}

// covered fails unless every byte that means something is in a record.
func covered(t testing.TB, text []byte, records []got) {
	t.Helper()
	left := bytes.Clone(text)
	for _, r := range records {
		clear(left[r.Offset : r.Offset+r.Length])
	}
	// What is left may be space, separators, and the frames of arrays and envelopes.
	rest := strings.ReplaceAll(string(left), `"Records"`, "")
	if rest = strings.Trim(rest, "\x00 \t\r\n,[]{}:\x1e"); strings.Trim(rest, "\x00 \t\r\n,[]{}:\x1e") != "" {
		t.Errorf("in no record: %q", rest)
	}
}
