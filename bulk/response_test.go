package bulk

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzParseResponse holds the parser to encoding/json: what is taken for a complete response is one, and every item has the
// status and id that the standard library reads.
func FuzzParseResponse(f *testing.F) {
	for _, text := range []string{
		`{"took":1,"errors":false,"items":[{"create":{"_id":"a","status":201}}]}`,
		`{"items":[{"index":{"_index":"x","_id":"\u00e4","status":400,"error":{"type":"mapper_parsing_exception","reason":"x","caused_by":{"type":"y"}}}},{"create":{"status":429,"error":"EsRejectedExecutionException[x]"}}]}`,
		`{"items":[]}`, `{"items":[{"create":{}}]}`, `{"errors":true}`, `{"items":[{"create":{"status":201}}]} x`, `{"items":[{"create":{"status":201}}]`, `[]`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got []item
		n, err := parseResponse(body, func(i int, it item) {
			if i != len(got) {
				t.Fatalf("item %d after %d", i, len(got))
			}
			got = append(got, it)
		})
		if err != nil {
			return
		}
		if n != len(got) {
			t.Fatalf("%d items, %d were told", n, len(got))
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
	b.SetBytes(int64(body.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if n, err := parseResponse(body.Bytes(), func(int, item) {}); n != 10_000 || err != nil {
			b.Fatal(n, err)
		}
	}
}
