package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/seed56735111/penstock/guard/identity"
)

// attachment is the line of JSON that a program gives to the domain that it starts. Nothing of it is on the command
// line, where other users of the machine could read it.
type attachment struct {
	Identities   json.RawMessage `json:"identities"`
	AccessPolicy json.RawMessage `json:"access_policy"`
	AdminToken   string          `json:"admin_token"`
}

// maxAttachment bounds the line.
const maxAttachment = 16 << 20

// attach reads the line that describes the domain, and returns a context that ends with standard input: the other end
// of it is in the hand of the program that started this one, however that program ends.
func (o *domainOptions) attach(ctx context.Context, a *app) (context.Context, error) {
	if o.identities != "" || o.accessPolicies != "" || o.access != "" || o.adminToken != "" {
		return nil, usagef("put them into the line on standard input",
			"--attached takes no --access, --access-policies, --identities or --admin-token")
	}
	in := bufio.NewReader(io.LimitReader(a.In, maxAttachment))
	line, err := in.ReadBytes('\n')
	if err != nil {
		return nil, usagef(`write a line such as {"admin_token":"…"} to standard input, and leave it open`,
			"read the line of --attached: %w", unended(err))
	}
	o.attached = new(attachment)
	if err := json.Unmarshal(line, o.attached); err != nil {
		return nil, usagef("docs/domain.md says what is in it", "read the line of --attached: %w", err)
	}
	o.adminToken = o.attached.AdminToken
	ctx, cancel := context.WithCancel(ctx)
	go func() { // ends with the process at the latest: a read of a pipe cannot be called off
		defer cancel()
		_, _ = io.Copy(io.Discard, a.In)
	}()
	return ctx, nil
}

func unended(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it has no end")
	}
	return err
}

// attachedIdentities are those that the line names.
func (o *domainOptions) attachedIdentities() (*identity.Store, error) {
	ids := identity.New()
	if len(o.attached.Identities) == 0 {
		return ids, nil
	}
	if err := ids.Replace(o.attached.Identities); err != nil {
		return nil, usagef("docs/domain.md shows their form", "read the line of --attached: %w", err)
	}
	return ids, nil
}
