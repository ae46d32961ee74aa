package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/engine"
)

// TestRandomChangesAgreeWithAPlainModel makes changes of every kind, alone and in bulk, and keeps a map beside.
func TestRandomChangesAgreeWithAPlainModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			cfg := engine.Config{}
			if seed%2 == 1 {
				cfg.Dir = t.TempDir()
			}
			e := open(t, cfg)
			m := &model{docs: map[string]map[string]int{}, random: rand.New(rand.NewPCG(seed, 7))}
			for range 150 {
				m.step(t, e)
			}
			m.check(t, e)
			if cfg.Dir == "" {
				return
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			m.check(t, open(t, cfg))
		})
	}
}

// model is what an index should hold: numbers by name, by document.
type model struct {
	docs   map[string]map[string]int
	random *rand.Rand
}

// step makes a request with a few changes and checks their outcomes.
func (m *model) step(t *testing.T, e http.Handler) {
	t.Helper()
	var body strings.Builder
	var wants []int
	for range 1 + m.random.IntN(12) {
		id := fmt.Sprint(m.random.IntN(40))
		name, n := fmt.Sprintf("f%d", m.random.IntN(6)), m.random.IntN(1000)
		doc, exists := m.docs[id]
		switch action := []string{"index", "create", "delete", "update", "upsert"}[m.random.IntN(5)]; action {
		case "index", "create":
			fmt.Fprintf(&body, `{"%s":{"_index":"logs","_id":"%s"}}`+"\n"+`{"%s":%d}`+"\n", action, id, name, n)
			want := http.StatusCreated
			switch {
			case exists && action == "create":
				want = http.StatusConflict
			case exists:
				want = http.StatusOK
			}
			if want != http.StatusConflict {
				m.docs[id] = map[string]int{name: n}
			}
			wants = append(wants, want)
		case "delete":
			fmt.Fprintf(&body, `{"delete":{"_index":"logs","_id":"%s"}}`+"\n", id)
			want := http.StatusOK
			if !exists {
				want = http.StatusNotFound
			}
			delete(m.docs, id)
			wants = append(wants, want)
		default:
			upsert := action == "upsert"
			fmt.Fprintf(&body, `{"update":{"_index":"logs","_id":"%s"}}`+"\n"+`{"doc":{"%s":%d},"doc_as_upsert":%t}`+"\n",
				id, name, n, upsert)
			want := http.StatusOK
			switch {
			case exists:
				doc[name] = n
			case upsert:
				m.docs[id] = map[string]int{name: n}
				want = http.StatusCreated
			default:
				want = http.StatusNotFound
			}
			wants = append(wants, want)
		}
	}
	var answer struct {
		Items []map[string]struct{ Status int }
	}
	decode(t, must(t, e, "POST", "/_bulk", body.String()), &answer)
	var got []int
	for _, item := range answer.Items {
		for _, outcome := range item {
			got = append(got, outcome.Status)
		}
	}
	if diff := cmp.Diff(wants, got); diff != "" {
		t.Fatalf("outcomes (-want +got):\n%s\n%s", diff, body.String())
	}
}

func (m *model) check(t *testing.T, e http.Handler) {
	t.Helper()
	var answer struct {
		Hits struct {
			Hits []struct {
				ID     string         `json:"_id"`
				Source map[string]int `json:"_source"`
			}
		}
	}
	decode(t, must(t, e, "POST", "/logs/_search", `{"size":100}`), &answer)
	got := map[string]map[string]int{}
	for _, h := range answer.Hits.Hits {
		got[h.ID] = h.Source
	}
	if diff := cmp.Diff(m.docs, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	for name := range 6 {
		want := 0
		for _, doc := range m.docs {
			if n, ok := doc[fmt.Sprintf("f%d", name)]; ok && n < 500 {
				want++
			}
		}
		var n struct{ Count int }
		decode(t, must(t, e, "POST", "/logs/_count", fmt.Sprintf(`{"query":{"range":{"f%d":{"lt":500}}}}`, name)), &n)
		if n.Count != want {
			t.Errorf("f%d: %d below 500, want %d", name, n.Count, want)
		}
	}
}

// sample is a document whose fields a plain function can search.
type sample struct {
	ID    string   `json:"id"`
	Words []string `json:"words"`
	Text  string   `json:"text"`
	Long  int64    `json:"long"`
	Float float64  `json:"float"`
	Key   string   `json:"key,omitempty"`
	Tags  []string `json:"tags"`
	True  bool     `json:"true"`
	Many  []int64  `json:"many"`
}

var vocabulary = []string{"alpha", "beta", "gamma", "delta", "quick", "brown", "fox"}

func randomSample(r *rand.Rand, id int) sample {
	s := sample{
		ID: fmt.Sprint(id), Float: float64(r.IntN(2000)-1000) / 8, True: r.IntN(2) == 0,
		Tags: []string{}, Many: []int64{},
	}
	// Numbers of all sizes: ranges of them take different ways.
	s.Long = int64(r.Uint64() >> r.IntN(64))
	if r.IntN(2) == 0 {
		s.Long = -s.Long
	}
	if r.IntN(4) > 0 {
		s.Key = vocabulary[r.IntN(len(vocabulary))]
	}
	for range r.IntN(4) {
		s.Tags = append(s.Tags, vocabulary[r.IntN(len(vocabulary))])
		s.Many = append(s.Many, int64(r.IntN(5)))
	}
	for range 1 + r.IntN(8) {
		s.Words = append(s.Words, vocabulary[r.IntN(len(vocabulary))])
	}
	s.Text = strings.Join(s.Words, []string{" ", ", ", "-", " / "}[r.IntN(4)])
	return s
}

// condition is a query with the function that it stands for.
type condition struct {
	query string
	holds func(s *sample) bool
}

func randomCondition(r *rand.Rand, samples []sample, depth int) condition {
	word := func() string { return vocabulary[r.IntN(len(vocabulary))] }
	other := samples[r.IntN(len(samples))]
	switch n := r.IntN(12); {
	case n < 3 && depth > 0:
		return randomBool(r, samples, depth)
	case n < 4:
		w := word()
		return condition{fmt.Sprintf(`{"term":{"key":"%s"}}`, w), func(s *sample) bool { return s.Key == w }}
	case n < 5:
		a, b := other.Long, samples[r.IntN(len(samples))].Long
		a, b = min(a, b), max(a, b)
		return condition{
			fmt.Sprintf(`{"range":{"long":{"gte":%d,"lt":%d}}}`, a, b),
			func(s *sample) bool { return s.Long >= a && s.Long < b },
		}
	case n < 6:
		a := other.Float
		return condition{fmt.Sprintf(`{"range":{"float":{"gt":%g}}}`, a), func(s *sample) bool { return s.Float > a }}
	case n < 7:
		w, v := word(), word()
		return condition{fmt.Sprintf(`{"match":{"text":"%s %s"}}`, w, strings.ToUpper(v)), func(s *sample) bool {
			return slices.Contains(s.Words, w) || slices.Contains(s.Words, v)
		}}
	case n < 8:
		w, v := word(), word()
		return condition{fmt.Sprintf(`{"match_phrase":{"text":"%s %s"}}`, w, v), func(s *sample) bool {
			for i := range len(s.Words) - 1 {
				if s.Words[i] == w && s.Words[i+1] == v {
					return true
				}
			}
			return false
		}}
	case n < 9:
		w := word()
		return condition{fmt.Sprintf(`{"terms":{"tags":["%s","%s"]}}`, w, other.Key), func(s *sample) bool {
			return slices.Contains(s.Tags, w) || slices.Contains(s.Tags, other.Key)
		}}
	case n < 10:
		return condition{`{"exists":{"field":"key"}}`, func(s *sample) bool { return s.Key != "" }}
	case n < 11:
		p := word()[:2]
		return condition{fmt.Sprintf(`{"prefix":{"tags":"%s"}}`, p), func(s *sample) bool {
			return slices.ContainsFunc(s.Tags, func(t string) bool { return strings.HasPrefix(t, p) })
		}}
	}
	v := other.Long
	return condition{fmt.Sprintf(`{"term":{"long":%d}}`, v), func(s *sample) bool { return s.Long == v }}
}

func randomBool(r *rand.Rand, samples []sample, depth int) condition {
	parts := map[string][]condition{}
	for _, name := range []string{"must", "filter", "should", "must_not"} {
		for range r.IntN(3) {
			parts[name] = append(parts[name], randomCondition(r, samples, depth-1))
		}
	}
	clauses := []string{}
	for name, conditions := range parts {
		texts := []string{}
		for _, c := range conditions {
			texts = append(texts, c.query)
		}
		clauses = append(clauses, fmt.Sprintf(`"%s":[%s]`, name, strings.Join(texts, ",")))
	}
	return condition{`{"bool":{` + strings.Join(clauses, ",") + `}}`, func(s *sample) bool {
		for _, c := range slices.Concat(parts["must"], parts["filter"]) {
			if !c.holds(s) {
				return false
			}
		}
		for _, c := range parts["must_not"] {
			if c.holds(s) {
				return false
			}
		}
		if len(parts["must"])+len(parts["filter"]) > 0 || len(parts["should"]) == 0 {
			return true
		}
		return slices.ContainsFunc(parts["should"], func(c condition) bool { return c.holds(s) })
	}}
}

// TestSearchesAgreeWithAPlainModel compares what queries, sorts and aggregations find with a loop over all documents.
func TestSearchesAgreeWithAPlainModel(t *testing.T) {
	t.Parallel()
	e := open(t, engine.Config{})
	must(t, e, "PUT", "/s",
		`{"mappings":{"properties":{"key":{"type":"keyword"},"tags":{"type":"keyword"},"id":{"type":"keyword"},`+
			`"float":{"type":"double"},"text":{"type":"text"}}}}`)
	r := rand.New(rand.NewPCG(11, 13))
	var samples []sample
	for len(samples) < 600 {
		var body strings.Builder
		for range 1 + r.IntN(60) {
			s := randomSample(r, len(samples))
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			samples = append(samples, s)
			fmt.Fprintf(&body, `{"index":{"_id":"%s"}}`+"\n%s\n", s.ID, text)
		}
		if text := must(t, e, "POST", "/s/_bulk", body.String()); strings.Contains(text, `"errors":true`) {
			t.Fatal(text)
		}
	}
	for range 150 {
		c := randomCondition(r, samples, 3)
		var want []sample
		for i := range samples {
			if c.holds(&samples[i]) {
				want = append(want, samples[i])
			}
		}
		checkSearch(t, e, c.query, want)
	}
}

func checkSearch(t *testing.T, e http.Handler, query string, want []sample) {
	t.Helper()
	slices.SortFunc(want, func(a, b sample) int {
		if a.Float != b.Float {
			if a.Float > b.Float {
				return -1
			}
			return 1
		}
		return strings.Compare(a.ID, b.ID)
	})
	tags, sum, low, months := map[string]int{}, 0.0, 0.0, 0
	ids := []string{}
	for i, s := range want {
		ids = append(ids, s.ID)
		for _, tag := range slices.Compact(slices.Sorted(slices.Values(s.Tags))) {
			tags[tag]++
		}
		for _, n := range s.Many {
			sum += float64(n)
			months++
		}
		if i == 0 || s.Float < low {
			low = s.Float
		}
	}
	body := fmt.Sprintf(`{"size":1000,"query":%s,"_source":false,"sort":[{"float":"desc"},{"id":"asc"}],
		"aggs":{"tags":{"terms":{"field":"tags","size":100}},"sum":{"sum":{"field":"many"}},
		"n":{"value_count":{"field":"many"}},"low":{"min":{"field":"float"}}}}`, query)
	var answer struct {
		Hits struct {
			Total struct{ Value int }
			Hits  []struct {
				ID string `json:"_id"`
			}
		}
		Aggregations struct {
			Tags struct {
				Buckets []struct {
					Key   string
					Count int `json:"doc_count"`
				}
			}
			Sum, N, Low struct{ Value float64 }
		}
	}
	decode(t, must(t, e, "POST", "/s/_search", body), &answer)
	got := []string{}
	for _, h := range answer.Hits.Hits {
		got = append(got, h.ID)
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("%s: hits (-want +got):\n%s", query, diff)
	}
	found := map[string]int{}
	for _, b := range answer.Aggregations.Tags.Buckets {
		found[b.Key] = b.Count
	}
	if !maps.Equal(tags, found) {
		t.Errorf("%s: tags %v, want %v", query, found, tags)
	}
	a := answer.Aggregations
	if a.Sum.Value != sum || int(a.N.Value) != months || a.Low.Value != low {
		t.Errorf("%s: sum %v of %v, least %v; want %v of %d, least %v",
			query, a.Sum.Value, a.N.Value, a.Low.Value, sum, months, low)
	}
	// Page by page it is the same.
	after, paged := "", []string{}
	for len(paged) < len(ids) {
		var page struct {
			Hits struct {
				Hits []struct {
					ID   string `json:"_id"`
					Sort []any
				}
			}
		}
		body := fmt.Sprintf(
			`{"size":97,"query":%s,"_source":false,"sort":[{"float":"desc"},{"id":"asc"}]%s}`, query, after)
		decode(t, must(t, e, "POST", "/s/_search", body), &page)
		if len(page.Hits.Hits) == 0 {
			break
		}
		for _, h := range page.Hits.Hits {
			paged = append(paged, h.ID)
		}
		last := page.Hits.Hits[len(page.Hits.Hits)-1].Sort
		number, _ := last[0].(float64)
		after = fmt.Sprintf(`,"search_after":[%s,%q]`, strconv.FormatFloat(number, 'g', -1, 64), last[1])
	}
	if diff := cmp.Diff(ids, paged); diff != "" {
		t.Errorf("%s: pages (-want +got):\n%s", query, diff)
	}
}
