// Package identity holds the users, roles and sessions that a local domain knows: in a file that people edit, and from
// a small Security Token Service. An [Authenticator] says which of them signed a request, and a [Caller] brings the
// policies by which a gate judges the request.
package identity

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/guard/internal/edge"
	"github.com/seed56735111/penstock/iam"
)

// User is an IAM user that exists on this machine only.
type User struct {
	// ARN is arn:aws:iam::ACCOUNT:user/NAME; a path may stand before the name.
	ARN string `json:"arn"`
	// ID is the unique id, AIDA and 17 letters or digits.
	ID string `json:"id,omitzero"`
	// Keys are the user's access keys.
	Keys []AccessKey `json:"access_keys,omitzero"`
	// Tags are the user's tags.
	Tags map[string]string `json:"tags,omitzero"`
	// Policies are the identity policies. Of several, each grants.
	Policies []jsontext.Value `json:"policies,omitzero"`
	// Boundary is the permissions boundary.
	Boundary jsontext.Value `json:"boundary,omitzero"`
}

// AccessKey is a long-term key.
type AccessKey struct {
	ID       string `json:"id"`
	Secret   Secret `json:"secret"`
	Disabled bool   `json:"disabled,omitzero"`
}

// Role is an IAM role that exists on this machine only.
type Role struct {
	// ARN is arn:aws:iam::ACCOUNT:role/NAME; a path may stand before the name.
	ARN string `json:"arn"`
	// ID is the unique id, AROA and 17 letters or digits.
	ID string `json:"id,omitzero"`
	// Trust lists who may assume the role: ARNs of users, roles or role sessions, account ids or root ARNs (every
	// identity of the account), or "*". An empty list means every identity of the role's own account. The identity
	// policies of the caller are not asked.
	Trust []string `json:"trust,omitzero"`
	// ExternalID, when set, must be given to AssumeRole.
	ExternalID string `json:"external_id,omitzero"`
	// WebIdentity lets holders of a token assume the role.
	WebIdentity *WebIdentity `json:"web_identity,omitzero"`
	// MaxSessionSeconds bounds sessions: 3600 when zero, at most 43200.
	MaxSessionSeconds int `json:"max_session_seconds,omitzero"`
	// Tags are the role's tags.
	Tags map[string]string `json:"tags,omitzero"`
	// Policies are the identity policies. Of several, each grants.
	Policies []jsontext.Value `json:"policies,omitzero"`
	// Boundary is the permissions boundary.
	Boundary jsontext.Value `json:"boundary,omitzero"`
}

// Session is a set of temporary credentials of a user or of a role.
type Session struct {
	AccessKeyID string `json:"access_key_id"`
	Secret      Secret `json:"secret"`
	Token       Secret `json:"token"`
	// Of is the ARN of the user or role whose session it is.
	Of string `json:"of"`
	// Name is the role session name; sessions of users have none.
	Name string `json:"name,omitzero"`
	// Policies are session policies: they limit what the session may do, and grant nothing.
	Policies []jsontext.Value `json:"policies,omitzero"`
	Issued   time.Time        `json:"issued"`
	Expires  time.Time        `json:"expires"`
}

// Credentials are what a client signs with.
type Credentials struct {
	AccessKeyID string
	Secret      Secret
	// Token is empty for long-term keys.
	Token Secret
	// Expires is zero for long-term keys.
	Expires time.Time
	// ARN is the principal that requests signed with them come from.
	ARN string
}

// Caller is the user or session that an access key id belongs to, with its policies. Nil is the anonymous caller.
type Caller struct {
	secret, token Secret
	expires       time.Time
	issued        time.Time
	disabled      bool

	// arn is the ARN of the caller: a user or a role session. principalARN is the ARN of the user or the role, the value
	// of aws:PrincipalArn.
	arn, principalARN string
	account           string
	userID            string // aws:userid
	userName          string // aws:username, users only
	isRole            bool
	tags              map[string]string
	policies          []*iam.Policy
	boundary          *iam.Policy
	sessionPolicies   []*iam.Policy
}

// Name is the caller's name in refusals.
func (c *Caller) Name() string {
	if c == nil {
		return "anonymous"
	}
	return c.arn
}

// Principal is the caller as policies see it.
func (c *Caller) Principal() (iam.Principal, error) {
	switch {
	case c == nil:
		return iam.Anonymous(), nil
	case c.isRole:
		return iam.NewRoleSession(c.arn, c.principalARN, c.userID)
	}
	return iam.NewUser(c.arn, c.userID)
}

// Policies are the policies that decide about a request of the caller to a domain with this access policy.
func (c *Caller) Policies(access *iam.Policy) iam.Policies {
	if c == nil {
		return iam.Policies{Resource: access}
	}
	return iam.Policies{Resource: access, Identity: c.policies, Boundary: c.boundary, Session: c.sessionPolicies}
}

// TokenIssued is when the caller's temporary credentials were issued. It is zero for long-term keys.
func (c *Caller) TokenIssued() time.Time {
	if c == nil {
		return time.Time{}
	}
	return c.issued
}

// book finds callers by access key id, and roles by ARN.
type book struct {
	keys  map[string]*Caller
	users map[string]*Caller
	roles map[string]*roleEntry
}

// roleEntry is a role and what its sessions have in common.
type roleEntry struct {
	Role
	base Caller
}

// newBook checks an identity file as a whole. Errors begin with the place in the file.
func newBook(f *identityFile) (*book, error) {
	b := &book{keys: map[string]*Caller{}, users: map[string]*Caller{}, roles: map[string]*roleEntry{}}
	for i := range f.Users {
		if err := b.addUser(&f.Users[i]); err != nil {
			return nil, fmt.Errorf("users[%d]%w", i, err)
		}
	}
	for i := range f.Roles {
		if err := b.addRole(&f.Roles[i]); err != nil {
			return nil, fmt.Errorf("roles[%d]%w", i, err)
		}
	}
	for i := range f.Sessions {
		id, err := b.session(&f.Sessions[i])
		if err == nil {
			err = b.addKey(f.Sessions[i].AccessKeyID, id)
		}
		if err != nil {
			return nil, fmt.Errorf("sessions[%d]%w", i, err)
		}
	}
	return b, nil
}

func (b *book) addUser(u *User) error {
	a, name, err := parseIAM(u.ARN, "user")
	if err != nil {
		return fmt.Errorf(".arn: %w", err)
	}
	if b.users[u.ARN] != nil {
		return fmt.Errorf(".arn: %s is there twice", u.ARN)
	}
	base := &Caller{arn: u.ARN, principalARN: u.ARN, account: a.Account, userID: u.ID, userName: name, tags: u.Tags}
	if base.policies, err = parsePolicies(u.Policies); err != nil {
		return fmt.Errorf(".policies%w", err)
	}
	if base.boundary, err = parseBoundary(u.Boundary); err != nil {
		return err
	}
	b.users[u.ARN] = base
	for i, k := range u.Keys {
		id := *base
		id.secret, id.disabled = k.Secret, k.Disabled
		if err := b.addKey(k.ID, &id); err != nil {
			return fmt.Errorf(".access_keys[%d]%w", i, err)
		}
	}
	return nil
}

func (b *book) addRole(r *Role) error {
	a, _, err := parseIAM(r.ARN, "role")
	if err != nil {
		return fmt.Errorf(".arn: %w", err)
	}
	if b.roles[r.ARN] != nil {
		return fmt.Errorf(".arn: %s is there twice", r.ARN)
	}
	if r.MaxSessionSeconds < 0 || r.MaxSessionSeconds > maxSessionSeconds {
		return fmt.Errorf(".max_session_seconds: %d is not between 0 and %d", r.MaxSessionSeconds, maxSessionSeconds)
	}
	for i, t := range r.Trust {
		if _, err := edge.ParseARN(t); err != nil && t != "*" && !edge.IsAccount(t) {
			return fmt.Errorf(".trust[%d]: %q is not an ARN, an account id or *", i, t)
		}
	}
	if r.WebIdentity != nil {
		if err := r.WebIdentity.check(); err != nil {
			return fmt.Errorf(".web_identity: %w", err)
		}
	}
	e := &roleEntry{
		Role: *r,
		base: Caller{principalARN: r.ARN, account: a.Account, userID: r.ID, isRole: true, tags: r.Tags},
	}
	if e.base.policies, err = parsePolicies(r.Policies); err != nil {
		return fmt.Errorf(".policies%w", err)
	}
	if e.base.boundary, err = parseBoundary(r.Boundary); err != nil {
		return err
	}
	b.roles[r.ARN] = e
	return nil
}

// session makes the caller of a session. Its user or role is in the book.
func (b *book) session(s *Session) (*Caller, error) {
	var id Caller
	switch user, role := b.users[s.Of], b.roles[s.Of]; {
	case user != nil:
		id = *user
	case role != nil:
		if !sessionPattern.MatchString(s.Name) {
			return nil, fmt.Errorf(".name: %q is not a role session name (2 to 64 of letters, digits and +=,.@-)", s.Name)
		}
		id = role.base
		id.arn = sessionARN(s.Of, s.Name)
		id.userID += ":" + s.Name
	default:
		return nil, fmt.Errorf(".of: no user or role %q in this file", s.Of)
	}
	if s.Token == "" || s.Expires.IsZero() {
		return nil, fmt.Errorf(": a session needs a token and a time when it expires")
	}
	var err error
	if id.sessionPolicies, err = parsePolicies(s.Policies); err != nil {
		return nil, fmt.Errorf(".policies%w", err)
	}
	id.secret, id.token, id.issued, id.expires = s.Secret, s.Token, s.Issued, s.Expires
	return &id, nil
}

func (b *book) addKey(keyID string, id *Caller) error {
	switch {
	case keyID == "" || strings.ContainsAny(keyID, "/, \t"):
		return fmt.Errorf(": %q is not an access key id", keyID)
	case id.secret == "":
		return fmt.Errorf(": the secret of %s is empty", keyID)
	case b.keys[keyID] != nil:
		return fmt.Errorf(": access key %s is there twice", keyID)
	}
	b.keys[keyID] = id
	return nil
}

// sessionARN is the ARN of a role session. It leaves the role's path out.
func sessionARN(roleARN, session string) string {
	a, name, err := parseIAM(roleARN, "role")
	if err != nil {
		return ""
	}
	return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", a.Partition, a.Account, name, session)
}

func parsePolicies(docs []jsontext.Value) ([]*iam.Policy, error) {
	var list []*iam.Policy
	for i, doc := range docs {
		p, err := iam.ParseIdentity(doc)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		list = append(list, p)
	}
	return list, nil
}

func parseBoundary(doc jsontext.Value) (*iam.Policy, error) {
	if len(doc) == 0 {
		return nil, nil
	}
	p, err := iam.ParseIdentity(doc)
	if err != nil {
		return nil, fmt.Errorf(".boundary: %w", err)
	}
	return p, nil
}
