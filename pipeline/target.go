package pipeline

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/sigv4"
)

// Target says which domain documents go to, and who sends them.
type Target struct {
	// URL is the endpoint, https://…; plain http is for loopback only.
	URL string
	// AWS is who signs, and where for.
	AWS AWS
	// Service is sigv4.ServiceDomain or sigv4.ServiceServerless; the endpoint says it when it is one of AWS.
	Service string
	// NoSign sends requests without a signature.
	NoSign bool
	// Collection is the name of the serverless collection, for the endpoint of an account.
	Collection string
	// CAFile is a PEM file with authorities to trust in addition to the system's.
	CAFile string
	// SignFor is the host to sign for, and to expect in the certificate, when the endpoint is a tunnel to it.
	SignFor string
	// Proxy is what requests go through; the environment's when nil.
	Proxy *url.URL
	// Insecure takes any certificate of the endpoint; no setting turns it on.
	Insecure bool
	// HTTP2 offers HTTP/2 to the endpoint.
	HTTP2 bool
	// Bodies bounds the bodies of all requests that are signed while they are read, and MaxBody each of them; see
	// [sigv4.Transport].
	Bodies  *sigv4.Budget
	MaxBody int64
	// UserAgent is what requests call themselves; "penstock" when empty.
	UserAgent string
}

// Name is what dead letters call the domain: the endpoint, or behind a tunnel the one that it leads to, with the
// collection where one endpoint serves several.
func (t *Target) Name() (string, error) {
	where := t.URL
	if t.SignFor != "" {
		where = "https://" + hostname(t.SignFor)
	}
	name, err := DomainName(where)
	if err == nil && t.Collection != "" {
		name += "/" + t.Collection
	}
	return name, err
}

// DomainName writes the URL of an endpoint in the one way in which it is compared.
func DomainName(text string) (string, error) {
	u, err := domain.ParseURL(text)
	if err != nil {
		return "", &OptionError{BadDomain, err}
	}
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && (u.Scheme != "https" || port != "443") && (u.Scheme != "http" || port != "80") {
		host = net.JoinHostPort(host, port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// Open returns the domain. It makes no request to it.
func (t *Target) Open(ctx context.Context, maxInFlight int) (*domain.Domain, error) {
	if t.URL == "" {
		return nil, optionf(NoDomain, "no domain is given")
	}
	rt, err := t.Transport(ctx, nil, maxInFlight)
	if err != nil {
		return nil, err
	}
	d, err := domain.New(domain.Config{URL: t.URL, Transport: rt, UserAgent: cmp.Or(t.UserAgent, "penstock")})
	if err != nil {
		return nil, &OptionError{BadDomain, err}
	}
	return d, nil
}

// Transport returns what sends requests, signing them unless NoSign says otherwise. A nil dial is the net package's.
func (t *Target) Transport(ctx context.Context, dial domain.DialFunc, maxInFlight int) (http.RoundTripper, error) {
	u, err := domain.ParseURL(t.URL)
	if err != nil {
		return nil, &OptionError{BadEndpoint, err}
	}
	if t.SignFor != "" && !domain.IsHost(t.SignFor) {
		return nil, optionf(BadSignFor, "sign for %q: it is no host", t.SignFor)
	}
	roots, err := t.Authorities()
	if err != nil {
		return nil, err
	}
	base := domain.NewTransport(domain.TransportConfig{
		MaxInFlight: maxInFlight, RootCAs: roots, ServerName: hostname(t.SignFor), Dial: dial,
		StallTimeout: t.AWS.Stall, HTTP2: t.HTTP2, Insecure: t.Insecure, Proxy: t.Proxy,
	})
	if t.NoSign {
		return t.toCollection(base), nil
	}
	cfg, err := t.AWS.Load(ctx)
	if err != nil {
		return nil, err
	}
	host := u.Host
	if t.SignFor != "" {
		host = t.SignFor
	}
	region, service, _ := sigv4.Infer(host)
	region = cmp.Or(t.AWS.Region, region, cfg.Region)
	service = cmp.Or(t.Service, service, sigv4.ServiceDomain)
	if region == "" {
		return nil, optionf(NoRegion, "no region to sign for %s", u.Host)
	}
	if service != sigv4.ServiceDomain && service != sigv4.ServiceServerless {
		return nil, optionf(BadService, "service %q is neither es nor aoss", service)
	}
	if err := t.checkCollection(host, service); err != nil {
		return nil, err
	}
	return t.toCollection(&sigv4.Transport{
		Base: base, Credentials: Chain{cfg.Credentials}, Region: region, Service: service, Host: t.SignFor,
		Budget: t.Bodies, MaxBody: t.MaxBody,
	}), nil
}

// checkCollection finds out whether a collection is named where one is needed: the endpoint of an account serves all of
// its collections, and a header says which one is meant. See "Collection endpoints" in the service's developer guide.
func (t *Target) checkCollection(host, service string) error {
	if t.Collection != "" && service != sigv4.ServiceServerless {
		return optionf(NeedlessCollection, "--collection is for serverless collections, and %s is none", host)
	}
	name, _, _ := strings.Cut(host, ".")
	const accountDigits = 12
	isAccount := len(name) == accountDigits && strings.Trim(name, "0123456789") == ""
	if t.Collection == "" && service == sigv4.ServiceServerless && isAccount {
		return optionf(NoCollection, "%s serves every collection of the account, and none is named", host)
	}
	return nil
}

// IsServerless reports whether the endpoint is one of OpenSearch Serverless.
func (t *Target) IsServerless() bool {
	u, err := domain.ParseURL(t.URL)
	if err != nil {
		return false
	}
	_, service, _ := sigv4.Infer(cmp.Or(t.SignFor, u.Host))
	return cmp.Or(t.Service, service) == sigv4.ServiceServerless
}

// toCollection returns a transport that says in every request which collection it is for. It goes around the signing
// one: the service wants the header to be signed.
func (t *Target) toCollection(next http.RoundTripper) http.RoundTripper {
	if t.Collection == "" {
		return next
	}
	return &collectionTransport{t.Collection, next}
}

// collectionTransport names a collection in every request.
type collectionTransport struct {
	name string
	next http.RoundTripper
}

// RoundTrip is part of http.RoundTripper.
func (c *collectionTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("X-Amz-Aoss-Collection-Name", c.name)
	return c.next.RoundTrip(req)
}

// CloseIdleConnections is what http.Client looks for.
func (c *collectionTransport) CloseIdleConnections() {
	if idle, ok := c.next.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// SignerOf is what signs in a transport of [Target.Transport]; ok is false when nothing does.
func SignerOf(rt http.RoundTripper) (signer *sigv4.Transport, ok bool) {
	if c, is := rt.(*collectionTransport); is {
		rt = c.next
	}
	signer, ok = rt.(*sigv4.Transport)
	return signer, ok
}

// hostname is a host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// Authorities returns the certificate authorities to trust, nil for the system's.
func (t *Target) Authorities() (*x509.CertPool, error) {
	if t.CAFile == "" {
		return nil, nil //nolint:nilnil // nil is the system's pool, by crypto/tls
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, optionf(BadAuthorities, "read certificate authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, optionf(BadAuthorities, "%s holds no certificate", t.CAFile)
	}
	return pool, nil
}

// StartupTimeout is how long an endpoint may be silent before the first answer.
const StartupTimeout = 8 * time.Second

// Probe asks for the banner, until the endpoint answers or the time is over. A refusal of the banner alone is no reason
// to stop: a least-privilege policy allows _bulk and nothing else.
func Probe(ctx context.Context, d *domain.Domain) (domain.Banner, error) {
	ctx, cancel := context.WithTimeout(ctx, StartupTimeout)
	defer cancel()
	for {
		b, err := d.Probe(ctx)
		e, ok := errors.AsType[*domain.Error](err)
		if err == nil || !ok || e.Kind != domain.Unreachable && e.Kind != domain.Unavailable {
			return b, err
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return b, err
		}
	}
}

// DocType is the mapping type that an engine of this version wants to be named.
func DocType(b domain.Banner) string {
	switch major := b.Major(); {
	case major == 0 || major >= 7 || b.Distribution == "opensearch":
		return ""
	case major == 6:
		return "_doc"
	default:
		return "log"
	}
}
