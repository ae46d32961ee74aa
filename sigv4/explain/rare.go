package explain

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/seed56735111/penstock/sigv4"
)

// rareChanges are mistakes that are tried alone, and not in pairs with others: there are many of them, and few clients
// make them.
func (e *explainer) rareChanges(base *attempt) []change {
	path, query := e.target()
	all := rarePaths(path, base)
	all = append(all, rareQueries(query)...)
	for i, h := range base.headers {
		if i < 24 {
			all = append(all, rareHeaders(base, i, h)...)
		}
	}
	all = append(all, orders(base)...)
	all = append(all, rarePayloads(e.x, base)...)
	return append(all, change{
		lineDerivation, `derives its key without the letters AWS4 before the secret key`,
		func(a *attempt) { a.key = keyOf(a.secret, &a.scope) },
	})
}

// keyOf derives a signing key as the service does, of a start that need not be AWS4 and the secret key.
func keyOf(start string, s *sigv4.Scope) []byte {
	key := []byte(start)
	for _, part := range []string{s.Day, s.Region, s.Service, "aws4_request"} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return key
}

func rarePaths(path string, base *attempt) []change {
	var all []change
	set := func(how, value string) {
		all = append(all, change{linePath, how, func(a *attempt) { a.path = value }})
	}
	plain := decodeOnce(path)
	once, twice := encode(plain, "/"), encode(path, "/")
	for _, s := range []string{once, twice} {
		set("writes escapes in the path in small letters", mapEscapes(s, strings.ToLower))
		set("escapes the tilde in the path", strings.ReplaceAll(s, "~", "%7E"))
	}
	for _, f := range []func(string) string{strings.ToLower, strings.ToUpper} {
		set("writes escapes in the path in other letters than it sends", encode(mapEscapes(path, f), "/"))
		set("writes the path in other letters than it sends", f(twice))
	}
	if latin, ok := inLatin1(plain); ok {
		set("encodes the path in Latin-1", encode(latin, "/"))
		set("encodes the path in Latin-1", encode(encode(latin, "/"), "/"))
	}
	for i, n := 0, 0; i < len(twice) && n < 4; i++ {
		if i > 0 && twice[i] == '/' {
			n++
			set("signs the start of the path twice", twice[:i]+twice)
			set("signs the path without its start", twice[i:])
		}
	}
	host, _ := base.value("host")
	for _, start := range []string{"https://" + host, "http://" + host, host, "/" + host} {
		set("signs the host as a part of the path", start+twice)
	}
	if base.query != "" {
		set("signs the query as a part of the path, too", twice+"?"+base.query)
		all = append(all, change{linePath, "signs the query as a part of the path", func(a *attempt) {
			a.path, a.query = twice+"?"+base.query, ""
		}})
	}
	return all
}

// parameter is one of a query, decoded.
type parameter struct{ name, value string }

func rareQueries(query string) []change {
	if query == "" {
		return nil
	}
	const most = 30
	var params []parameter
	for text := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(strings.ReplaceAll(text, "+", " "), "=")
		params = append(params, parameter{decodeOnce(name), decodeOnce(value)})
	}
	if len(params) > most {
		return nil
	}
	var all []change
	raw := func(how, value string) {
		all = append(all, change{lineQuery, how, func(a *attempt) { a.query = value }})
	}
	set := func(how string, list []parameter) { raw(how, canonicalQuery(list, encodeValue)) }
	each := func(how string, f func(parameter) parameter) {
		list := make([]parameter, len(params))
		for i, p := range params {
			list[i] = f(p)
		}
		set(how, list)
	}
	right := canonicalQuery(params, encodeValue)
	raw("signs the question mark, too", "?"+right)
	raw("signs the question mark, too, and the query as it is sent", "?"+query)
	raw("escapes the tilde in the query", strings.ReplaceAll(right, "~", "%7E"))
	raw("leaves out the = behind a name without value", canonicalQuery(params, func(p parameter) string {
		return strings.TrimSuffix(encodeValue(p), "=")
	}))
	each("signs true for a name without value", func(p parameter) parameter {
		if p.value == "" {
			p.value = "true"
		}
		return p
	})
	each("writes the names in small letters", func(p parameter) parameter {
		return parameter{strings.ToLower(p.name), p.value}
	})
	each("writes the query in Latin-1", func(p parameter) parameter {
		if latin, ok := inLatin1(p.value); ok {
			p.value = latin
		}
		return p
	})
	for i, p := range params {
		set("does not sign the parameter "+bounded(p.name), slices.Concat(params[:i], params[i+1:]))
	}
	if len(params) > 2 {
		set("signs the first parameter only", params[:1])
	}
	repeatedQueries(params, set, raw)
	return all
}

// repeatedQueries are what maps of other languages make of a name that stands more than once.
func repeatedQueries(params []parameter, set func(string, []parameter), raw func(string, string)) {
	var names []string
	values := map[string][]string{}
	for _, p := range params {
		if values[p.name] == nil {
			names = append(names, p.name)
		}
		values[p.name] = append(values[p.name], p.value)
	}
	if len(names) == len(params) {
		return
	}
	collapsed := func(f func(name string, values []string) []parameter) (list []parameter) {
		for _, name := range names {
			list = append(list, f(name, values[name])...)
		}
		return list
	}
	one := func(f func([]string) string) func(string, []string) []parameter {
		return func(name string, v []string) []parameter { return []parameter{{name, f(v)}} }
	}
	joined := collapsed(one(func(v []string) string { return strings.Join(v, ",") }))
	set("signs the last value of a repeated name only", collapsed(one(func(v []string) string { return v[len(v)-1] })))
	set("signs the first value of a repeated name only", collapsed(one(func(v []string) string { return v[0] })))
	set("joins the values of a repeated name with commas", joined)
	raw("joins the values of a repeated name with commas", strings.ReplaceAll(canonicalQuery(joined, encodeValue),
		"%2C", ","))
	set("writes [] behind a repeated name", collapsed(func(name string, v []string) (list []parameter) {
		if len(v) > 1 {
			name += "[]"
		}
		for _, value := range v {
			list = append(list, parameter{name, value})
		}
		return list
	}))
}

func encodeValue(p parameter) string { return encode(p.name, "") + "=" + encode(p.value, "") }

// canonicalQuery writes parameters sorted as the service does, each as f writes it.
func canonicalQuery(params []parameter, f func(parameter) string) string {
	sorted := slices.Clone(params)
	slices.SortStableFunc(sorted, func(a, b parameter) int {
		return strings.Compare(encode(a.name, "")+"\x00"+encode(a.value, ""), encode(b.name, "")+"\x00"+encode(b.value, ""))
	})
	texts := make([]string, len(sorted))
	for i, p := range sorted {
		texts[i] = f(p)
	}
	return strings.Join(texts, "&")
}

func rareHeaders(base *attempt, at int, h field) []change {
	name := strings.ToLower(h.name)
	var all []change
	set := func(how, value string) {
		all = append(all, change{lineHeader + name, how, func(a *attempt) { a.headers[at].value = value }})
	}
	for _, v := range []string{"undefined", "null", "None"} {
		set("signs "+name+" as "+v+": it had no value yet", v)
	}
	set("signs "+name+" in small letters", strings.ToLower(h.value))
	set("signs "+name+" in capitals", strings.ToUpper(h.value))
	all = append(all,
		change{lineHeader + name, "lists " + name + " and does not sign it", func(a *attempt) {
			a.headers = slices.Delete(a.headers, at, at+1)
		}},
		change{lineHeader + name, "does not sign " + name + ": the header was added afterwards", func(a *attempt) {
			a.headers = slices.Delete(a.headers, at, at+1)
			names := strings.Split(a.signed, ";")
			a.signed = strings.Join(slices.DeleteFunc(names, func(s string) bool { return strings.EqualFold(s, name) }), ";")
		}})
	switch name {
	case "host":
		for _, v := range []string{
			h.value + "/", "https://" + h.value + "/", "http://" + h.value, "http://" + h.value + "/", h.value + base.path,
			base.scope.Service + "." + base.scope.Region + ".amazonaws.com", h.value + ".", h.value + ":443",
		} {
			set("signs the host "+bounded(v), v)
		}
	case "content-length":
		set("signs the length -1", "-1")
	case "content-type":
		for _, charset := range []string{"; charset=utf-8", "; charset=UTF-8", ";charset=utf-8", ";charset=UTF-8"} {
			set("signs content-type with "+charset, h.value+charset)
		}
	case "x-amz-security-token":
		decoded, err := url.QueryUnescape(h.value)
		if err == nil {
			set("signs another writing of its session token", decoded)
		}
		set("signs another writing of its session token", url.QueryEscape(h.value))
	}
	return all
}

// orders are other orders and writings of the list of signed headers.
func orders(base *attempt) []change {
	var all []change
	set := func(how, signed string) {
		all = append(all, change{lineSigned, how, func(a *attempt) { a.signed = signed }})
	}
	for _, separator := range []string{",", "; ", ", ", " "} {
		set("separates the names of signed headers with "+strconv.Quote(separator),
			strings.ReplaceAll(base.signed, ";", separator))
	}
	names := strings.Split(base.signed, ";")
	for i, n := range names {
		names[i] = capital(n)
	}
	set("writes the names of signed headers with capital letters", strings.Join(names, ";"))
	if len(base.headers) > 24 {
		return all
	}
	const how = "does not sort the headers"
	for i := range base.headers {
		for _, to := range []int{0, len(base.headers) - 1} {
			if i == to {
				continue
			}
			headers := slices.Clone(base.headers)
			h := headers[i]
			headers = slices.Insert(slices.Delete(headers, i, i+1), to, h)
			list := make([]string, len(headers))
			for k, h := range headers {
				list[k] = strings.ToLower(h.name)
			}
			signed := strings.Join(list, ";")
			set(how, signed)
			all = append(all, change{lineSigned, how, func(a *attempt) { a.headers, a.signed = headers, signed }},
				change{lineSigned, how, func(a *attempt) { a.headers = headers }})
		}
	}
	return all
}

// placeholders are what programs write where they have an object and not its text, or nothing. No API takes them.
var placeholders = []string{"undefined", "[object Object]", "None", "nil", "NaN"}

// hasPlaceholder reports whether the body that is sent is one that nobody means to send.
func (x *Exchange) hasPlaceholder() bool {
	return x.HasBody && slices.Contains(placeholders, string(x.Body))
}

func rarePayloads(x *Exchange, base *attempt) []change {
	var all []change
	set := func(how, value string) {
		all = append(all, change{linePayload, how, func(a *attempt) { a.payload = value }})
	}
	for _, s := range slices.Concat(placeholders, []string{"[]", "false", "{}\n", "\n"}) {
		set("signs the body "+strconv.Quote(s), sigv4.HashPayload([]byte(s)))
	}
	for _, s := range []string{
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		"STREAMING-UNSIGNED-PAYLOAD-TRAILER",
	} {
		set("signs the body as "+s, s)
	}
	set("writes the hash of the body in capitals", strings.ToUpper(base.payload))
	if raw, err := hex.DecodeString(base.payload); err == nil {
		set("writes the hash of the body in base64", base64.StdEncoding.EncodeToString(raw))
	}
	if !x.HasBody {
		return all
	}
	signed := func(how string, body []byte) {
		hash, length := sigv4.HashPayload(body), strconv.Itoa(len(body))
		all = append(all, change{linePayload, how, func(a *attempt) { a.payload = hash }},
			change{linePayload, how, func(a *attempt) {
				a.payload = hash
				for i, h := range a.headers {
					if strings.EqualFold(h.name, "content-length") {
						a.headers[i].value = length
					}
				}
			}})
	}
	body := x.Body
	signed("signs the body with line ends of Windows", bytes.ReplaceAll(body, []byte("\n"), []byte("\r\n")))
	signed("signs the body with line ends of Unix", bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")))
	const quoted = "signs the body quoted as a text"
	signed(quoted, []byte(strconv.Quote(string(body))))
	signed(quoted, []byte(`"`+string(body)+`"`))
	signed(quoted, []byte("b'"+string(body)+"'"))
	if text, err := json.Marshal(string(body)); err == nil {
		signed(quoted, text)
	}
	var text string
	if json.Unmarshal(body, &text) == nil {
		signed("signs the body before it is quoted as a text", []byte(text))
	}
	if plain, err := url.QueryUnescape(string(body)); err == nil {
		signed("signs the body before it is encoded as a form", []byte(plain))
		signed("signs the body before it is encoded as a form", []byte(strings.TrimSuffix(plain, "=")))
	}
	signed("signs the body without the mark of its byte order", bytes.TrimPrefix(body, []byte("\ufeff")))
	signed("signs the body without the zero bytes at its end", bytes.TrimRight(body, "\x00"))
	signed("signs the body without the white space around it", bytes.TrimSpace(body))
	if !utf8.Valid(body) {
		runes := make([]rune, len(body))
		for i, c := range body {
			runes[i] = rune(c)
		}
		signed("signs the body in UTF-8 and sends it in Latin-1", []byte(string(runes)))
	}
	if end := closing(body); end != "" {
		signed("signs a body that is longer than the one that it sends", append(bytes.Clone(body), end...))
		for i := range len(end) {
			signed("signs a body that is longer than the one that it sends", append(bytes.Clone(body), end[:i]...))
		}
	}
	for n := range starts(len(body)) {
		signed("signs a part of the body", body[:n])
	}
	return all
}

// starts yields the lengths of the starts of a body that are tried: all of a small one, the sizes of buffers of others.
func starts(length int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		const all = 2000
		for n := 1; n < min(length, all); n++ {
			if !yield(n) {
				return
			}
		}
		for n := 2048; n < length; n *= 2 {
			if !yield(n) || n-1 < length && !yield(n-1) {
				return
			}
		}
	}
}

// closing is what a JSON text that was cut lacks at its end, when it is brackets and quotation marks alone.
func closing(body []byte) string {
	var open []byte
	quoted := false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			open = append(open, c+2) // the closing bracket of both
		case (c == '}' || c == ']') && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	const deepest = 100
	if len(open) > deepest {
		return ""
	}
	slices.Reverse(open)
	if quoted {
		return `"` + string(open)
	}
	return string(open)
}

// inLatin1 writes a text in Latin-1. It reports false when that is not possible, or the same.
func inLatin1(s string) (string, bool) {
	if !utf8.ValidString(s) || !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7f }) ||
		strings.ContainsFunc(s, func(r rune) bool { return r > 0xff }) {
		return "", false
	}
	return string(inBytes(s, func(r rune) []byte { return []byte{byte(r & 0xff)} })), true
}
