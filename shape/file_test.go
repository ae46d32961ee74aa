package shape_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"

	"github.com/seed56735111/penstock"
)

func fileIdentity(key, stem string) penstock.Identity {
	return penstock.Identity{Key: key, Modified: stored, File: penstock.File{Path: key, Stem: stem}}
}

// fileID is the id of the record that ends where the text does.
func fileID(t *testing.T, id penstock.Identity, entryName, text string, offset int64) string {
	t.Helper()
	r := record(`{}`, noon, offset)
	r.Content = penstock.Content(xxh3.HashString128(text))
	doc, err := entry(t, "logs", id, entryName).Shape(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc.ID)
}

// The scheme of files is frozen: another one would double what was shipped before.
func TestIDsOfFilesStayWhatTheyWere(t *testing.T) {
	t.Parallel()
	app := fileIdentity("/var/log/app.log.1", "/var/log/app.log")
	exact := fileIdentity("/var/log/app.log.1", "")
	named := app
	named.File.Machine = "web-1"
	got := []string{
		fileID(t, app, "", "10:00:00 a", 0), fileID(t, app, "", "10:00:00 a\nb", 11), fileID(t, app, "m", "10:00:00 a", 0),
		fileID(t, exact, "", "a", 0), fileID(t, named, "", "10:00:00 a", 0),
	}
	want := []string{
		"EyAkPHKYobzmUynSjZN06A-0", "9--1w1l3eDKYLKZzyNCVCQ-b", "9wDzw96g80_6E2snQU2wug-0", "hKJj3LSAOxuMW9bFjpHSVA-0",
		"-umK3g8yTlbuDSbhFhHtDw-0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	seen := map[string]bool{}
	for _, id := range got {
		seen[id] = true
	}
	if len(seen) != len(got) {
		t.Errorf("ids are equal: %q", got)
	}
	// The name under which the file was met, and what the file system says of it, take no part.
	met := fileIdentity("/var/log/app.log", "/var/log/app.log")
	met.Modified = stored.Add(time.Hour)
	if other := fileID(t, met, "", "10:00:00 a", 0); other != got[0] {
		t.Errorf("another generation's name gives id %s, want %s", other, got[0])
	}
}

func TestAFilesOwnDateChoosesAnIndexAndARotationsDoesNot(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ key, entry, pattern, index, at string }{
		{"/v/app.log", "", "logs-{yyyy.MM.dd}", "logs-undated", "2026-11-25T01:02:03.000Z"},
		{"/v/app.log", "", "logs-{yyyy}.{MM}-x", "logs-undated-x", "2026-11-25T01:02:03.000Z"},
		{"/v/app.log", "", "logs-{yyyy}-{n}-{MM}", "logs-undated-7-", "2026-11-25T01:02:03.000Z"},
		{"/v/app.log", "", "logs", "logs", "2026-11-25T01:02:03.000Z"},
		{"/v/app.log-20261124.gz", "", "logs-{yyyy.MM.dd}", "logs-undated", "2026-11-24T00:00:00.000Z"},
		{"/v/app.log.2026-11-24.1", "", "logs-{yyyy.MM.dd}", "logs-undated", "2026-11-24T00:00:00.000Z"},
		{"/v/0.log.20261124-101112", "", "logs-{yyyy.MM.dd}", "logs-undated", "2026-11-24T00:00:00.000Z"},
		{"/v/app-20261124.log", "", "logs-{yyyy.MM.dd}", "logs-2026.11.24", "2026-11-24T00:00:00.000Z"},
		{"/v/app.2026-11-24.0.log.gz", "", "logs-{yyyy.MM.dd}", "logs-2026.11.24", "2026-11-24T00:00:00.000Z"},
		{"/v/2026/11/24/app.log", "", "logs-{yyyy.MM.dd}", "logs-2026.11.24", "2026-11-24T00:00:00.000Z"},
		{"/v/2026/11/24/app.log-20261124", "", "logs-{yyyy.MM.dd}", "logs-2026.11.24", "2026-11-24T00:00:00.000Z"},
		{"/v/a.tar", "2026/11/24/x", "logs-{yyyy.MM.dd}", "logs-2026.11.24", "2026-11-24T00:00:00.000Z"},
	} {
		doc, err := entry(t, test.pattern, fileIdentity(test.key, "/v/app.log"), test.entry).Shape(
			record(`{"n":7}`, time.Time{}, 0))
		if err != nil {
			t.Fatal(err)
		}
		if doc.Index != test.index || !strings.Contains(string(doc.Body()), `"@timestamp":"`+test.at+`"`) {
			t.Errorf("%s in %s: index %s, want %s: %s", test.key, test.pattern, doc.Index, test.index, doc.Body())
		}
	}
}

func TestRecordsWithAndWithoutATimeAlternateBetweenTheirIndexes(t *testing.T) {
	t.Parallel()
	e := entry(t, "logs-{yyyy.MM.dd}", fileIdentity("/v/app.log", "/v/app.log"), "")
	for i := range 4 {
		at, want := noon, "logs-2026.11.24"
		if i%2 == 1 {
			at, want = time.Time{}, "logs-undated"
		}
		doc, err := e.Shape(record(`{}`, at, int64(i)))
		if err != nil || doc.Index != want {
			t.Errorf("record %d: index %q, error %v, want %s", i, doc.Index, err, want)
		}
	}
	// The same hour with a time and without.
	e = entry(t, "logs-{yyyy.MM.dd}", fileIdentity("/v/app.log", "/v/app.log"), "")
	for _, test := range []struct {
		at   time.Time
		want string
	}{{stored, "logs-2026.11.25"}, {time.Time{}, "logs-undated"}, {stored, "logs-2026.11.25"}} {
		if doc, err := e.Shape(record(`{}`, test.at, 0)); err != nil || doc.Index != test.want {
			t.Errorf("index %q, error %v, want %s", doc.Index, err, test.want)
		}
	}
}
