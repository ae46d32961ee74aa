package config_test

import (
	"fmt"
	"strings"
	"testing"
)

// wrongRules are mistakes in one rule each.
var wrongRules = []struct{ line, say string }{
	{"{ dorp: x }", `unknown key "dorp"`},
	{"{ drop: x, set: { a: b } }", "a second verb"},
	{"{ when: 'a == 1' }", "has no verb"},
	{"{ drop: '' }", "drop"},
	{"{ drop: x, when: 'a ==' }", "when: at character"},
	{"{ drop: x, when: 'a == 1 && (b' }", "when: at character"},
	{"{ drop: x, when: 'lenn(a) > 1' }", "when: at character"},
	{"{ drop: x, when: 'now() > 1' }", "when: at character"},
	{"{ drop: x, when: '1 + 2' }", "when: at character"},
	{"{ drop: x, when: 'a matches \"(\"' }", "when: at character"},
	{"{ drop: x, name: '' }", "name"},
	{"{ set: { a: b }, on_error: stop }", "on_error"},
	{"{ set: { a: b }, shadow: perhaps }", "shadow"},
	{"{ sample: 0% }", "sample"},
	{"{ sample: 110% }", "sample"},
	{"{ sample: some }", "sample"},
	{"{ set: {} }", "set is empty"},
	{"{ set: { a: '{b' } }", "a: braces do not match up"},
	{"{ set: { a: '{}' } }", "is no name of a field"},
	{"{ set: { penstock.x: b } }", "is written by penstock"},
	{"{ set: { _id: b } }", "begins with an underscore"},
	{"{ set: { aws.s3.key: b } }", "says where the document is from"},
	{"{ compute: { a: 'b +' } }", "a: at character"},
	{"{ rename: { a: '' } }", "a: a field has no name"},
	{"{ rename: { a..b: c } }", "a part between its dots is empty"},
	{"{ remove: [] }", "remove"},
	{"{ convert: { a: numbr } }", "numbr"},
	{"{ lean: [nul] }", "lean"},
	{"{ parse: { field: a } }", `lacks the key "as"`},
	{"{ parse: { field: a, as: jsno, into: b } }", `did you mean "json"`},
	{"{ parse: { field: a, as: grok, pattern: '%{NOPE:x}' } }", "no pattern is called NOPE"},
	{"{ parse: { field: a, as: regex, pattern: '(' } }", "pattern"},
	{"{ split: { fild: a } }", `unknown key "fild"`},
	{"{ split: { field: a, into: _b } }", "begins with an underscore"},
	{"{ lookup: { table: hots, field: ip, into: h } }", `did you mean "hosts"`},
	{"{ lookup: { table: hosts, field: ip } }", `lacks the key "into"`},
	{"{ redact: { with: mask } }", "neither fields nor detect"},
	{"{ redact: { fields: [a], detect: [card], with: mask } }", "two rules"},
	{"{ redact: { detect: [crad], with: mask } }", `did you mean "card"`},
	{"{ redact: { fields: [a], with: hide } }", "with"},
	{"{ redact: { fields: [a], with: hash } }", "a hash needs a key"},
	{"{ redact: { fields: [a], with: hash, key: jions } }", `did you mean "joins"`},
	{"{ redact: { fields: [a], with: mask, key: joins } }", "a key is for a hash alone"},
	{"{ index: Upper }", "upper-case"},
	{"{ index: 'x-{' }", "index"},
	{"{ pipeline: '{a' }", "braces do not match up"},
	{"{ routing: '{a' }", "braces do not match up"},
}

// wrongRoutes are mistakes in the keys of a route, behind its name.
var wrongRoutes = []struct{ line, say string }{
	{"retention: 30", "retention"},
	{"index: a-, retention: forever", "retention"},
	{"index: 'l-{yyyy}', retention: -3d", "retention"},
	{"tests: [{ name: a, lin: x, index: x }]", `unknown key "lin"`},
	{"tests: [{ name: a, index: x }]", "has no sample"},
	{"tests: [{ name: a, line: x, file: y, index: x }]", "both given"},
	{"tests: [{ name: a, line: x }]", "expects nothing"},
	{"tests: [{ line: x, index: x }]", `lacks the key "name"`},
	{"tests: [{ name: a, line: x, as: x, index: x }]", "neither s3://bucket/key nor an absolute path"},
	{"tests: [{ name: a, line: x, dead_lettered: rul }]", `did you mean "rule"`},
	{"tests: [{ name: a, line: x, documents: x }]", "documents"},
	{"tests: x", "tests"},
	{"action: updat", "action"},
	{"fields: esc", `did you mean "ecs"`},
	{"encoding: klingon", "no encoding has this name"},
	{"target: prod", "no target is called"},
}

// wrongFormats are mistakes in the keys of a format, behind its name.
var wrongFormats = []struct{ line, say string }{
	{"dissect: 'a %{b}%{c}'", "nothing stands between"},
	{"dissect: 'a %{b}', types: { b: intger }", `did you mean "integer"`},
	{"dissect: 'a %{b}', types: { c: integer }", `has no field "c"`},
	{"dissect: 'a %{b}', time: { field: b, layout: '%Q' }", "%Q is not one of those"},
	{"dissect: 'a %{b}', time: { layout: '%F' }", `lacks the key "field"`},
	{"dissect: 'a %{b}', time: { field: b, layout: '%F', zone: Mars/Base }", "zone"},
	{"dissect: 'a %{b}', grok: '%{INT:a}'", "one of dissect, regex, grok"},
	{"regex: '('", "regex"},
	{"regex: '(?<b>.+)'", "fits every line"},
	{"grok: 'a %{NOPE:a}'", "NOPE"},
	{"dissect: 'a %{b}', samples: [{ line: a, fields: { c: 1 } }]", `has no field "c"`},
	{"dissect: 'a %{b}', samples: [{ line: a, time: today }]", "it is no time such"},
	{"dissect: 'a %{b}', multline: x", "unknown key"},
	{"delimiter: 'ab'", "delimiter"},
}

// A hundred mistakes over the keys of rules, redaction, tests, formats, keys, tables and retention are reported at
// once, each at its line.
func TestAHundredMistakesInRoutesAndRules(t *testing.T) {
	t.Parallel()
	var lines, want []string
	add := func(say, format string, args ...any) {
		lines, want = append(lines, fmt.Sprintf(format, args...)), append(want, say)
	}
	add("", "tables:")
	add("", "  hosts: { csv: hosts_test.csv, key: ip }")
	add("no such file", "  hosts2: { csv: gone.csv, key: ip }")
	add("csv or mmdb", "  both: { csv: a, mmdb: b }")
	add(`unknown key "cvs"`, "  c: { cvs: a }")
	add("names no bucket", "  d: { mmdb: 's3://' }")
	add("", "keys:")
	add("", "  joins: env:JOINS")
	add("a key is a reference", "  plain: secret")
	add("ssm", "  far: 'ssm:'")
	add("", "formats:")
	for i, w := range wrongFormats {
		add(w.say, "  - { name: f%d, %s }", i, w.line)
	}
	add("", "always:")
	for _, w := range wrongRules {
		add(w.say, "  - %s", w.line)
	}
	add("", "routes:")
	for i, w := range wrongRoutes {
		add(w.say, "  - { name: r%d, match: { key: 'k%d/*' }, %s }", i, i, w.line)
	}
	add("", "  - name: last")
	add("", "    match: { key: '*' }")
	add("", "    rules:")
	for _, w := range wrongRules {
		add(w.say, "      - %s", w.line)
	}
	text := strings.Join(lines, "\n") + "\n"
	got := mistakes(t, "p.yaml", text)
	byLine := map[string]string{}
	for _, line := range got {
		at := strings.SplitN(line, ":", 3)
		byLine[at[1]] += line + "\n"
	}
	n := 0
	for i, say := range want {
		if say == "" {
			continue
		}
		n++
		if said := byLine[fmt.Sprint(i+1)]; !strings.Contains(said, say) {
			t.Errorf("line %d, %s: want %q, got %q", i+1, lines[i], say, said)
		}
	}
	if n < 100 {
		t.Errorf("%d lines are wrong, want 100 at least", n)
	}
}
