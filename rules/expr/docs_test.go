package expr

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The page has every operator and function, and its examples come to what it says.
func TestThePageOnExpressions(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/expressions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```json\n")
	record, _, _ := strings.Cut(block, "```")
	column, found := 0, 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if is := slices.Index(cells, "is"); is > 0 {
			column = is
		}
		if line[0] != '|' || column >= len(cells) || !strings.HasPrefix(cells[0], "`") {
			continue
		}
		text, want := strings.Trim(cells[column-1], "`"), strings.Replace(strings.Trim(cells[column], "`"), "nothing", "", 1)
		found++
		p, err := Compile(text, nil, Unknown)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, ok := p.AppendJSON(nil, JSON(record)); string(got) != want || ok != (want != "") {
			t.Errorf("%s is %s, not %s", text, got, want)
		}
	}
	if found < 50 {
		t.Errorf("%d examples", found)
	}
	for _, word := range append(keysOf(binaries), "? :", "?:", "!", "not") {
		if word != "||" && !strings.Contains(string(page), "`"+word+"`") {
			t.Errorf("nothing about the operator %s", word)
		}
	}
	for _, word := range append(keysOf(functions), "field") {
		if !strings.Contains(string(page), "`"+word+"(") {
			t.Errorf("nothing about the function %s", word)
		}
	}
}
