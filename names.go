package penstock

import "slices"

// The names that documents have at their top beside those of their record.
const (
	// NameTime is the time of the event.
	NameTime = "@timestamp"
	// NameMeta is where the document comes from and how it was read.
	NameMeta = "penstock"
	// NameAWS has the object's place in S3 below "s3".
	NameAWS = "aws"
)

// keptByEngines are refused by some version of Elasticsearch or OpenSearch at the top of a document.
var keptByEngines = []string{
	"_id", "_index", "_type", "_source", "_routing", "_parent", "_version", "_seq_no", "_primary_term", "_size",
	"_timestamp", "_ttl", "_uid", "_all", "_field_names", "_ignored", "_ignored_source", "_feature", "_tier",
	"_nested_path", "_doc_count", "_data_stream_timestamp", "_inference_fields", "_tsid", "_recovery_source",
}

// IsKeptByEngines reports whether engines keep a name at the top of a document for themselves.
func IsKeptByEngines(name string) bool {
	return len(name) > 1 && name[0] == '_' && slices.Contains(keptByEngines, name)
}
