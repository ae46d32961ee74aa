package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the page about JSON shows has the members and types of what the commands print.
func TestTheJSONOfCommandsIsAsThePageSays(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts a domain")
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell here")
	}
	const page = "../../docs/json.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?ms)^```json\n(.*?)^```").FindAllStringSubmatch(string(text), -1)
	typed := blocks(t, page)
	if len(shown) != len(typed) || len(shown) < 10 {
		t.Fatalf("the page has %d commands and %d answers", len(typed), len(shown))
	}
	outside := anAccount(t)
	for i, b := range typed {
		r := &reader{t: t, shell: shell, dir: desk(t), where: fmt.Sprintf("json.md:%d", b.line), outside: outside}
		r.run(b)
		r.leave()
		var want, got any
		if err := json.Unmarshal([]byte(shown[i][1]), &want); err != nil {
			t.Errorf("%s: %v", r.where, err)
			continue
		}
		if err := json.Unmarshal([]byte(r.last), &got); err != nil {
			t.Errorf("%s: %v in %q", r.where, err, r.last)
			continue
		}
		if diff := cmp.Diff(form(want), form(got)); diff != "" {
			t.Errorf("%s: %s (-page +printed):\n%s", r.where, strings.Join(b.lines, "; "), diff)
		}
	}
}

// form is a value without what may differ: texts and numbers are their types, and a list is its first element.
func form(v any) any {
	switch v := v.(type) {
	case map[string]any:
		all := map[string]any{}
		for name, member := range v {
			all[name] = form(member)
		}
		// Builds from a repository know these, others do not.
		for _, name := range []string{"commit", "date", "modified"} {
			delete(all, name)
		}
		return all
	case []any:
		if len(v) == 0 {
			return "empty"
		}
		return []any{form(v[0])}
	}
	return fmt.Sprintf("%T", v)
}
