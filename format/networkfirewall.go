package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// networkfirewall is "Contents of an AWS Network Firewall log" in the AWS documentation: Suricata's events with the
// firewall around them. event_timestamp is the same time in seconds, as text.
func networkfirewall() schema {
	return schema{
		name: "networkfirewall", told: "objects with firewall_name, availability_zone, event_timestamp and an event",
		about: "alert, flow and TLS logs of AWS Network Firewall",
		grammar: &events.Row{
			Names: []string{"firewall_name", "availability_zone", "event_timestamp", "event.event_type"}, Least: 3,
			Times: []string{"event.timestamp", "event_timestamp"},
			Fields: []entry.Field{
				{Name: "event.flow_id", Type: entry.Long},
				{Name: "event.src_ip", Type: entry.IP},
				{Name: "event.src_port", Type: entry.Long},
				{Name: "event.dest_ip", Type: entry.IP},
				{Name: "event.dest_port", Type: entry.Long},
				{Name: "event.netflow.bytes", Type: entry.Long},
			},
		},
	}
}
