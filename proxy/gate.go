package proxy

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/seed56735111/penstock/guard"
)

// judge asks the policy about a request. The body is read for it when there is one; the caller closes what is kept.
func (x *exchange) judge() *refusal {
	if x.gate == nil {
		return nil
	}
	target, err := guard.ParseTarget(x.r.RequestURI)
	if err != nil {
		return &refusal{http.StatusForbidden, causeOpaque, "the policy cannot be asked: " + err.Error()}
	}
	a := &guard.Asker{Method: x.r.Method, Target: target, Header: x.r.Header, Caller: x.who}
	if from, err := netip.ParseAddrPort(x.r.RemoteAddr); err == nil {
		a.IP = from.Addr()
	}
	if x.r.ContentLength != 0 {
		// First without the body: who may not is not read from.
		if x.asked, err = x.gate.Judge(x.r.Context(), a); err != nil {
			return x.denied(err)
		}
	}
	if x.gate.Mode == guard.ModeStrict {
		if x.kept, err = x.cfg.Bodies.Keep(x.r); err != nil {
			return failure(err)
		}
		a.Body = x.kept.Open
	}
	if x.asked, err = x.gate.Judge(x.r.Context(), a); err != nil {
		return x.denied(err)
	}
	return nil
}

// denied says to the client what it may know: not which indexes a wildcard of its request means.
func (x *exchange) denied(err error) *refusal {
	denied, opaque := (*guard.DeniedError)(nil), (*guard.OpaqueError)(nil)
	switch {
	case errors.As(err, &denied):
		x.detail = err.Error()
		x.log.LogAttrs(x.r.Context(), slog.LevelWarn, "policy refuses a request", slog.String("who", x.who.String()),
			slog.String("reason", x.detail))
		return &refusal{
			http.StatusForbidden, causePolicy,
			"User: " + x.who.String() + " is not authorized to perform: " + denied.Action + " by the policy of this proxy",
		}
	case errors.As(err, &opaque):
		return &refusal{http.StatusForbidden, causeOpaque, err.Error()}
	}
	return &refusal{http.StatusServiceUnavailable, causeNoPolicy, "the policy of this proxy cannot be read"}
}
