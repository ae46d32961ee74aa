package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"
)

// collectAt has garbage collected when it has come to so many percent of what lives, unless the user says when.
func collectAt(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// serve answers on l, with TLS when the server has a certificate, says so on standard output, and lets requests finish
// when the context ends.
func (a *app) serve(ctx context.Context, srv *http.Server, l net.Listener, address string) error {
	ended := make(chan error, 1)
	go func() {
		if srv.TLSConfig != nil {
			ended <- srv.ServeTLS(l, "", "")
		} else {
			ended <- srv.Serve(l)
		}
	}()
	leaveStart()
	_, _ = fmt.Fprintf(a.Out, "listening on %s\n", address)
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	return a.drain(srv)
}

// drain lets requests finish, for half a minute or until the second interrupt.
func (a *app) drain(srv *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	go func() {
		select {
		case <-a.interrupted:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := srv.Shutdown(ctx); err != nil {
		_ = srv.Close()
	}
	return nil
}
