package test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// group is a list of exchanges that build on each other.
type group struct {
	name      string
	exchanges []exchange
}

// same makes exchanges of requests to which both engines must give the same answer. A request is a method, a path and
// perhaps a body.
func same(requests ...string) []exchange {
	var out []exchange
	for _, r := range requests {
		method, rest, _ := strings.Cut(r, " ")
		target, body, _ := strings.Cut(rest, " ")
		out = append(out, exchange{method: method, target: target, body: body})
	}
	return out
}

// differing makes exchanges whose answers differ for a reason.
func differing(why string, requests ...string) []exchange {
	out := same(requests...)
	for i := range out {
		out[i].differs = why
	}
	return out
}

func searches(index string, bodies ...string) []exchange {
	var out []exchange
	for _, body := range bodies {
		out = append(out, exchange{method: "POST", target: "/" + index + "/_search", body: body})
	}
	return out
}

func bulks(target string, bodies ...string) []exchange {
	var out []exchange
	for _, body := range bodies {
		out = append(out, exchange{method: "POST", target: target, body: body})
	}
	return out
}

func concat(parts ...[]exchange) []exchange {
	var out []exchange
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// differences are the requests that only one version answers in another way, with the reason.
func differences(version string) map[string]string {
	const types = "version 7 had types still; here there is _doc only"
	const (
		words   = "the same refusal in other words"
		private = `PUT /_index_template/tc-neg {"index_patterns":["x-*"],"template":{"settings":{"foo":1}}}`
		passed  = "version 7 passed over unknown actions, without a word of what was lost"

		noneCounted = "version 3 shows the document, and counts none"
	)
	const oneChange = `{"index":{"_id":"1"}}` + "\n" + `{"x":1}` + "\n"
	return map[string]map[string]string{
		"3.3.0": {
			`POST /s/_search {"query":{"exists":{"field":"empty"}},"_source":false}`: noneCounted,
		},
		"2.19.1": {private: words},
		"7.10.2": {
			private: words,
			`POST /_bulk {"INDEX":{"_index":"cl-1","_id":"5"}}` + "\n" + `{"n":5}` + "\n":  passed,
			`POST /_bulk {"":{"_index":"cl-1"}}` + "\n" + `{"n":5}` + "\n":                 passed,
			`POST /_bulk {"delete":{"_index":"cl-1","_id":"5"}}` + "\n" + `{"n":5}` + "\n": words,
			"GET /cl-1/_search?from=-1 ":   "version 7 took -1 for nothing said",
			`PUT /dt/_doc/2 {"a":-1}`:      "version 7 took no number before 1970",
			"GET /a/b/c ":                  types,
			`PUT /c/log/1 {"x":1}`:         types,
			`GET /c/log/1 `:                types,
			"POST /a/t/_bulk " + oneChange: types,
			`POST /_bulk {"index":{"_index":"a","_type":"x"}}` + "\n{}\n":                types,
			`POST /_bulk {"foo":{"_index":"a","_id":"1"}}` + "\n{}\n":                    passed,
			`POST /_bulk {"index":{"_index":"a","_id":"1"}}` + "\n\n" + `{"x":1}` + "\n": passed,
			`PUT /m/_doc/1 {".":1}`: "version 7 answers with an error of its own code",
		},
	}[version]
}

// exchanges are all exchanges for a version. Version 7 has no unsigned numbers.
func exchanges(version string) []group {
	all := groups()
	if version != "7.10.2" {
		return all
	}
	for i := range all {
		var kept []exchange
		for _, x := range all[i].exchanges {
			x.body = strings.ReplaceAll(x.body, `"u":{"type":"unsigned_long"},`, "")
			x.body = strings.ReplaceAll(x.body, `"u":18446744073709551615,`, "")
			x.body = strings.ReplaceAll(x.body, `,"u":5`, "")
			if !strings.Contains(x.body, `"u"`) {
				kept = append(kept, x)
			}
		}
		all[i].exchanges = kept
	}
	return all
}

func groups() []group {
	return []group{
		{"indexes", indexExchanges()},
		{"mappings", mappingExchanges()},
		{"documents", documentExchanges()},
		{"content types", contentTypeExchanges()},
		{"clients", clientExchanges()},
		{"bulk", bulkExchanges()},
		{"templates", templateExchanges()},
		{"search", searchExchanges()},
		{"aggregations", aggregationExchanges()},
		{"random", randomExchanges()},
		{"tables", tableExchanges()},
	}
}

func indexExchanges() []exchange {
	return same(
		"GET /",
		"PUT /a",
		"PUT /a",
		"PUT /A",
		"PUT /_x",
		"PUT /-x",
		"PUT /a%20b",
		"PUT /a,b",
		"PUT /%2e%2e",
		"PUT /a%23b",
		"PUT /a:b",
		"PUT /"+strings.Repeat("x", 256),
		"HEAD /a",
		"HEAD /none",
		"GET /none",
		"GET /a",
		"DELETE /none",
		"GET /a/_mapping",
		"GET /none/_mapping",
		"GET /none-*/_mapping",
		"GET /a/_settings",
		`PUT /b {"foo":1}`,
		`PUT /b {"settings":{"number_of_shards":3,"index.number_of_replicas":0,"refresh_interval":"5s"},`+
			`"mappings":{"dynamic":"strict","properties":{"a":{"type":"text","fields":{"raw":{"type":"keyword",`+
			`"ignore_above":10}}}}},"aliases":{"al":{}}}`,
		"GET /b",
		"GET /al",
		"GET /b/_alias",
		`PUT /b/_doc/1 {"b":1}`,
		`PUT /b/_doc/1 {"o":{"b":1}}`,
		`PUT /al/_doc/1 {"a":"x"}`,
		`GET /al/_doc/1`,
		`PUT /c {"settings":{"number_of_shards":0}}`,
		`PUT /c {"settings":{"number_of_shards":"x"}}`,
		`PUT /c {"settings":{"foo":0}}`,
		`PUT /c {"mappings":{"_doc":{"properties":{"a":{"type":"text"}}}}}`,
		`PUT /c {"mappings":{"properties":{"a":{"type":"foo"}}}}`,
		`PUT /c {"settings":{"index":{"mapping":{"total_fields":{"limit":3}}}}}`,
		`PUT /c/_doc/1 {"a":1,"b":2,"c":3}`,
		`PUT /c/_doc/2 {"a":1,"d":2}`,
		`PUT /c/_doc/3 {"a":1,"b":"x"}`,
		"GET /c/_mapping",
		"POST /a/_refresh",
		"POST /a/_flush",
		"POST /none/_refresh",
		"POST /_refresh",
		"DELETE /al",
		"DELETE /b,c",
		"GET /a,b",
		"GET /a,b?ignore_unavailable=true",
		"GET /x*?allow_no_indices=false",
		"DELETE /a",
		"PATCH /a",
		"PUT /_search",
		"GET /a/b/c",
		"GET /_cluster/health?foo=1",
		`PUT /flat {"settings":{"index":{"auto_expand_replicas":"0-1"}},"mappings":{"dynamic":"maybe"}}`,
		`PUT /flat {"settings":{"index":{"auto_expand_replicas":"0-1"}}}`,
		"GET /flat/_settings?flat_settings=true",
		"PUT /%3Cdated-%7B2015.05%7C%7C%2FM%7Byyyy.MM%7D%7D%3E/_doc/1 {}",
		"GET /%3Cdated-%7B2015.05%7C%7C%2FM%7Byyyy.MM%7D%7D%3E/_mapping",
		"GET /%3Cdated-%7B2015.05.13%7C%7C%2Fd%7D%3E/_search",
		"GET /%3Cdated-%7Bnow/_search",
		"GET /%3Cdated-%7Bnow%2Fx%7D%3E/_search",
		"DELETE /flat,dated-*",
	)
}

func mappingExchanges() []exchange {
	return concat(same(
		`PUT /m {"mappings":{"properties":{"n":{"type":"long"},"int":{"type":"integer"},"by":{"type":"byte"},`+
			`"k":{"type":"keyword"},"d":{"type":"date"},"b":{"type":"boolean"},"i":{"type":"ip"},`+
			`"o":{"properties":{"x":{"type":"integer"}}},"s":{"type":"short"},"f":{"type":"float"},"db":{"type":"double"},`+
			`"sf":{"type":"scaled_float","scaling_factor":100},"ne":{"type":"nested"},"t":{"type":"text"},`+
			`"dm":{"type":"date","format":"yyyy/MM/dd HH:mm:ss||epoch_second"},"im":{"type":"long","ignore_malformed":true},`+
			`"nc":{"type":"integer","coerce":false},"u":{"type":"unsigned_long"},"off":{"type":"object","enabled":false},`+
			`"nul":{"type":"keyword","null_value":"NONE"},"lo":{"type":"keyword","normalizer":"lowercase"}}}}`,
		"GET /m/_mapping",
		`PUT /m/_doc/1 {"n":"abc"}`,
		`PUT /m/_doc/1 {"n":{"a":1}}`,
		`PUT /m/_doc/1 {"n":99999999999999999999}`,
		`PUT /m/_doc/1 {"n":"99999999999999999999"}`,
		`PUT /m/_doc/1 {"n":1.5}`,
		`PUT /m/_doc/1 {"n":"1.5"}`,
		`PUT /m/_doc/1 {"n":1e3}`,
		`PUT /m/_doc/1 {"n":true}`,
		`PUT /m/_doc/1 {"n":[1,"x"]}`,
		`PUT /m/_doc/1 {"n":[[1],[2,[3]]]}`,
		`PUT /m/_doc/1 {"n":""}`,
		`PUT /m/_doc/1 {"n":" 7 "}`,
		`PUT /m/_doc/1 {"s":70000}`,
		`PUT /m/_doc/1 {"s":"70000"}`,
		`PUT /m/_doc/1 {"int":3000000000}`,
		`PUT /m/_doc/1 {"int":"3000000000"}`,
		`PUT /m/_doc/1 {"by":300}`,
		`PUT /m/_doc/1 {"nc":1.5}`,
		`PUT /m/_doc/1 {"u":18446744073709551615}`,
		`PUT /m/_doc/1 {"u":18446744073709551616}`,
		`PUT /m/_doc/1 {"u":-1}`,
		`PUT /m/_doc/1 {"f":"x"}`,
		`PUT /m/_doc/1 {"f":1e39}`,
		`PUT /m/_doc/1 {"db":"NaN"}`,
		`PUT /m/_doc/1 {"db":true}`,
		`PUT /m/_doc/1 {"sf":1.239}`,
		`PUT /m/_doc/1 {"d":"nodate"}`,
		`PUT /m/_doc/1 {"d":{"x":1}}`,
		`PUT /m/_doc/1 {"d":true}`,
		`PUT /m/_doc/1 {"d":"2015-05-13"}`,
		`PUT /m/_doc/1 {"d":"2015-05"}`,
		`PUT /m/_doc/1 {"d":"2015"}`,
		`PUT /m/_doc/1 {"d":2015}`,
		`PUT /m/_doc/1 {"d":1431560383945}`,
		`PUT /m/_doc/1 {"d":"1431560383945"}`,
		`PUT /m/_doc/1 {"d":1431560383945.5}`,
		`PUT /m/_doc/1 {"d":"2015-05-13T"}`,
		`PUT /m/_doc/1 {"d":"2015-05-13T10"}`,
		`PUT /m/_doc/1 {"d":"2015-05-13T10:20"}`,
		`PUT /m/_doc/1 {"d":"2015-05-13T10:20:30,123456789+0200"}`,
		`PUT /m/_doc/1 {"d":"2015-05-13T10:20:30.1234567891Z"}`,
		`PUT /m/_doc/1 {"d":"2015-05-13Z"}`,
		`PUT /m/_doc/1 {"d":"2015-5-3"}`,
		`PUT /m/_doc/1 {"d":"2015-02-30"}`,
		`PUT /m/_doc/1 {"d":"2015-05-13T25:00:00Z"}`,
		`PUT /m/_doc/1 {"d":"2015-05-13 10:20:30"}`,
		`PUT /m/_doc/1 {"dm":"2015/05/13 10:20:30"}`,
		`PUT /m/_doc/1 {"dm":1431560383}`,
		`PUT /m/_doc/1 {"dm":"2015-05-13"}`,
		`PUT /m/_doc/1 {"b":"yes"}`,
		`PUT /m/_doc/1 {"b":1}`,
		`PUT /m/_doc/1 {"b":""}`,
		`PUT /m/_doc/1 {"b":"true"}`,
		`PUT /m/_doc/1 {"i":"1.2.3"}`,
		`PUT /m/_doc/1 {"i":"::ffff:1.2.3.4"}`,
		`PUT /m/_doc/1 {"o":1}`,
		`PUT /m/_doc/1 {"o":"str"}`,
		`PUT /m/_doc/1 {"o":null}`,
		`PUT /m/_doc/1 {"o":[{"x":1},{"x":2}]}`,
		`PUT /m/_doc/1 {"o":[1]}`,
		`PUT /m/_doc/1 {"o.x":5}`,
		`PUT /m/_doc/1 {"o.x":"str"}`,
		`PUT /m/_doc/1 {"o.x.y":5}`,
		`PUT /m/_doc/1 {"k":{"a":1}}`,
		`PUT /m/_doc/1 {"k":[1,true,null,2.50]}`,
		`PUT /m/_doc/1 {"t":{"a":1}}`,
		`PUT /m/_doc/1 {"t":[{"a":1}]}`,
		`PUT /m/_doc/1 {"im":"abc"}`,
		`PUT /m/_doc/1 {"off":{"a":{"b":[1,"x",{"c":2}]}}}`,
		`PUT /m/_doc/1 {"ne":[{"q":1},{"q":2}]}`,
		`PUT /m/_doc/1 {"a":1,"a":2}`,
		`PUT /m/_doc/1 {"a":{"b":1,"b":2}}`,
		`PUT /m/_doc/1 {"a":1`,
		`PUT /m/_doc/1 {"a":}`,
		`PUT /m/_doc/1 {"a"}`,
		`PUT /m/_doc/1 {a:1}`,
		`PUT /m/_doc/1 {"a":tru}`,
		`PUT /m/_doc/1 {"a":01}`,
		`PUT /m/_doc/1 {"a":1,}`,
		`PUT /m/_doc/1 {"a":[1,]}`,
		`PUT /m/_doc/1 {"a":"x`,
		`PUT /m/_doc/1 {"a":"\x"}`,
		`PUT /m/_doc/1 {"z":1}}`,
		"PUT /m/_doc/1 {\"a\":\"x\ty\"}",
		`PUT /m/_doc/1 {"z":1} trailing`,
		`PUT /m/_doc/1 [1]`,
		`PUT /m/_doc/1 "x"`,
		`PUT /m/_doc/1 xx`,
		`PUT /m/_doc/1`,
		`PUT /m/_doc/1 {}`,
		`PUT /m/_doc/1 {"":1}`,
		`PUT /m/_doc/1 {".":1}`,
		`PUT /m/_doc/1 {"a.":1}`,
		`PUT /m/_doc/1 {".a":1}`,
		`PUT /m/_doc/1 {"a..b":1}`,
		`PUT /m/_doc/1 {"x. .y":1}`,
		`PUT /m/_doc/1 {" ":1}`,
		`PUT /m/_doc/1 {"_id":1}`,
		`PUT /m/_doc/1 {"_source":1}`,
		`PUT /m/_doc/1 {"_foo":1}`,
		`PUT /m/_doc/1 {"k":"`+strings.Repeat("x", 33000)+`"}`,
		`PUT /m/_doc/1 {"fresh":"`+strings.Repeat("y ", 20000)+`"}`,
		"GET /m/_mapping",
		`PUT /dyn/_doc/1 {"s":"text","n":1,"f":1.5,"b":true,"d":"2015-05-13T10:20:30Z","d2":"2015/05/13","d3":"2015/05/13 `+
			`10:20:30","num":"123","year":"2015","ym":"2015-05","nul":null,"empty":[],"o":{"p":{"q":"x"}},"a.b.c":1,`+
			`"arr":[{"x":1},{"y":"z"}]}`,
		"GET /dyn/_mapping",
		`PUT /dyn/_doc/1 {"n":1.5,"f":2,"o":{"p":3}}`,
		`PUT /dyn/_doc/1 {"s":{"x":1}}`,
		`PUT /dyn/_doc/1 {"big":99999999999999999999}`,
		`PUT /dyn/_doc/2 {"late":{},"late2":{"x":[]}}`,
		`PUT /mixed/_doc/1 {"f":[1,1.5]}`,
		`PUT /mixed/_doc/1 {"f":["2015-05-13","abc"]}`,
		`PUT /mixed/_doc/1 {"f":[{"a":1},5]}`,
		`PUT /mixed/_doc/1 {"f":[5,{"a":1}]}`,
		`PUT /mixed/_doc/1 {"f":[true,"x"]}`,
		`PUT /mixed/_doc/1 {"f":["x",true]}`,
		`PUT /mixed/_doc/1 {"f":[null,1,null]}`,
		`GET /mixed/_mapping`,
		"GET /dyn/_mapping",
		`PUT /m/_mapping {"properties":{"n":{"type":"keyword"}}}`,
		`PUT /m/_mapping {"properties":{"w":{"type":"keyword"}}}`,
		`PUT /m/_mapping {"properties":{"w":{"type":"foo"}}}`,
		`PUT /m/_mapping {"properties":{"v":{"type":"keyword","foo":1}}}`,
		`PUT /m/_mapping {"properties":{"o":{"type":"keyword"}}}`,
		`PUT /m/_mapping {"properties":{"k":{"properties":{"x":{"type":"long"}}}}}`,
		`PUT /m/_mapping {"properties":{"k":{"type":"keyword","index":false}}}`,
		`PUT /m/_mapping {"properties":{"k":{"type":"keyword","ignore_above":5}}}`,
		`PUT /m/_mapping {"properties":{"t":{"type":"text","fields":{"raw":{"type":"keyword"}}}}}`,
		`PUT /m/_mapping {"foo":{"v":{"type":"keyword"}}}`,
		`PUT /m/_mapping`,
		`PUT /m/_mapping {"properties":{"v":"keyword"}}`,
		`PUT /m/_mapping {"properties":{"v":{}}}`,
		`PUT /m/_mapping {"properties":{"a.b.c":{"type":"long"}}}`,
		`PUT /m/_mapping {"dynamic":"false"}`,
		`PUT /m/_doc/9 {"brandnew":1}`,
		"GET /m/_mapping",
		`PUT /tm {"mappings":{"dynamic_templates":[{"strings":{"match_mapping_type":"string","match":"*_k",`+
			`"mapping":{"type":"keyword"}}},{"named":{"path_match":"o.*","mapping":{"type":"{dynamic_type}",`+
			`"index":false}}}],"date_detection":false,"numeric_detection":true}}`,
		`PUT /tm/_doc/1 {"a_k":"x","b":"x","d":"2015-05-13","n":"12","f":"1.5","o":{"z":1}}`,
		"GET /tm/_mapping",
		`PUT /deep/_doc/1 `+strings.Repeat(`{"a":`, 21)+"1"+strings.Repeat("}", 21),
		`PUT /deep/_doc/1 `+strings.Repeat(`{"a":`, 20)+"1"+strings.Repeat("}", 20),
		`PUT /many/_doc/1 `+manyFields(1001),
		`PUT /many/_doc/1 `+manyFields(1000),
	))
}

func manyFields(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"f`)
		for d := 1000; d > 0; d /= 10 {
			b.WriteByte(byte('0' + i/d%10))
		}
		b.WriteString(`":1`)
	}
	return "{" + b.String()[1:] + "}"
}

func documentExchanges() []exchange {
	return same(
		`PUT /c/_doc/1 {"x":1}`,
		`PUT /c/_create/1 {"x":1}`,
		`PUT /c/_doc/1?op_type=create {"x":1}`,
		`PUT /c/_doc/1?op_type=foo {"x":1}`,
		`POST /c/_doc {"x":"s"}`,
		`POST /c/_doc {"x":2}`,
		"GET /c/_doc/1",
		"GET /c/_doc/none",
		"HEAD /c/_doc/none",
		"HEAD /c/_doc/1",
		"GET /none/_doc/1",
		"GET /c/_source/1",
		"GET /c/_source/none",
		"HEAD /c/_source/1",
		"GET /c/_doc/1?_source=false",
		"GET /c/_doc/1?_source_includes=y",
		"GET /c/_doc/1?foo=1",
		"DELETE /c/_doc/none",
		"DELETE /none/_doc/1",
		`POST /c/_update/1 {"doc":{"y":{"z":1}}}`,
		`POST /c/_update/1 {"doc":{"y":{"z":1}}}`,
		`POST /c/_update/1 {"doc":{"y":{"z":1}},"detect_noop":false}`,
		`POST /c/_update/none {"doc":{"y":1}}`,
		`POST /c/_update/none {"doc":{"y":{"a":1}},"doc_as_upsert":true}`,
		`POST /c/_update/none2 {"upsert":{"y":{"a":1}},"doc":{"q":1}}`,
		`POST /c/_update/1 {}`,
		`POST /c/_update/1 {"foo":1}`,
		`POST /c/_update/1`,
		`POST /c/_update/1?_source=true {"doc":{"y":{"k":[1,2]}}}`,
		`POST /c/_update/1 {"doc":{"x":"bad"}}`,
		`POST /newidx/_update/1 {"doc":{"y":1}}`,
		`POST /c/_mget {"ids":["1","none","nope"]}`,
		`POST /_mget {"docs":[{"_index":"c","_id":"1","_source":["x"]},{"_index":"nope","_id":"1"}]}`,
		`POST /_mget {"docs":[{"_id":"1"}]}`,
		`POST /_mget {"ids":["1"]}`,
		`POST /_mget {}`,
		`POST /_mget`,
		`PUT /c/_doc {"x":1}`,
		`POST /c/_doc/1/_update {"doc":{"x":1}}`,
		`PUT /c/log/1 {"x":1}`,
		`GET /c/log/1`,
		`PUT /c/_doc/9?version=5&version_type=external {"x":1}`,
		`PUT /c/_doc/9?version=5&version_type=external {"x":1}`,
		`PUT /c/_doc/9?version=5&version_type=external_gte {"x":1}`,
		`PUT /c/_doc/9?if_seq_no=0&if_primary_term=1 {"x":1}`,
		`PUT /c/_doc/new?if_seq_no=0&if_primary_term=1 {"x":1}`,
		`PUT /c/_doc/9?version=5 {"x":1}`,
		`PUT /c/_doc/9?refresh=foo {"x":1}`,
		`PUT /c/_doc/9?refresh=true {"x":1}`,
		`PUT /c/_doc/9?refresh=wait_for {"x":1}`,
		"DELETE /c/_doc/9",
		"DELETE /c/_doc/9",
		`PUT /c/_doc/9 {"x":1}`,
		`PUT /c/_doc/9?pipeline=x {"x":1}`,
		`PUT /c/_doc/9?routing=x&timeout=1m&wait_for_active_shards=1 {"x":1}`,
		"GET /c/_doc/9?routing=x",
		`PUT /c/_doc/`+strings.Repeat("x", 513)+` {"x":1}`,
		`PUT /C/_doc/1 {"x":1}`,
		`PUT /c/_doc/%C3%A9%2F%20+ {"x":1}`,
		`GET /c/_doc/%C3%A9%2F%20+`,
		"POST /c/_refresh",
		"GET /c/_count",
		"GET /none/_count",
		"GET /c/_count?q=x:1",
		`POST /c/_count {"query":{"foo":{}}}`,
		`POST /c/_count {"size":1}`,
		`POST /c/_delete_by_query?refresh=true {"query":{"term":{"x":1}}}`,
		`POST /c/_delete_by_query {}`,
		`POST /c/_delete_by_query`,
		"GET /c/_count",
		"GET /c/_doc/1?pretty",
		`PUT /c/_doc/v {"x":1}`,
		"GET /c/_doc/v?version=1",
		"GET /c/_doc/v?version=7",
		"GET /c/_doc/v?version=x",
	)
}

func bulkExchanges() []exchange {
	return concat(
		bulks("/_bulk",
			"",
			`{"index":{"_index":"a","_id":"1"}}`+"\n"+`{"x":1}`,
			`{"index":{"_index":"a","_id":"1"}}`+"\n"+`{"x":1}`+"\n",
			`{"create":{"_index":"a","_id":"1"}}`+"\n"+`{"x":1}`+"\n"+`{"delete":{"_index":"a","_id":"nope"}}`+"\n"+
				`{"delete":{"_index":"a","_id":"1"}}`+"\n"+`{"create":{"_index":"a","_id":"1"}}`+"\n"+`{"x":1}`+"\n"+
				`{"update":{"_index":"a","_id":"1"}}`+"\n"+`{"doc":{"x":1}}`+"\n"+`{"update":{"_index":"a","_id":"1"}}`+"\n"+
				`{"doc":{"x":2}}`+"\n"+`{"update":{"_index":"a","_id":"zz"}}`+"\n"+`{"doc":{"x":2}}`+"\n",
			`{"index":{"_index":"a","_id":"1"}}`+"\n",
			`{"foo":{"_index":"a","_id":"1"}}`+"\n{}\n",
			`{"index":{"_index":"a","_foo":"1"}}`+"\n{}\n",
			`{"index":{"_index":"a","_type":"x"}}`+"\n{}\n",
			`{"index":"a"}`+"\n{}\n",
			`{"index":{"_index":"a"},"x":1}`+"\n{}\n",
			`{"index":{"_index":["a"]}}`+"\n{}\n",
			`{"index":{"_index":{"a":1}}}`+"\n{}\n",
			`["index"]`+"\n{}\n",
			"{}\n{}\n",
			"1\n{}\n",
			`{"index":{}}`+"\n{}\n",
			`{"index":{"_index":"a","_id":""}}`+"\n"+`{"x":1}`+"\n",
			`{"index":{"_index":"a","_id":1}}`+"\n"+`{"x":1}`+"\n",
			`{"index":{"_index":"a","_id":null}}`+"\n"+`{"x":1}`+"\n",
			`{"index":{"_index":"A","_id":"1"}}`+"\n"+`{"x":1}`+"\n",
			`{"index":{"_index":"a","_id":"1"}}`+"\n"+`{"x":1`+"\n",
			`{"index":{"_index":"a","_id":"1"}}`+"\n"+`{"x":1}}`+"\n",
			`{"index":{"_index":"a","_id":"1"}}`+"\n\n"+`{"x":1}`+"\n",
			`{"index":{"_index":"a","_id":"1"}}`+"\n[]\n",
			"\n"+`{"index":{"_index":"a","_id":"1"}}`+"\n"+`{"x":1}`+"\n",
			"garbage\n",
			`{"index":{"_index":"a","_id":"1"}}`+"\n"+`{"x":"str"}`+"\n"+`{"delete":{"_index":"gone","_id":"1"}}`+"\n"+
				`{"create":{"_index":"a","_id":null}}`+"\n"+`{"x":3}`+"\n",
			`{"update":{"_index":"a","_id":"1"}}`+"\n"+`{"foo":{"x":2}}`+"\n",
			`{"update":{"_index":"a","_id":"1"}}`+"\n{}\n",
			`{"update":{"_index":"a"}}`+"\n"+`{"doc":{}}`+"\n"+`{"delete":{"_index":"a"}}`+"\n",
			`{"update":{"_index":"a","_id":"1","retry_on_conflict":3}}`+"\n"+`{"doc":{"y":2},"_source":true}`+"\n"+
				`{"update":{"_index":"a","_id":"u1"}}`+"\n"+`{"doc":{"y":2},"doc_as_upsert":true}`+"\n"+
				`{"update":{"_index":"a","_id":"u2"}}`+"\n"+`{"doc":{"y":2},"upsert":{"q":1}}`+"\n",
			`{"index":{"_index":"a","_id":"1","version":1,"version_type":"external"}}`+"\n"+`{"x":1}`+"\n"+
				`{"index":{"_index":"a","_id":"1","if_seq_no":1,"if_primary_term":1}}`+"\n"+`{"x":1}`+"\n",
			`{"index":{"_index":"a","_id":"`+strings.Repeat("x", 513)+`"}}`+"\n"+`{"x":1}`+"\n",
			`{"create":{"_index":"a","_id":"k","routing":"r","pipeline":"none"}}`+"\n"+`{"x":1}`+"\n",
			`{"index":{"_index":"a","_id":"1"}}`+"\r\n"+`{"x":1}`+"\r\n",
			`{"delete":{"_index":"a","_id":"1"}}`+"\n"+`{"index":{"_index":"a"}}`+"\n",
			`{"index":{"_index":"a","_id":"dd"}}`+"\n"+`{"p":1,"p":2}`+"\n",
			`{"index":{"_index":"a","_id":"dd"}}`+"\n"+`{"x":"abc"}`+"\n"+`{"index":{"_index":"a,b","_id":"dd"}}`+"\n"+`{"x":1}`+
				"\n",
			`{"index":{"_index":"a","_id":"big"}}`+"\n"+`{"k":"`+strings.Repeat("k", 40000)+`"}`+"\n",
			`{"index":{"_index":"new-1","_id":"1"}}`+"\n"+`{"x":1}`+"\n"+`{"index":{"_index":"new-2","_id":"1"}}`+"\n"+`{"x":1}`+
				"\n"+`{"index":{"_index":"new-1","_id":"2"}}`+"\n"+`{"x":1}`+"\n",
		),
		bulks("/a/_bulk?refresh=true", `{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"),
		bulks("/a/_bulk?pipeline=foo", `{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"),
		bulks("/a/_bulk?require_alias=true", `{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"),
		bulks("/a/_bulk?foo=1", `{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"),
		bulks("/a/_bulk?refresh=xx", `{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"),
		bulks("/a/t/_bulk", `{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"),
		bulks("/a/_bulk?filter_path=took,errors,items.*._id,items.*.status,items.*.error",
			`{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"+`{"index":{"_id":"2"}}`+"\n"+`{"x":"a"}`+"\n"),
		bulks("/a/_bulk?filter_path=-took,items.*.error",
			`{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"+`{"index":{"_id":"2"}}`+"\n"+`{"x":"a"}`+"\n"),
		bulks("/a/_bulk?filter_path=-took,-items.*._shards,-items.index._seq_no",
			`{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"),
		bulks("/a/_bulk?filter_path=errors,**.reason", `{"index":{"_id":"2"}}`+"\n"+`{"x":"a"}`+"\n"),
		bulks("/a/_bulk?filter_path=items.*.error", `{"index":{"_id":"1"}}`+"\n"+`{"x":1}`+"\n"),
	)
}

func templateExchanges() []exchange {
	return same(
		`PUT /_index_template/t1 {"index_patterns":["tt-*"],"priority":10,"composed_of":["c1"]}`,
		`PUT /_component_template/c1 {"template":{"mappings":{"properties":{"cc":{"type":"keyword"}}}}}`,
		`PUT /_index_template/t1 {"index_patterns":["tt-*"],"priority":10,"template":{"settings":{"number_of_shards":2},`+
			`"mappings":{"properties":{"amount":{"type":"double"}}},"aliases":{"als":{}}},"composed_of":["c1"]}`,
		`PUT /_index_template/t2 {"index_patterns":["tt-*"],"priority":10,"template":{}}`,
		`PUT /_index_template/t2 {"index_patterns":["tt-*"],"priority":5,"template":{"settings":{"number_of_replicas":0}}}`,
		`PUT /_index_template/t3 {"index_patterns":"tx*"}`,
		`PUT /_index_template/t4 {"template":{}}`,
		`PUT /_index_template/t4 {"index_patterns":["x"],"foo":1}`,
		`PUT /_index_template/t4 {"index_patterns":["x"],"template":{"foo":1}}`,
		`PUT /_index_template/t4 {"index_patterns":["x"],"template":{"mappings":{"properties":{"a":{"type":"foo"}}}}}`,
		`PUT /_index_template/t5`,
		`GET /_index_template/t1`,
		`GET /_index_template`,
		`GET /_index_template/t*`,
		`GET /_index_template/none`,
		`HEAD /_index_template/none`,
		`HEAD /_index_template/t1`,
		`DELETE /_index_template/none`,
		`GET /_component_template/c1`,
		`GET /_component_template`,
		`GET /_component_template/none`,
		`HEAD /_component_template/none`,
		`DELETE /_component_template/c1`,
		`DELETE /_component_template/none`,
		`PUT /_component_template/c2 {"foo":1}`,
		`PUT /_component_template/c2 {}`,
		`PUT /_template/l1 {"index_patterns":["lg-*"],"order":1,"settings":{"number_of_replicas":0},`+
			`"mappings":{"properties":{"z":{"type":"keyword"}}}}`,
		`PUT /_template/l2 {"template":"lg-*","settings":{"number_of_replicas":1,"refresh_interval":"3s"},`+
			`"mappings":{"properties":{"y":{"type":"keyword"}}}}`,
		`PUT /_template/l3 {"settings":{"number_of_replicas":0}}`,
		`GET /_template/l1`,
		`GET /_template`,
		`GET /_template/none`,
		`HEAD /_template/none`,
		`DELETE /_template/none`,
		`PUT /lg-1/_doc/1 {"z":"x"}`,
		`GET /lg-1`,
		`PUT /tt-1/_doc/1 {"cc":"x"}`,
		`GET /tt-1`,
		`PUT /tt-2 {"settings":{"number_of_shards":1},"mappings":{"properties":{"amount":{"type":"long"}}}}`,
		`PUT /tt-2 {"settings":{"number_of_shards":1},"mappings":{"properties":{"more":{"type":"long"}}}}`,
		`GET /tt-2`,
		`GET /als/_mapping`,
		`PUT /_index_template/t1?create=true {"index_patterns":["tt-*"]}`,
		`DELETE /_template/l1,l2`,
		`DELETE /_template/l1`,
		`DELETE /_template/l2`,
		`DELETE /_index_template/t1`,
		`DELETE /_index_template/t2,t3`,
		`DELETE /_component_template/c1`,
		`POST /_index_template/t1 {}`,
		`DELETE /tt-1,tt-2,lg-1`,
	)
}

// searchDocuments are what the searches find.
func searchDocuments() []exchange {
	return concat(
		same(`PUT /s {"settings":{"number_of_shards":1},"mappings":{"properties":{"k":{"type":"keyword"},`+
			`"ip":{"type":"ip"},"sf":{"type":"scaled_float","scaling_factor":100},"u":{"type":"unsigned_long"},`+
			`"noidx":{"type":"keyword","index":false},"nodv":{"type":"keyword","doc_values":false},"lo":{"type":"keyword",`+
			`"normalizer":"lowercase"},"h":{"type":"half_float"}}}}`),
		bulks("/_bulk?refresh=true",
			`{"index":{"_index":"s","_id":"1"}}`+"\n"+
				`{"t":"The quick brown fox","k":"alpha","n":1,"d":"2015-05-13T23:39:43.945958Z","b":true,"f":1.5,"arr":[1,1,2],`+
				`"ip":"10.0.0.1","sf":1.239,"u":18446744073709551615,"o":{"p":"deep"},"lo":"MiXed","h":0.1,"noidx":"x","nodv":"y"}`+
				"\n"+
				`{"index":{"_index":"s","_id":"2"}}`+"\n"+
				`{"t":"quick quick dog","k":"beta","n":2,"d":"2015-05-14T01:00:00Z","b":false,"f":2.25,"ip":"10.0.1.1",`+
				`"tags":["red","blue"]}`+"\n"+
				`{"index":{"_index":"s","_id":"3"}}`+"\n"+
				`{"t":"lazy dog sleeps","k":"alpha","n":30,"d":"2015-05-14","f":3,"ip":"2001:db8::1","tags":["red"]}`+"\n"+
				`{"index":{"_index":"s","_id":"4"}}`+"\n"+
				`{"t":["first value","second value quick"],"k":"gamma_ray","n":-4,"d":"2015-06-01T00:00:00+02:00","u":5,`+
				`"empty":"","nul":null}`+"\n"+
				`{"index":{"_index":"s","_id":"5"}}`+"\n"+
				`{"t":"GET /a/b_c.html?x=1,000.5 user@example.com don't 127.0.0.1 foo:bar Ünïcödé 東京 €5",`+
				`"n":9007199254740993,"k":"Ünï"}`+"\n"),
	)
}

func searchExchanges() []exchange {
	return concat(searchDocuments(),
		same(
			"GET /s/_search?q=quick&size=1",
			"GET /s/_search?q=t:quick&sort=n:desc&_source=n",
			"GET /s/_search?size=abc",
			"GET /s/_search?foo=abc",
			"GET /none/_search",
			"GET /none*/_search",
			"GET /none/_search?ignore_unavailable=true",
			"GET /s/_search?size=0",
			"GET /s/_search?rest_total_hits_as_int=true&size=0",
			"GET /s/_search?filter_path=hits.total",
			"GET /s/_search?filter_path=hits.hits._source.n&size=2",
			"GET /s/_search?track_total_hits=2&size=0",
			"GET /s/_search?version=true&seq_no_primary_term=true&size=1",
			"GET /s/_count?q=t:dog",
			"GET /s/_search?q=k:alpha+AND+n:30&_source=false",
			"GET /s/_search?q=t:(quick+dog)&default_operator=AND&_source=false",
		),
		searches("s",
			``,
			`{}`,
			`{"query":{"match_all":{"boost":2}},"size":1}`,
			`{"query":{"match_none":{}}}`,
			`{"query":{"match":{"t":"quick dog"}}}`,
			`{"query":{"match":{"t":{"query":"quick dog","operator":"and"}}}}`,
			`{"query":{"match":{"t":{"query":"quick dog fox","minimum_should_match":2}}},"_source":false}`,
			`{"query":{"match":{"t":{"query":"quick dog fox","minimum_should_match":"75%"}}},"_source":false}`,
			`{"query":{"match":{"t":{"query":"quick","boost":3}}},"_source":false}`,
			`{"query":{"match":{"t":""}},"_source":false}`,
			`{"query":{"match":{"t":{"query":"","zero_terms_query":"all"}}},"_source":false}`,
			`{"query":{"match":{"n":30}},"_source":false}`,
			`{"query":{"match":{"n":"abc"}},"_source":false}`,
			`{"query":{"match":{"n":{"query":"abc","lenient":true}}},"_source":false}`,
			`{"query":{"match":{"k":"alpha"}},"_source":false}`,
			`{"query":{"match":{"nofield":"alpha"}},"_source":false}`,
			`{"query":{"match":{"d":"2015-05-14"}},"_source":false}`,
			`{"query":{"match":{"b":true}},"_source":false}`,
			`{"query":{"match_phrase":{"t":"quick brown"}},"_source":false}`,
			`{"query":{"match_phrase":{"t":"brown quick"}},"_source":false}`,
			`{"query":{"match_phrase":{"t":{"query":"quick fox","slop":1}}},"_source":false}`,
			`{"query":{"match_phrase":{"t":{"query":"the fox","slop":2}}},"_source":false}`,
			`{"query":{"match_phrase":{"t":"value second"}},"_source":false}`,
			`{"query":{"match_phrase":{"t":"quick quick"}},"_source":false}`,
			`{"query":{"match_phrase":{"k":"alpha"}},"_source":false}`,
			`{"query":{"multi_match":{"query":"quick alpha","fields":["t","k"]}},"_source":false}`,
			`{"query":{"multi_match":{"query":"quick alpha","fields":["t^3","k"],"tie_breaker":0.5}},"_source":false}`,
			`{"query":{"multi_match":{"query":"quick","fields":["t","tags"],"type":"most_fields"}},"_source":false}`,
			`{"query":{"multi_match":{"query":"quick brown","fields":["t","k"],"type":"phrase"}},"_source":false}`,
			`{"query":{"multi_match":{"query":"red","fields":["ta*"]}},"_source":false}`,
			`{"query":{"multi_match":{"query":"red"}},"_source":false}`,
			`{"query":{"term":{"k":"alpha"}},"sort":["n"],"_source":["k"]}`,
			`{"query":{"term":{"k":{"value":"ALPHA","case_insensitive":true}}},"_source":false}`,
			`{"query":{"term":{"lo":"mixed"}},"_source":false}`,
			`{"query":{"term":{"lo":"MIXED"}},"_source":false}`,
			`{"query":{"term":{"t":"quick"}},"_source":false}`,
			`{"query":{"term":{"t":"Quick"}},"_source":false}`,
			`{"query":{"term":{"n":30}},"_source":false}`,
			`{"query":{"term":{"n":"30"}},"_source":false}`,
			`{"query":{"term":{"n":30.5}},"_source":false}`,
			`{"query":{"term":{"n":9007199254740993}},"_source":false}`,
			`{"query":{"term":{"n":"abc"}}}`,
			`{"query":{"term":{"f":2.25}},"_source":false}`,
			`{"query":{"term":{"sf":1.24}},"_source":false}`,
			`{"query":{"term":{"u":18446744073709551615}},"_source":false}`,
			`{"query":{"term":{"b":"true"}},"_source":false}`,
			`{"query":{"term":{"b":"maybe"}},"_source":false}`,
			`{"query":{"term":{"d":"2015-05-14"}},"_source":false}`,
			`{"query":{"term":{"d":"abc"}}}`,
			`{"query":{"term":{"ip":"10.0.0.0/16"}},"_source":false}`,
			`{"query":{"term":{"ip":"10.0.0.1"}},"_source":false}`,
			`{"query":{"term":{"ip":"2001:db8::/32"}},"_source":false}`,
			`{"query":{"term":{"ip":"x"}},"_source":false}`,
			`{"query":{"term":{"_id":"2"}},"_source":false}`,
			`{"query":{"term":{"_index":"s"}},"size":1,"_source":false}`,
			`{"query":{"term":{"o.p":"deep"}},"_source":false}`,
			`{"query":{"term":{"o":"deep"}},"_source":false}`,
			`{"query":{"term":{"noidx":"x"}},"_source":false}`,
			`{"query":{"term":{"empty":""}},"_source":false}`,
			`{"query":{"terms":{"k":["alpha","beta","none"]}},"_source":false}`,
			`{"query":{"terms":{"n":[1,"2"]}},"_source":false}`,
			`{"query":{"terms":{"_id":["1","9"]}},"_source":false}`,
			`{"query":{"terms":{"n":1}}}`,
			`{"query":{"range":{"d":{"gte":"2015-05-14","lt":"2015-05-14||+1d"}}},"sort":[{"d":"desc"}],"_source":false}`,
			`{"query":{"range":{"d":{"gt":"2015-05-14"}}},"_source":false}`,
			`{"query":{"range":{"d":{"lte":"2015-05-14"}}},"_source":false,"sort":"_doc"}`,
			`{"query":{"range":{"d":{"lte":"2015-05"}}},"_source":false}`,
			`{"query":{"range":{"d":{"gte":"2015-06-01||/M","lte":"now"}}},"_source":false}`,
			`{"query":{"range":{"d":{"gte":"2015-05-14","lte":"2015-05-14","time_zone":"+02:00"}}},"_source":false}`,
			`{"query":{"range":{"d":{"gte":"14/05/2015","format":"dd/MM/yyyy"}}},"_source":false}`,
			`{"query":{"range":{"d":{"gte":1431561600000}}},"_source":false}`,
			`{"query":{"range":{"d":{"gte":"now-xx"}}}}`,
			`{"query":{"range":{"d":{"gte":"2015-05-14||/x"}}}}`,
			`{"query":{"range":{"d":{"gte":"nodate"}}}}`,
			`{"query":{"range":{"n":{"gte":2,"lte":30}}},"_source":false}`,
			`{"query":{"range":{"n":{"gt":2,"lt":30}}},"_source":false}`,
			`{"query":{"range":{"n":{"gt":1.5,"lt":29.5}}},"_source":false}`,
			`{"query":{"range":{"n":{"gte":-4.5,"lt":"1"}}},"_source":false}`,
			`{"query":{"range":{"n":{"gt":9007199254740992}}},"_source":false}`,
			`{"query":{"range":{"n":{"gte":"abc"}}}}`,
			`{"query":{"range":{"n":{}}},"_source":false}`,
			`{"query":{"range":{"f":{"gt":1.5,"lte":3}}},"_source":false}`,
			`{"query":{"range":{"sf":{"gte":1.24,"lt":1.25}}},"_source":false}`,
			`{"query":{"range":{"u":{"gt":5}}},"_source":false}`,
			`{"query":{"range":{"k":{"gte":"b","lt":"g"}}},"_source":false}`,
			`{"query":{"range":{"k":{"gt":"alpha"}}},"_source":false}`,
			`{"query":{"range":{"ip":{"gte":"10.0.0.1","lt":"10.0.1.1"}}},"_source":false}`,
			`{"query":{"range":{"nofield":{"gte":1}}},"_source":false}`,
			`{"query":{"range":{"n":{"from":1,"to":2,"include_upper":false}}},"_source":false}`,
			`{"query":{"range":{"n":{"foo":1}}}}`,
			`{"query":{"exists":{"field":"tags"}},"_source":false}`,
			`{"query":{"exists":{"field":"o"}},"_source":false}`,
			`{"query":{"exists":{"field":"nul"}},"_source":false}`,
			`{"query":{"exists":{"field":"empty"}},"_source":false}`,
			`{"query":{"exists":{"field":"tags.keyword"}},"_source":false}`,
			`{"query":{"exists":{}}}`,
			`{"query":{"ids":{"values":["1","3"]}},"_source":false}`,
			`{"query":{"ids":{"values":[]}},"_source":false}`,
			`{"query":{"prefix":{"k":"al"}},"_source":false}`,
			`{"query":{"prefix":{"k":{"value":"AL","case_insensitive":true}}},"_source":false}`,
			`{"query":{"prefix":{"t":"qui"}},"_source":false}`,
			`{"query":{"prefix":{"n":"1"}},"_source":false}`,
			`{"query":{"wildcard":{"k":"*a*ra?"}},"_source":false}`,
			`{"query":{"wildcard":{"k":{"value":"alph?"}}},"_source":false}`,
			`{"query":{"wildcard":{"k":{"wildcard":"BET*","case_insensitive":true}}},"_source":false}`,
			`{"query":{"wildcard":{"t":"*og"}},"_source":false}`,
			`{"query":{"constant_score":{"filter":{"term":{"k":"alpha"}},"boost":1.5}},"_source":false}`,
			`{"query":{"constant_score":{}}}`,
			`{"query":{"bool":{}},"_source":false}`,
			`{"query":{"bool":{"must":[{"match":{"t":"quick"}}],"filter":[{"term":{"k":"alpha"}}]}},"_source":false}`,
			`{"query":{"bool":{"must":{"match":{"t":"quick"}},"must_not":{"term":{"k":"alpha"}}}},"_source":false}`,
			`{"query":{"bool":{"should":[{"match":{"t":"quick"}},{"term":{"k":"alpha"}}]}},"_source":false}`,
			`{"query":{"bool":{"should":[{"match":{"t":"quick"}},{"term":{"k":"alpha"}}],"minimum_should_match":2}},`+
				`"_source":false}`,
			`{"query":{"bool":{"should":[{"match":{"t":"quick"}},{"term":{"k":"alpha"}}],"filter":{"exists":{"field":"n"}}}},`+
				`"_source":false}`,
			`{"query":{"bool":{"must_not":[{"match":{"t":"quick"}}]}},"_source":false}`,
			`{"query":{"bool":{"filter":[{"match":{"t":"quick"}}]}},"_source":false}`,
			`{"query":{"bool":{"must":[],"boost":2}},"_source":false}`,
			`{"query":{"bool":{"must":[{"foo":{}}]}}}`,
			`{"query":{"bool":{"foo":[]}}}`,
			`{"query":{"query_string":{"query":"quick AND dog"}},"_source":false}`,
			`{"query":{"query_string":{"query":"quick dog","default_field":"t"}},"_source":false}`,
			`{"query":{"query_string":{"query":"quick -dog","default_field":"t"}},"_source":false}`,
			`{"query":{"query_string":{"query":"+quick dog NOT fox","default_field":"t"}},"_source":false}`,
			`{"query":{"query_string":{"query":"quick OR lazy AND dog","default_field":"t"}},"_source":false}`,
			`{"query":{"query_string":{"query":"t:\"quick brown\" OR k:beta"}},"_source":false}`,
			`{"query":{"query_string":{"query":"t:\"quick fox\"~1"}},"_source":false}`,
			`{"query":{"query_string":{"query":"k:al*"}},"_source":false}`,
			`{"query":{"query_string":{"query":"t:QUI*"}},"_source":false}`,
			`{"query":{"query_string":{"query":"n:[2 TO 30]"}},"_source":false}`,
			`{"query":{"query_string":{"query":"n:{2 TO 30}"}},"_source":false}`,
			`{"query":{"query_string":{"query":"n:[2 TO *]"}},"_source":false}`,
			`{"query":{"query_string":{"query":"n:>=30"}},"_source":false}`,
			`{"query":{"query_string":{"query":"d:[2015-05-14 TO 2015-05-31]"}},"_source":false}`,
			`{"query":{"query_string":{"query":"_exists_:tags"}},"_source":false}`,
			`{"query":{"query_string":{"query":"tags:*"}},"_source":false}`,
			`{"query":{"query_string":{"query":"*"}},"size":1,"_source":false}`,
			`{"query":{"query_string":{"query":"*:*"}},"size":1,"_source":false}`,
			`{"query":{"query_string":{"query":"t:(quick OR lazy) AND k:alpha"}},"_source":false}`,
			`{"query":{"query_string":{"query":"quick^2 dog","fields":["t","k^3"]}},"_source":false}`,
			`{"query":{"query_string":{"query":"quick dog","default_operator":"and","fields":["t"]}},"_source":false}`,
			`{"query":{"query_string":{"query":"k:gamma\\_ray"}},"_source":false}`,
			`{"query":{"query_string":{"query":"n:abc"}},"_source":false}`,
			`{"query":{"query_string":{"query":"n:abc","lenient":true}},"_source":false}`,
			`{"query":{"query_string":{"query":"t:(quick AND"}}}`,
			`{"query":{"query_string":{"query":""}},"_source":false}`,
			`{"query":{"query_string":{}}}`,
			// Analysis.
			`{"query":{"match":{"t":"b_c.html"}},"_source":false}`,
			`{"query":{"match":{"t":"html"}},"_source":false}`,
			`{"query":{"match":{"t":"1,000.5"}},"_source":false}`,
			`{"query":{"term":{"t":"1,000.5"}},"_source":false}`,
			`{"query":{"term":{"t":"b_c.html"}},"_source":false}`,
			`{"query":{"term":{"t":"foo:bar"}},"_source":false}`,
			`{"query":{"term":{"t":"don't"}},"_source":false}`,
			`{"query":{"term":{"t":"127.0.0.1"}},"_source":false}`,
			`{"query":{"term":{"t":"example.com"}},"_source":false}`,
			`{"query":{"term":{"t":"ünïcödé"}},"_source":false}`,
			`{"query":{"term":{"t":"東"}},"_source":false}`,
			`{"query":{"term":{"t":"東京"}},"_source":false}`,
			`{"query":{"term":{"t":"5"}},"_source":false}`,
			`{"query":{"match_phrase":{"t":"東京"}},"_source":false}`,
			// Invalid queries.
			`{"query":{"foo":{}}}`,
			`{"query":{"match":{"t":"x","k":"y"}}}`,
			`{"query":{"match":{}}}`,
			`{"query":{"match":{"t":{"foo":1}}}}`,
			`{"query":{}}`,
			`{"query":[]}`,
			`{"query":{"match_all":{},"match":{}}}`,
			`{"query":{"match_all":1}}`,
			`{"foo":1}`,
			`{"size":10001}`,
			`{"from":9999,"size":10}`,
			`{"size":-1}`,
			`{"from":-1}`,
			`{"size":"abc"}`,
			`{"size":"2","_source":false}`,
			`[]`,
			`xx`,
			`{"query":`,
			// Sorting and paging.
			`{"sort":["t"]}`,
			`{"sort":["nofield"]}`,
			`{"sort":[{"nofield":{"unmapped_type":"long"}}],"_source":false}`,
			`{"sort":[{"n":{"order":"up"}}]}`,
			`{"sort":[{"n":"desc"}],"_source":false}`,
			`{"sort":[{"n":{"order":"asc","missing":"_first"}},"_doc"],"_source":false}`,
			`{"sort":["k","n"],"_source":false}`,
			`{"sort":[{"k":{"order":"desc","missing":"_first"}},{"n":"asc"}],"_source":false}`,
			`{"sort":[{"f":"asc"}],"_source":false}`,
			`{"sort":[{"f":"desc"}],"_source":false}`,
			`{"sort":[{"f":{"missing":2.5}}],"_source":false}`,
			`{"sort":[{"d":{"order":"asc"}}],"_source":false}`,
			`{"sort":[{"d":{"order":"asc","format":"yyyy-MM-dd"}}],"_source":false,"size":2}`,
			`{"sort":[{"b":"desc"}],"_source":false}`,
			`{"sort":[{"ip":"desc"}],"_source":false}`,
			`{"sort":[{"sf":"desc"}],"_source":false}`,
			`{"sort":[{"u":"desc"}],"_source":false}`,
			`{"sort":[{"arr":{"order":"asc","mode":"max"}},{"n":"asc"}],"_source":false}`,
			`{"sort":[{"f":{"order":"asc","mode":"avg"}},{"n":"asc"}],"_source":false}`,
			`{"sort":[{"tags.keyword":"desc"},{"n":"asc"}],"_source":false}`,
			`{"sort":[{"nodv":"asc"}],"_source":false}`,
			`{"query":{"match":{"t":"quick"}},"sort":["_score",{"n":"asc"}],"_source":false}`,
			`{"query":{"match":{"t":"quick"}},"sort":["n"],"track_scores":true,"_source":false}`,
			`{"from":1,"size":2,"sort":["n"],"_source":false}`,
			`{"from":10,"sort":["n"],"_source":false}`,
			`{"search_after":[1],"sort":["n"],"_source":false}`,
			`{"search_after":["alpha",1],"sort":["k","n"],"_source":false}`,
			`{"search_after":[2.25],"sort":[{"f":"desc"}],"_source":false}`,
			`{"search_after":[1]}`,
			`{"search_after":[1,2],"sort":["n"]}`,
			`{"search_after":["x"],"sort":["n"]}`,
			`{"search_after":[]}`,
			// The source.
			`{"size":1,"_source":["t","o.*"]}`,
			`{"size":1,"_source":"o"}`,
			`{"size":1,"_source":{"includes":["o.p","k"],"excludes":["k"]}}`,
			`{"size":1,"_source":{"excludes":["t","*o*"]}}`,
			`{"size":1,"_source":{"excludes":"arr"}}`,
			`{"size":1,"_source":1}`,
			`{"track_total_hits":false,"_source":false}`,
			`{"track_total_hits":true,"_source":false,"size":0}`,
			`{"track_total_hits":2,"size":0}`,
			`{"min_score":0.5,"query":{"match":{"t":"quick"}},"_source":false}`,
			`{"post_filter":{"term":{"k":"alpha"}},"_source":false,"aggs":{"k":{"terms":{"field":"k"}}}}`,
			`{"version":true,"seq_no_primary_term":true,"size":1,"_source":false}`,
			`{"highlight":{}}`,
		),
		[]exchange{
			{method: "POST", target: "/s/_search", body: `{"size":0}`, contentType: "application/x-www-form-urlencoded"},
			{method: "POST", target: "/s/_search", body: `{"size":0}`, contentType: "text/plain; charset=utf-8"},
			{method: "POST", target: "/s/_search", body: `{"size":0}`, contentType: "application/json; charset=UTF-8"},
			{method: "POST", target: "/s/_search", body: `{"size":0}`, contentType: "application/x-ndjson"},
		},
		differing("what is the request's fault is 400 here",
			`POST /s/_search {"query":{"match":{"t":["a"]}}}`,
			`POST /s/_search {"search_after":[1],"sort":["n"],"from":1}`,
			`POST /s/_search {"track_total_hits":-2}`,
			`POST /s/_search {"aggs":{"a":{"terms":{"field":"k","order":{"nope":"desc"}}}}}`,
		),
		differing("not offered: 501 names the way out",
			`POST /s/_search {"query":{"regexp":{"k":"al.*"}}}`,
			`POST /s/_search {"query":{"fuzzy":{"k":"alpa"}}}`,
			`POST /s/_search {"query":{"match":{"t":{"query":"quik","fuzziness":"AUTO"}}}}`,
			`POST /s/_search {"query":{"function_score":{}}}`,
			`POST /s/_search {"query":{"nested":{"path":"o","query":{"match_all":{}}}}}`,
			`POST /s/_search {"query":{"multi_match":{"query":"quick","fields":["t"],"type":"cross_fields"}}}`,
			`POST /s/_search {"highlight":{"fields":{"t":{}}}}`,
			`POST /s/_search {"suggest":{"a":{"text":"quik","term":{"field":"t"}}}}`,
			`POST /s/_search {"aggs":{"p":{"percentiles":{"field":"n"}}}}`,
			`POST /s/_search {"aggs":{"c":{"composite":{"sources":[]}}}}`,
			`GET /s/_search?scroll=1m`,
			`GET /s/_stats`,
			`GET /_nodes`,
			`POST /_aliases {"actions":[]}`,
			`POST /_reindex {"source":{"index":"s"},"dest":{"index":"r"}}`,
			`PUT /_ingest/pipeline/p {"processors":[]}`,
			`PUT /_data_stream/ds`,
		),
	)
}

func aggregationExchanges() []exchange {
	return concat(
		searches("s",
			`{"size":0,"aggs":{"a":{"terms":{"field":"t"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"k"},"aggs":{"m":{"avg":{"field":"n"}}}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"k","size":1}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"k","order":{"_key":"desc"}}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"k","order":{"m":"desc"}},"aggs":{"m":{"max":{"field":"n"}}}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"k","order":[{"_count":"asc"},{"_key":"desc"}]}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"k","missing":"NONE"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"tags.keyword"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"tags.keyword","missing":"none"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"k","include":["alpha"]}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"k","exclude":"al.*"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"k","min_doc_count":2}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"nofield"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"ip"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"_index"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"arr"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"b"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"f"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"sf"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"h"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"u"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"n"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"d"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"d","format":"yyyy-MM-dd"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","interval":"hour","min_doc_count":1}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"day"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"day","time_zone":"+02:00"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"month","time_zone":"Europe/Berlin"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"week","min_doc_count":1}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"year","format":"yyyy"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","fixed_interval":"12h","min_doc_count":1}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","fixed_interval":"12h","min_doc_count":1,"offset":"3h"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","fixed_interval":"7d","time_zone":"+05:30",`+
				`"min_doc_count":1}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"month","keyed":true}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"month","order":{"_count":"asc"}}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"month",`+
				`"extended_bounds":{"min":"2015-03-01","max":"2015-07-01"}}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"month","missing":"2015-05-01"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"month"},`+
				`"aggs":{"k":{"terms":{"field":"k"},"aggs":{"s":{"stats":{"field":"n"}}}}}}}}`,
			`{"size":0,"query":{"term":{"k":"alpha"}},"aggs":{"a":{"terms":{"field":"k"}}}}`,
			`{"size":1,"_source":false,"aggs":{"a":{"terms":{"field":"k"}}}}`,
			`{"size":0,"query":{"match_none":{}},"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"month"}},`+
				`"b":{"terms":{"field":"k"}},"c":{"stats":{"field":"n"}},"d":{"avg":{"field":"n"}},"e":{"sum":{"field":"n"}},`+
				`"f":{"cardinality":{"field":"k"}},"g":{"value_count":{"field":"k"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"k","calendar_interval":"day"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","calendar_interval":"foo"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d","fixed_interval":"1x"}}}}`,
			`{"size":0,"aggs":{"a":{"date_histogram":{"field":"d"}}}}`,
			`{"size":0,"aggs":{"a":{"stats":{"field":"arr"}},"c":{"cardinality":{"field":"arr"}},`+
				`"v":{"value_count":{"field":"arr"}},"su":{"sum":{"field":"f"}},"e":{"avg":{"field":"nofield"}}}}`,
			`{"size":0,"aggs":{"a":{"min":{"field":"d"}},"b":{"max":{"field":"d"}},"c":{"stats":{"field":"d"}}}}`,
			`{"size":0,"aggs":{"a":{"min":{"field":"d","format":"yyyy"}}}}`,
			`{"size":0,"aggs":{"a":{"avg":{"field":"f","missing":10}}}}`,
			`{"size":0,"aggs":{"a":{"sum":{"field":"sf"}},"b":{"max":{"field":"u"}},"c":{"max":{"field":"n"}},`+
				`"d":{"sum":{"field":"h"}}}}`,
			`{"size":0,"aggs":{"a":{"avg":{"field":"b"}}}}`,
			`{"size":0,"aggs":{"a":{"avg":{"field":"k"}}}}`,
			`{"size":0,"aggs":{"a":{"value_count":{"field":"ip"}},"b":{"cardinality":{"field":"ip"}}}}`,
			`{"size":0,"aggs":{"a":{"filter":{"term":{"k":"alpha"}},"aggs":{"n":{"sum":{"field":"n"}}}}}}`,
			`{"size":0,"aggs":{"a":{"filters":{"filters":{"x":{"match_all":{}},"y":{"term":{"k":"alpha"}}}}}}}`,
			`{"size":0,"aggs":{"a":{"filters":{"filters":[{"match_all":{}},{"term":{"k":"alpha"}}]}}}}`,
			`{"size":0,"aggs":{"a":{"filters":{"other_bucket_key":"rest","filters":{"y":{"term":{"k":"alpha"}}}}}}}`,
			`{"size":0,"aggs":{"a":{"foo":{"field":"t"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{}}}}`,
			`{"size":0,"aggs":{"a":{}}}`,
			`{"size":0,"aggs":{"a[":{"avg":{"field":"n"}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"n","foo":1}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"n","size":0}}}}`,
			`{"size":0,"aggs":{"a":{"terms":{"field":"n"},"avg":{"field":"n"}}}}`,
			`{"size":0,"aggs":{"a":{"avg":{"field":"n"},"aggs":{"b":{"avg":{"field":"n"}}}}}}`,
			`{"size":0,"aggs":{"a":{"avg":{}}}}`,
			`{"size":0,"aggs":{"a":1}}`,
			`{"size":0,"aggs":[]}`,
		),
		same(`DELETE /s`),
	)
}

func tableExchanges() []exchange {
	return concat(
		same(
			"DELETE /*",
			"GET /_cluster/health",
			"GET /_cat/indices",
			"GET /_cat/count?h=count",
			`PUT /one {"settings":{"number_of_replicas":0}}`,
			`PUT /two {"settings":{"number_of_shards":2}}`,
			`PUT /one/_doc/1?refresh=true {"x":1}`,
			"GET /_cat/indices?h=index,docs.count,health,pri,rep&s=index",
			"GET /_cat/indices?h=index,docs.count&s=index:desc&v",
			"GET /_cat/indices/one?format=json&s=index",
			"GET /_cat/indices/none",
			"GET /_cat/indices?h=i,dc&s=docs.count,index",
			"GET /_cat/count?h=count",
			"GET /_cat/count/one?h=count&format=json",
			"GET /_cat/health?h=cluster,status,node.total,shards,pri,unassign,active_shards_percent&v",
			"GET /_cluster/health?level=indices",
			"GET /_cluster/health/one",
			"GET /_cluster/health?wait_for_status=yellow",
			"GET /_cluster/health?wait_for_nodes=3&timeout=100ms",
			"GET /_cluster/health?wait_for_nodes=%3E=1&timeout=100ms",
			"GET /_cluster/health?wait_for_active_shards=2&timeout=100ms",
			"GET /_cluster/health?wait_for_active_shards=9&timeout=100ms",
			"GET /_cluster/health?wait_for_status=green&timeout=100ms",
			"GET /_cat/indices?s=foo",
			"GET /one,two/_count",
			"GET /one,-two/_count",
			"GET /*,-two/_count",
		),
	)
}

// randomExchanges are random documents and searches, the same ones every time.
func randomExchanges() []exchange {
	r := rand.New(rand.NewPCG(17, 19))
	words := []string{
		"alpha", "beta", "gamma", "delta", "the", "quick", "brown", "fox", "10.0.0.1", "GET", "/index.html", "Root=1-58",
		"don't", "x_y", "naïve", "2015-05-13",
	}
	word := func() string { return words[min(r.IntN(len(words)), r.IntN(len(words)))] }
	text := func(n int) string {
		var b strings.Builder
		for range 1 + r.IntN(n) {
			b.WriteString(word() + []string{" ", ", ", "/", "-", ": "}[r.IntN(5)])
		}
		return strings.TrimSpace(b.String())
	}
	var documents strings.Builder
	for i := range 300 {
		fmt.Fprintf(&documents,
			`{"index":{"_index":"dice","_id":"%d"}}`+"\n"+
				`{"t":%q,"k":%q,"n":%d,"f":%g,"d":"2015-%02d-%02dT%02d:%02d:00Z","tags":[%q,%q],"many":[%d,%d,%d],"b":%t}`+"\n",
			i, text(40), word(), r.IntN(2000)-1000, float64(r.IntN(4000))/16, 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60),
			word(), word(), r.IntN(4), r.IntN(4), r.IntN(4), r.IntN(2) == 0)
	}
	var bodies []string
	for range 120 {
		q := []string{
			fmt.Sprintf(`{"match":{"t":%q}}`, text(3)),
			fmt.Sprintf(`{"match":{"t":{"query":%q,"operator":"and"}}}`, text(3)),
			fmt.Sprintf(`{"match_phrase":{"t":%q}}`, text(3)),
			fmt.Sprintf(`{"match_phrase":{"t":{"query":%q,"slop":2}}}`, word()+" "+word()),
			fmt.Sprintf(`{"match_phrase":{"t":{"query":%q,"slop":%d}}}`, word()+" "+word()+" "+word(), 1+r.IntN(5)),
			fmt.Sprintf(`{"multi_match":{"query":%q,"fields":["t","k.keyword^2","tags"],"tie_breaker":0.2}}`, text(2)),
			fmt.Sprintf(`{"bool":{"must":[{"match":{"t":%q}}],"should":[{"term":{"k.keyword":%q}},`+
				`{"range":{"n":{"gte":%d}}}],"must_not":[{"match":{"tags":%q}}]}}`, text(2), word(), r.IntN(500), word()),
			fmt.Sprintf(`{"query_string":{"query":"t:%s OR (k:%s AND n:[%d TO *])"}}`,
				[]string{"alpha", "beta", "fox"}[r.IntN(3)], []string{"quick", "the"}[r.IntN(2)], r.IntN(500)),
		}[r.IntN(8)]
		bodies = append(bodies,
			fmt.Sprintf(`{"query":%s,"size":300,"_source":false}`, q),
			fmt.Sprintf(`{"query":%s,"size":3,"_source":["n"],"sort":[{"n":"desc"}],`+
				`"aggs":{"k":{"terms":{"field":"tags.keyword"},"aggs":{"s":{"stats":{"field":"many"}}}},`+
				`"d":{"date_histogram":{"field":"d","calendar_interval":"month"}},"c":{"cardinality":{"field":"n"}}}}`, q))
	}
	return concat(bulks("/_bulk?refresh=true", documents.String()), searches("dice", bodies...), same("DELETE /dice"))
}
