package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/internal/settings"
)

// applySettings fills the flags that were not given from the environment and the configuration file.
func applySettings(cmd *cobra.Command, lookup func(string) (string, bool)) error {
	file, err := readConfigFile(cmd, lookup)
	if err != nil {
		return err
	}
	return settings.Apply(cmd.Flags(), lookup, file)
}

func readConfigFile(cmd *cobra.Command, lookup func(string) (string, bool)) (settings.File, error) {
	path, err := cmd.Flags().GetString("config")
	if err != nil {
		return settings.File{}, nil //nolint:nilerr // the command takes no configuration
	}
	if path == "" {
		path, _ = lookup("PENSTOCK_CONFIG")
	}
	if path == "" {
		return settings.File{}, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return settings.File{}, &usageError{Err: fmt.Errorf("read configuration: %w", err), Hint: "name an existing JSON " +
			"file with --config"}
	}
	values, err := settings.Parse(data)
	if err != nil {
		return settings.File{}, &usageError{Err: fmt.Errorf("%s: %w", path, err), Hint: "docs/configuration.md lists the " +
			"keys; docs/configuration.schema.json is the JSON Schema"}
	}
	return settings.File{Path: path, Values: values}, nil
}
