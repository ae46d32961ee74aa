package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/cloudwatch"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/lambda"
	"github.com/seed56735111/penstock/source"
)

// world is a bucket, a domain and a queue in memory. Its fields that delay or break are set before it is used.
type world struct {
	perLine  time.Duration // what reading a line takes
	unpinned bool          // the store says nothing about versions
	// stages that wait for the end of their context: pipeline, open, read, bulk, continue
	hang    map[string]bool
	broken  map[string]error         // stages that fail: pipeline, open, bulk, release, continue
	spoiled func(line string) string // reason why the domain never takes a document

	mu        sync.Mutex
	objects   map[string]string // by bucket/key
	documents map[string]string // by id
	letters   []string
	letterIDs map[string]string // texts by id: a letter takes the place of an earlier one with its id
	queue     [][]byte
	metrics   bytes.Buffer
	opened    []string
	log       bytes.Buffer
}

func newWorld(objects map[string]string) *world {
	return &world{
		objects: objects, documents: map[string]string{}, letterIDs: map[string]string{}, hang: map[string]bool{},
		broken:  map[string]error{},
		spoiled: func(string) string { return "" },
	}
}

// handler returns a function in this world.
func (w *world) handler(change func(*lambda.Config)) *lambda.Handler {
	cfg := lambda.Config{
		Open: w.object, Pipeline: w.pipeline, Ping: w.ping, Continue: w.proceed, Metrics: &w.metrics, Function: "gate",
		LogGroup: "/aws/lambda/gate", Logger: slog.New(slog.NewJSONHandler(&w.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	return lambda.New(cfg)
}

// stage waits or fails as it was told.
func (w *world) stage(ctx context.Context, name string) error {
	if w.hang[name] {
		<-ctx.Done()
		return fmt.Errorf("%s: %w", name, ctx.Err())
	}
	return w.broken[name]
}

func (w *world) ping(ctx context.Context) (json.RawMessage, error) {
	if err := w.stage(ctx, "ping"); err != nil {
		return nil, err
	}
	return json.RawMessage(`{"tagline":"You Know, for Search"}`), nil
}

func (w *world) proceed(ctx context.Context, message []byte) error {
	if err := w.stage(ctx, "continue"); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, slices.Clone(message))
	return nil
}

func (w *world) object(ref lambda.Ref) (penstock.Object, error) {
	name := "s3://" + ref.Bucket + "/" + ref.Key
	return penstock.Object{Name: name, Size: ref.Size, Open: func(ctx context.Context) (*penstock.Stream, error) {
		if err := w.stage(ctx, "open"); err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.opened = append(w.opened, ref.Key)
		text, ok := w.objects[ref.Bucket+"/"+ref.Key]
		if !ok {
			return nil, &source.Error{Op: "open", Object: name, Kind: source.KindMissing, Err: errors.New("NoSuchKey")}
		}
		id := penstock.Identity{Bucket: ref.Bucket, Key: ref.Key, ETag: fmt.Sprint("e", len(text))}
		if w.unpinned {
			id.ETag = ""
		}
		return &penstock.Stream{
			ReadCloser: &hangingReader{ctx: ctx, w: w, Reader: strings.NewReader(text)}, Identity: id,
		}, nil
	}}, nil
}

// hangingReader stops after the first line in a world whose reading hangs.
type hangingReader struct {
	*strings.Reader
	ctx  context.Context //nolint:containedctx // as the body of an HTTP answer does
	w    *world
	read bool
}

func (r *hangingReader) Close() error { return nil }

func (r *hangingReader) Read(p []byte) (int, error) {
	if r.w.hang["read"] && r.read {
		return 0, r.w.stage(r.ctx, "read")
	}
	r.read = true
	return r.Reader.Read(p[:min(len(p), 8)])
}

func (w *world) pipeline(ctx context.Context) (penstock.Pipeline, func(context.Context) error, error) {
	if err := w.stage(ctx, "pipeline"); err != nil {
		return penstock.Pipeline{}, nil, err
	}
	logs, err := cloudwatch.New(cloudwatch.Options{}, w, w)
	if err != nil {
		return penstock.Pipeline{}, nil, err
	}
	p := penstock.Pipeline{
		Decoder: decode.New(decode.Limits{}), Recognizer: logs, Shaper: logs, Deliverer: w, DeadLetters: w, Workers: 2,
	}
	return p, func(ctx context.Context) error { return w.stage(ctx, "release") }, nil
}

// Recognize is part of penstock.Recognizer: every line is a record.
func (w *world) Recognize(_ *penstock.Object, _ penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	return penstock.Recognized{Format: "lines", Records: func(yield func(penstock.Record, error) bool) {
		var line []byte
		var at, seq int64
		one := make([]byte, 1)
		for {
			_, err := io.ReadFull(e, one)
			if err == nil && one[0] != '\n' {
				line = append(line, one[0])
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(penstock.Record{}, err)
				return
			}
			if err != nil && len(line) == 0 {
				return
			}
			if string(line) == "panic" {
				panic("a mistake of ours")
			}
			time.Sleep(w.perLine) // virtual where it is not zero
			if !yield(penstock.Record{Seq: seq, Offset: at, Raw: line, JSON: line}, nil) || err != nil {
				return
			}
			at += int64(len(line)) + 1
			seq++
			line = line[:0]
		}
	}}, nil
}

// Entry is part of penstock.Shaper.
func (w *world) Entry(_ *penstock.Object, id penstock.Identity, _, _ string) (penstock.EntryShaper, error) {
	return lineShaper{id}, nil
}

type lineShaper struct{ id penstock.Identity }

// Shape is part of penstock.EntryShaper.
func (s lineShaper) Shape(r *penstock.Record) (penstock.Document, error) {
	id := fmt.Appendf(nil, "%s/%s@%d", s.id.Key, s.id.ETag, r.Offset)
	return penstock.Document{Index: "logs", ID: id, Head: r.JSON, Raw: r.Raw, Offset: r.Offset}, nil
}

// Put is part of penstock.DeadLetters.
func (w *world) Put(_ context.Context, letters ...penstock.Letter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range letters {
		w.letters = append(w.letters, l.Reason+" "+string(l.Raw))
		w.letterIDs[l.ID] = string(l.Raw)
	}
	return nil
}

func (*world) Hold() (release func()) { return func() {} }

// Begin is part of penstock.Deliverer.
func (w *world) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &delivery{world: w, reject: reject}
}

type delivery struct {
	*world
	reject penstock.RejectFunc
	docs   []penstock.Document
}

// Add is part of penstock.Delivery.
func (d *delivery) Add(ctx context.Context, doc penstock.Document) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	doc.ID, doc.Head, doc.Tail, doc.Raw = bytes.Clone(doc.ID), doc.Body(), nil, bytes.Clone(doc.Raw)
	d.docs = append(d.docs, doc)
	return nil
}

// Wait is part of penstock.Delivery.
func (d *delivery) Wait(ctx context.Context) (penstock.Outcome, error) {
	var out penstock.Outcome
	if err := d.stage(ctx, "bulk"); err != nil {
		return out, err
	}
	for _, doc := range d.docs {
		if reason := d.spoiled(string(doc.Raw)); reason != "" {
			if err := d.reject(ctx, penstock.Rejection{Document: doc, Status: 400, Type: reason}); err != nil {
				return out, err
			}
			out.Rejected++
			continue
		}
		d.mu.Lock()
		if _, ok := d.documents[string(doc.ID)]; ok {
			out.Duplicate++
		} else {
			out.Delivered++
			d.documents[string(doc.ID)] = string(doc.Body())
		}
		d.mu.Unlock()
	}
	return out, nil
}

// lines returns the documents made of lines, sorted.
func (w *world) lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Values(w.documents))
}

// lastMetrics decodes the last line of metrics and fails unless there are n.
func (w *world) lastMetrics(t *testing.T, n int) map[string]any {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(w.metrics.String(), "\n"), "\n")
	if len(lines) != n {
		t.Fatalf("%d lines of metrics, want %d: %s", len(lines), n, w.metrics.String())
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(lines[n-1]), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// invoke hands an event to h and returns its answer as JSON.
func invoke(ctx context.Context, h *lambda.Handler, event string) (string, error) {
	answer, err := h.Invoke(ctx, json.RawMessage(event))
	if err != nil {
		return "", err
	}
	text, merr := json.Marshal(answer)
	return string(text), errors.Join(err, merr)
}

// sqs makes a batch of messages m0, m1, ….
func sqs(bodies ...string) string {
	records := make([]string, 0, len(bodies))
	for i, b := range bodies {
		records = append(records,
			fmt.Sprintf(`{"messageId":"m%d","receiptHandle":"r","body":%s,"attributes":{},"eventSource":"aws:sqs"}`,
				i, quote(b)))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func created(keys ...string) string {
	records := make([]string, 0, len(keys))
	for _, k := range keys {
		records = append(records,
			`{"eventSource":"aws:s3","awsRegion":"eu-west-1","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},`+
				`"object":{"key":`+quote(k)+`}}}`)
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

const testNotification = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2015-11-19T08:00:00.000Z",` +
	`"Bucket":"b","RequestId":"r","HostId":"h"}`

// payload makes a payload of log events.
func payload(events ...string) string {
	return `{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/Gate",` +
		`"logStream":"2015/11/19/[$LATEST]ab",` +
		`"subscriptionFilters":["all"],"logEvents":[` + strings.Join(events, ",") + `]}`
}

// quote writes a text as JSON, without the escapes that HTML needs.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
