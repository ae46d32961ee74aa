package engine

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// health answers _cluster/health. There is one node, so that it never waits for anything.
func (c *call) health() error {
	known := []string{
		"level", "local", "timeout", "wait_for_status", "wait_for_nodes", "wait_for_active_shards",
		"wait_for_no_relocating_shards", "wait_for_no_initializing_shards", "wait_for_events", "expand_wildcards",
		"wait_for_relocating_shards",
	}
	if err := c.known(known, []string{"awareness_attribute", "ensure_node_commissioned"}); err != nil {
		return err
	}
	expr := ""
	if len(c.path) > 2 {
		expr = c.path[2]
	}
	found, err := c.resolve(expr, true)
	if err != nil {
		return err
	}
	var n sums
	details := wire.Object{}
	for _, x := range found {
		n.add(x)
		var own sums
		own.add(x)
		details = append(details, wire.Entry{Name: x.Name, Value: wire.Obj(
			"status", own.status(), "number_of_shards", x.Settings.Shards, "number_of_replicas", x.Settings.Replicas,
			"active_primary_shards", own.primaries, "active_shards", own.primaries, "relocating_shards", 0,
			"initializing_shards", 0, "unassigned_shards", own.replicas)})
	}
	status, missed := n.status(), false
	if expr != "" && !strings.Contains(expr, "*") && len(found) < len(strings.Split(expr, ",")) {
		status, missed = "red", true
	}
	ranks := []string{"green", "yellow", "red"}
	if want := c.query.Get("wait_for_status"); want != "" {
		if !slices.Contains(ranks, want) {
			return wire.Illegal("unknown cluster health status [%s]", want)
		}
		missed = missed || slices.Index(ranks, status) > slices.Index(ranks, want)
	}
	if want := c.query.Get("wait_for_nodes"); want != "" && !oneNodeIs(want) {
		missed = true
	}
	switch want := c.query.Get("wait_for_active_shards"); want {
	case "":
	case "all":
		missed = missed || n.replicas > 0
	default:
		least, err := strconv.Atoi(want)
		if err != nil {
			return wire.Illegal("cannot parse ActiveShardCount[%s]", want).Because(wire.NumberFormat(want))
		}
		missed = missed || least > n.primaries
	}
	code := http.StatusOK
	if missed {
		code = http.StatusRequestTimeout
	}
	o := wire.Obj("cluster_name", c.cfg.ClusterName, "status", status, "timed_out", missed,
		"number_of_nodes", 1, "number_of_data_nodes", 1)
	if c.profile.distribution != "" {
		o = append(o, wire.Obj("discovered_master", true, "discovered_cluster_manager", true)...)
	}
	o = append(o, wire.Obj("active_primary_shards", n.primaries, "active_shards", n.primaries, "relocating_shards", 0,
		"initializing_shards", 0, "unassigned_shards", n.replicas)...)
	if c.profile.major >= mapping.FirstTyped {
		o = append(o, wire.Obj("delayed_unassigned_shards", 0, "number_of_pending_tasks", 0, "number_of_in_flight_fetch", 0,
			"task_max_waiting_in_queue_millis", 0, "active_shards_percent_as_number", wire.Double(n.percent()))...)
	} else {
		o = append(o, wire.Obj("number_of_pending_tasks", 0)...)
	}
	switch level := c.query.Get("level"); level {
	case "", "cluster":
	case "indices":
		o = append(o, wire.Entry{Name: "indices", Value: details})
	default:
		return wire.NotOffered("the level %s", level)
	}
	return c.answer(code, o)
}

// oneNodeIs says whether one node satisfies wait_for_nodes: 1, >=1, <2, ge(1) and the like.
func oneNodeIs(want string) bool {
	number := strings.Trim(want, "<>=()abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(number)
	if err != nil {
		return false
	}
	switch strings.TrimSuffix(strings.TrimSuffix(want, number), number+")") {
	case ">=", "ge(":
		return n <= 1
	case "<=", "le(":
		return n >= 1
	case ">", "gt(":
		return n < 1
	case "<", "lt(":
		return n > 1
	}
	return n == 1
}
