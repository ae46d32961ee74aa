package engine

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/wire"
)

// sourceParameters reads what the URL says about _source. It is nil when it says nothing.
func (c *call) sourceParameters() *wire.SourceFilter {
	var f wire.SourceFilter
	list := func(name string) []string {
		if v := c.query.Get(name); v != "" {
			return strings.Split(v, ",")
		}
		return nil
	}
	if c.query.Has("_source") {
		switch v := c.query.Get("_source"); v {
		case "", "true":
		case "false":
			f.None = true
		default:
			f.Include = strings.Split(v, ",")
		}
	}
	for _, name := range []string{"_source_includes", "_source_include"} {
		f.Include = append(f.Include, list(name)...)
	}
	for _, name := range []string{"_source_excludes", "_source_exclude"} {
		f.Exclude = append(f.Exclude, list(name)...)
	}
	if !c.query.Has("_source") && f.Include == nil && f.Exclude == nil {
		return nil
	}
	return &f
}

// commonParameters are those that every API takes.
var commonParameters = []string{
	"pretty", "human", "error_trace", "filter_path", "source_content_type", "master_timeout", "cluster_manager_timeout",
	"timeout",
}

// known refuses query parameters that the API does not have, and, with 501, those of unsupported: the real engines have
// them and this one does not.
func (c *call) known(parameters, unsupported []string) error {
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		switch {
		case name == "format" && c.query.Get(name) != "json" && c.path[0] != "_cat":
			return wire.NotOffered("the format %s", c.query.Get(name))
		case name == "format", slices.Contains(commonParameters, name), slices.Contains(parameters, name):
		case slices.Contains(unsupported, name):
			return wire.NotOffered("the parameter %s", name)
		default:
			return wire.Illegal("request [%s] contains unrecognized parameter: [%s]", c.r.URL.Path, name)
		}
	}
	return nil
}

// timeValue refuses a value that is not a length of time such as 30s.
func timeValue(name, v string) error {
	if _, _, ok := numberAndUnit(v); ok || v == "-1" || v == "0" {
		return nil
	}
	return wire.NotATime(name, v)
}

var timeUnits = map[string]time.Duration{
	"nanos": time.Nanosecond, "micros": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute,
	"h": time.Hour, "d": 24 * time.Hour,
}

// numberAndUnit reads a length of time such as 30s.
func numberAndUnit(v string) (n int64, unit time.Duration, ok bool) {
	number := strings.TrimRight(v, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.ParseInt(number, 10, 64)
	unit, ok = timeUnits[v[len(number):]]
	return n, unit, ok && err == nil
}

// flag reads a parameter that is true, false or given without a value.
func (c *call) flag(name string, otherwise bool) (bool, error) {
	if !c.query.Has(name) {
		return otherwise, nil
	}
	switch v := c.query.Get(name); v {
	case "", "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, wire.Illegal("Failed to parse value [%s] as only [true] or [false] are allowed.", v)
	}
}

// number reads a whole number.
func (c *call) number(name string, otherwise int) (int, error) {
	v := c.query.Get(name)
	if v == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil {
		return 0, wire.Illegal("Failed to parse int parameter [%s] with value [%s]", name, v).Because(wire.NumberFormat(v))
	}
	return int(n), nil
}
