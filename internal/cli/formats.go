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
		Short: "List the formats that are recognised; test and learn those of your own",
		Long: `formats lists what penstock recognises, in the order in which it looks: the formats of the configuration file
before those that are built in. The content decides, never the name or the metadata of an object; --format NAME, with
ship and explain, reads everything as one of them.

docs/formats.md says what the fields are, docs/own-formats.md how to write a format. docs/explain.md tells how to see
what one object is read as.`,
		Example: "  penstock formats\n  penstock formats --json\n  penstock formats test penstock.yaml",
		GroupID: groupLook,
		Args:    rejectUnknownCommand,
		RunE: func(*cobra.Command, []string) error {
			if a.config == nil {
				var err error
				if a.config, err = a.findConfig(); err != nil {
					return err
				}
			}
			own := a.config.Definitions()
			if asJSON {
				enc := json.NewEncoder(a.Out)
				for _, f := range pipeline.Formats(own...) {
					if err := enc.Encode(f); err != nil {
						return &outputError{err}
					}
				}
				return nil
			}
			tab := table{left: 3, wrap: true, header: []string{"format", "what it is", "told by"}}
			for _, f := range pipeline.Formats(own...) {
				tab.rows = append(tab.rows, []string{f.Name, printable(f.About), printable(f.Signature)})
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
	cmd.AddCommand(newFormatsTest(a), newFormatsLearn(a))
	return cmd
}
