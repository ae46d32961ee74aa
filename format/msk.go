package format

import (
	"bytes"
	"slices"

	"github.com/seed56735111/penstock/format/internal/lines"
)

// msk is "MSK logging" and "Logging for MSK Connect" in the AWS documentation. Brokers write as any Kafka does: the
// name of the object tells theirs. Workers of connectors have a name before that.
func msk() schema {
	rest := []lines.Field{
		{Name: "time", Kind: lines.ISOText, Lead: "[", End: "] "},
		{Name: "level", Is: lines.OneOf("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")},
		{Name: "message", Kind: lines.Message, Rest: true},
	}
	worker := []byte("[Worker-")
	return schema{
		name:  "msk",
		told:  "lines that begin with [Worker- and a time; below KafkaBrokerLogs, lines of a time and a level",
		about: "logs of Amazon MSK: brokers and the workers of connectors",
		grammar: &lines.Schema{
			Record: "an MSK record", Several: true, GoesOn: goesOnLikeText, Layout: lines.Layout{Bare: true},
			Proof: func(records [][]byte) bool {
				return slices.ContainsFunc(records, func(r []byte) bool { return bytes.HasPrefix(r, worker) })
			},
			Named: []string{"KafkaBrokerLogs"},
			Forms: []lines.Form{
				{Least: 3, Fields: append([]lines.Field{{Name: "worker", Lead: "[Worker-", End: "] "}}, rest...)},
				{Least: 2, Fields: rest},
			},
		},
	}
}
