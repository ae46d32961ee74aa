package bulk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParseResponse holds the parser to encoding/json: what is taken for a complete response is one, and every item has
// the status and id that the standard library reads.
func FuzzParseResponse(f *testing.F) {
	for _, text := range []string{
		`{"took":1,"errors":false,"items":[{"create":{"_id":"a","status":201}}]}`,
		`{"items":[{"index":{"_index":"x","_id":"\u00e4","status":400,"error":{"type":"mapper_parsing_exception",` +
			`"reason":"x","caused_by":{"type":"y"}}}},{"create":{"status":429,"error":"EsRejectedExecutionException[x]"}}]}`,
		`{"items":[]}`, `{"items":[{"create":{}}]}`, `{"errors":true}`, `{"items":[{"create":{"status":201}}]} x`,
		`{"items":[{"create":{"status":201}}]`, `[]`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := make([]item, bytes.Count(body, []byte("{")))
		n, err := parseResponse(body, got, unknownID)
		if err != nil {
			return
		}
		if n > len(got) {
			t.Fatalf("%d items in %s", n, body)
		}
		if counted, err := parseResponse(body, make([]item, n/2), unknownID); counted != n || err != nil {
			t.Fatalf("with room for half of them: %d items and error %v, want %d", counted, err, n)
		}
		var want struct {
			Items []map[string]struct {
				ID     json.RawMessage `json:"_id"`
				Status int             `json:"status"`
				Error  json.RawMessage `json:"error"`
			} `json:"items"`
		}
		// The parser lets through some numbers and literals that are none, in fields that it does not need.
		if json.Unmarshal(body, &want) != nil || bytes.Count(body, []byte(`"items"`)) != 1 {
			return
		}
		if len(want.Items) != n {
			t.Fatalf("%d items, encoding/json reads %d: %s", n, len(want.Items), body)
		}
		for i, w := range want.Items {
			if len(w) != 1 {
				continue
			}
			for _, v := range w {
				if v.Status != 0 && v.Status != got[i].status {
					t.Errorf("item %d: status %d, want %d: %s", i, got[i].status, v.Status, body)
				}
			}
		}
	})
}

// The short cut for usual items is one in time only: whatever is done to a response, both ways read the same items or
// refuse it.
func TestUsualItemsAreReadAsAllOthers(t *testing.T) {
	t.Parallel()
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, seed))
	pieces := []string{
		`{"create":{"_id":"a-1","status":201}}`, `{"index":{"_id":"b","status":200}}`, `{"create":{"_id":"","status":409}}`,
		`{"create":{"status":429,"_id":"c"}}`, `{"create":{"_id":"\u00e4\"","status":201}}`,
		`{"create":{"_id":"ä","status":201,"error":null}}`,
		`{"create":{"_id":"d","status":400,"error":{"type":"x","reason":"{\"create\":{\"_id\":\"e\",\"status\":201}}"}}}`,
		` { "create" : { "_id" : "f" , "status" : 201 } } `,
		`{"create":{"_id":"g","status":2010}}`, `{"create":{"_id":"h","status":000}}`,
		`{"create":{"_id":"i","status":201}},`, `{"create":{"_id":"j","status":201},"x":{"status":500}}`,
	}
	const junk = "{}[]\":,\\ 0129ae_\x00\x1f\xff"
	usual := 0
	for range 20_000 {
		body := []byte(`{"took":3,"errors":false,"items":[`)
		for i := range rnd.IntN(4) {
			if i > 0 {
				body = append(body, ',')
			}
			body = append(body, pieces[rnd.IntN(len(pieces))]...)
		}
		body = append(body, "]}"...)
		for range rnd.IntN(3) {
			at := rnd.IntN(len(body))
			switch rnd.IntN(3) {
			case 0:
				body[at] = junk[rnd.IntN(len(junk))]
			case 1:
				body = slices.Delete(body, at, min(len(body), at+1+rnd.IntN(4)))
			default:
				body = slices.Insert(body, at, body[at])
			}
		}
		// A space where JSON allows one keeps an item from the short cut and means nothing.
		spaced := bytes.ReplaceAll(body, []byte(`{"create":`), []byte(`{ "create":`))
		spaced = bytes.ReplaceAll(spaced, []byte(`{"index":`), []byte(`{ "index":`))
		usual += len(spaced) - len(body)
		expected := []string{"", "a", "a-1", "a-12", "b", `\u00e4\"`, `\u00e4\"x`, "ä"}[rnd.IntN(8)]
		got, gotErr := readItems(body, expected)
		want, wantErr := readItems(spaced, "")
		if diff := cmp.Diff(want, got); diff != "" || (gotErr == nil) != (wantErr == nil) {
			t.Fatalf("%s: %v, the general way %v: %s", body, gotErr, wantErr, diff)
		}
	}
	if usual < 5_000 {
		t.Errorf("only %d items went the short way", usual)
	}
}

// readItems returns the items of a response as text.
func readItems(body []byte, expected string) (items []string, err error) {
	read := make([]item, bytes.Count(body, []byte("{")))
	n, err := parseResponse(body, read, func(int) []byte { return []byte(expected) })
	for _, it := range read[:n] {
		items = append(items, fmt.Sprintf("%q %d %q", it.id, it.status, bytes.ReplaceAll(it.err, []byte(" "), nil)))
	}
	return items, err
}

func unknownID(int) []byte { return nil }

// Two lists of items, or two actions in one item, would give a document two outcomes: such an answer is not believed.
func TestADocumentHasOneItem(t *testing.T) {
	t.Parallel()
	const one, two = `{"create":{"_id":"a","status":201}}`, `{"create":{"_id":"b","status":429}}`
	for _, body := range []string{
		`{"items":[` + two + `],"items":[` + one + `]}`, `{"items":[` + one + `],"items":[]}`,
		`{"items":[],"items":[` + one + `]}`,
		`{"items":[{"create":{"_id":"a","status":201},"index":{"_id":"b","status":429}}]}`,
	} {
		if n, err := parseResponse([]byte(body), make([]item, 4), unknownID); err == nil {
			t.Errorf("%s: %d items and no error", body, n)
		}
	}
}

func BenchmarkParseResponse(b *testing.B) {
	var body bytes.Buffer
	body.WriteString(`{"took":30,"errors":false,"items":[`)
	for i := range 10_000 {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(`{"create":{"_id":"sn76YFrMkSZ2G69K0WsGDQ-29ru","status":201}}`)
	}
	body.WriteString("]}")
	items, id := make([]item, 10_000), []byte("sn76YFrMkSZ2G69K0WsGDQ-29ru")
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := parseResponse(body.Bytes(), items, func(int) []byte { return id }); n != 10_000 || err != nil {
			b.Fatal(n, err)
		}
	}
}
