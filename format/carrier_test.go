package format_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// Docker takes a line apart after 16 KiB, and the runtimes of Kubernetes mark its parts. The parts make one record
// again, which has the bytes of all of them, unless the other stream is between them or the record grows beyond what an
// event may have.
func TestPartsOfALineAreOneRecord(t *testing.T) {
	t.Parallel()
	part := strings.Repeat("x", 16<<10)
	docker := func(log, stream string) string {
		return fmt.Sprintf(`{"log":%q,"stream":%q,"time":"2026-11-24T10:00:00Z"}`, log, stream)
	}
	cri := func(tag, log, stream string) string {
		return "2026-11-24T10:00:00Z " + stream + " " + tag + " " + log
	}
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{
			name:  "docker",
			lines: []string{docker(part, "stdout"), docker(part, "stdout"), docker("y\n", "stdout"), docker("z\n", "stdout")},
			want:  []string{part + part + "y", "z"},
		},
		{
			name:  "docker, another stream between",
			lines: []string{docker(part, "stdout"), docker("y\n", "stderr"), docker("z\n", "stdout")},
			want:  []string{part, "y", "z"},
		},
		{
			name:  "docker, shorter without a line end",
			lines: []string{docker(part[1:], "stdout"), docker("y\n", "stdout")},
			want:  []string{part[1:], "y"},
		},
		{"docker, the end is missing", []string{docker("y\n", "stdout"), docker(part, "stdout")}, []string{"y", part}},
		{
			"docker, too much", append(repeat(docker(part, "stdout"), 20), docker("y\n", "stdout")),
			[]string{strings.Repeat(part, 16), strings.Repeat(part, 4) + "y"},
		},
		{
			name:  "cri",
			lines: []string{cri("P", "one", "stdout"), cri("P", "two", "stdout"), cri("F", "three", "stdout")},
			want:  []string{"onetwothree"},
		},
		{
			name:  "cri, another stream between",
			lines: []string{cri("P", "one", "stdout"), cri("F", "two", "stderr")},
			want:  []string{"one", "two"},
		},
	} {
		for _, end := range []string{"\n", "\r\n"} {
			text := []byte(strings.Join(tt.lines, end) + end)
			d := detector(t, format.Config{})
			r := read(t, d, penstock.Identity{}, text, bytes.NewReader(text))
			covered(t, text, r)
			var have []string
			for _, rec := range r.Records {
				var doc struct{ Message string }
				if err := json.Unmarshal([]byte(rec.JSON), &doc); err != nil {
					t.Fatal(err)
				}
				have = append(have, doc.Message)
			}
			if diff := cmp.Diff(tt.want, have); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}
			small := read(t, d, penstock.Identity{}, text, &cutReader{data: text, size: 1000, err: io.EOF})
			if diff := cmp.Diff(r, small); diff != "" {
				t.Errorf("%s, read in pieces: %s", tt.name, diff)
			}
		}
	}
}

func repeat(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}
