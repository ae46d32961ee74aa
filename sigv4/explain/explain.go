package explain

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock/sigv4"
)

// The causes that are named here. They are those of "penstock doctor".
const (
	CauseExpired       = "credentials-expired"
	CauseKeyUnknown    = "key-unknown"
	CauseSecretWrong   = "secret-wrong"
	CauseTokenMissing  = "token-missing"
	CauseTokenInvalid  = "token-invalid"
	CauseRegionWrong   = "region-wrong"
	CauseServiceWrong  = "service-wrong"
	CauseClockSkew     = "clock-skew"
	CauseHeaderChanged = "header-changed"
	CausePathEncoding  = "path-encoding"
	CauseBodyChanged   = "body-changed"
	CauseProxy         = "proxy-in-between"
	CauseAnonymous     = "anonymous"
	CausePolicyDenies  = "policy-denies"
	CausePolicyRefuses = "policy-refuses"
	CauseFineGrained   = "fine-grained-role"
	CauseWrongEndpoint = "wrong-endpoint"
	// CauseSignature says that the signature was refused, and that what is known does not tell why.
	CauseSignature = "signature"
	CauseUnknown   = "unknown"
)

// Causes are the names that a finding can have.
func Causes() []string {
	return []string{
		CauseExpired, CauseKeyUnknown, CauseSecretWrong, CauseTokenMissing, CauseTokenInvalid, CauseRegionWrong,
		CauseServiceWrong, CauseClockSkew, CauseHeaderChanged, CausePathEncoding, CauseBodyChanged, CauseProxy,
		CauseAnonymous, CausePolicyDenies, CausePolicyRefuses, CauseFineGrained, CauseWrongEndpoint, CauseSignature,
		CauseUnknown,
	}
}

// Evidence says what a finding rests on.
type Evidence string

// The kinds of evidence, the strongest first.
const (
	// BySignature: the signature was computed again with the secret key, and is that of one canonical request only.
	BySignature Evidence = "signature"
	// ByDifference: what the client shows and what the domain expected differ.
	ByDifference Evidence = "difference"
	// ByDomain: the domain says so.
	ByDomain Evidence = "domain"
	// ByClient: the client is known to sign such a request wrongly.
	ByClient Evidence = "client"
	// None: the cause is not known.
	None Evidence = "none"
)

// Finding is what is known about a refused request. Its texts hold no secrets, and may hold what others wrote: print
// them as such.
type Finding struct {
	// Cause is one of the Cause constants.
	Cause string `json:"cause"`
	// Candidates are at most three causes, when Cause is an open one.
	Candidates []string `json:"candidates,omitempty"`
	Evidence   Evidence `json:"evidence"`
	// Line is the first line that differs, when one does.
	Line *Line `json:"line,omitempty"`
	// Seen is what the finding rests on, Means what it means, Fix the way out.
	Seen  string `json:"seen"`
	Means string `json:"means"`
	Fix   string `json:"fix"`
	// Clients are programs that are known for this mistake.
	Clients []string `json:"clients,omitempty"`
	// Notes say what was not certain about the input.
	Notes []string `json:"notes,omitempty"`
}

// Options are what is known besides the exchange.
type Options struct {
	// Credentials are those that the client signs with. When their key is that of the request, the signature is
	// computed again, and a claim about it is a proof.
	Credentials sigv4.Credentials
}

// explainer is one exchange on its way to a finding.
type explainer struct {
	x         *Exchange
	auth      authorization
	signed    bool // the request has a signature
	visible   bool // the request line and the signed headers are known
	creds     sigv4.Credentials
	hasSecret bool
	notes     []string
}

// KeyID is the access key id that a request says it is signed with, empty when it does not.
func (x *Exchange) KeyID() string {
	a, _ := signatureOf(x)
	return a.keyID
}

// Scope is what the request says its signature is for.
func (x *Exchange) Scope() sigv4.Scope {
	a, _ := signatureOf(x)
	return a.scope
}

// Explain says why the request of an exchange was refused. It does not change the exchange.
func Explain(x *Exchange, o Options) Finding {
	e := newExplainer(x, o)
	return e.finished(e.find())
}

func newExplainer(x *Exchange, o Options) *explainer {
	e := &explainer{x: x, creds: o.Credentials}
	e.auth, e.signed = signatureOf(x)
	e.visible = e.signed && x.Method != "" && len(e.auth.signedHeaders) > 0
	e.hasSecret = o.Credentials.SecretAccessKey != "" && e.auth.keyID != "" &&
		o.Credentials.AccessKeyID == e.auth.keyID
	return e
}

// finished completes a finding with what goes for all of them.
func (e *explainer) finished(f Finding) Finding {
	f.Notes = e.notes
	if f.Line != nil {
		f.Clients = clientsOf(f.Line.Name, e.x)
	}
	if len(f.Candidates) > 3 {
		f.Candidates = f.Candidates[:3]
	}
	return f
}

func (e *explainer) find() Finding {
	if s := sentenceOf(e.x.Text); s != nil {
		return s.find(e, s.text.FindStringSubmatch(e.x.Text))
	}
	if e.x.Expected != "" {
		return e.mismatch(nil)
	}
	if f, ok := e.stranger(); ok {
		return f
	}
	return e.silent()
}

// stranger looks for an answer that no domain gives.
func (e *explainer) stranger() (f Finding, ok bool) {
	if name := e.x.Answer.Get("X-Amzn-Errortype"); name != "" {
		return Finding{
			Cause: CauseWrongEndpoint, Evidence: ByDifference,
			Seen:  "the answer has the header x-amzn-ErrorType",
			Means: "another service of AWS answers, such as API Gateway: a domain does not send that header",
			Fix:   "send the request to the endpoint of the domain itself",
		}, true
	}
	if !isPage(e.x.Text) {
		return f, false
	}
	who := ""
	for _, name := range []string{"Server", "Via", "X-Cache"} {
		if value := e.x.Answer.Get(name); value != "" {
			who = fmt.Sprintf(" (%s: %s)", strings.ToLower(name), bounded(value))
			break
		}
	}
	return Finding{
		Cause: CauseProxy, Evidence: ByDifference,
		Seen:  "the answer is a page, not JSON" + who,
		Means: "a proxy or firewall between the client and the domain refused the request; the domain has not seen it",
		Fix:   "let the proxy pass requests to the domain's name, or leave it out for that name (NO_PROXY)",
	}, true
}

// silent is about an answer without a reason, as those to HEAD are.
func (e *explainer) silent() Finding {
	unknown := Finding{
		Cause: CauseUnknown, Evidence: None, Seen: "the answer gives no reason that is known here",
		Means: "a refusal of a HEAD request has no body; other answers without a known sentence are not about the signature",
		Fix:   "send the same request as GET and explain that answer",
	}
	if !e.signed {
		return unknown
	}
	if date, err := http.ParseTime(e.x.Answer.Get("Date")); err == nil {
		if at, err := time.Parse(basicFormat, e.auth.date); err == nil && at.Sub(date).Abs() > 5*time.Minute {
			return skew(at, date, "the date of the signature and the Date of the answer are apart")
		}
	}
	if region, service, ok := sigv4.Infer(e.x.Host); ok && e.auth.scope.Region != "" {
		switch {
		case region != e.auth.scope.Region:
			return e.region([]string{"", e.auth.scope.Region})
		case service != e.auth.scope.Service:
			return e.service([]string{"", service})
		}
	}
	if f, ok := e.provenClient(); ok {
		return f
	}
	unknown.Candidates = []string{CauseSignature, CausePolicyRefuses}
	return unknown
}

const basicFormat = "20060102T150405Z"

// clock is about the time of a signature.
func (e *explainer) clock(m []string) Finding {
	at, err := time.Parse(basicFormat, m[2])
	now, nowErr := time.Parse(basicFormat, m[4])
	if err != nil || nowErr != nil {
		return Finding{
			Cause: CauseClockSkew, Evidence: ByDomain, Seen: "the signature is " + m[1],
			Means: "the clocks of the client and of the domain differ", Fix: fixClock,
		}
	}
	if e.visible && e.auth.date != "" && e.auth.date != m[2] && !strings.Contains(e.auth.date, ",") &&
		e.x.Header.Get("X-Amz-Date") != "" {
		line := Line{Name: lineHeader + "x-amz-date", Client: bounded(e.auth.date), Domain: m[2]}
		return e.inTransit(line, ByDifference)
	}
	return skew(at, now, "the domain says: signature "+m[1])
}

const fixClock = "set the clock (ntp, chrony, w32tm /resync; in a virtual machine or container, that of the host)"

func skew(at, now time.Time, seen string) Finding {
	by := now.Sub(at)
	f := Finding{
		Cause: CauseClockSkew, Evidence: ByDomain,
		Seen: fmt.Sprintf("%s; signed at %s, and there it was %s", seen, at.Format(time.RFC3339), now.Format(time.RFC3339)),
		Fix:  fixClock,
	}
	way := "behind"
	if by < 0 {
		way, by = "ahead", -by
	}
	f.Means = fmt.Sprintf("the time of the signature is %s %s; a domain takes five minutes", by.Round(time.Second), way)
	// The date itself is in UTC: off by whole hours, or halves and quarters, is a local time that was written as UTC.
	if rest := (by + time.Minute).Truncate(time.Minute) % (15 * time.Minute); by >= 30*time.Minute &&
		by < 15*time.Hour && rest <= 2*time.Minute {
		f.Means += "; off by whole quarters of an hour it is likely a local time that was written as if it was UTC"
		f.Fix = "write x-amz-date in UTC; otherwise " + fixClock
	} else if way == "behind" && by < 48*time.Hour {
		f.Means += "; a request that waited after it was signed (a queue, a retry, a pause) looks the same"
		f.Fix = fixClock + "; sign every attempt anew"
	}
	return f
}

// day is about a scope whose day is not that of the date.
func (e *explainer) day(m []string) Finding {
	if e.visible && e.auth.scope.Day != "" && strings.HasPrefix(e.auth.date, e.auth.scope.Day) {
		return e.inTransit(Line{Name: lineHeader + "x-amz-date", Client: bounded(e.auth.date), Domain: m[2] + "…"},
			ByDifference)
	}
	return Finding{
		Cause: CauseClockSkew, Evidence: ByDomain,
		Seen:  fmt.Sprintf("the scope has the day %s, and the date of the request is of %s", bounded(m[1]), bounded(m[2])),
		Means: "the client takes the day and the time from two clocks: local time for one, or midnight in between",
		Fix:   "take one time in UTC, and use it for x-amz-date and for the scope",
	}
}

// region is about a scope with a region that is not the domain's.
func (e *explainer) region(m []string) Finding {
	f := Finding{
		Cause: CauseRegionWrong, Evidence: ByDomain, Seen: fmt.Sprintf("signed for the region %q", bounded(m[1])),
		Means: "the domain is in another region. Clients take the region from AWS_REGION, from a profile, or a default " +
			"of their own; the name of a tunnel or custom endpoint does not tell it",
		Fix: "sign for the region of the domain: the one in its endpoint, NAME.REGION.es.amazonaws.com",
	}
	if region, _, ok := sigv4.Infer(e.x.Host); ok {
		f.Fix = fmt.Sprintf("sign for %q, the region in the domain's name", region)
	}
	if strings.Contains(e.x.Text, "scoped to correct service") {
		e.notes = append(e.notes, "the service is wrong too: see the second sentence of the answer")
	}
	return f
}

// service is about a scope with another service.
func (e *explainer) service(m []string) Finding {
	was := ""
	if s := e.auth.scope.Service; s != "" {
		was = fmt.Sprintf(", and it is signed for %q", bounded(s))
	}
	return Finding{
		Cause: CauseServiceWrong, Evidence: ByDomain,
		Seen:  fmt.Sprintf("the service of this endpoint is %q%s", bounded(m[1]), was),
		Means: "a domain is the service es, a serverless collection is aoss; opensearch, execute-api or s3 is neither",
		Fix:   fmt.Sprintf("sign for the service %q", bounded(m[1])),
	}
}

// expired is about credentials that have ended.
func (e *explainer) expired([]string) Finding {
	return Finding{
		Cause: CauseExpired, Evidence: ByDomain, Seen: "the session token is expired",
		Means: "temporary credentials have ended. Programs that read them once at the start run into this after an hour",
		Fix:   "renew them (aws sso login, a new role session), and let the client ask its provider before each request",
	}
}

// invalid is about a key or token that is not known. The full stop tells which.
func (e *explainer) invalid(m []string) Finding {
	if m[1] == "" {
		return Finding{
			Cause: CauseTokenInvalid, Evidence: ByDomain, Seen: "the domain does not take the session token",
			Means: "the token is not the one that belongs to this access key: of another session, cut, or encoded once more. " +
				"Credentials of a user have none",
			Fix: "take the access key, the secret and the token from one and the same place",
		}
	}
	token := e.x.Header.Get("X-Amz-Security-Token") != "" || strings.Contains(e.x.Target, "X-Amz-Security-Token=")
	switch {
	case strings.HasPrefix(e.auth.keyID, "ASIA") && e.visible && !token:
		return Finding{
			Cause: CauseTokenMissing, Evidence: ByDomain,
			Seen:  "the access key begins with ASIA, and the request has no x-amz-security-token",
			Means: "temporary credentials are known only together with their session token, and the client left it out",
			Fix:   "set AWS_SESSION_TOKEN, and hand the token to the client's signer as well",
		}
	case strings.HasPrefix(e.auth.keyID, "ASIA"):
		return Finding{
			Cause: CauseUnknown, Evidence: None, Candidates: []string{CauseTokenMissing, CauseKeyUnknown},
			Seen: "the domain does not know the access key, which begins with ASIA",
			Means: "either the session token did not arrive, because it was not sent or something on the way took it off, or " +
				"the session does not exist any more",
			Fix: "send the request again past every proxy; if it is refused in the same way, make a new session",
		}
	case strings.HasPrefix(e.auth.keyID, "AKIA"):
		return Finding{
			Cause: CauseKeyUnknown, Evidence: ByDomain, Seen: "the domain does not know the access key, which begins with AKIA",
			Means: "the key of a user that was deleted or made inactive, or of another partition (China, GovCloud)",
			Fix:   "look for the key with: aws iam list-access-keys; make a new one when it is gone",
		}
	}
	return Finding{
		Cause: CauseUnknown, Evidence: None, Candidates: []string{CauseKeyUnknown, CauseTokenMissing},
		Seen:  "the domain does not know the access key",
		Means: "the key does not exist, or it is temporary and came without its session token",
		Fix:   "compare the key with the one that aws sts get-caller-identity uses",
	}
}

// noDate is about a request without the date that was signed.
func (e *explainer) noDate(m []string) Finding {
	if f, ok := e.authorizationChanged(); ok {
		return f
	}
	if !strings.Contains(e.x.Text, "requires 'Credential' parameter") || e.visible {
		line := Line{Name: lineHeader + "x-amz-date", Client: bounded(e.auth.date), Domain: "(not there)"}
		if e.auth.date != "" {
			return e.inTransit(line, ByDifference)
		}
		return Finding{
			Cause: CauseHeaderChanged, Evidence: ByDomain, Line: &line, Seen: "the request has no x-amz-date",
			Means: "the client computed a signature and sent only the Authorization header of it",
			Fix:   "send every header that the signer sets: x-amz-date, x-amz-security-token, x-amz-content-sha256",
		}
	}
	return e.malformed(m)
}

// badDate is about a date that is written in another way.
func (e *explainer) badDate([]string) Finding {
	if at, err := time.Parse(basicFormat, e.auth.date); e.visible && err == nil {
		return e.inTransit(
			Line{
				Name: lineHeader + "x-amz-date", Client: at.Format(basicFormat),
				Domain: "(written in another way)",
			}, ByDifference)
	}
	return Finding{
		Cause: CauseSignature, Evidence: ByDomain, Seen: "the date of the request is not written as " + basicForm,
		Means: "the client writes x-amz-date in another form than the one that is signed",
		Fix:   "write x-amz-date as " + basicForm + ", in UTC",
	}
}

const basicForm = "20151119T080000Z"

// authorizationChanged looks for an Authorization header that is whole in what the client shows.
func (e *explainer) authorizationChanged() (f Finding, ok bool) {
	whole := e.visible && e.auth.signature != "" && e.auth.keyID != "" && !e.auth.presigned && e.auth.date != "" &&
		len(e.x.Header.Values("Authorization")) == 1
	if !whole {
		return f, false
	}
	_, has := e.x.Header["X-Amz-Date"]
	if has && strings.Contains(e.x.Text, "requires existence of either") &&
		!strings.Contains(e.x.Text, "requires 'Signature' parameter") {
		return f, false
	}
	return Finding{
		Cause: CauseProxy, Evidence: ByDifference,
		Seen:  "the request shows a whole Authorization header, and the domain saw another one or none",
		Means: "something between the client and the domain takes off or replaces the Authorization header",
		Fix:   "let the proxy pass Authorization on, or let it sign itself (penstock proxy)",
	}, true
}

// malformed is about an Authorization header that cannot be read.
func (e *explainer) malformed([]string) Finding {
	if f, ok := e.authorizationChanged(); ok {
		return f
	}
	scheme, _, _ := strings.Cut(e.x.Header.Get("Authorization"), " ")
	if scheme == "" {
		for _, known := range []string{"Basic", "Bearer"} {
			if strings.Contains(e.x.Text, "'"+known+" ") || strings.Contains(e.x.Text, "Authorization="+known+" ") {
				scheme = known
			}
		}
	}
	if scheme == "Basic" || scheme == "Bearer" {
		return Finding{
			Cause: CauseAnonymous, Evidence: ByDomain, Seen: "the Authorization header is of the kind " + scheme,
			Means: "the request is not signed. A domain reads every Authorization header as a signature unless fine-grained " +
				"access control has an internal user database",
			Fix: "let the client sign with Signature Version 4, or put penstock proxy before it, and take the password away",
		}
	}
	return Finding{
		Cause: CauseSignature, Evidence: ByDomain, Seen: "the domain cannot read the Authorization header",
		Means: "the client writes it in another form: a part is missing or stands twice, or a proxy added a second one",
		Fix: "Authorization: AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/es/aws4_request, SignedHeaders=host;x-amz-date, " +
			"Signature=…",
	}
}

func (e *explainer) hostUnsigned([]string) Finding {
	if e.visible && slices.ContainsFunc(e.auth.signedHeaders,
		func(s string) bool { return strings.EqualFold(s, "host") }) {
		if f, ok := e.authorizationChanged(); ok {
			return f
		}
	}
	return Finding{
		Cause: CauseSignature, Evidence: ByDomain, Seen: "host is not among the signed headers",
		Means: "the client signs before it knows the host, or takes the header out again",
		Fix:   "set the Host header before signing, and let the client sign it",
	}
}

func (e *explainer) wrongHost([]string) Finding {
	return Finding{
		Cause: CauseHeaderChanged, Evidence: ByDomain, Line: &Line{Name: lineHeader + "host", Client: bounded(e.x.Host)},
		Seen: "the domain does not know the name in the Host header", Means: meansOf(lineHeader + "host"),
		Fix: fixOf(lineHeader + "host"),
	}
}

func (e *explainer) anonymous([]string) Finding {
	if f, ok := e.authorizationChanged(); ok {
		return f
	}
	return Finding{
		Cause: CauseAnonymous, Evidence: ByDomain, Seen: "nobody signed the request",
		Means: "the access policy admits principals of IAM only, and the client does not sign",
		Fix:   "use a client that signs (docs/clients.md), penstock request, or penstock proxy in front of one that cannot",
	}
}

func (e *explainer) denied(m []string) Finding {
	return Finding{
		Cause: CausePolicyDenies, Evidence: ByDomain, Seen: "the signature is right; a " + m[1] + " policy denies",
		Means: "this is no signing mistake: a statement with Effect Deny covers this principal, action and path",
		Fix:   "penstock policy explain names the statement",
	}
}

func (e *explainer) policy([]string) Finding {
	return Finding{
		Cause: CausePolicyRefuses, Evidence: ByDomain, Seen: "the signature is right; no policy allows the action",
		Means: "this is no signing mistake: the principal, the method or the path is not in a statement that allows it",
		Fix:   "penstock policy explain says what the policies lack",
	}
}

func (e *explainer) fineGrained([]string) Finding {
	return Finding{
		Cause: CauseFineGrained, Evidence: ByDomain, Seen: "the engine refuses: fine-grained access control",
		Means: "this is no signing mistake: no role of the engine that this caller is mapped to has the permission",
		Fix:   "map the caller's ARN to a role that has it",
	}
}

// elsewhere is about answers that other services give.
func (e *explainer) elsewhere([]string) Finding {
	if e.auth.scope.Service == sigv4.ServiceServerless || strings.Contains(e.x.Host, ".aoss.") {
		if e.visible && e.x.Header.Get("X-Amz-Content-Sha256") == "" {
			return Finding{
				Cause: CauseSignature, Evidence: ByDifference, Seen: "the request has no x-amz-content-sha256",
				Means: "a serverless collection refuses every request without that header",
				Fix:   "send x-amz-content-sha256 with the hash of the body, and sign it",
			}
		}
		return Finding{
			Cause: CauseUnknown, Evidence: None, Candidates: []string{"aoss-data-access", CauseSignature},
			Seen: "a serverless collection does not say why it refuses", Means: "a data access policy or the signature",
			Fix: "look for the principal in the data access policy of the collection",
		}
	}
	if f, ok := e.stranger(); ok {
		return f
	}
	return e.silent()
}
