package cloudwatch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/cloudwatch"
)

// documents runs a payload through recognition and shaping and returns index, document, index, document, ….
func documents(t *testing.T, o cloudwatch.Options, payload string) []string {
	t.Helper()
	l, err := cloudwatch.New(o, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var p struct{ LogGroup, LogStream, Owner string }
	if err := json.Unmarshal([]byte(payload), &p); err != nil {
		t.Fatal(err)
	}
	object := &penstock.Object{
		Name: "logs",
		Attr: map[string]string{
			cloudwatch.AttrLogGroup: p.LogGroup, cloudwatch.AttrLogStream: p.LogStream, cloudwatch.AttrOwner: p.Owner,
		},
	}
	rec, err := l.Recognize(object, penstock.Identity{}, penstock.Entry{Reader: strings.NewReader(payload)})
	if err != nil {
		t.Fatal(err)
	}
	shaper, err := l.Entry(object, penstock.Identity{}, "", rec.Format)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for r, err := range rec.Records {
		if err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		doc, err := shaper.Shape(&r)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, doc.Index, string(doc.Body()))
	}
	return out
}

func payload(events ...string) string {
	return `{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/Gate",` +
		`"logStream":"2015/11/19/[$LATEST]ab","subscriptionFilters":["all"],"logEvents":[` + strings.Join(events, ",") + `]}`
}

func quote(s string) string {
	// SetEscapeHTML(false), so that the text of a test is the text in the payload.
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// messages are texts that the rules treat in ways of their own.
func messages() []string {
	return []string{
		``, `plain text`, `INFO req {"a":1}`, `{"a":1} trailing`, `[{"a":1}]`, `foo {bar} {"a":1}`, `{"n":00123}`,
		`{"n":"00123"}`,
		`{"@id":"mine","@message":1,"z":1}`, `{"10":1,"9":2,"b":3,"01":4,"-1":5,"4294967294":6,"4294967295":7}`,
		`{"a":1,"b":2,"a":3}`,
		`{"__proto__":{"x":1}}`, `{"":0," ":1,"a.b":2}`,
		`{"big":12345678901234567890,"exp":1e21,"small":1e-7,"neg0":-0,"f":1.0,"inf":1e999,"s":0.000001}`,
		`{"deep":[[[{"a":[null,true,false,"x"]}]]]}`,
		"{\"nl\":\"a\\nb\",\"ctl\":\"\\u0001\\u001f\\u007f\",\"sep\":\"\u2028\"}",
		`{"half":"\ud800","other":"\udc00x","pair":"\ud83d\ude00","split":"\ud83d-\ude00"}`, `{"sl":"a\/b","u":"\u00e9"}`,
		`x{`, `{}`, `{"a":1}}`, "{\"raw\ttab\":1}", "\ufeff{\"bom\":1}",
		`{"length":5,"toString":1,"constructor":"x","hasOwnProperty":2}`,
	}
}

func values() []string {
	return []string{
		``, ` `, `0`, `00123`, `0x1F`, `0X1f`, `0b101`, `0o17`, `0x`, `0xg`, `-0x1`, `1e5`, `1E+5`, `1e`, `.5`, `5.`, `.`,
		`+7`, `-`, `Infinity`, `-Infinity`, `NaN`, `12abc`,
		` 12 `, "\t12\n", "\u00a012\ufeff", `1_000`, `1,000`, `123456789012`, `9007199254740993`, `0.1`, `1e400`, `1e-400`,
		`-0`, `true`, `null`, `{"a":1}`, `x {"a":"b"} `, `x {"a":1} y`, `{"10":1,"2":1}`,
		`0xffffffffffffffffff`, `179769313486231570000000000000000000000`, `1.7976931348623159e308`, "\u202812", "\u180e12",
		`٣`, `1n`,
	}
}

func events(r *rand.Rand, n int) []string {
	texts, fields := messages(), values()
	var out []string
	add := func(message, extracted string) {
		e := fmt.Sprintf(`{"id":"%056d","timestamp":%d,"message":%s`, len(out), 1447920000000+r.Int64N(4e12)-2e12, message)
		if extracted != "" {
			e += `,"extractedFields":{` + extracted + `}`
		}
		out = append(out, e+"}")
	}
	for _, m := range texts {
		add(quote(m), "")
		add(quote("prefix "+m), `"f":`+quote(m))
	}
	for _, v := range fields {
		add(`"m"`, `"v":`+quote(v))
		add(quote(v), "")
		add(`"m"`, `"10":"b","2":`+quote(v)+`,"":"e","__proto__":"p"`)
	}
	out = append(out, `{"id":7.0,"timestamp":1447920000000,"message":"{\"a\":1}"}`)
	add(`"half \ud800 in the payload"`, "")
	add("\"bytes \xff\xe2\x82 \xed\xa0\x80 \xf0\x90\x80 {\"", "")
	add(`"x {\"a\":\"\ud800\"}"`, "")
	for len(out) < n {
		add(quote(randomText(r)), "")
		add(`"m"`, `"a":`+quote(randomNumber(r))+`,"b":`+quote(randomText(r)))
	}
	return out
}

// randomText is JSON, something next to JSON, or neither.
func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(3) {
		b.WriteString([]string{"x ", "{", "[", `"`, "é", "1", ": "}[r.IntN(7)])
	}
	randomJSON(r, &b, 0)
	if r.IntN(6) == 0 {
		b.WriteString([]string{" ", "x", "}", "\n"}[r.IntN(4)])
	}
	return b.String()
}

func randomJSON(r *rand.Rand, b *strings.Builder, depth int) {
	switch k := r.IntN(7); {
	case depth == 0 || k == 0 && depth < 5:
		b.WriteByte('{')
		for i := range r.IntN(5) {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, `"%s":`, []string{"a", "b", "7", "07", "12", "@id", "é", "a.b", `\u0061`, ""}[r.IntN(10)])
			randomJSON(r, b, depth+1)
		}
		b.WriteByte('}')
	case k == 1 && depth < 5:
		b.WriteByte('[')
		for i := range r.IntN(4) {
			if i > 0 {
				b.WriteString(" , ")
			}
			randomJSON(r, b, depth+1)
		}
		b.WriteByte(']')
	case k == 2:
		b.WriteString([]string{"true", "false", "null", "nul"}[min(r.IntN(12), 3)])
	case k < 5:
		b.WriteString(randomNumber(r))
	default:
		b.WriteString([]string{`"x"`, `"\u0000\n"`, `"\ud83d\ude00"`, `"\ud83d"`, `"日本"`, `"\\\"/"`}[r.IntN(6)])
	}
}

func randomNumber(r *rand.Rand) string {
	switch r.IntN(5) {
	case 0:
		return fmt.Sprint(r.Int64() - 1<<62)
	case 1:
		return fmt.Sprintf("%.*g", 1+r.IntN(20), (r.Float64()-0.5)*1e6)
	case 2:
		return fmt.Sprintf("%d.%0*de%d", r.IntN(10), 1+r.IntN(18), r.IntN(1000), r.IntN(700)-350)
	case 3:
		return fmt.Sprintf("0%d", r.IntN(100))
	default:
		return fmt.Sprint(r.IntN(1000))
	}
}

func TestCompatDocumentsAreThoseOfTheFunctionItReplaces(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node: the comparison with the JavaScript reference is left out")
	}
	all := events(rand.New(rand.NewPCG(5, 6)), 6000)
	var input strings.Builder
	var got []string
	for chunk := range len(all) / 100 {
		p := payload(all[chunk*100 : (chunk+1)*100]...)
		input.WriteString(p + "\n")
		got = append(got, documents(t, cloudwatch.Options{}, p)...)
	}
	cmd := exec.CommandContext(t.Context(), node, "testdata/reference.js")
	cmd.Stdin = strings.NewReader(input.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("event %s\n got %s\nwant %s", all[i/2], got[i], want[i])
		}
	}
}

func TestOptionsFixWhatCompatKeeps(t *testing.T) {
	t.Parallel()
	event := func(message, fields string) string {
		e := `{"id":"1","timestamp":1447920000000,"message":` + quote(message)
		if fields != "" {
			e += `,"extractedFields":` + fields
		}
		return payload(e + "}")
	}
	const tail = `"@id":"1","@timestamp":"2015-11-19T08:00:00.000Z","@message":%s,"@owner":"123456789012",` +
		`"@log_group":"/aws/lambda/Gate","@log_stream":"2015/11/19/[$LATEST]ab"}`
	tests := []struct {
		name            string
		o               cloudwatch.Options
		message, fields string
		index, found    string
	}{
		{
			name: "leading zeros stay", o: cloudwatch.Options{SafeNumbers: true}, message: "m",
			fields: `{"account":"00123","hex":"0x1F","n":"17","big":"9007199254740993"}`, index: "cwl-2015.11.19",
			found: `"account":"00123","hex":"0x1F","n":17,"big":"9007199254740993",`,
		},
		{
			name: "JSON that is left alone", o: cloudwatch.Options{JSON: cloudwatch.JSONOff},
			message: `{"a":1,"message":{"b":2}}`, index: "cwl-2015.11.19",
		},
		{
			name: "text after JSON", o: cloudwatch.Options{JSON: cloudwatch.JSONAnywhere}, message: `{"a":1} trailing`,
			index: "cwl-2015.11.19", found: `"a":1,`,
		},
		{
			name: "the second brace", o: cloudwatch.Options{JSON: cloudwatch.JSONAnywhere}, message: `foo {bar} {"a":1}`,
			index: "cwl-2015.11.19", found: `"a":1,`,
		},
		{
			name: "an array", o: cloudwatch.Options{JSON: cloudwatch.JSONAnywhere}, message: `x [{"a":1}] y`,
			index: "cwl-2015.11.19", found: `"items":[{"a":1}],`,
		},
		{"nested", cloudwatch.Options{NestUnder: "app"}, `{"a":1}`, "", "cwl-2015.11.19", `"app":{"a":1},`},
		{
			name: "log group in the index", o: cloudwatch.Options{Index: "cwl-{log_group}-{yyyy}.{MM}"}, message: `m`,
			index: "cwl-aws-lambda-gate-2015.11",
		},
	}
	for _, tt := range tests {
		got := documents(t, tt.o, event(tt.message, tt.fields))
		want := []string{tt.index, "{" + tt.found + fmt.Sprintf(tail, quote(tt.message))}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestAnIndexPatternIsCheckedWhenItIsSet(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"", "cwl", "cwl-{log_group}-{log_stream}.{owner}_{yyyy}.{MM}.{dd}", "1{yyyy}"} {
		if _, err := cloudwatch.New(cloudwatch.Options{Index: good}, nil, nil); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"{yyyy}", "Cwl", "cwl-{YYYY}", "cwl-{yyyy.MM.dd}", "cwl-{yyyy}-App", "cwl-{", "_cwl", "-cwl", ".cwl", "cwl/", "cwl a",
		"cwl-*",
	} {
		if _, err := cloudwatch.New(cloudwatch.Options{Index: bad}, nil, nil); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// A message of 1 MB that is JSON of hundreds of thousands of values would take the memory of the whole function. It
// stays text.
func TestAMessageOfTooManyValuesIsText(t *testing.T) {
	t.Parallel()
	message := `{"a":[` + strings.Repeat("1,", 500_000) + `1]}`
	event := `{"id":"1","timestamp":1447920000000,"message":` + quote(message)
	got := documents(t, cloudwatch.Options{}, payload(event+"}"))
	want := `{"@id":"1",`
	if len(got) != 2 || !strings.HasPrefix(got[1], want) || !strings.Contains(got[1], quote(message)) {
		t.Errorf("%d documents, want one that begins with %s", len(got)/2, want)
	}
	got = documents(t, cloudwatch.Options{}, payload(event+`,"extractedFields":{"f":`+quote(message)+`}}`))
	if want := `{"f":"{\"a\":[1,`; len(got) != 2 || !strings.HasPrefix(got[1], want) {
		t.Errorf("%d documents, want one that begins with %s", len(got)/2, want)
	}
}

func FuzzCompat(f *testing.F) {
	for _, m := range messages() {
		f.Add(m, m)
	}
	l, err := cloudwatch.New(cloudwatch.Options{JSON: cloudwatch.JSONAnywhere}, nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	object := &penstock.Object{Attr: map[string]string{cloudwatch.AttrLogGroup: "g"}}
	f.Fuzz(func(t *testing.T, message, field string) {
		p := payload(`{"id":"1","timestamp":1,"message":` + quote(message) + `,"extractedFields":{"f":` + quote(field) + `}}`)
		rec, err := l.Recognize(object, penstock.Identity{}, penstock.Entry{Reader: strings.NewReader(p)})
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range rec.Records {
			if err != nil || !json.Valid(r.JSON) || bytes.ContainsRune(r.JSON, '\n') {
				t.Fatalf("%s: %v", r.JSON, err)
			}
		}
	})
}

// accessLog recognises messages that begin with GET, one record a line: a path and a size. Anything else it reads as
// text, which is less than the rules of compat find.
type accessLog struct{}

func (accessLog) Recognize(_ *penstock.Object, _ penstock.Identity, e penstock.Entry) (penstock.Recognized, error) {
	text, err := io.ReadAll(e)
	if err != nil || !strings.HasPrefix(string(text), "GET ") {
		generic := penstock.Record{Raw: text, JSON: fmt.Appendf(nil, `{"message":%q}`, text)}
		return penstock.Recognized{Format: "text", Generic: true, Records: func(yield func(penstock.Record, error) bool) {
			yield(generic, nil)
		}}, err
	}
	return penstock.Recognized{Format: "access", Records: func(yield func(penstock.Record, error) bool) {
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			r := penstock.Record{Raw: []byte(line), Unparsed: len(words) != 3}
			if !r.Unparsed {
				r.JSON = fmt.Appendf(nil, `{"path":%q,"size":%s}`, words[1], words[2])
			}
			if !yield(r, nil) {
				return
			}
		}
	}}, nil
}

func TestMessagesOfAKnownFormatBecomeTheirFields(t *testing.T) {
	t.Parallel()
	l, err := cloudwatch.New(cloudwatch.Options{Messages: cloudwatch.MessagesRecognised}, accessLog{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const tail = `"@timestamp":"2015-11-19T08:00:00.000Z","@message":%s,"@owner":"123456789012",` +
		`"@log_group":"/aws/lambda/Gate","@log_stream":"2015/11/19/[$LATEST]ab"`
	for _, tt := range []struct {
		message string
		want    []string // id and document
	}{
		{
			message: "GET /a 12345678901234567890",
			want:    []string{"7", `{"path":"/a","size":12345678901234567890,"@id":"7",` + tail + `,"@format":"access"}`},
		},
		{"GET /a 1\nGET /b 2", []string{
			"7-0", `{"path":"/a","size":1,"@id":"7-0",` + tail + `,"@format":"access"}`, "7-1",
			`{"path":"/b","size":2,"@id":"7-1",` + tail + `,"@format":"access"}`,
		}},
		{"GET /a", []string{"7", `{"@id":"7",` + tail + `}`}},          // does not fit
		{`x {"a":1}`, []string{"7", `{"a":1,"@id":"7",` + tail + `}`}}, // not known
		{"plain text", []string{"7", `{"@id":"7",` + tail + `}`}},
		{"{\"a\":1}\n{\"b\":2}", []string{"7", `{"@id":"7",` + tail + `}`}},                // not JSON as a whole
		{"GET /a 1\nGET", []string{"7", `{"@id":"7",` + tail + `}`}},                       // does not fit to the end
		{`{"@id":"8","@format":9}`, []string{"7", `{"@id":"7","@format":9,` + tail + `}`}}, // precedence as before
	} {
		object := &penstock.Object{
			Attr: map[string]string{
				cloudwatch.AttrLogGroup:  "/aws/lambda/Gate",
				cloudwatch.AttrLogStream: "2015/11/19/[$LATEST]ab",
				cloudwatch.AttrOwner:     "123456789012",
			},
		}
		p := payload(`{"id":"7","timestamp":1447920000000,"message":` + quote(tt.message) + `}`)
		rec, err := l.Recognize(object, penstock.Identity{}, penstock.Entry{Reader: strings.NewReader(p)})
		if err != nil {
			t.Fatal(err)
		}
		shaper, err := l.Entry(object, penstock.Identity{}, "", rec.Format)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		offsets := map[int64]bool{}
		for r, err := range rec.Records {
			if err != nil || offsets[r.Offset] {
				t.Fatalf("%q: offset %d, error %v", tt.message, r.Offset, err)
			}
			offsets[r.Offset] = true
			doc, err := shaper.Shape(&r)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(doc.ID), string(doc.Body()))
		}
		for _, w := range tt.want {
			if strings.HasPrefix(w, "{") {
				w = fmt.Sprintf(w, quote(tt.message))
			}
			want = append(want, w)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q:\n%s", tt.message, diff)
		}
	}
}
