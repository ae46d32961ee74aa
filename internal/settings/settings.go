// Package settings has the one table of settings, and fills flags from the command line, variables and a configuration
// file.
package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/seed56735111/penstock/cloudwatch"
	"github.com/seed56735111/penstock/internal/advice"
	"github.com/seed56735111/penstock/shape"
)

// Setting is one row of the settings table. A flag overrides the environment variable, the variable overrides the file,
// and the file overrides the default.
type Setting struct {
	// Name is the name of the flag. [Setting.Variable] and [Setting.Key] are made from it.
	Name    string
	Default string
	// Unit says what the value is, such as "bytes". It is empty when Usage says enough.
	Unit  string
	Usage string
}

// Variable is the name of the environment variable, as PENSTOCK_BATCH_BYTES.
func (s Setting) Variable() string { return "PENSTOCK_" + strings.ToUpper(s.Key()) }

// Key is the name in a configuration file, as batch_bytes.
func (s Setting) Key() string { return strings.ReplaceAll(s.Name, "-", "_") }

// Type is what the values of a setting are.
type Type uint8

// The types of settings.
const (
	IsText Type = iota
	IsBoolean
	IsCount    // a number from 1 on
	IsSize     // bytes
	IsDuration // longer than zero
	IsRules    // several texts
)

// Type is what its values are.
func (s Setting) Type() Type {
	_, err := strconv.Atoi(s.Default)
	switch {
	case s.IsList():
		return IsRules
	case s.Default == "true" || s.Default == "false":
		return IsBoolean
	case s.Unit == "bytes":
		return IsSize
	case s.Unit == "duration":
		return IsDuration
	case err == nil:
		return IsCount
	}
	return IsText
}

// IsList reports whether the setting may have several values: a line each in a variable, a list in a file.
func (s Setting) IsList() bool { return s.Unit == "rules" || s.Unit == "patterns" }

// table is the source of flags, variables, file keys, docs/configuration.md and the JSON Schema.
var table = []Setting{
	{"domain", "", "URL", "endpoint of the domain, https://… (plain http only on loopback)"},
	{
		Name:  "target",
		Usage: "named target of the configuration file: its domain, and who signs",
	},
	{"region", "", "", "region to sign for; by default the one in the endpoint's host name, never a guess"},
	{"service", "", "", "service to sign for: es (a domain) or aoss (a serverless collection); by default the endpoint's"},
	{"profile", "", "", "profile in the AWS configuration files"},
	{"role-arn", "", "ARN", "role to assume before signing, and before reading unless there is one for S3"},
	{"external-id", "", "", "external id for assuming the role"},
	{"no-sign", "false", "", "send requests to the domain without a signature"},
	{
		Name:  "collection",
		Usage: "name of the serverless collection, for the endpoint of an account, ACCOUNT.aoss.REGION.on.aws",
	},
	{
		Name:    "stall-timeout",
		Default: "1m",
		Unit:    "duration",
		Usage: "longest time without a byte in either direction before a request to the domain, " +
			"S3 or another service is sent again",
	},
	{"ca-file", "", "path", "PEM file with certificate authorities to trust for the domain, in addition to the system's"},
	{
		Name:  "sign-for",
		Unit:  "host",
		Usage: "host to sign for, and to expect in the certificate, when the endpoint is a tunnel or a port-forward",
	},
	{"endpoint-url", "", "URL", "S3 endpoint, for an S3-compatible server"},
	{"path-style", "false", "", "address buckets in the path instead of the host name"},
	{"s3-profile", "", "", "profile to read buckets with, instead of the domain's profile and role"},
	{"s3-role-arn", "", "ARN", "role to assume for reading buckets, instead of the domain's role"},
	{"s3-external-id", "", "", "external id for assuming the role of the buckets"},
	{
		Name: "s3-region",
		Usage: "region of the buckets; by default that of --region or the AWS configuration. " +
			"Buckets elsewhere in AWS are found",
	},
	{"requester-pays", "false", "", "pay for requests to requester-pays buckets"},
	{
		Name:    "index",
		Default: shape.DefaultIndex,
		Unit:    "pattern",
		Usage:   "index name: {format}, {yyyy.MM.dd} from the record's time, {field} from the record",
	},
	{"format", "", "", "parse everything as this format instead of recognising it; \"penstock formats\" lists the names"},
	{
		Name:    "time-zone",
		Default: "UTC",
		Unit:    "zone",
		Usage: "zone of times that are written without one: a name such as Europe/Berlin or an offset such as +02:00; " +
			"FORMAT=ZONE is for one format; commas separate several",
	},
	{
		Name: "time-field",
		Unit: "names",
		Usage: "fields that have the time of a record, in JSON, pairs and tables: log.time, when; " +
			"the first that a record has, before the usual names",
	},
	{
		Name:    "encoding",
		Default: "utf-8",
		Usage:   "what text is in that has no byte order mark: a name such as windows-1252, shift_jis or gbk",
	},
	{
		Name:    "binary",
		Default: "letter",
		Usage:   "content that is not text: letter makes a dead letter that refers to it, skip passes over it",
	},
	{
		Name: "place",
		Usage: "name of this machine or tree of files; it takes part in the ids of records in files, " +
			"so that machines with equal paths have different ids",
	},
	{
		Name: "drop",
		Unit: "rules",
		Usage: "leave out records that match, such as level=debug or 'elb_status_code=200 and user_agent=ELB-*'; " +
			"may be repeated",
	},
	{
		Name: "include",
		Unit: "patterns",
		Usage: "take the objects and files that match, such as *.gz or app/**/2026*.log; without a slash it is compared " +
			"with the last part of the name; may be repeated",
	},
	{"exclude", "", "patterns", "leave out the objects and files that match; may be repeated"},
	{
		Name: "since",
		Unit: "date",
		Usage: "take objects from this date on (2026-11-24, 2026-11-24T10:00, or 36h or 7d ago): the date in the name, " +
			"or when it was stored",
	},
	{"until", "", "date", "take objects from before this date"},
	{"sample", "", "percent", "take a part of the objects, such as 10%, by their names: the same ones each time"},
	{
		Name:    "order",
		Default: "name",
		Usage:   "order of the objects: name, or newest for the latest date first, for which all are listed before",
	},
	{
		Name: "rate",
		Unit: "documents or bytes a second",
		Usage: "most that is sent, such as 5000 (documents) or 5MiB, for all workers together; " +
			"by default as much as the domain takes",
	},
	{"strict", "false", "", "end with exit code 3 when records did not match the grammar of their format (unparsed)"},
	{
		Name:    "dead-letters",
		Default: "penstock-dead-letters",
		Unit:    "directory or s3://bucket/prefix",
		Usage:   "where to keep records that the domain will never take; a directory is created when needed",
	},
	{"workers", "4", "items", "items that are read at once"},
	{
		Name:    "open-ahead",
		Default: "64",
		Unit:    "objects",
		Usage:   "objects of S3 that are asked for before a worker is free for them, up to 8 MiB together",
	},
	{"max-in-flight", "4", "requests", "_bulk requests under way at once"},
	{"batch-bytes", "2MiB", "bytes", "size at which a _bulk request is sent"},
	{"batch-docs", "20000", "documents", "number of documents at which a _bulk request is sent"},
	{
		Name:    "index-in-path",
		Default: "false",
		Usage: "send documents to /INDEX/_bulk instead of naming the index in the body, " +
			"for policies on single indexes and for domains that refuse explicit indexes",
	},
	{
		Name:    "no-ids",
		Default: "false",
		Usage: "send documents without ids, for serverless collections that take none; " +
			"what is sent twice is then stored twice",
	},
	{
		Name:    "linger",
		Default: "1s",
		Unit:    "duration",
		Usage: "longest time that a document waits for its _bulk request to fill, " +
			"and that a record on standard input waits for the next one",
	},
	{
		Name:    "retry-budget",
		Default: "5m",
		Unit:    "duration",
		Usage:   "longest time that a batch is retried before the run gives up; its sources are not acknowledged then",
	},
	{"gzip", "false", "", "compress request bodies; worth it on a link slower than about 3 Gbit/s"},
	{"max-record-bytes", "16MiB", "bytes", "longest record; a longer one becomes a dead letter that refers to it"},
	{"max-object-bytes", "64GiB", "bytes", "most bytes that one object may decompress to"},
	{"max-ratio", "1000", "", "most decompressed bytes for each stored byte, beyond the first 64 MiB"},
	{
		Name:  "bucket",
		Usage: "bucket for events of the function that name a key alone, such as the items of a listing in Step Functions",
	},
	{
		Name:  "continue-queue",
		Unit:  "URL",
		Usage: "SQS queue that the function sends the rest of a large object to; without one the object is given back",
	},
	{
		Name:    "conflicts",
		Default: "deadletter",
		Usage: "values that the mapping of their index does not take: rename writes them as text under NAME_text, " +
			"stringify writes objects and lists as JSON where the field is text, deadletter leaves them to the domain",
	},
	{
		Name:    "fields",
		Default: "own",
		Usage: "names of fields: own are those of the formats, ecs those of the Elastic Common Schema where there is one, " +
			"ecs-alias has these as aliases in index templates and leaves documents as they are, " +
			"ocsf makes events of the Open Cybersecurity Schema Framework of the formats that docs/ocsf.md lists",
	},
	{"original", "false", "", "keep each record as it was read, in event.original, or raw_data with --fields ocsf"},
	{
		Name:    "put-templates",
		Default: "false",
		Usage: "put the index templates that the domain lacks before the first document; " +
			"those that somebody else wrote or changed stay",
	},
	{
		Name:    "reserve",
		Default: "10s",
		Unit:    "duration",
		Usage:   "how long before the deadline of a Lambda invocation reading stops; at most half of the invocation's time",
	},
	{
		Name:    "logs-numbers",
		Default: "compat",
		Usage: "numbers in the extracted fields of CloudWatch Logs events: compat makes them as LogsToElasticsearch " +
			"does, safe only where no digit is lost",
	},
	{
		Name:    "logs-json",
		Default: "compat",
		Usage: "JSON in the messages of CloudWatch Logs events: compat looks from the first brace to the end, " +
			"anywhere finds it with text around it, off leaves messages as they are",
	},
	{
		Name: "logs-messages",
		Usage: "messages of CloudWatch Logs events: compat looks for JSON only, " +
			"recognise parses known formats as in a file; by default compat for events of an invocation, " +
			"recognise for payloads in objects",
	},
	{
		Name:  "logs-nest-under",
		Unit:  "field",
		Usage: "put the fields found in a CloudWatch Logs message under this name instead of at the top",
	},
	{
		Name:    "logs-index",
		Default: cloudwatch.DefaultIndex,
		Unit:    "pattern",
		Usage: "index name for CloudWatch Logs events of an invocation and, when it is not the default, " +
			"for those in objects: {log_group}, {log_stream}, {owner}, {yyyy}, {MM}, {dd}",
	},
	{
		Name:    "keep-going",
		Default: "false",
		Usage:   "go on when nothing is stored while the first 1,000 records are refused or do not match their format",
	},
	{"grace", "30s", "duration", "how long items in hand may go on after the first interrupt"},
}

// Table returns all settings, in the order of the reference.
func Table() []Setting { return slices.Clone(table) }

// Lookup returns the setting with a name. It panics when there is none.
func Lookup(name string) Setting {
	i := slices.IndexFunc(table, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		panic("no setting named " + name)
	}
	return table[i]
}

// annotation marks the flags that come from the table, and groupAnnotation says under which title help texts show them.
const (
	annotation      = "penstock_setting"
	groupAnnotation = "penstock_group"
)

// Flags registers flags from the settings table.
type Flags struct {
	*pflag.FlagSet
	group string // of the flags that are registered
}

// GroupOf is the title under which help texts show a flag; empty for those of the command itself.
func GroupOf(f *pflag.Flag) string { return strings.Join(f.Annotations[groupAnnotation], "") }

func (f Flags) mark(name string) {
	// SetAnnotation fails only for a flag that does not exist.
	err := f.SetAnnotation(name, annotation, []string{name})
	if f.group != "" {
		err = errors.Join(err, f.SetAnnotation(name, groupAnnotation, []string{f.group}))
	}
	if err != nil {
		panic(err)
	}
}

// Text registers a flag with a text.
func (f Flags) Text(p *string, name string) {
	s := Lookup(name)
	f.StringVar(p, name, s.Default, s.Usage)
	f.mark(name)
}

// Boolean registers a flag that is true or false.
func (f Flags) Boolean(p *bool, name string) {
	s := Lookup(name)
	f.BoolVar(p, name, s.Default == "true", s.Usage)
	f.mark(name)
}

// Number registers a flag with a number, at least one.
func (f Flags) Number(p *int, name string) { f.value((*count)(p), name) }

// Duration registers a flag with a time to wait, longer than zero.
func (f Flags) Duration(p *time.Duration, name string) { f.value((*span)(p), name) }

// Size registers a flag with a number of bytes.
func (f Flags) Size(p *int64, name string) { f.value((*ByteSize)(p), name) }

func (f Flags) value(v pflag.Value, name string) {
	s := Lookup(name)
	if err := v.Set(s.Default); err != nil {
		panic(err)
	}
	f.Var(v, name, s.Usage)
	f.mark(name)
}

// Rules registers a flag that may be repeated, with a rule each.
func (f Flags) Rules(p *[]string, name string) {
	f.Var((*ruleTexts)(p), name, Lookup(name).Usage)
	f.mark(name)
}

// Any registers a flag for a command that only shows its value.
func (f Flags) Any(name string) {
	switch Lookup(name).Type() {
	case IsText:
		f.Text(new(string), name)
	case IsBoolean:
		f.Boolean(new(bool), name)
	case IsCount:
		f.Number(new(int), name)
	case IsSize:
		f.Size(new(int64), name)
	case IsDuration:
		f.Duration(new(time.Duration), name)
	case IsRules:
		f.Rules(new([]string), name)
	}
}

// ValueProblem says what is wrong with a flag's value. The errors of this package's types say it well. Those of pflag's
// types are about Go, and are replaced.
func ValueProblem(f *pflag.Flag, value string, cause error) error {
	switch f.Value.(type) {
	case *count, *span, *ByteSize, *ruleTexts:
		return cause
	}
	switch f.Value.Type() {
	case "bool":
		return fmt.Errorf("%q is neither true nor false", value)
	case "int", "int64":
		return fmt.Errorf("%q is not a whole number", value)
	case "duration":
		return fmt.Errorf("%q is not a time such as 500ms, 10s or 1m30s", value)
	case "stringToString":
		return fmt.Errorf("%q is not NAME=VALUE", value)
	}
	return cause
}

// count is a number, at least one: with zero workers or requests nothing would ever happen.
type count int

var _ pflag.Value = (*count)(nil)

func (n *count) String() string { return strconv.Itoa(int(*n)) }

func (n *count) Type() string { return "int" }

func (n *count) Set(text string) error {
	v, err := strconv.Atoi(text)
	if err != nil || v < 1 {
		return fmt.Errorf("%q is not a number from 1 on", text)
	}
	*n = count(v)
	return nil
}

// span is a time to wait, longer than zero.
type span time.Duration

var _ pflag.Value = (*span)(nil)

func (d *span) String() string { return time.Duration(*d).String() }

func (d *span) Type() string { return "duration" }

func (d *span) Set(text string) error {
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return fmt.Errorf("%q is not a time such as 500ms, 10s or 1m30s", text)
	}
	*d = span(v)
	return nil
}

// ruleTexts are rules: one for each use of the flag, one for each line of a variable.
type ruleTexts []string

var _ pflag.Value = (*ruleTexts)(nil)

func (r *ruleTexts) String() string { return strings.Join(*r, "\n") }

func (r *ruleTexts) Type() string { return "rule" }

func (r *ruleTexts) Set(text string) error {
	for one := range strings.Lines(text) {
		if one = strings.TrimSpace(one); one != "" {
			*r = append(*r, one)
		}
	}
	return nil
}

// ByteSize is a number of bytes written as 1048576, 1MiB or 1MB.
type ByteSize int64

var _ pflag.Value = (*ByteSize)(nil)

// String is the size with the largest unit that fits.
func (b *ByteSize) String() string {
	n := int64(*b)
	for i, unit := range []string{"GiB", "MiB", "KiB"} {
		if size := int64(1) << (30 - 10*i); n != 0 && n%size == 0 {
			return strconv.FormatInt(n/size, 10) + unit
		}
	}
	return strconv.FormatInt(n, 10)
}

// Type is the name of the type in help texts.
func (b *ByteSize) Type() string { return "size" }

// Set reads a size.
func (b *ByteSize) Set(text string) error {
	number, scale := text, int64(1)
	for _, u := range []struct {
		suffix string
		scale  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			number, scale = rest, u.scale
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 1 || n > (1<<62)/scale {
		return fmt.Errorf("%q is not a size such as 1048576, 512KiB or 5MiB", text)
	}
	*b = ByteSize(n * scale)
	return nil
}

// kubernetesVariable matches the variables that Kubernetes sets in a pod for a service whose name begins with penstock.
var kubernetesVariable = regexp.MustCompile(
	`_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)?)$`)

// isOfTests reports whether a variable is read by the tests only.
func isOfTests(name string) bool {
	return strings.HasPrefix(name, "PENSTOCK_LIVE_") || strings.HasPrefix(name, "PENSTOCK_TEST_")
}

// Stray has a note for each variable that looks like a setting and is none.
func Stray(environ []string) []string {
	known := []string{
		"PENSTOCK_CONFIG", "PENSTOCK_CONFIG_MAY_NAME", "PENSTOCK_BENCH", "PENSTOCK_CPUPROFILE", "PENSTOCK_REAL",
		"PENSTOCK_PROGRAM",
	}
	for _, s := range table {
		known = append(known, s.Variable())
	}
	var notes []string
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(name, "PENSTOCK_") || value == "" || slices.Contains(known, name) {
			continue
		}
		if isOfTests(name) || kubernetesVariable.MatchString(name) {
			continue
		}
		text := "the variable " + name + " is no setting"
		if near := Nearest(name, known); near != "" {
			text += "; did you mean " + near + "?"
		}
		notes = append(notes, text)
	}
	slices.Sort(notes)
	return notes
}

// Nearest is the name that differs least from a word, by at most two letters. It is empty when there is none.
func Nearest(word string, names []string) string {
	best, least := "", 3*2
	for _, name := range names {
		d := 2 * distance(word, name)
		if word != "" && !strings.HasPrefix(name, word[:1]) {
			d++ // of two that are as near it is the one that begins alike
		}
		if d < least {
			best, least = name, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two words: the letters to insert, delete or change to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// Value is what a configuration file says about a setting.
type Value struct {
	Text string
	// From is its place, as FILE:LINE:COLUMN.
	From         string
	Line, Column int
}

// File is what a configuration file says about settings, by their keys.
type File struct {
	Values map[string]Value
	// Target, when it is not nil, has all that is said about the domain and who signs: for the keys of TargetKeys neither
	// variables nor Values count.
	Target map[string]Value
}

// TargetKeys are the keys that a named target has.
func TargetKeys() []string {
	return []string{
		"domain", "region", "service", "profile", "role_arn", "external_id", "no_sign", "collection", "ca_file", "sign_for",
	}
}

// Find returns what is said about a setting beside flags, and where it is said.
func Find(s Setting, lookup func(string) (string, bool), file File) (Value, bool) {
	if file.Target != nil && slices.Contains(TargetKeys(), s.Key()) {
		v, ok := file.Target[s.Key()]
		return v, ok
	}
	if text, _ := lookup(s.Variable()); text != "" { // an empty variable is an unset one
		return Value{Text: text, From: s.Variable()}, true
	}
	v, ok := file.Values[s.Key()]
	return v, ok
}

// Apply fills the flags of the table that were not given, from variables and the file.
func Apply(flags *pflag.FlagSet, lookup func(string) (string, bool), file File) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || len(f.Annotations[annotation]) == 0 {
			return
		}
		value, ok := Find(Lookup(f.Name), lookup, file)
		if !ok {
			return
		}
		if err := f.Value.Set(value.Text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", value.From, ValueProblem(f, value.Text, err)))
		}
		f.Changed = true
	})
	if err := errors.Join(errs...); err != nil {
		return &advice.UsageError{Err: err, Hint: "docs/configuration.md lists every setting with its unit"}
	}
	return nil
}

// Has reports whether some of the flags are of the table.
func Has(flags *pflag.FlagSet) bool {
	found := false
	flags.VisitAll(func(f *pflag.Flag) { found = found || len(f.Annotations[annotation]) > 0 })
	return found
}

// Level reads the lowest level that is logged. An empty text is info.
func Level(text string) (slog.Level, error) {
	level := slog.LevelInfo
	if text == "" {
		return level, nil
	}
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return level, &advice.UsageError{Err: fmt.Errorf("log level %q: not one of debug, info, warn, error", text)}
	}
	return level, nil
}
