package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/internal/function"
	"github.com/seed56735111/penstock/internal/settings"
)

func newLambdaCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lambda",
		Short: "Serve as a Lambda function: events of S3 and CloudWatch Logs, however they are wrapped",
		Long: `lambda is the Lambda function: it asks the Lambda Runtime API for events and delivers what they announce.
These are objects of S3 (directly, or through SQS, SNS, EventBridge, S3 Batch Operations and Step Functions) and log
events of CloudWatch Logs (directly or through Kinesis). An empty event is answered with the domain's banner.

The platform starts the binary without arguments, which does the same. To run the function on this machine, use
"penstock invoke".

Settings are the PENSTOCK_ variables of the function, or a file in YAML or JSON that PENSTOCK_CONFIG names: a path in
the package, s3://bucket/key or ssm:NAME, looked at again at most every 30 seconds. Credentials are those of the
function's role.
docs/lambda.md tells how to deploy it.`,
		Example: `  PENSTOCK_DOMAIN=https://search-x.eu-west-1.es.amazonaws.com penstock invoke
  PENSTOCK_DOMAIN=http://127.0.0.1:9200 penstock invoke --s3 s3://logs/app.log.gz`,
		GroupID: groupMove,
		Args:    usageArgs(cobra.NoArgs),
		// The settings are read for each invocation, and a mistake in them is an answer to it.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, _ []string) error {
			given := map[string]string{}
			cmd.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
			f, err := function.New(function.Config{Given: given, Metrics: a.Out, Logger: a.log, Tables: tables})
			if err != nil {
				return err
			}
			f.Serve(cmd.Context())
			return nil
		},
	}
	function.Register(settings.Flags{FlagSet: cmd.Flags()})
	return cmd
}
