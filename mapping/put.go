package mapping

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/seed56735111/penstock/domain"
)

// maxAnswer bounds what is read of an answer: a domain may have many templates of ours, or an index many fields.
const maxAnswer = 64 << 20

// Standing is a template with what the domain has in its place.
type Standing struct {
	Template
	State State
	// There is the domain's body, nil when there is none.
	There map[string]any
}

// OnlyLifecycle reports whether the domain's template differs in naming a policy of ILM alone.
func (s *Standing) OnlyLifecycle() bool {
	lines := s.Diff(s.There)
	for _, line := range lines {
		setting, more := strings.CutPrefix(line, "-")
		setting = strings.TrimPrefix(setting, "template.") // which those for older engines lack
		if !more || !strings.HasPrefix(setting, "settings.index.lifecycle.") {
			return false
		}
	}
	return len(lines) > 0
}

// Read compares templates with those of the domain. It makes one request for each kind of them. An error is of the
// kinds of domain.Domain.
func Read(ctx context.Context, d *domain.Domain, templates []Template) ([]Standing, error) {
	kinds := map[string]map[string]map[string]any{}
	var all []Standing
	for _, t := range templates {
		kind, name := path.Dir(t.Path), path.Base(t.Path)
		if kinds[kind] == nil {
			var err error
			if kinds[kind], err = list(ctx, d, kind); err != nil {
				return nil, fmt.Errorf("read index templates: GET %s/penstock-*: %w", kind, err)
			}
		}
		there := kinds[kind][name]
		all = append(all, Standing{t, t.Compare(there), there})
	}
	return all, nil
}

// list returns the bodies of the templates of a kind whose names are ours.
func list(ctx context.Context, d *domain.Domain, kind string) (map[string]map[string]any, error) {
	all := map[string]map[string]any{}
	text, err := exchange(ctx, d, http.MethodGet, kind+"/penstock-*", nil)
	if isMissing(err) {
		return all, nil // there is none
	}
	if err != nil {
		return nil, err
	}
	type named struct {
		Name      string         `json:"name"`
		Index     map[string]any `json:"index_template"`
		Component map[string]any `json:"component_template"`
	}
	var answer struct {
		Index     []named `json:"index_templates"`
		Component []named `json:"component_templates"`
	}
	if kind == "/_template" {
		return all, unmarshal(d, text, &all)
	}
	if err := unmarshal(d, text, &answer); err != nil {
		return nil, err
	}
	for _, t := range answer.Index {
		all[t.Name] = t.Index
	}
	for _, t := range answer.Component {
		all[t.Name] = t.Component
	}
	return all, nil
}

// Put puts the templates that are missing or older, with force also those that somebody edited or wrote, and returns
// the number of those that it put. What is refused ends it; running it again goes on.
func Put(ctx context.Context, d *domain.Domain, all []Standing, force bool) (n int, err error) {
	for i := range all {
		t := &all[i]
		if t.State == Same || !force && (t.State == Edited || t.State == Foreign) {
			continue
		}
		if err := put(ctx, d, t.Path, t.Body); err != nil {
			return n, fmt.Errorf("put index template: PUT %s: %w", t.Path, err)
		}
		n++
	}
	return n, nil
}

func unmarshal(d *domain.Domain, text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return &domain.Error{
			Endpoint: d.Endpoint(),
			Kind:     domain.NotADomain,
			Status:   http.StatusOK,
			Reason:   "it is no JSON of the kind that is asked for",
		}
	}
	return nil
}

// put makes one request that puts a body at a path.
func put(ctx context.Context, d *domain.Domain, path string, body map[string]any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = exchange(ctx, d, http.MethodPut, path, text)
	return err
}

// isMissing reports whether the domain answers that it has no such thing.
func isMissing(err error) bool {
	e, ok := errors.AsType[*domain.Error](err)
	return ok && e.Status == http.StatusNotFound
}

// exchange makes one request and returns the body of the answer. An answer that is no success is a *domain.Error.
func exchange(ctx context.Context, d *domain.Domain, method, target string, body []byte) ([]byte, error) {
	req, err := d.NewRequest(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := d.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, &domain.Error{Endpoint: d.Endpoint(), Kind: domain.Unreachable, Err: err}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		e := domain.ClassifyResponse(resp, text)
		e.Endpoint = d.Endpoint()
		return nil, e
	}
	return bytes.TrimSpace(text), nil
}
