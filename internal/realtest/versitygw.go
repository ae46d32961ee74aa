package realtest

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
)

// S3 is a running S3 server with one account.
type S3 struct {
	// URL is the endpoint. Buckets are addressed by path.
	URL string
	// Region, AccessKey and SecretKey are the only ones the server takes: it checks every signature.
	Region, AccessKey, SecretKey string
}

// Env is the environment of a program that is to use the server's account.
func (s *S3) Env() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey, "AWS_SESSION_TOKEN=",
		"AWS_REGION=" + s.Region, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
}

// StartVersityGW starts the versitygw S3 server of tools/versitygw on an empty directory, with versioning possible.
// The first call on a machine builds the server, which takes a minute; the build is kept in Go's build cache.
func StartVersityGW(t testing.TB) *S3 {
	t.Helper()
	wanted(t)
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	modfile := filepath.Join(moduleRoot(ctx, t), "tools", "versitygw", "go.mod")
	build := exec.CommandContext(ctx, "go", "tool", "-n", "-modfile="+modfile, "versitygw")
	build.Env = append(build.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOOS=", "GOARCH=")
	program, err := run(t, build)
	if err != nil {
		unavailable(t, "versitygw", "%v", err)
	}
	host, port := freeAddress(t)
	s := &S3{
		URL:    "http://" + net.JoinHostPort(host, port),
		Region: "eu-central-1", AccessKey: "AKIAREALTESTLOOPBACK", SecretKey: "realtest-secret-for-loopback",
	}
	dir, versions := t.TempDir(), t.TempDir()
	serve(t, s.URL, program, []string{
		"--access", s.AccessKey, "--secret", s.SecretKey, "--region", s.Region, "--port", net.JoinHostPort(host, port),
		"--quiet", "posix", "--versioning-dir", versions, dir,
	}, nil)
	return s
}
