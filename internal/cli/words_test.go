package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// prose are the words that follow the program's name in sentences about it.
var prose = strings.Fields("a and as defends do does is itself makes recognises runs settings therefore with " +
	"command says shows looks here are function")

// command is a mention of a command of this program.
var command = regexp.MustCompile(`\bpenstock ([a-z][a-z-]*)`)

// TestDocsAndHelpNameNoCommandThatDoesNotExist reads every page, every help text and every string of this package.
func TestDocsAndHelpNameNoCommandThatDoesNotExist(t *testing.T) {
	t.Parallel()
	root := newRootCommand(&app{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}})
	root.InitDefaultHelpCmd()
	mentions := 0
	check := func(where, text string) {
		for _, at := range command.FindAllStringSubmatchIndex(text, -1) {
			mentions++
			name, rest := text[at[2]:at[3]], text[at[3]:]
			if end := strings.IndexAny(rest, "\n`\"';|#"); end >= 0 {
				rest = rest[:end]
			}
			rest, _, _ = strings.Cut(rest, "penstock ")
			if !slices.Contains(prose, name) {
				checkCommand(t, root, where, name, rest)
			}
		}
	}
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		check(page, strings.ReplaceAll(string(text), "\\\n", " "))
	}
	each(root, func(cmd *cobra.Command) {
		check(cmd.CommandPath(), strings.Join([]string{cmd.Short, cmd.Long, cmd.Example, cmd.UsageString()}, "\n"))
	})
	for where, text := range stringsOfThisPackage(t) {
		check(where, text)
	}
	for _, m := range policyModes() {
		checkCommand(t, root, "policy generate", m.name, "")
	}
	if mentions < 100 {
		t.Errorf("%d mentions found", mentions)
	}
}

// checkCommand looks a command up, its subcommand where it has to have one, and its flags.
func checkCommand(t *testing.T, root *cobra.Command, where, name, rest string) {
	t.Helper()
	words := strings.Fields(rest)
	cmd := child(root, name)
	if cmd == nil {
		t.Errorf("%s: there is no command %q", where, "penstock "+name)
		return
	}
	for len(words) > 0 && cmd.HasSubCommands() && cmd.Name() != "help" {
		next := child(cmd, strings.TrimRight(words[0], ".,:"))
		if next == nil {
			if regexp.MustCompile(`^[a-z-]+$`).MatchString(words[0]) && !strings.HasPrefix(words[0], "-") &&
				cmd.Name() != "domain" && !slices.Contains(prose, words[0]) {
				t.Errorf("%s: there is no command %q", where, cmd.CommandPath()+" "+words[0])
			}
			break
		}
		cmd, words = next, words[1:]
	}
	for _, word := range words {
		if !strings.HasPrefix(word, "--") || word == "--" {
			continue
		}
		flag, _, _ := strings.Cut(strings.TrimRight(word[2:], ".,:;)"), "=")
		cmd.InitDefaultHelpFlag()
		cmd.InitDefaultVersionFlag()
		if flag != "…" && cmd.Flags().Lookup(flag) == nil && cmd.InheritedFlags().Lookup(flag) == nil {
			t.Errorf("%s: %q has no flag --%s", where, cmd.CommandPath(), flag)
		}
	}
}

func child(cmd *cobra.Command, name string) *cobra.Command {
	for _, c := range cmd.Commands() {
		if c.Name() == name || c.HasAlias(name) {
			return c
		}
	}
	return nil
}

func each(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, c := range cmd.Commands() {
		if c.Name() != "completion" { // whose words are cobra's
			each(c, f)
		}
	}
}

// pages are the texts that people read.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{
		"*.md", "docs/*.md", "docs/decisions/*.md", "changes/unreleased/*.md", "deploy/*", "deploy/*/*",
	} {
		found, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				all = append(all, name)
			}
		}
	}
	return all
}

// stringsOfThisPackage are the string literals of its files, by the file.
func stringsOfThisPackage(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					all[name] += text + "\n"
				}
			}
			return true
		})
	}
	return all
}
