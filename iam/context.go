package iam

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Context holds the condition keys of a request and their values. Keys have no case. The zero value is empty and ready
// to use. A Context must not be changed while a request is evaluated.
type Context struct {
	keys map[string][]string // by key in lower case; never an empty list
}

// Set gives a key its values in place of earlier ones. Without values the key is absent.
func (c *Context) Set(key string, values ...string) {
	key = strings.ToLower(key)
	if len(values) == 0 {
		delete(c.keys, key)
		return
	}
	if c.keys == nil {
		c.keys = make(map[string][]string, 24)
	}
	c.keys[key] = values
}

// Values are the values of a key, nil when it is absent. The caller must not change them.
func (c *Context) Values(key string) []string { return c.keys[strings.ToLower(key)] }

// lower is Values for a key that is in lower case already.
func (c *Context) lower(key string) []string { return c.keys[key] }

// All yields keys, in lower case and sorted, with their values.
func (c *Context) All() iter.Seq2[string, []string] {
	return func(yield func(string, []string) bool) {
		for _, k := range slices.Sorted(maps.Keys(c.keys)) {
			if !yield(k, c.keys[k]) {
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
	var c Context
	set := func(key, value string) {
		if value != "" {
			c.Set(key, value)
		}
	}
	now := f.Time
	if now.IsZero() {
		now = time.Now()
	}
	set("aws:CurrentTime", now.UTC().Format(time.RFC3339))
	set("aws:EpochTime", strconv.FormatInt(now.Unix(), 10))
	set("aws:PrincipalType", string(p.Kind()))
	if p.kind == "" {
		set("aws:userid", "anonymous")
	} else {
		set("aws:userid", p.id)
		set("aws:PrincipalArn", p.PrincipalARN())
		set("aws:PrincipalAccount", p.account)
		set("aws:PrincipalOrgID", f.OrgID)
	}
	if p.kind == KindUser {
		set("aws:username", p.name)
	}
	if p.kind != "" && !f.TokenIssued.IsZero() {
		set("aws:TokenIssueTime", f.TokenIssued.UTC().Format(time.RFC3339))
	}
	if f.SourceIP.IsValid() {
		key := "aws:SourceIp"
		if f.SourceVPC != "" || f.SourceVPCE != "" {
			key = "aws:VpcSourceIp"
		}
		set(key, f.SourceIP.Unmap().WithZone("").String())
	}
	set("aws:SourceVpc", f.SourceVPC)
	set("aws:SourceVpce", f.SourceVPCE)
	set("aws:UserAgent", f.UserAgent)
	set("aws:Referer", f.Referer)
	if seg, ok := splitARN(f.Resource); ok {
		set("aws:RequestedRegion", seg[3])
		set("aws:ResourceAccount", seg[4])
	}
	for k, v := range f.ResourceTags {
		c.Set("aws:ResourceTag/"+k, v)
	}
	return c
}
