package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/internal/settings"
)

// helpWidth is how wide help texts are where nobody knows the width of the screen.
const helpWidth = 120

// usage writes how a command is called: forms, examples, its commands, and its flags in the groups of the settings
// table.
func usage(cmd *cobra.Command) error {
	w := cmd.OutOrStdout()
	width := helpWidth
	if known := terminalWidth(w); known > 0 {
		width = min(width, known)
	}
	form := cmd.UseLine()
	if cmd.HasAvailableSubCommands() {
		form = cmd.CommandPath() + " COMMAND"
	}
	section(w, "Usage", "  "+form)
	if cmd.HasExample() {
		section(w, "Examples", cmd.Example)
	}
	for _, g := range groupsOf(cmd) {
		section(w, g.title, g.lines...)
	}
	local, shared := flagsOf(cmd)
	section(w, "Flags", flagLines(local, "", width)...)
	for _, group := range settings.Groups() {
		section(w, group, flagLines(local, group, width)...)
	}
	section(w, "Flags of every command", flagLines(shared, "", width)...)
	if cmd.HasAvailableSubCommands() {
		_, _ = fmt.Fprintf(w, "\n%q says more about a command.\n", cmd.CommandPath()+" COMMAND --help")
	}
	return nil
}

// flagsOf are the flags that a command has for itself, and those that all others have too.
func flagsOf(cmd *cobra.Command) (own, shared *pflag.FlagSet) {
	own, shared = pflag.NewFlagSet("", pflag.ContinueOnError), pflag.NewFlagSet("", pflag.ContinueOnError)
	shared.AddFlagSet(cmd.InheritedFlags())
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Annotations[everywhereAnnotation] != nil {
			shared.AddFlag(f)
		} else {
			own.AddFlag(f)
		}
	})
	return own, shared
}

// section writes a title and what stands below it, and nothing when that is nothing. All but the first follow an empty
// line.
func section(w io.Writer, title string, lines ...string) {
	if len(lines) == 0 {
		return
	}
	if title != "Usage" {
		_, _ = fmt.Fprintln(w)
	}
	_, _ = fmt.Fprintf(w, "%s:\n%s\n", title, strings.Join(lines, "\n"))
}

// commandGroup is a title and the commands below it.
type commandGroup struct {
	title string
	lines []string
}

// groupsOf are the commands below one, in their groups when they have any.
func groupsOf(cmd *cobra.Command) []commandGroup {
	groups := []commandGroup{{title: "Commands"}}
	ids := map[string]int{}
	for _, g := range cmd.Groups() {
		ids[g.ID] = len(groups)
		groups = append(groups, commandGroup{title: strings.TrimSuffix(g.Title, ":")})
	}
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() || c.Name() == "help" {
			g := &groups[ids[c.GroupID]]
			g.lines = append(g.lines, fmt.Sprintf("  %-*s %s", c.NamePadding(), c.Name(), c.Short))
		}
	}
	return groups
}

// flagLines describes the flags of a group, in lines that are at most so wide.
func flagLines(flags *pflag.FlagSet, group string, width int) []string {
	some := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.VisitAll(func(f *pflag.Flag) {
		if settings.GroupOf(f) == group {
			some.AddFlag(f)
		}
	})
	text := strings.TrimRight(some.FlagUsagesWrapped(width), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
