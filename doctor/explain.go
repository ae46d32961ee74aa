package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/sigv4"
)

// Diagnosis is what a failure is traced back to.
type Diagnosis struct {
	Cause Cause
	// Candidates are what an open cause may turn out to be, the likeliest first, at most three.
	Candidates []Cause
	// Detail says what was seen, where that is more than the words of the failure. It can be shown.
	Detail string
	// Fix is what mends it here; the table's words when empty.
	Fix string
}

// is makes a diagnosis without candidates.
func is(c Cause) Diagnosis { return Diagnosis{Cause: c} }

// open makes a diagnosis with candidates.
func open(c Cause, candidates ...Cause) Diagnosis { return Diagnosis{Cause: c, Candidates: candidates} }

// Causer is an error that knows its cause by a name of the table.
type Causer interface {
	error
	Cause() string
}

// Explain names the cause of a failure to reach a domain or to be let in. It looks at the types of the error, and for a
// *[domain.Error] at the answer, and at the request where that was kept. It reports false for an error of another kind.
func Explain(err error) (Diagnosis, bool) {
	if c, ok := errors.AsType[Causer](err); ok && Cause(c.Cause()).known() {
		return is(Cause(c.Cause())), true
	}
	switch {
	case errors.Is(err, sigv4.ErrNoCredentials):
		return is(CredentialsMissing), true
	case errors.Is(err, sigv4.ErrExpiredCredentials):
		return is(CredentialsExpired), true
	}
	e, ok := errors.AsType[*domain.Error](err)
	if !ok || errors.Is(err, context.Canceled) {
		return Diagnosis{}, false
	}
	if e.Kind == domain.Unreachable {
		return unreached(e.Err, ""), true
	}
	return answered(e), true
}

// answered explains an answer other than success.
func answered(e *domain.Error) Diagnosis {
	switch e.Kind {
	case domain.Throttled:
		return is(Throttled)
	case domain.TooLarge:
		return is(RequestTooLarge)
	case domain.NotADomain:
		return foreign(e)
	case domain.Blocked:
		return blocked(e.Reason)
	case domain.BadRequest:
		return badRequest(e)
	case domain.Clock, domain.Refused:
		return refused(e)
	}
	return is(Unknown)
}

// blocked explains a cluster_block_exception.
func blocked(reason string) Diagnosis {
	if strings.Contains(reason, "flood-stage watermark") {
		return is(DiskFull)
	}
	d := is(WritesBlocked)
	if strings.Contains(reason, "read-only / allow delete") || strings.Contains(reason, "create-index blocked") {
		d.Candidates = []Cause{DiskFull} // what sets these blocks when nobody did
	}
	return d
}

func badRequest(e *domain.Error) Diagnosis {
	switch {
	case strings.Contains(e.Reason, "maximum shards open"):
		return is(ShardLimit)
	case strings.Contains(e.Reason, "Limit of total fields"):
		return is(FieldLimit)
	case e.Status == http.StatusProxyAuthRequired:
		return is(ProxyInBetween)
	}
	return is(Unknown)
}

// foreign explains an answer that is not a domain's.
func foreign(e *domain.Error) Diagnosis {
	x := e.Exchange()
	if x == nil {
		return is(NotADomain)
	}
	if location := x.Header.Get("Location"); isDashboards(location) {
		return Diagnosis{Cause: WrongEndpoint, Detail: "redirects to Dashboards"}
	}
	if hop := intermediary(x.Header); hop != "" {
		return Diagnosis{Cause: ProxyInBetween, Detail: hop}
	}
	return is(NotADomain)
}

// isDashboards reports whether a path or URL is one of Dashboards or Kibana.
func isDashboards(location string) bool {
	return strings.Contains(location, "/_dashboards") || strings.Contains(location, "/_plugin/kibana") ||
		strings.HasSuffix(strings.TrimSuffix(location, "/"), "/app/kibana") || strings.Contains(location, "/app/login")
}

// intermediary is the header by which a proxy shows itself, with its value; empty when none does.
func intermediary(h http.Header) string {
	for _, name := range []string{"Proxy-Authenticate", "X-Squid-Error", "Via", "X-Bluecoat-Via", "X-Zscaler-Error"} {
		if v := h.Get(name); v != "" {
			return name + ": " + short(v)
		}
	}
	server := strings.ToLower(h.Get("Server"))
	for _, product := range []string{"squid", "zscaler", "bluecoat", "mcafee", "forcepoint", "varnish"} {
		if strings.Contains(server, product) {
			return "Server: " + short(h.Get("Server"))
		}
	}
	return ""
}

// refused explains 401 and 403.
func refused(e *domain.Error) Diagnosis {
	sent := sentBy(e)
	x := e.Exchange()
	has := func(s string) bool { return strings.Contains(strings.ToLower(e.Reason), s) }
	switch {
	case e.Type == "security_exception", e.Cause == domain.CauseFineGrain:
		return is(FineGrainedRole)
	case e.Cause == domain.CauseAnonymous && sent.known && sent.signed:
		return Diagnosis{Cause: HeaderChanged, Detail: "the Authorization header was sent, and the domain did not get it"}
	case e.Cause == domain.CauseAnonymous && has("explicit deny"):
		return is(PolicyDenies)
	case e.Cause == domain.CauseAnonymous:
		return is(Anonymous)
	case e.Cause == domain.CausePolicy:
		return byPolicy(e.Reason)
	case e.Cause == domain.CauseToken:
		return byToken(e.Reason, sent)
	case e.Cause == domain.CauseScope:
		return byScope(e.Reason)
	case e.Kind == domain.Clock:
		return is(ClockSkew)
	case e.Cause == domain.CauseSignature:
		return bySignature(x)
	case has("your request: '") && has("is not allowed"):
		return is(APINotOffered)
	case e.Status == http.StatusUnauthorized && x != nil &&
		strings.HasPrefix(strings.ToLower(x.Header.Get("Www-Authenticate")), "basic"):
		return is(BasicAuthWanted)
	case has("authorization header"):
		return open(Signature, HeaderChanged) // a header that is no signature, or no whole one
	case x != nil && !sent.at.IsZero() && skew(x.Header, sent.at) >= maxSkew:
		return is(ClockSkew) // an answer to HEAD has no words
	case sent.service == sigv4.ServiceServerless:
		return serverless(x)
	}
	if x != nil {
		if hop := intermediary(x.Header); hop != "" && !isJSONAnswer(x) {
			return Diagnosis{Cause: ProxyInBetween, Detail: hop}
		}
	}
	return is(Unknown)
}

// serverless explains the 403 of a collection, which has no reason in it.
func serverless(x *domain.Exchange) Diagnosis {
	if x != nil && strings.Contains(x.Header.Get("X-Aoss-Response-Hint"), "gw-helper-deny") {
		return open(Signature, HeaderChanged, SecretWrong)
	}
	return open(PolicyRefuses, AOSSDataAccess)
}

func isJSONAnswer(x *domain.Exchange) bool {
	return strings.HasPrefix(x.Header.Get("Content-Type"), "application/json") ||
		strings.HasPrefix(strings.TrimSpace(string(x.Body[:min(len(x.Body), 16)])), "{")
}

// byPolicy reads the tail of the sentence that a policy refuses.
func byPolicy(reason string) Diagnosis {
	r := strings.ToLower(reason)
	for _, limit := range []string{
		"permissions boundary", "session policy", "service control policy", "resource control policy",
		"vpc endpoint policy",
	} {
		if strings.Contains(r, limit) {
			return Diagnosis{Cause: BoundaryOrSCP, Detail: "the answer names a " + limit}
		}
	}
	switch {
	case strings.Contains(r, "explicit deny"):
		return is(PolicyDenies)
	case strings.Contains(r, "no resource-based policy allows"):
		// Said of a caller whom an identity policy allows, or may not allow by itself: one of another account.
		return open(PolicyRefuses, OtherAccountHalf, PolicyLacksPrincipal, PolicyLacksPath)
	}
	return open(PolicyRefuses, PolicyLacksPrincipal, PolicyLacksAction, PolicyLacksPath)
}

// byToken tells the meanings of the sentence about a token apart. An unknown access key has a full stop at its end.
func byToken(reason string, sent sender) Diagnosis {
	temporary := strings.HasPrefix(sent.key, "ASIA")
	unknownKey := strings.HasSuffix(reason, "invalid.")
	switch {
	case strings.Contains(strings.ToLower(reason), "expired"):
		return is(CredentialsExpired)
	case !sent.known || !sent.signed:
		return open(Signature, KeyUnknown, TokenMissing, TokenInvalid)
	case temporary && !sent.token:
		return is(TokenMissing)
	case unknownKey:
		return is(KeyUnknown)
	case sent.token:
		return is(TokenInvalid)
	}
	return open(Signature, KeyUnknown, TokenInvalid)
}

func byScope(reason string) Diagnosis {
	region, service := strings.Contains(reason, "valid region"), strings.Contains(reason, "correct service")
	d := is(ServiceWrong)
	if region {
		d = is(RegionWrong)
		if service {
			d.Candidates = []Cause{ServiceWrong} // both are wrong: the endpoint may be another than it seems
		}
	}
	return d
}

// sender is what a refused request tells about who signed it.
type sender struct {
	// known says that the request was kept.
	known, signed bool
	// key is the access key id.
	key             string
	token           bool
	region, service string
	at              time.Time
}

// sentBy is who signed the refused request.
func sentBy(e *domain.Error) sender {
	if x := e.Exchange(); x != nil && x.Request != nil {
		return senderOf(x.Request)
	}
	return sender{}
}

// senderOf reads the headers that carry a signature.
func senderOf(r *http.Request) sender {
	h := r.Header
	s := sender{known: true, token: h.Get("X-Amz-Security-Token") != ""}
	_, scope, ok := strings.Cut(h.Get("Authorization"), "Credential=")
	if !ok {
		return s
	}
	scope, _, _ = strings.Cut(scope, ",")
	if parts := strings.Split(scope, "/"); len(parts) == 5 {
		s.signed, s.key, s.region, s.service = true, parts[0], parts[2], parts[3]
	}
	if at, err := time.Parse(amzDate, h.Get("X-Amz-Date")); err == nil {
		s.at = at
	}
	return s
}

const (
	amzDate = "20060102T150405Z"
	maxSkew = 5 * time.Minute
)

// skew is how far a clock is from that of the answer; zero when the answer does not tell.
func skew(h http.Header, clock time.Time) time.Duration {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return date.Sub(clock).Abs()
}

// unreached explains why there was no answer. The host is that of the endpoint, for a domain in a VPC.
func unreached(err error, host string) Diagnosis {
	if d, ok := untrusted(err); ok {
		return d
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsNotFound {
			return is(DNS)
		}
		return open(Unreached, DNS)
	}
	if strings.Contains(textOf(err), "Proxy Authentication Required") {
		return is(ProxyInBetween) // net/http has no type for the answer to CONNECT
	}
	d := is(Unreached)
	if strings.HasPrefix(host, "vpc-") || dialledPrivate(err) {
		d.Candidates = []Cause{VPCOnly}
	}
	return d
}

// untrusted explains a handshake that failed.
func untrusted(err error) (Diagnosis, bool) {
	if e, ok := errors.AsType[x509.HostnameError](err); ok {
		detail := ""
		if e.Certificate != nil && len(e.Certificate.DNSNames) > 0 {
			names := e.Certificate.DNSNames
			detail = "the certificate is for " + short(strings.Join(names[:min(len(names), 5)], ", "))
		}
		return Diagnosis{Cause: TLSName, Detail: detail}, true
	}
	if e, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		detail := ""
		if e.Cert != nil {
			detail = "the certificate is issued by " + short(e.Cert.Issuer.String())
		}
		return Diagnosis{Cause: TLSUntrusted, Detail: detail}, true
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return Diagnosis{Cause: TLSUntrusted, Detail: short(e.Error())}, true
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return is(TLSUntrusted), true
	}
	return Diagnosis{}, false
}

// dialledPrivate reports whether the address that did not answer is one of a private network.
func dialledPrivate(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	if !ok || e.Addr == nil {
		return false
	}
	addr, err := netip.ParseAddrPort(e.Addr.String())
	return err == nil && addr.Addr().IsPrivate()
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// short makes a text from outside fit into a line, without control characters.
func short(s string) string {
	const longest = 200
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return strings.TrimSpace(s)
}
