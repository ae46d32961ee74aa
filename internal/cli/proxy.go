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
		Short: "Sign the requests of clients that cannot, on this machine",
		Long: `proxy takes unsigned requests on this machine, signs them with the credentials of the AWS chain, and sends
them to the domain. Answers stream back. Whoever reaches it acts as these credentials: it listens on loopback or on a
Unix socket only, and refuses requests of web pages and those whose Host header names something else.

Once it answers it prints one line, "listening on ADDRESS", on standard output; the log goes to standard error. SIGTERM
and SIGINT let requests finish.

docs/proxy.md tells what passes and what is refused.`,
		Example: `  penstock proxy --domain https://search-x.eu-west-1.es.amazonaws.com
  penstock proxy --domain https://search-x.eu-west-1.es.amazonaws.com --read-only --listen 127.0.0.1:0
  penstock proxy --domain https://search-x.eu-west-1.es.amazonaws.com --listen unix:/run/user/1000/penstock.sock`,
		GroupID: groupDomain,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.run(cmd, a) },
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.Target(&o.Target)
	f.StringVar(&o.listen, "listen", "127.0.0.1:9200", "loopback address to listen on, port 0 picks a free one; "+
		"or unix:PATH, which only this user can reach")
	f.StringSliceVar(&o.hosts, "allow-host", nil,
		"NAME or NAME:PORT that the Host header may have beside those of loopback")
	f.BoolVar(&o.readOnly, "read-only", false, "let through only calls that are known to read, whatever their method")
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
	if !cmd.Flags().Changed("stall-timeout") {
		o.AWS.Stall = proxyStall
	}
	o.HTTP2, o.MaxBody = true, int64(o.maxBody)
	o.Bodies = &sigv4.Budget{Memory: int64(o.memory), Disk: int64(o.spool)}
	a.notePath(&o.Target)
	if o.URL == "" {
		return usagef("name the endpoint with --domain", "no domain is given")
	}
	transport, err := o.Transport(ctx, nil, o.connections)
	if err != nil {
		return err
	}
	if idle, ok := transport.(interface{ CloseIdleConnections() }); ok {
		defer idle.CloseIdleConnections()
	}
	p, err := proxy.New(proxy.Config{
		Domain: o.URL, Transport: transport, Hosts: o.hosts, ReadOnly: o.readOnly, Idle: o.idle, Logger: logger,
		SignFor: o.SignFor, Role: o.actor(),
	})
	if err != nil {
		return &usageError{Err: err, Hint: "docs/proxy.md has examples"}
	}
	l, address, err := o.open(ctx)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler: p, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
		DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	logger.InfoContext(ctx, "whoever reaches this proxy acts with its credentials", "address", address,
		"domain", o.URL, "read_only", o.readOnly)
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

// open listens where it was said, on this machine only.
func (o *proxyOptions) open(ctx context.Context) (l net.Listener, address string, err error) {
	if path, ok := strings.CutPrefix(o.listen, "unix:"); ok {
		l, err = listenUnix(ctx, path)
		return l, o.listen, err
	}
	host, _, err := net.SplitHostPort(o.listen)
	ip := net.ParseIP(host)
	if err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, "", usagef("write --listen 127.0.0.1:9200, or unix:PATH; "+
			"whoever reaches the proxy acts with its credentials", "listen on %s: not a loopback address", o.listen)
	}
	l, err = new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return nil, "", usagef("--listen 127.0.0.1:0 picks a free one", "listen on %s: %w", o.listen, networkCause(err))
	}
	return l, "http://" + l.Addr().String(), nil
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
