package doctor

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/sigv4"
)

const (
	beforeCanonical = "The Canonical String for this request should have been\n'"
	beforeToSign    = "'\n\nThe String-to-Sign should have been\n'"
)

// bySignature compares what the domain signed with what was signed here.
func bySignature(x *domain.Exchange) Diagnosis {
	vague := open(Signature, SecretWrong, HeaderChanged, PathEncoding)
	if x == nil || x.Request == nil {
		return vague
	}
	theirs, ok := dumped(x.Body)
	if !ok {
		return vague
	}
	ours, ok := signedHere(x.Request)
	if !ok {
		return vague
	}
	return compared(ours, theirs, x.Request.Header.Get(tokenHeader), vague)
}

// canonical is a canonical request, taken apart.
type canonical struct {
	method, path, query string
	headers             [][2]string
	signed, payload     string
}

// parseCanonical takes a canonical request apart.
func parseCanonical(text string) (c canonical, ok bool) {
	lines := strings.Split(text, "\n")
	const fixed = 6 // method, path, query, the empty line behind the headers, the names, the hash
	if len(lines) < fixed {
		return c, false
	}
	n := len(lines)
	c.method, c.path, c.query, c.signed, c.payload = lines[0], lines[1], lines[2], lines[n-2], lines[n-1]
	for _, line := range lines[3 : n-3] {
		name, value, found := strings.Cut(line, ":")
		if !found {
			return c, false
		}
		c.headers = append(c.headers, [2]string{name, value})
	}
	return c, lines[n-3] == ""
}

// dumped finds the canonical request in the domain's answer.
func dumped(body []byte) (canonical, bool) {
	var answer struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return canonical{}, false
	}
	_, rest, ok := strings.Cut(answer.Message, beforeCanonical)
	if !ok {
		return canonical{}, false
	}
	text, _, ok := strings.Cut(rest, beforeToSign)
	if !ok {
		return canonical{}, false
	}
	return parseCanonical(text)
}

// signedHere makes the canonical request of a request anew, as it was made when it was signed. It reports false for a
// request that others signed.
func signedHere(r *http.Request) (canonical, bool) {
	sent := senderOf(r)
	if !sent.signed || sent.at.IsZero() {
		return canonical{}, false
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	if payload == "" {
		payload = sigv4.EmptyPayloadHash
	}
	again := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header.Clone()}
	signer := sigv4.Signer{Region: sent.region, Service: sent.service}
	// The secret is no part of the canonical request.
	credentials := sigv4.Credentials{
		AccessKeyID: sent.key, SecretAccessKey: "-", SessionToken: r.Header.Get("X-Amz-Security-Token"),
	}
	trace, err := signer.Explain(again, credentials, payload, sent.at)
	if err != nil || !strings.Contains(r.Header.Get("Authorization"), strings.Join(trace.SignedHeaders, ";")) {
		return canonical{}, false
	}
	return parseCanonical(trace.CanonicalRequest)
}

const tokenHeader = "x-amz-security-token" //nolint:gosec // the name of a header

// compared names the first difference of what was signed and what arrived. The token is masked in ours.
func compared(ours, theirs canonical, token string, vague Diagnosis) Diagnosis {
	switch {
	case ours.method != theirs.method:
		return Diagnosis{
			Cause: Signature, Candidates: []Cause{ProxyInBetween},
			Detail: "signed " + ours.method + ", and " + short(theirs.method) + " arrived",
		}
	case ours.path != theirs.path:
		return Diagnosis{
			Cause:  PathEncoding,
			Detail: "signed the path " + short(ours.path) + ", and " + short(theirs.path) + " arrived",
		}
	case ours.query != theirs.query:
		return Diagnosis{
			Cause:  PathEncoding,
			Detail: "signed the query " + short(ours.query) + ", and " + short(theirs.query) + " arrived",
		}
	case ours.signed != theirs.signed || len(ours.headers) != len(theirs.headers):
		return vague
	}
	for i, h := range ours.headers {
		got := theirs.headers[i]
		switch {
		case h[0] != got[0]:
			return vague
		case h[0] == tokenHeader && token != got[1]:
			return Diagnosis{Cause: HeaderChanged, Detail: "the session token that arrived is not the one that was sent"}
		case h[0] == tokenHeader || h[1] == got[1]:
			continue
		}
		return Diagnosis{
			Cause: HeaderChanged, Detail: "signed " + h[0] + ": " + short(h[1]) + ", and " + short(got[1]) + " arrived",
		}
	}
	if ours.payload != theirs.payload {
		return Diagnosis{Cause: BodyChanged, Detail: "the body that arrived has another hash than the one that was signed"}
	}
	return is(SecretWrong)
}
