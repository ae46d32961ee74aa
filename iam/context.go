package iam

import (
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Context holds the condition keys of a request and their values. Keys have no case. The zero value is empty and ready
// to use. A Context must not be changed while a request is evaluated; a copy is not changed with it.
type Context struct {
	keys []conditionKey // few: looked through from the front
}

// conditionKey is a key in lower case with its values, at least one.
type conditionKey struct {
	name   string
	values []string
}

// Set gives a key its values in place of earlier ones. Without values the key is absent.
func (c *Context) Set(key string, values ...string) {
	key = strings.ToLower(key)
	others := make([]conditionKey, 0, len(c.keys)+1)
	for _, k := range c.keys {
		if k.name != key {
			others = append(others, k)
		}
	}
	if c.keys = others; len(values) > 0 {
		c.keys = append(c.keys, conditionKey{key, values})
	}
}

// Values are the values of a key, nil when it is absent. The caller must not change them.
func (c *Context) Values(key string) []string { return c.lower(strings.ToLower(key)) }

// lower is Values for a key that is in lower case already.
func (c *Context) lower(key string) []string {
	for i := range c.keys {
		if c.keys[i].name == key {
			return c.keys[i].values
		}
	}
	return nil
}

// All yields keys, in lower case and sorted, with their values.
func (c *Context) All() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for _, k := range slices.SortedFunc(slices.Values(c.keys), func(x, y conditionKey) int {
			return strings.Compare(x.name, y.name)
		}) {
			if !yield(k.name, k.values) {
				return
			}
		}
	}
}

// Facts are what is known of a request besides who makes it. Each zero field leaves its condition keys absent, unless
// it says otherwise.
type Facts struct {
	// Time is when the request is judged, for aws:CurrentTime and aws:EpochTime; now, when zero.
	Time time.Time
	// SourceIP is the address of the caller as the domain sees it: aws:SourceIp, or aws:VpcSourceIp through a VPC
	// endpoint, where aws:SourceIp is absent.
	SourceIP netip.Addr
	// SourceVPC and SourceVPCE name the VPC and the VPC endpoint that the request comes through.
	SourceVPC, SourceVPCE string
	UserAgent, Referer    string
	// TokenIssued is when temporary credentials were issued. It is ignored for callers that have none.
	TokenIssued time.Time
	// OrgID is the organization of the caller's account.
	OrgID string
	// Resource is what is asked for; it gives aws:ResourceAccount and aws:RequestedRegion.
	Resource string
	// ResourceTags are the domain's tags.
	ResourceTags map[string]string
}

// NewContext makes the condition keys of a request to a domain. The service does not support aws:SecureTransport and
// aws:PrincipalTag there, so they are absent.
func NewContext(p Principal, f Facts) Context {
	const most = 15 // keys that are set here, besides those of tags
	c := Context{keys: make([]conditionKey, 0, most+len(f.ResourceTags))}
	values := make([]string, 0, most)
	set := func(lower, value string) {
		if value != "" {
			values = append(values, value)
			c.keys = append(c.keys, conditionKey{lower, values[len(values)-1 : len(values) : len(values)]})
		}
	}
	now := f.Time
	if now.IsZero() {
		now = time.Now()
	}
	instant, number, issued, address := spelled(now, f)
	set("aws:currenttime", instant)
	set("aws:epochtime", number)
	set("aws:principaltype", string(p.Kind()))
	if p.kind == "" {
		set("aws:userid", "anonymous")
	} else {
		set("aws:userid", p.id)
		set("aws:principalarn", p.PrincipalARN())
		set("aws:principalaccount", p.account)
		set("aws:principalorgid", f.OrgID)
		set("aws:tokenissuetime", issued)
	}
	if p.kind == KindUser {
		set("aws:username", p.name)
	}
	if f.SourceVPC != "" || f.SourceVPCE != "" {
		set("aws:vpcsourceip", address)
	} else {
		set("aws:sourceip", address)
	}
	set("aws:sourcevpc", f.SourceVPC)
	set("aws:sourcevpce", f.SourceVPCE)
	set("aws:useragent", f.UserAgent)
	set("aws:referer", f.Referer)
	if seg, ok := splitARN(f.Resource); ok {
		set("aws:requestedregion", seg[3])
		set("aws:resourceaccount", seg[4])
	}
	for k, v := range f.ResourceTags {
		c.Set("aws:ResourceTag/"+k, v)
	}
	return c
}

// spelled are the values that are not texts among the facts: when the request is judged, in two notations, when the
// credentials were issued, and the caller's address. They share their memory.
func spelled(now time.Time, f Facts) (instant, number, issued, address string) {
	var room [96]byte
	all := now.UTC().AppendFormat(room[:0], time.RFC3339)
	first := len(all)
	all = strconv.AppendInt(all, now.Unix(), 10)
	second := len(all)
	if !f.TokenIssued.IsZero() {
		all = f.TokenIssued.UTC().AppendFormat(all, time.RFC3339)
	}
	third := len(all)
	if f.SourceIP.IsValid() {
		all = f.SourceIP.Unmap().WithZone("").AppendTo(all)
	}
	text := string(all)
	return text[:first], text[first:second], text[second:third], text[third:]
}
