package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// Covered is what a signature covers, as it is on the wire. [Signer] and [Verifier] do these steps at once; Covered,
// [Scope] and [Keys] do them one by one, for people who look for the one that differs.
type Covered struct {
	Method string
	// Target is the request target as it is sent: the path and the query, nothing decoded or encoded again.
	Target string
	Host   string
	// SignedHeaders are the names of the signed headers, in the order and spelling of the SignedHeaders list.
	SignedHeaders []string
	// Header has the headers under their canonical keys. Host is not read from it.
	Header      http.Header
	PayloadHash string
	// Presigned says that the signature is in the query and does not cover itself.
	Presigned bool
}

// CanonicalRequest returns the canonical request by the rules of the service. A header that is named and not there has
// an empty value.
func (c *Covered) CanonicalRequest() string {
	in := covered{
		method: c.Method, target: c.Target, host: c.Host, names: c.SignedHeaders, header: headerOf(c.Header),
		payloadHash: c.PayloadHash,
	}
	if c.Presigned {
		in.omit = queryNames[querySignature]
	}
	var w work
	w.build(&in, "00000000T000000Z", "", "")
	return string(w.canonical)
}

// Scope is what a signing key is for.
type Scope struct {
	// Day is written as YYYYMMDD.
	Day, Region, Service string
}

// String returns the scope as a signature has it, with the terminator.
func (s Scope) String() string { return s.Day + "/" + s.Region + "/" + s.Service + "/" + terminator }

// StringToSign returns the string to sign for a canonical request. The date is that of X-Amz-Date.
func (s Scope) StringToSign(date, canonicalRequest string) string {
	return algorithm + "\n" + date + "\n" + s.String() + "\n" + HashPayload([]byte(canonicalRequest))
}

// Keys are the keys that are derived from a secret access key, one from the other.
type Keys struct {
	Date, Region, Service, Signing []byte
}

// Derive returns the keys of the scope. They are secrets: whoever has Signing can sign for a day.
func (s Scope) Derive(secretAccessKey string) Keys {
	var k Keys
	k.Date = mac([]byte("AWS4"+secretAccessKey), s.Day)
	k.Region = mac(k.Date, s.Region)
	k.Service = mac(k.Region, s.Service)
	k.Signing = mac(k.Service, terminator)
	return k
}

// Sign returns the signature of a string to sign, in hexadecimal digits.
func (k Keys) Sign(stringToSign string) string {
	return hex.EncodeToString(mac(k.Signing, stringToSign))
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
