package format_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/internal/inflate"
)

// expressions do with Go's regexp what formats do with a record, as far as they can: they take its fields apart. They
// write no JSON, read no times, tell no types and look for no escapes. A format without one here has that of JSON, or
// that of words, quotes and brackets.
func expressions() map[string]string {
	const (
		word    = `(\S+)`
		quoted  = `"((?:[^"\\]|\\.)*)"`
		request = `"(\S+) (\S+) ?([^"]*)"`
		pairs   = `([\w.-]+)=("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"']*)`
		java    = `(?s)^(\S+ \S+) +(?:\[([^\]]*)\] +)?(\w+) +(?:\[([^\]]*)\] +)?(\S+) (.*)$`
		message = `(.*)$`
	)
	return map[string]string{
		"alb": `^(\S+) (\S+) (\S+) (\S+):(\d+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\d+) (\d+) ` + request + ` ` + quoted +
			` (\S+) (\S+) (\S+) ` + quoted,
		"clb": `^(\S+) (\S+) (\S+):(\d+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\d+) (\d+) ` + request + ` ` + quoted +
			` (\S+) (\S+)$`,
		"s3access": `^(\S+) (\S+) \[([^\]]+)\] (\S+) (\S+) (\S+) (\S+) (\S+) ` + request + ` (\S+) (\S+) (\S+) (\S+) (\S+) ` +
			`(\S+) ` + quoted + ` ` + quoted + ` (\S+)`,
		"vpcflow": `^` + word + ` (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)$`,
		"nginx":   `^(\S+) (\S+) (\S+) \[([^\]]+)\] ` + request + ` (\d+) (\S+) ` + quoted + ` ` + quoted,
		"apache":  `^(?:(\S+) )?(\S+) (\S+) (\S+) \[([^\]]+)\] ` + request + ` (\d+) (\S+) ` + quoted + ` ` + quoted,
		"nginx-error": `^(\S+ \S+) \[(\w+)\] (\d+)#(\d+): (?:\*(\d+) )?(.*?)(?:, client: ([^,]+))?` +
			`(?:, server: ([^,]*))?(?:, request: "([^"]*)")?(?:, host: "([^"]*)")?(?:, referrer: "([^"]*)")?$`,
		"apache-error": `^\[([^\]]+)\] \[(\w+):(\w+)\] \[pid (\d+)(?::tid (\d+))?\] (?:\[client ([^\]]+)\] )?` + message,
		"haproxy": `^(?:(\w+ +\d+ \S+) (\S+) (\S+?)\[(\d+)\]: )?` +
			`(?:(\S+):(\d+) \[([^\]]+)\] (\S+) ([^/]+)/(\S+) ([-+/\d]+) )?` + message,
		"syslog":      `^(?:<(\d+)>)?(\w+ +\d+ \S+) (\S+) ([^:\[]+)(?:\[(\d+)\])?: ` + message,
		"syslog5424":  `^<(\d+)>\d+ (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[[^\]]*\])+) ?` + message,
		"klog":        `^([IWEF])(\d{4} \S+) +(\d+) ([^:]+):(\d+)\] ` + message,
		"cri":         `^(\S+) (stdout|stderr) ([FP]) ` + message,
		"redis":       `^(\d+):(\w) (\d+ \w+ \d+ \S+) (\S) ` + message,
		"postgresql":  `(?s)^(\S+ \S+ \w+) \[(\d+)\] (?:(\S+)@(\S+) )?(\w+):  (.*)$`,
		"log4j":       java,
		"emr":         java,
		"msk":         `(?s)^\[([^\]]+)\] \[([^\]]+)\] (\w+) (.*)$`,
		"text":        `(?s)^(\S+ \S+) +(\w+) +(.*)$`,
		"mysql-error": `^(\S+) (\d+) \[(\w+)\] \[(\S+)\] \[(\S+)\] ` + message,
		"mysql-slow": `(?s)^# Time: (\S+)\n# User@Host: (\S+) @ (\S+) \[([^\]]*)\]` +
			`.*?# Query_time: (\S+) +Lock_time: (\S+)(.*)$`,
		"mysql-general": `(?s)^(\S+)\s+(\d+) (\w+)\t?(.*)$`,
		"route53public": `^(\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+) (\S+)$`,
		"cef":           `^CEF:(\d+)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|` + message,
		"leef":          `^LEEF:([\d.]+)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|` + message,
		"cloudfront":    `[^\t]+`,
		"zeek":          `[^\t]+`,
		"tsv":           `[^\t]+`,
		"redshift":      `[^|]+`,
		"csv":           `"((?:[^"]|"")*)"|[^,]+`,
		"mysql-audit":   `'((?:[^'\\]|\\.)*)'|[^,]+`,
		"logfmt":        pairs,
		"kv":            pairs,
		"auditd":        pairs,
		"windowsxml":    `<(\w+)[^>]*>([^<]*)`,
	}
}

const (
	ofJSON  = `"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*"|[-+.\w]+|[\[{])`
	ofWords = `"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|[^\s"\[]\S*`
)

// expression returns what takes the records of a format apart, and whether it has to be applied again and again.
func expression(name string, record []byte) (re *regexp.Regexp, again bool) {
	text, ok := expressions()[name]
	switch {
	case !ok && record[0] == '{':
		text = ofJSON
	case !ok:
		text = ofWords
	}
	re = regexp.MustCompile(text)
	return re, !strings.HasPrefix(strings.TrimPrefix(text, "(?s)"), "^")
}

// beside is a format with a corpus of it: the samples of docs.*, over and over.
type beside struct {
	*subject
	text    []byte
	records [][]byte
	packed  []byte // the text with other digits
}

func besides(t testing.TB) (all []beside) {
	t.Helper()
	const records = 1000
	for _, s := range subjects(format.Table(), samples(t)) {
		if name := s.Name(); name == "parquet" || name == "avro" {
			continue // no regexp reads these
		}
		one := beside{subject: s, text: s.corpus(t, records, "")}
		rec := read(t, s.detector(t, false, 0), (&sample{}).identity(), one.text, bytes.NewReader(one.text))
		for _, r := range rec.Records {
			one.records = append(one.records, one.text[r.Offset:r.Offset+r.Length])
		}
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		if _, err := w.Write(otherDigits(one.text)); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		one.packed = packed.Bytes()
		all = append(all, one)
	}
	return all
}

// otherDigits returns a text with digits at random: one that repeats itself packs, and unpacks, like no log does.
func otherDigits(text []byte) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	text = bytes.Clone(text)
	for i, c := range text {
		if c >= '0' && c <= '9' {
			text[i] = '0' + byte(random.IntN(10))
		}
	}
	return text
}

// apart takes all records apart by an expression and returns how many it fits.
func (b *beside) apart(re *regexp.Regexp, again bool) (n int) {
	for _, r := range b.records {
		if again {
			if len(re.FindAllSubmatchIndex(r, -1)) > 1 {
				n++
			}
		} else if re.FindSubmatchIndex(r) != nil {
			n++
		}
	}
	return n
}

// What the benchmark compares with does its work: the expressions fit the records.
func TestExpressionsFitTheRecords(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("expressions of a kilobyte take a minute with the race detector, and nothing of theirs is concurrent")
	}
	for _, b := range besides(t) {
		re, again := expression(b.Name(), b.records[0])
		if n := b.apart(re, again); 10*n < 6*len(b.records) {
			t.Errorf("%s: %d of %d records are fit by %s: %.300s", b.Name(), n, len(b.records), re, b.records[0])
		}
	}
}

// BenchmarkBesideRegexp reads 1,000 records of each format. It says the best rate of that, of Go's regexp that takes
// the same records apart, and of decompression alone, all in MB/s of plain text. make bench-formats runs it.
func BenchmarkBesideRegexp(b *testing.B) {
	for _, s := range besides(b) {
		b.Run(s.Name(), func(b *testing.B) {
			d := s.detector(b, false, 0)
			re, again := expression(s.Name(), s.records[0])
			drain(b, d, s.text, s.Name())
			b.SetBytes(int64(len(s.text)))
			b.ReportAllocs()
			for b.Loop() {
				drain(b, d, s.text, s.Name())
			}
			b.ReportMetric(rate(s.text, func() { drain(b, d, s.text, s.Name()) }), "read-MB/s")
			b.ReportMetric(rate(s.text, func() { s.apart(re, again) }), "regexp-MB/s")
			b.ReportMetric(rate(s.text, func() {
				if n, err := io.Copy(io.Discard, inflate.NewReader(bytes.NewReader(s.packed))); err != nil || n == 0 {
					b.Fatal(n, err)
				}
			}), "gunzip-MB/s")
		})
	}
}

// rate returns the MB a second that something does with a text, the best of some rounds.
func rate(text []byte, do func()) float64 {
	best := time.Hour
	for begin := time.Now(); time.Since(begin) < 100*time.Millisecond || best == time.Hour; {
		start := time.Now()
		do()
		best = min(best, time.Since(start))
	}
	return float64(len(text)) / 1e6 / best.Seconds()
}
