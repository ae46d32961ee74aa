package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/seed56735111/penstock/guard"
)

// maxHeader is several times what engines take for the head of a request.
const maxHeader = 64 << 10

// serve answers on the address until the context ends.
func (o *domainOptions) serve(ctx context.Context, a *app, h http.Handler, logger *slog.Logger) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return usagef("--listen 127.0.0.1:0 picks a free port", "listen on %s: %w", o.listen, networkCause(err))
	}
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
		DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	scheme := "http"
	if o.withTLS {
		scheme = "https"
		cleanUp, err := o.certify(srv, l)
		if err != nil {
			return errors.Join(err, l.Close())
		}
		defer cleanUp()
	}
	o.announce(a, l.Addr())
	return a.serve(ctx, srv, l, fmt.Sprintf("%s://%s", scheme, l.Addr()))
}

// announce tells the person who started it what they need to know.
func (o *domainOptions) announce(a *app, addr net.Addr) {
	for _, w := range o.warnings {
		_, _ = fmt.Fprintf(a.Err, "penstock: %s\n", printable(w))
	}
	if tcp, ok := addr.(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		_, _ = fmt.Fprintf(a.Err, "penstock: %s can be reached from other machines; "+
			"this domain is made for trying things out\n", addr)
	}
	if len(o.environment) == 0 {
		return
	}
	_, _ = fmt.Fprintln(a.Err, "penstock: to sign as a principal that the policy admits, in this shell's words:")
	for _, line := range append(o.environment, "export AWS_REGION="+o.region, "export AWS_DEFAULT_REGION="+o.region) {
		_, _ = fmt.Fprintln(a.Err, "  "+printable(line))
	}
}

// certify gives the server its certificate. HTTP/2 stays off: it has no request line, and the guard judges the one that
// is sent.
func (o *domainOptions) certify(srv *http.Server, l net.Listener) (cleanUp func(), err error) {
	cleanUp = func() {}
	dir := o.tlsDir
	switch {
	case dir != "":
	case o.data != "":
		dir = filepath.Join(o.data, "tls")
	default:
		if dir, err = os.MkdirTemp("", "penstock-tls-*"); err != nil {
			return cleanUp, fmt.Errorf("make a directory for the certificate: %w", err)
		}
		cleanUp = func() { _ = os.RemoveAll(dir) }
	}
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if host, _, err := net.SplitHostPort(l.Addr().String()); err == nil && !net.ParseIP(host).IsUnspecified() {
		hosts = append(hosts, host)
	}
	if host, _, err := net.SplitHostPort(o.listen); err == nil && host != "" && net.ParseIP(host) == nil {
		hosts = append(hosts, host)
	}
	cert, ca, err := guard.Certificate(dir, hosts)
	if err != nil {
		cleanUp()
		return nil, &usageError{Err: err, Hint: "name a directory that can be written with --tls-dir"}
	}
	srv.TLSConfig = &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
	}
	srv.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	o.warnings = append(o.warnings, "clients have to trust "+ca+" (penstock: --ca-file; curl: --cacert)")
	return cleanUp, nil
}
