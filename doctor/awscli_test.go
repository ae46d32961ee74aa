package doctor_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/internal/realtest"
)

// The commands that the doctor prints are carried out as they stand by the real AWS CLI, against a stand-in of the
// services. What they mend is well afterwards.
func TestTheAWSCommandLineTakesTheFixes(t *testing.T) {
	t.Parallel()
	moto := realtest.StartMoto(t)
	bin := filepath.Dir(moto.CommandLine(t))
	shell := func(command string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Dir = bin
		cmd.Env = append(append(os.Environ(), moto.Env()...), "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
			"AWS_PAGER=", "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	w := &world{policy: allows(graceARN, "es:ESHttpGet", domainARN+"/*")}
	cfg := w.open(t)
	standIns := cfg.Endpoint
	cfg.Endpoint = func(service string) string {
		if slices.Contains([]string{"OPENSEARCH", "LAMBDA", "SQS", "CLOUDWATCH_LOGS"}, service) {
			return moto.URL
		}
		return standIns(service) // which knows the caller
	}
	cfg.Function = "ship"
	shell("aws opensearch create-domain --domain-name logs --access-policies '" + w.policy + "'")
	role := shell("aws iam create-role --role-name ship --assume-role-policy-document '{}' --query Role.Arn --output text")
	shell("aws lambda create-function --function-name ship --runtime provided.al2023 --handler bootstrap --timeout 5 " +
		"--zip-file fileb://" + realtest.EmptyFunction(t) + " --role " + role)
	cfg.Queue = shell("aws sqs create-queue --queue-name logs --attributes VisibilityTimeout=30 --query QueueUrl " +
		"--output text")
	check := func(ctx context.Context, name string) doctor.Check {
		t.Helper()
		checks := doctor.Walk(ctx, cfg).Checks
		i := slices.IndexFunc(checks, func(c doctor.Check) bool { return c.Name == name })
		if i < 0 {
			t.Fatalf("there is no check %s in %+v", name, checks)
		}
		return checks[i]
	}
	// The longer time of the function is what the queue is too short for afterwards.
	for _, step := range []struct {
		check string
		cause doctor.Cause
	}{
		{"function", doctor.FunctionTimeout}, {"queue", doctor.QueueVisibility}, {"policy", doctor.PolicyLacksAction},
	} {
		c := check(t.Context(), step.check)
		if c.Cause != step.cause || !strings.HasPrefix(c.Fix, "aws ") {
			t.Fatalf("%s: %+v, want %s and a command", step.check, c, step.cause)
		}
		shell(c.Fix)
		if step.check == "policy" { // what the service has taken comes into force at the gate
			w.change(t, shell("aws opensearch describe-domain-config --domain-name logs "+
				"--query DomainConfig.AccessPolicies.Options --output text"))
		}
		if c = check(t.Context(), step.check); c.Status != doctor.OK {
			t.Errorf("%s after its fix: %+v", step.check, c)
		}
	}
}
