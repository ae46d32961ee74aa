package events

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/format/internal/entry"
)

// What a scanner says of a value does not depend on the values before it, from which it guesses names.
func TestGuessesChangeNothing(t *testing.T) {
	t.Parallel()
	names := []string{
		"a", "b", "ab", "time", "@timestamp", "ts", "level", "levels", "leve", "service", "message", "exactly8",
		"fourteen_bytes", "fifteen__bytes_",
		"sixteen___bytes_", "a.b", "aws", "penstock", "penstock_", "_id", "", " ", "na\\u006de", "n\u00e9", "raw", "a\\\"",
		"time ",
	}
	values := []string{"1", `"x"`, "true", "null", `"2026-11-24T10:00:00Z"`, "[1,2]", "{}", "-", "1e5", `"`, ""}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	var object func(depth int) string
	object = func(depth int) string {
		var b strings.Builder
		b.WriteString("{")
		for i := range r.IntN(6) {
			if i > 0 {
				b.WriteString(",")
			}
			space := strings.Repeat(" ", max(0, r.IntN(8)-6))
			value := values[r.IntN(len(values)-min(3, r.IntN(20)))]
			if depth < 3 && r.IntN(5) == 0 {
				value = object(depth + 1)
			}
			fmt.Fprintf(&b, `%s"%s"%s:%s%s`, space, names[r.IntN(3+r.IntN(len(names)-2))], space, space, value)
		}
		b.WriteString("}")
		return b.String()
	}
	const opaque = "raw"
	k := newKnown([]string{"service.at"}, []string{opaque, "level.raw"})
	shared := &scanner{known: k}
	found := map[verdict]int{}
	last := object(1)
	for range 200_000 {
		text := object(1)
		if r.IntN(2) == 0 { // nearly the one before
			at := r.IntN(len(last))
			text = last[:at] + string(last[at]+byte(r.IntN(2))) + last[at+1:]
		}
		last = text
		b := append([]byte(text), make([]byte, entry.Pad)...)
		end, v := shared.scan(b, len(text))
		fresh := &scanner{known: k, deepAt: shared.deepAt}
		wantEnd, want := fresh.scan(b, len(text))
		same := end == wantEnd && v == want
		if want == complete {
			same = same && shared.trouble == fresh.trouble && shared.top == fresh.top && shared.hasDeep == fresh.hasDeep &&
				shared.deepAt == fresh.deepAt && shared.hasTime == fresh.hasTime && slices.Equal(shared.spans, fresh.spans)
			for i := range k.timeNames {
				same = same && (fresh.hasTime&(1<<i) == 0 || shared.times[i] == fresh.times[i])
			}
		}
		if !same {
			t.Fatalf("seed %d: %s: %d %d, trouble %b, times %b; alone %d %d, trouble %b, times %b", seed, text, end, v,
				shared.trouble, shared.hasTime, wantEnd, want, fresh.trouble, fresh.hasTime)
		}
		found[v]++
	}
	if found[complete] < 20_000 || found[invalid] < 1000 {
		t.Errorf("too few of a kind: %v", found)
	}
}
