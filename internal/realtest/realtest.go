// Package realtest starts real services for tests: an S3 server that checks signatures, OpenSearch and Elasticsearch
// nodes, a stand-in for the AWS services around them, and Python and Node environments with pinned packages.
//
// Everything comes from the public package registries through their own clients, is kept in the caches of those
// clients or in the user's cache directory, runs on the loopback interface without privileges or containers, and ends
// with the test. Where a machine cannot run a service the test is skipped with a reason; with PENSTOCK_REAL=required
// it fails instead, and with PENSTOCK_REAL=0 or -short all of these tests are left out.
package realtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// installTimeout bounds downloads and builds, readyTimeout the start of a service on a busy machine.
	installTimeout = 15 * time.Minute
	readyTimeout   = 2 * time.Minute
	// stopTimeout is what a service gets between SIGTERM and SIGKILL.
	stopTimeout = 20 * time.Second
)

// wanted skips t when real services are not asked for.
func wanted(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("real services are left out: -short")
	}
	if os.Getenv("PENSTOCK_REAL") == "0" {
		t.Skip("real services are left out: PENSTOCK_REAL=0")
	}
}

// unavailable ends a test that this machine cannot run.
func unavailable(t testing.TB, service, reason string, args ...any) {
	t.Helper()
	text := service + " is not available: " + fmt.Sprintf(reason, args...)
	if os.Getenv("PENSTOCK_REAL") == "required" {
		t.Fatal(text)
	}
	t.Skip(text)
}

// run runs a preparing command and returns its standard output.
func run(t testing.TB, cmd *exec.Cmd) (string, error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, lastLines(errs.String()+out.String(), 3))
	}
	return strings.TrimSpace(out.String()), nil
}

// moduleRoot is the directory of the go.mod that the test belongs to.
func moduleRoot(ctx context.Context, t testing.TB) string {
	t.Helper()
	file, err := run(t, exec.CommandContext(ctx, "go", "env", "GOMOD"))
	if err != nil || file == "" || file == os.DevNull {
		t.Fatalf("find module root: %q, %v", file, err)
	}
	return filepath.Dir(file)
}

// installed returns a directory in the user's cache that fill has filled once. The name of the directory follows
// from what goes into it. Processes that fill it at the same time do not see each other's half-done work.
func installed(t testing.TB, name string, ingredients []string, fill func(dir string) error) (string, error) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(ingredients, "\x00")))
	dir := filepath.Join(cache, "penstock-realtest", name+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return "", err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), name+"-new-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	if err := fill(fresh); err != nil {
		return "", err
	}
	if err := os.Rename(fresh, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr != nil {
			return "", err
		}
	}
	return dir, nil
}

// freeAddress is a loopback address that nothing listens on at this moment.
func freeAddress(t testing.TB) (host, port string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find free port: %v", err)
	}
	defer func() { _ = l.Close() }()
	host, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// serve starts a service, returns when url answers anything at all, and ends the service with the test. The service
// is told to end by SIGTERM and, for those that listen to it, by the end of standard input, so that none outlives a
// test process that is killed. What it prints is shown only when the test fails.
func serve(t testing.TB, url, program string, args, env []string) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "service.log"))
	if err != nil {
		t.Fatal(err)
	}
	// Not the test's own context: that one ends before the cleanups, in which tests may still use the service.
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Dir = filepath.Dir(log.Name())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		stop()
		t.Fatalf("start %s: %v", filepath.Base(program), err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		_ = stdin.Close()
		_ = log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s said at last:\n%s", filepath.Base(program), lastLines(string(text), 30))
		}
	})
	if err := answers(ctx, url, ended); err != nil {
		t.Fatalf("start %s: %v", filepath.Base(program), err)
	}
}

// answers waits until url gives an HTTP answer of any status.
func answers(ctx context.Context, url string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-ended:
			return errors.New("it ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("no answer within %s: %w", readyTimeout, err)
		case <-tick.C:
		}
	}
}

// lastLines is the end of a service's output, for a message.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
