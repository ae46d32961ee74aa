package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// verifiedaccess is "Verified Access log examples" in the AWS documentation. Most of its numbers are text, time is one
// of milliseconds.
func verifiedaccess() schema {
	return schema{
		name:  "verifiedaccess",
		told:  "objects with class_uid, activity_id, time and metadata whose product is Verified Access",
		about: "access logs of AWS Verified Access (OCSF 0.1 and 1.0.0-rc.2); unmapped and data are kept as text",
		grammar: &events.Row{
			Names: []string{"class_uid", "category_uid", "activity_id", "type_uid", "time", "metadata", "severity_id"}, Least: 4,
			Is:    map[string]string{"metadata.product.name": `"Verified Access"`},
			Times: []string{"time", "end_time"}, ID: "metadata.uid",
			Opaque: []string{"unmapped", "data"},
			Fields: []entry.Field{{Name: "class_uid", Type: entry.Mixed}, {Name: "time", Type: entry.Instant}},
		},
	}
}
