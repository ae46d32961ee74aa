package iam

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// choice is one way in which a request may have a key.
type choice struct {
	label  string
	values []string // none: the request lacks the key
	at     time.Time
}

// aspect is a key of the request that conditions look at, with the values that they tell apart.
type aspect struct {
	key     string
	choices []choice
	exact   bool
}

const timeAspect = "aws:currenttime"

// aspectsOf finds what the conditions of statements tell apart, in the order of the keys.
func aspectsOf(statements []statement) []aspect {
	conditions := map[string][]*condition{}
	var keys []string
	add := func(key string, c *condition) {
		if key == "aws:epochtime" {
			key = timeAspect
		}
		if isCallerKey(key) || !mayHave(key) {
			return
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
		if c != nil {
			conditions[key] = append(conditions[key], c)
		}
	}
	for i := range statements {
		for j := range statements[i].conditions {
			c := &statements[i].conditions[j]
			add(c.key, c)
		}
		for key := range statements[i].keys {
			add(key, nil) // those of policy variables too
		}
	}
	slices.Sort(keys)
	all := make([]aspect, 0, len(keys))
	for _, key := range keys {
		all = append(all, aspectOf(key, conditions[key]))
	}
	return all
}

// mayHave reports whether a request to a domain can have a key that does not follow from the domain.
func mayHave(key string) bool {
	switch key {
	case "aws:securetransport", "aws:resourceaccount", "aws:requestedregion":
		return false
	}
	return strings.HasPrefix(key, "aws:") && IsRequestKey(key) && !strings.HasPrefix(key, "aws:principaltag/")
}

func aspectOf(key string, conditions []*condition) aspect {
	a := aspect{key: key, exact: true}
	var blocks []netip.Prefix
	var times []time.Time
	var texts []begun
	var literals []string
	for _, c := range conditions {
		for i, v := range c.values {
			switch {
			case c.null:
			case i < len(c.parsed):
				switch v := c.parsed[i].(type) {
				case netip.Prefix:
					blocks = append(blocks, v)
				case time.Time:
					times = append(times, v)
				case float64:
					times = append(times, time.Unix(int64(v), 0))
					a.exact = a.exact && key == timeAspect && v == float64(int64(v))
				default:
					a.exact = false
				}
			case i < len(c.patterns) && c.patterns[i].hasVariables():
				a.exact = false
				literals = append(literals, c.patterns[i].shortest())
			default:
				texts = append(texts, begun{pattern: c.patterns[i]})
				if strings.Contains(c.operator, "IgnoreCase") {
					literals = append(literals, strings.ToUpper(v), strings.ToLower(v))
				}
			}
		}
	}
	name := keyName(key)
	switch {
	case key == timeAspect:
		a.times(times)
		a.exact = a.exact && len(texts) == 0
		return a
	case len(blocks) > 0:
		a.addresses(blocks)
		a.exact = a.exact && len(texts) == 0
	case len(times) > 0:
		a.times(times)
		for i := range a.choices {
			a.choices[i].values = []string{a.choices[i].at.UTC().Format(time.RFC3339)}
			a.choices[i].label = name + " " + a.choices[i].label
			a.choices[i].at = time.Time{}
		}
	default:
		kinds, exact := kindsOf(texts, "", literals, maxWork/100)
		a.exact = a.exact && exact
		for _, k := range kinds {
			label := fmt.Sprintf("%s %q", name, k.example)
			if !slices.Contains(k.fits, true) && !slices.Contains(literals, k.example) {
				label = "another " + name
				if len(texts)+len(literals) == 0 {
					label = "some " + name
				}
			}
			if k.example != "" { // a key without a value is absent
				a.choices = append(a.choices, choice{label: label, values: []string{k.example}})
			}
		}
	}
	absent := "no " + name
	if key == "aws:sourceip" {
		absent = "through a VPC endpoint"
	}
	a.choices = append(a.choices, choice{label: absent})
	return a
}

// keyName is a key as the documentation writes it.
func keyName(key string) string {
	for _, name := range []string{
		"aws:SourceIp", "aws:VpcSourceIp", "aws:SourceVpc", "aws:SourceVpce", "aws:UserAgent", "aws:Referer",
		"aws:PrincipalOrgID", "aws:TokenIssueTime",
	} {
		if strings.EqualFold(name, key) {
			return name
		}
	}
	return key
}

// addresses tells addresses apart by blocks: which are in each but in none of the smaller ones inside it, and which are
// in none.
func (a *aspect) addresses(blocks []netip.Prefix) {
	slices.SortStableFunc(blocks, func(x, y netip.Prefix) int { return y.Bits() - x.Bits() })
	var unique []netip.Prefix
	for _, b := range blocks {
		if !slices.Contains(unique, b) {
			unique = append(unique, b)
		}
	}
	for i, b := range unique {
		if addr, ok := outside(b, unique[:i]); ok {
			label := []string{"from " + blockText(b)}
			for _, inner := range unique[:i] {
				if b.Overlaps(inner) {
					label = append(label, "without "+blockText(inner))
				}
			}
			a.choices = append(a.choices, choice{label: strings.Join(label, " "), values: []string{addr.String()}})
		}
	}
	for _, all := range []string{"0.0.0.0/0", "::/0"} {
		if addr, ok := outside(netip.MustParsePrefix(all), unique); ok {
			a.choices = append(a.choices, choice{label: "from any other address", values: []string{addr.String()}})
		}
	}
}

// blockText is a block, or the address that is all of it.
func blockText(b netip.Prefix) string {
	if b.IsSingleIP() {
		return b.Addr().String()
	}
	return b.String()
}

// outside is an address of a block that is in none of the others. The first one that is free begins the block, or
// stands behind the end of an inner one.
func outside(b netip.Prefix, inner []netip.Prefix) (netip.Addr, bool) {
	free := func(addr netip.Addr) bool {
		return addr.IsValid() && b.Contains(addr) &&
			!slices.ContainsFunc(inner, func(p netip.Prefix) bool { return p.Contains(addr) })
	}
	if free(b.Addr()) {
		return b.Addr(), true
	}
	for _, p := range inner {
		if addr := lastOf(p).Next(); free(addr) {
			return addr, true
		}
	}
	return netip.Addr{}, false
}

// lastOf is the last address of a block.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < 8*len(b); i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

// times tells times apart: before, at and after each.
func (a *aspect) times(times []time.Time) {
	slices.SortFunc(times, time.Time.Compare)
	times = slices.CompactFunc(times, time.Time.Equal)
	if len(times) == 0 {
		a.choices = append(a.choices, choice{label: "at any time", at: time.Unix(0, 0)})
		return
	}
	show := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	a.choices = append(a.choices, choice{label: "before " + show(times[0]), at: times[0].Add(-time.Second)})
	for i, t := range times {
		a.choices = append(a.choices, choice{label: "at " + show(t), at: t})
		switch {
		case i+1 == len(times):
			a.choices = append(a.choices, choice{label: "after " + show(t), at: t.Add(time.Second)})
		case times[i+1].Sub(t) > time.Second:
			a.choices = append(a.choices, choice{
				label: "between " + show(t) + " and " + show(times[i+1]), at: t.Add(time.Second),
			})
		}
	}
}

// maxSituations bounds the combinations of choices that are looked at.
const maxSituations = 512

// situation is one choice for each aspect, by index.
type situation []int

// situations are the combinations of choices. With exact false there are more than so many of them, and each choice is
// looked at beside the first one of the others.
func situations(aspects []aspect, p Principal, most int) (all []situation, exact bool) {
	n := 1
	for _, a := range aspects {
		n = min(n*len(a.choices), most+1)
	}
	if n > most {
		all = append(all, make(situation, len(aspects)))
		for i, a := range aspects {
			for j := 1; j < len(a.choices); j++ {
				s := make(situation, len(aspects))
				s[i] = j
				all = append(all, s)
			}
		}
		return slices.DeleteFunc(all, func(s situation) bool { return !possible(aspects, s, p) }), false
	}
	all = []situation{{}}
	for _, a := range aspects {
		var longer []situation
		for _, s := range all {
			for j := range a.choices {
				longer = append(longer, append(slices.Clone(s), j))
			}
		}
		all = longer
	}
	return slices.DeleteFunc(all, func(s situation) bool { return !possible(aspects, s, p) }), true
}

// possible reports whether a request of a caller can be in a situation: one that comes through a VPC endpoint has no
// aws:SourceIp, and only temporary credentials have a time at which they were issued.
func possible(aspects []aspect, s situation, p Principal) bool {
	public, private := false, false
	for i, a := range aspects {
		has := len(a.choices[s[i]].values) > 0
		switch a.key {
		case "aws:tokenissuetime":
			if has && p.kind != KindRoleSession && p.kind != KindFederatedUser {
				return false
			}
		case "aws:principalorgid":
			if has && p.kind == "" {
				return false
			}
		case "aws:sourceip":
			public = has
		case "aws:vpcsourceip", "aws:sourcevpc", "aws:sourcevpce":
			private = private || has
		}
	}
	return !public || !private
}

// context makes the keys of a request in a situation.
func (s situation) context(aspects []aspect, p Principal, d Domain) Context {
	f := Facts{Time: time.Unix(0, 0), Resource: d.Resource("/")}
	for i, a := range aspects {
		if a.key == timeAspect {
			f.Time = a.choices[s[i]].at
		}
	}
	c := NewContext(p, f)
	c.Set("aws:EpochTime", strconv.FormatInt(f.Time.Unix(), 10))
	for i, a := range aspects {
		if a.key != timeAspect {
			c.Set(a.key, a.choices[s[i]].values...)
		}
	}
	return c
}
