package cli

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/sigv4"
)

// target is a domain as the settings describe it.
type target struct {
	aws             awsOptions
	url             string
	service         string
	noSign          bool
	collection      string
	caFile, signFor string
}

func (t *target) flags(f flagSet) {
	f.str(&t.url, "domain")
	t.aws.flags(f)
	f.str(&t.service, "service")
	f.boolean(&t.noSign, "no-sign")
	f.str(&t.collection, "collection")
	f.str(&t.caFile, "ca-file")
	f.str(&t.signFor, "sign-for")
}

// name is what dead letters call the domain: the endpoint, or behind a tunnel the one that it leads to, with the collection where
// one endpoint serves several.
func (t *target) name() (string, error) {
	where := t.url
	if t.signFor != "" {
		where = "https://" + hostname(t.signFor)
	}
	name, err := domainName(where)
	if err == nil && t.collection != "" {
		name += "/" + t.collection
	}
	return name, err
}

// domainName writes the URL of an endpoint in the one way in which it is compared.
func domainName(text string) (string, error) {
	u, err := domain.ParseURL(text)
	if err != nil {
		return "", &usageError{Err: err, Hint: "write it as https://search-name-id.region.es.amazonaws.com"}
	}
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && (u.Scheme != "https" || port != "443") && (u.Scheme != "http" || port != "80") {
		host = net.JoinHostPort(host, port)
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return u.Scheme + "://" + host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

func userAgent() string { return "penstock/" + buildVersion().Version }

// dialFunc connects; nil is the net package's way.
type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// open returns the domain. It makes no request to it.
func (t *target) open(ctx context.Context, maxInFlight int) (*domain.Domain, error) {
	if t.url == "" {
		return nil, usagef("name the endpoint with --domain https://… or PENSTOCK_DOMAIN", "no domain is given")
	}
	rt, err := t.transport(ctx, nil, maxInFlight)
	if err != nil {
		return nil, err
	}
	d, err := domain.New(domain.Config{URL: t.url, Transport: rt, UserAgent: userAgent()})
	if err != nil {
		return nil, &usageError{Err: err, Hint: "write it as https://search-name-id.region.es.amazonaws.com"}
	}
	return d, nil
}

// notePath tells of a path in the endpoint: domains of AWS have none, and answer as if nothing was there.
func (t *target) notePath(a *app) {
	if u, err := domain.ParseURL(t.url); err == nil && strings.Trim(u.Path, "/") != "" {
		a.note("--domain has the path %s, which is put before every path: right behind a proxy that takes it off, wrong for a domain itself", u.Path)
	}
}

// transport returns what sends requests: signing them, unless --no-sign says otherwise.
func (t *target) transport(ctx context.Context, dial dialFunc, maxInFlight int) (http.RoundTripper, error) {
	u, err := domain.ParseURL(t.url)
	if err != nil {
		return nil, &usageError{Err: err, Hint: "write it as https://search-name-id.region.es.amazonaws.com; plain http is for loopback only"}
	}
	roots, err := t.roots()
	if err != nil {
		return nil, err
	}
	base := domain.NewTransport(domain.TransportConfig{MaxInFlight: maxInFlight, RootCAs: roots, ServerName: hostname(t.signFor), Dial: dial, StallTimeout: t.aws.stall})
	if t.noSign {
		return t.toCollection(base), nil
	}
	cfg, err := t.aws.load(ctx)
	if err != nil {
		return nil, err
	}
	host := u.Host
	if t.signFor != "" {
		host = t.signFor
	}
	region, service, _ := sigv4.Infer(host)
	region = firstOf(t.aws.region, region, cfg.Region)
	service = firstOf(t.service, service, sigv4.ServiceDomain)
	if region == "" {
		return nil, usagef("say it with --region; it cannot be read from a host name like this one, and is never guessed", "no region to sign for %s", u.Host)
	}
	if service != sigv4.ServiceDomain && service != sigv4.ServiceServerless {
		return nil, usagef("es is a domain, aoss a serverless collection", "service %q is neither es nor aoss", service)
	}
	if err := t.checkCollection(host, service); err != nil {
		return nil, err
	}
	return t.toCollection(&sigv4.Transport{Base: base, Credentials: chain{cfg.Credentials}, Region: region, Service: service, Host: t.signFor}), nil
}

// checkCollection finds out whether a collection is named where one is needed: the endpoint of an account serves all of its
// collections, and a header says which one is meant. See "Collection endpoints" in the service's developer guide.
func (t *target) checkCollection(host, service string) error {
	if t.collection != "" && service != sigv4.ServiceServerless {
		return usagef("say --service aoss when the endpoint is one behind another name", "--collection is for serverless collections, and %s is none", host)
	}
	name, _, _ := strings.Cut(host, ".")
	const accountDigits = 12
	isAccount := len(name) == accountDigits && strings.Trim(name, "0123456789") == ""
	if t.collection == "" && service == sigv4.ServiceServerless && isAccount {
		return usagef("name it with --collection", "%s serves every collection of the account, and none is named", host)
	}
	return nil
}

// toCollection returns a transport that says in every request which collection it is for. It goes around the signing one: the
// service wants the header to be signed.
func (t *target) toCollection(next http.RoundTripper) http.RoundTripper {
	if t.collection == "" {
		return next
	}
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.Header.Set("X-Amz-Aoss-Collection-Name", t.collection)
		return next.RoundTrip(req)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip is part of http.RoundTripper.
func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// hostname is a host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// roots returns the certificate authorities to trust, nil for the system's.
func (t *target) roots() (*x509.CertPool, error) {
	if t.caFile == "" {
		return nil, nil //nolint:nilnil // nil is the system's pool, by crypto/tls
	}
	pem, err := os.ReadFile(t.caFile)
	if err != nil {
		return nil, usagef("name a PEM file with --ca-file", "read certificate authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, usagef("name a PEM file with --ca-file", "%s holds no certificate", t.caFile)
	}
	return pool, nil
}

// startupTimeout is how long an endpoint may be silent before the first answer.
const startupTimeout = 8 * time.Second

// probe asks for the banner, until the endpoint answers or the time is over. A refusal of the banner alone is no reason
// to stop: a least-privilege policy allows _bulk and nothing else.
func probe(ctx context.Context, d *domain.Domain) (domain.Banner, error) {
	ctx, cancel := context.WithTimeout(ctx, startupTimeout)
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

// docType is the mapping type that an engine of this version wants to be named.
func docType(b domain.Banner) string {
	switch major := b.Major(); {
	case major == 0 || major >= 7 || b.Distribution == "opensearch":
		return ""
	case major == 6:
		return "_doc"
	default:
		return "log"
	}
}

// requestError says for a person why a request got no answer.
func requestError(u fmt.Stringer, err error) error {
	if e, ok := errors.AsType[*domain.Error](err); ok {
		return e
	}
	if f, ok := errors.AsType[interface {
		error
		Fatal() bool
	}](err); ok && f.Fatal() {
		return err
	}
	return &domain.Error{Endpoint: u.String(), Kind: domain.Unreachable, Err: err}
}
