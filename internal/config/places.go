package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/shape"
)

// spot is where documents may go: an index pattern or a data stream of a target.
type spot struct {
	pattern   *shape.Pattern
	stream    bool
	target    string
	retention string // empty for none
	at        place
	what      string // it belongs to
}

// spots are those of a file: of its routes, of the rules in them, and of the settings where no route says otherwise.
func spots(root *node) []spot {
	var all []spot
	add := func(n *node, stream bool, target, retention, what string) {
		if n == nil || n.kind != scalar {
			return
		}
		if p, err := shape.ParsePattern(n.text); err == nil {
			all = append(all, spot{p, stream, target, retention, n.place, what})
		}
	}
	rules := func(n *node, target, what string) {
		if n == nil {
			return
		}
		for _, rule := range n.items {
			add(rule.member("index"), false, target, "", "a rule of "+what)
			add(rule.member("data_stream"), true, target, "", "a rule of "+what)
		}
	}
	rest := true // some entries may go where the settings say
	if routes := root.member("routes"); routes != nil {
		rest = !slices.ContainsFunc(routes.items, func(r *node) bool { return takesAll(r.member("match")) })
		for _, r := range routes.items {
			target, what := r.textAt("target"), "route "+quoted(r.textAt("name"))
			add(r.member("index"), false, target, r.textAt("retention"), what)
			add(r.member("data_stream"), true, target, r.textAt("retention"), what)
			rules(r.member("rules"), target, what)
			if always := root.member("always"); target != "" {
				rules(always, target, "always")
			}
			if r.member("skip") == nil && r.member("index") == nil && r.member("data_stream") == nil && target == "" {
				rest = true
			}
		}
	}
	rules(root.member("always"), "", "always")
	if rest {
		for _, name := range []string{"index", "logs-index"} {
			s := settings.Lookup(name)
			n := root.member(s.Key())
			if n == nil {
				n = &node{text: s.Default}
			}
			add(n, false, "", "", "the setting "+s.Key())
		}
	}
	return all
}

// relateRetentions reports retentions that would delete what is not theirs, or not known.
func relateRetentions(f *finder, root *node) {
	routes := root.member("routes")
	if routes == nil || routes.kind != list {
		return
	}
	all := spots(root)
	for _, r := range routes.items {
		keep := r.member("retention")
		if keep == nil || keep.kind != scalar || !retention.pattern.MatchString(keep.text) {
			continue
		}
		one := routeOf(r)
		deleted, err := pipeline.RetentionOf(&one)
		if err != nil {
			f.wrong(keep.place, "%s", err)
			continue
		}
		for _, other := range all {
			if other.target != one.Target || other.retention == keep.text || !f.takesIn(deleted.Pattern, &other) {
				continue
			}
			has := "none"
			if other.retention != "" {
				has = other.retention
			}
			where := ""
			if other.at.line > 0 {
				where = fmt.Sprintf(" in line %d", other.at.line)
			}
			f.wrong(keep.place, "retention deletes %s, which takes in indexes of %s%s, whose retention is %s", deleted.Pattern,
				other.what, where, has)
		}
	}
}

// takesIn reports whether a retention's pattern may take in an index of a spot.
func (f *finder) takesIn(pattern string, s *spot) bool {
	prefix, any := strings.CutSuffix(pattern, "*")
	if !any && s.pattern.HasDate() {
		return false // the pattern is the name of a data stream
	}
	if !s.pattern.HasFormat() {
		return s.pattern.MayBegin(prefix, "")
	}
	return slices.ContainsFunc(f.formats(), func(name string) bool { return s.pattern.MayBegin(prefix, name) })
}
