package format

import "github.com/seed56735111/penstock/format/internal/events"

// elasticdump is what the program of this name, and others that scroll through an index, write: a hit on each line. The
// index and the id are fields, and nothing else.
func elasticdump() schema {
	return schema{
		name: "elasticdump", told: "objects with _index, _id and _source",
		about: "documents as elasticdump writes them: each _source is read as what it fits; " +
			"_index and _id are fields, below elasticdump",
		grammar: &carrier{
			Grammar: &events.Row{
				Names: []string{"_index", "_id", "_source"}, Least: 3,
				Is:     map[string]string{"_source": "{", "_index": `"`},
				Lifted: true,
			},
			name: "elasticdump", message: "_source", object: true,
		},
	}
}
