package engine

import (
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
	"github.com/seed56735111/penstock/internal/glob"
)

// table is what _cat answers with.
type table struct {
	columns []tableColumn
	rows    [][]string
}

type tableColumn struct {
	name    string
	aliases []string
	right   bool
	hidden  bool
}

// cat answers the tables of _cat.
func (c *call) cat() error {
	if len(c.path) == 1 {
		c.raw(http.StatusOK, textType, []byte("=^.^=\n"+
			"/_cat/indices\n/_cat/indices/{index}\n/_cat/count\n/_cat/count/{index}\n/_cat/health\n"))
		return nil
	}
	known := []string{
		"v", "h", "s", "help", "bytes", "time", "ts", "local", "health", "pri", "expand_wildcards",
		"include_unloaded_segments", "ignore_unavailable", "allow_no_indices",
	}
	if err := c.known(known, []string{"size", "full_id"}); err != nil {
		return err
	}
	expr := ""
	if len(c.path) > 2 {
		expr = strings.Join(c.path[2:], "/")
	}
	var t *table
	var err error
	switch c.path[1] {
	case "indices":
		t, err = c.catIndices(expr)
	case "count":
		t, err = c.catCount(expr)
	case "health":
		t, err = c.catHealth()
	default:
		return c.notOffered()
	}
	if err != nil {
		return err
	}
	return c.writeTable(t)
}

const textType = "text/plain; charset=UTF-8"

func (c *call) catIndices(expr string) (*table, error) {
	t := &table{columns: []tableColumn{
		{"health", []string{"h"}, false, false},
		{"status", []string{"s"}, false, false},
		{"index", []string{"i", "idx"}, false, false},
		{"uuid", []string{"id"}, false, false},
		{"pri", []string{"p", "shards.primary", "shardsPrimary"}, true, false},
		{"rep", []string{"r", "shards.replica", "shardsReplica"}, true, false},
		{"docs.count", []string{"dc", "docsCount"}, true, false},
		{"docs.deleted", []string{"dd", "docsDeleted"}, true, false},
		{"store.size", []string{"ss", "storeSize"}, true, false},
		{"pri.store.size", nil, true, false},
		{"creation.date", []string{"cd"}, true, true},
		{"creation.date.string", []string{"cds"}, false, true},
	}}
	if c.profile.major < mapping.FirstTyped {
		t.columns[3].hidden = true
	}
	found, err := c.meant(expr)
	if err != nil {
		return nil, err
	}
	for _, x := range found {
		snap, _, err := x.View()
		if err != nil {
			continue // deleted meanwhile
		}
		count, err := snap.DocCount()
		size := 0
		for _, segment := range snap.Segments() {
			size += segment.Size()
		}
		snap.Close()
		if err != nil {
			return nil, err
		}
		health := "yellow"
		if x.Settings.Replicas == 0 {
			health = "green"
		}
		if only := c.query.Get("health"); only != "" && only != health {
			continue
		}
		made, err := strconv.ParseInt(x.Created, 10, 64)
		if err != nil {
			return nil, err
		}
		bytes := c.bytes(int64(size))
		t.rows = append(t.rows, []string{
			health, "open", x.Name, x.UUID, strconv.Itoa(x.Settings.Shards), strconv.Itoa(x.Settings.Replicas),
			strconv.FormatUint(count, 10), "0", bytes, bytes,
			x.Created, dates.Text(time.UnixMilli(made).UTC()),
		})
	}
	return t, nil
}

// bytes writes a size as ?bytes wants it.
func (c *call) bytes(n int64) string {
	units := []struct {
		name string
		size int64
	}{{"b", 1}, {"kb", 1 << 10}, {"mb", 1 << 20}, {"gb", 1 << 30}}
	if want := c.query.Get("bytes"); want != "" {
		for _, u := range units {
			if want == u.name || want+"b" == u.name {
				return strconv.FormatInt(n/u.size, 10)
			}
		}
	}
	at := 0
	for at+1 < len(units) && n >= units[at+1].size {
		at++
	}
	text := strconv.FormatFloat(float64(n)/float64(units[at].size), 'f', 1, 64)
	return strings.TrimSuffix(text, ".0") + units[at].name
}

func (c *call) catCount(expr string) (*table, error) {
	found, err := c.meant(expr)
	if err != nil {
		return nil, err
	}
	total := uint64(0)
	for _, x := range found {
		snap, _, err := x.View()
		if err != nil {
			continue // deleted meanwhile
		}
		n, err := snap.DocCount()
		snap.Close()
		if err != nil {
			return nil, err
		}
		total += n
	}
	now := time.Now().UTC()
	return &table{
		columns: []tableColumn{
			{"epoch", []string{"t", "time"}, false, false},
			{"timestamp", []string{"ts", "hms", "hhmmss"}, false, false},
			{"count", []string{"dc", "docs.count", "docsCount"}, false, false},
		},
		rows: [][]string{{strconv.FormatInt(now.Unix(), 10), now.Format(time.TimeOnly), strconv.FormatUint(total, 10)}},
	}, nil
}

// sums are the shards that health counts.
type sums struct {
	primaries, replicas int
}

func (s *sums) add(x *store.Index) {
	s.primaries += x.Settings.Shards
	s.replicas += x.Settings.Shards * x.Settings.Replicas
}

func (s *sums) status() string {
	if s.replicas > 0 {
		return "yellow"
	}
	return "green"
}

// percent is the share of the shards that are active.
func (s *sums) percent() float64 {
	const whole = 100
	if s.primaries == 0 {
		return whole
	}
	return whole * float64(s.primaries) / float64(s.primaries+s.replicas)
}

func (c *call) catHealth() (*table, error) {
	found, err := c.resolve("*", true)
	if err != nil {
		return nil, err
	}
	var n sums
	for _, x := range found {
		n.add(x)
	}
	now := time.Now().UTC()
	t := &table{columns: []tableColumn{
		{"epoch", []string{"t", "time"}, false, false},
		{"timestamp", []string{"ts", "hms", "hhmmss"}, false, false},
		{"cluster", []string{"cl"}, false, false},
		{"status", []string{"st"}, false, false},
		{"node.total", []string{"nt", "nodeTotal"}, true, false},
		{"node.data", []string{"nd", "nodeData"}, true, false},
		{"discovered_cluster_manager", []string{"dcm"}, true, c.profile.distribution == ""},
		{"shards", []string{"t", "sh", "shards.total", "shardsTotal"}, true, false},
		{"pri", []string{"p", "shards.primary", "shardsPrimary"}, true, false},
		{"relo", []string{"r", "shards.relocating"}, true, false},
		{"init", []string{"i", "shards.initializing"}, true, false},
		{"unassign", []string{"u", "shards.unassigned"}, true, false},
		{"pending_tasks", []string{"pt", "pendingTasks"}, true, false},
		{"max_task_wait_time", []string{"mtwt", "maxTaskWaitTime"}, true, c.profile.major < mapping.FirstTyped},
		{"active_shards_percent", []string{"asp", "activeShardsPercent"}, true, c.profile.major < mapping.FirstTyped},
	}}
	t.rows = [][]string{{
		strconv.FormatInt(now.Unix(), 10), now.Format(time.TimeOnly), c.cfg.ClusterName, n.status(), "1", "1", "true",
		strconv.Itoa(n.primaries), strconv.Itoa(n.primaries), "0", "0",
		strconv.Itoa(n.replicas), "0", "-", fmt.Sprintf("%.1f%%", n.percent()),
	}}
	return t, nil
}

// writeTable writes a table as ?h, ?s, ?v and ?format want it.
func (c *call) writeTable(t *table) error {
	if c.query.Has("help") {
		var b strings.Builder
		for _, col := range t.columns {
			fmt.Fprintf(&b, "%s | %s | %s\n", col.name, strings.Join(col.aliases, ","), col.name)
		}
		c.raw(http.StatusOK, textType, []byte(b.String()))
		return nil
	}
	if err := c.sortTable(t); err != nil {
		return err
	}
	shown, names := c.chosen(t)
	switch format := c.query.Get("format"); format {
	case "json":
		items := make([]any, 0, len(t.rows))
		for _, row := range t.rows {
			o := make(wire.Object, 0, len(shown))
			for i, at := range shown {
				o = append(o, wire.Entry{Name: names[i], Value: row[at]})
			}
			items = append(items, o)
		}
		return c.answer(http.StatusOK, items)
	case "", "text":
	default:
		return wire.NotOffered("the format %s", format)
	}
	titled, err := c.flag("v", false)
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(t.rows)+1)
	if titled {
		rows = append(rows, names)
	}
	for _, row := range t.rows {
		cells := make([]string, len(shown))
		for i, at := range shown {
			cells[i] = row[at]
		}
		rows = append(rows, cells)
	}
	c.raw(http.StatusOK, textType, []byte(layOut(rows, func(i int) bool { return t.columns[shown[i]].right })))
	return nil
}

func (t *table) find(name string) int {
	at := slices.IndexFunc(t.columns, func(c tableColumn) bool { return c.name == name })
	if at < 0 {
		at = slices.IndexFunc(t.columns, func(c tableColumn) bool { return slices.Contains(c.aliases, name) })
	}
	return at
}

// chosen are the columns that are wanted, and how they are called.
func (c *call) chosen(t *table) (shown []int, names []string) {
	if want := c.query.Get("h"); want != "" {
		for name := range strings.SplitSeq(want, ",") {
			if at := t.find(name); at >= 0 {
				shown, names = append(shown, at), append(names, name)
				continue
			}
			for i, col := range t.columns {
				if strings.Contains(name, "*") && glob.Match(name, col.name) {
					shown, names = append(shown, i), append(names, col.name)
				}
			}
		}
		return shown, names
	}
	for i, col := range t.columns {
		if !col.hidden {
			shown, names = append(shown, i), append(names, col.name)
		}
	}
	return shown, names
}

func (c *call) sortTable(t *table) error {
	want := c.query.Get("s")
	if want == "" {
		return nil
	}
	for _, key := range slices.Backward(strings.Split(want, ",")) {
		name, order, _ := strings.Cut(key, ":")
		at := t.find(name)
		if at < 0 {
			return wire.Errorf(http.StatusInternalServerError, "unsupported_operation_exception",
				"Unable to sort by unknown sort key `%s`", name)
		}
		slices.SortStableFunc(t.rows, func(a, b []string) int {
			d := strings.Compare(a[at], b[at])
			x, errX := strconv.ParseInt(a[at], 10, 64)
			y, errY := strconv.ParseInt(b[at], 10, 64)
			if errX == nil && errY == nil {
				d = int(max(-1, min(1, x-y)))
			}
			if order == "desc" {
				return -d
			}
			return d
		})
	}
	return nil
}

// layOut writes cells in columns, numbers to the right.
func layOut(rows [][]string, right func(column int) bool) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if i > 0 {
				b.WriteByte(' ')
			}
			switch {
			case right(i):
				b.WriteString(pad + cell)
			case i == len(row)-1:
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
