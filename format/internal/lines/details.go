package lines

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/internal/quote"
)

// details are the fields that a message of a program gives, by the keys that programs write. Pairs with other keys
// stay in the message: what may be any name would make an index grow without bounds.
var details = detailsOf(
	// PAM, sshd, sudo, useradd and groupadd
	"logname uid euid tty ruser rhost user TTY:tty PWD:pwd USER:run_as COMMAND:command name UID:uid GID:gid gid home "+
		"shell",
	// the packet filter of Linux
	"IN:in OUT:out SRC:src DST:dst PROTO:proto SPT:spt DPT:dpt LEN:len TTL:ttl MAC:mac",
	// mail
	"rip lip method session to from relay delay dsn status size nrcpt sasl_method sasl_username message-id:message_id "+
		"client",
	// what watches the programs of a machine
	"action decision reason path args sha256 cert_sha256 cert_cn ppid group mode pid:process_id exe comm",
	// sentences alone
	"=source_ip =auth_method =duration =request_method =request_url",
)

type detail struct {
	n    uint // of the field, below 64
	name string
}

// detailsOf reads lists of KEY and KEY:FIELD.
func detailsOf(lists ...string) map[string]detail {
	all, numbers := map[string]detail{}, map[string]uint{}
	for word := range strings.FieldsSeq(strings.Join(lists, " ")) {
		key, name, renamed := strings.Cut(word, ":")
		if !renamed {
			name = strings.TrimPrefix(key, "=") // no key of a pair is written so
		}
		n, ok := numbers[name]
		if !ok {
			n = uint(len(numbers))
			numbers[name] = n
		}
		all[key] = detail{n, name}
	}
	if len(numbers) > 64 {
		panic("lines: there are more details than a set has room for")
	}
	return all
}

// DetailFields are the fields that AppendDetails may add.
func DetailFields() []entry.Field {
	all := []entry.Field{
		{Name: "source_ip", Type: entry.IP}, {Name: "source_port", Type: entry.Long}, {Name: "http_status", Type: entry.Long},
	}
	names := map[string]bool{}
	for _, d := range details {
		names[d.name] = d.name != "source_ip"
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name] {
			all = append(all, entry.Field{Name: name, Type: entry.Keyword})
		}
	}
	return all
}

// AppendDetails appends to a document without its end what a message says in the words that sshd, sudo, cron and
// others have for it, and in pairs of known names: who, from where, and what.
func AppendDetails(b, message []byte) []byte {
	d := detailer{b: b}
	d.sentences(message)
	d.pairs(message)
	return d.b
}

type detailer struct {
	b    []byte
	have uint64 // the numbers of the names that are written
}

func (d *detailer) add(one detail, value []byte) {
	if d.have>>one.n&1 == 1 || len(value) == 0 {
		return
	}
	d.have |= 1 << one.n
	d.b = append(append(append(d.b, `,"`...), one.name...), `":"`...)
	d.b = append(quote.Append(d.b, value), '"')
}

// users are what stands before the name of a user.
var users = [][]byte{
	[]byte("nvalid user "), []byte("llegal user "), []byte("authenticating user "), []byte("for user "),
}

// sources are what stands before an address.
var sources = [][]byte{[]byte(" from "), []byte("[CLIENT: "), []byte("IP: "), []byte("Client address: ")}

func (d *detailer) sentences(m []byte) {
	for _, lead := range sources {
		if i := bytes.Index(m, lead); i >= 0 && d.source(m[i+len(lead):]) {
			break
		}
	}
	if rest, ok := bytes.CutPrefix(m, []byte("[GIN] ")); ok {
		d.gin(rest)
	}
	if _, pam, ok := bytes.Cut(m, []byte("pam(")); ok {
		// Dovecot's: pam(USER,ADDRESS,<SESSION>):
		user, rest, _ := bytes.Cut(pam, []byte{','})
		if d.source(rest) {
			d.add(details["user"], user)
		}
	}
	if verb, rest, ok := bytes.Cut(m, []byte{' '}); ok && (string(verb) == "Accepted" || string(verb) == "Failed") {
		if method, rest, ok := bytes.Cut(rest, []byte(" for ")); ok && bytes.IndexByte(method, ' ') < 0 {
			d.add(details["=auth_method"], method)
			if user, _, ok := bytes.Cut(rest, []byte(" from ")); ok && bytes.IndexByte(user, ' ') < 0 {
				d.add(details["user"], user)
			}
		}
	}
	if len(m) > 0 && m[0] == '(' {
		if user, command, ok := bytes.Cut(m[1:], []byte(") CMD (")); ok {
			d.add(details["user"], user)
			d.add(details["COMMAND"], bytes.TrimSuffix(command, []byte{')'}))
		}
	}
	if bytes.Contains(m, []byte(" ; COMMAND=")) {
		user, _, _ := bytes.Cut(m, []byte(" : "))
		d.add(details["user"], bytes.TrimSpace(user))
	}
	for _, lead := range users {
		if _, rest, ok := bytes.Cut(m, lead); ok {
			d.add(details["user"], nameAt(rest))
		}
	}
}

// gin takes apart what the web framework of this name writes for a request: time | status | duration | client | METHOD
// "path".
func (d *detailer) gin(m []byte) {
	var parts [5][]byte
	for n := range parts {
		part, rest, more := bytes.Cut(m, []byte(" | "))
		if more != (n < len(parts)-1) {
			return
		}
		parts[n], m = bytes.TrimSpace(part), rest
	}
	method, path, _ := bytes.Cut(parts[4], []byte{' '})
	path = bytes.TrimSpace(path)
	status := parts[1]
	isStatus := len(status) == 3 && isNumeric(status, false) && status[0] != '0'
	if !isStatus || len(path) < 2 || path[0] != '"' || !d.source(parts[3]) {
		return
	}
	d.b = append(append(d.b, `,"http_status":`...), status...)
	d.add(details["=duration"], parts[2])
	d.add(details["=request_method"], method)
	d.add(details["=request_url"], bytes.Trim(path, `"`))
}

// source takes the address that a text begins with, and the port behind it.
func (d *detailer) source(m []byte) bool {
	end := 0
	for end < len(m) && bytes.IndexByte([]byte(" ,;])("), m[end]) < 0 {
		end++
	}
	value := bytes.TrimRight(m[:end], ".:")
	if !isIP(value) {
		return false
	}
	d.add(details["=source_ip"], value)
	port, ok := bytes.CutPrefix(m[end:], []byte(" port "))
	digits := 0
	for digits < len(port) && digits < 5 && quote.IsDigit(port[digits]) {
		digits++
	}
	if ok && digits > 0 && port[0] != '0' && (digits == len(port) || !quote.IsDigit(port[digits])) {
		d.b = append(append(d.b, `,"source_port":`...), port[:digits]...)
	}
	return true
}

// nameAt returns the name that a text begins with, in quotes or not.
func nameAt(m []byte) []byte {
	if len(m) > 0 && (m[0] == '\'' || m[0] == '"') {
		if end := bytes.IndexByte(m[1:], m[0]); end >= 0 {
			return m[1 : end+1]
		}
		return nil
	}
	end := 0
	for end < len(m) && bytes.IndexByte([]byte(" ,;:)("), m[end]) < 0 {
		end++
	}
	return m[:end]
}

// pairs adds the pairs of known names.
func (d *detailer) pairs(m []byte) {
	for at := 0; ; {
		i := bytes.IndexByte(m[at:], '=')
		if i < 0 {
			return
		}
		i += at
		from := i
		for from > at && isKeyByte(m[from-1]) {
			from--
		}
		at = i + 1
		one, ok := details[string(m[from:i])]
		if !ok || from > 0 && bytes.IndexByte([]byte(" ,;|(["), m[from-1]) < 0 {
			continue
		}
		value, end := pairValue(m, from, i+1)
		if one.name == "command" {
			value, end = m[i+1:], len(m)
		}
		d.add(one, value)
		at = end
	}
}

// pairValue returns the value at m[i], of a key at m[from], and where it ends.
func pairValue(m []byte, from, i int) (value []byte, end int) {
	ends := []byte(" ,;|)")
	switch {
	case i == len(m):
		return nil, i
	case m[i] == '<' && bytes.IndexByte(m[i:], '>') > 0:
		end = i + bytes.IndexByte(m[i:], '>')
		return m[i+1 : end], end
	case m[i] == '"' && bytes.IndexByte(m[i+1:], '"') >= 0:
		end = i + 1 + bytes.IndexByte(m[i+1:], '"')
		return m[i+1 : end], end
	case from > 0 && m[from-1] == '|' || bytes.IndexByte(m[from:], '|') > 0:
		ends = ends[3:4] // bars stand between pairs, and spaces are a part of them
	}
	end = i
	for end < len(m) && bytes.IndexByte(ends, m[end]) < 0 {
		end++
	}
	return m[i:end], end
}

func isKeyByte(c byte) bool {
	return quote.IsDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '-'
}
