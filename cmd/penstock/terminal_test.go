//go:build linux

package main_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
	"unsafe"
)

// openTerminal returns the two ends of a terminal of that many columns: what a person has before them, and what a
// program writes to.
func openTerminal(t *testing.T, columns uint16) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no terminal can be opened here: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() })
	ioctl := func(request uintptr, arg unsafe.Pointer) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, person.Fd(), request, uintptr(arg)); errno != 0 {
			t.Fatalf("ioctl %#x: %v", request, errno)
		}
	}
	var number, unlocked uint32
	ioctl(syscall.TIOCGPTN, unsafe.Pointer(&number))
	ioctl(syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	size := [4]uint16{40, columns}
	ioctl(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, program
}

// onTerminal runs penstock on a terminal and returns all that a person saw. seen is called with it whenever there is
// more.
func onTerminal(
	t *testing.T, columns uint16, seen func(text string, p *os.Process), args ...string,
) (text string, code int) {
	t.Helper()
	person, program := openTerminal(t, columns)
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = program, program
	cmd.Env = []string{"HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true", "TZ=UTC"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = program.Close()
	var all bytes.Buffer
	buf := make([]byte, 4096)
	for {
		n, err := person.Read(buf)
		all.Write(buf[:n])
		if seen != nil {
			seen(all.String(), cmd.Process)
		}
		if err != nil {
			break // EIO: the program has ended
		}
	}
	_ = cmd.Wait()
	return strings.ReplaceAll(all.String(), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}

// shown are the lines that a person saw, those that were overwritten included.
func shown(text string) []string {
	return strings.Split(strings.ReplaceAll(text, "\r\x1b[K", "\n"), "\n")
}

// An answer of JSON is indented for a person, and ends with a newline.
func TestJSONIsIndentedOnATerminal(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		_, _ = io.WriteString(w, `{"took":1,"hits":[{"_id":"\u001b"}]}`)
	}))
	t.Cleanup(srv.Close)
	text, code := onTerminal(t, 80, nil, "request", "--no-sign", srv.URL+"/")
	want := "{\n  \"took\": 1,\n  \"hits\": [\n    {\n      \"_id\": \"\\u001b\"\n    }\n  ]\n}\n"
	if text != want || code != 0 {
		t.Errorf("%d %q, want %q", code, text, want)
	}
	piped, err := exec.Command(binary, "request", "--no-sign", srv.URL+"/").Output()
	if err != nil || string(piped) != `{"took":1,"hits":[{"_id":"\u001b"}]}` {
		t.Errorf("in a pipe: %q, %v", piped, err)
	}
}

func TestOutputFitsATerminalOf80Columns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, strings.Repeat("a-long-name-", 12)+".log")
	if err := os.WriteFile(file, []byte("{\"time\":\"2015-11-19T08:00:00Z\",\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"+
		"{\"n\":4}\nnot JSON at all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"formats"},
		{"ship", dir, "--dry-run", "--all", "--drop", "n=2"},
		{"domain", "identity", "list", "--identities", identities(t)},
	} {
		for _, columns := range []uint16{80, 120} {
			text, code := onTerminal(t, columns, nil, args...)
			if code != 0 {
				t.Errorf("%v: exit code %d\n%s", args, code, text)
			}
			rows := 0
			for _, line := range shown(text) {
				if !strings.HasPrefix(line, "  ") {
					continue // documents and notes: the terminal breaks them
				}
				rows++
				if n := utf8.RuneCountInString(line); n > int(columns) {
					t.Errorf("%v on %d columns: %d in %q", args, columns, n, line)
				}
			}
			if rows == 0 {
				t.Errorf("%v: no table in\n%s", args, text)
			}
		}
	}
}

func identities(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "identities.json")
	role := exec.Command(binary, "domain", "identity", "create", "role", strings.Repeat("shipper-", 7), "--identities",
		file)
	if out, err := role.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

func TestAPersonSeesHowFarARunIsAndHowItDrains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 200 {
		lines := strings.Repeat("{\"time\":\"2015-11-19T08:00:00Z\",\"n\":1}\n", 500)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.ndjson", i)), []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	domain := serve(t, "domain", "--listen", "127.0.0.1:0", "--access", "open", "--fault", "latency=200ms,429@20%")
	interrupted := false
	progress := regexp.MustCompile(`kB of [0-9.]+ MB, [0-9]+ %`)
	text, code := onTerminal(t, 80, func(text string, p *os.Process) {
		if !interrupted && progress.MatchString(text) && strings.Contains(text, "retrying") {
			interrupted = true
			_ = p.Signal(os.Interrupt)
		}
	}, "ship", dir, "--domain", domain, "--no-sign", "--workers", "1", "--max-in-flight", "2", "--batch-docs", "500")
	if code != 4 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{
		"penstock: draining, for 30s at most; again to stop at once\n",
		"  draining  ", // in the status line, after others
		"records = ", "penstock: everything up to and including " + dir, "is settled\n",
		"penstock: error: interrupted before the source was at its end\n",
	} {
		// With or without the colour of trouble, which depends on the terminal.
		if !strings.Contains(strings.NewReplacer("\r\x1b[K", "  ", "\x1b[1;31m", "", "\x1b[0m", "").Replace(text), want) {
			t.Errorf("nobody saw %q in\n%q", want, text)
		}
	}
	for _, line := range shown(text) {
		isLog := strings.HasPrefix(line, "time=") || strings.HasPrefix(line, "penstock: ")
		if n := utf8.RuneCountInString(line); n > 80 && !isLog {
			t.Errorf("%d columns: %q", n, line)
		}
		if !isLog && (strings.Contains(line, "level=INFO") || strings.Contains(line, "penstock: ")) {
			t.Errorf("a log line is glued to the status: %q", line)
		}
	}
	if strings.Count(text, "\r\x1b[K  format  objects") != 1 {
		t.Errorf("the summary does not take the place of the status:\n%q", text)
	}
}
