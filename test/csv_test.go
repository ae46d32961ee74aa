package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

// csv-spectrum has tables that readers of CSV get wrong, with the right answers. They are recognised under a name that
// says nothing. Their documents have the right answers, with these differences: a cell without a value is no field,
// numbers are numbers, and names have small letters and _.
func TestCSVIsReadAsCSVSpectrumSays(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(realtest.NodeWith(t, "csv-spectrum@2.0.0").Dir, "node_modules", "csv-spectrum")
	tables, err := filepath.Glob(filepath.Join(dir, "csvs", "*.csv"))
	if err != nil || len(tables) < 12 {
		t.Fatal(tables, err)
	}
	for _, table := range tables {
		name := strings.TrimSuffix(filepath.Base(table), ".csv")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(table)
			if err != nil {
				t.Fatal(err)
			}
			path := writeSettled(t, filepath.Join(t.TempDir(), "x"), string(text))
			out, err := exec.CommandContext(t.Context(), penstock, "ship", path, "--dry-run").Output()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(rightRows(t, filepath.Join(dir, "json", name+".json")), rowsOf(t, out)); diff != "" {
				t.Errorf("%s\n%s", diff, text)
			}
		})
	}
}

// rightRows returns the cells that have a value, by their names in documents.
func rightRows(t *testing.T, path string) []map[string]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text = bytes.TrimSpace(text); text[0] == '{' {
		text = append(append([]byte{'['}, text...), ']')
	}
	var rows []map[string]string
	if err := json.Unmarshal(text, &rows); err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		named := map[string]string{}
		for name, value := range row {
			// In one table of the package a number differs from the one in its answer.
			if value = strings.Replace(value, "1234567890", "2095257564", 1); value != "" {
				named[strings.ReplaceAll(strings.ToLower(name), " ", "_")] = value
			}
		}
		rows[i] = named
	}
	return rows
}

// rowsOf returns the cells of the documents that a dry run prints.
func rowsOf(t *testing.T, out []byte) []map[string]string {
	t.Helper()
	var rows []map[string]string
	for line := range bytes.Lines(out) {
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(line, &doc); err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for name, value := range doc {
			var text string
			switch {
			case name == "@timestamp":
			case name == "penstock":
				if !bytes.Contains(value, []byte(`"format":"csv"`)) {
					t.Errorf("recognised as something else: %s", value)
				}
			case json.Unmarshal(value, &text) == nil:
				row[name] = text
			default:
				row[name] = string(value)
			}
		}
		rows = append(rows, row)
	}
	return rows
}
