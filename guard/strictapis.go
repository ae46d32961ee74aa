package guard

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// bodyKind says how strict mode reads the body of a call.
type bodyKind uint8

const (
	// bodyOther is a body that cannot name an index: a document, settings of the cluster, a stored script.
	bodyOther bodyKind = iota
	bodyNone
	bodyBulk
	bodyDocs
	bodySearch
	bodySearches
	bodyReindex
	bodyAliases
	bodyAlias
	bodyIndex
	bodySettings
	bodyTemplate
	bodyFieldCaps
	bodyRankEval
	bodyExecute
	bodyAllocation
	bodyMapping
)

// scope says which indexes a call is about besides those that its body names.
type scope uint8

const (
	// scopeURL is the {index} of the path, and none without one.
	scopeURL scope = iota
	// scopeAll is the {index} of the path, and every index without one.
	scopeAll
)

// strictAPI is one or more calls that strict mode understands: every index that they touch is known.
type strictAPI struct {
	methods string // separated by spaces
	// paths are separated by spaces. In {…} stands a segment; {index} is an index expression, {created} the name of an
	// index that the call makes, {type} a mapping type of old engines, and {id} the id of a document.
	paths string
	scope scope
	body  bodyKind
}

// strictAPIs are the calls that strict mode understands, of engines from 1.5 to 3.3. The first that fits counts, and
// all other calls are refused. Calls that can name indexes in other ways are left out: search templates, snapshots
// (restored under another name), reroute, dangling indexes, views, pipelines being defined, and the calls of plugins.
var strictAPIs = []strictAPI{
	{"GET HEAD", "/", scopeURL, bodyNone},
	{"GET", "/favicon.ico", scopeURL, bodyNone},

	{"GET", "/_cat /_cat/allocation /_cat/allocation/{x} /_cat/cluster_manager /_cat/health /_cat/master" +
		" /_cat/nodeattrs /_cat/nodes" +
		" /_cat/pending_tasks /_cat/plugins /_cat/repositories /_cat/snapshots /_cat/snapshots/{x}" +
		" /_cat/templates" +
		" /_cat/templates/{x} /_cat/thread_pool /_cat/thread_pool/{x}", scopeURL, bodyNone},
	{"GET", "/_cat/aliases /_cat/aliases/{x} /_cat/count /_cat/count/{index} /_cat/fielddata" +
		" /_cat/fielddata/{x} /_cat/indices" +
		" /_cat/indices/{index} /_cat/pit_segments/_all /_cat/recovery /_cat/recovery/{index}" +
		" /_cat/segment_replication" +
		" /_cat/segment_replication/{index} /_cat/tasks /_cat/segments /_cat/segments/{index}" +
		" /_cat/shards /_cat/shards/{index}" +
		" /_list/indices /_list/indices/{index} /_list/shards /_list/shards/{index}", scopeAll, bodyNone},
	{"GET", "/_list /_list/wlm_stats /_list/wlm_stats/stats/{x} /_list/wlm_stats/{x}/stats" +
		" /_list/wlm_stats/{x}/stats/{x}" +
		" /_wlm/stats /_wlm/stats/{x} /_wlm/{x}/stats /_wlm/{x}/stats/{x}", scopeURL, bodyNone},

	{"GET", "/_cluster/health /_cluster/health/{index} /_cluster/nodes/hot_threads /_cluster/nodes/hotthreads" +
		" /_cluster/nodes/{x}/hot_threads /_cluster/nodes/{x}/hotthreads /_cluster/pending_tasks" +
		" /_cluster/settings /_cluster/stats" +
		" /_cluster/stats/nodes/{x} /_cluster/stats/{x}/nodes/{x} /_cluster/stats/{x}/{x}/nodes/{x}" +
		" /_cluster/decommission/awareness/{x}/_status /_cluster/routing/awareness/{x}/weights", scopeURL, bodyNone},
	{"PUT", "/_cluster/settings /_cluster/decommission/awareness/{x}/{x}" +
		" /_cluster/routing/awareness/{x}/weights", scopeURL, bodyOther},
	{"DELETE", "/_cluster/decommission/awareness /_cluster/routing/awareness/weights" +
		" /_cluster/routing/awareness/{x}/weights" +
		" /_cluster/voting_config_exclusions", scopeURL, bodyOther},
	{"POST", "/_cluster/voting_config_exclusions /_cluster/voting_config_exclusions/{x}", scopeURL, bodyOther},
	{"GET", "/_cluster/state /_cluster/state/{x} /_cluster/state/{x}/{index}", scopeAll, bodyNone},
	{"GET POST", "/_cluster/allocation/explain", scopeURL, bodyAllocation},
	{"GET", "/_nodes /_nodes/hot_threads /_nodes/hotthreads /_nodes/stats /_nodes/stats/{x}" +
		" /_nodes/stats/{x}/{x} /_nodes/usage" +
		" /_nodes/usage/{x} /_nodes/{x} /_nodes/{x}/hot_threads /_nodes/{x}/hotthreads /_nodes/{x}/info/{x}" +
		" /_nodes/{x}/stats" +
		" /_nodes/{x}/stats/{x} /_nodes/{x}/stats/{x}/{x} /_nodes/{x}/usage /_nodes/{x}/usage/{x} /_nodes/{x}/{x}" +
		" /_remote/info /_tasks/{x} /_script_context /_script_language", scopeURL, bodyNone},
	{"POST", "/_nodes/reload_secure_settings /_nodes/{x}/reload_secure_settings /_tasks/{x}/_cancel" +
		" /_delete_by_query/{x}/_rethrottle /_reindex/{x}/_rethrottle" +
		" /_update_by_query/{x}/_rethrottle", scopeURL, bodyOther},
	{"GET", "/_remotestore/metadata/{index} /_remotestore/metadata/{index}/{x} /_remotestore/stats/{index}" +
		" /_remotestore/stats/{index}/{x} /_resolve/index/{index}", scopeURL, bodyNone},

	{"GET", "/_ingest/pipeline /_ingest/pipeline/{x} /_ingest/processor/grok /_search/pipeline" +
		" /_search/pipeline/{x}", scopeURL, bodyNone},
	{"GET POST", "/_ingest/pipeline/_simulate /_ingest/pipeline/{x}/_simulate", scopeURL, bodyOther},
	{"DELETE", "/_ingest/pipeline/{x} /_search/pipeline/{x}", scopeURL, bodyNone},
	{"GET POST", "/_scripts/painless/_execute", scopeAll, bodyExecute},
	{"GET", "/_scripts/painless/_context", scopeURL, bodyNone},
	{"GET PUT POST DELETE", "/_scripts/{x}", scopeURL, bodyOther},
	{"PUT POST", "/_scripts/{x}/{x}", scopeURL, bodyOther},
	{"GET POST", "/_render/template /_render/template/{x}", scopeURL, bodyOther},

	{"GET", "/_snapshot /_snapshot/_status /_snapshot/{x} /_snapshot/{x}/_status /_snapshot/{x}/{x}" +
		" /_snapshot/{x}/{x}/_status", scopeURL, bodyNone},
	{"GET", "/_snapshot/{x}/{x}/{index}/_status", scopeURL, bodyNone},
	{"PUT POST", "/_snapshot/{x}", scopeURL, bodyOther},
	{"POST", "/_snapshot/{x}/_cleanup /_snapshot/{x}/_verify", scopeURL, bodyOther},
	{"DELETE", "/_snapshot/{x} /_snapshot/{x}/{x}", scopeURL, bodyNone},

	{"GET HEAD", "/_template /_template/{x} /_index_template /_index_template/{x} /_component_template" +
		" /_component_template/{x}", scopeURL, bodyNone},
	{"DELETE", "/_template/{x} /_index_template/{x} /_component_template/{x}", scopeURL, bodyNone},
	{"POST", "/_index_template/_simulate /_index_template/_simulate/{x}" +
		" /_index_template/_simulate_index/{index}", scopeURL, bodyTemplate},
	{"PUT POST", "/_template/{x} /_index_template/{x} /_component_template/{x}", scopeURL, bodyTemplate},
	// What others are doing, with whatever they search.
	{"GET", "/_tasks", scopeAll, bodyNone},
	{"POST", "/_tasks/_cancel", scopeAll, bodyOther},
	{"GET", "/_data_stream /_data_stream/_stats /_data_stream/{index}" +
		" /_data_stream/{index}/_stats", scopeAll, bodyNone},
	{"PUT DELETE", "/_data_stream/{index}", scopeURL, bodyNone},

	{"GET HEAD", "/_alias /_alias/{x} /_aliases /{index}/_alias /{index}/_alias/{x} /{index}/_aliases" +
		" /{index}/_aliases/{x}", scopeAll, bodyNone},
	{"DELETE", "/{index}/_alias/{x} /{index}/_aliases/{x}", scopeURL, bodyNone},
	{"PUT POST", "/_alias /_alias/{x} /_aliases/{x} /{index}/_alias /{index}/_alias/{x} /{index}/_aliases" +
		" /{index}/_aliases/{x}", scopeAll, bodyAlias},
	{"POST", "/_aliases", scopeURL, bodyAliases},

	{"GET POST", "/_search/scroll" +
		" /_search/scroll/{x}", scopeURL, bodyOther}, // bound to the indexes that it was opened on
	{"DELETE", "/_search/scroll /_search/scroll/{x} /_search/point_in_time", scopeURL, bodyOther},
	{"GET DELETE", "/_search/point_in_time/_all", scopeAll, bodyNone},
	{"POST", "/{index}/_search/point_in_time", scopeURL, bodyNone},
	{"GET POST", "/_search /{index}/_search /{index}/{type}/_search /_count /{index}/_count /{index}/{type}/_count" +
		" /_validate/query /{index}/_validate/query /{index}/{type}/_validate/query /{index}/_explain/{id}" +
		" /{index}/{type}/{id}/_explain" +
		" /_search_shards /{index}/_search_shards", scopeAll, bodySearch},
	{"POST", "/{index}/_delete_by_query /{index}/{type}/_delete_by_query /{index}/_update_by_query" +
		" /{index}/{type}/_update_by_query", scopeURL, bodySearch},
	{"GET POST", "/_msearch /{index}/_msearch /{index}/{type}/_msearch", scopeURL, bodySearches},
	{"GET POST", "/_rank_eval /{index}/_rank_eval", scopeAll, bodyRankEval},
	{"GET POST", "/_field_caps /{index}/_field_caps", scopeAll, bodyFieldCaps},
	{"GET POST", "/_mget /{index}/_mget /{index}/{type}/_mget /_mtermvectors /{index}/_mtermvectors" +
		" /{index}/{type}/_mtermvectors" +
		" /{index}/_termvectors /{index}/_termvectors/{id} /{index}/{type}/_termvectors" +
		" /{index}/{type}/{id}/_termvectors", scopeURL, bodyDocs},

	{"PUT POST", "/_bulk /_bulk/stream /{index}/_bulk /{index}/_bulk/stream" +
		" /{index}/{type}/_bulk", scopeURL, bodyBulk},
	{"POST", "/_reindex", scopeURL, bodyReindex},
	{"GET HEAD DELETE", "/{index}/_doc/{id} /{index}/_source/{id}", scopeURL, bodyNone},
	{"PUT POST", "/{index}/_doc /{index}/_doc/{id} /{index}/_create/{id}", scopeURL, bodyOther},
	{"POST", "/{index}/_update/{id}", scopeURL, bodyOther},

	{"GET HEAD DELETE", "/{index}", scopeURL, bodyNone},
	{"PUT", "/{index}", scopeURL, bodyIndex},
	{"PUT POST", "/{index}/_shrink/{created} /{index}/_split/{created}" +
		" /{index}/_clone/{created}", scopeURL, bodyIndex},
	{"POST", "/{index}/_rollover /{index}/_rollover/{created}", scopeURL, bodyIndex},
	{"GET", "/_settings /_settings/{x} /{index}/_settings /{index}/_settings/{x} /{index}/_setting/{x}" +
		" /_mapping /_mappings" +
		" /_mapping/{x} /_mapping/field/{x} /{index}/_mapping /{index}/_mappings /{index}/_mapping/{x}" +
		" /{index}/_mapping/field/{x}" +
		" /{index}/_mapping/{x}/field/{x}", scopeAll, bodyNone},
	{"HEAD", "/{index}/_mapping/{x}", scopeURL, bodyNone},
	{"PUT", "/_settings /{index}/_settings", scopeAll, bodySettings},
	{"PUT POST", "/{index}/_mapping /{index}/_mappings /{index}/_mapping/{x}" +
		" /{index}/{type}/_mapping", scopeURL, bodyMapping},
	{"PUT", "/{index}/_block/{x}", scopeURL, bodyNone},
	{"GET POST", "/_analyze /{index}/_analyze", scopeURL, bodyOther},
	{"GET POST", "/_flush /_flush/synced /{index}/_flush /{index}/_flush/synced /_refresh /{index}/_refresh" +
		" /_upgrade" +
		" /{index}/_upgrade /_optimize /{index}/_optimize /_cache/clear /{index}/_cache/clear", scopeAll, bodyNone},
	{"POST", "/_forcemerge /{index}/_forcemerge /_open /{index}/_open /_close /{index}/_close" +
		" /{index}/ingestion/_pause" +
		" /{index}/ingestion/_resume", scopeAll, bodyNone},
	{"POST", "/{index}/_scale", scopeURL, bodyOther},
	{"GET", "/_recovery /{index}/_recovery /_segments /{index}/_segments /_shard_stores /{index}/_shard_stores" +
		" /_stats /_stats/{x}" +
		" /{index}/_stats /{index}/_stats/{x} /{index}/ingestion/_state", scopeAll, bodyNone},

	// Mapping types, of engines before 8.
	{"GET HEAD DELETE", "/{index}/{type}/{id}", scopeURL, bodyNone},
	{"GET HEAD", "/{index}/{type}/{id}/_source", scopeURL, bodyNone},
	{"PUT POST", "/{index}/{type}/{id} /{index}/{type}/{id}/_create", scopeURL, bodyOther},
	{"POST", "/{index}/{type} /{index}/{type}/{id}/_update", scopeURL, bodyOther},
	{"HEAD", "/{index}/{type}", scopeURL, bodyNone},
}

// apiNames are the segments of paths that engines know as names of APIs. In the place of an id they are refused:
// versions of engines differ in what they call then.
var apiNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, a := range strictAPIs {
		for segment := range strings.SplitSeq(strings.ReplaceAll(a.paths, " ", "/"), "/") {
			if strings.HasPrefix(segment, "_") {
				names[segment] = true
			}
		}
	}
	delete(names, "_all")
	return names
})

// understood is a call that strict mode understands.
type understood struct {
	strictAPI
	index   string   // the index expression of the path, empty when it has none
	created string   // {created}
	rest    []string // the path without the index
}

// understand finds the call that a request makes.
func understand(method string, target Target) (understood, bool) {
	raw := strings.Split(strings.Trim(target.Path, "/"), "/")
	if target.Path == "/" {
		raw = nil
	}
	for _, api := range strictAPIs {
		if !slices.Contains(strings.Fields(api.methods), method) {
			continue
		}
		for path := range strings.SplitSeq(api.paths, " ") {
			u := understood{strictAPI: api}
			if u.matches(path, raw, target.Segments) {
				return u, true
			}
		}
	}
	return understood{}, false
}

// known is understand, with the parameters of the call: an unknown one may mean another index.
func known(method string, target Target) (understood, error) {
	call, ok := understand(method, target)
	if !ok {
		return call, errors.New("the call is not one that it knows")
	}
	name, err := unknownParameter(target.Query)
	if err == nil && name != "" {
		err = fmt.Errorf("the parameter %q is not one that it knows", name)
	}
	return call, err
}

// matches compares a path of the table with the path of a request. Names of APIs are compared as they were sent,
// because engines do not find an API by a name with an escape in it.
func (u *understood) matches(path string, raw, segments []string) bool {
	if path == "/" {
		return len(segments) == 0
	}
	want := strings.Split(path[1:], "/")
	if len(want) != len(raw) || len(raw) != len(segments) {
		return false
	}
	for i, w := range want {
		s := segments[i]
		switch w {
		case "{index}":
			if strings.HasPrefix(s, "_") && raw[i] != "_all" {
				return false
			}
			u.index = s
			continue
		case "{created}":
			u.created = s
		case "{type}":
			// A view is read as the type of an index named views; a document of the type .percolator is a query.
			if strings.HasPrefix(s, "_") || segments[0] == "views" || s == ".percolator" {
				return false
			}
		case "{id}", "{x}":
			if apiNames()[s] {
				return false
			}
		default:
			if w != raw[i] {
				return false
			}
		}
		u.rest = append(u.rest, s)
	}
	return true
}

// knownParameters are the parameters of the calls in the table that name no index. It leaves out those that engines
// read in the place of a part of the path (index, name, alias, target), and source, which stands for a body.
const knownParameters = " _source _source_exclude _source_excludes _source_include _source_includes" +
	" accept_data_loss actions active_only" +
	" all_shards allow_no_indices allow_partial_pit_creation allow_partial_search_results analyze_wildcard" +
	" analyzer awareness_attribute" +
	" batch_interval batch_size batched_reduce_size bytes cancel_after_time_interval cause" +
	" ccs_minimize_roundtrips cluster_manager_timeout" +
	" completed_only completion_fields conflicts consistency copy_settings create default_operator detailed df" +
	" docvalue_fields dry_run" +
	" error_trace expand_wildcards explain field_statistics fielddata fielddata_fields fields filter_path" +
	" flat_settings flush" +
	" forbid_closed_indices force format from from_ full_id group_by groups h health help human" +
	" if_primary_term if_seq_no" +
	" ignore_idle_threads ignore_indices ignore_throttled ignore_unavailable include_defaults" +
	" include_disk_info include_global_state" +
	" include_named_queries_score include_segment_file_sizes include_type_name include_unloaded_segments" +
	" include_unmapped" +
	" include_yes_decisions interval keep_alive lang lenient level local lowercase_expanded_terms" +
	" master_timeout max_concurrent_searches" +
	" max_concurrent_shard_requests max_docs max_num_segments metric min_score mode next_token nodes offsets" +
	" only_ancient_segments" +
	" only_expunge_deletes op_type order parent parent_task_id payloads phase_took positions" +
	" pre_filter_shard_size preference" +
	" prefer_local preserve_existing pretty pri primary_only profile q query query_cache realtime recycler" +
	" refresh replication request" +
	" request_cache requests_per_second require_alias rest_total_hits_as_int retry_failed retry_on_conflict" +
	" rewrite routing s scroll" +
	" scroll_id scroll_size search_timeout search_type seq_no_primary_term shards size slices sort stats" +
	" status stored_fields" +
	" suggest_field suggest_mode suggest_size suggest_text task_execution_timeout term_statistics" +
	" terminate_after threads time timeout" +
	" timestamp track_scores track_total_hits ts ttl typed_keys types v verbose verbose_pipeline verify" +
	" version version_type" +
	" wait_for_active_shards wait_for_completion wait_for_events wait_for_metadata_version" +
	" wait_for_no_initializing_shards" +
	" wait_for_no_relocating_shards wait_for_nodes wait_for_removal wait_for_status wait_for_timeout" +
	" wait_if_ongoing write_index_only "

// unknownParameter is the first parameter of a query that strict mode does not understand.
func unknownParameter(query string) (name string, err error) {
	if query == "" {
		return "", nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", err
	}
	for name, list := range values {
		switch {
		case name == "pipeline" || name == "search_pipeline":
			if slices.ContainsFunc(list, func(v string) bool { return v != "_none" }) {
				return name, nil
			}
		case strings.HasPrefix(strings.ToLower(name), "x-amz-"): // a presigned URL
		case name == "" || strings.Contains(name, " ") || !strings.Contains(knownParameters, " "+name+" "):
			return name, nil
		}
	}
	return "", nil
}
