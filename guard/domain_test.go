package guard_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/fault"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/sigv4"
)

func TestLargeBodiesArriveWholeAndLeaveNoFile(t *testing.T) {
	t.Parallel()
	var got string
	node := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = string(data)
	}))
	defer node.Close()
	forward, err := guard.NewForward(node.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	d := newDomain(t, "iam="+alice, func(c *guard.Config) { c.Backend, c.SpoolDir = forward, dir })
	for _, size := range []int{1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 5 << 20} {
		body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		if status, text := d.do(t, alice, "POST", "/_bulk", body); status != http.StatusOK || got != body {
			t.Errorf("%d bytes: %d %s, the node got %d bytes", size, status, text, len(got))
		}
		got = "nothing"
		r := d.sign(t, d.request(t, "POST", "/_bulk", body), alice, body)
		r.Body = io.NopCloser(strings.NewReader(body[:size-1] + "!"))
		if resp, _ := send(t, r); resp.StatusCode != http.StatusForbidden || got != "nothing" {
			t.Errorf("%d bytes, the last one changed: %d, the node got %d bytes", size, resp.StatusCode, len(got))
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestABodyThatCannotBeKeptIsOurFault(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "open", func(c *guard.Config) { c.SpoolDir = filepath.Join(t.TempDir(), "none") })
	status, text := d.do(t, "", "POST", "/_bulk", strings.Repeat("x", 2<<20))
	if status != http.StatusInternalServerError || text != `{"Message":"The request could not be kept"}` {
		t.Errorf("%d %s", status, text)
	}
}

func TestPresignedURLsAreVerifiedAndPassedOnAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, strip := range []bool{false, true} {
		d := newDomain(t, "iam="+alice, func(c *guard.Config) { c.StripPresigned = strip })
		r := d.request(t, "GET", "/logs/_search?q=a%20b&v", "")
		s := sigv4.Signer{Region: region, Service: "es"}
		c := d.keys[alice]
		creds := sigv4.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: string(c.Secret)}
		signed, err := s.Presign(r, creds, sigv4.EmptyPayloadHash, time.Now(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		_, query, _ := strings.Cut(signed, "?")
		r.URL.RawQuery = query
		resp, text := send(t, r)
		want := "GET /logs/_search?" + query
		if strip {
			want = "GET /logs/_search?q=a%20b&v"
		}
		got := d.reached()
		if resp.StatusCode != http.StatusOK || len(got) != 1 || got[0].Line != want {
			t.Errorf("strip %v: %d %s, the backend saw %v, want %s", strip, resp.StatusCode, text, got, want)
		}
		r.URL.RawQuery = strings.Replace(query, "q=a%20b", "q=a%20c", 1)
		if resp, text = send(t, r); resp.StatusCode != http.StatusForbidden || len(d.reached()) != 0 {
			t.Errorf("another query: %d %s", resp.StatusCode, text)
		}
	}
}

func TestForwardedAddressesCountFromTrustedProxiesOnly(t *testing.T) {
	t.Parallel()
	for proxy, want := range map[string]int{"127.0.0.0/8": 200, "10.0.0.0/8": 403} {
		d := newDomain(t, "ip=203.0.113.0/24", func(c *guard.Config) {
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(proxy)}
		})
		r := d.request(t, "GET", "/", "")
		r.Header.Set("X-Forwarded-For", "198.51.100.1, 203.0.113.9")
		if resp, text := send(t, r); resp.StatusCode != want {
			t.Errorf("trusting %s: %d %s, want %d", proxy, resp.StatusCode, text, want)
		}
		if got := d.reached(); want == 200 && got[0].Header.Get("X-Forwarded-For") != "" {
			t.Error("the backend saw X-Forwarded-For")
		}
	}
}

func TestPrincipalsOfAPolicyAreCreated(t *testing.T) {
	t.Parallel()
	for principal, want := range map[string]string{
		alice:   alice,
		shipper: "arn:aws:sts::123456789012:assumed-role/shipper/local",
		"arn:aws:sts::123456789012:assumed-role/shipper/night": "arn:aws:sts::123456789012:assumed-role/shipper/night",
		"arn:aws:iam::123456789012:root":                       "arn:aws:iam::123456789012:user/demo",
		"123456789012":                                         "arn:aws:iam::123456789012:user/demo",
	} {
		ids := identity.New()
		c, err := ids.CreatePrincipal(principal)
		if err != nil || c.ARN != want {
			t.Errorf("%s: %s, %v, want %s", principal, c.ARN, err, want)
			continue
		}
		d := newDomain(t, "iam="+principal, func(cfg *guard.Config) { cfg.Identities = ids })
		d.keys["made"] = c
		if status, text := d.do(t, "made", "GET", "/", ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", principal, status, text)
		}
	}
	for _, bad := range []string{"alice", "arn:aws:iam::123456789012:group/g", "arn:aws:iam::1:user/a"} {
		if _, err := identity.New().CreatePrincipal(bad); err == nil {
			t.Errorf("%s is created", bad)
		}
	}
}

func TestStrictModeAsksBackendsWithoutAliasesForTheirIndexes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answers map[string]string
		status  int
	}{
		{map[string]string{"/_cat/indices?format=json&h=index": `[{"index":"logs-1"},{"index":"logs-2"}]`}, 200},
		{map[string]string{"/_cat/indices?format=json&h=index": `[{"index":"logs-1"},{"index":"secret"}]`}, 403},
		{map[string]string{"/_cat/indices?format=json&h=index": `not json`}, 400},
		{map[string]string{"/_alias?expand_wildcards=all": `not json`}, 400},
		{nil, 400},
	} {
		d := newDomain(t, logsOnly, strictMode, func(cfg *guard.Config) {
			cfg.Backend = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text, ok := c.answers[r.RequestURI]
				if !ok && r.RequestURI != "/*/_search" {
					w.WriteHeader(http.StatusNotFound)
				}
				fmt.Fprint(w, text)
			})
		})
		if status, text := d.do(t, alice, "GET", "/*/_search", ""); status != c.status {
			t.Errorf("%v: %d %s, want %d", c.answers, status, text, c.status)
		}
	}
}

func TestCompatibilityProfilesNameMessagesAndEngine(t *testing.T) {
	t.Parallel()
	c, err := guard.ParseCompat("2015-10")
	if want := (guard.Compat{Messages: guard.Profile2015, Engine: "elasticsearch-1.5.2"}); err != nil || c != want {
		t.Errorf("2015-10: %v, %v", c, err)
	}
	for _, name := range guard.CompatNames() {
		c, err := guard.ParseCompat(name)
		if err != nil || c.Engine == "" {
			t.Errorf("%s: %v, %v", name, c, err)
		}
		if _, err := guard.ParseProfile(string(c.Messages)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := guard.ParseCompat("1999"); err == nil || !strings.Contains(err.Error(), "2015-10") {
		t.Errorf("1999: %v", err)
	}
}

// TestChangedRolesChangeTheirSessions has STS give out a session, and then the role go.
func TestChangedRolesChangeTheirSessions(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "iam="+shipper)
	h := identity.NewSTS(d.Identities, 0, nil)
	srv := httptest.NewServer(h)
	defer srv.Close()
	body := "Action=AssumeRole&Version=2011-06-15&RoleSessionName=day&RoleArn=" + shipper
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	signWith(t, r, d.keys[alice], body, "us-east-1", "sts", time.Now())
	resp, text := send(t, r)
	between := func(a, b string) string {
		_, rest, _ := strings.Cut(text, a)
		value, _, _ := strings.Cut(rest, b)
		return value
	}
	d.keys["day"] = identity.Credentials{
		AccessKeyID: between("<AccessKeyId>", "<"), Secret: identity.Secret(between("<SecretAccessKey>", "<")),
		Token: identity.Secret(between("<SessionToken>", "<")),
	}
	if status, body := d.do(t, "day", "GET", "/", ""); status != http.StatusOK {
		t.Fatalf("STS answered %d %s; the session: %d %s", resp.StatusCode, text, status, body)
	}
	if err := d.Identities.Remove(shipper); err != nil {
		t.Fatal(err)
	}
	if status, body := d.do(t, "day", "GET", "/", ""); status != http.StatusForbidden ||
		!strings.Contains(body, "security token included in the request is invalid") {
		t.Errorf("after the role is gone: %d %s", status, body)
	}
}

// TestSlowBodiesAreCutOff has a client that sends a byte now and then, and one that sends none: both get an answer, and
// the connection ends. A body that comes at a pace may take longer.
func TestSlowBodiesAreCutOff(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "open", func(c *guard.Config) { c.BodyTimeout = 200 * time.Millisecond })
	for _, every := range []time.Duration{10 * time.Millisecond, time.Hour} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(d.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			tick := time.NewTicker(every)
			defer tick.Stop()
			for {
				select {
				case <-ended:
					return
				case <-tick.C:
					_, _ = conn.Write([]byte("x"))
				}
			}
		}()
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("a byte every %v: %v", every, err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusRequestTimeout || !resp.Close || err != nil ||
			!strings.Contains(string(text), "did not arrive in time") {
			t.Errorf("a byte every %v: %d %s, close %v, %v", every, resp.StatusCode, text, resp.Close, err)
		}
		close(ended)
	}
	if got := d.reached(); len(got) > 0 {
		t.Errorf("the backend saw %v", got)
	}
	// What is served after the body takes its time.
	paced := newDomain(t, "open", func(c *guard.Config) {
		c.BodyTimeout = 100 * time.Millisecond
		inner := c.Backend
		c.Backend = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(200 * time.Millisecond)
			if r.Context().Err() != nil {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			inner.ServeHTTP(w, r)
		})
	})
	if status, text := paced.do(t, "", "POST", "/_bulk", strings.Repeat("x", 100)); status != http.StatusOK {
		t.Errorf("a slow backend: %d %s", status, text)
	}
}

// TestACompressedBombCostsBoundedMemory has one line of 256 MiB, in the places of a body where lines and strings are.
func TestACompressedBombCostsBoundedMemory(t *testing.T) { // not parallel: it counts what is allocated
	const huge = 256 << 20
	faults, err := fault.Parse("bulk-item=429@1%")
	if err != nil {
		t.Fatal(err)
	}
	d := newDomain(t, "open", func(c *guard.Config) { c.Faults = faults })
	strictOnly := newDomain(t, "open", strictMode)
	for _, c := range []struct {
		name, target, before, after string
		domain                      *testDomain
		status                      int
	}{
		{"a document of _bulk", "/_bulk", `{"index":{"_index":"logs-1"}}` + "\n", "\n", strictOnly, 200},
		{"an action of _bulk", "/_bulk", `{"index":{"_index":"logs-1","_id":"`, "\"}}\n{}\n", strictOnly, 400},
		{"a search", "/logs-1/_search", `{"query":{"match":{"a":"`, `"}}}`, strictOnly, 400},
		{"a header of _msearch", "/_msearch", `{"index":"`, "\"}\n{}\n", strictOnly, 400},
		{
			name: "a search of _msearch", target: "/_msearch", before: "{\"index\":\"logs-1\"}\n{\"query\":{\"match\":{\"a\":\"",
			after: "\"}}}\n", domain: strictOnly, status: 400,
		},
		{"ids of _mget", "/logs-1/_mget", `{"ids":["`, `"]}`, strictOnly, 400},
		{"a document of which a fault takes some away", "/_bulk", `{"index":{"_index":"logs-1"}}` + "\n", "\n", d, 400},
	} {
		var z bytes.Buffer
		w, err := gzip.NewWriterLevel(&z, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, c.before)
		part := bytes.Repeat([]byte("x"), 1<<20)
		for range huge >> 20 {
			_, _ = w.Write(part)
		}
		_, _ = io.WriteString(w, c.after)
		w.Close()
		r := c.domain.request(t, "POST", c.target, z.String())
		r.Header.Set("Content-Encoding", "gzip")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		resp, text := send(t, r)
		runtime.ReadMemStats(&after)
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, resp.StatusCode, text, c.status)
		}
		most := uint64(96 << 20)
		if c.domain == d {
			most = 256 << 20 // the line is kept, and grows
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > most {
			t.Errorf("%s: %d MiB allocated for %d KiB, want at most %d", c.name, got>>20, z.Len()>>10, most>>20)
		}
	}
}
