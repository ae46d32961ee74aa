package ocsf

// waf is the mapping of AWS WAF to HTTP Activity, which AWS has in "Amazon WAF". http_status is left to http_response,
// which the schema has in its place since 1.1.
func waf() source {
	return source{
		format: "waf",
		all: `
			time = timestamp : time
			severity = : informational
			metadata.version = "1.5.0"
			metadata.product.name = "AWS WAF"
			metadata.product.vendor_name = "AWS"
			metadata.product.version = formatVersion
			metadata.product.feature.name = "WAF"
			metadata.product.feature.uid = webaclId
			metadata.log_name = "WAF logs"
			metadata.labels = labels[].name
			metadata.profiles = ["cloud","security_control","datetime"]
			cloud.provider = "AWS"`,
		keys: "httpRequest webaclId",
		choose: func(w *writer) int {
			if v := w.values[w.plan.index["httpRequest"]]; len(v) > 0 && v[0] == '{' && w.has("webaclId") {
				return 1
			}
			return 0
		},
		classes: []class{{
			name: "HTTP Activity", uid: 4002, category: "Network Activity",
			activity: "httpRequest.httpMethod : method-activity",
			must:     "http_request",
			table: `
				action = action : action
				disposition = action : disposition
				src_endpoint.ip = httpRequest.clientIp : ip
				src_endpoint.domain = httpRequest.clientIp : host
				src_endpoint.uid = httpSourceId
				src_endpoint.svc_name = httpSourceName
				src_endpoint.location.country = httpRequest.country
				http_request.http_method = httpRequest.httpMethod : method
				http_request.uid = httpRequest.requestId
				http_request.version = httpRequest.httpVersion
				http_request.args = httpRequest.args
				http_request.url.path = httpRequest.uri
				http_request.url.hostname = httpRequest.headers : header(host)
				http_request.user_agent = httpRequest.headers : header(user-agent)
				http_request.referrer = httpRequest.headers : header(referer)
				http_request.x_forwarded_for = httpRequest.headers : headers(x-forwarded-for)
				http_request.http_headers[].name = httpRequest.headers[].name
				http_request.http_headers[].value = httpRequest.headers[].value
				http_response.code = responseCodeSent : int
				firewall_rule.uid = terminatingRuleId
				firewall_rule.type = terminatingRuleType
				firewall_rule.condition = terminatingRuleMatchDetails[0].conditionType
				firewall_rule.sensitivity = terminatingRuleMatchDetails[0].sensitivityLevel
				firewall_rule.match_location = terminatingRuleMatchDetails[0].location
				firewall_rule.match_details = terminatingRuleMatchDetails[0].matchedData : list
				firewall_rule.name = rateBasedRuleList[0].rateBasedRuleName
				firewall_rule.rate_limit = rateBasedRuleList[0].maxRateAllowed : int
				ja4_fingerprint_list = ja4Fingerprint : ja4
				tls.version = ja4Fingerprint : tls
				tls.ja3_hash = ja3Fingerprint : ja3 ? ja4Fingerprint`,
		}},
		enums: map[string]enum{
			"method-activity": {
				captions: map[int]string{
					0: "Unknown", 1: "Connect", 2: "Delete", 3: "Get", 4: "Head", 5: "Options", 6: "Post", 7: "Put", 8: "Trace",
				},
				number: numbered(map[string]int{
					"CONNECT": 1, "DELETE": 2, "GET": 3, "HEAD": 4, "OPTIONS": 5, "POST": 6, "PUT": 7, "TRACE": 8,
				}),
			},
			"action": {
				captions: map[int]string{0: "Unknown", 1: "Allowed", 2: "Denied", 3: "Observed"},
				number: numbered(map[string]int{
					"ALLOW": 1, "BLOCK": 2, "COUNT": 3, "CAPTCHA": 2, "CHALLENGE": 2,
				}),
			},
			"disposition": {
				captions: map[int]string{1: "Allowed", 2: "Blocked", 20: "Count", 22: "Captcha", 23: "Challenge"},
				number: numbered(map[string]int{
					"ALLOW": 1, "BLOCK": 2, "COUNT": 20, "CAPTCHA": 22, "CHALLENGE": 23,
				}),
				exact: true, without: absent,
			},
		},
	}
}
