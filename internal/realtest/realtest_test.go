package realtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/seed56735111/penstock/internal/realtest"
)

func TestVersityGWKeepsVersionsAndChecksSignatures(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	ctx := t.Context()
	client := s3Client(server, server.SecretKey)
	bucket := aws.String("logs")
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  bucket,
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, text := range []string{"old", "new"} {
		put, err := client.PutObject(ctx,
			&s3.PutObjectInput{Bucket: bucket, Key: aws.String("a b"), Body: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, aws.ToString(put.VersionId))
	}
	old, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("a b"), VersionId: &versions[0]})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Body.Close() }()
	if text, err := io.ReadAll(old.Body); err != nil || string(text) != "old" {
		t.Errorf("read of the first version: %q, %v, want old", text, err)
	}
	if _, err := s3Client(server, "wrong").ListBuckets(ctx, &s3.ListBucketsInput{}); err == nil {
		t.Error("a request signed with a wrong key was taken")
	}
}

func s3Client(server *realtest.S3, secret string) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: &server.URL, Region: server.Region, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(server.AccessKey, secret, ""),
	})
}

func TestSearchServersIndexAndCount(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.3.0", "2.19.1", "7.10.2"} {
		// One after the other: each holds half a gigabyte.
		t.Run(version, func(t *testing.T) {
			domain := realtest.StartOpenSearch(t, version)
			var banner struct {
				Version struct{ Number string }
			}
			call(t, http.MethodGet, domain.URL+"/", "", &banner)
			if banner.Version.Number != version {
				t.Errorf("the server says version %q, want %q", banner.Version.Number, version)
			}
			var bulk struct{ Errors bool }
			call(t, http.MethodPost, domain.URL+"/logs/_bulk?refresh=true", strings.Repeat("{\"index\":{}}\n{\"a\":1}\n", 100),
				&bulk)
			if bulk.Errors {
				t.Error("a bulk of plain documents had errors")
			}
			var count struct{ Count int }
			call(t, http.MethodGet, domain.URL+"/logs/_count", "", &count)
			if count.Count != 100 {
				t.Errorf("counted %d documents, want 100", count.Count)
			}
			var ingest map[string]any
			call(t, http.MethodPut, domain.URL+"/_ingest/pipeline/p", `{"processors":[{"set":{"field":"b","value":2}}]}`,
				&ingest)
			var put map[string]any
			call(t, http.MethodPut, domain.URL+"/logs/_doc/1?pipeline=p", `{"a":2}`, &put)
		})
	}
}

func TestMotoSpeaksQueues(t *testing.T) {
	t.Parallel()
	stand := realtest.StartMoto(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, stand.URL, strings.NewReader(`{"QueueName":"q"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "AmazonSQS.CreateQueue")
	req.Header.Set("Authorization",
		"AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
	var queue struct{ QueueUrl string } //nolint:revive // the name is the service's
	do(t, req, &queue)
	if !strings.HasSuffix(queue.QueueUrl, "/q") {
		t.Errorf("queue URL %q, want one that ends in /q", queue.QueueUrl)
	}
}

func TestNodeAndPythonFindTheirPackages(t *testing.T) {
	t.Parallel()
	t.Run("node", func(t *testing.T) {
		node := realtest.NodeWith(t, "aws4@1.13.2")
		out := output(t, node.Command(t.Context(), "-e", `
			const aws4 = require('aws4')
			const request = {host: 'h', path: '/', service: 'es', region: 'r'}
			console.log(aws4.sign(request, {accessKeyId: 'a', secretAccessKey: 's'}).headers.Authorization)`))
		if !strings.Contains(out, "/r/es/aws4_request") {
			t.Errorf("aws4 signed %q, want a credential scope of es in r", out)
		}
	})
	t.Run("python", func(t *testing.T) {
		python := realtest.Python(t, "botocore==1.44.5")
		out := output(t, exec.CommandContext(t.Context(), python, "-c", "import botocore; print(botocore.__version__)"))
		if strings.TrimSpace(out) != "1.44.5" {
			t.Errorf("botocore says version %q, want 1.44.5", out)
		}
	})
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("run %s: %v: %s", cmd.Path, err, errs.String())
	}
	return string(out)
}

func call(t *testing.T, method, url, body string, answer any) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	do(t, req, answer)
}

func do(t *testing.T, req *http.Request, answer any) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	if err == nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil {
		t.Fatalf("%s %s: %v: %s", req.Method, req.URL, err, text)
	}
}
