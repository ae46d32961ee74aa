package pipeline_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/pipeline"
)

// What a replay delivers is taken out of the dead letters, and what nobody chose stays.
func TestAReplaySendsWhatIsChosen(t *testing.T) {
	t.Parallel()
	domain := httptest.NewServer(http.HandlerFunc(takeEverything))
	defer domain.Close()
	letters := deadletter.Open(t.TempDir(), nil)
	err := letters.Put(t.Context(),
		penstock.Letter{ID: "1", Reason: penstock.ReasonRejected, Index: "i", Document: []byte(`{"a":1}`)},
		penstock.Letter{ID: "2", Reason: penstock.ReasonUnshaped, Document: []byte(`{"a":2}`)},
		penstock.Letter{ID: "3", Reason: penstock.ReasonConflict, Index: "i", Document: []byte(`{"a":3}`)})
	if err := errors.Join(err, letters.Close()); err != nil {
		t.Fatal(err)
	}
	options := pipeline.ReplayOptions{
		Target: pipeline.Target{URL: domain.URL, NoSign: true}, DeadLetters: letters.Path(), Index: "late",
		Choose: func(l penstock.Letter) bool { return l.Reason != penstock.ReasonConflict },
	}
	r, err := pipeline.OpenReplay(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Run(t.Context())
	if want := (deadletter.ReplayCounts{Letters: 2, Delivered: 2}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	var left []string
	for l, err := range deadletter.Open(letters.Path(), nil).Letters(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, l.ID)
	}
	if len(left) != 1 || left[0] != "3" {
		t.Errorf("left are %v, want the one that was not chosen", left)
	}
}

func TestAReplaySaysWhichOptionIsWrong(t *testing.T) {
	t.Parallel()
	for problem, o := range map[pipeline.Problem]pipeline.ReplayOptions{
		pipeline.NoDomain:    {},
		pipeline.BadIndex:    {Index: "{", Target: pipeline.Target{URL: "https://x.example.com", NoSign: true}},
		pipeline.BadLocation: {DeadLetters: "s3://", Target: pipeline.Target{URL: "https://x.example.com", NoSign: true}},
	} {
		_, err := pipeline.OpenReplay(t.Context(), o)
		if e, ok := errors.AsType[*pipeline.OptionError](err); !ok || e.Problem != problem {
			t.Errorf("got %v, want the problem %d", err, problem)
		}
	}
}

// A replay that is interrupted says so, and leaves the letters.
func TestAnInterruptedReplayIsNoFinishedOne(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	domain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the client has gone
			cancel()
			<-r.Context().Done()
			return
		}
		takeEverything(w, r)
	}))
	defer domain.Close()
	letters := deadletter.Open(t.TempDir(), nil)
	l := penstock.Letter{ID: "1", Reason: penstock.ReasonRejected, Index: "i", Document: []byte(`{"a":1}`)}
	if err := errors.Join(letters.Put(t.Context(), l), letters.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := pipeline.OpenReplay(ctx, pipeline.ReplayOptions{
		Target: pipeline.Target{URL: domain.URL, NoSign: true}, DeadLetters: letters.Path(),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Run(ctx)
	if _, ok := errors.AsType[*penstock.InterruptedError](err); !ok || got.Unacknowledged != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}
