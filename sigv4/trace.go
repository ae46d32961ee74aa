package sigv4

import (
	"bytes"
	"net/http"
	"slices"
	"time"
)

const masked = "********"

// Trace tells how a signature was computed, for people who compare it with what a server says it expected. Its strings
// can be shown: the session token is masked, and they do not hold the signature. The hash at the end of StringToSign is
// that of the unmasked canonical request.
type Trace struct {
	// Target is the request target on the wire; Host the host it is signed for.
	Target, Host     string
	SignedHeaders    []string
	CanonicalRequest string
	StringToSign     string
}

// Explain returns what [Signer.Sign] would compute for the same arguments. It does not change r.
func (s *Signer) Explain(r *http.Request, c Credentials, payloadHash string, at time.Time) (Trace, error) {
	signed := *r
	signed.Header = r.Header.Clone()
	var t Trace
	err := s.core.sign(&signed, c, s.Region, s.Service, payloadHash, at, &t)
	return t, err
}

func (w *work) trace(target, host string, names []string, token string) Trace {
	canonical := w.canonical
	if token != "" {
		line := append([]byte("\nx-amz-security-token:"), appendTrimmed(nil, token)...)
		canonical = bytes.Replace(canonical, line, []byte("\nx-amz-security-token:"+masked), 1)
	}
	return Trace{
		Target: target, Host: host, SignedHeaders: slices.Clone(names),
		CanonicalRequest: string(canonical), StringToSign: string(w.toSign),
	}
}
