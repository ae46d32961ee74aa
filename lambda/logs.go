package lambda

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/cloudwatch"
)

// logBatch is one subscription payload of CloudWatch Logs, as compressed as it came, and what routing needs of it.
type logBatch struct {
	data   []byte
	header cloudwatch.Header
}

// group is the log group.
func (b *logBatch) group() string { return value(b.header.LogGroup) }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
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
	h, err := cloudwatch.ReadHeader(data)
	if h.MessageType != "" {
		return logPayload(data, h, err)
	}
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return unwrap(data, depth)
	}
	plain, err := gunzip(data)
	if err != nil {
		return unit{err: &eventError{what: "decompress payload: " + err.Error()}}
	}
	return unwrap(plain, depth)
}

// gunzip is for what is compressed and no payload of CloudWatch Logs.
func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	const longest = 8 << 20 // the longest event that Lambda takes is 6 MB
	plain, err := io.ReadAll(io.LimitReader(z, longest+1))
	if err != nil {
		return nil, err
	}
	if len(plain) > longest {
		return nil, fmt.Errorf("more than %d bytes", longest)
	}
	return plain, nil
}

// logPayload is the unit of a payload of CloudWatch Logs. A broken one is given back, for nobody else has it. A control
// message is success without records: the service probes whether the destination can be reached.
func logPayload(data []byte, h cloudwatch.Header, err error) unit {
	switch {
	case err != nil:
		return unit{err: &eventError{what: "CloudWatch Logs payload: " + err.Error()}}
	case h.MessageType == "CONTROL_MESSAGE":
		return unit{note: "CloudWatch Logs control message"}
	case h.MessageType == "DATA_MESSAGE" && !h.HasEvents:
		return unit{err: &eventError{what: "CloudWatch Logs payload without log events"}}
	case h.MessageType == "DATA_MESSAGE":
		return unit{logs: []logBatch{{data: data, header: h}}}
	}
	return unit{err: &eventError{what: fmt.Sprintf("CloudWatch Logs message of type %q", h.MessageType)}}
}

// object makes the payload readable as an object whose format is recognised like any other.
func (b logBatch) object() penstock.Object {
	name := "logs://" + b.group() + "/" + value(b.header.LogStream) + "#" + b.header.FirstID
	return penstock.Object{
		Name: name, Size: int64(len(b.data)), Attr: b.header.Attr(),
		Open: func(context.Context) (*penstock.Stream, error) {
			// The content pins the payload; it may be of an imitation, whose events have no ids, or the same ones each time.
			sum := sha256.Sum256(b.data)
			return &penstock.Stream{
				ReadCloser: io.NopCloser(bytes.NewReader(b.data)),
				Identity:   penstock.Identity{Key: name, ETag: hex.EncodeToString(sum[:16])},
			}, nil
		},
	}
}
