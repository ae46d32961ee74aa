package realtest

import (
	"os/exec"
	"testing"
)

// Browser is a Chromium of this machine, and Node with the package that drives it.
type Browser struct {
	// Program is the path of the browser.
	Program string
	*Node
}

// Chromium finds a browser. A package's own download of one is not used.
func Chromium(t testing.TB) *Browser {
	t.Helper()
	wanted(t)
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return &Browser{Program: path, Node: NodeWith(t, "playwright-core@1.65.1")}
		}
	}
	unavailable(t, "Chromium", "no program called chromium, chromium-browser, google-chrome or chrome is installed")
	return nil
}
