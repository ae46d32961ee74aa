package ocsf

// route53resolver is the mapping of resolver query logs to DNS Activity, which AWS has in "Amazon Route53 Resolver
// Query Log".
func route53resolver() source {
	return source{
		format: "route53resolver",
		all: `
			time = query_timestamp : time
			severity = : informational
			metadata.version = "1.5.0"
			metadata.product.name = "Route 53"
			metadata.product.vendor_name = "AWS"
			metadata.product.version = version
			metadata.product.feature.name = "Resolver Query Logs"
			metadata.log_name = "Resolver Query Logs"
			metadata.profiles = ["cloud","security_control","datetime"]
			cloud.provider = "AWS"
			cloud.account.uid = account_id
			cloud.region = region`,
		keys: "query_name srcaddr",
		choose: func(w *writer) int {
			if len(w.text("query_name")) > 0 && w.has("srcaddr") {
				return 1
			}
			return 0
		},
		classes: []class{{
			name: "DNS Activity", uid: 4003, category: "Network Activity",
			activity: ": traffic",
			table: `
				action = firewall_rule_action : action
				disposition = firewall_rule_action : disposition
				query.hostname = query_name
				query.type = query_type
				query.class = query_class
				rcode = rcode : rcode
				answers[].rdata = answers[].Rdata
				answers[].type = answers[].Type
				answers[].class = answers[].Class
				src_endpoint.ip = srcaddr : ip
				src_endpoint.domain = srcaddr : host
				src_endpoint.port = srcport : int
				src_endpoint.vpc_uid = vpc_id
				src_endpoint.instance_uid = srcids.instance
				dst_endpoint.instance_uid = srcids.resolver_endpoint
				dst_endpoint.interface_uid = srcids.resolver_network_interface
				connection_info.direction = : direction
				connection_info.protocol_name = transport
				firewall_rule.uid = firewall_rule_group_id`,
		}},
		enums: map[string]enum{
			"traffic":   {captions: map[int]string{6: "Traffic"}, without: 6},
			"direction": {captions: map[int]string{0: "Unknown"}},
			"action": {
				captions: map[int]string{1: "Allowed", 2: "Denied"},
				number:   numbered(map[string]int{"ALLOW": 1, "ALERT": 1, "BLOCK": 2}), without: absent,
			},
			"disposition": {
				captions: map[int]string{1: "Allowed", 2: "Blocked", 19: "Alert"},
				number:   numbered(map[string]int{"ALLOW": 1, "ALERT": 19, "BLOCK": 2}), exact: true, without: absent,
			},
			"rcode": {
				captions: map[int]string{
					0: "NoError", 1: "FormError", 2: "ServError", 3: "NXDomain", 4: "NotImp", 5: "Refused", 6: "YXDomain",
					7: "YXRRSet", 8: "NXRRSet", 9: "NotAuth", 10: "NotZone", 16: "BADSIG_VERS", 17: "BADKEY", 18: "BADTIME",
					19: "BADMODE", 20: "BADNAME", 21: "BADALG", 22: "BADTRUNC", 23: "BADCOOKIE",
				},
				number: numbered(map[string]int{
					"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5, "YXDOMAIN": 6,
					"YXRRSET": 7, "NXRRSET": 8, "NOTAUTH": 9, "NOTZONE": 10, "BADVERS": 16, "BADSIG": 16, "BADKEY": 17,
					"BADTIME": 18, "BADMODE": 19, "BADNAME": 20, "BADALG": 21, "BADTRUNC": 22, "BADCOOKIE": 23,
				}),
				exact: true, without: absent,
			},
		},
	}
}
