package lambda_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/lambda"
)

func TestAnswersNameTheMessagesThatFailedAndNoOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]string{"b/one": "1\n2\n", "b/two": "3\n", "b/with space": "4\n"})
	w.spoiled = func(line string) string {
		if line == "2" {
			return "mapper_parsing_exception"
		}
		return ""
	}
	got, err := invoke(t.Context(), w.handler(nil), sqs(created("one"), testNotification, created("missing"), "garbage",
		created("two", "missing"), created("with+space"), `{"Records":[]}`))
	want := `{"batchItemFailures":[{"itemIdentifier":"m2"},{"itemIdentifier":"m3"},{"itemIdentifier":"m4"}]}`
	if err != nil || got != want {
		t.Errorf("answer %s, error %v, want %s", got, err, want)
	}
	if diff := cmp.Diff([]string{"1", "3", "4"}, w.lines()); diff != "" {
		t.Errorf("documents: %s", diff)
	}
	if diff := cmp.Diff([]string{"rejected 2"}, w.letters); diff != "" {
		t.Errorf("dead letters: %s", diff)
	}
	m := w.lastMetrics(t, 1)
	for name, want := range map[string]any{
		"RecordsRead": 4., "RecordsDelivered": 3., "RecordsDeadLettered": 1., "ItemsGivenBack": 3., "Balanced": true,
		"Function": "gate",
	} {
		if m[name] != want {
			t.Errorf("metric %s is %v, want %v", name, m[name], want)
		}
	}
}

func TestAsynchronousEventsFailWhenAnythingIsUndelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]string{"b/one": "1\n", "b/more": "2\n"})
	h := w.handler(nil)
	if got, err := invoke(t.Context(), h, created("one", "missing")); err == nil ||
		!strings.Contains(err.Error(), "NoSuchKey") {
		t.Errorf("answer %s, error %v", got, err)
	}
	if got, err := invoke(t.Context(), h,
		strings.Replace(created("one", "two"), "ObjectCreated:Put", "Unknown:Thing", 1)); err == nil {
		t.Errorf("answer %s, error %v", got, err)
	}
	if got, err := invoke(t.Context(), w.handler(nil), created("bad%zz", "more")); err == nil || len(w.lines()) != 2 {
		t.Errorf("an event that is understood in part: answer %s, error %v, %d documents of 2", got, err, len(w.lines()))
	}
	got, err := invoke(t.Context(), h, created("one"))
	if err != nil || !strings.Contains(got, `"records":1,"delivered":0,"duplicate":1`) {
		t.Errorf("answer %s, error %v", got, err)
	}
	if got, err := invoke(t.Context(), h, testNotification); err != nil ||
		!strings.Contains(got, `"notes":["s3:TestEvent"]`) {
		t.Errorf("answer %s, error %v", got, err)
	}
}

// What is wrong with thousands of objects fits into a line of a log, and into a small function.
func TestErrorsStayShort(t *testing.T) { // not parallel: it counts what is allocated
	keys := make([]string, 5000)
	for i := range keys {
		keys[i] = fmt.Sprintf("bad%%zz%0100d", i)
	}
	w := newWorld(nil)
	began := allocated()
	_, err := invoke(t.Context(), w.handler(nil), created(keys...))
	const bound = 9 << 10
	if err == nil || len(err.Error()) > bound {
		t.Errorf("an event: error of %d bytes", len(fmt.Sprint(err)))
	}
	if got, err := invoke(t.Context(), w.handler(nil), sqs(created(keys...))); err != nil ||
		got != `{"batchItemFailures":[{"itemIdentifier":"m0"}]}` || w.log.Len() > 2*bound {
		t.Errorf("a message: answer %s, error %v, log of %d bytes", got, err, w.log.Len())
	}
	if n := allocated() - began; n > 100<<20 {
		t.Errorf("%d MB were allocated for an event of 2 MB", n>>20)
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// An empty list of failures acknowledges everything, so it must never come of a failure of ours.
func TestNoBatchIsAcknowledgedByAnErrorOfOurs(t *testing.T) {
	t.Parallel()
	const both = `{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m1"}]}`
	for _, tt := range []struct{ broken, text, want string }{
		{"pipeline", "1\n", both},
		{"open", "1\n", both},
		{"bulk", "1\n", both},
		{"release", "1\n", ""}, // nobody knows which: the invocation fails
		{"", "1\npanic\n", both},
	} {
		w := newWorld(map[string]string{"b/one": tt.text, "b/two": tt.text})
		if tt.broken != "" {
			w.broken[tt.broken] = errors.New("broken " + tt.broken)
		}
		got, err := invoke(t.Context(), w.handler(nil), sqs(created("one"), created("two")))
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s broken: answer %s, error %v, want %s", tt.broken, got, err, tt.want)
		}
		if m := w.lastMetrics(t, 1); m["Balanced"] != true {
			t.Errorf("%s broken: %v", tt.broken, m)
		}
	}
}

func TestABrokenFieldFailsItsMessageOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]string{"b/one": "1\n"})
	event := strings.Replace(sqs(created("one"), created("one")), `"attributes":{}`,
		`"attributes":{"ApproximateReceiveCount":1}`, 1)
	got, err := invoke(t.Context(), w.handler(nil), event)
	if want := `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`; err != nil || got != want {
		t.Errorf("answer %s, error %v, want %s", got, err, want)
	}
	if got, err := invoke(t.Context(), w.handler(nil), `{"Records":[{"eventSource":"aws:sqs","body":"x"}]}`); err == nil {
		t.Errorf("a failed message without an id: answer %s", got)
	}
}

func TestKinesisNamesTheFirstFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]string{"b/one": "1\n"})
	record := func(n int, data string) string {
		return fmt.Sprintf(`{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"49%d","data":"%s"}}`, n,
			base64.StdEncoding.EncodeToString([]byte(data)))
	}
	h := w.handler(nil)
	event := `{"Records":[` + strings.Join(
		[]string{record(1, created("one")), record(2, created("missing")), record(3, "garbage")}, ",") + `]}`
	got, err := invoke(t.Context(), h, event)
	if want := `{"batchItemFailures":[{"itemIdentifier":"492"}]}`; err != nil || got != want {
		t.Errorf("answer %s, error %v, want %s", got, err, want)
	}
	got, err = invoke(t.Context(), h, `{"Records":[`+record(1, created("one"))+`]}`)
	if want := `{"batchItemFailures":[]}`; err != nil || got != want {
		t.Errorf("answer %s, error %v, want %s", got, err, want)
	}
}

func TestBatchOperationsLearnWhatIsWorthTryingAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]string{"b/one": "1\n"})
	event := `{"invocationSchemaVersion":"2.0","invocationId":"i","tasks":[{"taskId":"t1","s3Key":"one",` +
		`"s3Bucket":"b"},{"taskId":"t2","s3Key":"gone","s3Bucket":"b"}]}`
	codes := func() string {
		t.Helper()
		text, err := invoke(t.Context(), w.handler(nil), event)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct {
			Results []struct{ TaskID, ResultCode string }
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(answer.Results)
	}
	if got, want := codes(), "[{t1 Succeeded} {t2 PermanentFailure}]"; got != want {
		t.Errorf("results %s, want %s", got, want)
	}
	w.broken["bulk"] = errors.New("domain away")
	if got, want := codes(), "[{t1 TemporaryFailure} {t2 PermanentFailure}]"; got != want {
		t.Errorf("results %s, want %s", got, want)
	}
}

func TestTheFunctionDoesNotFeedOnItsOwnLog(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	h := w.handler(nil)
	for _, group := range []string{"/aws/lambda/gate", "/aws/lambda/other"} {
		event, err := lambda.BuildLogs("123456789012", group, "s", []string{"one", "two"}, time.UnixMilli(1447920000000))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := invoke(t.Context(), h, string(event)); err != nil {
			t.Fatal(err)
		}
		for _, doc := range w.lines() {
			if !strings.Contains(doc, `"@log_group":"/aws/lambda/other"`) {
				t.Errorf("document of %s: %s", group, doc)
			}
		}
	}
	if got := len(w.lines()); got != 2 {
		t.Errorf("%d documents, want those of the other function", got)
	}
}

// What an imitation of the service sends has no ids to tell its payloads apart.
func TestDeadLettersOfPayloadsWithoutIDsDoNotReplaceEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	for _, message := range []string{"one", "two", "one"} {
		p := payload(`{"timestamp":1447920000000,"message":"` + message + `"}`)
		event := fmt.Sprintf(`{"Records":[{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"1","data":"%s"}}]}`,
			base64.StdEncoding.EncodeToString([]byte(p)))
		if got, err := invoke(t.Context(), w.handler(nil), event); err != nil || got != `{"batchItemFailures":[]}` {
			t.Fatalf("answer %s, error %v", got, err)
		}
	}
	if len(w.letters) != 3 || len(w.letterIDs) != 2 {
		t.Errorf("%d letters are stored of 2 records that came, one of them twice", len(w.letterIDs))
	}
}

func TestAnEmptyEventAnswersTheBanner(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	for n, event := range []string{"", "{}", `{"key1":"value1","key2":"value2","key3":"value3"}`} {
		got, err := invoke(t.Context(), w.handler(nil), event)
		if want := `{"tagline":"You Know, for Search"}`; err != nil || got != want {
			t.Errorf("%q: answer %s, error %v, want %s", event, got, err, want)
		}
		if m := w.lastMetrics(t, n+1); m["RecordsRead"] != 0. {
			t.Errorf("%v", m)
		}
	}
	if !strings.Contains(w.log.String(), "You Know, for Search") {
		t.Errorf("the banner is not in the log: %s", w.log.String())
	}
	w.broken["ping"] = errors.New("find AWS credentials: no access key")
	if got, err := invoke(t.Context(), w.handler(nil), "{}"); err == nil {
		t.Errorf("answer %s", got)
	}
}

// A clock that is wrong, or a line of the year 9999, must not hide how far behind the others are.
func TestTheNewestRecordIsNotOfTheFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(nil)
		now := time.Now()
		payload := &bytes.Buffer{}
		z := gzip.NewWriter(payload)
		_, _ = fmt.Fprintf(z,
			`{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"/g","logStream":"s","logEvents":[{"id":"1","timestamp":%d,`+
				`"message":"behind"},{"id":"2","timestamp":%d,"message":"ahead"},{"id":"3","timestamp":253402300799000,`+
				`"message":"far ahead"}]}`,
			now.Add(-time.Hour).UnixMilli(), now.Add(time.Hour).UnixMilli())
		_ = z.Close()
		event := `{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString(payload.Bytes()) + `"}}`
		if _, err := invoke(t.Context(), w.handler(nil), event); err != nil {
			t.Fatal(err)
		}
		m := w.lastMetrics(t, 1)
		if m["RecordsDelivered"] != 3. || m["NewestRecordAge"] != float64(time.Hour.Milliseconds()) {
			t.Errorf("%v", m)
		}
	})
}

// The embedded metric format allows 100 metrics and 30 dimensions in a document, each metric present as a number.
func TestMetricsAreWellFormed(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]string{"b/one": "1\n"})
	if _, err := invoke(t.Context(), w.handler(nil), created("one")); err != nil {
		t.Fatal(err)
	}
	m := w.lastMetrics(t, 1)
	text, err := json.Marshal(m["_aws"])
	if err != nil {
		t.Fatal(err)
	}
	var directive struct {
		Timestamp         int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	}
	if err := json.Unmarshal(text, &directive); err != nil {
		t.Fatal(err)
	}
	if len(directive.CloudWatchMetrics) != 1 || directive.Timestamp < 1e12 {
		t.Fatalf("%s", text)
	}
	d := directive.CloudWatchMetrics[0]
	if d.Namespace != "penstock" || len(d.Metrics) == 0 || len(d.Metrics) > 100 {
		t.Errorf("%s", text)
	}
	for _, metric := range d.Metrics {
		if _, ok := m[metric.Name].(float64); !ok {
			t.Errorf("metric %s has no value", metric.Name)
		}
	}
	for _, set := range d.Dimensions {
		for _, name := range set {
			if _, ok := m[name].(string); !ok {
				t.Errorf("dimension %s has no value", name)
			}
		}
	}
}
