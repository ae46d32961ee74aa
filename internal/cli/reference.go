package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/seed56735111/penstock/internal/settings"
)

// configurationReference writes docs/configuration.md from the settings table.
func configurationReference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

Every setting has a flag, a variable and a key for a JSON file (` + "`--config FILE` or `PENSTOCK_CONFIG`" + `). A flag
overrides the variable, the variable the file, the file the default. Secrets are never settings: credentials come from
the AWS chain (environment, shared files, SSO, web identity, container, instance).

A file is one flat object, checked against [configuration.schema.json](configuration.schema.json):

` + "```json" + `
{
  "domain": "https://search-logs-abc.eu-west-1.es.amazonaws.com",
  "index": "logs-{format}-{yyyy.MM.dd}",
  "workers": 8
}
` + "```" + `

This page is made from the table in the program (` + "`go test ./internal/cli -run Reference -update`" + `).

| flag | variable | file key | default | unit | meaning |
| --- | --- | --- | --- | --- | --- |
`)
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

The shipping process needs at most the sum of these, resident, program included. By default that is 94 MiB:

- 40 MiB;
- 1.5 MiB for each of the ` + "`workers`" + ` that reads;
- the larger of two: (` + "`max-in-flight`" + ` + 1) × ` + "`batch-bytes`" + ` × 2, for the requests being filled and
  sent and the original bytes kept for rejections; and ` + "`max-record-bytes`" + ` × 3, for the bytes, the JSON and the
  request of one long record.

It holds because one worker at a time holds a record of more than 1 MiB, a document larger than a request is sent when
nothing else is, and large answers are read one after the other. A record of quotes and control characters, whose JSON
is up to six times as long, takes more.

` + "`penstock ship`" + ` gives the garbage collector its share of this sum as its limit.
`)
	return b.String()
}

// configurationSchema writes the JSON Schema of a configuration file.
func configurationSchema() (string, error) {
	type property struct {
		Type        []string `json:"type"`
		Description string   `json:"description"`
		Default     string   `json:"default,omitempty"`
	}
	props := map[string]property{}
	for _, s := range settings.Table() {
		usage := s.Usage
		if s.Unit != "" {
			usage += " (" + s.Unit + ")"
		}
		types := []string{"string", "number", "boolean"}
		if s.IsList() {
			types = []string{"string", "array"}
		}
		props[s.Key()] = property{Type: types, Description: usage, Default: s.Default}
	}
	out, err := json.MarshalIndent(map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "penstock settings",
		"type":                 "object",
		"properties":           props,
		"patternProperties":    map[string]any{`^\$schema$`: map[string]any{"type": "string"}},
		"additionalProperties": false,
	}, "", "  ")
	return string(out) + "\n", err
}
