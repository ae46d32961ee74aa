package iam

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Need is one kind of request that a program makes.
type Need struct {
	Method string
	// Path is a path below the domain's endpoint; it may end with a star.
	Path string
	// Why says what it is for.
	Why string
}

// Generate writes the pair of policies that lets a principal make these requests and no others: the domain's access
// policy, which names the principal, and the identity policy of the principal. In the domain's own account one of the
// two is enough; a principal of another account needs both.
func Generate(d Domain, principal string, needs []Need) (resource, identity []byte, err error) {
	e, ok := parseEntry(principal)
	if !ok || e.kind == entryEveryone || e.kind == entryUserID || e.kind == entryRoleID {
		return nil, nil, fmt.Errorf("generate policy: %q is no user, role, role session or account", principal)
	}
	type statement struct {
		Sid       string
		Effect    Effect
		Principal map[string]string `json:",omitempty"`
		Action    []string
		Resource  []string
	}
	// Requests with the same methods share a statement.
	paths := map[string][]string{}
	var order []string
	for _, n := range needs {
		action, known := ActionFor(n.Method)
		if !known {
			return nil, nil, fmt.Errorf("generate policy: no action for method %s", n.Method)
		}
		resource := d.Resource(n.Path)
		if !slices.Contains(order, resource) {
			order = append(order, resource)
		}
		if !slices.Contains(paths[resource], action) {
			paths[resource] = append(paths[resource], action)
		}
	}
	var statements []statement
	for _, resource := range order {
		actions := paths[resource]
		slices.Sort(actions)
		i := slices.IndexFunc(statements, func(s statement) bool { return slices.Equal(s.Action, actions) })
		if i < 0 {
			sid := "Penstock" + strings.ReplaceAll(strings.Join(actions, ""), "es:ESHttp", "")
			statements = append(statements, statement{Sid: sid, Effect: Allow, Action: actions})
			i = len(statements) - 1
		}
		statements[i].Resource = append(statements[i].Resource, resource)
	}
	write := func(withPrincipal bool) ([]byte, error) {
		list := slices.Clone(statements)
		for i := range list {
			if withPrincipal {
				list[i].Principal = map[string]string{"AWS": principal}
			}
		}
		return json.MarshalIndent(struct {
			Version   string
			Statement []statement
		}{"2012-10-17", list}, "", "  ")
	}
	if identity, err = write(false); err != nil {
		return nil, nil, err
	}
	resource, err = write(true)
	return resource, identity, err
}
