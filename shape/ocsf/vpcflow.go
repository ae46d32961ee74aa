package ocsf

// vpcflow is the mapping of flow logs of VPCs to Network Activity, which AWS has in "Amazon VPC Flowlogs". A flow log
// without a direction does not say whose the interface is: it then is the source's only where no address is known.
func vpcflow() source {
	return source{
		format: "vpcflow",
		all: `
			time = start : time
			severity = : informational
			metadata.version = "1.5.0"
			metadata.product.name = "Amazon VPC"
			metadata.product.vendor_name = "AWS"
			metadata.product.version = version
			metadata.product.feature.name = "Flowlogs"
			metadata.log_name = "VPC Flow Logs"
			metadata.profiles = ["cloud","security_control","datetime"]
			cloud.provider = "AWS"
			cloud.account.uid = account_id
			cloud.region = region
			cloud.zone = az_id`,
		keys: "interface_id srcaddr dstaddr pkt_srcaddr pkt_dstaddr flow_direction",
		choose: func(w *writer) int {
			ends := false
			for _, name := range []string{"srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr"} {
				if isIP(w.text(name)) {
					return 1
				}
				ends = ends || w.has(name)
			}
			if direction := string(w.text("flow_direction")); w.has("interface_id") &&
				(!ends || direction == "ingress" || direction == "egress") {
				return 1
			}
			return 0
		},
		classes: []class{{
			name: "Network Activity", uid: 4001, category: "Network Activity",
			activity: "action : activity",
			table: `
				action = action : action
				disposition = action : disposition
				start_time_dt = start : epoch
				end_time_dt = end : epoch
				status_code = log_status
				src_endpoint.ip = pkt_srcaddr | srcaddr : ip
				src_endpoint.intermediate_ips = srcaddr | pkt_srcaddr : hop
				src_endpoint.port = srcport : int
				src_endpoint.svc_name = pkt_src_aws_service
				src_endpoint.interface_uid = interface_id ? flow_direction=egress
				src_endpoint.interface_uid = interface_id ? !flow_direction !srcaddr !dstaddr !pkt_srcaddr !pkt_dstaddr
				src_endpoint.vpc_uid = vpc_id ? flow_direction=egress
				src_endpoint.instance_uid = instance_id ? flow_direction=egress
				src_endpoint.subnet_uid = subnet_id ? flow_direction=egress
				dst_endpoint.ip = pkt_dstaddr | dstaddr : ip
				dst_endpoint.intermediate_ips = dstaddr | pkt_dstaddr : hop
				dst_endpoint.port = dstport : int
				dst_endpoint.svc_name = pkt_dst_aws_service
				dst_endpoint.interface_uid = interface_id ? flow_direction=ingress
				dst_endpoint.vpc_uid = vpc_id ? flow_direction=ingress
				dst_endpoint.instance_uid = instance_id ? flow_direction=ingress
				dst_endpoint.subnet_uid = subnet_id ? flow_direction=ingress
				connection_info.direction = flow_direction : direction
				connection_info.boundary = traffic_path : boundary
				connection_info.protocol_num = protocol : int
				connection_info.protocol_ver = type : protocol
				connection_info.tcp_flags = tcp_flags : int
				traffic.bytes = bytes : int
				traffic.packets = packets : int`,
		}},
		enums: map[string]enum{
			"activity": {
				captions: map[int]string{0: "Unknown", 5: "Refuse", 6: "Traffic"},
				number:   numbered(map[string]int{"ACCEPT": 6, "REJECT": 5}),
			},
			"action": {
				captions: map[int]string{0: "Unknown", 1: "Allowed", 2: "Denied"},
				number:   numbered(map[string]int{"ACCEPT": 1, "REJECT": 2}), exact: true,
			},
			"disposition": {
				captions: map[int]string{1: "Allowed", 2: "Blocked"},
				number:   numbered(map[string]int{"ACCEPT": 1, "REJECT": 2}), without: absent,
			},
			"direction": {
				captions: map[int]string{0: "Unknown", 1: "Inbound", 2: "Outbound"},
				number:   numbered(map[string]int{"INGRESS": 1, "EGRESS": 2}), exact: true,
			},
			"boundary": {
				captions: map[int]string{
					4: "Same VPC", 5: "Internet/VPC Gateway", 6: "Virtual Private Gateway", 7: "Intra-region VPC",
					8: "Inter-region VPC", 9: "Local Gateway", 10: "Gateway VPC", 11: "Internet Gateway",
				},
				number: numbered(map[string]int{"1": 4, "2": 5, "3": 6, "4": 7, "5": 8, "6": 9, "7": 10, "8": 11}),
				exact:  true, without: absent,
			},
			"protocol": {
				captions: map[int]string{4: "IPv4", 6: "IPv6"}, number: numbered(map[string]int{"IPV4": 4, "IPV6": 6}),
				exact: true, verbatim: true, without: absent,
			},
		},
	}
}
