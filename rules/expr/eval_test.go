package expr_test

import (
	"testing"

	"github.com/seed56735111/penstock/rules/expr"
)

// record is one of an unknown format, with every kind of value.
const record = `{"status": 503, "took": 1.25, "ok": true, "off": false, "none": null, "level": "debug",` +
	` "path": "/api/v1/users", "code": "404", "yes": "true", "esc": "a\"b\\c\u00e9\n", "neg": -7,` +
	` "big": 9007199254740993,` +
	` "tags": ["a", "b\"c", 3, null, true], "user": {"name": "Ada", "id": 7, "x.y": {"z": 1}},` +
	` "user-agent": "curl/8.1",` +
	` "dotted.name": "d", "empty": "", "list0": [], "exp": 1.5e3, "at": "2026-11-28T12:00:00Z", "name": "Élan",` +
	` "items": [{"id": 1}, {"id": 2}], "zero": 0}`

func TestConditions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		// A comparison with what is absent, or null, is false.
		"x > 1": false, "x == 1": false, "x != 1": false, `x == "a"`: false, `x != "a"`: false, "x < y": false,
		"x == y": false,
		"x != y": false, "none == 1": false, "none != 1": false, "1 < x": false, "1 != x": false,
		"x in [1, 2]":     false,
		"x not in [1, 2]": false, `x contains "a"`: false, `x not contains "a"`: false, `x matches "a"`: false,
		`x not matches "a"`: false, `"a" in x`: false, `"a" not in x`: false, "x + 1 > 0": false, "x + 1 != 0": false,
		"lower(x) != 'a'": false, "len(x) >= 0": false, "x": false, "not x": true, "!(x == 1)": true,
		"not (x in [1])": true,
		"x == true":      false, "x != true": false, "user.x == 1": false, "user.x.y.q == 1": false,
		"status.x == 1": false,
		"tags[9] == 1":  false, "tags[9] != 1": false, "x[0] != 1": false, "x == 1 or status == 503": true,
		"x == 1 and status == 503": false, "-x != 1": false, `x startsWith ""`: false, `"" startsWith x`: false,
		"(x ?? 5) == 5": true, "(none ?? 5) == 5": true, "(status ?? 5) == 503": true,
		"(x ? 1 : 2) == 2": true, "status in [x, 503]": true, "status not in [x]": true, "min(x, 1) <= 1": false,
		// has asks for presence.
		"has(x)": false, "has(none)": false, "has(status)": true, "has(user.name)": true, "has(user.nick)": false,
		"has(empty)": true, "has(list0)": true, "has(tags[0])": true, "has(tags[3])": false,
		"has(field('user-agent'))": true,
		// Of unknown type, a field is read as what it is compared with.
		"status == 503": true, `status == "503"`: true, "code == 404": true, `code == "404"`: true,
		`code != "405"`: true,
		"code >= 400":   true, `status startsWith "5"`: true, "level == 1": false, "level != 1": true,
		"level > 1":  false,
		"ok == true": true, `ok == "true"`: true, "yes == true": true, "yes": true, "level == true": false,
		"level != true": true,
		"user == 1":     false, "user != 1": true, `tags == "a"`: false, `tags != "a"`: true, "tags > 1": false,
		"status == code": false, "status != code": true, "ok == yes": false, "user == user": true,
		"at > \"2026\"": true,
		// Numbers.
		"status >= 500 && status < 600": true, "500 <= status < 600": true, "500 <= status < 503": false,
		"took > 1":     true,
		"took == 1.25": true, "neg == -7": true, "neg < 0": true, "-neg == 7": true, "big == 9007199254740993": true,
		"big == 9007199254740992": false, "exp == 1500": true, "status % 10 == 3": true, "status / 2 == 251.5": true,
		"status + neg * 2 == 489": true, "2 ** 3 ** 2 == 512": true, "-2 ** 2 == -4": true, "(1 + 2) * 3 == 9": true,
		"1 / 0 > 5": false, "0 / 0 == 0": false, "0 / 0 != 0": false, "1 % 0 == 0": false, "7.5 % 2 == 1.5": true,
		"0x1F == 31": true, "1_000 == 1000": true, ".5 == 0.5": true, "1e3 == 1000": true, "0b11 == 3": true,
		"0o17 == 15":                  true,
		"9223372036854775807 + 1 > 0": true, "-9223372036854775807 - 2 < 0": true, "zero == -zero": true,
		"zero == 0.0":                 true,
		"9223372036854775807 * 2 > 0": true, "int('12') == 12": true, "int(took) == 1": true,
		"float(code) == 404": true,
		"int('x') == 0":      false, "int('1.9') == 1": true, "abs(neg) == 7": true, "round(took) == 1": true,
		"ceil(took) == 2": true, "floor(-1.5) == -2": true,
		"min(3, 1, 2) == 1": true, "max(took, 1) == 1.25": true, "took * 4 == 5": true,
		// Texts.
		`level == "debug"`: true, `level == 'debug'`: true, "level == `debug`": true, `level < "e"`: true,
		`level >= "debug"`:    true,
		`esc == "a\"b\\cé\n"`: true, `esc != "a\"b\\cé\n"`: false, `esc contains "\\c"`: true,
		`esc endsWith "é\n"`: true,
		`esc matches "^a.b"`: true, `path startsWith "/api" and path endsWith "users"`: true,
		`path contains "v1"`:     true,
		`path not contains "v2"`: true, `path matches "^/api/v[0-9]+/"`: true, "path not matches `\\d{3}`": true,
		`lower("ÀB") == "àb"`: true, `upper(name) == "ÉLAN"`: true, `len(name) == 4`: true, `len(tags) == 5`: true,
		"len(user) == 3": true, "len(list0) == 0": true, `trim("  a ") == "a"`: true,
		`trim("xxaxy", "xy") == "a"`:              true,
		`trimPrefix(path, "/api") == "/v1/users"`: true, `trimSuffix(path, "users") == "/api/v1/"`: true,
		`replace("a-b-c", "-", "") == "abc"`: true, `level + "!" == "debug!"`: true, `"a" + "b" == "ab"`: true,
		`string(status) == "503"`: true, `string(took * 2) == "2.5"`: true,
		`"\u00e9\x41\101\u{1F600}" == "éAA😀"`: true,
		`split(path, "/")[1] == "api"`:        true, `split(path, "/")[-1] == "users"`: true,
		`len(split("a,b,,", ",")) == 4`: true, `len(split("", ",")) == 1`: true, `len(split("héj", "")) == 3`: true,
		`"b" in split("a b", " ")`: true, `string(user) contains "Ada"`: true,
		// Lists, objects, members.
		`"a" in tags`: true, `"b\"c" in tags`: true, "3 in tags": true, "4 in tags": false, "true in tags": true,
		`"a" not in list0`: true, `"name" in user`: true, `"nick" in user`: false, "user.name == 'Ada'": true,
		`user["name"] == "Ada"`: true, "user?.name == 'Ada'": true, "user.x.y.z == 1": true,
		"dotted.name == 'd'":                    true,
		"field('user-agent') startsWith 'curl'": true, "field('user.name') == 'Ada'": true, "items[1].id == 2": true,
		"items[-1].id == 2": true, "items[2].id == 2": false, `level in ["info", "debug"]`: true,
		"status in [500, 503]":     true,
		`status in ["500", "503"]`: true, `status in ["x", 503]`: true, "status not in [500]": true,
		"level in []":     false,
		"level not in []": true, "'a' in level": false, "'a' not in level": true,
		"true": true, "false": false, "not false": true, "true && !false || false": true,
		"/* why */ true // because": true,
		"status == 503 ? ok : off":  true, "ok ?: off": true, "off ?: ok": true,
	} {
		p, err := expr.Compile(text, nil, expr.Boolean)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := p.True(expr.JSON(record)); got != want {
			t.Errorf("%s is %t", text, got)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"status": "503", "took": "1.25", "exp": "1.5e3", "esc": `"a\"b\\c\u00e9\n"`,
		"tags": `["a", "b\"c", 3, null, true]`,
		"x":    "", "none": "", "x + 1": "", "x > 1": "false", "took > 1": "true", "ok": "true", "10 / 5": "2",
		"1 / 3": "0.3333333333333333",
		"1 / 0": "", "2 ** 69": "590295810358705700000", "2 ** 80": "1.2089258196146292e+24", "took * 1000": "1250",
		`"a\n" + "b"`: `"a\nb"`,
		"lower(esc)":  `"a\"b\\cé\n"`, `split("a\"b,c", ",")`: `["a\"b","c"]`, `split("", "")`: `[]`,
		"x ?? 'none'":                    `"none"`,
		"status >= 500 ? 'bad' : 'good'": `"bad"`, "user": `{"name": "Ada", "id": 7, "x.y": {"z": 1}}`,
		"items[0]": `{"id": 1}`,
		"has(x)":   "false", "len(x)": "", "int(took)": "1", "-took": "-1.25", "+took": "1.25", "status + 1": "504",
		"1e-9 * 1":   "1e-09",
		"string(ok)": `"true"`, "level + status": `"debug503"`, "user + 1": "", "int(level)": "", `"x" + user`: "",
		`"\x00\xff"`:    `"�ÿ"`,
		"(x ? 1 : 'a')": `"a"`, "level ?: 1": "1", "not x": "true",
		"-9223372036854775807 - 1": "-9223372036854775808",
		"9223372036854775807 + 1":  "9223372036854776000", "round(2.5)": "3", "ceil(-0.5)": "-0",
	} {
		p, err := expr.Compile(text, nil, expr.Unknown)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, ok := p.AppendJSON([]byte("="), expr.JSON(record))
		if string(got) != "="+want || ok != (want != "") {
			t.Errorf("%s is %s, %t, want %s", text, got, ok, want)
		}
	}
}

// What a schema knows decides how fields are compared.
func TestTypedFields(t *testing.T) {
	t.Parallel()
	schema := expr.Schema{
		"n": expr.Number, "s": expr.Text, "b": expr.Boolean, "at": expr.Time, "end": expr.Time, "o": expr.Object,
		"l":   expr.List,
		"a.b": expr.Number, "u": expr.Unknown,
	}
	const r = `{"n": 5, "s": "10", "b": true, "at": "2026-11-28T12:00:00.5Z", "end": "2026-11-28T13:00:00+01:00",` +
		` "o": {"x": 1}, "l": ["a"], "a": {"b": 2}, "u": "7"}`
	for text, want := range map[string]bool{
		"n == 5": true, `s < "9"`: true, "b": true, "b == true": true, "a.b == 2": true, "o.x == 1": true,
		`o.x == "1"`: true,
		`"a" in l`:   true, `"x" in o`: true, "u > n": true, "u == s": false, "u < s": false, "n < u": true,
		`at > "2026-11-28"`: true, `at == "2026-11-28T12:00:00.500Z"`: true, `at > "2026-11-28T12:00:00Z"`: true,
		`at < "2026-11-28 12:00:01"`: true, `at >= "2026-11-28T13:00:00.6+01:00"`: false, "end < at": true,
		"at != end":         true,
		`"2026-11-29" > at`: true, `at == u`: false, `at != u`: true, `at in ["2026-11-28T12:00:00.5Z"]`: true,
		`string(at) startsWith "2026"`: true, "at > s": false,
	} {
		p, err := expr.Compile(text, schema, expr.Boolean)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := p.True(expr.JSON(r)); got != want {
			t.Errorf("%s is %t", text, got)
		}
	}
}
