package guard_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/sigv4"
)

const (
	region    = "eu-west-1"
	domainARN = "arn:aws:es:eu-west-1:123456789012:domain/sandbox01"
	bob       = "arn:aws:iam::123456789012:user/bob"
	mallory   = "arn:aws:iam::999999999999:user/mallory"
	account   = "123456789012"
	alice     = "arn:aws:iam::123456789012:user/team/alice"
	shipper   = "arn:aws:iam::123456789012:role/service/shipper"
)

// testDomain is a guard on a socket, in front of a backend that records the requests that reach it.
type testDomain struct {
	URL        string
	Identities *identity.Store
	keys       map[string]identity.Credentials

	mu   sync.Mutex
	seen []seen
}

type seen struct {
	Line   string // method and target
	Body   string
	Header http.Header
	Length int64
}

// newDomain starts a domain with users alice, bob and mallory (of another account) and a session of the role shipper.
func newDomain(t testing.TB, access string, change ...func(*guard.Config)) *testDomain {
	t.Helper()
	d := &testDomain{Identities: identity.New(), keys: map[string]identity.Credentials{}}
	for _, user := range []string{alice, bob, mallory} {
		c, err := d.Identities.CreateUser(identity.User{ARN: user})
		if err != nil {
			t.Fatal(err)
		}
		d.keys[user] = c
	}
	if err := d.Identities.CreateRole(identity.Role{ARN: shipper}); err != nil {
		t.Fatal(err)
	}
	c, err := d.Identities.CreateSession(shipper, "night", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	d.keys[shipper] = c
	cfg := guard.Config{
		Backend: d.backend(), Account: account, Region: region, Name: "sandbox01", Identities: d.Identities,
	}
	if access != "" {
		doc := []byte(access)
		if !strings.HasPrefix(access, "{") {
			if doc, _, err = guard.Access(access, domainARN); err != nil {
				t.Fatal(err)
			}
		}
		p, err := guard.ParseAccessPolicy(doc)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Policy = guard.FixedPolicy(p)
	}
	for _, f := range change {
		f(&cfg)
	}
	g, err := guard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(g)
	srv.Config.DisableGeneralOptionsHandler = true
	srv.Start()
	t.Cleanup(srv.Close)
	d.URL = srv.URL
	return d
}

func (d *testDomain) backend() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		if r.RequestURI == "/_alias?expand_wildcards=all" {
			_, _ = io.WriteString(w,
				`{"logs-1":{"aliases":{"logs":{}}},"logs-2":{"aliases":{}},"secret":{"aliases":{"hidden":{}}},`+
					`".ds-stream-2026.01.01-000001":{"aliases":{}}}`)
			return
		}
		d.mu.Lock()
		d.seen = append(d.seen, seen{r.Method + " " + r.RequestURI, string(body), r.Header.Clone(), r.ContentLength})
		d.mu.Unlock()
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
}

// reached returns what came through since the last call.
func (d *testDomain) reached() []seen {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.seen
	d.seen = nil
	return s
}

// request builds a request whose target is sent as it is written here.
func (d *testDomain) request(t testing.TB, method, target, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, d.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	path, query, has := strings.Cut(target, "?")
	r.URL.Opaque, r.URL.RawQuery, r.URL.ForceQuery = path, query, has
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r
}

// sign signs as one of the principals that newDomain made, or with other credentials.
func (d *testDomain) sign(t testing.TB, r *http.Request, who string, body string) *http.Request {
	t.Helper()
	c := d.keys[who]
	signWith(t, r, c, body, region, "es", time.Now())
	return r
}

func signWith(t testing.TB, r *http.Request, c identity.Credentials, body, region, service string, at time.Time) {
	t.Helper()
	s := sigv4.Signer{Region: region, Service: service}
	creds := sigv4.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: string(c.Secret), SessionToken: string(c.Token),
	}
	if err := s.Sign(r, creds, sigv4.HashPayload([]byte(body)), at); err != nil {
		t.Fatal(err)
	}
}

// do sends a request, signed unless who is empty.
func (d *testDomain) do(t testing.TB, who, method, target, body string) (int, string) {
	t.Helper()
	r := d.request(t, method, target, body)
	if who != "" {
		d.sign(t, r, who, body)
	}
	resp, text := send(t, r)
	return resp.StatusCode, text
}

// reply is the part of an answer, besides its body, that tests check.
type reply struct {
	StatusCode int
	Header     http.Header
	Close      bool
}

func send(t testing.TB, r *http.Request) (reply, string) {
	t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, resp.Close}, string(data)
}

func TestAnonymousIsRefusedAndSignedIsForwarded(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "iam="+alice, func(c *guard.Config) { c.Profile = guard.Profile2015 })
	status, body := d.do(t, "", "GET", "/", "")
	want := `{"Message":"User: anonymous is not authorized to perform: es:ESHttpGet on resource: ` + domainARN + `/"}`
	if status != http.StatusForbidden || body != want {
		t.Errorf("anonymous: %d %s", status, body)
	}
	if got := d.reached(); got != nil {
		t.Errorf("the backend saw %v", got)
	}
	const target = "/logs-*,a%2Fb/_search?q=a;b&x=%2F&v"
	status, body = d.do(t, alice, "POST", target, `{"size":1}`)
	if status != http.StatusOK || body != `{"ok":true}` {
		t.Errorf("signed: %d %s", status, body)
	}
	got := d.reached()
	if len(got) != 1 || got[0].Line != "POST "+target || got[0].Body != `{"size":1}` {
		t.Errorf("the backend saw %+v", got)
	}
	for name := range got[0].Header {
		if name == "Authorization" || strings.HasPrefix(name, "X-Amz-") {
			t.Errorf("the backend saw the header %s", name)
		}
	}
}

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	ok := guard.Config{Backend: http.NotFoundHandler(), Account: account, Region: region, Name: "logs"}
	if _, err := guard.New(ok); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*guard.Config){
		"backend": func(c *guard.Config) { c.Backend = nil },
		"account": func(c *guard.Config) { c.Account = "12345" },
		"region":  func(c *guard.Config) { c.Region = "" },
		"name":    func(c *guard.Config) { c.Name = "Logs" },
		"profile": func(c *guard.Config) { c.Profile = "1999" },
		"mode":    func(c *guard.Config) { c.Mode = "lax" },
		"limit":   func(c *guard.Config) { c.MaxBody = -1 },
	} {
		cfg := ok
		change(&cfg)
		if _, err := guard.New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingIsAnsweredWhileTheRequestIsStillBeingRead(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "open", func(c *guard.Config) { c.MaxBody = 1 << 20 })
	for _, size := range []int{1 << 10, 1 << 20, 1<<20 + 1, 8 << 20} {
		for _, chunked := range []bool{false, true} {
			r := d.request(t, "POST", "/_bulk", strings.Repeat("x", size))
			if chunked {
				r.ContentLength = -1
				r.Body = io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat("x", size))))
			}
			counted := &countingReader{r: r.Body}
			r.Body = io.NopCloser(counted)
			resp, body := send(t, r)
			want, text := http.StatusOK, `{"ok":true}`
			if size > 1<<20 {
				want, text = http.StatusRequestEntityTooLarge, `{"Message":"Request size exceeded 1048576 bytes"}`
			}
			if resp.StatusCode != want || body != text {
				t.Errorf("%d bytes, chunked %v: %d %s", size, chunked, resp.StatusCode, body)
			}
			if got := counted.read(); got != size {
				t.Errorf("%d bytes, chunked %v: %d were read before the answer", size, chunked, got)
			}
			if size > 1<<20 != resp.Close {
				t.Errorf("%d bytes: connection closed is %v", size, resp.Close)
			}
			got := d.reached()
			if want == http.StatusOK && (len(got) != 1 || len(got[0].Body) != size || got[0].Length != int64(size)) {
				t.Errorf("%d bytes, chunked %v: the backend saw another request", size, chunked)
			}
			if want != http.StatusOK && len(got) != 0 {
				t.Errorf("%d bytes: reached the backend", size)
			}
		}
	}
}

type countingReader struct {
	r  io.Reader
	mu sync.Mutex
	n  int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	return n, err
}

func (c *countingReader) read() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func TestAHalfSentBodyReachesNobody(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "open")
	ctx, cancel := context.WithCancel(t.Context())
	r := d.request(t, "POST", "/_bulk", "0123456789").WithContext(ctx)
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader("01234"), readerFunc(func([]byte) (int, error) {
		cancel()
		<-ctx.Done()
		return 0, ctx.Err()
	})))
	if resp, err := http.DefaultTransport.RoundTrip(r); err == nil {
		resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	}
	if status, _ := d.do(t, "", "GET", "/", ""); status != http.StatusOK {
		t.Errorf("the next request: %d", status)
	}
	for _, s := range d.reached() {
		if s.Line != "GET /" {
			t.Errorf("the backend saw %+v", s)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestABodyThatIsNoneIsAnsweredAndTheConnectionEnds(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "open")
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn,
		"POST /x/_doc HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(got), "HTTP/1.1 400 ") ||
		!strings.HasSuffix(string(got), `{"Message":"The request body cannot be read"}`) {
		t.Errorf("%s", got)
	}
	if got := d.reached(); got != nil {
		t.Errorf("the backend saw %v", got)
	}
}

func TestADomainThatCannotHaveAnARNIsRefused(t *testing.T) {
	t.Parallel()
	if err := guard.CheckDomain("eu-west-1", "123456789012", "sandbox01"); err != nil {
		t.Error(err)
	}
	for _, wrong := range [][3]string{
		{"eu west", "123456789012", "logs"},
		{"", "123456789012", "logs"},
		{"eu-west-1", "12", "logs"},
		{"eu-west-1", "123456789012", "Logs"},
	} {
		if err := guard.CheckDomain(wrong[0], wrong[1], wrong[2]); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
