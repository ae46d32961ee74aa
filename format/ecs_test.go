package format_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/format"
)

// Each line of the table is about a field that there is, and no name of the schema is that of two fields of a format.
func TestTheNamesOfTheElasticCommonSchema(t *testing.T) {
	t.Parallel()
	for name, table := range format.ECS() {
		i := slices.IndexFunc(format.Formats(), func(f format.Format) bool { return f.Name == name })
		if i < 0 {
			t.Errorf("no format is called %q", name)
			continue
		}
		seen := map[string]string{}
		for one := range strings.FieldsSeq(table) {
			own, ecs, _ := strings.Cut(one, "=")
			ecs, _, _ = strings.Cut(ecs, ":")
			if other := seen[ecs]; other != "" {
				t.Errorf("%s: %s and %s are %s", name, own, other, ecs)
			}
			seen[ecs] = own
			if !slices.ContainsFunc(format.Formats()[i].Fields, func(f format.Field) bool {
				return f.Name == own && f.ECS == ecs
			}) {
				// The path and the query of a URL are fields of some formats alone.
				if !strings.HasSuffix(own, "_path") && !strings.HasSuffix(own, "_query") {
					t.Errorf("%s: there is no field %s, or it has no type", name, own)
				}
			}
		}
	}
}
