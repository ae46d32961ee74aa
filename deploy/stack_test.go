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

// stack makes stacks of the template in a stand-in for AWS and returns their resources with everything worked out.
func stack(t *testing.T, parameters ...map[string]string) []map[string]any {
	t.Helper()
	given := make([]map[string]string, 0, len(parameters))
	for _, p := range parameters {
		all := map[string]string{
			"DomainEndpoint": "https://search-logs-abc.eu-west-1.es.amazonaws.com",
			"DomainArn":      "arn:aws:es:eu-west-1:123456789012:domain/logs", "SourceBucketArns": "arn:aws:s3:::logs",
		}
		maps.Copy(all, p)
		given = append(given, all)
	}
	in, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	python := realtest.Python(t, "moto[server]==5.2.5", cfnLint, "aws-sam-translator==1.115.0")
	cmd := exec.CommandContext(t.Context(), python, "testdata/stack.py", "sam/template.yaml")
	cmd.Stdin = strings.NewReader(string(in))
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	var found []map[string]any
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// said are the statements of a policy that are there, by their Sid.
func said(t *testing.T, policy map[string]any) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, raw := range policy["Statement"].([]any) {
		if s, ok := raw.(map[string]any); ok { // null is one that a condition leaves out
			all[s["Sid"].(string)] = s
		}
	}
	return all
}

func sids(all map[string]map[string]any) []string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// A stack has what its parameters ask for, and nothing that they do not.
func TestStacksHaveWhatTheirParametersAskFor(t *testing.T) {
	t.Parallel()
	const (
		boundary = "arn:aws:iam::123456789012:policy/boundary"
		key      = "arn:aws:kms:eu-west-1:123456789012:key/ours"
		theirKey = "arn:aws:kms:eu-west-1:210987654321:key/theirs"
		topic    = "arn:aws:sns:eu-west-1:210987654321:new-objects"
		rule     = "arn:aws:events:eu-west-1:210987654321:rule/new-objects"
		own      = "arn:aws:iam::123456789012:role/own"
	)
	stacks := stack(t,
		map[string]string{},
		map[string]string{
			"DomainArn":        "arn:aws:aoss:eu-west-1:123456789012:collection/abc",
			"SourceBucketArns": "arn:aws:s3:::logs,arn:aws:s3:::trail", "SourceAccounts": "210987654321,123456789012",
			"SourcePrefixArns": "arn:aws:s3:::logs/app/,arn:aws:s3:::trail/AWSLogs/", "SourceKmsKeyArns": theirKey,
			"Settings": `{"fields": "ecs"}`, "TopicArns": topic, "RuleArns": rule, "EventBridge": "true", "RolePath": "/team/",
			"PermissionsBoundaryArn": boundary, "KmsKeyArn": key, "LettersDays": "90", "AlarmActions": topic + "," + rule,
			"IndexPrefix": "app-", "PutTemplates": "true",
		},
		map[string]string{"RoleArn": own, "PutTemplates": "true"})
	plain, full, owned := stacks[0], stacks[1], stacks[2]

	t.Run("plain", func(t *testing.T) {
		for _, name := range []string{"Rule", "SettingsParameter"} {
			if plain[name] != nil {
				t.Errorf("there is a %s", name)
			}
		}
		role := said(t, at(t, plain["Role"].(map[string]any)["Policies"].([]any)[0].(map[string]any), "PolicyDocument"))
		want := []string{
			"Banner", "DeadLetters", "Deliver", "FailedEvents", "Log", "Queue", "Read", "TellMissingFromForbidden",
		}
		if diff := cmp.Diff(want, sids(role)); diff != "" {
			t.Errorf("the role (-want +got):\n%s", diff)
		}
		if got := strs(role["Read"]["Resource"]); !slices.Equal(got, []string{"arn:aws:s3:::logs/*"}) {
			t.Errorf("it reads %v", got)
		}
		queue := said(t, at(t, plain, "QueuePolicy", "PolicyDocument"))
		if diff := cmp.Diff([]string{"Notify"}, sids(queue)); diff != "" {
			t.Errorf("the queue's policy (-want +got):\n%s", diff)
		}
		if got := at(t, queue["Notify"], "Condition", "StringEquals")["aws:SourceAccount"]; got != "123456789012" {
			t.Errorf("buckets of %v may notify", got)
		}
		variables := at(t, plain, "Function", "Environment", "Variables")
		for _, name := range []string{"PENSTOCK_CONFIG", "PENSTOCK_INDEX", "PENSTOCK_PUT_TEMPLATES"} {
			if variables[name] != nil {
				t.Errorf("%s is set, and no setting in a file counts any more", name)
			}
		}
		letters := said(t, at(t, plain, "DeadLettersPolicy", "PolicyDocument"))
		if len(letters) != 1 || letters["OnlyTLS"]["Effect"] != "Deny" {
			t.Errorf("the policy of the letters is %v", letters)
		}
	})
	t.Run("everything", func(t *testing.T) {
		made := full["Role"].(map[string]any)
		if made["Path"] != "/team/" || made["PermissionsBoundary"] != boundary {
			t.Errorf("the role is at %v, bounded by %v", made["Path"], made["PermissionsBoundary"])
		}
		role := said(t, at(t, made["Policies"].([]any)[0].(map[string]any), "PolicyDocument"))
		want := []string{
			"Collection", "DeadLetters", "Decrypt", "Encrypt", "FailedEvents", "Log", "Queue", "Read", "Settings",
			"TellMissingFromForbidden",
		}
		if diff := cmp.Diff(want, sids(role)); diff != "" { // a collection takes no templates from here
			t.Errorf("the role (-want +got):\n%s", diff)
		}
		for sid, want := range map[string][]string{
			"Read":                     {"arn:aws:s3:::logs/app/*", "arn:aws:s3:::trail/AWSLogs/*"},
			"TellMissingFromForbidden": {"arn:aws:s3:::logs", "arn:aws:s3:::trail"},
			"Decrypt":                  {theirKey}, "Encrypt": {key},
			"Settings": {"arn:aws:ssm:eu-west-1:123456789012:parameter/penstock/settings"},
		} {
			if diff := cmp.Diff(want, strs(role[sid]["Resource"])); diff != "" {
				t.Errorf("%s (-want +got):\n%s", sid, diff)
			}
		}
		queue := said(t, at(t, full, "QueuePolicy", "PolicyDocument"))
		if diff := cmp.Diff([]string{"Notify", "Rule", "Rules", "Topics"}, sids(queue)); diff != "" {
			t.Errorf("the queue's policy (-want +got):\n%s", diff)
		}
		for sid, want := range map[string][]string{
			"Notify": {"arn:aws:s3:::logs", "arn:aws:s3:::trail"}, "Topics": {topic}, "Rules": {rule},
		} {
			if got := strs(at(t, queue[sid], "Condition", "ArnEquals")["aws:SourceArn"]); !slices.Equal(got, want) {
				t.Errorf("%s is for %v, want %v", sid, got, want)
			}
		}
		accounts := strs(at(t, queue["Notify"], "Condition", "StringEquals")["aws:SourceAccount"])
		if !slices.Equal(accounts, []string{"123456789012", "210987654321"}) {
			t.Errorf("buckets of %v may notify", accounts)
		}
		buckets := strs(at(t, full, "Rule", "EventPattern")["resources"])
		if !slices.Equal(buckets, []string{"arn:aws:s3:::logs", "arn:aws:s3:::trail"}) {
			t.Errorf("the rule takes events of %v", buckets)
		}
		variables := at(t, full, "Function", "Environment", "Variables")
		if variables["PENSTOCK_CONFIG"] != "ssm:/penstock/settings" ||
			at(t, full, "SettingsParameter")["Value"] != `{"fields": "ecs"}` ||
			variables["PENSTOCK_INDEX"] != "app-{format}-{yyyy.MM.dd}" {
			t.Errorf("the variables are %v", variables)
		}
		for _, name := range []string{"Queue", "FailedMessages"} {
			if q := at(t, full, name); q["KmsMasterKeyId"] != key || q["SqsManagedSseEnabled"] != nil {
				t.Errorf("%s is encrypted by %v", name, q)
			}
		}
		if rules := at(t, full, "DeadLetters", "LifecycleConfiguration")["Rules"].([]any); rules[1] == nil {
			t.Error("letters are kept for ever")
		}
		if got := strs(at(t, full, "AgeAlarm")["AlarmActions"]); !slices.Equal(got, []string{rule, topic}) {
			t.Errorf("alarms are told to %v", got)
		}
	})
	t.Run("a role of one's own", func(t *testing.T) {
		if owned["Role"] != nil || at(t, owned, "Function")["Role"] != own || at(t, owned, "Outputs")["RoleArn"] != own {
			t.Errorf("the function has the role %v", at(t, owned, "Function")["Role"])
		}
		if got := at(t, owned, "Function", "Environment", "Variables")["PENSTOCK_PUT_TEMPLATES"]; got != "true" {
			t.Errorf("templates are put: %v", got)
		}
	})
}

// The package may lie in S3.
func TestThePackageMayLieInS3(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("sam/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const local = "CodeUri: ../../bin/lambda.zip"
	if !strings.Contains(string(text), local) {
		t.Fatal("the template names another file")
	}
	there := filepath.Join(t.TempDir(), "template.yaml")
	changed := strings.Replace(string(text), local, "CodeUri: s3://artifacts/penstock/lambda.zip", 1)
	if err := os.WriteFile(there, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := lint(t, there); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheTerraformModuleIsFormatted(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("terraform"); err != nil {
		t.Skip("this machine has no terraform")
	}
	cmd := exec.CommandContext(t.Context(), "terraform", "fmt", "-check", "-diff", "terraform")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The provider is as large as all that penstock is, so this is asked for by name.
func TestTheTerraformModuleIsPlannedWithEveryVariable(t *testing.T) {
	t.Parallel()
	if os.Getenv("PENSTOCK_TEST_FULL") == "" {
		t.Skip("make test-terraform runs it: it needs the AWS provider")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("terraform")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/module.tftest.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "module.tftest.hcl"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "testdata.zip"), text, 0o600); err != nil { // its hash alone is asked for
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-backend=false", "-input=false", "-no-color"}, {"validate", "-no-color"}, {"test", "-no-color"},
	} {
		cmd := exec.CommandContext(t.Context(), "terraform", args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
		t.Logf("terraform %s:\n%s", args[0], out)
	}
	variables, err := os.ReadFile("terraform/variables.tf")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range regexp.MustCompile(`(?m)^variable "(\w+)"`).FindAllSubmatch(variables, -1) {
		if !regexp.MustCompile(`(?m)^ +` + string(v[1]) + ` +=`).Match(text) {
			t.Errorf("no plan sets the variable %s", v[1])
		}
	}
}
