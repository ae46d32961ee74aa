package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"sync"
)

// maxKeys bounds the cache of derived keys. A process signs with a few credentials; a server knows a few users.
const maxKeys = 256

// core is what signing and verifying share: derived keys and working memory. Its zero value is ready.
type core struct {
	mu    sync.RWMutex
	keys  map[keyID]*signingKey
	works sync.Pool
	// chunks holds parts of bodies for the next request, as *chunk.
	chunks sync.Pool
}

// keyID says what a derived key is for.
type keyID struct{ accessKeyID, date, region, service string }

// signingKey is the key of one day, region and service.
type signingKey struct {
	// secret is what the key was derived from: credentials can be replaced under the same id.
	secret string
	// macs holds HMAC states that have the key built in.
	macs sync.Pool
}

// key returns the derived key. The derivation happens once a day for each credential.
func (c *core) key(id keyID, secret string) *signingKey {
	c.mu.RLock()
	k := c.keys[id]
	c.mu.RUnlock()
	if k != nil && k.secret == secret {
		return k
	}
	k = deriveKey(id, secret)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxKeys {
		c.keys = make(map[keyID]*signingKey)
	}
	c.keys[id] = k
	return k
}

func deriveKey(id keyID, secret string) *signingKey {
	key := Scope{Day: id.date, Region: id.region, Service: id.service}.Derive(secret).Signing
	return &signingKey{secret: secret, macs: sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}}
}

// appendSignature appends the signature of w.toSign in hexadecimal digits.
func (k *signingKey) appendSignature(b []byte, w *work) []byte {
	mac := k.macs.Get().(hash.Hash)
	defer k.macs.Put(mac)
	mac.Reset()
	mac.Write(w.toSign)
	w.sum = mac.Sum(w.sum[:0])
	return hex.AppendEncode(b, w.sum)
}

func (c *core) borrow() *work {
	if w, ok := c.works.Get().(*work); ok {
		return w
	}
	return &work{
		canonical: make([]byte, 0, 1024),
		toSign:    make([]byte, 0, 192),
		out:       make([]byte, 0, 512),
		query:     make([]byte, 0, 256),
		pairs:     make([]pair, 0, 16),
		names:     make([]string, 0, 16),
		sum:       make([]byte, 0, sha256.Size),
	}
}

// maxKept bounds the buffers that are kept for the next signature, so that one huge request does not stay in memory.
const maxKept = 64 << 10

func (c *core) giveBack(w *work) {
	if cap(w.canonical)+cap(w.query)+cap(w.out) > maxKept {
		return
	}
	clear(w.names[:cap(w.names)])
	c.works.Put(w)
}

func sum256(b []byte) [sha256.Size]byte { return sha256.Sum256(b) }
