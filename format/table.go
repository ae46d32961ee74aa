package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
)

// table are all formats, the more particular ones first: the first one that says yes is taken. The last one takes
// everything.
func table() []schema {
	return []schema{
		cloudtrail(),
		guardduty(),
		networkfirewall(),
		waf(),
		route53resolver(),
		config(),
		securityhub(),
		inspector(),
		macie(),
		lattice(),
		verifiedaccess(),
		bedrock(),
		eksaudit(),
		apigateway(),
		appsync(),
		cognito(),
		stepfunctions(),
		codebuild(),
		cloudwatchList(),
		suricata(),
		osquery(),
		journald(),
		okta(),
		gcp(),
		ocsf(),
		mongodb(),
		windowsxml(),
		cloudwatchExport(),
		emr(),
		msk(),
		log4j(),
		opensearch(),
		alb(),
		nlb(),
		clb(),
		albconn(),
		s3access(),
		route53public(),
		cloudfront(),
		iis(),
		w3c(),
		tgwflow(),
		vpcflow(),
		lambda(),
		redshift(),
		elasticdump(),
		opensearchBulk(),
		docker(),
		firelens(),
		cri(),
		postgresql(),
		mysqlSlow(),
		mysqlError(),
		mysqlGeneral(),
		mysqlAudit(),
		apache(),
		nginx(),
		nginxError(),
		apacheError(),
		syslog5424(),
		cef(),
		leef(),
		haproxy(),
		syslog(),
		auditd(),
		klog(),
		redis(),
		zeek(),
		parquet(),
		avro(),
		ndjson(),
		json(),
		logfmt(),
		kv(),
		csv(),
		tsv(),
		text(),
	}
}

// schema is all that a format is; the grammar in it is often a lines.Schema. How it is told and read, what it is
// called, its documentation and its tests follow from it and from its samples in testdata/NAME.
type schema struct {
	name string
	// told tells people how the format is recognised, about what it is.
	told, about string
	grammar     entry.Grammar
	// generic says that the format does not say who wrote the records: a message in it is as good as text.
	generic bool
	// service is the name of the object that a service writes to see whether it may, empty for none.
	service string
	// skip, when set, says why an object of this name holds no records, although the service writes it beside them; an
	// empty string when it may hold some.
	skip func(name string) string
}
