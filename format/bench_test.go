package format_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// corpora are texts of n records of each kind, as they are written day by day.
func corpora(n int) map[string][]byte {
	all := map[string][]byte{}
	for name, c := range map[string]struct{ head, record, between, tail string }{
		"alb":        {"", `https 2026-11-24T10:00:%02d.186641Z app/web/50dc6c495c0c9188 203.0.113.%d:2817 10.0.0.1:8080 0.000 0.0%d 0.000 200 200 34 366 "GET https://www.example.com:443/api/v1/orders?limit=50&sort=desc HTTP/1.1" "Mozilla/5.0 (X11; Linux x86_64; rv:42.0) Gecko/20100101 Firefox/42.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "www.example.com" "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" 0 2026-11-24T10:00:00.100000Z "forward" "-" "-" "10.0.0.1:8080" "200" "-" "-" TID_1234abcd5678ef90 "-" "-" "-"`, "\n", "\n"},
		"ndjson":     {"", `{"timestamp":"2026-11-24T10:00:%02d.123Z","level":"info","service":"turbine","request":{"id":"8e1ab1e0-%d","method":"GET","path":"/api/v1/orders","status":200},"duration_ms":%d,"tags":["gate","pipe"],"message":"order handled in time, nothing to see here, move along"}`, "\n", "\n"},
		"json":       {`{"Records":[`, "{\n  \"time\": \"2026-11-24T10:00:%02dZ\",\n  \"host\": { \"name\": \"web-%d\" },\n  \"n\": %d\n}", ",\n", "]}"},
		"cloudtrail": {`{"Records":[`, `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::123456789012:user/grace","accountId":"123456789012"},"eventTime":"2026-11-24T10:00:%02dZ","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.%d","requestParameters":{"bucketName":"logs","key":"a/b/%d.log","Host":"logs.s3.amazonaws.com"},"responseElements":null,"eventID":"8e1ab1e0-0000-4000-8000-000000000001","readOnly":true}`, ",", "]}"},
		"text":       {"", "2026-11-24 10:00:%02d,123 INFO  [worker-%d] com.example.Turbine - flow %d l/s through the gate\n\tat com.example.Gate.open(Gate.java:10)", "\n", "\n"},
	} {
		var text bytes.Buffer
		text.WriteString(c.head)
		for i := range n {
			if i > 0 {
				text.WriteString(c.between)
			}
			fmt.Fprintf(&text, c.record, i%60, i%250, i%97)
		}
		text.WriteString(c.tail)
		all[name] = text.Bytes()
	}
	return all
}

// drain reads an entry and returns the number of its records.
func drain(t testing.TB, d *format.Detector, text []byte, want string) int {
	t.Helper()
	rec, err := d.Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{Reader: bytes.NewReader(text)})
	if err != nil || rec.Format != want {
		t.Fatal(rec.Format, err)
	}
	n := 0
	for r, err := range rec.Records {
		if err != nil || r.Unparsed {
			t.Fatal(string(r.JSON), err)
		}
		n++
	}
	return n
}

// An entry costs some allocations, a record none: ten times the records cost no more.
func TestARecordAllocatesNothing(t *testing.T) {
	few, many := corpora(500), corpora(5000)
	for name := range many {
		d := detector(t, format.Config{})
		drain(t, d, many[name], name) // grows the buffers
		a := testing.AllocsPerRun(5, func() { drain(t, d, few[name], name) })
		b := testing.AllocsPerRun(5, func() { drain(t, d, many[name], name) })
		if b > a+1 || b > 60 {
			t.Errorf("%s: %v allocations for 500 records, %v for 5,000", name, a, b)
		}
	}
}

func BenchmarkRecords(b *testing.B) {
	for name, text := range corpora(10_000) {
		b.Run(name, func(b *testing.B) {
			d := detector(b, format.Config{})
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				drain(b, d, text, name)
			}
		})
	}
}

// BenchmarkSmallEntries is what an entry costs besides its records.
func BenchmarkSmallEntries(b *testing.B) {
	d := detector(b, format.Config{})
	text := []byte(`{"time":"2026-11-24T10:00:00Z","n":1}` + "\n")
	b.ReportAllocs()
	for b.Loop() {
		drain(b, d, text, "ndjson")
	}
}

// BenchmarkHostileRecords are rewritten, every one of them.
func BenchmarkHostileRecords(b *testing.B) {
	text := strings.Repeat(`{"a":1,"b":{"c":"\u0000","d.":2},"a":3,"_id":"x"}`+"\n", 5000)
	d := detector(b, format.Config{})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r, _ := d.Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{Reader: io.Reader(strings.NewReader(text))})
		for _, err := range r.Records {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
