package explain

import (
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// lore is what is known about a line that differs.
type lore struct {
	// lines are names of lines; one that ends in a space stands for all headers.
	lines   []string
	means   string
	fix     string
	clients []string
}

// table has what the issue threads of signers and clients say about each line. The first entry with the line is taken.
var table = []lore{
	{
		lines: []string{linePath},
		means: "a domain encodes the path as it is sent once more (%2F becomes %252F, * becomes %2A), after it resolved // " +
			"and dot segments. A signer with the rules of S3 encodes once; a proxy may decode, resolve or shorten the path",
		fix: "sign the path as it is on the wire, encoded once more; let proxies pass the raw path",
		clients: []string{
			"curl --aws-sigv4 before 8.3: paths with %, * or , (curl#7559)",
			"aws-sdk-go and what signs with it: // and dot segments (aws-es-proxy#28)",
			"aws4 when no path is given to it (aws4#29)",
			"nginx with a URI in proxy_pass, and Go's ReverseProxy behind a ServeMux: they decode and resolve the path",
		},
	},
	{
		lines: []string{lineQuery},
		means: "a domain decodes each parameter, encodes it once and sorts them; a space is %20, a name without a value " +
			"gets =. A client that signs the query as it is written, or a proxy that drops or rewrites parameters, differs",
		fix: "write the query encoded and sorted (?q=n%3A1), or use a client that signs what it sends",
		clients: []string{
			"botocore's SigV4Auth with a query in the URL: it does not encode it",
			"opensearch-py 3.x: a space is sent as + and signed as one (opensearch-py#833)",
			"awscurl: an encoded query is encoded once more (awscurl#216)",
			"curl --aws-sigv4 before 8.3: not sorted, not completed (curl#8107, curl#9717)",
			"aws-sdk-go and Go proxies: parameters with ; or a bare % are dropped",
		},
	},
	{
		lines: []string{lineHeader + "host"},
		means: "the name that was signed is not the Host that arrived: a tunnel, a port-forward, a custom endpoint or a " +
			"proxy that sets Host to its own, or a client that leaves the port out",
		fix: "sign for the domain's own name and send it as Host, wherever the connection goes " +
			"(penstock: --sign-for, --connect-to; nginx: proxy_set_header Host)",
		clients: []string{
			"opensearch-go, opensearch-py and botocore through a tunnel (opensearch-go#370, opensearch-py#1006)",
			"http-aws-es and acuris-aws-es-connection behind nginx (http-aws-es#64)",
		},
	},
	{
		lines: []string{lineHeader + "x-amz-date", lineHeader + "date"},
		means: "the date that was signed is not the one that was sent: it was set after signing, or taken twice",
		fix:   "let the signer set x-amz-date, and do not touch it afterwards",
		clients: []string{
			"aws4fetch with an x-amz-date of one's own (aws4fetch#73)",
			"http-proxy-middleware that copies some of the signed headers only (aws4#73)",
		},
	},
	{
		lines: []string{lineHeader + "x-amz-security-token"},
		means: "the session token that was signed is not the one that arrived: cut, encoded, or taken off by a proxy",
		fix:   "pass x-amz-security-token on as it is, and take key, secret and token from one place",
		clients: []string{
			"proxies with a limit on the length of headers: tokens are a kilobyte and more",
		},
	},
	{
		lines: []string{
			lineHeader + "connection", lineHeader + "transfer-encoding", lineHeader + "te", lineHeader + "expect",
			lineHeader + "keep-alive", lineHeader + "upgrade", lineHeader + "proxy-connection", lineHeader + "trailer",
		},
		means: "the header belongs to one connection, and every proxy and HTTP library sets it anew",
		fix:   "do not sign it: host, x-amz-date, x-amz-security-token and x-amz-content-sha256 are enough",
		clients: []string{
			"opensearch-py 3.2 with aiohttp (opensearch-py#1044)", "aws-sdk-java-v2 with chunked bodies",
			"aws-signing-request-interceptor (#20)",
		},
	},
	{
		lines: []string{
			lineHeader + "x-forwarded-for", lineHeader + "x-forwarded-proto", lineHeader + "x-forwarded-port",
			lineHeader + "x-forwarded-host", lineHeader + "x-real-ip", lineHeader + "via", lineHeader + "forwarded",
			lineHeader + "x-amzn-trace-id", lineHeader + "x-request-id",
		},
		means:   "load balancers, VPC endpoints and proxies add to this header on the way",
		fix:     "take it off before signing, or do not sign it",
		clients: []string{"signing proxies that sign what they were sent (grafana#28481, aws-signature-version-4#1067)"},
	},
	{
		lines: []string{lineHeader + "content-length"},
		means: "an HTTP library sets the length itself: some send 0 with GET, others leave it out",
		fix:   "do not sign content-length: the hash of the body covers it",
		clients: []string{
			"aws4 before 1.13 on a GET with length 0", "aws-signing-request-interceptor (#37)", "grafana-aws-sdk before #48",
		},
	},
	{
		lines:   []string{lineHeader + "accept-encoding", lineHeader + "accept", lineHeader + "user-agent"},
		means:   "HTTP libraries, proxies and content networks write this header anew",
		fix:     "do not sign it",
		clients: []string{"aws-sdk-go behind a proxy or CDN", "signers that sign all headers (opensearch-py 3.2, aws4)"},
	},
	{
		lines: []string{lineHeader + "content-type", lineHeader + "content-encoding"},
		means: "the type was set or completed after signing: HTTP libraries add a charset, or drop it without a body",
		fix:   "set the header, charset included, before signing; or do not sign it",
		clients: []string{
			"axios and request, which set content-type for objects themselves (aws4#90)",
			"Apache HttpClient, which adds a charset",
		},
	},
	{
		lines: []string{linePayload, lineHeader + "x-amz-content-sha256"},
		means: "the body that arrived is not the one that was hashed: compressed, written anew as JSON, sent in chunks and " +
			"lost, or read once and sent empty",
		fix: "hash the bytes that are sent, after compression, and send them with Content-Length",
		clients: []string{
			"compression that is switched on below the signer: NEST, RestClientBuilder.setCompressionEnabled " +
				"(aws-request-signing-apache-interceptor#10)",
			"aws-sdk-java 1.x: a POST without a body is signed with its query as the body (aws-sdk-java#2205)",
			"chunked bodies of olivere/elastic and aws-sdk-js (olivere/elastic#924)",
		},
	},
	{
		lines: []string{lineMethod},
		means: "the method arrives as another: a redirect that was followed, a proxy, or a method in small letters",
		fix:   "send and sign one method, in capital letters; do not follow redirects",
		clients: []string{
			"aws4 with a method in small letters (aws4#90)",
		},
	},
	{
		lines: []string{lineLayout},
		means: "the signer writes the canonical request in another form: headers are name:value in small letters, sorted " +
			"by name, without spaces around the value, and an empty line follows them",
		fix:     "mend the signer, or use one that is known to sign rightly (docs/clients.md)",
		clients: []string{"AWSSigner for Burp (NetSPI/AWSSigner#45)", "fog-aws before 0.1 (fog-aws#4)"},
	},
	{
		lines: []string{lineHeader},
		means: "the header was changed, added or taken off after it was signed, by an HTTP library or a proxy",
		fix:   "do not sign it: host, x-amz-date, x-amz-security-token and x-amz-content-sha256 are enough",
	},
}

// loreOf is the entry for a line. That for all headers ends the table.
func loreOf(line string) lore {
	for _, l := range table {
		for _, name := range l.lines {
			if name == line || name == lineHeader && strings.HasPrefix(line, lineHeader) {
				return l
			}
		}
	}
	return lore{
		means: "the client does not follow the rules of Signature Version 4",
		fix:   "use a client that is known to sign rightly (docs/clients.md)",
	}
}

func meansOf(line string) string { return loreOf(line).means }
func fixOf(line string) string   { return loreOf(line).fix }

// clientsOf are programs that are known for the line, and what the request says of its own.
func clientsOf(line string, x *Exchange) []string {
	known := loreOf(line).clients
	if agent := x.Header.Get("User-Agent"); agent != "" && len(known) > 0 {
		return append([]string{"this one calls itself " + bounded(agent)}, known...)
	}
	return known
}

var curlAgent = lazyregexp.New(`^curl/([0-9]{1,3})\.([0-9]{1,3})\.`)

// byCurl knows what releases of curl before 8.3 sign wrongly, whatever the secret is.
func (e *explainer) byCurl() (f Finding, ok bool) {
	m := curlAgent.FindStringSubmatch(e.x.Header.Get("User-Agent"))
	if m == nil {
		return f, false
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	if major > 8 || major == 8 && minor >= 3 {
		return f, false
	}
	shown := e.x.shown(&e.auth)
	path, query, _ := strings.Cut(e.x.Target, "?")
	line := Line{Number: 2, Name: linePath, Client: bounded(path), Domain: bounded(shown.path)}
	if path == shown.path {
		line = Line{Number: 3, Name: lineQuery, Client: maskQuery(query), Domain: maskQuery(shown.query)}
		if query == shown.query {
			return f, false
		}
	}
	return e.inClient(line, ByClient, "curl before 8.3 signs it as it is sent"), true
}
