package guard

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/seed56735111/penstock/guard/fault"
	"github.com/seed56735111/penstock/guard/internal/edge"
)

// The paths of the admin endpoint, which a test asks about its domain beside the gate.
const (
	// AdminPath begins all of them. [fault.AdminPath] is one.
	AdminPath = "/_penstock/"
	// PolicyPath takes an access policy (PUT), which is in force when it answers.
	PolicyPath = AdminPath + "policy"
	// IdentitiesPath takes users, roles and sessions (PUT) in the form of a file of identities.
	IdentitiesPath = AdminPath + "identities"
	// EnginePath is put before a path of the engine, to reach it past the gate and its faults.
	EnginePath = AdminPath + "engine"
)

// maxAdminBody bounds what is read of a policy or of identities.
const maxAdminBody = 16 << 20

// serveAdmin answers whom edge.Admin has let through.
func (g *Guard) serveAdmin(w http.ResponseWriter, r *http.Request) {
	path, _, _ := strings.Cut(r.RequestURI, "?")
	switch {
	case path == fault.AdminPath:
		g.cfg.Faults.ServeAdmin(w, r, g.log)
	case path == PolicyPath && g.cfg.SetPolicy != nil:
		g.replace(w, r, "access policy", g.cfg.SetPolicy)
	case path == IdentitiesPath && g.cfg.Identities != nil:
		g.replace(w, r, "identities", g.cfg.Identities.Replace)
	case strings.HasPrefix(path, EnginePath+"/"):
		g.pass(w, r)
	default:
		edge.Write(w, r, edge.Answer{
			Status: http.StatusNotFound,
			Body:   edge.UpperMessage("The admin endpoint has nothing at " + path),
		})
	}
}

// replace puts what a request brings in the place of what is in force.
func (g *Guard) replace(w http.ResponseWriter, r *http.Request, what string, set func([]byte) error) {
	answer := func(status int, body []byte) { edge.Write(w, r, edge.Answer{Status: status, Body: body}) }
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAdminBody))
	switch {
	case err != nil:
		answer(http.StatusRequestEntityTooLarge, edge.UpperMessage("The "+what+" did not come whole: "+err.Error()))
	case r.Method != http.MethodPut:
		w.Header().Set("Allow", http.MethodPut)
		answer(http.StatusMethodNotAllowed, edge.UpperMessage("PUT replaces the "+what))
	default:
		if err := set(data); err != nil {
			answer(http.StatusBadRequest, edge.UpperMessage(err.Error()))
			return
		}
		g.log.InfoContext(r.Context(), "replaced by the admin endpoint", "what", what)
		answer(http.StatusOK, []byte("{}\n"))
	}
}

// pass hands a request to the engine as if the gate had allowed it.
func (g *Guard) pass(w http.ResponseWriter, r *http.Request) {
	to := r.Clone(r.Context())
	to.RequestURI = strings.TrimPrefix(r.RequestURI, EnginePath)
	u, err := url.ParseRequestURI(to.RequestURI)
	if err != nil {
		edge.Write(w, r, edge.Answer{Status: http.StatusBadRequest, Body: edge.UpperMessage(err.Error())})
		return
	}
	to.URL = u
	to.Header.Del("Authorization")
	to.Body = http.MaxBytesReader(w, r.Body, g.cfg.MaxBody)
	g.cfg.Backend.ServeHTTP(w, to)
}
