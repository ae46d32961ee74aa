//go:build unix

package main_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/hostile"
)

// shipping is ship at work on something that it waits for.
type shipping struct {
	*exec.Cmd
	t        *testing.T
	out, err bytes.Buffer
	exited   chan error // how it ended
}

func startShip(t *testing.T, domain string, in io.Reader, args ...string) *shipping {
	t.Helper()
	s := &shipping{t: t, Cmd: exec.Command(binary, append([]string{
		"ship", "--domain", domain, "--no-sign", "--json", "--linger", "200ms", "--index", "idle",
		"--dead-letters", t.TempDir(),
	}, args...)...)}
	s.Stdin, s.Stdout, s.Stderr = in, &s.out, &s.err
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	s.exited = make(chan error, 1)
	go func() { s.exited <- s.Wait() }()
	t.Cleanup(func() { _ = s.Process.Kill() })
	return s
}

// ends wants the process to end soon with an exit code, and returns its counts.
func (s *shipping) ends(code int) (counts struct{ Records, Delivered, Unacknowledged int }) {
	s.t.Helper()
	select {
	case err := <-s.exited:
		exit, ok := errors.AsType[*exec.ExitError](err)
		if err == nil && code != 0 || err != nil && (!ok || exit.ExitCode() != code) {
			s.t.Fatalf("ended with %v, want exit code %d: %s%s", err, code, &s.out, &s.err)
		}
	case <-time.After(20 * time.Second):
		s.t.Fatalf("still running: %s", &s.err)
	}
	if err := json.Unmarshal(s.out.Bytes(), &counts); err != nil {
		s.t.Fatalf("%v: %s", err, &s.out)
	}
	return counts
}

// waitForDocuments waits until there are as many in the index.
func waitForDocuments(t *testing.T, domain string, want int) {
	t.Helper()
	var last string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Post(domain+"/idle/_refresh", "", nil); err == nil {
			_ = resp.Body.Close()
		}
		resp, err := http.Get(domain + "/idle/_count")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		var answer struct{ Count int }
		if last = string(body); json.Unmarshal(body, &answer) == nil && answer.Count == want {
			return
		}
	}
	t.Fatalf("no %d documents: %s", want, last)
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(); _ = w.Close() })
	return r, w
}

func openDomain(t *testing.T) string {
	t.Helper()
	return serve(t, "domain", "--listen", "127.0.0.1:0", "--access", "open")
}

// Nothing that has come is held back while the pipe idles: neither what is less than a sample, nor the last event,
// which might go on with the next line.
func TestAnIdlePipeHoldsNothingBack(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string][]string{
		"text":             {"2026-11-27 10:00:00 a\n2026-11-27 10:00:01 b\n\tat x\n", "2026-11-27 10:00:02 c\n"},
		"lines":            {"a\nb\n", "c\n"},
		"ndjson":           {`{"n":1}` + "\n" + `{"n":2}` + "\n", `{"n":3}` + "\n"},
		"without line end": {`{"n":1}{"n":2}`, `{"n":3}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			domain := openDomain(t)
			r, w := pipe(t)
			s := startShip(t, domain, r, "-")
			for i, part := range parts {
				_, _ = w.WriteString(part)
				waitForDocuments(t, domain, 2+i)
			}
			if err := s.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if c := s.ends(4); c.Records != 3 || c.Delivered != 3 || c.Unacknowledged != 0 {
				t.Errorf("counts %+v", c)
			}
		})
	}
}

// What a compressor has flushed is as good as what was never compressed.
func TestAnIdleCompressedPipeHoldsNothingBack(t *testing.T) {
	t.Parallel()
	domain := openDomain(t)
	r, w := pipe(t)
	s := startShip(t, domain, r, "-")
	z := gzip.NewWriter(w)
	for i, line := range []string{"2026-11-27 10:00:00 a\n", "2026-11-27 10:00:01 b\n"} {
		_, _ = io.WriteString(z, line)
		_ = z.Flush()
		waitForDocuments(t, domain, 1+i)
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if c := s.ends(4); c.Records != 2 || c.Delivered != 2 {
		t.Errorf("counts %+v: %s", c, &s.err)
	}
}

// The second signal ends the process at once: here the first one waits for a domain that does not answer.
func TestTheSecondSignalEndsTheProcess(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	stalls := httptest.NewServer(&hostile.Domain{Answer: func(_ http.ResponseWriter, r *hostile.BulkRequest) bool {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-r.Context().Done()
		return true
	}})
	t.Cleanup(stalls.Close)
	r, w := pipe(t)
	s := startShip(t, stalls.URL, r, "-", "--grace", "1h")
	_, _ = w.WriteString("2026-11-27 10:00:00 a\n2026-11-27 10:00:01 b\n")
	select {
	case <-asked:
	case err := <-s.exited:
		t.Fatalf("ended with %v: %s", err, &s.err)
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.exited:
		t.Fatalf("the first signal ended it: %s", &s.err)
	case <-time.After(500 * time.Millisecond):
	}
	if err := s.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if c := s.ends(4); c.Records != 2 || c.Unacknowledged != 2 {
		t.Errorf("counts %+v: %s", c, &s.err)
	}
}

// The first signal ends what waits for a pipe, and what had come from it is delivered.
func TestSIGTERMEndsWhatWaitsForAPipe(t *testing.T) {
	t.Parallel()
	domain := openDomain(t)
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skipf("no FIFO here: %v", err)
	}
	r, w := pipe(t)
	for name, s := range map[string]*shipping{
		"idle standard input":                  startShip(t, domain, r, "-"),
		"FIFO without a writer":                startShip(t, domain, nil, fifo),
		"idle standard input, signals twice":   startShip(t, domain, r, "-"),
		"FIFO without a writer, signals twice": startShip(t, domain, nil, fifo),
	} {
		time.Sleep(300 * time.Millisecond) // it does not matter when the signal comes, but most of the way there is better
		if err := s.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "twice") {
			_ = s.Process.Signal(syscall.SIGINT) // it may have ended
		}
		if c := s.ends(4); c.Records != 0 {
			t.Errorf("%s: counts %+v", name, c)
		}
		if text := s.err.String(); !strings.Contains(text, "was at its end") {
			t.Errorf("%s: %s", name, text)
		}
	}
	_ = w.Close()
}

// A line that is not whole when the signal comes is no record, and the lines before it are delivered without waiting.
func TestSIGTERMDeliversWhatAPipeHasGiven(t *testing.T) {
	t.Parallel()
	domain := openDomain(t)
	r, w := pipe(t)
	s := startShip(t, domain, r, "-", "--linger", "1h")
	_, _ = w.WriteString("2026-11-27 10:00:00 a\n2026-11-27 10:00:01 b\n2026-11-27 10:0")
	time.Sleep(time.Second)
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if c := s.ends(4); c.Records != 2 || c.Delivered != 2 {
		t.Errorf("counts %+v: %s", c, &s.err)
	}
}

func TestADryRunOfAnIdlePipeShowsWhatHasCome(t *testing.T) {
	t.Parallel()
	r, w := pipe(t)
	cmd := exec.Command(binary, "ship", "-", "--dry-run", "--linger", "200ms")
	cmd.Stdin = r
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	_, _ = w.WriteString(`{"n":1}` + "\n")
	got := make(chan string, 1)
	go func() {
		buf := make([]byte, 1000)
		n, _ := out.Read(buf)
		got <- string(buf[:n])
	}()
	select {
	case text := <-got:
		if !strings.Contains(text, `"n":1`) {
			t.Errorf("%q", text)
		}
	case <-time.After(20 * time.Second):
		t.Error("nothing is shown")
	}
}
