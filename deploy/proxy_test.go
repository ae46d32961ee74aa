package deploy_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// container is the part of a pod that the test looks at.
type container struct {
	Command         []string
	RestartPolicy   string         `yaml:"restartPolicy"`
	StartupProbe    probe          `yaml:"startupProbe"`
	LivenessProbe   probe          `yaml:"livenessProbe"`
	ReadinessProbe  probe          `yaml:"readinessProbe"`
	SecurityContext map[string]any `yaml:"securityContext"`
}

// probe asks whether a container is well.
type probe struct {
	HTTPGet struct{ Path string } `yaml:"httpGet"`
}

// The proxy runs as it is deployed: as a sidecar, and as a service.
func TestTheProxyRunsAsItIsDeployed(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "penstock")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/penstock")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Run("sidecar", func(t *testing.T) { sidecar(t, binary) })
	t.Run("service", func(t *testing.T) { service(t, binary) })
}

// runProxy runs the command of a deployment, at free ports and in front of a domain of the test's own, and returns the
// addresses that it listens on. At the end it has to go with code 0 when it is told to.
func runProxy(t *testing.T, binary string, command []string) (address, admin string) {
	t.Helper()
	if filepath.Base(command[0]) != "penstock" || command[1] != "proxy" {
		t.Fatalf("the command is %q", command)
	}
	domain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"version":{"number":"2.19.0"}}`)
	}))
	t.Cleanup(domain.Close)
	dir := t.TempDir()
	args := strings.Fields(strings.NewReplacer(
		"${LISTEN}", "127.0.0.1:0", "--listen=127.0.0.1:9200", "--listen=127.0.0.1:0",
		"${ADMIN_LISTEN}", "127.0.0.1:0", "--admin-listen=:9201", "--admin-listen=127.0.0.1:0",
		"/etc/penstock/policy.json", "kubernetes/policy.json", "/etc/penstock/%i.json", "kubernetes/policy.json",
		"/var/log/penstock/%i", dir, "/var/log/penstock", dir,
		"${DOMAIN}", domain.URL, "https://search-x.eu-west-1.es.amazonaws.com", domain.URL,
	).Replace(strings.Join(command[1:], " ")))
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=eu-west-1",
		"AWS_EC2_METADATA_DISABLED=true")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	admins, said := make(chan string, 1), make(chan string, 1)
	go func() {
		var text strings.Builder
		for sc := bufio.NewScanner(log); sc.Scan(); {
			var line struct{ Msg, Address string }
			if json.Unmarshal(sc.Bytes(), &line) == nil && line.Msg == "health and metrics are served" {
				admins <- line.Address
			}
			_, _ = text.WriteString(sc.Text() + "\n")
		}
		said <- text.String()
	}()
	first, _ := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		text := <-said
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q ends with %v:\n%s", args, err, text)
		}
	})
	if !ok {
		t.Fatalf("%q says %q", args, first)
	}
	select {
	case admin = <-admins:
	case <-time.After(10 * time.Second):
		t.Fatal("the log does not tell where health is answered")
	}
	return address, admin
}

func status(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// sidecar looks at what kubectl makes of the files: a container that is confined, and answers its probes.
func sidecar(t *testing.T, binary string) {
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("there is no kubectl")
	}
	out, err := exec.CommandContext(t.Context(), "kubectl", "kustomize", "kubernetes").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found *container
	for doc := range strings.SplitSeq(string(out), "\n---\n") {
		var object struct {
			Kind string
			Spec struct {
				Template struct {
					Spec struct {
						InitContainers  []container `yaml:"initContainers"`
						SecurityContext struct {
							RunAsNonRoot bool `yaml:"runAsNonRoot"`
						} `yaml:"securityContext"`
						Volumes []struct {
							Name      string
							ConfigMap struct{ Name string } `yaml:"configMap"`
						}
					}
				}
			}
		}
		if err := yaml.Unmarshal([]byte(doc), &object); err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		pod := object.Spec.Template.Spec
		if object.Kind != "Deployment" {
			continue
		}
		if len(pod.InitContainers) != 1 || !pod.SecurityContext.RunAsNonRoot {
			t.Fatalf("the pod has %d sidecars, and runs without root: %v", len(pod.InitContainers),
				pod.SecurityContext.RunAsNonRoot)
		}
		found = &pod.InitContainers[0]
		for _, v := range pod.Volumes {
			if v.Name == "penstock-policy" && !strings.Contains(string(out), "\n  name: "+v.ConfigMap.Name+"\n") {
				t.Errorf("the policy is to come from %s, which is not there", v.ConfigMap.Name)
			}
		}
	}
	if found == nil || found.RestartPolicy != "Always" {
		t.Fatalf("there is no sidecar in\n%s", out)
	}
	if found.SecurityContext["readOnlyRootFilesystem"] != true ||
		found.SecurityContext["allowPrivilegeEscalation"] != false {
		t.Errorf("the sidecar may do %v", found.SecurityContext)
	}
	address, admin := runProxy(t, binary, found.Command)
	for _, probe := range []string{
		found.StartupProbe.HTTPGet.Path, found.LivenessProbe.HTTPGet.Path, found.ReadinessProbe.HTTPGet.Path, "/metrics",
	} {
		if got := status(t, admin+probe); got != http.StatusOK {
			t.Errorf("%q is answered %d", probe, got)
		}
	}
	if got := status(t, address+"/"); got != http.StatusOK {
		t.Errorf("a request that the policy allows is answered %d", got)
	}
	if got := status(t, address+"/secret/_search"); got != http.StatusForbidden {
		t.Errorf("a request that the policy does not allow is answered %d", got)
	}
}

// service looks at the unit: one that systemd takes, with little left to attack, whose command works.
func service(t *testing.T, binary string) {
	const unit = "systemd/penstock-proxy@.service"
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindStringSubmatch(string(text))
	if start == nil {
		t.Fatal("the unit starts nothing")
	}
	address, admin := runProxy(t, binary, strings.Fields(start[1]))
	if got := status(t, admin+"/readyz"); got != http.StatusOK {
		t.Errorf("readiness is answered %d", got)
	}
	if got := status(t, address+"/"); got != http.StatusOK {
		t.Errorf("a request that the policy allows is answered %d", got)
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Log("there is no systemd-analyze: what it says of the unit is not known")
		return
	}
	// It wants the program to be there.
	copied := filepath.Join(t.TempDir(), "penstock-proxy@search.service")
	there := strings.ReplaceAll(string(text), "/usr/bin/penstock", "/bin/true")
	if err := os.WriteFile(copied, []byte(there), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", copied).CombinedOutput(); err != nil ||
		strings.Contains(string(out), filepath.Base(copied)) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// Of ten, 0 is confined and 10 is exposed; the limit is in tenths.
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=15",
		copied).CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
