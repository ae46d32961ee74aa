package rules_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/rules/expr"
)

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestParseReadsWhatAFieldSays(t *testing.T) {
	t.Parallel()
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
	const marks = `{"f":%s,"penstock.rules_failed":["parse-1"]}`
	for _, c := range []struct {
		verb       rules.Parse
		text, want string
	}{
		{rules.Parse{As: "url"}, "https://u:secret@example.com:8443/a/b.html?x=1#top", `{"scheme":"https","username":"u",` +
			`"domain":"example.com","port":8443,"path":"/a/b.html","extension":"html","query":"x=1","fragment":"top"}`},
		{rules.Parse{As: "url"}, "/a.b/c?q", `{"path":"/a.b/c","query":"q"}`},
		{rules.Parse{As: "url"}, "http://[2001:db8::1]/", `{"scheme":"http","domain":"2001:db8::1","path":"/"}`},
		{rules.Parse{As: "url"}, "http://example.com", `{"scheme":"http","domain":"example.com"}`},
		{rules.Parse{As: "url"}, "no address", ""},
		{rules.Parse{As: "url"}, "http://example.com:99999/", ""},
		{rules.Parse{As: "url"}, "http://example.com:x/", ""},
		{
			rules.Parse{As: "query"},
			"a=1&b=x%20y+z&a=2&c&=v&d.e=%zz%C3%A9",
			`{"a":["1","2"],"b":"x y z","c":"","_":"v","d_e":"%zzé"}`,
		},
		{rules.Parse{As: "query"}, "https://example.com/p?a=%22%00%ff#f", `{"a":"\"��"}`},
		{rules.Parse{As: "query"}, strings.Repeat("a=1&", 200), `{"a":[` + strings.Repeat(`"1",`, 199) + `"1"]}`},
		{rules.Parse{As: "user_agent"}, firefox, `{"name":"Firefox","version":"132.0",` +
			`"os":{"name":"Linux","version":"x86_64"},` +
			`"device":{"type":"desktop"}}`},
		{
			rules.Parse{As: "grok", Pattern: "%{IP:client} %{WORD:verb} %{NUMBER:size:int}"},
			"to 10.0.0.1 GET 17",
			`{"client":"10.0.0.1","verb":"GET","size":17}`,
		},
		{rules.Parse{As: "regex", Pattern: `order=(?P<order>\d+)( user=(?P<user>\w+))?`}, "x order=17.", `{"order":"17"}`},
		{
			rules.Parse{As: "dissect", Pattern: "%{time} [%{level}] %{text}"},
			`t1 [INFO] say "x"`,
			`{"time":"t1","level":"INFO","text":"say \"x\""}`,
		},
		{rules.Parse{As: "grok", Pattern: "%{IP:client}"}, "none", ""},
	} {
		c.verb.Field = "f"
		for _, into := range []string{"o", "o.p"} {
			c.verb.Into = into
			want := fmt.Sprintf(marks, quoted(c.text))
			switch {
			case c.want != "" && into == "o":
				want = fmt.Sprintf(`{"f":%s,"o":%s}`, quoted(c.text), c.want)
			case c.want != "":
				want = fmt.Sprintf(`{"f":%s,"o":{"p":%s}}`, quoted(c.text), c.want)
			}
			got, err := run(t, []rules.Rule{{Verb: c.verb}}, `{"f":`+quoted(c.text)+`}`)
			if err != nil || got != want {
				t.Errorf("%s of %s\ngot  %s, %v\nwant %s", c.verb.As, c.text, got, err, want)
			}
		}
	}
}

func TestParseLeavesAloneWhatIsNoText(t *testing.T) {
	t.Parallel()
	for _, record := range []string{`{"a":1}`, `{"f":7}`, `{"f":null}`, `{"f":""}`, `{"f":{"x":1}}`} {
		got, err := run(t, []rules.Rule{{Verb: rules.Parse{Field: "f", As: "url", Into: "o"}}}, record)
		if err != nil || got != record {
			t.Errorf("%s becomes %s, %v", record, got, err)
		}
	}
}

func TestWhatAPatternFindsAreFields(t *testing.T) {
	t.Parallel()
	verb := rules.Parse{Field: "message", As: "grok", Pattern: "%{WORD:level}: %{GREEDYDATA:message}"}
	after := rules.Rule{Verb: rules.Set{Fields: []rules.Assignment{{"l", "{level}"}}}, When: `level == "warn"`}
	got, err := run(t, []rules.Rule{{Verb: verb}, after}, `{"message":"warn: disk \"full\""}`)
	if want := `{"message":"disk \"full\"","level":"warn","l":"warn"}`; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	schema := expr.Schema{"message": expr.Text}
	if _, err := rules.Compile(nil, []rules.Rule{{Verb: verb}, after}, schema, rules.Stages{}); err != nil {
		t.Error(err)
	}
}

func TestWrongParsesAreNamed(t *testing.T) {
	t.Parallel()
	for want, verb := range map[string]rules.Parse{
		`rule 1: parse: no record here has a field "g"`: {Field: "g", As: "url", Into: "o"},
		`rule 1: parse: grok needs a pattern`:           {Field: "f", As: "grok", Into: "o"},
		`rule 1: parse: only grok, dissect and regex have a pattern`: {
			Field: "f", As: "url", Into: "o", Pattern: "x",
		},
		`rule 1: parse: into is missing: the name of the object with what is found`: {Field: "f", As: "url"},
		`rule 1: parse: "penstock.x" is written by penstock: choose another name`: {
			Field: "f", As: "url", Into: "penstock.x",
		},
		`rule 1: parse: "yaml" is neither url, query, user_agent, grok, dissect, regex nor the name of a format`: {
			Field: "f", As: "yaml", Into: "o",
		},
		`rule 1: parse: "_id" begins with an underscore, as the engines' own fields do: choose another name`: {
			Field: "f", As: "grok", Pattern: "%{WORD:_id}",
		},
	} {
		_, err := rules.Compile(nil, []rules.Rule{{Verb: verb}}, expr.Schema{"f": expr.Text}, rules.Stages{})
		if err == nil || err.Error() != want {
			t.Errorf("%+v\ngot  %v\nwant %s", verb, err, want)
		}
	}
}

// What comes out is JSON with names that a mapper takes, whatever the text is.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"http://a:b@c:1/d.e?f#g", "a=%41&b", "curl/8.1", "10.0.0.1 x", "=&=", "?", "%", "://", "a.b=1&a=2",
	} {
		f.Add(text)
	}
	verbs := []rules.Parse{
		{As: "url"},
		{As: "query"},
		{As: "user_agent"},
		{As: "grok", Pattern: "%{NUMBER:n:float} ?%{GREEDYDATA:rest}"},
		{As: "dissect", Pattern: "%{a} %{b}"},
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, verb := range verbs {
			verb.Field, verb.Into = "f", "o"
			got, err := run(t, []rules.Rule{{Verb: verb}}, `{"f":`+quoted(text)+`}`)
			var fields struct {
				O map[string]any `json:"o"`
			}
			wrong := json.Unmarshal([]byte(got), &fields)
			if _, nameless := fields.O[""]; err != nil || wrong != nil || nameless {
				t.Errorf("%s of %q: %s, %v", verb.As, text, got, err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	const agent = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
	for name, verb := range map[string]rules.Parse{
		"url": {Field: "url", As: "url"}, "query": {Field: "url", As: "query"}, "user_agent": {Field: "ua", As: "user_agent"},
		"grok":    {Field: "line", As: "grok", Pattern: "^%{IP:client} %{WORD:verb} %{NUMBER:size:int}"},
		"regex":   {Field: "line", As: "regex", Pattern: `^(?P<client>\S+) (?P<verb>\w+)`},
		"dissect": {Field: "line", As: "dissect", Pattern: "%{client} %{verb} %{size}"},
	} {
		verb.Into = "o"
		b.Run(name, func(b *testing.B) {
			c, err := rules.Compile(nil, []rules.Rule{{Verb: verb}}, nil, rules.Stages{})
			if err != nil {
				b.Fatal(err)
			}
			e, err := c.Shaper(&plain{}).Entry(nil, penstock.Identity{}, "", "json")
			if err != nil {
				b.Fatal(err)
			}
			r := penstock.Record{}
			record := []byte(`{"url":"https://www.example.com:443/api/v1/users?page=2&size=10","ua":"` + agent +
				`","line":"10.0.0.1 GET 5120"}`)
			b.ReportAllocs()
			for b.Loop() {
				r.JSON = record
				if _, err := e.Shape(&r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
