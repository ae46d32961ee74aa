package pipeline_test

import (
	"testing"

	"github.com/seed56735111/penstock/cloudwatch"
	"github.com/seed56735111/penstock/pipeline"
)

// No format of the user's own has the name of one that there is, wherever it is recognised.
func TestNamesOfFormatsAreTaken(t *testing.T) {
	t.Parallel()
	names := []string{cloudwatch.FormatEvents}
	for _, f := range pipeline.Formats() {
		names = append(names, f.Name)
	}
	for _, name := range names {
		d := pipeline.Definition{Name: name, Dissect: "own %{field}"}
		if wrong, _ := d.Check(); len(wrong) != 1 || wrong[0].Key != "name" {
			t.Errorf("%s: %v", name, wrong)
		}
	}
	d := pipeline.Definition{Name: "billing", Dissect: "own %{field}"}
	if all := pipeline.Formats(d); all[0].Name != "billing" || all[1].Name != cloudwatch.FormatPayloads ||
		len(all) != len(names) {
		t.Errorf("%v, %v and so on, %d of %d", all[0], all[1], len(all), len(names))
	}
}
