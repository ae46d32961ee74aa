package doctor

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/sigv4/explain"
)

// bySignature compares what the domain expected with what was signed here.
func bySignature(x *domain.Exchange) Diagnosis {
	vague := open(Signature, SecretWrong, HeaderChanged, PathEncoding)
	if x == nil || x.Request == nil {
		return vague
	}
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(x.Body, &answer) != nil {
		return vague
	}
	signed, ok := signedHere(x.Request)
	expected, toSign, long := dumped(answer.Message)
	if !ok || !long {
		return vague
	}
	f := explain.Explain(&explain.Exchange{
		Method: x.Request.Method, Target: x.Request.URL.RequestURI(), Host: x.Request.Host, Header: x.Request.Header,
		Status: http.StatusForbidden, Answer: x.Header, Text: answer.Message, Signed: signed, Expected: expected,
		ToSign: toSign,
	}, explain.Options{})
	d := Diagnosis{Cause: Cause(f.Cause)}
	if f.Line != nil {
		d.Detail = "signed " + f.Line.Name + ": " + short(f.Line.Client) + ", and " + short(f.Line.Domain) + " arrived"
	}
	for _, c := range f.Candidates {
		d.Candidates = append(d.Candidates, Cause(c))
	}
	return d
}

// dumped finds the canonical request and the string to sign in the domain's sentence.
func dumped(message string) (canonical, toSign string, ok bool) {
	_, rest, begins := strings.Cut(message, "The Canonical String for this request should have been\n'")
	canonical, rest, ends := strings.Cut(rest, "'\n\nThe String-to-Sign should have been\n'")
	toSign, _, closes := strings.Cut(rest, "'")
	return canonical, toSign, begins && ends && closes
}

// signedHere makes the canonical request of a request anew, as it was made when it was signed. It reports false for a
// request that others signed.
func signedHere(r *http.Request) (string, bool) {
	sent := senderOf(r)
	if !sent.signed || sent.at.IsZero() {
		return "", false
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	if payload == "" {
		payload = sigv4.EmptyPayloadHash
	}
	again := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header.Clone()}
	signer := sigv4.Signer{Region: sent.region, Service: sent.service}
	token := r.Header.Get(tokenHeader)
	// The secret is no part of the canonical request.
	credentials := sigv4.Credentials{AccessKeyID: sent.key, SecretAccessKey: "-", SessionToken: token}
	trace, err := signer.Explain(again, credentials, payload, sent.at)
	names := "SignedHeaders=" + strings.Join(trace.SignedHeaders, ";") + ","
	if err != nil || !strings.Contains(r.Header.Get("Authorization"), names) {
		return "", false
	}
	canonical := trace.CanonicalRequest
	if token != "" { // which is masked in a trace
		before, after, _ := strings.Cut(canonical, "\n"+tokenHeader+":")
		_, after, _ = strings.Cut(after, "\n")
		canonical = before + "\n" + tokenHeader + ":" + token + "\n" + after
	}
	return canonical, true
}

const tokenHeader = "x-amz-security-token" //nolint:gosec // the name of a header
