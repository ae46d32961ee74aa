package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/engine"
	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/fault"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/internal/settings"
)

// domainOptions describe a local domain.
type domainOptions struct {
	listen, data, engineURL        string
	access, accessPolicies         string
	identities                     string
	compat, account, region, name  string
	mode                           string
	proxies                        []string
	withTLS                        bool
	tlsDir, faults, adminToken     string
	maxBody                        settings.ByteSize
	maxSkew                        time.Duration
	vpc, vpcEndpoint, organization string
	stripPresigned                 bool
	resourceTags, advanced         map[string]string
	warnings                       []string // for standard error, once it runs
	environment                    []string // variables to sign with, by principal
	isAttached                     bool
	attached                       *attachment             // what a program that started it wants
	setPolicy                      func(text []byte) error // nil when the policy is in a file
}

func newDomainCommand(a *app) *cobra.Command {
	var o domainOptions
	cmd := &cobra.Command{
		Use:   "domain",
		Short: "Run a local domain that judges signatures and policies as AWS does",
		Long: `domain is an Amazon OpenSearch Service domain for this machine, as far as its gate goes: it verifies
Signature Version 4, evaluates the access policy and the identities' policies, and answers with the service's own
statuses and sentences. Behind the gate is an embedded engine, or with --engine a node of yours.

--access is one of: open; deny; ip=CIDR,…; iam=ARN,…. Without --identities the principals that iam=… names are
created, and the variables to sign as them are printed. The same port answers as STS does (AssumeRole and the like).

Once it answers it prints one line, "listening on URL", on standard output; everything else goes to standard error.
With --engine it waits for the node first, for a minute at most. SIGTERM and SIGINT let requests finish.

docs/domain.md tells what is judged, how faults are injected, and how a program starts a domain for its tests.`,
		Example: `  penstock domain
  penstock domain --access iam=arn:aws:iam::123456789012:user/grace --compat 2015-10 --name sandbox01
  penstock domain --access-policies policy.json --identities identities.json --engine http://127.0.0.1:9201
  penstock domain --access open --fault '429@10%,latency=50ms' --data ./domain-data
  penstock domain identity create user grace --identities identities.json`,
		GroupID: groupDomain,
		Args:    rejectUnknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), a) },
	}
	f := cmd.Flags()
	f.StringVar(&o.listen, "listen", "127.0.0.1:9200", "address to listen on; port 0 picks a free one")
	f.StringVar(&o.data, "data", "", "directory that keeps the embedded engine's indexes; in memory when not given")
	f.StringVar(&o.engineURL, "engine", "", "URL of a real Elasticsearch or OpenSearch node to put behind the gate")
	f.StringVar(&o.access, "access", "", "who may do what: open, deny, ip=CIDR,… or iam=ARN,…")
	f.StringVar(&o.accessPolicies, "access-policies", "", "file with the access policy; "+
		"changes come into force within a second")
	f.StringVar(&o.identities, "identities", "", "file with users, roles and sessions; "+
		"changes come into force within a second")
	f.StringVar(&o.compat, "compat", "current", "the time whose answers to give: "+strings.Join(guard.CompatNames(), ", "))
	f.StringVar(&o.account, "account", "123456789012", "account of the domain, twelve digits")
	f.StringVar(&o.region, "region", "", "region of the domain; AWS_REGION, or "+fallbackRegion+" for lack of any")
	f.StringVar(&o.name, "name", "penstock", "name of the domain")
	f.StringVar(&o.mode, "mode", "parity", "parity judges the URL alone, as AWS does; "+
		"strict also what bodies and index expressions name")
	f.StringSliceVar(&o.proxies, "trusted-proxy", nil, "CIDR blocks of proxies whose X-Forwarded-For is believed")
	f.BoolVar(&o.withTLS, "tls", false, "serve HTTPS with a generated certificate")
	f.StringVar(&o.tlsDir, "tls-dir", "", "directory of the certificate; tls below --data, or a temporary one")
	f.StringVar(&o.faults, "fault", "", "faults to inject, such as 429@10%,latency=200ms,bulk-item=400@1%; "+
		"docs/domain.md lists them")
	f.StringVar(&o.adminToken, "admin-token", "", "token that opens "+guard.AdminPath+" to this machine, "+
		"for faults, policy and identities")
	_ = o.maxBody.Set("100MiB") // a literal that is valid
	f.Var(&o.maxBody, "max-body", "largest request body: 10MiB on small instances of the service, 100MiB on others")
	f.DurationVar(&o.maxSkew, "max-skew", 5*time.Minute, "how far the time of a signature may be off")
	f.StringVar(&o.vpc, "vpc", "", "id of a VPC to be in: requests then have aws:SourceVpc and no aws:SourceIp")
	f.StringVar(&o.vpcEndpoint, "vpc-endpoint", "", "id of the VPC endpoint, for aws:SourceVpce")
	f.StringVar(&o.organization, "organization", "",
		"id of the organization of the local accounts, for aws:PrincipalOrgID")
	f.StringToStringVar(&o.resourceTags, "tag", nil, "NAME=VALUE: a tag of the domain, for aws:ResourceTag")
	f.StringToStringVar(&o.advanced, "advanced-options", nil,
		"NAME=VALUE of the domain, as AWS calls them: "+explicitIndexOption+" (true or false)")
	f.BoolVar(&o.stripPresigned, "strip-presigned", false, "take the X-Amz-… parameters of presigned URLs off before "+
		"the engine sees them; AWS does not")
	f.BoolVar(&o.isAttached, "attached", false, "read identities, access policy and admin token from a line on standard "+
		"input, and end when that ends: for programs that start a domain")
	cmd.AddCommand(newIdentityCommand(a))
	return cmd
}

// run serves until the context ends, then lets requests finish.
func (o *domainOptions) run(ctx context.Context, a *app) error {
	logger, err := a.logger()
	if err != nil {
		return err
	}
	o.region = localRegion(o.region)
	if err := o.check(); err != nil {
		return err
	}
	if o.isAttached {
		if ctx, err = o.attach(ctx, a); err != nil {
			return err
		}
	}
	identities, err := o.openIdentities(logger)
	if err != nil {
		return err
	}
	policy, err := o.policy(identities, logger)
	if err != nil {
		return err
	}
	compat, err := guard.ParseCompat(o.compat)
	if err != nil {
		return &usageError{Err: err, Hint: "--compat takes one of " + strings.Join(guard.CompatNames(), ", ")}
	}
	backend, closeBackend, err := o.backend(compat, logger)
	if err != nil {
		return err
	}
	if o.engineURL != "" {
		if err := awaitEngine(ctx, a, o.engineURL); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return closeBackend()
	}
	handler, err := o.handler(compat, backend, identities, policy, logger)
	if err != nil {
		return errors.Join(err, closeBackend())
	}
	err = o.serve(ctx, a, handler, logger)
	return errors.Join(err, closeBackend())
}

// explicitIndexOption is the advanced option that the embedded engine knows.
const explicitIndexOption = "rest.action.multi.allow_explicit_index"

// explicitIndex reports whether _bulk and _mget may name indexes in their bodies.
func (o *domainOptions) explicitIndex() (bool, error) {
	for name, value := range o.advanced {
		switch {
		case o.engineURL != "":
			return false, usagef("set it in the configuration of the node",
				"--advanced-options are those of the embedded engine")
		case name != explicitIndexOption:
			return false, usagef("the engine has "+explicitIndexOption, "no advanced option is called %q here", name)
		case value != "true" && value != "false":
			return false, usagef("write --advanced-options "+name+"=false", "%s is true or false, not %q", name, value)
		}
	}
	return o.advanced[explicitIndexOption] != "false", nil
}

// check looks at the flags that need no file.
func (o *domainOptions) check() error {
	if err := guard.CheckDomain(o.region, o.account, o.name); err != nil {
		return &usageError{Err: err, Hint: "the domain's ARN is arn:aws:es:REGION:ACCOUNT:domain/NAME"}
	}
	switch {
	case o.maxSkew <= 0:
		return usagef("leave --max-skew out for five minutes", "signatures may be off by %s", o.maxSkew)
	case o.tlsDir != "" && !o.withTLS:
		return usagef("add --tls", "--tls-dir is for HTTPS, which is not asked for")
	}
	return nil
}

// openIdentities reads the file of identities, or starts with none.
func (o *domainOptions) openIdentities(logger *slog.Logger) (*identity.Store, error) {
	if o.attached != nil {
		return o.attachedIdentities()
	}
	if o.identities == "" {
		return identity.New(), nil
	}
	ids, err := identity.Load(o.identities, logger)
	if errors.Is(err, os.ErrNotExist) {
		return nil, missingIdentities(o.identities, err)
	}
	if err != nil {
		return nil, &usageError{Err: err, Hint: "docs/domain.md shows what such a file looks like"}
	}
	return ids, nil
}

// policy returns what is asked for the access policy. The principals of an iam preset are created when there is no file
// that names them.
func (o *domainOptions) policy(ids *identity.Store, logger *slog.Logger) (func() (*iam.Policy, error), error) {
	if o.access != "" && o.accessPolicies != "" {
		return nil, usagef("give --access or --access-policies", "two access policies")
	}
	if o.attached != nil {
		policy := o.hold(nil)
		if err := o.setPolicy(o.attached.AccessPolicy); err != nil {
			return nil, serviceSays(&usageError{Err: err, Hint: "penstock policy lint FILE says more about a policy"})
		}
		return policy, nil
	}
	if o.accessPolicies != "" {
		file, err := guard.OpenPolicyFile(o.accessPolicies, o.parsePolicy, logger)
		if err != nil {
			return nil, serviceSays(&usageError{Err: err, Hint: "name a file with a policy document, " +
				"such as penstock policy generate writes"})
		}
		if p, err := file.Policy(); err == nil {
			o.warnOfOpen(p)
		}
		return file.Policy, nil
	}
	access := o.access
	if access == "" {
		if o.identities != "" {
			o.warnings = append(o.warnings, "no access policy: whom the policies of the identities allow, and nobody else")
			return o.hold(nil), nil
		}
		access = "iam=arn:aws:iam::" + o.account + ":user/demo"
	}
	document, principals, err := guard.Access(access, guard.DomainARN(o.region, o.account, o.name))
	if err != nil {
		return nil, &usageError{Err: err, Hint: "--access iam=arn:aws:iam::123456789012:user/NAME admits one user"}
	}
	policy, err := o.parsePolicy(document)
	if err != nil {
		return nil, serviceSays(&usageError{Err: err, Hint: "penstock policy lint FILE says more about a policy"})
	}
	if o.identities == "" {
		for _, p := range principals {
			key, err := ids.CreatePrincipal(p)
			if err != nil {
				return nil, &usageError{Err: err, Hint: "name users, roles, role sessions or accounts"}
			}
			o.environment = append(o.environment, signingVariables(key)...)
		}
	}
	return o.hold(policy), nil
}

// hold keeps a policy where the admin endpoint can replace it.
func (o *domainOptions) hold(p *iam.Policy) func() (*iam.Policy, error) {
	held := guard.NewPolicyInMemory(p, o.parsePolicy)
	o.setPolicy = held.Set
	return held.Policy
}

// parsePolicy reads an access policy as the service does when somebody saves it for this domain.
func (o *domainOptions) parsePolicy(document []byte) (*iam.Policy, error) {
	policy, err := guard.ParseAccessPolicy(document)
	if err != nil {
		return nil, err
	}
	// An open domain is what people start with here, whatever the service says to one on the internet.
	d := o.asPolicies()
	d.AllowOpen = true
	return policy, policy.CheckFor(d)
}

// warnOfOpen says what the service has answered to an open policy since about 2020.
func (o *domainOptions) warnOfOpen(p *iam.Policy) {
	if e, ok := errors.AsType[*iam.Error](p.CheckFor(o.asPolicies())); ok {
		o.warnings = append(o.warnings, o.accessPolicies+" lets everyone in; the service answers: "+e.Service)
	}
}

// asPolicies is the domain as far as policies are concerned.
func (o *domainOptions) asPolicies() iam.Domain {
	return iam.Domain{Region: o.region, Account: o.account, Name: o.name, VPC: o.inVPC()}
}

func (o *domainOptions) inVPC() bool { return o.vpc != "" || o.vpcEndpoint != "" }

// signingVariables are lines for a shell.
func signingVariables(key identity.Credentials) []string {
	lines := []string{
		"# " + key.ARN,
		"export AWS_ACCESS_KEY_ID=" + key.AccessKeyID,
		"export AWS_SECRET_ACCESS_KEY=" + string(key.Secret),
	}
	if key.Token != "" {
		return append(lines, "export AWS_SESSION_TOKEN="+string(key.Token))
	}
	return append(lines, "unset AWS_SESSION_TOKEN")
}

// backend is the embedded engine or a real one, and what ends it.
func (o *domainOptions) backend(compat guard.Compat, logger *slog.Logger) (http.Handler, func() error, error) {
	explicit, err := o.explicitIndex()
	if err != nil {
		return nil, nil, err
	}
	if o.engineURL != "" {
		if o.data != "" {
			return nil, nil, usagef("a real engine keeps its own data", "--data and --engine exclude each other")
		}
		h, err := guard.NewForward(o.engineURL, logger)
		if err != nil {
			return nil, nil, &usageError{Err: err, Hint: "write it as --engine http://127.0.0.1:9201"}
		}
		return h, func() error { return nil }, nil
	}
	if o.data == "" {
		collectAt(documentsInMemory)
	}
	e, err := engine.Open(engine.Config{
		Dir: o.data, Profile: compat.Engine, ClusterName: o.account + ":" + o.name, MaxContentLength: int64(o.maxBody),
		NoExplicitIndex: !explicit, Logger: logger,
	})
	if err != nil {
		return nil, nil, &usageError{Err: err, Hint: "--data takes a directory that can be written to: " +
			"a new or empty one, or that of an earlier domain that does not run any more"}
	}
	if o.data == "" {
		return newResting(e, giveMemory), e.Close, nil
	}
	return e, e.Close, nil
}

// resting gives memory back to the system when nothing has been written for a while: what indexing takes beside the
// documents is half of it, and no collection comes while nothing is indexed.
type resting struct {
	http.Handler
	rest *time.Timer
}

// rests is after which time without a write memory is given back.
const rests = time.Second

func newResting(h http.Handler, give func()) *resting {
	return &resting{h, time.AfterFunc(rests, give)}
}

// giveMemory collects garbage and gives what is free back to the system.
func giveMemory() {
	runtime.GC() // pools let go of what they keep at the second collection
	debug.FreeOSMemory()
}

// ServeHTTP is part of http.Handler.
func (h *resting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.rest.Stop()
		defer h.rest.Reset(rests)
	}
	h.Handler.ServeHTTP(w, r)
}

// documentsInMemory is when garbage is collected beside them. Documents are most of the memory, in blocks without
// pointers: they are in the way, and cost a collection nothing.
const documentsInMemory = 40

// engineTimeout is how long a real engine may take to start.
const engineTimeout = time.Minute

// awaitEngine waits until a real engine answers, in whatever way: "listening" would be said too early before.
func awaitEngine(ctx context.Context, a *app, engineURL string) error {
	limited, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	client := &http.Client{
		Timeout:       5 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var said bool
	for {
		req, err := http.NewRequestWithContext(limited, http.MethodGet, engineURL, nil)
		if err != nil {
			return &usageError{Err: err, Hint: "write it as --engine http://127.0.0.1:9201"}
		}
		resp, err := client.Do(req)
		if err == nil {
			return resp.Body.Close()
		}
		cause := networkCause(err)
		if !said && limited.Err() == nil {
			a.note("the engine at %s does not answer yet: %v; waiting for it", req.URL.Redacted(), cause)
			said = true
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-limited.Done():
			if ctx.Err() != nil {
				return nil
			}
			return &domain.Error{
				Endpoint: req.URL.Redacted(), Kind: domain.Unreachable,
				Err: fmt.Errorf("no answer for %s: %w", engineTimeout, cause),
			}
		}
	}
}

// handler is the guard, with STS beside it.
func (o *domainOptions) handler(compat guard.Compat, backend http.Handler, ids *identity.Store,
	policy func() (*iam.Policy, error), logger *slog.Logger,
) (http.Handler, error) {
	proxies, err := prefixes(o.proxies)
	if err != nil {
		return nil, err
	}
	faults, err := fault.Parse(o.faults)
	if err != nil {
		return nil, &usageError{Err: err, Hint: "docs/domain.md lists the faults; one looks like 429@10%"}
	}
	mode, err := guard.ParseMode(o.mode)
	if err != nil {
		return nil, &usageError{Err: err, Hint: "--mode takes parity or strict"}
	}
	cfg := guard.Config{
		Backend: backend, Account: o.account, Region: o.region, Name: o.name, Policy: policy, Identities: ids,
		Profile: compat.Messages, Mode: mode, TrustedProxies: proxies, MaxBody: int64(o.maxBody), MaxSkew: o.maxSkew,
		OrgID: o.organization, ResourceTags: o.resourceTags, StripPresigned: o.stripPresigned,
		Faults: faults, AdminToken: identity.Secret(o.adminToken), SetPolicy: o.setPolicy, Logger: logger,
	}
	if o.inVPC() {
		cfg.VPC = &guard.VPC{ID: o.vpc, Endpoint: o.vpcEndpoint}
	}
	g, err := guard.New(cfg)
	if err != nil {
		return nil, &usageError{Err: err, Hint: `"penstock domain --help" says what each flag takes`}
	}
	sts := identity.NewSTS(ids, o.maxSkew, logger)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if identity.IsSTS(r) {
			sts.ServeHTTP(w, r)
			return
		}
		g.ServeHTTP(w, r)
	}), nil
}

// prefixes reads CIDR blocks; an address alone stands for itself.
func prefixes(texts []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(texts))
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			addr, aerr := netip.ParseAddr(text)
			if aerr != nil {
				return nil, usagef("write it as 10.0.0.0/8", "trusted proxy %q is no CIDR block", text)
			}
			p = netip.PrefixFrom(addr, addr.BitLen())
		}
		out = append(out, p.Masked())
	}
	return out, nil
}
