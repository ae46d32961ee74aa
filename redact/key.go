package redact

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"sync"

	"github.com/seed56735111/penstock/internal/quote"
)

// Key makes keyed hashes. It may be used by several goroutines at once.
type Key struct {
	head string // h1:
	macs sync.Pool
}

// mac is an HMAC and room for its sum.
type mac struct {
	hash.Hash
	sum   [sha256.Size]byte
	plain [64]byte
}

// shortestSecret is the least a secret has: with fewer bytes, what was hashed can be guessed.
const shortestSecret = 16

// hashBytes is how much of the HMAC a hash has.
const hashBytes = 16

// NewKey returns a key with a number of 1 or more, which goes in front of every hash so that those of an older key are
// told from those of a newer one. White space around the secret is not a part of it; it has at least 16 bytes.
func NewKey(number int, secret []byte) (*Key, error) {
	secret = bytes.Clone(bytes.TrimSpace(secret))
	switch {
	case number < 1:
		return nil, errors.New("the number of a key is 1 or more")
	case len(secret) < shortestSecret:
		return nil, fmt.Errorf("the key has %d bytes; it must have at least %d: with fewer, what was hashed can be guessed",
			len(secret), shortestSecret)
	}
	k := &Key{head: "h" + strconv.Itoa(number) + ":"}
	k.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, secret)} }
	return k, nil
}

// Append appends the hash of a text: HMAC-SHA-256, of which the first 16 bytes are written in hexadecimal digits.
func (k *Key) Append(dst, text []byte) []byte { return k.append(dst, text, nil) }

// append is Append for a text of which the bytes of a class are left out, when it is a short one.
func (k *Key) append(dst, text []byte, without *class) []byte {
	m := k.macs.Get().(*mac) //nolint:forcetypeassert // the pool has nothing else
	if without != nil && len(text) <= len(m.plain) {
		n := 0
		for _, c := range text {
			if !without[c] {
				m.plain[n] = c
				n++
			}
		}
		text = m.plain[:n]
	}
	m.Reset()
	_, _ = m.Write(text)
	sum := m.Sum(m.sum[:0])
	dst = append(dst, k.head...)
	for _, c := range sum[:hashBytes] {
		dst = append(dst, quote.HexDigits[c>>4], quote.HexDigits[c&15])
	}
	k.macs.Put(m)
	return dst
}

// Reference says where the secret of a key is: env:NAME, file:PATH or ssm:NAME.
type Reference struct{ Scheme, Name string }

// ParseReference reads a reference. The error never has what was read in it: it may be the secret itself.
func ParseReference(text string) (Reference, error) {
	scheme, name, ok := strings.Cut(text, ":")
	if ok && name != "" {
		switch scheme {
		case "env", "file", "ssm":
			return Reference{scheme, name}, nil
		}
	}
	return Reference{}, errors.New("a key is a reference and no value: env:NAME, file:PATH or ssm:NAME")
}

func (r Reference) String() string { return r.Scheme + ":" + r.Name }
