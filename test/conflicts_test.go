package test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

// Values that mappings do not take, on real nodes: mappings that were there, and those that other documents of the same
// run make.
func TestConflictsOnRealNodes(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"3.3.0", "2.19.1", "7.10.2"} {
		t.Run(version, func(t *testing.T) {
			node := realtest.StartOpenSearch(t, version)
			record := func(more string) string { return `{"time":"2026-01-01T00:00:00Z",` + more + `}` }
			made := `{"mappings":{"properties":{"n":{"type":"long"},"t":{"type":"text"},"k":{"type":"keyword"},` +
				`"o":{"properties":{"a":{"type":"ip"}}},"when":{"type":"date"}}}}`
			for _, index := range []string{"old", "left", "texts"} {
				if status, text := askNode(t, node.URL, "PUT /"+index+" "+made); status != 200 {
					t.Fatalf("%d: %s", status, text)
				}
			}
			lines := []string{
				record(`"n":1`), record(`"n":"one"`), record(`"t":{"a":1}`), record(`"o":{"a":"nowhere"}`), record(`"o":"x"`),
				record(`"when":"soon"`), record(`"n.x":1`),
				record(`"k":"` + strings.Repeat("x", 40_000) + `"`),
				// What nobody has mapped yet: the second of each is refused by what the first one makes.
				record(`"new":1`), record(`"new":"text"`), record(`"deep":{"a":1}`), record(`"deep":5`),
			}
			exit, got, said, letters := shipRecords(t, node.URL, "old", lines, "--conflicts", "rename")
			if exit != 0 || got.Delivered != int64(len(lines)) {
				t.Errorf("rename: exit %d, %+v: %s %s", exit, got, said, refusalLetters(t, letters))
			}
			askNode(t, node.URL, "POST /_refresh")
			_, text := askNode(t, node.URL, "GET /old/_search?size=20")
			for _, want := range []string{
				`"n_text":"one"`, `"t_text":"{\"a\":1}"`, `"a_text":"nowhere"`, `"o_text":"x"`, `"when_text":"soon"`,
				`"n_x_text":"1"`, `"new_text":"text"`, `"deep_text":"5"`,
			} {
				if !strings.Contains(string(text), want) {
					t.Errorf("rename: no %s in %.3000s", want, text)
				}
			}
			exit, got, said, _ = shipRecords(t, node.URL, "texts", lines, "--conflicts", "stringify")
			if exit != 3 || got.Delivered != 4 || got.DeadLettered != 8 {
				t.Errorf("stringify: exit %d, %+v: %s", exit, got, said)
			}
			exit, got, said, _ = shipRecords(t, node.URL, "left", lines)
			if exit != 3 || got.Delivered != 3 || got.DeadLettered != 9 {
				t.Errorf("deadletter: exit %d, %+v: %s", exit, got, said)
			}
			// Ids do not depend on the rule.
			exit, got, said, _ = shipRecords(t, node.URL, "left", lines, "--conflicts", "rename")
			if exit != 0 || got.Delivered+got.Duplicate != int64(len(lines)) {
				t.Errorf("rename after deadletter: exit %d, %+v: %s", exit, got, said)
			}
			samples := samplesOfFormats(t)
			letters = filepath.Join(t.TempDir(), "letters")
			all := counted(t, 3, "ship", samples, "--domain", node.URL, "--no-sign", "--json", "--put-templates", "--conflicts",
				"rename", "--index", "logs-{format}-all",
				"--dead-letters", letters)
			// One record has two types under one name by itself: {"sound":[{"a":[1]},{"a":[{"b":2}]}]}. A delete is dropped.
			left := refusalLetters(t, letters)
			if all.Records < 800 || all.Dropped != 1 || all.Delivered != all.Records-2 || len(left) != 1 ||
				!strings.Contains(left[0], "sound.a") {
				t.Errorf("samples of all formats: %+v: %s", all, left)
			}
		})
	}
}
