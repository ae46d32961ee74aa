package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

// subscribe makes a log group with a subscription through a Kinesis stream, puts log events, and prints the event that
// Lambda makes of the stream's records.
const subscribe = `
import base64, json, sys, time, boto3
kinesis, logs, iam = (boto3.client(s, region_name="us-east-1") for s in ("kinesis", "logs", "iam"))
kinesis.create_stream(StreamName="logs", ShardCount=1)
arn = kinesis.describe_stream(StreamName="logs")["StreamDescription"]["StreamARN"]
role = iam.create_role(RoleName="logs", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
logs.create_log_group(logGroupName="/app/turbine")
logs.create_log_stream(logGroupName="/app/turbine", logStreamName="unit 1/[a]")
logs.put_subscription_filter(
    logGroupName="/app/turbine", filterName="all", filterPattern="", destinationArn=arn, roleArn=role)
now = int(time.time() * 1000)
logs.put_log_events(logGroupName="/app/turbine", logStreamName="unit 1/[a]", logEvents=[
    {"timestamp": now, "message": m} for m in json.load(sys.stdin)])
shard = kinesis.get_shard_iterator(
    StreamName="logs", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")
records = kinesis.get_records(ShardIterator=shard["ShardIterator"])["Records"]
print(json.dumps({"Records": [{
    "kinesis": {
        "data": base64.b64encode(r["Data"]).decode(),
        "sequenceNumber": r["SequenceNumber"],
        "partitionKey": r["PartitionKey"]},
    "eventSource": "aws:kinesis", "eventSourceARN": arn} for r in records]}))
`

// The subscription comes from a program of others. It has a line of a load balancer and an event of CloudTrail.
func TestASubscriptionOfAStandInBecomesDocuments(t *testing.T) {
	t.Parallel()
	stand := realtest.StartMoto(t)
	account := &realtest.S3{URL: stand.URL, Region: "eu-central-1", AccessKey: "AKIAREALTESTLOOPBACK", SecretKey: "any"}
	url := startDomain(t, account, "")
	messages := []string{
		`INFO gate {"opening":0.5,"unit":"1"}`, "plain text ünï 日本語",
		`http 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.000 ` +
			`0.001 0.000 200 200 34 366 "GET http://www.example.com:80/ HTTP/1.1" "curl/7.46.0" - - ` +
			`arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 ` +
			`"Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2018-07-02T22:22:48.364000Z "forward" "-" "-" ` +
			`"10.0.0.1:80" "200" "-" "-"`,
		`{"eventVersion":"1.08","eventTime":"2015-11-19T08:00:00Z","eventSource":"es.amazonaws.com",` +
			`"eventName":"CreateDomain","awsRegion":"eu-west-1","userIdentity":{"type":"IAMUser"},` +
			`"eventID":"c9f1e2f0-0000-4000-8000-000000000000"}`,
	}
	in, err := json.Marshal(messages)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), realtest.Python(t, "boto3==1.44.5"), "-c", subscribe)
	cmd.Env = append(os.Environ(), stand.Env()...)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(in)), os.Stderr
	event, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"compat", "recognise"} {
		f := startFunction(t, bootstrap(t), append(account.Env(), "PENSTOCK_DOMAIN="+url, "PENSTOCK_LOGS_MESSAGES="+mode,
			"PENSTOCK_LOGS_INDEX="+mode+"-{log_group}", "PENSTOCK_DEAD_LETTERS="+t.TempDir())...)
		for n := range 2 {
			if got := f.invoke(t, string(event), time.Minute); got.payload != `{"batchItemFailures":[]}` {
				t.Fatalf("%+v to %s", got, event)
			}
			if m := f.metrics(t); m[[]string{"RecordsDelivered", "RecordsDuplicate"}[n]] != float64(len(messages)) {
				t.Errorf("%s, time %d: %v", mode, n, m)
			}
		}
	}
	client := &domainClient{url: url, account: account}
	type doc struct {
		Message string `json:"@message"`
		Group   string `json:"@log_group"`
		Stream  string `json:"@log_stream"`
		Format  string `json:"@format"`
		Opening any    `json:"opening"`
		Name    string `json:"eventName"`
		Status  any    `json:"elb_status_code"`
	}
	search := func(index string) map[string]doc {
		t.Helper()
		var answer struct {
			Hits struct {
				Hits []struct {
					Source doc `json:"_source"`
				}
			}
		}
		client.call(t, "POST", "/"+index+"/_refresh", "", new(any))
		client.call(t, "POST", "/"+index+"/_search", `{"size":100}`, &answer)
		all := map[string]doc{}
		for _, h := range answer.Hits.Hits {
			all[h.Source.Message] = h.Source
		}
		return all
	}
	base := doc{Group: "/app/turbine", Stream: "unit 1/[a]"}
	want := map[string]doc{}
	for i, m := range messages {
		d := base
		d.Message = m
		switch i {
		case 0:
			d.Opening = 0.5
		case 3:
			d.Name = "CreateDomain"
		}
		want[m] = d
	}
	if diff := cmp.Diff(want, search("compat-app-turbine")); diff != "" {
		t.Errorf("compat (-want +got):\n%s", diff)
	}
	for i, format := range map[int]string{2: "alb", 3: "cloudtrail"} {
		d := want[messages[i]]
		d.Format = format
		if i == 2 {
			d.Status = 200.
		}
		want[messages[i]] = d
	}
	if diff := cmp.Diff(want, search("recognise-app-turbine")); diff != "" {
		t.Errorf("recognise (-want +got):\n%s", diff)
	}
}
