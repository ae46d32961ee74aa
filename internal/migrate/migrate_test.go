package migrate_test

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/migrate"
)

// configurations are those that the session of the command ships by, with whose they are.
func configurations(t testing.TB) map[string]migrate.Kind {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("..", "..", "cmd", "penstock", "testdata", "script", "migrate.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]migrate.Kind{
		"user.ini": migrate.SIEM, "forwarder.yaml": migrate.Forwarder, "filebeat.yml": migrate.Filebeat,
		"fluent-bit.conf": migrate.FluentBit, "vector.yaml": migrate.Vector, "pipeline.conf": migrate.Logstash,
	}
	found := map[string]migrate.Kind{}
	for _, f := range archive.Files {
		if kind, ok := kinds[f.Name]; ok {
			found[string(f.Data)] = kind
		}
	}
	if len(found) != len(kinds) {
		t.Fatalf("%d configurations found, want %d", len(found), len(kinds))
	}
	return found
}

// Whose a file is is told by what is in it, and every line of it is carried over, noted, or a bracket.
func TestTheProgramIsToldByTheFile(t *testing.T) {
	t.Parallel()
	for text, kind := range configurations(t) {
		r, err := migrate.Read("x", []byte(text), "")
		if err != nil || r.Kind != kind {
			t.Errorf("%s: told as %v, %v", kind, r, err)
		}
	}
	if _, err := migrate.Read("x", []byte("Dear diary\n"), ""); !errors.Is(err, migrate.ErrUnknown) {
		t.Errorf("a diary: %v", err)
	}
}

// Whatever becomes of a configuration passes the check, and its notes stay comments.
func TestWhatIsWrittenPassesTheCheck(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(14, 11))
	odd := []string{
		"", "x", "  x: [", "}", "{", "[alb]", "index_name = Log {Shop}", "    Index  Foo Bar", "index => \"%{a}/*\"", "- 3",
		"    es_datastream_name: 'LOGS'", "domain: x", "\x00", "\u202e", "    Logstash_DateFormat %j", "  regex: '('",
		"s3_key = (", "log_pattern = (?P<a>.*)", "timestamp_format = %j", "    Retry_Limit False", "  - *a", "'", "\"",
	}
	read, refused := 0, 0
	for text, kind := range configurations(t) {
		for range 20 {
			lines := strings.Split(text, "\n")
			for range 1 + random.IntN(3) {
				at := random.IntN(len(lines))
				switch random.IntN(4) {
				case 0:
					lines = slices.Delete(lines, at, at+1)
				case 1:
					lines = slices.Insert(lines, at, odd[random.IntN(len(odd))])
				case 2:
					lines = slices.Insert(lines, at, lines[random.IntN(len(lines))])
				case 3:
					lines[at] = lines[at][:random.IntN(len(lines[at])+1)]
				}
				if len(lines) == 0 {
					lines = []string{""}
				}
			}
			broken := strings.Join(lines, "\n")
			r, err := migrate.Read("x", []byte(broken), kind)
			if err != nil {
				refused++
				continue
			}
			read++
			if _, err := config.Parse("penstock.yaml", r.File); err != nil {
				t.Fatalf("%s\n%s\nbecomes\n%s\nwhich check refuses: %v", kind, broken, r.File, err)
			}
			for line := range strings.Lines(migrate.Comments("x", r.Notes)) {
				if !strings.HasPrefix(line, "#") || strings.ContainsAny(line, "\x00\x1b\u202e") {
					t.Fatalf("%s\n%s\nhas a note that is no comment: %q", kind, broken, line)
				}
			}
		}
	}
	if read < 20 || refused < 20 {
		t.Errorf("%d read and %d refused: the cases are one-sided", read, refused)
	}
}

// FuzzRead holds the same of any text.
func FuzzRead(f *testing.F) {
	for text, kind := range configurations(f) {
		f.Add(text, string(kind))
	}
	f.Add(vectorTOML, string(migrate.Vector))
	f.Fuzz(func(t *testing.T, text, kind string) {
		r, err := migrate.Read("x", []byte(text), migrate.Kind(kind))
		if err != nil {
			return
		}
		if _, err := config.Parse("penstock.yaml", r.File); err != nil {
			t.Fatalf("%s\nwhich check refuses: %v", r.File, err)
		}
	})
}
