package guard

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

// textExpiredToken is the service's sentence; it has no full stop.
const textExpiredToken = "The security token included in the request is expired"

// authenticator is the only place where a request gets an identity.
type authenticator struct {
	identities *Identities
	full       *sigv4.Verifier
	// short is full without the canonical request in its answers.
	short *sigv4.Verifier
}

func newAuthenticator(identities *Identities, region, service string, maxSkew time.Duration) authenticator {
	a := authenticator{identities: identities}
	a.full = &sigv4.Verifier{Region: region, Service: service, Lookup: a.lookup, MaxSkew: maxSkew}
	a.short = &sigv4.Verifier{Region: region, Service: service, Lookup: a.lookup, MaxSkew: maxSkew, ShortForm: true}
	return a
}

func (a authenticator) lookup(_ context.Context, keyID string) (sigv4.Credentials, error) {
	id, ok := a.identities.lookup(keyID)
	if !ok {
		return sigv4.Credentials{}, sigv4.ErrUnknownKey
	}
	return sigv4.Credentials{
		AccessKeyID: keyID, SecretAccessKey: string(id.secret), SessionToken: string(id.token), Expires: id.expires,
	}, nil
}

// how says under which circumstances a signature is verified: all of them injected.
type how struct {
	skew  time.Duration
	short bool
}

// authenticate returns who signed the request, nil when nobody did. The body was read and hashed before. An error is a
// *sigv4.AuthError with the service's answer.
func (a authenticator) authenticate(r *http.Request, b *body, h how) (*identity, error) {
	v := a.full
	if h.short {
		v = a.short
	}
	if h.skew != 0 {
		// A verifier has one clock. This one lives for one request, and only while its fault is injected.
		v = &sigv4.Verifier{
			Region: v.Region, Service: v.Service, Lookup: v.Lookup, MaxSkew: v.MaxSkew, ShortForm: v.ShortForm,
			Now: func() time.Time { return time.Now().Add(h.skew) },
		}
	}
	verified, err := v.VerifyHash(r, b.sum)
	if err != nil || verified.Anonymous {
		return nil, err
	}
	id, ok := a.identities.lookup(verified.AccessKeyID)
	if !ok {
		// Removed since it was verified.
		return nil, &sigv4.AuthError{
			Status: http.StatusForbidden, Code: sigv4.CodeUnrecognized,
			Message: "The security token included in the request is invalid.",
		}
	}
	return id, nil
}

// refuseAuth is the domain's answer to a failed authentication.
func refuseAuth(err error) *refusal {
	if e, ok := errors.AsType[*sigv4.AuthError](err); ok {
		reason, _, _ := strings.Cut(e.Message, "\n")
		return &refusal{answer: answer{e.Status, e.JSON()}, reason: reason}
	}
	return authorizationFailed(err.Error())
}

// stsAuthError is the answer of STS to the same.
func stsAuthError(err error) error {
	e, ok := errors.AsType[*sigv4.AuthError](err)
	if !ok {
		return err
	}
	switch {
	case e.Message == textExpiredToken:
		return &stsError{http.StatusForbidden, "ExpiredToken", e.Message}
	case e.Code == sigv4.CodeUnrecognized:
		return &stsError{http.StatusForbidden, "InvalidClientTokenId", e.Message}
	case e.Code == sigv4.CodeIncomplete:
		return &stsError{http.StatusBadRequest, "IncompleteSignature", e.Message}
	}
	return &stsError{http.StatusForbidden, "SignatureDoesNotMatch", e.Message}
}
