package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/internal/realtest"
)

const (
	storeUser = "arn:aws:iam::123456789012:user/shipper"
	storeRole = "arn:aws:iam::123456789012:role/log-reader"
)

// identitiesOf writes an identities file with one user and a role that the user may assume.
func identitiesOf(t *testing.T, key, secret string) string {
	t.Helper()
	allow := func(action string) []any {
		return []any{
			map[string]any{
				"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Action": action, "Resource": "*"}},
			},
		}
	}
	text, err := json.Marshal(map[string]any{
		"users": []any{
			map[string]any{
				"arn":         storeUser,
				"access_keys": []any{map[string]any{"id": key, "secret": secret}},
				"policies":    allow("sts:AssumeRole"),
			},
		},
		"roles": []any{map[string]any{"arn": storeRole}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "identities.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// shipWith runs ship and returns its counts and its exit code.
func shipWith(t *testing.T, env []string, args ...string) (counts map[string]any, code int, said string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), penstock,
		append([]string{"ship", "--json", "--dead-letters", t.TempDir()}, args...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"},
		env...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(out, &counts) // a run that is refused prints none
	return counts, code, errs.String()
}

// The documented example: an S3-compatible store with keys and a region of its own, into a domain that neither fits.
func TestTheBucketAndTheDomainHaveCredentialsAndRegionsOfTheirOwn(t *testing.T) {
	t.Parallel()
	store := realtest.StartVersityGW(t)
	const key, secret, region = "AKIAOFTHEDOMAIN00000", "secret-of-the-domain", "us-west-2"
	url := serve(t, "domain", "--listen", "127.0.0.1:0", "--access", "iam="+storeUser, "--identities",
		identitiesOf(t, key, secret), "--region", region)
	p := newPut("app.log", 4, 0)
	newBucket(t, store.URL, store, "app-logs", false).put(t, []*put{p})
	newBucket(t, store.URL, store, "letters", false)
	credentials := filepath.Join(t.TempDir(), "credentials")
	text := fmt.Sprintf("[store]\naws_access_key_id = %s\naws_secret_access_key = %s\n\n"+
		"[production]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
		store.AccessKey, store.SecretKey, key, secret)
	if err := os.WriteFile(credentials, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []string{"AWS_SHARED_CREDENTIALS_FILE=" + credentials, "AWS_CONFIG_FILE=/dev/null"}
	inEnvironment := append(slices.Clone(files), "AWS_ACCESS_KEY_ID="+key, "AWS_SECRET_ACCESS_KEY="+secret,
		"AWS_REGION="+region)
	from := []string{"s3://app-logs/", "--endpoint-url", store.URL, "--path-style", "--domain", url}
	for _, tt := range []struct {
		name string
		env  []string
		args []string
		code int
	}{
		{
			name: "profiles for both",
			env:  files,
			args: []string{"--s3-profile", "store", "--s3-region", store.Region, "--profile", "production", "--region", region},
		},
		{"the domain's from the environment, the region from the store", inEnvironment, []string{"--s3-profile", "store"}, 0},
		{"by variables", append(inEnvironment, "PENSTOCK_S3_PROFILE=store", "PENSTOCK_S3_REGION="+store.Region), nil, 0},
		{
			name: "letters in the store",
			env:  append(inEnvironment, "PENSTOCK_DEAD_LETTERS=s3://letters/of"),
			args: []string{"--s3-profile", "store", "--s3-region", store.Region, "--dead-letters", "s3://letters/of"},
		},
		// this store has no other word for an unknown key than for a missing one
		{"the domain's keys for both", inEnvironment, nil, 2},
		{
			name: "the store's keys for both",
			env:  files,
			args: []string{"--profile", "store", "--region", region, "--s3-region", store.Region},
			code: 5,
		},
	} {
		counts, code, said := shipWith(t, tt.env, append(slices.Clone(from), tt.args...)...)
		if code != tt.code {
			t.Errorf("%s: exit %d, want %d\n%s", tt.name, code, tt.code, said)
		} else if code == 0 && counts["delivered"].(float64)+counts["duplicate"].(float64) != float64(p.records) {
			t.Errorf("%s: %v", tt.name, counts)
		}
	}
	env := append(inEnvironment, "PENSTOCK_S3_PROFILE=store", "PENSTOCK_S3_REGION="+store.Region,
		"PENSTOCK_ENDPOINT_URL="+store.URL,
		"PENSTOCK_PATH_STYLE=true", "PENSTOCK_DOMAIN="+url, "PENSTOCK_DEAD_LETTERS=s3://letters/of")
	got := invokeCommand(t, env, `"s3://app-logs/app.log"`, "--region", region)
	if got.failed || !strings.Contains(got.payload, fmt.Sprintf(`"duplicate":%d`, p.records)) {
		t.Errorf("the function: %+v\n%s", got.result, got.log)
	}
}

// The role for buckets is assumed for them alone. The role for the domain is not assumed for buckets that have a role.
func TestTheBucketsRoleIsAssumedForTheBucketAlone(t *testing.T) {
	t.Parallel()
	const key, secret, region = "AKIAOFTHEDOMAIN00000", "secret-of-the-domain", "us-west-2"
	url := serve(t, "domain", "--listen", "127.0.0.1:0", "--access", "iam="+storeUser, "--identities",
		identitiesOf(t, key, secret), "--region", region)
	var mu sync.Mutex
	var scopes []string
	signed := regexp.MustCompile(`Credential=(....)[^/]*/\d+/([^/]+)/s3/`)
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		scope := "unsigned"
		if m := signed.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
			scope = m[1] + " " + m[2]
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
		w.Header().Set("ETag", `"e"`)
		if r.URL.Query().Get("list-type") != "" {
			_, _ = fmt.Fprint(w,
				`<ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>`+
					`<Contents><Key>k</Key><Size>8</Size><ETag>"e"</ETag></Contents></ListBucketResult>`)
			return
		}
		_, _ = fmt.Fprint(w, "one\ntwo\n")
	}))
	t.Cleanup(bucket.Close)
	env := []string{
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_ENDPOINT_URL_STS=" + url,
		"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_REGION=" + region,
	}
	from := []string{"s3://b/", "--endpoint-url", bucket.URL, "--path-style", "--domain", url, "--index", "x"}
	counts, code, said := shipWith(t, env, append(from, "--s3-role-arn", storeRole, "--s3-region", "eu-central-1")...)
	if code != 0 || counts["delivered"] != 2. {
		t.Fatalf("exit %d, %v\n%s", code, counts, said)
	}
	if diff := cmp.Diff([]string{"ASIA eu-central-1"}, scopes); diff != "" {
		t.Errorf("the bucket was asked as (-want +got):\n%s", diff)
	}
	scopes = nil
	_, code, said = shipWith(t, env, append(from, "--s3-role-arn", "arn:aws:iam::123456789012:role/nobody")...)
	if code != 5 || !strings.Contains(said, "AccessDenied") || len(scopes) > 0 {
		t.Errorf("a role that is not there: exit %d, asked as %v\n%s", code, scopes, said)
	}
	if _, code, said = shipWith(t, env, append(from, "--s3-external-id", "x")...); code != 2 {
		t.Errorf("an external id without a role: exit %d\n%s", code, said)
	}
}
