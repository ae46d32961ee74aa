package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
)

// elsewhere are the settings that say where documents go, or which records there are.
var elsewhere = []string{"domain", "target", "service", "collection", "index", "logs_index", "format"}

// Against says what goes another way than by an earlier file, each at its place in this one: ids are compared in one
// index only, so what is shipped again there is there twice over.
func (f *File) Against(old *File) []Mistake {
	var found finder
	for _, key := range elsewhere {
		is, was := f.Values[key], old.Values[key]
		if is.Text == was.Text {
			continue
		}
		at := place{max(is.Line, 1), max(is.Column, 1)}
		found.warn(at, "%s was %s and is %s", key, valueOf(key, was), valueOf(key, is))
	}
	for name, was := range old.Targets {
		if is, ok := f.Targets[name]; ok && is["domain"].Text != was["domain"].Text {
			at := place{is["domain"].Line, is["domain"].Column}
			found.warn(at, "target %q was %s and is %s", name, was["domain"].Text, is["domain"].Text)
		}
	}
	f.formatsAgainst(old, &found)
	f.keysAgainst(old, &found)
	f.rulesAgainst("", f.Always, old.Always, &found)
	f.routesAgainst(old, &found)
	return found.sorted()
}

// valueOf is what a setting has, in a sentence.
func valueOf(key string, v settings.Value) string {
	text := v.Text
	if text == "" {
		text = settings.Lookup(strings.ReplaceAll(key, "_", "-")).Default
	}
	if text == "" {
		return "not set"
	}
	return fmt.Sprintf("%q", text)
}

// routesAgainst compares routes of one name.
func (f *File) routesAgainst(old *File, found *finder) {
	before := map[string]int{}
	for i := range old.Routes {
		before[old.Routes[i].Name] = i
	}
	last, lastName := -1, ""
	for i := range f.Routes {
		is := &f.Routes[i]
		at := f.places[is.Name]
		n, ok := before[is.Name]
		if !ok {
			found.warn(at, "route %q is new: what it takes goes %s", is.Name, f.where(is))
			continue
		}
		delete(before, is.Name)
		if n < last {
			found.warn(at, "route %q stands behind %q, which came after it: what both take goes another way", is.Name, lastName)
		} else {
			last, lastName = n, is.Name
		}
		was := &old.Routes[n]
		if !reflect.DeepEqual(is.Match, was.Match) {
			found.warn(at, "route %q takes other entries than before", is.Name)
		}
		if goes, went := f.where(is), old.where(was); goes != went {
			found.warn(at, "route %q: what went %s goes %s", is.Name, went, goes)
		}
		if is.Routing != was.Routing {
			found.warn(at, "route %q: the routing was %q and is %q; the same id may be there twice, in two shards", is.Name,
				was.Routing, is.Routing)
		}
		f.rulesAgainst(is.Name, is.Rules, was.Rules, found)
		if !slices.Equal(is.Drop, was.Drop) {
			found.warn(at, "route %q: what its drop leaves out is not the same as before", is.Name)
		}
		if is.Format != was.Format {
			found.warn(at, "route %q: it is read as %s instead of %s; other records have other ids", is.Name,
				orRecognised(is.Format), orRecognised(was.Format))
		}
	}
	for i := range old.Routes {
		was := &old.Routes[i]
		if _, gone := before[was.Name]; gone {
			found.warn(place{1, 1}, "route %q is gone: what went %s goes by other routes, or %s", was.Name, old.where(was),
				f.where(&pipeline.Route{}))
		}
	}
}

func orRecognised(format string) string {
	if format == "" {
		return "what it is recognised as"
	}
	return format
}

// targetText is what stands behind an index that is not in the domain of the settings.
func targetText(r *pipeline.Route) string {
	if r.Target == "" {
		return ""
	}
	return " of target " + r.Target
}

// where is where a route sends what it takes, in a sentence.
func (f *File) where(r *pipeline.Route) string {
	switch {
	case r.Skip != "":
		return fmt.Sprintf("nowhere (skip: %s)", r.Skip)
	case r.Index != "":
		return fmt.Sprintf("to %q", r.Index) + targetText(r)
	}
	return "to " + valueOf("index", f.Values["index"]) + targetText(r)
}
