package query

import (
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

type termQuery struct {
	field string
	value *wire.Node
	boost float32
	fold  bool
}

func (p *Parser) term(n *wire.Node) (Query, error) {
	if n.Kind == wire.ObjectKind && len(n.Members) == 0 && p.Major >= mapping.FirstUntyped {
		return nil, noField()
	}
	f, err := p.oneField("term", n, "[term] query must have a field")
	if err != nil {
		return nil, err
	}
	q := &termQuery{field: f.Name, value: &f.Node, boost: 1}
	switch f.Node.Kind {
	case wire.ObjectKind:
		q.value = nil
		options := map[string]any{
			"value": &q.value, "term": &q.value, "boost": &q.boost, "case_insensitive": &q.fold,
		}
		if err := p.options("term", &f.Node, options); err != nil {
			return nil, err
		}
		if q.value == nil || q.value.Kind == wire.NullKind {
			return nil, wire.Illegal("value cannot be null")
		}
	case wire.ArrayKind:
		return nil, p.FailAt(f.Node.Start, "[term] query does not support array of values")
	case wire.NullKind:
		return nil, noField()
	}
	return q, nil
}

type termsQuery struct {
	field  string
	values []wire.Node
	boost  float32
}

// maxTerms is how many values a terms query may have.
const maxTerms = 65536

func (p *Parser) terms(n *wire.Node) (Query, error) {
	q := &termsQuery{boost: 1}
	for i := range n.Members {
		m := &n.Members[i]
		switch {
		case m.Name == "boost" && m.Node.Kind == wire.NumberKind:
			if err := p.Option("terms", m, &q.boost); err != nil {
				return nil, err
			}
		case m.Name == "_name" || m.Name == "value_type":
			return nil, wire.NotOffered("the option [%s] of the query [terms]", m.Name)
		case p.Major < mapping.FirstKeyword && (m.Name == "execution" || m.Name == "_cache" || m.Name == "_cache_key" ||
			m.Name == "minimum_should_match"):
			if m.Name == "minimum_should_match" {
				return nil, wire.NotOffered("the option [%s] of the query [terms]", m.Name)
			}
		case m.Node.Kind == wire.ObjectKind:
			return nil, wire.NotOffered("terms lookup")
		case m.Node.Kind != wire.ArrayKind:
			return nil, p.FailAt(m.Node.Start, "[terms] query does not support [%s]", m.Name)
		case q.field != "":
			return nil, p.FailAt(m.Node.Start, "[terms] query does not support multiple fields")
		default:
			q.field, q.values = m.Name, m.Node.Items
		}
	}
	if q.field == "" {
		return nil, p.FailAt(n.End-1, "[terms] query requires a field name, followed by array of terms or a document "+
			"lookup specification")
	}
	if len(q.values) > maxTerms {
		return nil, wire.Illegal("The number of terms [%d] used in the Terms Query request has exceeded the allowed "+
			"maximum of [%d]. This maximum can be set by changing the [index.max_terms_count] index level setting.",
			len(q.values), maxTerms)
	}
	for i := range q.values {
		if k := q.values[i].Kind; k == wire.NullKind || k == wire.ObjectKind || k == wire.ArrayKind {
			return nil, p.FailAt(q.values[i].Start, "No value specified for terms query")
		}
	}
	return q, nil
}

func (q *termQuery) Run(s *Searcher) (*Hits, error) {
	return s.term(q.field, q.value, q.boost, q.fold)
}

func (q *termsQuery) Run(s *Searcher) (*Hits, error) {
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
		all.addAll(h.Docs)
	}
	return &Hits{Docs: all.docs(), score: q.boost}, nil
}

// term finds a value in a field.
func (s *Searcher) term(path string, v *wire.Node, boost float32, fold bool) (*Hits, error) {
	switch path {
	case "_id":
		return s.withIDs([]string{v.Text}, nil, boost)
	case "_index":
		if s.Index.GoesBy(v.Text) {
			return &Hits{Docs: s.live(), score: boost}, nil
		}
		return &Hits{}, nil
	case "_type":
		return s.ofTypes([]string{v.Text}, boost)
	case "_field_names":
		docs, err := s.existing([]string{v.Text})
		return &Hits{Docs: docs, score: boost}, err
	}
	f, err := s.lookup(path)
	if f == nil || err != nil {
		return &Hits{}, err
	}
	h, err := s.in(path, f, v, boost, fold)
	if err == nil && !f.Searchable { // found by its values, which have no scores
		h = h.Constant(boost)
	}
	return h, err
}

// in finds a value in a field of the mapping.
func (s *Searcher) in(path string, f *mapping.Field, v *wire.Node, boost float32, fold bool) (*Hits, error) {
	name := mapping.FieldPrefix + path
	if fold {
		if f.Class != mapping.Exact && f.Class != mapping.Analysed {
			return nil, s.unfitQuery("[%s] field which is of type [%s], does not support case insensitive term queries",
				path, f.Kind)
		}
		docs, err := s.matching(name, "", func(term string) bool { return strings.EqualFold(term, v.Text) })
		return &Hits{Docs: docs, score: boost}, err
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
			return &Hits{Docs: docs, score: boost}, err
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
		return &Hits{Docs: docs, score: boost}, err
	}
	docs, err := s.equal(path, f, v)
	return &Hits{Docs: docs, score: boost}, err
}

// equal finds a number or an address.
func (s *Searcher) equal(path string, f *mapping.Field, v *wire.Node) ([]uint32, error) {
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

// number reads a value that is searched for in a number field. Ok is false when no number of the field can equal it.
func (s *Searcher) number(f *mapping.Field, v *wire.Node) (n int64, ok bool, err error) {
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
