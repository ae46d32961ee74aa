package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Use is a request that somebody made.
type Use struct {
	// Principal is the ARN of who made it, or "anonymous".
	Principal string
	// Method and Path are those of the request. Stars in the path are no wildcards.
	Method, Path string
}

// Least writes the access policy that allows these requests and no others. With an empty domainARN the resources are
// paths alone, see [ParsePaths].
func Least(uses []Use, domainARN string) ([]byte, error) {
	if domainARN != "" {
		if _, err := ParseDomain(domainARN); err != nil {
			return nil, err
		}
	}
	actions := map[string]map[string][]string{} // by principal and resource
	for _, u := range uses {
		action, known := ActionFor(u.Method)
		if !known {
			return nil, fmt.Errorf("write policy: no action for method %s", quoted(u.Method))
		}
		principal := u.Principal
		if principal == Anonymous().String() {
			principal = "*"
		}
		if _, ok := parseEntry(principal); !ok {
			return nil, fmt.Errorf("write policy: %s is no principal", quoted(u.Principal))
		}
		if actions[principal] == nil {
			actions[principal] = map[string][]string{}
		}
		resource := domainARN + literal(u.Path)
		if of := actions[principal][resource]; !slices.Contains(of, action) {
			actions[principal][resource] = append(of, action)
		}
	}
	type statement struct {
		Effect    Effect
		Principal map[string]string
		Action    []string
		Resource  []string
	}
	list := []statement{}
	for _, principal := range slices.Sorted(maps.Keys(actions)) {
		first := len(list)
		for _, resource := range slices.Sorted(maps.Keys(actions[principal])) {
			of := actions[principal][resource]
			slices.Sort(of)
			i := slices.IndexFunc(list[first:], func(s statement) bool { return slices.Equal(s.Action, of) })
			if i < 0 {
				i = len(list) - first
				list = append(list, statement{Allow, map[string]string{"AWS": principal}, of, nil})
			}
			list[first+i].Resource = append(list[first+i].Resource, resource)
		}
	}
	return json.MarshalIndent(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", list}, "", "  ")
}

// literal is the pattern that fits a text and nothing else.
func literal(text string) string {
	return strings.NewReplacer("*", "${*}", "?", "${?}", "$", "${$}").Replace(text)
}
