package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// datum is one piece of a body, in the order in which the flags stand.
type datum struct {
	kind dataKind
	text string
}

type dataKind int

const (
	dataOrFile dataKind = iota // text, @FILE or @-
	dataRaw                    // text alone
	dataJSON                   // like dataOrFile, and says that it is JSON
)

// dataFlag is a flag that adds a piece to the body.
type dataFlag struct {
	to   *[]datum
	kind dataKind
}

func (f dataFlag) String() string { return "" }
func (f dataFlag) Type() string   { return "stringArray" }

// Set implements pflag.Value.
func (f dataFlag) Set(text string) error {
	*f.to = append(*f.to, datum{f.kind, text})
	return nil
}

// secretFlags are those by which awscurl and curl take keys on the command line.
var secretFlags = []string{"access_key", "secret_key", "session_token", "security_token", "user", "u"}

// requestFlagError explains flags of awscurl and curl that are not taken. It repeats no value.
func requestFlagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		for _, name := range secretFlags {
			if e.GetSpecifiedName() != name {
				continue
			}
			dashes := "--"
			if len(name) == 1 {
				dashes = "-"
			}
			return usagef("set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or name a --profile",
				"%s%s: keys on a command line are read by everybody on this machine", dashes, name)
		}
	}
	return flagError(cmd, err)
}

// check finds flags that do not go together.
func (o *requestOptions) check(method string) error {
	switch {
	case o.head && method != "" && method != http.MethodHead:
		return usagef("leave one of them out", "-I asks for HEAD, and the method is %s", method)
	case o.head && (len(o.data) > 0 && !o.get || o.upload != ""):
		return usagef("leave the body out, or put it into the query with -G", "-I: HEAD has no body")
	case o.get && o.upload != "":
		return usagef("leave one of them out", "-G puts -d into the query, and -T sends a file")
	case o.get && len(o.data) == 0:
		return usagef("give -d name=value, which -G puts into the query", "-G without -d")
	case o.upload != "" && len(o.data) > 0:
		return usagef("leave one of them out", "the body is given by -T and by -d")
	}
	return nil
}

// proxyURL reads -x as curl does: a scheme is http when it is not named.
func (o *requestOptions) proxyURL(to *url.URL) (*url.URL, error) {
	if o.proxy == "" {
		return nil, nil //nolint:nilnil // no proxy is asked for
	}
	text := o.proxy
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	const hint = "write it as -x http://HOST:PORT; https:// and socks5:// are understood too"
	if err != nil || u.Host == "" {
		return nil, usagef(hint, "-x does not name a proxy")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return nil, usagef(hint, "-x: a proxy of the kind %s is not known", u.Scheme)
	}
	if to.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, usagef("use https:// for the endpoint", "-x: %s would see the signed request: it is plain http",
			u.Host)
	}
	return u, nil
}

// isLoopback reports whether a name or an address is this machine and no other.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// withData puts the pieces of the body into the query.
func withData(u *url.URL, data []byte) *url.URL {
	with := *u
	with.ForceQuery = false
	if with.RawQuery != "" {
		with.RawQuery += "&"
	}
	with.RawQuery += escaped(string(data))
	return &with
}

// maxRedirects bounds how often -L follows.
const maxRedirects = 10

// next is the request that a redirect on the same host asks for; nil when there is none to follow. A signature is for
// one host, so no other one gets a request.
func (o *requestOptions) next(a *app, req *http.Request, resp *http.Response) (method string, to *url.URL) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect,
		http.StatusPermanentRedirect:
	default:
		return "", nil
	}
	location := resp.Header.Get("Location")
	to, err := req.URL.Parse(location)
	if !o.location || location == "" || err != nil {
		return "", nil
	}
	if o.SignFor != "" && to.Scheme == "https" && strings.EqualFold(to.Host, o.SignFor) {
		to.Scheme, to.Host = req.URL.Scheme, req.URL.Host // its own name, behind the tunnel
	}
	if to.Scheme != req.URL.Scheme || !strings.EqualFold(to.Host, req.URL.Host) || to.User != nil {
		o.note(a, "the redirect to %s is not followed: a signature is for one host", to.Scheme+"://"+to.Host)
		return "", nil
	}
	method = req.Method
	keeps := resp.StatusCode == http.StatusTemporaryRedirect || resp.StatusCode == http.StatusPermanentRedirect
	if !keeps && method != http.MethodHead && o.method == "" {
		method = http.MethodGet // as curl does, unless -X names the method
	}
	return method, to
}

// note tells a person something that is no error. -s leaves it out.
func (o *requestOptions) note(a *app, format string, args ...any) {
	if !o.silent {
		_, _ = fmt.Fprintf(a.Err, "penstock: note: %s\n", printable(fmt.Sprintf(format, args...)))
	}
}

// noteInsecure says what -k gives up.
func (o *requestOptions) noteInsecure(a *app, u *url.URL) {
	if o.Insecure && u.Scheme == "https" && !isLoopback(u.Hostname()) {
		o.note(a, "the certificate of %s is not checked: whoever is on the way reads and changes what is sent", u.Host)
	}
}

// maxIndented bounds an answer that is held to be indented.
const maxIndented = 16 << 20

// isJSON reports whether an answer says that it is one JSON value.
func isJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// indent reads JSON and gives it with line breaks, for a terminal. What is no JSON, and what is long, comes as it is.
func indent(r io.Reader) io.Reader {
	text, err := io.ReadAll(io.LimitReader(r, maxIndented))
	if err != nil {
		return io.MultiReader(bytes.NewReader(text), failing{err})
	}
	var out bytes.Buffer
	if len(text) == maxIndented || json.Indent(&out, bytes.TrimSpace(text), "", "  ") != nil {
		return io.MultiReader(bytes.NewReader(text), r)
	}
	_ = out.WriteByte('\n') // a buffer takes everything
	return &out
}

// failing is a reader that has failed.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// outcome is what -w can tell.
type outcome struct {
	started   time.Time
	method    string
	url       string
	redirects int
	resp      *http.Response // nil without an answer
	size      int64
}

// writeOut writes what -w asks for, in curl's words.
func (o *requestOptions) writeOut(a *app, seen *outcome) error {
	if o.format == "" {
		return nil
	}
	format := o.format
	if name, isFile := strings.CutPrefix(format, "@"); isFile {
		text, err := readFileOrInput(a.In, name)
		if err != nil {
			return usagef("-w @FILE reads what to write from a file", "read format: %w", err)
		}
		format = string(text)
	}
	out, text := a.Out, strings.Builder{}
	flush := func() error {
		_, err := io.WriteString(out, text.String())
		text.Reset()
		return err
	}
	for format != "" {
		switch {
		case strings.HasPrefix(format, "%%"):
			_ = text.WriteByte('%')
			format = format[2:]
		case strings.HasPrefix(format, "%{") && strings.Contains(format, "}"):
			name, rest, _ := strings.Cut(format[2:], "}")
			format = rest
			if name == "stderr" || name == "stdout" {
				if err := flush(); err != nil {
					return unwritten(err)
				}
				if out = a.Out; name == "stderr" {
					out = a.Err
				}
				continue
			}
			value, ok := seen.variable(name)
			if !ok {
				o.note(a, "-w: there is no variable %s", name)
			}
			_, _ = text.WriteString(value)
		case len(format) > 1 && format[0] == '\\' && strings.IndexByte("nrt\\", format[1]) >= 0:
			_ = text.WriteByte(map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '\\': '\\'}[format[1]])
			format = format[2:]
		default:
			_ = text.WriteByte(format[0])
			format = format[1:]
		}
	}
	if err := flush(); err != nil {
		return unwritten(err)
	}
	return nil
}

// variable is the value of one of curl's variables.
func (s *outcome) variable(name string) (string, bool) {
	header := http.Header{}
	status, proto := "000", "0"
	if s.resp != nil {
		header, status = s.resp.Header, strconv.Itoa(s.resp.StatusCode)
		proto = strings.TrimSuffix(fmt.Sprintf("%d.%d", s.resp.ProtoMajor, s.resp.ProtoMinor), ".0")
	}
	switch name {
	case "http_code", "response_code":
		return status, true
	case "http_version":
		return proto, true
	case "content_type":
		return printable(header.Get("Content-Type")), true
	case "redirect_url":
		return printable(header.Get("Location")), true
	case "size_download":
		return strconv.FormatInt(s.size, 10), true
	case "time_total":
		return strconv.FormatFloat(time.Since(s.started).Seconds(), 'f', 6, 64), true
	case "num_redirects":
		return strconv.Itoa(s.redirects), true
	case "url", "url_effective":
		return printable(s.url), true
	case "method":
		return s.method, true
	case "scheme":
		scheme, _, _ := strings.Cut(s.url, "://")
		return scheme, true
	}
	return "", false
}
