package edge

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyTrustedProxiesSpeakForOthers(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		peer string
		xff  []string
		want string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1"},
		{"192.0.2.1:5", []string{"198.51.100.7"}, "192.0.2.1"},
		{"10.0.0.1:5", nil, "10.0.0.1"},
		{"10.0.0.1:5", []string{"198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:5", []string{"127.0.0.1, 198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:5", []string{"127.0.0.1, 198.51.100.7, 10.9.9.9"}, "198.51.100.7"},
		{"10.0.0.1:5", []string{"127.0.0.1", "198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:5", []string{"198.51.100.7, junk"}, "10.0.0.1"},
		{"10.0.0.1:5", []string{"198.51.100.7:443"}, "198.51.100.7"},
		{"10.0.0.1:5", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"[fd00::1%eth0]:5", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"[::ffff:192.0.2.1]:5", nil, "192.0.2.1"},
		{"@", []string{"198.51.100.7"}, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.xff}}
		if got := SourceIP(r, trusted).String(); got != c.want {
			t.Errorf("peer %s, X-Forwarded-For %q: got %s, want %s", c.peer, c.xff, got, c.want)
		}
	}
}

func TestBulkBodiesAreReadAsTheEngineReadsThem(t *testing.T) {
	t.Parallel()
	body := `{"index":{"_index":"a","_id":"1"}}` + "\n" + `{"f":1}` + "\n\n  \n" +
		`{"delete":{"_index":"b","_id":2}}` + "\r\n" +
		`{"create":{}}` + "\n" + `{"_index":"not an action"}` + "\n" +
		`{"update":{"_index":"c","routing":"x"}}` + "\n" + `{"doc":{}}`
	type flat struct{ Op, Index, ID, Source string }
	var got []flat
	for item, err := range BulkItems(strings.NewReader(body), WithSources) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, flat{item.Op, item.Index, item.ID, string(item.Source)})
	}
	want := []flat{
		{"index", "a", "1", "{\"f\":1}\n"},
		{"delete", "b", "2", ""},
		{"create", "", "", "{\"_index\":\"not an action\"}\n"},
		{"update", "c", "", `{"doc":{}}`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{
		"[]", "{}", `{"drop":{}}`, `{"index":1}`, `{"index":{"_index":["a"]}}`, `{"index":{}}{"index":{}}`, "junk",
		`{"index":{"_index":"a"},"delete":{"_index":"b"}}`, `{"index":{"_index":"a","_index":"b"}}`,
	} {
		n := 0
		for _, err := range BulkItems(strings.NewReader(bad+"\n{}\n"), WithSources) {
			if err == nil {
				t.Errorf("%s is read as an action", bad)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%s: %d results, want one error", bad, n)
		}
	}
}

func FuzzBulkItems(f *testing.F) {
	f.Add([]byte("{\"index\":{\"_index\":\"a\"}}\n{}\n{\"delete\":{\"_id\":\"1\"}}\n"))
	f.Add([]byte("\n\n{\"index\":{}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		for item, err := range BulkItems(strings.NewReader(string(data)), WithSources) {
			if err != nil {
				return
			}
			total += len(item.Action) + len(item.Source)
		}
		if total > len(data) {
			t.Errorf("items of %d bytes out of %d", total, len(data))
		}
	})
}

func TestRequestIDsAreRandomUUIDs(t *testing.T) {
	t.Parallel()
	a, b := NewRequestID(), NewRequestID()
	if a == b || len(a) != 36 || a[14] != '4' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Errorf("%s, %s", a, b)
	}
}
