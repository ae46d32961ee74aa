package explain

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestABodyThatWasCutLacksItsClosingMarks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, want string }{
		{`{"a":[1,{"b":"c`, `"}]}`},
		{`{"a":"{\"["`, `}`},
		{`{"a":1}`, ""},
		{`}}]]`, ""},
		{"", ""},
		{`{"a\`, `"}`},
		{strings.Repeat("[", 101), ""},
	} {
		if got := closing([]byte(tt.body)); got != tt.want {
			t.Errorf("closing(%q) = %q, want %q", tt.body, got, tt.want)
		}
	}
}

func TestStartsOfABodyAreBounded(t *testing.T) {
	t.Parallel()
	if got, want := slices.Collect(starts(4)), []int{1, 2, 3}; !cmp.Equal(got, want) {
		t.Errorf("starts(4) = %v, want %v", got, want)
	}
	large := slices.Collect(starts(10 << 20))
	if len(large) > 2100 || !slices.Contains(large, 8192) || slices.Max(large) >= 10<<20 {
		t.Errorf("%d starts of 10 MiB, the last %d", len(large), slices.Max(large))
	}
}

// A mask in place of the signature says nothing about the signature.
func TestASignatureOfAnotherFormIsSaid(t *testing.T) {
	t.Parallel()
	for signature, want := range map[string]bool{
		strings.Repeat("a", 64): false, strings.Repeat("A", 64): true, "abc": true, "…": false, "****": false, "": false,
	} {
		x := &Exchange{Method: "GET", Target: "/", Host: "h", Header: http.Header{
			"Authorization": {"AWS4-HMAC-SHA256 Credential=A/20151119/eu-west-1/es/aws4_request, SignedHeaders=host, " +
				"Signature=" + signature},
		}}
		if _, got := newExplainer(x, Options{}).misshapen(); got != want {
			t.Errorf("%q: %v, want %v", signature, got, want)
		}
	}
}
