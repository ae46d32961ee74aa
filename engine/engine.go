// Package engine is an embedded index that answers the part of the Elasticsearch / OpenSearch API that shipping, demos
// and smoke tests need, with the real engines' answers. It answers 501 to the rest, and names the way out. Documents
// are kept in bleve. This package has the APIs over HTTP; what they are made of is below it, in engine/internal.
package engine

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// DefaultMaxContentLength is the largest request body that the engines take by default, in bytes.
const DefaultMaxContentLength = 100 << 20

// Config describes an engine. The zero value is an OpenSearch 3 in memory.
type Config struct {
	// Dir keeps the indexes; empty keeps them in memory. What is acknowledged is on the disk, and a directory serves one
	// engine at a time.
	Dir string
	// Profile is one of Profiles, the newest OpenSearch when empty.
	Profile string
	// ClusterName is what the banner says; the managed service writes ACCOUNT:DOMAIN.
	ClusterName string
	// MaxContentLength bounds request bodies, before and after decompression, in bytes. The documents of one answer may be
	// four times as long.
	MaxContentLength int64
	// NoExplicitIndex is rest.action.multi.allow_explicit_index set to false: what a request to several indexes may name
	// in its path, _bulk and _mget must not name in their bodies.
	NoExplicitIndex bool
	// Logger hears of what goes wrong inside; nil is silent.
	Logger *slog.Logger
}

// Engine is an http.Handler. It is safe for concurrent use.
type Engine struct {
	cfg     Config
	profile profile
	lock    *os.File
	node    string
	shared  *store.Shared
	scrolls scrolls

	mu         sync.RWMutex
	closed     bool
	indexes    map[string]*store.Index
	templates  map[string]*template // composable index templates
	components map[string]*template
	legacy     map[string]*template
}

// Open opens an engine. A directory that another engine uses, or that holds something else, is an error.
func Open(cfg Config) (*Engine, error) {
	if cfg.Profile == "" {
		cfg.Profile = "opensearch-3"
	}
	p, ok := profiles()[cfg.Profile]
	if !ok {
		return nil, fmt.Errorf("engine profile %q: want one of %s", cfg.Profile, strings.Join(Profiles(), ", "))
	}
	if cfg.ClusterName == "" {
		cfg.ClusterName = "penstock"
	}
	if cfg.MaxContentLength <= 0 {
		cfg.MaxContentLength = DefaultMaxContentLength
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Engine{
		cfg: cfg, profile: p, node: hex.EncodeToString(store.Random(16)), shared: store.NewShared(cfg.Logger),
		indexes: map[string]*store.Index{}, templates: map[string]*template{}, components: map[string]*template{},
		legacy: map[string]*template{},
	}
	if cfg.Dir != "" {
		if err := e.load(); err != nil {
			return nil, errors.Join(err, e.Close())
		}
	}
	return e, nil
}

// marker makes a directory recognisable as ours.
const marker = "penstock-engine"

// load reads what is in the directory.
func (e *Engine) load() error {
	if err := os.MkdirAll(e.cfg.Dir, 0o700); err != nil {
		return fmt.Errorf("open engine: %w", err)
	}
	entries, err := os.ReadDir(e.cfg.Dir)
	if err != nil {
		return fmt.Errorf("open engine: %w", err)
	}
	path := filepath.Join(e.cfg.Dir, marker)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && len(entries) > 0 {
		return fmt.Errorf("open engine: %s is not empty and not an engine's directory", e.cfg.Dir)
	}
	if e.lock, err = store.LockFile(path); err != nil {
		return fmt.Errorf("open engine: %s: %w", e.cfg.Dir, err)
	}
	if err := e.loadTemplates(); err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		dir := filepath.Join(e.cfg.Dir, entry.Name())
		if strings.HasSuffix(dir, store.DeletedSuffix) {
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("open engine: %w", err)
			}
			continue
		}
		x, err := store.OpenIndex(dir, e.profile.major, e.shared)
		if errors.Is(err, store.ErrUnfinished) {
			err = os.RemoveAll(dir)
			if err == nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("open engine: %w", err)
		}
		e.indexes[x.Name] = x
	}
	return nil
}

// Close closes the indexes. Requests under way fail.
func (e *Engine) Close() error {
	e.scrolls.clearAll()
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, x := range e.indexes {
		errs = append(errs, x.Close())
	}
	if !e.closed {
		e.shared.Close()
	}
	e.closed, e.indexes = true, map[string]*store.Index{}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
		e.lock = nil
	}
	return errors.Join(errs...)
}

// resolve returns the indexes that an expression means, sorted by name: names, aliases, wildcards, lists, _all.
func (e *Engine) resolve(expr string, lenient bool) ([]*store.Index, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if expr == "" || expr == "_all" {
		expr = "*"
	}
	found := map[string]*store.Index{}
	wild := false
	for part := range strings.SplitSeq(expr, ",") {
		exclude := strings.HasPrefix(part, "-") && wild
		wild = wild || strings.Contains(part, "*")
		pattern := strings.TrimPrefix(part, "-")
		if !exclude {
			pattern = part
		}
		matched := false
		for name, x := range e.indexes {
			if !x.GoesBy(pattern) {
				continue
			}
			matched = true
			if exclude {
				delete(found, name)
			} else {
				found[name] = x
			}
		}
		if !matched && !lenient && !exclude && !strings.Contains(pattern, "*") {
			return nil, noIndex(pattern, "index_or_alias")
		}
	}
	out := make([]*store.Index, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[name])
	}
	return out, nil
}

// noIndex is the error about an index that does not exist.
func noIndex(name, kind string) *wire.Failure {
	return wire.Errorf(404, "index_not_found_exception", "no such index [%s]", name).
		With("index", name, "resource.id", name, "resource.type", kind, "index_uuid", "_na_")
}
