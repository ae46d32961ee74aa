package format

import (
	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/events"
)

// lattice is "Access logs for VPC Lattice" in the AWS documentation.
func lattice() schema {
	return schema{
		name: "lattice", told: "objects with serviceNetworkArn, serviceArn, sourceVpcArn, destinationVpcId and startTime",
		about: "access logs of VPC Lattice",
		grammar: &events.Row{
			Names: []string{
				"serviceNetworkArn", "serviceArn", "sourceVpcArn", "destinationVpcId", "targetGroupArn", "sourceIpPort",
				"resolvedUser", "serviceNetworkResourceAssociationId",
				"resourceConfigurationArn", "serverNameIndication",
			}, Least: 4,
			Times: []string{"startTime", "eventTimestamp"},
			More:  addresses("sourceIpPort", "targetIpPort"),
			Fields: []entry.Field{
				{Name: "startTime", Type: entry.Date},
				{Name: "sourceIpPort_ip", Type: entry.IP},
				{Name: "sourceIpPort_port", Type: entry.Long},
				{Name: "targetIpPort_ip", Type: entry.IP},
				{Name: "targetIpPort_port", Type: entry.Long},
				{Name: "responseCode", Type: entry.Long},
				{Name: "bytesSent", Type: entry.Long},
				{Name: "bytesReceived", Type: entry.Long},
				{Name: "duration", Type: entry.Long},
			},
		},
	}
}
