package mapping_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/mapping"
)

// index is an index with one field "n": the first value decides whether it is a number. It is a domain and a deliverer.
type index struct {
	mu      sync.Mutex
	kind    string // "", "long" or "text"
	refuse  int    // status of readings of the mapping
	reads   int
	docs    []string
	broken  error // of every Wait
	replace int   // documents that take the place of others
}

func (x *index) RoundTrip(r *http.Request) (*http.Response, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.reads++
	body := `{"i":{"mappings":{"properties":{"n":{"type":"` + x.kind + `"}}}}}`
	status := http.StatusOK
	switch {
	case x.refuse != 0:
		status = x.refuse
		body = `{"Message":"User: x is not authorized to perform: es:ESHttpGet"}`
	case x.kind == "":
		status = http.StatusNotFound
		body = `{"error":{"type":"index_not_found_exception","reason":"no such index [i]"},"status":404}`
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

func (*index) Hold() (release func()) { return func() {} }

func (x *index) Begin(reject penstock.RejectFunc) penstock.Delivery {
	return &delivery{index: x, reject: reject}
}

type delivery struct {
	*index
	reject penstock.RejectFunc
	out    penstock.Outcome
	wg     sync.WaitGroup
	outMu  sync.Mutex
}

func (d *delivery) Add(_ context.Context, doc penstock.Document) error {
	body, raw := doc.Body(), bytes.Clone(doc.Raw)
	d.mu.Lock()
	if doc.Replace {
		d.replace++
	}
	number := bytes.Contains(body, []byte(`"n":1`))
	switch {
	case d.kind == "" && number:
		d.kind = "long"
	case d.kind == "":
		d.kind = "text"
	}
	renamed := bytes.Contains(body, []byte(`"n_text":`))
	refused := d.kind == "long" && !number && !renamed || bytes.Contains(body, []byte("never"))
	if !refused {
		d.docs = append(d.docs, string(body))
	}
	d.mu.Unlock()
	d.wg.Go(func() {
		var err error
		if refused {
			err = d.reject(context.Background(), penstock.Rejection{
				Document: penstock.Document{Index: doc.Index, ID: bytes.Clone(doc.ID), Head: body, Raw: raw},
				Status:   400, Type: "mapper_parsing_exception",
			})
		}
		d.outMu.Lock()
		defer d.outMu.Unlock()
		switch {
		case err != nil:
		case refused:
			d.out.Rejected++
		default:
			d.out.Delivered++
		}
	})
	return nil
}

func (d *delivery) Wait(context.Context) (penstock.Outcome, error) {
	d.wg.Wait()
	return d.out, d.broken
}

// ship adds documents with values of n through a Fitting, and returns the outcome, the letters and what was logged.
func ship(
	t *testing.T, x *index, replace bool, values ...string,
) (out penstock.Outcome, letters []string, said string, err error) {
	t.Helper()
	d, err := domain.New(domain.Config{URL: "https://domain.example", Transport: x})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	var mu sync.Mutex
	f := mapping.NewFitting(x, d, mapping.Rename, slog.New(slog.NewTextHandler(&log, nil)))
	delivery := f.Begin(func(_ context.Context, r penstock.Rejection) error {
		mu.Lock()
		defer mu.Unlock()
		letters = append(letters, string(r.Body()))
		return nil
	})
	for i, value := range values {
		doc := penstock.Document{
			Index: "i", ID: fmt.Append(nil, i), Head: []byte(`{"id":1,`), Tail: []byte(`"n":` + value + `}`),
			Replace: replace,
		}
		if err := delivery.Add(t.Context(), doc); err != nil {
			t.Fatal(err)
		}
	}
	out, err = delivery.Wait(t.Context())
	return out, letters, log.String(), err
}

func TestARefusalByAMappingMadeMeanwhileIsNoLetter(t *testing.T) {
	t.Parallel()
	x := &index{}
	out, letters, said, err := ship(t, x, false, "1", `"x"`, `"never"`, "1")
	if err != nil || said != "" {
		t.Error(err, said)
	}
	if diff := cmp.Diff(penstock.Outcome{Delivered: 3, Rejected: 1}, out); diff != "" {
		t.Error(diff)
	}
	// It was written anew and is refused for good.
	if diff := cmp.Diff([]string{`{"id":1,"n_text":"never"}`}, letters); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(strings.Join(x.docs, ""), `{"id":1,"n_text":"x"}`) {
		t.Errorf("%s", x.docs)
	}
}

func TestAMappingIsReadOnce(t *testing.T) {
	t.Parallel()
	x := &index{kind: "long"}
	out, _, _, err := ship(t, x, true, "1", `"x"`, "1", `"y"`)
	if err != nil || out.Delivered != 4 || x.reads != 1 || x.replace != 4 {
		t.Errorf("%+v, %v, %d readings, %d replace", out, err, x.reads, x.replace)
	}
}

func TestDocumentsWrittenAnewStillReplace(t *testing.T) {
	t.Parallel()
	x := &index{}
	if out, _, _, err := ship(t, x, true, "1", `"x"`); err != nil || out.Delivered != 2 || x.replace != 3 {
		t.Errorf("%+v, %v, %d replace", out, err, x.replace)
	}
}

func TestManyRefusalsAreSentAgainBeforeTheEnd(t *testing.T) {
	t.Parallel()
	x := &index{}
	values := []string{"1"}
	for range 300 {
		values = append(values, `"`+strings.Repeat("x", 10<<10)+`"`)
	}
	out, letters, _, err := ship(t, x, false, values...)
	if err != nil || out != (penstock.Outcome{Delivered: 301}) || letters != nil {
		t.Errorf("%+v, %d letters, %v", out, len(letters), err)
	}
}

func TestWithoutTheRightToReadTheRuleIsOff(t *testing.T) {
	t.Parallel()
	x := &index{kind: "long", refuse: http.StatusForbidden}
	out, letters, said, err := ship(t, x, false, "1", `"x"`, `"y"`)
	once := x.reads == 1 && strings.Count(said, "may not be read") == 1
	if err != nil || out.Delivered != 1 || out.Rejected != 2 || len(letters) != 2 || !once {
		t.Errorf("%+v, %q, %d readings, %s, %v", out, letters, x.reads, said, err)
	}
}

func TestWhatIsWrittenAnewHasNoOutcomeWhenTheDomainIsGone(t *testing.T) {
	t.Parallel()
	x := &index{broken: errors.New("gone")}
	out, letters, _, err := ship(t, x, false, "1", `"x"`)
	if err == nil || out != (penstock.Outcome{Delivered: 1}) || letters != nil {
		t.Errorf("%+v, %q, %v", out, letters, err)
	}
}
