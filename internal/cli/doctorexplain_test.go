package cli

import (
	"testing"

	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/sigv4/explain"
)

// The explainer names causes as the doctor's table does.
func TestTheCausesOfTheExplainerAreThoseOfTheDoctor(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, info := range doctor.Causes() {
		known[string(info.Name)] = true
	}
	for _, cause := range explain.Causes() {
		if !known[cause] {
			t.Errorf("%s is not in the table", cause)
		}
	}
}
