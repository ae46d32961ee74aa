package explain

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/seed56735111/penstock/sigv4"
)

// attempt is one way in which a client may have made its signature.
type attempt struct {
	canonical
	// text is the canonical request when it is not made of lines as it should be.
	text   func(*canonical) string
	date   string
	scope  sigv4.Scope
	secret string
	// key is the signing key when it is not derived as it should be.
	key []byte
}

// change is one mistake: what it does to an attempt that is right.
type change struct {
	// line is what is signed in another way.
	line string
	// how says it, as the end of "the client …".
	how   string
	apply func(*attempt)
}

// The names of what can differ beside the lines.
const (
	lineScopeRegion  = "region of the key"
	lineScopeService = "service of the key"
	lineScopeDay     = "day of the key"
	lineSecret       = "secret key"
	lineDerivation   = "derivation of the key"
)

// byVariant looks for the mistakes, one or two of them, that give the signature of the request. Base is what is signed
// when there is no mistake.
func (e *explainer) byVariant(base, domain *canonical, date string) (f Finding, ok bool) {
	a := attempt{canonical: *base, date: date, scope: e.auth.scope, secret: e.creds.SecretAccessKey}
	if a.payload == "" {
		a.payload = domain.payload
	}
	found := e.search(&a)
	if found == nil || a.payload == "" && found[0].line == linePayload {
		return f, false // a body that nobody has shown may well be the one that was signed
	}
	signed := a
	signed.canonical = a.clone()
	hows := make([]string, 0, len(found))
	for _, c := range found {
		c.apply(&signed)
		hows = append(hows, c.how)
	}
	first := found[0]
	how := strings.Join(hows, "; ")
	switch first.line {
	case lineScopeRegion, lineScopeService, lineScopeDay, lineSecret:
		cause := map[string]string{
			lineScopeRegion: CauseRegionWrong, lineScopeService: CauseServiceWrong, lineScopeDay: CauseClockSkew,
			lineSecret: CauseSecretWrong,
		}[first.line]
		return Finding{
			Cause: cause, Evidence: BySignature, Seen: "the client " + how,
			Means: "the signing key is not the one of the scope in the Authorization header",
			Fix:   "derive the key from the same day, region and service that the scope names",
		}, true
	case lineDerivation:
		return Finding{
			Cause: CauseSignature, Evidence: BySignature, Seen: "the client " + how,
			Means: "the canonical request and the secret are right; the signer makes its key in another way than the service",
			Fix:   `begin with HMAC-SHA256("AWS4" + SECRET, DAY), then region, service and "aws4_request" (penstock sign)`,
		}, true
	case lineLayout:
		return e.inClient(Line{Name: lineLayout, Client: how, Domain: "as it should be"}, BySignature, how), true
	}
	line, differ, _ := firstDifference(&signed.canonical, domain)
	if !differ {
		line = Line{Name: first.line, Client: how}
	}
	return e.inClient(line, BySignature, how), true
}

// maxHashed bounds the bytes that are hashed to find two mistakes at once.
const maxHashed = 128 << 20

// search tries each change, then each pair of changes of different lines. It returns nil when none fits.
func (e *explainer) search(base *attempt) []change {
	keys := map[[4]string][]byte{}
	try := func(changes ...change) bool {
		a := *base
		a.canonical = base.clone()
		for _, c := range changes {
			c.apply(&a)
		}
		id := [4]string{a.secret, a.scope.Day, a.scope.Region, a.scope.Service}
		key := a.key
		if key == nil {
			key = keys[id]
		}
		if key == nil {
			key = a.scope.Derive(a.secret).Signing
			keys[id] = key
		}
		text := a.String()
		if a.text != nil {
			text = a.text(&a.canonical)
		}
		signature := sigv4.Keys{Signing: key}.Sign(e.auth.scope.StringToSign(a.date, text))
		return strings.EqualFold(signature, e.auth.signature)
	}
	size := len(base.String())
	all := e.changes(base)
	if size*len(all) > maxHashed {
		return nil
	}
	for _, c := range all {
		if try(c) {
			return []change{c}
		}
	}
	if size*len(all)*len(all)/2 > maxHashed {
		return nil
	}
	for _, c := range slices.Concat(e.rareChanges(base), e.otherTimes(base), otherLengths(base)) {
		if try(c) {
			return []change{c}
		}
	}
	for i, c := range all {
		for _, d := range all[i+1:] {
			if c.line != d.line && try(c, d) {
				return []change{c, d}
			}
		}
	}
	return nil
}

// changes are the mistakes that clients are known to make, for this request. There are at most maxChanges.
func (e *explainer) changes(base *attempt) []change {
	path, query := e.target()
	var all []change
	all = append(all, pathChanges(path, query)...)
	all = append(all, queryChanges(query)...)
	for i, h := range base.headers {
		if i < 24 {
			all = append(all, headerChanges(e.x, i, h)...)
		}
	}
	all = append(all, payloadChanges(e.x, query)...)
	all = append(all, layoutChanges()...)
	all = append(all, keyChanges(e, base)...)
	for _, method := range []string{"GET", "POST", "PUT", "HEAD", "DELETE", strings.ToLower(base.method)} {
		all = append(all, change{lineMethod, "signs the method " + method, func(a *attempt) { a.method = method }})
	}
	return all[:min(len(all), maxChanges)]
}

// target is the path and the query of the request as they are signed: a signature in the query is not.
func (e *explainer) target() (path, query string) {
	path, query, _ = strings.Cut(e.x.Target, "?")
	if !e.auth.presigned {
		return path, query
	}
	parts := slices.DeleteFunc(strings.Split(query, "&"), func(s string) bool {
		return strings.HasPrefix(s, "X-Amz-Signature=")
	})
	return path, strings.Join(parts, "&")
}

// maxChanges bounds the search: pairs of them are tried too.
const maxChanges = 400

func pathChanges(path, query string) []change {
	set := func(how, value string) change {
		return change{linePath, how, func(a *attempt) { a.path = value }}
	}
	plain := decodeOnce(path)
	all := []change{
		set("signs the path as it is sent, without encoding it once more", path),
		set("encodes the path once, not twice", encode(plain, "/")),
		set("does not resolve empty and dot segments", encode(path, "/")),
		set("does not resolve empty and dot segments, and encodes the path once", encode(plain, "/")),
		set("signs the decoded path", plain),
		set("signs one slash more at the start of the path", "/"+encode(path, "/")),
		set("encodes the path three times", encode(encode(path, "/"), "/")),
		set("takes the slash at the end of the path away", strings.TrimSuffix(encode(path, "/"), "/")),
		set("adds a slash at the end of the path", encode(path, "/")+"/"),
		set(`leaves the path out and signs "/"`, "/"),
		set("signs an empty path", ""),
		set("writes a space in the path as +", strings.ReplaceAll(encode(plain, "/"), "%20", "+")),
		set("writes a space in the path as +", strings.ReplaceAll(encode(path, "/"), "%2520", "%2B")),
		set("encodes the slashes of the path", encode(path, "")),
		set("leaves the first slash of the path out", strings.TrimPrefix(encode(path, "/"), "/")),
	}
	for _, kept := range []string{"*", ",", ":", "@", "=", "!'()*", "!'()*,:;@&=+$", "*,", "!$&'()*+,;=:@"} {
		all = append(all, set("does not encode "+kept+" in the path", encode(path, "/"+kept)),
			set("does not encode "+kept+" in the path, and the rest once", encode(plain, "/"+kept)))
	}
	if query != "" {
		all = append(all,
			change{linePath, "signs the query as a part of the path", func(a *attempt) {
				a.path, a.query = encode(path+"?"+query, "/"), ""
			}},
			change{linePath, "signs the query as a part of the path, as it is", func(a *attempt) {
				a.path, a.query = path+"?"+query, ""
			}})
	}
	return all
}

func queryChanges(query string) []change {
	set := func(how, value string) change {
		return change{lineQuery, how, func(a *attempt) { a.query = value }}
	}
	if query == "" {
		return nil
	}
	form := func(s string) string { return decodeOnce(strings.ReplaceAll(s, "+", " ")) }
	// inOrder makes a query of its parameters, which are sorted by what key returns of a name and a value as sent.
	inOrder := func(key func(name, value string) string, f func(name, value string, found bool) string) string {
		type part struct{ key, text string }
		var parts []part
		for text := range strings.SplitSeq(query, "&") {
			name, value, found := strings.Cut(text, "=")
			if s := f(name, value, found); s != "" {
				p := part{text: s}
				if key != nil {
					p.key = key(name, value)
				}
				parts = append(parts, p)
			}
		}
		slices.SortStableFunc(parts, func(a, b part) int { return strings.Compare(a.key, b.key) })
		texts := make([]string, len(parts))
		for i, p := range parts {
			texts[i] = p.text
		}
		return strings.Join(texts, "&")
	}
	// each makes a query of its parameters, in their order or sorted as the service does.
	each := func(sorted bool, f func(name, value string, found bool) string) string {
		if !sorted {
			return inOrder(nil, f)
		}
		return inOrder(func(n, v string) string { return encode(form(n), "") + "\x00" + encode(form(v), "") }, f)
	}
	asIs := func(name, value string, found bool) string {
		if !found {
			return name
		}
		return name + "=" + value
	}
	completed := func(name, value string, _ bool) string { return name + "=" + value }
	encoded := func(decode func(string) string, kept string) func(string, string, bool) string {
		return func(name, value string, _ bool) string {
			return encode(decode(name), kept) + "=" + encode(decode(value), kept)
		}
	}
	same := func(s string) string { return s }
	all := []change{
		set("signs the query as it is sent: neither sorted nor encoded", query),
		set("does not encode the query", each(true, completed)),
		set("does not encode the query, and leaves a name without value as it is", each(true, asIs)),
		set("does not sort the query", each(false, encoded(form, ""))),
		set("does not complete a name without value", each(false, completed)),
		set("sorts repeated names by their order, not by value", inOrder(
			func(n, _ string) string { return encode(form(n), "") }, encoded(form, ""))),
		set("sorts the query before it encodes it", inOrder(
			func(n, v string) string { return form(n) + "\x00" + form(v) }, encoded(form, ""))),
		set("sorts the decoded query as whole parameters", inOrder(
			func(n, v string) string { return form(n) + "=" + form(v) }, encoded(form, ""))),
		set("sorts the query as whole parameters", inOrder(
			func(n, v string) string { return encode(form(n), "") + "=" + encode(form(v), "") }, encoded(form, ""))),
		set("sorts the query without regard to capitals", inOrder(
			func(n, _ string) string { return strings.ToLower(form(n)) }, encoded(form, ""))),
		set("leaves the query out", ""),
		set("encodes the encoded query once more", each(true, encoded(same, ""))),
		set("encodes the encoded query once more and does not sort it", each(false, encoded(same, ""))),
		set("signs the plus that it sends for a space as a plus", each(true, encoded(decodeOnce, ""))),
		set("signs a space in the query as +", strings.ReplaceAll(each(true, encoded(form, "")), "%20", "+")),
		set("signs the decoded query", each(true, func(n, v string, _ bool) string { return form(n) + "=" + form(v) })),
		set("leaves out parameters without a value", each(true, func(n, v string, _ bool) string {
			if v == "" {
				return ""
			}
			return encode(form(n), "") + "=" + encode(form(v), "")
		})),
		set("does not complete a name without value", each(true, func(n, v string, found bool) string {
			if !found {
				return encode(form(n), "")
			}
			return encode(form(n), "") + "=" + encode(form(v), "")
		})),
		set("leaves out parameters with ; or a bare %", each(true, func(n, v string, _ bool) string {
			if strings.Contains(n+v, ";") || decodeOnce(v) == v && strings.Contains(v, "%") {
				return ""
			}
			return encode(form(n), "") + "=" + encode(form(v), "")
		})),
	}
	for _, kept := range []string{"*", ",", ":", "/", "!'()*", "@:/", ",:*/", "=", "!$'()*,;:@/?"} {
		all = append(all, set("does not encode "+kept+" in the query", each(true, encoded(form, kept))))
	}
	if lower := lowerEscapes(each(true, encoded(form, ""))); lower != "" {
		all = append(all, set("writes escapes in small letters", lower))
	}
	return all
}

// usualValues are the values that clients and what is below them give to headers.
var usualValues = map[string][]string{
	"content-type": {
		"application/json", "application/json; charset=utf-8", "application/json; charset=UTF-8",
		"application/json;charset=utf-8", "application/json;charset=UTF-8", "application/x-ndjson", "text/plain",
		"application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8",
		"text/plain; charset=utf-8", "text/plain;charset=UTF-8", "application/octet-stream", "application/x-amz-json-1.0",
		"application/x-amz-json-1.1",
	},
	"connection": {"close", "keep-alive", "Keep-Alive", "Close", "upgrade"},
	"accept-encoding": {
		"gzip", "gzip, deflate", "gzip,deflate", "gzip, deflate, br", "identity",
		"gzip, deflate, br, zstd",
	},
	"accept":            {"*/*", "application/json", "application/json, text/plain, */*"},
	"transfer-encoding": {"chunked"},
	"content-encoding":  {"gzip"},
	"content-length":    {"0"},
	"expect":            {"100-continue"},
	"te":                {"trailers"},
}

func headerChanges(x *Exchange, at int, h field) []change {
	name := strings.ToLower(h.name)
	set := func(how, value string) change {
		return change{lineHeader + name, how, func(a *attempt) {
			if value != a.headers[at].value {
				a.headers[at].value = value
			}
		}}
	}
	all := []change{set("signs "+name+" without a value: the header was added afterwards", "")}
	for _, v := range usualValues[name] {
		all = append(all, set("signs "+name+" as "+v, v))
	}
	if raw := strings.Join(x.Header.Values(name), ","); raw != h.value && raw != "" {
		all = append(all, set("does not join the spaces within "+name, raw))
	}
	if values := x.Header.Values(name); len(values) > 1 {
		all = append(all, set("signs only the first "+name, values[0]),
			set("signs only the last "+name, values[len(values)-1]), set("joins "+name+" with \", \"",
				strings.Join(values, ", ")))
	}
	switch name {
	case "host":
		host, port, _ := strings.Cut(h.value, ":")
		others := []string{
			host, host + ":443", host + ":80", host + ":9200", strings.ToLower(h.value),
			"https://" + h.value,
			"localhost", "127.0.0.1", host + ".",
		}
		for _, p := range []string{port, "9200", "9999", "8443", "443", "8080", "5601", "4430", "9443", "9243"} {
			others = append(others, "localhost:"+p, "127.0.0.1:"+p)
		}
		for _, v := range others {
			all = append(all, set("signs the host "+v, v))
		}
	case "content-type":
		bare, _, _ := strings.Cut(h.value, ";")
		all = append(all, set("signs content-type without its parameters", strings.TrimSpace(bare)))
	case "x-forwarded-for":
		for i := strings.LastIndexByte(h.value, ','); i > 0; i = strings.LastIndexByte(h.value[:i], ',') {
			all = append(all, set("signs x-forwarded-for before an address was added", strings.TrimSpace(h.value[:i])))
			if len(all) > 8 {
				break
			}
		}
	case "x-amz-content-sha256":
		for _, v := range []string{sigv4.EmptyPayloadHash, "UNSIGNED-PAYLOAD", "required", "beb"} {
			all = append(all, set("signs x-amz-content-sha256 as "+v, v))
		}
		if x.HasBody {
			all = append(all, set("signs another x-amz-content-sha256", sigv4.HashPayload(x.Body)))
		}
	}
	return all
}

func payloadChanges(x *Exchange, query string) []change {
	set := func(how, value string) change {
		return change{linePayload, how, func(a *attempt) { a.payload = value }}
	}
	all := []change{
		set("signs an empty body", sigv4.EmptyPayloadHash),
		set("signs the body as UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD"),
		set("signs the body {}", sigv4.HashPayload([]byte("{}"))),
		set("signs the body null", sigv4.HashPayload([]byte("null"))),
		set("leaves the hash of the body out", ""),
		set(`signs the body ""`, sigv4.HashPayload([]byte(`""`))),
	}
	if declared := x.Header.Get("X-Amz-Content-Sha256"); declared != "" {
		all = append(all, set("signs the hash that x-amz-content-sha256 has", declared))
	}
	if query != "" {
		// POST forms of other services: the query is taken for the body.
		c := sigv4.Covered{Target: "/?" + query}
		full := strings.Split(c.CanonicalRequest(), "\n")[2]
		all = append(all, change{lineQuery, "takes the query for the body of a POST", func(a *attempt) {
			a.query, a.payload = "", sigv4.HashPayload([]byte(full))
		}}, change{lineQuery, "takes the query for the body of a POST", func(a *attempt) {
			a.query, a.payload = "", sigv4.HashPayload([]byte(query))
		}})
	}
	if !x.HasBody {
		return all
	}
	signed := func(how string, body []byte) {
		hash, length := sigv4.HashPayload(body), strconv.Itoa(len(body))
		all = append(all, set(how, hash), change{linePayload, how, func(a *attempt) {
			a.payload = hash
			for i, h := range a.headers {
				if strings.EqualFold(h.name, "content-length") {
					a.headers[i].value = length
				}
			}
		}})
	}
	body := x.Body
	signed("signs the body without its last line end", bytes.TrimRight(body, "\r\n"))
	signed("signs the body with one more line end", append(bytes.Clone(body), '\n'))
	signed("signs the body without any line ends", bytes.ReplaceAll(body, []byte("\n"), nil))
	const anew = "signs the body before it is written anew as JSON"
	var compact bytes.Buffer
	if json.Compact(&compact, body) == nil {
		signed(anew, compact.Bytes())
		signed(anew, spacedJSON(compact.Bytes()))
	}
	for _, indent := range []string{"  ", "    ", "\t"} {
		var wide bytes.Buffer
		if json.Indent(&wide, body, "", indent) == nil {
			signed(anew, wide.Bytes())
		}
	}
	const charset = "hashes the body in another character set than it sends"
	if text := string(body); utf8.ValidString(text) && strings.ContainsFunc(text, func(r rune) bool { return r > 0x7f }) {
		signed(charset, inBytes(text, func(r rune) []byte { return []byte{byte(r & 0xff)} }))
		signed(charset, inBytes(text, func(rune) []byte { return []byte{'?'} }))
		signed(anew, inBytes(text, func(r rune) []byte {
			var out []byte
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
			return out
		}))
	}
	if z, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
		if plain, err := io.ReadAll(io.LimitReader(z, MaxInput)); err == nil {
			signed("signs the body before it is compressed", plain)
		}
	}
	return all
}

// inBytes replaces the characters of a text that are not ASCII.
func inBytes(text string, f func(rune) []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, r := range text {
		if r < 0x80 {
			out = append(out, string(r)...)
		} else {
			out = append(out, f(r)...)
		}
	}
	return out
}

// spacedJSON writes a space behind each comma and colon, as Python does.
func spacedJSON(compact []byte) []byte {
	out := make([]byte, 0, len(compact)*5/4)
	quoted := false
	for i, c := range compact {
		out = append(out, c)
		switch {
		case c == '"' && (i == 0 || compact[i-1] != '\\'):
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			out = append(out, ' ')
		}
	}
	return out
}

func layoutChanges() []change {
	set := func(how string, text func(*canonical) string) change {
		return change{lineLayout, how, func(a *attempt) { a.text = text }}
	}
	replaced := func(old, with string) func(*canonical) string {
		return func(c *canonical) string { return strings.Replace(c.String(), old, with, 1) }
	}
	return []change{
		set("leaves out the empty line behind the headers", replaced("\n\n", "\n")),
		set("ends the canonical request with a line end", func(c *canonical) string { return c.String() + "\n" }),
		set("writes a space behind the colon of headers", func(c *canonical) string {
			d := c.clone()
			for i := range d.headers {
				d.headers[i].value = " " + d.headers[i].value
			}
			return d.String()
		}),
		set("does not sort the headers", func(c *canonical) string {
			d := c.clone()
			slices.SortFunc(d.headers, func(a, b field) int { return strings.Compare(a.name, b.name) })
			return d.String()
		}),
		set("writes line ends as CR LF", func(c *canonical) string { return strings.ReplaceAll(c.String(), "\n", "\r\n") }),
		set("writes headers with capital letters", func(c *canonical) string {
			d := c.clone()
			for i, h := range d.headers {
				d.headers[i].name = capital(h.name)
			}
			return d.String()
		}),
	}
}

// capital writes a header's name as HTTP/1.1 programs do.
func capital(name string) string {
	parts := strings.Split(name, "-")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "-")
}

func keyChanges(e *explainer, base *attempt) []change {
	var all []change
	region := func(r string) {
		if r != base.scope.Region {
			all = append(all,
				change{lineScopeRegion, "derives the key for the region " + r, func(a *attempt) { a.scope.Region = r }})
		}
	}
	if r, _, ok := sigv4.Infer(e.x.Host); ok {
		region(r)
	}
	for _, r := range []string{
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1", "ap-southeast-1",
		"ap-southeast-2", "ap-south-1", "sa-east-1", "ca-central-1", "",
	} {
		region(r)
	}
	for _, s := range []string{"es", "aoss", "opensearch", "execute-api", "s3", "iam", ""} {
		if s != base.scope.Service {
			all = append(all,
				change{lineScopeService, "derives the key for the service " + s, func(a *attempt) { a.scope.Service = s }})
		}
	}
	if day, err := time.Parse("20060102", base.scope.Day); err == nil {
		for _, by := range []int{-1, 1} {
			d := day.AddDate(0, 0, by).Format("20060102")
			all = append(all, change{lineScopeDay, "derives the key for the day " + d, func(a *attempt) { a.scope.Day = d }})
		}
	}
	secret := func(how, s string) {
		if s != base.secret {
			all = append(all, change{lineSecret, how, func(a *attempt) { a.secret = s }})
		}
	}
	secret("has a line end at the end of its secret key", base.secret+"\n")
	secret("has a line end at the end of its secret key", base.secret+"\r")
	secret("has a line end at the end of its secret key", base.secret+"\r\n")
	secret("has a space at the end of its secret key", base.secret+" ")
	secret("has a space before its secret key", " "+base.secret)
	secret("has quotation marks around its secret key", `"`+base.secret+`"`)
	secret("has quotation marks around its secret key", "'"+base.secret+"'")
	secret("has its secret key encoded for a URL", encode(base.secret, ""))
	secret("has its secret key decoded from a URL", decodeOnce(strings.ReplaceAll(base.secret, "+", " ")))
	secret("signs with a secret key that has no white space around it, as the one at hand has",
		strings.TrimSpace(base.secret))
	secret("signs with the access key id as its secret", e.auth.keyID)
	return all
}

// otherTimes are the times around the one of the request: a client may change x-amz-date after it has signed.
func (e *explainer) otherTimes(base *attempt) []change {
	at, err := time.Parse(basicFormat, base.date)
	if err != nil {
		return nil
	}
	const around = 20 * 60
	header := slices.IndexFunc(base.headers, func(h field) bool { return strings.EqualFold(h.name, "x-amz-date") })
	all := make([]change, 0, 4*around)
	for s := -around; s <= around; s++ {
		if s == 0 {
			continue
		}
		date := at.Add(time.Duration(s) * time.Second).Format(basicFormat)
		how := "signs the time " + date + " and sends another"
		if header >= 0 {
			all = append(all, change{lineHeader + "x-amz-date", how, func(a *attempt) {
				a.headers[header].value, a.date = date, date
			}}, change{lineHeader + "x-amz-date", "takes the time twice", func(a *attempt) { a.headers[header].value = date }})
		}
		all = append(all, change{lineHeader + "x-amz-date", how, func(a *attempt) { a.date = date }})
	}
	return all
}

// otherLengths are the lengths around the one of the body: programs count characters, or set a length of their own.
func otherLengths(base *attempt) []change {
	at := slices.IndexFunc(base.headers, func(h field) bool { return strings.EqualFold(h.name, "content-length") })
	if at < 0 {
		return nil
	}
	length, err := strconv.Atoi(base.headers[at].value)
	if err != nil || length < 0 {
		return nil
	}
	const around = 2000
	var all []change
	for n := max(0, length-around); n <= length+around; n++ {
		value := strconv.Itoa(n)
		all = append(all, change{
			lineHeader + "content-length", "signs the length " + value + " and sends another",
			func(a *attempt) { a.headers[at].value = value },
		})
	}
	return all
}

// encode percent-encodes every byte that is neither unreserved nor in kept.
func encode(s, kept string) string {
	const digits = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_',
			c == '~', strings.IndexByte(kept, c) >= 0:
			b = append(b, c)
		default:
			b = append(b, '%', digits[c>>4], digits[c&15])
		}
	}
	return string(b)
}

// lowerEscapes writes the escapes of s in small letters, and is empty when that changes nothing.
func lowerEscapes(s string) string {
	if lower := mapEscapes(s, strings.ToLower); lower != s {
		return lower
	}
	return ""
}

// mapEscapes writes the escapes of s in other letters.
func mapEscapes(s string, f func(string) string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], f(s[i+1:i+3]))
		}
	}
	return string(b)
}
