package test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
	"github.com/seed56735111/penstock/sigv4"
)

// stepFunctions is the stand-in that runs the function and the state machines of deploy/.
type stepFunctions struct {
	*realtest.S3
	queue *sqs.Client
	aside string // URL of the queue for what is set aside
}

func startStepFunctions(t *testing.T) *stepFunctions {
	t.Helper()
	s := &stepFunctions{S3: realtest.StartMiniStack(t)}
	s.queue = sqs.New(sqs.Options{
		BaseEndpoint: &s.URL,
		Region:       s.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	})
	queue, err := s.queue.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("failed")})
	if err != nil {
		t.Fatal(err)
	}
	s.aside = aws.ToString(queue.QueueUrl)
	return s
}

// call makes a signed request to a service of the stand-in.
func (s *stepFunctions) call(t *testing.T, service, path, target string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
	}
	client := &http.Client{Transport: &sigv4.Transport{
		Credentials: sigv4.Static(sigv4.Credentials{AccessKeyID: s.AccessKey, SecretAccessKey: s.SecretKey}),
		Region:      s.Region, Service: service,
	}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s%s: %s %v\n%s", path, target, resp.Status, err, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("%s%s: %v\n%s", path, target, err, text)
	}
}

// function makes a function of lambda.zip's binary and returns its ARN.
func (s *stepFunctions) function(t *testing.T, name, domain string, env ...string) string {
	t.Helper()
	binary, err := os.ReadFile(bootstrap(t))
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(binary); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for _, kv := range functionEnv(t, s.S3, domain, env...) {
		k, v, _ := strings.Cut(kv, "=")
		variables[k] = v
	}
	var made struct{ FunctionArn string }
	s.call(t, "lambda", "/2015-03-31/functions", "", map[string]any{
		"FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap",
		"Role": "arn:aws:iam::123456789012:role/gate",
		"Code": map[string]any{"ZipFile": packed.Bytes()}, "Timeout": 60, "MemorySize": 128,
		"Environment": map[string]any{"Variables": variables},
	}, &made)
	return made.FunctionArn
}

// machine makes a state machine of deploy/stepfunctions, as its template does.
func (s *stepFunctions) machine(t *testing.T, name, file, function string) string {
	t.Helper()
	text, err := os.ReadFile("../deploy/stepfunctions/" + file)
	if err != nil {
		t.Fatal(err)
	}
	definition := strings.NewReplacer("${Function}", function, "${FailedQueueUrl}", s.aside, "${ResultBucket}",
		"results").Replace(string(text))
	if strings.Contains(definition, "${") {
		t.Fatalf("%s has a substitution that nobody makes", file)
	}
	var made struct {
		Arn string `json:"stateMachineArn"`
	}
	s.call(t, "states", "/", "AWSStepFunctions.CreateStateMachine", map[string]any{
		"name": name, "definition": definition, "roleArn": "arn:aws:iam::123456789012:role/run",
	}, &made)
	return made.Arn
}

type execution struct{ Status, Output, Error, Cause string }

// run starts a machine and waits for its end.
func (s *stepFunctions) run(t *testing.T, machine, input string) execution {
	t.Helper()
	var started struct {
		Arn string `json:"executionArn"`
	}
	s.call(t, "states", "/", "AWSStepFunctions.StartExecution", map[string]any{"stateMachineArn": machine, "input": input},
		&started)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); <-tick.C {
		var e execution
		s.call(t, "states", "/", "AWSStepFunctions.DescribeExecution", map[string]any{"executionArn": started.Arn}, &e)
		if e.Status != "RUNNING" {
			return e
		}
	}
	t.Fatalf("%s with %s does not end", machine, input)
	return execution{}
}

// setAside takes what a machine has put into the queue.
func (s *stepFunctions) setAside(t *testing.T) []string {
	t.Helper()
	var bodies []string
	for {
		in, err := s.queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &s.aside, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(in.Messages) == 0 {
			return bodies
		}
		for _, m := range in.Messages {
			bodies = append(bodies, aws.ToString(m.Body))
			_, err := s.queue.DeleteMessage(t.Context(),
				&sqs.DeleteMessageInput{QueueUrl: &s.aside, ReceiptHandle: m.ReceiptHandle})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// results adds up the answers to the items of a map.
func results(t *testing.T, e execution) (delivered, duplicate, failed int) {
	t.Helper()
	var answers []struct {
		Delivered, Duplicate int
		Error                string
	}
	if err := json.Unmarshal([]byte(e.Output), &answers); e.Status != "SUCCEEDED" || err != nil {
		t.Fatalf("%v: %+v", err, e)
	}
	for _, a := range answers {
		delivered += a.Delivered
		duplicate += a.Duplicate
		if a.Error != "" {
			failed++
		}
	}
	return delivered, duplicate, failed
}

func TestStateMachinesShipAListingAndAPlan(t *testing.T) {
	t.Parallel()
	s := startStepFunctions(t)
	url := startDomain(t, s.S3, "")
	client := &domainClient{url: url, account: s.S3}
	client.prepare(t)
	keys := slices.Sorted(maps.Keys(awkwardKeys))
	puts := corpus(40, keys)
	for i, p := range puts {
		*p = *newPut(p.key, 6*i+4, 0)
	}
	newBucket(t, s.URL, s.S3, "logs", false).put(t, puts)
	var want []string
	var plan strings.Builder
	for _, p := range puts {
		want = append(want, p.docs...)
		fmt.Fprintf(&plan, `{"bucket":"logs","key":%s}`+"\n", text(p.key))
	}
	plan.WriteString(`{"bucket":"logs","key":"was/deleted"}` + "\n")
	newBucket(t, s.URL, s.S3, "plans", false).put(t, []*put{{key: "all.jsonl", body: []byte(plan.String())}})
	function := s.function(t, "gate", url)

	listing := s.machine(t, "listing", "listing.asl.json", function)
	delivered, duplicate, failed := results(t, s.run(t, listing, `{"bucket":"logs","prefix":""}`))
	if delivered != len(want) || duplicate != 0 || failed != 0 {
		t.Errorf("a listing: %d delivered of %d, %d duplicates, %d set aside", delivered, len(want), duplicate, failed)
	}
	if diff := cmp.Diff(want, client.documents(t), sorted); diff != "" {
		t.Errorf("documents (-listed +found):\n%.4000s", diff)
	}

	jsonl := s.machine(t, "jsonl", "jsonl.asl.json", function)
	delivered, duplicate, failed = results(t, s.run(t, jsonl, `{"bucket":"plans","key":"all.jsonl"}`))
	if delivered != 0 || duplicate != len(want) || failed != 1 {
		t.Errorf("a plan of the same: %d delivered, %d duplicates of %d, %d set aside", delivered, duplicate, len(want),
			failed)
	}
	// What was set aside is a message that the function takes as it is, once the object is there again.
	aside := s.setAside(t)
	if len(aside) != 1 || !strings.Contains(aside[0], "was/deleted") || !strings.Contains(aside[0], "Penstock.NotFound") {
		t.Fatalf("set aside: %v", aside)
	}
	back := newPut("was/deleted", 6*1000+4, 0)
	(&bucket{name: "logs", client: newBucketClient(s.S3)}).put(t, []*put{back})
	if got := invokeCommand(t, functionEnv(t, s.S3, url), sqsBatch(aside...)); got.payload != `{"batchItemFailures":[]}` {
		t.Errorf("%+v", got.result)
	}
	if got := client.count(t); got != int64(len(want)+back.records) {
		t.Errorf("%d documents, want %d", got, len(want)+back.records)
	}
}

// What may pass is retried, by its name; what does not ends the run.
func TestStateMachinesRetryByTheNameOfTheFailure(t *testing.T) {
	t.Parallel()
	s := startStepFunctions(t)
	p := newPut("k", 4, 0)
	newBucket(t, s.URL, s.S3, "logs", false).put(t, []*put{p})
	newBucket(t, s.URL, s.S3, "plans", false).put(t,
		[]*put{{key: "one.jsonl", body: []byte(`{"bucket":"logs","key":"k"}`)}})
	for _, tt := range []struct {
		name    string
		status  int
		bad     int64 // of the first requests, how many are answered with the status
		want    string
		atMost  int64 // requests
		atLeast int64
	}{
		{name: "unavailable", status: 503, bad: 3, want: "SUCCEEDED", atLeast: 5, atMost: 6},
		{name: "refused", status: 403, bad: 1 << 30, want: "FAILED", atLeast: 1, atMost: 3},
	} {
		var asked atomic.Int64
		domain := &sink{seen: make([]byte, 1)} // its documents have no n, which is all the same here
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) <= tt.bad {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, `{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost"}`)
				return
			}
			domain.ServeHTTP(w, r)
		}))
		machine := s.machine(t, tt.name, "jsonl.asl.json", s.function(t, tt.name, srv.URL))
		e := s.run(t, machine, `{"bucket":"plans","key":"one.jsonl"}`)
		srv.Close()
		if n := asked.Load(); e.Status != tt.want || n < tt.atLeast || n > tt.atMost {
			t.Errorf("%s: %+v after %d requests", tt.name, e, n)
		}
	}
	if aside := s.setAside(t); len(aside) > 0 {
		t.Errorf("set aside: %v", aside)
	}
}
