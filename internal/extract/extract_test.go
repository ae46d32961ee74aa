package extract_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/extract"
)

// values returns what an extractor takes out of a text, nil when it does not fit.
func values(e extract.Extractor, text string) map[string]string {
	spans, ok := e.Match(nil, []byte(text))
	if !ok {
		return nil
	}
	found := map[string]string{}
	for _, f := range e.Fields() {
		var parts []string
		for _, n := range f.Spans {
			if !spans[n].Is() {
				continue
			}
			parts = append(parts, string(spans[n].Of([]byte(text))))
			if !f.Joined {
				break
			}
		}
		if parts != nil {
			found[f.Name] = strings.Join(parts, " ")
		}
	}
	return found
}

type fields = map[string]string

func TestDissect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          fields
	}{
		{"%{a} %{b}", "1 2 3", fields{"a": "1", "b": "2 3"}},
		{"%{a} %{b}", "1", nil},
		{"%{a} %{b}", "1 ", fields{"a": "1", "b": ""}},
		{"[%{a}] %{b}:", "[1] 2: 3:", fields{"a": "1", "b": "2: 3"}},
		{"[%{a}] %{b}:", "[1] 2", nil},
		{"[%{a}]", "1]", nil},
		{"[%{a}]", "[1]]", fields{"a": "1]"}},
		{"%{a->} %{b->} %{c}", "1    2  3 4", fields{"a": "1", "b": "2", "c": "3 4"}},
		{"%{a} %{b} %{c}", "1  3", fields{"a": "1", "b": "", "c": "3"}},
		{"%{t} %{h} %{+t} %{}", "1 2 3 4", fields{"t": "1 3", "h": "2"}},
		{"%{?no}, %{a}", "x, y", fields{"a": "y"}},
		{"%{user.name}|", "|", fields{"user.name": ""}},
		{"x%{a}x", "x", nil},
		{"%{a}é%{b}", "1é2", fields{"a": "1", "b": "2"}},
	} {
		e, err := extract.Dissect(tt.pattern)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if diff := cmp.Diff(tt.want, values(e, tt.text)); diff != "" {
			t.Errorf("%s of %q: %s", tt.pattern, tt.text, diff)
		}
	}
}

func TestRegexpAndGrok(t *testing.T) {
	t.Parallel()
	own := map[string]string{"ORDER": `[A-Z]{2}\d+`, "BOTH": `%{ORDER:order} %{WORD:what}`}
	whole, part := extract.Options{}, extract.Options{Part: true}
	for _, tt := range []struct {
		grok          bool
		pattern, text string
		o             extract.Options
		want          fields
	}{
		{false, `(?<a>\d+) (?P<b>.*)`, "1 2 3", whole, fields{"a": "1", "b": "2 3"}},
		{false, `(?<a>\d+)`, "x1", whole, nil},
		{false, `(?<a>\d+)`, "x1y", part, fields{"a": "1"}},
		{false, `a|(?<a>b)`, "a", whole, fields{}},
		{false, `(?<a>(x|y)+)((z))?`, "xyz", whole, fields{"a": "xy"}},
		{false, `(?<a>.*)`, "1\n2", whole, nil},
		{false, `(?<a>.*)`, "1\n2", extract.Options{Lines: true}, fields{"a": "1\n2"}},
		{false, `(?m)^(?<a>\w+)$`, "1\n2", whole, nil},
		{true, `%{IP:client} %{NUMBER:size:int}`, "192.0.2.1 17", whole, fields{"client": "192.0.2.1", "size": "17"}},
		{true, `%{IP:[client][ip]}`, "2001:db8::1", whole, fields{"client.ip": "2001:db8::1"}},
		{true, `%{BOTH}`, "AB17 sold", whole, fields{"order": "AB17", "what": "sold"}},
		{true, `(?:%{INT:n}|%{WORD:n})`, "x", whole, fields{"n": "x"}},
		{true, `%{WORD} (?<rest>.*)`, "a b c", whole, fields{"rest": "b c"}},
	} {
		make := extract.Regexp
		if tt.grok {
			make = func(pattern string, o extract.Options) (extract.Extractor, error) {
				return extract.Grok(pattern, own, o)
			}
		}
		e, err := make(tt.pattern, tt.o)
		if err != nil {
			t.Errorf("%s: %v", tt.pattern, err)
			continue
		}
		if diff := cmp.Diff(tt.want, values(e, tt.text)); diff != "" {
			t.Errorf("%s of %q: %s", tt.pattern, tt.text, diff)
		}
	}
	e, err := extract.Grok(`%{NUMBER:size:int} %{WORD:w}`, nil, whole)
	if err != nil || e.Fields()[0].Type != "int" || e.Fields()[1].Type != "" {
		t.Error(e, err)
	}
}

func TestColumns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		delimiter string
		quote     byte
		names     string
		text      string
		want      fields
	}{
		{"|", 0, "a b", "1|2", fields{"a": "1", "b": "2"}},
		{"|", 0, "a b", "1|2|3", nil},
		{"|", 0, "a b", "1", nil},
		{"|", 0, "a b", "|", fields{"a": "", "b": ""}},
		{"||", 0, "a b", "1||2", fields{"a": "1", "b": "2"}},
		{",", '"', "a b", `"1,""x""",2`, fields{"a": `1,""x""`, "b": "2"}},
		{",", '"', "a b", `1,"2"`, fields{"a": "1", "b": "2"}},
		{",", '"', "a b", `1,"2`, nil},
		{",", '"', "a b", `"1"x,2`, nil},
		{",", '"', "a b", `1,""`, fields{"a": "1", "b": ""}},
		{",", 0, "a b", `"1,2"`, fields{"a": `"1`, "b": `2"`}},
	} {
		e, err := extract.Columns(tt.delimiter, tt.quote, strings.Fields(tt.names))
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		if diff := cmp.Diff(tt.want, values(e, tt.text)); diff != "" {
			t.Errorf("%+v: %s", tt, diff)
		}
	}
	e, err := extract.Columns(",", 0, []string{"a", "", "c"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fields{"a": "1", "c": "3"}, values(e, "1,2,3")); diff != "" {
		t.Error(diff)
	}
}

func TestWrongPatternsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	dissect := func(p string) error { _, err := extract.Dissect(p); return err }
	regex := func(p string) error { _, err := extract.Regexp(p, extract.Options{}); return err }
	own := map[string]string{"A": "%{B}", "B": "x%{A}", "WIDE": strings.Repeat("x", 7000)}
	own["HUGE"] = strings.Repeat("%{WIDE}", 12)
	grok := func(p string) error { _, err := extract.Grok(p, own, extract.Options{}); return err }
	columns := func(p string) error { _, err := extract.Columns(p, '"', []string{"a", "a"}); return err }
	for _, tt := range []struct {
		make          func(string) error
		pattern, want string
	}{
		{dissect, "a", "no field"},
		{dissect, "%{a", "no } behind it"},
		{dissect, "%{a}%{b}", "no telling where it ends"},
		{dissect, "%{a} %{a}", "stands there twice; %{+a} adds to it"},
		{dissect, "%{+a} %{a}", "does not stand before it"},
		{dissect, "%{} %{?x}", "left out"},
		{dissect, "%{*k}=%{&k}", "names that are values"},
		{dissect, "%{a}" + strings.Repeat("x", 9000), "longer than 8192 bytes"},
		{regex, "(a", "missing closing"},
		{regex, "a", "names no field"},
		{regex, "(?=a)(?<b>c)", "no lookaround"},
		{regex, `(?<b>c)\1`, "no references"},
		{regex, "(?<b>c{1000}{1000})", "regular expression is wrong"},
		{grok, "%{NOTHING:a}", "no pattern is called NOTHING"},
		{grok, "%{WORD:a b}", `"a b" is no name of a field`},
		{grok, "%{A:a}", "within itself: A, B, A"},
		{grok, "%{HUGE:a}", "with what it names, the pattern is longer"},
		{grok, "%{WORD}", "names no field"},
		{columns, ",", `two columns are called "a"`},
		{columns, "", "delimiter is empty"},
		{columns, "\"", "quote in it"},
		{columns, "\n", "end of a line"},
	} {
		if err := tt.make(tt.pattern); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40q: got %v, want %q", tt.pattern, err, tt.want)
		}
	}
}

// Every pattern of the library can be used, but for two whose references are misspelt there.
func TestThePatternsOfTheLibrary(t *testing.T) {
	t.Parallel()
	var wrong []string
	for _, name := range extract.Patterns() {
		if _, err := extract.Grok("%{"+name+":x}", nil, extract.Options{}); err != nil {
			wrong = append(wrong, name)
		}
	}
	if diff := cmp.Diff([]string{"CISCOFW302013_302014_302015_302016", "CISCOFW733100"}, wrong); diff != "" {
		t.Error(diff)
	}
	if n := len(extract.Patterns()); n < 240 {
		t.Errorf("%d patterns", n)
	}
}

// FuzzDissect holds that the spans lie within the text, in its order, with the pattern's texts between them.
func FuzzDissect(f *testing.F) {
	f.Add("[%{a}] %{b->} x=%{+a}.", "[1] 2  x=3.")
	f.Add("%{a},%{}", ",,")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		e, err := extract.Dissect(pattern)
		if err != nil {
			return
		}
		spans, ok := e.Match(nil, []byte(text))
		at := 0
		for _, s := range spans {
			if s.Start < at || s.End < s.Start || s.End > len(text) {
				t.Fatalf("%q of %q: %v", pattern, text, spans)
			}
			at = s.End
		}
		if ok && !strings.HasPrefix(text, e.Prefix()) {
			t.Fatalf("%q of %q", pattern, text)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	text := []byte("2026-11-24 10:00:00 INFO [main] order=17 amount=12.50 customer=203.0.113.9")
	for name, make := range map[string]func() (extract.Extractor, error){
		"dissect": func() (extract.Extractor, error) {
			return extract.Dissect("%{day} %{clock} %{level} [%{thread}] order=%{order} amount=%{amount} customer=%{ip}")
		},
		"grok": func() (extract.Extractor, error) {
			return extract.Grok(`%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:level} \[%{DATA:thread}\] order=%{INT:order} `+
				`amount=%{NUMBER:amount} customer=%{IP:ip}`, nil, extract.Options{})
		},
		"regexp": func() (extract.Extractor, error) {
			return extract.Regexp(`(?<time>\S+ \S+) (?<level>\w+) \[(?<thread>[^]]*)\] order=(?<order>\d+) `+
				`amount=(?<amount>[\d.]+) customer=(?<ip>\S+)`, extract.Options{})
		},
	} {
		b.Run(name, func(b *testing.B) {
			e, err := make()
			if err != nil {
				b.Fatal(err)
			}
			var spans []extract.Span
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				var ok bool
				if spans, ok = e.Match(spans[:0], text); !ok {
					b.Fatal("no match")
				}
			}
		})
	}
}
