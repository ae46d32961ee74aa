package guard_test

import (
	"testing"

	"github.com/seed56735111/penstock/guard"
)

func TestPresetsWriteThePoliciesOfTheConsole(t *testing.T) {
	t.Parallel()
	const domain = "arn:aws:es:eu-west-1:123456789012:domain/logs"
	const head, tail = `{"Version":"2012-10-17","Statement":[{`, `"Resource":"` + domain + `/*"}]}`
	for spec, want := range map[string]string{
		"open": `"Effect":"Allow","Principal":{"AWS":"*"},"Action":["es:*"],`,
		"deny": `"Effect":"Deny","Principal":{"AWS":"*"},"Action":["es:*"],`,
		"ip=192.0.2.0/24,2001:db8::1": `"Effect":"Allow","Principal":{"AWS":"*"},"Action":["es:*"],` +
			`"Condition":{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","2001:db8::1"]}},`,
		"iam=" + alice + ",999999999999": `"Effect":"Allow",` +
			`"Principal":{"AWS":["` + alice + `","999999999999"]},"Action":["es:*"],`,
	} {
		got, _, err := guard.Access(spec, domain)
		if err != nil || string(got) != head+want+tail {
			t.Errorf("%s: %s, %v", spec, got, err)
		}
	}
	for _, bad := range []string{
		"", "closed", "open=1", "ip", "ip=", "ip=everywhere", "ip=1.2.3.4/33", "iam", "iam=alice",
	} {
		if _, _, err := guard.Access(bad, domain); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
