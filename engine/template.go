package engine

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// template is what new indexes whose name matches are made of: a composable index template, a component of one, or a
// legacy template.
type template struct {
	name     string
	body     node
	patterns []string
	priority int // of a legacy template: its order
	parts    []string
	draft    draft
}

// family is one kind of templates: how it is called and where it is kept.
type family struct {
	title     string // in the list that GET gives
	member    string
	noun      string
	templates map[string]*template
	parse     func(c *call, name string, n *node) (*template, error)
}

func (c *call) family(api string) *family {
	switch api {
	case "_index_template":
		return &family{"index_templates", "index_template", "index template", c.templates, (*call).parseComposable}
	case "_component_template":
		return &family{"component_templates", "component_template", "component template", c.components, (*call).parseComponent}
	}
	return &family{templates: c.legacy, parse: (*call).parseLegacy}
}

// templateAPI answers the APIs of the three kinds of templates.
func (c *call) templateAPI() error {
	known := []string{"create", "order", "cause", "local"}
	if c.profile.major == firstUntyped {
		known = append(known, "include_type_name")
	}
	if err := c.known(known, []string{"flat_settings"}); err != nil {
		return err
	}
	if c.profile.major < firstUntyped && c.path[0] != "_template" {
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
	for _, n := range sorted(f.templates) {
		if name == "" || slices.ContainsFunc(strings.Split(name, ","), func(p string) bool { return wildcard(p, n) }) {
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
		out := object{}
		for _, t := range found {
			out = append(out, entry{t.name, c.legacyBody(t)})
		}
		status := http.StatusOK
		if len(found) == 0 && name != "" && !strings.Contains(name, "*") {
			status = http.StatusNotFound
		}
		return c.answer(status, out)
	}
	if len(found) == 0 && name != "" && !strings.Contains(name, "*") {
		return errorf(http.StatusNotFound, "resource_not_found_exception", "%s matching [%s] not found", f.noun, name)
	}
	items := make([]any, 0, len(found))
	for _, t := range found {
		items = append(items, obj("name", t.name, f.member, t.shown(f.member == "index_template")))
	}
	return c.answer(http.StatusOK, obj(f.title, items))
}

// shown is a template as the API gives it: the settings under "index", all values text.
func (t *template) shown(composable bool) object {
	o := make(object, 0, len(t.body.members))
	for i := range t.body.members {
		m := &t.body.members[i]
		switch m.name {
		case "index_patterns":
			o = append(o, entry{m.name, t.patterns})
		case "template":
			o = append(o, entry{m.name, t.inner(&m.node)})
			if _, ok := t.body.get("composed_of"); !ok && composable {
				o = append(o, entry{"composed_of", []any{}})
			}
		default:
			o = append(o, entry{m.name, &m.node})
		}
	}
	return o
}

func (t *template) inner(n *node) object {
	o := make(object, 0, len(n.members))
	for i := range n.members {
		m := &n.members[i]
		if m.name == "settings" {
			o = append(o, entry{m.name, indexSettings(t.draft.settings)})
			continue
		}
		o = append(o, entry{m.name, &m.node})
	}
	return o
}

func indexSettings(values map[string]string) object {
	full := make(map[string]string, len(values))
	for name, v := range values {
		full["index."+name] = v
	}
	o := settingsBody(full)
	if o == nil {
		return object{}
	}
	return o
}

func (c *call) legacyBody(t *template) object {
	o := obj("order", t.priority)
	if c.profile.major < firstKeyword {
		o = append(o, entry{"template", strings.Join(t.patterns, ",")})
	} else {
		o = append(o, entry{"index_patterns", t.patterns})
	}
	o = append(o, entry{"settings", indexSettings(t.draft.settings)})
	var mappings, aliases any = object{}, object{}
	if n, ok := t.body.get("mappings"); ok {
		mappings = n
	}
	if n, ok := t.body.get("aliases"); ok {
		aliases = n
	}
	o = append(o, entry{"mappings", mappings}, entry{"aliases", aliases})
	if n, ok := t.body.get("version"); ok {
		o = append(o, entry{"version", n})
	}
	return o
}

func (c *call) putTemplate(f *family, name string) error {
	if len(c.body) == 0 {
		return errorf(http.StatusBadRequest, "parse_exception", "request body is required")
	}
	n, err := parseBody(c.body)
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
		return errClosed
	}
	old := f.templates[name]
	if create && old != nil {
		return illegal("%s [%s] already exists", firstNonEmpty(f.noun, "index_template"), name)
	}
	if f.member == "index_template" {
		if len(t.patterns) == 0 {
			return illegal("There must be at least one pattern, zero given")
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
	return c.answer(http.StatusOK, obj("acknowledged", true))
}

// keepTemplates writes the templates to the disk; what it does not take can be sent again.
func (c *call) keepTemplates() error {
	if err := c.saveTemplates(); err != nil {
		return errorf(http.StatusServiceUnavailable, "failed_to_commit_cluster_state_exception", "%s", err)
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
	return errorf(http.StatusBadRequest, "invalid_index_template_exception", "index_template [%s] invalid, cause [%s]", t.name, validationFailed(wrong))
}

// checkComposable refuses a template whose parts are missing, that does not compose, or that another one would dispute.
func (c *call) checkComposable(t *template) error {
	var missing []string
	for _, part := range t.parts {
		if c.components[part] == nil {
			missing = append(missing, part)
		}
	}
	if missing != nil {
		return errorf(http.StatusBadRequest, "invalid_index_template_exception", "index_template [%s] invalid, cause [index template [%s] specifies component templates [%s] that do not exist]", t.name, t.name, strings.Join(missing, ", "))
	}
	for _, other := range sorted(c.templates) {
		o := c.templates[other]
		if other == t.name || o.priority != t.priority || !overlap(o.patterns, t.patterns) {
			continue
		}
		return illegal("index template [%s] has index patterns [%s] matching patterns from existing templates [%s] with patterns (%s => [%s]) that have the same priority [%d], multiple index templates may not match during index creation, please use a different priority",
			t.name, strings.Join(t.patterns, ", "), other, other, strings.Join(o.patterns, ", "), t.priority)
	}
	d := c.compose(t)
	if _, err := composed(c.profile.major, d.mappings); err != nil {
		cause := asAPIError(err)
		if cause.status != http.StatusBadRequest {
			return err
		}
		return illegal("composable template [%s] template after composition is invalid", t.name).
			because(illegal("invalid composite mappings for [%s]", t.name).because(mapperError("Failed to parse mapping [_doc]: %s", cause.reason).because(cause)))
	}
	_, err := newSettings(d.settings, c.profile.major)
	return err
}

// overlap says whether some name could match patterns of both lists. Two patterns overlap when one, taken as a name, matches
// the other, or when both have a wildcard and neither's fixed beginning contradicts the other's.
func overlap(a, b []string) bool {
	for _, p := range a {
		for _, q := range b {
			if wildcard(p, q) || wildcard(q, p) {
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
			return c.answer(http.StatusOK, obj("acknowledged", true))
		}
		return errorf(http.StatusNotFound, "index_template_missing_exception", "index_template [%s] missing", name)
	}
	if f.member == "component_template" {
		for _, t := range found {
			var users []string
			for _, other := range sorted(c.templates) {
				if slices.Contains(c.templates[other].parts, t.name) {
					users = append(users, other)
				}
			}
			if users != nil {
				return illegal("component templates [%s] cannot be removed as they are still in use by index templates [%s]", t.name, strings.Join(users, ", "))
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
	return c.answer(http.StatusOK, obj("acknowledged", true))
}

func texts(n *node) []string {
	if n.kind == isString {
		return []string{n.text}
	}
	out := make([]string, 0, len(n.items))
	for i := range n.items {
		out = append(out, n.items[i].text)
	}
	return out
}

func (c *call) parseComposable(name string, n *node) (*template, error) {
	t := &template{name: name, body: *n}
	for i := range n.members {
		m := &n.members[i]
		switch m.name {
		case "index_patterns":
			t.patterns = texts(&m.node)
		case "priority":
			p, err := strconv.Atoi(m.node.text)
			if err != nil {
				return nil, errorf(http.StatusBadRequest, "x_content_parse_exception", "[1:%d] [index_template] failed to parse field [priority]", m.node.start+1).
					because(illegal("For input string: \"%s\"", m.node.text))
			}
			if p < 0 {
				return nil, invalid("index template priority must be >= 0")
			}
			t.priority = p
		case "composed_of":
			t.parts = texts(&m.node)
		case "template":
			if err := c.parseInner(t, &m.node, "index_template"); err != nil {
				return nil, err
			}
		case "version", "_meta", "allow_auto_create", "ignore_missing_component_templates", "deprecated":
		case "data_stream":
			return nil, notOffered("data streams")
		default:
			return nil, errorf(http.StatusBadRequest, "x_content_parse_exception", "[1:%d] [index_template] unknown field [%s]", m.at+1, m.name)
		}
	}
	if t.patterns == nil {
		return nil, illegal("Required [index_patterns]")
	}
	return t, nil
}

func (c *call) parseComponent(name string, n *node) (*template, error) {
	t := &template{name: name, body: *n}
	found := false
	for i := range n.members {
		m := &n.members[i]
		switch m.name {
		case "template":
			found = true
			if err := c.parseInner(t, &m.node, "component_template"); err != nil {
				return nil, err
			}
		case "version", "_meta", "allow_auto_create", "deprecated":
		default:
			return nil, errorf(http.StatusBadRequest, "x_content_parse_exception", "[1:%d] [component_template] unknown field [%s]", m.at+1, m.name)
		}
	}
	if !found {
		return nil, illegal("Required [template]")
	}
	m := newMapping(c.profile.major)
	for _, part := range t.draft.mappings {
		if _, err := m.with(part); err != nil {
			return nil, c.unparsable(err)
		}
	}
	_, err := newSettings(t.draft.settings, c.profile.major)
	return t, err
}

// unparsable is the error of a template whose mapping is none.
func (c *call) unparsable(err error) error {
	cause := asAPIError(err)
	if cause.status != http.StatusBadRequest || c.profile.major < firstUntyped {
		return err
	}
	return mapperError("Failed to parse mapping [_doc]: %s", cause.reason).because(cause)
}

// parseInner reads the part of a template that an index is made of.
func (c *call) parseInner(t *template, n *node, what string) error {
	for i := range n.members {
		switch m := &n.members[i]; m.name {
		case "settings", "mappings", "aliases":
		default:
			return errorf(http.StatusBadRequest, "x_content_parse_exception", "[1:%d] [%s] failed to parse field [template]", m.node.end+1, what).
				because(errorf(http.StatusBadRequest, "x_content_parse_exception", "[1:%d] [template] unknown field [%s]", m.at+1, m.name))
		}
	}
	var err error
	t.draft, err = c.parseDraft(n)
	return err
}

func (c *call) parseLegacy(name string, n *node) (*template, error) {
	t := &template{name: name, body: *n}
	inner := node{kind: isObject}
	for i := range n.members {
		m := &n.members[i]
		switch m.name {
		case "index_patterns", "template":
			t.patterns = texts(&m.node)
		case "order":
			p, err := strconv.Atoi(m.node.text)
			if err != nil {
				return nil, numberFormat(m.node.text)
			}
			t.priority = p
		case "settings", "mappings", "aliases":
			inner.members = append(inner.members, *m)
		case "version", "warmers":
		default:
			return nil, errorf(http.StatusBadRequest, "parse_exception", "unknown key [%s] in the template ", m.name)
		}
	}
	if t.patterns == nil {
		return nil, invalid("index patterns are missing")
	}
	var err error
	if t.draft, err = c.parseDraft(&inner); err != nil {
		return nil, err
	}
	m := newMapping(c.profile.major)
	for _, part := range t.draft.mappings {
		if m, err = m.with(part); err != nil {
			return nil, c.unparsable(err)
		}
	}
	_, err = newSettings(t.draft.settings, c.profile.major)
	return t, err
}
