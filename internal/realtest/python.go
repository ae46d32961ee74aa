package realtest

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// MiniStackPackage is the pinned release of another stand-in, which runs functions and state machines.
const MiniStackPackage = "ministack==1.5.33"

// StartMiniStack starts a stand-in for S3, SQS, Lambda (functions of provided.al2023 as processes of this machine) and
// Step Functions with distributed maps, though without ItemBatcher. It takes any signature, hands its functions the
// keys that are returned, and waits between retries a hundredth of what is written. Env are more variables.
func StartMiniStack(t testing.TB, env ...string) *S3 {
	t.Helper()
	python := Python(t, MiniStackPackage)
	host, port := freeAddress(t)
	s := &S3{
		URL:    "http://" + net.JoinHostPort(host, port),
		Region: "eu-central-1", AccessKey: "123456789012", SecretKey: "realtest-secret-for-loopback",
	}
	env = append(env, s.Env()...)
	serve(t, s.URL+"/_ministack/health", python, []string{"-m", "ministack"}, append(env,
		"BIND_HOST="+host, "MINISTACK_HOST="+host, "GATEWAY_PORT="+port, "MINISTACK_ACCOUNT_ID="+s.AccessKey,
		"MINISTACK_REGION="+s.Region,
		"IOT_MTLS_ENABLED=0", "SFTP_ENABLED=0", "SFN_WAIT_SCALE=0.01", "TMPDIR="+t.TempDir(),
	))
	return s
}

// MotoPackage is the pinned release of the stand-in for AWS services.
const MotoPackage = "moto[server]==5.2.5"

// Python returns the interpreter of a virtual environment that holds the given packages, each pinned as in
// "botocore==1.44.5". The environment is made once and kept in the user's cache directory.
func Python(t testing.TB, packages ...string) string {
	t.Helper()
	wanted(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		unavailable(t, "Python", "%v", err)
	}
	return pythonWith(t, python, packages)
}

// PythonOf is [Python] for a version such as "3.9", which has to be on this machine.
func PythonOf(t testing.TB, version string, packages ...string) string {
	t.Helper()
	wanted(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	candidates := []string{"python" + version}
	if home, err := os.UserHomeDir(); err == nil {
		kept, err := filepath.Glob(filepath.Join(home, ".pyenv", "versions", version+".*", "bin", "python"+version))
		if err == nil {
			candidates = append(candidates, kept...)
		}
	}
	for _, name := range candidates {
		// A name in PATH may stand for a version that is switched off.
		python, err := run(t, exec.CommandContext(ctx, name, "-c", "import sys; print(sys.executable)"))
		if err == nil {
			return pythonWith(t, python, packages)
		}
	}
	unavailable(t, "Python "+version, "none of %s runs", strings.Join(candidates, ", "))
	return ""
}

// pythonWith is the interpreter of an environment that python made.
func pythonWith(t testing.TB, python string, packages []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	packages = slices.Sorted(slices.Values(packages))
	dir, err := installed(t, "python", append([]string{python}, packages...), func(dir string) error {
		if _, err := run(t, exec.CommandContext(ctx, python, "-m", "venv", dir)); err != nil {
			return err
		}
		pip := slices.Concat([]string{"-m", "pip", "install", "--quiet", "--no-input"}, packages)
		_, err := run(t, exec.CommandContext(ctx, filepath.Join(dir, "bin", "python"), pip...))
		return err
	})
	if err != nil {
		unavailable(t, "Python", "%v", err)
	}
	return filepath.Join(dir, "bin", "python")
}

// AWS is a running stand-in for AWS services: S3 with notifications, SQS, SNS, STS, SSM, Kinesis, CloudWatch Logs.
// It takes any signature: what is to be refused needs [StartVersityGW].
type AWS struct {
	// URL is the endpoint of all services.
	URL string
}

// Env is the environment of a program that is to use the stand-in for every AWS service.
func (a *AWS) Env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + a.URL, "AWS_ACCESS_KEY_ID=testing", "AWS_SECRET_ACCESS_KEY=testing", "AWS_SESSION_TOKEN=",
		"AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// StartMoto starts an empty stand-in.
func StartMoto(t testing.TB) *AWS {
	t.Helper()
	python := Python(t, MotoPackage)
	host, port := freeAddress(t)
	a := &AWS{URL: "http://" + net.JoinHostPort(host, port)}
	serve(t, a.URL+"/moto-api/", python, []string{"-m", "moto.server", "-H", host, "-p", port}, nil)
	return a
}

// awsCLIPackage is the pinned release of the AWS command line.
const awsCLIPackage = "awscli==1.46.3"

// CommandLine returns a program with the name aws: the AWS command line, which calls the stand-in. It needs [AWS.Env].
func (a *AWS) CommandLine(t testing.TB) (program string) {
	t.Helper()
	// SQS is where the command line passes over AWS_ENDPOINT_URL.
	script := fmt.Sprintf("#!/bin/sh\nexec %q -m awscli --endpoint-url %q \"$@\"\n", Python(t, awsCLIPackage), a.URL)
	program = filepath.Join(t.TempDir(), "aws")
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return program
}

// EmptyFunction returns the file name of a zip to create a function of provided.al2023 with. It cannot be invoked.
func EmptyFunction(t testing.TB) string {
	t.Helper()
	var code bytes.Buffer
	w := zip.NewWriter(&code)
	if _, err := w.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "function.zip")
	if err := os.WriteFile(name, code.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
