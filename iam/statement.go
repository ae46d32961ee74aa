package iam

import "strings"

// statement is one statement of a policy.
type statement struct {
	sid         string
	effect      Effect
	principals  []principalEntry // of a resource policy
	actions     []actionPattern
	notAction   bool
	resources   []resourcePattern // none stands for every resource of the domain
	notResource bool
	conditions  []condition
}

type actionPattern struct {
	text    string
	pattern pattern
}

type resourcePattern struct {
	text    string
	pattern pattern
	arn     arnPattern
}

func (p *Policy) statement(n *node, path string) (*statement, error) {
	if n.kind != objectNode {
		return nil, &Error{Path: path, Problem: "want an object"}
	}
	if n.member("NotPrincipal") != nil {
		return nil, &Error{
			Path:    path + ".NotPrincipal",
			Problem: "NotPrincipal is not supported; name those who may, or use a condition on aws:PrincipalArn",
		}
	}
	names := []string{"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
	if p.isResource {
		names = append(names, "Principal")
	} else if n.member("Principal") != nil {
		return nil, &Error{Path: path + ".Principal", Problem: "an identity policy names no principal: it belongs to one"}
	}
	if err := known(n, path, names...); err != nil {
		return nil, err
	}
	s := &statement{}
	for _, read := range []func(*statement, *node, string) error{
		p.readHead, p.readPrincipals, p.readActions, p.readResources, p.readConditions,
	} {
		if err := read(s, n, path); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readHead reads Sid and Effect.
func (p *Policy) readHead(s *statement, n *node, path string) error {
	if v := n.member("Sid"); v != nil {
		if v.kind != stringNode {
			return &Error{Path: path + ".Sid", Problem: "want a string"}
		}
		s.sid = v.text
	}
	v := n.member("Effect")
	if v == nil {
		return &Error{Path: path, Problem: "there is no Effect"}
	}
	switch s.effect = Effect(v.text); {
	case v.kind == stringNode && (s.effect == Allow || s.effect == Deny):
		return nil
	}
	return &Error{Path: path + ".Effect", Problem: quoted(v.text) + " is neither Allow nor Deny"}
}

func (p *Policy) readPrincipals(s *statement, n *node, path string) error {
	if !p.isResource {
		return nil
	}
	path += ".Principal"
	v := n.member("Principal")
	switch {
	case v == nil:
		return &Error{Path: path, Problem: `there is none; "*" is everyone`}
	case v.kind == stringNode && v.text == "*":
		s.principals = []principalEntry{{kind: entryEveryone, text: "*"}}
		return nil
	case v.kind != objectNode || len(v.members) == 0:
		return &Error{Path: path, Problem: `want "*" or an object such as {"AWS": …}`}
	}
	if err := known(v, path, "AWS", "Service", "Federated", "CanonicalUser"); err != nil {
		return err
	}
	for _, m := range v.members {
		place := path + "." + m.name
		values, err := texts(m.value, place)
		if err != nil {
			return err
		}
		for _, text := range values {
			e := principalEntry{kind: entryOther, text: text}
			if m.name == "AWS" {
				var ok bool
				if e, ok = parseEntry(text); !ok {
					return &Error{Path: place, Problem: quoted(text) + " is no principal: want *, an account, a unique id, " +
						"or the ARN of a user, a role, a role session or a federated user; wildcards inside are not allowed"}
				}
			}
			s.principals = append(s.principals, e)
		}
	}
	return nil
}

// parseEntry reads one value of a Principal's AWS list.
func parseEntry(text string) (principalEntry, bool) {
	e := principalEntry{text: text}
	switch {
	case text == "*":
		return e, true
	case isAccount(text):
		e.kind, e.account = entryAccount, text
		return e, true
	case isUniqueID(text, "AIDA"):
		e.kind = entryUserID
		return e, true
	case isUniqueID(text, "AROA"):
		e.kind = entryRoleID
		return e, true
	}
	seg, ok := splitARN(text)
	if !ok || seg[1] == "" || seg[3] != "" || !isAccount(seg[4]) || strings.ContainsAny(text, "*?") {
		return e, false
	}
	e.partition, e.account = seg[1], seg[4]
	kind, rest, _ := strings.Cut(seg[5], "/")
	name := rest[strings.LastIndexByte(rest, '/')+1:]
	switch {
	case seg[2] == "iam" && seg[5] == "root":
		e.kind = entryAccount
	case seg[2] == "iam" && kind == "user" && isName(name):
		e.kind = entryARN
	case seg[2] == "iam" && kind == "role" && isName(name):
		e.kind, e.name = entryRole, name
	case seg[2] == "sts" && kind == "assumed-role":
		role, session, _ := strings.Cut(rest, "/")
		e.kind = entryARN
		return e, isName(role) && isName(session)
	case seg[2] == "sts" && kind == "federated-user" && isName(rest):
		e.kind = entryARN
	default:
		return e, false
	}
	return e, true
}

func isUniqueID(s, prefix string) bool {
	return strings.HasPrefix(s, prefix) && 16 <= len(s) && len(s) <= 128 &&
		strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// texts returns a string or a list of strings that is not empty.
func texts(n *node, path string) ([]string, error) {
	var out []string
	for _, v := range n.list() {
		if v.kind != stringNode || v.text == "" {
			return nil, &Error{Path: path, Problem: "want a string or a list of strings, none of them empty"}
		}
		out = append(out, v.text)
	}
	if len(out) == 0 {
		return nil, &Error{Path: path, Problem: "the list is empty"}
	}
	return out, nil
}

// either returns the one of two elements that is there, nil when none is. Having both is an error.
func either(n *node, path, name, not string) (v *node, negated bool, err error) {
	a, b := n.member(name), n.member(not)
	if a != nil && b != nil {
		return nil, false, &Error{Path: path, Problem: name + " and " + not + " exclude each other"}
	}
	if b != nil {
		return b, true, nil
	}
	return a, false, nil
}

func (p *Policy) readActions(s *statement, n *node, path string) error {
	v, negated, err := either(n, path, "Action", "NotAction")
	if err != nil {
		return err
	}
	if v == nil {
		return &Error{Path: path, Problem: "there is neither Action nor NotAction"}
	}
	s.notAction = negated
	path += map[bool]string{false: ".Action", true: ".NotAction"}[negated]
	values, err := texts(v, path)
	if err != nil {
		return err
	}
	for _, text := range values {
		service, name, ok := strings.Cut(text, ":")
		switch {
		case text == "*":
		case !ok || service == "" || name == "" || strings.ContainsAny(service, "*?"):
			return &Error{Path: path, Problem: quoted(text) + " is no action: want SERVICE:ACTION, such as es:ESHttpGet"}
		case p.isResource && !strings.EqualFold(service, "es"):
			return &Error{Path: path, Problem: quoted(text) + " is an action of another service"}
		case strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789*?-_") != "":
			return &Error{Path: path, Problem: quoted(text) + " has characters that no action has"}
		}
		c, err := compilePattern(text, syntax{wildcards: true})
		if err != nil {
			return &Error{Path: path, Problem: err.Error()}
		}
		s.actions = append(s.actions, actionPattern{text, c})
	}
	return nil
}

func (p *Policy) readResources(s *statement, n *node, path string) error {
	v, negated, err := either(n, path, "Resource", "NotResource")
	if err != nil {
		return err
	}
	if v == nil {
		if p.isResource {
			return nil // the service fills in domain/NAME/*
		}
		return &Error{Path: path, Problem: "there is neither Resource nor NotResource"}
	}
	s.notResource = negated
	path += map[bool]string{false: ".Resource", true: ".NotResource"}[negated]
	values, err := texts(v, path)
	if err != nil {
		return err
	}
	for _, text := range values {
		if p.prefix != "" && strings.HasPrefix(text, "/") {
			text = p.prefix + text
		}
		c, err := p.compileResource(text)
		if err != nil {
			return &Error{Path: path, Problem: err.Error()}
		}
		r := resourcePattern{text: text, pattern: c}
		if problem := p.checkResource(text); problem != "" {
			return &Error{Path: path, Problem: problem}
		}
		r.arn = newARNPattern(c)
		s.resources = append(s.resources, r)
	}
	return nil
}

// compileResource compiles a resource. Policy variables have a meaning after its fifth colon only.
func (p *Policy) compileResource(text string) (pattern, error) {
	name := fifthColon(text)
	head, err := compilePattern(text[:name], syntax{wildcards: true})
	if err != nil {
		return nil, err
	}
	tail, err := compilePattern(text[name:], syntax{wildcards: true, variables: p.hasVariables()})
	return append(head, tail...), err
}

// fifthColon is where the sixth segment of an ARN begins; the whole text is before it when there are fewer segments.
func fifthColon(arn string) int {
	at := 0
	for range 5 {
		i := strings.IndexByte(arn[at:], ':')
		if i < 0 {
			return len(arn)
		}
		at += i + 1
	}
	return at
}

// checkResource says what is wrong with a resource. An ARN may lack segments when a star ends it.
func (p *Policy) checkResource(text string) (problem string) {
	if text == "*" {
		return ""
	}
	seg := strings.SplitN(text, ":", 6)
	whole := len(seg) == 6 && seg[5] != ""
	switch {
	case seg[0] != "arn", len(seg) < 3, !whole && !strings.HasSuffix(text, "*"):
		return quoted(text) + " is no ARN: want arn:aws:es:REGION:ACCOUNT:domain/NAME/* or *"
	case strings.ContainsAny(seg[2], "*?"):
		return quoted(text) + " has a wildcard for the service"
	case p.isResource && seg[2] != "es":
		return quoted(text) + " belongs to another service"
	}
	return ""
}

// hasVariables reports whether ${…} has a meaning. It has none in policies of version 2008-10-17.
func (p *Policy) hasVariables() bool { return p.version == "2012-10-17" }

// isOpen reports whether the statement lets everybody do something without any condition.
func (s *statement) isOpen() bool {
	if s.effect != Allow || len(s.conditions) > 0 {
		return false
	}
	for i := range s.principals {
		if s.principals[i].kind == entryEveryone {
			return true
		}
	}
	return false
}

func (s *statement) hasKey(key string) bool {
	for i := range s.conditions {
		if s.conditions[i].key == key {
			return true
		}
	}
	return false
}
