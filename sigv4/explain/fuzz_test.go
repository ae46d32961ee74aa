package explain_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/sigv4/explain"
)

// FuzzExplain holds that no input makes the explainer panic, take long, show a token or claim without evidence.
func FuzzExplain(f *testing.F) {
	for _, m := range mistakes() {
		for _, write := range forms {
			s := fuzzSeed(f)
			f.Add([]byte(write(s,
				`{"message":"The request signature we calculated does not match the signature you provided. `+
					`\n\nThe Canonical String for this request should have been\n'GET\n/`+m.name+`\n\nhost:x\n\nhost\n`+
					sigv4.EmptyPayloadHash+`'\n\nThe String-to-Sign should have been\n'AWS4-HMAC-SHA256\nd\ns\nh'\n"}`)))
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		begun := time.Now()
		x, err := explain.Parse(input)
		if err != nil {
			return
		}
		var o explain.Options
		if len(input)%4 == 0 {
			o.Credentials = keys // the search for what was signed takes a hundred times longer than the rest
		}
		finding := explain.Explain(x, o)
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		if finding.Cause == "" || finding.Evidence == "" || finding.Seen == "" || len(finding.Candidates) > 3 {
			t.Errorf("not whole: %+v", finding)
		}
		if open := isOpen(finding.Cause); !open && finding.Evidence == explain.None {
			t.Errorf("a claim without evidence: %+v", finding)
		}
		out, err := json.Marshal(finding)
		if err != nil {
			t.Fatal(err)
		}
		if token := x.Header.Get("X-Amz-Security-Token"); len(token) > 12 && strings.Contains(string(out), token) {
			t.Errorf("the token %q is shown: %s", token, out)
		}
	})
}

func fuzzSeed(f *testing.F) *sent {
	f.Helper()
	r := httptest.NewRequestWithContext(f.Context(), "POST", "https://search-x.eu-west-1.es.amazonaws.com/i*?b&a=+",
		strings.NewReader("{}"))
	signer := &sigv4.Signer{Region: "eu-west-1", Service: "es"}
	if err := signer.Sign(r, keys, sigv4.HashPayload([]byte("{}")), time.Now()); err != nil {
		f.Fatal(err)
	}
	return &sent{method: r.Method, target: "/i*?b&a=+", host: r.Host, header: r.Header, body: "{}"}
}
