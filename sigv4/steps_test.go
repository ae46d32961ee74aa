package sigv4_test

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

// The steps, one by one, give what Signer gives at once.
func TestTheStepsGiveTheSignature(t *testing.T) {
	t.Parallel()
	at := time.Date(2015, 11, 19, 8, 0, 0, 0, time.UTC)
	c := sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
	for _, target := range []string{"/", "/i*/_doc/a%2Fb?b=2&a=1&v", "//x/../y?q=a+b"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			"https://search-x.eu-west-1.es.amazonaws.com"+target,
			strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		signer := &sigv4.Signer{Region: "eu-west-1", Service: "es"}
		hash := sigv4.HashPayload([]byte("{}"))
		if err := signer.Sign(r, c, hash, at); err != nil {
			t.Fatal(err)
		}
		trace, err := signer.Explain(r, c, hash, at)
		if err != nil {
			t.Fatal(err)
		}
		covered := sigv4.Covered{
			Method: r.Method, Target: trace.Target, Host: trace.Host, SignedHeaders: trace.SignedHeaders, Header: r.Header,
			PayloadHash: hash,
		}
		scope := sigv4.Scope{Day: "20151119", Region: "eu-west-1", Service: "es"}
		text := scope.StringToSign("20151119T080000Z", covered.CanonicalRequest())
		if text != trace.StringToSign {
			t.Errorf("%s: string to sign\n%s\nwant\n%s", target, text, trace.StringToSign)
		}
		_, want, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
		if got := scope.Derive(c.SecretAccessKey).Sign(text); got != want {
			t.Errorf("%s: signature %s, want %s", target, got, want)
		}
	}
}

// The keys of the example in AWS's guide to Signature Version 4.
func TestDerivedKeysAreThoseOfTheGuide(t *testing.T) {
	t.Parallel()
	keys := sigv4.Scope{Day: "20120215", Region: "us-east-1", Service: "iam"}.
		Derive("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	const want = "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
	if got := hex.EncodeToString(keys.Signing); got != want {
		t.Errorf("signing key %s, want %s", got, want)
	}
}
