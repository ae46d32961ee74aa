package shape

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock"
)

// Origin is where an entry is from, as routes and index patterns ask for it. What is not known is empty.
type Origin struct {
	// Bucket and Key name an object in S3.
	Bucket, Key string
	// Account and Region are those that the key names, as AWS services write it, or those of the log events.
	Account, Region string
	// LogGroup is the log group of the log events.
	LogGroup string
}

// The attributes of an object of log events.
const (
	attrLogGroup = "log_group"
	attrOwner    = "owner"
)

// eventNames are the fields of log events in objects that say where each is from.
var eventNames = map[string]string{"log_group": "@log_group", "account": "@owner"}

// OriginOf returns the origin of an object. A nil object has no attributes.
func OriginOf(o *penstock.Object, id penstock.Identity) Origin {
	var from Origin
	if id.Bucket != "" {
		from.Bucket, from.Key = id.Bucket, id.Key
		from.Account, from.Region = ownerOf(id.Key)
	}
	if o != nil {
		from.LogGroup = o.Attr[attrLogGroup]
		if owner := o.Attr[attrOwner]; owner != "" {
			from.Account = owner
		}
	}
	return from
}

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,2}-[0-9]$`)
)

// ownerOf finds the account and the region in a key: behind AWSLogs and an organisation, in the key=value of
// partitions, or next to each other. Other figures of the length of an account are none.
func ownerOf(key string) (account, region string) {
	segments := strings.Split(key, "/")
	for i, s := range segments {
		name, value, partition := strings.Cut(s, "=")
		switch {
		case partition && accountPattern.MatchString(value) && strings.Contains(strings.ToLower(name), "account"):
			account = cmp.Or(account, value)
		case partition && regionPattern.MatchString(value) && strings.HasSuffix(strings.ToLower(name), "region"):
			region = cmp.Or(region, value)
		case accountPattern.MatchString(s) && isOwner(segments, i):
			account = cmp.Or(account, s)
		case regionPattern.MatchString(s):
			region = cmp.Or(region, s)
		}
	}
	return account, region
}

// isOwner reports whether a segment stands where services write the account.
func isOwner(segments []string, i int) bool {
	if i+1 < len(segments) && regionPattern.MatchString(segments[i+1]) {
		return true
	}
	behind := func(n int) bool { return n >= 0 && segments[n] == "AWSLogs" }
	return behind(i-1) || behind(i-2) && strings.HasPrefix(segments[i-1], "o-")
}

// Value returns what a placeholder stands for; ok is false when the name is none.
func (o *Origin) Value(name string) (value string, ok bool) {
	switch name {
	case "bucket":
		return o.Bucket, true
	case "prefix":
		slash := strings.LastIndexByte(o.Key, '/')
		return o.Key[:max(slash, 0)], true
	case "account":
		return o.Account, true
	case "region":
		return o.Region, true
	case "log_group":
		return strings.Trim(o.LogGroup, "/"), true
	}
	n, ok := segmentOf(name)
	if !ok {
		return "", false
	}
	if segments := strings.Split(o.Key, "/"); n < len(segments) {
		return segments[n], true
	}
	return "", true
}

// segmentOf reads key[N].
func segmentOf(name string) (n int, ok bool) {
	digits, ok := strings.CutPrefix(name, "key[")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, "]")
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n >= 0 && strconv.Itoa(n) == digits
}

// of returns the pattern for an entry of an object. The origin is looked for only when the pattern names it.
func (p *Pattern) of(o *penstock.Object, id penstock.Identity) *Pattern {
	if !p.origin {
		return p
	}
	return p.from(OriginOf(o, id))
}

// from returns the pattern for entries of an origin: what it stands for is literal then. A placeholder without a value
// is a field of the record, as one of another name would be.
func (p *Pattern) from(o Origin) *Pattern {
	if !p.origin {
		return p
	}
	of := &Pattern{text: p.text, parts: make([]part, len(p.parts))}
	copy(of.parts, p.parts)
	for i := range of.parts {
		q := &of.parts[i]
		if value, ok := o.Value(q.field.path); ok && value != "" {
			*q = part{literal: string(appendName(nil, []byte(value)))}
		}
	}
	return of
}

// Renamed returns a shaper that names the indexes of another one's documents.
func (p *Pattern) Renamed(inner penstock.Shaper) penstock.Shaper { return &renamed{inner, p} }

type renamed struct {
	penstock.Shaper
	pattern *Pattern
}

// Entry is part of penstock.Shaper.
func (s *renamed) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	inner, err := s.Shaper.Entry(o, id, entry, format)
	if err != nil {
		return nil, err
	}
	return &renamedEntry{inner, s.pattern.of(o, id).names(format)}, nil
}

type renamedEntry struct {
	penstock.EntryShaper
	index *names
}

// Shape is part of penstock.EntryShaper.
func (e *renamedEntry) Shape(r *penstock.Record) (penstock.Document, error) {
	doc, err := e.EntryShaper.Shape(r)
	if err != nil {
		return doc, err
	}
	if doc.Index, err = e.index.name(r, r.Time, true); err != nil {
		return doc, unnamed(r, doc, err)
	}
	return doc, nil
}

// EntryNamer names the indexes of the records of one entry by a pattern.
type EntryNamer struct {
	names    *names
	fallback fallback
}

// Entry returns what names the indexes of an entry's records, as a Shaper with the pattern does.
func (p *Pattern) Entry(o *penstock.Object, id penstock.Identity, entry, format string) *EntryNamer {
	return &EntryNamer{p.of(o, id).names(format), dateOf(id, entry)}
}

// Name returns the index of a record.
func (n *EntryNamer) Name(r *penstock.Record) (string, error) {
	at, dated := r.Time, true
	if !sound(at) {
		at, dated = n.fallback.at, n.fallback.dated || !sound(n.fallback.at)
	}
	return n.names.name(r, at, dated)
}
