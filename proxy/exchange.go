package proxy

import (
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/sigv4"
)

// exchange is one request on its way through the proxy, and the writer of its answer.
type exchange struct {
	*Proxy
	pacedWriter
	r       *http.Request
	started time.Time
	who     iam.Principal
	subject string // of the client's certificate

	asked  []guard.Question
	kept   *sigv4.Kept // the body, when the policy was asked about it
	cause  string
	detail string

	received atomic.Int64 // bytes of the body
	sent     int64        // bytes of the answer's body
	length   int64        // what it will be; 0 when nobody knows
	status   int
	done     bool // the answer was sent to its end
}

// admit finds out whether the request may be sent on.
func (x *exchange) admit() *refusal {
	for _, look := range []func(*http.Request) *refusal{x.checkHost, checkOrigin, checkForm} {
		if refused := look(x.r); refused != nil {
			return refused
		}
	}
	var refused *refusal
	if x.who, x.subject, refused = x.identify(x.r); refused != nil {
		return refused
	}
	return x.judge()
}

// end frees what the exchange holds, and writes it down.
func (x *exchange) end() {
	x.pacedWriter.end()
	if x.kept != nil {
		_ = x.kept.Close() // of what is not needed any more
	}
	var err error
	if x.cfg.Audit != nil {
		if err = x.cfg.Audit.write(x.line()); err != nil {
			x.log.LogAttrs(x.r.Context(), slog.LevelError, "audit line is lost", slog.Any("err", err))
		}
	}
	if x.cfg.Observer != nil {
		x.cfg.Observer.Ended(x.observation(err != nil))
	}
}

// WriteHeader leaves out informational answers, and keeps the status.
func (x *exchange) WriteHeader(status int) {
	if status >= http.StatusOK && x.status == 0 {
		x.status, x.cause = status, x.Header().Get(CauseHeader)
		x.length, _ = strconv.ParseInt(x.Header().Get("Content-Length"), 10, 64)
	}
	x.pacedWriter.WriteHeader(status)
}

// Write counts what is sent, and sends it at once. Only the end of an answer is left to net/http, which then writes a
// short one together with its head. ReverseProxy itself sees to answers whose length nobody knows.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	n, err := x.pacedWriter.Write(p)
	x.sent += int64(n)
	if err == nil && x.sent < x.length {
		err = x.control.Flush()
	}
	return n, err
}
