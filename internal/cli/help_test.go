package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpOf is what --help prints.
func helpOf(t *testing.T, cmd *cobra.Command) string {
	t.Helper()
	var out bytes.Buffer
	cmd.Root().SetOut(&out)
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	if err := cmd.Help(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestEveryHelpTextIsWhole wants of each command what it is for, an example, lines that fit, and each of its flags
// once.
func TestEveryHelpTextIsWhole(t *testing.T) {
	t.Parallel()
	root := newRootCommand(&app{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}})
	commands := 0
	each(root, func(cmd *cobra.Command) {
		commands++
		text := helpOf(t, cmd)
		for _, title := range []string{"\nUsage:\n  " + cmd.CommandPath(), "\nExamples:\n  ", "\nFlags:\n"} {
			if !strings.Contains(text, title) {
				t.Errorf("%s --help has no %q", cmd.CommandPath(), strings.TrimSpace(title))
			}
		}
		for line := range strings.Lines(text) {
			example := strings.Contains(line, "  penstock ") || strings.Contains(line, "  eval ")
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > helpWidth && !example {
				t.Errorf("%s --help: a line of %d characters: %s", cmd.CommandPath(), n, line)
			}
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			shown := regexp.MustCompile(`(?m)^ +(-\w, )?--` + regexp.QuoteMeta(f.Name) + `( \w+)? {3}`)
			if n := len(shown.FindAllString(text, -1)); n != 1 {
				t.Errorf("%s --help shows --%s %d times", cmd.CommandPath(), f.Name, n)
			}
		})
	})
	if commands < 20 {
		t.Errorf("%d commands found", commands)
	}
	ship, _, err := root.Find([]string{"ship"})
	if err != nil {
		t.Fatal(err)
	}
	if text := helpOf(t, ship); !strings.Contains(text, "\nS3:\n      --endpoint-url") {
		t.Errorf("the flags of ship are in no groups:\n%s", text)
	}
}

// TestEveryCommandHasAPage wants each command to name a page of the documentation, which shows how its subcommands are
// called.
func TestEveryCommandHasAPage(t *testing.T) {
	t.Parallel()
	root := newRootCommand(&app{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}})
	named := regexp.MustCompile(`docs/[a-z-]+\.md`)
	for _, top := range root.Commands() {
		if top.Name() == "help" {
			continue
		}
		var text strings.Builder
		for _, page := range named.FindAllString(top.Long, -1) {
			body, err := os.ReadFile(filepath.Join("..", "..", page))
			if err != nil {
				t.Errorf("%s --help: %v", top.CommandPath(), err)
			}
			text.Write(body)
		}
		if text.Len() == 0 {
			t.Errorf("%s --help names no page: end its text with docs/NAME.md", top.CommandPath())
		}
		each(top, func(cmd *cobra.Command) {
			if cmd.HasParent() && cmd.Parent().Name() == "completion" {
				return // one for each shell
			}
			said := regexp.MustCompile(regexp.QuoteMeta(top.CommandPath()) + `\b`)
			name := regexp.MustCompile(`\b` + regexp.QuoteMeta(cmd.Name()) + `\b`)
			if !said.MatchString(text.String()) || !name.MatchString(text.String()) {
				t.Errorf("the pages that %s --help names say nothing of %q", top.CommandPath(), cmd.CommandPath())
			}
		})
	}
}
