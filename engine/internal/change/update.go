package change

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/wire"
)

// Update is what the body of an update says.
type Update struct {
	doc         *wire.Node
	upsert      *wire.Node
	docAsUpsert bool
	detectNoop  bool
	script      bool
	source      *wire.SourceFilter
}

// parseUpdate reads the body of an update.
func parseUpdate(n *wire.Node) (*Update, error) {
	u := &Update{detectNoop: true}
	for i := range n.Members {
		m := &n.Members[i]
		switch m.Name {
		case "doc":
			u.doc = &m.Node
		case "upsert":
			u.upsert = &m.Node
		case "doc_as_upsert":
			u.docAsUpsert = m.Node.Text == "true"
		case "detect_noop":
			u.detectNoop = m.Node.Text != "false"
		case "script":
			u.script = true
		case "scripted_upsert":
			if m.Node.Text == "true" {
				return nil, wire.NotOffered("scripts")
			}
		case "_source":
			f, err := wire.ParseSourceFilter(&m.Node)
			if err != nil {
				return nil, err
			}
			u.source = f
		case "lang", "params":
			u.script = true
		case "if_seq_no", "if_primary_term":
			return nil, wire.NotOffered("the field [%s] in the body of an update", m.Name)
		default:
			return nil, wire.Errorf(400, "x_content_parse_exception", "[1:%d] [UpdateRequest] unknown field [%s]",
				m.At+1, m.Name)
		}
	}
	for _, part := range []*wire.Node{u.doc, u.upsert} {
		if part != nil && part.Kind != wire.ObjectKind {
			return nil, wire.Errorf(400, "x_content_parse_exception",
				"[1:%d] [UpdateRequest] doc doesn't support values of type: %s", part.Start+1, part.Token())
		}
	}
	return u, nil
}

// ReadUpdate reads the body of an update from the source.
func (o *Op) ReadUpdate() error {
	n, err := wire.Parse(o.Source)
	if err != nil {
		return err
	}
	if n.Kind != wire.ObjectKind {
		return wire.Errorf(http.StatusBadRequest, "x_content_parse_exception",
			"[1:%d] [UpdateRequest] Expected START_OBJECT but was: %s", n.Start+1, n.Token())
	}
	if o.Update, err = parseUpdate(&n); err == nil && o.Update.source != nil {
		o.WantSource = o.Update.source
	}
	return err
}

// mergeNodes puts the members of one object over those of another, objects inside of objects too.
func mergeNodes(old, add *wire.Node) (wire.Node, bool) {
	out := *old
	out.Members = slices.Clone(old.Members)
	changed := false
	places := old.Places()
	for i := range add.Members {
		m := &add.Members[i]
		at, ok := places(m.Name)
		switch {
		case !ok:
			out.Members = append(out.Members, *m)
			changed = true
		case m.Node.Kind == wire.ObjectKind && out.Members[at].Node.Kind == wire.ObjectKind:
			merged, different := mergeNodes(&out.Members[at].Node, &m.Node)
			out.Members[at].Node = merged
			changed = changed || different
		case !sameNode(&out.Members[at].Node, &m.Node):
			out.Members[at].Node = m.Node
			changed = true
		}
	}
	return out, changed
}

// sameNode says whether two values are the same, whatever the order of names.
func sameNode(a, b *wire.Node) bool {
	if a.Kind == wire.NumberKind && b.Kind == wire.NumberKind && a.Text != b.Text {
		x, err1 := strconv.ParseFloat(a.Text, 64)
		y, err2 := strconv.ParseFloat(b.Text, 64)
		return err1 == nil && err2 == nil && x == y &&
			strings.ContainsAny(a.Text, ".eE") == strings.ContainsAny(b.Text, ".eE")
	}
	if a.Kind != b.Kind || a.Text != b.Text || len(a.Items) != len(b.Items) || len(a.Members) != len(b.Members) {
		return false
	}
	for i := range a.Items {
		if !sameNode(&a.Items[i], &b.Items[i]) {
			return false
		}
	}
	places := b.Places()
	for i := range a.Members {
		at, ok := places(a.Members[i].Name)
		if !ok || !sameNode(&a.Members[i].Node, &b.Members[at].Node) {
			return false
		}
	}
	return true
}
