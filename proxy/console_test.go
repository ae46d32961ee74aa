package proxy_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/iam"
	"github.com/seed56735111/penstock/proxy"
	"github.com/seed56735111/penstock/sigv4"
)

// console is a request of the console of Dashboards.
func console(method, path string) string {
	return "POST /_dashboards/api/console/proxy?path=" + url.QueryEscape(path) + "&method=" + method
}

const asJSON = "Content-Type: application/json"

// viewer lets everybody look at logs in Dashboards, and write their own notes.
func viewer(t *testing.T) func(*proxy.Config) {
	t.Helper()
	policy, err := iam.ParsePaths([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":["/_dashboards","/_dashboards/*","/_plugin/kibana/*"]},
		{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":["/notes","/notes/*","/_msearch"]},
		{"Effect":"Allow","Principal":"*","Action":["es:ESHttpGet","es:ESHttpPost"],
		 "Resource":["/logs-a/_search","/logs-a/_msearch","/logs-a/_field_caps","/_resolve/index/logs-a",
		 "/logs-a/_resolve/index"]}]}`), "")
	if err != nil {
		t.Fatal(err)
	}
	return func(c *proxy.Config) {
		c.Policy = guard.FixedPolicy(policy)
		c.Bodies = &sigv4.Keeper{Dir: t.TempDir()}
	}
}

func readOnly(c *proxy.Config) { c.ReadOnly = true }

// What a browser needs to show pages, and to search what may be searched, gets through.
func TestDashboardsWorksUnderReadOnlyAndAPolicy(t *testing.T) {
	t.Parallel()
	search := `{"params":{"index":"logs-a","body":{"query":{"match_all":{}}},"preference":1,"ignore_unavailable":true}}`
	calls := map[string]string{
		"GET /_dashboards": "", "GET /_dashboards/": "", "GET /_dashboards/app/home": "",
		"GET /_dashboards/app/dashboards?security_tenant=global": "",
		"GET /_dashboards/7.10.2/bundles/core/core.entry.js":     "", "GET /_dashboards/ui/logos/mark.svg": "",
		"GET /_dashboards/translations/en.json": "", "GET /_dashboards/api/status": "", "GET /_dashboards/app/login": "",
		"POST /_dashboards/auth/login": `{"username":"x","password":"y"}`, "POST /_dashboards/auth/logout": "",
		"POST /_dashboards/api/core/capabilities": `{"applications":[]}`, "GET /_plugin/kibana/app/kibana": "",
		"GET /_dashboards/api/saved_objects/_find?type=index-pattern&per_page=100": "",
		"GET /_dashboards/api/saved_objects/config/2.11.0":                         "",
		"POST /_dashboards/api/saved_objects/_bulk_get":                            `[{"id":"1","type":"dashboard"}]`,
		"GET /_dashboards/api/opensearch-dashboards/settings":                      "",
		"POST /_dashboards/internal/search/opensearch":                             search,
		"POST /_dashboards/internal/search/opensearch-with-long-numerals":          search,
		"POST /_plugin/kibana/internal/search/es":                                  search,
		"POST /_dashboards/internal/_msearch": `{"searches":[{"header":{"index":"logs-a","preference":1},` +
			`"body":{"query":{"match_all":{}}}}]}`,
		"POST /_plugin/kibana/elasticsearch/_msearch?rest_total_hits_as_int=true": `{"index":"logs-a"}` + "\n{}\n",
		"POST /_dashboards/api/opensearch-dashboards/suggestions/values/logs-a": `{"field":"a","query":"b",` +
			`"boolFilter":[{"term":{"a":1}}]}`,
		"GET /_dashboards/api/index_patterns/_fields_for_wildcard?pattern=logs-a&meta_fields=_id&meta_fields=_index": "",
		"GET /_dashboards/internal/index-pattern-management/resolve_index/logs-a":                                    "",
		console("GET", "logs-a/_search"): "", console("get", "/logs-a/_search?size=1"): `{"query":{"match_all":{}}}`,
		console("POST", "//logs-a/_search"): `{"query":{"match_all":{}}}`,
	}
	for name, change := range map[string]func(*proxy.Config){"read-only": readOnly, "policy": viewer(t)} {
		w := newWorld(t, change, nil)
		for call, body := range calls {
			before := len(w.requests())
			got := w.send(t, withBody(call, body, asJSON, "osd-xsrf: true"))
			all := w.requests()
			if !strings.HasPrefix(got, "200") || len(all) != before+1 || all[len(all)-1].body != body {
				t.Errorf("%s: %s was answered %s", name, call, got)
			}
		}
	}
	// What changes something is for those whom the policy lets.
	w := newWorld(t, viewer(t), nil)
	for call, body := range map[string]string{
		console("PUT", "notes"): `{"settings":{"number_of_shards":1}}`, console("DELETE", "notes"): "",
		console("POST", "notes/_bulk"):                         `{"index":{}}` + "\n{}\n",
		"PUT /_dashboards/api/saved_objects/dashboard/1":       `{"attributes":{}}`,
		"POST /_dashboards/api/opensearch-dashboards/settings": `{"changes":{}}`, "GET /_dashboards/goto/abc": "",
	} {
		if got := w.send(t, withBody(call, body, asJSON)); !strings.HasPrefix(got, "200") {
			t.Errorf("%s was answered %s", call, got)
		}
	}
}

// What Dashboards' server would do for its user does not get through where the user may not do it.
func TestDashboardsIsNoWayAroundReadOnlyAndAPolicy(t *testing.T) {
	t.Parallel()
	const search, proxyPath = "POST /_dashboards/internal/search/opensearch", "POST /_dashboards/api/console/proxy"
	rows := map[string]string{} // refused under both
	add := func(call, body string, headers ...string) {
		rows[strings.Join(append([]string{call, body}, headers...),
			" | ")] = withBody(call, body, append(headers, asJSON)...)
	}
	for _, inner := range []string{
		"DELETE secret", "delete secret", "POST secret/_doc", "PUT secret", "POST _bulk", "POST _aliases",
		"GET secret/_flush",
		"POST logs-a/_doc", "DELETE logs-a", "POST logs-a/_update/1", "POST logs-a/_delete_by_query", "GET logs-a/_refresh",
		"POST logs-a/_close", "POST _reindex", "PUT _cluster/settings", "GET _plugins/_security/api/roles",
		"POST /logs-a/_search/../_doc", "GET logs-a/../secret/_refresh", "POST logs-a/_search/%2e%2e/_doc",
		"POST logs-a\\..\\x/_search", "POST logs-a/_search#/x", "POST logs-a/_search;x/..", "POST %5F%62ulk",
		"POST logs-a/%5Fsearch",
		"POST logs-a /_search", "POST logs-a\t/_search", "POST logs-a\n/_search", "POST é/_search",
		"GET http://169.254.169.254/",
		"GET logs-a/_search?source={}", "GET logs-a/_search?index=secret", "TRACE /", "CONNECT /",
		"PATCH logs-a", "X-DELETE secret", "POST _scripts/x", "POST _snapshot/x/y/_restore",
		"GET logs-a/_search?search_pipeline=x",
		"POST _opendistro/_sql", "POST _plugins/_ppl", "PUT _ingest/pipeline/x", "GET _dashboards/api/status",
	} {
		method, path, _ := strings.Cut(inner, " ")
		add(console(method, path), "{}")
	}
	for _, query := range []string{
		"", "?", "?path=logs-a/_search", "?method=GET", "?path=&method=GET", "?path=logs-a/_search&method=",
		"?path=logs-a/_search&method=GET&method=DELETE", "?path=logs-a/_search&path=secret&method=DELETE",
		"?path=logs-a/_search&method=GET&dataSourceId=other", "?path=logs-a/_search&method=GET&x=1",
		"?path=logs-a/_search&method=GET;method=DELETE", "?path[]=secret&method=GET", "?uri=http://evil.example&method=GET",
		"?Path=secret&path=logs-a/_search&method=GET", "?path=logs-a/_search%00&method=GET", "?path=%zz&method=GET",
		"?path=logs-a/_search&method=G%45T%20", "?path=secret&method=GET&path", "?path=logs-a%2F..%2Fsecret&method=GET",
		"?path=logs-a%252F..%252F_bulk&method=POST", "?path=%2F..%2F..%2Fapi%2Fstatus&method=GET",
	} {
		add(proxyPath+query, "{}")
	}
	for _, call := range []string{
		"GET /_dashboards/api/console/proxy?path=logs-a/_search&method=GET",
		"PUT /_dashboards/api/console/proxy?path=x&method=GET",
		"POST /_dashboards/api/console/proxy/?path=secret&method=DELETE",
		"POST /_dashboards//api/console/proxy?path=x&method=DELETE",
		"POST /_dashboards/api/console/pro%78y?path=secret&method=DELETE",
		"POST /_dashboards/./api/console/proxy?path=x&method=GET",
		"POST /_dashboards/app/../api/console/proxy?path=secret&method=DELETE", "POST /_dashboards/app/home",
		"POST /_dashboards%2Fapi%2Fconsole%2Fproxy?path=secret&method=DELETE",
		"POST /%5Fdashboards/api/console/proxy?path=x&method=GET",
		"POST /_DASHBOARDS/api/console/proxy?path=secret&method=DELETE",
		"POST /_dashboards/API/console/proxy?path=x&method=GET",
		"POST /_dashboards;x/api/console/proxy?path=secret&method=DELETE",
		"POST /_dashboardsx/api/console/proxy?path=x&method=GET",
		"GET /_dashboards/app/..%2Fapi%2Fx", "GET /_dashboards/ui/..%2f..%2fapi",
		"POST /_plugin/kibana/api/console/proxy?path=x&method=PUT",
		"POST /_plugin/kibana/elasticsearch/x/_doc", "POST /_plugin/kibana/elasticsearch/_bulk",
		"GET /_plugin/kibana/elasticsearch/x",
		"DELETE /_plugin/kibana/elasticsearch/x/_search", "POST /_dashboards/api/sql/query",
		"POST /_dashboards/api/ppl/search",
		"POST /_dashboards/api/reporting/generateReport", "POST /_dashboards/api/ism/policies/x",
		"PUT /_dashboards/api/ism/policies/x",
		"POST /_dashboards/api/alerting/monitors", "POST /_dashboards/api/anomaly_detectors/detectors",
		"POST /_dashboards/api/v1/configuration/internalusers/x", "GET /_dashboards/api/v1/configuration/internalusers",
		"POST /_dashboards/api/home/sample_data/ecommerce", "POST /_dashboards/internal/search/other",
		"POST /_dashboards/internal/search/opensearch/1", "DELETE /_dashboards/internal/search/opensearch/1",
		"POST /_dashboards/internal/bsearch", "POST /_dashboards/api/timeline/run",
		"POST /_dashboards/api/metrics/vis/data",
		"GET /_dashboards/api/index_patterns/_fields_for_wildcard",
		"GET /_dashboards/api/index_patterns/_fields_for_wildcard?pattern=",
		"GET /_dashboards/api/index_patterns/_fields_for_wildcard?pattern=logs-a&data_source=x",
		"GET /_dashboards/api/index_patterns/_fields_for_wildcard?pattern=logs-a&pattern=secret",
		"GET /_dashboards/api/index_patterns/_fields_for_wildcard?pattern=../_flush%3f",
		"GET /_dashboards/api/index_patterns/_fields_for_time_pattern?pattern=x&look_back=1",
		"GET /_dashboards/internal/index-pattern-management/resolve_index/..%2f_flush", "OPTIONS /_dashboards/app/home",
		"PATCH /_dashboards/api/saved_objects/x/y", "TRACE /_dashboards/",
	} {
		add(call, "")
	}
	for _, path := range []string{
		"/%255Fdashboards/api/console/proxy", "/_dashboards/%2561pi/console/proxy", "/_dashboards/api%252Fconsole/proxy",
		"/_dashboards/api;x=1/console/proxy", "/_dashboards/api/console;/proxy", "/_dashboards/api/console/proxy;a=b",
		"/_dashboards/api/console/proxy%3Ba", "/_dashboards/app/..;/api/console/proxy", "/_dashboards/..%3B/x",
		"/_dashboards/app/%2e%2e%2fapi/console/proxy", "/_dashboards/app/%252e%252e/api/console/proxy",
		"/_dashboards/app/%EF%BC%8E%EF%BC%8E/api/console/proxy", "/_dashboards/app/\uff0e\uff0e/api/console/proxy",
		"/_dashboards/app/%C0%AE%C0%AE/api/console/proxy", "/_dashboards%C0%AFapi/console/proxy",
		"/_dashboards/%u0061pi/console/proxy", "/_dashboards/app/%u002e%u002e/api/console/proxy",
		"/_dashboards%E2%88%95api/console/proxy", "/_da\u017fhboard\u017f/api/console/proxy",
		"/_da%C5%BFhboards/api/console/proxy", "/%EF%BC%BFdashboards/api/console/proxy", "/_Dashboards/api/console/proxy",
		"/_dashboards/api/Console/proxy", "/_dashboards/api/console/PROXY", "/_dashboards/api/console/proxy%00",
		"/_dashboards%00/api/console/proxy", "/_dashboards/%00/../api/console/proxy", "/_dashboards/api/console/proxy%0a",
		"/_dashboards/api/console/proxy%20", "/_dashboards/api/console/proxy.", "/_dashboards/api/console/proxy%09",
		"/_dashboards/api/console/proxy%3Fpath=x", "/_dashboards/api/console/proxy%23", "/_dashboards\\api\\console\\proxy",
		"/_dashboards%5Capi%5Cconsole%5Cproxy", "/./_dashboards/api/console/proxy", "/x/../_dashboards/api/console/proxy",
		"///_dashboards/api/console/proxy", "/_dashboards/api/console/proxy//", "/api/console/proxy",
		"/s/x/_dashboards/api/console/proxy", "/_dashboards/s/x/api/console/proxy", "/_plugin/Kibana/api/console/proxy",
		"/_plugin/kibana%2Fapi/console/proxy", "/_plugin/kibana;x/api/console/proxy", "/_plugin//kibana/api/console/proxy",
		"/_plugin/_dashboards/api/console/proxy", "/_dashboards/_dashboards/api/console/proxy",
	} {
		add("POST "+path+"?path=logs-a%2F_search&method=GET", "{}")
	}
	for _, body := range []string{
		``, `{`, `[]`, `null x`, `{"params":{"index":"logs-a","method":"DELETE"}}`,
		`{"params":{"index":"logs-a","source":"{}"}}`,
		`{"params":{"index":"logs-a","_source":"{}"}}`, `{"params":{"index":"logs-a","Index":"secret"}}`,
		`{"params":{"index":"logs-a","in dex":"secret"}}`, `{"params":{"index":"logs-a","index":"secret"}}`,
		`{"params":{"index":"logs-a"},"params":{"index":"secret"}}`, `{"params":{"index":"logs-a","type":"x"}}`,
		`{"params":{"index":"logs-a"},"dataSourceId":"x"}`, `{"params":{"index":"logs-a"},"indexType":"rollup"}`,
		`{"params":{"index":"logs-a","body":"{}"}}`, `{"params":{"index":{"a":1}}}`, `{"params":{"index":"../_flush?"}}`,
		`{"params":{"index":"logs-a","__proto__":{"index":"secret"}}}`, `{"Params":{"index":"secret"}}`,
		`{"params":{"index":"logs-a","size":[1]}}`, "{\"params\":{\"index\":\"logs-\xff\"}}",
		`{"params":{"index":"a"},"id":"x"}`,
	} {
		add(search, body)
	}
	add("POST /_dashboards/internal/_msearch", `{"searches":[{"header":{"index":"logs-a"}}]}`)
	add("POST /_dashboards/internal/_msearch", `{"searches":[{"header":"{\"index\":\"x\"}","body":{}}]}`)
	add("POST /_dashboards/internal/_msearch", `{"searches":[],"other":1}`)
	add("POST /_dashboards/api/opensearch-dashboards/suggestions/values/logs-a",
		`{"field":"a","query":"b","method":"x"}`)
	add("POST /_dashboards/api/opensearch-dashboards/suggestions/values/..%2f_bulk", `{"field":"a","query":"b"}`)
	const good = `{"params":{"index":"logs-a","body":{}}}`
	rows["a form that is JSON too"] = withBody(search, good, "Content-Type: application/x-www-form-urlencoded")
	rows["a part that is JSON too"] = withBody(search, good, "Content-Type: multipart/form-data; boundary=x")
	rows["text that is JSON too"] = withBody(search, good, "Content-Type: text/plain")
	rows["encoded"] = withBody(search, good, asJSON, "Content-Encoding: gzip")
	rows["encoded as it is"] = withBody(search, good, asJSON, "Content-Encoding: identity")
	rows["too long"] = withBody(search, `{"params":{"index":"`+strings.Repeat("a", 1<<20)+`"}}`, asJSON)

	byPolicy := map[string]string{} // refused by the policy alone
	only := func(call, body string) { byPolicy[call+" | "+body] = withBody(call, body, asJSON) }
	for _, index := range []string{
		"secret", "logs-a,secret", "*", "", "logs-*", "_all", "<secret-{now/d}>",
		"x:secret",
	} {
		only(search, fmt.Sprintf(`{"params":{"index":%q,"body":{}}}`, index))
		only(search, fmt.Sprintf(`{"params":{"index":["logs-a",%q],"body":{}}}`, index+"x"))
		only("POST /_dashboards/internal/_msearch", fmt.Sprintf(`{"searches":[{"header":{"index":"logs-a"},"body":{}},`+
			`{"header":{"index":%q},"body":{}}]}`, index))
		if index != "" {
			only(console("GET", url.PathEscape(index)+"/_search"), "")
			only("GET /_dashboards/api/index_patterns/_fields_for_wildcard?pattern="+url.QueryEscape(index), "")
		}
	}
	lookup := `{"terms":{"u":{"index":"secret","id":"1","path":"x"}}}`
	only(search, `{}`)
	only(search, `{"params":null}`)
	only(search, `{"params":{"index":"logs-a","body":{"query":`+lookup+`}}}`)
	only("POST /_dashboards/internal/_msearch",
		`{"searches":[{"header":{"index":"logs-a"},"body":{"query":`+lookup+`}}]}`)
	only("POST /_dashboards/internal/_msearch",
		`{"searches":[{"header":{"index":"logs-a","indices":"secret"},"body":{}}]}`)
	only("POST /_dashboards/internal/_msearch", `{"searches":[{"header":{"index":"logs-a","__proto__":1},"body":{}}]}`)
	only("POST /_dashboards/api/opensearch-dashboards/suggestions/values/logs-a",
		`{"field":"a","query":"b","boolFilter":`+lookup+`}`)
	only("POST /_dashboards/api/opensearch-dashboards/suggestions/values/secret", `{"field":"a","query":"b"}`)
	only("POST /_dashboards/api/opensearch-dashboards/suggestions/values/logs-a,secret", `{"field":"a","query":"b"}`)
	only(console("POST", "logs-a/_search"), `{"query":`+lookup+`}`)
	only(console("POST", "@evil.example/_search"), "")
	only(console("POST", "_mget"), `{"docs":[{"_index":"secret","_id":"1"}]}`)
	only("POST /_plugin/kibana/elasticsearch/_msearch", `{"index":"secret"}`+"\n{}\n")
	only("POST /_plugin/kibana/elasticsearch/secret/_search", `{}`)
	only("GET /_dashboards/internal/index-pattern-management/resolve_index/*", "")
	byPolicy["console, encoded"] = withBody(console("POST", "logs-a/_search"), "{}", asJSON, "Content-Encoding: gzip")
	byPolicy["console, in another language"] = withBody(console("POST", "logs-a/_search"), "a: b",
		"Content-Type: application/yaml")

	byReading := map[string]string{} // refused where only reading is possible
	for _, call := range []string{
		"PUT /_dashboards/api/saved_objects/dashboard/1", "DELETE /_dashboards/api/saved_objects/dashboard/1",
		"POST /_dashboards/api/saved_objects/_import", "POST /_dashboards/api/saved_objects/_bulk_create",
		"POST /_dashboards/api/opensearch-dashboards/settings", "GET /_dashboards/goto/x",
		"POST /_dashboards/api/shorten_url",
		console("PUT", "notes"), console("DELETE", "notes"), console("POST", "notes/_bulk"), console("POST", "notes/_doc"),
	} {
		byReading[call] = withBody(call, "", asJSON)
	}
	n := 0
	for _, c := range []struct {
		name   string
		change func(*proxy.Config)
		tables []map[string]string
	}{
		{"read-only", readOnly, []map[string]string{rows, byReading}},
		{"policy", viewer(t), []map[string]string{rows, byPolicy}},
		{"both", func(c *proxy.Config) { viewer(t)(c); readOnly(c) }, []map[string]string{rows, byReading, byPolicy}},
	} {
		w := newWorld(t, c.change, listAliases)
		for _, table := range c.tables {
			for name, raw := range table {
				n++
				before := len(w.passed())
				answer := w.send(t, raw)
				if got := w.passed(); len(got) > before || strings.HasPrefix(answer, "2") {
					t.Errorf("%s: %.200s got through, and was answered %s", c.name, name, answer)
				}
			}
		}
	}
	t.Logf("%d attacks through Dashboards, 0 through", n)
	if n < 300 {
		t.Errorf("%d attacks, want 300", n)
	}
}
