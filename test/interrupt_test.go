package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lines makes files of records and returns their directory and how many records there are.
func lines(t *testing.T, files, each int) (dir string, records int64) {
	t.Helper()
	dir = t.TempDir()
	for f := range files {
		var text bytes.Buffer
		for r := range each {
			fmt.Fprintf(&text, `{"time":"2015-11-19T08:00:00Z","file":%d,"n":%d,"text":"%s"}`+"\n", f, r,
				strings.Repeat("x", 200))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.ndjson", f)), text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, int64(files * each)
}

// openDomain starts a domain that admits everybody and has the faults.
func openDomain(t *testing.T, faults string) *domainClient {
	t.Helper()
	args := []string{"domain", "--listen", "127.0.0.1:0", "--access", "open"}
	if faults != "" {
		args = append(args, "--fault", faults)
	}
	return &domainClient{url: serve(t, args...)}
}

// shipFiles is the command that ships a directory in many small requests.
func shipFiles(dir, domain, letters string) *exec.Cmd {
	return exec.Command(penstock, "ship", dir, "--domain", domain, "--no-sign", "--json", "--dead-letters", letters,
		"--batch-docs", "100", "--index", "kill-{yyyy}")
}

// found counts documents, of which there may be none yet.
func (c *domainClient) found(t *testing.T) int64 {
	t.Helper()
	out, err := exec.Command(penstock, "request", "POST", "/kill-*/_refresh", "--domain", c.url,
		"--no-sign").CombinedOutput()
	if err != nil {
		t.Fatalf("refresh: %v: %s", err, out)
	}
	var answer struct{ Count int64 }
	c.call(t, "GET", "/kill-*/_count", "", &answer)
	return answer.Count
}

// waitFor polls until some documents are there.
func (c *domainClient) waitFor(t *testing.T, n int64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); c.found(t) < n; {
		if time.Now().After(deadline) {
			t.Fatalf("%d documents did not arrive within a minute", n)
		}
	}
}

func TestKilledHalfWayAndRunAgainEveryRecordArrivesOnce(t *testing.T) {
	t.Parallel()
	dir, records := lines(t, 40, 500)
	domain := openDomain(t, "latency=20ms")
	letters := t.TempDir()
	var before int64
	for attempt := 1; ; attempt++ {
		cmd := shipFiles(dir, domain.url, letters)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		domain.waitFor(t, before+500)
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		before = domain.found(t)
		if attempt == 3 {
			break
		}
	}
	if before == 0 || before >= records {
		t.Fatalf("killed with %d of %d records delivered: not half-way", before, records)
	}
	out, err := shipFiles(dir, domain.url, letters).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got summary
	decodeSummary(t, out, &got)
	// What the killed run had under way may have arrived after the count.
	if got.Records != records || got.Delivered+got.Duplicate != records || got.Duplicate < before {
		t.Errorf("run again: %+v, want %d records, at least %d of them duplicates", got, records, before)
	}
	if n := domain.found(t); n != records {
		t.Errorf("the domain holds %d documents, want %d", n, records)
	}
}

func TestOneInterruptFinishesWhatIsInHandAndTwoStop(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		interrupts int
	}{{"once", 1}, {"twice", 2}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, records := lines(t, 200, 200)
			domain := openDomain(t, "latency=50ms")
			cmd := shipFiles(dir, domain.url, t.TempDir())
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			domain.waitFor(t, 500)
			for range test.interrupts {
				if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
					t.Fatal(err)
				}
				time.Sleep(50 * time.Millisecond) // two signals of a kind may be delivered as one
			}
			err := cmd.Wait()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok || exit.ExitCode() != 4 {
				t.Fatalf("ended with %v, want exit code 4: %s", err, errs.String())
			}
			var got summary
			decodeSummary(t, out.Bytes(), &got)
			sum := got.Delivered + got.Duplicate + got.DeadLettered + got.Dropped + got.Unacknowledged
			if sum != got.Records || got.Records >= records {
				t.Errorf("counts do not add up, or nothing was cut short: %+v of %d", got, records)
			}
			if test.interrupts == 1 && got.Unacknowledged != 0 {
				t.Errorf("one interrupt: %d records unacknowledged, want what was in hand to be finished", got.Unacknowledged)
			}
			if n := domain.found(t); n < got.Delivered || test.interrupts == 1 && n != got.Delivered {
				t.Errorf("the domain holds %d documents, the run says %d", n, got.Delivered)
			}
		})
	}
}

func decodeSummary(t *testing.T, text []byte, into *summary) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("output is not one JSON object: %v: %s", err, text)
	}
}

// A record that the domain refuses and that cannot be put away leaves its source un-acknowledged.
func TestFullDiskUnderTheDeadLettersLosesNothing(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("a small file system can be mounted by root on Linux only")
	}
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", disk).Run() })
	domain := openDomain(t, "")
	dir := t.TempDir()
	text := `{"time":"2015-11-19T08:00:00Z","n":1}` + "\n" +
		`{"time":"2015-11-19T08:00:00Z","n":"` + strings.Repeat("poison ", 5000) + `"}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "a.ndjson"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := shipFiles(dir, domain.url, filepath.Join(disk, "letters"))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 4 {
		t.Fatalf("ended with %v, want exit code 4: %s", err, errs.String())
	}
	var got summary
	decodeSummary(t, out, &got)
	if got.Records != 2 || got.Delivered != 1 || got.Unacknowledged != 1 || got.DeadLettered != 0 {
		t.Errorf("got %+v, want one record delivered and one unacknowledged", got)
	}
	for _, want := range []string{
		"penstock: error: ", "store dead letter", "no space left on device", "penstock: hint: free space",
	} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("standard error lacks %q:\n%s", want, errs.String())
		}
	}
	// With room elsewhere the same command finishes the work.
	cmd = shipFiles(dir, domain.url, filepath.Join(t.TempDir(), "letters"))
	out, err = cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 3 {
		t.Fatalf("run again: %v, want exit code 3", err)
	}
	decodeSummary(t, out, &got)
	if got.Records != 2 || got.Duplicate != 1 || got.DeadLettered != 1 || got.Unacknowledged != 0 {
		t.Errorf("run again: %+v, want one duplicate and one dead letter", got)
	}
}
