package main_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/bucket"
)

// TestCommandsOfThePagesRunAsTheyArePrinted reads README and docs and runs every block that is marked sh, line by line,
// in a directory with the files that the pages speak of. A block whose first line is "# with an account" gets
// credentials and the endpoints of a bucket and a domain from outside; the others get nothing.
func TestCommandsOfThePagesRunAsTheyArePrinted(t *testing.T) {
	if testing.Short() {
		t.Skip("the pages have commands for minutes")
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	outside := anAccount(t)
	var pages []string
	for _, pattern := range []string{"../../docs/*.md", "../../docs/guides/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	printed := 0
	pages = append(pages, "../../README.md")
	all := map[string][]block{}
	for _, page := range pages {
		all[page] = blocks(t, page)
		for _, b := range all[page] {
			printed += len(b.lines)
		}
	}
	if printed < 60 {
		t.Errorf("%d lines of commands found", printed)
	}
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			for _, b := range all[page] {
				r := &reader{
					t: t, shell: shell, dir: desk(t), where: fmt.Sprintf("%s:%d", filepath.Base(page), b.line),
					outside: outside,
				}
				r.run(b)
				r.leave()
			}
		})
	}
}

// block is a block of commands of a page.
type block struct {
	line    int
	account bool
	lines   []string
}

const accountMark = "# with an account"

// notesOfMistakes are the notes that no command of a page may cause.
var notesOfMistakes = regexp.MustCompile(`(?m)^penstock: note: (the variable|there is no|no letter).*$`)

var (
	fence       = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	commandLine = regexp.MustCompile(
		`(?m)^(\$ )?(penstock|make|curl|aws|sam|git|zcat|export|deploy/\S+|go|docker|terraform|eval) .*[^.]$`)
)

func blocks(t *testing.T, page string) []block {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []block
	for _, m := range fence.FindAllStringSubmatchIndex(string(text), -1) {
		line := 1 + bytes.Count(text[:m[0]], []byte("\n"))
		kind, body := string(text[m[2]:m[3]]), string(text[m[4]:m[5]])
		if kind != "sh" {
			if kind == "" && commandLine.MatchString(body) && !strings.HasPrefix(body, "penstock: ") {
				t.Errorf("%s:%d: a block with commands is not marked sh", page, line)
			}
			continue
		}
		b := block{line: line, account: strings.HasPrefix(body, accountMark)}
		for l := range strings.Lines(strings.ReplaceAll(body, "\\\n", "")) {
			if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
				b.lines = append(b.lines, l)
			}
		}
		all = append(all, b)
	}
	return all
}

// reader is somebody who types what a page says.
type reader struct {
	t       *testing.T
	shell   string
	dir     string
	where   string
	outside []string
	env     []string
	last    string // what the last command wrote to standard output
	servers []*exec.Cmd
}

// notRun says why a command is left out here.
func notRun(line string) string {
	for prefix, why := range map[string]string{
		"git clone": "it needs the network",
		"make test": "it is what runs this",
		"penstock doctor --domain https://search-": "the domain is one of your own; doctor/ tests the walk of one",
		"make lambda":             "test/lambda_platform_test.go builds and runs it",
		"sam ":                    "deploy/ is tested by test/lambda_template_test.go",
		"deploy/":                 "deploy/ is tested by test/lambda_template_test.go",
		"penstock ship s3://arn:": "an access point is a host name, and there is none on loopback; source/ tests it",
	} {
		if strings.HasPrefix(line, prefix) {
			return why
		}
	}
	tool, _, _ := strings.Cut(line, " ")
	if _, err := exec.LookPath(tool); err != nil && tool != "penstock" && tool != "export" {
		return "there is no " + tool + " here"
	}
	if strings.HasPrefix(line, "aws lambda") || strings.HasPrefix(line, "aws s3api") ||
		strings.HasPrefix(line, "aws stepfunctions") {
		return "it is about functions, notifications and state machines of an account"
	}
	return ""
}

func (r *reader) run(b block) {
	r.t.Helper()
	r.env = []string{
		"PATH=" + filepath.Dir(binary) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + r.dir, "AWS_EC2_METADATA_DISABLED=true",
		"TMPDIR=" + os.TempDir(),
	}
	r.env = append(r.env, goCaches(r.t)...) // make would build everything anew in the empty home
	if b.account {
		r.env = append(r.env, r.outside...)
	}
	for _, line := range b.lines {
		switch {
		case strings.Contains(strings.Split(line, " # ")[0], "…"):
			r.t.Errorf("%s: %q cannot be typed", r.where, line)
		case strings.HasPrefix(line, "{"):
			if !strings.Contains(r.last, line) {
				r.t.Errorf("%s: the page says %s, the command %s", r.where, line, r.last)
			}
		case strings.HasPrefix(line, "export "):
			r.export(b, line)
		case serves(line):
			if !r.serve(line) {
				return
			}
		case strings.HasPrefix(line, `eval "$(`):
			r.command(strings.TrimSuffix(strings.TrimPrefix(line, `eval "$(`), `)"`))
			r.exports(r.last)
		default:
			r.command(line)
		}
	}
}

// goCaches are the variables of Go, those with the caches among them.
func goCaches(t *testing.T) []string {
	t.Helper()
	var env []string
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "GO") {
			env = append(env, kv)
		}
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} {
		dir, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(dir)))
	}
	return env
}

// export sets variables as the shell does. In a block with an account, the endpoints come from outside.
func (r *reader) export(b block, line string) {
	line, _, _ = strings.Cut(line, " #")
	for _, kv := range strings.Fields(line)[1:] {
		name, _, _ := strings.Cut(kv, "=")
		if b.account && slices.ContainsFunc(r.outside, func(o string) bool { return strings.HasPrefix(o, name+"=") }) {
			continue
		}
		r.env = append(r.env, kv)
	}
}

// serves reports whether a command goes on until somebody ends it.
func serves(line string) bool {
	return strings.HasPrefix(line, "penstock domain") && !strings.Contains(line, "identity") ||
		strings.Contains(line, "--keep")
}

// serve starts a domain, and gives the shell the variables that it prints. It reports whether it listens.
func (r *reader) serve(line string) bool {
	r.t.Helper()
	const address = "127.0.0.1:9200"
	l, err := net.Listen("tcp", address)
	if err != nil {
		r.t.Logf("%s: %s and what follows are left out: somebody else listens on %s", r.where, line, address)
		return false
	}
	_ = l.Close()
	cmd := exec.Command(r.shell, "-c", "exec "+line)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	complaint, err := os.Create(filepath.Join(r.t.TempDir(), "stderr"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = complaint.Close() }()
	cmd.Stderr = complaint
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.servers = append(r.servers, cmd)
	first, _ := bufio.NewReader(out).ReadString('\n')
	said, err := os.ReadFile(complaint.Name()) // what it has to say comes before its line on standard output
	if err != nil {
		r.t.Fatal(err)
	}
	if strings.TrimSpace(first) != "listening on http://"+address {
		r.leave()
		r.t.Errorf("%s: %s: %q\n%s", r.where, line, first, said)
		return false
	}
	r.exports(string(said))
	return true
}

// exports sets the variables of lines for a shell.
func (r *reader) exports(lines string) {
	for text := range strings.Lines(lines) {
		if kv, ok := strings.CutPrefix(strings.TrimSpace(text), "export "); ok {
			r.env = append(r.env, kv)
		}
	}
}

// leave ends what the block started.
func (r *reader) leave() {
	for _, cmd := range r.servers {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	r.servers = nil
}

// command runs a line. It may find dead letters, warnings or that a policy refuses; anything else is a fault of the
// page.
func (r *reader) command(line string) {
	r.t.Helper()
	if why := notRun(line); why != "" {
		r.t.Logf("%s: left out: %s: %s", r.where, line, why)
		return
	}
	cmd := exec.Command(r.shell, "-c", line)
	cmd.Dir, cmd.Env = r.dir, r.env
	if strings.HasPrefix(line, "make ") {
		cmd.Dir = "../.."
	}
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	begun := time.Now()
	err := cmd.Run()
	code := cmd.ProcessState.ExitCode()
	isPolicy := strings.HasPrefix(line, "penstock policy")
	if code != 0 && code != 3 && (!isPolicy || code != 5) || strings.Contains(complaint.String(), "penstock: error:") {
		r.t.Errorf("%s: %s: %v after %v\n%s%s", r.where, line, err, time.Since(begun), out.String(), complaint.String())
	}
	if notes := notesOfMistakes.FindString(complaint.String()); notes != "" {
		r.t.Errorf("%s: %s: %s", r.where, line, notes)
	}
	r.last = out.String()
}

// The Japanese page shows the commands of the English one, which are run.
func TestTheJapanesePageShowsTheSameCommands(t *testing.T) {
	code := regexp.MustCompile("(?ms)^```.*?^```$")
	english, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	japanese, err := os.ReadFile("../../README.ja.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(code.FindAllString(string(english), -1), code.FindAllString(string(japanese), -1)); diff != "" {
		t.Errorf("README.ja.md (-want +got):\n%s", diff)
	}
}

// aLine is a record of a log.
const aLine = `{"time":"2026-11-24T10:05:00Z","level":"info","service":"web","message":"gate open"}` + "\n"

// desk is a directory with the files that the pages speak of.
func desk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	everything := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",%s"Action":"es:*",` +
		`"Resource":"arn:aws:es:eu-west-1:123456789012:domain/logs/*"}]}`
	for name, text := range map[string]string{
		"app.log": "2026-11-24 10:05:00,123 ERROR gate did not open\n" +
			"2026-11-24 10:05:01,123 INFO gate open\n",
		"logs/a.ndjson":    aLine,
		"logs/below/b.log": "2026-11-24 10:05:00,123 INFO gate open\n",
		"old.json.gz":      zipped(t, aLine),
		"keys.txt":         "2026/11/24/x.log.gz\n",
		"shop.yaml":        firstExample(t, "../../docs/own-formats.md"),
		"shop.log": "2026-11-24 10:00:00 INFO [main] order=17 amount=12.50\n" +
			"2026-11-24 10:00:01 WARN [main] order=18 amount=0.99\n",
		"list.txt": "s3://my-logs/2026/11/24/x.log.gz\nlogs/a.ndjson\n",
		"flow.log": "2 123456789012 vpc-1 10.0.0.1 10.0.0.2 840 1764000000 1764000060 ACCEPT\n",
		"event.json": `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-west-1",` +
			`"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"my-logs"},` +
			`"object":{"key":"2026/11/24/x.log.gz","size":100}}}]}`,
		"policy.json": fmt.Sprintf(everything, `"Principal":{"AWS":"arn:aws:iam::123456789012:role/shipper"},`),
		"new.json":    fmt.Sprintf(everything, `"Principal":{"AWS":"arn:aws:iam::123456789012:user/grace"},`),
		"role.json":   fmt.Sprintf(everything, ""),
		"filebeat.yml": "filebeat.inputs:\n  - type: aws-s3\n    bucket_arn: arn:aws:s3:::my-logs\n" +
			"output.elasticsearch:\n  hosts: [https://search-logs-abc.eu-west-1.es.amazonaws.com]\n",
		"cases.yaml": "access_policies: policy.json\ncases:\n  - name: the shipper writes\n" +
			"    principal: arn:aws:sts::123456789012:assumed-role/shipper/night\n" +
			"    method: POST\n    path: /_bulk\n    expect: allow\n",
		"audit.jsonl": `{"time":"2026-11-24T10:00:00Z","who":"arn:aws:iam::123456789012:role/shipper","method":"POST",` +
			`"action":"es:ESHttpPost","path":"/logs-a/_bulk","asked":["POST /logs-a/_bulk"],"status":200}` + "\n",
		".aws/credentials": "[store]\naws_access_key_id = STORE\naws_secret_access_key = secret\n" +
			"[production]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n",
		"penstock-dead-letters/a.dead.ndjson": `{"id":"4f2a01","time":"2026-11-24T10:05:00Z","reason":"rejected",` +
			`"type":"mapper_parsing_exception","detail":"failed to parse",` +
			`"source":{"object":"s3://my-logs/k","offset":0,"length":7},` +
			`"index":"app-2026","document":"{\"n\":1}","raw":"{\"n\":1}"}` + "\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(binary, filepath.Join(dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// firstExample is the first block of YAML on a page.
func firstExample(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if m[1] == "yaml" {
			return m[2]
		}
	}
	t.Fatalf("%s has no example in YAML", page)
	return ""
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// anAccount starts buckets and a domain with the names of the pages, and returns the variables with the credentials and
// the endpoints.
func anAccount(t *testing.T) []string {
	t.Helper()
	store, err := bucket.New("empty")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(store)
	t.Cleanup(srv.Close)
	put := func(path, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(req)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("PUT %s: %v, %v", path, resp, err)
		}
		_ = resp.Body.Close()
	}
	for name, keys := range map[string][]string{
		"my-logs":    {"AWSLogs/x.log.gz", "2026/11/24/x.log.gz", "a b.gz"},
		"app-logs":   {"2026/a.gz"},
		"their-logs": {"a.gz"},
		"logs":       {"a b+c.gz"},
		"my-letters": nil,
	} {
		put("/"+name, "")
		for _, key := range keys {
			put("/"+name+"/"+url.PathEscape(key), zipped(t, aLine))
		}
	}
	file := filepath.Join(t.TempDir(), "identities.json")
	identities := `{"users":[{"arn":"arn:aws:iam::123456789012:user/grace",
 "access_keys":[{"id":"AKIDEXAMPLE","secret":"secret"}],
 "policies":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["es:*","sts:*"],"Resource":"*"}]}]}],
 "roles":[{"arn":"arn:aws:iam::210987654321:role/log-reader","trust":["123456789012"]}]}`
	if err := os.WriteFile(file, []byte(identities), 0o600); err != nil {
		t.Fatal(err)
	}
	domain := serve(t, "domain", "--listen", "127.0.0.1:0", "--identities", file, "--region", "eu-west-1")
	return []string{
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=eu-west-1",
		"AWS_ENDPOINT_URL_STS=" + domain, "PENSTOCK_DOMAIN=" + domain, "AWS_ENDPOINT_URL_ESDATA=" + domain,
		"PENSTOCK_ENDPOINT_URL=" + srv.URL, "PENSTOCK_PATH_STYLE=true",
	}
}

// TestTheReadmeShowsWhatTheDemoPrints compares the demo's output in README with a demo; … stands for what is left out
// of a line.
func TestTheReadmeShowsWhatTheDemoPrints(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(readme), "Shortened:\n\n```\n")
	shown, _, closed := strings.Cut(text, "```\n")
	if !ok || !closed {
		t.Fatal("README has no output of the demo")
	}
	out, err := exec.Command(binary, "demo").CombinedOutput()
	if err != nil {
		t.Fatalf("demo: %v\n%s", err, out)
	}
	port := regexp.MustCompile(`127\.0\.0\.1:\d+`)
	printed := strings.Split(port.ReplaceAllString(string(out), "127.0.0.1:0"), "\n")
	for line := range strings.Lines(port.ReplaceAllString(shown, "127.0.0.1:0")) {
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "…")
		if !slices.ContainsFunc(printed, func(said string) bool {
			return strings.HasPrefix(said, parts[0]) && strings.HasSuffix(said, parts[len(parts)-1])
		}) {
			t.Errorf("README shows %q, the demo does not", line)
		}
	}
}
