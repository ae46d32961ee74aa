package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/lazyregexp"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/sigv4"
)

// completeEnv says what a shell completes: "off" is names of commands, flags and files alone.
const completeEnv = "PENSTOCK_COMPLETE"

// completeWithin is how long a shell waits for names that somebody else knows.
const completeWithin = time.Second

// completeMost is the most values that a shell is given.
const completeMost = 200

// errEnough ends a search that has found enough.
var errEnough = errors.New("enough")

type completeFunc = cobra.CompletionFunc

// completes reports whether a shell asks what to complete, by the first word of a command line.
func completes(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// complete has a shell complete the values of flags, in all commands. Nobody else needs it.
func (a *app) complete(root *cobra.Command) {
	of := map[string]completeFunc{
		"format":     a.formatNames,
		"log-level":  oneOf("debug", "info", "warn", "error"),
		"log-format": oneOf(logText, logJSON, logAuto),
		"mode":       oneOf(string(guard.ModeParity), string(guard.ModeStrict)),
		"reason":     oneOf(penstock.Reasons()...),
		"compat":     oneOf(guard.CompatNames()...),
		"service":    oneOf(sigv4.ServiceDomain, sigv4.ServiceServerless),
		"side":       oneOf("resource", "identity", "both"),
		"like":       peerNames,
		"profile":    profiles,
		"s3-profile": profiles,
		"target":     a.targets,
	}
	for name, words := range config.Choices() {
		of[name] = oneOf(words...)
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if values := of[f.Name]; values != nil && f.Value.Type() != "bool" {
				// It fails only for a flag that does not exist, or that has a function.
				_ = c.RegisterFlagCompletionFunc(f.Name, values)
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(root)
}

// peerNames completes the names of other proxies.
func peerNames(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, p := range peers() {
		names = append(names, p.name)
	}
	return oneOf(names...)(nil, nil, begun)
}

// oneOf completes one of a few words.
func oneOf(words ...string) completeFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		if os.Getenv(completeEnv) == "off" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return beginning(words, begun), cobra.ShellCompDirectiveNoFileComp
	}
}

// beginning are the words that begin with a text, and that a shell may show.
func beginning(words []string, begun string) []string {
	var near []string
	for _, w := range words {
		if strings.HasPrefix(w, begun) && !strings.ContainsFunc(w, unicode.IsControl) && len(near) < completeMost {
			near = append(near, w)
		}
	}
	return near
}

// formatNames completes the names of formats, also of those in the configuration file.
func (a *app) formatNames(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	a.quiet = true
	var own []pipeline.Definition
	if file, err := a.readConfig(cmd, os.LookupEnv); err == nil && file != nil {
		own = file.Definitions()
	}
	var names []string
	for _, f := range pipeline.Formats(own...) {
		names = append(names, f.Name)
	}
	return oneOf(names...)(nil, nil, begun)
}

var profileLine = lazyregexp.New(`^\[(?:profile\s+)?([^\]]+)\]`)

// profiles completes the names in the AWS configuration files.
func profiles(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	home, _ := os.UserHomeDir() // without one there are no files
	var names []string
	for variable, name := range map[string]string{
		"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials",
	} {
		f, err := os.Open(cmp.Or(os.Getenv(variable), filepath.Join(home, ".aws", name)))
		if err != nil {
			continue
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			m := profileLine.FindStringSubmatch(lines.Text())
			if m != nil && !strings.HasPrefix(m[1], "sso-session ") && !strings.HasPrefix(m[1], "services ") {
				names = append(names, strings.TrimSpace(m[1]))
			}
		}
		_ = f.Close()
	}
	slices.Sort(names)
	return oneOf(slices.Compact(names)...)(nil, nil, begun)
}

// silent makes the commands say nothing while a shell waits, and fills in the settings.
func (a *app) silent(cmd *cobra.Command) error {
	if os.Getenv(completeEnv) == "off" {
		return errors.New("switched off")
	}
	a.quiet = true
	return a.applySettings(cmd, os.LookupEnv)
}

// targets completes the names of targets in the configuration file.
func (a *app) targets(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	a.quiet = true
	file, err := a.readConfig(cmd, os.LookupEnv)
	if err != nil || file == nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return oneOf(file.TargetNames()...)(cmd, nil, begun)
}

// sources completes the names of files, and of buckets and keys. A shell gets nothing when S3 does not answer.
func (a *app) sources(aws *pipeline.AWS, s3 *pipeline.S3) completeFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		if !strings.HasPrefix(begun, "s3://") {
			return nil, cobra.ShellCompDirectiveDefault
		}
		const directive = cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
		if a.silent(cmd) != nil {
			return nil, directive
		}
		ctx, cancel := context.WithTimeout(context.Background(), completeWithin)
		defer cancel()
		client, err := s3.Open(ctx, aws, a.log(levelNone))
		if err != nil {
			return nil, directive
		}
		near, err := client.Near(ctx, begun)
		if err != nil {
			return nil, directive
		}
		return beginning(near, begun), directive
	}
}

// ids completes the ids of dead letters.
func (o *letterFilter) ids(a *app) completeFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp
		if a.silent(cmd) != nil || o.check() != nil {
			return nil, directive
		}
		ctx, cancel := context.WithTimeout(context.Background(), completeWithin)
		defer cancel()
		letters, err := o.open(ctx, &o.aws, a.log(levelNone))
		if err != nil {
			return nil, directive
		}
		var ids []string
		_ = o.each(ctx, letters, func(l penstock.Letter) error { // what was found before an error counts
			if strings.HasPrefix(l.ID, begun) {
				ids = append(ids, l.ID)
			}
			if len(ids) == completeMost {
				return errEnough
			}
			return nil
		})
		slices.Sort(ids)
		return oneOf(slices.Compact(ids)...)(cmd, nil, begun)
	}
}
