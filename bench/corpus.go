package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// corpus is a directory of objects, the same bytes on every machine.
type corpus struct {
	contents

	Dir     string `json:"-"`
	Records int64  `json:"records"`
	// Bytes and Stored are before and after compression.
	Bytes  int64 `json:"bytes"`
	Stored int64 `json:"stored"`
}

// contents say what a corpus is to have.
type contents struct {
	Format  string `json:"format"`
	Objects int    `json:"objects"`
	Plain   bool   `json:"-"` // no gzip
}

// generation changes when the content of the corpora does, so that no stale directory is used.
const generation = 4

type lineWriter func(b []byte, r *rand.Rand, i int) []byte

// kind is how a corpus is made.
type kind struct {
	line lineWriter
	// header is what each object begins with, between what is behind each record but the last, and footer its end.
	header, between, footer string
	// length is about that of a line, and ratio what gzip makes of it.
	length, ratio float64
}

// formats are the corpora that exist, with the format name that the shipper must recognise.
func formats() map[string]kind {
	return map[string]kind{
		"ndjson": {line: ndjsonLine, between: "\n", footer: "\n", length: 495, ratio: 5.5},
		"alb":    {line: albLine, between: "\n", footer: "\n", length: 683, ratio: 6.5},
		"cloudtrail": {
			line: trailLine, header: `{"Records":[`, between: ",", footer: "]}\n", length: 1310, ratio: 10.4,
		},
		"csv": {
			line: csvLine, length: 163, ratio: 5.7,
			header:  "time,level,service,host,user id,path,status,bytes,duration,agent\n",
			between: "\n", footer: "\n",
		},
		"vpcflow": {line: flowLine, between: "\n", footer: "\n", length: 111, ratio: 3.6},
	}
}

// makeCorpus returns the corpus of n records, made on the first call and kept in the cache directory.
func makeCorpus(cache string, of contents, n int) (corpus, error) {
	kind, ok := formats()[of.Format]
	if !ok {
		return corpus{}, fmt.Errorf("make corpus: no format %q", of.Format)
	}
	name := fmt.Sprintf("%s-%d-%d", of.Format, n, of.Objects)
	if of.Plain {
		name += "-plain"
	}
	// Every document has the path in it: it is as long as paths are.
	c := corpus{contents: of, Dir: filepath.Join(cache, fmt.Sprintf("v%d", generation), name)}
	meta := c.Dir + ".json"
	if text, err := os.ReadFile(meta); err == nil {
		return c, json.Unmarshal(text, &c)
	}
	if err := os.RemoveAll(c.Dir); err != nil {
		return corpus{}, err
	}
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return corpus{}, err
	}
	var (
		wg    sync.WaitGroup
		parts = make([]corpus, of.Objects)
		errs  = make([]error, of.Objects)
		next  atomic.Int64
	)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for part := int(next.Add(1)) - 1; part < of.Objects; part = int(next.Add(1)) - 1 {
				from, to := n*part/of.Objects, n*(part+1)/of.Objects
				parts[part], errs[part] = makeObject(filepath.Join(c.Dir, of.objectName(part)), kind, of.Plain, from, to)
			}
		})
	}
	wg.Wait()
	for part, err := range errs {
		if err != nil {
			return corpus{}, fmt.Errorf("make corpus: %w", err)
		}
		c.Records += parts[part].Records
		c.Bytes += parts[part].Bytes
		c.Stored += parts[part].Stored
	}
	text, err := json.Marshal(c)
	if err != nil {
		return corpus{}, err
	}
	return c, os.WriteFile(meta, text, 0o600)
}

func (c contents) objectName(part int) string {
	end := ".gz"
	if c.Plain {
		end = ".log"
	}
	if c.Format == "alb" {
		return fmt.Sprintf("123456789012_elasticloadbalancing_eu-west-1_app.web.50dc6c495c0c9188_"+
			"20261124T%02d05Z_10.0.0.1_bench%03d.log%s", part, part, end)
	}
	return fmt.Sprintf("%s-%02d%s", c.Format, part, end)
}

func makeObject(name string, k kind, plain bool, from, to int) (c corpus, err error) {
	f, err := os.Create(name)
	if err != nil {
		return c, err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	stored := &counter{w: f}
	var packed io.WriteCloser = nopCloser{stored}
	if !plain {
		if packed, err = gzip.NewWriterLevel(stored, 6); err != nil {
			return c, err
		}
	}
	length := &counter{w: packed}
	w := bufio.NewWriterSize(length, 256<<10)
	r := rand.New(rand.NewPCG(2026, uint64(from)))
	b := []byte(k.header)
	for i := from; i < to; i++ {
		b = k.line(b, r, i)
		if i < to-1 {
			b = append(b, k.between...)
		}
		if _, err := w.Write(b); err != nil {
			return c, err
		}
		b = b[:0]
	}
	if _, err := w.WriteString(k.footer); err != nil {
		return c, err
	}
	if err := w.Flush(); err != nil {
		return c, err
	}
	if err := packed.Close(); err != nil {
		return c, err
	}
	return corpus{Records: int64(to - from), Bytes: length.n, Stored: stored.n}, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

var (
	start  = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.%d.%d Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.%d.%d " +
			"(KHTML, like Gecko) Mobile Safari/604.1",
		"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/2010%d Firefox/132.%d", "curl/8.%d.%d", "okhttp/4.%d.%d",
	}
	paths = []string{
		"/api/v1/orders", "/api/v1/orders/search", "/api/v1/turbines/status", "/static/app.js", "/healthz",
		"/api/v1/users/me", "/login",
	}
	services = []string{"orders", "payments", "catalogue", "gateway", "sessions"}
	messages = []string{
		"request completed", "cache miss, asked the database", "retrying after a temporary failure of the upstream service",
		"payment authorised", "slow query: more than 200 ms spent in the index lookup",
	}
)

func pick(r *rand.Rand, list []string) string { return list[r.IntN(len(list))] }

// agent is a user agent of many versions.
func agent(r *rand.Rand) string { return fmt.Sprintf(pick(r, agents), r.IntN(10_000), r.IntN(10_000)) }

// ndjsonLine is an application's log record of about 495 bytes.
func ndjsonLine(b []byte, r *rand.Rand, i int) []byte {
	at := start.Add(time.Duration(i) * 37 * time.Millisecond)
	b = append(b, `{"@timestamp":"`...)
	b = at.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = append(b, `","seq":`...)
	b = strconv.AppendInt(b, int64(i), 10)
	b = fmt.Appendf(b, `,"level":"%s","service":"%s","host":"ip-10-0-%d-%d","trace_id":"%016x%016x","span_id":"%016x",`+
		`"message":"%s, order %016x","http":{"method":"GET","path":"%s","status":%d,"bytes":%d},`+
		`"client":{"ip":"203.0.%d.%d","agent":"%s","session":"%010x"},"duration_ms":%d.%03d}`,
		[]string{"info", "info", "info", "debug", "warn"}[r.IntN(5)], pick(r, services), r.IntN(4), r.IntN(250),
		r.Uint64(), r.Uint64(), r.Uint64(),
		pick(r, messages), r.Uint64(), pick(r, paths), []int{200, 200, 200, 204, 404, 500}[r.IntN(6)], r.IntN(100_000),
		r.IntN(256), r.IntN(256), agent(r), r.Uint64()>>24, r.IntN(500), r.IntN(1000))
	return b
}

// albLine is an application load balancer's access log line of about 683 bytes with 30 fields.
func albLine(b []byte, r *rand.Rand, i int) []byte {
	const layout = "2006-01-02T15:04:05.000000Z"
	at := start.Add(time.Duration(i) * 37 * time.Millisecond)
	target := fmt.Sprintf("10.0.%d.%d:8080", r.IntN(4), r.IntN(250))
	status := []int{200, 200, 200, 304, 404, 502}[r.IntN(6)]
	return fmt.Appendf(b, `https %s app/web/50dc6c495c0c9188 203.0.%d.%d:%d %s 0.00%d 0.%03d 0.000 %d %d %d %d `+
		`"GET https://www.example.com:443%s?page=%d&session=%016x HTTP/1.1" "%s" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 `+
		`arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/73e2d6bc24d8a067 `+
		`"Root=1-%08x-%012x%012x" "www.example.com" `+
		`"arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" `+
		`%d %s "forward" "-" "-" "%s" "%d" "-" "-" TID_%032x`,
		at.Format(layout), r.IntN(256), r.IntN(256), 1024+r.IntN(60_000), target, r.IntN(10), r.IntN(1000),
		status, status, r.IntN(2000), r.IntN(90_000),
		pick(r, paths), r.IntN(40), r.Uint64(), agent(r),
		at.Unix(), r.Uint64()>>16, r.Uint64()>>16,
		r.IntN(90), at.Add(-20*time.Millisecond).Format(layout), target, status, r.Uint64())
}

// csvLine is a row of an export, with quotes around what has commas.
func csvLine(b []byte, r *rand.Rand, i int) []byte {
	at := start.Add(time.Duration(i) * 37 * time.Millisecond)
	b = at.AppendFormat(b, "2006-01-02T15:04:05.000Z")
	return fmt.Appendf(b, `,%s,%s,ip-10-0-%d-%d,%d,%s,%d,%d,0.%03d,"%s"`,
		[]string{"info", "info", "debug", "warn"}[r.IntN(4)], pick(r, services), r.IntN(4), r.IntN(250), r.IntN(1_000_000),
		pick(r, paths), []int{200, 200, 204, 404, 500}[r.IntN(5)], r.IntN(100_000), r.IntN(1000), agent(r))
}

// flowLine is a flow log record of version 2, as it is delivered without a header.
func flowLine(b []byte, r *rand.Rand, i int) []byte {
	at := start.Unix() + int64(i/50)
	return fmt.Appendf(b, "2 123456789012 eni-0%016x 10.0.%d.%d 203.0.%d.%d %d %d %d %d %d %d %d %s OK",
		r.Uint64()>>8, r.IntN(4), r.IntN(250), r.IntN(256), r.IntN(256), 1024+r.IntN(60_000),
		[]int{443, 80, 22, 53}[r.IntN(4)],
		[]int{6, 17}[r.IntN(2)], r.IntN(1000), r.IntN(1_000_000), at, at+60,
		[]string{"ACCEPT", "ACCEPT", "REJECT"}[r.IntN(3)])
}

// trailLine is an event of CloudTrail.
func trailLine(b []byte, r *rand.Rand, i int) []byte {
	at := start.Add(time.Duration(i) * 37 * time.Millisecond).Format(time.RFC3339)
	role := fmt.Sprintf("AROA%016X", r.Uint64())
	return fmt.Appendf(b, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"%s:i-0%016x",`+
		`"arn":"arn:aws:sts::123456789012:assumed-role/%s/i-0%016x","accountId":"123456789012","accessKeyId":"ASIA%016X",`+
		`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"%s",`+
		`"arn":"arn:aws:iam::123456789012:role/%s","accountId":"123456789012","userName":"%s"},`+
		`"attributes":{"creationDate":"%s","mfaAuthenticated":"false"}}},"eventTime":"%s",`+
		`"eventSource":"dynamodb.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1","sourceIPAddress":"203.0.%d.%d",`+
		`"userAgent":"%s","requestParameters":{"tableName":"%s","key":{"id":"%016x"}},"responseElements":null,`+
		`"requestID":"%016X%016X","eventID":"%08x-0000-4000-8000-%012x","readOnly":true,"resources":[{`+
		`"accountId":"123456789012","type":"AWS::DynamoDB::Table",`+
		`"ARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/%s"}],"eventType":"AwsApiCall","managementEvent":false,`+
		`"recipientAccountId":"123456789012","eventCategory":"Data","tlsDetails":{"tlsVersion":"TLSv1.3",`+
		`"cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"dynamodb.eu-west-1.amazonaws.com"}}`,
		role, r.Uint64()>>4, pick(r, services), r.Uint64()>>4, r.Uint64(), role, pick(r, services), pick(r, services),
		at, at, []string{"GetItem", "Query", "BatchGetItem", "DescribeTable"}[r.IntN(4)], r.IntN(256), r.IntN(256), agent(r),
		pick(r, services), r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()>>32, r.Uint64()>>16, pick(r, services))
}
