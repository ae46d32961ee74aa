package lambda

import (
	"errors"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/source"
)

// The names of the function's errors: the errorType that Lambda reports, that lines of the log carry, and that the
// Retry and Catch of a state machine match. The names are stable; docs/lambda.md says what to do about each.
const (
	ErrorEvent       = "Penstock.Event"       // the event, or a part of it, is not understood
	ErrorConfig      = "Penstock.Config"      // a setting is wrong, or the domain does not take such requests
	ErrorNotFound    = "Penstock.NotFound"    // no such object, version or bucket
	ErrorArchived    = "Penstock.Archived"    // the object must be restored from its archive first
	ErrorRefused     = "Penstock.Refused"     // credentials, signature or a policy
	ErrorThrottled   = "Penstock.Throttled"   // the domain or S3 asks for fewer requests
	ErrorUnavailable = "Penstock.Unavailable" // the domain, S3 or another service does not answer, or not well
	ErrorIncomplete  = "Penstock.Incomplete"  // the time was over, or something else is left to do: invoke again
	ErrorInternal    = "Penstock.Internal"    // a mistake in the program
)

// precedence decides when an invocation failed for several reasons: what another invocation can mend comes before what
// it cannot, so that a Retry by name goes on.
var precedence = []string{
	ErrorInternal, ErrorThrottled, ErrorUnavailable, ErrorIncomplete, ErrorRefused, ErrorConfig, ErrorArchived,
	ErrorNotFound, ErrorEvent,
}

// named is implemented by errors that know their name among the function's.
type named interface {
	error
	ErrorType() string
}

// ErrorType returns the name of an error of the function, the most promising one when several are joined. An error may
// name itself with a method of this name.
func ErrorType(err error) string {
	found := map[string]bool{}
	collectTypes(err, found)
	for _, name := range precedence {
		if found[name] {
			return name
		}
	}
	return ErrorIncomplete
}

// collectTypes names every error of a join, and otherwise the outermost one that has a name.
func collectTypes(err error, found map[string]bool) {
	for ; err != nil; err = errors.Unwrap(err) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				collectTypes(e, found)
			}
			return
		}
		if name := ownType(err); name != "" {
			found[name] = true
			return
		}
	}
}

// ownType names an error that says itself what it is, without what it wraps.
func ownType(err error) string {
	switch e := err.(type) { //nolint:errorlint // the caller unwraps
	case named:
		return e.ErrorType()
	case *eventError:
		return ErrorEvent
	case *source.Error:
		return sourceTypes[e.Kind]
	case *domain.Error:
		return domainTypes[e.Kind]
	case *domain.ConfigError, *pipeline.OptionError:
		return ErrorConfig
	case *pipeline.CredentialsError:
		if e.Silent {
			return ErrorUnavailable
		}
		return ErrorRefused
	case *notBegunError, *penstock.PausedError, *penstock.InterruptedError:
		return ErrorIncomplete
	}
	return ""
}

var sourceTypes = map[source.Kind]string{
	source.KindOther:       ErrorUnavailable,
	source.KindMissing:     ErrorNotFound,
	source.KindNoBucket:    ErrorNotFound,
	source.KindDenied:      ErrorRefused,
	source.KindKey:         ErrorRefused,
	source.KindCredentials: ErrorRefused,
	source.KindRegion:      ErrorConfig,
	source.KindName:        ErrorConfig,
	source.KindArchived:    ErrorArchived,
	source.KindChanged:     ErrorUnavailable,
	source.KindThrottled:   ErrorThrottled,
	source.KindUnreachable: ErrorUnavailable,
}

var domainTypes = map[domain.Kind]string{
	domain.Unknown:     ErrorUnavailable,
	domain.Unreachable: ErrorUnavailable,
	domain.Refused:     ErrorRefused,
	domain.Clock:       ErrorRefused,
	domain.Throttled:   ErrorThrottled,
	domain.Blocked:     ErrorUnavailable,
	domain.TooLarge:    ErrorConfig,
	domain.NotADomain:  ErrorConfig,
	domain.Unavailable: ErrorUnavailable,
	domain.BadRequest:  ErrorConfig,
}
