package engine

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/change"
	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

var (
	writeParameters = []string{
		"refresh", "routing", "op_type", "version", "version_type", "if_seq_no", "if_primary_term", "pipeline",
		"require_alias", "wait_for_active_shards", "consistency", "replication", "type",
	}
	getParameters = []string{
		"realtime", "refresh", "preference", "routing", "_source", "_source_includes", "_source_excludes",
		"_source_include", "_source_exclude",
	}
)

// document answers the APIs of a single document.
func (c *call) document(index, api, docType string, rest []string) error {
	id := ""
	if len(rest) > 0 {
		id = rest[0]
	}
	switch api {
	case "_doc":
		if id == "" {
			return c.allow(func() error { return c.putDocument(index, docType, "", "index") }, http.MethodPost)
		}
		switch c.r.Method {
		case http.MethodGet, http.MethodHead:
			return c.get(index, docType, id, false)
		case http.MethodDelete:
			return c.remove(index, docType, id)
		}
		return c.allow(func() error { return c.putDocument(index, docType, id, c.query.Get("op_type")) },
			http.MethodPut, http.MethodPost, http.MethodGet, http.MethodHead, http.MethodDelete)
	case "_create":
		if id == "" {
			return c.unknownPath()
		}
		return c.allow(func() error { return c.putDocument(index, docType, id, "create") }, http.MethodPut, http.MethodPost)
	case "_update":
		if id == "" {
			return c.unknownPath()
		}
		return c.allow(func() error { return c.update(index, docType, id) }, http.MethodPost)
	default:
		if id == "" {
			return c.unknownPath()
		}
		return c.allow(func() error { return c.get(index, docType, id, true) }, http.MethodGet, http.MethodHead)
	}
}

// putDocument is the API that puts a document in place.
func (c *call) putDocument(index, docType, id, opType string) error {
	if err := c.known(writeParameters, []string{"parent", "timestamp", "ttl"}); err != nil {
		return err
	}
	if opType != "" && opType != "index" && opType != "create" {
		return wire.Illegal("opType must be 'create' or 'index', found: [%s]", opType)
	}
	if len(c.body) == 0 {
		return wire.Errorf(http.StatusBadRequest, "parse_exception", "request body is required")
	}
	o, err := c.parseOp(index, docType, id)
	if err != nil {
		return err
	}
	o.Action, o.Source = mapping.FirstNonEmpty(opType, "index"), c.body
	if id == "" {
		o.ID = store.NewID()
	}
	return c.runOne(o)
}

// remove is the API that deletes a document.
func (c *call) remove(index, docType, id string) error {
	if err := c.known(writeParameters, []string{"parent"}); err != nil {
		return err
	}
	o, err := c.parseOp(index, docType, id)
	if err != nil {
		return err
	}
	o.Action = "delete"
	return c.runOne(o)
}

// update is the API that changes parts of a document.
func (c *call) update(index, docType, id string) error {
	known := append([]string{
		"retry_on_conflict", "lang", "detect_noop", "_source", "_source_includes", "_source_excludes",
	}, writeParameters...)
	if err := c.known(known, []string{"parent", "fields", "script"}); err != nil {
		return err
	}
	o, err := c.parseOp(index, docType, id)
	if err != nil {
		return err
	}
	o.Action = "update"
	if _, err := c.number("retry_on_conflict", 0); err != nil {
		return err
	}
	o.WantSource = c.sourceParameters()
	if len(c.body) > 0 {
		o.Source = c.body
		if err := o.ReadUpdate(); err != nil {
			return err
		}
	}
	return c.runOne(o)
}

// parseOp reads what the URL says about a change.
func (c *call) parseOp(index, docType, id string) (*change.Op, error) {
	o := change.NewOp()
	o.Index, o.DocType, o.ID = index, docType, id
	o.Routing, o.Pipeline = c.query.Get("routing"), c.query.Get("pipeline")
	var err error
	if o.RequireAlias, err = c.flag("require_alias", false); err != nil {
		return nil, err
	}
	for name, into := range map[string]*int64{"version": &o.Version, "if_seq_no": &o.IfSeq, "if_primary_term": &o.IfTerm} {
		if v := c.query.Get(name); v != "" {
			if *into, err = strconv.ParseInt(v, 10, 64); err != nil {
				return nil, wire.Illegal("Failed to parse long parameter [%s] with value [%s]", name, v).
					Because(wire.NumberFormat(v))
			}
		}
	}
	if v := c.query.Get("version_type"); v != "" {
		if err := o.SetVersionType(v); err != nil {
			return nil, err
		}
	}
	return o, c.activeShards()
}

// runOne makes one change and answers with what came of it.
func (c *call) runOne(o *change.Op) error {
	forced, err := c.refreshParameter()
	if err != nil {
		return err
	}
	if e := o.Check(); e != nil {
		return e
	}
	c.run([]*change.Op{o})
	if o.Err != nil {
		return o.Err
	}
	answer := c.head(o.Target.Name, o.DocType, o.ID)
	answer = append(answer, wire.Entry{Name: "_version", Value: o.NewVersion})
	if o.Result != "not_found" || c.profile.major >= mapping.FirstTyped {
		place := []string{o.Target.Name, mapping.FirstNonEmpty(o.DocType, "_doc"), o.ID}
		c.w.Header().Set("Location", "/"+strings.Join(place, "/"))
		if o.Result != "created" {
			c.w.Header().Del("Location")
		}
	}
	if c.profile.major < mapping.FirstTyped {
		name, value := "created", o.Result == "created"
		if o.Action == "delete" {
			name, value = "found", o.Result == "deleted"
		}
		if o.Action == "update" {
			return c.answer(o.Status(), answer)
		}
		return c.answer(o.Status(), append(answer, wire.Entry{Name: name, Value: value}))
	}
	out := c.outcome(o, forced)
	if o.Result == "noop" {
		for i := range out {
			if out[i].Name == "_shards" {
				out[i].Value = wire.Obj("total", 0, "successful", 0, "failed", 0)
			}
		}
	}
	answer = append(answer, out...)
	if got := o.Updated(); got != nil {
		answer = append(answer, wire.Entry{Name: "get", Value: got})
	}
	return c.answer(o.Status(), answer)
}

// head is the beginning of an answer about a document.
func (c *call) head(index, docType, id string) wire.Object {
	o := wire.Obj("_index", index)
	switch {
	case c.profile.major < mapping.FirstUntyped:
		o = append(o, wire.Entry{Name: "_type", Value: docType})
	case c.profile.major == mapping.FirstUntyped:
		o = append(o, wire.Entry{Name: "_type", Value: "_doc"})
	}
	return append(o, wire.Entry{Name: "_id", Value: id})
}

// get is the API that reads a document, or only its source.
func (c *call) get(index, docType, id string, sourceOnly bool) error {
	known := append([]string{"version"}, getParameters...)
	if err := c.known(known, []string{"stored_fields", "fields", "parent", "version_type"}); err != nil {
		return err
	}
	filter := c.sourceParameters()
	x, err := c.single(index)
	if err != nil {
		return err
	}
	d, err := x.Read(docType, id)
	if err != nil {
		return err
	}
	if v := c.query.Get("version"); v != "" && d != nil {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return wire.Illegal("Failed to parse long parameter [version] with value [%s]", v).Because(wire.NumberFormat(v))
		}
		if n != d.Version {
			return wire.Errorf(http.StatusConflict, "version_conflict_engine_exception",
				"[%s]: version conflict, current version [%d] is different than the one provided [%d]", id, d.Version, n).
				With("index", x.Name, "shard", "0", "index_uuid", x.UUID)
		}
	}
	if sourceOnly {
		if d == nil {
			if c.profile.major == mapping.FirstUntyped {
				id = "_doc]/[" + id
			}
			return wire.Errorf(http.StatusNotFound, "resource_not_found_exception", "Document not found [%s]/[%s]", x.Name, id)
		}
		return c.answer(http.StatusOK, filter.Apply(d.Source))
	}
	status := http.StatusOK
	if d == nil {
		status = http.StatusNotFound
	}
	return c.answer(status, c.found(x, docType, id, d, filter))
}

// found is the answer of the APIs that read a document.
func (c *call) found(x *store.Index, docType, id string, d *store.Stored, filter *wire.SourceFilter) wire.Object {
	if d == nil {
		if docType == "_all" {
			docType = ""
		}
		return append(c.head(x.Name, docType, id), wire.Entry{Name: "found", Value: false})
	}
	o := append(c.head(x.Name, d.DocType, id), wire.Entry{Name: "_version", Value: d.Version})
	if c.profile.major >= mapping.FirstUntyped {
		o = append(o, wire.Entry{Name: "_seq_no", Value: d.Seq}, wire.Entry{Name: "_primary_term", Value: 1})
	}
	if d.Routing != "" {
		o = append(o, wire.Entry{Name: "_routing", Value: d.Routing})
	}
	o = append(o, wire.Entry{Name: "found", Value: true})
	if filter == nil || filter.Wanted() {
		o = append(o, wire.Entry{Name: "_source", Value: filter.Apply(d.Source)})
	}
	return o
}

// mget answers _mget.
func (c *call) mget(expr string) error {
	if err := c.known(getParameters, []string{"stored_fields", "fields"}); err != nil {
		return err
	}
	filter := c.sourceParameters()
	if len(c.body) == 0 {
		return wire.Errorf(http.StatusBadRequest, "parse_exception", "request body or source parameter is required")
	}
	n, err := wire.ParseBody(c.body)
	if err != nil {
		return err
	}
	wanted, err := c.parseMget(&n, expr, filter)
	if err != nil {
		return err
	}
	docs, size := make([]any, 0, len(wanted)), 0
	for _, w := range wanted {
		doc, n := c.mgetOne(w)
		if size += n; int64(size) > c.maxAnswer() {
			return c.tooMuch()
		}
		docs = append(docs, doc)
	}
	return c.answer(http.StatusOK, wire.Obj("docs", docs))
}

// wish is a document that _mget asks for.
type wish struct {
	index, docType, id string
	filter             *wire.SourceFilter
}

func (c *call) parseMget(n *wire.Node, expr string, filter *wire.SourceFilter) ([]wish, error) {
	var wanted []wish
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "docs":
			for j := range m.Node.Items {
				w, err := c.parseWish(&m.Node.Items[j], wish{expr, c.docType(), "", filter})
				if err != nil {
					return nil, err
				}
				wanted = append(wanted, w)
			}
		case "ids":
			for j := range m.Node.Items {
				wanted = append(wanted, wish{expr, c.docType(), m.Node.Items[j].Text, filter})
			}
		default:
			line, column := wire.Position(c.body, m.At)
			return nil, wire.Errorf(http.StatusBadRequest, "parsing_exception",
				"unknown key [%s] for a %s, expected [docs] or [ids]", m.Name, m.Node.Token()).With("line", line, "col", column)
		}
	}
	if len(wanted) == 0 {
		return nil, wire.Invalid("no documents to get")
	}
	for i, w := range wanted {
		if w.index == "" {
			return nil, wire.Invalid("index is missing for doc %d", i)
		}
		if w.id == "" {
			return nil, wire.Invalid("id is missing for doc %d", i)
		}
	}
	return wanted, nil
}

func (c *call) parseWish(n *wire.Node, w wish) (wish, error) {
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "_index":
			if c.cfg.NoExplicitIndex {
				return w, wire.Illegal("explicit index in multi get is not allowed")
			}
			w.index = m.Node.Text
		case "_type":
			w.docType = m.Node.Text
		case "_id":
			w.id = m.Node.Text
		case "routing", "_routing":
		case "_source":
			var err error
			if w.filter, err = wire.ParseSourceFilter(&m.Node); err != nil {
				return w, err
			}
		default:
			return w, wire.NotOffered("the field [%s] in the body of _mget", m.Name)
		}
	}
	return w, nil
}

func (c *call) mgetOne(w wish) (doc wire.Object, size int) {
	x, err := c.single(w.index)
	var d *store.Stored
	if err == nil {
		d, err = x.Read(w.docType, w.id)
	}
	if err != nil {
		e := wire.AsFailure(err)
		if c.profile.major < mapping.FirstTyped {
			return append(c.head(w.index, w.docType, w.id), wire.Entry{Name: "error", Value: wire.LegacyError(e)}), 0
		}
		head := c.head(w.index, w.docType, w.id)
		if c.profile.major == mapping.FirstUntyped {
			head[1].Value = nil
		}
		return append(head, wire.Entry{Name: "error", Value: e.Full()}), 0
	}
	if d != nil {
		size = len(d.Source)
	}
	return c.found(x, w.docType, w.id, d, w.filter), size
}
