package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
)

// Template is a template as it is put.
type Template struct {
	// Path is where it is put: /_index_template/NAME, /_component_template/NAME or /_template/NAME.
	Path string
	Body map[string]any
}

// baseName is the component template that the index templates are composed of.
const baseName = "penstock-base"

// version is that of what the templates say.
const version = 1

// author is who wrote a template, in its _meta.
const author = "penstock"

// Templates returns the templates for formats in the order in which they are put. Engines that cannot compose templates
// get them whole.
func Templates(e Engine, formats []Format) []Template {
	if !e.composable() {
		var all []Template
		for _, f := range formats {
			all = append(all, e.legacy(f))
		}
		return all
	}
	base := Template{"/_component_template/" + baseName, map[string]any{
		"template": map[string]any{"mappings": e.base()}, "version": version,
	}}
	base.sign()
	all := []Template{base}
	for _, f := range formats {
		inner := map[string]any{"mappings": map[string]any{"properties": e.properties(f.Fields)}}
		f.nameLifecycle(inner)
		t := Template{"/_index_template/" + f.Name, map[string]any{
			"index_patterns": []any{f.Pattern}, "composed_of": []any{baseName}, "priority": priority(f.Pattern),
			"version": version, "template": inner,
		}}
		if f.Stream {
			t.Body[streamMember] = map[string]any{}
		}
		t.sign()
		all = append(all, t)
	}
	return all
}

// lifecycleName is the setting of an index that names its policy of ILM.
const lifecycleName = "index.lifecycle.name"

// nameLifecycle names the policy of the format's indexes beside their mappings.
func (f *Format) nameLifecycle(body map[string]any) {
	if f.Lifecycle != "" {
		body["settings"] = map[string]any{lifecycleName: f.Lifecycle}
	}
}

// streamMember says in a template that it is for data streams.
const streamMember = "data_stream"

// legacy is a template for engines before /_index_template. It is whole, and of several ones that fit a name the engine
// takes the union, in which a later order wins.
func (e Engine) legacy(f Format) Template {
	mappings := e.base()
	mappings["properties"] = e.properties(append(slices.Clone(f.Fields), ours()...))
	t := Template{"/_template/" + f.Name, map[string]any{"order": priority(f.Pattern)}}
	if !e.before(5, 0) { // since 5.0
		t.Body["version"] = version
	}
	if e.before(6, 0) {
		t.Body["template"] = f.Pattern
	} else {
		t.Body["index_patterns"] = []any{f.Pattern}
	}
	t.Body["mappings"] = mappings
	f.nameLifecycle(t.Body)
	sum := t.sum()
	mappings["_meta"] = signature(sum)
	if e.DocType != "" {
		t.Body["mappings"] = map[string]any{e.DocType: mappings}
	}
	return t
}

// priority is above those of the engines' own templates. A longer pattern is a more particular one: logs-nginx-error-*
// goes before logs-nginx-*. No two of one length have the same, because the engines refuse templates of one priority
// whose patterns could meet.
func priority(pattern string) int {
	const step = 1000
	return step*len(pattern) + int(crc32.ChecksumIEEE([]byte(pattern))%step)
}

// sign notes in the template who wrote it, and what, so that a change of somebody else's can be told.
func (t *Template) sign() { t.Body["_meta"] = signature(t.sum()) }

func signature(sum string) map[string]any { return map[string]any{"written_by": author, "sum": sum} }

// sum stands for what a template says, without who wrote it.
func (t *Template) sum() string {
	h := sha256.New()
	for _, line := range t.lines() {
		_, _ = fmt.Fprintln(h, line)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// lines are the values of a template with their paths, in order. What engines add, and how they write settings and
// numbers, makes no difference; the name of a mapping type does not either.
func (t *Template) lines() []string {
	var all []string
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				if name == "_meta" {
					continue
				}
				walk(path+"."+name, value)
			}
		case []any:
			for i, value := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), value)
			}
		default:
			text, _ := json.Marshal(fmt.Sprint(v)) // a text cannot fail
			all = append(all, strings.TrimPrefix(path, ".")+" = "+string(text))
		}
	}
	body := maps.Clone(t.Body)
	if body[streamMember] != nil {
		body[streamMember] = "yes" // engines write their own defaults into it
	}
	if mappings, ok := body["mappings"].(map[string]any); ok && len(mappings) == 1 && mappings["properties"] == nil {
		for _, typed := range mappings {
			body["mappings"] = typed
		}
	}
	walk("", body)
	slices.Sort(all)
	return all
}

// meta is the _meta of a template, wherever its kind has it.
func (t *Template) meta() map[string]any {
	if m, ok := t.Body["_meta"].(map[string]any); ok {
		return m
	}
	mappings, _ := t.Body["mappings"].(map[string]any)
	if m, ok := mappings["_meta"].(map[string]any); ok {
		return m
	}
	for _, typed := range mappings {
		if inner, ok := typed.(map[string]any); ok {
			if m, ok := inner["_meta"].(map[string]any); ok {
				return m
			}
		}
	}
	return nil
}

// State is how a template of a domain compares with the one that it should be.
type State string

// The states of templates.
const (
	Missing State = "missing" // the domain does not have it
	Same    State = "same"
	Older   State = "older"   // it is one that penstock wrote, and says something else
	Edited  State = "edited"  // somebody changed what penstock wrote
	Foreign State = "foreign" // somebody else wrote it
)

// Compare tells how a template of the domain compares with t; a nil body is none.
func (t *Template) Compare(there map[string]any) State {
	if there == nil {
		return Missing
	}
	have := Template{t.Path, there}
	sum := have.sum()
	meta := have.meta()
	switch {
	case sum == t.sum():
		return Same
	case meta["written_by"] != author:
		return Foreign
	case meta["sum"] != sum:
		return Edited
	}
	return Older
}

// Diff has a line with - for each value that only the domain's template has, and one with + for each that only t has.
func (t *Template) Diff(there map[string]any) []string {
	have := (&Template{t.Path, there}).lines()
	want := t.lines()
	var all []string
	for i, j := 0, 0; i < len(have) || j < len(want); {
		switch {
		case j == len(want) || i < len(have) && have[i] < want[j]:
			all = append(all, "-"+have[i])
			i++
		case i == len(have) || want[j] < have[i]:
			all = append(all, "+"+want[j])
			j++
		default:
			i, j = i+1, j+1
		}
	}
	return all
}
