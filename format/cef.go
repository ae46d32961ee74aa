package format

import "github.com/seed56735111/penstock/format/internal/lines"

// cef is "ArcSight Common Event Format (CEF) Implementation Standard". Bars and backslashes in the head, equals signs
// in the extension stand behind backslashes; values of the extension have spaces.
func cef() schema {
	version := lines.Either(lines.Digits(1, 1), lines.OneOf("0.1", "1.0"))
	fields := func(before ...lines.Field) []lines.Field {
		for _, name := range []string{
			"device_vendor", "device_product", "device_version", "device_event_class_id", "name", "agent_severity",
		} {
			before = append(before, lines.Field{Name: name, End: "|", Escaped: true})
		}
		return append(before, lines.Field{Name: "extension", Rest: true, Pairs: &lines.Pairs{
			Record: "a CEF extension", Loose: true, Escapes: "|=", Known: stamps(lines.Field{Name: "start", Kind: lines.Stamp}),
		}})
	}
	return schema{
		name:  "cef",
		told:  "lines with CEF:, a version and six fields between bars, behind a head of syslog, a word or nothing",
		about: "events in the Common Event Format; the keys of the extension are fields",
		grammar: &lines.Schema{Record: "a CEF event", Has: "CEF:", Forms: []lines.Form{
			{
				Least: 8,
				Fields: fields(lines.Field{Name: "head", Kind: lines.Head, Optional: true}, lines.Field{
					Name: "cef_version", Lead: "CEF:", End: "|", Is: version,
				}),
			},
			{Least: 9, Fields: fields(
				lines.Field{Name: "timestamp", Kind: lines.ISO},
				lines.Field{Name: "host"},
				lines.Field{Name: "cef_version", Lead: "CEF:", End: "|", Is: version},
			)},
			{
				Least:  8,
				Fields: fields(lines.Field{Name: "before", End: "CEF:"}, lines.Field{Name: "cef_version", End: "|", Is: version}),
			},
		}},
	}
}

// leef is "Log Event Extended Format (LEEF)" in the documentation of IBM QRadar. Tabs stand between the attributes; in
// version 2.0 the head may name what does.
func leef() schema {
	attributes := lines.Field{Name: "attributes", Rest: true, Pairs: &lines.Pairs{
		Record: "LEEF attributes", Separator: '\t', Loose: true,
		Known: stamps(lines.Field{Name: "devTime", Kind: lines.Stamp}),
	}}
	fields := func(version string, more ...lines.Field) []lines.Field {
		all := []lines.Field{
			{Name: "head", Kind: lines.Head, Optional: true},
			{Name: "leef_version", Lead: "LEEF:", End: "|", Is: lines.OneOf(version)},
		}
		for _, name := range []string{"vendor", "product", "product_version", "event_id"} {
			all = append(all, lines.Field{Name: name, End: "|", Escaped: true})
		}
		return append(all, append(more, attributes)...)
	}
	return schema{
		name:  "leef",
		told:  "lines with LEEF:1.0 or LEEF:2.0 and four fields between bars, behind a head of syslog or nothing",
		about: "events in the Log Event Extended Format; the attributes are fields",
		grammar: &lines.Schema{Record: "a LEEF event", Has: "LEEF:", Forms: []lines.Form{
			{Least: 6, Fields: fields("1.0")},
			{Least: 7, Fields: fields("2.0", lines.Field{Name: "delimiter", Kind: lines.Delimiter, End: "|"})},
			{Least: 6, Fields: fields("2.0")},
		}},
	}
}
