package engine

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

type (
	matchAll  struct{ boost *float32 }
	matchNone struct{}
)

func (q matchAll) run(s *searcher) (*hits, error) {
	return &hits{docs: s.live(), score: *q.boost}, nil
}

func (matchNone) run(*searcher) (*hits, error) { return &hits{}, nil }

func (q *constantQuery) run(s *searcher) (*hits, error) {
	h, err := q.inner.run(s)
	if err != nil {
		return nil, err
	}
	return h.constant(q.boost), nil
}

// lookup returns a field that can be searched; nil when the mapping has none.
func (s *searcher) lookup(path string) (*mapping.Field, error) {
	f, inside := s.m.Find(path)
	switch {
	case f == nil:
		return nil, nil //nolint:nilnil // no field is no error: nothing is found in it
	case inside && f.IsFlat():
		return nil, wire.NotOffered("searching inside of the field [%s], which is a %s", path, f.Kind)
	case inside, f.IsObject():
		return nil, nil //nolint:nilnil // nor what only nested queries find
	case f.Class == mapping.Unindexed:
		return nil, wire.NotOffered("searching in the field [%s], which is a %s", path, f.Kind)
	case !f.Searchable && (!f.DocValues || s.m.Major <= mapping.FirstUntyped):
		return nil, s.wrongText(wire.Illegal("Cannot search on field [%s] since it is not indexed.", path))
	}
	return f, nil
}

func (q *matchQuery) run(s *searcher) (*hits, error) {
	var found []*hits
	for _, w := range q.fields {
		for _, path := range s.expand(w.pattern) {
			h, err := q.in(s, path, w.boost)
			if err != nil {
				if e := wire.AsFailure(err); e.Status == 400 && (q.lenient || strings.Contains(w.pattern, "*")) {
					continue
				}
				return nil, err
			}
			if h != nil {
				found = append(found, h)
			}
		}
	}
	switch {
	case len(found) == 0:
		return &hits{}, nil
	case len(found) == 1:
		return found[0].boosted(q.boost), nil
	}
	t := newTally(s.snap.Size(), !q.sum)
	for _, h := range found {
		t.add(h)
	}
	return t.hits(1, q.tie).boosted(q.boost), nil
}

// expand returns the fields that a name with wildcards means.
func (s *searcher) expand(pattern string) []string {
	everything := pattern == "_all" && s.m.Major < mapping.FirstUntyped
	if everything {
		pattern = "*"
	}
	if !strings.Contains(pattern, "*") {
		return []string{pattern}
	}
	var out []string
	s.m.Root.Leaves("", func(path string, f *mapping.Field) {
		if wire.Wildcard(pattern, path) && f.Searchable && f.Class != mapping.Unindexed && (!everything || !f.NotInAll) {
			out = append(out, path)
		}
	})
	return out
}

// in looks for the text in one field; nil when the field says nothing about it.
func (q *matchQuery) in(s *searcher, path string, boost float32) (*hits, error) {
	if special(path) {
		return s.term(path, &wire.Node{Kind: wire.StringKind, Text: q.text}, boost, false)
	}
	f, err := s.lookup(path)
	if f == nil || err != nil {
		return &hits{}, err
	}
	if f.Class != mapping.Analysed {
		return s.term(path, &wire.Node{Kind: wire.StringKind, Text: q.text}, boost, false)
	}
	a := f.Search
	if q.analyzer != nil {
		a = *q.analyzer
	}
	words := a.List(q.text)
	if len(words) > maxClauses {
		return nil, wire.Errorf(400, "too_many_clauses", "maxClauseCount is set to %d", maxClauses)
	}
	name := mapping.FieldPrefix + path
	switch {
	case len(words) == 0 && q.all:
		return &hits{docs: s.live(), score: boost}, nil
	case len(words) == 0:
		return nil, nil //nolint:nilnil // says nothing
	case len(words) == 1:
		return s.scored(name, f, words[0], boost)
	case q.phrase:
		return s.phrase(name, f, words, q.slop, boost)
	}
	least := 1
	if q.and {
		least = len(words)
	} else if q.least != "" {
		if least, err = shouldMatch(q.least, len(words)); err != nil {
			return nil, err
		}
	}
	if least > len(words) {
		return &hits{}, nil
	}
	t := newTally(s.snap.Size(), false)
	for _, word := range words {
		h, err := s.scored(name, f, word, boost)
		if err != nil {
			return nil, err
		}
		t.add(h)
	}
	return t.hits(least, 0), nil
}

// special says whether a name is not that of a field of the document.
func special(path string) bool {
	return path == "_id" || path == "_index" || path == "_type" || path == "_field_names"
}

func (q *termQuery) run(s *searcher) (*hits, error) {
	return s.term(q.field, q.value, q.boost, q.fold)
}

// term finds a value in a field.
func (s *searcher) term(path string, v *wire.Node, boost float32, fold bool) (*hits, error) {
	switch path {
	case "_id":
		return s.withIDs([]string{v.Text}, nil, boost)
	case "_index":
		if s.x.GoesBy(v.Text) {
			return &hits{docs: s.live(), score: boost}, nil
		}
		return &hits{}, nil
	case "_type":
		return s.ofTypes([]string{v.Text}, boost)
	case "_field_names":
		docs, err := s.existing([]string{v.Text})
		return &hits{docs: docs, score: boost}, err
	}
	f, err := s.lookup(path)
	if f == nil || err != nil {
		return &hits{}, err
	}
	h, err := s.in(path, f, v, boost, fold)
	if err == nil && !f.Searchable { // found by its values, which have no scores
		h = h.constant(boost)
	}
	return h, err
}

// in finds a value in a field of the mapping.
func (s *searcher) in(path string, f *mapping.Field, v *wire.Node, boost float32, fold bool) (*hits, error) {
	name := mapping.FieldPrefix + path
	if fold {
		if f.Class != mapping.Exact && f.Class != mapping.Analysed {
			return nil, s.unfitQuery("[%s] field which is of type [%s], does not support case insensitive term queries", path, f.Kind)
		}
		docs, err := s.matching(name, "", func(term string) bool { return strings.EqualFold(term, v.Text) })
		return &hits{docs: docs, score: boost}, err
	}
	switch f.Class {
	case mapping.Analysed:
		return s.scored(name, f, v.Text, boost)
	case mapping.Exact:
		text := v.Text
		if f.Lower {
			text = strings.ToLower(text)
		}
		if !s.old {
			docs, err := s.having(name, text)
			return &hits{docs: docs, score: boost}, err
		}
		return s.scored(name, f, text, boost)
	case mapping.Truth:
		key, ok := map[string]string{"true": "T", "false": "F", "": "F"}[v.Text]
		if !ok {
			return nil, s.wrongText(wire.Illegal("Can't parse boolean value [%s], expected [true] or [false]", v.Text))
		}
		return s.scored(name, f, key, boost)
	case mapping.Instant:
		docs, err := s.between(path, f, &rangeQuery{from: v, to: v})
		if e, ok := errors.AsType[*wire.Failure](err); ok && e.Inner != nil {
			err = s.wrongText(e.Inner)
		}
		return &hits{docs: docs, score: boost}, err
	}
	docs, err := s.equal(path, f, v)
	return &hits{docs: docs, score: boost}, err
}

// equal finds a number or an address.
func (s *searcher) equal(path string, f *mapping.Field, v *wire.Node) ([]uint32, error) {
	name := mapping.FieldPrefix + path
	if f.Class == mapping.Address {
		if strings.Contains(v.Text, "/") {
			net, err := netip.ParsePrefix(v.Text)
			if err != nil {
				return nil, s.wrongText(wire.Illegal("Expected [ip/prefix] but was [%s]", v.Text))
			}
			from, to := ends(net)
			return s.dictionary(name, mapping.AddressKey(from), mapping.AddressKey(to))
		}
		ip, err := netip.ParseAddr(v.Text)
		if err != nil {
			return nil, s.wrongText(wire.Illegal("'%s' is not an IP string literal.", v.Text))
		}
		return s.having(name, mapping.AddressKey(ip))
	}
	n, ok, err := s.number(f, v)
	if err != nil || !ok {
		return nil, err
	}
	return s.having(name, store.NumberKey(n, 0))
}

// ends are the first and the last address of a network.
func ends(net netip.Prefix) (first, last netip.Addr) {
	net = net.Masked()
	first = net.Addr()
	b := first.AsSlice()
	for i := range b {
		for bit := range 8 {
			if i*8+bit >= net.Bits() {
				b[i] |= 1 << (7 - bit)
			}
		}
	}
	last, _ = netip.AddrFromSlice(b)
	return first, last
}

// number reads a value that is searched for in a number field. It is not ok when no number of the field is equal to it.
func (s *searcher) number(f *mapping.Field, v *wire.Node) (n int64, ok bool, err error) {
	text := strings.TrimSpace(v.Text)
	x, bad := strconv.ParseFloat(text, 64)
	if v.Kind == wire.BoolKind || bad != nil && !math.IsInf(x, 0) || strings.ContainsAny(text, "_xXpP") {
		return 0, false, s.wrongText(wire.NumberFormat(v.Text))
	}
	if f.Class == mapping.Floating {
		n, err := f.FloatingNumber(&wire.Node{Kind: wire.NumberKind, Text: text}, false)
		return n, err == nil, nil // when it is infinite, no value is equal
	}
	if x != math.Trunc(x) {
		return 0, false, nil
	}
	wide := *f
	wide.Bits = 64
	n, err = wide.WholeNumber(&wire.Node{Kind: wire.NumberKind, Text: text})
	return n, err == nil, nil // when it is out of range, no value is equal
}

func (q *termsQuery) run(s *searcher) (*hits, error) {
	if q.field == "_id" {
		ids := make([]string, 0, len(q.values))
		for i := range q.values {
			ids = append(ids, q.values[i].Text)
		}
		return s.withIDs(ids, nil, q.boost)
	}
	all := newSet(s.snap.Size())
	for i := range q.values {
		h, err := s.term(q.field, &q.values[i], 1, false)
		if err != nil {
			return nil, err
		}
		all.addAll(h.docs)
	}
	return &hits{docs: all.docs(), score: q.boost}, nil
}

func (q *idsQuery) run(s *searcher) (*hits, error) { return s.withIDs(q.ids, q.types, q.boost) }

func (s *searcher) withIDs(ids, types []string, boost float32) (*hits, error) {
	keys := ids
	if s.x.Typed {
		if len(types) == 0 {
			types = s.st.Types
		}
		keys = nil
		for _, t := range types {
			for _, id := range ids {
				keys = append(keys, s.x.Key(t, id))
			}
		}
	}
	docs, err := s.snap.Find(keys)
	slices.Sort(docs)
	return &hits{docs: slices.Compact(docs), score: boost}, err
}

func (s *searcher) ofTypes(types []string, boost float32) (*hits, error) {
	if !s.x.Typed {
		if slices.Contains(types, "_doc") {
			return &hits{docs: s.live(), score: boost}, nil
		}
		return &hits{}, nil
	}
	all := newSet(s.snap.Size())
	for _, t := range types {
		docs, err := s.having(store.TypeColumn, t)
		if err != nil {
			return nil, err
		}
		all.addAll(docs)
	}
	return &hits{docs: all.docs(), score: boost}, nil
}

func (q *existsQuery) run(s *searcher) (*hits, error) {
	switch q.field {
	case "_id", "_index", "_source", "_type", "_seq_no", "_version":
		return &hits{docs: s.live(), score: q.boost}, nil
	}
	f, inside := s.m.Find(q.field)
	var paths []string
	switch {
	case strings.Contains(q.field, "*"):
		paths = s.expand(q.field)
	case f == nil:
		return &hits{}, nil
	case inside && f.IsFlat():
		return nil, wire.NotOffered("searching inside of the field [%s], which is a %s", q.field, f.Kind)
	default:
		paths = []string{q.field}
		f.Leaves(q.field+".", func(path string, _ *mapping.Field) { paths = append(paths, path) })
	}
	docs, err := s.existing(paths)
	return &hits{docs: docs, score: q.boost}, err
}

// existing finds the documents that have a value in any of the fields.
func (s *searcher) existing(paths []string) ([]uint32, error) {
	return s.matching(store.PathsColumn, "", func(key string) bool {
		for _, path := range paths {
			if strings.Contains(key, "\x00"+path+"\x00") {
				return true
			}
		}
		return false
	})
}

func (q *patternQuery) run(s *searcher) (*hits, error) {
	var fits func(term string) bool
	head := ""
	switch {
	case q.name == "prefix" && q.fold:
		lower := strings.ToLower(q.value)
		fits = func(term string) bool { return strings.HasPrefix(strings.ToLower(term), lower) }
	case q.name == "prefix":
		head, fits = q.value, func(string) bool { return true }
	default:
		glob := mapping.NewGlob(q.value, q.fold)
		if !q.fold {
			head = glob.Head
		}
		fits = glob.Match
	}
	switch q.field {
	case "_index":
		if fits(s.x.Name) && strings.HasPrefix(s.x.Name, head) {
			return &hits{docs: s.live(), score: q.boost}, nil
		}
		return &hits{}, nil
	case "_id", "_type":
		return nil, wire.NotOffered("the query [%s] on [%s]", q.name, q.field)
	}
	f, err := s.lookup(q.field)
	if f == nil || err != nil {
		return &hits{}, err
	}
	if f.Class != mapping.Exact && f.Class != mapping.Analysed {
		kinds := "keyword and text"
		if s.m.Major <= mapping.FirstUntyped {
			kinds = "keyword, text and wildcard"
		}
		return nil, s.unfitQuery("Can only use %s queries on %s fields - not on [%s] which is of type [%s]", q.name, kinds, q.field, f.Kind)
	}
	docs, err := s.matching(mapping.FieldPrefix+q.field, head, fits)
	return &hits{docs: docs, score: q.boost}, err
}

// matching finds the terms of a field that begin with a text and fit.
func (s *searcher) matching(field, head string, fits func(string) bool) ([]uint32, error) {
	d, err := s.snap.FieldDictPrefix(field, []byte(head))
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	return s.collect(field, d, fits)
}

// dictionary finds the terms of a field that sort between two, both included.
func (s *searcher) dictionary(field, from, to string) ([]uint32, error) {
	if from > to {
		return nil, nil
	}
	d, err := s.snap.FieldDictRange(field, []byte(from), []byte(to))
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Close() }()
	return s.collect(field, d, func(term string) bool { return term <= to }) // bleve goes a little further
}

func (s *searcher) collect(field string, d store.TermList, fits func(string) bool) ([]uint32, error) {
	all := newSet(s.snap.Size())
	for {
		e, err := d.Next()
		if err != nil {
			return nil, err
		}
		if e == nil {
			return all.docs(), nil
		}
		if !fits(e.Term) {
			continue
		}
		docs, err := s.having(field, strings.Clone(e.Term))
		if err != nil {
			return nil, err
		}
		all.addAll(docs)
	}
}

func (q *boolQuery) run(s *searcher) (*hits, error) {
	var base *hits
	for _, c := range q.must {
		h, err := c.run(s)
		if err != nil {
			return nil, err
		}
		if base == nil {
			base = h
		} else {
			base = base.and(h)
		}
	}
	for _, c := range q.filter {
		h, err := c.run(s)
		if err != nil {
			return nil, err
		}
		if h = h.constant(0); base == nil {
			base = h
		} else {
			base = base.and(h)
		}
	}
	base, err := q.optional(s, base)
	if err != nil {
		return nil, err
	}
	if len(q.not) > 0 {
		bad := newSet(s.snap.Size())
		for _, c := range q.not {
			h, err := c.run(s)
			if err != nil {
				return nil, err
			}
			bad.addAll(h.docs)
		}
		kept := &hits{scores: []float32{}}
		for i, d := range base.docs {
			if !bad.has(d) {
				kept.docs = append(kept.docs, d)
				kept.scores = append(kept.scores, base.at(i))
			}
		}
		base = kept
	}
	return base.boosted(q.boost), nil
}

// optional adds the clauses that may match, of which some may have to.
func (q *boolQuery) optional(s *searcher, base *hits) (*hits, error) {
	if len(q.should) == 0 {
		switch {
		case base != nil:
			return base, nil
		case len(q.not) == 0:
			return &hits{docs: s.live(), score: 1}, nil
		}
		return &hits{docs: s.live()}, nil
	}
	least := 0
	if base == nil {
		least = 1
	}
	if q.least != "" {
		var err error
		if least, err = shouldMatch(q.least, len(q.should)); err != nil {
			return nil, err
		}
	}
	t := newTally(s.snap.Size(), false)
	for _, c := range q.should {
		h, err := c.run(s)
		if err != nil {
			return nil, err
		}
		t.add(h)
	}
	if base == nil {
		if least > len(q.should) {
			return &hits{}, nil
		}
		return t.hits(least, 0), nil
	}
	out := &hits{scores: []float32{}}
	for i, d := range base.docs {
		if int(t.counts[d]) >= least {
			out.docs = append(out.docs, d)
			out.scores = append(out.scores, base.at(i)+t.scores[d])
		}
	}
	return out, nil
}
