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
	"IN:in OUT:out SRC:src DST:dst PROTO:proto SPT:spt DPT:dpt LEN:len TTL:ttl MAC:mac ID:ip_id WINDOW:window TYPE:type "+
		"CODE:code HOPLIMIT:hop_limit FLOWLBL:flow_label SEQ:seq",
	// firewalls
	"src dst proto src_port:spt dst_port:dpt sport:spt dport:dpt service policy_id =direction",
	// mail
	"rip lip method session to from relay delay dsn status size nrcpt sasl_method sasl_username message-id:message_id "+
		"client",
	// what watches the programs and disks of a machine
	"action decision reason path args sha256 cert_sha256 cert_cn ppid group mode pid:process_id exe comm mount volume "+
		"bsdname fs model serial bus",
	// sentences alone
	"=source_ip =auth_method =auth_function =auth_result =signature =passdb =login_event =realm =user_name =subject "+
		"=reply_to =payload_bytes =duration =request_method =request_url =rule_id =rule_message =rule_severity =rule_file "+
		"=rule_line =rule_data =hostname =uri =unique_id =by_user",
)

type detail struct {
	n    uint // of the field, below mostDetails
	name string
}

const mostDetails = 128

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
	if len(numbers) > mostDetails {
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
	have [mostDetails / 64]uint64 // the numbers of the names that are written
}

func (d *detailer) add(one detail, value []byte) {
	if d.have[one.n/64]>>(one.n%64)&1 == 1 || len(value) == 0 {
		return
	}
	d.have[one.n/64] |= 1 << (one.n % 64)
	d.b = append(append(append(d.b, `,"`...), one.name...), `":"`...)
	d.b = append(quote.Append(d.b, value), '"')
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
	isStatus := len(status) == 3 && IsNumber(status, false) && status[0] != '0'
	if !isStatus || len(path) < 2 || path[0] != '"' || !IsIP(parts[3]) {
		return
	}
	d.add(details["=source_ip"], parts[3])
	d.b = append(append(d.b, `,"http_status":`...), status...)
	d.add(details["=duration"], parts[2])
	d.add(details["=request_method"], method)
	d.add(details["=request_url"], bytes.Trim(path, `"`))
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
		if !ok || from > 0 && bytes.IndexByte([]byte(" ,;|([:"), m[from-1]) < 0 {
			continue
		}
		value, end := pairValue(m, from, i+1)
		if one.name == "command" {
			value, end = m[i+1:], len(m)
		}
		d.add(one, value)
		if name, realm, ok := bytes.Cut(value, []byte{'@'}); ok && one.name == "user" && isRealm(realm) {
			d.add(details["=user_name"], name)
			d.add(details["=realm"], realm)
		}
		at = end
	}
}

// isRealm reports whether what stands behind the @ of a user is a realm of Proxmox, and no domain.
func isRealm(b []byte) bool { return string(b) == "pam" || string(b) == "pve" || string(b) == "pbs" }

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
