package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/sigv4"
)

// longestAnswer bounds an answer of Systems Manager, whose parameters have at most 8 KiB.
const longestAnswer = 1 << 20

// Parameter reads a parameter of Systems Manager: a signed request, see "GetParameter" in its API reference, made again
// as the clients of the SDK do when it is not answered or there are too many of them.
func Parameter(ctx context.Context, cfg aws.Config, name string) ([]byte, error) {
	if cfg.Region == "" {
		return nil, errors.New("no region: set AWS_REGION")
	}
	endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_SSM"), os.Getenv("AWS_ENDPOINT_URL"),
		"https://ssm."+cfg.Region+".amazonaws.com")
	body, err := json.Marshal(map[string]any{"Name": name, "WithDecryption": true})
	if err != nil {
		return nil, err
	}
	retryer := cfg.Retryer()
	for attempt := 1; ; attempt++ {
		value, again, err := askParameter(ctx, cfg, endpoint, body)
		if err == nil || !again || attempt == retryer.MaxAttempts() {
			return value, err
		}
		delay, derr := retryer.RetryDelay(attempt, err)
		if derr != nil {
			return nil, err
		}
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// askParameter makes the request once, and says whether another one may be answered otherwise.
func askParameter(
	ctx context.Context, cfg aws.Config, endpoint string, body []byte,
) (value []byte, again bool, err error) {
	to := strings.TrimSuffix(endpoint, "/") + "/"
	//nolint:gosec // the function's own environment names the endpoint
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonSSM.GetParameter")
	transport := &sigv4.Transport{
		Credentials: Chain{Provider: cfg.Credentials}, Region: cfg.Region,
		Service: "ssm",
	}
	if client, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		transport.Base = client.GetTransport() // with the stall timeout
	}
	defer (&http.Client{Transport: transport.Base}).CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req) //nolint:gosec // see above
	if err != nil {
		return nil, !penstock.IsFatal(err) && ctx.Err() == nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer))
	if err != nil {
		return nil, true, err
	}
	var answer struct {
		Type      string `json:"__type"`
		Message   string `json:"message"`
		Parameter struct{ Value string }
	}
	again = resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == http.StatusTooManyRequests
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, again, fmt.Errorf("status %d: answer is not JSON: %w", resp.StatusCode, err)
	}
	if resp.StatusCode != http.StatusOK {
		again = again || strings.HasSuffix(answer.Type, "ThrottlingException")
		return nil, again, fmt.Errorf("status %d: %s %s", resp.StatusCode, answer.Type, answer.Message)
	}
	return []byte(answer.Parameter.Value), false, nil
}
