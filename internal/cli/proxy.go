package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

// proxyOptions describe a signing proxy.
type proxyOptions struct {
	pipeline.Target
	gateOptions

	like        string
	listen      string
	hosts       []string
	readOnly    bool
	idle        time.Duration
	maxBody     settings.ByteSize
	memory      settings.ByteSize
	spool       settings.ByteSize
	connections int
}

func newProxyCommand(a *app) *cobra.Command {
	var o proxyOptions
	cmd := &cobra.Command{
		Use:   "proxy --domain URL",
		Short: "Sign the requests of clients that cannot",
		Long: `proxy takes unsigned requests on this machine, signs them with the credentials of the AWS chain, and sends
them to the domain. Answers stream back. Whoever gets in acts as these credentials: without --clients or --client-ca
it listens on loopback or on a Unix socket only. It refuses requests of web pages and those whose Host header names
something else. --policy FILE and --read-only say what those who get in may do.

Once it answers it prints one line, "listening on ADDRESS", on standard output; the log goes to standard error. SIGTERM
and SIGINT let requests finish.

--like takes the flags of another proxy: docs/from-aws-es-proxy.md and docs/from-aws-sigv4-proxy.md have them.
docs/proxy.md tells what passes and what is refused, docs/dashboards.md what a browser sees.`,
		Example: `  penstock proxy --domain https://search-x.eu-west-1.es.amazonaws.com
  penstock proxy --domain https://search-x.eu-west-1.es.amazonaws.com --read-only --listen 127.0.0.1:0
  penstock proxy --domain https://search-x.eu-west-1.es.amazonaws.com --listen unix:/run/user/1000/penstock.sock
  penstock proxy --domain https://search-x.eu-west-1.es.amazonaws.com --listen 0.0.0.0:9200 \
      --tls-cert proxy.pem --tls-key proxy-key.pem --clients clients.json --policy policy.json --audit audit.jsonl`,
		GroupID: groupDomain,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd, a) },
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.Target(&o.Target)
	f.StringVar(&o.listen, "listen", "127.0.0.1:9200", "address to listen on, port 0 picks a free one; another than "+
		"loopback wants TLS and known clients; or unix:PATH, which only this user can reach")
	f.StringVar(&o.like, "like", "", "take the flags and variables of another proxy: aws-es-proxy or aws-sigv4-proxy")
	f.StringSliceVar(&o.hosts, "allow-host", nil,
		"NAME or NAME:PORT that the Host header may have beside those of loopback")
	f.BoolVar(&o.readOnly, "read-only", false, "let through only calls that are known to read, whatever their method")
	o.flags(cmd)
	f.DurationVar(&o.idle, "idle-timeout", time.Minute,
		"longest time in which a client sends nothing of its request, or takes nothing of its answer")
	for _, size := range []struct {
		to             *settings.ByteSize
		name, def, use string
	}{
		{&o.maxBody, "max-body", "100MiB", "largest request body; domains take 10 MiB or 100 MiB"},
		{&o.memory, "body-memory", "32MiB", "memory for the bodies of all requests under way"},
		{&o.spool, "body-disk", "1GiB", "room in temporary files for bodies that find no memory; 429 beyond"},
	} {
		_ = size.to.Set(size.def) // a literal that is valid
		f.Var(size.to, size.name, size.use)
	}
	f.IntVar(&o.connections, "idle-connections", 128, "connections to the domain that are kept when idle")
	return cmd
}

// proxyGarbage is when the garbage of a proxy is collected.
const proxyGarbage = 200

// proxyStall is how long the domain may be silent: it answers some calls after minutes, and cuts them off at five.
const proxyStall = 6 * time.Minute

func (o *proxyOptions) run(cmd *cobra.Command, a *app) error {
	ctx := cmd.Context()
	logger, err := a.logger()
	if err != nil {
		return err
	}
	if o.idle <= 0 || o.connections <= 0 {
		return usagef("leave --idle-timeout and --idle-connections out for the defaults",
			"a proxy with an idle time of %s and %d connections", o.idle, o.connections)
	}
	if err := o.check(cmd); err != nil {
		return err
	}
	if !cmd.Flags().Changed("stall-timeout") {
		o.AWS.Stall = proxyStall
	}
	o.HTTP2, o.MaxBody = true, int64(o.maxBody)
	o.Bodies = &sigv4.Budget{Memory: int64(o.memory), Disk: int64(o.spool), AtOnce: int64(o.memory) / 3}
	a.notePath(&o.Target)
	if o.URL == "" {
		return usagef("name the endpoint with --domain", "no domain is given")
	}
	o.Insecure = a.like.insecure
	for _, difference := range a.like.differences {
		logger.InfoContext(ctx, "not as with the other proxy", "like", o.like, "difference", difference)
	}
	transport, err := o.Transport(ctx, nil, o.connections)
	if err != nil {
		return err
	}
	if idle, ok := transport.(interface{ CloseIdleConnections() }); ok {
		defer idle.CloseIdleConnections()
	}
	// What lives of a proxy is small, and each request leaves some kilobytes: collections were a tenth of its work.
	collectAt(proxyGarbage)
	cfg := proxy.Config{
		Domain: o.URL, Transport: transport, Hosts: o.hosts, ReadOnly: o.readOnly, Idle: o.idle, Logger: logger,
		SignFor: o.SignFor, Role: o.actor(),
	}
	if err := o.apply(ctx, &cfg, o.Bodies, o.MaxBody); err != nil {
		return err
	}
	tlsConfig, names, err := o.tls()
	if err != nil {
		return err
	}
	cfg.Hosts = append(cfg.Hosts, names...)
	closeAudit, err := o.openAudit(a, &cfg)
	if err != nil {
		return err
	}
	defer closeAudit()
	admin := &proxyAdmin{log: logger}
	if o.adminListen != "" {
		if signer, ok := pipeline.SignerOf(transport); ok {
			admin.credentials = signer.Credentials
		}
		metrics := newProxyMetrics(o.Bodies, admin.credentials)
		cfg.Observer, admin.metrics = metrics, metrics.handler()
	}
	p, err := proxy.New(cfg)
	if err != nil {
		return &usageError{Err: err, Hint: "docs/proxy.md has examples"}
	}
	l, address, err := o.open(ctx)
	if err != nil {
		return err
	}
	if o.adminListen != "" {
		admin.ready = p.Ready
		end, err := o.watch(ctx, admin)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		defer end()
	}
	srv := &http.Server{
		Handler: p, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
		DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		TLSConfig: tlsConfig,
	}
	who := "whoever reaches it"
	if o.knowsClients() {
		who = "its clients"
	}
	logger.InfoContext(ctx, "this proxy lets others act with its credentials", "who", who, "address", address,
		"domain", o.URL, "read_only", o.readOnly, "policy", o.policy)
	return a.serve(ctx, srv, l, address)
}

// actor says in words whom the proxy signs as; empty when it does not sign.
func (o *proxyOptions) actor() string {
	switch {
	case o.NoSign:
		return ""
	case o.AWS.RoleARN != "":
		return o.AWS.RoleARN
	case o.AWS.Profile != "":
		return "the profile " + o.AWS.Profile + " of the proxy"
	}
	return "the AWS credentials of the proxy"
}

// open listens where it was said: on this machine, or where clients have to say who they are and nobody listens in.
func (o *proxyOptions) open(ctx context.Context) (l net.Listener, address string, err error) {
	if path, ok := strings.CutPrefix(o.listen, "unix:"); ok {
		if o.cert != "" {
			return nil, "", usagef("leave out --tls-cert and --tls-key", "a Unix socket needs no TLS")
		}
		l, err = listenUnix(ctx, path)
		return l, o.listen, err
	}
	host, _, err := net.SplitHostPort(o.listen)
	ip := net.ParseIP(host)
	isLoopback := err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
	switch {
	case isLoopback:
	case o.cert == "" || !o.knowsClients():
		return nil, "", usagef("write --listen 127.0.0.1:9200, or unix:PATH; "+
			"for other machines add --tls-cert and --tls-key, and --clients or --client-ca",
			"listen on %s: not a loopback address, and not everybody may act with these credentials", o.listen)
	}
	l, err = new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return nil, "", usagef("--listen 127.0.0.1:0 picks a free one", "listen on %s: %w", o.listen, networkCause(err))
	}
	scheme := "http"
	if o.cert != "" {
		scheme = "https"
	}
	return l, scheme + "://" + l.Addr().String(), nil
}

// listenUnix makes a socket that only this user can reach. It is made in a directory of its own and moved to its place
// when its mode is right. A socket that nobody answers on is replaced.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	fail := func(err error) (net.Listener, error) {
		return nil, usagef("name a place that can be written, and that no other program has", "listen on unix:%s: %w",
			path, networkCause(err))
	}
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fail(err)
	case info.Mode()&fs.ModeSocket == 0:
		return fail(errors.New("there is a file that is no socket"))
	default:
		if c, err := new(net.Dialer).DialContext(ctx, "unix", path); err == nil {
			_ = c.Close()
			return fail(errors.New("another program answers there"))
		}
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".penstock-*")
	if err != nil {
		return fail(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	made := filepath.Join(dir, "s")
	l, err := new(net.ListenConfig).Listen(ctx, "unix", made)
	if err != nil {
		return fail(err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	if err := errors.Join(os.Chmod(made, 0o600), os.Rename(made, path)); err != nil {
		return fail(errors.Join(err, l.Close()))
	}
	return &unixListener{Listener: l, path: path}, nil
}

// unixListener takes its socket away when it is closed.
type unixListener struct {
	net.Listener
	path string
}

// Close ends the listening.
func (l *unixListener) Close() error {
	err := l.Listener.Close()
	if rerr := os.Remove(l.path); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("remove socket: %w", rerr))
	}
	return err
}
