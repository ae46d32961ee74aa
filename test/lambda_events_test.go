package test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

// The ways in which an object is announced, written down from the services' documentation. Each takes the key as it is.
var announcements = map[string]func(bucket, key, version string) string{
	"S3":                      notification,
	"S3 in SNS":               func(b, k, v string) string { return snsEvent(notification(b, k, v)) },
	"S3 in SQS":               func(b, k, v string) string { return sqsBatch(notification(b, k, v)) },
	"S3 in SNS in SQS":        func(b, k, v string) string { return sqsBatch(snsBody(notification(b, k, v))) },
	"EventBridge":             bridge,
	"EventBridge in SQS":      func(b, k, v string) string { return sqsBatch(bridge(b, k, v)) },
	"EventBridge in SNS":      func(b, k, v string) string { return snsEvent(bridge(b, k, v)) },
	"EventBridge SNS in SQS":  func(b, k, v string) string { return sqsBatch(snsBody(bridge(b, k, v))) },
	"detail alone":            detail,
	"detail alone in SQS":     func(b, k, v string) string { return sqsBatch(detail(b, k, v)) },
	"S3 Batch Operations 1.0": batchOperations1,
	"S3 Batch Operations 2.0": batchOperations2,
	"S3 in Kinesis":           func(b, k, v string) string { return kinesisBatch(notification(b, k, v)) },
	"by hand":                 announcedByHand,
	"a restored object": func(b, k, v string) string {
		return strings.Replace(notification(b, k, v), "ObjectCreated:Put", "ObjectRestore:Completed", 1)
	},
	"Security Lake in SQS": func(b, k, v string) string {
		return sqsBatch(strings.Replace(bridge(b, k, v), `"detail-type":"Object Created",`, "", 1))
	},
	"a batch of a map": func(b, k, v string) string { return `{"Items":[` + announcedByHand(b, k, v) + `]}` },
	"a list of items":  func(b, k, v string) string { return `[` + announcedByHand(b, k, v) + `]` },
	"a batch of a map in SQS": func(b, k, v string) string {
		return sqsBatch(`{"Items":[` + announcedByHand(b, k, v) + `]}`)
	},
	"a row of an inventory": inventoryRow,
	"rows of an inventory": func(b, k, v string) string {
		return `{"BatchInput":{"run":7},"Items":[` + inventoryRow(b, k, v) + `]}`
	},
	"a message of a pipe (SQS)": func(b, k, v string) string { return pipe(sqsBatch(notification(b, k, v))) },
	"by URL":                    func(b, k, _ string) string { return text("s3://" + b + "/" + k) },
}

func announcedByHand(bucket, key, version string) string {
	return fmt.Sprintf(`{"bucket":%s,"key":%s,"version":%s}`, text(bucket), text(key), text(version))
}

// inventoryRow is a row of an S3 Inventory in CSV as Step Functions reads it: texts under the names of the columns.
func inventoryRow(bucket, key, version string) string {
	return fmt.Sprintf(`{"Bucket":%s,"Key":%s,"VersionId":%s,"IsLatest":"false","IsDeleteMarker":"false","Size":"1024",`+
		`"LastModifiedDate":"2015-11-19T08:00:00.000Z","ETag":"d41d8cd98f00b204e9800998ecf8427e"}`, text(bucket),
		text(encoded(key)), text(version))
}

// pipe is a batch as EventBridge Pipes hands it out: the records without anything around them.
func pipe(batch string) string {
	return strings.TrimSuffix(strings.TrimPrefix(batch, `{"Records":`), "}")
}

// awkwardKeys are the keys that tools get wrong, with their form in a notification, written by hand.
var awkwardKeys = map[string]string{
	"plain/2015/11/19/a.log": "plain/2015/11/19/a.log",
	"with a space":           "with+a+space",
	"a+b":                    "a%2Bb",
	"a%2Bb":                  "a%252Bb",
	"100%":                   "100%25",
	"ünï/日本語/😀":              "%C3%BCn%C3%AF/%E6%97%A5%E6%9C%AC%E8%AA%9E/%F0%9F%98%80",
	"double//slash":          "double//slash",
}

func text(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func encoded(key string) string {
	if e, ok := awkwardKeys[key]; ok {
		return e
	}
	panic("no encoded form of " + key)
}

func notification(bucket, key, version string) string {
	return `{"Records":[` + notificationRecord(bucket, encoded(key), version) + `]}`
}

func notificationRecord(bucket, encodedKey, version string) string {
	if version != "" {
		version = `,"versionId":` + text(version)
	}
	return `{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1",` +
		`"eventTime":"2015-11-19T08:00:00.000Z","eventName":"ObjectCreated:Put",` +
		`"userIdentity":{"principalId":"AWS:X"},"requestParameters":{"sourceIPAddress":"127.0.0.1"},` +
		`"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810"},` +
		`"s3":{"s3SchemaVersion":"1.0","configurationId":"all","bucket":{"name":` + text(bucket) +
		`,"ownerIdentity":{"principalId":"A3"},"arn":` + text("arn:aws:s3:::"+bucket) + `},` +
		`"object":{"key":` + text(encodedKey) + `,"size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e"` + version +
		`,"sequencer":"0055AED6DCD90281E5"}}}`
}

func bridge(bucket, key, version string) string {
	return `{"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"Object Created",` +
		`"source":"aws.s3","account":"123456789012",` +
		`"time":"2021-11-12T00:00:00Z","region":"eu-central-1","resources":[` + text("arn:aws:s3:::"+bucket) + `],"detail":` +
		detail(bucket, key, version) + `}`
}

func detail(bucket, key, version string) string {
	if version != "" {
		version = `,"version-id":` + text(version)
	}
	return `{"version":"0","bucket":{"name":` + text(bucket) + `},"object":{"key":` + text(key) +
		`,"size":5,"etag":"b1946ac92492d2347c6235b4d2611184"` + version + `,` +
		`"sequencer":"617f08299329d189"},"request-id":"N4N7GDK58NMKJ12R","requester":"123456789012",` +
		`"source-ip-address":"1.2.3.4","reason":"PutObject"}`
}

func snsEvent(message string) string {
	return `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0",` +
		`"EventSubscriptionArn":"arn:aws:sns:eu-central-1:123456789012:t:21be56ed","Sns":` + snsBody(message) + `}]}`
}

func snsBody(message string) string {
	return `{"Type":"Notification","MessageId":"95df01b4-ee98-5cb9-9903-4c221d41eb5e",` +
		`"TopicArn":"arn:aws:sns:eu-central-1:123456789012:t","Subject":"Amazon S3 Notification",` +
		`"Message":` + text(message) +
		`,"Timestamp":"2019-01-02T12:45:07.000Z","SignatureVersion":"1","Signature":"x","SigningCertUrl":"https://sns",` +
		`"UnsubscribeUrl":"https://sns"}`
}

// sqsBatch is a batch of messages m0, m1, ….
func sqsBatch(bodies ...string) string {
	records := make([]string, 0, len(bodies))
	for i, body := range bodies {
		records = append(records,
			fmt.Sprintf(`{"messageId":"m%d","receiptHandle":"AQEB","body":%s,"attributes":{"ApproximateReceiveCount":"1",`+
				`"SentTimestamp":"1545082649183","SenderId":"AIDA","ApproximateFirstReceiveTimestamp":"1545082649185"},`+
				`"messageAttributes":{},"md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","eventSource":"aws:sqs",`+
				`"eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:q","awsRegion":"eu-central-1"}`, i, text(body)))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func kinesisBatch(payloads ...string) string {
	records := make([]string, 0, len(payloads))
	for i, p := range payloads {
		records = append(records,
			fmt.Sprintf(`{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"1",`+
				`"sequenceNumber":"4959033827149025660855969253836157109592157598913658898%d","data":"%s",`+
				`"approximateArrivalTimestamp":1545084650.987},"eventSource":"aws:kinesis","eventVersion":"1.0",`+
				`"eventID":"shardId-000000000006:49","eventName":"aws:kinesis:record",`+
				`"invokeIdentityArn":"arn:aws:iam::123456789012:role/r","awsRegion":"eu-central-1",`+
				`"eventSourceARN":"arn:aws:kinesis:eu-central-1:123456789012:stream/s"}`, i,
				base64.StdEncoding.EncodeToString([]byte(p))))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func batchOperations1(bucket, key, version string) string {
	return `{"invocationSchemaVersion":"1.0","invocationId":"YXNkbGZqYWRmaiBhc2RmdW9hZHNmZGpmaGFzbGtkaGZza2RmaAo",` +
		`"job":{"id":"f3cc4f60-61f6-4a2b-8a21-d07600c373ce"},"tasks":[{"taskId":"dGFza2lkZ29lc2hlcmUK","s3Key":` +
		text(encoded(key)) + `,"s3VersionId":` + text(version) + `,"s3BucketArn":` + text("arn:aws:s3:::"+bucket) + `}]}`
}

func batchOperations2(bucket, key, version string) string {
	return `{"invocationSchemaVersion":"2.0","invocationId":"i","job":{"id":"j","userArguments":{"k1":"v1"}},` +
		`"tasks":[{"taskId":"t","s3Key":` +
		text(encoded(key)) + `,"s3VersionId":` + text(version) + `,"s3Bucket":` + text(bucket) + `}]}`
}

const s3TestEvent = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z",` +
	`"Bucket":"logs","RequestId":"5582815E1AEA5ADF",` +
	`"HostId":"8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE"}`

// functionEnv is the environment of a function that reads from server and delivers to domain.
func functionEnv(t *testing.T, server *realtest.S3, url string, more ...string) []string {
	t.Helper()
	env := append(server.Env(), "PENSTOCK_DOMAIN="+url, "PENSTOCK_ENDPOINT_URL="+server.URL, "PENSTOCK_PATH_STYLE=true",
		"PENSTOCK_DEAD_LETTERS="+t.TempDir())
	return append(env, more...)
}

// stored is an object with the versions that it has; the first one is the older.
type stored struct {
	*put
	older    *put
	versions [2]string
}

// storeTwice puts two versions of an object under each key.
func storeTwice(t *testing.T, b *bucket, keys []string) []*stored {
	t.Helper()
	var all []*stored
	for i, key := range keys {
		s := &stored{put: newPut(key, 6*i+4, 1), older: newPut(key, 6*i+4, 0)}
		for n, p := range []*put{s.older, s.put} {
			out, err := b.client.PutObject(t.Context(),
				&s3.PutObjectInput{Bucket: &b.name, Key: &p.key, Body: strings.NewReader(string(p.body))})
			if err != nil {
				t.Fatalf("%q: %v", key, err)
			}
			s.versions[n] = aws.ToString(out.VersionId)
		}
		if s.versions[0] == "" || s.versions[0] == s.versions[1] {
			t.Fatalf("%q: versions %v", key, s.versions)
		}
		all = append(all, s)
	}
	return all
}

// stores are the S3 servers that the events are about: a real one, whose objects are files, and a stand-in for the key
// that no file can have.
func stores(t *testing.T) map[*realtest.S3][]string {
	t.Helper()
	real := realtest.StartVersityGW(t)
	stand := realtest.StartMoto(t)
	lax := &realtest.S3{URL: stand.URL, Region: "eu-central-1", AccessKey: "AKIAREALTESTLOOPBACK", SecretKey: "any"}
	all := map[*realtest.S3][]string{}
	for key := range awkwardKeys {
		if strings.Contains(key, "//") {
			all[lax] = append(all[lax], key)
		} else {
			all[real] = append(all[real], key)
		}
	}
	return all
}

func TestEveryAnnouncementOfEveryKeyDeliversThatVersionOfThatObject(t *testing.T) {
	t.Parallel()
	for server, keys := range stores(t) {
		url := startDomain(t, server, "")
		client := &domainClient{url: url, account: server}
		client.prepare(t)
		objects := storeTwice(t, newBucket(t, server.URL, server, "logs", true), keys)
		f := startFunction(t, bootstrap(t), functionEnv(t, server, url)...)
		var want []string
		for name, announce := range announcements {
			for _, o := range objects {
				// An announcement that can name a version names the older one.
				named, versioned := o.older, true
				if name == "by URL" {
					named, versioned = o.put, false
				}
				event := announce("logs", o.key, o.versions[0])
				got := f.invoke(t, event, time.Minute)
				if got.failed || !succeeded(name, got.payload) {
					t.Errorf("%s of %q: %+v", name, o.key, got)
				}
				m := f.metrics(t)
				arrived := m["RecordsDelivered"].(float64) + m["RecordsDuplicate"].(float64)
				if arrived != float64(named.records) || m["RecordsRead"] != arrived {
					t.Errorf("%s of %q: %v records of %d arrived", name, o.key, arrived, named.records)
				}
				if versioned {
					want = append(want, named.docs...)
				}
				// The same through the command; by then everything is a duplicate.
				again := invokeCommand(t, functionEnv(t, server, url), event, "--binary", bootstrap(t))
				m = lastMetrics(t, again.log)
				if again.failed || !succeeded(name, again.payload) || m["RecordsDuplicate"] != float64(named.records) ||
					m["RecordsDelivered"] != 0. {
					t.Errorf("%s of %q through invoke: %+v, %v", name, o.key, again.result, m)
				}
			}
		}
		for _, o := range objects {
			want = append(want, o.docs...) // announced by URL
		}
		if diff := cmp.Diff(unique(want), client.documents(t), sorted); diff != "" {
			t.Errorf("documents (-announced +found):\n%.4000s", diff)
		}
	}
}

func unique(all []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// succeeded reports whether an answer says that everything went well, in the terms of the event's shape.
func succeeded(name, payload string) bool {
	switch {
	case strings.Contains(name, "SQS"), strings.Contains(name, "Kinesis"):
		return payload == `{"batchItemFailures":[]}`
	case strings.Contains(name, "Batch Operations"):
		return strings.Count(payload, `"resultCode":"Succeeded"`) == 1 &&
			!strings.Contains(payload, "Failure\",\"resultString")
	default:
		return strings.Contains(payload, `"records":`)
	}
}

// One batch with everything in it: the answer names the messages that failed, and no others.
func TestAMixedBatchGivesBackExactlyWhatFailed(t *testing.T) {
	t.Parallel()
	for server, keys := range stores(t) {
		url := startDomain(t, server, "")
		client := &domainClient{url: url, account: server}
		client.prepare(t)
		objects := storeTwice(t, newBucket(t, server.URL, server, "logs", true), keys)
		var bodies, want []string
		for _, o := range objects {
			for _, announce := range []func(b, k, v string) string{
				notification, bridge, detail, announcements["by hand"], announcements["by URL"],
			} {
				body := announce("logs", o.key, o.versions[1])
				bodies = append(bodies, body, snsBody(body))
			}
			want = append(want, o.docs...)
		}
		good := len(bodies)
		gone := "plain/2015/11/19/a.log"
		bodies = append(bodies,
			s3TestEvent, snsBody(s3TestEvent), `{"Records":[]}`,
			strings.Replace(notification("logs", gone, ""), "ObjectCreated:Put", "ObjectRemoved:Delete", 1),
			strings.Replace(bridge("logs", gone, ""), "Object Created", "Object Deleted", 1),
			`{"Records":[`+notificationRecord("logs", "missing", "")+`]}`,
			`{"Records":[`+notificationRecord("nowhere", "missing", "")+`]}`,
			`{"Records":[`+notificationRecord("logs", "bad%zz", "")+`]}`,
			"not JSON", `{"what":"ever"}`,
		)
		var failures []string
		for i := range 5 {
			failures = append(failures, fmt.Sprintf(`{"itemIdentifier":"m%d"}`, good+5+i))
		}
		answer := `{"batchItemFailures":[` + strings.Join(failures, ",") + `]}`
		event := sqsBatch(bodies...)
		f := startFunction(t, bootstrap(t), functionEnv(t, server, url)...)
		if got := f.invoke(t, event, time.Minute); got.failed || got.payload != answer {
			t.Errorf("through the Runtime API: %+v, want %s", got, answer)
		}
		if got := invokeCommand(t, functionEnv(t, server, url), event); got.failed || got.payload != answer {
			t.Errorf("through invoke: %+v, want %s", got.result, answer)
		}
		if diff := cmp.Diff(want, client.documents(t), sorted); diff != "" {
			t.Errorf("documents (-announced +found):\n%.4000s", diff)
		}
	}
}

// A record that no mapping takes is kept in the dead letters, in a bucket, under the same name however often it comes.
func TestPoisonRestsInTheBucketOnce(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	url := startDomain(t, server, "")
	client := &domainClient{url: url, account: server}
	client.prepare(t)
	b := newBucket(t, server.URL, server, "logs", false)
	newBucket(t, server.URL, server, "letters", false)
	p := newPut("a+b", 101, 0)
	p.key = "a+b"
	b.put(t, []*put{p})
	if p.poison == 0 {
		t.Fatal("nothing is poisoned")
	}
	f := startFunction(t, bootstrap(t), functionEnv(t, server, url, "PENSTOCK_DEAD_LETTERS=s3://letters/of the gate")...)
	for n := range 2 {
		got := f.invoke(t, sqsBatch(notification("logs", p.key, "")), time.Minute)
		if got.payload != `{"batchItemFailures":[]}` {
			t.Fatalf("%+v", got)
		}
		if m := f.metrics(t); m["RecordsDeadLettered"] != float64(p.poison) {
			t.Errorf("time %d: %v", n, m)
		}
	}
	out, err := b.client.ListObjectsV2(context.WithoutCancel(t.Context()),
		&s3.ListObjectsV2Input{Bucket: aws.String("letters")})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Contents) != 1 || !strings.HasPrefix(aws.ToString(out.Contents[0].Key), "of the gate/") {
		t.Errorf("dead letters are in %d objects", len(out.Contents))
	}
	shown := runPenstock(t, server.Env(), "deadletter", "list", "--dead-letters", "s3://letters/of the gate",
		"--endpoint-url", server.URL, "--path-style")
	if !strings.Contains(shown, "mapper_parsing_exception") ||
		!strings.Contains(shown, strings.TrimPrefix(url, "http://")) {
		t.Errorf("deadletter list says:\n%s", shown)
	}
	// The function does not ship its own letters, when the bucket that they are in announces them.
	own := `{"Records":[` + notificationRecord("letters", strings.ReplaceAll(aws.ToString(out.Contents[0].Key), " ", "+"),
		"") + `]}`
	if got := f.invoke(t, sqsBatch(own), time.Minute); got.payload != `{"batchItemFailures":[]}` {
		t.Errorf("its own letters: %+v", got)
	}
	if m := f.metrics(t); m["RecordsDelivered"] != 0.0 || m["RecordsDeadLettered"] != 0.0 {
		t.Errorf("its own letters: %v", m)
	}
}
