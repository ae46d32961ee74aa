package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/source"
)

// checkpoint is a file that says how far the listings of a run have come: for each location of S3, the key up to which
// everything is settled.
type checkpoint struct {
	path string
	// frozen says that nothing is written: nothing is settled in a preview.
	frozen bool

	mu      sync.Mutex
	state   checkpointState
	written time.Time
	since   int // marks that moved since
	err     error
}

// checkpointState is what the file holds. A run for another domain or with another selection has other objects before
// its marks.
type checkpointState struct {
	Version   int               `json:"version"`
	Domain    string            `json:"domain"`
	Selection Selection         `json:"selection"`
	After     map[string]string `json:"after"`
}

const checkpointVersion = 1

// How far the file may be behind what is settled: together with the items in hand less than a part of a listing.
const (
	checkpointItems = 256
	checkpointEvery = 500 * time.Millisecond
)

// openCheckpoint reads a checkpoint, or begins one when there is no file yet.
func openCheckpoint(path, domain string, s Selection, frozen bool) (*checkpoint, error) {
	s.Limit = 0 // each run goes on for so many objects more
	s.Order = ""
	c := &checkpoint{path: path, frozen: frozen, state: checkpointState{
		Version: checkpointVersion, Domain: domain, Selection: s, After: map[string]string{},
	}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := c.write(); err != nil { // which proves that it can be written
			return nil, &OptionError{BadCheckpoint, err}
		}
		return c, nil
	}
	if err != nil {
		return nil, optionf(BadCheckpoint, "read checkpoint: %w", err)
	}
	var was checkpointState
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&was); err != nil || was.Version != checkpointVersion {
		return nil, optionf(BadCheckpoint, "read checkpoint: %s is no checkpoint of this version", path)
	}
	same := func(a, b Selection) bool {
		one, oerr := json.Marshal(a)
		other, terr := json.Marshal(b)
		return oerr == nil && terr == nil && bytes.Equal(one, other)
	}
	switch {
	case was.Domain != domain:
		return nil, optionf(BadCheckpoint, "checkpoint %s is of a run for %s, and this one is for %s", path,
			cmp.Or(was.Domain, "no domain"), domain)
	case !same(was.Selection, s):
		return nil, optionf(BadCheckpoint, "checkpoint %s is of a run that took other objects: "+
			"its include, exclude, since, until or sample was another one", path)
	}
	if was.After != nil {
		c.state.After = was.After
	}
	return c, nil
}

// after is the key behind which a listing goes on.
func (c *checkpoint) after(loc source.Location) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.After[loc.String()]
}

// source returns a source that tells the checkpoint how far it is.
func (c *checkpoint) source(loc source.Location, inner penstock.Source) penstock.Source {
	return &noted{Source: inner, checkpoint: c, loc: loc}
}

// noted has a mark of its own for each time that it is gone through.
type noted struct {
	penstock.Source
	*checkpoint
	loc source.Location
}

// Items is part of penstock.Source.
func (n *noted) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	m := NewMark(n.Source)
	m.passed = func(id string) {
		if at, err := source.ParseLocation(id); err == nil {
			n.reach(n.loc.String(), at.Prefix)
		}
	}
	return m.Items(ctx)
}

func (c *checkpoint) reach(loc, key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key <= c.state.After[loc] {
		return
	}
	c.state.After[loc] = key
	if c.since++; c.since < checkpointItems && time.Since(c.written) < checkpointEvery {
		return
	}
	if err := c.write(); err != nil && c.err == nil {
		c.err = err
	}
}

// close writes what is not written yet. Its error is the first of all.
func (c *checkpoint) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since > 0 {
		c.err = c.write() // what could not be written before is in it
	}
	return c.err
}

// write replaces the file at once, so that a reader, or a run after one that was killed, finds the old one or the new
// one whole.
func (c *checkpoint) write() error {
	if c.frozen {
		return nil
	}
	c.written = time.Now()
	text, err := json.MarshalIndent(c.state, "", "  ")
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(c.path), ".penstock-checkpoint-*")
	if err != nil {
		return fmt.Errorf("write checkpoint: %w", err)
	}
	_, err = tmp.Write(append(text, '\n'))
	if err == nil {
		err = tmp.Sync()
	}
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), c.path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("write checkpoint: %w", err)
	}
	c.since = 0
	return nil
}

// CheckpointError says that a run was not able to note how far it came. Everything that it counts is true.
type CheckpointError struct{ Err error }

func (e *CheckpointError) Error() string { return e.Err.Error() }
func (e *CheckpointError) Unwrap() error { return e.Err }
