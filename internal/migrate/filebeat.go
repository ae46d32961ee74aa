package migrate

import (
	"strings"

	"github.com/seed56735111/penstock/internal/config"
)

const recognised = "recognised by content"

// filebeatInput are options of an aws-s3 input.
var filebeatInput = map[string]option{
	"type":                {off: []string{"aws-s3"}, say: "only inputs of the type aws-s3 are read"},
	"queue_url":           {say: "the queue is an event source of the function"},
	"bucket_arn":          {say: "the bucket is what the command names: penstock ship s3://BUCKET/PREFIX"},
	"access_point_arn":    {say: "the access point is what the command names: penstock ship s3://ARN/PREFIX"},
	"non_aws_bucket_name": {say: "the bucket is what the command names: penstock ship s3://BUCKET/PREFIX"},
	"bucket_list_prefix":  {say: "the prefix is what the command names: penstock ship s3://BUCKET/PREFIX"},
	"bucket_list_interval": {say: "a listing is read once; run the command again, or let notifications call the " +
		"function"},
	"number_of_workers": {to: "workers"},
	"region":            {to: "s3_region"}, "default_region": {to: "s3_region"},
	"credential_profile_name": {to: "s3_profile"},
	"role_arn":                {to: "s3_role_arn"},
	"external_id":             {to: "s3_external_id"},
	"endpoint":                {to: "endpoint_url", as: isURL},
	"path_style":              {to: "path_style", as: yes},
	"encoding":                {to: "encoding", off: []string{"plain", "utf-8"}},
	"max_bytes":               {to: "max_record_bytes"},
	"start_timestamp":         {to: "since"}, "ignore_older": {to: "since"},
	"enabled":       {off: []string{"true"}, say: "an input that is not enabled is left out by hand"},
	"access_key_id": {say: secret}, "secret_access_key": {say: secret}, "session_token": {say: secret},
	"shared_credential_file": {say: "AWS_SHARED_CREDENTIALS_FILE names it"},
	"expand_event_list_from_field": {say: recognised + ": lists of records in a JSON object are taken apart where the " +
		"format is known"},
	"content_type": {say: recognised}, "buffer_size": {say: "no counterpart; objects are streamed"},
	"decoding":               {say: recognised + ", Parquet and tables too"},
	"include_s3_metadata":    {say: "no counterpart; bucket and key are part of each document"},
	"max_number_of_messages": {say: "the batch size of the event source mapping"},
	"visibility_timeout":     {say: "the visibility timeout is the queue's"},
	"sqs.max_receive_count":  {say: "the redrive policy is the queue's"},
	"sqs.wait_time":          {say: "no counterpart; Lambda asks the queue"},
	"backup_to_bucket_arn":   {say: "no counterpart; objects stay where they are"},
	"delete_after_backup":    {say: "no counterpart; objects stay where they are", off: []string{"false"}},
	"id":                     {say: "no counterpart"}, "index": {to: "index", as: beatsIndex},
	"pipeline":                        {rule: "pipeline: NAME"},
	"publisher_pipeline.disable_host": {say: "no counterpart; nothing is added about this host"},
}

// filebeatOutput are options of the file outside of its inputs.
var filebeatOutput = map[string]option{
	"output.elasticsearch.hosts":    {to: "domain", as: asURL},
	"output.elasticsearch.index":    {to: "index", as: beatsIndex},
	"output.elasticsearch.username": {say: secret}, "output.elasticsearch.password": {say: secret},
	"output.elasticsearch.api_key":       {say: secret},
	"output.elasticsearch.bulk_max_size": {to: "batch_docs"},
	"output.elasticsearch.worker":        {to: "max_in_flight"},
	"output.elasticsearch.workers":       {to: "max_in_flight"},
	"output.elasticsearch.compression_level": {to: "gzip", off: []string{"0"}, as: func(string) (string, bool) {
		return "true", true
	}},
	"output.elasticsearch.ssl.certificate_authorities": {to: "ca_file"},
	"output.elasticsearch.ssl.verification_mode": {off: []string{"full", "strict"}, say: "certificates are " +
		"always verified"},
	"output.elasticsearch.pipeline": {rule: "pipeline: NAME"},
	"output.elasticsearch.indices": {say: "a route, or a rule with index, sends elsewhere what " +
		"its condition fits"},
	"output.elasticsearch.protocol":             {off: []string{"https"}, say: "a part of domain"},
	"output.elasticsearch.allow_older_versions": {off: []string{"true"}, say: "older versions are known"},
	"setup.template.enabled": {off: []string{"false"}, say: "put_templates puts the " +
		"templates of penstock"},
	"setup.template.name":    {say: "templates are named penstock-…"},
	"setup.template.pattern": {say: "follows from index"},
	"setup.ilm.enabled":      {off: []string{"false", "auto"}, say: "no counterpart"},
	"logging.level":          {say: "--log-level"}, "name": {say: "no counterpart"},
	"tags": {rule: "compute: { tags: … }"},
}

// beatsIndex makes a pattern of an index name with %{[field]} and %{+yyyy.MM.dd}.
func beatsIndex(v string) (string, bool) {
	return strings.NewReplacer("%{[agent.version]}", "8", "%{[beat.version]}", "8").Replace(sprintf(v)), true
}

// readFilebeat reads a filebeat.yml with aws-s3 inputs.
func readFilebeat(b *builder, name string, text []byte) error {
	root, err := config.ParseTree(name, text)
	if err != nil {
		return err
	}
	rest := &config.Tree{}
	for i := range root.Members {
		m := &root.Members[i]
		switch m.Key {
		case "filebeat.inputs":
			b.filebeatInputs(m)
		case "filebeat":
			for j := range m.Members {
				if in := &m.Members[j]; in.Key == "inputs" {
					b.filebeatInputs(in)
				} else {
					b.note(in.Line, "filebeat."+in.Key, "no counterpart")
				}
			}
		case "processors":
			b.processors(m, nil)
		default:
			rest.Members = append(rest.Members, *m)
		}
	}
	b.takeAll(filebeatOutput, "", rest)
	if out := root.Find("output.elasticsearch"); out != nil && !b.has("index") && out.Find("index") == nil {
		b.set(out.Line, "output.elasticsearch", "index", "filebeat-8")
		b.note(out.Line, "output.elasticsearch", "without an index Filebeat writes to a data stream named after its "+
			"version, such as filebeat-8.17.0: index: filebeat-8 is for all of them")
	}
	return nil
}

func (b *builder) filebeatInputs(list *config.Tree) {
	for i := range list.Items {
		in := &list.Items[i]
		if t := in.Find("type"); t == nil || t.Text != "aws-s3" {
			b.note(in.Line, "inputs", "only inputs of the type aws-s3 are read; files are what the command names")
			continue
		}
		rest := &config.Tree{}
		var processors *config.Tree
		for j := range in.Members {
			switch m := &in.Members[j]; m.Key {
			case "file_selectors":
				b.selectors(m)
			case "parsers":
				for k := range m.Items {
					b.note(m.Items[k].Line, "parsers", "lines that belong together are recognised; a format of your own says how a "+
						"record begins: formats: [{ name: …, start: … }]")
				}
			case "processors":
				processors = m
			case "tags":
				b.rule(m.Line, nil, m.Key, tagged(texts(m)))
			case "fields":
				under := "fields."
				if root := in.Find("fields_under_root"); root != nil && root.Text == "true" {
					under = ""
				}
				for k := range m.Members {
					f := &m.Members[k]
					b.rule(f.Line, nil, "fields."+f.Key, constants(under+f.Key, f.Text))
				}
			case "fields_under_root":
			default:
				rest.Members = append(rest.Members, *m)
			}
		}
		b.takeAll(filebeatInput, "", rest)
		if processors != nil {
			b.processors(processors, nil)
		}
	}
}

// selectors are the keys that an input takes; it leaves out all others.
func (b *builder) selectors(list *config.Tree) {
	for i := range list.Items {
		s := &list.Items[i]
		for j := range s.Members {
			switch m := &s.Members[j]; m.Key {
			case "regex":
				b.add(m.Line, &route{name: m.Text, match: []setting{regex("key", m.Text)}})
			default:
				b.take(filebeatInput, m.Line, m.Key, texts(m)...)
			}
		}
	}
	b.routeSet(list.Line, b.rest(), list.Key, setting{key: "skip", values: []string{"no selector"}})
}

// processors are rules of ours as far as there is one verb for each.
func (b *builder) processors(list *config.Tree, r *route) {
	for i := range list.Items {
		for j := range list.Items[i].Members {
			p := &list.Items[i].Members[j]
			b.processor(p, r)
		}
	}
}

func (b *builder) processor(p *config.Tree, r *route) {
	when := ""
	if p.Find("when") != nil {
		when = " with when: the condition as an expression"
	}
	fields := p.Find("fields")
	switch {
	case p.Key == "script":
		code := ""
		if source := p.Find("source"); source != nil {
			code = source.Text
		}
		b.block(p.Line, p.Key, code, nearestTo(code)...)
	case when != "":
		b.near(p, when)
	case p.Key == "drop_fields" && fields != nil:
		b.rule(p.Line, r, p.Key, "remove: "+flow(texts(fields)))
	case p.Key == "rename" && fields != nil:
		for k := range fields.Items {
			from, to := fields.Items[k].Find("from"), fields.Items[k].Find("to")
			if from != nil && to != nil {
				b.rule(from.Line, r, p.Key, "rename: { "+quote(from.Text)+": "+quote(to.Text)+" }")
			}
		}
	case p.Key == "add_fields" && fields != nil:
		under := "fields."
		if t := p.Find("target"); t != nil {
			under = strings.TrimPrefix(t.Text+".", ".")
		}
		for k := range fields.Members {
			f := &fields.Members[k]
			b.rule(f.Line, r, p.Key, constants(under+f.Key, f.Text))
		}
	case p.Key == "add_tags" && p.Find("tags") != nil:
		b.rule(p.Line, r, p.Key, tagged(texts(p.Find("tags"))))
	default:
		b.near(p, "")
	}
}

// near says which rule comes nearest to a processor.
func (b *builder) near(p *config.Tree, when string) {
	verb := beatsVerb(p.Key)
	if _, known := verbs()[verb]; verb == "" || !known && verb != "time_field" {
		b.note(p.Line, p.Key, "no counterpart")
		return
	}
	b.note(p.Line, p.Key, "what comes nearest is %s%s", verb, when)
}

// beatsVerb is the verb that comes nearest to a processor.
func beatsVerb(name string) string {
	switch name {
	case "drop_event":
		return "drop"
	case "drop_fields":
		return "remove"
	case "include_fields":
		return "remove"
	case "rename":
		return "rename"
	case "decode_json_fields", "dissect", "decode_csv_fields", "urldecode", "decode_xml":
		return "parse"
	case "convert":
		return "convert"
	case "timestamp":
		return "time_field"
	case "fingerprint":
		return "redact"
	case "add_fields", "add_labels", "add_tags", "copy_fields", "extract_array", "replace", "truncate_fields":
		return "set"
	}
	return ""
}

// flow writes texts as a list on one line.
func flow(all []string) string {
	quoted := make([]string, 0, len(all))
	for _, v := range all {
		quoted = append(quoted, quote(v))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
