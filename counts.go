package penstock

import "slices"

// Counts says what became of the records of an object or of a run. Records is always the sum of Delivered, Duplicate,
// DeadLettered, Dropped and Unacknowledged.
type Counts struct {
	// Items and Objects were taken in hand; those given back will come again.
	Items            int64 `json:"items"`
	ItemsGivenBack   int64 `json:"items_given_back"`
	Objects          int64 `json:"objects"`
	ObjectsGivenBack int64 `json:"objects_given_back"`
	// Records were read. The unreadable rest of a corrupt object counts as one; of a record that rules have split, each
	// part does.
	Records int64 `json:"records"`
	// Delivered documents are new in the domain; Duplicate ones were there already.
	Delivered int64 `json:"delivered"`
	Duplicate int64 `json:"duplicate"`
	// DeadLettered records rest in the dead letters with a reason.
	DeadLettered int64 `json:"dead_lettered"`
	// Dropped records were left out by a rule of the user's or by the domain's own ingest pipeline, or have nothing to
	// store; DroppedByDomain says how many of Dropped the pipeline left out.
	Dropped         int64 `json:"dropped"`
	DroppedByDomain int64 `json:"dropped_by_domain"`
	// Unacknowledged records have no known outcome: their item is given back.
	Unacknowledged int64 `json:"unacknowledged"`
	// Unparsed records did not match the grammar of their format and went on as raw text; they are in the numbers above.
	Unparsed int64 `json:"unparsed"`
	// Undated records have no time of their own: the object's name or date stands in. They are in the numbers above, too.
	Undated int64 `json:"undated"`
	// Repaired records are of JSON that nearly was some, or that is cut off: what could be read of it went on. They are in
	// the numbers above, too.
	Repaired int64 `json:"repaired"`
	// BytesIn are stored bytes read from the source, before decompression.
	BytesIn int64 `json:"bytes_in"`
}

// Add adds d to c.
func (c *Counts) Add(d Counts) {
	c.Items += d.Items
	c.ItemsGivenBack += d.ItemsGivenBack
	c.Objects += d.Objects
	c.ObjectsGivenBack += d.ObjectsGivenBack
	c.Records += d.Records
	c.Delivered += d.Delivered
	c.Duplicate += d.Duplicate
	c.DeadLettered += d.DeadLettered
	c.Dropped += d.Dropped
	c.DroppedByDomain += d.DroppedByDomain
	c.Unacknowledged += d.Unacknowledged
	c.Unparsed += d.Unparsed
	c.Undated += d.Undated
	c.Repaired += d.Repaired
	c.BytesIn += d.BytesIn
}

// Balanced reports whether every record has exactly one outcome.
func (c Counts) Balanced() bool {
	return c.Records == c.Delivered+c.Duplicate+c.DeadLettered+c.Dropped+c.Unacknowledged
}

// RuleCount says what a rule did. A shadow rule counts what it would have done.
type RuleCount struct {
	Rule   string `json:"rule"`
	Verb   string `json:"verb"`
	Shadow bool   `json:"shadow,omitempty"`
	// Records are those to which it did something, and Bytes their length as they were read.
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	// Dropped are those of Records that it left out.
	Dropped int64 `json:"dropped"`
	// Failed are those that it could do nothing with: they went on as they were, or became dead letters.
	Failed int64 `json:"failed"`
}

// RouteCount says what became of the records of a route before they were sent. Records is the sum of Documents, Dropped
// and Letters.
type RouteCount struct {
	// Route is the name of the route, empty for what none takes.
	Route string `json:"route"`
	// Records reached the route.
	Records int64 `json:"records"`
	// Documents were made of them, and Bytes is the length of their JSON.
	Documents int64 `json:"documents"`
	Bytes     int64 `json:"bytes"`
	// Dropped records were left out by a rule, or have nothing to store.
	Dropped int64 `json:"dropped"`
	// Letters are records of which no document could be made.
	Letters int64 `json:"dead_letters"`
	// Rules are those that the records came by, in their order.
	Rules []RuleCount `json:"rules,omitempty"`
}

// RouteCounts are those of several routes.
type RouteCounts []RouteCount

// Add adds what was counted for routes and rules: those of one name together.
func (c *RouteCounts) Add(more []RouteCount) {
	for i := range more {
		m := &more[i]
		to := c.of(m.Route)
		to.Records += m.Records
		to.Documents += m.Documents
		to.Bytes += m.Bytes
		to.Dropped += m.Dropped
		to.Letters += m.Letters
		for n, r := range m.Rules {
			at := ruleAt(to.Rules, &r, n)
			if at < 0 {
				to.Rules = append(to.Rules, r)
				continue
			}
			sum := &to.Rules[at]
			sum.Records += r.Records
			sum.Bytes += r.Bytes
			sum.Dropped += r.Dropped
			sum.Failed += r.Failed
		}
	}
}

// of returns the count of a route, which is added when it is new.
func (c *RouteCounts) of(route string) *RouteCount {
	at := slices.IndexFunc(*c, func(one RouteCount) bool { return one.Route == route })
	if at < 0 {
		at = len(*c)
		*c = append(*c, RouteCount{Route: route})
	}
	return &(*c)[at]
}

// ruleAt finds a rule among others: at its own place, or elsewhere by its name.
func ruleAt(rules []RuleCount, r *RuleCount, n int) int {
	same := func(o RuleCount) bool { return o.Rule == r.Rule && o.Verb == r.Verb && o.Shadow == r.Shadow }
	if n < len(rules) && same(rules[n]) {
		return n
	}
	return slices.IndexFunc(rules, same)
}
