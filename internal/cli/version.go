package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/internal/version"
)

func newVersionCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the version and how it was built",
		Example: "  penstock version\n  penstock version --json",
		GroupID: groupLook,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			v := version.Of()
			if asJSON {
				return json.NewEncoder(a.Out).Encode(v)
			}
			_, err := fmt.Fprintf(a.Out, "penstock %s\n", v)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}
