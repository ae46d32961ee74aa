package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// apiError is an error as the engines write it.
type apiError struct {
	status int
	kind   string
	reason string
	more   object // such as the index
	cause  *apiError
	plain  bool // one sentence, without a kind

	rootCause *apiError // where it is not the last of the causes
	inner     *apiError // what went wrong on the shards
}

// errorf is an error of a kind, with its reason.
func errorf(status int, kind, format string, args ...any) *apiError {
	return &apiError{status: status, kind: kind, reason: fmt.Sprintf(format, args...)}
}

// sentence is an error that the engines write without a kind.
func sentence(status int, format string, args ...any) *apiError {
	return &apiError{status: status, reason: fmt.Sprintf(format, args...), plain: true}
}

// invalid is the error of a request whose parts are missing or contradict each other.
func invalid(format string, args ...any) *apiError {
	return errorf(http.StatusBadRequest, "action_request_validation_exception", "Validation Failed: 1: %s;", fmt.Sprintf(format, args...))
}

// validationFailed lists what is wrong, as the engines do.
func validationFailed(wrong []string) string {
	var b strings.Builder
	b.WriteString("Validation Failed: ")
	for i, w := range wrong {
		fmt.Fprintf(&b, "%d: %s;", i+1, w)
	}
	return b.String()
}

// illegal is the error about an argument.
func illegal(format string, args ...any) *apiError {
	return errorf(http.StatusBadRequest, "illegal_argument_exception", format, args...)
}

// with adds what an error says beside its reason.
func (e *apiError) with(pairs ...any) *apiError {
	e.more = append(e.more, obj(pairs...)...)
	return e
}

// because adds the cause. Other errors are taken as such.
func (e *apiError) because(err error) *apiError {
	e.cause = asAPIError(err)
	return e
}

func (e *apiError) Error() string {
	if e.plain {
		return e.reason
	}
	return e.kind + ": " + e.reason
}

// asAPIError is the error of the API in err, or err as one of the server.
func asAPIError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return errorf(http.StatusInternalServerError, "exception", "%s", err.Error())
}

// foreign are the kinds of errors that come from below the engines: they are causes, never roots.
var foreign = []string{
	"illegal_argument_exception", "json_parse_exception", "json_e_o_f_exception", "stream_constraints_exception", "input_coercion_exception",
	"number_format_exception", "illegal_state_exception", "date_time_parse_exception", "not_x_content_exception", "zone_rules_exception", "named_object_not_found_exception",
}

// root is the error that the engines name as the root cause.
func (e *apiError) root() *apiError {
	if e.rootCause != nil {
		return e.rootCause
	}
	for e.cause != nil && !slices.Contains(foreign, e.cause.kind) && !slices.Contains(foreign, e.kind) {
		e = e.cause
	}
	return e
}

// body is the error as part of an answer, without its root cause.
func (e *apiError) body() object {
	o := obj("type", e.kind, "reason", e.reason)
	o = append(o, e.more...)
	if e.cause != nil {
		o = append(o, entry{"caused_by", e.cause.body()})
	}
	return o
}

// full is the error with its root cause.
func (e *apiError) full() object {
	root := *e.root()
	root.cause = nil
	return append(obj("root_cause", []any{root.body()}), e.body()...)
}

// item is the error as it stands in an item of a list, such as one of _bulk.
func (c *call) item(e *apiError) any {
	if c.profile.major < firstTyped {
		return legacyError(e)
	}
	return e.body()
}

// firstTyped is the first major version whose errors have types.
const firstTyped = 2

func (c *call) fail(err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		c.cfg.Logger.ErrorContext(c.r.Context(), "request failed", "path", c.r.URL.Path, "error", err)
		e = asAPIError(err)
	}
	var body any = e.full()
	switch {
	case e.plain:
		body = e.reason
	case c.profile.major < firstTyped:
		body = legacyError(e)
	}
	if e.plain && e.status == http.StatusBadRequest {
		c.write(e.status, obj("error", body))
		return
	}
	c.write(e.status, obj("error", body, "status", e.status))
}

// answer writes a JSON answer, as ?filter_path and ?pretty want it.
func (c *call) answer(status int, v any) error {
	if paths := c.query.Get("filter_path"); paths != "" {
		v = filterPaths(v, strings.Split(paths, ","))
	}
	c.write(status, v)
	return nil
}

func (c *call) write(status int, v any) {
	out := appendJSON(nil, v)
	if c.query.Has("pretty") && c.query.Get("pretty") != "false" {
		out = indent(out)
	}
	c.raw(status, jsonType, out)
}

const jsonType = "application/json; charset=UTF-8"

func (c *call) raw(status int, contentType string, body []byte) {
	c.w.Header().Set("Content-Type", contentType)
	c.w.WriteHeader(status)
	if c.r.Method != http.MethodHead {
		_, _ = c.w.Write(body)
	}
}

// shards is what writes say about the copies they reached.
func (x *index) shardsWritten() object {
	return obj("total", 1+x.settings.replicas, "successful", 1, "failed", 0)
}

// filterPaths keeps what the paths of ?filter_path name, or leaves out what those with a minus name. An item of an array
// of which nothing is left stays out, as it does in the real engines.
func filterPaths(v any, paths []string) any {
	var keep, drop [][]string
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, "-"); ok {
			drop = append(drop, strings.Split(rest, "."))
		} else if p != "" {
			keep = append(keep, strings.Split(p, "."))
		}
	}
	ok := true
	if keep != nil {
		v, ok = kept(v, keep)
	}
	if drop != nil && ok {
		v, ok = remaining(v, drop)
	}
	if !ok {
		return object{}
	}
	return v
}

// plain makes text that is JSON into objects and lists.
func plain(v any) any {
	switch v := v.(type) {
	case list:
		return v
	case json.RawMessage:
		n, err := parseJSON(v)
		if err != nil {
			return v
		}
		return plain(&n)
	case node:
		return plain(&v)
	case *node:
		switch v.kind {
		case isObject:
			o := make(object, 0, len(v.members))
			for i := range v.members {
				o = append(o, entry{v.members[i].name, &v.members[i].node})
			}
			return o
		case isArray:
			list := make([]any, 0, len(v.items))
			for i := range v.items {
				list = append(list, &v.items[i])
			}
			return list
		}
	}
	return v
}

// below returns what the paths mean under a name; whole says that one of them ends there.
func below(paths [][]string, name string) (rest [][]string, whole bool) {
	for _, p := range paths {
		switch {
		case p[0] == "**":
			rest = append(rest, p)
			if len(p) == 1 || len(p) == 2 && wildcard(p[1], name) {
				whole = true
			} else if wildcard(p[1], name) {
				rest = append(rest, p[2:])
			}
		case wildcard(p[0], name):
			if len(p) == 1 {
				whole = true
			} else {
				rest = append(rest, p[1:])
			}
		}
	}
	return rest, whole
}

func kept(v any, paths [][]string) (any, bool) {
	switch v := plain(v).(type) {
	case object:
		out := make(object, 0, len(v))
		for _, e := range v {
			rest, whole := below(paths, e.name)
			if whole {
				out = append(out, e)
				continue
			}
			if rest == nil {
				continue
			}
			if child, ok := kept(e.value, rest); ok {
				out = append(out, entry{e.name, child})
			}
		}
		return out, len(out) > 0
	case []any:
		return each(slices.Values(v), paths, kept)
	case list:
		return each(iter.Seq[any](v), paths, kept)
	}
	return nil, false
}

// each filters the items of a list, and writes them at once: a long list takes no more than its text.
func each(items iter.Seq[any], paths [][]string, filter func(any, [][]string) (any, bool)) (any, bool) {
	var out []any
	for item := range items {
		if item, ok := filter(item, paths); ok {
			out = append(out, json.RawMessage(appendJSON(nil, item)))
		}
	}
	return out, len(out) > 0
}

func remaining(v any, paths [][]string) (any, bool) {
	switch v := plain(v).(type) {
	case object:
		out := make(object, 0, len(v))
		for _, e := range v {
			rest, whole := below(paths, e.name)
			if whole {
				continue
			}
			if rest != nil {
				child, ok := remaining(e.value, rest)
				if !ok {
					continue
				}
				e.value = child
			}
			out = append(out, e)
		}
		return out, len(out) > 0
	case []any:
		return each(slices.Values(v), paths, remaining)
	case list:
		return each(iter.Seq[any](v), paths, remaining)
	default:
		return v, true
	}
}
