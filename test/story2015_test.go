package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

// TestThreeFunctionsAskADomainOf2015 runs those of examples/2015 as Lambda does. They get the same answer, which an
// anonymous caller does not get.
func TestThreeFunctionsAskADomainOf2015(t *testing.T) {
	t.Parallel()
	python := installWheel(t,
		realtest.PythonOf(t, "3.13", "awslambdaric==4.2.2", "boto3==1.44.5", "hatchling==1.27.0"))
	endpoint := serve(t, "domain", "--listen", "127.0.0.1:0", "--access", "iam=arn:aws:iam::123456789012:user/grace",
		"--region", "eu-west-1", "--name", "sandbox01", "--compat", "2015-10", "--identities", awsUser(t, t.TempDir()))
	const refusal = "User: anonymous is not authorized to perform: es:ESHttpGet on resource: " +
		"arn:aws:es:eu-west-1:123456789012:domain/sandbox01/"
	anonymous := exec.CommandContext(t.Context(), penstock, "request", "GET", "/", "--no-sign", "--domain", endpoint)
	if out, err := anonymous.Output(); err == nil || !strings.Contains(string(out), refusal) {
		t.Errorf("anonymous: %s, %v", out, err)
	}
	env := append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIAGRACE", "AWS_SECRET_ACCESS_KEY=secret-of-grace",
		"AWS_REGION=eu-west-1", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"PENSTOCK_DOMAIN="+endpoint)
	env = without(env, "AWS_SESSION_TOKEN")
	report := regexp.MustCompile(`(?m)^REPORT .*$`)
	var first map[string]any
	for _, handler := range []string{"hand_made.handler", "with_resource.handler", ""} {
		args := []string{"invoke", "--memory", "256"}
		if handler != "" {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS("../examples/2015")); err != nil {
				t.Fatal(err)
			}
			bootstrap := filepath.Join(dir, "bootstrap")
			script := "#!/bin/sh\ncd '" + dir + "' && exec '" + python + "' -m awslambdaric " + handler + "\n"
			if err := os.WriteFile(bootstrap, []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			args = append(args, "--binary", bootstrap)
		}
		cmd := exec.CommandContext(t.Context(), penstock, args...)
		cmd.Env = env
		var out, log bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &log
		if err := cmd.Run(); err != nil {
			t.Errorf("%s: %v\n%s%s", handler, err, out.String(), tail(log.String(), 20))
			continue
		}
		t.Logf("%-22s %s", handler, report.FindString(log.String()))
		for _, line := range []string{"START RequestId: ", "END RequestId: ", "REPORT RequestId: "} {
			if !strings.Contains(log.String(), line) {
				t.Errorf("%s: no line %q in\n%s", handler, line, log.String())
			}
		}
		var answer map[string]any
		if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
			t.Fatalf("%s: %v: %s", handler, err, out.String())
		}
		if first == nil {
			first = answer
		}
		if diff := cmp.Diff(first, answer); diff != "" || answer["cluster_name"] != "123456789012:sandbox01" {
			t.Errorf("%s: %s", handler, diff)
		}
	}
}
