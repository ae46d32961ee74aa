package sigv4

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// claim is what a request says about who signed it. Its form is checked, its signature is not.
type claim struct {
	accessKeyID, day, region, service string
	signedHeaders                     []string
	signature                         string
	token                             string
	hasToken                          bool
	date                              string // of the signature, as the string to sign has it
	at                                time.Time
	presigned                         bool
}

// maxSignedHeaders bounds the list of signed headers, because each name can stand for a long value.
const maxSignedHeaders = 128

// parameters are the parts of a claim as they are written, before any check.
type parameters struct {
	algorithm, credential, signature, signedHeaders string
	date, expires                                   string
	// isDateHeader says that date is from a Date header, which may have the form of HTTP.
	isDateHeader bool
}

// claimOf returns what r claims, nil when r is anonymous. The order of the checks is the service's.
func (v *Verifier) claimOf(r *http.Request, target string, now time.Time) (*claim, error) {
	_, query := splitTarget(target)
	q, err := parseQuery(query)
	if err != nil {
		return nil, err
	}
	authorization, inHeader := r.Header[keyAuthorization]
	var p parameters
	c := &claim{}
	switch {
	case inHeader && q.found[queryAlgorithm]:
		return nil, refuse(CodeInvalid, textTwoPlaces)
	case inHeader:
		p, err = v.headerParameters(r, authorization)
		if token := r.Header[keyToken]; len(token) > 0 {
			c.token, c.hasToken = token[0], true
		}
	case q.found[queryAlgorithm]:
		p, err = q.parameters()
		c.token, c.hasToken = q.value[queryToken], q.found[queryToken]
		c.presigned = true
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.signature = p.signature
	if err := v.checkDate(c, p, now); err != nil {
		return nil, err
	}
	if err := v.checkSignedHeaders(c, p, r.Header); err != nil {
		return nil, err
	}
	if p.algorithm != algorithm {
		return nil, refuse(CodeIncomplete,
			"Unsupported AWS 'algorithm': '"+p.algorithm+"' (only AWS4-HMAC-SHA256 for now). ")
	}
	return c, v.checkScope(c, p.credential)
}

// headerParameters parses the Authorization header.
func (v *Verifier) headerParameters(r *http.Request, values []string) (p parameters, err error) {
	for _, key := range [...]string{keyAuthorization, keyDate, keyToken, keyContentHash} {
		if len(r.Header[key]) > 1 {
			return p, refuse(CodeIncomplete, "'"+key+"' must be present at most once in the request.")
		}
	}
	header := values[0]
	var list string
	p.algorithm, list, _ = strings.Cut(header, " ")
	list = strings.Trim(list, " ")
	var hasCredential, hasSignature, hasSignedHeaders bool
	for more := list != ""; more; {
		var part string
		part, list, more = strings.Cut(list, ",")
		part = strings.Trim(part, " ")
		name, value, found := strings.Cut(part, "=")
		if !found {
			return p, refuse(CodeIncomplete, "'"+part+"' not a valid key=value pair (missing equal-sign) "+
				"in Authorization header: '"+header+"'.")
		}
		var repeated bool
		switch name {
		case "Credential":
			p.credential, hasCredential, repeated = value, true, hasCredential
		case "Signature":
			p.signature, hasSignature, repeated = value, true, hasSignature
		case "SignedHeaders":
			p.signedHeaders, hasSignedHeaders, repeated = value, true, hasSignedHeaders
		}
		if repeated {
			return p, refuse(CodeIncomplete,
				"Authorization header must have '"+name+"' parameter at most once. Authorization="+header)
		}
	}
	p.date, p.isDateHeader = headerDate(r.Header)

	var missing strings.Builder
	for _, parameter := range [...]struct {
		name  string
		found bool
	}{{"Credential", hasCredential}, {"Signature", hasSignature}, {"SignedHeaders", hasSignedHeaders}} {
		if !parameter.found {
			missing.WriteString("Authorization header requires '" + parameter.name + "' parameter. ")
		}
	}
	if p.date == "" {
		missing.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if missing.Len() > 0 {
		return p, refuse(CodeIncomplete, missing.String()+"Authorization="+header)
	}
	if other := r.Header.Get("Date"); v.Strict && !p.isDateHeader && other != "" {
		a, _, errA := parseDate(p.date, false)
		if b, _, errB := parseDate(other, true); errA == nil && (errB != nil || !a.Equal(b)) {
			return p, refuse(CodeIncomplete, "'X-Amz-Date' and 'Date' must be the same when both are present.")
		}
	}
	return p, nil
}

// headerDate returns the date of the signature: X-Amz-Date, and Date only where there is none.
func headerDate(h http.Header) (date string, isDateHeader bool) {
	if values := h[keyDate]; len(values) > 0 {
		return values[0], false
	}
	return h.Get("Date"), true
}

// The query parameters of a presigned request.
const (
	queryAlgorithm = iota
	queryCredential
	querySignature
	querySignedHeaders
	queryDate
	queryExpires
	queryToken
	queryCount
)

// queryNames are in the order in which the service lists those that are missing.
var queryNames = [queryCount]string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date",
	"X-Amz-Expires", keyToken,
}

// queryAuth is what a query says about authentication.
type queryAuth struct {
	found [queryCount]bool
	value [queryCount]string
}

// parseQuery finds the authentication parameters. A request that has X-Amz-Algorithm may have each only once.
func parseQuery(query string) (q queryAuth, err error) {
	repeated := ""
	for more := query != ""; more; {
		var parameter string
		parameter, query, more = strings.Cut(query, "&")
		name, value, _ := strings.Cut(parameter, "=")
		name = decode(name)
		if !strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		for i, known := range queryNames {
			if name != known {
				continue
			}
			if q.found[i] {
				repeated = name
			}
			q.found[i], q.value[i] = true, decode(value)
		}
	}
	if repeated != "" && q.found[queryAlgorithm] {
		return q, refuse(CodeIncomplete, "AWS query-string parameters must include '"+repeated+"' at most once. "+
			"Re-examine the query-string parameters.")
	}
	return q, nil
}

func (q *queryAuth) parameters() (parameters, error) {
	var missing strings.Builder
	for i := queryAlgorithm; i <= queryDate; i++ {
		if q.value[i] == "" {
			missing.WriteString("AWS query-string parameters must include '" + queryNames[i] + "'. ")
		}
	}
	if missing.Len() > 0 {
		return parameters{}, refuse(CodeIncomplete, missing.String()+"Re-examine the query-string parameters.")
	}
	return parameters{
		algorithm: q.value[queryAlgorithm], credential: q.value[queryCredential], signature: q.value[querySignature],
		signedHeaders: q.value[querySignedHeaders], date: q.value[queryDate], expires: q.value[queryExpires],
	}, nil
}

// parseDate returns the time of a date, and the date in the form of the string to sign.
func parseDate(s string, isDateHeader bool) (at time.Time, basic string, err error) {
	at, err = time.Parse(timeFormat, s)
	// The layout also takes a fraction of a second, which is not in the basic format.
	if err == nil && len(s) == len(timeFormat) {
		return at, s, nil
	}
	if isDateHeader {
		if at, err := http.ParseTime(s); err == nil {
			return at, at.UTC().Format(timeFormat), nil
		}
	}
	return time.Time{}, "", refuse(CodeIncomplete,
		"Date must be in ISO-8601 'basic format'. Got '"+s+"'. See http://en.wikipedia.org/wiki/ISO_8601")
}

// checkDate reads the date and compares it with the clock.
func (v *Verifier) checkDate(c *claim, p parameters, now time.Time) (err error) {
	c.at, c.date, err = parseDate(p.date, p.isDateHeader)
	if err != nil {
		return err
	}
	skew := v.maxSkew()
	valid := skew
	if c.presigned && p.expires != "" {
		seconds, err := strconv.ParseUint(p.expires, 10, 32)
		if err != nil || seconds < 1 || seconds > uint64(MaxPresign/time.Second) {
			return refuse(CodeIncomplete, "X-Amz-Expires must be a number of seconds from 1 to 604800, got '"+p.expires+"'.")
		}
		valid = time.Duration(seconds) * time.Second
	}
	now = now.UTC().Truncate(time.Second)
	if oldest := now.Add(-valid); c.at.Before(oldest) {
		return refuse(CodeInvalid, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s.)",
			c.date, oldest.Format(timeFormat), now.Format(timeFormat), span(valid)))
	}
	if newest := now.Add(skew); c.at.After(newest) {
		return refuse(CodeInvalid, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s.)",
			c.date, newest.Format(timeFormat), now.Format(timeFormat), span(skew)))
	}
	return nil
}

// span writes a duration as the service does, in minutes.
func span(d time.Duration) string {
	if d%time.Minute == 0 {
		return strconv.FormatInt(int64(d/time.Minute), 10) + " min"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + " sec"
}

// checkSignedHeaders reads the list of signed headers. The service insists on host only, Strict on all that matter.
func (v *Verifier) checkSignedHeaders(c *claim, p parameters, h http.Header) error {
	if strings.Count(p.signedHeaders, ";") >= maxSignedHeaders {
		return refuse(CodeIncomplete, fmt.Sprintf("'SignedHeaders' must have at most %d names.", maxSignedHeaders))
	}
	c.signedHeaders = strings.Split(p.signedHeaders, ";")
	for i, name := range c.signedHeaders {
		for _, earlier := range c.signedHeaders[:i] {
			if strings.EqualFold(name, earlier) {
				return refuse(CodeIncomplete, "'"+name+"' must be in 'SignedHeaders' at most once.")
			}
		}
	}
	if !c.signs("host") {
		return refuse(CodeInvalid, textHost)
	}
	if !v.Strict {
		return nil
	}
	for key := range h {
		must := isAmz(key) || key == "Content-Type" || key == "Content-Encoding" || key == "Date" && p.isDateHeader
		if must && !c.signs(key) {
			return refuse(CodeInvalid, "'"+key+"' must be a 'SignedHeader' in the AWS Authorization.")
		}
	}
	for _, name := range c.signedHeaders {
		// net/http keeps these two outside of the header map.
		isElsewhere := strings.EqualFold(name, "host") || strings.EqualFold(name, "content-length")
		if !isElsewhere && len(h[headerKey(name)]) == 0 {
			return refuse(CodeInvalid, "'"+name+"' is a 'SignedHeader' in the AWS Authorization and is not in the request.")
		}
	}
	return nil
}

// signs reports whether the header is among the signed ones.
func (c *claim) signs(header string) bool {
	for _, name := range c.signedHeaders {
		if strings.EqualFold(name, header) {
			return true
		}
	}
	return false
}

// checkScope reads the credential and compares its scope with ours.
func (v *Verifier) checkScope(c *claim, credential string) error {
	parts := strings.Split(strings.TrimRight(credential, "/"), "/")
	if len(parts) != 5 {
		return refuse(CodeIncomplete, "Credential must have exactly 5 slash-delimited elements, "+
			"e.g. keyid/date/region/service/term, got '"+credential+"'")
	}
	c.accessKeyID, c.day, c.region, c.service = parts[0], parts[1], parts[2], parts[3]
	var wrong strings.Builder
	if v.Region != "" && c.region != v.Region {
		wrong.WriteString("Credential should be scoped to a valid region, not '" + c.region + "'. ")
	}
	if v.Service != "" && c.service != v.Service {
		wrong.WriteString("Credential should be scoped to correct service: '" + v.Service + "'. ")
	}
	if parts[4] != terminator {
		wrong.WriteString("Credential should be scoped with a valid terminator: " +
			"'" + terminator + "', not '" + parts[4] + "'. ")
	}
	if c.day != c.date[:dateLength] {
		wrong.WriteString("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '" +
			c.day + "' != '" + c.date[:dateLength] + "', from '" + c.date + "'.")
	}
	if wrong.Len() > 0 {
		return refuse(CodeInvalid, wrong.String())
	}
	return nil
}
