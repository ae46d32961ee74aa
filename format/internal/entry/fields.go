package entry

// Field is a name that documents of a format have, and what an index should map it as.
type Field struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	// ECS is the name of the field in the Elastic Common Schema, empty where there is no sure counterpart.
	ECS string `json:"ecs,omitempty"`
}

// Type is a type of the engines' mappings.
type Type string

// The types of fields.
const (
	Keyword Type = "keyword"
	Text    Type = "text"
	Long    Type = "long"
	Double  Type = "double"
	Boolean Type = "boolean"
	IP      Type = "ip"
	Date    Type = "date"
	Instant Type = "date_or_millis" // a date, or milliseconds since 1970: an index takes both as a date
	Mixed   Type = "mixed"          // texts and numbers: an index takes both as text
	Flat    Type = "flat_object"    // JSON text today
)
