package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/internal/version"
)

func newVersionCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version and how it was built",
		Long: "version prints the version of the program, its commit, and what it was built with and for " +
			"(docs/install.md).",
		Example: "  penstock version\n  penstock version --json",
		GroupID: groupLook,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v := version.Of()
			if asJSON {
				return printJSON(a.Out, v)
			}
			if _, err := fmt.Fprintf(a.Out, "penstock %s\n", v); err != nil {
				return &outputError{err}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
