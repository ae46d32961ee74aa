package pipeline_test

import (
	"bufio"
	"encoding/json"
	"errors"
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
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/pipeline"
)

// notingDomain takes documents and notes their actions. It refuses those that hold "poison".
type notingDomain struct {
	*httptest.Server
	mu      sync.Mutex
	actions []string
	banners int
}

func newNotingDomain(t *testing.T) *notingDomain {
	t.Helper()
	d := new(notingDomain)
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *notingDomain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		d.banners++
		_, _ = io.WriteString(w, `{"version":{"number":"2.19.1","distribution":"opensearch"}}`)
		return
	}
	var items []string
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		var action map[string]map[string]string
		if json.Unmarshal(lines.Bytes(), &action) != nil || !lines.Scan() {
			break
		}
		for verb, a := range action {
			delete(a, "_id")
			text, _ := json.Marshal(a)
			if strings.Contains(lines.Text(), "poison") {
				items = append(items, fmt.Sprintf(`{"%s":{"status":400,"error":{"type":"mapper_parsing_exception",`+
					`"reason":"no"}}}`, verb))
				continue
			}
			d.actions = append(d.actions, verb+string(text))
			items = append(items, fmt.Sprintf(`{"%s":{"status":201,"result":"created"}}`, verb))
		}
	}
	_, _ = fmt.Fprintf(w, `{"errors":true,"items":[%s]}`, strings.Join(items, ","))
}

// taken are the actions of documents that were stored, in order of their text.
func (d *notingDomain) taken() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(slices.Values(d.actions))
}

func unsigned(url string) pipeline.Target { return pipeline.Target{URL: url, NoSign: true} }

// targetsRun ships files into two domains: those that begin with audit go to the target of this name.
func targetsRun(t *testing.T, own, audit string, files map[string]string) (pipeline.Result, string, error) {
	t.Helper()
	dir, letters := t.TempDir(), t.TempDir()
	for name, text := range files {
		path, old := filepath.Join(dir, name), time.Now().Add(-time.Hour)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := pipeline.Open(t.Context(), pipeline.Options{
		Sources: pipeline.Sources{Names: []string{dir}},
		Target:  unsigned(own), Targets: map[string]pipeline.Target{"audit": unsigned(audit)},
		Read: pipeline.Read{Index: "logs", Routes: []pipeline.Route{{
			Name: "audit", Match: pipeline.Match{File: []pipeline.Pattern{{Glob: "**/audit*"}}}, Target: "audit",
			Index: "audit", Pipeline: "enrich", Routing: "c-{customer}", Action: pipeline.ActionIndex,
		}}},
		Write:       pipeline.Write{RetryBudget: time.Second},
		DeadLetters: letters,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Run(t.Context())
	return got, letters, err
}

func targetOptions(own, audit, letters string) pipeline.ReplayOptions {
	return pipeline.ReplayOptions{
		Target: unsigned(own), Targets: map[string]pipeline.Target{"audit": unsigned(audit)}, DeadLetters: letters,
		Routes: []pipeline.Route{{Name: "audit", Target: "audit"}},
	}
}

// Documents go to the target of their route, the way that it says; letters name its domain, and go back there.
func TestARouteSendsToItsTarget(t *testing.T) {
	t.Parallel()
	own, audit := newNotingDomain(t), newNotingDomain(t)
	got, letters, err := targetsRun(t, own.URL, audit.URL, map[string]string{
		"a.ndjson": `{"n":1}` + "\n" + `{"n":"poison"}` + "\n",
		"audit.ndjson": `{"n":2,"customer":17}` + "\n" + `{"n":3}` + "\n" +
			`{"n":"poison","customer":18}` + "\n",
	})
	if err != nil || got.Delivered != 3 || got.DeadLettered != 2 || got.Written.Delivered != 3 {
		t.Fatalf("%+v, fatal %v, %v", got.Counts, got.Fatal, err)
	}
	wantOwn := []string{`create{"_index":"logs"}`}
	wantAudit := []string{
		`index{"_index":"audit","pipeline":"enrich","routing":"c-17"}`, `index{"_index":"audit","pipeline":"enrich"}`,
	}
	if diff := cmp.Diff(own.taken(), wantOwn); diff != "" {
		t.Errorf("the domain that is not named (-got +want):\n%s", diff)
	}
	if diff := cmp.Diff(audit.taken(), wantAudit); diff != "" {
		t.Errorf("the target (-got +want):\n%s", diff)
	}
	stored := map[string]string{}
	for l, err := range deadletter.Open(letters, nil).Letters(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		stored[l.Domain] = l.Routing + l.Pipeline
	}
	if diff := cmp.Diff(stored, map[string]string{own.URL: "", audit.URL: "c-18enrich"}); diff != "" {
		t.Errorf("letters by domain (-got +want):\n%s", diff)
	}

	// Back they go, each to its own.
	replay, err := pipeline.OpenReplay(t.Context(), targetOptions(own.URL, audit.URL, letters))
	if err != nil {
		t.Fatal(err)
	}
	counts, err := replay.Run(t.Context())
	if want := (deadletter.ReplayCounts{Letters: 2, Again: 2}); err != nil || counts != want {
		t.Errorf("replay %+v, %v, want %+v", counts, err, want)
	}
}

// What a replay sends arrives in the domain that the letter was for.
func TestALetterGoesBackToItsOwnDomain(t *testing.T) {
	t.Parallel()
	own, audit := newNotingDomain(t), newNotingDomain(t)
	letters := deadletter.Open(t.TempDir(), nil)
	var all []penstock.Letter
	for i, domain := range []string{own.URL, audit.URL, "https://gone.example.com"} {
		all = append(all, penstock.Letter{
			ID: fmt.Sprint(i), Domain: domain, Reason: penstock.ReasonRejected, Index: fmt.Sprintf("i-%d", i),
			Document: []byte(`{"a":1}`), Pipeline: "p",
		})
	}
	if err := errors.Join(letters.Put(t.Context(), all...), letters.Close()); err != nil {
		t.Fatal(err)
	}
	o := targetOptions(own.URL, audit.URL, letters.Path())
	o.Choose = func(l penstock.Letter) bool { return l.Domain != "https://gone.example.com" }
	r, err := pipeline.OpenReplay(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Run(t.Context())
	if want := (deadletter.ReplayCounts{Letters: 2, Delivered: 2}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for i, d := range []*notingDomain{own, audit} {
		if want := []string{fmt.Sprintf(`create{"_index":"i-%d","pipeline":"p"}`, i)}; !slices.Equal(d.taken(), want) {
			t.Errorf("domain %d took %v, want %v", i, d.taken(), want)
		}
	}
}

// A target that is down keeps its own objects, and no others; when all are, the run stops.
func TestATargetThatIsDownKeepsItsOwnObjectsOnly(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("a-%d.ndjson", i)] = `{"n":1}` + "\n"
		files[fmt.Sprintf("audit-%d.ndjson", i)] = `{"n":2}` + "\n"
	}
	for _, tt := range []struct {
		name      string
		own, down bool
	}{{"the target", true, true}, {"the domain that is not named", false, true}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			up := newNotingDomain(t)
			own, audit := dead.URL, up.URL
			if tt.own {
				own, audit = up.URL, dead.URL
			}
			got, _, err := targetsRun(t, own, audit, files)
			if err != nil || got.Delivered != 20 || got.ItemsGivenBack != 20 || got.Fatal != nil {
				t.Fatalf("%+v, fatal %v, %v", got.Counts, got.Fatal, err)
			}
			first, _ := got.FirstFailure()
			if e, ok := errors.AsType[*pipeline.TargetError](first.Err); !ok || (e.Target == "audit") != tt.own {
				t.Errorf("the first failure is %v", first.Err)
			}
		})
	}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		got, _, err := targetsRun(t, dead.URL, dead.URL, files)
		if err == nil || got.Fatal == nil || got.Delivered != 0 {
			t.Errorf("%+v, fatal %v, %v", got.Counts, got.Fatal, err)
		}
	})
}

// A target whose mapping takes nothing is stopped by its own brake: it leaves no letters, and the others go on.
func TestATargetThatTakesNothingIsStoppedAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, files string }{{"the target audit", "audit"}, {"http://", "plain"}} {
		t.Run(tt.files, func(t *testing.T) {
			t.Parallel()
			dir, letters := t.TempDir(), t.TempDir()
			for i := range 30 {
				texts := map[string]string{"audit": "ok", "plain": "ok"}
				texts[tt.files] = "poison"
				for kind, text := range texts {
					path, old := filepath.Join(dir, fmt.Sprintf("%s-%02d.ndjson", kind, i)), time.Now().Add(-time.Hour)
					line := fmt.Appendf(nil, `{"n":%d,"text":"%s"}`+"\n", i, text)
					if err := errors.Join(os.WriteFile(path, line, 0o600), os.Chtimes(path, old, old)); err != nil {
						t.Fatal(err)
					}
				}
			}
			own, audit := newNotingDomain(t), newNotingDomain(t)
			p, err := pipeline.Open(t.Context(), pipeline.Options{
				Sources: pipeline.Sources{Names: []string{dir}}, Brake: 10, DeadLetters: letters,
				Target: unsigned(own.URL), Targets: map[string]pipeline.Target{"audit": unsigned(audit.URL)},
				Read: pipeline.Read{Index: "logs", Routes: []pipeline.Route{{
					Name: "audit", Target: "audit", Match: pipeline.Match{File: []pipeline.Pattern{{Glob: "**/audit*"}}},
				}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Run(t.Context())
			if err != nil || !got.Balanced() || got.Delivered != 30 || got.DeadLettered != 0 || got.ItemsGivenBack != 30 {
				t.Fatalf("%+v, %v", got.Counts, err)
			}
			first, _ := got.FirstFailure()
			e, ok := errors.AsType[*penstock.BrakeError](first.Err)
			if !ok || !strings.HasPrefix(e.Target, tt.name) || !e.Others {
				t.Errorf("the first failure is %v", first.Err)
			}
		})
	}
}

// Targets that are not there, or are not needed, are told before anything is read.
func TestTargetsOfRoutesAreThere(t *testing.T) {
	t.Parallel()
	open := func(o pipeline.Options) error {
		o.Sources.Names, o.DeadLetters = []string{t.TempDir()}, t.TempDir()
		_, err := pipeline.Open(t.Context(), o)
		return err
	}
	everything := []pipeline.Route{{Name: "all", Target: "audit"}}
	some := []pipeline.Route{{
		Name: "some", Target: "audit", Match: pipeline.Match{Bucket: []pipeline.Pattern{{Glob: "b"}}},
	}}
	named := map[string]pipeline.Target{"audit": unsigned("http://127.0.0.1:1")}
	for name, tt := range map[string]struct {
		o    pipeline.Options
		want pipeline.Problem
	}{
		"no such target": {pipeline.Options{
			Target: unsigned("http://127.0.0.1:1"), Read: pipeline.Read{Routes: everything},
		}, pipeline.NoTarget},
		"the rest goes nowhere": {pipeline.Options{Targets: named, Read: pipeline.Read{Routes: some}}, pipeline.NoDomain},
		"nothing is left":       {pipeline.Options{Targets: named, Read: pipeline.Read{Routes: everything}}, 0},
	} {
		err := open(tt.o)
		e, _ := errors.AsType[*pipeline.OptionError](err)
		if tt.want == 0 && err != nil || tt.want != 0 && (e == nil || e.Problem != tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
