package test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// result is the answer of a function to one event.
type result struct {
	payload string
	failed  bool
}

// platform runs a function as Lambda does. It follows the developer guide's chapter on the Runtime API and shares no
// code with "penstock invoke", which these tests check too.
type platform struct {
	t       *testing.T
	cmd     *exec.Cmd
	started time.Time
	asked   chan time.Time // when the function asks for an event
	events  chan event
	results chan result
	ended   chan struct{}
	log     lockedBuffer
	n       int
}

type event struct {
	id, body string
	deadline time.Time
}

// lockedBuffer collects what a process prints.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startFunction starts the binary as Lambda starts a bootstrap: without arguments, with the variables of the platform.
func startFunction(t *testing.T, binary string, env ...string) *platform {
	t.Helper()
	p := &platform{
		t: t, asked: make(chan time.Time, 1), events: make(chan event), results: make(chan result, 1),
		ended: make(chan struct{}),
	}
	api := httptest.NewServer(http.HandlerFunc(p.serve))
	p.cmd = exec.Command(binary)
	p.cmd.Dir = t.TempDir()
	p.cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=gate", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128", "AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/gate",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023", "_HANDLER=bootstrap",
	}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.thaw()
		_ = p.cmd.Process.Kill()
		<-p.ended
		api.CloseClientConnections()
		api.Close()
		if t.Failed() {
			t.Logf("the function said at last:\n%s", tail(p.log.String(), 20))
		}
	})
	return p
}

// serve is the Runtime API.
func (p *platform) serve(w http.ResponseWriter, r *http.Request) {
	const invocation = "/2018-06-01/runtime/invocation/"
	switch path := r.URL.Path; {
	case r.Method == http.MethodGet && path == invocation+"next":
		select {
		case p.asked <- time.Now():
		default:
		}
		select {
		case e := <-p.events:
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", e.id)
			h.Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(e.deadline.UnixMilli()))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:gate")
			h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
			_, _ = io.WriteString(w, e.body)
		case <-r.Context().Done():
		}
	case r.Method == http.MethodPost && strings.HasPrefix(path, invocation):
		body, err := io.ReadAll(r.Body)
		id, verb, _ := strings.Cut(strings.TrimPrefix(path, invocation), "/")
		if err != nil || id != requestID(p.n) || verb != "response" && verb != "error" {
			p.t.Errorf("the function posts to %s: %v", path, err)
		}
		w.WriteHeader(http.StatusAccepted)
		p.results <- result{payload: string(body), failed: verb == "error"}
	default:
		p.t.Errorf("the function asks for %s %s", r.Method, path)
		http.NotFound(w, r)
	}
}

func requestID(n int) string { return fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", n) }

// invoke hands an event to the function and waits for its answer, which must come before the deadline.
func (p *platform) invoke(t *testing.T, body string, timeout time.Duration) result {
	t.Helper()
	p.n++
	select {
	case <-p.asked:
	case <-p.ended:
		t.Fatalf("the function has ended\n%s", tail(p.log.String(), 20))
	case <-time.After(30 * time.Second):
		t.Fatal("the function does not ask for an event")
	}
	e := event{id: requestID(p.n), body: body, deadline: time.Now().Add(timeout)}
	p.events <- e
	select {
	case res := <-p.results:
		return res
	case <-p.ended:
		t.Fatalf("the function ended without an answer\n%s", tail(p.log.String(), 20))
	case <-time.After(timeout):
		t.Fatalf("no answer within %v to %.300s\n%s", timeout, body, tail(p.log.String(), 20))
	}
	return result{}
}

// freeze stops the process, as the platform does with a sandbox that has nothing to do, once it has asked for work.
func (p *platform) freeze(t *testing.T) {
	t.Helper()
	select {
	case at := <-p.asked:
		p.asked <- at
	case <-time.After(10 * time.Second):
		t.Fatal("the function does not ask for an event")
	}
	if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
}

func (p *platform) thaw() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

// metrics returns what the last invocation did. Its log comes through a pipe, which may be slower than the answer.
func (p *platform) metrics(t *testing.T) map[string]any {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-tick.C {
		log := p.log.String()
		if strings.HasSuffix(log, "\n") && strings.Contains(log, `"RequestId":"`+requestID(p.n)+`"`) {
			break
		}
	}
	return lastMetrics(t, p.log.String())
}

// metrics returns the lines of embedded metrics in a log.
func metrics(t *testing.T, log string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(log) {
		var m map[string]any
		if strings.Contains(line, `"CloudWatchMetrics"`) {
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			all = append(all, m)
		}
	}
	return all
}

// lastMetrics returns what the last invocation did.
func lastMetrics(t *testing.T, log string) map[string]any {
	t.Helper()
	all := metrics(t, log)
	if len(all) == 0 {
		t.Fatalf("no metrics in the log:\n%s", log)
	}
	last := all[len(all)-1]
	if last["Balanced"] != true {
		t.Errorf("the accounting equation does not hold: %v", last)
	}
	return last
}

// invoked is what "penstock invoke" prints.
type invoked struct {
	result
	log         string
	duration    float64 // milliseconds
	memory, max int     // megabytes
	init        float64 // milliseconds
}

var reportLine = regexp.MustCompile(
	`(?m)^REPORT RequestId: \S+\tDuration: ([0-9.]+) ms\tBilled Duration: \d+ ms\tMemory Size: ` +
		`(\d+) MB\tMax Memory Used: (\d+) MB(?:\tInit Duration: ([0-9.]+) ms)?`)

// invokeCommand runs "penstock invoke" with an event on standard input.
func invokeCommand(t *testing.T, env []string, body string, args ...string) invoked {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, penstock, append([]string{"invoke"}, args...)...)
	if body != "" {
		cmd.Args = append(cmd.Args, "-")
		cmd.Stdin = strings.NewReader(body)
	}
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir}, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	log := errs.String()
	got := invoked{result: result{payload: strings.TrimSuffix(out.String(), "\n"), failed: err != nil}, log: log}
	start := regexp.MustCompile(`(?m)^START RequestId: (\S+) Version: \$LATEST$`)
	end := regexp.MustCompile(`(?m)^END RequestId: (\S+)$`)
	report := reportLine.FindStringSubmatch(log)
	s, e := start.FindStringSubmatch(log), end.FindStringSubmatch(log)
	if s == nil || e == nil || report == nil || s[1] != e[1] {
		t.Fatalf("START, END or REPORT is missing:\n%s", log)
	}
	for i, into := range []any{&got.duration, &got.memory, &got.max, &got.init} {
		if report[i+1] != "" {
			if _, err := fmt.Sscan(report[i+1], into); err != nil {
				t.Fatal(err)
			}
		}
	}
	return got
}

// functionBinary builds the binary of lambda.zip for this machine, once.
var functionBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(penstock), "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-pgo", "../cmd/penstock/default.pgo",
		"-ldflags", "-s -w", "-o", path, "../cmd/penstock-lambda")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the function: %w\n%s", err, out)
	}
	return path, nil
})

// bootstrap returns the binary of the function.
func bootstrap(t *testing.T) string {
	t.Helper()
	path, err := functionBinary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// startServer starts a server command that a test ends before its own end.
func startServer(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(penstock, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs lockedBuffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			stopServer(t, cmd)
		}
	})
	line := make([]byte, len("listening on "))
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "listening on " {
		t.Fatalf("penstock %s: %q, %v\n%s", args[0], line, err, errs.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return cmd
}

func stopServer(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%s after SIGTERM: %v", cmd.Args[1], err)
	}
}

// runPenstock runs a command that must succeed and returns what it prints.
func runPenstock(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), penstock, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("penstock %v: %v\n%s", args, err, errs.String())
	}
	return string(out)
}
