package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/internal/planted"
	"github.com/seed56735111/penstock/redact"
)

// redactionConfig redacts everything that can be redacted.
const redactionConfig = `
keys:
  joins: env:PENSTOCK_TEST_JOINS
always:
  - redact: { detect: [card, iban, mail, phone, aws_key, aws_secret, session_token], with: mask }
  - redact: { detect: [jwt, bearer, private_key, url_password, github_token, slack_token], with: remove }
  - redact: { detect: ip, with: hash, key: joins }
routes:
  - name: app
    match: { format: ndjson }
    rules:
      - redact: { fields: [holder, user.name], with: mask }
  - name: rest
    rules:
      - redact: { fields: holder, with: mask }
`

// planting is a set of files with secrets, and the secrets that must not be found anywhere.
type planting struct {
	*rand.Rand
	files   map[string]*bytes.Buffer
	secrets []planted.Secret
	names   []string // values of fields that are redacted
}

func (p *planting) file(name string) *bytes.Buffer {
	if p.files[name] == nil {
		p.files[name] = new(bytes.Buffer)
	}
	return p.files[name]
}

// name is the value of a field that is redacted.
func (p *planting) name() string {
	name := fmt.Sprintf("%x/%d", p.Uint64()|1<<63, len(p.names))
	p.names = append(p.names, name)
	return name
}

// window is where readers have edges: multiples of it.
const window = 64 << 10

// plant writes a record with a secret.
func (p *planting) plant(i int) {
	kinds := redact.Kinds()
	s := planted.Make(p.Rand, kinds[i%len(kinds)])
	p.secrets = append(p.secrets, s)
	text := planted.Forms[(i/len(kinds))%len(planted.Forms)].Write(p.Rand, s.In())
	head := fmt.Sprintf(`{"time":"2026-11-24T10:00:00Z","n":%d,`, i)
	switch app := p.file("app.ndjson"); i % 8 {
	case 0:
		_, _ = fmt.Fprintf(app, `%s"message":"see %s"}`+"\n", head, text)
	case 1:
		_, _ = fmt.Fprintf(app, `%s"a":{"%s":{"b":[1,"%s"]}}}`+"\n", head, text, text)
	case 2:
		name := p.name()
		_, _ = fmt.Fprintf(app, `%s"holder":"%s","user":{"name":"%s"},"message":"%s has %s","url":"/?u=%s"}`+"\n",
			head, name, p.name(), name, text, strings.ReplaceAll(name, "/", "%2F"))
	case 3: // refused by the domain, which repeats the value
		_, _ = fmt.Fprintf(app, `%s"poison":"%s","holder":"%s"}`+"\n", head, text, p.name())
	case 4: // cannot be read
		_, _ = fmt.Fprintf(app, `%s"holder":"%s" "m":"%s"`+"\n", head, p.name(), text)
	case 5: // at the edge of what a reader has in hand, now and then
		begin := app.Len() + len(head) + len(`"pad":"","m":"`)
		pad := 0
		if i%64 == 5 {
			pad = (window - (begin+p.IntN(len(text)))%window) % window
		}
		_, _ = fmt.Fprintf(app, `%s"pad":"%s","m":"%s"}`+"\n", head, strings.Repeat("-", pad), text)
	case 6:
		_, _ = fmt.Fprintf(p.file("plain.log"), "2026-11-24T10:00:00Z INFO it is %s, isn't it\n", text)
	case 7:
		_, _ = fmt.Fprintf(p.file("alb.log"), `https 2026-11-24T10:00:00.0%05dZ app/x/50dc6c495c0c9188 192.0.2.1:2817 `+
			`192.0.2.2:80 0.086 0.048 0.037 200 200 0 57 "GET https://www.example.com:443/?q=%s HTTP/1.1" "agent %s" `+
			`ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:us-east-2:1:targetgroup/x/1 `+
			`"Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "-" 1 2026-11-24T10:00:00.000000Z "forward" "-" "-" `+
			"\"192.0.2.2:80\" \"200\" \"-\" \"-\"\n",
			i%100000, strings.NewReplacer(" ", "%20", `\"`, "%22", `\`, "%5C").Replace(text), strings.ReplaceAll(text, `\"`, ""))
	}
}

// Whatever leaves has no planted secret in it: documents, dead letters, logs, what the domain's refusals repeat, the
// output of commands. PENSTOCK_TEST_FULL=1 plants 10,000 secrets.
func TestNoPlantedSecretLeaves(t *testing.T) {
	t.Parallel()
	n := 1400
	if os.Getenv("PENSTOCK_TEST_FULL") != "" {
		n = 10_000
	}
	p := &planting{Rand: rand.New(rand.NewPCG(14, 9)), files: map[string]*bytes.Buffer{}}
	for i := range n {
		p.plant(i)
	}
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs")
	if err := os.Mkdir(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for name, text := range p.files {
		writeSettled(t, filepath.Join(logs, name), text.String())
		for secret := range p.in(planted.Resolved(text.String())) {
			there[secret] = true
		}
	}
	if len(there) < n { // some are written in ways that this does not see
		t.Fatalf("%d of %d secrets and %d values of fields are found where they were put", len(there), n, len(p.names))
	}
	config := writeSettled(t, filepath.Join(dir, "penstock.yaml"), redactionConfig)
	event := writeSettled(t, filepath.Join(dir, "event.json"), p.event(t))

	d := &leaky{Domain: new(hostile.Domain)}
	d.Answer = d.refuse
	index := httptest.NewServer(d)
	defer index.Close()
	letters := filepath.Join(dir, "letters")
	var out bytes.Buffer // all that the commands say
	run := func(code int, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), penstock, args...)
		cmd.Env = append(os.Environ(), "PENSTOCK_TEST_JOINS=0123456789abcdef", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
			"AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=eu-west-1", "PENSTOCK_CONFIG="+config, "PENSTOCK_DOMAIN="+index.URL,
			"PENSTOCK_NO_SIGN=true", "PENSTOCK_DEAD_LETTERS="+letters)
		said, err := cmd.CombinedOutput()
		exit, failed := errors.AsType[*exec.ExitError](err)
		if err != nil && (!failed || exit.ExitCode() != code) || err == nil && code != 0 {
			t.Fatalf("penstock %q: %v, want exit code %d\n%s", args, err, code, said)
		}
		out.Write(said)
	}
	run(3, "ship", logs, "--original", "--log-level", "debug", "--keep-going")
	run(0, "explain", logs, "--show", "10000", "--records", "1000000")
	run(0, "ship", logs, "--fields", "ecs", "--dry-run")
	run(0, "deadletter", "list", "--json")
	run(0, "deadletter", "summary")
	run(0, "invoke", event)
	run(3, "deadletter", "replay")

	d.mu.Lock()
	defer d.mu.Unlock()
	stored := readAll(t, letters)
	if len(d.refused) == 0 || len(d.Docs()) < n*3/4 || !bytes.Contains(stored, []byte(`"rules"`)) ||
		!bytes.Contains(out.Bytes(), []byte("h1:")) || !bytes.Contains(out.Bytes(), []byte("[card]")) {
		t.Fatalf("%d refused, %d documents, %d bytes of letters, %d said",
			len(d.refused), len(d.Docs()), len(stored), out.Len())
	}
	var documents bytes.Buffer
	for _, body := range d.Docs() {
		documents.WriteString(body + "\n")
	}
	for what, text := range map[string]string{
		"documents": documents.String(), "refused documents": strings.Join(d.refused, "\n"), "dead letters": string(stored),
		"what the commands say": out.String(),
	} {
		found := 0
		for _, all := range []string{text, planted.Resolved(text)} {
			for secret, at := range p.in(all) {
				if found++; found < 5 {
					t.Errorf("%s: %q: …%s…", what, secret, all[max(0, at-200):min(len(all), at+200)])
				}
			}
		}
		t.Logf("%s: %d of %d secrets and %d values of fields found in %d bytes", what, found, len(p.secrets), len(p.names),
			len(text))
	}
}

// in yields the secrets that stand in a text, and where.
func (p *planting) in(text string) iter.Seq2[string, int] {
	const head = 6 // all are longer
	by := map[string][]string{}
	for _, s := range p.secrets {
		by[s.Text[:head]] = append(by[s.Text[:head]], s.Text)
	}
	for _, name := range p.names {
		by[name[:head]] = append(by[name[:head]], name)
	}
	return func(yield func(string, int) bool) {
		for at := range len(text) - head {
			for _, secret := range by[text[at:at+head]] {
				if strings.HasPrefix(text[at:], secret) && !yield(secret, at) {
					return
				}
			}
		}
	}
}

// event is an event of CloudWatch Logs with a secret of each kind.
func (p *planting) event(t *testing.T) string {
	t.Helper()
	type logEvent struct {
		ID        string `json:"id"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
	}
	var events []logEvent
	for i, kind := range redact.Kinds() {
		s := planted.Make(p.Rand, kind)
		p.secrets = append(p.secrets, s)
		message := "it is " + s.In()
		if i%2 == 0 {
			text, err := json.Marshal(map[string]string{"m": message})
			if err != nil {
				t.Fatal(err)
			}
			message = string(text)
		}
		events = append(events, logEvent{fmt.Sprintf("%056d", i), 1_795_514_400_000, message})
	}
	payload, err := json.Marshal(map[string]any{
		"messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/ecs/app", "logStream": "s",
		"subscriptionFilters": []string{"f"}, "logEvents": events,
	})
	if err != nil {
		t.Fatal(err)
	}
	return `{"awslogs":{"data":"` + base64.StdEncoding.EncodeToString(gzipped(payload)) + `"}}`
}

// leaky is a domain that refuses documents with a poison and repeats them.
type leaky struct {
	*hostile.Domain
	mu      sync.Mutex
	refused []string
}

func (d *leaky) refuse(w http.ResponseWriter, r *hostile.BulkRequest) bool {
	var items []hostile.Item
	for _, doc := range r.Docs() {
		if !strings.Contains(doc.Body, `"poison":`) {
			items = append(items, d.Store(doc))
			continue
		}
		d.mu.Lock()
		d.refused = append(d.refused, doc.Body)
		d.mu.Unlock()
		items = append(items, hostile.Item{
			Doc: doc, Status: 400, Type: "mapper_parsing_exception",
			Reason: "failed to parse field [poison] of type [long]. Preview of field's value: '" + doc.Body + "'",
		})
	}
	_, _ = w.Write([]byte(hostile.Items(items)))
	return true
}

// readAll returns the content of all files below a directory.
func readAll(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			text, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text...)
		}
	}
	return all
}
