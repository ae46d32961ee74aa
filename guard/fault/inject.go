package fault

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

// planKey is the key of the plan in a request's context.
type planKey struct{}

// Of is the plan of a request. It is nil, and strikes with nothing, when the request has none.
func Of(ctx context.Context) *Plan {
	p, _ := ctx.Value(planKey{}).(*Plan)
	return p
}

// Around draws the plan of each request and hands it on to the gate.
func (f *Faults) Around(gate http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := f.draw()
		if p == nil {
			gate.ServeHTTP(w, r)
			return
		}
		if skew := p.ClockSkew(); skew != 0 {
			// Clients estimate the difference between the clocks from the answer's date.
			w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
		}
		gate.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), planKey{}, p)))
	})
}

// Before hands requests on to the engine, and strikes before, during and after that.
func (f *Faults) Before(engine http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := Of(r.Context()); p != nil {
			p.serve(w, r, engine)
			return
		}
		engine.ServeHTTP(w, r)
	})
}

func (p *Plan) serve(w http.ResponseWriter, r *http.Request, engine http.Handler) {
	if f := p.strike(faultLatency); f != nil && !pause(r, f.duration) {
		panic(http.ErrAbortHandler)
	}
	switch {
	case p.strike(faultBefore) != nil:
		reset(w)
	case p.strike(faultAfter) != nil:
		engine.ServeHTTP(edge.NewRecorder(), r)
		reset(w)
	case p.strike(faultText429) != nil:
		h := w.Header()
		edge.Headers(h)
		text := "429 Too Many Requests " + r.URL.EscapedPath()
		h.Set("Content-Type", "text/plain; charset=UTF-8")
		h.Set("Content-Length", strconv.Itoa(len(text)))
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, text) //nolint:gosec // the Content-Type is plain text
	case p.strike(fault429) != nil:
		writeEngineError(w, r, http.StatusTooManyRequests, "es_rejected_execution_exception",
			"rejected execution of coordinating operation: queue capacity reached")
	case p.strike(fault503) != nil:
		writeEngineError(w, r, http.StatusServiceUnavailable, "cluster_block_exception",
			"blocked by: [SERVICE_UNAVAILABLE/2/no master];")
	default:
		if rules := p.bulkRules(); len(rules) > 0 {
			if call, ok := bulkOf(r); ok {
				p.serveBulk(w, r, engine, call, rules)
				return
			}
		}
		engine.ServeHTTP(w, r)
	}
}

// pause waits and reports whether the client is still there.
func pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// reset drops the connection with a TCP reset. A stream of HTTP/2 is broken off instead.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = t.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// engineError is an error in the engine's own shape.
type engineError struct {
	Error struct {
		RootCause []cause `json:"root_cause"`
		cause
	} `json:"error"`
	Status int `json:"status"`
}

type cause struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

func writeEngineError(w http.ResponseWriter, r *http.Request, status int, kind, reason string) {
	var e engineError
	e.Error.cause = cause{kind, reason}
	e.Error.RootCause = []cause{{kind, reason}}
	e.Status = status
	edge.Write(w, r, edge.Answer{Status: status, Body: edge.Marshal(e)})
}

const textConflict = "version conflict, document already exists (current version [1])"

// itemErrors are the engine's errors of refused items, by status.
func itemErrors() map[int]cause {
	return map[int]cause{
		http.StatusBadRequest:          {"mapper_parsing_exception", "failed to parse"},
		http.StatusForbidden:           {"cluster_block_exception", "index blocked by: [FORBIDDEN/8/index write (api)];"},
		http.StatusNotFound:            {"index_not_found_exception", "no such index"},
		http.StatusConflict:            {"version_conflict_engine_exception", textConflict},
		http.StatusTooManyRequests:     {"es_rejected_execution_exception", "rejected execution of primary operation"},
		http.StatusInternalServerError: {"exception", "injected fault"},
		http.StatusServiceUnavailable:  {"unavailable_shards_exception", "primary shard is not active"},
	}
}

// bulkCall is what has to be known of a _bulk call to write the answers of some of its items.
type bulkCall struct {
	index  string // of the URL
	filter bulkFilter
}

// bulkOf returns the _bulk call that a request is. It reports false for another request, and for a call whose answer
// does not have every item.
func bulkOf(r *http.Request) (b bulkCall, ok bool) {
	path, query, _ := strings.Cut(r.RequestURI, "?")
	segments := strings.Split(strings.Trim(path, "/"), "/")
	if last, err := url.PathUnescape(segments[len(segments)-1]); err != nil || last != "_bulk" {
		return b, false
	}
	if len(segments) > 1 {
		b.index, _ = url.PathUnescape(segments[0]) // the gate has read it
	}
	b.filter, ok = parseBulkFilter(query)
	return b, ok
}

// bulkFilter is the filter_path of a _bulk call: the fields of the answer and of its items that are wanted. Nil means
// all.
type bulkFilter map[string]bool

// parseBulkFilter reports false for a filter that may leave out whole items, or names parts of fields.
func parseBulkFilter(query string) (f bulkFilter, ok bool) {
	values, err := url.ParseQuery(query)
	if err != nil || !values.Has("filter_path") {
		return nil, err == nil
	}
	f = bulkFilter{}
	whole := false
	for path := range strings.SplitSeq(strings.Join(values["filter_path"], ","), ",") {
		field, ofItem := strings.CutPrefix(path, "items.*.")
		if strings.ContainsAny(field, ".*-") {
			return nil, false
		}
		if ofItem {
			field = "items." + field
		}
		f[field] = true
		whole = whole || field == "items._id" || field == "items.status"
	}
	return f, whole
}

func (f bulkFilter) has(field string) bool { return f == nil || f[field] }

// failure returns the item of the answer for an operation that is refused.
func (b *bulkCall) failure(item edge.BulkItem, status int) json.RawMessage {
	var f itemFailure
	if b.filter.has("items._index") {
		f.Index = cmp.Or(item.Index, b.index)
	}
	if b.filter.has("items._id") {
		f.ID = item.ID
	}
	if b.filter.has("items.status") {
		f.Status = status
	}
	if b.filter.has("items.error") {
		why := itemErrors()[status]
		f.Error = &why
	}
	return edge.Marshal(map[string]itemFailure{item.Op: f})
}

// itemFailure is one refused item in the answer to a _bulk call.
type itemFailure struct {
	Index  string `json:"_index,omitempty"`
	ID     string `json:"_id,omitempty"`
	Status int    `json:"status,omitempty"`
	Error  *cause `json:"error,omitempty"`
}

// maxRewritten bounds a _bulk body from which items are removed. It is kept in memory.
const maxRewritten = 100 << 20

var errRewritten = errors.New("the body has more than 100 MiB")

// serveBulk removes the struck items from the body, so that they are not stored, and puts their errors into the
// backend's answer at their places. Items that are to conflict stay in the body, so that their document exists as the
// error says.
func (p *Plan) serveBulk(w http.ResponseWriter, r *http.Request, engine http.Handler, call bulkCall, rules []fault) {
	var rest bytes.Buffer
	var struck []strike // by position
	passed := 0
	plain, err := edge.DecodedBody(r.Header, r.Body)
	if err == nil {
		plain = &edge.BoundedReader{R: plain, Left: maxRewritten, Err: errRewritten}
		for item, ierr := range edge.BulkItems(plain, edge.WithSources) {
			if err = ierr; err != nil {
				break
			}
			var s strike
			if status := p.item(rules, item); status != 0 {
				s = strike{failure: call.failure(item, status), late: status == http.StatusConflict}
			}
			struck = append(struck, s)
			if s.failure != nil && !s.late {
				continue
			}
			passed++
			rest.Write(item.Action)
			rest.Write(item.Source)
		}
	}
	if err != nil {
		writeEngineError(w, r, http.StatusBadRequest, "illegal_argument_exception",
			"fault injection needs a well-formed _bulk body: "+err.Error())
		return
	}
	var items []json.RawMessage
	out := bulkAnswer{}
	if passed > 0 {
		rec := edge.NewRecorder()
		engine.ServeHTTP(rec, withBody(r, rest.Bytes()))
		if rec.Code() != http.StatusOK || json.Unmarshal(rec.Body.Bytes(), &out) != nil || len(out.Items) != passed {
			rec.CopyTo(w)
			return
		}
		maps.Copy(w.Header(), rec.Header())
	}
	if passed == 0 && call.filter.has("took") {
		out.Took = new(int64)
	}
	if passed == 0 && call.filter.has("errors") {
		out.Errors = new(bool)
	}
	next := 0
	for _, s := range struck {
		item := s.failure
		if item == nil || s.late {
			own := out.Items[next]
			next++
			if item == nil || isFailure(own) {
				items = append(items, own)
				continue
			}
		}
		if out.Errors != nil {
			*out.Errors = true
		}
		items = append(items, item)
	}
	out.Items = items
	body := edge.Marshal(out)
	edge.Headers(w.Header())
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body)
}

// strike is the fault of one item. The item is not struck when failure is nil.
type strike struct {
	failure json.RawMessage
	late    bool // the engine carries the item out first, and its own failure wins
}

// isFailure reports whether an item of the backend's answer says that nothing was stored.
func isFailure(item json.RawMessage) bool {
	var ops map[string]struct {
		Status int             `json:"status"`
		Error  json.RawMessage `json:"error"`
	}
	if json.Unmarshal(item, &ops) != nil {
		return true
	}
	for _, op := range ops {
		if op.Status >= http.StatusMultipleChoices || op.Error != nil {
			return true
		}
	}
	return false
}

type bulkAnswer struct {
	Took   *int64            `json:"took,omitempty"`
	Errors *bool             `json:"errors,omitempty"`
	Items  []json.RawMessage `json:"items"`
}

// withBody is r with another, uncompressed body, and asks for an uncompressed answer.
func withBody(r *http.Request, data []byte) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Del("Content-Encoding")
	r.Header.Del("Accept-Encoding")
	r.Header.Del("Content-Length")
	r.ContentLength = int64(len(data))
	r.Body = io.NopCloser(bytes.NewReader(data))
	r.GetBody = nil
	return r
}
