package jsjson_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/jsjson"
)

// node runs a script for every line of input.
func node(t *testing.T, script string, lines []string) []string {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node: the comparison with JavaScript itself is left out")
	}
	cmd := exec.CommandContext(t.Context(), program, "-e", `
		const lines = require('fs').readFileSync(0, 'utf8').split('\n').slice(0, -1);
		const f = (line) => {`+script+`};
		process.stdout.write(lines.map(f).join('\n') + '\n');`)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// texts are random pieces of JSON, most of them broken somewhere.
func texts(r *rand.Rand, n int) []string {
	pieces := []string{
		"{", "}", "[", "]", ",", ":", `"a"`, `"1"`, `"02"`, `"4294967294"`, `"__proto__"`, `""`, "1", "-0", "1e400", "0.1",
		"123456789012345678901",
		"5e-324", "1E+2", "01", "true", "false", "null", " ", "\t", `"\ud83d\ude00"`, `"\ud800"`, `"\u0000\b\f"`, `"é\/"`,
		`"`, `\`, "Infinity", "\u2028", "\ufeff",
	}
	all := make([]string, 0, n)
	for range n {
		var b strings.Builder
		depth := 0
		for range 1 + r.IntN(12) {
			p := pieces[r.IntN(len(pieces))]
			if r.IntN(3) > 0 && depth > 0 && b.Len() > 0 && !strings.HasSuffix(b.String(), "{") &&
				!strings.HasSuffix(b.String(), "[") {
				b.WriteString([]string{",", ":"}[r.IntN(2)])
			}
			switch p {
			case "{", "[":
				depth++
			case "}", "]":
				depth--
			}
			b.WriteString(p)
		}
		all = append(all, b.String())
	}
	// Whole objects, so that not only refusals are compared.
	for range n {
		var b strings.Builder
		b.WriteByte('{')
		for i := range r.IntN(24) {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, `"%s":%s`, []string{"a", "b", "10", "9", "2", "x y", "-1", "1.5", "toString"}[r.IntN(9)],
				[]string{"1", "[2,{}]", `"s"`, "null", "-1.50", "1e21", "1e-7"}[r.IntN(7)])
		}
		b.WriteByte('}')
		all = append(all, b.String())
	}
	return all
}

func TestParsingAndWritingAgreeWithJavaScript(t *testing.T) {
	t.Parallel()
	all := texts(rand.New(rand.NewPCG(3, 4)), 4000)
	want := node(t, "try { return JSON.stringify(JSON.parse(line)) } catch { return 'no' }", all)
	parsed := 0
	for i, text := range all {
		got := "no"
		if v, err := jsjson.Parse(text); err == nil {
			got = string(jsjson.Append(nil, &v))
			parsed++
		}
		if got != want[i] {
			t.Errorf("%q: got %s, want %s", text, got, want[i])
		}
	}
	if parsed < len(all)/3 {
		t.Errorf("only %d of %d texts are JSON: nothing is compared", parsed, len(all))
	}
}

func TestNumbersInTextAgreeWithJavaScript(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	alphabet := []string{
		"0", "1", "9", "-", "+", ".", "e", "E", "x", "X", "b", "o", "_", " ", "a", "n", "Infinity", "\u00a0", "308", "324",
	}
	var all []string
	for range 20000 {
		var b strings.Builder
		for range r.IntN(7) {
			b.WriteString(alphabet[r.IntN(len(alphabet))])
		}
		all = append(all, b.String())
	}
	want := node(t, "return !isNaN(parseFloat(line)) && isFinite(line) ? JSON.stringify(1 * line) : 'no'", all)
	numbers := 0
	for i, text := range all {
		got := "no"
		if f, ok := jsjson.ToNumber(text); ok {
			got = string(jsjson.AppendNumber(nil, f))
			numbers++
		}
		if got != want[i] {
			t.Errorf("%q: got %s, want %s", text, got, want[i])
		}
	}
	if numbers < 1000 {
		t.Errorf("only %d numbers", numbers)
	}
}

func TestBrokenUTF8IsReadAsJavaScriptDoes(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	var all []string
	for range 5000 {
		b := make([]byte, r.IntN(9))
		for i := range b {
			b[i] = []byte{'a', 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xf5}[r.IntN(14)]
		}
		all = append(all, base64.StdEncoding.EncodeToString(b))
	}
	want := node(t, "return JSON.stringify(Buffer.from(line, 'base64').toString('utf8'))", all)
	for i, text := range all {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(jsjson.AppendString(nil, jsjson.Decode(b))); got != want[i] {
			t.Errorf("%x: got %s, want %s", b, got, want[i])
		}
	}
}

func TestExactNumbersKeepTheirDigits(t *testing.T) {
	t.Parallel()
	const text = `{"2":1.10,"1":[12345678901234567890,1e2,-0]}`
	v, err := jsjson.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	v.Set("made", jsjson.Value{Kind: jsjson.Number, Number: 1e21})
	got, want := string(jsjson.AppendExact(nil, &v)), `{"1":[12345678901234567890,1e2,-0],"2":1.10,"made":1e+21}`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNestingIsBounded(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"[", `{"a":`} {
		if _, err := jsjson.Parse(strings.Repeat(open, 1_000_000)); err == nil {
			t.Errorf("a million of %s are JSON", open)
		}
	}
}

func TestTheNumberOfValuesIsBounded(t *testing.T) {
	t.Parallel()
	array := func(n int) string { return "[" + strings.Repeat("1,", n-1) + "1]" }
	if _, err := jsjson.Parse(array(jsjson.MaxValues - 1)); err != nil {
		t.Errorf("%d values: %v", jsjson.MaxValues, err)
	}
	if _, err := jsjson.Parse(array(jsjson.MaxValues)); !errors.Is(err, jsjson.ErrValues) {
		t.Errorf("one value more: %v", err)
	}
}

func TestLookupFindsTheMemberAmongOthers(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"@id":"x"}`, ` { "a" : 1 , "@id" : "x" } `,
		`{"1":[1,{"@id":2},"@id"],"b":{"@id":{"@id":[]}},"c":"\"@id\":[{","d":"\\","\u0040id":"x","e":null}`,
	} {
		if v, ok := jsjson.Lookup(text, "@id"); !ok || v.String != "x" {
			t.Errorf("%s: got %+v, %t", text, v, ok)
		}
	}
	for _, text := range []string{``, `{}`, `[]`, `1`, `{"a":{"@id":1}}`, `{"a"`, `{"a":"`, `{"a":"\`, `{"@id":`} {
		if v, ok := jsjson.Lookup(text, "@id"); ok {
			t.Errorf("%s: got %+v", text, v)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range texts(rand.New(rand.NewPCG(1, 2)), 20) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = jsjson.Decode([]byte(text))
		v, err := jsjson.Parse(text)
		if err != nil {
			return
		}
		out := jsjson.Append(nil, &v)
		if !json.Valid(out) {
			t.Fatalf("%q is written as %q", text, out)
		}
		again, err := jsjson.Parse(string(out))
		if err != nil || string(jsjson.Append(nil, &again)) != string(out) {
			t.Fatalf("%q does not survive: %q, error %v", text, out, err)
		}
		for _, m := range v.Members {
			found, ok := jsjson.Lookup(string(out), m.Name)
			if got, want := jsjson.Append(nil, &found), jsjson.Append(nil, &m.Value); !ok || string(got) != string(want) {
				t.Fatalf("%q of %q: got %q, want %q", m.Name, out, got, want)
			}
		}
	})
}

func BenchmarkParseAndWrite(b *testing.B) {
	const text = `{"level":"info","message":"gate open","n":12.5,"tags":["a","b"],"nested":{"flow":3,"10":true}}`
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		v, err := jsjson.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		out = jsjson.Append(out[:0], &v)
	}
}
