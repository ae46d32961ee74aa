package guard_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/identity"
)

const (
	carol   = "arn:aws:iam::123456789012:user/carol"
	foreign = "arn:aws:iam::999999999999:user/grace"
	reader  = "arn:aws:iam::123456789012:role/reader"
)

func allowAll() []jsontext.Value {
	return []jsontext.Value{
		jsontext.Value(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"es:*","Resource":"*"}]}`),
	}
}

// people adds callers with identity policies to the ones that newDomain makes.
func people(t *testing.T, d *testDomain) {
	t.Helper()
	for _, arn := range []string{carol, foreign} {
		c, err := d.Identities.CreateUser(identity.User{ARN: arn, Policies: allowAll()})
		if err != nil {
			t.Fatal(err)
		}
		d.keys[arn] = c
	}
	if err := d.Identities.CreateRole(identity.Role{ARN: reader}); err != nil {
		t.Fatal(err)
	}
	c, err := d.Identities.CreateSession(reader, "night", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	d.keys[reader] = c
}

// TestThePresetsAdmitWhomTheyName asks every caller under every preset with every method.
func TestThePresetsAdmitWhomTheyName(t *testing.T) {
	t.Parallel()
	callers := []string{"", alice, carol, shipper, reader, mallory, foreign}
	for _, c := range []struct {
		access string
		// admitted has a 1 for each caller that gets in: anonymous, alice (no identity policy), carol (one that
		// allows), the role shipper, the role reader, mallory (another account), grace (another account, allowed there)
		admitted string
	}{
		{"open", "1111101"},
		{"deny", "0000000"},
		{"ip=127.0.0.0/8,::1", "1111101"},
		{"ip=203.0.113.0/24", "0010000"},
		{"iam=" + alice, "0110000"},
		{"iam=" + shipper, "0011000"},
		{"iam=arn:aws:sts::123456789012:assumed-role/shipper/night", "0011000"},
		{"iam=arn:aws:sts::123456789012:assumed-role/shipper/day", "0010000"},
		{"iam=123456789012", "0010000"},
		{"iam=arn:aws:iam::123456789012:root", "0010000"},
		{"iam=" + mallory, "0010000"},
		{"iam=" + foreign, "0010001"},
		{"iam=999999999999", "0010001"},
		{"iam=" + alice + "," + shipper + "," + foreign, "0111001"},
	} {
		d := newDomain(t, c.access)
		people(t, d)
		for i, who := range callers {
			for method, body := range map[string]string{
				"GET": "", "HEAD": "", "POST": "{}", "PUT": "{}", "DELETE": "", "PATCH": "{}",
			} {
				want := http.StatusForbidden
				if c.admitted[i] == '1' {
					want = http.StatusOK
				}
				if status, text := d.do(t, who, method, "/idx/_search", body); status != want {
					t.Errorf("%s: %s as %q: %d %s, want %d", c.access, method, who, status, text, want)
				}
			}
		}
	}
}

// TestPoliciesReachThePathsTheyName has the traps of the guide: a policy for "domain/N" admits nowhere, one for
// "idx/*" not to the index itself, and one for "idx*" to every name that begins so.
func TestPoliciesReachThePathsTheyName(t *testing.T) {
	t.Parallel()
	paths := []string{
		"/", "/idx", "/idx/_search", "/idx-2/_search", "/_all/_search", "/*/_search", "/a,idx/_search", "/idx,a/_search",
		"/idx%2Fx", "/_bulk", "/%69dx/_search",
	}
	for resource, admitted := range map[string]string{
		domainARN:                "00000000000",
		domainARN + "/":          "10000000000",
		domainARN + "/*":         "11111111111",
		domainARN + "/idx":       "01000000000",
		domainARN + "/idx/*":     "00100000000",
		domainARN + "/idx*":      "01110001100",
		domainARN + "/?ll/*":     "00000000000",
		domainARN + "/*/_search": "00111111001",
		"*":                      "11111111111",
	} {
		d := newDomain(t,
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"es:ESHttp*","Resource":"`+resource+
				`"}]}`)
		for i, path := range paths {
			want := http.StatusForbidden
			if admitted[i] == '1' {
				want = http.StatusOK
			}
			if status, text := d.do(t, "", "GET", path, ""); status != want {
				t.Errorf("%s: GET %s: %d %s, want %d", resource, path, status, text, want)
			}
		}
	}
}

func TestADenyIsNotAvoidedByAnotherSpelling(t *testing.T) {
	t.Parallel()
	d := newDomain(t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"`+domainARN+`/*"},
		{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":["`+domainARN+`/secret","`+domainARN+`/secret/*"]}]}`)
	for path, want := range map[string]int{
		"/secret": 403, "/secret/_search": 403, "/%73ecret/_search": 403, "/secret%2F_search": 403,
		"/%73%65%63%72%65%74": 403,
		"/a/../secret":        400, "//secret": 400, "/secret;x": 400, "/other/_doc/secret%2Fx": 200,
	} {
		if status, text := d.do(t, "", "GET", path, ""); status != want {
			t.Errorf("%s: %d %s, want %d", path, status, text, want)
		}
	}
}

func TestADomainInAVPCHasNoSourceAddresses(t *testing.T) {
	t.Parallel()
	const byVPC = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"*",
			"Condition":{"StringEquals":{"aws:SourceVpc":"vpc-1"}}},
		{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":"*",
			"Condition":{"Null":{"aws:SourceIp":"false"}}}]}`
	for id, want := range map[string]int{"vpc-1": 200, "vpc-2": 403} {
		d := newDomain(t, byVPC, func(c *guard.Config) { c.VPC = &guard.VPC{ID: id} })
		if status, text := d.do(t, "", "GET", "/", ""); status != want {
			t.Errorf("%s: %d %s, want %d", id, status, text, want)
		}
	}
	outside := newDomain(t, byVPC)
	if status, text := outside.do(t, "", "GET", "/", ""); status != http.StatusForbidden {
		t.Errorf("outside: %d %s", status, text)
	}
}
