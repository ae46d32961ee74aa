package guard

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"net/http"
	"strings"
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

// serveAdmin answers at AdminPath. It takes the peer's address from the socket, whatever a proxy says, and a bearer
// token, which a web page in a browser of this machine does not have.
func (g *Guard) serveAdmin(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxFaultsSpec+1))
	if err != nil {
		return // the client is gone
	}
	given := sha256.Sum256([]byte(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
	want := sha256.Sum256([]byte(g.cfg.AdminToken))
	if !parseAddr(r.RemoteAddr).IsLoopback() || subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
		writeAnswer(w, r, answer{http.StatusForbidden, upperMessage("The admin endpoint takes requests from this machine with its token only")})
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPut:
		if len(data) > maxFaultsSpec {
			writeAnswer(w, r, answer{http.StatusRequestEntityTooLarge, upperMessage("The specification is too long")})
			return
		}
		if err := g.cfg.Faults.Set(strings.TrimSpace(string(data))); err != nil {
			writeAnswer(w, r, answer{http.StatusBadRequest, upperMessage(err.Error())})
			return
		}
		g.log.InfoContext(r.Context(), "faults set", "spec", g.cfg.Faults.Spec())
	default:
		w.Header().Set("Allow", "GET, HEAD, PUT")
		writeAnswer(w, r, answer{http.StatusMethodNotAllowed, upperMessage("GET reads the faults, PUT sets them")})
		return
	}
	writeAnswer(w, r, answer{http.StatusOK, marshal(faultsState{g.cfg.Faults.Spec(), g.cfg.Faults.Fired()})})
}
