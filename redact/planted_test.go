package redact_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/planted"
	"github.com/seed56735111/penstock/redact"
)

// 10,000 secrets of 14 kinds, in every form, in the middle of a text, at its edges, as a value and as a name: none is
// left, and what comes out is JSON.
func TestNoPlantedSecretIsLeft(t *testing.T) {
	t.Parallel()
	const n = 10_000
	r := rand.New(rand.NewPCG(14, 6))
	key, err := redact.NewKey(1, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := redact.Kinds()
	for i := range n {
		kind := kinds[i%len(kinds)]
		s := planted.Make(r, kind)
		form := planted.Forms[(i/len(kinds))%len(planted.Forms)]
		text := form.Write(r, s.In())
		inside := [...]string{
			text, "a text " + text, text + " and more", "(" + text + "), " + strings.Repeat("x ", 40),
		}[r.IntN(4)]
		doc := `{"a":1,"m":{"list":["x","` + inside + `"]},"z":true}`
		if r.IntN(4) == 0 {
			doc = `{"` + inside + `":{"b":2},"c":"d"}`
		}
		with := [...]redact.With{redact.Mask, redact.Remove, redact.Hash(key)}[i%3]
		d := redact.New([]redact.Kind{kind})
		if i%2 == 0 {
			d = redact.New(nil)
		}
		out, hits := d.AppendJSON(nil, []byte(doc), with, nil)
		if hits == 0 || !json.Valid(out) || left(string(out), form.Write, r, s.Text) {
			t.Errorf("%s, %s: %d found\n in: %s\nout: %s", kind, form.Name, hits, doc, out)
		}
		out, hits = d.Append(nil, []byte(inside), with)
		if hits == 0 || !json.Valid([]byte(`"`+string(out)+`"`)) || left(string(out), form.Write, r, s.Text) {
			t.Errorf("%s, %s: %d found\n in: %s\nout: %s", kind, form.Name, hits, inside, out)
		}
	}
}

// left reports whether a good part of a secret is in a text.
func left(text string, write func(*rand.Rand, string) string, r *rand.Rand, secret string) bool {
	const part = 7
	all := text + "\n" + planted.Resolved(text)
	for i := 0; i+part <= len(secret); i += part {
		if piece := secret[i : i+part]; piece != "github_" && strings.Contains(all, piece) {
			return true
		}
	}
	return strings.Contains(all, secret)
}
