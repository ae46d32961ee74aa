package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/format/learn"
	"github.com/seed56735111/penstock/internal/config"
)

// A proposal, pasted into a file, has no mistakes, and its samples are read as it says: whatever lines it is made of.
// Here these are the samples of all formats that are built in.
func TestProposalsPassCheckAndTest(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../format/testdata/*/*")
	if err != nil {
		t.Fatal(err)
	}
	proposed, samples := 0, 0
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(path, ".golden") {
			continue
		}
		p, err := learn.From(nameOfFormat(path), text)
		if err != nil {
			continue // nothing in common, or binary
		}
		proposed++
		out := proposal(p)
		file, err := config.Parse("p.yaml", []byte(out))
		if err != nil {
			t.Errorf("%s: %v:\n%s", path, err, out)
			continue
		}
		for i := range file.Formats[0].Samples {
			failures, err := tryFormat(file.Definitions(), p.Name, &file.Formats[0].Samples[i])
			if err != nil || len(failures) > 0 {
				t.Errorf("%s: %v, %s:\n%s", path, err, failures, out)
			}
			samples++
		}
		if len(p.Guesses) == 0 || !strings.Contains(out, p.Guesses[0][:10]) {
			t.Errorf("%s: no guess is said:\n%s", path, out)
		}
		if (len(p.Missed) == 0) != strings.Contains(out, "# Every line is read.") {
			t.Errorf("%s: %d lines are missed:\n%s", path, len(p.Missed), out)
		}
	}
	t.Logf("%d proposals with %d samples, of %d files", proposed, samples, len(paths))
	if proposed < 40 || samples < 80 {
		t.Errorf("%d proposals with %d samples: too few to say anything", proposed, samples)
	}
}

// A line with a secret is no sample, and what a terminal would obey is not printed.
func TestProposalsShowNoSecretsAndNoControls(t *testing.T) {
	t.Parallel()
	line := "2026-11-24T10:00:00Z key=AKIA" + "ABCDEFGHIJKLMNOP x=\x1b[31m\u202e1\n"
	p, err := learn.From("mine", []byte(strings.Repeat(line, 5)))
	if err != nil {
		t.Fatal(err)
	}
	out := proposal(p)
	if strings.Contains(out, "samples:\n") || !strings.Contains(out, "# Samples were left out") {
		t.Error(out)
	}
	if strings.ContainsAny(out, "\x1b\u202e") {
		t.Errorf("%q", out)
	}
}
