package sigv4_test

import (
	"testing"

	"github.com/seed56735111/penstock/sigv4"
)

func TestRegionAndServiceComeFromDomainNamesOnly(t *testing.T) {
	t.Parallel()
	tests := []struct{ host, region, service string }{
		{"search-logs-abc.eu-west-1.es.amazonaws.com", "eu-west-1", "es"},
		{"vpc-logs-abc.us-east-2.es.amazonaws.com:443", "us-east-2", "es"},
		{"SEARCH-Logs.EU-West-1.ES.amazonaws.com.", "eu-west-1", "es"},
		{"x.us-gov-east-1.es.amazonaws.com", "us-gov-east-1", "es"},
		{"x.cn-north-1.es.amazonaws.com.cn", "cn-north-1", "es"},
		{"x.us-iso-east-1.es.c2s.ic.gov", "us-iso-east-1", "es"},
		{"x.us-isob-east-1.es.sc2s.sgov.gov", "us-isob-east-1", "es"},
		{"x.eu-isoe-west-1.es.cloud.adc-e.uk", "eu-isoe-west-1", "es"},
		{"x.us-isof-south-1.es.csp.hci.ic.gov", "us-isof-south-1", "es"},
		{"x.eusc-de-east-1.es.amazonaws.eu", "eusc-de-east-1", "es"},
		{"search-x.aos.us-east-1.on.aws", "us-east-1", "es"},
		{"abc123.us-west-2.aoss.amazonaws.com", "us-west-2", "aoss"},
		{"abc123.us-gov-west-1.aoss.amazonaws.com", "us-gov-west-1", "aoss"},
		{"abc123.us-east-1.aoss-fips.amazonaws.com", "us-east-1", "aoss"},
		{"abc123.aoss.us-east-1.on.aws", "us-east-1", "aoss"},
		{"123456789012.aoss.eu-west-1.on.aws:443", "eu-west-1", "aoss"},

		{"aoss.us-east-1.on.aws", "", ""},
		{"abc123.aoss.custom.on.aws", "", ""},
		{"abc123.other.us-east-1.on.aws", "", ""},

		{"abc123.cn-north-1.aoss.amazonaws.com.cn", "", ""}, // no such service there
		{"es.us-east-1.amazonaws.com", "", ""},              // the configuration API
		{"es-fips.us-east-1.amazonaws.com", "", ""},
		{"aos.us-east-1.api.aws", "", ""},
		{"eu-west-1.es.amazonaws.com", "", ""},
		{"x.es.amazonaws.com", "", ""},
		{"x.custom.es.amazonaws.com", "", ""},
		{"x.eu-west-1.es.amazonaws.com.evil.example", "", ""},
		{"x.eu-west-1.esamazonaws.com", "", ""},
		{"bucket.s3.eu-west-1.amazonaws.com", "", ""},
		{"logs.example.com", "", ""},
		{"localhost:9200", "", ""},
		{"127.0.0.1", "", ""},
		{"[::1]:9200", "", ""},
		{"", "", ""},
	}
	for _, test := range tests {
		region, service, ok := sigv4.Infer(test.host)
		if region != test.region || service != test.service || ok != (test.region != "") {
			t.Errorf("%q: got %q, %q, %v, want %q, %q", test.host, region, service, ok, test.region, test.service)
		}
	}
}
