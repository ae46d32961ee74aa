package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/sigv4/explain"
)

// isOpenCause reports whether a cause claims nothing.
func isOpenCause(cause string) bool {
	return cause == explain.CauseSignature || cause == explain.CauseUnknown
}

// TestTheExplainerNamesTheMistakesOfRealClients sends requests of the real clients with one signing mistake each, and
// explains the refusals. It takes a sample of the clients by a printed seed; PENSTOCK_TEST_FULL=1 takes all of them,
// which are at least 500 requests. A third of the mistakes, and more, is by somebody who had not seen the explainer.
func TestTheExplainerNamesTheMistakesOfRealClients(t *testing.T) {
	t.Parallel()
	full := os.Getenv("PENSTOCK_TEST_FULL") != ""
	seed := realtest.Seed(t)
	t.Logf("seed: PENSTOCK_TEST_SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	all := explainClients(t)
	if !full {
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:3]
	}
	b := &bench{servers: [2]string{explainDomain(t, ""), explainDomain(t, "short-signature")}}
	hop := httptest.NewServer(b)
	t.Cleanup(hop.Close)
	var cases []*refusedCase
	for i := range all {
		found, err := b.refusals(t, hop.URL, &all[i])
		if err != nil {
			t.Fatalf("%s: %v", all[i].name, err)
		}
		t.Logf("%s: %d refused requests", all[i].name, len(found))
		cases = append(cases, found...)
	}
	judge(t, cases, rng, full)
}

// tally counts outcomes.
type tally struct{ asked, named, open, wrong int }

func (c *tally) add(cause, want string) (outcome string) {
	c.asked++
	switch {
	case cause == want, isOpenCause(cause) && isOpenCause(want):
		c.named++
		return "named"
	case isOpenCause(cause):
		c.open++
		return "open"
	}
	c.wrong++
	return "wrong"
}

func (c *tally) String() string {
	return fmt.Sprintf("%d asked, %d named (%.1f %%), %d not known, %d wrong", c.asked, c.named,
		100*float64(c.named)/float64(max(1, c.asked)), c.open, c.wrong)
}

// judge explains the refusals in the forms in which people have them, with and without the client's secret, and counts.
func judge(t *testing.T, cases []*refusedCase, rng *rand.Rand, full bool) {
	t.Helper()
	var long, blind, short, alone, outside tally
	threads := 0
	binaries := map[string]bool{}
	for _, c := range cases {
		forms := []func(*refusedCase, []byte) []byte{asArchive, asCurl, asPaste}
		form := forms[rng.IntN(len(forms))]
		if c.mistake.archived || len(c.shown.Body) > 0 {
			form = asArchive // a refusal is explained with the body where the body is the mistake
		}
		if c.mistake.from != "" {
			threads++
		}
		what := c.client + ", " + c.mistake.name
		finding := explainCase(t, form(c, c.long), c.keys)
		if !binaries[c.client] {
			binaries[c.client] = true
			if said := explainedByBinary(t, form(c, c.long), c.keys); said != finding.Cause {
				t.Errorf("%s: penstock doctor explain says %s, and the package %s", what, said, finding.Cause)
			}
		}
		if c.mistake.blind {
			blind.add(finding.Cause, c.mistake.cause)
		}
		if outcome := long.add(finding.Cause, c.mistake.cause); outcome != "named" {
			t.Logf("%s: %s: %s %v (%s) want %s", outcome, what, finding.Cause, finding.Candidates, finding.Seen,
				c.mistake.cause)
		} else if c.mistake.line != "" && (finding.Line == nil || finding.Line.Name != c.mistake.line) &&
			finding.Cause != explain.CauseBodyChanged && finding.Evidence != explain.ByDomain {
			t.Errorf("%s: line %+v, want %s", what, finding.Line, c.mistake.line)
		}
		finding = explainCase(t, form(c, c.short), c.keys)
		if outcome := short.add(finding.Cause, c.mistake.cause); outcome == "wrong" {
			t.Errorf("short form: %s: %s (%s) want %s", what, finding.Cause, finding.Seen, c.mistake.cause)
		}
		finding = explainCase(t, form(c, c.long), sigv4.Credentials{})
		if c.mistake.bug == nil && c.mistake.inside == nil {
			if outcome := outside.add(finding.Cause, c.mistake.cause); outcome == "open" {
				t.Logf("without the secret: %s: %s %v (%s) want %s", what, finding.Cause, finding.Candidates, finding.Seen,
					c.mistake.cause)
			}
		}
		if outcome := alone.add(finding.Cause, c.mistake.cause); outcome == "wrong" {
			t.Errorf("without the secret: %s: %s by %s (%s) want %s", what, finding.Cause, finding.Evidence, finding.Seen,
				c.mistake.cause)
		}
	}
	t.Logf("long form: %s", &long)
	t.Logf("of these, by somebody who had not seen the explainer: %s", &blind)
	t.Logf("short form: %s", &short)
	t.Logf("long form, without the client's secret: %s", &alone)
	t.Logf("of these, mistakes in settings and on the way: %s", &outside)
	t.Logf("%d of %d from public threads", threads, len(cases))
	want := 97 // some clients of a sample have fewer requests that tell
	if full {
		want = 98
	}
	if long.named*100 < want*long.asked || long.wrong > 0 {
		t.Errorf("long form: %s; want %d %% named, and none wrong", &long, want)
	}
	if threads*3 < len(cases) {
		t.Errorf("%d of %d from public threads, want a third", threads, len(cases))
	}
	if blind.asked*3 < len(cases) {
		t.Errorf("%d of %d by somebody who had not seen the explainer, want a third", blind.asked, len(cases))
	}
	if full && len(cases) < 500 {
		t.Errorf("%d requests, want 500", len(cases))
	}
}

func explainCase(t *testing.T, input []byte, keys sigv4.Credentials) explain.Finding {
	t.Helper()
	x, err := explain.Parse(input)
	if err != nil {
		t.Fatalf("%v\n%s", err, input)
	}
	finding := explain.Explain(x, explain.Options{Credentials: keys})
	text, err := json.Marshal(finding)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{keys.SecretAccessKey, explainToken, explainToken[:len(explainToken)/2]} {
		if secret != "" && bytes.Contains(text, []byte(secret)) {
			t.Errorf("a secret is shown: %s", text)
		}
	}
	return finding
}

// explainedByBinary runs penstock doctor explain where the client's credentials are.
func explainedByBinary(t *testing.T, input []byte, keys sigv4.Credentials) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), penstock, "doctor", "explain", "--json")
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey,
		"AWS_SESSION_TOKEN="+keys.SessionToken)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var finding explain.Finding
	if err := json.Unmarshal(out, &finding); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return finding.Cause
}
