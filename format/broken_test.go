package format_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// trial is what becomes of a law that is applied to a format which may break it.
type trial struct {
	testing.TB
	failed  bool
	message string
}

// try applies a law and reports whether it fails. A panic is a failure too.
func try(t *testing.T, l law, s *subject) (failed bool, message string) {
	v := &trial{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				v.failed, v.message = true, fmt.Sprint("panic: ", r)
			}
		}()
		l.hold(v, s)
	}()
	<-done
	return v.failed, v.message
}

func (v *trial) Errorf(format string, args ...any) {
	if !v.failed {
		v.failed, v.message = true, fmt.Sprintf(format, args...)
	}
}
func (v *trial) Error(args ...any) { v.Errorf("%s", fmt.Sprintln(args...)) }

func (v *trial) Fatalf(format string, args ...any) {
	v.Errorf(format, args...)
	runtime.Goexit()
}
func (v *trial) Fatal(args ...any) { v.Fatalf("%s", fmt.Sprintln(args...)) }
func (v *trial) Helper()           {}

const demoSample = `demo 2026-11-24T10:00:00Z 203.0.113.9:80 17 "GET / HTTP/1.1" one
demo 2026-11-24T10:00:01Z 203.0.113.9:80 18 "GET /a HTTP/1.1" two

no record at all
demo 2026-11-24T10:00:02Z 203.0.113.9:80 19 "GET /b HTTP/1.1" three
`

func demoGrammar() *lines.Schema {
	return &lines.Schema{Record: "a demo record", Least: 4, Fields: []lines.Field{
		{Name: "type", Is: lines.OneOf("demo")},
		{Name: "time", Kind: lines.ISO},
		{Name: "client", Kind: lines.Address},
		{Name: "size", Kind: lines.Integer},
		{Name: "request", Kind: lines.Request},
	}}
}

// breakage is a grammar that does one thing wrong with what a good one reads.
type breakage struct {
	entry.Grammar
	told   func(r *entry.Reader, told bool) bool
	record func(r *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool)
	fields []entry.Field
	// failing, when set, is called before an entry's last error is handed over, with the number of records before it.
	failing func(r *entry.Reader, n int64, y entry.Yield)
}

func (b *breakage) Told(r *entry.Reader) bool {
	told := b.Grammar.Told(r)
	if b.told != nil {
		return b.told(r, told)
	}
	return told
}

func (b *breakage) Read(r *entry.Reader, y entry.Yield) {
	n := int64(0)
	b.Grammar.Read(r, func(rec penstock.Record, err error) bool {
		if err != nil && b.failing != nil {
			b.failing(r, n, y)
		}
		n++
		if b.record == nil {
			return y(rec, err)
		}
		rec, err, keep := b.record(r, &rec, err)
		return !keep || y(rec, err)
	})
}

func (b *breakage) Documented() []entry.Field {
	if b.fields != nil {
		return b.fields
	}
	return b.Grammar.Documented()
}

// demo returns a format of the sample above, with the documents that a good grammar makes of it.
func demo(t *testing.T, grammar entry.Grammar) *subject {
	t.Helper()
	return newSubject(t, demoSample, demoGrammar(), grammar)
}

// newSubject returns a format called demo in the table, with one sample, and the documents that a good grammar makes of
// it.
func newSubject(t testing.TB, text string, good, grammar entry.Grammar) *subject {
	t.Helper()
	one := sample{format: "demo", path: filepath.Join(t.TempDir(), "docs.log"), text: []byte(text)}
	with := func(g entry.Grammar) *subject {
		s := &subject{Schema: format.NewSchema("demo", g), samples: []sample{one}, others: samples(t)}
		s.table = append([]format.Schema{s.Schema}, format.Table()...)
		return s
	}
	if err := os.WriteFile(one.path+".golden", []byte(goldenDocuments(t, with(good), one)), 0o600); err != nil {
		t.Fatal(err)
	}
	return with(grammar)
}

// The laws can fail. It is not parallel: some of them measure.
func TestEachLawFailsForABrokenFormat(t *testing.T) {
	if *update {
		t.Skip("golden files are being written")
	}
	if testing.Short() {
		t.Skip("laws look at a sample with -short, which a broken format may pass")
	}
	pass := func(rec *penstock.Record, err error) (penstock.Record, error, bool) { return *rec, err, true }
	broken := map[string]bool{}
	var heap []*[]byte
	for _, tt := range []struct {
		law   string
		wrong string
		b     breakage
		spoil func(s *subject)
	}{
		{law: "says what it is and has samples", wrong: "there is no sample", spoil: func(s *subject) { s.samples = nil }},
		{
			law:   "golden documents by content alone",
			wrong: "it is not told",
			b:     breakage{told: func(*entry.Reader, bool) bool { return false }},
		},
		{
			law: "golden documents by content alone", wrong: "unparsed lines are passed over",
			b: breakage{record: func(_ *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				return *rec, err, !rec.Unparsed
			}},
		},
		{
			law: "golden documents by content alone", wrong: "the time is an hour late",
			b: breakage{record: func(_ *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				if !rec.Time.IsZero() {
					rec.Time = rec.Time.Add(time.Hour)
				}
				return pass(rec, err)
			}},
		},
		{
			law: "takes no sample of another format", wrong: "it takes whatever begins with a time",
			b: breakage{told: func(r *entry.Reader, told bool) bool {
				return told || bytes.HasPrefix(r.Sample(), []byte("2026-"))
			}},
		},
		{
			law: "line endings members and read sizes change nothing", wrong: "a document depends on what is in the window",
			b: breakage{record: func(r *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				rec.JSON = fmt.Appendf(nil, `{"left":%d}`, r.Len())
				return pass(rec, err)
			}},
		},
		{
			law: "records before a read error are there", wrong: "a failure is taken for the end",
			b: breakage{record: func(_ *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				return *rec, err, err == nil
			}},
		},
		{
			law: "records before the end of a cut gzip are there", wrong: "a line that is cut is a record",
			b: breakage{failing: func(r *entry.Reader, n int64, y entry.Yield) {
				if rest := r.Bytes()[:r.Len()]; len(rest) > 0 {
					y(penstock.Record{Seq: n, Offset: r.Offset(), Raw: rest, JSON: []byte("{}")}, nil)
				}
			}},
		},
		{
			law: "an entry that ends anywhere is covered", wrong: "the last line is passed over without a line ending",
			b: breakage{record: func(r *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				return *rec, err, r.Len() > 0 || r.Offset() > rec.Offset+int64(len(rec.Raw))
			}},
		},
		{
			law: "damage is covered and acceptable", wrong: "a quote in a value ends the document",
			b: breakage{record: func(_ *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				rec.JSON = bytes.ReplaceAll(rec.JSON, []byte(`\"`), []byte(`"`))
				return pass(rec, err)
			}},
		},
		{
			law: "damage is covered and acceptable", wrong: "a byte that is no text is a panic",
			b: breakage{record: func(_ *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				if bytes.IndexByte(rec.Raw, 0xff) >= 0 {
					panic("not text")
				}
				return pass(rec, err)
			}},
		},
		{
			law: "an overlong line hurts only itself", wrong: "an overlong line is passed over",
			b: breakage{record: func(_ *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				return *rec, err, err == nil
			}},
		},
		{
			law: "values have the documented types", wrong: "a text is documented as a number",
			b: breakage{fields: []entry.Field{{Name: "request", Type: entry.Long}}},
		},
		{
			law: "values have the documented types", wrong: "a field that no document has is documented",
			b: breakage{fields: []entry.Field{{Name: "reqeust", Type: entry.Keyword}}},
		},
		{
			law: "a record allocates nothing", wrong: "a document is built anew",
			b: breakage{record: func(_ *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				rec.JSON = bytes.Clone(rec.JSON)
				return pass(rec, err)
			}},
		},
		{
			law: "no input grows the memory", wrong: "every record is kept",
			b: breakage{record: func(_ *entry.Reader, rec *penstock.Record, err error) (penstock.Record, error, bool) {
				kept := bytes.Clone(rec.Raw)
				heap = append(heap, &kept)
				return pass(rec, err)
			}},
		},
	} {
		t.Run(tt.law+"/"+tt.wrong, func(t *testing.T) {
			broken[tt.law] = true
			tt.b.Grammar = demoGrammar()
			s := demo(t, &tt.b)
			if tt.spoil != nil {
				tt.spoil(s)
			}
			l := lawNamed(t, tt.law)
			failed, message := try(t, l, s)
			if !failed {
				t.Errorf("the law holds although %s", tt.wrong)
			}
			t.Logf("%.200s", message)
		})
	}
	runtime.KeepAlive(heap)
	for _, l := range laws() {
		if !broken[l.name] {
			t.Errorf("no broken format shows that the law %q can fail", l.name)
		}
		if failed, message := try(t, l, demo(t, demoGrammar())); failed {
			t.Errorf("%s: the good format breaks it: %s", l.name, message)
		}
	}
}

func lawNamed(t *testing.T, name string) law {
	t.Helper()
	for _, l := range laws() {
		if l.name == name {
			return l
		}
	}
	t.Fatalf("no law is called %s", name)
	return law{}
}

// TestAFileASampleAndALineAreAFormat adds one to a copy of this package, and sees every law applied to it.
func TestAFileASampleAndALineAreAFormat(t *testing.T) {
	if testing.Short() || os.Getenv("PENSTOCK_FORMAT_COPY") != "" {
		t.Skip("it compiles a copy of the package")
	}
	t.Parallel()
	root := t.TempDir()
	copyTree(t, root, "..", "go.mod", "go.sum")
	copyTree(t, root, "..", packageFiles(t)...)
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("format/demo.go", `package format

import "github.com/seed56735111/penstock/format/internal/lines"

func demo() schema {
	return schema{
		name: "demo", told: "lines that begin with demo and a time", about: "what this test writes",
		grammar: &lines.Schema{Record: "a demo record", Least: 4, Fields: []lines.Field{
			{Name: "type", Is: lines.OneOf("demo")},
			{Name: "time", Kind: lines.ISO},
			{Name: "client", Kind: lines.Address},
			{Name: "size", Kind: lines.Integer},
			{Name: "request", Kind: lines.Request},
		}},
	}
}
`)
	write("format/testdata/demo/docs.log", demoSample)
	table, err := os.ReadFile("table.go")
	if err != nil {
		t.Fatal(err)
	}
	write("format/table.go", strings.Replace(string(table), "return []schema{\n", "return []schema{\n\t\tdemo(),\n", 1))
	goTest(t, root, "-run", "Golden", "-update")
	golden, err := os.ReadFile(filepath.Join(root, "format/testdata/demo/docs.log.golden"))
	if err != nil ||
		!strings.Contains(string(golden),
			`"client_ip":"203.0.113.9","client_port":80,"size":17,"request":"GET / HTTP/1.1","request_method":"GET"`) {
		t.Fatalf("%v, %s", err, golden)
	}
	if doc, err := os.ReadFile(filepath.Join(root, "docs/formats.md")); err != nil ||
		!strings.Contains(string(doc), "| `demo` | what this test writes |") {
		t.Errorf("the documentation does not have it: %v", err)
	}
	out := goTest(t, root, "-v", "-run", "TestLaws/demo")
	for _, l := range laws() {
		if !strings.Contains(out, "--- PASS: TestLaws/demo/"+strings.ReplaceAll(l.name, " ", "_")+" ") {
			t.Errorf("the law %q was not applied", l.name)
		}
	}
}
