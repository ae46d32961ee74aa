package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/seed56735111/penstock/internal/version"
	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

// proxyMetrics count what a proxy does. Their labels have a fixed number of values: no paths, no clients.
type proxyMetrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	underWay  prometheus.Gauge
	in, out   prometheus.Counter
	aborted   prometheus.Counter
	auditLost prometheus.Counter
}

var _ proxy.Observer = (*proxyMetrics)(nil)

func newProxyMetrics(budget *sigv4.Budget, credentials sigv4.Provider) *proxyMetrics {
	const namespace = "penstock_proxy"
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	}
	m := &proxyMetrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "requests_total",
			Help: "Requests by method, status of the answer (0: none), and cause of a refusal.",
		}, []string{"method", "code", "cause"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "request_duration_seconds",
			Help:    "Time from the head of a request to the end of its answer.",
			Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"method"}),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "requests_in_flight", Help: "Requests under way.",
		}),
		in:        counter("request_bytes_total", "Bytes of the bodies of requests."),
		out:       counter("response_bytes_total", "Bytes of the bodies of answers."),
		aborted:   counter("aborted_total", "Answers that were not sent to their end."),
		auditLost: counter("audit_lost_total", "Lines of the audit that could not be written."),
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, value)
	}
	info := version.Of()
	m.registry.MustRegister(
		m.requests, m.duration, m.underWay, m.in, m.out, m.aborted, m.auditLost,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("body_memory_bytes", "Memory that bodies take.", func() float64 {
			memory, _ := budget.Taken()
			return float64(memory)
		}),
		gauge("body_disk_bytes", "Temporary files that bodies take.", func() float64 {
			_, disk := budget.Taken()
			return float64(disk)
		}),
		gauge("body_memory_limit_bytes", "Memory that bodies may take.", func() float64 { return float64(budget.Memory) }),
		gauge("body_disk_limit_bytes", "Temporary files that bodies may take.",
			func() float64 { return float64(budget.Disk) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "penstock_build_info", Help: "1, with what this program is.",
			ConstLabels: prometheus.Labels{"version": info.Version, "commit": info.Commit},
		}, func() float64 { return 1 }),
	)
	if credentials != nil {
		m.registry.MustRegister(&credentialsExpiry{credentials, prometheus.NewDesc(
			"penstock_proxy_credentials_expiry_timestamp_seconds",
			"When the credentials expire; absent for those that do not, and when there are none.", nil, nil)})
	}
	return m
}

// Began implements proxy.Observer.
func (m *proxyMetrics) Began() { m.underWay.Inc() }

// Ended implements proxy.Observer.
func (m *proxyMetrics) Ended(o proxy.Observation) {
	m.underWay.Dec()
	m.requests.WithLabelValues(o.Method, strconv.Itoa(o.Status), o.Cause).Inc()
	m.duration.WithLabelValues(o.Method).Observe(o.Took.Seconds())
	m.in.Add(float64(o.BytesIn))
	m.out.Add(float64(o.BytesOut))
	if o.Aborted {
		m.aborted.Inc()
	}
	if o.AuditLost {
		m.auditLost.Inc()
	}
}

// credentialsExpiry tells when the credentials expire.
type credentialsExpiry struct {
	provider sigv4.Provider
	desc     *prometheus.Desc
}

// Describe is part of prometheus.Collector.
func (c *credentialsExpiry) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc }

// Collect is part of prometheus.Collector.
func (c *credentialsExpiry) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), adminPatience)
	defer cancel()
	if v, err := c.provider.Credentials(ctx); err == nil && !v.Expires.IsZero() {
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(v.Expires.Unix()))
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

// handler shows the metrics.
func (m *proxyMetrics) handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), MaxRequestsInFlight: 4,
	})
}
