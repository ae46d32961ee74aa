// Package samples makes the files that the demo ships: small, deterministic, and awkward in the ways that real ones
// are.
package samples

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Object is one sample with what a reader must find in it.
type Object struct {
	Key  string
	Body []byte
	// Format is what the recogniser should say.
	Format string
	// Records is the number of records, counted by the generator while it writes them.
	Records int
	// Poison is how many of the records no mapper takes after it has seen the others.
	Poison int
}

// Day is the date of all samples: the time of their first record.
var Day = time.Date(2015, 11, 19, 6, 0, 0, 0, time.UTC)

// NeedleRequest is in the request of exactly one ALB record; NeedleUser owns exactly one order.
const (
	NeedleRequest = "/turbine/wicket-gate"
	NeedleUser    = "grace.hopper"
)

const account = "123456789012"

// All returns the samples, the same ones at every call.
func All() ([]Object, error) {
	r := rand.New(rand.NewPCG(2015, 1119)) //nolint:gosec // reproducible samples, not secrets
	orders, err := orders(r)
	if err != nil {
		return nil, err
	}
	return []Object{alb(r), cloudTrail(r), appLog(r), oddKey(r), orders}, nil
}

// spread returns the time of record i of n over a working day that is busiest in the middle.
func spread(i, n int, r *rand.Rand) time.Time {
	x := float64(i) / float64(n)
	// A triangle-like distribution: the inverse of a smooth step.
	hour := 10 * (x + 0.12*wave(x))
	return Day.Add(time.Duration(hour*3600*1e6)*time.Microsecond + time.Duration(r.IntN(900))*time.Millisecond)
}

func wave(x float64) float64 { return 4 * x * (1 - x) * (1 - 2*x) * 2 }

var paths = []string{
	"/", "/turbine/status", "/api/v1/orders", "/api/v1/orders?limit=50&sort=desc", "/static/app.js",
	"/search?q=penstock+valve", "/healthz",
}

// alb writes a load balancer log the way the service does: one gzip member after the other, cut anywhere.
func alb(r *rand.Rand) Object {
	const n = 1200
	var text bytes.Buffer
	for i := range n {
		path := paths[r.IntN(len(paths))]
		if i == 777 {
			path = NeedleRequest
		}
		status := []int{200, 200, 200, 200, 200, 204, 304, 404, 502}[r.IntN(9)]
		t := spread(i, n, r)
		target := fmt.Sprintf("10.0.%d.%d:8080", r.IntN(4), 1+r.IntN(250))
		times := fmt.Sprintf("0.00%d 0.0%02d 0.000", r.IntN(9), r.IntN(90))
		targetStatus := fmt.Sprint(status)
		if status == 502 {
			target, times, targetStatus = "-", "-1 -1 -1", "-"
		}
		agent := []string{
			"curl/7.46.0", "Mozilla/5.0 (X11; Linux x86_64; rv:42.0) Gecko/20100101 Firefox/42.0", `weird \"quoted\" agent`,
		}[r.IntN(3)]
		fmt.Fprintf(&text,
			"https %s app/web/50dc6c495c0c9188 203.0.113.%d:%d %s %s %d %s %d %d "+
				"\"GET https://www.example.com:443%s HTTP/1.1\" \"%s\" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 "+
				"arn:aws:elasticloadbalancing:eu-west-1:%s:targetgroup/web/73e2d6bc24d8a067 "+
				"\"Root=1-58337262-36d228ad5d99923122bbe%03d\" \"www.example.com\" \"-\" 0 %s \"forward\" \"-\" \"-\" \"%s\" "+
				"\"%s\" \"-\" \"-\" TID_%06d\n",
			t.Format("2006-01-02T15:04:05.000000Z"), 1+r.IntN(250), 1024+r.IntN(60000), target, times, status, targetStatus,
			100+r.IntN(900), 200+r.IntN(90000), path, agent, account, i%1000,
			t.Add(-20*time.Millisecond).Format("2006-01-02T15:04:05.000000Z"),
			target, targetStatus, i)
	}
	return Object{
		Key: "AWSLogs/" + account + "/elasticloadbalancing/eu-west-1/2015/11/19/" + account +
			"_elasticloadbalancing_eu-west-1_app.web.50dc6c495c0c9188_20151119T1600Z_10.0.0.1_2et2e1mx.log.gz",
		Body:   members(text.Bytes(), 3),
		Format: "alb", Records: n,
	}
}

// members compresses data as n gzip members, cut without regard to lines.
func members(data []byte, n int) []byte {
	var out bytes.Buffer
	for i := range n {
		w := gzip.NewWriter(&out)
		// Writing to a buffer does not fail.
		_, _ = w.Write(data[len(data)*i/n : len(data)*(i+1)/n])
		_ = w.Close()
	}
	return out.Bytes()
}

func cloudTrail(r *rand.Rand) Object {
	const n = 150
	events := []struct{ name, source, params string }{
		{"GetObject", "s3.amazonaws.com", `{"bucketName":"logs","key":"a.log"}`},
		{
			name:   "AssumeRole",
			source: "sts.amazonaws.com",
			params: `{"roleArn":"arn:aws:iam::123456789012:role/shipper","roleSessionName":"penstock"}`,
		},
		{"DescribeInstances", "ec2.amazonaws.com", `{"instancesSet":{"items":[{"instanceId":"i-0abc"}]},"filterSet":{}}`},
		{"ConsoleLogin", "signin.amazonaws.com", `null`},
	}
	var text strings.Builder
	text.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			text.WriteByte(',')
		}
		e := events[r.IntN(len(events))]
		fmt.Fprintf(&text,
			`{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE",`+
				`"arn":"arn:aws:iam::%s:user/grace","accountId":"%s","userName":"grace"},"eventTime":"%s","eventSource":"%s",`+
				`"eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.%d","userAgent":"console.amazonaws.com",`+
				`"requestParameters":%s,"responseElements":null,"requestID":"%08x","eventID":"%08x-0000-4000-8000-%012x",`+
				`"readOnly":true,"eventType":"AwsApiCall","recipientAccountId":"%s"}`,
			account, account, spread(i, n, r).Format(time.RFC3339), e.source, e.name, r.IntN(250), e.params, r.Uint32(),
			r.Uint32(), i, account)
	}
	text.WriteString("]}")
	return Object{
		Key: "AWSLogs/" + account + "/CloudTrail/eu-west-1/2015/11/19/" + account +
			"_CloudTrail_eu-west-1_20151119T1605Z_Wh7qLBzFvJ4YkT2a.json.gz",
		Body:   members([]byte(text.String()), 1),
		Format: "cloudtrail", Records: n,
	}
}

// orders is NDJSON in which one record has a word where all others have a number.
func orders(r *rand.Rand) (Object, error) {
	const n = 800
	users := []string{"ada.lovelace", "alan.turing", "barbara.liskov", "edsger.dijkstra"}
	var text bytes.Buffer
	for i := range n {
		user, amount := users[r.IntN(len(users))], fmt.Sprintf("%d.%02d", 1+r.IntN(400), r.IntN(100))
		if i == 400 {
			user = NeedleUser
		}
		if i == 600 {
			amount = `"about a dozen"`
		}
		fmt.Fprintf(&text,
			`{"timestamp":"%s","level":"info","user":"%s","order_id":%d,"amount":%s,"items":["gate","pipe"],`+
				`"note":"naïve – café ☕"}`+"\n",
			spread(i, n, r).Format("2006-01-02T15:04:05.000Z"), user, 9007199254740993+int64(i), amount)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		return Object{}, fmt.Errorf("compress sample: %w", err)
	}
	return Object{
		Key: "orders/2015-11-19.ndjson.zst", Body: enc.EncodeAll(text.Bytes(), nil), Format: "ndjson", Records: n, Poison: 1,
	}, nil
}

// appLog is an application's log: one event a line, but for those with a stack trace.
func appLog(r *rand.Rand) Object {
	const n = 90
	var text strings.Builder
	for i := range n {
		t := spread(i, n, r).Format("2006-01-02 15:04:05,000")
		if i%15 == 7 {
			fmt.Fprintf(&text, "%s ERROR [worker-%d] com.example.Turbine - gate did not open\n"+
				"java.lang.IllegalStateException: pressure %d kPa\n"+
				"\tat com.example.Gate.open(Gate.java:%d)\n"+
				"\tat com.example.Turbine.start(Turbine.java:17)\n"+
				"Caused by: java.io.IOException: valve stuck\n"+
				"\tat com.example.Valve.turn(Valve.java:3)\n"+
				"\t... 2 more\n", t, r.IntN(4), r.IntN(900), 10+r.IntN(90))
			continue
		}
		fmt.Fprintf(&text, "%s INFO  [worker-%d] com.example.Turbine - flow %d l/s\n", t, r.IntN(4), r.IntN(2000))
	}
	return Object{Key: "app/server.log", Body: []byte(text.String()), Format: "text", Records: n}
}

// oddKey is plain enough inside; its name is what breaks tools.
func oddKey(r *rand.Rand) Object {
	const n = 40
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"time":"%s","sensor":"s-%d","level_m":%d.%d}`+"\r\n", spread(i, n, r).Format(time.RFC3339),
			r.IntN(5), r.IntN(30), r.IntN(10))
	}
	return Object{
		Key:     "odd keys/100% été + 1=2?/naïve file (1)%2B&c.log",
		Body:    []byte(text.String()),
		Format:  "ndjson",
		Records: n,
	}
}
