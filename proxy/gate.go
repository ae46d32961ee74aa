package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"

	"github.com/seed56735111/penstock/guard"
)

// judge finds out whether a request may do what it does: read alone, and what the policy allows.
func (x *exchange) judge() *refusal {
	if x.gate == nil && !x.cfg.ReadOnly {
		return nil
	}
	target, err := guard.ParseTarget(x.r.RequestURI)
	if err != nil {
		return x.opaque(err)
	}
	if base, ok := dashboardsBase(target.Path); ok {
		return x.judgeDashboards(base, target)
	}
	if refused := x.onlyReads(x.r.Method, target); refused != nil {
		return refused
	}
	return x.ask(target)
}

// opaque refuses what is not understood, and may therefore do anything.
func (x *exchange) opaque(err error) *refusal {
	if x.cfg.ReadOnly {
		return &refusal{http.StatusForbidden, causeReadOnly, "this proxy only reads: " + err.Error()}
	}
	return &refusal{http.StatusForbidden, causeOpaque, "the policy of this proxy cannot be asked: " + err.Error()}
}

// onlyReads refuses what is not known to read, when the proxy only reads.
func (x *exchange) onlyReads(method string, target guard.Target) *refusal {
	if !x.cfg.ReadOnly {
		return nil
	}
	if err := guard.Reads(method, target); err != nil {
		return x.opaque(err)
	}
	return nil
}

// ask asks the policy about the request.
func (x *exchange) ask(target guard.Target) *refusal {
	if x.gate == nil {
		return nil
	}
	a := x.asker(x.r.Method, target)
	if x.r.ContentLength != 0 {
		// First without the body: who may not is not read from.
		if refused := x.question(a); refused != nil {
			return refused
		}
	}
	if x.gate.Mode == guard.ModeStrict {
		if err := x.keep(); err != nil {
			return failure(err)
		}
		a.Body = x.kept.Open
	}
	return x.question(a)
}

// judgeDashboards judges a request to Dashboards: by its path, and by the request inside that Dashboards' server sends
// to the engine.
func (x *exchange) judgeDashboards(base string, target guard.Target) *refusal {
	kind, segments, ok := dashboardsCall(x.r.Method, base, target)
	if !ok {
		return x.opaque(errors.New("the call of Dashboards is not one that it knows"))
	}
	if x.cfg.ReadOnly && kind == ofWriting {
		return x.opaque(fmt.Errorf("%s of this call of Dashboards changes something", x.r.Method))
	}
	if x.gate != nil {
		a := x.asker(x.r.Method, target)
		a.URLOnly = true
		if refused := x.question(a); refused != nil {
			return refused
		}
		if x.gate.Mode == guard.ModeParity && kind != ofConsole && !x.cfg.ReadOnly {
			return nil
		}
	}
	if kind.readsBody() {
		if err := x.keep(); err != nil {
			return failure(err)
		}
	}
	in, err := kind.look(target, segments, x.smallBody)
	switch {
	case err != nil:
		return x.opaque(err)
	case in == nil:
		return nil
	}
	if refused := x.onlyReads(in.method, in.target); refused != nil || x.gate == nil {
		return refused
	}
	return x.askInside(in)
}

// askInside asks the policy about a request inside.
func (x *exchange) askInside(in *inside) *refusal {
	a := x.asker(in.method, in.target)
	switch {
	case x.gate.Mode == guard.ModeParity:
	case !in.passesBody:
		a.Body = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(in.body)), nil }
	case len(x.r.Header.Values("Content-Encoding")) > 0:
		return x.opaque(errors.New("the body is encoded"))
	default:
		if err := x.keep(); err != nil {
			return failure(err)
		}
		a.Body = x.kept.Open
	}
	return x.question(a)
}

// asker is the request, or one inside it, at the gate.
func (x *exchange) asker(method string, target guard.Target) *guard.Asker {
	a := &guard.Asker{Method: method, Target: target, Header: x.r.Header, Caller: x.who}
	if from, err := netip.ParseAddrPort(x.r.RemoteAddr); err == nil {
		a.IP = from.Addr()
	}
	return a
}

// keep reads the body, so that it can be looked into before it is sent.
func (x *exchange) keep() (err error) {
	if x.kept == nil {
		x.kept, err = x.cfg.Bodies.Keep(x.r)
	}
	return err
}

// question asks the policy, and notes what was asked.
func (x *exchange) question(a *guard.Asker) *refusal {
	asked, err := x.gate.Judge(x.r.Context(), a)
	for _, q := range asked {
		if len(x.asked) == 0 || !slices.Contains(x.asked[:min(len(x.asked), 2)], q) {
			x.asked = append(x.asked, q)
		}
	}
	if err != nil {
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
