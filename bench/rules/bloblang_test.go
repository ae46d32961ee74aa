// Package rules compares the rules of penstock with Bloblang, which does the same to the same records: from the bytes
// of a record to the bytes of its document.
package rules_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/redpanda-data/benthos/v4/public/bloblang"
	"github.com/redpanda-data/benthos/v4/public/service"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/rules"
)

// record is one of an ALB, as penstock reads it: 23 fields.
const record = `{"type":"https","time":"2026-11-24T10:00:00.186641Z","elb":"app/my-loadbalancer/50dc6c495c0c9188",` +
	`"client_ip":"203.0.113.39","client_port":2817,"target_ip":"10.0.0.1","target_port":80,` +
	`"request_processing_time":0.086,"target_processing_time":0.048,"response_processing_time":0.037,` +
	`"elb_status_code":200,"target_status_code":200,"received_bytes":0,"sent_bytes":57,"request_method":"GET",` +
	`"request_url":"https://www.example.com:443/orders/17?page=2","request_protocol":"HTTP/1.1",` +
	`"user_agent":"curl/7.46.0","ssl_cipher":"ECDHE-RSA-AES128-GCM-SHA256","ssl_protocol":"TLSv1.2",` +
	`"trace_id":"Root=1-58337281-1d84f3d73c47ec4e58577259","domain_name":"-","matched_rule_priority":0}`

// mapping does what list does.
const mapping = `root = if this.elb_status_code == 200 && this.user_agent.has_prefix("ELB-HealthChecker") {
  deleted()
} else {
  this
}
root.env = "prod"
root.target.ip = this.target_ip
root.target_ip = deleted()
root.trace_id = deleted()
root.client_ip = "[redacted]"`

func list() []rules.Rule {
	return []rules.Rule{
		{Verb: rules.Drop{Reason: "health"}, When: `elb_status_code == 200 && user_agent startsWith "ELB-HealthChecker"`},
		{Verb: rules.Set{Fields: []rules.Assignment{{Field: "env", Value: "prod"}}}},
		{Verb: rules.Rename{Fields: []rules.Assignment{{Field: "target_ip", Value: "target.ip"}}}},
		{Verb: rules.Remove{Fields: []string{"trace_id"}}},
		{Verb: rules.Redact{Fields: []string{"client_ip"}, With: rules.WithMask}},
	}
}

// plain makes a document of what rules leave of a record.
type plain struct{}

func (plain) Entry(*penstock.Object, penstock.Identity, string, string) (penstock.EntryShaper, error) {
	return plain{}, nil
}

func (plain) Shape(r *penstock.Record) (penstock.Document, error) {
	return penstock.Document{Head: r.JSON}, nil
}

// ours takes the bytes of a record, and appends those of its document.
func ours(tb testing.TB) func(dst, record []byte) []byte {
	chain, err := rules.Compile(nil, list(), nil, rules.Stages{})
	if err != nil {
		tb.Fatal(err)
	}
	e, err := chain.Shaper(plain{}).Entry(nil, penstock.Identity{}, "", "alb")
	if err != nil {
		tb.Fatal(err)
	}
	var r penstock.Record
	return func(dst, record []byte) []byte {
		r = penstock.Record{JSON: record, Raw: record}
		doc, err := e.Shape(&r)
		if err != nil {
			tb.Fatal(err)
		}
		return append(append(dst, doc.Head...), doc.Tail...)
	}
}

func theirs(tb testing.TB) func(dst, record []byte) []byte {
	exec, err := bloblang.Parse(mapping)
	if err != nil {
		tb.Fatal(err)
	}
	return func(dst, record []byte) []byte {
		out, err := service.NewMessage(record).BloblangQuery(exec)
		if err != nil {
			tb.Fatal(err)
		}
		body, err := out.AsBytes()
		if err != nil {
			tb.Fatal(err)
		}
		return append(dst, body...)
	}
}

func TestBothMakeTheSame(t *testing.T) {
	var got, want any
	if err := json.Unmarshal(ours(t)(nil, []byte(record)), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(theirs(t)(nil, []byte(record)), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("penstock makes %v, Bloblang %v", got, want)
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(record), &fields); err != nil || len(fields) != 23 {
		t.Errorf("%d fields, %v", len(fields), err)
	}
}

func BenchmarkRules(b *testing.B) {
	type maker func(testing.TB) func(dst, record []byte) []byte
	for name, of := range map[string]maker{"penstock": ours, "bloblang": theirs} {
		b.Run(name, func(b *testing.B) {
			run := of(b)
			var out []byte
			b.SetBytes(int64(len(record)))
			b.ReportAllocs()
			for b.Loop() {
				out = run(out[:0], []byte(record))
			}
		})
	}
}
