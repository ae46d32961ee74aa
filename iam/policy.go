package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxPolicySize is how many characters a domain's access policy may have.
const MaxPolicySize = 102400

// Effect is what a statement does when it applies.
type Effect string

// The effects.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)

// Type is the kind of a policy, in the words that the service's messages use for it.
type Type string

// The kinds of policies.
const (
	ResourcePolicy Type = "resource-based policy"
	IdentityPolicy Type = "identity-based policy"
	Boundary       Type = "permissions boundary"
	SessionPolicy  Type = "session policy"
)

// Policy is a parsed policy document. It does not change.
type Policy struct {
	version    string
	id         string
	statements []statement
	isResource bool
	// prefix stands before resources that are paths alone; such are refused when it is empty.
	prefix string
	about  Domain // of ParsePaths
}

// Error says why a policy document is refused.
type Error struct {
	// Path is the place in the document, such as Statement[1].Condition; empty for the document as a whole.
	Path string
	// Problem says what is wrong there.
	Problem string
	// Service is the service's answer to the call that saves the document: exception and text. It is empty when the answer
	// is not known.
	Service string
}

func (e *Error) Error() string {
	if e.Path == "" {
		return "policy: " + e.Problem
	}
	return "policy: " + e.Path + ": " + e.Problem
}

// ParseResource reads a domain's access policy. The error is an [*Error] for what the service would refuse and for
// every name that is not known. Rules that depend on the domain are in [Policy.CheckFor].
func ParseResource(doc []byte) (*Policy, error) { return parse(doc, true, "") }

// ParseIdentity reads an identity policy, a permissions boundary or a session policy.
func ParseIdentity(doc []byte) (*Policy, error) { return parse(doc, false, "") }

func parse(doc []byte, isResource bool, prefix string) (*Policy, error) {
	if utf8.RuneCount(doc) > MaxPolicySize {
		return nil, &Error{Problem: fmt.Sprintf("it has more than %d characters", MaxPolicySize)}
	}
	p := &Policy{version: "2008-10-17", isResource: isResource, prefix: prefix}
	if err := p.parse(doc); err != nil {
		if e, ok := err.(*Error); ok && e.Service == "" { //nolint:errorlint // made here
			e.Service = "InvalidTypeException: Error setting policy: [" + string(doc) + "]"
		}
		return nil, err
	}
	return p, nil
}

func (p *Policy) parse(doc []byte) error {
	root, err := parseJSON(doc)
	if err != nil {
		return &Error{Problem: err.Error()}
	}
	if root.kind != objectNode {
		return &Error{Problem: "it is not a JSON object"}
	}
	if err := known(root, "", "Version", "Id", "Statement"); err != nil {
		return err
	}
	if v := root.member("Version"); v != nil {
		if v.kind != stringNode || v.text != "2012-10-17" && v.text != "2008-10-17" {
			return &Error{Path: "Version", Problem: "want 2012-10-17 or 2008-10-17"}
		}
		p.version = v.text
	}
	if v := root.member("Id"); v != nil {
		if v.kind != stringNode {
			return &Error{Path: "Id", Problem: "want a string"}
		}
		p.id = v.text
	}
	list := root.member("Statement")
	if list == nil || list.kind == arrayNode && len(list.items) == 0 {
		if list != nil && !p.isResource {
			return nil // an identity policy without statements allows nothing
		}
		return &Error{Path: "Statement", Problem: "there is none"}
	}
	sids := map[string]bool{}
	for i, n := range list.list() {
		path := fmt.Sprintf("Statement[%d]", i)
		s, err := p.statement(n, path)
		if err != nil {
			return err
		}
		if s.sid != "" && sids[s.sid] {
			return &Error{Path: path + ".Sid", Problem: quoted(s.sid) + " is there twice"}
		}
		sids[s.sid] = true
		p.statements = append(p.statements, *s)
	}
	return nil
}

// known refuses names that are not among those of an element.
func known(n *node, path string, names ...string) error {
	for _, m := range n.members {
		if slices.Contains(names, m.name) {
			continue
		}
		problem := "unknown element " + quoted(m.name)
		if i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, m.name) }); i >= 0 {
			problem = fmt.Sprintf("%s; it is written %q", problem, names[i])
		}
		return &Error{Path: path, Problem: problem}
	}
	return nil
}

// maxQuote is how much of a document is repeated in a message.
const maxQuote = 100

// clipped is the beginning of a text that may be as long as a document.
func clipped(s string) string {
	if len(s) <= maxQuote {
		return s
	}
	return strings.ToValidUTF8(s[:maxQuote], "") + "…"
}

func quoted(s string) string { return strconv.Quote(clipped(s)) }

// Len is the number of statements.
func (p *Policy) Len() int { return len(p.statements) }

// CheckFor checks a domain's access policy by the rules that depend on the domain: no conditions on addresses for a
// domain inside a VPC, and no open access to a public domain without fine-grained access control.
func (p *Policy) CheckFor(d Domain) error {
	for i := range p.statements {
		s := &p.statements[i]
		path := fmt.Sprintf("Statement[%d]", i)
		if d.VPC && s.hasKey("aws:sourceip") {
			return &Error{
				Path: path + ".Condition", Problem: "a domain inside a VPC does not see addresses",
				Service: "ValidationException: You can’t attach an IP-based policy to a domain that has a VPC endpoint. " +
					"Instead, use a security group to control IP-based access.",
			}
		}
		if !d.VPC && !d.FineGrained && !d.AllowOpen && s.isOpen() {
			return &Error{
				Path: path, Problem: "it lets everyone in, anonymous callers too",
				Service: "ValidationException: Enable fine-grained access control " +
					"or apply a restrictive access policy to your domain",
			}
		}
	}
	return nil
}
