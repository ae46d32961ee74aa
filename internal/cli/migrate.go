package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/migrate"
)

func newMigrateCommand(a *app) *cobra.Command {
	var from string
	kinds := make([]string, 0, len(migrate.Kinds()))
	for _, k := range migrate.Kinds() {
		kinds = append(kinds, string(k))
	}
	cmd := &cobra.Command{
		Use:   "migrate FILE",
		Short: "Write the configuration of another shipper as ours",
		Long: `migrate reads the configuration of another program and prints a penstock.yaml that does the same as far as
there are keys for it. Behind it, as comments, it lists by their lines what has no counterpart, and what is done
otherwise. Code (VRL, Lua, Ruby, JavaScript) is not translated: each block is quoted with the rules that come nearest.

It reads user.ini of SIEM on OpenSearch, config.yaml of elastic-serverless-forwarder, and Filebeat (aws-s3), Fluent
Bit (opensearch, es), Vector (aws_s3, elasticsearch; in YAML, TOML or JSON) and Logstash (s3, opensearch). Secrets are
not carried over. docs/migrate.md says what is different afterwards.`,
		Example: "  penstock migrate filebeat.yml > penstock.yaml\n  penstock migrate pipeline.conf --from logstash",
		GroupID: groupLook,
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(_ *cobra.Command, args []string) error { return a.migrate(args[0], from, kinds) },
	}
	cmd.Flags().StringVar(&from, "from", "", "program that the file is of: "+strings.Join(kinds, ", ")+
		"; told by its content when not given")
	return cmd
}

func (a *app) migrate(path, from string, kinds []string) error {
	data, err := readBounded(a.In, path, config.MaxBytes+1)
	if err != nil {
		return usagef("name an existing configuration", "read configuration: %w", err)
	}
	if len(data) > config.MaxBytes {
		return usagef("divide it", "%s: more than %d bytes", path, config.MaxBytes)
	}
	if path == "-" {
		path = "standard input"
	}
	known := from == ""
	for _, k := range kinds {
		known = known || from == k
	}
	if !known {
		return usagef("--from takes "+strings.Join(kinds, ", "), "no program is called %q", from)
	}
	r, err := migrate.Read(path, data, migrate.Kind(from))
	if errors.Is(err, migrate.ErrUnknown) {
		return usagef("say whose it is: --from "+strings.Join(kinds, ", "), "%s: %w", path, err)
	}
	if err != nil {
		return usagef("the program itself would not read it either; --from says whose it is", "%w", err)
	}
	_, err = config.Parse("penstock.yaml", r.File)
	if err != nil { // each part was tried by itself
		return fmt.Errorf("migrate %s: %w", path, err)
	}
	text := fmt.Sprintf("# Made of %s "+
		"(%s).\n%s%s", printable(path), r.Kind, r.File, migrate.Comments(printable(path), r.Notes))
	if _, err := io.WriteString(a.Out, text); err != nil {
		return unwritten(err)
	}
	return nil
}
