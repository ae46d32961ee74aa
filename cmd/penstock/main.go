// Command penstock brings files from S3 and events from CloudWatch Logs into an IAM-protected OpenSearch domain.
package main

import (
	"os"

	"github.com/seed56735111/penstock/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.Arguments(os.Args), cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
