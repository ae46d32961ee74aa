package penstock

// Counts says what became of the records of an object or of a run. Records is always the sum of Delivered, Duplicate,
// DeadLettered, Dropped and Unacknowledged.
type Counts struct {
	// Items and Objects were taken in hand; those given back will come again.
	Items            int64 `json:"items"`
	ItemsGivenBack   int64 `json:"items_given_back"`
	Objects          int64 `json:"objects"`
	ObjectsGivenBack int64 `json:"objects_given_back"`
	// Records were read. The unreadable rest of a corrupt object counts as one.
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
