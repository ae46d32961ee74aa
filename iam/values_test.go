package iam_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/iam"
)

// conditioned is an Allow for alice under one condition.
func conditioned(condition string) string {
	return `{"Effect":"Allow","Principal":{"AWS":"` + alice + `"},"Action":"es:*","Resource":"*","Condition":{` +
		condition + `}}`
}

func TestWhatOnlyGoTakesForAValueIsRefused(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]string{
		`"NumericNotEquals":{"x:n":"NaN"}`:                   `"NaN" is not a number`,
		`"NumericLessThan":{"x:n":"Inf"}`:                    `"Inf" is not a number`,
		`"NumericEquals":{"x:n":"0x1p4"}`:                    `"0x1p4" is not a number`,
		`"NumericEquals":{"x:n":"1_000"}`:                    `"1_000" is not a number`,
		`"NumericEquals":{"x:n":"1e999"}`:                    `"1e999" is not a number`,
		`"DateLessThan":{"x:d":"4611686018427387904"}`:       "is not a date",
		`"IpAddress":{"aws:SourceIp":"fe80::1%eth0"}`:        "neither an address nor a CIDR block",
		`"IpAddress":{"aws:SourceIp":"10.0.0.0/8,::1"}`:      "neither an address nor a CIDR block",
		`"IpAddress":{"aws:SourceIp":"${aws:PrincipalArn}"}`: "neither an address nor a CIDR block",
		`"BinaryEquals":{"x:b":"a"}`:                         "is not base64",
	} {
		_, err := iam.ParseResource([]byte(statementWith(conditioned(condition))))
		if _, ok := errors.AsType[*iam.Error](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", condition, err, want)
		}
	}
}

func TestValuesAreComparedAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	facts := iam.Facts{Time: noon, SourceIP: netip.MustParseAddr("::ffff:203.0.113.7"), UserAgent: "1.50", Referer: "NaN"}
	for condition, want := range map[string]bool{
		`"NumericEquals":{"aws:UserAgent":"1.5"}`:                            true,
		`"NumericEquals":{"aws:UserAgent":1.5}`:                              true,
		`"NumericEquals":{"aws:UserAgent":"15e-1"}`:                          true,
		`"NumericNotEquals":{"aws:UserAgent":["1","1.5"]}`:                   false,
		`"NumericNotEquals":{"aws:UserAgent":["1","2"]}`:                     true,
		`"NumericGreaterThanEquals":{"aws:UserAgent":"1.5"}`:                 true,
		`"NumericLessThan":{"aws:UserAgent":"1.5"}`:                          false,
		`"NumericNotEquals":{"aws:Referer":"1"}`:                             true, // not a number, and so not this one
		`"NumericLessThan":{"aws:Referer":"1"}`:                              false,
		`"DateEquals":{"aws:CurrentTime":"2026-11-24T12:00:00Z"}`:            true,
		`"DateEquals":{"aws:CurrentTime":"2026-11-24T14:00:00+02:00"}`:       true,
		`"DateEquals":{"aws:CurrentTime":"2026-11-24T12:00Z"}`:               true,
		`"DateEquals":{"aws:CurrentTime":"1795521600"}`:                      true, // seconds since 1970
		`"DateGreaterThanEquals":{"aws:CurrentTime":"2026-11"}`:              true,
		`"DateLessThan":{"aws:CurrentTime":"2026"}`:                          false,
		`"DateNotEquals":{"aws:CurrentTime":"2026-11-24"}`:                   true,
		`"DateGreaterThan":{"aws:EpochTime":"2026-11-24T11:59:59Z"}`:         true,
		`"IpAddress":{"aws:SourceIp":"203.0.113.200/24"}`:                    true, // what is behind the mask does not count
		`"IpAddress":{"aws:SourceIp":"::ffff:203.0.113.0/120"}`:              true, // another way to write 203.0.113.0/24
		`"IpAddress":{"aws:SourceIp":"::ffff:203.0.113.7"}`:                  true,
		`"IpAddress":{"aws:SourceIp":"::/0"}`:                                false,
		`"IpAddress":{"aws:UserAgent":"0.0.0.0/0"}`:                          false, // not an address
		`"ArnEquals":{"aws:PrincipalArn":"*"}`:                               true,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*"}`:                    true, // the star stands for what is missing
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}`:             false,
		`"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::123456789012"}`:      true, // no ARN is that short
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:*:123456789012:user/alice"}`: false,
		`"BinaryEquals":{"aws:UserAgent":"MS41MA=="}`:                        false, // a value that is not base64
		`"StringEquals":{"aws:username":""}`:                                 false,
		`"StringLike":{"aws:username":"${aws:username}*"}`:                   true,
		`"StringEquals":{"aws:username":"${AWS:UserName}"}`:                  true,
		`"StringEquals":{"aws:username":"${$}"}`:                             false,
		`"StringLike":{"aws:username":"al${?}ce"}`:                           false, // the character itself
	} {
		if got := judge(t, conditioned(condition), "", alice, "GET", "/", facts); got.Allowed != want {
			t.Errorf("%s: %v, want allowed %v", condition, got, want)
		}
	}
	isA := conditioned(`"BinaryEquals":{"aws:Referer":"YQ=="}`)
	binary := judge(t, isA, "", alice, "GET", "/", iam.Facts{Referer: "YQ=="})
	if !binary.Allowed {
		t.Errorf("the same bytes: %v", binary)
	}
}

// In an ARN with fewer than six segments a star at the end stands for the missing ones. In one with all six it stays in
// its own segment, so that no path can pretend to be another domain.
func TestAnARNMayLackSegmentsWhenAStarEndsIt(t *testing.T) {
	t.Parallel()
	for resource, want := range map[string]bool{
		"arn:aws:es:*":                                  true,
		"arn:aws:es:eu-west-1:*":                        true,
		"arn:aws:es:eu-west-1:123456789012:*":           true,
		"arn:aws:es:*:domain/logs/*":                    true,
		"arn:aws:es:us-east-1:*":                        false,
		"arn:aws:es:*:domain/other/*":                   false,
		"arn:aws:es:*:*:domain/x/*":                     false,
		"arn:aws:es:*:210987654321:domain/logs/*":       false,
		"arn:aws:es:eu-west-?:12345678901?:domain/lo*":  true,
		"arn:aws:es:eu-west-1:123456789012:domain/l*/x": false,
	} {
		// The path holds what would fit, if a star reached over colons.
		const path = "/a:210987654321:domain/logs/x:domain/x/y"
		got := judge(t, allow("Allow", alice, resource), "", alice, "GET", path, iam.Facts{})
		if got.Allowed != want {
			t.Errorf("%s: %v, want allowed %v", resource, got, want)
		}
	}
	for _, resource := range []string{
		"arn", "arn:*", "arn:aws:*", "arn:aws:es", "arn:aws:es:eu-west-1", "arn:aws:es:r:1:", "arn:aws:es:*:domain/logs",
		"*:es:*",
	} {
		if _, err := iam.ParseResource([]byte(statementWith(allow("Allow", alice, resource)))); err == nil {
			t.Errorf("%s is taken for an ARN", resource)
		}
	}
}

func TestAFederatedUserHasWhatASessionPolicyHandsOn(t *testing.T) {
	t.Parallel()
	const fred = "arn:aws:sts::123456789012:federated-user/fred"
	caller, err := iam.NewFederatedUser(fred, alice)
	if err != nil {
		t.Fatal(err)
	}
	identity := func(text string) *iam.Policy {
		p, err := iam.ParseIdentity([]byte(statementWith(text)))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	access := func(principal string) *iam.Policy {
		p, err := iam.ParseResource([]byte(statementWith(allow("Allow", principal, "*"))))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	all := identity(`{"Effect":"Allow","Action":"*","Resource":"*"}`)
	get := identity(`{"Effect":"Allow","Action":"es:ESHttpGet","Resource":"*"}`)
	for _, test := range []struct {
		name     string
		policies iam.Policies
		get, put bool
	}{
		{"the user may, and hands nothing on", iam.Policies{Identity: []*iam.Policy{all}}, false, false},
		{
			name:     "the user may, and hands GET on",
			policies: iam.Policies{Identity: []*iam.Policy{all}, Session: []*iam.Policy{get}},
			get:      true,
		},
		{
			name:     "more is handed on than there is",
			policies: iam.Policies{Identity: []*iam.Policy{get}, Session: []*iam.Policy{all}},
			get:      true,
		},
		{"the access policy names the session", iam.Policies{Resource: access(fred)}, true, true},
		{"the access policy names the user", iam.Policies{Resource: access(alice)}, false, false},
		{
			name:     "the access policy names the user, who hands GET on",
			policies: iam.Policies{Resource: access(alice), Session: []*iam.Policy{get}},
			get:      true,
		},
		{"the access policy names everyone", iam.Policies{Resource: access("*")}, true, true},
	} {
		for method, want := range map[string]bool{"Get": test.get, "Put": test.put} {
			d := iam.Evaluate(test.policies, iam.Request{Principal: caller, Action: "es:ESHttp" + method, Resource: logs + "/"})
			if d.Allowed != want {
				t.Errorf("%s, %s: %v, want allowed %v", test.name, method, d, want)
			}
		}
	}
}

func TestADecisionNamesBothStatementsWhereBothSidesHaveToAllow(t *testing.T) {
	t.Parallel()
	access := allow("Deny", alice, "*") + "," + allow("Allow", mallory, "*")
	identity := `{"Sid":"Mine","Effect":"Allow","Action":"es:*","Resource":"*"}`
	got := judge(t, access, identity, mallory, "GET", "/", iam.Facts{})
	want := "allowed by statement 0 (Mine) of the identity-based policy and statement 1 of the resource-based policy"
	if got.String() != want || got.And.Type != iam.ResourcePolicy {
		t.Errorf("%+v: %s, want %s", got, got, want)
	}
}

func TestMessagesAreShortAndParsingIsLinear(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 40000)
	for _, doc := range []string{
		`{"` + long + `":1}`, `{"` + long + `":1,"` + long + `":1}`,
		statementWith(`{"Effect":"` + long + `","Principal":"*","Action":"*"}`),
		statementWith(`{"Effect":"Allow","Principal":{"AWS":"` + long + `"},"Action":"*"}`),
		statementWith(`{"Effect":"Allow","Principal":"*","Action":"` + long + `"}`),
		statementWith(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"` + long + `"}`),
		statementWith(conditioned(`"` + long + `":{"x:y":"z"}`)),
		statementWith(conditioned(`"Bool":{"` + long + `":"z"}`)),
		statementWith(conditioned(`"Bool":{"x:` + long + `":"z"}`)),
		statementWith(conditioned(`"Bool":{"x:y":"` + long + `"}`)),
		statementWith(conditioned(`"StringLike":{"x:y":"${` + long + `}"}`)),
	} {
		_, err := iam.ParseResource([]byte(doc))
		if err == nil || len(err.Error()) > 500 {
			t.Errorf("%.60s…: a message of %d bytes", doc, len(err.Error()))
		}
	}
	// A hundred thousand characters of keys take no noticeable time, to read and to judge.
	var keys []string
	for i := range 4000 {
		keys = append(keys,
			`"x:`+strings.Repeat("a", i%7)+string(rune('a'+i%26))+time.Unix(int64(i), 0).UTC().Format("150405")+`":"1"`)
	}
	p, err := iam.ParseResource([]byte(
		statementWith(conditioned(`"StringEqualsIfExists":{` + strings.Join(keys, ",") + `}`))))
	if err != nil {
		t.Fatal(err)
	}
	caller, err := iam.ParsePrincipal(alice)
	if err != nil {
		t.Fatal(err)
	}
	d := iam.Evaluate(iam.Policies{Resource: p}, iam.Request{
		Principal: caller, Action: "es:ESHttpGet", Resource: logs + "/",
	})
	if !d.Allowed {
		t.Error(d)
	}
}

// The guide's section "Policy variables with no value", with its example: access is denied explicitly to whoever lacks
// the tag. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-no-value
func TestAPolicyVariableWithoutAValueIsNull(t *testing.T) {
	t.Parallel()
	everything := allow("Allow", alice, logs+"/*")
	statement := func(effect, element, resource, condition string) string {
		return `{"Effect":"` + effect + `","Principal":{"AWS":"*"},"Action":"es:ESHttpGet","` + element + `":"` + resource +
			`"` + condition + `}`
	}
	where := func(operator, value string) string {
		return `,"Condition":{"` + operator + `":{"aws:UserAgent":"` + value + `"}}`
	}
	for _, test := range []struct {
		statement string
		denied    bool
	}{
		{statement("Deny", "Resource", logs+"/*", where("StringNotEquals", "${aws:Referer}")), true}, // the guide's example
		{statement("Deny", "Resource", logs+"/*", where("StringNotLike", "*${aws:Referer}*")), true},
		{statement("Deny", "Resource", logs+"/*", where("StringNotEqualsIgnoreCase", "${aws:Referer}")), true},
		{statement("Deny", "Resource", logs+"/*", where("ForAllValues:StringNotEquals", "${aws:Referer}")), true},
		{statement("Deny", "Resource", logs+"/*", where("ForAnyValue:StringNotLike", "${aws:Referer}")), true},
		{statement("Deny", "Resource", logs+"/*", where("ArnNotLike", "${aws:Referer}")), true},
		{statement("Deny", "Resource", logs+"/*", where("StringEquals", "${aws:Referer}")), false},
		{statement("Deny", "Resource", logs+"/*", where("StringLike", "${aws:Referer}*")), false},
		{statement("Deny", "Resource", logs+"/*", where("StringEqualsIgnoreCase", "${aws:Referer}")), false},
		{statement("Deny", "Resource", logs+"/*", where("StringEqualsIfExists", "${aws:Referer}")), false},
		{statement("Deny", "Resource", logs+"/*", where("StringEquals", "${aws:Referer, 'curl'}")), true},
		{statement("Deny", "Resource", logs+"/*", where("StringNotEquals", "${aws:Referer, 'curl'}")), false},
		// The other values of the list still count: one may be equal, and a negated operator wants none of them.
		{
			statement: `{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":"*",` +
				`"Condition":{"StringEquals":{"aws:UserAgent":["${aws:Referer}","curl"]}}}`,
			denied: true,
		},
		{
			statement: `{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":"*",` +
				`"Condition":{"StringNotEquals":{"aws:UserAgent":["${aws:Referer}","curl"]}}}`,
		},
		// A resource with it matches nothing, and the other resources of the statement still count.
		{statement("Deny", "Resource", logs+"/${aws:Referer}*", ""), false},
		{statement("Deny", "NotResource", logs+"/${aws:Referer}*", ""), true},
		{
			statement: `{"Effect":"Deny","Principal":"*","Action":"es:*",` +
				`"Resource":["` + logs + `/${aws:Referer}*","` + logs + `/a/*"]}`,
			denied: true,
		},
		// Before the fifth colon a variable is text, with a value or without.
		{statement("Deny", "Resource", "arn:aws:es:*:${aws:PrincipalAccount}:domain/*", ""), false},
		{statement("Deny", "Resource", "arn:aws:es:${aws:RequestedRegion}:123456789012:domain/*", ""), false},
		{statement("Deny", "Resource", "arn:aws:es:*:*:domain/logs/${aws:UserAgent, 'x'}*", ""), false},
		{statement("Deny", "Resource", "arn:aws:es:*:*:domain/logs/${aws:Referer, 'a'}/*", ""), true},
	} {
		got := judge(t, everything+","+test.statement, "", alice, "GET", "/a/_search", iam.Facts{UserAgent: "curl"})
		if got.Explicit != test.denied || got.Allowed == test.denied {
			t.Errorf("%s: %v, want denied %v", test.statement, got, test.denied)
		}
	}
}
