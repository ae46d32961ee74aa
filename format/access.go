package format

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/lines"
)

// nginx is "Module ngx_http_log_module" in the documentation of nginx: the combined format, with what is often set
// before it and behind it, and the format of the ingress controller for Kubernetes.
func nginx() schema {
	return schema{
		name: "nginx",
		told: "lines with a client, two names, a time in brackets, a request in quotes and a status, " +
			"which nothing shows to be of Apache's",
		about: "access logs in the common and the combined log format, with further fields or without, " +
			"as nginx writes them",
		grammar: &lines.Schema{Record: "an access log record", Has: `] "`, Forms: append(access(), proxyManager()...)},
	}
}

// apache is "Log Files" in the documentation of the Apache HTTP server. What it writes and nginx does not: no bytes as
// a dash, a port behind the name of a virtual host, records that end with the bytes, the log of mod_ssl.
func apache() schema {
	return schema{
		name: "apache",
		told: "the same lines, of which one ends behind the bytes, has a dash for them, a port behind the virtual host, " +
			"or no status (mod_ssl); " +
			"or the name of the object has apache or httpd in it",
		about: "access logs of the Apache HTTP server in the common and the combined log format, " +
			"with further fields or without",
		grammar: &lines.Schema{
			Record: "an access log record", Has: "] ", Forms: append(access(), sslRequest()), Proof: isApache,
			Named: []string{"apache", "httpd"},
		},
	}
}

// access are the forms of the common log format and what is made of it.
func access() []lines.Form {
	request := []lines.Field{
		{Name: "request", Kind: lines.Request, Lead: `"`, End: `" `, Escaped: true, Query: true},
		{Name: "status", Kind: lines.Integer, Is: status()},
		{Name: "bytes_sent", Kind: lines.Integer},
	}
	common := func(before ...lines.Field) []lines.Field {
		before = append(
			before,
			lines.Field{Name: "remote_logname"},
			lines.Field{Name: "remote_user", End: " ["},
			lines.Field{Name: "time", Kind: lines.CLF, End: "] "},
		)
		return append(before, request...)
	}
	short := func(client lines.Field) []lines.Field {
		return append([]lines.Field{client, {Name: "remote_user", End: " ["}, {Name: "time", Kind: lines.CLF, End: "] "}},
			request...)
	}
	combined := []lines.Field{{Name: "referer"}, {Name: "user_agent"}}
	// What syslog carries has a time before it too.
	relayed := func(before ...lines.Field) []lines.Field {
		fields := append([]lines.Field{{Name: "head", Kind: lines.Head, Is: lines.Name()}}, before...)
		fields = append(
			fields,
			lines.Field{Name: "remote_logname"},
			lines.Field{Name: "remote_user", End: " ["},
			lines.Field{Name: "time_local", Kind: lines.CLF, End: "] "},
		)
		return append(append(fields, request...), combined...)
	}
	ingress := []lines.Field{
		{Name: "request_length", Kind: lines.Integer, Is: lines.Digits(1, 12)},
		{Name: "request_time", Kind: lines.Decimal, Is: lines.Number()},
		{Name: "proxy_upstream_name", Lead: "[", End: "] "},
		{Name: "proxy_alternative_upstream_name", Lead: "[", End: "] "},
		{Name: "upstream_addr", Kind: lines.Addresses},
		{Name: "upstream_response_length", Kind: lines.List},
		{Name: "upstream_response_time", Kind: lines.List},
		{Name: "upstream_status", Kind: lines.List},
		{Name: "request_id"},
	}
	ip := lines.Field{Name: "remote_addr", Kind: lines.IP, Is: lines.Host()}
	vhost := lines.Field{Name: "vhost", Is: lines.Name()}
	host := lines.Field{Name: "vhost", End: ":", Is: lines.Name()}
	port := lines.Field{Name: "vhost_port", Kind: lines.Integer, Is: lines.Digits(1, 5)}
	ips := lines.Field{Name: "remote_addr_list", Kind: lines.List, Is: lines.Hosts()}
	forwarded := lines.Field{Name: "forwarded_for", Kind: lines.List, Lead: `"`, End: `" `, Is: lines.Hosts()}
	return []lines.Form{
		{Least: 11, Fields: append(append(common(ip), combined...), ingress...)},
		{
			Least: 10,
			Fields: append(append(common(ip), combined...), lines.Field{
				Name: "forwarded_for", Kind: lines.List, Is: lines.Hosts(),
			}),
		},
		{Least: 7, Fields: append(common(ip), combined...)},
		{Least: 9, Fields: append(append([]lines.Field{
			vhost, ip,
			{Name: "remote_logname"},
			{Name: "request_id", Is: lines.Hex(32)},
			{Name: "remote_user", End: " ["},
			{Name: "time", Kind: lines.CLF, End: "] "},
		}, request...), combined...)},
		{Least: 9, Fields: append(common(host, port, ip), combined...)},
		{Least: 10, Fields: append(common(host, port, forwarded, ip), combined...)},
		{Least: 8, Fields: append(common(vhost, ip), combined...)},
		{Least: 9, Fields: append(common(vhost, forwarded, ip), combined...)},
		{Least: 8, Fields: append(common(vhost, ips), combined...)},
		{Least: 8, Fields: relayed(ip)},
		{Least: 9, Fields: relayed(vhost, ip)},
		{Least: 7, Fields: append(common(lines.Field{Name: "remote_host", Is: lines.Name()}), combined...)},
		{
			Least:  8,
			Fields: append(common(lines.Field{Name: "forwarded_for", Kind: lines.List, Lead: `"`, End: `" `}, ip), combined...),
		},
		{Least: 6, Fields: append(short(lines.Field{Name: "remote_addr_list", Kind: lines.List, End: " - "}), combined...)},
		{Least: 6, Fields: append(short(ip), combined...)},
	}
}

// proxyManager are the forms of the Nginx Proxy Manager, with a server behind it and without.
func proxyManager() []lines.Form {
	form := func(upstream, sent []lines.Field) lines.Form {
		fields := append([]lines.Field{{Name: "time", Kind: lines.CLF, Lead: "[", End: "] "}}, upstream...)
		fields = append(
			fields,
			lines.Field{Name: "status", Kind: lines.Integer, End: " - ", Is: lines.Digits(3, 3)},
			lines.Field{Name: "request_method"},
			lines.Field{Name: "scheme", Is: lines.Begins("http")},
			lines.Field{Name: "host"},
			lines.Field{Name: "request_url"},
			lines.Field{Name: "remote_addr", Kind: lines.IP, Lead: "[Client ", End: "] ", Is: lines.Host()},
			lines.Field{Name: "bytes_sent", Kind: lines.Integer, Lead: "[Length ", End: "] "},
			lines.Field{Name: "gzip_ratio", Lead: "[Gzip ", End: "] "},
		)
		fields = append(append(fields, sent...), lines.Field{Name: "user_agent"}, lines.Field{Name: "referer"})
		return lines.Form{Least: len(fields), Fields: fields}
	}
	return []lines.Form{
		form([]lines.Field{
			{Name: "upstream_cache_status"},
			{Name: "upstream_status", Kind: lines.Integer, Is: status()},
		}, []lines.Field{{Name: "upstream_addr", Kind: lines.Addresses, Lead: "[Sent-to ", End: "] "}}),
		form(nil, nil),
	}
}

// status takes what three digits or a dash are.
func status() lines.Check { return lines.Either(lines.Digits(3, 3), lines.OneOf("-")) }

// sslRequest is the form of ssl_request_log.
func sslRequest() lines.Form {
	return lines.Form{Least: 6, Fields: []lines.Field{
		{Name: "time", Kind: lines.CLF, Lead: "[", End: "] "},
		{Name: "remote_addr", Kind: lines.IP, Is: lines.Host()},
		{Name: "ssl_protocol", Is: lines.Either(lines.Begins("TLS"), lines.Begins("SSL"), lines.OneOf("-"))},
		{Name: "ssl_cipher"},
		{Name: "request", Kind: lines.Request},
		{Name: "bytes_sent", Kind: lines.Integer},
	}}
}

// isApache reports whether records have something that Apache writes and nginx does not: one has a dash for the bytes,
// or most have another form.
func isApache(records [][]byte) bool {
	forms := 0
	for _, line := range records {
		other, dash := apacheForm(line)
		if dash {
			return true
		}
		if other {
			forms++
		}
	}
	return 2*forms > len(records)
}

// apacheForm reports whether a record has a form of Apache's, and whether it has a dash for the bytes.
func apacheForm(line []byte) (other, dash bool) {
	if line[0] == '[' {
		return true, false
	}
	first, _, _ := bytes.Cut(line, []byte{' '})
	if name, port, ok := bytes.Cut(first, []byte{':'}); ok && len(name) > 0 && lines.Digits(2, 5).Is(port) {
		other = true
	}
	_, request, ok := bytes.Cut(line, []byte(`] "`))
	if !ok {
		return other, false
	}
	words := bytes.Fields(request)
	for i, word := range words {
		if word[len(word)-1] == '"' {
			return other || len(words) == i+3, len(words) > i+2 && string(words[i+2]) == "-"
		}
	}
	return other, false
}
