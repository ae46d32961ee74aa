package engine

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

var bulkParameters = []string{"refresh", "routing", "pipeline", "require_alias", "_source", "_source_includes", "_source_excludes", "wait_for_active_shards", "type", "batch_size", "consistency", "replication", "rest_total_hits_as_int"}

// bulk answers _bulk: every change has its own outcome, in the order of the request.
func (c *call) bulk() error {
	began := time.Now()
	if err := c.known(bulkParameters, nil); err != nil {
		return err
	}
	if v := c.query.Get("timeout"); v != "" {
		if err := timeValue("timeout", v); err != nil {
			return err
		}
	}
	defaults, forced, err := c.bulkDefaults()
	if err != nil {
		return err
	}
	if len(c.body) == 0 {
		return wire.Errorf(http.StatusBadRequest, "parse_exception", "request body is required")
	}
	ops, err := c.parseBulk(defaults)
	if err != nil {
		return err
	}
	if err := validate(ops, c.profile.major); err != nil {
		return err
	}
	c.run(ops)
	failed := slices.ContainsFunc(ops, func(o *op) bool { return o.err != nil })
	items := wire.List(func(yield func(any) bool) {
		for _, o := range ops {
			if !yield(wire.Obj(o.action, c.bulkItem(o, forced))) {
				return
			}
		}
	})
	answer := wire.Obj("took", time.Since(began).Milliseconds())
	if slices.ContainsFunc(ops, func(o *op) bool { return o.pipeline != "" && o.pipeline != "_none" }) {
		answer = append(answer, wire.Entry{Name: "ingest_took", Value: 0})
	}
	return c.answer(http.StatusOK, append(answer, wire.Entry{Name: "errors", Value: failed}, wire.Entry{Name: "items", Value: items}))
}

// bulkDefaults are what the URL says for all changes.
func (c *call) bulkDefaults() (o *op, forced bool, err error) {
	o = newOp()
	if len(c.path) > 1 {
		o.index = c.path[0]
		o.docType = c.docType()
	}
	o.routing, o.pipeline = c.query.Get("routing"), c.query.Get("pipeline")
	if o.requireAlias, err = c.flag("require_alias", false); err != nil {
		return nil, false, err
	}
	o.wantSource = c.sourceParameters()
	if forced, err = c.refreshParameter(); err != nil {
		return nil, false, err
	}
	return o, forced, c.activeShards()
}

// refreshParameter says whether a refresh is forced. Everything can be found at once in any case.
func (c *call) refreshParameter() (forced bool, err error) {
	if !c.query.Has("refresh") {
		return false, nil
	}
	switch v := c.query.Get("refresh"); v {
	case "", "true":
		return true, nil
	case "false", "wait_for":
		return false, nil
	default:
		return false, wire.Illegal("Unknown value for refresh: [%s].", v)
	}
}

// activeShards refuses to wait for copies that there never will be.
func (c *call) activeShards() error {
	switch v := c.query.Get("wait_for_active_shards"); v {
	case "", "0", "1":
		return nil
	default:
		return wire.NotOffered("wait_for_active_shards=%s, on a single node", v)
	}
}

// maxOps bounds the changes of one request.
const maxOps = 500_000

// parseBulk reads the lines of a request.
func (c *call) parseBulk(defaults *op) ([]*op, error) {
	var ops []*op
	rest, line := c.body, 0
	next := func() ([]byte, bool, error) {
		if len(rest) == 0 {
			return nil, false, nil
		}
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return nil, false, wire.Illegal("The bulk request must be terminated by a newline [\\n]")
		}
		text := rest[:i]
		rest = rest[i+1:]
		line++
		return bytes.TrimSuffix(text, []byte{'\r'}), true, nil
	}
	for {
		text, ok, err := next()
		if err != nil || !ok {
			return ops, err
		}
		if len(text) == 0 {
			continue
		}
		o, err := c.parseAction(text, line, defaults)
		if err != nil {
			return nil, err
		}
		if o.action != "delete" {
			if o.source, ok, err = next(); err != nil {
				return nil, err
			}
			if !ok {
				return ops, nil // an action without its document is passed over
			}
		}
		if o.action == "update" {
			if err := o.readUpdate(); err != nil {
				return nil, err
			}
		}
		if ops = append(ops, o); len(ops) > maxOps {
			return nil, wire.Errorf(http.StatusRequestEntityTooLarge, "content_too_long_exception", "more than [%d] actions in one request", maxOps)
		}
	}
}

func (o *op) readUpdate() error {
	n, err := wire.Parse(o.source)
	if err != nil {
		return err
	}
	if n.Kind != wire.ObjectKind {
		return wire.Errorf(http.StatusBadRequest, "x_content_parse_exception", "[1:%d] [UpdateRequest] Expected START_OBJECT but was: %s", n.Start+1, n.Token())
	}
	if o.update, err = parseUpdate(&n); err == nil && o.update.source != nil {
		o.wantSource = o.update.source
	}
	return err
}

// parseAction reads a line that says what to do with the next one.
func (c *call) parseAction(text []byte, line int, defaults *op) (*op, error) {
	malformed := func(format string, args ...any) error {
		return wire.Illegal("Malformed action/metadata line [%d], %s", line, fmt.Sprintf(format, args...))
	}
	n, err := wire.Parse(text)
	if err != nil {
		return nil, err
	}
	if n.Kind != wire.ObjectKind {
		return nil, malformed("expected START_OBJECT but found [%s]", n.Token())
	}
	if len(n.Members) == 0 {
		return nil, malformed("expected FIELD_NAME but found [END_OBJECT]")
	}
	o := *defaults
	o.action = n.Members[0].Name
	if !slices.Contains([]string{"create", "delete", "index", "update"}, o.action) {
		return nil, malformed("expected one of [create, delete, index, update] but found [%s]", o.action)
	}
	about := &n.Members[0].Node
	if about.Kind != wire.ObjectKind {
		return nil, malformed("expected START_OBJECT or END_OBJECT but found [%s]", about.Token())
	}
	for i := range about.Members {
		m := &about.Members[i]
		if m.Node.Kind == wire.NullKind {
			continue
		}
		if m.Name == "_source" {
			if o.wantSource, err = wire.ParseSourceFilter(&m.Node); err != nil {
				return nil, err
			}
			continue
		}
		if m.Node.Kind == wire.ObjectKind || m.Node.Kind == wire.ArrayKind {
			return nil, malformed("expected a simple value for field [%s] but found [%s]", m.Name, m.Node.Token())
		}
		if err := c.actionParameter(&o, m.Name, m.Node.Text, line); err != nil {
			return nil, err
		}
	}
	switch {
	case c.profile.major < mapping.FirstUntyped || o.docType == "":
	case c.profile.major == mapping.FirstUntyped && o.docType != "_doc":
		return nil, wire.NotOffered("mapping types other than _doc: [%s]", o.docType)
	default:
		o.docType = ""
	}
	if o.id == "" && (o.action == "index" || o.action == "create") && !hasID(about) {
		o.id = store.NewID()
	}
	return &o, nil
}

func hasID(about *wire.Node) bool {
	id, ok := about.Get("_id")
	return ok && id.Kind != wire.NullKind
}

func (c *call) actionParameter(o *op, name, value string, line int) error {
	number := func(into *int64) error {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return wire.Illegal("For input string: \"%s\"", value)
		}
		*into = n
		return nil
	}
	old := c.profile.major < mapping.FirstUntyped
	switch name {
	case "_index":
		if c.cfg.NoExplicitIndex {
			return wire.Illegal("explicit index in bulk is not allowed")
		}
		var err error
		o.index, err = dates.ExpandNames(value, time.Now())
		return err
	case "_id":
		o.id = value
	case "routing":
		o.routing = value
	case "_type":
		if c.profile.major > mapping.FirstUntyped {
			return wire.Illegal("Action/metadata line [%d] contains an unknown parameter [_type]", line)
		}
		o.docType = value
	case "version", "_version":
		return number(&o.version)
	case "version_type", "_version_type":
		return o.versionType(value)
	case "if_seq_no":
		return number(&o.ifSeq)
	case "if_primary_term":
		return number(&o.ifTerm)
	case "retry_on_conflict", "_retry_on_conflict":
		var n int64
		return number(&n) // nobody else writes in between
	case "op_type":
		if o.action == "index" && value == "create" {
			o.action = "create"
		}
	case "pipeline":
		o.pipeline = value
	case "require_alias":
		o.requireAlias = value == "true"
	case "_routing", "_parent", "parent", "_timestamp", "_ttl":
		if old && name == "_routing" {
			o.routing = value
			return nil
		}
		if old {
			return wire.NotOffered("the parameter [%s] of an action", name)
		}
		return wire.Illegal("Action/metadata line [%d] contains an unknown parameter [%s]", line, name)
	case "dynamic_templates":
		return wire.NotOffered("the parameter [%s] of an action", name)
	default:
		return wire.Illegal("Action/metadata line [%d] contains an unknown parameter [%s]", line, name)
	}
	return nil
}

func (o *op) versionType(value string) error {
	switch value {
	case "internal":
	case "external", "external_gt":
		o.external = "external"
	case "external_gte":
		o.external = value
	default:
		return wire.Illegal("No version type match [%s]", value)
	}
	return nil
}

// validate refuses the whole request for what is missing in any part of it.
func validate(ops []*op, major int) error {
	var missing []string
	const most = 100
	for _, o := range ops {
		if o.index == "" {
			missing = append(missing, "index is missing")
		}
		if o.docType == "" && major < mapping.FirstUntyped {
			missing = append(missing, "type is missing")
		}
		if o.id == "" && (o.action == "update" || o.action == "delete") {
			missing = append(missing, "id is missing")
		}
		if e := o.check(); e != nil {
			text := strings.TrimPrefix(e.Reason, "Validation Failed: 1: ")
			missing = append(missing, strings.TrimSuffix(text, ";"))
		}
		if len(missing) > most {
			break
		}
	}
	if len(ops) == 0 {
		missing = append(missing, "no requests added")
	}
	if missing == nil {
		return nil
	}
	return wire.Errorf(http.StatusBadRequest, "action_request_validation_exception", "%s", wire.ValidationFailed(missing))
}

// run makes changes to any number of indexes, in order within each. Every change has its outcome afterwards.
func (c *call) run(ops []*op) {
	var order []string
	groups := map[string][]*op{}
	for _, o := range ops {
		switch {
		case o.id == "":
			o.err = wire.Illegal("if _id is specified it must not be empty")
			continue
		case o.pipeline != "" && o.pipeline != "_none" && o.action != "delete":
			o.err = wire.Illegal("pipeline with id [%s] does not exist", o.pipeline)
			continue
		}
		if groups[o.index] == nil {
			order = append(order, o.index)
		}
		groups[o.index] = append(groups[o.index], o)
	}
	for _, name := range order {
		c.runOn(name, groups[name])
	}
}

// runOn makes changes to one index, creating it for the first change that may.
func (c *call) runOn(name string, ops []*op) {
	const attempts = 10 // while others delete the index
	for range attempts {
		x, err := c.target(name, ops[0].requireAlias)
		for len(ops) > 0 && x == nil && err == nil {
			if o := ops[0]; o.action == "delete" && o.external == "" {
				o.err = noIndex(name, "index_expression")
				ops = ops[1:]
				continue
			}
			x, err = c.autoCreate(name)
		}
		if len(ops) == 0 {
			return
		}
		if err == nil {
			if err = c.apply(x, ops); err == nil {
				return
			}
			if errors.Is(err, store.ErrClosed) && c.stillOpen() {
				continue // the index was deleted meanwhile
			}
		}
		for _, o := range ops {
			o.err = wire.AsFailure(err)
		}
		return
	}
	for _, o := range ops {
		o.err = noIndex(name, "index_expression")
	}
}

func (e *Engine) stillOpen() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return !e.closed
}

// bulkItem is the outcome of one change.
func (c *call) bulkItem(o *op, forced bool) wire.Object {
	index := o.index
	if o.target != nil {
		index = o.target.Name
	}
	item := wire.Obj("_index", index)
	if o.docType != "" {
		item = append(item, wire.Entry{Name: "_type", Value: o.docType})
	} else if c.profile.major == mapping.FirstUntyped {
		item = append(item, wire.Entry{Name: "_type", Value: "_doc"})
	}
	item = append(item, wire.Entry{Name: "_id", Value: o.id})
	if o.err != nil {
		return append(item, wire.Entry{Name: "status", Value: o.err.Status}, wire.Entry{Name: "error", Value: c.item(o.err)})
	}
	item = append(item, wire.Entry{Name: "_version", Value: o.ver})
	if c.profile.major < mapping.FirstTyped {
		item = append(item, wire.Entry{Name: "status", Value: o.status()})
		if o.action == "delete" {
			item = append(item, wire.Entry{Name: "found", Value: o.result == "deleted"})
		}
		return item
	}
	item = append(item, c.outcome(o, forced)...)
	if got := o.got(); got != nil {
		item = append(item, wire.Entry{Name: "get", Value: got})
	}
	return append(item, wire.Entry{Name: "status", Value: o.status()})
}

// outcome is what a change says beside the document's name and version.
func (c *call) outcome(o *op, forced bool) wire.Object {
	out := wire.Obj("result", o.result)
	if forced && o.result != "noop" {
		out = append(out, wire.Entry{Name: "forced_refresh", Value: true})
	}
	return append(out, wire.Entry{Name: "_shards", Value: o.target.ShardsWritten()}, wire.Entry{Name: "_seq_no", Value: o.seq}, wire.Entry{Name: "_primary_term", Value: 1})
}

// got is the source of an updated document, when it was asked for.
func (o *op) got() any {
	if o.action != "update" || o.wantSource == nil || o.get == nil || !o.wantSource.Wanted() {
		return nil
	}
	return wire.Obj("_seq_no", o.seq, "_primary_term", 1, "found", true, "_source", o.wantSource.Apply(o.get))
}

func (o *op) status() int {
	switch o.result {
	case "created":
		return http.StatusCreated
	case "not_found":
		return http.StatusNotFound
	}
	return http.StatusOK
}
