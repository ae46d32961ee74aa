// Package redact finds what looks like a secret in texts and replaces it: payment cards, keys, tokens, addresses of
// mail and of machines. It reads texts as programs write them, also escaped for JSON or for URLs, one in the other.
package redact

import (
	"slices"
	"sync"
)

// Kind is a kind of secret.
type Kind string

// The kinds, by what tells them. A text has no letter or digit directly before or behind what is found.
const (
	// Card: 13 to 19 digits that begin as a payment card's, in a length of that brand, with a valid check digit (ISO/IEC
	// 7812), in one piece or in the groups of a card. What a label such as "order" stands before is none.
	Card Kind = "card"
	// IBAN: an international bank account number in the length of its country, with valid check digits (ISO 13616).
	IBAN Kind = "iban"
	// Mail: an address with a domain of at least two labels.
	Mail Kind = "mail"
	// IP: an IPv4 or IPv6 address. What follows the name of a product and a slash is a version.
	IP Kind = "ip"
	// Phone: a number with + and 8 to 15 digits, or one of North America as 212-555-0123 or (212) 555-0123.
	Phone Kind = "phone"
	// AWSKey: the id of an AWS access key.
	AWSKey Kind = "aws_key"
	// AWSSecret: 40 characters near the id of an access key, or behind the word "secret".
	AWSSecret Kind = "aws_secret"
	// SessionToken: an AWS session token, by its beginning or behind its name.
	SessionToken Kind = "session_token"
	// JWT: a JSON Web Token, signed or encrypted.
	JWT Kind = "jwt"
	// Bearer: what follows the word "Bearer" and is no word.
	Bearer Kind = "bearer"
	// PrivateKey: a block of PEM with a private key, also without its end or its beginning.
	PrivateKey Kind = "private_key"
	// URLPassword: the password in scheme://user:password@host.
	URLPassword Kind = "url_password"
	// GitHubToken: a token of GitHub, by its beginning.
	GitHubToken Kind = "github_token"
	// SlackToken: a token of Slack, by its beginning, and the secret part of a webhook's URL.
	SlackToken Kind = "slack_token"
)

var kinds = []Kind{
	Card, IBAN, Mail, IP, Phone, AWSKey, AWSSecret, SessionToken, JWT, Bearer, PrivateKey, URLPassword, GitHubToken,
	SlackToken,
}

// Kinds lists all kinds.
func Kinds() []Kind { return slices.Clone(kinds) }

// Set is a set of kinds.
type Set struct{ set set }

// Has reports whether one of the kinds is in the set.
func (s Set) Has(of ...Kind) bool {
	return slices.ContainsFunc(of, func(k Kind) bool { return s.set&(1<<max(0, slices.Index(kinds, k))) != 0 })
}

// Detector finds secrets of some kinds. It may be used by several goroutines at once.
type Detector struct {
	set     set
	anchors [256]anchor
}

// New returns a detector of the kinds, and of all when there are none. Kinds that are not in [Kinds] find nothing.
func New(of []Kind) *Detector {
	d := &Detector{}
	if len(of) == 0 {
		of = kinds
	}
	for _, k := range of {
		if i := slices.Index(kinds, k); i >= 0 {
			d.set |= 1 << i
		}
	}
	d.anchors = anchorsOf(d.set)
	return d
}

// Append appends text with what was found in it replaced, and returns how many secrets that were. The text is the
// inside of a JSON string, and is one afterwards, or any bytes. Nothing is kept of it.
func (d *Detector) Append(dst, text []byte, w With) (out []byte, hits int) {
	s := newScratch()
	defer s.free()
	found := d.find(s, text)
	at := 0
	for _, f := range found {
		dst = append(dst, text[at:f.start]...)
		dst = w.appendHit(dst, f.of, s.text(f))
		at = f.end
	}
	return append(dst, text[at:]...), len(found)
}

// Finds reports whether there is something in text that Append would replace.
func (d *Detector) Finds(text []byte) bool {
	s := newScratch()
	defer s.free()
	return len(d.find(s, text)) > 0
}

// Count counts what is found in text by kind.
func (d *Detector) Count(text []byte) map[Kind]int {
	s := newScratch()
	defer s.free()
	var n map[Kind]int
	for _, f := range d.find(s, text) {
		if n == nil {
			n = map[Kind]int{}
		}
		n[f.kind()]++
	}
	return n
}

// hit is a secret in a text.
type hit struct {
	start, end   int // in the text
	of           int // in kinds
	view         int // the view in which it was found
	first, after int // in the view
}

func (h hit) kind() Kind { return kinds[h.of] }

// scratch is what one search needs.
type scratch struct {
	views [maxViews]view
	hits  []hit
	path  []byte
	seen  []bool // of texts that are known
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// newScratch returns an empty one, to be freed.
func newScratch() *scratch {
	return scratches.Get().(*scratch) //nolint:forcetypeassert // the pool has nothing else
}

// maxKept is the most bytes of a view that are kept for the next search.
const maxKept = 256 << 10

func (s *scratch) free() {
	for i := range s.views {
		v := &s.views[i]
		v.plain = nil // not ours
		if cap(v.bytes) > maxKept {
			*v = view{}
		}
	}
	if cap(s.hits) > 1024 {
		s.hits = nil
	}
	s.hits = s.hits[:0]
	scratches.Put(s)
}

// text returns what a hit stands for, without the escapes around it.
func (s *scratch) text(h hit) []byte { return s.views[h.view].text()[h.first:h.after] }

// find returns the secrets in a text in their order; none overlaps another.
func (d *Detector) find(s *scratch, text []byte) []hit {
	s.hits = s.hits[:0]
	s.view(0).plain = text
	for level := 0; ; level++ {
		v := &s.views[level]
		before := len(s.hits)
		escaped := d.scan(s, v.text())
		v.place(s.hits[before:], level, escaped)
		if !escaped || level == maxViews-1 {
			break
		}
		next := s.view(level + 1)
		if !next.decode(v) {
			break
		}
	}
	s.hits = merge(s.hits)
	return s.hits
}

// view returns the view of a level, empty.
func (s *scratch) view(level int) *view {
	v := &s.views[level]
	v.bytes, v.from, v.plain = v.bytes[:0], v.from[:0], nil
	return v
}

// merge brings hits into order. Of those that overlap the largest stands for all, and of equal ones that without
// escapes, so that a hash does not depend on how a secret was written.
func merge(hits []hit) []hit {
	if len(hits) < 2 {
		return hits
	}
	slices.SortFunc(hits, func(a, b hit) int { return a.start - b.start })
	out := hits[:1]
	for _, h := range hits[1:] {
		last := &out[len(out)-1]
		if h.start >= last.end {
			out = append(out, h)
			continue
		}
		start, end := last.start, max(last.end, h.end)
		if h.end-h.start >= last.end-last.start && (h.end-h.start > last.end-last.start || h.view > last.view) {
			*last = h
		}
		last.start, last.end = start, end
	}
	return out
}
