package engine

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
	"github.com/seed56735111/penstock/internal/glob"
)

// template is what new indexes whose name matches are made of: a composable index template, a component of one, or a
// legacy template.
type template struct {
	name     string
	body     wire.Node
	patterns []string
	priority int // of a legacy template: its order
	parts    []string
	draft    draft
}

// family is one kind of template: what the API calls it and where it is kept.
type family struct {
	title     string // in the list that GET gives
	member    string
	noun      string
	templates map[string]*template
	parse     func(c *call, name string, n *wire.Node) (*template, error)
}

func (c *call) family(api string) *family {
	switch api {
	case "_index_template":
		return &family{"index_templates", "index_template", "index template", c.templates, (*call).parseComposable}
	case "_component_template":
		return &family{
			"component_templates", "component_template", "component template", c.components, (*call).parseComponent,
		}
	}
	return &family{templates: c.legacy, parse: (*call).parseLegacy}
}

// templateAPI answers the APIs of the three kinds of templates.
func (c *call) templateAPI() error {
	known := []string{"create", "order", "cause", "local"}
	if c.profile.major == mapping.FirstUntyped {
		known = append(known, "include_type_name")
	}
	if err := c.known(known, []string{"flat_settings"}); err != nil {
		return err
	}
	if c.profile.major < mapping.FirstUntyped && c.path[0] != "_template" {
		return c.unknownPath()
	}
	f, name := c.family(c.path[0]), ""
	if len(c.path) > 1 {
		name = c.path[1]
	}
	switch c.r.Method {
	case http.MethodGet, http.MethodHead:
		return c.getTemplates(f, name)
	case http.MethodPut, http.MethodPost:
		if name != "" {
			return c.putTemplate(f, name)
		}
	case http.MethodDelete:
		if name != "" {
			return c.deleteTemplates(f, name)
		}
	}
	if name == "" {
		return c.refuseMethod(http.MethodGet)
	}
	return c.refuseMethod(http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete)
}

// find returns the templates that a name means, which may have wildcards and commas.
func (f *family) find(name string) []*template {
	var found []*template
	for _, n := range slices.Sorted(maps.Keys(f.templates)) {
		if name == "" || slices.ContainsFunc(strings.Split(name, ","), func(p string) bool { return glob.Match(p, n) }) {
			found = append(found, f.templates[n])
		}
	}
	return found
}

func (c *call) getTemplates(f *family, name string) error {
	c.mu.RLock()
	found := f.find(name)
	c.mu.RUnlock()
	if f.title != "" && strings.Contains(name, ",") {
		found = nil // only the old kind has lists of names
	}
	if f.title == "" {
		out := wire.Object{}
		for _, t := range found {
			out = append(out, wire.Entry{Name: t.name, Value: c.legacyBody(t)})
		}
		status := http.StatusOK
		if len(found) == 0 && name != "" && !strings.Contains(name, "*") {
			status = http.StatusNotFound
		}
		return c.answer(status, out)
	}
	if len(found) == 0 && name != "" && !strings.Contains(name, "*") {
		return wire.Errorf(http.StatusNotFound, "resource_not_found_exception", "%s matching [%s] not found", f.noun, name)
	}
	items := make([]any, 0, len(found))
	for _, t := range found {
		items = append(items, wire.Obj("name", t.name, f.member, t.shown(f.member == "index_template")))
	}
	return c.answer(http.StatusOK, wire.Obj(f.title, items))
}

// shown is a template as the API gives it: the settings under "index", all values text.
func (t *template) shown(composable bool) wire.Object {
	o := make(wire.Object, 0, len(t.body.Members))
	for i := range t.body.Members {
		m := &t.body.Members[i]
		switch m.Name {
		case "index_patterns":
			o = append(o, wire.Entry{Name: m.Name, Value: t.patterns})
		case "template":
			o = append(o, wire.Entry{Name: m.Name, Value: t.inner(&m.Node)})
			if _, ok := t.body.Get("composed_of"); !ok && composable {
				o = append(o, wire.Entry{Name: "composed_of", Value: []any{}})
			}
		default:
			o = append(o, wire.Entry{Name: m.Name, Value: &m.Node})
		}
	}
	return o
}

func (t *template) inner(n *wire.Node) wire.Object {
	o := make(wire.Object, 0, len(n.Members))
	for i := range n.Members {
		m := &n.Members[i]
		if m.Name == "settings" {
			o = append(o, wire.Entry{Name: m.Name, Value: indexSettings(t.draft.settings)})
			continue
		}
		o = append(o, wire.Entry{Name: m.Name, Value: &m.Node})
	}
	return o
}

func indexSettings(values map[string]string) wire.Object {
	full := make(map[string]string, len(values))
	for name, v := range values {
		full["index."+name] = v
	}
	o := store.SettingsBody(full)
	if o == nil {
		return wire.Object{}
	}
	return o
}

func (c *call) legacyBody(t *template) wire.Object {
	o := wire.Obj("order", t.priority)
	if c.profile.major < mapping.FirstKeyword {
		o = append(o, wire.Entry{Name: "template", Value: strings.Join(t.patterns, ",")})
	} else {
		o = append(o, wire.Entry{Name: "index_patterns", Value: t.patterns})
	}
	o = append(o, wire.Entry{Name: "settings", Value: indexSettings(t.draft.settings)})
	var mappings, aliases any = wire.Object{}, wire.Object{}
	if n, ok := t.body.Get("mappings"); ok {
		mappings = n
	}
	if n, ok := t.body.Get("aliases"); ok {
		aliases = n
	}
	o = append(o, wire.Entry{Name: "mappings", Value: mappings}, wire.Entry{Name: "aliases", Value: aliases})
	if n, ok := t.body.Get("version"); ok {
		o = append(o, wire.Entry{Name: "version", Value: n})
	}
	return o
}

func (c *call) putTemplate(f *family, name string) error {
	if len(c.body) == 0 {
		return wire.Errorf(http.StatusBadRequest, "parse_exception", "request body is required")
	}
	n, err := wire.ParseBody(c.body)
	if err != nil {
		return err
	}
	t, err := f.parse(c, name, &n)
	if err != nil {
		return err
	}
	create, err := c.flag("create", false)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return store.ErrClosed
	}
	old := f.templates[name]
	if create && old != nil {
		return wire.Illegal("%s [%s] already exists", mapping.FirstNonEmpty(f.noun, "index_template"), name)
	}
	if f.member == "index_template" {
		if len(t.patterns) == 0 {
			return wire.Illegal("There must be at least one pattern, zero given")
		}
		if err := c.checkComposable(t); err != nil {
			return err
		}
		if err := t.checkNames(); err != nil {
			return err
		}
	}
	f.templates[name] = t
	if err := c.keepTemplates(); err != nil {
		if delete(f.templates, name); old != nil {
			f.templates[name] = old
		}
		return err
	}
	return c.answer(http.StatusOK, wire.Obj("acknowledged", true))
}

// keepTemplates writes the templates to the disk. After an error the client can send its request again.
func (c *call) keepTemplates() error {
	if err := c.saveTemplates(); err != nil {
		return wire.Errorf(http.StatusServiceUnavailable, "failed_to_commit_cluster_state_exception", "%s", err)
	}
	return nil
}

// checkNames refuses names and patterns that no index template has.
func (t *template) checkNames() error {
	var wrong []string
	add := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if strings.Contains(t.name, " ") {
		add("name must not contain a space")
	}
	if strings.Contains(t.name, ",") {
		add("name must not contain a ','")
	}
	if strings.Contains(t.name, "#") {
		add("name must not contain a '#'")
	}
	if strings.HasPrefix(t.name, "_") {
		add("name must not start with '_'")
	}
	if strings.ToLower(t.name) != t.name {
		add("name must be lower cased")
	}
	for _, p := range t.patterns {
		if strings.Contains(p, " ") {
			add("index_patterns [%s] must not contain a space", p)
		}
		if strings.Contains(p, ",") {
			add("index_pattern [%s] must not contain a ','", p)
		}
		if strings.Contains(p, "#") {
			add("index_pattern [%s] must not contain a '#'", p)
		}
		if strings.Contains(p, ":") {
			add("index_pattern [%s] must not contain a ':'", p)
		}
		if strings.HasPrefix(p, "_") {
			add("index_pattern [%s] must not start with '_'", p)
		}
		if strings.ContainsAny(p, ` "\<|,>/?`) {
			add("index_pattern [%s] must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]", p)
		}
	}
	if wrong == nil {
		return nil
	}
	return wire.Errorf(http.StatusBadRequest, "invalid_index_template_exception",
		"index_template [%s] invalid, cause [%s]", t.name, wire.ValidationFailed(wrong))
}

// checkComposable refuses a template whose components are missing, that does not compose, or that overlaps with another
// one of the same priority.
func (c *call) checkComposable(t *template) error {
	var missing []string
	for _, part := range t.parts {
		if c.components[part] == nil {
			missing = append(missing, part)
		}
	}
	if missing != nil {
		return wire.Errorf(http.StatusBadRequest, "invalid_index_template_exception",
			"index_template [%s] invalid, cause [index template [%s] specifies component templates [%s] that do not exist]",
			t.name, t.name, strings.Join(missing, ", "))
	}
	for _, other := range slices.Sorted(maps.Keys(c.templates)) {
		o := c.templates[other]
		if other == t.name || o.priority != t.priority || !overlap(o.patterns, t.patterns) {
			continue
		}
		return wire.Illegal("index template [%s] has index patterns [%s] matching patterns from existing templates [%s] "+
			"with patterns (%s => [%s]) that have the same priority [%d], multiple index templates may not match during "+
			"index creation, please use a different priority",
			t.name, strings.Join(t.patterns, ", "), other, other, strings.Join(o.patterns, ", "), t.priority)
	}
	d := c.compose(t)
	if _, err := composed(c.profile.major, d.mappings); err != nil {
		cause := wire.AsFailure(err)
		if cause.Status != http.StatusBadRequest {
			return err
		}
		return wire.Illegal("composable template [%s] template after composition is invalid", t.name).
			Because(wire.Illegal("invalid composite mappings for [%s]", t.name).
				Because(mapping.MapperError("Failed to parse mapping [_doc]: %s", cause.Reason).Because(cause)))
	}
	_, err := store.NewSettings(d.settings, c.profile.major)
	return err
}

// overlap says whether some name could match patterns of both lists. Two patterns overlap when one, taken as a name,
// matches the other, or when both have a wildcard and neither's fixed beginning contradicts the other's.
func overlap(a, b []string) bool {
	for _, p := range a {
		for _, q := range b {
			if glob.Match(p, q) || glob.Match(q, p) {
				return true
			}
			headP, _, wildP := strings.Cut(p, "*")
			headQ, _, wildQ := strings.Cut(q, "*")
			if wildP && wildQ && (strings.HasPrefix(headP, headQ) || strings.HasPrefix(headQ, headP)) {
				tailP, tailQ := p[strings.LastIndexByte(p, '*')+1:], q[strings.LastIndexByte(q, '*')+1:]
				if strings.HasSuffix(tailP, tailQ) || strings.HasSuffix(tailQ, tailP) {
					return true
				}
			}
		}
	}
	return false
}

func (c *call) deleteTemplates(f *family, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	found := f.find(name)
	if strings.Contains(name, ",") {
		found = nil
	}
	if len(found) == 0 {
		if strings.Contains(name, "*") {
			return c.answer(http.StatusOK, wire.Obj("acknowledged", true))
		}
		return wire.Errorf(http.StatusNotFound, "index_template_missing_exception", "index_template [%s] missing", name)
	}
	if f.member == "component_template" {
		for _, t := range found {
			var users []string
			for _, other := range slices.Sorted(maps.Keys(c.templates)) {
				if slices.Contains(c.templates[other].parts, t.name) {
					users = append(users, other)
				}
			}
			if users != nil {
				return wire.Illegal("component templates [%s] cannot be removed as they are still in use by index templates [%s]",
					t.name, strings.Join(users, ", "))
			}
		}
	}
	old := maps.Clone(f.templates)
	for _, t := range found {
		delete(f.templates, t.name)
	}
	if err := c.keepTemplates(); err != nil {
		maps.Copy(f.templates, old)
		return err
	}
	return c.answer(http.StatusOK, wire.Obj("acknowledged", true))
}

func (c *call) parseComposable(name string, n *wire.Node) (*template, error) {
	t := &template{name: name, body: *n}
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "index_patterns":
			t.patterns = m.Node.Texts()
		case "priority":
			p, err := strconv.Atoi(m.Node.Text)
			if err != nil {
				return nil, wire.Errorf(http.StatusBadRequest, "x_content_parse_exception",
					"[1:%d] [index_template] failed to parse field [priority]", m.Node.Start+1).
					Because(wire.Illegal("For input string: \"%s\"", m.Node.Text))
			}
			if p < 0 {
				return nil, wire.Invalid("index template priority must be >= 0")
			}
			t.priority = p
		case "composed_of":
			t.parts = m.Node.Texts()
		case "template":
			if err := c.parseInner(t, &m.Node, "index_template"); err != nil {
				return nil, err
			}
		case "version", "_meta", "allow_auto_create", "ignore_missing_component_templates", "deprecated":
		case "data_stream":
			return nil, wire.NotOffered("data streams")
		default:
			return nil, wire.Errorf(http.StatusBadRequest, "x_content_parse_exception",
				"[1:%d] [index_template] unknown field [%s]", m.At+1, m.Name)
		}
	}
	if t.patterns == nil {
		return nil, wire.Illegal("Required [index_patterns]")
	}
	return t, nil
}

func (c *call) parseComponent(name string, n *wire.Node) (*template, error) {
	t := &template{name: name, body: *n}
	found := false
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "template":
			found = true
			if err := c.parseInner(t, &m.Node, "component_template"); err != nil {
				return nil, err
			}
		case "version", "_meta", "allow_auto_create", "deprecated":
		default:
			return nil, wire.Errorf(http.StatusBadRequest, "x_content_parse_exception",
				"[1:%d] [component_template] unknown field [%s]", m.At+1, m.Name)
		}
	}
	if !found {
		return nil, wire.Illegal("Required [template]")
	}
	m := mapping.NewMapping(c.profile.major)
	for _, part := range t.draft.mappings {
		if _, err := m.With(part); err != nil {
			return nil, c.unparsable(err)
		}
	}
	_, err := store.NewSettings(t.draft.settings, c.profile.major)
	return t, err
}

// unparsable is the error about a template whose mapping cannot be read.
func (c *call) unparsable(err error) error {
	cause := wire.AsFailure(err)
	if cause.Status != http.StatusBadRequest || c.profile.major < mapping.FirstUntyped {
		return err
	}
	return mapping.MapperError("Failed to parse mapping [_doc]: %s", cause.Reason).Because(cause)
}

// parseInner reads the part of a template that an index is made of.
func (c *call) parseInner(t *template, n *wire.Node, what string) error {
	for i := range n.Members {
		switch m := &n.Members[i]; m.Name {
		case "settings", "mappings", "aliases":
		default:
			return wire.Errorf(http.StatusBadRequest, "x_content_parse_exception",
				"[1:%d] [%s] failed to parse field [template]", m.Node.End+1, what).
				Because(wire.Errorf(http.StatusBadRequest, "x_content_parse_exception", "[1:%d] [template] unknown field [%s]",
					m.At+1, m.Name))
		}
	}
	var err error
	t.draft, err = c.parseDraft(n)
	return err
}

func (c *call) parseLegacy(name string, n *wire.Node) (*template, error) {
	t := &template{name: name, body: *n}
	inner := wire.Node{Kind: wire.ObjectKind}
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "index_patterns", "template":
			t.patterns = m.Node.Texts()
		case "order":
			p, err := strconv.Atoi(m.Node.Text)
			if err != nil {
				return nil, wire.NumberFormat(m.Node.Text)
			}
			t.priority = p
		case "settings", "mappings", "aliases":
			inner.Members = append(inner.Members, *m)
		case "version", "warmers":
		default:
			return nil, wire.Errorf(http.StatusBadRequest, "parse_exception", "unknown key [%s] in the template ", m.Name)
		}
	}
	if t.patterns == nil {
		return nil, wire.Invalid("index patterns are missing")
	}
	var err error
	if t.draft, err = c.parseDraft(&inner); err != nil {
		return nil, err
	}
	m := mapping.NewMapping(c.profile.major)
	for _, part := range t.draft.mappings {
		if m, err = m.With(part); err != nil {
			return nil, c.unparsable(err)
		}
	}
	_, err = store.NewSettings(t.draft.settings, c.profile.major)
	return t, err
}
