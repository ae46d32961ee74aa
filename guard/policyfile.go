package guard

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/seed56735111/penstock/guard/internal/edge"
	"github.com/seed56735111/penstock/iam"
)

// maxPolicyFile bounds what is read. The parser holds the service's own limit of 100 KiB.
const maxPolicyFile = 1 << 20

// FixedPolicy is a policy that never changes. Nil stands for a domain without one.
func FixedPolicy(p *iam.Policy) func() (*iam.Policy, error) {
	return func() (*iam.Policy, error) { return p, nil }
}

// PolicyFile is an access policy in a file. Changes of the file come into force within a second.
type PolicyFile struct {
	path  string
	parse func([]byte) (*iam.Policy, error)
	log   *slog.Logger

	mu      sync.Mutex
	policy  *iam.Policy
	err     error
	stamp   edge.Stamp
	checked time.Time
}

// OpenPolicyFile reads an access policy with parse, and follows changes of the file. A nil logger is silent.
func OpenPolicyFile(path string, parse func([]byte) (*iam.Policy, error), logger *slog.Logger) (*PolicyFile, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	p := &PolicyFile{path: path, parse: parse, log: slog.New(slog.DiscardHandler)}
	if _, err := p.Policy(); err != nil {
		return nil, err
	}
	p.log = logger // only now: the error of the first reading is the caller's
	return p, nil
}

// Policy is the policy in the file. While the file cannot be read or is not valid, Policy returns an error and the
// guard answers 503: a policy that somebody meant to replace must not stay in force unnoticed.
func (p *PolicyFile) Policy() (*iam.Policy, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.checked) < edge.ReloadEvery {
		return p.policy, p.err
	}
	p.checked = time.Now()
	info, err := os.Stat(p.path)
	if err != nil {
		p.policy, p.err, p.stamp = nil, fmt.Errorf("read access policy: %w", err), edge.Stamp{}
		return nil, p.err
	}
	if now := edge.StampOf(info); now != p.stamp {
		p.stamp = now
		p.policy, p.err = p.read()
		if p.err != nil {
			p.log.Error("access policy is not valid", "err", p.err)
		} else {
			p.log.Info("access policy read", "path", p.path)
		}
	}
	return p.policy, p.err
}

func (p *PolicyFile) read() (*iam.Policy, error) {
	f, err := os.Open(p.path)
	if err != nil {
		return nil, fmt.Errorf("read access policy: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxPolicyFile+1))
	if err != nil {
		return nil, fmt.Errorf("read access policy: %w", err)
	}
	if len(data) > maxPolicyFile {
		return nil, fmt.Errorf("read access policy: %s is longer than %d bytes", p.path, maxPolicyFile)
	}
	policy, err := p.parse(data)
	if err != nil {
		return nil, fmt.Errorf("read access policy: %s: %w", p.path, err)
	}
	return policy, nil
}
