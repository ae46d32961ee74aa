package cloudwatch_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/cloudwatch"
	"github.com/seed56735111/penstock/shape"
)

// payloadText is a payload of some log events, their ids from first on.
func payloadText(first int, messages ...string) string {
	var events []string
	for i, m := range messages {
		events = append(events,
			fmt.Sprintf(`{"id":"%056d","timestamp":%d,"message":%s}`, first+i, 1447920000000+1000*i, quote(m)))
	}
	return `{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/gate",` +
		`"logStream":"2015/11/19/[$LATEST]ab",` +
		`"subscriptionFilters":["all"],"logEvents":[` + strings.Join(events, ",") + `]}`
}

const controlMessage = `{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"",` +
	`"subscriptionFilters":[],` +
	`"logEvents":[{"id":"","timestamp":1447920000000,"message":"CWL CONTROL MESSAGE: ` +
	`Checking health of destination Firehose."}]}`

// other is a recogniser of anything, which says what it was given.
type other struct{}

func (other) Recognize(_ *penstock.Object, _ penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	text, err := io.ReadAll(e.Reader)
	return penstock.Recognized{Format: "other", Generic: true, Skip: "seen:" + string(text)}, err
}

// report recognises the report of an invocation of Lambda, with the line about X-Ray behind it.
type report struct{}

func (report) Recognize(*penstock.Object, penstock.Identity, penstock.Entry) (penstock.Recognized, error) {
	return penstock.Recognized{Format: "lambda", Records: func(yield func(penstock.Record, error) bool) {
		first := `{"type":"REPORT","request_id":"r","message":"REPORT RequestId: r\t"}`
		_ = yield(penstock.Record{JSON: []byte(first)}, nil) &&
			yield(penstock.Record{JSON: []byte(`{"type":"XRAY","xray_trace_id":"1-5e"}`)}, nil)
	}}, nil
}

func TestTheTraceOfAnInvocationIsPartOfItsReport(t *testing.T) {
	t.Parallel()
	_, docs, _, err := recognised(t, cloudwatch.Options{}, report{},
		strings.NewReader(payloadText(1, "REPORT RequestId: r\t\nXRAY TraceId: 1-5e\t\n")))
	if err != nil || len(docs) != 1 {
		t.Fatalf("%d documents for one event, error %v", len(docs), err)
	}
	if want := `"type":"REPORT","request_id":"r","xray_trace_id":"1-5e"`; !strings.Contains(string(docs[0].Body()), want) {
		t.Errorf("got %s, want %s in it, without what @message says", docs[0].Body(), want)
	}
}

// ofObject reads an entry of an object and returns its documents and its format.
func ofObject(
	t *testing.T, o cloudwatch.Options, r io.Reader,
) (format string, docs []penstock.Document, unparsed int, err error) {
	t.Helper()
	return recognised(t, o, other{}, r)
}

// recognised is ofObject with another recogniser.
func recognised(
	t *testing.T, o cloudwatch.Options, inner penstock.Recognizer, r io.Reader,
) (format string, docs []penstock.Document, unparsed int, err error) {
	t.Helper()
	shaper, serr := shape.New(shape.Config{Index: "logs-{format}-{yyyy.MM.dd}"})
	if serr != nil {
		t.Fatal(serr)
	}
	l, serr := cloudwatch.New(o, inner, shaper)
	if serr != nil {
		t.Fatal(serr)
	}
	object := &penstock.Object{Name: "s3://b/k"}
	id := penstock.Identity{Bucket: "b", Key: "k", ETag: "e", Modified: time.Unix(1447920000, 0)}
	rec, err := l.Recognize(object, id, penstock.Entry{Reader: r})
	if err != nil || rec.Skip != "" {
		return rec.Format + ":" + rec.Skip, nil, 0, err
	}
	s, serr := l.Entry(object, id, "", rec.Format)
	if serr != nil {
		t.Fatal(serr)
	}
	for r, rerr := range rec.Records {
		if rerr != nil {
			return rec.Format, docs, unparsed, rerr
		}
		if r.Unparsed {
			unparsed++
		}
		doc, serr := s.Shape(&r)
		if serr != nil {
			t.Fatal(serr)
		}
		if !json.Valid(doc.Body()) {
			t.Errorf("not JSON: %s", doc.Body())
		}
		docs = append(docs, penstock.Document{
			Index: doc.Index, ID: []byte(string(doc.ID)), Head: doc.Body(), Raw: []byte(string(r.Raw)), Offset: r.Offset,
		})
	}
	return rec.Format, docs, unparsed, nil
}

func TestPayloadsInAnObjectHaveTheFieldsAndIDsOfTheirEvents(t *testing.T) {
	t.Parallel()
	text := controlMessage + payloadText(1, `{"level":"info","n":1}`, "plain") + "\n" + payloadText(3,
		"three") + payloadText(4)
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(text), "a byte at a time": iotest.OneByteReader(strings.NewReader(text)),
	} {
		format, docs, unparsed, err := ofObject(t, cloudwatch.Options{}, r)
		if format != "cloudwatch" || len(docs) != 3 || unparsed != 0 || err != nil {
			t.Fatalf("%s: %s, %d documents, %d unparsed, error %v", name, format, len(docs), unparsed, err)
		}
		want := `{"aws":{"s3":{"bucket":"b","key":"k"}},"penstock":{"format":"cloudwatch","offset":%d},` +
			`"level":"info","n":1,` +
			`"@id":"%056d","@timestamp":"2015-11-19T08:00:00.000Z","@message":"{\"level\":\"info\",\"n\":1}",` +
			`"@owner":"123456789012",` +
			`"@log_group":"/aws/lambda/gate","@log_stream":"2015/11/19/[$LATEST]ab"}`
		if got := string(docs[0].Body()); got != fmt.Sprintf(want, docs[0].Offset, 1) {
			t.Errorf("%s: %s\nwant %s", name, got, fmt.Sprintf(want, docs[0].Offset, 1))
		}
		for i, d := range docs {
			if string(d.ID) != fmt.Sprintf("%056d", i+1) || d.Index != "logs-cloudwatch-2015.11.19" {
				t.Errorf("%s: document %d has id %s in %s", name, i, d.ID, d.Index)
			}
			if at := text[d.Offset:]; !strings.HasPrefix(at, string(d.Raw)) || !strings.HasPrefix(string(d.Raw), `{"id":`) {
				t.Errorf("%s: record %d is %q, not the event at its offset", name, i, d.Raw)
			}
		}
	}
}

// Programs that pass a payload on may sort its members, or leave the kind of message out.
func TestPayloadsAreToldInAnyOrderOfTheirMembers(t *testing.T) {
	t.Parallel()
	event := fmt.Sprintf(`{"id":"%056d","timestamp":1447920000000,"message":"m"}`, 1)
	for _, text := range []string{
		`{"owner":"123456789012","logGroup":"g","logStream":"s","logEvents":[` + event + `],"messageType":"DATA_MESSAGE"}`,
		`{"logEvents":[` + event + `],"logGroup":"g","logStream":"s","messageType":"DATA_MESSAGE","owner":"123456789012"}`,
		`{"logGroup":"g","logEvents":[` + event + `]}`,
	} {
		format, docs, unparsed, err := ofObject(t, cloudwatch.Options{}, strings.NewReader(text))
		if format != "cloudwatch" || len(docs) != 1 || unparsed != 0 || err != nil {
			t.Errorf("%s: %s, %d documents, %d unparsed, error %v", text, format, len(docs), unparsed, err)
		} else if body := string(docs[0].Body()); !strings.Contains(body, `"@log_group":"g"`) {
			t.Errorf("%s: document %s without its group", text, body)
		}
	}
}

// awslogs is the event that Lambda gets of a payload.
func awslogs(t *testing.T, payload string) string {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := io.WriteString(w, payload); err != nil || w.Close() != nil {
		t.Fatal("compress a payload", err)
	}
	return fmt.Sprintf(`{"awslogs":{"data":%q}}`, base64.StdEncoding.EncodeToString(z.Bytes()))
}

func TestEventsOfLambdaInAnObjectAreTheirPayloads(t *testing.T) {
	t.Parallel()
	first := awslogs(t, payloadText(1, "one", "two"))
	broken := first[:len(first)-20] + `"}}`
	text := first + "\n" + awslogs(t, controlMessage) + broken +
		strings.ReplaceAll(awslogs(t, payloadText(3, "three", "four")), ":{", ": {\n  ") + payloadText(5, "five")
	format, docs, unparsed, err := ofObject(t, cloudwatch.Options{}, iotest.OneByteReader(strings.NewReader(text)))
	if format != "cloudwatch" || len(docs) != 6 || unparsed != 1 || err != nil {
		t.Fatalf("%s, %d documents, %d unparsed, error %v", format, len(docs), unparsed, err)
	}
	last := int64(-1)
	for i, id := range []string{"1", "2", "", "3", "4", "5"} {
		if d := docs[i]; d.Offset <= last || id != "" && string(d.ID) != fmt.Sprintf("%056s", id) {
			t.Errorf("document %d has id %s and offset %d, behind %d", i, d.ID, d.Offset, last)
		}
		last = docs[i].Offset
	}
	if got := string(docs[2].Raw); got != broken {
		t.Errorf("what cannot be unpacked is kept as %q", got)
	}
	if format, docs, _, err := ofObject(t, cloudwatch.Options{}, strings.NewReader(first)); format != "cloudwatch" ||
		len(docs) != 2 || err != nil {
		t.Errorf("one alone: %s, %d documents, error %v", format, len(docs), err)
	}
	for _, text := range []string{
		`{"awslogs":{"data":""}}`, `{"awslogs":{"data":"eyJ9"}}`, `{"awslogs":{"other":"H4sI"}}`, `{"awslogs":"H4sI"}`,
	} {
		if format, _, _, err := ofObject(t, cloudwatch.Options{}, strings.NewReader(text)); format != "other:seen:"+text {
			t.Errorf("%s is %s, error %v", text, format, err)
		}
	}
}

func TestTheIndexOfLogEventsCanBeThatOfSubscriptions(t *testing.T) {
	t.Parallel()
	_, docs, _, err := ofObject(t, cloudwatch.Options{Everywhere: true, Index: "cwl-{log_group}-{yyyy}.{MM}"},
		strings.NewReader(payloadText(1, "x")))
	if err != nil || len(docs) != 1 || docs[0].Index != "cwl-aws-lambda-gate-2015.11" {
		t.Errorf("%+v, error %v", docs, err)
	}
}

func TestWhatIsNoPayloadIsLeftToTheOthersFromItsFirstByteOn(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "x", "{", `{"a":1}`, `{"messageType":"DATA_MESSAGE"}`, `{"messageType":"DATA_MESSAGE","logEvents":[]}`,
		`{"messageType":"OTHER","owner":"1","logEvents":[]}`,
		`{"logEvents":[{"id":1}],"owner":"1"}`,
		`{"message":"{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"1\",\"logEvents\":[]}"}`,
		strings.Repeat("line\n", 5000), `{"owner":"` + strings.Repeat("x", 10_000) + `"}`,
	} {
		format, _, _, err := ofObject(t, cloudwatch.Options{}, iotest.HalfReader(strings.NewReader(text)))
		if format != "other:seen:"+text || err != nil {
			t.Errorf("%.40q: %.60s, error %v", text, format, err)
		}
	}
	broken := errors.New("broken")
	if _, _, _, err := ofObject(t, cloudwatch.Options{},
		io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func TestNothingBehindOrBesidePayloadsIsLost(t *testing.T) {
	t.Parallel()
	good := payloadText(1, "one")
	for _, tt := range []struct {
		name, rest string
		docs       int
		unparsed   int
	}{
		{"nothing", "", 1, 0},
		{"white space", " \n\t", 1, 0},
		{"another object", `{"a":1}`, 2, 1},
		{"a payload that is cut off", good[:len(good)-20], 2, 1},
		{"a payload of another type", `{"messageType":"X","owner":"1","logEvents":[]}`, 2, 1},
		{"text", "x", 2, 1},
	} {
		_, docs, unparsed, err := ofObject(t, cloudwatch.Options{}, strings.NewReader(good+tt.rest))
		if err != nil || len(docs) != tt.docs || unparsed != tt.unparsed {
			t.Errorf("%s: %d documents, %d unparsed, error %v, want %d, %d", tt.name, len(docs), unparsed, err, tt.docs,
				tt.unparsed)
		}
	}
	broken := errors.New("broken")
	if _, docs, _, err := ofObject(t, cloudwatch.Options{},
		io.MultiReader(strings.NewReader(good+"{"), iotest.ErrReader(broken))); !errors.Is(err, broken) || len(docs) != 1 {
		t.Errorf("%d documents, error %v, want 1, %v", len(docs), err, broken)
	}
}

// A payload, or an event, that is too long to hold hurts only itself.
func TestWhatIsTooLongIsALetterByReference(t *testing.T) {
	t.Parallel()
	good := payloadText(1, "one")
	long := `{"messageType":"DATA_MESSAGE","owner":"` + strings.Repeat("x", 3000)
	event := strings.Replace(payloadText(1, "one", "two"), `"two"`, `"`+strings.Repeat("y", 2000)+`"`, 1)
	for name, tt := range map[string]struct {
		text           string
		docs, overlong int
	}{
		"payload":                 {text: good + long + `"}` + good, docs: 2, overlong: 1},
		"payload that is cut off": {text: good + long, docs: 1, overlong: 1},
		"event":                   {text: event + good, docs: 2, overlong: 1},
		"events of which all fit": {text: payloadText(1, strings.Repeat("z", 100)) + good, docs: 2},
	} {
		docs, overlong := 0, 0
		l, err := cloudwatch.New(cloudwatch.Options{MaxEventBytes: 300}, other{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := l.Recognize(&penstock.Object{Name: "o"}, penstock.Identity{Bucket: "b", Key: "k", ETag: "e"},
			penstock.Entry{Reader: strings.NewReader(tt.text)})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range rec.Records {
			re, ok := errors.AsType[*penstock.RecordError](err)
			switch {
			case err == nil:
				docs++
			case ok && re.Reason == penstock.ReasonOverlong && re.Raw == nil && re.Length >= 2000 &&
				re.Offset+re.Length <= int64(len(tt.text)):
				overlong++
			default:
				t.Errorf("%s: error %v", name, err)
			}
		}
		if docs != tt.docs || overlong != tt.overlong {
			t.Errorf("%s: %d records, %d overlong; want %d, %d", name, docs, overlong, tt.docs, tt.overlong)
		}
	}
}

func TestMessagesDoNotTakeTheNamesOfTheShaper(t *testing.T) {
	t.Parallel()
	text := payloadText(1, `{"penstock":1,"aws":"x","penstock_":2,"aws.s3.key":"y","_id":"z"," ":3}`,
		`{"aws":{"region":"r"}}`)
	_, docs, _, err := ofObject(t, cloudwatch.Options{}, strings.NewReader(text))
	if err != nil || len(docs) != 2 {
		t.Fatalf("%d documents, error %v", len(docs), err)
	}
	body := string(docs[0].Body())
	for _, want := range []string{
		`"penstock_":{"format":"cloudwatch"`, `"penstock":1`, `"aws_":"x"`, `"penstock__":2`, `"aws_s3_key":"y"`,
		`"x_id":"z"`, `"_empty":3`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if body := string(docs[1].Body()); !strings.Contains(body, `"aws.s3.key":"k"`) ||
		!strings.Contains(body, `"aws":{"region":"r"}`) {
		t.Errorf("%s", body)
	}
}

// A log event whose document has no index becomes a letter under the id of the event: replayed, it is the document that
// shipping again makes.
func TestALetterOfALogEventHasItsID(t *testing.T) {
	t.Parallel()
	shaper, err := shape.New(shape.Config{Index: "x-{nowhere}"})
	if err != nil {
		t.Fatal(err)
	}
	for _, everywhere := range []bool{false, true} {
		l, err := cloudwatch.New(cloudwatch.Options{Everywhere: everywhere, Index: "cwl-{log_group}"}, other{}, shaper)
		if err != nil {
			t.Fatal(err)
		}
		object, id := &penstock.Object{Name: "s3://b/k"}, penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}
		rec, err := l.Recognize(object, id, penstock.Entry{Reader: strings.NewReader(payloadText(7, "one"))})
		if err != nil {
			t.Fatal(err)
		}
		entry, err := l.Entry(object, id, "", rec.Format)
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range rec.Records {
			if err != nil {
				t.Fatal(err)
			}
			doc, err := entry.Shape(&r)
			want := fmt.Sprintf("%056d", 7)
			if everywhere {
				if err != nil || doc.Index != "cwl-aws-lambda-gate" || string(doc.ID) != want {
					t.Errorf("document %s in %q, error %v", doc.ID, doc.Index, err)
				}
				continue
			}
			if re, ok := errors.AsType[*penstock.RecordError](err); !ok || string(re.ID) != want {
				t.Errorf("%v has not the id %s", err, want)
			}
		}
	}
}
