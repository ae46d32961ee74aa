package engine

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	bleve "github.com/blevesearch/bleve_index_api"
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
func (s *searcher) lookup(path string) (*field, error) {
	f, inside := s.m.find(path)
	switch {
	case f == nil:
		return nil, nil //nolint:nilnil // no field is no error: nothing is found in it
	case inside && f.isFlat():
		return nil, notOffered("searching inside of the field [%s], which is a %s", path, f.kind)
	case inside, f.isObject():
		return nil, nil //nolint:nilnil // nor what only nested queries find
	case f.class == unindexed:
		return nil, notOffered("searching in the field [%s], which is a %s", path, f.kind)
	case !f.searchable && (!f.docValues || s.m.major <= firstUntyped):
		return nil, s.wrongText(illegal("Cannot search on field [%s] since it is not indexed.", path))
	}
	return f, nil
}

func (q *matchQuery) run(s *searcher) (*hits, error) {
	var found []*hits
	for _, w := range q.fields {
		for _, path := range s.expand(w.pattern) {
			h, err := q.in(s, path, w.boost)
			if err != nil {
				if e := asAPIError(err); e.status == 400 && (q.lenient || strings.Contains(w.pattern, "*")) {
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
	t := newTally(s.snap.size(), !q.sum)
	for _, h := range found {
		t.add(h)
	}
	return t.hits(1, q.tie).boosted(q.boost), nil
}

// expand returns the fields that a name with wildcards means.
func (s *searcher) expand(pattern string) []string {
	if pattern == "_all" && s.m.major < firstUntyped {
		pattern = "*"
	}
	if !strings.Contains(pattern, "*") {
		return []string{pattern}
	}
	var out []string
	s.m.root.leaves("", func(path string, f *field) {
		if wildcard(pattern, path) && f.searchable && f.class != unindexed {
			out = append(out, path)
		}
	})
	return out
}

// in looks for the text in one field; nil when the field says nothing about it.
func (q *matchQuery) in(s *searcher, path string, boost float32) (*hits, error) {
	if special(path) {
		return s.term(path, &node{kind: isString, text: q.text}, boost, false)
	}
	f, err := s.lookup(path)
	if f == nil || err != nil {
		return &hits{}, err
	}
	if f.class != analysed {
		return s.term(path, &node{kind: isString, text: q.text}, boost, false)
	}
	a := f.search
	if q.analyzer != nil {
		a = *q.analyzer
	}
	words := a.list(q.text)
	if len(words) > maxClauses {
		return nil, errorf(400, "too_many_clauses", "maxClauseCount is set to %d", maxClauses)
	}
	name := fieldPrefix + path
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
	t := newTally(s.snap.size(), false)
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
func (s *searcher) term(path string, v *node, boost float32, fold bool) (*hits, error) {
	switch path {
	case "_id":
		return s.withIDs([]string{v.text}, nil, boost)
	case "_index":
		if s.x.goesBy(v.text) {
			return &hits{docs: s.live(), score: boost}, nil
		}
		return &hits{}, nil
	case "_type":
		return s.ofTypes([]string{v.text}, boost)
	case "_field_names":
		docs, err := s.existing([]string{v.text})
		return &hits{docs: docs, score: boost}, err
	}
	f, err := s.lookup(path)
	if f == nil || err != nil {
		return &hits{}, err
	}
	h, err := s.in(path, f, v, boost, fold)
	if err == nil && !f.searchable { // found by its values, which have no scores
		h = h.constant(boost)
	}
	return h, err
}

// in finds a value in a field of the mapping.
func (s *searcher) in(path string, f *field, v *node, boost float32, fold bool) (*hits, error) {
	name := fieldPrefix + path
	if fold {
		if f.class != exact && f.class != analysed {
			return nil, s.unfitQuery("[%s] field which is of type [%s], does not support case insensitive term queries", path, f.kind)
		}
		docs, err := s.matching(name, "", func(term string) bool { return strings.EqualFold(term, v.text) })
		return &hits{docs: docs, score: boost}, err
	}
	switch f.class {
	case analysed:
		return s.scored(name, f, v.text, boost)
	case exact:
		text := v.text
		if f.lower {
			text = strings.ToLower(text)
		}
		if !s.old {
			docs, err := s.having(name, text)
			return &hits{docs: docs, score: boost}, err
		}
		return s.scored(name, f, text, boost)
	case truth:
		key, ok := map[string]string{"true": "T", "false": "F", "": "F"}[v.text]
		if !ok {
			return nil, s.wrongText(illegal("Can't parse boolean value [%s], expected [true] or [false]", v.text))
		}
		return s.scored(name, f, key, boost)
	case instant:
		docs, err := s.between(path, f, &rangeQuery{from: v, to: v})
		if e, ok := errors.AsType[*apiError](err); ok && e.inner != nil {
			err = s.wrongText(e.inner)
		}
		return &hits{docs: docs, score: boost}, err
	}
	docs, err := s.equal(path, f, v)
	return &hits{docs: docs, score: boost}, err
}

// equal finds a number or an address.
func (s *searcher) equal(path string, f *field, v *node) ([]uint32, error) {
	name := fieldPrefix + path
	if f.class == address {
		if strings.Contains(v.text, "/") {
			net, err := netip.ParsePrefix(v.text)
			if err != nil {
				return nil, s.wrongText(illegal("Expected [ip/prefix] but was [%s]", v.text)) //nolint:nilerr // said in the engines' words
			}
			from, to := ends(net)
			return s.dictionary(name, addressKey(from), addressKey(to))
		}
		ip, err := netip.ParseAddr(v.text)
		if err != nil {
			return nil, s.wrongText(illegal("'%s' is not an IP string literal.", v.text)) //nolint:nilerr // said in the engines' words
		}
		return s.having(name, addressKey(ip))
	}
	n, ok, err := s.number(f, v)
	if err != nil || !ok {
		return nil, err
	}
	return s.having(name, numberKey(n, 0))
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
func (s *searcher) number(f *field, v *node) (n int64, ok bool, err error) {
	text := strings.TrimSpace(v.text)
	x, bad := strconv.ParseFloat(text, 64)
	if v.kind == isBool || bad != nil && !math.IsInf(x, 0) || strings.ContainsAny(text, "_xXpP") {
		return 0, false, s.wrongText(numberFormat(v.text))
	}
	if f.class == floating {
		n, err := f.floatingNumber(&node{kind: isNumber, text: text}, false)
		return n, err == nil, nil //nolint:nilerr // infinite: no value is equal
	}
	if x != math.Trunc(x) {
		return 0, false, nil
	}
	wide := *f
	wide.bits = 64
	n, err = wide.wholeNumber(&node{kind: isNumber, text: text})
	return n, err == nil, nil //nolint:nilerr // out of range: no value is equal
}

func (q *termsQuery) run(s *searcher) (*hits, error) {
	if q.field == "_id" {
		ids := make([]string, 0, len(q.values))
		for i := range q.values {
			ids = append(ids, q.values[i].text)
		}
		return s.withIDs(ids, nil, q.boost)
	}
	all := newSet(s.snap.size())
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
	if s.x.typed {
		if len(types) == 0 {
			types = s.st.types
		}
		keys = nil
		for _, t := range types {
			for _, id := range ids {
				keys = append(keys, s.x.key(t, id))
			}
		}
	}
	docs, err := s.snap.find(keys)
	slices.Sort(docs)
	return &hits{docs: slices.Compact(docs), score: boost}, err
}

func (s *searcher) ofTypes(types []string, boost float32) (*hits, error) {
	if !s.x.typed {
		if slices.Contains(types, "_doc") {
			return &hits{docs: s.live(), score: boost}, nil
		}
		return &hits{}, nil
	}
	all := newSet(s.snap.size())
	for _, t := range types {
		docs, err := s.having(typeColumn, t)
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
	f, inside := s.m.find(q.field)
	var paths []string
	switch {
	case strings.Contains(q.field, "*"):
		paths = s.expand(q.field)
	case f == nil:
		return &hits{}, nil
	case inside && f.isFlat():
		return nil, notOffered("searching inside of the field [%s], which is a %s", q.field, f.kind)
	default:
		paths = []string{q.field}
		f.leaves(q.field+".", func(path string, _ *field) { paths = append(paths, path) })
	}
	docs, err := s.existing(paths)
	return &hits{docs: docs, score: q.boost}, err
}

// existing finds the documents that have a value in any of the fields.
func (s *searcher) existing(paths []string) ([]uint32, error) {
	return s.matching(pathsColumn, "", func(key string) bool {
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
		glob := newGlob(q.value, q.fold)
		if !q.fold {
			head = glob.head
		}
		fits = glob.match
	}
	switch q.field {
	case "_index":
		if fits(s.x.name) && strings.HasPrefix(s.x.name, head) {
			return &hits{docs: s.live(), score: q.boost}, nil
		}
		return &hits{}, nil
	case "_id", "_type":
		return nil, notOffered("the query [%s] on [%s]", q.name, q.field)
	}
	f, err := s.lookup(q.field)
	if f == nil || err != nil {
		return &hits{}, err
	}
	if f.class != exact && f.class != analysed {
		kinds := "keyword and text"
		if s.m.major <= firstUntyped {
			kinds = "keyword, text and wildcard"
		}
		return nil, s.unfitQuery("Can only use %s queries on %s fields - not on [%s] which is of type [%s]", q.name, kinds, q.field, f.kind)
	}
	docs, err := s.matching(fieldPrefix+q.field, head, fits)
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

func (s *searcher) collect(field string, d bleve.FieldDict, fits func(string) bool) ([]uint32, error) {
	all := newSet(s.snap.size())
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

// glob is a pattern with * for any text and ? for one character; a backslash takes the meaning of the next one away.
type glob struct {
	head  string // what everything that matches begins with
	parts []globPart
	fold  bool
}

type globPart struct {
	any  bool // *
	one  bool // ?
	char rune
}

func newGlob(pattern string, fold bool) *glob {
	g := &glob{fold: fold}
	literal := true
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch c := runes[i]; {
		case c == '*':
			literal = false
			g.parts = append(g.parts, globPart{any: true})
		case c == '?':
			literal = false
			g.parts = append(g.parts, globPart{one: true})
		default:
			if c == '\\' && i+1 < len(runes) {
				i++
				c = runes[i]
			}
			if literal {
				g.head += string(c)
			}
			g.parts = append(g.parts, globPart{char: c})
		}
	}
	return g
}

// match takes time by the length of the text times that of the pattern, whatever they are.
func (g *glob) match(text string) bool {
	if g.fold {
		text = strings.ToLower(text)
	}
	runes := []rune(text)
	i, p, star, mark := 0, 0, -1, 0
	for i < len(runes) {
		switch {
		case p < len(g.parts) && g.parts[p].any:
			star, mark = p, i
			p++
		case p < len(g.parts) && (g.parts[p].one || g.same(g.parts[p].char, runes[i])):
			i++
			p++
		case star >= 0:
			p = star + 1
			mark++
			i = mark
		default:
			return false
		}
	}
	for p < len(g.parts) && g.parts[p].any {
		p++
	}
	return p == len(g.parts)
}

func (g *glob) same(a, b rune) bool {
	return a == b || g.fold && strings.EqualFold(string(a), string(b))
}

func (q *rangeQuery) run(s *searcher) (*hits, error) {
	if special(q.field) {
		return nil, notOffered("the query [range] on [%s]", q.field)
	}
	f, err := s.lookup(q.field)
	if f == nil || err != nil {
		return &hits{}, err
	}
	if q.from == nil && q.to == nil {
		return (&existsQuery{q.field, q.boost}).run(s)
	}
	docs, err := s.between(q.field, f, q)
	return &hits{docs: docs, score: q.boost}, err
}

// between finds the values of a range.
func (s *searcher) between(path string, f *field, q *rangeQuery) ([]uint32, error) {
	name := fieldPrefix + path
	switch f.class {
	case exact, analysed, truth, address:
		from, to, err := s.textEnds(f, q)
		if err != nil {
			return nil, err
		}
		d, err := s.snap.FieldDictRange(name, from, to)
		if err != nil {
			return nil, err
		}
		defer func() { _ = d.Close() }()
		return s.collect(name, d, func(term string) bool {
			return (!q.noFrom || q.from == nil || term != string(from)) && (q.to == nil || term < string(to) || !q.noTo && term == string(to))
		})
	case instant:
		from, to, err := s.dateEnds(f, q)
		if err != nil {
			return nil, err
		}
		return s.numbers(name, from, to)
	}
	from, to, err := s.numberEnds(f, q)
	if errors.Is(err, errEmptyRange) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return s.numbers(name, from, to)
}

// errEmptyRange says that no number is in a range.
var errEmptyRange = errors.New("no number is in the range")

// textEnds are the first and the last key of a range of texts; nil is open.
func (s *searcher) textEnds(f *field, q *rangeQuery) (from, to []byte, err error) {
	key := func(n *node) ([]byte, error) {
		switch {
		case n == nil:
			return nil, nil
		case f.class == address:
			ip, err := netip.ParseAddr(n.text)
			if err != nil {
				return nil, s.wrongText(illegal("'%s' is not an IP string literal.", n.text)) //nolint:nilerr // said in the engines' words
			}
			return []byte(addressKey(ip)), nil
		case f.class == truth:
			return []byte(map[bool]string{true: "T", false: "F"}[n.text == "true"]), nil
		case f.lower:
			return []byte(strings.ToLower(n.text)), nil
		}
		return []byte(n.text), nil
	}
	if from, err = key(q.from); err != nil {
		return nil, nil, err
	}
	to, err = key(q.to)
	return from, to, err
}

// dateEnds are the first and the last time of a range. What an end leaves out goes the way that makes the range what people
// mean: up to a day is up to its end.
func (s *searcher) dateEnds(f *field, q *rangeQuery) (from, to int64, err error) {
	format := f.format
	if q.format != "" {
		if format, err = parseFormat(q.format); err != nil {
			return 0, 0, err
		}
	}
	zone := time.UTC
	if q.zone != "" {
		if zone, err = parseZone(q.zone); err != nil {
			return 0, 0, err
		}
	}
	end := func(n *node, round bool) (int64, error) {
		t, err := format.dateMath(n.text, s.now, zone, round)
		if err != nil {
			return 0, s.shardFailure(asAPIError(err))
		}
		v := f.instant(t)
		if round && !f.nanos {
			v = t.UnixMilli()
		}
		return v, nil
	}
	from, to = math.MinInt64, math.MaxInt64
	if q.from != nil {
		if from, err = end(q.from, q.noFrom); err != nil {
			return 0, 0, err
		}
		if q.noFrom {
			from++
		}
	}
	if q.to != nil {
		if to, err = end(q.to, !q.noTo); err != nil {
			return 0, 0, err
		}
		if q.noTo {
			to--
		}
	}
	return from, to, nil
}

// numberEnds are the first and the last number of a range.
func (s *searcher) numberEnds(f *field, q *rangeQuery) (from, to int64, err error) {
	from, to = math.MinInt64, math.MaxInt64
	if f.class == floating {
		from, to = sortable(math.Inf(-1)), sortable(math.Inf(1))
	}
	if q.from != nil {
		if from, err = s.numberEnd(f, q.from, q.noFrom, true); err != nil {
			return 0, 0, err
		}
	}
	if q.to != nil {
		to, err = s.numberEnd(f, q.to, q.noTo, false)
	}
	return from, to, err
}

// numberEnd is the nearest number of a field that a range with this end still has, upwards from its beginning and downwards
// from its end. When there is none, the result leaves the range empty.
func (s *searcher) numberEnd(f *field, n *node, open, up bool) (int64, error) {
	text := strings.TrimSpace(n.text)
	x, bad := strconv.ParseFloat(text, 64)
	if n.kind == isBool || bad != nil && !math.IsInf(x, 0) || math.IsNaN(x) || strings.ContainsAny(text, "_xXpP") {
		return 0, s.wrongText(numberFormat(n.text))
	}
	step := int64(-1)
	if up {
		step = 1
	}
	if f.class == floating {
		if f.kind == "scaled_float" {
			scaled := x * f.scale
			if r := math.Round(scaled); math.Abs(r-scaled) < 1e-9*math.Max(1, math.Abs(scaled)) {
				x = r
			} else if open = false; up {
				x = math.Ceil(scaled)
			} else {
				x = math.Floor(scaled)
			}
		}
		if f.kind == "float" {
			x = float64(float32(x))
		}
		v := sortable(x)
		if open {
			v += step
		}
		return v, nil
	}
	v, ok, _ := s.number(f, &node{kind: isNumber, text: text})
	if ok {
		if open {
			if v == math.MaxInt64 && up || v == math.MinInt64 && !up {
				return v, errEmptyRange
			}
			v += step
		}
		return v, nil
	}
	if f.unsigned {
		x -= 1 << 63
	}
	switch {
	case x >= 1<<63:
		if up {
			return 0, errEmptyRange
		}
		return math.MaxInt64, nil
	case x < -(1 << 63):
		if !up {
			return 0, errEmptyRange
		}
		return math.MinInt64, nil
	case up:
		return int64(math.Ceil(x)), nil
	}
	return int64(math.Floor(x)), nil
}

// numbers finds the numbers from one to another, both included: the middle of a wide range by few coarse keys, its ends by
// fine ones.
func (s *searcher) numbers(field string, from, to int64) ([]uint32, error) {
	if from > to {
		return nil, nil
	}
	all := newSet(s.snap.size())
	add := func(from, to uint64, shift uint) error {
		key := func(v uint64) string { return numberKey(int64(v<<shift^signBit), shift) } //nolint:gosec // bits
		docs, err := s.dictionary(field, key(from), key(to))
		all.addAll(docs)
		return err
	}
	low, high := uint64(from)^signBit, uint64(to)^signBit //nolint:gosec // bits
	const step = levelBits
	for i, shift := range numberLevels {
		last := i == len(numberLevels)-1
		if last || low>>step == high>>step || high-low < 1<<step {
			if err := add(low, high, shift); err != nil {
				return nil, err
			}
			break
		}
		// The parts of the outermost coarse keys that the range does not have whole.
		next, before := low>>step, high>>step
		if low&(1<<step-1) != 0 {
			next++
			if err := add(low, next<<step-1, shift); err != nil {
				return nil, err
			}
		}
		if high&(1<<step-1) != 1<<step-1 {
			if err := add(before<<step, high, shift); err != nil {
				return nil, err
			}
			before--
		}
		if next > before {
			break
		}
		low, high = next, before
	}
	return all.docs(), nil
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
		bad := newSet(s.snap.size())
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
	t := newTally(s.snap.size(), false)
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
