package ocsf

import "bytes"

// cloudtrail is the mapping of events of CloudTrail, which AWS has in "Amazon CloudTrail Generic API Activity",
// "Authentication API Activity" and "Account Change API Activity".
func cloudtrail() source {
	const call = `
		actor.user.type = userIdentity.type
		actor.user.name = userIdentity.userName | additionalEventData>UserName
		actor.user.uid = userIdentity.arn
		actor.user.uid_alt = userIdentity.principalId | userIdentity.onBehalfOf.userId
		actor.user.account.uid = userIdentity.accountId
		actor.user.credential_uid = userIdentity.accessKeyId | userIdentity.credentialId
		actor.session.created_time_dt = userIdentity.sessionContext.attributes.creationDate : date
		actor.session.is_mfa = userIdentity.sessionContext.attributes.mfaAuthenticated : bool
		actor.session.issuer = userIdentity.sessionContext.sessionIssuer.arn
		actor.idp.name = userIdentity.identityProvider | userIdentity.webIdFederationData.federatedProvider
		actor.idp.uid = userIdentity.onBehalfOf.identityStoreArn
		actor.invoked_by = userIdentity.invokedBy
		api.operation = eventName
		api.version = apiVersion
		api.service.name = eventSource
		api.request.uid = requestID
		api.request.data = requestParameters : json
		api.response.error = errorCode
		api.response.message = errorMessage : words
		api.response.data = responseElements : json
		http_request.user_agent = userAgent
		src_endpoint.ip = sourceIPAddress : ip
		src_endpoint.domain = sourceIPAddress : host
		src_endpoint.uid = vpcEndpointId`
	return source{
		format: "cloudtrail", within: "detail",
		all: `
			time = eventTime : time
			severity = : informational
			metadata.version = "1.5.0"
			metadata.uid = eventID
			metadata.event_code = eventType
			metadata.product.name = "CloudTrail"
			metadata.product.vendor_name = "AWS"
			metadata.product.version = eventVersion
			metadata.product.feature.name = eventCategory
			metadata.log_name = "CloudTrail"
			metadata.profiles = ["cloud","datetime"]
			cloud.provider = "AWS"
			cloud.account.uid = recipientAccountId
			cloud.region = awsRegion`,
		keys: "eventName eventSource",
		choose: func(w *writer) int {
			name, service := w.text("eventName"), w.text("eventSource")
			switch {
			case len(name) == 0 || len(service) == 0:
				return 0
			case isAuthentication(name, service):
				return 2
			case string(service) == "iam.amazonaws.com" && accountChange(nil, name) != other:
				return 3
			}
			return 1
		},
		classes: []class{
			{
				name: "API Activity", uid: 6003, category: "Application Activity",
				activity: "eventName : verb", must: "actor src_endpoint",
				table: call + `
					status = errorCode : status
					resources[].uid = resources[].ARN
					resources[].type = resources[].type
					resources[].owner.account.uid = resources[].accountId`,
			},
			{
				name: "Authentication", uid: 3002, category: "Identity & Access Management",
				activity: "eventName : authentication", must: "user",
				table: call + `
					status = responseElements>ConsoleLogin | errorCode : status
					is_mfa = additionalEventData>MFAUsed : bool
					service.name = eventSource
					user.name = requestParameters>roleSessionName | userIdentity.userName
					user.uid = requestParameters>roleArn | userIdentity.arn
					user.uid_alt = userIdentity.principalId
					session.uid = responseElements>assumedRoleUser>arn
					session.uid_alt = responseElements>assumedRoleUser>assumedRoleId
					session.credential_uid = responseElements>credentials>accessKeyId
					dst_endpoint.svc_name = additionalEventData>LoginTo`,
			},
			{
				name: "Account Change", uid: 3001, category: "Identity & Access Management",
				activity: "eventName : account-change", must: "user",
				table: call + `
					status = errorCode : status
					user.name = requestParameters>userName | requestParameters>roleName | userIdentity.userName
					user.uid = responseElements>user>userId | responseElements>role>roleId
					policy.uid = requestParameters>policyArn`,
			},
		},
		enums: map[string]enum{
			"status": {
				captions: map[int]string{1: "Success", 2: "Failure"}, without: 1,
				number: func(_ *writer, text []byte) int {
					if string(text) == "Success" {
						return 1
					}
					return 2
				},
			},
			"verb": {
				captions: map[int]string{1: "Create", 2: "Read", 3: "Update", 4: "Delete"}, number: verb,
			},
			"authentication": {
				captions: map[int]string{1: "Logon", 2: "Logoff"},
				number: func(_ *writer, name []byte) int {
					switch {
					case bytes.HasSuffix(name, []byte("Login")), bytes.HasPrefix(name, []byte("AssumeRole")):
						return 1
					case string(name) == "Logout":
						return 2
					}
					return other
				},
			},
			"account-change": {
				captions: map[int]string{
					1: "Create", 2: "Enable", 3: "Password Change", 4: "Password Reset", 5: "Disable", 6: "Delete",
					7: "Attach Policy", 8: "Detach Policy", 10: "MFA Factor Enable", 11: "MFA Factor Disable",
				},
				number: accountChange,
			},
		},
	}
}

// isAuthentication reports whether a call is one by which somebody signs in, or gets the credentials of a session.
func isAuthentication(name, service []byte) bool {
	switch string(service) {
	case "signin.amazonaws.com":
		return true
	case "sts.amazonaws.com":
		return bytes.HasPrefix(name, []byte("AssumeRole")) || string(name) == "GetSessionToken" ||
			string(name) == "GetFederationToken"
	}
	return false
}

// accountChange tells what a call of IAM does to a user or a role, other when it does not.
func accountChange(_ *writer, name []byte) int {
	switch string(name) {
	case "CreateUser", "CreateRole", "CreateServiceLinkedRole":
		return 1
	case "CreateLoginProfile":
		return 2
	case "ChangePassword":
		return 3
	case "UpdateLoginProfile":
		return 4
	case "DeleteLoginProfile":
		return 5
	case "DeleteUser", "DeleteRole", "DeleteServiceLinkedRole":
		return 6
	case "AttachUserPolicy", "AttachRolePolicy", "PutUserPolicy", "PutRolePolicy":
		return 7
	case "DetachUserPolicy", "DetachRolePolicy", "DeleteUserPolicy", "DeleteRolePolicy":
		return 8
	case "EnableMFADevice":
		return 10
	case "DeactivateMFADevice":
		return 11
	}
	return other
}

// verbs are words that names of calls begin with.
var verbs = [...]struct {
	word     string
	activity int
}{
	{"Describe", 2},
	{"Get", 2},
	{"List", 2},
	{"Head", 2},
	{"Lookup", 2},
	{"Search", 2},
	{"Query", 2},
	{"Scan", 2},
	{"Select", 2},
	{"View", 2},
	{"Check", 2},
	{"Download", 2},
	{"BatchGet", 2},
	{"BatchDescribe", 2},
	{"Create", 1},
	{"Run", 1},
	{"Allocate", 1},
	{"Register", 1},
	{"Import", 1},
	{"Copy", 1},
	{"Generate", 1},
	{"Request", 1},
	{"BatchCreate", 1},
	{"Update", 3},
	{"Put", 3},
	{"Modify", 3},
	{"Set", 3},
	{"Change", 3},
	{"Attach", 3},
	{"Detach", 3},
	{"Associate", 3},
	{"Disassociate", 3},
	{"Tag", 3},
	{"Untag", 3},
	{"Enable", 3},
	{"Disable", 3},
	{"Start", 3},
	{"Stop", 3},
	{"Reboot", 3},
	{"Reset", 3},
	{"Replace", 3},
	{"Restore", 3},
	{"Add", 3},
	{"BatchUpdate", 3},
	{"BatchWrite", 3},
	{"Delete", 4},
	{"Remove", 4},
	{"Terminate", 4},
	{"Deregister", 4},
	{"Release", 4},
	{"Revoke", 4},
	{"Purge", 4},
	{"BatchDelete", 4},
}

// verb tells by the first word of its name what a call does.
func verb(_ *writer, name []byte) int {
	for i := range verbs {
		word := verbs[i].word
		if n := len(word); len(name) >= n && string(name[:n]) == word && (len(name) == n || name[n] < 'a' || name[n] > 'z') {
			return verbs[i].activity
		}
	}
	return other
}
