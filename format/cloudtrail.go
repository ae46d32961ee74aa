package format

import (
	"bytes"
	"strings"
)

// opaqueCloudTrail are the fields that have other names and types with every service. As objects they would bring
// thousands of fields into an index, and conflicts of types; they are kept as JSON text, which full-text search finds.
var opaqueCloudTrail = []string{ //nolint:gochecknoglobals // a table literal
	"requestParameters", "responseElements", "additionalEventData", "serviceEventDetails", "insightDetails", "addendum", "edgeDeviceDetails",
}

// isCloudTrail looks at the first event: the object itself, or the first element of "Records". An empty "Records" is told
// by the object's name.
func isCloudTrail(s *sample) bool {
	i := skipSeparators(s.text, 0)
	if first, ok := s.envelope(i); ok {
		if first < len(s.text) && s.text[first] == ']' {
			return strings.Contains(s.name, "/CloudTrail/") || strings.Contains(s.name, "_CloudTrail_") || strings.Contains(s.name, "/CloudTrail-Insight/")
		}
		return s.isCloudTrailEvent(first)
	}
	return s.shape() == jsonLines && s.isCloudTrailEvent(i)
}

// isCloudTrailEvent tells an event from those that S3 and other services send, which use the same names: the source of
// theirs is called aws:s3 and the like. An event of CloudTrail Insights has source and name in its insightDetails.
func (s *sample) isCloudTrailEvent(i int) bool {
	found := 0
	for name, value := range s.members(i) {
		switch string(name) {
		case "eventSource":
			if bytes.HasPrefix(s.text[value:], []byte(`"aws:`)) {
				return false
			}
			found++
		case "eventVersion", "eventName", "eventTime", "insightDetails":
			found++
		}
	}
	return found >= 3
}

func readCloudTrail(p *parsing, y yield) {
	r := p.jsonReader(&p.trail, opaqueCloudTrail)
	r.envelope, r.array = envelopeName, true
	r.read(p, y)
}
