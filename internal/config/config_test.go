package config_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/pipeline"
)

// mistakes returns what is wrong with a text, a line each.
func mistakes(t *testing.T, name, text string) []string {
	t.Helper()
	file, err := config.Parse(name, []byte(text))
	var found []config.Mistake
	if e, ok := errors.AsType[*config.MistakesError](err); ok {
		found = e.Mistakes
	} else if err != nil {
		t.Fatalf("%v is no list of mistakes", err)
	} else {
		found = file.Warnings
	}
	lines := make([]string, 0, len(found))
	for _, m := range found {
		lines = append(lines, config.Line(name, m))
	}
	return lines
}

// A hundred mistakes in a file, of every kind that a key can have, are reported at once, each at its place.
func TestAHundredMistakesAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	wrong := []struct{ line, say string }{
		{"wrokers%d: 3", `1: unknown key "wrokers%d"`},
		{"targets%d: {}", `1: unknown key "targets%d"`},
		{"p%d: !!int 3", `: "!!int" is a tag`},
		{"q%d: *nobody", `*nobody: no anchor &nobody`},
		{"r%d: {a: 1, <<: 2}", `<< is not read`},
		{"routes: [{name: a%d, match: {kye: x}}]", `unknown key "kye"; did you mean "key"?`},
		{"routes: [{name: a%d, match: {key: x}, format: abl}]", `no format is called "abl"; did you mean "alb"?`},
		{"workers: a%d", `"workers" stands here again`},
	}
	var b strings.Builder
	var want []string
	b.WriteString("workers: 1\nroutes: []\n")
	for i := range 100 {
		w := wrong[i%len(wrong)]
		b.WriteString(strings.ReplaceAll(w.line, "%d", fmt.Sprint(i)) + "\n")
		want = append(want, strings.ReplaceAll(w.say, "%d", fmt.Sprint(i)))
	}
	got := mistakes(t, "p.yaml", b.String())
	for i, w := range want {
		at := fmt.Sprintf("p.yaml:%d:", i+3)
		said := func(line string) bool { return strings.HasPrefix(line, at) && strings.Contains(line, w) }
		if strings.Contains(w, "kye") || strings.Contains(w, "abl") {
			w = `"routes" stands here again` // which hides what is in it
		}
		if !slices.ContainsFunc(got, said) {
			t.Errorf("nothing is said of line %d: %s", i+3, w)
		}
	}
	if len(got) < 100 {
		t.Errorf("%d mistakes, want 100 at least", len(got))
	}
}

func TestEachMistakeIsToldAtItsPlaceWithTheWayOut(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"wrokers: 3":            {`1:1: unknown key "wrokers"; did you mean "workers"?`},
		"batch-docs: 3":         {`1:1: unknown key "batch-docs"; did you mean "batch_docs"?`},
		"# x\nworkers: many":    {`2:10: workers: "many" is not a number from 1 on`},
		"workers: 0":            {`1:10: workers: "0" is not a number from 1 on`},
		"no_sign: NO":           {`1:10: no_sign: "NO" is neither true nor false`},
		"linger: 30":            {`1:9: linger: "30" is not a time such as 500ms, 10s or 1m30s`},
		"linger: 0s":            {`1:9: linger: "0s" is not a time such as 500ms, 10s or 1m30s`},
		"batch_bytes: 5 apples": {`1:14: batch_bytes: "5 apples" is not a size such as 1048576, 512KiB or 5MiB`},
		"binary: skipp":         {`1:9: binary is "skipp"; did you mean "skip"?`},
		"binary: never":         {`1:9: binary is "never", want letter or skip`},
		"format: abl":           {`1:9: format: no format is called "abl"; did you mean "alb"?`},
		"format: cobol":         {`1:9: format: no format is called "cobol"; penstock formats lists them`},
		"index: Foo":            {`1:8: index: index pattern "Foo": an index name has no upper-case letters`},
		"index: [a, b]":         {`1:8: index is a list, want one value`},
		"index:":                {`1:1: index has no value; leave the key out, or write one`},
		"x: 1\nindex: ~":        {`1:1: unknown key "x"`, `2:8: index has no value; leave the key out, or write one`},
		"workers: {n: 3}":       {`1:10: workers is an object, want one value`},
		"time_zone: Mars/Olympus": {`1:12: time_zone: read time zone: "Mars/Olympus" is no time zone: want a ` +
			`name such as Europe/Berlin or UTC, or an offset such as +02:00`},
		"encoding: klingon":      {`1:11: encoding: --encoding is "klingon": no encoding has this name`},
		"region: eu west":        {`1:9: region: "eu west" is no name of a region`},
		"role_arn: shipper":      {`1:11: role_arn: "shipper" is not the ARN of a role`},
		"drop: [a=b, level]":     {`1:13: drop: drop rule "level": want FIELD=PATTERN or FIELD!=PATTERN`},
		"workers: 1\nworkers: 2": {`2:1: "workers" stands here again; it is in line 1 already`},
		"version: 2":             {`1:10: version is "2", and this penstock reads version 1`},
		"target: prod":           {`1:9: no target is called "prod"; the file has no targets`},
		"targets: {a: {}}":       {`1:14: a lacks the key "domain"`},
		"targets: {'a b': {}}": {
			`1:11: "a b" is no name: letters, digits, dots, dashes and underscores`, `1:18: a b lacks the key "domain"`,
		},
		"targets: [a]":              {`1:10: targets is a list, want an object with a name for each`},
		"[1, 2]":                    {`1:1: the file is a list, want an object with keys`},
		"workers = 3":               {`1:1: the file is one value, want an object with keys`},
		"a: 1\n---\nb: 2":           {`1:1: unknown key "a"`, `3:1: a second document begins here; a file has one`},
		"profile: &p x\nregion: *p": nil,
		"place: [1":                 {`1:8: not YAML: sequence end token ']' not found`},
		"place: \"\\xff\"":          nil,
		"external_id: AKIAIOSFODNN7EXAMPLE": {
			`1:14: an AWS access key stands here; credentials come from the AWS chain, never from this file`,
		},
		"domain: https://ana:secret@x.example": {
			`1:9: a password in a URL stands here; credentials come from the AWS chain, never from this file`,
			`1:9: domain: domain https://ana:xxxxx@x.example carries credentials`,
		},
	} {
		var lines []string
		for _, line := range want {
			lines = append(lines, "p.yaml:"+line)
		}
		got := mistakes(t, "p.yaml", text)
		if diff := cmp.Diff(got, lines); len(got)+len(lines) > 0 && diff != "" {
			t.Errorf("%q (-got +want):\n%s", text, diff)
		}
	}
}

// What is wrong with routes is found before anything is read, each at its place.
func TestMistakesOfRoutes(t *testing.T) {
	t.Parallel()
	const file = `routes:
  - name: pictures
    match: { key: ['**/*.png', 's3://b/k'], bucket: Acme, formt: alb }
    skip: ' '
    index: x
  - name: pictures
    match: { file: [x.log, '/a', {regex: '('}], key: k }
  - { name: a b, match: { format: [albb, 'alb*', cobol], account: '12', region: EU } }
  - name: web
    match: { format: alb }
    format: alb
    index: 'web-{yyyy.MM.dd}'
    data_stream: 'a-{yyyy}'
    drop: [level=debug, level]
    original: perhaps
  - { name: again, match: { format: [alb] } }
  - { name: regex, match: { log_group: {regex: a, glob: b} } }
  - { name: nothing, match: { log_group: '' } }
  - { name: lists, match: { log_group: [] } }
  - { name: empty, match: {} }
  - { name: all }
  - { name: late, match: { key: a } }
  - { match: { key: b } }
  - word
`
	want := []string{
		"3:32: key: nothing ever matches: a key does not begin with s3://; bucket and key stand apart",
		"3:53: bucket: nothing ever matches: names of buckets have small letters, digits, dots and dashes",
		`3:59: unknown key "formt"; did you mean "format"?`,
		"4:11: skip: say why, in a word or two",
		"5:5: index means nothing beside skip: no record is read",
		`6:11: a second route is called "pictures"; the first is in line 2`,
		"7:20: nothing ever matches: a file is in no bucket and has no key",
		"7:21: file: nothing ever matches: paths are absolute; write **/x.log",
		"7:42: file: the regular expression is wrong: error parsing regexp: missing closing ): `(`",
		`8:13: "a b" is no name: letters, digits, dots, dashes and underscores`,
		`8:36: format: no format is called "albb"; did you mean "alb"?`,
		"8:50: format: nothing ever matches: no format is called so; penstock formats lists them",
		"8:67: account: nothing ever matches: an account has 12 digits",
		"8:81: region: nothing ever matches: names of regions have small letters, digits and dashes",
		"11:13: a route that asks for the format sets none",
		"13:18: data_stream: a data stream has no date in its name: the domain makes its indexes",
		"13:18: index and data_stream are both given; leave one of them out",
		`14:25: drop: drop rule "level": want FIELD=PATTERN or FIELD!=PATTERN`,
		`15:15: original: "perhaps" is neither true nor false`,
		"16:5: this route is never reached: the one in line 9 has the same match",
		`17:51: unknown key "glob"; known here are regex`,
		"18:42: log_group: the pattern is empty",
		"19:40: log_group is an empty list; leave the key out, or write a value",
		"20:27: match is empty; a route that takes everything has none",
		"22:5: this route is never reached: the one in line 21 takes everything",
		`23:5: a route lacks the key "name"`,
		"23:5: this route is never reached: the one in line 21 takes everything",
		"24:5: a route is one value, want an object with keys",
	}
	for i := range want {
		want[i] = "p.yaml:" + want[i]
	}
	if diff := cmp.Diff(mistakes(t, "p.yaml", file), want); diff != "" {
		t.Errorf("mistakes (-got +want):\n%s", diff)
	}
}

// What is most likely not meant is said, and the file is taken.
func TestDoubtsAreWarnings(t *testing.T) {
	t.Parallel()
	got := mistakes(t, "p.yaml", "routes: [{name: a, match: {key: ['/x/**', '*.png', '**/*.png', 'a/*.png']}}]")
	want := []string{
		"p.yaml:1:34: warning: key: a key seldom begins with a slash; x/** matches those without",
		"p.yaml:1:43: warning: key: this matches keys without a slash only; **/*.png matches the others too",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("warnings (-got +want):\n%s", diff)
	}
	if file, err := config.Parse("p.yaml", []byte("routes: [{name: a, match: {key: '*.png'}}]")); err != nil ||
		len(file.Warnings) != 1 || len(file.Routes) != 1 {
		t.Errorf("got %+v, error %v", file, err)
	}
}

// What goes another way than by an earlier file is said, each at its place.
func TestWhatGoesElsewhereIsSaid(t *testing.T) {
	t.Parallel()
	parse := func(text string) *config.File {
		file, err := config.Parse("p.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	const old = `index: rest
workers: 3
targets: {a: {domain: "https://a.example"}}
routes:
  - {name: one, match: {key: x}, index: one}
  - {name: two, match: {key: y}, index: two}
  - {name: three, match: {key: z}, format: alb}
  - {name: four, match: {key: w}, skip: why}
`
	const changed = `workers: 4
targets: {a: {domain: "https://b.example"}}
routes:
  - {name: two, match: {key: [y]}, index: second}
  - {name: one, match: {key: [x, v]}, index: one}
  - {name: five, match: {key: u}, index: five}
  - {name: three, match: {key: z}}
`
	for _, tt := range []struct {
		text string
		want []string
	}{
		{old, nil},
		{strings.Replace(old, "workers: 3", "workers: 9\ngzip: true", 1), nil},
		{changed, []string{
			`1:1: warning: index was "rest" and is "logs-{format}-{yyyy.MM.dd}"`,
			`1:1: warning: route "four" is gone: what went nowhere (skip: why) goes by other routes, or ` +
				`to "logs-{format}-{yyyy.MM.dd}"`,
			`2:23: warning: target "a" was https://a.example and is https://b.example`,
			`4:5: warning: route "two": what went to "two" goes to "second"`,
			`5:5: warning: route "one" stands behind "two", which came after it: what both take goes another way`,
			`5:5: warning: route "one" takes other entries than before`,
			`6:5: warning: route "five" is new: what it takes goes to "five"`,
			`7:5: warning: route "three": what went to "rest" goes to "logs-{format}-{yyyy.MM.dd}"`,
			`7:5: warning: route "three": it is read as what it is recognised as instead of alb; other records have other ids`,
		}},
	} {
		var got []string
		for _, m := range parse(tt.text).Against(parse(old)) {
			got = append(got, strings.TrimPrefix(config.Line("p.yaml", m), "p.yaml:"))
		}
		if diff := cmp.Diff(got, tt.want); diff != "" {
			t.Errorf("%.20s (-got +want):\n%s", tt.text, diff)
		}
	}
}

func TestAgainstTellsOfRules(t *testing.T) {
	t.Parallel()
	parse := func(text string) *config.File {
		file, err := config.Parse("p.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	const head = "keys: {k: 'env:A'}\n"
	const old = head + `always:
  - redact: {fields: [user], with: mask}
  - set: {a: b}
  - {drop: debug, when: 'level == "debug"'}
routes:
  - name: web
    rules:
      - {name: late, set: {late: 'yes'}}
      - {name: out, drop: x, when: 'n == 1'}
      - {name: trial, drop: y, when: 'n == 2', shadow: true}
`
	for _, tt := range []struct {
		text string
		want []string
	}{
		{old, nil},
		{strings.Replace(old, "set: {a: b}", "set: {a: b}\n    name: called", 1), nil},
		{strings.Replace(old, "env:A", "env:B", 1), []string{
			`1:1: warning: key "k" is from elsewhere: hashes by another key do not join with those before`,
		}},
		{head + `always:
  - {drop: noise, when: 'level == "trace"'}
  - set: {a: b}
  - {drop: debug, when: 'level == "info"'}
routes:
  - name: web
    rules:
      - {name: out, keep: x, when: 'n == 1'}
      - {name: late, set: {late: 'yes'}}
      - {name: trial, drop: y, when: 'n == 2'}
      - index: 'x-{yyyy}'
      - split: {field: items}
`, []string{
			`1:1: warning: for all records: rule "redact-1" is gone, by which records are redacted`,
			`3:5: warning: for all records: rule "noise" is new: records for which level == "trace" are left out`,
			`5:5: warning: for all records: rule "debug" is changed: records for which level == "info" are left out`,
			`9:9: warning: route "web": rule "out" was a drop and is a keep: records for which n == 1 are not left out by ` +
				`rules behind it`,
			`10:9: warning: route "web": rule "late" stood before "out": it does its work on what that has left`,
			`11:9: warning: route "web": rule "trial" is not in the shadow any more: records for which n == 2 are ` +
				`left out`,
			`12:9: warning: route "web": rule "index-4" is new: records go to "x-{yyyy}", where what was shipped before is ` +
				`there a second time when it is shipped again`,
			`13:9: warning: route "web": rule "split-5" is new: records become one for each element of "items", under other ids`,
		}},
	} {
		var got []string
		for _, m := range parse(tt.text).Against(parse(old)) {
			got = append(got, strings.TrimPrefix(config.Line("p.yaml", m), "p.yaml:"))
		}
		if diff := cmp.Diff(got, tt.want); diff != "" {
			t.Errorf("(-got +want):\n%s", diff)
		}
	}
}

func TestFlagsWinOverRoutes(t *testing.T) {
	t.Parallel()
	file, err := config.Parse("p.yaml", []byte("always: [{index: z}, {data_stream: z}]\nroutes:\n"+
		"  - {name: a, index: x, format: text, original: true, rules: [{index: z}, {remove: b}]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var read pipeline.Read
	file.Into(&read, func(flag string) bool { return flag == "index" || flag == "original" })
	if r := read.Routes[0]; r.Index != "" || len(r.Rules) != 1 || len(read.Always) != 0 || r.Format != "text" ||
		r.Original != nil || file.Routes[0].Index != "x" {
		t.Errorf("got %+v", r)
	}
}

// What the parser would go too deep for is refused, and what would grow without bound.
func TestHostileFilesAreRefused(t *testing.T) {
	t.Parallel()
	lines := func(format string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format+"\n", i)
		}
		return b.String()
	}
	laughs := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		ten := strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10)
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(ten, ", "))
	}
	for name, tt := range map[string]struct{ text, want string }{
		"brackets":  {strings.Repeat("[", 500_000), "brackets inside one another"},
		"braces":    {"a: " + strings.Repeat("{a: ", 200_000), "brackets inside one another"},
		"lists":     {strings.Repeat("- ", 400_000) + "x", "lists inside one another"},
		"keys":      {strings.Repeat("? ", 400_000) + "x", "written with ?"},
		"tags":      {"a: " + strings.Repeat("!x ", 300_000) + "x", "more than 100 tags"},
		"anchors":   {lines("a%d: &a%[1]d x", 101), "more than 100 anchors"},
		"aliases":   {"a: &a x\n" + lines("b%d: *a", 101), "more than 100 aliases"},
		"laughs":    {laughs, "more than 200000 values"},
		"itself":    {"a: &a [*a]", "no anchor &a stands before it"},
		"long":      {"# " + strings.Repeat("x", config.MaxBytes), "more than 1048576 bytes"},
		"deep.json": {strings.Repeat("[", 9_000), "too many values inside one another"},
		"latin":     {"a: ä\nindex: caf\xe9\n", "2:11: this is no UTF-8"},
		"wide":      {"\xff\xfei\x00n\x00d\x00e\x00x\x00:\x00", "1:1: this is no UTF-8"},
	} {
		got := strings.Join(mistakes(t, name, tt.text), "\n")
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %.300q, want it to say %q", name, got, tt.want)
		}
	}
}

// A value has the type of its key, however YAML would read it.
func TestValuesHaveTheTypeOfTheirKey(t *testing.T) {
	t.Parallel()
	text := `
external_id: 012345678901
place: NO
s3_profile: 12:30
profile: 1_000
bucket: 0x1F
workers: "007"
no_sign: True
time_field: 2026-11-28
collection: 1e3
drop:
  - a=1
  - b=2
logs_nest_under: |
  two
  lines
targets:
  prod: {domain: "https://x.example", external_id: 0042}
`
	file, err := config.Parse("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"external_id": "012345678901", "place": "NO", "s3_profile": "12:30", "profile": "1_000", "bucket": "0x1F",
		"workers": "007", "no_sign": "True", "time_field": "2026-11-28", "collection": "1e3", "drop": "a=1\nb=2",
		"logs_nest_under": "two\nlines\n",
	} {
		if got := file.Values[key]; got.Text != want {
			t.Errorf("%s is %q, want %q", key, got.Text, want)
		}
	}
	if got := file.Values["s3_profile"].From; got != "p.yaml:4:13" {
		t.Errorf("s3_profile is from %s", got)
	}
	said, err := file.Settings("prod")
	if err != nil || said.Target["external_id"].Text != "0042" {
		t.Errorf("target prod: %v, error %v", said.Target, err)
	}
}

// JSON has its own rules for strings, and the same mistakes.
func TestJSONIsReadAsJSON(t *testing.T) {
	t.Parallel()
	const rest = ",\n\t\"workers\": 3, \"gzip\": true, \"$schema\": \"s\"}"
	file, err := config.Parse("p.json", []byte("{\n\t\"index\": \"x-\\u0061\\/\""+rest))
	if err == nil || !strings.Contains(err.Error(), "p.json:2:11: ") {
		t.Errorf("got %v %v, want the mistake at its place", file, err)
	}
	file, err = config.Parse("config", []byte("{\n\t\"place\": \"\\ud83d\\ude00\\/\""+rest))
	if err != nil || file.Values["place"].Text != "😀/" || file.Values["workers"].From != "config:3:13" {
		t.Errorf("got %+v, error %v", file, err)
	}
	for text, want := range map[string]string{
		`{"a": `:                    "p.json:1:7: not JSON: it ends too early",
		`{"workers": 1} x`:          "p.json:1:16: not JSON: invalid character 'x' looking for beginning of value",
		`{"workers": 1}{}`:          "p.json:1:15: not JSON: something follows its end",
		"{\n \"workers\" 1}":        "p.json:2:12: not JSON: invalid character '1' after object key",
		`{"workers":1,"workers":2}`: `p.json:1:14: "workers" stands here again; it is in line 1 already`,
		`null`:                      "p.json:1:1: the file is no value, want an object with keys",
	} {
		if got := mistakes(t, "p.json", text); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestAFileThatWasFoundDoesNotSayWhereRecordsGo(t *testing.T) {
	t.Parallel()
	file, err := config.Parse("p.yaml", []byte("domain: https://x.example\nindex: a\ndead_letters: d\nprofile: p\n"+
		"endpoint_url: http://x\nrole_arn: arn:x\ntargets: {a: {domain: https://y.example}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	here, left := file.WithoutReach()
	want := []string{"dead_letters", "domain", "endpoint_url", "profile", "role_arn", "targets"}
	if !slices.Equal(left, want) || len(here.Values) != 1 || here.Targets != nil || len(file.Values) != 6 {
		t.Errorf("left out %v, want %v; what stays is %v", left, want, here.Values)
	}
}

// Who may write a parameter or an object does not choose by whose rights records are sent.
func TestAFileFromElsewhereNamesOnlyWhatTheEnvironmentLists(t *testing.T) {
	t.Parallel()
	file, err := config.Parse("ssm:/x", []byte("domain: https://x.example\nrole_arn: arn:x\nindex: a\n"+
		"targets: {a: {domain: https://y.example, profile: p}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	count := func() int {
		e, _ := errors.AsType[*config.MistakesError](file.Confine(lookup))
		if e == nil {
			return 0
		}
		return len(e.Mistakes)
	}
	if n := count(); n != 4 {
		t.Errorf("%d mistakes, want 4: %v", n, file.Confine(lookup))
	}
	env["PENSTOCK_DOMAIN"] = "https://x.example"
	if n := count(); n != 3 {
		t.Errorf("%d mistakes with the domain in its variable, want 3", n)
	}
	env["PENSTOCK_CONFIG_MAY_NAME"] = "arn:x, https://y.example p"
	if n := count(); n != 0 {
		t.Errorf("%d mistakes with everything listed", n)
	}
}

// Whatever a file holds, it is read or refused with places.
func FuzzParse(f *testing.F) {
	f.Add("workers: 3\ntargets:\n  a: {domain: https://x}\n")
	f.Add(`{"workers": 3, "drop": ["a=b"]}`)
	f.Add("a: &x [1, *x]\n? b\n: - c\n--- \n!!str d: |\n  e\n")
	f.Add("\"\\ud83d\": '''\n%YAML 1.2\n<<: *a")
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"a.yaml", "a.json"} {
			_, err := config.Parse(name, []byte(text))
			if err == nil {
				continue
			}
			e, ok := errors.AsType[*config.MistakesError](err)
			if !ok || len(e.Mistakes) == 0 {
				t.Fatalf("%v is no list of mistakes", err)
			}
			for _, m := range e.Mistakes {
				if m.Line < 1 || m.Column < 1 || m.Text == "" {
					t.Errorf("a mistake without a place: %+v", m)
				}
			}
		}
	})
}

// What is wrong with rules is found before anything is read: words, fields, types, order.
func TestMistakesInRulesAreToldAtTheirPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"always: [{}]": {`1:10: a rule has no verb: one of ` +
			`drop, keep, sample, set, compute, rename, remove, convert, lean, parse, split, lookup, redact, index, ` +
			`data_stream, pipeline, routing`},
		"always: [{dorp: x}]":              {`1:11: unknown key "dorp"; did you mean "drop"?`},
		"always: [{drop: x, set: {a: b}}]": {`1:20: a rule has a second verb, set beside drop; each is a rule of its own`},
		"always: [{drop: ' '}]":            {`1:17: drop: say why, in a word or two`},
		"always: [{drop: x}, {set: {a: b}}]": {
			`1:21: this rule is never reached: the one in line 1 leaves everything out`,
		},
		"always: [{keep: x}, {sample: 1%}]": {
			`1:21: this rule leaves nothing out: the one in line 1 keeps everything`,
		},
		"always: [{drop: x, shadow: true}, {set: {a: b}}]": nil,
		"always: [{set: {a: b}, name: n}, {remove: c, name: n}]": {
			`1:52: a second rule is called "n"; the first is in line 1`,
		},
		"always: [{sample: 200%}]": {`1:19: sample: "200%" is no part such as 10% or 0.5%`},
		"always: [{set: {penstock.x: b}}]": {
			`1:29: penstock.x: "penstock.x" is written by penstock: choose another name`,
		},
		"always: [{set: {a: '{b'}}]": {
			`1:20: a: braces do not match up; a brace itself is written twice`,
		},
		"always: [{convert: {a: int}}]": {`1:24: a is "int", want integer or decimal or boolean or text`},
		"always: [{lean: dashes}]":      {`1:17: lean is "dashes"; did you mean "dash"?`},
		"always: [{remove: []}]":        {`1:19: remove is an empty list; leave the key out, or write a value`},
		"always: [{index: Foo}]": {
			`1:18: index: index pattern "Foo": an index name has no upper-case letters`,
		},
		"routes: [{name: a, format: alb, rules: [{remove: user_agnet}]}]": {
			`1:50: remove: no record of the format alb has a field "user_agnet"; did you mean "user_agent"?`,
		},
		"routes: [{name: a, format: alb, rules: [{drop: x, when: 'user_agnet == \"x\"'}]}]": {
			`1:57: when: at character 1: no record has a field "user_agnet": did you mean "user_agent"?`,
		},
		"routes: [{name: a, format: alb, rules: [{drop: x, when: 'elb_status_code == \"x\"'}]}]": {
			`1:57: when: at character 20: elb_status_code is a number, and "x" is text`,
		},
		"routes: [{name: a, format: alb, rules: [{set: {b: c}}, {remove: b}, {drop: x, when: b == 'c'}]}]": nil,
		"routes: [{name: a, match: {format: cloudtrail}, rules: [{remove: what.ever}]}]":                   nil,
		"price_per_gb: 0": {`1:15: price_per_gb: "0" is not a price such as 0.24`},
	} {
		text = strings.ReplaceAll(text, `\"`, `"`)
		var lines []string
		for _, line := range want {
			lines = append(lines, "p.yaml:"+line)
		}
		got := mistakes(t, "p.yaml", text)
		if diff := cmp.Diff(got, lines); len(got)+len(lines) > 0 && diff != "" {
			t.Errorf("%q (-got +want):\n%s", text, diff)
		}
	}
}
