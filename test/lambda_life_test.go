package test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

// session is one set of temporary credentials of the function's role.
type session struct {
	ID, Secret, Token string
	Expires           time.Time
}

const functionRole = "arn:aws:iam::123456789012:role/gate"

func newSession(n int, expires time.Time) session {
	return session{
		ID:      fmt.Sprintf("ASIAROTATION%08d", n),
		Secret:  fmt.Sprintf("secret-%d", n),
		Token:   fmt.Sprintf("token-%d", n),
		Expires: expires,
	}
}

// writeSessions replaces an identities file: the role, with these sessions and no others.
func writeSessions(t *testing.T, path string, sessions ...session) {
	t.Helper()
	list := []any{}
	for _, s := range sessions {
		list = append(list, map[string]any{
			"access_key_id": s.ID, "secret": s.Secret, "token": s.Token, "of": functionRole, "name": "gate",
			"issued": time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), "expires": s.Expires.UTC().Format(time.RFC3339),
		})
	}
	text, err := json.Marshal(map[string]any{"roles": []any{map[string]any{"arn": functionRole}}, "sessions": list})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// roleDomain starts a domain that admits the role of the function and nobody else.
func roleDomain(t *testing.T, identities string, more ...string) string {
	t.Helper()
	return serve(t, append([]string{
		"domain", "--access", "iam=" + functionRole, "--identities", identities, "--region", "eu-central-1",
		"--account", "123456789012", "--name", "gate",
	}, more...)...)
}

func sessionEnv(s session) []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + s.ID, "AWS_SECRET_ACCESS_KEY=" + s.Secret, "AWS_SESSION_TOKEN=" + s.Token,
		"AWS_REGION=eu-central-1",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// The story's own test: an empty event, or the console's sample, is one signed GET / with the session token.
func TestAnEmptyEventAsksForTheBannerWithTheRolesSession(t *testing.T) {
	t.Parallel()
	identities := filepath.Join(t.TempDir(), "identities.json")
	s := newSession(1, time.Now().Add(time.Hour))
	writeSessions(t, identities, s)
	url := roleDomain(t, identities, "--listen", "127.0.0.1:0", "--compat", "2015-10")
	const sample = `{"key1":"value1","key2":"value2","key3":"value3"}`
	env := append(sessionEnv(s), "PENSTOCK_DOMAIN="+url)
	for _, event := range []string{"{}", sample} {
		got := invokeCommand(t, env, event)
		if got.failed || !strings.Contains(got.payload, "You Know, for Search") ||
			!strings.Contains(got.log, "domain answered") || !strings.Contains(got.log, "You Know, for Search") {
			t.Errorf("%s: %+v\n%s", event, got.result, got.log)
		}
	}
	f := startFunction(t, bootstrap(t), env...)
	for _, event := range []string{"", "{}", sample} {
		got := f.invoke(t, event, 30*time.Second)
		if got.failed ||
			!strings.Contains(got.payload, `"number" : "1.5.2"`) && !strings.Contains(got.payload, `"number":"1.5.2"`) {
			t.Errorf("%q: %+v", event, got)
		}
	}
	// The same without the token, and without any key.
	without := invokeCommand(t, append(env, "AWS_SESSION_TOKEN="), "{}")
	if !without.failed || !strings.Contains(without.payload, "security token") {
		t.Errorf("without the session token: %+v", without.result)
	}
	none := invokeCommand(t, append(env, "AWS_SESSION_TOKEN=", "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="), "{}")
	if !none.failed || !strings.Contains(none.payload, "no access key") || none.duration > 5000 {
		t.Errorf("without credentials: %+v after %v ms", none.result, none.duration)
	}
	if f := startFunction(t, bootstrap(t), "PENSTOCK_DOMAIN="+url, "AWS_REGION=eu-central-1"); true {
		if got := f.invoke(t, "{}", 10*time.Second); !got.failed || !strings.Contains(got.payload, "no access key") {
			t.Errorf("a sandbox without credentials: %+v", got)
		}
	}
}

// credentialsService is what the platform offers a sandbox whose credentials change (the container credentials
// provider).
type credentialsService struct {
	current atomic.Pointer[session]
	asked   atomic.Int64
}

func (c *credentialsService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.asked.Add(1)
	if r.Header.Get("Authorization") != "Bearer sandbox" {
		http.Error(w, "who are you", http.StatusForbidden)
		return
	}
	s := c.current.Load()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{
		"AccessKeyId": s.ID, "SecretAccessKey": s.Secret, "Token": s.Token,
		"Expiration": s.Expires.UTC().Format(time.RFC3339),
	})
}

func TestCredentialsRotateBetweenInvocations(t *testing.T) {
	t.Parallel()
	stand := realtest.StartMoto(t)
	lax := &realtest.S3{URL: stand.URL, Region: "eu-central-1", AccessKey: "AKIAREALTESTLOOPBACK", SecretKey: "any"}
	b := newBucket(t, stand.URL, lax, "logs", false)
	puts := corpus(4, []string{"one", "two", "three", "four"})
	for i, p := range puts {
		*p = *newPut(p.key, 6*i+4, 0)
	}
	b.put(t, puts)
	identities := filepath.Join(t.TempDir(), "identities.json")
	first, second := newSession(1, time.Now().Add(6*time.Second)), newSession(2, time.Now().Add(time.Hour))
	writeSessions(t, identities, first, second)
	url := roleDomain(t, identities, "--listen", "127.0.0.1:0")
	service := &credentialsService{}
	told := first
	told.Expires = time.Now().Add(time.Hour) // so that nobody asks again before the domain says so
	service.current.Store(&told)
	container := httptest.NewServer(service)
	t.Cleanup(container.Close)
	f := startFunction(t, bootstrap(t), "AWS_CONTAINER_CREDENTIALS_FULL_URI="+container.URL,
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=Bearer sandbox",
		"AWS_REGION=eu-central-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"PENSTOCK_DOMAIN="+url, "PENSTOCK_ENDPOINT_URL="+stand.URL, "PENSTOCK_PATH_STYLE=true",
		"PENSTOCK_DEAD_LETTERS="+t.TempDir())
	deliver := func(key string) {
		t.Helper()
		event := sqsBatch(fmt.Sprintf(`{"bucket":"logs","key":%s}`, text(key)))
		if got := f.invoke(t, event, time.Minute); got.payload != `{"batchItemFailures":[]}` {
			t.Errorf("%s: %+v", key, got)
		}
		if m := f.metrics(t); m["RecordsDelivered"] != 4. {
			t.Errorf("%s: %v", key, m)
		}
	}
	deliver("one")
	deliver("two")
	asked := service.asked.Load()
	// The domain says that the token has expired, and the function looks for another by itself.
	service.current.Store(&second)
	awaitRefusal(t, url, first)
	deliver("three")
	deliver("four")
	if service.asked.Load() == asked {
		t.Error("nobody asked for new credentials: nothing was rotated")
	}
}

// awaitRefusal waits until the time of a session is over.
func awaitRefusal(t *testing.T, url string, s session) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		cmd := exec.Command(penstock, "request", "GET", "/", "--domain", url)
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, sessionEnv(s)...)
		if err := cmd.Run(); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the domain still takes the old session")
		}
	}
}

// When a frozen sandbox thaws, its connections are dead and the clocks differ.
func TestAThawedFunctionDelivers(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	identities := filepath.Join(t.TempDir(), "identities.json")
	user := "arn:aws:iam::123456789012:user/realtest"
	body, err := json.Marshal(map[string]any{"users": []any{map[string]any{
		"arn": user, "access_keys": []any{map[string]any{"id": server.AccessKey, "secret": server.SecretKey}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(identities, body, 0o600); err != nil {
		t.Fatal(err)
	}
	address, data := freeAddress(t), t.TempDir()
	domain := func(more ...string) *exec.Cmd {
		t.Helper()
		return startServer(t, append([]string{
			"domain", "--listen", address, "--data", data, "--access", "iam=" + user, "--identities", identities,
			"--region", server.Region, "--account", "123456789012", "--name", "gate",
		}, more...)...)
	}
	before := domain()
	b := newBucket(t, server.URL, server, "logs", false)
	puts := corpus(3, []string{"one", "two", "three"})
	for i, p := range puts {
		*p = *newPut(p.key, 6*i+4, 0)
	}
	b.put(t, puts)
	f := startFunction(t, bootstrap(t), functionEnv(t, server, "http://"+address)...)
	deliver := func(key string) {
		t.Helper()
		event := sqsBatch(fmt.Sprintf(`{"bucket":"logs","key":%s}`, text(key)))
		if got := f.invoke(t, event, time.Minute); got.payload != `{"batchItemFailures":[]}` {
			t.Errorf("%s: %+v", key, got)
		}
		if m := f.metrics(t); m["RecordsDelivered"] != 4. {
			t.Errorf("%s: %v", key, m)
		}
	}
	deliver("one")
	f.freeze(t)
	stopServer(t, before)
	after := domain("--fault", "clock-skew=10m")
	f.thaw()
	deliver("two")
	f.freeze(t)
	stopServer(t, after)
	domain()
	f.thaw()
	deliver("three")
	client := &domainClient{url: "http://" + address, account: server}
	if diff := cmp.Diff(docsOf(puts), client.documents(t), sorted); diff != "" {
		t.Errorf("documents (-put in +found):\n%s", diff)
	}
}

// SQS delivers at least once: two sandboxes may have the same message at the same time.
func TestTwoSandboxesOnTheSameMessageMakeOneSetOfDocuments(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	url := startDomain(t, server, "")
	client := &domainClient{url: url, account: server}
	client.prepare(t)
	b := newBucket(t, server.URL, server, "logs", false)
	puts := corpus(120, []string{"part"})
	b.put(t, puts)
	var bodies []string
	for _, p := range puts {
		bodies = append(bodies, fmt.Sprintf(`{"bucket":"logs","key":%s}`, text(p.key)))
	}
	event := sqsBatch(bodies...)
	want := expect(puts)
	var wg sync.WaitGroup
	var delivered, duplicate, records atomic.Int64
	letters := t.TempDir()
	for range 2 {
		f := startFunction(t, bootstrap(t), functionEnv(t, server, url, "PENSTOCK_DEAD_LETTERS="+letters)...)
		wg.Go(func() {
			if got := f.invoke(t, event, 2*time.Minute); got.payload != `{"batchItemFailures":[]}` {
				t.Errorf("%+v", got)
			}
			m := f.metrics(t)
			delivered.Add(int64(m["RecordsDelivered"].(float64)))
			duplicate.Add(int64(m["RecordsDuplicate"].(float64)))
			records.Add(int64(m["RecordsRead"].(float64)))
		})
	}
	wg.Wait()
	if delivered.Load() != want.Delivered || duplicate.Load() != want.Delivered || records.Load() != 2*want.Records {
		t.Errorf("%d delivered, %d duplicates of %d records; want each of %d once", delivered.Load(), duplicate.Load(),
			records.Load(), want.Delivered)
	}
	if n := client.count(t); n != want.Delivered {
		t.Errorf("the domain holds %d documents, want %d", n, want.Delivered)
	}
	if diff := cmp.Diff(docsOf(puts), client.documents(t), sorted); diff != "" {
		t.Errorf("documents (-put in +found):\n%.2000s", diff)
	}
}

// freeAddress is a loopback address that nothing listens on at this moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// A state machine matches the name of a failure. The log has the same name, on a line of JSON like every other.
func TestFailuresAreNamedInTheAnswerAndInTheLog(t *testing.T) {
	t.Parallel()
	domain := httptest.NewServer(&sink{seen: make([]byte, 1)})
	t.Cleanup(domain.Close)
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		code, status := "NoSuchKey", http.StatusNotFound
		switch {
		case strings.Contains(r.URL.Path, "denied"):
			code, status = "AccessDenied", http.StatusForbidden
		case strings.Contains(r.URL.Path, "cold"):
			code, status = "InvalidObjectState", http.StatusForbidden
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>says the bucket</Message></Error>", code)
	}))
	t.Cleanup(bucket.Close)
	env := []string{
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=eu-central-1",
		"PENSTOCK_DOMAIN=" + domain.URL,
		"PENSTOCK_ENDPOINT_URL=" + bucket.URL, "PENSTOCK_PATH_STYLE=true", "PENSTOCK_RETRY_BUDGET=1s",
	}
	for _, tt := range []struct {
		event, want string
		env         []string
	}{
		{event: `{"bucket":"b","key":"gone"}`, want: "Penstock.NotFound"},
		{event: `{"Items":[{"bucket":"b","key":"gone"}]}`, want: "Penstock.NotFound"},
		{event: `{"bucket":"b","key":"denied"}`, want: "Penstock.Refused"},
		{event: `{"bucket":"b","key":"cold"}`, want: "Penstock.Archived"},
		{event: `{"what":"ever"}`, want: "Penstock.Event"},
		{event: `{}`, want: "Penstock.Config", env: []string{"PENSTOCK_DOMAIN="}},
		{event: `{}`, want: "Penstock.Config", env: []string{"PENSTOCK_WORKERS=none"}},
		{event: `{}`, want: "Penstock.Config", env: []string{"PENSTOCK_LOGS_JSON=never"}},
		{event: `{}`, want: "Penstock.Refused", env: []string{"AWS_ACCESS_KEY_ID="}},
		{event: `{}`, want: "Penstock.Unavailable", env: []string{"PENSTOCK_DOMAIN=http://127.0.0.1:1"}},
	} {
		f := startFunction(t, bootstrap(t), append(env, tt.env...)...)
		got := f.invoke(t, tt.event, 30*time.Second)
		var answer, line struct{ Level, Msg, ErrorType, ErrorMessage string }
		if err := json.Unmarshal([]byte(got.payload), &answer); err != nil || !got.failed || answer.ErrorType != tt.want {
			t.Errorf("%s: %+v, %v, want %s", tt.event, got, err, tt.want)
		}
		<-f.asked // the log of the invocation is written by then, and soon read
		deadline := time.Now().Add(10 * time.Second)
		for !strings.Contains(f.log.String(), "invocation failed") && time.Now().Before(deadline) {
			time.Sleep(10 * time.Millisecond)
		}
		named := false
		for text := range strings.Lines(f.log.String()) {
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Errorf("%s: %v: %s", tt.event, err, text)
			}
			named = named ||
				line.Msg == "invocation failed" && line.Level == "ERROR" && line.ErrorType == tt.want &&
					line.ErrorMessage == answer.ErrorMessage
		}
		if !named {
			t.Errorf("%s: the log does not name the failure:\n%s", tt.event, f.log.String())
		}
	}
}
