package guard

import (
	"bytes"
	"log/slog"
	"sync/atomic"

	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/internal/reload"
)

// FixedPolicy is a policy that never changes. Nil stands for a domain without one.
func FixedPolicy(p *iam.Policy) func() (*iam.Policy, error) {
	return func() (*iam.Policy, error) { return p, nil }
}

// PolicyInMemory is an access policy that can be replaced while the domain runs.
type PolicyInMemory struct {
	parse  func([]byte) (*iam.Policy, error)
	policy atomic.Pointer[iam.Policy]
}

// NewPolicyInMemory returns a domain's policy, which may be nil, and is replaced by documents that parse takes.
func NewPolicyInMemory(p *iam.Policy, parse func([]byte) (*iam.Policy, error)) *PolicyInMemory {
	m := &PolicyInMemory{parse: parse}
	m.policy.Store(p)
	return m
}

// Policy is the policy in force.
func (m *PolicyInMemory) Policy() (*iam.Policy, error) { return m.policy.Load(), nil }

// Set replaces the policy. An empty document, or null, takes it away. After an error the one before stays in force.
func (m *PolicyInMemory) Set(document []byte) error {
	document = bytes.TrimSpace(document)
	if len(document) == 0 || string(document) == "null" {
		m.policy.Store(nil)
		return nil
	}
	p, err := m.parse(document)
	if err != nil {
		return err
	}
	m.policy.Store(p)
	return nil
}

// PolicyFile is an access policy in a file. Changes of the file come into force within a second.
type PolicyFile struct{ file *reload.File[*iam.Policy] }

// OpenPolicyFile reads an access policy with parse, and follows changes of the file. A nil logger is silent.
func OpenPolicyFile(path string, parse func([]byte) (*iam.Policy, error), logger *slog.Logger) (*PolicyFile, error) {
	f, err := reload.Open(reload.Config[*iam.Policy]{What: "access policy", Path: path, Parse: parse, Logger: logger})
	if err != nil {
		return nil, err
	}
	return &PolicyFile{f}, nil
}

// Policy is the policy in the file. While the file cannot be read or is not valid, Policy returns an error and the
// guard answers 503: a policy that somebody meant to replace must not stay in force unnoticed.
func (p *PolicyFile) Policy() (*iam.Policy, error) { return p.file.Get() }
