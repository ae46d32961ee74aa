package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
)

// WebIdentity says which OpenID Connect tokens may assume a role. Empty fields match everything.
type WebIdentity struct {
	// Issuer, Audience and Subject are compared with the claims iss, aud and sub.
	Issuer   string `json:"issuer,omitzero"`
	Audience string `json:"audience,omitzero"`
	Subject  string `json:"subject,omitzero"`
	// PublicKey is the issuer's key in PEM form, RSA (RS256) or P-256 (ES256). Without it the token's signature is not
	// verified, and whoever reaches the port can write a token. That is meant for tests on loopback.
	PublicKey string `json:"public_key,omitzero"`
}

func (w *WebIdentity) check() error {
	if w.PublicKey == "" {
		return nil
	}
	_, err := w.key()
	return err
}

func (w *WebIdentity) key() (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(w.PublicKey))
	if block == nil {
		return nil, errors.New("public_key is not PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse public_key: %w", err)
	}
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k, nil
	case *ecdsa.PublicKey:
		if k.Curve.Params().BitSize == 256 {
			return k, nil
		}
	}
	return nil, errors.New("public_key is neither RSA nor P-256")
}

// claims are the members of a token that are used.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  float64  `json:"exp"`
}

// audience is a string or a list of strings (RFC 7519, 4.1.3).
type audience []string

// UnmarshalJSON takes both forms.
func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// errTokenExpired has a code of its own in STS's answers.
var errTokenExpired = errors.New("token is expired")

// verify reads a token (RFC 7519) and checks it against w.
func (w *WebIdentity) verify(token string, now time.Time) (claims, error) {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("the token is not a JSON web token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil || c.Subject == "" {
		return c, errors.New("the token's claims cannot be read")
	}
	if w.PublicKey != "" {
		if err := w.verifySignature(parts); err != nil {
			return c, err
		}
	}
	switch {
	case w.Issuer != "" && w.Issuer != c.Issuer:
		return c, errors.New("the token is from another issuer")
	case w.Audience != "" && !slices.Contains(c.Audience, w.Audience):
		return c, errors.New("incorrect token audience")
	case w.Subject != "" && w.Subject != c.Subject:
		return c, errors.New("the token is for another subject")
	case c.Expires != 0 && float64(now.Unix()) >= c.Expires:
		return c, errTokenExpired
	}
	return c, nil
}

func (w *WebIdentity) verifySignature(parts []string) error {
	key, err := w.key()
	if err != nil {
		return err
	}
	var header struct {
		Alg string `json:"alg"`
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || json.Unmarshal(raw, &header) != nil {
		return errors.New("the token's header cannot be read")
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return errors.New("the token's signature cannot be read")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	valid := false
	// The kind of the key decides about the algorithm, never the token's header. The header only has to agree.
	switch k := key.(type) {
	case *rsa.PublicKey:
		valid = header.Alg == "RS256" && rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
	case *ecdsa.PublicKey:
		valid = header.Alg == "ES256" && len(signature) == 64 &&
			ecdsa.Verify(k, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	}
	if !valid {
		return errors.New("the token's signature does not match")
	}
	return nil
}
