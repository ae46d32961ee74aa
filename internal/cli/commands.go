//go:build !function

package cli

import "github.com/spf13/cobra"

// commands are those of the whole program. The tag "function" leaves out what a Lambda function has no use for, first of
// all the embedded engine: commands_function.go.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newDemoCommand(a),
		newShipCommand(a),
		newDeadLetterCommand(a),
		newLambdaCommand(a),
		newInvokeCommand(a),
		newDomainCommand(a),
		newPolicyCommand(a),
		newRequestCommand(a),
		newFormatsCommand(a),
		newExplainCommand(a),
		newVersionCommand(a),
	}
}
