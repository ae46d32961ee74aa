package pipeline

import (
	"errors"
	"io"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/cloudwatch"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/redact"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/shape/ocsf"
)

// Read says how objects become documents. Zero fields have the defaults of the stages.
type Read struct {
	// Index is the pattern of index names, shape.DefaultIndex when empty.
	Index string
	// Format is what everything is read as, empty for recognising it.
	Format string
	// TimeZone is where clocks stood that wrote times without a zone, as in format.Config.
	TimeZone string
	// TimeField are names of the fields that have the time of a record, as in format.Config.
	TimeField string
	// Near is that of format.Config.
	Near bool
	// Definitions are formats of the user's own, which are tried before the others.
	Definitions []Definition
	// Encoding is what text is in that has no mark of its own: a name of the WHATWG's Encoding Standard, such as
	// windows-1252. Empty is UTF-8.
	Encoding string
	// Binary says what becomes of content that is no text: "letter", or nothing, makes a dead letter by reference of it,
	// "skip" passes over it.
	Binary string
	// Logs says how the payloads of CloudWatch Logs subscriptions are read.
	Logs Logs
	// Fields are the names that fields have: FieldsOwn, when empty, FieldsECS, FieldsECSAlias or FieldsOCSF.
	Fields string
	// Original keeps each record as it was read, in event.original, or with FieldsOCSF in raw_data.
	Original bool
	// Drop are rules, as in docs/documents.md: records that match one are left out.
	Drop []string
	// Keys are those of hashes, by their names, and Secret returns what a reference names; nil is [LocalSecret].
	Keys   map[string]KeySource
	Secret func(r redact.Reference) ([]byte, error)
	// ShowSecrets leaves all redactions out, for somebody who looks at records and sends none.
	ShowSecrets bool
	// Always are rules for all records, before those of their route.
	Always []rules.Rule
	// Lookups are the tables that rules look into. Those that a rule names are read by Stages.
	Lookups []rules.TableSource
	// Object opens what an s3:// URL names. Without it no table is read from S3.
	Object func(url string) (io.ReadCloser, error)
	loaded map[string]*rules.Table // by name
	keyed  map[string]*redact.Key  // the same
	// Routes say otherwise for some of the entries.
	Routes []Route
	// MaxRecordBytes is the longest record; a longer one becomes a dead letter by reference.
	MaxRecordBytes int64
	// MaxObjectBytes is the most plain bytes that one object may decode to, and MaxRatio the most for each stored byte.
	MaxObjectBytes int64
	MaxRatio       int
	// Tables read Parquet and Avro files: decode/parquet.Open, decode/avro.Open. Without them such files are dead letters.
	Tables decode.Tables
}

// Stages returns a pipeline that lacks a source, a deliverer and dead letters, and the drop rules in it: they know
// which of their fields no record had.
func (o *Read) Stages() (*penstock.Pipeline, *shape.Rules, error) {
	charset, err := o.charset()
	if err != nil {
		return nil, nil, err
	}
	drop, err := shape.ParseRules(o.Drop)
	if err != nil {
		return nil, nil, &OptionError{BadRule, err}
	}
	o.loaded, o.keyed = map[string]*rules.Table{}, map[string]*redact.Key{}
	known := map[detection]penstock.Recognizer{}
	all, err := o.stages(known, drop, &Route{})
	if err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(o.Routes, func(r Route) bool { return r.Encoding != "" }) {
		all.charset, charset = charset, nil // known when the route is
	}
	p := &penstock.Pipeline{
		Decoder: decode.New(decode.Limits{
			MaxBytes: o.MaxObjectBytes, MaxRatio: float64(o.MaxRatio), Encoding: charset,
			MaxPages: 2 * o.MaxRecordBytes, Tables: o.Tables,
		}),
		Recognizer: all.Recognizer, Shaper: all.Shaper,
	}
	if len(o.Routes) == 0 {
		return p, drop, nil
	}
	routes := &routed{rest: all}
	for i := range o.Routes {
		one, err := o.route(&o.Routes[i], all.charset, known, drop)
		if err != nil {
			return nil, nil, &RouteError{Route: o.Routes[i].Name, Err: err}
		}
		routes.routes = append(routes.routes, one)
	}
	p.Recognizer, p.Shaper = routes, routes
	return p, drop, nil
}

// detection is what recognition depends on among the settings that a route has.
type detection struct{ format, timeZone, timeField, binary string }

// stages returns what reads and shapes the entries of a route, with its rules. Known are the recognisers that were made
// for the same pipeline: one for each of the ways to read.
func (o *Read) stages(known map[detection]penstock.Recognizer, drop *shape.Rules, of *Route) (stages, error) {
	way := detection{o.Format, o.TimeZone, o.TimeField, o.Binary}
	recognizer, isKnown := known[way]
	if !isKnown {
		detector, err := o.recognizer()
		if err != nil {
			return stages{}, err
		}
		recognizer = detector
	}
	plain, err := shape.New(shape.Config{Index: o.Index})
	if err != nil {
		return stages{}, &OptionError{BadIndex, err}
	}
	logs, err := o.logs(recognizer, plain)
	if err != nil {
		return stages{}, err
	}
	named, err := o.named(logs)
	if err != nil {
		return stages{}, err
	}
	if !isKnown {
		recognizer = logs
		known[way] = logs
	}
	if of.Index != "" {
		pattern, err := shape.ParsePattern(of.Index)
		if err != nil {
			return stages{}, &OptionError{BadIndex, err}
		}
		named = &namedEvents{named, pattern.Renamed(named)}
	}
	if named, err = of.bound(named); err != nil {
		return stages{}, err
	}
	chain, err := o.chain(of.Rules, o.readAs(of))
	if err != nil {
		return stages{}, err
	}
	shaper := drop.Shaper(chain.Shaper(named))
	if shaper != named || len(o.Routes) > 0 {
		shaper = &counted{shaper, of.Name}
	}
	return stages{Recognizer: recognizer, Shaper: shaper}, nil
}

// route returns what reads and shapes the entries of a route.
func (o *Read) route(
	r *Route, charset encoding.Encoding, known map[detection]penstock.Recognizer, drop *shape.Rules,
) (one routeStages, err error) {
	one.Route = r
	if one.matcher, err = r.Match.compile(); err != nil {
		return one, &OptionError{BadRoute, err}
	}
	if len(r.Match.Format) > 0 && r.Format != "" {
		return one, optionf(BadRoute, "it asks for the format and sets one")
	}
	drop, err = drop.With(r.Drop)
	if err != nil {
		return one, &OptionError{BadRule, err}
	}
	read := *o
	for to, from := range map[*string]string{
		&read.Index: r.Index, &read.Format: r.Format, &read.TimeZone: r.TimeZone, &read.TimeField: r.TimeField,
		&read.Binary: r.Binary, &read.Fields: r.Fields,
	} {
		if from != "" {
			*to = from
		}
	}
	if r.Original != nil {
		read.Original = *r.Original
	}
	if r.Format != "" && read.Logs.Messages == "" {
		read.Logs.Messages = "recognise" // of log events it is the messages that have the format
	}
	if r.Index != "" {
		read.Logs.Index = "" // is for entries whose route names no other
	}
	if one.stages, err = read.stages(known, drop, r); err != nil {
		return one, err
	}
	if one.charset = charset; r.Encoding != "" {
		one.charset, err = (&Read{Encoding: r.Encoding}).charset()
	}
	return one, err
}

// readAs is the format that the records of a route have, empty when it may be several, or is one of the user's own.
func (o *Read) readAs(r *Route) string {
	name := o.Format
	if len(r.Match.Format) > 0 {
		name = ""
		if len(r.Match.Format) == 1 {
			name = r.Match.Format[0].Glob
		}
	}
	if r.Format != "" {
		name = r.Format
	}
	if slices.ContainsFunc(o.Definitions, func(d Definition) bool { return d.Name == name }) {
		return ""
	}
	return name
}

// namedEvents has another shaper for log events that came as an event: the pattern of a route names their index.
type namedEvents struct {
	penstock.Shaper
	events penstock.Shaper
}

// Entry is part of penstock.Shaper.
func (n *namedEvents) Entry(
	o *penstock.Object, id penstock.Identity, entry, format string,
) (penstock.EntryShaper, error) {
	if format == cloudwatch.FormatEvents {
		return n.events.Entry(o, id, entry, format)
	}
	return n.Shaper.Entry(o, id, entry, format)
}

// named returns a shaper that gives the documents of another one the names that Fields says.
func (o *Read) named(inner penstock.Shaper) (penstock.Shaper, error) {
	if err := checkFields(o.Fields, o.Format); err != nil {
		return nil, err
	}
	n := shape.Naming{Original: o.Original}
	switch o.Fields {
	case FieldsOCSF:
		return ocsf.NewShaper(inner, o.Original), nil
	case FieldsECS:
		names := map[string][][2]string{}
		known := Formats()
		for _, f := range known {
			for _, field := range f.Fields {
				if field.ECS != "" {
					names[f.Name] = append(names[f.Name], [2]string{field.Name, field.ECS})
				}
			}
		}
		n.Objects = schemaObjects(known)
		n.Names = func(format string) [][2]string { return names[format] }
	}
	return n.Shaper(inner), nil
}

// charset returns the encoding of text, nil for UTF-8.
func (o *Read) charset() (encoding.Encoding, error) {
	if o.Encoding == "" {
		return nil, nil //nolint:nilnil // the decoder reads UTF-8 by itself
	}
	e, err := htmlindex.Get(o.Encoding)
	if err != nil {
		return nil, optionf(BadEncoding, "--encoding is %q: no encoding has this name", o.Encoding)
	}
	if name, err := htmlindex.Name(e); err == nil && name == "utf-8" {
		return nil, nil //nolint:nilnil // the same
	}
	return e, nil
}

func (o *Read) recognizer() (*format.Detector, error) {
	if o.Binary != "" && o.Binary != "letter" && o.Binary != "skip" {
		return nil, optionf(BadBinary, "--binary is %q: want letter or skip", o.Binary)
	}
	force := o.Format
	if force == cloudwatch.FormatPayloads {
		force = ""
	}
	d, err := format.New(format.Config{
		Force: force, MaxRecordBytes: int(o.MaxRecordBytes), SkipBinary: o.Binary == "skip",
		TimeZone: o.TimeZone, TimeField: o.TimeField, Definitions: o.Definitions, Near: o.Near,
	})
	if _, wrong := errors.AsType[*format.TimeZoneError](err); wrong {
		return nil, &OptionError{BadTimeZone, err}
	}
	if err != nil {
		return nil, &OptionError{BadFormat, err}
	}
	return d, nil
}

// Logs says how the payloads of CloudWatch Logs subscriptions are read: as docs/cloudwatch-logs.md explains. Empty
// fields have the defaults.
type Logs struct {
	// Numbers is "compat" or "safe", JSON "compat", "anywhere" or "off", Messages "compat" or "recognise".
	Numbers, JSON, Messages string
	// NestUnder is a name under which the fields found in messages are put.
	NestUnder string
	// Index is the pattern of index names of log events that come as events; when it is another than the default, of those
	// in objects too.
	Index string
}

// logs returns the stages for payloads around those of all other objects.
func (o *Read) logs(r penstock.Recognizer, s penstock.Shaper) (*cloudwatch.Logs, error) {
	opts := cloudwatch.Options{
		MaxEventBytes: int(min(o.MaxRecordBytes, math.MaxInt32)), NestUnder: o.Logs.NestUnder,
		Index: o.Logs.Index, Everywhere: o.Logs.Index != "" && o.Logs.Index != cloudwatch.DefaultIndex,
		Force: o.Format == cloudwatch.FormatPayloads, NotObjects: o.Format != "" && o.Format != cloudwatch.FormatPayloads,
	}
	numbers, err := choice("logs-numbers", o.Logs.Numbers, "compat", "safe")
	if err != nil {
		return nil, err
	}
	search, err := choice("logs-json", o.Logs.JSON, "compat", "anywhere", "off")
	if err != nil {
		return nil, err
	}
	messages, err := choice("logs-messages", o.Logs.Messages, "", "compat", "recognise")
	if err != nil {
		return nil, err
	}
	opts.SafeNumbers = numbers == 1
	opts.JSON = []cloudwatch.JSONSearch{cloudwatch.JSONCompat, cloudwatch.JSONAnywhere, cloudwatch.JSONOff}[search]
	opts.Messages = []cloudwatch.Messages{
		cloudwatch.MessagesOfObjects, cloudwatch.MessagesCompat, cloudwatch.MessagesRecognised,
	}[messages]
	logs, err := cloudwatch.New(opts, r, s)
	if err != nil {
		return nil, &OptionError{BadLogs, err}
	}
	return logs, nil
}

// choice returns which of the words an option is. An empty one is the first.
func choice(name, value string, words ...string) (int, error) {
	if value == "" {
		return 0, nil
	}
	if n := slices.Index(words, value); n >= 0 {
		return n, nil
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return 0, optionf(BadLogs, "--%s is %q: want %s", name, value, strings.Join(words, " or "))
}

// Format is what is recognised, as people are told of it.
type Format = format.Format

// Definition is a format of the user's own.
type Definition = format.Definition

// Formats lists what is recognised, in the order in which it is tried; formats of the user's own are the first ones.
func Formats(own ...Definition) []Format {
	payloads := format.Format{Name: cloudwatch.FormatPayloads, Signature: cloudwatch.Signature, About: cloudwatch.About}
	all := format.Formats(own...)
	return slices.Insert(all, min(len(own), len(all)), payloads)
}
