package doctor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/sigv4/explain"
)

// sent is a signed request as it was sent.
func sent(t *testing.T, c sigv4.Credentials) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://search-x.eu-west-1.es.amazonaws.com/_bulk",
		http.NoBody)
	s := sigv4.Signer{Region: "eu-west-1", Service: "es"}
	if err := s.Sign(r, c, sigv4.EmptyPayloadHash, time.Now()); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestASentenceOfTheServiceHasItsCause has the sentences of domains of all times, as they were seen, with the request
// that each answers.
func TestASentenceOfTheServiceHasItsCause(t *testing.T) {
	t.Parallel()
	user := sent(t, sigv4.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "s"})
	userWithToken := sent(t, sigv4.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "s", SessionToken: "old"})
	session := sent(t, sigv4.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "s", SessionToken: "t"})
	half := sent(t, sigv4.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "s"})
	unsigned := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://x/", http.NoBody)
	denied := func(tail string) string {
		return `{"Message":"User: arn:aws:iam::123456789012:user/grace is not authorized to perform: es:ESHttpPost` +
			tail + `"}`
	}
	const badToken = `{"message":"The security token included in the request is invalid"}`
	const unknownKey = `{"message":"The security token included in the request is invalid."}`
	const mismatch = `{"message":"The request signature we calculated does not match the signature you provided. ` +
		`Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}`
	blocked := func(reason string) string {
		return `{"error":{"type":"cluster_block_exception","reason":"` + reason + `"},"status":403}`
	}
	for _, test := range []struct {
		name       string
		status     int
		request    *http.Request
		header     http.Header
		body       string
		want       doctor.Cause
		candidates string
	}{
		{"anonymous 2015", 403, unsigned, nil, `{"Message":"User: anonymous is not authorized to perform: es:ESHttpGet on ` +
			`resource: arn:aws:es:r:a:domain/d/_plugin/kibana/"}`, doctor.Anonymous, ""},
		{"anonymous now", 403, unsigned, nil, `{"Message":"User: anonymous is not authorized to perform: es:ESHttpPost ` +
			`because no resource-based policy allows the es:ESHttpPost action"}`, doctor.Anonymous, ""},
		{"anonymous though signed", 403, user, nil, `{"Message":"User: anonymous is not authorized to perform: ` +
			`es:ESHttpPost"}`, doctor.HeaderChanged, ""},
		{"anonymous denied", 403, unsigned, nil, `{"Message":"User: anonymous is not authorized to perform: es:ESHttpGet ` +
			`with an explicit deny in a resource-based policy"}`, doctor.PolicyDenies, ""},
		{
			"refused 2018", 403, user, nil, denied(""), doctor.PolicyRefuses,
			"policy-lacks-principal policy-lacks-action policy-lacks-path",
		},
		{
			"refused now", 403, session, nil, denied(" because no identity-based policy allows the es:ESHttpPost action"),
			doctor.PolicyRefuses, "policy-lacks-principal policy-lacks-action policy-lacks-path",
		},
		{
			"no half", 403, session, nil, denied(" because no resource-based policy allows the es:ESHttpPost action"),
			doctor.PolicyRefuses, "other-account-half policy-lacks-principal policy-lacks-path",
		},
		{"deny", 403, user, nil, denied(" with an explicit deny in an identity-based policy"), doctor.PolicyDenies, ""},
		{"scp", 403, user, nil, denied(" with an explicit deny in a service control policy"), doctor.BoundaryOrSCP, ""},
		{
			"boundary", 403, user, nil, denied(" because no permissions boundary allows the es:ESHttpPost action"),
			doctor.BoundaryOrSCP, "",
		},
		{
			"session policy", 403, session, nil, denied(" because no session policy allows the es:ESHttpPost action"),
			doctor.BoundaryOrSCP, "",
		},
		{"unknown key", 403, user, nil, unknownKey, doctor.KeyUnknown, ""},
		{"unknown session", 403, session, nil, unknownKey, doctor.KeyUnknown, ""},
		{"half a session", 403, half, nil, unknownKey, doctor.TokenMissing, ""},
		{"bad token", 403, session, nil, badToken, doctor.TokenInvalid, ""},
		{"a user's key with a token", 403, userWithToken, nil, badToken, doctor.TokenInvalid, ""},
		{"a token, nobody knows whose", 403, nil, nil, badToken, doctor.Signature, "key-unknown token-missing token-invalid"},
		{
			"expired", 403, session, nil, `{"message":"The security token included in the request is expired"}`,
			doctor.CredentialsExpired, "",
		},
		{
			"region", 403, user, nil, `{"message":"Credential should be scoped to a valid region, not 'custom'. "}`,
			doctor.RegionWrong, "",
		},
		{
			"service", 403, user, nil, `{"message":"Credential should be scoped to correct service: 'es'. "}`,
			doctor.ServiceWrong, "",
		},
		{
			"both", 403, user, nil, `{"message":"Credential should be scoped to a valid region, not 'x'. ` +
				`Credential should be scoped to correct service: 'es'. "}`, doctor.RegionWrong, "service-wrong",
		},
		{
			"late", 403, user, nil, `{"message":"Signature expired: 20240522T115159Z is now earlier than ` +
				`20240522T120519Z (20240522T121019Z - 5 min.)"}`, doctor.ClockSkew, "",
		},
		{
			"early", 403, user, nil, `{"message":"Signature not yet current: 20240522T115159Z is still later than x"}`,
			doctor.ClockSkew, "",
		},
		{
			"HEAD, an hour apart", 403, user,
			http.Header{"Date": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}},
			"", doctor.ClockSkew, "",
		},
		{"HEAD", 403, user, http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}, "", doctor.Unknown, ""},
		{"signature, short", 403, user, nil, mismatch, doctor.Signature, "secret-wrong header-changed path-encoding"},
		{
			"basic to a signing domain", 403, unsigned, nil, `{"message":"'YmV0' not a valid key=value pair (missing ` +
				`equal-sign) in Authorization header: 'Basic YmV0'."}`, doctor.Signature, "header-changed",
		},
		{
			"password", 401, unsigned,
			http.Header{"Www-Authenticate": {`Basic realm="OpenSearch Security"`}},
			"Unauthorized",
			doctor.BasicAuthWanted, "",
		},
		{
			"role", 403, user, nil, `{"error":{"root_cause":[],"type":"security_exception","reason":"no permissions for ` +
				`[indices:data/write/bulk] and User [name=arn:aws:iam::1:role/r, backend_roles=[]]"},"status":403}`,
			doctor.FineGrainedRole, "",
		},
		{"API", 401, user, nil, `{"Message":"Your request: '/_cluster/state' is not allowed."}`, doctor.APINotOffered, ""},
		{"throttled 403", 403, user, nil, "403 Request throttled due to too many requests", doctor.Throttled, ""},
		{"throttled 429", 429, user, nil, "429 Too Many Requests /_bulk", doctor.Throttled, ""},
		{"large", 413, user, nil, `{"Message":"Request size exceeded 10485760 bytes"}`, doctor.RequestTooLarge, ""},
		{
			"write block", 403, user, nil, blocked("index [x] blocked by: [FORBIDDEN/8/index write (api)];"),
			doctor.WritesBlocked, "",
		},
		{
			"create block", 403, user, nil, blocked("blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];"),
			doctor.WritesBlocked, "disk-full",
		},
		{
			"disk", 429, user, nil, blocked("index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage " +
				"watermark, index has read-only-allow-delete block];"), doctor.DiskFull, "",
		},
		{
			"shards", 400, user, nil, `{"error":{"type":"validation_exception","reason":"Validation Failed: 1: this action ` +
				`would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open;"},"status":400}`,
			doctor.ShardLimit, "",
		},
		{"page", 200, user, http.Header{"Content-Type": {"text/html"}}, "<html>", doctor.NotADomain, ""},
		{
			"page of a proxy", 200, user,
			http.Header{"Content-Type": {"text/html"}, "Via": {"1.1 squid"}},
			"<html>",
			doctor.ProxyInBetween, "",
		},
		{"page of squid", 403, user, http.Header{"Server": {"squid/5.7"}}, "<html>", doctor.ProxyInBetween, ""},
		{"dashboards", 302, user, http.Header{"Location": {"/_dashboards/app/home"}}, "", doctor.WrongEndpoint, ""},
		{"elsewhere", 301, user, http.Header{"Location": {"https://example.com/"}}, "", doctor.NotADomain, ""},
		{"nothing", 403, user, nil, "", doctor.Unknown, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := test.header
			if h == nil {
				h = http.Header{}
			}
			e := domain.ClassifyResponse(&http.Response{StatusCode: test.status, Header: h, Request: test.request},
				[]byte(test.body))
			got, ok := doctor.Explain(e)
			if !ok || got.Cause != test.want || joined(got.Candidates) != test.candidates {
				t.Errorf("%s: cause %s, candidates %q; want %s, %q", test.body, got.Cause, joined(got.Candidates), test.want,
					test.candidates)
			}
		})
	}
}

func joined(causes []doctor.Cause) string {
	var all []string
	for _, c := range causes {
		all = append(all, string(c))
	}
	return strings.Join(all, " ")
}

// TestAChangeOnTheWayIsNamedByTheDomainsCanonicalRequest signs requests, alters them on the wire in one way each, and
// has the answer of a verifier explained.
func TestAChangeOnTheWayIsNamedByTheDomainsCanonicalRequest(t *testing.T) {
	t.Parallel()
	const token = "token-that-must-not-show"
	key := sigv4.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "right", SessionToken: token}
	const target = "/logs-%2Fa,b*/_search?q=a%20b%2Bc&v"
	body := `{"size":0}`
	for _, test := range []struct {
		name   string
		secret string
		alter  func(*http.Request)
		want   doctor.Cause
		detail string
	}{
		{"nothing", "right", nil, "", ""},
		{"secret", "wrong", nil, doctor.SecretWrong, ""},
		{"slash decoded", "right", func(r *http.Request) {
			r.URL.Opaque = strings.Replace(r.URL.Opaque, "%2F", "/", 1)
		}, doctor.PathEncoding, "signed path: "},
		{"star encoded", "right", func(r *http.Request) {
			r.URL.Opaque = strings.Replace(r.URL.Opaque, "*", "%2A", 1)
		}, doctor.PathEncoding, "signed path: "},
		{"query rewritten", "right", func(r *http.Request) {
			r.URL.Opaque = strings.Replace(r.URL.Opaque, "%2B", "%20", 1)
		}, doctor.PathEncoding, "signed query: "},
		{"host", "right", func(r *http.Request) { r.Host = "upstream" }, doctor.HeaderChanged, "and upstream arrived"},
		{"type", "right", func(r *http.Request) {
			r.Header.Set("Content-Type", "application/json; charset=utf-8")
		}, doctor.HeaderChanged, "content-type"},
		{"no type", "right", func(r *http.Request) { r.Header.Del("Content-Type") }, doctor.HeaderChanged, "content-type"},
		{"body", "right", func(r *http.Request) {
			hostile.SetBody(r, strings.NewReader("{}"), 2)
		}, doctor.BodyChanged, "signed payload hash: "},
		{"method", "right", func(r *http.Request) { r.Method = http.MethodPut }, doctor.ProxyInBetween, "PUT arrived"},
		{"prefix", "right", func(r *http.Request) {
			r.URL.Opaque = "/es" + r.URL.Opaque
		}, doctor.ProxyInBetween, "and /es/logs-"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			verifier := &sigv4.Verifier{
				Region: "eu-west-1", Service: "es",
				Lookup: func(context.Context, string) (sigv4.Credentials, error) { return key, nil },
			}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, err := verifier.Verify(r); err != nil {
					auth, _ := errors.AsType[*sigv4.AuthError](err)
					w.WriteHeader(auth.Status)
					_, _ = w.Write(auth.JSON())
				}
			}))
			t.Cleanup(server.Close)
			hop := httptest.NewServer(hostile.Hop(server.URL, test.alter))
			t.Cleanup(hop.Close)
			mine := key
			mine.SecretAccessKey = test.secret
			transport := &sigv4.Transport{
				Base: http.DefaultTransport, Credentials: sigv4.Static(mine), Region: "eu-west-1", Service: "es",
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, hop.URL+target, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			answer, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if test.want == "" {
				if resp.StatusCode != http.StatusOK {
					t.Fatalf("%d: %s", resp.StatusCode, answer)
				}
				return
			}
			got, _ := doctor.Explain(domain.ClassifyResponse(resp, answer))
			if got.Cause != test.want || !strings.Contains(got.Detail, test.detail) {
				t.Errorf("cause %s, %q; want %s, %q; the answer was %s", got.Cause, got.Detail, test.want, test.detail, answer)
			}
			if strings.Contains(got.Detail, token) || !bytes.Contains(answer, []byte(token)) {
				t.Errorf("the token is shown: %q", got.Detail)
			}
		})
	}
}

// causer is an error of another package that knows its cause.
type causer struct{ name string }

func (c causer) Error() string { return "x" }
func (c causer) Cause() string { return c.name }

func TestFailuresWithoutAnAnswerHaveTheirCause(t *testing.T) {
	t.Parallel()
	reach := func(err error) error { return &domain.Error{Kind: domain.Unreachable, Err: err} }
	for _, test := range []struct {
		err  error
		want doctor.Cause
	}{
		{fmt.Errorf("sign request: %w", sigv4.ErrNoCredentials), doctor.CredentialsMissing},
		{sigv4.ErrExpiredCredentials, doctor.CredentialsExpired},
		{fmt.Errorf("x: %w", causer{"sso-login"}), doctor.SSOLogin},
		{causer{"no such name"}, ""},
		{reach(&net.DNSError{IsNotFound: true}), doctor.DNS},
		{reach(&net.DNSError{IsTimeout: true}), doctor.Unreached},
		{reach(&domain.StallError{}), doctor.Unreached},
		{reach(errors.New("Proxy Authentication Required")), doctor.ProxyInBetween},
		{reach(context.Canceled), ""},
		{errors.New("x"), ""},
	} {
		if got, ok := doctor.Explain(test.err); got.Cause != test.want || ok != (test.want != "") {
			t.Errorf("%v: %s, %v; want %s", test.err, got.Cause, ok, test.want)
		}
	}
}

// TestTheTableIsWhole wants of every cause an exit code, its words, and no fix that opens more than was closed.
func TestTheTableIsWhole(t *testing.T) {
	t.Parallel()
	var names []doctor.Cause
	for _, c := range doctor.Causes() {
		names = append(names, c.Name)
		if c.Means == "" || c.Evidence == "" || c.Fix == "" || !slices.Contains([]int{2, 4, 5}, c.Exit) {
			t.Errorf("%s: %+v", c.Name, c)
		}
		for _, open := range []string{`"*"`, "es:*", "--insecure", "aoss:*", "s3:*"} {
			if strings.Contains(c.Fix, open) {
				t.Errorf("the fix of %s has %s", c.Name, open)
			}
		}
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("a cause is there twice: %v", names)
	}
	for c := range strings.FieldsSeq("credentials-missing credentials-expired sso-login imds-hops assume-role-denied " +
		"key-unknown secret-wrong token-missing token-invalid region-wrong service-wrong clock-skew header-changed " +
		"path-encoding body-changed policy-denies policy-lacks-principal policy-lacks-action policy-lacks-path " +
		"boundary-or-scp address-not-listed other-account-half anonymous fine-grained-role basic-auth-wanted throttled " +
		"writes-blocked disk-full shard-limit request-too-large aoss-data-access dns unreachable vpc-only tls-untrusted " +
		"tls-name not-a-domain wrong-endpoint proxy-in-between bucket-region bucket-denied kms-denied archived " +
		"dead-letters-denied queue-visibility function-timeout policy-refuses signature unknown") {
		if !slices.Contains(names, doctor.Cause(c)) {
			t.Errorf("%s is not in the table", c)
		}
	}
}

// TestTheCausesOfBothExplainersAreOfOneTable holds the names of sigv4/explain to the table.
func TestTheCausesOfBothExplainersAreOfOneTable(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		explain.CauseExpired, explain.CauseKeyUnknown, explain.CauseSecretWrong, explain.CauseTokenMissing,
		explain.CauseTokenInvalid, explain.CauseRegionWrong, explain.CauseServiceWrong, explain.CauseClockSkew,
		explain.CauseHeaderChanged, explain.CausePathEncoding, explain.CauseBodyChanged, explain.CauseProxy,
		explain.CauseAnonymous, explain.CausePolicyDenies, explain.CausePolicyRefuses, explain.CauseFineGrained,
		explain.CauseWrongEndpoint, explain.CauseSignature, explain.CauseUnknown,
	} {
		if got := doctor.Cause(name).Info().Name; got != doctor.Cause(name) {
			t.Errorf("%s is not in the table", name)
		}
	}
}
