package test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/sigv4/explain"
)

// explainClients are those of docs/clients.md.
func explainClients(t *testing.T) []client {
	all := clients(t)
	if _, err := exec.LookPath("curl"); err == nil {
		all = append(all, client{name: "curl"})
	}
	return all
}

// badTargets are parts of targets that a client is known to sign wrongly: with them it has a mistake of its own.
var badTargets = map[string]*regexp.Regexp{
	"curl":                   regexp.MustCompile(`%|;|\*|,|@|\?.*&|\?[^=]*$`),
	"botocore":               regexp.MustCompile(`\?.*[:;*]`),
	"awscurl":                regexp.MustCompile(`\?.*%`),
	"opensearch-py/urllib3":  regexp.MustCompile(`\?.*(%20|\+)`),
	"opensearch-py/requests": regexp.MustCompile(`\?.*(%20|\+)`),
}

// refusedCase is one refused request, as the client shows it, with both forms of the refusal.
type refusedCase struct {
	client   string
	mistake  *mistake
	keys     sigv4.Credentials
	shown    *hostile.Sent
	answer   *hostile.Answered
	long     []byte
	short    []byte
	statuses [2]int
}

// bench runs the clients through a hop that makes the mistakes.
type bench struct {
	mu      sync.Mutex
	plan    []mistake
	run     run
	cases   map[int]*refusedCase
	servers [2]string // addresses: the domain that explains itself, and the one that does not
	failed  []string
}

var planNumber = regexp.MustCompile(`zz=([0-9]+)`)

func (b *bench) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := b.pass(r)
	if err != nil {
		b.mu.Lock()
		b.failed = append(b.failed, err.Error())
		b.mu.Unlock()
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(c.statuses[0])
	_, _ = w.Write(c.long)
}

func (b *bench) pass(r *http.Request) (*refusedCase, error) {
	sent, err := hostile.Receive(r)
	if err != nil {
		return nil, err
	}
	m := planNumber.FindStringSubmatch(sent.Target)
	if m == nil {
		return nil, fmt.Errorf("no plan for %s", sent.Target)
	}
	b.mu.Lock()
	plan, run := b.plan, b.run
	b.mu.Unlock()
	n, err := strconv.Atoi(m[1])
	if err != nil || n >= len(plan) {
		return nil, fmt.Errorf("plan %q: %w", m[1], err)
	}
	mistake := &plan[n]
	c := &refusedCase{mistake: mistake, keys: sigv4.Credentials{
		AccessKeyID: run.keyID, SecretAccessKey: run.secret, SessionToken: run.token,
	}}
	if mistake.bug != nil {
		signWith(sent, run.secret, mistake.bug, mistake.keyDay)
	}
	if mistake.inside != nil {
		mistake.inside(sent)
	}
	c.shown = sent.Clone()
	if mistake.onWay != nil {
		mistake.onWay(sent)
	}
	for i, server := range b.servers {
		answer, err := sent.To(r.Context(), server)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", mistake.name, err)
		}
		c.statuses[i] = answer.Status
		if i == 0 {
			c.answer, c.long = answer, answer.Body
		} else {
			c.short = answer.Body
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cases[n] = c
	return c, nil
}

// signed takes a request apart for a signer: what stands before the signature, the date, the scope, and the right
// canonical request.
func signed(s *hostile.Sent) (head, date string, scope sigv4.Scope, canonical string) {
	head, _, _ = strings.Cut(s.Header.Get("Authorization"), "Signature=")
	_, names, _ := strings.Cut(head, "SignedHeaders=")
	covered := sigv4.Covered{
		Method: s.Method, Target: s.Target, Host: s.Host, SignedHeaders: strings.Split(strings.TrimRight(names, ", "), ";"),
		Header: s.Header, PayloadHash: sigv4.HashPayload(s.Body),
	}
	date = s.Header.Get("X-Amz-Date")
	return head, date, sigv4.Scope{Day: date[:min(8, len(date))], Region: clientRegion, Service: "es"},
		covered.CanonicalRequest()
}

// signWith signs what a client sends anew, as its signer would with a bug.
func signWith(s *hostile.Sent, secret string, b bug, keyDay int) {
	head, date, scope, canonical := signed(s)
	text := scope.StringToSign(date, b(canonical, s))
	if day, err := time.Parse("20060102", scope.Day); err == nil {
		scope.Day = day.AddDate(0, 0, keyDay).Format("20060102")
	}
	s.Header.Set("Authorization", head+"Signature="+scope.Derive(secret).Sign(text))
}

// asCurl, asArchive and asPaste write an exchange as people have it.
func asCurl(c *refusedCase, answer []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "*   Trying 127.0.0.1:9200...\n> %s %s HTTP/1.1\r\n> Host: %s\r\n", c.shown.Method, c.shown.Target,
		c.shown.Host)
	for name, values := range c.shown.Header {
		for _, v := range values {
			fmt.Fprintf(&b, "> %s: %s\r\n", name, v)
		}
	}
	fmt.Fprintf(&b, "> \r\n< HTTP/1.1 %d\r\n", c.answer.Status)
	for name := range c.answer.Header {
		fmt.Fprintf(&b, "< %s: %s\r\n", name, c.answer.Header.Get(name))
	}
	fmt.Fprintf(&b, "< \r\n%s* Connection #0 to host %s left intact\n", answer, c.shown.Host)
	return b.Bytes()
}

func asArchive(c *refusedCase, answer []byte) []byte {
	headers := func(h http.Header) []map[string]string {
		list := []map[string]string{}
		for name, values := range h {
			for _, v := range values {
				list = append(list, map[string]string{"name": name, "value": v})
			}
		}
		return list
	}
	request := map[string]any{
		"method": c.shown.Method, "url": "http://" + c.shown.Host + c.shown.Target,
		"headers": append(headers(c.shown.Header), map[string]string{"name": "Host", "value": c.shown.Host}),
	}
	if len(c.shown.Body) > 0 {
		request["postData"] = map[string]string{
			"text": base64.StdEncoding.EncodeToString(c.shown.Body), "encoding": "base64",
		}
	}
	text, err := json.Marshal(map[string]any{"log": map[string]any{"version": "1.2", "entries": []any{map[string]any{
		"request": request, "response": map[string]any{
			"status": c.answer.Status, "headers": headers(c.answer.Header),
			"content": map[string]any{"text": string(answer)},
		},
	}}}})
	if err != nil {
		panic(err) // texts
	}
	return text
}

func asPaste(c *refusedCase, answer []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n\n%s %s HTTP/1.1\nHost: %s\n", answer, c.shown.Method, c.shown.Target, c.shown.Host)
	for name, values := range c.shown.Header {
		for _, v := range values {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", c.shown.Body)
	return b.Bytes()
}

// explainDomain starts a domain with the identities of the mistakes, and returns its address.
func explainDomain(t *testing.T, faults string) string {
	t.Helper()
	const role = "arn:aws:iam::123456789012:role/shipper"
	session := func(id, secret, token string, from, until time.Duration) map[string]any {
		return map[string]any{
			"access_key_id": id, "secret": secret, "token": token, "of": role, "name": strings.ToLower(id),
			"issued": time.Now().Add(from), "expires": time.Now().Add(until),
		}
	}
	text, err := json.Marshal(map[string]any{
		"roles": []any{map[string]any{"arn": role}},
		"users": []any{map[string]any{
			"arn":         "arn:aws:iam::123456789012:user/alice",
			"access_keys": []any{map[string]any{"id": "AKIAALICE", "secret": "alice-secret"}},
		}},
		"sessions": []any{
			session("ASIANIGHT", explainSecret, explainToken, -time.Hour, time.Hour),
			session("ASIAEXPIRED", "old-secret", "old-token", -2*time.Hour, -time.Hour),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	identities := filepath.Join(t.TempDir(), "identities.json")
	if err := os.WriteFile(identities, text, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"domain", "--listen", "127.0.0.1:0", "--identities", identities, "--region", clientRegion, "--account",
		"123456789012", "--name", "explained", "--access", "iam=" + role,
	}
	if faults != "" {
		args = append(args, "--fault", faults)
	}
	return strings.TrimPrefix(serve(t, args...), "http://")
}

// refusals runs a client with every mistake that can be made with it.
func (b *bench) refusals(t *testing.T, endpoint string, c *client) ([]*refusedCase, error) {
	t.Helper()
	type group struct {
		run  run
		plan []mistake
	}
	var groups []group
	for _, m := range explainMistakes() {
		if bad := badTargets[c.name]; bad != nil && bad.MatchString(m.target) {
			continue
		}
		r := run{secret: explainSecret, token: explainToken, keyID: "ASIANIGHT", region: clientRegion, service: "es"}
		if m.settings != nil {
			m.settings(&r)
		}
		at := slices.IndexFunc(groups, func(g group) bool { return g.run == r })
		if at < 0 {
			at = len(groups)
			groups = append(groups, group{run: r})
		}
		groups[at].plan = append(groups[at].plan, m)
	}
	for i := range groups {
		if at := &groups[i]; at.run == (run{explainSecret, explainToken, "ASIANIGHT", clientRegion, "es"}) {
			at.plan = append(at.plan, c.ownMistakes(t)...)
		}
	}
	var found []*refusedCase
	for _, g := range groups {
		b.mu.Lock()
		b.plan, b.run, b.cases, b.failed = g.plan, g.run, map[int]*refusedCase{}, nil
		b.mu.Unlock()
		if err := b.runClient(t, endpoint, c); err != nil {
			return nil, err
		}
		b.mu.Lock()
		cases, failed := b.cases, b.failed
		b.mu.Unlock()
		if len(failed) > 0 {
			return nil, errors.New(failed[0])
		}
		for n := range g.plan {
			got := cases[n]
			// A client that does not sign the header is not refused for it.
			if got == nil || got.statuses[0] != http.StatusForbidden {
				continue
			}
			got.client = c.name
			found = append(found, got)
		}
	}
	return found, nil
}

// ownMistakes are requests that the client is known to sign wrongly.
func (c *client) ownMistakes(t *testing.T) (own []mistake) {
	faulty := c.faulty
	if c.name == "curl" {
		curl, err := exec.LookPath("curl")
		if err != nil {
			t.Fatal(err)
		}
		faulty = curlFaults(t, curl)
	}
	for target := range faulty {
		own = append(own, mistake{
			name: "its own: " + target, from: "docs/clients.md", target: target, cause: explain.CausePathEncoding,
		})
	}
	return own
}

// request is the n-th of a plan. Its target has the number, in a parameter that is sorted behind the others.
func (m *mistake) request(n int) map[string]any {
	method, target := m.method, m.target
	if method == "" {
		method = http.MethodGet
	}
	if target == "" {
		target = "/idx/_search"
	}
	sep := "?"
	if strings.Contains(target, "?") {
		sep = "&"
	}
	target += sep + "zz=" + strconv.Itoa(n)
	return map[string]any{"method": method, "target": target, "body": m.body, "headers": m.headers}
}

func (b *bench) runClient(t *testing.T, endpoint string, c *client) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if c.name == "curl" {
		return b.runCurl(ctx, endpoint)
	}
	requests := make([]map[string]any, 0, len(b.plan))
	for n := range b.plan {
		requests = append(requests, b.plan[n].request(n))
	}
	input, err := json.Marshal(map[string]any{
		"endpoint": endpoint, "region": b.run.region, "service": b.run.service, "requests": requests,
	})
	if err != nil {
		return err
	}
	cmd := c.command(t, ctx)
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(without(cmd.Env, "AWS_SESSION_TOKEN"), "AWS_ACCESS_KEY_ID="+b.run.keyID,
		"AWS_SECRET_ACCESS_KEY="+b.run.secret, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_REGION="+b.run.region)
	if b.run.token != "" {
		cmd.Env = append(cmd.Env, "AWS_SESSION_TOKEN="+b.run.token)
	}
	cmd.Stdin, cmd.Stdout = bytes.NewReader(input), io.Discard
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, tail(errs.String(), 10))
	}
	return nil
}

func (b *bench) runCurl(ctx context.Context, endpoint string) error {
	for n := range b.plan {
		r := b.plan[n].request(n)
		args := []string{
			"--silent", "--path-as-is", "--aws-sigv4", "aws:amz:" + b.run.region + ":" + b.run.service,
			"--user", b.run.keyID + ":" + b.run.secret, "--max-time", "20",
		}
		if r["method"] == http.MethodHead {
			args = append(args, "--head")
		} else {
			args = append(args, "-X", fmt.Sprint(r["method"]))
		}
		if b.run.token != "" {
			args = append(args, "-H", "x-amz-security-token: "+b.run.token)
		}
		for name, value := range b.plan[n].headers {
			args = append(args, "-H", name+": "+value)
		}
		if b.plan[n].body != "" {
			args = append(args, "-H", "Content-Type: application/json", "--data-binary", b.plan[n].body)
		}
		if out, err := exec.CommandContext(ctx, "curl",
			append(args, endpoint+fmt.Sprint(r["target"]))...).Output(); err != nil {
			return fmt.Errorf("curl: %w: %s", err, out)
		}
	}
	return nil
}
