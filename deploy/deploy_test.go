// Package deploy_test checks what is deployed with tools that other people wrote.
package deploy_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

const (
	cfnLint   = "cfn-lint==1.58.0"
	pythonHCL = "python-hcl2==8.1.4"
)

// lint runs cfn-lint, whose findings make it fail.
func lint(t *testing.T, template string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), realtest.Python(t, cfnLint),
		"-c", "from cfnlint.runner.cli import main; main()",
		"--non-zero-exit-code", "informational", "--include-checks", "I", "--", template)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestTheTemplatesAreValid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sam/template.yaml", "stepfunctions/template.yaml"} {
		if out, err := lint(t, name); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// The two state machines read different lists and treat their items alike, by names of errors that the function has.
func TestTheStateMachinesRetryWhatTheFunctionCanFailWith(t *testing.T) {
	t.Parallel()
	names := regexp.MustCompile(`"(Penstock\.[A-Za-z]+)"`)
	known := map[string]bool{}
	code, err := os.ReadFile("../lambda/failure.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range names.FindAllStringSubmatch(string(code), -1) {
		known[m[1]] = true
	}
	var processors []any
	for _, name := range []string{"stepfunctions/listing.asl.json", "stepfunctions/jsonl.asl.json"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var machine struct {
			States map[string]map[string]any
		}
		if err := json.Unmarshal(text, &machine); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		processors = append(processors, machine.States["Ship"]["ItemProcessor"], machine.States["Ship"]["ResultWriter"])
		named := names.FindAllStringSubmatch(string(text), -1)
		if len(named) < 5 {
			t.Errorf("%s names only %v", name, named)
		}
		for _, m := range named {
			if !known[m[1]] {
				t.Errorf("%s: %s is no error of the function's", name, m[1])
			}
		}
	}
	if diff := cmp.Diff(processors[:2], processors[2:]); diff != "" {
		t.Errorf("the machines differ in what they do with a batch:\n%s", diff)
	}
}

// A linter that finds nothing must be able to find something.
func TestABrokenTemplateIsFound(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("sam/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ right, wrong, finding string }{
		{"Type: AWS::Logs::AccountPolicy", "Type: AWS::Logs::AcountPolicy", "AcountPolicy"},
		{"Destination: !GetAtt FailedMessages.Arn", "Destination: !GetAtt Nowhere.Arn", "Nowhere"},
		{"Timeout: !Ref Timeout", "Timeout: !Ref TimeOut", "TimeOut"},
	} {
		broken := filepath.Join(t.TempDir(), "template.yaml")
		if err := os.WriteFile(broken, []byte(strings.Replace(string(text), tt.right, tt.wrong, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := lint(t, broken); err == nil || !strings.Contains(out, tt.finding) {
			t.Errorf("%s is let through: %v %s", tt.wrong, err, out)
		}
	}
}

func load(t *testing.T, python, script string, into any) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatal(err)
	}
}

// terraform is the module as a parser of the language reads it: kind of block, type, name.
type terraform struct {
	resources, data, variables, outputs map[string]map[string]any
	locals                              map[string]any
	text                                string
}

func readTerraform(t *testing.T) terraform {
	t.Helper()
	var raw map[string][]map[string]any
	load(t, realtest.Python(t, pythonHCL), `import glob, json, sys, hcl2
from hcl2 import SerializationOptions
options = SerializationOptions(with_comments=False, strip_string_quotes=True, explicit_blocks=False)
all = {}
for name in sorted(glob.glob("terraform/*.tf")):
    with open(name) as f:
        for kind, blocks in hcl2.load(f, serialization_options=options).items():
            all.setdefault(kind, []).extend(blocks)
json.dump(all, sys.stdout)`, &raw)
	m := terraform{
		resources: map[string]map[string]any{}, data: map[string]map[string]any{}, variables: map[string]map[string]any{},
		outputs: map[string]map[string]any{}, locals: map[string]any{},
	}
	for _, b := range raw["resource"] {
		flatten(m.resources, b)
	}
	for _, b := range raw["data"] {
		flatten(m.data, b)
	}
	for kind, into := range map[string]map[string]map[string]any{"variable": m.variables, "output": m.outputs} {
		for _, b := range raw[kind] {
			for name, body := range b {
				into[name] = body.(map[string]any)
			}
		}
	}
	for _, b := range raw["locals"] {
		maps.Copy(m.locals, b)
	}
	names, err := filepath.Glob("terraform/*.tf")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m.text += string(text)
	}
	return m
}

// flatten turns {type: {name: body}} into type.name.
func flatten(into map[string]map[string]any, block map[string]any) {
	for kind, named := range block {
		for name, body := range named.(map[string]any) {
			into[kind+"."+name] = body.(map[string]any)
		}
	}
}

func TestTheTerraformModuleParsesAndItsNamesAreKnown(t *testing.T) {
	t.Parallel()
	m := readTerraform(t)
	used := map[string]bool{}
	reference := regexp.MustCompile(`\b(data\.)?(var|local|aws_[a-z0-9_]+)\.([a-z0-9_]+)`)
	for _, ref := range reference.FindAllStringSubmatch(m.text, -1) {
		var known bool
		switch name := ref[2] + "." + ref[3]; {
		case ref[2] == "var":
			_, known = m.variables[ref[3]]
			used[ref[3]] = true
		case ref[2] == "local":
			_, known = m.locals[ref[3]]
		case ref[1] != "":
			_, known = m.data[name]
		default:
			_, known = m.resources[name]
		}
		if !known {
			t.Errorf("%s is not declared", ref[0])
		}
	}
	for name, body := range m.variables {
		if !used[name] {
			t.Errorf("variable %s is not used", name)
		}
		if body["description"] == nil || body["type"] == nil {
			t.Errorf("variable %s lacks a description or a type", name)
		}
	}
	if len(m.resources) < 15 || len(m.outputs) < 4 {
		t.Errorf("read only %d resources and %d outputs", len(m.resources), len(m.outputs))
	}
}

type statement struct {
	Sid               string
	Actions           []string
	Everything, Maybe bool // the resource is *; only under a condition
}

// samRole returns what the role of the template allows.
func samRole(t *testing.T, resources map[string]any) map[string]statement {
	t.Helper()
	all := map[string]statement{}
	role := at(t, resources, "Role", "Properties")["Policies"].([]any)[0].(map[string]any)
	for _, raw := range at(t, role, "PolicyDocument")["Statement"].([]any) {
		s := raw.(map[string]any)
		branch, maybe := s["Fn::If"].([]any)
		if maybe {
			s = branch[1].(map[string]any)
		}
		all[s["Sid"].(string)] = statement{
			Sid:        s["Sid"].(string),
			Actions:    strs(s["Action"]),
			Everything: slices.Contains(strs(s["Resource"]), "*"),
			Maybe:      maybe,
		}
	}
	return all
}

func terraformRole(t *testing.T, m terraform) map[string]statement {
	t.Helper()
	all := map[string]statement{}
	policy := m.data["aws_iam_policy_document.function"]
	add := func(s map[string]any, maybe bool) {
		sid := s["sid"].(string)
		all[sid] = statement{
			Sid: sid, Actions: strs(s["actions"]), Everything: slices.Contains(strs(s["resources"]), "*"), Maybe: maybe,
		}
	}
	for _, s := range policy["statement"].([]any) {
		add(s.(map[string]any), false)
	}
	for _, d := range policy["dynamic"].([]any) {
		add(at(t, d.(map[string]any), "statement")["content"].([]any)[0].(map[string]any), true)
	}
	return all
}

func at(t *testing.T, v map[string]any, names ...string) map[string]any {
	t.Helper()
	for _, name := range names {
		next, ok := v[name].(map[string]any)
		if !ok {
			t.Fatalf("no %s in %v", name, v)
		}
		v = next
	}
	return v
}

// strs is a string or a list of them, sorted.
func strs(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var all []string
	for _, s := range list {
		if text, ok := s.(string); ok {
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return all
}

func samResources(t *testing.T) map[string]any {
	t.Helper()
	var template struct{ Resources map[string]any }
	load(t, realtest.Python(t, cfnLint), `import json, sys, cfnlint.decode
template, problems = cfnlint.decode.decode("sam/template.yaml")
assert not problems, problems
json.dump(template, sys.stdout)`, &template)
	return template.Resources
}

func TestBothGiveTheFunctionTheSameRightsAndNoMore(t *testing.T) {
	t.Parallel()
	sam, tf := samRole(t, samResources(t)), terraformRole(t, readTerraform(t))
	if diff := cmp.Diff(sam, tf); diff != "" {
		t.Errorf("SAM and Terraform differ (-sam +terraform):\n%s", diff)
	}
	for sid, s := range sam {
		if s.Everything && sid != "Network" {
			t.Errorf("%s is allowed on every resource", sid)
		}
		for _, action := range s.Actions {
			if strings.Contains(action, "*") || strings.Contains(action, "Delete") && sid != "Queue" && sid != "Network" {
				t.Errorf("%s allows %s", sid, action)
			}
		}
	}
}

// Every variable that the function is given must be a setting.
func TestTheFunctionsVariablesAreSettings(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/configuration.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sam/template.yaml", "terraform/main.tf"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`PENSTOCK_[A-Z_]+`).FindAllString(string(text), -1)
		if len(found) < 4 {
			t.Errorf("%s: only %v", name, found)
		}
		for _, variable := range found {
			key := strings.ToLower(strings.TrimPrefix(variable, "PENSTOCK_"))
			if schema.Properties[key] == nil && variable != "PENSTOCK_CONFIG" {
				t.Errorf("%s: %s is no setting", name, variable)
			}
		}
	}
}

func TestBothDeployTheSameFunctionQueueAndAlarms(t *testing.T) {
	t.Parallel()
	sam, tf := samResources(t), readTerraform(t)
	function := at(t, sam, "Function", "Properties")
	if function["Runtime"] != "provided.al2023" ||
		tf.resources["aws_lambda_function.this"]["runtime"] != "provided.al2023" {
		t.Error("the runtime is not provided.al2023")
	}
	types := at(t, function, "Events", "Objects", "Properties")["FunctionResponseTypes"]
	if !slices.Equal(strs(types), []string{"ReportBatchItemFailures"}) {
		t.Errorf("SAM: response types %v: every failure would bring the whole batch back", types)
	}
	types = tf.resources["aws_lambda_event_source_mapping.objects"]["function_response_types"]
	if !slices.Equal(strs(types), []string{"ReportBatchItemFailures"}) {
		t.Errorf("Terraform: response types %v", types)
	}
	if n := at(t, sam, "Queue", "Properties", "RedrivePolicy")["maxReceiveCount"]; n != 5. {
		t.Errorf("SAM: messages are received %v times", n)
	}
	policy, _ := tf.resources["aws_sqs_queue.objects"]["redrive_policy"].(string)
	if !regexp.MustCompile(`maxReceiveCount"?\s*[:=]\s*5`).MatchString(policy) {
		t.Errorf("Terraform: redrive policy %v", policy)
	}
	if at(t, sam, "LogsPermission", "Properties")["SourceAccount"] == nil ||
		tf.resources["aws_lambda_permission.logs"]["source_account"] == nil {
		t.Error("CloudWatch Logs of other accounts may invoke the function")
	}
	var samAlarms, tfAlarms []string
	for _, r := range sam {
		if r := r.(map[string]any); r["Type"] == "AWS::CloudWatch::Alarm" {
			p := at(t, r, "Properties")
			samAlarms = append(samAlarms, p["Namespace"].(string)+" "+p["MetricName"].(string))
		}
	}
	for name, r := range tf.resources {
		if strings.HasPrefix(name, "aws_cloudwatch_metric_alarm.") {
			tfAlarms = append(tfAlarms, r["namespace"].(string)+" "+r["metric_name"].(string))
		}
	}
	slices.Sort(samAlarms)
	slices.Sort(tfAlarms)
	if diff := cmp.Diff(samAlarms, tfAlarms); diff != "" || len(samAlarms) == 0 {
		t.Errorf("alarms (-sam +terraform):\n%s", diff)
	}
	metrics, err := os.ReadFile("../lambda/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, alarm := range samAlarms {
		if name, ours := strings.CutPrefix(alarm, "penstock "); ours && !strings.Contains(string(metrics), `"`+name+`"`) {
			t.Errorf("an alarm waits for a metric %s that nobody emits", name)
		}
	}
}
