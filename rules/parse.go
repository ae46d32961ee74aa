package rules

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/internal/extract"
	"github.com/seed56735111/penstock/internal/quote"
	"github.com/seed56735111/penstock/rules/expr"
)

// Parse reads the text of a field, and puts what it finds into an object.
type Parse struct {
	// Field has the text.
	Field string
	// As says what the text is: "url", "query", "user_agent", "grok", "dissect", "regex", or the name of a format, such as
	// "json", "kv" or "alb".
	As string
	// Pattern is that of grok, dissect or regex.
	Pattern string
	// Into is the field that becomes the object. Without it the fields of a pattern are those of the record.
	Into string
}

// Word is part of Verb.
func (Parse) Word() string { return "parse" }

// ParseAs are the words for As, beside the names of formats.
func ParseAs() []string { return append([]string{"url", "query", "user_agent"}, patterned...) }

// ParseAsError is about a word that is neither of [ParseAs] nor the name of a format.
type ParseAsError struct{ As string }

func (e *ParseAsError) Error() string {
	return fmt.Sprintf("%q is neither %s nor the name of a format", e.As, strings.Join(ParseAs(), ", "))
}

// patterned are the ways to read a text by a pattern.
var patterned = []string{"grok", "dissect", "regex"} //nolint:gochecknoglobals // a list that nobody writes to

// Compile is part of Verb.
func (p Parse) Compile(env *Env) (Action, error) {
	if err := env.Field(p.Field); err != nil {
		return nil, &PartError{"field", err}
	}
	if hasPattern := slices.Contains(patterned, p.As); hasPattern != (p.Pattern != "") {
		if hasPattern {
			return nil, &PartError{"as", fmt.Errorf("%s needs a pattern", p.As)}
		}
		return nil, &PartError{"pattern", errors.New("only grok, dissect and regex have a pattern")}
	}
	if p.Pattern == "" && p.Into == "" {
		return nil, &PartError{"field", errors.New("into is missing: the name of the object with what is found")}
	}
	a := parsing{field: expr.NewPath(p.Field), what: p.As}
	if p.Into != "" {
		target, err := NewTarget(p.Into)
		if err != nil {
			return nil, &PartError{"into", err}
		}
		a.into = target
		env.Knows(p.Into, expr.Object)
	}
	switch p.As {
	case "url":
		a.read = appendURL
	case "query":
		a.read = appendQuery
	case "user_agent":
		a.read = newAgents().append
	case "grok", "dissect", "regex":
		return p.byPattern(env, a)
	default:
		if env.Stages.Format == nil {
			return nil, &PartError{"as", &ParseAsError{p.As}}
		}
		read, err := env.Stages.Format(p.As)
		if err != nil {
			return nil, &PartError{"as", &ParseAsError{p.As}}
		}
		a.read = read
	}
	return &a, nil
}

// byPattern compiles grok, dissect and regex.
func (p Parse) byPattern(env *Env, a parsing) (Action, error) {
	var e extract.Extractor
	var err error
	switch p.As {
	case "grok":
		e, err = extract.Grok(p.Pattern, nil, extract.Options{Part: true})
	case "regex":
		e, err = extract.Regexp(p.Pattern, extract.Options{Part: true})
	default:
		e, err = extract.Dissect(p.Pattern)
	}
	if err != nil {
		return nil, &PartError{"pattern", err}
	}
	all := &extracting{parsing: a, extractor: e, fields: e.Fields()}
	for _, f := range all.fields {
		name := f.Name
		if p.Into != "" {
			name = p.Into + "." + name
		}
		target, err := NewTarget(name)
		if err != nil {
			return nil, &PartError{"pattern", err}
		}
		if p.Into == "" {
			t := expr.Text
			if f.Type != "" {
				t = expr.Unknown
			}
			env.Knows(f.Name, t)
		}
		all.targets = append(all.targets, target)
	}
	return all, nil
}

// parsing reads a text as an object.
type parsing struct {
	field *expr.Path
	into  *Target
	what  string
	// read appends the object. It reports false for a text that is none of the kind.
	read func(dst, text []byte) ([]byte, bool)
}

// longestParsed is how long a text may be that is parsed.
const longestParsed = 1 << 20

// textOf returns the text of a field; nil for one that is absent or empty.
func (r *Record) textOf(p *expr.Path) []byte {
	value, ok := r.Member(p)
	if !ok || len(value) <= len(`""`) || value[0] != '"' {
		return nil
	}
	body := value[1 : len(value)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		return body
	}
	return r.Made(quote.AppendUnquoted(r.Room(), body))
}

// errNotParsed is why a text stays as it is.
type errNotParsed struct{ field, what string }

func (e *errNotParsed) Error() string {
	return fmt.Sprintf("parse %s: the text does not fit %s", e.field, e.what)
}

func (a *parsing) text(r *Record) ([]byte, error) {
	text := r.textOf(a.field)
	if len(text) > longestParsed {
		return nil, fmt.Errorf("parse %s: the text is longer than %d bytes", a.field, longestParsed)
	}
	return text, nil
}

// Apply is part of Action.
func (a *parsing) Apply(r *Record) (Verdict, error) {
	text, err := a.text(r)
	if len(text) == 0 {
		return Nothing, err
	}
	object, ok := a.read(r.Room(), text)
	if !ok {
		return Nothing, &errNotParsed{a.field.String(), a.what}
	}
	return Done, r.Set(a.into, r.Made(object))
}

// extracting takes fields out of a text by a pattern.
type extracting struct {
	parsing

	extractor extract.Extractor
	fields    []extract.Field
	targets   []*Target
}

// Apply is part of Action.
func (a *extracting) Apply(r *Record) (Verdict, error) {
	text, err := a.text(r)
	if len(text) == 0 {
		return Nothing, err
	}
	spans, ok := a.extractor.Match(r.spans[:0], text)
	if r.spans = spans; !ok {
		return Nothing, &errNotParsed{a.field.String(), a.what}
	}
	for i := range a.fields {
		value, ok := appendSpans(r.Room(), &a.fields[i], spans, text)
		if !ok {
			continue
		}
		if err := r.Set(a.targets[i], r.Made(value)); err != nil {
			return Nothing, err
		}
	}
	return Done, nil
}

// appendSpans appends the value of a field as JSON. It reports false when it has none.
func appendSpans(dst []byte, f *extract.Field, spans []extract.Span, text []byte) ([]byte, bool) {
	found := false
	dst = append(dst, '"')
	start := len(dst)
	for _, at := range f.Spans {
		s := spans[at]
		if s.Start < 0 || s.End < s.Start {
			continue
		}
		if found {
			dst = append(dst, ' ')
		}
		dst = quote.Append(dst, text[s.Start:s.End])
		if found = true; !f.Joined {
			break
		}
	}
	if !found {
		return dst, false
	}
	if body := dst[start:]; f.Type != "" && f.Type != "string" && isNumber(body, f.Type) {
		return append(dst[:start-1], body...), true
	}
	return append(dst, '"'), true
}

// isNumber reports whether a text can stand in JSON as a number of a type of grok.
func isNumber(text []byte, typ string) bool {
	end, ok := quote.Skip(text, 0)
	if !ok || end != len(text) || text[0] != '-' && !quote.IsDigit(text[0]) {
		return false
	}
	whole := typ == "int" || typ == "long"
	return !whole || !bytes.ContainsAny(text, ".eE") && len(text) < len("-9223372036854775808")
}

// object writes the members of an object that have a value.
type object struct{ b []byte }

func begin(dst []byte) object { return object{append(dst, '{')} }

func (o *object) name(name string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
}

// text adds a text, unless it is empty.
func (o *object) text(name string, value []byte) {
	if len(value) == 0 {
		return
	}
	o.name(name)
	o.b = append(quote.Append(append(o.b, '"'), value), '"')
}

func (o *object) end() []byte { return append(o.b, '}') }

// appendURL takes an address apart, with the names of the Elastic Common Schema. A password is left out.
func appendURL(dst, text []byte) ([]byte, bool) {
	if bytes.IndexFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }) >= 0 {
		return dst, false
	}
	o := begin(dst)
	rest, fragment, _ := bytes.Cut(text, []byte{'#'})
	rest, query, _ := bytes.Cut(rest, []byte{'?'})
	var authority []byte
	if scheme, behind, ok := bytes.Cut(rest, []byte("://")); ok && isScheme(scheme) {
		o.text("scheme", scheme)
		rest = behind
		authority = rest
		if slash := bytes.IndexByte(rest, '/'); slash >= 0 {
			authority, rest = rest[:slash], rest[slash:]
		} else {
			rest = nil
		}
	} else if len(rest) == 0 || rest[0] != '/' {
		return dst, false
	}
	host := authority
	if at := bytes.LastIndexByte(authority, '@'); at >= 0 {
		user, _, _ := bytes.Cut(authority[:at], []byte{':'})
		o.text("username", user)
		host = authority[at+1:]
	}
	var port []byte
	if colon := bytes.LastIndexByte(host, ':'); colon >= 0 && bytes.IndexByte(host[colon:], ']') < 0 {
		host, port = host[:colon], host[colon+1:]
	}
	o.text("domain", bytes.Trim(host, "[]"))
	if n, ok := portOf(port); ok {
		o.name("port")
		o.b = fmt.Append(o.b, n)
	} else if len(port) > 0 {
		return dst, false
	}
	o.text("path", rest)
	if dot := bytes.LastIndexByte(rest, '.'); dot > bytes.LastIndexByte(rest, '/')+1 {
		o.text("extension", rest[dot+1:])
	}
	o.text("query", query)
	o.text("fragment", fragment)
	return o.end(), true
}

func isScheme(s []byte) bool {
	for i, c := range s {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || !quote.IsDigit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return len(s) > 0
}

func portOf(b []byte) (n int, ok bool) {
	for _, c := range b {
		if !quote.IsDigit(c) {
			return 0, false
		}
		if n = n*10 + int(c-'0'); n > 65535 {
			return 0, false
		}
	}
	return n, len(b) > 0
}

// mostParameters bounds the fields that a query string may make.
const mostParameters = 100

// appendQuery reads the parameters of a query string: those before a question mark are passed over. What a parameter
// has several times is a list. In its name _ stands for a dot, and for no name.
func appendQuery(dst, text []byte) ([]byte, bool) {
	if _, behind, ok := bytes.Cut(text, []byte{'?'}); ok {
		text = behind
	}
	text, _, _ = bytes.Cut(text, []byte{'#'})
	var names []string
	values := map[string][]string{}
	for part := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == '&' }) {
		name, value, _ := strings.Cut(part, "=")
		name = nameOf(unescaped(name))
		if _, known := values[name]; !known {
			if len(names) == mostParameters {
				return dst, false
			}
			names = append(names, name)
		}
		values[name] = append(values[name], unescaped(value))
	}
	o := begin(dst)
	for _, name := range names {
		o.name(string(quote.Append(nil, []byte(name))))
		if all := values[name]; len(all) == 1 {
			o.b = quote.AppendString(o.b, all[0])
		} else {
			for i, v := range all {
				o.b = quote.AppendString(append(o.b, "[,"[min(i, 1)]), v)
			}
			o.b = append(o.b, ']')
		}
	}
	return o.end(), true
}

// nameOf makes a name of a text that somebody else wrote, one that a mapper takes.
func nameOf(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '.' || r < ' ' || r == 0x7f {
			return '_'
		}
		return r
	}, s)
	if len(s) > longestName {
		s = strings.ToValidUTF8(s[:longestName], "")
	}
	if strings.TrimSpace(s) == "" {
		return "_"
	}
	return s
}

// unescaped reads percent-encoding, and leaves what is none as it is.
func unescaped(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '+':
			b = append(b, ' ')
		case c == '%' && i+2 < len(s) && hexOf(s[i+1]) >= 0 && hexOf(s[i+2]) >= 0:
			b = append(b, byte(hexOf(s[i+1])<<4|hexOf(s[i+2]))) //nolint:gosec // two digits
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

func hexOf(c byte) int {
	if c <= ' ' {
		return -1
	}
	return strings.IndexByte(quote.HexDigits, c|0x20)
}
