package proxy

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/seed56735111/penstock/iam"
)

// Audit writes a line of JSON for each request. Queries, headers and bodies are not in it. It is safe for concurrent
// use.
type Audit struct {
	mu sync.Mutex
	w  io.Writer
}

// NewAudit writes to w, each line in one call.
func NewAudit(w io.Writer) *Audit { return &Audit{w: w} }

// AuditLine is a request in the audit.
type AuditLine struct {
	Time time.Time `json:"time"`
	// Who is the ARN of the client, or "anonymous".
	Who string `json:"who"`
	// Subject is that of the client's certificate.
	Subject string `json:"subject,omitempty"`
	// From is the client's address; empty on a Unix socket.
	From   string `json:"from,omitempty"`
	Method string `json:"method"`
	Action string `json:"action"`
	Path   string `json:"path"`
	// Asked is what the policy was asked, "METHOD PATH" each: what the request touches. MoreAsked is how many did not
	// find room.
	Asked     []string `json:"asked,omitempty"`
	MoreAsked int      `json:"more_asked,omitempty"`
	// Status is that of the answer; 0 when there was none.
	Status int     `json:"status"`
	MS     float64 `json:"ms"`
	// BytesIn and BytesOut are the lengths of the bodies, as they were sent.
	BytesIn  int64 `json:"bytes_in"`
	BytesOut int64 `json:"bytes_out"`
	// Cause is why the proxy or the domain refused the request, or why there is no answer of the domain.
	Cause string `json:"cause,omitempty"`
	// Detail says more about a refusal of the policy.
	Detail string `json:"detail,omitempty"`
	// Aborted says that the answer was not sent to its end.
	Aborted bool `json:"aborted,omitempty"`
}

// maxAsked bounds what one line says about a request that names many indexes, in bytes.
const maxAsked = 128 << 10

// line is what the audit says about an exchange.
func (x *exchange) line() *AuditLine {
	action, _ := iam.ActionFor(x.r.Method)
	l := &AuditLine{
		Time: x.started.UTC(), Who: x.who.String(), Subject: x.subject, Method: x.r.Method, Action: action, Path: pathOf(x.r),
		Status: x.status, MS: float64(time.Since(x.started).Microseconds()) / 1000,
		BytesIn: x.received.Load(), BytesOut: x.sent, Cause: x.cause, Detail: x.detail, Aborted: !x.done,
	}
	if x.r.RemoteAddr != "@" && x.r.RemoteAddr != "" {
		l.From = x.r.RemoteAddr
	}
	size := 0
	for i, q := range x.asked {
		if size += len(q.Method) + len(q.Path); size > maxAsked {
			l.MoreAsked = len(x.asked) - i
			break
		}
		l.Asked = append(l.Asked, q.String())
	}
	return l
}

// write appends a line.
func (a *Audit) write(l *AuditLine) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write audit: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, err := a.w.Write(append(harmless(text), '\n')); err != nil {
		return fmt.Errorf("write audit: %w", err)
	}
	return nil
}

// harmless escapes what encoding/json leaves as it is and a terminal would act on: control characters beyond ASCII, and
// those that turn the direction of writing.
func harmless(text []byte) []byte {
	isBad := func(r rune) bool { return r >= 0x7f && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) }
	s := string(text)
	if strings.IndexFunc(s, isBad) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range s {
		if isBad(r) {
			_, _ = fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return []byte(b.String())
}
