package proxy_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

const (
	graceToken, readerToken = "token-of-grace", "token-of-reader"
	graceARN                = "arn:aws:iam::123456789012:user/grace"
	readerARN               = "arn:aws:iam::210987654321:role/teams/reader"
	readerSession           = "arn:aws:sts::210987654321:assumed-role/reader/penstock-proxy"
)

// gatePolicy lets grace do what she wants in her indexes, and the reader read logs.
const gatePolicy = `{"Version":"2012-10-17","Statement":[
	{"Effect":"Allow","Principal":{"AWS":"` + graceARN + `"},"Action":"es:*","Resource":["/grace-*","/_bulk","/_reindex"]},
	{"Effect":"Allow","Principal":{"AWS":"` + readerARN + `"},"Action":["es:ESHttpGet","es:ESHttpPost"],
	 "Resource":["/logs-*/_search","/logs-*/_doc/*"]},
	{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":"/logs-secret/*"}]}`

func hashOf(token string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(token))) }

// clientsFile writes a list of clients that others cannot read.
func clientsFile(t *testing.T, entries ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clients.json")
	text := `{"clients":[` + strings.Join(entries, ",") + `]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// gated is a proxy with a policy, two clients, and an audit.
func gated(t *testing.T, audit io.Writer) func(*proxy.Config) {
	t.Helper()
	policy, err := iam.ParsePaths([]byte(gatePolicy), "")
	if err != nil {
		t.Fatal(err)
	}
	clients, err := proxy.OpenClients(clientsFile(t,
		`{"arn":"`+graceARN+`","token_sha256":"`+hashOf(graceToken)+`"}`,
		`{"arn":"`+readerARN+`","token_sha256":"`+hashOf(readerToken)+`"}`,
		`{"arn":"`+readerARN+`","subject":"CN=reader,O=Example"}`,
	), nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *proxy.Config) {
		c.Policy, c.Clients = guard.FixedPolicy(policy), clients
		c.Audit = proxy.NewAudit(audit)
		c.Bodies = &sigv4.Keeper{Budget: &sigv4.Budget{Memory: 1 << 20, Disk: 4 << 20}, Dir: t.TempDir()}
		c.Idle = 500 * time.Millisecond
	}
}

func listAliases(rw http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.RequestURI, "/_alias") {
		_, _ = io.WriteString(rw, `{"logs-a":{"aliases":{}},"logs-secret":{"aliases":{}},"grace-1":{"aliases":{"other":{}}}}`)
	}
}

func bearer(token string) string { return "Authorization: Bearer " + token }

func basic(user, token string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+token))
}

// withBody is a request of a client with a body.
func withBody(call, body string, headers ...string) string {
	headers = append(headers, fmt.Sprint("Content-Length: ", len(body)), "Host: HOST")
	return call + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

// passed are the requests that reached the domain, without those by which the proxy lists its indexes.
func (w *world) passed() []string {
	var all []string
	for _, r := range w.requests() {
		if !strings.HasPrefix(r.target, "/_alias?") {
			all = append(all, r.target)
		}
	}
	return all
}

// Those who are known get what the policy allows, however they show who they are.
func TestClientsGetWhatThePolicyAllows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gated(t, io.Discard), listAliases)
	bulk := `{"index":{"_index":"grace-1"}}` + "\n{}\n"
	for _, raw := range []string{
		withBody("POST /logs-a/_search", `{"query":{"match_all":{}}}`, bearer(readerToken)),
		withBody("GET /logs-a/_doc/1", "", basic("", readerToken)),
		withBody("GET /logs-a/_doc/1", "", basic("anybody", readerToken)),
		withBody("GET /logs-a/_doc/a%2Fb", "", "authorization: bEARER "+readerToken),
		withBody("PUT /grace-2", `{"settings":{"number_of_shards":1}}`, bearer(graceToken)),
		withBody("POST /_bulk", bulk, bearer(graceToken), "Content-Type: application/x-ndjson"),
		withBody("POST /grace-*/_count", "", bearer(graceToken)),
	} {
		before := len(w.passed())
		if got := w.send(t, raw); !strings.HasPrefix(got, "200") || len(w.passed()) != before+1 {
			t.Errorf("%q was answered %s", raw, got)
		}
	}
	for _, r := range w.requests() {
		if r.trust != nil || strings.Contains(fmt.Sprint(r.header), "token-of") {
			t.Errorf("%s arrived with %v: %v", r.target, r.header, r.trust)
		}
		if r.target == "/_bulk" && r.body != bulk {
			t.Errorf("the body arrived as %q", r.body)
		}
	}
}

// A table of attacks on the gate. None gets a request to the domain.
func TestAttacksDoNotGetThroughTheGate(t *testing.T) {
	t.Parallel()
	rows := map[string]string{}
	reading := "GET /logs-a/_doc/1"
	for _, header := range []string{
		"X: y", "Authorization:", "Authorization: Bearer", "Authorization: Bearer ", bearer("wrong"),
		bearer(hashOf(readerToken)), // the file, read by somebody, opens nothing
		bearer(" " + readerToken), bearer(readerToken + "x"), bearer(strings.ToUpper(readerToken)),
		bearer(readerToken + "," + readerToken), bearer(readerToken) + "\r\n" + bearer(readerToken),
		bearer("wrong") + "\r\n" + bearer(readerToken), bearer(readerToken) + "\r\n" + basic("x", readerToken),
		"Authorization: Basic", "Authorization: Basic " + readerToken, basic(readerToken, ""), basic(readerToken, "x"),
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(readerToken)),
		"Authorization: Basic " + base64.URLEncoding.EncodeToString([]byte("?>?>:"+readerToken)),
		basic("x", readerToken) + "=", basic("x", " "+readerToken),
		"Authorization: Digest username=\"x\"", "Authorization: Negotiate abc",
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-west-1/es/aws4_request, " +
			"SignedHeaders=host, Signature=" + hashOf("x"),
		"Proxy-Authorization: Bearer " + readerToken, "X-Authorization: Bearer " + readerToken,
		"Cookie: token=" + readerToken, "X-Forwarded-User: " + graceARN, "X-Forwarded-Client-Cert: Subject=\"CN=reader\"",
		"X-Ssl-Client-S-Dn: CN=reader,O=Example", "X-Amz-Security-Token: " + readerToken,
		"Connection: Authorization\r\n" + bearer("wrong"),
	} {
		rows["who: "+header] = withBody(reading, "", header)
	}
	rows["who: token in the query"] = withBody(reading+"?access_token="+readerToken, "")
	rows["who: token in the user information"] = withBody("GET http://x:"+readerToken+"@HOST/logs-a/_doc/1", "")
	reader := bearer(readerToken)
	for _, call := range []string{
		"GET /", "GET /_cat/indices", "PUT /logs-a/_doc/1", "DELETE /logs-a/_doc/1", "POST /logs-a/_bulk", "POST /_search",
		"GET /logs-secret/_doc/1", "GET /logs-secret%2F_doc/1", "GET /%6Cogs-secret/_doc/1", "GET /logs-%73ecret/_doc/1",
		"GET /logs-a/../logs-secret/_doc/1", "GET /logs-a/%2e%2e/logs-secret/_doc/1", "GET //logs-secret/_doc/1",
		"GET /logs-a//_doc/1", "GET /logs-a/./_doc/1", "GET /logs-a/_doc/..%2F..%2Flogs-secret%2F_doc%2F1",
		"GET /logs-a/_doc/1%2F..%2F..%2F..%2Fsecret", "GET /logs-a\\..\\logs-secret/_doc/1", "GET /logs-a%5C..%5Cx/_doc/1",
		"GET /logs-a/_doc/1;x=/../../secret", "GET /logs-a;/_doc/1", "GET /logs-a/_doc/1%00", "GET /logs-a%00/_doc/1",
		"GET /logs-a,secret/_doc/1", "GET /logs-a,logs-secret/_search", "GET /logs-*/_search", "GET /logs-*,-logs-a/_search",
		"GET /logs-s?cret/_search", "GET /%2A/_search", "GET /_all/_search", "GET /%3Clogs-secret%3E/_search",
		"GET /%3Clogs-%7Bnow%7BYYYY%7D%7D%3E,secret/_search", "GET /remote:secret/_search", "GET /logs-a,remote:x/_search",
		"GET /logs-a/_search?source=%7B%7D&source_content_type=application/json", "GET /logs-a/_search?index=secret",
		"GET /logs-a/_search?routing=1&index=secret", "GET /logs-a/_search?search_pipeline=x", "GET /logs-a/_search/template",
		"GET /logs-a/_search?a=%zz", "GET /logs-a/_search?x;index=secret", "OPTIONS /logs-a/_search", "PATCH /logs-a/_search",
		"GET /LOGS-A/_search", "GET /logs-a/_Search", "GET /logs-a/_doc", "GET /logs-a/_doc/1/_source/../x",
		"GET /é/_doc/1", "GET /logs-a/_doc/\xff", "GET /_plugins/_security/api/account", "GET /_nodes",
		"GET /_dashboards/app",
		"POST /_dashboards/api/console/proxy?path=logs-a/_search&method=POST",
		"POST /_dashboards/api/console/proxy?path=secret&method=DELETE", "POST /_plugin/kibana/api/console/proxy?path=/",
	} {
		rows["reader: "+call] = withBody(call, "", reader)
		rows["reader, overriding: "+call] = withBody(call, "", reader, "X-Http-Method-Override: GET",
			"X-Original-Url: /logs-a/_doc/1", "X-Rewrite-Url: /logs-a/_doc/1")
	}
	for _, body := range []string{
		`{"query":{"terms":{"u":{"index":"secret","id":"1","path":"x"}}}}`,
		`{"query":{"bool":{"filter":[{"more_like_this":{"like":[{"_index":"secret","_id":"1"}]}}]}}}`,
		`{"query":{"geo_shape":{"p":{"indexed_shape":{"id":"1","index":"secret"}}}}}`, `{"query":{"made_up":{}}}`,
		`{"aggs":{"a":{"made_up":{}}}}`, `{"query":{"wrapper":{"query":"e30="}}}`, `{"query":`, `[]`, `{} {}`,
		`{"query":{"match_all":{}},"query":{"terms":{"u":{"index":"secret","id":"1","path":"x"}}}}`,
		`{"suggest":{"s":{"phrase":{"field":"x","collate":{"query":{"source":{}}}}}}}`, "\x1f\x8b\x08",
		`{"search_pipeline":"x"}`, `{"query":{"has_child":{"type":"x","query":{"terms":{"u":{"index":"secret","id":"1"}}}}}}`,
	} {
		rows["reader searches "+body] = withBody("POST /logs-a/_search", body, reader, "Content-Type: application/json")
	}
	rows["reader searches in another language"] = withBody("POST /logs-a/_search", "query: {}", reader,
		"Content-Type: application/yaml")
	rows["reader searches in gzip that is none"] = withBody("POST /logs-a/_search", "{}", reader, "Content-Encoding: gzip")
	rows["reader searches in an unknown coding"] = withBody("POST /logs-a/_search", "{}", reader, "Content-Encoding: br")
	rows["reader searches in two codings"] = withBody("POST /logs-a/_search", "{}", reader, "Content-Encoding: gzip, gzip")
	grace := bearer(graceToken)
	for _, body := range []string{
		`{"index":{"_index":"secret"}}` + "\n{}\n", `{"index":{"_index":"grace-1"}}` + "\n{}\n" + `{"delete":{"_index":"x"}}`,
		`{"index":{}}` + "\n{}\n", `{"index":{"_index":"grace-1","_index":"secret"}}` + "\n{}\n",
		`{"index":{"_index":"grace-1","pipeline":"p"}}` + "\n{}\n", `{"index":{"_index":"grace-1","unheard":1}}` + "\n{}\n",
		`{"update":{"_index":"<secret-{now/d}>"}}` + "\n{}\n", "\n" + `{"index":{"_index":"secret"}}` + "\n{}\n",
		`{"index":{"_index":"gr\u0061ce-1\u002csecret"}}` + "\n{}\n", "{}", "x",
	} {
		rows["grace writes "+body] = withBody("POST /_bulk", body, grace, "Content-Type: application/x-ndjson")
	}
	for _, body := range []string{
		`{"source":{"index":"secret"},"dest":{"index":"grace-1"}}`,
		`{"source":{"index":"grace-1"},"dest":{"index":"secret"}}`,
		`{"source":{"index":"grace-1"},"dest":{"index":"grace-2","pipeline":"p"}}`,
		`{"source":{"index":"grace-1"},"dest":{"index":"grace-2"},"script":{"source":"ctx._index='secret'"}}`,
		`{"source":{"remote":{"host":"http://169.254.169.254"},"index":"secret"},"dest":{"index":"grace-1"}}`, `{}`,
	} {
		rows["grace copies "+body] = withBody("POST /_reindex", body, grace)
	}
	rows["grace by an alias"] = withBody("PUT /grace-1/_alias/x", `{"index":"secret"}`, grace)
	rows["grace by aliases"] = withBody("POST /_aliases",
		`{"actions":[{"add":{"index":"secret","alias":"grace-x"}}]}`, grace)
	rows["grace by a pipeline"] = withBody("PUT /grace-1", `{"settings":{"index.default_pipeline":"p"}}`, grace)
	rows["grace by a wildcard over an alias"] = withBody("DELETE /*", "", grace)
	rows["body that does not go on"] = "POST /_bulk HTTP/1.1\r\nHost: HOST\r\n" + grace + "\r\nContent-Length: 99\r\n\r\n{"
	rows["two requests in one"] = withBody("POST /_bulk", "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n", grace)
	if len(rows) < 80 {
		t.Errorf("%d attacks, want 80", len(rows))
	}
	var audit syncBuffer
	w := newWorld(t, gated(t, &audit), listAliases)
	for name, raw := range rows {
		before := len(w.passed())
		answer := w.send(t, raw)
		if got := w.passed(); len(got) > before {
			t.Errorf("%s: %s reached the domain, and was answered %s", name, got[len(got)-1], answer)
		}
		if strings.HasPrefix(answer, "2") || strings.Contains(answer, "logs-secret") && !strings.Contains(raw, "secret") {
			t.Errorf("%s: was answered %s", name, answer)
		}
	}
	t.Logf("%d attacks, 0 through", len(rows))
	for _, word := range []string{graceToken, readerToken, secret} {
		if strings.Contains(audit.String()+w.log.String(), word) {
			t.Errorf("%q is in the audit or in the log", word)
		}
	}
	if memory, disk := w.budget.Taken(); memory != 0 || disk != 0 {
		t.Errorf("%d bytes of memory and %d of disk stay taken", memory, disk)
	}
}

// The audit has a line for each request, with what it touched, and none of its bytes act on a terminal.
func TestTheAuditSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	var audit syncBuffer
	w := newWorld(t, gated(t, &audit), func(rw http.ResponseWriter, r *http.Request) {
		if r.RequestURI == "/logs-a/_doc/x" {
			rw.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(rw, "answer")
	})
	body := `{"index":{"_index":"grace-1"}}` + "\n{}\n"
	for n, raw := range []string{
		withBody("POST /_bulk?refresh=true", body, bearer(graceToken)),
		withBody("GET /logs-a/_doc/1%1B[2J\u202e\u0085", "", bearer(readerToken)),
		withBody("GET /logs-a/_doc/x", "", bearer(readerToken)),
		withBody("DELETE /logs-a", "", bearer(readerToken)),
		withBody("GET /logs-a/_doc/1?token=hidden", "", bearer("wrong")),
		"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
	} {
		w.send(t, raw)
		// The line is written when the request is over, which is after its answer.
		for range 500 {
			if strings.Count(audit.String(), "\n") > n {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	var lines []proxy.AuditLine
	for text := range strings.Lines(audit.String()) {
		if i := strings.IndexFunc(text, func(r rune) bool { return r == '\u202e' || r == '\u0085' || r == '\x1b' }); i >= 0 {
			t.Errorf("%q has a character that a terminal acts on", text)
		}
		var l proxy.AuditLine
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if l.Time.IsZero() || l.From == "" && l.Status != 0 {
			t.Errorf("%s has no time, or not from where it comes", text)
		}
		l.Time, l.From, l.MS = time.Time{}, "", 0
		lines = append(lines, l)
	}
	want := []proxy.AuditLine{
		{
			Who: graceARN, Method: "POST", Action: "es:ESHttpPost", Path: "/_bulk",
			Asked: []string{"POST /_bulk", "POST /grace-1/_bulk"}, Status: 200, BytesIn: int64(len(body)), BytesOut: 6,
		},
		{
			Who: readerSession, Method: "GET", Action: "es:ESHttpGet", Path: "/logs-a/_doc/1%1B[2J\u202e\u0085", Status: 403,
			Cause: "not-understood",
		},
		{
			Who: readerSession, Method: "GET", Action: "es:ESHttpGet", Path: "/logs-a/_doc/x", Status: 403, BytesOut: 6,
			Asked: []string{"GET /logs-a/_doc/x"}, Cause: "unknown",
		},
		{
			Who: readerSession, Method: "DELETE", Action: "es:ESHttpDelete", Path: "/logs-a", Status: 403,
			Asked: []string{"DELETE /logs-a"}, Cause: "proxy-policy-denies",
		},
		{
			Who: "anonymous", Method: "GET", Action: "es:ESHttpGet", Path: "/logs-a/_doc/1", Status: 401,
			Cause: "not-a-client",
		},
		{Who: "anonymous", Method: "GET", Action: "es:ESHttpGet", Path: "/", Status: 403, Cause: "host-not-allowed"},
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), audit.String())
	}
	for i, got := range lines {
		if got.Cause != "" && got.Cause != "unknown" { // the words of the proxy's own refusals
			got.BytesOut, got.Detail = 0, ""
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want[i]) {
			t.Errorf("line %d is %+v\nwant %+v", i, got, want[i])
		}
	}
}

// An answer that breaks off is in the audit as such.
func TestTheAuditSaysWhatWasBrokenOff(t *testing.T) {
	t.Parallel()
	var audit syncBuffer
	w := newWorld(t, gated(t, &audit), func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(rw, "part")
	})
	w.send(t, withBody("GET /logs-a/_doc/1", "", bearer(readerToken)))
	deadline := time.Now().Add(10 * time.Second)
	for !strings.Contains(audit.String(), `"aborted":true`) {
		if time.Now().After(deadline) {
			t.Fatalf("the audit says %s", audit.String())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

// issue makes a client's certificate.
func (a *authority) issue(t *testing.T, subject pkix.Name, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: subject, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// A certificate counts when it is of the authority, of its time, for clients, and its subject is in the list.
func TestCertificatesSayWhoAsks(t *testing.T) {
	t.Parallel()
	var audit syncBuffer
	cfg := proxy.Config{}
	gated(t, &audit)(&cfg)
	var mu sync.Mutex
	var reached []string
	domain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		reached = append(reached, r.RequestURI)
	}))
	defer domain.Close()
	cfg.Domain, cfg.Transport = domain.URL, http.DefaultTransport
	p, err := proxy.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := newAuthority(t), newAuthority(t)
	front := httptest.NewUnstartedServer(p)
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	front.TLS = &tls.Config{ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}
	front.EnableHTTP2 = true
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	front.StartTLS()
	defer front.Close()
	reader := pkix.Name{CommonName: "reader", Organization: []string{"Example"}}
	trusted := front.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, c := range map[string]struct {
		cert   *tls.Certificate
		header string
		want   int // 0 is no connection at all
	}{
		"reader":                     {cert: new(ours.issue(t, reader, nil)), want: 200},
		"reader, with a wrong token": {cert: new(ours.issue(t, reader, nil)), header: "Bearer x", want: 401},
		"nobody":                     {want: 401},
		"a token alone":              {header: "Bearer " + readerToken, want: 200},
		"another subject":            {cert: new(ours.issue(t, pkix.Name{CommonName: "reader"}, nil)), want: 401},
		"a subject that looks the same": {
			cert: new(ours.issue(t, pkix.Name{CommonName: "reader,O=Example"}, nil)), want: 401,
		},
		"the name as an alternative": {
			cert: new(ours.issue(t, pkix.Name{CommonName: "x"}, func(c *x509.Certificate) {
				c.DNSNames = []string{"CN=reader,O=Example", "reader"}
			})), want: 401,
		},
		"the parts in another order": {
			cert: new(ours.issue(t, pkix.Name{ExtraNames: []pkix.AttributeTypeAndValue{
				{Type: []int{2, 5, 4, 3}, Value: "reader"}, {Type: []int{2, 5, 4, 10}, Value: "Example"},
			}}, nil)), want: 401,
		},
		"another authority": {cert: new(theirs.issue(t, reader, nil))},
		"signed by itself":  {cert: new((&authority{&x509.Certificate{Subject: reader}, theirs.key}).issue(t, reader, nil))},
		"signed by a client": {cert: func() *tls.Certificate {
			client := ours.issue(t, reader, nil)
			leaf, err := x509.ParseCertificate(client.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			forged := (&authority{leaf, client.PrivateKey.(*ecdsa.PrivateKey)}).issue(t, reader, nil)
			forged.Certificate = append(forged.Certificate, client.Certificate...)
			return &forged
		}()},
		"of yesterday": {cert: new(ours.issue(t, reader, func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-time.Minute)
		}))},
		"of a server": {cert: new(ours.issue(t, reader, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}))},
		"without its key": {cert: func() *tls.Certificate {
			c, other := ours.issue(t, reader, nil), ours.issue(t, reader, nil)
			c.PrivateKey = other.PrivateKey
			return &c
		}()},
	} {
		tlsConfig := &tls.Config{RootCAs: trusted}
		if c.cert != nil {
			// Sent whatever the server asks for.
			tlsConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.cert, nil }
		}
		for _, http2 := range []bool{false, true} {
			transport := &http.Transport{TLSClientConfig: tlsConfig.Clone(), ForceAttemptHTTP2: http2}
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, front.URL+"/logs-a/_doc/1", nil)
			if c.header != "" {
				req.Header.Set("Authorization", c.header)
			}
			mu.Lock()
			before := len(reached)
			mu.Unlock()
			got := 0
			if resp, err := transport.RoundTrip(req); err == nil {
				got = resp.StatusCode
				_ = resp.Body.Close()
			}
			transport.CloseIdleConnections()
			mu.Lock()
			through := len(reached) > before
			mu.Unlock()
			if got != c.want || through != (c.want == 200) {
				t.Errorf("%s, HTTP/2 %v: %d and through %v, want %d", name, http2, got, through, c.want)
			}
		}
	}
	if text := audit.String(); !strings.Contains(text, `"subject":"CN=reader,O=Example"`) {
		t.Errorf("the audit says %s", text)
	}
}

func TestAListOfClientsIsCheckedAndFollowed(t *testing.T) {
	t.Parallel()
	good := `{"arn":"` + graceARN + `","token_sha256":"` + hashOf("x") + `"}`
	for entries, want := range map[string]string{
		``: "there are no clients", `{}`: "a client has an ARN",
		`{"arn":"` + graceARN + `"}`:   "either token_sha256 or subject",
		`{"arn":"*","subject":"CN=x"}`: "a client has an ARN",
		`{"arn":"` + graceARN + `","subject":"CN=x","token_sha256":"` + hashOf("x") + `"}`: "either token_sha256 or subject",
		`{"arn":"` + graceARN + `","token_sha256":"x"}`:                                    "not the SHA-256",
		`{"arn":"` + graceARN + `","token_sha256":"` + hashOf("") + `"}`:                   "an empty token",
		good + "," + good: "that of another client",
		`{"arn":"` + graceARN + `","subject":"CN=x"},{"arn":"` + readerARN + `","subject":"CN=x"}`: "there twice",
		`{"arn":"` + graceARN + `","token":"x"}`:                                                   "write its SHA-256",
		`{"arn":"` + graceARN + `","subject":1}`:                                                   "/clients/0/subject",
		`{"arn":"` + graceARN + `","Subject":"CN=x"}`:                                              `name "Subject"`,
		`{"arn":"` + graceARN + `",}`:                                                              "not JSON at",
		`{"arn":"` + graceARN + `","arn":"x","subject":"CN=x"}`:                                    "arn",
		`{"arn":"arn:aws:iam::1:role/x","subject":"CN=x"}`:                                         "parse principal",
		`{"arn":"arn:aws:iam::123456789012:root","subject":"CN=x"}`:                                "may do everything",
		`{"arn":"123456789012","subject":"CN=x"}`:                                                  "may do everything",
		`{"arn":"arn:aws:s3:::x","subject":"CN=x"}`:                                                "is not the ARN",
		good + `]} {`: "list of clients",
	} {
		_, err := proxy.OpenClients(clientsFile(t, entries), nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", entries, err, want)
		}
	}
	open := clientsFile(t, good)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := proxy.OpenClients(open, nil); err == nil || !strings.Contains(err.Error(), "others than its owner") {
		t.Errorf("a list that others can read: %v", err)
	}
	// What becomes of a list that was good at the start.
	path := clientsFile(t, good)
	clients, err := proxy.OpenClients(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *proxy.Config) { c.Clients = clients }, nil)
	if got := w.send(t, get("/", bearer("x"))); !strings.HasPrefix(got, "200") {
		t.Errorf("a client is answered %s", got)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		got := w.send(t, get("/", bearer("x")))
		if strings.HasPrefix(got, "503") && strings.Contains(got, "clients-unreadable") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("with a list that is not valid a client is answered %s", got)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// The two ways of asking for a token are there, so that a browser can ask for one.
func TestStrangersAreToldHowToSayWhoTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, gated(t, io.Discard), nil)
	resp, err := http.Get("http://" + w.addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	asked := resp.Header.Values("Www-Authenticate")
	if resp.StatusCode != http.StatusUnauthorized || len(asked) != 2 ||
		!slices.ContainsFunc(asked, func(s string) bool { return strings.HasPrefix(s, "Basic ") }) {
		t.Errorf("answered %s with %q", resp.Status, asked)
	}
}

// In parity mode the URL alone is judged, and bodies stream.
func TestParityJudgesTheURLAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *proxy.Config) {
		gated(t, io.Discard)(c)
		c.Mode = guard.ModeParity
	}, nil)
	body := bytes.Repeat([]byte("x"), 100)
	if got := w.send(t, withBody("POST /_bulk", string(body), bearer(graceToken))); !strings.HasPrefix(got, "200") {
		t.Errorf("answered %s", got)
	}
	got := w.send(t, withBody("POST /x/_bulk", "", bearer(graceToken)))
	if !strings.HasPrefix(got, "403 Forbidden proxy-policy-denies") {
		t.Errorf("answered %s", got)
	}
}
