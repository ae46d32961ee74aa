//go:build unix

package engine_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed56735111/penstock/engine"
)

// limitVariable makes the test below run with a limit on the size of files, which is what a full disk is like.
const limitVariable = "PENSTOCK_ENGINE_TEST_LIMIT"

func TestWhatTheDiskDoesNotTakeIsNotThere(t *testing.T) {
	if testing.Short() {
		t.Skip("large inputs are left out: -short")
	}
	t.Parallel()
	if os.Getenv(limitVariable) == "" {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestWhatTheDiskDoesNotTakeIsNotThere$")
		cmd.Env = append(os.Environ(), limitVariable+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	const limit = 256 << 10
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Skipf("no limit on the size of files: %v", err)
	}
	dir := t.TempDir()
	e := open(t, engine.Config{Dir: dir})
	must(t, e, "POST", "/_bulk", batch(0, 5, 10))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, text := do(t, e, "POST", "/logs/_search",
					`{"query":{"prefix":{"t":"w"}},"sort":["n"],"aggs":{"n":{"stats":{"field":"n"}}}}`)
				if status != http.StatusOK {
					t.Errorf("a search meanwhile: %d: %s", status, text)
				}
			}
		})
	}
	documents := 5
	for i := 1; i <= 6; i++ {
		large := batch(1000*i, 200, 300)
		if text := must(t, e, "POST", "/_bulk", large); strings.Count(text, `"status":503`) != 200 {
			t.Fatalf("a batch that no file holds: %.500s", text)
		}
		if got := count(t, e, "logs"); got != documents {
			t.Errorf("%d documents after it, want %d", got, documents)
		}
		if text := must(t, e, "POST", "/_bulk", batch(10*i, 5, 10)); strings.Contains(text, `"errors":true`) {
			t.Errorf("a small batch after it: %.500s", text)
		}
		documents += 5
	}
	close(stop)
	readers.Wait()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := count(t, open(t, engine.Config{Dir: dir}), "logs"); got != documents {
		t.Errorf("%d documents on the disk, want %d", got, documents)
	}
}

// batch makes a body that creates documents with many different words.
func batch(from, n, words int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, `{"create":{"_index":"logs","_id":"%d"}}`+"\n"+`{"n":%d,"t":"`, i, i)
		for w := range words {
			fmt.Fprintf(&b, "w%dx%d ", i, w)
		}
		b.WriteString("\"}\n")
	}
	return b.String()
}
