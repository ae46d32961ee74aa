package rules_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/planted"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/rules/expr"
)

func testKey(tb testing.TB) *redact.Key {
	tb.Helper()
	k, err := redact.NewKey(1, []byte("0123456789abcdef"))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func stages(tb testing.TB) rules.Stages {
	tb.Helper()
	return rules.Stages{
		Key: func(string) (*redact.Key, error) { return testKey(tb), nil },
		Schema: func(string) expr.Schema {
			return expr.Schema{"n": expr.Number, "t": expr.Time, "m": expr.Text, expr.AnyField: expr.Unknown}
		},
	}
}

// entryOf prepares rules for the records of an entry.
func entryOf(tb testing.TB, s rules.Stages, list ...rules.Rule) *rules.Entry {
	tb.Helper()
	c, err := rules.Compile(nil, list, nil, s)
	if err != nil {
		tb.Fatal(err)
	}
	e, err := c.Shaper(&telling{}).Entry(nil, penstock.Identity{Bucket: "b", Key: "k"}, "", "json")
	if err != nil {
		tb.Fatal(err)
	}
	return e.(*rules.Entry) //nolint:forcetypeassert // there are rules
}

// telling is a shaper whose documents have what may be told of a record.
type telling struct{ plain }

func (p *telling) Entry(*penstock.Object, penstock.Identity, string, string) (penstock.EntryShaper, error) {
	return p, nil
}

func (p *telling) Shape(r *penstock.Record) (penstock.Document, error) {
	doc, err := p.plain.Shape(r)
	doc.Raw = r.Text()
	return doc, err
}

func mask(fields ...string) rules.Rule {
	return rules.Rule{Verb: rules.Redact{Fields: fields, With: rules.WithMask}}
}

func detect(kinds ...redact.Kind) rules.Rule {
	return rules.Rule{Verb: rules.Redact{Detect: kinds, With: rules.WithMask}}
}

// A field takes along what holds the same bytes, in other fields and in the record as it was read.
func TestARedactionReachesWhatHoldsTheSameBytes(t *testing.T) {
	t.Parallel()
	const r = "[redacted]"
	for _, c := range []struct {
		name          string
		rule          rules.Rule
		json, raw     string
		want, wantRaw string
		unparsed      bool
	}{
		{
			name: "a field split from another", rule: mask("client_ip"),
			json:    `{"client":"10.0.0.1:80","client_ip":"10.0.0.1","message":"GET / by 10.0.0.1"}`,
			raw:     `x 10.0.0.1:80 "GET / by 10.0.0.1"`,
			want:    `{"client":"` + r + `:80","client_ip":"` + r + `","message":"GET / by ` + r + `"}`,
			wantRaw: `x ` + r + `:80 "GET / by ` + r + `"`,
		},
		{
			name: "removed", rule: rules.Rule{Verb: rules.Redact{Fields: []string{"user"}, With: rules.WithRemove}},
			json: `{"user":"ada","path":"/home/ada/x"}`, raw: `ada /home/ada/x`,
			want: `{"path":"/home//x"}`, wantRaw: ` /home//x`,
		},
		{
			name: "nested and with dots", rule: mask("a.b"),
			json: `{"a":{"b":"one","c":1},"a.b":"two","m":"one two"}`, raw: "one two",
			want: `{"a":{"b":"` + r + `","c":1},"a.b":"` + r + `","m":"` + r + ` ` + r + `"}`, wantRaw: r + " " + r,
		},
		{
			name: "an object", rule: mask("user"),
			json: `{"user":{"name":"ada l","ids":[12345,true,null]},"m":"ada l is 12345"}`, raw: `ada%20l,12345`,
			want: `{"user":null,"m":"` + r + ` is ` + r + `"}`, wantRaw: r + `,` + r,
		},
		{
			name: "escaped", rule: mask("q"),
			json: `{"q":"a/b c","url":"/?q=a%2Fb%20c","m":"say \"a/b c\""}`, raw: `{"q":"a\/b c","url":"/?q=a%2Fb%20c"}`,
			want:    `{"q":"` + r + `","url":"/?q=` + r + `","m":"say \"` + r + `\""}`,
			wantRaw: `{"q":"` + r + `","url":"/?q=` + r + `"}`,
		},
		{
			name: "in another notation, so that nothing as it was read may leave", rule: mask("at"),
			json: `{"at":"2026-11-24"}`, raw: `24.11.2026`, want: `{"at":"` + r + `"}`, wantRaw: ``,
		},
		{
			name: "a record that could not be read", rule: mask("user"), unparsed: true,
			json: `{"message":"user ada","parse_error":"no ada"}`, raw: `user ada`,
			want: `{"parse_error":"the record cannot be read, and a rule redacts fields of it: see where it is from"}`,
		},
		{
			name: "detectors look at it all the same", rule: detect(redact.Mail), unparsed: true,
			json: `{"message":"a@example.org","parse_error":"no a@example.org"}`, raw: `a@example.org`,
			want: `{"message":"[mail]","parse_error":"no [mail]"}`, wantRaw: `[mail]`,
		},
		{
			name: "in names", rule: detect(redact.Mail),
			json: `{"x":{"a@example.org":1},"a@example.org":2}`, raw: `a@example.org`,
			want: `{"x":{"[mail]":1},"[mail]_2":2}`, wantRaw: `[mail]`,
		},
		{
			name: "what the schema types is no card", rule: detect(redact.Card),
			json: `{"n":4111111111111111,"t":"4111111111111111","m":"4111111111111111","u":4111111111111111}`, raw: `x`,
			want: `{"n":4111111111111111,"t":"4111111111111111","m":"[card]","u":null}`, wantRaw: `x`,
		},
		{
			name: "nothing there", rule: mask("user"), json: `{"a":1}`, raw: `a`, want: `{"a":1}`, wantRaw: `a`,
		},
		{
			name: "in the shadow",
			rule: rules.Rule{Verb: rules.Redact{Fields: []string{"a"}, With: rules.WithMask}, Shadow: true},
			json: `{"a":"secret"}`, raw: `secret`, want: `{"a":"secret"}`, wantRaw: `secret`,
		},
		{
			name: "under a condition",
			rule: rules.Rule{Verb: rules.Redact{Detect: redact.Kinds(), With: rules.WithMask}, When: "has(b)"},
			json: `{"a":"a@example.org"}`, raw: `a@example.org`, want: `{"a":"a@example.org"}`, wantRaw: `a@example.org`,
		},
	} {
		e := entryOf(t, stages(t), c.rule)
		for range 2 { // what is kept of one record must not be in the next
			rec := penstock.Record{JSON: []byte(c.json), Raw: []byte(c.raw), Unparsed: c.unparsed}
			doc, err := e.Shape(&rec)
			if err != nil || string(doc.Body()) != c.want || string(doc.Raw) != c.wantRaw || string(rec.Raw) != c.raw {
				t.Errorf("%s: %v\n got %s\nwant %s\n raw %q, want %q", c.name, err, doc.Body(), c.want, doc.Raw, c.wantRaw)
			}
		}
	}
}

// What one rule leaves does not hide from another what it looks for.
func TestRedactionsDoNotHideSecretsFromEachOther(t *testing.T) {
	t.Parallel()
	e := entryOf(t, stages(t), detect(redact.Mail, redact.AWSKey),
		rules.Rule{Verb: rules.Redact{Detect: []redact.Kind{redact.URLPassword, redact.AWSSecret}, With: rules.WithRemove}},
		detect(redact.JWT))
	raw := `{"a":"AKIAIOSFODNN7EXAMPLE,wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","u":"db://u:p$ss@host.example"}`
	doc, err := e.Shape(&penstock.Record{JSON: []byte(raw), Raw: []byte(raw)})
	want := `{"a":"[aws_key],","u":"db://u:@host.example"}`
	if err != nil || string(doc.Body()) != want || string(doc.Raw) != want {
		t.Errorf("got %s, raw %s, %v; want %s", doc.Body(), doc.Raw, err, want)
	}
	for i, n := range []int64{1, 1, 0} {
		if c := e.RuleCounts()[i]; c.Records != n {
			t.Errorf("rule %d: %+v, want %d records", i, c, n)
		}
	}
}

// The same text has the same hash wherever it stands.
func TestAHashJoins(t *testing.T) {
	t.Parallel()
	hash := string(testKey(t).Append(nil, []byte("10.0.0.1")))
	e := entryOf(t, stages(t), rules.Rule{Verb: rules.Redact{Fields: []string{"ip"}, With: rules.WithHash, Key: "joins"}})
	doc, err := e.Shape(&penstock.Record{JSON: []byte(`{"ip":"10.0.0.1","m":"from 10.0.0.1"}`), Raw: []byte("10.0.0.1")})
	want := `{"ip":"` + hash + `","m":"from ` + hash + `"}`
	if err != nil || string(doc.Body()) != want || string(doc.Raw) != hash {
		t.Errorf("got %s, raw %s, %v; want %s", doc.Body(), doc.Raw, err, want)
	}
}

// Records that no parser could read come by the rules, and so does what errors tell.
func TestErrorsTellNothingThatIsRedacted(t *testing.T) {
	t.Parallel()
	told := func() *penstock.RecordError {
		return &penstock.RecordError{Raw: []byte("a@example.org"), Err: errors.New("a@example.org is no number")}
	}
	err := told()
	e := entryOf(t, stages(t), detect(redact.Mail))
	e.Redact(err)
	if string(err.Raw) != "[mail]" || err.Err.Error() != "[mail] is no number" || len(err.Rules) != 1 {
		t.Errorf("got %s, %v, %v", err.Raw, err, err.Rules)
	}
	err = told()
	e = entryOf(t, stages(t), detect(redact.Mail), mask("user"))
	e.Redact(err)
	if err.Raw != nil || strings.Contains(err.Error(), "example") || len(err.Rules) != 2 {
		t.Errorf("got %s, %v, %v", err.Raw, err, err.Rules)
	}
	if run := e.RulesRun(); len(run) != 2 {
		t.Errorf("rules %v", run)
	}
}

// A rule that cannot be as it is says so before anything is read, and does not repeat what may be a secret.
func TestRedactionsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, v := range []rules.Redact{
		{With: rules.WithMask},
		{Fields: []string{"a"}, Detect: []redact.Kind{redact.Mail}, With: rules.WithMask},
		{Detect: []redact.Kind{"nail"}, With: rules.WithMask},
		{Fields: []string{"a"}, With: "hide"},
		{Fields: []string{"a"}, With: rules.WithHash},
		{Fields: []string{"a"}, With: rules.WithMask, Key: "joins"},
		{Fields: []string{""}, With: rules.WithMask},
		{Fields: []string{"penstock.offset"}, With: rules.WithMask},
	} {
		if _, err := rules.Compile(nil, []rules.Rule{{Verb: v}}, nil, stages(t)); err == nil {
			t.Errorf("%+v is taken", v)
		}
	}
	if _, err := rules.Compile(nil, []rules.Rule{{Verb: rules.Redact{
		Fields: []string{"a"}, With: rules.WithHash, Key: "joins",
	}}}, nil, rules.Stages{}); err == nil {
		t.Error("a hash without keys is taken")
	}
}

// Planted secrets of all kinds and forms are in no document, no letter and no error.
func TestNoPlantedSecretLeavesByARule(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(14, 8))
	e := entryOf(t, stages(t), detect(redact.Kinds()...), mask("secret"))
	for i := range 2800 {
		kinds := redact.Kinds()
		s := planted.Make(r, kinds[i%len(kinds)])
		form := planted.Forms[(i/len(kinds))%len(planted.Forms)]
		text := form.Write(r, s.In())
		raw := `{"level":"info","x":{"m":"` + text + `"},"n":17}`
		rec := penstock.Record{JSON: []byte(raw), Raw: []byte(raw)}
		doc, err := e.Shape(&rec)
		if err != nil || !json.Valid(doc.Body()) {
			t.Fatalf("%v: %s", err, doc.Body())
		}
		for _, out := range [][]byte{doc.Body(), doc.Raw} {
			if all := string(out) + planted.Resolved(string(out)); strings.Contains(all, s.Text) {
				t.Errorf("%s, %s\n in: %s\nout: %s", s.Kind, form.Name, raw, out)
			}
		}
	}
}

const albRecord = `{"type":"https","time":"2026-11-24T10:00:00.186641Z","elb":"app/my-loadbalancer/50dc6c495c0c9188",` +
	`"client_ip":"203.0.113.39","client_port":2817,"target_ip":"10.0.0.1","target_port":80,` +
	`"request_processing_time":0.086,"target_processing_time":0.048,"response_processing_time":0.037,` +
	`"elb_status_code":200,"target_status_code":200,"received_bytes":0,"sent_bytes":57,"request_method":"GET",` +
	`"request_url":"https://www.example.com:443/orders/17?page=2","request_protocol":"HTTP/1.1",` +
	`"user_agent":"curl/7.46.0","ssl_cipher":"ECDHE-RSA-AES128-GCM-SHA256","ssl_protocol":"TLSv1.2",` +
	`"trace_id":"Root=1-58337281-1d84f3d73c47ec4e58577259","domain_name":"-","matched_rule_priority":0}`

const albRaw = `https 2026-11-24T10:00:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 203.0.113.39:2817 10.0.0.1:80 ` +
	`0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/orders/17?page=2 HTTP/1.1" "curl/7.46.0" ` +
	`ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:1:targetgroup/x/1 ` +
	`"Root=1-58337281-1d84f3d73c47ec4e58577259" "-" "-" 0 2026-11-24T10:00:00.000000Z "forward" "-" "-"`

func BenchmarkRedact(b *testing.B) {
	set := rules.Rule{Verb: rules.Set{Fields: []rules.Assignment{{Field: "env", Value: "prod"}}}}
	five := []rules.Rule{
		{Verb: rules.Drop{"health"}, When: `elb_status_code == 200 && user_agent startsWith "ELB-HealthChecker"`},
		set,
		{Verb: rules.Rename{Fields: []rules.Assignment{{Field: "target_ip", Value: "target.ip"}}}},
		{Verb: rules.Remove{Fields: []string{"trace_id"}}},
		mask("client_ip"),
	}
	and := func(r rules.Rule) []rules.Rule { return append(slices.Clone(five), r) }
	for _, bb := range []struct {
		name  string
		rules []rules.Rule
	}{
		{"set", []rules.Rule{set}},
		{"set, mask", []rules.Rule{set, mask("client_ip")}},
		{"set, hash", []rules.Rule{set, {Verb: rules.Redact{Fields: []string{"client_ip"}, With: rules.WithHash, Key: "k"}}}},
		{"five", five},
		{"five, hash", and(rules.Rule{Verb: rules.Redact{Fields: []string{"elb"}, With: rules.WithHash, Key: "k"}})},
		{"five, matches", and(rules.Rule{Verb: rules.Drop{"bots"}, When: `user_agent matches "(?i)(bot|crawl|spider)"`})},
		{"five, matches once", and(rules.Rule{
			Verb: rules.Set{Fields: []rules.Assignment{{Field: "k", Value: "v"}}},
			When: `request_url matches "/orders/[0-9]+\\?"`,
		})},
		{"five, parse regex", and(rules.Rule{Verb: rules.Parse{
			Field: "request_url", As: "regex", Pattern: `/orders/(?P<order>[0-9]+)`, Into: "o",
		}})},
		{"set, detect card aws_key jwt", []rules.Rule{set, detect(redact.Card, redact.AWSKey, redact.JWT)}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			e := entryOf(b, stages(b), bb.rules...)
			json, raw := []byte(albRecord), []byte(albRaw)
			var rec penstock.Record // as a Reading has one for all records
			b.ReportAllocs()
			for b.Loop() {
				rec = penstock.Record{JSON: json, Raw: raw}
				if _, err := e.Shape(&rec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
