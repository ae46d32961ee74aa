package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
)

// TestOurDomainIsTheOpenSearchOfMiniStack follows docs/guides/ci.md: MiniStack names our domain as the endpoint of one
// that it makes, and what lies in its bucket passes the gate there.
func TestOurDomainIsTheOpenSearchOfMiniStack(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/guides/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	script := regexp.MustCompile("(?ms)^```python\n(.*?)^```$").FindSubmatch(page)
	if script == nil || !strings.Contains(string(page), "MINISTACK_OPENSEARCH_ENDPOINT=127.0.0.1:9200 ") {
		t.Fatal("docs/guides/ci.md has no script, or does not tell MiniStack of the domain")
	}
	// The keys are those of every account that MiniStack has.
	keys := &realtest.S3{Region: "eu-central-1", AccessKey: "123456789012", SecretKey: "realtest-secret-for-loopback"}
	domain := startDomain(t, keys, "")
	account := realtest.StartMiniStack(t, "MINISTACK_OPENSEARCH_ENDPOINT="+strings.TrimPrefix(domain, "http://"))
	cmd := exec.CommandContext(t.Context(), realtest.Python(t, "boto3==1.44.5"), "-c",
		strings.ReplaceAll(string(script[1]), "http://127.0.0.1:4566", account.URL))
	cmd.Env = append(cmd.Environ(), account.Env()...)
	out, err := cmd.CombinedOutput()
	endpoint := "http://" + strings.TrimSpace(string(out))
	if err != nil || endpoint != domain {
		t.Fatalf("the script prints %q, want %s; %v", out, domain, err)
	}
	if account.AccessKey != keys.AccessKey || account.SecretKey != keys.SecretKey {
		t.Fatal("MiniStack has other keys than the domain")
	}
	env := append(account.Env(), "AWS_ENDPOINT_URL_S3="+account.URL, "PENSTOCK_PATH_STYLE=true")
	var counts struct{ Records, Delivered int }
	if err := json.Unmarshal([]byte(runPenstock(t, env, "ship", "s3://my-logs/", "--domain", endpoint, "--json")),
		&counts); err != nil {
		t.Fatal(err)
	}
	if counts.Records != 1 || counts.Delivered != 1 {
		t.Errorf("shipped %+v, want one record", counts)
	}
	strangers := exec.CommandContext(t.Context(), penstock, "request", "GET", "/", "--domain", endpoint, "--no-sign")
	out, err = strangers.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "anonymous is not authorized") {
		t.Errorf("an unsigned request: %v\n%s", err, out)
	}
}
