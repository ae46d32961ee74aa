package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/seed56735111/penstock/internal/version"
	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

// proxyMetrics count what a proxy does. Their labels have a fixed number of values: no paths, no clients.
type proxyMetrics struct {
	set       *metrics.Set
	help      map[string]string // by name; never changed
	requests  sync.Map          // of *metrics.Counter, by endKind
	durations sync.Map          // of *metrics.PrometheusHistogram, by method
	underWay  *metrics.Gauge
	in, out   *metrics.Counter
	aborted   *metrics.Counter
	auditLost *metrics.Counter
}

// endKind is what requests are told apart by.
type endKind struct {
	method string
	status int
	cause  string
}

var _ proxy.Observer = (*proxyMetrics)(nil)

// Names of metrics that stand in two places.
const (
	proxyNamespace = "penstock_proxy_"
	proxyRequests  = proxyNamespace + "requests_total"
	proxyDuration  = proxyNamespace + "request_duration_seconds"
	proxyExpiry    = proxyNamespace + "credentials_expiry_timestamp_seconds"
)

func newProxyMetrics(budget *sigv4.Budget, credentials sigv4.Provider) *proxyMetrics {
	m := &proxyMetrics{set: metrics.NewSet(), help: map[string]string{}}
	counter := func(name, help string) *metrics.Counter {
		return m.set.NewCounter(m.explain(proxyNamespace+name, help))
	}
	gauge := func(name, help string, value func() float64) *metrics.Gauge {
		return m.set.NewGauge(m.explain(proxyNamespace+name, help), value)
	}
	m.explain(proxyRequests, "Requests by method, status of the answer (0: none), and cause of a refusal.")
	m.explain(proxyDuration, "Time from the head of a request to the end of its answer.")
	m.underWay = gauge("requests_in_flight", "Requests under way.", nil)
	m.in = counter("request_bytes_total", "Bytes of the bodies of requests.")
	m.out = counter("response_bytes_total", "Bytes of the bodies of answers.")
	m.aborted = counter("aborted_total", "Answers that were not sent to their end.")
	m.auditLost = counter("audit_lost_total", "Lines of the audit that could not be written.")
	gauge("body_memory_bytes", "Memory that bodies take.", func() float64 {
		memory, _ := budget.Taken()
		return float64(memory)
	})
	gauge("body_disk_bytes", "Temporary files that bodies take.", func() float64 {
		_, disk := budget.Taken()
		return float64(disk)
	})
	gauge("body_memory_limit_bytes", "Memory that bodies may take.", func() float64 { return float64(budget.Memory) })
	gauge("body_disk_limit_bytes", "Temporary files that bodies may take.",
		func() float64 { return float64(budget.Disk) })
	info := version.Of()
	m.set.NewGauge(fmt.Sprintf("%s{commit=%q,version=%q}",
		m.explain("penstock_build_info", "1, with what this program is."), info.Commit, info.Version),
		func() float64 { return 1 })
	if credentials != nil {
		m.explain(proxyExpiry, "When the credentials expire; absent for those that do not, and when there are none.")
		m.set.RegisterMetricsWriter(func(w io.Writer) { writeExpiry(w, credentials) })
	}
	return m
}

// explain says what a metric is, and returns its name.
func (m *proxyMetrics) explain(name, help string) string {
	m.help[name] = help
	return name
}

// Began implements proxy.Observer.
func (m *proxyMetrics) Began() { m.underWay.Inc() }

// Ended implements proxy.Observer.
func (m *proxyMetrics) Ended(o proxy.Observation) {
	m.underWay.Dec()
	m.counter(endKind{o.Method, o.Status, o.Cause}).Inc()
	m.duration(o.Method).Update(o.Took.Seconds())
	m.in.AddInt64(o.BytesIn)
	m.out.AddInt64(o.BytesOut)
	if o.Aborted {
		m.aborted.Inc()
	}
	if o.AuditLost {
		m.auditLost.Inc()
	}
}

func (m *proxyMetrics) counter(kind endKind) *metrics.Counter {
	c, ok := m.requests.Load(kind)
	if !ok {
		c, _ = m.requests.LoadOrStore(kind, m.set.GetOrCreateCounter(fmt.Sprintf(
			proxyRequests+"{cause=%q,code=%q,method=%q}", kind.cause, strconv.Itoa(kind.status), kind.method)))
	}
	return c.(*metrics.Counter) //nolint:forcetypeassert // nothing else is in there
}

func (m *proxyMetrics) duration(method string) *metrics.PrometheusHistogram {
	h, ok := m.durations.Load(method)
	if !ok {
		h, _ = m.durations.LoadOrStore(method, m.set.GetOrCreatePrometheusHistogramExt(
			fmt.Sprintf(proxyDuration+"{method=%q}", method),
			[]float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}))
	}
	return h.(*metrics.PrometheusHistogram) //nolint:forcetypeassert // the same
}

// writeExpiry tells when the credentials expire; nothing of those that do not, and when there are none.
func writeExpiry(w io.Writer, credentials sigv4.Provider) {
	ctx, cancel := context.WithTimeout(context.Background(), adminPatience)
	defer cancel()
	if v, err := credentials.Credentials(ctx); err == nil && !v.Expires.IsZero() {
		metrics.WriteGaugeUint64(w, proxyExpiry, uint64(max(0, v.Expires.Unix())))
	}
}

// adminPatience bounds a look at the credentials.
const adminPatience = 5 * time.Second

// proxyAdmin answers those who watch over a proxy: /healthz, /readyz and /metrics, and nothing else. It says nothing of
// indexes, clients and policies.
type proxyAdmin struct {
	ready       func() error
	credentials sigv4.Provider // nil when nothing is signed
	metrics     http.Handler
	log         *slog.Logger

	draining atomic.Bool
	unready  atomic.Bool // what was logged last
}

// ServeHTTP implements http.Handler.
func (a *proxyAdmin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return
	case isForeign(r):
		http.Error(w, "a web page asks", http.StatusForbidden)
		return
	}
	switch r.RequestURI {
	case "/healthz":
		_, _ = io.WriteString(w, "ok\n") // an error means that the client is gone
	case "/readyz":
		if why := a.why(r.Context()); why != "" {
			http.Error(w, "not ready: "+why, http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	case "/metrics":
		a.metrics.ServeHTTP(w, r)
	default:
		http.Error(w, "there are /healthz, /readyz and /metrics", http.StatusNotFound)
	}
}

// isForeign reports whether a web page asks: one of another origin, or of a name that was made to point at this
// machine.
func isForeign(r *http.Request) bool {
	if r.Header.Get("Origin") != "" {
		return true
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok || !local.IP.IsLoopback() {
		return false
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback())
}

// why says what keeps the proxy from letting requests through; empty when nothing does.
func (a *proxyAdmin) why(ctx context.Context) string {
	why, err := "", a.ready()
	switch {
	case a.draining.Load():
		return "it ends"
	case err != nil:
		why = "the policy or the list of clients cannot be read"
	case a.credentials != nil:
		ctx, cancel := context.WithTimeout(ctx, adminPatience)
		defer cancel()
		var v sigv4.Credentials
		v, err = a.credentials.Credentials(ctx)
		switch {
		case err != nil:
			why = "there are no credentials to sign with"
		case !v.Expires.IsZero() && !time.Now().Before(v.Expires):
			why, err = "the credentials have expired", sigv4.ErrExpiredCredentials
		}
	}
	if was := a.unready.Swap(why != ""); was != (why != "") {
		if why != "" {
			a.log.WarnContext(ctx, "proxy is not ready", "why", why, "err", err)
		} else {
			a.log.InfoContext(ctx, "proxy is ready again")
		}
	}
	return why
}

// watch serves those who watch over the proxy, until the function that it returns is called. Whoever asks for readiness
// is told when ctx has ended.
func (o *gateOptions) watch(ctx context.Context, admin *proxyAdmin) (end func(), err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", o.adminListen)
	if err != nil {
		return nil, usagef("--admin-listen 127.0.0.1:0 picks a free port", "listen on %s: %w", o.adminListen,
			networkCause(err))
	}
	srv := &http.Server{
		Handler: admin, ReadHeaderTimeout: adminPatience, WriteTimeout: 2 * adminPatience, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(admin.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			admin.log.ErrorContext(ctx, "health and metrics are not served any more", "err", err)
		}
	}()
	stop := context.AfterFunc(ctx, func() { admin.draining.Store(true) })
	admin.log.InfoContext(ctx, "health and metrics are served", "address", "http://"+l.Addr().String())
	return func() {
		stop()
		_ = srv.Close() // of a listener and its connections
		<-ended
	}, nil
}

// mostScrapes is how many may look at the metrics at once.
const mostScrapes = 4

// handler shows the metrics.
func (m *proxyMetrics) handler() http.Handler {
	metrics.ExposeMetadata(true)
	tokens := make(chan struct{}, mostScrapes)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case tokens <- struct{}{}:
			defer func() { <-tokens }()
		default:
			http.Error(w, "asked too often at once", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		var own bytes.Buffer
		m.set.WritePrometheus(&own)
		_, _ = w.Write(m.withHelp(own.Bytes())) // an error means that the client is gone
		metrics.WriteProcessMetrics(w)
		metrics.WriteFDMetrics(w)
	})
}

// withHelp returns metrics with help in their HELP lines, which the library leaves empty.
func (m *proxyMetrics) withHelp(text []byte) []byte {
	out := make([]byte, 0, 2*len(text))
	for line := range bytes.Lines(text) {
		if name, ok := bytes.CutPrefix(line, []byte("# HELP ")); ok {
			name = bytes.TrimSpace(name)
			line = fmt.Appendf(nil, "# HELP %s %s\n", name, m.help[string(name)])
		}
		out = append(out, line...)
	}
	return out
}
