// Package cli is the command line: the commands, their flags, and what they print. It is the only package that sees all
// the others.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/function"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/internal/version"
)

// Streams are the standard streams of the process.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// The groups of commands in the help text.
const (
	groupMove   = "move"
	groupDomain = "domain"
	groupLook   = "look"
)

// app is what the commands share.
type app struct {
	Streams
	// interrupted is closed by the second SIGINT or SIGTERM; the first one ends the context of the command.
	interrupted chan struct{}
	voice
	noted  sync.Map     // the texts of notes
	config *config.File // nil without one
	like   likeness     // of the program that the proxy is run in place of
}

// Main runs penstock with the given arguments and returns its exit code. It blocks until the command is done.
func Main(args []string, std Streams) int {
	if len(args) == 0 && function.Runs() {
		args = []string{"lambda"}
	}
	if f, ok := terminal(std.Err); ok {
		std.Err = &screen{File: f}
	}
	a := &app{Streams: std, interrupted: make(chan struct{})}
	ctx, stop := a.signals(context.Background())
	defer stop()
	defer profile(std.Err)()
	args, like, err := inPlaceOf(args, os.LookupEnv)
	if err != nil {
		return a.explain(err)
	}
	a.like = like
	root := newRootCommand(a)
	if completes(args) {
		a.complete(root)
	}
	root.SetArgs(args)
	root.SetIn(std.In)
	root.SetOut(std.Out)
	root.SetErr(std.Err)
	if err = root.ExecuteContext(ctx); err == nil {
		return exitOK
	}
	return a.explain(err)
}

// profile writes a CPU profile of the process to the file that PENSTOCK_CPUPROFILE names, for CONTRIBUTING's
// "Performance".
func profile(w io.Writer) (stop func()) {
	path := os.Getenv("PENSTOCK_CPUPROFILE")
	if path == "" {
		return func() {}
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		fmt.Fprintln(w, "penstock: warning: no profile:", err)
		return func() {}
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}
}

// signals makes the first SIGINT or SIGTERM end the context ("take no more") and the second one close a.interrupted.
func (a *app) signals(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	ch := make(chan os.Signal, 2) // one for each signal that means something
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ch
		cancel()
		<-ch
		close(a.interrupted)
	}()
	return ctx, func() {
		signal.Stop(ch)
		cancel()
	}
}

// Commands are all commands, for pages that are made of them. They are not to be run.
func Commands() *cobra.Command { return newRootCommand(&app{}) }

func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "penstock",
		Short: "Bring log files from S3 and CloudWatch Logs through IAM into an OpenSearch domain",
		Long: `penstock recognises, parses, signs and delivers files from S3 and events from CloudWatch Logs into an
IAM-protected Amazon OpenSearch / Elasticsearch Service domain: none lost, none doubled.

Exit codes: 0 everything settled; 1 internal error; 2 usage or configuration; 3 finished, with dead letters;
4 incomplete, run it again; 5 refused (credentials, signature, policy).`,
		Example: `  penstock demo
  penstock ship s3://my-logs/AWSLogs/ --domain https://search-x.eu-west-1.es.amazonaws.com
  penstock request GET / --domain https://search-x.eu-west-1.es.amazonaws.com`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          rejectUnknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddGroup(
		&cobra.Group{ID: groupMove, Title: "Moving records:"},
		&cobra.Group{ID: groupDomain, Title: "The domain and its gate:"},
		&cobra.Group{ID: groupLook, Title: "Looking into things:"},
	)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().String("config", "", "file with settings, in YAML or JSON; variables and "+
		"flags override it")
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := a.sound(cmd.Flags()); err != nil {
			return err
		}
		if settings.Has(cmd.Flags()) {
			if err := a.noteVariables(cmd); err != nil {
				return err
			}
		}
		return a.applySettings(cmd, os.LookupEnv)
	}
	root.SetUsageFunc(usage)
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(commands(a)...)
	a.voiceFlags(root)
	root.Version = version.Of().String() // with cobra's own words: any template links every method of every type
	root.SetHelpCommandGroupID(groupLook)
	root.SetCompletionCommandGroupID(groupLook)
	root.InitDefaultHelpCmd()
	if c, _, err := root.Find([]string{"help"}); err == nil && c != root {
		c.Example, c.Run, c.RunE = "  penstock help ship\n  penstock help deadletter list", nil, helpFor
	}
	root.InitDefaultCompletionCmd()
	if c, _, err := root.Find([]string{"completion"}); err == nil && c != root {
		c.Short = "Print the completion script for a shell"
		c.Long = "completion prints a script that completes commands and flags, for bash, zsh, " +
			"fish or PowerShell (docs/install.md)."
		c.Example = "  source <(penstock completion bash)\n" +
			"  penstock completion fish > ~/.config/fish/completions/penstock.fish"
		c.Args, c.RunE = rejectUnknownCommand, func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		for _, shell := range c.Commands() {
			script := shell.RunE
			shell.Args, shell.RunE = usageArgs(cobra.NoArgs), func(cmd *cobra.Command, args []string) error {
				if err := script(cmd, args); err != nil {
					return &outputError{err}
				}
				return nil
			}
		}
	}
	return root
}

// helpFor prints the help of the command that the arguments name.
func helpFor(help *cobra.Command, args []string) error {
	cmd, rest, err := help.Root().Find(args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return rejectUnknownCommand(cmd, rest)
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	return cmd.Help()
}

// flagError says in words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	hint := fmt.Sprintf("%q lists the flags", cmd.CommandPath()+" --help")
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		err = fmt.Errorf("--%s: %w", e.GetFlag().Name, settings.ValueProblem(e.GetFlag(), e.GetValue(), e.Unwrap()))
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		err = fmt.Errorf("--%s: a value is missing", e.GetFlag().Name)
	}
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok && e.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := settings.Nearest(e.GetSpecifiedName(), names); near != "" {
			hint = "did you mean --" + near + "?"
		}
	}
	return &usageError{Err: err, Hint: hint}
}

func rejectUnknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("%q lists the commands", cmd.CommandPath()+" --help")
	cmd.SuggestionsMinimumDistance = 2 // the root does not hand its own down
	if similar := cmd.SuggestionsFor(args[0]); len(similar) > 0 {
		hint = fmt.Sprintf("did you mean %q?", cmp.Or(settings.Nearest(args[0], similar), similar[0]))
	}
	return &usageError{Err: fmt.Errorf("unknown command %q", args[0]), Hint: hint}
}

// usageArgs turns cobra's complaints about arguments into usage errors, in words.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check(cmd, args) == nil {
			return nil
		}
		err := fmt.Errorf("%s: an argument is missing", cmd.CommandPath())
		for n := len(args); n > 0; n-- {
			if check(cmd, args[:n-1]) == nil {
				err = fmt.Errorf("%s: one argument too many: %q", cmd.CommandPath(), args[n-1])
				break
			}
		}
		hint := "usage: " + cmd.UseLine()
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if name, isFlag := strings.CutPrefix(f.Value.String(), "--"); isFlag && cmd.Flags().Lookup(name) != nil {
				hint = fmt.Sprintf("the value of --%s is %q: is a variable empty?", f.Name, "--"+name)
			}
		})
		return &usageError{Err: err, Hint: hint}
	}
}

// noteVariables tells of variables that look like settings: the function's readers in its log.
func (a *app) noteVariables(cmd *cobra.Command) error {
	for _, text := range settings.Stray(os.Environ()) {
		if cmd.Name() != "lambda" {
			a.note("%s", text)
			continue
		}
		logger, err := a.logger()
		if err != nil {
			return err
		}
		logger.WarnContext(cmd.Context(), "a variable is no setting", "note", text)
	}
	return nil
}

// explain prints the error and its way out and returns the exit code.
func (a *app) explain(err error) int {
	if done, ok := errors.AsType[*exitError](err); ok {
		return done.Code
	}
	text := err.Error()
	if e, ok := errors.AsType[*config.MistakesError](err); ok && len(e.Mistakes) > 1 {
		writeMistakes(a.Err, e.Path, e.Mistakes)
		text = fmt.Sprintf("%s has %d mistakes", e.Path, len(e.Mistakes))
	}
	a.trouble(text, hintFor(err))
	return exitCodeFor(err)
}
