package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

// awsCLI returns a function that runs the AWS command line against a stand-in, and the environment for a script that
// runs it too.
func awsCLI(t *testing.T, stand *realtest.AWS) (aws func(args ...string) string, env []string) {
	t.Helper()
	program := stand.CommandLine(t)
	env = append(os.Environ(), append(stand.Env(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"),
		"AWS_DEFAULT_REGION=us-east-1")...)
	return func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), program, args...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}, env
}

func TestSubscribingTakesAllGroupsButTheFunctionsOwn(t *testing.T) {
	t.Parallel()
	stand := realtest.StartMoto(t)
	aws, env := awsCLI(t, stand)
	trust := `{"Version":"2012-10-17","Statement":[` +
		`{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	role := aws("iam", "create-role", "--role-name", "gate", "--assume-role-policy-document", trust,
		"--query", "Role.Arn", "--output", "text")
	function := aws("lambda", "create-function", "--function-name", "gate", "--runtime", "provided.al2023",
		"--handler", "bootstrap", "--role", role, "--zip-file", "fileb://"+realtest.EmptyFunction(t),
		"--query", "FunctionArn", "--output", "text")
	groups := []string{"/aws/lambda/gate", "/aws/lambda/orders", "/aws/lambda/with space", "/app/web"}
	for _, group := range groups {
		aws("logs", "create-log-group", "--log-group-name", strings.ReplaceAll(group, " ", "_"))
	}
	for range 2 { // the second time changes nothing
		cmd := exec.CommandContext(t.Context(), "sh", "./subscribe.sh", function, "/aws/lambda/")
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if want := "subscribed /aws/lambda/orders\nsubscribed /aws/lambda/with_space\n"; err != nil || string(out) != want {
			t.Errorf("%v, printed %q, want %q", err, out, want)
		}
	}
	for group, want := range map[string]string{
		"/aws/lambda/gate": "", "/aws/lambda/orders": function, "/aws/lambda/with_space": function, "/app/web": "",
	} {
		got := aws("logs", "describe-subscription-filters", "--log-group-name", group,
			"--query", "subscriptionFilters[].destinationArn", "--output", "text")
		if got != want {
			t.Errorf("%s is subscribed to %q, want %q", group, got, want)
		}
	}
	cmd := exec.CommandContext(t.Context(), "sh", "./subscribe.sh", function)
	if out, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("without a prefix: %s", out)
	}
}
