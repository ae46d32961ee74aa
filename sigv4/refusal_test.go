package sigv4_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/seed56735111/penstock/sigv4"
)

// The texts are those of the service: the issues they were found in are listed in docs/signing.md.
func TestRefusalsAreTheServicesOwnToTheLetter(t *testing.T) {
	t.Parallel()
	const (
		scope    = "AKIDEXAMPLE/20160504/eu-west-1/es/aws4_request"
		zeros    = "0000000000000000000000000000000000000000000000000000000000000000"
		mismatch = "The request signature we calculated does not match the signature you provided. Check your AWS Secret " +
			"Access Key and signing method. Consult the service documentation for details."
	)
	header := func(values ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(values); i += 2 {
				r.Header.Add(values[i], values[i+1])
			}
		}
	}
	auth := func(credential, signedHeaders, signature string) string {
		return "AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders=" + signedHeaders + ", Signature=" + signature
	}
	const date = "20160504T112524Z"
	dated := func(authorization string) func(*http.Request) {
		return header("Authorization", authorization, "X-Amz-Date", date)
	}
	tests := []struct {
		name     string
		target   string
		change   func(*http.Request)
		verifier func(*sigv4.Verifier)
		message  string
	}{
		{
			name: "basic auth in base64 without padding", change: header("Authorization", "Basic YmV0YTpiZXRh"),
			message: `'YmV0YTpiZXRh' not a valid key=value pair (missing equal-sign) in Authorization header: ` +
				`'Basic YmV0YTpiZXRh'.`,
		},
		{
			name: "basic auth in base64 with padding", change: header("Authorization", "Basic Og=="),
			message: `Authorization header requires 'Credential' parameter. Authorization header requires ` +
				`'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. ` +
				`Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ` +
				`Authorization=Basic Og==`,
		},
		{
			name: "one word only", change: dated("AWS4-HMAC-SHA256"),
			message: `Authorization header requires 'Credential' parameter. Authorization header requires ` +
				`'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256`,
		},
		{
			name: "no signature", change: dated("AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host"),
			message: `Authorization header requires 'Signature' parameter. Authorization=AWS4-HMAC-SHA256 Credential=` + scope +
				`, SignedHeaders=host`,
		},
		{
			name: "no date", change: header("Authorization", auth(scope, "host", "7")),
			message: `Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=` +
				auth(scope, "host", "7"),
		},
		{
			name: "a part without equal sign", change: dated("AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders"),
			message: `'Credential' not a valid key=value pair (missing equal-sign) in Authorization header: ` +
				`'AWS4-HMAC-SHA256 Signature=b,    Credential,    SignedHeaders'.`,
		},
		{
			name: "an empty part", change: dated("AWS4-HMAC-SHA256 Credential=" + scope + ",,SignedHeaders=host"),
			message: `'' not a valid key=value pair (missing equal-sign) in Authorization header: ` +
				`'AWS4-HMAC-SHA256 Credential=` + scope + `,,SignedHeaders=host'.`,
		},
		{
			name: "a date in another format", change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "201"),
			message: `Date must be in ISO-8601 'basic format'. Got '201'. See http://en.wikipedia.org/wiki/ISO_8601`,
		},
		{
			name:   "a date with a fraction",
			change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "20160504T112524.5Z"),
			message: `Date must be in ISO-8601 'basic format'. Got '20160504T112524.5Z'. See ` +
				`http://en.wikipedia.org/wiki/ISO_8601`,
		},
		{
			name: "expired", change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "20160504T110000Z"),
			message: `Signature expired: 20160504T110000Z is now earlier than 20160504T112024Z (20160504T112524Z - 5 min.)`,
		},
		{
			name:     "expired by another bound",
			change:   header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "20160504T110000Z"),
			verifier: func(v *sigv4.Verifier) { v.MaxSkew = 15 * time.Minute },
			message:  `Signature expired: 20160504T110000Z is now earlier than 20160504T111024Z (20160504T112524Z - 15 min.)`,
		},
		{
			name: "not yet current", change: header("Authorization", auth(scope, "host", "7"), "X-Amz-Date", "20160504T113025Z"),
			message: `Signature not yet current: 20160504T113025Z is still later than 20160504T113024Z ` +
				`(20160504T112524Z + 5 min.)`,
		},
		{
			name: "host not signed", change: dated("AWS4-HMAC-SHA256 Credential=x, SignedHeaders=, Signature="),
			message: `'Host' must be a 'SignedHeader' in the AWS Authorization.`,
		},
		{
			name: "another algorithm", change: dated(strings.Replace(auth("x", "host", "7"), "SHA256", "SHA25", 1)),
			message: `Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25' (only AWS4-HMAC-SHA256 for now). `,
		},
		{
			name: "a credential of four parts", change: dated(auth("a/b/c/d", "host", "7")),
			message: `Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, ` +
				`got 'a/b/c/d'`,
		},
		{
			name: "wrong region", change: dated(auth("AKIDEXAMPLE/20160504/custom/es/aws4_request", "host", "7")),
			message: `Credential should be scoped to a valid region, not 'custom'. `,
		},
		{
			name: "wrong service", change: dated(auth("AKIDEXAMPLE/20160504/eu-west-1/s3/aws4_request", "host", "7")),
			message: `Credential should be scoped to correct service: 'es'. `,
		},
		{
			name: "wrong region and service", change: dated(auth("AKIDEXAMPLE/20160504/custom/s3/aws4_request", "host", "7")),
			message: `Credential should be scoped to a valid region, not 'custom'. Credential should be scoped to correct ` +
				`service: 'es'. `,
		},
		{
			name: "nothing right in the scope", change: dated(auth("a/b/c/d/e", "host", "7")),
			message: `Credential should be scoped to a valid region, not 'c'. Credential should be scoped to correct ` +
				`service: 'es'. Credential should be scoped with a valid terminator: 'aws4_request', ` +
				`not 'e'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ` +
				`'b' != '20160504', from '20160504T112524Z'.`,
		},
		{
			name:    "an unknown key, also with a wrong signature",
			change:  dated(auth("AKIDUNKNOWN/20160504/eu-west-1/es/aws4_request", "host", zeros)),
			message: `The security token included in the request is invalid.`,
		},
		{
			name: "wrong signature", target: "/i*/_search?v&a=b", change: dated(auth(scope, "host;x-amz-date", zeros)),
			message: mismatch + `\n\nThe Canonical String for this request should have been\n` +
				`'GET\n/i%2A/_search\na=b&v=\nhost:search-logs-abc.eu-west-1.es.amazonaws.com\n` +
				`x-amz-date:20160504T112524Z\n\nhost;x-amz-date\n` + sigv4.EmptyPayloadHash + `'\n\n` +
				`The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n20160504T112524Z\n` +
				`20160504/eu-west-1/es/aws4_request\ndf902777c1edbe7cc973d15c86d6a2bd41c1cdf9e6d502b50b96eeb1f8cb48c8'\n`,
		},
		{
			name: "wrong signature, short form", change: dated(auth(scope, "host", zeros)),
			verifier: func(v *sigv4.Verifier) { v.ShortForm = true },
			message:  mismatch,
		},
		{
			name:    "a wrong session token",
			change:  func(r *http.Request) { signSession(r, "another token") },
			message: `The security token included in the request is invalid`,
		},
		{
			name:    "a session without its token",
			change:  dated(auth("ASIAEXAMPLE/20160504/eu-west-1/es/aws4_request", "host", zeros)),
			message: `The security token included in the request is invalid.`,
		},
		{
			name: "an expired session token",
			change: func(r *http.Request) {
				signSession(r, testSession.SessionToken)
			},
			verifier: func(v *sigv4.Verifier) {
				v.Lookup = func(context.Context, string) (sigv4.Credentials, error) {
					c := testSession
					c.Expires = testTime.Add(-time.Second)
					return c, nil
				}
			},
			message: `The security token included in the request is expired`,
		},
		{
			name: "two places", target: "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", change: dated(auth(scope, "host", "7")),
			message: `Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.`,
		},
		{
			name: "a query with nothing but the algorithm's name", target: "/?X-Amz-Algorithm",
			message: `AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include ` +
				`'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-Signature'. AWS query-string parameters ` +
				`must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the ` +
				`query-string parameters.`,
		},
		{
			name: "an expired presigned URL",
			target: "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x&X-Amz-Date=20160504T110000Z" +
				"&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=7",
			message: `Signature expired: 20160504T110000Z is now earlier than 20160504T111524Z (20160504T112524Z - 10 min.)`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			target := test.target
			if target == "" {
				target = "/"
			}
			r := received(http.MethodGet, target, "")
			if test.change != nil {
				test.change(r)
			}
			v := newVerifier()
			if test.verifier != nil {
				test.verifier(v)
			}
			_, err := v.Verify(r)
			refusal, ok := errors.AsType[*sigv4.AuthError](err)
			if !ok {
				t.Fatalf("got error %v, want an AuthError", err)
			}
			want := `{"message":"` + test.message + `"}`
			if diff := cmp.Diff(want, string(refusal.JSON())); diff != "" || refusal.Status != http.StatusForbidden {
				t.Errorf("status %d, body (-want +got):\n%s", refusal.Status, diff)
			}
		})
	}
}

// signSession signs r with the session's key and another token.
func signSession(r *http.Request, token string) {
	c := testSession
	c.SessionToken = token
	s := &sigv4.Signer{Region: testRegion, Service: "es"}
	out := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header}
	if err := s.Sign(out, c, sigv4.EmptyPayloadHash, testTime); err != nil {
		panic(err)
	}
}

// The order of the service's checks decides which of two faults it names.
func TestTheFirstFaultInTheServicesOrderIsNamed(t *testing.T) {
	t.Parallel()
	// Each change adds a fault that comes before those of the changes after it in the list.
	faults := []struct {
		want  string
		apply func(date, algorithm, signedHeaders, credential *string)
	}{
		{"Date must be", func(date, _, _, _ *string) { *date = "x" }},
		{"Signature expired", func(date, _, _, _ *string) { *date = "20160503T112524Z" }},
		{"'Host' must be", func(_, _, signedHeaders, _ *string) { *signedHeaders = "x-amz-date" }},
		{"Unsupported AWS", func(_, algorithm, _, _ *string) { *algorithm = "AWS3" }},
		{"Credential must have", func(_, _, _, credential *string) { *credential = "AKIDUNKNOWN" }},
		{"Credential should be", func(_, _, _, credential *string) { *credential = "AKIDUNKNOWN/x/x/x/x" }},
		{"The security token", func(_, _, _, credential *string) {
			*credential = "AKIDUNKNOWN/20160504/eu-west-1/es/aws4_request"
		}},
		{"The request signature", func(_, _, _, _ *string) {}},
	}
	for first := range faults {
		date := "20160504T112524Z"
		algorithm := "AWS4-HMAC-SHA256"
		signedHeaders := "host"
		credential := testCredentials.AccessKeyID + "/20160504/eu-west-1/es/aws4_request"
		for i := len(faults) - 1; i >= first; i-- {
			faults[i].apply(&date, &algorithm, &signedHeaders, &credential)
		}
		r := received(http.MethodGet, "/", "")
		r.Header.Set("Authorization", algorithm+" Credential="+credential+", SignedHeaders="+signedHeaders+", Signature=7")
		r.Header.Set("X-Amz-Date", date)
		if _, err := newVerifier().Verify(r); err == nil || !strings.HasPrefix(err.Error(), faults[first].want) {
			t.Errorf("got %v, want %q", err, faults[first].want)
		}
	}
}
