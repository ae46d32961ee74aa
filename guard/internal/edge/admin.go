package edge

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// Admin lets requests through to next that come from this machine, as the socket has it whatever a proxy says, and
// bring the token, which a web page in a browser of this machine does not have.
func Admin(token string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := sha256.Sum256([]byte(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
		if !ParseAddr(r.RemoteAddr).IsLoopback() || subtle.ConstantTimeCompare(given[:], want[:]) != 1 {
			drain(w, r)
			Write(w, r, Answer{
				Status: http.StatusForbidden,
				Body:   UpperMessage("The admin endpoint takes requests from this machine with its token only"),
			})
			return
		}
		next.ServeHTTP(w, r)
	})
}
