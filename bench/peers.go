package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// peerNames are the bulk indexers that rows can be measured with.
var peerNames = [...]string{"opensearchutil", "esutil"}

// hasPeers reports whether the other indexers can ship the row: lines that are documents, in files.
func (r row) hasPeers() bool { return r.of.Format == "ndjson" && r.records == 0 && !r.tls }

// buildPeers builds the program of the other indexers, in a directory that is there until remove.
func (c *config) buildPeers(ctx context.Context) (remove func(), err error) {
	dir, err := os.MkdirTemp("", "penstock-bench-peers-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	c.peers = filepath.Join(dir, "peers")
	text, err := exec.CommandContext(ctx, "go", "build", "-C", "peers", "-o", c.peers, ".").CombinedOutput()
	if err != nil {
		remove()
		return nil, fmt.Errorf("build peers: %w\n%s", err, text)
	}
	return remove, nil
}

// measurePeers ships the corpus with each of the other indexers once.
func (c *config) measurePeers(ctx context.Context, to *server, from corpus, into *result) error {
	if c.peers == "" || !into.row.hasPeers() {
		return nil
	}
	if into.peers == nil {
		into.peers = map[string][]sample{}
	}
	for _, name := range peerNames {
		s, err := runOnce(ctx, *c, to, from, false, []string{c.peers, name, from.Dir, to.url})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		into.peers[name] = append(into.peers[name], s)
	}
	return nil
}
