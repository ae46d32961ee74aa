// Package domaintest gives Go tests a domain that verifies signatures and judges policies as Amazon OpenSearch Service
// does, in the test's own process, for as long as the test runs.
//
// What is behind the gate is the caller's: the engine of domaintest/embedded, a handler of the test, or a node through
// guard.NewForward. So this package alone links no engine.
package domaintest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/fault"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/sigv4"
)

// Config says what the domain is. The zero value is a domain of today in eu-west-1.
type Config struct {
	// Region, Account and Name make the ARN; eu-west-1, 123456789012 and penstock when empty.
	Region, Account, Name string
	// Compat is the time whose answers to give, one of guard.CompatNames; current when empty.
	Compat string
	// Mode is how much of a request is judged; as AWS does when empty.
	Mode guard.Mode
}

// Domain is a domain that runs. It knows one user and one role, whose keys are made for it, and who may do everything
// until the test says otherwise. Its methods may be called from several goroutines; they end the test when they fail,
// so call those that change something from the test's own.
type Domain struct {
	// URL is the endpoint, on loopback.
	URL string
	// ARN is the domain's, User and Role are those of its identities.
	ARN, User, Role string
	// Region is where it is said to be.
	Region string

	t       testing.TB
	keys    identity.Credentials
	ids     *identity.Store
	policy  *guard.PolicyInMemory
	faults  *fault.Faults
	backend http.Handler

	mu         sync.Mutex
	narrowed   bool
	statements []any
}

// statement is one of the access policy.
type statement struct {
	Effect    string
	Principal any
	Action    []string
	Resource  []string
}

// Start starts a domain in front of backend, and ends it with the test. A test that fails shows what was refused, and
// why.
func Start(t testing.TB, backend http.Handler, cfg Config) *Domain {
	t.Helper()
	region, account := cmp.Or(cfg.Region, "eu-west-1"), cmp.Or(cfg.Account, "123456789012")
	name := cmp.Or(cfg.Name, "penstock")
	arn := guard.DomainARN(region, account, name)
	partition := strings.Split(arn, ":")[1]
	d := &Domain{
		ARN: arn, Region: region, t: t, ids: identity.New(), faults: new(fault.Faults), backend: backend,
		User: fmt.Sprintf("arn:%s:iam::%s:user/test", partition, account),
		Role: fmt.Sprintf("arn:%s:iam::%s:role/test", partition, account),
	}
	var err error
	if d.keys, err = d.ids.CreateUser(identity.User{ARN: d.User}); err != nil {
		t.Fatal(err)
	}
	if err := d.ids.CreateRole(identity.Role{ARN: d.Role}); err != nil {
		t.Fatal(err)
	}
	compat, err := guard.ParseCompat(cmp.Or(cfg.Compat, "current"))
	if err != nil {
		t.Fatal(err)
	}
	d.policy = guard.NewPolicyInMemory(nil, guard.ParseAccessPolicy)
	d.Reset()
	var log refusals
	g, err := guard.New(guard.Config{
		Backend: backend, Account: account, Region: region, Name: name, Policy: d.policy.Policy, Identities: d.ids,
		Profile: compat.Messages, Mode: cfg.Mode, Faults: d.faults, MaxBody: guard.LargeMaxBody,
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	sts := identity.NewSTS(d.ids, 5*time.Minute, slog.New(slog.DiscardHandler))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if identity.IsSTS(r) {
			sts.ServeHTTP(w, r)
			return
		}
		g.ServeHTTP(w, r)
	}))
	d.URL = server.URL
	t.Cleanup(func() {
		server.Close()
		if t.Failed() && log.said.Len() > 0 {
			t.Logf("the domain refused:\n%s", log.said.String())
		}
	})
	return d
}

// maxRefusals bounds what a failed test shows.
const maxRefusals = 64 << 10

// refusals are the first lines of the domain's log.
type refusals struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (l *refusals) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said.Len() < maxRefusals {
		l.said.Write(p)
	}
	return len(p), nil
}

// Credentials are those of the domain's user.
func (d *Domain) Credentials() sigv4.Credentials { return signing(d.keys) }

func signing(c identity.Credentials) sigv4.Credentials {
	return sigv4.Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: string(c.Secret), SessionToken: string(c.Token),
	}
}

// Client signs its requests as the domain's user.
func (d *Domain) Client() *http.Client { return d.ClientOf(d.Credentials()) }

// ClientOf signs its requests with the keys.
func (d *Domain) ClientOf(keys sigv4.Credentials) *http.Client {
	return &http.Client{
		Transport: &sigv4.Transport{Credentials: sigv4.Static(keys), Region: d.Region, Service: sigv4.ServiceDomain},
	}
}

// Session is a session of the domain's role, which lives for so long: less than STS gives, if you like. Remove ends it.
func (d *Domain) Session(lifetime time.Duration) sigv4.Credentials {
	d.t.Helper()
	c, err := d.ids.CreateSession(d.Role, "test", lifetime)
	if err != nil {
		d.t.Fatal(err)
	}
	return signing(c)
}

// Remove takes keys away: the domain does not know them any more.
func (d *Domain) Remove(keys sigv4.Credentials) {
	d.t.Helper()
	if err := d.ids.Remove(keys.AccessKeyID); err != nil {
		d.t.Fatal(err)
	}
}

// Setenv sets the AWS variables of the test to the keys, for code that takes them from its environment, and gives them
// back with the test's end. As t.Setenv, it is not for parallel tests. Nothing is read from ~/.aws then.
func (d *Domain) Setenv(keys sigv4.Credentials) {
	d.t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey,
		"AWS_SESSION_TOKEN": keys.SessionToken, "AWS_REGION": d.Region, "AWS_DEFAULT_REGION": d.Region,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_STS": d.URL, "PENSTOCK_DOMAIN": d.URL,
	} {
		d.t.Setenv(name, value)
	}
}

// Allow allows an action, such as es:ESHttpGet, on a path, such as logs-*/_search; an empty path is the whole domain.
// The first call narrows: what was allowed before, which is everything, is allowed no more.
func (d *Domain) Allow(action, path string) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.narrowed {
		d.narrowed, d.statements = true, nil
	}
	d.add("Allow", action, path)
}

// Deny denies an action on a path, whatever else allows it.
func (d *Domain) Deny(action, path string) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.add("Deny", action, path)
}

// Reset makes the access policy what it was at the start.
func (d *Domain) Reset() {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.narrowed, d.statements = false, nil
	d.add("Allow", "es:*", "")
}

// SetPolicy puts an access policy in the place of all that was allowed and denied. It is in force when it returns, and
// later calls of Allow and Deny add to it.
func (d *Domain) SetPolicy(document string) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	var said struct{ Statement any }
	err := d.policy.Set([]byte(document))
	if err == nil && strings.TrimSpace(document) != "" {
		err = json.Unmarshal([]byte(document), &said)
	}
	if err != nil {
		d.t.Fatalf("set access policy: %v", err)
	}
	d.narrowed, d.statements = true, nil
	switch s := said.Statement.(type) {
	case []any:
		d.statements = s
	case map[string]any: // a policy may have one statement without a list
		d.statements = []any{s}
	}
}

// add puts a statement in force. The caller holds the lock.
func (d *Domain) add(effect, action, path string) {
	d.t.Helper()
	resource := []string{d.ARN, d.ARN + "/*"}
	if path != "" {
		resource = []string{d.ARN + "/" + strings.TrimPrefix(path, "/")}
	}
	who := map[string][]string{"AWS": {d.User, d.Role}}
	d.statements = append(d.statements, statement{effect, who, []string{action}, resource})
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": d.statements})
	if err == nil {
		err = d.policy.Set(text)
	}
	if err != nil {
		d.t.Fatalf("%s %s: %v", strings.ToLower(effect), action, err)
	}
}

// Fault makes the domain misbehave, as in "429@10%" or "latency=200ms", until the next call; none does an empty one.
// docs/domain.md lists the faults.
func (d *Domain) Fault(spec string) {
	d.t.Helper()
	if err := d.faults.Set(spec); err != nil {
		d.t.Fatal(err)
	}
}

// Fired counts how often each fault has struck since it was set.
func (d *Domain) Fired() map[string]int64 { return d.faults.Fired() }

// Document is a document with its fields as JSON.
type Document struct {
	Index  string          `json:"_index"`
	ID     string          `json:"_id"`
	Fields json.RawMessage `json:"_source"`
}

// maxDocuments is as many as an index gives at once.
const maxDocuments = 10_000

// Documents are all documents of the indexes that a pattern matches, at most 10,000, whatever the policy and the faults
// say. An index that does not exist has none.
func (d *Domain) Documents(pattern string) []Document {
	d.t.Helper()
	const quiet = "?ignore_unavailable=true&allow_no_indices=true"
	d.engine("/"+url.PathEscape(pattern)+"/_refresh"+quiet, "")
	var found struct {
		Hits struct {
			Total json.RawMessage
			Hits  []Document
		}
	}
	answer := d.engine("/"+url.PathEscape(pattern)+"/_search"+quiet, fmt.Sprintf(`{"size":%d}`, maxDocuments))
	if err := json.Unmarshal(answer, &found); err != nil {
		d.t.Fatalf("read documents of %s: %v", pattern, err)
	}
	if len(found.Hits.Hits) == maxDocuments {
		d.t.Fatalf("read documents of %s: there are %d or more", pattern, maxDocuments)
	}
	return found.Hits.Hits
}

// engine asks the backend past the gate.
func (d *Domain) engine(target, body string) []byte {
	d.t.Helper()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	d.backend.ServeHTTP(w, r)
	data, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code >= http.StatusBadRequest {
		d.t.Fatalf("POST %s: %d %s, %v", target, w.Code, data, err)
	}
	return data
}
