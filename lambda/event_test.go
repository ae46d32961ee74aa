package lambda

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// keys are the ones that tools get wrong; encoded is how S3 writes them into a notification.
var keys = []struct{ key, encoded string }{
	{"plain/a.log", "plain/a.log"},
	{"with space", "with+space"},
	{"a+b", "a%2Bb"},
	{"a%2Bb", "a%252Bb"},
	{"100% été", "100%25+%C3%A9t%C3%A9"},
	{"//double//", "//double//"},
	{"日本/ログ", "%E6%97%A5%E6%9C%AC/%E3%83%AD%E3%82%B0"},
	{"a=b&c", "a%3Db%26c"},
}

const testEvent = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2015-11-19T08:00:00.000Z","Bucket":"b",` +
	`"RequestId":"r","HostId":"h"}`

func s3Record(encoded string) string {
	return fmt.Sprintf(`{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1",`+
		`"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":%q,"size":7,"eTag":"e",`+
		`"versionId":"v1","sequencer":"00"}}}`, encoded)
}

func s3Event(encoded ...string) string {
	var records []string
	for _, k := range encoded {
		records = append(records, s3Record(k))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func bridgeEvent(key string) string {
	k, _ := json.Marshal(key)
	return `{"version":"0","id":"1","detail-type":"Object Created","source":"aws.s3","account":"1",` +
		`"region":"eu-west-1","detail":` + detailOf(string(k)) + `}`
}

func detailOf(quoted string) string {
	return `{"version":"0","bucket":{"name":"b"},"object":{"key":` + quoted +
		`,"size":7,"etag":"e","version-id":"v1","sequencer":"00"},"reason":"PutObject"}`
}

func quoted(s string) string { b, _ := json.Marshal(s); return string(b) }

func snsNotification(message string) string {
	return `{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:1:t","Subject":"Amazon S3 ` +
		`Notification","Message":` + quoted(message) + `}`
}

func snsEvent(message string) string {
	return `{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","Sns":{"Type":"Notification","MessageId":"m",` +
		`"Message":` + quoted(message) + `}}]}`
}

func sqsEvent(bodies ...string) string {
	var records []string
	for i, b := range bodies {
		records = append(records,
			fmt.Sprintf(`{"messageId":"m%d","receiptHandle":"r","body":%s,"attributes":{"ApproximateReceiveCount":"1"},`+
				`"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:1:q"}`, i, quoted(b)))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func TestEveryWrapperGivesTheSameObject(t *testing.T) {
	t.Parallel()
	for _, k := range keys {
		bare := detailOf(quoted(k.key))
		wrapped := map[string]string{
			"direct":                 s3Event(k.encoded),
			"SNS":                    snsEvent(s3Event(k.encoded)),
			"SQS":                    sqsEvent(s3Event(k.encoded)),
			"SNS in SQS":             sqsEvent(snsNotification(s3Event(k.encoded))),
			"EventBridge":            bridgeEvent(k.key),
			"EventBridge in SQS":     sqsEvent(bridgeEvent(k.key)),
			"EventBridge in SNS":     snsEvent(bridgeEvent(k.key)),
			"EventBridge SNS in SQS": sqsEvent(snsNotification(bridgeEvent(k.key))),
			"detail alone in SQS":    sqsEvent(bare),
			"detail alone":           bare,
		}
		for name, raw := range wrapped {
			ev, err := decodeEvent([]byte(raw))
			if err != nil || len(ev.units) != 1 || ev.units[0].err != nil {
				t.Errorf("%s, %q: %+v, error %v", name, k.key, ev, err)
				continue
			}
			want := []Ref{{Bucket: "b", Key: k.key, Version: "v1", Size: 7, ETag: "e", Region: "eu-west-1"}}
			if strings.HasPrefix(name, "detail alone") {
				want[0].Region = "" // nobody says it
			}
			if diff := cmp.Diff(want, ev.units[0].refs); diff != "" {
				t.Errorf("%s, %q: %s", name, k.key, diff)
			}
			wantShape := shapeAsync
			if strings.Contains(name, "SQS") {
				wantShape = shapeSQS
			}
			if ev.shape != wantShape {
				t.Errorf("%s: shape %d, want %d", name, ev.shape, wantShape)
			}
		}
	}
}

func TestMixedBatchesKeepTheirMessagesApart(t *testing.T) {
	t.Parallel()
	ev, err := decodeEvent([]byte(sqsEvent(
		s3Event("a", "b"), testEvent, snsNotification(testEvent), "not json", bridgeEvent("c d"),
		strings.Replace(s3Event("gone"), "ObjectCreated:Put", "ObjectRemoved:Delete", 1),
		s3Event("ok", "bad%zz"), `{"hello":"world"}`, `"s3://b/x y"`, `{"bucket":"b","key":"k+1"}`, `{"Records":[]}`,
		`{"penstock_continue":{"Bucket":"b","Key":"k","Version":"v","Size":-1,"From":{"offset":12,"etag":"e"}}}`,
		// An announcement that does not say what happened may be one of a removal; an EventBridge event then has a
		// deletion-type.
		strings.Replace(s3Event("unsaid"), `"eventName":"ObjectCreated:Put",`, "", 1),
		strings.Replace(bridgeEvent("unsaid"), `"detail-type":"Object Created",`, "", 1),
		strings.Replace(s3Event("both"), "{", `{"Event":"s3:TestEvent",`, 1),
		strings.Replace(detailOf(`"gone"`), "{", `{"deletion-type":"Permanently Deleted",`, 1), `[]`,
	)))
	if err != nil || ev.shape != shapeSQS {
		t.Fatalf("shape %d, error %v", ev.shape, err)
	}
	type row struct {
		ID, Keys, Note string
		Failed         bool
	}
	var got []row
	for _, u := range ev.units {
		var k []string
		for _, r := range u.refs {
			k = append(k, r.Key)
		}
		got = append(got, row{u.id, strings.Join(k, "|"), u.note, u.err != nil})
	}
	want := []row{
		{ID: "m0", Keys: "a|b"},
		{ID: "m1", Note: "s3:TestEvent"},
		{ID: "m2", Note: "s3:TestEvent"},
		{ID: "m3", Failed: true},
		{ID: "m4", Keys: "c d"},
		{ID: "m5", Note: "ignored ObjectRemoved:Delete"},
		{ID: "m6", Keys: "ok", Failed: true},
		{ID: "m7", Failed: true},
		{ID: "m8", Keys: "x y"},
		{ID: "m9", Keys: "k+1"},
		{ID: "m10"},
		{ID: "m11", Keys: "k"},
		{ID: "m12", Failed: true},
		{ID: "m13", Keys: "unsaid"},
		{ID: "m14", Keys: "both"},
		{ID: "m15", Note: "ignored Object Deleted"},
		{ID: "m16", Failed: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if from := ev.units[11].refs[0].From; from == nil || from.Offset != 12 || from.ETag != "e" {
		t.Errorf("continuation from %+v", from)
	}
}

func TestCloudWatchLogsComesDirectlyAndThroughKinesis(t *testing.T) {
	t.Parallel()
	direct, err := BuildLogs("123456789012", "/g", "s", []string{"one", "two"}, time.UnixMilli(1447920000000))
	if err != nil {
		t.Fatal(err)
	}
	var inner struct {
		AWSLogs struct{ Data []byte } `json:"awslogs"`
	}
	if err := json.Unmarshal(direct, &inner); err != nil {
		t.Fatal(err)
	}
	kinesis := func(data ...[]byte) string {
		var records []string
		for i, d := range data {
			records = append(records,
				fmt.Sprintf(`{"kinesis":{"sequenceNumber":"49%d","data":"%s"},"eventSource":"aws:kinesis","eventID":"shard:%d"}`,
					i, base64.StdEncoding.EncodeToString(d), i))
		}
		return `{"Records":[` + strings.Join(records, ",") + `]}`
	}
	control := []byte(`{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"",` +
		`"subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: ` +
		`Checking health of destination Kinesis stream."}]}`)
	account := []byte(strings.Replace(string(mustGunzip(t, inner.AWSLogs.Data)), `"messageType"`,
		`"policyLevel":"ACCOUNT_LEVEL_POLICY","messageType"`, 1))
	for name, raw := range map[string]string{
		"direct":                      string(direct),
		"through Kinesis":             kinesis(inner.AWSLogs.Data),
		"account level, decompressed": kinesis(account),
	} {
		ev, err := decodeEvent([]byte(raw))
		if err != nil || len(ev.units) != 1 || len(ev.units[0].logs) != 1 || ev.units[0].err != nil {
			t.Errorf("%s: %+v, error %v", name, ev, err)
			continue
		}
		h := ev.units[0].logs[0].header
		if value(h.LogGroup) != "/g" || value(h.LogStream) != "s" || value(h.Owner) != "123456789012" || h.FirstID == "" {
			t.Errorf("%s: %+v", name, h)
		}
	}
	ev, err := decodeEvent([]byte(kinesis(control, []byte("garbage"), inner.AWSLogs.Data[:20])))
	if err != nil || ev.shape != shapeKinesis || ev.units[0].note == "" || ev.units[0].err != nil ||
		ev.units[1].err == nil || ev.units[2].err == nil {
		t.Errorf("%+v, error %v", ev, err)
	}
}

func mustGunzip(t *testing.T, z []byte) []byte {
	t.Helper()
	plain, err := gunzip(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestAnEmptyOrSampleEventIsAPing(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "{}", "null", " {} ", `{"key1":"value1","key2":"value2","key3":"value3"}`} {
		if ev, err := decodeEvent([]byte(raw)); err != nil || ev.shape != shapePing {
			t.Errorf("%q: shape %d, error %v", raw, ev.shape, err)
		}
	}
	for _, raw := range []string{
		`{"bucket":1}`, `[1]`, `{"Records":[{"eventSource":"aws:dynamodb"}]}`, `{"key":"k"}`,
		`{"detail-type":"EC2","source":"aws.ec2","detail":{}}`, `"hello"`, `{"Records":[3]}`, `{"keys":"s"}`, `3`,
	} {
		if ev, err := decodeEvent([]byte(raw)); err == nil {
			t.Errorf("%q is taken for %+v", raw, ev)
		} else if strings.Contains(err.Error(), "lambda.") {
			t.Errorf("%q: the error is about our types: %v", raw, err)
		}
	}
}

func TestBatchOperationsInBothSchemas(t *testing.T) {
	t.Parallel()
	raw := `{"invocationSchemaVersion":"1.0","invocationId":"i","job":{"id":"j"},"tasks":[
		{"taskId":"t1","s3Key":"a+b%2Bc","s3VersionId":"1","s3BucketArn":"arn:aws:s3:::bucket"},
		{"taskId":"t2","s3Key":"k","s3VersionId":null,"s3Bucket":"other"},
		{"taskId":"t3","s3Key":"%zz","s3Bucket":"other"}]}`
	ev, err := decodeEvent([]byte(raw))
	if err != nil || ev.shape != shapeTasks || len(ev.units) != 3 {
		t.Fatalf("%+v, error %v", ev, err)
	}
	if diff := cmp.Diff([]Ref{{Bucket: "bucket", Key: "a b+c", Version: "1", Size: -1}}, ev.units[0].refs); diff != "" {
		t.Error(diff)
	}
	if ev.units[1].refs[0].Bucket != "other" || ev.units[2].err == nil {
		t.Errorf("%+v", ev.units)
	}
	got, err := json.Marshal(taskAnswer(ev, []outcome{{}, {err: errNotBegun}, {err: ev.units[2].err}}))
	want := `{"invocationSchemaVersion":"1.0","treatMissingKeysAs":"TemporaryFailure","invocationId":"i",` +
		`"results":[{"taskId":"t1","resultCode":"Succeeded","resultString":""},{"taskId":"t2",` +
		`"resultCode":"TemporaryFailure","resultString":"not begun before the deadline"},{"taskId":"t3",` +
		`"resultCode":"PermanentFailure","resultString":"recognise event: task key: invalid URL escape \"%zz\""}]}`
	if err != nil || string(got) != want {
		t.Errorf("error %v\n got %s\nwant %s", err, got, want)
	}
}

func TestAFIFOGroupIsGivenBackFromItsFirstFailureOn(t *testing.T) {
	t.Parallel()
	units := []unit{
		{id: "1", group: "a"},
		{id: "2", group: "b"},
		{id: "3", group: "a"},
		{id: "4", group: "a"},
		{id: "5", group: "b"},
		{id: "6"},
		{id: "7"},
	}
	results := make([]outcome, len(units))
	results[2].err, results[5].err = errNotBegun, errNotBegun
	got, err := sqsAnswer(units, results)
	want := batchResponse{BatchItemFailures: []itemFailure{{"3"}, {"4"}, {"6"}}}
	if diff := cmp.Diff(any(want), got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := sqsAnswer([]unit{{}}, []outcome{{err: errNotBegun}}); err == nil {
		t.Error("a failed message without an id must fail the whole batch")
	}
}

func FuzzDecodeEvent(f *testing.F) {
	for _, s := range []string{
		s3Event("a"), sqsEvent(snsNotification(s3Event("a"))), bridgeEvent("a"), testEvent, `"s3://b/k"`,
		`{"awslogs":{"data":"H4sI"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ev, err := decodeEvent(raw)
		if err == nil && ev.shape != shapePing && len(ev.units) == 0 && ev.tasks == nil {
			t.Fatalf("neither an error nor anything to do: %s", raw)
		}
	})
}
