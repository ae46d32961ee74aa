package domain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind says what an answer, or the lack of one, means.
type Kind uint8

// The kinds of failures.
const (
	Unknown     Kind = iota
	Unreachable      // no answer
	Refused          // credentials, signature, policy: trying again does not help
	Clock            // the signature's time is off, or the token has just expired
	Throttled        // too many requests
	Blocked          // writes are blocked: disk full, JVM pressure, read-only
	TooLarge         // the request is over the limit
	NotADomain       // something else answers at this address
	Unavailable      // 5xx, or a request that took too long
	BadRequest       // our request is wrong, or of a kind the domain does not have
)

var kindNames = [...]string{
	Unknown:     "unknown",
	Unreachable: "unreachable",
	Refused:     "refused",
	Clock:       "clock",
	Throttled:   "throttled",
	Blocked:     "blocked",
	TooLarge:    "too large",
	NotADomain:  "not a domain",
	Unavailable: "unavailable",
	BadRequest:  "bad request",
}

func (k Kind) String() string { return kindNames[k] }

// Cause says why a request was refused.
type Cause uint8

// The causes of a refusal.
const (
	CauseUnknown   Cause = iota
	CauseAnonymous       // the request was not signed
	CausePolicy          // the signature is right, and the principal is not allowed
	CauseSignature       // the signature is not the one expected
	CauseToken           // the access key or the session token is not known, or expired
	CauseScope           // signed for another region or service
	CauseFineGrain       // fine-grained access control in the engine
)

// Error says that a request failed as a whole.
type Error struct {
	Endpoint string
	Kind     Kind
	Cause    Cause
	Status   int
	// Type and Reason are the domain's words: bounded, printable, without signatures and tokens.
	Type, Reason string
	// Limit is the number of bytes that a request may have. It is zero when the domain did not say.
	Limit int64
	// RetryAfter is how long the domain asks to wait. It is zero when it does not ask.
	RetryAfter time.Duration
	Err        error

	exchange *Exchange
}

// Exchange is a request as it was signed and sent, and its answer. It holds a session token: it is evidence, and not to
// be shown.
type Exchange struct {
	// Request has no body.
	Request *http.Request
	// Header and Body are the answer's. The body may be cut off.
	Header http.Header
	Body   []byte
}

// Exchange is what the error was made of. It is nil when there was no answer, or when the maker kept none.
func (e *Error) Exchange() *Exchange { return e.exchange }

func (e *Error) Error() string {
	what := e.Reason
	switch {
	case errors.Is(e.Err, context.Canceled):
		what = "interrupted"
	case e.Err != nil:
		what = e.Err.Error()
	case e.Type != "" && what != "":
		what = e.Type + ": " + what
	case what == "":
		what = e.Type
	}
	status := ""
	if e.Status != 0 {
		status = fmt.Sprintf(" with %d", e.Status)
	}
	switch e.Kind {
	case Unreachable:
		return fmt.Sprintf("reach %s: %s", e.Endpoint, what)
	case Refused, Clock:
		return fmt.Sprintf("%s refused the request%s: %s", e.Endpoint, status, what)
	case NotADomain:
		return fmt.Sprintf("%s is not a domain, it answered%s: %s", e.Endpoint, status, what)
	}
	return fmt.Sprintf("%s answered%s (%s): %s", e.Endpoint, status, e.Kind, what)
}

func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request can succeed later.
func (e *Error) Temporary() bool {
	switch e.Kind {
	case Unreachable, Clock, Throttled, Blocked, Unavailable, Unknown:
		return true
	}
	return false
}

// Fatal reports whether every other request would fail the same way. A temporary failure is not fatal here: whoever
// gives up on it returns an error of its own that is.
func (e *Error) Fatal() bool {
	return e.Kind == Refused || e.Kind == NotADomain || e.Kind == BadRequest
}

// answer has the fields of error bodies, of the engine's and of those of the service in front of it. Names match in any
// case, so that "message" and "Message" both go to Message.
type answer struct {
	Message string          `json:"message"`
	Error   json.RawMessage `json:"error"`
	Status  int             `json:"status"`
}

type engineError struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// ClassifyResponse says what an answer other than success means. The beginning of its body, which has been read, is
// kept as evidence of a refusal.
func ClassifyResponse(resp *http.Response, body []byte) *Error {
	e := Classify(resp.StatusCode, resp.Header, body)
	if e.Kind != Refused && e.Kind != Clock && e.Kind != NotADomain {
		return e
	}
	e.exchange = &Exchange{Header: resp.Header, Body: bytes.Clone(body[:min(len(body), maxEvidence)])}
	if r := resp.Request; r != nil {
		e.exchange.Request = &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header.Clone()}
	}
	return e
}

// maxEvidence is more than a canonical request has: the service bounds the head of a request far below.
const maxEvidence = 64 << 10

// Classify says what an answer other than success means. The body may be cut off. It is not kept.
func Classify(status int, header http.Header, body []byte) *Error {
	e := &Error{Status: status, RetryAfter: retryAfter(header)}
	var a answer
	isJSON := json.Unmarshal(body, &a) == nil
	var ee engineError
	if len(a.Error) > 0 && json.Unmarshal(a.Error, &ee) != nil {
		_ = json.Unmarshal(a.Error, &ee.Reason) // Elasticsearch 1.x: a sentence
	}
	e.Type, e.Reason = clean(ee.Type), clean(firstSentence(a.Message))
	if e.Reason == "" {
		e.Reason = clean(ee.Reason)
	}
	if e.Reason == "" {
		e.Reason = describe(header, body)
	}
	switch {
	case status >= 300 && status < 400:
		e.Kind, e.Reason = NotADomain, "a redirect to "+clean(header.Get("Location"))
	case status == http.StatusRequestEntityTooLarge:
		e.Kind, e.Limit = TooLarge, limitIn(a.Message)
	case status == http.StatusTooManyRequests && (ee.Type == "cluster_block_exception"):
		e.Kind = Blocked
	case status == http.StatusTooManyRequests:
		e.Kind = Throttled
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.refusal(a.Message, ee, isJSON)
	case status >= 500 || status == http.StatusRequestTimeout || status == http.StatusTooEarly:
		e.Kind = Unavailable
	case !isJSON && looksLikeHTML(header, body):
		e.Kind = NotADomain
	case status >= 400:
		e.Kind = BadRequest
	case !isJSON:
		e.Kind = NotADomain
	}
	return e
}

// refusal tells the meanings of 401 and 403 apart.
func (e *Error) refusal(message string, ee engineError, isJSON bool) {
	e.Kind = Refused
	m := strings.ToLower(message)
	if !isJSON {
		m = strings.ToLower(e.Reason)
	}
	has := func(s string) bool { return strings.Contains(m, s) }
	switch {
	case has("throttled"):
		e.Kind = Throttled
	case ee.Type == "cluster_block_exception" || ee.Type == "index_create_block_exception":
		e.Kind = Blocked
	case ee.Type == "security_exception":
		e.Cause = CauseFineGrain
	case has("signature expired") || has("signature not yet current"):
		e.Kind, e.Cause = Clock, CauseSignature
	case has("security token") && has("expired"):
		e.Kind, e.Cause = Clock, CauseToken
	case has("security token"):
		e.Cause = CauseToken
	case has("request signature we calculated"):
		e.Cause = CauseSignature
	case has("credential should be scoped"):
		e.Cause = CauseScope
	case has("anonymous is not authorized"):
		e.Cause = CauseAnonymous
	case has("is not authorized to perform"):
		e.Cause = CausePolicy
	}
}

// retryAfter reads the header in seconds or as a date, up to five minutes.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	d := time.Duration(0)
	if n, err := strconv.Atoi(v); err == nil {
		d = time.Duration(min(max(n, 0), 300)) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		d = time.Until(t)
	}
	return min(max(d, 0), 5*time.Minute)
}

var limitPattern = regexp.MustCompile(`exceeded (\d+) bytes`)

// limitIn finds the limit in the sentence of a 413: {"Message":"Request size exceeded 10485760 bytes"}.
func limitIn(message string) int64 {
	m := limitPattern.FindStringSubmatch(message)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// firstSentence is the message without the canonical request that follows the sentence about a wrong signature.
func firstSentence(message string) string {
	head, _, _ := strings.Cut(message, "\n")
	return head
}

func looksLikeHTML(h http.Header, body []byte) bool {
	return strings.Contains(h.Get("Content-Type"), "text/html") || bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}

// describe says in a few words what an answer without a message is.
func describe(h http.Header, body []byte) string {
	if looksLikeHTML(h, body) {
		return "an HTML page"
	}
	if text := clean(string(body)); text != "" {
		return text
	}
	return "an empty answer"
}

// clean shortens a text from outside, and removes what is not printable.
func clean(s string) string {
	const longest = 300
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if len(s) > longest {
		cut := longest
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return s
}
