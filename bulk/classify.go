package bulk

import (
	"slices"
	"strings"
	"unicode"
)

// class is what to do about one document.
type class uint8

const (
	delivered class = iota
	duplicate
	dropped    // taken, and left out by the domain's own pipeline
	retry      // this document again, soon
	throttled  // this document again, with fewer requests under way
	blocked    // this document again, much later
	suspect    // this document again; the document's own fault when it goes on while others arrive
	poison     // never: the record's own fault
	indexFault // never to this index: not the fault of the document
	createOnly // never to this index as a replacement: it takes new documents only
	config     // the run cannot go on
	noIDs      // the run cannot go on with ids
	unknown    // this document again: its status means nothing; of a refusal: it is not in the table
)

// refusal is a row of the table: what an item that is not stored means, by its status and its type. Zero fields match
// anything. The first row that matches decides. words are set only for types that stand for several things: a part of
// the reason or, after ^, its beginning, where the reason may quote the document.
type refusal struct {
	status int
	kind   string
	words  string
	class  class
	why    string // of an index: what IndexError says; of others: for the reader of the table
}

// noPipeline begins the reason of a refusal for an ingest pipeline that does not exist: of the index, or of the
// document.
const noPipeline = "pipeline with id ["

// refusals decides whose fault a refusal is: the record's, the index's, the run's, or nobody's and passing. Types of
// Elasticsearch 1.x are looked up under their later names. The answers of real nodes are in testdata.
var refusals = []refusal{
	// There already. Another conflict is one with somebody else's document.
	{409, "version_conflict_engine_exception", "", duplicate, "create found the id: it was delivered before"},
	{409, "document_already_exists_exception", "", duplicate, "the same, up to Elasticsearch 2"},
	{409, "", "", poison, "a conflict that is not with an earlier delivery"},

	// An index that takes no documents until somebody changes it: a dead letter for each would empty a bucket into them.
	{0, "cluster_block_exception", "index write (api)", indexFault, "its setting index.blocks.write is on"},
	{0, "cluster_block_exception", "index read-only (api)", indexFault, "its setting index.blocks.read_only is on"},
	{0, "cluster_block_exception", "index closed", indexFault, "it is closed"},
	{0, "index_closed_exception", "", indexFault, "it is closed"},
	{0, "index_not_found_exception", "", indexFault, "it does not exist and the domain does not make it"},
	{0, "index_missing_exception", "", indexFault, "it does not exist and the domain does not make it"},
	{0, "invalid_index_name_exception", "", indexFault, "its name is not allowed"},
	{0, "invalid_alias_name_exception", "", indexFault, "its name is not allowed"},
	{0, "routing_missing_exception", "", indexFault, "its mapping requires a routing"},
	{0, "type_missing_exception", "", indexFault, "it does not have the mapping type"},
	{0, "invalid_type_name_exception", "", indexFault, "it does not take the mapping type"},
	{0, "validation_exception", "", indexFault, "the domain does not make it: no shards are left, in general"},
	{
		400, "illegal_argument_exception", "^no write index is defined for alias", indexFault,
		"it is an alias without a write index",
	},
	{400, "illegal_argument_exception", "^Alias [", indexFault, "it is an alias of several indexes"},
	{400, "illegal_argument_exception", "^" + noPipeline, indexFault, "its ingest pipeline does not exist"},
	{400, "illegal_argument_exception", "^Limit of total fields", indexFault, "its limit of fields is reached"},
	{
		400, "illegal_argument_exception", "^only write ops with an op_type of create", createOnly,
		"it is a data stream, which takes nothing but create",
	},
	{400, "illegal_argument_exception", "^Rejecting mapping update to [", indexFault, "it has another mapping type"},
	{400, "illegal_argument_exception", "^Number of documents in the index can't exceed", indexFault, "it is full"},
	{
		400, "illegal_argument_exception", "^Document ID is not supported", noIDs,
		"a serverless collection of time series or vectors",
	},

	// Passing, unless it is the document's own fault: the next time the field is there, and the value is read by its type.
	{400, "illegal_argument_exception", "cannot be changed from type [", suspect, "two documents made a field at once"},
	{400, "illegal_argument_exception", "of different type, current_type [", suspect, "the same, up to Elasticsearch 7.7"},

	// Passing, and the domain wants fewer requests.
	{0, "es_rejected_execution_exception", "", throttled, "a full queue; a 503 in old versions"},
	{0, "rejected_execution_exception", "", throttled, "the same in OpenSearch"},
	{0, "circuit_breaking_exception", "", throttled, "not enough memory for the request"},

	// Passing, and not soon.
	{0, "cluster_block_exception", "", blocked, "a full disk, a cluster without a manager; 403 or 429 by version"},
	{0, "index_create_block_exception", "", blocked, "memory pressure: the service makes no indexes for half an hour"},
	{429, "", "", throttled, "too many requests"},

	// Passing: shards move, nodes come and go.
	{408, "", "", retry, "a request that took too long"},
	{0, "unavailable_shards_exception", "", retry, "the primary is not active"},
	{0, "no_shard_available_action_exception", "", retry, "no copy of the shard answers"},
	{0, "node_not_connected_exception", "", retry, "a node is away"},
	{0, "node_disconnected_exception", "", retry, "a node went away"},
	{0, "node_closed_exception", "", retry, "a node is going away"},
	{0, "connect_transport_exception", "", retry, "a node is away"},
	{0, "send_request_transport_exception", "", retry, "a node is away"},
	{0, "receive_timeout_transport_exception", "", retry, "a node is slow"},
	{0, "remote_transport_exception", "", retry, "a node failed"},
	{0, "no_node_available_exception", "", retry, "no node"},
	{0, "master_not_discovered_exception", "", retry, "an election"},
	{0, "cluster_manager_not_discovered_exception", "", retry, "an election"},
	{0, "not_master_exception", "", retry, "an election"},
	{0, "not_cluster_manager_exception", "", retry, "an election"},
	{0, "failed_to_commit_cluster_state_exception", "", retry, "an election"},
	{0, "process_cluster_event_timeout_exception", "", retry, "the manager is busy: a new index or field has to wait"},
	{0, "timeout_exception", "", retry, "slow"},
	{0, "elasticsearch_timeout_exception", "", retry, "slow"},
	{0, "opensearch_timeout_exception", "", retry, "slow"},
	{0, "retry_on_primary_exception", "", retry, "the primary is moving"},
	{0, "retry_on_replica_exception", "", retry, "the replica is behind"},
	{0, "shard_not_found_exception", "", retry, "the shard is moving"},
	{0, "shard_not_in_primary_mode_exception", "", retry, "the primary is moving"},
	{0, "illegal_index_shard_state_exception", "", retry, "the shard is starting or stopping"},
	{0, "index_shard_not_started_exception", "", retry, "the shard is starting"},
	{0, "index_shard_recovering_exception", "", retry, "the shard is recovering"},
	{0, "index_shard_relocated_exception", "", retry, "the shard has moved"},
	{0, "index_shard_closed_exception", "", retry, "the shard is moving"},
	{0, "already_closed_exception", "", retry, "the shard is moving"},
	{0, "engine_closed_exception", "", retry, "the shard is moving"},
	{0, "resource_already_exists_exception", "", retry, "two requests made the index at once"},
	{0, "index_already_exists_exception", "", retry, "the same, up to Elasticsearch 5"},

	// The run: every other request would be refused too.
	{400, "parse_exception", "^request body is required", config, "something in between takes the body away"},
	{400, "action_request_validation_exception", "no requests added", config, "the same"},
	{
		400, "illegal_argument_exception", "^explicit index in bulk is not allowed", config,
		"rest.action.multi.allow_explicit_index is false",
	},
	{400, "illegal_argument_exception", "^request [", config, "a parameter that this version does not know"},
	{400, "illegal_argument_exception", "^Action/metadata line [", config, "an action that this version does not know"},
	{401, "", "", config, "the principal is not known"},
	{0, "security_exception", "", config, "fine-grained access control"},
	{403, "", "", config, "a proxy of somebody's"},
}

// classify tells what became of the document of an item. create says which action was sent.
func classify(it *item, e itemError, create bool) class {
	switch {
	case it.status == 200 && (create || it.noop):
		return dropped // create answers 201 for a document that it stores
	case it.status == 200:
		return duplicate // replaced what was there
	case it.status > 200 && it.status < 300:
		return delivered
	case it.status < 400:
		return unknown
	}
	switch c := refusalOf(it.status, e); {
	case c.class == duplicate && !create:
		return poison // index has no reason for a conflict
	case c.class != unknown:
		return c.class
	}
	if it.status >= 500 {
		return suspect
	}
	return poison
}

// refusalOf looks a refusal up. One that is not in the table has the class unknown.
func refusalOf(status int, e itemError) refusal {
	kind := canonicalType(e.Type)
	if isTimestampMapping(kind, e) {
		return refusal{status, kind, "", indexFault, "its mapping has @timestamp as something that is no date"}
	}
	for i := range refusals {
		r := &refusals[i]
		if (r.status == 0 || r.status == status) && (r.kind == "" || r.kind == kind) && r.says(e.Reason) {
			return *r
		}
	}
	return refusal{class: unknown}
}

// says reports whether the words are in a reason.
func (r *refusal) says(reason string) bool {
	if beginning, ok := strings.CutPrefix(r.words, "^"); ok {
		return strings.HasPrefix(reason, beginning)
	}
	return strings.Contains(reason, r.words)
}

// isTimestampMapping reports whether an index refuses every document, because it has the field that each of them has
// with a date in it mapped as something else.
func isTimestampMapping(kind string, e itemError) bool {
	switch kind {
	case "mapper_parsing_exception", "document_parsing_exception":
	default:
		return false
	}
	if strings.HasPrefix(e.Reason, "object mapping for [@timestamp] ") {
		return true
	}
	rest, found := strings.CutPrefix(e.Reason, "failed to parse field [@timestamp] of type [")
	mapped, _, _ := strings.Cut(rest, "]")
	return found && !slices.Contains([]string{"date", "date_nanos", "keyword", "text"}, mapped)
}

// canonicalType turns the Java names of Elasticsearch 1.x into the names of later versions:
// EsRejectedExecutionException is es_rejected_execution_exception.
func canonicalType(kind string) string {
	if kind == "" || kind[0] < 'A' || kind[0] > 'Z' {
		return kind
	}
	var b strings.Builder
	for i, r := range kind {
		if unicode.IsUpper(r) {
			if i > 0 {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}
