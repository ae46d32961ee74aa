package iam

import (
	"fmt"
	"strings"
)

// Kind says what sort of caller a principal is. Its text is the value of aws:PrincipalType.
type Kind string

// The kinds of callers.
const (
	KindAnonymous     Kind = "Anonymous"
	KindRoot          Kind = "Account"
	KindUser          Kind = "User"
	KindRoleSession   Kind = "AssumedRole"
	KindFederatedUser Kind = "FederatedUser"
)

// Principal is who makes a request. The zero value is the anonymous caller.
type Principal struct {
	kind      Kind
	arn       string
	partition string
	account   string
	name      string // the user's, the role's or the federated user's
	issuer    string // ARN of the role behind a session, or of the user behind a federated one
	issuerOK  bool   // the issuer was given, not guessed
	id        string
}

// Anonymous is the caller who does not sign.
func Anonymous() Principal { return Principal{} }

// ParsePrincipal reads who calls: "anonymous" or "*", the ARN of a user, of a role session, of a federated user or of
// an account's root, or an account id, which stands for its root. The role of a session is taken to have no path; use
// [NewRoleSession] when it has one.
func ParsePrincipal(s string) (Principal, error) {
	if s == "" || s == "*" || strings.EqualFold(s, "anonymous") {
		return Principal{}, nil
	}
	if isAccount(s) {
		s = "arn:aws:iam::" + s + ":root"
	}
	seg, ok := splitARN(s)
	if !ok || seg[1] == "" || seg[3] != "" || !isAccount(seg[4]) {
		return Principal{}, fmt.Errorf("parse principal: %q is not the ARN of a user, a role session or an account", s)
	}
	p := Principal{arn: s, partition: seg[1], account: seg[4]}
	kind, rest, _ := strings.Cut(seg[5], "/")
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	switch {
	case seg[2] == "iam" && seg[5] == "root":
		p.kind, p.id = KindRoot, seg[4]
	case seg[2] == "iam" && kind == "user" && isName(name):
		p.kind, p.name = KindUser, name
	case seg[2] == "iam" && kind == "role":
		return Principal{}, fmt.Errorf("parse principal: %q is a role; requests come from its sessions, "+
			"arn:%s:sts::%s:assumed-role/%s/SESSION", s, p.partition, p.account, name)
	case seg[2] == "sts" && kind == "assumed-role":
		role, session, _ := strings.Cut(rest, "/")
		if !isName(role) || !isName(session) {
			return Principal{}, fmt.Errorf("parse principal: %q is not .../assumed-role/ROLE/SESSION", s)
		}
		p.kind, p.name = KindRoleSession, role
		p.issuer = "arn:" + p.partition + ":iam::" + p.account + ":role/" + role
	case seg[2] == "sts" && kind == "federated-user" && isName(rest):
		p.kind, p.name, p.id = KindFederatedUser, rest, seg[4]+":"+rest
	default:
		return Principal{}, fmt.Errorf("parse principal: %q is not the ARN of a user, a role session or an account", s)
	}
	return p, nil
}

// NewUser is an IAM user. ID is the unique id (AIDA…), and may be empty.
func NewUser(arn, id string) (Principal, error) {
	p, err := ParsePrincipal(arn)
	if err == nil && p.kind != KindUser {
		err = fmt.Errorf("parse principal: %q is not the ARN of a user", arn)
	}
	if err != nil {
		return Principal{}, err
	}
	p.id = id
	return p, nil
}

// NewRoleSession is a session of a role. A session's ARN leaves out the path that a role's ARN may have, so both are
// needed to tell what the session may do. ID is the role's unique id (AROA…) or the whole aws:userid
// (AROA…:SESSION), and may be empty.
func NewRoleSession(sessionARN, roleARN, id string) (Principal, error) {
	p, err := ParsePrincipal(sessionARN)
	if err != nil {
		return Principal{}, err
	}
	role, ok := splitARN(roleARN)
	path, isRole := strings.CutPrefix(role[5], "role/")
	if p.kind != KindRoleSession || !ok || !isRole || role[1] != p.partition || role[2] != "iam" || role[4] != p.account ||
		path[strings.LastIndexByte(path, '/')+1:] != p.name {
		return Principal{}, fmt.Errorf("parse principal: %q is not a session of %q", sessionARN, roleARN)
	}
	p.issuer, p.issuerOK = roleARN, true
	if id != "" && !strings.Contains(id, ":") {
		id += ":" + sessionARN[strings.LastIndexByte(sessionARN, '/')+1:]
	}
	p.id = id
	return p, nil
}

// NewFederatedUser is a session from GetFederationToken, called by the user userARN.
func NewFederatedUser(arn, userARN string) (Principal, error) {
	p, err := ParsePrincipal(arn)
	if err != nil {
		return Principal{}, err
	}
	u, err := ParsePrincipal(userARN)
	if err != nil {
		return Principal{}, err
	}
	if p.kind != KindFederatedUser || u.kind != KindUser && u.kind != KindRoot || u.account != p.account {
		return Principal{}, fmt.Errorf("parse principal: %q is not a federated user of %q", arn, userARN)
	}
	p.issuer, p.issuerOK = userARN, true
	return p, nil
}

// Kind is what sort of caller this is.
func (p Principal) Kind() Kind {
	if p.kind == "" {
		return KindAnonymous
	}
	return p.kind
}

// ARN is the caller's ARN, as messages have it; empty for the anonymous caller.
func (p Principal) ARN() string { return p.arn }

// Account is the caller's account; empty for the anonymous caller.
func (p Principal) Account() string { return p.account }

// PrincipalARN is the value of aws:PrincipalArn, which for a role session is the ARN of the role.
func (p Principal) PrincipalARN() string {
	if p.kind == KindRoleSession {
		return p.issuer
	}
	return p.arn
}

// String is the caller as the service names it: an ARN, or "anonymous".
func (p Principal) String() string {
	if p.arn == "" {
		return "anonymous"
	}
	return p.arn
}

// isName accepts the characters of user, role and session names.
func isName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		b := s[i]
		isAlphanumeric := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
		if !isAlphanumeric && strings.IndexByte("_+=,.@-", b) < 0 {
			return false
		}
	}
	return true
}

// grant says how a resource policy names the caller. It decides which other policies have to allow too.
type grant uint8

const (
	grantNone grant = iota
	// grantAccount names the account: it only delegates, an identity policy must allow too.
	grantAccount
	// grantIssuer names the role behind a session, or the user behind a federated one: the boundary and the session
	// policies limit it.
	grantIssuer
	// grantDirect names the caller itself, or everyone: nothing but an explicit deny limits it.
	grantDirect
)

type entryKind uint8

const (
	entryEveryone entryKind = iota
	entryAccount
	entryARN    // a user, a role session or a federated user
	entryRole   // by ARN
	entryUserID // AIDA…
	entryRoleID // AROA…
	entryOther  // services and identity providers, which do not call domains
)

// principalEntry is one value of a Principal element.
type principalEntry struct {
	kind    entryKind
	text    string // as written
	account string // entryAccount, entryRole, entryARN
	// partition is empty for an account that is given by its number.
	partition string
	name      string // entryRole: without its path
}

func (e *principalEntry) grants(p *Principal) grant {
	switch {
	case e.kind == entryEveryone:
		return grantDirect
	case p.kind == "":
		return grantNone
	case e.kind == entryAccount && e.account == p.account && (e.partition == "" || e.partition == p.partition):
		if p.kind == KindRoot {
			return grantDirect
		}
		return grantAccount
	case e.kind == entryARN && e.text == p.arn:
		return grantDirect
	case e.kind == entryARN && p.kind == KindFederatedUser && e.text == p.issuer:
		return grantIssuer
	case e.kind == entryRole && p.kind == KindRoleSession && e.isRoleOf(p):
		return grantIssuer
	case e.kind == entryUserID && p.kind == KindUser && e.text == p.id:
		return grantDirect
	case e.kind == entryRoleID && p.kind == KindRoleSession:
		if id, _, _ := strings.Cut(p.id, ":"); id == e.text {
			return grantIssuer
		}
	}
	return grantNone
}

// isRoleOf reports whether the entry is the role behind a session. When the role's path is not known, the name decides:
// role names are unique in an account.
func (e *principalEntry) isRoleOf(p *Principal) bool {
	if p.issuerOK {
		return e.text == p.issuer
	}
	return e.partition == p.partition && e.account == p.account && e.name == p.name
}
