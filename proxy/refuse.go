package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/doctor"
	"github.com/seed56735111/penstock/sigv4"
)

// The causes of what the proxy itself refuses, or cannot do.
const (
	causeHost        = "host-not-allowed"
	causeOrigin      = "foreign-page"
	causeForm        = "request-form"
	causeReadOnly    = "read-only"
	causeStranger    = "not-a-client"
	causeClients     = "clients-unreadable"
	causePolicy      = "proxy-policy-denies"
	causeOpaque      = "not-understood"
	causeNoPolicy    = "proxy-policy-unreadable"
	causeTooLarge    = string(doctor.RequestTooLarge)
	causeBusy        = "proxy-busy"
	causeSlow        = "slow-body"
	causeBody        = "body-unreadable"
	causeCredentials = string(doctor.CredentialsMissing)
	causeExpired     = string(doctor.CredentialsExpired)
	causeTimeout     = "no-answer-in-time"
	causeUnreachable = string(doctor.Unreached)
)

// refusal is an answer of the proxy itself.
type refusal struct {
	status int
	cause  string
	text   string
}

// refuse answers in the form of the engines, which every client can show.
func (p *Proxy) refuse(w http.ResponseWriter, r *http.Request, why *refusal) {
	p.log.LogAttrs(r.Context(), slog.LevelWarn, "request refused", slog.String("method", r.Method),
		slog.String("path", pathOf(r)), slog.Int("status", why.status), slog.String("cause", why.cause),
		slog.String("reason", why.text))
	h := w.Header()
	h.Set(CauseHeader, why.cause)
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if why.cause == causeBusy {
		h.Set("Retry-After", "1")
	}
	if why.cause == causeStranger {
		h["Www-Authenticate"] = []string{`Bearer realm="penstock proxy"`, `Basic realm="penstock proxy", charset="UTF-8"`}
	}
	// What is left of the body is not read, and a request of a wrong form may be the first bytes of another protocol: the
	// next request on this connection could be anything.
	if r.ContentLength != 0 || why.cause == causeForm {
		h.Set("Connection", "close")
	}
	body := refusalJSON(why)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(why.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // an error means that the client is gone
	}
}

// refusalJSON is the body of a refusal.
func refusalJSON(why *refusal) []byte {
	body, err := json.Marshal(map[string]any{
		"error":  map[string]string{"type": "penstock_proxy", "reason": why.text, "cause": why.cause},
		"status": why.status,
	})
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return body
}

// pathOf is the path of a request as it was sent. Another form of target can hold a password, and is left out.
func pathOf(r *http.Request) string {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	if !strings.HasPrefix(path, "/") {
		return "(not a path)"
	}
	return path
}

// failure says why there is no answer of the domain.
func failure(err error) *refusal {
	var (
		large *sigv4.BodyTooLargeError
		busy  *sigv4.BusyError
		read  *bodyError
		ne    net.Error
	)
	switch {
	case errors.As(err, &large):
		return &refusal{http.StatusRequestEntityTooLarge, causeTooLarge, large.Error()}
	case errors.As(err, &busy):
		return &refusal{http.StatusTooManyRequests, causeBusy, busy.Error()}
	case errors.As(err, &read) && errors.Is(read.err, os.ErrDeadlineExceeded):
		return &refusal{http.StatusRequestTimeout, causeSlow, "the request body does not go on"}
	case errors.As(err, &read):
		return &refusal{http.StatusBadRequest, causeBody, read.Error()}
	case errors.Is(err, sigv4.ErrNoCredentials):
		return &refusal{http.StatusBadGateway, causeCredentials, "the proxy finds no AWS credentials to sign with"}
	case errors.Is(err, sigv4.ErrExpiredCredentials):
		return &refusal{http.StatusBadGateway, causeExpired, "the AWS credentials of the proxy have expired"}
	case errors.As(err, &ne) && ne.Timeout():
		return &refusal{http.StatusGatewayTimeout, causeTimeout, "the domain does not answer in time"}
	}
	return &refusal{http.StatusBadGateway, causeUnreachable, fmt.Sprintf("the domain cannot be asked: %v", err)}
}
