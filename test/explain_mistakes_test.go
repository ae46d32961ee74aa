package test

import (
	"bytes"
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

// mistake is one signing mistake. It is made in one of three places: in the settings of the client, between its signer
// and the wire (the client shows what it sends then), or on the way (the client shows what it signed).
type mistake struct {
	name string
	// from names the public thread that the mistake is taken from; most of the others are variants of these.
	from string
	// The request; a GET of /idx/_search when empty.
	method, target, body string
	headers              map[string]string

	settings func(*run)
	bug      bug
	keyDay   int // the client's signing key is of another day
	inside   func(*hostile.Sent)
	onWay    func(*hostile.Sent)
	// cause is what the explainer has to name; line, when it is set, the first line that differs.
	cause, line string
	// forms limits how the exchange can be shown: bodies that are no text can be in an archive only.
	archived bool
	// blind mistakes were written by somebody who had not seen the explainer.
	blind bool
}

// bug is how a signer makes its canonical request of the right one and of what is sent.
type bug func(canonical string, s *hostile.Sent) string

// run is how a client is run.
type run struct {
	secret, token, keyID, region, service string
}

const (
	explainSecret = "night-secret"
	explainToken  = "night-token-IQoJb3JpZ2luX2VjENf//////////wEaCXVzLWVhc3QtMSJHMEUCIQDP4"
	searchBody    = `{"query": {"match": {"t": "x"}}, "size": 1}`
)

// onLine makes a bug of one replacement in the canonical request.
func onLine(old, with string) bug {
	return func(c string, _ *hostile.Sent) string { return strings.Replace(c, old, with, 1) }
}

// payload makes a bug that signs another body.
func payload(hash string) bug {
	return func(c string, _ *hostile.Sent) string { return c[:strings.LastIndexByte(c, '\n')+1] + hash }
}

// query makes a bug that signs another query.
func query(f func(string) string) bug {
	return func(c string, _ *hostile.Sent) string {
		lines := strings.SplitN(c, "\n", 4)
		lines[2] = f(lines[2])
		return strings.Join(lines, "\n")
	}
}

func constant(s string) func(string) string { return func(string) string { return s } }

func set(name, value string) func(*hostile.Sent) {
	return func(s *hostile.Sent) { s.Header.Set(name, value) }
}

func drop(name string) func(*hostile.Sent) { return func(s *hostile.Sent) { s.Header.Del(name) } }

func retarget(old, with string) func(*hostile.Sent) {
	return func(s *hostile.Sent) { s.Target = strings.Replace(s.Target, old, with, 1) }
}

func compacted(b []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return b
	}
	return out.Bytes()
}

// explainMistakes are the mistakes. About half of them are what somebody wrote in a public thread.
func explainMistakes() []mistake {
	const (
		pathEncoding, headerChanged = explain.CausePathEncoding, explain.CauseHeaderChanged
		bodyChanged, between        = explain.CauseBodyChanged, explain.CauseProxy
		search                      = "/idx/_search"
	)
	post := mistake{method: "POST", target: search, body: searchBody}
	with := func(m mistake, f func(*mistake)) mistake { f(&m); return m }
	return append(blindMistakes(), []mistake{
		// In the settings of the client.
		{
			name: "another secret", from: "mailerlite/laravel-elasticsearch#62", cause: explain.CauseSecretWrong,
			settings: func(r *run) { r.secret = "day-secret" },
		},
		with(post, func(m *mistake) {
			m.name, m.cause = "another secret, with a body", explain.CauseSecretWrong
			m.settings = func(r *run) { r.secret = "day-secret" }
		}),
		{name: "unknown key", cause: explain.CauseKeyUnknown, settings: func(r *run) {
			r.keyID, r.token = "AKIAUNKNOWN", ""
		}},
		{
			name: "no token", from: "elasticsearch-dump/elasticsearch-dump#328", cause: explain.CauseTokenMissing,
			settings: func(r *run) { r.token = "" },
		},
		{
			name: "token of another session", from: "aws/aws-for-fluent-bit#187", cause: explain.CauseTokenInvalid,
			settings: func(r *run) { r.token = "day-token" },
		},
		{name: "expired session", from: "Yelp/elastalert#983", cause: explain.CauseExpired, settings: func(r *run) {
			r.keyID, r.secret, r.token = "ASIAEXPIRED", "old-secret", "old-token"
		}},
		{
			name: "default region", from: "joona/aws-es-curl#15", cause: explain.CauseRegionWrong,
			settings: func(r *run) { r.region = "us-east-1" },
		},
		{
			name: "region custom", from: "vectordotdev/vector#2403", cause: explain.CauseRegionWrong,
			settings: func(r *run) { r.region = "custom" },
		},
		{
			name: "service opensearch", from: "elasticsearch-dump/elasticsearch-dump#661", cause: explain.CauseServiceWrong,
			settings: func(r *run) { r.service = "opensearch" },
		},
		{
			name: "service execute-api", cause: explain.CauseServiceWrong,
			settings: func(r *run) { r.service = "execute-api" },
		},

		// In the client's signer.
		{
			name: "path encoded once", from: "searchbox-io/Jest#514", target: "/idx/_doc/a%2Fb", cause: pathEncoding,
			line: "path", bug: onLine("%252F", "%2F"),
		},
		{
			name: "star raw", from: "mhart/aws4#12", target: "/idx*/_search", cause: pathEncoding, line: "path",
			bug: onLine("%2A", "*"),
		},
		{
			name: "comma raw", from: "sharetribe/aws-sig4#4", target: "/idx,idx2/_search", cause: pathEncoding, line: "path",
			bug: onLine("%2C", ","),
		},
		{
			name: "at and colon raw", from: "opensearch-project/opensearch-py#833", target: "/idx/_doc/a@b:c",
			cause: pathEncoding, line: "path", bug: func(c string, s *hostile.Sent) string {
				return strings.NewReplacer("%40", "@", "%3A", ":").Replace(c)
			},
		},
		{
			name: "path left out", from: "mhart/aws4#29", cause: pathEncoding, line: "path",
			bug: onLine("\n"+search+"\n", "\n/\n"),
		},
		{
			name: "slash at the end cut", from: "abutaha/aws-es-proxy (path.Clean)", target: "/idx/_search/",
			cause: pathEncoding, line: "path", bug: onLine("/_search/\n", "/_search\n"),
		},
		{name: "path decoded", target: "/idx/_doc/a%20b", cause: pathEncoding, line: "path", bug: onLine("%2520", " ")},
		{
			name: "path encoded three times", target: "/idx/_doc/a%20b", cause: pathEncoding, line: "path",
			bug: onLine("%2520", "%252520"),
		},
		{
			name: "query not sorted", from: "curl/curl#9717", target: search + "?size=1&from=2", cause: pathEncoding,
			line: "query", bug: func(c string, s *hostile.Sent) string {
				_, q, _ := strings.Cut(s.Target, "?")
				return query(constant(q))(c, s)
			},
		},
		{
			name: "query left out", from: "nulib/dc-api-v2#389", target: search + "?size=1", cause: pathEncoding,
			line: "query", bug: query(constant("")),
		},
		{
			name: "query as the body of a POST", from: "aws/aws-sdk-java#2205", method: "POST",
			target: "/idx/_refresh?ignore_unavailable=true", cause: pathEncoding, line: "query", bug: func(c string,
				s *hostile.Sent,
			) string {
				q := strings.Split(c, "\n")[2]
				return payload(sigv4.HashPayload([]byte(q)))(query(constant(""))(c, s), s)
			},
		},
		{
			name: "plus for a space", from: "bryanjos/aws_auth#22", target: search + "?q=a%20b", cause: pathEncoding,
			line: "query", bug: query(func(q string) string { return strings.ReplaceAll(q, "%20", "+") }),
		},
		{
			name: "query encoded twice", from: "okigan/awscurl#216", target: search + "?q=a%3Ab", cause: pathEncoding,
			line: "query", bug: query(func(q string) string { return strings.ReplaceAll(q, "%3A", "%253A") }),
		},
		{
			name: "host without its port", from: "SumoLogic/elasticsearch-client#99", cause: headerChanged,
			line: "header host", bug: func(c string, s *hostile.Sent) string {
				return regexp.MustCompile(`(?m)^host:(.*):[0-9]+$`).ReplaceAllString(c, "host:$1")
			},
		},
		{
			name: "host of the tunnel", from: "badslug/Paw-AWSSignature4DynamicValue#31", cause: headerChanged,
			line: "header host", bug: func(c string, s *hostile.Sent) string {
				return regexp.MustCompile(`(?m)^host:.*$`).ReplaceAllString(c, "host:localhost:9200")
			},
		},
		{
			name: "method in small letters", from: "mhart/aws4#90", cause: headerChanged, line: "method",
			bug: onLine("GET\n", "get\n"),
		},
		with(post, func(m *mistake) {
			m.name, m.from, m.cause, m.line = "empty body signed", "opensearch-project/opensearch-go#492", bodyChanged,
				"payload hash"
			m.bug = payload(sigv4.EmptyPayloadHash)
		}),
		with(post, func(m *mistake) {
			m.name, m.from, m.cause, m.line = "unsigned payload", "aws-sigv4-proxy --unsigned-payload", bodyChanged,
				"payload hash"
			m.bug = payload("UNSIGNED-PAYLOAD")
		}),
		{
			name: "date moved after signing", from: "mhart/aws4fetch#73", cause: headerChanged, line: "header x-amz-date",
			inside: func(s *hostile.Sent) {
				if at, err := time.Parse("20060102T150405Z", s.Header.Get("X-Amz-Date")); err == nil {
					s.Header.Set("X-Amz-Date", at.Add(70*time.Second).Format("20060102T150405Z"))
				}
			},
		},

		// Between the signer and the wire.
		with(post, func(m *mistake) {
			m.name, m.from, m.cause, m.line = "JSON written anew", "mhart/aws4#90", bodyChanged, "payload hash"
			m.inside = func(s *hostile.Sent) { s.SetBody(compacted(s.Body)) }
		}),
		with(post, func(m *mistake) {
			m.name, m.from, m.cause = "compressed after signing",
				"amazon-archives/aws-request-signing-apache-interceptor#10", bodyChanged
			m.archived = true
			m.inside = func(s *hostile.Sent) {
				s.SetBody(gzipped(s.Body))
				s.Header.Set("Content-Encoding", "gzip")
			}
		}),
		{name: "only Authorization copied", from: "mhart/aws4#73", cause: headerChanged, inside: func(s *hostile.Sent) {
			s.Header.Del("X-Amz-Date")
			s.Header.Del("Date")
		}},

		// On the way.
		{
			name: "host of a proxy", from: "TheDeveloper/http-aws-es#64", cause: headerChanged, line: "header host",
			onWay: func(s *hostile.Sent) { s.Host = "proxy.internal" },
		},
		{
			name: "port taken from Host", from: "justsml/ssl-proxy#19", cause: headerChanged, line: "header host",
			onWay: func(s *hostile.Sent) { s.Host, _, _ = strings.Cut(s.Host, ":") },
		},
		with(post, func(m *mistake) {
			m.name, m.from, m.cause, m.line = "charset added", "elastic client behind a rewriting proxy", headerChanged,
				"header content-type"
			m.onWay = set("Content-Type", "application/json;charset=UTF-8")
		}),
		{
			name: "address added", from: "FantasticFiasco/aws-signature-version-4#1067", cause: headerChanged,
			line: "header x-forwarded-for", headers: map[string]string{"X-Forwarded-For": "10.0.0.1"},
			onWay: set("X-Forwarded-For", "10.0.0.1, 10.0.0.2"),
		},
		{
			name: "own header taken off", cause: headerChanged, line: "header x-amz-note",
			headers: map[string]string{"X-Amz-Note": "one"}, onWay: drop("X-Amz-Note"),
		},
		{
			name: "own header changed", cause: headerChanged, line: "header x-amz-note",
			headers: map[string]string{"X-Amz-Note": "one"}, onWay: set("X-Amz-Note", "two"),
		},
		{
			name: "accept-encoding written anew", from: "aws/aws-sdk-go-v2#1816", cause: headerChanged,
			line: "header accept-encoding", headers: map[string]string{"Accept-Encoding": "gzip"},
			onWay: set("Accept-Encoding", "gzip, br"),
		},
		{name: "token cut", cause: headerChanged, line: "header x-amz-security-token", onWay: func(s *hostile.Sent) {
			token := s.Header.Get("X-Amz-Security-Token")
			s.Header.Set("X-Amz-Security-Token", token[:len(token)/2])
		}},
		{name: "date taken off", cause: headerChanged, onWay: func(s *hostile.Sent) {
			s.Header.Del("X-Amz-Date")
			s.Header.Del("Date")
		}},
		{name: "date moved on the way", cause: headerChanged, line: "header x-amz-date", onWay: func(s *hostile.Sent) {
			s.Header.Set("X-Amz-Date", time.Now().UTC().Add(time.Minute+30*time.Second).Format("20060102T150405Z"))
		}},
		with(post, func(m *mistake) {
			m.name, m.from, m.cause = "body lost", "olivere/elastic#924", bodyChanged
			m.onWay = func(s *hostile.Sent) { s.SetBody(nil) }
		}),
		with(post, func(m *mistake) {
			m.name, m.from, m.cause = "body compressed on the way", "bcuff/elasticsearch-net-aws#64", bodyChanged
			m.onWay = func(s *hostile.Sent) { s.SetBody(gzipped(s.Body)); s.Header.Set("Content-Encoding", "gzip") }
		}),
		with(post, func(m *mistake) {
			m.name, m.cause = "body written anew on the way", bodyChanged
			m.onWay = func(s *hostile.Sent) { s.SetBody(compacted(s.Body)) }
		}),
		with(post, func(m *mistake) {
			m.name, m.cause = "a byte of the body changed", bodyChanged
			m.onWay = func(s *hostile.Sent) { s.Body = bytes.Replace(s.Body, []byte("x"), []byte("y"), 1) }
		}),
		{
			name: "escape decoded on the way", from: "nginx proxy_pass with a URI", target: "/idx/_doc/a%2Fb",
			cause: pathEncoding, line: "path", onWay: retarget("%2F", "/"),
		},
		{
			name: "star escaped on the way", from: "grafana/k6-jslib-aws#135", target: "/idx*/_search", cause: pathEncoding,
			line: "path", onWay: retarget("*", "%2A"),
		},
		{
			name: "escape in small letters", target: "/idx/_doc/a%2Fb", cause: pathEncoding, line: "path",
			onWay: retarget("%2F", "%2f"),
		},
		{
			name: "prefix taken off", from: "elastic behind a path prefix", target: "/es/idx/_search", cause: between,
			line: "path", onWay: retarget("/es/", "/"),
		},
		{name: "prefix added", cause: between, line: "path", onWay: retarget("/idx/", "/es/idx/")},
		{
			name: "parameter lost", from: "Go's ReverseProxy and ;", target: search + "?size=1&from=2", cause: between,
			line: "query", onWay: retarget("from=2", ""),
		},
		{
			name: "parameter added", target: search + "?size=1", cause: between, line: "query",
			onWay: retarget("?", "?source=proxy&"),
		},
		{
			name: "query encoded again", target: search + "?q=a%2Ab", cause: pathEncoding, line: "query",
			onWay: retarget("%2A", "%252A"),
		},
		{name: "Authorization taken off", from: "awslabs/aws-sigv4-proxy#15", cause: between, onWay: drop("Authorization")},
		{
			name: "Authorization replaced", from: "sivasamyk/logtrail#323", cause: between,
			onWay: set("Authorization", "Basic YWRtaW46YWRtaW4="),
		},
		{name: "signed again by a proxy", cause: between, onWay: func(s *hostile.Sent) {
			date := s.Header.Get("X-Amz-Date")
			s.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=ASIANIGHT/"+date[:min(8, len(date))]+
				"/eu-west-1/es/aws4_request, SignedHeaders=host, Signature="+sigv4.EmptyPayloadHash)
		}},
		with(post, func(m *mistake) {
			m.name, m.from, m.cause, m.line = "POST made a GET by a redirect", "awslabs/aws-sigv4-proxy#15 (redirects)",
				between, "method"
			m.onWay = func(s *hostile.Sent) { s.Method = http.MethodGet }
		}),
		// What threads tell that were read after the explainer was written.
		{
			name: "spaces in a header kept", from: "aws/aws-sdk-go#4141", cause: headerChanged, line: "header x-amz-note",
			headers: map[string]string{"X-Amz-Note": "a  b"}, bug: onLine("x-amz-note:a b", "x-amz-note:a  b"),
		},
		{
			name: "plus for a space in the path", from: "http4k/http4k#656", target: "/idx/_doc/a%20b", cause: pathEncoding,
			line: "path", bug: onLine("%2520", "+"),
		},
		with(post, func(m *mistake) {
			m.name, m.from, m.cause = "length in characters", "aws/aws-sdk-js#2776", headerChanged
			m.body, m.line = `{"query":{"match":{"t":"ü"}}}`, "header content-length"
			m.bug = func(c string, s *hostile.Sent) string {
				return strings.Replace(c, "content-length:"+strconv.Itoa(len(s.Body)),
					"content-length:"+strconv.Itoa(len([]rune(string(s.Body)))), 1)
			}
		}),
		with(post, func(m *mistake) {
			m.name, m.from, m.cause, m.line = "body hashed in Latin-1", "Wantworthy/dynode#16", bodyChanged, "payload hash"
			m.body = `{"query":{"match":{"t":"ü"}}}`
			m.bug = payload(sigv4.HashPayload([]byte("{\"query\":{\"match\":{\"t\":\"\xfc\"}}}")))
		}),
		{
			name: "equals sign raw in a value", from: "inreachventures/aws-signing-request-interceptor#17",
			target: "/_search/scroll?scroll_id=MDs%3D", cause: pathEncoding, line: "query",
			bug: onLine("MDs%3D", "MDs="),
		},
		{
			name: "query left out by a proxy that signs", from: "cllunsford/aws-signing-proxy#2",
			target: "/_plugin/kibana/styles/main.css?_b=6103", cause: pathEncoding, line: "query",
			bug: query(constant("")),
		},
		{
			name: "day of the scope in local time", from: "akka/alpakka#1678", cause: explain.CauseClockSkew,
			inside: func(s *hostile.Sent) { shiftScope(s, 1) },
		},
		{
			name: "local time written as UTC", from: "go-amz/amz#69", cause: explain.CauseClockSkew,
			inside: func(s *hostile.Sent) { shiftDate(s, 8*time.Hour) },
		},
		{
			name: "time of daylight saving", from: "async-aws/aws#1975", cause: explain.CauseClockSkew,
			inside: func(s *hostile.Sent) { shiftDate(s, -time.Hour) },
		},
		{
			name: "repeated names not sorted by value", from: "soto-project/soto-core#412",
			target: search + "?ids=c&ids=a", cause: pathEncoding, line: "query",
			bug: func(c string, s *hostile.Sent) string {
				if strings.Contains(s.Target, "ids=a&ids=c") {
					return c // the client has sorted what it sends, too
				}
				return strings.Replace(c, "ids=a&ids=c", "ids=c&ids=a", 1)
			},
		},
		{
			name: "sorted as whole strings", from: "mhart/aws4#103", target: search + "?select=&select-type=2",
			cause: pathEncoding, line: "query", bug: onLine("select=&select-type=2", "select-type=2&select="),
		},
		{
			name: "sorted before it is encoded", from: "aws/aws-sdk-php#3200",
			target: search + "?param%5B1%5D=a&param%5B10%5D=b", cause: pathEncoding, line: "query",
			bug: onLine("param%5B1%5D=a&param%5B10%5D=b", "param%5B10%5D=b&param%5B1%5D=a"),
		},
		{
			name: "parameters without a value dropped", from: "opensearch-project/opensearch-migrations#1031",
			target: "/_cat/indices?v=", cause: pathEncoding, line: "query", bug: onLine("v=&", ""),
		},
		{
			name: "slash added", from: "postmanlabs/postman-app-support#7585", cause: pathEncoding, line: "path",
			bug: onLine("/_search\n", "/_search/\n"),
		},
		{
			name: "key of yesterday", from: "anomalizer/ngx_aws_auth#70", cause: explain.CauseClockSkew, keyDay: -1,
			bug: func(c string, _ *hostile.Sent) string { return c },
		},
		{
			name: "token encoded for a URL", from: "aws-beam/aws-erlang#167", cause: explain.CauseTokenInvalid,
			settings: func(r *run) { r.token = url.QueryEscape(r.token) },
		},
		{
			name: "product added to user-agent", from: "aws/aws-sdk-cpp#323", cause: headerChanged,
			line: "header user-agent", headers: map[string]string{"User-Agent": "shop/1"},
			onWay: set("User-Agent", "shop/1 proxy/2"),
		},
		{
			name: "trace of a load balancer", from: "aws/aws-sdk-js#1269", cause: headerChanged,
			line: "header x-amzn-trace-id", headers: map[string]string{"X-Amzn-Trace-Id": "Root=1-5"},
			onWay: set("X-Amzn-Trace-Id", "Self=1-6;Root=1-5"),
		},
		{
			name: "range taken off", from: "aws/aws-sdk-go-v2#2722", cause: headerChanged, line: "header range",
			headers: map[string]string{"Range": "bytes=0-10"}, onWay: drop("Range"),
		},
		with(post, func(m *mistake) {
			m.name, m.from, m.cause = "length made chunks", "aws/mcp-proxy-for-aws#313", headerChanged
			m.line = "header content-length"
			m.onWay = func(s *hostile.Sent) {
				s.Header.Del("Content-Length")
				s.Header.Set("Transfer-Encoding", "chunked")
			}
		}),
		{
			name: "connection taken off", from: "stacklok/toolhive#5835", cause: headerChanged,
			line: "header connection", headers: map[string]string{"Connection": "keep-alive"},
			onWay: drop("Connection"),
		},
		{
			name: "address of a worker", from: "mhart/aws4fetch#77", cause: headerChanged,
			line: "header cf-connecting-ip", headers: map[string]string{"Cf-Connecting-Ip": "10.0.0.1"},
			onWay: set("Cf-Connecting-Ip", "10.0.0.9"),
		},
		{
			name: "slashes not joined", from: "elastic/elasticsearch-ruby#278", target: "//idx/_search",
			cause: pathEncoding, line: "path", bug: onLine("\n/idx/", "\n//idx/"),
		},
		{
			name: "path decoded and encoded once", from: "inreachventures/aws-signing-request-interceptor#28",
			target: "/idx-*/_doc/joe%40example.com", cause: pathEncoding, line: "path", bug: onLine("%2540", "%40"),
		},
		{
			name: "colons raw", from: "carsales/aws-request-signer#11",
			target: "/_plugin/kibana/api/kibana/settings/discover:aggs:terms:size", cause: pathEncoding, line: "path",
			bug: func(c string, _ *hostile.Sent) string { return strings.ReplaceAll(c, "%3A", ":") },
		},
		{
			name: "empty path signed", from: "adam-fowler/aws-signer-v4#5", target: "/", cause: pathEncoding, line: "path",
			bug: onLine("\n/\n", "\n\n"),
		},
		{
			name: "spaces in quotes kept", from: "boto/boto#2142", cause: headerChanged, line: "header x-amz-note",
			headers: map[string]string{"X-Amz-Note": `"a   b"`}, bug: onLine(`"a b"`, `"a   b"`),
		},
		{
			name: "query not escaped", from: "DavidMuller/aws-requests-auth#2", target: search + "?q=n%3Aa%2Fb",
			cause: pathEncoding, line: "query",
			bug: query(func(q string) string { return strings.NewReplacer("%3A", ":", "%2F", "/").Replace(q) }),
		},
		{
			name: "space before header values", from: "NetSPI/AWSSigner#45", cause: headerChanged,
			bug: func(c string, _ *hostile.Sent) string {
				return regexp.MustCompile(`(?m)^([a-z0-9-]+):`).ReplaceAllString(c, "$1: ")
			},
		},
		{
			name: "header names in capitals", from: "fog/fog-aws#4", cause: headerChanged,
			bug: func(c string, _ *hostile.Sent) string {
				return regexp.MustCompile(`(?m)^([a-z0-9-]+):`).ReplaceAllStringFunc(c, func(name string) string {
					return http.CanonicalHeaderKey(strings.TrimSuffix(name, ":")) + ":"
				})
			},
		},
	}...)
}

// shiftScope moves the day of the scope that the Authorization header has.
func shiftScope(s *hostile.Sent, days int) {
	old := s.Header.Get("X-Amz-Date")
	if day, err := time.Parse("20060102", old[:min(8, len(old))]); err == nil {
		s.Header.Set("Authorization", strings.Replace(s.Header.Get("Authorization"), "/"+old[:8]+"/",
			"/"+day.AddDate(0, 0, days).Format("20060102")+"/", 1))
	}
}

// shiftDate moves the time of a signature, and the day of its scope with it.
func shiftDate(s *hostile.Sent, by time.Duration) {
	old := s.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", old)
	if err != nil {
		return
	}
	date := at.Add(by).Format("20060102T150405Z")
	s.Header.Set("X-Amz-Date", date)
	s.Header.Set("Authorization", strings.Replace(s.Header.Get("Authorization"), "/"+old[:8]+"/", "/"+date[:8]+"/", 1))
}
