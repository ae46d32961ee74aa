package sigv4_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

// Any HTTP client signs when its transport does. The server here stands for a domain, and verifies.
func ExampleTransport() {
	creds := sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}
	verifier := &sigv4.Verifier{
		Region: "eu-west-1", Service: "es",
		Lookup: func(_ context.Context, id string) (sigv4.Credentials, error) {
			if id != creds.AccessKeyID {
				return sigv4.Credentials{}, sigv4.ErrUnknownKey
			}
			return creds, nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sender, err := verifier.Verify(r)
		if refusal, ok := errors.AsType[*sigv4.AuthError](err); ok {
			w.WriteHeader(refusal.Status)
			_, _ = w.Write(refusal.JSON())
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer sender.Close()
		defer r.Body.Close()
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s sent %s %s with %d bytes", sender.AccessKeyID, r.Method, r.RequestURI, len(body))
	}))
	defer server.Close()

	client := &http.Client{
		Transport: &sigv4.Transport{
			Region: "eu-west-1", Service: "es", // not needed for the name of a domain, which says both
			Credentials: sigv4.Static(creds),
		},
		// A signed request is for one host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Post(server.URL+"/logs-*/_search?v", "application/json", strings.NewReader(`{"size":0}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Printf("%d %s\n", resp.StatusCode, body)
	// Output: 200 AKIDEXAMPLE sent POST /logs-*/_search?v with 10 bytes
}

// The credentials of an AWS SDK become a Provider by a function like this one; here cfg.Credentials.Retrieve is a
// stand-in.
func ExampleProviderFunc() {
	retrieve := func(context.Context) (id, secret, token string, expires time.Time, err error) {
		return "ASIAEXAMPLE", "secret", "token", time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC), nil
	}
	provider := sigv4.ProviderFunc(func(ctx context.Context) (sigv4.Credentials, error) {
		id, secret, token, expires, err := retrieve(ctx)
		return sigv4.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token, Expires: expires}, err
	})
	c, err := provider.Credentials(context.Background())
	fmt.Println(c, err)
	// Output: credentials ASIAEXAMPLE with session token until 2026-11-24T12:00:00Z <nil>
}

// What is signed can be looked at, to compare it with what a server says it should have been.
func ExampleSigner_Explain() {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet,
		"https://search-logs-abc.eu-west-1.es.amazonaws.com/logs-*/_search?v&size=0", http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	signer := &sigv4.Signer{Region: "eu-west-1", Service: "es"}
	creds := sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}
	trace, err := signer.Explain(r, creds, sigv4.EmptyPayloadHash, time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(trace.CanonicalRequest)
	// Output:
	// GET
	// /logs-%2A/_search
	// size=0&v=
	// host:search-logs-abc.eu-west-1.es.amazonaws.com
	// x-amz-date:20261124T120000Z
	//
	// host;x-amz-date
	// e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
}

func ExampleInfer() {
	fmt.Println(sigv4.Infer("search-logs-abc.eu-west-1.es.amazonaws.com"))
	fmt.Println(sigv4.Infer("abc123.us-west-2.aoss.amazonaws.com"))
	fmt.Println(sigv4.Infer("logs.example.com"))
	// Output:
	// eu-west-1 es true
	// us-west-2 aoss true
	//   false
}
