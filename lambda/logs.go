package lambda

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/seed56735111/penstock"
)

// maxSubscription bounds the decompressed size of one CloudWatch Logs payload. The service sends at most 1 MB of log
// events in one, but a Kinesis record can be anybody's.
const maxSubscription = 64 << 20

// logBatch is one subscription payload of CloudWatch Logs: its raw JSON, which the cwl format reads, and what routing
// needs of it.
type logBatch struct {
	JSON  []byte
	Owner string
	Group string
	// Stream and FirstID identify the payload for ids and names.
	Stream, FirstID string
}

// subscription reads the data of {"awslogs":{"data":…}}.
func subscription(data string, depth int) unit {
	z, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return unit{err: &eventError{what: "awslogs.data: " + err.Error()}}
	}
	return unwrapBytes(z, depth)
}

// unwrapBytes reads a payload that may be compressed: a subscription through Kinesis is gzip, anything else JSON.
func unwrapBytes(data []byte, depth int) unit {
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if u, ok := logPayload(data); ok {
			return u
		}
		return unwrap(data, depth)
	}
	plain, err := gunzip(data)
	if err != nil {
		return unit{err: &eventError{what: "decompress payload: " + err.Error()}}
	}
	if u, ok := logPayload(plain); ok {
		return u
	}
	return unwrap(plain, depth)
}

func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxSubscription+1))
	if err != nil {
		return nil, err
	}
	if len(plain) > maxSubscription {
		return nil, fmt.Errorf("more than %d bytes", maxSubscription)
	}
	return plain, nil
}

// logPayload reads a CloudWatch Logs payload; ok is false when it is something else. A control message is success
// without records: the service probes whether the destination can be reached.
func logPayload(plain []byte) (u unit, ok bool) {
	var p struct {
		MessageType string `json:"messageType"`
		Owner       string `json:"owner"`
		LogGroup    string `json:"logGroup"`
		LogStream   string `json:"logStream"`
		LogEvents   []struct {
			ID string `json:"id"`
		} `json:"logEvents"`
	}
	if err := json.Unmarshal(plain, &p); err != nil {
		return unit{err: &eventError{what: "not JSON: " + err.Error()}}, !errors.As(err, new(*json.UnmarshalTypeError))
	}
	switch p.MessageType {
	case "":
		return unit{}, false
	case "CONTROL_MESSAGE":
		return unit{note: "CloudWatch Logs control message"}, true
	case "DATA_MESSAGE":
		b := logBatch{JSON: plain, Owner: p.Owner, Group: p.LogGroup, Stream: p.LogStream}
		if len(p.LogEvents) > 0 {
			b.FirstID = p.LogEvents[0].ID
		}
		return unit{logs: []logBatch{b}}, true
	}
	return unit{err: &eventError{what: fmt.Sprintf("CloudWatch Logs message of type %q", p.MessageType)}}, true
}

// AttrLogGroup is the attribute of an object that holds log events of CloudWatch Logs.
const AttrLogGroup = "log_group"

// object makes the payload readable as an object whose format is recognised like any other.
func (b logBatch) object() penstock.Object {
	name := "logs://" + b.Group + "/" + b.Stream + "#" + b.FirstID
	return penstock.Object{
		Name: name, Size: int64(len(b.JSON)),
		Attr: map[string]string{AttrLogGroup: b.Group, "log_stream": b.Stream, "owner": b.Owner},
		Open: func(context.Context) (*penstock.Stream, error) {
			// The id of the first event pins the payload: a re-delivery holds the same events.
			return &penstock.Stream{
				ReadCloser: io.NopCloser(bytes.NewReader(b.JSON)),
				Identity:   penstock.Identity{Key: name, ETag: b.FirstID},
			}, nil
		},
	}
}
