package runtimeapi_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/runtimeapi"
)

// TestMain lets the test binary be the function: PRETEND says what it does.
func TestMain(m *testing.M) {
	if mode := os.Getenv("PRETEND"); mode != "" {
		pretend(mode, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/")
	}
	os.Exit(m.Run())
}

// pretend is a function written against the developer guide, without the runtime library.
func pretend(mode, api string) {
	post := func(path, body string) int {
		resp, err := http.Post(api+path, "application/json", strings.NewReader(body))
		if err != nil {
			os.Exit(9)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	switch mode {
	case "init-error":
		post("init/error", `{"errorMessage":"no luck","errorType":"Runtime.NoLuck"}`)
		os.Exit(1)
	case "init-exit":
		os.Exit(3)
	}
	for {
		resp, err := http.Get(api + "invocation/next")
		if err != nil {
			os.Exit(9)
		}
		event, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id")
		switch mode {
		case "echo":
			ms, _ := strconv.ParseInt(resp.Header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
			left := time.Until(time.UnixMilli(ms))
			fmt.Println("handled", id) // its log
			post("invocation/"+id+"/response",
				fmt.Sprintf(`{"event":%s,"id":%q,"arn":%q,"trace":%q,"left":%t,"memory":%q}`, event, id,
					resp.Header.Get("Lambda-Runtime-Invoked-Function-Arn"), resp.Header.Get("Lambda-Runtime-Trace-Id"),
					left > 0 && left <= time.Minute, os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")))
		case "error":
			post("invocation/"+id+"/error", `{"errorMessage":"bad event","errorType":"Bad"}`)
		case "exit":
			os.Exit(7)
		case "hang":
			select {}
		case "eat":
			var all [][]byte
			for {
				all = append(all, bytes.Repeat([]byte{1}, 1<<20))
				runtime.KeepAlive(all)
			}
		case "long":
			status := post("invocation/"+id+"/response", `"`+strings.Repeat("x", runtimeapi.MaxResponse)+`"`)
			_, _ = fmt.Fprintln(os.Stderr, "status", status)
		case "lost":
			status := post("invocation/00000000-0000-4000-a000-000000000000/response", `{}`)
			post("invocation/"+id+"/response", fmt.Sprint(status))
		}
	}
}

// output collects what the function prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func start(t *testing.T, mode string, change func(*runtimeapi.Config)) (*runtimeapi.Runtime, *output) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out := &output{}
	cfg := runtimeapi.Config{
		Command: []string{self}, Env: []string{"PRETEND=" + mode}, Name: "gate", Region: "eu-west-1", Account: "123456789012",
		MemoryMB: 256, Timeout: time.Minute, Output: out,
	}
	if change != nil {
		change(&cfg)
	}
	r, err := runtimeapi.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r, out
}

func TestInvocationsFollowEachOtherInOneProcess(t *testing.T) {
	t.Parallel()
	var begun []string
	r, out := start(t, "echo", func(c *runtimeapi.Config) {
		c.Begin = func(id string) { begun = append(begun, id) }
	})
	answer := regexp.MustCompile(`^\{"event":\{"n":(\d)\},"id":"([0-9a-f-]{36})",` +
		`"arn":"arn:aws:lambda:eu-west-1:123456789012:function:gate",` +
		`"trace":"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0","left":true,"memory":"256"\}$`)
	for n := range 3 {
		res, err := r.Invoke(t.Context(), fmt.Appendf(nil, `{"n":%d}`, n))
		if err != nil || res.Failed || res.Ended {
			t.Fatalf("%+v, error %v", res, err)
		}
		m := answer.FindStringSubmatch(string(res.Payload))
		if m == nil || m[1] != fmt.Sprint(n) || m[2] != res.RequestID || begun[n] != res.RequestID {
			t.Errorf("invocation %d, %v: %s", n, begun, res.Payload)
		}
		if (res.Init > 0) != (n == 0) {
			t.Errorf("invocation %d: initialised for %v", n, res.Init)
		}
		if !strings.Contains(out.String(), "handled "+res.RequestID) {
			t.Errorf("its log is missing: %s", out)
		}
	}
}

func TestReportIsTheLineOfThePlatform(t *testing.T) {
	t.Parallel()
	res := runtimeapi.Result{RequestID: "id", Duration: 64870 * time.Microsecond, MemoryMB: 128, MaxMemoryMB: 16}
	got := res.Report()
	want := "REPORT RequestId: id\tDuration: 64.87 ms\tBilled Duration: 65 ms\tMemory Size: 128 MB\tMax Memory Used: 16 MB"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	res.Init = 20 * time.Millisecond
	got = res.Report()
	want = "\tBilled Duration: 85 ms\tMemory Size: 128 MB\tMax Memory Used: 16 MB\tInit Duration: 20.00 ms"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFailuresSayWhoFailed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode, payload, report string
		ended                 bool
	}{
		{"error", `"errorType":"Bad"`, "Max Memory Used: ", false},
		{"exit", `Runtime exited with error: exit status 7`, "Status: error\tError Type: Runtime.ExitError", true},
		{"init-exit", `Runtime exited with error: exit status 3`, "Status: error\tError Type: Runtime.ExitError", true},
		{"init-error", `"errorType":"Runtime.NoLuck"`, "Status: error\tError Type: Runtime.NoLuck", true},
		{"hang", `Task timed out after 0.30 seconds`, "Status: timeout", true},
		{"long", `"errorType":"Function.ResponseSizeTooLarge"`, "Max Memory Used: ", false},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			begun := 0
			r, _ := start(t, tt.mode, func(c *runtimeapi.Config) {
				c.Begin = func(string) { begun++ }
				if tt.mode == "hang" {
					c.Timeout = 300 * time.Millisecond
				}
			})
			res, err := r.Invoke(t.Context(), []byte("{}"))
			if err != nil || !res.Failed || res.Ended != tt.ended || !strings.Contains(string(res.Payload), tt.payload) {
				t.Errorf("%+v %s, error %v", res, res.Payload, err)
			}
			if !strings.Contains(res.Report(), tt.report) || begun != 1 {
				t.Errorf("begun %d times: %s", begun, res.Report())
			}
			if tt.ended {
				if res, err := r.Invoke(t.Context(), []byte("{}")); err == nil && !res.Failed {
					t.Errorf("a process that has ended answers: %s", res.Payload)
				}
			}
		})
	}
}

func TestAFunctionThatTakesTooMuchMemoryIsKilled(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("memory is watched through /proc, which only Linux has")
	}
	r, _ := start(t, "eat", nil)
	res, err := r.Invoke(t.Context(), []byte("{}"))
	if err != nil || !res.Failed || !strings.Contains(string(res.Payload), "Runtime.OutOfMemory") {
		t.Errorf("%s, error %v", res.Payload, err)
	}
	if res.MaxMemoryMB < 256 || !strings.HasSuffix(res.Report(), "Status: error\tError Type: Runtime.OutOfMemory") {
		t.Errorf("%s", res.Report())
	}
}

func TestAnAnswerToAnotherRequestIsRefused(t *testing.T) {
	t.Parallel()
	r, _ := start(t, "lost", nil)
	if res, err := r.Invoke(t.Context(), []byte("{}")); err != nil || string(res.Payload) != "400" {
		t.Errorf("%s, error %v", res.Payload, err)
	}
}

func TestEventsHaveTheirLimit(t *testing.T) {
	t.Parallel()
	r, _ := start(t, "echo", nil)
	if _, err := r.Invoke(t.Context(), make([]byte, runtimeapi.MaxPayload+1)); err == nil {
		t.Error("an event over the limit is taken")
	}
}
