package iam

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// condition is one key of one operator with the values it is compared with.
type condition struct {
	operator string // as written
	key      string // in lower case
	keyText  string
	values   []string
	set      setOperator
	ifExists bool
	negated  bool
	null     bool // the Null operator: wantNull says what for
	wantNull bool
	patterns []pattern    // of operators that know variables
	arns     []arnPattern // of operators on ARNs
	match    func(c *condition, i int, value string, ctx *Context) bool
	parsed   []any // the values in the type that match wants
}

// setOperator says how several values of a key are put together.
type setOperator uint8

const (
	setNone setOperator = iota
	setAny
	setAll
)

// operatorKind is what a family of operators needs.
type operatorKind struct {
	negated   bool
	variables bool // policy variables have a meaning
	wildcards bool
	parse     func(text string) (any, error)
	match     func(c *condition, i int, value string, ctx *Context) bool
}

// operators are the operators by name, without prefix and suffix.
func operators() map[string]operatorKind {
	all := map[string]operatorKind{
		"StringEquals":           {variables: true, match: matchText},
		"StringEqualsIgnoreCase": {variables: true, match: matchFolded},
		"StringLike":             {variables: true, wildcards: true, match: matchText},
		"ArnLike":                {variables: true, wildcards: true, match: matchARN},
		"ArnEquals":              {variables: true, wildcards: true, match: matchARN},
		"NumericEquals":          {parse: parseNumber, match: compareNumbers(func(a, b float64) bool { return a == b })},
		"DateEquals":             {parse: parseDate, match: compareDates(func(n int) bool { return n == 0 })},
		"IpAddress":              {parse: parsePrefix, match: matchIP},
	}
	for name, negation := range map[string]string{
		"StringEquals": "StringNotEquals", "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase", "StringLike": "StringNotLike",
		"ArnLike": "ArnNotLike", "ArnEquals": "ArnNotEquals", "NumericEquals": "NumericNotEquals", "DateEquals": "DateNotEquals",
		"IpAddress": "NotIpAddress",
	} {
		k := all[name]
		k.negated = true
		all[negation] = k
	}
	for name, less := range map[string]func(a, b float64) bool{
		"NumericLessThan": func(a, b float64) bool { return a < b }, "NumericLessThanEquals": func(a, b float64) bool { return a <= b },
		"NumericGreaterThan": func(a, b float64) bool { return a > b }, "NumericGreaterThanEquals": func(a, b float64) bool { return a >= b },
	} {
		all[name] = operatorKind{parse: parseNumber, match: compareNumbers(less)}
	}
	for name, ok := range map[string]func(n int) bool{
		"DateLessThan": func(n int) bool { return n < 0 }, "DateLessThanEquals": func(n int) bool { return n <= 0 },
		"DateGreaterThan": func(n int) bool { return n > 0 }, "DateGreaterThanEquals": func(n int) bool { return n >= 0 },
	} {
		all[name] = operatorKind{parse: parseDate, match: compareDates(ok)}
	}
	all["Bool"] = operatorKind{parse: parseBool, match: matchBool}
	all["BinaryEquals"] = operatorKind{parse: parseBinary, match: matchBinary}
	all["Null"] = operatorKind{parse: parseBool}
	return all
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
		place := path + "." + op.name
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
	kind, ok := operators()[name]
	if !ok || name == "Null" && (c.ifExists || c.set != setNone) {
		return nil, fmt.Errorf("unknown operator %q", operator)
	}
	if prefix, rest, ok := strings.Cut(key, ":"); !ok || prefix == "" || rest == "" {
		return nil, fmt.Errorf("%q is no condition key: want one such as aws:SourceIp", key)
	}
	c.negated, c.match = kind.negated, kind.match
	for _, v := range value.list() {
		if v.kind != stringNode && v.kind != numberNode && v.kind != boolNode {
			return nil, fmt.Errorf("%s: want a string or a list of strings", key)
		}
		c.values = append(c.values, v.text)
		if kind.parse != nil {
			parsed, err := kind.parse(v.text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			c.parsed = append(c.parsed, parsed)
			continue
		}
		compiled, err := compilePattern(v.text, syntax{wildcards: kind.wildcards, variables: kind.variables && p.hasVariables()})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		c.patterns = append(c.patterns, compiled)
		c.arns = append(c.arns, newARNPattern(compiled))
	}
	if len(c.values) == 0 {
		return nil, fmt.Errorf("%s: the list is empty", key)
	}
	if name == "Null" {
		if len(c.values) > 1 {
			return nil, fmt.Errorf("%s: want true or false", key)
		}
		c.null, c.wantNull = true, c.parsed[0] == true
	}
	return c, nil
}

// holds reports whether the condition is fulfilled. A key that is absent fulfils negated operators, those with IfExists
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
func (c *condition) one(value string, ctx *Context) bool {
	for i := range c.values {
		if c.match(c, i, value, ctx) {
			return !c.negated
		}
	}
	return c.negated
}

// unresolved is the first policy variable without a value in the request.
func (c *condition) unresolved(ctx *Context) (string, bool) {
	for _, p := range c.patterns {
		if key, ok := p.unresolved(ctx); ok {
			return key, true
		}
	}
	return "", false
}

func matchText(c *condition, i int, value string, ctx *Context) bool {
	return c.patterns[i].match(value, ctx, false)
}

func matchFolded(c *condition, i int, value string, ctx *Context) bool {
	return strings.EqualFold(c.patterns[i].expand(ctx), value)
}

func matchARN(c *condition, i int, value string, ctx *Context) bool {
	seg, ok := splitARN(value)
	if !ok {
		return false
	}
	return c.arns[i].match(&seg, ctx)
}

func parseNumber(text string) (any, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is not a number", text)
	}
	return n, nil
}

func compareNumbers(ok func(a, b float64) bool) func(*condition, int, string, *Context) bool {
	return func(c *condition, i int, value string, _ *Context) bool {
		n, err := strconv.ParseFloat(value, 64)
		want, isNumber := c.parsed[i].(float64)
		return err == nil && isNumber && ok(n, want)
	}
}

// readDate reads a date of the W3C profile of ISO 8601, or seconds since 1970.
func readDate(text string) (time.Time, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && len(text) > 4 {
		return time.Unix(n, 0), true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func parseDate(text string) (any, error) {
	t, ok := readDate(text)
	if !ok {
		return nil, fmt.Errorf("%q is not a date such as 2026-11-24T00:00:00Z", text)
	}
	return t, nil
}

func compareDates(ok func(n int) bool) func(*condition, int, string, *Context) bool {
	return func(c *condition, i int, value string, _ *Context) bool {
		t, isDate := readDate(value)
		want, has := c.parsed[i].(time.Time)
		return isDate && has && ok(t.Compare(want))
	}
}

func parseBool(text string) (any, error) {
	switch strings.ToLower(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, fmt.Errorf("%q is neither true nor false", text)
}

func matchBool(c *condition, i int, value string, _ *Context) bool {
	got, err := parseBool(value)
	return err == nil && got == c.parsed[i]
}

func parseBinary(text string) (any, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not base64", text)
	}
	return string(b), nil
}

func matchBinary(c *condition, i int, value string, _ *Context) bool {
	got, err := parseBinary(value)
	return err == nil && got == c.parsed[i]
}

// parsePrefix reads a CIDR block, or an address that stands for itself.
func parsePrefix(text string) (any, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("%q is neither an address nor a CIDR block", text)
	}
	return p.Masked(), nil
}

func matchIP(c *condition, i int, value string, _ *Context) bool {
	addr, err := netip.ParseAddr(value)
	prefix, ok := c.parsed[i].(netip.Prefix)
	return err == nil && ok && prefix.Contains(addr.Unmap().WithZone(""))
}
