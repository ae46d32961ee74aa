package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/internal/settings"
)

// PolicyCases is a file with requests and what policies are expected to decide about them.
type PolicyCases struct {
	// AccessPolicies is the file with the domain's policy, Domain the domain's ARN. Both may be empty.
	AccessPolicies, Domain string
	Cases                  []PolicyCase
}

// PolicyCase is one of them. Each of its requests is expected to be decided in the same way.
type PolicyCase struct {
	Name   string
	Line   int
	Allow  bool
	Caller PolicyCaller
	// Methods, Paths and Addresses make requests in every combination. There may be no address.
	Methods, Paths, Addresses []string
	Time                      time.Time // zero: now
	VPC, VPCEndpoint          string
	Organization              string
	Tags                      map[string]string
	// Keys are condition keys beside those.
	Keys map[string][]string
}

// PolicyCaller is who makes a request. Its policies are names of files.
type PolicyCaller struct {
	Principal, Role, ID string
	Identity, Session   []string
	Boundary            string
}

// ParsePolicyCases reads such a file in YAML or JSON. Its error is a *MistakesError with all that is wrong.
func ParsePolicyCases(path string, data []byte) (*PolicyCases, error) {
	f := &finder{}
	root := read(path, data, f)
	if root != nil {
		caseFile.check(f, "the file", root)
		if root.kind == object {
			relateCases(f, root)
		}
	}
	if found := f.sorted(); len(found) > 0 {
		return nil, &MistakesError{Path: path, Mistakes: found}
	}
	return casesOf(root), nil
}

// caseFile are the keys of a file with cases.
var caseFile = keys{
	{name: "access_policies", usage: "file with the domain's access policy", form: text{testFilled}},
	{name: "domain_arn", usage: "ARN of the domain", form: text{testDomainARN}},
	{name: "principals", usage: "who calls, by a name of your own", form: named{caseCaller}},
	{name: "cases", usage: "requests with the expected decision", form: several{caseKeys, "a case"}, required: true},
}

// caseCaller are the keys of a caller with a name.
var caseCaller = keys{
	{name: "principal", usage: "ARN of a user, role session or federated user", form: text{testPrincipal}, required: true},
	{name: "role", usage: "ARN of the role behind a session, when it has a path", form: text{testFilled}},
	{name: "principal_id", usage: "unique id, for aws:userid", form: text{testFilled}},
	{name: "identity_policies", usage: "files with the caller's policies", form: many{text{testFilled}}},
	{name: "session_policies", usage: "files with session policies", form: many{text{testFilled}}},
	{name: "boundary", usage: "file with the permissions boundary", form: text{testFilled}},
}

// eachKey is what tags and keys are.
const eachKey = "an object with a key for each"

// caseKeys are those of a case.
var caseKeys = keys{
	{name: "name", usage: "what the report calls the case", form: text{testFilled}},
	{name: "principal", usage: "a name of principals, an ARN, or anonymous", form: text{testFilled}, required: true},
	{name: "method", usage: "methods", form: many{text{testMethod}}, required: true},
	{name: "path", usage: "paths", form: many{text{testPath}}, required: true},
	{name: "expect", usage: "allow or deny", form: text{testExpected}, required: true},
	{name: "address", usage: "addresses of the caller", form: many{text{testAddress}}},
	{name: "time", usage: "when the request is made", form: text{testInstant}},
	{name: "vpc", usage: "VPC that the request comes through", form: text{testFilled}},
	{name: "vpc_endpoint", usage: "VPC endpoint that the request comes through", form: text{testFilled}},
	{name: "organization", usage: "organization of the caller's account", form: text{testFilled}},
	{name: "tags", usage: "tags of the domain", form: entries{want: eachKey, of: text{}}},
	{name: "keys", usage: "other condition keys", form: entries{eachKey, testConditionKey, many{text{}}}},
}

func testFilled(v string) error {
	if strings.TrimSpace(v) == "" {
		return errors.New("the text is empty")
	}
	return nil
}

func testDomainARN(v string) error {
	_, err := iam.ParseDomain(v)
	return err
}

func testPrincipal(v string) error {
	_, err := iam.ParsePrincipal(v)
	return err
}

func testExpected(v string) error {
	if v != "allow" && v != "deny" {
		return fmt.Errorf("%s, want allow or deny", quoted(v))
	}
	return nil
}

var requestMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch,
}

func testMethod(v string) error {
	if !slices.Contains(requestMethods, strings.ToUpper(v)) {
		return fmt.Errorf("no action stands for %s; there are %s", quoted(v), strings.Join(requestMethods, ", "))
	}
	return nil
}

func testPath(v string) error {
	if !strings.HasPrefix(v, "/") {
		return fmt.Errorf("%s does not begin with a slash", quoted(v))
	}
	return nil
}

func testAddress(v string) error {
	if _, err := netip.ParseAddr(v); err != nil {
		return fmt.Errorf("%s is no address; write one such as 203.0.113.7", quoted(v))
	}
	return nil
}

func testInstant(v string) error {
	if _, err := time.Parse(time.RFC3339, v); err != nil {
		return fmt.Errorf("%s is no time such as 2026-11-24T10:00:00Z", quoted(v))
	}
	return nil
}

func testConditionKey(v string) error {
	if prefix, rest, ok := strings.Cut(v, ":"); !ok || prefix == "" || rest == "" || !iam.IsRequestKey(v) {
		return fmt.Errorf("%s is no key that a request to a domain is known to have", quoted(v))
	}
	return nil
}

// relateCases reports what is wrong between the parts of a file with cases.
func relateCases(f *finder, root *node) {
	var known []string
	if principals := root.member("principals"); principals != nil {
		for _, m := range principals.members {
			known = append(known, m.key)
		}
	}
	cases := root.member("cases")
	if cases == nil {
		return
	}
	if cases.kind == list && len(cases.items) == 0 {
		f.wrong(cases.place, "cases is an empty list")
	}
	names := map[string]*node{}
	for _, c := range cases.items {
		f.second("case", c.member("name"), names)
		who := c.member("principal")
		if who == nil || who.kind != scalar || slices.Contains(known, who.text) {
			continue
		}
		err := testPrincipal(who.text)
		if near := settings.Nearest(who.text, known); err != nil && near != "" {
			f.wrong(who.place, "no principal is called %s; did you mean %q?", quoted(who.text), near)
		} else if err != nil {
			f.wrong(who.place, "principal: %s; nor is it a name among principals", err)
		}
	}
}

// casesOf makes cases of a tree without mistakes.
func casesOf(root *node) *PolicyCases {
	named := map[string]PolicyCaller{}
	if principals := root.member("principals"); principals != nil {
		for _, m := range principals.members {
			named[m.key] = PolicyCaller{
				Principal: m.value.textAt("principal"), Role: m.value.textAt("role"), ID: m.value.textAt("principal_id"),
				Identity: m.value.listAt("identity_policies"), Session: m.value.listAt("session_policies"),
				Boundary: m.value.textAt("boundary"),
			}
		}
	}
	out := &PolicyCases{AccessPolicies: root.textAt("access_policies"), Domain: root.textAt("domain_arn")}
	for _, n := range root.member("cases").items {
		c := PolicyCase{
			Name: n.textAt("name"), Line: n.line, Allow: n.textAt("expect") == "allow",
			Paths: n.listAt("path"), Addresses: n.listAt("address"),
			VPC: n.textAt("vpc"), VPCEndpoint: n.textAt("vpc_endpoint"), Organization: n.textAt("organization"),
			Tags: n.mapAt("tags"),
		}
		for _, m := range n.listAt("method") {
			c.Methods = append(c.Methods, strings.ToUpper(m))
		}
		who := n.textAt("principal")
		var ok bool
		if c.Caller, ok = named[who]; !ok {
			c.Caller.Principal = who
		}
		if c.Name == "" {
			c.Name = fmt.Sprintf("%s %s as %s", strings.Join(c.Methods, ","), strings.Join(c.Paths, ","), who)
		}
		c.Time, _ = time.Parse(time.RFC3339, n.textAt("time")) // zero without one
		if list := n.member("keys"); list != nil {
			c.Keys = map[string][]string{}
			for _, m := range list.members {
				c.Keys[m.key] = list.listAt(m.key)
			}
		}
		out.Cases = append(out.Cases, c)
	}
	return out
}
