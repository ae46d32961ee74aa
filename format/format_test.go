package format_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// got is a record that may be kept.
type got struct {
	Offset, Length int64
	JSON           string
	Time           time.Time
	Top            penstock.TopNames
	Unparsed       bool
	Repaired       bool
	Err            string // of a RecordError
}

// reading is what came out of an entry.
type reading struct {
	Format, Skip string
	Records      []got
	Frames       []frame
	Err          error // what ended it early
}

// frame is a run of bytes that frame records.
type frame struct{ From, To int64 }

func detector(t testing.TB, cfg format.Config) *format.Detector {
	t.Helper()
	d, err := format.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// read reads an entry and holds every record against the promises of penstock.Record. plain are the bytes that r gives.
func read(t testing.TB, d *format.Detector, id penstock.Identity, plain []byte, r io.Reader) reading {
	t.Helper()
	var out reading
	d.SetFramed(func(offset, length int64) {
		if n := len(out.Frames); n > 0 && out.Frames[n-1].To == offset {
			out.Frames[n-1].To += length
			return
		}
		out.Frames = append(out.Frames, frame{offset, offset + length})
	})
	rec, err := d.Recognize(&penstock.Object{Name: id.Key}, id, penstock.Entry{Reader: r})
	if err != nil {
		return reading{Err: err}
	}
	out.Format, out.Skip = rec.Format, rec.Skip
	if rec.Skip != "" {
		return out
	}
	next := int64(-1)
	for rec, err := range rec.Records {
		if out.Err != nil {
			t.Fatalf("a record after the last error: %+v", rec)
		}
		if err != nil {
			re, ok := errors.AsType[*penstock.RecordError](err)
			if !ok {
				out.Err = err
				continue
			}
			out.Records = append(out.Records, got{Offset: re.Offset, Length: re.Length, Err: re.Reason})
			if re.Offset <= next {
				t.Fatalf("offset %d after %d", re.Offset, next)
			}
			next = re.Offset
			continue
		}
		if want := int64(len(out.Records)); rec.Seq != want {
			t.Fatalf("Seq is %d, want %d", rec.Seq, want)
		}
		if rec.Offset <= next {
			t.Fatalf("offset %d after %d", rec.Offset, next)
		}
		next = rec.Offset
		if !bytes.Equal(plain[rec.Offset:rec.Offset+int64(len(rec.Raw))], rec.Raw) {
			t.Fatalf("Raw is not what is at offset %d: %q", rec.Offset, rec.Raw)
		}
		if err := acceptable(rec.JSON); err != nil {
			t.Fatalf("%v, made of %q:\n%q", err, rec.Raw, rec.JSON)
		}
		if err := topNames(rec); err != nil {
			t.Fatalf("%v: %s", err, rec.JSON)
		}
		out.Records = append(out.Records, got{
			Offset: rec.Offset, Length: int64(len(rec.Raw)), JSON: string(rec.JSON), Time: rec.Time, Top: rec.Top,
			Unparsed: rec.Unparsed, Repaired: rec.Repaired,
		})
	}
	return out
}

// readText reads a text that is recognised by its content alone.
func readText(t testing.TB, text string) reading {
	t.Helper()
	return read(t, detector(t, format.Config{}), penstock.Identity{}, []byte(text), strings.NewReader(text))
}

// readAs reads a text in a given format.
func readAs(t testing.TB, name, text string) []got {
	t.Helper()
	r := read(t, detector(t, format.Config{Force: name}), penstock.Identity{}, []byte(text), strings.NewReader(text))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r.Records
}

// documents returns the JSON of all records.
func documents(records []got) []string {
	var all []string
	for _, r := range records {
		all = append(all, r.JSON+r.Err)
	}
	return all
}

// topNames compares what a record says about its names with its names.
func topNames(rec penstock.Record) error {
	var names map[string]json.RawMessage
	if err := json.Unmarshal(rec.JSON, &names); err != nil {
		return err
	}
	var want penstock.TopNames
	if _, ok := names["@timestamp"]; ok {
		want |= penstock.TopTimestamp
	}
	if _, ok := names["penstock"]; ok {
		want |= penstock.TopPenstock
	}
	if aws, ok := names["aws"]; ok {
		want |= penstock.TopAWSObject
		if aws[0] != '{' {
			return errors.New(`"aws" is not an object`)
		}
	}
	if rec.Top != want {
		return fmt.Errorf("Top is %b, want %b", rec.Top, want)
	}
	return nil
}

func TestAnUnknownFormatIsRefusedWithTheKnownOnes(t *testing.T) {
	t.Parallel()
	_, err := format.New(format.Config{Force: "albb"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, f := range format.Formats() {
		if !strings.Contains(err.Error(), f.Name) {
			t.Errorf("%q does not name %s", err, f.Name)
		}
	}
}

func TestEveryFormatSaysWhatItIs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, f := range format.Formats() {
		if seen[f.Name] || f.Name == "" || f.About == "" || f.Signature == "" {
			t.Errorf("%+v", f)
		}
		seen[f.Name] = true
	}
}

func TestWhatHoldsNoRecordsIsSkippedWithAReason(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ key, entry, content, want string }{
		{"logs/", "", "", "folder marker"},
		{"logs/2026_$folder$", "", "", "folder marker"},
		{"spark/_SUCCESS", "", "", "job marker"},
		{"spark/part-0.crc", "", "\x00\x01", "job marker"},
		{"spark/_temporary/0/part-0", "", "one line\n", "job marker"},
		{
			key:     "AWSLogs/123456789012/ELBAccessLogTestFile",
			content: "Enable AccessLog for ELB: web at 2026-11-24T10:00:00.000Z\n",
			want:    "write test of a service",
		},
		{"AWSLogs/123456789012/Config/ConfigWritabilityCheckFile", "", "", "write test of a service"},
		{
			"inv/logs/all/2026-11-24T01-00Z/manifest.json", "",
			`{"sourceBucket":"logs","destinationBucket":"arn:aws:s3:::inv","version":"2016-11-30","fileFormat":"CSV",` +
				`"fileSchema":"Bucket, Key"}`,
			"S3 Inventory, a list of objects",
		},
		{
			key:     "inv/logs/all/2026-11-24T01-00Z/manifest.checksum",
			content: "d41d8cd98f00b204e9800998ecf8427e\n",
			want:    "S3 Inventory, a list of objects",
		},
		{
			key:     "inv/logs/all/hive/dt=2026-11-24-01-00/symlink.txt",
			content: "s3://inv/logs/all/data/x.csv.gz\n",
			want:    "S3 Inventory, a list of objects",
		},
		{
			"inv/logs/all/data/0ff1ce00-0000-4000-8000-00000000c0de.csv.gz", "",
			"\"logs\",\"a/b+c.gz\",\"17\"\n\"logs\",\"a/d.gz\",\"9\"\n",
			"S3 Inventory, a list of objects",
		},
		{"app/manifest.json", "", `{"name":"app"}`, ""},
		{"app/manifest.checksum", "", "not a sum\n", ""},
		{"app/symlink.txt", "", "s3://inv/x\n", ""},
		{"app/data/0ff1ce00-0000-4000-8000-00000000c0de.csv.gz", "", "\"anna\",\"7\"\n\"bert\",\"9\"\n", ""},
		{"exportedlogs/aws-logs-write-test", "", "Permission Check Successful", "write test of a service"},
		{
			key:     "AWSLogs/123456789012/CloudTrail-Digest/eu-west-1/2026/11/24/x.json.gz",
			content: `{"digestStartTime":"2026-11-24T10:00:00Z"}`,
			want:    "CloudTrail digest",
		},
		{
			key: "moved/x.json",
			content: `{"awsAccountId":"123456789012","digestStartTime":"2026-11-24T10:00:00Z",` +
				`"digestS3Bucket":"trail","digestSignatureAlgorithm":"SHA256withRSA","logFiles":[]}`,
			want: "CloudTrail digest",
		},
		{"moved/x.json", "", `{"awsAccountId":"123456789012","digestStartTime":"2026-11-24T10:00:00Z"}`, ""},
		{"a.log", "", "", "empty"},
		{"a.zip", "logs/", "", "folder marker"},
		{"a.log", "", "one line\n", ""},
		{"folder/", "", "one line\n", ""},
		{"dir_SUCCESS/a.log", "", "one line\n", ""},
	} {
		rec, err := detector(t, format.Config{}).Recognize(&penstock.Object{}, penstock.Identity{Key: tt.key},
			penstock.Entry{Name: tt.entry, Reader: strings.NewReader(tt.content)})
		if err != nil {
			t.Errorf("%s %s: %v", tt.key, tt.entry, err)
		}
		if rec.Skip != tt.want {
			t.Errorf("%s %s: skipped as %q, want %q", tt.key, tt.entry, rec.Skip, tt.want)
		}
	}
}

// Messages of CloudWatch Logs in a generic format keep to the rules that find JSON in text.
func TestFormatsThatAnybodyWritesAreGeneric(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]bool{
		"one line\n": true, "2026-11-24 10:00:00 INFO one\n": true, "{\"a\":1}\n{\"a\":2}\n": true, "{\n\"a\": 1\n}\n": true,
		"2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n": false,
	} {
		rec, err := detector(t, format.Config{}).Recognize(&penstock.Object{}, penstock.Identity{}, penstock.Entry{
			Reader: strings.NewReader(content),
		})
		if err != nil || rec.Generic != want {
			t.Errorf("%q as %s: generic %v, error %v, want %v", content, rec.Format, rec.Generic, err, want)
		}
	}
}

// What is asked for by name is read whatever the object is called.
func TestAForcedFormatReadsWhatWouldBeSkipped(t *testing.T) {
	t.Parallel()
	d := detector(t, format.Config{Force: "text"})
	r := read(t, d, penstock.Identity{Key: "x/CloudTrail-Digest/y"}, []byte("one\n"), strings.NewReader("one\n"))
	if diff := cmp.Diff([]string{`{"message":"one"}`}, documents(r.Records)); diff != "" {
		t.Error(diff)
	}
}

func TestAnEntryThatCannotBeReadAtAllIsAnError(t *testing.T) {
	t.Parallel()
	broken := &penstock.ObjectError{Reason: penstock.ReasonCorrupt, Err: io.ErrUnexpectedEOF}
	r := read(t, detector(t, format.Config{}), penstock.Identity{}, nil, &cutReader{err: broken})
	if !errors.Is(r.Err, broken) {
		t.Errorf("got %v", r.Err)
	}
}

// cutReader gives data, size bytes at a time, and then an error.
type cutReader struct {
	data []byte
	size int
	err  error
}

func (c *cutReader) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, c.err
	}
	n := len(p)
	if c.size > 0 {
		n = min(n, c.size)
	}
	n = copy(p[:n], c.data)
	c.data = c.data[n:]
	return n, nil
}
