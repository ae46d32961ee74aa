package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed56735111/penstock/domaintest"
	"github.com/seed56735111/penstock/domaintest/embedded"
	"github.com/seed56735111/penstock/internal/bucket"
)

// Each archive in testdata/migrated has a configuration of another shipper, objects or files, and the documents that
// its documentation says it would index: the pages are named in the archive. What is shipped by our configuration has
// the same fields, and docs/migrate.md has a row for every field that is different.
func TestMigratedConfigurationsIndexTheSameFields(t *testing.T) {
	for name, section := range map[string]string{
		"siem": "SIEM on OpenSearch", "elastic-serverless-forwarder": "elastic-serverless-forwarder",
		"filebeat": "Filebeat", "fluent-bit": "Fluent Bit", "vector": "Vector", "logstash": "Logstash",
	} {
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join("testdata", "migrated", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			there := documentsOf(t, archive)
			here := shipMigrated(t, archive)
			if len(here) != len(there) {
				t.Fatalf("%d documents, want %d: %v", len(here), len(there), here)
			}
			rows := differingFields(t, section)
			for i := range there {
				compareMigrated(t, i, here[i], there[i], rows)
			}
			for _, r := range rows {
				if !r.used {
					t.Errorf("docs/migrate.md has a row for %s of %s that no document needs", r.there, section)
				}
			}
		})
	}
}

// shipMigrated makes our configuration of the one in the archive, ships by it, and returns the documents, flat, in the
// order of their objects.
func shipMigrated(t *testing.T, archive *txtar.Archive) []map[string]any {
	t.Helper()
	dir := t.TempDir()
	store, err := bucket.New("acme-logs")
	if err != nil {
		t.Fatal(err)
	}
	s3 := httptest.NewServer(store)
	defer s3.Close()
	source, foreign := "s3://acme-logs/", ""
	for _, f := range archive.Files {
		path := filepath.Join(dir, f.Name)
		switch key, isObject := strings.CutPrefix(f.Name, "s3/"); {
		case isObject:
			if err := store.Put(key, f.Data); err != nil {
				t.Fatal(err)
			}
			continue
		case strings.HasPrefix(f.Name, "files/"):
			source = filepath.Dir(path)
		case foreign == "":
			foreign = path
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	ours := filepath.Join(dir, "penstock.yaml")
	text := run(t, "migrate", foreign)
	if err := os.WriteFile(ours, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	domain := embedded.Start(t, domaintest.Config{})
	domain.Setenv(domain.Credentials())
	run(t, "ship", source, "--config", ours, "--domain", domain.URL, "--region", domain.Region, "--endpoint-url", s3.URL,
		"--path-style", "--role-arn=", "--dead-letters", filepath.Join(dir, "letters"))
	var all []map[string]any
	for _, d := range domain.Documents("*") {
		fields := flat(t, d.Fields)
		fields["_index"] = d.Index
		all = append(all, fields)
	}
	slices.SortFunc(all, func(a, b map[string]any) int {
		place := func(m map[string]any) string { return fmt.Sprint(m["aws.s3.key"], m["penstock.file"]) }
		offset := func(m map[string]any) float64 {
			n, _ := m["penstock.offset"].(json.Number)
			f, _ := n.Float64()
			return f
		}
		return cmp.Or(strings.Compare(place(a), place(b)), cmp.Compare(offset(a), offset(b)))
	})
	return all
}

// run runs a command that has to succeed, and returns what it prints.
func run(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	if code := Main(args, Streams{In: strings.NewReader(""), Out: &out, Err: &errs}); code != 0 {
		t.Fatalf("penstock %s ends with %d: %s%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
	return out.String()
}

// documentsOf are those that the other program would index.
func documentsOf(t *testing.T, archive *txtar.Archive) (all []map[string]any) {
	t.Helper()
	for _, f := range archive.Files {
		if f.Name != "peer.ndjson" {
			continue
		}
		for line := range bytes.Lines(f.Data) {
			all = append(all, flat(t, line))
		}
	}
	return all
}

// flat is a document with the names of members inside joined by dots.
func flat(t *testing.T, document []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	all := map[string]any{}
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for name, v := range m {
			if inner, ok := v.(map[string]any); ok {
				walk(prefix+name+".", inner)
				continue
			}
			all[prefix+name] = v
		}
	}
	walk("", doc)
	return all
}

// fieldRow is a row of a table in docs/migrate.md: fields there, and what becomes of them here.
type fieldRow struct {
	there, here string
	fields      []string
	used        bool
}

var inBackticks = regexp.MustCompile("`([^`]+)`")

// differingFields are the rows of the table of fields in the section of a program.
func differingFields(t *testing.T, section string) (rows []*fieldRow) {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "migrate.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "\n## From "+section+"\n")
	if !ok {
		t.Fatalf("docs/migrate.md has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	_, table, ok := strings.Cut(text, "\n| field there | here |\n| --- | --- |\n")
	if !ok {
		t.Fatalf("the section %q of docs/migrate.md has no table of fields", section)
	}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) != 2 {
			break
		}
		d := &fieldRow{there: strings.TrimPrefix(cells[0], "| "), here: strings.TrimSuffix(cells[1], " |")}
		for _, m := range inBackticks.FindAllStringSubmatch(d.there, -1) {
			d.fields = append(d.fields, m[1])
		}
		rows = append(rows, d)
	}
	return rows
}

// isFor reports whether a row is about a field.
func (d *fieldRow) isFor(field string) bool {
	return slices.ContainsFunc(d.fields, func(f string) bool {
		prefix, all := strings.CutSuffix(f, ".*")
		return f == field || all && strings.HasPrefix(field, prefix+".")
	})
}

// compareMigrated compares a document with that of the other program.
func compareMigrated(t *testing.T, n int, here, there map[string]any, rows []*fieldRow) {
	t.Helper()
	named := map[string]bool{}
	anyField := false
	for _, field := range slices.Sorted(maps.Keys(there)) {
		value := there[field]
		if sameValue(here[field], value) {
			continue
		}
		at := slices.IndexFunc(rows, func(d *fieldRow) bool { return d.isFor(field) })
		if at < 0 {
			t.Errorf("document %d: %s is %v, want %v, and docs/migrate.md has no row for it", n, field, here[field], value)
			continue
		}
		rows[at].used = true
		ours := inBackticks.FindAllStringSubmatch(rows[at].here, -1)
		anyField = anyField || strings.Contains(rows[at].here, "fields of the record")
		isThere := !strings.HasPrefix(rows[at].here, "`")
		for _, m := range ours {
			named[m[1]] = true
			isThere = isThere || sameValue(here[m[1]], value)
		}
		if !isThere {
			t.Errorf("document %d: %s is %v there, and what is said to have it here has not: %v", n, field, value, here)
		}
	}
	for _, field := range slices.Sorted(maps.Keys(here)) {
		_, isThere := there[field]
		ofAll := strings.HasPrefix(field, "penstock.") || strings.HasPrefix(field, "aws.s3.")
		if isThere || anyField || ofAll || named[field] {
			continue
		}
		at := slices.IndexFunc(rows, func(d *fieldRow) bool {
			return len(d.fields) == 0 && strings.Contains(d.here, "`"+field+"`")
		})
		if at < 0 {
			t.Errorf("document %d: %s is %v, and the other program has no such field", n, field, here[field])
			continue
		}
		rows[at].used = true
	}
}

// sameValue compares values as an index does: numbers and times by what they are.
func sameValue(a, b any) bool {
	x, isNumber := a.(json.Number)
	y, ok := b.(json.Number)
	if isNumber && ok {
		f, _ := x.Float64()
		g, _ := y.Float64()
		return f == g
	}
	s, isText := a.(string)
	u, ok := b.(string)
	if isText && ok {
		p, perr := time.Parse(time.RFC3339, s)
		q, qerr := time.Parse(time.RFC3339, u)
		return s == u || perr == nil && qerr == nil && p.Equal(q)
	}
	return fmt.Sprint(a) == fmt.Sprint(b) && a != nil
}
