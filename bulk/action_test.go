package bulk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
)

// action is an action line.
type action struct {
	Index    string `json:"_index"`
	ID       string `json:"_id"`
	Routing  string `json:"routing"`
	Pipeline string `json:"pipeline"`
}

// The routing and the pipeline of a document stand in its action, in every form of it, through retries, and in its
// rejection.
func TestRoutingAndPipelineStandInTheAction(t *testing.T) {
	t.Parallel()
	const n = 12
	want := make([]action, n)
	docs := make([]penstock.Document, n)
	for i := range docs {
		d := doc(i)
		if i%2 == 1 {
			d.Routing = fmt.Appendf(nil, "a\"b\\%d\n", i)
		}
		if i%3 > 0 {
			d.Pipeline = fmt.Sprintf(`p"%d`, i%3)
		}
		docs[i] = d
		want[i] = action{"logs", string(d.ID), string(d.Routing), d.Pipeline}
	}
	for name, cfg := range map[string]bulk.Config{
		"plain":       {},
		"overwrite":   {Overwrite: true},
		"with a type": {DocType: "log"},
		"in the path": {IndexInPath: true},
		"without ids": {NoIDs: true},
		"nothing":     {IndexInPath: true, NoIDs: true},
	} {
		var mu sync.Mutex
		seen := map[string]action{} // of the second time, by the document
		e := &engine{}
		e.before = func(_ int, _ http.ResponseWriter, body []byte) bool {
			lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
			for i := 0; i < len(lines); i += 2 {
				var line map[string]action
				if err := json.Unmarshal(lines[i], &line); err != nil || len(line) != 1 {
					t.Errorf("%s: %s: %v", name, lines[i], err)
				}
				for _, a := range line {
					seen[string(lines[i+1])] = a
				}
			}
			return false
		}
		e.item = func(request int, _ string) (int, string, string) {
			if request == 1 {
				return 429, "es_rejected_execution_exception", "queue full"
			}
			return 400, "mapper_parsing_exception", "no"
		}
		w := start(t, e, cfg)
		rejected := map[string]action{}
		d := w.Begin(func(_ context.Context, r penstock.Rejection) error {
			mu.Lock()
			defer mu.Unlock()
			rejected[string(r.Body())] = action{r.Index, string(r.ID), string(r.Routing), r.Pipeline}
			return nil
		})
		for _, one := range docs {
			if err := d.Add(t.Context(), one); err != nil {
				t.Fatal(err)
			}
		}
		if out, err := d.Wait(t.Context()); err != nil || out.Rejected != n {
			t.Fatalf("%s: %+v, error %v", name, out, err)
		}
		for i, one := range docs {
			line := want[i]
			if cfg.IndexInPath {
				line.Index = ""
			}
			if cfg.NoIDs {
				line.ID = ""
			}
			if diff := cmp.Diff(line, seen[string(one.Body())]); diff != "" {
				t.Errorf("%s: the action of document %d (-want +got):\n%s", name, i, diff)
			}
			if diff := cmp.Diff(want[i], rejected[string(one.Body())]); diff != "" {
				t.Errorf("%s: the rejection of document %d (-want +got):\n%s", name, i, diff)
			}
		}
	}
}

// A pipeline that is not there keeps the documents that name it, and no others of their index.
func TestAMissingPipelineOfDocumentsIsNotTheIndexesFault(t *testing.T) {
	t.Parallel()
	e := &engine{item: func(_ int, id string) (int, string, string) {
		if id == "id-0" {
			return 400, "illegal_argument_exception", "pipeline with id [nope] does not exist"
		}
		return 201, "", ""
	}}
	w := start(t, e, bulk.Config{})
	lost, fine := doc(0), doc(1)
	lost.Pipeline = "nope"
	for i, tt := range []struct {
		doc  penstock.Document
		want penstock.Outcome
		back bool
	}{
		{lost, penstock.Outcome{}, true},
		{fine, penstock.Outcome{Delivered: 1}, false},
	} {
		d := w.Begin(nil)
		if err := d.Add(t.Context(), tt.doc); err != nil {
			t.Fatal(err)
		}
		out, err := d.Wait(t.Context())
		if _, back := errors.AsType[*bulk.IndexError](err); out != tt.want || back != tt.back {
			t.Errorf("document %d: %+v, error %v", i, out, err)
		}
	}
}

func BenchmarkAddWithRoutingAndPipeline(b *testing.B) {
	x := benchDocument()
	x.Routing, x.Pipeline = []byte("customer-17"), "enrich"
	benchmarkAdd(b, x)
}
