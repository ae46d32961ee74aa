package pipeline

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"golang.org/x/text/encoding"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/cloudwatch"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/internal/glob"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/shape"
)

// Route says what becomes of the entries that it takes: of several routes, the first that matches. What it leaves at
// zero is as [Read] says.
type Route struct {
	Name  string
	Match Match
	// Skip, when not empty, is why the entries are passed over.
	Skip string
	// Index, Format, TimeZone, TimeField, Binary and Fields are those of Read.
	Index, Format, TimeZone, TimeField, Binary, Fields string
	// Original is that of Read, when it is not nil.
	Original *bool
	// Encoding is that of Read.
	Encoding string
	// Drop are rules beside those of Read.
	Drop []string
	// Rules come behind the Always of Read.
	Rules []rules.Rule
	// Stream says that Index names a data stream.
	Stream bool
	// Target is the name of the domain that the documents go to, one of Options.Targets; empty is Options.Target.
	Target string
	// Action is ActionCreate, also when it is empty, or ActionIndex.
	Action string
	// Routing is what chooses the shard of a document, as [shape.ParseLine] reads it, and Pipeline the ingest pipeline of
	// the domain that it goes through. A document whose record lacks what Routing names has none.
	Routing, Pipeline string
	// Template are the formats whose fields the index template of the route has, or TemplateNone alone. Without them it is
	// Format, or what Match.Format names.
	Template []string
	// Retention is how long indexes of the route stay, such as 30d: see [Retentions]. A run never sets it.
	Retention string
}

// What becomes of documents whose id is there already.
const (
	ActionCreate = "create" // they are duplicates
	ActionIndex  = "index"  // they take the place of what is there
)

// TemplateNone says that a route has no index template.
const TemplateNone = "none"

// Match says which entries a route takes: those that have one of the patterns of each list. An empty list takes
// everything.
type Match struct {
	// Bucket and Key are those of an object in S3, File is the absolute path of a file.
	Bucket, Key, File []Pattern
	// LogGroup is that of log events, Account and Region are those that the key names, or the log events.
	LogGroup, Account, Region []Pattern
	// Format is what an entry was recognised as. A route with it sets no format.
	Format []Pattern
}

// isEmpty reports whether the match takes everything.
func (m *Match) isEmpty() bool {
	lists := [][]Pattern{m.Bucket, m.Key, m.File, m.LogGroup, m.Account, m.Region, m.Format}
	return !slices.ContainsFunc(lists, func(l []Pattern) bool { return len(l) > 0 })
}

// Pattern is one or the other: a Glob, where * stands for any text without a slash, ** for any text and ? for one
// character, or a Regex, of which a part of the text is enough.
type Pattern struct{ Glob, Regex string }

// Compile reads the pattern.
func (p Pattern) Compile() (*regexp.Regexp, error) {
	const longest = 1000
	switch {
	case p.Glob == "" && p.Regex == "":
		return nil, errors.New("the pattern is empty")
	case len(p.Glob)+len(p.Regex) > longest:
		return nil, fmt.Errorf("the pattern is longer than %d bytes", longest)
	case p.Regex == "":
		return glob.Path(p.Glob), nil
	}
	re, err := regexp.Compile(p.Regex)
	if err != nil {
		return nil, fmt.Errorf("the regular expression is wrong: %w", err)
	}
	return re, nil
}

// patterns are those of one list. None takes everything.
type patterns []*regexp.Regexp

func (p patterns) take(text string) bool {
	matches := func(re *regexp.Regexp) bool { return re.MatchString(text) }
	return len(p) == 0 || text != "" && slices.ContainsFunc(p, matches)
}

// RouteError says that a route cannot be as it is.
type RouteError struct {
	Route string
	Err   error
}

func (e *RouteError) Error() string { return fmt.Sprintf("route %q: %v", e.Route, e.Err) }
func (e *RouteError) Unwrap() error { return e.Err }

// matcher is a Match that is ready for entries.
type matcher struct{ bucket, key, file, logGroup, account, region, format patterns }

func (m *Match) compile() (*matcher, error) {
	out := new(matcher)
	for _, list := range []struct {
		from []Pattern
		to   *patterns
	}{
		{m.Bucket, &out.bucket},
		{m.Key, &out.key},
		{m.File, &out.file},
		{m.LogGroup, &out.logGroup},
		{m.Account, &out.account},
		{m.Region, &out.region},
		{m.Format, &out.format},
	} {
		for _, p := range list.from {
			re, err := p.Compile()
			if err != nil {
				return nil, err
			}
			*list.to = append(*list.to, re)
		}
	}
	return out, nil
}

// takes reports whether an entry of an origin matches, as far as that is known before it is recognised.
func (m *matcher) takes(from *shape.Origin, file string) bool {
	return m.bucket.take(from.Bucket) && m.key.take(from.Key) && m.file.take(file) && m.logGroup.take(from.LogGroup) &&
		m.account.take(from.Account) && m.region.take(from.Region)
}

// mayHoldEvents reports whether the entry may be a payload of log events for which the route is.
func (m *matcher) mayHoldEvents(from *shape.Origin, file string) bool {
	return len(m.logGroup) > 0 && m.bucket.take(from.Bucket) && m.key.take(from.Key) && m.file.take(file)
}

// stages read and shape the entries of a route.
type stages struct {
	penstock.Recognizer
	penstock.Shaper
	// charset is what text is in, nil for UTF-8, or when the decoder knows it.
	charset encoding.Encoding
}

// recode reads an entry as text in the encoding of the route, unless it has told its own.
func (s *stages) recode(e penstock.Entry, mayBe bool) penstock.Entry {
	if mayBe && s.charset != nil {
		e.Reader = decode.Recoded(e.Reader, s.charset)
	}
	return e
}

// routeStages are those of one route.
type routeStages struct {
	*Route
	*matcher
	stages
}

// routed chooses a route for each entry. It stands in front of the stages of all of them.
type routed struct {
	routes []routeStages
	rest   stages // without a route
}

var (
	_ penstock.Recognizer = (*routed)(nil)
	_ penstock.Shaper     = (*routed)(nil)
)

// Entry is part of penstock.Shaper: for entries that no route takes.
func (r *routed) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	return r.rest.Entry(o, id, entry, format)
}

// Recognize is part of penstock.Recognizer. A route that asks for the origin alone decides how the entry is recognised;
// before one that asks for the format the entry is recognised as without routes.
func (r *routed) Recognize(o *penstock.Object, id penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	from, file := shape.OriginOf(o, id), ""
	if id.IsFile() {
		file = id.Key
	}
	var may []*routeStages // in their order, the last one for certain
	byGroup := false
	for i := range r.routes {
		one := &r.routes[i]
		takes := one.takes(&from, file)
		events := !takes && from.LogGroup == "" && one.mayHoldEvents(&from, file)
		if !takes && !events {
			continue
		}
		byGroup = byGroup || events
		may = append(may, one)
		if takes && len(one.format) == 0 {
			break
		}
	}
	recode := decode.MayRecode(e)
	switch {
	case len(may) == 0:
		return r.rest.Recognize(o, id, r.rest.recode(e, recode))
	case len(may[0].format) == 0 && !byGroup:
		return may[0].recognize(o, id, may[0].recode(e, recode))
	}
	seen := &recording{r: e.Reader}
	plain := e
	plain.Reader = seen
	rec, err := r.rest.Recognize(o, id, r.rest.recode(plain, recode))
	if _, verdict := errors.AsType[*penstock.ObjectError](err); err != nil && !verdict {
		return rec, err
	}
	if rec.Format == cloudwatch.FormatPayloads && byGroup {
		seen.stop()
		rec.Shaper = &byLogGroup{routed: r}
		return rec, err
	}
	for _, one := range may {
		if !one.takes(&from, file) || !one.format.take(rec.Format) {
			continue
		}
		if one.Recognizer == r.rest.Recognizer && one.charset == r.rest.charset && one.Skip == "" {
			seen.stop()
			return one.mark(rec), err
		}
		e.Reader = seen.again()
		return one.recognize(o, id, one.recode(e, recode))
	}
	seen.stop()
	return rec, err
}

// recognize recognises an entry that is of the route.
func (r *routeStages) recognize(
	o *penstock.Object, id penstock.Identity, e penstock.Entry,
) (penstock.Recognized, error) {
	if r.Skip != "" {
		return penstock.Recognized{Route: r.Name, Skip: r.Skip}, nil
	}
	rec, err := r.Recognize(o, id, e)
	return r.mark(rec), err
}

// mark says that an entry is of the route.
func (r *routeStages) mark(rec penstock.Recognized) penstock.Recognized {
	rec.Route, rec.Target, rec.Shaper = r.Name, r.Target, r.Shaper
	return rec
}

// recording keeps what is read of an entry until it is known who reads it.
type recording struct {
	r    io.Reader
	kept []byte
	err  error // that came behind what is kept
	done bool
}

func (r *recording) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if !r.done {
		r.kept, r.err = append(r.kept, p[:n]...), err
	}
	return n, err
}

// stop lets go of what was kept.
func (r *recording) stop() { r.done, r.kept, r.err = true, nil, nil }

// again returns the entry from its first byte on.
func (r *recording) again() *replaying {
	r.done = true
	if errors.Is(r.err, penstock.ErrIdle) {
		r.err = nil
	}
	return &replaying{recording: r}
}

// replaying gives what a recording kept, and then the rest.
type replaying struct{ *recording }

func (r *replaying) Read(p []byte) (int, error) {
	switch {
	case len(r.kept) > 0:
		n := copy(p, r.kept)
		r.kept = r.kept[n:]
		return n, nil
	case r.err != nil:
		return 0, r.err
	}
	return r.r.Read(p)
}

// byLogGroup chooses a route for each log group of payloads in an object.
type byLogGroup struct{ *routed }

// Entry is part of penstock.Shaper.
func (s *byLogGroup) Entry(
	o *penstock.Object, id penstock.Identity, entry, format string,
) (penstock.EntryShaper, error) {
	e := &groupShaper{byLogGroup: s, object: o, id: id, entry: entry, format: format}
	if id.IsFile() {
		e.file = id.Key
	}
	e.shapers = make([]penstock.EntryShaper, len(s.routes)+1)
	return e, nil
}

// groupShaper has a shaper for each route that takes some of the log groups.
type groupShaper struct {
	*byLogGroup
	object              *penstock.Object
	id                  penstock.Identity
	entry, format, file string
	shapers             []penstock.EntryShaper // by the number of the route, the last one for none

	group, owner string // of the last record
	at           int    // its route
	chosen       bool
	skipped      penstock.RouteCounts
}

// RouteCounts is part of penstock.RouteCounter.
func (e *groupShaper) RouteCounts() []penstock.RouteCount {
	var all penstock.RouteCounts
	all.Add(e.skipped)
	for _, one := range e.shapers {
		if c, ok := one.(penstock.RouteCounter); ok {
			all.Add(c.RouteCounts())
		}
	}
	return all
}

// Shape is part of penstock.EntryShaper.
func (e *groupShaper) Shape(r *penstock.Record) (penstock.Document, error) {
	if r.More {
		return e.shapers[e.at].Shape(r)
	}
	group, owner := shape.Text(r.JSON, "@log_group"), shape.Text(r.JSON, "@owner")
	if !e.chosen || string(group) != e.group || string(owner) != e.owner {
		e.group, e.owner, e.chosen = string(group), string(owner), true
		e.at = e.choose()
	}
	if e.at < len(e.routes) && e.routes[e.at].Skip != "" {
		e.skipped.Add([]penstock.RouteCount{{Route: e.routes[e.at].Name, Records: 1, Dropped: 1}})
		return penstock.Document{}, penstock.ErrDrop
	}
	if e.shapers[e.at] == nil {
		of := e.rest
		if e.at < len(e.routes) {
			of = e.routes[e.at].stages
		}
		var err error
		if e.shapers[e.at], err = of.Entry(e.object, e.id, e.entry, e.format); err != nil {
			return penstock.Document{}, err
		}
	}
	return e.shapers[e.at].Shape(r)
}

// choose returns the number of the route for the log group at hand.
func (e *groupShaper) choose() int {
	from := shape.OriginOf(e.object, e.id)
	from.LogGroup = e.group
	if e.owner != "" {
		from.Account = e.owner
	}
	for i := range e.routes {
		if e.routes[i].takes(&from, e.file) && e.routes[i].format.take(e.format) {
			return i
		}
	}
	return len(e.routes)
}
