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

	"github.com/seed56735111/penstock/engine/internal/change"
	"github.com/seed56735111/penstock/engine/internal/dates"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

var bulkParameters = []string{
	"refresh", "routing", "pipeline", "require_alias", "_source", "_source_includes", "_source_excludes",
	"wait_for_active_shards", "type", "batch_size", "consistency", "replication", "rest_total_hits_as_int",
}

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
	failed := slices.ContainsFunc(ops, func(o *change.Op) bool { return o.Err != nil })
	items := wire.List(func(yield func(any) bool) {
		for _, o := range ops {
			if !yield(wire.Obj(o.Action, c.bulkItem(o, forced))) {
				return
			}
		}
	})
	answer := wire.Obj("took", time.Since(began).Milliseconds())
	if slices.ContainsFunc(ops, func(o *change.Op) bool { return o.Pipeline != "" && o.Pipeline != "_none" }) {
		answer = append(answer, wire.Entry{Name: "ingest_took", Value: 0})
	}
	return c.answer(http.StatusOK, append(answer, wire.Entry{Name: "errors", Value: failed},
		wire.Entry{Name: "items", Value: items}))
}

// bulkDefaults are what the URL says for all changes.
func (c *call) bulkDefaults() (o *change.Op, forced bool, err error) {
	o = change.NewOp()
	if len(c.path) > 1 {
		o.Index = c.path[0]
		o.DocType = c.docType()
	}
	o.Routing, o.Pipeline = c.query.Get("routing"), c.query.Get("pipeline")
	if o.RequireAlias, err = c.flag("require_alias", false); err != nil {
		return nil, false, err
	}
	o.WantSource = c.sourceParameters()
	if forced, err = c.refreshParameter(); err != nil {
		return nil, false, err
	}
	return o, forced, c.activeShards()
}

// refreshParameter says whether a refresh is forced. Documents are searchable at once with or without it.
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

// activeShards refuses to wait for more copies than one node can have.
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
func (c *call) parseBulk(defaults *change.Op) ([]*change.Op, error) {
	var ops []*change.Op
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
		if o.Action != "delete" {
			if o.Source, ok, err = next(); err != nil {
				return nil, err
			}
			if !ok {
				return ops, nil // an action without its document is passed over
			}
		}
		if o.Action == "update" {
			if err := o.ReadUpdate(); err != nil {
				return nil, err
			}
		}
		if ops = append(ops, o); len(ops) > maxOps {
			return nil, wire.Errorf(http.StatusRequestEntityTooLarge, "content_too_long_exception",
				"more than [%d] actions in one request", maxOps)
		}
	}
}

// parseAction reads a line that says what to do with the next one.
func (c *call) parseAction(text []byte, line int, defaults *change.Op) (*change.Op, error) {
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
	o.Action = n.Members[0].Name
	if !slices.Contains([]string{"create", "delete", "index", "update"}, o.Action) {
		return nil, malformed("expected one of [create, delete, index, update] but found [%s]", o.Action)
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
			if o.WantSource, err = wire.ParseSourceFilter(&m.Node); err != nil {
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
	case c.profile.major < mapping.FirstUntyped || o.DocType == "":
	case c.profile.major == mapping.FirstUntyped && o.DocType != "_doc":
		return nil, wire.NotOffered("mapping types other than _doc: [%s]", o.DocType)
	default:
		o.DocType = ""
	}
	if o.ID == "" && (o.Action == "index" || o.Action == "create") && !hasID(about) {
		o.ID = store.NewID()
	}
	return &o, nil
}

func hasID(about *wire.Node) bool {
	id, ok := about.Get("_id")
	return ok && id.Kind != wire.NullKind
}

func (c *call) actionParameter(o *change.Op, name, value string, line int) error {
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
		o.Index, err = dates.ExpandNames(value, time.Now())
		return err
	case "_id":
		o.ID = value
	case "routing":
		o.Routing = value
	case "_type":
		if c.profile.major > mapping.FirstUntyped {
			return wire.Illegal("Action/metadata line [%d] contains an unknown parameter [_type]", line)
		}
		o.DocType = value
	case "version", "_version":
		return number(&o.Version)
	case "version_type", "_version_type":
		return o.SetVersionType(value)
	case "if_seq_no":
		return number(&o.IfSeq)
	case "if_primary_term":
		return number(&o.IfTerm)
	case "retry_on_conflict", "_retry_on_conflict":
		var n int64
		return number(&n) // nobody else writes in between
	case "op_type":
		if o.Action == "index" && value == "create" {
			o.Action = "create"
		}
	case "pipeline":
		o.Pipeline = value
	case "require_alias":
		o.RequireAlias = value == "true"
	case "_routing", "_parent", "parent", "_timestamp", "_ttl":
		if old && name == "_routing" {
			o.Routing = value
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

// validate refuses the whole request when any of its changes lacks a part.
func validate(ops []*change.Op, major int) error {
	var missing []string
	const most = 100
	for _, o := range ops {
		if o.Index == "" {
			missing = append(missing, "index is missing")
		}
		if o.DocType == "" && major < mapping.FirstUntyped {
			missing = append(missing, "type is missing")
		}
		if o.ID == "" && (o.Action == "update" || o.Action == "delete") {
			missing = append(missing, "id is missing")
		}
		if e := o.Check(); e != nil {
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
func (c *call) run(ops []*change.Op) {
	var order []string
	groups := map[string][]*change.Op{}
	for _, o := range ops {
		switch {
		case o.ID == "":
			o.Err = wire.Illegal("if _id is specified it must not be empty")
			continue
		case o.Pipeline != "" && o.Pipeline != "_none" && o.Action != "delete":
			o.Err = wire.Illegal("pipeline with id [%s] does not exist", o.Pipeline)
			continue
		}
		if groups[o.Index] == nil {
			order = append(order, o.Index)
		}
		groups[o.Index] = append(groups[o.Index], o)
	}
	for _, name := range order {
		c.runOn(name, groups[name])
	}
}

// runOn makes changes to one index, creating it for the first change that may.
func (c *call) runOn(name string, ops []*change.Op) {
	const attempts = 10 // while others delete the index
	for range attempts {
		x, err := c.target(name, ops[0].RequireAlias)
		for len(ops) > 0 && x == nil && err == nil {
			if o := ops[0]; o.Action == "delete" && o.VersionType == "" {
				o.Err = noIndex(name, "index_expression")
				ops = ops[1:]
				continue
			}
			x, err = c.autoCreate(name)
		}
		if len(ops) == 0 {
			return
		}
		if err == nil {
			if err = change.Apply(x, c.profile.major, ops); err == nil {
				return
			}
			if errors.Is(err, store.ErrClosed) && c.stillOpen() {
				continue // the index was deleted meanwhile
			}
		}
		for _, o := range ops {
			o.Err = wire.AsFailure(err)
		}
		return
	}
	for _, o := range ops {
		o.Err = noIndex(name, "index_expression")
	}
}

func (e *Engine) stillOpen() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return !e.closed
}

// bulkItem is the outcome of one change.
func (c *call) bulkItem(o *change.Op, forced bool) wire.Object {
	index := o.Index
	if o.Target != nil {
		index = o.Target.Name
	}
	item := wire.Obj("_index", index)
	if o.DocType != "" {
		item = append(item, wire.Entry{Name: "_type", Value: o.DocType})
	} else if c.profile.major == mapping.FirstUntyped {
		item = append(item, wire.Entry{Name: "_type", Value: "_doc"})
	}
	item = append(item, wire.Entry{Name: "_id", Value: o.ID})
	if o.Err != nil {
		return append(item, wire.Entry{Name: "status", Value: o.Err.Status}, wire.Entry{Name: "error", Value: c.item(o.Err)})
	}
	item = append(item, wire.Entry{Name: "_version", Value: o.NewVersion})
	if c.profile.major < mapping.FirstTyped {
		item = append(item, wire.Entry{Name: "status", Value: o.Status()})
		if o.Action == "delete" {
			item = append(item, wire.Entry{Name: "found", Value: o.Result == "deleted"})
		}
		return item
	}
	item = append(item, c.outcome(o, forced)...)
	if got := o.Updated(); got != nil {
		item = append(item, wire.Entry{Name: "get", Value: got})
	}
	return append(item, wire.Entry{Name: "status", Value: o.Status()})
}

// outcome is the part of an answer about a change that follows the id and the version.
func (c *call) outcome(o *change.Op, forced bool) wire.Object {
	out := wire.Obj("result", o.Result)
	if forced && o.Result != "noop" {
		out = append(out, wire.Entry{Name: "forced_refresh", Value: true})
	}
	return append(out, wire.Entry{Name: "_shards", Value: o.Target.ShardsWritten()},
		wire.Entry{Name: "_seq_no", Value: o.NewSeq}, wire.Entry{Name: "_primary_term", Value: 1})
}
