package migrate

import (
	"strings"

	"github.com/seed56735111/penstock/internal/config"
)

// forwarderInput and forwarderOutput are the options of elastic-serverless-forwarder.
var (
	forwarderInput = map[string]option{
		"multiline": {say: "lines that belong together are recognised; a format of your own says how a record begins: " +
			"formats: [{ name: …, start: … }]"},
		"expand_event_list_from_field": {say: "lists of records in a JSON object are taken apart where the format is " +
			"known"},
		"root_fields_to_add_to_expanded_event": {say: "what stands beside the list is a part of each record where the " +
			"format " +
			"is known"},
		"json_content_type": {say: "JSON is recognised, however it is written"},
	}
	forwarderOutput = map[string]option{
		"elasticsearch_url": {to: "domain", as: asURL},
		"cloud_id":          {say: "an Amazon OpenSearch Service domain has an endpoint: domain"},
		"username":          {say: secret},
		"password":          {say: secret},
		"api_key":           {say: secret},
		"batch_max_actions": {to: "batch_docs"},
		"batch_max_bytes":   {to: "batch_bytes"},
		"ssl_assert_fingerprint": {
			say: "certificates are verified; ca_file names an authority that the system does " +
				"not know",
			off: []string{""},
		},
	}
)

// forwarderStreams are the data streams that logs of AWS services go to when the file names none, by our formats.
var forwarderStreams = []struct{ format, stream string }{
	{"cloudtrail", "logs-aws.cloudtrail-default"},
	{"alb", "logs-aws.elb_logs-default"},
	{"nlb", "logs-aws.elb_logs-default"},
	{"clb", "logs-aws.elb_logs-default"},
	{"vpcflow", "logs-aws.vpcflow-default"},
	{"waf", "logs-aws.waf-default"},
	{"networkfirewall", "logs-aws.firewall_logs-default"},
	{"cloudwatch", "logs-aws.cloudwatch_logs-default"},
}

// readForwarder reads the config.yaml of elastic-serverless-forwarder.
func readForwarder(b *builder, name string, text []byte) error {
	root, err := config.ParseTree(name, text)
	if err != nil {
		return err
	}
	for i := range root.Members {
		if m := &root.Members[i]; m.Key != "inputs" {
			b.note(m.Line, m.Key, "no counterpart")
		}
	}
	inputs := root.Find("inputs")
	if inputs == nil {
		return nil
	}
	for i := range inputs.Items {
		b.forwarderInput(&inputs.Items[i])
	}
	return nil
}

func (b *builder) forwarderInput(in *config.Tree) {
	kind, id := "", ""
	if t := in.Find("type"); t != nil {
		kind = t.Text
	}
	if t := in.Find("id"); t != nil {
		id = t.Text
	}
	var r *route
	switch kind {
	case "s3-sqs":
		b.note(in.Line, id, "the queue is an event source of the function; an object is "+
			"told by its bucket and key, not by the queue")
	case "cloudwatch-logs":
		if _, group, ok := strings.Cut(id, ":log-group:"); ok {
			group, _, _ = strings.Cut(group, ":")
			r = &route{name: group, match: []setting{{key: "log_group", values: []string{group}}}}
		}
		b.note(in.Line, id, "the log group is subscribed by the template (LogGroupArns)")
	default:
		b.note(in.Line, kind, "inputs of this type are told by the shape of their events; records that stand in a message "+
			"themselves are not read")
	}
	if r == nil {
		r = b.rest()
	} else {
		r = b.add(in.Line, r)
	}
	var tags []string
	if t := in.Find("tags"); t != nil {
		tags = texts(t)
	}
	for i := range in.Members {
		m := &in.Members[i]
		switch m.Key {
		case "type", "id", "tags":
		case "outputs":
			for j := range m.Items {
				b.forwarderOutput(&m.Items[j], kind, r, tags)
			}
		case "include", "exclude":
			// They are about the text of a record, of which a document has the fields.
			b.block(m.Line, m.Key, strings.Join(texts(m), "\n"), "{ drop: "+m.Key+"d, when: 'a condition on fields' }")
		default:
			b.take(forwarderInput, m.Line, m.Key, texts(m)...)
		}
	}
}

func (b *builder) forwarderOutput(out *config.Tree, input string, r *route, tags []string) {
	if t := out.Find("type"); t == nil || t.Text != "elasticsearch" {
		b.note(out.Line, "outputs", "records go to a domain, and nowhere else")
		return
	}
	args := out.Find("args")
	if args == nil {
		return
	}
	stream := args.Find("es_datastream_name")
	switch {
	case stream != nil && len(r.settings) > 0:
		b.note(stream.Line, stream.Key, "the route %s sends to %s already; another needs a match of its own", r.name,
			r.settings[0].values[0])
	case stream != nil:
		b.routeSet(stream.Line, r, stream.Key, setting{key: "data_stream", values: []string{stream.Text}})
		b.enriched(stream.Line, r, stream.Text, tags)
	case input == "s3-sqs":
		for _, known := range forwarderStreams {
			b.enriched(out.Line, b.add(out.Line, &route{
				name: known.format, match: []setting{{key: "format", values: []string{known.format}}},
				settings: []setting{{key: "data_stream", values: []string{known.stream}}},
			}), known.stream, tags)
		}
		b.routeSet(out.Line, r, "outputs", setting{key: "data_stream", values: []string{"logs-generic-default"}})
		b.enriched(out.Line, r, "logs-generic-default", tags)
	}
	for i := range args.Members {
		if m := &args.Members[i]; m.Key != "es_datastream_name" {
			b.take(forwarderOutput, m.Line, m.Key, texts(m)...)
		}
	}
}

// enriched adds what the forwarder adds to each event: the data stream, the dataset and tags.
func (b *builder) enriched(line int, r *route, stream string, tags []string) {
	all := []string{"forwarded"}
	if kind, dataset, namespace, ok := streamParts(stream); ok && kind == "logs" {
		all = append(all, strings.ReplaceAll(dataset, ".", "-"))
		b.rule(line, r, "outputs", constants("data_stream.type", kind, "data_stream.dataset", dataset,
			"data_stream.namespace", namespace, "event.dataset", dataset))
	}
	b.rule(line, r, "tags", tagged(append(all, tags...)))
}

// tagged is the rule that gives a record tags.
func tagged(tags []string) string {
	between := ","
	for _, other := range []string{"|", ";", "\n"} {
		if strings.Contains(strings.Join(tags, ""), between) {
			between = other
		}
	}
	list := "split(" + inExpression(strings.Join(tags, between)) + ", " + inExpression(between) + ")"
	return "compute: { tags: " + quote(list) + " }"
}

// inExpression writes a text as an expression has it.
func inExpression(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}
