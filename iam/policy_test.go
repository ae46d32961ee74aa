package iam_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/iam"
)

func statementWith(text string) string {
	return `{"Version":"2012-10-17","Statement":[` + text + `]}`
}

// openBut is a document whose statement allows everybody everything, but for some elements: pairs of a name and the
// JSON to have instead. An empty value leaves the element out.
func openBut(pairs ...string) string {
	var elements []string
	open := []string{"Effect", `"Allow"`, "Principal", `"*"`, "Action", `"es:*"`, "Resource", `"*"`}
	for pair := range slices.Chunk(append(open, pairs...), 2) {
		name := `"` + pair[0] + `":`
		elements = slices.DeleteFunc(elements, func(e string) bool { return strings.HasPrefix(e, name) })
		if pair[1] != "" {
			elements = append(elements, name+pair[1])
		}
	}
	return statementWith("{" + strings.Join(elements, ",") + "}")
}

func TestWhatTheServiceWouldNotTakeIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	const ok = `"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"*"`
	for doc, want := range map[string]string{
		``:                               "ends too early",
		`{`:                              "policy: the JSON value ends too early",
		`{"a":[1`:                        "policy: the JSON value ends too early",
		`{"a"`:                           "policy: the JSON value ends too early",
		`{"a":"`:                         "policy: the JSON value ends too early",
		`{"a":1]`:                        "policy: it is not JSON: ",
		`[]`:                             "not a JSON object",
		`{"Statement":[{` + ok + `}]} x`: "something follows",
		`{}`:                             "Statement: there is none",
		`{"Statement":[]}`:               "Statement: there is none",
		`{"statement":[{` + ok + `}]}`:   `unknown element "statement"; it is written "Statement"`,
		`{"Version":"2012-10-18","Statement":[{` + ok + `}]}`: "Version: want 2012-10-17",
		`{"Version":2012,"Statement":[{` + ok + `}]}`:         "Version: want",
		`{"Statement":[{` + ok + `}],"Statement":[]}`:         `"Statement" is there twice`,
		statementWith(`5`):                                                   "Statement[0]: want an object",
		openBut("Effect", ``):                                                "Statement[0]: there is no Effect",
		openBut("Effect", `"allow"`):                                         `"allow" is neither Allow nor Deny`,
		openBut("Principal", ``):                                             "Principal: there is none",
		openBut("Principal", ``, "NotPrincipal", `"*"`):                      "NotPrincipal is not supported",
		openBut("Principal", `"alice"`):                                      `want "*" or an object`,
		openBut("Principal", `{"aws":"*"}`):                                  `it is written "AWS"`,
		openBut("Principal", `{"AWS":"arn:aws:iam::123456789012:user/*"}`):   "wildcards inside are not allowed",
		openBut("Principal", `{"AWS":[]}`):                                   "the list is empty",
		openBut("Action", ``):                                                "neither Action nor NotAction",
		openBut("NotAction", `"es:*"`):                                       "exclude each other",
		openBut("Action", `"ESHttpGet"`):                                     "is no action",
		openBut("Action", `"s3:GetObject"`):                                  "another service",
		openBut("Action", `"e*:Get"`):                                        "is no action",
		openBut("Resource", `"logs"`):                                        "is no ARN",
		openBut("Resource", `"arn:aws:s3:::b"`):                              "another service",
		openBut("Resource", `"arn:aws:e*:r:1:domain/x"`):                     "wildcard for the service",
		openBut("Condition", `{"IpAdress":{"aws:SourceIp":"10.0.0.0/8"}}`):   `unknown operator "IpAdress"`,
		openBut("Condition", `{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}`): "neither an address nor a CIDR block",
		openBut("Condition", `{"IpAddress":{"SourceIp":"10.0.0.0/8"}}`):      "is no condition key",
		openBut("Condition", `{"DateLessThan":{"aws:CurrentTime":"soon"}}`):  "is not a date",
		openBut("Condition", `{"NumericEquals":{"x:n":"many"}}`):             "is not a number",
		openBut("Condition", `{"Bool":{"x:b":"yes"}}`):                       "neither true nor false",
		openBut("Condition", `{"NullIfExists":{"x:b":"true"}}`):              "unknown operator",
		openBut("Condition", `{"StringEquals":{"x:b":[]}}`):                  "the list is empty",
		openBut("Condition", `{"StringLike":{"x:b":"${aws:username"}}`):      "closing brace",
		openBut("Colour", `"red"`):                                           `unknown element "Colour"`,
		openBut("Sid", `"`+strings.Repeat("x", iam.MaxPolicySize)+`"`):       "more than 102400 characters",
		statementWith(`{` + ok + `,"Sid":"a"},{` + ok + `,"Sid":"a"}`):       `"a" is there twice`,
		strings.Repeat(`[`, 100):                                             "nested too deeply",
		"{\"Statement\":\"\xff\"}":                                           "not UTF-8",
	} {
		_, err := iam.ParseResource([]byte(doc))
		e, isError := errors.AsType[*iam.Error](err)
		if !isError || !strings.Contains(err.Error(), want) {
			t.Errorf("%.120s: error %v, want %q", doc, err, want)
			continue
		}
		service := "InvalidTypeException: Error setting policy: [" + doc + "]"
		if len(doc) > iam.MaxPolicySize {
			service = "" // not known
		}
		if e.Service != service {
			t.Errorf("%.120s: the service's answer is %.120q, want %.120q", doc, e.Service, service)
		}
	}
	for _, doc := range []string{
		statementWith(`{` + ok + `}`),
		`{"Statement":{` + ok + `}}`,
		`{"Id":"x","Statement":[{` + ok + `,"Sid":""},{` + ok + `,"Sid":""}]}`,
		statementWith(`{
			"Effect": "Deny",
			"Principal": {"AWS": ["*", "123456789012", "AIDAABCDEFGHIJKLMNOPQ"], "Service": "es.amazonaws.com"},
			"NotAction": ["es:ESHttpGet"],
			"NotResource": ["arn:aws:es:*:*:domain/x/*"]
		}`),
	} {
		if _, err := iam.ParseResource([]byte(doc)); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
	}
	const want = "names no principal"
	if _, err := iam.ParseIdentity([]byte(statementWith(`{` + ok + `}`))); !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("identity policy with a principal: error %v, want %q", err, want)
	}
}

func TestRulesThatDependOnTheDomainHaveTheServicesTexts(t *testing.T) {
	t.Parallel()
	parse := func(text string) *iam.Policy {
		p, err := iam.ParseResource([]byte(statementWith(text)))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	open := parse(`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"es:*","Resource":"*"}`)
	byIP := parse(`{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"*",
		"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`)
	const (
		tooOpen = "ValidationException: Enable fine-grained access control " +
			"or apply a restrictive access policy to your domain"
		inVPC = "ValidationException: You can’t attach an IP-based policy to a domain that has a VPC endpoint. " +
			"Instead, use a security group to control IP-based access."
	)
	for _, test := range []struct {
		policy *iam.Policy
		domain iam.Domain
		want   string
	}{
		{open, iam.Domain{}, tooOpen},
		{open, iam.Domain{FineGrained: true}, ""},
		{open, iam.Domain{AllowOpen: true}, ""},
		{open, iam.Domain{VPC: true}, ""},
		{byIP, iam.Domain{}, ""},
		{byIP, iam.Domain{VPC: true}, inVPC},
	} {
		err := test.policy.CheckFor(test.domain)
		got := ""
		if e, ok := errors.AsType[*iam.Error](err); ok {
			got = e.Service
		}
		if got != test.want {
			t.Errorf("%+v: %q, want %q", test.domain, got, test.want)
		}
	}
}

const logs = "arn:aws:es:eu-west-1:123456789012:domain/logs"

// judge evaluates a request by the statements of an access policy and of an identity policy.
func judge(t *testing.T, access, identity, caller, method, path string, facts iam.Facts) iam.Decision {
	t.Helper()
	var ps iam.Policies
	var err error
	if access != "" {
		if ps.Resource, err = iam.ParseResource([]byte(statementWith(access))); err != nil {
			t.Fatalf("%v: %s", err, access)
		}
	}
	if identity != "" {
		p, err := iam.ParseIdentity([]byte(statementWith(identity)))
		if err != nil {
			t.Fatalf("%v: %s", err, identity)
		}
		ps.Identity = []*iam.Policy{p}
	}
	p, err := iam.ParsePrincipal(caller)
	if err != nil {
		t.Fatal(err)
	}
	d, err := iam.ParseDomain(logs)
	if err != nil {
		t.Fatal(err)
	}
	action, _ := iam.ActionFor(method)
	facts.Resource = d.Resource(path)
	return iam.Evaluate(ps, iam.Request{
		Principal: p, Action: action, Resource: facts.Resource, Context: iam.NewContext(p, facts),
	})
}

const (
	alice   = "arn:aws:iam::123456789012:user/alice"
	night   = "arn:aws:sts::123456789012:assumed-role/shipper/night"
	mallory = "arn:aws:iam::210987654321:user/mallory"
)

// allow writes a statement of an access policy.
func allow(effect, principal, resource string) string {
	who, _ := json.Marshal(map[string]string{"AWS": principal})
	return fmt.Sprintf(`{"Effect":%q,"Principal":%s,"Action":"es:*","Resource":%q}`, effect, who, resource)
}

// The guide's own table: the outcome of an access policy and an identity policy in one account, and across accounts.
func TestThePoliciesOfBothSidesArePutTogetherAsTheGuideSays(t *testing.T) {
	t.Parallel()
	sides := []string{"", "Allow", "Deny"}
	for _, access := range sides {
		for _, identity := range sides {
			a, i := "", ""
			if access != "" {
				a = allow(access, alice, logs+"/*") + "," + allow(access, mallory, logs+"/*")
			}
			if identity != "" {
				i = fmt.Sprintf(`{"Effect":%q,"Action":"es:*","Resource":"*"}`, identity)
			}
			denied := access == "Deny" || identity == "Deny"
			got := judge(t, a, i, alice, "GET", "/", iam.Facts{})
			if got.Allowed != (!denied && (access == "Allow" || identity == "Allow")) || got.Explicit != denied {
				t.Errorf("same account, access policy %q, identity policy %q: %v", access, identity, got)
			}
			if got := judge(t, a, i, mallory, "GET", "/", iam.Facts{}); got.Allowed != (access == "Allow" &&
				identity == "Allow") || got.Explicit != denied {
				t.Errorf("other account, access policy %q, identity policy %q: %v", access, identity, got)
			}
		}
	}
}

func TestEveryFormOfPrincipalNamesWhomItShould(t *testing.T) {
	t.Parallel()
	everything := `{"Effect":"Allow","Action":"es:*","Resource":"*"}`
	for _, test := range []struct {
		principal, caller, identity string
		want                        bool
	}{
		{"*", "anonymous", "", true},
		{"*", alice, "", true},
		{"*", mallory, "", false}, // signing with foreign credentials fails where an unsigned call succeeds
		{"*", mallory, everything, true},
		{alice, alice, "", true},
		{alice, "arn:aws:iam::123456789012:user/Alice", "", false},
		{alice, "arn:aws:iam::123456789012:user/x/alice", "", false},
		{alice, "anonymous", "", false},
		{"123456789012", alice, "", false},
		{"123456789012", alice, everything, true},
		{"arn:aws:iam::123456789012:root", alice, everything, true},
		{"arn:aws:iam::123456789012:root", "123456789012", "", true},
		{"arn:aws:iam::123456789012:role/shipper", night, "", true},
		{"arn:aws:iam::123456789012:role/some/path/shipper", night, "", true}, // a session's ARN leaves the path out
		{"arn:aws:iam::123456789012:role/other", night, "", false},
		{night, night, "", true},
		{night, "arn:aws:sts::123456789012:assumed-role/shipper/day", "", false},
		{"arn:aws:sts::123456789012:federated-user/fred", "arn:aws:sts::123456789012:federated-user/fred", "", true},
		{"210987654321", mallory, "", false},
		{"210987654321", mallory, everything, true},
	} {
		got := judge(t, allow("Allow", test.principal, logs+"/*"), test.identity, test.caller, "GET", "/", iam.Facts{})
		if got.Allowed != test.want {
			t.Errorf("Principal %s, caller %s, identity %q: %v", test.principal, test.caller, test.identity, got)
		}
	}
}

func TestResourcesAreComparedWithThePathAsItIsWritten(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		resource, method, path string
		want                   bool
	}{
		{logs, "GET", "/", false},
		{logs + "/", "GET", "/", true},
		{logs + "/*", "GET", "/", true},
		{logs + "/*", "GET", "/idx/_search?q=x", true},
		{logs + "*", "GET", "/idx", true},
		{"*", "DELETE", "/idx", true},
		{logs + "/idx/*", "POST", "/idx/_search", true},
		{logs + "/idx/*", "DELETE", "/idx", false},
		{logs + "/idx*", "DELETE", "/idx", true},
		{logs + "/idx*", "POST", "/idx-2/_search", true},
		{logs + "/idx/*", "POST", "/_all/_search", false},
		{logs + "/idx/*", "POST", "/*/_search", false},
		{logs + "/idx/*", "POST", "/idx,secret/_search", false},
		{logs + "/idx/*", "POST", "/_bulk", false},
		{logs + "/idx/*", "GET", "/idx%2F_search", false},
		{"arn:aws:es:us-east-1:123456789012:domain/logs/*", "GET", "/", false},
		{"arn:aws:es:*:*:domain/logs/*", "GET", "/", true},
	} {
		got := judge(t, allow("Allow", alice, test.resource), "", alice, test.method, test.path, iam.Facts{})
		if got.Allowed != test.want {
			t.Errorf("%s, %s %s: %v, want allowed %v", test.resource, test.method, test.path, got, test.want)
		}
	}
}

func TestEachMethodIsAnActionOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, granted := range []string{"Get", "Head", "Post", "Put", "Delete", "Patch"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"} {
			access := fmt.Sprintf(`{"Effect":"Allow","Principal":"*","Action":"es:ESHttp%s","Resource":"*"}`, granted)
			got := judge(t, access, "", "anonymous", method, "/", iam.Facts{})
			if got.Allowed != strings.EqualFold(granted, method) {
				t.Errorf("ESHttp%s for %s: %v", granted, method, got)
			}
		}
	}
	if _, known := iam.ActionFor("TRACE"); known {
		t.Error("TRACE has an action")
	}
}

func TestConditionsHoldAsTheGuideSays(t *testing.T) {
	t.Parallel()
	facts := iam.Facts{
		SourceIP:     netip.MustParseAddr("203.0.113.7"),
		UserAgent:    "curl/8",
		OrgID:        "o-1",
		ResourceTags: map[string]string{"team": "search"},
	}
	for condition, want := range map[string]bool{
		`"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`:                          true,
		`"IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.7"]}`:              true,
		`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`:                              false,
		`"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.7"]}`:           false,
		`"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`:                           true,
		`"IpAddress":{"aws:VpcSourceIp":"0.0.0.0/0"}`:                            false,
		`"NotIpAddress":{"aws:VpcSourceIp":"0.0.0.0/0"}`:                         true, // absent, and negated
		`"IpAddressIfExists":{"aws:VpcSourceIp":"10.0.0.0/8"}`:                   true,
		`"StringEquals":{"AWS:USERNAME":"alice"}`:                                true,
		`"StringEquals":{"aws:username":"Alice"}`:                                false,
		`"StringEqualsIgnoreCase":{"aws:username":"Alice"}`:                      true,
		`"StringNotEqualsIgnoreCase":{"aws:username":"Alice"}`:                   false,
		`"StringLike":{"aws:username":"a*c?"}`:                                   true,
		`"StringNotLike":{"aws:username":"a*"}`:                                  false,
		`"StringEquals":{"aws:username":"a*"}`:                                   false,
		`"StringEquals":{"aws:PrincipalType":"User","aws:PrincipalOrgID":"o-1"}`: true,
		`"StringEquals":{"aws:PrincipalType":"User","aws:PrincipalOrgID":"o-2"}`: false,
		`"StringEquals":{"aws:ResourceTag/team":"search"}`:                       true,
		`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`:                     true,
		`"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}`:       true,
		`"StringEquals":{"aws:username":"${aws:none}"}`:                          false,
		`"StringEquals":{"aws:username":"${aws:none, 'alice'}"}`:                 true,
		`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`:               true,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}`:      false,
		`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/*"}`:   true,
		`"ArnLike":{"aws:username":"*"}`:                                         false, // not an ARN
		`"Null":{"aws:TokenIssueTime":"true"}`:                                   true,
		`"Null":{"aws:TokenIssueTime":"false"}`:                                  false,
		`"Null":{"aws:username":true}`:                                           false,
		`"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}`:           true,
		`"DateLessThan":{"aws:CurrentTime":"2020-01-01"}`:                        false,
		`"NumericGreaterThan":{"aws:EpochTime":"1500000000"}`:                    true,
		`"NumericLessThanEquals":{"aws:EpochTime":1}`:                            false,
		`"NumericEquals":{"aws:username":"1"}`:                                   false,
		`"DateLessThan":{"aws:username":"2020-01-01"}`:                           false,
		// The service does not support the key.
		`"Bool":{"aws:SecureTransport":"true"}`:                                         false,
		`"BoolIfExists":{"aws:SecureTransport":"true"}`:                                 true,
		`"ForAllValues:StringEquals":{"aws:none":"x"}`:                                  true,
		`"ForAnyValue:StringNotEquals":{"aws:none":"x"}`:                                false,
		`"StringEquals":{"aws:UserAgent":"curl/8"},"IpAddress":{"aws:SourceIp":"::/0"}`: false,
	} {
		access := `{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"Action":"es:*","Resource":"*","Condition":{` +
			condition + `}}`
		if got := judge(t, access, "", alice, "GET", "/", facts); got.Allowed != want {
			t.Errorf("%s: %v, want allowed %v", condition, got, want)
		}
	}
}

func TestBoundariesAndSessionPoliciesTakeAway(t *testing.T) {
	t.Parallel()
	parse := func(text string) *iam.Policy {
		p, err := iam.ParseIdentity([]byte(statementWith(text)))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	all := parse(`{"Effect":"Allow","Action":"*","Resource":"*"}`)
	get := parse(`{"Effect":"Allow","Action":"es:ESHttpGet","Resource":"*"}`)
	role, err := iam.ParseResource(
		[]byte(statementWith(allow("Allow", "arn:aws:iam::123456789012:role/shipper", logs+"/*"))))
	if err != nil {
		t.Fatal(err)
	}
	session, err := iam.ParseResource([]byte(statementWith(allow("Allow", night, logs+"/*"))))
	if err != nil {
		t.Fatal(err)
	}
	caller, err := iam.ParsePrincipal(night)
	if err != nil {
		t.Fatal(err)
	}
	allOnly, getOnly, both := []*iam.Policy{all}, []*iam.Policy{get}, []*iam.Policy{get, all}
	for _, test := range []struct {
		name     string
		policies iam.Policies
		get, put bool
		by       iam.Type // the policy that refuses
	}{
		{"identity alone", iam.Policies{Identity: allOnly}, true, true, iam.IdentityPolicy},
		{"identity within a boundary", iam.Policies{Identity: allOnly, Boundary: get}, true, false, iam.Boundary},
		{"within a session policy", iam.Policies{Identity: allOnly, Session: getOnly}, true, false, iam.SessionPolicy},
		{"of several session policies any may allow", iam.Policies{Identity: allOnly, Session: both}, true, true, ""},
		{"the role, within a boundary", iam.Policies{Resource: role, Boundary: get}, true, false, iam.Boundary},
		{"the role, within a session policy", iam.Policies{Resource: role, Session: getOnly}, true, false, iam.SessionPolicy},
		{
			name:     "the session itself is not limited",
			policies: iam.Policies{Resource: session, Boundary: get, Session: getOnly},
			get:      true, put: true,
		},
	} {
		for method, want := range map[string]bool{"Get": test.get, "Put": test.put} {
			d := iam.Evaluate(test.policies, iam.Request{Principal: caller, Action: "es:ESHttp" + method, Resource: logs + "/"})
			if d.Allowed != want || !want && d.By != test.by {
				t.Errorf("%s, %s: %v by %q, want allowed %v, by %q", test.name, method, d, d.By, want, test.by)
			}
		}
	}
}

func TestExplainSaysWhyEachStatementDoesNotApply(t *testing.T) {
	t.Parallel()
	ps := iam.Policies{}
	var err error
	ps.Resource, err = iam.ParseResource([]byte(statementWith(strings.Join([]string{
		allow("Allow", mallory, "*"),
		`{"Sid":"Write","Effect":"Allow","Principal":"*","Action":"es:ESHttpPut","Resource":"*"}`,
		allow("Allow", alice, logs+"/x/*"),
		`{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"*",` +
			`"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}`,
		`{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"*",` +
			`"Condition":{"StringEquals":{"aws:username":"${aws:none}"}}}`,
		allow("Allow", alice, "*"),
		`{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":"*",` +
			`"Condition":{"StringNotEquals":{"aws:username":"${aws:none}"}}}`,
		allow("Allow", alice, logs+"/${aws:none}*"),
	}, ","))))
	if err != nil {
		t.Fatal(err)
	}
	p, err := iam.ParsePrincipal(alice)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range iam.Explain(ps, iam.Request{
		Principal: p, Action: "es:ESHttpGet", Resource: logs + "/", Context: iam.NewContext(p, iam.Facts{}),
	}) {
		got = append(got, fmt.Sprintf("%v %s %s", f.Applies, f.Statement, f.Reason))
	}
	want := []string{
		"false statement 0 of the resource-based policy Principal " + mallory + " is not " + alice,
		"false statement 1 (Write) of the resource-based policy Action es:ESHttpPut does not include es:ESHttpGet",
		"false statement 2 of the resource-based policy Resource " + logs + "/x/* does not include " + logs + "/",
		"false statement 3 of the resource-based policy condition IpAddress aws:SourceIp 10.0.0.0/8: " +
			"the request has no such key",
		"false statement 4 of the resource-based policy condition StringEquals aws:username ${aws:none}: " +
			"the request has alice; ${aws:none} has no value in this request: it is equal to nothing",
		"true statement 5 of the resource-based policy names the caller, or everyone",
		"true statement 6 of the resource-based policy names the caller, or everyone; " +
			"${aws:none} has no value in this request: it is equal to nothing",
		"false statement 7 of the resource-based policy Resource " + logs + "/${aws:none}* does not include " + logs +
			"/; ${aws:none} has no value in this request: a resource with it matches nothing",
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("statement %d:\n got %q\nwant %q", i, got[min(i, len(got)-1)], want[i])
		}
	}
}
