package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/seed56735111/penstock/source"
)

// maxDepth is how many wrappers an event may have: S3 in SNS in SQS are three.
const maxDepth = 6

// Ref names one object that an event announces.
type Ref struct {
	Bucket, Key string
	// Version is empty when the event names none.
	Version string
	// Size is -1 and ETag empty when the event does not say.
	Size int64
	ETag string `json:",omitempty"`
	// Region is the bucket's, when the event says it.
	Region string
	// From continues a record at or after this offset; zero reads from the beginning.
	From *Position `json:",omitempty"`
}

// Position is where a continuation goes on.
type Position struct {
	Entry  string `json:"entry,omitempty"`
	Offset int64  `json:"offset"`
	ETag   string `json:"etag,omitempty"`
}

// unit is what one acknowledgeable part of an event stands for: a whole asynchronous event, an SQS message, a Kinesis
// record, a Batch Operations task.
type unit struct {
	id    string // message id, sequence number or task id; empty for a whole event
	group string // FIFO message group
	refs  []Ref
	logs  []logBatch
	// note says why there is nothing to do: a test event, a control message, a removal.
	note string
	err  error
}

// shape is the kind of event, which decides the shape of the answer.
type shape uint8

const (
	shapePing    shape = iota // nothing in it: say that the domain is there
	shapeAsync                // answer nothing; fail when anything is undelivered
	shapeSQS                  // batchItemFailures by message id
	shapeKinesis              // batchItemFailures by sequence number, the first failure only
	shapeTasks                // S3 Batch Operations results
	shapeItems                // a result for each item of a map state, in their order
)

// event is a decoded invocation.
type event struct {
	shape shape
	units []unit
	tasks *batchOperations
}

// eventError says what an event is that nobody knows.
type eventError struct{ what string }

func (e *eventError) Error() string { return "recognise event: " + e.what }

// Temporary is always false: the same event is not understood any better when it comes again.
func (*eventError) Temporary() bool { return false }

// envelope has the fields that tell the shapes apart. Every one of them is optional.
type envelope struct {
	Records []json.RawMessage `json:"Records"`
	AWSLogs *struct {
		Data string `json:"data"`
	} `json:"awslogs"`
	// SNS as a body
	Type     string  `json:"Type"`
	Message  *string `json:"Message"`
	TopicArn string  `json:"TopicArn"`
	// s3:TestEvent
	Service string `json:"Service"`
	Event   string `json:"Event"`
	// EventBridge
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Region     string          `json:"region"`
	Detail     json.RawMessage `json:"detail"`
	// EventBridge after an input transformer: the detail alone
	Bucket json.RawMessage `json:"bucket"`
	Object json.RawMessage `json:"object"`
	// S3 Batch Operations
	InvocationID            string          `json:"invocationId"`
	InvocationSchemaVersion string          `json:"invocationSchemaVersion"`
	Tasks                   json.RawMessage `json:"tasks"`
	// manual
	Key     string `json:"key"`
	Version string `json:"version"`
	// a row of an S3 Inventory or of a listing
	RowBucket json.RawMessage `json:"Bucket"`
	RowKey    json.RawMessage `json:"Key"`
	// a batch of a Distributed Map
	Items      []json.RawMessage `json:"Items"`
	BatchInput json.RawMessage   `json:"BatchInput"`
	// continuation
	Continue *Ref `json:"penstock_continue"`
}

// record has the fields of all kinds of Records elements.
type record struct {
	EventSource    string `json:"eventSource"` // Go matches EventSource (SNS) too
	EventSourceARN string `json:"eventSourceARN"`
	EventName      string `json:"eventName"`
	AWSRegion      string `json:"awsRegion"`
	S3             *struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      *int64 `json:"size"`
			ETag      string `json:"eTag"`
			VersionID string `json:"versionId"`
		} `json:"object"`
	} `json:"s3"`
	MessageID  string            `json:"messageId"`
	Body       *string           `json:"body"`
	Attributes map[string]string `json:"attributes"`
	SNS        *struct {
		MessageID string `json:"MessageId"`
		Message   string `json:"Message"`
	} `json:"Sns"`
	Kinesis *struct {
		Data           []byte `json:"data"`
		SequenceNumber string `json:"sequenceNumber"`
	} `json:"kinesis"`
	// A pipe has what is below kinesis elsewhere in the record itself.
	Data           []byte `json:"data"`
	SequenceNumber string `json:"sequenceNumber"`
}

// decodeEvent recognises the shape of an invocation. An error means that nothing of it is understood; a part that is
// not understood has the error in its unit, so that only that part is given back.
func decodeEvent(raw []byte) (event, error) {
	raw = bytes.TrimSpace(raw)
	if isPing(raw) {
		return event{shape: shapePing}, nil
	}
	if raw[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return event{}, unreadable("", err)
		}
		return decodeList(list)
	}
	var env envelope
	if raw[0] == '{' {
		if err := json.Unmarshal(raw, &env); err != nil {
			return event{}, unreadable("", err)
		}
	}
	if env.Tasks != nil && env.InvocationSchemaVersion != "" {
		return decodeTasks(raw)
	}
	if env.Items != nil {
		return itemEvent("Items", env.Items, env.BatchInput)
	}
	if len(env.Records) > 0 {
		var first record
		err := json.Unmarshal(env.Records[0], &first)
		switch first.EventSource { // also when another field is not what it should be

		case "aws:sqs":
			return event{shape: shapeSQS, units: each(env.Records, sqsUnit)}, nil
		case "aws:kinesis":
			return event{shape: shapeKinesis, units: each(env.Records, kinesisUnit)}, nil
		}
		if err != nil {
			return event{}, unreadable("Records[0]: ", err)
		}
	}
	u := unwrap(raw, 0)
	if u.err != nil && !u.holds() {
		return event{}, briefly(u.err)
	}
	return event{shape: shapeAsync, units: []unit{u}}, nil
}

// isPing reports whether the event is empty or the console's sample, {"key1":"value1",…}: nothing but text.
func isPing(raw []byte) bool {
	switch string(raw) {
	case "", "null", "{}", "[]", `""`:
		return true
	}
	var sample map[string]json.RawMessage
	if json.Unmarshal(raw, &sample) != nil {
		return false
	}
	for name, v := range sample {
		n, ok := strings.CutPrefix(name, "key")
		if !ok || len(n) != 1 || n[0] < '0' || n[0] > '9' || v[0] != '"' {
			return false
		}
	}
	return true
}

func each(records []json.RawMessage, decode func(record) unit) []unit {
	units := make([]unit, 0, len(records))
	for _, raw := range records {
		var r record
		err := json.Unmarshal(raw, &r)
		u := decode(r)
		if err != nil {
			// A field of another type does not keep the rest from being read, first of all the id.
			u = unit{id: u.id, group: u.group, err: unreadable("", err)}
		}
		units = append(units, u)
	}
	return units
}

func sqsUnit(r record) unit {
	u := unit{err: &eventError{what: "SQS message without a body"}}
	if r.Body != nil {
		u = unwrap([]byte(*r.Body), 1)
	}
	u.id, u.group = r.MessageID, r.Attributes["MessageGroupId"]
	return u
}

func kinesisUnit(r record) unit {
	data, number := r.Data, r.SequenceNumber
	if r.Kinesis != nil {
		data, number = r.Kinesis.Data, r.Kinesis.SequenceNumber
	}
	u := unit{err: &eventError{what: "Kinesis record without data"}}
	if r.Kinesis != nil || data != nil {
		u = unwrapBytes(data, 1)
	}
	u.id = number
	return u
}

// unwrap reads one message and whatever it wraps, to the announcements of objects and the log events inside.
func unwrap(raw []byte, depth int) unit {
	raw = bytes.TrimSpace(raw)
	if depth > maxDepth {
		return unit{err: &eventError{what: "wrapped too deep"}}
	}
	if len(raw) == 0 {
		return unit{err: &eventError{what: "empty message"}}
	}
	if raw[0] == '"' || bytes.HasPrefix(raw, []byte("s3://")) {
		return manual(raw)
	}
	if raw[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return unit{err: unreadable("", err)}
		}
		if len(list) == 0 {
			return unit{err: &eventError{what: "empty list"}}
		}
		return merge(itemUnits("", list, nil, depth))
	}
	var env envelope
	if err := json.Unmarshal(raw, &env); err != nil {
		return unit{err: unreadable("", err)}
	}
	switch {
	case env.Event == "s3:TestEvent" && env.Records == nil:
		return unit{note: "s3:TestEvent"}
	case env.Continue != nil:
		return unit{refs: []Ref{*env.Continue}}
	case env.AWSLogs != nil:
		return subscription(env.AWSLogs.Data, depth+1)
	case env.Type == "Notification" && env.Message != nil:
		return unwrap([]byte(*env.Message), depth+1)
	case env.Records != nil:
		return unwrapRecords(env.Records, depth)
	case env.Items != nil:
		return merge(itemUnits("Items", env.Items, env.BatchInput, depth))
	case env.DetailType != "" || env.Source == "aws.s3":
		return eventBridge(env)
	case env.Bucket != nil && env.Object != nil:
		return detail(raw, env.Region, kindOf(raw))
	case env.Bucket != nil && env.Key != "":
		var bucket string
		if err := json.Unmarshal(env.Bucket, &bucket); err != nil {
			return unit{err: &eventError{what: "bucket is not a name"}}
		}
		return unit{refs: []Ref{{Bucket: source.BucketName(bucket), Key: env.Key, Version: env.Version, Size: -1}}}
	case env.RowKey != nil:
		return decodeRow(raw, env.RowBucket != nil)
	}
	return unit{
		err: &eventError{
			what: "no known shape: neither S3, SNS, SQS, EventBridge, CloudWatch Logs, Step Functions nor {\"bucket\",\"key\"}",
		},
	}
}

// unreadable is the error of what is not JSON, or JSON of other types than any event has.
func unreadable(where string, err error) *eventError {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return &eventError{what: strings.TrimSuffix(where+t.Field, ": ") + " cannot be of type " + t.Value}
	}
	return &eventError{what: where + "not JSON: " + err.Error()}
}

func unwrapRecords(records []json.RawMessage, depth int) unit {
	units := make([]unit, 0, len(records))
	for i, raw := range records {
		var r record
		if err := json.Unmarshal(raw, &r); err != nil {
			return unit{err: unreadable(fmt.Sprintf("Records[%d]: ", i), err)}
		}
		var u unit
		switch {
		case r.S3 != nil:
			u = notification(r)
		case r.SNS != nil:
			u = unwrap([]byte(r.SNS.Message), depth+1)
		case r.Body != nil:
			u = unwrap([]byte(*r.Body), depth+1)
		case r.Kinesis != nil:
			u = unwrapBytes(r.Kinesis.Data, depth+1)
		default:
			u = unit{err: &eventError{what: fmt.Sprintf("Records[%d] is of no known kind (%q)", i, r.EventSource)}}
		}
		units = append(units, u)
	}
	return merge(units)
}

// notification reads an S3 notification. Its key is form-encoded: a plus is a space, %2B a plus.
func notification(r record) unit {
	switch name := strings.TrimPrefix(r.EventName, "s3:"); {
	case name == "":
		return unit{err: &eventError{what: "S3 notification without the name of its event"}}
	case name == "ObjectRestore:Completed": // it can be read from now on
	case !strings.HasPrefix(name, "ObjectCreated:"):
		return unit{note: "ignored " + r.EventName}
	}
	key, err := url.QueryUnescape(r.S3.Object.Key)
	if err != nil {
		return unit{err: &eventError{what: fmt.Sprintf("key %q: %v", r.S3.Object.Key, err)}}
	}
	ref := Ref{
		Bucket: source.BucketName(r.S3.Bucket.Name), Key: key, Version: r.S3.Object.VersionID, Size: -1,
		ETag: r.S3.Object.ETag, Region: r.AWSRegion,
	}
	if r.S3.Object.Size != nil {
		ref.Size = *r.S3.Object.Size
	}
	if ref.Bucket == "" || ref.Key == "" {
		return unit{err: &eventError{what: "S3 notification without a bucket or a key"}}
	}
	return unit{refs: []Ref{ref}}
}

func eventBridge(env envelope) unit {
	if env.Source != "aws.s3" {
		return unit{err: &eventError{what: fmt.Sprintf("EventBridge event from %q", env.Source)}}
	}
	kind := env.DetailType
	if kind == "" {
		// Security Lake tells its subscribers of new objects in an event without a detail-type.
		kind = kindOf(env.Detail)
	}
	return detail(env.Detail, env.Region, kind)
}

// kindOf is the detail-type of a detail that comes without one.
func kindOf(raw json.RawMessage) string {
	var d struct {
		Deletion *json.RawMessage `json:"deletion-type"`
	}
	if json.Unmarshal(raw, &d) == nil && d.Deletion != nil {
		return "Object Deleted"
	}
	return objectCreated
}

const objectCreated = "Object Created"

// detail reads the S3 part of an EventBridge event. Its key is not encoded.
func detail(raw json.RawMessage, region, kind string) unit {
	switch kind {
	case objectCreated, "Object Restore Completed":
	default:
		return unit{note: "ignored " + kind}
	}
	var d struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"`
			Size      *int64 `json:"size"`
			ETag      string `json:"etag"`
			VersionID string `json:"version-id"`
		} `json:"object"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return unit{err: &eventError{what: "EventBridge detail: " + err.Error()}}
	}
	if d.Bucket.Name == "" || d.Object.Key == "" {
		return unit{err: &eventError{what: "EventBridge detail without a bucket or a key"}}
	}
	ref := Ref{
		Bucket: source.BucketName(d.Bucket.Name), Key: d.Object.Key, Version: d.Object.VersionID, Size: -1,
		ETag: d.Object.ETag, Region: region,
	}
	if d.Object.Size != nil {
		ref.Size = *d.Object.Size
	}
	return unit{refs: []Ref{ref}}
}

// manual reads "s3://bucket/key". The key is taken as it is.
func manual(raw []byte) unit {
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return unit{err: &eventError{what: err.Error()}}
		}
	}
	ref, err := parseURL(text)
	if err != nil {
		return unit{err: &eventError{what: err.Error()}}
	}
	return unit{refs: []Ref{ref}}
}

// parseURL reads s3://bucket/key, where an access point may stand for the bucket. The key is taken as it is.
func parseURL(text string) (Ref, error) {
	loc, err := source.ParseLocation(text)
	if err != nil || loc.Prefix == "" {
		return Ref{}, fmt.Errorf("%q is not s3://bucket/key", text)
	}
	return Ref{Bucket: loc.Bucket, Key: loc.Prefix, Version: loc.Version, Size: -1}, nil
}
