package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// logstashInput are options of the input s3.
var logstashInput = map[string]option{
	"bucket":            {say: "the bucket is what the command names: penstock ship s3://BUCKET/PREFIX"},
	"prefix":            {say: "the prefix is what the command names: penstock ship s3://BUCKET/PREFIX"},
	"region":            {to: "s3_region"},
	"endpoint":          {to: "endpoint_url"},
	"role_arn":          {to: "s3_role_arn"},
	"access_key_id":     {say: secret},
	"secret_access_key": {say: secret}, "session_token": {say: secret},
	"aws_credentials_file": {say: "AWS_SHARED_CREDENTIALS_FILE names it"},
	"codec":                {say: recognised},
	"interval": {say: "a listing is read once; run the command again, or let notifications call " +
		"the function"},
	"watch_for_new_files": {say: "a listing is read once; run the command again, or let notifications call " +
		"the function"},
	"sincedb_path":                         {say: "a checkpoint remembers what is settled: --checkpoint FILE"},
	"backup_to_bucket":                     {say: "no counterpart; objects stay where they are"},
	"backup_add_prefix":                    {say: "no counterpart; objects stay where they are"},
	"backup_to_dir":                        {say: "no counterpart; objects stay where they are"},
	"delete":                               {off: []string{"false"}, say: "no counterpart; objects stay where they are"},
	"temporary_directory":                  {say: "nothing is stored on the way"},
	"gzip_pattern":                         {say: "compression is recognised by content"},
	"include_object_properties":            {say: "a document has its bucket and key"},
	"additional_settings.force_path_style": {to: "path_style", as: yes},
	"role_session_name":                    {say: "no counterpart; the session has a name of its own"},
	"use_aws_bundled_ca":                   {say: "certificates are verified by the authorities of the system"},
	"ecs_compatibility":                    {say: "fields: ecs names fields by the Elastic Common Schema"},
	"enable_metric":                        {say: "no counterpart"},
	"proxy_uri":                            {say: "HTTPS_PROXY names it"},
	"id":                                   {say: "no counterpart"},
}

// logstashOutput are options of the outputs opensearch, elasticsearch and amazon_es.
var logstashOutput = map[string]option{
	"hosts": {to: "domain", as: asURL},
	"index": {to: "index", as: func(v string) (string, bool) { return sprintf(v), true }},
	"user":  {say: secret}, "password": {say: secret}, "api_key": {say: secret}, "cloud_auth": {say: secret},
	"auth_type.type": {off: []string{"aws_iam"}, say: secret}, "auth_type.region": {to: "region"},
	"auth_type.aws_access_key_id": {say: secret}, "auth_type.aws_secret_access_key": {say: secret},
	"auth_type.session_token": {say: secret}, "auth_type.profile": {to: "profile"},
	"auth_type.assume_role_arn": {to: "role_arn"}, "auth_type.service_name": {to: "service"},
	"region": {to: "region"}, "service_name": {to: "service"},
	"document_id": {say: "documents have ids, of the object and the position of the record"},
	"action": {off: []string{"create", "index"}, say: "documents are created, and one that is there is a " +
		"duplicate"},
	"pipeline": {rule: "pipeline: NAME"},
	"routing":  {rule: "routing: TEXT"},
	"cacert":   {to: "ca_file"}, "ssl_certificate_authorities": {to: "ca_file"},
	"ssl":                          {off: []string{"true"}, say: "a part of domain"},
	"ssl_enabled":                  {off: []string{"true"}, say: "a part of domain"},
	"ssl_certificate_verification": {off: []string{"true"}, say: "certificates are always verified"},
	"ssl_verification_mode":        {off: []string{"full"}, say: "certificates are always verified"},
	"manage_template":              {say: "put_templates puts the templates of penstock"},
	"template":                     {say: "put_templates puts the templates of penstock"},
	"template_name":                {say: "templates are named penstock-…"},
	"template_overwrite":           {say: "templates of somebody else stay"},
	"ecs_compatibility":            {say: "fields: ecs names fields by the Elastic Common Schema"},
	"http_compression":             {to: "gzip", as: yes},
	"compression_level": {to: "gzip", off: []string{"0"}, as: func(string) (string, bool) {
		return "true", true
	}},
	"timeout":                      {to: "stall_timeout", as: seconds},
	"retry_max_interval":           {say: "retry_budget says how long a request is tried"},
	"legacy_template":              {say: "put_templates puts the templates of penstock"},
	"default_server_major_version": {say: "the version is asked for"},
	"sniffing":                     {off: []string{"false"}, say: "a domain has one endpoint"},
	"target_bulk_bytes":            {to: "batch_bytes"}, "id": {say: "no counterpart"},
	"data_stream":      {off: []string{"true", "auto", "false"}, say: "no counterpart"},
	"data_stream_type": {}, "data_stream_dataset": {}, "data_stream_namespace": {}, "data_stream_sync_fields": {},
	"data_stream_auto_routing": {off: []string{"false"}, say: "the pattern of a data stream has fields in braces"},
	"max_retries":              {say: "retry_budget says how long a request is tried"},
	"port":                     {say: "a part of domain"}, "protocol": {say: "a part of domain"},
}

// readLogstash reads a pipeline of Logstash.
func readLogstash(b *builder, name string, text []byte) error {
	p := &logstashParser{text: string(text), line: 1}
	sections, err := p.body(0, "")
	if err != nil {
		return fmt.Errorf("%s:%d: %w", name, p.line, err)
	}
	for i := range sections {
		s := &sections[i]
		for j := range s.body {
			switch plugin := &s.body[j]; s.name {
			case "input":
				b.logstashInput(plugin)
			case "filter":
				b.logstashFilter(plugin)
			case "output":
				b.logstashOutput(plugin)
			}
		}
	}
	return nil
}

func (b *builder) logstashInput(p *logstashPlugin) {
	if p.name != "s3" {
		b.note(p.line, p.name, "this input is not read; objects, files, standard input and events are")
		return
	}
	for _, a := range p.attributes {
		if a.key == "exclude_pattern" {
			b.add(a.line, &route{
				name: "excluded", match: []setting{regex("key", a.values[0])},
				settings: []setting{{key: "skip", values: []string{"exclude_pattern"}}},
			})
			continue
		}
		switch {
		case a.key == "type":
			b.rule(a.line, b.rest(), a.key, constants(a.key, a.values[0]))
		case a.key == "tags":
			b.rule(a.line, b.rest(), a.key, tagged(a.values))
		case a.key == "add_field":
			b.mutate(a)
		case a.key == "additional_settings" && a.isHash:
			for i := 0; i+1 < len(a.values); i += 2 {
				b.take(logstashInput, a.line, a.key+"."+a.values[i], a.values[i+1])
			}
		default:
			b.take(logstashInput, a.line, a.key, a.values...)
		}
	}
}

// mutations are the options of mutate in the order in which it does them, whatever the order in the file; those of any
// filter come last.
var mutations = []string{
	"coerce", "rename", "update", "replace", "convert", "gsub", "uppercase", "capitalize", "lowercase", "strip", "split",
	"join", "merge", "copy", "add_field", "remove_field", "add_tag", "remove_tag",
}

// conversions are the types of ours by those of mutate.
var conversions = map[string]string{
	"integer": "integer", "integer_eu": "integer", "float": "decimal", "float_eu": "decimal", "string": "text",
	"boolean": "boolean",
}

// logstashFilter makes rules of a filter as far as there is one verb for each of its options.
func (b *builder) logstashFilter(p *logstashPlugin) {
	switch {
	case p.isIf:
		b.block(p.line, "filter", p.source, nearestTo(p.source)...)
	case p.name == "ruby":
		b.block(p.line, p.name, p.source, nearestTo(p.source)...)
	case p.name == "mutate":
		sorted := slices.Clone(p.attributes)
		slices.SortStableFunc(sorted, func(x, y logstashAttribute) int {
			return cmp.Compare(slices.Index(mutations, x.key), slices.Index(mutations, y.key))
		})
		for _, a := range sorted {
			b.mutate(a)
		}
	case p.name == "drop":
		b.rule(p.line, b.rest(), p.name, "drop: dropped")
	default:
		b.block(p.line, p.name, p.source, logstashVerb(p))
	}
}

func (b *builder) mutate(a logstashAttribute) {
	r := b.rest()
	for i := 0; i < len(a.values); i++ {
		v := a.values[i]
		pair := ""
		if a.isHash && i+1 < len(a.values) {
			i++
			pair = a.values[i]
		}
		field, other := logstashField(v), logstashField(pair)
		in := fieldInExpression(field)
		switch a.key {
		case "rename":
			b.rule(a.line, r, a.key, "rename: { "+quote(field)+": "+quote(other)+" }")
		case "copy":
			b.rule(a.line, r, a.key, copied(field, other))
		case "update":
			b.rule(a.line, r, a.key, "{ set: { "+quote(field)+": "+quote(sprintfText(pair))+" }, when: "+
				quote("has("+in+")")+" }")
		case "strip":
			b.rule(a.line, r, a.key, "compute: { "+quote(field)+": "+quote("trim("+in+")")+" }")
		case "remove_field":
			b.rule(a.line, r, a.key, "remove: ["+quote(field)+"]")
		case "add_field", "replace":
			b.rule(a.line, r, a.key, "set: { "+quote(field)+": "+quote(sprintfText(pair))+" }")
		case "convert":
			b.rule(a.line, r, a.key, "convert: { "+quote(field)+": "+quote(cmp.Or(conversions[pair], pair))+" }")
		case "lowercase":
			b.rule(a.line, r, a.key, "compute: { "+quote(field)+": "+quote("lower("+in+")")+" }")
		case "uppercase":
			b.rule(a.line, r, a.key, "compute: { "+quote(field)+": "+quote("upper("+in+")")+" }")
		default:
			b.takeAs(map[string]option{"x": {rule: "compute: { " + field + ": 'expression' " +
				"}"}}, a.line, "mutate "+a.key, "x", v)
		}
	}
}

// logstashField is the name of a field that is written as [a][b].
func logstashField(v string) string { return strings.Trim(strings.ReplaceAll(v, "][", "."), "[]") }

// sprintfText makes a text of ours of one with %{field}.
func sprintfText(v string) string { return strings.ReplaceAll(sprintf(v), "|unknown}", "}") }

// logstashVerb is what comes nearest to a filter.
func logstashVerb(p *logstashPlugin) string {
	switch p.name {
	case "grok":
		return "formats: [{ name: …, grok: … }]"
	case "dissect":
		return "formats: [{ name: …, dissect: … }]"
	case "json", "kv", "csv", "xml", "urldecode":
		return "parse: { field: …, as: " + strings.Replace(p.name, "kv", "key-value", 1) + " }"
	case "useragent":
		return "parse: { field: …, as: user_agent, into: … }"
	case "date":
		return "routes: time_field and time_zone of a route"
	case "geoip", "translate":
		return "lookup: { table: …, field: …, into: … }"
	case "fingerprint", "anonymize":
		return "redact: { fields: [ … ], with: hash, key: … }"
	case "prune":
		return "remove: [ … ]"
	case "split":
		return "split: FIELD"
	case "multiline":
		return "formats: [{ name: …, start: … }]"
	}
	return "none: "
}

func (b *builder) logstashOutput(p *logstashPlugin) {
	switch {
	case p.isIf:
		b.block(p.line, "output", p.source, "routes: the first whose match fits", "index: …")
		return
	case p.name != "opensearch" && p.name != "elasticsearch" && p.name != "amazon_es":
		b.note(p.line, p.name, "records go to a domain, and nowhere else")
		return
	}
	signed, streams := p.name == "amazon_es", false
	parts := map[string]string{"type": "logs", "dataset": "generic", "namespace": "default"}
	for _, a := range p.attributes {
		name := strings.TrimPrefix(a.key, "data_stream_")
		if _, ok := parts[name]; ok && name != a.key {
			parts[name] = a.values[0]
		}
		streams = streams || a.key == "data_stream" && a.values[0] == "true"
		if !a.isHash || a.key != "auth_type" {
			b.take(logstashOutput, a.line, a.key, a.values...)
			continue
		}
		for i := 0; i+1 < len(a.values); i += 2 {
			signed = signed || a.values[i] == "type" && a.values[i+1] == "aws_iam"
			b.take(logstashOutput, a.line, a.key+"."+a.values[i], a.values[i+1])
		}
	}
	find := func(key string) string {
		for _, a := range p.attributes {
			if a.key == key {
				return a.values[0]
			}
		}
		return ""
	}
	if p.name == "elasticsearch" && find("index") == "" && find("data_stream") != "false" {
		streams = true // the default there
	}
	if !streams && find("index") == "" {
		b.set(p.line, p.name, "index", "ecs-logstash-{yyyy.MM.dd}")
		b.note(p.line, p.name, "without an index Logstash 8 writes to ecs-logstash-DATE, and Logstash 7, or with "+
			"ecs_compatibility disabled, to logstash-DATE")
	}
	if streams {
		b.routeSet(p.line, b.rest(), "data_stream", setting{key: "data_stream", values: []string{
			parts["type"] + "-" + parts["dataset"] + "-" + parts["namespace"],
		}})
		if find("data_stream_sync_fields") != "false" {
			b.rule(p.line, b.rest(), "data_stream_sync_fields", constants("data_stream.type", parts["type"],
				"data_stream.dataset", parts["dataset"], "data_stream.namespace", parts["namespace"]))
		}
	}
	if !signed {
		b.set(p.line, p.name, "no_sign", "true")
	}
}

// logstashPlugin is a plugin, a section or a condition.
type logstashPlugin struct {
	line       int
	name       string // of a condition: its text
	isIf       bool
	source     string // as it is written
	attributes []logstashAttribute
	body       []logstashPlugin // of a section
}

// logstashAttribute is an option with its values. Those of a hash are its keys and values in turn.
type logstashAttribute struct {
	line   int
	key    string
	values []string
	isHash bool
}

// logstashParser reads the language of pipelines as far as it matters here: what a condition holds is not looked into.
type logstashParser struct {
	text string
	at   int
	line int
}

const maxLogstashDepth = 50

// space goes over spaces and comments.
func (p *logstashParser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case '\n':
			p.line++
			p.at++
		case ' ', '\t', ',':
			p.at++
		case '#':
			for p.at < len(p.text) && p.text[p.at] != '\n' {
				p.at++
			}
		default:
			return
		}
	}
}

// word reads a name, a number, or what stands in quotes.
func (p *logstashParser) word() (string, error) {
	if p.at >= len(p.text) {
		return "", errEnd
	}
	if quote := p.text[p.at]; quote == '"' || quote == '\'' || quote == '/' {
		var b strings.Builder
		begun := p.line
		for i := p.at + 1; i < len(p.text); i++ {
			switch c := p.text[i]; {
			case c == '\\' && i+1 < len(p.text) && (p.text[i+1] == quote || p.text[i+1] == '\\'):
				i++
				b.WriteByte(p.text[i])
			case c == quote:
				p.at = i + 1
				return b.String(), nil
			default:
				if c == '\n' {
					p.line++
				}
				b.WriteByte(c)
			}
		}
		p.line = begun
		return "", errEnd
	}
	start := p.at
	for p.at < len(p.text) && !strings.ContainsRune(" \t\n{}[]=>,#", rune(p.text[p.at])) {
		p.at++
	}
	if p.at == start {
		return "", fmt.Errorf("%q is not expected here", p.text[p.at:p.at+1])
	}
	return p.text[start:p.at], nil
}

var errEnd = fmt.Errorf("it ends too early")

func (p *logstashParser) next(s string) bool {
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

// body reads what stands between braces in a section, or the sections themselves.
func (p *logstashParser) body(depth int, section string) ([]logstashPlugin, error) {
	if depth > maxLogstashDepth {
		return nil, fmt.Errorf("more than %d braces inside one another", maxLogstashDepth)
	}
	var all []logstashPlugin
	for {
		p.space()
		if p.at == len(p.text) {
			if section != "" {
				return nil, errEnd
			}
			return all, nil
		}
		if section != "" && p.next("}") {
			return all, nil
		}
		one := logstashPlugin{line: p.line}
		start := p.at
		name, err := p.word()
		if err != nil {
			return nil, err
		}
		switch {
		case section == "":
			one.name = name
			if p.space(); !p.next("{") {
				return nil, fmt.Errorf("%s is not followed by a brace", clipped(name))
			}
			one.body, err = p.body(depth+1, name)
		case name == "if" || name == "else":
			one.isIf = true
			for p.at < len(p.text) && p.text[p.at] != '{' {
				if c := p.text[p.at]; c == '"' || c == '\'' {
					if _, err = p.word(); err != nil {
						return nil, err
					}
					continue
				} else if c == '\n' {
					p.line++
				}
				p.at++
			}
			if !p.next("{") {
				return nil, errEnd
			}
			_, err = p.body(depth+1, section)
		default:
			one.name = name
			if p.space(); !p.next("{") {
				return nil, fmt.Errorf("%s is not followed by a brace", clipped(name))
			}
			one.attributes, err = p.attributes(depth + 1)
		}
		if err != nil {
			return nil, err
		}
		one.source = p.text[start:p.at]
		// What begins with else belongs to the condition before it.
		if last := len(all) - 1; name == "else" && last >= 0 && all[last].isIf {
			all[last].source += "\n" + one.source
			continue
		}
		all = append(all, one)
	}
}

// attributes reads the options of a plugin up to its closing brace.
func (p *logstashParser) attributes(depth int) ([]logstashAttribute, error) {
	var all []logstashAttribute
	for {
		p.space()
		if p.next("}") {
			return all, nil
		}
		a := logstashAttribute{line: p.line}
		var err error
		if a.key, err = p.word(); err != nil {
			return nil, err
		}
		if p.space(); !p.next("=>") {
			return nil, fmt.Errorf("%s has no value", clipped(a.key))
		}
		if a.values, a.isHash, err = p.value(depth); err != nil {
			return nil, err
		}
		if len(a.values) == 0 {
			a.values = []string{""}
		}
		all = append(all, a)
	}
}

// value reads a value: a word, a list, a hash, or a plugin, of which the name is taken.
func (p *logstashParser) value(depth int) (values []string, isHash bool, err error) {
	if depth > maxLogstashDepth {
		return nil, false, fmt.Errorf("more than %d braces inside one another", maxLogstashDepth)
	}
	p.space()
	switch {
	case p.next("["):
		for {
			if p.space(); p.next("]") {
				return values, false, nil
			}
			v, _, err := p.value(depth + 1)
			if err != nil {
				return nil, false, err
			}
			values = append(values, v...)
		}
	case p.next("{"):
		for {
			if p.space(); p.next("}") {
				return values, true, nil
			}
			key, err := p.word()
			if err != nil {
				return nil, false, err
			}
			if p.space(); !p.next("=>") {
				return nil, false, fmt.Errorf("%s has no value", clipped(key))
			}
			v, _, err := p.value(depth + 1)
			if err != nil {
				return nil, false, err
			}
			values = append(values, key, cmp.Or(strings.Join(v, ", "), ""))
		}
	}
	word, err := p.word()
	if err != nil {
		return nil, false, err
	}
	if p.space(); p.next("{") {
		if _, err := p.attributes(depth + 1); err != nil {
			return nil, false, err
		}
	}
	return []string{word}, false, nil
}
