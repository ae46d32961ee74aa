package lawtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/shape"
)

// TestLawOfRules ships records by rules that fail on some of them, leave some out, split some and redact all, through
// faults, until everything is acknowledged. A model of the verbs says what had to become of each part. A replay by
// rules that are mended makes of the letters what shipping by them would have made.
func TestLawOfRules(t *testing.T) {
	t.Parallel()
	n := *seeds / 2
	if testing.Short() {
		n /= 6
	}
	first, last := uint64(1), uint64(n)
	if *seed != 0 {
		first, last = *seed, *seed
	}
	for s := first; s <= last; s++ {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			t.Parallel()
			w := newRuled(t, s)
			synctest.Test(t, func(t *testing.T) {
				w.Errorf = t.Errorf
				for round := 1; round == 1 || w.left() > 0; round++ {
					if round > rounds {
						t.Fatalf("%d items are still there after %d rounds", w.left(), rounds)
					}
					w.round(t, round <= faultRounds)
				}
				w.domain.wg.Wait()
			})
			w.Errorf = t.Errorf
			w.compare("shipped", w.list)
			w.replay(t)
			if t.Failed() {
				t.Errorf("run it alone with -run TestLawOfRules -seed %d", s)
			}
		})
	}
}

// ruled is a world of NDJSON objects that go by rules.
type ruled struct {
	*rand.Rand
	Errorf  func(format string, args ...any)
	domain  *Domain
	list    []rules.Rule
	objects []*ruledObject
	mu      sync.Mutex
	letters map[string]penstock.Letter // by their ids
	dir     string
}

// Put keeps letters in memory: a sync of a disk takes no virtual time.
func (w *ruled) Put(_ context.Context, letters ...penstock.Letter) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range letters {
		l.Raw, l.Document = bytes.Clone(l.Raw), bytes.Clone(l.Document)
		w.letters[l.ID] = l
	}
	return nil
}

type ruledObject struct {
	name   string
	text   []byte
	breaks int
	resume *penstock.Place
	done   bool
}

const secretText = "secret-"

func newRuled(t *testing.T, seed uint64) *ruled {
	r := rand.New(rand.NewPCG(seed, 14))
	w := &ruled{Rand: r, letters: map[string]penstock.Letter{}, dir: t.TempDir()}
	w.domain = &Domain{
		rand: rand.New(rand.NewPCG(seed, 15)), docs: map[string]string{}, reported: map[int]int64{}, flaky: map[string]int{},
		MayReplace: func(string) bool { return false },
		Violation:  func(format string, args ...any) { w.Errorf(format, args...) },
		Share:      []float64{0, 0.2, 0.5}[r.IntN(3)],
		Kinds:      []fault{throttle, resetAfter, truncated, missingItem, itemErrors, slow},
	}
	convert := func(field string) rules.Rule {
		return rules.Rule{
			Name: "convert " + field, Verb: rules.Convert{Fields: []rules.Assignment{{Field: field, Value: "integer"}}},
			DeadLetter: r.IntN(2) == 0,
		}
	}
	w.list = []rules.Rule{
		convert("a"), convert("b"), convert("items.a"), convert("items.b"),
		{Name: "drop", Verb: rules.Drop{Reason: "no"}, When: `kind == "drop"`},
		{Name: "drop part", Verb: rules.Drop{Reason: "no"}, When: `items.kind == "drop"`},
		{Name: "split", Verb: rules.Split{Field: "items"}, DeadLetter: r.IntN(2) == 0},
		{Name: "mask", Verb: rules.Redact{Fields: []string{"user", "items.card"}, With: rules.WithMask}},
		{Name: "mask again", Verb: rules.Redact{Fields: []string{"user", "items.card"}, With: rules.WithMask}},
	}
	r.Shuffle(len(w.list), func(i, j int) { w.list[i], w.list[j] = w.list[j], w.list[i] })
	for i := range 1 + r.IntN(5) {
		o := &ruledObject{name: fmt.Sprintf("object-%d", i), breaks: r.IntN(3)}
		for n := range r.IntN(30) {
			o.text = append(append(o.text, w.record(n)...), '\n')
		}
		w.objects = append(w.objects, o)
	}
	return w
}

// number is mostly one.
func (w *ruled) number() string { return []string{"1", "2", "3", "x"}[w.IntN(4)] }

func (w *ruled) record(n int) string {
	kind := []string{"ok", "ok", "ok", "drop", "poison", "noop"}[w.IntN(6)]
	text := fmt.Sprintf(`{"time":"2015-11-19T10:00:00Z","n":%d,"kind":%q,"user":"%suser-%d"`, n, kind, secretText, n)
	for _, name := range []string{"a", "b"} {
		if w.IntN(2) == 0 {
			text += fmt.Sprintf(`,%q:%q`, name, w.number())
		}
	}
	if w.IntN(3) == 0 {
		text += `,"tenant":"t"`
	}
	switch w.IntN(6) {
	case 0:
		text += `,"items":[]`
	case 1:
		text += `,"items":"none"`
	case 2, 3, 4:
		var items []string
		for i := range 1 + w.IntN(4) {
			items = append(items, fmt.Sprintf(`{"a":%q,"b":%q,"kind":%q,"card":"%scard-%d-%d"}`, w.number(), w.number(),
				[]string{"ok", "drop"}[w.IntN(2)], secretText, n, i))
		}
		text += `,"items":[` + strings.Join(items, ",") + `]`
	}
	return text + "}"
}

func (w *ruled) left() (n int) {
	for _, o := range w.objects {
		if !o.done {
			n++
		}
	}
	return n
}

// read is how records become documents by some rules.
func (w *ruled) read(list []rules.Rule, index string) pipeline.Read {
	return pipeline.Read{
		MaxRecordBytes: 1 << 20, MaxObjectBytes: 1 << 30, MaxRatio: 1000, Index: index,
		Always: list[:2], Routes: []pipeline.Route{{Name: "all", Rules: list[2:]}},
	}
}

// index is one that records without a tenant have no name for.
const index = "law-{tenant}"

func (w *ruled) round(t *testing.T, faulty bool) {
	if !faulty {
		w.domain.Share = 0
	}
	read := w.read(w.list, index)
	p, _, err := read.Stages()
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := domain.New(domain.Config{URL: lawDomain, Transport: w.domain})
	if err != nil {
		t.Fatal(err)
	}
	writer := bulk.New(bulk.Config{
		BatchBytes: 200 + w.IntN(4000), BatchDocs: 1 + w.IntN(30), MaxInFlight: 1 + w.IntN(4), Linger: 100 * time.Millisecond,
		RetryBudget: time.Minute,
	}, endpoint)
	p.Source, p.Deliverer, p.DeadLetters, p.Domain, p.Workers = w, writer, w, lawDomain, 1+w.IntN(3)
	if faulty && w.IntN(3) == 0 {
		pause := make(chan struct{})
		p.Pause = pause
		timer := time.AfterFunc(time.Duration(w.IntN(30))*time.Millisecond, func() { close(pause) })
		defer timer.Stop()
	}
	result := p.Run(t.Context())
	_ = writer.Close(t.Context())
	if !result.Balanced() {
		t.Errorf("counts do not add up: %+v", result.Counts)
	}
	for _, c := range result.Routes {
		if c.Records != c.Documents+c.Dropped+c.Letters {
			t.Errorf("the counts of a route do not add up: %+v", c)
		}
	}
	if result.Unacknowledged > 0 && result.ItemsGivenBack == 0 {
		t.Errorf("records are unacknowledged, and no item is given back: %+v", result.Counts)
	}
}

// Items gives the objects that are not acknowledged yet, an item each.
func (w *ruled) Items(context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		for _, o := range w.objects {
			if !o.done && !yield(w.item(o), nil) {
				return
			}
		}
	}
}

func (w *ruled) item(o *ruledObject) penstock.Item {
	object := penstock.Object{
		Name: "s3://b/" + o.name, Size: int64(len(o.text)), Resume: o.resume,
		Open: func(context.Context) (*penstock.Stream, error) { return w.open(o), nil },
	}
	return penstock.Item{ID: o.name, Objects: []penstock.Object{object}, Settle: func(_ context.Context, err error) error {
		o.done, o.resume = err == nil, nil
		if paused, ok := errors.AsType[*penstock.PausedError](err); ok {
			o.resume = &paused.Next
		}
		return nil
	}}
}

func (o *ruledObject) identity() penstock.Identity {
	return penstock.Identity{Bucket: "b", Key: o.name, ETag: "e"}
}

func (w *ruled) open(o *ruledObject) *penstock.Stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	var r io.Reader = bytes.NewReader(o.text)
	if o.breaks > 0 {
		o.breaks--
		r = io.MultiReader(bytes.NewReader(o.text[:w.IntN(len(o.text)+1)]), breaking{})
	}
	return &penstock.Stream{ReadCloser: io.NopCloser(&slowly{r}), Identity: o.identity()}
}

type breaking struct{}

func (breaking) Read([]byte) (int, error) { return 0, errBroken }

// slowly reads a little at a time.
type slowly struct{ io.Reader }

func (s *slowly) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return s.Reader.Read(p[:min(len(p), 200)])
}

// fate is what a part had to become.
type fate struct {
	state  string // document, dropped, or letter
	fields map[string]any
}

// fates are those of the parts of a record by their places, by rules from a number on.
func fates(list []rules.Rule, from int, record map[string]any, marks []any, place string, all map[string]fate) {
	failed := false
	fail := func(r rules.Rule) {
		if r.DeadLetter {
			failed = true
		} else {
			marks = append(slices.Clip(marks), r.Name)
		}
	}
	for i := from; i < len(list); i++ {
		items, inItem := record["items"].(map[string]any)
		switch v := list[i].Verb.(type) {
		case rules.Redact:
			record["user"] = "[redacted]"
			inside, _ := record["items"].([]any)
			if inItem {
				inside = []any{items}
			}
			for _, one := range inside {
				one.(map[string]any)["card"] = "[redacted]" //nolint:forcetypeassert // as they were made
			}
		case rules.Convert:
			in, name := record, v.Fields[0].Field
			if rest, ok := strings.CutPrefix(name, "items."); ok {
				in, name = items, rest
			}
			text, there := in[name].(string)
			number, err := strconv.Atoi(text)
			switch {
			case !there || failed:
			case err != nil:
				fail(list[i])
			default:
				in[name] = float64(number)
			}
		case rules.Drop:
			if in := map[bool]map[string]any{true: items, false: record}[list[i].Name == "drop part"]; !failed &&
				in["kind"] == "drop" {
				all[place] = fate{state: "dropped"}
				return
			}
		case rules.Split:
			inside, isList := record["items"].([]any)
			switch {
			case failed || record["items"] == nil || isList && len(inside) == 0 || inItem:
			case !isList:
				fail(list[i])
			default:
				for n, one := range inside {
					part := maps.Clone(record)
					part["items"] = one
					fates(list, i+1, part, marks, place+"."+strconv.Itoa(n), all)
				}
				return
			}
		}
	}
	if len(marks) > 0 {
		record[rules.NameFailed] = marks
	}
	all[place] = fate{map[bool]string{true: "letter", false: "document"}[failed], record}
}

// compare holds what the domain and the letters have against what had to become of everything.
func (w *ruled) compare(when string, list []rules.Rule) {
	for _, l := range w.letters {
		if text := string(l.Raw) + string(l.Document) + l.Detail; strings.Contains(text, secretText) {
			w.Errorf("%s: a secret is in the letter %s", when, text)
		}
	}
	known := map[string]bool{}
	for _, o := range w.objects {
		id, at := shape.IDs(o.identity(), ""), int64(0)
		for line := range bytes.Lines(o.text) {
			base := string(id(&penstock.Record{Offset: at}))
			at += int64(len(line))
			var record map[string]any
			if err := json.Unmarshal(line, &record); err != nil {
				w.Errorf("%v", err)
			}
			_, named := record["tenant"]
			all := map[string]fate{}
			fates(list, 0, record, nil, "", all)
			for place, want := range all {
				known[base+place] = true
				if when == "replayed" && want.fields["kind"] == "poison" && want.state == "document" {
					known[base] = true // as it was, or in parts, as far as rules had run
					if doc, there := w.domain.docs[base+place]; there {
						w.Errorf("%s is in the domain: %s", base+place, doc)
					}
					continue
				}
				if when == "shipped" && !named && want.state == "document" {
					want.state = "letter"
				}
				w.one(when, base+place, want)
			}
		}
	}
	for id := range w.domain.docs {
		if !known[id] {
			w.Errorf("%s: there is a document %s that nobody has sent", when, id)
		}
	}
	for id := range w.letters {
		if !known[id] {
			w.Errorf("%s: there is a letter %s about nothing", when, id)
		}
	}
}

// one compares a part.
func (w *ruled) one(when, id string, want fate) {
	body, there := w.domain.docs[id]
	letter, lettered := w.letters[id]
	if strings.Contains(body, secretText) {
		w.Errorf("%s: a secret is in the document %s", when, body)
	}
	if want.state == "document" && want.fields["kind"] == "poison" {
		want.state = "letter"
	}
	isNoop := want.fields["kind"] == "noop" && want.state == "document"
	if there != (want.state == "document" && !isNoop) || lettered != (want.state == "letter") {
		w.Errorf("%s: %s had to become a %s; document %t, letter %t", when, id, want.state, there, lettered)
		return
	}
	text := []byte(body)
	if lettered {
		text = letter.Document
	}
	if !there && !lettered {
		return
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		w.Errorf("%s: %s: %v", when, id, err)
	}
	for _, ours := range []string{"@timestamp", "aws", "penstock"} {
		delete(got, ours)
	}
	if lettered && letter.Reason == penstock.ReasonRule {
		return // it is as it was before the rule that failed
	}
	if diff := cmp.Diff(got, want.fields); diff != "" {
		w.Errorf("%s: %s (-got +want):\n%s", when, id, diff)
	}
}

// replay sends the letters by rules that make none, to indexes that all records have a name for.
func (w *ruled) replay(t *testing.T) {
	mended := slices.Clone(w.list)
	for i := range mended {
		mended[i].DeadLetter = false
	}
	letters := deadletter.Open(w.dir, nil)
	err := letters.Put(t.Context(), slices.Collect(maps.Values(w.letters))...)
	if err := errors.Join(err, letters.Close()); err != nil {
		t.Fatal(err)
	}
	w.domain.Share = 0
	srv := httptest.NewServer(http.HandlerFunc(w.serve))
	defer srv.Close()
	read := w.read(mended, "law-{tenant|none}")
	r, err := pipeline.OpenReplay(t.Context(), pipeline.ReplayOptions{
		Target: pipeline.Target{URL: srv.URL, NoSign: true}, DeadLetters: w.dir, Index: read.Index,
		Always: read.Always, Routes: read.Routes,
	})
	if err != nil {
		t.Fatal(err)
	}
	counts, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if counts.Unacknowledged != 0 || counts.ByReference != 0 {
		t.Errorf("replay: %+v", counts)
	}
	w.letters = map[string]penstock.Letter{}
	for l, err := range deadletter.Open(w.dir, nil).Letters(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		w.letters[l.ID] = l
	}
	w.compare("replayed", mended)
}

// serve is the domain for clients over a real connection.
func (w *ruled) serve(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		_, _ = io.WriteString(rw, `{"version":{"number":"2.19.1","distribution":"opensearch"}}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	resp, err := w.domain.RoundTrip(r)
	if err != nil {
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	rw.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(rw, resp.Body)
}
