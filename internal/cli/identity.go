package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/seed56735111/penstock/guard/identity"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"
)

// identityOptions are those of the commands that edit a file of identities.
type identityOptions struct {
	file, account    string
	policies         []string
	boundary         string
	trust            []string
	externalID       string
	maxSession, life time.Duration
	sessionName      string
	asJSON           bool
}

func newIdentityCommand(a *app) *cobra.Command {
	var o identityOptions
	cmd := &cobra.Command{
		Use:   "identity",
		Short: "Create, list and remove the users, roles and sessions of a local domain",
		Long: `identity edits the file that "penstock domain --identities" reads. A running domain follows the change within
a second. The file is replaced in one step and readable by its owner only.`,
		Example: `  penstock domain identity create user grace --identities identities.json
  penstock domain identity list --identities identities.json`,
		Args: rejectUnknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&o.file, "identities", "", "the file; it is made when it does not exist")
	cmd.PersistentFlags().StringVar(&o.account, "account", "123456789012",
		"account of a user or role that is given by its name")
	create := &cobra.Command{
		Use:     "create",
		Short:   "Create a user, a role or a session",
		Example: "  penstock domain identity create user grace --identities identities.json",
		Args:    rejectUnknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	create.AddCommand(newCreateUser(a, &o), newCreateRole(a, &o), newCreateSession(a, &o))
	cmd.AddCommand(create, newIdentityList(a, &o), newIdentityRemove(a, &o))
	return cmd
}

func (o *identityOptions) open(a *app) (*identity.Store, error) {
	if o.file == "" {
		return nil, usagef("name it with --identities FILE", "no file of identities is given")
	}
	logger, err := a.logger()
	if err != nil {
		return nil, err
	}
	ids, err := identity.Open(o.file, logger)
	if err != nil {
		return nil, &usageError{Err: err, Hint: "docs/domain.md shows what such a file looks like"}
	}
	return ids, nil
}

// existing opens the file, which has to be there.
func (o *identityOptions) existing(a *app) (*identity.Store, error) {
	if _, err := os.Stat(o.file); o.file != "" && errors.Is(err, os.ErrNotExist) {
		return nil, missingIdentities(o.file, err)
	}
	return o.open(a)
}

func missingIdentities(file string, err error) error {
	return &usageError{Err: err, Hint: "penstock domain identity create user NAME --identities " + file + " makes it"}
}

// arn completes a name.
func (o *identityOptions) arn(kind, name string) string {
	if strings.HasPrefix(name, "arn:") {
		return name
	}
	return "arn:aws:iam::" + o.account + ":" + kind + "/" + name
}

// principal is the ARN of the user or role in the file that is called by its name, by user/NAME or role/NAME, or by its
// ARN.
func (o *identityOptions) principal(ids *identity.Store, name string) (string, error) {
	if strings.HasPrefix(name, "arn:") {
		return name, nil
	}
	var found []string
	add := func(arn, kind string) {
		if arn == o.arn(kind, name) || arn == o.arn(kind, strings.TrimPrefix(name, kind+"/")) {
			found = append(found, arn)
		}
	}
	for _, u := range ids.Users() {
		add(u.ARN, "user")
	}
	for _, r := range ids.Roles() {
		add(r.ARN, "role")
	}
	switch len(found) {
	case 0:
		return "", usagef("penstock domain identity list shows what is there", "no user and no role %q of account %s in %s",
			name, o.account, o.file)
	case 1:
		return found[0], nil
	}
	return "", usagef("write "+strings.Join(found, " or "), "%q is a user and a role", name)
}

// documents reads policy files.
func (o *identityOptions) documents() (policies []jsontext.Value, boundary jsontext.Value, err error) {
	for _, name := range o.policies {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, usagef("name a file with a policy document", "read policy: %w", err)
		}
		policies = append(policies, text)
	}
	if o.boundary != "" {
		if boundary, err = os.ReadFile(o.boundary); err != nil {
			return nil, nil, usagef("name a file with a policy document", "read boundary: %w", err)
		}
	}
	return policies, boundary, nil
}

// refused is what the file's rules say about a change.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{Err: err, Hint: "penstock domain identity list shows what is there"}
}

func newCreateUser(a *app, o *identityOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "user NAME|ARN",
		Short:   "Create a user with an access key, and print the variables to sign as them",
		Example: "  eval \"$(penstock domain identity create user grace --identities identities.json)\"",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			ids, err := o.open(a)
			if err != nil {
				return err
			}
			u := identity.User{ARN: o.arn("user", args[0])}
			if u.Policies, u.Boundary, err = o.documents(); err != nil {
				return err
			}
			key, err := ids.CreateUser(u)
			if err != nil {
				return refused(err)
			}
			return o.printVariables(a, key)
		},
	}
	o.policyFlags(cmd)
	o.jsonFlag(cmd, "print one JSON object with the variables")
	return cmd
}

func (o *identityOptions) jsonFlag(cmd *cobra.Command, usage string) {
	cmd.Flags().BoolVar(&o.asJSON, "json", false, usage)
}

func (o *identityOptions) policyFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.policies, "policy", nil, "file with an identity policy; may be given several times")
	cmd.Flags().StringVar(&o.boundary, "boundary", "", "file with a permissions boundary")
}

func (o *identityOptions) printVariables(a *app, key identity.Credentials) error {
	if o.asJSON {
		variables := map[string]string{
			"AWS_ACCESS_KEY_ID": key.AccessKeyID, "AWS_SECRET_ACCESS_KEY": string(key.Secret),
		}
		if key.Token != "" {
			variables["AWS_SESSION_TOKEN"] = string(key.Token)
		}
		return printJSON(a.Out, map[string]any{"arn": key.ARN, "variables": variables})
	}
	if _, err := fmt.Fprintln(a.Out, strings.Join(signingVariables(key), "\n")); err != nil {
		return &outputError{err}
	}
	return nil
}

func newCreateRole(a *app, o *identityOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "role NAME|ARN",
		Short: "Create a role that the principals of --trust may assume",
		Example: "  penstock domain identity create role shipper --trust arn:aws:iam::123456789012:user/grace --policy " +
			"allow.json --identities identities.json",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			ids, err := o.open(a)
			if err != nil {
				return err
			}
			r := identity.Role{
				ARN: o.arn("role", args[0]), Trust: o.trust, ExternalID: o.externalID,
				MaxSessionSeconds: int(o.maxSession / time.Second),
			}
			if r.Policies, r.Boundary, err = o.documents(); err != nil {
				return err
			}
			if err := ids.CreateRole(r); err != nil {
				return refused(err)
			}
			if o.asJSON {
				return printJSON(a.Out, map[string]string{"arn": r.ARN})
			}
			_, _ = fmt.Fprintln(a.Out, r.ARN)
			return nil
		},
	}
	o.policyFlags(cmd)
	o.jsonFlag(cmd, "print one JSON object with the ARN")
	cmd.Flags().StringSliceVar(&o.trust, "trust", nil, "ARNs, accounts or * that may assume it; "+
		"everybody in its account when not given")
	cmd.Flags().StringVar(&o.externalID, "external-id", "", "external id that has to be given")
	cmd.Flags().DurationVar(&o.maxSession, "max-session", 0, "longest session, 1h when not given, at most 12h")
	return cmd
}

func newCreateSession(a *app, o *identityOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "session USER|ROLE|ARN",
		Short: "Create temporary credentials of a user or role, and print the variables to sign with them",
		Example: "  penstock domain identity create session shipper --session-name night --duration 1h --identities " +
			"identities.json",
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := o.open(a)
			if err != nil {
				return err
			}
			policies, _, err := o.documents()
			if err != nil {
				return err
			}
			of, err := o.principal(ids, args[0])
			if err != nil {
				return err
			}
			name := ""
			if strings.Contains(of, ":role/") {
				name = o.sessionName
			} else if cmd.Flags().Changed("session-name") {
				return usagef("leave --session-name out", "%s is a user, whose sessions have no names", of)
			}
			key, err := ids.CreateSession(of, name, o.life, policies...)
			if err != nil {
				return refused(err)
			}
			return o.printVariables(a, key)
		},
	}
	cmd.Flags().StringArrayVar(&o.policies, "policy", nil, "file with a session policy, which takes away; "+
		"may be given several times")
	cmd.Flags().StringVar(&o.sessionName, "session-name", "local", "name of a role's session")
	cmd.Flags().DurationVar(&o.life, "duration", time.Hour, "how long the credentials are valid")
	o.jsonFlag(cmd, "print one JSON object with the variables")
	return cmd
}

func newIdentityList(a *app, o *identityOptions) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List users, roles and sessions, without their secrets",
		Example: "  penstock domain identity list --identities identities.json",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			ids, err := o.existing(a)
			if err != nil {
				return err
			}
			all := identitiesOf(ids)
			if o.asJSON {
				for i := range all {
					if err := printJSON(a.Out, &all[i]); err != nil {
						return err
					}
				}
				return nil
			}
			tab := table{left: 4, header: []string{"kind", "arn", "access key", "until"}}
			for i := range all {
				tab.rows = append(tab.rows, all[i].row())
			}
			tab.write(a.Out)
			return nil
		},
	}
	o.jsonFlag(cmd, "print one JSON object for each")
	return cmd
}

// listedIdentity is a user, a role or a session, without its secrets.
type listedIdentity struct {
	Kind string      `json:"kind"`
	ARN  string      `json:"arn"` // of a session, whose it is
	Name string      `json:"name,omitempty"`
	Keys []listedKey `json:"access_keys,omitempty"`
	// Until is when a session ends.
	Until time.Time `json:"until,omitzero"`
}

type listedKey struct {
	ID       string `json:"id"`
	Disabled bool   `json:"disabled,omitempty"`
}

func identitiesOf(ids *identity.Store) []listedIdentity {
	var all []listedIdentity
	for _, u := range ids.Users() {
		one := listedIdentity{Kind: "user", ARN: u.ARN}
		for _, k := range u.Keys {
			one.Keys = append(one.Keys, listedKey{k.ID, k.Disabled})
		}
		all = append(all, one)
	}
	for _, r := range ids.Roles() {
		all = append(all, listedIdentity{Kind: "role", ARN: r.ARN})
	}
	for _, s := range ids.Sessions() {
		all = append(all, listedIdentity{
			Kind: "session", ARN: s.Of, Name: s.Name, Keys: []listedKey{{ID: s.AccessKeyID}}, Until: s.Expires,
		})
	}
	return all
}

func (l *listedIdentity) row() []string {
	keys := make([]string, 0, len(l.Keys))
	for _, k := range l.Keys {
		text := k.ID
		if k.Disabled {
			text += " (disabled)"
		}
		keys = append(keys, text)
	}
	of, until := l.ARN, ""
	if l.Name != "" {
		of += " as " + l.Name
	}
	if !l.Until.IsZero() {
		until = l.Until.Format(time.RFC3339)
	}
	return []string{l.Kind, printable(of), printable(strings.Join(keys, ", ")), until}
}

func newIdentityRemove(a *app, o *identityOptions) *cobra.Command {
	return &cobra.Command{
		Use:     "remove ARN|ACCESS-KEY-ID",
		Short:   "Remove a user or role with its sessions, or one access key or session",
		Example: "  penstock domain identity remove AKIDEXAMPLE --identities identities.json",
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			ids, err := o.existing(a)
			if err != nil {
				return err
			}
			return refused(ids.Remove(args[0]))
		},
	}
}
