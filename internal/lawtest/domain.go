package lawtest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock/domain"
)

// fault is one way in which a domain, or the network before it, misbehaves.
type fault uint8

const (
	none fault = iota
	throttle
	throttleText
	unavailable
	serverError
	resetBefore // the request is not carried out
	resetAfter  // the request is carried out, and its answer is lost
	truncated
	missingItem
	swappedIDs
	html
	refused
	tooLarge
	slow
	itemErrors  // some items are throttled or fail on the way
	stallBefore // no byte comes or goes, and the request is not carried out
	stallInside // the answer stops in its middle
	timedOut    // the domain gives up on the request
	faults      // the number of them
)

// Domain is a model of a domain: it keeps documents by id, refuses what is poison, and misbehaves by a seeded schedule.
// It is an http.RoundTripper.
type Domain struct {
	// Share is the share of requests that a fault of Kinds strikes.
	Share float64
	Kinds []fault
	// MayReplace reports whether a request may replace the document with an id.
	MayReplace func(id string) bool
	// Violation is called for a request that breaks a law by itself.
	Violation func(format string, args ...any)

	mu   sync.Mutex
	rand *rand.Rand
	docs map[string]string
	// shut says that shutIndex is closed.
	shut bool
	// flaky counts the failures of each document that may be its own fault.
	flaky map[string]int
	// reported counts the items that were answered in full, by status.
	reported map[int]int64
	wg       sync.WaitGroup
}

// reset is the error of a connection that breaks.
var errReset = errors.New("connection reset by peer")

func (d *Domain) draw() fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.Kinds) == 0 || d.rand.Float64() >= d.Share {
		return none
	}
	return d.Kinds[d.rand.IntN(len(d.Kinds))]
}

func (d *Domain) intN(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rand.IntN(n)
}

// RoundTrip answers one _bulk request.
func (d *Domain) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, err := d.payload(req)
	if err != nil {
		return nil, err
	}
	f := d.draw()
	switch f {
	case resetBefore, stallBefore, timedOut, throttle, throttleText, unavailable, serverError, refused, tooLarge, html:
		// A transport may return before it has read the whole body, and go on reading: what it reads then must still be
		// what was sent.
		d.readLate(req, sent)
	default:
		_ = req.Body.Close()
	}
	switch f {
	case resetBefore:
		return nil, errReset
	case stallBefore:
		time.Sleep(stallTime)
		return nil, &domain.StallError{Missing: "answer", After: stallTime}
	case timedOut:
		return answer(408, "application/json", `{"error":{"type":"timeout_exception","reason":"slow"},"status":408}`), nil
	case throttle:
		resp := answer(429, "application/json",
			`{"error":{"type":"es_rejected_execution_exception","reason":"queue full"},"status":429}`)
		if d.intN(2) == 0 {
			resp.Header.Set("Retry-After", "2")
		}
		return resp, nil
	case throttleText:
		return answer(429, "text/plain", "429 Too Many Requests /_bulk"), nil
	case unavailable:
		return answer(503, "text/html", "<html><body>503 Service Unavailable</body></html>"), nil
	case serverError:
		return answer(500, "application/json", `{"error":{"type":"exception","reason":"boom"},"status":500}`), nil
	case refused:
		return answer(403, "application/json",
			`{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost"}`), nil
	case html:
		return answer(200, "text/html", "<!doctype html><title>Dashboards</title>"), nil
	case tooLarge:
		if bytes.Count(sent, []byte("\n")) > 2 {
			return answer(413, "application/json", `{"Message":"Request size exceeded 100 bytes"}`), nil
		}
	case slow:
		time.Sleep(time.Duration(d.intN(20_000)) * time.Millisecond)
	}
	if strings.Contains(string(sent), wholeText) {
		return answer(400, "application/json",
			`{"error":{"type":"json_parse_exception","reason":"unexpected"},"status":400}`), nil
	}
	return d.carryOut(sent, f)
}

// payload is the body as it is when the request is handed over.
func (d *Domain) payload(req *http.Request) ([]byte, error) {
	copied, err := req.GetBody()
	if err != nil {
		return nil, err
	}
	defer func() { _ = copied.Close() }()
	var r io.Reader = copied
	if req.Header.Get("Content-Encoding") == "gzip" {
		if r, err = gzip.NewReader(copied); err != nil {
			return nil, err
		}
	}
	return io.ReadAll(r)
}

// readLate reads the body some time after the request has failed, as a real transport may.
func (d *Domain) readLate(req *http.Request, sent []byte) {
	pause := time.Duration(d.intN(3000)) * time.Millisecond
	d.wg.Go(func() {
		defer func() { _ = req.Body.Close() }()
		time.Sleep(pause)
		if req.Header.Get("Content-Encoding") == "gzip" {
			return // compressed anew for every attempt
		}
		got, err := io.ReadAll(req.Body)
		if err == nil && !bytes.Equal(got, sent) {
			d.Violation("a request body was changed while the transport could still read it")
		}
	})
}

// stallTime is the stall timeout of the connections of this world.
const stallTime = 15 * time.Second

// stalled is the rest of an answer that does not come.
type stalled struct{}

func (stalled) Read([]byte) (int, error) {
	time.Sleep(stallTime)
	return 0, &domain.StallError{Missing: "answer", After: stallTime}
}

// item is one document of a request with its outcome.
type item struct {
	op, id string
	status int
	kind   string // of the error
}

// carryOut stores the documents and answers, truthfully or not.
func (d *Domain) carryOut(sent []byte, f fault) (*http.Response, error) {
	items := d.store(sent, f)
	if f == resetAfter {
		return nil, errReset
	}
	shown := make([]item, len(items))
	copy(shown, items)
	switch {
	case f == missingItem && len(shown) > 0:
		at := d.intN(len(shown))
		shown = append(shown[:at], shown[at+1:]...)
	case f == swappedIDs && len(shown) > 1:
		shown[0].id, shown[1].id = shown[1].id, shown[0].id
	default:
		if f != truncated && f != stallInside {
			d.count(items)
		}
	}
	text := write(shown)
	switch f {
	case truncated:
		text = text[:d.intN(len(text))]
	case stallInside:
		resp := answer(200, "application/json", "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(text[:d.intN(len(text))]), stalled{}))
		return resp, nil
	}
	return answer(200, "application/json", text), nil
}

func (d *Domain) count(items []item) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, it := range items {
		d.reported[it.status]++
	}
}

func (d *Domain) store(sent []byte, f fault) []item {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := strings.Split(strings.TrimSuffix(string(sent), "\n"), "\n")
	if len(lines)%2 != 0 {
		d.Violation("a request of %d lines", len(lines))
	}
	var items []item
	for i := 0; i+1 < len(lines); i += 2 {
		var action map[string]struct {
			ID    string `json:"_id"`
			Index string `json:"_index"`
		}
		if err := json.Unmarshal([]byte(lines[i]), &action); err != nil || len(action) != 1 {
			d.Violation("action line %q: %v", lines[i], err)
			continue
		}
		for op, a := range action {
			status, kind := d.write(op, a.Index, a.ID, lines[i+1], f)
			items = append(items, item{op, a.ID, status, kind})
		}
	}
	return items
}

// failures are failures of items that pass: one for each way in which the table of the writer decides.
var failures = []item{
	{status: 429, kind: "es_rejected_execution_exception"},
	{status: 503, kind: "unavailable_shards_exception"},
	{status: 500, kind: "node_not_connected_exception"},
	{status: 429, kind: "cluster_block_exception"},
	{status: 503, kind: "circuit_breaking_exception"},
	{status: 408, kind: ""},
	{status: 500, kind: flakyKind},
}

// flakyKind is a failure that no table knows. It passes within two attempts.
const flakyKind = "brand_new_exception"

// replaced stands in the counts for 200 with a document that replaced another. The domain also answers 200 for a
// document that it dropped.
const replaced = 299

// write stores one document and returns the status of its item and the type of its error.
func (d *Domain) write(op, index, id, body string, f fault) (status int, kind string) {
	old, there := d.docs[id]
	if f == itemErrors && d.rand.IntN(3) == 0 {
		e := failures[d.rand.IntN(len(failures))]
		if e.kind != flakyKind {
			return e.status, e.kind
		}
		if d.flaky[id]++; d.flaky[id] <= 2 {
			return e.status, e.kind
		}
	}
	switch {
	case index == shutIndex && d.shut:
		return 400, "index_closed_exception"
	case strings.Contains(body, poisonText):
		return 400, "mapper_parsing_exception"
	case strings.Contains(body, failsText):
		return 500, "fail_processor_exception"
	case strings.Contains(body, noopText):
		return 200, ""
	case there && op == "index" && d.MayReplace(id):
		d.docs[id] = body
		return replaced, ""
	case there && old != body && !d.MayReplace(id):
		d.Violation("id %s stands for %s and for %s", id, old, body)
		return 409, "version_conflict_engine_exception"
	case there && op == "create":
		return 409, "version_conflict_engine_exception"
	case there:
		d.Violation("document %s was written twice", id)
		return 200, ""
	}
	d.docs[id] = body
	return 201, ""
}

func write(items []item) string {
	var b strings.Builder
	b.WriteString(`{"took":1,"errors":false,"items":[`)
	for i, it := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		status, result := it.status, ""
		switch status {
		case replaced:
			status, result = 200, "updated"
		case 200:
			result = "noop"
		}
		fmt.Fprintf(&b, `{%q:{"_id":%q,"status":%d`, it.op, it.id, status)
		if it.op == "index" && result != "" {
			fmt.Fprintf(&b, `,"result":%q`, result)
		}
		if it.status >= 300 {
			fmt.Fprintf(&b, `,"error":{"type":%q,"reason":"as it is"}`, it.kind)
		}
		b.WriteString("}}")
	}
	b.WriteString("]}")
	return b.String()
}

func answer(status int, contentType, text string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}
}
