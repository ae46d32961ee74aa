package guard_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/identity"
)

// A test changes who may do what while its domain runs, and looks at the documents past the gate.
func TestTheAdminEndpointReplacesPolicyAndIdentities(t *testing.T) {
	t.Parallel()
	held := guard.NewPolicyInMemory(nil, guard.ParseAccessPolicy)
	ids := identity.New()
	d := newDomain(t, "deny", func(c *guard.Config) {
		c.AdminToken, c.Policy, c.SetPolicy, c.Identities = "sesame", held.Policy, held.Set, ids
	})
	admin := func(method, target, token, body string) (int, string) {
		r := d.request(t, method, target, body)
		r.Header.Set("Authorization", "Bearer "+token)
		resp, text := send(t, r)
		return resp.StatusCode, text
	}
	want := func(what string, status int, text string, wantStatus int, wantText string) {
		t.Helper()
		if status != wantStatus || !strings.Contains(text, wantText) {
			t.Errorf("%s: got %d %s, want %d %q", what, status, text, wantStatus, wantText)
		}
	}
	call := func() (int, string) { return d.do(t, "", "GET", "/", "") }
	status, text := call()
	want("no policy", status, text, http.StatusForbidden, "anonymous is not authorized")
	const open = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"es:*","Resource":"*"}]}`
	status, text = admin("PUT", guard.PolicyPath, "guess", open)
	want("a wrong token", status, text, http.StatusForbidden, "with its token only")
	status, text = call()
	want("after a wrong token", status, text, http.StatusForbidden, "")
	status, text = admin("PUT", guard.PolicyPath, "sesame", open)
	want("a policy", status, text, http.StatusOK, "")
	status, text = call()
	want("at once", status, text, http.StatusOK, "ok")
	status, text = admin("PUT", guard.PolicyPath, "sesame", `{"Version":"2012-10-17"}`)
	want("half a policy", status, text, http.StatusBadRequest, "policy: ")
	status, text = call()
	want("the one before", status, text, http.StatusOK, "ok")
	status, text = admin("PUT", guard.PolicyPath, "sesame", "null")
	want("none", status, text, http.StatusOK, "")
	status, text = call()
	want("without one", status, text, http.StatusForbidden, "")

	status, text = admin("GET", guard.EnginePath+"/idx/_search?q=a%2Fb", "sesame", "")
	want("past the gate", status, text, http.StatusOK, "ok")
	if got := d.reached(); len(got) == 0 || got[len(got)-1].Line != "GET /idx/_search?q=a%2Fb" {
		t.Errorf("the engine got %v", got)
	}
	status, text = admin("GET", guard.EnginePath+"/", "", "")
	want("past the gate without the token", status, text, http.StatusForbidden, "with its token only")

	status, text = admin("PUT", guard.IdentitiesPath, "sesame", `{"users":[{"arn":"arn:aws:iam::123456789012:user/new"}]}`)
	want("identities", status, text, http.StatusOK, "")
	if users := ids.Users(); len(users) != 1 || users[0].ARN != "arn:aws:iam::123456789012:user/new" {
		t.Errorf("users: %v", users)
	}
	status, text = admin("PUT", guard.IdentitiesPath, "sesame", `{"users":[{"arn":"new"}]}`)
	want("bad identities", status, text, http.StatusBadRequest, "replace identities: ")
	if len(ids.Users()) != 1 {
		t.Error("bad identities took the good ones away")
	}
	status, text = admin("DELETE", guard.IdentitiesPath, "sesame", "")
	want("another method", status, text, http.StatusMethodNotAllowed, "PUT replaces the identities")
	status, text = admin("GET", guard.AdminPath+"more", "sesame", "")
	want("another path", status, text, http.StatusNotFound, "/_penstock/more")
}

// Whose policy or identities are in a file changes the file.
func TestTheAdminEndpointLeavesFilesAlone(t *testing.T) {
	t.Parallel()
	d := newDomain(t, "open", func(c *guard.Config) { c.AdminToken = "sesame" })
	r := d.request(t, "PUT", guard.PolicyPath, "null")
	r.Header.Set("Authorization", "Bearer sesame")
	if resp, text := send(t, r); resp.StatusCode != http.StatusNotFound {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}
