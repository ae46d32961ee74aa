package rules_test

import (
	"strings"
	"testing"

	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules"
)

// A rule that sends by a field stands behind what redacts it: an index name, a routing value and the name of a pipeline
// leave too.
func TestNoRuleSendsByWhatIsRedactedBehindIt(t *testing.T) {
	t.Parallel()
	fields := rules.Rule{Verb: rules.Redact{Fields: []string{"client.ip"}, With: rules.WithMask}}
	mails := rules.Rule{Verb: rules.Redact{Detect: []redact.Kind{"mail"}, With: rules.WithMask}}
	shadow := mails
	shadow.Shadow = true
	for _, tt := range []struct {
		list []rules.Rule
		want string
	}{
		{[]rules.Rule{{Verb: rules.Routing{Value: "{client.ip}"}}, fields}, "client.ip"},
		{[]rules.Rule{{Verb: rules.Pipeline{Name: "p-{client|none}"}}, fields}, "client"},
		{[]rules.Rule{{Verb: rules.Routing{Value: "{client.ip.text}"}}, fields}, "client.ip.text"},
		{[]rules.Rule{{Verb: rules.Routing{Value: "{user}"}}, mails}, "user"},
		{[]rules.Rule{{Verb: rules.Routing{Value: "{user}"}}, shadow}, ""},
		{[]rules.Rule{{Verb: rules.Routing{Value: "{user}"}}, fields}, ""},
		{[]rules.Rule{{Verb: rules.Routing{Value: "{bucket}-{key[2]}-{account}"}}, mails}, ""},
		{[]rules.Rule{mails, fields, {Verb: rules.Routing{Value: "{client.ip}"}}}, ""},
	} {
		wrong := rules.Check(nil, tt.list, nil, rules.Stages{})
		switch {
		case tt.want == "" && len(wrong) > 0:
			t.Errorf("%+v: %v", tt.list, wrong[0])
		case tt.want != "" && (len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "the field "+tt.want+" leaves before")):
			t.Errorf("%+v: got %v", tt.list, wrong)
		}
	}
}
