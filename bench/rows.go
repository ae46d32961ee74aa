package main

import "time"

// row is one line of the report: what is shipped, from where, to which domain, and what it is to reach.
type row struct {
	name  string
	title string
	of    contents
	// records is the size of the corpus where it does not go by -mb.
	records int
	tls     bool
	// delay is the domain's time for a request; firstByte is S3's, whose objects are read when there is one.
	delay, firstByte time.Duration
	floor            bool // a prototype does the same work
	goal             goal
}

// goal is what a row must reach; zero is nothing.
type goal struct {
	cpuPerGB, mbps, rssMB, allocsPerDoc float64
	// ofPrototype is the prototype's CPU, of ours.
	ofPrototype float64
	// seconds and requests are for the whole corpus, cpuPerObject is in µs.
	seconds, requests, cpuPerObject float64
}

const (
	delayed   = 50 * time.Millisecond
	firstByte = 30 * time.Millisecond
)

// rows are what the report has, in its order.
func rows() []row {
	return []row{
		{
			name: "ndjson", title: "NDJSON, plain", of: contents{"ndjson", 1, true}, floor: true,
			goal: goal{cpuPerGB: 2.0, mbps: 560, rssMB: 44, allocsPerDoc: 0.02, ofPrototype: 0.8},
		},
		{
			name: "ndjson-gz", title: "NDJSON, gzip", of: contents{"ndjson", 1, false}, floor: true,
			goal: goal{cpuPerGB: 3.1, mbps: 345, rssMB: 40, ofPrototype: 0.8},
		},
		{
			name: "alb", title: "ALB, gzip", of: contents{"alb", 1, false}, floor: true,
			goal: goal{cpuPerGB: 3.8, mbps: 280, rssMB: 40, allocsPerDoc: 0.02, ofPrototype: 0.75},
		},
		{
			name: "cloudtrail", title: "CloudTrail, gzip", of: contents{"cloudtrail", 1, false}, floor: true,
			goal: goal{cpuPerGB: 2.6, mbps: 400, rssMB: 40, ofPrototype: 0.8},
		},
		{
			name: "csv", title: "CSV, gzip", of: contents{"csv", 1, false}, floor: true,
			goal: goal{cpuPerGB: 5.5, ofPrototype: 0.8},
		},
		{
			name: "vpcflow", title: "VPC flow logs, gzip", of: contents{"vpcflow", 1, false}, floor: true,
			goal: goal{cpuPerGB: 5.5, ofPrototype: 0.8},
		},
		{
			name: "ndjson-tls", title: "NDJSON, plain, over TLS", of: contents{"ndjson", 1, true}, floor: true, tls: true,
			goal: goal{cpuPerGB: 2.7, ofPrototype: 0.8},
		},
		{
			name: "alb-4", title: "ALB, gzip, four objects at once", of: contents{"alb", 4, false}, floor: true,
			goal: goal{rssMB: 64},
		},
		{
			name: "files-1", title: "10,000 files of one record, domain with 50 ms", floor: true,
			of: contents{"ndjson", 10_000, true}, records: 10_000, delay: delayed,
			goal: goal{seconds: 1, requests: 30, cpuPerObject: 60, rssMB: 64},
		},
		{
			name: "s3-20", title: "5,000 gzip objects of 20 records, S3 with 30 ms to the first byte, domain with 50 ms",
			of: contents{"ndjson", 5_000, false}, records: 100_000, delay: delayed, firstByte: firstByte,
			goal: goal{seconds: 4, requests: 60, cpuPerObject: 200, rssMB: 64},
		},
	}
}
