package format_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// The cases of csv-spectrum (github.com/max-mapper/csv-spectrum, BSD-2-Clause) and the cells that it says they have. Of
// ours, an empty cell is no field, a name is in small letters with _, and a number is written as one.
func TestCSVSpectrum(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		want       []string // for each row, NAME=CELL
	}{
		{
			"comma_in_quotes", "first,last,address,city,zip\nJohn,Doe,120 any st.,\"Anytown, WW\",08123\n",
			[]string{"address=120 any st.|city=Anytown, WW|first=John|last=Doe|zip=08123"},
		},
		{"empty", "a,b,c\n1,\"\",\"\"\n2,3,4\n", []string{"a=1", "a=2|b=3|c=4"}},
		{"empty_crlf", "a,b,c\r\n1,\"\",\"\"\r\n2,3,4\r\n", []string{"a=1", "a=2|b=3|c=4"}},
		{"escaped_quotes", "a,b\n1,\"ha \"\"ha\"\" ha\"\n3,4\n", []string{`a=1|b=ha "ha" ha`, "a=3|b=4"}},
		{
			"json", "key,val\n1,\"{\"\"type\"\": \"\"Point\"\", \"\"coordinates\"\": [102.0, 0.5]}\"\n",
			[]string{`key=1|val={"type": "Point", "coordinates": [102.0, 0.5]}`},
		},
		{
			"location_coordinates",
			"Contact Phone Number,Location Coordinates,Cities,Counties\n" +
				"0000000000,\"37\u00b036'37.8\"\"N 121\u00b02'17.9\"\"W\",Dublin,Alameda\n",
			[]string{"cities=Dublin|contact_phone_number=0000000000|counties=Alameda|" +
				"location_coordinates=37\u00b036'37.8\"N 121\u00b02'17.9\"W"},
		},
		{
			"newlines", "a,b,c\n1,2,3\n\"Once upon \na time\",5,6\n7,8,9\n",
			[]string{"a=1|b=2|c=3", "a=Once upon \na time|b=5|c=6", "a=7|b=8|c=9"},
		},
		{
			"newlines_crlf", "a,b,c\r\n1,2,3\r\n\"Once upon \r\na time\",5,6\r\n7,8,9\r\n",
			[]string{"a=1|b=2|c=3", "a=Once upon \r\na time|b=5|c=6", "a=7|b=8|c=9"},
		},
		{
			"quotes_and_newlines", "a,b\n1,\"ha \n\"\"ha\"\" \nha\"\n3,4\n",
			[]string{"a=1|b=ha \n\"ha\" \nha", "a=3|b=4"},
		},
		{"simple", "a,b,c\n1,2,3\n", []string{"a=1|b=2|c=3"}},
		{"simple_crlf", "a,b,c\r\n1,2,3\r\n", []string{"a=1|b=2|c=3"}},
		{"utf8", "a,b,c\n1,2,3\n4,5,\u02a4\n", []string{"a=1|b=2|c=3", "a=4|b=5|c=\u02a4"}},
	} {
		d, err := format.New(format.Config{})
		if err != nil {
			t.Fatal(err)
		}
		id := penstock.Identity{Key: tt.name + ".csv"}
		r := read(t, d, id, []byte(tt.text), strings.NewReader(tt.text))
		var got []string
		for _, rec := range r.Records {
			got = append(got, cellsOf(t, rec.JSON))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s is read as %s: %s", tt.name, r.Format, diff)
		}
	}
}

// cellsOf returns the members of a document as NAME=VALUE, in the order of their names.
func cellsOf(t *testing.T, document string) string {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(document))
	dec.UseNumber()
	members := map[string]any{}
	if err := dec.Decode(&members); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		// A value that is not of its column's kind has its name with _text.
		all = append(all, strings.TrimSuffix(name, "_text")+"="+fmt.Sprint(members[name]))
	}
	return strings.Join(all, "|")
}

// Rules of JSONTestSuite (github.com/nst/JSONTestSuite, MIT) about what stands within a value: the names of its cases
// begin with y for what must be taken and with n for what must not. What is no JSON is never passed on as if it were:
// it is said to be repaired, or unparsed.
func TestJSONTestSuite(t *testing.T) {
	t.Parallel()
	taken := []string{
		`[]`, `[[]   ]`, `[""]`, `["a"]`, `[false]`, `[null, 1, "1", {}]`, `[null]`, "[1\n]", ` [1]`,
		`[1,null,null,null,2]`,
		`[2] `, `[123e65]`, `[0e+1]`, `[0e1]`, `[ 4]`, `[-0.00000000000000000000000000000000000000000000000000000000001]`,
		`[20e1]`, `[-0]`, `[-123]`, `[-1]`, `[1E22]`, `[1E-2]`, `[1E+2]`, `[123e45]`, `[123.456e78]`, `[1e-2]`, `[1e+2]`,
		`[123]`, `[123.456789]`, `{"asd":"sdf", "dfg":"fgh"}`, `{"asd":"sdf"}`, `{"a":"b","a":"c"}`,
		`{"a":"b","a":"b"}`, `{}`,
		`{"":0}`, `{"foo\u0000bar": 42}`, `{ "min": -1.0e+28, "max": 1.0e+28 }`, `{"a":[]}`, "{\n\"a\": \"b\"\n}",
		`["\u0060\u012a\u12AB"]`, `["\uD801\udc37"]`, `["\ud83d\ude39\ud83d\udc8d"]`, `["\"\\\/\b\f\n\r\t"]`, `["\\u0000"]`,
		`["\""]`, `["a/*b*/c/*d//e"]`, `["\\a"]`, `["\\n"]`, `["\u0012"]`, `["\uFFFF"]`, `["asd"]`, `[ "asd"]`,
		`["\uDBFF\uDFFF"]`,
		`["new\u00A0line"]`, `["\u0000"]`, `["\u002c"]`, `["\uD834\uDd1e"]`, `"\u0821"`, `["\u0123"]`, `["\u2028"]`,
		`" "`, `true`,
		`"asd"`, `false`, `42`, `-0.1`, `null`, `""`,
	}
	refused := []string{
		`[1 true]`, `["": 1]`, `[""],`, `[,1]`, `[1,,2]`, `["x",,]`, `["x"]]`, `["",]`, `["x"`, `[x`, `[3[4]]`,
		`[,]`, `[-]`,
		`[   , ""]`, `[1,]`, `[1,,]`, `[*]`, `[""`, `[1,`, `[fals]`, `[nul]`, `[tru]`, `[++1234]`, `[+1]`, `[+Inf]`,
		`[-01]`,
		`[-1.0.]`, `[-2.]`, `[-NaN]`, `[.-1]`, `[.2e-3]`, `[0.1.2]`, `[0.3e+]`, `[0.3e]`, `[0.e1]`, `[0E+]`, `[0E]`,
		`[0e+]`,
		`[0e]`, `[1.0e+]`, `[1.0e-]`, `[1.0e]`, `[1 000.0]`, `[1eE2]`, `[2.e+3]`, `[2.e-3]`, `[2.e3]`, `[9.e+]`,
		`[Inf]`, `[NaN]`,
		`[1+2]`, `[0x1]`, `[0x42]`, `[Infinity]`, `[0e+-1]`, `[-123.123foo]`, `[-Infinity]`, `[-foo]`, `[- 1]`,
		`[-012]`, `[-.123]`,
		`[-1x]`, `[1ea]`, `[1.]`, `[.123]`, `[1.2a-3]`, `[1.8011670033376514H-308]`, `[012]`, `["x", truth]`, `{[: "x"}`,
		`{"x", null}`, `{"x"::"b"}`, `{"a":"a" 123}`, `{key: 'value'}`, `{"a" b}`, `{:"b"}`, `{"a" "b"}`, `{"a":`,
		`{"a"`, `{1:1}`,
		`{"id":0,,,,,}`, `{'a':0}`, `{"id":0,}`, `{"a":"b",,"c":"d"}`, `{a: "b"}`, `{"a":"a`, `{ "foo" : "bar", "a" }`,
		`["\uD800\"]`, `["\uD800\u"]`, `["\uD800\u1"]`, `["\uD800\u1x"]`, "[\u00e9]", `["\x00"]`, `["\\\"]`,
		`["\` + "\t" + `"]`,
		`["\"]`, `["\u00A"]`, `["\a"]`, `["\uqqqq"]`, `[\u0020"asd"]`, `[\n]`, `["`, `['single quote']`, `abc`,
		"[\"new\nline\"]",
		"[\"\t\"]", `"\UA66D"`, `<.>`, `[<null>]`, `[True]`, `{"x": true,`, `["asd]`, `[\u000A""]`,
	}
	for i, value := range append(taken, refused...) {
		text := `{"v":` + value + "}\n"
		if valid := json.Valid([]byte(text)); valid != (i < len(taken)) {
			t.Fatalf("%q stands in the wrong list", value)
		}
		d, err := format.New(format.Config{Force: "ndjson"})
		if err != nil {
			t.Fatal(err)
		}
		r := read(t, d, penstock.Identity{}, []byte(text), strings.NewReader(text))
		marked := len(r.Records) != 1
		for _, rec := range r.Records {
			marked = marked || rec.Unparsed || rec.Repaired
		}
		if marked != (i >= len(taken)) {
			t.Errorf("%q: marked %v: %+v", value, marked, r.Records)
		}
	}
}
