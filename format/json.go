package format

import "github.com/seed56735111/penstock/format/internal/events"

func ndjson() schema {
	return schema{
		name: "ndjson", told: "a JSON object on each line", about: "newline-delimited JSON",
		grammar: events.Any{Lines: true}, generic: true,
	}
}

func json() schema {
	return schema{
		name: "json", told: "an array, an object over several lines, or objects one behind the other",
		about:   `other JSON: each element of an array or of a "Records" array is a record`,
		grammar: events.Any{}, generic: true,
	}
}
