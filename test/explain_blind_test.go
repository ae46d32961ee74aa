package test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/sigv4"
	"github.com/seed56735111/penstock/sigv4/explain"
)

const (
	bulkBody  = "{\"index\":{\"_id\":\"1\"}}\n{\"city\":\"Zürich\",\"n\":1.50}\n"
	cityBody  = `{"query":{"match":{"city":"Zürich"}},"password":"hunter2"}`
	blindPath = "/idx/_search"
)

// blindMistakes are those that were written down, with the cause that the table of causes lets one expect, by somebody
// who knew the threads and the table, and had seen neither the explainer nor its tests. Do not change them to suit it.
func blindMistakes() []mistake {
	var all []mistake
	for _, group := range [][]mistake{
		blindSettings(), blindPaths(), blindQueries(), blindHeaders(), blindBodies(), blindHomeMade(), blindPresigned(),
	} {
		all = append(all, group...)
	}
	for i := range all {
		all[i].blind = true
	}
	return all
}

func blindSettings() []mistake {
	wrong := func(name, from, secret string) mistake {
		return mistake{
			name: name, from: from, cause: explain.CauseSecretWrong, settings: func(r *run) { r.secret = secret },
		}
	}
	setting := func(name, from, cause string, f func(*run)) mistake {
		return mistake{name: name, from: from, cause: cause, settings: f}
	}
	return []mistake{
		wrong("space at the end of the secret", "aws/aws-sdk-js#86", explainSecret+" "),
		wrong("secret in quotes", "aws/aws-cli#602", `"`+explainSecret+`"`),
		wrong("secret encoded for a URL", "aws/aws-cli#6751", strings.ReplaceAll(explainSecret, "-", "%2D")),
		wrong("first character of the secret lost", "kaltura/nginx-aws-auth-module#12", explainSecret[1:]),
		setting("key of a session that is gone", "aws/aws-cli#602", explain.CauseKeyUnknown, func(r *run) {
			r.keyID = "ASIAGONE"
		}),
		setting("old token beside the key of a user", "compwright/aws-elasticsearch-connector#13",
			explain.CauseTokenInvalid, func(r *run) { r.keyID, r.secret = "AKIAALICE", "alice-secret" }),
		setting("token in quotes", "DavidMuller/aws-requests-auth#11", explain.CauseTokenInvalid, func(r *run) {
			r.token = `"` + r.token + `"`
		}),
		setting("service aos", "opensearch-project/opensearch-py#534", explain.CauseServiceWrong, func(r *run) {
			r.service = "aos"
		}),
		setting("service aoss", "opensearch-project/opensearch-js#408", explain.CauseServiceWrong, func(r *run) {
			r.service = "aoss"
		}),
		setting("service elasticsearch", "compwright/aws-elasticsearch-connector#9", explain.CauseServiceWrong, func(r *run) {
			r.service = "elasticsearch"
		}),
		setting("zone for a region", "", explain.CauseRegionWrong, func(r *run) { r.region = clientRegion + "a" }),
	}
}

// onPath makes a bug that writes one text of the path in another way; onQuery does so in the query.
func onPath(old, with string) bug {
	return func(c string, _ *hostile.Sent) string {
		lines := strings.SplitN(c, "\n", 3)
		lines[1] = strings.ReplaceAll(lines[1], old, with)
		return strings.Join(lines, "\n")
	}
}

func onQuery(old, with string) bug {
	return query(func(q string) string { return strings.ReplaceAll(q, old, with) })
}

func blindPaths() []mistake {
	signed := func(name, from, target, old, with string) mistake {
		return mistake{
			name: name, from: from, target: target, cause: explain.CausePathEncoding, line: "path", bug: onPath(old, with),
		}
	}
	way := func(name, from, target, cause, old, with string) mistake {
		return mistake{name: name, from: from, target: target, cause: cause, line: "path", onWay: retarget(old, with)}
	}
	const encoding, between = explain.CausePathEncoding, explain.CauseProxy
	return []mistake{
		signed("umlaut in Latin-1", "hibernate/hibernate-search#2613", "/idx/_doc/%C3%BC", "%25C3%25BC", "%25FC"),
		signed("umlaut decoded", "aws/aws-sdk-go#866", "/idx/_doc/%C3%BC", "%25C3%25BC", "ü"),
		signed("umlaut encoded once", "aws/aws-sdk-go#885", "/idx/_doc/%C3%BC", "%25C3%25BC", "%C3%BC"),
		signed("escapes in small letters", "", "/idx/_doc/a%2Fb", "%252F", "%252f"),
		signed("date math encoded once", "smarty-archives/go-aws-auth#35", "/%3Cidx-%7Bnow%2Fd%7D%3E/_search", "%25", "%"),
		signed("tilde escaped", "Java's URLEncoder", "/idx~1/_search", "~", "%7E"),
		signed("dollar and equals sign raw", "aws/aws-sdk-js#853", "/idx/_doc/$a=b", "%24a%3Db", "$a=b"),
		signed("no slash in front", "", "", "/idx", "idx"),
		signed("base path twice", "Scality/Arsenal#479", "/es/idx/_search", "/es/", "/es/es/"),
		signed("path of another request", "bcuff/elasticsearch-net-aws#29", "", "/idx/", "/other/"),
		{
			name: "whole URL for a path", from: "mhart/aws4#90", cause: encoding, line: "path",
			bug: func(c string, s *hostile.Sent) string {
				return onPath("/idx", "https://"+s.Host+"/idx")(c, s)
			},
		},
		{
			name: "query as a part of the path", from: "aws/aws-sdk-js-v3#2996", target: blindPath + "?size=1",
			cause: encoding, bug: func(c string, s *hostile.Sent) string {
				lines := strings.SplitN(c, "\n", 4)
				lines[1] += "%3F" + url.QueryEscape(lines[2])
				lines[2] = ""
				return strings.Join(lines, "\n")
			},
		},
		{
			name: "query raw as a part of the path", from: "Philippus/elastic4s#1188", target: blindPath + "?size=1",
			cause: encoding, bug: func(c string, s *hostile.Sent) string {
				lines := strings.SplitN(c, "\n", 4)
				lines[1] += "?" + lines[2]
				lines[2] = ""
				return strings.Join(lines, "\n")
			},
		},
		way("comma decoded on the way", "anomalizer/ngx_aws_auth#87", "/idx%2Cb/_search", encoding, "%2C", ","),
		way("at sign escaped on the way", "", "/idx/_doc/a@b", encoding, "@", "%40"),
		way("dash decoded on the way", "RFC 3986, 6.2.2.2", "/idx%2D1/_search", encoding, "%2D", "-"),
		way("umlaut decoded on the way", "", "/idx/_doc/%C3%BC", encoding, "%C3%BC", "ü"),
		way("percent sign escaped on the way", "aws/aws-sdk-js#853", "/idx/_doc/a%20b", encoding, "%20", "%2520"),
		way("slash at the end added on the way", "Philippus/elastic4s#1188", "", encoding, "/_search", "/_search/"),
		way("slash at the end taken on the way", "", "/idx/_search/", encoding, "/_search/", "/_search"),
		way("small letters on the way", "", "/idx/_doc/A", encoding, "/A", "/a"),
		way("session in the path", "", "", between, "/_search", "/_search;jsessionid=1"),
		way("another stage", "Scality/Arsenal#479", "/v1/idx/_search", between, "/v1/", "/v2/"),
		way("Dashboards under its old name", "", "/_dashboards/api/status", between, "/_dashboards/", "/_plugin/kibana/"),
	}
}

func blindQueries() []mistake {
	signed := func(name, from, text, old, with string) mistake {
		return mistake{
			name: name, from: from, target: blindPath + "?" + text, cause: explain.CausePathEncoding, line: "query",
			bug: onQuery(old, with),
		}
	}
	way := func(name, from, text, cause, old, with string) mistake {
		return mistake{
			name: name, from: from, target: blindPath + "?" + text, cause: cause, line: "query", onWay: retarget(old, with),
		}
	}
	const encoding, between = explain.CausePathEncoding, explain.CauseProxy
	return []mistake{
		signed("no equals sign behind a name", "curl/curl#8107", "v=", "v=", "v"),
		signed("star raw in a value", "kndt84/aws-api-gateway-client#129", "q=ford%2A", "%2A", "*"),
		signed("what encodeURIComponent leaves", "kndt84/aws-api-gateway-client#129", "q=%28a%29%21%27", "%28a%29%21%27",
			"(a)!'"),
		signed("tilde escaped in a value", "Java's URLEncoder", "q=a~1", "~", "%7E"),
		signed("escapes in small letters in a value", "", "q=a%2Fb", "%2F", "%2f"),
		signed("comma raw in a value", "", "_source_includes=a%2Cb", "%2C", ","),
		signed("colon raw in a value", "curl/curl#11794", "q=name%3Aford", "%3A", ":"),
		signed("percent sign decoded", "mrkamel/search_flip#32", "q=100%25", "%25", "%"),
		signed("ampersand decoded", "mrkamel/search_flip#32", "q=a%26b", "%26", "&"),
		signed("space raw", "curl/curl#13058", "q=a%20b", "%20", " "),
		signed("sorted without regard to capitals", "", "B=1&a=2", "B=1&a=2", "a=2&B=1"),
		signed("the last of two values", "mhart/aws4#59", "ids=a&ids=c", "ids=a&", ""),
		signed("two values in one", "mhart/aws4#59", "ids=a&ids=c", "ids=a&ids=c", "ids=a%2Cc"),
		signed("names in small letters", "", "searchType=a", "searchType", "searchtype"),
		signed("question mark signed", "cllunsford/aws-signing-proxy#2", "from=2", "from=2", "?from=2"),
		signed("true for a name alone", "curl/curl#8107", "v=", "v=", "v=true"),
		signed("one parameter forgotten", "aws/aws-sdk-js-v3#2996", "from=2&size=1", "from=2&", ""),
		signed("umlaut decoded in a value", "soto-project/soto#450", "q=%C3%BC", "%C3%BC", "ü"),
		way("cache buster added", "cllunsford/aws-signing-proxy#2", "from=2", between, "?", "?_b=6103&"),
		way("pretty added", "", "from=2", between, "?", "?pretty=true&"),
		way("value changed", "", "size=1000", between, "1000", "100"),
		way("parameter without a value lost", "", "from=2&routing=", between, "&routing=", ""),
		way("plus decoded on the way", "anomalizer/ngx_aws_auth#87", "q=a%2Bb", encoding, "%2B", "+"),
		way("percent sign escaped on the way, in a value", "nginx", "q=a%20b", encoding, "%20", "%2520"),
		way("whole query lost", "nulib/dc-api-v2#389", "size=1", between, "size=1&", ""),
	}
}

func blindHeaders() []mistake {
	way := func(name, from, header, old, with string) mistake {
		m := mistake{
			name: name, from: from, cause: explain.CauseHeaderChanged, line: "header " + strings.ToLower(header),
			headers: map[string]string{header: old}, onWay: set(header, with),
		}
		if with == "" {
			m.onWay = drop(header)
		}
		return m
	}
	host := func(name, from string, f func(string) string) mistake {
		return mistake{
			name: name, from: from, cause: explain.CauseHeaderChanged, line: "header host",
			bug: func(c string, s *hostile.Sent) string {
				return strings.Replace(c, "\nhost:"+s.Host+"\n", "\nhost:"+f(s.Host)+"\n", 1)
			},
		}
	}
	body := func(m mistake) mistake {
		m.method, m.target, m.body, m.cause = "POST", "/idx/_bulk", bulkBody, explain.CauseHeaderChanged
		return m
	}
	signedLine := func(name, from, header, with string) mistake {
		return mistake{
			name: name, from: from, cause: explain.CauseHeaderChanged, line: "header " + header,
			bug: func(c string, _ *hostile.Sent) string {
				return regexp.MustCompile(`(?m)^`+header+`:.*$`).ReplaceAllLiteralString(c, header+":"+with)
			},
		}
	}
	return []mistake{
		host("scheme in the host", "mhart/aws4#73", func(h string) string { return "https://" + h }),
		host("host with a slash at its end", "", func(h string) string { return h + "/" }),
		host("dot at the end of the host", "mhart/aws4#29", func(h string) string { return h + "." }),
		host("host that the signer makes up", "mhart/aws4#29", func(string) string { return "es.eu-west-1.amazonaws.com" }),
		host("host of the node before", "mhart/aws4#90", func(string) string { return "10.0.0.7:9200" }),
		host("no host", "xcir/libvmod-awsrest#8", func(string) string { return "" }),
		{
			name: "address for a host", from: "http-proxy-middleware, changeOrigin", cause: explain.CauseHeaderChanged,
			line: "header host", onWay: func(s *hostile.Sent) { s.Host = "10.0.0.5" },
		},
		{
			name: "port added to Host", from: "SumoLogic/elasticsearch-client#23", cause: explain.CauseHeaderChanged,
			line: "header host", onWay: func(s *hostile.Sent) { s.Host = strings.Split(s.Host, ":")[0] + ":443" },
		},
		signedLine("undefined for a token", "mhart/aws4#29", "x-amz-security-token", "undefined"),
		signedLine("empty token signed", "bcuff/elasticsearch-net-aws#17", "x-amz-security-token", ""),
		{
			name: "time taken twice", from: "mhart/aws4fetch#73", cause: explain.CauseHeaderChanged,
			line: "header x-amz-date", bug: func(c string, s *hostile.Sent) string {
				date := s.Header.Get("X-Amz-Date")
				at, err := time.Parse("20060102T150405Z", date)
				if err != nil {
					return c
				}
				return strings.Replace(c, "x-amz-date:"+date, "x-amz-date:"+at.Add(time.Second).Format("20060102T150405Z"), 1)
			},
		},
		{
			name: "values in small letters", cause: explain.CauseHeaderChanged, line: "header x-amz-note",
			headers: map[string]string{"X-Amz-Note": "One Two"}, bug: onLine("x-amz-note:One Two", "x-amz-note:one two"),
		},
		{
			name: "no empty line behind the headers", cause: explain.CauseHeaderChanged,
			bug: onLine("\n\n", "\n"),
		},
		{
			name: "names not sorted", from: "compwright/aws-elasticsearch-connector#13", cause: explain.CauseHeaderChanged,
			bug: func(c string, _ *hostile.Sent) string {
				lines := strings.Split(c, "\n")
				names := strings.Split(lines[len(lines)-2], ";")
				if len(names) > 1 {
					names[0], names[1] = names[1], names[0]
				}
				lines[len(lines)-2] = strings.Join(names, ";")
				return strings.Join(lines, "\n")
			},
		},
		{
			name: "names with commas", cause: explain.CauseHeaderChanged, bug: func(c string, _ *hostile.Sent) string {
				lines := strings.Split(c, "\n")
				lines[len(lines)-2] = strings.ReplaceAll(lines[len(lines)-2], ";", ",")
				return strings.Join(lines, "\n")
			},
		},
		body(mistake{
			name: "charset signed, not sent", from: "elastic/elasticsearch-js#1195", line: "header content-type",
			inside: func(s *hostile.Sent) {
				s.Header.Set("Content-Type", s.Header.Get("Content-Type")+"; charset=utf-8")
			},
		}),
		body(mistake{
			name: "type of a form sent", from: "mhart/aws4#90", line: "header content-type",
			inside: set("Content-Type", "application/x-www-form-urlencoded"),
		}),
		body(mistake{
			name: "type taken off", line: "header content-type", onWay: drop("Content-Type"),
		}),
		body(mistake{
			name: "spaces before charset", line: "header content-type", onWay: func(s *hostile.Sent) {
				s.Header.Set("Content-Type", "application/json ; charset=utf-8")
			},
		}),
		body(mistake{
			name: "length zero signed", from: "inreachventures/aws-signing-request-interceptor#13",
			line: "header content-length", bug: func(c string, s *hostile.Sent) string {
				return strings.Replace(c, "content-length:"+strconv.Itoa(len(s.Body)), "content-length:0", 1)
			},
		}),
		body(mistake{
			name: "length of minus one signed", from: "aws/aws-sdk-js#86", line: "header content-length",
			bug: func(c string, s *hostile.Sent) string {
				return strings.Replace(c, "content-length:"+strconv.Itoa(len(s.Body)), "content-length:-1", 1)
			},
		}),
		body(mistake{
			name: "hash of the body taken off", line: "header x-amz-content-sha256", onWay: drop("X-Amz-Content-Sha256"),
		}),
		{
			name: "token taken off", from: "aws/aws-for-fluent-bit#187", cause: explain.CauseHeaderChanged,
			onWay: drop("X-Amz-Security-Token"),
		},
		way("accept narrowed", "aws/mcp-proxy-for-aws#313", "Accept", "application/json, text/plain", "application/json"),
		way("accept taken off", "aws/mcp-proxy-for-aws#313", "Accept", "application/json", ""),
		way("accept-encoding taken off", "longhorn/longhorn#13756", "Accept-Encoding", "gzip", ""),
		way("accept-language taken off", "", "Accept-Language", "de", ""),
		way("user-agent taken off", "FantasticFiasco/aws-signature-version-4#1231", "User-Agent", "shop/1", ""),
		way("user-agent of a content network", "FantasticFiasco/aws-signature-version-4#1231", "User-Agent", "shop/1",
			"Amazon CloudFront"),
		way("cookie taken off", "iterate-ch/cyberduck#15983", "Cookie", "a=b", ""),
		way("cookie added to", "iterate-ch/cyberduck#15983", "Cookie", "a=b", "a=b; lb=2"),
		way("via of one more hop", "FantasticFiasco/aws-signature-version-4#1231", "Via", "1.1 a", "1.1 a, 1.1 b"),
		way("scheme of the first hop", "FantasticFiasco/aws-signature-version-4#1231", "X-Forwarded-Proto", "https", "http"),
		way("port of the first hop", "FantasticFiasco/aws-signature-version-4#1231", "X-Forwarded-Port", "443", "80"),
		way("forwarded", "", "Forwarded", "for=10.0.0.1", "for=10.0.0.1, for=10.0.0.2"),
		way("trace of a mesh", "", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			"00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"),
		way("id of the request", "", "X-Request-Id", "a1", "b2"),
		way("opaque id", "", "X-Opaque-Id", "Job-A", "job-a"),
		way("cache control", "", "Cache-Control", "no-store", "no-cache"),
		way("if-none-match taken off", "", "If-None-Match", `"v1"`, ""),
		way("range emptied", "aws/aws-sdk-go-v2#2722", "Range", "bytes=0-5242879", ""),
		way("attempt counted on", "aws/aws-sdk-go-v2#1816", "Amz-Sdk-Request", "attempt=1; max=3", "attempt=2; max=3"),
		way("tenant", "", "Securitytenant", "global", "private"),
		way("xsrf header", "", "Kbn-Xsrf", "true", "reporting"),
	}
}

// rewritten are bodies as another serializer writes them.
func rewritten(f func(string) string) func(*hostile.Sent) {
	return func(s *hostile.Sent) { s.SetBody([]byte(f(string(s.Body)))) }
}

func blindBodies() []mistake {
	post := func(name, from, body string) mistake {
		target := blindPath
		if body == bulkBody {
			target = "/idx/_bulk"
		}
		return mistake{
			name: name, from: from, method: "POST", target: target, body: body, cause: explain.CauseBodyChanged,
			line: "payload hash",
		}
	}
	hashOf := func(name, from, body string, f func(string) string) mistake {
		m := post(name, from, body)
		m.bug = func(c string, s *hostile.Sent) string {
			return payload(sigv4.HashPayload([]byte(f(string(s.Body)))))(c, s)
		}
		return m
	}
	written := func(name, from, body string, f func(string) string) mistake {
		m := post(name, from, body)
		m.line, m.inside = "", rewritten(f)
		return m
	}
	way := func(name, from, body string, f func(string) string) mistake {
		m := post(name, from, body)
		m.line, m.onWay = "", rewritten(f)
		return m
	}
	hash := func(name, from string, f func(string) string) mistake {
		m := post(name, from, cityBody)
		m.bug = func(c string, s *hostile.Sent) string { return payload(f(sigv4.HashPayload(s.Body)))(c, s) }
		return m
	}
	replace := func(old, with string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, old, with) }
	}
	pretty := func(s string) string {
		var b bytes.Buffer
		_ = json.Indent(&b, []byte(s), "", "  ")
		return b.String()
	}
	quoted := func(s string) string { return strconv.Quote(s) }
	binary := func(m mistake) mistake { m.archived = true; return m }
	removed := post("body of a DELETE taken off", "opensearch-project/opensearch-benchmark#396", `{"scroll_id":"a"}`)
	removed.method, removed.target, removed.line = "DELETE", "/_search/scroll", ""
	removed.onWay = func(s *hostile.Sent) { s.SetBody(nil) }
	return []mistake{
		hashOf("ASCII escapes hashed", "okigan/awscurl#106", cityBody, replace("ü", `\u00fc`)),
		hashOf("body quoted once more", "mhart/aws4#90", cityBody, quoted),
		hashOf("lines of Windows hashed", "", bulkBody, replace("\n", "\r\n")),
		hashOf("no newline at the end hashed", "elastic/elasticsearch-py#1197", bulkBody, strings.TrimSpace),
		hashOf("pretty body hashed", "", cityBody, pretty),
		hashOf("the word null hashed", "danielberkompas/elasticsearch-elixir#83", cityBody, func(string) string {
			return "null"
		}),
		hashOf("undefined hashed", "TheDeveloper/http-aws-es#43", cityBody, func(string) string { return "undefined" }),
		hashOf("an object as a text hashed", "TheDeveloper/http-aws-es#43", cityBody, func(string) string {
			return "[object Object]"
		}),
		hashOf("empty object hashed", "", cityBody, func(string) string { return "{}" }),
		hashOf("a part of the body hashed", "acm19/aws-request-signing-apache-interceptor#31", bulkBody,
			func(s string) string { return s[:len(s)/2] }),
		hash("hash in capitals", "", strings.ToUpper),
		hash("hash in base64", "", func(s string) string {
			raw, _ := hex.DecodeString(s)
			return base64.StdEncoding.EncodeToString(raw)
		}),
		hash("streaming signature", "", func(string) string { return "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" }),
		hash("no hash", "", func(string) string { return "" }),
		written("newline added for _bulk", "elastic/elasticsearch-py#1197", strings.TrimSpace(bulkBody),
			func(s string) string { return s + "\n" }),
		binary(written("mark of the byte order", "", cityBody, func(s string) string { return "\ufeff" + s })),
		binary(written("zero byte at the end", "acm19/aws-request-signing-apache-interceptor#31", cityBody,
			func(s string) string { return s + "\x00" })),
		written("body as a form", "mhart/aws4#90", cityBody, url.QueryEscape),
		written("object sent as a text", "TheDeveloper/http-aws-es#43", cityBody, func(string) string {
			return "[object Object]"
		}),
		binary(written("sent in Latin-1", "aws/aws-sdk-js#2776", cityBody, replace("ü", "\xfc"))),
		written("cut at its length in characters", "aws/aws-sdk-js#2776", cityBody, func(s string) string {
			return s[:len([]rune(s))]
		}),
		way("pretty on the way", "", cityBody, pretty),
		way("ASCII escapes on the way", "", cityBody, replace("ü", `\u00fc`)),
		way("password masked on the way", "", cityBody, replace("hunter2", "*******")),
		way("number written anew", "aws/aws-sdk-cpp#323", bulkBody, replace("1.50", "1.5")),
		way("members in another order", "", cityBody, func(string) string {
			return `{"password":"hunter2","query":{"match":{"city":"Zürich"}}}`
		}),
		way("lines of Windows on the way", "", bulkBody, replace("\n", "\r\n")),
		way("cut on the way", "", bulkBody, func(s string) string { return s[:len(s)-8] }),
		way("last newline cut on the way", "", bulkBody, strings.TrimSpace),
		binary(way("recoded on the way", "", cityBody, replace("ü", "\xfc"))),
		removed,
	}
}

// signatureOf changes the signature that the client sends.
func signatureOf(f func(string) string) func(*hostile.Sent) {
	return func(s *hostile.Sent) {
		head, signature, _ := strings.Cut(s.Header.Get("Authorization"), "Signature=")
		s.Header.Set("Authorization", head+"Signature="+f(signature))
	}
}

func authorization(old, with string) func(*hostile.Sent) {
	return func(s *hostile.Sent) {
		s.Header.Set("Authorization", strings.Replace(s.Header.Get("Authorization"), old, with, 1))
	}
}

// signWithKey signs what a client sends anew, with a key that is derived of start as it is.
func signWithKey(s *hostile.Sent, start string) {
	head, date, scope, canonical := signed(s)
	mac := func(key []byte, text string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	key := []byte(start)
	for _, part := range []string{scope.Day, scope.Region, scope.Service, "aws4_request"} {
		key = mac(key, part)
	}
	s.Header.Set("Authorization", head+"Signature="+hex.EncodeToString(mac(key, scope.StringToSign(date, canonical))))
}

// presign moves the signature of a request into its query, made so long ago and for so many seconds.
func presign(s *hostile.Sent, ago time.Duration, seconds int) {
	head, date, scope, _ := signed(s)
	_, credential, _ := strings.Cut(head, "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	if at, err := time.Parse("20060102T150405Z", date); err == nil {
		date = at.Add(-ago).Format("20060102T150405Z")
		credential = strings.Replace(credential, "/"+scope.Day+"/", "/"+date[:8]+"/", 1)
		scope.Day = date[:8]
	}
	s.Target += "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + url.QueryEscape(credential) +
		"&X-Amz-Date=" + date + "&X-Amz-Expires=" + strconv.Itoa(seconds) + "&X-Amz-Security-Token=" +
		url.QueryEscape(s.Header.Get("X-Amz-Security-Token")) + "&X-Amz-SignedHeaders=host"
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"} {
		s.Header.Del(name)
	}
	covered := sigv4.Covered{
		Method: s.Method, Target: s.Target, Host: s.Host, SignedHeaders: []string{"host"}, Header: s.Header,
		PayloadHash: sigv4.EmptyPayloadHash, Presigned: true,
	}
	text := scope.StringToSign(date, covered.CanonicalRequest())
	s.Target += "&X-Amz-Signature=" + scope.Derive(explainSecret).Sign(text)
}

func blindPresigned() []mistake {
	now := func(s *hostile.Sent) { presign(s, 0, 300) }
	return []mistake{
		{
			name: "parameter added to a presigned URL", from: "soto-project/soto#450", cause: explain.CausePathEncoding,
			inside: func(s *hostile.Sent) { now(s); s.Target += "&pretty=true" },
		},
		{
			name: "date math of a presigned URL encoded anew", from: "soto-project/soto#450", target: "/idx/_doc/a%2Fb",
			cause: explain.CausePathEncoding, inside: func(s *hostile.Sent) { now(s); retarget("%2F", "%252F")(s) },
		},
		{
			name: "host of a presigned URL", from: "repost.aws, presigned URL mismatch", cause: explain.CauseHeaderChanged,
			line: "header host", inside: now, onWay: func(s *hostile.Sent) { s.Host = "proxy.internal" },
		},
		{
			name: "presigned URL used with another method", from: "repost.aws, presigned URL mismatch", method: "POST",
			cause: explain.CauseHeaderChanged, line: "method", inside: func(s *hostile.Sent) {
				s.Method = http.MethodGet
				now(s)
				s.Method = http.MethodPost
			},
		},
		{
			name: "presigned URL of yesterday", from: "repost.aws, presigned URL mismatch", cause: explain.CauseClockSkew,
			inside: func(s *hostile.Sent) { presign(s, 24*time.Hour, 3600) },
		},
	}
}

// blindHomeMade are mistakes of people who write the signer themselves. The table has no cause for most of them: the
// open one is right.
func blindHomeMade() []mistake {
	const open = explain.CauseSignature
	return []mistake{
		{name: "signature in capitals", cause: open, inside: signatureOf(strings.ToUpper)},
		{name: "signature cut", cause: open, inside: signatureOf(func(s string) string { return s[:40] })},
		{name: "signature in base64", from: "r7kamura/rapa#1", cause: open, inside: signatureOf(func(s string) string {
			raw, _ := hex.DecodeString(s)
			return base64.StdEncoding.EncodeToString(raw)
		})},
		{
			name: "AWS4 left out of the key", cause: open, inside: func(s *hostile.Sent) { signWithKey(s, explainSecret) },
		},
		{name: "scope without its end", cause: open, inside: authorization("/aws4_request", "")},
		{name: "another algorithm", cause: open, inside: authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1")},
		{
			name: "ten minutes behind", from: "aws/aws-sdk-php#537", cause: explain.CauseClockSkew,
			inside: func(s *hostile.Sent) { shiftDate(s, -10*time.Minute) },
		},
		{
			name: "sent again after twelve days", from: "boto/botocore#2465", cause: explain.CauseClockSkew,
			inside: func(s *hostile.Sent) { shiftDate(s, -12*24*time.Hour) },
		},
		{
			name: "a quarter of an hour ahead", from: "aws-amplify/amplify-js#7913", cause: explain.CauseClockSkew,
			inside: func(s *hostile.Sent) { shiftDate(s, 15*time.Minute) },
		},
		{
			name: "HEAD made a GET by a cache", method: http.MethodHead, target: "/idx", cause: explain.CauseProxy,
			line: "method", onWay: func(s *hostile.Sent) { s.Method = http.MethodGet },
		},
		{
			name: "PUT made a POST", method: http.MethodPut, target: "/idx/_doc/1", body: `{"a":1}`,
			cause: explain.CauseProxy, line: "method", onWay: func(s *hostile.Sent) { s.Method = http.MethodPost },
		},
		{
			name: "a bearer's token in place of the signature", from: "mhart/aws4#73", cause: explain.CauseProxy,
			onWay: set("Authorization", "Bearer abc"),
		},
	}
}
