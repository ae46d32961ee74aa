// Package embedded gives the domains of tests the embedded engine, in memory.
package embedded

import (
	"testing"

	"github.com/seed56735111/penstock/domaintest"
	"github.com/seed56735111/penstock/engine"
	"github.com/seed56735111/penstock/guard"
)

// Start starts a domain in front of an engine of its own, and ends both with the test.
func Start(t testing.TB, cfg domaintest.Config) *domaintest.Domain {
	t.Helper()
	name := cfg.Compat
	if name == "" {
		name = "current"
	}
	compat, err := guard.ParseCompat(name)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(engine.Config{
		Profile: compat.Engine, ClusterName: "123456789012:penstock", MaxContentLength: guard.LargeMaxBody,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close the engine: %v", err)
		}
	})
	return domaintest.Start(t, e, cfg)
}
