package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/rules"
)

func newTestCommand(a *app) *cobra.Command {
	var junit string
	var asJSON bool
	var more []string
	cmd := &cobra.Command{
		Use:   "test FILE",
		Short: "Say whether the routes and rules of a file make of their samples what is expected",
		Long: `test reads the samples of the routes in a configuration file as ship would, and compares what becomes of their
records with what is expected: fields of the documents, the index, and what is left out or becomes a dead letter, and
why. For a sample of which something else becomes it prints the difference. It sends nothing.

Tests stand in the routes, in a file beside the configuration whose name ends in .test.yaml (penstock.test.yaml for
penstock.yaml), and in those that --tests names. docs/routes.md lists the keys of a test.

Exit codes: 0 everything is as expected, 1 a test failed, 2 usage, or a file with mistakes.`,
		Example: "  penstock test penstock.yaml\n  penstock test penstock.yaml --junit report.xml",
		GroupID: groupLook,
		Args:    usageArgs(cobra.ExactArgs(1)),
		// A file with mistakes that is found beside the one to test is none of this command's business.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE:              func(_ *cobra.Command, args []string) error { return a.testRoutes(args[0], more, junit, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().StringArrayVar(&more, "tests", nil, "a file with more tests; may be given several times")
	junitFlag(cmd, &junit)
	return cmd
}

func (a *app) testRoutes(path string, more []string, junit string, asJSON bool) error {
	data, err := readBounded(a.In, path, config.MaxBytes+1)
	if err != nil {
		return usagef("name a configuration file in YAML or JSON", "read configuration: %w", err)
	}
	if path == "-" {
		path = "standard input"
	} else if beside := testsBeside(path); beside != "" && !slices.Contains(more, beside) {
		more = append([]string{beside}, more...)
	}
	file, err := config.Parse(path, data)
	if err != nil {
		return &usageError{Err: err, Hint: "penstock check says all that is wrong with the file"}
	}
	for _, name := range more {
		tests, err := a.readTests(name, file)
		if err != nil {
			return err
		}
		file.Tests = append(file.Tests, tests...)
	}
	if len(file.Tests) == 0 {
		return usagef("docs/routes.md explains how to write one", "%s has no tests", path)
	}
	cases := make([]testCase, 0, len(file.Tests))
	for i := range file.Tests {
		t := &file.Tests[i]
		in := cmp.Or(t.In, path)
		came, err := runRouteTest(file, t, filepath.Dir(in))
		if err != nil {
			return fmt.Errorf("%s:%d: %w", in, t.Line, err)
		}
		cases = append(cases, testCase{
			Suite: cmp.Or(t.Route, in), Name: t.Name, File: in, Line: t.Line, Failures: came.differ(t),
		})
	}
	if err := writeJUnit(junit, path, cases); err != nil {
		return err
	}
	return a.reportCases(cases, plural(int64(len(file.Routes)), "route"), asJSON)
}

// testsBeside is the file with tests beside a configuration, empty when there is none.
func testsBeside(path string) string {
	ext := filepath.Ext(path)
	name := strings.TrimSuffix(path, ext) + ".test" + ext
	if _, err := os.Stat(name); err != nil {
		return ""
	}
	return name
}

// readTests reads a file with tests for a configuration.
func (a *app) readTests(name string, of *config.File) ([]config.RouteTest, error) {
	data, err := readBounded(a.In, name, config.MaxBytes+1)
	if err != nil {
		return nil, usagef("name a file with tests in YAML or JSON", "read tests: %w", err)
	}
	tests, err := config.ParseTests(name, data, of)
	if err != nil {
		return nil, &usageError{Err: err, Hint: "docs/routes.md lists the keys of a test"}
	}
	return tests, nil
}

// became is what has become of a sample.
type became struct {
	route         string
	documents     [][]byte
	indexes       []string
	dropped, dead []string // reasons
	broken        error    // why it could not be read to its end
}

// runRouteTest reads the sample of a test as the file says. Its error is one of the sample's file, or of the settings.
func runRouteTest(file *config.File, t *config.RouteTest, dir string) (*became, error) {
	var read pipeline.Read
	flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
	settings.Flags{FlagSet: flags}.Read(&read)
	nothing := func(string) (string, bool) { return "", false }
	if err := settings.Apply(flags, nothing, settings.File{Values: file.Values}); err != nil {
		return nil, err
	}
	file.Into(&read, func(string) bool { return false })
	read.Tables = tables
	as := t.As
	if as == "" && t.Route == "" { // by whichever route takes it
		as = "/sample"
	}
	if as == "" { // by its own route, whatever it matches
		read.Routes = slices.DeleteFunc(read.Routes, func(r pipeline.Route) bool { return r.Name != t.Route })
		read.Routes[0].Match = pipeline.Match{}
	}
	p, _, err := read.Stages()
	if err != nil {
		return nil, err
	}
	// A record is not younger than the object that it is in.
	text, id, name := []byte(t.Text+"\n"), penstock.Identity{Modified: time.Now()}, "sample"
	if t.File != "" {
		name = t.File
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		var err error
		if text, err = os.ReadFile(name); err != nil {
			return nil, usagef("file counts from the file that the test stands in", "read sample: %w", err)
		}
	}
	id.Key = name
	if bucket, key, ok := config.SplitObject(as); ok {
		id.Bucket, id.Key, id.ETag, name = bucket, key, "sample", as
	} else {
		if as != "" {
			id.Key, name = as, as
		}
		id.File = penstock.File{Path: id.Key, Stem: id.Key}
	}
	out := &became{}
	obj := &penstock.Object{Name: name, Size: int64(len(text))}
	for entry, err := range p.Decoder.Entries(id.Key, bytes.NewReader(text)) {
		if err == nil {
			err = out.entry(p, obj, id, entry)
		}
		if oe, ok := errors.AsType[*penstock.ObjectError](err); ok {
			out.dead = append(out.dead, oe.Reason)
		} else if err != nil {
			out.broken = err
			break
		}
	}
	return out, nil
}

// entry reads one entry of a sample.
func (o *became) entry(p *penstock.Pipeline, obj *penstock.Object, id penstock.Identity, e penstock.Entry) error {
	reading, err := p.Read(obj, id, e)
	if reading == nil {
		return err
	}
	o.route = reading.Route
	if reading.Skip != "" {
		o.dropped = append(o.dropped, reading.Skip)
		return nil
	}
	if err != nil {
		return err
	}
	for shaped, err := range reading.Documents(0) {
		drop, byRule := errors.AsType[*rules.DropError](err)
		letter, isLetter := errors.AsType[*penstock.RecordError](err)
		switch {
		case shaped == nil:
			return err
		case byRule:
			o.dropped = append(o.dropped, drop.Reason)
		case errors.Is(err, penstock.ErrDrop):
			o.dropped = append(o.dropped, "drop")
		case isLetter:
			o.dead = append(o.dead, letter.Reason)
		case err != nil:
			return err
		default:
			o.documents = append(o.documents, bytes.Clone(shaped.Document.Body()))
			o.indexes = append(o.indexes, shaped.Document.Index)
		}
	}
	return nil
}

// differ says what is not as expected.
func (o *became) differ(t *config.RouteTest) []string {
	var failures []string
	fail := func(format string, args ...any) { failures = append(failures, fmt.Sprintf(format, args...)) }
	if o.broken != nil {
		fail("the sample cannot be read: %v", o.broken)
	}
	if t.As != "" && t.Route != "" && o.route != t.Route && o.broken == nil {
		fail("route: want %s, got %s", t.Route, orNone(o.route))
	}
	if t.Documents != nil {
		o.compare(t.Documents, fail)
	} else if (t.Dropped != "" || t.DeadLettered != "") && t.Index == "" && len(o.documents) > 0 {
		fail("documents: want none, got %d, such as %s", len(o.documents), o.documents[0])
	}
	if t.Index != "" {
		if len(o.indexes) == 0 {
			fail("index: want %s, got no document", t.Index)
		}
		for _, index := range slices.Compact(slices.Clone(o.indexes)) {
			if index != t.Index {
				fail("index: want %s, got %s", t.Index, index)
			}
		}
	}
	for _, part := range []struct {
		name, want string
		got        []string
	}{{"dropped", t.Dropped, o.dropped}, {"dead_lettered", t.DeadLettered, o.dead}} {
		if part.want != "" && !slices.Contains(part.got, part.want) {
			fail("%s: want %s, got %s", part.name, part.want, orNone(strings.Join(slices.Compact(part.got), ", ")))
		}
	}
	if len(failures) > 0 {
		fail("what came: %s, %d dropped%s, %d dead-lettered%s", plural(int64(len(o.documents)), "document"), len(o.dropped),
			reasons(o.dropped), len(o.dead), reasons(o.dead))
	}
	return failures
}

// compare holds the documents to those that are expected, in their order.
func (o *became) compare(want []map[string]any, fail func(format string, args ...any)) {
	if len(want) != len(o.documents) {
		fail("documents: want %d, got %d", len(want), len(o.documents))
	}
	for i := range min(len(want), len(o.documents)) {
		var document any
		dec := json.NewDecoder(bytes.NewReader(o.documents[i]))
		dec.UseNumber()
		if err := dec.Decode(&document); err != nil {
			fail("document %d: %v", i+1, err)
			continue
		}
		lines := differences("", want[i], document)
		for _, line := range lines {
			fail("document %d: %s", i+1, line)
		}
		if len(lines) > 0 {
			fail("document %d is %s", i+1, o.documents[i])
		}
	}
}

func reasons(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(slices.Compact(slices.Sorted(slices.Values(list))), ", ") + ")"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
