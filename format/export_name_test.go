package format_test

import (
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// The name of an object tells an export of CloudWatch Logs whatever its events are; without it, text behind a time may
// be of any program.
func TestTheNameTellsAnExportOfText(t *testing.T) {
	t.Parallel()
	const text = "2026-11-24T10:00:00.118Z listening on 8080\n2026-11-24T10:00:01.500Z {\"msg\":\"open\"}\n"
	for key, want := range map[string]string{
		"exportedlogs/8f5a2c1e-1111-4222-8333-944455556666/web-1/000000.gz": "cloudwatch-export",
		"8f5a2c1e-1111-4222-8333-944455556666/web-1/000012":                 "cloudwatch-export",
		"exportedlogs/8f5a2c1e-1111-4222-8333-944455556666/web-1/0000.gz":   "text",
		"exportedlogs/web-1/000000.gz":                                      "text",
		"000000.gz":                                                         "text",
	} {
		rec, err := detector(t, format.Config{}).Recognize(&penstock.Object{}, penstock.Identity{Key: key},
			penstock.Entry{Reader: strings.NewReader(text)})
		if err != nil || rec.Format != want {
			t.Errorf("%s is told as %s, %v; want %s", key, rec.Format, err, want)
		}
	}
}
