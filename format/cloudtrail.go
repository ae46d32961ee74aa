package format

import (
	"bytes"
	"strings"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// cloudtrail is "CloudTrail record contents" in the AWS documentation. Events that S3 and other services send use the
// same names: the source of theirs is called aws:s3 and the like. An event of CloudTrail Insights has source and name
// in its insightDetails.
func cloudtrail() schema {
	return schema{
		name: "cloudtrail",
		told: `events with eventVersion, eventTime, eventSource and eventName (or insightDetails), in a "Records" array, ` +
			`another one, ` +
			`or the "detail" of EventBridge, or one behind the other, or what lookup-events answers`,
		about: "AWS CloudTrail; requestParameters and the like are kept as text",
		skip: func(name string) string {
			if strings.Contains(name, "/CloudTrail-Digest/") {
				return trailDigest
			}
			return ""
		},
		grammar: forms{&events.Row{
			Names: []string{"eventVersion", "eventTime", "eventSource", "eventName", "insightDetails"}, Least: 3,
			Not:      map[string]string{"eventSource": `"aws:`},
			Envelope: "Records", Within: "detail",
			Empty: func(name string) bool {
				return strings.Contains(name, "/CloudTrail/") || strings.Contains(name, "_CloudTrail_") ||
					strings.Contains(name, "/CloudTrail-Insight/")
			},
			Times: []string{"eventTime"}, ID: "eventID",
			Opaque: []string{
				"requestParameters", "responseElements", "additionalEventData", "serviceEventDetails", "insightDetails", "addendum",
				"edgeDeviceDetails",
			},
			Fields: []entry.Field{{Name: "eventTime", Type: entry.Date}},
		}, &carrier{
			// What lookup-events answers: the event is text.
			Grammar: &events.Row{
				Names: []string{"EventId", "EventName", "EventTime", "CloudTrailEvent"}, Least: 4,
				Is:       map[string]string{"CloudTrailEvent": `"{`},
				Envelope: "Events",
				Fields:   []entry.Field{{Name: "EventTime", Type: entry.Mixed}}, // AWS CLI 1 writes a number, 2 text
			},
			name: "lookup", message: "CloudTrailEvent",
		}},
	}
}

const trailDigest = "CloudTrail digest"

// isTrailDigest reports whether a text is a digest of CloudTrail's: what says that its files are whole.
func isTrailDigest(text []byte) bool {
	const near = 256 // account and start come first, before the names of buckets
	head := text[:min(len(text), near)]
	return bytes.HasPrefix(head, []byte{'{'}) && contains(head, `"digestStartTime"`) && contains(head, `"awsAccountId"`) &&
		contains(text, `"digestSignatureAlgorithm"`)
}
