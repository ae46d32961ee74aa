package config

import (
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/rules"
)

// tableForm is a table: a CSV file with its key, or a database.
type tableForm struct{}

func tableKeys() keys {
	return keys{
		{name: "csv", usage: "path or s3:// URL of a file whose first line names its columns", form: text{}},
		{name: "key", usage: "the column of a CSV file that is looked up", form: text{}},
		{name: "mmdb", usage: "path or s3:// URL of a MaxMind database, in which addresses are looked up", form: text{}},
	}
}

func (tableForm) check(f *finder, key string, n *node) {
	tableKeys().check(f, key, n)
	if n.kind != object {
		return
	}
	hasCSV, hasKey, hasMMDB := n.member("csv") != nil, n.member("key") != nil, n.member("mmdb") != nil
	switch {
	case hasCSV == hasMMDB:
		f.wrong(n.place, "%s needs either csv or mmdb", key)
	case hasCSV && !hasKey:
		f.wrong(n.place, "%s lacks the key %q: the column that is looked up", key, "key")
	case hasMMDB && hasKey:
		f.wrong(n.member("key").place, "%s has a key beside mmdb, in which addresses are looked up", key)
	}
}

func (tableForm) schema() map[string]any {
	has := func(names ...string) map[string]any { return map[string]any{"required": names} }
	not := func(forms ...any) map[string]any { return map[string]any{"anyOf": forms} }
	s := tableKeys().schema()
	s["oneOf"] = []any{
		map[string]any{"required": []string{"csv", "key"}, "not": has("mmdb")},
		map[string]any{"required": []string{"mmdb"}, "not": not(has("csv"), has("key"))},
	}
	return s
}

// tablesOf are the tables of a file that have no mistake of shape.
func tablesOf(n *node) []rules.TableSource {
	if n == nil || n.kind != object {
		return nil
	}
	var all []rules.TableSource
	for _, m := range n.members {
		var quiet finder
		if (tableForm{}).check(&quiet, m.key, m.value); len(quiet.found) == 0 {
			all = append(all, rules.TableSource{
				Name: m.key, CSV: m.value.textAt("csv"), Key: m.value.textAt("key"), MMDB: m.value.textAt("mmdb"),
			})
		}
	}
	return all
}

// relateTables reports tables that are not where the file says.
func (f *finder) relateTables(n *node) {
	for i := range f.tables {
		s := &f.tables[i]
		err := pipeline.CheckTable(s)
		if err == nil {
			continue
		}
		at := n.member(s.Name)
		for _, key := range []string{"csv", "mmdb"} {
			if one := at.member(key); one != nil {
				at = one
			}
		}
		if e, ok := errors.AsType[*fs.PathError](err); ok {
			f.wrong(at.place, "table %s: %s %s: %s", s.Name, e.Op, quoted(e.Path), e.Err)
			continue
		}
		f.wrong(at.place, "table %s: %s", s.Name, err)
	}
}

// nearTable says which table may be meant.
func (f *finder) nearTable(name string) string {
	known := map[string]bool{}
	for i := range f.tables {
		known[f.tables[i].Name] = true
	}
	if near := settings.Nearest(name, slices.Sorted(maps.Keys(known))); near != "" {
		return "; did you mean " + quoted(near) + "?"
	}
	if len(known) == 0 {
		return "; the file has no tables"
	}
	return ""
}
