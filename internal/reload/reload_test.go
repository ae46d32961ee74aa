package reload_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock/internal/reload"
)

func TestAFileIsFollowedAndFailsClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "names")
		write := func(text string, mode os.FileMode) {
			t.Helper()
			if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Second)
		}
		var log bytes.Buffer
		cfg := reload.Config[string]{
			What: "names", Path: path, Private: true, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Parse: func(b []byte) (string, error) {
				if string(b) == "bad" {
					return "", errors.New("it is bad")
				}
				return string(b), nil
			},
		}
		if _, err := reload.Open(cfg); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a file that is not there: %v", err)
		}
		write("bad", 0o600)
		if _, err := reload.Open(cfg); err == nil || !strings.Contains(err.Error(), "read names: "+path+": it is bad") {
			t.Errorf("a file that is not valid: %v", err)
		}
		write("one", 0o600)
		f, err := reload.Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		check := func(want string) {
			t.Helper()
			if got, err := f.Get(); got != want || (err == nil) != (want != "") {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		}
		check("one")
		write("three", 0o600)
		check("three")
		write("bad", 0o600)
		check("")
		write("four", 0o600)
		check("four")
		write(strings.Repeat("x", 1<<20+1), 0o600)
		check("")
		if runtime.GOOS != "windows" {
			write("five", 0o640)
			check("")
			if _, err := f.Get(); !reload.IsMode(err) {
				t.Errorf("a file of the mode 0640: %v", err)
			}
			write("five", 0o600) // the mode alone is another state
			check("five")
		}
		_ = os.Remove(path)
		time.Sleep(2 * time.Second)
		check("")
		write("one", 0o600)
		check("one")
		if text := log.String(); !strings.Contains(text, "it is bad") || !strings.Contains(text, "file read") {
			t.Errorf("the log says %s", text)
		}
	})
}
