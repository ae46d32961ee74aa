package sigv4

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Lookup returns the credentials that belong to an access key id, and [ErrUnknownKey] when there are none. Credentials
// with a SessionToken are accepted with that token only, and refused after Expires. Any other error says that the
// question could not be answered; Verify returns it wrapped.
type Lookup func(ctx context.Context, accessKeyID string) (Credentials, error)

// Verifier checks who signed a request, as the front end of a domain does. It is safe for concurrent use and must not
// be copied after first use.
type Verifier struct {
	// Region and Service are the scope that a signature must have; empty takes any.
	Region, Service string
	Lookup          Lookup
	// MaxSkew is how far the date of a signature may be from the clock; 0 is five minutes.
	MaxSkew time.Duration
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
	// MaxBody bounds the body that Verify reads; 0 is 100 MiB.
	MaxBody int64
	// SpoolBytes bounds how much of the body stays in memory, 0 is 8 MiB; the rest goes to a file in SpoolDir.
	SpoolBytes int64
	SpoolDir   string
	// ShortForm leaves the canonical string and the string to sign out of the answer to a wrong signature. They tell a
	// client what to repair, and repeat the session token of a request that signs it.
	ShortForm bool
	// Strict demands more than the service: every x-amz-* header, Content-Type and Content-Encoding in the request must
	// be signed, every signed header must be in the request, and X-Amz-Date and Date must agree.
	Strict bool

	core core
}

// Verified is what is known about the sender of a request.
type Verified struct {
	// Anonymous says that the request claims no identity. All other fields are then zero.
	Anonymous   bool
	AccessKeyID string
	// HasSessionToken says that the credentials are temporary. The token is the right one.
	HasSessionToken bool
	// Presigned says that the signature is in the query.
	Presigned     bool
	SignedHeaders []string
	Region        string
	Service       string
	// Time is when the request was signed.
	Time time.Time
	// PayloadSize and PayloadHash are of the body as it was received.
	PayloadSize int64
	PayloadHash string

	body *payload
}

// Close ends the use of the body that Verify has put into the request: GetBody fails from then on. Memory and file are
// freed when the open readers, r.Body among them, are closed too.
func (v *Verified) Close() error {
	if v == nil || v.body == nil {
		return nil
	}
	return v.body.Close()
}

// Verify checks the signature of a request that a server received. A request without Authorization header and without
// X-Amz-Algorithm in its query is anonymous and stays as it is.
//
// Verify reads the body of a signed request to its end, because its hash is part of the check. It puts a body with the
// same bytes in its place, sets GetBody and ContentLength, and empties TransferEncoding. The body can be read until the
// result is closed.
//
// A refusal is an *[AuthError], a body over MaxBody a *[BodyTooLargeError]. After an error the body may be read in
// part.
func (v *Verifier) Verify(r *http.Request) (*Verified, error) {
	c, target, err := v.claim(r)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return &Verified{Anonymous: true}, nil
	}
	var src io.Reader
	if r.Body != nil {
		src = r.Body
	}
	p, err := spooling{
		inMemory: orDefault(v.SpoolBytes, defaultSpool), limit: orDefault(v.MaxBody, defaultMaxBody),
		dir: v.SpoolDir, pool: &v.core.chunks,
	}.spool(src, r.ContentLength)
	if err != nil {
		return nil, fmt.Errorf("verify request: %w", err)
	}
	verified, err := v.judge(r, c, target, p.hash)
	if err != nil {
		_ = p.Close()
		return nil, err
	}
	verified.body, verified.PayloadSize = p, p.size
	if r.Body, err = p.open(); err != nil {
		return nil, err
	}
	r.GetBody, r.ContentLength, r.TransferEncoding = p.open, p.size, nil
	return verified, nil
}

// VerifyHash is [Verifier.Verify] for a body that the caller has read already: sum is its SHA-256. r.Body is not
// touched and PayloadSize not set.
func (v *Verifier) VerifyHash(r *http.Request, sum [sha256.Size]byte) (*Verified, error) {
	c, target, err := v.claim(r)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return &Verified{Anonymous: true}, nil
	}
	return v.judge(r, c, target, hex.EncodeToString(sum[:]))
}

// IsAnonymous reports whether a request claims no identity, so that its body need not be hashed for
// [Verifier.VerifyHash].
func IsAnonymous(r *http.Request) bool {
	if len(r.Header[keyAuthorization]) > 0 {
		return false
	}
	_, query := splitTarget(receivedTarget(r))
	q, _ := parseQuery(query)
	return !q.found[queryAlgorithm]
}

func (v *Verifier) claim(r *http.Request) (*claim, string, error) {
	target := receivedTarget(r)
	c, err := v.claimOf(r, target, v.now())
	return c, target, err
}

// receivedTarget is the request target as it came in.
func receivedTarget(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

func (v *Verifier) maxSkew() time.Duration {
	if v.MaxSkew > 0 {
		return v.MaxSkew
	}
	return maxSkew
}

// judge compares the signature, then the token. It takes the same time for an unknown access key id as for a known one.
func (v *Verifier) judge(r *http.Request, c *claim, target, payloadHash string) (*Verified, error) {
	creds, known, err := v.lookup(r.Context(), c)
	if err != nil {
		return nil, err
	}
	in := covered{
		method: method(r), target: target, host: r.Host,
		names: c.signedHeaders, header: receivedHeader(r), payloadHash: payloadHash,
	}
	if c.presigned {
		in.omit = queryNames[querySignature]
	}
	w := v.core.borrow()
	defer v.core.giveBack(w)
	w.build(&in, c.date, c.region, c.service)
	id := keyID{c.accessKeyID, c.day, c.region, c.service}
	if !known {
		id.accessKeyID = "" // one entry for all unknown ids: guesses must not fill the cache
	}
	w.out = v.core.key(id, creds.SecretAccessKey).appendSignature(w.out[:0], w)
	matches := subtle.ConstantTimeCompare(w.out, []byte(c.signature)) == 1
	if declared := r.Header[keyContentHash]; len(declared) > 0 {
		matches = subtle.ConstantTimeCompare([]byte(declared[0]), []byte(payloadHash)) == 1 && matches
	} else if c.service == ServiceServerless && !c.presigned {
		matches = false // a collection demands the header
	}
	tokenMatches := subtle.ConstantTimeCompare([]byte(creds.SessionToken), []byte(c.token)) == 1

	switch {
	case !known:
		return nil, refuse(CodeUnrecognized, textUnknownKey)
	case !matches:
		return nil, v.mismatch(w)
	case !tokenMatches || c.hasToken != (creds.SessionToken != ""):
		return nil, refuse(CodeUnrecognized, textBadToken)
	case !creds.Expires.IsZero() && !v.now().Before(creds.Expires):
		return nil, refuse(CodeUnrecognized, textOldToken)
	}
	return &Verified{
		AccessKeyID: c.accessKeyID, HasSessionToken: c.hasToken, Presigned: c.presigned, SignedHeaders: c.signedHeaders,
		Region: c.region, Service: c.service, Time: c.at, PayloadHash: payloadHash,
	}, nil
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now()
	}
	return time.Now()
}

// lookup asks for the credentials. A temporary key without a token is unknown: the service looks temporary credentials
// up by both.
func (v *Verifier) lookup(ctx context.Context, c *claim) (creds Credentials, known bool, err error) {
	if v.Lookup == nil {
		return Credentials{}, false, nil
	}
	creds, err = v.Lookup(ctx, c.accessKeyID)
	switch {
	case errors.Is(err, ErrUnknownKey):
		return Credentials{}, false, nil
	case err != nil:
		return Credentials{}, false, fmt.Errorf("look up access key id: %w", err)
	}
	return creds, creds.SecretAccessKey != "" && (creds.SessionToken == "" || c.hasToken), nil
}

// receivedHeader is the header function of a received request. net/http keeps some headers in fields of their own.
func receivedHeader(r *http.Request) func(string) []string {
	return func(name string) []string {
		key := headerKey(name)
		if values, found := r.Header[key]; found {
			return values
		}
		switch {
		case key == "Content-Length" && r.ContentLength > 0:
			return []string{strconv.FormatInt(r.ContentLength, 10)}
		case key == "Transfer-Encoding":
			return r.TransferEncoding
		}
		return nil
	}
}

// mismatch is the answer to a wrong signature, with what the service would have signed.
func (v *Verifier) mismatch(w *work) *AuthError {
	if v.ShortForm {
		return refuse(CodeInvalid, textMismatch)
	}
	var b strings.Builder
	b.WriteString(textMismatch)
	b.WriteString("\n\nThe Canonical String for this request should have been\n'")
	b.Write(w.canonical)
	b.WriteString("'\n\nThe String-to-Sign should have been\n'")
	b.Write(w.toSign)
	b.WriteString("'\n")
	return refuse(CodeInvalid, b.String())
}
