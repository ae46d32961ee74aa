package migrate

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// siemLogs are the logs that SIEM on OpenSearch defines itself, as formats of ours. A file of the user's own changes
// what is said of them.
var siemLogs = map[string]struct{ format, index string }{
	"cloudtrail": {"cloudtrail", "log-aws-cloudtrail"}, "vpcflowlogs": {"vpcflow", "log-aws-vpcflowlogs"},
	"alb": {"alb", "log-aws-elb"}, "nlb": {"nlb", "log-aws-elb"}, "clb": {"clb", "log-aws-elb"},
	"cloudfront": {"cloudfront", "log-aws-cloudfront"}, "waf": {"waf", "log-aws-waf"},
	"s3accesslog": {"s3access", "log-aws-s3accesslog"}, "guardduty": {"guardduty", "log-aws-guardduty"},
	"route53resolver": {"route53resolver", "log-aws-route53resolver"},
}

// rotations are the dates that follow the name of an index there.
var rotations = map[string]string{
	"daily": "-{yyyy-MM-dd}", "weekly": "-{xxxx}-w{ww}", "monthly": "-{yyyy-MM}", "yearly": "-{yyyy}",
}

// readSIEM reads the user.ini of SIEM on OpenSearch, which has a section for each kind of log.
func readSIEM(b *builder, name string, text []byte) error {
	sections, err := readSections(name, text, true, func(line string) (string, string, bool) {
		at := strings.IndexAny(line, "=:")
		if at < 0 {
			return "", "", false
		}
		return strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+1:]), true
	})
	if err != nil {
		return err
	}
	var common section
	defined := map[string]bool{}
	for i := range sections {
		defined[sections[i].name] = true
	}
	for i := range sections {
		s := &sections[i]
		if s.name == "DEFAULT" {
			common = *s
			b.siemDefaults(s)
			continue
		}
		b.siemLog(s, &common)
	}
	// The file stands beside another one, of the program itself, which has these.
	for _, name := range slices.Sorted(maps.Keys(siemLogs)) {
		if !defined[name] {
			b.siemLog(&section{name: name}, &common)
		}
	}
	b.routeSet(0, b.rest(), "", setting{key: "skip", values: []string{"no log type"}})
	return nil
}

// siemDefaults are options for all logs.
func (b *builder) siemDefaults(s *section) {
	for _, e := range s.entries {
		switch e.key {
		case "index_rotation", "index_tz", "timestamp_tz", "index_time", "cloud_provider", "ecs_version":
			// read with each section
		default:
			b.siemNote(e)
		}
	}
}

// siemNotes are what is to be known about options that are no keys of ours.
var siemNotes = map[string]string{
	"doc_id": "ids are made of the object and the position of the record; the same file gives the " +
		"same ids",
	"doc_id_suffix": "ids are made of the object and the position of the record; the same file gives the " +
		"same ids",
	"file_format":      "formats are recognised by content",
	"json_delimiter":   "lists of records in a JSON object are taken apart where the format is known",
	"max_log_count":    "a large file is read in pieces by itself, through continue_queue",
	"timestamp_nano":   "times keep their digits",
	"timestamp_format": "times are recognised; those that are not need a format of your own",
	"via_cwl":          "payloads of CloudWatch Logs are recognised",
	"via_firelens":     "envelopes of containers are recognised",
	"json_to_text":     "conflicts says what becomes of values that a mapping does not take",
	"script_ecs":       "a script is not translated; fields: ecs names what formats know",
	"log_pattern": "a format of your own has a regular expression with named groups: formats: [{ name: " +
		"…, regex: … }]",
	"text_header_line_number": "headers of known formats are recognised",
}

// siemRules are rules that do what an option does.
var siemRules = map[string]string{
	"geoip":                         "lookup: { table: …, field: …, into: … }",
	"ignore_own_logs":               "{ drop: own, when: 'user_agent contains \"penstock\"' }",
	"exclude_log_patterns_filename": "{ drop: REASON, when: 'FIELD == \"TEXT\"' }",
	"ignore_container_stderr":       "{ drop: stderr, when: 'source == \"stderr\"' }",
}

// siemNote is what is to be known about an option.
func (b *builder) siemNote(e entry) {
	rule := siemRules[e.key]
	if rule != "" && exists(rule) {
		b.note(e.line, e.key, "a rule of a route does it: %s", rule)
		return
	}
	b.note(e.line, e.key, "%s", cmp.Or(siemNotes[e.key], "no counterpart"))
}

// siemLog makes a route of a section.
func (b *builder) siemLog(s, common *section) {
	known, isKnown := siemLogs[s.name]
	get := func(key string) string { return cmp.Or(s.get(key), common.get(key)) }
	r := &route{name: s.name}
	key := python(s.get("s3_key"))
	switch {
	case key != "":
		r.match = append(r.match, regex("key", key))
	case isKnown:
		r.match = append(r.match, setting{key: "format", values: []string{known.format}})
	case s.get("loggroup") == "":
		b.note(s.line, "["+s.name+"]", "without s3_key it cannot be told which objects are meant; this section is left out")
		return
	}
	if group := python(s.get("loggroup")); group != "" && key == "" && !isKnown {
		r.match = append(r.match, regex("log_group", group))
	}
	if ignored := python(s.get("s3_key_ignored")); ignored != "" {
		b.siemIgnored(s, key, ignored, known.format)
	}
	rotation := strings.ToLower(cmp.Or(get("index_rotation"), "monthly"))
	index := cmp.Or(s.get("index_name"), known.index)
	if date, ok := rotations[rotation]; ok && index != "" {
		r.settings = append(r.settings, setting{key: "index", values: []string{index + date}})
	} else if index != "" {
		r.settings = append(r.settings, setting{key: "index", values: []string{index}})
		b.note(s.line, "["+s.name+"]", "index_rotation %s: the alias %s and the policy that rolls it over stay yours",
			rotation, index)
	}
	if zone := get("timestamp_tz"); zone != "" && zone != "+00:00" && s.get("log_pattern") == "" {
		r.settings = append(r.settings, setting{key: "time_zone", values: []string{zone}})
	}
	field := cmp.Or(s.get("timestamp_key"), s.get("timestamp"))
	if field != "" && !isKnown && s.get("log_pattern") == "" {
		r.settings = append(r.settings, setting{key: "time_field", values: []string{field}})
	}
	if s.get("log_pattern") != "" {
		b.siemFormat(s, r)
	}
	if s.get("ecs") != "" || isKnown {
		r.settings = append(r.settings, setting{key: "fields", values: []string{"ecs"}})
	}
	added := b.add(s.line, r)
	b.rule(s.line, added, s.name, "set: { '@log_type': "+quote(literal(s.name))+
		", '@log_s3bucket': '{aws.s3.bucket}', '@log_s3key': '{aws.s3.key}'"+
		", event.module: "+quote(literal(s.name))+
		", ecs.version: "+quote(literal(cmp.Or(get("ecs_version"), "1.6.0")))+
		", cloud.provider: "+quote(literal(cmp.Or(get("cloud_provider"), "aws")))+
		", cloud.account.id: '{account|unknown}', cloud.region: '{region|unknown}' }")
	if id := s.get("doc_id"); id != "" && !isKnown {
		b.rule(s.line, added, "doc_id", copied(id, "@id"))
	}
	b.siemFields(s, added)
}

// siemFormat makes a format of a regular expression with named groups, and sets it for the route.
func (b *builder) siemFormat(s *section, r *route) {
	pattern := strings.TrimSuffix(python(s.get("log_pattern")), "$")
	pattern = strings.NewReplacer(`\"`, `"`, `\'`, `'`).Replace(pattern)
	name := strings.Trim(notInFormats.ReplaceAllString(strings.ToLower(s.name), "-"), "-")
	if accepted("formats:\n  - { name: "+name+", regex: '(?P<x>.)' }\n") != nil {
		name += "-log" // one that is built in has the name
	}
	text := "  - name: " + scalar(name) + "\n    regex: " + quote(pattern+".*") + "\n"
	timed := ""
	if field := cmp.Or(s.get("timestamp_key"), s.get("timestamp")); field != "" {
		timed = "field: " + scalar(field)
		switch f := cmp.Or(s.get("timestamp_format"), "iso8601"); f {
		case "iso8601", "epoch", "syslog":
		default:
			layout, ok := goLayout(f)
			if !ok {
				b.note(s.line, "timestamp_format", "%s is no layout that can be written with figures of Go's reference time", f)
				break
			}
			timed += ", layout: " + quote(layout)
		}
		if zone := s.get("timestamp_tz"); zone != "" && zone != "+00:00" {
			timed += ", zone: " + quote(zone)
		}
		timed = "    time: { " + timed + " }\n"
	}
	for _, definition := range []string{text + timed, text} {
		err := accepted("formats:\n" + definition)
		if err == nil {
			b.formats = append(b.formats, definition)
			r.settings = append(r.settings, setting{key: "format", values: []string{name}})
			if definition == text && timed != "" {
				b.note(s.line, "timestamp_format", "the time is not carried over: %s", strings.TrimSpace(timed))
			}
			return
		}
		if definition == text {
			b.block(s.line, "log_pattern", s.get("log_pattern"), "formats: [{ name: "+name+", regex: … }], which check "+
				"refuses as "+
				"it stands: "+err.Error())
		}
	}
}

var notInFormats = lazyregexp.New(`[^a-z0-9-]+`)

// strptime are parts of a time in the notation of Python, in that of Go.
var strptime = strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05",
	"%z", "-0700",
	"%b", "Jan", "%B", "January", "%y", "06", "%I", "03", "%p", "PM", "%a", "Mon", "%A", "Monday",
	".%f", ".000000", "%Z", "MST")

func goLayout(format string) (string, bool) {
	layout := strptime.Replace(format)
	return layout, !strings.Contains(layout, "%")
}

// siemFields goes through what is left of a section.
func (b *builder) siemFields(s *section, r *route) {
	listed := map[string]string{}
	for _, list := range []string{"ecs", "static_ecs"} {
		for field := range strings.FieldsSeq(s.get(list)) {
			listed[field] = list
		}
	}
	for _, e := range s.entries {
		switch e.key {
		case "s3_key", "s3_key_ignored", "index_name", "index_rotation", "timestamp_tz", "timestamp_key",
			"timestamp", "ecs", "static_ecs", "loggroup", "cloud_provider", "ecs_version":
		case "index_tz":
			if e.value != "+00:00" {
				b.note(e.line, e.key, "the date in the name of an index is that of the record in UTC")
			}
		case "index_time":
			if e.value != "@timestamp" {
				b.note(e.line, e.key, "the date in the name of an index is that of the record, so that a file gives the same "+
					"documents each time it is read")
			}
		case "log_pattern", "timestamp_format": // read with the format
		default:
			b.siemField(e, r, listed[e.key])
		}
	}
}

func (b *builder) siemField(e entry, r *route, list string) {
	switch list {
	case "static_ecs":
		b.rule(e.line, r, e.key, constants(e.key, e.value))
	case "ecs":
		if strings.Contains(e.value, " ") || strings.Contains(e.value, "${") {
			b.note(e.line, e.key, "no counterpart: it is the first that is there of several fields")
			return
		}
		b.rule(e.line, r, e.key, copied(e.value, e.key))
	default:
		b.siemNote(e)
	}
}

// siemIgnored makes the route for keys that are left out.
func (b *builder) siemIgnored(s *section, key, ignored, format string) {
	r := &route{name: s.name + "-ignored", settings: []setting{{key: "skip", values: []string{"s3_key_ignored"}}}}
	switch {
	case key == "":
		r.match = append(r.match, regex("key", ignored), setting{key: "format", values: []string{format}})
	case strings.Contains(ignored, key):
		r.match = append(r.match, regex("key", ignored))
	default:
		r.match = append(r.match, regex("key", "(?:"+key+").*(?:"+ignored+")|(?:"+ignored+").*(?:"+key+")"))
	}
	b.add(s.line, r)
}

var doubled = lazyregexp.New(`\$\$`)

// python is a regular expression as Python's configparser hands it over.
func python(v string) string {
	return doubled.ReplaceAllString(strings.ReplaceAll(v, "\n", ""), "$")
}
