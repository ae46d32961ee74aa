package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zeebo/xxh3"
)

// received is what the sink counted since it was last reset.
type received struct {
	Requests  int64 `json:"requests"`
	Documents int64 `json:"documents"`
	// BodyBytes are request bytes after, WireBytes before decompression.
	BodyBytes int64 `json:"body_bytes"`
	WireBytes int64 `json:"wire_bytes"`
	// Unsigned requests carry no Signature Version 4; Malformed ones are no _bulk bodies, or hold a document that is
	// not a JSON object (looked at in the strict pass only).
	Unsigned  int64 `json:"unsigned"`
	Malformed int64 `json:"malformed"`
	// Unique is the number of different ids, and Sum stands for the documents in any order; of the strict pass only.
	Unique int64  `json:"unique"`
	Sum    uint64 `json:"sum"`
}

// sink stands where the domain would be. It answers _bulk requests as a domain does and counts every document.
type sink struct {
	delay time.Duration

	mu     sync.Mutex
	got    received
	strict bool
	ids    map[string]struct{}

	buffers sync.Pool // of *bytes.Buffer
}

func newSink(delay time.Duration) *sink {
	return &sink{
		delay: delay, ids: map[string]struct{}{}, buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
	}
}

// serveSink runs a sink in this process, prints its address and stays. It serves HTTPS when there is a file to write
// its certificate to.
func serveSink(out io.Writer, delay time.Duration, caFile string) error {
	server := httptest.NewUnstartedServer(newSink(delay))
	if caFile == "" {
		server.Start()
	} else {
		server.StartTLS()
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		if err := os.WriteFile(caFile, text, 0o600); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "listening on %s\n", server.URL)
	select {}
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == "/-/reset":
		s.mu.Lock()
		s.got, s.strict = received{}, r.URL.Query().Get("strict") == "true"
		clear(s.ids)
		s.mu.Unlock()
	case r.URL.Path == "/-/received":
		s.mu.Lock()
		got := s.got
		s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(got)
	case strings.HasSuffix(r.URL.Path, "/_bulk"):
		s.bulk(w, r)
	case r.URL.Path == "/":
		_, _ = io.WriteString(w,
			`{"name":"sink","cluster_name":"sink","version":{"distribution":"opensearch","number":"2.19.1"},`+
				`"tagline":"The OpenSearch Project: https://opensearch.org/"}`)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":"this is a benchmark's sink","status":404}`)
	}
}

func (s *sink) bulk(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	body, answer := s.buffers.Get().(*bytes.Buffer), s.buffers.Get().(*bytes.Buffer)
	defer s.buffers.Put(body)
	defer s.buffers.Put(answer)
	body.Reset()
	answer.Reset()
	wire := &countingReader{r: r.Body}
	var plain io.Reader = wire
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(wire)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		plain = z
	} else if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := body.ReadFrom(plain); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	strict := s.strict
	s.mu.Unlock()
	index := strings.Trim(strings.TrimSuffix(r.URL.Path, "/_bulk"), "/")
	got, ids, err := readBulk(body.Bytes(), answer, newFilter(r.URL.Query().Get("filter_path")), index, strict)
	if err != nil {
		got.Malformed++
	}
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=") {
		got.Unsigned++
	}
	s.add(got, int64(body.Len()), wire.n, ids)
	if s.delay > 0 {
		select {
		case <-time.After(s.delay - time.Since(arrived)):
		case <-r.Context().Done():
			return
		}
	}
	if err != nil {
		http.Error(w, `{"error":{"type":"illegal_argument_exception","reason":`+strconv.Quote(err.Error())+`},"status":400}`,
			http.StatusBadRequest)
		return
	}
	_, _ = w.Write(answer.Bytes())
}

func (s *sink) add(got received, bodyBytes, wireBytes int64, ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.Requests++
	s.got.Documents += got.Documents
	s.got.Malformed += got.Malformed
	s.got.Unsigned += got.Unsigned
	s.got.Sum += got.Sum
	s.got.BodyBytes += bodyBytes
	s.got.WireBytes += wireBytes
	for _, id := range ids {
		s.ids[id] = struct{}{}
	}
	s.got.Unique = int64(len(s.ids))
}

// action is the line before a document.
type action struct {
	index, id []byte
	create    bool
}

// readBulk counts the documents of a body and writes the answer of a domain that took them all. Only a strict reading
// looks into the documents and collects the ids.
func readBulk(body []byte, answer *bytes.Buffer, f filter, index string, strict bool) (received, []string, error) {
	var (
		got received
		ids []string
	)
	answer.WriteByte('{')
	if f.took {
		answer.WriteString(`"took":30,`)
	}
	answer.WriteString(`"errors":false`)
	separator := `,"items":[`
	for len(body) > 0 {
		line, rest, ended := bytes.Cut(body, []byte("\n"))
		document, rest, documentEnded := bytes.Cut(rest, []byte("\n"))
		if !ended || !documentEnded {
			return got, ids, errors.New("the bulk request must be terminated by a newline")
		}
		a, err := readAction(line, strict)
		if err != nil {
			return got, ids, err
		}
		if len(document) < 2 || document[0] != '{' || document[len(document)-1] != '}' || strict && !json.Valid(document) {
			return got, ids, fmt.Errorf("not a JSON object: %.100q", document)
		}
		if len(a.index) == 0 {
			a.index = []byte(index)
		}
		if strict {
			ids = append(ids, string(a.index)+"/"+string(a.id))
			got.Sum += xxh3.Hash(append(append(a.index, '/'), document...))
		}
		if f.items() {
			answer.WriteString(separator)
			separator = ","
			f.item(answer, a, got.Documents)
		}
		got.Documents++
		body = rest
	}
	if separator == "," {
		answer.WriteByte(']')
	}
	answer.WriteByte('}')
	return got, ids, nil
}

// readAction reads an action line, strictly as JSON or by looking for the id: a sink that takes more of the processor
// than it must slows down what is measured beside it.
func readAction(line []byte, strict bool) (action, error) {
	a := action{create: bytes.HasPrefix(line, []byte(`{"create"`))}
	if !a.create && !bytes.HasPrefix(line, []byte(`{"index"`)) {
		return a, fmt.Errorf("malformed action line: %.100q", line)
	}
	if !strict {
		a.id, a.index = member(line, `"_id":"`), member(line, `"_index":"`)
		return a, nil
	}
	var all map[string]struct {
		Index string `json:"_index"`
		ID    string `json:"_id"`
	}
	if err := json.Unmarshal(line, &all); err != nil || len(all) != 1 {
		return a, fmt.Errorf("malformed action line: %.100q: %w", line, err)
	}
	for _, one := range all {
		a.index, a.id = []byte(one.Index), []byte(one.ID)
	}
	return a, nil
}

func member(line []byte, name string) []byte {
	_, rest, ok := bytes.Cut(line, []byte(name))
	if !ok {
		return nil
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return value
}

// filter is what filter_path leaves of an answer, as far as an answer without errors goes.
type filter struct{ took, all, index, id, status bool }

// items reports whether anything is left of the items.
func (f filter) items() bool { return f.all || f.index || f.id || f.status }

func newFilter(path string) filter {
	if path == "" {
		return filter{took: true, all: true}
	}
	var f filter
	for part := range strings.SplitSeq(path, ",") {
		switch part {
		case "took":
			f.took = true
		case "items", "items.*":
			f.all = true
		case "items.*._index":
			f.index = true
		case "items.*._id":
			f.id = true
		case "items.*.status":
			f.status = true
		}
	}
	return f
}

// item writes the answer for one document. Without a filter it is as long as a real one.
func (f filter) item(b *bytes.Buffer, a action, n int64) {
	separator := `{"index":{`
	if a.create {
		separator = `{"create":{`
	}
	member := func(name string) {
		b.WriteString(separator)
		b.WriteString(name)
		separator = ","
	}
	if f.index || f.all {
		member(`"_index":"`)
		b.Write(a.index)
		b.WriteByte('"')
	}
	if f.id || f.all {
		member(`"_id":"`)
		b.Write(a.id)
		b.WriteByte('"')
	}
	if f.all {
		member(`"_version":1,"result":"created","_shards":{"total":2,"successful":1,"failed":0},"_seq_no":`)
		b.WriteString(strconv.FormatInt(n, 10))
		b.WriteString(`,"_primary_term":1`)
	}
	if f.status || f.all {
		member(`"status":201`)
	}
	b.WriteString("}}")
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
