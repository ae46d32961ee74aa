package explain

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/internal/lazyregexp"
	"github.com/seed56735111/penstock/sigv4"
)

// MaxInput bounds what [Parse] reads, in bytes. Archives of browsers are large.
const MaxInput = 32 << 20

// maxText bounds an input that is no archive. A refusal is a few kilobytes.
const maxText = 4 << 20

// maxHeaders and maxValue bound what is kept of one request.
const (
	maxHeaders = 256
	maxValue   = 64 << 10
)

// ErrNothing says that an input has no refused request in it.
var ErrNothing = errors.New("no refused request in it")

// Parse reads an exchange. It takes the output of curl -v (standard error, and standard output with it), an HTTP
// archive or one entry of it, and a text that has the body of the refusal and, before or after it, the request line and
// headers. Of several requests it takes the last one that was refused.
func Parse(input []byte) (*Exchange, error) {
	if len(input) > MaxInput {
		return nil, fmt.Errorf("more than %d MiB", MaxInput>>20)
	}
	x, err := parseArchive(input)
	if x == nil && err == nil {
		if len(input) > maxText {
			return nil, fmt.Errorf("more than %d MiB of text", maxText>>20)
		}
		x, err = parseText(strings.ToValidUTF8(string(input), "�"))
	}
	if err == nil && x.Status != 0 && x.Status < 400 {
		return nil, ErrNothing
	}
	return x, err
}

// archive is as much of the HAR format (version 1.2) as is read here.
type archive struct {
	Log *struct {
		Entries []entry `json:"entries"`
	} `json:"log"`
	entry
}

type entry struct {
	Request *struct {
		Method   string      `json:"method"`
		URL      string      `json:"url"`
		Headers  []nameValue `json:"headers"`
		PostData *struct {
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"postData"`
	} `json:"request"`
	Response struct {
		Status  int         `json:"status"`
		Headers []nameValue `json:"headers"`
		Content struct {
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"content"`
	} `json:"response"`
}

type nameValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// parseArchive returns nil and no error when the input is no archive.
func parseArchive(input []byte) (*Exchange, error) {
	var a archive
	isArchive := json.Unmarshal(input, &a) == nil && (a.Log != nil || a.Request != nil)
	if !isArchive {
		return nil, nil
	}
	entries := []entry{a.entry}
	if a.Log != nil {
		entries = a.Log.Entries
	}
	for i := len(entries) - 1; i >= 0; i-- {
		e := &entries[i]
		if e.Request == nil || e.Response.Status < 400 && len(entries) > 1 {
			continue
		}
		return e.exchange()
	}
	return nil, ErrNothing
}

func (e *entry) exchange() (*Exchange, error) {
	x := &Exchange{Method: e.Request.Method, Status: e.Response.Status, Header: http.Header{}, Answer: http.Header{}}
	_, rest, found := strings.Cut(e.Request.URL, "://")
	if !found {
		return nil, errors.New("the request of the archive has no URL")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	x.Host, x.Target = rest[:end], rest[end:]
	x.Target, _, _ = strings.Cut(x.Target, "#")
	if !strings.HasPrefix(x.Target, "/") {
		x.Target = "/" + x.Target
	}
	for _, h := range e.Request.Headers {
		if h.Name == ":authority" {
			h.Name = "Host"
		}
		x.add(x.Header, h.Name, h.Value)
	}
	for _, h := range e.Response.Headers {
		x.add(x.Answer, h.Name, h.Value)
	}
	if p := e.Request.PostData; p != nil {
		x.Body, x.HasBody = decoded(p.Text, p.Encoding), true
	}
	x.Text = string(decoded(e.Response.Content.Text, e.Response.Content.Encoding))
	x.finish()
	return x, nil
}

func decoded(text, encoding string) []byte {
	if encoding == "base64" {
		if b, err := base64.StdEncoding.DecodeString(text); err == nil {
			return b
		}
	}
	return []byte(text)
}

// add keeps a header, within bounds. That of the host goes to x.Host.
func (x *Exchange) add(h http.Header, name, value string) {
	if name == "" || strings.Trim(name, headerNameBytes) != "" || len(h) >= maxHeaders || len(value) > maxValue {
		return
	}
	if len(h.Values(name)) >= maxHeaders {
		return
	}
	value = strings.Trim(value, " \t\r")
	h.Add(name, value)
}

// headerNameBytes are what names of headers are made of (RFC 9110, 5.6.2).
const headerNameBytes = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// finish takes the host from the headers, and what the domain expected from the text of its answer.
func (x *Exchange) finish() {
	if host := x.Header.Get("Host"); host != "" {
		x.Host = host
	}
	x.Header.Del("Host")
	x.settleBody()
	if x.Expected == "" {
		if d, ok := findDump(x.Text); ok {
			x.Expected, x.ToSign = d.canonical, d.toSign
		}
	}
}

// settleBody keeps a body only when it is, byte for byte, what was sent: texts lose line ends when they are pasted, and
// archives hold some bodies decoded.
func (x *Exchange) settleBody() {
	length, declared := x.Header.Get("Content-Length"), x.Header.Get("X-Amz-Content-Sha256")
	if !x.HasBody || length == "" && !isHash(declared) {
		return
	}
	for _, end := range []string{"", "\n", "\r\n"} {
		body := append(slices.Clip(x.Body), end...)
		if length == strconv.Itoa(len(body)) || length == "" && declared == sigv4.HashPayload(body) {
			x.Body = body
			return
		}
	}
	x.Body, x.HasBody = nil, false
}

// dump is where a text has the canonical request and the string to sign of a refusal.
type dump struct {
	canonical, toSign string
	start, end        int
}

const (
	markCanonical = "The Canonical String for this request should have been"
	markToSign    = "The String-to-Sign should have been"
)

// findDump looks for the long form of a refusal, in JSON, in JSON within a string of JSON, or as plain text.
func findDump(text string) (d dump, ok bool) {
	d.start = strings.Index(text, markCanonical)
	if d.start < 0 {
		return d, false
	}
	rest := text[d.start+len(markCanonical):]
	open := strings.IndexByte(rest, '\'')
	if open < 0 || open > 16 {
		return d, false
	}
	between := rest[:open]
	body := rest[open+1:]
	offset := d.start + len(markCanonical) + open + 1
	next := strings.Index(body, markToSign)
	if next < 0 {
		next = len(body)
	}
	end := strings.LastIndexByte(body[:next], '\'')
	if end < 0 {
		return d, false
	}
	d.canonical, d.end = body[:end], offset+end+1
	if next < len(body) {
		tail := body[next+len(markToSign):]
		if i := strings.IndexByte(tail, '\''); i >= 0 && i <= 16 {
			if j := strings.IndexByte(tail[i+1:], '\''); j >= 0 {
				d.toSign = tail[i+1 : i+1+j]
				d.end = offset + next + len(markToSign) + i + 1 + j + 1
			}
		}
	}
	for level := strings.Count(between, `\`); level > 0; level /= 2 {
		d.canonical, d.toSign = unescaped(d.canonical), unescaped(d.toSign)
		if !strings.Contains(d.canonical, `\n`) {
			break
		}
	}
	d.canonical = strings.ReplaceAll(d.canonical, "\r\n", "\n")
	d.toSign = strings.ReplaceAll(d.toSign, "\r\n", "\n")
	return d, true
}

// unescaped decodes the text of a JSON string.
func unescaped(s string) string {
	var out string
	if json.Unmarshal([]byte(`"`+s+`"`), &out) == nil {
		return out
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\"`, `"`, `\/`, `/`, `\t`, "\t", `\u0027`, "'").Replace(s)
}

var (
	requestLine = lazyregexp.New(`^([A-Za-z]{3,10}) (/\S*|https?://\S+|\*)(?: (HTTP/[0-9.]+))?$`)
	statusLine  = lazyregexp.New(`^HTTP/[0-9.]+ ([0-9]{3})\b`)
	headerLine  = lazyregexp.New("^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$")
	// curlSigned is what curl logs of its own signature, from 8.14 on.
	curlSigned = lazyregexp.New(`(?s)aws_sigv4: Canonical request \(enclosed in \[\]\) - \[(.*?)\]\n`)
	// botoSigned is how botocore logs it, sdkSigned how the SDK for Go does.
	botoSigned = lazyregexp.New(`(?s)CanonicalRequest:\n(.*?\n[0-9a-f]{64}|.*?\nUNSIGNED-PAYLOAD)\n`)
	sdkSigned  = lazyregexp.New(`(?s)---\[ CANONICAL STRING  ?\]-+\n(.*?\n[0-9a-f]{64})\n`)
	ownSigned  = lazyregexp.New(`(?m)^\* canonical request:\n((?:\*   .*\n)+)`)
)

// reader reads an exchange from a text, line by line.
type reader struct {
	x *Exchange
	// refused is the last exchange with the status of an error.
	refused *Exchange
	part    part
	body    strings.Builder
}

// part is where in an exchange a line is.
type part int

const (
	inHead part = iota
	inBody
	inAnswer
	inText
)

func parseText(text string) (*Exchange, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	signed := ""
	for _, form := range []*lazyregexp.Regexp{curlSigned, botoSigned, sdkSigned, ownSigned} {
		if m := form.FindStringSubmatchIndex(text); m != nil {
			signed = text[m[2]:m[3]]
			if form == ownSigned {
				signed = strings.TrimSuffix(strings.ReplaceAll("\n"+signed, "\n*   ", "\n")[1:], "\n")
			}
			text = text[:m[0]] + text[m[1]:]
			break
		}
	}
	whole := text
	// The lines of a canonical request look like headers: they are taken out before the lines are read.
	d, hasDump := findDump(text)
	if hasDump {
		text = text[:d.start] + text[d.end:]
	}
	r := &reader{x: newExchange()}
	for line := range strings.SplitSeq(text, "\n") {
		r.line(line)
	}
	r.close()
	x := r.x
	if r.refused != nil {
		x = r.refused
	}
	if x.Text == "" || hasDump {
		x.Text = whole
	}
	if hasDump {
		x.Expected, x.ToSign = d.canonical, d.toSign
	}
	x.Signed, x.ByCurl = signed, x.ByCurl || strings.Contains(text, "Server auth using AWS_SIGV4")
	x.finish()
	if x.Method == "" && len(x.Header) == 0 && x.Expected == "" && sentenceOf(x.Text) == nil {
		return nil, ErrNothing
	}
	return x, nil
}

func newExchange() *Exchange { return &Exchange{Header: http.Header{}, Answer: http.Header{}} }

// line reads one line. The marks of curl say what it is of, and without them its form does.
func (r *reader) line(line string) {
	switch {
	case strings.HasPrefix(line, "* "), strings.HasPrefix(line, "{ ["), strings.HasPrefix(line, "} ["):
		return
	case strings.HasPrefix(line, "> "), line == ">":
		r.request(strings.TrimPrefix(line[1:], " "))
		return
	case strings.HasPrefix(line, "< "), line == "<":
		r.answer(strings.TrimPrefix(line[1:], " "))
		return
	}
	bare := strings.TrimSpace(line)
	switch {
	case statusLine.MatchString(bare):
		r.answer(bare)
	case r.part != inText && r.part != inBody && requestLine.MatchString(bare):
		r.request(bare)
	case r.part == inHead:
		r.request(bare)
	case r.part == inAnswer:
		r.answer(bare)
	default:
		r.text(line)
	}
}

// request reads a line of the head of a request.
func (r *reader) request(line string) {
	if m := requestLine.FindStringSubmatch(line); m != nil {
		if r.x.Method != "" {
			r.close()
			r.x = newExchange()
		}
		r.x.Method, r.x.Target, r.part = m[1], m[2], inHead
		if _, rest, found := strings.Cut(r.x.Target, "://"); found {
			i := strings.IndexByte(rest+"/", '/')
			r.x.Host, r.x.Target = rest[:i], (rest + "/")[i:]
			if strings.Contains(rest, "/") {
				r.x.Target = rest[i:]
			}
		}
		return
	}
	m := headerLine.FindStringSubmatch(line)
	switch {
	case m != nil:
		r.part = inHead
		r.x.add(r.x.Header, m[1], m[2])
	case line == "" && r.x.Method != "":
		r.part = inBody
	case line != "":
		r.text(line)
	}
}

// answer reads a line of the head of an answer.
func (r *reader) answer(line string) {
	if m := statusLine.FindStringSubmatch(line); m != nil {
		r.keepBody()
		r.x.Status, _ = strconv.Atoi(m[1])
		r.x.Answer, r.part = http.Header{}, inAnswer
		return
	}
	m := headerLine.FindStringSubmatch(line)
	switch {
	case m != nil:
		r.x.add(r.x.Answer, m[1], m[2])
	case line == "":
		r.part = inText
	default:
		r.part = inText
		r.text(line)
	}
}

// text reads a line of a body. One of the answer can stand before the request, or behind it without a status.
func (r *reader) text(line string) {
	isRefusal := sentenceOf(line) != nil
	if r.part == inBody && !isRefusal {
		if line != "" || r.body.Len() > 0 {
			r.body.WriteString(line + "\n")
		}
		return
	}
	if isRefusal && r.part != inText {
		r.x.Text += line + "\n"
		return
	}
	if r.part == inText {
		r.x.Text += line + "\n"
	}
}

// keepBody ends the body of a request that was pasted. Its last line end is not a part of it.
func (r *reader) keepBody() {
	if body := strings.TrimRight(r.body.String(), "\n"); body != "" {
		r.x.Body, r.x.HasBody = []byte(body), true
	}
	r.body.Reset()
}

func (r *reader) close() {
	r.keepBody()
	if r.x.Status >= 400 || r.x.Status == 0 && r.x.Text != "" {
		r.refused = r.x
	}
}
