package fault

import (
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

// ServeAdmin answers at AdminPath. Who may ask is for the caller to decide.
func (f *Faults) ServeAdmin(w http.ResponseWriter, r *http.Request, log *slog.Logger) {
	answer := func(status int, text string) {
		edge.Write(w, r, edge.Answer{Status: status, Body: edge.UpperMessage(text)})
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, maxFaultsSpec+1))
	if err != nil {
		return // the client is gone
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
