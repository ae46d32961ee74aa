package format_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// addSamples makes every sample, and every line of them, a seed.
func addSamples(f *testing.F) {
	f.Helper()
	for _, s := range samples(f) {
		f.Add(s.text)
		for line := range bytes.Lines(s.text) {
			f.Add(line)
		}
	}
}

// fuzzRead reads data as a format, and holds that all of it is in records and frames.
func fuzzRead(t *testing.T, name string, data []byte) []got {
	t.Helper()
	d := detector(t, format.Config{Force: name})
	r := read(t, d, penstock.Identity{Modified: stored}, data, bytes.NewReader(data))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	covered(t, data, r)
	return r.Records
}

// FuzzFormats reads anything as each format: all of it is in records and frames, and the sizes of reads change nothing.
// The seeds are the samples and their lines.
func FuzzFormats(f *testing.F) {
	all := samples(f)
	for _, s := range all {
		f.Add(s.format, s.text)
		for line := range bytes.Lines(s.text) {
			f.Add(s.format, line)
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		for _, one := range format.Formats() {
			if one.Name == name {
				checkDamaged(t, detector(t, format.Config{Force: name}), data)
			}
		}
	})
}

// FuzzJSON holds that whatever is read becomes objects that a domain accepts, and that a valid value becomes records
// with the same scalars, by the standard library's reading of it.
func FuzzJSON(f *testing.F) {
	addSamples(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzRead(t, "json", data)
		fuzzRead(t, "cloudtrail", data)
		records := fuzzRead(t, "ndjson", data)
		text := bytes.Trim(data, " \t\r\n")
		if len(text) == 0 || text[0] != '{' && text[0] != '[' || !json.Valid(text) {
			return
		}
		want, err := leaves(text)
		if err != nil {
			t.Skip("the oracle does not read it")
		}
		var have []string
		for _, r := range records {
			if r.Unparsed || r.Err != "" {
				t.Fatalf("valid, but unparsed: %s", r.JSON)
			}
			all, err := leaves([]byte(r.JSON))
			if err != nil {
				t.Fatal(err)
			}
			have = append(have, all...)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	})
}

// FuzzALB compares the fields of records with what a reader of comma-separated values makes of their lines.
func FuzzALB(f *testing.F) {
	addSamples(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, r := range fuzzRead(t, "alb", data) {
			line := string(data[r.Offset : r.Offset+r.Length])
			if r.Unparsed || r.Err != "" || strings.ContainsAny(line, "\\\r\x00") || !utf8.ValidString(line) {
				continue
			}
			csvReader := csv.NewReader(strings.NewReader(line))
			csvReader.Comma = ' '
			fields, err := csvReader.Read()
			if err != nil {
				continue // quotes within quotes
			}
			if _, err := csvReader.Read(); err == nil || strings.Contains(line, `""`) {
				continue
			}
			checkALB(t, fields, r)
		}
	})
}

// albNames are the fields in their order, once more and from the documentation.
var albNames = strings.Fields(`type time elb client target request_processing_time target_processing_time
	response_processing_time elb_status_code target_status_code received_bytes sent_bytes request user_agent ssl_cipher
	ssl_protocol target_group_arn trace_id
	domain_name chosen_cert_arn matched_rule_priority request_creation_time actions_executed redirect_url error_reason
	target_port_list target_status_code_list classification classification_reason conn_trace_id transformed_host
	transformed_uri request_transform_status`)

func checkALB(t *testing.T, fields []string, r got) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.JSON))
	dec.UseNumber()
	var doc map[string]any
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if doc["target_group_id"] != nil {
		return // a health check, which has other fields
	}
	for i, want := range fields {
		name := fmt.Sprintf("field_%d", i+1)
		if i < len(albNames) {
			name = albNames[i]
		}
		have := ""
		switch v := doc[name].(type) {
		case nil:
			if name == "client" || name == "target" {
				have, want = text(doc[name+"_ip"])+" "+text(doc[name+"_port"]), strings.Join(halves(want), " ")
			}
		case []any:
			var all []string
			for one := range strings.SplitSeq(want, " ") {
				if one != "" && one != "-" {
					all = append(all, one)
				}
			}
			have, want = fmt.Sprint(v), fmt.Sprint(all)
		default:
			have = fmt.Sprint(v)
		}
		if nothing := want == "-" || want == "" || want == "-1"; have != want && (!nothing || have != "") {
			t.Errorf("%s is %q, want %q: %s", name, have, want, r.JSON)
		}
	}
}

// halves takes an address apart. Brackets and dashes stand for nothing.
func halves(address string) []string {
	ip, port := address, ""
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		ip, port = address[:i], address[i+1:]
	}
	if strings.HasPrefix(ip, "[") && strings.HasSuffix(ip, "]") {
		ip = ip[1 : len(ip)-1]
	}
	if ip == "-" {
		ip = ""
	}
	if port == "-" {
		port = ""
	}
	return []string{ip, port}
}

// text writes a value, nothing for none.
func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

var (
	// escapes are sequences for terminals, holes what a crash leaves in a file.
	escapes = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)
	holes   = regexp.MustCompile(`\x00+`)
)

// FuzzText holds that the messages are the text, but for blank lines, colours and runs of NULs.
func FuzzText(f *testing.F) {
	addSamples(f)
	f.Add([]byte("a\r\r\n\r\n b\n\x85c\n"))
	f.Add([]byte("a\x00\x00b\n\x00\x00c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, r := range fuzzRead(t, "text", data) {
			var doc struct{ Message, Level string }
			if err := json.Unmarshal([]byte(r.JSON), &doc); err != nil {
				t.Fatal(err)
			}
			raw := strings.ReplaceAll(escapes.ReplaceAllString(string(data[r.Offset:r.Offset+r.Length]), ""), "\r\n", "\n")
			raw = holes.ReplaceAllString(raw, "\x00")
			var want strings.Builder
			for _, c := range raw { // turns each invalid byte into U+FFFD
				want.WriteRune(c)
			}
			if repaired(want.String()) != doc.Message {
				t.Errorf("%q became %q", raw, doc.Message)
			}
			if doc.Level != "" && !strings.Contains(strings.ToUpper(doc.Message), doc.Level) {
				t.Errorf("%q has the level %q", doc.Message, doc.Level)
			}
		}
	})
}

// FuzzRecognise holds that any entry is read as something, all of it, or is no text, and the same whatever the sizes of
// the reads.
func FuzzRecognise(f *testing.F) {
	addSamples(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		d := detector(t, format.Config{})
		want := read(t, d, penstock.Identity{}, data, bytes.NewReader(data))
		for _, size := range []int{1, 3} {
			have := read(t, d, penstock.Identity{}, data, &cutReader{data: data, size: size, err: io.EOF})
			diff := cmp.Diff(want, have, cmp.Comparer(func(a, b *penstock.ObjectError) bool { return a.Error() == b.Error() }))
			if diff != "" {
				t.Fatalf("%d bytes at a time: %s", size, diff)
			}
		}
		if want.Skip == "" && want.Err == nil {
			covered(t, data, want)
		}
	})
}

// FuzzTime holds that a time which the standard library reads is read as the same instant.
func FuzzTime(f *testing.F) {
	for _, s := range []string{
		"2026-11-24T10:00:00Z", "2024-02-29T23:59:59.999999999+18:00", "1970-01-01T00:00:00-00:30", "9999-12-31T00:00:00Z",
		"0001-01-01T00:00:00.1Z", "2026-02-29T00:00:00Z",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want time.Time
		err := want.UnmarshalText([]byte(s))
		if err != nil || want.Year() < 1 || s[13] != ':' || strings.ContainsAny(s, "\"\\\n,") {
			return
		}
		if _, offset := want.Zone(); offset > 18*3600 || offset < -18*3600 || strings.HasSuffix(s, ":60") {
			return // no place on earth, and no minute
		}
		if want.Year() < 1990 || want.After(time.Now().Add(24*time.Hour)) {
			want = time.Time{} // no time of a record
		}
		text := `{"time":"` + s + `"}`
		r := fuzzRead(t, "ndjson", []byte(text))
		if len(r) != 1 || !r[0].Time.Equal(want) {
			t.Errorf("%s is %v, want %v", s, r[0].Time, want)
		}
	})
}
