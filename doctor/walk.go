package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/sigv4"
)

// Config says which way to walk. URL must be set.
type Config struct {
	// URL is the endpoint of the domain.
	URL string
	// SignFor is the host to sign for, when the endpoint is a tunnel to it.
	SignFor string
	// Region and Service say what to sign for. Empty ones are inferred from the host.
	Region, Service string
	// Collection is the serverless collection, where one endpoint serves several.
	Collection string
	// NoSign walks as an anonymous caller.
	NoSign bool
	// Credentials sign the requests to the domain and to AWS. Nil is a chain that gives nothing.
	Credentials sigv4.Provider
	// Provider says which link of the chain gave the credentials; nil when nobody knows.
	Provider func(ctx context.Context) string
	// DomainARN names the domain, where neither its endpoint nor its answers do.
	DomainARN string
	// Index is a name of an index, or a pattern with asterisks. InPath says that it is a part of the path of requests.
	Index  string
	InPath bool
	// Write stores one document in an index of its own, and removes both.
	Write bool
	// Queue is the URL of an SQS queue, Function the name of a Lambda function.
	Queue, Function string
	// Bucket and DeadLetters look at these ways, and say what they saw; nil leaves a way out. DeadLetters may write only
	// when it is told to.
	Bucket      func(ctx context.Context) (seen string, err error)
	DeadLetters func(ctx context.Context, write bool) (seen string, err error)
	// Explain names the causes of their errors; nil is [Explain].
	Explain func(error) (Diagnosis, bool)

	// Roots are the certificate authorities to trust; nil is the system's.
	Roots *x509.CertPool
	// Resolve and Dial reach the network; nil is the net package.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	Dial    domain.DialFunc
	// Endpoint is where a service of AWS answers, by its SDK's name in upper case, such as STS or CLOUDWATCH_LOGS. Empty
	// is AWS itself. Nil never says another one.
	Endpoint func(service string) string
	// Metadata is the address of the instance's metadata service; empty does not ask it.
	Metadata string
	// Now is the clock of this machine; nil is time.Now.
	Now func() time.Time
	// UserAgent is sent with every request.
	UserAgent string
}

// Status is the outcome of a check.
type Status string

// The outcomes. A check that may not look, or that stands behind a failed one, is skipped.
const (
	OK      Status = "ok"
	Warning Status = "warning"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Check is one step of the way.
type Check struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Cause  Cause  `json:"cause"`
	// Seen is what was seen, Means what it means, Fix what mends it.
	Seen  string `json:"seen"`
	Means string `json:"means"`
	Fix   string `json:"fix"`

	candidates []Cause
}

// Report is what a walk has found.
type Report struct {
	// OK says that no check failed. Warnings and skipped checks leave it true.
	OK bool `json:"ok"`
	// Cause is that of the first check that failed, or of the first warning when none did.
	Cause Cause `json:"cause"`
	// Candidates are at most three, when the cause is an open one.
	Candidates []Cause `json:"candidates"`
	Checks     []Check `json:"checks"`
}

// Exit is the exit code that the table has for the cause; 0 when nothing failed.
func (r *Report) Exit() int {
	if r.OK {
		return 0
	}
	return r.Cause.Info().Exit
}

// accountID is an account id in an ARN or in a name of a cluster.
var accountID = regexp.MustCompile(`\b\d{12}\b`)

// MaskAccounts hides the ids of accounts in all texts.
func (r *Report) MaskAccounts() {
	mask := func(s *string) { *s = accountID.ReplaceAllString(*s, "************") }
	for i := range r.Checks {
		c := &r.Checks[i]
		mask(&c.Seen)
		mask(&c.Means)
		mask(&c.Fix)
	}
}

// Walk goes the way of a request to the domain, and the ways that the configuration names beside it. It makes only
// requests that read, unless Write is set. The end of ctx ends it early; what was written is removed all the same.
func Walk(ctx context.Context, cfg Config) *Report {
	w := newWalk(cfg)
	w.toDomain(ctx)
	w.beside(ctx)
	return w.report()
}

// walk is one walk and what it has learnt on its way.
type walk struct {
	cfg    Config
	url    *url.URL
	host   string // that is signed for, without a port
	region string
	// service is es or aoss.
	service string
	base    http.RoundTripper // unsigned
	signed  http.RoundTripper
	aws     aws

	checks       []Check
	known        map[string]*answer // of what was read inside the domain, by target
	caller       string             // ARN, empty when not known
	domain       iam.Domain
	local        netip.Addr // our end of a connection to the domain, where the domain sees it as it is
	functionTime time.Duration
	date         string // of the domain's answer
	guessed      bool   // the account of the domain is taken to be the caller's
}

func newWalk(cfg Config) *walk {
	if cfg.Explain == nil {
		cfg.Explain = Explain
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Resolve == nil {
		cfg.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	w := &walk{cfg: cfg, known: map[string]*answer{}}
	if d, err := iam.ParseDomain(cfg.DomainARN); err == nil {
		w.domain = d
	}
	return w
}

const (
	dialTimeout    = 5 * time.Second
	requestTimeout = 15 * time.Second
)

// step is one check on a way.
type step struct {
	name string
	look func(ctx context.Context) Check
}

// along walks one way: after a failure the rest of it is skipped.
func (w *walk) along(ctx context.Context, steps []step) {
	broken := ""
	for _, s := range steps {
		c := Check{
			Status: Skipped, Cause: Earlier, Seen: "not looked at, as " + broken + " failed", Means: "mend that first",
		}
		if broken == "" {
			c = w.look(ctx, s)
		}
		c.Name = s.name
		w.checks = append(w.checks, c)
		if c.Status == Failed {
			broken = s.name
		}
	}
}

func (w *walk) look(ctx context.Context, s step) Check {
	if ctx.Err() != nil {
		return Check{Status: Skipped, Seen: "interrupted"}
	}
	limited, cancel := context.WithTimeout(ctx, 4*requestTimeout)
	defer cancel()
	return s.look(limited)
}

// report puts the checks together.
func (w *walk) report() *Report {
	r := &Report{OK: true, Candidates: []Cause{}, Checks: w.checks}
	for i := range r.Checks {
		r.Checks[i].Seen = short(r.Checks[i].Seen)
	}
	at := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Status == Failed })
	if at >= 0 {
		r.OK = false
	} else {
		at = slices.IndexFunc(r.Checks, func(c Check) bool { return c.Status == Warning })
	}
	if at >= 0 {
		r.Cause = r.Checks[at].Cause
		r.Candidates = append(r.Candidates, r.Checks[at].candidates...)
	}
	return r
}

// okay is a check that found nothing wrong.
func okay(seen string) Check { return Check{Status: OK, Seen: seen} }

// failed is a check that found a cause, with the table's words. What was seen is followed by the diagnosis's detail.
func failed(d Diagnosis, seen string) Check {
	info := d.Cause.Info()
	if d.Detail != "" && d.Detail != seen {
		seen = strings.TrimSuffix(seen, ".") + "; " + d.Detail
	}
	return Check{
		Status: Failed, Cause: d.Cause, Seen: seen, Means: info.Means, Fix: cmp.Or(d.Fix, info.Fix),
		candidates: d.Candidates[:min(len(d.Candidates), maxCandidates)],
	}
}

const maxCandidates = 3

// warned is a check that found what will soon be a cause.
func warned(c Cause, seen string) Check {
	w := failed(is(c), seen)
	w.Status = Warning
	return w
}

// mayNot is a check that is not allowed to look.
func mayNot(call string, refusal string, fix string) Check {
	return Check{
		Status: Skipped, Seen: call + ": " + short(refusal), Fix: fix,
		Means: "this could not be looked at, which says nothing about it",
	}
}
