package prototype

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/seed56735111/penstock"
)

// documents writes the documents of one file.
type documents struct {
	name   string
	action []byte // the action line of the last day, up to the id
	day    []byte // that day, as in the times of records
	index  string // before the day
	meta   []byte // up to the offset
	chain  xxh3.Uint128
	id     [22 + 1 + 13]byte
	stamp  [len("2006-01-02T15:04:05.000Z")]byte
	second int64 // that stamp is for
}

func newDocuments(name, kind string) *documents {
	return &documents{
		name: name, index: `{"create":{"_index":"logs-` + kind + `-`,
		meta: []byte(`"penstock":{"format":"` + kind + `","file":"` + name + `","offset":`),
	}
}

// head writes the action line of a record, and the document up to its metadata. The time is the record's own, to the
// millisecond; without a stamp the record has it under the same name.
func (d *documents) head(b, raw []byte, at int64, when []byte, stamp bool) []byte {
	if day := when[:10]; !bytes.Equal(day, d.day) {
		d.day = append(d.day[:0], day...)
		d.action = fmt.Appendf(d.action[:0], `%s%s.%s.%s","_id":"`, d.index, day[:4], day[5:7], day[8:10])
	}
	b = append(b, d.action...)
	sum := xxh3.Hash128Seed(raw, d.chain.Lo)
	d.chain = xxh3.Uint128{Hi: d.chain.Hi*31 + sum.Hi, Lo: d.chain.Lo ^ sum.Lo}
	var bits [16]byte
	binary.LittleEndian.PutUint64(bits[:], d.chain.Hi)
	binary.LittleEndian.PutUint64(bits[8:], d.chain.Lo)
	base64.RawURLEncoding.Encode(d.id[:22], bits[:])
	d.id[22] = '-'
	b = append(b, strconv.AppendInt(d.id[:23], at, 36)...)
	b = append(b, "\"}}\n{"...)
	if stamp {
		b = append(b, `"@timestamp":"`...)
		b = append(b, when[:23]...)
		b = append(b, `Z",`...)
	}
	b = append(b, d.meta...)
	b = strconv.AppendInt(b, at, 10)
	return append(b, `},`...)
}

// record writes the document of a record that the scanner has found.
func (d *documents) record(b []byte, r *penstock.Record) []byte {
	t := r.Time
	if s := t.Unix(); s != d.second {
		d.second = s
		t.AppendFormat(d.stamp[:0], "2006-01-02T15:04:05.000Z")
	}
	ms := t.Nanosecond() / 1e6
	d.stamp[20], d.stamp[21], d.stamp[22] = byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10)
	b = d.head(b, r.Raw, r.Offset, d.stamp[:], r.Top&penstock.TopTimestamp == 0)
	b = append(b, r.JSON[1:]...)
	return append(b, '\n')
}

// clean panics when a line has something that is to be escaped in JSON, but for quotes.
func clean(line []byte) {
	i := 0
	for ; i+8 <= len(line); i += 8 {
		const high, low = 0x8080808080808080, 0x0101010101010101
		w := binary.LittleEndian.Uint64(line[i:])
		backslash := w ^ (low * '\\')
		if (w|(w-low*0x20)|((backslash-low)&^backslash))&high != 0 {
			panic("a line that is to be escaped")
		}
	}
	for ; i < len(line); i++ {
		if c := line[i]; c < 0x20 || c == '\\' || c >= 0x80 {
			panic("a line that is to be escaped")
		}
	}
}

// cutter takes the fields of a line one after the other.
type cutter []byte

// word takes a field up to a space.
func (c *cutter) word() []byte {
	i := bytes.IndexByte(*c, ' ')
	if i < 0 {
		i = len(*c)
	}
	w := (*c)[:i]
	*c = (*c)[min(i+1, len(*c)):]
	return w
}

// quoted takes a field in quotes, and the space behind it.
func (c *cutter) quoted() []byte {
	rest := (*c)[1:]
	i := bytes.IndexByte(rest, '"')
	*c = rest[min(i+2, len(rest)):]
	return rest[:i]
}

func isNone(v []byte) bool { return len(v) == 1 && v[0] == '-' }

func text(b []byte, name string, value []byte) []byte {
	if isNone(value) {
		return b
	}
	return append(append(append(b, name...), value...), `",`...)
}

func number(b []byte, name string, value []byte) []byte {
	if isNone(value) {
		return b
	}
	for _, c := range value {
		if c-'0' > 9 && c != '.' {
			panic("no number")
		}
	}
	return append(append(append(b, name...), value...), ',')
}

// ended puts the end of a document in the place of its last comma.
func ended(b []byte) []byte {
	b[len(b)-1] = '}'
	return append(b, '\n')
}

func address(b []byte, ip, port string, value []byte) []byte {
	if isNone(value) {
		return b
	}
	i := bytes.LastIndexByte(value, ':')
	return number(text(b, ip, value[:i]), port, value[i+1:])
}

// alb writes the document of a line of a load balancer's log.
func (d *documents) alb(b, line []byte, at int64) []byte {
	clean(line)
	c := cutter(line)
	kind, when := c.word(), c.word()
	b = d.head(b, line, at, when, true)
	b = text(b, `"type":"`, kind)
	b = text(b, `"time":"`, when)
	b = text(b, `"elb":"`, c.word())
	b = address(b, `"client_ip":"`, `"client_port":`, c.word())
	b = address(b, `"target_ip":"`, `"target_port":`, c.word())
	b = number(b, `"request_processing_time":`, c.word())
	b = number(b, `"target_processing_time":`, c.word())
	b = number(b, `"response_processing_time":`, c.word())
	b = number(b, `"elb_status_code":`, c.word())
	b = number(b, `"target_status_code":`, c.word())
	b = number(b, `"received_bytes":`, c.word())
	b = number(b, `"sent_bytes":`, c.word())
	request := c.quoted()
	b = text(b, `"request":"`, request)
	parts := cutter(request)
	b = text(b, `"request_method":"`, parts.word())
	b = text(b, `"request_url":"`, parts.word())
	b = text(b, `"request_protocol":"`, parts.word())
	b = text(b, `"user_agent":"`, c.quoted())
	b = text(b, `"ssl_cipher":"`, c.word())
	b = text(b, `"ssl_protocol":"`, c.word())
	b = text(b, `"target_group_arn":"`, c.word())
	b = text(b, `"trace_id":"`, c.quoted())
	b = text(b, `"domain_name":"`, c.quoted())
	b = text(b, `"chosen_cert_arn":"`, c.quoted())
	b = number(b, `"matched_rule_priority":`, c.word())
	b = text(b, `"request_creation_time":"`, c.word())
	b = text(b, `"actions_executed":"`, c.quoted())
	b = text(b, `"redirect_url":"`, c.quoted())
	b = text(b, `"error_reason":"`, c.quoted())
	b = append(append(append(b, `"target_port_list":["`...), c.quoted()...), `"],`...)
	b = append(append(append(b, `"target_status_code_list":[`...), c.quoted()...), `],`...)
	b = text(b, `"classification":"`, c.quoted())
	b = text(b, `"classification_reason":"`, c.quoted())
	b = text(b, `"conn_trace_id":"`, c.word())
	return ended(b)
}

// csv writes the document of a row.
func (d *documents) csv(b, line []byte, at int64) []byte {
	clean(line)
	c := cutter(line)
	comma := func() []byte {
		i := bytes.IndexByte(c, ',')
		w := c[:i]
		c = c[i+1:]
		return w
	}
	when := comma()
	b = d.head(b, line, at, when, true)
	b = text(b, `"time":"`, when)
	b = text(b, `"level":"`, comma())
	b = text(b, `"service":"`, comma())
	b = text(b, `"host":"`, comma())
	b = number(b, `"user_id":`, comma())
	b = text(b, `"path":"`, comma())
	b = number(b, `"status":`, comma())
	b = number(b, `"bytes":`, comma())
	b = number(b, `"duration":`, comma())
	b = text(b, `"agent":"`, c.quoted())
	return ended(b)
}

// flow writes the document of a flow log record.
func (d *documents) flow(b, line []byte, at int64) []byte {
	clean(line)
	c := cutter(line)
	var fields [14][]byte
	for i := range fields {
		fields[i] = c.word()
	}
	second, err := strconv.ParseInt(string(fields[10]), 10, 64)
	if err != nil {
		panic("no number")
	}
	if second != d.second {
		d.second = second
		time.Unix(second, 0).UTC().AppendFormat(d.stamp[:0], "2006-01-02T15:04:05.000Z")
	}
	b = d.head(b, line, at, d.stamp[:], true)
	b = number(b, `"version":`, fields[0])
	b = text(b, `"account_id":"`, fields[1])
	b = text(b, `"interface_id":"`, fields[2])
	b = text(b, `"srcaddr":"`, fields[3])
	b = text(b, `"dstaddr":"`, fields[4])
	b = number(b, `"srcport":`, fields[5])
	b = number(b, `"dstport":`, fields[6])
	b = number(b, `"protocol":`, fields[7])
	b = number(b, `"packets":`, fields[8])
	b = number(b, `"bytes":`, fields[9])
	b = number(b, `"start":`, fields[10])
	b = number(b, `"end":`, fields[11])
	b = text(b, `"action":"`, fields[12])
	b = text(b, `"log_status":"`, fields[13])
	return ended(b)
}
