package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/lambda"
	"github.com/seed56735111/penstock/source"
)

const accessPoint = "arn:aws:s3:eu-west-1:123456789012:accesspoint/reports"

// A scenario is one event and the objects that are opened for it, in their order.
func TestEventsAroundTheBucketNameTheirObjects(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, event string
		bucket      string // the setting
		want        []lambda.Ref
		failure     string // in the error, when nothing is opened
	}{
		{
			name:  "a batch of a map",
			event: `{"Items":[{"bucket":"b","key":"a+b"},"s3://b/c d",{"bucket":"b","key":"e","version":"v"}]}`,
			want: []lambda.Ref{
				{Bucket: "b", Key: "a+b", Size: -1},
				{Bucket: "b", Key: "c d", Size: -1},
				{Bucket: "b", Key: "e", Version: "v", Size: -1},
			},
		},
		{
			name:  "a list",
			event: `[{"bucket":"b","key":"1"},"s3://b/2",` + created("3+3") + `]`,
			want: []lambda.Ref{
				{Bucket: "b", Key: "1", Size: -1},
				{Bucket: "b", Key: "2", Size: -1},
				{Bucket: "b", Key: "3 3", Size: -1, Region: "eu-west-1"},
			},
		},
		{
			name: "a listing and the bucket of its batch",
			event: `{"BatchInput":{"bucket":"b","else":1},"Items":[{"Etag":"\"e\"","Key":"a+b%20c","LastModified":1447920000,` +
				`"Size":7,"StorageClass":"STANDARD"}]}`,
			want: []lambda.Ref{{Bucket: "b", Key: "a+b%20c", Size: 7, ETag: "e"}},
		},
		{
			name: "a listing and the bucket of the settings", bucket: "set",
			event: `{"Etag":"e","Key":"k","LastModified":1447920000,"Size":7,"StorageClass":"STANDARD"}`,
			want:  []lambda.Ref{{Bucket: "set", Key: "k", Size: 7, ETag: "e"}},
		},
		{
			name: "the batch's bucket is nearer than the setting's", bucket: "set",
			event: `{"BatchInput":{"Bucket":"b"},"Items":[{"Key":"k","LastModified":"2015-11-19T08:00:00Z","Size":7},` +
				`{"bucket":"own","key":"k"}]}`,
			want: []lambda.Ref{{Bucket: "b", Key: "k", Size: 7}, {Bucket: "own", Key: "k", Size: -1}},
		},
		{
			name:  "a listing that an ItemSelector gave a bucket",
			event: `{"bucket":"b","Key":"a+b"}`,
			want:  []lambda.Ref{{Bucket: "b", Key: "a+b", Size: -1}},
		},
		{
			name:    "a listing without a bucket",
			event:   `{"Items":[{"Etag":"e","Key":"k","LastModified":1447920000,"Size":7}]}`,
			failure: "key \"k\" without a bucket: name it as \"bucket\" of the map's BatchInput or in PENSTOCK_BUCKET",
		},
		{
			name: "rows of an inventory",
			event: `{"Items":[{"Bucket":"b","Key":"a+b%2Bc","Size":"12","VersionId":"v","IsLatest":"true",` +
				`"LastModifiedDate":"2015-11-19T08:00:00.000Z","ETag":"e"},{"Bucket":"b","Key":"plain","VersionId":""}]}`,
			want: []lambda.Ref{
				{Bucket: "b", Key: "a b+c", Version: "v", Size: 12, ETag: "e"}, {Bucket: "b", Key: "plain", Size: -1},
			},
		},
		{
			name:  "a delete marker of an inventory",
			event: `{"Bucket":"b","Key":"k","VersionId":"v","IsDeleteMarker":"true","Size":""}`,
		},
		{name: "a delete marker of an inventory in Parquet", event: `{"Bucket":"b","Key":"k","IsDeleteMarker":true}`},
		{name: "a row whose key is no encoding", event: `{"Bucket":"b","Key":"bad%zz"}`, failure: `key "bad%zz"`},
		{name: "a row with an empty key", event: `{"Bucket":"b","Key":""}`, failure: "an empty key"},
		{
			name:    "an item of no kind",
			event:   `{"Items":[{"what":"ever"}]}`,
			failure: "Items[0]: recognise event: no known shape",
		},
		{name: "a list of numbers", event: `[1]`, failure: "[0]: recognise event"},
		{name: "no items", event: `{"Items":[]}`},
		{
			name:  "a restored object",
			event: strings.Replace(created("cold"), "ObjectCreated:Put", "ObjectRestore:Completed", 1),
			want:  []lambda.Ref{{Bucket: "b", Key: "cold", Size: -1, Region: "eu-west-1"}},
		},
		{
			name:  "an object that is being restored",
			event: strings.Replace(created("cold"), "ObjectCreated:Put", "ObjectRestore:Post", 1),
		},
		{
			name:  "a restored copy that expired",
			event: strings.Replace(created("cold"), "ObjectCreated:Put", "ObjectRestore:Delete", 1),
		},
		{
			name: "a restored object through EventBridge",
			event: `{"detail-type":"Object Restore Completed","source":"aws.s3","region":"eu-west-1",` +
				`"detail":{"bucket":{"name":"b"},"object":{"key":"a+b","size":7,"etag":"e"}}}`,
			want: []lambda.Ref{{Bucket: "b", Key: "a+b", Size: 7, ETag: "e", Region: "eu-west-1"}},
		},
		{
			name: "an object that is being restored through EventBridge",
			event: `{"detail-type":"Object Restore Initiated","source":"aws.s3","detail":{"bucket":{"name":"b"},` +
				`"object":{"key":"k"}}}`,
		},
		{
			name: "Security Lake",
			event: sqs(`{"source":"aws.s3","time":"2021-11-12T00:00:00Z","account":"123456789012","region":"ca-central-1",` +
				`"resources":["arn:aws:s3:::b"],` +
				`"detail":{"bucket":{"name":"b"},"object":{"key":"a+b=c","size":5,"etag":"e"},"request-id":"r",` +
				`"requester":"securitylake.amazonaws.com"}}`),
			want: []lambda.Ref{{Bucket: "b", Key: "a+b=c", Size: 5, ETag: "e", Region: "ca-central-1"}},
		},
		{
			name: "Security Lake of a removal",
			event: sqs(`{"source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"k"},"deletion-type":"Permanently ` +
				`Deleted"}}`),
		},
		{
			name:  "an access point by hand",
			event: `{"bucket":"` + accessPoint + `","key":"k"}`,
			want:  []lambda.Ref{{Bucket: accessPoint, Key: "k", Size: -1}},
		},
		{
			name:  "an access point by URL",
			event: `"s3://` + accessPoint + `/a/b"`,
			want:  []lambda.Ref{{Bucket: accessPoint, Key: "a/b", Size: -1}},
		},
		{
			name:  "a bucket by its ARN",
			event: `{"bucket":"arn:aws:s3:::b","key":"k"}`,
			want:  []lambda.Ref{{Bucket: "b", Key: "k", Size: -1}},
		},
		{
			name: "an access point in Batch Operations",
			event: `{"invocationSchemaVersion":"1.0","invocationId":"i","tasks":[{"taskId":"t","s3Key":"k","s3BucketArn":"` +
				accessPoint + `"}]}`,
			want: []lambda.Ref{{Bucket: accessPoint, Key: "k", Size: -1}},
		},
		{
			name:  "messages of a pipe",
			event: `[{"messageId":"m0","body":` + quote(created("k")) + `,"eventSource":"aws:sqs"}]`,
			want:  []lambda.Ref{{Bucket: "b", Key: "k", Size: -1, Region: "eu-west-1"}},
		},
		{
			name:  "records of a stream in a pipe",
			event: `[{"sequenceNumber":"1","data":"eyJidWNrZXQiOiJiIiwia2V5IjoiayJ9","eventSource":"aws:kinesis"}]`,
			want:  []lambda.Ref{{Bucket: "b", Key: "k", Size: -1}},
		},
		{
			name:  "a batch in a message",
			event: sqs(`{"BatchInput":{"bucket":"b"},"Items":[{"Key":"k"}]}`),
			want:  []lambda.Ref{{Bucket: "b", Key: "k", Size: -1}},
		},
	} {
		w := newWorld(map[string]string{})
		var opened []lambda.Ref
		h := w.handler(func(c *lambda.Config) {
			c.Bucket = tt.bucket
			c.Open = func(ref lambda.Ref) (penstock.Object, error) {
				opened = append(opened, ref)
				w.objects[ref.Bucket+"/"+ref.Key] = "line\n"
				return w.object(ref)
			}
		})
		got, err := invoke(t.Context(), h, tt.event)
		if diff := cmp.Diff(tt.want, opened); diff != "" {
			t.Errorf("%s: opened\n%s", tt.name, diff)
		}
		switch {
		case tt.failure == "" && (err != nil || strings.Contains(got, "itemIdentifier")):
			t.Errorf("%s: answer %s, error %v", tt.name, got, err)
		case tt.failure != "" &&
			(err == nil || !strings.Contains(err.Error(), tt.failure) || lambda.ErrorType(err) != lambda.ErrorEvent):
			t.Errorf("%s: answer %s, error %v (%s), want %q", tt.name, got, err, lambda.ErrorType(err), tt.failure)
		}
	}
}

func TestResultsComeInTheOrderOfTheItems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The first takes longest.
		w := newWorld(map[string]string{"b/one": numbered(30), "b/two": "x\ny\n", "b/three": "spoiled\n"})
		w.perLine = time.Second
		w.spoiled = func(line string) string {
			if line == "spoiled" {
				return "mapper_parsing_exception"
			}
			return ""
		}
		const event = `{"BatchInput":{"bucket":"b"},"Items":[{"Key":"one"},{"Key":"two"},{"Key":"three"},{"Key":"two"},` +
			`{"Bucket":"b","Key":"gone","IsDeleteMarker":"true"}]}`
		got, err := invoke(t.Context(), w.handler(nil), event)
		if err != nil {
			t.Fatal(err)
		}
		type result struct {
			Records, Delivered, Duplicate int64
			DeadLettered                  int64 `json:"dead_lettered"`
			Note                          string
		}
		var answer struct {
			result
			Results []result
		}
		if err := json.Unmarshal([]byte(got), &answer); err != nil {
			t.Fatal(err)
		}
		want := []result{
			{Records: 30, Delivered: 30},
			{Records: 2, Delivered: 2},
			{Records: 1, DeadLettered: 1},
			{Records: 2, Duplicate: 2},
			{Note: "ignored a delete marker"},
		}
		if diff := cmp.Diff(want, answer.Results); diff != "" || answer.Records != 35 {
			t.Errorf("%s\n%s", got, diff)
		}
	})
	// A result counts as done, so one failure fails the batch. The message says which; the others were delivered.
	w := newWorld(map[string]string{"b/one": "1\n", "b/three": "3\n"})
	got, err := invoke(t.Context(), w.handler(nil),
		`[{"bucket":"b","key":"one"},{"bucket":"b","key":"two"},{"bucket":"b","key":"three"},7]`)
	if err == nil || len(w.lines()) != 2 || lambda.ErrorType(err) != lambda.ErrorNotFound ||
		!strings.HasPrefix(err.Error(), "2 of 4 items failed: item 1: ") ||
		!strings.Contains(err.Error(), "\nitem 3: [3]: ") {
		t.Errorf("answer %s, error %v, %d documents", got, err, len(w.lines()))
	}
}

// Retry and Catch of a state machine match these names.
func TestFailuresHaveAName(t *testing.T) {
	t.Parallel()
	kind := func(k source.Kind) error {
		return &source.Error{Op: "open", Object: "s3://b/k", Kind: k, Err: errors.New("reason")}
	}
	answer := func(k domain.Kind) error { return &domain.Error{Kind: k, Status: 500} }
	for _, tt := range []struct {
		err  error
		want string
	}{
		{kind(source.KindMissing), lambda.ErrorNotFound},
		{kind(source.KindNoBucket), lambda.ErrorNotFound},
		{kind(source.KindDenied), lambda.ErrorRefused},
		{kind(source.KindKey), lambda.ErrorRefused},
		{kind(source.KindArchived), lambda.ErrorArchived},
		{kind(source.KindThrottled), lambda.ErrorThrottled},
		{kind(source.KindUnreachable), lambda.ErrorUnavailable},
		{kind(source.KindName), lambda.ErrorConfig},
		{answer(domain.Refused), lambda.ErrorRefused},
		{answer(domain.Throttled), lambda.ErrorThrottled},
		{answer(domain.Unavailable), lambda.ErrorUnavailable},
		{answer(domain.Unreachable), lambda.ErrorUnavailable},
		{answer(domain.NotADomain), lambda.ErrorConfig},
		{answer(domain.BadRequest), lambda.ErrorConfig},
		{&penstock.PausedError{}, lambda.ErrorIncomplete},
		{errors.New("something"), lambda.ErrorIncomplete},
		{fmt.Errorf("a: %w", fmt.Errorf("b: %w", kind(source.KindMissing))), lambda.ErrorNotFound},
		// What another invocation can mend comes first, wherever it stands.
		{
			err:  errors.Join(kind(source.KindMissing), errors.Join(kind(source.KindDenied), answer(domain.Throttled))),
			want: lambda.ErrorThrottled,
		},
		{errors.Join(kind(source.KindMissing), kind(source.KindDenied)), lambda.ErrorRefused},
	} {
		if got := lambda.ErrorType(tt.err); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.err, got, tt.want)
		}
	}
	for k := range source.KindNotAFile {
		if lambda.ErrorType(kind(k)) == lambda.ErrorIncomplete {
			t.Errorf("kind %d of failures to read has no name", k)
		}
	}
	for k := domain.Unknown; k <= domain.BadRequest; k++ {
		if lambda.ErrorType(answer(k)) == lambda.ErrorIncomplete {
			t.Errorf("answers of the kind %v have no name", k)
		}
	}
}

// An item given back is a line of the log with the name of its failure.
func TestTheLogNamesTheFailureOfEachItem(t *testing.T) {
	t.Parallel()
	w := newWorld(nil)
	if _, err := invoke(t.Context(), w.handler(nil), sqs(created("missing"), "garbage")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(w.log.String()) {
		var l struct{ Msg, Item, ErrorType string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if l.Msg == "item given back" {
			got = append(got, l.Item+" "+l.ErrorType)
		}
	}
	if diff := cmp.Diff([]string{"m0 Penstock.NotFound", "m1 Penstock.Event"}, got); diff != "" {
		t.Error(diff)
	}
}

// A task that fails for a reason that concerns them all is not given up: the job asks again.
func TestBatchOperationsGiveUpOnlyWhatIsTheTasksOwnFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want string
	}{
		{&source.Error{Op: "open", Kind: source.KindMissing, Err: errors.New("NoSuchKey")}, "PermanentFailure"},
		{&source.Error{Op: "open", Kind: source.KindCredentials, Err: errors.New("ExpiredToken")}, "TemporaryFailure"},
		{&source.Error{Op: "open", Kind: source.KindUnreachable, Err: errors.New("reset")}, "TemporaryFailure"},
		{errors.New("of no kind"), "TemporaryFailure"},
	} {
		w := newWorld(nil)
		h := w.handler(func(c *lambda.Config) {
			c.Open = func(ref lambda.Ref) (penstock.Object, error) {
				return penstock.Object{Name: ref.Key, Open: func(context.Context) (*penstock.Stream, error) {
					return nil, tt.err
				}}, nil
			}
		})
		got, err := invoke(t.Context(), h,
			`{"invocationSchemaVersion":"1.0","invocationId":"i","tasks":[{"taskId":"t","s3Key":"k",`+
				`"s3BucketArn":"arn:aws:s3:::b"}]}`)
		if err != nil || !strings.Contains(got, `"resultCode":"`+tt.want+`"`) {
			t.Errorf("%v: answer %s, error %v, want %s", tt.err, got, err, tt.want)
		}
	}
}
