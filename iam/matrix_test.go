package iam_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/iam"
)

// preset is an access policy of the console: an effect for principals, perhaps from some addresses only.
type preset struct{ name, effect, principal, condition string }

func presets() []preset {
	return []preset{
		{"open", "Allow", `"*"`, ""},
		{"deny", "Deny", `"*"`, ""},
		{"ip", "Allow", `"*"`, `,"Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24"]}}`},
		{"iam user", "Allow", `"` + alice + `"`, ""},
		{"iam role", "Allow", `"arn:aws:iam::123456789012:role/shipper"`, ""},
		{"iam session", "Allow", `["` + night + `"]`, ""},
		{"iam account", "Allow", `"123456789012"`, ""},
		{"iam foreign user", "Allow", `"` + mallory + `"`, ""},
		{"iam foreign account", "Allow", `"arn:aws:iam::210987654321:root"`, ""},
	}
}

// The presets are held against every kind of caller, method and resource. The tables say what each preset says to each
// caller, and which paths each resource reaches. The guide's rules put the two together.
func TestThePresetsDecideAsTheGuideSays(t *testing.T) {
	t.Parallel()
	type caller struct {
		name, arn, identity string
		isOutside           bool // of the addresses that the ip preset names
		// says is what each preset says: Allow, Deny, delegate to the account, or nothing.
		says string
	}
	const (
		bob   = "arn:aws:iam::123456789012:user/bob"
		molly = "arn:aws:iam::210987654321:user/molly"
		day   = "arn:aws:sts::123456789012:assumed-role/shipper/day"
		other = "arn:aws:sts::123456789012:assumed-role/reader/night"
		root  = "123456789012"
	)
	callers := []caller{
		{name: "anonymous", arn: "anonymous", says: "ADA------"},
		{name: "anonymous from outside", arn: "anonymous", isOutside: true, says: "AD-------"},
		{name: "a user who is named", arn: alice, says: "ADAA--d--"},
		{name: "the same from outside", arn: alice, isOutside: true, says: "AD-A--d--"},
		{name: "the same with an identity policy", arn: alice, identity: "Allow", says: "ADAA--d--"},
		{name: "the same with an identity policy that denies", arn: alice, identity: "Deny", says: "ADAA--d--"},
		{name: "a user who is not named", arn: bob, says: "ADA---d--"},
		{name: "the same with an identity policy", arn: bob, identity: "Allow", says: "ADA---d--"},
		{name: "the session that is named", arn: night, says: "ADA-AAd--"},
		{name: "another session of the role", arn: day, says: "ADA-A-d--"},
		{name: "a session of another role", arn: other, says: "ADA---d--"},
		{name: "the same with an identity policy", arn: other, identity: "Allow", says: "ADA---d--"},
		{name: "the account's root", arn: root, identity: "Allow", says: "ADA---A--"}, // it needs no policy for that
		{name: "a foreign user", arn: mallory, says: "ADA----AA"},
		{name: "the same with an identity policy", arn: mallory, identity: "Allow", says: "ADA----AA"},
		{name: "the same with an identity policy that denies", arn: mallory, identity: "Deny", says: "ADA----AA"},
		{name: "a foreign user who is not named", arn: molly, identity: "Allow", says: "ADA-----A"},
	}
	requests := []string{
		"GET /", "HEAD /idx", "POST /idx/_search", "PUT /idx/_doc/1", "DELETE /idx", "PATCH /idx/x",
		"GET /_all/_search", "GET /*/_search", "POST /idx,secret/_search", "GET /idx%2F_search", "POST /_bulk",
		"POST /idx/_bulk",
	}
	reaches := map[string]string{
		logs:            "000000000000",
		logs + "/*":     "111111111111",
		logs + "/idx/*": "001101000001",
		logs + "/idx*":  "011111001101",
		"*":             "111111111111",
	}
	cases := 0
	for i, preset := range presets() {
		for resource, reached := range reaches {
			access := fmt.Sprintf(`{"Effect":%q,"Principal":{"AWS":%s},"Action":["es:*"],"Resource":%q%s}`,
				preset.effect, preset.principal, resource, preset.condition)
			for _, c := range callers {
				facts := iam.Facts{SourceIP: netip.MustParseAddr("203.0.113.7")}
				if c.isOutside {
					facts.SourceIP = netip.MustParseAddr("198.51.100.1")
				}
				identity := ""
				if c.identity != "" && c.arn != root {
					identity = fmt.Sprintf(`{"Effect":%q,"Action":"es:*","Resource":"*"}`, c.identity)
				}
				for j, request := range requests {
					says := c.says[i]
					if reached[j] == '0' {
						says = '-'
					}
					denied := says == 'D' || c.identity == "Deny"
					want := says == 'A' || c.identity == "Allow"
					if c.arn == mallory || c.arn == molly {
						want = says == 'A' && c.identity == "Allow"
					}
					method, path, _ := strings.Cut(request, " ")
					got := judge(t, access, identity, c.arn, method, path, facts)
					if got.Allowed != (want && !denied) || got.Explicit != denied {
						t.Errorf("preset %s on %s, %s, %s: %v, want allowed %v, denied %v",
							preset.name, resource, c.name, request, got, want && !denied, denied)
					}
					cases++
				}
			}
		}
	}
	t.Logf("%d cases", cases)
}

func TestEveryKindOfCallerIsFoundByEveryFormThatNamesIt(t *testing.T) {
	t.Parallel()
	const (
		role   = "arn:aws:iam::123456789012:role/team/a/shipper"
		userID = "AIDAABCDEFGHIJKLMNOPQ"
		roleID = "AROAABCDEFGHIJKLMNOPQ"
	)
	must := func(p iam.Principal, err error) iam.Principal {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	callers := []struct {
		caller iam.Principal
		named  string // the forms below that admit it, without any identity policy
	}{
		{iam.Anonymous(), `"*"`},
		{must(iam.NewUser("arn:aws:iam::123456789012:user/team/grace", userID)), `"*" user id`},
		{must(iam.NewUser("arn:aws:iam::123456789012:user/team/grace", "")), `"*" user`},
		{must(iam.NewUser("arn:aws:iam::123456789012:user/grace", "")), `"*"`},
		{must(iam.NewRoleSession(night, role, roleID)), `"*" role role-id session`},
		{must(iam.NewRoleSession(night, role, roleID+":night")), `"*" role role-id session`},
		{must(iam.NewRoleSession(night, "arn:aws:iam::123456789012:role/shipper", "")), `"*" session short-role`},
		{must(iam.ParsePrincipal(night)), `"*" role session short-role`}, // the path is not known
		{
			caller: must(iam.NewFederatedUser("arn:aws:sts::123456789012:federated-user/fred",
				"arn:aws:iam::123456789012:root")),
			named: `"*" federated`,
		},
		{must(iam.ParsePrincipal("123456789012")), `"*" account root`},
	}
	forms := []struct{ name, principal string }{
		{`"*"`, `"*"`},
		{"account", `{"AWS":"123456789012"}`},
		{"root", `{"AWS":["arn:aws:iam::123456789012:root"]}`},
		{"user", `{"AWS":"arn:aws:iam::123456789012:user/team/grace"}`},
		{"id", `{"AWS":"` + userID + `"}`},
		{"role", `{"AWS":"` + role + `"}`},
		{"short-role", `{"AWS":"arn:aws:iam::123456789012:role/shipper"}`},
		{"role-id", `{"AWS":"` + roleID + `"}`},
		{"session", `{"AWS":["arn:aws:iam::123456789012:user/nobody","` + night + `"]}`},
		{"federated", `{"AWS":"arn:aws:sts::123456789012:federated-user/fred"}`},
		{"service", `{"Service":"es.amazonaws.com"}`},
		{
			name: "provider",
			principal: `{"Federated":["cognito-identity.amazonaws.com","arn:aws:iam::123456789012:saml-provider/x"],` +
				`"CanonicalUser":"79a5"}`,
		},
	}
	for _, f := range forms {
		policy, err := iam.ParseResource(
			[]byte(statementWith(`{"Effect":"Allow","Principal":` + f.principal + `,"Action":"es:*","Resource":"*"}`)))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range callers {
			want := false
			for name := range strings.FieldsSeq(c.named) {
				want = want || name == f.name
			}
			got := iam.Evaluate(iam.Policies{Resource: policy}, iam.Request{
				Principal: c.caller, Action: "es:ESHttpGet", Resource: logs + "/",
			})
			// A root gets in anyway; what counts is by which policy.
			if named := got.Allowed && got.By == iam.ResourcePolicy && got.Statement.Type != ""; named != want {
				t.Errorf("Principal %s, caller %s %s: %v, want named %v", f.principal, c.caller.Kind(), c.caller, got, want)
			}
		}
	}
}

func TestNobodyIsTakenForSomebodyElse(t *testing.T) {
	t.Parallel()
	for _, arn := range []string{
		"alice", "arn:aws:iam::123456789012:role/shipper", "arn:aws:iam::123456789012:user/", "arn:aws:iam::12345:user/x",
		"arn:aws:iam:eu-west-1:123456789012:user/x",
		"arn:aws:sts::123456789012:assumed-role/shipper", "arn:aws:sts::123456789012:assumed-role/shipper/a/b",
		"arn:aws:sts::123456789012:assumed-role//x",
		"arn:aws:s3::123456789012:user/x", "arn::iam::123456789012:user/x", "arn:aws:iam::123456789012:user/a*",
		"12345678901", "arn:aws:iam::123456789012:group/x",
	} {
		if p, err := iam.ParsePrincipal(arn); err == nil {
			t.Errorf("%s is %s %s", arn, p.Kind(), p)
		}
	}
	session := func(session, role string) error { _, err := iam.NewRoleSession(session, role, ""); return err }
	user := func(arn string) error { _, err := iam.NewUser(arn, ""); return err }
	federated := func(arn, user string) error { _, err := iam.NewFederatedUser(arn, user); return err }
	const fred = "arn:aws:sts::123456789012:federated-user/fred"
	for what, err := range map[string]error{
		"a session of a role with another name": session(night, "arn:aws:iam::123456789012:role/team/reader"),
		"a session of a role elsewhere":         session(night, "arn:aws:iam::210987654321:role/shipper"),
		"a session of a user":                   session(night, alice),
		"a user as a session":                   session(alice, "arn:aws:iam::123456789012:role/alice"),
		"no session at all":                     session("night", "arn:aws:iam::123456789012:role/shipper"),
		"a session as a user":                   user(night),
		"no user at all":                        user("alice"),
		"a federated user of a foreign user":    federated(fred, mallory),
		"a federated user of a session":         federated(fred, night),
		"a user as a federated user":            federated(alice, alice),
		"a federated user of nobody":            federated(fred, "alice"),
	} {
		if err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}

func TestEveryKeyOfARequestHasItsValue(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	facts := iam.Facts{
		Time:         at,
		SourceIP:     netip.MustParseAddr("203.0.113.7"),
		UserAgent:    "curl/8",
		Referer:      "https://x.example",
		TokenIssued:  at.Add(-time.Second),
		OrgID:        "o-1",
		Resource:     logs + "/idx",
		ResourceTags: map[string]string{"Team": "search"},
	}
	inVPC := facts
	inVPC.SourceVPC, inVPC.SourceVPCE = "vpc-1", "vpce-1"
	role, err := iam.NewRoleSession(night, "arn:aws:iam::123456789012:role/team/shipper", "AROAABCDEFGHIJKLMNOPQ")
	if err != nil {
		t.Fatal(err)
	}
	user, err := iam.NewUser(alice, "AIDAABCDEFGHIJKLMNOPQ")
	if err != nil {
		t.Fatal(err)
	}
	const common = ` aws:currenttime=2026-11-24T12:00:00Z aws:epochtime=1795521600 aws:referer=https://x.example ` +
		`aws:requestedregion=eu-west-1 aws:resourceaccount=123456789012 aws:resourcetag/team=search aws:useragent=curl/8`
	for _, test := range []struct {
		name   string
		caller iam.Principal
		facts  iam.Facts
		want   string
	}{
		{
			name:   "nobody, nothing known",
			caller: iam.Anonymous(),
			facts:  iam.Facts{Time: at},
			want: "aws:currenttime=2026-11-24T12:00:00Z aws:epochtime=1795521600 aws:principaltype=Anonymous " +
				"aws:userid=anonymous",
		},
		{
			name:   "anonymous",
			caller: iam.Anonymous(),
			facts:  facts,
			want:   "aws:principaltype=Anonymous aws:sourceip=203.0.113.7 aws:userid=anonymous" + common,
		},
		{
			name:   "user",
			caller: user,
			facts:  facts,
			want: "aws:principalaccount=123456789012 aws:principalarn=" + alice +
				" aws:principalorgid=o-1 aws:principaltype=User aws:sourceip=203.0.113.7 " +
				"aws:tokenissuetime=2026-11-24T11:59:59Z aws:userid=AIDAABCDEFGHIJKLMNOPQ aws:username=alice" + common,
		},
		{
			name:   "role session in a VPC",
			caller: role,
			facts:  inVPC,
			want: "aws:principalaccount=123456789012 aws:principalarn=arn:aws:iam::123456789012:role/team/shipper " +
				"aws:principalorgid=o-1 aws:principaltype=AssumedRole aws:sourcevpc=vpc-1 aws:sourcevpce=vpce-1 " +
				"aws:tokenissuetime=2026-11-24T11:59:59Z aws:userid=AROAABCDEFGHIJKLMNOPQ:night aws:vpcsourceip=203.0.113.7" +
				common,
		},
	} {
		c := iam.NewContext(test.caller, test.facts)
		got := map[string]string{}
		for key, values := range c.All() {
			got[key] = strings.Join(values, ",")
		}
		want := map[string]string{}
		for pair := range strings.FieldsSeq(test.want) {
			key, value, _ := strings.Cut(pair, "=")
			want[key] = value
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if string(a) != string(b) {
			t.Errorf("%s:\n got %s\nwant %s", test.name, a, b)
		}
	}
	var c iam.Context
	c.Set("X:Key", "a", "b")
	if got := c.Values("x:kEY"); len(got) != 2 {
		t.Errorf("keys have case: %v", got)
	}
	before := c
	if c.Set("x:key"); c.Values("X:Key") != nil {
		t.Error("a key without values is there")
	}
	if len(before.Values("x:key")) != 2 {
		t.Error("a copy changed with what it was copied from")
	}
}
