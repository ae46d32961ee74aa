package shape_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/shape"
)

func TestIndexesAreNamedByWhereARecordIsFrom(t *testing.T) {
	t.Parallel()
	group := &penstock.Object{Attr: map[string]string{"log_group": "/aws/lambda/Gate", "owner": "210987654321"}}
	object := &penstock.Object{}
	const alb = "AWSLogs/123456789012/elasticloadbalancing/eu-west-1/2026/x.log.gz"
	for _, tt := range []struct {
		pattern string
		object  *penstock.Object
		key     string
		want    string
	}{
		{"x-{bucket}", object, alb, "x-logs"},
		{"x-{account}-{region}", object, alb, "x-123456789012-eu-west-1"},
		{"x-{prefix}", object, "A/b/c.log", "x-a_b"},
		{"x-{prefix|none}", object, "c.log", "x-none"},
		{"x-{key[0]}-{key[2]}", object, "A/b/c?d", "x-a-c_d"},
		{"x-{key[9]|none}", object, "a/b", "x-none"},
		{"x-{log_group}-{account}", group, "k", "x-aws_lambda_gate-210987654321"},
		{"x-{log_group|none}", object, "k", "x-none"},
		{"x-{account|none}", object, "dumps/202611280930/x", "x-none"},
		{"x-{account}", object, "AWSLogs/o-abc/123456789012/CloudTrail/x", "x-123456789012"},
		{
			"x-{account}-{region}", object, "AWSLogs/aws-account-id=123456789012/aws-region=us-gov-east-1/x",
			"x-123456789012-us-gov-east-1",
		},
		{"x-{account}-{region}", object, "p/123456789012/eu-west-1/bucket/2026/x", "x-123456789012-eu-west-1"},
		{"x-{account}", object, "lake/region=eu-west-1/accountId=123456789012/x", "x-123456789012"},
		// What is not known is a field of the record.
		{"x-{region}", object, "k", "x-mars"},
		{"x-{bucket}-{yyyy}", object, "../../*,#", "x-logs-2026"},
		{"x-{key[2]}", object, "../../*,#", "x-___"},
	} {
		s, err := shape.New(shape.Config{Index: tt.pattern})
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Entry(tt.object, penstock.Identity{Bucket: "logs", Key: tt.key, ETag: "e"}, "", "f")
		if err != nil {
			t.Fatal(err)
		}
		r := &penstock.Record{JSON: []byte(`{"region":"mars"}`), Time: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
		doc, err := e.Shape(r)
		if err != nil || doc.Index != tt.want {
			t.Errorf("%s of %s: index %q, error %v, want %q", tt.pattern, tt.key, doc.Index, err, tt.want)
		}
	}
	for _, pattern := range []string{"{bucket}-x", "{account}", "x-{key[]}", "x-{key[-1]}", "x-{key[01]}", "x-{key[a]}"} {
		if _, err := shape.ParsePattern(pattern); err == nil {
			t.Errorf("%s is taken", pattern)
		}
	}
	// However long a key is, a name is one that the engines take, or there is none.
	s, err := shape.New(shape.Config{Index: "x-{prefix}"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Entry(object, penstock.Identity{Bucket: "b", Key: strings.Repeat("k", 900) + "/x", ETag: "e"}, "", "f")
	if err != nil {
		t.Fatal(err)
	}
	if doc, err := e.Shape(&penstock.Record{JSON: []byte("{}")}); err == nil {
		t.Errorf("a name of %d bytes is taken", len(doc.Index))
	}
}
