package guard

import (
	"fmt"
	"regexp"
	"strings"
)

// arn is a parsed Amazon Resource Name.
type arn struct{ partition, service, region, account, resource string }

func parseARN(s string) (arn, error) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return arn{}, fmt.Errorf("%q is not an ARN", s)
	}
	return arn{p[1], p[2], p[3], p[4], p[5]}, nil
}

// accountPattern is the form of an account id, namePattern that of the last part of a user's or role's ARN.
var (
	accountPattern = regexp.MustCompile(`^\d{12}$`)
	namePattern    = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	sessionPattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// parseIAM parses the ARN of an IAM user or role and returns the name without its path.
func parseIAM(s, kind string) (a arn, name string, err error) {
	a, err = parseARN(s)
	if err != nil {
		return a, "", err
	}
	path, ok := strings.CutPrefix(a.resource, kind+"/")
	name = path[strings.LastIndexByte(path, '/')+1:]
	if !ok || a.service != "iam" || a.region != "" || !accountPattern.MatchString(a.account) || !namePattern.MatchString(name) {
		return a, "", fmt.Errorf("%q is not the ARN of an IAM %s (arn:aws:iam::ACCOUNT:%s/NAME)", s, kind, kind)
	}
	return a, name, nil
}
