package doctor_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/engine"
	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/fault"
	"github.com/seed56735111/penstock/guard/identity"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/sigv4"
)

const (
	account   = "123456789012"
	region    = "eu-west-1"
	domainARN = "arn:aws:es:eu-west-1:123456789012:domain/logs"
	graceARN  = "arn:aws:iam::123456789012:user/grace"
)

// identities are who may sign: a user, one who has only what a boundary leaves, one of another account, and a session.
const identities = `{
 "users": [
  {"arn": "arn:aws:iam::123456789012:user/grace", "access_keys": [{"id": "AKIAGRACE", "secret": "secret-grace"}]},
  {"arn": "arn:aws:iam::123456789012:user/bound", "access_keys": [{"id": "AKIABOUND", "secret": "secret-bound"}],
   "policies": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "es:*", "Resource": "*"}]}],
   "boundary": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}},
  {"arn": "arn:aws:iam::210987654321:user/other", "access_keys": [{"id": "AKIAOTHER", "secret": "secret-other"}],
   "policies": [{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "es:*", "Resource": "*"}]}]}
 ],
 "roles": [{"arn": "arn:aws:iam::123456789012:role/shipper"}],
 "sessions": [
  {"access_key_id": "ASIASHIPPER", "secret": "secret-shipper", "token": "token-shipper", "name": "night",
   "of": "arn:aws:iam::123456789012:role/shipper", "issued": "2026-01-01T00:00:00Z", "expires": "2126-01-01T00:00:00Z"},
  {"access_key_id": "ASIAPAST", "secret": "secret-past", "token": "token-past", "name": "night",
   "of": "arn:aws:iam::123456789012:role/shipper", "issued": "2026-01-01T00:00:00Z", "expires": "2026-01-01T01:00:00Z"}
 ]
}`

func grace() sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: "AKIAGRACE", SecretAccessKey: "secret-grace"}
}

func shipper() sigv4.Credentials {
	return sigv4.Credentials{AccessKeyID: "ASIASHIPPER", SecretAccessKey: "secret-shipper", SessionToken: "token-shipper"}
}

// allows is an access policy with one statement.
func allows(principal, action, resource string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%q},"Action":%q,`+
		`"Resource":%q}]}`, principal, action, resource)
}

// world is a domain, the services of AWS around it, and a caller. What is planted in it is set before it is made.
type world struct {
	// policy is the access policy, in a file that is read again when it changes.
	policy string
	faults string
	// alter is what a hop on the way does to requests.
	alter func(*http.Request)
	// behind stands behind the gate; nil is the embedded engine.
	behind http.Handler
	// instead answers in place of the domain.
	instead func(*world) http.Handler
	// secure serves TLS, with a certificate for example.com and 127.0.0.1.
	secure bool
	caller sigv4.Credentials
	aws    standIn
	// set changes the walk's configuration at last.
	set func(*doctor.Config)

	policyFile string
}

// open makes the world, and the walk through it.
func (w *world) open(t *testing.T) doctor.Config {
	t.Helper()
	dir := t.TempDir()
	w.policyFile = filepath.Join(dir, "policy.json")
	if w.policy == "" {
		w.policy = allows(graceARN, "es:*", domainARN+"/*")
	}
	write(t, w.policyFile, w.policy)
	var handler http.Handler
	if w.instead != nil {
		handler = w.instead(w)
	} else {
		handler = w.guarded(t, dir)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	address := server.URL
	if w.alter != nil {
		hop := httptest.NewServer(hostile.Hop(server.URL, w.alter))
		t.Cleanup(hop.Close)
		address = hop.URL
	}
	if w.secure {
		tls := httptest.NewUnstartedServer(handler)
		tls.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are what is planted
		tls.StartTLS()
		t.Cleanup(tls.Close)
		address = tls.URL
	}
	w.aws.policyFile, w.aws.mu = w.policyFile, new(sync.Mutex)
	services := httptest.NewServer(&w.aws)
	t.Cleanup(services.Close)
	if w.caller.AccessKeyID == "" {
		w.caller = grace()
	}
	cfg := doctor.Config{
		URL: address, Region: region, Credentials: sigv4.Static(w.caller), DomainARN: domainARN,
		Resolve:  func(context.Context, string) ([]netip.Addr, error) { t.Error("a name is looked up"); return nil, nil },
		Dial:     loopbackOnly(t),
		Endpoint: func(string) string { return services.URL },
	}
	if w.set != nil {
		w.set(&cfg)
	}
	return cfg
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// loopbackOnly dials, and fails a test that wants to leave this machine.
func loopbackOnly(t *testing.T) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if a, err := netip.ParseAddrPort(addr); err != nil || !a.Addr().IsLoopback() {
			t.Errorf("a connection to %s", addr)
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.ErrDeadlineExceeded}
		}
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// guarded is what penstock domain is: the gate, with the policy in a file, in front of an engine.
func (w *world) guarded(t *testing.T, dir string) http.Handler {
	t.Helper()
	name := filepath.Join(dir, "identities.json")
	write(t, name, identities)
	ids, err := identity.Load(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := guard.OpenPolicyFile(w.policyFile, iam.ParseResource, nil)
	if err != nil {
		t.Fatal(err)
	}
	faults, err := fault.Parse(w.faults)
	if err != nil {
		t.Fatal(err)
	}
	backend := w.behind
	if backend == nil {
		e, err := engine.Open(engine.Config{ClusterName: account + ":logs"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		backend = e
	}
	g, err := guard.New(guard.Config{
		Backend: backend, Account: account, Region: region, Name: "logs", Policy: policy.Policy, Identities: ids,
		Faults: faults,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// engineSays is an engine whose answers are given by their path, with the status before a space. What is not there is
// 404.
func engineSays(answers map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		text, ok := answers[r.Method+" "+r.URL.Path]
		if !ok {
			text = `404 {"error":{"type":"x","reason":"there is no such thing"},"status":404}`
		}
		head, body, _ := strings.Cut(text, " ")
		status, err := strconv.Atoi(head)
		if err != nil {
			panic(err)
		}
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="OpenSearch Security"`)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// engineWith is an engine that is well but for the answers that are given.
func engineWith(answers map[string]string) http.Handler {
	all := map[string]string{
		"GET /": `200 {"cluster_name":"123456789012:logs",` +
			`"version":{"number":"2.19.1","distribution":"opensearch"}}`,
		"POST /_bulk":            `400 {"error":{"type":"parse_exception","reason":"request body is required"},"status":400}`,
		"GET /_cluster/health":   `200 {"number_of_data_nodes":1,"active_shards":3,"unassigned_shards":3}`,
		"GET /_cluster/settings": `200 {"persistent":{},"transient":{}}`,
		"GET /_cat/allocation":   `200 [{"node":"n1","disk.percent":"40"}]`,
		"GET /_plugins/_security/authinfo": `200 {"user_name":"` + graceARN +
			`","roles":["own_index","writer"],"backend_roles":[]}`,
	}
	maps.Copy(all, answers)
	return engineSays(all)
}

// standIn plays the services of AWS that a walk asks, as far as it asks them. Its policy is the domain's file.
type standIn struct {
	mu         *sync.Mutex
	policyFile string
	// denied are the calls that are refused, by the name of their permission.
	denied map[string]bool
	// simulation is the result of IAM's simulation, as XML; empty does not allow and knows of no limit.
	simulation string
	// visibility and timeout are those of the queue and the function, in seconds.
	visibility, timeout int
	logLine             string
	// principals are in the data access policy of the collection.
	principals []string
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	form, _ := url.ParseQuery(string(body)) // a body of another kind has no Action
	call := r.Header.Get("X-Amz-Target")
	switch {
	case form.Get("Action") != "":
		call = map[string]string{"GetCallerIdentity": "sts:", "SimulatePrincipalPolicy": "iam:"}[form.Get("Action")] +
			form.Get("Action")
	case strings.HasPrefix(r.URL.Path, "/2021-01-01/opensearch/domain/logs/config"):
		call = "es:DescribeDomainConfig"
	case strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/"):
		call = "lambda:GetFunctionConfiguration"
	default:
		_, name, _ := strings.Cut(call, ".")
		call = map[string]string{"AmazonSQS": "sqs:", "Logs_20140328": "logs:", "OpenSearchServerless": "aoss:"}[strings.
			SplitN(call, ".", 2)[0]] + name
	}
	if s.denied[call] {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `{"message":"User: %s is not authorized to perform: %s"}`, graceARN, call)
		return
	}
	s.answer(w, r, call)
}

func (s *standIn) answer(w http.ResponseWriter, r *http.Request, call string) {
	switch call {
	case "sts:GetCallerIdentity":
		_, _ = fmt.Fprintf(w, "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>%s</Arn>"+
			"</GetCallerIdentityResult></GetCallerIdentityResponse>", callerOf(r))
	case "iam:SimulatePrincipalPolicy":
		result := s.simulation
		if result == "" {
			result = "<EvalDecision>implicitDeny</EvalDecision>"
		}
		_, _ = fmt.Fprintf(w, "<R><SimulatePrincipalPolicyResult><EvaluationResults><member>%s</member>"+
			"</EvaluationResults></SimulatePrincipalPolicyResult></R>", result)
	case "es:DescribeDomainConfig":
		text, err := os.ReadFile(s.policyFile)
		if err != nil {
			panic(err)
		}
		out := map[string]any{"DomainConfig": map[string]any{"AccessPolicies": map[string]string{"Options": string(text)}}}
		_ = json.NewEncoder(w).Encode(out)
	case "lambda:GetFunctionConfiguration":
		_, _ = fmt.Fprintf(w, `{"FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:ship","Timeout":%d,`+
			`"MemorySize":256}`, s.timeout)
	case "logs:FilterLogEvents":
		events := []map[string]string{}
		if s.logLine != "" {
			events = append(events, map[string]string{"message": s.logLine})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"events": events})
	case "sqs:GetQueueAttributes":
		_, _ = fmt.Fprintf(w, `{"Attributes":{"VisibilityTimeout":"%d"}}`, s.visibility)
	case "aoss:BatchGetCollection":
		_, _ = io.WriteString(w, `{"collectionDetails":[{"name":"logs"}]}`)
	case "aoss:ListAccessPolicies":
		_, _ = io.WriteString(w, `{"accessPolicySummaries":[{"name":"first"}]}`)
	case "aoss:GetAccessPolicy":
		out := map[string]any{"accessPolicyDetail": map[string]any{
			"policy": []map[string]any{{"Principal": s.principals}},
		}}
		_ = json.NewEncoder(w).Encode(out)
	default:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type":"UnknownOperationException","message":"%s"}`, call)
	}
}

// callerOf is the principal of the access key in a signature. The stand-in takes any signature.
func callerOf(r *http.Request) string {
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ = strings.Cut(key, "/")
	arn := map[string]string{
		"AKIAGRACE": graceARN, "AKIABOUND": "arn:aws:iam::123456789012:user/bound",
		"AKIAOTHER":   "arn:aws:iam::210987654321:user/other",
		"ASIASHIPPER": "arn:aws:sts::123456789012:assumed-role/shipper/night",
	}[key]
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(arn))
	return text.String()
}

// apply carries out the command or the statement of a fix, to the letter.
func (w *world) apply(t *testing.T, cfg doctor.Config, fix string) {
	t.Helper()
	if _, statement, ok := strings.Cut(fix, "add this statement to the access policy of logs: "); ok {
		var p struct {
			Version   string
			Statement []json.RawMessage
		}
		if err := json.Unmarshal([]byte(w.policy), &p); err != nil {
			t.Fatal(err)
		}
		p.Statement = append(p.Statement, json.RawMessage(statement))
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		w.change(t, string(text))
		return
	}
	words := shellWords(t, fix)
	option := func(name string) string {
		for i, word := range words {
			if word == name && i+1 < len(words) {
				return words[i+1]
			}
		}
		t.Fatalf("%s is not in: %s", name, fix)
		return ""
	}
	w.aws.mu.Lock()
	defer w.aws.mu.Unlock()
	switch strings.Join(words[:min(3, len(words))], " ") {
	case "aws opensearch update-domain-config":
		if option("--domain-name") != "logs" {
			t.Fatalf("another domain: %s", fix)
		}
		w.change(t, option("--access-policies"))
	case "aws sqs set-queue-attributes":
		n, err := strconv.Atoi(strings.TrimPrefix(option("--attributes"), "VisibilityTimeout="))
		if err != nil || option("--queue-url") != cfg.Queue {
			t.Fatal(fix, err)
		}
		w.aws.visibility = n
	case "aws lambda update-function-configuration":
		n, err := strconv.Atoi(option("--timeout"))
		if err != nil || option("--function-name") != cfg.Function {
			t.Fatal(fix, err)
		}
		w.aws.timeout, w.aws.logLine = n, ""
	case "aws opensearchserverless create-access-policy":
		var policy []struct{ Principal []string }
		if err := json.Unmarshal([]byte(option("--policy")), &policy); err != nil || option("--type") != "data" {
			t.Fatal(fix, err)
		}
		w.aws.principals = append(w.aws.principals, policy[0].Principal...)
	default:
		t.Fatalf("this is no command: %s", fix)
	}
}

// change writes the policy that comes into force within a second.
func (w *world) change(t *testing.T, policy string) {
	t.Helper()
	if _, err := iam.ParseResource([]byte(policy)); err != nil {
		t.Fatalf("the service would not take %s: %v", policy, err)
	}
	write(t, w.policyFile, policy)
	time.Sleep(1200 * time.Millisecond) // the time within which the file is read again
}

// shellWords parts a command as a shell does, as far as single quotes go.
func shellWords(t *testing.T, command string) []string {
	t.Helper()
	var words []string
	var b strings.Builder
	quoted, started := false, false
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == '\'':
			quoted, started = !quoted, true
		case c == '\\' && !quoted && i+1 < len(command):
			i++
			b.WriteByte(command[i])
		case c == ' ' && !quoted:
			if started {
				words = append(words, b.String())
			}
			b.Reset()
			started = false
		default:
			b.WriteByte(c)
			started = true
		}
	}
	if quoted {
		t.Fatalf("a quote is not closed: %s", command)
	}
	if started {
		words = append(words, b.String())
	}
	return words
}
