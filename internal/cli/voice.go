package cli

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/internal/settings"
)

// voice is how much the commands say beside what they print, and in which form.
type voice struct {
	level, form    string
	quiet, verbose bool
}

// levelNone is above all levels.
const levelNone = slog.LevelError + 100

// The forms of the log.
const (
	logAuto = "auto"
	logText = "text"
	logJSON = "json"
)

// voiceFlags registers the flags on every command below the root, whose own -v is --version.
func (v *voice) voiceFlags(root *cobra.Command) {
	f := root.PersistentFlags()
	f.StringVar(&v.level, "log-level", "info", "lowest level that is logged to standard error: "+
		"debug, info, warn or error")
	f.StringVar(&v.form, "log-format", logAuto, "form of the log: text, json, or auto: text for a terminal, "+
		"JSON otherwise")
	f.BoolVarP(&v.quiet, "quiet", "q", false, "say nothing but warnings and errors: no notes, no progress, "+
		"no summary of what went well")
	for _, c := range root.Commands() {
		if c.Flags().ShorthandLookup("v") != nil { // it has one of its own
			continue
		}
		f := c.PersistentFlags()
		f.BoolVarP(&v.verbose, "verbose", "v", false, "log everything, as --log-level debug")
		f.Lookup("verbose").Annotations = map[string][]string{everywhereAnnotation: {"true"}}
	}
}

// everywhereAnnotation marks flags that a command has as all others have them.
const everywhereAnnotation = "penstock_everywhere"

// sound says which flags contradict each other.
func (v *voice) sound(flags *pflag.FlagSet) error {
	const hint = "leave one of them out"
	levelGiven := given(flags, "log-level")
	switch {
	case v.quiet && v.verbose:
		return usagef(hint, "--quiet and --verbose are both given")
	case levelGiven && v.quiet:
		return usagef(hint, "--log-level and --quiet are both given")
	case levelGiven && v.verbose:
		return usagef(hint, "--log-level and --verbose are both given")
	case v.form != logAuto && v.form != logText && v.form != logJSON:
		return usagef("text, json or auto", "--log-format: %q is no form of the log", v.form)
	}
	return nil
}

// logLevel is the lowest level that is logged.
func (v *voice) logLevel() (slog.Level, error) {
	switch {
	case v.quiet:
		return slog.LevelWarn, nil
	case v.verbose:
		return slog.LevelDebug, nil
	}
	return settings.Level(v.level)
}

// logger is the log of the commands, at the level that was asked for.
func (a *app) logger() (*slog.Logger, error) {
	level, err := a.logLevel()
	if err != nil {
		return nil, err
	}
	return a.log(level), nil
}

// log writes to standard error, in the form that was asked for.
func (a *app) log(level slog.Level) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if a.form == logText || a.form != logJSON && isTerminal(a.Err) {
		return slog.New(slog.NewTextHandler(a.Err, opts))
	}
	return slog.New(slog.NewJSONHandler(a.Err, opts))
}

// note tells a person what is most likely not meant, once, and goes on.
func (a *app) note(format string, args ...any) {
	if a.quiet {
		return
	}
	text := printable(fmt.Sprintf(format, args...))
	if _, told := a.noted.LoadOrStore(text, true); !told {
		_, _ = fmt.Fprintf(a.Err, "penstock: note: %s\n", text)
	}
}

// trouble writes what went wrong, and the way out of it when there is one.
func (a *app) trouble(text, hint string) {
	word := "error"
	if a.colours() {
		word = "\x1b[1;31merror\x1b[0m"
	}
	_, _ = fmt.Fprintf(a.Err, "penstock: %s: %s\n", word, printable(text))
	if hint != "" {
		_, _ = fmt.Fprintf(a.Err, "penstock: hint: %s\n", printable(hint))
	}
}

// colours reports whether trouble may have a colour: on a terminal that knows colours, for a person who wants them
// (no-color.org).
func (a *app) colours() bool {
	return isTerminal(a.Err) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
