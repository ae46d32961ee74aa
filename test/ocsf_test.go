package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/realtest"
	"github.com/seed56735111/penstock/shape/ocsf"
)

// Every sample of every format with a mapping to OCSF, and every trap, is an event that the schema takes: its
// attributes are those of its class, the required ones are there, enumerations have their numbers and captions, and
// type_uid is made of class and activity. The schema is that of the package ocsf-json-schema; the validator that of
// jsonschema.
func TestEventsFitTheSchema(t *testing.T) {
	t.Parallel()
	python := realtest.Python(t, "ocsf-json-schema==1.2.0", "jsonschema==4.26.0")
	var documents []byte
	for _, original := range [][]string{nil, {"--original"}} {
		cmd := exec.CommandContext(t.Context(), penstock, append([]string{
			"ship", samplesOfFormats(t, ocsf.Formats()...), "--dry-run", "--fields", "ocsf",
		}, original...)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, out...)
	}
	shipped := bytes.Count(documents, []byte("\n"))
	for _, format := range ocsf.Formats() {
		text, err := os.ReadFile(filepath.Join("../shape/ocsf/testdata", format+".golden"))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, text...)
	}
	said := judged(t, python, documents)
	t.Logf("%d events of samples, %d events in all", shipped, bytes.Count(documents, []byte("\n")))
	if said != "" {
		t.Error(said)
	}
	for _, class := range []string{"0", "2002", "2003", "2004", "3001", "3002", "4001", "4002", "4003", "6003"} {
		if !bytes.Contains(documents, []byte(`"class_uid":`+class+`,`)) {
			t.Errorf("no event is of class %s", class)
		}
	}
	if shipped < 100 {
		t.Errorf("%d events of samples", shipped)
	}

	// The judge finds what is wrong.
	line, _, _ := bytes.Cut(documents, []byte("\n"))
	for old, wrong := range map[string]string{
		`"severity_id":1`: `"severity_id":7`, `"activity_id":`: `"activity":`, `"class_name":"`: `"class_name":"x`,
		`"time":`: `"times":`, `"type_uid":`: `"type_uid":9`,
	} {
		if judged(t, python, bytes.Replace(line, []byte(old), []byte(wrong), 1)) == "" {
			t.Errorf("%s in the place of %s is not seen", wrong, old)
		}
	}
}

// judged returns what is wrong with events.
func judged(t *testing.T, python string, documents []byte) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "ocsf.py"), ocsf.Version)
	cmd.Stdin = bytes.NewReader(documents)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return err.Error() + ": " + out.String()
	}
	return out.String()
}
