package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/internal/config"
)

func newFormatsTest(a *app) *cobra.Command {
	var junit string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Say whether formats of your own read their samples as expected",
		Long: `test reads the samples of the formats in a configuration file, each as ship would: it has to be recognised as
its format, beside the other ones of the file and those that are built in, and to have the fields and the time that
are expected. For a sample that has not it says what was found instead.

docs/own-formats.md lists the keys of a format and its samples.

Exit codes: 0 everything is as expected, 1 a sample is read otherwise, 2 usage, or a file with mistakes.`,
		Example: "  penstock formats test penstock.yaml\n  penstock formats test penstock.yaml --junit report.xml",
		Args:    usageArgs(cobra.ExactArgs(1)),
		// A file with mistakes that is found beside the one to test is none of this command's business.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE:              func(_ *cobra.Command, args []string) error { return a.testFormats(args[0], junit, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	junitFlag(cmd, &junit)
	return cmd
}

func (a *app) testFormats(path, junit string, asJSON bool) error {
	data, err := readBounded(a.In, path, config.MaxBytes+1)
	if err != nil {
		return usagef("name a configuration file in YAML or JSON", "read configuration: %w", err)
	}
	if path == "-" {
		path = "standard input"
	}
	file, err := config.Parse(path, data)
	if err != nil {
		return &usageError{Err: err, Hint: "penstock check says all that is wrong with the file"}
	}
	if len(file.Formats) == 0 {
		return usagef("docs/own-formats.md explains how to write one", "%s has no formats", path)
	}
	var cases []testCase
	for i := range file.Formats {
		f := &file.Formats[i]
		if len(f.Samples) == 0 {
			a.note("format %s has no samples", f.Name)
		}
		for n := range f.Samples {
			s := &f.Samples[n]
			failures, err := tryFormat(file.Definitions(), f.Name, s)
			if err != nil {
				return err
			}
			name := fmt.Sprintf("%s, sample %d", f.Name, n+1)
			cases = append(cases, testCase{Suite: f.Name, Name: name, File: path, Line: s.Line, Failures: failures})
		}
	}
	if err := writeJUnit(junit, path, cases); err != nil {
		return err
	}
	return a.reportCases(cases, plural(int64(len(file.Formats)), "format"), asJSON)
}

// trial is what became of a sample.
type trial struct {
	format  string
	records []penstock.Record
	err     error
}

// try reads a text beside all formats, or as one of them when it is forced.
func try(own []format.Definition, forced, text string, stored time.Time) (trial, error) {
	var out trial
	d, err := format.New(format.Config{Definitions: own, Force: forced})
	if err != nil {
		return out, err
	}
	rec, err := d.Recognize(&penstock.Object{Name: "sample"}, penstock.Identity{Modified: stored},
		penstock.Entry{Reader: strings.NewReader(text)})
	out.format, out.err = rec.Format, err
	if out.err != nil || rec.Records == nil {
		return out, nil //nolint:nilerr // it is part of what became of the sample
	}
	for r, err := range rec.Records {
		if err != nil {
			out.err = err
			continue
		}
		r.JSON, r.Raw = bytes.Clone(r.JSON), bytes.Clone(r.Raw)
		out.records = append(out.records, r)
	}
	return out, nil
}

// tryFormat says what is not as expected of a sample.
func tryFormat(own []format.Definition, name string, s *config.Sample) ([]string, error) {
	stored := time.Time{}
	if !s.Time.IsZero() {
		stored = s.Time.Add(time.Hour) // so that a time without a year is in that of the sample
	}
	forced, err := try(own, name, s.Text, stored)
	if err != nil {
		return nil, err
	}
	isRecord := forced.err == nil && len(forced.records) == 1 && !forced.records[0].Unparsed
	switch {
	case s.Unparsed && isRecord:
		return []string{"it is a record: " + string(forced.records[0].JSON)}, nil
	case s.Unparsed:
		return nil, nil
	case forced.err != nil:
		return []string{forced.err.Error()}, nil //nolint:nilerr // it is what is wrong with the sample
	case len(forced.records) != 1:
		return []string{plural(int64(len(forced.records)), "record") + ", want 1"}, nil
	case !isRecord:
		return []string{reasonOf(forced.records[0].JSON)}, nil
	}
	var failures []string
	found, err := try(own, "", s.Text, stored)
	if err != nil {
		return nil, err
	}
	if found.format != name {
		failures = append(failures, fmt.Sprintf("it is recognised as %s, not %s", found.format, name))
	}
	rec := &forced.records[0]
	var document any
	dec := json.NewDecoder(bytes.NewReader(rec.JSON))
	dec.UseNumber()
	if err := dec.Decode(&document); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	failures = append(failures, differences("", s.Fields, document)...)
	if got := instant(rec.Time); !s.Time.IsZero() && !rec.Time.Equal(s.Time) {
		failures = append(failures, fmt.Sprintf("time: want %s, got %s", instant(s.Time), got))
	}
	if len(failures) > 0 {
		failures = append(failures, "the record: "+string(rec.JSON))
	}
	return failures, nil
}

func instant(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// reasonOf is why a record could not be read.
func reasonOf(document []byte) string {
	var d struct {
		Reason string `json:"parse_error"`
	}
	if err := json.Unmarshal(document, &d); err != nil || d.Reason == "" {
		return "it could not be read"
	}
	return d.Reason
}

// differences says where a value lacks what is expected of it: the members of an object, the elements of a list, or a
// text, which a number and a boolean are too.
func differences(path string, want, got any) []string {
	at := path
	if at == "" {
		at = "the document"
	}
	switch want := want.(type) {
	case map[string]any:
		members, ok := got.(map[string]any)
		if !ok {
			if len(want) == 0 {
				return nil
			}
			return []string{fmt.Sprintf("%s: want an object, got %s", at, asFound(got))}
		}
		var all []string
		for _, name := range slices.Sorted(maps.Keys(want)) {
			below := name
			if path != "" {
				below = path + "." + name
			}
			all = append(all, differences(below, want[name], members[name])...)
		}
		return all
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			return []string{fmt.Sprintf("%s: want a list of %d, got %s", at, len(want), asFound(got))}
		}
		var all []string
		for i := range want {
			all = append(all, differences(fmt.Sprintf("%s[%d]", path, i), want[i], list[i])...)
		}
		return all
	case nil:
		if got != nil {
			return []string{fmt.Sprintf("%s: want none, got %s", at, asFound(got))}
		}
	case string:
		if !same(want, got) {
			return []string{fmt.Sprintf("%s: want %s, got %s", at, want, asFound(got))}
		}
	}
	return nil
}

// same reports whether a value is what a text says.
func same(want string, got any) bool {
	switch got := got.(type) {
	case string:
		return got == want
	case bool:
		return strconv.FormatBool(got) == want
	case json.Number:
		if got.String() == want {
			return true
		}
		x, err1 := strconv.ParseFloat(want, 64)
		y, err2 := got.Float64()
		return err1 == nil && err2 == nil && x == y && strings.ContainsAny(want+got.String(), ".eE")
	}
	return false
}

// asFound is a value as a failure shows it.
func asFound(v any) string {
	if v == nil {
		return "none"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
