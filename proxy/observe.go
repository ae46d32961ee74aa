package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Observer sees every request, for metrics. Its methods are called by many goroutines at once.
type Observer interface {
	// Began is called when a request has come.
	Began()
	// Ended is called once for every request that began.
	Ended(Observation)
}

// Observation is a request that has ended.
type Observation struct {
	// Method is one of those that a domain has, or "other".
	Method string
	// Status is that of the answer; 0 when there was none.
	Status int
	// Cause is why the proxy or the domain refused the request, or why there is no answer of the domain. There is a fixed
	// number of them.
	Cause string
	// Took is how long it took, from the head of the request to the end of the answer.
	Took time.Duration
	// BytesIn and BytesOut are the lengths of the bodies.
	BytesIn, BytesOut int64
	// Aborted says that the answer was not sent to its end.
	Aborted bool
	// AuditLost says that the line for the audit could not be written.
	AuditLost bool
}

// observation is what an observer sees of an exchange.
func (x *exchange) observation(auditLost bool) Observation {
	method := x.r.Method
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch,
		http.MethodOptions:
	default:
		method = "other"
	}
	return Observation{
		Method: method, Status: x.status, Cause: x.cause, Took: time.Since(x.started),
		BytesIn: x.received.Load(), BytesOut: x.sent, Aborted: !x.done, AuditLost: auditLost,
	}
}

// Ready returns nil when the proxy could let a request through: its policy and its list of clients can be read. It asks
// nobody else.
func (p *Proxy) Ready() error {
	var errs []error
	if p.cfg.Policy != nil {
		if _, err := p.cfg.Policy(); err != nil {
			errs = append(errs, err)
		}
	}
	if p.cfg.Clients != nil {
		if _, err := p.cfg.Clients.file.Get(); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("proxy lets nobody through: %w", err)
	}
	return nil
}
