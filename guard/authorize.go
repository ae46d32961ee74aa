package guard

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/seed56735111/penstock/guard/internal/edge"
	"github.com/seed56735111/penstock/iam"
)

// verdict is the outcome of one question, with what is said about a refusal.
type verdict struct {
	allowed bool
	// explicit says that a statement denies; otherwise none allows.
	explicit bool
	// by is the kind of policy that denies or does not allow, such as "resource-based policy".
	by string
	// detail is for the log.
	detail string
}

// authorize asks the policies about everything that the request touches. It returns nil when they allow all of it.
func (c *call) authorize() *refusal {
	policy, err := c.cfg.Policy()
	if err != nil {
		return authorizationFailed(err.Error())
	}
	e := c.evaluator(policy)
	s := strict{method: c.r.Method, target: c.target, header: c.r.Header, names: c.names, body: c.plainBody}
	for q, err := range s.all(c.cfg.Mode) {
		if err != nil {
			return edgeRefusal(http.StatusBadRequest, err.Error())
		}
		if r := c.ask(e, q); r != nil {
			return r
		}
	}
	return nil
}

func (c *call) ask(e *evaluator, q Question) *refusal {
	action, known := iam.ActionFor(q.Method)
	v := e.evaluate(action, c.arn+q.Path)
	// es:* also matches the made-up name of an unknown action.
	if v.allowed && known {
		return nil
	}
	text := "User: " + c.caller.Name() + " is not authorized to perform: " + action + c.suffix(action, q.Path, v)
	return &refusal{
		Answer: edge.Answer{Status: http.StatusForbidden, Body: edge.UpperMessage(text)},
		reason: action + " on " + q.Path + ": " + v.detail,
	}
}

// suffix is the end of a refusal's sentence. It differs between profiles.
func (c *call) suffix(action, path string, v verdict) string {
	switch c.cfg.Profile {
	case Profile2015:
		return " on resource: " + c.arn + path
	case Profile2017:
		return " on resource: " + c.cfg.Name
	case Profile2018:
		return ""
	}
	if v.explicit {
		article := "a "
		if strings.HasPrefix(v.by, "identity") {
			article = "an "
		}
		return " with an explicit deny in " + article + v.by
	}
	return " because no " + v.by + " allows the " + action + " action"
}

// plainBody opens the decompressed body.
func (c *call) plainBody() (io.Reader, error) { return decoded(c.r.Header, c.body.Reader()) }

// decoded undoes the one encoding that a body may have.
func decoded(h http.Header, body io.Reader) (io.Reader, error) {
	if len(h.Values("Content-Encoding")) > 1 {
		return nil, errors.New("the body is encoded more than once")
	}
	r, err := edge.DecodedBody(h, body)
	if err != nil {
		return nil, fmt.Errorf("decode the body: %w", err)
	}
	return r, nil
}
