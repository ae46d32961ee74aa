package shape

import (
	"time"

	"github.com/seed56735111/penstock"
)

// Namer names the indexes of documents that were made before, as dead letters hold them. It is for one goroutine.
type Namer struct {
	pattern *Pattern
	known   map[source]*names
}

// source is what names of an index depend on beside the document.
type source struct {
	Origin
	format string
}

// Namer returns a Namer for the pattern.
func (p *Pattern) Namer() *Namer { return &Namer{pattern: p, known: map[source]*names{}} }

// OriginOfDocument returns where the record of a document is from that was made before.
func OriginOfDocument(from penstock.Place, document []byte) Origin {
	o := OriginOf(nil, penstock.Identity{Bucket: from.Bucket, Key: from.Key})
	if group, ok := lookup(document, "@log_group"); ok {
		o.LogGroup = string(group)
	}
	if owner, ok := lookup(document, "@owner"); ok {
		o.Account = string(owner)
	}
	return o
}

// Name returns the index of a document that was made of a record from somewhere. The document's "@timestamp" is its
// time; a document without one in RFC 3339 has none.
func (n *Namer) Name(from penstock.Place, document []byte) (string, error) {
	key := source{format: from.Format}
	if n.pattern.origin {
		key.Origin = OriginOfDocument(from, document)
	}
	of, ok := n.known[key]
	if !ok {
		if len(n.known) >= maxKnown {
			clear(n.known)
		}
		of = n.pattern.from(key.Origin).names(from.Format)
		n.known[key] = of
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
