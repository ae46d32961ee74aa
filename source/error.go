package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Kind says what went wrong with a source, for hints and exit codes.
type Kind uint8

// The kinds of failures.
const (
	KindOther       Kind = iota
	KindMissing          // no such file, key or version
	KindNoBucket         // no such bucket
	KindDenied           // not allowed, or (without s3:ListBucket) not there
	KindCredentials      // none, or not valid
	KindRegion           // the bucket is in another region and it cannot be found out
	KindArchived         // in an archive storage class; it must be restored first
	KindChanged          // replaced or changed while it was read
	KindUnreachable      // the endpoint cannot be reached
	KindKey              // encrypted with a key that cannot be used
	KindThrottled        // S3 asks for fewer requests
	KindName             // no name that a bucket or an access point can have, or not with these options
	KindNotAFile         // a socket, a device or another thing that has no end
	KindAnswer           // an answer that S3 does not give: a proxy's page, a listing or an object cut short
	KindAltered          // all bytes have arrived, and their checksum is not the object's
)

// Error is a failure to list or to read.
type Error struct {
	Op     string // list, open, read
	Object string
	Kind   Kind
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %v", e.Op, e.Object, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether a later attempt can succeed without anybody doing anything.
func (e *Error) Temporary() bool {
	switch e.Kind {
	case KindUnreachable, KindOther, KindChanged, KindThrottled, KindAnswer, KindAltered:
		return true
	}
	return false
}

// Fatal reports whether every other object would fail the same way.
func (e *Error) Fatal() bool { return e.Kind == KindCredentials }

// classify finds the kind of an S3 failure.
func classify(op, object string, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		if e.Op == "" {
			e.Op, e.Object = op, object
		}
		return e
	}
	e := &Error{Op: op, Object: object, Err: err, Kind: KindOther}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		e.Kind = KindUnreachable
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		e.Kind = KindUnreachable
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		e.Err = &connectionError{text: op.Error(), err: err}
	}
	status := 0
	if re, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = re.HTTPStatusCode()
	}
	var code string
	if ae, ok := errors.AsType[smithy.APIError](err); ok {
		code = ae.ErrorCode()
		// The code and the sentence are what the service said; the chain around them is the SDK's.
		e.Err = &apiError{code: code, message: ae.ErrorMessage(), status: status, err: err}
	}
	switch {
	case neverSent(err) && e.Kind == KindOther && !noCredentials(err):
		e.Kind = KindName
	case noCredentials(err):
		// Whatever it was that refused to give credentials, it was not S3.
		e.Kind = KindCredentials
	case code == "NoSuchBucket":
		e.Kind = KindNoBucket
	case code == "NoSuchKey" || code == "NoSuchVersion" || code == "NotFound" || status == 404:
		e.Kind = KindMissing
	case code == "InvalidObjectState":
		e.Kind = KindArchived
	case strings.HasPrefix(code, "KMS.") && strings.Contains(code, "Throttl"):
		e.Kind = KindThrottled
	case strings.HasPrefix(code, "KMS."), refusesDecrypt(code, err):
		e.Kind = KindKey
	case code == "SlowDown" || code == "RequestLimitExceeded" || code == "TooManyRequests" ||
		code == "ServiceUnavailable" || status == 429 || status == 503:
		e.Kind = KindThrottled
	case code == "InvalidBucketName" || code == "InvalidAccessPoint" || code == "InvalidAccessPointAliasError":
		e.Kind = KindName
	case code == "PreconditionFailed" || status == 412:
		e.Kind = KindChanged
	case code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" || status == 301:
		e.Kind = KindRegion
	case code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch" || code == "ExpiredToken" ||
		code == "InvalidToken" || code == "RequestTimeTooSkewed":
		e.Kind = KindCredentials
	case code == "AccessDenied" || status == 403 || status == 401:
		e.Kind = KindDenied
	}
	return e
}

// refusesDecrypt reports whether the key of an encrypted object is what is refused. S3 has one code for that and for
// the object itself; the action that is missing is named in the sentence alone.
func refusesDecrypt(code string, err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && code == "AccessDenied" && strings.Contains(api.ErrorMessage(), "kms:Decrypt")
}

// neverSent reports whether the SDK made no request of what it was asked: there is no endpoint for such a name. Its own
// packaging around what it says is taken off.
func neverSent(err error) bool {
	if _, ok := errors.AsType[*smithy.OperationError](err); !ok {
		return false
	}
	_, sent := errors.AsType[*smithyhttp.RequestSendError](err)
	_, answered := errors.AsType[*smithyhttp.ResponseError](err)
	_, decoded := errors.AsType[*smithy.DeserializationError](err)
	_, canceled := errors.AsType[*aws.RequestCanceledError](err)
	return !sent && !answered && !decoded && !canceled
}

// connectionError prints what stood in the way and keeps the SDK's error, which tells of its own functions around it.
type connectionError struct {
	text string
	err  error
}

func (e *connectionError) Error() string { return e.text }
func (e *connectionError) Unwrap() error { return e.err }

// apiError prints what the service said and keeps the SDK's error.
type apiError struct {
	code, message string
	status        int
	err           error
}

func (e *apiError) Error() string {
	switch {
	case e.message == "" && e.status != 0:
		return fmt.Sprintf("%s (HTTP %d)", e.code, e.status)
	case e.message == "":
		return e.code
	}
	return e.code + ": " + e.message
}

func (e *apiError) Unwrap() error { return e.err }

// noCredentials finds the SDK's ways of saying that there is nothing to sign with: they have no types of their own but
// for the operation that failed.
func noCredentials(err error) bool {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if _, ok := e.(interface{ ProviderErrors() []error }); ok {
			return true
		}
		s := e.Error()
		if len(s) > 0 &&
			(hasPrefix(s, "get identity: ") || hasPrefix(s, "failed to refresh cached credentials") ||
				hasPrefix(s, "get credentials: ")) {
			return true
		}
	}
	return false
}

func hasPrefix(s, p string) bool { return len(s) >= len(p) && s[:len(p)] == p }
