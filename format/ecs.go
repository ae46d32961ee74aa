package format

import (
	"slices"
	"strings"

	"github.com/seed56735111/penstock/format/internal/entry"
)

// ecs are the names of the Elastic Common Schema (8.x) that fields of formats have where there is a sure counterpart.
// Where a format does not document the type of a field it stands behind a colon.
func ecs() map[string]string {
	const (
		client  = "client_ip=source.ip client_port=source.port "
		request = "request_method=http.request.method request_url=url.original request_path=url.path request_query=url.query "
		web     = "remote_addr=source.ip status=http.response.status_code bytes_sent=http.response.bytes " +
			"referer=http.request.referrer user_agent=user_agent.original " + request
		balancer = "elb_status_code=http.response.status_code received_bytes=http.request.bytes " +
			"sent_bytes=http.response.bytes user_agent=user_agent.original ssl_cipher=tls.cipher " + client + request
		w3c = "c_ip=source.ip c_port=source.port cs_method=http.request.method " +
			"cs_uri_stem=url.path cs_uri_query=url.query cs_host=url.domain sc_status=http.response.status_code " +
			"sc_bytes=http.response.bytes cs_bytes=http.request.bytes cs_user_agent=user_agent.original " +
			"cs_referer=http.request.referrer "
		server = "s_ip=destination.ip s_port=destination.port cs_username=user.name"
		flow   = "account_id=cloud.account.id region=cloud.region srcaddr=source.ip dstaddr=destination.ip " +
			"srcport=source.port " +
			"dstport=destination.port bytes=network.bytes packets=network.packets protocol=network.iana_number " +
			"flow_direction=network.direction action=event.action "
		syslog = "host=host.name app=process.name priority=log.syslog.priority facility=log.syslog.facility.name " +
			"severity=log.syslog.severity.name "
		level = "level=log.level "
		user  = "user=user.name "
		mysql = user + "host=source.address"
		from  = "source_ip=source.ip source_port=source.port "
	)
	return map[string]string{
		"alb": balancer + "target_ip=destination.ip target_port=destination.port domain_name=tls.client.server_name",
		"clb": balancer + "backend_ip=destination.ip backend_port=destination.port",
		"nlb": client +
			"destination_ip=destination.ip destination_port=destination.port tls_cipher=tls.cipher " +
			"domain_name=tls.client.server_name",
		"albconn":    client + "tls_cipher=tls.cipher",
		"cloudfront": w3c + "x_edge_request_id=http.request.id ssl_cipher=tls.cipher",
		"iis":        w3c + server,
		"w3c":        w3c + server,
		"s3access": "remote_ip=source.ip operation=event.action request_id=http.request.id " +
			"request_uri_method=http.request.method " +
			"request_uri_url=url.original http_status=http.response.status_code error_code=error.code " +
			"bytes_sent=http.response.bytes referer=http.request.referrer user_agent=user_agent.original requester=user.id " +
			"cipher_suite=tls.cipher",
		"vpcflow": flow + "instance_id=cloud.instance.id",
		"tgwflow": flow,
		"nginx":   web,
		"apache":  web,
		"nginx-error": level + "client=source.address referrer=http.request.referrer pid=process.pid " +
			"tid=process.thread.id host=url.domain " + request,
		"apache-error": level + user + client + "pid=process.pid tid=process.thread.id referer=http.request.referrer",
		"haproxy": client +
			"destination_ip=destination.ip destination_port=destination.port status_code=http.response.status_code " +
			"http_request_method=http.request.method http_request_url=url.original http_request_path=url.path " +
			"http_request_query=url.query host=host.name",
		"cef":           "host=host.name",
		"leef":          "host=host.name",
		"redshift":      user + "event=event.action",
		"mysql-slow":    mysql,
		"mysql-error":   mysql,
		"mysql-general": mysql,
		"mysql-audit":   "host=source.address",
		"text":          level + user + from,
		"syslog":        syslog + user + from,
		"syslog5424":    syslog + user + from,
		"klog":          level,
		"redis":         level + "pid=process.pid",
		"log4j":         level + "pid=process.pid logger=log.logger thread=process.thread.name",
		"emr":           level,
		"postgresql":    "error_severity=log.level pid=process.pid user=user.name state_code=error.code",
		"route53public": "query_name=dns.question.name query_type=dns.question.type response_code=dns.response_code " +
			"resolver_ip=source.ip",
		"route53resolver": "account_id=cloud.account.id:keyword region=cloud.region:keyword srcaddr=source.ip " +
			"srcport=source.port:long " +
			"query_name=dns.question.name:keyword query_type=dns.question.type:keyword query_class=dns.question.class:keyword " +
			"rcode=dns.response_code:keyword srcids.instance=cloud.instance.id:keyword",
		"cloudtrail": "eventID=event.id eventName=event.action:keyword eventSource=event.provider:keyword " +
			"awsRegion=cloud.region:keyword " +
			"recipientAccountId=cloud.account.id:keyword sourceIPAddress=source.address:keyword " +
			"userAgent=user_agent.original:keyword " +
			"errorCode=error.code:keyword errorMessage=error.message:text userIdentity.principalId=user.id:keyword " +
			"userIdentity.userName=user.name:keyword",
		"waf": "httpRequest.clientIp=source.ip httpRequest.httpMethod=http.request.method:keyword " +
			"httpRequest.uri=url.path:keyword " +
			"httpRequest.args=url.query:keyword httpRequest.requestId=http.request.id:keyword action=event.action:keyword " +
			"terminatingRuleId=rule.id:keyword",
		"eks-audit": "auditID=event.id verb=event.action:keyword requestURI=url.original:keyword " +
			"user.username=user.name:keyword " +
			"sourceIPs=source.ip userAgent=user_agent.original:keyword responseStatus.code=http.response.status_code:long",
		"guardduty":   "id=event.id accountId=cloud.account.id:keyword region=cloud.region:keyword",
		"securityhub": "Id=event.id AwsAccountId=cloud.account.id:keyword Region=cloud.region:keyword",
	}
}

// withECS returns the fields of a format with their names in the Elastic Common Schema, and those that have such a name
// and no documented type.
func withECS(format string, fields []Field) []Field {
	fields = slices.Clone(fields)
	for one := range strings.FieldsSeq(ecs()[format]) {
		own, name, _ := strings.Cut(one, "=")
		name, typ, _ := strings.Cut(name, ":")
		i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == own })
		switch {
		case i >= 0:
			fields[i].ECS = name
		case typ != "":
			fields = append(fields, Field{Name: own, Type: entry.Type(typ), ECS: name})
		}
	}
	return fields
}
