package guard_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seed56735111/penstock/guard/identity"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// newSTS serves the domain's identities and returns an SDK client for one of them.
func newSTS(t *testing.T, ids *identity.Store) func(identity.Credentials) *sts.Client {
	t.Helper()
	handler := identity.NewSTS(ids, 0, nil)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !identity.IsSTS(r) {
			t.Errorf("%s %s is not taken for STS", r.Method, r.RequestURI)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return func(c identity.Credentials) *sts.Client {
		return sts.New(sts.Options{
			Region: region, BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
			Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, string(c.Secret), string(c.Token)),
		})
	}
}

// Without a logger a failure is answered all the same.
func TestACallThatBreaksOffIsAnswered(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	body := iotest.ErrReader(errors.New("connection reset"))
	identity.NewSTS(identity.New(), 0, nil).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", body))
	if w.Code < 400 {
		t.Errorf("answered with %d: %s", w.Code, w.Body)
	}
}

func TestRealSDKsGetRoleSessions(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "iam="+shipper)
	client := newSTS(t, d.Identities)
	who, err := client(d.keys[alice]).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != alice || *who.Account != account || !strings.HasPrefix(*who.UserId, "AIDA") {
		t.Fatalf("caller identity: %+v, %v", who, err)
	}
	out, err := client(d.keys[alice]).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(shipper), RoleSessionName: aws.String("day"), DurationSeconds: aws.Int32(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::123456789012:assumed-role/shipper/day" {
		t.Errorf("assumed %s", *out.AssumedRoleUser.Arn)
	}
	if left := time.Until(*out.Credentials.Expiration); left < 890*time.Second || left > 900*time.Second {
		t.Errorf("the session expires in %v", left)
	}
	session := identity.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, Secret: identity.Secret(*out.Credentials.SecretAccessKey),
		Token: identity.Secret(*out.Credentials.SessionToken),
	}
	who, err = client(session).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:sts::123456789012:assumed-role/shipper/day" ||
		!strings.HasSuffix(*who.UserId, ":day") {
		t.Errorf("caller identity of the session: %+v, %v", who, err)
	}
	d.keys["day"] = session
	if status, body := d.do(t, "day", "GET", "/", ""); status != http.StatusOK {
		t.Errorf("the session at the domain: %d %s", status, body)
	}
	if status, _ := d.do(t, alice, "GET", "/", ""); status != http.StatusForbidden {
		t.Errorf("the user herself: %d", status)
	}
	own, err := client(d.keys[alice]).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	who, err = client(identity.Credentials{
		AccessKeyID: *own.Credentials.AccessKeyId, Secret: identity.Secret(*own.Credentials.SecretAccessKey),
		Token: identity.Secret(*own.Credentials.SessionToken),
	}).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != alice {
		t.Errorf("caller identity of a user's session: %+v, %v", who, err)
	}
}

func TestSessionPoliciesTakeAway(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "iam="+shipper)
	const onlyGet = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"es:ESHttpGet","Resource":"*"}]}`
	out, err := newSTS(t, d.Identities)(d.keys[alice]).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String(shipper), RoleSessionName: aws.String("reader"), Policy: aws.String(onlyGet),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.keys["reader"] = identity.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, Secret: identity.Secret(*out.Credentials.SecretAccessKey),
		Token: identity.Secret(*out.Credentials.SessionToken),
	}
	if status, body := d.do(t, "reader", "GET", "/a/_search", ""); status != http.StatusOK {
		t.Errorf("GET: %d %s", status, body)
	}
	if status, body := d.do(t, "reader", "DELETE", "/a", ""); status != http.StatusForbidden {
		t.Errorf("DELETE: %d %s", status, body)
	}
}

func TestSTSRefusesAsTheServiceDoes(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "deny")
	const closed, keyed = "arn:aws:iam::123456789012:role/closed", "arn:aws:iam::123456789012:role/keyed"
	for _, r := range []identity.Role{
		{ARN: closed, Trust: []string{bob}},
		{ARN: keyed, Trust: []string{"arn:aws:iam::123456789012:root"}, ExternalID: "x1"},
	} {
		if err := d.Identities.CreateRole(r); err != nil {
			t.Fatal(err)
		}
	}
	client := newSTS(t, d.Identities)
	role := func(arn, session string, change ...func(*sts.AssumeRoleInput)) *sts.AssumeRoleInput {
		in := &sts.AssumeRoleInput{RoleArn: aws.String(arn), RoleSessionName: aws.String(session)}
		for _, f := range change {
			f(in)
		}
		return in
	}
	for _, c := range []struct {
		name          string
		who           identity.Credentials
		in            *sts.AssumeRoleInput
		status        int
		code, message string
	}{
		{
			name: "not trusted", who: d.keys[alice], in: role(closed, "day"), status: 403, code: "AccessDenied",
			message: "User: " + alice + " is not authorized to perform: sts:AssumeRole on resource: " + closed,
		},
		{
			name: "another account", who: d.keys[mallory], in: role(shipper, "day"), status: 403, code: "AccessDenied",
			message: "User: " + mallory + " is not authorized to perform: sts:AssumeRole on resource: " + shipper,
		},
		{"no external id", d.keys[alice], role(keyed, "day"), 403, "AccessDenied", ""},
		{
			name: "external id", who: d.keys[alice],
			in: role(keyed, "day", func(i *sts.AssumeRoleInput) { i.ExternalId = aws.String("x1") }),
		},
		{"no such role", d.keys[alice], role("arn:aws:iam::123456789012:role/none", "day"), 403, "AccessDenied", ""},
		{
			name: "not a role", who: d.keys[alice], in: role(strings.Repeat("a", 20), "day"), status: 400,
			code: "ValidationError", message: "aaaaaaaaaaaaaaaaaaaa is invalid",
		},
		{"bad session name", d.keys[alice], role(shipper, "a b"), 400, "ValidationError", ""},
		{
			name: "too long", who: d.keys[alice],
			in: role(shipper, "day", func(i *sts.AssumeRoleInput) { i.DurationSeconds = aws.Int32(7200) }), status: 400,
			code: "ValidationError", message: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
		},
		{
			name: "too short", who: d.keys[alice],
			in: role(shipper, "day", func(i *sts.AssumeRoleInput) { i.DurationSeconds = aws.Int32(60) }), status: 400,
			code: "ValidationError",
		},
		{
			name: "bad policy", who: d.keys[alice],
			in: role(shipper, "day", func(i *sts.AssumeRoleInput) { i.Policy = aws.String(`{"Statement":1}`) }), status: 400,
			code: "MalformedPolicyDocument",
		},
		{
			name: "unknown key", who: identity.Credentials{AccessKeyID: "AKIANOBODY", Secret: "s"}, in: role(shipper, "day"),
			status: 403, code: "InvalidClientTokenId", message: "The security token included in the request is invalid.",
		},
		{
			name: "wrong secret", who: identity.Credentials{AccessKeyID: d.keys[alice].AccessKeyID, Secret: "s"},
			in: role(shipper, "day"), status: 403, code: "SignatureDoesNotMatch",
		},
	} {
		_, err := client(c.who).AssumeRole(t.Context(), c.in)
		if c.status == 0 {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		e, ok := errors.AsType[smithy.APIError](err)
		if !ok || e.ErrorCode() != c.code || c.message != "" && e.ErrorMessage() != c.message {
			t.Errorf("%s: got %v, want %s %s", c.name, err, c.code, c.message)
		}
		if h, ok := errors.AsType[interface {
			error
			HTTPStatusCode() int
		}](err); !ok || h.HTTPStatusCode() != c.status {
			t.Errorf("%s: got %v, want status %d", c.name, err, c.status)
		}
	}
	out, err := client(d.keys[alice]).GetSessionToken(t.Context(),
		&sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client(identity.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, Secret: identity.Secret(*out.Credentials.SecretAccessKey),
		Token: identity.Secret(*out.Credentials.SessionToken),
	}).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "AccessDenied" {
		t.Errorf("a session of a session: %v", err)
	}
}

func TestSTSWithoutASignatureOrAnAction(t *testing.T) {
	t.Parallel()
	h := identity.NewSTS(identity.New(), 0, nil)
	for _, c := range []struct {
		method, target, body, code string
		status                     int
	}{
		{"GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", "MissingAuthenticationToken", 403},
		{"POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", "MissingAuthenticationToken", 403},
		{"POST", "/", "Action=DropEverything&Version=2011-06-15", "InvalidAction", 400},
		{"POST", "/", "Action=GetCallerIdentity&Version=2010-01-01", "InvalidAction", 400},
		{"POST", "/", "Version=2011-06-15", "MissingAction", 400},
		{"POST", "/", "Action=%zz", "MalformedQueryString", 400},
		{"POST", "/", strings.Repeat("x", 65<<10), "RequestEntityTooLarge", 413},
		{"POST", "/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15", "ValidationError", 400},
	} {
		r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), "<Code>"+c.code+"</Code>") ||
			w.Header().Get("Content-Type") != "text/xml" {
			t.Errorf("%s %s %.40s: %d %s", c.method, c.target, c.body, w.Code, w.Body)
		}
	}
}

// One port serves both, so a domain's own requests must not be taken for those of STS.
func TestTheDomainAndSTSShareAPort(t *testing.T) {
	t.Parallel()
	const (
		form   = "application/x-www-form-urlencoded; charset=utf-8"
		forES  = "AWS4-HMAC-SHA256 Credential=AKIA/20151119/eu-west-1/es/aws4_request, SignedHeaders=host, Signature=0"
		forSTS = "AWS4-HMAC-SHA256 Credential=AKIA/20151119/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"
	)
	for _, c := range []struct {
		method, target, contentType, authorization string
		want                                       bool
	}{
		{"POST", "/", form, forSTS, true},
		{"POST", "/", "", forSTS, true},
		{"GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", forSTS, true},
		{"POST", "/", form, "", true}, // AssumeRoleWithWebIdentity is not signed
		{"GET", "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256", "", "", true},
		{"POST", "/", form, forES, false}, // what curl -d sends
		{"GET", "/?Action=GetCallerIdentity&Version=2011-06-15", "", forES, false},
		{"POST", "/", form, "Basic Og==", false},
		{"GET", "/", "", "", false},
		{"GET", "/?Action=x", "", "", false},
		{"POST", "/_bulk", form, "", false},
		{"POST", "/_bulk", form, forSTS, false},
		{"PUT", "/", form, forSTS, false},
		{"HEAD", "/", "", "", false},
	} {
		r := httptest.NewRequest(c.method, c.target, http.NoBody)
		r.Header.Set("Content-Type", c.contentType)
		r.Header.Set("Authorization", c.authorization)
		if got := identity.IsSTS(r); got != c.want {
			t.Errorf("%s %s, Content-Type %q, Authorization %.50q: got %v, want %v", c.method, c.target, c.contentType,
				c.authorization, got, c.want)
		}
	}
}

// webToken makes a token, signed by key when there is one.
func webToken(t *testing.T, claims map[string]any, key *ecdsa.PrivateKey) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	text := enc([]byte(`{"alg":"ES256","typ":"JWT"}`)) + "." + enc(payload)
	if key == nil {
		return text + "." + enc([]byte("none"))
	}
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + enc(signature)
}

func TestWebIdentityTokensAreCheckedAgainstTheRole(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	const loose, strict = "arn:aws:iam::123456789012:role/loose", "arn:aws:iam::123456789012:role/strict"
	ids := identity.New()
	trusted := identity.WebIdentity{Issuer: "https://issuer.example", Audience: "sts", Subject: "ci"}
	if err := ids.CreateRole(identity.Role{ARN: loose, WebIdentity: &trusted}); err != nil {
		t.Fatal(err)
	}
	signed := trusted
	signed.PublicKey = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	if err := ids.CreateRole(identity.Role{ARN: strict, WebIdentity: &signed}); err != nil {
		t.Fatal(err)
	}
	if err := ids.CreateRole(identity.Role{ARN: shipper}); err != nil {
		t.Fatal(err)
	}
	good := map[string]any{
		"iss": "https://issuer.example", "aud": []string{"x", "sts"}, "sub": "ci", "exp": time.Now().Add(time.Hour).Unix(),
	}
	with := func(name string, value any) map[string]any {
		m := maps.Clone(good)
		m[name] = value
		return m
	}
	client := newSTS(t, ids)(identity.Credentials{AccessKeyID: "unused", Secret: "unused"})
	for _, c := range []struct {
		name, role, token, code string
	}{
		{"unsigned", loose, webToken(t, good, nil), ""},
		{"one audience", loose, webToken(t, with("aud", "sts"), nil), ""},
		{"wrong audience", loose, webToken(t, with("aud", "web"), nil), "InvalidIdentityToken"},
		{"wrong issuer", loose, webToken(t, with("iss", "x"), nil), "InvalidIdentityToken"},
		{"wrong subject", loose, webToken(t, with("sub", "x"), nil), "InvalidIdentityToken"},
		{"expired", loose, webToken(t, with("exp", time.Now().Add(-time.Minute).Unix()), nil), "ExpiredTokenException"},
		{"no token", loose, "no token", "InvalidIdentityToken"},
		{"signed", strict, webToken(t, good, key), ""},
		{"signature missing", strict, webToken(t, good, nil), "InvalidIdentityToken"},
		{"signed by another", strict, webToken(t, good, other), "InvalidIdentityToken"},
		{"claims changed", strict, func() string {
			a, b := strings.Split(webToken(t, good, key), "."), strings.Split(webToken(t, with("exp", 4e9), key), ".")
			return a[0] + "." + b[1] + "." + a[2]
		}(), "InvalidIdentityToken"},
		{"role without web identity", shipper, webToken(t, good, key), "AccessDenied"},
	} {
		out, err := client.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String(c.role), RoleSessionName: aws.String("ci"), WebIdentityToken: aws.String(c.token),
		})
		if c.code == "" {
			if err != nil || *out.SubjectFromWebIdentityToken != "ci" || out.Credentials.SessionToken == nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != c.code {
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
}

// TestASessionPolicyLimitsWhatASessionMayAssume has sessions of a role with and without a session policy assume
// another.
func TestASessionPolicyLimitsWhatASessionMayAssume(t *testing.T) {
	t.Parallel()
	const other = "arn:aws:iam::123456789012:role/other"
	d := newDomain(t, "iam="+shipper)
	for _, role := range []string{other, "arn:aws:iam::123456789012:role/third"} {
		if err := d.Identities.CreateRole(identity.Role{ARN: role}); err != nil {
			t.Fatal(err)
		}
	}
	client := newSTS(t, d.Identities)
	policy := func(statements string) string { return `{"Version":"2012-10-17","Statement":[` + statements + `]}` }
	const (
		get = `{"Effect":"Allow","Action":"es:ESHttpGet","Resource":"*"}`
		all = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	)
	for _, c := range []struct {
		policy  string
		allowed bool
	}{
		{"", true},
		{policy(all), true},
		{policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + other + `"}`), true},
		{policy(`{"Effect":"Allow","Action":"sts:*","Resource":"arn:aws:iam::123456789012:role/*"},` + get), true},
		{policy(get), false},
		{policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::123456789012:role/third"}`), false},
		{policy(all + `,{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}`), false},
		{
			policy: policy(`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*",` +
				`"Condition":{"StringEquals":{"aws:PrincipalAccount":"210987654321"}}}`),
		},
	} {
		in := &sts.AssumeRoleInput{RoleArn: aws.String(shipper), RoleSessionName: aws.String("first")}
		if c.policy != "" {
			in.Policy = aws.String(c.policy)
		}
		first, err := client(d.keys[alice]).AssumeRole(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		session := identity.Credentials{
			AccessKeyID: *first.Credentials.AccessKeyId, Secret: identity.Secret(*first.Credentials.SecretAccessKey),
			Token: identity.Secret(*first.Credentials.SessionToken),
		}
		_, err = client(session).AssumeRole(t.Context(),
			&sts.AssumeRoleInput{RoleArn: aws.String(other), RoleSessionName: aws.String("second")})
		var api smithy.APIError
		if denied := errors.As(err, &api) && api.ErrorCode() == "AccessDenied"; denied == c.allowed || !denied && err != nil {
			t.Errorf("session policy %s: %v, want allowed %v", c.policy, err, c.allowed)
		}
		// A session may always ask who it is.
		if _, err := client(session).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil {
			t.Errorf("session policy %s: %v", c.policy, err)
		}
	}
}
