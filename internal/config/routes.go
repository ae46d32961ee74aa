package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/internal/glob"
	"github.com/seed56735111/penstock/internal/lazyregexp"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/shape"
)

// pattern is a glob, or an object with a regular expression. The test is for globs.
type pattern struct {
	test func(string) error
	// formats says that it is for names of formats.
	formats bool
	// doubt, when set, says of a glob what is most likely not meant.
	doubt func(string) string
}

func (p pattern) check(f *finder, key string, n *node) {
	if n.kind != object {
		v, ok := f.one(key, n)
		if !ok {
			return
		}
		if _, err := (pipeline.Pattern{Glob: v}).Compile(); err != nil {
			f.tell(key, n, err)
		} else if p.test != nil {
			f.tell(key, n, p.test(v))
		} else if p.formats {
			f.tell(key, n, f.testFormats(v))
		}
		if p.doubt != nil {
			if why := p.doubt(v); why != "" {
				f.warn(n.place, "%s: %s", key, why)
			}
		}
		return
	}
	regexKeys.check(f, key, n)
	if re := n.member("regex"); re != nil && re.kind == scalar {
		_, err := pipeline.Pattern{Regex: re.text}.Compile()
		f.tell(key, re, err)
	}
}

var regexKeys = keys{{
	name: "regex", usage: "a regular expression, of which a part of the text is enough", form: text{}, required: true,
}}

func (pattern) schema() map[string]any {
	return map[string]any{"anyOf": []any{text{}.schema(), regexKeys.schema()}}
}

// routeName is the name of a route.
type routeName struct{}

func (routeName) check(f *finder, key string, n *node) {
	if v, ok := f.one(key, n); ok {
		f.isName(n.place, v)
	}
}

func (routeName) schema() map[string]any {
	s := text{}.schema()
	s["pattern"] = names.String()
	return s
}

// matchKeys are the conditions of a route.
var matchKeys = keys{
	{name: "bucket", usage: "names of buckets", form: many{pattern{test: testBucket}}},
	{name: "key", usage: "keys of objects in S3", form: many{pattern{test: testKey, doubt: doubtKey}}},
	{name: "file", usage: "absolute paths of files", form: many{pattern{test: testFile}}},
	{name: "log_group", usage: "log groups of log events", form: many{pattern{}}},
	{name: "account", usage: "accounts that the key or the log events name", form: many{pattern{test: testAccount}}},
	{name: "region", usage: "regions that the key names", form: many{pattern{test: testRegion}}},
	{name: "format", usage: "formats that entries were recognised as", form: many{pattern{formats: true}}},
}

// routeSettings are the settings that a route has for itself.
var routeSettings = []string{
	"index", "format", "time_zone", "time_field", "encoding", "binary", "fields", "original", "drop",
}

// routeKeys are those of a route.
func routeKeys() keys {
	all := keys{
		{name: "name", usage: "what explain and the counts call the route", form: routeName{}, required: true},
		{name: "match", usage: "what the route takes; everything without it", form: matchKeys},
		{name: "skip", usage: "why the records are left out", form: text{testSkip}},
		{name: "data_stream", usage: "data stream, in the place of an index", form: text{testStream}},
		{name: "rules", usage: "what becomes of the records, one after the other", form: rulesForm},
		{name: "target", usage: "name of the target that the documents go to", form: text{}},
		{
			name:  "action",
			usage: "what becomes of a document whose id is there: create leaves what is there, index replaces it",
			form:  words{pipeline.ActionCreate, pipeline.ActionIndex},
		},
		{name: "routing", usage: "what chooses the shard, such as {customer}", form: text{testRouting}},
		{name: "pipeline", usage: "ingest pipeline of the domain that the documents go through", form: text{testPipeline}},
		{
			name: "template", usage: "formats whose fields the index template of the route has, or none for no template",
			form: many{ofFormats{testTemplate}},
		},
		{
			name: "retention", usage: "how long the indexes of the route stay, such as 30d; set by penstock templates put alone",
			form: retention,
		},
		{
			name: "tests", usage: "samples with what is expected of them, for penstock test",
			form: several{testKeys(), "a test"},
		},
	}
	for _, s := range settings.Table() {
		if slices.Contains(routeSettings, s.Key()) {
			all = append(all, keyOf(s))
		}
	}
	return all
}

func testSkip(v string) error {
	if strings.TrimSpace(v) == "" {
		return errors.New("say why, in a word or two")
	}
	return nil
}

func testRouting(v string) error {
	_, err := shape.ParseLine(v)
	return err
}

func testPipeline(v string) error {
	if strings.TrimSpace(v) == "" || strings.ContainsAny(v, "*, ") {
		return errors.New("name one ingest pipeline of the domain")
	}
	return nil
}

func testTemplate(f *finder, v string) error {
	if v == pipeline.TemplateNone {
		return nil
	}
	return f.testFormat(v)
}

func testStream(v string) error {
	p, err := shape.ParsePattern(v)
	if err == nil && p.HasDate() {
		err = errors.New("a data stream has no date in its name: the domain makes its indexes")
	}
	return err
}

// never is the error of a pattern that no text has.
func never(why string) error { return fmt.Errorf("nothing ever matches: %s", why) }

var bucketLetters = lazyregexp.New(`^[a-z0-9.*?-]+$`)

func testBucket(v string) error {
	if !bucketLetters.MatchString(v) {
		return never("names of buckets have small letters, digits, dots and dashes")
	}
	return nil
}

func testKey(v string) error {
	if strings.HasPrefix(v, "s3://") {
		return never("a key does not begin with s3://; bucket and key stand apart")
	}
	return nil
}

// doubtKey tells of patterns that have a slash too many or too few.
func doubtKey(v string) string {
	switch {
	case strings.HasPrefix(v, "/"):
		return "a key seldom begins with a slash; " + v[1:] + " matches those without"
	case strings.HasPrefix(v, "*") && !strings.Contains(v, "/") && !strings.Contains(v, "**"):
		return "this matches keys without a slash only; **/" + v + " matches the others too"
	}
	return ""
}

func testFile(v string) error {
	if !strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "**") && !strings.HasPrefix(v, "*/") {
		return never("paths are absolute; write **/" + v)
	}
	return nil
}

var accountLetters = lazyregexp.New(`^[0-9*?]+$`)

func testAccount(v string) error {
	const digits = 12
	if !accountLetters.MatchString(v) || !strings.Contains(v, "*") && len(v) != digits {
		return never("an account has 12 digits")
	}
	return nil
}

var regionLetters = lazyregexp.New(`^[a-z0-9*?-]+$`)

func testRegion(v string) error {
	if !regionLetters.MatchString(v) {
		return never("names of regions have small letters, digits and dashes")
	}
	return nil
}

func (f *finder) testFormats(v string) error {
	re := glob.Path(v)
	known := append(f.formats(), "cwl-compat")
	if slices.ContainsFunc(known, re.MatchString) {
		return nil
	}
	if near := settings.Nearest(v, known); near != "" {
		return fmt.Errorf("no format is called %s; did you mean %q?", quoted(v), near)
	}
	return never("no format is called so; penstock formats lists them")
}

// relateRoutes reports what is wrong between routes, and between the keys of one.
func relateRoutes(f *finder, routes, root *node) {
	if routes == nil || routes.kind != list {
		return
	}
	seen := map[string]*node{} // by name
	taken := map[string]*node{}
	var all *node // the route that takes everything
	f.likeNeighbours(routes, root.member("always"))
	for _, r := range routes.items {
		if r.kind != object {
			continue
		}
		f.second("route", r.member("name"), seen)
		f.route(r)
		f.relateTests(r.member("tests"))
		f.relateRules(root.member("always"), r.member("rules"), readAs(r, root))
		if chosen := r.member("target"); chosen != nil && chosen.kind == scalar {
			f.target(chosen, root.member("targets"))
		}
		key := canonical(r.member("match"))
		switch before := taken[key]; {
		case all != nil:
			f.wrong(r.place, "this route is never reached: the one in line %d takes everything", all.line)
		case before != nil:
			f.wrong(r.place, "this route is never reached: the one in line %d has the same match", before.line)
		case takesAll(r.member("match")):
			all = r
		default:
			taken[key] = r
		}
	}
}

// route reports what is wrong between the keys of a route.
func (f *finder) route(r *node) {
	match := r.member("match")
	if match != nil && match.kind == object {
		if len(match.members) == 0 {
			f.wrong(match.place, "match is empty; a route that takes everything has none")
		}
		if file := match.member("file"); file != nil && (match.member("bucket") != nil || match.member("key") != nil) {
			f.wrong(file.place, "nothing ever matches: a file is in no bucket and has no key")
		}
	}
	if set := r.member("format"); set != nil && match != nil && match.member("format") != nil {
		f.wrong(set.place, "a route that asks for the format sets none")
	}
	if stream := r.member("data_stream"); stream != nil && r.member("index") != nil {
		f.wrong(stream.place, "index and data_stream are both given; leave one of them out")
	}
	if stream := r.member("data_stream"); stream != nil {
		if action := r.member("action"); action != nil && action.text == pipeline.ActionIndex {
			f.wrong(action.place, "a data stream takes new documents only; leave the action out")
		}
		if routing := r.member("routing"); routing != nil {
			f.wrong(routing.place, "a data stream takes no routing; leave it out")
		}
		if r.member("index") == nil {
			f.warn(stream.place, "a data stream knows ids in its newest index only: what is shipped again after a rollover is "+
				"there twice")
		}
	}
	if t := r.member("template"); t != nil && t.kind == list && len(t.items) > 1 {
		for _, one := range t.items {
			if one.text == pipeline.TemplateNone {
				f.wrong(one.place, "template: none stands alone; the other formats mean nothing beside it")
			}
		}
	}
	if r.member("skip") != nil {
		for _, m := range r.members {
			if !slices.Contains([]string{"name", "match", "skip", "tests"}, m.key) && routeKeys().has(m.key) {
				f.wrong(m.place, "%s means nothing beside skip: no record is read", m.key)
			}
		}
	}
}

// readAs is the format that the records of a route have, empty when it may be several.
func readAs(r, root *node) string {
	name := root.textAt("format")
	if match := r.member("match"); match != nil && match.member("format") != nil {
		name = match.textAt("format")
	}
	if own := r.textAt("format"); own != "" {
		name = own
	}
	return name
}

// takesAll reports whether a match, or none, takes everything.
func takesAll(match *node) bool {
	if match == nil {
		return true
	}
	everything := func(n *node) bool { return n.kind == scalar && n.text == "**" }
	for _, m := range match.members {
		// Not everything has a bucket, a path or a log group.
		if m.key != "format" || !everything(m.value) && !slices.ContainsFunc(m.value.items, everything) {
			return false
		}
	}
	return match.kind == object && len(match.members) > 0
}

// canonical writes a node so that equal ones are equal.
func canonical(n *node) string {
	if n == nil {
		return ""
	}
	var parts []string
	for _, item := range n.items {
		parts = append(parts, canonical(item))
	}
	for _, m := range n.members {
		value := m.value
		if value.kind == scalar { // as a list of one
			value = &node{kind: list, items: []*node{value}}
		}
		parts = append(parts, strconv.Quote(m.key)+canonical(value))
	}
	slices.Sort(parts)
	return fmt.Sprint(n.kind, strconv.Quote(n.text), parts)
}

// routesOf makes routes of a tree without mistakes.
func routesOf(n *node) []pipeline.Route {
	var all []pipeline.Route
	for _, item := range n.items {
		all = append(all, routeOf(item))
	}
	return all
}

// routeOf makes a route. Of one with mistakes it has what can be read.
func routeOf(item *node) pipeline.Route {
	r := pipeline.Route{Name: item.textAt("name")}
	for key, to := range map[string]*string{
		"skip": &r.Skip, "index": &r.Index, "data_stream": &r.Index, "format": &r.Format, "time_zone": &r.TimeZone,
		"time_field": &r.TimeField, "binary": &r.Binary, "fields": &r.Fields, "encoding": &r.Encoding,
		"target": &r.Target, "action": &r.Action, "routing": &r.Routing, "pipeline": &r.Pipeline,
		"retention": &r.Retention,
	} {
		if v := item.member(key); v != nil {
			*to = v.text
		}
	}
	r.Stream = item.member("data_stream") != nil
	if v := item.member("template"); v != nil {
		r.Template = textsOf(v)
	}
	if v := item.member("original"); v != nil {
		original, err := strconv.ParseBool(v.text)
		if err == nil {
			r.Original = &original
		}
	}
	if v := item.member("drop"); v != nil {
		r.Drop = textsOf(v)
	}
	r.Rules, _ = rulesIn(item.member("rules"))
	if match := item.member("match"); match != nil {
		r.Match = matchOf(match)
	}
	return r
}

func matchOf(n *node) pipeline.Match {
	of := func(key string) []pipeline.Pattern {
		v := n.member(key)
		if v == nil {
			return nil
		}
		items := v.items
		if v.kind != list {
			items = []*node{v}
		}
		var all []pipeline.Pattern
		for _, item := range items {
			if re := item.member("regex"); re != nil {
				all = append(all, pipeline.Pattern{Regex: re.text})
			} else {
				all = append(all, pipeline.Pattern{Glob: item.text})
			}
		}
		return all
	}
	return pipeline.Match{
		Bucket: of("bucket"), Key: of("key"), File: of("file"), LogGroup: of("log_group"), Account: of("account"),
		Region: of("region"), Format: of("format"),
	}
}

// Into puts routes, rules and formats into read: the routes without what the command line says for all entries. Given
// reports whether a flag stands on the command line. A nil File has none.
func (f *File) Into(read *pipeline.Read, given func(flag string) bool) {
	if f == nil {
		return
	}
	read.Lookups = f.Tables
	read.Always, read.Routes, read.Definitions = f.Always, f.routesUnder(given), f.Definitions()
	read.Keys = f.Keys
	if given("index") { // which is for everything
		read.Always = withoutIndex(read.Always)
		for i := range read.Routes {
			read.Routes[i].Rules = withoutIndex(read.Routes[i].Rules)
		}
	}
}

// withoutIndex returns the rules that name no index.
func withoutIndex(list []rules.Rule) []rules.Rule {
	return slices.DeleteFunc(slices.Clone(list), func(r rules.Rule) bool {
		switch r.Verb.(type) {
		case rules.Index, rules.DataStream:
			return true
		}
		return false
	})
}

func (f *File) routesUnder(given func(flag string) bool) []pipeline.Route {
	routes := slices.Clone(f.Routes)
	for i := range routes {
		r := &routes[i]
		for key, to := range map[string]*string{
			"index": &r.Index, "format": &r.Format, "time_zone": &r.TimeZone, "time_field": &r.TimeField, "binary": &r.Binary,
			"fields": &r.Fields, "encoding": &r.Encoding, "target": &r.Target, "retention": &r.Retention,
		} {
			if FlagOver(key, given) != "" {
				*to = ""
			}
		}
		if FlagOver("data_stream", given) != "" {
			r.Stream = false
		}
		if given("original") {
			r.Original = nil
		}
	}
	return routes
}

// FlagOver is the flag among those given that takes precedence over a key of routes, empty for none.
func FlagOver(key string, given func(flag string) bool) string {
	flags := []string{strings.ReplaceAll(key, "_", "-")}
	switch key {
	case "data_stream", "retention":
		flags = []string{"index"} // which names all indexes
	case "target":
		flags = []string{"target", "domain"}
	case "drop": // comes beside it
		return ""
	}
	i := slices.IndexFunc(flags, given)
	if i < 0 {
		return ""
	}
	return flags[i]
}

// GivenTo says which flags of a command were set, and not filled in by variables or a file.
func GivenTo(flags *pflag.FlagSet) func(flag string) bool {
	set := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { set[f.Name] = true })
	return func(flag string) bool { return set[flag] }
}

// textsOf are the texts of one value, a line each, or of a list of them.
func textsOf(n *node) []string {
	if n.kind == list {
		texts := make([]string, 0, len(n.items))
		for _, item := range n.items {
			texts = append(texts, item.text)
		}
		return texts
	}
	var texts []string
	for one := range strings.Lines(n.text) {
		if one = strings.TrimSpace(one); one != "" {
			texts = append(texts, one)
		}
	}
	return texts
}
