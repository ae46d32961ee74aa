package bulk

import "strings"

// class is what to do about one document.
type class uint8

const (
	delivered class = iota
	duplicate
	dropped   // taken, and left out by the domain's own pipeline
	retry     // this document again, soon
	throttled // this document again, with fewer requests under way
	blocked   // this document again, much later
	poison    // never
	systemic  // never, unless nearly every document has it: then the fault is not the document's
	config    // the run cannot go on
	unknown   // the whole batch again
)

// classify decides by status and type, never by the words of a reason but for the one case below.
func classify(it *item, kind string, replace bool, reason string) class {
	status := it.status
	kind = canonicalType(kind)
	switch {
	case status == 200 && (!replace || it.noop):
		return dropped // create answers 201 for a document that it stores
	case status == 200:
		return duplicate // replaced what was there
	case status >= 200 && status < 300:
		return delivered
	case status == 409 && !replace:
		return duplicate
	case kind == "cluster_block_exception" || kind == "index_create_block_exception":
		return blocked
	case status == 429:
		return throttled
	case status == 401, status == 403:
		return config // fine-grained access control, or a proxy of somebody's
	case status >= 500:
		return retry
	}
	switch kind {
	case "validation_exception":
		return blocked // "maximum shards open": the only one that a document can meet
	case "index_not_found_exception", "invalid_index_name_exception", "index_closed_exception":
		return config
	case "illegal_argument_exception":
		// The limit of fields and the wrong action for a data stream share their type with faults of a single document.
		if strings.Contains(reason, "Limit of total fields") || strings.Contains(reason, "only write ops with an op_type of create") {
			return systemic
		}
	}
	if status >= 400 {
		return poison
	}
	return unknown
}

// canonicalType turns the Java names of Elasticsearch 1.x into the names of later versions.
func canonicalType(kind string) string {
	switch kind {
	case "EsRejectedExecutionException":
		return "es_rejected_execution_exception"
	case "ClusterBlockException":
		return "cluster_block_exception"
	case "IndexMissingException":
		return "index_not_found_exception"
	}
	return kind
}
