package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/source"
)

// ReplayOptions say which dead letters are sent again, and where to. Target must be set.
type ReplayOptions struct {
	Target Target
	// Targets are the domains that Routes name: letters that are for one of them go there, all others to Target.
	Targets map[string]Target
	Write   Write
	S3      S3
	// DeadLetters is a directory or s3://bucket/prefix, DefaultDeadLetters when empty.
	DeadLetters string
	// Index is the pattern of index names for letters without an index, shape.DefaultIndex when empty. With Reroute it is
	// for all letters.
	Index   string
	Reroute bool
	// Routes name the index of letters without one that they take, before Index does, and their rules that have not run
	// on a letter do so now.
	Routes []Route
	// Always are the rules for all letters, and Keys and Secret are for rules, as in [Read].
	Always []rules.Rule
	Keys   map[string]KeySource
	Secret func(r redact.Reference) ([]byte, error)
	// Definitions are formats of the user's own, and Lookups the tables that rules look into, as in Read.
	Definitions []Definition
	Lookups     []rules.TableSource
	// Choose picks letters; nil picks all.
	Choose func(penstock.Letter) bool
	// Logger is told why a letter stays; nil discards.
	Logger *slog.Logger
}

// Replay is wired and ready to run, once.
type Replay struct {
	options   ReplayOptions
	outlets   *Outlets
	connected bool
	letters   deadletter.Store
	again     *reshaper
}

// OpenReplay wires a replay. It makes no request but for tables in S3. An *OptionError says what is wrong with an
// option.
func OpenReplay(ctx context.Context, o ReplayOptions) (*Replay, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Replay{options: o}
	var err error
	by := Read{
		Routes: o.Routes, Definitions: o.Definitions, Always: o.Always, Keys: o.Keys, Secret: o.Secret, Lookups: o.Lookups,
		Object: ObjectsBy(ctx, func() (*source.S3, error) { return o.S3.Open(ctx, &o.Target.AWS, o.Logger) }),
	}
	if r.again, err = newReshaper(o.Index, o.Reroute, &by); err != nil {
		return nil, err
	}
	if err := o.Write.Check(); err != nil {
		return nil, err
	}
	routes := o.Routes
	if o.Targets == nil {
		routes = nil
	}
	if r.outlets, err = OpenOutlets(ctx, &o.Target, o.Targets, routes, o.Write, o.Logger); err != nil {
		return nil, err
	}
	own, targets := r.outlets.Names()
	for name, called := range targets {
		if called != own {
			r.again.homes[called] = name
		}
	}
	where := cmp.Or(o.DeadLetters, DefaultDeadLetters)
	if r.letters, err = Letters(ctx, where, &o.Target.AWS, &o.S3, o.Logger); err != nil {
		return nil, err
	}
	return r, nil
}

// Connect asks the domain what it is, for some seconds when it does not answer. Run does it when it has not been done.
func (r *Replay) Connect(ctx context.Context) error {
	if err := r.outlets.Connect(ctx); err != nil {
		return errors.Join(err, r.letters.Close())
	}
	r.connected = true
	return nil
}

// Homes are the domains to which letters go that are for them, as letters name them.
func (r *Replay) Homes() []string { return slices.Sorted(maps.Keys(r.again.homes)) }

// Run sends the letters, as [deadletter.Replay] does, and closes what OpenReplay opened. The counts are those of what
// was done in any case; when ctx ends before every letter was sent, the error is an *InterruptedError.
func (r *Replay) Run(ctx context.Context) (deadletter.ReplayCounts, error) {
	if !r.connected {
		if err := r.Connect(ctx); err != nil {
			return deadletter.ReplayCounts{}, err
		}
	}
	counts, err := deadletter.Replay(ctx, r.letters, r.outlets.Deliverer(), deadletter.ReplayOptions{
		Choose: r.options.Choose, Documents: r.again.documents, Logger: r.options.Logger,
	})
	if err != nil && ctx.Err() != nil {
		err = &penstock.InterruptedError{Before: "every dead letter was sent", Err: err}
	}
	return counts, errors.Join(err, r.outlets.Close(ctx), r.letters.Close())
}

// reshaper makes the documents to send of letters that hold their record.
type reshaper struct {
	rest    routeNaming
	routes  []routeNaming
	reroute bool              // also letters that have an index
	homes   map[string]string // targets, by what letters call their domains
	own     []Definition
}

// naming names indexes by a pattern.
type naming struct {
	pattern string
	namer   *shape.Namer
}

// routeNaming does so for the letters that a route takes, and has its rules.
type routeNaming struct {
	*matcher
	*naming
	chain   *rules.Chain
	left    map[string]*rules.Chain // of the chain, by the rules that have run
	replace bool                    // documents take the place of those that have their ids
}

// others returns the rules that have not run on a letter, nil for none.
func (r *routeNaming) others(run []string) *rules.Chain {
	key := strings.Join(run, "\n")
	chain, ok := r.left[key]
	if !ok {
		if r.left == nil {
			r.left = map[string]*rules.Chain{}
		}
		chain = r.chain.Without(run)
		r.left[key] = chain
	}
	return chain
}

func newNaming(pattern string) (*naming, error) {
	p, err := shape.ParsePattern(orDefault(pattern))
	if err != nil {
		return nil, &OptionError{BadIndex, err}
	}
	return &naming{orDefault(pattern), p.Namer()}, nil
}

func newReshaper(pattern string, reroute bool, by *Read) (*reshaper, error) {
	rest, err := newNaming(pattern)
	if err != nil {
		return nil, err
	}
	r := &reshaper{
		rest: routeNaming{naming: rest}, reroute: reroute, homes: map[string]string{}, own: by.Definitions,
	}
	if r.rest.chain, err = by.chain(nil, ""); err != nil {
		return nil, err
	}
	for i := range by.Routes {
		route := &by.Routes[i]
		one := routeNaming{naming: rest, replace: route.Action == ActionIndex}
		if one.matcher, err = route.Match.compile(); err == nil && route.Index != "" {
			one.naming, err = newNaming(route.Index)
		}
		if err == nil {
			one.chain, err = by.chain(route.Rules, by.readAs(route))
		}
		if err != nil {
			return nil, &RouteError{Route: route.Name, Err: err}
		}
		r.routes = append(r.routes, one)
	}
	return r, nil
}

// route returns what is for a letter: the first route that takes where it is from.
func (r *reshaper) route(l penstock.Letter) *routeNaming {
	if len(r.routes) == 0 {
		return &r.rest
	}
	from, file := shape.OriginOfDocument(l.Source, l.Document), ""
	if l.Source.Bucket == "" && l.Document != nil {
		file = string(shape.Text(l.Document, "penstock.file"))
	}
	for i := range r.routes {
		if one := &r.routes[i]; one.takes(&from, file) && one.format.take(l.Source.Format) {
			return one
		}
	}
	return &r.rest
}

// documents are those to send of a letter: several when rules split it that have not run on it.
func (r *reshaper) documents(l penstock.Letter) ([]penstock.Document, error) {
	route := r.route(l)
	docs, err := r.made(l, route)
	for i := range docs {
		docs[i].Target, docs[i].Replace = r.homes[l.Domain], route.replace
	}
	return docs, err
}

func (r *reshaper) made(l penstock.Letter, route *routeNaming) ([]penstock.Document, error) {
	chain := route.others(l.Rules)
	switch {
	case l.Document == nil:
		return r.reshape(l, route, chain)
	case chain != nil:
		return r.rule(l, route, chain)
	}
	doc, err := r.send(l, route)
	return []penstock.Document{doc}, err
}

// send returns the document of a letter for its index.
func (r *reshaper) send(l penstock.Letter, route *routeNaming) (penstock.Document, error) {
	if l.Index == "" || r.reroute {
		index, err := route.namer.Name(l.Source, l.Document)
		if err != nil {
			return penstock.Document{}, fmt.Errorf("name index: %w", err)
		}
		l.Index = index
	}
	return deadletter.DocumentOf(l)
}

// rule applies rules to the document of a letter.
func (r *reshaper) rule(l penstock.Letter, route *routeNaming, chain *rules.Chain) ([]penstock.Document, error) {
	unparsed := shape.Text(l.Document, "parse_error") != nil
	if unparsed && chain.RedactsFields() {
		return nil, errors.New(
			"the record cannot be read, and a rule redacts fields of it: ship its source again")
	}
	s := l.Source
	id := penstock.Identity{Bucket: s.Bucket, Key: s.Key, Version: s.Version, ETag: s.ETag}
	if s.Bucket == "" {
		id.Key = string(shape.Text(l.Document, "penstock.file"))
	}
	entry, err := chain.Shaper(lettered{r, route, l}).Entry(&penstock.Object{Name: s.Object}, id, s.Entry, s.Format)
	if err != nil {
		return nil, err
	}
	rec := penstock.Record{JSON: l.Document, Raw: l.Raw, Offset: s.Offset, Unparsed: unparsed}
	rec.Time, _ = time.Parse(time.RFC3339Nano, string(shape.Text(l.Document, penstock.NameTime)))
	var parts gathered
	for again := true; again; again = rec.More {
		if err := parts.add(entry.Shape(&rec)); err != nil {
			return nil, err
		}
	}
	return parts.all()
}

// gathered are the documents that become of one letter: of several parts, when rules split it.
type gathered struct {
	docs    []penstock.Document
	dropped error // a rule left a part out
}

// add takes what became of the record, or of a part of it.
func (g *gathered) add(doc penstock.Document, err error) error {
	switch {
	case errors.Is(err, penstock.ErrDrop):
		g.dropped = err
	case err != nil:
		return err
	default:
		g.docs = append(g.docs, kept(doc))
	}
	return nil
}

// all are the documents. Without one the error is that of a drop, where there was one.
func (g *gathered) all() ([]penstock.Document, error) {
	if len(g.docs) == 0 {
		return nil, g.dropped
	}
	return g.docs, nil
}

// kept returns a document in slices of its own.
func kept(doc penstock.Document) penstock.Document {
	doc.ID, doc.Routing, doc.Raw = bytes.Clone(doc.ID), bytes.Clone(doc.Routing), bytes.Clone(doc.Raw)
	doc.Head, doc.Tail = doc.Body(), nil
	return doc
}

// lettered makes the document to send of what rules leave of that of a letter.
type lettered struct {
	*reshaper
	by     *routeNaming
	letter penstock.Letter
}

// Entry is part of penstock.Shaper.
func (s lettered) Entry(*penstock.Object, penstock.Identity, string, string) (penstock.EntryShaper, error) {
	return s, nil
}

// Shape is part of penstock.EntryShaper.
func (s lettered) Shape(r *penstock.Record) (penstock.Document, error) {
	if r.Left {
		return penstock.Document{}, penstock.ErrDrop
	}
	l := s.letter
	l.Document, l.Raw = r.JSON, r.Text()
	if r.Part != nil {
		l.ID, l.Document = string(r.AppendPart([]byte(l.ID))), shape.WithPart(r.JSON, r.Part)
	}
	return s.send(l, s.by)
}

// reshape makes a document of the record in a letter, as earlier versions wrote those without an index. Its id is made
// of the object's identity and the record's place; where it follows the content before the record it cannot be made
// again.
func (r *reshaper) reshape(
	l penstock.Letter, route *routeNaming, chain *rules.Chain,
) ([]penstock.Document, error) {
	s := l.Source
	id := penstock.Identity{Bucket: s.Bucket, Key: s.Key, Version: s.Version, ETag: s.ETag}
	if !id.Pinned() || s.Bucket == "" {
		return nil, errors.New("the letter has no document, and its id is not known: ship its source again")
	}
	d, err := format.New(format.Config{Force: s.Format, MaxRecordBytes: len(l.Raw), Definitions: r.own})
	if err != nil {
		return nil, err
	}
	shaper, err := shape.New(shape.Config{Index: route.pattern})
	if err != nil {
		return nil, err
	}
	var by penstock.Shaper = placed{Shaper: shaper, offset: s.Offset}
	if chain != nil {
		by = chain.Shaper(by)
	}
	p := penstock.Pipeline{Recognizer: d, Shaper: by}
	reading, err := p.Read(&penstock.Object{Name: s.Object, Size: -1}, id,
		penstock.Entry{Name: s.Entry, Reader: bytes.NewReader(l.Raw)})
	if err != nil {
		return nil, err
	}
	if reading.Skip != "" {
		return nil, fmt.Errorf("the letter holds no record: %s", reading.Skip)
	}
	var parts gathered
	n := 0
	for shaped, err := range reading.Documents(0) {
		if shaped == nil || !shaped.Behind {
			n++
		}
		if n > 1 || shaped == nil || shaped.Unread {
			return nil, errors.Join(
				fmt.Errorf("the record is no longer one of format %s: ship its source again", s.Format), err)
		}
		doc := shaped.Document
		doc.Offset, doc.Routing, doc.Pipeline = s.Offset, []byte(l.Routing), l.Pipeline
		if err := parts.add(doc, err); err != nil {
			return nil, err
		}
	}
	if n == 0 {
		return nil, errors.New("the letter holds no record")
	}
	return parts.all()
}

var (
	_ penstock.Shaper      = placed{}
	_ penstock.EntryShaper = placed{}
)

// placed shapes records as the one at an offset.
type placed struct {
	penstock.Shaper
	entry  penstock.EntryShaper
	offset int64
}

func (p placed) Entry(o *penstock.Object, id penstock.Identity, entry, format string) (penstock.EntryShaper, error) {
	var err error
	p.entry, err = p.Shaper.Entry(o, id, entry, format)
	return p, err
}

func (p placed) Shape(r *penstock.Record) (penstock.Document, error) {
	r.Offset = p.offset
	return p.entry.Shape(r)
}
