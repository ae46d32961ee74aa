package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/config"
)

// Each mistake in a format of the user's own is told at its place.
func TestMistakesInFormats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"formats: [{name: alb, dissect: 'a %{b}'}]", `1:18: name: "alb" is a format that penstock knows`},
		{
			"formats:\n- name: x\n  dissect: 'a %{b}%{c}'\n",
			`3:12: dissect: nothing stands between %{b} and the field behind it`,
		},
		{
			"formats:\n- name: x\n  dissect: 'a %{b}'\n  types: {b: integer, c.d: ip}",
			`4:28: types.c.d: the format has no field "c.d"; it has b`,
		},
		{
			"formats:\n- name: x\n  dissect: 'a %{b}'\n  types: {b: intger}",
			`4:14: b is "intger"; did you mean "integer"?`,
		},
		{
			"formats:\n- name: x\n  dissect: 'a %{b}'\n  time: {field: b, layout: '%Q'}",
			`4:28: time.layout: %Q is not one of those`,
		},
		{"formats:\n- name: x\n  dissect: 'a %{b}'\n  time: {layout: '%F %T'}", `4:9: time lacks the key "field"`},
		{"formats:\n- name: x\n  dissect: 'a %{b}'\n  grok: '%{INT:a}'", `2:3: one of dissect, regex, grok`},
		{"formats:\n- name: x\n  dissect: '%{b}'", `3:12: dissect: the pattern fits the empty line`},
		{"formats:\n- name: x\n  regex: '(?<b>.+)'", `3:10: regex: the pattern fits every line`},
		{"formats:\n- name: x\n  dissect: '%{b} %{c}'", `3:12: warning: dissect: the pattern fits lines of other`},
		{
			"formats:\n- {name: x, dissect: 'a %{b}'}\n- {name: x, dissect: 'c %{b}'}",
			`3:10: a second format is called "x"; the first is in line 2`,
		},
		{
			"formats:\n- name: x\n  dissect: 'a %{b}'\n  samples: [{line: a, fields: {c: 1}}]",
			`4:32: the format has no field "c"; it has b`,
		},
		{
			"formats:\n- name: x\n  dissect: 'a %{b}'\n  samples: [{line: a, time: today}]",
			`4:29: time: it is no time such`,
		},
		{
			"formats:\n- name: x\n  dissect: 'a %{b}'\n  samples: [{line: a, unparsed: true, fields: {b: 1}}]",
			`4:47: fields means nothing beside unparsed`,
		},
		{"formats:\n- name: x\n  json: {names: a, names: b}", `3:20: "names" stands here again`},
		{
			"format: xy\nformats: [{name: xyz, dissect: 'a %{b}'}]",
			`1:9: format: no format is called "xy"; did you mean "xyz"?`,
		},
		{
			"time_zone: y=UTC\nformats: [{name: x, dissect: 'a %{b}'}]",
			`1:12: time_zone: read time zone: no format is called "y"`,
		},
		{
			"format: x\ntime_zone: x=UTC\nroutes: [{name: r, match: {format: x}}]\nformats: [{name: x, dissect: 'a %{b}'}]",
			"",
		},
	} {
		got := mistakes(t, "p.yaml", tt.text)
		one := len(got) == 1 && strings.HasPrefix(got[0], "p.yaml:"+tt.want)
		if tt.want == "" && len(got) > 0 || tt.want != "" && !one {
			t.Errorf("%q:\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
}

// Rules know the fields of a format that the file defines, wherever it stands in the file.
func TestRulesKnowTheFieldsOfFormats(t *testing.T) {
	t.Parallel()
	const text = `routes:
  - name: r
    format: billing
    rules: [{ drop: small, when: 'FIELD < 3' }]
formats: [{ name: billing, dissect: 'order=%{order} %{to}', types: { order: integer } }]
`
	for field, want := range map[string]string{
		"order": "", "ordre": `4:34: when: at character 1: no record has a field "ordre": did you mean "order"?`,
		"to": "4:34: when: at character ",
	} {
		got := mistakes(t, "p.yaml", strings.Replace(text, "FIELD", field, 1))
		if want == "" && len(got) > 0 || want != "" && !strings.HasPrefix(strings.Join(got, ""), "p.yaml:"+want) {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
}

// What a file says of formats arrives as it was written.
func TestFormatsOfAFile(t *testing.T) {
	t.Parallel()
	file, err := config.Parse("p.yaml", []byte(`formats:
  - name: billing
    about: what is paid
    dissect: '%{day} %{clock} order=%{order} to=%{to.name}'
    types: { order: integer, to.name: text }
    time: { field: [day, clock], layout: '%F %T', zone: Europe/Berlin }
    samples:
      - line: '2026-11-24 10:00:00 order=017 to=NO'
        fields: { order: 17, to.name: NO }
        time: 2026-11-24T09:00:00Z
      - { line: "x\ny", unparsed: true }
  - name: orders
    json: { names: id, where: { kind: order }, envelope: all, opaque: [extra] }
    samples: [{ line: '{}', fields: { a: [1, ~, { b: x }] } }]
  - { name: visits, delimiter: '|', quote: '"', columns: [a, '', c17] }
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Warnings) > 0 || len(file.Formats) != 3 {
		t.Fatal(file.Warnings, len(file.Formats))
	}
	billing, orders, visits := file.Formats[0], file.Formats[1], file.Formats[2]
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	if diff := cmp.Diff([]config.Sample{
		{
			Line: 8, Text: "2026-11-24 10:00:00 order=017 to=NO", Time: at,
			Fields: map[string]any{"order": "17", "to.name": "NO"},
		},
		{Line: 11, Text: "x\ny", Unparsed: true},
	}, billing.Samples); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"day", "clock"}, billing.Time.Fields); diff != "" || billing.Time.Layout != "%F %T" {
		t.Error(billing.Definition)
	}
	nested := map[string]any{"a": []any{"1", nil, map[string]any{"b": "x"}}}
	if diff := cmp.Diff(nested, orders.Samples[0].Fields); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a", "", "c17"}, visits.Columns); diff != "" || visits.Quote != `"` {
		t.Error(visits.Definition)
	}
}

// A format that is new, changed or gone takes other entries, or makes other records of them.
func TestAgainstTellsOfFormats(t *testing.T) {
	t.Parallel()
	parse := func(text string) *config.File {
		file, err := config.Parse("p.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	old := parse("formats: [{name: a, dissect: 'a %{x}'}, {name: b, dissect: 'b %{x}'}, {name: c, dissect: 'c %{x}'}]")
	is := parse("formats:\n- {name: a, dissect: 'a %{x}'}\n- {name: b, dissect: 'b: %{x}'}\n" +
		"- {name: d, dissect: 'd %{x}'}")
	var got []string
	for _, m := range is.Against(old) {
		got = append(got, config.Line("p.yaml", m))
	}
	want := []string{
		`p.yaml:1:1: warning: format "c" is gone: what it took is recognised as something else`,
		`p.yaml:3:1: warning: format "b" is defined otherwise than before; records that begin at other places have other ids`,
		`p.yaml:4:1: warning: format "d" is new: what it takes goes where its name is in the index, or by routes for it`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
