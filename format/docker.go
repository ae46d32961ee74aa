package format

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// dockerPart is the size in which Docker takes longer lines apart.
const dockerPart = 16 << 10

// docker is the "json-file" logging driver in the documentation of Docker. A part of a longer line has no line end.
func docker() schema {
	return schema{
		name: "docker", told: "objects with log, stream and time",
		about: "logs of containers as Docker stores them: lines are put together again, and each is read as what it fits",
		grammar: &carrier{
			Grammar: &events.Row{
				Names: []string{"log", "stream", "time"}, Least: 3,
				Is:     map[string]string{"log": `"`, "stream": `"std`, "time": `"`},
				Times:  []string{"time"},
				Opaque: []string{"attrs"},
				Fields: []entry.Field{{Name: "stream", Type: entry.Keyword}, {Name: "time", Type: entry.Date}},
			},
			name: "docker", message: "log", same: "stream",
			open: func(_, message []byte) bool {
				return len(message) >= dockerPart && !bytes.HasSuffix(message, []byte("\n"))
			},
		},
	}
}
