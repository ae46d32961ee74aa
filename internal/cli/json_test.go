package cli

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// What prints no data, or prints in the form of another program or language, has no --json.
var withoutJSON = map[string]string{
	"penstock demo":                   "a story",
	"penstock domain":                 "a server",
	"penstock domain identity remove": "nothing",
	"penstock formats learn":          "a configuration file",
	"penstock help":                   "help",
	"penstock invoke":                 "the answer of the function, which is JSON",
	"penstock lambda":                 "a server",
	"penstock migrate":                "a configuration file",
	"penstock policy from-log":        "a policy, which is JSON",
	"penstock policy generate":        "a policy, which is JSON",
	"penstock proxy":                  "a server",
	"penstock python install":         "what was done",
	"penstock python uninstall":       "what was done",
	"penstock templates put":          "what was done",
}

func TestEveryCommandThatPrintsDataPrintsItAsJSON(t *testing.T) {
	t.Parallel()
	root := newRootCommand(&app{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}})
	var seen []string
	each(root, func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		_, excused := withoutJSON[path]
		has := cmd.Flags().Lookup("json") != nil
		if excused {
			seen = append(seen, path)
		}
		switch {
		case !cmd.Runnable() || cmd.HasSubCommands() && !excused:
		case has && excused:
			t.Errorf("%s has --json, and is listed as without", path)
		case !has && !excused:
			t.Errorf("%s has no --json", path)
		}
	})
	for path := range withoutJSON {
		if !slices.Contains(seen, path) {
			t.Errorf("no command %s", path)
		}
	}
}
