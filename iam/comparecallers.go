package iam

import (
	"slices"
	"strings"
)

// comparedCaller is somebody whose requests are judged by both policies.
type comparedCaller struct {
	label     string
	principal Principal
}

// someone is the name of those whom no policy names.
const someone = "somebody-else"

// comparedCallers are those whom the policies tell apart: who is named, and somebody else of each account. With exact
// false a condition names callers by a wildcard, of whom there is one.
func comparedCallers(d Domain, policies ...*Policy) (all []comparedCaller, exact bool) {
	c := callers{domain: d, exact: true, partition: PartitionOf(d.Region)}
	if d.Partition != "" {
		c.partition = d.Partition
	}
	c.add("anonymous callers", Anonymous())
	for _, p := range policies {
		for i := range p.statements {
			s := &p.statements[i]
			for j := range s.principals {
				c.entry(&s.principals[j])
			}
			for j := range s.conditions {
				c.condition(&s.conditions[j])
			}
		}
	}
	c.sessionsOfRoles()
	c.account(d.Account, "")
	foreign := "999999999999"
	for slices.Contains(c.accounts, foreign) {
		foreign = foreign[:11] + string(foreign[11]-1)
	}
	c.account(foreign, "another account")
	return c.all, c.exact
}

// callers collects them.
type callers struct {
	domain    Domain
	partition string
	accounts  []string // whose others are among them
	roles     []string // that are named
	sessions  []string // that are named
	all       []comparedCaller
	exact     bool
}

func (c *callers) add(label string, p Principal) {
	if !slices.ContainsFunc(c.all, func(one comparedCaller) bool { return one.principal == p }) {
		c.all = append(c.all, comparedCaller{label, p})
	}
}

// parsed adds a caller by ARN, if it is one.
func (c *callers) parsed(label, arn string) {
	if p, err := ParsePrincipal(arn); err == nil {
		c.add(label, p)
	}
}

// role adds a session of a role by the role's ARN.
func (c *callers) role(label, arn, id string) bool {
	seg, ok := splitARN(arn)
	path, isRole := strings.CutPrefix(seg[5], "role/")
	if !ok || !isRole {
		return false
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	session := "arn:" + seg[1] + ":sts::" + seg[4] + ":assumed-role/" + name + "/" + someone
	p, err := NewRoleSession(session, arn, id)
	if err == nil {
		c.add(label, p)
		c.roles = append(c.roles, arn)
	}
	return err == nil
}

// sessionsOfRoles adds the sessions that are named once more as those of roles that are named: a session's ARN leaves
// out the path of its role.
func (c *callers) sessionsOfRoles() {
	for _, session := range c.sessions {
		for _, role := range c.roles {
			if p, err := NewRoleSession(session, role, ""); err == nil {
				c.add(session+" of "+role, p)
			}
		}
	}
}

// account adds those of an account whom nobody names.
func (c *callers) account(account, label string) {
	if slices.Contains(c.accounts, account) || !isAccount(account) {
		return
	}
	c.accounts = append(c.accounts, account)
	if label == "" {
		label = "account " + account
	}
	iam := "arn:" + c.partition + ":iam::" + account
	c.parsed("other users of "+label, iam+":user/"+someone)
	c.role("sessions of other roles of "+label, iam+":role/"+someone, "")
	c.parsed("the root of "+label, iam+":root")
}

// entry adds whom a Principal element names.
func (c *callers) entry(e *principalEntry) {
	iam := "arn:" + c.partition + ":iam::" + c.domain.Account
	switch e.kind {
	case entryAccount:
		c.account(e.account, "")
	case entryRole:
		c.role("sessions of "+e.text, e.text, "")
	case entryARN:
		c.parsed(e.text, e.text)
		c.sessions = append(c.sessions, e.text)
		if head, session, ok := cutLast(e.text, "/"); ok && strings.Contains(head, ":assumed-role/") && session != someone {
			c.parsed("other sessions of "+head, head+"/"+someone)
		}
	case entryUserID:
		if p, err := NewUser(iam+":user/"+someone, e.text); err == nil {
			c.add("the user "+e.text, p)
		}
	case entryRoleID:
		c.role("sessions of the role "+e.text, iam+":role/"+someone, e.text)
	case entryEveryone, entryOther:
	}
	if e.account != "" {
		c.account(e.account, "")
	}
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// condition adds whom a condition names.
func (c *callers) condition(cond *condition) {
	if !isCallerKey(cond.key) {
		return
	}
	for i, value := range cond.values {
		if i < len(cond.patterns) && !isLiteralPattern(cond.patterns[i]) || cond.key == "aws:userid" {
			c.exact = false
		}
		switch cond.key {
		case "aws:principalarn":
			arn := c.filled(value)
			if !c.role("sessions of "+arn, arn, "") {
				c.parsed(arn, arn)
			}
		case "aws:principalaccount":
			c.account(value, "")
		case "aws:username":
			arn := "arn:" + c.partition + ":iam::" + c.domain.Account + ":user/" + c.filled(value)
			c.parsed(arn, arn)
		case "aws:userid":
			id, _, _ := strings.Cut(c.filled(value), ":")
			switch {
			case isUniqueID(id, "AROA"):
				c.entry(&principalEntry{kind: entryRoleID, text: id})
			case isUniqueID(id, "AIDA"):
				c.entry(&principalEntry{kind: entryUserID, text: id})
			}
		}
	}
}

// filled is a text that a value with wildcards stands for.
func (c *callers) filled(value string) string {
	seg := strings.SplitN(value, ":", 6)
	if len(seg) == 6 {
		seg[1] = strings.NewReplacer("*", c.partition).Replace(seg[1])
		seg[3] = strings.Trim(seg[3], "*")
		if strings.Trim(seg[4], "*?") == "" {
			seg[4] = c.domain.Account
		}
		value = strings.Join(seg, ":")
	}
	return strings.NewReplacer("*", "any", "?", "x").Replace(value)
}

// isCallerKey reports whether a key says who calls, so that its values go with the caller.
func isCallerKey(key string) bool {
	switch key {
	case "aws:principalarn", "aws:principalaccount", "aws:principaltype", "aws:username", "aws:userid":
		return true
	}
	return false
}

// isLiteralPattern reports whether a pattern stands for one text.
func isLiteralPattern(p pattern) bool {
	return !slices.ContainsFunc(p, func(q part) bool { return q.kind != partLiteral })
}
