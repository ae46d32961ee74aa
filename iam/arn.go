package iam

import (
	"fmt"
	"strings"
)

// arnSegments are the parts of an ARN: "arn", partition, service, region, account, and the resource, which may hold
// colons of its own.
type arnSegments [6]string

func splitARN(s string) (seg arnSegments, ok bool) {
	for i := range 5 {
		head, tail, found := strings.Cut(s, ":")
		if !found {
			return seg, false
		}
		seg[i], s = head, tail
	}
	seg[5] = s
	return seg, seg[0] == "arn"
}

// Domain names a domain and the way it is set up, as far as policies are concerned.
type Domain struct {
	// Partition is "aws" when empty.
	Partition             string
	Region, Account, Name string
	// VPC says that the domain's endpoint is inside a VPC, where requests have no aws:SourceIp.
	VPC bool
	// FineGrained says that fine-grained access control is on, which lets the service accept an open policy.
	FineGrained bool
	// AllowOpen makes an open policy on a public domain a warning, as it was until about 2020.
	AllowOpen bool
}

// ParseDomain reads a domain's ARN, arn:PARTITION:es:REGION:ACCOUNT:domain/NAME.
func ParseDomain(arn string) (Domain, error) {
	seg, ok := splitARN(arn)
	name, isDomain := strings.CutPrefix(seg[5], "domain/")
	if !ok || !isDomain || seg[2] != "es" || seg[1] == "" || seg[3] == "" || !isAccount(seg[4]) || !isDomainName(name) {
		return Domain{}, fmt.Errorf("parse domain ARN: %q is not arn:PARTITION:es:REGION:ACCOUNT:domain/NAME", arn)
	}
	return Domain{Partition: seg[1], Region: seg[3], Account: seg[4], Name: name}, nil
}

// ARN is the domain's ARN, the resource of configuration API calls.
func (d Domain) ARN() string {
	p := d.Partition
	if p == "" {
		p = "aws"
	}
	return "arn:" + p + ":es:" + d.Region + ":" + d.Account + ":domain/" + d.Name
}

// Resource is the resource that a request for path is judged by: the domain's ARN and the path as it was sent. What
// follows a question mark is not part of it. An empty path stands for "/".
func (d Domain) Resource(path string) string {
	path, _, _ = strings.Cut(path, "?")
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return d.ARN() + path
}

// PartitionOf is the partition that a region lies in.
func PartitionOf(region string) string {
	for _, p := range []struct{ prefix, partition string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"us-isob-", "aws-iso-b"},
		{"us-isof-", "aws-iso-f"},
		{"us-iso-", "aws-iso"},
		{"eu-isoe-", "aws-iso-e"},
		{"eusc-", "aws-eusc"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// ActionFor is the action that an HTTP method needs: es:ESHttpGet for GET and so on. HEAD is an action of its own. For
// a method that the service has no action for, known is false and the name is made up in the same way for messages;
// such a request must be refused, as "es:*" matches made-up names too.
func ActionFor(method string) (action string, known bool) {
	switch method {
	case "GET":
		return "es:ESHttpGet", true
	case "HEAD":
		return "es:ESHttpHead", true
	case "POST":
		return "es:ESHttpPost", true
	case "PUT":
		return "es:ESHttpPut", true
	case "DELETE":
		return "es:ESHttpDelete", true
	case "PATCH":
		return "es:ESHttpPatch", true
	}
	name := strings.Map(func(r rune) rune {
		if r < 'A' || r > 'Z' && r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, method)
	if name != "" {
		name = strings.ToUpper(name[:1]) + strings.ToLower(name[1:])
	}
	return "es:ESHttp" + name, false
}

func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isDomainName holds the service's rule: 3 to 28 of a-z, 0-9 and -, beginning with a letter.
func isDomainName(s string) bool {
	if len(s) < 3 || len(s) > 28 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
