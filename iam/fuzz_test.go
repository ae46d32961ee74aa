package iam_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed56735111/penstock/iam"
)

func FuzzParseResource(f *testing.F) {
	f.Add([]byte(statementWith(allow("Allow", alice, logs+"/*"))))
	f.Add([]byte(`{"Statement":{"Effect":"Deny","Principal":{"AWS":["*"]},"NotAction":"es:ESHttp?et","NotResource":"*",` +
		`"Condition":{"ForAnyValue:StringLikeIfExists":{"aws:x":["${aws:y, 'z'}*"]}}}}`))
	p, err := iam.ParsePrincipal(alice)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		policy, err := iam.ParseResource(doc)
		if err != nil {
			if _, ok := errors.AsType[*iam.Error](err); !ok {
				t.Errorf("%q: %v is not an *Error", doc, err)
			}
			return
		}
		// What is accepted can be judged, explained and looked at without a panic, and says the same each time.
		r := iam.Request{Principal: p, Action: "es:ESHttpGet", Resource: logs + "/x", Context: iam.NewContext(p, iam.Facts{})}
		ps := iam.Policies{Resource: policy}
		if a, b := iam.Evaluate(ps, r), iam.Evaluate(ps, r); a != b {
			t.Errorf("%q: %v, then %v", doc, a, b)
		}
		iam.Explain(ps, r)
		iam.Lint(policy, iam.Domain{Name: "logs", Region: "eu-west-1", Account: "123456789012"})
		_ = policy.CheckFor(iam.Domain{VPC: true})
	})
}

// FuzzPattern compares the matcher with the plain one of the model: on a resource with stars, question marks and a
// variable, and on a value of StringLike.
func FuzzPattern(f *testing.F) {
	f.Add(logs+"/*/_search", logs+"/a/_search", "a")
	f.Add("arn:aws:es:*:${x:word}:domain/l?gs/**a*b", "arn:aws:es:r:123456789012:domain/lögs/aab", "123456789012")
	f.Add(logs+"/${x:word, 'd'}${*}", logs+"/a:*", "a:")
	f.Add("arn:aws:es:*", "arn:aws:es:r:1:x", "")
	f.Add("*??", "…", "")
	f.Fuzz(func(t *testing.T, resource, asked, word string) {
		if len(resource) > 2000 || len(asked) > 2000 || strings.ContainsAny(resource+asked+word, "\x01\x02") {
			return // too long for the plain matcher, or one of its marks
		}
		if !utf8.ValidString(asked) || !utf8.ValidString(word) {
			return // what a question mark matches in invalid UTF-8 is not documented
		}
		doc, err := json.Marshal(modelPolicy{Version: "2012-10-17", Statement: []modelStatement{{
			Effect: "Allow", Action: []string{"*"}, Resource: []string{"*"},
			Condition: map[string]map[string][]string{"StringLike": {"x:asked": {resource}}},
		}, {
			Effect: "Allow", Action: []string{"*"}, Resource: []string{resource},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		policy, err := iam.ParseIdentity(doc)
		if err != nil || !utf8.ValidString(resource) { // JSON has no bytes that are not UTF-8
			return
		}
		r := iam.Request{Action: "es:ESHttpGet", Resource: asked}
		m := modelRequest{keys: map[string][]string{"x:word": {word}, "x:asked": {asked}}, resource: asked}
		r.Context.Set("x:word", word)
		r.Context.Set("x:asked", asked)
		if r.Principal, err = iam.ParsePrincipal(alice); err != nil {
			t.Fatal(err)
		}
		found := iam.Explain(iam.Policies{Identity: []*iam.Policy{policy}}, r)
		pattern, null := m.fill(resource, true, true)
		if want := !null && glob(pattern, asked); found[0].Applies != want {
			t.Errorf("StringLike %q, value %q, word %q: %v, want %v", resource, asked, word, found[0], want)
		}
		if want := m.isOn(resource, true); found[1].Applies != want {
			t.Errorf("resource %q, asked for %q, word %q: %v, want %v", resource, asked, word, found[1], want)
		}
	})
}
