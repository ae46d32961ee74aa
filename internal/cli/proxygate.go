package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/internal/reload"
	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

// gateOptions say who a proxy lets in, and to what.
type gateOptions struct {
	policy, mode, domainARN string
	clients                 string
	cert, key, clientCA     string
	audit                   string
	adminListen             string
}

func (o *gateOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "file with an access policy that every request is judged by before it is "+
		"signed; resources may be paths alone")
	f.StringVar(&o.mode, "mode", string(guard.ModeStrict), "strict judges each index that a request touches, and refuses "+
		"what it does not understand; parity judges the URL alone")
	f.StringVar(&o.domainARN, "domain-arn", "", "ARN of the domain, when the resources in --policy name several, or have "+
		"wildcards there")
	f.StringVar(&o.clients, "clients", "", "file with the clients that are let in: an ARN for each SHA-256 of a token or "+
		"subject of a certificate; others may not read it")
	f.StringVar(&o.cert, "tls-cert", "", "PEM file with the certificate of the proxy, "+
		"and those between it and its authority")
	f.StringVar(&o.key, "tls-key", "", "PEM file with the key of --tls-cert")
	f.StringVar(&o.clientCA, "client-ca", "", "PEM file with the authorities of clients' certificates; without --clients "+
		"every certificate of theirs is let in")
	f.StringVar(&o.adminListen, "admin-listen", "", "address to answer /healthz, /readyz and /metrics on, "+
		"without TLS and client authentication")
	f.StringVar(&o.audit, "audit", "", "file that gets a line of JSON for each request; - is standard error")
}

// check finds settings that do not go together.
func (o *gateOptions) check(cmd *cobra.Command) error {
	if _, err := guard.ParseMode(o.mode); err != nil {
		return &usageError{Err: err, Hint: "--mode takes strict or parity"}
	}
	switch {
	case o.policy == "" && (cmd.Flags().Changed("mode") || o.domainARN != ""):
		return usagef("add --policy FILE", "--mode and --domain-arn say how a policy is read, and there is none")
	case (o.cert == "") != (o.key == ""):
		return usagef("give both --tls-cert and --tls-key", "a certificate and its key belong together")
	case o.clientCA != "" && o.cert == "":
		return usagef("add --tls-cert and --tls-key", "--client-ca: clients show certificates over TLS only")
	}
	return nil
}

// knowsClients reports whether whoever comes in has to say who they are.
func (o *gateOptions) knowsClients() bool { return o.clients != "" || o.clientCA != "" }

// apply opens the files and fills the configuration.
func (o *gateOptions) apply(ctx context.Context, cfg *proxy.Config, budget *sigv4.Budget, maxBody int64) error {
	logger := cfg.Logger
	if o.policy != "" {
		parse := func(doc []byte) (*iam.Policy, error) { return iam.ParsePaths(doc, o.domainARN) }
		file, err := guard.OpenPolicyFile(o.policy, parse, logger)
		if err != nil {
			return &usageError{Err: err, Hint: "docs/proxy.md says what a policy of the proxy may hold"}
		}
		cfg.Policy, cfg.Mode = file.Policy, guard.Mode(o.mode)
		cfg.Bodies = &sigv4.Keeper{Budget: budget, MaxBody: maxBody}
		if cfg.Mode == guard.ModeParity {
			logger.WarnContext(ctx, "the policy judges the URL alone: _bulk, aliases and scripts reach every index, "+
				"whatever it says", "policy", o.policy)
		}
	}
	if o.clients != "" {
		var err error
		if cfg.Clients, err = proxy.OpenClients(o.clients, logger); err != nil {
			hint := "docs/proxy.md says what the file holds"
			if reload.IsMode(err) {
				hint = "chmod 600 " + shellQuoted(o.clients)
			}
			return &usageError{Err: err, Hint: hint}
		}
	}
	return nil
}

// openAudit opens the file of the audit. The caller calls the function that it returns at the end.
func (o *gateOptions) openAudit(a *app, cfg *proxy.Config) (func(), error) {
	switch o.audit {
	case "":
		return func() {}, nil
	case "-":
		cfg.Audit = proxy.NewAudit(a.Err)
		return func() {}, nil
	}
	const private = 0o600
	f, err := os.OpenFile(o.audit, os.O_APPEND|os.O_CREATE|os.O_WRONLY, private)
	if err != nil {
		return nil, usagef("name a file that can be written with --audit", "open audit: %w", err)
	}
	cfg.Audit = proxy.NewAudit(f)
	return func() { _ = f.Close() }, nil // each line was written by itself
}

// tls is how the proxy shows who it is and asks clients who they are; nil is plain HTTP. Names are those of the
// certificate, which clients call the proxy by.
func (o *gateOptions) tls() (cfg *tls.Config, names []string, err error) {
	if o.cert == "" {
		return nil, nil, nil
	}
	cert, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, nil, usagef("give --tls-cert and --tls-key the PEM files of one certificate",
			"read certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil, nil, usagef("give --tls-cert a certificate in PEM", "read certificate: %w", err)
	}
	names = leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	cfg = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if o.clientCA == "" {
		return cfg, names, nil
	}
	pem, err := os.ReadFile(o.clientCA)
	if err != nil {
		return nil, nil, usagef("name a PEM file with --client-ca", "read authorities of clients: %w", err)
	}
	cfg.ClientCAs = x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, nil, usagef("name a PEM file with --client-ca", "%s holds no certificate", o.clientCA)
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	if o.clients != "" {
		cfg.ClientAuth = tls.VerifyClientCertIfGiven // others show a token
	}
	return cfg, names, nil
}
