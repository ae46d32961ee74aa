//go:build linux

package test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// The bound that docs/configuration.md promises for the defaults.
const promisedMemory = 96 << 20

// TestShipStaysWithinItsMemory measures the most memory that the shipping process had, as the kernel counts it. The
// parts that need size, not time, are as large here as they ever get; PENSTOCK_TEST_FULL=1 ships ten million records
// instead of one.
func TestShipStaysWithinItsMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("measures the built binary: not with -short")
	}
	records := 1_000_000
	if os.Getenv("PENSTOCK_TEST_FULL") != "" {
		records = 10_000_000
	}
	long := strings.Repeat("a line that is as long as a line may be, with \"quotes\" and \\ to escape, ", 15_900_000/74)
	for _, tt := range []struct {
		name  string
		files map[string]func(w io.Writer)
		item  func(n int64) string // what the domain says of its nth document
		args  []string
		exit  int
		// targets are domains that the files go to in turns, instead of one.
		targets int
	}{
		{
			name:  "four files of lines of 15.9 MB",
			files: copies(4, func(w io.Writer) { repeat(w, 20, func(i int) string { return fmt.Sprintf("%d %s", i, long) }) }),
			item:  storedItem,
		},
		{
			name: "four files of JSON of 15.9 MB",
			files: copies(4, func(w io.Writer) {
				text := strings.ReplaceAll(strings.ReplaceAll(long, `\`, `\\`), `"`, `\"`)
				repeat(w, 20, func(i int) string { return fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, text[:15_800_000]) })
			}),
			item: storedItem,
		},
		{
			name: "300,000 rejections",
			files: copies(4, func(w io.Writer) {
				repeat(w, 75_000, func(i int) string { return fmt.Sprintf(`{"n":"x%d"}`, i) })
			}),
			item: refusedItem,
			args: []string{"--keep-going"},
			exit: 3,
		},
		{
			name: "half of all answered 429",
			files: copies(4, func(w io.Writer) {
				repeat(w, 50_000, func(i int) string { return fmt.Sprintf(`{"n":%d,"text":"%0200d"}`, i, i) })
			}),
			item: func(n int64) string {
				if n%2 == 0 {
					return throttledItem
				}
				return storedItem(n)
			},
		},
		{
			name:  "a bomb",
			files: copies(2, func(w io.Writer) { _, _ = io.CopyN(w, zeros{}, 2<<30) }),
			item:  storedItem,
			exit:  3,
		},
		{
			name:  "four Parquet files with large pages",
			files: copies(4, parquetOf(400, 60_000)),
			item:  storedItem,
		},
		{
			name: "short records",
			files: copies(4, func(w io.Writer) {
				repeat(w, records/4, func(i int) string { return `{"n":` + strconv.Itoa(i) + `}` })
			}),
			item: storedItem,
		},
		{
			name:    "four files of lines of 15.9 MB for two targets",
			files:   copies(4, func(w io.Writer) { repeat(w, 20, func(i int) string { return fmt.Sprintf("%d %s", i, long) }) }),
			item:    storedItem,
			targets: 2,
		},
		{
			name: "a quarter of all answered 429 by four targets",
			files: copies(4, func(w io.Writer) {
				repeat(w, 50_000, func(i int) string { return fmt.Sprintf(`{"n":%d,"text":"%0200d"}`, i, i) })
			}),
			item: func(n int64) string { // fewer: a target waits half a minute for a document alone, not five
				if n%4 == 0 {
					return throttledItem
				}
				return storedItem(n)
			},
			targets: 4,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, write := range tt.files {
				writeGzip(t, filepath.Join(dir, "in", name), write)
			}
			sink := httptest.NewServer(answering(tt.item))
			defer sink.Close()
			to := []string{"--domain", sink.URL, "--no-sign"}
			if tt.targets > 0 {
				to = []string{"--config", targetsInTurn(t, dir, sink.URL, tt.targets)}
			}
			args := append(append([]string{"ship", filepath.Join(dir, "in"), "--index", "logs", "--json"}, to...), tt.args...)
			// On a busy machine the garbage collector runs late: the least of three runs counts.
			peak := int64(math.MaxInt64)
			for attempt := 0; attempt < 3 && peak > promisedMemory; attempt++ {
				letters := filepath.Join(dir, "letters", strconv.Itoa(attempt))
				peak = min(peak, shipMeasured(t, append(args, "--dead-letters", letters), tt.exit))
			}
			if peak > promisedMemory {
				t.Errorf("at most %d MiB of memory, want %d", peak>>20, int64(promisedMemory)>>20)
			}
		})
	}
}

// targetsInTurn writes a configuration by which file 0 goes to the first target, file 1 to the second and so on.
func targetsInTurn(t *testing.T, dir, url string, n int) string {
	t.Helper()
	targets, routes := "targets:\n", "routes:\n"
	for i := range n {
		targets += fmt.Sprintf("  t%d: { domain: '%s/', no_sign: true }\n", i, url)
		var files []string
		for file := i; file < 4; file += n {
			files = append(files, fmt.Sprintf("'**/%d.gz'", file))
		}
		routes += fmt.Sprintf("  - { name: r%d, target: t%d, match: { file: [%s] } }\n", i, i, strings.Join(files, ", "))
	}
	path := filepath.Join(dir, "penstock.yaml")
	routes += "  - { name: rest, skip: 'of no target' }\n"
	if err := os.WriteFile(path, []byte(targets+routes), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// parquetOf writes a file of columns that are as large as they may be for four files at once: a page of each is in
// memory.
func parquetOf(rows, size int) func(w io.Writer) {
	type row struct {
		A, B, C []byte
	}
	return func(w io.Writer) {
		random := rand.NewChaCha8([32]byte{})
		f := parquet.NewGenericWriter[row](w, parquet.PageBufferSize(4<<20), parquet.Compression(&parquet.Zstd))
		for range rows {
			text := make([]byte, size)
			_, _ = random.Read(text)
			_, _ = f.Write([]row{{text[:size/3], text[size/3 : 2*size/3], text[2*size/3:]}})
		}
		_ = f.Close()
	}
}

// shipMeasured runs the program and returns the most memory that it had.
func shipMeasured(t *testing.T, args []string, exit int) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, penstock, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := watchMemory(cmd.Process.Pid)
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exit {
		t.Fatalf("exit %d, want %d\n%s\n%s", code, exit, out.String(), tail(errs.String(), 20))
	}
	if peak == 0 {
		t.Fatal("no memory was measured")
	}
	t.Logf("at most %d MiB, %.1f s CPU, %s", peak>>20, cmd.ProcessState.UserTime().Seconds(), tail(out.String(), 1))
	return peak
}

// watchMemory returns the most memory that a process had, as last seen before its end. The kernel's figure for a child
// is of no use: it begins with the memory of the parent.
func watchMemory(pid int) (peak int64) {
	for {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, rest, ok := strings.Cut(string(text), "VmHWM:")
		if err != nil || !ok {
			return peak // it has ended
		}
		if f := strings.Fields(rest); len(f) > 0 {
			if kb, err := strconv.ParseInt(f[0], 10, 64); err == nil {
				peak = kb << 10
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func copies(n int, write func(io.Writer)) map[string]func(io.Writer) {
	files := map[string]func(io.Writer){}
	for i := range n {
		files[fmt.Sprintf("%d.gz", i)] = write
	}
	return files
}

func repeat(w io.Writer, n int, line func(i int) string) {
	for i := range n {
		_, _ = io.WriteString(w, line(i)+"\n")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func writeGzip(t *testing.T, name string, write func(io.Writer)) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	write(z)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	settle(t, name)
}

func storedItem(int64) string { return `{"create":{"status":201}}` }

const throttledItem = `{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected ` +
	`execution of primary operation"}}}`

// refusedItem is a refusal as long as those of real domains.
func refusedItem(n int64) string {
	return fmt.Sprintf(`{"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse `+
		`field [n] of type [long] in document `+
		`with id '%032d'. Preview of field's value: 'x%d'","caused_by":{"type":"illegal_argument_exception","reason":"For `+
		`input string: \"x%d\""}}}}`, n, n, n)
}

// answering is a domain with a given answer for each document.
func answering(item func(n int64) string) http.Handler {
	var total atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasSuffix(r.URL.Path, "_bulk") {
			_, _ = io.WriteString(w,
				`{"name":"n","cluster_name":"c","version":{"number":"2.19.1","distribution":"opensearch"},"tagline":"x"}`)
			return
		}
		lines := int64(0)
		buf := make([]byte, 64<<10)
		for {
			n, err := r.Body.Read(buf)
			lines += int64(bytes.Count(buf[:n], []byte("\n")))
			if err != nil {
				break
			}
		}
		out := bufio.NewWriter(w)
		defer func() { _ = out.Flush() }()
		_, _ = out.WriteString(`{"took":1,"errors":true,"items":[`)
		for i := range lines / 2 {
			if i > 0 {
				_ = out.WriteByte(',')
			}
			_, _ = out.WriteString(item(total.Add(1)))
		}
		_, _ = out.WriteString(`]}`)
	})
}
