package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// suricata is "EVE JSON Format" in the documentation of Suricata. A flow_id is beyond what a double holds.
func suricata() schema {
	return schema{
		name: "suricata", told: "objects with timestamp, event_type, flow_id, src_ip and dest_ip, or with stats",
		about: "EVE logs of Suricata; stats are kept as text",
		grammar: &events.Row{
			Names: []string{
				"timestamp", "event_type", "flow_id", "src_ip", "dest_ip", "proto", "in_iface", "stats", "stats.uptime",
				"stats.decoder",
			},
			Least:  4,
			Is:     map[string]string{"event_type": `"`, "timestamp": `"`},
			Times:  []string{"timestamp"},
			Opaque: []string{"stats"},
			Fields: []entry.Field{
				{Name: "flow_id", Type: entry.Long},
				{Name: "src_ip", Type: entry.IP},
				{Name: "src_port", Type: entry.Long},
				{Name: "dest_ip", Type: entry.IP},
				{Name: "dest_port", Type: entry.Long},
			},
		},
	}
}
