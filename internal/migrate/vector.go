package migrate

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/internal/config"
)

// vectorSource are options of the source aws_s3.
var vectorSource = map[string]option{
	"type": {off: []string{"aws_s3"}}, "strategy": {off: []string{"sqs"}, say: "no counterpart"},
	"region": {to: "s3_region"}, "endpoint": {to: "endpoint_url"}, "force_path_style": {to: "path_style", as: yes},
	"compression": {off: []string{"auto"}, say: recognised},
	"multiline": {say: "lines that belong together are recognised; " +
		"a format of your own says how a record begins: formats: [{ name: …, start: … }]"},
	"auth.assume_role":            {to: "s3_role_arn"},
	"auth.external_id":            {to: "s3_external_id"},
	"auth.profile":                {to: "s3_profile"},
	"auth.access_key_id":          {say: secret},
	"auth.secret_access_key":      {say: secret},
	"auth.credentials_file":       {say: "AWS_SHARED_CREDENTIALS_FILE names it"},
	"auth.region":                 {say: "no counterpart"},
	"sqs.queue_url":               {say: "the queue is an event source of the function"},
	"sqs.visibility_timeout_secs": {say: "the visibility timeout is the queue's"},
	"sqs.delete_message": {off: []string{"true"}, say: "a message is deleted when all of its records are " +
		"settled"},
	"sqs.max_number_of_messages": {say: "the batch size of the event source mapping"},
	"sqs.poll_secs":              {say: "no counterpart; Lambda asks the queue"},
	"sqs.client_concurrency":     {say: "the concurrency of the function"},
	"decoding.codec":             {say: recognised}, "framing.method": {say: recognised},
	"acknowledgements.enabled": {off: []string{"true"}, say: "records are always acknowledged from end to end"},
}

// vectorSink are options of the sink elasticsearch.
var vectorSink = map[string]option{
	"type":          {off: []string{"elasticsearch"}},
	"endpoint":      {to: "domain", as: asURL},
	"endpoints":     {to: "domain", as: asURL},
	"inputs":        {say: "there is one way from the sources to the domain"},
	"mode":          {off: []string{"bulk", "data_stream"}, say: "no counterpart"},
	"auth.strategy": {off: []string{"aws"}, say: secret}, "auth.user": {say: secret}, "auth.password": {say: secret},
	"auth.access_key_id": {say: secret}, "auth.secret_access_key": {say: secret},
	"auth.assume_role": {to: "role_arn"}, "auth.external_id": {to: "external_id"}, "auth.profile": {to: "profile"},
	"auth.region": {say: "no counterpart"}, "aws.region": {to: "region"},
	"opensearch_service_type": {to: "service", off: []string{"managed"}, as: func(v string) (string, bool) {
		return "aoss", v == "serverless"
	}},
	"bulk.index": {to: "index", as: templated, say: "a date of an index name has %Y, %m, %d, %H, or %G and %V"},
	"bulk.action": {off: []string{"create", "index"}, say: "documents are created, and one that is there is a " +
		"duplicate"},
	"compression":     {to: "gzip", off: []string{"none"}, as: isGzip},
	"pipeline":        {rule: "pipeline: NAME"},
	"batch.max_bytes": {to: "batch_bytes"}, "batch.max_events": {to: "batch_docs"},
	"batch.timeout_secs":        {to: "linger", as: seconds},
	"id_key":                    {say: "documents have ids, of the object and the position of the record"},
	"tls.ca_file":               {to: "ca_file"},
	"tls.verify_certificate":    {off: []string{"true"}, say: "certificates are always verified"},
	"tls.verify_hostname":       {off: []string{"true"}, say: "certificates are always verified"},
	"api_version":               {off: []string{"auto"}, say: "the version is asked for"},
	"doc_type":                  {say: "a domain that wants a type gets one"},
	"suppress_type_name":        {say: "a domain that wants a type gets one"},
	"request.concurrency":       {off: []string{"adaptive"}, say: "max_in_flight is how many requests are under way"},
	"request.retry_attempts":    {say: "retry_budget says how long a request is tried"},
	"request.timeout_secs":      {to: "stall_timeout", as: seconds},
	"request.rate_limit_num":    {say: "rate is the most that is sent a second, in documents or bytes"},
	"buffer.type":               {say: "nothing is buffered: what is not delivered stays with its source"},
	"buffer.max_size":           {say: "nothing is buffered: what is not delivered stays with its source"},
	"buffer.max_events":         {say: "nothing is buffered: what is not delivered stays with its source"},
	"buffer.when_full":          {off: []string{"block"}, say: "nothing is left out when the domain is slow"},
	"healthcheck.enabled":       {say: "the domain is asked for its version first"},
	"acknowledgements.enabled":  {off: []string{"true"}, say: "records are always acknowledged from end to end"},
	"encoding.timestamp_format": {say: "times are written as ISO 8601"},
	"data_stream.auto_routing":  {off: []string{"false"}, say: "the pattern of a data stream has fields in braces"},
	"data_stream.sync_fields":   {},
	"data_stream.type":          {}, "data_stream.dataset": {}, "data_stream.namespace": {},
}

// readVector reads a configuration of Vector in YAML, JSON or TOML.
func readVector(b *builder, name string, text []byte) error {
	parse := config.ParseTree
	if isTOML(text) {
		parse = parseTOML
	}
	root, err := parse(name, text)
	if err != nil {
		return err
	}
	for i := range root.Members {
		m := &root.Members[i]
		switch m.Key {
		case "sources":
			for j := range m.Members {
				b.vectorSource(&m.Members[j])
			}
		case "transforms":
			for j := range m.Members {
				b.vectorTransform(&m.Members[j])
			}
		case "sinks":
			for j := range m.Members {
				b.vectorSink(&m.Members[j])
			}
		default:
			b.note(m.Line, m.Key, "no counterpart")
		}
	}
	return nil
}

// kindOf is the type of a component.
func kindOf(t *config.Tree) string {
	if kind := t.Find("type"); kind != nil {
		return kind.Text
	}
	return ""
}

func (b *builder) vectorSource(s *config.Tree) {
	if kind := kindOf(s); kind != "aws_s3" {
		b.note(s.Line, s.Key, "a source of the type %s is not read; objects, files, standard input and events are", kind)
		return
	}
	b.takeAll(vectorSource, "", s)
}

func (b *builder) vectorTransform(t *config.Tree) {
	kind := kindOf(t)
	code := func(path string) string {
		if c := t.Find(path); c != nil {
			return cmp.Or(c.Text, valueOf(c.Find("source")))
		}
		return ""
	}
	switch kind {
	case "remap":
		source := cmp.Or(code("source"), code("file"))
		b.block(t.Line, t.Key+" (remap)", source, nearestTo(source)...)
	case "filter":
		b.block(t.Line, t.Key+" (filter)", code("condition"), "{ drop: "+scalar(routeName(t.Key))+", when: 'not (…)' }")
	case "route", "exclusive_route":
		b.block(t.Line, t.Key+" ("+kind+")", conditions(t), "routes: the first whose match fits", "index: …")
	case "lua":
		source := cmp.Or(code("source"), code("hooks.process"))
		b.block(t.Line, t.Key+" (lua)", source, nearestTo(source)...)
	case "sample":
		b.vectorSample(t, code("rate"), code("ratio"))
	case "dedupe":
		b.note(t.Line, t.Key, "what comes again is a duplicate by its id; equal records at two places are two")
	case "throttle":
		b.note(t.Line, t.Key, "rate is the most that is sent a second; nothing is left out")
	default:
		b.note(t.Line, t.Key, "a transform of the type %s has no counterpart", kind)
	}
}

// vectorSample keeps one of so many records, or a share of them.
func (b *builder) vectorSample(t *config.Tree, rate, ratio string) {
	share := 0.0
	if n, err := strconv.ParseFloat(rate, 64); err == nil && n >= 1 {
		share = 100 / n
	} else if n, err := strconv.ParseFloat(ratio, 64); err == nil {
		share = 100 * n
	}
	b.rule(t.Line, b.rest(), t.Key, "sample: "+strconv.FormatFloat(share, 'f', -1, 64)+"%")
}

func valueOf(t *config.Tree) string {
	if t == nil {
		return ""
	}
	return t.Text
}

// conditions are those of a route of Vector, a line each.
func conditions(t *config.Tree) string {
	var lines []string
	if routes := t.Find("route"); routes != nil {
		for i := range routes.Members {
			m := &routes.Members[i]
			lines = append(lines, m.Key+": "+cmp.Or(m.Text, valueOf(m.Find("source"))))
		}
	}
	return strings.Join(lines, "\n")
}

func (b *builder) vectorSink(s *config.Tree) {
	if kind := kindOf(s); kind != "elasticsearch" {
		b.note(s.Line, s.Key, "a sink of the type %s has no counterpart; records go to a domain, and nowhere else", kind)
		return
	}
	if strategy := s.Find("auth.strategy"); strategy == nil {
		b.set(s.Line, s.Key, "no_sign", "true")
	}
	if mode := s.Find("mode"); mode != nil && mode.Text == "data_stream" {
		part := func(name, otherwise string) string {
			v, _ := templated(cmp.Or(valueOf(s.Find("data_stream."+name)), otherwise))
			return v
		}
		stream := part("type", "logs") + "-" + part("dataset", "generic") + "-" + part("namespace", "default")
		b.routeSet(mode.Line, b.rest(), "mode", setting{key: "data_stream", values: []string{stream}})
		if kind, dataset, namespace, ok := streamParts(stream); ok && valueOf(s.Find("data_stream.sync_fields")) != "false" {
			b.rule(mode.Line, b.rest(), "data_stream.sync_fields", constants("data_stream.type", kind,
				"data_stream.dataset", dataset, "data_stream.namespace", namespace))
		}
	} else if s.Find("bulk.index") == nil {
		b.set(s.Line, s.Key, "index", "vector-{yyyy.MM.dd}") // the default there
	}
	rest := &config.Tree{}
	for i := range s.Members {
		m := &s.Members[i]
		switch m.Key {
		case "encoding":
			for j := range m.Members {
				e := &m.Members[j]
				switch e.Key {
				case "except_fields":
					b.rule(e.Line, b.rest(), "encoding.except_fields", "remove: "+flow(texts(e)))
				case "only_fields":
					b.takeAs(map[string]option{"only": {rule: "remove: [ all others ]"}}, e.Line, "encoding.only_fields", "only", "")
				default:
					b.takeAs(vectorSink, e.Line, "encoding."+e.Key, "encoding."+e.Key, texts(e)...)
				}
			}
		default:
			rest.Members = append(rest.Members, *m)
		}
	}
	b.takeAll(vectorSink, "", rest)
}
