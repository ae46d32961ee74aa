package iam

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// condition is one key of one operator with the values it is compared with.
type condition struct {
	operator string // as written
	name     string // without prefix and suffix
	key      string // in lower case
	keyText  string
	values   []string
	set      setOperator
	ifExists bool
	negated  bool
	null     bool         // the operator is Null
	wantNull bool         // Null: the key must be absent
	patterns []pattern    // of operators that know variables
	arns     []arnPattern // of operators on ARNs
	match    matcher
	parsed   []any // the values in the type that match wants
}

// setOperator is the prefix of an operator: whether any or all values of a key have to fulfil it.
type setOperator uint8

const (
	setNone setOperator = iota
	setAny
	setAll
)

// operatorKind says how an operator reads and compares values.
type operatorKind struct {
	negated   bool
	variables bool // the policy's values may hold policy variables
	wildcards bool // the policy's values may hold * and ?
	parse     func(text string) (any, error)
	match     matcher
}

// matcher reports whether a value of the request is one of those that the condition names.
type matcher func(c *condition, value string, ctx *Context) bool

// operators are the operators by name, without prefix and suffix.
var operators = map[string]operatorKind{
	"StringEquals":              {variables: true, match: matchText},
	"StringNotEquals":           {variables: true, match: matchText, negated: true},
	"StringEqualsIgnoreCase":    {variables: true, match: matchFolded},
	"StringNotEqualsIgnoreCase": {variables: true, match: matchFolded, negated: true},
	"StringLike":                {variables: true, wildcards: true, match: matchText},
	"StringNotLike":             {variables: true, wildcards: true, match: matchText, negated: true},
	"ArnEquals":                 {variables: true, wildcards: true, match: matchARN},
	"ArnNotEquals":              {variables: true, wildcards: true, match: matchARN, negated: true},
	"ArnLike":                   {variables: true, wildcards: true, match: matchARN},
	"ArnNotLike":                {variables: true, wildcards: true, match: matchARN, negated: true},
	"NumericEquals":             {parse: parseNumber, match: compare(readNumber, isSame[float64])},
	"NumericNotEquals":          {parse: parseNumber, match: compare(readNumber, isSame[float64]), negated: true},
	"NumericLessThan":           {parse: parseNumber, match: compare(readNumber, isLess)},
	"NumericLessThanEquals":     {parse: parseNumber, match: compare(readNumber, isLessOrSame)},
	"NumericGreaterThan":        {parse: parseNumber, match: compare(readNumber, isGreater)},
	"NumericGreaterThanEquals":  {parse: parseNumber, match: compare(readNumber, isGreaterOrSame)},
	"DateEquals":                {parse: parseDate, match: compare(readDate, time.Time.Equal)},
	"DateNotEquals":             {parse: parseDate, match: compare(readDate, time.Time.Equal), negated: true},
	"DateLessThan":              {parse: parseDate, match: compare(readDate, time.Time.Before)},
	"DateLessThanEquals":        {parse: parseDate, match: compare(readDate, isNotAfter)},
	"DateGreaterThan":           {parse: parseDate, match: compare(readDate, time.Time.After)},
	"DateGreaterThanEquals":     {parse: parseDate, match: compare(readDate, isNotBefore)},
	"Bool":                      {parse: parseBool, match: compare(readBool, isSame[bool])},
	"BinaryEquals":              {parse: parseBinary, match: compare(readBinary, isSame[string])},
	"IpAddress":                 {parse: parsePrefix, match: compare(readAddress, isWithin)},
	"NotIpAddress":              {parse: parsePrefix, match: compare(readAddress, isWithin), negated: true},
	"Null":                      {parse: parseBool},
}

func (p *Policy) readConditions(s *statement, n *node, path string) error {
	v := n.member("Condition")
	if v == nil {
		return nil
	}
	path += ".Condition"
	if v.kind != objectNode {
		return &Error{Path: path, Problem: "want an object"}
	}
	for _, op := range v.members {
		place := path + "." + clipped(op.name)
		if op.value.kind != objectNode || len(op.value.members) == 0 {
			return &Error{Path: place, Problem: "want an object with a condition key"}
		}
		for _, m := range op.value.members {
			c, err := p.condition(op.name, m.name, m.value)
			if err != nil {
				return &Error{Path: place, Problem: err.Error()}
			}
			s.conditions = append(s.conditions, *c)
		}
	}
	return nil
}

func (p *Policy) condition(operator, key string, value *node) (*condition, error) {
	c := &condition{operator: operator, key: strings.ToLower(key), keyText: key}
	name := operator
	if rest, ok := strings.CutPrefix(name, "ForAnyValue:"); ok {
		c.set, name = setAny, rest
	} else if rest, ok := strings.CutPrefix(name, "ForAllValues:"); ok {
		c.set, name = setAll, rest
	}
	if rest, ok := strings.CutSuffix(name, "IfExists"); ok {
		c.ifExists, name = true, rest
	}
	kind, ok := operators[name]
	if !ok || name == "Null" && (c.ifExists || c.set != setNone) {
		return nil, fmt.Errorf("unknown operator %s", quoted(operator))
	}
	if prefix, rest, ok := strings.Cut(key, ":"); !ok || prefix == "" || rest == "" {
		return nil, fmt.Errorf("%s is no condition key: want one such as aws:SourceIp", quoted(key))
	}
	c.name, c.negated, c.match = name, kind.negated, kind.match
	for _, v := range value.list() {
		if v.kind != stringNode && v.kind != numberNode && v.kind != boolNode {
			return nil, fmt.Errorf("%s: want a string or a list of strings", clipped(key))
		}
		c.values = append(c.values, v.text)
		if kind.parse != nil {
			parsed, err := kind.parse(v.text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", clipped(key), err)
			}
			c.parsed = append(c.parsed, parsed)
			continue
		}
		allowed := syntax{wildcards: kind.wildcards, variables: kind.variables && p.hasVariables()}
		compiled, err := compilePattern(v.text, allowed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", clipped(key), err)
		}
		c.patterns = append(c.patterns, compiled)
		c.arns = append(c.arns, newARNPattern(compiled))
	}
	if len(c.values) == 0 {
		return nil, fmt.Errorf("%s: the list is empty", clipped(key))
	}
	if name == "Null" {
		if len(c.values) > 1 {
			return nil, fmt.Errorf("%s: want true or false", clipped(key))
		}
		c.null, c.wantNull = true, c.parsed[0] == true
	}
	return c, nil
}

// holds reports whether the condition is fulfilled. An absent key fulfils negated operators, operators with IfExists
// and ForAllValues, and no others.
func (c *condition) holds(ctx *Context) bool {
	values := ctx.lower(c.key)
	if c.null {
		return (len(values) == 0) == c.wantNull
	}
	if len(values) == 0 {
		return c.ifExists || c.set == setAll || c.set == setNone && c.negated
	}
	all := c.set == setAll || c.set == setNone && c.negated
	for _, v := range values {
		if c.one(v, ctx) != all {
			return !all
		}
	}
	return all
}

// one compares one value of the key. The values of the policy are alternatives; a negated operator wants none of them.
func (c *condition) one(value string, ctx *Context) bool { return c.match(c, value, ctx) != c.negated }

// unresolved is the key of the first policy variable that has no value in the request.
func (c *condition) unresolved(ctx *Context) (string, bool) {
	for _, p := range c.patterns {
		if key, ok := p.unresolved(ctx); ok {
			return key, true
		}
	}
	return "", false
}

func matchText(c *condition, value string, ctx *Context) bool {
	return slices.ContainsFunc(c.patterns, func(p pattern) bool { return p.match(value, ctx, false) })
}

func matchFolded(c *condition, value string, ctx *Context) bool {
	return slices.ContainsFunc(c.patterns, func(p pattern) bool {
		text, ok := p.expand(ctx)
		return ok && strings.EqualFold(text, value)
	})
}

func matchARN(c *condition, value string, ctx *Context) bool {
	seg, ok := splitARN(value)
	return ok && slices.ContainsFunc(c.arns, func(a arnPattern) bool { return a.match(value, &seg, ctx) })
}

// compare makes a matcher of typed values. It reads the request's value once, however many values the policy has.
func compare[G, W any](read func(text string) (G, bool), holds func(got G, want W) bool) matcher {
	return func(c *condition, value string, _ *Context) bool {
		got, ok := read(value)
		return ok && slices.ContainsFunc(c.parsed, func(parsed any) bool {
			want, ok := parsed.(W)
			return ok && holds(got, want)
		})
	}
}

// parser makes a function that reads a value of a policy in the way values of requests are read. The function's error
// is the text followed by wrong.
func parser[T any](read func(text string) (T, bool), wrong string) func(text string) (any, error) {
	return func(text string) (any, error) {
		v, ok := read(text)
		if !ok {
			return nil, fmt.Errorf("%s %s", quoted(text), wrong)
		}
		return v, nil
	}
}

var (
	parseNumber = parser(readNumber, "is not a number")
	parseDate   = parser(readDate, "is not a date such as 2026-11-24T00:00:00Z")
	parseBool   = parser(readBool, "is neither true nor false")
	parseBinary = parser(readBinary, "is not base64")
)

func isSame[T comparable](got, want T) bool { return got == want }

func isLess(got, want float64) bool          { return got < want }
func isLessOrSame(got, want float64) bool    { return got <= want }
func isGreater(got, want float64) bool       { return got > want }
func isGreaterOrSame(got, want float64) bool { return got >= want }

func isNotAfter(got, want time.Time) bool  { return !got.After(want) }
func isNotBefore(got, want time.Time) bool { return !got.Before(want) }

// readNumber reads a decimal number. NaN, infinity and hexadecimal numbers, which Go reads too, are refused.
func readNumber(text string) (float64, bool) {
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && strings.Trim(text, "0123456789+-.eE") == ""
}

// maxEpoch is the end of the year 9999.
const maxEpoch = 253402300799

// readDate reads a date of the W3C profile of ISO 8601, or seconds since 1970.
func readDate(text string) (time.Time, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && len(text) > 4 {
		return time.Unix(n, 0), -maxEpoch <= n && n <= maxEpoch
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func readBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

func readBinary(text string) (string, bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	return string(b), err == nil
}

// parsePrefix reads a CIDR block. A single address is a block of one.
func parsePrefix(text string) (any, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("%s is neither an address nor a CIDR block", quoted(text))
	}
	if addr := p.Addr(); addr.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(addr.Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

func readAddress(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(text)
	return addr.Unmap().WithZone(""), err == nil
}

func isWithin(addr netip.Addr, block netip.Prefix) bool { return block.Contains(addr) }
