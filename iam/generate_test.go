package iam_test

import (
	"strings"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

func TestGeneratedPoliciesAllowWhatIsNeededAndNothingElse(t *testing.T) {
	t.Parallel()
	d, err := iam.ParseDomain(logs)
	if err != nil {
		t.Fatal(err)
	}
	const role = "arn:aws:iam::210987654321:role/shipper"
	needs := []iam.Need{
		{Method: "GET", Path: "/"},
		{Method: "POST", Path: "/_bulk"},
		{Method: "PUT", Path: "/_index_template/penstock-*"},
		{Method: "GET", Path: "/_index_template/penstock-*"},
	}
	resource, identity, err := iam.Generate(d, role, needs)
	if err != nil {
		t.Fatal(err)
	}
	ps := iam.Policies{}
	if ps.Resource, err = iam.ParseResource(resource); err != nil {
		t.Fatalf("%v: %s", err, resource)
	}
	p, err := iam.ParseIdentity(identity)
	if err != nil {
		t.Fatalf("%v: %s", err, identity)
	}
	ps.Identity = []*iam.Policy{p}
	caller, err := iam.ParsePrincipal("arn:aws:sts::210987654321:assumed-role/shipper/night")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(method, path string) bool {
		action, _ := iam.ActionFor(method)
		return iam.Evaluate(ps, iam.Request{Principal: caller, Action: action, Resource: d.Resource(path)}).Allowed
	}
	for _, n := range needs {
		if !ask(n.Method, strings.TrimSuffix(n.Path, "*")) {
			t.Errorf("%s %s is needed and not allowed", n.Method, n.Path)
		}
	}
	for _, no := range [][2]string{
		{"POST", "/"},
		{"GET", "/_bulk"},
		{"POST", "/x/_bulk"},
		{"DELETE", "/_index_template/penstock-x"},
		{"GET", "/_search"},
		{"PUT", "/_index_template/other"},
	} {
		if ask(no[0], no[1]) {
			t.Errorf("%s %s is allowed and not needed", no[0], no[1])
		}
	}
	for _, who := range []string{"alice", "*", "", "AIDAABCDEFGHIJKLMNOPQ", "arn:aws:iam::210987654321:role/*"} {
		if _, _, err := iam.Generate(d, who, needs); err == nil {
			t.Errorf("%q is taken for a principal", who)
		}
	}
	if _, _, err := iam.Generate(d, role, []iam.Need{{Method: "BREW", Path: "/"}}); err == nil {
		t.Error("BREW has an action")
	}
}
