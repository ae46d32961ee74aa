package cli

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/internal/advice"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/internal/version"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/sigv4"
)

// requestOptions are those of curl, where curl has one.
type requestOptions struct {
	pipeline.Target
	method    string
	data      []datum
	headers   []string
	get, head bool
	upload    string
	location  bool
	silent    bool
	proxy     string
	format    string
	include   bool
	verbose   bool
	output    string
	compress  bool
	prefixed  bool // the endpoint is put before the path
	connectTo []string
	timeout   time.Duration
}

func newRequestCommand(a *app) *cobra.Command {
	var o requestOptions
	cmd := &cobra.Command{
		Use:   "request [METHOD] URL|PATH",
		Short: "Send one signed request, as curl would",
		Long: `request signs one request with the credentials of the AWS chain and writes the body of the answer to standard
output.

A PATH is sent to the --domain. A body comes from -d: text, @file or @- for standard input. Redirects are followed with
-L, on the same host only: a signature is for one host. Keys are never flags: they come from the AWS chain. On a
terminal JSON is indented.

Exit codes: 0 for a 2xx answer, 5 for 401 and 403, 4 when the endpoint cannot be reached, 1 for any other answer.
docs/request.md has more examples.`,
		Example: `  penstock request GET / --domain https://search-x.eu-west-1.es.amazonaws.com
  penstock request https://search-x.eu-west-1.es.amazonaws.com/_cat/indices?v
  penstock request POST /logs-*/_search -d '{"size":1}' --domain https://…
  penstock request PUT /_index_template/logs -d @template.json --domain https://…
  penstock request -v GET / --domain https://localhost:9999 --sign-for search-x.eu-west-1.es.amazonaws.com`,
		GroupID: groupDomain,
		Args:    usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), a, args)
		},
	}
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.Target(&o.Target)
	f.StringVarP(&o.method, "request", "X", "", "method; GET, or POST with a body, when not given")
	f.VarP(dataFlag{&o.data, dataOrFile}, "data", "d", "body: text, @file or @-; several are joined by &, as curl does; "+
		"line ends in files are kept")
	f.Var(dataFlag{&o.data, dataOrFile}, "data-binary", "the same as --data")
	f.Var(dataFlag{&o.data, dataRaw}, "data-raw", "body: text, also when it begins with @")
	f.Var(dataFlag{&o.data, dataJSON}, "json", "body: JSON text, @file or @-; sets Content-Type and Accept")
	f.StringVarP(&o.upload, "upload-file", "T", "", "PUT this file, or - for standard input")
	f.BoolVarP(&o.get, "get", "G", false, "put what -d gives into the query")
	f.BoolVarP(&o.head, "head", "I", false, "HEAD, and write the headers")
	f.BoolVarP(&o.location, "location", "L", false, "follow redirects on the same host, each signed anew")
	f.BoolVarP(&o.Insecure, "insecure", "k", false, "take any certificate of the endpoint")
	f.StringVarP(&o.proxy, "proxy", "x", "", "reach the endpoint through this proxy, http://HOST:PORT; by default "+
		"the environment's")
	f.StringVarP(&o.format, "write-out", "w", "", "write this after the body, with curl's variables, as %{http_code}")
	f.BoolVarP(&o.silent, "silent", "s", false, "leave out notes; there is no progress to be left out")
	f.BoolP("show-error", "S", true, "errors are always said")
	f.Bool("fail-with-body", true, "the exit code always tells a failure, and the body is always written")
	f.StringArrayVarP(&o.headers, "header", "H", nil, `header, "Name: value"`)
	f.BoolVarP(&o.include, "include", "i", false, "write the status line and the headers before the body")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell standard error what was signed and what was answered, "+
		"without the secrets")
	f.StringVarP(&o.output, "output", "o", "", "write the body to this file instead of standard output")
	f.BoolVar(&o.compress, "compressed", false, "ask for a compressed answer and decompress it")
	f.StringArrayVar(&o.connectTo, "connect-to", nil,
		"HOST1:PORT1:HOST2:PORT2: connect to the second instead of the first")
	f.DurationVarP(&o.timeout, "max-time", "m", time.Minute, "longest time for the whole request")
	cmd.SetFlagErrorFunc(requestFlagError)
	return cmd
}

func (o *requestOptions) run(ctx context.Context, a *app, args []string) error {
	if o.timeout <= 0 {
		return usagef("write it as -m 30s", "a request that may take %s", o.timeout)
	}
	method, full, data, err := o.asked(a, args, "request")
	if err != nil {
		return err
	}
	if o.Proxy, err = o.proxyURL(full); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	req, err := o.build(ctx, method, full, data)
	if err != nil {
		return err
	}
	detours, err := parseDetours(o.connectTo)
	if err != nil {
		return err
	}
	transport, err := o.Transport(ctx, dialVia(detours), 1)
	if err != nil {
		return err
	}
	o.noteInsecure(a, full)
	return o.exchange(a, transport, req, data)
}

// verb is the method of the request: the one that is named, or the one that the body tells.
func (o *requestOptions) verb(data []byte) string {
	switch {
	case o.method != "":
		return o.method
	case o.head:
		return http.MethodHead
	case o.upload != "":
		return http.MethodPut
	case data != nil:
		return http.MethodPost
	}
	return http.MethodGet
}

// exchange sends the request, and others where it is redirected to, and writes the last answer.
func (o *requestOptions) exchange(a *app, transport http.RoundTripper, req *http.Request, data []byte) error {
	seen := &outcome{started: time.Now(), method: req.Method, url: req.URL.String()}
	for {
		if o.verbose {
			o.trace(a.Err, transport, req)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return errors.Join(requestError(req.URL, err), o.writeOut(a, seen))
		}
		if o.verbose {
			_, _ = fmt.Fprintf(a.Err, "< %s %s\n", resp.Proto, printable(resp.Status))
			writeHeaders(a.Err, "< ", resp.Header)
		}
		method, to := o.next(a, req, resp)
		if to == nil {
			seen.resp = resp
			return o.finish(a, seen)
		}
		_ = resp.Body.Close()
		if seen.redirects++; seen.redirects > maxRedirects {
			return fmt.Errorf("follow redirects: more than %d", maxRedirects)
		}
		if method != req.Method {
			data = nil
		}
		if req, err = o.build(req.Context(), method, to, data); err != nil {
			return err
		}
		seen.method, seen.url = method, to.String()
	}
}

// finish writes the answer, and tells a person why it is a refusal.
func (o *requestOptions) finish(a *app, seen *outcome) error {
	resp := seen.resp
	defer func() { _ = resp.Body.Close() }()
	body := &seenBody{ReadCloser: resp.Body}
	if requestExit(resp.StatusCode) == exitRefused {
		resp.Body = body
	}
	size, err := o.write(a.Out, resp)
	if err != nil {
		return err
	}
	seen.size = size
	if err := o.writeOut(a, seen); err != nil {
		return err
	}
	a.sayCause(resp, body.seen)
	return exitWith(requestExit(resp.StatusCode))
}

// seenBody is a body whose beginning is kept.
type seenBody struct {
	io.ReadCloser
	seen []byte
}

// enoughOfRefusal is more than the service says in a refusal.
const enoughOfRefusal = 64 << 10

func (b *seenBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.seen = append(b.seen, p[:min(n, enoughOfRefusal-len(b.seen))]...)
	return n, err
}

// sayCause tells a person why the request was refused.
func (a *app) sayCause(resp *http.Response, body []byte) {
	if requestExit(resp.StatusCode) != exitRefused {
		return
	}
	if resp.Header.Get("Content-Encoding") == "gzip" {
		body = unzipped(body)
	}
	if d, ok := doctor.Explain(domain.ClassifyResponse(resp, body)); ok {
		_, _ = fmt.Fprintf(a.Err, "penstock: hint: %s\n", printable(advice.Hint(d)))
	}
}

// unzipped is the beginning of a compressed body, as far as it goes.
func unzipped(body []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil
	}
	plain, _ := io.ReadAll(io.LimitReader(z, enoughOfRefusal)) // what was cut off is an error at the end
	return plain
}

// asked is the request that the arguments of a command ask for: its method, its URL, and its body, which is nil when
// there is none.
func (o *requestOptions) asked(a *app, args []string, command string) (string, *url.URL, []byte, error) {
	method, address := o.method, args[len(args)-1]
	if len(args) == 2 {
		if method != "" && method != args[0] {
			return "", nil, nil, usagef("give the method once", "method is %s and %s", args[0], method)
		}
		method = args[0]
	} else if isMethod(address) {
		return "", nil, nil, usagef("name the path too: penstock "+command+" "+address+" /",
			"%s is a method, and there is no path", address)
	}
	o.method = method
	if err := o.check(method); err != nil {
		return "", nil, nil, err
	}
	full, err := o.address(address)
	if err != nil {
		return "", nil, nil, err
	}
	if o.prefixed {
		a.notePath(&o.Target)
	}
	data, err := o.body(a.In)
	if err != nil {
		return "", nil, nil, err
	}
	if o.get {
		full, data = withData(full, data), nil
	}
	return o.verb(data), full, data, nil
}

// isMethod reports whether an argument can only be a method: names of indexes are in lower case.
func isMethod(arg string) bool {
	return slices.Contains([]string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete,
		http.MethodPatch,
	}, arg)
}

func requestExit(status int) int {
	switch {
	case status >= 200 && status < 300:
		return exitOK
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return exitRefused
	default:
		return exitInternal
	}
}

// address completes a path with the domain. What was typed stays as it is, nothing is decoded or encoded again, but for
// what no request line can hold: spaces, control characters and bytes beyond ASCII become escapes.
func (o *requestOptions) address(arg string) (*url.URL, error) {
	text := arg
	if !strings.HasPrefix(arg, "http://") && !strings.HasPrefix(arg, "https://") {
		if o.URL == "" {
			return nil, usagef("name the endpoint with --domain, or give the whole URL", "%s is a path, and there is no domain",
				arg)
		}
		o.prefixed = true
		text = strings.TrimSuffix(o.URL, "/") + "/" + strings.TrimPrefix(arg, "/")
	}
	u, err := url.Parse(escaped(text))
	if err != nil || u.Host == "" {
		return nil, usagef("write it as https://host/path?query", "%q is not a URL", arg)
	}
	if u.User != nil {
		return nil, usagef("credentials come from the AWS chain", "%s carries credentials", u.Redacted())
	}
	if o.URL == "" {
		o.URL = u.Scheme + "://" + u.Host
	}
	return u, nil
}

// escaped writes as escapes what a request line cannot hold.
func escaped(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f {
			_, _ = fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// body reads the body that -d describes; nil means that there is none.
func (o *requestOptions) body(stdin io.Reader) ([]byte, error) {
	if o.upload != "" {
		data, err := readFileOrInput(stdin, o.upload)
		if err != nil {
			return nil, usagef("-T FILE sends a file, -T - standard input", "read body: %w", err)
		}
		return nonNil(data), nil
	}
	if len(o.data) == 0 {
		return nil, nil
	}
	body := []byte{}
	for i, d := range o.data {
		if i > 0 && d.kind != dataJSON {
			body = append(body, '&')
		}
		name, isFile := strings.CutPrefix(d.text, "@")
		if !isFile || d.kind == dataRaw {
			body = append(body, d.text...)
			continue
		}
		data, err := readFileOrInput(stdin, name)
		switch {
		case err != nil && name == "-":
			return nil, fmt.Errorf("read standard input: %w", err)
		case err != nil:
			return nil, usagef("-d @FILE reads the body from a file, --data-raw takes a text that begins with @",
				"read body: %w", err)
		}
		body = append(body, data...)
	}
	return body, nil
}

// nonNil is an empty body where there is none.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func (o *requestOptions) build(ctx context.Context, method string, u *url.URL, body []byte) (*http.Request, error) {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), r)
	if err != nil {
		return nil, usagef("methods are GET, HEAD, POST, PUT, DELETE or PATCH", "make request: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
		if strings.HasSuffix(u.Path, "/_bulk") || strings.HasSuffix(u.Path, "/_msearch") {
			req.Header.Set("Content-Type", "application/x-ndjson")
		}
	}
	req.Header.Set("User-Agent", version.UserAgent())
	if o.compress {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	if slices.ContainsFunc(o.data, func(d datum) bool { return d.kind == dataJSON }) {
		req.Header.Set("Accept", "application/json")
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
	}
	for _, h := range o.headers {
		if err := setHeader(req, h); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// setHeader puts one -H into the request.
func setHeader(req *http.Request, h string) error {
	name, value, ok := strings.Cut(h, ":")
	value = strings.TrimSpace(value)
	isControl := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	if !ok || name == "" || strings.Trim(name, headerNameBytes) != "" || strings.ContainsFunc(value, isControl) {
		return usagef(`write it as "Name: value"`, "%q is not a header", h)
	}
	switch strings.ToLower(name) {
	case "host":
		if u, err := url.Parse("//" + value); err != nil || value == "" || u.Host != value {
			return usagef(`write it as "Host: name" or "Host: name:port"`, "%q is not a host", value)
		}
		req.Host = value
	case "content-length", "transfer-encoding":
		return usagef("leave it out", "%s is that of the body", name)
	default:
		req.Header.Set(name, value)
	}
	return nil
}

// headerNameBytes are what names of headers are made of (RFC 9110, 5.6.2).
const headerNameBytes = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// trace tells w of the request and of each signature that is made for it, as they are sent.
func (o *requestOptions) trace(w io.Writer, rt http.RoundTripper, req *http.Request) {
	t, ok := rt.(*sigv4.Transport)
	if !ok {
		writeRequest(w, req, req.Host)
		return
	}
	t.Trace = func(signed sigv4.Trace) {
		writeRequest(w, req, signed.Host)
		for _, part := range []struct{ name, text string }{
			{"canonical request", signed.CanonicalRequest}, {"string to sign", signed.StringToSign},
		} {
			_, _ = fmt.Fprintf(w, "* %s:\n", part.name)
			for line := range strings.SplitSeq(part.text, "\n") {
				_, _ = fmt.Fprintf(w, "*   %s\n", printable(line))
			}
		}
	}
}

func writeRequest(w io.Writer, req *http.Request, host string) {
	_, _ = fmt.Fprintf(w, "> %s %s\n", req.Method, printable(req.URL.RequestURI()))
	_, _ = fmt.Fprintf(w, "> Host: %s\n", printable(host))
	writeHeaders(w, "> ", req.Header)
}

// secretHeader reports whether a header is shown by name only.
func secretHeader(name string) bool {
	return slices.Contains(
		[]string{"Authorization", "X-Amz-Security-Token", "Cookie", "Set-Cookie", "Proxy-Authorization"}, name)
}

func writeHeaders(w io.Writer, prefix string, h http.Header) {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range h[name] {
			if secretHeader(name) {
				v = "(not shown)"
			}
			_, _ = fmt.Fprintf(w, "%s%s: %s\n", prefix, name, printable(v))
		}
	}
}

// write copies the answer. A terminal gets it with control characters shown as escapes.
func (o *requestOptions) write(stdout io.Writer, resp *http.Response) (size int64, err error) {
	out := stdout
	if o.output != "" {
		f, cerr := os.Create(o.output)
		if cerr != nil {
			return 0, usagef("name a file that can be written with -o", "write answer: %w", cerr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	to := &sink{w: out}
	if o.include || o.head {
		_, _ = fmt.Fprintf(to, "%s %s\r\n", resp.Proto, printable(resp.Status))
		writeHeaders(to, "", resp.Header)
		_, _ = fmt.Fprint(to, "\r\n")
	}
	var body io.Reader = resp.Body
	if o.compress && resp.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(resp.Body)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("decompress answer: %w", err)
		}
		if err == nil {
			body = z
		}
	}
	counted := &countedReader{r: body}
	body = counted
	if isTerminal(out) {
		to.w = &terminalWriter{w: out}
		if isJSON(resp.Header) && resp.Request.Method != http.MethodHead {
			body = indent(body)
		}
	}
	_, err = io.Copy(to, body)
	switch {
	case to.err != nil && o.output == "":
		return counted.n.Load(), unwritten(to.err)
	case to.err != nil:
		return counted.n.Load(), to.err // names the file
	case err != nil:
		return counted.n.Load(), fmt.Errorf("read answer: %w", err)
	}
	return counted.n.Load(), nil
}

// unwritten says that the answer of a command that only answers is lost. Whether to run it again is not for us to say.
func unwritten(err error) error { return fmt.Errorf("write standard output: %w", err) }

// sink remembers that a write failed, which io.Copy does not tell from a read.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if s.err == nil {
		s.err = err
	}
	return n, err
}

// terminalWriter lets text through and shows control characters, other than line ends and tabs, as escapes: also those
// of ISO 8859-1, which UTF-8 writes as two bytes.
type terminalWriter struct {
	w    io.Writer
	last byte
}

func (t *terminalWriter) Write(p []byte) (int, error) {
	safe := make([]byte, 0, len(p))
	for _, c := range p {
		if c < 0x20 && c != '\n' && c != '\t' || c == 0x7f || t.last == 0xc2 && 0x80 <= c && c < 0xa0 {
			safe = fmt.Appendf(safe, `\x%02x`, c)
		} else {
			safe = append(safe, c)
		}
		t.last = c
	}
	if _, err := t.w.Write(safe); err != nil {
		return 0, err
	}
	return len(p), nil
}
