package test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/realtest"
)

// pythons are the oldest and the newest version that the package is for, each with the newest packages that it takes.
var pythons = []struct {
	version  string
	packages []string
}{
	{"3.9", []string{
		"boto3==1.42.97", "requests==2.32.5", "httpx==0.28.1", "opensearch-py==3.0.0", "pytest==8.4.2",
		"hatchling==1.27.0",
	}},
	{"3.13", []string{
		"boto3==1.44.5", "requests==2.32.5", "httpx==0.28.1", "opensearch-py==3.2.0", "pytest==9.0.1",
		"hatchling==1.27.0", "mypy==1.18.2", "moto[s3]==5.2.5",
	}},
}

// TestThePythonPackageWorksWhereItIsInstalled builds the wheel, installs it into a fresh environment, and runs the
// package's tests and the examples of its pages there, away from the repository.
func TestThePythonPackageWorksWhereItIsInstalled(t *testing.T) {
	t.Parallel()
	for _, p := range pythons {
		t.Run(p.version, func(t *testing.T) {
			t.Parallel()
			python := installWheel(t, realtest.PythonOf(t, p.version, p.packages...))
			t.Log(runPython(t, python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--strict-markers", "tests"))
		})
	}
}

// The oldest boto3 that the package names has to do as well.
func TestTheDataModelWorksWithAnOldBoto3(t *testing.T) {
	t.Parallel()
	python := installWheel(t, realtest.PythonOf(t, "3.9", "boto3==1.35.0", "pytest==8.4.2", "hatchling==1.27.0"))
	runPython(t, python, "-m", "pytest", "-q", "-p", "no:cacheprovider", filepath.Join("tests", "test_boto3.py"))
}

// TestThePythonPackageIsTyped runs mypy over the package as it is installed.
func TestThePythonPackageIsTyped(t *testing.T) {
	t.Parallel()
	newest := pythons[len(pythons)-1]
	python := realtest.PythonOf(t, newest.version, newest.packages...)
	cmd := exec.CommandContext(t.Context(), python, "-m", "mypy", "--cache-dir", t.TempDir())
	cmd.Dir = filepath.Join("..", "python")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("mypy: %v\n%s", err, out)
	}
}

// Two builds of a wheel are the same bytes, and one without the program is for every machine.
func TestWheelsAreReproducible(t *testing.T) {
	t.Parallel()
	newest := pythons[len(pythons)-1]
	python := realtest.PythonOf(t, newest.version, newest.packages...)
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	build := func(platform, name string) []byte {
		t.Helper()
		env := []string{"PENSTOCK_WHEEL_VERSION=v1.2.3"}
		if platform != "" {
			env = append(env, "PENSTOCK_WHEEL_BINARY="+program, "PENSTOCK_WHEEL_PLATFORM="+platform)
		}
		wheel := buildWheel(t, t.TempDir(), python, env...)
		if got := filepath.Base(wheel); got != name {
			t.Errorf("%s: got %s, want %s", platform, got, name)
		}
		text, err := os.ReadFile(wheel)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const linux = "penstock_aws-1.2.3-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl"
	if !bytes.Equal(build("linux/arm64", linux), build("linux/arm64", linux)) {
		t.Error("two builds differ")
	}
	build("windows/amd64", "penstock_aws-1.2.3-py3-none-win_amd64.whl")
	build("darwin/arm64", "penstock_aws-1.2.3-py3-none-macosx_11_0_arm64.whl")
	if pure := build("", "penstock_aws-1.2.3-py3-none-any.whl"); len(pure) > 200_000 {
		t.Errorf("the wheel without the program has %d bytes", len(pure))
	}
}

// TestAFleetOfDomainsLeavesNothingBehind runs tests with a domain each, eight at a time: none sees another's documents,
// and no process is left, also when the run is killed. "make python-fleet" runs 200 and shows figures, beside those of
// stand-ins for AWS.
func TestAFleetOfDomainsLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("it looks for processes in /proc")
	}
	count, peers := "24", []string(nil)
	if os.Getenv("PENSTOCK_TEST_FULL") != "" {
		count = "200"
		peers = []string{
			"moto=" + realtest.Python(t, realtest.MotoPackage), "ministack=" + realtest.Python(t, realtest.MiniStackPackage),
		}
	}
	python := installWheel(t, realtest.PythonOf(t, "3.13", "hatchling==1.27.0", "pytest==9.0.1", "pytest-xdist==3.8.0"))
	program := filepath.Join(filepath.Dir(python), "penstock")
	fleet, err := filepath.Abs("../python/tests/fleet.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Log(runPython(t, python, append([]string{fleet, dir, count}, peers...)...))
	if left := processesOf(t, program); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	cmd := exec.CommandContext(ctx, python, "-m", "pytest", "-q", "-n", "8", "-p", "no:cacheprovider", dir)
	cmd.Env = []string{"HOME=" + dir, "PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a domain runs", func() bool { return len(processesOf(t, program)) > 0 })
	kill() // SIGKILL
	_ = cmd.Wait()
	none := 0 // for how many looks: a worker that has not heard yet may start one more
	eventually(t, "no domain is left", func() bool {
		if none++; len(processesOf(t, program)) > 0 {
			none = 0
		}
		return none == 200
	})
}

// processesOf are the ids of the processes that run a program.
func processesOf(t *testing.T, program string) (ids []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == program {
			ids = append(ids, filepath.Base(filepath.Dir(link)))
		}
	}
	return ids
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestTheAWSCommandLineKnowsTheData runs the example of docs/python.md with the command line that is installed by pip.
func TestTheAWSCommandLineKnowsTheData(t *testing.T) {
	t.Parallel()
	python := realtest.PythonOf(t, "3.13", "awscli==1.46.3")
	home := t.TempDir()
	endpoint := serve(t, "domain", "--listen", "127.0.0.1:0", "--access", "iam=arn:aws:iam::123456789012:user/grace",
		"--region", "eu-west-1", "--identities", awsUser(t, home))
	env := append(os.Environ(), "HOME="+home, "USERPROFILE="+home, "AWS_CONFIG_FILE=", "AWS_SHARED_CREDENTIALS_FILE=",
		"AWS_PROFILE=", "AWS_ACCESS_KEY_ID=AKIAGRACE", "AWS_SECRET_ACCESS_KEY=secret-of-grace",
		"AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	env = slices.DeleteFunc(env, func(kv string) bool {
		name, value, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(name, "AWS_") && value == "" || name == "AWS_SESSION_TOKEN"
	})
	install := withEnv(exec.CommandContext(t.Context(), penstock, "python", "install"), env)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("penstock python install: %v\n%s", err, out)
	}
	page, err := os.ReadFile("../docs/python.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	for line := range strings.Lines(strings.ReplaceAll(string(page), "\\\n", "")) {
		if !strings.HasPrefix(line, "aws esdata ") {
			continue
		}
		commands++
		cmd := exec.CommandContext(t.Context(), "sh", "-c", "aws() { \"$PYTHON\" -m awscli \"$@\"; }\n"+line)
		out, err := withEnv(cmd, append(env, "PYTHON="+python, "AWS_ENDPOINT_URL_ESDATA="+endpoint)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		if strings.Contains(line, "body.hits.total.value") && strings.TrimSpace(string(out)) != "1" {
			t.Errorf("%s: got %s, want 1", line, out)
		}
	}
	if commands != 2 {
		t.Errorf("docs/python.md has %d commands", commands)
	}
}

// awsUser writes a file of identities with one user.
func awsUser(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "identities.json")
	text := `{"users":[{"arn":"arn:aws:iam::123456789012:user/grace",` +
		`"access_keys":[{"id":"AKIAGRACE","secret":"secret-of-grace"}]}]}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func withEnv(cmd *exec.Cmd, env []string) *exec.Cmd {
	cmd.Env = env
	return cmd
}

// buildWheel builds a wheel with the hatchling of an environment.
func buildWheel(t *testing.T, dir, python string, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python, "-m", "hatchling", "build", "-t", "wheel", "-d", dir)
	cmd.Dir = filepath.Join("..", "python")
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the wheel: %v\n%s", err, out)
	}
	wheels, err := filepath.Glob(filepath.Join(dir, "*.whl"))
	if err != nil || len(wheels) != 1 {
		t.Fatalf("built %v, %v", wheels, err)
	}
	return wheels[0]
}

// wheelOfThisMachine is built once: it has the program in it, and packing that takes seconds.
var wheelOfThisMachine struct {
	once sync.Once
	path string
}

// installWheel makes a fresh environment in which there is the wheel of this machine, besides the packages of another
// environment. It returns its interpreter.
func installWheel(t *testing.T, packages string) string {
	t.Helper()
	wheelOfThisMachine.once.Do(func() {
		wheelOfThisMachine.path = buildWheel(t, filepath.Dir(penstock), packages, "PENSTOCK_WHEEL_BINARY="+penstock,
			"PENSTOCK_WHEEL_PLATFORM="+runtime.GOOS+"/"+runtime.GOARCH)
	})
	wheel := wheelOfThisMachine.path
	if wheel == "" {
		t.Fatal("the wheel could not be built")
	}
	dir := filepath.Join(t.TempDir(), "fresh")
	python := filepath.Join(dir, "bin", "python")
	const link = "import sysconfig, sys; open(sys.argv[1] + '/packages.pth', 'w').write(sysconfig.get_path('purelib'))"
	for _, args := range [][]string{
		{packages, "-m", "venv", "--without-pip", dir},
		{packages, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel},
		{packages, "-c", link, filepath.Join(dir, "lib", "python"+minor(t, packages), "site-packages")},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return python
}

func minor(t *testing.T, python string) string {
	t.Helper()
	const version = "import sys; print('%d.%d' % sys.version_info[:2], end='')"
	out, err := exec.CommandContext(t.Context(), python, "-c", version).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// runPython runs the package's tests in a directory that has them and the pages, and nothing else of the repository.
func runPython(t *testing.T, python string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "tests"), os.DirFS("../python/tests")); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"../python/README.md", "../docs/python.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "tests", filepath.Base(page)), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(ctx, python, args...)
	cmd.Dir = dir
	// Nobody has a home here, and PATH has no penstock but that of the wheel.
	cmd.Env = []string{"HOME=" + filepath.Join(dir, "nobody"), "PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, tail(string(out), 80))
	}
	return string(out)
}
