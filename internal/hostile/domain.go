package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
)

// Domain is a domain that knows _bulk and keeps documents by index and id. The zero value is empty.
type Domain struct {
	// Answer answers in place of the domain, unless it returns false. It may call Bulk for a part of the work.
	Answer func(w http.ResponseWriter, r *BulkRequest) bool

	mu       sync.Mutex
	requests int
	docs     map[string]string
}

// BulkRequest is a _bulk request.
type BulkRequest struct {
	*http.Request
	// N counts the _bulk requests, from 1.
	N    int
	Body []byte
}

// Doc is one action of a _bulk request.
type Doc struct{ Action, Index, ID, Body string }

// Item is its outcome.
type Item struct {
	Doc
	Status       int
	Type, Reason string
}

// Calm ends all misbehaviour.
func (d *Domain) Calm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Answer = nil
}

// Docs returns the documents, by "index/id".
func (d *Domain) Docs() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.docs)
}

// ServeHTTP answers the banner and _bulk.
func (d *Domain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if !strings.HasSuffix(r.URL.Path, "/_bulk") {
		if r.URL.Path != "/" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w,
			`{"version":{"number":"2.19.1","distribution":"opensearch"},`+
				`"tagline":"The OpenSearch Project: https://opensearch.org/"}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	d.mu.Lock()
	d.requests++
	b := &BulkRequest{Request: r, N: d.requests, Body: body}
	answer := d.Answer
	d.mu.Unlock()
	if answer != nil && answer(w, b) {
		return
	}
	_, _ = io.WriteString(w, Items(d.Bulk(b)))
}

// Bulk carries a request out and returns the outcomes.
func (d *Domain) Bulk(r *BulkRequest) []Item {
	items := make([]Item, 0, 1000)
	for _, doc := range r.Docs() {
		items = append(items, d.Store(doc))
	}
	return items
}

// Store carries out one action.
func (d *Domain) Store(doc Doc) Item {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := doc.Index + "/" + doc.ID
	_, there := d.docs[name]
	if there && doc.Action == "create" {
		return Item{
			Doc: doc, Status: http.StatusConflict, Type: "version_conflict_engine_exception", Reason: "document already exists",
		}
	}
	if d.docs == nil {
		d.docs = map[string]string{}
	}
	d.docs[name] = doc.Body
	if there {
		return Item{Doc: doc, Status: http.StatusOK}
	}
	return Item{Doc: doc, Status: http.StatusCreated}
}

// Docs returns the actions of a request, which must be well-formed.
func (r *BulkRequest) Docs() []Doc {
	var docs []Doc
	lines := bufio.NewScanner(bytes.NewReader(r.Body))
	lines.Buffer(nil, len(r.Body)+1)
	inPath := strings.TrimSuffix(strings.Trim(r.URL.Path, "/"), "_bulk")
	for lines.Scan() {
		var action map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		if err := json.Unmarshal(lines.Bytes(), &action); err != nil || !lines.Scan() {
			panic(fmt.Sprintf("action line %q: %v", lines.Text(), err))
		}
		for name, a := range action {
			docs = append(docs, Doc{Action: name, Index: a.Index + strings.Trim(inPath, "/"), ID: a.ID, Body: lines.Text()})
		}
	}
	return docs
}

// Items writes an answer to a _bulk request.
func Items(items []Item) string {
	type failure struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
	}
	type outcome struct {
		Index  string   `json:"_index"`
		ID     string   `json:"_id"`
		Status int      `json:"status"`
		Result string   `json:"result,omitempty"`
		Error  *failure `json:"error,omitempty"`
	}
	answer := struct {
		Took   int                  `json:"took"`
		Errors bool                 `json:"errors"`
		Items  []map[string]outcome `json:"items"`
	}{Items: []map[string]outcome{}}
	for _, it := range items {
		o := outcome{
			Index: it.Index, ID: it.ID, Status: it.Status, Result: map[int]string{200: "updated", 201: "created"}[it.Status],
		}
		if it.Type != "" {
			answer.Errors, o.Error = true, &failure{it.Type, it.Reason}
		}
		answer.Items = append(answer.Items, map[string]outcome{it.Action: o})
	}
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err) // strings and numbers
	}
	return string(text)
}

// DataStream makes every index a data stream, which takes nothing but create.
func DataStream(d *Domain) func(http.ResponseWriter, *BulkRequest) bool {
	return func(w http.ResponseWriter, r *BulkRequest) bool {
		var items []Item
		for _, doc := range r.Docs() {
			if doc.Action == "create" {
				items = append(items, d.Store(doc))
				continue
			}
			items = append(items, Item{
				Doc: doc, Status: http.StatusBadRequest, Type: "illegal_argument_exception",
				Reason: "only write ops with an op_type of create are allowed in data streams",
			})
		}
		_, _ = io.WriteString(w, Items(items))
		return true
	}
}
