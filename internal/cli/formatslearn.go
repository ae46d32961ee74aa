package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/format/learn"
	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/lazyregexp"
	"github.com/seed56735111/penstock/pipeline"
)

// mostSample is how much is read of each file to learn from.
const mostSample = 256 << 10

func newFormatsLearn(a *app) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "learn SAMPLE…",
		Short: "Propose a format of your own from some lines",
		Long: `learn looks at the first lines of files, or of standard input (-), and proposes a format that reads them, as a
configuration file: a pattern by what stands at the same place in most lines, names, types and the time. Twenty lines
are enough. Each guess is said beside the proposal, and so is every line that it does not read.

The proposal is to be looked through. Its samples are lines of yours: take out what nobody else should see.
docs/own-formats.md explains the keys, penstock formats test holds the format to its samples.

Exit codes: 0 there is a proposal, 1 the lines have nothing in common.`,
		Example: "  penstock formats learn shop.log > shop.yaml\n  head -20 app.log | penstock formats learn - --name app",
		Args:    usageArgs(cobra.MinimumNArgs(1)),
		// The lines are what counts, whatever is configured.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE:              func(_ *cobra.Command, args []string) error { return a.learn(args, name) },
	}
	cmd.Flags().StringVar(&name, "name", "", "name of the format; that of the first file by default")
	return cmd
}

func (a *app) learn(paths []string, name string) error {
	var text []byte
	for _, path := range paths {
		part, err := readBounded(a.In, path, mostSample)
		if err != nil {
			return usagef("name a file with some lines, or - for standard input", "read sample: %w", err)
		}
		if len(part) == mostSample {
			part = part[:bytes.LastIndexByte(part, '\n')+1]
		} else if n := len(part); n > 0 && part[n-1] != '\n' {
			part = append(part, '\n')
		}
		text = append(text, part...)
	}
	if bytes.IndexByte(text, 0) >= 0 || bytes.HasPrefix(text, []byte("\x1f\x8b")) {
		return usagef("unpack it: zcat FILE | penstock formats learn -", "the sample is no plain text")
	}
	if name == "" {
		name = nameOfFormat(paths[0])
	}
	p, err := learn.From(name, text)
	if errors.Is(err, learn.ErrNothing) {
		return fmt.Errorf("learn a format: %w", err)
	}
	if err != nil {
		return usagef("a format needs some lines, and a --name of small letters and dashes", "learn a format: %w", err)
	}
	if _, err := io.WriteString(a.Out, proposal(p)); err != nil {
		return unwritten(err)
	}
	a.note("%d of %s are read by the proposal; look at its guesses", p.Covered, plural(int64(p.Lines), "line"))
	return nil
}

var notInFormat = lazyregexp.New(`[^a-z0-9]+`)

// nameOfFormat makes a name of that of a file.
func nameOfFormat(path string) string {
	base := strings.ToLower(filepath.Base(path))
	base, _, _ = strings.Cut(base, ".")
	const most = 40
	base = strings.Trim(notInFormat.ReplaceAllString(base, "-"), "-")
	base = strings.Trim(strings.TrimLeft(base[:min(len(base), most)], "0123456789-"), "-")
	if base == "" || slices.ContainsFunc(pipeline.Formats(), func(f pipeline.Format) bool { return f.Name == base }) {
		return strings.TrimPrefix(base+"-own", "-")
	}
	return base
}

// proposal writes a proposal as a configuration file, with samples that pass.
func proposal(p *learn.Proposal) string {
	records := slices.Clone(p.Records)
	left := ""
	for {
		text := proposalWith(p, records, left)
		file, err := config.Parse("proposal", []byte(text))
		if err != nil && records != nil {
			records, left = nil, "the lines hold what looks like a secret, or cannot stand in this file"
			continue
		}
		if err != nil {
			return text // check will say it too
		}
		failing := -1
		for i := range file.Formats[0].Samples {
			failures, err := tryFormat(file.Definitions(), p.Name, &file.Formats[0].Samples[i])
			if err != nil || len(failures) > 0 {
				failing = i
			}
		}
		if failing < 0 {
			return text
		}
		records = slices.Delete(records, failing, failing+1)
		left = "a line is read otherwise when it stands alone"
	}
}

// proposalWith writes a proposal with some samples, and why there are no more.
func proposalWith(p *learn.Proposal, records []learn.Record, left string) string {
	var b strings.Builder
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(&b, format, args...) }
	say("# Proposed from %s, of which this format reads %d. Look at the guesses below, then run\n",
		plural(int64(p.Lines), "line"), p.Covered)
	say("#   penstock formats test FILE\n")
	if p.Known != "" {
		say("# The lines are read as %s without it: a format of your own is tried first, and takes its place.\n", p.Known)
	}
	say("formats:\n  - name: %s\n", p.Name)
	for _, one := range [][2]string{
		{"dissect", p.Dissect}, {"delimiter", p.Delimiter}, {"quote", p.Quote}, {"start", p.Start},
	} {
		if one[1] != "" {
			say("    %s: %s\n", one[0], yamlText(one[1]))
		}
	}
	if p.Columns != nil {
		say("    columns: %s\n", listed(p.Columns))
	}
	if p.JSON != nil {
		say("    json:\n      names: %s\n", listed(p.JSON.Names))
	}
	if len(p.Types) > 0 {
		say("    types:\n")
		for _, f := range slices.Sorted(maps.Keys(p.Types)) {
			say("      %s: %s\n", yamlName(f), p.Types[f])
		}
	}
	if len(p.Time.Fields) > 0 {
		say("    time:\n      field: %s\n", listed(p.Time.Fields))
		if p.Time.Layout != "" {
			say("      layout: %s\n", yamlText(p.Time.Layout))
		}
	}
	if len(records) > 0 {
		say("    samples:\n")
	}
	for _, r := range records {
		if !utf8.ValidString(r.Text) {
			continue
		}
		say("      - line: %s\n        fields: %s\n", yamlText(r.Text), printable(yamlObject(r.JSON)))
		if !r.Time.IsZero() {
			say("        time: %s\n", instant(r.Time))
		}
	}
	if left != "" {
		say("# Samples were left out: %s.\n", left)
	}
	say("#\n# Guesses:\n")
	for _, guess := range p.Guesses {
		say("# - %s\n", printable(guess))
	}
	if len(p.Missed) == 0 {
		say("#\n# Every line is read.\n")
	}
	for i, m := range p.Missed {
		const most = 20
		if i == 0 {
			say("#\n# Not read:\n")
		}
		if i == most {
			say("# - %d more\n", len(p.Missed)-most)
			break
		}
		say("# - line %d, %s: %s\n", m.Line, yamlText(shortened(m.Text)), printable(m.Why))
	}
	return b.String()
}

// listed writes names for YAML: one, or a list of them.
func listed(names []string) string {
	if len(names) == 1 {
		return yamlName(names[0])
	}
	all := make([]string, 0, len(names))
	for _, name := range names {
		all = append(all, yamlName(name))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// yamlName writes the name of a field for YAML, where one of them is no value.
func yamlName(name string) string {
	if strings.EqualFold(name, "null") {
		return yamlText(name)
	}
	return name
}

// shortened is the beginning of a text.
func shortened(text string) string {
	const most = 80
	r := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(r) > most {
		return string(r[:most]) + "…"
	}
	return string(r)
}

// yamlText writes a text for YAML: in quotes, with escapes.
func yamlText(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return `""`
	}
	return printable(strings.TrimSpace(b.String()))
}

// yamlObject writes a document for YAML, on one line.
func yamlObject(document []byte) string {
	var b strings.Builder
	inText := false
	for i := 0; i < len(document); i++ {
		c := document[i]
		b.WriteByte(c)
		switch {
		case inText && c == '\\':
			i++
			b.WriteByte(document[i])
		case c == '"':
			inText = !inText
		case !inText && (c == ':' || c == ','):
			b.WriteByte(' ')
		}
	}
	return b.String()
}
