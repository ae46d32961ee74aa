// Package guard stands in front of an Elasticsearch or OpenSearch engine as the edge of an Amazon OpenSearch Service
// domain does: it verifies signatures, evaluates access policies, refuses in the service's own words, and forwards what
// is allowed. Who may sign is in package identity, what goes wrong on purpose in package fault.
//
// A [Guard] judges the exact bytes that it forwards. It refuses paths that can be read in two ways (dot segments, empty
// segments, encoded backslashes). It reads a body and checks its hash before the backend sees any of it, and does not
// answer while the client is still sending. Do not put an http.ServeMux in front of it: that would redirect paths.
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
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/guard/fault"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/guard/internal/edge"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/internal/lazyregexp"
	"github.com/seed56735111/penstock/sigv4"
)

// The limits of domains on the size of a request in bytes, by the size of their instances.
const (
	SmallMaxBody = 10 << 20
	LargeMaxBody = 100 << 20
)

// Config says what a guard protects, and how.
type Config struct {
	// Backend gets the requests that are allowed, without the client's credentials. See [NewForward].
	Backend http.Handler
	// Account (twelve digits), Region and Name make the ARN of the domain.
	Account, Region, Name string
	// Policy gives the domain's access policy, at every request: [FixedPolicy] or a [PolicyFile]'s method. An error is
	// answered with the service's 503 for a failing authorization engine. With a nil policy only identity policies allow.
	Policy func() (*iam.Policy, error)
	// Identities are the users, roles and sessions that may sign. Nil is none.
	Identities *identity.Store
	// Profile is the wording of refusals; ProfileCurrent when empty.
	Profile Profile
	// Mode is how much of a request is judged; ModeParity when empty.
	Mode Mode
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// MaxBody bounds the body of a request in bytes, as sent; SmallMaxBody when zero.
	MaxBody int64
	// BodyTimeout is how long a request body may take to arrive, with a second more for every 16 KiB of it; 30 seconds
	// when zero. A slower one is answered with 408.
	BodyTimeout time.Duration
	// MaxSkew is how far a signature's time may be from ours; five minutes when zero.
	MaxSkew time.Duration
	// VPC, when set, makes this a domain inside a VPC: requests have no aws:SourceIp.
	VPC *VPC
	// OrgID is the organization of the local accounts, for aws:PrincipalOrgID.
	OrgID string
	// ResourceTags are the domain's tags, for aws:ResourceTag.
	ResourceTags map[string]string
	// NotOffered are the APIs that are answered with 401. Nil means those of the profile, see [NotOffered].
	NotOffered []API
	// StripPresigned removes the X-Amz-* parameters of a presigned URL before the request is forwarded. The service
	// leaves them in, and engines from version 5 on refuse them.
	StripPresigned bool
	// Faults are injected. Nil injects none.
	Faults *fault.Faults
	// AdminToken opens the paths below [AdminPath] for requests from this machine that bring it. Empty leaves them
	// closed.
	AdminToken identity.Secret
	// SetPolicy replaces the access policy, for the admin endpoint. Nil stands for a policy that is kept elsewhere.
	SetPolicy func(document []byte) error
	// SpoolDir is where bodies over 1 MiB wait, in files without a name; the system's directory when empty.
	SpoolDir string
	// Logger gets the refusals, with their reasons. Nil is silent.
	Logger *slog.Logger
}

// VPC is the VPC and the VPC endpoint that requests come through, for aws:SourceVpc and aws:SourceVpce.
type VPC struct{ ID, Endpoint string }

// Guard is the edge of one domain. It is an http.Handler for any number of concurrent requests.
type Guard struct {
	cfg  Config
	log  *slog.Logger
	auth identity.Authenticator
	arn  string
	// gate judges and forwards, with injected faults around it.
	gate http.Handler
	// backend is Config.Backend, with injected faults in front of it.
	backend http.Handler
	admin   http.Handler
}

// domainName matches the names of domains that the service accepts, regionPattern the names of regions.
var (
	domainName    = lazyregexp.New(`^[a-z][a-z0-9-]{2,27}$`)
	regionPattern = lazyregexp.New(`^[a-z][a-z0-9-]*$`)
)

// CheckDomain says what is wrong with the parts of a domain's ARN. It returns nil when they are right.
func CheckDomain(region, account, name string) error {
	switch {
	case !edge.IsAccount(account):
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
		cfg.BodyTimeout = edge.DefaultPatience
	}
	if cfg.NotOffered == nil {
		cfg.NotOffered = NotOffered(cfg.Profile)
	}
	if cfg.Faults == nil {
		cfg.Faults = &fault.Faults{}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("configure domain: %w", err)
	}
	g := &Guard{
		cfg: cfg, log: cfg.Logger,
		auth: identity.NewAuthenticator(cfg.Identities, cfg.Region, "es", cfg.MaxSkew),
		arn:  DomainARN(cfg.Region, cfg.Account, cfg.Name),
	}
	g.gate, g.backend = cfg.Faults.Around(http.HandlerFunc(g.serve)), cfg.Faults.Before(cfg.Backend)
	g.admin = edge.Admin(string(cfg.AdminToken), http.HandlerFunc(g.serveAdmin))
	return g, nil
}

// DomainARN is the Amazon Resource Name of a domain, in the partition that its region lies in.
func DomainARN(region, account, name string) string {
	return iam.Domain{Partition: iam.PartitionOf(region), Region: region, Account: account, Name: name}.ARN()
}

// ARN is the Amazon Resource Name of the domain.
func (g *Guard) ARN() string { return g.arn }

// call is one request on its way through the guard.
type call struct {
	*Guard
	r      *http.Request
	target Target
	body   *edge.Body
	plan   *fault.Plan      // nil when nothing is injected
	caller *identity.Caller // nil is anonymous
	ip     netip.Addr
}

// ServeHTTP implements http.Handler.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	edge.Headers(w.Header())
	if g.cfg.AdminToken != "" && strings.HasPrefix(r.RequestURI, AdminPath) {
		g.admin.ServeHTTP(w, r)
		return
	}
	g.gate.ServeHTTP(w, r)
}

// serve judges a request, and forwards or refuses it.
func (g *Guard) serve(w http.ResponseWriter, r *http.Request) {
	c := &call{Guard: g, r: r, plan: fault.Of(r.Context()), ip: edge.SourceIP(r, g.cfg.TrustedProxies)}
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
		slog.String("method", r.Method), slog.String("path", c.target.Path), slog.String("caller", c.caller.Name()),
		slog.Int("status", refusal.Status), slog.String("reason", refusal.reason),
		slog.String("request_id", edge.RequestIDOf(w.Header())))
	if refusal.hangUp {
		w.Header().Set("Connection", "close")
	}
	edge.Write(w, r, refusal.Answer)
}

// refusal is an answer that ends a call before the backend.
type refusal struct {
	edge.Answer
	// reason explains it in the log.
	reason string
	// hangUp closes the connection, because the rest of the request may still come on it.
	hangUp bool
	// gone says that the client has closed the connection.
	gone bool
}

// judge takes the call through all checks in the service's order and returns the first refusal.
func (c *call) judge(w http.ResponseWriter) *refusal {
	signed := !sigv4.IsAnonymous(c.r)
	body, err := edge.ReadBody(w, c.r, c.cfg.MaxBody, c.cfg.SpoolDir, c.cfg.BodyTimeout, signed)
	c.body = body
	tooLarge := errors.Is(err, edge.ErrTooLarge)
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
	if c.plan.ExpiresToken() && signed {
		return &refusal{
			Answer: edge.Answer{Status: http.StatusForbidden, Body: edge.LowerMessage(identity.TextExpiredToken)},
			reason: "injected",
		}
	}
	if c.plan.FailsAuthorization() {
		return authorizationFailed("injected")
	}
	trouble := identity.Trouble{Skew: c.plan.ClockSkew(), Short: c.plan.HidesRequest()}
	c.caller, err = c.auth.Authenticate(c.r, c.body.Sum, trouble)
	if err != nil {
		return refuseAuth(err)
	}
	if r := c.authorize(); r != nil {
		return r
	}
	if c.r.Method == http.MethodHead && c.body.Size > 0 {
		return &refusal{Answer: edge.Answer{Status: http.StatusForbidden, Body: nil}, reason: "HEAD with a body"}
	}
	return c.offered()
}

// refuseAuth is the domain's answer to a failed authentication.
func refuseAuth(err error) *refusal {
	if e, ok := errors.AsType[*sigv4.AuthError](err); ok {
		reason, _, _ := strings.Cut(e.Message, "\n")
		return &refusal{Answer: edge.Answer{Status: e.Status, Body: e.JSON()}, reason: reason}
	}
	return authorizationFailed(err.Error())
}

func edgeRefusal(status int, text string) *refusal {
	return &refusal{Answer: edge.Answer{Status: status, Body: edge.UpperMessage(text)}, reason: text}
}

func authorizationFailed(reason string) *refusal {
	return &refusal{
		Answer: edge.Answer{
			Status: http.StatusServiceUnavailable, Body: edge.UpperMessage("Call to Authorization engine failed"),
		},
		reason: reason,
	}
}

func (c *call) unreadable(err error) *refusal {
	if serr, ok := errors.AsType[*edge.SpoolError](err); ok {
		r := edgeRefusal(http.StatusInternalServerError, "The request could not be kept")
		r.reason, r.hangUp = serr.Error(), true
		return r
	}
	if errors.Is(err, edge.ErrSlow) {
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

// unusable refuses methods and protocol upgrades that no domain forwards.
func (c *call) unusable() *refusal {
	switch c.r.Method {
	case http.MethodConnect, http.MethodTrace:
		return edgeRefusal(http.StatusMethodNotAllowed, "The method "+c.r.Method+" is not allowed")
	}
	// An offer of h2c may be ignored: curl --http2 makes it on every first request.
	if u := c.r.Header.Get("Upgrade"); u != "" && !strings.EqualFold(u, "h2c") {
		return edgeRefusal(http.StatusBadRequest, "Protocol upgrades are not allowed")
	}
	return nil
}

// tooLarge refuses a body over the limit. An anonymous caller that is not allowed is told so first. A signed caller is
// told of the size only: to verify the signature takes the whole body.
func (c *call) tooLarge(signed bool) *refusal {
	if !signed {
		c.body = &edge.Body{}
		if r := c.authorize(); r != nil {
			r.hangUp = true
			return r
		}
	}
	r := edgeRefusal(http.StatusRequestEntityTooLarge,
		"Request size exceeded "+strconv.FormatInt(c.cfg.MaxBody, 10)+" bytes")
	r.hangUp = true
	return r
}

// offered refuses the APIs that the service does not offer.
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

// forward hands the request to the backend, with the same target and body, and without credentials.
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
	r.Body = c.body.Reader()
	r.GetBody = func() (io.ReadCloser, error) { return c.body.Reader(), nil }
	r.ContentLength = c.body.Size
	r.TransferEncoding, r.Trailer = nil, nil
	c.backend.ServeHTTP(w, r)
}

// withoutSignature removes the parameters of a presigned URL from a query, and leaves the rest as it is.
func withoutSignature(query string) string {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(strings.ToLower(part), "x-amz-") {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}

// names lists the backend's indexes, aliases and data streams.
func (c *call) names() ([]string, error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), time.Minute)
	defer cancel()
	return listNames(ctx, c.cfg.Backend)
}
