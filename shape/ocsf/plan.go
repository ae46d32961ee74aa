package ocsf

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/internal/quote"
)

// plan is a mapping, prepared for records whose fields are in one place.
type plan struct {
	root    *node
	index   map[string]int // of fields
	classes []*target      // the first one is the base event
	choose  func(w *writer) int
	// subs are the plans for elements of arrays.
	subs []*plan
}

// node is a place in a record, where fields may be.
type node struct {
	kids  map[string]*node
	first *node // the first element of an array
	each  *node // all elements
	field int   // absent for none
	// kind is what a member of an element has to be; it is in the event when the array is.
	kind *kind
}

func newNode() *node { return &node{field: absent} }

// target is an attribute.
type target struct {
	name string
	key  []byte // the name, quoted, and a colon
	kids []*target
	// leaves are what it may be made of, the first one that has a value.
	leaves []*leaf
	// each is the plan for the elements of the array field, or 0 counted from 1.
	each, array int
	must        bool
	needs       []need
}

// leaf is a line of a table.
type leaf struct {
	constant   []byte
	fields     []place
	special    string // what writer.leaf does itself
	kind       kind
	enum       *enum
	numbers    map[int][]byte // the members for each number of the enum; for a caption from the field without it
	conditions []check
	observed   []byte // `{"name":…,"type":…,"type_id":…,"value":`, empty for what is not to be observed
}

// place is a field, and the path in it when it is JSON that is kept as text.
type place struct {
	field  int
	inside []string
	member string // of the elements, for a list
}

type check struct {
	place
	value   string
	missing bool
}

// need is what the schema requires of an object: one of some members, at most maxNeeds of them in an object. An object
// that has none of them gets unknown.
type need struct {
	names   []string
	unknown []byte
}

const maxNeeds = 2

// needed returns what the schema requires of objects of a name. Where it wants a text and nothing is known, its guide
// asks for "unknown".
func needed(object string) []need {
	var needs []need
	for _, of := range [][2]string{
		{"src_endpoint dst_endpoint", "name ip uid hostname svc_name instance_uid interface_uid domain"},
		{"user", "name uid account"},
		{"account service firewall_rule finding_info cve related_events", "uid name"},
		{"request", "uid"},
		{"policy idp resources product feature groups group", "name uid"},
		{"api", "operation"},
		{"url", "path url_string"},
		{"query", "hostname"},
		{"answers", "rdata"},
		{"remediation", "desc"},
		{"tls cvss affected_packages", "version"},
		{"http_headers affected_packages", "name"},
		{"http_headers", "value"},
		{"location", "country"},
	} {
		if slices.Contains(strings.Fields(of[0]), object) {
			names := strings.Fields(of[1])
			needs = append(needs, need{names, []byte(`"` + names[0] + `":"unknown"`)})
		}
	}
	if object == "actor" {
		needs = append(needs, need{[]string{"user", "session", "invoked_by"}, []byte(`"user":{"name":"unknown"}`)})
	}
	return needs
}

// plans returns the plans of a format: for records, and for those that EventBridge has wrapped.
func (s *source) plans() []*plan {
	all := []*plan{s.plan("")}
	if s.within != "" {
		all = append(all, s.plan(s.within+"."))
	}
	return all
}

func (s *source) plan(within string) *plan {
	p := &plan{root: newNode(), index: map[string]int{}, choose: s.choose}
	for key := range strings.FieldsSeq(s.keys) {
		p.place(key, within)
	}
	base := baseEvent()
	for _, c := range append([]class{base}, s.classes...) {
		t := &target{}
		for _, l := range parse("activity = "+c.activity, s.all, c.table) {
			s.add(p, t, &c, &l, l.target, within, "")
		}
		for path := range strings.FieldsSeq(c.must) {
			t.at(path).must = true
		}
		p.classes = append(p.classes, t)
	}
	p.root.merge()
	return p
}

// place returns where a field is, and remembers to look for it.
func (p *plan) place(field, within string) place {
	outer, inside, _ := strings.Cut(field, ">")
	outer, member, isList := strings.Cut(outer, "[].")
	at, ok := p.index[outer]
	n := p.root.at(within + outer)
	if !ok {
		at = len(p.index)
		p.index[outer] = at
		n.field = at
	}
	one := place{field: at}
	if inside != "" {
		one.inside = strings.Split(inside, ">")
	}
	if isList {
		one.member = member
		k := kinds()["text"]
		n.element().at(member).kind = &k
	}
	return one
}

// at returns the node at a path below n, and makes it when it is not there.
func (n *node) at(path string) *node {
	for name := range strings.SplitSeq(path, ".") {
		name, isFirst := strings.CutSuffix(name, "[0]")
		if n.kids == nil {
			n.kids = map[string]*node{}
		}
		kid := n.kids[name]
		if kid == nil {
			kid = newNode()
			n.kids[name] = kid
		}
		n = kid
		if isFirst {
			if n.first == nil {
				n.first = newNode()
			}
			n = n.first
		}
	}
	return n
}

func (n *node) element() *node {
	if n.each == nil {
		n.each = newNode()
	}
	return n.each
}

// merge lets the first element of an array, and what is one object in the place of an array, have what all elements
// have.
func (n *node) merge() {
	for kid := range maps.Values(n.kids) {
		kid.merge()
		if kid.first != nil {
			kid.first.merge()
		}
		if kid.each == nil {
			continue
		}
		for name, one := range kid.each.kids {
			if kid.first != nil && kid.first.kids[name] == nil {
				kid.first.kids[name] = one
			}
			if kid.kids == nil {
				kid.kids = map[string]*node{}
			}
			if kid.kids[name] == nil {
				kid.kids[name] = one
			}
		}
	}
}

// at returns the target at a path below t, and makes it when it is not there.
func (t *target) at(path string) *target {
	for name := range strings.SplitSeq(path, ".") {
		i := slices.IndexFunc(t.kids, func(kid *target) bool { return kid.name == name })
		if i < 0 {
			t.kids = append(t.kids, &target{name: name, key: []byte(`"` + name + `":`), needs: needed(name)})
			i = len(t.kids) - 1
		}
		t = t.kids[i]
	}
	return t
}

// add adds a line to the targets of a class. Above is the path of the array that the line's attribute is in.
func (s *source) add(p *plan, t *target, c *class, l *line, attribute, within, above string) {
	if array, member, ok := strings.Cut(attribute, "[]."); ok {
		s.addEach(p, t.at(array), c, l, member, within, above+array+"[].")
		return
	}
	name := attribute
	if l.kind == "time" || s.isEnum(l.kind) {
		name += " " // no target has it
	}
	one := &leaf{constant: []byte(l.constant), special: l.kind, observed: observed(above + attribute)}
	to := t.at(name)
	to.leaves = append(to.leaves, one)
	for _, field := range l.fields {
		one.fields = append(one.fields, p.place(field, within))
	}
	for _, c := range l.conditions {
		one.conditions = append(one.conditions, check{p.place(c.field, within), c.value, c.missing})
	}
	k, known := kinds()[l.kind]
	one.kind = k
	if s.isEnum(l.kind) {
		e := s.enum(l.kind)
		one.enum, one.numbers, known = &e, e.members(c, attribute), true
	}
	if special, _, _ := strings.Cut(l.kind, "("); !known && !slices.Contains(specials(), special) {
		panic(fmt.Sprintf("%s: no kind is called %q", s.format, l.kind)) // of a table of ours
	}
}

// specials are the kinds that writer.leaf knows.
func specials() []string { return []string{"time", "hop", "path", "header", "headers"} }

func (s *source) isEnum(kind string) bool {
	_, ok := s.enums[kind]
	return ok || kind == "base" || kind == "informational"
}

// enum returns the enum of a kind.
func (s *source) enum(kind string) enum {
	switch kind {
	case "base":
		return enum{captions: map[int]string{0: "Unknown"}, number: always(0)}
	case "informational":
		return enum{captions: map[int]string{1: "Informational"}, number: always(1), without: 1}
	}
	return s.enums[kind]
}

// members returns the members for the numbers of an enum. An activity goes with its class.
func (e *enum) members(c *class, attribute string) map[int][]byte {
	name := attribute[strings.LastIndexByte(attribute, '.')+1:]
	all := map[int][]byte{}
	captions := maps.Clone(e.captions)
	captions[other] = "Other"
	for n, caption := range captions {
		b := fmt.Appendf(nil, `"%s_id":%d`, name, n)
		if name == "activity" {
			b = fmt.Appendf(b, `,"category_name":%q,"category_uid":%d,"class_name":%q,"class_uid":%d`,
				c.category, c.uid/1000, c.name, c.uid)
			b = fmt.Appendf(b, `,"type_uid":%d,"type_name":%q`, 100*c.uid+n, c.name+": "+caption)
		}
		b = fmt.Appendf(b, `,"%s%s":`, name, map[bool]string{true: "_name"}[name == "activity"])
		if n != other && !e.verbatim {
			b = quote.AppendString(b, caption)
		}
		all[n] = b
	}
	return all
}

// addEach adds a line for the elements of an array.
func (s *source) addEach(p *plan, t *target, c *class, l *line, attribute, within, above string) {
	field, member, _ := strings.Cut(l.fields[0], "[]")
	if t.each == 0 {
		sub := &plan{root: newNode(), index: map[string]int{}, classes: []*target{{needs: t.needs}}}
		p.subs = append(p.subs, sub)
		t.each, t.array = len(p.subs), p.place(field, within).field
	}
	sub := p.subs[t.each-1]
	inner := *l
	inner.fields = nil
	if member != "" { // otherwise the elements are texts
		for _, one := range l.fields {
			inner.fields = append(inner.fields, strings.TrimPrefix(one, field+"[]."))
		}
	}
	s.add(sub, sub.classes[0], c, &inner, attribute, "", above)
	// What the elements have is in the event when it is of the kind.
	each := p.root.at(within + field).element()
	k, ok := kinds()[l.kind]
	if !ok {
		k = kinds()["text"]
	}
	for _, path := range inner.fields {
		n := each
		for more := true; more; {
			var member string
			member, path, more = strings.Cut(path, "[].")
			if n = n.at(member); more {
				n = n.element()
			}
		}
		n.kind = &k
	}
}

// observed returns what an observable begins with whose value is that of an attribute. AWS has them for addresses,
// names of hosts and users, and the ids of resources.
func observed(attribute string) []byte {
	last := attribute[strings.LastIndexByte(attribute, '.')+1:]
	id, of := 0, ""
	switch {
	case last == "ip":
		id, of = 2, "IP Address"
	case last == "hostname" || attribute == "src_endpoint.domain":
		id, of = 1, "Hostname"
	case strings.HasSuffix(attribute, "user.name"):
		id, of = 4, "User Name"
	case strings.HasSuffix(attribute, "url.path"):
		id, of = 6, "URL String"
	case strings.HasSuffix(attribute, "endpoint.uid"), last == "instance_uid", attribute == "resources[].uid",
		attribute == "firewall_rule.uid":
		id, of = 10, "Resource UID"
	default:
		return nil
	}
	return []byte(`{"name":"` + attribute + `","type":"` + of + `","type_id":` + strconv.Itoa(id) + `,"value":`)
}

// fields appends the attributes below t with their types.
func (t *target) fields(p *plan, dst []Field, above string) []Field {
	if above == "" {
		for _, name := range []string{"category_uid", "class_uid", "type_uid"} {
			dst = append(dst, Field{name, "long"})
		}
		dst = append(dst, Field{"observables.type_id", "long"}, Field{"raw_data", "text"})
	}
	for _, kid := range t.kids {
		path := above + strings.TrimSpace(kid.name)
		if kid.each > 0 {
			sub := p.subs[kid.each-1]
			dst = sub.classes[0].fields(sub, dst, path+".")
			continue
		}
		if len(kid.leaves) == 0 {
			dst = kid.fields(p, dst, path+".")
			continue
		}
		switch l := kid.leaves[0]; {
		case l.special == "time":
			dst = append(dst, Field{path, "date"}, Field{path + "_dt", "date"})
		case l.enum != nil:
			dst = append(dst, Field{path + "_id", "long"})
		case l.kind.as != "":
			dst = append(dst, Field{path, l.kind.as})
		}
	}
	return dst
}
