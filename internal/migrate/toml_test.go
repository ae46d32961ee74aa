package migrate_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/config"
	"github.com/seed56735111/penstock/internal/migrate"
)

const vectorYAML = `data_dir: /var/lib/vector
sources:
  logs:
    type: aws_s3
    region: eu-west-1
    sqs: { queue_url: 'https://sqs.eu-west-1.amazonaws.com/1/logs' }
transforms:
  parse:
    type: remap
    inputs: [logs]
    source: |
      . = parse_json!(.message)
  few:
    type: sample
    inputs: [parse]
    rate: 10
sinks:
  out:
    type: elasticsearch
    inputs: [few]
    endpoints: ['https://search-logs-abc.eu-west-1.es.amazonaws.com']
    auth: { strategy: aws, assume_role: 'arn:aws:iam::123456789012:role/w' }
    aws: { region: eu-west-1 }
    bulk: { index: 'vector-%Y.%m.%d' }
    batch: { max_bytes: 5242880 }
    encoding: { except_fields: [a, b] }
`

const vectorTOML = `# Set global options
data_dir = "/var/lib/vector"

[sources.logs]
type = "aws_s3"
region = "eu-west-1"
sqs.queue_url = 'https://sqs.eu-west-1.amazonaws.com/1/logs'

[transforms.parse]
type = "remap"
inputs = ["logs"]
source = '''
. = parse_json!(.message)
'''

[transforms."few"]
type = "sample"
inputs = ["parse"]
rate = 10

[sinks.out]
type = "elasticsearch"
inputs = ["few"]
endpoints = [
  "https://search-logs-abc.eu-west-1.es.amazonaws.com", # one domain
]
auth = { strategy = "aws", assume_role = "arn:aws:iam::123456789012:role/w" }
[sinks.out.aws]
region = "eu-west-1"
[sinks.out.bulk]
index = "vector-%Y.%m.%d"
[sinks.out.batch]
max_bytes = 5_242_880
[sinks.out.encoding]
except_fields = ["a", "b"]
`

// What is written in TOML becomes the same as in YAML, and the notes name the lines of the file that was read.
func TestVectorInTOMLIsThatInYAML(t *testing.T) {
	t.Parallel()
	yaml, err := migrate.Read("vector.yaml", []byte(vectorYAML), "")
	if err != nil {
		t.Fatal(err)
	}
	toml, err := migrate.Read("vector.toml", []byte(vectorTOML), "")
	if err != nil {
		t.Fatal(err)
	}
	if toml.Kind != migrate.Vector {
		t.Errorf("told as %s", toml.Kind)
	}
	if diff := cmp.Diff(string(toml.File), string(yaml.File)); diff != "" {
		t.Errorf("-TOML +YAML:\n%s", diff)
	}
	if len(toml.Notes) != len(yaml.Notes) {
		t.Fatalf("notes of TOML %v, of YAML %v", toml.Notes, yaml.Notes)
	}
	lines := strings.Split(vectorTOML, "\n")
	for i, n := range toml.Notes {
		want := yaml.Notes[i]
		want.Line = n.Line
		if diff := cmp.Diff(n, want); diff != "" {
			t.Errorf("a note, -TOML +YAML:\n%s", diff)
		}
		name := n.Option[strings.LastIndexAny(n.Option, ".")+1:]
		if name, _, _ = strings.Cut(name, " "); !strings.Contains(lines[n.Line-1], name) {
			t.Errorf("%s is said to stand in line %d, which is %q", n.Option, n.Line, lines[n.Line-1])
		}
	}
}

// Wrong TOML names its place, whatever is in it.
func TestWrongTOMLNamesItsPlace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[sinks.a]\ntype = \"x\n":                       "v:2:10: basic strings cannot have new lines",
		"[sinks.a]\ntype = 'x'\n type = 'y'\n":          "v:3:2: type stands here a second time",
		"[sinks.a]\ntype = 'x'\n[sinks.a.type]":         "v:3:10: type is no table",
		"[sinks.a]\ntype = 'x'\ntype.b = 1":             "v:3:1: type is no table",
		"[sinks.a]\ntype = 'x'\n[[sinks.a]]":            "v:3:9: a is no list of tables",
		"[sinks.a]\nx = { y = 1, y = 2 }":               "v:2:14: y stands here a second time",
		"[sinks.a]\nx = " + strings.Repeat("[", 100000): "v:2:505: more than 500 brackets inside one another",
		"[sinks.a]\nx =":                                "v:2:3: expected value",
	} {
		_, err := migrate.Read("v", []byte(text), migrate.Vector)
		if _, ok := errors.AsType[*config.MistakesError](err); !ok || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60q: %v, want %q", text, err, want)
		}
	}
}
