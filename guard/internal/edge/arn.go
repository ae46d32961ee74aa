package edge

import (
	"fmt"
	"regexp"
	"strings"
)

// ARN is a parsed Amazon Resource Name.
type ARN struct{ Partition, Service, Region, Account, Resource string }

// ParseARN splits an Amazon Resource Name.
func ParseARN(s string) (ARN, error) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return ARN{}, fmt.Errorf("%q is not an ARN", s)
	}
	return ARN{p[1], p[2], p[3], p[4], p[5]}, nil
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

// IsAccount reports whether s has the form of an account's id.
func IsAccount(s string) bool { return accountPattern.MatchString(s) }
