package test

import (
	"bytes"
	stdcmp "cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed56735111/penstock/engine"
	"github.com/seed56735111/penstock/internal/realtest"
)

// exchange is one request, sent to the embedded engine and to a real one.
type exchange struct {
	method, target, body string
	// differs is why the answers are not the same. They must differ then.
	differs string
	// contentType of the body is JSON's unless it is said; noContentType leaves the header out.
	contentType string
}

const noContentType = "-"

// TestTheEmbeddedEngineAnswersAsARealOneDoes sends the same requests, in the same order, to both.
func TestTheEmbeddedEngineAnswersAsARealOneDoes(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ version, profile string }{
		{"2.19.1", "opensearch-2"}, {"3.3.0", "opensearch-3"}, {"7.10.2", "elasticsearch-7.10.2"},
	} {
		// One after the other: each holds half a gigabyte.
		t.Run(v.version, func(t *testing.T) { compare(t, v.version, v.profile) })
	}
}

func compare(t *testing.T, version, profile string) {
	t.Helper()
	node := realtest.StartOpenSearch(t, version)
	e, err := engine.Open(engine.Config{Profile: profile, ClusterName: "realtest"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	ours := httptest.NewServer(e)
	t.Cleanup(ours.Close)
	for _, group := range exchanges(version) {
		t.Run(group.name, func(t *testing.T) {
			for i, x := range group.exchanges {
				name := fmt.Sprintf("%d: %s %s %.200s", i, x.method, x.target, x.body)
				realStatus, realKind, realAnswer := send(t, node.URL, x)
				status, kind, answer := send(t, ours.URL, x)
				diff := cmp.Diff(realAnswer, answer, cmpopts.EquateApprox(1e-5, 1e-6), cmpopts.EquateNaNs())
				if realStatus != status {
					diff = fmt.Sprintf("status %d, want %d\n%s", status, realStatus, diff)
				}
				if realKind != kind {
					diff = fmt.Sprintf("Content-Type %q, want %q\n%s", kind, realKind, diff)
				}
				differs := x.differs
				if why, ok := differences(version)[x.method+" "+x.target+" "+x.body]; ok {
					differs = why
				}
				switch {
				case diff != "" && differs == "":
					t.Errorf("%s: (-real +embedded)\n%.3000s", name, diff)
				case diff == "" && differs != "":
					t.Errorf("%s: the answers are the same, though they should not be: %s", name, differs)
				}
			}
		})
	}
}

// send makes a request and returns the comparable part of its answer.
func send(t *testing.T, url string, x exchange) (status int, contentType string, answer any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), x.method, url+x.target, strings.NewReader(x.body))
	if err != nil {
		t.Fatal(err)
	}
	if x.body != "" && x.contentType != noContentType {
		req.Header.Set("Content-Type", stdcmp.Or(x.contentType, "application/json"))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return resp.StatusCode, resp.Header.Get("Content-Type"), blurred(string(text))
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), comparable("", v)
}

// madeUp are members whose values differ between any two engines: times, sizes, generated names.
var (
	madeUp = []string{
		"took", "ingest_took", "uuid", "index_uuid", "node", "creation_date", "created", "epoch", "timestamp", "store.size",
		"pri.store.size", "docs.deleted", "name", "cluster_uuid", "build_type", "build_hash", "build_date", "build_flavor",
		"index.uuid", "index.creation_date", "number_of_pending_tasks",
	}
	positions = regexp.MustCompile(`line: \d+(?:, column: \d+)?|at \d+:\d+|\[\d+:\d+\]`)
	uuids     = regexp.MustCompile(`/[A-Za-z0-9_-]{22}\]`)
	autoIDs   = regexp.MustCompile(`'[A-Za-z0-9_-]{20}'`)
	sources   = regexp.MustCompile(`(?s)\[Source: .*?; (?:<position>|line)`)
	expected  = regexp.MustCompile(`(?s)\nWas expecting one of:.*`)
)

func blurred(text string) string {
	text = positions.ReplaceAllString(text, "<position>")
	text = sources.ReplaceAllString(text, "[Source: <source>;")
	text = uuids.ReplaceAllString(text, "/<uuid>]")
	text = autoIDs.ReplaceAllString(text, "<id>")
	if head, list, ok := strings.Cut(text, "allowed: ["); ok {
		methods := strings.Split(strings.TrimSuffix(list, "]"), ", ")
		slices.Sort(methods)
		text = head + strings.Join(methods, " ")
	}
	return expected.ReplaceAllString(text, "")
}

func comparable(name string, v any) any {
	for _, n := range madeUp {
		if name == n && name != "name" || name == "name" && v != nil && n == "name" {
			if _, isText := v.(map[string]any); !isText {
				return "<" + name + ">"
			}
		}
	}
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, child := range v {
			if key == "line" || key == "col" || key == "build_type" {
				continue
			}
			out[key] = comparable(key, child)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, child := range v {
			out = append(out, comparable("", child))
		}
		return out
	case json.Number:
		f, err := v.Float64()
		if err != nil || f == math.Trunc(f) && strings.ContainsAny(v.String(), ".eE") == false {
			return v.String() // whole numbers to the digit, and told from 1.0
		}
		return f
	case string:
		const autoID = 20
		if name == "_id" && len(v) == autoID {
			return "<id>"
		}
		return blurred(v)
	}
	return v
}
