package format

import (
	"slices"

	"github.com/seed56735111/penstock/format/internal/lines"
)

// w3c is the "Extended Log File Format" of the W3C, which proxies and many servers of Microsoft write.
func w3c() schema {
	return schema{
		name:    "w3c",
		told:    "a line #Fields: with names such as c-ip and cs-uri-stem",
		about:   "W3C extended logs of other servers and proxies",
		grammar: extended("a W3C log record"),
	}
}

// iis is the same by Microsoft's web server, with fields of its own. Programs that cut its files leave out the names.
func iis() schema {
	g := extended("an IIS record")
	g.Marks = []string{"sc-substatus", "sc-win32-status", "s-sitename", "s-siteid", "s-queuename", "s-computername"}
	short := []string{
		"date", "time", "s-ip", "cs-method", "cs-uri-stem", "cs-uri-query", "s-port", "cs-username", "c-ip", "cs(User-Agent)",
	}
	end := []string{"sc-status", "sc-substatus", "sc-win32-status", "time-taken"}
	g.Columns = []lines.Columns{
		{Names: slices.Concat(short, []string{"cs(Referer)"}, end), More: true},
		{Names: slices.Concat(short, end)},
		{Names: []string{
			"date", "time", "s-sitename", "s-computername", "s-ip", "cs-method", "cs-uri-stem", "cs-uri-query", "s-port",
			"cs-username",
			"c-ip", "cs-version", "cs(User-Agent)", "cs(Cookie)", "cs(Referer)", "cs-host", "sc-status", "sc-substatus",
			"sc-win32-status", "sc-bytes", "cs-bytes", "time-taken",
		}, More: true},
		httperr(),
		httperr("streamid"),
	}
	return schema{
		name: "iis",
		told: "a line #Fields: with names such as sc-win32-status, or lines with the fields that IIS writes; " +
			"iis(fields=…) names those of other lines without a header",
		about:   "logs of Microsoft's IIS and HTTP.sys",
		grammar: g,
	}
}

// httperr are the fields of HTTP.sys, which has had more of them since Windows 10.
func httperr(more ...string) lines.Columns {
	return lines.Columns{Names: slices.Concat(
		[]string{"date", "time", "c-ip", "c-port", "s-ip", "s-port", "cs-version", "cs-method", "cs-uri"}, more,
		[]string{"sc-status", "s-siteid", "s-reason", "s-queuename"},
	), More: len(more) > 0}
}

// extended is the grammar of W3C extended logs.
func extended(record string) *lines.Headed {
	fields := []lines.Field{
		{Name: "date", Kind: lines.Day, Is: lines.Word("0123456789-/")},
		{Name: "time", Kind: lines.Clock},
		{Name: "date-UTC", Kind: lines.Day},
		{Name: "time-UTC", Kind: lines.Clock},
		{Name: "date-local", Kind: lines.Day},
		{Name: "time-local", Kind: lines.Clock},
		{Name: "s-ip", Kind: lines.IP},
		{Name: "c-ip", Kind: lines.IP},
		{Name: "cs-method", Is: lines.Word("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")},
		{Name: "cs-version", Is: lines.Either(lines.Begins("HTTP/"), lines.OneOf("-"))},
		{Name: "c-port", Kind: lines.Integer, Is: lines.Digits(1, 5)},
		{Name: "s-port", Kind: lines.Integer, Is: lines.Digits(1, 5)},
		{Name: "s-sitename", Is: lines.Begins("W3SVC")},
		{Name: "sc-status", Kind: lines.Integer, Is: lines.Digits(3, 3)},
		{Name: "sc-substatus", Kind: lines.Integer, Is: lines.Digits(1, 5)},
		{Name: "sc-win32-status", Kind: lines.Integer, Is: lines.Digits(1, 10)},
		{Name: "time-taken", Kind: lines.Decimal, Is: lines.Number()},
		{Name: "TimeTakenMS", Kind: lines.Decimal},
		{Name: "timestamp", Kind: lines.Epoch},
		{Name: "timestamp(ms)", Kind: lines.Epoch},
		// Exchange, with commas
		{Name: "date-time", Kind: lines.ISO},
		{Name: "dateTime", Kind: lines.ISO},
		{Name: "DateTime", Kind: lines.ISO},
		{Name: "client-ip", Kind: lines.IP},
		{Name: "server-ip", Kind: lines.IP},
	}
	for _, name := range []string{"bytes", "sc-bytes", "cs-bytes", "s-siteid", "rs-bytes", "sr-bytes"} {
		fields = append(fields, lines.Field{Name: name, Kind: lines.Integer})
	}
	for _, name := range []string{
		"c-dns", "s-dns", "cs-uri", "cs-uri-stem", "cs-uri-query", "cs-username", "cs-host", "cs(Host)",
		"cs(User-Agent)", "cs(Referer)", "cs(Cookie)", "s-computername", "s-queuename", "s-reason", "s-action",
		"sc-filter-result",
		"cs-categories", "cs-auth-group", "cs-uri-scheme", "cs-uri-port", "cs-uri-path", "cs-uri-extension", "s-hierarchy",
		"s-supplier-name", "rs(Content-Type)", "x-virus-id", "cached", "c-auth-id", "cs(Referrer)", "streamid",
		"connector-id", "event-id", "message-id", "sender-address", "session-id", "sequence-number",
		"local-endpoint", "remote-endpoint", "sessionId", "seqNumber", "sIp", "cIp", "command", "user",
	} {
		fields = append(fields, lines.Field{Name: name})
	}
	return &lines.Headed{
		Record: record, Prefix: "#Fields:", Comment: "#", DayPrefix: "#Date:", Known: fields, Least: 2, Lenient: true,
		Tabs:   true,
		Layout: lines.Layout{Padded: true, Doubled: true},
	}
}
