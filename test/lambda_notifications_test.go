package test

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

func md5Of(s string) [md5.Size]byte { return md5.Sum([]byte(s)) }

// The notifications come from a program of others, and are about objects in a server of others.
func TestNotificationsOfAStandInAnnounceObjectsOfARealServer(t *testing.T) {
	t.Parallel()
	real, stand := realtest.StartVersityGW(t), realtest.StartMoto(t)
	url := startDomain(t, real, "")
	client := &domainClient{url: url, account: real}
	client.prepare(t)

	lax := &realtest.S3{URL: stand.URL, Region: "eu-central-1", AccessKey: "AKIAREALTESTLOOPBACK", SecretKey: "any"}
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(awkwardKeys)), func(k string) bool {
		return strings.Contains(k, "//")
	})
	puts := corpus(len(keys), keys)
	for i, p := range puts {
		*p = *newPut(p.key, 6*i+4, 0)
	}
	newBucket(t, real.URL, real, "logs", false).put(t, puts)

	queues := sqs.New(sqs.Options{
		BaseEndpoint: &stand.URL,
		Region:       lax.Region,
		Credentials:  credentials.NewStaticCredentialsProvider("testing", "testing", ""),
	})
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("objects")})
	if err != nil {
		t.Fatal(err)
	}
	attributes, err := queues.GetQueueAttributes(t.Context(),
		&sqs.GetQueueAttributesInput{QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"}})
	if err != nil {
		t.Fatal(err)
	}
	arn := attributes.Attributes["QueueArn"]
	announcing := newBucket(t, stand.URL, lax, "logs", false)
	_, err = announcing.client.PutBucketNotificationConfiguration(t.Context(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: &announcing.name,
		NotificationConfiguration: &s3types.NotificationConfiguration{QueueConfigurations: []s3types.QueueConfiguration{
			{QueueArn: &arn, Events: []s3types.Event{"s3:ObjectCreated:*"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	announcing.put(t, puts)

	f := startFunction(t, bootstrap(t), functionEnv(t, real, url)...)
	var tests, objects int
	deadline := time.Now().Add(30 * time.Second)
	for objects < len(puts) && time.Now().Before(deadline) {
		in, err := queues.ReceiveMessage(t.Context(),
			&sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		var bodies []string
		for _, m := range in.Messages {
			bodies = append(bodies, aws.ToString(m.Body))
			if strings.Contains(aws.ToString(m.Body), "s3:TestEvent") {
				tests++
			} else {
				objects++
			}
			_, err := queues.DeleteMessage(t.Context(),
				&sqs.DeleteMessageInput{QueueUrl: queue.QueueUrl, ReceiptHandle: m.ReceiptHandle})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(bodies) == 0 {
			continue
		}
		if got := f.invoke(t, sqsBatch(bodies...), time.Minute); got.payload != `{"batchItemFailures":[]}` {
			t.Errorf("%+v to %v", got, bodies)
		}
	}
	if tests != 1 || objects != len(puts) {
		t.Errorf("%d test events and %d objects were announced, want 1 and %d", tests, objects, len(puts))
	}
	if diff := cmp.Diff(docsOf(puts), client.documents(t), sorted); diff != "" {
		t.Errorf("documents (-put in +found):\n%.2000s", diff)
	}
}

// Settings come from a parameter or an object as well as from variables.
func TestSettingsComeFromAParameterOrAnObject(t *testing.T) {
	t.Parallel()
	stand := realtest.StartMoto(t)
	account := &realtest.S3{URL: stand.URL, Region: "eu-central-1", AccessKey: "AKIAREALTESTLOOPBACK", SecretKey: "any"}
	url := startDomain(t, account, "")
	b := newBucket(t, stand.URL, account, "settings", false)
	settings := fmt.Sprintf(`{"domain":%s,"index":"logs-configured"}`, text(url))
	b.put(t, []*put{{key: "gate/config file.json", body: []byte(settings)}})
	p := newPut("a+b", 4, 0)
	newBucket(t, stand.URL, account, "logs", false).put(t, []*put{p})
	putParameter(t, account, "/gate/config", settings)
	client := &domainClient{url: url, account: account}
	for _, where := range []string{"ssm:/gate/config", "s3://settings/gate/config file.json"} {
		f := startFunction(t, bootstrap(t), append(account.Env(), "AWS_ENDPOINT_URL_SSM="+stand.URL,
			"PENSTOCK_CONFIG="+where, "PENSTOCK_CONFIG_MAY_NAME="+url,
			"PENSTOCK_ENDPOINT_URL="+stand.URL, "PENSTOCK_PATH_STYLE=true", "PENSTOCK_DEAD_LETTERS="+t.TempDir())...)
		got := f.invoke(t, sqsBatch(notification("logs", p.key, "")), time.Minute)
		if got.payload != `{"batchItemFailures":[]}` {
			t.Errorf("%s: %+v", where, got)
		}
	}
	var answer struct{ Count int64 }
	client.call(t, "POST", "/logs-configured/_refresh", "", new(any))
	client.call(t, "GET", "/logs-configured/_count", "", &answer)
	if answer.Count != int64(p.records) {
		t.Errorf("the configured index holds %d documents, want %d", answer.Count, p.records)
	}
	f := startFunction(t, bootstrap(t),
		append(account.Env(), "AWS_ENDPOINT_URL_SSM="+stand.URL, "PENSTOCK_CONFIG=ssm:/gate/nothing")...)
	if got := f.invoke(t, "{}", time.Minute); !got.failed || !strings.Contains(got.payload, "ParameterNotFound") {
		t.Errorf("a parameter that is not there: %+v", got)
	}
}

// putParameter stores a parameter with a request signed by the AWS SDK.
func putParameter(t *testing.T, account *realtest.S3, name, value string) {
	t.Helper()
	body := fmt.Sprintf(`{"Name":%s,"Value":%s,"Type":"SecureString"}`, text(name), text(value))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, account.URL+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonSSM.PutParameter")
	keys := aws.Credentials{AccessKeyID: account.AccessKey, SecretAccessKey: account.SecretKey}
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, req, hash, "ssm", account.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("put parameter: status %d", resp.StatusCode)
	}
}
