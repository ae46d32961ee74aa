package function

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/pipeline"
)

// indexTemplate is a template for the indexes whose names begin with a prefix.
type indexTemplate struct {
	path string
	body []byte
}

// newIndexTemplate makes the template in the form that an engine of this version takes. It fixes what is ours in every
// document, keeps texts that look like dates from becoming some, which would turn the next text away, and leaves the
// rest to the engine: what dashboards rely on stays as it is.
func newIndexTemplate(b domain.Banner, prefix string) (indexTemplate, error) {
	typ := func(name string) map[string]any { return map[string]any{"type": name} }
	keyword, object := typ("keyword"), func(properties map[string]any) map[string]any {
		return map[string]any{"properties": properties}
	}
	if b.Major() < 5 && b.Distribution != "opensearch" {
		keyword = map[string]any{"type": "string", "index": "not_analyzed"}
	}
	mapping := map[string]any{
		"date_detection": false,
		"properties": map[string]any{
			"@timestamp": typ("date"),
			"aws":        object(map[string]any{"s3": object(map[string]any{"bucket": keyword, "key": keyword})}),
			"penstock":   object(map[string]any{"format": keyword, "entry": keyword, "offset": typ("long"), "part": keyword}),
		},
	}
	if name := pipeline.DocType(b); name != "" {
		mapping = map[string]any{name: mapping}
	}
	settings := map[string]any{"index.mapping.total_fields.limit": 2000}
	pattern := prefix + "*"
	t := indexTemplate{path: "/_template/" + templateName(prefix)}
	body := map[string]any{"settings": settings, "mappings": mapping, "order": 0}
	switch major := b.Major(); {
	case composable(b):
		t.path = "/_index_template/" + templateName(prefix)
		body = map[string]any{
			"index_patterns": []string{pattern}, "priority": 1, "template": map[string]any{
				"settings": settings,
				"mappings": mapping,
			},
		}
	case major >= 6:
		body["index_patterns"] = []string{pattern}
	default:
		body["template"] = pattern
		if major < 5 { // no limit of fields yet
			delete(body, "settings")
		}
	}
	var err error
	t.body, err = json.Marshal(body)
	return t, err
}

// composable reports whether the engine knows /_index_template: OpenSearch, and Elasticsearch from 7.8 on.
func composable(b domain.Banner) bool {
	if b.Distribution == "opensearch" || b.Major() >= 8 {
		return true
	}
	parts := strings.SplitN(b.Version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	minor, err := strconv.Atoi(parts[1])
	return err == nil && b.Major() == 7 && minor >= 8
}

func templateName(prefix string) string { return "penstock-" + strings.Trim(prefix, "-_.") }

// put puts the template unless one of its name is there: whoever changed it keeps their changes.
func (t indexTemplate) put(ctx context.Context, d *domain.Domain) (there bool, err error) {
	err = exchange(ctx, d, http.MethodGet, t.path, nil)
	if e, ok := errors.AsType[*domain.Error](err); !ok || e.Status != http.StatusNotFound {
		return err == nil, err
	}
	return false, exchange(ctx, d, http.MethodPut, t.path, t.body)
}

// maxAnswer is how much is read of what a domain answers.
const maxAnswer = 1 << 20

// exchange makes one request whose answer matters only when it is no success.
func exchange(ctx context.Context, d *domain.Domain, method, target string, body []byte) error {
	req, err := d.NewRequest(ctx, method, target, body)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := d.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return &domain.Error{Endpoint: d.Endpoint(), Kind: domain.Unreachable, Err: err}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		e := domain.ClassifyResponse(resp, text)
		e.Endpoint = d.Endpoint()
		return e
	}
	return nil
}

// literalPrefix is what every index name of a pattern begins with.
func literalPrefix(pattern string) string {
	prefix, _, _ := strings.Cut(pattern, "{")
	return prefix
}

// putTemplates puts the templates for what the function writes, once for each set of settings. A policy that does not
// allow it, or a domain that has no such thing, is no reason not to deliver.
func (w *wiring) putTemplates(ctx context.Context) {
	if !w.templates || w.templated || w.banner == nil || w.banner.Version == "" {
		return
	}
	w.templated = true
	prefixes := []string{literalPrefix(w.read.Index)}
	if logs := literalPrefix(w.read.Logs.Index); logs != prefixes[0] {
		prefixes = append(prefixes, logs)
	}
	for _, prefix := range prefixes {
		t, err := newIndexTemplate(*w.banner, prefix)
		there := false
		if err == nil {
			there, err = t.put(ctx, w.domain)
		}
		switch e, ok := errors.AsType[*domain.Error](err); {
		case err == nil && !there:
			w.logger.InfoContext(ctx, "index template put", "template", t.path)
		case err == nil:
		case ok && (e.Kind == domain.Refused || e.Kind == domain.BadRequest):
			w.logger.WarnContext(ctx, "index template not put", "template", t.path, "error", err)
		default:
			w.templated = false // a later invocation tries again
			w.logger.WarnContext(ctx, "index template not put yet", "template", t.path, "error",
				fmt.Errorf("put index template: %w", err))
		}
	}
}
