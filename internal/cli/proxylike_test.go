package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func noVariables(string) (string, bool) { return "", false }

// like runs the translation, and gives the flags that penstock proxy gets.
func like(name string, args ...string) ([]string, likeness, error) {
	out, l, err := inPlaceOf(slices.Concat([]string{"proxy", "--like", name}, args), noVariables)
	if err == nil && out[0] == "proxy" {
		out = out[2:]
	}
	return out, l, err
}

func TestFlagsOfOtherProxiesAreTaken(t *testing.T) {
	t.Parallel()
	const host = "search-x.eu-west-1.es.amazonaws.com"
	for _, row := range []struct{ name, args, want string }{
		{"aws-es-proxy", "-endpoint https://" + host + " -listen 127.0.0.1:0", "--domain=https://" + host +
			" --listen=127.0.0.1:0"},
		{"aws-es-proxy", "--endpoint=https://x -assume arn -timeout 30", "--domain=https://x --role-arn=arn " +
			"--stall-timeout=30s"},
		{"aws-es-proxy", "-no-sign-reqs -debug=true -verbose=false -endpoint https://x", "--no-sign=true " +
			"--log-level=debug --domain=https://x"},
		{"aws-es-proxy", "-endpoint https://x --read-only --allow-host x", "--domain=https://x --read-only --allow-host x"},
		{"aws-es-proxy", "-auth=false -remote-terminate=0 -endpoint https://x", "--domain=https://x"},
		{"aws-es-proxy", "-verbose -pretty -endpoint https://x", "--audit=- --domain=https://x"},
		{"aws-es-proxy", "-endpoint https://x -version", "version"},
		{"aws-es-proxy", "-h", "--help"},
		{"aws-sigv4-proxy", "--host " + host, "--domain=https://" + host + " --listen=127.0.0.1:8080"},
		{"aws-sigv4-proxy", "-v --name es --region eu-west-1 --host=h:9 --port 127.0.0.1:0 --sign-host s " +
			"--upstream-url-scheme http", "--log-level=debug --service=es --region=eu-west-1 --sign-for=s --domain=http://h:9 " +
			"--listen=127.0.0.1:0"},
		{
			"aws-sigv4-proxy", "-sAuthorization -s X-Amz-Date --strip-header x-forwarded-* --host h --no-unsigned-payload",
			"--domain=https://h --listen=127.0.0.1:8080",
		},
		{"aws-sigv4-proxy", "--no-no-verify-ssl --host h --transport.idle-conn-timeout 40s", "--domain=https://h " +
			"--listen=127.0.0.1:8080"},
	} {
		got, _, err := like(row.name, strings.Fields(row.args)...)
		if err != nil || strings.Join(got, " ") != row.want {
			t.Errorf("%s %s:\n%q, %v, want\n%q", row.name, row.args, got, err, row.want)
		}
	}
	variable := func(name string) (string, bool) { return "https://x", name == "ENDPOINT" }
	if got, _, err := inPlaceOf([]string{"proxy", "--like=aws-es-proxy"}, variable); err != nil ||
		!slices.Contains(got, "--domain=https://x") {
		t.Errorf("with ENDPOINT: %q, %v", got, err)
	}
	plain := []string{"proxy", "--domain", "x", "-v"}
	if got, _, err := inPlaceOf(plain, noVariables); err != nil || !slices.Equal(got, plain) {
		t.Errorf("without --like: %q, %v", got, err)
	}
	for argv0, want := range map[string]string{
		"/usr/bin/aws-es-proxy": "proxy --like aws-es-proxy -v", "aws-sigv4-proxy.exe": "proxy --like aws-sigv4-proxy -v",
		"/usr/bin/penstock": "-v", "proxy": "-v",
	} {
		if got := strings.Join(Arguments([]string{argv0, "-v"}), " "); got != want {
			t.Errorf("called %s: %q, want %q", argv0, got, want)
		}
	}
}

// Flags that would open the gate are refused, each with a way out.
func TestFlagsThatOpenTheGateAreRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, args, text string }{
		{"aws-es-proxy", "-remote-terminate", "could end it"},
		{"aws-es-proxy", "-auth -username a -password b", "-auth: "},
		{"aws-es-proxy", "-timeout x", "not a number of seconds"},
		{"aws-es-proxy", "-timeout", "a value is missing"},
		{"aws-es-proxy", "-verbose=maybe", "neither true nor false"},
		{"aws-sigv4-proxy", "--region eu-west-1", "--host is missing"},
		{"aws-sigv4-proxy", "--host h --unsigned-payload", "--unsigned-payload: "},
		{"aws-sigv4-proxy", "--host h --name s3", "--name s3: "},
		{"aws-sigv4-proxy", "--host h --no-verify-ssl", "h is not this machine"},
		{"aws-sigv4-proxy", "--host 127.0.0.1.evil.example:4443 --no-verify-ssl", "is not this machine"},
		{"aws-sigv4-proxy", "--host h --duplicate-headers Authorization", "--duplicate-headers: "},
		{"aws-sigv4-proxy", "--host h --custom-headers x-proxy-user=admin", "--custom-headers: "},
		{"aws-sigv4-proxy", "--host h --strip-param q", "--strip-param: "},
		{"aws-sigv4-proxy", "--host h --strip-header Content-*", "content-encoding is a header"},
		{"aws-sigv4-proxy", "--host h --rate-limit 5", "--rate-limit: "},
		{"aws-sigv4-proxy", "--host h --transport.idle-conn-timeout soon", "--transport.idle-conn-timeout soon: "},
		{"squid", "", "not a proxy whose flags are known"},
	} {
		got, _, err := like(row.name, strings.Fields(row.args)...)
		var usage *usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), row.text) || usage.Hint == "" {
			t.Errorf("%s %s: %q, %v, want %q and a hint", row.name, row.args, got, err, row.text)
		}
	}
	for _, host := range []string{"127.0.0.1:4443", "localhost", "[::1]:4443"} {
		if _, l, err := like("aws-sigv4-proxy", "--host", host, "--no-verify-ssl"); err != nil || !l.insecure {
			t.Errorf("a tunnel at %s: %v, %v", host, l.insecure, err)
		}
	}
}

// The pages have every flag of the programs, with what becomes of it.
func TestPagesHaveEveryFlagOfOtherProxies(t *testing.T) {
	t.Parallel()
	for _, p := range peers() {
		name := filepath.Join("..", "..", "docs", "from-"+p.name+".md")
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(page)
		begin := strings.Index(text, "| flag | | here |\n| --- | --- | --- |\n")
		if begin < 0 {
			t.Fatalf("%s has no table of flags", name)
		}
		begin += len("| flag | | here |\n| --- | --- | --- |\n")
		end := begin + strings.Index(text[begin:], "\n\n") + 1
		if want := p.table(); text[begin:end] != want {
			if *update {
				if err := os.WriteFile(name, []byte(text[:begin]+want+text[end:]), 0o600); err != nil {
					t.Fatal(err)
				}
				continue
			}
			t.Errorf("%s is out of date: go test ./internal/cli -run OtherProxies -update", name)
		}
	}
}

// table is the table of a page.
func (p *peer) table() string {
	var b strings.Builder
	for _, f := range p.flags {
		var parts []string
		if f.here != "" {
			parts = append(parts, "`--"+f.here+"`")
		}
		for _, part := range []string{f.why, f.out} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		spelled := "`" + p.dashes() + f.name + "`"
		if f.short != "" {
			spelled += ", `-" + f.short + "`"
		}
		_, _ = fmt.Fprintf(&b, "| %s | %s | %s |\n", spelled, f.verdict, strings.Join(parts, "; "))
	}
	return b.String()
}
