package lambda_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock/lambda"
)

// numbered returns lines from 0 to n-1.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%05d\n", i)
	}
	return b.String()
}

func TestTheAnswerComesBeforeTheDeadlineWhicheverStageHangs(t *testing.T) {
	t.Parallel()
	const both = `{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m1"}]}`
	for _, stage := range []string{"pipeline", "open", "read", "bulk", "continue", "bulk and release"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(map[string]string{"b/one": numbered(1000), "b/two": numbered(1000)})
			for name := range strings.SplitSeq(stage, " and ") {
				w.hang[name] = true
			}
			if stage == "continue" {
				w.perLine = time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			began := time.Now()
			got, err := invoke(ctx, w.handler(nil), sqs(created("one"), created("two")))
			took := time.Since(began)
			if err != nil || got != both {
				t.Errorf("%s hangs: answer %s, error %v, want %s", stage, got, err, both)
			}
			if took >= time.Minute || took < 50*time.Second {
				t.Errorf("%s hangs: the answer came after %v of a minute", stage, took)
			}
			if m := w.lastMetrics(t, 1); m["Balanced"] != true || m["ItemsGivenBack"] != 2. {
				t.Errorf("%s hangs: %v", stage, m)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(nil)
		w.hang["ping"] = true
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if got, err := invoke(ctx, w.handler(nil), "{}"); err == nil || ctx.Err() != nil {
			t.Errorf("ping hangs: answer %s, error %v, deadline %v", got, err, ctx.Err())
		}
	})
}

// drain hands what is in the queue to h, each message as a batch of its own, until nothing is left.
func (w *world) drain(t *testing.T, h *lambda.Handler, timeout time.Duration) (invocations int) {
	t.Helper()
	for len(w.queue) > 0 {
		message := w.queue[0]
		w.queue = w.queue[1:]
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		got, err := invoke(ctx, h, sqs(string(message)))
		cancel()
		if err != nil || got != `{"batchItemFailures":[]}` {
			t.Fatalf("continuation %s: answer %s, error %v", message, got, err)
		}
		if invocations++; invocations > 1000 {
			t.Fatal("continues for ever")
		}
	}
	return invocations
}

func TestAnObjectTooLongForOneInvocationArrivesWholeAndOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]string{"b/huge": numbered(300)})
		w.perLine = time.Second // reading again what was read before costs time too
		h := w.handler(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		got, err := invoke(ctx, h, sqs(created("huge")))
		if err != nil || got != `{"batchItemFailures":[]}` || len(w.queue) != 1 {
			t.Fatalf("answer %s, error %v, %d messages", got, err, len(w.queue))
		}
		if m := w.lastMetrics(t, 1); m["ObjectsContinued"] != 1. || m["RecordsRead"] != m["RecordsDelivered"] {
			t.Errorf("%v", m)
		}
		n := w.drain(t, h, 5*time.Minute+20*time.Second)
		if n == 0 {
			t.Error("nothing was continued")
		}
		if want := strings.Fields(numbered(300)); !slices.Equal(w.lines(), want) {
			t.Errorf("%d documents, want %d", len(w.lines()), len(want))
		}
	})
}

func TestAReplacedObjectIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]string{"b/huge": numbered(300)})
		w.perLine = time.Second
		h := w.handler(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if _, err := invoke(ctx, h, sqs(created("huge"))); err != nil {
			t.Fatal(err)
		}
		w.objects["b/huge"] = "new 1\nnew 2\n"
		w.drain(t, h, 2*time.Minute)
		if got := w.lines(); !slices.Contains(got, "new 1") || !slices.Contains(got, "new 2") {
			t.Errorf("%d documents, none of the new object", len(got))
		}
	})
}

// Without an ETag or a version nobody knows whether the bytes before the position are the ones that were read.
func TestAPositionInAnUnknownVersionIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(map[string]string{"b/k": numbered(30)})
	w.unpinned = true
	got, err := invoke(t.Context(), w.handler(nil),
		sqs(`{"penstock_continue":{"Bucket":"b","Key":"k","Size":-1,"From":{"offset":60}}}`))
	if err != nil || got != `{"batchItemFailures":[]}` || len(w.lines()) != 30 {
		t.Errorf("answer %s, error %v, %d documents of 30", got, err, len(w.lines()))
	}
}

// Whoever makes no progress must be counted by the queue, and whoever had no turn must not.
func TestOnlyWhatGotOnIsContinued(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, w *world, change func(*lambda.Config), event string) string {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got, err := invoke(ctx, w.handler(change), event)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]string{"b/slow": numbered(3)})
		w.perLine = 2 * time.Minute
		got := run(t, w, nil, sqs(created("slow"), created("slow"), created("slow")))
		want := `{"batchItemFailures":[{"itemIdentifier":"m0"},{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`
		if got != want || len(w.queue) != 0 {
			t.Errorf("no progress: answer %s, %d messages, want %s", got, len(w.queue), want)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]string{"b/1": numbered(300), "b/2": numbered(300), "b/3": numbered(30), "b/4": "x\n"})
		w.perLine = time.Second
		got := run(t, w, nil, sqs(created("1"), created("2"), created("3"), created("4")))
		if want := `{"batchItemFailures":[]}`; got != want || len(w.queue) != 4 {
			t.Errorf("two got on, two had no turn: answer %s, %d messages, want %s and 4", got, len(w.queue), want)
		}
		if slices.Contains(w.opened, "3") || slices.Contains(w.opened, "4") {
			t.Fatalf("opened %v: the test is about objects that had no turn", w.opened)
		}
		w.drain(t, w.handler(nil), 10*time.Minute)
		if got := len(w.lines()); got != 631 {
			t.Errorf("%d documents, want 631", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		// One message with two objects: the first takes all the time there is, each time anew.
		w := newWorld(map[string]string{"b/1": numbered(7), "b/2": numbered(6)})
		w.perLine = 7 * time.Second
		if got, want := run(t, w, nil, sqs(created("1", "2"))), `{"batchItemFailures":[]}`; got != want || len(w.queue) != 1 {
			t.Errorf("an object of two is done: answer %s, %d messages, want %s and 1", got, len(w.queue), want)
		}
		w.drain(t, w.handler(nil), time.Minute)
		if got := len(w.opened); got != 3 || len(w.lines()) != 7+6 {
			t.Errorf("objects were opened %d times, want 3", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(map[string]string{"b/1": numbered(300)})
		w.perLine = time.Second
		got := run(t, w, func(c *lambda.Config) { c.Continue = nil }, sqs(created("1")))
		want := `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`
		if got != want {
			t.Errorf("no queue: answer %s, want %s", got, want)
		}
	})
}

func TestContinuationsFitEveryQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// The longest key that S3 takes, of characters that JSON writes in six bytes each.
		key := strings.Repeat("\u0001", 1024)
		w := newWorld(map[string]string{"b/" + key: numbered(300)})
		w.perLine = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		event := sqs(created(strings.Repeat("%01", 1024)))
		got, err := invoke(ctx, w.handler(nil), event)
		if err != nil || got != `{"batchItemFailures":[]}` || len(w.queue) != 1 || len(w.queue[0]) >= 256<<10 {
			t.Errorf("answer %s, error %v", got, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		// A message that is too long for a queue is not sent; its item comes again.
		w := newWorld(map[string]string{"b/k": numbered(300)})
		w.perLine = time.Second
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		long, err := json.Marshal(map[string]any{
			"penstock_continue": lambda.Ref{Bucket: "b", Key: "k", Size: -1, Region: strings.Repeat("r", 256<<10)},
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := invoke(ctx, w.handler(nil), sqs(string(long)))
		if want := `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`; err != nil || got != want || len(w.queue) != 0 {
			t.Errorf("answer %s, error %v, want %s", got, err, want)
		}
	})
}

// The reserve is what is left for delivering when reading stops, a quarter of it for continuing, and a sixteenth for
// the answer.
func TestTheReserveBeforeTheDeadlineIsKept(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name                     string
		reserve, timeout, answer time.Duration
		hangs                    string
		seconds                  int // whose records are delivered
	}{
		{name: "as configured", reserve: 20 * time.Second, timeout: time.Minute, seconds: 40},
		{name: "by default", timeout: time.Minute, seconds: 50},
		{name: "half of a short time", timeout: 8 * time.Second, seconds: 4},
		{name: "delivery hangs", reserve: 16 * time.Second, timeout: time.Minute, hangs: "bulk", answer: 56 * time.Second},
		{
			name: "continuing hangs", reserve: 16 * time.Second, timeout: time.Minute, hangs: "continue",
			answer: 59 * time.Second, seconds: 44,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			const perSecond = 4
			w := newWorld(map[string]string{"b/k": numbered(300)})
			w.perLine = time.Second / perSecond
			w.hang[tt.hangs] = true
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			began := time.Now()
			_, err := invoke(ctx, w.handler(func(c *lambda.Config) { c.Reserve = tt.reserve }), sqs(created("k")))
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			if tt.answer == 0 {
				tt.answer = time.Duration(tt.seconds) * time.Second // nothing else takes time
			}
			if slack := w.perLine; took < tt.answer || took > tt.answer+slack {
				t.Errorf("%s: the answer came after %v, want %v", tt.name, took, tt.answer)
			}
			if got, want := len(w.lines()), perSecond*tt.seconds; got < want-1 || got > want+1 {
				t.Errorf("%s: %d records were delivered, want %d", tt.name, got, want)
			}
		})
	}
}
