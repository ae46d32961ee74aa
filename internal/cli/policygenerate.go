package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/cloudwatch"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/shape"
)

// policyMode is a way to use penstock, with the requests that it makes to the domain.
type policyMode struct {
	name  string
	needs []iam.Need
}

// policyModes are all that talk to a domain. Shipping needs the banner and _bulk. The request command passes on what
// its user asks for.
func policyModes() []policyMode {
	bulk := []iam.Need{{Method: "GET", Path: "/", Why: "the version"}, {Method: "POST", Path: "/_bulk", Why: "documents"}}
	var all []iam.Need
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"} {
		all = append(all, iam.Need{Method: method, Path: "/*", Why: "whatever is asked for"})
	}
	return []policyMode{
		{"deadletter", bulk},
		{"lambda", bulk},
		{"request", all},
		{modeShip, bulk},
	}
}

// confined takes the place of /_bulk where the index is in the path: /PREFIX*/_bulk for each pattern of index names.
func confined(needs []iam.Need, patterns []string) ([]iam.Need, error) {
	needs = slices.DeleteFunc(slices.Clone(needs), func(n iam.Need) bool { return n.Path == "/_bulk" })
	names, err := namesOf(patterns)
	for _, name := range names {
		needs = append(needs, iam.Need{Method: "POST", Path: "/" + name + "/_bulk", Why: "documents"})
	}
	return needs, err
}

// namesOf are the names of the indexes of patterns, with asterisks.
func namesOf(patterns []string) ([]string, error) {
	var names []string
	for _, text := range patterns {
		p, err := shape.ParsePattern(text)
		if err != nil {
			return nil, &usageError{Err: err, Hint: "give --index the pattern that the mode runs with"}
		}
		name, whole := p.Prefix()
		if !whole {
			name += "*"
		}
		names = append(names, name)
	}
	return names, nil
}

// templateNeeds are what a mode that puts index templates asks for besides.
func templateNeeds(mode string) []iam.Need {
	var needs []iam.Need
	// The latter is that of versions before 7.8.
	paths := []string{"/_index_template/penstock-*", "/_template/penstock-*"}
	if mode == modeShip {
		paths = append(paths, "/_component_template/penstock-*")
	}
	for _, path := range paths {
		needs = append(needs, iam.Need{Method: "GET", Path: path, Why: "is the template there"},
			iam.Need{Method: "PUT", Path: path, Why: "the template"})
	}
	return needs
}

const modeShip = "ship"

func modeNames() []string {
	var names []string
	for _, m := range policyModes() {
		names = append(names, m.name)
	}
	return names
}

// generateOptions are those of policy generate.
type generateOptions struct {
	domainARN, principal, side string
	needs, indexes             []string
	templates, indexInPath     bool
	conflicts                  bool
}

func newPolicyGenerate(a *app) *cobra.Command {
	var o generateOptions
	cmd := &cobra.Command{
		Use:   "generate MODE",
		Short: "Write the least policies that let penstock do its work",
		Long: `generate writes the access policy of the domain and the identity policy of the principal that let penstock do
its work, and nothing else. In the domain's own account one of the two is enough; from another account both are
needed.

MODE is one of ` + strings.Join(modeNames(), ", ") + `; deadletter is for replay. The policies of request
allow every request, unless --need says which are made.

With --index-in-path the policies confine the principal to the indexes that --index describes. That holds when the mode
runs with --index-in-path, and ` + explicitIndexOption + ` is false on the domain: otherwise a request to one
index may name others in its body.`,
		Example: `  penstock policy generate ship --principal arn:aws:iam::123456789012:role/shipper \
      --domain-arn arn:aws:es:eu-west-1:123456789012:domain/logs
  penstock policy generate ship --index-in-path --index 'app-{yyyy.MM.dd}' --principal … --domain-arn …
  penstock policy generate lambda --put-templates --side resource --principal … --domain-arn … > access-policy.json
  penstock policy generate request --need 'GET /_cat/*' --need 'POST /logs-*/_search' --principal … --domain-arn …`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(a.Out, args[0]) },
	}
	cmd.ValidArgsFunction = oneOf(modeNames()...)
	f := cmd.Flags()
	f.StringVar(&o.domainARN, "domain-arn", "", "ARN of the domain")
	f.StringVar(&o.principal, "principal", "", "ARN of the user, role or role session, or an account")
	f.StringVar(&o.side, "side", "both", "which policy to write: resource, identity or both")
	f.StringArrayVar(&o.needs, "need", nil, `"METHOD PATH": a request that request makes; may be given several times`)
	f.BoolVar(&o.indexInPath, "index-in-path", false, "the mode runs with --index-in-path: "+
		"allow the indexes of --index only")
	f.StringArrayVar(&o.indexes, "index", nil, "pattern of index names, with --index-in-path; "+
		"may be given several times (default that of the mode)")
	f.BoolVar(&o.conflicts, "conflicts", false, "the mode reads mappings: it runs with --conflicts rename or stringify")
	f.BoolVar(&o.templates, "put-templates", false, "the mode puts index templates: ship or lambda with --put-templates")
	return cmd
}

func (o *generateOptions) run(w io.Writer, mode string) error {
	needs, err := o.needsOf(mode)
	if err != nil {
		return err
	}
	d, err := parseDomainARN(o.domainARN)
	if err != nil {
		return err
	}
	resource, identity, err := iam.Generate(d, o.principal, needs)
	if err != nil {
		return &usageError{Err: err, Hint: "--principal arn:aws:iam::123456789012:role/NAME"}
	}
	switch o.side {
	case "resource":
		_, err = fmt.Fprintf(w, "%s\n", resource)
	case "identity":
		_, err = fmt.Fprintf(w, "%s\n", identity)
	case "both":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		err = enc.Encode(map[string]json.RawMessage{"access_policy": resource, "identity_policy": identity})
	default:
		return usagef("--side is resource, identity or both", "no side is called %q", o.side)
	}
	if err != nil {
		return unwritten(err)
	}
	return nil
}

// needsOf are the requests of a mode.
func (o *generateOptions) needsOf(mode string) ([]iam.Need, error) {
	modes := policyModes()
	i := slices.IndexFunc(modes, func(m policyMode) bool { return m.name == mode })
	passesOn := mode == "request"
	switch {
	case i < 0:
		return nil, usagef("MODE is one of "+strings.Join(modeNames(), ", "), "no mode is called %q", mode)
	case len(o.needs) > 0 && !passesOn:
		return nil, usagef("--need is for request", "the requests of %s are known", mode)
	case o.templates && mode != "lambda" && mode != modeShip:
		return nil, usagef("--put-templates is for lambda and ship", "%s puts no index templates", mode)
	case o.indexInPath && passesOn:
		return nil, usagef("name the requests with --need", "%s does not choose indexes", mode)
	case o.conflicts && passesOn:
		return nil, usagef("name the requests with --need", "%s reads no mappings by itself", mode)
	case len(o.indexes) > 0 && !o.indexInPath && !o.conflicts:
		return nil, usagef("add --index-in-path, here and to the mode", "without it the index is not in the path, "+
			"where a policy sees it")
	case len(o.needs) > 0:
		return parseNeeds(o.needs)
	}
	needs := modes[i].needs
	patterns := o.indexes
	if len(patterns) == 0 {
		patterns = []string{shape.DefaultIndex}
		if mode == "lambda" {
			patterns = append(patterns, cloudwatch.DefaultIndex)
		}
	}
	if o.indexInPath {
		var err error
		if needs, err = confined(needs, patterns); err != nil {
			return nil, err
		}
	}
	if o.conflicts {
		names, err := namesOf(patterns)
		if err != nil {
			return nil, err
		}
		needs = slices.Clone(needs)
		for _, name := range names {
			needs = append(needs, iam.Need{Method: "GET", Path: "/" + name + "/_mapping", Why: "the types of fields"})
		}
	}
	if o.templates {
		needs = slices.Concat(needs, templateNeeds(mode))
	}
	return needs, nil
}

func parseNeeds(texts []string) ([]iam.Need, error) {
	var needs []iam.Need
	for _, text := range texts {
		method, path, ok := strings.Cut(strings.TrimSpace(text), " ")
		method = strings.ToUpper(method)
		if _, known := iam.ActionFor(method); !ok || !known || !strings.HasPrefix(path, "/") {
			return nil, usagef(`write it as "POST /logs-*/_search"`, "%q is not a method and a path", text)
		}
		needs = append(needs, iam.Need{Method: method, Path: path})
	}
	return needs, nil
}
