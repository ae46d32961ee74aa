package format_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// The rows of Parquet and Avro files come as lines of JSON. They are told by their names, and known by their numbers.
func TestRowsAreKnownByTheirNumbers(t *testing.T) {
	t.Parallel()
	flow := `{"version":5,"account_id":"123456789012","interface_id":"eni-1","srcaddr":"10.0.0.1","start":1795514400,` +
		`"end":1795514460,"log_status":"OK"}`
	for name, tt := range map[string]struct{ table, text, format, time string }{
		"any columns": {"parquet", `{"a":1,"ts":"2026-11-24T10:00:00.000Z"}`, "parquet", "2026-11-24T10:00:00Z"},
		"any fields":  {"avro", `{"a":1}`, "avro", ""},
		"flow logs":   {"parquet", flow, "vpcflow", "2026-11-24T10:00:00Z"},
		"flow logs of gateways": {
			"parquet", `{"version":6,"tgw_id":"t","tgw_attachment_id":"a","resource_type":"TransitGateway",` +
				`"start":1795514400,"end":1795514460}`, "tgwflow", "2026-11-24T10:00:00Z",
		},
		"CloudFront": {
			"parquet",
			`{"date":"2026-11-24","time":"10:00:00","x_edge_location":"FRA56-P3","c_ip":"192.0.2.1","cs_method":"GET",` +
				`"sc_status":200}`,
			"cloudfront", "2026-11-24T10:00:00Z",
		},
		"Security Lake": {
			"parquet",
			`{"metadata":{"version":"1.1.0"},"class_uid":4001,"category_uid":4,"activity_id":6,"type_uid":400106,` +
				`"severity_id":1,"time":1795514400000}`,
			"ocsf", "2026-11-24T10:00:00Z",
		},
	} {
		long := `{"a":"` + strings.Repeat("x", 70<<10) + `"}`
		text := strings.Join([]string{tt.text, long, tt.text}, "\n") + "\n"
		rec, err := detector(t, format.Config{MaxRecordBytes: 1}).Recognize(&penstock.Object{},
			penstock.Identity{Key: "x", Modified: stored},
			penstock.Entry{Table: tt.table, Reader: strings.NewReader(text)})
		if err != nil || rec.Format != tt.format || !rec.Rows {
			t.Errorf("%s: format %q, rows %v, error %v", name, rec.Format, rec.Rows, err)
			continue
		}
		n := int64(0)
		for r, err := range rec.Records {
			re, overlong := errors.AsType[*penstock.RecordError](err)
			switch {
			case overlong && (n != 1 || re.Offset != 1 || re.Length != 1):
				t.Errorf("%s: overlong record at %d, length %d", name, re.Offset, re.Length)
			case !overlong && (err != nil || r.Offset != n || r.Seq != n):
				t.Errorf("%s: record %d at %d, error %v", name, n, r.Offset, err)
			case !overlong && tt.time != "" && r.Time.Format("2006-01-02T15:04:05Z") != tt.time:
				t.Errorf("%s: time %v, want %s", name, r.Time, tt.time)
			}
			n++
		}
		if n != 3 {
			t.Errorf("%s: %d records", name, n)
		}
	}
}
