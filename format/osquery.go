package format

import (
	"github.com/seed56735111/penstock/format/internal/events"
)

// osquery is "Logging" in the documentation of osquery. unixTime is a number, of old versions text.
func osquery() schema {
	return schema{
		name:  "osquery",
		told:  "objects with hostIdentifier, calendarTime, unixTime and columns, a snapshot or a line of a program",
		about: "results and messages of osquery",
		grammar: &events.Row{
			Names: []string{
				"name", "hostIdentifier", "calendarTime", "unixTime", "action", "columns", "snapshot", "diffResults",
				"severity", "filename", "line",
			}, Least: 5,
			Is:    map[string]string{"hostIdentifier": `"`, "calendarTime": `"`},
			Times: []string{"unixTime", "calendarTime"},
		},
	}
}
