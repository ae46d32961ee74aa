package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed56735111/penstock/internal/bucket"
	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/internal/samples"
)

// binary is the program that the scripts run: built once, as a release is.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "penstock-script-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "penstock")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build penstock: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// TestScripts runs testdata/script: the specification of the command line.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   "testdata/script",
		Setup: setup,
		// Builtin commands win over these: a name such as stop would end the script there, and pass.
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"repeat": repeat,
			"start":  start, "end": end, "bucket": startBucket, "website": website,
			"exits": exits, "retry": retry, "json": jsonField, "age": age,
			"refuser": startRefuser, "refuses": startRefusing, "says": says,
		},
		RequireExplicitExec: false,
	})
}

func setup(env *testscript.Env) error {
	env.Setenv("PATH", filepath.Dir(binary)+string(os.PathListSeparator)+env.Getenv("PATH"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	env.Setenv("AWS_CONFIG_FILE", filepath.Join(env.WorkDir, "none"))
	env.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(env.WorkDir, "none"))
	env.Values["servers"] = map[string]*exec.Cmd{}
	return settle(env.WorkDir)
}

// settle makes the files below a path such that nobody has written to them for a while.
func settle(path string) error {
	at := time.Now().Add(-time.Hour)
	return filepath.WalkDir(path, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		return os.Chtimes(path, at, at)
	})
}

// age PATH… makes files that a script has written such that nobody has written to them for a while.
func age(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: age PATH…")
	}
	for _, path := range args {
		ts.Check(settle(ts.MkAbs(path)))
	}
}

// start VAR penstock ARG… starts a server and sets VAR to the URL of its one line "listening on URL", and VAR_PORT to
// the port in it. Its standard error goes to VAR.log.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: start VAR COMMAND ARG…")
	}
	ctx, cancel := context.WithCancel(context.Background())
	name := args[1]
	if name == "penstock" {
		name = binary
	}
	cmd := exec.CommandContext(ctx, name, args[2:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = environ(ts)
	log, err := os.Create(ts.MkAbs(args[0] + ".log"))
	ts.Check(err)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		cancel()
		_ = cmd.Wait()
		_ = log.Close()
	})
	lines := make(chan string, 1) // the first line
	go func() {
		sc := bufio.NewScanner(out)
		if sc.Scan() {
			lines <- sc.Text()
		}
		close(lines)
		for sc.Scan() { // keep the pipe empty
		}
	}()
	select {
	case line := <-lines:
		url, ok := strings.CutPrefix(line, "listening on ")
		if !ok {
			text, _ := os.ReadFile(log.Name())
			ts.Fatalf("first line is %q, log:\n%s", line, text)
		}
		ts.Setenv(args[0], url)
		ts.Setenv(args[0]+"_PORT", url[strings.LastIndexByte(url, ':')+1:])
	case <-time.After(30 * time.Second):
		ts.Fatalf("%v did not answer", args[1:])
	}
	ts.Value("servers").(map[string]*exec.Cmd)[args[0]] = cmd
}

// end VAR sends SIGTERM to a server and wants it to end with exit code 0.
func end(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: end VAR")
	}
	cmd := ts.Value("servers").(map[string]*exec.Cmd)[args[0]]
	if runtime.GOOS == "windows" {
		ts.Check(cmd.Process.Kill())
		return
	}
	ts.Check(cmd.Process.Signal(syscall.SIGTERM))
	if err := cmd.Wait(); err != nil {
		text, _ := os.ReadFile(ts.MkAbs(args[0] + ".log"))
		ts.Fatalf("after SIGTERM: %v, log:\n%s", err, text)
	}
}

// environ is the script's environment.
func environ(ts *testscript.TestScript) []string {
	names := []string{"PATH", "HOME", "TMPDIR", "SYSTEMROOT"}
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "GO") {
			names = append(names, name)
		}
	}
	names = append(names, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION",
		"AWS_DEFAULT_REGION", "ENDPOINT",
		"AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")
	var env []string
	for _, name := range names {
		if v := ts.Getenv(name); v != "" {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// bucket VAR starts a bucket named "samples" that holds the samples of the demo.
func startBucket(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bucket VAR")
	}
	b, err := bucket.New("samples")
	ts.Check(err)
	objects, err := samples.All()
	ts.Check(err)
	for _, o := range objects {
		ts.Check(b.Put(o.Key, o.Body))
	}
	srv := httptest.NewServer(b)
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL)
}

// website VAR starts a web server that answers everything with an HTML page.
func website(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: website VAR")
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<!doctype html><title>Dashboards</title>")
	}))
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL)
}

// refuser VAR STATUS TYPE REASON starts a domain that refuses every document in this way.
func startRefuser(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: refuser VAR STATUS TYPE REASON")
	}
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	srv := httptest.NewServer(&hostile.Domain{Answer: func(w http.ResponseWriter, r *hostile.BulkRequest) bool {
		var items []hostile.Item
		for _, doc := range r.Docs() {
			items = append(items, hostile.Item{Doc: doc, Status: status, Type: args[2], Reason: args[3]})
		}
		_, _ = fmt.Fprint(w, hostile.Items(items))
		return true
	}})
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL)
}

// refuses VAR METHOD STATUS CODE [MESSAGE] starts an S3 that refuses every request of this method as S3 does, and has
// one object for the others.
func startRefusing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: refuses VAR METHOD STATUS CODE [MESSAGE]")
	}
	status, err := strconv.Atoi(args[2])
	ts.Check(err)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		listing := r.Method == http.MethodGet && r.URL.Query().Has("list-type")
		method := r.Method
		if listing {
			method = "LIST"
		}
		switch {
		case method == args[1]:
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", args[3],
				strings.Join(args[4:], " "))
		case listing:
			_, _ = fmt.Fprint(w, "<ListBucketResult><Name>logs</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys>"+
				"<KeyCount>1</KeyCount><IsTruncated>false</IsTruncated><EncodingType>url"+
				"</EncodingType><Contents><Key>logs/a.log</Key><Size>2</Size><ETag>&quot;e&quot;</ETag>"+
				"<LastModified>2026-01-01T00:00:00Z</LastModified></Contents></ListBucketResult>")
		case r.Method == http.MethodGet:
			w.Header().Set("ETag", `"e"`)
			_, _ = fmt.Fprint(w, "{}")
		}
	}))
	ts.Defer(srv.Close)
	ts.Setenv(args[0], srv.URL)
}

// says FILE TEXT… wants each text to stand in a file (stdout and stderr are the last command's); … is anything on the
// same line.
func says(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: says FILE TEXT…")
	}
	got := ts.ReadFile(args[0])
	for _, text := range args[1:] {
		if !regexp.MustCompile(strings.ReplaceAll(regexp.QuoteMeta(text), "…", ".*")).MatchString(got) {
			ts.Fatalf("%s does not say %q:\n%s", args[0], text, got)
		}
	}
}

// exits CODE COMMAND ARG… runs a command that has to end with this exit code. Its output is compared with stdout and
// stderr as usual.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG…")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Exec returns it as it is
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// repeat writes a file of so many lines: repeat 1200 app.ndjson '{"n":%d}'. The line may use its number once.
func repeat(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: repeat N FILE LINE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var text strings.Builder
	for i := range n {
		text.WriteString(strings.Replace(args[2], "%d", strconv.Itoa(i), 1) + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text.String()), 0o600))
}

// retry CODE COMMAND ARG… runs a command again and again until it ends with this exit code, for half a minute.
func retry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: retry CODE COMMAND ARG…")
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		code := 0
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Exec returns it as it is
			code = exit.ExitCode()
		} else if err != nil {
			ts.Fatalf("%v", err)
		}
		if fmt.Sprint(code) == args[0] {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("exit code %d for half a minute, want %s", code, args[0])
		}
	}
}

// json FILE FIELD=VALUE… compares fields of the JSON object in a file (stdout is the last command's output).
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: json FILE FIELD=VALUE…")
	}
	var got map[string]any
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	dec.UseNumber()
	ts.Check(dec.Decode(&got))
	for _, want := range args[1:] {
		name, value, _ := strings.Cut(want, "=")
		if fmt.Sprint(got[name]) != value {
			ts.Fatalf("%s is %v, want %s\n%s", name, got[name], value, ts.ReadFile(args[0]))
		}
	}
}
