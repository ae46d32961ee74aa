package shape

import (
	"time"

	"github.com/seed56735111/penstock"
)

// Namer names the indexes of documents that were made before, as dead letters hold them. It is for one goroutine.
type Namer struct {
	pattern *Pattern
	formats map[string]*names
}

// Namer returns a Namer for the pattern.
func (p *Pattern) Namer() *Namer { return &Namer{pattern: p, formats: map[string]*names{}} }

// Name returns the index of a document that was made of a record of a format. The document's "@timestamp" is its time;
// a document without one in RFC 3339 has none.
func (n *Namer) Name(format string, document []byte) (string, error) {
	of, ok := n.formats[format]
	if !ok {
		of = n.pattern.names(format)
		n.formats[format] = of
	}
	var at time.Time
	if text, ok := lookup(document, penstock.NameTime); ok {
		at, _ = time.Parse(time.RFC3339Nano, string(text)) // zero when it is something else
	}
	return of.name(&penstock.Record{JSON: document}, at, isDated(document, at))
}

// isDated reports whether the time of a document chose its index, or would have.
func isDated(document []byte, at time.Time) bool {
	from, ok := lookup(document, "penstock.time_from")
	file, isFile := lookup(document, "penstock.file")
	if !ok || !isFile {
		return true
	}
	if entry, ok := lookup(document, "penstock.entry"); ok {
		if t, ok := dateInName(string(entry)); ok && t.Equal(at) {
			return true
		}
	}
	return string(from) == fromName && isOwnDate(string(file), at)
}
