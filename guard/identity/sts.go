package identity

import (
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/guard/internal/edge"
	"github.com/seed56735111/penstock/iam"
)

const (
	stsVersion   = "2011-06-15"
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
	stsMaxBody   = 64 << 10

	minSessionSeconds   = 900
	maxChainSeconds     = 3600
	tokenSessionSeconds = 43200
	maxTokenSeconds     = 129600
)

// STS answers as the Security Token Service does, for the identities of one domain: AssumeRole,
// AssumeRoleWithWebIdentity, GetCallerIdentity and GetSessionToken. With AWS_ENDPOINT_URL_STS pointing at it, AWS SDKs
// get sessions of local roles that expire.
//
// [Role.Trust] and [Role.WebIdentity] say who may assume a role. A caller with session policies also needs them to
// allow sts:AssumeRole on the role. MFA parameters are ignored. PolicyArns are refused, as there are no managed
// policies.
type STS struct {
	identities *Store
	auth       Authenticator
	log        *slog.Logger
}

// NewSTS returns the handler. maxSkew bounds the age of a signature; zero means five minutes.
func NewSTS(identities *Store, maxSkew time.Duration, logger *slog.Logger) *STS {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &STS{identities: identities, auth: NewAuthenticator(identities, "", "sts", maxSkew), log: logger}
}

// IsSTS reports whether a request is for the Security Token Service and not for a domain. Its path is "/", and it is
// signed for the service sts. Without an Authorization header it has to post a form, or to have an Action parameter and
// the version of the STS interface.
func IsSTS(r *http.Request) bool {
	if r.URL.Path != "/" || r.Method != http.MethodPost && r.Method != http.MethodGet {
		return false
	}
	if authorization := r.Header.Get("Authorization"); authorization != "" {
		return strings.Contains(authorization, "/sts/aws4_request")
	}
	isForm := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if r.Method == http.MethodPost && isForm {
		return true
	}
	q := r.URL.Query()
	return q.Get("Action") != "" && q.Get("Version") == stsVersion
}

// stsError is an error answer.
type stsError struct {
	status        int
	code, message string
}

func (e *stsError) Error() string { return e.code + ": " + e.message }

func validation(message string) *stsError {
	return &stsError{http.StatusBadRequest, "ValidationError", message}
}

func invalidAction(action, version string) *stsError {
	return &stsError{
		http.StatusBadRequest, "InvalidAction", "Could not find operation " + action + " for version " + version,
	}
}

// ServeHTTP implements http.Handler.
func (s *STS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := edge.NewRequestID()
	result, err := s.call(w, r)
	status := http.StatusOK
	var doc any = stsResponse{
		XMLName:   xml.Name{Local: stsActionOf(result) + "Response"},
		Namespace: stsNamespace,
		Result:    result,
		RequestID: id,
	}
	if err != nil {
		e := &stsError{
			http.StatusInternalServerError, "InternalFailure",
			"The request processing has failed because of an unknown error",
		}
		if !errors.As(err, &e) {
			s.log.ErrorContext(r.Context(), "sts call failed", "err", err)
		}
		status = e.status
		doc = stsErrorResponse{Namespace: stsNamespace, Type: "Sender", Code: e.code, Message: e.message, RequestID: id}
	}
	body, err := xml.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // structs of our own always encode
	}
	h := w.Header()
	edge.SetRequestID(h, id)
	h.Set("Content-Type", "text/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

func (s *STS) call(w http.ResponseWriter, r *http.Request) (any, error) {
	b, err := edge.ReadBody(w, r, stsMaxBody, "", edge.DefaultPatience, true)
	if errors.Is(err, edge.ErrTooLarge) {
		return nil, &stsError{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request is too large"}
	}
	if errors.Is(err, edge.ErrSlow) {
		return nil, &stsError{http.StatusRequestTimeout, "RequestTimeout", "The request did not arrive in time"}
	}
	if err != nil {
		return nil, err
	}
	defer b.Close()
	form, err := stsForm(r, b)
	if err != nil {
		return nil, err
	}
	action := form.Get("Action")
	if v := form.Get("Version"); v != stsVersion && action != "" {
		return nil, invalidAction(action, orNone(v))
	}
	switch action {
	case "AssumeRoleWithWebIdentity":
		return s.assumeRoleWithWebIdentity(form)
	case "AssumeRole", "GetCallerIdentity", "GetSessionToken":
	case "":
		return nil, &stsError{http.StatusBadRequest, "MissingAction", "The request has no Action parameter"}
	default:
		return nil, invalidAction(action, stsVersion)
	}
	caller, err := s.caller(r, b)
	if err != nil {
		return nil, err
	}
	switch action {
	case "AssumeRole":
		return s.assumeRole(caller, r, form)
	case "GetSessionToken":
		return s.sessionToken(caller, form)
	}
	return &callerIdentity{ARN: caller.arn, UserID: caller.userID, Account: caller.account}, nil
}

func orNone(s string) string {
	if s == "" {
		return "NO_VERSION_SPECIFIED"
	}
	return s
}

// stsForm reads the parameters from the body of a POST or from the query, never from both.
func stsForm(r *http.Request, b *edge.Body) (url.Values, error) {
	query := r.URL.RawQuery
	if b.Size > 0 {
		data, err := io.ReadAll(b.Reader())
		if err != nil {
			return nil, err
		}
		query = string(data)
	}
	form, err := url.ParseQuery(query)
	if err != nil {
		return nil, &stsError{http.StatusBadRequest, "MalformedQueryString", "The query string contains a syntax error"}
	}
	return form, nil
}

func (s *STS) caller(r *http.Request, b *edge.Body) (*Caller, error) {
	p, err := s.auth.Authenticate(r, b.Sum, Trouble{})
	if err != nil {
		return nil, stsAuthError(err)
	}
	if p == nil {
		return nil, &stsError{http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token"}
	}
	return p, nil
}

func (s *STS) assumeRole(caller *Caller, r *http.Request, form url.Values) (any, error) {
	arn, session, err := roleAndSession(form)
	if err != nil {
		return nil, err
	}
	denied := &stsError{
		http.StatusForbidden, "AccessDenied",
		"User: " + caller.arn + " is not authorized to perform: sts:AssumeRole on resource: " + arn,
	}
	role, ok := s.identities.role(arn)
	mayAssume := ok && role.trusts(caller) && caller.mayAssume(arn, r)
	if !mayAssume || role.ExternalID != "" && role.ExternalID != form.Get("ExternalId") {
		return nil, denied
	}
	lifetime, err := roleLifetime(form, role, caller.isRole)
	if err != nil {
		return nil, err
	}
	c, id, err := s.session(form, arn, session, lifetime)
	if err != nil {
		return nil, err
	}
	return &assumedRole{User: assumedRoleUser{id.arn, id.userID}, Credentials: xmlCredentials(c)}, nil
}

func (s *STS) assumeRoleWithWebIdentity(form url.Values) (any, error) {
	arn, session, err := roleAndSession(form)
	if err != nil {
		return nil, err
	}
	role, ok := s.identities.role(arn)
	if !ok || role.WebIdentity == nil {
		return nil, &stsError{http.StatusForbidden, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"}
	}
	claims, err := role.WebIdentity.verify(form.Get("WebIdentityToken"), time.Now())
	if errors.Is(err, errTokenExpired) {
		return nil, &stsError{http.StatusBadRequest, "ExpiredTokenException", err.Error()}
	}
	if err != nil {
		return nil, &stsError{http.StatusBadRequest, "InvalidIdentityToken", err.Error()}
	}
	lifetime, err := roleLifetime(form, role, false)
	if err != nil {
		return nil, err
	}
	c, id, err := s.session(form, arn, session, lifetime)
	if err != nil {
		return nil, err
	}
	return &webIdentityRole{
		Subject: claims.Subject, Audience: strings.Join(claims.Audience, ","), Provider: claims.Issuer,
		User: assumedRoleUser{id.arn, id.userID}, Credentials: xmlCredentials(c),
	}, nil
}

func (s *STS) sessionToken(caller *Caller, form url.Values) (any, error) {
	if !caller.expires.IsZero() {
		return nil, &stsError{http.StatusForbidden, "AccessDenied", "Cannot call GetSessionToken with session credentials"}
	}
	lifetime, err := duration(form, tokenSessionSeconds, maxTokenSeconds)
	if err != nil {
		return nil, err
	}
	c, _, err := s.identities.mint(caller.principalARN, "", lifetime)
	if err != nil {
		return nil, err
	}
	return &sessionTokenResult{Credentials: xmlCredentials(c)}, nil
}

// session issues a role session, limited by the session policy of the call when there is one.
func (s *STS) session(form url.Values, arn, name string, lifetime time.Duration) (Credentials, *Caller, error) {
	if form.Has("PolicyArns.member.1.arn") {
		return Credentials{}, nil, validation("PolicyArns are not offered: there are no managed policies here")
	}
	var policies []jsontext.Value
	if doc := form.Get("Policy"); doc != "" {
		if _, err := iam.ParseIdentity(jsontext.Value(doc)); err != nil {
			return Credentials{}, nil, &stsError{http.StatusBadRequest, "MalformedPolicyDocument", err.Error()}
		}
		policies = append(policies, jsontext.Value(doc))
	}
	return s.identities.mint(arn, name, lifetime, policies...)
}

func roleAndSession(form url.Values) (role, session string, err error) {
	role, session = form.Get("RoleArn"), form.Get("RoleSessionName")
	if _, _, err := parseIAM(role, "role"); err != nil {
		return "", "", validation(role + " is invalid")
	}
	if !sessionPattern.MatchString(session) {
		return "", "", validation("1 validation error detected: Value '" + session +
			"' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*")
	}
	return role, session, nil
}

func roleLifetime(form url.Values, role *roleEntry, chained bool) (time.Duration, error) {
	longest := role.MaxSessionSeconds
	if longest == 0 {
		longest = defaultSessionSeconds
	}
	if chained && form.Has("DurationSeconds") {
		if n, err := strconv.Atoi(form.Get("DurationSeconds")); err == nil && n > maxChainSeconds {
			return 0, validation("The requested DurationSeconds exceeds the 1 hour session limit " +
				"for roles assumed by role chaining")
		}
	}
	d, err := duration(form, min(longest, defaultSessionSeconds), maxSessionSeconds)
	if err == nil && d > time.Duration(longest)*time.Second {
		return 0, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return d, err
}

func duration(form url.Values, usual, longest int) (time.Duration, error) {
	seconds := usual
	if text := form.Get("DurationSeconds"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < minSessionSeconds || n > longest {
			return 0, validation("1 validation error detected: Value '" + text + "' at 'durationSeconds' " +
				"failed to satisfy constraint: Member must have value between " + strconv.Itoa(minSessionSeconds) + " and " +
				strconv.Itoa(longest))
		}
		seconds = n
	}
	return time.Duration(seconds) * time.Second, nil
}

// mayAssume reports whether the caller's session policies let it assume a role. A caller without any may.
func (id *Caller) mayAssume(role string, r *http.Request) bool {
	if len(id.sessionPolicies) == 0 {
		return true
	}
	p, err := id.Principal()
	if err != nil {
		return false
	}
	facts := iam.Facts{
		SourceIP: edge.SourceIP(r, nil), UserAgent: r.UserAgent(), Referer: r.Referer(),
		TokenIssued: id.issued, Resource: role,
	}
	findings := iam.Explain(iam.Policies{Session: id.sessionPolicies}, iam.Request{
		Principal: p, Action: "sts:AssumeRole", Resource: role, Context: iam.NewContext(p, facts),
	})
	allowed := false
	for _, f := range findings {
		if f.Applies && f.Effect == iam.Deny {
			return false
		}
		allowed = allowed || f.Applies
	}
	return allowed
}

// trusts reports whether the role's trust list names the caller.
func (e *roleEntry) trusts(caller *Caller) bool {
	if len(e.Trust) == 0 {
		return caller.account == e.base.account
	}
	for _, t := range e.Trust {
		switch t {
		case "*", caller.arn, caller.principalARN, caller.account:
			return true
		}
		a, err := edge.ParseARN(t)
		if err == nil && a.Service == "iam" && a.Resource == "root" && a.Account == caller.account {
			return true
		}
	}
	return false
}
