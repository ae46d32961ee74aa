package format_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// notations are beginnings of lines as programs write them, and the instant that each means; none where there is no
// date, or where it has two meanings. All but the zones' are 2024-03-05 06:07:08.
var notations = []struct{ line, want string }{
	{"2024-03-05 06:07:08 x", "2024-03-05T06:07:08Z"},              // generic
	{"2024-03-05T06:07:08.123Z x", "2024-03-05T06:07:08.123Z"},     // generic
	{"2024-03-05 06:07:08,123 INFO x", "2024-03-05T06:07:08.123Z"}, // log4j/python
	{"2024/03/05 06:07:08 [error] 1#1: x", "2024-03-05T06:07:08Z"}, // nginx error/Go log
	{"[2024-03-05 06:07:08.123] x", "2024-03-05T06:07:08.123Z"},    // spring/monolog
	{"[2024-03-05T06:07:08+02:00] x", "2024-03-05T04:07:08Z"},      // monolog/laravel
	{"Mar  5 06:07:08 host app[1]: x", "2024-03-05T06:07:08Z"},     // syslog
	// syslog, one space (rsyslog templates, Cisco)
	{"Mar 5 06:07:08 host app[1]: x", "2024-03-05T06:07:08Z"},
	{"Mar 05 06:07:08 host app[1]: x", "2024-03-05T06:07:08Z"},                                  // syslog, 0-padded
	{"Mar  5 2024 06:07:08 fw : %ASA-6-1: x", "2024-03-05T06:07:08Z"},                           // Cisco ASA with year
	{"<134>Mar  5 06:07:08 host x", "2024-03-05T06:07:08Z"},                                     // syslog PRI
	{"<134>1 2024-03-05T06:07:08.123Z host app 1 - - x", "2024-03-05T06:07:08.123Z"},            // RFC 5424
	{"<134>2024-03-05T06:07:08Z host x", "2024-03-05T06:07:08Z"},                                // syslog PRI + ISO
	{"[Tue Mar 05 06:07:08 2024] [error] x", "2024-03-05T06:07:08Z"},                            // Apache 2.2 error
	{"[Tue Mar 05 06:07:08.123456 2024] [core:error] [pid 1] x", "2024-03-05T06:07:08.123456Z"}, // Apache 2.4 error
	// ctime: openvpn, mongod 2.4, oracle
	{"Tue Mar  5 06:07:08 2024 x", "2024-03-05T06:07:08Z"},
	{"Tue Mar 05 06:07:08 UTC 2024 x", "2024-03-05T06:07:08Z"},                         // date(1)
	{"Tue, 05 Mar 2024 06:07:08 GMT x", "2024-03-05T06:07:08Z"},                        // RFC 1123
	{"05-Mar-2024 06:07:08.123 INFO x", "2024-03-05T06:07:08.123Z"},                    // Tomcat catalina
	{"05/Mar/2024:06:07:08 +0000 x", "2024-03-05T06:07:08Z"},                           // CLF first
	{"Mar 05, 2024 6:07:08 AM org.X foo", "2024-03-05T06:07:08Z"},                      // java.util.logging default
	{"240305 06:07:08 [Note] x", "2024-03-05T06:07:08Z"},                               // MySQL 5.5/MariaDB error
	{"240305  6:07:08 [Note] x", "2024-03-05T06:07:08Z"},                               // MySQL 5.1-5.5 error
	{"240305 060708 1 INFO x", "2024-03-05T06:07:08Z"},                                 // HDFS
	{"24/03/05 06:07:08 INFO x", "2024-03-05T06:07:08Z"},                               // Spark
	{"I0305 06:07:08.123456       1 x.go:1] x", "2024-03-05T06:07:08.123456Z"},         // klog/glog (Kubernetes)
	{"4018:M 05 Mar 2024 06:07:08.123 * x", "2024-03-05T06:07:08.123Z"},                // Redis >= 5
	{"[1] 2024/03/05 06:07:08.123456 [INF] x", "2024-03-05T06:07:08.123456Z"},          // NATS
	{"2024-03-05 06:07:08.123 UTC [1] LOG:  x", "2024-03-05T06:07:08.123Z"},            // Postgres
	{"2024-03-05 06:07:08 UTC:10.0.0.1(1):u@d:[1]:LOG:  x", "2024-03-05T06:07:08Z"},    // RDS Postgres
	{"2024-03-05 06:07:08 CET x", "2024-03-05T05:07:08Z"},                              // named zone CET
	{"2024-03-05 06:07:08 EST x", "2024-03-05T11:07:08Z"},                              // named zone EST
	{"2024-03-05 06:07:08.123456 +0100 x", "2024-03-05T05:07:08.123456Z"},              // offset
	{"2024-03-05T06:07:08.123456789+01:00 x", "2024-03-05T05:07:08.123456789Z"},        // nanos
	{"20240305 06:07:08 x", "2024-03-05T06:07:08Z"},                                    // compact
	{"20240305T060708Z x", "2024-03-05T06:07:08Z"},                                     // basic ISO
	{"2024-03-05-06.07.08.123456+060 x", "none"},                                       // DB2
	{"03/05/2024 06:07:08 AM x", "2024-03-05T06:07:08Z"},                               // US am/pm
	{"03/05/2024 06:07:08 x", "2024-03-05T06:07:08Z"},                                  // US
	{"05.03.2024 06:07:08 x", "2024-03-05T06:07:08Z"},                                  // German
	{"05/03/2024 06:07:08 x", "none"},                                                  // ambiguous
	{"1709618828.123 x", "2024-03-05T06:07:08.123Z"},                                   // epoch float
	{"1709618828123 x", "2024-03-05T06:07:08.123Z"},                                    // epoch ms
	{"@4000000065e6b5d6075bca00 x", "none"},                                            // TAI64N
	{"2024-03-05T06:07:08.123Z\tabc-request\tINFO\tx", "2024-03-05T06:07:08.123Z"},     // Lambda node
	{"[INFO]\t2024-03-05T06:07:08.123Z\tabc\tx", "2024-03-05T06:07:08.123Z"},           // Lambda python
	{"INFO 2024-03-05 06:07:08 x", "2024-03-05T06:07:08Z"},                             // level first
	{"level=info ts=2024-03-05T06:07:08.123Z msg=x", "2024-03-05T06:07:08.123Z"},       // logfmt go-kit
	{"time=\"2024-03-05T06:07:08Z\" level=info msg=\"x\"", "2024-03-05T06:07:08Z"},     // logfmt logrus
	{"ts=1709618828.123 level=info msg=x", "2024-03-05T06:07:08.123Z"},                 // logfmt epoch
	{"type=SYSCALL msg=audit(1709618828.123:406): arch=1", "2024-03-05T06:07:08.123Z"}, // auditd
	{"date=2024-03-05 time=06:07:08 devname=\"x\"", "2024-03-05T06:07:08Z"},            // Fortinet
	{"CEF:0|a|b|1|1|n|1|rt=1709618828123 src=1.1.1.1", "2024-03-05T06:07:08.123Z"},     // CEF rt
	{"2024-03-05T06:07:08.123456789Z stdout F x", "2024-03-05T06:07:08.123456789Z"},    // CRI
	{"INFO:root:2024-03-05 06:07:08 x", "none"},                                        // python basicConfig
	{"2024-03-05 06:07:08.123  INFO 1 --- [main] x", "2024-03-05T06:07:08.123Z"},       // Spring Boot
	{"06:07:08.123 [main] INFO x", "none"},                                             // logback default, no date
	{"2024-03-05T06:07:08Z: x", "2024-03-05T06:07:08Z"},                                // colon after
	{"2024-03-05_06:07:08.12345 x", "2024-03-05T06:07:08.12345Z"},                      // svlogd/runit
	{"2024-03-05 06:07:08.123|INFO|x", "2024-03-05T06:07:08.123Z"},                     // NLog
	{"2024-03-05,06:07:08,x", "2024-03-05T06:07:08Z"},                                  // csv split
	{"2024-03-05\t06:07:08\tx", "2024-03-05T06:07:08Z"},                                // CloudFront
	{"2024-03-05T06:07:08.123Z|x", "2024-03-05T06:07:08.123Z"},                         // pipe
	{"(2024-03-05 06:07:08) x", "2024-03-05T06:07:08Z"},                                // paren
	{"\"2024-03-05 06:07:08\",\"x\"", "2024-03-05T06:07:08Z"},                          // quoted csv
	{"2024-Mar-05 06:07:08 x", "2024-03-05T06:07:08Z"},                                 // oracle/boost
	{"2024-03-05T06:07:08 [x]", "2024-03-05T06:07:08Z"},                                // no zone T
	{"\x1b[32m2024-03-05 06:07:08\x1b[0m INFO x", "2024-03-05T06:07:08Z"},              // ANSI colour
	{"ip-10-0-0-1 2024-03-05 06:07:08 x", "2024-03-05T06:07:08Z"},                      // host first
	{"[main] 2024-03-05 06:07:08 x", "2024-03-05T06:07:08Z"},                           // thread first
}

// Three lines of a notation are three events, each at the instant that it means.
func TestEveryNotationOfTimesIsRead(t *testing.T) {
	t.Parallel()
	soon := time.Date(2024, 3, 5, 9, 0, 0, 0, time.UTC)
	for _, n := range notations {
		text := strings.Repeat(n.line+"\n", 3)
		r := read(t, detector(t, format.Config{}), penstock.Identity{Modified: soon}, []byte(text), strings.NewReader(text))
		if len(r.Records) != 3 {
			t.Errorf("%s: %d events of %s", n.line, len(r.Records), r.Format)
		}
		for _, rec := range r.Records {
			if got := show(rec.Time); got != n.want {
				t.Errorf("%s: %s, want %s", n.line, got, n.want)
				break
			}
		}
	}
}

// A time is where the first lines have theirs, and one that cannot be is none.
func TestATimeElsewhereInALineIsNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"one\nrenewed on 2026-11-20 10:00:00\ntwo\n": {"none", "none", "none"},
		"2026-11-24 10:00:00 a\nnext run at 2026-11-25 10:00:00\n2026-11-24 10:00:01 b\n": {
			"2026-11-24T10:00:00Z", "none", "2026-11-24T10:00:01Z",
		},
		"a 2026-11-24 10:00:00 x\nb 2026-11-24 10:00:01 x\nuntil 2026-11-24 x\n": {
			"2026-11-24T10:00:00Z", "2026-11-24T10:00:01Z", "none",
		},
		"1989-12-31 23:59:59 a\n1990-01-01 00:00:00 a\n2026-11-26 00:00:00 b\n2026-11-26 00:00:01 c\n": {
			"none", "1990-01-01T00:00:00Z", "2026-11-26T00:00:00Z", "none",
		},
		"13/11/2026 10:00:00 a\n05/11/2026 10:00:00 b\n":      {"2026-11-13T10:00:00Z", "2026-11-05T10:00:00Z"},
		"11/13/2026 10:00:00 a\n11/05/2026 10:00:00 b\n":      {"2026-11-13T10:00:00Z", "2026-11-05T10:00:00Z"},
		"11/05/2026 10:00:00 a\n":                             {"2026-11-05T10:00:00Z"},
		"11/10/2026 10:00:00 a\n10/11/2026 10:00:00 b\n":      {"2026-11-10T10:00:00Z", "none"},
		"11/05/2025 10:00:00 a\n":                             {"none"},
		"03/05/2024 13:07:08 PM a\n03/05/2024 1:07:08 PM b\n": {"none", "2024-03-05T13:07:08Z"},
	} {
		r := read(t, detector(t, format.Config{}), penstock.Identity{Modified: stored}, []byte(text), strings.NewReader(text))
		var have []string
		for _, rec := range r.Records {
			have = append(have, show(rec.Time))
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

// Lines that go on belong to the event before them, up to the bounds.
func TestWhatGoesOnIsBounded(t *testing.T) {
	t.Parallel()
	const first = "2026-11-24 10:00:00 ERROR it broke\n"
	for _, tt := range []struct {
		name, line     string
		lines, records int
	}{
		{"as many lines as an event has", "\tat a.b.C(C.java:1)\n", 499, 2},
		{"a line more", "\tat a.b.C(C.java:1)\n", 500, 502},
		{"as many bytes as an event has", " " + strings.Repeat("x", 65_000) + "\n", 4, 2},
		{"more bytes", " " + strings.Repeat("x", 65_000) + "\n", 5, 7},
		{"lines of their own", "an access\n", 3, 5},
	} {
		text := first + strings.Repeat(tt.line, tt.lines) + first
		if r := readText(t, text); len(r.Records) != tt.records {
			t.Errorf("%s: %d events, want %d", tt.name, len(r.Records), tt.records)
		}
	}
}

// A zone that is set is that of times which have none, in all formats or in one; a zone in the record is stronger.
func TestTimesWithoutAZoneAreInTheOneThatIsSet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ setting, text, want string }{
		{"", "2026-07-24 10:00:00 x\n", "2026-07-24T10:00:00Z"},
		{"UTC", "2026-07-24 10:00:00 x\n", "2026-07-24T10:00:00Z"},
		{"Europe/Berlin", "2026-07-24 10:00:00 x\n", "2026-07-24T08:00:00Z"},
		{"Europe/Berlin", "2026-11-24 10:00:00 x\n", "2026-11-24T09:00:00Z"},
		{"Europe/Berlin", "2026-11-24 10:00:00 UTC x\n", "2026-11-24T10:00:00Z"},
		{"Europe/Berlin", "2026-11-24T10:00:00Z x\n", "2026-11-24T10:00:00Z"},
		{"Europe/Berlin", "2026-11-24 10:00:00 +0500 x\n", "2026-11-24T05:00:00Z"},
		{"Europe/Berlin", "2026-11-24 10:00:00 CST x\n", "2026-11-24T10:00:00 unknown"},
		{"Europe/Berlin", `{"time":"2026-11-24 10:00:00","x":1}` + "\n", "2026-11-24T09:00:00Z"},
		{"Europe/Berlin", "1795514400 x\n", "2026-11-24T10:00:00Z"},
		{"+02:00", "2026-11-24 10:00:00 x\n", "2026-11-24T08:00:00Z"},
		{"-0330", "2026-11-24 10:00:00 x\n", "2026-11-24T13:30:00Z"},
		{"ndjson=Europe/Berlin", "2026-11-24 10:00:00 x\n", "2026-11-24T10:00:00Z"},
		{"+02:00, text=Europe/Berlin", "2026-11-24 10:00:00 x\n", "2026-11-24T09:00:00Z"},
		{"text=UTC,Europe/Berlin", "2026-11-24 10:00:00 x\n", "2026-11-24T10:00:00Z"},
	} {
		r := read(t, detector(t, format.Config{TimeZone: tt.setting}), penstock.Identity{Modified: stored}, []byte(tt.text),
			strings.NewReader(tt.text))
		if len(r.Records) != 1 || show(r.Records[0].Time) != tt.want {
			t.Errorf("%s: %s: %+v, want %s", tt.setting, tt.text, r.Records, tt.want)
		}
	}
	for _, setting := range []string{"Europe/Nowhere", "CET=", "text=", "texts=UTC", "+2", "+25:00", "text=CST"} {
		_, err := format.New(format.Config{TimeZone: setting})
		if _, ok := errors.AsType[*format.TimeZoneError](err); !ok {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

// A byte order mark stands where files were put together.
func TestByteOrderMarksBetweenFilesAreNoText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"{\"time\":\"2026-11-24T10:00:00Z\"}\n\xef\xbb\xbf{\"time\":\"2026-11-24T10:00:00Z\"}\n",
		"2026-11-24 10:00:00 one\n\xef\xbb\xbf2026-11-24 10:00:00 two\n",
	} {
		r := readText(t, text)
		if len(r.Records) != 2 || r.Records[1].Unparsed || show(r.Records[1].Time) != "2026-11-24T10:00:00Z" {
			t.Errorf("%q: %+v", text, r.Records)
		}
		covered(t, []byte(text), r)
	}
}
