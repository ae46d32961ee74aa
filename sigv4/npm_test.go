package sigv4_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

// npmResult is what one package made of one target.
type npmResult struct {
	Authorization, Canonical, Error string
}

func TestSignatureIsThatOfTheNPMPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("short: the npm packages are left out")
	}
	t.Parallel()
	dir, why := npmInstall(t)
	if why != "" {
		t.Skip(why)
	}
	list := targets(t)
	input, err := json.Marshal(map[string]any{
		"accessKeyId": testCredentials.AccessKeyID, "secretAccessKey": testCredentials.SecretAccessKey,
		"region": testRegion, "service": "es", "host": testHost,
		"date": testTime.Format("20060102T150405Z"), "isoDate": testTime.Format(time.RFC3339), "targets": list,
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "sign.js")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("node sign.js: %v\n%s", err, stderr.Bytes())
	}
	var results map[string][]npmResult
	if err := json.Unmarshal(output, &results); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"aws4", "@smithy/signature-v4"} {
		if len(results[name]) != len(list) {
			t.Fatalf("%s: %d results for %d targets", name, len(results[name]), len(list))
		}
		differs := known(t, name)
		for i, target := range list {
			theirs := results[name][i]
			ours, ourAuth := ourSignature(t, target)
			compare(t, name, target, differs, ours, sigv4.Trace{CanonicalRequest: theirs.Canonical + theirs.Error}, ourAuth,
				theirs.Authorization)
		}
	}
}

// npmInstall returns a directory with the script and its packages, or why there is none. The packages are kept in the
// user's cache, under the hash of the list that pins them.
func npmInstall(t *testing.T) (dir, why string) {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", "no " + tool + " on this machine: the npm packages aws4 and @smithy/signature-v4 are not compared"
		}
	}
	list, err := os.ReadFile(filepath.Join("testdata", "npm", "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "npm", "sign.js"))
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	dir = filepath.Join(cache, "penstock-test", "npm-"+sigv4.HashPayload(list)[:16])
	if _, err := os.Stat(filepath.Join(dir, "done")); err != nil {
		if why := npmInstallInto(t, dir, list); why != "" {
			return "", why
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "sign.js"), script, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, ""
}

func npmInstallInto(t *testing.T, dir string, list []byte) (why string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), list, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Sprintf("npm install: %v: the npm packages are not compared\n%s", err, output)
	}
	if err := os.WriteFile(filepath.Join(dir, "done"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return ""
}
