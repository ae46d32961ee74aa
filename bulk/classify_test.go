package bulk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// scenes are what bulk/testdata has the answers of real nodes to, with what the writer makes of them. A refusal of a
// whole request has the class of the table, unknown when one document may be at fault.
var scenes = map[string]class{
	"a number that is none":                     poison,
	"a date that is none":                       poison,
	"a value where an object is mapped":         poison,
	"an object where a value is mapped":         poison,
	"a field that strict mapping does not know": poison,
	"an immense term":                           poison,
	"JSON that is none":                         poison,
	"a field without a name":                    poison,
	"nested too deep":                           poison,
	"a number of 2000 digits":                   poison,
	"a pipeline that fails":                     suspect,
	"a pipeline that cannot dissect":            suspect,
	"a pipeline that misses a field":            poison,
	"an id that is too long":                    unknown,
	"an id that is too long, beside another":    unknown,
	"there already":                             duplicate,
	"dropped by the pipeline":                   dropped,
	"dropped by the pipeline, index":            dropped,
	"replaced":                                  duplicate,
	"closed":                                    indexFault,
	"missing":                                   indexFault,
	"missing, in the path":                      indexFault,
	"alias without a write index":               indexFault,
	"missing pipeline":                          indexFault,
	"field limit":                               indexFault,
	"wrong action":                              createOnly,
	"@timestamp as a number":                    indexFault,
	"@timestamp as an object":                   indexFault,
	"@timestamp as a flag":                      indexFault,
	"routing required":                          indexFault,
	"a name that is none":                       indexFault,
	"writes blocked by a person":                indexFault,
	"read-only by a person":                     indexFault,
	"no more shards":                            indexFault,
	"disk full":                                 blocked,
	"an action that is none":                    unknown,
	"a parameter that is none":                  config,
	"an empty request":                          config,
	"an action of another version":              config,
}

func TestTheAnswersOfRealNodesAreTakenForWhatTheyMean(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/answers-*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files of answers, want those of three versions: %v", len(files), err)
	}
	seen := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var answers []struct {
			Scene, Type, Reason, Result string
			Whole                       bool
			Status                      int
		}
		if err := json.Unmarshal(text, &answers); err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			want, known := scenes[a.Scene]
			seen[a.Scene] = true
			e := itemError{Type: a.Type, Reason: a.Reason}
			got := refusalOf(a.Status, e).class
			if !a.Whole {
				create := a.Scene != "replaced" && a.Scene != "dropped by the pipeline, index" && a.Scene != "wrong action"
				got = classify(&item{status: a.Status, noop: a.Result == "noop"}, e, create)
			}
			if !known || got != want {
				t.Errorf("%s: %s: class %d, want %d: %+v", name, a.Scene, got, want, a)
			}
		}
	}
	for name := range scenes {
		if !seen[name] {
			t.Errorf("no node was asked about: %s", name)
		}
	}
}

// Answers that no node here gives: old versions, the service in front of the engine, serverless collections.
func TestAnswersThatNoNodeHereGives(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		status       int
		kind, reason string
		create       bool
		want         class
	}{
		{"2.x", 409, "document_already_exists_exception", "", true, duplicate},
		{"1.x", 409, "DocumentAlreadyExistsException", "", true, duplicate},
		{"another conflict", 409, "resource_busy_exception", "", true, poison},
		{"a conflict without a type", 409, "", "", true, poison},
		{"a conflict of index", 409, "version_conflict_engine_exception", "", false, poison},
		{"1.x, full queue", 503, "EsRejectedExecutionException", "", true, throttled},
		{"1.x, missing", 404, "IndexMissingException", "", true, indexFault},
		{"1.x, mapping", 400, "MapperParsingException", "", true, poison},
		{"1.x, closed", 403, "ClusterBlockException", "blocked by: [FORBIDDEN/4/index closed];", true, indexFault},
		{
			name:   "6.x, full disk",
			status: 403,
			kind:   "cluster_block_exception",
			reason: "blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];",
			create: true,
			want:   blocked,
		},
		{"no manager", 503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/2/no master];", true, blocked},
		{
			name:   "memory pressure",
			status: 403,
			kind:   "index_create_block_exception",
			reason: "blocked by: [FORBIDDEN/10/cluster create-index blocked (api)];",
			create: true,
			want:   blocked,
		},
		{"shards move", 503, "unavailable_shards_exception", "", true, retry},
		{"a breaker", 503, "circuit_breaking_exception", "", true, throttled},
		{"too slow", 408, "", "", true, retry},
		{"too large", 413, "", "", true, poison},
		{"no permission", 403, "security_exception", "no permissions for [indices:data/write/bulk[s]]", true, config},
		{"unknown principal", 401, "", "", true, config},
		{
			name:   "serverless",
			status: 400,
			kind:   "illegal_argument_exception",
			reason: "Document ID is not supported in create/index operation request",
			create: true,
			want:   noIDs,
		},
		{"something new", 500, "brand_new_exception", "", true, suspect},
		{"something new of ours", 422, "brand_new_exception", "", true, poison},
		{"nothing known", 302, "", "", true, unknown},
		// A reason may quote the document, which must not decide about its index.
		{
			name:   "a quotation",
			status: 400,
			kind:   "illegal_argument_exception",
			reason: "unable to convert [Limit of total fields [1] has been exceeded] to integer",
			create: true,
			want:   poison,
		},
		{
			name:   "a quotation in a preview",
			status: 400,
			kind:   "mapper_parsing_exception",
			reason: "failed to parse field [m] of type [long] in document with id '1'. Preview of field's value: 'failed to " +
				"parse field [@timestamp] of type [long]'",
			create: true,
			want:   poison,
		},
	} {
		refusal := itemError{Type: test.kind, Reason: test.reason}
		if got := classify(&item{status: test.status}, refusal, test.create); got != test.want {
			t.Errorf("%s: class %d, want %d", test.name, got, test.want)
		}
	}
}

func TestEveryRowOfTheTableIsReached(t *testing.T) {
	t.Parallel()
	for i, r := range refusals {
		if r.why == "" {
			t.Errorf("row %d of the table says no reason: %+v", i, r)
		}
		status := r.status
		if status == 0 {
			status = 400
		}
		words := r.words
		if words != "" && words[0] == '^' {
			words = words[1:]
		}
		if got := refusalOf(status, itemError{Type: r.kind, Reason: words}); got != r {
			t.Errorf("row %d, %+v, is hidden by %+v", i, r, got)
		}
	}
}
