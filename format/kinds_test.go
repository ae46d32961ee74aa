package format_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// What the machinery offers to schemas holds the laws, whether a format of the table uses it or not.
func TestLawsHoldForWhatSchemasAreMadeOf(t *testing.T) {
	for _, tt := range []struct {
		name    string
		grammar func() entry.Grammar
		text    string
		want    []string
	}{
		{
			"several lines, leads and ends", appLog,
			"banner\n" +
				"[2026-11-24 10:00:00,123] [main] WARN gate: one\n\tat \"a\"\n\nlast\n" +
				"[2026-11-24 10:00:01,123] INFO gate: two\n" +
				"[2026-11-24 10:00:02,123] [x y] INFO gate: \nonly more\n" +
				"[2026-11-24 10:00:03,123] INFO gate: -\nand more\n",
			[]string{
				`{"message":"banner","parse_error":"not a log event: unexpected byte 0x62 at position 0"}`,
				`{"time":"2026-11-24 10:00:00,123","thread":"main","level":"WARN","logger":"gate","message":"one\n\tat ` +
					`\"a\"\n\nlast"}`,
				`{"time":"2026-11-24 10:00:01,123","level":"INFO","logger":"gate","message":"two"}`,
				`{"time":"2026-11-24 10:00:02,123","thread":"x y","level":"INFO","logger":"gate","message":"\nonly more"}`,
				`{"time":"2026-11-24 10:00:03,123","level":"INFO","logger":"gate","message":"-\nand more"}`,
			},
		},
		{
			"padded fields between bars",
			func() entry.Grammar {
				return &lines.Schema{
					Record: "a connection", Least: 3, Layout: lines.Layout{Separator: '|', Bare: true, Padded: true},
					Fields: []lines.Field{
						{Name: "event", Is: lines.OneOf("initiating session", "disconnecting session")},
						{Name: "time", Kind: lines.ISOText},
						{Name: "pid", Kind: lines.Integer},
						{Name: "user"},
					},
				}
			},
			"initiating session |2026-11-24 10:00:00| 17 | \"a\" [b]  \ndisconnecting session|2026-11-24 10:00:01|18||x\n",
			[]string{
				`{"event":"initiating session","time":"2026-11-24 10:00:00","pid":17,"user":"\"a\" [b]"}`,
				`{"event":"disconnecting session","time":"2026-11-24 10:00:01","pid":18,"field_5":"x"}`,
			},
		},
		{
			"names, comments and a date above", w3cLog,
			"#Software: a server\n#Date: 2026-11-24 09:59:59\n#Columns: time c-ip cs(User-Agent) sc-status _id aws\n" +
				"10:00:00 203.0.113.9 Mozilla/5.0+(\"x\") 200 a b\n" +
				"10:00:01 203.0.113.9 - 404 - -\n",
			[]string{
				`{"time":"10:00:00","c_ip":"203.0.113.9","cs_user_agent":"Mozilla/5.0+(\"x\")","sc_status":200,"id":"a",` +
					`"x_aws":"b"}`,
				`{"time":"10:00:01","c_ip":"203.0.113.9","sc_status":404}`,
			},
		},
		{
			"values that are not of their kind", hitLog,
			"# edges\n#Names: edge at lag status\n" +
				"EDGE1 1795515072 0.5 200\nEDGE1\t1795515073.5\tlow\t000\nEDGE 2\t1795515074\t-\t\"open [x]\n1795515075 EDGE3 " +
				"0.25\nEDGE4 1795515076\n",
			[]string{
				`{"edge":"EDGE1","at":1795515072,"lag":0.5,"status":200}`,
				`{"edge":"EDGE1","at":1795515073.5,"lag_text":"low","status_text":"000"}`,
				`{"edge":"EDGE 2","at":1795515074,"status_text":"\"open [x]"}`,
				`{"at":1795515075,"edge":"EDGE3","lag":0.25}`,
				`{"message":"EDGE4 1795515076","parse_error":"not a hit: fewer than 4 fields"}`,
			},
		},
		{
			"a time without a year",
			func() entry.Grammar {
				return &lines.Schema{Record: "a message", Least: 3, Fields: []lines.Field{
					{Name: "priority", Kind: lines.Integer, Lead: "<", End: ">", Optional: true},
					{Name: "time", Kind: lines.Syslog, End: " host7 "},
					{Name: "message", Kind: lines.Message, Rest: true},
				}}
			},
			"<34>Nov 24 10:00:00 host7 one\nNov  4 10:00:01 host7 \"two\n",
			[]string{
				`{"priority":34,"time":"Nov 24 10:00:00","message":"one"}`,
				`{"time":"Nov  4 10:00:01","message":"\"two"}`,
			},
		},
		{
			"pairs", pairLog(false),
			"ts=2026-11-24T10:00:00Z level=info msg=\"one \\\"two\\\"\\n\" n=17 done user.id=7 user_id=8 n=18 empty= _id=1 " +
				"aws=2 \u00e9=3 q='a b'\n" +
				"  ts=2026-11-24T10:00:01Z\tlevel=warn client=[2001:db8::1]:80 client_ip=x a=b=c\n" +
				"ts=2026-11-24T10:00:02Z level=\"open\nlevel=info\n",
			[]string{
				`{"ts":"2026-11-24T10:00:00Z","level":"info","msg":"one \"two\"\n","n":17,"done":true,"user_id":"7",` +
					`"user_id_2":"8","empty":"","id":"1","aws_x":"2","x":"3","q":"a b"}`,
				`{"ts":"2026-11-24T10:00:01Z","level":"warn","client_ip":"2001:db8::1","client_port":80,"client_ip_2":"x",` +
					`"a":"b=c"}`,
				`{"message":"ts=2026-11-24T10:00:02Z level=\"open","parse_error":"not a record of pairs: ` +
					`unexpected byte 0x20 at position 23"}`,
				`{"message":"level=info","parse_error":"not a record of pairs: too few pairs"}`,
			},
		},
		{
			"pairs with loose words", pairLog(true),
			"ts=2026-11-24T10:00:00Z level=info msg=one two  three n=17\nts=2026-11-24T10:00:01Z level=info msg=x\\=y z\n",
			[]string{
				`{"ts":"2026-11-24T10:00:00Z","level":"info","msg":"one two  three","n":17}`,
				`{"ts":"2026-11-24T10:00:01Z","level":"info","msg":"x\\=y z"}`,
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSubject(t, tt.text, tt.grammar(), tt.grammar())
			r := read(t, s.detector(t, false, 0), penstock.Identity{Modified: stored}, []byte(tt.text),
				strings.NewReader(tt.text))
			if diff := cmp.Diff(tt.want, documents(r.Records)); diff != "" {
				t.Error(diff)
			}
			for _, rec := range r.Records {
				if rec.Time.IsZero() != rec.Unparsed {
					t.Errorf("the time of %s is %v", rec.JSON, rec.Time)
				}
			}
			for _, l := range laws() {
				t.Run(l.name, func(t *testing.T) { l.hold(t, s) })
			}
		})
	}
}

func pairLog(loose bool) func() entry.Grammar {
	return func() entry.Grammar {
		return &lines.Pairs{
			Record: "a record of pairs", Needs: []string{"ts", "level"}, Least: 3, Loose: loose,
			Known: []lines.Field{
				{Name: "ts", Kind: lines.ISO}, {Name: "n", Kind: lines.Integer}, {Name: "client", Kind: lines.Address},
			},
		}
	}
}

func appLog() entry.Grammar {
	return &lines.Schema{Record: "a log event", Least: 4, Several: true, Fields: []lines.Field{
		{Name: "time", Kind: lines.ISOText, Lead: "[", End: "] "},
		{Name: "thread", Lead: "[", End: "] ", Optional: true},
		{Name: "level", Is: lines.OneOf("INFO", "WARN")},
		{Name: "logger", End: ": "},
		{Name: "message", Kind: lines.Message, Rest: true},
	}}
}

func w3cLog() entry.Grammar {
	return &lines.Headed{
		Record: "a request", Prefix: "#Columns:", Comment: "#", DayPrefix: "#Date:", Least: 2,
		Layout: lines.Layout{Bare: true},
		Known: []lines.Field{
			{Name: "date", Kind: lines.Day},
			{Name: "time", Kind: lines.Clock},
			{Name: "c-ip", Kind: lines.IP},
			{Name: "sc-status", Kind: lines.Integer},
		},
	}
}

// Lines without a time behind one event for ever are no part of it.
func TestAnEventThatGrowsBeyondItsBoundsIsTakenApart(t *testing.T) {
	t.Parallel()
	event := "[2026-11-24 10:00:00,123] INFO gate: one\n"
	for _, tt := range []struct {
		more string
		n    int
		want int // records of the event and the lines behind it
	}{
		{"goes on\n", entry.MaxEventLines - 1, 1},
		{"goes on\n", entry.MaxEventLines, entry.MaxEventLines + 1},
		{strings.Repeat("x", 2000) + "\n", entry.MaxEventBytes/2001 - 1, 1},
		{strings.Repeat("x", 2000) + "\n", entry.MaxEventBytes/2001 + 1, entry.MaxEventBytes/2001 + 2},
	} {
		s := newSubject(t, event+event, appLog(), appLog())
		text := []byte(event + strings.Repeat(tt.more, tt.n) + event)
		for _, size := range []int{0, 100} {
			r := read(t, s.detector(t, false, 0), penstock.Identity{}, text, &cutReader{data: text, size: size, err: io.EOF})
			covered(t, text, r)
			if got := len(r.Records); got != tt.want+1 {
				t.Errorf("%d times %.10q: %d records, want %d", tt.n, tt.more, got, tt.want+1)
			}
			if last := r.Records[len(r.Records)-1]; last.Unparsed || !bytes.HasSuffix(text, []byte(event)) {
				t.Errorf("%d times %.10q: the next event is %s", tt.n, tt.more, last.JSON)
			}
		}
	}
}

// A header may come again with other names, and records with a date of their own do not need that of the entry.
func TestAHeaderMayComeAgain(t *testing.T) {
	t.Parallel()
	text := "#Date: 2026-11-24 09:59:59\n#Columns: time c-ip\n10:00:00 203.0.113.9\n#Columns: " +
		"time date c-ip\n00:00:01 2026-11-25 2001:db8::1\n" +
		"#Columns: time c-ip\n00:00:02 203.0.113.10\n"
	s := newSubject(t, text, w3cLog(), w3cLog())
	r := read(t, s.detector(t, false, 0), penstock.Identity{}, []byte(text), strings.NewReader(text))
	covered(t, []byte(text), r)
	var got []string
	for _, rec := range r.Records {
		got = append(got, show(rec.Time)+" "+rec.JSON)
	}
	want := []string{
		`2026-11-24T10:00:00Z {"time":"10:00:00","c_ip":"203.0.113.9"}`,
		`2026-11-25T00:00:01Z {"time":"00:00:01","date":"2026-11-25","c_ip":"2001:db8::1"}`,
		`2026-11-24T00:00:02Z {"time":"00:00:02","c_ip":"203.0.113.10"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// No header makes a document that a domain refuses, or two names that are the same.
func TestAHeaderMayNameItsFieldsAnything(t *testing.T) {
	t.Parallel()
	names := "date time c-ip date c-ip _id _source aws aws.s3 penstock penstock_ @timestamp field_3 field_99 a.b a a_b " +
		"\"q\" \\ \xff \u00e9 x_a (( ))"
	text := "#Columns: " + names + "\n2026-11-24 10:00:00" + strings.Repeat(" 1", 60) + "\n"
	s := newSubject(t, text, w3cLog(), w3cLog())
	r := read(t, s.detector(t, false, 0), penstock.Identity{}, []byte(text), strings.NewReader(text))
	if len(r.Records) != 1 || r.Records[0].Unparsed {
		t.Fatal(fmt.Sprint(documents(r.Records)))
	}
	if got := strings.Count(r.Records[0].JSON, ":") - 2; got != 62 {
		t.Errorf("%d fields, want 62: %s", got, r.Records[0].JSON)
	}
}

func hitLog() entry.Grammar {
	return &lines.Headed{
		Record: "a hit", Prefix: "#Names:", Comment: "#", BareHeader: true, Lenient: true, Tabs: true, Least: 2,
		Marks: []string{"edge"},
		Known: []lines.Field{
			{Name: "at", Kind: lines.Seconds},
			{Name: "edge", Is: lines.Begins("EDGE")},
			{Name: "status", Kind: lines.Integer},
			{Name: "lag", Kind: lines.Decimal, Is: lines.Number()},
		},
		Columns: []lines.Columns{{Names: []string{"at", "edge", "lag"}}},
	}
}

// A header says what stands between the fields. It may go without its prefix, and a name in it is never one that a
// misfit has.
func TestHeadersSayWhatStandsBetweenFields(t *testing.T) {
	t.Parallel()
	text := "at|edge|status|statusText|status_text\n1795515072|EDGE1|000|a b|c\nlater|EDGE1|200|\"|\n"
	s := newSubject(t, text, hitLog(), hitLog())
	r := read(t, s.detector(t, false, 0), penstock.Identity{}, []byte(text), strings.NewReader(text))
	want := []string{
		`{"at":1795515072,"edge":"EDGE1","status_text":"000","x_status_text":"a b","x_status_text_5":"c"}`,
		`{"at_text":"later","edge":"EDGE1","status":200,"x_status_text":"\""}`,
	}
	if diff := cmp.Diff(want, documents(r.Records)); diff != "" {
		t.Error(diff)
	}
}
