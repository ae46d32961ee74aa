package identity

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

// TextExpiredToken is the service's sentence, without a full stop.
const TextExpiredToken = "The security token included in the request is expired"

// Authenticator finds out who signed a request. Nothing else gives a request an identity.
type Authenticator struct {
	identities *Store
	full       *sigv4.Verifier
	// short answers without the canonical request.
	short *sigv4.Verifier
}

// NewAuthenticator verifies signatures for a service in a region. An empty region is any. A maxSkew of zero is five
// minutes.
func NewAuthenticator(identities *Store, region, service string, maxSkew time.Duration) Authenticator {
	a := Authenticator{identities: identities}
	a.full = &sigv4.Verifier{Region: region, Service: service, Lookup: a.lookup, MaxSkew: maxSkew}
	a.short = &sigv4.Verifier{Region: region, Service: service, Lookup: a.lookup, MaxSkew: maxSkew, ShortForm: true}
	return a
}

func (a Authenticator) lookup(_ context.Context, keyID string) (sigv4.Credentials, error) {
	id, ok := a.identities.lookup(keyID)
	if !ok {
		return sigv4.Credentials{}, sigv4.ErrUnknownKey
	}
	return sigv4.Credentials{
		AccessKeyID: keyID, SecretAccessKey: string(id.secret), SessionToken: string(id.token), Expires: id.expires,
	}, nil
}

// Trouble is what a fault changes in the verification of a signature.
type Trouble struct {
	// Skew is how far the domain's clock is off.
	Skew time.Duration
	// Short leaves the canonical request out of the answer.
	Short bool
}

// Authenticate returns who signed the request, nil when it is anonymous. bodySum is the SHA-256 of its body. The error
// is a *sigv4.AuthError with the service's answer.
func (a Authenticator) Authenticate(r *http.Request, bodySum [sha256.Size]byte, t Trouble) (*Caller, error) {
	v := a.full
	if t.Short {
		v = a.short
	}
	if t.Skew != 0 {
		// A verifier has one clock, so a request with another clock gets a verifier of its own.
		v = &sigv4.Verifier{
			Region: v.Region, Service: v.Service, Lookup: v.Lookup, MaxSkew: v.MaxSkew, ShortForm: v.ShortForm,
			Now: func() time.Time { return time.Now().Add(t.Skew) },
		}
	}
	verified, err := v.VerifyHash(r, bodySum)
	if err != nil || verified.Anonymous {
		return nil, err
	}
	id, ok := a.identities.lookup(verified.AccessKeyID)
	if !ok {
		// The key was removed after the signature was verified.
		return nil, &sigv4.AuthError{
			Status: http.StatusForbidden, Code: sigv4.CodeUnrecognized,
			Message: "The security token included in the request is invalid.",
		}
	}
	return id, nil
}

// stsAuthError is the answer of STS to a failed authentication.
func stsAuthError(err error) error {
	e, ok := errors.AsType[*sigv4.AuthError](err)
	if !ok {
		return err
	}
	switch {
	case e.Message == TextExpiredToken:
		return &stsError{http.StatusForbidden, "ExpiredToken", e.Message}
	case e.Code == sigv4.CodeUnrecognized:
		return &stsError{http.StatusForbidden, "InvalidClientTokenId", e.Message}
	case e.Code == sigv4.CodeIncomplete:
		return &stsError{http.StatusBadRequest, "IncompleteSignature", e.Message}
	}
	return &stsError{http.StatusForbidden, "SignatureDoesNotMatch", e.Message}
}
