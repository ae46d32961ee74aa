// Package doctor says why a domain refuses or is not reached. [Explain] names the cause of one failure, and [Walk]
// goes the whole way of a request, step by step. All who explain a refusal take their words from one table, [Causes].
//
// A cause is named only with evidence. Without, the nearest open one is, with candidates: [PolicyRefuses], [Signature]
// or [Unknown].
package doctor

import "slices"

// Cause is the name of a cause, for people and scripts.
type Cause string

// The causes.
const (
	CredentialsMissing   Cause = "credentials-missing"
	CredentialsExpired   Cause = "credentials-expired"
	SSOLogin             Cause = "sso-login"
	IMDSHops             Cause = "imds-hops"
	AssumeRoleDenied     Cause = "assume-role-denied"
	KeyUnknown           Cause = "key-unknown"
	SecretWrong          Cause = "secret-wrong"
	TokenMissing         Cause = "token-missing"
	TokenInvalid         Cause = "token-invalid"
	RegionWrong          Cause = "region-wrong"
	ServiceWrong         Cause = "service-wrong"
	ClockSkew            Cause = "clock-skew"
	HeaderChanged        Cause = "header-changed"
	PathEncoding         Cause = "path-encoding"
	BodyChanged          Cause = "body-changed"
	PolicyDenies         Cause = "policy-denies"
	PolicyLacksPrincipal Cause = "policy-lacks-principal"
	PolicyLacksAction    Cause = "policy-lacks-action"
	PolicyLacksPath      Cause = "policy-lacks-path"
	BoundaryOrSCP        Cause = "boundary-or-scp"
	AddressNotListed     Cause = "address-not-listed"
	OtherAccountHalf     Cause = "other-account-half"
	Anonymous            Cause = "anonymous"
	FineGrainedRole      Cause = "fine-grained-role"
	BasicAuthWanted      Cause = "basic-auth-wanted"
	APINotOffered        Cause = "api-not-offered"
	Throttled            Cause = "throttled"
	WritesBlocked        Cause = "writes-blocked"
	DiskFull             Cause = "disk-full"
	ShardLimit           Cause = "shard-limit"
	FieldLimit           Cause = "field-limit"
	RequestTooLarge      Cause = "request-too-large"
	AOSSDataAccess       Cause = "aoss-data-access"
	DNS                  Cause = "dns"
	Unreached            Cause = "unreachable"
	VPCOnly              Cause = "vpc-only"
	TLSUntrusted         Cause = "tls-untrusted"
	TLSName              Cause = "tls-name"
	NotADomain           Cause = "not-a-domain"
	WrongEndpoint        Cause = "wrong-endpoint"
	ProxyInBetween       Cause = "proxy-in-between"
	BucketMissing        Cause = "bucket-missing"
	BucketRegion         Cause = "bucket-region"
	BucketDenied         Cause = "bucket-denied"
	KMSDenied            Cause = "kms-denied"
	Archived             Cause = "archived"
	DeadLettersDenied    Cause = "dead-letters-denied"
	QueueVisibility      Cause = "queue-visibility"
	FunctionTimeout      Cause = "function-timeout"

	// The open causes: something refuses, and the evidence does not tell more.
	PolicyRefuses Cause = "policy-refuses"
	Signature     Cause = "signature"
	Unknown       Cause = "unknown"

	// Earlier is the cause of a check that was skipped because one before it on the same way failed.
	Earlier Cause = "earlier"
)

// The exit codes of causes.
const (
	exitSetting = 2 // an endpoint, a region, a service, a queue or a function is set wrongly
	exitLater   = 4 // the network, TLS, or what the domain has no room for
	exitRefused = 5 // credentials, signature, policy, roles, buckets
)

// Info is a row of the table.
type Info struct {
	Name Cause
	// Exit is the exit code of penstock doctor: 2, 4 or 5.
	Exit int
	// Means says what happened.
	Means string
	// Evidence says what the cause is claimed by.
	Evidence string
	// Fix says what mends it.
	Fix string
	// Open says that the cause stands for what is not known.
	Open bool
}

// Causes returns the table.
func Causes() []Info { return slices.Clone(causes) }

// Info is the row of a cause; that of Unknown for a name that is not in the table.
func (c Cause) Info() Info {
	i := slices.IndexFunc(causes, func(i Info) bool { return i.Name == c })
	if i < 0 {
		return Unknown.Info()
	}
	return causes[i]
}

// known reports whether the name is in the table.
func (c Cause) known() bool {
	return slices.ContainsFunc(causes, func(i Info) bool { return i.Name == c })
}

const renew = "renew the credentials: aws sso login, a new role session, or new variables"

var causes = []Info{
	{
		Name: CredentialsMissing, Exit: exitRefused,
		Means:    "the AWS chain gives no credentials, so there is nothing to sign with",
		Evidence: "every link of the chain was asked and had none",
		Fix: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a --profile, " +
			"or run where a role gives credentials; --no-sign sends requests without a signature",
	},
	{
		Name: CredentialsExpired, Exit: exitRefused,
		Means:    "the session that the credentials belong to is over",
		Evidence: "the domain says that the token is expired, or the time until which the credentials hold is past",
		Fix:      renew,
	},
	{
		Name: SSOLogin, Exit: exitRefused,
		Means:    "the profile gets its credentials by single sign-on, and nobody is logged in",
		Evidence: "the SSO link of the chain says that its token is missing, expired or refused",
		Fix:      "aws sso login, with the same --profile",
	},
	{
		Name: IMDSHops, Exit: exitRefused,
		Means: "the instance's metadata service is there, but its answer with the token does not arrive: " +
			"a container is one hop farther than it is allowed to travel",
		Evidence: "a connection to the metadata service is made, and the request for a token is not answered",
		Fix:      "aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2",
	},
	{
		Name: AssumeRoleDenied, Exit: exitRefused,
		Means:    "the credentials may not assume the role that is to sign",
		Evidence: "STS refuses AssumeRole",
		Fix: "let the role's trust policy name the caller, and the caller's identity policy allow sts:AssumeRole " +
			"on this role; an external id goes into --external-id",
	},
	{
		Name: KeyUnknown, Exit: exitRefused,
		Means:    "AWS does not know the access key: deleted, disabled, mistyped, or of another partition",
		Evidence: "the domain calls the token invalid, with its full stop, for a key that needs no token or came with one",
		Fix:      "the access key id is not known: make a new access key or session, and put it where the old one is",
	},
	{
		Name: SecretWrong, Exit: exitRefused,
		Means:    "the secret access key does not belong to the access key id",
		Evidence: "the canonical request that the domain signed is the one that was signed here, or STS refuses the key too",
		Fix:      "set AWS_SECRET_ACCESS_KEY to the secret of this access key, without quotes and spaces",
	},
	{
		Name: TokenMissing, Exit: exitRefused,
		Means:    "the access key is a temporary one and came without its session token",
		Evidence: "the key begins with ASIA, no token was sent, and the domain calls the token invalid",
		Fix:      "set AWS_SESSION_TOKEN too: temporary credentials are three values",
	},
	{
		Name: TokenInvalid, Exit: exitRefused,
		Means:    "the session token does not belong to the access key",
		Evidence: "the domain calls the token invalid, without the full stop that an unknown key has",
		Fix: "set all three variables from one session; with the key of a user, whose id begins with AKIA, " +
			"unset AWS_SESSION_TOKEN",
	},
	{
		Name: RegionWrong, Exit: exitSetting,
		Means:    "the request is signed for another region than the domain's",
		Evidence: "the domain says so",
		Fix:      "name the domain's region with --region",
	},
	{
		Name: ServiceWrong, Exit: exitSetting,
		Means:    "the request is signed for another service than the endpoint's",
		Evidence: "the domain says so",
		Fix:      "name the endpoint's service with --service: es is a domain, aoss a serverless collection",
	},
	{
		Name: ClockSkew, Exit: exitRefused,
		Means:    "the clock of this machine is more than five minutes off, and signatures hold for five",
		Evidence: "the domain says that the signature is expired or not yet current, or its Date is that far away",
		Fix:      "set the clock: timedatectl set-ntp true",
	},
	{
		Name: HeaderChanged, Exit: exitRefused,
		Means:    "something on the way changed or removed a header that is signed",
		Evidence: "the domain's canonical request has another value than was signed, or takes a signed request for anonymous",
		Fix:      "take the hop that rewrites headers out of the way; behind a tunnel name the domain with --sign-for",
	},
	{
		Name: PathEncoding, Exit: exitRefused,
		Means:    "the path or the query was written in another way after it was signed",
		Evidence: "the domain's canonical request has another path or query than was signed, or only such paths are refused",
		Fix:      "let the hop in between pass request targets as they are: nginx, proxy_pass without a path behind the host",
	},
	{
		Name: BodyChanged, Exit: exitRefused,
		Means:    "the body was changed after it was signed: compressed, cut, or written anew",
		Evidence: "the domain's hash of the body is another than was signed, or only requests with a body are refused",
		Fix:      "let the hop in between pass bodies as they are: no compression, no rewriting",
	},
	{
		Name: PolicyDenies, Exit: exitRefused,
		Means:    "a statement of a policy denies the call, and a Deny wins over every Allow",
		Evidence: "the domain names an explicit deny, or the policy that was read has the statement",
		Fix:      "a statement denies this: change that statement; no other one can allow it",
	},
	{
		Name: PolicyLacksPrincipal, Exit: exitRefused,
		Means:    "the signature is right, and no statement is about this principal",
		Evidence: "the access policy was read, and none of its Allow statements names the caller",
		Fix:      "add a statement to the access policy for this principal, action and path",
	},
	{
		Name: PolicyLacksAction, Exit: exitRefused,
		Means:    "the policy names the caller, but not this HTTP method",
		Evidence: "the policy was read, or another method is let through on the same path",
		Fix:      "add the one action that is missing",
	},
	{
		Name: PolicyLacksPath, Exit: exitRefused,
		Means:    "the policy names the caller and the method, but not this path; domain/NAME without /* is no path at all",
		Evidence: "the policy was read, or the same method is let through on another path",
		Fix:      "add the one path that is missing",
	},
	{
		Name: BoundaryOrSCP, Exit: exitRefused,
		Means: "a permissions boundary, a session policy or a policy of the organization does not allow what is " +
			"allowed elsewhere",
		Evidence: "the domain names the kind of policy, or IAM's simulation does",
		Fix:      "whoever owns that policy has to allow the action there; the access policy cannot",
	},
	{
		Name: AddressNotListed, Exit: exitRefused,
		Means:    "the access policy lets certain addresses in, and this one is not among them",
		Evidence: "the access policy was read, and its condition on the address is all that keeps the caller out",
		Fix:      "call from an address that is listed, or add this one as a /32",
	},
	{
		Name: OtherAccountHalf, Exit: exitRefused,
		Means:    "the caller is of another account: both sides have to allow, and one does not",
		Evidence: "the caller's account is not the domain's, and one side is known to allow",
		Fix:      "add the half that is missing, to the domain's access policy or to the caller's identity policy",
	},
	{
		Name: Anonymous, Exit: exitRefused,
		Means:    "the request had no signature, and the policy admits IAM principals only",
		Evidence: "the domain calls the caller anonymous, and nothing was signed",
		Fix: "the domain's access policy admits IAM principals only: leave out --no-sign and give credentials, " +
			"or use a client that signs",
	},
	{
		Name: FineGrainedRole, Exit: exitRefused,
		Means:    "IAM lets the request through, and fine-grained access control inside the domain does not",
		Evidence: "the engine answers with a security_exception, or says that the caller has no role that writes",
		Fix:      "map this principal to a role that may write to the index, in the domain's security settings",
	},
	{
		Name: BasicAuthWanted, Exit: exitRefused,
		Means:    "the domain asks for a user name and a password of its internal user database",
		Evidence: "401 with WWW-Authenticate: Basic",
		Fix: "sign as an IAM principal that the security settings map to a role; a master user of the internal " +
			"database cannot sign",
	},
	{
		Name: APINotOffered, Exit: exitSetting,
		Means:    "the managed service does not offer this API, or not with this body",
		Evidence: "the domain says so, with 401",
		Fix:      "use another API: the service's list of supported operations is by version",
	},
	{
		Name: Throttled, Exit: exitLater,
		Means:    "the domain asks for fewer requests than it gets",
		Evidence: "429, or 403 with the sentence about throttling",
		Fix:      "lower --max-in-flight and run again; give the domain larger instances when it stays",
	},
	{
		Name: WritesBlocked, Exit: exitLater,
		Means:    "a block on the index or on the cluster keeps writes out",
		Evidence: "a cluster_block_exception, or the block in the settings",
		Fix:      "take the block away in the settings where it stands, when what it was set for is over",
	},
	{
		Name: DiskFull, Exit: exitLater,
		Means:    "the data nodes have no disk space left, and the domain blocks writes",
		Evidence: "the block that the flood-stage watermark sets, or the nodes' own figures",
		Fix:      "delete old indexes or give the domain more storage; then remove the block if it stays",
	},
	{
		Name: ShardLimit, Exit: exitLater,
		Means:    "the cluster has as many shards as it may have, so no index can be made",
		Evidence: "the engine's sentence, or its own figures",
		Fix:      "delete old indexes or make fewer: one a month instead of one a day",
	},
	{
		Name: FieldLimit, Exit: exitLater,
		Means:    "an index has as many fields as it may have",
		Evidence: "the mapping and index.mapping.total_fields.limit",
		Fix:      "keep unlike records in different indexes, or raise index.mapping.total_fields.limit",
	},
	{
		Name: RequestTooLarge, Exit: exitLater,
		Means:    "the request has more bytes than the domain takes: 10 MiB on small instances, 100 MiB on others",
		Evidence: "413",
		Fix:      "send less in one request: --batch-bytes 4MiB",
	},
	{
		Name: AOSSDataAccess, Exit: exitRefused,
		Means:    "no data access policy of the collection names the caller",
		Evidence: "the collection's data access policies were read",
		Fix:      "add the principal to a data access policy of the collection, with aoss:WriteDocument on the indexes",
	},
	{
		Name: DNS, Exit: exitLater,
		Means:    "the name of the endpoint does not resolve",
		Evidence: "the resolver says that there is no such name",
		Fix:      "check the endpoint for typing errors; a domain that was deleted has no name any more",
	},
	{
		Name: Unreached, Exit: exitLater,
		Means:    "nothing answers at the address",
		Evidence: "the connection is refused, reset, or not made in time",
		Fix: "check the endpoint, its port, the network and, for a domain in a VPC, the security group; " +
			"then run the same command again",
	},
	{
		Name: VPCOnly, Exit: exitLater,
		Means:    "the domain is in a VPC, and this machine is not",
		Evidence: "the endpoint is that of a VPC domain or resolves to a private address, and no connection is made",
		Fix: "run inside the VPC, with a security group that the domain's lets in on port 443, " +
			"or through a tunnel with --sign-for",
	},
	{
		Name: TLSUntrusted, Exit: exitLater,
		Means:    "the certificate is not one that this machine trusts",
		Evidence: "the handshake says so: unknown authority, or expired",
		Fix:      "trust the authority of the endpoint's certificate with --ca-file FILE",
	},
	{
		Name: TLSName, Exit: exitLater,
		Means:    "the certificate is for another name than the endpoint's",
		Evidence: "the handshake says so, with the names that it is for",
		Fix:      "use the name that the certificate is for; behind a tunnel, name the domain with --sign-for",
	},
	{
		Name: NotADomain, Exit: exitSetting,
		Means:    "something else than a domain answers at this address",
		Evidence: "the answer is no JSON of a domain: a page, another service",
		Fix:      "--domain wants the domain's endpoint, not the address of Dashboards, a console or a website",
	},
	{
		Name: WrongEndpoint, Exit: exitSetting,
		Means:    "the address belongs to the service but is not the endpoint of the domain's data",
		Evidence: "the form of the address, or a redirect to Dashboards",
		Fix:      "use the domain's endpoint, https://search-NAME-ID.REGION.es.amazonaws.com, without a path",
	},
	{
		Name: ProxyInBetween, Exit: exitLater,
		Means: "a proxy or a gateway answers in place of the domain, or makes another request of the one that was signed",
		Evidence: "the answer has a proxy's status or headers and none of the domain's, or the domain's canonical request " +
			"is of another method or path",
		Fix: "let the proxy pass requests to this host as they are, or go around it: NO_PROXY=HOST",
	},
	{
		Name: BucketMissing, Exit: exitSetting,
		Means:    "there is no such bucket, or no object with such a key",
		Evidence: "S3 says so",
		Fix:      "check the name; what follows the bucket in an s3:// URL is taken literally",
	},
	{
		Name: BucketRegion, Exit: exitSetting,
		Means:    "the bucket is in another region, and that one cannot be found out",
		Evidence: "S3 redirects, or calls the region of the signature wrong",
		Fix:      "name the bucket's region with --s3-region",
	},
	{
		Name: BucketDenied, Exit: exitRefused,
		Means:    "the caller may not list or read the bucket",
		Evidence: "S3 answers AccessDenied",
		Fix: "allow s3:GetObject on the objects and s3:ListBucket on the bucket; without s3:ListBucket " +
			"a missing object looks like a forbidden one. A requester-pays bucket needs --requester-pays",
	},
	{
		Name: KMSDenied, Exit: exitRefused,
		Means:    "the objects are encrypted with a key that the caller may not use",
		Evidence: "S3 names the key, or kms:Decrypt",
		Fix: "allow kms:Decrypt on the key, in the reader's policy and, across accounts, in the key's " +
			"policy; a key that is disabled or scheduled for deletion decrypts nothing",
	},
	{
		Name: Archived, Exit: exitLater,
		Means:    "the object is in an archive storage class",
		Evidence: "S3 answers InvalidObjectState",
		Fix:      "restore the object from its archive first",
	},
	{
		Name: DeadLettersDenied, Exit: exitRefused,
		Means:    "dead letters cannot be written where they are to rest",
		Evidence: "writing one there is refused",
		Fix: "allow s3:PutObject below the prefix of the dead letters; " +
			"replaying letters needs s3:GetObject, s3:ListBucket and s3:DeleteObject too",
	},
	{
		Name: QueueVisibility, Exit: exitSetting,
		Means:    "messages come back to the queue while the function still works on them",
		Evidence: "the queue's visibility timeout is shorter than the function's",
		Fix:      "set the queue's visibility timeout to six times the function's",
	},
	{
		Name: FunctionTimeout, Exit: exitSetting,
		Means:    "the function is ended before it is done",
		Evidence: "its log says that it timed out, or it has less than ten seconds",
		Fix:      "give the function more time: aws lambda update-function-configuration --function-name NAME --timeout 300",
	},
	{
		Name: PolicyRefuses, Exit: exitRefused, Open: true,
		Means:    "the signature is right, and no policy allows the call; which one lacks what is not known",
		Evidence: "the domain says that the caller is not authorized, and no more",
		Fix: "the signature is right but the principal is not allowed: " +
			"penstock policy explain says what the policies lack, and penstock doctor looks at them",
	},
	{
		Name: Signature, Exit: exitRefused, Open: true,
		Means:    "the signature is not accepted, and the answer does not tell why",
		Evidence: "the domain says that the signature does not match, without the canonical request",
		Fix:      "check the secret access key and what is between here and the domain",
	},
	{
		Name: Unknown, Exit: exitLater, Open: true,
		Means:    "the answer does not tell",
		Evidence: "none",
		Fix:      "check the domain's access policy and the credentials",
	},
}
