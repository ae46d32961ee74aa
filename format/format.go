// Package format recognises what plain bytes hold and reads them record by record. There is one file for each format; what
// belongs together is a parser, a line in the table of formats and a sample in testdata.
//
// A parser allocates nothing for a record. What does not fit the grammar becomes a record with the raw text and the
// reason, marked as unparsed: a line is never passed over in silence.
package format

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
)

// format is one line of the table.
type format struct {
	name string
	// signature says for people how the format is told, about what it is.
	signature, about string
	// recognise looks at the beginning of an entry. The first format of the table that says yes is taken.
	recognise func(s *sample) bool
	// records reads an entry to its end.
	records func(p *parsing, y yield)
}

// formats are all formats, the more particular ones first. The last one takes everything.
func formats() []format {
	return []format{
		{
			"cloudtrail", `events with eventVersion, eventTime, eventSource and eventName (or insightDetails), in a "Records" array or one a line`,
			"AWS CloudTrail; requestParameters and the like are kept as text", isCloudTrail, readCloudTrail,
		},
		{
			"alb", "lines that begin with http, https, h2, grpcs, ws or wss, a time and app/",
			"access logs of Application Load Balancers", isALB, readALB,
		},
		{"ndjson", "a JSON object on each line", "newline-delimited JSON", isNDJSON, readNDJSON},
		{
			"json", "an array, an object over several lines, or objects one behind the other",
			`other JSON: each element of an array or of a "Records" array is a record`, isJSON, readJSON,
		},
		{
			"text", "no other format fits", "lines of text, or events that begin with a time and may go on over several lines",
			func(*sample) bool { return true }, readText,
		},
	}
}

// Format describes a format for people.
type Format struct {
	Name      string `json:"name"`
	Signature string `json:"signature"`
	About     string `json:"about"`
}

// Formats lists what is recognised, in the order in which it is tried.
func Formats() []Format {
	var all []Format
	for _, f := range formats() {
		all = append(all, Format{f.name, f.signature, f.about})
	}
	return all
}

// Config says how entries are read.
type Config struct {
	// Force is the name of the format that everything is read as, empty for recognising it.
	Force string
	// MaxRecordBytes is the longest record, 16 MiB when zero, at least 64 KiB and at most 1 GiB. A longer record becomes a
	// RecordError without its bytes.
	MaxRecordBytes int
}

const (
	defaultMaxRecord = 16 << 20
	mostRecord       = 1 << 30 // positions in a window are 32 bits long
)

// Detector finds out what an entry holds. It is safe for concurrent use.
type Detector struct {
	formats []format
	forced  bool
	max     int
	pool    chan *parsing // buffers of entries that were read to their end
}

var _ penstock.Recognizer = (*Detector)(nil)

// maxPooled is how many entries' buffers are kept for the next ones.
const maxPooled = 16

// New returns a Detector. A name of a format that does not exist is an error that lists those that do.
func New(cfg Config) (*Detector, error) {
	d := &Detector{formats: formats(), max: cfg.MaxRecordBytes, pool: make(chan *parsing, maxPooled)}
	if d.max <= 0 {
		d.max = defaultMaxRecord
	}
	d.max = min(max(d.max, sampleBytes), mostRecord)
	if cfg.Force == "" {
		return d, nil
	}
	var names []string
	for _, f := range d.formats {
		if f.name == cfg.Force {
			d.formats, d.forced = []format{f}, true
			return d, nil
		}
		names = append(names, f.name)
	}
	return nil, fmt.Errorf("no format is called %q: there are %s", cfg.Force, strings.Join(names, ", "))
}

// Recognize is part of penstock.Recognizer. It reads the beginning of the entry; the rest is read with the records.
func (d *Detector) Recognize(o *penstock.Object, id penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	name := id.Key
	if e.Name != "" {
		name = e.Name
	}
	if reason := skip(name); reason != "" && !d.forced {
		return penstock.Recognized{Skip: reason}, nil
	}
	p := d.take()
	p.window.reset(e, d.max+len("\r\n"))
	p.stored = id.Modified
	s := &sample{parsing: p, text: p.window.sample(), name: name, attr: o.Attr}
	if len(s.text) == 0 {
		err := p.window.failure()
		d.put(p)
		if err != nil {
			return penstock.Recognized{}, err
		}
		return penstock.Recognized{Skip: nothing(name)}, nil
	}
	f := d.choose(s)
	return penstock.Recognized{Format: f.name, Records: func(yield func(penstock.Record, error) bool) {
		defer d.put(p)
		p.begin(d.max)
		f.records(p, yield)
	}}, nil
}

func (d *Detector) choose(s *sample) *format {
	for i := range d.formats {
		if d.forced || d.formats[i].recognise(s) {
			return &d.formats[i]
		}
	}
	return &d.formats[len(d.formats)-1]
}

// take returns buffers for an entry.
func (d *Detector) take() *parsing {
	select {
	case p := <-d.pool:
		return p
	default:
		return &parsing{}
	}
}

// put keeps the buffers for another entry, unless they have grown beyond what most entries need.
func (d *Detector) put(p *parsing) {
	p.window.r = nil
	if cap(p.window.buf) > 2*windowBytes || cap(p.json) > 2*windowBytes {
		return
	}
	select {
	case d.pool <- p:
	default:
	}
}

// parsing is the state of reading one entry.
type parsing struct {
	window window
	stored time.Time // when the object was stored
	reader reader
	json   []byte
	plain  *jsonReader // for JSON without a schema
	trail  *jsonReader // for CloudTrail
	check  *scanner    // for looking at a sample
}

// begin prepares the part that all parsers share.
func (p *parsing) begin(max int) {
	p.reader = reader{window: &p.window, max: max, json: p.json[:0]}
}

// scanner returns one for looking at samples.
func (p *parsing) scanner() *scanner {
	if p.check == nil {
		p.check = newScanner(nil)
	}
	return p.check
}
