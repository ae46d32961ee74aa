package guard

import (
	"slices"
	"testing"
)

func TestIndexExpressionsAreReadNameByName(t *testing.T) {
	t.Parallel()
	existing := []string{"logs-1", "logs-2", "secret", ".kibana"}
	for _, c := range []struct {
		expression string
		names      []string
		selected   []string
		fails      bool
	}{
		{expression: "logs-1", names: []string{"logs-1"}},
		{expression: "a,b", names: []string{"a", "b"}},
		{expression: "_all", names: []string{"*"}, selected: existing},
		{expression: "*", names: []string{"*"}, selected: existing},
		{expression: "logs-*", names: []string{"logs-*"}, selected: []string{"logs-1", "logs-2"}},
		{expression: "*,-secret", names: []string{"*"}, selected: []string{"logs-1", "logs-2", ".kibana"}},
		{expression: "*,-logs-*,logs-2", names: []string{"*", "logs-2"}, selected: []string{"logs-2", "secret", ".kibana"}},
		{expression: "+logs-*", names: []string{"logs-*"}, selected: []string{"logs-1", "logs-2"}},
		{expression: "<logs-{now/d}>", names: []string{"logs-*"}, selected: []string{"logs-1", "logs-2"}},
		{expression: "<logs-{now/d{yyyy.MM,dd}}>,x", names: []string{"logs-*", "x"}, selected: []string{"logs-1", "logs-2"}},
		{expression: "s*t", names: []string{"s*t"}, selected: []string{"secret"}},
		{expression: "-secret", fails: true},
		{expression: "a,,b", fails: true},
		{expression: "", fails: true},
		{expression: "a/b", fails: true},
		{expression: "<a/{now}>", fails: true},
		{expression: `<a\{now}>`, fails: true},
		{expression: "<a{now>", fails: true},
		{expression: "<a}now{>", fails: true},
	} {
		e, err := readExpression(c.expression)
		if c.fails != (err != nil) {
			t.Errorf("%q: error %v", c.expression, err)
			continue
		}
		if c.fails {
			continue
		}
		var names, selected []string
		for _, part := range e {
			if !part.excluded {
				names = append(names, part.pattern)
			}
		}
		for _, name := range existing {
			if e.isWild() && e.selects(name) {
				selected = append(selected, name)
			}
		}
		if !slices.Equal(names, c.names) || !slices.Equal(selected, c.selected) {
			t.Errorf("%q: names %q select %q, want %q select %q", c.expression, names, selected, c.names, c.selected)
		}
	}
}
