package cli

import "github.com/spf13/cobra"

func newDoctorCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say why a domain does not take requests",
		Long: `doctor finds the cause of a refusal, says what it rests on, and how to mend it.
docs/explain-signature.md has examples.`,
		Example: `  penstock doctor explain refused.txt`,
		GroupID: groupLook,
		Args:    rejectUnknownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDoctorExplainCommand(a))
	return cmd
}
