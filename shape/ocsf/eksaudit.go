package ocsf

// eksaudit is the mapping of audit events of Kubernetes to API Activity, which AWS has in "Amazon EKS control plane
// Logging". The account is that of the caller's ARN. What requestObject and responseObject hold is in the data of the
// request and of the response.
func eksaudit() source {
	return source{
		format: "eks-audit",
		all: `
			time = requestReceivedTimestamp | stageTimestamp : time
			severity = : informational
			metadata.version = "1.5.0"
			metadata.product.name = "Amazon EKS"
			metadata.product.vendor_name = "AWS"
			metadata.product.version = apiVersion
			metadata.product.feature.name = "Elastic Kubernetes Service"
			metadata.log_name = kind
			metadata.log_level = level
			metadata.profiles = ["cloud","datetime","security_control"]
			cloud.provider = "AWS"
			cloud.account.uid = user.extra>arn : firstac`,
		keys: "verb auditID",
		choose: func(w *writer) int {
			if len(w.text("verb")) > 0 && w.has("auditID") {
				return 1
			}
			return 0
		},
		classes: []class{{
			name: "API Activity", uid: 6003, category: "Application Activity",
			activity: "verb : verb",
			must:     "actor src_endpoint",
			table: `
				message = stage : words
				start_time_dt = requestReceivedTimestamp : date
				end_time_dt = stageTimestamp : date
				status = responseStatus.code : status
				action = annotations>authorization.k8s.io/decision : decision
				policy.name = annotations>authorization.k8s.io/reason : filled
				actor.user.name = user.username
				actor.user.uid = user.uid
				actor.user.uid_alt = user.extra>principalId : first
				actor.user.groups[].name = user.groups[]
				actor.session.credential_uid = user.extra>accessKeyId : first
				actor.session.issuer = user.extra>canonicalArn : first
				actor.session.uid = user.extra>sessionName : first
				api.operation = verb
				api.version = objectRef.apiVersion
				api.group.name = objectRef.apiGroup
				api.request.uid = auditID
				api.request.data = requestObject : json
				api.response.code = responseStatus.code : int
				api.response.error = responseStatus.reason
				api.response.error_message = responseStatus.status
				api.response.message = responseStatus.message : words
				api.response.data = responseObject : json
				http_request.url.path = requestURI
				http_request.user_agent = userAgent
				src_endpoint.ip = sourceIPs : firstip
				src_endpoint.domain = sourceIPs : firsthost
				src_endpoint.intermediate_ips = sourceIPs : rest
				resources[].name = objectRef[].name | objectRef[].resource
				resources[].uid = objectRef[].uid
				resources[].namespace = objectRef[].namespace
				resources[].version = objectRef[].resourceVersion
				resources[].type = objectRef[].resource | objectRef[].subresource : path`,
		}},
		enums: map[string]enum{
			"verb": {
				captions: map[int]string{1: "Create", 2: "Read", 3: "Update", 4: "Delete"},
				number: numbered(map[string]int{
					"CREATE": 1, "GET": 2, "LIST": 2, "WATCH": 2, "UPDATE": 3, "PATCH": 3, "DELETE": 4, "DELETECOLLECTION": 4,
				}),
			},
			"status": {
				captions: map[int]string{1: "Success", 2: "Failure"}, without: absent,
				number: func(_ *writer, code []byte) int {
					switch {
					case len(code) != len("200") || code[0] < '1' || code[0] > '5':
						return absent
					case code[0] < '4':
						return 1
					}
					return 2
				},
			},
			"decision": {
				captions: map[int]string{0: "Unknown", 1: "Allowed", 2: "Denied"},
				number:   numbered(map[string]int{"ALLOW": 1, "FORBID": 2}),
			},
		},
	}
}
