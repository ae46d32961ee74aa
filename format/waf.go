package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// waf is "Log fields" of AWS WAF in its documentation. webaclId is an ARN, of the classic service a bare id; the names
// of all fields are fixed, so none of them has to be text. Some take webaclId off, as it is the same in all of a file.
func waf() schema {
	return schema{
		name: "waf", told: "objects with httpRequest, terminatingRuleId, action and webaclId or formatVersion",
		about: "web requests that AWS WAF looked at",
		grammar: &events.Row{
			Names: []string{"webaclId", "httpRequest", "terminatingRuleId", "terminatingRuleType", "action", "formatVersion"},
			Least: 4,
			Is:    map[string]string{"terminatingRuleId": `"`, "httpRequest": "{"},
			Times: []string{"timestamp"},
			Fields: []entry.Field{
				{Name: "timestamp", Type: entry.Long},
				{Name: "httpRequest.clientIp", Type: entry.IP},
				{Name: "responseCodeSent", Type: entry.Long},
			},
		},
	}
}
