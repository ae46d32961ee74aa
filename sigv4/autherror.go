package sigv4

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// The kinds of refusal. A domain does not send them; other AWS services send these names in the x-amzn-ErrorType
// header.
const (
	CodeIncomplete   = "IncompleteSignatureException"
	CodeInvalid      = "InvalidSignatureException"
	CodeUnrecognized = "UnrecognizedClientException"
)

// AuthError is the service's answer to a request whose authentication fails.
type AuthError struct {
	// Status is the HTTP status. A domain answers 403 whatever is wrong, a malformed header included.
	Status int
	// Code is one of the Code constants.
	Code string
	// Message is the service's text to the letter, trailing spaces included.
	Message string
}

func (e *AuthError) Error() string { return e.Message }

// JSON returns the body of the answer: one object with a lower-case "message", without a line ending.
func (e *AuthError) JSON() []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	// A struct of one string always encodes.
	_ = enc.Encode(struct {
		Message string `json:"message"`
	}{e.Message})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func refuse(code, message string) *AuthError {
	return &AuthError{Status: http.StatusForbidden, Code: code, Message: message}
}

const (
	textMismatch = "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	// An unknown access key id and a wrong session token differ by the full stop.
	textUnknownKey = "The security token included in the request is invalid."
	textBadToken   = "The security token included in the request is invalid"
	textOldToken   = "The security token included in the request is expired"
	textHost       = "'Host' must be a 'SignedHeader' in the AWS Authorization."
	textTwoPlaces  = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
)
