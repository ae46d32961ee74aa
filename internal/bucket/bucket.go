// Package bucket is an S3-compatible bucket in memory, for the demo and for trying things on a laptop. It answers any
// caller: what it stands in for is the store, not its gate.
package bucket

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// Bucket holds objects in memory and serves them by path-style requests.
type Bucket struct {
	name    string
	backend *s3mem.Backend
	handler http.Handler
}

// New returns an empty bucket.
func New(name string) (*Bucket, error) {
	backend := s3mem.New()
	if err := backend.CreateBucket(name); err != nil {
		return nil, fmt.Errorf("create bucket %s: %w", name, err)
	}
	server := gofakes3.New(backend, gofakes3.WithLogger(gofakes3.DiscardLog()))
	return &Bucket{name: name, backend: backend, handler: server.Server()}, nil
}

// Put stores an object. The key is taken as it is.
func (b *Bucket) Put(key string, body []byte) error {
	_, err := b.backend.PutObject(b.name, key, map[string]string{}, bytes.NewReader(body), int64(len(body)), nil)
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// ServeHTTP answers S3 requests.
func (b *Bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.handler.ServeHTTP(w, r) }
