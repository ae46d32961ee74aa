package guard_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// apiTable is every REST handler that OpenSearch 2.19.1 and 3.3.0 register, in the order of the paths, and how strict
// mode judges it. The handlers were read out of running nodes (RestController.getAllHandlers). A line has the method,
// the path, the versions, and the verdict for a caller who may do everything but touch the index secret, when each
// {…} of the path is secret and there is no body:
//
//	passes    the call names no index, or none without a body
//	judged    the policy is asked about each index, all of them when the path names none
//	refused   the call is not understood
const apiTable = "testdata/strict-apis.txt"

// TestStrictModeHasAVerdictOnEveryAPI holds the table. A path that can name an index and passes would be a leak: the
// rows that pass are few enough to be read.
func TestStrictModeHasAVerdictOnEveryAPI(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile(apiTable)
	if err != nil {
		t.Fatal(err)
	}
	d := newDomain(t, logsOnly, strictMode)
	var out strings.Builder
	counts := map[string]int{}
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			t.Fatalf("%q: want METHOD PATH VERSIONS VERDICT", line)
		}
		target := placeholder.ReplaceAllString(f[1], "secret")
		status, text := d.do(t, alice, f[0], target, "")
		verdict := map[int]string{
			http.StatusOK: "passes", http.StatusForbidden: "judged", http.StatusBadRequest: "refused",
		}[status]
		if verdict == "" {
			t.Errorf("%s %s: %d %s", f[0], target, status, text)
		}
		if len(f) < 4 || f[3] != verdict {
			t.Errorf("%s %s: %s, the table says %s", f[0], f[1], verdict, strings.Join(f[3:], " "))
		}
		if indexSegment.MatchString(f[1]) && verdict == "passes" {
			t.Errorf("%s %s names an index and passes", f[0], f[1])
		}
		counts[verdict]++
		fmt.Fprintf(&out, "%s %s %s %s\n", f[0], f[1], f[2], verdict)
	}
	if counts["passes"]+counts["judged"]+counts["refused"] < 370 || counts["refused"] > 60 {
		t.Errorf("%v: the table is not the engines' list", counts)
	}
	if *update {
		if err := os.WriteFile(apiTable, []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

var (
	placeholder = regexp.MustCompile(`\{[^}]*\}`)
	// indexSegment are the names that the engines' own handlers give to what is an index, an alias or a data stream.
	indexSegment = regexp.MustCompile(`\{(index|indices|target|new_index)\}|^/_data_stream/\{name\}|^/_resolve/index/`)
)
