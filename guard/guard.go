// Package guard stands in front of an Elasticsearch or OpenSearch engine as the edge of an Amazon OpenSearch Service
// domain does: it verifies signatures, evaluates access policies, refuses in the service's own words, and forwards what
// is allowed.
//
// A [Guard] judges the exact bytes that it forwards. What can be read in two ways (dot segments, empty segments,
// encoded backslashes) is refused, a body is read and its hash checked before the backend sees any of it, and nothing
// is answered while the client is still sending. No http.ServeMux belongs in front of it: that would redirect paths.
package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/sigv4"
)

// The limits that domains have for the size of a request, by the size of their instances.
const (
	SmallMaxBody = 10485760
	LargeMaxBody = 104857600
)

// Config says what a guard protects, and how.
type Config struct {
	// Backend gets the requests that are allowed, without the client's credentials. See [NewForward].
	Backend http.Handler
	// Account (twelve digits), Region and Name make the ARN of the domain.
	Account, Region, Name string
	// Policy is asked for the domain's access policy at every request: [FixedPolicy] or a [PolicyFile]'s method. An
	// error is answered with the service's 503 for a failing authorization engine. A nil policy allows nobody but
	// those whose identity policies do.
	Policy func() (*iam.Policy, error)
	// Identities are who may sign. Nil knows nobody.
	Identities *Identities
	// Profile is the wording of refusals; ProfileCurrent when empty.
	Profile Profile
	// Mode is how much of a request is judged; ModeParity when empty.
	Mode Mode
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// MaxBody is the size limit of a request body in bytes, as sent; SmallMaxBody when zero.
	MaxBody int64
	// BodyTimeout is how long a request body may take to come, with a second more for every 16 KiB of it; 30 seconds when
	// zero. A slower one is answered with 408.
	BodyTimeout time.Duration
	// MaxSkew is how far a signature's time may be from ours; five minutes when zero.
	MaxSkew time.Duration
	// VPC, when set, makes this a domain inside a VPC: requests have no aws:SourceIp.
	VPC *VPC
	// OrgID is the organization of the local accounts, for aws:PrincipalOrgID.
	OrgID string
	// ResourceTags are the domain's tags, for aws:ResourceTag.
	ResourceTags map[string]string
	// NotOffered are the APIs that are answered with 401. Nil means those of the profile's time, see [NotOffered].
	NotOffered []API
	// StripPresigned takes the X-Amz-* parameters of a presigned URL off before the request is forwarded. The service
	// leaves them in, and engines from 5.x on refuse them.
	StripPresigned bool
	// Faults are injected. Nil injects none.
	Faults *Faults
	// AdminToken opens AdminPath for requests from this machine. Empty leaves it closed.
	AdminToken Secret
	// SpoolDir is where bodies over 1 MiB wait, in files without a name; the system's directory when empty.
	SpoolDir string
	// Logger hears of refusals, with the reason. Nil is silent.
	Logger *slog.Logger
}

// VPC names the way into a domain inside a VPC, for aws:SourceVpc and aws:SourceVpce.
type VPC struct{ ID, Endpoint string }

// Guard is the edge of one domain. It is an http.Handler for any number of concurrent requests.
type Guard struct {
	cfg  Config
	log  *slog.Logger
	auth authenticator
	arn  string
}

// domainName is what the service accepts as a domain's name, regionPattern the form of a region's.
var (
	domainName    = regexp.MustCompile(`^[a-z][a-z0-9-]{2,27}$`)
	regionPattern = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
)

// CheckDomain says what is wrong with what makes a domain's ARN; nil when nothing is.
func CheckDomain(region, account, name string) error {
	switch {
	case !accountPattern.MatchString(account):
		return fmt.Errorf("account %q: want twelve digits", account)
	case !regionPattern.MatchString(region):
		return fmt.Errorf("region %q: want one such as eu-west-1", region)
	case !domainName.MatchString(name):
		return fmt.Errorf("domain name %q: want 3 to 28 of a-z, 0-9 and -, beginning with a letter", name)
	}
	return nil
}

// New checks the configuration and returns a guard.
func New(cfg Config) (*Guard, error) {
	errs := []error{CheckDomain(cfg.Region, cfg.Account, cfg.Name)}
	if cfg.Backend == nil {
		errs = append(errs, errors.New("no backend"))
	}
	if cfg.Policy == nil {
		cfg.Policy = FixedPolicy(nil)
	}
	if cfg.Profile == "" {
		cfg.Profile = ProfileCurrent
	}
	if _, err := ParseProfile(string(cfg.Profile)); err != nil {
		errs = append(errs, err)
	}
	if cfg.Mode == "" {
		cfg.Mode = ModeParity
	}
	if _, err := ParseMode(string(cfg.Mode)); err != nil {
		errs = append(errs, err)
	}
	if cfg.MaxBody < 0 || cfg.MaxSkew < 0 || cfg.BodyTimeout < 0 {
		errs = append(errs, errors.New("a limit is negative"))
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = SmallMaxBody
	}
	if cfg.BodyTimeout == 0 {
		cfg.BodyTimeout = defaultPatience
	}
	if cfg.NotOffered == nil {
		cfg.NotOffered = NotOffered(cfg.Profile)
	}
	if cfg.Faults == nil {
		cfg.Faults = &Faults{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("configure domain: %w", err)
	}
	return &Guard{
		cfg: cfg, log: cfg.Logger,
		auth: newAuthenticator(cfg.Identities, cfg.Region, "es", cfg.MaxSkew),
		arn:  DomainARN(cfg.Region, cfg.Account, cfg.Name),
	}, nil
}

// DomainARN is the Amazon Resource Name of a domain, in the partition that its region lies in.
func DomainARN(region, account, name string) string {
	return iam.Domain{Partition: iam.PartitionOf(region), Region: region, Account: account, Name: name}.ARN()
}

// ARN is the domain's Amazon Resource Name.
func (g *Guard) ARN() string { return g.arn }

// call is one request on its way through the guard.
type call struct {
	*Guard
	r      *http.Request
	target Target
	body   *body
	plan   *plan
	caller *identity // nil is anonymous
	ip     netip.Addr
}

// ServeHTTP implements http.Handler.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	edgeHeaders(w.Header())
	if r.RequestURI == AdminPath && g.cfg.AdminToken != "" {
		g.serveAdmin(w, r)
		return
	}
	c := &call{Guard: g, r: r, plan: g.cfg.Faults.draw(), ip: sourceIP(r, g.cfg.TrustedProxies)}
	if skew := c.plan.clockSkew(); skew != 0 {
		// Clients estimate the difference of the clocks from the answer's date.
		w.Header().Set("Date", time.Now().Add(skew).UTC().Format(http.TimeFormat))
	}
	refusal := c.judge(w)
	defer c.body.Close()
	if refusal == nil {
		c.forward(w)
		return
	}
	if refusal.gone {
		panic(http.ErrAbortHandler)
	}
	g.log.LogAttrs(r.Context(), slog.LevelInfo, "request refused",
		slog.String("method", r.Method), slog.String("path", c.target.Path), slog.String("caller", c.caller.name()),
		slog.Int("status", refusal.status), slog.String("reason", refusal.reason),
		slog.String("request_id", requestIDOf(w.Header())))
	if refusal.hangUp {
		w.Header().Set("Connection", "close")
	}
	writeAnswer(w, r, refusal.answer)
}

// refusal is an answer that ends a call before the backend.
type refusal struct {
	answer
	// reason explains it in the log.
	reason string
	// hangUp closes the connection, on which the rest of a request may still come.
	hangUp bool
	// gone says that the client is not there any more.
	gone bool
}

// judge takes the call through all checks in the service's order and returns the first refusal.
func (c *call) judge(w http.ResponseWriter) *refusal {
	signed := !sigv4.IsAnonymous(c.r)
	body, err := readBody(w, c.r, c.cfg.MaxBody, c.cfg.SpoolDir, c.cfg.BodyTimeout, signed)
	c.body = body
	tooLarge := errors.Is(err, errTooLarge)
	if err != nil && !tooLarge {
		return c.unreadable(err)
	}
	target, err := parseTarget(c.r.RequestURI, c.cfg.Mode == ModeParity)
	if err != nil {
		return edgeRefusal(http.StatusBadRequest, "The request target is refused: "+err.Error()+
			". The domain judges and forwards paths as they are sent, so it takes none that can be read in two ways.")
	}
	c.target = target
	if r := c.unusable(); r != nil {
		return r
	}
	if tooLarge {
		return c.tooLarge(signed)
	}
	if c.plan.strike(faultToken) != nil && signed {
		return &refusal{answer: answer{http.StatusForbidden, lowerMessage(textExpiredToken)}, reason: "injected"}
	}
	if c.plan.strike(faultAuthz) != nil {
		return authorizationFailed("injected")
	}
	c.caller, err = c.auth.authenticate(c.r, c.body, how{skew: c.plan.clockSkew(), short: c.plan.strike(faultNoDump) != nil})
	if err != nil {
		return refuseAuth(err)
	}
	if r := c.authorize(); r != nil {
		return r
	}
	if c.r.Method == http.MethodHead && c.body.size > 0 {
		return &refusal{answer: answer{http.StatusForbidden, nil}, reason: "HEAD with a body"}
	}
	return c.offered()
}

func edgeRefusal(status int, text string) *refusal {
	return &refusal{answer: answer{status, upperMessage(text)}, reason: text}
}

func authorizationFailed(reason string) *refusal {
	return &refusal{
		answer: answer{http.StatusServiceUnavailable, upperMessage("Call to Authorization engine failed")},
		reason: reason,
	}
}

func (c *call) unreadable(err error) *refusal {
	if serr, ok := errors.AsType[*spoolError](err); ok {
		r := edgeRefusal(http.StatusInternalServerError, "The request could not be kept")
		r.reason, r.hangUp = serr.Error(), true
		return r
	}
	if errors.Is(err, errSlow) {
		r := edgeRefusal(http.StatusRequestTimeout, "The request body did not arrive in time")
		r.reason, r.hangUp = err.Error(), true
		return r
	}
	if _, isNet := errors.AsType[net.Error](err); isNet || errors.Is(err, io.ErrUnexpectedEOF) {
		return &refusal{gone: true, reason: err.Error()}
	}
	r := edgeRefusal(http.StatusBadRequest, "The request body cannot be read")
	r.reason, r.hangUp = err.Error(), true
	return r
}

// unusable refuses what no domain forwards.
func (c *call) unusable() *refusal {
	switch c.r.Method {
	case http.MethodConnect, http.MethodTrace:
		return edgeRefusal(http.StatusMethodNotAllowed, "The method "+c.r.Method+" is not allowed")
	}
	// An offer of h2c may be passed over, and is: curl --http2 makes it on every first request.
	if u := c.r.Header.Get("Upgrade"); u != "" && !strings.EqualFold(u, "h2c") {
		return edgeRefusal(http.StatusBadRequest, "Protocol upgrades are not allowed")
	}
	return nil
}

// tooLarge answers for a body over the limit. An anonymous caller learns first that the call is not allowed; whether a
// signature is right cannot be told without the body.
func (c *call) tooLarge(signed bool) *refusal {
	if !signed {
		c.body = &body{}
		if r := c.authorize(); r != nil {
			r.hangUp = true
			return r
		}
	}
	r := edgeRefusal(http.StatusRequestEntityTooLarge, "Request size exceeded "+strconv.FormatInt(c.cfg.MaxBody, 10)+" bytes")
	r.hangUp = true
	return r
}

// offered refuses what the service does not let through.
func (c *call) offered() *refusal {
	for _, api := range c.cfg.NotOffered {
		if api.Matches(c.r.Method, c.target.Segments) {
			return edgeRefusal(http.StatusUnauthorized, "Your request: '"+c.target.Path+"' is not allowed.")
		}
	}
	if payloadNotOffered(c.r, c.target.Segments, c.body) {
		return edgeRefusal(http.StatusUnauthorized, "Your request: '"+c.target.Path+"' payload is not allowed.")
	}
	return nil
}

// forward hands the request to the backend: the same target, the same body, none of the credentials.
func (c *call) forward(w http.ResponseWriter) {
	r := c.r.Clone(c.r.Context())
	stripCredentials(r.Header)
	if c.cfg.StripPresigned {
		r.URL.RawQuery = withoutSignature(c.target.Query)
		r.URL.ForceQuery = c.target.HasQuery && r.URL.RawQuery == ""
		r.RequestURI = c.target.Path
		if r.URL.RawQuery != "" {
			r.RequestURI += "?" + r.URL.RawQuery
		}
	}
	r.Body = c.body.reader()
	r.GetBody = func() (io.ReadCloser, error) { return c.body.reader(), nil }
	r.ContentLength = c.body.size
	r.TransferEncoding, r.Trailer = nil, nil
	bulk, isBulk := c.bulk()
	c.plan.serve(w, r, c.cfg.Backend, bulk, isBulk)
}

// withoutSignature takes the parameters of a presigned URL off a query and leaves the rest as it is.
func withoutSignature(query string) string {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(strings.ToLower(part), "x-amz-") {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}

// bulk reports whether this is a _bulk call whose answer has every item in its place, and what to know of it.
func (c *call) bulk() (b bulkCall, isBulk bool) {
	s := c.target.Segments
	if len(s) == 0 || s[len(s)-1] != "_bulk" {
		return b, false
	}
	if len(s) > 1 {
		b.index = s[0]
	}
	b.filter, isBulk = parseBulkFilter(c.target.Query)
	return b, isBulk
}

// names lists the backend's indexes, aliases and data streams.
func (c *call) names() ([]string, error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), time.Minute)
	defer cancel()
	return listNames(ctx, c.cfg.Backend)
}
