package realtest

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
)

// junitArtifact is the pinned release of JUnit in one file that runs tests.
const junitArtifact = "org.junit.platform:junit-platform-console-standalone:1.11.4"

// JUnit compiles Java files and runs the tests in them, in an environment that has env more. It returns what is said.
func JUnit(t testing.TB, env []string, files ...string) string {
	t.Helper()
	wanted(t)
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	var programs []string
	for _, name := range []string{"mvn", "javac", "java"} {
		path, err := exec.LookPath(name)
		if err != nil {
			unavailable(t, "JUnit", "%v", err)
		}
		programs = append(programs, path)
	}
	dir, err := installed(t, "junit", []string{junitArtifact}, func(dir string) error {
		_, err := run(t, exec.CommandContext(ctx, programs[0], "-B", "-q",
			"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
			"-Dartifact="+junitArtifact, "-DoutputDirectory="+dir, "-Dmdep.stripVersion=true"))
		return err
	})
	if err != nil {
		unavailable(t, "JUnit", "%v", err)
	}
	jar := filepath.Join(dir, "junit-platform-console-standalone.jar")
	classes := t.TempDir()
	if out, err := run(t, exec.CommandContext(ctx, programs[1],
		append([]string{"-cp", jar, "-d", classes}, files...)...)); err != nil {
		t.Fatalf("compile tests: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, programs[2], "-jar", jar, "execute", "--class-path", classes,
		"--scan-class-path", "--disable-banner", "--disable-ansi-colors")
	cmd.Env = append(cmd.Environ(), env...)
	out, err := run(t, cmd)
	if err != nil {
		t.Fatalf("run tests: %v\n%s", err, out)
	}
	return out
}
