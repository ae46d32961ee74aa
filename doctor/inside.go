package doctor

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// inside asks the domain for what the caller may not be allowed to see. A check is returned when there is nothing to go
// on with.
func inside[T any](ctx context.Context, w *walk, target string) (out T, skip *Check) {
	a, err := w.read(ctx, target)
	skipped := func(why string) *Check {
		c := mayNot("GET "+target, why, "allow es:ESHttpGet on "+w.resource(target)+", to have it looked at")
		return &c
	}
	switch {
	case err != nil:
		return out, skipped(textOf(err))
	case a.status == http.StatusTooManyRequests:
		c := failed(is(Throttled), "GET "+target+" "+a.words())
		return out, &c
	case a.err != nil:
		if a.status != http.StatusForbidden && a.status != http.StatusUnauthorized {
			c := Check{Status: Skipped, Seen: "GET " + target + " " + a.words(), Means: "the engine does not tell"}
			return out, &c
		}
		return out, skipped(a.words())
	}
	if err := json.Unmarshal(a.body, &out); err != nil {
		c := Check{Status: Skipped, Seen: "GET " + target + " was not answered with what was asked for"}
		return out, &c
	}
	return out, nil
}

// read asks the domain for something, once on the whole walk.
func (w *walk) read(ctx context.Context, target string) (*answer, error) {
	if a, ok := w.known[target]; ok {
		return a, nil
	}
	a, err := w.ask(ctx, w.signed, http.MethodGet, target, "")
	if err == nil && a.status != http.StatusTooManyRequests {
		w.known[target] = a
	}
	return a, err
}

// resource is a path as a policy names it.
func (w *walk) resource(target string) string {
	path, _, _ := strings.Cut(target, "?")
	if w.domain.Name == "" || w.domain.Account == "" {
		return path
	}
	return w.domain.Resource(path)
}

// checkFineGrained asks fine-grained access control who the caller is there.
func (w *walk) checkFineGrained(ctx context.Context) Check {
	type authInfo struct {
		User  string   `json:"user_name"`
		Roles []string `json:"roles"`
	}
	var skip *Check
	for _, path := range []string{"/_plugins/_security/authinfo", "/_opendistro/_security/authinfo"} {
		var info authInfo
		info, skip = inside[authInfo](ctx, w, path)
		if skip != nil {
			continue
		}
		if info.User == "" && info.Roles == nil {
			return Check{Status: Skipped, Seen: path + " was not answered as the security plugin answers"}
		}
		// The role that everybody has is for an index of the user's own name.
		roles := slices.DeleteFunc(slices.Clone(info.Roles), func(r string) bool { return r == "own_index" })
		if len(roles) == 0 {
			return w.noRole(short(info.User))
		}
		return okay(short(info.User + " has the roles " + strings.Join(roles, ", ")))
	}
	if skip.Fix == "" && skip.Status == Skipped {
		return okay("fine-grained access control is not there")
	}
	return *skip
}

// noRole is a caller whom nothing maps to a role. The commands make a role for this one, which writes and nothing else.
func (w *walk) noRole(user string) Check {
	c := failed(is(FineGrainedRole), user+" has no role")
	index := cmp.Or(w.cfg.Index, "INDEX")
	role := encode(map[string]any{
		"cluster_permissions": []string{"indices:data/write/bulk"},
		"index_permissions": []map[string]any{{
			"index_patterns": []string{index},
			"allowed_actions": []string{
				"indices:data/write/bulk*", "indices:data/write/index", "indices:admin/create", "indices:admin/mapping/put",
			},
		}},
	})
	mapping := encode(map[string]any{"backend_roles": []string{user}})
	c.Fix = "as a master user: penstock request PUT /_plugins/_security/api/roles/penstock -d '" + string(role) + "' " +
		"and penstock request PUT /_plugins/_security/api/rolesmapping/penstock -d '" + string(mapping) + "'"
	return c
}

// flat are settings with their full names.
type flat map[string]any

func (f flat) is(name string) bool { return fmt.Sprint(f[name]) == "true" }

// clusterSettings are those that somebody set, the transient ones first.
type clusterSettings struct {
	Persistent flat `json:"persistent"`
	Transient  flat `json:"transient"`
}

func (c clusterSettings) is(name string) bool { return c.Transient.is(name) || c.Persistent.is(name) }

// number is a setting as a number, otherwise otherwise.
func (c clusterSettings) number(name string, otherwise int) int {
	for _, f := range []flat{c.Transient, c.Persistent} {
		if n, err := strconv.Atoi(fmt.Sprint(f[name])); err == nil {
			return n
		}
	}
	return otherwise
}

const settingsTarget = "/_cluster/settings?flat_settings=true"

// indexed is the settings of indexes, by name.
type indexed map[string]struct {
	Settings flat `json:"settings"`
}

func (w *walk) indexSettings(ctx context.Context) (indexed, *Check) {
	return inside[indexed](ctx, w, "/"+w.cfg.Index+"/_settings?flat_settings=true&ignore_unavailable=true")
}

func (w *walk) checkBlocks(ctx context.Context) Check {
	cluster, skip := inside[clusterSettings](ctx, w, settingsTarget)
	if skip == nil {
		for _, name := range []string{"read_only", "read_only_allow_delete", "create_index"} {
			if cluster.is("cluster.blocks." + name) {
				c := failed(blocked(""), "cluster.blocks."+name+" is set")
				c.Fix = `penstock request PUT /_cluster/settings -d '{"persistent":{"cluster.blocks.` + name + `":null}}'`
				return c
			}
		}
	}
	if w.cfg.Index == "" {
		if skip != nil {
			return *skip
		}
		return okay("the cluster has no block; --index looks at indexes too")
	}
	found, skipIndex := w.indexSettings(ctx)
	if skipIndex != nil {
		return *skipIndex
	}
	var full, closed []string
	for name, s := range found {
		switch {
		case s.Settings.is("index.blocks.read_only_allow_delete"):
			full = append(full, name)
		case s.Settings.is("index.blocks.write"), s.Settings.is("index.blocks.read_only"):
			closed = append(closed, name)
		}
	}
	slices.Sort(full)
	slices.Sort(closed)
	unblock := func(name, block string) string {
		return "penstock request PUT /" + name + `/_settings -d '{"index.blocks.` + block + `":null}'`
	}
	switch {
	case len(full) > 0:
		d := open(WritesBlocked, DiskFull)
		if w.diskFull(ctx) {
			d = is(DiskFull)
		}
		c := failed(d, full[0]+" has the block read_only_allow_delete, which the flood-stage watermark sets")
		c.Fix += ": " + unblock(full[0], "read_only_allow_delete")
		return c
	case len(closed) > 0 && len(closed) == len(found):
		block := "write"
		if found[closed[0]].Settings.is("index.blocks.read_only") {
			block = "read_only"
		}
		c := failed(is(WritesBlocked), "every index of "+w.cfg.Index+" has a block on writes: "+closed[0])
		c.Fix = unblock(closed[0], block)
		return c
	}
	// Some indexes of a pattern are closed to writes on purpose: the older ones.
	return okay(fmt.Sprintf("no block on %d of %d indexes", len(found)-len(closed), len(found)))
}

// node is what a data node says of its disk.
type node struct {
	Name    string `json:"node"`
	Percent string `json:"disk.percent"`
}

const diskTarget = "/_cat/allocation?format=json&h=node,disk.percent"

// The watermarks that engines have unless somebody sets others.
const (
	highWatermark = 90
	floodStage    = 95
)

// fullest is the share of the disk of the fullest node.
func fullest(nodes []node) (percent int, name string) {
	for _, n := range nodes {
		if p, err := strconv.Atoi(n.Percent); err == nil && p > percent {
			percent, name = p, n.Name
		}
	}
	return percent, short(name)
}

func (w *walk) diskFull(ctx context.Context) bool {
	nodes, skip := inside[[]node](ctx, w, diskTarget)
	percent, _ := fullest(nodes)
	return skip == nil && percent >= floodStage
}

func (w *walk) checkDisk(ctx context.Context) Check {
	nodes, skip := inside[[]node](ctx, w, diskTarget)
	if skip != nil {
		return *skip
	}
	percent, name := fullest(nodes)
	seen := fmt.Sprintf("the fullest node, %s, uses %d %% of its disk", name, percent)
	switch {
	case percent >= floodStage:
		return failed(is(DiskFull), seen)
	case percent >= highWatermark:
		return warned(DiskFull, seen)
	case percent == 0:
		return Check{Status: Skipped, Seen: "the nodes do not tell"}
	}
	return okay(seen)
}

func (w *walk) checkShards(ctx context.Context) Check {
	type health struct {
		Nodes        int `json:"number_of_data_nodes"`
		Active       int `json:"active_shards"`
		Unassigned   int `json:"unassigned_shards"`
		Initializing int `json:"initializing_shards"`
	}
	h, skip := inside[health](ctx, w, "/_cluster/health")
	if skip != nil {
		return *skip
	}
	cluster, skip := inside[clusterSettings](ctx, w, settingsTarget)
	if skip != nil {
		return *skip
	}
	const usual = 1000
	limit := cluster.number("cluster.max_shards_per_node", usual) * h.Nodes
	shards := h.Active + h.Unassigned + h.Initializing
	seen := fmt.Sprintf("%d shards of %d", shards, limit)
	switch {
	case limit == 0:
		return Check{Status: Skipped, Seen: "the cluster does not tell how many data nodes it has"}
	case shards >= limit:
		return failed(is(ShardLimit), seen)
	case shards*10 >= limit*9:
		return warned(ShardLimit, seen)
	}
	return okay(seen)
}

func (w *walk) checkFields(ctx context.Context) Check {
	if w.cfg.Index == "" {
		return Check{Status: Skipped, Seen: "no --index is named"}
	}
	type mapped map[string]struct {
		Mappings map[string]any `json:"mappings"`
	}
	maps, skip := inside[mapped](ctx, w, "/"+w.cfg.Index+"/_mapping?ignore_unavailable=true")
	if skip != nil {
		return *skip
	}
	settings, skip := w.indexSettings(ctx)
	if skip != nil {
		return *skip
	}
	worst, seen := 0, "no index is there yet"
	for name, m := range maps {
		const usual = 1000
		limit := clusterSettings{Persistent: settings[name].Settings}.number("index.mapping.total_fields.limit", usual)
		n := fieldsOf(m.Mappings)
		if share := n * 100 / max(limit, 1); share >= worst {
			worst, seen = share, fmt.Sprintf("%s has %d fields of %d", short(name), n, limit)
		}
	}
	switch {
	case worst >= 100:
		return failed(is(FieldLimit), seen)
	case worst >= 90:
		return warned(FieldLimit, seen)
	}
	return okay(seen)
}

// fieldsOf counts the fields of a mapping as the limit does: objects and multi-fields too.
func fieldsOf(m map[string]any) (n int) {
	for _, key := range []string{"properties", "fields"} {
		children, _ := m[key].(map[string]any)
		for _, child := range children {
			n++
			if c, ok := child.(map[string]any); ok {
				n += fieldsOf(c)
			}
		}
	}
	return n
}

// checkWrite stores a document in an index of its own.
func (w *walk) checkWrite(ctx context.Context) Check {
	if !w.cfg.Write {
		return Check{Status: Skipped, Seen: "nothing is written without --write"}
	}
	index := "penstock-doctor-" + strings.ToLower(rand.Text())
	body := string(encode(map[string]any{"index": map[string]string{"_index": index, "_id": "1"}})) + "\n" +
		`{"text":"penstock doctor was here"}` + "\n"
	a, err := w.ask(ctx, w.signed, http.MethodPost, "/_bulk", body)
	// Whatever became of the request, and whoever interrupts: what it may have stored is removed.
	left := w.remove(context.WithoutCancel(ctx), index)
	switch {
	case err != nil:
		d, _ := w.cfg.Explain(err)
		return failed(d, textOf(err))
	case a.err != nil:
		d, _ := Explain(a.err)
		if d.Cause == FineGrainedRole {
			c := w.noRole(cmp.Or(w.caller, "the caller"))
			c.Seen = a.words()
			return c
		}
		return failed(d, a.words())
	}
	if c, wrong := itemRefused(a.body); wrong {
		return c
	}
	if left != "" {
		c := warned(Unknown, "a document was stored, and its index could not be removed: "+left)
		c.Means, c.Fix = "the index stays behind, with at most one document", "penstock request DELETE /"+index
		return c
	}
	return okay("a document was stored in " + index + ", and both are removed")
}

// itemRefused reads the outcome of the one document.
func itemRefused(body []byte) (Check, bool) {
	var out struct {
		Items []map[string]struct {
			Status int `json:"status"`
			Error  *struct {
				Type   string `json:"type"`
				Reason string `json:"reason"`
			} `json:"error"`
		} `json:"items"`
	}
	if json.Unmarshal(body, &out) != nil || len(out.Items) != 1 {
		return failed(is(NotADomain), "_bulk was not answered as a domain answers"), true
	}
	for _, item := range out.Items[0] {
		if item.Error == nil {
			return Check{}, false
		}
		seen := item.Error.Type + ": " + item.Error.Reason
		switch {
		case item.Error.Type == "security_exception":
			return failed(is(FineGrainedRole), seen), true
		case strings.HasSuffix(item.Error.Type, "_block_exception"):
			return failed(blocked(item.Error.Reason), seen), true
		case strings.Contains(item.Error.Reason, "maximum shards open"):
			return failed(is(ShardLimit), seen), true
		case item.Status == http.StatusTooManyRequests:
			return failed(is(Throttled), seen), true
		}
		return failed(is(Unknown), seen), true
	}
	return Check{}, false
}

// remove deletes an index, and says why when it cannot. An index that is not there needs no removing.
func (w *walk) remove(ctx context.Context, index string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*requestTimeout)
	defer cancel()
	for attempt := range 3 {
		a, err := w.ask(ctx, w.signed, http.MethodDelete, "/"+index, "")
		switch {
		case err == nil && (a.err == nil || a.status == http.StatusNotFound):
			return ""
		case err == nil && a.status < http.StatusInternalServerError || attempt == 2:
			if err != nil {
				return textOf(err)
			}
			return a.words()
		}
		time.Sleep(time.Second)
	}
	return ""
}
