package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/settings"
)

// configurationReference writes docs/configuration.md from the settings table.
func configurationReference() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(referenceHead, "~", "`"))
	for _, s := range settings.Table() {
		def := ""
		if s.Default != "" {
			def = "`" + s.Default + "`"
		}
		_, _ = fmt.Fprintf(&b, "| `--%s` | `%s` | `%s` | %s | %s | %s |\n", s.Name, s.Variable(), s.Key(), def, s.Unit,
			strings.ReplaceAll(s.Usage, "|", "\\|"))
	}
	b.WriteString(`
Sizes are written as 1048576, 512KiB, 5MiB or 5MB; durations as 500ms, 30s or 5m.

## Memory

The shipping process needs at most the sum of these, resident, program included. By default that is 96 MiB:

- 40 MiB;
- 1.5 MiB for each of the ` + "`workers`" + ` that reads;
- 32 KiB for each of the objects that are ` + "`open-ahead`" + `;
- the larger of two: (` + "`max-in-flight`" + ` + 1) ×
  (` + "`batch-bytes`" + ` × 2 + ` + "`batch-docs`" + ` × 320 bytes), for the requests being filled and sent, the
  records kept for rejections and the answers; and ` + "`max-record-bytes`" + ` × 3, for the bytes, the JSON and the
  request of one long record.

Letters that wait for [their records](deadletters.md#the-record) are in the 40 MiB: 1 MiB of them, and 16 bytes for each
of the others.

It holds because one worker at a time holds a record of more than 1 MiB, a document larger than a request is sent when
nothing else is, and large answers are read one after the other. A record of quotes and control characters, whose JSON
is up to six times as long, takes more.

` + "`penstock ship`" + ` gives the garbage collector its share of this sum as its limit.
`)
	return b.String()
}

// referenceHead is what stands above the table, with ~ for the marks around code.
const referenceHead = `# Configuration

Every setting has a flag, a variable and a key in a file. A flag overrides the variable, the variable the file, the file
the default. Secrets are never settings: credentials come from the AWS chain (environment, shared files, SSO, web
identity, container, instance).

~penstock config show~ prints each setting that is not the default, and where it is from.

## The file

A file is YAML or JSON; everything in it is optional:

~~~yaml
# yaml-language-server: $schema=./configuration.schema.json
version: 1
domain: https://search-logs-abc.eu-west-1.es.amazonaws.com
index: 'logs-{format}-{yyyy.MM.dd}'
workers: 8
drop:
  - level=debug
targets:                        # --target audit
  audit: { domain: https://search-audit-def.eu-west-1.es.amazonaws.com, profile: audit }
routes:                         # what is different for some objects
  - { name: trail, match: { format: cloudtrail }, index: 'audit-{account|unknown}-{yyyy.MM}' }
~~~

[Routes](routes.md) has a page of its own.

A value has the type of its key, however YAML would read it: an account id keeps the zeros in front, ~NO~ and ~12:30~
are text. A key that stands twice is a mistake, and so are tags (~!!str~), merges (~<<~) and more than 100 aliases.
Variables of the environment are not filled in.

~penstock check FILE~ reports every mistake at once, one a line, as ~FILE:LINE:COLUMN~, and asks nobody. It ends with
exit code 2 for mistakes and 0 for warnings alone. Every command that reads a file with mistakes prints the same lines
and does nothing. ~--against OLD~ says, as warnings, what goes another way than by an earlier file.
[configuration.schema.json](configuration.schema.json) is the JSON Schema for editors.

The first of these is read:

| where | what counts |
| --- | --- |
| ~--config FILE~, then ~PENSTOCK_CONFIG~ | everything |
| ~penstock.yaml~ in the directory at hand; a note names it | what does not say where records go |
| ~penstock/penstock.yaml~ in the user's directory of configurations (~$HOME/.config~ on Linux) | everything |

A file that is found and not named is refused when another user owns it or may write to it. What says where records go,
and by whose rights, does not count from the directory at hand: ~domain~, ~target~, ~targets~, ~profile~, ~role_arn~,
~external_id~, ~sign_for~, ~ca_file~, ~endpoint_url~, ~s3_profile~, ~s3_role_arn~, ~s3_external_id~, ~dead_letters~ and
~continue_queue~.

A **target** is a domain with a name. ~--target NAME~ (or the key ~target~) chooses one: the settings of the domain
and of who signs then come from flags and from the target alone, neither from variables nor from the rest of the file.

The function reads the file that ~PENSTOCK_CONFIG~ names: a path in its package, ~s3://bucket/key~ or ~ssm:NAME~. Who
may write an object or a parameter does not choose where records go: there ~domain~, ~profile~, ~role_arn~, ~s3_profile~
and ~s3_role_arn~ may have the value of their variable and those listed in ~PENSTOCK_CONFIG_MAY_NAME~, with spaces
between them, and no others. The log has the SHA-256 of the file that is in force.

## Settings

This table is made from the one in the program (~go test ./internal/cli -run Reference -update~).

| flag | variable | file key | default | unit | meaning |
| --- | --- | --- | --- | --- | --- |
`

// configurationSchema writes the JSON Schema of a configuration file.
func configurationSchema() (string, error) {
	out, err := json.MarshalIndent(config.Schema(), "", "  ")
	return string(out) + "\n", err
}
