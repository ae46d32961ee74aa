package format

import (
	"bytes"
	"path"
	"strings"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/format/internal/times"
	"github.com/seed56735111/penstock/internal/quote"
)

// cloudwatchExport is "Exporting log data to Amazon S3" in the documentation of CloudWatch Logs: each event behind its
// time.
func cloudwatchExport() schema {
	return schema{
		name: "cloudwatch-export",
		told: "lines of a time such as 2026-11-24T10:00:00.123Z and a record of one of the formats above " +
			"or below; with a name as in exports, such as TASK/STREAM/000000.gz, any lines with such a time",
		about: "what an export of CloudWatch Logs writes: each event is read as what it fits",
		grammar: &carrier{
			Grammar: exported{}, name: "cloudwatch", message: "message", blank: true,
		},
	}
}

// exported is the grammar of an export's events: a time, a space and the message, which may go on over lines.
type exported struct{}

// Starts returns the bytes with which a line begins that tells the format.
func (exported) Starts() lines.Bytes { return lines.Of("0123456789") }

// Told looks at the first lines.
func (e exported) Told(r *entry.Reader) bool { return e.Fits(r) > 0 }

// Fits returns how many of the first lines are events, when their messages, as they are, are records of a format that
// tells who wrote them. Text and objects behind a time are what any program writes.
func (exported) Fits(r *entry.Reader) (n int) {
	first := r.Lines(entry.FirstLines)
	for _, line := range first {
		if stampEnd(line) > 0 {
			n++
		}
	}
	if n == 0 || isExport(r.Name) {
		return n
	}
	var messages []byte
	for _, line := range first {
		if end := stampEnd(line); end > 0 {
			messages = append(append(messages, line[end:]...), '\n')
		}
	}
	inside := builtIn()
	f := inside.of(messages, r)
	if _, pairs := f.grammar.(*lines.Pairs); pairs || f.generic || f == &inside.formats[len(inside.formats)-1] {
		return 0
	}
	switch f.name {
	case "cef", "leef":
		return 0 // these have a time and a host before them
	case "nginx", "apache":
		if lines.IsTagged(first[0]) {
			return 0 // so have these, and a program, when syslog carries them
		}
	}
	return n
}

// of returns the format of messages in an entry.
func (d *Detector) of(messages []byte, r *entry.Reader) *schema {
	in := d.take()
	in.Stored = r.Stored
	in.Begin(bytes.NewReader(messages), entry.SampleBytes)
	f := d.choose(in)
	d.put(in)
	return f
}

// isExport reports whether a name is that of an object which an export writes: TASK/STREAM/000000.gz.
func isExport(name string) bool {
	dir, base := path.Split(strings.TrimSuffix(name, ".gz"))
	task := path.Base(path.Dir(strings.TrimSuffix(dir, "/")))
	const digits, id = 6, len("8f5a2c1e-1111-4222-8333-944455556666")
	return len(base) == digits && strings.Trim(base, "0123456789") == "" &&
		len(task) == id && strings.Count(task, "-") == 4 && strings.Trim(task, "-0123456789abcdef") == ""
}

// stampEnd returns where the message begins behind the time of an event, 0 for a line without one.
func stampEnd(line []byte) int {
	const stamp = "2026-11-24T10:00:00.123Z "
	if len(line) < len(stamp) {
		return 0
	}
	for i := range len(stamp) {
		if quote.IsDigit(stamp[i]) {
			if !quote.IsDigit(line[i]) {
				return 0
			}
		} else if line[i] != stamp[i] {
			return 0
		}
	}
	return len(stamp)
}

// Read reads an entry to its end.
func (exported) Read(r *entry.Reader, y entry.Yield) {
	begins := func(line []byte) bool { return stampEnd(line) > 0 }
	r.EachEvent(y, begins, nil, func(raw []byte, offset int64) bool {
		end := stampEnd(raw)
		at, _, dated := times.ISO(raw[:max(end-1, 0)])
		if !dated {
			end = 0
		}
		r.JSON = append(r.Buffer(len(raw)), '{')
		if end > 0 {
			r.JSON = append(append(append(r.JSON, `"timestamp":"`...), raw[:end-1]...), `",`...)
		}
		r.JSON = append(r.JSON, `"message":"`...)
		r.JSON = append(quote.Append(r.JSON, raw[end:]), `"}`...)
		return r.Emit(penstock.Record{Offset: offset, Raw: raw, JSON: r.JSON, Time: at}, y)
	})
}

// Documented returns the fields of an event.
func (exported) Documented() []entry.Field {
	return []entry.Field{{Name: "timestamp", Type: entry.Date}, {Name: "message", Type: entry.Text}}
}
