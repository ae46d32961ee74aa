package guard_test

import (
	"errors"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/guard"
)

func TestTargetsThatReadInOneWayAreSplit(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]guard.Target{
		"/":                   {Path: "/"},
		"/?":                  {Path: "/", HasQuery: true},
		"/a/_search?q=a;b%zz": {Path: "/a/_search", Query: "q=a;b%zz", HasQuery: true, Segments: []string{"a", "_search"}},
		"/a/":                 {Path: "/a/", Segments: []string{"a"}},
		"/a,b*/_search":       {Path: "/a,b*/_search", Segments: []string{"a,b*", "_search"}},
		"/%2A":                {Path: "/%2A", Segments: []string{"*"}},
		"/a/_doc/x%2Fy":       {Path: "/a/_doc/x%2Fy", Segments: []string{"a", "_doc", "x/y"}},
		"/%3Clogs-%7Bnow%2Fd%7D%3E/_search": {
			Path: "/%3Clogs-%7Bnow%2Fd%7D%3E/_search", Segments: []string{"<logs-{now/d}>", "_search"},
		},
		"/ü/%C3%BC":   {Path: "/ü/%C3%BC", Segments: []string{"ü", "ü"}},
		"/%252e%252e": {Path: "/%252e%252e", Segments: []string{"%2e%2e"}},
		"/a/...":      {Path: "/a/...", Segments: []string{"a", "..."}},
		"/a/%3B":      {Path: "/a/%3B", Segments: []string{"a", ";"}},
	} {
		got, err := guard.ParseTarget(raw)
		if err != nil {
			t.Errorf("%q: %v", raw, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", raw, diff)
		}
	}
}

func TestAmbiguousTargetsAreRefused(t *testing.T) {
	t.Parallel()
	for raw, problem := range map[string]string{
		"":                "a request target that is not a path at byte 0",
		"*":               "a request target that is not a path at byte 0",
		"http://h/a":      "a request target that is not a path at byte 0",
		"h:80":            "a request target that is not a path at byte 0",
		"//":              "an empty path segment at byte 1",
		"//a":             "an empty path segment at byte 1",
		"/a//b":           "an empty path segment at byte 3",
		"/a//":            "an empty path segment at byte 3",
		"/.":              "a dot segment at byte 1",
		"/..":             "a dot segment at byte 1",
		"/a/./b":          "a dot segment at byte 3",
		"/a/../b":         "a dot segment at byte 3",
		"/a/%2e%2E/b":     "a dot segment at byte 3",
		"/a/.%2e":         "a dot segment at byte 3",
		"/a%2f..%2fb":     "a dot segment at byte 1",
		"/a%2F%2Fb":       "an empty path segment at byte 1",
		"/%2Fa":           "an empty path segment at byte 1",
		"/a%2F":           "an empty path segment at byte 1",
		"/a\\b":           "a backslash at byte 2",
		"/a%5Cb":          "an encoded backslash at byte 1",
		"/a%00":           "an encoded control byte at byte 1",
		"/a%0d%0aHost:b":  "an encoded control byte at byte 1",
		"/a%7f":           "an encoded control byte at byte 1",
		"/a\x00":          "a control byte at byte 2",
		"/a?\x1b":         "a control byte at byte 3",
		"/a;jsessionid=1": "a path parameter (;) at byte 2",
		"/a#b":            "a fragment at byte 2",
		"/a?b#c":          "a fragment at byte 4",
		"/a%":             "an invalid percent escape at byte 1",
		"/a%4":            "an invalid percent escape at byte 1",
		"/a%u0041":        "an invalid percent escape at byte 1",
		"/%c0%ae%c0%ae/a": "invalid UTF-8 at byte 1",
		"/a/\xff":         "invalid UTF-8 at byte 3",
	} {
		_, err := guard.ParseTarget(raw)
		if e, ok := errors.AsType[*guard.TargetError](err); !ok || e.Error() != problem {
			t.Errorf("%q: got %v, want %s", raw, err, problem)
		}
	}
}

// FuzzParseTarget holds that what is accepted cannot be read in another way: cleaning changes nothing but a trailing
// slash, in the path as sent and as decoded, and escaping the segments again gives the same segments.
func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{
		"/", "/a/b?c=d", "/a//b", "/%2e%2e/a", "/a%2Fb", "/a%2f..%2fb", "/%3Clogs-%7Bnow%2Fd%7D%3E", "/%c0%ae", "/a;b",
		"/*,-x/_search",
		"http://a/b", "/a\\b", "/%5c", "/a#b", "/a%", "/%00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := guard.ParseTarget(raw)
		if err != nil {
			return
		}
		if got.String() != raw {
			t.Errorf("%q came out as %q", raw, got.String())
		}
		for _, p := range []string{got.Path, got.Decoded()} {
			if cleaned := path.Clean(p); cleaned != p && cleaned+"/" != p {
				t.Errorf("%q: %q cleans to %q", raw, p, cleaned)
			}
			if strings.ContainsAny(p, "\x00\\\r\n") {
				t.Errorf("%q: %q has a byte that programs disagree about", raw, p)
			}
		}
		var again strings.Builder
		for _, s := range got.Segments {
			again.WriteString("/" + url.PathEscape(s))
		}
		if len(got.Segments) == 0 {
			again.WriteString("/")
		}
		second, err := guard.ParseTarget(strings.ReplaceAll(again.String(), ";", "%3B"))
		if err != nil || !slices.Equal(second.Segments, got.Segments) {
			t.Errorf("%q: segments %q escape to %q, which gives %q, %v", raw, got.Segments, again.String(), second.Segments, err)
		}
	})
}

// TestParityTakesEveryIDThatEnginesTake has ids that another reader would split, cut or normalise. They pass where an
// id stands and nowhere else, and the policy is asked about the path as it was sent.
func TestParityTakesEveryIDThatEnginesTake(t *testing.T) {
	t.Parallel()
	const narrow = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":["` + domainARN + `/logs/_*"]}]}`
	const denied = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":["` + domainARN + `/*"]},
		{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":[
			"` + domainARN + `/logs/_doc/https%3A*","` + domainARN + `/logs/_doc/?/../*"]}]}`
	parity, strict, deny := newDomain(t, narrow), newDomain(t, narrow, strictMode), newDomain(t, denied)
	ids := []string{
		"https%3A%2F%2Fhost%2Fpath%2F", "a%2F", "%2Fa", "a%2F%2Fb", "a%5Cb", "a;b", ";", "%2E%2E", "%2e", "a%2F..%2Fb",
		"..%2F..%2Fsecret%2F_doc%2F1", "a%3Bb",
	}
	for _, id := range ids {
		for _, c := range []struct{ method, api string }{
			{"PUT", "_doc"}, {"POST", "_create"}, {"POST", "_update"}, {"GET", "_source"}, {"DELETE", "_doc"},
		} {
			target := "/logs/" + c.api + "/" + id
			if status, text := parity.do(t, "", c.method, target, ""); status != http.StatusOK {
				t.Errorf("%s %s: %d %s", c.method, target, status, text)
			}
			if got := parity.reached(); len(got) != 1 || got[0].Line != c.method+" "+target {
				t.Errorf("%s %s: the backend saw %v", c.method, target, got)
			}
		}
		if id == "a%3Bb" {
			continue // reads in one way only
		}
		for _, elsewhere := range []string{
			"/" + id + "/_doc/1", "/logs/" + id, "/logs/" + id + "/1", "/logs/_explain/" + id, "/logs/_doc/" + id + "/_update",
			"/_doc/" + id,
		} {
			if status, _ := parity.do(t, "", "GET", elsewhere, ""); status != http.StatusBadRequest {
				t.Errorf("%s: %d, want 400", elsewhere, status)
			}
		}
		if status, _ := strict.do(t, "", "GET", "/logs/_doc/"+id, ""); status != http.StatusBadRequest {
			t.Errorf("strict %s: %d, want 400", id, status)
		}
	}
	for id, want := range map[string]int{"https%3A%2F%2Fhost": 403, "http%3A%2F%2Fhost": 200, "a%2F..%2Fb": 200} {
		if status, _ := deny.do(t, "", "PUT", "/logs/_doc/"+id, ""); status != want {
			t.Errorf("judged as sent, %s: %d, want %d", id, status, want)
		}
	}
	for _, id := range []string{"..", ".", "a%00", "a%0d", "%c0%ae", "a\\b", "a%zz"} {
		resp, body := exchange(t, parity.URL, "GET", "GET /logs/_doc/"+id+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d %s, want 400", id, resp.StatusCode, body)
		}
	}
}
