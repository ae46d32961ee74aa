package deadletter

import (
	"regexp"

	"github.com/seed56735111/penstock"
)

// Summary counts letters by what they have in common. What a letter does not have is not counted in that group.
type Summary struct {
	Letters int64            `json:"letters"`
	Reason  map[string]int64 `json:"reason"`
	Type    map[string]int64 `json:"type"`
	Field   map[string]int64 `json:"field"`
	Index   map[string]int64 `json:"index"`
	Domain  map[string]int64 `json:"domain"`
	Object  map[string]int64 `json:"object"`
}

// NewSummary returns a summary of no letters.
func NewSummary() *Summary {
	return &Summary{
		Reason: map[string]int64{}, Type: map[string]int64{}, Field: map[string]int64{},
		Index: map[string]int64{}, Domain: map[string]int64{}, Object: map[string]int64{},
	}
}

// Add counts a letter.
func (s *Summary) Add(l penstock.Letter) {
	s.Letters++
	for _, c := range []struct {
		group map[string]int64
		value string
	}{
		{s.Reason, l.Reason},
		{s.Type, l.Type},
		{s.Field, Field(l)},
		{s.Index, l.Index},
		{s.Domain, l.Domain},
		{s.Object, l.Source.Object},
	} {
		if c.value != "" {
			c.group[c.value]++
		}
	}
}

// fields are the ways in which the engines name the field that a document was refused for.
var fields = []*regexp.Regexp{
	regexp.MustCompile(`failed to parse(?: date)? field \[([^\]]+)\]`),
	regexp.MustCompile(`object mapping (?:for )?\[([^\]]+)\]`),
	regexp.MustCompile(`dynamic introduction of \[([^\]]+)\]`),
	regexp.MustCompile(`immense term in field="([^"]+)"`),
	regexp.MustCompile(`mapper \[([^\]]+)\]`),
	regexp.MustCompile(`(?i)\bfield(?: name)?:? \[([^\]]+)\]`),
	regexp.MustCompile(`failed to parse \[([^\]]+)\]`), // Elasticsearch before 7
	regexp.MustCompile(`the record has no "([^"]+)"`),  // our own: an index pattern names it
}

// Field returns the field that the detail of a letter names, empty when it names none.
func Field(l penstock.Letter) string {
	for _, f := range fields {
		if m := f.FindStringSubmatch(l.Detail); m != nil {
			return m[1]
		}
	}
	return ""
}
