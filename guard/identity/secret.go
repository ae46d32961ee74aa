package identity

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"log/slog"
	"strings"
)

// Secret is a secret access key or a session token. It prints and logs as asterisks; only JSON and a conversion to
// string give it away.
type Secret string

const masked = "********"

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString masks the %#v form.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// LogValue masks the value in structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// newID returns an identifier in AWS's form: a prefix of four letters (AKIA, ASIA, AIDA, AROA) and n random ones.
func newID(prefix string, n int) string {
	return prefix + base32.StdEncoding.EncodeToString(randomBytes(n))[:n]
}

// newSecret returns 40 random characters, as long as a secret access key of AWS.
func newSecret() Secret { return Secret(base64.StdEncoding.EncodeToString(randomBytes(30))) }

// newToken returns a session token. It is random: sessions are found by their access key id.
func newToken() Secret {
	return Secret("FwoGZXIvYXdzE" + strings.TrimRight(base64.StdEncoding.EncodeToString(randomBytes(96)), "="))
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, by its documentation
	return b
}
