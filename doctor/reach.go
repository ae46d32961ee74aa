package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/sigv4"
)

// toDomain walks the way of a request to the domain.
func (w *walk) toDomain(ctx context.Context) {
	w.along(ctx, []step{
		{"endpoint", w.checkEndpoint},
		{"dns", w.checkName},
		{"tcp", w.checkConnection},
		{"tls", w.checkTLS},
		{"answer", w.checkAnswer},
		{"clock", w.checkClock},
		{"credentials", w.checkCredentials},
		{"signature", w.checkSignature},
		{"identity", w.checkIdentity},
		{"policy", w.checkPolicy},
		{"fine-grained", w.checkFineGrained},
		{"blocks", w.checkBlocks},
		{"disk", w.checkDisk},
		{"shards", w.checkShards},
		{"fields", w.checkFields},
		{"write", w.checkWrite},
	})
}

// checkEndpoint looks at the address alone.
func (w *walk) checkEndpoint(context.Context) Check {
	u, err := domain.ParseURL(w.cfg.URL)
	if err != nil {
		return Check{
			Status: Failed, Cause: WrongEndpoint, Seen: err.Error(), Means: WrongEndpoint.Info().Means,
			Fix: WrongEndpoint.Info().Fix,
		}
	}
	w.url, w.host = u, u.Hostname()
	if w.cfg.SignFor != "" {
		w.host = hostname(w.cfg.SignFor)
	}
	if isDashboards(u.Path) {
		return failed(Diagnosis{Cause: WrongEndpoint, Detail: "the path is that of Dashboards"}, u.Redacted())
	}
	if what := otherEndpoint(w.host); what != "" {
		return failed(Diagnosis{Cause: WrongEndpoint, Detail: what}, w.host)
	}
	region, service, inferred := sigv4.Infer(w.host)
	w.region, w.service = cmp.Or(w.cfg.Region, region), cmp.Or(w.cfg.Service, service, sigv4.ServiceDomain)
	if w.domain.Name == "" {
		w.domain = domainOf(w.host, w.region)
	}
	w.connect()
	switch {
	case w.region == "" && !w.cfg.NoSign:
		c := failed(is(RegionWrong), w.host+" does not tell the region to sign for")
		c.Means, c.Fix = "the region is not known, and it is never guessed", "name the domain's region with --region"
		return c
	case w.service == sigv4.ServiceServerless:
		return okay(w.host + " is a serverless collection in " + w.region)
	case strings.HasPrefix(w.host, "vpc-") && inferred:
		return okay(w.host + " is a domain in a VPC, in " + w.region)
	case inferred:
		return okay(w.host + " is a domain in " + w.region)
	}
	return okay(w.host + " is a name that tells no region or service; signed for " + w.service + " in " + w.region)
}

// otherEndpoint says what an address of AWS is, when it is none of a domain's.
func otherEndpoint(host string) string {
	aws := strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") ||
		strings.HasSuffix(host, ".api.aws")
	label, rest, _ := strings.Cut(host, ".")
	switch {
	case host == "console.aws.amazon.com" || strings.HasSuffix(host, ".console.aws.amazon.com"):
		return "this is the console"
	case aws && (label == "es" || label == "es-fips" || label == "aos" || label == "aoss"):
		return "this is the service's configuration API"
	case aws && (label == "s3" || strings.HasPrefix(rest, "s3.") || strings.HasPrefix(rest, "s3-")):
		return "this is S3"
	}
	return ""
}

// connect makes the transports, over connections that look names up as the walk does.
func (w *walk) connect() {
	net := domain.NewTransport(domain.TransportConfig{
		RootCAs: w.cfg.Roots, ServerName: hostname(w.cfg.SignFor), Dial: w.dial, StallTimeout: requestTimeout,
	})
	w.base = w.dressed(net)
	w.signed = w.base
	if !w.cfg.NoSign {
		w.signed = w.dressed(&sigv4.Transport{
			Base: net, Credentials: w.provider(), Region: w.region, Service: w.service, Host: w.cfg.SignFor,
		})
	}
	w.aws = aws{
		base:        domain.NewTransport(domain.TransportConfig{Dial: w.dial, StallTimeout: requestTimeout}),
		credentials: w.provider(), region: w.region, endpoint: w.cfg.Endpoint, userAgent: w.cfg.UserAgent,
	}
}

// provider is that of the configuration, or one that has nothing.
func (w *walk) provider() sigv4.Provider {
	if w.cfg.Credentials != nil {
		return w.cfg.Credentials
	}
	return sigv4.ProviderFunc(func(context.Context) (sigv4.Credentials, error) {
		return sigv4.Credentials{}, sigv4.ErrNoCredentials
	})
}

// dressed sets what every request to the domain has. A header of the collection is to be signed.
func (w *walk) dressed(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		if w.cfg.UserAgent != "" {
			r.Header.Set("User-Agent", w.cfg.UserAgent)
		}
		if w.cfg.Collection != "" {
			r.Header.Set("X-Amz-Aoss-Collection-Name", w.cfg.Collection)
		}
		if w.cfg.SignFor != "" {
			r.Host = w.cfg.SignFor
		}
		return next.RoundTrip(r)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip is part of http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// resolve looks a host up; an address is itself.
func (w *walk) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	return w.cfg.Resolve(ctx, host)
}

// dial connects to the first address that answers.
func (w *walk) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	all, err := w.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	for _, a := range all {
		var c net.Conn
		limited, cancel := context.WithTimeout(ctx, dialTimeout)
		c, err = w.cfg.Dial(limited, network, net.JoinHostPort(a.Unmap().String(), port))
		cancel()
		if err == nil {
			return c, nil
		}
	}
	return nil, err
}

// gateway is the proxy that the environment names for the domain; nil is none.
func (w *walk) gateway() *url.URL {
	u, err := http.ProxyFromEnvironment(&http.Request{URL: w.url})
	if err != nil {
		return nil
	}
	return u
}

// nextHop is the host and the port that connections go to.
func (w *walk) nextHop() (host, port string) {
	u := w.url
	if p := w.gateway(); p != nil {
		u = p
	}
	port = u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080"}[u.Scheme]
	}
	return u.Hostname(), port
}

func (w *walk) checkName(ctx context.Context) Check {
	host, _ := w.nextHop()
	addrs, err := w.resolve(ctx, host)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	if err != nil {
		d := unreached(err, w.host)
		c := failed(d, textOf(err))
		if d.Cause == DNS && w.gateway() != nil {
			c.Means = "the name of the proxy that HTTPS_PROXY or HTTP_PROXY names does not resolve"
		}
		return c
	}
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return okay(host + " is " + strings.Join(texts[:min(len(texts), 4)], ", "))
}

func (w *walk) checkConnection(ctx context.Context) Check {
	host, port := w.nextHop()
	began := time.Now()
	c, err := w.dial(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return w.notConnected(ctx, host, port, err)
	}
	defer func() { _ = c.Close() }()
	remote, rerr := netip.ParseAddrPort(c.RemoteAddr().String())
	local, lerr := netip.ParseAddrPort(c.LocalAddr().String())
	if rerr == nil && lerr == nil && w.gateway() == nil && (remote.Addr().IsLoopback() || remote.Addr().IsPrivate()) {
		w.local = local.Addr().Unmap() // no translation of addresses lies between
	}
	if w.gateway() != nil {
		return okay(fmt.Sprintf("connected to the proxy %s, port %s", host, port))
	}
	return okay(fmt.Sprintf("connected to port %s in %s", port, time.Since(began).Round(time.Millisecond)))
}

// notConnected tells a domain in a VPC from one that is not there.
func (w *walk) notConnected(ctx context.Context, host, port string, err error) Check {
	d := unreached(err, w.host)
	if d.Cause != Unreached {
		return failed(d, textOf(err))
	}
	d.Candidates = nil
	private := strings.HasPrefix(w.host, "vpc-") && w.url.Hostname() == w.host
	if addrs, rerr := w.resolve(ctx, host); rerr == nil && len(addrs) > 0 && addrs[0].IsPrivate() {
		private = true
	}
	// A refused connection has reached a machine: its port is closed. What is dropped is a security group or a way that
	// does not lead there.
	if private && w.gateway() == nil && !refusesConnection(err) {
		d.Cause = VPCOnly
	}
	return failed(d, fmt.Sprintf("no connection to %s, port %s: %s", host, port, textOf(err)))
}

func refusesConnection(err error) bool { return strings.Contains(textOf(err), "connection refused") }

func (w *walk) checkTLS(ctx context.Context) Check {
	if w.url.Scheme == "http" {
		return okay("plain http, on this machine")
	}
	if w.gateway() != nil {
		return Check{Status: Skipped, Seen: "behind the proxy: seen with the answer"}
	}
	host, port := w.nextHop()
	raw, err := w.dial(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return w.notConnected(ctx, host, port, err)
	}
	defer func() { _ = raw.Close() }()
	name := host
	if w.cfg.SignFor != "" {
		name = hostname(w.cfg.SignFor)
	}
	c := tls.Client(raw, &tls.Config{ServerName: name, RootCAs: w.cfg.Roots, MinVersion: tls.VersionTLS12})
	limited, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := c.HandshakeContext(limited); err != nil {
		if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
			return failed(Diagnosis{Cause: NotADomain, Detail: "what answers does not speak TLS"}, textOf(err))
		}
		return failed(unreached(err, ""), textOf(err))
	}
	cert := c.ConnectionState().PeerCertificates[0]
	return okay(fmt.Sprintf("certificate for %s, by %s, until %s", name, cmp.Or(cert.Issuer.CommonName, "its authority"),
		cert.NotAfter.UTC().Format(time.DateOnly)))
}

// answer is what the domain said to a request.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    *domain.Error // nil for a success
}

const maxAnswer = 8 << 20

// ask makes one request and reads its answer. The error is of kind Unreachable, or says why nothing could be signed.
func (w *walk) ask(ctx context.Context, rt http.RoundTripper, method, target, body string) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	full := strings.TrimSuffix(w.url.String(), "/") + target
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, full, r)
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
		if strings.HasSuffix(target, "_bulk") {
			req.Header.Set("Content-Type", "application/x-ndjson")
		}
	}
	resp, err := rt.RoundTrip(req)
	if err != nil {
		if f, ok := errors.AsType[interface {
			error
			Fatal() bool
		}](err); ok && f.Fatal() {
			return nil, err
		}
		return nil, &domain.Error{Endpoint: w.cfg.URL, Kind: domain.Unreachable, Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, &domain.Error{Endpoint: w.cfg.URL, Kind: domain.Unreachable, Err: err}
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, body: data}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		a.err = domain.ClassifyResponse(resp, data)
		a.err.Endpoint = w.cfg.URL
	}
	return a, nil
}

// words are what an answer says, for people.
func (a *answer) words() string {
	if a.err == nil {
		return fmt.Sprintf("answered %d", a.status)
	}
	text := a.err.Reason
	if a.err.Type != "" {
		text = a.err.Type + ": " + text
	}
	return fmt.Sprintf("answered %d: %s", a.status, text)
}

// checkAnswer finds out whether what answers is a domain. It does not sign: whoever is there is told nothing.
func (w *walk) checkAnswer(ctx context.Context) Check {
	a, err := w.ask(ctx, w.base, http.MethodGet, "/", "")
	if err != nil {
		d, _ := w.cfg.Explain(err)
		return failed(d, textOf(err))
	}
	w.date = a.header.Get("Date")
	body := strings.TrimSpace(string(a.body[:min(len(a.body), 64)]))
	page := strings.HasPrefix(body, "<") || strings.Contains(a.header.Get("Content-Type"), "text/html")
	hop := intermediary(a.header)
	switch {
	case a.status == http.StatusProxyAuthRequired, page && hop != "":
		return failed(Diagnosis{Cause: ProxyInBetween, Detail: hop}, a.words())
	case a.status >= 300 && a.status < 400:
		d, _ := Explain(a.err)
		return failed(d, a.words())
	case a.status == http.StatusTooManyRequests:
		return failed(is(Throttled), a.words())
	case page && a.status >= 500:
		return failed(open(Unknown, ProxyInBetween), a.words())
	case page:
		return failed(is(NotADomain), a.words())
	case a.header.Get("X-Amzn-Errortype") != "":
		return failed(Diagnosis{
			Cause: NotADomain, Detail: "another service of AWS: no domain sends x-amzn-ErrorType",
		}, a.words())
	case a.status == http.StatusOK:
		b, ok := bannerOf(a.body)
		if !ok {
			return failed(is(NotADomain), "GET / answered JSON or text without a version")
		}
		w.learn(b)
		return okay(b.String())
	case a.status == http.StatusUnauthorized, a.status == http.StatusForbidden, w.service == sigv4.ServiceServerless:
		return okay("a domain: GET / without a signature " + a.words())
	case a.status >= 500:
		return failed(is(Unknown), a.words())
	}
	return failed(is(NotADomain), a.words())
}

func (w *walk) checkClock(context.Context) Check {
	if w.cfg.NoSign {
		return Check{Status: Skipped, Seen: "nothing is signed"}
	}
	date, err := http.ParseTime(w.date)
	if err != nil {
		return Check{Status: Skipped, Seen: "the domain does not say what time it is"}
	}
	off := w.cfg.Now().Sub(date).Round(time.Second)
	way := "ahead of"
	if off < 0 {
		way = "behind"
	}
	if off.Abs() >= maxSkew {
		return failed(is(ClockSkew), fmt.Sprintf("this machine's clock is %s %s the domain's", off.Abs(), way))
	}
	return okay(fmt.Sprintf("within %s of the domain's", max(off.Abs(), time.Second)))
}

// hostname is a host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
