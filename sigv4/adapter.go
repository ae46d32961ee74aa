package sigv4

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// RequestSigner signs requests in place. It has the method that the OpenSearch client for Go expects of a signer
// (opensearchapi.Config's Client.Signer); with any other client, and where there is a choice, prefer [Transport]: a hook
// sees a request once, a transport sees each attempt.
type RequestSigner struct {
	Signer      Signer
	Credentials Provider
	// Host, when not empty, is the host to sign for instead of that in the URL.
	Host string
	// MaxBody bounds a body without GetBody, which is read into memory; 0 is 100 MiB.
	MaxBody int64
}

// SignRequest signs r. A body without GetBody is read into memory and replaced; r then has GetBody, and either way
// Content-Length.
func (s *RequestSigner) SignRequest(r *http.Request) error {
	if s.Credentials == nil {
		return fmt.Errorf("sign request: %w", ErrNoCredentials)
	}
	c, err := s.Credentials.Credentials(r.Context())
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	hash, err := s.hash(r)
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	if s.Host != "" {
		r.Host = s.Host
	}
	return s.Signer.Sign(r, c, hash, time.Now())
}

func (s *RequestSigner) hash(r *http.Request) (string, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return EmptyPayloadHash, nil
	}
	if r.GetBody != nil {
		size, hash, err := hashBody(r.GetBody, r.ContentLength)
		r.ContentLength = size
		return hash, err
	}
	limit := orDefault(s.MaxBody, defaultMaxBody)
	p, err := spool(r.Body, r.ContentLength, limit+1, limit, "")
	_ = r.Body.Close()
	if err != nil {
		return "", err
	}
	r.GetBody = func() (io.ReadCloser, error) { return p.open(), nil }
	r.Body, r.ContentLength, r.TransferEncoding = p.open(), p.size, nil
	return p.hash, nil
}
