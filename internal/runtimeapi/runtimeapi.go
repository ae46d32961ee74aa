// Package runtimeapi runs a Lambda function on this machine: the function's binary in a process of its own, spoken to
// through the Lambda Runtime API, one invocation at a time.
//
// The protocol is the one in the Lambda developer guide, "Using the Lambda runtime API": the process asks for the next
// invocation, posts its response or its error, and asks again. Between invocations it waits, as a frozen sandbox would.
package runtimeapi

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The limits of synchronous invocations (Lambda quotas).
const (
	MaxPayload  = 6 << 20
	MaxResponse = 6 << 20
)

// Config describes the function.
type Config struct {
	// Command is the function's binary and its arguments.
	Command []string
	// Env is its environment, in addition to what the platform sets. AWS credentials belong here.
	Env []string
	// Name, Region and Account make the function's ARN.
	Name, Region, Account string
	// MemoryMB is the memory size, 128 when zero. A process that takes more is killed.
	MemoryMB int
	// Timeout ends an invocation, 3 s when zero.
	Timeout time.Duration
	// Begin is told the request id before the function is handed an event; nil is nobody.
	Begin func(requestID string)
	// Output gets what the process prints: all of an invocation's before Invoke returns. It is written to from a goroutine
	// of the Runtime's. Nil discards.
	Output io.Writer
}

// Result is what one invocation did.
type Result struct {
	RequestID string
	// Payload is the response, or the error as the function posted it.
	Payload []byte
	// Failed says that Payload is an error.
	Failed bool
	// Ended says that the process is gone: it broke off, was killed, or ran out of time. The next invocation needs a new
	// one.
	Ended bool
	// Init is how long the process took to ask for its first invocation; zero for later ones.
	Init     time.Duration
	Duration time.Duration
	MemoryMB int
	// MaxMemoryMB is the most memory that the process held at any time.
	MaxMemoryMB int
}

// Report is the line that Lambda writes at the end of an invocation.
func (r Result) Report() string {
	ms := func(d time.Duration) string { return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 2, 64) }
	billed := (r.Duration + r.Init + time.Millisecond - 1) / time.Millisecond
	line := fmt.Sprintf("REPORT RequestId: %s\tDuration: %s ms\tBilled Duration: %d ms\tMemory Size: "+
		"%d MB\tMax Memory Used: %d MB",
		r.RequestID, ms(r.Duration), billed, r.MemoryMB, r.MaxMemoryMB)
	if r.Init > 0 {
		line += "\tInit Duration: " + ms(r.Init) + " ms"
	}
	if !r.Ended {
		return line
	}
	var e struct {
		ErrorType string `json:"errorType"`
	}
	switch err := json.Unmarshal(r.Payload, &e); {
	case err == nil && e.ErrorType == errorTimeout:
		line += "\tStatus: timeout"
	default:
		line += "\tStatus: error\tError Type: " + e.ErrorType
	}
	return line
}

// The errors that the platform makes, not the function.
const (
	errorTimeout = "Sandbox.Timedout"
	errorExit    = "Runtime.ExitError"
	errorMemory  = "Runtime.OutOfMemory"
)

// Runtime is a running function. Invoke may be called again; Close ends the process.
type Runtime struct {
	cfg      Config
	listener net.Listener
	server   *http.Server
	cmd      *exec.Cmd
	output   *output
	started  time.Time

	next    chan *invocation // unbuffered: handed to the process when it asks
	asked   chan struct{}    // closed when the process first asks
	askOnce sync.Once
	exited  chan struct{} // closed when the process has ended
	exitErr error
	initErr chan []byte // one init error

	mu       sync.Mutex
	current  *invocation
	maxRSS   int // KiB
	overused bool
	first    bool
}

// invocation is one event on its way.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	done     chan Result // one result
}

// Start starts the process. It does not wait for it to ask for work.
func Start(ctx context.Context, cfg Config) (*Runtime, error) {
	if cfg.MemoryMB == 0 {
		cfg.MemoryMB = 128
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 3 * time.Second
	}
	if cfg.Output == nil {
		cfg.Output = io.Discard
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the function: %w", err)
	}
	r := &Runtime{
		cfg: cfg, listener: l, next: make(chan *invocation), asked: make(chan struct{}),
		exited: make(chan struct{}), initErr: make(chan []byte, 1), first: true,
	}
	r.server = &http.Server{Handler: http.HandlerFunc(r.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(l) }()
	r.cmd = exec.CommandContext(ctx, cfg.Command[0], cfg.Command[1:]...) //nolint:gosec // the user names the function
	r.cmd.Env = append(r.environment(), cfg.Env...)
	if r.output, err = newOutput(cfg.Output); err != nil {
		_ = r.server.Close()
		return nil, fmt.Errorf("read what the function prints: %w", err)
	}
	r.cmd.Stdout, r.cmd.Stderr = r.output.write, r.output.write
	r.started = time.Now()
	if err := r.cmd.Start(); err != nil {
		r.output.close()
		_ = r.server.Close()
		return nil, fmt.Errorf("start function: %w", err)
	}
	go func() {
		r.exitErr = r.cmd.Wait()
		close(r.exited)
	}()
	go r.watchMemory()
	return r, nil
}

// environment is what Lambda sets for a function.
func (r *Runtime) environment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/tmp", "TZ=:UTC", "LANG=en_US.UTF-8",
		"AWS_LAMBDA_RUNTIME_API=" + r.listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=" + r.cfg.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(r.cfg.MemoryMB),
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + r.cfg.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=" + time.Now().UTC().Format("2006/01/02") + "/[$LATEST]" + randomHex(16),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"AWS_REGION=" + r.cfg.Region, "AWS_DEFAULT_REGION=" + r.cfg.Region,
		"_HANDLER=bootstrap", "LAMBDA_TASK_ROOT=/var/task", "LAMBDA_RUNTIME_DIR=/var/runtime",
	}
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func newRequestID() string {
	h := randomHex(16)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

// Invoke hands one event to the function and waits for its answer, its end or the timeout. The error says that there is
// no running function; an error of the function is a Result that failed.
func (r *Runtime) Invoke(ctx context.Context, event []byte) (Result, error) {
	res := Result{RequestID: newRequestID(), MemoryMB: r.cfg.MemoryMB}
	if len(event) > MaxPayload {
		return res, fmt.Errorf("event of %d bytes: the limit of an invocation is %d", len(event), MaxPayload)
	}
	if r.cfg.Begin != nil {
		r.cfg.Begin(res.RequestID)
	}
	if failed, err := r.awaitInit(ctx, res); err != nil || failed.Failed {
		return failed, err
	}
	if r.first {
		res.Init = time.Since(r.started)
		r.first = false
	}
	inv := &invocation{
		id: res.RequestID, event: event, deadline: time.Now().Add(r.cfg.Timeout), done: make(chan Result, 1),
	}
	began := time.Now()
	select {
	case r.next <- inv:
	case <-r.exited:
		return r.died(res, began), nil
	case <-ctx.Done():
		return res, ctx.Err()
	}
	timer := time.NewTimer(r.cfg.Timeout)
	defer timer.Stop()
	select {
	case got := <-inv.done:
		res.Payload, res.Failed = got.Payload, got.Failed
	case <-r.exited:
		return r.died(res, began), nil
	case <-timer.C:
		_ = r.cmd.Process.Kill()
		res.Failed, res.Ended = true, true
		res.Payload = errorPayload(errorTimeout,
			fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", res.RequestID, r.cfg.Timeout.Seconds()))
	case <-ctx.Done():
		return res, ctx.Err()
	}
	return r.measured(res, began), nil
}

// awaitInit waits until the process has asked for an invocation once, for which it has ten seconds. A result that
// failed says that it never will.
func (r *Runtime) awaitInit(ctx context.Context, res Result) (Result, error) {
	const initTimeout = 10 * time.Second
	timer := time.NewTimer(initTimeout)
	defer timer.Stop()
	select {
	case <-r.asked:
		return res, nil
	case payload := <-r.initErr:
		return r.initFailed(res, payload), nil
	case <-r.exited:
		select {
		case payload := <-r.initErr: // posted before the process ended
			return r.initFailed(res, payload), nil
		default:
			return r.died(res, r.started), nil
		}
	case <-timer.C:
		return res, fmt.Errorf("function did not ask for an invocation within %v", initTimeout)
	case <-ctx.Done():
		return res, ctx.Err()
	}
}

func (r *Runtime) initFailed(res Result, payload []byte) Result {
	res.Payload, res.Failed, res.Ended = payload, true, true
	return r.measured(res, r.started)
}

func (r *Runtime) measured(res Result, began time.Time) Result {
	res.Duration = time.Since(began)
	r.sampleMemory()
	r.output.flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	res.MaxMemoryMB = (r.maxRSS + 1023) / 1024
	return res
}

// died describes a process that ended without an answer.
func (r *Runtime) died(res Result, began time.Time) Result {
	res = r.measured(res, began)
	res.Failed, res.Ended = true, true
	kind, cause := errorExit, "exit status 0"
	if r.exitErr != nil {
		cause = r.exitErr.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.overused {
		kind, cause = errorMemory, "signal: killed"
	}
	res.Payload = errorPayload(kind,
		fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", res.RequestID, cause))
	return res
}

func errorPayload(kind, message string) []byte {
	// Two strings always have a JSON form.
	b, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	return b
}

// Close ends the process and the server.
func (r *Runtime) Close() error {
	select {
	case <-r.exited:
	default:
		_ = r.cmd.Process.Kill()
		<-r.exited
	}
	r.output.close()
	return r.server.Close()
}

const prefix = "/2018-06-01/runtime/"

// serve is the Runtime API.
func (r *Runtime) serve(w http.ResponseWriter, req *http.Request) {
	path, ok := strings.CutPrefix(req.URL.Path, prefix)
	if !ok {
		http.NotFound(w, req)
		return
	}
	parts := strings.Split(path, "/")
	switch {
	case req.Method == http.MethodGet && path == "invocation/next":
		r.serveNext(w, req)
	case req.Method == http.MethodPost && path == "init/error":
		body, _ := io.ReadAll(io.LimitReader(req.Body, MaxResponse))
		select {
		case r.initErr <- body:
		default:
		}
		accepted(w)
	case req.Method == http.MethodPost && len(parts) == 3 && parts[0] == "invocation" &&
		(parts[2] == "response" || parts[2] == "error"):
		r.serveResult(w, req, parts[1], parts[2] == "error")
	default:
		http.NotFound(w, req)
	}
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func (r *Runtime) serveNext(w http.ResponseWriter, req *http.Request) {
	r.askOnce.Do(func() { close(r.asked) })
	select {
	case <-req.Context().Done():
		return
	case inv := <-r.next:
		r.mu.Lock()
		r.current = inv
		r.mu.Unlock()
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn",
			fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", r.cfg.Region, r.cfg.Account, r.cfg.Name))
		h.Set("Lambda-Runtime-Trace-Id",
			fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), randomHex(12), randomHex(8)))
		_, _ = w.Write(inv.event)
	}
}

func (r *Runtime) serveResult(w http.ResponseWriter, req *http.Request, id string, failed bool) {
	body, err := io.ReadAll(io.LimitReader(req.Body, MaxResponse+1))
	r.mu.Lock()
	inv := r.current
	if inv != nil && inv.id == id {
		r.current = nil
	}
	r.mu.Unlock()
	if inv == nil || inv.id != id {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(errorPayload("InvalidRequestID", "Invalid request ID"))
		return
	}
	res := Result{Payload: body, Failed: failed}
	switch {
	case err != nil:
		res = Result{Payload: errorPayload("Function.ResponseBroken", err.Error()), Failed: true}
	case len(body) > MaxResponse:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		inv.done <- Result{
			Payload: errorPayload("Function.ResponseSizeTooLarge",
				"Response payload size exceeded maximum allowed payload size (6291556 bytes)."),
			Failed: true,
		}
		return
	}
	accepted(w)
	inv.done <- res
}

// watchMemory kills a process that takes more than its memory size.
func (r *Runtime) watchMemory() {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.exited:
			return
		case <-tick.C:
			if now := r.sampleMemory(); now > r.cfg.MemoryMB*1024 {
				r.mu.Lock()
				r.overused = true
				r.mu.Unlock()
				_ = r.cmd.Process.Kill()
				return
			}
		}
	}
}

// sampleMemory reads what the process holds now, in KiB, and remembers the most it ever held. Where there is no /proc
// it returns 0.
func (r *Runtime) sampleMemory() int {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(r.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	now, peak := statusField(status, "VmRSS:"), statusField(status, "VmHWM:")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.maxRSS = max(r.maxRSS, now, peak)
	return now
}

func statusField(status []byte, name string) int {
	_, rest, ok := bytes.Cut(status, []byte("\n"+name))
	if !ok {
		return 0
	}
	fields := bytes.Fields(rest[:min(len(rest), 64)])
	if len(fields) == 0 {
		return 0
	}
	n, err := strconv.Atoi(string(fields[0]))
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return n
}
