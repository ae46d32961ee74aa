// Package format recognises what plain bytes hold and reads them record by record. There is one file for each format,
// which is a schema, and one line for it in the table; the machinery that the schemas are for is below internal.
//
// A parser allocates nothing for a record. What does not fit the grammar becomes a record with the raw text and the
// reason, marked as unparsed: a line is never passed over in silence.
package format

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/times"
)

// Format describes a format for people.
type Format struct {
	Name      string `json:"name"`
	Signature string `json:"signature"`
	About     string `json:"about"`
	// Fields are those that a document may have, as far as their types are known.
	Fields []Field `json:"fields,omitempty"`
	// Closed says that a record that fits the format has no other fields.
	Closed bool `json:"-"`
}

// Field is a name that documents of a format have, and the type that an index should give it.
type Field = entry.Field

// Formats lists what is recognised, in the order in which it is tried: formats of the user's own, which have no
// mistakes, and those that are built in.
func Formats(definitions ...Definition) []Format {
	formats, err := tableWith(definitions)
	if err != nil {
		formats = table()
	}
	var all []Format
	for _, f := range formats {
		all = append(all, Format{f.name, f.told, f.about, withECS(f.name, f.grammar.Documented()), isClosed(f.grammar)})
	}
	return all
}

// isClosed reports whether a grammar makes no fields but those that it documents.
func isClosed(g entry.Grammar) bool {
	if several, ok := g.(forms); ok {
		return !slices.ContainsFunc(several, func(one entry.Grammar) bool { return !isClosed(one) })
	}
	s, ok := g.(interface{ Closed() bool })
	return ok && s.Closed()
}

// Config says how entries are read.
type Config struct {
	// Force is the name of the format that everything is read as, empty when each entry is to be recognised. Parameters
	// may follow it, as in "vpcflow(fields=version account-id action)".
	Force string
	// MaxRecordBytes is the longest record, 16 MiB when zero, at least 64 KiB and at most 1 GiB. A longer record becomes a
	// RecordError without its bytes.
	MaxRecordBytes int
	// TimeZone is the zone of times that are written without one, UTC when empty: a name such as Europe/Berlin or an
	// offset such as +02:00. One with a name of a format before it, as in mysql-error=Europe/Berlin, is for that format
	// alone; commas stand between several.
	TimeZone string
	// TimeField are the names of the fields that have the time of a record, the best one first, with commas between them;
	// dots lead into objects. They come before the names that are looked for anyway.
	TimeField string
	// Definitions are formats of the user's own, which are tried before the others.
	Definitions []Definition
	// Near has each entry's other near formats looked for, for people who ask why it is read as it is.
	Near bool
	// SkipBinary passes over content that is no text. Otherwise such content is a *penstock.ObjectError. With a forced
	// format no content counts as binary.
	SkipBinary bool
}

const (
	defaultMaxRecord = 16 << 20
	mostRecord       = 1 << 30 // positions in a window are 32 bits long
)

// Detector finds out what an entry holds. It is safe for concurrent use.
type Detector struct {
	formats []schema
	index   *index // nil when the format is forced
	max     int
	// skipBinary says that content that is no text is passed over.
	skipBinary bool
	nearby     bool               // Config.Near
	pool       chan *entry.Reader // of entries that were read to their end
	// zone is that of times without one, nil for UTC; zones are those of single formats, by name.
	zone  *time.Location
	zones map[string]*time.Location
	large entry.Large
	timed string // Config.TimeField
	own   []Definition
	// inside reads messages that stand in the records of carriers. It is made once, when it is first needed.
	inside  *Detector
	prepare sync.Once
	// framed, when set, is told of the bytes that frame records.
	framed func(offset, length int64)
}

var _ penstock.Recognizer = (*Detector)(nil)

// maxPooled is how many entries' buffers are kept for the next ones.
const maxPooled = 16

// New returns a Detector. A name of a format that does not exist is an error that lists those that do.
func New(cfg Config) (*Detector, error) {
	formats, err := tableWith(cfg.Definitions)
	if err != nil {
		return nil, err
	}
	return newDetector(cfg, formats)
}

func newDetector(cfg Config, formats []schema) (*Detector, error) {
	d := &Detector{
		formats: formats, max: cfg.MaxRecordBytes, skipBinary: cfg.SkipBinary,
		pool: make(chan *entry.Reader, maxPooled), large: entry.NewLarge(), own: cfg.Definitions,
		nearby: cfg.Near,
	}
	if d.max <= 0 {
		d.max = defaultMaxRecord
	}
	d.max = min(max(d.max, entry.SampleBytes), mostRecord)
	if err := d.readZones(cfg, formats); err != nil {
		return nil, err
	}
	if names := strings.FieldsFunc(cfg.TimeField, func(c rune) bool { return c == ',' || c == ' ' }); len(names) > 0 {
		if err := checkPaths(names); err != nil {
			return nil, fmt.Errorf("read time field: %w", err)
		}
		d.timed = cfg.TimeField
		for i := range formats {
			formats[i].grammar = timedBy(formats[i].grammar, names)
		}
	}
	if cfg.Force == "" {
		d.index = newIndex(formats)
		return d, nil
	}
	f, err := forced(cfg.Force, formats)
	d.formats = []schema{f}
	return d, err
}

// readZones reads Config.TimeZone, which stands before the zones of definitions.
func (d *Detector) readZones(cfg Config, formats []schema) error {
	for i := range cfg.Definitions {
		if zone := cfg.Definitions[i].Time.Zone; zone != "" {
			l, err := times.Place(zone)
			if err != nil {
				return &TimeZoneError{err}
			}
			d.setZone(cfg.Definitions[i].Name, l)
		}
	}
	for one := range strings.SplitSeq(cfg.TimeZone, ",") {
		name, zone, ofFormat := strings.Cut(strings.TrimSpace(one), "=")
		if !ofFormat {
			name, zone = "", name
		}
		if zone == "" && !ofFormat {
			continue
		}
		l, err := times.Place(zone)
		switch {
		case err != nil:
			return &TimeZoneError{err}
		case !ofFormat && zone != "UTC":
			d.zone = l
		case !ofFormat:
		case !slices.ContainsFunc(formats, func(f schema) bool { return f.name == name }):
			return &TimeZoneError{fmt.Errorf("no format is called %q", name)}
		default:
			d.setZone(name, l)
		}
	}
	return nil
}

func (d *Detector) setZone(format string, l *time.Location) {
	if d.zones == nil {
		d.zones = map[string]*time.Location{}
	}
	d.zones[format] = l
}

// TimeZoneError says that Config.TimeZone is wrong.
type TimeZoneError struct{ Err error }

func (e *TimeZoneError) Error() string { return "read time zone: " + e.Err.Error() }
func (e *TimeZoneError) Unwrap() error { return e.Err }

// forced returns the format of a name, with the parameters that may follow it in parentheses.
func forced(spec string, formats []schema) (schema, error) {
	name, parameters, more := strings.Cut(spec, "(")
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
		if f.name != name {
			continue
		}
		if forcible, ok := f.grammar.(entry.Forcible); ok {
			f.grammar = forcible.Forced()
		}
		if !more {
			return f, nil
		}
		inner, ok := strings.CutSuffix(parameters, ")")
		c, configurable := f.grammar.(entry.Configurable)
		if !ok || !configurable {
			return f, fmt.Errorf("read parameters of format %q: want NAME(PARAMETER=VALUE), for a format that has parameters",
				spec)
		}
		key, value, _ := strings.Cut(inner, "=")
		var err error
		if f.grammar, err = c.With(strings.TrimSpace(key), value); err != nil {
			return f, fmt.Errorf("read parameters of format %q: %w", spec, err)
		}
		return f, nil
	}
	return schema{}, fmt.Errorf("no format is called %q: there are %s", name, strings.Join(names, ", "))
}

// Recognize is part of penstock.Recognizer. It reads the beginning of the entry; the rest is read with the records.
func (d *Detector) Recognize(o *penstock.Object, id penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	name := id.Key
	if e.Name != "" {
		name = e.Name
	}
	if reason := d.skip(name); reason != "" {
		return penstock.Recognized{Skip: reason}, nil
	}
	r := d.take()
	r.Name, r.Attr, r.Stored, r.Framed = name, o.Attr, id.Modified, d.framed
	r.Linger, r.Zone, r.Table = o.Linger, d.zone, e.Table
	r.Begin(e, d.max)
	if len(r.Sample()) > entry.SampleBytes && len(bytes.TrimLeft(r.Sample(), "\x00")) == 0 {
		r.Begin(&behindHole{r: e}, d.max)
	}
	if len(r.Sample()) == 0 {
		err := r.Failure()
		d.put(r)
		if err != nil {
			return penstock.Recognized{}, err
		}
		return penstock.Recognized{Skip: nothing(name)}, nil
	}
	if deadLetters(r.Sample()) {
		d.put(r)
		return penstock.Recognized{Skip: "dead letters"}, nil
	}
	if d.index != nil {
		if what := aboutObjects(name, r.Sample()); what != "" {
			d.put(r)
			return penstock.Recognized{Skip: what}, nil
		}
	}
	if what := d.binary(r.Sample()); what != "" {
		err := r.Failure()
		d.put(r)
		if growing, ok := errors.AsType[*penstock.GrowingError](err); ok {
			return penstock.Recognized{}, growing // the first bytes of what is being written, such as a magic that is not whole
		}
		if d.skipBinary {
			return penstock.Recognized{Skip: "binary content"}, nil
		}
		return penstock.Recognized{}, binaryError(what)
	}
	undated := false
	if id.IsFile() {
		var err error
		if undated, err = r.FollowContent(); err != nil {
			d.put(r)
			return penstock.Recognized{}, err
		}
	}
	f := d.choose(r)
	var near []penstock.Near
	if d.nearby && d.index != nil && e.Table == "" {
		near = d.near(r, f)
	}
	d.lookInto(r)
	if zone, ok := d.zones[f.name]; ok {
		r.Zone = zone
	}
	return penstock.Recognized{
		Format: f.name, Near: near, Undated: undated, Generic: f.generic, Rows: e.Table != "",
		Records: func(yield func(penstock.Record, error) bool) {
			defer d.put(r)
			if e.Table != "" {
				yield = numbered(yield)
			}
			f.grammar.Read(r, yield)
		},
	}, nil
}

// choose returns the first format that says that the entry is its own. Of formats that count lines it is the first one
// that more than half of the first lines fit, or else the one that most lines fit: a single line of another program
// changes nothing.
func (d *Detector) choose(r *entry.Reader) *schema {
	last := &d.formats[len(d.formats)-1]
	if d.index == nil {
		return last
	}
	var best *schema
	most, total := 0, 0
	may := d.index.mayFit(r)
	for n := may.next(); n >= 0; n = may.next() {
		f, counter := &d.formats[n], d.index.counters[n]
		switch {
		case counter != nil:
			if total == 0 {
				total = len(r.Lines(entry.FirstLines))
			}
			if fit := counter.Fits(r); fit > most {
				best, most = f, fit
			}
			if 2*most > total {
				return best
			}
		case best == nil && f.grammar.Told(r):
			return f
		}
	}
	if best != nil {
		return best
	}
	return last
}

// skip says why an object of this name holds no records, or returns an empty string. With a forced format every name is
// read.
func (d *Detector) skip(name string) string {
	if d.index == nil {
		return ""
	}
	if reason := marker(name); reason != "" {
		return reason
	}
	if base := path.Base(name); d.index.services[base] {
		return "write test of a service"
	}
	for _, n := range d.index.skipping {
		if reason := d.formats[n].skip(name); reason != "" {
			return reason
		}
	}
	return ""
}

// take returns buffers for an entry.
func (d *Detector) take() *entry.Reader {
	select {
	case r := <-d.pool:
		return r
	default:
		return entry.NewReader(d.large)
	}
}

// put keeps the buffers for another entry, unless they have grown beyond what most entries need.
func (d *Detector) put(r *entry.Reader) {
	if !r.Release() {
		return
	}
	select {
	case d.pool <- r:
	default:
	}
}
