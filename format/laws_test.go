package format_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/internal/realtest"
)

// subject is a format that the laws are applied to, in a table, with samples.
type subject struct {
	format.Schema
	table   []format.Schema
	samples []sample // of this format
	others  []sample // of the others in the table
}

// law is something that holds for every format.
type law struct {
	name string
	// alone says that nothing else may run meanwhile: it measures.
	alone bool
	hold  func(t testing.TB, s *subject)
}

// laws are what a format gets by being in the table.
func laws() []law {
	return []law{
		{"says what it is and has samples", false, lawOfSamples},
		{"golden documents by content alone", false, lawOfGoldenDocuments},
		{"takes no sample of another format", false, lawOfItsOwn},
		{"line endings members and read sizes change nothing", false, lawOfPieces},
		{"records before a read error are there", false, lawOfFailures},
		{"records before the end of a cut gzip are there", false, lawOfCutGzip},
		{"an entry that ends anywhere is covered", false, lawOfEnds},
		{"damage is covered and acceptable", false, lawOfDamage},
		{"an overlong line hurts only itself", false, lawOfTheBound},
		{"values have the documented types", false, lawOfTypes},
		{"a record allocates nothing", true, lawOfAllocations},
		{"no input grows the memory", true, lawOfMemory},
	}
}

func TestLaws(t *testing.T) {
	all := samples(t)
	for _, s := range drawn(t, subjects(format.Table(), all)) {
		t.Run(s.Name(), func(t *testing.T) {
			for _, l := range laws() {
				t.Run(l.name, func(t *testing.T) {
					if !l.alone {
						t.Parallel()
					}
					l.hold(t, s)
				})
			}
		})
	}
}

// drawn is all of the subjects, or a third of them when the tests are to be short.
func drawn(t *testing.T, all []*subject) []*subject {
	t.Helper()
	if !testing.Short() {
		return all
	}
	const part = 3
	seed := realtest.Seed(t)
	n := (len(all) + part - 1) / part
	t.Logf("%d of %d formats, drawn by PENSTOCK_TEST_SEED=%d; all without -short", n, len(all), seed)
	r := rand.New(rand.NewPCG(seed, 0))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:n]
}

func subjects(table []format.Schema, all []sample) []*subject {
	var subjects []*subject
	for _, f := range table {
		s := &subject{Schema: f, table: table}
		for _, one := range all {
			if one.format == f.Name() {
				s.samples = append(s.samples, one)
			} else {
				s.others = append(s.others, one)
			}
		}
		subjects = append(subjects, s)
	}
	return subjects
}

// detector returns one for the table of the subject, which reads everything as its format when forced.
func (s *subject) detector(t testing.TB, forced bool, longest int) *format.Detector {
	t.Helper()
	cfg := format.Config{MaxRecordBytes: longest}
	if forced {
		cfg.Force = s.Name()
	}
	d, err := format.NewOf(cfg, s.table)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var properName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func lawOfSamples(t testing.TB, s *subject) {
	told, about := s.Says()
	if !properName.MatchString(s.Name()) || told == "" || about == "" {
		t.Errorf("%q, told by %q, is %q", s.Name(), told, about)
	}
	n := 0
	for _, other := range s.table {
		if other.Name() == s.Name() {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the table has %d formats of the name %s", n, s.Name())
	}
	if len(s.samples) == 0 {
		t.Errorf("testdata/%s has no samples", s.Name())
	}
}

// lawOfGoldenDocuments also holds that each sample is recognised as what its directory says. With -update the golden
// files are written anew, to be read in the diff.
func lawOfGoldenDocuments(t testing.TB, s *subject) {
	for _, one := range s.samples {
		have := goldenDocuments(t, s, one)
		golden := one.path + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(have), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), have); diff != "" {
			t.Errorf("%s: %s", one.path, diff)
		}
	}
}

// goldenDocuments returns what a golden file says of a sample. The object has a name that says nothing, unless there is
// nothing else to go by.
func goldenDocuments(t testing.TB, s *subject, one sample) string {
	t.Helper()
	id := one.identity()
	if !one.named {
		id.Key = "x"
	}
	r := read(t, s.detector(t, false, 0), id, one.text, bytes.NewReader(one.text))
	if r.Format != one.format || r.Err != nil {
		t.Fatalf("%s: recognised as %s, %v", one.path, r.Format, r.Err)
	}
	covered(t, one.text, r)
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
		if rec.Repaired {
			unparsed = ", repaired"
		}
		fmt.Fprintf(&out, "at %d, %s%s\n%s%s\n", rec.Offset, at, unparsed, rec.JSON, rec.Err)
	}
	return out.String()
}

func lawOfItsOwn(t testing.TB, s *subject) {
	d := s.detector(t, false, 0)
	for _, other := range s.others {
		rec, err := d.Recognize(&penstock.Object{}, other.identity(), penstock.Entry{Reader: bytes.NewReader(other.text)})
		if err != nil || rec.Format == s.Name() {
			t.Errorf("%s is taken for it: %v", other.path, err)
		}
	}
}

func lawOfPieces(t testing.TB, s *subject) {
	for _, one := range s.samples {
		d := s.detector(t, true, 0)
		want := read(t, d, one.identity(), one.text, bytes.NewReader(one.text))
		crlf := bytes.ReplaceAll(one.text, []byte("\n"), []byte("\r\n"))
		sizes, packs := []int{1, 2, 7, 333, 4096, 0}, []int{1, 3, 10}
		if testing.Short() {
			sizes, packs = []int{1, 333}, []int{3}
		}
		for _, size := range sizes {
			got := read(t, d, one.identity(), one.text, &cutReader{data: one.text, size: size, err: io.EOF})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s, read %d bytes at a time: %s", one.path, size, diff)
			}
			for _, k := range packs {
				for _, text := range [][]byte{one.text, crlf} {
					stored := &cutReader{data: members(text, k), size: size, err: io.EOF}
					got := decoded(t, d, one.identity(), text, stored)
					if diff := cmp.Diff(withoutPlaces(want), withoutPlaces(got)); diff != "" {
						t.Fatalf("%s, %d members, CRLF %v, %d bytes at a time: %s", one.path, k, len(text) > len(one.text), size, diff)
					}
				}
			}
		}
	}
}

// checkCut holds that what is read of the beginning of an entry, before an error, is a beginning of what is read of the
// whole, that no record which had come whole is missing, and that the error comes last.
func checkCut(t testing.TB, whole, cut reading, text []byte, failure error) {
	t.Helper()
	if !errors.Is(cut.Err, failure) {
		t.Fatalf("cut at %d: ended with %v", len(text), cut.Err)
	}
	if len(cut.Records) > len(whole.Records) {
		t.Fatalf("cut at %d: %d records of %d", len(text), len(cut.Records), len(whole.Records))
	}
	if diff := cmp.Diff(whole.Records[:len(cut.Records)], cut.Records); len(cut.Records) > 0 && diff != "" {
		t.Fatalf("cut at %d: %s", len(text), diff)
	}
	for i, r := range whole.Records[len(cut.Records):] {
		// An event of text, and a broken value, is known to be whole only when the one behind it has come; an array on a line
		// is one when the line has come.
		if end := int(r.Offset + r.Length); i > 0 && end < len(text) && bytes.IndexByte(text[end:], '\n') >= 0 {
			t.Fatalf("cut at %d: the record at %d is missing", len(text), whole.Records[len(cut.Records)].Offset)
		}
	}
}

// cuts yields where to cut a text: everywhere near its beginning and its end and around the ends of lines, and at some
// more places; fewer with -short, which is for the race detector.
func cuts(text []byte) iter.Seq[int] {
	step := 1
	if testing.Short() {
		step = 11
	}
	return func(yield func(int) bool) {
		for n := 1; n < len(text); n += step {
			edge := n < 150 || n > len(text)-60 || bytes.IndexByte(text[max(0, n-2):min(len(text), n+2)], '\n') >= 0
			if (edge || n%13 == 0) && !yield(n) {
				return
			}
		}
	}
}

// changesItsMind reports whether the beginning of a sample shows something else than the whole does. Where most lines
// of a text have a time, but not the first one, it takes some of them, and one on a line of its own is not seen to be
// usual; where a table stands behind other lines, it sees no table.
func changesItsMind(s sample) bool {
	return slices.Contains([]string{
		"testdata/text/app.log",
		"testdata/text/alert.log",
		"testdata/csv/banner.csv",
		"testdata/text/history.log",
	}, s.path)
}

func lawOfFailures(t testing.TB, s *subject) {
	broken := &penstock.ObjectError{Reason: penstock.ReasonCorrupt, Err: io.ErrUnexpectedEOF}
	for _, one := range s.samples {
		if changesItsMind(one) {
			continue
		}
		d := s.detector(t, true, 0)
		whole := read(t, d, one.identity(), one.text, bytes.NewReader(one.text))
		for n := range cuts(one.text) {
			cut := read(t, d, one.identity(), one.text, &cutReader{data: one.text[:n], err: broken})
			checkCut(t, whole, cut, one.text[:n], broken)
		}
	}
}

func lawOfCutGzip(t testing.TB, s *subject) {
	for _, one := range s.samples {
		if changesItsMind(one) {
			continue
		}
		d := s.detector(t, true, 0)
		whole := read(t, d, one.identity(), one.text, bytes.NewReader(one.text))
		stored := members(one.text, 3)
		most := 0
		step := 3
		if testing.Short() {
			step = 41
		}
		for n := 20; n < len(stored); n += step { // less than a header is no gzip
			cut := decoded(t, d, one.identity(), one.text, bytes.NewReader(stored[:n]))
			if cut.Err == nil {
				continue // a cut between two members is not seen
			}
			checkCut(t, whole, cut, nil, io.ErrUnexpectedEOF)
			if len(cut.Records) < most {
				t.Fatalf("%s cut at %d: %d records, %d before", one.path, n, len(cut.Records), most)
			}
			most = len(cut.Records)
		}
	}
}

// lawOfEnds holds that an entry that just ends is read to its end, and nothing in it is passed over, whatever it looks
// like then.
func lawOfEnds(t testing.TB, s *subject) {
	for _, one := range s.samples {
		for _, forced := range []bool{true, false} {
			d := s.detector(t, forced, 0)
			for n := range cuts(one.text) {
				r := read(t, d, one.identity(), one.text[:n], bytes.NewReader(one.text[:n]))
				if r.Err != nil {
					t.Fatalf("%s cut at %d: %v", one.path, n, r.Err)
				}
				covered(t, one.text[:n], r)
			}
		}
	}
}

// lawOfDamage reads samples with damage, which is the same in every run, whole and in small pieces.
func lawOfDamage(t testing.TB, s *subject) {
	rnd := rand.New(rand.NewPCG(1, 2))
	times := 150
	if testing.Short() {
		times = 10
	}
	for _, one := range s.samples {
		for range times {
			text := damaged(rnd, one.text)
			checkDamaged(t, s.detector(t, true, 0), text)
		}
	}
}

func checkDamaged(t testing.TB, d *format.Detector, text []byte) {
	t.Helper()
	id := penstock.Identity{Modified: stored}
	want := read(t, d, id, text, bytes.NewReader(text))
	if want.Err != nil {
		t.Fatalf("%q: %v", text, want.Err)
	}
	covered(t, text, want)
	have := read(t, d, id, text, &cutReader{data: text, size: 3, err: io.EOF})
	if diff := cmp.Diff(want, have); diff != "" {
		t.Fatalf("three bytes at a time: %s", diff)
	}
}

// damaged returns a text in which something is changed, put in, taken out or repeated.
func damaged(rnd *rand.Rand, text []byte) []byte {
	hostile := []string{
		"\"", "\\", "\\\"", "\x00", "\xff", "\n", "\r", " ", "\t", "[", "]", "{", "}", ",", ":", "=", "-", "#", "\u00e9",
		"\u2028", "0", "-1", "1e999",
		"99999999999999999999", "\ufeff", "<", "\x1b[31m", `"penstock":1,`, "aws", "@timestamp",
	}
	text = bytes.Clone(text)
	for range 1 + rnd.IntN(3) {
		if len(text) < 2 {
			break
		}
		i := rnd.IntN(len(text))
		j := i + rnd.IntN(min(40, len(text)-i))
		switch rnd.IntN(4) {
		case 0:
			text[i] = byte(rnd.IntN(256))
		case 1:
			text = append(text[:i:i], append([]byte(hostile[rnd.IntN(len(hostile))]), text[i:]...)...)
		case 2:
			text = append(text[:i:i], text[j:]...)
		case 3:
			text = append(text[:j:j], text[i:]...)
		}
	}
	return text
}

// corpus returns n records of a format as they stand in its first sample that can be repeated.
func (s *subject) corpus(t testing.TB, n int, between string) []byte {
	t.Helper()
	for _, one := range s.samples {
		r := read(t, s.detector(t, true, 0), one.identity(), one.text, bytes.NewReader(one.text))
		var good []string
		head, tail, sep := "", "", between
		for i, rec := range r.Records {
			end := rec.Offset + rec.Length
			if i == 0 {
				head = string(one.text[:rec.Offset])
			}
			tail = string(one.text[end:])
			if rec.Unparsed || rec.Err != "" {
				continue
			}
			good = append(good, string(one.text[rec.Offset:end]))
			if sep == "" && i+1 < len(r.Records) {
				sep = string(one.text[end:r.Records[i+1].Offset])
			}
		}
		if len(good) == 0 {
			continue
		}
		if sep == "" {
			sep = "\n"
		}
		var text strings.Builder
		text.WriteString(head)
		for i := range n {
			if i > 0 {
				text.WriteString(sep)
			}
			text.WriteString(good[i%len(good)])
		}
		text.WriteString(tail)
		if s.reads(t, text.String(), n) {
			return []byte(text.String())
		}
	}
	t.Fatalf("no sample of %s can be repeated: one needs two good records one behind the other, and one header at most",
		s.Name())
	return nil
}

// reads reports whether a text is n good records of the format.
func (s *subject) reads(t testing.TB, text string, n int) bool {
	t.Helper()
	rec, err := s.detector(t, false, 0).Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{
		Reader: strings.NewReader(text),
	})
	if err != nil || rec.Format != s.Name() {
		return false
	}
	for r, err := range rec.Records {
		if err != nil || r.Unparsed {
			return false
		}
		n--
	}
	return n == 0
}

// lawOfTheBound puts a line that is too long to hold between two records.
func lawOfTheBound(t testing.TB, s *subject) {
	good := s.corpus(t, 2, "")
	d := s.detector(t, true, 1)
	whole := read(t, d, penstock.Identity{}, good, bytes.NewReader(good))
	between := whole.Records[0].Offset + whole.Records[0].Length
	separator := string(good[between:whole.Records[1].Offset])
	for _, long := range []string{strings.Repeat("x", 3*bound), `"` + strings.Repeat("x ", 2*bound) + `"`} {
		text := string(good[:between]) + separator + "\n" + long + "\n" + separator + string(good[whole.Records[1].Offset:])
		for _, size := range []int{0, 999} {
			r := read(t, d, penstock.Identity{}, []byte(text), &cutReader{data: []byte(text), size: size, err: io.EOF})
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			covered(t, []byte(text), r)
			for _, rec := range r.Records {
				if rec.Err == "" && rec.Length > bound {
					t.Fatalf("a record of %d bytes", rec.Length)
				}
			}
			for i, rec := range []got{r.Records[0], r.Records[len(r.Records)-1]} {
				if diff := cmp.Diff(whole.Records[i].JSON, rec.JSON); diff != "" {
					t.Fatalf("a record beside it: %s", diff)
				}
			}
		}
	}
}

// lawOfTypes holds that what documents have under a documented name is what an index takes for the type.
func lawOfTypes(t testing.TB, s *subject) {
	found := 0
	for _, one := range s.samples {
		r := read(t, s.detector(t, true, 0), one.identity(), one.text, bytes.NewReader(one.text))
		for _, rec := range r.Records {
			if rec.Unparsed || rec.Err != "" {
				continue
			}
			var doc any
			dec := json.NewDecoder(strings.NewReader(rec.JSON))
			dec.UseNumber()
			if err := dec.Decode(&doc); err != nil {
				t.Fatal(err)
			}
			for _, f := range s.Grammar().Documented() {
				for _, v := range valuesAt(doc, strings.Split(f.Name, ".")) {
					found++
					if !fits(string(f.Type), v) {
						t.Errorf("%s, at %d: %s is %v, which no field of the type %s takes", one.path, rec.Offset, f.Name, v, f.Type)
					}
				}
			}
		}
	}
	if found == 0 && len(s.Grammar().Documented()) > 0 {
		t.Errorf("no document has a documented field")
	}
}

// valuesAt returns the scalars at a path, also in arrays.
func valuesAt(v any, path []string) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var all []any
		for _, one := range v {
			all = append(all, valuesAt(one, path)...)
		}
		return all
	case map[string]any:
		if len(path) == 0 {
			return []any{v}
		}
		return valuesAt(v[path[0]], path[1:])
	}
	if len(path) > 0 {
		return nil
	}
	return []any{v}
}

func fits(kind string, v any) bool {
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	switch kind {
	case "mixed":
		return isText || isNumber
	case "date_or_millis":
		_, err := strconv.ParseInt(text+number.String(), 10, 64)
		return err == nil || fits("date", v)
	case "long":
		_, err := number.Int64()
		return isNumber && err == nil
	case "double":
		_, err := number.Float64()
		return isNumber && err == nil
	case "ip":
		_, err := netip.ParseAddr(text)
		return err == nil
	case "date":
		ok := false
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"} {
			_, err := time.Parse(layout, text)
			ok = ok || err == nil
		}
		return ok
	case "boolean":
		_, ok := v.(bool)
		return ok
	}
	return isText
}

// lawOfAllocations holds that an entry costs some allocations and a record none: many times the records cost no more.
func lawOfAllocations(t testing.TB, s *subject) {
	few, many := s.corpus(t, 300, ""), s.corpus(t, 3000, "")
	d := s.detector(t, false, 0)
	drain(t, d, many, s.Name()) // grows the buffers
	a := testing.AllocsPerRun(3, func() { drain(t, d, few, s.Name()) })
	b := testing.AllocsPerRun(3, func() { drain(t, d, many, s.Name()) })
	if b > a+1 || b > 60 {
		t.Errorf("%v allocations for 300 records, %v for 3,000", a, b)
	}
}

// lawOfMemory reads the format's own records, and what is none, for ever.
func lawOfMemory(t testing.TB, s *subject) {
	if testing.Short() {
		return // races do not depend on the size
	}
	record := string(s.corpus(t, 1, "")) + "\n"
	patterns := []string{record, "x", strings.TrimSpace(record)}
	if first := firstOfItsKind(s); first {
		patterns = append(patterns, "{", "[", `{"a":[`, `"`, "{\"a\":\"", "\n", "\x00", " ", "[1,", "\\", `{"a":"\ud800`,
			"x\n y\n")
	}
	for _, pattern := range patterns {
		rec, err := s.detector(t, true, 256<<10).Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{
			Reader: &endless{pattern: pattern, n: 6 << 20},
		})
		if err != nil {
			t.Fatal(err)
		}
		var peak, before runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		n := 0
		for _, err := range rec.Records {
			if _, ok := errors.AsType[*penstock.RecordError](err); err != nil && !ok {
				t.Fatal(err)
			}
			if n++; n%1024 == 1 && n < 10_000 {
				runtime.ReadMemStats(&peak)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&peak)
		if grown := int64(peak.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
			t.Errorf("%.20q again and again: %d MiB", pattern, grown>>20)
		}
	}
}

// firstOfItsKind reports whether a format is the first one of the table with a grammar of its type.
func firstOfItsKind(s *subject) bool {
	for _, other := range s.table {
		if reflect.TypeOf(other.Grammar()) == reflect.TypeOf(s.Grammar()) {
			return other.Name() == s.Name()
		}
	}
	return true
}
