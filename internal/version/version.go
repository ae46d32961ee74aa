// Package version says what this build is: its version, commit and platform.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// A release has these from the linker; a build from source takes what the Go tool recorded.
var (
	linked       = "" // the version
	linkedCommit = ""
	linkedDate   = "" // of the commit, in RFC 3339
)

// Info says what this is and how it was built.
type Info struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"` // of the commit
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Of returns what is known of this program.
func Of() Info {
	v := Info{
		Version: linked, Commit: linkedCommit, Date: linkedDate, Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	info, ok := debug.ReadBuildInfo()
	if ok {
		if v.Version == "" {
			v.Version = info.Main.Version
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.time":
				v.Date = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	if v.Version == "" || v.Version == "(devel)" {
		v.Version = "devel"
	}
	return v
}

func (v Info) String() string { return fmt.Sprintf("%s (%s, %s)", v.Version, v.Go, v.Platform) }

// UserAgent is what requests call this program.
func UserAgent() string { return "penstock/" + Of().Version }
