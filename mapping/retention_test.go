package mapping_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/mapping"
)

// keeper is a stand-in for Index State Management and index lifecycle management, after their documented APIs: the
// nodes that other tests start have neither.
type keeper struct {
	base     string // where its policies are
	indexes  []string
	mu       sync.Mutex
	policies map[string]map[string]any
	seq      map[string]int
	managed  map[string]string // policies by index
	calls    []string
}

func startKeeper(t *testing.T, base string, indexes ...string) (*keeper, *domain.Domain) {
	t.Helper()
	k := &keeper{
		base: base, indexes: indexes, policies: map[string]map[string]any{}, seq: map[string]int{},
		managed: map[string]string{},
	}
	srv := httptest.NewServer(k)
	t.Cleanup(srv.Close)
	d, err := domain.New(domain.Config{URL: srv.URL, Transport: http.DefaultTransport})
	if err != nil {
		t.Fatal(err)
	}
	return k, d
}

func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls = append(k.calls, r.Method+" "+r.URL.Path)
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(r.Body)
	answer := func(status int, v any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	refuse := func(status int, kind, reason string) {
		answer(status, map[string]any{"error": map[string]any{"type": kind, "reason": reason}, "status": status})
	}
	root, name := strings.TrimSuffix(k.base, "/policies"), strings.TrimPrefix(r.URL.Path, k.base+"/")
	switch {
	case r.URL.Path == k.base:
		answer(200, map[string]any{"policies": []any{}})
	case strings.HasPrefix(r.URL.Path, k.base+"/") && r.Method == http.MethodGet:
		policy, ok := k.policies[name]
		switch {
		case !ok:
			refuse(404, "status_exception", "Policy not found")
		case k.base == "/_ilm/policy":
			answer(200, map[string]any{name: map[string]any{"version": 1, "policy": policy}})
		default:
			answer(200, map[string]any{
				"_id": name, "_version": 1, "_seq_no": k.seq[name], "_primary_term": 1, "policy": stored(name, policy),
			})
		}
	case strings.HasPrefix(r.URL.Path, k.base+"/") && r.Method == http.MethodPut:
		want := ""
		if k.policies[name] != nil && k.base != "/_ilm/policy" {
			want = fmt.Sprint(k.seq[name])
		}
		if r.URL.Query().Get("if_seq_no") != want {
			refuse(409, "version_conflict_engine_exception", "the policy is another one")
			return
		}
		var put struct{ Policy map[string]any }
		if json.Unmarshal(body, &put) != nil || put.Policy == nil {
			refuse(400, "parse_exception", "no policy")
			return
		}
		k.policies[name] = put.Policy
		k.seq[name] += 7
		answer(200, map[string]any{"_id": name})
	case strings.HasPrefix(r.URL.Path, root+"/add/"), strings.HasPrefix(r.URL.Path, root+"/change_policy/"):
		var asked struct {
			ID string `json:"policy_id"`
		}
		_ = json.Unmarshal(body, &asked)
		index := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		if _, has := k.managed[index]; has == strings.Contains(r.URL.Path, "/add/") {
			answer(200, map[string]any{"updated_indices": 0, "failures": true, "failed_indices": []any{map[string]any{
				"index_name": index,
				"reason":     "This index already has a policy, use the update policy API to update index policies",
			}}})
			return
		}
		k.managed[index] = asked.ID
		answer(200, map[string]any{"updated_indices": 1, "failures": false, "failed_indices": []any{}})
	case strings.HasSuffix(r.URL.Path, "/_settings/index.creation_date"):
		all := map[string]any{}
		for _, name := range k.indexes {
			all[name] = map[string]any{"settings": map[string]any{"index.creation_date": "1"}}
		}
		answer(200, all)
	case strings.HasSuffix(r.URL.Path, "/_settings") && r.Method == http.MethodPut:
		var set map[string]string
		_ = json.Unmarshal(body, &set)
		k.managed[strings.Trim(strings.TrimSuffix(r.URL.Path, "_settings"), "/")] = set["index.lifecycle.name"]
		answer(200, map[string]any{"acknowledged": true})
	default:
		refuse(400, "illegal_argument_exception", "no handler found for uri ["+r.URL.Path+"] and method ["+r.Method+"]")
	}
}

// stored is a policy as Index State Management gives it back: with what it adds.
func stored(name string, policy map[string]any) map[string]any {
	text, _ := json.Marshal(policy)
	var out map[string]any
	_ = json.Unmarshal(text, &out)
	out["policy_id"], out["last_updated_time"], out["schema_version"] = name, 1577990934044, 21
	out["error_notification"] = nil
	states, _ := out["states"].([]any)
	for _, s := range states {
		actions, _ := s.(map[string]any)["actions"].([]any)
		for _, a := range actions {
			a.(map[string]any)["retry"] = map[string]any{"count": 3, "backoff": "exponential", "delay": "1m"}
		}
	}
	if one, ok := out["ism_template"].(map[string]any); ok {
		out["ism_template"] = []any{one}
	}
	for _, one := range out["ism_template"].([]any) {
		one.(map[string]any)["last_updated_time"] = 1577990934044
	}
	return out
}

func web() mapping.Retention {
	return mapping.Retention{Name: "penstock-web", Pattern: "web-*", Keep: "30d", Age: "31d", Of: `route "web"`}
}

// A retention is put once, takes in what is there, and is changed in its place; in each of the APIs.
func TestARetentionIsPutAndChanged(t *testing.T) {
	t.Parallel()
	for _, base := range []mapping.Keeper{mapping.ISM, mapping.OldISM, mapping.ILM} {
		t.Run(string(base), func(t *testing.T) {
			t.Parallel()
			k, d := startKeeper(t, string(base), "web-2026.11.01", "web-2026.11.02")
			e := mapping.Engine{Distribution: "opensearch", Version: "2.19.1"}
			if base != mapping.ISM {
				e = mapping.Engine{Distribution: "elasticsearch", Version: "7.10.2"}
			}
			found, err := mapping.FindKeeper(t.Context(), d, e)
			if err != nil || found != base {
				t.Fatalf("found %s, %v", found, err)
			}
			k.managed["web-2026.11.02"] = "another"
			put := func(r mapping.Retention, want mapping.State) {
				t.Helper()
				got, err := mapping.ReadRetention(t.Context(), d, base, r)
				if err != nil || got.State != want || !slices.Equal(got.Indexes, k.indexes) {
					t.Fatalf("%+v, %v, want %s", got, err, want)
				}
				if err := mapping.PutRetention(t.Context(), d, got); err != nil {
					t.Fatal(err)
				}
				if got, err = mapping.ReadRetention(t.Context(), d, base, r); err != nil || got.State != mapping.Same {
					t.Errorf("after put %+v, %v", got, err)
				}
			}
			put(web(), mapping.Missing)
			longer := web()
			longer.Keep, longer.Age = "90d", "91d"
			put(longer, mapping.Older)
			want := map[string]string{"web-2026.11.01": "penstock-web", "web-2026.11.02": "penstock-web"}
			if diff := cmp.Diff(k.managed, want); diff != "" {
				t.Errorf("managed (-got +want):\n%s", diff)
			}
			if base == mapping.ILM {
				return
			}
			k.policies["penstock-web"]["description"] = "of somebody else"
			if got, err := mapping.ReadRetention(t.Context(), d, base, web()); err != nil || got.State != mapping.Foreign {
				t.Errorf("a policy of somebody else: %+v, %v", got, err)
			}
		})
	}
}

// Of two patterns that take in an index the longer one is meant.
func TestAnIndexHasOneRetention(t *testing.T) {
	t.Parallel()
	of := func(pattern string) *mapping.Kept {
		return &mapping.Kept{Retention: mapping.Retention{Pattern: pattern}, Indexes: []string{"web-1", "web-two-1"}}
	}
	all := []*mapping.Kept{of("web-two-*"), of("web-*")}
	all[0].Indexes = []string{"web-two-1"}
	mapping.Apart(all)
	if got := [][]string{all[0].Indexes, all[1].Indexes}; !cmp.Equal(got, [][]string{{"web-two-1"}, {"web-1"}}) {
		t.Errorf("got %v", got)
	}
}

// The policy says what Index State Management documents: one pattern, a state that is left by age, and one that
// deletes.
func TestAPolicyDeletesItsPatternAlone(t *testing.T) {
	t.Parallel()
	of := func(r mapping.Retention, k mapping.Keeper) string {
		text, err := json.Marshal(r.Policy(k))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	stream := mapping.Retention{Name: "penstock-s", Pattern: "logs-s", Stream: true, Keep: "30d", Age: "30d", Of: "x"}
	for name, tt := range map[string]struct{ text, want string }{
		"pattern":     {of(web(), mapping.ISM), `"ism_template":[{"index_patterns":["web-*"],"priority":`},
		"older API":   {of(web(), mapping.OldISM), `"ism_template":{"index_patterns":["web-*"],"priority":`},
		"age":         {of(web(), mapping.ISM), `[{"conditions":{"min_index_age":"31d"},"state_name":"deleted"}]`},
		"nothing yet": {of(web(), mapping.ISM), `{"actions":[],"name":"kept"`},
		"delete":      {of(web(), mapping.ISM), `{"actions":[{"delete":{}}],"name":"deleted","transitions":[]}`},
		"rollover":    {of(stream, mapping.ISM), `[{"rollover":{"min_index_age":"1d","min_size":"50gb"}}]`},
		"after it":    {of(stream, mapping.ISM), `{"min_rollover_age":"30d"}`},
		"lifecycle":   {of(web(), mapping.ILM), `"delete":{"actions":{"delete":{}},"min_age":"31d"}`},
		"its streams": {of(stream, mapping.ILM), `"hot":{"actions":{"rollover":{"max_age":"1d","max_size":"50gb"}}}`},
	} {
		if !strings.Contains(tt.text, tt.want) {
			t.Errorf("%s: %s\nlacks %s", name, tt.text, tt.want)
		}
	}
}

// A domain that deletes nothing by itself says so, and one that refuses is not taken for one.
func TestADomainWithoutRetention(t *testing.T) {
	t.Parallel()
	_, d := startKeeper(t, "/nothing")
	if k, err := mapping.FindKeeper(t.Context(), d, mapping.Engine{}); !errors.Is(err, mapping.ErrNoKeeper) {
		t.Errorf("found %q, %v", k, err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"Message":"User is not authorized"}`, http.StatusForbidden)
	}))
	defer srv.Close()
	d, err := domain.New(domain.Config{URL: srv.URL, Transport: http.DefaultTransport})
	if err != nil {
		t.Fatal(err)
	}
	_, err = mapping.FindKeeper(t.Context(), d, mapping.Engine{})
	if e, ok := errors.AsType[*domain.Error](err); !ok || e.Kind != domain.Refused {
		t.Errorf("got %v", err)
	}
}
