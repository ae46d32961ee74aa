package format_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

const (
	albLine = `http 2026-11-24T10:00:00.000001Z app/web/1 203.0.113.9:1 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 ` +
		`"GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - -`
	trailLine = `{"eventVersion":"1.08","eventTime":"2026-11-24T10:00:00Z","eventSource":"s3.amazonaws.com",` +
		`"eventName":"GetObject"}`
)

// Content decides, whatever the name says. These look like another format than they are.
func TestContentIsRecognisedForWhatItIs(t *testing.T) {
	t.Parallel()
	trailKey := "AWSLogs/123456789012/CloudTrail/eu-west-1/2026/11/24/" +
		"123456789012_CloudTrail_eu-west-1_20261124T1000Z_x.json.gz"
	insight := `{"eventVersion":"1.08","eventTime":"2026-11-24T10:00:00Z","awsRegion":"eu-west-1",` +
		`"eventType":"AwsCloudTrailInsight","insightDetails":{"state":"Start","eventSource":"iam.amazonaws.com",` +
		`"eventName":"AttachUserPolicy"},"eventCategory":"Insight"}`
	for _, tt := range []struct{ name, key, content, want string }{
		{"an ALB line", "", albLine, "alb"},
		{"a damaged line before ALB lines", "", "age of the log\n" + albLine + "\n", "alb"},
		{"ALB lines in an object called json", "x.json", albLine + "\n", "alb"},
		{"a line about an ALB record", "", "got: " + albLine + "\n", "text"},
		{"an ALB line quoted in JSON", "", `{"log":"` + strings.ReplaceAll(albLine, `"`, `\"`) + `"}` + "\n", "ndjson"},
		{
			name: "an NLB line",
			content: "tls 2.0 2018-12-20T02:59:40 net/nlb/1 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443 5 2 98 " +
				"246 -\n",
			want: "nlb",
		},
		{
			name: "a classic ELB line",
			content: `2015-05-13T23:39:43.945958Z my-lb 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 ` +
				`29 "GET / HTTP/1.1" "curl" - -`,
			want: "clb",
		},
		{"a type, but no time", "", "http 404 app/ not found\n", "text"},
		{"a day without a time", "", "http 2026-11-24 app/ not found\n", "text"},
		{"prose that begins with http", "", "http is a protocol\n", "text"},

		{"CloudTrail events, one a line", "", trailLine + "\n" + trailLine + "\n", "cloudtrail"},
		{"one CloudTrail event", "", trailLine, "cloudtrail"},
		{"a CloudTrail file", "", `{"Records":[` + trailLine + "]}", "cloudtrail"},
		{"one over several lines", "", "{\n \"Records\" : [\n" + trailLine + "]}", "cloudtrail"},
		{"Records behind other fields", "", `{"a":{"b":[1,"]}"]},"c":null,"Records":[` + trailLine + "]}", "cloudtrail"},
		{"events of CloudTrail Insights", "", `{"Records":[` + insight + "]}", "cloudtrail"},
		{
			name:    "an empty file of CloudTrail Insights",
			key:     "AWSLogs/123456789012/CloudTrail-Insight/eu-west-1/2026/11/24/x.json.gz",
			content: `{"Records":[]}`,
			want:    "cloudtrail",
		},
		{"an empty file of CloudTrail's", trailKey, `{"Records":[]}`, "cloudtrail"},
		{"an empty list of anybody's", "", `{"Records":[]}`, "json"},
		{"other records under a name of CloudTrail's", trailKey, `{"Records":[{"a":1}]}`, "json"},
		{
			name: "an event of S3, which has eventVersion, eventSource and eventName too",
			content: `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1",` +
				`"eventTime":"2026-11-24T10:00:00.000Z","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"}}}]}`,
			want: "json",
		},
		{"one event over several lines", "", strings.ReplaceAll(trailLine, ",", ",\n"), "cloudtrail"},
		{"several over several lines", "", strings.Repeat(strings.ReplaceAll(trailLine, ",", ",\n"), 2), "cloudtrail"},
		{"an array of events", "", "[" + trailLine + "," + trailLine + "]", "cloudtrail"},
		{
			name:    "an event that EventBridge delivers",
			content: `{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":` + trailLine + `}`,
			want:    "cloudtrail",
		},
		{"an event quoted in another one", "", `{"quoted":` + trailLine + `}`, "ndjson"},
		{"an event quoted as text", "", `{"Records":"[` + strings.ReplaceAll(trailLine, `"`, `\"`) + `"}`, "ndjson"},

		{"one object on a line", "", `{"a":1}`, "ndjson"},
		{"white space around it", "", "\r\n  {\"a\":1} \r\n", "ndjson"},
		{"a long first line", "", `{"a":"` + strings.Repeat("x", 200_000) + "\"}\n{}\n", "ndjson"},
		{"a broken first line", "", "{\"a\":\n{\"a\":1}\n{\"a\":2}\n", "ndjson"},
		{"a first line that is cut", "", "\"a\":1}\n{\"a\":1}\n{\"a\":2}\n", "ndjson"},
		{"a line of text before objects", "", "starting\n{\"a\":1}\n{\"a\":2}\n", "ndjson"},
		{"text sequences of RFC 7464", "", "\x1e{\"a\":1}\n\x1e{\"a\":2}\n", "ndjson"},
		{"objects without anything between", "", `{"a":1}{"a":2}`, "json"},
		{"an object over several lines", "", "{\n\"a\":1\n}\n", "json"},
		{"an array", "", `[{"a":1},{"a":2}]`, "json"},
		{"an array of one number", "", "[1]\n", "json"},
		{"an array without an end", "", `[{"a":1},`, "json"},
		{"an empty array", "", "[]", "json"},
		{"an array whose first element is broken", "", `[{"a" 1},{"a":2}]`, "json"},

		{"an event of Windows", "", "<Event xmlns='x'><System><EventID>1</EventID></System></Event>", "windowsxml"},
		{"events in an element", "", "<?xml version=\"1.0\"?>\n<Events><Event ><System/></Event></Events>", "windowsxml"},
		{"XML of anybody's", "", "<?xml version=\"1.0\"?>\n<a>\n<Event>x</Event>\n</a>\n", "text"},
		{"an Event without a System", "", "<Event><Name>x</Name></Event>\n", "text"},
		{"a table", "", "a,b,c\n1,2,3\n", "csv"},
		{"a table of words", "", "name,town,street\nMira,Weir,Mill Lane\nIda,Falls,Lock Street\n", "csv"},
		{"a table with a line of another program's in it", "", "a,b\n1,2\n3,4\nstarted\n5,6\n7,8\n", "csv"},
		{"a table without names", "", "17,203.0.113.9,0.5\n18,203.0.113.9,0.25\n19,203.0.113.8,0.5\n", "csv"},
		{"a table of names alone", "", "a,b,c\n", "text"},
		{"a table of names alone in an object called csv", "x.csv", "a,b,c\n", "csv"},
		{"a compressed one", "x.csv.gz", "a;b;c\n", "csv"},
		{"words between commas in an object called csv", "x.csv", "one,two\nthree,four\n", "csv"},
		{"prose in an object called csv", "x.csv", "one\ntwo\n", "text"},
		{"a table with tabs", "", "a\tb\n1\t2\n", "tsv"},
		{"a table with bars", "", "a|b\n1|2\n", "csv"},
		{"the separator of a spreadsheet", "", "sep=;\na;b\n1;2\n", "csv"},
		{"a quoted line end", "", "a,b\n1,\"x\ny\"\n", "csv"},
		{"prose with commas", "", "Dear keeper, the gate is open\nthe weir, too, is wet\nso, please, come\n", "text"},
		{"two lines of prose with a comma each", "", "Hello, world\nGood, bye\n", "text"},
		{"prose with a comma and numbers", "", "Gate 7, 12 o'clock\nGate 8, 13 o'clock\n", "text"},
		{
			name:    "a comma in the times of a log",
			content: "2026-11-24 10:00:00,123 INFO a, b\n2026-11-24 10:00:01,123 INFO c, d\n2026-11-24 10:00:02,123 INFO e, f\n",
			want:    "text",
		},
		{"SQL", "", "INSERT INTO gates (name, width)\nVALUES ('north', 7),\n('south', 8);\n", "text"},
		{"statements of a program", "", "return x;\ny = 5;\nz = 6;\n", "text"},
		{"a stack trace with commas", "", "java.lang.Error: a, b\n\tat x(Y.java:1)\n\tat x(Y.java:2)\n", "text"},
		{
			name:    "times and levels with tabs",
			content: "2026-11-24T10:00:00Z\tINFO\tone\n2026-11-24T10:00:01Z\tINFO\ttwo\nstopped\n",
			want:    "text",
		},

		{"a bracketed time", "", "[2026-11-24 10:00:00] INFO started\n", "text"},
		{"a bracketed year", "", "[2026] started\n", "text"},
		{"a bracketed word in quotes", "", "[\"main\"] started\n", "text"},
		{"empty brackets", "", "[] started\n", "text"},
		{"a priority", "", "<34>Nov 24 10:00:02 host su: failed\n", "syslog"},
		{"a brace that is none of JSON's", "", "{main} started\nand went on\n", "text"},
		{"a brace and a quote", "", "{\"main\" started\nand went on\n", "ndjson"},
		{"text with an object in one of its lines", "", "one\ntwo\nthree\n{\"a\":1}\n", "text"},
		{"a number", "", "12\n", "text"},
		{"a quoted text", "", "\"a\"\n", "text"},
		{"bytes of another encoding", "", "\xff\xfd\x80", "text"},
		{"a single line end", "", "\n", "text"},
		{"a name that promises JSON", "x.json", "one\n", "text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := read(t, detector(t, format.Config{}), penstock.Identity{Key: tt.key}, []byte(tt.content),
				strings.NewReader(tt.content))
			if r.Format != tt.want || r.Err != nil {
				t.Errorf("recognised as %s, want %s; %v", r.Format, tt.want, r.Err)
			}
			covered(t, []byte(tt.content), r)
		})
	}
}

// What comes behind the part that is looked at changes nothing, and neither do the sizes of the reads or what was read
// before.
func TestRecognitionDependsOnTheFirst64KiBAlone(t *testing.T) {
	t.Parallel()
	for _, at := range []int{65_400, 65_480, 65_490, 65_527, 65_528, 65_529, 65_535, 65_536, 65_537, 65_538, 66_000} {
		text := []byte("one\n" + strings.Repeat(" ", at-5) + "\n" + strings.Repeat(`{"a":1}`+"\n", 5))
		want := read(t, detector(t, format.Config{}), penstock.Identity{}, text, bytes.NewReader(text))
		if at > 64<<10 && want.Format != "text" {
			t.Errorf("at %d it is too late to see %s", at, want.Format)
		}
		d := detector(t, format.Config{})
		for _, chunk := range []int{0, 1, 4093} {
			// The next one gets the buffer of this one, which has grown.
			long := []byte(`{"pad":"` + strings.Repeat("x", 300_000) + `"}`)
			read(t, d, penstock.Identity{}, long, bytes.NewReader(long))
			have := read(t, d, penstock.Identity{}, text, &cutReader{data: text, size: chunk, err: io.EOF})
			if diff := cmp.Diff(want, have); diff != "" {
				t.Fatalf("objects from %d on, %d at a time: %s", at, chunk, diff)
			}
		}
	}
}
