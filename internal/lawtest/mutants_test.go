package lawtest

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a broken variant of the program.
type mutant struct {
	name     string
	file     string // below the module's root
	old, new string
}

// mutants are what CONTRIBUTING.md lists: variants that each lose, double or miscount something.
var mutants = []mutant{
	{"an item is acknowledged whatever became of it", "run.go", "	r.settle(ctx, item, err)\n	for _, h", "	r.settle(ctx, item, nil)\n	for _, h"},
	{"a reading that breaks off counts as the end", "run.go", "			return h.abandon(ctx, place, err)\n		}\n		if err != nil {", "			return nil\n		}\n		if err != nil {"},
	{"a dead letter that cannot be stored is forgotten", "run.go", "	if err := store.Put(ctx, b.held...); err != nil {\n		return &LetterError{Err: err}\n	}", "	_ = store.Put(ctx, b.held...)"},
	{"a record that is too long is passed over", "run.go", "			err = h.recordError(ctx, place, re)\n", "			err = nil\n"},
	{"fewer items than documents are taken for all", "bulk/send.go", "case n != len(b.docs):", "case n > len(b.docs):"},
	{"items about other documents are believed", "bulk/send.go", "	case mismatch:", "	case mismatch && len(b.docs) == 0:"},
	{"a truncated answer is believed as far as it goes", "bulk/response.go", "	if err != nil || !found || s.at != len(s.b) {", "	if !found {"},
	{"items that the domain throttled are not sent again", "bulk/send.go", "		case retry, throttled, blocked, suspect, unknown:\n			return true", "		case retry, blocked, suspect, unknown:\n			return true"},
	{"a passing failure of an item is taken for its last word", "bulk/classify.go", "	{0, \"node_not_connected_exception\", \"\", retry,", "	{0, \"node_not_connected_exception\", \"\", poison,"},
	{"what was there already counts as delivered", "bulk/classify.go", "	{409, \"version_conflict_engine_exception\", \"\", duplicate,", "	{409, \"version_conflict_engine_exception\", \"\", delivered,"},
	{"documents are written with index instead of create", "bulk/batch.go", "newAction(\"create\", b.indexes[i], cfg), ", "newAction(\"index\", b.indexes[i], cfg), "},
	{"a request body is used again while the transport may read it", "bulk/send.go", "	if b.lease.free() && cap", "	if cap"},
	{"the first half of a request that is too large is forgotten", "bulk/batch.go", "{b.pick(0, half, nil), b.pick(half", "{b.pick(half"},
	{"the refusals of an index are dead letters", "bulk/classify.go", "	{0, \"index_closed_exception\", \"\", indexFault,", "	{0, \"index_closed_exception\", \"\", poison,"},
	{"a document that the domain dropped counts as delivered", "bulk/classify.go", "		return dropped // create", "		return delivered // create"},
	{"a document that fails by itself is sent again for ever", "bulk/send.go", "e.rounds >= suspectRounds && others", "e.rounds >= suspectRounds && !others"},
	{"a document that fails once is a dead letter", "bulk/send.go", "const suspectRounds = 3", "const suspectRounds = 1"},
	{"documents beside a malformed one are dead letters", "bulk/send.go", "	return round{parts: b.halves()}\n}", "	return w.rejectAll(b, e)\n}"},
	{"a malformed document is forgotten", "bulk/send.go", "		w.rejectAll(l.batch, l.err)\n", "		s := newSettlement(w, l.batch)\n		s.counted(0, delivered)\n		s.done()\n"},
	{"the brake stores the letters that it holds back", "run.go", "	mayStore := failed == nil\n", "	mayStore := true\n"},
	{"the brake sends what did not match the format", "run.go", "	if !hold || h.object.Once || h.replace {", "	if hold || h.object.Once || h.replace {"},
	{"what the brake held back is forgotten", "run.go", "	unknown, unstored := d.added-out.Known()+int64(len(d.held)), out.Rejected-stored\n", "	d.held = nil\n	unknown, unstored := d.added-out.Known(), out.Rejected-stored\n"},
}

// TestBrokenVariantsAreCaught shows that the law can fail: it breaks the program in one place at a time and runs TestLaw.
func TestBrokenVariantsAreCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the package once for each broken variant: left out with -short")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(strings.ReplaceAll(m.name, " ", "-"), func(t *testing.T) {
			overlay := m.overlay(t, root)
			cmd := exec.Command("go", "test", "-overlay="+overlay, "-count=1", "-run=^TestLaw$", "-failfast", "-seeds=600", "-timeout=2m", ".")
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			switch {
			case err == nil:
				t.Errorf("the law holds for a program in which %s", m.name)
			case !ok || exit.ExitCode() != 1 || strings.Contains(string(out), "[build failed]"):
				t.Fatalf("%s: %v\n%s", cmd, err, out)
			}
		})
	}
}

// overlay writes the variant of the file, and the map that tells the go command to use it.
func (m mutant) overlay(t *testing.T, root string) string {
	t.Helper()
	original := filepath.Join(root, filepath.FromSlash(m.file))
	text, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		t.Fatalf("%s has %q %d times, want once: the variant has to follow the code", m.file, m.old, n)
	}
	dir := t.TempDir()
	broken := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(broken, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := json.Marshal(map[string]any{"Replace": map[string]string{original: broken}})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, plan, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
