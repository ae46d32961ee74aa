package guard

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"

	"github.com/seed56735111/penstock/iam"
)

// Gate asks an access policy about requests to a domain before they are sent there. It is for a place where the caller
// is known already, and the domain's own policy knows only the one who signs: a proxy.
type Gate struct {
	// Policy gives the policy, at every request; see [iam.ParsePaths].
	Policy func() (*iam.Policy, error)
	// Mode is how much of a request is judged; ModeStrict when empty.
	Mode Mode
	// Backend lists the indexes of the domain when a request has a wildcard. It gets requests without credentials.
	Backend http.Handler
}

// Asker is a request at the gate.
type Asker struct {
	Method string
	Target Target
	Header http.Header
	// Caller is who asks.
	Caller iam.Principal
	// IP is the caller's address; the zero Addr when there is none.
	IP netip.Addr
	// Body opens the body from its start, as it was sent. While it is nil only the URL is judged.
	Body func() (io.ReadCloser, error)
	// URLOnly is for a request that is not for the engine, so that strict mode need not understand it.
	URLOnly bool
}

// Question is one thing that a policy is asked about a request: may the caller use Method on Path?
type Question struct{ Method, Path string }

// String is a method and a path.
func (q Question) String() string { return q.Method + " " + q.Path }

// DeniedError says that the policy does not allow a request.
type DeniedError struct {
	// Question is what it does not allow. The path can be that of an index which only a wildcard of the request means:
	// it is for the log, and not for the caller.
	Question Question
	// Action is the action that the method needs.
	Action string
	// Reason names the statement that denies, or says that none allows.
	Reason string
}

func (e *DeniedError) Error() string { return e.Action + " on " + e.Question.Path + ": " + e.Reason }

// Judge asks the policy about everything that the request touches. It returns what was asked, and nil when all of it is
// allowed. The error is a *[DeniedError], a *[OpaqueError], or says that there is no policy to ask.
func (g *Gate) Judge(ctx context.Context, a *Asker) (asked []Question, err error) {
	policy, err := g.Policy()
	if err != nil {
		return nil, err
	}
	e, arn := evaluatorFor(policy, a)
	var opened []io.Closer
	defer func() {
		for _, c := range opened {
			_ = c.Close() // of a reader
		}
	}()
	s := strict{
		method: a.Method, target: a.Target, header: a.Header,
		names: func() ([]string, error) { return listNames(ctx, g.Backend) },
		body: func() (io.Reader, error) {
			rc, err := a.Body()
			if err != nil {
				return nil, fmt.Errorf("read the body: %w", err)
			}
			opened = append(opened, rc)
			return decoded(a.Header, rc)
		},
	}
	mode := g.Mode
	if a.Body == nil || a.URLOnly {
		mode = ModeParity
	}
	for q, err := range s.all(mode) {
		if err != nil {
			return asked, err
		}
		if slices.Contains(asked[:min(len(asked), 2)], q) {
			continue // the URL itself
		}
		asked = append(asked, q)
		action, known := iam.ActionFor(q.Method)
		if v := e.evaluate(action, arn+q.Path); !v.allowed || !known {
			return asked, &DeniedError{q, action, v.detail}
		}
	}
	if a.Body == nil && g.Mode != ModeParity && !a.URLOnly {
		if err := s.know(); err != nil {
			return asked, &OpaqueError{err}
		}
	}
	return asked, nil
}

// evaluatorFor answers questions about the request. Resources begin with the ARN that it returns.
func evaluatorFor(policy *iam.Policy, a *Asker) (e *evaluator, arn string) {
	d := policy.DomainOf(a.Caller)
	facts := iam.Facts{SourceIP: a.IP, UserAgent: a.Header.Get("User-Agent"), Referer: a.Header.Get("Referer")}
	return &evaluator{
		policies: iam.Policies{Resource: policy}, principal: a.Caller, context: iam.NewContext(a.Caller, facts),
	}, d.ARN()
}
