package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/function"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
)

func newCheckCommand(a *app) *cobra.Command {
	var asJSON bool
	var against string
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Report every mistake of a configuration file",
		Long: `check reads a configuration file, in YAML or JSON (- is standard input), and reports everything that is wrong
with it, one mistake a line, as FILE:LINE:COLUMN. It asks nobody: no domain, no bucket, no credentials.

Of rules with expressions it says what these cost for one record: docs/expressions.md has the unit. A warning is what is
most likely not meant. With --against it also says, as warnings, what goes another way than by an earlier file: to other
indexes or another domain, by other routes, read as another format; and which rules are new, gone, changed or in another
order, and what that does. docs/configuration.md lists the keys of a file; an editor completes and checks them by
docs/configuration.schema.json.

Exit codes: 0 no mistake, at most warnings; 2 mistakes.`,
		Example: "  penstock check penstock.yaml\n  penstock check - < penstock.yaml\n" +
			"  penstock check new.yaml --against penstock.yaml",
		GroupID: groupLook,
		Args:    usageArgs(cobra.ExactArgs(1)),
		// A file with mistakes that is found beside the one to check is none of this command's business.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE:              func(_ *cobra.Command, args []string) error { return a.check(args[0], against, asJSON) },
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object with the mistakes")
	cmd.Flags().StringVar(&against, "against", "", "an earlier file: say what goes another way than by it")
	return cmd
}

func (a *app) check(path, against string, asJSON bool) error {
	data, err := readBounded(a.In, path, config.MaxBytes+1)
	if err != nil {
		return &usageError{Err: fmt.Errorf("read configuration: %w", err), Hint: "name an existing file in YAML or JSON"}
	}
	if path == "-" {
		path = "standard input"
	}
	file, err := config.Parse(path, data)
	var mistakes []config.Mistake
	if e, ok := errors.AsType[*config.MistakesError](err); ok {
		mistakes = e.Mistakes
	} else if err != nil {
		return err
	} else {
		mistakes = file.Warnings
	}
	if against != "" && err == nil {
		old, err := readConfigFile(against, false)
		if err != nil {
			return err
		}
		mistakes = append(mistakes, file.Against(old)...)
	}
	code := exitOK
	if err != nil {
		code = exitUsage
	}
	if asJSON {
		if err := printJSON(a.Out, checked(path, err == nil, mistakes)); err != nil {
			return err
		}
		return exitWith(code)
	}
	if len(mistakes) == 0 {
		same := ""
		if against != "" {
			same = "; everything goes the way it goes by " + printable(against)
		}
		_, _ = fmt.Fprintf(a.Out, "%s: no mistakes%s\n", printable(path), same)
	}
	writeMistakes(a.Out, path, mistakes)
	if err == nil {
		for _, c := range file.Costs() {
			of := "rules for all records"
			if c.Route != "" {
				of = "route " + c.Route
			}
			_, _ = fmt.Fprintf(a.Out, "%s: expressions cost %d a record\n", of, c.Cost)
		}
	}
	return exitWith(code)
}

// mistake is one as --json shows it.
type mistake struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Warning bool   `json:"warning"`
	Text    string `json:"text"`
}

func checked(path string, ok bool, mistakes []config.Mistake) any {
	list := make([]mistake, 0, len(mistakes))
	for _, m := range mistakes {
		list = append(list, mistake{m.Line, m.Column, m.Warning, m.Text})
	}
	return struct {
		File     string    `json:"file"`
		OK       bool      `json:"ok"`
		Mistakes []mistake `json:"mistakes"`
	}{path, ok, list}
}

func newConfigCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the settings in force",
		Long: `config shows what the settings are and where they are from. docs/configuration.md explains them, and the file
that holds them.`,
		Example: "  penstock config show",
		GroupID: groupLook,
		Args:    rejectUnknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigShow(a))
	return cmd
}

func newConfigShow(a *app) *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print each setting with its value, and where it is from",
		Long: `show prints the settings as a command would have them that is started in the same way: from flags, variables,
the configuration file, the target that --target names, or by default. It lists those that somebody has set; --all
lists every one. docs/configuration.md explains the order.`,
		Example: "  penstock config show\n  penstock config show --config penstock.yaml --target prod --all",
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.showSettings(cmd.Flags(), all, asJSON)
		},
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	function.Register(f)
	f.Select(new(pipeline.Selection))
	for _, name := range []string{"place", "strict", "keep-going", "grace", "rate"} {
		f.Any(name)
	}
	cmd.Flags().BoolVar(&all, "all", false, "list the settings that nobody has set too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// shown is a setting as config show prints it.
type shown struct {
	Setting string `json:"setting"`
	Value   string `json:"value"`
	From    string `json:"from"`
}

func (a *app) showSettings(flags *pflag.FlagSet, all, asJSON bool) error {
	said, err := a.config.Settings(config.TargetOf(flags, os.LookupEnv))
	if err != nil {
		return err
	}
	list := []shown{}
	for _, s := range settings.Table() {
		one := shown{Setting: s.Key(), Value: flags.Lookup(s.Name).Value.String(), From: "default"}
		if v, ok := settings.Find(s, os.LookupEnv, said); ok {
			one.From = v.From
		}
		if given(flags, s.Name) {
			one.From = "--" + s.Name
		}
		if all || one.From != "default" {
			list = append(list, one)
		}
	}
	list = append(list, a.shownRoutes(flags)...)
	if asJSON {
		return printJSON(a.Out, map[string]any{"settings": list})
	}
	tab := &table{left: 3, header: []string{"setting", "value", "from"}}
	for _, s := range list {
		value := strings.ReplaceAll(s.Value, "\n", "; ") // rules
		tab.rows = append(tab.rows, []string{s.Setting, printable(value), printable(s.From)})
	}
	if len(list) == 0 {
		_, _ = fmt.Fprintln(a.Out, "every setting has its default; --all lists them")
		return nil
	}
	tab.write(a.Out)
	return nil
}

// shownRoutes are the settings of routes, which those on the command line take precedence over.
func (a *app) shownRoutes(flags *pflag.FlagSet) []shown {
	if a.config == nil {
		return nil
	}
	var list []shown
	for _, v := range a.config.RouteValues {
		one := shown{Setting: "routes." + v.Route + "." + v.Key, Value: v.Text, From: v.From}
		if over := config.FlagOver(v.Key, func(name string) bool { return given(flags, name) }); over != "" {
			one.Value, one.From = flags.Lookup(over).Value.String(), "--"+over
		}
		list = append(list, one)
	}
	return list
}
