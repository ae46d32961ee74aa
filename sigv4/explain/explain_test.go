package explain_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/sigv4/explain"
)

var keys = sigv4.Credentials{
	AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI",
	SessionToken: "session-words",
}

// sent is a request as the client shows it, and as it arrives.
type sent struct {
	method, target, host string
	header               http.Header
	body                 string
}

func (s *sent) clone() *sent {
	c := *s
	c.header = s.header.Clone()
	return &c
}

// signed is a request that is signed rightly.
func signed(t *testing.T, method, target, body string) *sent {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://search-logs-abc.eu-west-1.es.amazonaws.com"+target,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "test/1.0")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Length", fmt.Sprint(len(body)))
	}
	signer := &sigv4.Signer{Region: "eu-west-1", Service: "es"}
	if err := signer.Sign(r, keys, sigv4.HashPayload([]byte(body)), time.Now()); err != nil {
		t.Fatal(err)
	}
	return &sent{method: method, target: target, host: r.Host, header: r.Header, body: body}
}

// resigned signs a request anew over a canonical request that alter has changed.
func (s *sent) resigned(secret string, alter func(canonical string) string) *sent {
	c := s.clone()
	_, names, _ := strings.Cut(c.header.Get("Authorization"), "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	covered := sigv4.Covered{
		Method: c.method, Target: c.target, Host: c.host, SignedHeaders: strings.Split(names, ";"), Header: c.header,
		PayloadHash: sigv4.HashPayload([]byte(c.body)),
	}
	date := c.header.Get("X-Amz-Date")
	scope := sigv4.Scope{Day: date[:8], Region: "eu-west-1", Service: "es"}
	text := scope.StringToSign(date, alter(covered.CanonicalRequest()))
	head, _, _ := strings.Cut(c.header.Get("Authorization"), "Signature=")
	c.header.Set("Authorization", head+"Signature="+scope.Derive(secret).Sign(text))
	return c
}

// refusal is what a domain answers to a request as it arrives.
func refusal(t *testing.T, s *sent, short bool) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), s.method, "/", strings.NewReader(s.body))
	r.RequestURI, r.Host, r.Header = s.target, s.host, s.header.Clone()
	v := &sigv4.Verifier{
		Region: "eu-west-1", Service: "es", ShortForm: short,
		Lookup: func(context.Context, string) (sigv4.Credentials, error) { return keys, nil },
	}
	_, err := v.Verify(r)
	refused, ok := errors.AsType[*sigv4.AuthError](err)
	if !ok {
		t.Fatalf("%s %s: not refused: %v", s.method, s.target, err)
	}
	return string(refused.JSON())
}

// The forms in which people have a refused request.
var forms = map[string]func(s *sent, answer string) string{
	"curl -v": func(s *sent, answer string) string {
		var b strings.Builder
		fmt.Fprintf(&b,
			"*   Trying 10.0.0.1:443...\n* Connected to %s (10.0.0.1) port 443\n> %s %s HTTP/1.1\r\n> Host: %s\r\n",
			s.host, s.method, s.target, s.host)
		for name := range s.header {
			fmt.Fprintf(&b, "> %s: %s\r\n", name, s.header.Get(name))
		}
		fmt.Fprintf(&b, "> \r\n* upload completely sent off: %d bytes\n< HTTP/1.1 403 Forbidden\r\n"+
			"< Content-Type: application/json\r\n< \r\n%s* Connection #0 to host x left intact\n", len(s.body), answer)
		return b.String()
	},
	"archive": func(s *sent, answer string) string {
		type nv struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		}
		headers := []nv{{"Host", s.host}}
		for name := range s.header {
			headers = append(headers, nv{name, s.header.Get(name)})
		}
		request := map[string]any{"method": s.method, "url": "https://" + s.host + s.target, "headers": headers}
		if s.body != "" {
			request["postData"] = map[string]any{"mimeType": "application/json", "text": s.body}
		}
		text, _ := json.Marshal(map[string]any{"log": map[string]any{"entries": []any{
			map[string]any{
				"request":  map[string]any{"method": "GET", "url": "https://x/"},
				"response": map[string]any{"status": 200},
			},
			map[string]any{"request": request, "response": map[string]any{
				"status": 403, "headers": []nv{}, "content": map[string]any{"text": answer},
			}},
		}}})
		return string(text)
	},
	"pasted": func(s *sent, answer string) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%s\n\n%s %s HTTP/1.1\nHost: %s\n", answer, s.method, s.target, s.host)
		for name := range s.header {
			fmt.Fprintf(&b, "%s: %s\n", name, s.header.Get(name))
		}
		if s.body != "" {
			b.WriteString("\n" + s.body + "\n")
		}
		return b.String()
	},
	"pasted text": func(s *sent, answer string) string {
		var body struct{ Message string }
		_ = json.Unmarshal([]byte(answer), &body)
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s\nHost: %s\n", s.method, s.target, s.host)
		for name := range s.header {
			fmt.Fprintf(&b, "%s: %s\n", name, s.header.Get(name))
		}
		return b.String() + "\nHTTP/1.1 403 Forbidden\n\n" + body.Message
	},
}

// mistake is made in the client, or on the way.
type mistake struct {
	name   string
	shown  func(t *testing.T) *sent
	onWay  func(s *sent)
	cause  string
	line   string
	proves bool // needs the secret key to be told
	long   bool // needs the long form to be told
}

func mistakes() []mistake {
	plain := func(t *testing.T) *sent { return signed(t, "POST", "/logs/_search?size=1", `{"size":1}`) }
	client := func(method, target, body string, alter func(string) string) func(*testing.T) *sent {
		return func(t *testing.T) *sent { return signed(t, method, target, body).resigned(keys.SecretAccessKey, alter) }
	}
	replaced := func(old, with string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, with, 1) }
	}
	return []mistake{
		{
			name: "path encoded once", shown: client("GET", "/a%2Fb", "", replaced("%252F", "%2F")), cause: "path-encoding",
			line: "path", proves: true,
		},
		{
			name: "star not encoded", shown: client("GET", "/logs-*/_search", "", replaced("%2A", "*")),
			cause: "path-encoding", line: "path", proves: true,
		},
		{
			name: "query not sorted", shown: client("GET", "/_search?size=1&q=a", "", replaced("q=a&size=1", "size=1&q=a")),
			cause: "path-encoding", line: "query", proves: true,
		},
		{name: "query as the body", shown: client("POST", "/x/_refresh?a=b", "", func(s string) string {
			s = strings.Replace(s, "\na=b\n", "\n\n", 1)
			return strings.Replace(s, "\n"+sigv4.EmptyPayloadHash, "\n"+sigv4.HashPayload([]byte("a=b")), 1)
		}), cause: "path-encoding", line: "query", proves: true},
		{
			name:  "host of a tunnel",
			shown: client("GET", "/", "", replaced("host:search-logs-abc.eu-west-1.es.amazonaws.com", "host:localhost:9200")),
			cause: "header-changed", line: "header host", proves: true,
		},
		{name: "empty body signed", shown: client("POST", "/x", `{"a":1}`, func(s string) string {
			i := strings.LastIndexByte(s, '\n')
			return s[:i+1] + sigv4.EmptyPayloadHash
		}), cause: "body-changed", line: "payload hash", proves: true},
		{name: "a line end in the secret", shown: func(t *testing.T) *sent {
			return signed(t, "GET", "/", "").resigned(keys.SecretAccessKey+"\n", func(s string) string { return s })
		}, cause: "secret-wrong", proves: true},
		{
			name:  "path decoded on the way",
			shown: func(t *testing.T) *sent { return signed(t, "GET", "/idx/_doc/a%2Fb", "") },
			onWay: func(s *sent) { s.target = "/idx/_doc/a/b" }, cause: "path-encoding", line: "path", long: true,
		},
		{
			name: "prefix taken off", shown: func(t *testing.T) *sent { return signed(t, "GET", "/es/idx", "") },
			onWay: func(s *sent) { s.target = "/idx" }, cause: "proxy-in-between", line: "path", long: true,
		},
		{
			name: "host set on the way", shown: plain, onWay: func(s *sent) { s.host = "proxy.internal" },
			cause: "header-changed", line: "header host", long: true,
		},
		{
			name: "charset added", shown: plain,
			onWay: func(s *sent) { s.header.Set("Content-Type", "application/json; charset=utf-8") }, cause: "header-changed",
			line: "header content-type", long: true,
		},
		{
			name: "token cut", shown: plain, onWay: func(s *sent) { s.header.Set("X-Amz-Security-Token", "session") },
			cause: "header-changed", line: "header x-amz-security-token", long: true,
		},
		{
			name: "body written anew", shown: plain, onWay: func(s *sent) { s.body = `{ "size": 1 }` }, cause: "body-changed",
			line: "payload hash", long: true,
		},
		{name: "clock", shown: func(t *testing.T) *sent {
			s := signed(t, "GET", "/", "")
			s.header.Set("X-Amz-Date", time.Now().UTC().Add(-time.Hour).Format("20060102T150405Z"))
			return s
		}, cause: "clock-skew"},
	}
}

func explained(t *testing.T, form, text string, secret bool) explain.Finding {
	t.Helper()
	x, err := explain.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v\n%s", form, err, text)
	}
	var o explain.Options
	if secret {
		o.Credentials = keys
	}
	f := explain.Explain(x, o)
	if out, err := json.Marshal(f); err != nil || strings.Contains(string(out), keys.SessionToken) ||
		strings.Contains(string(out), keys.SecretAccessKey) {
		t.Errorf("%s: %v: a secret is shown: %s", form, err, out)
	}
	return f
}

// isOpen reports whether a cause claims nothing.
func isOpen(cause string) bool {
	return cause == explain.CauseSignature || cause == explain.CauseUnknown
}

// In every form in which it can be given, a mistake is named, with the line, and never another one.
func TestMistakesAreNamed(t *testing.T) {
	t.Parallel()
	for _, m := range mistakes() {
		shown := m.shown(t)
		arrived := shown.clone()
		if m.onWay != nil {
			m.onWay(arrived)
		}
		for form, write := range forms {
			for _, short := range []bool{false, true} {
				text := write(shown, refusal(t, arrived, short))
				for _, secret := range []bool{false, true} {
					f := explained(t, form, text, secret)
					what := fmt.Sprintf("%s as %s, short %t, with the secret %t", m.name, form, short, secret)
					certain := (!m.proves || secret) && (!m.long || !short)
					switch {
					case f.Cause != m.cause && (certain || !isOpen(f.Cause)):
						t.Errorf("%s: got %s %+v, want %s", what, f.Cause, f, m.cause)
					case certain && m.line != "" && (f.Line == nil || f.Line.Name != m.line):
						t.Errorf("%s: got the line %+v, want %s", what, f.Line, m.line)
					case f.Means == "" || f.Fix == "" || f.Seen == "":
						t.Errorf("%s: a text is missing: %+v", what, f)
					}
				}
			}
		}
	}
}

// A secret that is not the domain's is told from everything else when the client's own is at hand.
func TestAWrongSecretIsProved(t *testing.T) {
	t.Parallel()
	s := signed(t, "GET", "/logs-*/_search?q=a+b", "").resigned("another", func(c string) string { return c })
	x, err := explain.Parse([]byte(forms["curl -v"](s, refusal(t, s, false))))
	if err != nil {
		t.Fatal(err)
	}
	own := keys
	own.SecretAccessKey = "another"
	if f := explain.Explain(x,
		explain.Options{Credentials: own}); f.Cause != explain.CauseSecretWrong || f.Evidence != explain.BySignature {
		t.Errorf("with the client's secret: %+v", f)
	}
	if f := explain.Explain(x, explain.Options{Credentials: keys}); f.Cause != explain.CauseSignature ||
		!slices.Contains(f.Candidates, explain.CauseSecretWrong) {
		t.Errorf("with the domain's secret: %+v", f)
	}
}

// A refusal whose token was masked, as penstock proxy does, is as good as the whole one when the request shows it.
func TestAMaskedTokenDoesNotHideTheMistake(t *testing.T) {
	t.Parallel()
	s := signed(t, "GET", "/logs-*/_search", "").resigned(keys.SecretAccessKey, func(c string) string {
		return strings.Replace(c, "%2A", "*", 1)
	})
	answer := strings.Replace(refusal(t, s, false), keys.SessionToken, "(masked)", 1)
	f := explained(t, "curl -v", forms["curl -v"](s, answer), true)
	if f.Cause != explain.CausePathEncoding || f.Evidence != explain.BySignature || len(f.Notes) > 0 {
		t.Errorf("%+v", f)
	}
	// Without the request's own token the line is passed over, and said so.
	s.header.Set("X-Amz-Security-Token", "REDACTED")
	f = explained(t, "curl -v", forms["curl -v"](s, answer), false)
	if !isOpen(f.Cause) || len(f.Notes) != 1 {
		t.Errorf("with the token redacted: %+v", f)
	}
}

// The canonical request that a client logs is compared directly.
func TestTheClientsOwnLogIsCompared(t *testing.T) {
	t.Parallel()
	s := signed(t, "GET", "/logs-*/_search", "").resigned(keys.SecretAccessKey, func(c string) string {
		return strings.Replace(c, "%2A", "*", 1)
	})
	_, names, _ := strings.Cut(s.header.Get("Authorization"), "SignedHeaders=")
	names, _, _ = strings.Cut(names, ",")
	covered := sigv4.Covered{
		Method: "GET", Target: s.target, Host: s.host, Header: s.header, SignedHeaders: strings.Split(names, ";"),
		PayloadHash: sigv4.EmptyPayloadHash,
	}
	own := strings.Replace(covered.CanonicalRequest(), "%2A", "*", 1)
	for form, log := range map[string]string{
		"curl":     "* aws_sigv4: Canonical request (enclosed in []) - [" + own + "]\n",
		"botocore": "2026-11-24 botocore.auth [DEBUG] CanonicalRequest:\n" + own + "\n",
		"sdk":      "DEBUG: Request Signature:\n---[ CANONICAL STRING  ]-----------------------------\n" + own + "\n",
		"penstock": "* canonical request:\n*   " + strings.ReplaceAll(own, "\n", "\n*   ") + "\n* string to sign:\n",
	} {
		f := explained(t, form, log+forms["curl -v"](s, refusal(t, s, false)), false)
		if f.Cause != explain.CausePathEncoding || f.Line == nil || f.Line.Client != "/logs-*/_search" {
			t.Errorf("%s: %+v", form, f)
		}
	}
}

func TestWhatIsNoRefusalIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "hello", "{}", `{"log":{"entries":[]}}`, "\x00\x01", `{"request":{"url":"x"}}`,
		"> GET / HTTP/1.1\n> Host: x\n>\n< HTTP/1.1 200 OK\n<\n{}",
		`{"request":{"method":"GET","url":"https://x/"},"response":{"status":200}}`,
	} {
		if x, err := explain.Parse([]byte(text)); err == nil {
			t.Errorf("%q: %+v", text, x)
		}
	}
}
