package lines

import (
	"bytes"

	"github.com/seed56735111/penstock/internal/quote"
)

// sentences adds what the sentences of a message say: who, from where, and why not.
func (d *detailer) sentences(m []byte) {
	if rest, ok := bytes.CutPrefix(m, []byte("[GIN] ")); ok {
		d.gin(rest)
	}
	if d.addresses(m) {
		d.connection(m)
	}
	d.sshd(m)
	d.filter(m)
	d.rule(m)
	if len(m) > 0 && m[0] == '(' {
		if user, command, ok := bytes.Cut(m[1:], []byte(") CMD (")); ok {
			d.add(details["user"], user)
			d.add(details["COMMAND"], bytes.TrimSuffix(command, []byte{')'}))
		}
	}
	if bytes.Contains(m, []byte(" ; COMMAND=")) {
		// sudo: USER : WHY NOT ; TTY=…
		user, rest, _ := bytes.Cut(m, []byte(" : "))
		d.add(details["user"], bytes.TrimSpace(user))
		why, _, _ := bytes.Cut(rest, []byte(" ; "))
		if bytes.IndexByte(why, '=') < 0 {
			d.add(details["reason"], why)
		}
	}
	d.users(m)
	if _, by, ok := bytes.Cut(m, []byte(": session opened for user ")); ok {
		if _, by, ok = bytes.Cut(by, []byte(" by ")); ok {
			d.add(details["=by_user"], nameAt(by)) // PAM: by NAME(uid=0)
		}
	}
	for _, lead := range files {
		if file, ok := bytes.CutPrefix(m, lead); ok {
			file, _, _ = bytes.Cut(file, []byte(", referer: "))
			d.add(details["path"], file)
		}
	}
}

// connection adds what is said of a connection: these messages have an address in them.
func (d *detailer) connection(m []byte) {
	d.dovecot(m)
	d.nats(m)
	if _, rest, ok := bytes.Cut(m, []byte(" attempt for ")); ok {
		if user, _, ok := bytes.Cut(rest, []byte(" from ")); ok && bytes.IndexByte(user, ' ') < 0 {
			d.add(details["user"], nameAt(user))
		}
	}
	// FTP servers
	for _, event := range [...]string{"] OK LOGIN: ", "] FAIL LOGIN: "} {
		if user, _, ok := bytes.Cut(m, []byte(event)); ok {
			d.add(details["user"], user[bytes.LastIndexByte(user, '[')+1:])
		}
	}
	if _, rest, ok := bytes.Cut(m, []byte("USER ")); ok {
		name := nameAt(rest)
		if behind := rest[min(len(rest), len(name)):]; bytes.HasPrefix(behind, []byte(": ")) ||
			bytes.HasPrefix(behind, []byte(" (Login")) {
			d.add(details["user"], name)
		}
	}
	if _, rest, ok := bytes.Cut(m, []byte("Reason: ")); ok {
		for _, end := range [...]string{" [", ". ", "\n"} {
			rest, _, _ = bytes.Cut(rest, []byte(end))
		}
		d.add(details["reason"], bytes.TrimRight(rest, ". "))
	}
}

// filter reads what the packet filter of BSD writes, as pfSense and OPNsense log it: values between commas.
func (d *detailer) filter(m []byte) {
	if len(m) == 0 || !quote.IsDigit(m[0]) || !bytes.Contains(m, []byte(",match,")) {
		return
	}
	var fields [22][]byte
	n := 0
	for more := true; more && n < len(fields); n++ {
		fields[n], m, more = bytes.Cut(m, []byte{','})
	}
	const reason, action, direction, version = 5, 6, 7, 8
	proto, src := 16, 18
	if string(fields[version]) == "6" {
		proto, src = 12, 15
	}
	if n <= src+1 || !IsIP(fields[src]) || !IsIP(fields[src+1]) {
		return
	}
	d.add(details["IN"], fields[4])
	d.add(details["reason"], fields[reason])
	d.add(details["action"], fields[action])
	d.add(details["=direction"], fields[direction])
	d.add(details["PROTO"], fields[proto])
	d.add(details["SRC"], fields[src])
	d.add(details["DST"], fields[src+1])
	if src+3 < n && (string(fields[proto]) == "tcp" || string(fields[proto]) == "udp") {
		d.add(details["SPT"], fields[src+2])
		d.add(details["DPT"], fields[src+3])
	}
}

// ruleParts are the names of what ModSecurity says of a rule, [id "942100"], and of the fields that they become.
var ruleParts = map[string]string{
	"id": "=rule_id", "msg": "=rule_message", "severity": "=rule_severity", "file": "=rule_file", "line": "=rule_line",
	"data": "=rule_data", "hostname": "=hostname", "uri": "=uri", "unique_id": "=unique_id",
}

// rule reads what ModSecurity says of a rule that a request has met.
func (d *detailer) rule(m []byte) {
	at := bytes.Index(m, []byte("ModSecurity: "))
	if at < 0 {
		return
	}
	for {
		i := bytes.IndexByte(m[at:], '[')
		if i < 0 {
			return
		}
		at += i + 1
		name, value, ok := bytes.Cut(m[at:], []byte(` "`))
		part, known := ruleParts[string(name)]
		if value, _, closed := bytes.Cut(value, []byte(`"]`)); ok && known && closed {
			d.add(details[part], value)
		}
	}
}

// files are what stands before the name of a file that a server did not hand out.
var files = [][]byte{[]byte("File does not exist: "), []byte("client denied by server configuration: ")}

// sshd reads what OpenSSH says of a login: Accepted METHOD for USER from …, with the key of the user at its end.
func (d *detailer) sshd(m []byte) {
	verb, rest, _ := bytes.Cut(m, []byte{' '})
	switch string(verb) {
	case "Invalid":
		if bytes.HasPrefix(rest, []byte("user ")) {
			d.add(details["=auth_result"], verb)
		}
	case "Accepted", "Failed":
		method, rest, ok := bytes.Cut(rest, []byte(" for "))
		if !ok || bytes.IndexByte(method, ' ') >= 0 {
			return
		}
		d.add(details["=auth_result"], verb)
		d.add(details["=auth_method"], method)
		if user, _, ok := bytes.Cut(rest, []byte(" from ")); ok && bytes.IndexByte(user, ' ') < 0 {
			d.add(details["user"], user)
		}
		if _, key, ok := bytes.Cut(rest, []byte(" ssh2: ")); ok {
			d.add(details["=signature"], key)
		}
	}
}

// nats reads what the server of this name traces: ADDRESS - cid:1 - ->> [PUB SUBJECT REPLY BYTES], <<- [MSG SUBJECT SID
// REPLY BYTES], of which the reply may be left out.
func (d *detailer) nats(m []byte) {
	_, traced, ok := bytes.Cut(m, []byte(" - cid:"))
	if !ok {
		return
	}
	_, command, _ := bytes.Cut(traced, []byte("- ["))
	if command == nil {
		_, command, _ = bytes.Cut(traced, []byte(">> ["))
	}
	command, _, _ = bytes.Cut(command, []byte{']'})
	verb, rest, _ := bytes.Cut(command, []byte{' '})
	subject, rest, _ := bytes.Cut(rest, []byte{' '})
	switch string(verb) {
	case "PUB", "SUB":
	case "MSG":
		_, rest, _ = bytes.Cut(rest, []byte{' '}) // the subscription
	default:
		return
	}
	d.add(details["=subject"], subject)
	if string(verb) == "SUB" {
		return
	}
	if reply, size, ok := bytes.Cut(rest, []byte{' '}); ok {
		d.add(details["=reply_to"], reply)
		rest = size
	}
	d.add(details["=payload_bytes"], rest)
}

// dovecot reads PASSDB(USER,ADDRESS,<SESSION>): FUNCTION() failed: REASON, and SERVICE-login: EVENT: user=<…>.
func (d *detailer) dovecot(m []byte) {
	if _, login, ok := bytes.Cut(m, []byte("-login: ")); ok {
		if event, _, ok := bytes.Cut(login, []byte(": user=<")); ok {
			d.add(details["=login_event"], event)
		}
		return
	}
	for at := 0; ; {
		i := bytes.Index(m[at:], []byte("): "))
		if i < 0 || d.passdb(m[at:at+i], m[at+i+len("): "):]) {
			return
		}
		at += i + len("): ")
	}
}

// passdb reads what stands before and behind the parenthesis of PASSDB(USER,ADDRESS). It reports false for another one.
func (d *detailer) passdb(before, reason []byte) bool {
	begin := bytes.LastIndexByte(before, '(')
	if begin < 0 {
		return false
	}
	name := begin
	for name > 0 && isKeyByte(before[name-1]) {
		name--
	}
	user, rest, _ := bytes.Cut(before[begin+1:], []byte{','})
	address, _, _ := bytes.Cut(rest, []byte{','})
	if name == begin || !IsIP(address) {
		return false
	}
	d.add(details["user"], user)
	d.add(details["=source_ip"], address)
	d.add(details["=passdb"], before[name:begin])
	if function, why, ok := bytes.Cut(reason, []byte(" failed: ")); ok && bytes.IndexByte(function, ' ') < 0 {
		d.add(details["=auth_function"], function)
		reason = why
	}
	reason, _, _ = bytes.Cut(reason, []byte(" (given password"))
	d.add(details["reason"], reason)
	return true
}

// mostSearched is how much of a message is searched for addresses and users.
const mostSearched = 1 << 10

// addresses adds the first address that a message says something came from. It reports whether there is any address.
func (d *detailer) addresses(m []byte) (found bool) {
	m = m[:min(len(m), mostSearched)]
	before := 0 // where the text ended that was looked at last
	for at := 0; at < len(m)-1; at++ {
		if c := m[at]; c != '.' && c != ':' || !isAddressByte(m[at+1]) {
			continue
		}
		start, end := at, at+1
		for start > before && isAddressByte(m[start-1]) {
			start--
		}
		for end < len(m) && isAddressByte(m[end]) {
			end++
		}
		at, before = end-1, end
		if start > 0 && isNameByte(m[start-1]) {
			// The end of a name, which a colon may set apart: ip:ADDRESS.
			colon := bytes.IndexByte(m[start:end], ':')
			if colon < 0 || start+colon+1 == end || m[start+colon+1] == ':' {
				continue
			}
			start += colon + 1
		}
		ip := bytes.TrimRight(m[start:end], ".:")
		port := m[start+len(ip):]
		if colon := bytes.LastIndexByte(ip, ':'); colon > 0 && bytes.IndexByte(ip[:colon], ':') < 0 {
			ip, port = ip[:colon], m[start+colon:]
		}
		behind := bytes.TrimPrefix(port, []byte("]"))
		hasPort := len(behind) > 1 && behind[0] == ':' && quote.IsDigit(behind[1])
		if !IsIP(ip) {
			continue
		}
		found = true
		if !comesFrom(m[:start], hasPort) {
			continue
		}
		d.add(details["=source_ip"], ip)
		for _, lead := range [...]string{":", "]:", " port "} {
			if n, ok := bytes.CutPrefix(port, []byte(lead)); ok {
				d.port(n)
				break
			}
		}
		return true
	}
	return found
}

// port adds the number that a text begins with, when it can be a port.
func (d *detailer) port(b []byte) {
	digits := 0
	for digits < len(b) && digits < 5 && quote.IsDigit(b[digits]) {
		digits++
	}
	if digits > 0 && b[0] != '0' && (digits == len(b) || !isNameByte(b[digits])) {
		d.b = append(append(d.b, `,"source_port":`...), b[:digits]...)
	}
}

func isAddressByte(c byte) bool {
	return quote.IsDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' || c == '.' || c == ':'
}

func isNameByte(c byte) bool { return isKeyByte(c) || c == '.' || c == '/' }

// comesFrom reports whether what stands before an address says that something came from it: a word such as from or
// client, with a host's name between them or not. A message may begin with an address and a port.
func comesFrom(before []byte, hasPort bool) bool {
	text := before
	if n := len(text); n > 0 && bytes.IndexByte([]byte(`:[("'<`), text[n-1]) >= 0 {
		for _, lead := range [...]string{"ipv4:", "ipv6:", "[", "(", "\"", "'", "<"} {
			text = bytes.TrimSuffix(text, []byte(lead))
		}
	}
	opened := len(before) > len(text)
	text, spaced := bytes.CutSuffix(text, []byte{' '})
	text = bytes.TrimRight(text, " ")
	switch {
	case len(text) == 0 || spaced && text[len(text)-1] == ']':
		return hasPort || opened && len(text) == 0
	case bytes.HasSuffix(text, []byte("'@")), string(text) == "(?@":
		return true
	}
	if !spaced && !opened && text[len(text)-1] != '=' && text[len(text)-1] != ':' {
		return false
	}
	word, rest := lastWord(bytes.TrimRight(text, ":="))
	if isOrigin(word, rest) {
		return true
	}
	// host[address], host (address)
	if !opened || bytes.IndexByte([]byte("[("), before[len(text):][len(before)-len(text)-1]) < 0 {
		return false
	}
	host := len(text)
	for host > 0 && (isNameByte(text[host-1]) || text[host-1] == '(' || text[host-1] == ')') {
		host--
	}
	lead := bytes.TrimRight(text[:host], " ")
	if host == len(text) {
		return false
	}
	if len(lead) == 0 || string(lead) == "warning:" {
		return true
	}
	word, rest = lastWord(bytes.TrimRight(lead, "="))
	return isOrigin(word, rest) || string(word) == "H"
}

// lastWord returns the last word of a text, and what stands before it.
func lastWord(b []byte) (word, before []byte) {
	i := len(b)
	for i > 0 && (b[i-1]|0x20 >= 'a' && b[i-1]|0x20 <= 'z' || b[i-1] == '-' || b[i-1] == '_') {
		i--
	}
	return b[i:], bytes.TrimRight(b[:i], " ")
}

// isOrigin reports whether a word says that the address behind it is where something came from.
func isOrigin(word, before []byte) bool {
	var lower [16]byte
	if len(word) > len(lower) {
		return false
	}
	for i, c := range word {
		if lower[i] = c | 0x20; c == '_' {
			lower[i] = '-'
		}
	}
	switch string(lower[:len(word)]) {
	case "from", "client", "ip", "rip", "rhost", "peer", "client-ip", "client-addr", "ip-address", "remote-ip",
		"remote-addr", "src-ip", "source-ip":
		return true
	case "host":
		return hasWord(before, "remote")
	case "address":
		return hasWord(before, "ip") || hasWord(before, "client") || hasWord(before, "remote") || hasWord(before, "source")
	case "for":
		return hasWord(before, "failed")
	}
	return false
}

// hasWord reports whether a text ends with a word, in capitals or not.
func hasWord(b []byte, word string) bool {
	last, _ := lastWord(b)
	return bytes.EqualFold(last, []byte(word))
}

// users adds the first user that a message names.
func (d *detailer) users(m []byte) {
	m = m[:min(len(m), mostSearched)]
	for at := 0; ; {
		i := bytes.Index(m[at:], []byte("ser"))
		if i < 0 {
			return
		}
		i += at
		at = i + len("ser")
		if i == 0 || m[i-1]|0x20 != 'u' || i > 1 && (isKeyByte(m[i-2]) && m[i-2] != '_') {
			continue
		}
		rest, whole := bytes.CutPrefix(m[at:], []byte("name"))
		if name := named(rest, m[:i-1], whole); len(name) > 0 && bytes.IndexByte(name, '=') < 0 {
			d.add(details["user"], name)
			return
		}
	}
}

// named returns the name behind the word user or username, nil for none: what stands around it says whether there is
// one.
func named(rest, before []byte, username bool) []byte {
	if len(rest) < 2 || rest[0] != ' ' && rest[0] != ':' {
		return nil
	}
	colon := rest[0] == ':'
	rest = rest[1:]
	if colon {
		rest = bytes.TrimLeft(rest, " ")
	}
	name := nameAt(rest)
	if of, ok := bytes.CutPrefix(rest[min(len(rest), len(name)+1):], []byte(`]\[`)); ok {
		return of[:max(0, bytes.IndexByte(of, ']'))] // Samba: [DOMAIN]\[NAME]
	}
	quoted := len(rest) > 0 && bytes.IndexByte([]byte(`'"[<`), rest[0]) >= 0
	behind := rest[min(len(rest), len(name)):]
	if quoted || colon && (username || len(behind) == 0 || bytes.IndexByte([]byte(",;)."), behind[0]) >= 0) {
		return name
	}
	if colon {
		return nil
	}
	switch word, _ := lastWord(bytes.TrimRight(before, " ")); string(word) {
	case "Invalid", "invalid", "Illegal", "illegal", "authenticating", "for", "login":
		return name
	case "by": // subsystem request for sftp by user NAME
		if len(behind) == 0 {
			return name
		}
	}
	if bytes.HasPrefix(behind, []byte(": ")) || bytes.HasPrefix(behind, []byte(" not found")) {
		return name
	}
	return nil
}

// nameAt returns the name that a text begins with, in quotes or brackets or not.
func nameAt(m []byte) []byte {
	if len(m) == 0 {
		return nil
	}
	if i := bytes.IndexByte([]byte(`'"[<`), m[0]); i >= 0 {
		if end := bytes.IndexByte(m[1:], `'"]>`[i]); end >= 0 {
			return m[1 : end+1]
		}
		return nil
	}
	end := 0
	for end < len(m) && bytes.IndexByte([]byte(" ,;:)("), m[end]) < 0 {
		end++
	}
	return bytes.TrimRight(m[:end], ".")
}
