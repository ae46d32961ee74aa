package function

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/domain"
)

func TestTemplatesAreInTheFormThatTheEngineTakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ distribution, version, path, where string }{
		{
			"elasticsearch", "1.5.2", "/_template/penstock-cwl",
			"mappings log properties aws properties s3 properties key index",
		},
		{"elasticsearch", "5.6.17", "/_template/penstock-cwl", "mappings log date_detection"},
		{"elasticsearch", "6.8.0", "/_template/penstock-cwl", "mappings _doc date_detection"},
		{"elasticsearch", "7.1.1", "/_template/penstock-cwl", "mappings date_detection"},
		{"elasticsearch", "7.10.2", "/_index_template/penstock-cwl", "template mappings date_detection"},
		{"opensearch", "1.3.0", "/_index_template/penstock-cwl", "template mappings date_detection"},
		{"opensearch", "3.3.0", "/_index_template/penstock-cwl", "template settings index.mapping.total_fields.limit"},
	} {
		got, err := newIndexTemplate(domain.Banner{Distribution: tt.distribution, Version: tt.version}, "cwl-")
		if err != nil {
			t.Fatal(err)
		}
		var body any
		if err := json.Unmarshal(got.body, &body); err != nil {
			t.Fatal(err)
		}
		for name := range strings.FieldsSeq(tt.where) {
			object, _ := body.(map[string]any)
			body = object[name]
		}
		if got.path != tt.path || body == nil {
			t.Errorf("%s %s: %s %s, want %s with %s", tt.distribution, tt.version, got.path, got.body, tt.path, tt.where)
		}
	}
}

// engineOf answers as an engine with templates does, or refuses.
type engineOf struct {
	templates map[string]string
	refuses   string // method
	away      bool
	log       []string
}

func (e *engineOf) RoundTrip(r *http.Request) (*http.Response, error) {
	e.log = append(e.log, r.Method+" "+r.URL.Path)
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
	switch text, ok := e.templates[r.URL.Path]; {
	case e.away:
		return nil, errors.New("connection refused")
	case r.Method == e.refuses:
		return answer(http.StatusForbidden, `{"Message":"User: arn:aws:iam::1:role/gate is not authorized to perform: " +
			"es:ESHttp`+r.Method+`"}`)
	case r.Method == http.MethodPut:
		body, _ := io.ReadAll(r.Body)
		e.templates[r.URL.Path] = string(body)
		return answer(http.StatusOK, `{"acknowledged":true}`)
	case ok:
		return answer(http.StatusOK, text)
	}
	return answer(http.StatusNotFound,
		`{"error":{"type":"resource_not_found_exception","reason":"no template"},"status":404}`)
}

func TestTemplatesArePutOnceWhenAllowed(t *testing.T) {
	t.Parallel()
	const logs, cwl = "/_index_template/penstock-logs", "/_index_template/penstock-cwl"
	for _, tt := range []struct {
		name   string
		engine engineOf
		off    bool
		want   []string // requests of the first invocation
		again  []string // and of the second
	}{
		{name: "not there yet", want: []string{"GET " + logs, "PUT " + logs, "GET " + cwl, "PUT " + cwl}},
		{
			name: "changed by somebody", engine: engineOf{templates: map[string]string{logs: "theirs", cwl: "theirs"}},
			want: []string{"GET " + logs, "GET " + cwl},
		},
		{name: "not allowed to look", engine: engineOf{refuses: "GET"}, want: []string{"GET " + logs, "GET " + cwl}},
		{
			name: "not allowed to put", engine: engineOf{refuses: "PUT"},
			want: []string{"GET " + logs, "PUT " + logs, "GET " + cwl, "PUT " + cwl},
		},
		{
			name: "away", engine: engineOf{away: true}, want: []string{"GET " + logs, "GET " + cwl},
			again: []string{"GET " + logs, "GET " + cwl},
		},
		{name: "not asked for", off: true},
	} {
		e := tt.engine
		if e.templates == nil {
			e.templates = map[string]string{}
		}
		d, err := domain.New(domain.Config{URL: "http://127.0.0.1:9200", Transport: &e})
		if err != nil {
			t.Fatal(err)
		}
		w := &wiring{
			domain: d, banner: &domain.Banner{Distribution: "opensearch", Version: "2.19.1"},
			logger: slog.New(slog.DiscardHandler),
		}
		w.templates, w.read.Index, w.read.Logs.Index = !tt.off, "logs-{format}", "cwl-{yyyy}"
		for i, want := range [][]string{tt.want, tt.again} {
			e.log = nil
			w.putTemplates(t.Context())
			if diff := cmp.Diff(want, e.log); diff != "" {
				t.Errorf("%s, invocation %d:\n%s", tt.name, i, diff)
			}
		}
		if tt.engine.templates != nil && e.templates[logs] != "theirs" {
			t.Errorf("%s: a template of somebody's was replaced", tt.name)
		}
	}
}
