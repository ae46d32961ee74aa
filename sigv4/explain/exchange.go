// Package explain names the signing mistake in a request that a domain has refused: it rebuilds what the client signed
// as far as that is known, compares it line by line with what the domain says it expected, and gives the first line
// that differs, the usual reason and the way out. Where the evidence does not decide it says so.
//
// It reads what people have at hand ([Parse]): the output of curl -v, an entry of an HTTP archive, or the body of the
// refusal with the headers of the request. Nothing is sent or kept. What it returns holds no token, no signature and no
// key.
package explain

import (
	"net/http"
	"strings"

	"github.com/seed56735111/penstock/sigv4"
)

// Exchange is a request and the answer to it, as far as they are known.
type Exchange struct {
	// Method and Target are those of the request line, empty when it was not given.
	Method, Target string
	Host           string
	// Header has the headers of the request under their canonical keys.
	Header http.Header
	// Body is the body of the request. It counts only when HasBody is set.
	Body    []byte
	HasBody bool
	// Signed is the canonical request that the client says it has signed, when its own log is a part of the input.
	Signed string
	// ByCurl says that curl made the signature, as its log tells.
	ByCurl bool

	// Status is that of the answer, zero when it was not given.
	Status int
	Answer http.Header
	// Text is the body of the answer, or all of a text in which it stands.
	Text string
	// Expected and ToSign are the canonical request and the string to sign that the domain says it expected.
	Expected, ToSign string
}

// authorization is what the Authorization header or the query of a request says about its signature.
type authorization struct {
	keyID         string
	scope         sigv4.Scope
	signedHeaders []string
	signature     string
	date          string
	presigned     bool
}

// signatureOf reads who signed a request, and what for. It reports false when the request is not signed.
func signatureOf(x *Exchange) (a authorization, ok bool) {
	var credential, names string
	if list, found := strings.CutPrefix(x.Header.Get("Authorization"), "AWS4-HMAC-SHA256"); found {
		for part := range strings.SplitSeq(list, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch name {
			case "Credential":
				credential = value
			case "SignedHeaders":
				names = value
			case "Signature":
				a.signature = value
			}
		}
		a.date = x.Header.Get("X-Amz-Date")
		if a.date == "" {
			a.date = x.Header.Get("Date")
		}
	} else {
		_, query, _ := strings.Cut(x.Target, "?")
		for part := range strings.SplitSeq(query, "&") {
			name, value, _ := strings.Cut(part, "=")
			switch value = decodeAll(value); name {
			case "X-Amz-Credential":
				credential = value
			case "X-Amz-SignedHeaders":
				names = value
			case "X-Amz-Signature":
				a.signature, a.presigned = value, true
			case "X-Amz-Date":
				a.date = value
			}
		}
	}
	if names != "" {
		a.signedHeaders = strings.Split(names, ";")
	}
	if len(a.signedHeaders) > maxSignedHeaders {
		a.signedHeaders = a.signedHeaders[:maxSignedHeaders]
	}
	if parts := strings.Split(credential, "/"); len(parts) == 5 {
		a.keyID, a.scope = parts[0], sigv4.Scope{Day: parts[1], Region: parts[2], Service: parts[3]}
	}
	return a, a.signature != "" || credential != "" || names != ""
}

// maxSignedHeaders is how many signed headers the service reads.
const maxSignedHeaders = 128

// payload is the hash of the body as the request was sent, empty when it cannot be known.
func (x *Exchange) payload() string {
	switch {
	case x.HasBody:
		return sigv4.HashPayload(x.Body)
	case isHash(x.Header.Get("X-Amz-Content-Sha256")):
		return x.Header.Get("X-Amz-Content-Sha256")
	case x.hasNoBody():
		return sigv4.EmptyPayloadHash
	}
	return ""
}

// hasNoBody reports whether the headers of the request say that there is no body.
func (x *Exchange) hasNoBody() bool {
	if length := x.Header.Get("Content-Length"); length != "" {
		return length == "0"
	}
	return x.Method != "" && x.Header.Get("Transfer-Encoding") == "" && x.Header.Get("Content-Encoding") == "" &&
		(x.Method == http.MethodGet || x.Method == http.MethodHead || x.Method == http.MethodDelete)
}

func isHash(s string) bool {
	return len(s) == len(sigv4.EmptyPayloadHash) && strings.Trim(s, "0123456789abcdef") == ""
}

// shown rebuilds the canonical request of the request as it is shown, by the rules of the service.
func (x *Exchange) shown(a *authorization) canonical {
	covered := sigv4.Covered{
		Method: x.Method, Target: x.Target, Host: x.Host, SignedHeaders: a.signedHeaders, Header: x.Header,
		PayloadHash: sigv4.EmptyPayloadHash, Presigned: a.presigned,
	}
	c, _ := parseCanonical(covered.CanonicalRequest())
	c.payload = x.payload()
	return c
}
