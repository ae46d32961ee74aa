//go:build function

package cli

import "github.com/spf13/cobra"

// commands are those of the binary in lambda.zip. Files that reach the embedded engine carry the tag "!function".
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newVersionCommand(a),
		newLambdaCommand(a),
	}
}
