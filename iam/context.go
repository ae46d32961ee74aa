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
	facts *facts         // shared by copies, and so never changed
	keys  []conditionKey // of others; few: looked through from the front
}

// conditionKey is a key in lower case with its values, at least one.
type conditionKey struct {
	name   string
	values []string
}

// facts are the values of keys that requests have, by their places in factNames; an empty one is absent.
type facts [len(factNames)]string

const (
	currentTime = iota
	epochTime
	principalType
	userID
	principalARN
	principalAccount
	principalOrgID
	tokenIssueTime
	userName
	vpcSourceIP
	sourceIP
	sourceVPC
	sourceVPCE
	userAgent
	referer
	requestedRegion
	resourceAccount
)

// factNames are keys in lower case.
var factNames = [...]string{
	currentTime: "aws:currenttime", epochTime: "aws:epochtime", principalType: "aws:principaltype",
	userID: "aws:userid", principalARN: "aws:principalarn", principalAccount: "aws:principalaccount",
	principalOrgID: "aws:principalorgid", tokenIssueTime: "aws:tokenissuetime", userName: "aws:username",
	vpcSourceIP: "aws:vpcsourceip", sourceIP: "aws:sourceip", sourceVPC: "aws:sourcevpc", sourceVPCE: "aws:sourcevpce",
	userAgent: "aws:useragent", referer: "aws:referer", requestedRegion: "aws:requestedregion",
	resourceAccount: "aws:resourceaccount",
}

// fact returns the place of a key in lower case among the facts that are known, -1 when it is none of them.
func (c *Context) fact(key string) int {
	if c.facts == nil {
		return -1
	}
	for i := range factNames {
		if factNames[i] == key && c.facts[i] != "" {
			return i
		}
	}
	return -1
}

// Set gives a key its values in place of earlier ones. Without values the key is absent.
func (c *Context) Set(key string, values ...string) {
	key = strings.ToLower(key)
	if i := c.fact(key); i >= 0 {
		others := *c.facts
		others[i] = ""
		c.facts = &others
	}
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
	if i := c.fact(key); i >= 0 {
		return c.facts[i : i+1 : i+1]
	}
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
		all := slices.Clone(c.keys)
		for i := range factNames {
			if c.facts != nil && c.facts[i] != "" {
				all = append(all, conditionKey{factNames[i], c.facts[i : i+1 : i+1]})
			}
		}
		slices.SortFunc(all, func(x, y conditionKey) int { return strings.Compare(x.name, y.name) })
		for _, k := range all {
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
	now := f.Time
	if now.IsZero() {
		now = time.Now()
	}
	instant, number, issued, address := spelled(now, &f)
	known := &facts{
		currentTime: instant, epochTime: number, principalType: string(p.Kind()), userID: "anonymous",
		sourceVPC: f.SourceVPC, sourceVPCE: f.SourceVPCE, userAgent: f.UserAgent, referer: f.Referer,
	}
	if p.kind != "" {
		known[userID], known[principalARN], known[principalAccount] = p.id, p.PrincipalARN(), p.account
		known[principalOrgID], known[tokenIssueTime] = f.OrgID, issued
	}
	if p.kind == KindUser {
		known[userName] = p.name
	}
	if f.SourceVPC != "" || f.SourceVPCE != "" {
		known[vpcSourceIP] = address
	} else {
		known[sourceIP] = address
	}
	if seg, ok := splitARN(f.Resource); ok {
		known[requestedRegion], known[resourceAccount] = seg[3], seg[4]
	}
	c := Context{facts: known}
	for k, v := range f.ResourceTags {
		c.Set("aws:ResourceTag/"+k, v)
	}
	return c
}

// spelled are the values that are not texts among the facts: when the request is judged, in two notations, when the
// credentials were issued, and the caller's address. They share their memory.
func spelled(now time.Time, f *Facts) (instant, number, issued, address string) {
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
