package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// ismDomain is a stand-in for a domain with Index State Management, after its documented API: the real nodes of these
// tests do not have it. It notes what is changed.
type ismDomain struct {
	indexes []string
	mu      sync.Mutex
	bodies  map[string]json.RawMessage // of what was put, by path
	changes []string
}

func (d *ismDomain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(r.Body)
	if r.Method != http.MethodGet {
		d.changes = append(d.changes, r.Method+" "+r.URL.Path)
	}
	kind, name := filepath.Split(r.URL.Path)
	missing := func() {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":{"type":"status_exception","reason":"Policy not found"},"status":404}`)
	}
	switch {
	case r.URL.Path == "/":
		_, _ = io.WriteString(w, `{"version":{"number":"2.19.1","distribution":"opensearch"}}`)
	case r.Method == http.MethodPut:
		d.bodies[r.URL.Path] = body
		_, _ = io.WriteString(w, `{"acknowledged":true}`)
	case r.Method == http.MethodPost:
		_, _ = io.WriteString(w, `{"updated_indices":1,"failures":false,"failed_indices":[]}`)
	case strings.HasSuffix(r.URL.Path, "/_settings/index.creation_date"):
		all := map[string]any{}
		for _, index := range d.indexes {
			all[index] = map[string]any{}
		}
		_ = json.NewEncoder(w).Encode(all)
	case kind == "/_plugins/_ism/policies/":
		var put struct{ Policy json.RawMessage }
		if json.Unmarshal(d.bodies[r.URL.Path], &put) != nil || put.Policy == nil {
			missing()
			return
		}
		_, _ = fmt.Fprintf(w, `{"_id":%q,"_seq_no":1,"_primary_term":1,"policy":%s}`, name, put.Policy)
	default: // templates
		var all []string
		for path, body := range d.bodies {
			if k, name := filepath.Split(path); k == kind {
				all = append(all, fmt.Sprintf(`{"name":%q,%q:%s}`, name, strings.Trim(kind, "/_"), body))
			}
		}
		_, _ = fmt.Fprintf(w, `{"%ss":[%s]}`, strings.Trim(kind, "/_"), strings.Join(all, ","))
	}
}

// Retention deletes: what it takes in is listed first, nothing is put without a yes, and ship never sets it.
func TestRetentionIsListedAndConfirmed(t *testing.T) {
	t.Parallel()
	d := &ismDomain{indexes: []string{"web-2026.11.01", "web-2026.11.02"}, bodies: map[string]json.RawMessage{}}
	srv := httptest.NewServer(d)
	defer srv.Close()
	config := filepath.Join(t.TempDir(), "penstock.yaml")
	text := "domain: " + srv.URL + "\nno_sign: true\nindex: rest\nroutes:\n" +
		"  - { name: web, match: { bucket: acme }, index: 'web-{yyyy.MM.dd}', retention: 30d }\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	changes := func() []string {
		d.mu.Lock()
		defer d.mu.Unlock()
		all := d.changes
		d.changes = nil
		return all
	}
	said := penstockSays(t, 2, "templates", "put", "--config", config)
	for _, want := range []string{
		"retention 30d of route \"web\": it deletes web-* 31d after an index was made, and takes in, of today:\n" +
			"  web-2026.11.01\n  web-2026.11.02\n",
		"indexes that are there already (2)", "run it again with --yes",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("put says %s, want %q", said, want)
		}
	}
	if got := changes(); got != nil {
		t.Errorf("without a yes: %v", got)
	}
	penstockSays(t, 0, "ship", t.TempDir(), "--config", config, "--put-templates", "--json")
	if got := changes(); slices.ContainsFunc(got, func(c string) bool { return strings.Contains(c, "_ism") }) {
		t.Errorf("ship: %v", got)
	}
	said = penstockSays(t, 0, "templates", "put", "--config", config, "--yes")
	want := []string{
		"PUT /_plugins/_ism/policies/penstock-web", "POST /_plugins/_ism/add/web-2026.11.01",
		"POST /_plugins/_ism/add/web-2026.11.02",
	}
	if got := changes(); !slices.Equal(got, want) {
		t.Errorf("with a yes: %v, want %v: %s", got, want, said)
	}
	if said = penstockSays(t, 0, "templates", "diff", "--config", config); said != "" {
		t.Errorf("diff says %s", said)
	}
	said = penstockSays(t, 0, "templates", "put", "--config", config)
	if got := changes(); got != nil || !strings.Contains(said, `retention 30d of route "web" is as it should be`) {
		t.Errorf("once more: %v: %s", got, said)
	}
}
