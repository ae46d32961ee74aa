package sigv4_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/logging"
	"github.com/seed56735111/penstock/sigv4"
)

// targets are the request targets that all signers are compared on.
func targets(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "targets.txt"))
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(list) < 200 {
		t.Fatalf("%d targets, want 200 at least", len(list))
	}
	return list
}

// difference is a set of targets that another signer signs in another way, and why.
type difference struct {
	Signer  string   `json:"signer"`
	Reason  string   `json:"reason"`
	Targets []string `json:"targets"`
}

// known returns the targets that a signer is known to treat differently.
func known(t testing.TB, signer string) map[string]bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "differences.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []difference
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	list, set := targets(t), make(map[string]bool)
	for _, d := range all {
		if d.Reason == "" {
			t.Errorf("a difference of %s has no reason", d.Signer)
		}
		for _, target := range d.Targets {
			if !slices.Contains(list, target) {
				t.Errorf("difference of %s: %q is not among the targets", d.Signer, target)
			}
			if d.Signer == signer {
				set[target] = true
			}
		}
	}
	return set
}

// compare reports every target on which agreement is not what the list of differences says.
func compare(
	t *testing.T, signer, target string, differs map[string]bool, ours, theirs sigv4.Trace, oursAuth, theirsAuth string,
) {
	t.Helper()
	if agree := oursAuth == theirsAuth; agree == differs[target] {
		t.Errorf("%s: agreement is %v\nours:\n%s\n%s:\n%s", target, agree, ours.CanonicalRequest, signer,
			theirs.CanonicalRequest)
	}
}

// ourSignature signs like Explain, and returns the Authorization header too.
func ourSignature(t testing.TB, target string) (sigv4.Trace, string) {
	t.Helper()
	s := &sigv4.Signer{Region: testRegion, Service: "es"}
	r := newRequest(t, http.MethodGet, target)
	trace := explain(t, r)
	if err := s.Sign(r, testCredentials, sigv4.EmptyPayloadHash, testTime); err != nil {
		t.Fatal(err)
	}
	return trace, authorization(r)
}

func TestSignatureIsThatOfTheAWSSDK(t *testing.T) {
	t.Parallel()
	const name = "aws-sdk-go-v2"
	differs := known(t, name)
	var log bytes.Buffer
	sdk := v4.NewSigner(func(o *v4.SignerOptions) { o.LogSigning, o.Logger = true, sdkLog{&log} })
	creds := aws.Credentials{AccessKeyID: testCredentials.AccessKeyID, SecretAccessKey: testCredentials.SecretAccessKey}
	for _, target := range targets(t) {
		ours, ourAuth := ourSignature(t, target)
		r := newRequest(t, http.MethodGet, target)
		log.Reset()
		if err := sdk.SignHTTP(t.Context(), creds, r, sigv4.EmptyPayloadHash, "es", testRegion, testTime); err != nil {
			t.Fatal(err)
		}
		compare(t, name, target, differs, ours, sigv4.Trace{CanonicalRequest: log.String()}, ourAuth, authorization(r))
	}
}

// What is signed is what net/http sends, on the far side of a real connection.
func TestSignedTargetArrivesAsItWasSigned(t *testing.T) {
	t.Parallel()
	var refusal error
	var arrived string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived = r.RequestURI
		verifier := &sigv4.Verifier{Region: testRegion, Service: "es", Lookup: lookup, Strict: true}
		_, refusal = verifier.Verify(r)
	}))
	defer server.Close()
	transport := &sigv4.Transport{
		Base: server.Client().Transport, Credentials: sigv4.Static(testCredentials), Region: testRegion, Service: "es",
		Host: testHost,
	}
	for _, target := range targets(t) {
		r := newRequest(t, http.MethodGet, target)
		r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(server.URL, "http://")
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatalf("%s: %v", target, err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || refusal != nil || arrived != target {
			t.Errorf("%s: status %d, arrived as %s: %v", target, resp.StatusCode, arrived, refusal)
		}
	}
}

// sdkLog receives the canonical strings of the SDK.
type sdkLog struct{ b *bytes.Buffer }

func (l sdkLog) Logf(_ logging.Classification, format string, v ...any) {
	fmt.Fprintf(l.b, format, v...)
}
