package identity

import (
	"fmt"
	"strings"

	"github.com/seed56735111/penstock/guard/internal/edge"
	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// namePattern matches the name at the end of a user's or role's ARN, sessionPattern the name of a session.
var (
	namePattern    = lazyregexp.New(`^[\w+=,.@-]{1,64}$`)
	sessionPattern = lazyregexp.New(`^[\w+=,.@-]{2,64}$`)
)

// parseIAM parses the ARN of an IAM user or role and returns the name without its path.
func parseIAM(s, kind string) (a edge.ARN, name string, err error) {
	a, err = edge.ParseARN(s)
	if err != nil {
		return a, "", err
	}
	path, ok := strings.CutPrefix(a.Resource, kind+"/")
	name = path[strings.LastIndexByte(path, '/')+1:]
	if !ok || a.Service != "iam" || a.Region != "" || !edge.IsAccount(a.Account) || !namePattern.MatchString(name) {
		return a, "", fmt.Errorf("%q is not the ARN of an IAM %s (arn:aws:iam::ACCOUNT:%s/NAME)", s, kind, kind)
	}
	return a, name, nil
}
