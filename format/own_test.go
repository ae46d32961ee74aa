package format_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// definitions are formats of somebody's own with what they make of a text.
func definitions() []ownCase {
	time := format.TimeDefinition{Fields: []string{"time"}}
	return []ownCase{
		{
			format.Definition{
				Name: "billing", Dissect: "%{time} %{+time} %{level} [%{thread}] order=%{order} amount=%{amount}",
				Types: map[string]string{"order": "integer", "amount": "decimal"},
				Time:  format.TimeDefinition{Fields: []string{"time"}, Layout: "2006-01-02 15:04:05", Zone: "Europe/Berlin"},
			},
			"2026-11-24 10:00:00 INFO [main] order=17 amount=12.50\n" +
				"2026-11-24 10:00:01 WARN [a \"b\" c] order=0018 amount=-.5\n\n" +
				"2026-11-24 10:00:02 INFO [] order=- amount=1e3\n" +
				"2026-11-24 10:00:03 INFO [main] order=x amount=1\n" +
				"2026-13-24 10:00:03 INFO [main] order=1 amount=1\n" +
				"and now for something else\n",
			[]string{
				`{"time":"2026-11-24 10:00:00","level":"INFO","thread":"main","order":17,"amount":12.50}`,
				`{"time":"2026-11-24 10:00:01","level":"WARN","thread":"a \"b\" c","order":18,"amount":-0.5}`,
				`{"time":"2026-11-24 10:00:02","level":"INFO","amount":1e3}`,
				`{"message":"2026-11-24 10:00:03 INFO [main] order=x amount=1",` +
					`"parse_error":"not a record of billing: order is not an integer"}`,
				`{"message":"2026-13-24 10:00:03 INFO [main] order=1 amount=1",` +
					`"parse_error":"not a record of billing: time is not its time"}`,
				`{"message":"and now for something else","parse_error":"not a record of billing: the pattern does not fit"}`,
			},
			"2026-11-24T09:00:00Z", 0,
		},
		{
			format.Definition{
				Name: "steps", Regex: `\[(?<time>[^\]]+)\] (?<step>[a-z]+)(?: for (?<user>\S+))?: (?<message>.*)`,
				Start: `^\[\d{4}-`, Time: time,
			},
			"[2026-11-24T10:00:00Z] load for anna: done\n  in 3 s\n  \"all\"\n[2026-11-24T10:00:01Z] stop: -\n" +
				"[2026-11-24T10:00:02Z] STOP\n",
			[]string{
				`{"time":"2026-11-24T10:00:00Z","step":"load","user":"anna","message":"done\n  in 3 s\n  \"all\""}`,
				`{"time":"2026-11-24T10:00:01Z","step":"stop"}`,
				`{"message":"[2026-11-24T10:00:02Z] STOP","parse_error":"not a record of steps: the pattern does not fit"}`,
			},
			"2026-11-24T10:00:00Z", 1,
		},
		{
			format.Definition{
				Name: "gate", Grok: `%{TIMESTAMP_ISO8601:time} %{IP:client.ip} %{OPENED:open:bool} %{NUMBER:seconds:float}`,
				Patterns: map[string]string{"OPENED": "yes|no"}, Types: map[string]string{"client.ip": "ip"}, Time: time,
			},
			"2026-11-24T10:00:00Z 203.0.113.9 yes 0.25\n2026-11-24T10:00:01Z 2001:db8::1 no 3\n",
			[]string{
				`{"time":"2026-11-24T10:00:00Z","client.ip":"203.0.113.9","open":true,"seconds":0.25}`,
				`{"time":"2026-11-24T10:00:01Z","client.ip":"2001:db8::1","open":false,"seconds":3}`,
			},
			"2026-11-24T10:00:00Z", 1,
		},
		{
			format.Definition{
				Name: "visits", Delimiter: ";", Quote: `"`, Columns: []string{"day", "clock", "", "seen", "page"},
				Types: map[string]string{"seen": "time"},
				Time:  format.TimeDefinition{Fields: []string{"day", "clock"}, Layout: "%d.%m.%Y %H:%M"},
			},
			"day;clock;x;seen;page\n24.11.2026;10:00;1;24/Nov/2026:10:00:00 +0100;\"a \"\"b\"\";c\"\n" +
				"24.11.2026;10:01;2;-;\"\"\n24.11.2026;10:02;3;soon;x\n",
			[]string{
				`{"day":"24.11.2026","clock":"10:00","seen":"2026-11-24T09:00:00Z","page":"a \"b\";c"}`,
				`{"day":"24.11.2026","clock":"10:01"}`,
				`{"message":"24.11.2026;10:02;3;soon;x","parse_error":"not a record of visits: seen is not a time"}`,
			},
			"2026-11-24T10:00:00Z", 0,
		},
		{
			format.Definition{
				Name: "orders", JSON: &format.JSONDefinition{
					Names: []string{"orderId", "customer.id"}, Where: map[string]string{"kind": "order"}, Envelope: "orders",
					Opaque: []string{"extra"},
				},
				Types: map[string]string{"orderId": "integer"},
				Time:  format.TimeDefinition{Fields: []string{"meta.at"}, Layout: "dd.MM.yyyy HH:mm", Zone: "Europe/Berlin"},
			},
			`{"orders":[{"orderId":1,"kind":"order","customer":{"id":"a"},"meta":{"at":"24.11.2026 10:00"},"extra":{"b":[2]}},` +
				`{"orderId":2,"kind":"order","customer":{"id":"c"},"meta":{"at":"24.11.2026 10:01"}}]}` + "\n",
			[]string{
				`{"orderId":1,"kind":"order","customer":{"id":"a"},"meta":{"at":"24.11.2026 10:00"},"extra":"{\"b\":[2]}"}`,
				`{"orderId":2,"kind":"order","customer":{"id":"c"},"meta":{"at":"24.11.2026 10:01"}}`,
			},
			"2026-11-24T09:00:00Z", 0,
		},
	}
}

type ownCase struct {
	format.Definition
	text   string
	want   []string
	first  string // the time of the first record
	allocs int    // for a record
}

// Formats of the user's own hold the laws of those that are built in, and become what they say.
func TestLawsHoldForFormatsOfTheUsersOwn(t *testing.T) {
	for _, tt := range definitions() {
		t.Run(tt.Name, func(t *testing.T) {
			if wrong, doubts := tt.Check(); len(wrong)+len(doubts) > 0 {
				t.Fatal(wrong, doubts)
			}
			d, err := format.New(format.Config{Definitions: []format.Definition{tt.Definition}})
			if err != nil {
				t.Fatal(err)
			}
			r := read(t, d, penstock.Identity{Key: "x", Modified: stored}, []byte(tt.text), strings.NewReader(tt.text))
			if r.Format != tt.Name {
				t.Fatalf("recognised as %s", r.Format)
			}
			if diff := cmp.Diff(tt.want, documents(r.Records)); diff != "" {
				t.Error(diff)
			}
			if got := show(r.Records[0].Time); got != tt.first {
				t.Errorf("the time of the first record is %s, want %s", got, tt.first)
			}
			s := newSubject(t, tt.text, format.GrammarOf(tt.Definition), format.GrammarOf(tt.Definition))
			for _, l := range laws() {
				if l.name == "a record allocates nothing" && tt.allocs > 0 {
					continue // a regular expression does; TestWhatARecordOfARegularExpressionAllocates
				}
				t.Run(l.name, func(t *testing.T) { l.hold(t, s) })
			}
		})
	}
}

// Beside those of the user, the others are recognised as before; no definition of a test takes one of their samples.
func TestFormatsOfTheUsersOwnTakeNoSampleOfOthers(t *testing.T) {
	t.Parallel()
	var all []format.Definition
	for _, tt := range definitions() {
		all = append(all, tt.Definition)
	}
	d := detector(t, format.Config{Definitions: all})
	for _, s := range samples(t) {
		id := s.identity()
		rec, err := d.Recognize(&penstock.Object{}, id, penstock.Entry{Reader: bytes.NewReader(s.text)})
		if err != nil {
			continue // tables are opened by the decoder
		}
		if slices.ContainsFunc(all, func(d format.Definition) bool { return d.Name == rec.Format }) {
			t.Errorf("%s is taken for %s", s.path, rec.Format)
		}
	}
}

// A format of the user's own is told in the messages of containers too, and may be asked for by its name.
func TestFormatsOfTheUsersOwnAreToldInMessages(t *testing.T) {
	t.Parallel()
	own := definitions()[0]
	line, _, _ := strings.Cut(own.text, "\n")
	text := fmt.Sprintf(`{"log":%q,"stream":"stdout","time":"2026-11-24T10:00:00.5Z"}`+"\n", line+"\n")
	d := detector(t, format.Config{Definitions: []format.Definition{own.Definition}})
	r := read(t, d, penstock.Identity{}, []byte(text), strings.NewReader(text))
	if r.Format != "docker" || !strings.Contains(r.Records[0].JSON, `"order":17,"amount":12.50`) {
		t.Errorf("%s: %s", r.Format, r.Records[0].JSON)
	}
	d = detector(t, format.Config{Definitions: []format.Definition{own.Definition}, Force: "billing"})
	r = read(t, d, penstock.Identity{}, []byte("x\n"), strings.NewReader("x\n"))
	if r.Format != "billing" || !r.Records[0].Unparsed {
		t.Error(r.Format, r.Records[0].JSON)
	}
	names := format.Formats(own.Definition)
	if names[0].Name != "billing" || names[1].Name != format.Formats()[0].Name {
		t.Error(names[:2])
	}
}

func TestWhatARecordOfARegularExpressionAllocates(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, which the short tests are for, empties the pools of regexp")
	}
	for _, tt := range definitions() {
		if tt.allocs == 0 {
			continue
		}
		s := newSubject(t, tt.text, format.GrammarOf(tt.Definition), format.GrammarOf(tt.Definition))
		d := s.detector(t, false, 0)
		few, many := s.corpus(t, 300, ""), s.corpus(t, 3000, "")
		drain(t, d, many, s.Name())
		a := testing.AllocsPerRun(3, func() { drain(t, d, few, s.Name()) })
		b := testing.AllocsPerRun(3, func() { drain(t, d, many, s.Name()) })
		if got := (b - a) / 2700; got > float64(tt.allocs)+0.01 {
			t.Errorf("%s: %v allocations for a record, want %d", tt.Name, got, tt.allocs)
		}
	}
}

// Each mistake of a definition is named with its key.
func TestWrongDefinitionsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		d    format.Definition
		want string
	}{
		{format.Definition{Name: "alb", Dissect: "a %{b}"}, "name: \"alb\" is a format that penstock knows"},
		{format.Definition{Name: "A b", Dissect: "a %{b}"}, "name: \"A b\" is no name of a format"},
		{format.Definition{Name: "x"}, "one of dissect, regex"},
		{format.Definition{Name: "x", Dissect: "a %{b}", Regex: "(?<a>b)"}, "one of dissect, regex"},
		{format.Definition{Name: "x", Dissect: "%{a}"}, "dissect: the pattern fits the empty line"},
		{format.Definition{Name: "x", Regex: "(?<a>.*)"}, "regex: the pattern fits the empty line"},
		{format.Definition{Name: "x", Regex: "(?<a>.+)"}, "regex: the pattern fits every line"},
		{format.Definition{Name: "x", Dissect: "%{a} %{b}"}, "doubt: format \"x\": dissect: the pattern fits lines of other"},
		{format.Definition{Name: "x", Dissect: "%{_id} x"}, "dissect: \"_id\" is no name of a field"},
		{format.Definition{Name: "x", Dissect: "%{aws} x"}, "dissect: \"aws\" is a name that penstock writes"},
		{format.Definition{Name: "x", Dissect: "%{a} %{a.b} x"}, "a value and an object"},
		{format.Definition{Name: "x", Grok: "x %{INT:a:uint}"}, "grok: a: \"uint\" is no type of grok"},
		{format.Definition{Name: "x", Dissect: "x %{a}", Types: map[string]string{"b": "integer"}}, "types.b: the format"},
		{format.Definition{Name: "x", Dissect: "x %{a}", Types: map[string]string{"a": "number"}}, "types.a: \"number\""},
		{
			format.Definition{Name: "x", Dissect: "x %{a}", Time: format.TimeDefinition{Fields: []string{"b"}}},
			"time.field: the format has no field \"b\"",
		},
		{
			format.Definition{Name: "x", Dissect: "x %{a}", Time: format.TimeDefinition{Layout: "%F %T"}},
			"time: the field with the time",
		},
		{
			format.Definition{
				Name: "x", Dissect: "x %{a}", Time: format.TimeDefinition{Fields: []string{"a"}, Layout: "%Q", Zone: "Mars"},
			},
			"time.zone: \"Mars\" is no time zone|time.layout: %Q is not one",
		},
		{format.Definition{Name: "x", Dissect: "x %{a}", Start: ".*"}, "start: it matches the empty line"},
		{format.Definition{Name: "x", Dissect: "x %{a}", Start: "("}, "start: the regular expression is wrong"},
		{format.Definition{Name: "x", Delimiter: "|", Columns: []string{"a"}}, "delimiter: fewer than two columns"},
		{format.Definition{Name: "x", JSON: &format.JSONDefinition{}}, "json.names: no name"},
		{
			format.Definition{Name: "x", JSON: &format.JSONDefinition{Names: []string{"a..b", strings.Repeat("n", 40)}}},
			`json.names: "a..b" is no path`,
		},
	} {
		wrong, doubts := tt.d.Check()
		var said []string
		for _, e := range wrong {
			said = append(said, e.Error())
		}
		for _, e := range doubts {
			said = append(said, "doubt: "+e.Error())
		}
		all := strings.Join(said, "\n")
		for want := range strings.SplitSeq(tt.want, "|") {
			if !strings.Contains(all, want) {
				t.Errorf("%+v: got %q, want %q", tt.d, all, want)
			}
		}
		_, err := format.New(format.Config{Definitions: []format.Definition{tt.d}})
		if _, ok := errors.AsType[*format.DefinitionError](err); len(wrong) > 0 != ok {
			t.Errorf("%+v: New says %v", tt.d, err)
		}
	}
	two := []format.Definition{{Name: "x", Dissect: "x %{a}"}, {Name: "x", Dissect: "y %{a}"}}
	if _, err := format.New(format.Config{Definitions: two}); err == nil {
		t.Error("two formats of one name are no error")
	}
	if _, err := format.New(format.Config{Definitions: make([]format.Definition, 41)}); err == nil {
		t.Error("41 formats are no error")
	}
}

// The reader of JSON has bounds for what it looks out for. Names beyond them are errors, and no panic.
func TestNamesOfTheTimeAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 40)
	for _, names := range []string{long, "a." + long, strings.Repeat("a.b,", 9), "a..b"} {
		if _, err := format.New(format.Config{TimeField: names}); err == nil {
			t.Errorf("%q is no error", names)
		}
	}
	detector(t, format.Config{TimeField: long[1:] + strings.Repeat(",a.b", 7)})
}

// What a format of the user's own costs beside one that is built in.
func BenchmarkRecordsOfTheUsersOwn(b *testing.B) {
	for _, tt := range definitions() {
		b.Run(tt.Name, func(b *testing.B) {
			s := newSubject(b, tt.text, format.GrammarOf(tt.Definition), format.GrammarOf(tt.Definition))
			text := s.corpus(b, 10_000, "")
			d := s.detector(b, false, 0)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				drain(b, d, text, s.Name())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/record")
		})
	}
}

// FuzzOwnPattern reads any text by a pattern of the user's, and loses no byte.
func FuzzOwnPattern(f *testing.F) {
	for _, tt := range definitions() {
		f.Add(tt.Dissect, tt.text)
	}
	f.Add("%{a->} %{+a}x", "1  2x\n")
	f.Fuzz(func(t *testing.T, dissect, text string) {
		for _, def := range []format.Definition{
			{Name: "x", Dissect: dissect},
			{Name: "x", Dissect: dissect, Start: "^[0-9]"},
			{Name: "x", Delimiter: "|", Quote: `"`, Columns: []string{"a", "b"}, Types: map[string]string{"a": "decimal"}},
		} {
			d, err := format.New(format.Config{Definitions: []format.Definition{def}, Force: "x"})
			if err != nil {
				continue
			}
			r := read(t, d, penstock.Identity{Modified: stored}, []byte(text), strings.NewReader(text))
			covered(t, []byte(text), r)
		}
	})
}
