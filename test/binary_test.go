package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/realtest"
)

// summary is what "penstock ship --json" prints at the end.
type summary struct {
	Objects        int64   `json:"objects"`
	Records        int64   `json:"records"`
	Delivered      int64   `json:"delivered"`
	Duplicate      int64   `json:"duplicate"`
	DeadLettered   int64   `json:"dead_lettered"`
	Dropped        int64   `json:"dropped"`
	Unacknowledged int64   `json:"unacknowledged"`
	BytesIn        int64   `json:"bytes_in"`
	Seconds        float64 `json:"seconds"`
}

// shipping is one way from a bucket into a domain.
type shipping struct {
	env     []string // instead of the S3 server's
	url     string   // S3 endpoint
	domain  string
	letters string   // directory of the dead letters
	args    []string // more flags
}

// ship runs the binary and returns its summary. It fails the test unless the run ends with the exit code that the
// summary calls for.
func (s *shipping) ship(t *testing.T, source string) summary {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	args := []string{
		"ship", source, "--domain", s.domain, "--region", "eu-central-1", "--service", "es",
		"--endpoint-url", s.url, "--path-style", "--dead-letters", s.letters, "--json",
	}
	cmd := exec.CommandContext(ctx, penstock, append(args, s.args...)...)
	cmd.Env = append(cmd.Environ(), s.env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %s: %v", cmd, err)
	}
	var got summary
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("ship %s: exit %d: output is not one JSON object: %v\n%s\n%s", source, cmd.ProcessState.ExitCode(), err,
			out.String(), errs.String())
	}
	want := 0
	switch {
	case got.Unacknowledged > 0:
		want = 4
	case got.DeadLettered > 0:
		want = 3
	}
	if code := cmd.ProcessState.ExitCode(); code != want {
		t.Fatalf("ship %s: exit %d, want %d with %+v\n%s", source, code, want, got, errs.String())
	}
	return got
}

// startDomain starts a local IAM-guarded domain that admits the account of the S3 server, and nobody else. Behind the
// gate is the embedded engine, or the one at engine.
func startDomain(t *testing.T, server *realtest.S3, engine string) string {
	t.Helper()
	const user = "arn:aws:iam::123456789012:user/realtest"
	identities := filepath.Join(t.TempDir(), "identities.json")
	text, err := json.Marshal(map[string]any{"users": []any{map[string]any{
		"arn": user, "access_keys": []any{map[string]any{"id": server.AccessKey, "secret": server.SecretKey}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(identities, text, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"domain", "--listen", "127.0.0.1:0", "--access", "iam=" + user, "--identities", identities,
		"--region", server.Region, "--account", "123456789012", "--name", "realtest",
	}
	if engine != "" {
		args = append(args, "--engine", engine)
	}
	return serve(t, args...)
}

// serve starts a server command of the binary, returns the address from its one line on standard output, and ends it
// with the test: by SIGTERM, after which it must exit with 0.
func serve(t *testing.T, args ...string) string {
	t.Helper()
	return serveWith(t, nil, args...)
}

// serveWith is serve with more variables.
func serveWith(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command(penstock, args...)
	if env != nil {
		cmd.Env = append(os.Environ(), env...)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// A server that hangs must not hang the test.
	watchdog := time.AfterFunc(10*time.Minute, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		err := cmd.Wait()
		watchdog.Stop()
		if err != nil {
			t.Errorf("penstock %s: after SIGTERM: %v\n%s", args[0], err, errs.String())
		} else if t.Failed() {
			t.Logf("penstock %s said:\n%s", args[0], tail(errs.String(), 20))
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	address, found := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !found {
		t.Fatalf("penstock %s: first line %q, %v, want listening on …\n%s", args[0], line, err, errs.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return address
}

// letterLines counts the dead letters in a directory, without the binary.
func letterLines(t *testing.T, dir string) map[string]int {
	t.Helper()
	ids := map[string]int{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".dead.ndjson") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			var letter struct {
				ID     string `json:"id"`
				Reason string `json:"reason"`
			}
			if err := json.Unmarshal(line, &letter); err != nil || letter.ID == "" || letter.Reason == "" {
				return fmt.Errorf("%s: a line is no dead letter: %w: %s", name, err, line)
			}
			ids[letter.ID]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func tail(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
