package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
)

// Problem says what is wrong with an option.
type Problem int

// The problems of options.
const (
	BadRegion          Problem = iota + 1 // what is given is no name of a region
	BadRole                               // nor is it the ARN of a role
	NoProfile                             // the AWS configuration files have no such profile
	NoRoleRegion                          // it is not known in which region to ask for the role
	LoneExternalID                        // an external id of S3 without a role of S3
	NoDomain                              // no endpoint is given
	BadDomain                             // the endpoint is not a URL of a domain
	BadEndpoint                           // nor is it one that requests may be sent to
	BadSignFor                            // what to sign for is no host
	NoRegion                              // the region to sign for is not known
	BadService                            // there is no such service to sign for
	NeedlessCollection                    // a domain has no collections
	NoCollection                          // the endpoint serves several collections, and none is named
	BadAuthorities                        // the file holds no certificate authorities
	BadS3Endpoint                         // the endpoint of S3 is not a URL
	BadLocation                           // an s3:// URL is not one
	BadIndex                              // the pattern of index names is wrong
	BadRule                               // a drop rule is wrong
	BadChain                              // a rule of the file cannot be, or its key is not there
	BadBinary                             // there is no such treatment of what is no text
	BadFormat                             // there is no such format
	BadTimeZone                           // there is no such time zone
	BadFields                             // there are no such names of fields
	BadConflicts                          // there is no such rule for conflicts
	BadEncoding                           // there is no such encoding of text
	BadLogs                               // an option of log events is wrong
	BadRoute                              // a route is wrong
	BadCheckpoint                         // the checkpoint is none, or of another run
	BadSelection                          // what is said about the objects to take is wrong
	NoTarget                              // there is no target of this name
	BadRetention                          // it is not known when indexes are to be deleted, or which
)

// OptionError says that an option cannot be as it is. It names the option as the command line does.
type OptionError struct {
	Problem Problem
	Err     error
}

func (e *OptionError) Error() string { return e.Err.Error() }
func (e *OptionError) Unwrap() error { return e.Err }

func optionf(p Problem, format string, args ...any) error {
	return &OptionError{Problem: p, Err: fmt.Errorf(format, args...)}
}

// CredentialsError says that the AWS chain gave no usable credentials; it concerns the whole run.
type CredentialsError struct {
	Err error
	// Silent says that who has them did not answer.
	Silent bool
}

func (e *CredentialsError) Error() string { return "find AWS credentials: " + e.Err.Error() }
func (e *CredentialsError) Unwrap() error { return e.Err }

// Cause is the name that package doctor has for what happened.
func (e *CredentialsError) Cause() string {
	code := ""
	if api, ok := errors.AsType[smithy.APIError](e.Err); ok {
		code = api.ErrorCode()
	}
	switch op := operation(e.Err); {
	case op.ServiceID == "SSO" || op.ServiceID == "SSO OIDC" || loginWanted(e.Err):
		return "sso-login"
	case op.ServiceID == "STS" && code == "AccessDenied":
		return "assume-role-denied"
	case op.ServiceID == "STS" && code == "InvalidClientTokenId":
		return "key-unknown"
	case op.ServiceID == "STS" && code == "SignatureDoesNotMatch":
		return "secret-wrong"
	case op.ServiceID == "STS" && code == "ExpiredToken":
		return "credentials-expired"
	}
	return "credentials-missing"
}

// operation is the call of an AWS service that failed; zero when none did.
func operation(err error) smithy.OperationError {
	if op, ok := errors.AsType[*smithy.OperationError](err); ok {
		return *op
	}
	return smithy.OperationError{}
}

// loginWanted reports whether the token of a single sign-on is missing or too old. The SDK has a type for the older of
// its two kinds of profile, and a sentence for the other.
func loginWanted(err error) bool {
	if _, ok := errors.AsType[*ssocreds.InvalidTokenError](err); ok {
		return true
	}
	return strings.Contains(err.Error(), "cached SSO token")
}

// Fatal reports whether asking again is of no use.
func (e *CredentialsError) Fatal() bool { return !e.Silent }

// Temporary is the opposite.
func (e *CredentialsError) Temporary() bool { return e.Silent }
