package ocsf_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/shape/ocsf"
)

var update = flag.Bool("update", false, "write golden files")

// entry returns the shaper of an entry of a format.
func entry(t testing.TB, format string, original bool) penstock.EntryShaper {
	t.Helper()
	inner, err := shape.New(shape.Config{Index: "x"})
	if err != nil {
		t.Fatal(err)
	}
	e, err := ocsf.NewShaper(inner, original).Entry(&penstock.Object{},
		penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}, "", format)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// record returns a record of JSON with the first time that is in it.
func record(text []byte) *penstock.Record {
	r := &penstock.Record{JSON: text, Raw: text, Time: time.Unix(1795514400, 0).UTC()}
	for _, name := range []string{"eventTime", "query_timestamp", "requestReceivedTimestamp", "UpdatedAt"} {
		if _, rest, ok := bytes.Cut(text, []byte(`"`+name+`":"`)); ok {
			if at, err := time.Parse(time.RFC3339Nano, string(rest[:bytes.IndexByte(rest, '"')])); err == nil {
				r.Time = at.UTC()
			}
		}
	}
	for _, name := range []string{"start", "timestamp"} {
		var n struct{ Start, Timestamp int64 }
		_ = json.Unmarshal(text, &n)
		if at := max(n.Start, n.Timestamp); bytes.Contains(text, []byte(`"`+name+`":1`)) && at > 1e12 {
			r.Time = time.UnixMilli(at).UTC()
		} else if at > 0 {
			r.Time = time.Unix(at, 0).UTC()
		}
	}
	return r
}

// records returns the traps of a format, and the golden records of its samples.
func records(t testing.TB, format string) (traps, samples [][]byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", format+".ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	traps = bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	golden, err := filepath.Glob("../../format/testdata/" + format + "/*.golden")
	if err != nil || len(golden) == 0 {
		t.Fatal(format, golden, err)
	}
	for _, name := range golden {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			if line[0] == '{' {
				samples = append(samples, bytes.TrimSpace(line))
			}
		}
	}
	return traps, samples
}

// The records of testdata give the events beside them, which TestEventsFitTheSchema in test/ has judged by the schema.
func TestEventsOfTraps(t *testing.T) {
	t.Parallel()
	for _, format := range ocsf.Formats() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			traps, _ := records(t, format)
			e := entry(t, format, false)
			var got bytes.Buffer
			for _, text := range traps {
				doc, err := e.Shape(record(text))
				if err != nil {
					t.Fatal(err)
				}
				got.Write(append(doc.Body(), '\n'))
			}
			name := filepath.Join("testdata", format+".golden")
			if *update {
				if err := os.WriteFile(name, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every value of a record is in its event, at an attribute or below unmapped: as it is, or as what it stands for.
func TestNoValueIsLost(t *testing.T) {
	t.Parallel()
	for _, format := range ocsf.Formats() {
		traps, samples := records(t, format)
		for _, text := range slices.Concat(traps, samples) {
			doc, err := entry(t, format, false).Shape(record(text))
			if err != nil {
				t.Fatal(err)
			}
			var event, own any
			if err := json.Unmarshal(doc.Body(), &event); err != nil {
				t.Fatalf("%s: %v: %s", text, err, doc.Body())
			}
			if err := json.Unmarshal(text, &own); err != nil {
				t.Fatal(err)
			}
			there := leaves(event, nil)
			for _, value := range leaves(own, nil) {
				if !slices.Contains(there, value) && !slices.Contains(there, meaning[value]) && !isTime(there, value) {
					t.Errorf("%s: %q is not in the event of %s: %s", format, value, text, doc.Body())
				}
			}
		}
	}
}

// meaning are values that the schema has another text for.
var meaning = map[string]string{
	"ACCEPT": "Allowed", "REJECT": "Denied", "ingress": "Inbound", "egress": "Outbound", "BLOCK": "Blocked",
	"ALLOW": "Allowed", "ALERT": "Alert", "CAPTCHA": "Captcha", "CHALLENGE": "Challenge",
	"NOERROR": "NoError", "NXDOMAIN": "NXDomain", "SERVFAIL": "ServError", "MEDIUM": "Medium", "LOW": "Low",
	"CRITICAL": "Critical",
	"NEW":      "New", "NOTIFIED": "In Progress", "YES": "true", "pods": "pods/exec", "exec": "pods/exec",
	"1": "Same VPC", "7": "Gateway VPC", "8": "Internet Gateway",
}

// isTime reports whether a value is a time that is there in another notation.
func isTime(there []string, value string) bool {
	at, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		var n json.Number
		if json.Unmarshal([]byte(value), &n) != nil {
			return false
		}
		seconds, err := n.Int64()
		if err != nil {
			return false
		}
		at = time.Unix(seconds, 0)
		if seconds > 1e12 {
			at = time.UnixMilli(seconds)
		}
	}
	return slices.ContainsFunc(there, func(text string) bool {
		other, err := time.Parse(time.RFC3339Nano, text)
		return err == nil && other.Equal(at)
	})
}

// leaves appends the texts of all values that are no objects and arrays; those in JSON that is text, too.
func leaves(v any, all []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for _, one := range v {
			all = leaves(one, all)
		}
	case []any:
		for _, one := range v {
			all = leaves(one, all)
		}
	case string:
		var inner any
		if json.Unmarshal([]byte(v), &inner) == nil {
			all = leaves(inner, all)
		}
		all = append(all, v)
	case nil:
	default:
		text, _ := json.Marshal(v)
		all = append(all, string(text))
	}
	return all
}

// An event is made without an allocation.
func TestEventsAllocateNothing(t *testing.T) {
	for _, format := range ocsf.Formats() {
		traps, samples := records(t, format)
		for _, text := range slices.Concat(traps, samples) {
			e, r := entry(t, format, true), record(text)
			shaped := func() {
				if _, err := e.Shape(r); err != nil {
					t.Fatal(err)
				}
			}
			shaped()
			if n := testing.AllocsPerRun(20, shaped); n > 0 {
				t.Errorf("%s: %v allocations for %s", format, n, text)
			}
		}
	}
}

func TestFormatsWithoutAMappingAreRefused(t *testing.T) {
	t.Parallel()
	inner, err := shape.New(shape.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ocsf.NewShaper(inner, false).Entry(&penstock.Object{}, penstock.Identity{}, "", "nginx")
	const want = "format nginx has no mapping to OCSF, only these have: " +
		"cloudtrail, vpcflow, route53resolver, waf, eks-audit, securityhub"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if oe, ok := err.(*penstock.ObjectError); !ok || oe.Reason != penstock.ReasonUnshaped { //nolint:errorlint // its type
		t.Errorf("%#v is no object error", err)
	}
}

// A line that does not fit its format, and a record without a time, are events too.
func TestRecordsThatAreNoEvents(t *testing.T) {
	t.Parallel()
	e := entry(t, "vpcflow", true)
	r := &penstock.Record{
		JSON: []byte(`{"message":"eni-1 5","parse_error":"not a flow log record"}`), Raw: []byte(`eni-1 "5`), Unparsed: true,
	}
	doc, err := e.Shape(r)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(doc.Body(), &got); err != nil {
		t.Fatalf("%v: %s", err, doc.Body())
	}
	for name, want := range map[string]any{
		"class_uid": 0.0, "type_uid": 0.0, "message": "eni-1 5", "raw_data": `eni-1 "5`, "time": nil,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if doc, err = e.Shape(&penstock.Record{JSON: []byte(`{}`)}); err != nil || !json.Valid(doc.Body()) {
		t.Errorf("%v: %s", err, doc.Body())
	}
}

// Attributes of templates are those that events have.
func TestFieldsAreThoseOfEvents(t *testing.T) {
	t.Parallel()
	for _, format := range ocsf.Formats() {
		types := map[string]string{}
		for _, f := range ocsf.Fields(format) {
			if other, ok := types[f.Name]; ok {
				t.Errorf("%s: %s is %s and %s", format, f.Name, other, f.Type)
			}
			types[f.Name] = f.Type
		}
		if types["time"] != "date" || types["class_uid"] != "long" || len(types) < 30 {
			t.Errorf("%s: %v", format, types)
		}
	}
	if ocsf.Fields("nginx") != nil {
		t.Error("nginx has fields")
	}
}

// The tables of docs/ocsf.md are those of the code.
func TestThePageHasTheTables(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/ocsf.md", "<!-- made by go test ./shape/ocsf -update -->\n", "<!-- end -->"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(page), begin)
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		t.Fatal("the page has no place for the tables")
	}
	var b strings.Builder
	code := func(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }
	for _, format := range ocsf.Formats() {
		fmt.Fprintf(&b, "\n## %s\n\n| attribute | is made of | of |\n| --- | --- | --- |\n", format)
		var rows []ocsf.Row
		for _, row := range ocsf.Rows(format) { // of several classes together
			i := slices.IndexFunc(rows, func(r ocsf.Row) bool {
				return r.Attribute == row.Attribute && r.From == row.From && r.When == row.When
			})
			if i < 0 {
				rows = append(rows, row)
			} else {
				rows[i].Class += ", " + row.Class
			}
		}
		for _, row := range rows {
			from := "always the same"
			if row.From != "" {
				from = code(row.From)
			}
			if row.When != "" {
				from += " when " + code(row.When)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", row.Attribute, from, cmp.Or(row.Class, "every event"))
		}
	}
	want := before + begin + b.String() + "\n" + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(page) != want {
		t.Errorf("%s: run go test ./shape/ocsf -update", path)
	}
}

// FuzzEvents: whatever the record, its event is valid JSON.
func FuzzEvents(f *testing.F) {
	for i, format := range ocsf.Formats() {
		traps, _ := records(f, format)
		for _, text := range traps {
			f.Add(text, uint8(i))
		}
	}
	var entries []penstock.EntryShaper
	for _, format := range ocsf.Formats() {
		entries = append(entries, entry(f, format, false))
	}
	f.Fuzz(func(t *testing.T, text []byte, which uint8) {
		if !json.Valid(text) || len(text) == 0 || text[0] != '{' || bytes.ContainsAny(text, "\n\r") {
			return
		}
		doc, err := entries[int(which)%len(entries)].Shape(record(text))
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(doc.Body()) {
			t.Fatalf("%s gives %s", text, doc.Body())
		}
	})
}

// FuzzAddresses: src_endpoint.ip is what an index takes as an address.
func FuzzAddresses(f *testing.F) {
	for _, text := range []string{
		"10.0.0.1", "256.1.1.1", "01.2.3.4", "1.2.3", "1.2.3.4.5", "::", "::1", "1::", "1::2::3", ":1", "1:",
		"1:2:3:4:5:6:7:8",
		"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:8:9", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4",
		"fe80::1%eth0", "12345::", ":::", "", "g::1", "::1.2.3", "1.2.3.4::",
	} {
		f.Add(text)
	}
	e := entry(f, "vpcflow", false)
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		if err != nil || strings.ContainsAny(text, "\"\\<>&") {
			return
		}
		doc, err := e.Shape(record([]byte(`{"interface_id":"eni-1","srcaddr":` + string(quoted) + `}`)))
		if err != nil {
			t.Fatal(err)
		}
		addr, err := netip.ParseAddr(text)
		want := err == nil && addr.Zone() == ""
		if got := bytes.Contains(doc.Body(), []byte(`"src_endpoint":{"ip":`)); got != want {
			t.Errorf("%q is an address: %v, want %v", text, got, want)
		}
	})
}

func BenchmarkEvents(b *testing.B) {
	for _, format := range ocsf.Formats() {
		_, samples := records(b, format)
		e, r := entry(b, format, false), record(samples[0])
		b.Run(format, func(b *testing.B) {
			b.SetBytes(int64(len(r.JSON)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Shape(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
