package guard_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/iam"
)

// row is one line of the catalogue of answers: a request and the answer byte for byte.
type row struct {
	name    string
	profile guard.Profile
	access  string // iam=alice when empty
	change  func(*guard.Config)
	who     string
	method  string // GET when empty
	target  string // / when empty
	body    string
	tamper  func(t *testing.T, d *testDomain, r *http.Request)
	status  int
	// want is the body; "~" before it makes it a regular expression.
	want string
}

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestEveryAnswerOfTheCatalogue(t *testing.T) {
	t.Parallel()
	for _, rows := range [][]row{anonymousRows(), callerRows(), signatureRows(), edgeRows()} {
		for _, c := range rows {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.check(t)
			})
		}
	}
}

func (c row) check(t *testing.T) {
	if c.access == "" {
		c.access = "iam=" + alice
	}
	if c.method == "" {
		c.method = http.MethodGet
	}
	if c.target == "" {
		c.target = "/"
	}
	change := func(cfg *guard.Config) {
		cfg.Profile = c.profile
		if c.change != nil {
			c.change(cfg)
		}
	}
	d := newDomain(t, c.access, change)
	r := d.request(t, c.method, c.target, c.body)
	if c.who != "" {
		d.sign(t, r, c.who, c.body)
	}
	if c.tamper != nil {
		c.tamper(t, d, r)
	}
	resp, body := send(t, r)
	if resp.StatusCode != c.status {
		t.Errorf("status %d, want %d", resp.StatusCode, c.status)
	}
	if pattern, ok := strings.CutPrefix(c.want, "~"); ok {
		if !regexp.MustCompile(`^` + pattern + `$`).MatchString(body) {
			t.Errorf("body\n%s\nwant\n%s", body, pattern)
		}
	} else if body != c.want {
		t.Errorf("body\n%s\nwant\n%s", body, c.want)
	}
	h := resp.Header
	if h.Get("Content-Type") != "application/json" || h.Get("Access-Control-Allow-Origin") != "*" ||
		!uuidPattern.MatchString(h.Get("X-Amzn-Requestid")) || h.Get("Date") == "" {
		t.Errorf("headers %v", h)
	}
	if c.method != http.MethodHead && h.Get("Content-Length") != strconv.Itoa(len(body)) {
		t.Errorf("Content-Length %q for %d bytes", h.Get("Content-Length"), len(body))
	}
	if got := h.Get("Connection"); got != "keep-alive" && !resp.Close {
		t.Errorf("Connection: %q", got)
	}
	for _, name := range []string{"X-Amzn-Errortype", "Www-Authenticate"} {
		if h.Get(name) != "" {
			t.Errorf("%s: %s", name, h.Get(name))
		}
	}
	if got := d.reached(); got != nil {
		t.Errorf("the backend saw %v", got)
	}
}

func anonymousRows() []row {
	const u = `{"Message":"User: anonymous is not authorized to perform: es:`
	return []row{
		{
			name: "anonymous 2015", profile: guard.Profile2015, target: "/_plugin/kibana/?x=1", status: 403,
			want: u + `ESHttpGet on resource: ` + domainARN + `/_plugin/kibana/"}`,
		},
		{
			name: "anonymous 2015 escapes", profile: guard.Profile2015, target: "/a%20b/*", status: 403,
			want: u + `ESHttpGet on resource: ` + domainARN + `/a%20b/*"}`,
		},
		{name: "anonymous 2017", profile: guard.Profile2017, status: 403, want: u + `ESHttpGet on resource: sandbox01"}`},
		{name: "anonymous 2018", profile: guard.Profile2018, status: 403, want: u + `ESHttpGet"}`},
		{
			name: "anonymous current", profile: guard.ProfileCurrent, method: "POST", status: 403,
			want: u + `ESHttpPost because no resource-based policy allows the es:ESHttpPost action"}`,
		},
		{name: "anonymous PUT", profile: guard.Profile2018, method: "PUT", body: "{}", status: 403, want: u + `ESHttpPut"}`},
		{name: "anonymous DELETE", profile: guard.Profile2018, method: "DELETE", status: 403, want: u + `ESHttpDelete"}`},
		{name: "anonymous PATCH", profile: guard.Profile2018, method: "PATCH", status: 403, want: u + `ESHttpPatch"}`},
		{name: "anonymous OPTIONS", profile: guard.Profile2018, method: "OPTIONS", status: 403, want: u + `ESHttpOptions"}`},
		{name: "anonymous HEAD has no body", profile: guard.Profile2018, method: "HEAD", status: 403, want: ``},
		{
			name: "anonymous explicit deny", profile: guard.ProfileCurrent, access: "deny", status: 403,
			want: u + `ESHttpGet with an explicit deny in a resource-based policy"}`,
		},
	}
}

func callerRows() []row {
	const denyBob = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"` + bob +
		`"},"Action":"es:*","Resource":"` + domainARN + `/*"}]}`
	session := "arn:aws:sts::123456789012:assumed-role/shipper/night"
	return []row{
		{
			name: "user 2015", profile: guard.Profile2015, who: bob, target: "/a/_search", status: 403,
			want: `{"Message":"User: ` + bob + ` is not authorized to perform: es:ESHttpGet on resource: ` + domainARN +
				`/a/_search"}`,
		},
		{
			name: "user 2018", profile: guard.Profile2018, who: bob, status: 403,
			want: `{"Message":"User: ` + bob + ` is not authorized to perform: es:ESHttpGet"}`,
		},
		{
			name: "user current", profile: guard.ProfileCurrent, who: bob, status: 403,
			want: `{"Message":"User: ` + bob +
				` is not authorized to perform: es:ESHttpGet because no identity-based policy allows the es:ESHttpGet action"}`,
		},
		{
			name: "role current", profile: guard.ProfileCurrent, who: shipper, method: "POST", body: "{}", status: 403,
			want: `{"Message":"User: ` + session +
				` is not authorized to perform: es:ESHttpPost because no identity-based policy allows the es:ESHttpPost action"}`,
		},
		{
			name: "explicit deny current", profile: guard.ProfileCurrent, who: bob, access: denyBob, status: 403,
			want: `{"Message":"User: ` + bob +
				` is not authorized to perform: es:ESHttpGet with an explicit deny in a resource-based policy"}`,
		},
		{
			name: "foreign account current", profile: guard.ProfileCurrent, who: mallory, access: "open", status: 403,
			want: `{"Message":"User: ` + mallory +
				` is not authorized to perform: es:ESHttpGet because no identity-based policy allows the es:ESHttpGet action"}`,
		},
		{name: "HEAD has no body", profile: guard.ProfileCurrent, who: bob, method: "HEAD", status: 403, want: ``},
	}
}

// resign signs a request again, with another region, service, time or other credentials.
func resign(
	region, service string, at time.Duration, change func(*identity.Credentials),
) func(*testing.T, *testDomain, *http.Request) {
	return func(t *testing.T, d *testDomain, r *http.Request) {
		c := d.keys[alice]
		if change != nil {
			change(&c)
		}
		for name := range r.Header {
			if name == "Authorization" || strings.HasPrefix(name, "X-Amz-") {
				r.Header.Del(name)
			}
		}
		signWith(t, r, c, "", region, service, time.Now().Add(at))
	}
}

func header(name, value string) func(*testing.T, *testDomain, *http.Request) {
	return func(_ *testing.T, _ *testDomain, r *http.Request) { r.Header[name] = []string{value} }
}

func signatureRows() []row {
	const mismatch = `The request signature we calculated does not match the signature you provided\. ` +
		`Check your AWS Secret Access Key and signing method\. Consult the service documentation for details\.`
	const dump = `~\{"message":"` + mismatch + `\\n\\nThe Canonical String for this request should have been\\n` +
		`'GET\\n/\\n\\nhost:127\.0\.0\.1:\d+\\nx-amz-date:\d{8}T\d{6}Z\\n\\nhost;x-amz-date\\n[0-9a-f]{64}'\\n\\n` +
		`The String-to-Sign should have been\\n'AWS4-HMAC-SHA256\\n\d{8}T\d{6}Z\\n` +
		`\d{8}/eu-west-1/es/aws4_request\\n[0-9a-f]{64}'\\n"\}`
	return []row{
		{
			name: "wrong secret", who: alice,
			tamper: resign(region, "es", 0, func(c *identity.Credentials) { c.Secret = "wrong" }), status: 403, want: dump,
		},
		{
			name: "wrong secret on an open domain", access: "open", who: alice,
			tamper: resign(region, "es", 0, func(c *identity.Credentials) { c.Secret = "wrong" }), status: 403, want: dump,
		},
		{
			name: "wrong region", who: alice, tamper: resign("custom", "es", 0, nil), status: 403,
			want: `{"message":"Credential should be scoped to a valid region, not 'custom'. "}`,
		},
		{
			name: "wrong service", who: alice, tamper: resign(region, "s3", 0, nil), status: 403,
			want: `{"message":"Credential should be scoped to correct service: 'es'. "}`,
		},
		{
			name: "wrong region and service", who: alice, tamper: resign("custom", "s3", 0, nil), status: 403,
			want: `{"message":"Credential should be scoped to a valid region, not 'custom'. ` +
				`Credential should be scoped to correct service: 'es'. "}`,
		},
		{
			name: "unknown key", who: alice,
			tamper: resign(region, "es", 0, func(c *identity.Credentials) { c.AccessKeyID = "AKIANOBODY" }), status: 403,
			want: `{"message":"The security token included in the request is invalid."}`,
		},
		{name: "wrong session token", who: shipper, tamper: func(t *testing.T, d *testDomain, r *http.Request) {
			resign(region, "es", 0, func(c *identity.Credentials) { *c = d.keys[shipper]; c.Token = "wrong" })(t, d, r)
		}, status: 403, want: `{"message":"The security token included in the request is invalid"}`},
		{
			name: "token of a user", who: alice,
			tamper: resign(region, "es", 0, func(c *identity.Credentials) { c.Token = "made up" }), status: 403,
			want: `{"message":"The security token included in the request is invalid"}`,
		},
		{name: "expired token", who: alice, tamper: func(t *testing.T, d *testDomain, r *http.Request) {
			old, err := d.Identities.CreateSession(shipper, "old", -time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			resign(region, "es", 0, func(c *identity.Credentials) { *c = old })(t, d, r)
		}, status: 403, want: `{"message":"The security token included in the request is expired"}`},
		{
			name: "expired signature", who: alice, tamper: resign(region, "es", -6*time.Minute, nil), status: 403,
			want: `~\{"message":"Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)"\}`,
		},
		{
			name: "future signature", who: alice, tamper: resign(region, "es", 6*time.Minute, nil), status: 403,
			want: `~\{"message":"Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ ` +
				`5 min\.\)"\}`,
		},
		{
			name: "basic without equal sign", access: "open", tamper: header("Authorization", "Basic YmV0dGVy"), status: 403,
			want: `{"message":"'YmV0dGVy' not a valid key=value pair (missing equal-sign) in Authorization header: ` +
				`'Basic YmV0dGVy'."}`,
		},
		{
			name: "basic with equal signs", access: "open", tamper: header("Authorization", "Basic Og=="), status: 403,
			want: `{"message":"Authorization header requires 'Credential' parameter. ` +
				`Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. ` +
				`Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=Basic Og=="}`,
		},
		{
			name: "no date", who: alice,
			tamper: func(_ *testing.T, _ *testDomain, r *http.Request) { r.Header.Del("X-Amz-Date") }, status: 403,
			want: `~\{"message":"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header\. ` +
				`Authorization=AWS4-HMAC-SHA256 .*"\}`,
		},
		{
			name: "body of another length", who: alice, method: "POST", body: `{"a":1}`,
			tamper: func(t *testing.T, d *testDomain, r *http.Request) {
				other := d.request(t, "POST", "/", `{"a":2}`)
				r.Body, r.ContentLength, r.GetBody = other.Body, other.ContentLength, nil
			},
			status: 403, want: `~\{"message":"` + mismatch + `.*"\}`,
		},
	}
}

func edgeRows() []row {
	small := func(c *guard.Config) { c.MaxBody = guard.SmallMaxBody }
	over := strings.Repeat("x", guard.SmallMaxBody+1)
	return []row{
		{
			name: "not offered 2015", profile: guard.Profile2015, who: alice, target: "/_cluster/state?local=true", status: 401,
			want: `{"Message":"Your request: '/_cluster/state' is not allowed."}`,
		},
		{
			name: "not offered, refused first", profile: guard.Profile2018, target: "/_cluster/reroute", status: 403,
			want: `{"Message":"User: anonymous is not authorized to perform: es:ESHttpGet"}`,
		},
		{
			name: "close 2018", profile: guard.Profile2018, who: alice, method: "POST", target: "/a/_close", status: 401,
			want: `{"Message":"Your request: '/a/_close' is not allowed."}`,
		},
		{
			name: "bare settings", who: alice, method: "PUT", target: "/_settings", body: `{}`, status: 401,
			want: `{"Message":"Your request: '/_settings' is not allowed."}`,
		},
		{
			name: "own list", who: alice, target: "/x/y",
			change: func(c *guard.Config) {
				c.NotOffered = []guard.API{{Methods: []string{"GET"}, Path: "/x/**"}}
			},
			status: 401, want: `{"Message":"Your request: '/x/y' is not allowed."}`,
		},
		{
			name: "payload", who: alice, method: "PUT", target: "/_cluster/settings", body: `{"transient":{"indices":{"a":1}}}`,
			status: 401, want: `{"Message":"Your request: '/_cluster/settings' payload is not allowed."}`,
		},
		{
			name: "too large", access: "open", change: small, method: "POST", target: "/_bulk", body: over, status: 413,
			want: `{"Message":"Request size exceeded 10485760 bytes"}`,
		},
		{
			name: "too large, signed", change: small, who: alice, method: "POST", target: "/_bulk", body: over, status: 413,
			want: `{"Message":"Request size exceeded 10485760 bytes"}`,
		},
		{
			name: "too large, refused first", profile: guard.Profile2018, change: small, method: "POST", target: "/_bulk",
			body: over, status: 403, want: `{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost"}`,
		},
		{name: "authorization engine", who: alice, change: func(c *guard.Config) {
			c.Policy = func() (*iam.Policy, error) { return nil, errors.New("no policy today") }
		}, status: 503, want: `{"Message":"Call to Authorization engine failed"}`},
		{name: "HEAD with a body", who: alice, method: "HEAD", target: "/a", body: "{}", status: 403, want: ``},
		{
			name: "empty segment", access: "open", target: "/a//b", status: 400,
			want: `{"Message":"The request target is refused: an empty path segment at byte 3. ` +
				`The domain judges and forwards paths as they are sent, so it takes none that can be read in two ways."}`,
		},
		{
			name: "dot segments", access: "open", target: "/a/%2e%2e/b", status: 400,
			want: `{"Message":"The request target is refused: a dot segment at byte 3. ` +
				`The domain judges and forwards paths as they are sent, so it takes none that can be read in two ways."}`,
		},
		{name: "TRACE", access: "open", method: "TRACE", status: 405, want: `{"Message":"The method TRACE is not allowed"}`},
		{
			name: "upgrade", access: "open", tamper: header("Upgrade", "websocket"), status: 400,
			want: `{"Message":"Protocol upgrades are not allowed"}`,
		},
	}
}

// http.Header spells names in its own way, so this looks at the bytes on the wire.
func TestARefusalHasTheHeadersOfTheServiceAndNoOthers(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "iam="+alice, func(c *guard.Config) { c.Profile = guard.Profile2018 })
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	for _, c := range []struct{ method, body string }{
		{"HEAD", ""}, // the next answer would not be found if this one had a body
		{"GET", `{"Message":"User: anonymous is not authorized to perform: es:ESHttpGet"}`},
		{"GET", `{"Message":"User: anonymous is not authorized to perform: es:ESHttpGet"}`},
	} {
		if _, err := io.WriteString(conn, c.method+" / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		var head []string
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if line == "\r\n" {
				break
			}
			head = append(head, strings.TrimSuffix(line, "\r\n"))
		}
		want := []string{
			`HTTP/1\.1 403 Forbidden`, `Access-Control-Allow-Origin: \*`, `Connection: keep-alive`,
			`Content-Length: ` + strconv.Itoa(len(c.body)),
			`Content-Type: application/json`, `Date: .* GMT`, `x-amzn-RequestId: ` + strings.Trim(uuidPattern.String(), "^$"),
		}
		if c.method == "HEAD" {
			want = slices.DeleteFunc(want, func(line string) bool { return strings.HasPrefix(line, "Content-Length") })
		}
		slices.Sort(head[1:])
		if len(head) != len(want) {
			t.Fatalf("%s: head %q, want %q", c.method, head, want)
		}
		for i := range want {
			if !regexp.MustCompile("^" + want[i] + "$").MatchString(head[i]) {
				t.Errorf("%s: %q, want %s", c.method, head[i], want[i])
			}
		}
		body := make([]byte, len(c.body))
		if _, err := io.ReadFull(in, body); err != nil || string(body) != c.body {
			t.Errorf("%s: body %q, %v", c.method, body, err)
		}
	}
}

func TestAnAnnouncedBodyOverTheLimitNeedNotBeSent(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "open", func(c *guard.Config) { c.MaxBody = guard.LargeMaxBody })
	resp, body := exchange(t, d.URL, "POST",
		"POST /_bulk HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 104857601\r\n\r\n")
	if resp.StatusCode != http.StatusRequestEntityTooLarge ||
		body != `{"Message":"Request size exceeded 104857600 bytes"}` || !resp.Close {
		t.Errorf("%d %s, closed %v", resp.StatusCode, body, resp.Close)
	}
}

func TestTargetsThatAreNoPathsAreRefused(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "open")
	for _, line := range []string{
		"GET http://127.0.0.1/a HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT 127.0.0.1:80 HTTP/1.1", "GET /a/../b HTTP/1.1",
		"GET //a HTTP/1.1",
		"GET /a\\b HTTP/1.1", "GET /a;b HTTP/1.1", "GET /a%00 HTTP/1.1", "GET /a#b HTTP/1.1", "GET /a%zz HTTP/1.1",
	} {
		method, _, _ := strings.Cut(line, " ")
		resp, body := exchange(t, d.URL, method, line+"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
		if resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d %s", line, resp.StatusCode, body)
		}
		if got := d.reached(); got != nil {
			t.Errorf("%s: the backend saw %v", line, got)
		}
	}
}

func TestForwardedAnswersCarryTheEdgeHeaders(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "open")
	resp, _ := send(t, d.request(t, "GET", "/", ""))
	if resp.Header.Get("Access-Control-Allow-Origin") != "*" ||
		!uuidPattern.MatchString(resp.Header.Get("X-Amzn-Requestid")) ||
		resp.Header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Errorf("headers %v", resp.Header)
	}
}
