package sigv4

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signer signs requests for one region and service. It is safe for concurrent use and must not be copied after first
// use. Most programs want [Transport].
type Signer struct {
	// Region is where the domain is, as in "eu-central-1".
	Region string
	// Service is "es" for a domain, "aoss" for a serverless collection. With "s3" and its kin, paths are encoded once and
	// not resolved, as S3 wants it.
	Service string

	core core
}

// HashPayload returns the payload hash of a body: the SHA-256 of the bytes sent, after compression.
func HashPayload(body []byte) string {
	sum := sum256(body)
	return hex.EncodeToString(sum[:])
}

// Sign signs r as it will be sent at time at, and sets the headers that carry the signature. It replaces the
// Authorization and X-Amz-Date that r had. payloadHash is the SHA-256 of the body in hexadecimal, [EmptyPayloadHash]
// when there is no body. Sign does not touch the body.
//
// It signs host, the date, the session token, content-type, content-encoding and every x-amz-* header in r. It signs
// nothing else, so that what a proxy or a transport changes on the way does not break the signature. The URL is not
// changed; r.Host loses the scheme's default port, as others sign it without.
//
// Sign adds x-amz-content-sha256 when there is a body, and always for aoss and s3, which demand it. For s3 it also
// signs range and if-match.
func (s *Signer) Sign(r *http.Request, c Credentials, payloadHash string, at time.Time) error {
	return s.core.sign(r, c, s.Region, s.Service, payloadHash, at, nil)
}

// sign is Sign. It fills trace when that is not nil.
func (k *core) sign(
	r *http.Request, c Credentials, region, service, payloadHash string, at time.Time, trace *Trace,
) error {
	host, target, err := wireForm(r)
	if err == nil {
		err = checkScope(c, region, service, payloadHash)
	}
	if err == nil {
		err = checkSpelling(r.Header)
	}
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	w := k.borrow()
	defer k.giveBack(w)

	date := at.UTC().Format(timeFormat)
	values := [...]string{date, c.SessionToken, payloadHash, ""}
	held := values[:] // one allocation for the four header values
	if r.Header == nil {
		r.Header = make(http.Header, len(held))
	}
	r.Host = host
	r.Header[keyDate] = held[0:1:1]
	delete(r.Header, keyToken)
	if c.SessionToken != "" {
		r.Header[keyToken] = held[1:2:2]
	}
	delete(r.Header, keyContentHash)
	if service == ServiceServerless || isS3(service) || payloadHash != EmptyPayloadHash {
		r.Header[keyContentHash] = held[2:3:3]
	}

	names := w.names[:0]
	if isS3(service) {
		names = appendSent(names, r.Header, "if-match", "range")
	}
	names = signedNames(names, r.Header)
	w.names = names
	w.build(&covered{
		method: method(r), target: target, host: host,
		names: names, header: headerOf(r.Header), payloadHash: payloadHash,
	}, date, region, service)

	b := append(w.out[:0], algorithm+" Credential="...)
	b = append(b, c.AccessKeyID...)
	b = append(b, '/')
	b = appendScope(b, date, region, service)
	b = append(b, ", SignedHeaders="...)
	for i, name := range names {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, ", Signature="...)
	key := k.key(keyID{c.AccessKeyID, date[:dateLength], region, service}, c.SecretAccessKey)
	b = key.appendSignature(b, w)
	w.out = b
	held[3] = string(b)
	r.Header[keyAuthorization] = held[3:4:4]
	if trace != nil {
		*trace = w.trace(target, host, names, c.SessionToken)
	}
	return nil
}

// MaxPresign is the longest time that a presigned request can be valid.
const MaxPresign = 7 * 24 * time.Hour

// Presign returns the URL of r with the signature in its query. The URL is a credential until it expires. Only the host
// header is signed. The existing query stays as it is. r is not changed.
//
// Presigned URLs are of use for engines before Elasticsearch 5 only. A domain verifies such a request and hands the
// X-Amz-* parameters on to the engine, and newer engines refuse parameters that they do not know.
func (s *Signer) Presign(
	r *http.Request, c Credentials, payloadHash string, at time.Time, expires time.Duration,
) (string, error) {
	host, target, err := wireForm(r)
	if err == nil {
		err = checkScope(c, s.Region, s.Service, payloadHash)
	}
	if err == nil && (expires < time.Second || expires > MaxPresign) {
		err = fmt.Errorf("valid for %v, want one second to seven days", expires)
	}
	if err != nil {
		return "", fmt.Errorf("presign request: %w", err)
	}
	w := s.core.borrow()
	defer s.core.giveBack(w)

	date := at.UTC().Format(timeFormat)
	path, query, found := strings.Cut(target, "?")
	b := append(w.out[:0], query...)
	if found && query != "" {
		b = append(b, '&')
	}
	b = append(b, "X-Amz-Algorithm="+algorithm+"&X-Amz-Credential="...)
	b = appendEncoded(b, c.AccessKeyID+"/"+string(appendScope(nil, date, s.Region, s.Service)))
	b = append(b, "&X-Amz-Date="...)
	b = append(b, date...)
	b = append(b, "&X-Amz-Expires="...)
	b = strconv.AppendInt(b, int64(expires/time.Second), 10)
	if c.SessionToken != "" {
		b = append(b, "&X-Amz-Security-Token="...)
		b = appendEncoded(b, c.SessionToken)
	}
	b = append(b, "&X-Amz-SignedHeaders=host"...)

	w.build(&covered{
		method: method(r), target: path + "?" + string(b), host: host,
		names: append(w.names[:0], "host"), header: headerOf(nil), payloadHash: payloadHash,
	}, date, s.Region, s.Service)
	key := s.core.key(keyID{c.AccessKeyID, date[:dateLength], s.Region, s.Service}, c.SecretAccessKey)
	b = append(b, "&X-Amz-Signature="...)
	b = key.appendSignature(b, w)
	w.out = b

	u := *r.URL
	u.RawQuery, u.ForceQuery = string(b), false
	return u.String(), nil
}

func method(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}

// wireForm returns the host and the request target as net/http will write them.
func wireForm(r *http.Request) (host, target string, err error) {
	if r.URL == nil {
		return "", "", errors.New("no URL")
	}
	host = r.Host
	if host == "" {
		host = r.URL.Host
	}
	host = wireHost(host, r.URL.Scheme)
	if host == "" {
		return "", "", errors.New("no host")
	}
	target = r.URL.RequestURI()
	for i := range len(host) {
		if host[i] <= ' ' || host[i] >= 0x7f {
			return "", "", fmt.Errorf("host %q: want ASCII without spaces", host)
		}
	}
	for i := range len(target) {
		if target[i] <= ' ' || target[i] == 0x7f {
			return "", "", fmt.Errorf("target %q has a space or a control byte", target)
		}
	}
	return host, target, nil
}

// wireHost returns host without the default port of the scheme and without an IPv6 zone, which are not sent.
func wireHost(host, scheme string) string {
	switch {
	case strings.EqualFold(scheme, "https"):
		host = strings.TrimSuffix(host, ":443")
	case strings.EqualFold(scheme, "http"):
		host = strings.TrimSuffix(host, ":80")
	}
	if strings.HasPrefix(host, "[") {
		if zone, end := strings.IndexByte(host, '%'), strings.LastIndexByte(host, ']'); zone > 0 && end > zone {
			host = host[:zone] + host[end:]
		}
	}
	return host
}

func checkScope(c Credentials, region, service, payloadHash string) error {
	switch {
	case !c.valid():
		return ErrNoCredentials
	case region == "":
		return errors.New("no region")
	case service == "":
		return errors.New("no service")
	case !isHash(payloadHash):
		return fmt.Errorf("payload hash %q is not a SHA-256 in lower-case hexadecimal", payloadHash)
	}
	return nil
}

func isHash(s string) bool {
	if len(s) != len(EmptyPayloadHash) {
		return false
	}
	for i := range len(s) {
		if unhex(s[i]) > 15 || s[i] != lower(s[i]) {
			return false
		}
	}
	return true
}

// checkSpelling refuses a header of those that are signed when its key in the map is not the canonical one. Signing
// would not find it there, and it would be sent beside the one that is signed.
func checkSpelling(h http.Header) error {
	for key := range h {
		if isAmz(key) || strings.EqualFold(key, "content-type") || strings.EqualFold(key, "content-encoding") ||
			strings.EqualFold(key, keyAuthorization) {
			if canonical := http.CanonicalHeaderKey(key); canonical != key {
				return fmt.Errorf("header %q is not spelled %q", key, canonical)
			}
		}
	}
	return nil
}

func isAmz(key string) bool {
	return len(key) > len("x-amz-") && strings.EqualFold(key[:len("x-amz-")], "x-amz-")
}

// isS3 reports whether a service is S3 or one of its kin: s3-object-lambda, s3-outposts.
func isS3(service string) bool { return service == "s3" || strings.HasPrefix(service, "s3-") }

// appendSent appends those of the candidates that h has.
func appendSent(names []string, h http.Header, candidates ...string) []string {
	for _, name := range candidates {
		if len(h[headerKey(name)]) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// signedNames appends the names of the headers to sign and sorts all.
func signedNames(names []string, h http.Header) []string {
	names = appendSent(names, h, "content-encoding", "content-type")
	names = append(names, "host")
	for key := range h {
		switch {
		case key == keyContentHash:
			names = append(names, "x-amz-content-sha256")
		case key == keyDate:
			names = append(names, "x-amz-date")
		case key == keyToken:
			names = append(names, "x-amz-security-token")
		case isAmz(key):
			names = append(names, strings.ToLower(key))
		}
	}
	slices.Sort(names)
	return names
}
