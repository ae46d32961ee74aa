package format

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// dockerPart is the size in which Docker takes longer lines apart.
const dockerPart = 16 << 10

// docker is the "json-file" logging driver in the documentation of Docker. A part of a longer line has no line end.
func docker() schema {
	return schema{
		name: "docker",
		told: "objects with log, stream and time, or lines with the name of a container and a bar, as in web-1  | started",
		about: "logs of containers as Docker stores them or Compose prints them: " +
			"lines are put together again, and each is read as what it fits",
		grammar: &carrier{
			Grammar: forms{&events.Row{
				Names: []string{"log", "stream", "time"}, Least: 3,
				Is:     map[string]string{"log": `"`, "stream": `"std`, "time": `"`},
				Times:  []string{"time"},
				Opaque: []string{"attrs"},
				Fields: []entry.Field{{Name: "stream", Type: entry.Keyword}, {Name: "time", Type: entry.Date}},
			}, lines.Compose{}},
			name: "docker", message: "log", same: "stream",
			open: func(fields, message []byte) bool {
				return len(message) >= dockerPart && len(events.Member(fields, "stream")) > 0 &&
					!bytes.HasSuffix(message, []byte("\n"))
			},
		},
	}
}
