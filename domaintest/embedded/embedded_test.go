package embedded_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/domaintest"
	"github.com/seed56735111/penstock/domaintest/embedded"
)

// call sends a request and returns the status and the body.
func call(t *testing.T, c *http.Client, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestATestHasADomainOfItsOwn(t *testing.T) {
	t.Parallel()
	d := embedded.Start(t, domaintest.Config{Compat: "2015-10", Name: "sandbox01"})
	other := embedded.Start(t, domaintest.Config{})
	status, text := call(t, http.DefaultClient, "GET", d.URL, "")
	if status != 403 || !strings.Contains(text, "on resource: arn:aws:es:eu-west-1:123456789012:domain/sandbox01/") {
		t.Errorf("anonymous: %d %s", status, text)
	}
	if status, text := call(t, d.Client(), "PUT", d.URL+"/logs/doc/a%2Fb", `{"n":1}`); status != 201 {
		t.Errorf("signed: %d %s", status, text)
	}
	if got := d.Documents("log*"); len(got) != 1 || got[0].ID != "a/b" || string(got[0].Fields) != `{"n":1}` {
		t.Errorf("documents: %v", got)
	}
	if got := other.Documents("*"); len(got) != 0 {
		t.Errorf("another domain has %v", got)
	}
	if status, _ := call(t, other.ClientOf(d.Credentials()), "GET", other.URL, ""); status != 403 {
		t.Errorf("another domain takes these keys: %d", status)
	}
}

func TestWhatIsAllowedChangesAtOnce(t *testing.T) {
	t.Parallel()
	d := embedded.Start(t, domaintest.Config{})
	want := func(what, method, path string, wantStatus int) {
		t.Helper()
		if status, text := call(t, d.Client(), method, d.URL+path, `{"n":1}`); status != wantStatus {
			t.Errorf("%s: %d %s, want %d", what, status, text, wantStatus)
		}
	}
	want("at first", "PUT", "/logs/_doc/1", 201)
	d.Allow("es:ESHttpPut", "logs/*")
	want("what is allowed", "PUT", "/logs/_doc/2", 201)
	want("another index", "PUT", "/other/_doc/2", 403)
	want("another action", "POST", "/logs/_search", 403)
	d.Deny("es:ESHttpPut", "logs/_doc/3")
	want("what is denied", "PUT", "/logs/_doc/3", 403)
	d.Fault("503")
	want("a fault of what is allowed", "PUT", "/logs/_doc/4", 503)
	if d.Fired()["503"] != 1 || len(d.Documents("logs")) != 2 {
		t.Errorf("fired %v, documents %v", d.Fired(), d.Documents("logs"))
	}
	d.Fault("")
	d.SetPolicy(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"*"}]}`)
	if status, text := call(t, http.DefaultClient, "GET", d.URL, ""); status != 200 {
		t.Errorf("an open policy: %d %s", status, text)
	}
	d.Deny("es:ESHttpPut", "logs/*")
	want("what is denied beside it", "PUT", "/logs/_doc/5", 403)
	want("what it allows still", "PUT", "/other/_doc/5", 201)
	d.SetPolicy(`{"Version":"2012-10-17",
		"Statement":{"Effect":"Allow","Principal":"*","Action":"es:ESHttpGet","Resource":"*"}}`)
	d.Allow("es:ESHttpPut", "logs/*")
	want("what is allowed beside one statement", "PUT", "/logs/_doc/5", 201)
	if status, text := call(t, http.DefaultClient, "GET", d.URL, ""); status != 200 {
		t.Errorf("that statement: %d %s", status, text)
	}
	d.Reset()
	want("as at the start", "PUT", "/other/_doc/1", 201)
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	d := embedded.Start(t, domaintest.Config{})
	short, long := d.Session(time.Nanosecond), d.Session(time.Hour)
	if status, text := call(t, d.ClientOf(short), "GET", d.URL, ""); status != 403 || !strings.Contains(text, "expired") {
		t.Errorf("an expired session: %d %s", status, text)
	}
	if status, text := call(t, d.ClientOf(long), "GET", d.URL, ""); status != 200 {
		t.Errorf("a session: %d %s", status, text)
	}
	d.Remove(long)
	if status, text := call(t, d.ClientOf(long), "GET", d.URL, ""); status != 403 || !strings.Contains(text, "invalid") {
		t.Errorf("a session that is gone: %d %s", status, text)
	}
}

func TestTheEnvironmentIsGivenBack(t *testing.T) {
	t.Setenv("AWS_PROFILE", "mine")
	t.Run("inside", func(t *testing.T) {
		d := embedded.Start(t, domaintest.Config{})
		d.Setenv(d.Credentials())
		if os.Getenv("AWS_ACCESS_KEY_ID") != d.Credentials().AccessKeyID || os.Getenv("AWS_PROFILE") != "" {
			t.Error("the environment is not the domain's")
		}
	})
	if os.Getenv("AWS_PROFILE") != "mine" {
		t.Error("the environment is not given back")
	}
}
