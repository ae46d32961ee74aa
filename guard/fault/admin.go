package fault

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

const (
	// AdminPath is where faults are read (GET) and set (PUT, the specification as the body) at run time.
	AdminPath     = "/_penstock/faults"
	maxFaultsSpec = 64 << 10
)

// faultsState is the answer of the admin endpoint.
type faultsState struct {
	Spec  string           `json:"spec"`
	Fired map[string]int64 `json:"fired"`
}

// Admin answers at AdminPath, for requests from this machine that bring the token.
func (f *Faults) Admin(token string, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serveAdmin(w, r, token, log) })
}

// serveAdmin checks the peer's address, as the socket has it whatever a proxy says, and a bearer token, which a web
// page in a browser of this machine does not have.
func (f *Faults) serveAdmin(w http.ResponseWriter, r *http.Request, token string, log *slog.Logger) {
	answer := func(status int, text string) {
		edge.Write(w, r, edge.Answer{Status: status, Body: edge.UpperMessage(text)})
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxFaultsSpec+1))
	if err != nil {
		return // the client is gone
	}
	given := sha256.Sum256([]byte(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
	want := sha256.Sum256([]byte(token))
	if !edge.ParseAddr(r.RemoteAddr).IsLoopback() || subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		answer(http.StatusForbidden, "The admin endpoint takes requests from this machine with its token only")
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPut:
		if len(data) > maxFaultsSpec {
			answer(http.StatusRequestEntityTooLarge, "The specification is too long")
			return
		}
		if err := f.Set(strings.TrimSpace(string(data))); err != nil {
			answer(http.StatusBadRequest, err.Error())
			return
		}
		log.InfoContext(r.Context(), "faults set", "spec", f.Spec())
	default:
		w.Header().Set("Allow", "GET, HEAD, PUT")
		answer(http.StatusMethodNotAllowed, "GET reads the faults, PUT sets them")
		return
	}
	edge.Write(w, r, edge.Answer{Status: http.StatusOK, Body: edge.Marshal(faultsState{f.Spec(), f.Fired()})})
}
