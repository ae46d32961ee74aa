package test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/realtest"
)

// The packages of the clients, pinned.
var (
	pythonClients = []string{
		"botocore==1.44.5", "boto3==1.44.5", "requests==2.32.5", "requests-aws4auth==1.4.0", "awscurl==0.44",
		"opensearch-py==3.2.0",
	}
	nodeClients = []string{
		"aws4@1.13.2", "@opensearch-project/opensearch@3.5.1", "@aws-sdk/credential-provider-node@3.930.0",
	}
)

// clientRequest is one request that every client is asked to send.
type clientRequest struct {
	Method string `json:"method"`
	Target string `json:"target"`
	Body   string `json:"body"`
}

type clientAnswer struct {
	Status int    `json:"status"`
	Body   string `json:"body"`
}

// clientRequests are written as a careful caller writes them. Signers differ where a target can be written in several
// ways.
var clientRequests = []clientRequest{
	{"GET", "/", ""},
	{
		Method: "POST",
		Target: "/_bulk?refresh=true",
		Body: `{"index":{"_index":"idx","_id":"a/b"}}` + "\n" + `{"n":1,"t":"ü"}` + "\n" +
			`{"index":{"_index":"idx2","_id":"ü 1"}}` + "\n" + `{"n":2}` + "\n",
	},
	{"GET", "/idx/_doc/a%2Fb", ""},
	{"GET", "/idx2/_doc/%C3%BC%201", ""},
	{"GET", "/idx*/_search?q=n:1", ""},
	{"GET", "/idx,idx2/_search?size=1", ""},
	{"POST", "/idx/_search?size=5", `{"query":{"match":{"t":"ü"}}}`},
	{"GET", "/idx/_search?q=n%3A1%20OR%20n%3A2&size=5", ""},
	{"GET", "/idx/_search?size=5&q=n%3A%2B1", ""},
	{"GET", "/%3Cidx-%7Bnow%2Fd%7D%3E/_search?ignore_unavailable=true", ""},
	{"GET", "/_cat/indices?v", ""},
	{"HEAD", "/idx", ""},
	{"DELETE", "/idx/_doc/a%2Fb", ""},
}

// client is a program that signs.
type client struct {
	name string
	// command prepares a run of it.
	command func(t *testing.T, ctx context.Context) *exec.Cmd
	// faulty are targets that it signs wrongly, with what it does.
	faulty map[string]string
}

func clients(t *testing.T) []client {
	t.Helper()
	python := func(name string) func(*testing.T, context.Context) *exec.Cmd {
		return func(t *testing.T, ctx context.Context) *exec.Cmd {
			return exec.CommandContext(ctx, realtest.Python(t, pythonClients...), filepath.Join("clients", "clients.py"), name)
		}
	}
	node := func(name string) func(*testing.T, context.Context) *exec.Cmd {
		return func(t *testing.T, ctx context.Context) *exec.Cmd {
			script, err := filepath.Abs(filepath.Join("clients", "clients.js"))
			if err != nil {
				t.Fatal(err)
			}
			return realtest.NodeWith(t, nodeClients...).Command(ctx, script, name)
		}
	}
	const (
		twice = "encodes an encoded query once more before it signs it"
		plus  = "signs the plus that it sends for a space in the query as a plus"
	)
	program := goClients(t)
	golang := func(name string) func(*testing.T, context.Context) *exec.Cmd {
		return func(_ *testing.T, ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, program, name) }
	}
	return []client{
		{name: "aws-sdk-go-v2", command: golang("aws-sdk-go-v2")},
		{name: "opensearch-go", command: golang("opensearch-go")},
		{name: "opensearch-go with sigv4.RequestSigner", command: golang("opensearch-go with sigv4.RequestSigner")},
		{name: "opensearch-go with sigv4.Transport", command: golang("opensearch-go with sigv4.Transport")},
		{name: "go-elasticsearch with sigv4.Transport", command: golang("go-elasticsearch with sigv4.Transport")},
		{name: "net/http with sigv4.Transport", command: golang("net/http with sigv4.Transport")},
		{name: "botocore", command: python("botocore"), faulty: map[string]string{
			"/idx*/_search?q=n:1": "does not encode a query that is a part of the URL",
		}},
		{name: "requests-aws4auth", command: python("requests-aws4auth")},
		{name: "awscurl", command: python("awscurl"), faulty: map[string]string{
			"/idx/_search?q=n%3A1%20OR%20n%3A2&size=5": twice, "/idx/_search?size=5&q=n%3A%2B1": twice,
		}},
		{
			name:    "opensearch-py/urllib3",
			command: python("opensearch-py/urllib3"),
			faulty:  map[string]string{"/idx/_search?q=n%3A1%20OR%20n%3A2&size=5": plus},
		},
		{
			name:    "opensearch-py/requests",
			command: python("opensearch-py/requests"),
			faulty:  map[string]string{"/idx/_search?q=n%3A1%20OR%20n%3A2&size=5": plus},
		},
		{name: "aws4", command: node("aws4")},
		{name: "opensearch-js", command: node("opensearch-js")},
	}
}

// goClients builds the Go clients, which are a module of their own.
func goClients(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "clients")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = "clients"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the Go clients: %v\n%s", err, out)
	}
	return program
}

// situation is who signs, and how.
type situation struct {
	name   string
	env    []string
	region string
	// refusal is in every answer, and empty when the requests are allowed.
	refusal string
}

const clientRegion = "eu-west-1"

func key(id, secret, token string) []string {
	return []string{"AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_SESSION_TOKEN=" + token}
}

var situations = []situation{
	{"a user", key("AKIAALICE", "alice-secret", ""), clientRegion, ""},
	{"a role's session", key("ASIANIGHT", "night-secret", "night-token"), clientRegion, ""},
	{
		name:    "a wrong secret",
		env:     key("AKIAALICE", "another-secret", ""),
		region:  clientRegion,
		refusal: "The request signature we calculated does not match the signature you provided",
	},
	{
		name:    "an unknown key",
		env:     key("AKIAUNKNOWN", "secret", ""),
		region:  clientRegion,
		refusal: "The security token included in the request is invalid",
	},
	{
		name:    "a wrong token",
		env:     key("ASIANIGHT", "night-secret", "day-token"),
		region:  clientRegion,
		refusal: "The security token included in the request is invalid",
	},
	{
		name:    "an expired session",
		env:     key("ASIAEXPIRED", "old-secret", "old-token"),
		region:  clientRegion,
		refusal: "The security token included in the request is expired",
	},
	{"another region", key("AKIAALICE", "alice-secret", ""), "us-east-1", "Credential should be scoped to a valid region"},
	{
		name:    "a user whom no policy names",
		env:     key("AKIABOB", "bob-secret", ""),
		region:  clientRegion,
		refusal: "is not authorized to perform: es:ESHttp",
	},
}

// clientDomain starts a domain that admits a user and a role.
func clientDomain(t *testing.T, engine string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := json.Marshal(map[string]any{
		"users": []any{
			map[string]any{
				"arn":         "arn:aws:iam::123456789012:user/alice",
				"access_keys": []any{map[string]any{"id": "AKIAALICE", "secret": "alice-secret"}},
			},
			map[string]any{
				"arn":         "arn:aws:iam::123456789012:user/bob",
				"access_keys": []any{map[string]any{"id": "AKIABOB", "secret": "bob-secret"}},
			},
		},
		"roles": []any{map[string]any{"arn": "arn:aws:iam::123456789012:role/shipper"}},
		"sessions": []any{
			map[string]any{
				"access_key_id": "ASIANIGHT", "secret": "night-secret", "token": "night-token",
				"of":   "arn:aws:iam::123456789012:role/shipper",
				"name": "night", "issued": time.Now().Add(-time.Hour), "expires": time.Now().Add(time.Hour),
			},
			map[string]any{
				"access_key_id": "ASIAEXPIRED", "secret": "old-secret", "token": "old-token",
				"of":   "arn:aws:iam::123456789012:role/shipper",
				"name": "old", "issued": time.Now().Add(-2 * time.Hour), "expires": time.Now().Add(-time.Hour),
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	identities := filepath.Join(dir, "identities.json")
	if err := os.WriteFile(identities, text, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"domain", "--listen", "127.0.0.1:0", "--identities", identities, "--region", clientRegion, "--account",
		"123456789012", "--name", "clients",
		"--access", "iam=arn:aws:iam::123456789012:user/alice,arn:aws:iam::123456789012:role/shipper", "--compat", "2022",
	}
	if engine != "" {
		args = append(args, "--engine", engine)
	}
	return serve(t, args...)
}

// send runs a client once for all requests.
func (c *client) send(t *testing.T, endpoint string, s situation) []clientAnswer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := c.command(t, ctx)
	input, err := json.Marshal(map[string]any{"endpoint": endpoint, "region": s.region, "requests": clientRequests})
	if err != nil {
		t.Fatal(err)
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env,
		append(s.env, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
			"AWS_REGION="+s.region)...)
	if s.env[2] == "AWS_SESSION_TOKEN=" {
		cmd.Env = without(cmd.Env, "AWS_SESSION_TOKEN")
	}
	cmd.Stdin = bytes.NewReader(input)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", c.name, err, tail(errs.String(), 20))
	}
	var answers []clientAnswer
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(clientRequests) {
		t.Fatalf("%s: %d answers, %v: %.500s", c.name, len(answers), err, out)
	}
	return answers
}

func without(env []string, name string) (out []string) {
	for _, kv := range env {
		if !strings.HasPrefix(kv, name+"=") {
			out = append(out, kv)
		}
	}
	return out
}

func TestRealClientsAreAdmittedAndRefused(t *testing.T) {
	t.Parallel()
	testClients(t, clientDomain(t, ""))
}

func TestRealClientsReachARealOpenSearch(t *testing.T) {
	t.Parallel()
	node := realtest.StartOpenSearch(t, "2.19.1")
	testClients(t, clientDomain(t, node.URL))
}

func testClients(t *testing.T, endpoint string) {
	t.Helper()
	for _, c := range clients(t) {
		t.Run(strings.ReplaceAll(c.name, "/", "-"), func(t *testing.T) {
			for _, s := range situations {
				answers := c.send(t, endpoint, s)
				for i, r := range clientRequests {
					if why := c.check(r, answers[i], s); why != "" {
						t.Errorf("%s, %s: %s %s: %s", c.name, s.name, r.Method, r.Target, why)
					}
				}
			}
		})
	}
}

// check says what is wrong with an answer, or nothing.
func (c *client) check(r clientRequest, a clientAnswer, s situation) string {
	if fault, ok := c.faulty[r.Target]; ok {
		// The signature is not one of what was sent, so it is refused whoever signs.
		if a.Status != 403 {
			return fmt.Sprintf("%d, want 403, as this client %s", a.Status, fault)
		}
		return ""
	}
	switch {
	case s.refusal == "" && (a.Status == 403 || a.Status == 0 || a.Status >= 500 && a.Status != 501):
		return fmt.Sprintf("%d: %.300s", a.Status, a.Body)
	case s.refusal == "":
		return ""
	case a.Status != 403:
		return fmt.Sprintf("%d, want 403: %.300s", a.Status, a.Body)
	case r.Method != http.MethodHead && !strings.Contains(a.Body, s.refusal):
		return fmt.Sprintf("403 without %q: %.300s", s.refusal, a.Body)
	}
	return ""
}

// curl has no script: it is a command line.
func TestCurlIsAdmittedAndRefused(t *testing.T) {
	t.Parallel()
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	if out, err := exec.Command(curl, "--help", "all").Output(); err != nil ||
		!bytes.Contains(out, []byte("--aws-sigv4")) {
		t.Skip("this curl does not know --aws-sigv4")
	}
	endpoint := clientDomain(t, "")
	for _, s := range situations {
		for _, r := range clientRequests {
			args := []string{
				"--silent", "--path-as-is", "--output", "-", "--write-out", "\n%{http_code}", "--aws-sigv4",
				"aws:amz:" + s.region + ":es",
			}
			value := func(i int) string { _, v, _ := strings.Cut(s.env[i], "="); return v }
			args = append(args, "--user", value(0)+":"+value(1))
			if token := value(2); token != "" {
				args = append(args, "-H", "x-amz-security-token: "+token)
			}
			if r.Method == http.MethodHead {
				args = append(args, "--head")
			} else {
				args = append(args, "-X", r.Method)
			}
			if r.Body != "" {
				args = append(args, "-H", "Content-Type: application/json", "--data-binary", r.Body)
			}
			out, err := exec.CommandContext(t.Context(), curl, append(args, endpoint+r.Target)...).Output()
			if err != nil {
				t.Fatalf("curl %s: %v", r.Target, err)
			}
			// The body, then the status on a line of its own.
			end := strings.LastIndex(string(out), "\n")
			a := clientAnswer{Body: string(out[:end])}
			if a.Status, err = strconv.Atoi(string(out[end+1:])); err != nil {
				t.Fatalf("curl %s: %v", r.Target, err)
			}
			c := client{name: "curl", faulty: curlFaults(t, curl)}
			if why := c.check(r, a, s); why != "" {
				t.Errorf("curl, %s: %s %s: %s", s.name, r.Method, r.Target, why)
			}
		}
	}
	out, err := exec.Command(curl, "--silent", endpoint+"/").Output()
	if err != nil || !strings.Contains(string(out), "User: anonymous is not authorized to perform: es:ESHttpGet") {
		t.Errorf("anonymous: %v: %s", err, out)
	}
}

// curlFaults are what releases before 8.3 sign wrongly (curl issues 8107, 9717).
func curlFaults(t *testing.T, curl string) map[string]string {
	t.Helper()
	out, err := exec.Command(curl, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(out), "curl %d.%d", &major, &minor); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if major > 8 || major == 8 && minor >= 3 {
		return nil
	}
	const path, query = "does not encode the path of the URL once more", "neither sorts nor completes the query"
	return map[string]string{
		"/idx/_doc/a%2Fb": path, "/idx2/_doc/%C3%BC%201": path, "/idx*/_search?q=n:1": path, "/idx,idx2/_search?size=1": path,
		"/%3Cidx-%7Bnow%2Fd%7D%3E/_search?ignore_unavailable=true": path,
		"/idx/_search?size=5&q=n%3A%2B1":                           query, "/_cat/indices?v": query,
	}
}

// A real SDK gets sessions from the domain's own STS when the endpoint of STS is set to it.
func TestAnSDKAssumesARoleOfTheLocalDomain(t *testing.T) {
	t.Parallel()
	endpoint := clientDomain(t, "")
	cmd := exec.CommandContext(t.Context(), realtest.Python(t, pythonClients...), filepath.Join("clients", "sts.py"),
		endpoint, clientRegion, "arn:aws:iam::123456789012:role/shipper")
	cmd.Env = append(without(os.Environ(), "AWS_SESSION_TOKEN"), "AWS_ENDPOINT_URL_STS="+endpoint,
		"AWS_ACCESS_KEY_ID=AKIABOB", "AWS_SECRET_ACCESS_KEY=bob-secret",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(errs.String(), 20))
	}
	type result struct {
		Caller, Assumed, Refused string
		Status, Narrow           int
	}
	var got result
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	// The access policy names the role, so a session policy without GET takes it away.
	want := result{
		Caller: "arn:aws:iam::123456789012:user/bob", Assumed: "arn:aws:sts::123456789012:assumed-role/shipper/night",
		Refused: "AccessDenied",
		Status:  200, Narrow: 403,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
