package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	// symptom is a sentence in bold that begins a line of docs/troubleshooting.md.
	symptom = regexp.MustCompile("\\*\\*`([^`]+)`\\*\\*")
	// saidLine is a line of a script that wants sentences in the output of a command, each in quotes.
	saidLine = regexp.MustCompile(`(?m)^says \S+ (.*)$`)
	said     = regexp.MustCompile(`'([^']+)'`)
)

// TestTheSymptomsAreSaid holds the sentences of docs/troubleshooting.md: each is one that the script of the same name
// has seen the program say, or is made of texts in the code for what does not happen on this machine. Every sentence of
// the script is on the page.
func TestTheSymptomsAreSaid(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("testdata/script/troubleshooting.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var onThePage, inTheScript []string
	for _, m := range symptom.FindAllStringSubmatch(string(page), -1) {
		onThePage = append(onThePage, m[1])
	}
	for _, line := range saidLine.FindAllStringSubmatch(string(script), -1) {
		for _, m := range said.FindAllStringSubmatch(line[1], -1) {
			inTheScript = append(inTheScript, m[1])
		}
	}
	if len(onThePage) < 30 || len(inTheScript) < 30 {
		t.Fatalf("%d sentences on the page, %d in the script", len(onThePage), len(inTheScript))
	}
	texts := textsOfTheCode(t)
	for _, sentence := range onThePage {
		if !slices.Contains(inTheScript, sentence) && !madeOf(sentence, texts) {
			t.Errorf("docs/troubleshooting.md: nothing says %q", sentence)
		}
	}
	for _, sentence := range inTheScript {
		if !slices.Contains(onThePage, sentence) {
			t.Errorf("troubleshooting.txtar: %q is not on the page", sentence)
		}
	}
	if madeOf("the gate is … painted green", texts) {
		t.Error("a sentence that nothing says is taken for one of the code")
	}
}

// madeOf reports whether one text has all parts of a sentence; … stands between them.
func madeOf(sentence string, texts []string) bool {
	return slices.ContainsFunc(texts, func(text string) bool {
		for part := range strings.SplitSeq(sentence, "…") {
			if !strings.Contains(text, part) {
				return false
			}
		}
		return true
	})
}

// textsOfTheCode are the string literals of the program.
func textsOfTheCode(t *testing.T) []string {
	t.Helper()
	var texts []string
	set := token.NewFileSet()
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					texts = append(texts, text)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}
