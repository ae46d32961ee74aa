package test

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/decode/avro"
	"github.com/seed56735111/penstock/decode/parquet"
	"github.com/seed56735111/penstock/internal/realtest"
)

//go:embed testdata/tables.py
var tables string

// pyarrow and fastavro write the files, with all their compressions, encodings and types, and read them too: each row
// must be the same JSON here.
func TestTablesAreReadAsOthersReadThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	python := realtest.Python(t, "pyarrow==26.0.1", "fastavro==1.13.1", "cramjam==2.14.0", "backports.zstd==1.8.0")
	cmd := exec.CommandContext(t.Context(), python, "-c", tables, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if len(files) < 40 {
		t.Fatalf("%d files", len(files))
	}
	for _, want := range files {
		path := want[:len(want)-len(".json")]
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var rows decode.Rows
		if filepath.Ext(path) == ".avro" {
			rows, err = avro.Open(bytes.NewReader(file), func(int64) error { return nil })
		} else {
			rows, err = parquet.Open(decode.RandomAccess{ReaderAt: bytes.NewReader(file), Size: int64(len(file))},
				func(int64) error { return nil })
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		compareRows(t, filepath.Base(path), rows, want)
	}
}

func compareRows(t *testing.T, name string, rows decode.Rows, want string) {
	t.Helper()
	f, err := os.Open(want)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	n := 0
	for ; lines.Scan(); n++ {
		row, err := rows.Next(nil)
		if err != nil {
			t.Errorf("%s, row %d: %v", name, n, err)
			return
		}
		if diff := cmp.Diff(parsed(t, lines.Bytes()), parsed(t, row)); diff != "" {
			t.Errorf("%s, row %d (-theirs +ours):\n%s", name, n, diff)
			return
		}
	}
	if row, err := rows.Next(nil); !errors.Is(err, io.EOF) || n == 0 {
		t.Errorf("%s: behind %d rows %s, %v", name, n, row, err)
	}
}

// parsed is JSON with its numbers as they are written, but for what is the same number written in another way.
func parsed(t *testing.T, b []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return plainNumbers(v)
}

func plainNumbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = plainNumbers(e)
		}
	case []any:
		for i, e := range v {
			v[i] = plainNumbers(e)
		}
	case json.Number:
		if f, err := v.Float64(); err == nil && (math.Abs(f) < 1<<53 || strings.ContainsAny(v.String(), ".eE")) {
			return f
		}
	}
	return v
}
