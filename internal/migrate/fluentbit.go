package migrate

import (
	"cmp"
	"strings"

	"github.com/seed56735111/penstock/internal/config"
)

// fluentOutput are options of the outputs opensearch and es.
var fluentOutput = map[string]option{
	"aws_region":         {to: "region"},
	"aws_role_arn":       {to: "role_arn"},
	"aws_external_id":    {to: "external_id"},
	"aws_profile":        {to: "profile"},
	"aws_service_name":   {to: "service"},
	"aws_sts_endpoint":   {say: "AWS_ENDPOINT_URL_STS names it"},
	"http_user":          {say: secret},
	"http_passwd":        {say: secret},
	"cloud_auth":         {say: secret},
	"http_api_key":       {say: secret},
	"cloud_id":           {say: "an Amazon OpenSearch Service domain has an endpoint: domain"},
	"path":               {say: "a part of domain: https://HOST/PATH"},
	"pipeline":           {rule: "pipeline: NAME"},
	"compress":           {to: "gzip", as: isGzip},
	"type":               {say: "a domain that wants a type gets one"},
	"suppress_type_name": {off: []string{"on", "true"}, say: "a domain that wants a type gets one"},
	"tls":                {off: []string{"on", "true"}}, // a part of the domain's URL
	"tls.verify":         {off: []string{"on", "true"}, say: "certificates are always verified"},
	"tls.ca_file":        {to: "ca_file"},
	"tls.vhost":          {to: "sign_for"},
	"generate_id":        {say: "documents have ids, of the object and the position of the record"},
	"id_key":             {say: "documents have ids, of the object and the position of the record"},
	"write_operation":    {off: []string{"create"}, say: "documents are created, and one that is there is a duplicate"},
	"replace_dots":       {say: "names keep their dots"},
	"time_key":           {off: []string{"@timestamp"}, say: "the time of a record is @timestamp"},
	"time_key_format":    {say: "times are written as ISO 8601"},
	"time_key_nanos":     {say: "times keep their digits"},
	"include_tag_key":    {off: []string{"off", "false"}, say: "a document has its bucket and key"},
	"tag_key":            {say: "a document has its bucket and key"},
	"current_time_index": {off: []string{"off", "false"}, say: "the date in the name of an index is that of the " +
		"record, so " +
		"that a file gives the same documents each time it is read"},
	"logstash_prefix_key": {say: "the index pattern has it in braces: {FIELD|logstash}-{yyyy.MM.dd}; it begins " +
		"with a text of " +
		"its own"},
	"workers":      {to: "max_in_flight", off: []string{"0"}},
	"retry_limit":  {say: "retry_budget says how long a request is tried"},
	"buffer_size":  {say: "no counterpart; answers are read whole"},
	"trace_output": {off: []string{"off", "false"}, say: "--dry-run prints documents"},
	"trace_error":  {say: "a document that is refused becomes a dead letter with the reason"},
	"match": {off: []string{"*", "**"}, say: "there are no tags; a route has a match for bucket, key, file " +
		"or log group"},
	"match_regex": {say: "there are no tags; a route has a match for bucket, key, file or log group"},
	"alias":       {say: "no counterpart"}, "net.keepalive": {off: []string{"on"}, say: "no counterpart"},
}

// readFluentBit reads a configuration of Fluent Bit in either notation.
func readFluentBit(b *builder, name string, text []byte) error {
	sections, err := fluentSections(name, text)
	if err != nil {
		return err
	}
	for i := range sections {
		s := &sections[i]
		switch strings.ToUpper(s.name) {
		case "INPUT":
			b.fluentInput(s)
		case "FILTER":
			b.fluentFilter(s)
		case "OUTPUT":
			b.fluentOutput(s)
		default:
			for _, e := range s.entries {
				b.note(e.line, e.key, "no counterpart")
			}
		}
	}
	return nil
}

// fluentSections reads the sections of the classic notation, or those of YAML.
func fluentSections(name string, text []byte) ([]section, error) {
	if !strings.Contains(string(text), "[INPUT]") && !strings.Contains(strings.ToUpper(string(text)), "[OUTPUT]") {
		return fluentYAML(name, text)
	}
	return readSections(name, text, false, func(line string) (string, string, bool) {
		key, value, _ := strings.Cut(line, " ")
		if at := strings.IndexByte(key, '\t'); at >= 0 {
			key, value = key[:at], key[at:]+" "+value
		}
		return key, strings.TrimSpace(value), true
	})
}

func fluentYAML(name string, text []byte) ([]section, error) {
	root, err := config.ParseTree(name, text)
	if err != nil {
		return nil, err
	}
	var all []section
	add := func(kind string, list *config.Tree) {
		if list == nil {
			return
		}
		for i := range list.Items {
			s := section{line: list.Items[i].Line, name: kind}
			for j := range list.Items[i].Members {
				m := &list.Items[i].Members[j]
				for _, v := range texts(m) {
					s.entries = append(s.entries, entry{m.Line, m.Key, v})
				}
			}
			all = append(all, s)
		}
	}
	add("INPUT", root.Find("pipeline.inputs"))
	add("FILTER", root.Find("pipeline.filters"))
	add("OUTPUT", root.Find("pipeline.outputs"))
	if service := root.Find("service"); service != nil {
		s := section{line: service.Line, name: "SERVICE"}
		for i := range service.Members {
			m := &service.Members[i]
			s.entries = append(s.entries, entry{m.Line, m.Key, m.Text})
		}
		all = append(all, s)
	}
	return all, nil
}

func (b *builder) fluentInput(s *section) {
	kind := s.get("name")
	for _, e := range s.entries {
		switch strings.ToLower(e.key) {
		case "name":
			if kind != "tail" && kind != "stdin" {
				b.note(e.line, e.key, "%s is not read; files, objects, standard input and events are", kind)
			}
		case "path":
			b.note(e.line, e.key, "files are what the command names: penstock ship %s", e.value)
		case "parser", "multiline.parser", "multiline":
			b.note(e.line, e.key, "formats are recognised by content, and lines that belong together too; a format of "+
				"your own "+
				"stands under formats")
		case "exclude_path":
			b.set(e.line, e.key, "exclude", strings.Split(strings.ReplaceAll(e.value, " ", ""), ",")...)
		case "tag":
			b.note(e.line, e.key, "there are no tags; a route has a match for the file")
		case "path_key":
			b.note(e.line, e.key, "a document has the name of its file")
		default:
			b.note(e.line, e.key, "no counterpart; a file is read once, from its beginning to its end")
		}
	}
}

// fluentFilter makes rules of a filter as far as there is one verb for each of its lines.
func (b *builder) fluentFilter(s *section) {
	r := b.rest()
	kind := strings.ToLower(s.get("name"))
	if kind == "lua" || kind == "wasm" {
		code := cmp.Or(s.get("code"), s.get("script"), s.get("wasm_path"))
		b.block(s.line, "filter "+kind, code, nearestTo(code)...)
		return
	}
	for _, e := range s.entries {
		key := strings.ToLower(e.key)
		field, value, _ := strings.Cut(e.value, " ")
		value = strings.TrimSpace(value)
		switch {
		case key == "name" || key == "match" && (e.value == "*" || e.value == "**"):
		case key == "match" || key == "match_regex":
			b.note(e.line, e.key, "there are no tags: the rules of this filter are for all records")
		case kind == "grep" && key == "exclude":
			b.rule(e.line, r, e.key, "{ drop: grep, when: "+quote(fluentField(field)+" matches "+inExpression(value))+" }")
		case kind == "grep" && key == "regex":
			b.rule(e.line, r, e.key, "{ drop: grep, when: "+
				""+quote("not ("+fluentField(field)+" matches "+inExpression(value)+")")+" }")
		case kind == "modify" && (key == "set" || key == "add"), kind == "record_modifier" && key == "record":
			b.rule(e.line, r, e.key, unless(key == "add", field, constants(field, value)))
		case kind == "modify" && key == "copy":
			b.rule(e.line, r, e.key, unless(true, value, copied(field, value)))
		case kind == "modify" && key == "hard_copy":
			b.rule(e.line, r, e.key, copied(field, value))
		case kind == "modify" && key == "rename", kind == "modify" && key == "hard_rename":
			b.rule(e.line, r, e.key, "rename: { "+quote(field)+": "+quote(value)+" }")
		case kind == "modify" && key == "remove", kind == "record_modifier" && key == "remove_key":
			b.rule(e.line, r, e.key, "remove: ["+quote(field)+"]")
		case kind == "parser" && key == "key_name":
			b.takeAs(map[string]option{"key": {rule: "parse: { field: " +
				"" + e.value + ", as: … }"}}, e.line, e.key, "key", e.value)
		case kind == "kubernetes":
			b.note(e.line, e.key, "no counterpart; what the envelope of a container says is part of a document")
		default:
			b.note(e.line, "filter "+kind+": "+e.key, "no counterpart")
		}
	}
}

// unless is a rule for records that do not have a field yet, or for all.
func unless(there bool, field, rule string) string {
	if !there {
		return rule
	}
	return "{ " + rule + ", when: " + quote("not has("+fieldInExpression(field)+")") + " }"
}

// fluentField is a field as an expression has it; there are nested ones with $ and brackets.
func fluentField(f string) string {
	f = strings.TrimPrefix(f, "$")
	return fieldInExpression(strings.NewReplacer("['", ".", "']", "").Replace(f))
}

func (b *builder) fluentOutput(s *section) {
	if kind := strings.ToLower(s.get("name")); kind != "opensearch" && kind != "es" {
		b.note(s.line, "output "+kind, "records go to a domain, and nowhere else")
		return
	}
	host, port := cmp.Or(s.get("host"), "127.0.0.1"), s.get("port")
	scheme := "http"
	if on, _ := yes(s.get("tls")); on != "" || port == "443" {
		scheme = "https"
	}
	url := scheme + "://" + host
	if port != "" && port != "443" {
		url += ":" + port
	}
	b.set(s.line, "host", "domain", url)
	if on, _ := yes(s.get("aws_auth")); on == "" {
		b.set(s.line, "aws_auth", "no_sign", "true")
	}
	b.fluentIndex(s)
	for _, e := range s.entries {
		switch strings.ToLower(e.key) {
		case "name", "host", "port", "index", "logstash_format", "logstash_prefix", "logstash_dateformat",
			"logstash_prefix_separator":
		case "aws_auth":
		default:
			b.take(fluentOutput, e.line, e.key, e.value)
		}
	}
}

// fluentIndex makes the pattern of index names.
func (b *builder) fluentIndex(s *section) {
	if on, _ := yes(s.get("logstash_format")); on == "" {
		index, _ := templated(cmp.Or(s.get("index"), "fluent-bit"))
		b.set(s.line, "index", "index", index)
		return
	}
	date, ok := templated(cmp.Or(s.get("logstash_dateformat"), "%Y.%m.%d"))
	if !ok {
		b.note(s.line, "logstash_dateformat", "a date of an index name has yyyy, MM, dd, HH, or xxxx and ww")
		date = "{yyyy.MM.dd}"
	}
	b.set(s.line, "logstash_prefix", "index",
		cmp.Or(s.get("logstash_prefix"), "logstash")+cmp.Or(s.get("logstash_prefix_separator"), "-")+date)
}
