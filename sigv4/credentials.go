package sigv4

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// Credentials sign requests. The secret and the token never print: every way of formatting, logging or encoding
// Credentials as text or JSON shows the access key id and the expiry only.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	// SessionToken goes with temporary credentials; it is empty for those of a user.
	SessionToken string
	// Expires is when temporary credentials end, zero when they do not or when it is not known.
	Expires time.Time
}

// valid reports whether c can sign.
func (c Credentials) valid() bool { return c.AccessKeyID != "" && c.SecretAccessKey != "" }

// String names the access key id and masks the rest.
func (c Credentials) String() string {
	s := "credentials " + c.AccessKeyID
	if !c.valid() {
		s = "no credentials"
	}
	if c.SessionToken != "" {
		s += " with session token"
	}
	if !c.Expires.IsZero() {
		s += " until " + c.Expires.UTC().Format(time.RFC3339)
	}
	return s
}

// Format masks the secrets under every verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// GoString masks the secrets in the %#v form.
func (c Credentials) GoString() string { return c.String() }

// LogValue masks the secrets in structured logs.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText masks the secrets in every encoding that takes text: JSON, XML, YAML.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Provider gives the credentials to sign with. It is asked once for each attempt, so it should cache. It must be safe
// for concurrent use.
type Provider interface {
	Credentials(ctx context.Context) (Credentials, error)
}

// Invalidator is a [Provider] that can forget its cached credentials. [Transport] calls Invalidate when the service
// says that the token is expired or invalid, and then asks for credentials again.
type Invalidator interface {
	Invalidate()
}

// ProviderFunc is a function that is a [Provider].
type ProviderFunc func(ctx context.Context) (Credentials, error)

// Credentials calls f.
func (f ProviderFunc) Credentials(ctx context.Context) (Credentials, error) { return f(ctx) }

// Static is the [Provider] that always gives c.
func Static(c Credentials) Provider {
	return ProviderFunc(func(context.Context) (Credentials, error) { return c, nil })
}

// fatalError is an error of every request: there is no use in trying the next one.
type fatalError struct{ text string }

func (e *fatalError) Error() string { return e.text }

// Fatal is always true.
func (e *fatalError) Fatal() bool { return true }

var (
	// ErrNoCredentials says that there is nothing to sign with.
	ErrNoCredentials error = &fatalError{"no credentials"}
	// ErrExpiredCredentials says that a provider gave expired credentials, also after Invalidate.
	ErrExpiredCredentials error = &fatalError{"credentials are expired"}
	// ErrUnknownKey is what a [Lookup] returns for an access key id that it does not have.
	ErrUnknownKey = errors.New("unknown access key id")
)
