package guard_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/iam"
)

// The gate asks about everything that a request touches, and tells what it asked.
func TestTheGateAsksAboutAllThatARequestTouches(t *testing.T) {
	t.Parallel()
	policy, err := iam.ParsePaths([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/grace"},"Action":"es:*",
		 "Resource":["/","/_bulk","/_search","/*/_search","/logs-*"]}]}`), "")
	if err != nil {
		t.Fatal(err)
	}
	grace, err := iam.ParsePrincipal("arn:aws:iam::123456789012:user/grace")
	if err != nil {
		t.Fatal(err)
	}
	gate := &guard.Gate{
		Policy: guard.FixedPolicy(policy),
		Backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"logs-a":{"aliases":{"now":{}}},"secret":{}}`)
		}),
	}
	closed := 0
	ask := func(g *guard.Gate, who iam.Principal, call, body string, whole bool) ([]guard.Question, error) {
		method, text, _ := strings.Cut(call, " ")
		target, err := guard.ParseTarget(text)
		if err != nil {
			t.Fatal(err)
		}
		a := &guard.Asker{Method: method, Target: target, Header: http.Header{}, Caller: who}
		if whole {
			a.Body = func() (io.ReadCloser, error) {
				closed++
				return counted{strings.NewReader(body), &closed}, nil
			}
		}
		return g.Judge(t.Context(), a)
	}
	for _, c := range []struct {
		call, body string
		want       string // what is asked, and "no" when it is refused, or "?" when it is not understood
	}{
		{"GET /", "", "GET /"},
		{"GET /logs-a/_doc/1", "", "GET /logs-a/_doc/1"},
		{"GET /x/_doc/1", "", "GET /x/_doc/1 no"},
		{"POST /_bulk", `{"index":{"_index":"logs-b"}}` + "\n{}\n", "POST /_bulk,POST /logs-b/_bulk"},
		{"POST /_bulk", `{"index":{"_index":"x"}}` + "\n{}\n", "POST /_bulk,POST /x/_bulk no"},
		{"POST /logs-*/_search", "", "POST /logs-*/_search,POST /logs-a/_search"},
		{"POST /_search", `{"query":{"match_all":{}}}`, "POST /_search,POST /*/_search,POST /logs-a/_search," +
			"POST /now/_search,POST /secret/_search"},
		{"POST /logs-a/_nothing/x/y", "", "POST /logs-a/_nothing/x/y ?"},
		{"GET /logs-a/_doc/1?unheard_of=1", "", "GET /logs-a/_doc/1 ?"},
		{"PATCH /logs-a/_doc/1", "", "PATCH /logs-a/_doc/1 ?"},
		{"OPTIONS /logs-a", "", "OPTIONS /logs-a no"},
		{"GET /logs-a%2Fx/_doc/1", "", "GET /logs-a%2Fx/_doc/1,GET /logs-a/x/_doc/1 ?"},
	} {
		asked, err := ask(gate, grace, c.call, c.body, true)
		got := text(asked, err)
		if got != c.want {
			t.Errorf("%s: asked %s, %v; want %s", c.call, got, err, c.want)
		}
	}
	if closed != 0 {
		t.Errorf("%d readers of bodies stay open", closed)
	}
	if _, err := ask(gate, iam.Anonymous(), "GET /", "", true); err == nil {
		t.Error("a caller that the policy does not name is let in")
	}
	// Without the body only the URL is judged, and a call that is not understood refused already.
	if got := text(ask(gate, grace, "POST /_bulk", "", false)); got != "POST /_bulk" {
		t.Errorf("the URL of _bulk alone: %s", got)
	}
	if got := text(ask(gate, grace, "POST /logs-a/_x/y/z", "", false)); got != "POST /logs-a/_x/y/z ?" {
		t.Errorf("the URL of a call that is not understood: %s", got)
	}
	parity := &guard.Gate{Policy: gate.Policy, Mode: guard.ModeParity}
	if got := text(ask(parity, grace, "POST /_bulk", `{"index":{"_index":"x"}}`, true)); got != "POST /_bulk" {
		t.Errorf("in parity mode: %s", got)
	}
	broken := &guard.Gate{Policy: func() (*iam.Policy, error) { return nil, errors.New("gone") }}
	if _, err := ask(broken, grace, "GET /", "", true); err == nil || err.Error() != "gone" {
		t.Errorf("without a policy: %v", err)
	}
}

// text is what was asked, and how it ended. The order of indexes that exist is not fixed.
func text(asked []guard.Question, err error) string {
	var all []string
	for _, q := range asked {
		all = append(all, q.String())
	}
	if len(all) > 2 {
		slices.Sort(all[2:])
	}
	end := ""
	denied, opaque := (*guard.DeniedError)(nil), (*guard.OpaqueError)(nil)
	switch {
	case errors.As(err, &denied):
		end = " no"
	case errors.As(err, &opaque):
		end = " ?"
	case err != nil:
		end = fmt.Sprint(" ", err)
	}
	return strings.Join(all, ",") + end
}

type counted struct {
	io.Reader
	n *int
}

func (c counted) Close() error {
	*c.n--
	return nil
}
