package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/pipeline"
)

func newFormatsCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "formats",
		Short: "List the formats that are recognised, and by what",
		Long: `formats lists what penstock recognises, in the order in which it looks. The content decides, never the name
or the metadata of an object; --format NAME, with ship and explain, reads everything as one of them.

docs/formats.md says what the fields are. docs/explain.md tells how to see what one object is read as.`,
		Example: "  penstock formats\n  penstock formats --json",
		GroupID: groupLook,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				enc := json.NewEncoder(a.Out)
				for _, f := range pipeline.Formats() {
					if err := enc.Encode(f); err != nil {
						return &outputError{err}
					}
				}
				return nil
			}
			tab := table{left: 3, wrap: true, header: []string{"format", "what it is", "told by"}}
			for _, f := range pipeline.Formats() {
				tab.rows = append(tab.rows, []string{f.Name, f.About, f.Signature})
			}
			tab.write(a.Out)
			for _, line := range wrapped("gzip, zstd, bzip2, xz, lz4, snappy, zip and tar are unpacked before, "+
				"also inside each other.", terminalWidth(a.Out)-2) {
				_, _ = fmt.Fprintln(a.Out, "  "+line)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object for each format")
	return cmd
}
