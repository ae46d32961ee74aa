package iam

import (
	"slices"
	"strings"
)

// dataActions are the actions of requests to a domain.
var dataActions = [...]string{
	"es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut", "es:ESHttpDelete", "es:ESHttpPatch",
}

func (l *linter) actions(s *statement) {
	if s.notAction {
		if s.effect == Allow {
			l.warn("NotAction", "not-action", "everything that is not named is allowed, also what is added to the service later")
		}
		return
	}
	control, data := false, false
	for i := range s.actions {
		a := &s.actions[i]
		isData := slices.ContainsFunc(dataActions[:], func(action string) bool {
			return a.pattern.match(action, nil, true)
		})
		data = data || isData
		switch lower := strings.ToLower(a.text); {
		case isData, lower == "es:escrossclusterget":
		case strings.HasPrefix(lower, "es:eshttp"):
			l.warn("Action", "unknown-action", "%s is no action: they are es:ESHttpGet, ESHttpHead, ESHttpPost, "+
				"ESHttpPut, ESHttpDelete and ESHttpPatch", a.text)
		case strings.HasPrefix(lower, "es:"):
			control = true
		}
	}
	if s.effect != Allow {
		return
	}
	get, head, post := s.matchesAction("es:ESHttpGet"), s.matchesAction("es:ESHttpHead"), s.matchesAction("es:ESHttpPost")
	switch {
	case control && !data && l.policy.isResource:
		l.warn("Action", "control-plane-only", "these are actions of the configuration API; "+
			"the actions of requests to the domain are es:ESHttpGet, es:ESHttpPost and so on")
	case get && !head && s.isAbout((*resourcePattern).isWholeIndex):
		l.warn("Action", "head",
			"HEAD is an action of its own, es:ESHttpHead: clients that ask whether an index exists are refused")
	}
	if get && !post && s.isAbout((*resourcePattern).isSearched) {
		l.warn("Action", "search-by-post",
			"clients send most searches, and _bulk, with POST: es:ESHttpPost is not allowed here")
	}
}

// isAbout reports whether a resource of the statement is of a kind. A statement without resources, or with NotResource,
// is about all kinds.
func (s *statement) isAbout(kind func(*resourcePattern) bool) bool {
	for i := range s.resources {
		if kind(&s.resources[i]) {
			return true
		}
	}
	return len(s.resources) == 0 || s.notResource
}

// isIndex reports whether the resource may be an index or something below one.
func (r *resourcePattern) isIndex() bool {
	_, path, _ := strings.Cut(r.text, "/")
	_, path, hasPath := strings.Cut(path, "/")
	return !hasPath || path != "" && !strings.HasPrefix(path, "_")
}

// isWholeIndex reports whether the resource may be an index and names no API below it.
func (r *resourcePattern) isWholeIndex() bool { return r.isIndex() && apiOf(r.text) == "" }

// isSearched reports whether clients POST to the resource where they could GET.
func (r *resourcePattern) isSearched() bool {
	if methods := apiMethods(apiOf(r.text)); len(methods) > 0 {
		return slices.Contains(methods, "GET") && slices.Contains(methods, "POST")
	}
	return r.isIndex() && strings.HasSuffix(r.text, "*")
}

func (l *linter) resource(s *statement, r *resourcePattern) {
	l.nullResource(s, r)
	if l.policy.hasVariables() && strings.Contains(r.text[:fifthColon(r.text)], "${") {
		l.warn("Resource", "never-matches", "policy variables mean nothing before the fifth colon of an ARN: "+
			"%s is compared as it stands, and matches nothing", r.text)
		return
	}
	if s.notResource || r.arn.any {
		return
	}
	seg, ok := splitARN(r.text)
	if !ok || seg[2] != "es" {
		return
	}
	name, isDomain := strings.CutPrefix(seg[5], "domain/")
	name, path, hasPath := strings.Cut(name, "/")
	if d := l.domain; d.Name != "" && !r.mayBeOf(d, name, isDomain) {
		l.warn("Resource", "other-domain", "%s is not about %s", r.text, d.ARN())
	}
	switch {
	case !isDomain:
	case hasPath:
		l.resourcePath(s, r, path)
	case !strings.HasSuffix(name, "*"):
		l.warn("Resource", "domain-without-path",
			"%s is the domain for the configuration API and matches no request to it; write %s/*", r.text, r.text)
	case name != "*" && !l.policy.isResource:
		l.warn("Resource", "domain-prefix", "%s is every domain whose name begins so; write %s/* for one domain",
			r.text, strings.TrimSuffix(r.text, "*"))
	}
}

// mayBeOf reports whether the resource can be one of the domain's. Values of policy variables are not known.
func (r *resourcePattern) mayBeOf(d Domain, name string, isDomain bool) bool {
	own, _ := splitARN(d.ARN())
	for i := range 5 {
		if !r.arn.segment[i].match(own[i], nil, false) {
			return false
		}
	}
	if r.pattern.hasVariables() {
		return true
	}
	p, err := compilePattern(name, syntax{wildcards: true})
	return err != nil || !isDomain || p.match(d.Name, nil, false)
}

// resourcePath looks at what follows domain/NAME/.
func (l *linter) resourcePath(s *statement, r *resourcePattern, path string) {
	if path == "" || path == "*" {
		return
	}
	first, _, isBelow := strings.Cut(path, "/")
	isIndex := !strings.HasPrefix(first, "_")
	base := strings.TrimSuffix(r.text, path)
	if s.effect == Deny {
		if isIndex || first == "_all" {
			l.warn("Resource", "deny-can-be-avoided", "%s is compared with the path as it is written: "+
				"_all, *, a list a,b, an alias or a _bulk body reach the index by another path", r.text)
		}
	} else {
		l.reach(s, r, first, isBelow)
	}
	switch index := strings.TrimSuffix(path, "/*"); {
	case !isIndex, strings.HasSuffix(first, "*"):
	case isBelow && index == first && !l.covers(s.effect, base+index):
		l.warn("Resource", "index-itself", "%s leaves out the index itself: "+
			"DELETE, PUT and HEAD /%s are judged as domain/NAME/%s; write %s as well", r.text, first, first, base+index)
	case !isBelow && !l.covers(s.effect, r.text+"/_search"):
		l.warn("Resource", "index-only",
			"%s is the index itself and nothing below it: its documents and searches are at %s/*", r.text, r.text)
	}
}

// reach looks at an Allow whose path lets requests reach more indexes than it names.
func (l *linter) reach(s *statement, r *resourcePattern, first string, isBelow bool) {
	api := apiOf(r.text)
	switch {
	case api != "" && !s.allowsOneOf(apiMethods(api)):
		l.warn("Resource", "method-mismatch", "%s takes %s, and no action here stands for that",
			api, strings.Join(apiMethods(api), " or "))
	case namesIndexes(first):
		l.warn("Resource", "body-names-indexes", "the body of %s may name any index, and is not judged: whoever may "+
			"do this can reach all indexes, unless rest.action.multi.allow_explicit_index is false", first)
	case first == "*" && isBelow, searchesAll(first):
		l.warn("Resource", "all-indexes", "%s reaches every index", r.text)
	case strings.HasPrefix(first, "_"):
	default:
		l.index(s, r, first)
	}
}

// index looks at an Allow for one index, or for those with a common beginning.
func (l *linter) index(s *statement, r *resourcePattern, first string) {
	if i := strings.IndexByte(first, '*'); i > 0 {
		l.warn("Resource", "list-reaches-further", "%s includes lists: /%sx,other/_search reads the index other too", r.text,
			first[:i])
	}
	shortest := strings.SplitN(r.pattern.shortest(), "/", 4) // domain, name, index, the rest
	if len(shortest) < 3 {
		return
	}
	unknown := r.pattern.resolve(&Context{})
	for _, api := range []string{"_bulk", "_mget", "_msearch"} {
		path := strings.Join(append(shortest[:3:3], api), "/")
		if s.allowsOneOf(apiMethods(api)) && unknown.match(path, &Context{}, false) {
			l.warn("Resource", "body-names-indexes", "%s includes /%s/%s, whose body may name any other index and is "+
				"not judged, unless rest.action.multi.allow_explicit_index is false", r.text, first, api)
			return
		}
	}
}

// shortest is the shortest text that fits. Question marks stay, and policy variables stand for their defaults.
func (p pattern) shortest() string {
	var b strings.Builder
	for i := range p {
		switch p[i].kind {
		case partAnyRun:
		case partAnyOne:
			b.WriteByte('?')
		default:
			b.WriteString(p[i].text)
		}
	}
	return b.String()
}

// allowsOneOf reports whether an action stands for one of the methods.
func (s *statement) allowsOneOf(methods []string) bool {
	return slices.ContainsFunc(methods, func(m string) bool {
		action, _ := ActionFor(m)
		return s.matchesAction(action)
	})
}

// covers reports whether some statement with this effect includes a resource.
func (l *linter) covers(effect Effect, resource string) bool {
	seg, ok := splitARN(resource)
	return ok && slices.ContainsFunc(l.reached[effect], func(a arnPattern) bool {
		return a.match(resource, &seg, &Context{})
	})
}

// namesIndexes reports whether a path's first segment is an API whose body names indexes.
func namesIndexes(first string) bool {
	return hasAnyPrefix(first, "_bulk", "_mget", "_msearch", "_reindex", "_aliases")
}

// searchesAll reports whether a path's first segment is an API that searches all indexes when no index is named.
func searchesAll(first string) bool {
	return hasAnyPrefix(first, "_all", "_search", "_count") || strings.HasSuffix(first, "_by_query")
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}

// apiOf is the first segment of a resource's path that is an API's name; empty when there is none.
func apiOf(resource string) string {
	_, path, _ := strings.Cut(resource, "/")
	for segment := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(segment, "_") && len(apiMethods(segment)) > 0 {
			return segment
		}
	}
	return ""
}

// apiMethods are the methods that an API takes. An unknown API has none.
func apiMethods(api string) []string {
	switch api {
	case "_bulk", "_create":
		return []string{"POST", "PUT"}
	case "_search", "_msearch", "_mget", "_count", "_refresh", "_flush", "_analyze", "_validate", "_field_caps":
		return []string{"GET", "POST"}
	case "_delete_by_query", "_update_by_query", "_reindex", "_forcemerge", "_update", "_rollover", "_open", "_close":
		return []string{"POST"}
	case "_cat", "_stats", "_segments", "_recovery", "_nodes":
		return []string{"GET", "HEAD"}
	case "_aliases":
		return []string{"GET", "POST"}
	}
	return nil
}
