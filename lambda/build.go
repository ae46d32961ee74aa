package lambda

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// BuildS3 makes the notification that S3 sends for new objects, with keys encoded as S3 does. Each name is
// s3://bucket/key.
func BuildS3(region string, names []string) (json.RawMessage, error) {
	records := make([]any, 0, len(names))
	for _, name := range names {
		ref, err := parseURL(name)
		if err != nil {
			return nil, err
		}
		object := map[string]any{"key": encodeKey(ref.Key), "sequencer": "0055AED6DCD90281E5"}
		if ref.Version != "" {
			object["versionId"] = ref.Version
		}
		records = append(records, map[string]any{
			"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": region, "eventName": "ObjectCreated:Put",
			"eventTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
			"s3": map[string]any{
				"s3SchemaVersion": "1.0", "configurationId": "penstock",
				"bucket": map[string]any{"name": ref.Bucket, "arn": "arn:aws:s3:::" + ref.Bucket},
				"object": object,
			},
		})
	}
	return json.Marshal(map[string]any{"Records": records})
}

// encodeKey encodes a key as S3 notifications do: a plus for a space, slashes as they are.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}

// BuildSQS wraps messages into the batch that Lambda makes of them. The queue is named queue.
func BuildSQS(region, account, queue string, bodies []json.RawMessage) (json.RawMessage, error) {
	records := make([]any, 0, len(bodies))
	for i, body := range bodies {
		sum := sha256.Sum256(append([]byte(fmt.Sprint(i)), body...))
		h := hex.EncodeToString(sum[:16])
		records = append(records, map[string]any{
			"messageId":     h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:],
			"receiptHandle": "receipt-" + h, "body": string(body),
			"attributes": map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": fmt.Sprint(time.Now().UnixMilli()),
			},
			"messageAttributes": map[string]any{}, "eventSource": "aws:sqs", "awsRegion": region,
			"eventSourceARN": fmt.Sprintf("arn:aws:sqs:%s:%s:%s", region, account, queue),
		})
	}
	return json.Marshal(map[string]any{"Records": records})
}

// BuildLogs makes the subscription event of CloudWatch Logs for lines of text, one event a line, stamped from at on.
func BuildLogs(account, group, stream string, lines []string, at time.Time) (json.RawMessage, error) {
	type logEvent struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	events := make([]logEvent, 0, len(lines))
	for i, line := range lines {
		sum := sha256.Sum256([]byte(group + "\x00" + stream + "\x00" + fmt.Sprint(i) + "\x00" + line))
		events = append(events, logEvent{
			ID: hex.EncodeToString(sum[:28]), Timestamp: at.UnixMilli() + int64(i), Message: line,
		})
	}
	plain, err := json.Marshal(map[string]any{
		"messageType": "DATA_MESSAGE", "owner": account, "logGroup": group, "logStream": stream,
		"subscriptionFilters": []string{"penstock"}, "logEvents": events,
	})
	if err != nil {
		return nil, err
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	// Writing to a buffer does not fail.
	_, _ = w.Write(plain)
	_ = w.Close()
	return json.Marshal(map[string]any{"awslogs": map[string]any{"data": z.Bytes()}})
}
