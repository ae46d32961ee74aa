package wire

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Failure is an error as the engines write it.
type Failure struct {
	Status int
	Kind   string
	Reason string
	more   Object // such as the index
	Cause  *Failure
	Plain  bool // one sentence, without a kind

	RootCause *Failure // where it is not the last of the causes
	Inner     *Failure // what went wrong on the shards
}

// Errorf is an error of a kind, with its reason.
func Errorf(status int, kind, format string, args ...any) *Failure {
	return &Failure{Status: status, Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// Sentence is an error that the engines write as one sentence, without a kind.
func Sentence(status int, format string, args ...any) *Failure {
	return &Failure{Status: status, Reason: fmt.Sprintf(format, args...), Plain: true}
}

// Invalid is the error of a request whose parts are missing or contradict each other.
func Invalid(format string, args ...any) *Failure {
	return Errorf(http.StatusBadRequest, "action_request_validation_exception", "Validation Failed: 1: %s;",
		fmt.Sprintf(format, args...))
}

// ValidationFailed lists what is wrong, as the engines do.
func ValidationFailed(wrong []string) string {
	var b strings.Builder
	b.WriteString("Validation Failed: ")
	for i, w := range wrong {
		fmt.Fprintf(&b, "%d: %s;", i+1, w)
	}
	return b.String()
}

// Illegal is an illegal_argument_exception.
func Illegal(format string, args ...any) *Failure {
	return Errorf(http.StatusBadRequest, "illegal_argument_exception", format, args...)
}

// NotATime is the error about a value that is not a length of time such as 30s.
func NotATime(name, v string) *Failure {
	return Illegal("failed to parse setting [%s] with value [%s] as a time value: unit is missing or unrecognized",
		name, v)
}

// With adds members, such as the index, that stand beside the reason.
func (e *Failure) With(pairs ...any) *Failure {
	e.more = append(e.more, Obj(pairs...)...)
	return e
}

// Because adds the cause, as AsFailure takes it.
func (e *Failure) Because(err error) *Failure {
	e.Cause = AsFailure(err)
	return e
}

func (e *Failure) Error() string {
	if e.Plain {
		return e.Reason
	}
	return e.Kind + ": " + e.Reason
}

// AsFailure is the Failure in err. Any other error becomes one with status 500.
func AsFailure(err error) *Failure {
	if e, ok := errors.AsType[*Failure](err); ok {
		return e
	}
	return Errorf(http.StatusInternalServerError, "exception", "%s", err.Error())
}

// foreign are the kinds of errors that come from below the engines: they are causes, never roots.
var foreign = []string{
	"illegal_argument_exception", "json_parse_exception", "json_e_o_f_exception", "stream_constraints_exception",
	"input_coercion_exception", "number_format_exception", "illegal_state_exception", "date_time_parse_exception",
	"not_x_content_exception", "zone_rules_exception", "named_object_not_found_exception",
}

// Root is the error that the engines name as the root cause.
func (e *Failure) Root() *Failure {
	if e.RootCause != nil {
		return e.RootCause
	}
	for e.Cause != nil && !slices.Contains(foreign, e.Cause.Kind) && !slices.Contains(foreign, e.Kind) {
		e = e.Cause
	}
	return e
}

// Body is the error as part of an answer, without its root cause.
func (e *Failure) Body() Object {
	o := Obj("type", e.Kind, "reason", e.Reason)
	o = append(o, e.more...)
	if e.Cause != nil {
		o = append(o, Entry{"caused_by", e.Cause.Body()})
	}
	return o
}

// Full is the error with its root cause.
func (e *Failure) Full() Object {
	root := *e.Root()
	root.Cause = nil
	return append(Obj("root_cause", []any{root.Body()}), e.Body()...)
}

// LegacyError is an error as Elasticsearch 1.x writes it: one sentence of Java's names and reasons.
func LegacyError(e *Failure) string {
	if e.Cause == nil {
		return e.legacyName() + "[" + e.legacyReason() + "]"
	}
	var b strings.Builder
	for ; e != nil; e = e.Cause {
		b.WriteString(e.legacyName() + "[" + e.legacyReason() + "]; ")
		if e.Cause != nil {
			b.WriteString("nested: ")
		}
	}
	return b.String()
}

func (e *Failure) legacyName() string {
	switch {
	case e.Kind == "index_not_found_exception":
		return "IndexMissingException"
	case e.Kind == "resource_already_exists_exception":
		return "IndexAlreadyExistsException"
	case e.Kind == "illegal_argument_exception" && strings.HasPrefix(e.Reason, "For input string"):
		return "NumberFormatException"
	}
	var b strings.Builder
	for part := range strings.SplitSeq(e.Kind, "_") {
		if part != "" {
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

func (e *Failure) legacyReason() string {
	name := ""
	for _, m := range e.more {
		if text, ok := m.Value.(string); ok && m.Name == "index" {
			name = text
		}
	}
	switch e.Kind {
	case "index_not_found_exception":
		return "[" + name + "] missing"
	case "resource_already_exists_exception":
		return "[" + name + "] already exists"
	case "invalid_index_name_exception":
		return "[" + name + "] " + e.Reason
	}
	return e.Reason
}

// wayOut is what to do about what is not offered.
const wayOut = "put the domain in front of a real engine with penstock domain --engine URL"

// NotOffered is the answer to what the real engines have and this one does not.
func NotOffered(format string, args ...any) error {
	return Errorf(http.StatusNotImplemented, "not_implemented", "the embedded engine does not offer %s; %s",
		fmt.Sprintf(format, args...), wayOut)
}

// NumberFormat is the error about a text that is no number.
func NumberFormat(v string) *Failure {
	return Errorf(http.StatusBadRequest, "number_format_exception", "For input string: \"%s\"", v)
}
