package guard

import (
	"net/http"
	"net/netip"
	"slices"
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
		if got := sourceIP(r, trusted).String(); got != c.want {
			t.Errorf("peer %s, X-Forwarded-For %q: got %s, want %s", c.peer, c.xff, got, c.want)
		}
	}
}

func TestIndexExpressionsAreReadNameByName(t *testing.T) {
	t.Parallel()
	existing := []string{"logs-1", "logs-2", "secret", ".kibana"}
	for _, c := range []struct {
		expression string
		names      []string
		selected   []string
		fails      bool
	}{
		{expression: "logs-1", names: []string{"logs-1"}},
		{expression: "a,b", names: []string{"a", "b"}},
		{expression: "_all", names: []string{"*"}, selected: existing},
		{expression: "*", names: []string{"*"}, selected: existing},
		{expression: "logs-*", names: []string{"logs-*"}, selected: []string{"logs-1", "logs-2"}},
		{expression: "*,-secret", names: []string{"*"}, selected: []string{"logs-1", "logs-2", ".kibana"}},
		{expression: "*,-logs-*,logs-2", names: []string{"*", "logs-2"}, selected: []string{"logs-2", "secret", ".kibana"}},
		{expression: "+logs-*", names: []string{"logs-*"}, selected: []string{"logs-1", "logs-2"}},
		{expression: "<logs-{now/d}>", names: []string{"logs-*"}, selected: []string{"logs-1", "logs-2"}},
		{expression: "<logs-{now/d{yyyy.MM,dd}}>,x", names: []string{"logs-*", "x"}, selected: []string{"logs-1", "logs-2"}},
		{expression: "s*t", names: []string{"s*t"}, selected: []string{"secret"}},
		{expression: "-secret", fails: true},
		{expression: "a,,b", fails: true},
		{expression: "", fails: true},
		{expression: "a/b", fails: true},
		{expression: "<a/{now}>", fails: true},
		{expression: `<a\{now}>`, fails: true},
		{expression: "<a{now>", fails: true},
		{expression: "<a}now{>", fails: true},
	} {
		e, err := readExpression(c.expression)
		if c.fails != (err != nil) {
			t.Errorf("%q: error %v", c.expression, err)
			continue
		}
		if c.fails {
			continue
		}
		var names, selected []string
		for _, part := range e {
			if !part.excluded {
				names = append(names, part.pattern)
			}
		}
		for _, name := range existing {
			if e.isWild() && e.selects(name) {
				selected = append(selected, name)
			}
		}
		if !slices.Equal(names, c.names) || !slices.Equal(selected, c.selected) {
			t.Errorf("%q: names %q select %q, want %q select %q", c.expression, names, selected, c.names, c.selected)
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
	for item, err := range bulkItems(strings.NewReader(body), withSources) {
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
		for _, err := range bulkItems(strings.NewReader(bad+"\n{}\n"), withSources) {
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
		for item, err := range bulkItems(strings.NewReader(string(data)), withSources) {
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
	a, b := newRequestID(), newRequestID()
	if a == b || len(a) != 36 || a[14] != '4' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Errorf("%s, %s", a, b)
	}
}
