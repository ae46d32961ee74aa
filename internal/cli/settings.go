package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
)

// applySettings fills the flags that were not given from the environment and the configuration file.
func (a *app) applySettings(cmd *cobra.Command, lookup func(string) (string, bool)) error {
	file, err := a.readConfig(cmd, lookup)
	if err != nil {
		return err
	}
	a.config = file
	said, err := file.Settings(config.TargetOf(cmd.Flags(), lookup))
	if err != nil && cmd.Flags().Lookup("target") != nil {
		return &usageError{Err: err, Hint: "docs/configuration.md explains targets"}
	}
	return settings.Apply(cmd.Flags(), lookup, said)
}

// routes puts the routes and rules of the configuration file into read, as far as the command line leaves them.
func (a *app) routes(cmd *cobra.Command, read *pipeline.Read) {
	a.config.Into(read, func(name string) bool { return given(cmd.Flags(), name) })
}

// routeTargets are the domains that routes send to.
func (a *app) routeTargets(routes []pipeline.Route, base *pipeline.Target) (map[string]pipeline.Target, error) {
	all, err := a.config.TargetsFor(routes, base, os.LookupEnv)
	if err != nil {
		return nil, &usageError{Err: err, Hint: "docs/routes.md explains targets of routes"}
	}
	return all, nil
}

// The name of a configuration file that is found without being named.
const configName = "penstock.yaml"

// readConfig reads the file that the command line or the environment names, or else one that is found: in the
// directory at hand, where it says nothing about where records go, or in that of the user. Nil is no file.
func (a *app) readConfig(cmd *cobra.Command, lookup func(string) (string, bool)) (*config.File, error) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // the command takes no configuration
	}
	if path == "" {
		path, _ = lookup("PENSTOCK_CONFIG")
	}
	if path != "" {
		return readConfigFile(path, false)
	}
	if !settings.Has(cmd.Flags()) {
		return nil, nil //nolint:nilnil // no file is looked for
	}
	return a.findConfig()
}

// findConfig reads a file that nobody has named. Nil is no file.
func (a *app) findConfig() (*config.File, error) {
	if _, err := os.Lstat(configName); err == nil {
		return a.foundHere()
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // a user without a directory has no file there
	}
	path := filepath.Join(dir, "penstock", configName)
	if _, err := os.Stat(path); err != nil {
		return nil, nil //nolint:nilnil,nilerr // the same
	}
	return readConfigFile(path, true)
}

// foundHere reads the file in the directory at hand. Who unpacked an archive there, or cloned a repository, did not
// choose what is in it.
func (a *app) foundHere() (*config.File, error) {
	file, err := readConfigFile(configName, true)
	if err != nil {
		return nil, err
	}
	file, left := file.WithoutReach()
	a.note("settings are taken from %s in this directory", configName)
	if len(left) > 0 {
		a.note("%s in it %s not count: it was found, not named; --config %s takes all of it", joined(left),
			verb(len(left), "does", "do"), configName)
	}
	return file, nil
}

func verb(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// joined writes names as they stand in a sentence.
func joined(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// readConfigFile reads a file. One that was found is taken only when nobody else may have written it.
func readConfigFile(path string, found bool) (*config.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &usageError{
			Err:  fmt.Errorf("read configuration: %w", err),
			Hint: "name an existing file in YAML or JSON with --config",
		}
	}
	defer func() { _ = f.Close() }()
	if found {
		if err := trusted(f); err != nil {
			return nil, &usageError{
				Err:  fmt.Errorf("read configuration: %s: %w", path, err),
				Hint: "look at what is in it; then make it yours alone, or name it with --config",
			}
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, config.MaxBytes+1))
	if err != nil {
		return nil, &usageError{Err: fmt.Errorf("read configuration: %w", err)}
	}
	file, err := config.Parse(path, data)
	if err != nil {
		return nil, &usageError{Err: err, Hint: configHint}
	}
	return file, nil
}

const configHint = "docs/configuration.md lists the keys; an editor completes them by docs/configuration.schema.json"

// writeMistakes writes each mistake on a line of its own.
func writeMistakes(w io.Writer, path string, mistakes []config.Mistake) {
	for _, m := range mistakes {
		_, _ = fmt.Fprintln(w, printable(config.Line(path, m)))
	}
}
