package cli

import "github.com/spf13/cobra"

// commands are those of the program.
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
		newSignCommand(a),
		newProxyCommand(a),
		newPythonCommand(a),
		newTemplatesCommand(a),
		newCheckCommand(a),
		newTestCommand(a),
		newConfigCommand(a),
		newMigrateCommand(a),
		newFormatsCommand(a),
		newExplainCommand(a),
		newDoctorCommand(a),
		newVersionCommand(a),
	}
}
