package format

import (
	"bytes"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/internal/quote"
)

// opensearchBulk is the body of a _bulk request of OpenSearch and Elasticsearch, as it lies in files. What it asks for
// is not done: the action, the index and the id are fields.
func opensearchBulk() schema {
	return schema{
		name: "opensearch-bulk",
		told: "a line such as {\"index\":{\"_index\":…}} before each document",
		about: "bodies of _bulk requests: each document is read as what it fits; action, _index and _id are fields, " +
			"below bulk; deletes have no document and are dropped",
		grammar: bulkBody{},
	}
}

// bulkBody is the grammar of such bodies.
type bulkBody struct{}

// bulkActions are the names that the only member of an action may have.
var bulkActions = [...]string{"index", "create", "update", "delete"}

// bulkMeta are the names that an action may have below that.
var bulkMeta = map[string]bool{
	"_index": true, "_type": true, "_id": true, "_routing": true, "_version": true, "_version_type": true,
	"_parent": true, "_retry_on_conflict": true, "_source": true, "routing": true, "version": true,
	"version_type": true, "parent": true, "retry_on_conflict": true, "if_seq_no": true, "if_primary_term": true,
	"pipeline": true, "require_alias": true, "require_data_stream": true, "list_executed_pipelines": true,
	"dynamic_templates": true,
}

// Starts returns the bytes with which a body begins.
func (bulkBody) Starts() lines.Bytes { return lines.Of("{") }

// Told looks for an action in the first line, and for what it needs in the second one.
func (bulkBody) Told(r *entry.Reader) bool {
	first := r.Lines(2)
	if len(first) == 0 {
		return false
	}
	name, meta := actionOf(first[0])
	if name == "delete" {
		return len(meta) > len("{}") && (len(first) == 1 || bytes.HasPrefix(first[1], []byte(`{"`)))
	}
	if name == "" || len(first) < 2 || len(first[1]) == 0 || first[1][0] != '{' {
		return false
	}
	again, _ := actionOf(first[1])
	return again == ""
}

// actionOf returns what an action asks for, and with what; an empty name for a line that is none. The line may have any
// bytes in it.
func actionOf(line []byte) (name string, meta []byte) {
	line = bytes.TrimSpace(line)
	if len(line) < len(`{"index":{}}`) || len(line) > maxAction || line[len(line)-1] != '}' {
		return "", nil
	}
	i := quote.Space(line, 1)
	for _, name := range bulkActions {
		if i+len(name)+2 >= len(line) || line[i] != '"' || line[i+len(name)+1] != '"' ||
			string(line[i+1:i+len(name)+1]) != name {
			continue
		}
		at := quote.Space(line, i+len(name)+2)
		if at >= len(line) || line[at] != ':' {
			return "", nil
		}
		if at = quote.Space(line, at+1); at >= len(line) || line[at] != '{' {
			return "", nil
		}
		end, ok := quote.ValueEnd(line, at)
		if !ok || quote.Space(line, end) != len(line)-1 || !isMeta(line[at:end]) {
			return "", nil
		}
		return name, line[at:end]
	}
	return "", nil
}

// maxAction is how long the line of an action may be.
const maxAction = 16 << 10

// isMeta reports whether an object has no names but those of actions.
func isMeta(b []byte) bool {
	i := quote.Space(b, 1)
	for i < len(b) && b[i] == '"' {
		end, ok := quote.StringEnd(b, i)
		if !ok || !bulkMeta[string(b[i+1:end-1])] {
			return false
		}
		if i = quote.Space(b, end); i >= len(b) || b[i] != ':' {
			return false
		}
		if i, ok = quote.ValueEnd(b, quote.Space(b, i+1)); !ok {
			return false
		}
		if i = quote.Space(b, i); i < len(b) && b[i] == ',' {
			i = quote.Space(b, i+1)
		}
	}
	return i == len(b)-1 && b[i] == '}'
}

// Documented returns the fields of the action.
func (bulkBody) Documented() []entry.Field {
	return []entry.Field{
		{Name: "bulk.action", Type: entry.Keyword},
		{Name: "bulk._index", Type: entry.Keyword},
		{Name: "bulk._id", Type: entry.Keyword},
	}
}

// bulkReaders is the key under which the reader is kept with an entry's buffers.
type bulkReaders struct{}

// bulkReader reads the events of a body: each is an action, and the document behind it.
type bulkReader struct {
	*entry.Reader
	objects     events.Objects
	waits       bool // the line before is an action that has no document yet
	padded, doc []byte
}

// Read reads an entry to its end.
func (bulkBody) Read(r *entry.Reader, y entry.Yield) {
	s := entry.State(r, bulkReaders{}, func() *bulkReader { return &bulkReader{} })
	s.Reader, s.objects, s.waits = r, events.NewObjects(r), false
	r.EachEvent(y, s.begins, nil, func(raw []byte, offset int64) bool { return s.event(raw, offset, y) })
	if cap(s.padded)+cap(s.doc) > mostKept {
		s.padded, s.doc = nil, nil
	}
}

// begins reports whether a line begins an event. It is asked about all lines in their order.
func (s *bulkReader) begins(line []byte) bool {
	if len(bytes.TrimSpace(line)) == 0 {
		return !s.waits
	}
	name, _ := actionOf(line)
	waited := s.waits
	s.waits = name != "" && name != "delete"
	return !waited || name != ""
}

var emptyObject = []byte("{}")

// event hands over an action with its document, or what stands alone.
func (s *bulkReader) event(raw []byte, offset int64, y entry.Yield) bool {
	line, source, _ := bytes.Cut(raw, []byte{'\n'})
	line, source = bytes.TrimSpace(line), bytes.TrimSpace(source)
	action, ok := s.objects.Record(line, offset)
	name, meta := "", []byte(nil)
	if ok {
		name, meta = actionOf(action.JSON)
	}
	rec := penstock.Record{Offset: offset, Raw: raw}
	inner := penstock.Record{JSON: emptyObject}
	switch {
	case name == "" && len(source) == 0:
		return s.EmitProse(offset, raw, y) // a document without an action
	case name == "delete" && len(source) == 0:
		rec.Left = true
	case name != "" && name != "delete" && len(source) > 0 && source[0] == '{':
		inner, ok = s.Message(s.stored(name, source))
	default:
		ok = false
	}
	if !ok {
		s.doc = quote.AppendLines(append(s.doc[:0], `{"message":"`...), raw)
		rec.JSON = append(s.doc, `","parse_error":"not a _bulk request: an action without its document"}`...)
		rec.Unparsed = true
		s.doc = rec.JSON
		return s.Emit(rec, y)
	}
	rec.Time, rec.Top, rec.Repaired = inner.Time, inner.Top, inner.Repaired
	rec.JSON = s.write(name, meta, inner.JSON)
	return s.Emit(rec, y)
}

// stored returns what a source stores: an update may have a part of a document in it.
func (s *bulkReader) stored(action string, source []byte) []byte {
	if action != "update" {
		return source
	}
	s.padded = events.Padded(s.padded[:0], source)
	if inner, ok := quote.ValueEnd(source, 0); !ok || inner != len(source) {
		return source
	}
	if part := events.Member(s.padded, "doc"); len(part) > 0 && part[0] == '{' {
		return part
	}
	return source
}

// write returns a document with the action before what it has.
func (s *bulkReader) write(action string, meta, document []byte) []byte {
	dst := append(s.doc[:0], `{"bulk`...)
	for bytes.Contains(document, dst[1:]) {
		dst = append(dst, '_')
	}
	dst = append(append(dst, `":{"action":"`...), action...)
	dst = append(dst, '"')
	if len(meta) > len("{}") {
		dst = append(append(dst, ','), meta[1:len(meta)-1]...)
	}
	dst = append(dst, '}')
	if len(document) > len("{}") {
		dst = append(dst, ',')
	}
	s.doc = append(dst, document[1:]...)
	return s.doc
}
