package quote_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed56735111/penstock/internal/quote"
)

// What ends where is what encoding/json says, whatever stands behind.
func FuzzEnds(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,{"b":"}"}],"c":"\\\""} x`, `[[],{}] ]`,
		"00", `[01]`, `"\u0041\\" ,`, `-1.5e3,`, `true}`, `null`, "{\n\"a\" : 1 }",
		`"` + strings.Repeat("x", 40) + `\"` + strings.Repeat("y", 9) + `"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for i := range text {
			name, at, end, escaped, ok := quote.NextMember(text, i)
			if !ok || text[i] != '"' {
				continue
			}
			named, _ := quote.StringEnd(text, i)
			ends, _ := quote.ValueEnd(text, at)
			if name != named || at != quote.Space(text, quote.Space(text, name)+1) ||
				escaped != bytes.ContainsRune(text[i:name], '\\') || strings.IndexByte(`"{[`, text[at]) >= 0 && end != ends {
				t.Fatalf("%q at %d: name %d, value %d to %d", text, i, name, at, end)
			}
		}
		var value json.RawMessage
		d := json.NewDecoder(bytes.NewReader(text))
		err := d.Decode(&value)
		begin := quote.Space(text, 0)
		if end, ok := quote.Skip(text, begin); ok != (err == nil) && depthOf(text) <= quote.MaxDepth ||
			ok && end != int(d.InputOffset()) {
			t.Fatalf("%q is skipped up to %d, %v; encoding/json: %d, %v", text, end, ok, d.InputOffset(), err)
		}
		if err != nil {
			for i := range text {
				quote.StringEnd(text, i) // whatever it says, it ends
				quote.ValueEnd(text, i)
			}
			return
		}
		want := int(d.InputOffset())
		start := quote.Space(text, 0)
		if start != want-len(value) {
			t.Fatalf("white space of %q ends at %d, want %d", text, start, want-len(value))
		}
		scalar := value[0] != '{' && value[0] != '[' && value[0] != '"'
		if end, ok := quote.ValueEnd(text, start); end != want && !scalar || !ok && end != len(text) {
			t.Fatalf("value of %q ends at %d, %v, want %d", text, end, ok, want)
		}
		padded := append(bytes.Clone(text[:want]), make([]byte, quote.Pad)...)
		if got := quote.SkipSpace(padded, 0); got != start {
			t.Fatalf("white space of %q ends at %d, want %d", text, got, start)
		}
		if got := quote.SkipValue(padded, start); got != want {
			t.Fatalf("value of %q ends at %d, want %d", text, got, want)
		}
	})
}

// What is appended is what encoding/json reads as the text, but for what is no text.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", "plain", `"\` + "\n\t\r\x01\x7f", "naïve 日本 😀",
		"\xff\xfe bad", "a\x00b", strings.Repeat("x", 30) + "\"",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want := strings.ReplaceAll(strings.ToValidUTF8(string(text), quote.Replacement), "\x00", quote.Replacement)
		body := quote.Append(nil, text)
		var got string
		if err := json.Unmarshal([]byte(`"`+string(body)+`"`), &got); err != nil {
			t.Fatalf("%q becomes %s: %v", text, body, err)
		}
		// Each byte that is no text becomes a mark of its own; encoding/json makes one of several.
		if squeeze(got) != squeeze(want) {
			t.Fatalf("%q becomes %q, want %q", text, got, want)
		}
		var exact string
		if err := json.Unmarshal([]byte(`"`+string(quote.AppendExact(nil, text))+`"`), &exact); err != nil ||
			utf8.Valid(text) && exact != string(text) {
			t.Fatalf("%q becomes exactly %q, %v", text, exact, err)
		}
		if s := quote.AppendString(nil, string(text)); string(s) != `"`+string(body)+`"` {
			t.Fatalf("as a string %s, as bytes %s", s, body)
		}
		if utf8.Valid(text) && quote.IsPlain(text) != (string(body) == string(text) && isASCII(text)) {
			t.Fatalf("%q is plain: %v", text, quote.IsPlain(text))
		}
		if back := quote.AppendUnquoted(nil, body); string(back) != got {
			t.Fatalf("%s is read as %q, want %q", body, back, got)
		}
	})
}

// depthOf is more than the depth of any value in a text.
func depthOf(text []byte) int { return bytes.Count(text, []byte{'{'}) + bytes.Count(text, []byte{'['}) }

func TestWhatIsSkippedIsBounded(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		depth int
		ok    bool
	}{{1, true}, {64, true}, {65, true}, {quote.MaxDepth, true}, {quote.MaxDepth + 1, false}, {1 << 20, false}} {
		for open, closing := range map[string]string{"[": "]", `{"a":`: "}", `[{"a":`: "}]"} {
			n := tt.depth / len(closing)
			text := []byte(strings.Repeat(open, n) + "1" + strings.Repeat(closing, n))
			if end, ok := quote.Skip(text, 0); ok != tt.ok && n*len(closing) == tt.depth || ok && end != len(text) {
				t.Errorf("%d levels of %s: %d of %d, %v", tt.depth, open, end, len(text), ok)
			}
		}
	}
}

// The end of a string is found at any distance from the end of what is read eight bytes at a time.
func TestStringsEndAnywhere(t *testing.T) {
	t.Parallel()
	for n := range 40 {
		for _, tail := range []string{`"`, `\""`, `\\"`, `é"`, "\"", ``} {
			text := []byte(`"` + strings.Repeat("x", n) + tail)
			want, whole := len(text), tail != ""
			for _, behind := range []string{"", ",", `,"another":"one"`} {
				end, ok := quote.StringEnd(append(bytes.Clone(text), behind...), 0)
				if whole && (end != want || !ok) || !whole && behind == "" && (ok || end != want) {
					t.Errorf("%q ends at %d, %v, want %d", text, end, ok, want)
				}
			}
		}
	}
}

// Nothing is allocated on the way.
func TestNothingIsAllocated(t *testing.T) {
	object := []byte(`{"a":[1,{"b":"}\u00e9"}],"name":"naïve \"text\"","n":-1.5e3}`)
	name := "s3 key with a \" and much more behind it, for it is to be long"
	body := []byte(`a body with \u00e9, \ud83d\ude00 and \\`)
	dst := make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = quote.Skip(object, 0)
		_, _ = quote.ValueEnd(object, 0)
		dst = quote.AppendString(dst[:0], name)
		dst = quote.AppendUnquoted(dst[:0], body)
		dst = quote.AppendRepaired(dst[:0], body)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// The body of any valid string is read as encoding/json reads it, and repaired keeps its meaning.
func FuzzBodies(f *testing.F) {
	for _, s := range []string{
		`plain`, `\"\\\/\b\f\n\r\t`, `\u00e9\ud83d\ude00`, `\ud800`, `\udc00\ud800`, `\ud800\u0041`, `\u0000x`, "\xff\xc3",
		`a long text with an escape \u2028 behind more than eight bytes`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var want string
		if json.Unmarshal([]byte(`"`+string(body)+`"`), &want) != nil {
			return
		}
		want = strings.ReplaceAll(want, "\x00", quote.Replacement)
		if got := quote.AppendUnquoted(nil, body); squeeze(string(got)) != squeeze(want) {
			t.Fatalf("%s is read as %q, want %q", body, got, want)
		}
		repaired := quote.AppendRepaired(nil, body)
		var got string
		if err := json.Unmarshal([]byte(`"`+string(repaired)+`"`), &got); err != nil || squeeze(got) != squeeze(want) {
			t.Fatalf("%s is repaired to %s: %q, %v, want %q", body, repaired, got, err, want)
		}
	})
}

func squeeze(s string) string {
	for strings.Contains(s, quote.Replacement+quote.Replacement) {
		s = strings.ReplaceAll(s, quote.Replacement+quote.Replacement, quote.Replacement)
	}
	return s
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

func TestIndexNearIsIndexByte(t *testing.T) {
	for size := range 80 {
		for at := range size + 1 {
			b := bytes.Repeat([]byte{'x' ^ 0x80}, size)
			if at < size {
				b[at] = 'x'
			}
			if at+1 < size {
				b[at+1] = 'x' ^ 1 // a borrow from the byte before must not reach it
			}
			for _, c := range []byte{'x', 'x' ^ 1, 'x' ^ 0x80, 0} {
				if got, want := quote.IndexNear(b, c), bytes.IndexByte(b, c); got != want {
					t.Fatalf("%q in %q: %d, not %d", c, b, got, want)
				}
			}
		}
	}
}
