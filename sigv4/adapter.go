package sigv4

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RequestSigner signs requests in place. It implements the interface of the field Signer of opensearch-go's
// opensearch.Config. Prefer [Transport] with any other client: it signs each attempt anew, and corrects for clocks and
// expired tokens.
type RequestSigner struct {
	Signer      Signer
	Credentials Provider
	// Host, when not empty, is the host to sign for instead of that in the URL.
	Host string
	// MaxBody bounds a body without GetBody, which is read into memory; 0 is 100 MiB.
	MaxBody int64

	port uint16
}

// OverrideSigningPort sets the port of the host that is signed, for use through a tunnel. With 0 it is the URL's. Call
// it before the first request.
func (s *RequestSigner) OverrideSigningPort(port uint16) { s.port = port }

// SignRequest signs r and sets its ContentLength. A body without GetBody is read into memory and replaced, and GetBody
// is set.
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
	if s.port != 0 {
		host := r.Host
		if host == "" {
			host = r.URL.Host
		}
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		r.Host = net.JoinHostPort(strings.Trim(host, "[]"), strconv.Itoa(int(s.port)))
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
	p, err := spooling{inMemory: limit + 1, limit: limit, pool: &s.Signer.core.chunks}.spool(r.Body, r.ContentLength)
	_ = r.Body.Close()
	if err != nil {
		return "", err
	}
	if r.Body, err = p.open(); err != nil {
		return "", err
	}
	r.GetBody, r.ContentLength, r.TransferEncoding = p.open, p.size, nil
	return p.hash, nil
}
