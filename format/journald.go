package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/journal"
)

// journald is "Journal JSON Format" and "Journal Export Format" of systemd. Numbers are text, times are microseconds.
func journald() schema {
	return schema{
		name: "journald",
		told: "objects with __REALTIME_TIMESTAMP, __CURSOR, _BOOT_ID and MESSAGE, " +
			"or lines of NAME=value with a cursor or a time among the first ones",
		about: "what journalctl -o json and -o export write",
		grammar: forms{&events.Row{
			Names: []string{
				"__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "__CURSOR", "_BOOT_ID", "_MACHINE_ID", "_HOSTNAME", "_TRANSPORT",
				"MESSAGE",
			}, Least: 4,
			Is:    map[string]string{"__REALTIME_TIMESTAMP": `"`},
			Times: []string{"__REALTIME_TIMESTAMP"}, ID: "__CURSOR",
			Fields: []entry.Field{{Name: "MESSAGE", Type: entry.Mixed}}, // an array of bytes when it is no text
		}, journal.Export{}},
	}
}
